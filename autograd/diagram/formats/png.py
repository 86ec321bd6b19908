"""The picture as PNG: its SVG, drawn by resvg."""

from __future__ import annotations

import math

from autograd.diagram.place.drawing import Drawing
from autograd.diagram.theme import flat
from autograd.errors import DiagramError

from .raster import rasterise
from .svg import of_theme

MAX_PIXELS, LONGEST_SIDE = 80e6, 65000  # of an image, which takes 4 bytes for each pixel while it is made
SCALES = 0.25, 8.0  # pixels per point


def write(drawing: Drawing, scale: float | None = None) -> bytes:
    """The image, `scale` pixels per point: 2 by default, less where that makes it too large."""
    scale = fitting_scale(drawing, scale, 2.0)
    return rasterise(of_theme(drawing, flat(drawing.theme).name), scale)


def check_scale(scale: float) -> None:
    """Raise DiagramError for a scale that is out of range."""
    if not SCALES[0] <= scale <= SCALES[1]:
        raise DiagramError(f"scale= is from {SCALES[0]:g} to {SCALES[1]:g} pixels per point; {scale!r} was given.")


def fitting_scale(drawing: Drawing, scale: float | None, usual: float, pixels: float = MAX_PIXELS) -> float:
    """The scale that was asked for, or the usual one, less where the image would have more than so many `pixels`."""
    if scale is not None:
        check_scale(scale)
    width, height = drawing.layout.width + 40, drawing.layout.height + 80
    largest = min(math.sqrt(pixels / (width * height)), LONGEST_SIDE / max(width, height))
    chosen = min(usual, largest) if scale is None else scale
    if not SCALES[0] <= chosen <= largest:
        smallest = max(chosen, SCALES[0])
        advice = f"Pass scale={math.floor(largest * 100) / 100} or less, " if largest >= SCALES[0] else "Draw a part, "
        raise DiagramError(
            f"This image would have {width * smallest:,.0f} × {height * smallest:,.0f} pixels, too many to make and to "
            f"look at. {advice}fold the graph with model=, or save as .svg, which has no pixels."
        )
    return chosen
