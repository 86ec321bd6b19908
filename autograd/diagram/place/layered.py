"""Where things go: positions of boxes, edges and labels, by an engine or in plain Python.

Coordinates are points, x to the right and y downwards. An edge is a chain of cubic Bézier curves: 1 + 3k points.
"""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from . import engines as render

Point = tuple[float, float]


@dataclass(slots=True)
class Box:
    """A node as the layout sees it: a size, and the cluster it belongs to."""

    id: str
    width: float
    height: float
    cluster: str | None = None
    folded: bool = False  # it stands for a neuron or a layer


@dataclass(slots=True)
class Link:
    """An edge as the layout sees it: two boxes and the size of its label (0 for none)."""

    id: str
    source: str
    target: str
    label_width: float = 0.0
    label_height: float = 0.0
    slack: bool = False  # it need not be straight: a constant stands where there is room


@dataclass(slots=True)
class Group:
    """A cluster as the layout sees it: the width of its title, and the cluster around it."""

    id: str
    title_width: float
    parent: str | None = None


@dataclass(slots=True)
class Layout:
    """Positions: centres of boxes and labels, points of edges, corners (x0, y0, x1, y1) of clusters."""

    width: float = 0.0
    height: float = 0.0
    nodes: dict[str, Point] = field(default_factory=dict)
    edges: dict[str, list[Point]] = field(default_factory=dict)
    labels: dict[str, Point] = field(default_factory=dict)
    clusters: dict[str, tuple[float, float, float, float]] = field(default_factory=dict)
    engine: str = "python"


TITLE_HEIGHT = 20.0


def by_engine(
    engine: render.Engine, boxes: list[Box], links: list[Link], groups: list[Group], direction: str, limit: float,
    unseen: Sequence[tuple[str, str]] = (),
) -> Layout:  # fmt: skip
    """Positions from a DOT program. The DOT holds sizes and generated ids only: no text of the user's reaches it.

    `unseen` pairs are edges that are not drawn: the second lies behind the first.
    """
    import graphviz

    big = len(boxes) > 800
    # many edges a node need room to fan out; labels bring their own
    crowded = len(links) > min(2 * len(boxes), 500) and sum(link.label_width > 0 for link in links) * 2 < len(links)
    room = min(5.0, 1.2 + 0.35 * len(links) / max(len(boxes), 1))  # inches between two columns
    attributes = {"rankdir": direction, "nodesep": "0.28", "ranksep": f"{room:.2f}" if crowded else "0.45"}
    if big:
        attributes |= {"nslimit": ".5", "nslimit1": ".5", "mclimit": ".1", "splines": "line"}
    ports = {}
    if crowded and not big and _neighbours(boxes, links):  # straight, as in a drawing of a network
        attributes["splines"] = "line"
        ports = {"tailport": "e", "headport": "w"} if direction == "LR" else {"tailport": "s", "headport": "n"}
    graph = graphviz.Digraph(graph_attr=attributes, node_attr={"shape": "box", "fixedsize": "true", "label": ""})
    children: dict[str | None, list[Group]] = defaultdict(list)
    members: dict[str | None, list[Box]] = defaultdict(list)
    for group in groups:
        children[group.parent].append(group)
    for box in boxes:
        members[box.cluster].append(box)

    def add(into: graphviz.Digraph, key: str | None) -> None:
        for box in members[key]:
            into.node(box.id, width=f"{box.width / 72:.4f}", height=f"{box.height / 72:.4f}")
        for group in children[key]:
            sub = graphviz.Digraph(name="cluster_" + group.id)
            sub.attr(label=_blank(group.title_width, TITLE_HEIGHT), margin="10", id=group.id)
            add(sub, group.id)
            into.subgraph(sub)

    add(graph, None)
    for link in links:
        label = _blank(link.label_width, link.label_height) if link.label_width else ""
        graph.edge(link.source, link.target, id=link.id, label=label, weight="1" if link.slack else "8", **ports)
    known = {box.id for box in boxes}
    for point in dict.fromkeys(end for pair in unseen for end in pair if end not in known):
        graph.node(point, width="0.01", height="0.01")
    for source, target in unseen:
        graph.edge(source, target, weight="80", style="invis")
    answer = json.loads(render.run(engine, graph.source, "json0", limit))
    return _read_json(answer, engine.name)


