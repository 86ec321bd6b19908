"""The diagram that textbooks draw of a network: neurons as circles in columns, weights on the lines between them.

It knows nothing of `nn`: a network comes as columns of units and the weights between them. Positions are computed here
for every format, so an engine is needed for PNG and PDF only.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from autograd.errors import DiagramError

from .formats import Format, by_extension, save
from .formats.dot import font, html_text, tooltip
from .formats.png import check_scale
from .formats.raster import rasterise
from .formats.svg import Body, document, image, style, text, unique_id
from .place.boxes import Point, Rectangle
from .place.engines import find_engine, run_pdf
from .text import LONGEST_NAME, clean, number, width, xml
from .theme import EDGE_SIZE, FONT, SIZE, Theme, flat, line_width, marked, sign_of, stroke
from .theme import check_theme as check_theme

RADIUS, MARGIN, LINE = 30.0, 26.0, 14.0
GAP_OF_HIDDEN = 30.0  # in a column, where units are left out
LEGEND_HEIGHT = 34.0
MAX_LABELS = 48  # weights; over it no numbers stand on the lines
MAX_DETAILED = 14  # units; over it no words stand below the circles
MAX_ROWS = 500
_FILL = {"input": "input", "hidden": "operation", "output": "output", "bias": "constant"}


@dataclass(slots=True)
class Unit:
    """A circle: an input, a neuron, or a bias. `lines` are pairs of a word and a number written below it."""

    name: str
    kind: str
    value: float | None = None
    lines: list[tuple[str, float | None]] = field(default_factory=list)
    flag: str = ""
    index: int = 0  # its place in its layer, before anything is left out
    x: float = 0.0
    y: float = 0.0

    @property
    def rows(self) -> int:
        """The lines of words below the circle."""
        return len(self.lines) + bool(self.flag)

    @property
    def fill(self) -> str:
        """The kind whose colours it takes."""
        return "dead" if self.flag else _FILL[self.kind]


@dataclass(slots=True)
class Weight:
    """A line from a unit of one column to a unit of the next."""

    source: Unit
    target: Unit
    name: str
    value: float
    grad: float | None

    def ends(self) -> Rectangle:
        """The line from the border of one circle to the border of the other."""
        a, b = self.source, self.target
        length = math.hypot(b.x - a.x, b.y - a.y) or 1.0
        ux, uy = (b.x - a.x) / length, (b.y - a.y) / length
        return a.x + ux * RADIUS, a.y + uy * RADIUS, b.x - ux * (RADIUS + 2), b.y - uy * (RADIUS + 2)


@dataclass(slots=True)
class Column:
    """A layer: the units that are shown, and how many are not."""

    title: str
    units: list[Unit]
    hidden: int = 0
    bias: Unit | None = None  # a bias that the units of the next column share


class Text(NamedTuple):
    """A line of small words: the middle of its baseline, and the class of its colour."""

    words: str
    x: float
    y: float
    kind: str


class _Plan:
    """Where everything stands, and which words and numbers are written there."""

    def __init__(self, columns: list[Column], weights: list[Weight]) -> None:
        self.columns, self.weights = columns, weights
        self.units = [unit for column in columns for unit in column.units]
        self.units += [column.bias for column in columns if column.bias is not None]
        self.by_gradient = any(weight.grad is not None for weight in weights)
        self.labelled = len(weights) <= MAX_LABELS
        for unit in self.units:
            unit.lines = [(clean(word, LONGEST_NAME), x) for word, x in unit.lines]
            if len(self.units) > MAX_DETAILED:  # words below the circles would drown in lines
                unit.lines, unit.flag = [], unit.flag and "dead"
        self.width, self.height = self._place()
        self.anchors = self._anchors()

    def _place(self) -> tuple[float, float]:
        """Put the units of each column one below the other, the columns side by side; the size of the picture."""
        rows = max((unit.rows for column in self.columns for unit in column.units), default=0)
        pitch = 2 * RADIUS + 22 + LINE * rows
        gap = 2 * RADIUS + 170.0
        if self.labelled:  # room for the labels of the lines into a unit
            labels = [width(words, EDGE_SIZE) for weight in self.weights for words, _ in self._label(weight)]
            pitch, gap = max(pitch, 128.0), 2 * RADIUS + 2.6 * max(labels, default=40.0) + 60
        heights = [len(c.units) * pitch + (GAP_OF_HIDDEN if c.hidden else 0) for c in self.columns]
        tall = max(heights)
        top = MARGIN + 22 + (2 * RADIUS + 40 if any(c.bias for c in self.columns) else 0)
        for k, (column, high) in enumerate(zip(self.columns, heights, strict=True)):
            x = MARGIN + 40 + RADIUS + k * gap
            for i, unit in enumerate(column.units):
                below = column.hidden and i >= _first_half(column.units)
                unit.x, unit.y = x, top + (tall - high) / 2 + RADIUS + i * pitch + (GAP_OF_HIDDEN if below else 0)
            if column.bias is not None:
                column.bias.x, column.bias.y = x + gap * 0.28, MARGIN + 22 + RADIUS
        across = 2 * MARGIN + 80 + 2 * RADIUS + (len(self.columns) - 1) * gap
        return max(across, 430.0), top + tall + LEGEND_HEIGHT + MARGIN

    def _label(self, weight: Weight) -> list[tuple[str, str]]:
        """The texts on a line, each with its class."""
        if not self.labelled:
            return []
        gradient = [_line("∂", weight.grad)]
        if weight.source.kind == "bias":  # its number stands in the circle already
            return gradient if weight.grad is not None else []
        name = f"{clean(weight.name, LONGEST_NAME)} = " if weight.name else ""
        return [(f"{name}{number(weight.value)}", "plain"), *(gradient if self.by_gradient else [])]

    def _anchors(self) -> dict[int, Point]:
        """Where the label of each weight goes, by its place in the list: along its line, off labels and circles."""
        taken: list[Rectangle] = []
        for unit in self.units:
            bottom = unit.y + RADIUS
            taken.append((unit.x - RADIUS, unit.y - RADIUS, unit.x + RADIUS, bottom))
            if unit.rows:
                taken.append((unit.x - 45, bottom, unit.x + 45, bottom + LINE * unit.rows + 4))
        lines = [weight.ends() for weight in self.weights] if self.labelled else []
        anchors = {}
        for k, weight in enumerate(self.weights):
            label = self._label(weight)
            if label:
                room = max(width(words, EDGE_SIZE) for words, _ in label) / 2 + 2, 6.5 * len(label) + 1
                anchors[k], box = _spot(lines[k], room, taken, lines[:k] + lines[k + 1 :])
                taken.append(box)
        return anchors

    def stroke(self, weight: Weight) -> tuple[str, float]:
        """The class and the width of a line: by the gradient once there is one, else by the weight."""
        measure = weight.grad if self.by_gradient else weight.value
        thin = 1.0 if self.labelled else 0.5  # many lines: let the ground show between them
        return sign_of(measure), line_width(measure) * thin

    def below(self, unit: Unit) -> Iterator[Text]:
        """The words below a circle."""
        lines = [_line(word, x) for word, x in unit.lines] + ([(unit.flag, "flag")] if unit.flag else [])
        for i, (words, kind) in enumerate(lines):
            yield Text(words, unit.x, unit.y + RADIUS + 13 + LINE * i, kind)

    def labels(self) -> Iterator[Text]:
        """The words on the lines, of each line from below, since a patch covers the underscores of the words above."""
        for k, weight in enumerate(self.weights):
            label = self._label(weight)
            for i, (words, kind) in reversed(list(enumerate(label))):
                x, y = self.anchors[k]
                yield Text(words, x, y + 4 + 12.5 * (i - (len(label) - 1) / 2), kind)

    def titles(self) -> Iterator[Text]:
        """The words above the columns, and where units of them are left out."""
        for column in self.columns:
            yield Text(column.title, column.units[0].x, MARGIN, "key")
            if column.hidden:
                last = column.units[_first_half(column.units) - 1]
                yield Text(f"… {column.hidden} more …", last.x, last.y + RADIUS + 20 + LINE * last.rows, "key")

    def legend(self) -> str:
        """What the lines mean."""
        what = "gradient" if self.by_gradient else "weight"
        signs = "blue ▲ positive, orange ▼ negative" if self.labelled else "blue positive, orange long dashes negative"
        return f"line: wider for a larger {what}, {signs}, short dashes zero"

    def description(self) -> str:
        """The picture in words, for those who do not see it."""
        shape = ", ".join(f"{column.title} with {len(column.units) + column.hidden} units" for column in self.columns)
        return f"A network: {shape}; {len(self.weights)} weights are drawn."


class NetworkDiagram:
    """A picture of a network, made by `nn.draw`. In a notebook it shows itself; `save` writes it to a file.

    `svg` is the picture as text, `png()` as bytes.
    """

    def __init__(
        self,
        columns: list[Column],
        weights: list[Weight],
        *,
        title: str,
        theme: str = "auto",
        engine: str | None = None,
    ) -> None:
        self._plan = _Plan(columns, weights)
        self._title, self._theme, self._engine = clean(title, 120), theme, engine

    def __repr__(self) -> str:
        shape = " → ".join(str(len(column.units) + column.hidden) for column in self._plan.columns)
        return f"NetworkDiagram({shape})"

    @property
    def svg(self) -> str:
        """The picture as an SVG document."""
        return self._svg(self._theme)

    def _svg(self, theme: str) -> str:
        uid = unique_id()
        body = Body(self._plan.width, self._plan.height, _svg_elements(self._plan, uid))
        return document(body, uid, self._title, self._plan.description(), style(theme, "#" + uid))

    @property
    def dot(self) -> str:
        """The picture as DOT text with every position pinned (for `neato -n2`)."""
        return _dot(self._plan, self._title, flat(self._theme))

    def png(self, scale: float = 2.0) -> bytes:
        """The picture as PNG, `scale` pixels per point (0.25 to 8)."""
        check_scale(scale)
        return rasterise(self._svg(flat(self._theme).name), scale)

    def pdf(self) -> bytes:
        """The picture as PDF. Raises DiagramError, naming the ways, when nothing is there that writes one."""
        return run_pdf(find_engine(self._engine), self.dot)

    def save(self, path: str | os.PathLike[str], **options: Any) -> Path:
        """Write the picture as `.svg`, `.png` (which takes `scale=`), `.pdf` or `.dot`, and return the path.

        Raises DiagramError for any other extension.
        """
        return save(self, path, options, NETWORK_FORMATS)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What a notebook shows, an untrusted one too."""
        rows = "".join(
            f"<tr><td>{xml(clean(w.source.name))} → {xml(clean(w.target.name))}</td><td>{xml(clean(w.name))}</td>"
            f"<td>{number(w.value)}</td><td>{number(w.grad)}</td></tr>"
            for w in self._plan.weights[:MAX_ROWS]
        )
        return {
            "text/plain": repr(self),
            "text/html": f"{image(self.svg, f'{self._title}. {self._plan.description()}')}"
            "<details><summary>The weights as a table</summary><table><thead><tr><th>from → to</th><th>name</th>"
            f"<th>weight</th><th>gradient</th></tr></thead><tbody>{rows}</tbody></table></details>",
        }


