"""The value and the slope of an operation as SVG: a solid line and a dashed one, in the colours of the page."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape
from typing import NamedTuple

from autograd import Operation

Function = Callable[[float], float]
WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 400.0, 240.0, 34.0, 22.0, 26.0
STEPS = 320
TALLEST = 4.0  # of the values shown
_BEYOND = 1e6  # points; a pole is drawn out of the frame


class Slice(NamedTuple):
    """One operand that varies, and the numbers of the others."""

    varies: int
    operands: tuple[float, ...]

    def said(self, op: Operation) -> str:
        """The numbers of the others, in words; empty for a function of one number."""
        return ", ".join(f"{op.operands[i]} = {x:g}" for i, x in enumerate(self.operands) if i != self.varies)


def slice_of(op: Operation) -> Slice | None:
    """The slice that is drawn: the first operand that can vary; None for an operation that has none."""
    if op.arity is None or op.name == "where":
        return None
    varies = next(i for i, (low, high) in enumerate(op.domain) if low < high)
    defaults = dict(zip(reversed(range(op.arity)), reversed(op.defaults), strict=False))
    numbers = []
    for i, (low, high) in enumerate(op.domain):
        number = defaults.get(i, 2.0 if low < 2.0 < high else low)
        numbers.append(number if math.isfinite(number) else math.copysign(1.0, number))
    return Slice(varies, tuple(numbers))


def svg(op: Operation) -> str:
    """The picture. Raises ValueError for an operation that has no slice."""
    chosen = slice_of(op)
    if chosen is None:
        raise ValueError(f"{op.name} takes any number of operands, so there is no curve of it")

    def at(x: float) -> tuple[float, ...]:
        return (*chosen.operands[: chosen.varies], x, *chosen.operands[chosen.varies + 1 :])

    def value(x: float) -> float:
        return float(op.evaluate(*at(x)))

    def slope(x: float) -> float:
        result = value(x)  # where that is no number, the rule may give one all the same
        return math.nan if math.isnan(result) else float(op.partial(chosen.varies, result, *at(x)))

    low, high = op.domain[chosen.varies]
    ends = _ends(low, high)
    variable = op.operands[chosen.varies]
    title = f"{op.name} and its slope by {variable}, from {variable} = {ends[0]:g} to {ends[1]:g}"
    return _figure(title, ends, {"value": value, "slope": slope}, variable)


def _ends(low: float, high: float) -> tuple[float, float]:
    """Where the picture begins and ends: the domain, as far as four from zero or from its end."""
    if math.isfinite(low) and math.isfinite(high):
        room = 0.15 * (high - low)
        return low - room, high + room
    if math.isfinite(low):
        return low - 0.25, low + 4.75
    return -4.0, 4.0


def _figure(title: str, ends: tuple[float, float], curves: dict[str, Function], variable: str) -> str:
    xs = [ends[0] + (ends[1] - ends[0]) * (i + 0.5) / STEPS for i in range(STEPS)]
    pieces = {kind: pieces_of(function, xs) for kind, function in curves.items()}
    low, high = _heights([y for some in pieces.values() for piece in some for _, y in piece])
    across = (WIDTH - LEFT - 6.0) / (ends[1] - ends[0])
    up = (HEIGHT - BOTTOM - TOP) / (high - low)

    def place(x: float, y: float) -> tuple[float, float]:
        height = (high - y) * up
        return (x - ends[0]) * across, max(-_BEYOND, min(_BEYOND, height))

    lines = []
    for kind in ("value", "slope"):  # where they are the same, the value shows between the dashes
        for piece in pieces[kind]:
            points = " ".join(f"{px:.1f},{py:.1f}" for px, py in (place(x, y) for x, y in piece))
            lines.append(f'<polyline class="{kind}" points="{points}"/>')
    inside = f'<svg x="{LEFT:g}" y="{TOP:g}" width="{WIDTH - LEFT - 6:g}" height="{HEIGHT - BOTTOM - TOP:g}">'
    return (
        f'<svg class="curve" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" aria-label="{escape(title)}">'
        f"{_axes(ends, (low, high), place)}{inside}{''.join(lines)}</svg>{_legend(variable)}</svg>"
    )


def _heights(ys: Sequence[float]) -> tuple[float, float]:
    """The lowest and the highest value that is shown: all of them where they are small, and zero."""
    low = max(min([*ys, 0.0]), -TALLEST)
    high = min(max([*ys, 0.0]), TALLEST)
    if high - low < 0.75:
        high += 0.5
        low -= 0.5
    room = 0.06 * (high - low)
    return low - room, high + room


def _axes(x: tuple[float, float], y: tuple[float, float], place: Callable[[float, float], tuple[float, float]]) -> str:
    parts = []
    for tick in _ticks(*x):
        px = LEFT + place(tick, 0.0)[0]
        kind = "axis" if tick == 0 else "grid"
        parts.append(f'<line class="{kind}" x1="{px:.1f}" x2="{px:.1f}" y1="{TOP:g}" y2="{HEIGHT - BOTTOM:g}"/>')
        parts.append(f'<text x="{px:.1f}" y="{HEIGHT - 6:g}" text-anchor="middle">{_number(tick)}</text>')
    for tick in _ticks(*y):
        py = TOP + place(x[0], tick)[1]
        kind = "axis" if tick == 0 else "grid"
        parts.append(f'<line class="{kind}" x1="{LEFT:g}" x2="{WIDTH - 6:g}" y1="{py:.1f}" y2="{py:.1f}"/>')
        parts.append(f'<text x="{LEFT - 5:g}" y="{py + 4:.1f}" text-anchor="end">{_number(tick)}</text>')
    return "".join(parts)


def _ticks(low: float, high: float) -> list[float]:
    step = next(step for step in (0.5, 1.0, 2.0, 5.0, 1e9) if (high - low) / step <= 6.5)
    return [i * step for i in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _number(x: float) -> str:
    return f"{x:g}".replace("-", "−")


def _legend(variable: str) -> str:
    return (
        f'<line class="value" x1="{LEFT:g}" x2="{LEFT + 28:g}" y1="11" y2="11"/>'
        f'<text x="{LEFT + 34:g}" y="15">value</text>'
        f'<line class="slope" x1="{LEFT + 84:g}" x2="{LEFT + 116:g}" y1="11" y2="11"/>'
        f'<text x="{LEFT + 122:g}" y="15">slope by {escape(variable)}</text>'
    )


def pieces_of(function: Function, xs: Sequence[float]) -> list[list[tuple[float, float]]]:
    """The curve as lines that end where it jumps, has a pole, or is no number.

    >>> [(piece[0], piece[-1]) for piece in pieces_of(math.floor, [0.25, 0.75, 1.25])]
    [((0.25, 0), (0.75, 0)), ((1.25, 1), (1.25, 1))]
    """
    pieces: list[list[tuple[float, float]]] = []
    before: tuple[float, float] | None = None
    for x in xs:
        y = function(x)
        if not math.isfinite(y):
            before = None
            continue
        if before is None or _jumps(function, before, (x, y)):
            pieces.append([])
        pieces[-1].append((x, y))
        before = x, y
    return [piece for piece in pieces if piece]


def _jumps(function: Function, a: tuple[float, float], b: tuple[float, float]) -> bool:
    """Whether the function jumps between two points: where it does, the halves with the larger step stay as large."""
    first = abs(b[1] - a[1])
    if first < 0.02:
        return False
    for _ in range(24):
        x = 0.5 * (a[0] + b[0])
        y = function(x)
        if not math.isfinite(y):
            return True
        a, b = (a, (x, y)) if abs(y - a[1]) >= abs(b[1] - y) else ((x, y), b)
    return abs(b[1] - a[1]) > 0.5 * first
