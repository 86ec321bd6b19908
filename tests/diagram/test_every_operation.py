"""Every row of the table is drawn and explained: a new operation is tested here without a line of its own."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ElementTree

import pytest

from autograd import OPERATIONS, Value, draw, explain
from autograd.diagram import diagnose
from autograd.diagram.formats.tex import tex
from autograd.diagram.text import measurable

from .test_draw import groups, texts
from .test_formats import check_json, check_mermaid, check_tikz


def result(name: str) -> Value:
    """The operation on named leaves inside its domain, away from 0 and from each other."""
    op = OPERATIONS[name]
    count = op.arity if op.arity is not None else 4
    leaves = []
    for i in range(count):
        low, high = op.domain[i] if op.arity is not None and i < len(op.domain) else (-math.inf, math.inf)
        low, high = max(low, -2.0), min(high, 2.0)
        low = low if low < high else 1.0
        leaves.append(Value(low + (max(high, low + 1.0) - low) * (0.55 + 0.1 * i), name=f"x{i}"))
    try:
        out = op.evaluate(*leaves)
    except ValueError:  # an order or an index: a whole number is wanted first
        leaves[0] = Value(1.0, name="x0")
        out = op.evaluate(*leaves)
    out.name = "y"
    out.backward()
    return out


@pytest.mark.parametrize("name", sorted(name for name in OPERATIONS if not name.startswith("hostile")))
def test_drawn_and_explained(name: str) -> None:
    y = result(name)
    picture = draw(y, engine="python")
    words = [texts(g)[0] for g in groups(picture.svg, "output")]
    assert len(words) == 1
    assert words[0].startswith("y = ")
    assert "#" not in words[0]  # every place of the notation is filled
    edges = groups(picture.svg, "edge")
    assert len(edges) == len(y.operands)
    check_mermaid(picture.mermaid)
    check_tikz(picture.tikz)
    nodes = {node["name"]: node for node in check_json(picture.json)["nodes"]}
    for leaf in y.operands:
        assert nodes[leaf.name]["gradient"] == (leaf.grad if leaf.has_grad else None)
    assert picture.html
    assert isinstance(diagnose(y), list)
    for leaf in y.operands:
        derivation = explain(y, leaf)
        assert derivation.value == pytest.approx(leaf.grad, rel=1e-15, nan_ok=True)
        assert "#" not in str(derivation)
        latex = re.sub(r"\\[{}$&#%_]", "", derivation.latex)
        assert latex.count("{") == latex.count("}")
        assert "#" not in latex
        for block in derivation.mathml.splitlines():
            ElementTree.fromstring(block)


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_character_of_a_row_can_be_measured_and_set(name: str) -> None:
    op = OPERATIONS[name]
    names = ["x"] * (op.arity if op.arity is not None else 4)
    formulas = [op.write(names), *(op.write_derivative(i, names) for i in range(len(names)))]
    for formula in formulas:
        assert measurable(formula)
        assert tex(formula).isascii()


def test_the_latex_of_every_operation_parses_by_matplotlib() -> None:
    mathtext = pytest.importorskip("matplotlib.mathtext")
    parser = mathtext.MathTextParser("path")
    beyond = ("cases", "operatorname", r"\lnot", r"\text", r"\bmod", r"\le ")  # what matplotlib's subset of TeX lacks
    parsed = 0
    for name in sorted(OPERATIONS):
        if name.startswith("hostile"):
            continue
        y = result(name)
        for row in re.findall(r"&= (.*?)(?: \\\\)?$", explain(y, y.operands[0]).latex, flags=re.M):
            if not any(word in row for word in beyond):
                parser.parse(f"${row}$")
                parsed += 1
    assert parsed > len(OPERATIONS)
