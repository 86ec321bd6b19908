"""Gradient descent as saddle and particle want it, with the gradient by either mode.

The rule is that of GradBench's cpp/gradbench/gd.hpp, after Pearlmutter and Siskind: twice the rate after ten steps that
were better, half of it after one that was not; the end is a small slope or a small step.
"""

from collections.abc import Sequence
from typing import Any

from autograd import jvp, sqrt, value_and_grad, where, while_loop
from common import Function, Work, squares, whole

LIMIT = 100_000  # turns, which no loop of these evals comes near


def forward(f: Function) -> Function:
    """The value and the gradient by forward mode: a sweep for each number."""

    def both(x: Any) -> tuple[Any, Any]:
        units = [[float(i == j) for j in range(len(x))] for i in range(len(x))]
        pairs = [jvp(f, (x,), (unit,)) for unit in units]
        return pairs[0][0], [slope for _, slope in pairs]

    return both


MODES: dict[str, Function] = {"f": forward, "r": value_and_grad}


def each_mode(solve: Function, argument: str, settings: dict[str, float]) -> dict[str, Any]:
    """The four functions of an eval: the mode of the outer gradient, and of the inner one.

    ``settings`` are those of ``solve`` with their defaults; an input may have others, for a smaller problem.
    """

    def entry(outer: Function, inner: Function) -> Function:
        def work(data: dict[str, Any], compiled: bool) -> Work:
            chosen = {name: data.get(name, default) for name, default in settings.items()}
            return whole(lambda start: solve(outer, inner, start, **chosen), [data[argument]], compiled)

        return work

    return {a + b: entry(outer, inner) for a, outer in MODES.items() for b, inner in MODES.items()}


def length(xs: Sequence[Any]) -> Any:
    """The length of a vector."""
    return sqrt(squares(xs))


def argmin(mode: Function, f: Function, start: Any, precision: float) -> Any:
    """Where gradient descent from ``start`` ends."""
    both = mode(f)

    def step(x: Any, slope: Any, rate: Any) -> list[Any]:
        return [a - rate * b for a, b in zip(x, slope)]

    def goes_on(state: Any) -> Any:
        x, _, slope, rate, _ = state
        move = [a - b for a, b in zip(x, step(x, slope, rate))]
        return (length(slope) > precision) & (length(move) > precision)

    def turn(state: Any) -> Any:
        x, value, slope, rate, count = state
        new_x = step(x, slope, rate)
        new_value, new_slope = both(new_x)
        better = new_value < value
        x, slope = [[where(better, a, b) for a, b in zip(*pair)] for pair in [(new_x, x), (new_slope, slope)]]
        count = where(better, count + 1.0, 0.0)
        rate = where(better, where(count == 10.0, 2.0 * rate, rate), 0.5 * rate)
        return x, where(better, new_value, value), slope, rate, where(count == 10.0, 0.0, count)

    value, slope = both(start)
    return while_loop(goes_on, turn, (list(start), value, slope, precision, 0.0), limit=LIMIT)[0]
