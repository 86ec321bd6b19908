"""A graph as a layout sees it: sizes and generated ids, and the positions that come out.

Coordinates are points, x to the right and y downwards. An edge is a chain of cubic Bézier curves: 1 + 3k points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

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
    centred: bool = False  # from the middle of a side to the middle of a side, where an ellipse is


@dataclass(slots=True)
class Frame:
    """The frame of a cluster: the width of its title, and the frame around it."""

    id: str
    title_width: float
    parent: str | None = None


class Words(NamedTuple):
    """A line of text: where its baseline begins, ends, or has its middle, and the class of its colour."""

    text: str
    x: float
    y: float
    kind: str = "plain"
    anchor: str = "middle"
    part: str = ""  # "value" or "grad" where it is that number of a node, which a player changes
    bold: bool = False


class Spot(NamedTuple):
    """Where a number of a node stands, from the node's centre: after `key`, or without one in the middle."""

    key: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Shape:
    """A node that is no box: a circle with its name in it, or with no radius the numbers alone."""

    radius: float = 0.0
    value: Spot | None = None
    grad: Spot | None = None
    flags: Point = (0.0, 0.0)  # from the centre, where its marks begin


@dataclass(slots=True)
class Layout:
    """Positions: centres of boxes and labels, points of edges, corners of clusters. What has none is not drawn.

    A layout may bring more than places: other `shapes` than boxes, `words` that belong to no node, the `strengths` that
    lines show in place of the gradient that flows there, their `thickness`, and the `legend` that explains them.
    """

    width: float = 0.0
    height: float = 0.0
    nodes: dict[str, Point] = field(default_factory=dict)
    edges: dict[str, list[Point]] = field(default_factory=dict)
    labels: dict[str, Point] = field(default_factory=dict)
    clusters: dict[str, Rectangle] = field(default_factory=dict)
    engine: str = "python"
    shapes: dict[str, Shape] = field(default_factory=dict)
    words: list[Words] = field(default_factory=list)
    strengths: dict[str, float | None] = field(default_factory=dict)
    thickness: float = 1.0  # of all lines, where there are many
    legend: dict[str, str] = field(default_factory=dict)


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
