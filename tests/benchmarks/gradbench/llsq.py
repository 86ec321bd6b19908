"""llsq: a polynomial is fitted to the sign of n points between −1 and 1.

The formula is that of GradBench's evals/llsq/README.md, after llsq_obj of cmpad.
"""

from typing import Any

import numpy as np

from autograd import grad
from common import total


def error(coefficients: Any, t: Any, target: Any) -> Any:
    """Half the squared error at a point."""
    residual, power = target, 1.0
    for coefficient in coefficients:
        residual = residual - coefficient * power
        power = power * t
    return 0.5 * residual * residual


def points(n: int) -> list[list[float]]:
    """The n points t, and the sign of each."""
    t = -1.0 + np.arange(n) * 2.0 / (n - 1)
    return [t.tolist(), np.sign(t).tolist()]


FUNCTIONS = {
    "primal": lambda data, compiled: total(error, [data["x"]], points(data["n"]), compiled),
    "gradient": lambda data, compiled: total(error, [data["x"]], points(data["n"]), compiled, grad),
}
