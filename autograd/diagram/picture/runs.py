"""What a graph repeats, turn after turn: the terms of a long sum, the links of a chain, the samples of a batch.

The values of a graph in topological order are like the instructions of a program whose loops were unrolled. A run is a
stretch of them that is one block, its turn, again and again: alike in its operations and in how they hang together.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from typing import Any, NamedTuple

from autograd._engine import Value

from .select import operands

IN_SIGHT = {True: (3, 2), False: (1, 1)}  # turns before and after those that are folded, where a turn is short or not
SHORT = 10  # values in a turn
MIN_TURNS = 10
LEAST = 20  # values that are worth a box
LONGEST_TURN = 400  # values
_MOST = 100  # runs in one graph
_CANDIDATES = 12  # lengths of a turn that are tried


class Run(NamedTuple):
    """What is folded of a run: `turns` turns, at the places `start` to `end` in the order of the values."""

    start: int
    end: int
    turns: int


def find_runs(order: Sequence[Value], alone: Container[int] = ()) -> list[Run]:
    """The turns to fold, of every run that has at least ten; no two overlap.

    Values whose `id()` is in `alone` are in none. The longest run comes first. What it leaves is searched again, the
    turns that stay in sight too: a long sum of long sums shows both ends of both.
    """
    places = {id(v): i for i, v in enumerate(order)}
    numbers: dict[Any, int] = {}  # of values that are alike
    marks = [id(v) if id(v) in alone else _likeness(v, places) for v in order]
    alike = [numbers.setdefault(mark, len(numbers)) for mark in marks]
    runs: list[Run] = []
    waiting = [(0, len(order))]
    while waiting and len(runs) < _MOST:
        low, high = waiting.pop()
        found = _longest(alike[low:high])
        if found is None:
            continue
        start, end, length = low + found[0], low + found[1], found[2]
        start += _first_cut(order, places, start, length, (end - start) % length)
        turns = (end - start) // length
        first, last = IN_SIGHT[length <= SHORT]
        run = Run(start + first * length, start + (turns - last) * length, turns - first - last)
        if run.end - run.start >= LEAST:
            runs.append(run)
            waiting += [(low, run.start), (run.end, high)]
    return sorted(runs)


def _likeness(v: Value, places: Mapping[int, int]) -> Any:
    """What two values have in common that do the same in two turns: the operation, and how far away its operands are.

    A leaf may be anywhere: all turns may use the same parameter. So may what is further away than the longest turn. A
    result that has a name is like others that have one, and a power like others to the same exponent.
    """
    if v.op is None:
        return v.requires_grad
    at = places[id(v)]
    exponent = repr(v.operands[1]) if v.op.name == "pow" and not isinstance(v.operands[1], Value) else ""
    return (
        v.op.name,
        exponent,
        bool(v.name),
        *(min(at - places[id(o)], LONGEST_TURN) if o.op is not None else 0 for o in operands(v)),
    )


def _longest(alike: Sequence[int]) -> tuple[int, int, int] | None:
    """Where the longest run begins and ends, and how long its turn is; None where there is none."""
    found = None
    for length in _lengths(alike):
        at = 0
        for same, stretch in itertools.groupby(map(int.__eq__, alike, alike[length:])):
            count = sum(1 for _ in stretch)
            turns = count // length + 1
            if same and turns > MIN_TURNS and (found is None or turns * length > found[1] - found[0]):
                found = at, at + count + length, length
            at += count
    return found


def _lengths(alike: Sequence[int]) -> list[int]:
    """Lengths that a turn may have, the likely ones: how far apart the same three values in a row stand."""
    last: dict[tuple[int, ...], int] = {}
    votes: Counter[int] = Counter()
    for i, three in enumerate(zip(alike, alike[1:], alike[2:])):
        if three in last:
            votes[i - last[three]] += 1
        last[three] = i
    lengths = [length for length in votes if length <= LONGEST_TURN]
    # an outer loop is told by few places, and covers as many values as the one inside it
    return sorted(lengths, key=lambda length: (-votes[length] * length, length))[:_CANDIDATES]


def _first_cut(order: Sequence[Value], places: Mapping[int, int], start: int, length: int, wanted: int) -> int:
    """By how much a turn begins later: where most edges begin and end in the same one, so that terms stay whole.

    Where several places are as good it is the `wanted` one, if that is one of them.
    """
    changes = [0] * (length + 1)  # in the number of those edges, from one offset to the next
    at = start + length * (MIN_TURNS // 2)
    for i in range(at, at + 2 * length - 1):
        for o in operands(order[i]):
            first, last = max(i - at - length + 1, 0), min(places[id(o)] - at, length - 1)
            if first <= last:
                changes[first] += 1
                changes[last + 1] -= 1
    inside = list(itertools.accumulate(changes[:length]))
    return wanted if inside[wanted] == max(inside) else inside.index(max(inside))
