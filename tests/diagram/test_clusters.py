"""`draw(loss, model=model)`: neurons and layers as frames, and folded into boxes."""

from __future__ import annotations

import functools
import itertools
import operator
import tracemalloc
from typing import Any

import pytest

import autograd
import nn
from autograd import Value, diagnose, dot, topological_order
from autograd.diagram import draw, explain
from autograd.diagram.chain_rule.steps import as_data
from autograd.diagram.picture.clusters import Modules
from autograd.diagram.picture.picture import Picture
from autograd.errors import DiagramError

from .graphs import tangle
from .test_draw import groups, parse, texts


def loss_of(model: nn.Module, samples: int = 2) -> Value:
    parts = [(model([0.5 * i, i - 1.0]) - 1.0) ** 2 for i in range(samples)]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    total.name = "loss"
    total.backward()
    return total


def members(picture: Any) -> dict[str, set[str]]:
    labels = {c.id: c.label for c in picture.clusters}
    parents = {c.id: c.parent for c in picture.clusters}
    names_in: dict[str, set[str]] = {}
    for node in picture.nodes:
        if node.cluster is not None and node.kind != "constant":
            path = " / ".join(labels[key] for key in (parents[node.cluster], node.cluster) if key)
            names_in.setdefault(path, set()).add(node.name)
    return names_in


def test_a_node_belongs_to_the_neuron_whose_parameters_it_uses() -> None:
    model = nn.MLP(2, [2, 1], seed=3)
    picture = draw(loss_of(model, 1), model=model).drawing.picture
    names_in = members(picture)
    assert set(names_in) == {"Layer 0 / Neuron 0", "Layer 0 / Neuron 1", "Layer 1 / Neuron 0"}
    assert {len(names) for names in names_in.values()} == {5, 4}  # w.0 w.1 b, the sum, and the relu but for the last
    assert all({"w.0", "w.1", "b"} <= names for names in names_in.values())
    outside = {node.name for node in picture.nodes if node.cluster is None and node.kind != "constant"}
    assert "loss" in outside
    assert len(outside) == 2  # out − 1, and its square: the loss is no part of the last neuron


@pytest.mark.parametrize(
    "activation",
    ["relu", "tanh", "softplus", "leaky_relu", "elu", "erf", "exp", "sin", "square", autograd.erf, lambda z: z.tanh()],
)
def test_an_activation_is_inside_the_frame_of_its_neuron(activation: Any) -> None:
    model = nn.MLP(2, [2, 1], activation=activation, output_activation=activation, seed=3)
    out = model([0.5, -1.0])
    picture = draw((out - 1.0) ** 2, model=model).drawing.picture
    applied = [node for node in picture.nodes if node.op == out.op.name and node.name != picture.output_names[0]]
    assert len(applied) == 3
    labels = {cluster.id: cluster.label for cluster in picture.clusters}
    assert sorted(labels[node.cluster or ""] for node in applied) == ["Neuron 0", "Neuron 0", "Neuron 1"]
    outside = [node.op for node in picture.nodes if node.cluster is None and node.op]
    assert outside == ["sub", "pow"]  # the loss, even where it is a function that might be an activation


@pytest.mark.parametrize(
    ("loss", "operations"),
    [
        (lambda o: o.exp(), ["exp"]),
        (lambda o: (o - 1.0).square(), ["sub", "square"]),
        (lambda o: o.softplus(), ["softplus"]),
        (lambda o: (1.0 - o).relu(), ["sub", "relu"]),
        (lambda o: o.tanh(), ["tanh"]),
        (lambda o: o * o, ["mul"]),
        (lambda o: o + o, ["add"]),
    ],
)
def test_the_loss_on_a_linear_output_is_outside_its_frame(loss: Any, operations: list[str]) -> None:
    model = nn.MLP(2, [2, 1], seed=3)
    picture = draw(loss(model([0.5, -1.0])), model=model).drawing.picture
    assert [node.op for node in picture.nodes if node.cluster is None and node.op] == operations


