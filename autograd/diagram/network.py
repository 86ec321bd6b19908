"""The diagram that textbooks draw of a network: neurons as circles in columns, weights on the lines between them.

It knows nothing of `nn`: a network comes as columns of units and the weights between them. Positions are computed here
for every format, so an engine is needed for PNG and PDF only.
"""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograd.errors import DiagramError

from . import theme
from .formats import svg
from .place import engines as render
from .text import LONGEST_NAME, clean, dot_html, dot_quoted, number, width, xml

RADIUS, MARGIN, LINE = 30.0, 26.0, 14.0
MOST_LABELS = 48
MOST_DETAILED = 14

Point = tuple[float, float]
Rectangle = tuple[float, float, float, float]  # left, top, right, bottom
_count = itertools.count(1)


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


@dataclass(slots=True)
class Weight:
    """A line from a unit of one column to a unit of the next."""

    source: Unit
    target: Unit
    name: str
    value: float
    grad: float | None


@dataclass(slots=True)
class Column:
    """A layer: the units that are shown, and how many are not."""

    title: str
    units: list[Unit]
    hidden: int = 0
    bias: Unit | None = None  # a bias that the units of the next column share


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
        self._columns, self._weights = columns, weights
        self._title, self._theme, self._engine = clean(title, 120), theme, engine
        for unit in self._units():
            unit.lines = [(clean(word, LONGEST_NAME), x) for word, x in unit.lines]
        self._by_gradient = any(weight.grad is not None for weight in weights)
        self._labels = len(weights) <= MOST_LABELS
        self._width, self._height = self._place()
        self._places = self._anchors()

    def __repr__(self) -> str:
        shape = " → ".join(str(len(column.units) + column.hidden) for column in self._columns)
        return f"NetworkDiagram({shape})"

    def _units(self) -> list[Unit]:
        biases = [column.bias for column in self._columns if column.bias is not None]
        return [unit for column in self._columns for unit in column.units] + biases

    def _label(self, weight: Weight) -> list[tuple[str, str]]:
        """The texts on a line, each with its class."""
        if not self._labels:
            return []
        if weight.source.kind == "bias":  # its number stands in the circle already
            kind = theme.sign(weight.grad)
            return [(f"∂ {theme.MARK[kind]} {number(weight.grad)}", kind)] if weight.grad is not None else []
        named = f"{clean(weight.name, LONGEST_NAME)} = " if weight.name else ""
        found = [(f"{named}{number(weight.value)}", "plain")]
        if self._by_gradient:
            kind = theme.sign(weight.grad)
            found.append((f"∂ {theme.MARK[kind]} {number(weight.grad)}".replace("  ", " "), kind))
        return found

    def _place(self) -> tuple[float, float]:
        """Put the units of each column one below the other, the columns side by side; the size of the picture."""
        if len(self._units()) > MOST_DETAILED:  # words below the circles would drown in lines
            for unit in self._units():
                unit.lines = []
                unit.flag = unit.flag and "dead"
        units = [unit for column in self._columns for unit in column.units]
        pitch = 2 * RADIUS + 22 + LINE * max((len(unit.lines) + bool(unit.flag) for unit in units), default=0)
        if self._labels:  # room for the labels of the lines into a unit
            pitch = max(pitch, 128.0)
        widest = max((width(text, theme.EDGE_SIZE) for w in self._weights for text, _ in self._label(w)), default=40.0)
        gap = 2 * RADIUS + (2.6 * widest + 60 if self._labels else 170.0)
        tall = max(len(c.units) * pitch + (30 if c.hidden else 0) for c in self._columns)
        top = MARGIN + 22 + (2 * RADIUS + 40 if any(c.bias for c in self._columns) else 0)
        for k, column in enumerate(self._columns):
            x = MARGIN + 40 + RADIUS + k * gap
            high = len(column.units) * pitch + (30 if column.hidden else 0)
            y = top + (tall - high) / 2 + RADIUS
            split = (len(column.units) + 1) // 2
            for i, unit in enumerate(column.units):
                if column.hidden and i == split:
                    y += 30
                unit.x, unit.y = x, y
                y += pitch
            if column.bias is not None:
                column.bias.x, column.bias.y = x + gap * 0.28, MARGIN + 22 + RADIUS
        total = 2 * MARGIN + 80 + 2 * RADIUS + (len(self._columns) - 1) * gap
        legend = 34.0
        return max(total, 430.0), top + tall + legend + MARGIN

    def _line(self, weight: Weight) -> tuple[float, float, float, float]:
        a, b = weight.source, weight.target
        length = math.hypot(b.x - a.x, b.y - a.y) or 1.0
        ux, uy = (b.x - a.x) / length, (b.y - a.y) / length
        return a.x + ux * RADIUS, a.y + uy * RADIUS, b.x - ux * (RADIUS + 2), b.y - uy * (RADIUS + 2)

    def _shown(self, weight: Weight) -> tuple[str, float]:
        """The class and the width of a line: by the gradient once there is one, else by the weight."""
        measure = weight.grad if self._by_gradient else weight.value
        thin = 1.0 if self._labels else 0.5  # many lines: let the ground show between them
        return theme.sign(measure), theme.line_width(measure) * thin

    def _anchors(self) -> list[Point]:
        """Where the labels of the lines go: along its own line each, off other labels, circles and lines."""
        taken: list[Rectangle] = []
        for unit in self._units():
            rows = len(unit.lines) + bool(unit.flag)
            taken.append((unit.x - RADIUS, unit.y - RADIUS, unit.x + RADIUS, unit.y + RADIUS))
            if rows:
                top = unit.y + RADIUS
                taken.append((unit.x - 45, top, unit.x + 45, top + LINE * rows + 4))
        lines = [self._line(weight) for weight in self._weights]
        places = []
        for i, weight in enumerate(self._weights):
            texts = self._label(weight)
            half_w = max((width(text, theme.EDGE_SIZE) for text, _ in texts), default=0.0) / 2 + 2
            half_h = 6.5 * len(texts) + 1
            x0, y0, x1, y1 = lines[i]
            best: tuple[float, Point, Rectangle] | None = None
            for step in range(25):
                share = 0.14 + 0.03 * step
                x, y = x0 + (x1 - x0) * share, y0 + (y1 - y0) * share
                box = (x - half_w, y - half_h, x + half_w, y + half_h)
                cost = abs(share - 0.36) * 4 + sum(_overlap(box, other) for other in taken)
                cost += sum(25.0 for k, line in enumerate(lines) if k != i and _crosses(line, box))
                if best is None or cost < best[0]:
                    best = cost, (x, y), box
            assert best is not None
            places.append(best[1])
            if texts:
                taken.append(best[2])
        return places

    @property
    def svg(self) -> str:
        """The picture as an SVG document."""
        uid = f"cgn{next(_count)}"
        w, h = self._width, self._height
        parts = [f'<rect class="background" width="{w:.0f}" height="{h:.0f}"/>\n']
        parts += [self._svg_weight(weight, f"{uid}-e{i}") for i, weight in enumerate(self._weights)]
        parts += [self._svg_unit(unit, f"{uid}-n{i}") for i, unit in enumerate(self._units())]
        for weight, (x, y) in zip(self._weights, self._places, strict=True):
            lines = self._label(weight)
            for k, (text, kind) in enumerate(lines):
                at = y + 4 + 12.5 * (k - (len(lines) - 1) / 2)
                parts.append(_on_ground(text, x, at, kind))
        for column in self._columns:
            parts.append(
                svg.text(column.title, column.units[0].x, MARGIN, "small key", theme.EDGE_SIZE, "middle") + "\n"
            )
            if column.hidden:
                after = column.units[(len(column.units) + 1) // 2 - 1]
                at = after.y + RADIUS + 20 + LINE * (len(after.lines) + bool(after.flag))
                words = f"… {column.hidden} more …"
                parts.append(_on_ground(words, after.x, at, "key"))
        parts.append(svg.text(self._legend(), MARGIN, h - 14, "small key", theme.EDGE_SIZE) + "\n")
        rules = svg.style(self._theme, "#" + uid)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" id="{uid}" class="chalkgrad" role="img" '
            f'aria-labelledby="{uid}-title {uid}-desc" width="{w:.0f}" height="{h:.0f}" '
            f'viewBox="0 0 {w:.0f} {h:.0f}">\n'
            f'<title id="{uid}-title">{xml(self._title)}</title>\n'
            f'<desc id="{uid}-desc">{xml(self._description())}</desc>\n'
            f"<style>\n{rules}\n</style>\n{''.join(parts)}</svg>\n"
        )

    @property
    def _flat(self) -> str:
        return "light" if self._theme == "auto" else self._theme

    def _description(self) -> str:
        shape = ", ".join(f"{column.title} with {len(column.units) + column.hidden} units" for column in self._columns)
        return f"A network: {shape}; {len(self._weights)} weights are drawn."

    def _legend(self) -> str:
        what = "gradient" if self._by_gradient else "weight"
        signs = "blue ▲ positive, orange ▼ negative" if self._labels else "blue positive, orange long dashes negative"
        return f"line: wider for a larger {what}, {signs}, short dashes zero"

    def _svg_weight(self, weight: Weight, key: str) -> str:
        kind, stroke = self._shown(weight)
        x0, y0, x1, y1 = self._line(weight)
        dash = ' stroke-dasharray="5 4"' if kind == "zero" else ""
        if kind == "negative" and not self._labels:  # no ▼ stands on the line, so its strokes tell
            dash = ' stroke-dasharray="14 3"'
        tip = f"{weight.name or 'weight'} = {weight.value!r}"
        tip += f", gradient {weight.grad!r}" if weight.grad is not None else ""
        return (
            f'<g id="{key}" class="edge {kind}"><title>{xml(clean(tip))}</title>'
            f'<path d="M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}" stroke-width="{stroke:.2f}"{dash}/></g>\n'
        )

    def _svg_unit(self, unit: Unit, key: str) -> str:
        fill = "dead" if unit.flag else _FILL[unit.kind]
        dash = ' stroke-dasharray="4 3"' if unit.kind == "bias" else ""
        name = clean(unit.name, 9)
        tip = clean(f"{unit.name}: value {unit.value!r}" if unit.value is not None else unit.name)
        baseline = unit.y - (3 if unit.value is not None else -4.5)
        parts = [f'<g id="{key}" class="node {fill}"><title>{xml(tip)}</title>']
        parts.append(f'<circle class="box {fill}" cx="{unit.x:.1f}" cy="{unit.y:.1f}" r="{RADIUS:g}"{dash}/>')
        parts.append(svg.text(name, unit.x, baseline, "head", theme.SIZE, "middle", True))
        if unit.value is not None:
            parts.append(svg.text(number(unit.value), unit.x, unit.y + 13, "small", theme.EDGE_SIZE, "middle"))
        y = unit.y + RADIUS + 13
        for word, x in unit.lines:
            text, kind = _written(word, x)
            parts.append(_on_ground(text, unit.x, y, kind))
            y += LINE
        if unit.flag:
            parts.append(_on_ground(unit.flag, unit.x, y, "flag"))
        return "".join(parts) + "</g>\n"

    @property
    def dot(self) -> str:
        """The picture as DOT text with every position pinned (for `neato -n2`)."""
        import graphviz

        t = theme.THEMES[self._flat]
        graph = graphviz.Digraph(
            graph_attr={"bgcolor": t.background, "tooltip": dot_quoted(self._title, 2), "outputorder": "edgesfirst",
                        "pad": "0.1"},
            node_attr={"shape": "circle", "fixedsize": "true", "width": f"{2 * RADIUS / 72:.3f}", "style": "filled",
                       "fontname": theme.FONT, "fontsize": f"{theme.EDGE_SIZE:g}", "fontcolor": t.ink},
            edge_attr={"arrowhead": "none"},
        )  # fmt: skip
        keys = {id(unit): f"n{i}" for i, unit in enumerate(self._units())}
        for unit in self._units():
            fill = "dead" if unit.flag else _FILL[unit.kind]
            value = f"<BR/>{number(unit.value)}" if unit.value is not None else ""
            graph.node(
                keys[id(unit)], label=f"<<B>{dot_html(clean(unit.name, 9))}</B>{value}>", fillcolor=t.fill[fill],
                color=t.border[fill], pos=self._at(unit.x, unit.y), tooltip=dot_quoted(clean(unit.name), 2),
            )  # fmt: skip
            y = unit.y + RADIUS + 9
            for word, x in [*unit.lines, *([(unit.flag, None)] if unit.flag else [])]:
                text, kind = _written(word, x) if word != unit.flag else (word, "dead")
                color = t.border["dead"] if kind == "dead" else t.muted if kind == "plain" else theme.stroke(t, kind)
                self._plain(graph, text, unit.x, y, color)
                y += LINE
        for i, weight in enumerate(self._weights):
            kind, stroke = self._shown(weight)
            broken = kind == "zero" or (kind == "negative" and not self._labels)
            x0, y0, x1, y1 = self._line(weight)
            points = [(x0 + (x1 - x0) * s / 3, y0 + (y1 - y0) * s / 3) for s in range(4)]
            graph.edge(
                keys[id(weight.source)], keys[id(weight.target)], id=f"e{i}", color=theme.stroke(t, kind),
                penwidth=f"{stroke:.2f}", style="dashed" if broken else "solid",
                pos=" ".join(self._at(x, y).rstrip("!") for x, y in points),
            )  # fmt: skip
        for weight, (x, y) in zip(self._weights, self._places, strict=True):
            lines = self._label(weight)
            for k, (text, kind) in reversed(list(enumerate(lines))):  # from below: patches cover underscores
                color = t.ink if kind == "plain" else theme.stroke(t, kind)
                self._plain(graph, text, x, y + 12.8 * (k - (len(lines) - 1) / 2), color)
        for column in self._columns:
            self._plain(graph, column.title, column.units[0].x, MARGIN - 4, t.muted)
            if column.hidden:
                after = column.units[(len(column.units) + 1) // 2 - 1]
                at = after.y + RADIUS + 16 + LINE * (len(after.lines) + bool(after.flag))
                self._plain(graph, f"… {column.hidden} more …", after.x, at, t.muted)
        legend = self._legend()
        self._plain(graph, legend, MARGIN + width(legend, theme.EDGE_SIZE) / 2, self._height - 18, t.muted)
        text_: str = graph.source
        return text_

    def _at(self, x: float, y: float) -> str:
        return f"{x:.2f},{self._height - y:.2f}!"

    def _plain(self, graph: Any, text: str, x: float, y: float, color: str) -> None:
        """A text by itself: a node without a shape, which an engine draws where it is told."""
        ground = theme.THEMES[self._flat].background
        label = (
            f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0" BGCOLOR="{ground}"><TR><TD>'
            f'<FONT COLOR="{color}">{dot_html(text) or " "}</FONT></TD></TR></TABLE>>'
        )
        key = f"t{len(graph.body)}"
        graph.node(
            key, label=label, shape="plain", style="", width="0", height="0", fixedsize="false", pos=self._at(x, y)
        )

    def png(self, scale: float = 2.0) -> bytes:
        """The picture as PNG, `scale` pixels a point (0.25 to 8). Raises DiagramError when no engine is there."""
        if not 0.25 <= scale <= 8:
            raise DiagramError(f"scale= is from 0.25 to 8 pixels a point; {scale!r} was given.")
        engine = render.png_engine(self._engine)
        return render.run(engine, self.dot.replace("{", f'{{ graph [dpi="{72 * scale:.0f}"]\n', 1), "png", pinned=True)

    def save(self, path: str | os.PathLike[str], **options: Any) -> Path:
        """Write the picture as `.svg`, `.png` (which takes `scale=`), `.pdf` or `.dot`, and return the path.

        Raises DiagramError for any other extension.
        """
        target = Path(path)
        form = target.suffix.lower()
        if form not in (".svg", ".png", ".pdf", ".dot"):
            raise DiagramError(f"The extension of {str(target)!r} names no format. Use one of .svg .png .pdf .dot.")
        if options and (form != ".png" or set(options) - {"scale"}):
            raise DiagramError(f"{form} takes no option {', '.join(options)}.")
        if form == ".png":
            target.write_bytes(self.png(**options))
        elif form == ".pdf":
            target.write_bytes(render.run_pdf(render.find_engine(self._engine), self.dot))
        else:
            target.write_text(self.svg if form == ".svg" else self.dot, encoding="utf-8")
        return target

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What a notebook shows, an untrusted one too."""
        alt = xml(f"{self._title}. {self._description()}")
        rows = "".join(
            f"<tr><td>{xml(clean(w.source.name))} → {xml(clean(w.target.name))}</td><td>{xml(clean(w.name))}</td>"
            f"<td>{number(w.value)}</td><td>{number(w.grad)}</td></tr>"
            for w in self._weights[:500]
        )
        return {
            "text/plain": repr(self),
            "text/html": f'<img alt="{alt}" style="max-width: 100%" src="{svg.data_uri(self.svg)}">'
            "<details><summary>The weights as a table</summary><table><thead><tr><th>from → to</th><th>name</th>"
            f"<th>weight</th><th>gradient</th></tr></thead><tbody>{rows}</tbody></table></details>",
        }


_FILL = {"input": "input", "hidden": "operation", "output": "output", "bias": "constant"}


def _written(word: str, x: float | None) -> tuple[str, str]:
    """A line below a unit: `δ ▲ 0.1385` for a gradient, with its class, and `net 1.106` for a value."""
    if word.startswith(("δ", "∂")):
        kind = theme.sign(x)
        return f"{word} {theme.MARK[kind]} {number(x)}".replace("  ", " "), kind
    return f"{word} {number(x)}", "plain"


def _on_ground(text: str, x: float, y: float, kind: str) -> str:
    """A small text on a patch of the background, so that the lines below it do not strike it through."""
    w = width(text, theme.EDGE_SIZE)
    patch = f'<rect class="background" x="{x - w / 2 - 2:.1f}" y="{y - 10:.1f}" width="{w + 4:.1f}" height="13"/>'
    return patch + svg.text(text, x, y, f"small {kind}", theme.EDGE_SIZE, "middle") + "\n"


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


def choose(units: list[Unit], most: int) -> tuple[list[Unit], int]:
    """The units of a wide layer that are shown, from both ends, and how many are not."""
    if len(units) <= most:
        return units, 0
    first = (most + 1) // 2
    return [*units[:first], *units[len(units) - (most - first) :]], len(units) - most


def check_theme(name: str) -> None:
    """Raise DiagramError for a theme that is none."""
    if name not in (*theme.THEMES, "auto"):
        raise DiagramError(f'theme= is "light", "dark" or "auto"; {name!r} was given.')


def numbers(xs: Iterable[Any], wanted: int, what: str) -> list[float]:
    """Numbers or Values as floats, of a known count. Raises DiagramError for another count, or for other things."""
    try:
        found = [float(getattr(x, "data", x)) for x in xs]
    except (TypeError, ValueError):
        raise DiagramError(f"{what} is a list of {wanted} numbers or Values; {xs!r:.80} was given.") from None
    if len(found) != wanted:
        raise DiagramError(f"{what} has {len(found)} numbers, and the network wants {wanted}.")
    return found
