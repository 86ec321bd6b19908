"""A layout made narrower: everything moves together from left to right, and nothing changes its size."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .boxes import Box, Layout, Link, Point

GAP = 6.0  # between two boxes
_STEPS = 40


class _Item(NamedTuple):
    """What must not be covered: a box or a label, by its centre and size."""

    x: float
    y: float
    width: float
    height: float


def squeezed(layout: Layout, boxes: Sequence[Box], links: Iterable[Link], width: float) -> Layout | None:
    """The layout no wider than `width`, its boxes and labels closer to each other; None where they would meet.

    A layout with frames is left as it is.
    """
    if layout.clusters:
        return None
    items = [_Item(*layout.nodes[box.id], box.width, box.height) for box in boxes]
    items += [
        _Item(*layout.labels[link.id], link.label_width, link.label_height)
        for link in links
        if link.id in layout.labels
    ]
    least = _least(items)
    for step in range(_STEPS + 1):
        factor = 1 - step / _STEPS
        if factor < least:
            return None
        left = min(item.x * factor - item.width / 2 for item in items)
        right = max(item.x * factor + item.width / 2 for item in items)
        if right - left <= width:
            return _moved(layout, links, factor, left, right - left)
    return None


def _least(items: Sequence[_Item]) -> float:
    """The smallest factor for all distances at which items at one height still have a gap between them."""
    least = 0.0
    for i, one in enumerate(items):
        for other in items[i + 1 :]:
            apart, room = abs(one.x - other.x), (one.width + other.width) / 2 + GAP
            if abs(one.y - other.y) < (one.height + other.height) / 2 and apart > 0:
                least = max(least, min(room / apart, 1.0))
    return least


def _moved(layout: Layout, links: Iterable[Link], factor: float, left: float, width: float) -> Layout:
    def move(point: Point) -> Point:
        return point[0] * factor - left, point[1]

    edges = {}
    for link in links:
        points = [move(point) for point in layout.edges[link.id]]
        for places, box in (((0, 1), link.source), ((-2, -1), link.target)):
            centre = layout.nodes[box]
            for i in places:  # at its ends an edge keeps its place at the box
                x, y = layout.edges[link.id][i]
                points[i] = (move(centre)[0] + x - centre[0], y)
        edges[link.id] = points
    nodes = {key: move(point) for key, point in layout.nodes.items()}
    labels = {key: move(point) for key, point in layout.labels.items()}
    return Layout(width, layout.height, nodes, edges, labels, {}, layout.engine)
