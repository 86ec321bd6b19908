"""Checks of arguments: each returns the argument or raises ValueError."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from numbers import Real
from typing import Any, TypeVar

T = TypeVar("T")
_REAL = (int, float, Real)  # NumPy's numbers are Real; the first two are there since they are found sooner


def whole(what: str, x: Any, least: int = 1) -> int:
    """Return a whole number, of Python or of NumPy, as an int; raise ValueError for anything else or anything less."""
    if isinstance(x, bool) or not hasattr(x, "__index__") or x < least:
        raise ValueError(f"{what} is a whole number of at least {least}, and {x!r} was given")
    return int(x.__index__())


def number_where(rule: str, x: Any, holds: Callable[[Any], bool]) -> Any:
    """Return a number for which ``holds`` is true; raise ValueError that states the ``rule`` for anything else.

    >>> number_where("p lies in [0, 1)", 1.5, lambda p: 0.0 <= p < 1.0)
    Traceback (most recent call last):
    ValueError: p lies in [0, 1), and 1.5 was given
    """
    if not hasattr(x, "__float__") or isinstance(x, bool) or not holds(x):
        raise ValueError(f"{rule}, and {x!r} was given")
    return x


def choice(what: str, x: T, choices: tuple[Any, ...]) -> T:
    """Return one of the ``choices``; raise ValueError that lists them for anything else.

    >>> choice("mode", "least", ("min", "max"))
    Traceback (most recent call last):
    ValueError: mode is 'min' or 'max', and 'least' was given
    """
    if x not in choices:
        *others, last = map(repr, choices)
        raise ValueError(f"{what} is {', '.join(others)} or {last}, and {x!r} was given")
    return x


def look_up(kind: str, name: Any, table: Mapping[str, T], otherwise: str = "") -> T:
    """Return the entry of that name; raise ValueError that lists the names, the closest first, where it is not there.

    >>> look_up("colour", "blu", {"red": 1, "blue": 2})
    Traceback (most recent call last):
    ValueError: no colour is called 'blu'; the names are blue, red
    """
    if isinstance(name, str) and name in table:
        return table[name]
    names = dict.fromkeys([*get_close_matches(str(name), table), *table])
    raise ValueError(f"no {kind} is called {name!r}; the names are {', '.join(names)}{otherwise}")


def as_list(what: str, x: Any) -> list[Any]:
    """Return a list of functions (or names); one may stand without a list around it, and None for none."""
    if x is None or isinstance(x, str) or callable(x):
        return [] if x is None else [x]
    if not hasattr(x, "__iter__"):
        raise TypeError(f"{what} is a function or a list of them, and {x!r} was given")
    return list(x)


def is_real(x: Any) -> bool:
    """Whether it is a real number, of Python or of NumPy, that can be looked at: no Value, and not traced."""
    return isinstance(x, _REAL)


def is_finite(x: Any) -> bool:
    """Whether it is a number that a float can hold, and neither infinite nor nan: what a stored file may have."""
    if isinstance(x, bool) or not isinstance(x, (int, float)):
        return False
    try:
        return math.isfinite(x)
    except OverflowError:
        return False