def _neighbours(boxes: list[Box], links: list[Link]) -> bool:
    """Whether every link joins a column to the next one, so that a straight line passes through no box."""
    layer = _layers(boxes, links)
    return all(layer[link.target] - layer[link.source] == 2 for link in links)


def _blank(width: float, height: float) -> str:
    """An HTML-like label that takes a size and shows nothing."""
    return (
        f'<<TABLE BORDER="0" CELLSPACING="0" CELLPADDING="0" FIXEDSIZE="TRUE" WIDTH="{width:.0f}" '
        f'HEIGHT="{height:.0f}"><TR><TD></TD></TR></TABLE>>'
    )


def _read_json(answer: dict, engine: str) -> Layout:  # type: ignore[type-arg]
    x0, y0, x1, y1 = (float(part) for part in answer["bb"].split(","))

    def point(text: str) -> Point:
        x, y = text.rstrip("!").split(",")[:2]
        return float(x) - x0, y1 - float(y)

    layout = Layout(x1 - x0, y1 - y0, engine=engine)
    for thing in answer.get("objects", []):
        if "pos" in thing:
            layout.nodes[thing["name"]] = point(thing["pos"])
        elif "bb" in thing and thing.get("id"):
            left, low, right, high = (float(part) for part in thing["bb"].split(","))
            layout.clusters[thing["id"]] = (left - x0, y1 - high, right - x0, y1 - low)
    for thing in answer.get("edges", []):
        if "id" not in thing:
            continue
        parts = thing["pos"].split()
        ends = [part for part in parts if part[0] in "es"]
        points = [point(part) for part in parts if part[0] not in "es"]
        for end in ends:
            tip = point(end[2:])
            points[-1 if end[0] == "e" else 0] = tip
        layout.edges[thing["id"]] = points
        if "lp" in thing:
            layout.labels[thing["id"]] = point(thing["lp"])
    return layout


# --- the layout in plain Python -------------------------------------------------------------------------------------
# The classic layered method (Sugiyama, Tagawa and Toda 1981): layers by longest path, dummy boxes where an edge
# crosses a layer, orders by barycentre, coordinates by averaging. A label is a dummy box with a size.


@dataclass(slots=True)
class _Cell:
    """A box or a dummy: its extent along the layers, across them, and its coordinate across."""

    along: float
    across: float
    layer: int
    at: float = 0.0
    before: list[_Cell] = field(default_factory=list)
    after: list[_Cell] = field(default_factory=list)


_GAP, _LAYER_GAP, _LABEL_GAP = 18.0, 30.0, 30.0


def in_python(boxes: list[Box], links: list[Link], groups: list[Group], direction: str) -> Layout:
    """A layered layout that needs no program and does not fail: an acyclic graph in, positions out."""
    if not boxes:
        return Layout(1, 1)
    sideways = direction == "LR"
    layer = _layers(boxes, links)
    cells = {
        box.id: _Cell(*((box.width, box.height) if sideways else (box.height, box.width)), layer[box.id])
        for box in boxes
    }
    rows: dict[int, list[_Cell]] = defaultdict(list)
    for cell in cells.values():
        rows[cell.layer].append(cell)
    chains: dict[str, list[_Cell]] = {}
    long = len(links) > 3000  # dummies for every crossing of a huge graph cost more than they show
    for link in links:
        start, end = cells[link.source], cells[link.target]
        chain = [start]
        middle = (start.layer + end.layer) // 2 | 1  # layers of boxes are even, layers of labels odd
        middle = middle if middle < end.layer else start.layer + 1
        for k in range(start.layer + 1, end.layer):
            size = (link.label_width, link.label_height) if k == middle else (0.0, 0.0)
            if long and size[0] == 0:
                continue
            dummy = _Cell(*(size if sideways else size[::-1]), k)
            rows[k].append(dummy)
            chain.append(dummy)
        chain.append(end)
        for one, two in itertools.pairwise(chain):
            one.after.append(two)
            two.before.append(one)
        chains[link.id] = chain
    order = [rows[k] for k in sorted(rows)]
    _sort_rows(order, sweeps=24 if len(links) < 1000 else 4)
    _place(order, sweeps=16 if len(links) < 1000 else 4)
    return _finish(boxes, links, groups, cells, rows, chains, sideways)


