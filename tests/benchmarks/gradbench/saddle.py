"""saddle: the point x where the maximum over y of f(x, y) is least, by gradient descent in gradient ascent.

The problem is that of GradBench's evals/saddle/README.md, after Pearlmutter and Siskind, *Using Programming Language
Theory to Make Automatic Differentiation Sound and Efficient*, 2008.
"""

from typing import Any

from common import Function, squares
from descent import argmin, each_mode


def f(x: Any, y: Any) -> Any:
    """The function with the saddle."""
    return squares(x) - squares(y)


def solve(outer: Function, inner: Function, start: Any, precision: float) -> list[Any]:
    """The x and the y of the saddle point."""

    def best_y(mode: Function, x: Any) -> Any:
        return argmin(mode, lambda y: -f(x, y), start, precision)

    x = argmin(outer, lambda x: f(x, best_y(inner, x)), start, precision)
    return [*x, *best_y(outer, x)]


FUNCTIONS = each_mode(solve, "start", {"precision": 1e-5})
