"""The picture as PNG: its SVG, drawn by resvg."""

from __future__ import annotations

import math

from autograd.diagram.place.drawing import Drawing
from autograd.diagram.theme import flat
from autograd.errors import DiagramError
from autograd.modes import warn

from .raster import rasterise
from .svg import of_theme

MAX_PIXELS, LONGEST_SIDE = 80e6, 65000  # of an image, which takes 4 bytes for each pixel while it is made
SCALES = 0.25, 8.0  # pixels per point
USUAL_PIXELS, USUAL_PARTS = 16e6, 1000  # of an image whose scale nobody asked for; of more parts it has fewer pixels
READABLE = 0.5  # pixels per point, at which letters are 6 pixels high
LONG = 15.0  # seconds


def write(drawing: Drawing, scale: float | None = None) -> bytes:
    """The image, `scale` pixels per point: 2 by default, less where that would make it large and slow to draw.

    A UserWarning says so where letters can then not be read, and how long it takes where that is more than 15 seconds.
    """
    parts = len(drawing.picture.nodes) + len(drawing.picture.edges)
    if scale is None:
        longest = max(drawing.layout.width, drawing.layout.height)
        pixels = USUAL_PIXELS / max(1.0, parts / USUAL_PARTS)
        scale = min(2.0, math.sqrt(pixels / _area(drawing)), LONGEST_SIDE / (longest + 80))
    else:
        scale = fitting_scale(drawing, scale, 2.0)
    megapixels = scale**2 * _area(drawing) / 1e6
    expected = drawing_time(drawing, scale)
    large = f"This picture is large, {drawing.layout.width:,.0f} × {drawing.layout.height:,.0f} points"
    advice = "Fold it (collapse=True, model=), draw a part (focus=, path=), or save it as .svg, which needs no pixels."
    if scale < READABLE:
        warn(f"{large}: at {scale:.2f} pixels per point its letters cannot be read. {advice}")
    elif expected > LONG:
        size = f"an image of {megapixels:.0f} million pixels and about {0.12 * megapixels:.1g} MB"
        warn(f"{large}: {size} takes about {expected:.0f} seconds. {advice}")
    return rasterise(of_theme(drawing, flat(drawing.theme).name), scale)


def drawing_time(drawing: Drawing, scale: float) -> float:
    """The seconds that an image takes, as measured."""
    parts = len(drawing.picture.nodes) + len(drawing.picture.edges)
    return 0.001 * parts + 0.3 * scale**2 * _area(drawing) / 1e6


def _area(drawing: Drawing) -> float:
    return (drawing.layout.width + 40) * (drawing.layout.height + 80)


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