def _layers(boxes: list[Box], links: list[Link]) -> dict[str, int]:
    """Even layers by longest path; a box that nothing leads to moves up beside its first user."""
    users: dict[str, list[str]] = defaultdict(list)
    waiting = dict.fromkeys((box.id for box in boxes), 0)
    for link in links:
        users[link.source].append(link.target)
        waiting[link.target] += 1
    sources = [key for key, count in waiting.items() if count == 0]
    layer = dict.fromkeys(waiting, 0)
    ready = list(sources)
    while ready:
        key = ready.pop()
        for user in users[key]:
            layer[user] = max(layer[user], layer[key] + 2)
            waiting[user] -= 1
            if waiting[user] == 0:
                ready.append(user)
    for key in sources:
        if users[key]:
            layer[key] = min(layer[user] for user in users[key]) - 2
    return layer


def _sort_rows(order: list[list[_Cell]], sweeps: int) -> None:
    for row in order:
        for i, cell in enumerate(row):
            cell.at = float(i)

    def sort(row: list[_Cell], side: str) -> None:
        def key(cell: _Cell) -> float:
            near = getattr(cell, side)
            return sum(other.at for other in near) / len(near) if near else cell.at

        row.sort(key=key)
        for i, cell in enumerate(row):
            cell.at = float(i)

    best, best_crossings = [list(row) for row in order], None
    count = sum(map(len, order)) < 600
    for sweep in range(sweeps):
        if sweep % 2 == 0:
            for row in reversed(order):
                sort(row, "after")
        else:
            for row in order:
                sort(row, "before")
        if count:
            crossings = _crossings(order)
            if best_crossings is None or crossings < best_crossings:
                best, best_crossings = [list(row) for row in order], crossings
    if count and best_crossings is not None:
        for row, kept in zip(order, best, strict=True):
            row[:] = kept


def _crossings(order: list[list[_Cell]]) -> int:
    total = 0
    for row in order:
        ends = [other.at for cell in row for other in sorted(cell.after, key=lambda c: c.at)]
        total += sum(1 for i, a in enumerate(ends) for b in ends[i + 1 :] if a > b)
    return total


def _place(order: list[list[_Cell]], sweeps: int) -> None:
    """Coordinates across the layers: towards the mean of the neighbours, never closer than the gap."""
    for row in order:
        edge = 0.0
        for cell in row:
            cell.at = edge + cell.across / 2
            edge += cell.across + _GAP
        for cell in row:
            cell.at -= (edge - _GAP) / 2
    for sweep in range(sweeps):
        for row in order if sweep % 2 else reversed(order):
            wanted = []
            for cell in row:
                near = (cell.before or cell.after) if sweep % 2 else (cell.after or cell.before)
                wanted.append(sum(other.at for other in near) / len(near) if near else cell.at)
            _spread(row, wanted)


def _spread(row: list[_Cell], wanted: list[float]) -> None:
    """The places nearest to the wanted ones, in order and without overlap: least squares by pooling neighbours."""
    offset, offsets = 0.0, []
    for i, cell in enumerate(row):
        if i:
            offset += (row[i - 1].across + cell.across) / 2 + (_GAP if cell.across or row[i - 1].across else 9.0)
        offsets.append(offset)
    blocks: list[list[float]] = []  # [sum of wanted minus offset, count]
    for want, shift in zip(wanted, offsets, strict=True):
        blocks.append([want - shift, 1.0])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            total, count = blocks.pop()
            blocks[-1][0] += total
            blocks[-1][1] += count
    places = [total / count for total, count in blocks for _ in range(int(count))]
    for cell, place, shift in zip(row, places, offsets, strict=True):
        cell.at = place + shift


