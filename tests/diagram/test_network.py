"""`nn.draw`: the diagram that textbooks draw of a network."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import nn
from autograd import Value
from autograd.errors import DiagramError

from .graphs import WEIGHTS
from .test_draw import HOSTILE, SVG, Allowed, texts


def worked() -> nn.MLP:
    model = nn.MLP(2, [2, 2], activation="sigmoid", output_activation="sigmoid", bias="shared")
    for k, layer in enumerate(model.layers, 1):
        layer.b.data, layer.b.name = WEIGHTS[f"b{k}"], f"b{k}"
        layer.b.requires_grad = False
        for j, neuron in enumerate(layer.neurons, 1):
            for i, w in enumerate(neuron.w, 1):
                w.name = f"w{i}{j}_{k}"
                w.data = WEIGHTS[w.name]
    return model


def shown(svg: str) -> list[str]:
    return texts(ElementTree.fromstring(svg.encode("utf-8")))


def test_the_worked_network_shows_all_that_the_tutorials_figure_shows() -> None:
    model = worked()
    words = shown(nn.draw(model, [0.05, 0.1], target=[0.01, 0.99]).svg)
    for name, number in WEIGHTS.items():
        if name.startswith("w"):
            assert f"{name} = {number:g}" in words
    for word in (
        "x1",
        "0.05",
        "x2",
        "0.1",
        "h1",
        "h2",
        "o1",
        "o2",
        "b1",
        "0.35",
        "b2",
        "0.6",
        "target 0.01",
        "target 0.99",
    ):
        assert word in words
    assert {"net 0.3775", "0.5933", "net 0.3925", "0.5969", "net 1.106", "0.7514", "net 1.225", "0.7729"} <= set(words)


def test_after_backward_it_shows_the_gradients_and_the_deltas() -> None:
    model = worked()
    loss = nn.half_squared_error(model([0.05, 0.1]), [0.01, 0.99])
    before = shown(nn.draw(model, loss=loss).svg)
    assert not any(word.startswith("δ") for word in before)
    assert "0.05" in before  # the inputs come from the graph
    loss.backward()
    words = shown(nn.draw(model, loss=loss).svg)
    assert {"δ ▲ 0.1385", "δ ▼ −0.0381", "δ ▲ 0.008771", "δ ▲ 0.009954"} <= set(words)
    assert {"∂ ▲ 0.08217", "∂ ▲ 0.08267", "∂ ▼ −0.0226", "∂ ▼ −0.02274", "∂ ▲ 0.0004386"} <= set(words)


def test_a_wide_layer_is_left_out_honestly() -> None:
    model = nn.MLP(3, [128, 5, 1], seed=0)
    words = shown(nn.draw(model, [1.0, 2.0, 3.0]).svg)
    assert "… 120 more …" in words
    assert "hidden 1 (128)" in words
    assert {"h1.1", "h1.4", "h1.125", "h1.128"} <= set(words)
    assert "h1.5" not in words
    assert not any(" = " in word for word in words)  # no numbers on so many lines


def test_every_weight_of_a_small_network_is_a_line() -> None:
    root = ElementTree.fromstring(nn.draw(nn.MLP(2, [3, 1], seed=0)).svg)
    lines = [g for g in root.iter(f"{SVG}g") if g.get("class", "").startswith("edge")]
    circles = list(root.iter(f"{SVG}circle"))
    assert (len(lines), len(circles)) == (9, 6)
    view = [float(part) for part in root.get("viewBox", "").split()]
    for circle in circles:
        x, y, r = (float(circle.get(key, "nan")) for key in ("cx", "cy", "r"))
        assert r <= x <= view[2] - r
        assert r <= y <= view[3] - r


def test_dead_units_are_marked_in_words() -> None:
    model = nn.MLP(1, [2, 1], init="ones", seed=0)
    assert shown(nn.draw(model, [-1.0]).svg).count("dead: z ≤ 0") == 2
    assert "dead: z ≤ 0" not in shown(nn.draw(model, [1.0]).svg)


def test_neurons_layers_and_sequences_can_be_drawn() -> None:
    assert repr(nn.draw(nn.Neuron(3, seed=0))) == "NetworkDiagram(3 → 1)"
    assert repr(nn.draw(nn.Layer(3, 2, seed=0))) == "NetworkDiagram(3 → 2)"
    model = nn.Sequential(nn.Layer(2, 4, seed=0), nn.Dropout(0.5, seed=1), nn.Layer(4, 1, activation=None, seed=2))
    assert repr(nn.draw(model, [0.5, 0.5])) == "NetworkDiagram(2 → 4 → 1)"


@pytest.mark.parametrize("name", ["a.svg", "a.png", "a.dot"])
def test_save(tmp_path: Path, name: str) -> None:
    path = nn.draw(worked(), [0.05, 0.1]).save(tmp_path / name)
    assert path.read_bytes().startswith({"svg": b"<svg ", "png": b"\x89PNG", "dot": b"digraph"}[name[-3:]])


@settings(max_examples=60)
@given(names=st.lists(HOSTILE, min_size=3, max_size=3), title=HOSTILE)
@example(names=["\0", " ", "\u200b"], title="")  # they clean to nothing
def test_hostile_names(names: list[str], title: str) -> None:
    model = nn.MLP(1, [2, 1], seed=0, bias="shared")
    model.layers[0].neurons[0].w[0].name = names[0]
    model.layers[0].b.name = names[1]
    model.layers[1].b.name = names[2]
    picture = nn.draw(model, [1.0], title=title)
    assert shown(picture.svg)
    Allowed().check(picture._repr_mimebundle_()["text/html"])
    from autograd.diagram.place import engines

    engine = engines.find_engine("graphviz-pure")
    assert engine is not None
    ElementTree.fromstring(engines.run(engine, picture.dot, "svg", pinned=True))


class Bare(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.w = Value(1.0)


def test_bad_arguments_say_what_was_wanted(tmp_path: Path) -> None:
    model = nn.MLP(2, [2, 1], seed=0)
    with pytest.raises(DiagramError, match="no Layer and no Neuron"):
        nn.draw(Bare())
    with pytest.raises(DiagramError, match="is a Module"):
        nn.draw(3)  # type: ignore[arg-type]
    with pytest.raises(DiagramError, match="x has 3 numbers, and the network wants 2"):
        nn.draw(model, [1.0, 2.0, 3.0])
    with pytest.raises(DiagramError, match="target has 2"):
        nn.draw(model, [1.0, 2.0], target=[1.0, 2.0])
    with pytest.raises(DiagramError, match="did not go through"):
        nn.draw(model, loss=Value(1.0) * 2.0)
    with pytest.raises(DiagramError, match="theme="):
        nn.draw(model, theme="pink")
    with pytest.raises(DiagramError, match="most="):
        nn.draw(model, most=1)
    with pytest.raises(DiagramError, match=r"\.svg \.png \.pdf \.dot"):
        nn.draw(model).save(tmp_path / "a.gif")
    with pytest.raises(DiagramError, match="does not take the 3 numbers"):
        nn.draw(nn.Sequential(nn.Layer(2, 3, seed=0), nn.Layer(4, 1, seed=0)))


def test_what_is_no_number_and_what_is_no_loss() -> None:
    model = nn.MLP(2, [1], seed=0)
    for x in (3.0, ["a", "b"], [None, 1.0]):
        with pytest.raises(DiagramError, match="x is a list of 2 numbers or Values"):
            nn.draw(model, x)  # type: ignore[arg-type]
    with pytest.raises(DiagramError, match="target is a list of 1 numbers"):
        nn.draw(model, [1.0, 2.0], target=["a"])
    with pytest.raises(DiagramError, match="loss= is the Value"):
        nn.draw(model, loss=3.0)  # type: ignore[arg-type]
