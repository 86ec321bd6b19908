"""What every file of TikZ shares: text and names escaped, widths read, the document round a picture."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from autograd.diagram.latex import Symbols, visible
from autograd.diagram.picture.picture import Picture
from autograd.diagram.text import clean
from autograd.errors import DiagramError
from autograd.notation import GREEK, SIGNS

_UNITS = {"pt": 1.0, "bp": 72.27 / 72, "in": 72.27, "cm": 72.27 / 2.54, "mm": 7.227 / 2.54}  # in points of TeX
_TEXT = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "…": r"\ldots{}", "–": "--", "—": "---",
}  # fmt: skip
_MATH = GREEK | SIGNS | {
    "∂": r"\partial", "×": r"\times", "÷": r"\div", "·": r"\cdot", "′": "'", "√": r"\surd", "∛": r"^3\surd",
    "Σ": r"\Sigma", "Δ": r"\Delta", "∇": r"\nabla", "▲": r"\blacktriangle", "▼": r"\blacktriangledown", "²": "^2",
    "³": "^3", "½": r"\frac12", "→": r"\to", "∞": r"\infty", "δ": r"\delta", "⌊": r"\lfloor", "⌋": r"\rfloor",
    "⌈": r"\lceil", "⌉": r"\rceil", "⋯": r"\cdots", "≈": r"\approx",
} | {chr(0x2080 + i): f"_{i}" for i in range(10)}  # fmt: skip
_ESCAPES = str.maketrans(_TEXT | {c: rf"\ensuremath{{{command}}}" for c, command in _MATH.items() if len(c) == 1})
# For letters that are neither here nor in the font of the document; the first of these fonts that has one serves.
_FONTS = (
    "DejaVu Sans", "Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans SC", "WenQuanYi Micro Hei", "FandolHei",
    "Noto Emoji", "Symbola",
)  # fmt: skip


def tex(text: str) -> str:
    r"""Escaped for LaTeX text, in ASCII and accented Latin letters; what has no name in LaTeX is `\cgletter{code}`."""
    return _letters(text.translate(_ESCAPES))


def _letters(latex: str) -> str:
    return re.sub("[^\x00-\u017f]", lambda m: rf"\cgletter{{{ord(m[0]):04X}}}", latex)


def in_points(width: float | str) -> float:
    """A width in points of TeX, of which an inch has 72.27.

    >>> in_points(246), round(in_points("3.4in"), 1)
    (246.0, 245.7)
    """
    given = re.fullmatch(r"\s*(\d+\.?\d*|\.\d+)\s*(pt|bp|in|cm|mm)?\s*", str(width))
    points = float(given[1]) * _UNITS[given[2] or "pt"] if given and not isinstance(width, bool) else 0.0
    if not 72 <= points <= 2000:
        raise DiagramError(
            'width= is 72 to 2000 points, as a number or with a unit: 246, "246pt", "3.4in", "8.6cm" or "86mm"; '
            f"{width!r} was given. A column of a paper has about 246 points, a page's text 468."
        )
    return points


# Names of values that are not shown may stand in formulas: what has an index, and is no function.
_OF_HIDDEN = r"[^\W\d][^\W²³]*[\d₀-₉_][^\W²³]*(?!\()"


class NamesInTex:
    """Finds the names of a picture's values in its texts."""

    def __init__(self, picture: Picture, symbols: Symbols) -> None:
        names = sorted({name for node in picture.nodes if node.kind != "constant" for name in (node.name, node.path)})
        found = "|".join([*(re.escape(name) for name in reversed(names) if name), _OF_HIDDEN])  # w11 before w1
        self._symbols = symbols
        self._pattern = re.compile(rf"(?<![\w.])(?:{found})(?![^\W²³])")

    def measured(self, text: str) -> str:
        """The text with each name as long as it is when it is set."""
        return self._pattern.sub(lambda m: visible(self._symbols.of(m[0])), text)

    def tex(self, text: str) -> str:
        """The text in LaTeX, its names as symbols; those that are mere words stay in the font around them."""
        parts, at = [], 0
        for match in self._pattern.finditer(text):
            latex = self._symbols.of(match[0])
            word = re.fullmatch(r"\\mathrm\{[^{}]*\}", latex) or latex.startswith(r"\text{")
            sans = latex.replace(r"\mathrm", r"\mathsf")
            symbol = rf"\ensuremath{{{_letters(sans)}}}"
            parts += [tex(text[at : match.start()]), tex(match[0]) if word else symbol]
            at = match.end()
        whole = "".join([*parts, tex(text[at:])])
        return re.sub(r" \\textasciicircum\{\} (\d+)", r"\\textsuperscript{\1}", whole)


