"""An equation in parts, and one writer for each way to show them: text, LaTeX, MathML.

A row of an equation is a tree of `Sum`, `Product`, `Derivative`, `Number`, `Rule`, and `Omission`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from .mathml import Math, derivative, mo, mtext


class Sum(NamedTuple):
    """One term or several."""

    terms: Sequence[Part]


class Product(NamedTuple):
    """One factor or several: derivatives with `·` between them, or numbers with `×`."""

    factors: Sequence[Part]
    sign: str


class Derivative(NamedTuple):
    """∂numerator/∂denominator; `direct` where it is one way among several between the two."""

    numerator: str
    denominator: str
    direct: bool = False


class Number(NamedTuple):
    """A number, as text with a true minus; as a `factor` it stands in parentheses when negative."""

    text: str
    factor: bool = False


class Rule(NamedTuple):
    """What a derivative is by its rule, in both notations."""

    text: str
    latex: str


class Omission(NamedTuple):
    """So many factors or terms that are not written."""

    omitted: int
    inside: bool  # it stands between factors, and not at the end of a sum


Part: TypeAlias = Sum | Product | Derivative | Number | Rule | Omission


def as_text(part: Part) -> str:
    """A part as a line of text.

    >>> as_text(Sum([Product([Number("12", True), Number("−3", True)], "×"), Number("1", True)]))
    '12 × (−3) + 1'
    """
    match part:
        case Sum(terms):
            return " + ".join(map(as_text, terms))
        case Product(factors, sign):
            return f" {sign} ".join(map(as_text, factors))
        case Derivative(numerator, denominator, direct):
            return f"∂{numerator}/∂{denominator}" + (" (direct)" if direct else "")
        case Number(text, factor):
            return f"({text})" if factor and text[0] == "−" else text
        case Rule(text, _):
            return text
        case Omission(omitted, inside):
            return f"⋯ ({omitted} more) ⋯" if inside else f"… {omitted} more"


def as_latex(part: Part) -> str:
    """A part in LaTeX mathematics."""
    match part:
        case Sum(terms):
            return " + ".join(map(as_latex, terms))
        case Product(factors, sign):
            return {"·": r" \cdot ", "×": r" \times "}[sign].join(map(as_latex, factors))
        case Derivative(numerator, denominator, direct):
            fraction = rf"\frac{{\partial {latex_name(numerator)}}}{{\partial {latex_name(denominator)}}}"
            return rf"\left. {fraction} \right|_{{\text{{direct}}}}" if direct else fraction
        case Number(text, factor):
            number = _latex_number(text)
            return rf"\left({number}\right)" if factor and number[0] == "-" else number
        case Rule(_, latex):
            return latex
        case Omission(omitted, inside):
            return rf"\cdots \text{{ ({omitted} more) }} \cdots" if inside else rf"\cdots \text{{ ({omitted} more)}}"


def as_mathml(part: Part) -> Math:
    """A part as a tree of MathML."""
    match part:
        case Sum([only]) | Product([only], _):
            return as_mathml(only)
        case Sum(parts) | Product(parts, _):
            sign = mo(part.sign if isinstance(part, Product) else "+")
            first, *others = map(as_mathml, parts)
            return ["mrow", first, *(element for other in others for element in (sign, other))]
        case Derivative(numerator, denominator, direct):
            fraction = derivative(numerator, denominator)
            return ["mrow", fraction, mtext("\u00a0(direct)")] if direct else fraction
        case Number():
            return ["mn", as_text(part)]
        case Rule() | Omission():
            return mtext(as_text(part))


def _latex_number(text: str) -> str:
    text = text.replace("−", "-")
    text = re.sub(r"e([+-]?)0*(\d+)$", lambda m: rf" \cdot 10^{{{m[1].replace('+', '')}{m[2]}}}", text)
    return {"inf": r"\infty", "-inf": r"-\infty", "nan": r"\text{nan}"}.get(text, text)


_IN_TEXT = str.maketrans({
    "\\": "∖", "^": "ˆ", "~": "∼", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "<": "‹", ">": "›",
})  # fmt: skip


def latex_name(name: str) -> str:
    r"""A name in LaTeX mathematics: `w1` as w₁, `net_h1` as net with an index, anything else as upright text.

    >>> latex_name("w1"), latex_name("net_h1"), latex_name("my w")
    ('w_{1}', '\\mathrm{net}_{\\mathrm{h1}}', '\\text{my w}')
    """
    if re.fullmatch(r"\(?[\d.−e]+\)?", name):
        return name.replace("−", "-")
    plain = re.fullmatch(r"([A-Za-z])_?([A-Za-z0-9]*)", name)
    if plain and (not plain[2] or plain[2].isdigit()):
        return plain[1] + (f"_{{{plain[2]}}}" if plain[2] else "")
    subscripted = re.fullmatch(r"([A-Za-z])([₀-₉]+)", name)
    if subscripted:
        return f"{subscripted[1]}_{{{''.join(str(ord(c) - 0x2080) for c in subscripted[2])}}}"
    indexed = re.fullmatch(r"([A-Za-z][A-Za-z0-9]*)_([A-Za-z0-9]+)", name)
    if indexed:
        return rf"\mathrm{{{indexed[1]}}}_{{\mathrm{{{indexed[2]}}}}}"
    return r"\text{" + name.translate(_IN_TEXT) + "}"
