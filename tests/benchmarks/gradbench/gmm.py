"""gmm: the log posterior of a mixture of Gaussians, each with a lower triangular root of its precision matrix.

The formulas are those of GradBench's evals/gmm/README.md, section Implementation, after ADBench.
"""

import math
from typing import Any

import autograd
from autograd import exp, grad, logsumexp
from common import Function, Work, itself, squares, total

NAMES = ["alpha", "mu", "q", "l"]


def exponent(alpha: Any, mean: Any, q: Any, lower: Any, point: Any) -> Any:
    """The log density of a component at a point, but for what all components share."""
    y = [a - b for a, b in zip(point, mean)]
    rotated = [exp(a) * b for a, b in zip(q, y)]
    at = 0
    for i in range(len(y)):  # column by column, as the triangle is stored
        for j in range(i + 1, len(y)):
            rotated[j] = rotated[j] + lower[at] * y[i]
            at += 1
    return alpha + autograd.sum(q) - 0.5 * squares(rotated)


def likelihood(alpha: Any, mu: Any, q: Any, lower: Any, point: Any) -> Any:
    """The log likelihood of a point, but for what all points share."""
    return logsumexp([exponent(*component, point) for component in zip(alpha, mu, q, lower)])


def gradient(f: Function) -> Function:
    """The gradient by alpha, mu, q and l."""
    return grad(f, argnums=(0, 1, 2, 3))


def added(a: Any, b: Any) -> Any:
    """The sum of two structures, number by number."""
    if isinstance(a, (list, tuple)):
        return [added(x, y) for x, y in zip(a, b, strict=True)]
    return a + b


def work(data: dict[str, Any], compiled: bool, derivative: Function) -> Work:
    """The log posterior or its gradient."""
    d, k, n, m, gamma = [data[name] for name in ("d", "k", "n", "m", "gamma")]
    freedom = d + m + 1
    log_gamma = 0.25 * d * (d - 1) * math.log(math.pi)
    log_gamma += sum(math.lgamma(0.5 * (freedom - j)) for j in range(d))
    constant = k * (freedom * d * math.log(gamma / math.sqrt(2.0)) - log_gamma) - 0.5 * n * d * math.log(2.0 * math.pi)

    def rest(alpha: Any, mu: Any, q: Any, lower: Any) -> Any:
        """What all points share, and the Wishart prior."""
        roots = [squares([*[exp(a) for a in row], *below]) for row, below in zip(q, lower)]
        sums = autograd.sum([autograd.sum(row) for row in q])
        return constant - n * logsumexp(alpha) - 0.5 * gamma * gamma * autograd.sum(roots) + m * sums

    def then(result: Any, *shared: Any) -> Any:
        return added(result, derivative(rest)(*shared))

    return total(likelihood, [data[name] for name in NAMES], [data["x"]], compiled, derivative, then)


def named(result: Work) -> Work:
    """The gradient as the eval wants it."""
    return lambda: dict(zip(NAMES, result()))


FUNCTIONS = {
    "objective": lambda data, compiled: work(data, compiled, itself),
    "jacobian": lambda data, compiled: named(work(data, compiled, gradient)),
}