def document(
    body: Sequence[str], style: str, colors: Mapping[str, str], notes: Sequence[str], standalone: bool
) -> bytes:
    r"""A picture of these lines, as a document or as what `\\input` takes; `colors` are names by their values."""
    if not isinstance(standalone, bool):
        raise DiagramError(f"standalone= is True or False; {standalone!r} was given.")
    foreign = any(r"\cgletter" in line for line in body)
    needed = [
        r"\usepackage{amsmath, amssymb, tikz}",
        r"\usetikzlibrary{arrows.meta}",
        *(_fallback() if foreign else []),
    ]
    codes = ["Letters that no font here has are shown as codes in boxes. LuaLaTeX and XeLaTeX find most."] * foreign
    comments = [f"% {clean(note).encode('ascii', 'replace').decode()}" for note in [*notes, *codes]]
    picture = [rf"\begin{{tikzpicture}}[{style}]", *body, r"\end{tikzpicture}%"]
    defined = [rf"\definecolor{{{name}}}{{HTML}}{{{value[1:].upper()}}}" for value, name in colors.items()] + _LETTER
    if standalone:
        head = ["% For LuaLaTeX, XeLaTeX and pdfLaTeX.", *comments, r"\documentclass[border=4pt]{standalone}", *needed]
        lines = [*head, *defined, r"\begin{document}", *picture, r"\end{document}", ""]
    else:
        head = ["% For \\input. The preamble needs:", *(f"%   {line}" for line in needed), *comments]
        lines = [*head, r"\begingroup%", *(f"{line}%" for line in defined), *picture, r"\endgroup", ""]
    return "\n".join(lines).encode()


def _fallback() -> list[str]:
    """What finds fonts for letters that the document's font may lack."""
    tries = [
        rf"\IfFontExistsTF{{{name}}}{{\newfontfamily\{_command(i)}{{{name}}}}}{{}}" for i, name in enumerate(_FONTS)
    ]
    return [r"\ifdefined\Uchar\usepackage{fontspec}", *tries, r"\fi"]


def _command(i: int) -> str:
    return f"cgfont{'abcdefgh'[i]}"


def _letter() -> Iterator[str]:
    r"""`\cgletter{6F22}`: by the font of the text, else by one of those that were found, else the code in a box."""
    yield r"\providecommand\cgtry[3]{\ifdefined#2{#2\iffontchar\font\"#1 \char\"#1 \else#3\fi}\else#3\fi}".replace(
        '\\"', '"'
    )
    yield r"\providecommand\cgcode[1]{{\fboxsep=.5pt\fbox{\fontsize{3.5}{4}\selectfont\ttfamily#1}}}"
    inner = r"\cgcode{#1}"
    for i in reversed(range(len(_FONTS))):
        inner = rf"\cgtry{{#1}}{{\{_command(i)}}}{{{inner}}}"
    yield rf"\providecommand\cgletter[1]{{\ifdefined\Uchar\cgtry{{#1}}{{\relax}}{{{inner}}}\else\cgcode{{#1}}\fi}}"


_LETTER = list(_letter())
