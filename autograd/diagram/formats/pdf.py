"""The picture as PDF, drawn by an engine at the positions of the layout."""

from __future__ import annotations

from autograd.diagram.place.drawing import Drawing
from autograd.diagram.place.engines import find_engine, run_pdf

from .dot import pinned


def write(drawing: Drawing) -> bytes:
    """The document of one page."""
    return run_pdf(find_engine(drawing.asked_engine), pinned(drawing), drawing.time_limit)
