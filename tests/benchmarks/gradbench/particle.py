"""particle: a charge flies past two others, of which one is to be moved so that it reaches the origin.

The problem is that of GradBench's evals/particle/README.md, and its integration that of tools/futhark/particle.fut,
after Pearlmutter and Siskind, *Using Programming Language Theory to Make Automatic Differentiation Sound and
Efficient*, 2008.
"""

from typing import Any

import autograd
from autograd import while_loop
from common import Function
from descent import LIMIT, argmin, each_mode, length


def miss(mode: Function, w: Any, step: float) -> Any:
    """The square of the distance from the origin at which the particle crosses the axis."""
    charges = [(10.0, 10.0 - w), (10.0, 0.0)]
    potential = lambda x: autograd.sum([1.0 / length([a - b for a, b in zip(x, charge)]) for charge in charges])
    both = mode(potential)

    def moved(state: Any) -> list[Any]:
        return [x + step * v for x, v in zip(*state)]

    def turn(state: Any) -> Any:
        x, velocity = state
        _, slope = both(x)
        return moved(state), [v - step * a for v, a in zip(velocity, slope)]

    x, velocity = while_loop(lambda state: moved(state)[1] > 0.0, turn, ([0.0, 8.0], [0.75, 0.0]), limit=LIMIT)
    crossing = x[0] - x[1] / velocity[1] * velocity[0]
    return crossing * crossing


def solve(outer: Function, inner: Function, start: Any, precision: float, step: float) -> Any:
    """The w of the charge."""
    return argmin(outer, lambda w: miss(inner, w[0], step), [start], precision)[0]


FUNCTIONS = each_mode(solve, "w", {"precision": 1e-5, "step": 0.1})
