"""The picture as an animation: the steps of its evaluation, or the moments that it compares, on one layout."""

from __future__ import annotations

import io
from collections.abc import Container, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any, NamedTuple

from autograd.diagram.chain_rule.mathml import Math
from autograd.diagram.chain_rule.steps import Step, steps
from autograd.diagram.picture.measure import fill_box
from autograd.diagram.picture.picture import Node, Picture, Row
from autograd.diagram.place.drawing import Drawing
from autograd.diagram.text import number, width
from autograd.diagram.theme import FONT_STACK, SIZE, Theme
from autograd.errors import DiagramError, require
from autograd.modes import warn

from .png import MAX_PIXELS, SCALES, drawing_time, fitting_scale
from .raster import rasterise
from .svg import MARGIN, at_work, text

MAX_FRAMES = 300
FRAME_PIXELS = 2.5e6  # of a frame, unless a scale is asked for: more than most screens have
CAPTION_ROWS, ROW_HEIGHT, TITLE_SIZE = 3, 19.0, 15.0
NARROWEST = 560.0  # points, of a caption
LONG, LARGE = 20.0, 5.0  # seconds and megabytes; what takes more is said before
BYTES_PER_PIXEL = 0.012  # of a frame, as measured: most of one is as in the frame before


class Frame(NamedTuple):
    """A picture, its caption as a title and rows of words, and the ids of what is at work in it."""

    picture: Picture
    title: str
    rows: Sequence[str] = ()
    active: frozenset[str] = frozenset()
    phase: str = ""


def write(drawing: Drawing, seconds: float = 1.5, scale: float | None = None) -> bytes:
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
    most = 4 * MAX_PIXELS / count
    scale = fitting_scale(drawing, scale, 1.5, min(most, FRAME_PIXELS) if scale is None else most)
    _warn(drawing, count, scale)
    frames = _moments(drawing.moments, drawing.picture) if drawing.moments else _steps(every, drawing.picture)
    last, zoom = frames[-1].picture, max(1.0, 1 / scale)  # the caption is never shrunk
    across = max(drawing.layout.width + 2 * MARGIN, NARROWEST * zoom)
    limit = across / zoom - 2 * MARGIN
    captions = [_packed(frame.rows, limit) for frame in frames]
    room = max(map(len, captions))
    pngs = []
    for i, (frame, rows) in enumerate(zip(frames, captions, strict=True), 1):
        svg = at_work(frame.picture, drawing, last, frame.active, frame.phase)  # all have the legend of the last
        caption = _caption(frame, rows, f"{i} of {count}", limit, drawing.colours)
        height = (MARGIN + TITLE_SIZE + room * ROW_HEIGHT) * zoom
        pngs.append(rasterise(_below(svg, caption, (across, height), zoom, drawing.colours), scale))
    return _animation(images, pngs, drawing.colours, round(seconds * 1000))


def _warn(drawing: Drawing, count: int, scale: float) -> None:
    """Say how long it will take and how large it will be, where that is much."""
    across, down = (drawing.layout.width + 40) * scale, (drawing.layout.height + 80) * scale
    time, size = count * drawing_time(drawing, scale), count * across * down * BYTES_PER_PIXEL / 1e6
    if time > LONG or size > LARGE:
        smaller = f"scale={number(scale / 2, 2)} makes it a quarter of that; " if scale / 2 >= SCALES[0] else ""
        warn(
            f"This animation has {count} frames of {across:,.0f} × {down:,.0f} pixels, which takes about {time:.0f} "
            f"seconds and {max(size, 1):.0f} MB. {smaller}focus=, path=, or model= with collapse=True draw less."
        )


def _caption(frame: Frame, rows: Sequence[str], count: str, limit: float, colours: Theme) -> str:
    """The title of a frame in the colour of its phase, which frame it is, and the rows below, as elements of an SVG."""
    ink = {"start": colours.ink, "end": colours.ink, "": colours.ink, "forward": colours.forward}
    end = MARGIN + limit
    title = _cut(frame.title, limit - width(count, SIZE) - 12, TITLE_SIZE, bold=True)
    rules = (
        f".caption text {{ font-family: {FONT_STACK}; font-size: {SIZE:g}px; fill: {colours.ink} }}\n"
        f".caption .title {{ font-size: {TITLE_SIZE:g}px; font-weight: bold; "
        f"fill: {ink.get(frame.phase, colours.backward)} }}"
    )
    lines = [
        text(title, MARGIN, MARGIN + TITLE_SIZE - 2, "title", TITLE_SIZE, bold=True),
        text(count, end, MARGIN + TITLE_SIZE - 2, "count", SIZE, "end"),
    ]
    for i, row in enumerate(rows, 1):
        lines.append(text(_cut(row, limit, SIZE), MARGIN, MARGIN + TITLE_SIZE + i * ROW_HEIGHT - 2, "row", SIZE))
    return f"<style>\n{rules}\n</style>\n" + "".join(lines)


def _below(svg: str, caption: str, band: tuple[float, float], zoom: float, colours: Theme) -> str:
    """An SVG with the caption above it, in a band of at least this width and of this height."""
    opening, inside = svg.split(">", 1)
    own, down = (float(side) for side in opening.partition('viewBox="0 0 ')[2].partition('"')[0].split())
    across, height = max(own, band[0]), band[1]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{across:g}" height="{down + height:g}">\n'
        f'<rect width="{across:g}" height="{down + height:g}" fill="{colours.background}"/>\n'
        f'<g class="caption" transform="scale({zoom:g})">{caption}</g>\n'
        f'{opening} x="{(across - own) / 2:g}" y="{height:g}">{inside}</svg>'
    )