def test_the_sum_over_samples_of_a_linear_output_is_outside_its_frame() -> None:
    model = nn.MLP(2, [1], seed=3)
    picture = draw(model([0.5, -1.0]) + model([1.0, 2.0]), model=model).drawing.picture
    assert [(node.op, node.kind) for node in picture.nodes if node.cluster is None and node.op] == [("add", "output")]
    assert [node.op for node in picture.nodes if node.cluster is not None and node.op] == ["dot", "dot"]


@pytest.mark.parametrize(("name", "inside"), [("tanh", True), ("elu", True), ("exp", False), ("square", False)])
def test_of_a_module_that_names_no_activation_the_frame_takes_a_usual_one(name: str, inside: bool) -> None:
    class Unit(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = Value(0.5)

    unit = Unit()
    out = autograd.OPERATIONS[name].evaluate(unit.w * 2.0)
    picture = draw(out, model=nn.Sequential(unit)).drawing.picture
    assert {node.op: node.cluster is not None for node in picture.nodes if node.op} == {"mul": True, name: inside}


def test_a_neuron_written_out_belongs_together() -> None:
    class Written(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.neuron = nn.Neuron(2, seed=0)

        def forward(self, x: Any) -> Any:
            total = self.neuron.w[0] * x[0] + self.neuron.w[1] * x[1]
            return (total + self.neuron.b).tanh()

    model = Written()
    picture = draw(model([1.0, 2.0]), model=model).drawing.picture
    assert [node.name for node in picture.nodes if node.cluster is None] == []


def test_a_long_sum_written_out_takes_memory_for_its_values_only() -> None:
    class Sum(nn.Module):
        def __init__(self) -> None:
            self.w = [Value(0.5) for _ in range(1000)]

    model = nn.Sequential(Sum())
    products = [w * 2.0 for w in model.parameters()]
    shown = topological_order(functools.reduce(operator.add, products))
    modules, ids = Modules(model), {id(v): f"n{i}" for i, v in enumerate(shown)}
    tracemalloc.start()
    modules.apply(Picture([], [], []), ids, modules.places(shown))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # entries of a few tables; the parameters of each partial sum as a set of its own would be over 7,000 for a value
    assert peak < 1000 * len(shown)


def test_a_shared_bias_belongs_to_the_layer() -> None:
    model = nn.MLP(2, [2, 1], bias="shared", seed=0)
    names_in = members(draw(loss_of(model, 1), model=model).drawing.picture)
    assert names_in["Layer 0"] == {"b"}
    assert len(names_in["Layer 0 / Neuron 0"]) == 4


@pytest.mark.parametrize("engine", ["graphviz-pure", "python"])
def test_frames_hold_their_nodes(engine: str) -> None:
    model = nn.MLP(2, [3, 1], seed=0)
    picture = draw(loss_of(model), model=model, engine=engine)
    placed = picture.drawing.layout
    parents = {c.id: c.parent for c in picture.drawing.picture.clusters}
    if engine == "graphviz-pure":
        assert len(placed.clusters) == 6
    for node in picture.drawing.picture.nodes:
        x, y = placed.nodes[node.id]
        for key, (x0, y0, x1, y1) in placed.clusters.items():
            at = node.cluster
            while at is not None and at != key:
                at = parents[at]
            inside = x0 <= x - node.width / 2 and x + node.width / 2 <= x1 and y0 <= y - 8 and y + 8 <= y1
            if at == key:
                assert inside
            elif engine == "python":  # here a frame is left out when a stranger lies in it
                assert not (x0 < x < x1 and y0 < y < y1)


def test_folded_boxes_say_what_is_in_them() -> None:
    model = nn.MLP(2, [3, 1], seed=3)
    loss = loss_of(model)
    picture = draw(loss, model=model, collapse=True)
    boxes = [texts(g) for g in groups(picture.svg, "group")]
    assert len(boxes) == 4
    first = next(box for box in boxes if any("3 parameters" in t for t in box))
    assert first[1] == "7 values, 3 parameters"
    assert first[2].startswith("gradient norm ")
    assert first[3] == "off for 1 of 2 samples"
    norm = sum(p.grad**2 for p in model.layers[1].parameters()) ** 0.5
    assert any(f"gradient norm {norm:.4g}" in box for box in boxes)
    assert "4 boxes stand for 27 of" in " ".join(texts(parse(picture.svg)))


def test_a_unit_is_off_for_some_samples_and_dead_for_all_and_the_loss_is_no_unit() -> None:
    model = nn.MLP(1, [2, 1], seed=0)
    unit = model.layers[0].neurons[0]
    for weight, bias, said in ((1.0, 0.0, "off for 1 of 4 samples"), (0.0, -1.0, "dead: off for all 4 samples")):
        unit.w[0].data, unit.b.data = weight, bias
        loss = (autograd.sum([model([x]) for x in (1.0, 2.0, -3.0, 0.5)]) * 0.0 - 5.0).relu()
        loss.backward()
        folded = draw(loss, model=model, collapse=True)
        assert said in [line for box in groups(folded.svg, "group") for line in texts(box)]
        assert not any("dead" in line for box in groups(folded.svg, "output") for line in texts(box))
        found = [finding.kind for finding in diagnose(loss, model=model)]
        assert found.count("dead") == said.startswith("dead")
        assert [finding.kind for finding in diagnose(loss)].count("dead") == found.count("dead") + 1


def test_large_pictures_fold_by_themselves_and_huge_ones_by_layer() -> None:
    model = nn.MLP(2, [16, 16, 1], seed=3)
    loss = loss_of(model, 20)
    picture = draw(loss, model=model)
    assert len(groups(picture.svg, "group")) == 34  # 33 neurons, and what comes after the model
    wide = nn.MLP(2, [200, 1], seed=3)
    boxes = [texts(g)[0] for g in groups(draw(loss_of(wide, 1), model=wide).svg, "group")]
    assert boxes == ["Layer 0", "Layer 1"]


def test_a_hundred_thousand_values_fold_into_a_picture_or_are_refused() -> None:
    model = nn.MLP(2, [16, 16, 1], seed=3)
    loss = loss_of(model, 1500)
    assert len(topological_order(loss)) > 100_000
    assert len(groups(draw(loss, model=model).svg, "group")) == 34
    assert len(draw(loss).drawing.picture.nodes) < 600  # without a model: what repeats
    with pytest.raises(DiagramError, match=r"focus=.*model="):
        draw(tangle(100_000))


def test_of_a_large_picture_that_is_not_folded_every_box_has_its_rows() -> None:
    model = nn.MLP(2, [16, 16, 1], seed=3)
    picture = draw(loss_of(model, 90), model=model, collapse=False, limit=None).drawing.picture
    assert len(picture.nodes) > 6000
    assert all(node.rows and node.width > 0 for node in picture.nodes)
    assert all(node.expression for node in picture.nodes if node.op)


def test_a_network_with_a_cycle_between_its_boxes_is_drawn_all_the_same() -> None:
    a, b = nn.Neuron(1, activation="tanh", seed=0), nn.Neuron(1, activation="tanh", seed=1)
    model = nn.Sequential(a, b)
    state: Any = 0.5
    for _ in range(3):
        state = b([a([state])])
    for engine in ("graphviz-pure", "python"):
        assert len(groups(draw(state, model=model, collapse=True, engine=engine).svg, "group")) >= 1
    assert draw(state, model=model, collapse=True).html


def test_an_output_inside_a_box_is_drawn() -> None:
    model = nn.MLP(1, [2, 1], seed=0)
    picture = draw(model([1.0]), model=model, collapse=True)
    assert len(groups(picture.svg, "group")) == 3
    assert picture.html
    assert picture._repr_mimebundle_()


def test_regularisation_belongs_to_its_neuron_and_its_sum_to_none() -> None:
    model = nn.Neuron(2, seed=0)
    penalty = dot(model.w, model.w)
    assert draw(penalty, model=model).drawing.picture.outputs


def test_bad_models() -> None:
    with pytest.raises(DiagramError, match="named_modules"):
        draw(Value(1.0), model=3)
    with pytest.raises(DiagramError, match="pass model="):
        draw(Value(1.0), collapse=True)


@pytest.mark.parametrize("engine", ["graphviz-pure", "python"])
@pytest.mark.parametrize("collapse", [True, False])
@pytest.mark.parametrize("widths", [(2, 3, 1), (2, 4, 4, 1), (3, 12, 11, 2)])
def test_neurons_stand_in_the_order_of_their_indices(widths: tuple[int, ...], collapse: bool, engine: str) -> None:
    if not collapse and max(widths) > 4:
        return  # nobody looks at the several hundred values of it
    model = nn.MLP(widths[0], list(widths[1:]), seed=3)
    outs = model([0.5, -0.5, 1.0][: widths[0]])
    loss = sum(outs, Value(0.0)) if isinstance(outs, list) else outs
    loss.backward()
    diagram = draw(loss, model=model, collapse=collapse, engine=engine, direction="LR")
    picture, placed = diagram.drawing.picture, diagram.drawing.layout
    layers = [c for c in picture.clusters if c.label.startswith("Layer")]
    assert [c.label for c in layers] == [f"Layer {i}" for i in range(len(widths) - 1)]
    for layer, count in zip(layers, widths[1:], strict=True):
        if collapse:
            units = [(node.name, placed.nodes[node.id][1]) for node in picture.nodes if node.cluster == layer.id]
        else:
            units = []
            for neuron in (c for c in picture.clusters if c.parent == layer.id):
                ys = [placed.nodes[node.id][1] for node in picture.nodes if node.cluster == neuron.id]
                units.append((neuron.label, sum(ys) / len(ys)))
        units.sort(key=lambda unit: unit[1])
        assert [name for name, _ in units] == [f"Neuron {i}" for i in range(count)]


def test_layers_stand_one_beside_the_other() -> None:
    model = nn.MLP(2, [3, 2, 1], seed=3)
    diagram = draw(model([0.5, -0.5]) ** 2, model=model, collapse=False, direction="LR")
    frames = [
        diagram.drawing.layout.clusters[c.id] for c in diagram.drawing.picture.clusters if c.label.startswith("Layer")
    ]
    assert len(frames) == 3
    for one, two in itertools.pairwise(frames):
        assert one[2] <= two[0]


def test_a_layer_that_is_used_twice_is_drawn_all_the_same() -> None:
    layer = nn.Layer(2, 2, seed=0)

    class Twice(nn.Module):
        def __init__(self) -> None:
            self.layer = layer

    y = layer(layer([1.0, 2.0]))[0]
    y.backward()
    assert draw(y, model=Twice()).drawing.layout.engine == "graphviz-pure"
    assert "<svg" in draw(y, model=Twice(), engine="python").svg


def test_it_is_always_said_which_neurons_weight_is_meant() -> None:
    model = nn.MLP(2, [2, 1], seed=1)
    loss = model([0.5, -1.0]) ** 2
    loss.name = "loss"
    loss.backward()
    diagram = draw(loss, model=model)
    paths = [path for path, _ in model.named_parameters()]
    picture = diagram.drawing.picture
    assert sorted(node.path for node in picture.nodes if node.kind == "parameter") == sorted(paths)
    for path in paths:
        assert sum(node.tooltip.startswith(path + ";") for node in picture.nodes) == 1
        assert f"<td>{path}</td>" in diagram.html
        assert diagram.text.count(path) == 1
    data = as_data(picture)
    assert sorted(entry["name"] for entry in data["derivations"]) == sorted(paths)
    for entry in data["derivations"]:
        assert f"['mi', '{entry['name']}']" in str(entry["lines"][0])
    # and the derivations speak of the values by the names that they have in the picture
    by_name = {node.name: node.header for node in picture.nodes}
    lines = next(e["lines"] for e in data["derivations"] if e["name"] == "layers.0.neurons.1.w.0")
    assert by_name["v₅"] == "v₅ = w.0×v₂ + w.1×v₄ + b"
    assert str(lines[0]).count("['mi', 'v₅']") == 2


def test_a_derivation_names_parameters_by_their_paths() -> None:
    model = nn.MLP(2, [12, 1], seed=1)
    y = model([0.5, -1.0])
    text = str(explain(y, model.layers[0].neurons[11].w[1], model=model))
    assert "/∂layers.0.neurons.11.w.1 = " in text
    assert "layers.1.neurons.0.w.11" in text
    with pytest.raises(DiagramError, match="named_modules"):
        explain(y, y, model=3)
