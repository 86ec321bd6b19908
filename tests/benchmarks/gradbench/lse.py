"""lse: log Σ exp(x), made of its primitive elements with the largest number taken out first.

The formula is that of GradBench's evals/lse/README.md. Compiled, the numbers are a batch, and the gradient comes number
by number, as a partial derivative is defined: all others stay where they are.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

import autograd
from autograd import exp, grad, jit, log
from common import Work


def lse(xs: Sequence[Any]) -> Any:
    """The logarithm of the sum of the exponentials."""
    top = autograd.max(xs)
    return top + log(autograd.sum([exp(x - top) for x in xs]))


def term(x: Any, top: Any) -> Any:
    """What one number brings to the sum."""
    return exp(x - top)


def of_one(x: Any, rest: Any, top: Any) -> Any:
    """The same as ``lse`` by one number, where the others bring ``rest``; ``top`` may be any, and so has no slope."""
    return top + log(rest + term(x, top))


def batched(numbers: ArrayLike, gradient: bool) -> Work:
    """The value or the gradient of so many numbers that a graph of all would be too large."""
    xs, terms, slopes = np.array(numbers), jit(term), jit(grad(of_one))

    def value() -> Any:
        top = xs.max()
        return top + np.log(terms.sum(xs, top))

    def slope() -> Any:
        top = xs.max()
        parts = terms(xs, top)
        return slopes(xs, parts.sum() - parts, top)

    return slope if gradient else value


FUNCTIONS = {
    "primal": lambda data, compiled: batched(data["x"], False) if compiled else lambda: lse(data["x"]),
    "gradient": lambda data, compiled: batched(data["x"], True) if compiled else lambda: grad(lse)(data["x"]),
}