NETWORK_FORMATS = by_extension(
    Format("svg", "SVG", lambda diagram: diagram.svg.encode()),
    Format("png", "PNG", NetworkDiagram.png, ("scale",)),
    Format("pdf", "PDF", NetworkDiagram.pdf),
    Format("dot", "DOT, for Graphviz", lambda diagram: diagram.dot.encode()),
)


def _first_half(units: list[Unit]) -> int:
    """How many units of a column stand above those that are left out."""
    return (len(units) + 1) // 2


def _line(word: str, x: float | None) -> tuple[str, str]:
    """A line of words: `δ ▲ 0.1385` for a gradient, with its class, and `net 1.106` for a value."""
    if word.startswith(("δ", "∂")):
        shown, kind = marked(x)
        return f"{word} {shown}", kind
    return f"{word} {number(x)}", "plain"


def _svg_elements(plan: _Plan, uid: str) -> str:
    parts = [f'<rect class="background" width="{plan.width:.0f}" height="{plan.height:.0f}"/>\n']
    parts += [_svg_weight(weight, plan, f"{uid}-e{i}") for i, weight in enumerate(plan.weights)]
    parts += [_svg_unit(unit, plan, f"{uid}-n{i}") for i, unit in enumerate(plan.units)]
    parts += [_svg_text(words) for words in (*plan.labels(), *plan.titles())]
    parts.append(text(plan.legend(), MARGIN, plan.height - 14, "small key", EDGE_SIZE) + "\n")
    return "".join(parts)


