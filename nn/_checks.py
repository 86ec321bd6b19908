"""What is asked of numbers that people give: one place for each question."""

from __future__ import annotations

import math
from typing import Any


def whole(what: str, given: Any, least: int = 1) -> int:
    """Return a whole number, of Python or of NumPy, as an int; raise ValueError for anything else or anything less."""
    if isinstance(given, bool) or not hasattr(given, "__index__") or given < least:
        raise ValueError(f"{what} is a whole number of at least {least}, and {given!r} was given")
    return int(given.__index__())


def is_number(x: Any) -> bool:
    """Whether it is a real number, of Python or of NumPy."""
    return hasattr(x, "__float__") and not isinstance(x, bool)


def is_finite(x: Any) -> bool:
    """Whether it is a number that a float can hold, and neither infinite nor nan: what a stored file may have."""
    if isinstance(x, bool) or not isinstance(x, (int, float)):
        return False
    try:
        return math.isfinite(x)
    except OverflowError:
        return False
