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
    return latex_of(parse(text))


@functools.lru_cache(maxsize=4096)
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


def latex_of(tree: Tree) -> str:
    """Return a tree in LaTeX. Besides what `parse` makes it may hold ``("name", text, latex)``."""
    writer: Callable[..., str] = _LATEX[tree[0]]
    return writer(*tree[1:])


def text_of(tree: Tree) -> str:
    """Return a tree as text, which `parse` reads again if every name in it can be read.

    >>> text_of(parse("#1×#0^(#1 − 1)"))
    '#1 × #0 ^ (#1 − 1)'
    """
    writer: Callable[..., str] = _TEXT[tree[0]]
    return writer(*tree[1:])


def replaced(tree: Tree, change: Callable[[Tree], Tree]) -> Tree:
    """Return the tree with each of its parts, from the inside out, as `change` makes it.

    >>> replaced(parse("#0 + 1"), lambda part: ("atom", "x") if part == ("atom", "#0") else part)
    ('sum', '+', ('atom', 'x'), ('atom', '1'))
    """
    return change((tree[0], *(replaced(part, change) if isinstance(part, tuple) else part for part in tree[1:])))


# How strongly each part binds, by the grammar: one that binds less than its place asks for needs parentheses.
_BINDING = {
    "formula": 0, "choice": 1, "relation": 2, "sum": 3, "product": 4, "minus": 5, "power": 6, "root": 7, "call": 7,
}  # fmt: skip
_PLACES = {
    "formula": (1, 1), "choice": (2, 2), "relation": (3, 3), "sum": (3, 4), "product": (4, 6), "minus": (6, 6),
    "power": (7, 6), "root": (8, 8), "call": (7, 7),
}  # fmt: skip


def fenced(tree: Tree) -> Tree:
    """Return a tree whose shape alone says what belongs together with the parentheses that writing it down takes.

    >>> text_of(fenced(("product", "×", ("sum", "+", ("atom", "x"), ("atom", "1")), ("minus", ("atom", "y")))))
    '(x + 1) × (−y)'
    """
    return replaced(tree, _with_fences)


def _with_fences(tree: Tree) -> Tree:
    kind = tree[0]
    if kind not in _PLACES:
        return tree
    first, later = _PLACES[kind]
    parts: list[Any] = []
    for part in tree[1:]:
        wanted = later if any(isinstance(p, tuple) for p in parts) else first
        parts.append(_with_fence(part, wanted, kind) if isinstance(part, tuple) else part)
    return kind, *parts


def _with_fence(part: Tree, wanted: int, inside: str) -> Tree:
    binds = _BINDING.get(part[0], 8)
    bare = binds >= wanted and not (inside == "sum" and wanted == 4 and _begins_with_minus(part))
    if inside in ("power", "call") and part[0] == "root":
        bare = False  # √x² would be the root of x²
    return part if bare else ("fence", "(", part)


def _begins_with_minus(tree: Tree) -> bool:
    while tree[0] == "product":
        tree = tree[2]
    return bool(tree[0] == "minus")


def _without_parentheses(tree: Tree) -> str:
    """A part without the parentheses around it, where a bar or braces tell what belongs together."""
    return latex_of(tree[2] if tree[0] == "fence" and tree[1] == "(" else tree)


def _atom(name: str) -> str:
    if name in GREEK:
        return GREEK[name]
    if not name.isascii():
        raise NotationError(f"{name} has no name in LaTeX here")
    return name if not name.isalpha() or len(name) == 1 else rf"\operatorname{{{name}}}"


def _fence(opening: str, inside: Tree) -> str:
    before, after = _FENCES[opening]
    latex = latex_of(inside)
    if opening == "(" and (r"\frac" in latex or r"\begin" in latex):
        before, after = r"\left(", r"\right)"  # as high as what they hold
    return f"{before}{latex}{after}"


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
        inside[0] in ("atom", "name") or (argument[0] == "call" and argument[1] not in _NO_PARENTHESES)
    ):
        return f"{function} {latex_of(inside)}"
    return f"{function}{_fence('(', inside)}"


