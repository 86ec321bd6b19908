"""The picture as one TikZ picture for a paper: letters of 8 to 10 points, as wide as a column or a page allows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from autograd.diagram.latex import Symbols
from autograd.diagram.picture.picture import Cluster, Edge, Node, Picture
from autograd.diagram.place.boxes import Layout, Point, Rectangle
from autograd.diagram.place.drawing import Drawing, arrange, parts
from autograd.diagram.place.squeeze import squeezed
from autograd.diagram.text import clean, number
from autograd.diagram.text import width as text_width
from autograd.diagram.theme import HEADER_HEIGHT, PAD, ROW_HEIGHT, SIZE, line_width, stroke
from autograd.errors import DiagramError

from .apart import apart
from .look import fill_and_border, label_of, legend_entries
from .tex import NamesInTex, document, in_points, tex

SIZES = (10.0, 9.0, 8.0)  # points of the letters, the largest that fits
PAGE_WIDTH, PAGE_HEIGHT = 468.0, 650.0  # points: the text of a letter page with margins of an inch


def write(
    drawing: Drawing,
    width: float | str | None = None,
    standalone: bool = True,
    latex: Mapping[str, str] | None = None,
) -> bytes:
    r"""A document, or what `\input` takes, for LuaLaTeX, XeLaTeX and pdfLaTeX. `Diagram.save` says the options."""
    picture, symbols = drawing.picture, Symbols(latex)
    symbols.check({name for node in picture.nodes for name in (node.name, node.full_name)})
    names, drawing = NamesInTex(picture, symbols), apart(drawing, flat=True)
    fit = _fitted(drawing, names, None if width is None else in_points(width))
    return _Document(drawing, fit, names).text(standalone)


# ------------------------------------------------------------------------------------------- the size


@dataclass(slots=True)
class _Fit:
    """A picture as it is set: with its labels, its layout, the size of its letters, and what does not fit."""

    picture: Picture
    layout: Layout
    size: float
    limit: float  # of the width, in points
    too_large: str = ""

    @property
    def scale(self) -> float:
        """Points for a unit of the layout, whose letters have 13."""
        return self.size / SIZE

    @property
    def room(self) -> float:
        """The width of title and legend, in units of the layout: a narrow picture leaves more to them."""
        return max(self.layout.width, min(self.limit / self.scale, 420.0))


def _fitted(drawing: Drawing, names: NamesInTex, limit: float | None) -> _Fit:
    """The largest letters with which the picture is no wider than the limit, or than a page.

    Where the direction is not asked for, both are tried; where words on the edges take too much room, numbers alone.
    Raises DiagramError where nothing fits into a limit that was asked for.
    """
    wanted, asked = limit or PAGE_WIDTH, drawing.picture.asked_direction
    directions = [asked] if asked else [drawing.picture.direction, "LR" if drawing.picture.direction == "TB" else "TB"]
    tried: list[_Fit] = []
    for short in (False, True):
        for direction in directions:
            picture = _for_paper(drawing.picture, names, direction, short)
            layout = arrange(picture, drawing.asked_engine, drawing.time_limit, SIZE)
            for size in SIZES if limit else SIZES[1:]:
                fit = _Fit(picture, layout, size, wanted)
                if layout.width * fit.scale <= wanted and layout.height * fit.scale <= PAGE_HEIGHT:
                    return fit
            tried.append(fit)
            closer = squeezed(layout, *parts(picture, SIZE), wanted / fit.scale) if limit else None
            if closer is not None and layout.height * fit.scale <= PAGE_HEIGHT:
                return replace(fit, layout=closer)
    sizes = " or ".join(
        f"{fit.layout.width * fit.scale:.0f} by {fit.layout.height * fit.scale:.0f} pt "
        + ("from left to right" if fit.picture.direction == "LR" else "from top to bottom")
        for fit in tried[-len(directions) :]
    )
    words = (
        f"With letters of 8 pt, the smallest that are well read, this picture is {sizes} (width by height), and "
        f"{wanted:g} by {PAGE_HEIGHT:g} pt were to hold it. Draw a part of it (focus=, depth=, path=), fold neurons "
        "into boxes (model=, collapse=True), hide_constants=True, or give shorter names"
    )
    words += f"; or leave out direction={asked!r}" if asked else ""
    if limit is not None:
        raise DiagramError(f"{words}; or a larger width=, or none. The text of a page is about 468 pt wide.")
    smallest = min(tried, key=lambda fit: max(fit.layout.width / wanted, fit.layout.height / PAGE_HEIGHT))
    return replace(smallest, too_large=words + ".")


def _for_paper(picture: Picture, seen: NamesInTex, direction: str, short: bool) -> Picture:
    """The picture with names as wide as they are in LaTeX, and on its edges all words, or in `short` the numbers."""
    nodes = []
    for node in picture.nodes:
        shown = replace(node, name=seen.measured(node.name), expression=seen.measured(node.expression))
        shown.width = _box_width(shown)
        nodes.append(shown)
    edges = []
    for edge in picture.edges:
        label = number(edge.partial) if short and edge.label and edge.partial is not None else edge.label
        edges.append(replace(edge, label=seen.measured(label)))
    return replace(picture, nodes=nodes, edges=edges, direction=direction)


def _box_width(node: Node) -> float:
    """The width of a box, no wider than its text: nothing moves here, so that no room is kept for other numbers."""
    rows = [text_width(label, SIZE) + text_width(text, SIZE) + (PAD if label else 0.0) for label, text, _ in node.rows]
    signs = sum(node.header.count(sign) for sign in "×÷+−=")  # they are wider in LaTeX
    return max([text_width(node.header, SIZE) + 0.16 * SIZE * signs, *rows]) + 1.5 * PAD


# ------------------------------------------------------------------------------------------- the text


class _Document:
    """Writes the parts of a drawing, and remembers the colours that they use."""

    def __init__(self, drawing: Drawing, fit: _Fit, names: NamesInTex) -> None:
        self.picture, self.theme, self.fit = drawing.picture, drawing.colours, fit
        self.names = names
        self.colors: dict[str, str] = {}

    def color(self, value: str) -> str:
        """The name that a colour is defined by."""
        return self.colors.setdefault(value, f"cg{value[1:]}")

    def point(self, x: float, y: float) -> str:
        """A point of the layout."""
        return f"({x * self.fit.scale:.1f}pt,{-y * self.fit.scale:.1f}pt)"

    def at(self, point: Point) -> str:
        """The same of a pair."""
        return self.point(*point)

    def text(self, standalone: bool) -> bytes:
        """The whole file."""
        body, size = [*self._parts()], self.fit.size
        font = rf"\fontsize{{{size:g}}}{{{size * 1.2:g}}}\selectfont\sffamily"
        style = rf"every node/.style={{inner sep=0pt, outer sep=0pt, anchor=base, font={font}}}"
        notes = [f"{self.fit.layout.width * self.fit.scale:.0f} pt wide, letters of {size:g} pt."]
        return document(body, style, self.colors, notes + [self.fit.too_large] * bool(self.fit.too_large), standalone)

    def _parts(self) -> Iterator[str]:
        layout, ground = self.fit.layout, self.theme.background
        legend, below = self._legend()
        above = self._title_height()
        if self.theme.name == "dark":
            width = self.fit.room if below or above else layout.width
            left, right = (layout.width - width) / 2 - 10, (layout.width + width) / 2 + 10
            corners = f"{self.point(left, -above - 10)} rectangle {self.point(right, layout.height + below + 10)}"
            yield rf"\fill[{self.color(ground)}] {corners};"
        if above:
            wide = f"text width={self.fit.room * self.fit.scale:.1f}pt, align=center, anchor=south"
            wide += f", text={self.color(self.theme.ink)}"
            title = rf"{{\bfseries {tex(self.picture.title)}}}"
            yield rf"\node[{wide}] at {self.point(layout.width / 2, -10)} {{{title}}};"
        for cluster in self.picture.clusters:
            if cluster.id in layout.clusters:
                yield from self._cluster(cluster, layout.clusters[cluster.id])
        for edge, shown in zip(self.picture.edges, self.fit.picture.edges, strict=True):
            yield from self._edge(edge, short=bool(edge.label) and "=" not in shown.label)
        for node in self.fit.picture.nodes:
            yield from self._box(node)
        for node, shown_node in zip(self.picture.nodes, self.fit.picture.nodes, strict=True):
            yield from self._rows(node, shown_node)
        yield from legend

    def _title_height(self) -> float:
        if not self.picture.titled:
            return 0.0
        lines = math.ceil(text_width(self.picture.title, SIZE, bold=True) / self.fit.room)
        return 10 + lines * SIZE * 1.2

    def _cluster(self, cluster: Cluster, corners: Rectangle) -> list[str]:
        ink, fill = self.color(self.theme.muted), self.color(self.theme.cluster)
        x0, y0, x1, y1 = corners
        rectangle = f"{self.point(x0, y0)} rectangle {self.point(x1, y1)}"
        return [
            rf"\draw[rounded corners=3pt, draw={ink}, fill={fill}] {rectangle};",
            rf"\node[anchor=base west, text={ink}] at {self.point(x0 + 8, y0 + 15)} {{{tex(cluster.label)}}};",
        ]

    def _edge(self, edge: Edge, short: bool) -> list[str]:
        ink = self.color(stroke(self.theme, edge.sign))
        dash = {"zero": ", dashed", "constant": ", dotted"}.get(edge.sign, "")
        head = "Latex[open]" if edge.sign == "negative" else "Latex"  # the sign is not told by colour alone
        start, *points = map(self.at, self.fit.layout.edges[edge.id])
        curve = start + "".join(
            f" .. controls {one} and {two} .. {end}" for one, two, end in zip(points[::3], points[1::3], points[2::3])
        )
        thick = line_width(edge.flow) * self.fit.scale
        lines = [rf"\draw[-{{{head}}}, {ink}, line width={thick:.2f}pt{dash}] {curve};"]
        words = label_of(replace(edge, label=number(edge.partial)) if short else edge)
        if words and edge.id in self.fit.layout.labels:
            at = self.at(self.fit.layout.labels[edge.id])
            lines.append(rf"\node[anchor=center, text={ink}] at {at} {{{self.names.tex(words)}}};")
        return lines

    def _corners(self, node: Node) -> tuple[float, float, float, float]:
        x, y = self.fit.layout.nodes[node.id]
        return x - node.width / 2, y - node.height / 2, x + node.width / 2, y + node.height / 2

    def _box(self, node: Node) -> list[str]:
        fill, border = fill_and_border(node)
        x0, y0, x1, y1 = self._corners(node)
        dash = ", dashed" if node.kind == "constant" else ", double" if border == "broken" else ""
        ink = self.color(self.theme.border[border])
        corner = (
            node.height / 2 * self.fit.scale if node.kind == "op" else 2.5
        )  # an operation that stands apart is round
        style = f"rounded corners={corner:.1f}pt, draw={ink}, fill={self.color(self.theme.fill[fill])}{dash}"
        return [rf"\draw[{style}] {self.point(x0, y0)} rectangle {self.point(x1, y1)};"]

    def _rows(self, node: Node, box: Node) -> Iterator[str]:
        theme = self.theme
        x0, y0, x1, y1 = self._corners(box)
        baseline = y0 + 16 if node.rows else (y0 + y1) / 2 + 4.5
        middle = self.point((x0 + x1) / 2, baseline)
        yield rf"\node[text={self.color(theme.ink)}] at {middle} {{{self.names.tex(node.header)}}};"
        if node.rows:
            line = f"{self.point(x0, y0 + HEADER_HEIGHT)} -- {self.point(x1, y0 + HEADER_HEIGHT)}"
            yield rf"\draw[draw={self.color(theme.muted)}, draw opacity=.35] {line};"
        for i, (label, text, kind) in enumerate(node.rows, 1):
            baseline = y0 + HEADER_HEIGHT + ROW_HEIGHT * i - 2
            left, right = self.point(x0 + 0.75 * PAD, baseline), self.point(x1 - 0.75 * PAD, baseline)
            ink = self.color(theme.border["dead"] if kind == "flag" else stroke(theme, kind))
            if label:
                yield rf"\node[anchor=base west, text={self.color(theme.muted)}] at {left} {{{tex(label)}}};"
            where = f"anchor=base {'east' if label else 'west'}, text={ink}"
            yield rf"\node[{where}] at {right if label else left} {{{tex(text)}}};"

    def _legend(self) -> tuple[list[str], float]:
        """The legend below the picture in rows no wider than the limit, and its height."""
        if not self.picture.legend:
            return [], 0.0
        lines, x, theme = [], 0.0, self.theme
        room = self.fit.room
        left, y = (self.fit.layout.width - room) / 2, self.fit.layout.height + 14
        for kind, words in legend_entries(self.picture) + [("note", clean(note, 120)) for note in self.picture.notes]:
            boxed = kind in theme.fill
            wide = text_width(words, SIZE) + (16 if boxed else 4)
            if x and x + wide > room:
                x, y = 0.0, y + 26
            start = left + x
            if boxed:
                style = f"draw={self.color(theme.border[kind])}, fill={self.color(theme.fill[kind])}"
                style += ", dashed" if kind == "constant" else ""
                corners = f"{self.point(start, y)} rectangle {self.point(start + wide, y + 20)}"
                lines.append(rf"\draw[rounded corners=2pt, {style}] {corners};")
            ink = self.color(theme.ink if boxed else _legend_ink(self, kind))
            at = self.point(start + (8 if boxed else 2), y + 14.5)
            lines.append(rf"\node[anchor=base west, text={ink}] at {at} {{{tex(words)}}};")
            x += wide + 12
        return lines, y + 20 - self.fit.layout.height if lines else 0.0


def _legend_ink(document: _Document, kind: str) -> str:
    signs = ("positive", "negative", "zero", "broken", "unset")
    return stroke(document.theme, kind) if kind in signs else document.theme.muted
