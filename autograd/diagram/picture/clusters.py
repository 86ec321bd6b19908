"""Neurons and layers as frames round their nodes, and folded into one box each.

A node belongs to the module whose parameters it uses; an activation follows the node it is applied to. The model is
anything with `named_modules()`, such as a `Module` of `nn`: this file does not import `nn`.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict, deque
from dataclasses import replace
from typing import Any

from autograd.diagram.text import LONGEST_NAME, clean, number
from autograd.errors import DiagramError
from autograd.value import Value

from .build import Cluster, Edge, Node, Picture, finish

COLLAPSE_OVER = 150
_ACTIVATIONS = {
    "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "softsign", "hardtanh", "sigmoid", "tanh", "softplus",
    "logsigmoid", "sin", "cos", "identity",
}  # fmt: skip
_SUMS = {"add", "sub", "sum", "dot"}


class Modules:
    """Which module each parameter belongs to, by the paths that `named_modules()` gives."""

    def __init__(self, model: Any) -> None:
        if not callable(getattr(model, "named_modules", None)):
            raise DiagramError(
                f"model= is a Module with named_modules(), such as nn.MLP(2, [3, 1]); {type(model).__name__} was given."
            )
        self._labels: dict[str, str] = {}
        self.names: dict[int, str] = {}
        self.paths: dict[int, str] = {}
        owners: dict[int, list[str]] = defaultdict(list)
        for path, module in model.named_modules():
            self._labels[path] = _label(path, module)
            for attribute in vars(module).values():
                for leaf in _leaves(attribute):
                    owners[id(leaf)].append(path)
        for path, leaf in model.named_parameters():  # inside its frame `layers.0.neurons.3.w.1` is called w.1
            self.paths[id(leaf)] = path
            parts = path.split(".")
            self.names[id(leaf)] = ".".join(parts[-2:] if parts[-1].isdigit() else parts[-1:])
        self._owner = {key: self._common(paths) for key, paths in owners.items()}

    def _common(self, paths: list[str]) -> str:
        """The innermost module that all of the paths lie in."""
        parts = [path.split(".") for path in paths]
        shared = []
        for column in zip(*parts, strict=False):
            if len(set(column)) > 1:
                break
            shared.append(column[0])
        while shared and ".".join(shared) not in self._labels:
            shared.pop()
        return ".".join(shared)

    def _parent(self, path: str) -> str:
        parts = path.split(".")[:-1]
        while parts and ".".join(parts) not in self._labels:
            parts.pop()
        return ".".join(parts)

    def apply(self, picture: Picture, ids: dict[int, str], shown: list[Value]) -> None:
        """Say of each node which cluster it is in, and list the clusters."""
        place = self._places(shown)
        used = {path for path in place.values() if path}
        for path in list(used):
            while path := self._parent(path):
                used.add(path)
        paths = sorted(used, key=_by_number)
        keys = {path: f"m{i}" for i, path in enumerate(paths)}
        by_node = {ids[key]: keys[path] for key, path in place.items() if path}
        for node in picture.nodes:  # a constant goes where the node that uses it goes: n7c1 with n7
            node.cluster = by_node.get(node.id.partition("c")[0])
        for path in paths:
            parent = self._parent(path)
            picture.clusters.append(Cluster(keys[path], self._labels[path], keys.get(parent)))
        for cluster in picture.clusters:
            cluster.summary = summary(members(picture, cluster.id))

    def _places(self, shown: list[Value]) -> dict[int, str]:
        place: dict[int, str] = {}
        activated: set[int] = set()
        for v in shown:
            if not v.operands:
                place[id(v)] = self._owner.get(id(v), "")
                continue
            assert v.op is not None
            operands = [o for o in v.operands if isinstance(o, Value)]
            owners = {self._owner[id(o)] for o in operands if id(o) in self._owner}
            if owners:
                deepest = max(owners, key=len)
                nested = all(deepest == path or deepest.startswith(path + ".") or not path for path in owners)
                place[id(v)] = deepest if nested else self._common(list(owners))
                continue
            around = {place.get(id(o), "") for o in operands}
            path = around.pop() if len(around) == 1 else ""
            single = len(operands) == 1 and len(v.operands) - 1 <= 1
            if path and single and v.op.name in _ACTIVATIONS and id(operands[0]) not in activated:
                activated.add(id(v))
                place[id(v)] = path
            elif path and v.op.name in _SUMS and len(operands) > 1 and not any(id(o) in activated for o in operands):
                place[id(v)] = path  # the sum of a neuron that is written out, w1*x1 + w2*x2 + b
        return place


def _by_number(path: str) -> list[tuple[bool, int, str]]:
    """So that neuron 2 comes before neuron 10."""
    return [(part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in path.split(".")]


def _label(path: str, module: Any) -> str:
    last = path.split(".")[-1]
    return clean(f"{type(module).__name__} {last}".strip(), LONGEST_NAME)


def _leaves(thing: Any) -> list[Value]:
    if isinstance(thing, Value):
        return [] if thing.operands else [thing]
    if isinstance(thing, dict):
        thing = list(thing.values())
    return [leaf for item in thing for leaf in _leaves(item)] if isinstance(thing, list | tuple) else []


def members(picture: Picture, key: str) -> list[Node]:
    """The nodes in a cluster and in the clusters inside it."""
    parent = {cluster.id: cluster.parent for cluster in picture.clusters}

    def inside(at: str | None) -> bool:
        while at is not None and at != key:
            at = parent.get(at)
        return at == key

    return [node for node in picture.nodes if inside(node.cluster)]


def summary(nodes: list[Node]) -> list[str]:
    """What a folded box says: how many values, the norm of the parameters' gradients, the share of dead units."""
    parameters = [node for node in nodes if node.kind == "parameter"]
    values = [node for node in nodes if node.kind != "constant"]
    lines = [f"{len(values)} values, {len(parameters)} parameters"]
    grads = [node.grad for node in parameters if node.grad is not None]
    if grads:
        lines.append(f"gradient norm {number(math.hypot(*grads))}")
    rectified = [node for node in nodes if node.op == "relu"]
    if rectified:
        dead = sum(any(flag.kind == "dead" for flag in node.flags) for node in rectified)
        lines.append(f"dead {dead} of {len(rectified)}")
    return lines


