"""A model as the picture that textbooks draw of it: what `draw` makes of its neurons and of a graph through them."""

from __future__ import annotations

from typing import Any, NamedTuple

from autograd import OPERATIONS, Value, enable_grad, gradients, no_grad, topological_order
from autograd import sum as sum_of
from autograd.diagram.network import Network, NetworkDiagram, both_ends, in_product, written_sum
from autograd.diagram.picture.health import flags
from autograd.diagram.picture.picture import Node
from autograd.diagram.place.columns import Column, Line, Unit
from autograd.diagram.text import LONGEST_NAME, clean, number
from autograd.errors import DiagramError
from autograd.operation import bare

from .layers import Neuron, Sequential
from .module import Module


class Found(NamedTuple):
    """What a graph holds of a neuron: its net input, and its output where that is one operation on it."""

    net: Value
    out: Value | None


Nodes = dict[int, Found]  # by the id of a neuron
_PASSED = "passes on"


class Sketch:
    """The network as it is drawn, column by column."""

    def __init__(self, model: Module, layers: list[list[Neuron]], roots: list[Value], title: str, most: int) -> None:
        order = topological_order(*roots)
        self.layers, self.roots, self.most = layers, roots, most
        self.after = _after(model, layers)
        self.nodes, several = _from_graph(layers, order)
        if roots and not self.nodes:
            raise DiagramError(
                "The graph of loss= (or of x) did not go through this model: no neuron of it is in there."
            )
        self.network = Network(title)
        if several:
            self.network.picture.notes.append("units show the first of several samples, ∂ is that of all together")
        self.values: dict[str, Value] = {}  # by the id of a node, what it shows
        keep = {id(v) for found in self.nodes.values() for v in found if v is not None}
        self.flags = flags(order, roots, keep)
        self._inputs()
        for k in range(len(layers)):
            self._layer(k)

    def diagram(self, loss: Value | None, target: list[float] | None, theme: str, engine: str | None) -> NetworkDiagram:
        """The finished picture: with targets, and with what reaches it from the loss and from what is left out."""
        outputs, picture = self.network.columns[-1].units, self.network.picture
        if loss is not None:
            picture.output_names = [clean(loss.name or "") or "E"]
        else:
            picture.outputs = [unit.node.id for unit in outputs]
            picture.output_names = [unit.node.name for unit in outputs]
        self._words_below(outputs, target or [])
        seeded = [self.values[key] for key in picture.outputs if key in self.values]  # none where there is a loss
        if self.roots and (loss is not None or seeded):
            with enable_grad():
                root = loss if loss is not None else sum_of(seeded)
            adjoints = gradients(root, list(self.values.values()))
            self.network.add_outside(dict(zip(self.values, adjoints, strict=True)))
        return self.network.diagram(theme, engine)

    def _words_below(self, outputs: list[Unit], target: list[float]) -> None:
        """Below the outputs what functions behind the last layer make of them, and what was wanted."""
        width = len(self.layers[-1])
        results: Any = [self.nodes[id(n)].out for n in self.layers[-1] if id(n) in self.nodes]
        for function in self.after.get(len(self.layers) - 1, []):
            if isinstance(function, Module):
                continue
            if len(results) < width or not all(isinstance(v, Value) for v in results):
                break
            with no_grad():
                made = function(results if width > 1 else results[0])
            results = made if isinstance(made, (list, tuple)) else [made]
            for unit in outputs if len(results) == width else []:
                unit.words.append(f"{_called(function)} {number(float(bare(results[unit.index])))}")
        for unit in outputs if target else []:
            unit.words.append(f"target {number(target[unit.index])}")

    def _inputs(self) -> None:
        width = len(self.layers[0][0].w)
        first = next((self.nodes[id(n)].net for n in self.layers[0] if id(n) in self.nodes), None)
        shown, hidden = both_ends(width, self.most)
        units = []
        for i in shown:
            x = first.operands[width + i] if first is not None else None
            learns = isinstance(x, Value) and (x.op is not None or x.requires_grad)
            node = self._node("input", f"x{i + 1}", x)
            node.frozen = not learns
            units.append(Unit(node, index=i))
        self.network.columns.append(Column(_title("input", width, hidden), units, hidden=hidden))

    def _layer(self, k: int) -> None:
        neurons, before = self.layers[k], self.network.columns[-1]
        last = k == len(self.layers) - 1
        biases = {id(neuron.b): neuron.b for neuron in neurons if neuron.b is not None}
        if len(biases) == 1 and len(neurons) > 1:
            b = next(iter(biases.values()))
            before.bias = Unit(self._parameter(b, f"b{k + 1}"))
        shown, hidden = both_ends(len(neurons), self.most)
        letter = "o" if last else "h" if len(self.layers) == 2 else f"h{k + 1}."
        kinds = dict.fromkeys(_kind(neuron) for neuron in neurons)
        units = []
        for i in shown:
            unit = self._unit(neurons[i], f"{letter}{i + 1}", "output" if last else "operation", before)
            unit.index = i
            unit.words += [_kind(neurons[i])] if len(kinds) > 1 else []
            units.append(unit)
        title = "output" if last else "hidden" if len(self.layers) == 2 else f"hidden {k + 1}"
        note = ", ".join([*(kinds if len(kinds) == 1 else []), *map(_called, self.after.get(k, []))])
        self.network.columns.append(Column(_title(title, len(neurons), hidden), units, note, hidden))

    def _unit(self, neuron: Neuron, name: str, kind: str, before: Column) -> Unit:
        """A neuron: nodes for its weights, its bias, its net input and its output, and the edges between them."""
        found = self.nodes.get(id(neuron))
        net, nin = found.net if found is not None else None, len(neuron.w)
        weights = [self._parameter(neuron.w[unit.index], f"w_{unit.node.name}_{name}") for unit in before.units]
        biases = [] if neuron.b is None else [self._bias(neuron.b, name, before)]
        pairs = list(zip(weights, (unit.node for unit in before.units), strict=True))
        node = self._node(
            kind, name if neuron.activate is None else f"net_{name}", net,
            expression=written_sum([f"{w.name} × {x.name}" for w, x in pairs], [b.name for b in biases], before.hidden),
            numeric=written_sum(
                [f"{in_product(w.value)} × {in_product(x.value)}" for w, x in pairs],
                [in_product(b.value) for b in biases],
                before.hidden,
            ),
        )  # fmt: skip
        unit = Unit(node)
        for w, source in zip(weights, before.units, strict=True):
            i, x = source.index, source.node
            operand = net.operands[nin + i] if net is not None else None
            edge = self.network.edge(w, node, i, _partial(net, i, operand), x.name)
            unit.lines.append(Line(edge, w, source, f"{w.name} =" if neuron.w[i].name else ""))
            if net is None or x.frozen or operand is self.values.get(x.id):
                self.network.edge(x, node, nin + i, _partial(net, nin + i, neuron.w[i]), w.name)
            elif float(bare(operand)) != x.value and not any(words.startswith(_PASSED) for words in source.words):
                source.words.append(f"{_PASSED} {number(float(bare(operand)))}")  # a Dropout lies between
        for b in biases:
            edge, shared = self.network.edge(b, node, 2 * nin, 1.0, "1"), before.bias is not None
            own = b.name if neuron.b is not None and neuron.b.name else "b"
            unit.lines.append(Line(edge, b, before.bias, None if shared else f"{own} ="))
        if neuron.activate is not None:
            self._activate(unit, neuron, name, kind, found)
        return unit

    def _activate(self, unit: Unit, neuron: Neuron, name: str, kind: str, found: Found | None) -> None:
        """Put the output of a neuron into its circle, and its net input below it."""
        net, out = unit.node, found.out if found is not None else None
        row = OPERATIONS.get(neuron.activation or "")

        def written(operand: str) -> str:
            return row.write([operand]) if row is not None else f"{_kind(neuron)}({operand})"

        shown = out
        if out is None and found is not None:  # by several operations: its number is known, its node is not
            with no_grad():
                shown = neuron.activate(found.net) if neuron.activate is not None else found.net
        node = self._node(kind, name, shown, expression=written(net.name), numeric=written(number(net.value)))
        if out is None:
            self.values.pop(node.id, None)
        partial = out.partials[0] if out is not None else None
        rule = row.write_derivative(0, [net.name], result=name) if row is not None else ""
        self.network.edge(net, node, 0, float(partial) if partial is not None else None, rule)
        unit.node, unit.net = node, net
        node.flags, net.flags = [*net.flags, *node.flags], []

    def _bias(self, b: Value, name: str, before: Column) -> Node:
        return before.bias.node if before.bias is not None else self._parameter(b, f"b_{name}")

    def _parameter(self, p: Value, name: str) -> Node:
        return self._node("parameter", clean(p.name or "", LONGEST_NAME) or name, p)

    def _node(self, kind: str, name: str, v: Any, **more: str) -> Node:
        """A node for a Value, for a number, or for what is not known."""
        value = float(bare(v)) if v is not None else None
        grad, marks = None, []
        if isinstance(v, Value):
            grad, marks = v.grad if v.has_grad else None, self.flags.get(id(v), [])
        node = self.network.node(kind, name, value, grad, flags=marks, **more)
        if isinstance(v, Value) and (v.op is not None or v.requires_grad):
            self.values[node.id] = v
        else:
            node.frozen = kind in ("input", "parameter")
        return node


