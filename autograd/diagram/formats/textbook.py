"""A picture that brings a layout with circles, as TikZ and as DOT: what stands where is that of its SVG."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from autograd.diagram.latex import Symbols
from autograd.diagram.picture.picture import Edge
from autograd.diagram.place.boxes import Point, Words
from autograd.diagram.place.drawing import Drawing
from autograd.diagram.text import width
from autograd.diagram.theme import EDGE_SIZE, FONT, LIGHT, SIZE, Theme, stroke
from autograd.errors import DiagramError

from .dot import font, tooltip
from .look import fill_and_border, legend_entries, strength, words_of
from .tex import NamesInTex, document, in_points

SCALE = 0.75  # of a point of the layout in LaTeX: its letters of 11 points are 8 then
ROW, SWATCH = 18.0, 6.0  # of the legend


class Circle(NamedTuple):
    """A circle, with the kinds whose fill and border it takes."""

    x: float
    y: float
    radius: float
    fill: str
    border: str
    dashed: bool = False
    tooltip: str = ""


def either(usual: Callable[..., bytes], own: Callable[..., bytes]) -> Callable[..., bytes]:
    """A format that writes a drawing one way, and another way where it brings a layout of its own."""
    return lambda drawing, **options: (usual if drawing.own_layout is None else own)(drawing, **options)


def tikz(
    drawing: Drawing,
    width: float | str | None = None,
    standalone: bool = True,
    latex: Mapping[str, str] | None = None,
) -> bytes:
    """A LaTeX document with one TikZ picture, its letters 8 and 9 points high. `Diagram.save` says the options.

    Raises DiagramError where the picture is wider than `width`: its circles stand where they stand.
    """
    wide, symbols = drawing.layout.width * SCALE, Symbols(latex)
    symbols.check({node.name for node in drawing.picture.nodes})
    names = NamesInTex(drawing.picture, symbols)
    if width is not None and wide > in_points(width):
        raise DiagramError(
            f"With letters of 8 pt this picture is {wide:.0f} pt wide, and {in_points(width):g} pt were to hold it. "
            "Give a larger width=, or draw a smaller network."
        )
    theme, lines = drawing.colours, []
    colors: dict[str, str] = {}

    def color(value: str) -> str:
        return colors.setdefault(value, f"cg{value[1:]}")

    right, bottom = drawing.layout.width, max([drawing.layout.height, *(words.y for _, words in _legend(drawing))])
    for _, sign, thick, points in _lines(drawing):
        look = {"negative": "-{Latex[open]}", "zero": "-{Latex}, dashed"}.get(sign, "-{Latex}")
        path = " -- ".join(f"({x:.1f},{y:.1f})" for x, y in points[::3])
        lines.append(rf"\draw[{look}, {color(stroke(theme, sign))}, line width={thick * SCALE:.2f}pt] {path};")
    for circle in _circles(drawing).values():
        look = f"draw={color(theme.border[circle.border])}, fill={color(theme.fill[circle.fill])}"
        look += ", dashed" if circle.dashed else ", double" if circle.border == "broken" else ""
        place = f"({circle.x:.1f},{circle.y:.1f}) circle[radius={circle.radius * SCALE:.2f}pt]"
        lines.append(rf"\draw[{look}] {place};")
    for words in _words(drawing):
        side = {"start": "base west", "end": "base east", "middle": "base"}[words.anchor]
        size = r"\fontsize{9}{10.8}\selectfont\bfseries" if words.bold else r"\fontsize{8}{9.6}\selectfont"
        look = rf"anchor={side}, text={color(_ink(words, theme))}, font={size}\sffamily"
        lines.append(rf"\node[{look}] at ({words.x:.1f},{words.y:.1f}) {{{names.tex(words.text)}}};")
    if theme.name == "dark":
        lines.insert(0, rf"\fill[{color(theme.background)}] (-10,-10) rectangle ({right + 10:.1f},{bottom + 10:.1f});")
    style = f"x={SCALE}pt, y=-{SCALE}pt, line join=round, inner sep=0pt"
    return document(lines, style, colors, [f"{wide:.0f} pt wide, letters of 8 and 9 pt."], standalone)


def dot(drawing: Drawing) -> bytes:
    """DOT with the position of everything, for `neato -n2`."""
    import graphviz

    theme, layout = drawing.colours, drawing.layout
    graph = graphviz.Digraph(
        graph_attr={"bgcolor": theme.background, "tooltip": tooltip(drawing.picture.title), "pad": "0.2",
                    "outputorder": "edgesfirst"},
        node_attr={"label": "", "fixedsize": "true", "fontname": FONT, "fontsize": f"{EDGE_SIZE:g}"},
    )  # fmt: skip

    def at(x: float, y: float) -> str:
        return f"{x:.2f},{layout.height - y:.2f}"

    circles = _circles(drawing)
    for key, place in layout.nodes.items():
        if key not in circles:  # numbers alone: the end of a line
            graph.node(key, pos=at(*place) + "!", shape="point", style="invis", width="0.01", id=key)
    for key, circle in circles.items():
        graph.node(
            key, pos=at(circle.x, circle.y) + "!", shape="circle", width=f"{circle.radius / 36:.3f}", id=key,
            color=theme.border[circle.border], fillcolor=theme.fill[circle.fill], tooltip=tooltip(circle.tooltip),
            style="filled,dashed" if circle.dashed else "filled", peripheries="2" if circle.border == "broken" else "1",
        )  # fmt: skip
    for edge, sign, thick, points in _lines(drawing):
        head = _head(points[-4], points[-1], thick)
        curve = " ".join(at(*point) for point in [*points[:-1], head])
        graph.edge(
            edge.source if edge.source in layout.nodes else edge.target, edge.target, id=edge.id,
            color=stroke(theme, sign), penwidth=f"{thick:.2f}", tooltip=tooltip(edge.tooltip),
            style="dashed" if sign == "zero" else "solid", arrowhead="empty" if sign == "negative" else "normal",
            arrowsize=f"{_head_size(thick):.2f}", pos=f"e,{at(*points[-1])} {curve}",
        )  # fmt: skip
    for i, words in enumerate(_words(drawing)):
        size = SIZE if words.bold else EDGE_SIZE
        shift = {"start": 0.5, "end": -0.5, "middle": 0.0}[words.anchor] * width(words.text, size, words.bold) / 1.08
        label = f"<{font(words.text, _ink(words, theme), words.bold, size)}>"
        middle = at(words.x + shift, words.y - 0.35 * size) + "!"
        graph.node(f"t{i}", label=label, shape="plain", fixedsize="false", width="0", height="0", pos=middle)
    return str(graph.source).encode()


def _lines(drawing: Drawing) -> Iterator[tuple[Edge, str, float, list[Point]]]:
    """The edges that are drawn, each with the class of its colour, its width, and the points of its curve."""
    layout = drawing.layout
    for edge in drawing.picture.edges:
        if edge.id in layout.edges:
            yield edge, *strength(edge, layout), layout.edges[edge.id]


def _circles(drawing: Drawing) -> dict[str, Circle]:
    """The circles by id, those of the legend too."""
    layout = drawing.layout
    circles: dict[str, Circle] = {}
    for node in drawing.picture.nodes:
        shape = layout.shapes.get(node.id)
        if shape is not None and shape.radius:
            (x, y), dashed = layout.nodes[node.id], node.kind == "parameter"
            circles[node.id] = Circle(x, y, shape.radius, *fill_and_border(node), dashed, node.tooltip)
    for i, (kind, words) in enumerate(_legend(drawing)):
        if kind in LIGHT.fill:
            x, y = words.x - 2 * SWATCH - 4, words.y - SWATCH + 2
            circles[f"legend{i}"] = Circle(x, y, SWATCH, kind, kind, kind == "parameter")
    return circles


def _words(drawing: Drawing) -> Iterator[Words]:
    """Every line of text: the titles, what stands in circles and at lines, the legend."""
    layout = drawing.layout
    yield from layout.words
    for node in drawing.picture.nodes:
        if node.id in layout.shapes:
            yield from words_of(node, layout.shapes[node.id], layout.nodes[node.id])
    for _, words in _legend(drawing):
        yield words


def _legend(drawing: Drawing) -> list[tuple[str, Words]]:
    """The entries of the legend and the notes, in rows below the picture, each with its class."""
    picture, layout = drawing.picture, drawing.layout
    x, y, entries = 0.0, layout.height + 2 * ROW, []
    for kind, text in legend_entries(picture, layout) + [("key", note) for note in picture.notes]:
        room = 3 * SWATCH + 4 if kind in LIGHT.fill else 0.0
        long = width(text, EDGE_SIZE)
        if x and x + room + long > layout.width:
            x, y = 0.0, y + ROW
        entries.append(
            (kind, Words(text, x + room, y, "key" if kind in LIGHT.fill or kind == "width" else kind, "start"))
        )
        x += room + long + 18
    return entries


def _ink(words: Words, theme: Theme) -> str:
    """The colour of a line of text."""
    own = {"key": theme.muted, "head": theme.ink, "flag": theme.border["dead"], "late flag": theme.border["dead"]}
    return own.get(words.kind) or stroke(theme, words.kind)


def _head(start: Point, end: Point, thick: float) -> Point:
    """Where a line ends so that its head reaches to `end`: a head's length before it."""
    length = max(math.dist(start, end), 1e-9)
    share = min(10.0 * _head_size(thick), length / 2) / length
    return end[0] + (start[0] - end[0]) * share, end[1] + (start[1] - end[1]) * share


def _head_size(thick: float) -> float:
    """Large enough that an open head stays open under a thick line."""
    return 0.5 + 0.3 * thick
