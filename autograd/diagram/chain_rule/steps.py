"""The steps of a graph's evaluation: forward one node at a time, the seed, then backward one node at a time.

A comparison has its moments for steps.

Each step says which node is at work, which edges carry something, what the numbers become, and the mathematics as
MathML trees. It is plain data, for the page of the player and for an animation.
"""

from __future__ import annotations

import math
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from autograd.diagram.picture.picture import Edge, Flow, Node, Picture
from autograd.diagram.text import number
from autograd.diagram.theme import MARK, line_width, marked, sign_of

from .mathml import Math, derivative, factor, mi, mn, mo, mtext

MAX_LINES = 12


@dataclass(slots=True)
class Step:
    """One step. `values` and `grads` hold what changes at it, by node id; `words` says it all in a sentence.

    A moment also has the `labels` of its edges, and the `changes` of values and gradients since the first moment.
    """

    phase: str
    title: str
    words: str
    node: str | None = None
    edges: list[str] = field(default_factory=list)
    lines: list[Math] = field(default_factory=list)
    values: dict[str, float | None] = field(default_factory=dict)
    grads: dict[str, float | None] = field(default_factory=dict)
    flows: dict[str, float | None] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    changes: dict[str, tuple[float | None, float | None]] = field(default_factory=dict)


def steps(picture: Picture) -> list[Step]:
    """Every step, in order. Applied one after the other they end at the numbers that `backward()` gives."""
    incoming = picture.incoming()
    start = Step(
        "start", "Start: the leaves have their values", "The leaves have their values; nothing is computed yet."
    )
    start.values = {node.id: node.value for node in picture.nodes if not incoming[node.id]}
    forward = [_forward(node, incoming[node.id]) for node in picture.nodes if incoming[node.id]]
    return [start, *forward, *_Backward(picture).steps()]


def moments(pictures: Sequence[Picture]) -> list[Step]:
    """A step for each moment of a comparison, whose pictures have the same nodes and edges."""
    every, first = [], {node.id: node for node in pictures[0].nodes}
    for i, picture in enumerate(pictures, 1):
        title = f"Moment {i} of {len(pictures)}"
        step = Step("moment", title, f"{title}: each number as it was then.")
        for node in picture.nodes:
            if node.kind not in ("group", "constant"):
                step.values[node.id] = node.value
                before = first[node.id]
                step.changes[node.id] = _change(before.value, node.value), _change(before.grad, node.grad)
        step.grads = {node.id: node.grad for node in picture.nodes if node.id in step.values}
        step.flows = {edge.id: edge.flow for edge in picture.edges}
        step.labels = {edge.id: edge.label for edge in picture.edges}
        step.lines = [
            mtext(f"{node.full_name}: {number(node.value)}, changed by {number(change)}")
            for node in picture.nodes
            if i > 1 and node.kind == "parameter" and (change := step.changes[node.id][0])
        ][:MAX_LINES]
        every.append(step)
    return every


def _change(before: float | None, now: float | None) -> float | None:
    return None if before is None or now is None else now - before


def _forward(node: Node, edges: list[Edge]) -> Step:
    step = Step("forward", f"Forward: {node.header}", "", node.id, [e.id for e in edges], values={node.id: node.value})
    if node.kind == "group":
        step.words = f"{node.name}: {', '.join(row.text for row in node.rows)}"
        return step
    value = number(node.value)
    step.words = f"{node.header} = {node.numeric} = {value}"
    numeric = [mtext(node.numeric), mo("=")] if node.numeric and node.numeric != value else []
    step.lines = [
        ["mrow", mi(node.name), mo("="), mtext(node.expression)],
        ["mrow", mi(node.name), mo("="), *numeric, mn(node.value)],
        *(mtext(flag.text) for flag in node.flags if not flag.late),
    ]
    return step


