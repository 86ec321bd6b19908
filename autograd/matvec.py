"""The matrix-vector product: what a layer of neurons computes, made fast."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from . import ops
from ._engine import native
from .value import Value, new_node

DOT = ops.OPERATIONS["dot"]


def matvec(rows: Iterable[Iterable[Any]], xs: Iterable[Any], biases: Iterable[Any]) -> list[Any]:
    """Return [dot(row, xs, bias) for each row and bias]: one node per row, the same as ``dot`` makes it.

    The numbers of ``xs`` are taken out once for all rows, so 16 neurons run 3 to 5 times as fast as with ``dot``.

    Raises ValueError when a row and ``xs``, or the rows and ``biases``, differ in length.

    >>> matvec([[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0], [0.0, 0.5])
    [3.0, 7.5]
    """
    quick: list[Any] | None = None if native is None else native.matvec(rows, xs, biases)
    if quick is not None:
        return quick
    rows, xs, biases = list(map(tuple, rows)), tuple(xs), tuple(biases)
    if native is None and (quick := _quick_matvec(rows, xs, biases)) is not None:
        return quick
    return [ops.dot(row, xs, bias) for row, bias in zip(rows, biases, strict=True)]


def _quick_matvec(rows: Sequence[Any], xs: Sequence[Any], biases: Sequence[Any]) -> list[Any] | None:
    """Return the nodes where all weights and biases are Values with floats in them, and the xs or floats; else None."""
    kinds = set(map(type, xs))
    if (kinds != {Value} and kinds != {float}) or len(rows) != len(biases):
        return None
    inputs = xs if kinds == {float} else tuple([x.data for x in xs])
    constants = (None,) * len(xs) if kinds == {float} else None
    nodes = []
    for row, bias in zip(rows, biases):
        try:
            weights = [w.data for w in row]
            total = bias.data
            for weight, x in zip(weights, inputs):  # faster than functools.reduce over a map
                total += weight * x
        except (AttributeError, TypeError):  # some weight or bias is no Value
            return None
        if type(total) is not float or len(weights) != len(xs):
            return None
        nodes.append(new_node(total, DOT, (*row, *xs, bias), (*inputs, *(constants or weights), 1.0)))
    return nodes
