"""Where the parts of a textbook's drawing of a network stand: units in columns, each with its weights on its left.

The lines into a unit end one below the other, each between its weight and its gradient: so no number can be taken for
that of another line.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import NamedTuple

from autograd.diagram.picture.picture import Edge, Node
from autograd.diagram.text import number, width
from autograd.diagram.theme import EDGE_SIZE, SIZE, marked

from .boxes import Layout, Point, Shape, Spot, Words

RADIUS, LINE, STUB = 30.0, 14.0, 26.0  # of a circle; from baseline to baseline; from the numbers to the circle
APART, LEFT_OUT = 18.0, 34.0  # from unit to unit; where units are left out between them
TOP = 74.0  # room for the titles
LOWEST, HIGHEST = 0.6 * RADIUS, 0.85 * RADIUS  # below and above its centre, where lines come into a circle
ASIDE = -22.0  # where the words below it have their middle: left of the lines out of it
MANY = 48  # lines, which are then thinner
MAX_LINES, MAX_INTO = 160, 12  # in the picture, and into one unit: of more, no numbers stand on them
MAX_STACKED = 6  # into one unit: of more, the gradients stand beside the weights


class Line(NamedTuple):
    """A line into a unit, with its weight. One without a source brings the unit its own bias."""

    edge: Edge
    weight: Node
    source: Unit | None = None
    label: str | None = ""  # before the number on it; None where no number stands there


@dataclass(slots=True)
class Unit:
    """A circle: an input, a neuron, or a bias that neurons share. `words` stand below it."""

    node: Node
    net: Node | None = None  # its net input, where that is not its output too
    lines: list[Line] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    index: int = 0  # its place in its layer, before anything is left out


@dataclass(slots=True)
class Column:
    """A layer: what it is, the units that are shown, how many are not, and a bias that those of the next share."""

    title: str
    units: list[Unit]
    note: str = ""
    hidden: int = 0
    bias: Unit | None = None

    def circles(self) -> list[Unit]:
        """The units from the top, the shared bias below them."""
        return self.units + ([self.bias] if self.bias is not None else [])

    def first_half(self) -> int:
        """How many units stand above those that are left out."""
        return (len(self.units) + 1) // 2


class Columns:
    """The layout of a picture of columns. `labelled` says whether the lines have their numbers on them."""

    def __init__(self, columns: list[Column]) -> None:
        self.columns = columns
        units = [unit for column in columns for unit in column.units]
        most, count = max(len(unit.lines) for unit in units), sum(len(unit.lines) for unit in units)
        self.layout = Layout(thickness=1.0 if count <= MANY else 0.5)
        self.gradients = any(line.weight.grad is not None for unit in units for line in unit.lines)
        self.labelled = most <= MAX_INTO and count <= MAX_LINES
        self.stacked = self.gradients and most <= MAX_STACKED
        self.pitch = (2.5 if self.stacked else 1.3) * LINE if self.labelled else 0.0
        self._stub = max(STUB, 0.35 * most * self.pitch)

    def lay_out(self, title: str) -> Layout:
        """Put the columns side by side, with their titles above, and the numbers on the lines between them."""
        layout, x = self.layout, RADIUS + 40
        heights = [self._height(column) for column in self.columns]
        fan = min(max(0.3 * max(heights), 90.0 if self.labelled else 170.0), 260.0)
        layout.height = TOP + max(heights)
        layout.words.append(Words(title, 0.0, 14.0, "head", "start", bold=True))
        for k, (column, high) in enumerate(zip(self.columns, heights, strict=True)):
            x += (2 * RADIUS + fan + self._room(column) + self._stub) if k else 0.0
            layout.words.append(Words(column.title, x, TOP - 34, "key"))
            layout.words.append(Words(column.note, x, TOP - 20, "key"))
            self._stand(column, x, TOP + (max(heights) - high) / 2)
        for column in self.columns:
            for unit in column.units:
                for i, line in enumerate(reversed(unit.lines)):
                    self._draw(unit, line, self._lowest(unit) - i * self.pitch, self._room(column))
        layout.width = max(x + RADIUS + 40, width(title, SIZE, bold=True))
        return layout

    def _stand(self, column: Column, x: float, y: float) -> None:
        """Put the circles of a column one below the other."""
        for i, unit in enumerate(column.circles()):
            if column.hidden and i == column.first_half():
                self.layout.words.append(Words(f"… {column.hidden} more …", x, y + LEFT_OUT / 2 - 4, "key"))
                y += LEFT_OUT
            above, below = self._extent(unit)
            self._circle(unit, x, y + above)
            y += above + below + APART

    def _height(self, column: Column) -> float:
        return sum(sum(self._extent(unit)) + APART for unit in column.circles()) + LEFT_OUT * bool(column.hidden)

    def _extent(self, unit: Unit) -> Point:
        """How far a unit, with what stands beside and below it, reaches above its centre and below it."""
        above = (len(unit.lines) - 0.5) * self.pitch - self._lowest(unit)
        return max(RADIUS, above), RADIUS + LINE * self._rows(unit) + 6

    def _lowest(self, unit: Unit) -> float:
        """How far below the centre the lowest line comes in: above what stands below the circle."""
        return min((len(unit.lines) - 1) * self.pitch / 2, LOWEST)

    def _rows(self, unit: Unit) -> int:
        """The lines of text below a circle."""
        numbers = [unit.net.value, unit.net.grad] if unit.net is not None else [unit.node.grad]
        return sum(x is not None and self.labelled for x in numbers) + len(unit.node.flags) + len(unit.words)

    def _circle(self, unit: Unit, x: float, y: float) -> None:
        """A circle with its value in it, and below it its net input and δ, unless they would drown in lines."""
        layout, node, net = self.layout, unit.node, unit.net
        low = RADIUS + LINE
        if net is not None:
            spots = []
            for key, text, known in (("net", number(net.value), net.value), ("δ", marked(net.grad)[0], net.grad)):
                written = known is not None and self.labelled
                spots.append(_spot(key, text, low, ASIDE) if written else None)
                low += LINE * written
            layout.nodes[net.id], layout.shapes[net.id] = (x, y), Shape(0.0, spots[0], spots[1])
        inside = Spot("", 0.0, 13.0) if node.value is not None else None
        grad = None
        if net is None and node.grad is not None and (self.labelled or not unit.lines):
            key = "δ" if unit.lines else "∂"
            grad, low = _spot(key, marked(node.grad)[0], low, ASIDE), low + LINE
        layout.nodes[node.id], layout.shapes[node.id] = (x, y), Shape(RADIUS, inside, grad, (ASIDE, low))
        low += LINE * len(node.flags)
        layout.words += [Words(words, x + ASIDE, y + low + LINE * i) for i, words in enumerate(unit.words)]

    def _room(self, column: Column) -> float:
        """The width of the numbers on the lines into a column."""
        if not self.labelled:
            return 0.0
        pairs = [self._widths(line) for unit in column.units for line in unit.lines if line.label is not None]
        first, second = (max((pair[i] for pair in pairs), default=0.0) for i in (0, 1))
        return 12 + (max(first, second) if self.stacked else first + second)

    def _widths(self, line: Line) -> Point:
        """The width of the weight on a line, and of its gradient."""
        weight = width(f"{line.label} {number(line.weight.value)}", EDGE_SIZE)
        return weight, width(f"∂ ▲ {number(line.weight.grad)}", EDGE_SIZE) + 12 if self.gradients else 0.0

    def _draw(self, unit: Unit, line: Line, dy: float, room: float) -> None:
        """A line: slanting from its source, level where its numbers stand, and into the circle."""
        layout, (x, y) = self.layout, self.layout.nodes[unit.node.id]
        start = layout.nodes[line.source.node.id] if line.source is not None else None
        if not self.labelled:
            if start is not None:
                layout.edges[line.edge.id] = _straight([_border(start, (x, y)), _border((x, y), start)])
            return
        level, right = y + dy, x - RADIUS - self._stub
        lowest, highest = self._lowest(unit), self._lowest(unit) - (len(unit.lines) - 1) * self.pitch
        squeezed = (max(highest, -HIGHEST) - lowest) / (highest - lowest) if highest < lowest else 1.0
        low = lowest + (dy - lowest) * squeezed
        end = x - math.sqrt(RADIUS**2 - low**2), y + low
        points = [(right - room, level), (right, level), end]
        if start is not None:
            points.insert(0, _border(start, points[0]))
        layout.edges[line.edge.id] = _straight(points)
        if line.label is None:
            return
        layout.nodes[line.weight.id] = (right - room / 2, level)
        layout.shapes[line.weight.id] = self._numbers(line, room)

    def _numbers(self, line: Line, room: float) -> Shape:
        """The numbers of a line: the weight above it, and the gradient below it or farther right."""
        weight, grad = number(line.weight.value), marked(line.weight.grad)[0]
        first, second = self._widths(line)
        beside = self.gradients and not self.stacked
        value = _spot(line.label or "", weight, -5.0, (first - room) / 2 + 4 if beside else 0.0)
        if line.weight.grad is None:
            return Shape(0.0, value)
        return Shape(0.0, value, _spot("∂", grad, -5.0, (room - second) / 2) if beside else _spot("∂", grad, 12.0))


def _spot(key: str, text: str, y: float, x: float = 0.0) -> Spot:
    """Where a word ends and its number begins, so that both together have their middle at `x`."""
    return Spot(key, x + (width(key + " ", EDGE_SIZE) - width(text, EDGE_SIZE)) / 2 if key else x, y)


def _border(centre: Point, towards: Point) -> Point:
    """The point on the circle round `centre` that is nearest to another."""
    dx, dy = towards[0] - centre[0], towards[1] - centre[1]
    share = RADIUS / (math.hypot(dx, dy) or 1.0)
    return centre[0] + dx * share, centre[1] + dy * share


def _straight(corners: list[Point]) -> list[Point]:
    """Straight lines from corner to corner as Bézier curves."""
    points = corners[:1]
    for (x0, y0), (x1, y1) in itertools.pairwise(corners):
        points += [(x0 + (x1 - x0) * share, y0 + (y1 - y0) * share) for share in (1 / 3, 2 / 3, 1.0)]
    return points
