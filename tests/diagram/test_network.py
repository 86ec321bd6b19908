"""`nn.draw`: the diagram that textbooks draw of a network."""

from __future__ import annotations

import itertools
import re
import subprocess
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import autograd
import nn
from autograd import Value
from autograd.diagram.chain_rule.steps import steps
from autograd.diagram.formats import FORMATS
from autograd.diagram.place import engines
from autograd.diagram.text import number, width
from autograd.errors import DiagramError

from .graphs import WEIGHTS
from .sanitizer import Sanitizer
from .test_draw import HOSTILE, SVG, texts


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
    """Every text, and every pair of neighbours: a word and its number are two texts."""
    every = texts(ElementTree.fromstring(svg.encode("utf-8")))
    return every + [f"{word} {after}" for word, after in itertools.pairwise(every)]


def trained(nin: int, nouts: list[int], **options: Any) -> tuple[nn.MLP, Value, list[float]]:
    """A network after one backward pass, with positive and negative gradients, and its targets."""
    model = nn.MLP(nin, nouts, **{"activation": "tanh", "seed": 1} | options)
    out = model([((i * 37) % 11 - 5) / 5 for i in range(nin)])
    target = [1.0] + [0.0] * (nouts[-1] - 1)
    loss = nn.half_squared_error(out if isinstance(out, list) else [out], target)
    loss.backward()
    return model, loss, target


def classes(element: ElementTree.Element) -> list[str]:
    return element.get("class", "").split()


def edges(svg: str) -> list[ElementTree.Element]:
    return [g for g in ElementTree.fromstring(svg.encode()).iter(f"{SVG}g") if "edge" in classes(g)]


def test_the_worked_network_shows_all_that_the_tutorials_figure_shows() -> None:
    model = worked()
    words = shown(nn.draw(model, [0.05, 0.1], target=[0.01, 0.99]).svg)
    for name, weight in WEIGHTS.items():
        if name.startswith("w"):
            assert f"{name} = {weight:g}" in words
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
    picture = nn.draw(model, [1.0, 2.0, 3.0])
    assert len(edges(picture.svg)) == 3 * 8 + 8 + 8 * 5 + 5 + 5 + 1
    words = shown(picture.svg)
    assert "… 120 more …" in words
    assert "hidden 1 (128)" in words
    assert {"h1.1", "h1.4", "h1.125", "h1.128"} <= set(words)
    assert "h1.5" not in words
    words = shown(nn.draw(model, [1.0, 2.0, 3.0], most=32).svg)
    assert "261 lines, too many for numbers on them: .txt, .json and the table in a notebook have them" in words
    assert not any(number(w.data) in words for w in model.layers[1].neurons[0].w)


def test_every_weight_of_a_small_network_is_a_line() -> None:
    root = ElementTree.fromstring(nn.draw(nn.MLP(2, [3, 1], seed=0)).svg)
    lines = [g for g in root.iter(f"{SVG}g") if g.get("class", "").startswith("edge")]
    circles = list(root.iter(f"{SVG}circle"))
    assert (len(lines), len(circles)) == (9 + 4, 6)  # with the biases
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


STARTS = {
    "svg": b"<svg ", "png": b"\x89PNG", "dot": b"digraph", "html": b"<!DOCTYPE html>", "gif": b"GIF89a",
    "tex": b"% For LuaLaTeX", "pdf": b"%PDF", "mmd": b"flowchart LR", "txt": b"Network 2", "json": b"{",
}  # fmt: skip


@pytest.mark.parametrize("extension", STARTS)
def test_save(tmp_path: Path, extension: str) -> None:
    path = nn.draw(worked(), [0.05, 0.1]).save(tmp_path / f"a.{extension}")
    assert path.read_bytes().startswith(STARTS[extension])
    assert STARTS.keys() == FORMATS.keys()


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
    output = Sanitizer()
    output.clean(picture._repr_mimebundle_()["text/html"])
    assert output.dropped <= {("style", ""), ("iframe", ""), ("img", "onclick")}
    unescaped = picture.tikz.replace(r"\{", "").replace(r"\}", "")
    assert unescaped.count("{") == unescaped.count("}")
    assert picture.json
    engine = engines.find_engine("graphviz-pure")
    assert engine is not None
    pinned = [engine.path, "-Kneato", "-n2", "-Tsvg"]
    ElementTree.fromstring(subprocess.run(pinned, input=picture.dot.encode(), capture_output=True, check=True).stdout)


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
        nn.draw(model).save(tmp_path / "a.bmp")
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


