"""Loops that a compiled function keeps as loops.

In plain Python each is what it looks like: it runs the body turn by turn, and Values build a graph of all turns. Inside
``jit`` the body is traced once, whatever the number of turns, which may depend on the numbers. The compiled gradient is
a loop backwards: it keeps one state for each turn and computes the rest of the turn again, and so takes once or twice
the time of the loop. It may add in another order than plain Python, and so differ from it in the last digit.

A state is a number, or lists, tuples, dicts, dataclasses and arrays of numbers. Its structure must stay the same.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

from . import modes
from .operation import Number, bare, is_truth
from .pytree import flatten, flatten_like, is_number


def loop(count: Any, body: Callable[[Any, Any], Any], state: Any) -> Any:
    """Return the state after ``count`` times ``state = body(i, state)``, where i goes from 0 to count − 1.

    In plain Python, i is an int. Inside ``jit`` it is a traced number, which as always is a float (1 / i is inf at 0),
    and with which ``take`` takes from a list; ``count`` may be one too. Raises ValueError for a count that is not a
    whole number from 0 on (for a traced one when the compiled function runs), TypeError for a state that is no
    structure of numbers, or a body that changes its structure.

    >>> loop(10, lambda i, x: 0.5 * (x + 2.0 / x), 1.0)
    1.414213562373095
    >>> from autograd import grad, jit
    >>> jit(grad(lambda rate: loop(3, lambda i, x: rate * x, 1.0)))(2.0)
    12.0
    """
    words = _words("loop", body)
    if modes.tracing.get() is None:
        flatten(state)
        for i in range(_whole(count)):
            state = _same(body(i, state), state, words)
        return state
    body = _as_it_is(body)
    leaves, build = flatten(state)
    traced = isinstance(count, Number) and not isinstance(count, modes.tracing.get().condition)
    turns = count if traced else _whole(count)

    def step(i: Any, numbers: list[Any], rows: Any) -> Any:
        return _leaves(body(i, build(numbers)), state, words), []

    return build(modes.tracing.get().run(step, turns, leaves).state)


def while_loop(
    condition: Callable[[Any], Any], body: Callable[[Any], Any], state: Any, limit: int | None = None
) -> Any:
    """Return the first state of which ``condition(state)`` does not hold: until then, ``state = body(state)``.

    After ``limit`` turns it raises RuntimeError. Without a limit, a loop that does not end is one for ever. A gradient
    goes through the turns that were made; their number has none. Raises TypeError for a body that changes the structure
    of the state, or a condition that is no comparison.

    >>> root = lambda a: while_loop(lambda x: abs(x * x - a) > 1e-12, lambda x: 0.5 * (x + a / x), 1.0, limit=100)
    >>> root(2.0)
    1.414213562373095
    >>> from autograd import grad, jit
    >>> f"{jit(grad(root))(2.0):.9f}"
    '0.353553391'
    """
    words = _words("while_loop", body)
    if limit is not None and (type(limit) is not int or limit < 0):
        raise ValueError(f"limit is a number of turns, 0 or more, or None, and {limit!r} was given")
    message = f"{words} had not ended after {limit} turns; its condition still held"
    if modes.tracing.get() is None:
        flatten(state)
        turns = 0
        while _truth(condition(state), words):
            if turns == limit:
                raise RuntimeError(message)
            state = _same(body(state), state, words)
            turns += 1
        return state
    body, condition = _as_it_is(body), _as_it_is(condition)
    leaves, build = flatten(state)

    def step(i: Any, numbers: list[Any], rows: Any) -> Any:
        return _leaves(body(build(numbers)), state, words), []

    def holds(numbers: list[Any]) -> Any:
        return _truth(condition(build(numbers)), words)

    most = math.inf if limit is None else float(min(limit, 2**62))
    return build(modes.tracing.get().run(step, 0.0, leaves, condition=holds, limit=most, message=message).state)


def scan(body: Callable[[Any, Any], Any], state: Any, xs: Sequence[Any]) -> tuple[Any, list[Any]]:
    """Go through ``xs`` with ``state, y = body(state, x)``; return the last state, and the list of all y.

    The entries of ``xs`` are numbers, or structures of numbers, all alike; so are the y, which may also be None.
    Raises TypeError for a body that changes the structure of the state or of y, ValueError for entries that differ.

    >>> scan(lambda total, x: (total + x, total * x), 0.0, [1.0, 2.0, 3.0])
    (6.0, [0.0, 2.0, 9.0])
    """
    words, given = _words("scan", body), cast(object, xs)
    if not isinstance(given, Iterable) or isinstance(given, (str, bytes, Mapping)):
        raise TypeError(f"scan goes through a list of numbers, or of structures of numbers, and {xs!r} was given as xs")
    entries = list(xs)
    flatten([state, entries])
    if modes.tracing.get() is not None:
        body = _as_it_is(body)

    def step(state: Any, x: Any) -> tuple[Any, Any]:
        result = body(state, x)
        if not isinstance(result, tuple) or len(result) != 2:
            raise TypeError(f"{words} returns two things, the new state and y; it returned {result!r}")
        return result

    if modes.tracing.get() is None or not entries:
        ys: list[Any] = []
        for x in entries:
            if not (is_number(x) and is_number(entries[0])):
                flatten_like(x, entries[0], "an entry of xs")
            new, y = step(state, x)
            state = _same(new, state, words)
            ys.append(y if not ys or y is None is ys[0] else _same(y, ys[0], words, "y"))
        return state, ys
    return _traced_scan(step, state, entries, words)


def _traced_scan(
    step: Callable[[Any, Any], tuple[Any, Any]], state: Any, entries: list[Any], words: str
) -> tuple[Any, list[Any]]:
    tracer = modes.tracing.get()
    leaves, build = flatten(state)
    build_row = flatten(entries[0])[1]
    tape = tracer.tape_of(
        [x for entry in entries for x in flatten_like(entry, entries[0], "an entry of xs")], len(entries)
    )
    build_y: list[Any] = [None]

    def body(i: Any, numbers: list[Any], rows: list[list[Any]]) -> tuple[list[Any], list[list[Any]]]:
        new, y = step(build(numbers), build_row(rows[0]))
        found, build_y[0] = ([], lambda numbers: None) if y is None else flatten(y)
        return _leaves(new, state, words), [found]

    done = tracer.run(body, len(entries), leaves, tapes=[tape], rows=len(entries))
    return build(done.state), [build_y[0](numbers) for numbers in tracer.numbers_of(done.tapes[0], len(entries))]


def take(entries: Sequence[Any], index: Any) -> Any:
    """Return ``entries[index]``, where the index may be a traced number or a Value; it has no derivative.

    An entry is a number or a structure of numbers, all alike. The index is whole; from −len(entries) to −1 it counts
    from the end. Raises IndexError for any other index, inside ``jit`` when the compiled function runs.

    >>> take([1.0, 4.0, 9.0], 2)
    9.0
    >>> from autograd import jit
    >>> jit(lambda xs, i: take(xs, i))([1.0, 4.0, 9.0], -1.0)
    9.0
    """
    number = bare(index)
    if not hasattr(entries, "__len__"):
        raise TypeError(f"take takes from a list of numbers, or of structures of numbers, and {entries!r} was given")
    if not isinstance(number, Number):
        count = len(entries)
        if is_truth(number) or not is_number(number) or number % 1 != 0 or not -count <= number < count:
            raise IndexError(
                f"take wants a whole index from {-count} to {count - 1}, for {count} entries, and {index!r} was given"
            )
        return entries[int(number)]
    if not len(entries):
        raise IndexError("take from an empty list was asked for; there is no entry")
    build = flatten(entries[0])[1]
    rows = [flatten_like(entry, entries[0], "an entry to take") for entry in entries]
    return build([modes.tracing.get().taken(column, number) for column in zip(*rows, strict=True)])


def _as_it_is(body: Any, depth: int = 3) -> Any:
    """Return the function with the variables around it as they are now: its derivative is asked for later."""
    if not isinstance(body, types.FunctionType) or not body.__closure__ or not depth:
        return body
    cells = []
    for cell in body.__closure__:
        try:
            cells.append(types.CellType(_as_it_is(cell.cell_contents, depth - 1)))
        except ValueError:  # it has no content yet
            cells.append(cell)
    copy = types.FunctionType(body.__code__, body.__globals__, body.__name__, body.__defaults__, tuple(cells))
    copy.__kwdefaults__ = body.__kwdefaults__
    return copy


def _words(name: str, body: Any) -> str:
    code = getattr(body, "__code__", None)
    return f"the body of {name}" + ("" if code is None else f" at {code.co_filename}:{code.co_firstlineno}")


def _whole(count: Any) -> int:
    """Return the number of turns."""
    number = bare(count)
    if is_truth(number) or not is_number(number) or number % 1 != 0 or not 0 <= number < math.inf:
        raise ValueError(f"loop takes a whole number of turns, 0 or more, and {count!r} was given")
    return int(number)


def _truth(holds: Any, words: str) -> Any:
    """Return what a condition says."""
    holds, tracer = bare(holds), modes.tracing.get()
    if is_truth(holds):
        return bool(holds)
    if tracer is None or not isinstance(holds, tracer.condition):
        raise TypeError(f"the condition of the loop with {words} is a comparison, and it returned {holds!r}")
    return holds


def _same(new: Any, state: Any, words: str, what: str = "the state") -> Any:
    """Return what a body made, which must have the structure of what went in."""
    if not (is_number(new) and is_number(state)):
        _leaves(new, state, words, what)
    return new


def _leaves(new: Any, state: Any, words: str, what: str = "the state") -> list[Any]:
    try:
        return flatten_like(new, state, what)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{words} returned another structure: {error}") from None
