"""The steps of a graph's evaluation: forward one node at a time, the seed, then backward one node at a time.

Each step says which node is at work, which edges carry something, what the numbers become, and the mathematics as a
tree of MathML elements: `["mfrac", above, below]`, leaves being `["mi", "x"]`. Plain data, which the page turns into
elements with `textContent` only.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from autograd.diagram import theme
from autograd.diagram.picture.build import Edge, Node, Picture
from autograd.diagram.text import number

Math = list[Any]
MOST_LINES = 12


@dataclass(slots=True)
class Step:
    """One step. `values` and `grads` hold what changes at it, by node id; `words` says it all in a sentence."""

    phase: str
    title: str
    words: str
    node: str | None = None
    edges: list[str] = field(default_factory=list)
    lines: list[Math] = field(default_factory=list)
    values: dict[str, float | None] = field(default_factory=dict)
    grads: dict[str, float] = field(default_factory=dict)
    flows: dict[str, float] = field(default_factory=dict)


def mi(text: str) -> Math:
    """A name."""
    return ["mi", text]


def mo(text: str) -> Math:
    """An operator."""
    return ["mo", text]


def mn(x: float | None) -> Math:
    """A number, in parentheses when negative so that a product reads well."""
    return ["mn", number(x)]


def factor(x: float) -> Math:
    """A number as a factor."""
    return ["mn", f"({number(x)})"] if x < 0 else mn(x)


def derivative(above: str, below: str) -> Math:
    """∂above/∂below as a fraction."""
    return ["mfrac", ["mrow", mo("∂"), mi(above)], ["mrow", mo("∂"), mi(below)]]


def steps(picture: Picture) -> list[Step]:
    """Every step, in order. Applied one after the other they end at the numbers that `backward()` gives."""
    nodes = {node.id: node for node in picture.nodes}
    incoming: dict[str, list[Edge]] = defaultdict(list)
    for edge in picture.edges:
        incoming[edge.target].append(edge)
    leaves = [node for node in picture.nodes if not incoming[node.id]]
    start = Step(
        "start", "Start: the leaves have their values", "The leaves have their values; nothing is computed yet."
    )
    start.values = {node.id: node.value for node in leaves}
    found = [start]
    found += [_forward(node, incoming[node.id], nodes) for node in picture.nodes if incoming[node.id]]
    return found + _backward(picture, incoming, nodes)


def _forward(node: Node, edges: list[Edge], nodes: dict[str, Node]) -> Step:
    shown = [e.id for e in edges]
    if node.kind == "group":
        words = f"{node.name}: {', '.join(text for _, text, _ in node.rows)}"
        return Step("forward", f"Forward: {node.name}", words, node.id, shown, values={node.id: node.value})
    value = number(node.value)
    step = Step("forward", f"Forward: {node.header}", f"{node.header} = {node.numeric} = {value}", node.id, shown)
    first: Math = ["mrow", mi(node.name), mo("="), ["mtext", node.expression]]
    step.lines = [first]
    if node.numeric and node.numeric != value:
        step.lines.append(["mrow", mi(node.name), mo("="), ["mtext", node.numeric], mo("="), mn(node.value)])
    else:
        step.lines.append(["mrow", mi(node.name), mo("="), mn(node.value)])
    step.lines += [["mtext", flag.text] for flag in node.flags if "gradient" not in flag.kind]
    step.values = {node.id: node.value}
    return step


def _backward(picture: Picture, incoming: dict[str, list[Edge]], nodes: dict[str, Node]) -> list[Step]:
    outputs = [nodes[key] for key in picture.outputs]
    tops = picture.tops or [node.name for node in outputs]
    top = tops[0] if len(tops) == 1 else "(" + " + ".join(tops[:3]) + (" + …)" if len(tops) > 3 else ")")
    seed = Step("seed", f"Seed: ∂{top}/∂{top} = 1", f"The gradient starts at the output with 1: ∂{top}/∂{top} = 1.")
    seed.lines = [["mrow", derivative(top, node.name), mo("="), mn(1.0)] for node in outputs]
    seed.grads = {node.id: 1.0 for node in outputs}
    seed.node = outputs[0].id if outputs else None
    found = [seed]
    grads = dict(seed.grads)
    arrive = _arrive(picture, top, grads)
    if arrive is not None:
        found.append(arrive)
    paths: dict[str, int] = defaultdict(int)  # how many ways lead back to a node, and how many were walked
    for edge in picture.edges:
        if edge.partial is not None:
            paths[edge.source] += 1
    walked: dict[str, int] = defaultdict(int)
    for node in picture.nodes:
        if node.outside is not None:
            paths[node.id] += node.outside_edges
            walked[node.id] += node.outside_edges
    for node in reversed(picture.nodes):
        grad = grads.get(node.id)
        carrying = [e for e in incoming[node.id] if e.partial is not None and not nodes[e.source].frozen]
        bundles = [e for e in incoming[node.id] if e.grouped and e.flow is not None]
        if not bundles and (grad is None or not carrying):
            continue
        step = Step("backward", f"Backward through {node.header}", "", node.id, [e.id for e in carrying + bundles])
        sentences = []
        for edge in bundles[:MOST_LINES]:
            words = "The largest" if edge.count > 1 else "The"
            sentences.append(f"{words} gradient that flows to {nodes[edge.source].name}: {number(edge.flow)}")
        step.lines += [["mtext", sentence] for sentence in sentences]
        step.flows = {edge.id: edge.flow for edge in bundles if edge.flow is not None}
        for edge in carrying:
            if edge.partial is None or grad is None:
                continue
            operand = nodes[edge.source]
            flow = edge.partial * grad
            before = grads.get(operand.id)
            grads[operand.id] = flow if before is None else before + flow
            step.grads[operand.id] = grads[operand.id]
            step.flows[edge.id] = flow
            walked[operand.id] += 1
            several = paths[operand.id] > 1
            count = f"{walked[operand.id]} of {paths[operand.id]} paths"
            if len(step.lines) < 3 * MOST_LINES:
                step.lines += _lines(top, node, operand, edge, grad, flow, before, grads[operand.id], several, count)
            sentence = f"∂{top}/∂{operand.name} += {number(grad)} × {number(edge.partial)} = {number(flow)}"
            if several:
                sentence += f", total {number(grads[operand.id])}, {count}"
            sentences.append(sentence)
        if len(carrying) > MOST_LINES:
            step.lines.append(["mtext", f"… and {len(carrying) - MOST_LINES} more operands alike"])
        step.words = f"Backward through {node.header}. " + ". ".join(sentences[:MOST_LINES]) + "."
        found.append(step)
    leaves = [node for node in picture.nodes if node.kind == "parameter" and node.id in grads]
    end = Step("end", "Done: every gradient is known", "Every gradient is known.")
    for node in leaves[:MOST_LINES]:
        end.lines.append(["mrow", derivative(top, node.full_name), mo("="), mn(grads[node.id])])
        held = node.grad
        if held is not None and abs(held - grads[node.id]) > 1e-9 * (abs(held) + abs(grads[node.id])):
            end.lines.append(
                ["mtext", f"{node.full_name}.grad holds {number(held)}: more than this graph gave was added to it"]
            )
    if len(leaves) > MOST_LINES:
        end.lines.append(["mtext", f"… and {len(leaves) - MOST_LINES} more parameters, in the table below"])
    return [*found, end]


def _arrive(picture: Picture, top: str, grads: dict[str, float]) -> Step | None:
    """What comes through edges that the picture does not draw; it is added to `grads`."""
    step = Step("backward", "Backward: what comes from values that are not shown", "")
    sentences = []
    for node in picture.nodes:
        if node.outside is None:
            continue
        grads[node.id] = step.grads[node.id] = grads.get(node.id, 0.0) + node.outside
        if len(step.lines) < MOST_LINES:
            step.lines.append(["mrow", derivative(top, node.name), mo("+="), mn(node.outside)])
            sentences.append(f"∂{top}/∂{node.name} += {number(node.outside)}")
        step.node = node.id
    step.words = step.title + ". " + ". ".join(sentences) + "."
    return step if step.grads else None


def _lines(
    top: str, node: Node, operand: Node, edge: Edge, grad: float, flow: float, before: float | None, total: float,
    several: bool, count: str,
) -> list[Math]:  # fmt: skip
    """`∂L/∂w += ∂L/∂a · ∂a/∂w = 0.6347 × 0.5 = 0.3174`, with the rule, and the running total where paths meet."""
    assert edge.partial is not None
    sign = mo("+=") if several else mo("=")
    line: Math = ["mrow", derivative(top, operand.name), sign, derivative(top, node.name), mo("·")]
    line += [
        derivative(node.name, operand.name),
        mo("="),
        factor(grad),
        mo("×"),
        factor(edge.partial),
        mo("="),
        mn(flow),
    ]
    rule: Math = [
        "mrow",
        ["mtext", "because\u00a0"],
        derivative(node.name, operand.name),
        mo("="),
        ["mtext", edge.rule],
    ]
    if edge.rule != number(edge.partial):
        rule += [mo("="), mn(edge.partial)]
    if not several:
        return [line, rule]
    start = "first of several paths:" if before is None else f"running total: {number(before)} + {number(flow)} ="
    return [line, rule, ["mtext", f"{start} {number(total)} ({count})"]]


def as_data(picture: Picture) -> dict[str, Any]:
    """The steps as plain data for the page: texts and classes are decided here, so that the page only sets them."""
    found = steps(picture)
    shown = [
        {
            "phase": s.phase,
            "title": s.title,
            "words": s.words,
            "node": s.node,
            "edges": s.edges,
            "lines": s.lines,
            "values": {key: number(value) for key, value in s.values.items()},
            "grads": {key: _marked(value) for key, value in s.grads.items()},
            "flows": {
                key: [theme.sign(value), f"{theme.line_width(value):.2f}", theme.MARK[theme.sign(value)]]
                for key, value in s.flows.items()
            },
        }
        for s in found
    ]
    members: dict[str, list[str]] = defaultdict(list)
    parents = {cluster.id: cluster.parent for cluster in picture.clusters}
    for node in picture.nodes:
        key = node.cluster
        while key is not None:
            members[key].append(node.id)
            key = parents.get(key)
    return {
        "steps": shown,
        "edges": {e.id: [e.source, e.target, e.label, e.sign == "constant"] for e in picture.edges},
        "derivations": [
            {"name": node.full_name, "lines": picture.derivations[node.id]}
            for node in picture.nodes
            if node.id in picture.derivations
        ],
        "clusters": {c.id: {"label": c.label, "members": members[c.id]} for c in picture.clusters},
    }


def _marked(grad: float) -> list[str]:
    kind = theme.sign(grad)
    return [f"{theme.MARK[kind]} {number(grad)}".strip(), kind]
