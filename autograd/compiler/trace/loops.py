"""Loops that the traced function says itself: the body is traced once, and so is its derivative.

A loop of Values is one node of the graph. Its number is a ``Vector``: the state after the last turn, the number of
turns, and tapes. Its derivative is a loop as well, written in the same words: backwards over the turns, each of which
runs the body again, on the state that the turn began with, and sweeps back over the graph of this one turn. So the loop
keeps its states on a tape, and nothing else. Since that derivative is a loop of traced numbers or Values like any
other, it has derivatives of its own, to any order.
"""

from __future__ import annotations

import functools
import itertools
import math
import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from autograd import modes
from autograd._engine import Value
from autograd.compiler.program.procedures import ELEMENT, TAKEN, TAPE, Procedure
from autograd.compiler.program.program import Program
from autograd.errors import TraceError
from autograd.functional import as_result, fresh_value, sweep_back, sweep_forward
from autograd.operation import ABSENT, Number, Operation, bare, is_node, listed
from autograd.ops import where

from .recorder import Trace
from .traced import Recorded, Traced, TracedBool, here


class Vector(Number):
    """Several numbers that flow through a graph as one: those of a tape, or the results of a loop, tapes among them.

    Its ``level`` tells the one, 1, from the other, 2.
    """

    __slots__ = ()
    level: int

    def pick(self, i: int) -> Any:
        """Return a number of them, or None where it is absent."""
        raise NotImplementedError

    def apply(self, op: Operation, operands: tuple[Any, ...]) -> Any:
        """Return a sum."""
        return op.forward(*operands)

    def __add__(self, other: Any) -> Any:
        if is_node(other):
            return NotImplemented
        return Sum(self, other) if isinstance(other, Vector) else self  # or an adjoint begins

    def __mul__(self, other: Any) -> Any:
        return NotImplemented if is_node(other) else self  # the partial of a sum is 1

    __radd__, __rmul__ = __add__, __mul__


class Results(Vector):
    """The results of a loop."""

    __slots__ = ("numbers",)
    level = 2

    def __init__(self, numbers: Sequence[Any]) -> None:
        self.numbers = numbers

    def pick(self, i: int) -> Any:
        """Return a result."""
        return self.numbers[i]


class Tape(Vector, Recorded):
    """What a loop writes in each of its turns, or reads: rows of ``width`` numbers.

    There are ``turns`` rows, a traced number perhaps; ``rows`` is the same where it is known.
    """

    __slots__ = ("rows", "turns", "width")
    level = 1

    def __init__(self, trace: Trace, place: int, width: int, turns: Any, rows: int | None) -> None:
        Recorded.__init__(self, trace, place)
        self.width, self.turns, self.rows = width, turns, rows

    def pick(self, i: int) -> Any:
        """Return a number of the tape."""
        return self.trace.record(ELEMENT, (self, float(i)))

    __add__, __mul__, __radd__, __rmul__ = Vector.__add__, Vector.__mul__, Vector.__radd__, Vector.__rmul__


class One(Vector):
    """A vector of which one number is there, and all others are absent."""

    __slots__ = ("i", "level", "number")

    def __init__(self, i: int, level: int, number: Any) -> None:
        self.i, self.number, self.level = i, number, level

    def pick(self, i: int) -> Any:
        """Return it."""
        return self.number if i == self.i else None