def collapse(picture: Picture, leave_neurons: bool) -> Picture:
    """The picture with each cluster folded into one box: the innermost ones, or the outermost."""
    parent = {cluster.id: cluster.parent for cluster in picture.clusters}
    label = {cluster.id: cluster.label for cluster in picture.clusters}
    has_children = {cluster.parent for cluster in picture.clusters}

    def box_of(key: str | None) -> str | None:
        if key is None:
            return None
        if leave_neurons:  # a layer that holds neurons stays a frame round their boxes
            return None if key in has_children else key
        while parent.get(key) is not None:
            key = parent[key]
            assert key is not None
        return key

    inside: dict[str, list[Node]] = defaultdict(list)
    home: dict[str, str] = {}
    after = _after(picture)
    label[_REST] = "after the model"
    for node in picture.nodes:
        box = _REST if node.id in after else box_of(node.cluster)
        home[node.id] = box or node.id
        if box is not None:
            inside[box].append(node)
    nodes: list[Node] = []
    placed: set[str] = set()
    hidden = _from_inside(picture, home)
    for node in picture.nodes:
        box = home[node.id]
        if box == node.id:
            kept, edges_hidden = hidden.get(node.id, (None, 0)) if not node.frozen else (None, 0)
            nodes.append(replace(node, outside=kept, outside_edges=edges_hidden))
        elif box not in placed:
            placed.add(box)
            nodes.append(_folded(box, label[box], inside[box], parent.get(box) if leave_neurons else None))
    edges = _merged(picture.edges, home)
    nodes = _in_order(nodes, edges)
    outputs = list(dict.fromkeys(home[key] for key in picture.outputs))
    frames = [c for c in picture.clusters if leave_neurons and c.id in has_children]
    short = Picture(
        nodes,
        edges,
        outputs,
        picture.title,
        frames,
        asked_direction=picture.asked_direction,
        notes=picture.notes,
        legend=picture.legend,
        tops=picture.tops,
    )
    total = len([n for n in picture.nodes if n.kind != "constant"])
    folded = sum(node.kind != "constant" for group in inside.values() for node in group)
    short.notes = [*short.notes, f"{len(placed)} boxes stand for {folded} of {total} values"]
    finish(short, None)
    return short


