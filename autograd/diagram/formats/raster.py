"""An SVG drawn by resvg as PNG, and by Typst as PDF, with the fonts by which boxes are measured: one picture."""

from __future__ import annotations

from pathlib import Path

from autograd.diagram.text import SYMBOLS
from autograd.diagram.theme import FONT_STACK
from autograd.errors import DiagramError, require

_FONTS = Path(__file__).parents[1] / "fonts"
_FAMILY = "Chalkgrad Sans"  # Liberation Sans with subscripts: fonts/README.md
_PAGE = """
#set document(title: sys.inputs.title, date: none)
#set page(width: auto, height: auto, margin: 0pt, fill: none)
#set text(font: "Chalkgrad Sans")
#image(bytes(sys.inputs.svg), format: "svg", alt: sys.inputs.title)
"""


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
        svg_string=_in_our_font(svg),
        zoom=scale,
        font_files=[str(_FONTS / f"ChalkgradSans-{style}.ttf") for style in ("Regular", "Bold")],
        font_family=_FAMILY,
        sans_serif_family=_FAMILY,
        skip_system_fonts=_has_all_letters(svg),
    )
    return bytes(drawn)


def as_pdf(svg: str, title: str) -> bytes:
    """The document of one page, as large as the picture; its text can be selected and searched.

    Raises MissingExtraError without the extra `chalkgrad[pdf]`, which brings Typst.
    """
    typst = require("typst", "pdf", "a PDF")
    drawn: bytes = typst.compile(
        _PAGE.encode(),
        format="pdf",
        font_paths=[str(_FONTS)],
        ignore_system_fonts=_has_all_letters(svg),
        sys_inputs={"svg": _in_our_font(svg), "title": title},
    )
    return drawn


def _in_our_font(svg: str) -> str:
    return svg.replace(FONT_STACK, f"'{_FAMILY}'")


def _has_all_letters(svg: str) -> bool:
    """Whether our fonts have every letter, so that those of the system, which take long to find, can be left alone."""
    return all(ord(char) < 0x460 or char in SYMBOLS for char in svg)
