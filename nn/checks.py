"""Checks of arguments: each returns the argument or raises ValueError."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from numbers import Real
from typing import Any, TypeVar

from autograd import Value

T = TypeVar("T")
_REAL = (int, float, Real)  # NumPy's numbers are Real; the first two are there since they are found sooner


def whole(what: str, x: Any, least: int = 1) -> int:
    """Return a whole number, of Python or of NumPy, as an int; raise ValueError for anything else or anything less."""
    try:
        number = None if isinstance(x, bool) else operator.index(x)
    except TypeError:  # of an array too, unless it has one entry and no axis
        number = None
    if number is None or number < least:
        raise ValueError(f"{what} is a whole number of at least {least}, and {shown(x)} was given")
    return number


def plain(x: Any) -> Any:
    """Return a number or a bool of NumPy (or of another library that has arrays) as Python's own, else what it is."""
    if hasattr(x, "dtype") and hasattr(x, "item") and getattr(x, "ndim", None) == 0:
        return x.item() if getattr(x.dtype, "kind", "f") in "biufc" else x
    return x


def number_where(rule: str, x: Any, holds: Callable[[Any], bool]) -> Any:
    """Return an int or a float for which ``holds`` is true; raise ValueError with the ``rule`` for anything else.

    NumPy's numbers become Python's, so that nobody computes in 32 bits who did not ask for it.

    >>> number_where("p lies in [0, 1)", 1.5, lambda p: 0.0 <= p < 1.0)
    Traceback (most recent call last):
    ValueError: p lies in [0, 1), and 1.5 was given
    """
    number = _number(plain(x))
    if number is None or not holds(number):
        hint = "; give the number in it, its .data" if isinstance(x, Value) else ""
        raise ValueError(f"{rule}, and {shown(x)} was given{hint}")
    return number


def _number(x: Any) -> int | float | None:
    """Return it as an int or a float, where it is a real number that a float can hold."""
    if isinstance(x, bool) or not hasattr(x, "__float__") or (hasattr(x, "dtype") and not is_real(x)):
        return None  # an array may be a date, or have an axis
    try:
        number = float(x)
    except (TypeError, ValueError, OverflowError):  # a Value says so too
        return None
    return int(x) if isinstance(x, int) else number


def shown(x: Any) -> str:
    """Return the repr of what was given, shortened where it is long."""
    try:
        text = repr(x)
    except ValueError:  # an int of thousands of digits
        text = f"an int of {x.bit_length():,} bits" if isinstance(x, int) else f"a {type(x).__name__} with such an int"
    return text if len(text) <= 200 else f"{text[:120]}...{text[-40:]}"


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
