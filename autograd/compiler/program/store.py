"""The store of a draft: what is written, in rows, and none twice. ``autograd/_traced.c`` has the same in C."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from autograd import _engine

from .instructions import NO_OPERAND

CODES = {"input": 0, "add": 1, "sub": 2, "mul": 3, "neg": 4, "where": 5}  # _traced.c knows them by number
NEVER_MINUS_ZERO, COMMUTATIVE = 1, 2  # the facts of a row: of its result, and of its operation
ROW = struct.Struct("=iiiHH")  # three operands, the code and the facts


class Store:
    """Rows of a code, up to three operands and facts, by number. ``owner`` is the thread that may write, 0 for none."""

    def __init__(self) -> None:
        self.owner = 0
        self._rows: list[tuple[int, tuple[int, ...], int]] = []
        self._places: dict[tuple[int, tuple[int, ...]], int] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def enter(self, code: int, operands: tuple[int, ...], facts: int) -> int:
        """Return the number of a row like this one, which is written if there is none."""
        swapped = facts & COMMUTATIVE and operands[0] > operands[1]
        key = (code, operands[::-1] if swapped else operands)
        known = self._places.get(key)
        if known is None:
            known = self._places[key] = self.append_row(code, operands, facts)
        return known

    def append_row(self, code: int, operands: tuple[int, ...], facts: int) -> int:
        """Write a row, and return its number."""
        self._rows.append((code, operands, facts))
        return len(self._rows) - 1

    def begin(self, count: int) -> None:
        """Write so many rows with the code 0, of the inputs."""
        for _ in range(count):
            self.append_row(0, (), 0)

    def remember(self, x: float, place: int) -> None:
        """Take note of the place of a constant; in C, where it is looked for first."""

    def code(self, number: int) -> int:
        """Return the code of a row."""
        return self._rows[number][0]

    def operands(self, number: int) -> tuple[int, ...]:
        """Return the operands of a row."""
        return self._rows[number][1]

    def facts(self, number: int) -> int:
        """Return the facts of a row."""
        return self._rows[number][2]

    def table(self) -> bytes:
        """Return all rows, each packed as ``ROW``."""
        nothing = (NO_OPERAND,) * 3
        return b"".join([ROW.pack(*(*operands, *nothing)[:3], code, facts) for code, operands, facts in self._rows])


class Place:
    """What a traced number is: a place in a trace."""

    __slots__ = ("place", "trace")

    def __init__(self, trace: Any, place: int) -> None:
        self.trace = trace
        self.place = place


if not TYPE_CHECKING and _engine.native is not None:
    Store, Place = _engine.native.Store, _engine.native.Place