def _svg_weight(weight: Weight, plan: _Plan, key: str) -> str:
    kind, thick = plan.stroke(weight)
    x0, y0, x1, y1 = weight.ends()
    dash = ' stroke-dasharray="5 4"' if kind == "zero" else ""
    if kind == "negative" and not plan.labelled:  # no ▼ stands on the line, so its strokes tell
        dash = ' stroke-dasharray="14 3"'
    tip = f"{weight.name or 'weight'} = {weight.value!r}"
    tip += f", gradient {weight.grad!r}" if weight.grad is not None else ""
    return (
        f'<g id="{key}" class="edge {kind}"><title>{xml(clean(tip))}</title>'
        f'<path d="M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}" stroke-width="{thick:.2f}"{dash}/></g>\n'
    )


def _svg_unit(unit: Unit, plan: _Plan, key: str) -> str:
    dash = ' stroke-dasharray="4 3"' if unit.kind == "bias" else ""
    tip = clean(f"{unit.name}: value {unit.value!r}" if unit.value is not None else unit.name)
    baseline = unit.y - (3 if unit.value is not None else -4.5)
    parts = [
        f'<g id="{key}" class="node {unit.fill}"><title>{xml(tip)}</title>',
        f'<circle class="box {unit.fill}" cx="{unit.x:.1f}" cy="{unit.y:.1f}" r="{RADIUS:g}"{dash}/>',
        text(clean(unit.name, 9), unit.x, baseline, "head", SIZE, "middle", True),
    ]
    if unit.value is not None:
        parts.append(text(number(unit.value), unit.x, unit.y + 13, "small", EDGE_SIZE, "middle"))
    return "".join([*parts, *map(_svg_text, plan.below(unit)), "</g>\n"])


