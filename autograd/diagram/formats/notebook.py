"""What a notebook shows: an image that survives in an untrusted notebook, the player, and the numbers as a table."""

from __future__ import annotations

from autograd.diagram.place.drawing import Drawing
from autograd.diagram.text import xml

from .html import player, table
from .svg import describe, image
from .svg import write as write_svg

FRAMED = 300  # nodes; up to here a notebook's output holds the player, in a frame
WIDE = 1400.0  # points; a wider picture keeps its size and scrolls, since nobody can read it shrunk


def write(drawing: Drawing) -> str:
    """The output as HTML, with no element that a notebook's sanitizer would turn into nonsense."""
    picture = drawing.picture
    alt = f"{picture.title}. {describe(picture)}"
    shown = image(write_svg(drawing).decode(), alt, "100%" if drawing.layout.width < WIDE else "none")
    return (
        f"{shown}<details><summary>Step through it</summary>{_frame(drawing)}</details>"
        f"<details><summary>The numbers as a table</summary>{table(picture)}</details>"
    )


def _frame(drawing: Drawing) -> str:
    """The player in a frame of its own. An untrusted notebook drops the frame, and the hint alone is left."""
    if len(drawing.picture.nodes) > FRAMED:
        return "<p>This picture is large: save its player with .save(&quot;graph.html&quot;) and open that.</p>"
    page = xml(player(drawing, "player"))
    hint = "The player needs a trusted notebook (File, Trust Notebook); save it with .save(&quot;graph.html&quot;)."
    return f'<p>{hint}</p><iframe title="player" width="100%" height="720" srcdoc="{page}"></iframe>'