class Sum(Vector):
    """The sum of two vectors, which is added up when a number of it is wanted."""

    __slots__ = ("_numbers", "_tapes", "level", "parts")

    def __init__(self, *parts: Vector) -> None:
        self.parts, self.level = parts, parts[0].level
        self._numbers: dict[int, Any] | None = None
        self._tapes: list[Vector] = []

    def pick(self, i: int) -> Any:
        """Return a number of the sum."""
        total = self.numbers().get(i)
        for tape in self._tapes:
            more = tape.pick(i)
            total = more if total is None else total + more
        return total

    def numbers(self) -> dict[int, Any]:
        """Return the numbers that are there one by one, by their index."""
        if self._numbers is None:
            self._numbers = {}
            stack: list[Vector] = [self]
            while stack:
                part = stack.pop()
                if isinstance(part, Sum):
                    stack += reversed(part.parts)
                elif isinstance(part, One):
                    before = self._numbers.get(part.i)
                    self._numbers[part.i] = part.number if before is None else before + part.number
                else:
                    self._tapes.append(part)
        return self._numbers

    def tapes(self) -> list[Vector]:
        """Return the tapes among the parts."""
        self.numbers()
        return self._tapes


def _operation(name: str, forward: Callable[..., Any], derivative: Callable[..., Any], **facts: Any) -> Operation:
    """Return an operation that is no row of the table, since there is one for each place in a program."""
    op = Operation(
        name, None, forward, derivative, text=listed(f"{name}("), derivative_text=lambda i, n: f"∂{name}/∂#{i}", **facts
    )
    object.__setattr__(op, "evaluate", forward)
    return op


class Unit(NamedTuple):
    """The partial between a vector and its number i: it brings an adjoint there, and picks a tangent."""

    i: int
    level: int

    def __mul__(self, flow: Any) -> Any:
        if getattr(bare(flow), "level", 0) == self.level:
            number = _picked(self.i, flow)
            return ABSENT if number is None else number
        if is_node(flow):
            return flow.apply(_PLACE[self.level], (flow, float(self.i)))
        return One(self.i, self.level, flow)


def _picked(i: int, vector: Any) -> Any:
    """Return a number of a vector, which may be a Value; None where it is absent."""
    if not is_node(vector):
        return vector.pick(i)
    if vector.data.pick(i) is None:
        return None
    return vector.apply(_PICK[vector.data.level], (vector, float(i)))


def _of_level(name: str, forward: Callable[[Any, int, int], Any], level: int) -> Operation:
    """Return an operation whose second operand is the index of a number: few operations serve any number of indices."""
    return _operation(name, lambda x, i: forward(x, int(i), level), lambda y, x, i: [Unit(int(bare(i)), level), None])


_PICK = {level: _of_level("pick", lambda x, i, _: x.pick(i), level) for level in (1, 2)}
_PLACE = {level: _of_level("place", lambda x, i, level: One(i, level, x), level) for level in (1, 2)}


def _place_of_number(trace: Trace, x: Any) -> int:
    """Return the place of a number: a condition is 1 or 0."""
    return trace.place(trace.record("where", (x, 1.0, 0.0)) if isinstance(x, TracedBool) else x)


