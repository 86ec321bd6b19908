"""A program while it is written: nothing is computed twice, and each instruction is simplified before it is added.

Only what keeps every bit is done, that of −0.0 and of infinities too. (A nan stays a nan, but IEEE 754 does not say
which of the many nans an operation returns, and so no rule here does.)
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from typing import Any

from .conditions import row_of
from .instructions import WIDEST, moved, widened
from .procedures import ARGUMENT, CALL, RESULT, Procedure
from .program import Program
from .store import CODES, COMMUTATIVE, NEVER_MINUS_ZERO, Store


class Draft(Store):
    """The program that is being written. A place is the number of a value, or ``~k`` for constant number k."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self.names = names
        self.constants: list[float] = []
        self.codes = dict(CODES)  # of the names of instructions
        self._constant_places: dict[Any, int] = {}
        self.begin(len(names))
        self._procedures: dict[Any, tuple[int, Procedure]] = {}  # by content, with their numbers
        self._calls: dict[tuple[int, ...], list[int]] = {}  # the results, by procedure and arguments
        self._used: list[int] = []  # the places of what a loop's body uses from outside, which become its last inputs

    def emit(self, name: str, operands: tuple[int, ...]) -> int:
        """Return the place of an instruction's result; it is written where nothing simpler has the same bits.

        One operand at least is no constant: what is known while tracing is a plain float, and Python computes with it.
        """
        rule = SIMPLER.get(name)
        if rule is not None:
            simpler: int | None = rule(self, *operands)
            if simpler is not None:
                return simpler
        facts = _FACTS.get(name)
        if facts is None:
            facts = _facts(name)
        if name == "add":  # −0.0 is only the sum of two of them
            never = self.never_minus_zero(operands[0]) or self.never_minus_zero(operands[1])
        elif name == "mul":
            never = operands[0] == operands[1]
        elif name == "where":
            never = self.never_minus_zero(operands[1]) and self.never_minus_zero(operands[2])
        else:
            never = False
        return self.enter(self._code(name), operands, facts | NEVER_MINUS_ZERO if never else facts)

    def _code(self, name: str) -> int:
        code = self.codes.get(name)
        return self.codes.setdefault(name, len(self.codes)) if code is None else code

    def append(self, name: str, operands: tuple[int, ...]) -> int:
        """Write an instruction as it is, though there may be one like it; return its place."""
        return self.append_row(self._code(name), operands, 0)

    def input_from_outside(self) -> int:
        """Return the place of a new input."""
        self._used.append(self.append("input", ()))
        return self._used[-1]

    def call(self, procedure: Procedure, arguments: Sequence[int]) -> list[int]:
        """Call a procedure, and return the places of its results: those of a call before, if one was like this."""
        number = self._procedures.setdefault(procedure.content, (len(self._procedures), procedure))[0]
        key = (number, *arguments)
        if key not in self._calls:
            place = self.append(f"{CALL}{number}", (self.row(arguments),))
            results = range(procedure.results)
            self._calls[key] = [self.append(RESULT, (place, self.constant(float(k)))) for k in results]
        return self._calls[key]

    def row(self, places: Sequence[int]) -> int:
        """Put numbers in a row, for the instruction that follows; return the place of the whole."""
        whole = self.constant(0.0)
        for k, place in enumerate(places):
            whole = self.append(ARGUMENT, (whole, place, self.constant(float(k))))
        return whole

    def emit_sum(self, a: int, b: int) -> int:
        """Return the place of a + b, of which both may be constants."""
        x, y = self.number(a), self.number(b)
        return self.emit("add", (a, b)) if x is None or y is None else self.constant(x + y)

    def constant(self, x: float) -> int:
        """Return the place of a constant."""
        key: Any = x if x == x and x != 0.0 else struct.pack("d", x)  # 0.0 and −0.0 are equal, and not the same
        place = self._constant_places.get(key)
        if place is None:
            place = self._constant_places[key] = ~len(self.constants)
            self.constants.append(x)
        self.remember(x, place)
        return place

    def number(self, place: int) -> float | None:
        """Return the constant at a place, or None where a value is."""
        return self.constants[~place] if place < 0 else None

    def operand_of(self, name: str, place: int) -> int | None:
        """Return the operand of a negation, say, or None where the place holds something else."""
        return self.operands(place)[0] if place >= 0 and self.code(place) == self.codes.get(name) else None

    def never_minus_zero(self, place: int) -> bool:
        """Whether the number at a place is known to be another than −0.0."""
        if place >= 0:
            return bool(self.facts(place) & NEVER_MINUS_ZERO)
        x = self.constants[~place]
        return x != 0.0 or math.copysign(1.0, x) > 0.0

    def finish(self, outputs: Sequence[int]) -> Program:
        """Return the program of what the outputs need."""
        import numpy as np

        first, used = len(self.names), self._used
        names = [*self.names, *[f"u{k}" for k in range(len(used))]]
        table = np.frombuffer(self.table(), [("operands", "i4", WIDEST), ("code", "u2"), ("facts", "u2")])[first:]
        instructions = widened(tuple(self.codes), table["code"], table["operands"])
        if used:  # inputs come first
            others = np.setdiff1d(np.arange(first, len(self)), used)
            new = np.arange(len(self))
            new[[*used, *others]] = np.arange(first, len(self))
            instructions, outputs = instructions.moved(new, others - first), moved(outputs, new).tolist()
        procedures = [procedure for _, procedure in self._procedures.values()]
        return Program.pruned(names, self.constants, instructions, outputs, procedures)


# Each rule returns the place of something simpler that holds the same bits, or None.


