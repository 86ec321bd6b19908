"""A graph as a layout sees it: sizes and generated ids, and the positions that come out.

Coordinates are points, x to the right and y downwards. An edge is a chain of cubic Bézier curves: 1 + 3k points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from autograd.diagram.picture.picture import group_by, in_order

Point = tuple[float, float]
Rectangle = tuple[float, float, float, float]  # left, top, right, bottom
TITLE_HEIGHT = 20.0  # of a frame


@dataclass(slots=True)
class Box:
    """A node: a size, and the cluster it belongs to."""

    id: str
    width: float
    height: float
    cluster: str | None = None
    folded: bool = False  # it stands for a neuron or a layer


@dataclass(slots=True)
class Link:
    """An edge: two boxes and the size of its label (0 for none)."""

    id: str
    source: str
    target: str
    label_width: float = 0.0
    label_height: float = 0.0
    slack: bool = False  # it need not be straight: a constant stands where there is room


@dataclass(slots=True)
class Frame:
    """The frame of a cluster: the width of its title, and the frame around it."""

    id: str
    title_width: float
    parent: str | None = None


@dataclass(slots=True)
class Layout:
    """Positions: centres of boxes and labels, points of edges, corners of clusters."""

    width: float = 0.0
    height: float = 0.0
    nodes: dict[str, Point] = field(default_factory=dict)
    edges: dict[str, list[Point]] = field(default_factory=dict)
    labels: dict[str, Point] = field(default_factory=dict)
    clusters: dict[str, Rectangle] = field(default_factory=dict)
    engine: str = "python"


def layers(boxes: Sequence[Box], links: Sequence[Link]) -> dict[str, int]:
    """Even layers by longest path; a box that nothing leads to moves up beside its first user."""
    outgoing = group_by(links, lambda link: link.source)
    targets = {link.target for link in links}
    layer = dict.fromkeys((box.id for box in boxes), 0)
    for key in in_order(layer, ((link.source, link.target) for link in links)):
        for link in outgoing[key]:
            layer[link.target] = max(layer[link.target], layer[key] + 2)
    for key in layer:
        if key not in targets and outgoing[key]:
            layer[key] = min(layer[link.target] for link in outgoing[key]) - 2
    return layer
