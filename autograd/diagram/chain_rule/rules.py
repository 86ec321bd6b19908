"""Formulas with names in them: the rule behind a factor of the chain rule, and what a value without a name is.

A row of the table says each formula once, with places for the operands. Here the places are filled, and a rule is made
simpler (`simplify`).
"""

from __future__ import annotations

import functools
import math
import re
from collections import Counter
from collections.abc import Callable, Container, Iterator, Sequence

from autograd._engine import Value
from autograd.diagram.latex import Symbols, words
from autograd.diagram.picture.names import Names
from autograd.diagram.text import clean, number
from autograd.notation import NotationError, Tree, fenced, latex_of, parse, replaced, text_of

from .formula import Rule, latex_number
from .simplify import bare, constant, simplified

LONGEST_WRITTEN_OUT, LONGEST_MEANING, LONGEST_TEMPLATE = 32, 100, 400  # characters
_TERMS = 3  # of a sum that is too long to be written whole


class Rules:
    """Writes formulas with the names of a graph's values; those in `kept` are never written out."""

    def __init__(self, names: Names, symbols: Symbols, kept: Container[int], digits: int) -> None:
        self._names, self._symbols, self._kept = names, symbols, kept
        self._digits = max(digits, 6)  # of constants: `y × 1.0001` must not read `y × 1`
        self._operands: dict[int, list[Tree]] = {}

    def name(self, name: str) -> Tree:
        """The tree of a name."""
        return "name", name, self._symbols.of(name)

    def step(self, v: Value, positions: Sequence[int]) -> Tree | None:
        """The derivative of `v` by the operand that stands at these places, by its rule; None where none says it."""
        assert v.op is not None
        if id(v) not in self._operands:  # once for all operands: a sum may have thousands
            self._operands[id(v)] = [self._written(o) for o in v.operands]
        trees = Counter(self._derivative(v, i) for i in positions)
        if None in trees or not 0 < len(trees) <= _TERMS:
            return None
        terms = [tree if n == 1 else ("product", "×", constant(float(n)), tree) for tree, n in trees.items()]
        tree = functools.reduce(lambda a, b: ("sum", "+", a, b), filter(None, terms))
        branches = [part[1] for part in tree[1:] if isinstance(part, tuple) and part[0] == "number"]
        if tree[0] == "choice" and len(branches) == 2 and v.partials[positions[0]] not in branches:
            return None  # a tie, which shares the gradient: neither branch is right
        return tree

    def _derivative(self, v: Value, i: int) -> Tree | None:
        op, operands, result = v.op, self._operands[id(v)], self.name(self._names.of(v))
        assert op is not None
        rules = op.derivative_text
        template = rules[i] if isinstance(rules, tuple) else rules(i, len(operands))
        if len(template) > LONGEST_TEMPLATE:
            return None
        own = op.write_derivative(i, self._as(latex_of, v), "latex", result[2]) if op.derivative_latex else None
        tree = self._filled(template, operands, result, own)
        if tree is not None:
            return tree
        text = op.write_derivative(i, self._as(text_of, v), "text", result[1])
        return "formula", (
            "name",
            clean(text),
            clean(op.write_derivative(i, self._as(latex_of, v), "latex", result[2])),
        )

    def _as(self, write: Callable[[Tree], str], v: Value) -> list[str]:
        return [write(fenced_leaf(operand, self._digits)) for operand in self._operands[id(v)]]

    def _filled(self, template: str, operands: Sequence[Tree], result: Tree, own: str | None = None) -> Tree | None:
        """A formula of the table with its places filled; None where it does not follow the notation."""

        def change(part: Tree) -> Tree:
            if part[0] != "atom":
                return part
            if part[1][0] == "#":
                return result if part[1] == "#y" else operands[int(part[1][1:])]
            return constant(float(part[1])) if part[1][0].isdigit() else part

        shape = _shape(template)
        if shape is None:
            return None
        tree = replaced(shape, change)
        return ("name", written(tree, self._digits).text, own) if own else tree

    def _written(self, operand: Value | float) -> Tree:
        """A waypoint or a side value by name; what has no name by how it was computed, where that is short."""
        if not isinstance(operand, Value):
            return constant(float(operand))
        tree = self.name(self._names.of(operand))
        if operand.name or id(operand) in self._kept or operand.op is None:
            return tree
        if len(operand.operands) > _TERMS or any(isinstance(o, Value) and not o.name for o in operand.operands):
            return tree
        inner = self._formula(operand, [self._leaf(o) for o in operand.operands])
        return inner if inner is not None and len(written(inner, self._digits).text) <= LONGEST_WRITTEN_OUT else tree

    def _leaf(self, operand: Value | float) -> Tree:
        return self.name(self._names.of(operand)) if isinstance(operand, Value) else constant(float(operand))

    def _formula(self, v: Value, operands: Sequence[Tree]) -> Tree | None:
        assert v.op is not None
        template = v.op.text if isinstance(v.op.text, str) else v.op.text(len(operands))
        if len(template) > LONGEST_TEMPLATE:
            return None
        return self._filled(template, operands, self.name(self._names.of(v)))

    def product(self, steps: Sequence[Tree], value: float) -> Rule:
        """The product of the rules along a path, given from its beginning, where it comes to `value`."""
        chain = [step for step in reversed(steps) if step != constant(1.0)] or [constant(1.0)]
        tree = functools.reduce(lambda a, b: ("product", "×", a, b), chain)
        return written(simplified(tree) if math.isfinite(value) else tree, self._digits)

    def meaning(self, v: Value, way: Container[int]) -> Rule | None:
        """How `v` was computed; of a long sum the terms with values on the `way`. None for a leaf."""
        if v.op is None:
            return None
        tree = self._formula(v, [self._leaf(o) for o in v.operands]) if len(v.operands) <= LONGEST_MEANING else None
        if tree is not None:
            rule = written(simplified(tree) if tree[0] == "choice" else tree, self._digits)
            if len(rule.text) <= LONGEST_MEANING or len(v.operands) <= _TERMS:
                return rule
        return self._abridged(v, way) or self._in_words(v)

    def _abridged(self, v: Value, way: Container[int]) -> Rule | None:
        """A long sum by a few of its terms; None for what is no sum."""
        assert v.op is not None
        template = v.op.text if isinstance(v.op.text, str) else v.op.text(len(v.operands))
        terms = template.split(" + ")
        if len(terms) <= _TERMS or "(" in template:
            return None
        wanted = [t for t in terms if any(id(v.operands[int(i)]) in way for i in re.findall(r"#(\d+)", t))]
        kept = (wanted or terms)[:_TERMS]
        more = len(terms) - len(kept)
        tree = self._filled(" + ".join(kept), [self._leaf(o) for o in v.operands], self.name(self._names.of(v)))
        if tree is None:
            return None
        return written(
            ("sum", "+", tree, ("name", f"⋯ ({more} more)", rf"\cdots \text{{ ({more} more)}}")), self._digits
        )

    def _in_words(self, v: Value) -> Rule:
        assert v.op is not None
        text = f"{clean(v.op.name)} of {len(v.operands)} operands"
        if len(v.operands) <= _TERMS:
            text = clean(v.op.write([self._names.of(o) for o in v.operands], result=self._names.of(v)))
        return Rule(text, words(text))