def _add(draft: Draft, a: int, b: int) -> int | None:
    if a < 0 or b < 0:
        x, c = (b, draft.constants[~a]) if a < 0 else (a, draft.constants[~b])
        if c == 0.0 and (math.copysign(1.0, c) < 0.0 or draft.never_minus_zero(x)):
            return x
    if (inner := draft.operand_of("neg", b)) is not None:
        return draft.emit("sub", (a, inner))
    if (inner := draft.operand_of("neg", a)) is not None:
        return draft.emit("sub", (b, inner))
    condition = draft.operand_of("where", a)
    return None if condition is None or condition != draft.operand_of("where", b) else _add_choices(draft, a, b)


def _add_choices(draft: Draft, a: int, b: int) -> int | None:
    """Add before the choice, where −0.0, which changes no sum, stands in one of the branches at least."""
    condition, *branches = draft.operands(a)
    pairs = list(zip(branches, draft.operands(b)[1:], strict=True))
    nothing = draft.constant(-0.0)
    if not any(nothing in pair for pair in pairs):
        return None
    return draft.emit("where", (condition, *[draft.emit_sum(x, y) for x, y in pairs]))


def _sub(draft: Draft, a: int, b: int) -> int | None:
    if b < 0:
        c = draft.constants[~b]
        return a if c == 0.0 and (math.copysign(1.0, c) > 0.0 or draft.never_minus_zero(a)) else None
    inner = draft.operand_of("neg", b)
    return None if inner is None else draft.emit("add", (a, inner))


def _mul(draft: Draft, a: int, b: int) -> int | None:
    if a < 0 or b < 0:
        x, c = (b, draft.constants[~a]) if a < 0 else (a, draft.constants[~b])
        if c == 1.0:
            return x
        if c == -1.0:
            return draft.emit("neg", (x,))
        inner = draft.operand_of("neg", x)
        if inner is None:
            return None
        negated = draft.constant(-c)
        return draft.emit("mul", (inner, negated))
    inner_a, inner_b = draft.operand_of("neg", a), draft.operand_of("neg", b)
    if inner_a is None and inner_b is None:
        return None
    if inner_a is not None and inner_b is not None:
        return draft.emit("mul", (inner_a, inner_b))
    return draft.emit(
        "neg", (draft.emit("mul", (a if inner_a is None else inner_a, b if inner_b is None else inner_b)),)
    )


def _div(draft: Draft, a: int, b: int) -> int | None:
    c = draft.number(b)
    if c is not None and math.frexp(c)[0] in (0.5, -0.5) and 2.0**-1022 <= abs(c) <= 2.0**1022:
        return draft.emit("mul", (a, draft.constant(1.0 / c)))  # by a power of two: one rounding of the same number
    return None


def _pow(draft: Draft, a: int, b: int) -> int | None:
    c = draft.number(b)
    if c == 2.0:
        return draft.emit("mul", (a, a))
    if c == 1.0:
        return a
    if c == 0.0:
        return draft.constant(1.0)  # of a nan too (IEEE 754, C)
    return None


def _where(draft: Draft, condition: int, a: int, b: int) -> int | None:
    c = draft.number(condition)
    if c is not None:
        return a if c else b
    if a == b:
        return a
    if (opposite := _opposite(draft, condition)) is not None:
        return draft.emit("where", (opposite, b, a))
    if draft.operand_of("where", a) == condition:
        return draft.emit("where", (condition, draft.operands(a)[1], b))
    if draft.operand_of("where", b) == condition:
        return draft.emit("where", (condition, a, draft.operands(b)[2]))
    return None


def _opposite(draft: Draft, condition: int) -> int | None:
    """Return the condition that was turned around: x of ``x xor 1``, which has its constant as the second operand."""
    if condition >= 0 and draft.code(condition) == draft.codes.get("^"):
        operands = draft.operands(condition)
        return operands[0] if draft.number(operands[1]) == 1.0 else None
    return None


def _joined(draft: Draft, a: int, b: int, neutral: float) -> int | None:
    """Join a condition with a known one, its opposite, or itself; ``neutral`` leaves every other one as it is."""
    for x, y in ((a, b), (b, a)):
        c = draft.number(y)
        if c is not None:
            return x if c == neutral else y
        if _opposite(draft, x) == y:
            return draft.constant(1.0 - neutral)
    return a if a == b else None


def _one_of_two(draft: Draft, a: int, b: int) -> int | None:
    if a == b:
        return draft.constant(0.0)
    if draft.number(a) is not None:
        return draft.emit("^", (b, a))
    c = draft.number(b)
    if c == 0.0:
        return a
    return _opposite(draft, a) if c == 1.0 else None


def _abs(draft: Draft, a: int) -> int | None:
    if draft.operand_of("abs", a) is not None:
        return a
    inner = draft.operand_of("neg", a)
    return None if inner is None else draft.emit("abs", (inner,))


_FACTS: dict[str, int] = {}  # of each instruction that was met


def _facts(name: str) -> int:
    row = row_of(name)
    facts = COMMUTATIVE * row.commutative | NEVER_MINUS_ZERO * row.never_minus_zero
    return _FACTS.setdefault(name, facts)


SIMPLER: dict[str, Callable[..., int | None]] = {
    "add": _add,
    "sub": _sub,
    "mul": _mul,
    "div": _div,
    "neg": lambda draft, a: draft.operand_of("neg", a),
    "pow": _pow,
    "where": _where,
    "abs": _abs,
    "&": lambda draft, a, b: _joined(draft, a, b, 1.0),
    "|": lambda draft, a, b: _joined(draft, a, b, 0.0),
    "^": _one_of_two,
    "identity": lambda draft, a: a,
}
