"""Loops in plain Python, for Values and traced numbers: they build a graph, or a part of another program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from autograd.compiler.structure import WHOLE
from autograd.pytree import flatten, flatten_like


def repeated(fn: Callable[..., Any], count: int, state: Any, args: Sequence[Any]) -> Any:
    """Return the state after ``count`` times ``state = fn(state, *args)``."""
    for _ in range(count):
        new = fn(state, *args)
        try:
            flatten_like(new, state, "the result")
        except (TypeError, ValueError) as error:
            raise TypeError(f"repeat feeds the result back as the first argument: {error}") from None
        state = new
    return state


def reduced(
    fn: Callable[..., Any], kind: str, then: Callable[..., Any] | None, args: Sequence[Any], axes: Sequence[str | None]
) -> Any:
    """Return the sum or the mean of ``fn`` over the samples, or what ``then`` makes of it and the shared arguments."""
    counts: set[int] = set()
    columns = [None if axis == WHOLE else _column(x, axis is None, counts) for x, axis in zip(args, axes, strict=True)]
    if not counts:
        raise ValueError(f"{kind} runs over the first axis of arrays, and no argument is one")
    if len(counts) > 1:
        raise ValueError(f"the batches differ in length: {', '.join(map(str, sorted(counts)))} samples")
    (count,) = counts
    if not count:
        raise ValueError(f"the {kind} over an empty batch was asked for; give at least one sample")
    total, build = None, None
    for k in range(count):
        result = fn(*[x if column is None else column(k) for x, column in zip(args, columns, strict=True)])
        leaves, build = flatten(result)
        total = leaves if total is None else [a + b for a, b in zip(total, leaves, strict=True)]
    assert total is not None
    assert build is not None
    whole = build([x / count for x in total] if kind == "mean" else total)
    if then is None:
        return whole
    return then(whole, *[x for x, column in zip(args, columns, strict=True) if column is None])


def _column(x: Any, is_batch: bool, counts: set[int]) -> Callable[[int], Any] | None:
    """Return what gives the argument for one sample, or None where it is the same for all; note how many there are."""
    if is_batch and not hasattr(x, "__len__"):
        raise TypeError(f"a batch by in_axes is an array or a list of samples, and {x!r} was given")
    if is_batch or _is_array(x):
        counts.add(len(x))
        return lambda k: _plain(x[k])
    if isinstance(x, dict):
        parts = {key: _column(value, False, counts) for key, value in x.items()}
        if any(parts.values()):
            return lambda k: {key: value if (c := parts[key]) is None else c(k) for key, value in x.items()}
    elif isinstance(x, (list, tuple)):
        columns = [_column(part, False, counts) for part in x]
        if any(columns):
            return lambda k: [part if c is None else c(k) for part, c in zip(x, columns, strict=True)]
    return None


def _is_array(x: Any) -> bool:
    return hasattr(x, "__array__") and getattr(x, "ndim", 0) > 0


def _plain(x: Any) -> Any:
    """Return a number of an array as Python's."""
    return x.item() if hasattr(x, "item") and getattr(x, "ndim", 1) == 0 and hasattr(x, "dtype") else x
