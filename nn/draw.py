"""The diagram that textbooks draw of a network: from a model to the columns and weights of its picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from autograd import OPERATIONS, Value, topological_order
from autograd.errors import DiagramError
from autograd.operation import bare

from .layers import Layer, Neuron
from .module import Module

if TYPE_CHECKING:  # what draws is loaded when it is used
    from autograd.diagram.network import NetworkDiagram, Unit

Nodes = dict[int, tuple[Value, Value]]  # by the id of a neuron: its net input and its output in a graph


def draw(
    model: Module,
    x: Sequence[Any] | None = None,
    *,
    loss: Value | None = None,
    target: Sequence[Any] | Any | None = None,
    most: int = 8,
    title: str | None = None,
    theme: str = "auto",
    engine: str | None = None,
) -> NetworkDiagram:
    """Draw a network as textbooks do: neurons as circles in columns, biases, weights on the lines between them.

    With inputs ``x`` each circle shows its activation and, below, its net input. With the ``loss`` of a graph that went
    through the model, the numbers are those of that graph (of its first sample) and after ``loss.backward()`` each
    neuron shows δ, the derivative of the loss with respect to its net input. Weights show their gradients as soon as
    they have some. ``target`` writes what was wanted beside the outputs. A layer wider than ``most`` is shown from both
    ends, and the picture says how many are left out; so are the numbers on the lines where there are more than 48.

    Dropout and other modules without neurons are not drawn. Raises DiagramError when the model has no layers of
    neurons, when the widths do not fit one another, or when ``x`` or ``target`` has another length.

    >>> import nn
    >>> nn.draw(nn.MLP(2, [3, 1], seed=0), [0.5, -1.0])
    NetworkDiagram(2 → 3 → 1)
    """
    from autograd.diagram.network import Unit, as_floats, check_theme

    check_theme(theme)
    if type(most) is not int or most < 2:
        raise DiagramError(f"most= is a number of units, 2 or more; {most!r} was given.")
    layers = _layers(model)
    widths = [len(layers[0][0].w), *map(len, layers)]
    for k, neurons in enumerate(layers):
        if any(len(neuron.w) != widths[k] for neuron in neurons):
            raise DiagramError(f"Layer {k + 1} does not take the {widths[k]} numbers that the one before it gives.")
    inputs = None if x is None else as_floats(x, widths[0], "x")
    if target is not None:
        target = as_floats(target if isinstance(target, Sequence) else [target], widths[-1], "target")
    columns = [[Unit(f"x{i + 1}", "input", index=i) for i in range(widths[0])]]
    for k, width in enumerate(widths[1:], start=1):
        kind = "output" if k == len(layers) else "hidden"
        letter = "o" if kind == "output" else "h" if len(layers) == 2 else f"h{k}."
        columns.append([Unit(f"{letter}{i + 1}", kind, index=i) for i in range(width)])
    _fill_in(columns, layers, inputs, _from_graph(layers, loss) if loss is not None else {})
    for unit, number in zip(columns[-1], target or [], strict=bool(target)):
        unit.lines.append(("target", number))
    return _assemble(columns, layers, most, title or f"Network {' → '.join(map(str, widths))}", theme, engine)


def _layers(model: Any) -> list[list[Neuron]]:
    """The neurons of each layer, in order; a neuron by itself is a layer of one."""
    if not isinstance(model, Module):
        raise DiagramError(f"model is a Module, such as MLP(2, [3, 1]); {type(model).__name__} was given.")
    layers: list[list[Neuron]] = []
    inside: set[int] = set()
    for module in model.modules():
        if isinstance(module, Layer):
            layers.append(list(module.neurons))
            inside.update(map(id, module.neurons))
        elif isinstance(module, Neuron) and id(module) not in inside:
            layers.append([module])
    if not layers:
        raise DiagramError(
            f"This {type(model).__name__} has no Layer and no Neuron in it, so there is nothing to draw."
        )
    return layers


def _from_graph(layers: list[list[Neuron]], loss: Any) -> Nodes:
    """For each neuron, by id, the node of its net input and the node of its output in the graph of ``loss``."""
    if not isinstance(loss, Value):
        raise DiagramError(f"loss= is the Value that the model's outputs led to; {type(loss).__name__} was given.")
    owners = {id(neuron.w[0]): neuron for neurons in layers for neuron in neurons if neuron.w}
    nodes: Nodes = {}
    waiting: dict[int, Neuron] = {}  # by the id of a net input whose activation is still to come
    for v in topological_order(loss):
        if v.op is None:
            continue
        first = v.operands[0]
        if v.op.name == "dot" and id(first) in owners and id(owners[id(first)]) not in nodes:
            neuron = owners[id(first)]
            nodes[id(neuron)] = (v, v)
            if neuron.activation != "linear":
                waiting[id(v)] = neuron
        elif id(first) in waiting and v.op.name == waiting[id(first)].activation:
            neuron = waiting.pop(id(first))
            nodes[id(neuron)] = (nodes[id(neuron)][0], v)
    if not nodes:
        raise DiagramError("The graph of loss= did not go through this model: no neuron of it is in there.")
    return nodes


def _fill_in(columns: list[list[Unit]], layers: list[list[Neuron]], inputs: list[float] | None, nodes: Nodes) -> None:
    """Put in activations, net inputs and deltas: from the graph where there is one, else by computing them."""
    if inputs is None and nodes:
        dot, _ = nodes[id(layers[0][0])]
        inputs = [float(bare(x)) for x in dot.operands[len(columns[0]) : 2 * len(columns[0])]]
    for unit, number in zip(columns[0], inputs or [], strict=bool(inputs)):
        unit.value = number
    for neurons, units in zip(layers, columns[1:], strict=True):
        for neuron, unit in zip(neurons, units, strict=True):
            if id(neuron) in nodes:
                net, out = nodes[id(neuron)]
                unit.value, z = out.data, net.data
                unit.lines += [("net", z), ("δ", net.grad)] if net.has_grad else [("net", z)]
            elif inputs:
                z = neuron.b.data if neuron.b is not None else 0.0
                for w, number in zip(neuron.w, inputs, strict=True):
                    z += w.data * number
                unit.value = float(neuron.activate(z)) if neuron.activate is not None else z
                unit.lines.append(("net", z))
            else:
                continue
            row = OPERATIONS.get(neuron.activation or "")
            if row is not None and row.dead_below is not None and z <= row.dead_below:
                unit.flag = f"dead: z ≤ {row.dead_below:g}"
        outputs = [unit.value for unit in units if unit.value is not None]
        inputs = outputs if len(outputs) == len(units) else None


def _assemble(
    units: list[list[Unit]], layers: list[list[Neuron]], most: int, title: str, theme: str, engine: str | None
) -> NetworkDiagram:
    from autograd.diagram.network import Column, NetworkDiagram, Unit, Weight, both_ends

    columns: list[Column] = []
    weights: list[Weight] = []
    for k, column in enumerate(units):
        hidden = "hidden" if len(units) <= 3 else f"hidden {k}"
        name = "input" if k == 0 else "output" if k == len(layers) else hidden
        shown, left_out = both_ends(column, most)
        columns.append(Column(f"{name} ({len(column)})" if left_out else name, shown, left_out))
    for k, neurons in enumerate(layers):
        biases = {id(neuron.b): neuron.b for neuron in neurons if neuron.b is not None}
        shared = next(iter(biases.values())) if len(biases) == 1 and len(neurons) > 1 else None
        bias = Unit(shared.name or f"b{k + 1}", "bias", shared.data) if shared is not None else None
        columns[k].bias = bias
        for unit in columns[k + 1].units:
            neuron = neurons[unit.index]
            for source in columns[k].units:
                w = neuron.w[source.index]
                weights.append(Weight(source, unit, w.name or "", w.data, _grad(w)))
            if neuron.b is None:
                continue
            if bias is not None and neuron.b is shared:
                weights.append(Weight(bias, unit, "", neuron.b.data, _grad(neuron.b)))
            else:
                name = neuron.b.name or "b"
                grads = [(f"∂{name}", neuron.b.grad)] if neuron.b.has_grad else []
                unit.lines[:0] = [(name, neuron.b.data), *grads]
    return NetworkDiagram(columns, weights, title=title, theme=theme, engine=engine)


def _grad(p: Value) -> float | None:
    return p.grad if p.has_grad else None
