"""ode: y₀' = x₀ and yᵢ' = xᵢ yᵢ₋₁ from 0 on, over a time of 2 in s steps of the classical Runge-Kutta method.

The problem is that of GradBench's evals/ode/README.md and cpp/gradbench/evals/ode.hpp, after an_ode of cmpad.
"""

from typing import Any

from autograd import grad, loop
from common import Function, Work, whole


def slope(x: Any, y: Any) -> list[Any]:
    """The derivative of y by the time."""
    return [x[0], *[a * b for a, b in zip(x[1:], y)]]


def along(y: Any, direction: Any, step: float) -> list[Any]:
    """Where a step in a direction leads."""
    return [a + step * b for a, b in zip(y, direction)]


def solution(x: Any, steps: int) -> Any:
    """The y at the end."""
    h = 2.0 / steps

    def turn(i: Any, y: Any) -> list[Any]:
        k1 = slope(x, y)
        k2 = slope(x, along(y, k1, h / 2))
        k3 = slope(x, along(y, k2, h / 2))
        k4 = slope(x, along(y, k3, h))
        return [y + h / 6 * (a + 2.0 * b + 2.0 * c + d) for y, a, b, c, d in zip(y, k1, k2, k3, k4)]

    return loop(steps, turn, [0.0] * len(x))


def gradient(x: Any, steps: int) -> Any:
    """The gradient of the last y by all x."""
    last: Function = lambda x: solution(x, steps)[-1]
    return grad(last)(x)


def work(data: dict[str, Any], compiled: bool, f: Function) -> Work:
    """The call of ``f``; the number of steps is part of the program."""
    return whole(lambda x: f(x, data["s"]), [data["x"]], compiled)


FUNCTIONS = {
    "primal": lambda data, compiled: work(data, compiled, solution),
    "gradient": lambda data, compiled: work(data, compiled, gradient),
}
