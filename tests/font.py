"""Makes the fonts that images are drawn with: `python tests/font.py`, with fonttools and Debian's fonts-liberation.

Liberation Sans has the widths of Helvetica, by which boxes are measured, and all the letters and signs of a picture but
for subscripts and a few signs. Those are made here of what it has. Hints and the rarer letters are left out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fontTools.misc.transform import Transform
from fontTools.pens.transformPen import TransformPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

SOURCES = Path("/usr/share/fonts/truetype/liberation")
TARGETS = Path(__file__).parent.parent / "autograd" / "diagram" / "fonts"
FAMILY = "Chalkgrad Sans"  # Liberation is a reserved name, and this is another font


def make(style: str) -> None:
    """Write one of the two fonts."""
    font = TTFont(SOURCES / f"LiberationSans-{style}.ttf")
    options = Options(hinting=False, layout_features=[], name_IDs=[0, 13, 14], notdef_outline=True)
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=font.getBestCmap())
    subsetter.subset(font)
    for i in range(10):
        _add(font, 0x2080 + i, f"subscript{i}", [(str(i), Transform(0.62, 0, 0, 0.62, 20, -220))], 0.62)
    up, down = font["hhea"].ascent * 0.85, font["hhea"].descent * 0.85
    _add(font, 0x2207, "nabla", [("Δ", Transform(1, 0, 0, -1, 0, font["OS/2"].sCapHeight))])
    small = Transform(0.45, 0, 0, 0.45, 60, 780)
    _add(font, 0x221B, "cuberoot", [("√", Transform(1, 0, 0, 1, 120, 0)), ("3", small)], extra=120)
    dots = [("·", Transform(1, 0, 0, 1, 600 * k, 0)) for k in range(3)]
    _add(font, 0x22EF, "middots", dots, extra=1200)
    for code, name, top, right in (
        (0x2308, "leftceil", True, False), (0x2309, "rightceil", True, True),
        (0x230A, "leftfloor", False, False), (0x230B, "rightfloor", False, True),
    ):  # fmt: skip
        _add_bracket(font, code, name, top, right, up, down, 240 if style == "Bold" else 150)
    _rename(font, style)
    font.save(TARGETS / f"ChalkgradSans-{style}.ttf")


def _add(
    font: Any, code: int, name: str, parts: list[tuple[str, Transform]], scale: float = 1.0, extra: int = 0
) -> None:
    """Add a glyph made of others; as wide as the first of them, scaled, and something more."""
    glyphs, cmap = font.getGlyphSet(), font.getBestCmap()
    pen = TTGlyphPen(None)
    for char, transform in parts:
        glyphs[cmap[ord(char)]].draw(TransformPen(_Flat(pen, glyphs), transform))
    width = round(font["hmtx"][cmap[ord(parts[0][0])]][0] * scale) + extra
    _enter(font, code, name, pen.glyph(), width)


class _Flat:
    """A pen that draws components where they are, since a glyph of another font may not refer to them."""

    def __init__(self, pen: Any, glyphs: Any) -> None:
        self._pen, self._glyphs = pen, glyphs

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pen, name)

    def addComponent(self, name: str, transform: Any) -> None:
        self._glyphs[name].draw(TransformPen(self, transform))


def _add_bracket(
    font: Any, code: int, name: str, top: bool, right: bool, up: float, down: float, thick: int
) -> None:  # fmt: skip
    width, pen = 800, TTGlyphPen(None)
    x0, x1 = (width - 180 - thick, width - 180) if right else (180, 180 + thick)
    reach = (120, x1) if right else (x0, width - 120)
    y = up - thick if top else down
    for left, bottom, end, high in ((x0, down, x1, up), (reach[0], y, reach[1], y + thick)):
        corners = [(left, bottom), (left, high), (end, high), (end, bottom)]
        pen.moveTo(tuple(map(round, corners[0])))
        for corner in corners[1:]:
            pen.lineTo(tuple(map(round, corner)))
        pen.closePath()
    _enter(font, code, name, pen.glyph(), width)


def _enter(font: Any, code: int, name: str, glyph: Any, width: int) -> None:
    font["glyf"][name] = glyph
    glyph.recalcBounds(font["glyf"])
    font["hmtx"][name] = (width, getattr(glyph, "xMin", 0))
    if name not in font.getGlyphOrder():
        font.setGlyphOrder([*font.getGlyphOrder(), name])
    for table in font["cmap"].tables:
        if table.isUnicode():
            table.cmap[code] = name


def _rename(font: Any, style: str) -> None:
    names = font["name"]
    for key, text in ((1, FAMILY), (2, style), (3, f"{FAMILY} {style}"), (4, f"{FAMILY} {style}"), (5, "Version 1.0"),
                      (6, f"ChalkgradSans-{style}")):  # fmt: skip
        names.setName(text, key, 3, 1, 0x409)


if __name__ == "__main__":
    for each in ("Regular", "Bold"):
        make(each)
