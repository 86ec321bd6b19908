"""det: a determinant by expansion by minors, n! products in all.

The algorithm is that of GradBench's evals/det/README.md, after det_by_minor of cmpad.
"""

from collections.abc import Sequence
from typing import Any

from autograd import grad, loop, take, where
from common import Function, Work, itself, whole

UNROLLED = 5  # a compiled minor up to this size is written out: larger ones are loops, or tracing would take n! steps


def expansion(rows: Sequence[Any], columns: Sequence[int]) -> Any:
    """The minor of these rows, and of the columns with these numbers."""
    first, *rest = rows
    if not rest:
        return first[columns[0]]
    total: Any = 0.0
    for j, column in enumerate(columns):
        product = first[column] * expansion(rest, [*columns[:j], *columns[j + 1 :]])
        total = total - product if j % 2 else total + product
    return total


def looped(rows: Sequence[Any]) -> Any:
    """The same of all columns, with a loop over them, whose body is traced once."""
    if len(rows) <= UNROLLED:
        return expansion(rows, range(len(rows)))
    first, *rest = rows

    def turn(j: Any, state: Any) -> Any:
        total, sign = state
        minor = [[where(i < j, row[i], row[i + 1]) for i in range(len(rest))] for row in rest]
        return [total + sign * take(first, j) * looped(minor), -sign]

    return loop(len(first), turn, [0.0, 1.0])[0]


def work(data: dict[str, Any], compiled: bool, derivative: Function) -> Work:
    """The determinant or its derivative, by the numbers in one list, row by row."""
    size = data["ell"]

    def determinant(numbers: Any) -> Any:
        rows = [numbers[i * size : (i + 1) * size] for i in range(size)]
        return looped(rows) if compiled else expansion(rows, range(size))

    return whole(derivative(determinant), [data["A"]], compiled)


FUNCTIONS = {
    "primal": lambda data, compiled: work(data, compiled, itself),
    "gradient": lambda data, compiled: work(data, compiled, grad),
}
