"""From a model to the columns and weights of its diagram."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograd import Value, topological_order
from autograd.diagram.network import Column, NetworkDiagram, Unit, Weight, check_theme, choose, numbers
from autograd.errors import DiagramError

from .layers import Layer, Neuron
from .module import Module


def network_diagram(
    model: Module, x: Sequence[Any] | None, loss: Value | None, target: Any, most: int, title: str | None, theme: str,
    engine: str | None,
) -> NetworkDiagram:  # fmt: skip
    """What `nn.draw` does; see there."""
    check_theme(theme)
    if type(most) is not int or most < 2:
        raise DiagramError(f"most= is a number of units, 2 or more; {most!r} was given.")
    given_loss: object = loss
    if given_loss is not None and not isinstance(given_loss, Value):
        raise DiagramError(f"loss= is the Value that the model's outputs led to; {type(loss).__name__} was given.")
    layers = _layers(model)
    widths = [len(layers[0][0].w), *map(len, layers)]
    for k, neurons in enumerate(layers):
        if any(len(neuron.w) != widths[k] for neuron in neurons):
            raise DiagramError(f"Layer {k + 1} does not take the {widths[k]} numbers that the one before it gives.")
    given = None if x is None else numbers(x, widths[0], "x")
    wanted = None
    if target is not None:
        wanted = numbers(target if isinstance(target, Sequence) else [target], widths[-1], "target")
    states = _from_graph(layers, loss) if loss is not None else {}
    every = [[Unit(f"x{i + 1}", "input", index=i) for i in range(widths[0])]]
    for k, neurons in enumerate(layers):
        last = k == len(layers) - 1
        letter = "o" if last else "h" if len(layers) == 2 else f"h{k + 1}."
        every.append([Unit(f"{letter}{i + 1}", "output" if last else "hidden", index=i) for i in range(len(neurons))])
    _fill_in(every, layers, given, states)
    for unit, number in zip(every[-1], wanted or [], strict=bool(wanted)):
        unit.lines.append(("target", number))
    return _assemble(every, layers, most, title or f"Network {' → '.join(map(str, widths))}", theme, engine)


def _layers(model: Module) -> list[list[Neuron]]:
    """The neurons of each layer, in order; a neuron by itself is a layer of one."""
    given: object = model
    if not isinstance(given, Module):
        raise DiagramError(f"model is a Module, such as MLP(2, [3, 1]); {type(model).__name__} was given.")
    found: list[list[Neuron]] = []
    inside: set[int] = set()
    for module in model.modules():
        if isinstance(module, Layer):
            found.append(list(module.neurons))
            inside.update(map(id, module.neurons))
        elif isinstance(module, Neuron) and id(module) not in inside:
            found.append([module])
    if not found:
        raise DiagramError(
            f"This {type(model).__name__} has no Layer and no Neuron in it, so there is nothing to draw."
        )
    return found


def _from_graph(layers: list[list[Neuron]], loss: Value) -> dict[int, tuple[Value, Value]]:
    """For each neuron, by id, the node of its net input and the node of its output in the graph of `loss`."""
    owner = {id(neuron.w[0]): neuron for neurons in layers for neuron in neurons if neuron.w}
    found: dict[int, tuple[Value, Value]] = {}
    waiting: dict[int, Neuron] = {}
    for v in topological_order(loss):
        if v.op is None:
            continue
        first = v.operands[0]
        if v.op.name == "dot" and id(first) in owner and id(owner[id(first)]) not in found:
            neuron = owner[id(first)]
            found[id(neuron)] = (v, v)
            if neuron.activation != "linear":
                waiting[id(v)] = neuron
        elif id(first) in waiting and v.op.name == waiting[id(first)].activation:
            neuron = waiting.pop(id(first))
            found[id(neuron)] = (found[id(neuron)][0], v)
    if not found:
        raise DiagramError("The graph of loss= did not go through this model: no neuron of it is in there.")
    return found


def _fill_in(
    every: list[list[Unit]],
    layers: list[list[Neuron]],
    given: list[float] | None,
    states: dict[int, tuple[Value, Value]],
) -> None:
    """Put in activations, net inputs and deltas: from the graph where there is one, else by computing them."""
    flowing = given
    if given is None and states:
        node = states[id(layers[0][0])][0]
        count = len(layers[0][0].w)
        flowing = [float(getattr(o, "data", o)) for o in node.operands[count : 2 * count]]
    for unit, number in zip(every[0], flowing or [], strict=bool(flowing)):
        unit.value = number
    for neurons, units in zip(layers, every[1:], strict=True):
        outs: list[float] = []
        for neuron, unit in zip(neurons, units, strict=True):
            if id(neuron) in states:
                net, out = states[id(neuron)]
                unit.value = out.data
                unit.lines.append(("net", net.data))
                if net.has_grad:
                    unit.lines.append(("δ", net.grad))
            elif flowing:
                z = neuron.b.data if neuron.b is not None else 0.0
                for w, number in zip(neuron.w, flowing, strict=True):
                    z += w.data * number
                unit.value = float(neuron._activate(z)) if neuron._activate is not None else z
                unit.lines.append(("net", z))
            if unit.value is not None:
                outs.append(unit.value)
                if neuron.activation == "relu" and unit.value == 0:
                    unit.flag = "dead: z ≤ 0"
        flowing = outs if len(outs) == len(units) else None


def _assemble(
    every: list[list[Unit]], layers: list[list[Neuron]], most: int, title: str, theme: str, engine: str | None
) -> NetworkDiagram:
    columns: list[Column] = []
    weights: list[Weight] = []
    for k, units in enumerate(every):
        name = "input" if k == 0 else "output" if k == len(every) - 1 else f"hidden {k}" if len(every) > 3 else "hidden"
        shown, hidden = choose(units, most)
        columns.append(Column(f"{name} ({len(units)})" if hidden else name, shown, hidden))
    for k, neurons in enumerate(layers):
        biases = {id(neuron.b): neuron.b for neuron in neurons if neuron.b is not None}
        shared = next(iter(biases.values())) if len(biases) == 1 and len(neurons) > 1 else None
        if shared is not None:
            columns[k].bias = Unit(shared.name or f"b{k + 1}", "bias", shared.data)
        for unit in columns[k + 1].units:
            neuron = neurons[unit.index]
            for source in columns[k].units:
                w = neuron.w[source.index]
                weights.append(Weight(source, unit, w.name or "", w.data, w.grad if w.has_grad else None))
            if shared is not None and neuron.b is shared:
                grad = shared.grad if shared.has_grad else None
                weights.append(Weight(columns[k].bias, unit, "", shared.data, grad))  # type: ignore[arg-type]
            elif neuron.b is not None:
                unit.lines.insert(0, (neuron.b.name or "b", neuron.b.data))
                if neuron.b.has_grad:
                    unit.lines.insert(1, (f"∂{neuron.b.name or 'b'}", neuron.b.grad))
    return NetworkDiagram(columns, weights, title=title, theme=theme, engine=engine)
