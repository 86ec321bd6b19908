"""The picture as PDF: its SVG, drawn by Typst."""

from __future__ import annotations

from autograd.diagram.place.drawing import Drawing
from autograd.diagram.theme import flat

from .raster import as_pdf
from .svg import of_theme


def write(drawing: Drawing) -> bytes:
    """The document of one page."""
    return as_pdf(of_theme(drawing, flat(drawing.theme).name), drawing.picture.title)
