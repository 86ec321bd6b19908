"""An equation in parts, and one writer for each way to show them: text, LaTeX, MathML.

A row of an equation is a tree of `Sum`, `Product`, `Derivative`, `Number`, `Rule`, and `Omission`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from autograd.diagram.latex import latex_name

from .mathml import Math, derivative, mi, mo, mtext


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


class Symbol(NamedTuple):
    """A value by its name."""

    name: str


class Rule(NamedTuple):
    """What a value or a derivative is made of, in both notations, and the names of values in it."""

    text: str
    latex: str
    names: frozenset[str] = frozenset()
    choice: bool = False  # before another sign of equality it stands in parentheses


class Omission(NamedTuple):
    """So many factors or terms that are not written."""

    omitted: int
    inside: bool  # it stands between factors, and not at the end of a sum


Part: TypeAlias = Sum | Product | Derivative | Number | Symbol | Rule | Omission


def names_in(part: Part) -> Iterator[str]:
    """The names in a part, from left to right."""
    match part:
        case Sum(parts) | Product(parts, _):
            for one in parts:
                yield from names_in(one)
        case Derivative(numerator, denominator):
            yield from (numerator, denominator)
        case Rule():
            yield from sorted(part.names)


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
        case Symbol(name):
            return name
        case Rule():
            return part.text
        case Omission(omitted, inside):
            return f"⋯ ({omitted} more) ⋯" if inside else f"… {omitted} more"


COLUMN = 45  # letters of 10 points in a column of 246 points


def columns(part: Part, name: Callable[[str], str] = latex_name) -> int:
    """About how many letters wide a part is in LaTeX."""
    return sum(width for width, _ in _pieces(part, name))


def in_lines(part: Part, name: Callable[[str], str] = latex_name, room: int = COLUMN) -> list[str]:
    r"""A part in LaTeX, in lines of about as many letters as there is `room` for: broken before a sign, + first.

    >>> in_lines(Sum([Product([Number("12"), Number("3")], "×"), Product([Number("5"), Number("7")], "×")]), room=9)
    ['12 \\times 3', '+ 5 \\times 7']
    """
    lines, used = [""], 0
    terms: list[list[tuple[int, str]]] = []
    for width, latex in _pieces(part, name):
        if latex.startswith(" +") or not terms:
            terms.append([])
        terms[-1].append((width, latex))
    for term in terms:
        if used and used + sum(width for width, _ in term) > room:
            lines, used = [*lines, ""], 0
        for width, latex in term:
            if used and used + width > room and latex.startswith(" "):
                lines, used = [*lines, ""], 0
            lines[-1] += latex if lines[-1] else latex.lstrip()
            used += width
    return lines


def _pieces(part: Part, name: Callable[[str], str]) -> Iterator[tuple[int, str]]:
    """The LaTeX of a part in pieces that hold together, each with about how many letters wide it is."""
    match part:
        case Sum(parts) | Product(parts, _):
            latex = " + " if isinstance(part, Sum) else {"·": r" \cdot ", "×": r" \times "}[part.sign]
            for i, one in enumerate(parts):
                for j, (width, piece) in enumerate(_pieces(one, name)):
                    yield (width + 3, latex + piece) if i and not j else (width, piece)
        case Derivative(numerator, denominator, direct):
            above, below = name(numerator), name(denominator)
            fraction = rf"\frac{{\partial {above}}}{{\partial {below}}}"
            width = 1 + max(_width(above), _width(below))
            yield (width + 4, rf"\left. {fraction} \right|_{{\text{{direct}}}}") if direct else (width, fraction)
        case Number(text, factor):
            number = latex_number(text)
            yield len(text), rf"\left({number}\right)" if factor and number[0] == "-" else number
        case Symbol(text):
            yield _width(name(text)), name(text)
        case Rule():
            yield from _at_signs(part.latex)
        case Omission(omitted, inside):
            words = rf"\cdots \text{{ ({omitted} more) }} \cdots" if inside else rf"\cdots \text{{ ({omitted} more)}}"
            yield 14, words


def _at_signs(latex: str) -> Iterator[tuple[int, str]]:
    """A formula cut before the signs that stand in no braces and parentheses."""
    depth, cuts = 0, [0]
    for sign in re.finditer(r"\\[{}]|\\left|\\right|\\begin|\\end|[{}()]| (?:[+-]|\\cdot|\\times) ", latex):
        if sign[0].startswith(" "):
            cuts += [sign.start()] if not depth and sign.start() else []
        else:
            depth += {"{": 1, "}": -1, "(": 1, ")": -1, "\\begin": 1, "\\end": -1}.get(sign[0], 0)
    for start, end in itertools.pairwise([*cuts, len(latex)]):
        piece = latex[start:end]
        yield _width(piece) + 2 * piece.startswith(" "), piece  # a sign has room on either side


_FRACTION = re.compile(r"\\frac\{((?:[^{}]|\{[^{}]*\})*)\}\{((?:[^{}]|\{[^{}]*\})*)\}")


def _width(latex: str) -> int:
    """About how many letters wide it is: indices are small, of a fraction one part is."""
    latex = _FRACTION.sub(lambda m: max(m[1], m[2], key=len), latex)
    latex = re.sub(r"\\(?:mathrm|text|operatorname|left|right|hat|bar|tilde|begin|end)\b", "", latex)
    small = sum(len(re.sub(r"\\[A-Za-z]+|[{}\\]", "x", index)) for index in re.findall(r"[_^]\{([^{}]*)\}", latex))
    return len(re.sub(r"[{}_^ ]", "", re.sub(r"\\[A-Za-z]+", "x", latex))) - small // 3


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
        case Symbol(name):
            return mi(name)
        case Rule() | Omission():
            return mtext(as_text(part))


def latex_number(text: str) -> str:
    r"""A number as `text` in LaTeX.

    >>> latex_number("−1.5e−07")
    '-1.5 \\cdot 10^{-7}'
    """
    text = text.replace("−", "-")
    text = re.sub(r"e([+-]?)0*(\d+)$", lambda m: rf" \cdot 10^{{{m[1].replace('+', '')}{m[2]}}}", text)
    return {"inf": r"\infty", "-inf": r"-\infty", "nan": r"\text{nan}"}.get(text, text)
