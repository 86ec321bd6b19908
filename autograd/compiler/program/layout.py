"""Where in scratch memory the stored numbers of a nest are. What is no longer read gives its memory to what follows."""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections.abc import Iterator

from .nest import Affine, Cell, Choice, Constant, Nest, Read, Table, Terms, Turns, Use, at_hand, carried_by, same_turns
from .procedures import ARGUMENT, is_transfer


class Layout:
    """Where in scratch memory the stored numbers of a nest are, counted in numbers of all lanes."""

    def __init__(self, nest: Nest) -> None:
        self.offsets: dict[Cell, Affine] = {}
        memory = _Memory()
        for cell, (begin, end) in sorted(_lifetimes(nest).items(), key=lambda pair: pair[1][0]):
            steps, length = [0] * len(cell.loops), 1
            for r in range(len(cell.loops) - 1, -1, -1):
                if cell.kept[r]:
                    steps[r], length = length, length * cell.loops[r].turns
            self.offsets[cell] = Affine(memory.take(length, begin, end), tuple(steps))
        self.size = memory.size
        self.arguments = self.results = 0
        self.arena: int | None = None
        if any(is_transfer(cell.name) for cell in nest.cells):
            self.arena, self.arguments = self.size, self.size + 1
            self.results = self.arguments + _most(nest, ARGUMENT, 2)
            self.size = self.results + max([procedure.results for procedure in nest.procedures], default=0)

    def of(self, use: Use, depth: int) -> Affine:
        """Return where a use reads, by the turns of so many loops around the reader."""
        offset = self.offsets[use.cell]
        base, steps = offset.base, [0] * depth
        for stride, index in zip(offset.steps, use.where, strict=True):
            base += stride * index.base
            steps = [step + stride * more for step, more in zip(steps, index.steps, strict=True)]
        return Affine(base, tuple(steps))


class _Memory:
    """Memory that grows, and of which blocks are given back at their end."""

    def __init__(self) -> None:
        self.size = 0
        self._taken: list[tuple[int, int, int]] = []  # the last position, offset and length of each, as a heap
        self._free: list[tuple[int, int]] = []  # lengths and offsets, in order
        self._begins: dict[int, int] = {}  # of what is free, the lengths by offset
        self._ends: dict[int, int] = {}  # and the offsets by end

    def take(self, length: int, begin: int, end: int) -> int:
        """Return where so much is free from one position to another; positions begin in ascending order."""
        while self._taken and self._taken[0][0] < begin:
            self._give(*heapq.heappop(self._taken)[1:])
        fit = bisect_left(self._free, (length, 0))
        if fit < len(self._free):
            free, offset = self._free[fit]
            self._forget(free, offset)
            if free > length:
                self._give(offset + length, free - length)
        else:
            offset, self.size = self.size, self.size + length
        heapq.heappush(self._taken, (end, offset, length))
        return offset

    def _give(self, offset: int, length: int) -> None:
        """Make a block free, one with those beside it."""
        if offset in self._ends:
            before = self._ends[offset]
            length += offset - before
            self._forget(offset - before, before)
            offset = before
        if offset + length in self._begins:
            more = self._begins[offset + length]
            self._forget(more, offset + length)
            length += more
        insort(self._free, (length, offset))
        self._begins[offset], self._ends[offset + length] = length, offset

    def _forget(self, length: int, offset: int) -> None:
        del self._free[bisect_left(self._free, (length, offset))]
        del self._begins[offset], self._ends[offset + length]


def _lifetimes(nest: Nest) -> dict[Cell, tuple[int, int]]:
    """Return between which cells, by their order, the numbers of each stored cell are needed.

    What is read in the turn that computes it lives within that turn; all else as long as the loops that turn meanwhile.
    """
    spans: dict[int, tuple[int, int]] = {}  # of loops, by identity: their first and last cell
    _find_spans(nest.body, spans)
    uses = [(use, reader) for reader in nest.cells for read in reader.reads for use in _stored(read, reader)]
    within = {cell: len(cell.loops) for cell in nest.cells if cell.stored}  # loops of which no turn hands the number on
    for use, reader in uses:
        within[use.cell] = min(within[use.cell], same_turns(use, reader))
    found = {cell: _span(cell, level, spans) for cell, level in within.items()}
    for use, reader in uses:
        (begin, end), (first, last) = found[use.cell], _span(reader, within[use.cell], spans)
        found[use.cell] = min(begin, first), max(end, last)
    return found


def _find_spans(body: Terms, spans: dict[int, tuple[int, int]]) -> None:
    for term in body.terms:
        if isinstance(term, Turns):
            orders = [cell.order for cell in term.body.cells()]
            spans[id(term.loop)] = min(orders), max(orders)
            _find_spans(term.body, spans)


def _span(cell: Cell, level: int, spans: dict[int, tuple[int, int]]) -> tuple[int, int]:
    """Return the first and the last cell of the loop at that level around a cell, or the cell alone."""
    return spans[id(cell.loops[level])] if level < len(cell.loops) else (cell.order, cell.order)


def _stored(read: Read, reader: Cell) -> Iterator[Use]:
    """Go through the uses of a read that go to memory."""
    if isinstance(read, Choice):
        yield from _stored(read.one, reader)
        if carried_by(read, reader) is None:
            yield from _stored(read.others, reader)
    elif isinstance(read, Table):
        for cell in {cell for cell, _ in read.uses}:
            yield Use(cell, ())
    elif isinstance(read, Use) and not at_hand(read, reader):
        yield read


def _most(nest: Nest, name: str, i: int) -> int:
    """Return how many numbers the instructions of that name have a place for, which their operand i says."""
    reads = [cell.reads[i] for cell in nest.cells if cell.name == name]
    return 1 + int(max([max(read.numbers) for read in reads if isinstance(read, Constant)], default=-1.0))
