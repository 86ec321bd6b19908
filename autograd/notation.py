r"""The notation of the table: formulas as plain text, read into a tree and written as LaTeX.

A row says each formula once, as a person would type it: ``#1 × #0 ^ (#1 − 1)``, where ``#0``, ``#1`` … are the operands
and ``#y`` is the result. The grammar, from what binds least to what binds most; each line is a method of the reader:

    formula    choice {, choice}
    choice     relation [if relation else choice]
    relation   sum {= < > ≤ ≥ sum}
    sum        product {+ − product}
    product    signed {× ÷ mod signed}
    signed     [−] power
    power      factor [^ signed]
    factor     function factor, or √ factor, ∛ factor, or atom, with ² or ³ behind it or not
    atom       #0  3  x  (formula)  |formula|  ⌊formula⌋  ⌈formula⌉

>>> as_latex("#1 × #0 ^ (#1 − 1)")
'#1 \\cdot {#0}^{#1 - 1}'
>>> as_latex("1 if #0 > 0 else 0"), as_latex("exp(#0) ÷ (1 + √#1)")
('[#0 > 0]', '\\frac{e^{#0}}{1 + \\sqrt{#1}}')
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

Tree = tuple[Any, ...]  # the name of a part of the grammar, and its parts

_TOKEN = re.compile(r"\s*(#\d+|#y|\d+(?:\.\d+)?|[^\W\d_][^\W²³]*|\S)")
GREEK = {
    "σ": r"\sigma", "ψ": r"\psi", "Γ": r"\Gamma", "Φ": r"\Phi", "φ": r"\varphi", "λ": r"\lambda", "α": r"\alpha",
    "π": r"\pi",
}  # fmt: skip
SIGNS = {"−": "-", "×": r"\cdot", "≤": r"\le", "≥": r"\ge", "mod": r"\bmod"}
_EXPONENTS = {"²": "2", "³": "3"}
# Functions that need no parentheses round a single letter: sin x, but sin(x + y).
_NO_PARENTHESES = {
    "ln": r"\ln", "log₂": r"\log_2", "log₁₀": r"\log_{10}", "sin": r"\sin", "cos": r"\cos", "tan": r"\tan",
    "asin": r"\arcsin", "acos": r"\arccos", "atan": r"\arctan", "sinh": r"\sinh", "cosh": r"\cosh", "tanh": r"\tanh",
    "asinh": r"\operatorname{arsinh}", "acosh": r"\operatorname{arcosh}", "atanh": r"\operatorname{artanh}",
}  # fmt: skip
_FUNCTIONS = _NO_PARENTHESES | GREEK | {"max": r"\max", "min": r"\min"}
_ROOTS = {"√": r"\sqrt", "∛": r"\sqrt[3]"}
_CLOSING = {"(": ")", "|": "|", "⌊": "⌋", "⌈": "⌉"}
_FENCES = {
    "(": ("(", ")"), "|": (r"\left|", r"\right|"), "⌊": (r"\left\lfloor ", r" \right\rfloor"),
    "⌈": (r"\left\lceil ", r" \right\rceil"),
}  # fmt: skip


class NotationError(ValueError):
    """A formula does not follow the grammar."""


@functools.lru_cache(maxsize=1024)
def as_latex(text: str) -> str:
    """Return the formula in LaTeX; operands stay ``#0``, ``#1`` … Raises NotationError where it cannot be read."""
    return _latex(parse(text))


def parse(text: str) -> Tree:
    """Return the tree of a formula.

    >>> parse("#0 × (#1 + 2)")
    ('product', '×', ('atom', '#0'), ('fence', '(', ('sum', '+', ('atom', '#1'), ('atom', '2'))))
    """
    reader = _Reader(text)
    tree = reader.formula()
    if reader.token:
        raise NotationError(f"the formula {text!r} goes on after its end, with {reader.token!r}")
    return tree


class _Reader:
    """Reads the tokens of a formula, one function for each line of the grammar."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = [*_TOKEN.findall(text), ""]
        self.position = 0

    @property
    def token(self) -> str:
        """The token that comes next; empty at the end."""
        return str(self.tokens[self.position])

    def take(self) -> str:
        self.position += 1
        return str(self.tokens[self.position - 1])

    def expect(self, wanted: str) -> None:
        if self.take() != wanted:
            raise NotationError(f"the formula {self.text!r} lacks a {wanted!r}")

    def formula(self) -> Tree:
        parts = [self.choice()]
        while self.token == ",":
            self.take()
            parts.append(self.choice())
        return parts[0] if len(parts) == 1 else ("formula", *parts)

    def choice(self) -> Tree:
        first = self.relation()
        if self.token != "if":
            return first
        self.take()
        condition = self.relation()
        self.expect("else")
        return "choice", first, condition, self.choice()

    def relation(self) -> Tree:
        parts: list[Any] = [self.sum()]
        while self.token and self.token in "=<>≤≥":
            parts += [self.take(), self.sum()]
        return parts[0] if len(parts) == 1 else ("relation", *parts)

    def sum(self) -> Tree:
        tree = self.product()
        while self.token and self.token in "+−":
            tree = "sum", self.take(), tree, self.product()
        return tree

    def product(self) -> Tree:
        tree = self.signed()
        while self.token in ("×", "÷", "mod"):
            tree = "product", self.take(), tree, self.signed()
        return tree

    def signed(self) -> Tree:
        if self.token == "−":
            self.take()
            return "minus", self.power()
        return self.power()

    def power(self) -> Tree:
        base = self.factor()
        if self.token != "^":
            return base
        self.take()
        return "power", base, self.signed()

    def factor(self) -> Tree:
        if self.token in _ROOTS:
            return "root", self.take(), self.factor()
        tree = self.atom()
        exponent = _EXPONENTS[self.take()] if self.token in _EXPONENTS else ""
        if self._is_function(tree):
            argument = self.atom() if self.token == "(" else self.factor()
            tree = "call", tree[1], exponent, argument
            exponent = _EXPONENTS[self.take()] if self.token in _EXPONENTS else ""
        elif tree[1] in _NO_PARENTHESES:
            raise NotationError(f"the formula {self.text!r} lacks what {tree[1]} is applied to")
        return ("power", tree, ("atom", exponent)) if exponent else tree

    def _is_function(self, tree: Tree) -> bool:
        """Whether a name is followed by what it is applied to: ``exp(…)``, ``ln #0``, ``ln Γ(#0)``."""
        if tree[0] != "atom" or not tree[1][0].isalpha():
            return False
        return self.token == "(" or (tree[1] in _NO_PARENTHESES and bool(re.match(r"#|\d|[^\W\d_]|√", self.token)))

    def atom(self) -> Tree:
        opening = self.take()
        if opening in _CLOSING:
            inside = self.formula()
            self.expect(_CLOSING[opening])
            return "fence", opening, inside
        if not re.fullmatch(r"#\d+|#y|\d.*|[^\W\d_].*", opening):
            raise NotationError(f"the formula {self.text!r} has {opening!r} where a number or a name belongs")
        return "atom", opening


