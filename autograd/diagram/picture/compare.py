"""Two moments of one graph in one picture, and many of them as an animation."""

from __future__ import annotations

import io
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from autograd.diagram import theme
from autograd.diagram.explain.steps import steps
from autograd.diagram.formats import dot
from autograd.diagram.place import engines as render
from autograd.diagram.text import number
from autograd.errors import DiagramError
from autograd.value import Value

from .build import Node, Picture, finish, lay_out
from .health import LATE

if TYPE_CHECKING:
    from autograd.diagram.diagram import Diagram
    from autograd.diagram.place.layered import Layout

MOST_FRAMES = 300


def compare(before: Diagram | Value, after: Diagram | Value, *more: Diagram | Value) -> Diagram:
    """Show two moments of one graph in one picture: for each value what it is now, and by how much it changed.

    Give two diagrams that `draw` made at two moments (before and after a step of training, say), or two Values, which
    are drawn now. With more than two, the picture compares the first with the last, and `.save("x.gif")` shows them
    all one after the other on the same layout.

    Raises DiagramError when the graphs are not of the same structure.

    >>> from autograd import Value, compare, draw
    >>> def loss(w):
    ...     w = Value(w, name="w")
    ...     y = w * w
    ...     y.backward()
    ...     return y
    >>> compare(loss(2.0), loss(1.5))
    Diagram(2 values, 2 edges)
    """
    from autograd.diagram.diagram import Diagram, draw

    made = [one if isinstance(one, Diagram) else draw(one) for one in (before, after, *more)]
    pictures = [one._picture for one in made]
    for other in pictures[1:]:
        _check_same(pictures[0], other)
    first, last = pictures[0], deepcopy(pictures[-1])
    slots = [max(node.slot for node in nodes) for nodes in zip(*(p.nodes for p in pictures), strict=True)]
    for old, node in zip(first.nodes, last.nodes, strict=True):
        node.before = (old.value, old.grad)
    last.title = f"{last.title}: what changed"
    last.notes = [*last.notes, "Δ: after minus before"]
    finish(last, last.direction)
    for node, slot in zip(last.nodes, slots, strict=True):
        if node.kind != "group":
            lay_out(node, slot)
    return Diagram(last, theme=made[-1]._theme, engine=made[-1]._engine, shots=pictures)


def _check_same(first: Picture, other: Picture) -> None:
    def shape(picture: Picture) -> list[Any]:
        return [(n.id, n.op, n.kind) for n in picture.nodes] + [(e.id, e.position) for e in picture.edges]

    if shape(first) != shape(other):
        raise DiagramError(
            f"These graphs differ in structure ({len(first.nodes)} nodes and {len(first.edges)} edges, "
            f"{len(other.nodes)} and {len(other.edges)}), so they cannot share a layout. Compare two moments of the "
            "same computation, drawn with the same arguments."
        )


def step_frames(picture: Picture) -> list[tuple[Picture, set[str], str]]:
    """The player's steps as pictures, each with the ids at work and the phase."""
    found = []
    values: dict[str, float | None] = {}
    grads: dict[str, float] = {}
    flows: dict[str, float] = {}
    every = steps(picture)
    _check_count(len(every))
    for step in every:
        values |= step.values
        grads |= step.grads
        flows |= step.flows
        nodes = [_at(node, values, grads) for node in picture.nodes]
        edges = [replace(edge, flow=flows.get(edge.id)) for edge in picture.edges]
        notes = [*picture.notes, step.title]
        frame = replace(picture, nodes=nodes, edges=edges, notes=notes)
        found.append((frame, {*step.edges, *([step.node] if step.node else [])}, step.phase))
    return found


def _check_count(frames: int) -> None:
    if frames > MOST_FRAMES:
        raise DiagramError(
            f"This animation has {frames} frames, and at most {MOST_FRAMES} are made. Draw a part of the graph "
            "(focus=, path=), or save the player as .html."
        )


def _at(node: Node, values: dict[str, float | None], grads: dict[str, float]) -> Node:
    if node.kind in ("constant", "group"):
        return node
    shown = replace(node, value=values.get(node.id), grad=grads.get(node.id), rows=[])
    if node.id not in values:
        shown.flags = []
    elif shown.grad is None:
        shown.flags = [flag for flag in node.flags if flag.kind not in LATE]
    lay_out(shown)
    if len(shown.rows) < len(node.rows):  # a mark that is not there yet keeps its room
        shown.rows += [("", " ", "plain")] * (len(node.rows) - len(shown.rows))
    shown.width, shown.height, shown.slot = node.width, node.height, node.slot
    return shown


def moment_frames(pictures: Sequence[Picture], sizes: Picture) -> list[tuple[Picture, set[str], str]]:
    """The moments as pictures in the boxes of one layout."""
    _check_count(len(pictures))
    found = []
    for i, picture in enumerate(pictures):
        frame = deepcopy(picture)
        for node, room, first in zip(frame.nodes, sizes.nodes, pictures[0].nodes, strict=True):
            if node.kind not in ("group", "constant"):
                node.before = (first.value, first.grad)
                lay_out(node)
            node.width, node.height = room.width, room.height
        frame.notes = [*frame.notes, f"moment {i + 1} of {len(pictures)}"]
        found.append((frame, set[str](), ""))
    return found


def gif(
    frames: list[tuple[Picture, set[str], str]], layout: Layout, colours: theme.Theme, engine: render.Engine,
    seconds: float, scale: float, limit: float,
) -> bytes:  # fmt: skip
    """The frames as an animated GIF, which plays for ever. Raises DiagramError without Pillow."""
    try:
        from PIL import Image
    except ImportError:
        raise DiagramError("An animation needs Pillow: pip install pillow.") from None
    if not 0.05 <= seconds <= 60:
        raise DiagramError(f"seconds= is the time of one frame, from 0.05 to 60; {number(seconds)} was given.")
    legend = frames[-1][0]
    images = []
    for picture, active, phase in frames:
        source = dot.source(
            picture, colours, layout, dpi=round(72 * scale), active=active, phase=phase, legend_of=legend
        )
        images.append(Image.open(io.BytesIO(render.run(engine, source, "png", limit, pinned=True))).convert("RGB"))
    size = max(image.width for image in images), max(image.height for image in images)
    canvases = []
    for image in images:
        canvas = Image.new("RGB", size, colours.background)
        canvas.paste(image, (0, 0))
        canvases.append(canvas.quantize(128, dither=Image.Dither.NONE))
    out = io.BytesIO()
    time = [round(seconds * 1000)] * (len(canvases) - 1) + [round(seconds * 3000)]
    canvases[0].save(out, "GIF", save_all=True, append_images=canvases[1:], duration=time, loop=0, disposal=1)
    return out.getvalue()