def _power(base: Tree, exponent: Tree) -> str:
    below, above = latex_of(base), _without_parentheses(exponent)
    if base[0] in ("call", "power", "root"):
        below = f"({below})"  # a second exponent, or one that would go to the argument
    if below[0] == "#" or (base[0] == "name" and "^" in below):
        below = f"{{{below}}}"  # what stands for it may have an index
    return f"{below}^{above}" if len(above) == 1 else f"{below}^{{{above}}}"


def _product(sign: str, left: Tree, right: Tree) -> str:
    if sign == "÷":
        if left[0] == "minus":
            return f"-{_product(sign, left[1], right)}"
        return rf"\frac{{{_without_parentheses(left)}}}{{{_without_parentheses(right)}}}"
    # 2 x, y (1 − y) and y ln 2 need no dot; x · y does
    factor = latex_of(right)
    signed = right[0] == "fence" and right[2][0] == "minus"  # w (−2) would be read as a function of −2
    number = left[0] == "atom" and left[1][0].isdigit()
    joined = (right[0] in ("fence", "call") and not signed) or (number and not factor[0].isdigit())
    return f"{latex_of(left)} {'' if joined and sign == '×' else SIGNS[sign] + ' '}{factor}"


def _choice(yes: Tree, condition: Tree, no: Tree) -> str:
    """Iverson's bracket where it is 1 or 0, else cases."""
    if (yes, no) == (("atom", "1"), ("atom", "0")):
        return f"[{latex_of(condition)}]"
    if (yes, no) == (("atom", "0"), ("atom", "1")):
        return rf"[\lnot {latex_of(condition)}]"
    return (
        rf"\begin{{cases}} {latex_of(yes)} & {latex_of(condition)} \\ {latex_of(no)} & \text{{otherwise}} \end{{cases}}"
    )


_LATEX: dict[str, Callable[..., str]] = {
    "formula": lambda *parts: ", ".join(map(latex_of, parts)),
    "choice": _choice,
    "relation": lambda *parts: " ".join(SIGNS.get(p, p) if isinstance(p, str) else latex_of(p) for p in parts),
    "sum": lambda sign, left, right: f"{latex_of(left)} {SIGNS.get(sign, sign)} {latex_of(right)}",
    "product": _product,
    "minus": lambda inside: f"-{latex_of(inside)}",
    "power": _power,
    "root": lambda sign, inside: f"{_ROOTS[sign]}{{{_without_parentheses(inside)}}}",
    "call": _call,
    "fence": _fence,
    "atom": _atom,
    "name": lambda text, latex: latex,
}


def _call_text(name: str, exponent: str, argument: Tree) -> str:
    power = "".join(sign for sign, digit in _EXPONENTS.items() if digit == exponent)
    return f"{name}{power}{'' if argument[0] == 'fence' else ' '}{text_of(argument)}"


def _power_text(base: Tree, exponent: Tree) -> str:
    for sign, digit in _EXPONENTS.items():
        if exponent == ("atom", digit):
            return text_of(base) + sign
    return f"{text_of(base)} ^ {text_of(exponent)}"


_TEXT: dict[str, Callable[..., str]] = {
    "formula": lambda *parts: ", ".join(map(text_of, parts)),
    "choice": lambda yes, condition, no: f"{text_of(yes)} if {text_of(condition)} else {text_of(no)}",
    "relation": lambda *parts: " ".join(p if isinstance(p, str) else text_of(p) for p in parts),
    "sum": lambda sign, left, right: f"{text_of(left)} {sign} {text_of(right)}",
    "product": lambda sign, left, right: f"{text_of(left)} {sign} {text_of(right)}",
    "minus": lambda inside: f"−{text_of(inside)}",
    "power": _power_text,
    "root": lambda sign, inside: f"{sign}{text_of(inside)}",
    "call": _call_text,
    "fence": lambda opening, inside: f"{opening}{text_of(inside)}{_CLOSING[opening]}",
    "atom": lambda name: name,
    "name": lambda text, latex: text,
}
