"""Loops that the program says itself, as procedures, and the instructions that call them.

A loop in a function that is traced is traced once, as a program of its own: its body. The program around it calls it:
``argument`` instructions put numbers in a row, each behind the one before it, ``call`` runs the loop on them, and
``result`` takes one of the numbers that it gave. They stand one behind the other, so the rows need one place only.

Among the numbers may be tapes: what a loop writes in each of its turns, or reads. A tape has a row for each turn.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

CALL = "loop "  # and the number of the procedure: the name of an instruction


@dataclass(frozen=True)
class Transfer:
    """An instruction that brings numbers to a procedure or a tape, or back. Its facts are named as in ``Operation``."""

    template: str
    forward: Callable[..., Any]
    llvm: ClassVar[str] = ""
    commutative: ClassVar[bool] = False
    never_minus_zero: ClassVar[bool] = False

    def write(self, names: Sequence[str]) -> str:
        """Write the instruction with its operands' names."""
        return self.template.format(*names)


def _append(before: Any, x: Any, index: float) -> list[Any]:
    row = before if index else []
    row.append(x)
    return row


def _take(tape: Any, index: float, count: float) -> Any:
    """Return a number of a list; an index from −count to −1 counts from its end."""
    if not (-count <= index < count and index == math.floor(index)):
        raise IndexError(
            f"take wants a whole index from {-count:.0f} to {count - 1.0:.0f}, for a list of {count:.0f}, and "
            f"{index!r} was given"
        )
    return tape[int(index)]


def whole_number(turns: float) -> float:
    """Return a number of turns that was computed, or raise ValueError where it is none."""
    if not (0.0 <= turns < math.inf and turns == math.floor(turns)):
        raise ValueError(f"loop takes a whole number of turns, 0 or more, and {turns!r} was given")
    return turns


# The name of an operation cannot be one of these, which have a space.
ARGUMENT, TAPE, ELEMENT, TAKEN, RESULT = (
    "next argument",
    "new tape",
    "tape element",
    "taken element",
    "result of a loop",
)
TRANSFERS = {
    ARGUMENT: Transfer("row {0}, {1}", _append),  # the row so far, a number, and its index
    TAPE: Transfer("tape of {0}", lambda row, count: row),  # of the numbers in a row, which are so many
    ELEMENT: Transfer("{0}[{1}]", lambda tape, index: tape[int(index)]),
    TAKEN: Transfer("{0}[{1}]", _take),
    RESULT: Transfer("{0}[{1}]", lambda results, index: results[int(index)]),
    CALL: Transfer("loop({0})", lambda row: row),
}


def is_transfer(name: str) -> bool:
    """Whether an instruction has to do with a procedure or a tape."""
    return name in TRANSFERS or name.startswith(CALL)


def called(name: str, procedures: Sequence[Procedure]) -> Procedure:
    """Return the procedure that an instruction calls."""
    return procedures[int(name.removeprefix(CALL))]


@dataclass(frozen=True, eq=False)
class Procedure:
    """A loop. Its body takes the number of the turn, the state, a row of each tape, and what else it uses.

    The results of the body are the new state, and a row for each tape that the loop writes. ``reads`` and ``writes``
    are how many numbers a row of these tapes has. There is a turn for each row, with ``backwards`` from the last to the
    first one; or, where there is a ``condition`` (a program of the same inputs as the body), as long as it is not 0.
    Then ``limit`` is the greatest number of turns, beyond which it raises ``message`` as a RuntimeError.

    The arguments are the number of turns (0 where it is not known), the state, the tapes, and what else is used; the
    results are the state, the number of turns, and the tapes.
    """

    body: Any  # a Program, which may call procedures of its own
    condition: Any  # a Program, or None
    state: int
    reads: tuple[int, ...]
    writes: tuple[int, ...]
    backwards: bool
    limit: float
    message: str

    @functools.cached_property
    def content(self) -> tuple[Any, ...]:
        """All that it is made of: two procedures of one content do the same."""
        programs = [None if part is None else part.content for part in (self.body, self.condition)]
        return (*programs, self.state, self.reads, self.writes, self.backwards, self.limit, self.message)

    @property
    def results(self) -> int:
        """How many results there are."""
        return self.state + 1 + len(self.writes)

    @property
    def used(self) -> int:
        """How many numbers from outside the body uses."""
        return len(self.body.inputs) - 1 - self.state - sum(self.reads)

    def without_unused(self, used: Collection[int]) -> Procedure:
        """Return the procedure with nothing on the tapes that are not among the results of these numbers."""
        kept = [self.state + 1 + k in used for k in range(len(self.writes))]
        if all(kept):
            return self
        outputs, at = list(self.body.outputs[: self.state]), self.state
        for width, keep in zip(self.writes, kept, strict=True):
            outputs += self.body.outputs[at : at + width] if keep else ()
            at += width
        body = self.body.pruned(
            self.body.inputs, self.body.constants, self.body.instructions, outputs, self.body.procedures
        )
        return replace(self, body=body, writes=tuple([w if keep else 0 for w, keep in zip(self.writes, kept)]))

    def heading(self) -> str:
        """What the printed program says of the turns."""
        if self.condition is None:
            return " backwards" if self.backwards else ""
        return " with a condition" + ("" if self.limit == math.inf else f", at most {self.limit:.0f} turns")

    def __str__(self) -> str:
        condition = "" if self.condition is None else f"\nwhile\n{self.condition}"
        return f"{self.body}{condition}"

    def __call__(self, arguments: Sequence[Any]) -> list[Any]:
        """Run it, as the machine code does; a tape is a list."""
        turns, state = arguments[0], list(arguments[1 : 1 + self.state])
        tapes = arguments[1 + self.state : 1 + self.state + len(self.reads)]
        others = arguments[1 + self.state + len(self.reads) :]
        count = int(whole_number(turns))
        rows: list[list[Any]] = []
        unread = [0.0] * sum(self.reads)
        while self.condition is not None or len(rows) < count:
            turn = count - 1 - len(rows) if self.backwards else len(rows)
            if self.condition is not None:
                numbers = [float(turn), *state, *unread, *others]
                if not self.condition.run(numbers[: len(self.condition.inputs)])[0]:
                    break
                self.check(len(rows))
            read = [x for tape, n in zip(tapes, self.reads, strict=True) for x in tape[turn * n : (turn + 1) * n]]
            results = self.body.run([float(turn), *state, *read, *others])
            state = results[: self.state]
            rows.append(results[self.state :])
        written, at = [], 0
        for width in self.writes:
            ordered = reversed(rows) if self.backwards else rows
            written.append([x for row in ordered for x in row[at : at + width]])
            at += width
        return [*state, float(len(rows)), *written]

    def check(self, turns: float) -> None:
        """Raise RuntimeError where one more turn is more than the limit."""
        if turns >= self.limit:
            raise RuntimeError(self.message)