def _latex(tree: Tree) -> str:
    writer: Callable[..., str] = _WRITERS[tree[0]]
    return writer(*tree[1:])


def _without_parentheses(tree: Tree) -> str:
    """A part without the parentheses around it, where a bar or braces tell what belongs together."""
    return _latex(tree[2] if tree[0] == "fence" and tree[1] == "(" else tree)


def _atom(name: str) -> str:
    if name in GREEK:
        return GREEK[name]
    if not name.isascii():
        raise NotationError(f"{name} has no name in LaTeX here")
    return name if not name.isalpha() or len(name) == 1 else rf"\operatorname{{{name}}}"


def _fence(opening: str, inside: Tree) -> str:
    before, after = _FENCES[opening]
    return f"{before}{_latex(inside)}{after}"


def _call(name: str, exponent: str, argument: Tree) -> str:
    if name == "exp" and exponent:
        return _power(("call", name, "", argument), ("atom", exponent))
    if name == "exp":
        return f"e^{{{_without_parentheses(argument)}}}"
    if name not in _FUNCTIONS and not name.isascii():
        raise NotationError(f"{name} has no name in LaTeX here")
    function = _FUNCTIONS.get(name) or r"\operatorname{" + name.replace("_", r"\_") + "}"
    function += f"^{exponent}" if exponent else ""
    inside = argument[2] if argument[0] == "fence" else argument
    if name in _NO_PARENTHESES and (
        inside[0] == "atom" or (argument[0] == "call" and argument[1] not in _NO_PARENTHESES)
    ):
        return f"{function} {_latex(inside)}"
    return f"{function}{_fence('(', inside)}"


def _power(base: Tree, exponent: Tree) -> str:
    below, above = _latex(base), _without_parentheses(exponent)
    if base[0] in ("call", "power", "root"):
        below = f"({below})"  # a second exponent, or one that would go to the argument
    below = f"{{{below}}}" if below[0] == "#" else below  # what stands for it may have an index
    return f"{below}^{above}" if len(above) == 1 else f"{below}^{{{above}}}"


def _product(sign: str, left: Tree, right: Tree) -> str:
    if sign == "÷":
        if left[0] == "minus":
            return f"-{_product(sign, left[1], right)}"
        return rf"\frac{{{_without_parentheses(left)}}}{{{_without_parentheses(right)}}}"
    # 2 x, y (1 − y) and y ln 2 need no dot; x · y does
    factor = _latex(right)
    joined = right[0] in ("fence", "call") or (left[0] == "atom" and left[1][0].isdigit() and not factor[0].isdigit())
    return f"{_latex(left)} {'' if joined and sign == '×' else SIGNS[sign] + ' '}{factor}"


def _choice(yes: Tree, condition: Tree, no: Tree) -> str:
    """Iverson's bracket where it is 1 or 0, else cases."""
    if (yes, no) == (("atom", "1"), ("atom", "0")):
        return f"[{_latex(condition)}]"
    if (yes, no) == (("atom", "0"), ("atom", "1")):
        return rf"[\lnot {_latex(condition)}]"
    return rf"\begin{{cases}} {_latex(yes)} & {_latex(condition)} \\ {_latex(no)} & \text{{otherwise}} \end{{cases}}"


_WRITERS: dict[str, Callable[..., str]] = {
    "formula": lambda *parts: ", ".join(map(_latex, parts)),
    "choice": _choice,
    "relation": lambda *parts: " ".join(SIGNS.get(p, p) if isinstance(p, str) else _latex(p) for p in parts),
    "sum": lambda sign, left, right: f"{_latex(left)} {SIGNS.get(sign, sign)} {_latex(right)}",
    "product": _product,
    "minus": lambda inside: f"-{_latex(inside)}",
    "power": _power,
    "root": lambda sign, inside: f"{_ROOTS[sign]}{{{_without_parentheses(inside)}}}",
    "call": _call,
    "fence": _fence,
    "atom": _atom,
}