def _packed(lines: Sequence[str], limit: float) -> list[str]:
    """Lines as rows, several in one where they fit; the last row says how many lines are left out."""
    rows: list[str] = []
    for i, line in enumerate(lines):
        together = f"{rows[-1]}; {line}" if rows else line
        if rows and width(together, SIZE) <= limit:
            rows[-1] = together
        elif len(rows) < CAPTION_ROWS:
            rows.append(line)
        else:
            rows[-1] = f"{rows[-1]}; … and {len(lines) - i} more"
            break
    return rows


def _cut(words: str, limit: float, size: float, bold: bool = False) -> str:
    """Words that fit so many points."""
    if width(words, size, bold) <= limit:
        return words
    while words and width(words + "…", size, bold) > limit:
        words = words[:-1]
    return words + "…"


def _said(lines: Sequence[Math]) -> list[str]:
    """Lines of mathematics as text, each with the reason for it."""
    said: list[str] = []
    for line in map(_plain, lines):
        if said and line.startswith("because"):
            said[-1] += f", {line}"
        else:
            said.append(line)
    return said


def _plain(tree: Math) -> str:
    """A tree of MathML as text: `∂L/∂w = 2 × 3`."""
    tag, *inside = tree
    if inside and isinstance(inside[0], str):
        return f" {inside[0]} " if tag == "mo" and inside[0] != "∂" else inside[0].replace("\u00a0", " ")
    return ("/" if tag == "mfrac" else "").join(map(_plain, inside))


def _steps(every: Sequence[Step], picture: Picture) -> list[Frame]:
    """The player's steps as pictures."""
    frames = []
    values: dict[str, float | None] = {}
    grads: dict[str, float | None] = {}
    flows: dict[str, float | None] = {}
    done: set[str] = set()  # boxes of several values whose gradients are known
    for step in every:
        values |= step.values
        grads |= step.grads
        flows |= step.flows
        if step.phase == "backward" and step.node:
            done.add(step.node)
        elif step.phase == "end":
            done |= {node.id for node in picture.nodes}
        nodes = [_at(node, values, grads, done) for node in picture.nodes]
        edges = [  # a local derivative is known once the result is
            replace(edge, flow=flows.get(edge.id), label=edge.label if edge.target in values else "")
            for edge in picture.edges
        ]
        active = frozenset(step.edges + ([step.node] if step.node else []))
        shown = replace(picture, nodes=nodes, edges=edges)
        rows = [] if step.phase == "end" else [row for row in _said(step.lines) if row not in step.title]
        frames.append(Frame(shown, step.title, rows, active, step.phase))
    return frames


def _at(node: Node, values: Container[str], grads: dict[str, float | None], done: Container[str]) -> Node:
    """A node as it is when only these values and gradients are known, and the boxes that are `done`."""
    if node.kind == "constant" or (node.kind == "group" and node.id in done):
        return node
    if node.kind == "group":
        return replace(node, rows=[Row("", " ", "plain") if row.kind == "late" else row for row in node.rows])
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
        frames.append(Frame(shown, f"Moment {i} of {len(pictures)}"))
    return frames


def _animation(images: Any, pngs: Sequence[bytes], colours: Theme, milliseconds: int) -> bytes:
    """PNGs as one GIF, by the module `PIL.Image`."""
    palette = images.new("P", (1, 1))
    palette.putpalette([part for colour in _palette(colours) for part in colour])
    # one palette for all frames: what does not move stays as it is, in a smaller file
    frames = [
        images.open(io.BytesIO(png)).convert("RGB").quantize(palette=palette, dither=images.Dither.NONE) for png in pngs
    ]
    out = io.BytesIO()
    times = [milliseconds] * (len(frames) - 1) + [3 * milliseconds]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=times, loop=0, disposal=1)
    return out.getvalue()


def _palette(colours: Theme) -> list[tuple[int, ...]]:
    """The colours of a theme, and what a smooth edge makes of them, 256 at most."""
    grounds = [colours.background, *colours.fill.values(), colours.cluster]
    signs = [colours.positive, colours.negative, colours.zero, colours.broken, colours.forward, colours.backward]
    lines = [colours.ink, colours.muted, *signs, *colours.border.values()]
    pairs = [(line, colours.background) for line in lines]
    pairs += [(ink, ground) for ink in (colours.ink, colours.muted) for ground in grounds]
    pairs += [(sign, ground) for sign in signs[:2] for ground in grounds[1:5]]
    mixed = (_mix(line, ground, share) for share in (0.0, 1.0, 0.5, 0.75, 0.25) for line, ground in pairs)
    chosen: list[tuple[int, ...]] = []
    for colour in [*(_mix(ground, ground, 0.0) for ground in grounds), *mixed]:
        # Pillow does not tell colours apart that are nearer than this: the first, the background, stays what it is
        if all(max(abs(a - b) for a, b in zip(colour, other, strict=True)) >= 8 for other in chosen):
            chosen.append(colour)
    return chosen[:256]


def _mix(line: str, ground: str, share: float) -> tuple[int, ...]:
    """A colour that is part line, part ground."""
    ends = zip(bytes.fromhex(line[1:]), bytes.fromhex(ground[1:]), strict=True)
    return tuple(round(share * a + (1 - share) * b) for a, b in ends)