SIZES = pytest.mark.parametrize(
    ("nin", "nouts"), [(2, [2, 1]), (3, [5, 5, 1]), (4, [16, 16, 3]), (64, [32, 10])], ids=str
)


@SIZES
def test_no_text_covers_another(nin: int, nouts: list[int]) -> None:
    model, loss, target = trained(nin, nouts)
    boxes = []
    for element in ElementTree.fromstring(nn.draw(model, loss=loss, target=target).svg).iter(f"{SVG}text"):
        if "key" in classes(element) or "number" in classes(element) or element.get("text-anchor"):
            long = width(element.text or "", 11) / 1.08
            left = float(element.get("x", "")) - {"middle": long / 2, "end": long}.get(
                element.get("text-anchor", ""), 0
            )
            boxes.append((left, float(element.get("y", "")), left + long, element.text))
    assert len(boxes) > 20
    for (left, y, right, one), (x0, other_y, x1, other) in itertools.combinations(boxes, 2):
        assert abs(y - other_y) >= 11 or right <= x0 + 1 or x1 <= left + 1, f"{one} and {other}"


@SIZES
def test_a_weight_stands_on_its_own_line(nin: int, nouts: list[int]) -> None:
    """Its number is above the level part of the line, and nearer to it than to any other line's."""
    model, loss, target = trained(nin, nouts)
    picture = nn.draw(model, loss=loss, target=target)
    layout, nodes = picture.drawing.layout, {node.id: node for node in picture.drawing.picture.nodes}
    levels = {}
    for edge in picture.drawing.picture.edges:
        if edge.id in layout.edges and nodes[edge.source].kind == "parameter":
            points = layout.edges[edge.id][::3]
            (x0, y0), (x1, y1) = points[-3], points[-2]
            assert y0 == pytest.approx(y1)
            levels[edge.source] = (x0, y0, x1)
    assert len(levels) == sum(key in layout.nodes for key in levels) > 6
    for key, (x0, y, x1) in levels.items():
        at, spot = layout.nodes[key], layout.shapes[key].value
        assert spot is not None
        assert x0 <= at[0] + spot.x <= x1
        assert -6 <= at[1] + spot.y - y <= 0
        assert all(abs(y - other) > 11 for k, (x, other, _) in levels.items() if k != key and x == x0)


def test_a_shared_bias_is_shown_once_with_its_total_gradient() -> None:
    model, loss, target = trained(2, [3, 2], bias="shared")
    svg = nn.draw(model, loss=loss, target=target).svg
    words = texts(ElementTree.fromstring(svg))
    bias = model.layers[0].b
    assert bias is not None
    assert sum(number(bias.grad) in word for word in words) == 1
    assert words.count("∂") == 2 * 3 + 3 * 2 + 2  # each weight and each bias has one
    assert "bias shared by the units to its right" in words


def test_the_activations_are_named_for_a_layer_or_for_each_unit_where_they_differ() -> None:
    model = nn.MLP(2, [2, 3, 1], activation="tanh", output_activation="sigmoid", seed=0)
    model.layers[1].neurons[1].activation = "relu"
    words = texts(ElementTree.fromstring(nn.draw(model, [1.0, 2.0]).svg))
    assert words[words.index("hidden 1") + 1] == "tanh"
    assert words[words.index("hidden 2") + 1] == ""
    assert words[words.index("output") + 1] == "sigmoid"
    assert (words.count("tanh"), words.count("relu")) == (3, 1)