def tape_of(numbers: Sequence[Any], rows: int) -> Any:
    """Put numbers, in so many rows, on a tape: in the outermost trace that has them all."""
    trace = modes.tracing.get().trace
    while trace.inside is not None:
        trace = trace.inside
    node = next((x for x in numbers if is_node(x)), None)
    plain = [bare(x) for x in numbers]
    for x in plain:
        if isinstance(x, TracedBool):
            x.refuse()
        if isinstance(x, Recorded) and x.trace.is_inside(trace):
            trace = x.trace
    places = tuple(map(trace.place, plain))
    if places not in trace.tapes:  # a list that is taken from again and again is one tape
        trace.tapes[places] = trace.append(TAPE, (trace.row(places), trace.constant(float(len(plain)))))
    tape = Tape(trace, trace.tapes[places], len(plain) // rows, float(rows), rows)
    if node is None:
        return tape
    return node.apply(
        _operation("tape", lambda *_: tape, lambda y, *xs: [Unit(i, 1) for i in range(len(xs))]), tuple(numbers)
    )


@dataclass(frozen=True)
class Loop:
    """A loop as the program says it, on lists of numbers.

    ``body(turn, state, rows)`` returns the new state and lists of numbers to be written on tapes, a row for each;
    ``rows`` has one for each tape that is read. The other fields are those of a procedure.
    """

    body: Callable[[Any, list[Any], list[list[Any]]], tuple[Sequence[Any], Sequence[Sequence[Any]]]]
    condition: Callable[[list[Any]], Any] | None = None
    backwards: bool = False
    limit: float = math.inf
    message: str = ""


@dataclass(frozen=True)
class Outcome:
    """What a loop gives: the state after the last turn, the number of turns, and the tapes that were written."""

    state: list[Any]
    turns: Any
    tapes: list[Any]


def run(loop: Loop, turns: Any, state: Sequence[Any], tapes: Sequence[Any] = (), rows: int | None = None) -> Outcome:
    """Write a loop into the trace: its body as a procedure, and a call; with Values, a node of the graph as well.

    ``turns`` is their number, which counts where there is no condition, and ``rows`` the same if it is known.
    """
    trace: Trace = modes.tracing.get().trace
    widths = [bare(tape).width for tape in tapes]
    condition, body = _traced_condition(trace, loop, state, widths), _Body(trace, loop, state, widths)
    if condition is not None:
        for x, _ in condition.used.values():  # the inputs of the condition are the first ones of the body
            body.trace.place(x)
    results, written = body.run()
    for x in (*state, *results, *itertools.chain(*written)):
        if isinstance(x, TracedBool):
            x.refuse()
    outside = _used_values(body.made, [*results, *[x for row in written for x in row]])
    operands = (*state, *tapes, *outside)
    differentiable = any(map(is_node, operands)) and not modes.graph_is_off()
    if differentiable:
        written = [*written, body.state]
    outputs = [bare(x) for row in [results, *written] for x in row]
    content = body.content(outputs) if differentiable else None
    procedure = Procedure(
        body.trace.close(outputs),
        None if condition is None else condition.program,
        len(state), tuple(widths), tuple(map(len, written)), loop.backwards, loop.limit, loop.message,
    )  # fmt: skip
    arguments = [turns, *state, *tapes, *[x for x, _ in body.trace.used.values()]]
    places = trace.call(procedure, [_place_of_number(trace, bare(x)) for x in arguments])
    numbers: list[Any] = [Traced(trace, place) for place in places[: len(state) + 1]]
    for place, row in zip(places[len(state) + 1 :], written, strict=True):
        numbers.append(Tape(trace, place, len(row), numbers[len(state)], rows))
    whole: Any = Results(numbers)
    if differentiable:
        used = [] if condition is None else [x for x, _ in condition.used.values()]
        derivative = _Derivative(loop, len(state), widths, outside, content, used)
        op = _operation("loop", lambda *_: Results(numbers), derivative.partials, tangent=derivative.tangent)
        whole = next(x for x in operands if is_node(x)).apply(op, operands)
        written = written[:-1]
    picks = [_picked(k, whole) for k in range(len(numbers) - differentiable)]
    return Outcome(picks[: len(state)], numbers[len(state)], picks[len(state) + 1 :])


class _Body:
    """The trace of a loop's body, inside the trace around."""

    def __init__(self, trace: Trace, loop: Loop, state: Sequence[Any], widths: Sequence[int]) -> None:
        names = ["i", *[f"s{k}" for k in range(len(state))]]
        names += [f"r{k}.{j}" for k, width in enumerate(widths) for j in range(width)]
        self.loop = loop
        self.trace = Trace(names, trace)
        numbers = self.trace.inputs()
        self.turn, self.state, rest = numbers[0], numbers[1 : 1 + len(state)], iter(numbers[1 + len(state) :])
        self.rows = [[next(rest) for _ in range(width)] for width in widths]
        self.made: set[int] = set()

    def run(self) -> tuple[list[Any], list[list[Any]]]:
        """Run the body, and return its results."""
        before = len(self.trace.made)
        with modes.trace_by(Tracer(self.trace)):
            results, written = self.loop.body(self.turn, list(self.state), self.rows)
        self.made = set(itertools.islice(reversed(self.trace.made), len(self.trace.made) - before))
        return list(results), [list(row) for row in written]

    def content(self, outputs: Sequence[Any]) -> Any:
        """Return what was written, for comparison: the instructions, and what they use from outside."""
        places = [self.trace.place(x) for x in outputs]
        return self.trace.table(), repr(self.trace.constants), list(self.trace.used), places


class _Condition(NamedTuple):
    program: Program
    used: dict[Any, tuple[Recorded, int]]


def _traced_condition(trace: Trace, loop: Loop, state: Sequence[Any], widths: Sequence[int]) -> _Condition | None:
    if loop.condition is None:
        return None
    body = _Body(trace, loop, state, widths)
    with modes.trace_by(Tracer(body.trace)):
        holds = bare(loop.condition(list(body.state)))
    return _Condition(body.trace.close([holds]), body.trace.used)


def _used_values(made: set[int], results: Sequence[Any]) -> list[Value]:
    """Return the Values from outside that the results of a body were made of: all but those that it made."""
    found: dict[int, Value] = {}
    seen: set[int] = set()
    stack = [x for x in reversed(results) if is_node(x)]
    while stack:
        x = stack.pop()
        if id(x) in seen:
            continue
        seen.add(id(x))
        if id(x) in made:
            stack += [operand for operand in reversed(x.operands) if is_node(operand)]
        elif x.requires_grad:
            found[id(x)] = x
    return list(found.values())


class _Derivative:
    """The derivative of a loop, whose operands are its state, its tapes, and the Values that its body uses."""

    def __init__(
        self, loop: Loop, state: int, widths: Sequence[int], outside: Sequence[Value], content: Any, used: Any
    ) -> None:
        self.used = used  # by the condition
        self.loop, self.state, self.widths, self.outside, self.content = loop, state, widths, outside, content
        self.tapes = len(widths)

    def check(self) -> None:
        """Raise TraceError where the body does not do the same again."""
        body = _Body(modes.tracing.get().trace, self.loop, [0.0] * self.state, self.widths)
        for x in self.used:
            body.trace.place(x)
        results, written = body.run()
        if body.content([bare(x) for row in [results, *written, body.state] for x in row]) != self.content:
            raise TraceError(
                "the body of a loop is run again for its derivative, and computed something else then: it draws random "
                "numbers, or uses an attribute, a global or an entry of a list that has changed since; give it what it "
                f"needs as the state, xs, or a variable of its own{here()}"
            )

    def partials(self, result: Any, *operands: Any) -> list[Any]:
        """Return what brings an adjoint of the results to each operand."""
        sweep = _Sweep(self, result, operands)
        return [_Part(sweep, i) for i in range(len(operands))]

    def turn(self, turn: Any, state: Sequence[Any], rows: Sequence[Sequence[Any]]) -> _Turn:
        """Run the body on fresh Values."""
        inputs = [fresh_value(x) for x in state]
        read = [[fresh_value(x) for x in row] for row in rows]
        with modes.enable_grad():
            new, written = self.loop.body(turn, list(inputs), [list(row) for row in read])
        results = [*new, *[x for row in written for x in row], *inputs]  # the last tape is that of the states
        return _Turn(
            [*inputs, *[x for row in read for x in row], *self.outside], results, [len(row) for row in written]
        )

    def back(self, result: Any, operands: Sequence[Any], adjoint: Any) -> list[Any]:
        """Return the adjoint of each operand: a loop backwards over the turns."""
        self.check()
        graph = is_node(result)
        numbers = bare(result).numbers
        known = [_if_present(_picked(k, adjoint)) for k in range(len(numbers))]
        first = [0.0 if x is None else as_result(x, graph) for x in known[: self.state]]
        written = zip(known[self.state + 1 :], numbers[self.state + 1 :], strict=True)
        adjoints = [None if x is None else _as_tape(x, like) for x, like in written]
        present = [x for x in adjoints if x is not None]
        read = operands[self.state : self.state + self.tapes]
        widths = [tape.width for tape in numbers[self.state + 1 :]]

        def body(turn: Any, carried: list[Any], rows: list[list[Any]]) -> tuple[list[Any], list[list[Any]]]:
            one = self.turn(turn, rows[0], rows[1 : 1 + self.tapes])
            rest = iter(rows[1 + self.tapes :])
            of_tapes = [x for k, n in enumerate(widths) for x in ([0.0] * n if adjoints[k] is None else next(rest))]
            seeds = [*zip(one.results, [*carried[: self.state], *of_tapes], strict=True)]
            seeds = [(x, seed) for x, seed in seeds if is_node(x) and not _is_zero(seed)]
            seeds += zip(self.outside, carried[self.state :], strict=True)
            table = sweep_back(seeds, one.inputs, graph, until=one.inputs)
            found = [as_result(table.get(x, 0.0), graph) for x in one.inputs]
            of_rows = found[self.state : len(found) - len(self.outside)]
            return [*found[: self.state], *found[len(found) - len(self.outside) :]], _cut(
                of_rows, map(len, rows[1 : 1 + self.tapes])
            )

        states = _picked(len(numbers) - 1, result)
        backwards = Loop(body, backwards=not self.loop.backwards)
        carried = [*first, *[0.0] * len(self.outside)]
        done = run(backwards, numbers[self.state], carried, [states, *read, *present], numbers[-1].rows)
        return [*done.state[: self.state], *done.tapes, *done.state[self.state :]]

    def tangent(self, node: Any, tangents: Sequence[Any], graph: bool) -> Any:
        """Return the tangent of the results: a loop whose state is that of the loop, and its tangent."""
        self.check()
        operands = node.operands if graph else [bare(x) for x in node.operands]
        numbers, tangents = node.data.numbers, list(map(_if_present, tangents))
        end = self.state + self.tapes
        slopes = [0.0 if x is None else as_result(x, graph) for x in tangents[: self.state]]
        read = operands[self.state : end]
        moving = [None if x is None else _as_tape(x, bare(tape)) for x, tape in zip(tangents[self.state : end], read)]
        present = [x for x in moving if x is not None]
        outside = {x: t for x, t in zip(self.outside, tangents[end:], strict=True) if t is not None}

        def body(turn: Any, carried: list[Any], rows: list[list[Any]]) -> tuple[list[Any], list[list[Any]]]:
            one = self.turn(turn, carried[: self.state], rows[: self.tapes])
            rest = iter(rows[self.tapes :])
            of_rows = [
                x for k, row in enumerate(rows[: self.tapes]) for x in (next(rest) if moving[k] else [None] * len(row))
            ]
            flows = [*carried[self.state :], *of_rows]
            table = {x: t for x, t in zip(one.inputs, flows) if t is not None and not _is_zero(t)} | outside
            table = sweep_forward([x for x in one.results if is_node(x)], table, graph)
            found = [as_result(table.get(x, 0.0) if is_node(x) else 0.0, graph) for x in one.results]
            new = one.results[: self.state]
            return [*(new if graph else map(bare, new)), *found[: self.state]], _cut(
                found[self.state :], [*one.widths, self.state]
            )

        done = run(
            Loop(body, backwards=self.loop.backwards),
            numbers[self.state],
            [*operands[: self.state], *slopes],
            [*read, *present],
            numbers[-1].rows,
        )
        parts = [*enumerate(done.state[self.state :]), *enumerate(done.tapes, self.state + 1)]
        return functools.reduce(operator.add, [Unit(k, 2) * x for k, x in parts])


class _Turn(NamedTuple):
    """A turn of a loop on fresh Values."""

    inputs: list[Any]  # the state, what was read, and the Values that the body uses
    results: list[Any]  # the new state, what was written, and the state at the beginning
    widths: list[int]  # of what was written


class _Sweep:
    """The sweep back through a loop, which gives the adjoints of all operands at once."""

    def __init__(self, derivative: _Derivative, result: Any, operands: Sequence[Any]) -> None:
        self.derivative, self.result, self.operands = derivative, result, operands
        self.last: tuple[Any, list[Any]] = (None, [])

    def adjoints(self, of_results: Any) -> list[Any]:
        """Return those of the operands."""
        if self.last[0] is not of_results:
            self.last = of_results, self.derivative.back(self.result, self.operands, of_results)
        return self.last[1]


class _Part(NamedTuple):
    """The partial of a loop by an operand."""

    sweep: _Sweep
    i: int

    def __mul__(self, adjoint: Any) -> Any:
        return self.sweep.adjoints(adjoint)[self.i]


def _if_present(x: Any) -> Any:
    return None if bare(x) is ABSENT else x


def _is_zero(x: Any) -> bool:
    return type(x) is float and x == 0.0


def _cut(numbers: Sequence[Any], widths: Iterable[int]) -> list[list[Any]]:
    rest = iter(numbers)
    return [[next(rest) for _ in range(width)] for width in widths]


def _as_tape(x: Any, like: Tape) -> Any:
    """Return an adjoint or a tangent of a tape as a tape."""
    data = bare(x)
    if isinstance(data, Tape):
        return x
    if isinstance(data, Sum) and not data.numbers():
        total = _added(data.tapes(), like)
        return x.apply(_operation("sum of tapes", lambda _: total, lambda y, x: [1.0]), (x,)) if is_node(x) else total
    assert like.rows is not None
    numbers = [_picked(i, x) for i in range(like.rows * like.width)]
    return tape_of([0.0 if number is None else as_result(number, is_node(number)) for number in numbers], like.rows)


def _added(tapes: Sequence[Any], like: Tape) -> Any:
    """Add tapes, row by row."""

    def body(turn: Any, state: Any, rows: list[list[Any]]) -> tuple[list[Any], list[list[Any]]]:
        return [], [[functools.reduce(operator.add, column) for column in zip(*rows, strict=True)]]

    (total,) = run(Loop(body), like.turns, [], tapes, like.rows).tapes
    return total


def numbers_of(tape: Any, rows: int) -> list[list[Any]]:
    """Return the numbers of a tape, row by row."""
    width = bare(tape).width
    return [[_picked(row * width + k, tape) for k in range(width)] for row in range(rows)]


def taken(numbers: Sequence[Any], index: Any) -> Any:
    """Return the number at a traced index."""
    if isinstance(index, TracedBool):
        index.refuse()
    count = float(len(numbers))
    tape = tape_of(list(map(bare, numbers)), len(numbers))
    number = index.trace.record(TAKEN, (tape, index, count))
    node = next((x for x in numbers if is_node(x)), None)
    if node is None:
        return number

    def derivative(y: Any, *xs: Any) -> list[Any]:
        place = where(index < 0.0, index + count, index)
        return [(place == float(i)).branch(True) for i in range(len(xs))]

    return node.apply(_operation("take", lambda *_: number, derivative), tuple(numbers))


class Tracer:
    """What writes down the loops that run while a function is traced: ``autograd.loops`` asks it."""

    condition = TracedBool
    numbers_of, tape_of, taken = staticmethod(numbers_of), staticmethod(tape_of), staticmethod(taken)

    def __init__(self, trace: Trace) -> None:
        self.trace = trace

    def run(self, body: Any, turns: Any, state: Sequence[Any], tapes: Any = (), rows: Any = None, **facts: Any) -> Any:
        """Write a loop, whose ``facts`` are the other fields of ``Loop``."""
        return run(Loop(body, **facts), turns, state, tapes, rows)
