"""The picture as an animation: the steps of its evaluation, or the moments that it compares, on one layout."""

from __future__ import annotations

import io
from collections.abc import Container, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any, NamedTuple

from autograd.diagram.chain_rule.steps import Step, steps
from autograd.diagram.picture.measure import fill_box
from autograd.diagram.picture.picture import Node, Picture, Row
from autograd.diagram.place.drawing import Drawing
from autograd.diagram.text import number
from autograd.errors import DiagramError, require

from .png import MAX_PIXELS, fitting_scale
from .raster import rasterise
from .svg import at_work

MAX_FRAMES = 300
COLOURS = 128


class Frame(NamedTuple):
    """A picture, and the ids of what is at work in it."""

    picture: Picture
    active: frozenset[str] = frozenset()
    phase: str = ""


def write(drawing: Drawing, seconds: float = 1.0, scale: float | None = None) -> bytes:
    """The animation, which plays for ever: each frame for so many `seconds`, the last for three times as many."""
    # every check before the frames are built, which takes long
    images = require("PIL.Image", "gif", "an animation")
    if not 0.05 <= seconds <= 60:
        raise DiagramError(f"seconds= is the time of one frame, from 0.05 to 60; {number(seconds)} was given.")
    every = [] if drawing.moments else steps(drawing.picture)
    count = len(drawing.moments or every)
    if count > MAX_FRAMES:
        raise DiagramError(
            f"This animation has {count} frames, and at most {MAX_FRAMES} are made. Draw a part of the graph "
            "(focus=, path=), or save the player as .html."
        )
    scale = fitting_scale(drawing, scale, 1.5, 4 * MAX_PIXELS / count)
    frames = _moments(drawing.moments, drawing.picture) if drawing.moments else _steps(every, drawing.picture)
    last = frames[-1].picture  # whose legend all have
    pngs = [rasterise(at_work(picture, drawing, last, active, phase), scale) for picture, active, phase in frames]
    return _animation(images, pngs, drawing.colours.background, round(seconds * 1000))


def _steps(every: Sequence[Step], picture: Picture) -> list[Frame]:
    """The player's steps as pictures."""
    frames = []
    values: dict[str, float | None] = {}
    grads: dict[str, float] = {}
    flows: dict[str, float] = {}
    for step in every:
        values |= step.values
        grads |= step.grads
        flows |= step.flows
        nodes = [_at(node, values, grads) for node in picture.nodes]
        edges = [  # a local derivative is known once the result is
            replace(edge, flow=flows.get(edge.id), label=edge.label if edge.target in values else "")
            for edge in picture.edges
        ]
        active = frozenset(step.edges + ([step.node] if step.node else []))
        shown = replace(picture, nodes=nodes, edges=edges, notes=[*picture.notes, step.title])
        frames.append(Frame(shown, active, step.phase))
    return frames


def _at(node: Node, values: Container[str], grads: dict[str, float]) -> Node:
    """A node as it is when only these values and gradients are known."""
    if node.kind in ("constant", "group"):
        return node
    known = node.id in values
    shown = replace(node, value=node.value if known else None, grad=grads.get(node.id))
    shown.flags = [flag for flag in node.flags if known and (shown.grad is not None or not flag.late)]
    fill_box(shown)
    # a mark that is not there yet keeps its room
    shown.rows += [Row("", " ", "plain")] * (len(node.rows) - len(shown.rows))
    shown.width, shown.height, shown.slot = node.width, node.height, node.slot
    return shown


def _moments(pictures: Sequence[Picture], sizes: Picture) -> list[Frame]:
    """The moments as pictures in the boxes of one layout."""
    frames = []
    for i, picture in enumerate(pictures, 1):
        shown = deepcopy(picture)
        for node, room, first in zip(shown.nodes, sizes.nodes, pictures[0].nodes, strict=True):
            if node.kind not in ("group", "constant"):
                node.before = (first.value, first.grad)
                fill_box(node)
            node.width, node.height = room.width, room.height
        shown.notes = [*shown.notes, f"moment {i} of {len(pictures)}"]
        frames.append(Frame(shown))
    return frames


def _animation(images: Any, pngs: Sequence[bytes], background: str, milliseconds: int) -> bytes:
    """PNGs as one GIF, by the module `PIL.Image`."""
    frames = [images.open(io.BytesIO(png)).convert("RGB") for png in pngs]
    size = max(frame.width for frame in frames), max(frame.height for frame in frames)
    canvases = []
    for frame in frames:
        canvas = images.new("RGB", size, background)
        canvas.paste(frame, (0, 0))
        canvases.append(canvas.quantize(COLOURS, dither=images.Dither.NONE))
    out = io.BytesIO()
    times = [milliseconds] * (len(canvases) - 1) + [3 * milliseconds]
    canvases[0].save(out, "GIF", save_all=True, append_images=canvases[1:], duration=times, loop=0, disposal=1)
    return out.getvalue()