def _from_inside(picture: Picture, home: dict[str, str]) -> dict[str, tuple[float, int]]:
    """What reaches each value that stays through edges that folding hides, and how many they are."""
    adjoints = dict.fromkeys(picture.outputs, 1.0)
    incoming: dict[str, list[Edge]] = defaultdict(list)
    for edge in picture.edges:
        incoming[edge.target].append(edge)
    found: dict[str, tuple[float, int]] = {}
    for node in reversed(picture.nodes):
        if node.outside is not None:
            adjoints[node.id] = adjoints.get(node.id, 0.0) + node.outside
            if home[node.id] == node.id:
                found[node.id] = (node.outside, node.outside_edges)
        if node.id not in adjoints:
            continue
        for edge in incoming[node.id]:
            if edge.partial is None:
                continue
            flow = edge.partial * adjoints[node.id]
            adjoints[edge.source] = adjoints.get(edge.source, 0.0) + flow
            if home[edge.target] != edge.target and home[edge.source] == edge.source:
                total, count = found.get(edge.source, (0.0, 0))
                found[edge.source] = (total + flow, count + 1)
    return found


def _in_order(nodes: list[Node], edges: list[Edge]) -> list[Node]:
    """Operands before users again, as far as boxes allow: folding can make two depend on each other."""
    waiting = Counter(edge.target for edge in edges)
    users: dict[str, list[str]] = defaultdict(list)
    for edge in edges:
        users[edge.source].append(edge.target)
    by_id = {node.id: node for node in nodes}
    ready = deque(node.id for node in nodes if not waiting[node.id])
    order: dict[str, Node] = {}
    while ready:
        key = ready.popleft()
        order[key] = by_id[key]
        for user in users[key]:
            waiting[user] -= 1
            if not waiting[user]:
                ready.append(user)
    return [*order.values(), *(node for node in nodes if node.id not in order)]


_REST = "mrest"
REST_OVER = 40


def _after(picture: Picture) -> set[str]:
    """The values that come after every cluster, where they are many: the loss of each sample of a batch, say."""
    before: set[str] = {node.id for node in picture.nodes if node.cluster is not None}
    users: dict[str, list[str]] = defaultdict(list)
    for edge in picture.edges:
        users[edge.source].append(edge.target)
    for node in reversed(picture.nodes):
        if any(user in before for user in users[node.id]):
            before.add(node.id)
    rest = {node.id for node in picture.nodes if node.id not in before and node.kind in ("operation", "constant")}
    return rest if len(rest) > REST_OVER else set()


def _folded(key: str, label: str, nodes: list[Node], parent: str | None) -> Node:
    lines = summary(nodes)
    node = Node(key, "group", label, cluster=parent)
    for flag_kind, count in Counter(flag.kind for n in nodes for flag in n.flags if flag.kind != "dead").items():
        lines.append(f"{count} × {flag_kind}")
    node.rows = [("", line, "plain") for line in lines]
    node.tooltip = f"{label}: " + ", ".join(lines)
    return node


def _merged(edges: list[Edge], home: dict[str, str]) -> list[Edge]:
    """Edges between boxes: one for all that run between the same two, as wide as the largest of them."""
    bundles: dict[tuple[str, str], list[Edge]] = defaultdict(list)
    found: list[Edge] = []
    for edge in edges:
        source, target = home[edge.source], home[edge.target]
        if source == edge.source and target == edge.target:
            found.append(edge)
        elif source != target:
            bundles[source, target].append(edge)
    for (source, target), bundle in bundles.items():
        first = bundle[0]
        flows = [edge.flow for edge in bundle if edge.flow is not None]
        edge = Edge(f"e{source}_{target}_0", source, target, 0, None, first.symbol, "", count=len(bundle), grouped=True)
        edge.flow = max(flows, key=lambda x: math.inf if math.isnan(x) else abs(x)) if flows else None
        edge.tooltip = f"{len(bundle)} edges"
        if flows:
            edge.tooltip += f", the largest gradient that flows here is {edge.flow!r}"
        found.append(edge)
    return found