def _svg_text(words: Text) -> str:
    """A small text on a patch of the background, so that the lines below it do not strike it through."""
    w = width(words.words, EDGE_SIZE)
    x, y = f"{words.x - w / 2 - 2:.1f}", f"{words.y - 10:.1f}"
    patch = f'<rect class="background" x="{x}" y="{y}" width="{w + 4:.1f}" height="13"/>'
    return patch + text(words.words, words.x, words.y, f"small {words.kind}", EDGE_SIZE, "middle") + "\n"


def _dot(plan: _Plan, title: str, theme: Theme) -> str:
    """DOT with every position pinned."""
    import graphviz

    def at(x: float, y: float) -> str:
        return f"{x:.2f},{plan.height - y:.2f}"

    graph = graphviz.Digraph(
        graph_attr={"bgcolor": theme.background, "tooltip": tooltip(title), "outputorder": "edgesfirst",
                    "pad": "0.1"},
        node_attr={"shape": "circle", "fixedsize": "true", "width": f"{2 * RADIUS / 72:.3f}", "style": "filled",
                   "fontname": FONT, "fontsize": f"{EDGE_SIZE:g}", "fontcolor": theme.ink},
        edge_attr={"arrowhead": "none"},
    )  # fmt: skip
    keys = {id(unit): f"n{i}" for i, unit in enumerate(plan.units)}
    for unit in plan.units:
        value = f"<BR/>{number(unit.value)}" if unit.value is not None else ""
        graph.node(
            keys[id(unit)], label=f"<<B>{html_text(clean(unit.name, 9))}</B>{value}>", fillcolor=theme.fill[unit.fill],
            color=theme.border[unit.fill], pos=at(unit.x, unit.y) + "!", tooltip=tooltip(clean(unit.name)),
        )  # fmt: skip
    for i, weight in enumerate(plan.weights):
        kind, thick = plan.stroke(weight)
        broken = kind == "zero" or (kind == "negative" and not plan.labelled)
        x0, y0, x1, y1 = weight.ends()
        graph.edge(
            keys[id(weight.source)], keys[id(weight.target)], id=f"e{i}", color=stroke(theme, kind),
            penwidth=f"{thick:.2f}", style="dashed" if broken else "solid",
            pos=" ".join(at(x0 + (x1 - x0) * s / 3, y0 + (y1 - y0) * s / 3) for s in range(4)),
        )  # fmt: skip
    legend = Text(plan.legend(), MARGIN + width(plan.legend(), EDGE_SIZE) / 2, plan.height - 14, "key")
    below = [words for unit in plan.units for words in plan.below(unit)]
    for i, words in enumerate([*below, *plan.labels(), *plan.titles(), legend]):
        # a text by itself is a node without a shape, which an engine draws where its position says
        place = at(words.x, words.y - 4) + "!"
        graph.node(f"t{i}", _dot_text(words, theme), shape="plain", style="", width="0", height="0", fixedsize="false",
                   pos=place)  # fmt: skip
    return str(graph.source)


