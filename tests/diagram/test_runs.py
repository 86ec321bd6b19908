"""What repeats in a graph is folded: long sums, long chains, the samples of a batch, without a model."""

from __future__ import annotations

import re

import pytest

import nn
from autograd import DiagramError, Value, dot, draw
from autograd import sum as ag_sum

from .graphs import chain, tangle


def terms(count: int) -> list[Value]:
    return [Value(0.01 * i, name=f"w{i}") * Value(1.0, name=f"x{i}") for i in range(count)]


def names(root: Value, **options: object) -> list[str]:
    return [node.name for node in draw(root, **options).drawing.picture.nodes]  # type: ignore[arg-type]


def test_a_long_sum_shows_three_terms_then_a_box_then_two() -> None:
    picture = draw(ag_sum(terms(200))).drawing.picture
    shown = [node.name for node in picture.nodes if node.name.startswith("w")]
    assert shown == ["w0", "w1", "w2", "w198", "w199"]
    (box,) = [node for node in picture.nodes if node.kind == "group"]
    assert box.name == "… 195 more like these"
    assert box.rows[0].text == "585 values, 390 parameters"
    assert "1 box stands for 585 of 601 values" in picture.notes


def test_a_sum_of_two_at_a_time_and_a_chain_are_runs_too() -> None:
    total = sum(terms(200), start=Value(0.0))
    assert "… 194 more like these" in names(total)
    line = draw(chain(200)).drawing.picture
    assert len(line.nodes) == 14
    assert line.direction == "TB"
    # one edge leads into the box and one out of it: the chain is not cut
    (box,) = [node.id for node in line.nodes if node.kind == "group"]
    assert [edge.target == box for edge in line.edges if box in (edge.source, edge.target)].count(True) == 1


def test_the_terms_of_a_run_stay_whole() -> None:
    picture = draw(ag_sum(terms(100))).drawing.picture
    (box,) = [node.id for node in picture.nodes if node.kind == "group"]
    assert [(edge.source, edge.target) for edge in picture.edges if edge.target == box] == []
    assert [edge.count for edge in picture.edges if edge.source == box] == [95]


def test_a_long_sum_of_long_sums_shows_both_ends_of_both() -> None:
    picture = draw(ag_sum([ag_sum([Value(i) * 2 for i in range(20)]).tanh() for _ in range(30)])).drawing.picture
    labels = sorted(node.name for node in picture.nodes if node.kind == "group")
    assert labels == ["… 15 more like these"] * 2 + ["… 28 more like these"]


def test_samples_of_a_batch_fold_without_a_model() -> None:
    X, y = nn.data.moons(45, labels=(-1, 1))
    model = nn.MLP(2, [4, 4, 1], seed=0)
    loss = sum(((1 - t * model(x)).relu() for x, t in zip(X, y, strict=True)), start=Value(0.0)) / 45
    loss.backward()
    picture = draw(loss).drawing.picture
    assert len(picture.nodes) < 110
    assert any("gradient" not in node.name and "more like these" in node.name for node in picture.nodes)
    # the gradient that reaches a parameter through the box is told: the sums of the player come out right
    grads = picture.seeds()
    for flow in picture.backward():
        grads[flow.edge.source] = flow.total
    for node in picture.nodes:
        if node.kind == "parameter":
            assert grads[node.id] == pytest.approx(node.grad, rel=1e-9, abs=1e-15)


def test_what_is_small_or_does_not_repeat_or_shall_not_fold_stays_whole() -> None:
    assert not any("more like" in name for name in names(ag_sum(terms(40))))
    assert any("more like" in name for name in names(ag_sum(terms(40)), collapse=True))
    assert not any("more like" in name for name in names(ag_sum(terms(100)), collapse=False))
    assert not any("more like" in name for name in names(tangle(400)))
    with pytest.raises(DiagramError, match="nothing repeats"):
        draw(tangle(40), collapse=True)


def test_a_run_tells_how_many_of_its_units_are_dead() -> None:
    total = ag_sum([(Value(-1.0) * Value(float(i + 1))).relu() for i in range(60)])
    total.backward()
    (box,) = [node for node in draw(total).drawing.picture.nodes if node.kind == "group"]
    assert "55 × dead" in [row.text for row in box.rows]


def test_a_dot_counts_pairs() -> None:
    w = [Value(0.1, name=f"w{i}") for i in range(50)]
    assert "dot of 50 pairs" in draw(dot(w, [float(i) for i in range(50)])).text


def test_every_format_writes_a_folded_run() -> None:
    picture = draw(ag_sum(terms(200)))
    for text in (picture.svg, picture.dot, picture.html, picture.text, picture.mermaid, picture.tikz):
        assert "195 more like these" in text
    assert picture.png()[:4] == b"\x89PNG"
    assert '"turns"' not in picture.json


def test_a_folded_run_opens_in_its_player() -> None:
    page = draw(ag_sum(terms(60))).html
    views = re.search(r'"views": \{"": ', page)
    assert views is not None
    assert '"boxes": {"r0": [' in page


def test_two_hundred_thousand_values_are_searched_once() -> None:
    total = Value(0.0)
    for i in range(50_000):
        total = total + Value(0.5) * Value(float(i))
    assert len(draw(total).drawing.picture.nodes) < 40


def test_what_is_unlike_or_asked_for_stays_in_sight() -> None:
    w = Value(0.5, name="w")
    powers = [w ** (7 if i == 50 else 2) for i in range(200)]
    assert any(node.expression == "w ^ 7" or "⁷" in node.expression for node in draw(sum(powers)).drawing.picture.nodes)
    named_term = terms(200)
    named_term[50].name = "special"
    assert "special" in names(ag_sum(named_term))
    many = [(w * i).tanh() for i in range(200)]
    picture = draw([ag_sum(many), *many[50:53]]).drawing.picture
    shown = {node.id: node.kind for node in picture.nodes}
    assert [shown[key] for key in picture.outputs] == ["output"] * 4


def test_a_box_says_at_once_that_a_number_in_it_is_infinite() -> None:
    xs = [Value(float(i), name=f"x{i}").log() for i in range(-3, 197)]
    page = draw(ag_sum(xs)).drawing.picture
    rows = [row for node in page.nodes if node.kind == "group" for row in node.rows]
    assert all(row.kind == "flag" for row in rows if row.text.endswith(("× nan", "× inf")))
