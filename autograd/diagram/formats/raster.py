"""An SVG as PNG, drawn by resvg with the fonts by which boxes are measured: so every format shows one picture."""

from __future__ import annotations

from pathlib import Path

from autograd.diagram.text import SYMBOLS
from autograd.diagram.theme import FONT_STACK
from autograd.errors import DiagramError

_FONTS = Path(__file__).parents[1] / "fonts"
_FAMILY = "Chalkgrad Sans"  # Liberation Sans with subscripts: fonts/README.md


def rasterise(svg: str, scale: float) -> bytes:
    """The image, `scale` pixels per point. Letters that our fonts do not have are taken from those of the system.

    Raises DiagramError where resvg is not installed.
    """
    try:
        from resvg_py import svg_to_bytes
    except ImportError:
        raise DiagramError(
            "An image needs the package resvg-py, which is not here: pip install resvg-py, or save as .svg, which "
            "needs none."
        ) from None
    drawn = svg_to_bytes(
        svg_string=svg.replace(FONT_STACK, f"'{_FAMILY}'"),
        zoom=scale,
        font_files=[str(_FONTS / f"ChalkgradSans-{style}.ttf") for style in ("Regular", "Bold")],
        font_family=_FAMILY,
        sans_serif_family=_FAMILY,
        skip_system_fonts=all(ord(char) < 0x460 or char in SYMBOLS for char in svg),
    )
    return bytes(drawn)
