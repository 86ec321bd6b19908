"""kmeans: the squared distance of each point from the nearest centroid, and Newton's step.

The Hessian is diagonal, so its product with ones is its diagonal: GradBench's evals/kmeans/README.md, after Bottou and
Bengio, *Convergence Properties of the K-Means Algorithms*, 1994.
"""

from typing import Any

import autograd
from autograd import grad, jvp
from common import Function, Work, itself, squares, total


def distance(centroids: Any, point: Any) -> Any:
    """The squared distance from the nearest centroid."""
    return autograd.min([squares([a - b for a, b in zip(centroid, point)]) for centroid in centroids])


def slope_and_curvature(f: Function) -> Function:
    """A function that gives the gradient by the centroids, and the Hessian's diagonal, in one pass."""

    def both(centroids: Any, *point: Any) -> Any:
        ones = [[1.0 for _ in centroid] for centroid in centroids]
        slope: Function = grad(f)
        return jvp(lambda centroids: slope(centroids, *point), (centroids,), (ones,))

    return both


def quotients(result: Any, centroids: Any) -> Any:
    """The step: each slope divided by its curvature."""
    return [[a / b for a, b in zip(slope, curvature)] for slope, curvature in zip(*result)]


def work(data: dict[str, Any], compiled: bool, *rest: Any) -> Work:
    """The sum over the points, or what ``rest`` makes of it."""
    return total(distance, [data["centroids"]], [data["points"]], compiled, *rest)


FUNCTIONS = {
    "cost": lambda data, compiled: work(data, compiled, itself),
    "dir": lambda data, compiled: work(data, compiled, slope_and_curvature, quotients),
}
