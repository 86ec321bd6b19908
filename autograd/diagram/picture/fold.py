"""Neurons, layers and the turns of a run folded into one box each."""

from __future__ import annotations

import math
from collections.abc import Container
from dataclasses import replace

from .clusters import summary
from .measure import measure
from .picture import Cluster, Edge, Node, Picture, Row, group_by, in_order, nesting

COLLAPSE_OVER = 150  # nodes; a larger picture of a model is folded unless it is asked for whole
LAYERS_OVER = 150  # boxes; a picture with more neurons than this folds whole layers
REST_OVER = 40  # nodes after the model; more than these become a box too
_REST = "mrest"


def fold(picture: Picture) -> Picture:
    """The picture with each neuron or run folded into one box, or each layer where there are very many neurons."""
    return fold_into(picture, _by_neuron(picture))


def _by_neuron(picture: Picture) -> bool:
    return len(set(_homes(picture, True, {frame.id for frame in _frames(picture, True, None)}).values())) <= LAYERS_OVER


def _frames(picture: Picture, innermost: bool, opened: str | None) -> list[Cluster]:
    """The clusters that stay: a layer that holds neurons is a frame round their boxes."""
    parents = {cluster.parent for cluster in picture.clusters} if innermost else set()
    return [cluster for cluster in picture.clusters if cluster.id in parents or cluster.id == opened]


def views(picture: Picture) -> dict[str, Picture]:
    """What a player can show of a picture: by the empty key all boxes closed, and by its id each of them open.

    Small pictures are there whole, too, by the key "*". Empty where nothing can be folded.
    """
    if any(node.kind == "group" for node in picture.nodes):
        return {}  # it is folded already: a comparison, or one of very many values that was loaded
    innermost, closed = _by_neuron(picture), fold(picture)
    boxes = [node.id for node in closed.nodes if node.kind == "group" and node.id != _REST]
    if not boxes:
        return {}
    every = {"": closed, **{box: fold_into(picture, innermost, box) for box in boxes}}
    return {**every, "*": picture} if len(picture.nodes) <= COLLAPSE_OVER else every


def boxes(picture: Picture) -> dict[str, list[str]]:
    """The nodes that each box stands for, where all boxes are closed."""
    innermost = _by_neuron(picture)
    home = _homes(picture, innermost, {frame.id for frame in _frames(picture, innermost, None)})
    return {box: keys for box, keys in group_by(home, lambda key: home[key]).items() if keys != [box]}


def fold_into(picture: Picture, innermost: bool, opened: str | None = None) -> Picture:
    """The picture with each cluster folded into one box but for the `opened` one: the innermost, or the outermost."""
    frames = _frames(picture, innermost, opened)
    home = _homes(picture, innermost, {frame.id for frame in frames})
    edges = _merged(picture.edges, home)
    boxes = {box.id: box for box in _boxes(picture, home, innermost)}
    order = in_order(boxes, ((edge.source, edge.target) for edge in edges))
    nodes = [boxes[key] for key in dict.fromkeys([*order, *boxes])]  # folding can make two depend on each other
    values = [node for node in picture.nodes if node.kind != "constant"]
    folded = sum(home[node.id] != node.id for node in values)
    groups = sum(node.kind == "group" for node in nodes)
    stand = "boxes stand" if groups > 1 else "box stands"
    short = replace(
        picture,
        nodes=nodes,
        edges=edges,
        outputs=list(dict.fromkeys(home[key] for key in picture.outputs)),
        clusters=frames,
        derivations={},
        lean=False,
        notes=[*picture.notes, f"{groups} {stand} for {folded} of {len(values)} values"],
    )
    measure(short)
    return short


def _homes(picture: Picture, innermost: bool, frames: Container[str]) -> dict[str, str]:
    """For each node the id of the box that it is folded into, or its own."""
    chains, after, home = nesting(picture.clusters), _after(picture), {}
    for node in picture.nodes:
        home[node.id] = node.id
        if node.id in after:
            home[node.id] = _REST
        elif node.cluster is not None:
            box = chains[node.cluster][0 if innermost else -1]
            home[node.id] = node.id if box in frames else box
    return home


