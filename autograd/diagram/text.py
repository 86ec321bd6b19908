"""Text in a picture: cleaned, shortened and measured, whatever the format.

Names come from the user and may hold anything. Every name passes through `clean` before it is drawn. Each format has
then one function that escapes it; the one for XML, which several formats need, is here.
"""

from __future__ import annotations

import html
import math
import re
import unicodedata

from autograd.notation import GREEK, SIGNS

LONGEST_NAME = 24

# Characters that no XML document may hold, that both DOT engines pass through all the same, or that reorder the
# text around them: C0 and C1 controls, surrogates, noncharacters, direction overrides and isolates.
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufeff\ufff9-\uffff"
    "\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    + "".join(chr(plane * 0x10000 + 0xFFFE) + chr(plane * 0x10000 + 0xFFFF) for plane in range(1, 17))
    + "]"
)


def clean(text: object, longest: int | None = None) -> str:
    r"""One line of text that every format can hold: forbidden characters dropped, white space folded, cut to `longest`.

    >>> clean("a\x00b\n c")
    'ab c'
    >>> clean("a very long name indeed", longest=8)
    'a very …'
    """
    line = " ".join(allowed(str(text)).split())
    if longest is not None and len(line) > longest:
        line = line[: longest - 1] + "…"
    return line


def allowed(text: str) -> str:
    """The text without the characters that some format cannot hold."""
    return _FORBIDDEN.sub("", text)


def number(x: float | None, digits: int = 4) -> str:
    """A number as pictures show it: four digits, a true minus, no negative zero, `·` where nothing was computed.

    >>> [number(x) for x in (0.123456, -2.0, -0.0, 1e-7, float("nan"), None)]
    ['0.1235', '−2', '0', '1e−07', 'nan', '·']
    """
    if x is None:
        return "·"
    if x == 0:
        return "0"
    return f"{x:.{digits}g}".replace("-", "−")


_SUBSCRIPT = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def subscript(i: int) -> str:
    """The decimal digits of `i` as Unicode subscripts, since one engine does not shift SUB."""
    return str(i).translate(_SUBSCRIPT)


# Advance widths of Helvetica, in thousandths of the font size, for the printable ASCII characters 32 to 126
# (Adobe's font metrics; Arimo and Liberation Sans have the same).
_HELVETICA = (
    [278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278]
    + [556] * 10
    + [278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778]
    + [667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556]
    + [278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334]
    + [260, 334, 584]
)
SYMBOLS = dict.fromkeys(GREEK, 720) | dict.fromkeys([*SIGNS, *"÷+=≈"], 584) | dict.fromkeys("₀₁₂₃₄₅₆₇₈₉′", 460)
SYMBOLS |= dict.fromkeys("⌊⌋⌈⌉", 390) | dict.fromkeys("·²³", 333) | dict.fromkeys("…→⋯—", 1000)
SYMBOLS |= {"∂": 500, "∇": 700, "Δ": 668, "Σ": 618, "Φ": 798, "σ": 620, "α": 578, "δ": 560, "▲": 990, "▼": 990}
SYMBOLS |= {"∞": 713, "√": 549, "∛": 640, "½": 834, "–": 556}


def width(text: str, size: float, bold: bool = False) -> float:
    """An estimate of the width of `text` in points, for Helvetica at `size`, with 8 % for a browser's wider font."""
    units = 0.0
    for char in text:
        code = ord(char)
        if 32 <= code < 127:
            units += _HELVETICA[code - 32]
        elif char in SYMBOLS:
            units += SYMBOLS[char]
        elif unicodedata.combining(char):
            continue
        else:
            units += 1100 if unicodedata.east_asian_width(char) in "WF" else 800
    return units / 1000 * size * (1.15 if bold else 1.08)


def measurable(text: str) -> bool:
    """Whether `width` knows every character. Where it does not, the SVG pins the length of the text."""
    return all(32 <= ord(char) < 127 or char in SYMBOLS for char in text)


def xml(text: str) -> str:
    """Escaped for XML and HTML, text and attributes alike."""
    return html.escape(text, quote=True)


def finite(x: float | None) -> bool:
    """Whether a number was computed and is neither nan nor infinite."""
    return x is not None and math.isfinite(x)
