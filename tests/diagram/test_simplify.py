"""Rules made simpler: what comes out, and that it has the value of what went in."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from autograd.diagram.chain_rule.rules import written
from autograd.diagram.chain_rule.simplify import bare, constant, simplified
from autograd.notation import Tree, fenced, parse, replaced, text_of

FUNCTIONS: dict[str, Callable[[float], float]] = {
    "exp": math.exp, "ln": math.log, "σ": lambda x: 1 / (1 + math.exp(-x)), "tanh": math.tanh, "cos": math.cos,
}  # fmt: skip
RELATIONS: dict[str, Callable[[float, float], bool]] = {"<": float.__lt__, ">": float.__gt__, "=": float.__eq__}


def value(tree: Tree, names: Mapping[str, float]) -> float:
    """What a tree comes to. It knows nothing of the simplifier: each part is what it says."""
    kind, *parts = tree
    if kind == "number":
        return float(parts[0])
    if kind == "atom":
        return names[parts[0]] if parts[0] in names else float(parts[0])
    if kind == "fence":
        inside = value(parts[1], names)
        return abs(inside) if parts[0] == "|" else inside
    if kind == "call":
        x = FUNCTIONS[parts[0]](value(parts[2], names))
        return x ** int(parts[1]) if parts[1] else x
    if kind == "choice":
        return value(parts[0] if value(parts[1], names) else parts[2], names)
    if kind == "relation":
        return float(RELATIONS[parts[1]](value(parts[0], names), value(parts[2], names)))
    numbers = [value(part, names) for part in parts if isinstance(part, tuple)]
    if kind == "power":
        return math.pow(*numbers)
    if kind == "minus":
        return -numbers[0]
    a, b = numbers
    return {"+": a + b, "−": a - b, "×": a * b}[parts[0]] if parts[0] != "÷" else a / b


def numbers_marked(tree: Tree) -> Tree:
    return replaced(tree, lambda p: constant(float(p[1])) if p[0] == "atom" and p[1][0].isdigit() else p)


def simple(text: str) -> str:
    return written(simplified(bare(numbers_marked(parse(text)))), 9).text


@pytest.mark.parametrize(
    ("text", "simpler"),
    [
        ("0.5 × (2 × (0.01 − o) ^ (2 − 1)) × (−1)", "o − 0.01"),
        ("0.5 × 2 × (0.01 − o) ^ (2 − 1)", "0.01 − o"),
        ("2 × x ^ (2 − 1)", "2 × x"), ("3 × x ^ (3 − 1)", "3 × x²"), ("1 × x ^ (1 − 1)", "1"), ("1 × y", "y"),
        ("0 × x ^ (0 − 1)", "0"), ("x × 1 × y", "x × y"), ("−1 × y", "−y"), ("−(a − b) × c", "(b − a) × c"),
        ("(−1) × x ^ ((−1) − 1)", "−x ^ (−2)"), ("0.5 × x ^ (0.5 − 1)", "0.5 × x ^ (−0.5)"),
        ("x + x", "2 × x"), ("1 + 1", "2"), ("x + 0", "x"), ("0 + x", "x"), ("0 − x", "−x"), ("x − (−y)", "x + y"),
        ("x + (−y)", "x − y"), ("−x + 1", "1 − x"), ("x × 2 + 3 × x", "5 × x"), ("x + 1 + y − 3", "x − 2 + y"),
        ("a − (b − c)", "a − b + c"), ("−(a + b)", "−(a + b)"), ("−(−x)", "x"),
        ("1 ÷ 3", "1 ÷ 3"), ("2 ÷ 4 × x", "x ÷ 2"), ("1 ÷ 1", "1"), ("6 ÷ 3", "2"), ("0.5 ÷ 2 × x", "0.25 × x"),
        ("1 ÷ (2 × y) × 2 × x", "x ÷ y"), ("1 ÷ x × (1 ÷ y)", "1 ÷ (x × y)"), ("−y ÷ x", "−y ÷ x"),
        ("x ÷ (−2)", "−x ÷ 2"),
        ("1 ÷ 0", "1 ÷ 0"), ("x − x", "x − x"), ("x ÷ x", "x ÷ x"), ("2 ^ 3", "8"), ("ln 2 × y", "ln 2 × y"),
        ("1 if 1 else 0", "1"), ("x if 0 else y", "y"), ("x if 3 > 2 else y", "x"), ("x if a else x", "x"),
        ("(1 if x > 0 else 0) × w", "(1 if x > 0 else 0) × w"), ("1 × (1 if x > 0 else 0)", "1 if x > 0 else 0"),
        ("y × (1 − y) × 2", "2 × y × (1 − y)"), ("exp(x × 1) × 1", "exp(x)"), ("1 ÷ cos²(x)", "1 ÷ cos²(x)"),
        ("√(1 − x²)", "√(1 − x²)"), ("x mod 1", "x mod 1"), ("|x| × 1", "|x|"),
    ],
)  # fmt: skip
def test_what_comes_out(text: str, simpler: str) -> None:
    assert simple(text) == simpler


LEAVES = st.sampled_from([("atom", "x"), ("atom", "y"), ("atom", "z")]) | st.sampled_from(
    [0.0, 1.0, 2.0, 3.0, -1.0, -2.0, 0.5, 0.25, 0.01, 7.0]
).map(constant)


def _grown(inner: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    signs = st.sampled_from(["+", "−"]), st.sampled_from(["×", "÷"])
    return st.one_of(
        st.tuples(st.just("sum"), signs[0], inner, inner),
        st.tuples(st.just("product"), signs[1], inner, inner),
        st.tuples(st.just("minus"), inner),
        st.tuples(st.just("power"), inner, st.sampled_from([0.0, 1.0, 2.0, 3.0, -1.0]).map(constant)),
        st.tuples(
            st.just("call"),
            st.sampled_from(["exp", "tanh", "cos"]),
            st.just(""),
            inner.map(lambda t: ("fence", "(", t)),
        ),
        st.tuples(st.just("choice"), inner, st.tuples(st.just("relation"), inner, st.just(">"), inner), inner),
    )


TREES = st.recursive(LEAVES, _grown, max_leaves=12)


@settings(max_examples=400)
@given(tree=TREES, x=st.floats(0.5, 2.0), y=st.floats(-2.0, -0.5), z=st.floats(0.1, 3.0))
def test_the_value_stays(tree: Tree, x: float, y: float, z: float) -> None:
    names = {"x": x, "y": y, "z": z}
    try:
        before = value(tree, names)
        sizes = [abs(value(part, names)) for part in subtrees(tree)]
    except (ArithmeticError, ValueError):
        assume(False)
    assume(all(size < 1e6 for size in sizes) and all(size > 1e-6 or size == 0 for size in sizes))
    assume(not near_a_jump(tree, names))
    after = value(simplified(tree), names)
    scale = max([1.0, *sizes]) * max([1.0, *(1 / size for size in sizes if size)])
    assert abs(before - after) <= 1e-13 * scale * max(1.0, abs(before))


@settings(max_examples=400)
@given(tree=TREES)
def test_what_is_written_reads_back_as_what_was_meant(tree: Tree) -> None:
    """Parentheses are where they are needed: the text, read again, has the value of the tree."""
    names = {"x": 0.7, "y": -1.3, "z": 2.2}
    try:
        meant = value(tree, names)
    except (ArithmeticError, ValueError):
        assume(False)
    assume(math.isfinite(meant))
    assert value(numbers_marked(parse(written(tree, 17).text)), names) == pytest.approx(meant, rel=1e-12)


@settings(max_examples=200)
@given(tree=TREES)
def test_simple_is_simple(tree: Tree) -> None:
    once = simplified(tree)
    assert simplified(once) == once
    assert len(text_of(fenced(replaced(once, unnumbered)))) <= len(text_of(fenced(replaced(tree, unnumbered)))) + 8


def unnumbered(part: Tree) -> Tree:
    return ("atom", f"{part[1]:g}") if part[0] == "number" else part


def subtrees(tree: Tree) -> list[Tree]:
    parts = [part for part in tree[1:] if isinstance(part, tuple)]
    return [tree, *(inner for part in parts for inner in subtrees(part))]


def near_a_jump(tree: Tree, names: Mapping[str, float]) -> bool:
    """Whether a condition might change by a rounding."""
    relations = [part for part in subtrees(tree) if part[0] == "relation"]
    return any(abs(value(part[1], names) - value(part[3], names)) < 1e-6 for part in relations)