class _Backward:
    """The seed and the steps of the backward pass."""

    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        self.nodes = {node.id: node for node in picture.nodes}
        self.outputs = [self.nodes[key] for key in picture.outputs]
        names = picture.output_names or [node.name for node in self.outputs]
        several = "(" + " + ".join(names[:3]) + (" + …)" if len(names) > 3 else ")")
        self.top = names[0] if len(names) == 1 else several
        self.flows: dict[str, list[Flow]] = defaultdict(list)
        for flow in picture.backward():
            if not self.nodes[flow.edge.source].frozen:
                self.flows[flow.edge.target].append(flow)
        # how many ways lead back to a node, and how many of them were walked
        self.walked = Counter({node.id: node.outside_edges for node in picture.nodes if node.outside is not None})
        self.paths = self.walked + Counter(edge.source for edge in picture.edges if edge.partial is not None)

    def steps(self) -> list[Step]:
        """The seed, what comes from outside, then node after node against the arrows, and the end."""
        steps = [self._seed(), *self._arrival()]
        incoming = self.picture.incoming()
        for node in reversed(self.picture.nodes):
            bundles = [edge for edge in incoming[node.id] if edge.bundled and edge.flow is not None]
            if bundles or self.flows[node.id]:
                steps.append(self._through(node, bundles))
        grads = {key: grad for step in steps for key, grad in step.grads.items() if grad is not None}
        return [*steps, self._end(grads)]

    def _seed(self) -> Step:
        one = f"∂{self.top}/∂{self.top}"
        step = Step("seed", f"Seed: {one} = 1", f"The gradient starts at the output with 1: {one} = 1.")
        step.lines = [["mrow", derivative(self.top, node.name), mo("="), mn(1.0)] for node in self.outputs]
        step.grads = {node.id: 1.0 for node in self.outputs}
        step.node = self.outputs[0].id if self.outputs else None
        return step

    def _arrival(self) -> list[Step]:
        """What comes through edges that the picture does not draw, where there is any."""
        nodes = [node for node in self.picture.nodes if node.outside is not None]
        if not nodes:
            return []
        step = Step("backward", "Backward: what comes from values that are not shown", "", nodes[-1].id)
        seeds = self.picture.seeds()
        step.grads = {node.id: seeds[node.id] for node in nodes}
        step.lines = [
            ["mrow", derivative(self.top, node.name), mo("+="), mn(node.outside)] for node in nodes[:MAX_LINES]
        ]
        sentences = [f"∂{self.top}/∂{node.name} += {number(node.outside)}" for node in nodes[:MAX_LINES]]
        step.words = ". ".join([step.title, *sentences]) + "."
        return [step]

    def _through(self, node: Node, bundles: list[Edge]) -> Step:
        """The chain rule at one node: its gradient times each local derivative goes to the operands."""
        flows = self.flows[node.id]
        edges = [flow.edge.id for flow in flows] + [edge.id for edge in bundles]
        step = Step("backward", f"Backward through {node.header}", "", node.id, edges)
        sentences = [self._bundled(edge) for edge in bundles[:MAX_LINES]]
        step.lines = [mtext(sentence) for sentence in sentences]
        step.flows = {edge.id: edge.flow for edge in bundles if edge.flow is not None}
        for flow in flows:
            operand = self.nodes[flow.edge.source]
            step.grads[operand.id] = flow.total
            step.flows[flow.edge.id] = flow.flow
            self.walked[operand.id] += 1
            several, count = self.paths[operand.id] > 1, f"{self.walked[operand.id]} of {self.paths[operand.id]} paths"
            if len(step.lines) < 3 * MAX_LINES:
                step.lines += self._lines(node, operand, flow, count if several else "")
            product = f"{number(flow.grad)} × {number(flow.partial)} = {number(flow.flow)}"
            total = f", total {number(flow.total)}, {count}" if several else ""
            sentences.append(f"∂{self.top}/∂{operand.name} += {product}{total}")
        if len(flows) > MAX_LINES:
            step.lines.append(mtext(f"… and {len(flows) - MAX_LINES} more operands alike"))
        step.words = f"{step.title}. {'. '.join(sentences[:MAX_LINES])}."
        return step

    def _bundled(self, edge: Edge) -> str:
        which = "The largest" if edge.count > 1 else "The"
        return f"{which} gradient that flows to {self.nodes[edge.source].name}: {number(edge.flow)}"

    def _lines(self, node: Node, operand: Node, flow: Flow, count: str) -> list[Math]:
        """`∂L/∂w += ∂L/∂a · ∂a/∂w = 0.6347 × 0.5 = 0.3174`, with the rule, and the running total where paths meet."""
        local, rule = derivative(node.name, operand.name), flow.edge.rule
        product = [derivative(self.top, node.name), mo("·"), local]
        numbers = [factor(flow.grad), mo("×"), factor(flow.partial)]
        sign = mo("+=" if count else "=")
        value = [mo("="), mn(flow.partial)] if rule != number(flow.partial) else []
        lines: list[Math] = [
            ["mrow", derivative(self.top, operand.name), sign, *product, mo("="), *numbers, mo("="), mn(flow.flow)],
            ["mrow", mtext("because\u00a0"), local, mo("="), mtext(rule), *value],
        ]
        if count:
            running = f"running total: {number(flow.before)} + {number(flow.flow)} ="
            start = "first of several paths:" if flow.before is None else running
            lines.append(mtext(f"{start} {number(flow.total)} ({count})"))
        return lines

    def _end(self, grads: Mapping[str, float]) -> Step:
        step = Step("end", "Done: every gradient is known", "Every gradient is known.")
        leaves = [node for node in self.picture.nodes if node.kind == "parameter" and node.id in grads]
        for node in leaves[:MAX_LINES]:
            grad, held = grads[node.id], node.grad
            step.lines.append(["mrow", derivative(self.top, node.full_name), mo("="), mn(grad)])
            if held is not None and abs(held - grad) > 1e-9 * (abs(held) + abs(grad)):
                words = f"{node.full_name}.grad holds {number(held)}: more than this graph gave was added to it"
                step.lines.append(mtext(words))
        if len(leaves) > MAX_LINES:
            step.lines.append(mtext(f"… and {len(leaves) - MAX_LINES} more parameters, in the table below"))
        return step


