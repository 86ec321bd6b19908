"""`compare` of graphs of different shape: what came, what went, and by how much changed what stays."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import nn
from autograd import Diagram, Value, compare, draw
from autograd.errors import DiagramError

from .graphs import GOLDEN, named, product, shared
from .test_draw import groups, parse, texts
from .test_formats import check_json, check_mermaid, check_tikz


def plain_unit() -> Value:
    w, x, b = Value(0.7, name="w"), Value(0.5, name="x"), Value(0.1, name="b")
    h = named("h", (w * x + b).tanh())
    loss = named("loss", (h - 1.0) ** 2)
    loss.backward()
    return loss


def skipping_unit() -> Value:
    """With another activation, and a way round it."""
    w, x, b, s = Value(0.9, name="w"), Value(0.5, name="x"), Value(0.1, name="b"), Value(0.3, name="skip")
    h = named("h", (w * x + b).relu())
    y = named("y", h + s * x)
    loss = named("loss", (y - 2.0) ** 2)
    loss.backward()
    return loss


def changes(picture: Diagram) -> dict[str, str]:
    """Of each value its name, and whether it is new, gone or stays."""
    nodes = [node for node in check_json(picture.json)["nodes"] if node["kind"] != "constant"]
    assert len({node["name"] for node in nodes}) == len(nodes)
    return {node["name"]: node["change"] or "stays" for node in nodes}


def test_what_came_what_went_and_what_stays() -> None:
    picture = compare(plain_unit(), skipping_unit())
    assert changes(picture) == {
        "w": "stays", "x": "stays", "b": "stays", "v₁": "stays", "v₂": "stays", "h": "stays", "loss": "stays",
        "skip": "new", "v₃": "new", "y": "new", "v₄": "stays",
    }  # fmt: skip
    assert changes(compare(skipping_unit(), plain_unit())) == {
        "w": "stays", "x": "stays", "b": "stays", "v₁": "stays", "v₂": "stays", "h": "stays", "loss": "stays",
        "skip": "gone", "v₃′": "gone", "y": "gone", "v₃": "stays",
    }  # fmt: skip
    nodes = {node["name"]: node for node in check_json(picture.json)["nodes"]}
    assert nodes["h"]["was"] == "tanh(v₂)"
    assert nodes["loss"]["was"] == ""
    assert nodes["w"]["before"]["value"] == 0.7
    assert nodes["w"]["before"]["gradient"] == pytest.approx(-0.4752, abs=1e-4)
    assert nodes["y"]["before"] is None or nodes["y"]["before"]["value"] is None
    back = {node["name"]: node for node in check_json(compare(skipping_unit(), plain_unit()).json)["nodes"]}
    assert back["y"]["expression"] == "h + v₃′"  # v₃ is another value now
    edges = [edge for edge in check_json(picture.json)["edges"] if edge["change"] == "gone"]
    assert {(edge["partial"], edge["flow"]) for edge in edges} == {(None, None)}


def test_every_format_says_it_in_words_and_by_the_border() -> None:
    there, back = compare(plain_unit(), skipping_unit()), compare(skipping_unit(), plain_unit())
    boxes = {texts(g)[0]: g for picture in (back, there) for g in groups(picture.svg, "node")}
    assert texts(boxes["y = h + v₃"])[1:] == ["value", "0.7", "grad", "▼ −2.6", "new"]
    assert texts(boxes["y = h + v₃′"])[1:] == ["value", "0.7", "grad", "▼ −2.6", "gone"]
    assert texts(boxes["h = relu(v₂)"])[1:] == [
        "value", "0.55", "Δ value", "▲ 0.1281", "grad", "▼ −2.6", "Δ grad", "▼ −1.444", "was tanh(v₂)"
    ]  # fmt: skip
    border = {name: (r.get("class"), r.get("stroke-dasharray")) for name, g in boxes.items() for r in g if r.get("rx")}
    assert border["y = h + v₃"] == ("box operation new", None)
    assert border["y = h + v₃′"] == ("box gone", "4 3")
    assert border["h = relu(v₂)"] == ("box operation", None)
    assert ".box.new { stroke: #15803d; stroke-width: 3 }" in there.svg
    assert {
        "new: thick border",
        "values: 3 new, 0 gone, 8 stay; matched by name, then by operation and operands",
    } <= set(texts(parse(there.svg)))
    assert "gone: dashed border" in texts(parse(back.svg))
    for picture, word in ((there, "new"), (back, "gone")):
        check_mermaid(picture.mermaid)
        check_tikz(picture.tikz)
        assert f">{word}<" in picture.dot
        assert f"{{{word}}}" in picture.tikz
        assert f"<br/>{word}" in picture.mermaid
        assert f">{word}<" in picture.html
        assert f"({word})" in picture.text
    assert 'BORDER="3"' in there.dot
    assert 'STYLE="ROUNDED,DASHED"' in back.dot
    lines = there.text.splitlines()
    assert lines[2] == "loss = v₄ ^ 2  [value 1.69 (Δ 1.356), grad 1 (Δ 0)]"
    assert any("skip  [value 0.3, grad −1.3]  (new)" in line for line in lines)
    assert any("h = relu(v₂)" in line and "(was tanh(v₂))" in line for line in lines)
    assert any("y = h + v₃′  [value 0.7, grad −2.6]  (gone)" in line for line in back.text.splitlines())


def test_an_edge_that_moved_between_values_that_stay_is_marked_itself() -> None:
    def graph(turned: bool) -> Value:
        a, b, c = (Value(x, name=name) for x, name in ((1.0, "a"), (2.0, "b"), (3.0, "c")))
        s, y = named("s", a + b), None
        y = named("y", s * (a if turned else c))
        total = named("total", y + c)
        total.backward()
        return total

    picture = compare(graph(False), graph(True))
    assert set(changes(picture).values()) == {"stays"}
    labels = [t for g in groups(picture.svg, "edge") for t in texts(g)]
    assert "gone" in labels
    assert any(label.startswith("new: ∂y/∂a = s = 3") for label in labels)
    assert "(gone edge)" in picture.text
    assert "(new edge)" in picture.text


def test_equal_structures_go_on_as_before() -> None:
    picture = compare(plain_unit(), plain_unit())
    assert set(changes(picture).values()) == {"stays"}
    assert picture.drawing.picture.notes == ["Δ: after minus before"]
    assert "new" not in texts(parse(picture.svg))


def test_without_any_names() -> None:
    def graph(deeper: bool) -> Value:
        a, b = Value(2.0), Value(3.0)
        c = a * b
        y = (c.tanh() if deeper else c) + a
        return y.exp()

    assert sorted(changes(compare(graph(False), graph(True))).values()) == ["new", *["stays"] * 5]
    assert sorted(changes(compare(graph(True), graph(False))).values()) == ["gone", *["stays"] * 5]


def test_constants_tell_only_between_what_is_alike_else() -> None:
    def graph(*factors: float) -> Value:
        x = Value(2.0, name="x")
        return named("y", sum((x * factor for factor in factors), 0.0))

    picture = compare(graph(2.0, 3.0, 5.0), graph(3.0, 7.0))
    names = {node["expression"]: node for node in check_json(picture.json)["nodes"]}
    assert names["x × 3"]["before"] == {"value": 6.0, "gradient": None}  # not x × 2, which comes first
    changed = [node for node in check_json(picture.json)["nodes"] if node["kind"] == "constant" and node["was"]]
    assert [(node["name"], node["was"]) for node in changed] == [("7", "2")]


def test_of_a_wider_network_only_the_neuron_is_new() -> None:
    def net(width: int) -> tuple[nn.MLP, Value]:
        X, y = nn.data.moons(4, labels=(-1, 1), seed=1)
        model = nn.MLP(2, [width, 1], seed=0)
        loss = nn.hinge([model(x) for x in X], y)
        loss.backward()
        return model, loss

    (one, before), (two, after) = net(3), net(4)
    picture = compare(draw(before, model=one, collapse=False), draw(after, model=two, collapse=False))
    nodes = [node for node in check_json(picture.json)["nodes"] if node["kind"] != "constant"]
    new = [node for node in nodes if node["change"] == "new"]
    assert {node["path"] for node in new if node["path"]} == {
        "layers.0.neurons.3.w.0", "layers.0.neurons.3.w.1", "layers.0.neurons.3.b", "layers.1.neurons.0.w.3",
    }  # fmt: skip
    assert len(new) == 4 + 2 * 4
    assert not [node for node in nodes if node["change"] == "gone"]
    folded = compare(draw(before, model=one, collapse=True), draw(after, model=two, collapse=True))
    boxes = [node for node in check_json(folded.json)["nodes"] if node["kind"] == "group"]
    assert [(node["name"], node["rows"][-1]["text"]) for node in boxes if node["change"]] == [("Neuron 3", "new")]
    back = compare(draw(after, model=two, collapse=True), draw(before, model=one, collapse=True))
    gone = [g for g in groups(back.svg, "node") if "gone" in texts(g)]
    assert [texts(g)[0] for g in gone] == ["Neuron 3"]
    assert back.html
    with pytest.raises(DiagramError, match=r"some are folded, others are not.*collapse="):
        compare(draw(before, model=one, collapse=True), draw(after, model=two, collapse=False))


def test_values_that_traded_their_names_make_no_circle() -> None:
    def graph(first: str, second: str) -> Value:
        a = named(first, Value(1.0, name="x") * 2.0)
        b = named(second, a * 3.0)
        return named("y", b + 1.0)

    picture = compare(graph("a", "b"), graph("b", "a"))
    nodes = check_json(picture.json)["nodes"]
    places = {node["id"]: i for i, node in enumerate(nodes)}
    assert all(places[edge["source"]] < places[edge["target"]] for edge in check_json(picture.json)["edges"])
    kept = {node["name"] for node in nodes if not node["change"] and node["kind"] != "constant"}
    assert {"x", "y"} <= kept
    assert picture.svg


def test_more_than_two_of_different_shape_and_other_styles_are_refused() -> None:
    with pytest.raises(DiagramError, match=r"3 moments were given, .*Only two graphs of different structure"):
        compare(product(), shared(), product())
    with pytest.raises(DiagramError, match="their styles differ"):
        compare(draw(product()), draw(shared(), style="micrograd"))


def test_as_an_animation(tmp_path: Path) -> None:
    picture = compare(plain_unit(), skipping_unit())
    with Image.open(picture.save(tmp_path / "a.gif", seconds=0.1, scale=0.5)) as image:
        assert image.n_frames == 2


@pytest.mark.parametrize("style", ["chalkgrad", "micrograd"])
def test_any_two_graphs_can_be_compared(style: str) -> None:
    graphs: list[Callable[[], Value]] = list(GOLDEN.values())
    for one in graphs:
        for other in graphs:
            picture = compare(draw(one(), style=style), draw(other(), style=style))
            ids = {g.get("id") for g in groups(picture.svg, "node")}
            assert len(ids) == len(check_json(picture.json)["nodes"])
            check_mermaid(picture.mermaid)
            check_tikz(picture.tikz)


def _random_graph(dice: random.Random) -> Value:
    values = [Value(dice.uniform(-1, 1), name=dice.choice(["a", "b", "a", None])) for _ in range(3)]
    for _ in range(dice.randint(1, 12)):
        one, other = dice.choice(values), dice.choice([*values, 2.0])
        made: Any = dice.choice([lambda: one * other, lambda: one + other, lambda: one.tanh(), lambda: one - other])()  # noqa: B023
        if dice.random() < 0.3:
            made.name = dice.choice("abcd")
        values.append(made)
    root = values[-1]
    root.backward()
    return root


@settings(max_examples=150)
@given(seed=st.integers(0, 10**9))
def test_random_graphs_are_joined_without_a_circle_and_lose_nothing(seed: int) -> None:
    dice = random.Random(seed)
    one, other = draw(_random_graph(dice), engine="python"), draw(_random_graph(dice), engine="python")
    picture = compare(one, other)
    assert picture.json == compare(one, other).json
    graph = check_json(picture.json)
    places = {node["id"]: i for i, node in enumerate(graph["nodes"])}
    assert all(places[edge["source"]] < places[edge["target"]] for edge in graph["edges"])
    constants = {node["id"] for node in graph["nodes"] if node["kind"] == "constant"}
    for side, change in ((one, "new"), (other, "gone")):
        values = [node for node in side.drawing.picture.nodes if node.kind != "constant"]
        mine = [node for node in graph["nodes"] if node["change"] != change and node["id"] not in constants]
        assert len(mine) == len(values)
        edges = [e for e in graph["edges"] if e["change"] != change and e["source"] not in constants]
        assert len(edges) == sum("c" not in edge.source for edge in side.drawing.picture.edges)
    assert parse(picture.svg) is not None
