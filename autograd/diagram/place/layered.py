"""A layout in plain Python, which needs no program and does not fail.

The classic layered method (Sugiyama, Tagawa and Toda 1981): layers by longest path, dummy boxes where an edge crosses a
layer, orders by barycentre, coordinates by averaging. A label is a dummy box with a size.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from dataclasses import dataclass, field

from autograd.diagram.picture.picture import nesting

from .boxes import TITLE_HEIGHT, Box, Frame, Layout, Link, Point, Rectangle, layers


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
_MANY, _VERY_MANY = 1000, 3000  # links


def in_python(boxes: list[Box], links: list[Link], frames: list[Frame], direction: str) -> Layout:
    """Lay out an acyclic graph."""
    if not boxes:
        return Layout(1, 1)
    sideways = direction == "LR"
    layer = layers(boxes, links)
    cells = {
        box.id: _Cell(*((box.width, box.height) if sideways else (box.height, box.width)), layer[box.id])
        for box in boxes
    }
    dummies = len(links) <= _VERY_MANY  # for every crossing of a huge graph they cost more than they show
    chains = {link.id: _chain(link, cells, sideways, dummies) for link in links}
    rows: dict[int, list[_Cell]] = defaultdict(list)
    for cell in [*cells.values(), *(cell for chain in chains.values() for cell in chain[1:-1])]:
        rows[cell.layer].append(cell)
    order = [rows[k] for k in sorted(rows)]
    _sort_rows(order, sweeps=24 if len(links) < _MANY else 4)
    _place(order, sweeps=16 if len(links) < _MANY else 4)
    layout = _positions(boxes, links, cells, chains, order, sideways)
    _frame_clusters(layout, boxes, frames)
    return layout


def _chain(link: Link, cells: dict[str, _Cell], sideways: bool, dummies: bool) -> list[_Cell]:
    """The cells that a link runs through, joined to each other: its boxes, its label, and dummies between them."""
    start, end = cells[link.source], cells[link.target]
    middle = (start.layer + end.layer) // 2 | 1  # layers of boxes are even, layers of labels odd
    middle = middle if middle < end.layer else start.layer + 1
    chain = [start]
    for k in range(start.layer + 1, end.layer):
        size = (link.label_width, link.label_height) if k == middle else (0.0, 0.0)
        if dummies or size[0]:
            chain.append(_Cell(*(size if sideways else size[::-1]), k))
    chain.append(end)
    for one, two in itertools.pairwise(chain):
        one.after.append(two)
        two.before.append(one)
    return chain


def _sort_rows(order: list[list[_Cell]], sweeps: int) -> None:
    """Sort each layer by the mean of the neighbours, up and down; of a small graph keep what crosses least."""
    for row in order:
        _number(row)
    small = sum(map(len, order)) < 600
    best, fewest = [list(row) for row in order], math.inf
    for sweep in range(sweeps):
        for row in order if sweep % 2 else reversed(order):
            row.sort(key=lambda cell: _mean(cell.before if sweep % 2 else cell.after, cell.at))
            _number(row)
        crossings = _crossings(order) if small else 0
        if crossings < fewest or not small:
            best, fewest = [list(row) for row in order], crossings
    for row, kept in zip(order, best, strict=True):
        row[:] = kept


def _number(row: list[_Cell]) -> None:
    for i, cell in enumerate(row):
        cell.at = float(i)


def _mean(cells: list[_Cell], otherwise: float) -> float:
    return sum(cell.at for cell in cells) / len(cells) if cells else otherwise


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
            pairs = [(c.before, c.after) if sweep % 2 else (c.after, c.before) for c in row]
            _spread(row, [_mean(near or far, cell.at) for cell, (near, far) in zip(row, pairs, strict=True)])


def _spread(row: list[_Cell], targets: list[float]) -> None:
    """The places nearest to the targets, in order and without overlap: least squares by pooling neighbours."""
    offset, offsets = 0.0, []
    for i, cell in enumerate(row):
        if i:
            offset += (row[i - 1].across + cell.across) / 2 + (_GAP if cell.across or row[i - 1].across else 9.0)
        offsets.append(offset)
    blocks: list[list[float]] = []  # [sum of targets minus offsets, count]
    for target, shift in zip(targets, offsets, strict=True):
        blocks.append([target - shift, 1.0])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            total, count = blocks.pop()
            blocks[-1][0] += total
            blocks[-1][1] += count
    places = [total / count for total, count in blocks for _ in range(int(count))]
    for cell, place, shift in zip(row, places, offsets, strict=True):
        cell.at = place + shift


def _positions(
    boxes: list[Box],
    links: list[Link],
    cells: dict[str, _Cell],
    chains: dict[str, list[_Cell]],
    order: list[list[_Cell]],
    sideways: bool,
) -> Layout:
    along, depth = _depths(order)
    low = min(cell.at - cell.across / 2 for row in order for cell in row)
    high = max(cell.at + cell.across / 2 for row in order for cell in row)

    def point(main: float, cross: float) -> Point:
        return (main, cross - low) if sideways else (cross - low, main)

    layout = Layout(*((depth, high - low) if sideways else (high - low, depth)))
    layout.nodes = {box.id: point(along[cells[box.id].layer], cells[box.id].at) for box in boxes}
    starts, ends = _ports(links, chains, 0), _ports(links, chains, -1)
    for link in links:
        first, *between, last = chains[link.id]
        stops = [(along[first.layer] + first.along / 2, first.at + starts[link.id])]
        for cell in between:
            if cell.along and cell.across:  # a label: the line runs beside it, not through it
                beside = cell.at + cell.across / 2 if sideways else cell.at - cell.across / 2
                stops.append((along[cell.layer] - cell.along / 2, beside))
                stops.append((along[cell.layer] + cell.along / 2, beside))
                layout.labels[link.id] = point(along[cell.layer], cell.at - 1 if sideways else cell.at + 3)
            else:
                stops.append((along[cell.layer], cell.at))
        stops.append((along[last.layer] - last.along / 2, last.at + ends[link.id]))
        points = [point(*stops[0])]
        for (x0, y0), (x1, y1) in itertools.pairwise(stops):
            half = (x1 - x0) / 2
            points += [point(x0 + half, y0), point(x1 - half, y1), point(x1, y1)]
        layout.edges[link.id] = points
    return layout


def _depths(order: list[list[_Cell]]) -> tuple[dict[int, float], float]:
    """Where the middle of each layer is, along the direction of the picture, and where the last one ends."""
    along, edge, gap = {}, 0.0, 0.0
    for row in order:
        layer, thick = row[0].layer, max(cell.along for cell in row)
        edge += gap
        along[layer] = edge + thick / 2
        edge += thick
        gap = _LABEL_GAP if layer % 2 else _LAYER_GAP
        if len(row) > 12:
            gap += min(240.0, 0.5 * sum(len(cell.after) for cell in row))
    return along, edge


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
    places |= {link.id: 0.0 for link in links if link.centred}
    return places


def _frame_clusters(layout: Layout, boxes: list[Box], frames: list[Frame]) -> None:
    """Frames round clusters, only where no stranger lies inside: the layers know nothing of clusters."""
    chains = nesting(frames)
    for frame in frames:
        inside = [box for box in boxes if box.cluster is not None and frame.id in chains[box.cluster]]
        if not inside:
            continue
        lefts, tops, rights, bottoms = zip(*(_outline(layout, box, 8.0) for box in inside))
        corners = min(lefts), min(tops) - TITLE_HEIGHT, max(rights), max(bottoms)
        members = {box.id for box in inside}
        if not any(_overlap(corners, _outline(layout, box)) for box in boxes if box.id not in members):
            layout.clusters[frame.id] = corners
    if layout.clusters:  # a frame may reach past the boxes: everything moves so that the picture starts at 0
        lefts, tops, _, _ = zip(*layout.clusters.values())
        _move(layout, -min(0.0, *lefts), -min(0.0, *tops))


def _outline(layout: Layout, box: Box, pad: float = 0.0) -> Rectangle:
    x, y = layout.nodes[box.id]
    return x - box.width / 2 - pad, y - box.height / 2 - pad, x + box.width / 2 + pad, y + box.height / 2 + pad


def _overlap(one: Rectangle, two: Rectangle) -> bool:
    return one[0] < two[2] and two[0] < one[2] and one[1] < two[3] and two[1] < one[3]


def _move(layout: Layout, dx: float, dy: float) -> None:
    layout.nodes = {key: (x + dx, y + dy) for key, (x, y) in layout.nodes.items()}
    layout.labels = {key: (x + dx, y + dy) for key, (x, y) in layout.labels.items()}
    layout.edges = {key: [(x + dx, y + dy) for x, y in points] for key, points in layout.edges.items()}
    layout.clusters = {k: (a + dx, b + dy, c + dx, d + dy) for k, (a, b, c, d) in layout.clusters.items()}
    layout.width = max(layout.width + dx, *(c[2] for c in layout.clusters.values()))
    layout.height = max(layout.height + dy, *(c[3] for c in layout.clusters.values()))
