"""What an optimiser does to many Values at once, in C where the native engine is there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ._engine import Value, native


def zero_grads(values: Iterable[Value]) -> None:
    """Forget the gradient of each.

    >>> x = Value(3.0)
    >>> (x * x).backward()
    >>> zero_grads([x])
    >>> x.has_grad
    False
    """
    if native is not None:
        native.zero_grads(values)
    else:
        for v in values:
            v.zero_grad()


def descend(values: Iterable[Value], rate: Any) -> None:
    """Take a step of gradient descent, x ← x − rate·∂/∂x, with each that has a gradient.

    >>> x = Value(3.0)
    >>> (x * x).backward()
    >>> descend([x], 0.5)
    >>> x.data
    0.0
    """
    if native is not None:
        native.descend(values, rate)
    else:
        for v in values:
            if v.has_grad:
                v.data = v.data - rate * v.grad