def _dot_text(words: Text, theme: Theme) -> str:
    colors = {"plain": theme.ink, "key": theme.muted, "flag": theme.border["dead"]}
    color = colors.get(words.kind) or stroke(theme, words.kind)
    return (
        f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0" BGCOLOR="{theme.background}"><TR><TD>'
        f"{font(words.words, color)}</TD></TR></TABLE>>"
    )


def _spot(
    line: Rectangle, room: Point, taken: Iterable[Rectangle], others: Iterable[Rectangle]
) -> tuple[Point, Rectangle]:
    """The place on a line where a label covers least: its middle, and the rectangle of half the sizes `room` round it.

    On an empty ground that is a good third along the line.
    """
    x0, y0, x1, y1 = line
    spots = []
    for share in (0.14 + 0.03 * step for step in range(25)):
        x, y = x0 + (x1 - x0) * share, y0 + (y1 - y0) * share
        box = (x - room[0], y - room[1], x + room[0], y + room[1])
        cost = abs(share - 0.36) * 4 + sum(_overlap(box, other) for other in taken)
        spots.append((cost + sum(25.0 for other in others if _crosses(other, box)), (x, y), box))
    return min(spots, key=lambda spot: spot[0])[1:]


def _overlap(a: Rectangle, b: Rectangle) -> float:
    """The area that two rectangles share."""
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    return wide * high if wide > 0 and high > 0 else 0.0


def _crosses(line: Rectangle, box: Rectangle) -> bool:
    """Whether a line from (x0, y0) to (x1, y1) meets a rectangle."""
    x0, y0, x1, y1 = line
    if x1 == x0:
        return box[0] <= x0 <= box[2] and min(y0, y1) <= box[3] and max(y0, y1) >= box[1]
    slope = (y1 - y0) / (x1 - x0)
    left, right = max(box[0], min(x0, x1)), min(box[2], max(x0, x1))
    if left > right:
        return False
    ys = sorted((y0 + slope * (left - x0), y0 + slope * (right - x0)))
    return ys[0] <= box[3] and ys[1] >= box[1]


def both_ends(units: list[Unit], limit: int) -> tuple[list[Unit], int]:
    """The units of a wide layer that are shown, from both ends, and how many are not."""
    if len(units) <= limit:
        return units, 0
    first = (limit + 1) // 2
    return [*units[:first], *units[len(units) - (limit - first) :]], len(units) - limit


def as_floats(xs: Iterable[Any], count: int, what: str) -> list[float]:
    """Numbers or Values as floats, of a known count. Raises DiagramError for another count, or for other things."""
    try:
        floats = [float(getattr(x, "data", x)) for x in xs]
    except (TypeError, ValueError):
        raise DiagramError(f"{what} is a list of {count} numbers or Values; {xs!r:.80} was given.") from None
    if len(floats) != count:
        raise DiagramError(f"{what} has {len(floats)} numbers, and the network wants {count}.")
    return floats
