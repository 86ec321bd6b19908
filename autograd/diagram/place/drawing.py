"""A picture with the place of each of its parts: all that a format is written from."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from autograd.diagram.moving import Moving
from autograd.diagram.picture.picture import Picture
from autograd.diagram.text import width
from autograd.diagram.theme import EDGE_SIZE, Theme, flat
from autograd.errors import DiagramError

from .boxes import Box, Frame, Layout, Link
from .engines import TIME_LIMIT, find_engine, is_named
from .graphviz import by_engine
from .layered import in_python
from .ordering import by_index, invisible_edges

# Over this many nodes and edges the layout in plain Python serves, unless an engine is asked for by name: for 1,697
# values and 5,530 edges it took 0.1 s where graphviz-pure took 2.6, and for 557 and 2,764 of them 0.1 s instead of 13.
ENGINE_LIMIT = 2000


@dataclass
class Drawing:
    """A picture, the theme and the engine that were asked for, and the layout, which is made when it is first used."""

    picture: Picture
    theme: str = "auto"
    asked_engine: str | None = None
    time_limit: float = TIME_LIMIT
    unfolded: Picture | None = None  # the picture before it was folded
    moments: Sequence[Picture] = ()  # that the picture compares
    moving: Moving | None = None  # the function that it shows, with sliders for its inputs
    own_layout: Layout | None = None  # of a picture that brings its layout

    @functools.cached_property
    def layout(self) -> Layout:
        """Where everything is. The player, the steps and every format share it."""
        return self.own_layout or arrange(self.picture, self.asked_engine, self.time_limit)

    @property
    def colours(self) -> Theme:
        """The theme for a format that cannot follow the reader's system."""
        return flat(self.theme)


def parts(picture: Picture, label_size: float = EDGE_SIZE) -> tuple[list[Box], list[Link]]:
    """The boxes and the links of a picture, as a layout sees them."""
    boxes = [Box(node.id, node.width, node.height, node.cluster, node.kind == "group") for node in picture.nodes]
    links: list[Link] = []
    ellipses = {node.id for node in picture.nodes if node.symbol}
    for edge in picture.edges:
        label = edge.label and edge.label + " ▲"  # room for the mark that the gradient's sign adds
        beside = 18 if picture.direction == "TB" else 8  # space between a thick line and the words beside it
        size = (width(label, label_size) + beside, label_size + 7) if label else (0.0, 0.0)
        slack, centred = edge.sign == "constant", edge.target in ellipses
        links.append(Link(edge.id, edge.source, edge.target, *size, slack=slack, centred=centred))
    return boxes, links


def arrange(picture: Picture, engine: str | None, limit: float, label_size: float = EDGE_SIZE) -> Layout:
    """Lay a picture out, with labels of that size: by an engine if there is one that works, else in plain Python."""
    boxes, links = parts(picture, label_size)
    frames = [Frame(c.id, width(c.label, label_size) + 16, c.parent) for c in picture.clusters]
    program, direction = find_engine(engine), picture.direction
    if program is not None and (is_named(engine) or len(boxes) + len(links) <= ENGINE_LIMIT):

        def by_program(boxes: list[Box], links: list[Link], frames: list[Frame]) -> Layout:
            invisible = invisible_edges(boxes, links, frames) if frames else []
            return by_engine(program, boxes, links, frames, direction, limit, invisible)

        try:
            return by_index(by_program, boxes, links, frames, direction)
        except DiagramError:
            if is_named(engine):
                raise  # the user asked for this program: say what it said
    return by_index(functools.partial(in_python, direction=direction), boxes, links, frames, direction)