def _from_graph(layers: list[list[Neuron]], order: list[Value]) -> tuple[Nodes, bool]:
    """What the graph holds of each neuron, of the first sample, and whether there are several."""
    owners = {id(neuron.w[0]): neuron for neurons in layers for neuron in neurons if neuron.w}
    nodes: Nodes = {}
    several = False
    waiting: dict[int, Neuron] = {}  # by the id of a net input whose activation is still to come
    for v in order:
        if v.op is None:
            continue
        first = v.operands[0]
        if v.op.name == "dot" and id(first) in owners:
            neuron = owners[id(first)]
            if id(neuron) in nodes:
                several = True
                continue
            nodes[id(neuron)] = Found(v, v if neuron.activate is None else None)
            if neuron.activation != "linear":
                waiting[id(v)] = neuron
        elif id(first) in waiting and v.op.name == waiting[id(first)].activation:
            neuron = waiting.pop(id(first))
            nodes[id(neuron)] = Found(nodes[id(neuron)].net, v)
    return nodes, several


def _partial(net: Value | None, position: int, operand: Any) -> float | None:
    """The derivative of a net input with respect to the operand at a position, of which ``operand`` is the factor."""
    stored = net.partials[position] if net is not None else None
    known = operand if stored is None else stored
    return float(bare(known)) if known is not None else None


def _after(model: Module, layers: list[list[Neuron]]) -> dict[int, list[Any]]:
    """By the index of a layer, the functions and modules without neurons that stand behind it in a Sequential."""
    home = {id(neuron): k for k, neurons in enumerate(layers) for neuron in neurons}
    after: dict[int, list[Any]] = {}
    for sequence in model.modules():
        last = None
        for step in sequence.steps if isinstance(sequence, Sequential) else []:
            inside = [home[id(m)] for m in step.modules() if id(m) in home] if isinstance(step, Module) else []
            if inside:
                last = max(inside)
            elif last is not None:
                after.setdefault(last, []).append(step)
    return after


def _called(step: Any) -> str:
    """What a module or a function is called."""
    name = getattr(step, "__name__", type(step).__name__)
    return clean(f"{name}({step.extra_repr()})" if isinstance(step, Module) else name, LONGEST_NAME)


def _kind(neuron: Neuron) -> str:
    """What the activation of a neuron is called."""
    return neuron.activation or _called(neuron.activate)


def _title(layer: str, width: int, hidden: int) -> str:
    return f"{layer} ({width})" if hidden else layer
