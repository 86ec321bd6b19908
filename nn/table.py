"""Training data (lists, arrays, data frames) as lists of floats; errors name row and column."""

from __future__ import annotations

import math
from typing import Any

from .checks import shown

Table = tuple[list[list[float]], list[Any]]  # a row for each sample, and a target for each


def samples(X: Any, y: Any, what: str = "") -> Table:
    """Return X as a list of rows of floats, and y as a list with a number, or a list of numbers, for each row.

    A one-dimensional X has rows of one number; a y of one column becomes a plain list. Raises ValueError for empty
    data, rows of different lengths, and for anything but a finite number, with its place.
    """
    rows = inputs(X, f"{what}X")
    targets = [row[0] if isinstance(row, list) and len(row) == 1 else row for row in _numbers(y, f"{what}y")]
    if len(rows) != len(targets):
        raise ValueError(f"{what}X and y have one row for each sample, and these have {len(rows)} and {len(targets)}")
    return rows, targets


def inputs(X: Any, name: str = "X") -> list[list[float]]:
    """Return X as a list of rows of floats; see ``samples``."""
    return [row if isinstance(row, list) else [row] for row in _numbers(X, name)]


def _numbers(table: Any, name: str) -> list[Any]:
    columns = [str(column) for column in table.columns] if hasattr(table, "columns") else None
    if hasattr(table, "to_numpy"):
        table = table.to_numpy()
    if hasattr(table, "tolist"):
        table = table.tolist()
    if isinstance(table, (str, bytes, dict, set, frozenset)) or not hasattr(table, "__iter__"):
        raise ValueError(f"{name} is a list, an array or a data frame, and {type(table).__name__} was given")
    rows = [row.tolist() if hasattr(row, "tolist") else row for row in table]
    if not rows:
        raise ValueError(f"{name} is empty; there is nothing to learn from")
    width = len(rows[0]) if isinstance(rows[0], (list, tuple)) else None
    return [_row(row, i, width, name, columns) for i, row in enumerate(rows)]


def _row(row: Any, i: int, width: int | None, name: str, columns: list[str] | None) -> Any:
    if isinstance(row, (list, tuple)) != (width is not None) or (width is not None and len(row) != width):
        size = f"a list of {len(row)}" if isinstance(row, (list, tuple)) else "one number"
        first = f"a list of {width}" if width is not None else "one number"
        raise ValueError(f"row {i} of {name} is {size}, and row 0 is {first}; every row needs as many numbers")
    if width is None:
        return _cell(row, f"row {i} of {name}")
    if width == 0:
        raise ValueError(f"the rows of {name} are empty")
    return [_cell(x, f"row {i}, column {columns[j] if columns else j} of {name}") for j, x in enumerate(row)]


def _cell(x: Any, place: str) -> float:
    if isinstance(x, int):  # a bool too: yes and no, as 1 and 0
        number = float(x) if abs(x) < 2**1023 else math.inf
    elif isinstance(x, float) or (
        hasattr(x, "dtype") and hasattr(x, "__float__") and not isinstance(x.item(), complex)
    ):  # a NumPy scalar
        number = float(x)
    elif isinstance(x, (list, tuple)):
        raise ValueError(f"{place} is a list; X is a table of rows of numbers, with no more dimensions than these two")
    else:
        raise ValueError(f"{place} is {shown(x)}, a {type(x).__name__}; only numbers can be learnt from, so encode it")
    if not math.isfinite(number):
        raise ValueError(f"{place} is {shown(x)}; remove the row or put a number there")
    return number