def _finish(
    boxes: list[Box], links: list[Link], groups: list[Group], cells: dict[str, _Cell], rows: dict[int, list[_Cell]],
    chains: dict[str, list[_Cell]], sideways: bool,
) -> Layout:  # fmt: skip
    along, edge = {}, 0.0
    for k in sorted(rows):
        thick = max((cell.along for cell in rows[k]), default=0.0)
        gap = _LABEL_GAP if k % 2 else _LAYER_GAP
        gap += min(240.0, 0.5 * sum(len(cell.after) for cell in rows[k]) if len(rows[k]) > 12 else 0.0)
        along[k] = edge + thick / 2
        edge += thick + gap
    low = min(cell.at - cell.across / 2 for row in rows.values() for cell in row)
    high = max(cell.at + cell.across / 2 for row in rows.values() for cell in row)

    def point(main: float, cross: float) -> Point:
        return (main, cross - low) if sideways else (cross - low, main)

    depth = along[max(rows)] + max(cell.along for cell in rows[max(rows)]) / 2
    layout = Layout(*((depth, high - low) if sideways else (high - low, depth)))
    for box in boxes:
        cell = cells[box.id]
        layout.nodes[box.id] = point(along[cell.layer], cell.at)
    starts = _ports(links, chains, 0)
    ends = _ports(links, chains, -1)
    for link in links:
        chain = chains[link.id]
        first, last = chain[0], chain[-1]
        stops = [(along[first.layer] + first.along / 2, first.at + starts[link.id])]
        label = None
        for cell in chain[1:-1]:
            if cell.along and cell.across:  # a label: the line runs beside it, not through it
                beside = cell.at + cell.across / 2 if sideways else cell.at - cell.across / 2
                stops.append((along[cell.layer] - cell.along / 2, beside))
                stops.append((along[cell.layer] + cell.along / 2, beside))
                label = point(along[cell.layer], cell.at - 1 if sideways else cell.at + 3)
            else:
                stops.append((along[cell.layer], cell.at))
        stops.append((along[last.layer] - last.along / 2, last.at + ends[link.id]))
        points = [point(*stops[0])]
        for (x0, y0), (x1, y1) in itertools.pairwise(stops):
            half = (x1 - x0) / 2
            points += [point(x0 + half, y0), point(x1 - half, y1), point(x1, y1)]
        layout.edges[link.id] = points
        if label is not None:
            layout.labels[link.id] = label
    _frame_groups(layout, boxes, groups)
    return layout


def _ports(links: list[Link], chains: dict[str, list[_Cell]], end: int) -> dict[str, float]:
    """Where on the side of its box each edge begins (`end` 0) or ends (-1): in the order of what it leads to."""
    sides: dict[int, list[str]] = defaultdict(list)
    for link in links:
        sides[id(chains[link.id][end])].append(link.id)
    places: dict[str, float] = {}
    for keys in sides.values():
        keys.sort(key=lambda key: chains[key][1 if end == 0 else -2].at)
        room = chains[keys[0]][end].across - 16
        step = min(14.0, room / len(keys))
        for i, key in enumerate(keys):
            places[key] = (i - (len(keys) - 1) / 2) * step
    return places


def _frame_groups(layout: Layout, boxes: list[Box], groups: list[Group]) -> None:
    """Frames round clusters, only where no stranger lies inside: the layers know nothing of clusters."""
    parent = {group.id: group.parent for group in groups}
    inside: dict[str, set[str]] = defaultdict(set)
    for box in boxes:
        key = box.cluster
        while key is not None:
            inside[key].add(box.id)
            key = parent.get(key)

    def frame(box: Box, pad: float = 0.0) -> tuple[float, float, float, float]:
        x, y = layout.nodes[box.id]
        return x - box.width / 2 - pad, y - box.height / 2 - pad, x + box.width / 2 + pad, y + box.height / 2 + pad

    for group in groups:
        frames = [frame(box, 8.0) for box in boxes if box.id in inside[group.id]]
        if not frames:
            continue
        left, top = min(f[0] for f in frames), min(f[1] for f in frames) - TITLE_HEIGHT
        right, bottom = max(f[2] for f in frames), max(f[3] for f in frames)
        others = (frame(box) for box in boxes if box.id not in inside[group.id])
        if not any(a < right and c > left and b < bottom and d > top for a, b, c, d in others):
            layout.clusters[group.id] = (left, top, right, bottom)
    corners = list(layout.clusters.values())
    if corners:  # a frame may reach past the boxes: move everything so that the picture starts at 0
        dx, dy = -min(0.0, *(c[0] for c in corners), 0.0), -min(0.0, *(c[1] for c in corners), 0.0)
        layout.nodes = {key: (x + dx, y + dy) for key, (x, y) in layout.nodes.items()}
        layout.labels = {key: (x + dx, y + dy) for key, (x, y) in layout.labels.items()}
        layout.edges = {key: [(x + dx, y + dy) for x, y in points] for key, points in layout.edges.items()}
        layout.clusters = {k: (a + dx, b + dy, c + dx, d + dy) for k, (a, b, c, d) in layout.clusters.items()}
        layout.width = max(layout.width + dx, *(c[2] for c in layout.clusters.values()))
        layout.height = max(layout.height + dy, *(c[3] for c in layout.clusters.values()))
