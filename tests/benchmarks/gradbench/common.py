"""What the evals share: how a function becomes work that can be timed, eager or compiled.

An eval has a dict FUNCTIONS. Each entry takes the input of a message, and whether to compile, and returns the work: a
call without arguments, for which the input is made ready. The same functions, written on numbers, serve both ways.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

import autograd
from autograd import jit

Function = Callable[..., Any]
Work = Callable[[], Any]


def itself(f: Function) -> Function:
    """The function as it is, in place of a derivative."""
    return f


def whole(f: Function, args: Sequence[Any], compiled: bool) -> Work:
    """The call of ``f``; compiled, with arrays for the nested lists, each number of which is traced."""
    return partial(jit(f, in_axes=None), *map(ready, args)) if compiled else partial(f, *args)


def total(
    term: Function,
    shared: Sequence[Any],
    batch: Sequence[Any],
    compiled: bool,
    derivative: Callable[[Function], Function] = itself,
    then: Function | None = None,
) -> Work:
    """The derivative by the shared arguments of the sum of ``term(*shared, *sample)`` over the samples.

    Eager, it is the derivative of the sum. Compiled, it is the sum of the derivatives, so that the samples are a batch
    and their graph is never built. ``then(result, *shared)`` makes the final result.
    """
    if compiled:
        axes = (*[None] * len(shared), *[0] * len(batch))
        return partial(jit(derivative(term), in_axes=axes).sum, *map(ready, [*shared, *batch]), then=then)

    def summed(*shared: Any) -> Any:
        return autograd.sum([term(*shared, *sample) for sample in zip(*batch, strict=True)])

    result = derivative(summed)
    return lambda: result(*shared) if then is None else then(result(*shared), *shared)


def ready(x: Any) -> Any:
    """An array in place of nested lists; a number stays one."""
    return np.array(x, dtype=float) if isinstance(x, list) else x


def squares(xs: Sequence[Any]) -> Any:
    """The sum of the squares."""
    return autograd.sum([x * x for x in xs])