def as_data(picture: Picture, drawn: Iterable[Edge] | None = None, compared: Sequence[Picture] = ()) -> dict[str, Any]:
    """The steps as plain data for the page: texts and classes are decided here, so that the page only sets them.

    The edges that are `drawn` may be others than those of the picture. The steps are the moments that are `compared`,
    if there are any.
    """
    edges = [*picture.edges, *(edge for edge in drawn or () if edge.bundled)]
    return {
        "steps": [
            {name: getattr(step, name) for name in ("phase", "title", "words", "node", "edges", "lines")}
            | {
                "values": {key: number(value) for key, value in step.values.items()},
                "grads": {key: list(marked(grad)) for key, grad in step.grads.items()},
                "flows": {key: _line(flow) for key, flow in step.flows.items()},
                "labels": step.labels,
                "changes": {key: list(map(marked, pair)) for key, pair in step.changes.items()},
            }
            for step in (moments(compared) if compared else steps(picture))
        ],
        "edges": {e.id: [e.source, e.target, e.label, e.sign == "constant"] for e in edges},
        "derivations": [
            {"name": node.full_name, "lines": picture.derivations[node.id]}
            for node in picture.nodes
            if node.id in picture.derivations
        ],
    }


def _line(flow: float | None) -> list[str]:
    """How an edge is drawn that carries this gradient: its class, its width, the mark of the sign, and its size."""
    size = 0.0 if flow is None else abs(flow) if math.isfinite(flow) else sys.float_info.max
    return [sign_of(flow), f"{line_width(flow):.2f}", MARK[sign_of(flow)], repr(size)]
