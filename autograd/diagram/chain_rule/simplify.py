"""A rule made simpler where that is beyond doubt: `0.5 × 2 × (0.01 − o) ^ (2 − 1) × (−1)` is `o − 0.01`.

It works on the trees of `autograd.notation`, with numbers as `("number", x)`. Numbers are folded, 1 leaves products and
0 leaves sums, powers of 1 and 0 go, equal terms are counted, signs move to the front, fractions become one. It knows
nothing else: what is left stands in the order in which it was written.

Every step holds for real numbers. Where a value is nan or infinite, `0 × x` is no 0, and a rule is better left alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from autograd.notation import Tree

_RELATIONS: dict[str, Callable[[float, float], bool]] = {
    "=": float.__eq__, "<": float.__lt__, ">": float.__gt__, "≤": float.__le__, "≥": float.__ge__,
}  # fmt: skip


def constant(x: float) -> Tree:
    """The tree of a number."""
    return "number", x


def bare(tree: Tree) -> Tree:
    """The tree without its parentheses, which its shape says too; those round what a function is applied to stay."""
    kind, *parts = tree
    if kind == "fence" and parts[0] == "(":
        return bare(parts[1])
    if kind == "call" and parts[2][0] == "fence":
        name, exponent, (_, opening, inside) = parts
        return kind, name, exponent, ("fence", opening, bare(inside))
    return kind, *(bare(part) if isinstance(part, tuple) else part for part in parts)


def simplified(tree: Tree) -> Tree:
    """The tree, without parentheses for grouping, in a simpler form of the same value.

    >>> from autograd.notation import fenced, parse, replaced, text_of
    >>> number = lambda part: constant(float(part[1])) if part[0] == "atom" and part[1][0].isdigit() else part
    >>> tree = simplified(bare(replaced(parse("1 × x ^ (2 − 1) + x"), number)))
    >>> tree
    ('product', '×', ('number', 2.0), ('atom', 'x'))
    """
    kind, *parts = tree
    tree = kind, *(simplified(part) if isinstance(part, tuple) else part for part in parts)
    rule = _RULES.get(kind)
    return rule(tree) if rule is not None else tree


def _number(tree: Tree) -> float | None:
    return float(tree[1]) if tree[0] == "number" else None


class _Fraction(NamedTuple):
    """`top × over[0] × over[1] … ÷ (bottom × under[0] × …)`: any product in one form."""

    top: float
    bottom: float
    over: tuple[Tree, ...] = ()
    under: tuple[Tree, ...] = ()

    def times(self, other: _Fraction) -> _Fraction:
        return _Fraction(
            self.top * other.top, self.bottom * other.bottom, self.over + other.over, self.under + other.under
        )

    @property
    def usable(self) -> bool:
        """Whether its numbers are still those that were written: none too large, no division by 0."""
        return math.isfinite(self.top) and math.isfinite(self.bottom) and self.bottom != 0


def _fraction(tree: Tree) -> _Fraction:
    """A tree as a fraction; what is none is a factor of it."""
    whole = _Fraction(1.0, 1.0, (tree,))
    match tree:
        case ("number", x):
            found = _Fraction(x, 1.0)
        case ("minus", inside):
            found = _Fraction(-1.0, 1.0).times(_fraction(inside))
        case ("product", "×", left, right):
            found = _fraction(left).times(_fraction(right))
        case ("product", "÷", left, right):
            below = _fraction(right)
            found = _fraction(left).times(_Fraction(below.bottom, below.top, below.under, below.over))
        case _:
            return whole
    return found if found.usable else whole


def _reduced(top: float, bottom: float) -> tuple[float, float]:
    """`top ÷ bottom` in lowest terms; 1 ÷ 3 stays a fraction, 0.5 ÷ 2 is 0.25."""
    if bottom < 0:
        top, bottom = -top, -bottom
    if not (top.is_integer() and bottom.is_integer()):
        return top / bottom, 1.0
    divisor = math.gcd(int(top), int(bottom))
    return top / divisor, bottom / divisor


def _product(tree: Tree) -> Tree:
    top, bottom, over, under = _fraction(tree)
    if over == (tree,):
        return tree
    top, bottom = _reduced(top, bottom)
    if top == 0:
        return constant(0.0)
    negative = math.copysign(1.0, top) < 0
    differences = [i for i, factor in enumerate(over) if factor[:2] == ("sum", "−")]
    if negative and differences:  # −(a − b) is b − a
        i = differences[0]
        over, negative = (*over[:i], ("sum", "−", over[i][3], over[i][2]), *over[i + 1 :]), False
    over = over if abs(top) == 1 and over else (constant(abs(top)), *over)
    if negative:
        over = (_minus(over[0]), *over[1:])
    under = under if bottom == 1 else (constant(bottom), *under)
    return ("product", "÷", _chain(over), _chain(under)) if under else _chain(over)


def _minus(tree: Tree) -> Tree:
    return constant(-tree[1]) if tree[0] == "number" else ("minus", tree)


def _chain(factors: Iterable[Tree]) -> Tree:
    first, *others = factors
    for factor in others:
        first = "product", "×", first, factor
    return first


def _terms(tree: Tree, sign: float) -> list[_Fraction]:
    """The terms of a sum, each with its sign."""
    if tree[0] == "sum":
        return _terms(tree[2], sign) + _terms(tree[3], sign if tree[1] == "+" else -sign)
    if tree[0] == "minus":
        return _terms(tree[1], -sign)
    return [_Fraction(sign, 1.0).times(_fraction(tree))]


def _sum(tree: Tree) -> Tree:
    """Numbers added up, and equal terms: `x + 1 + x − 3` is `2 × x − 2`."""
    terms: dict[Any, _Fraction] = {}
    for term in _terms(tree, 1.0):
        key = term[1:]  # all but the number in front of it
        total = term.top + (terms[key].top if key in terms else 0.0)
        if (total == 0 and term[2:] != ((), ())) or not math.isfinite(total):
            return tree  # of x − x nothing would be left, which is wrong where x is infinite
        terms[key] = _Fraction(total, *key)
    kept = [term for term in terms.values() if term.top != 0]
    if not kept:
        return constant(0.0)
    if kept[0].top < 0:
        kept.sort(key=lambda term: term.top < 0)  # −x + 1 is 1 − x
    first, *others = kept
    tree = _product(_written(first, first.top))
    for term in others:
        tree = "sum", "+" if term.top > 0 else "−", tree, _product(_written(term, abs(term.top)))
    return tree


def _written(fraction: _Fraction, top: float) -> Tree:
    over, under = _chain((constant(top), *fraction.over)), _chain((constant(fraction.bottom), *fraction.under))
    return "product", "÷", over, under


def _power(tree: Tree) -> Tree:
    below: Tree = tree[1]
    base, exponent = _number(below), _number(tree[2])
    if exponent == 1:
        return below
    if exponent == 0:
        return constant(1.0)
    if base is not None and exponent is not None:
        try:
            return constant(math.pow(base, exponent))
        except (ValueError, OverflowError):
            pass
    return tree


def _relation(tree: Tree) -> Tree:
    left, right = _number(tree[1]), _number(tree[3])
    if len(tree) > 4 or left is None or right is None:
        return tree
    return constant(float(_RELATIONS[tree[2]](left, right)))


def _choice(tree: Tree) -> Tree:
    """The branch that is taken, where that is known."""
    yes: Tree = tree[1]
    no: Tree = tree[3]
    condition = _number(tree[2])
    if condition is not None:
        return yes if condition else no
    return yes if yes == no else tree


_RULES: dict[str, Callable[[Tree], Tree]] = {
    "sum": _sum, "product": _product, "minus": _product, "power": _power, "relation": _relation, "choice": _choice,
}  # fmt: skip