@functools.lru_cache(maxsize=4096)
def _shape(template: str) -> Tree | None:
    """The tree of a formula of the table; None where it does not follow the notation, or has no LaTeX."""
    try:
        tree = bare(parse(template))
        latex_of(fenced(tree))
    except (NotationError, RecursionError):
        return None
    return tree


def fenced_leaf(tree: Tree, digits: int) -> Tree:
    """What is put into the place of an operand where a formula is no tree: in parentheses unless it is a name."""
    tree = fenced(_with_numbers(tree, digits))
    return tree if tree[0] in ("name", "atom") else ("fence", "(", tree)


def _with_numbers(tree: Tree, digits: int) -> Tree:
    """The tree with its numbers as they are written."""

    def change(part: Tree) -> Tree:
        if part[0] != "number":
            return part
        text = number(abs(part[1]), digits)
        leaf = ("atom", text) if re.fullmatch(r"\d+(\.\d+)?", text) else ("name", text, latex_number(text))
        return ("minus", leaf) if part[1] < 0 else leaf

    return replaced(tree, change)


def written(tree: Tree, digits: int) -> Rule:
    """A tree in both notations."""
    whole = fenced(_with_numbers(tree, digits))
    return Rule(clean(text_of(whole)), clean(latex_of(whole)), frozenset(_names(whole)), whole[0] == "choice")


def _names(tree: Tree) -> Iterator[str]:
    if tree[0] == "name":
        yield tree[1]
    else:
        for part in tree[1:]:
            if isinstance(part, tuple):
                yield from _names(part)