def test_functions_between_and_behind_the_layers_are_named() -> None:
    first, last = nn.Layer(2, 3, seed=0), nn.Layer(3, 2, activation=None, seed=2)
    model = nn.Sequential(first, nn.Dropout(0.5, seed=4), last, autograd.softmax)
    state = model[1].rng.getstate()
    words = shown(nn.draw(model, [1.0, -1.0], target=[1.0, 0.0]).svg)
    assert {"relu, Dropout(p=0.5)", "linear, softmax"} <= set(words)
    with autograd.no_grad():
        probabilities = model.eval()([1.0, -1.0])
    assert {f"softmax {number(p.data)}" for p in probabilities} <= set(words)
    assert model[1].rng.getstate() == state
    loss = nn.mse(model.train()([1.0, -1.0]), [1.0, 0.0])
    assert any(word.startswith("passes on") for word in shown(nn.draw(model, loss=loss).svg))


def test_drawing_changes_nothing_in_the_model() -> None:
    model = nn.Sequential(nn.Layer(2, 3, seed=0), nn.Dropout(0.5, seed=4), nn.Layer(3, 1, seed=2)).train()
    model[1].eval()
    nn.draw(model, [1.0, -1.0])
    assert [m.training for m in model.modules()] == [m is not model[1] for m in model.modules()]
    assert not any(p.has_grad for p in model.parameters())
    with autograd.no_grad():
        assert "net" in shown(nn.draw(model, [1.0, -1.0]).svg)


def test_the_legend_explains_what_is_shown_and_nothing_else() -> None:
    model, loss, target = trained(2, [2, 1])
    plain = set(shown(nn.draw(nn.MLP(2, [2, 1], seed=1, init="ones")).svg))
    assert {"positive weight, filled head", "dashed: weight zero", "wider: larger weight"} <= plain
    assert not any(word.startswith(("δ", "net:", "▼", "negative")) or "∂" in word for word in plain)
    after = set(shown(nn.draw(model, loss=loss, target=target).svg))
    assert {
        "δ = ∂E/∂net",
        "net: sum of weight × input, plus bias",
        "on a line: its weight, and ∂ = ∂E/∂weight",
    } <= after
    assert {"▼ negative gradient, open head", "▲ positive gradient, filled head"} <= after
    assert not any("zero" in word or "nan" in word for word in after)


@pytest.mark.parametrize("most", [8, 16])
def test_dashes_mean_zero_and_an_open_head_negative_in_every_size(most: int) -> None:
    model, loss, target = trained(4, [16, 3])
    model.layers[0].neurons[0].w[0].grad = 0.0
    picture = nn.draw(model, loss=loss, target=target, most=most)
    kinds = {"positive": 0, "negative": 0, "zero": 0}
    for edge in edges(picture.svg):
        kind = classes(edge)[1]
        kinds[kind] += 1
        path = edge.find(f"{SVG}path")
        assert path is not None
        assert ("stroke-dasharray" in path.attrib) == (kind == "zero")
    assert kinds["negative"] > 5
    assert kinds["zero"] == 1
    assert picture.dot.count("arrowhead=empty") == picture.tikz.count("Latex[open]") == kinds["negative"]
    assert picture.dot.count("style=dashed") == len(re.findall(r"draw\[[^]]*dashed", picture.tikz)) == kinds["zero"]


def test_the_title_is_seen_in_every_format() -> None:
    picture = nn.draw(worked(), [0.05, 0.1], title="My & own <net>")
    assert "My & own <net>" in shown(picture.svg)
    assert r"{My \& own \textless{}net\textgreater{}}" in picture.tikz
    assert "<B>My &amp; own &lt;net&gt;</B>" in picture.dot
    assert picture.text.startswith("My & own <net>\n")
    assert '"title": "My & own <net>"' in picture.json
    assert "<h1>My &amp; own &lt;net&gt;</h1>" in picture.html


def batch() -> tuple[nn.Module, Value]:
    model = nn.MLP(2, [3, 2], activation="tanh", seed=0)
    rows = [([1.0, 2.0], 0), ([-1.0, 0.5], 1), ([0.3, 0.3], 0)]
    return model, autograd.sum([nn.cross_entropy(model(x), y) for x, y in rows])


