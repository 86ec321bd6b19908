"""What a model, a loss and an optimiser are made of, in words: those of one fingerprint compute the same."""

from __future__ import annotations

import random
import sys
import types
from collections.abc import Mapping
from typing import Any

from autograd import Value

from .module import Module


class NoFingerprint(Exception):
    """There is something of which nobody can say what it computes, such as a function of the user's."""


def fingerprint(x: Any, parameters: Mapping[Value, int], ours: dict[type, bool] | None = None) -> str:
    """Say what something is made of, with the numbers of parameters in their place.

    ``ours`` are the classes that were looked at on the way: a model has many modules of a few. Raises NoFingerprint for
    what is not of this package, and is no number, string or container of such.

    >>> from nn import MLP
    >>> model = MLP(1, [1])
    >>> fingerprint(model.layers[0].neurons, {p: i for i, p in enumerate(model.parameters())})
    '[Neuron(activate=None, b=#1, training=True, w=#0..0)]'
    """
    ours = {} if ours is None else ours
    if isinstance(x, Value) and x in parameters:
        return f"#{parameters[x]}"
    if x is None or type(x) in (bool, int, float, str):
        return repr(x)
    if type(x) is list and set(map(type, x)) == {Value}:  # at once: a layer has thousands
        numbers = [parameters.get(part, -1) for part in x]
        if -1 not in numbers:
            in_a_row = numbers == list(range(numbers[0], numbers[0] + len(numbers)))
            return f"#{numbers[0]}..{numbers[-1]}" if in_a_row else f"#{numbers}"
    if type(x) in (list, tuple):
        return f"[{', '.join([fingerprint(part, parameters, ours) for part in x])}]"
    if type(x) is dict and all(type(key) is str for key in x):
        parts = [f"{key!r}: {fingerprint(part, parameters, ours)}" for key, part in sorted(x.items())]
        return f"{{{', '.join(parts)}}}"
    if type(x) is random.Random:
        return "random"  # what is drawn comes from outside of the program
    if isinstance(x, Module):
        if type(x) not in ours:
            ours[type(x)] = is_ours(type(x))
        if not ours[type(x)]:
            raise NoFingerprint(x)
        facts = [f"{name}={fingerprint(part, parameters, ours)}" for name, part in sorted(vars(x).items())]
        return f"{type(x).__name__}({', '.join(facts)})"
    if callable(x) and is_ours(x):
        return f"{x.__module__}.{x.__name__}"
    raise NoFingerprint(x)


def is_ours(x: Any) -> bool:
    """Whether a function or class is what this package has under its name, and nobody has changed its methods."""
    module = getattr(x, "__module__", None)
    name = str(getattr(x, "__qualname__", None) or getattr(x, "__name__", ""))
    if not _is_of_package(module):
        return False
    found: Any = sys.modules.get(module or "")
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is not x:
        return False
    methods = [m for cls in x.__mro__[:-1] for m in vars(cls).values()] if isinstance(x, type) else []
    plain = [getattr(m, "__func__", m) for m in methods]
    return all(_is_of_package(m.__module__) for m in plain if isinstance(m, types.FunctionType))


def _is_of_package(module: str | None) -> bool:
    return (module or "").partition(".")[0] in ("autograd", "nn")
