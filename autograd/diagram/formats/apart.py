"""Operations that stand apart, as nodes of their own, for formats that know only boxes and lines."""

from __future__ import annotations

from dataclasses import replace

from autograd.diagram.picture.record import ellipse_of, record_of, split
from autograd.diagram.place.boxes import Point
from autograd.diagram.place.drawing import Drawing


def apart(drawing: Drawing, flat: bool = False) -> Drawing:
    """The drawing with each ellipse and its record as two nodes and an edge; with `flat` a record is one line."""
    picture, layout = drawing.picture, drawing.layout
    behind = [node for node in picture.nodes if node.symbol]
    if not behind:
        return drawing
    nodes, edges = dict(layout.nodes), dict(layout.edges)
    for node in behind:
        centre = layout.nodes[node.id]
        (x, y, w, h), (to_x, to_y, long, high) = ellipse_of(node, *centre), record_of(node, *centre)
        nodes[f"{node.id}o"], nodes[node.id] = (x, y), (to_x, to_y)
        start, end = ((x, y + h / 2), (x, to_y - high / 2)) if node.above else ((x + w / 2, y), (to_x - long / 2, y))
        edges[f"{node.id}j"] = _line(start, end)
    parted = replace(drawing, picture=split(picture, flat))
    parted.layout = replace(layout, nodes=nodes, edges=edges)
    return parted


def _line(start: Point, end: Point) -> list[Point]:
    """A straight line as a Bézier curve."""
    (x0, y0), (x1, y1) = start, end
    return [start, *((x0 + (x1 - x0) * t, y0 + (y1 - y0) * t) for t in (1 / 3, 2 / 3)), end]