def _boxes(picture: Picture, home: dict[str, str], innermost: bool) -> list[Node]:
    """The nodes that stay, and a box for each group of those that do not, where the first of them stood."""
    clusters = {cluster.id: cluster for cluster in picture.clusters}
    inside = group_by(picture.nodes, lambda node: home[node.id])
    hidden = _from_inside(picture, home)
    nodes: dict[str, Node] = {}
    for node in picture.nodes:
        box = home[node.id]
        if box in nodes:
            continue
        if box == node.id:
            outside, edges = hidden.get(box, (None, 0)) if not node.frozen else (None, 0)
            nodes[box] = replace(node, outside=outside, outside_edges=edges)
        else:
            cluster = clusters.get(box) or Cluster(box, "after the model")
            nodes[box] = _box(cluster, inside[box], cluster.parent if innermost else None)
    return list(nodes.values())


def _box(cluster: Cluster, nodes: list[Node], parent: str | None) -> Node:
    lines, label = summary(nodes, cluster), cluster.label
    # a player shows the first line at once, what is nan or infinite with the values, the rest with the gradients
    kinds = ["flag" if line.endswith(("× nan", "× inf")) else "late" if i else "plain" for i, line in enumerate(lines)]
    rows = [Row("", line, kind) for line, kind in zip(lines, kinds, strict=True)]
    return Node(cluster.id, "group", label, cluster=parent, rows=rows, tooltip=f"{label}: " + ", ".join(lines))


def _from_inside(picture: Picture, home: dict[str, str]) -> dict[str, tuple[float, int]]:
    """What reaches each value that stays through edges that are not drawn, and how many they are."""
    hidden = {
        node.id: (node.outside, node.outside_edges)
        for node in picture.nodes
        if node.outside is not None and home[node.id] == node.id
    }
    for flow in picture.backward():
        source, target = flow.edge.source, flow.edge.target
        if home[target] != target and home[source] == source:
            total, count = hidden.get(source, (0.0, 0))
            hidden[source] = (total + flow.flow, count + 1)
    return hidden


def _after(picture: Picture) -> set[str]:
    """The values that come after a model, where they are many: the loss of each sample of a batch, say."""
    if any(cluster.turns for cluster in picture.clusters):
        return set()
    before = {node.id for node in picture.nodes if node.cluster is not None}
    outgoing = group_by(picture.edges, lambda edge: edge.source)
    for node in reversed(picture.nodes):
        if any(edge.target in before for edge in outgoing[node.id]):
            before.add(node.id)
    rest = {node.id for node in picture.nodes if node.id not in before and node.kind in ("operation", "constant")}
    return rest if len(rest) > REST_OVER else set()


def _merged(edges: list[Edge], home: dict[str, str]) -> list[Edge]:
    """Edges between boxes: one for all that run between the same two, as wide as the largest of them."""
    # copies, since each picture has labels of its own
    kept = [replace(edge) for edge in edges if home[edge.source] == edge.source and home[edge.target] == edge.target]
    others = [edge for edge in edges if home[edge.source] != edge.source or home[edge.target] != edge.target]
    bundles = group_by(others, lambda edge: (home[edge.source], home[edge.target]))
    return kept + [_bundled(*ends, bundle) for ends, bundle in bundles.items() if ends[0] != ends[1]]


def _bundled(source: str, target: str, bundle: list[Edge]) -> Edge:
    symbol, count = bundle[0].symbol, len(bundle)
    edge = Edge(f"e{source}_{target}_0", source, target, 0, None, symbol, "", count=count, bundled=True)
    edge.tooltip = f"{count} edges"
    flows = [e.flow for e in bundle if e.flow is not None]
    if flows:
        edge.flow = max(flows, key=lambda x: math.inf if math.isnan(x) else abs(x))
        edge.tooltip += f", the largest gradient that flows here is {edge.flow!r}"
    return edge