def with_dropout() -> tuple[nn.Module, Value]:
    model = nn.Sequential(nn.Layer(2, 4, activation="tanh", seed=0), nn.Dropout(0.5, seed=3), nn.Layer(4, 1, seed=2))
    return model, model([1.0, -1.0]) ** 2


def wide() -> tuple[nn.Module, Value]:
    model = nn.MLP(20, [12, 10], activation="sigmoid", seed=0, bias="shared")
    return model, nn.cross_entropy(model([0.1 * i for i in range(20)]), 3)


def of_functions() -> tuple[nn.Module, Value]:
    model = nn.MLP(2, [2, 1], activation=lambda z: z.tanh() * 2.0, seed=0)
    return model, model([1.0, -1.0]) ** 2


def test_a_unit_passes_on_what_it_shows_unless_something_changes_it() -> None:
    model, loss = of_functions()
    assert not any(word.startswith("passes on") for word in shown(nn.draw(model, loss=loss).svg))


@pytest.mark.parametrize("make", [batch, with_dropout, wide, of_functions])
def test_the_steps_end_at_the_gradients(make: Callable[[], tuple[nn.Module, Value]]) -> None:
    """Whatever is not drawn: the loss, other samples, a Dropout, units that are left out, a function of one's own."""
    model, loss = make()
    before = nn.draw(model, loss=loss)
    loss.backward()
    grads = {key: grad for step in steps(before.drawing.picture) for key, grad in step.grads.items()}
    nodes = nn.draw(model, loss=loss).drawing.picture.nodes
    wanted = {node.id: node.grad for node in nodes if node.kind == "parameter"}
    assert len(wanted) > 5
    assert {key: grads[key] for key in wanted} == pytest.approx(wanted)


def test_without_a_loss_every_output_is_seeded() -> None:
    model = nn.MLP(2, [3, 2], activation="tanh", seed=0)
    picture = nn.draw(model, [1.0, 2.0]).drawing.picture
    every = list(steps(picture))
    assert "Seed: ∂(o1 + o2)/∂(o1 + o2) = 1" in [step.title for step in every]
    grads = {key: grad for step in every for key, grad in step.grads.items()}
    autograd.sum(model([1.0, 2.0])).backward()
    weights = [node for node in picture.nodes if node.name.startswith("w_x")]
    assert [grads[node.id] for node in weights] == pytest.approx([w.grad for n in model.layers[0].neurons for w in n.w])


def test_a_stranger_among_the_layers_is_an_error() -> None:
    model = nn.MLP(2, [2, 1], seed=0)
    model.forward = lambda x: Value(1.0)  # type: ignore[method-assign]
    with pytest.raises(DiagramError, match="did not go through"):
        nn.draw(model, [1.0, 2.0])


@pytest.mark.browser
@pytest.mark.parametrize("most", [3, 16])
def test_the_player_steps_through_the_units(browser: Any, tmp_path: Path, most: int) -> None:
    model, loss, target = trained(4, [16, 16, 2])
    picture = nn.draw(model, loss=loss, target=target, most=most)
    page, said = browser.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(picture.save(tmp_path / "net.html").as_uri())
    titles = []
    for step in steps(picture.drawing.picture)[:12]:
        titles.append(page.locator("[data-part=title]").text_content())
        assert titles[-1] == step.title
        assert page.locator("g.node.active").count() == (step.node is not None)
        page.keyboard.press("ArrowRight")
    assert any(title.startswith("Forward: net_h1.1 = ") for title in titles)
    assert "Forward: h1.1 = tanh(net_h1.1)" in titles
    page.keyboard.press("End")
    if most == 3:
        want = [element for element in shown(picture.svg) if re.match("δ [▲▼0]", element)]
        both = itertools.pairwise(page.locator("g.node text").all_text_contents())
        assert [f"{word} {after}" for word, after in both if word == "δ"] == want
    assert said == []
    page.close()
