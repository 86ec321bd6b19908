"""Where the values of a long program lie that pass from one of its parts to the next."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from autograd.compiler.program.pack import Packing
from autograd.compiler.program.program import Program

PART = 128  # instructions in a function of a program that is cut up


class Slots:
    """The parts of a program, and a slot in memory for each value that a later part uses: as few as will do."""

    def __init__(self, program: Program, uniform: int, packing: Packing | None = None, width: int = 1) -> None:
        self.uniform, self.width = uniform, width
        self.begins = packing.begins if packing is not None else frozenset()
        self.lane_of = {begin + i: (begin, i) for begin in self.begins for i in range(width)}
        self.spans = self._cut(len(program.inputs), len(program.instructions))  # the instructions of each part
        self.parts = len(self.spans)
        self.part_of = [-1] * len(program.inputs)
        for part, (begin, end) in enumerate(self.spans):
            self.part_of += [part] * (end - begin)
        self.slot: dict[int, int] = {}
        self.size = 0
        self._assign(program, packing.rows if packing is not None else ())

    def _cut(self, first: int, count: int) -> list[tuple[int, int]]:
        spans = []
        begin = 0
        while begin < count:
            end = min(begin + PART, count)
            while end < count and self.lane_of.get(first + end, (0, 0))[1]:  # no pack is torn
                end += 1
            spans.append((begin, end))
            begin = end
        return spans

    def _last_uses(self, program: Program) -> dict[int, int]:
        """Return for each value that passes between parts the last part that uses it."""
        last_use: dict[int, int] = {}
        for part, (_, operands) in zip(self.part_of[len(program.inputs) :], program.instructions, strict=True):
            for place in operands:
                if place >= self.uniform and self.part_of[place] != part:
                    last_use[place] = part
        return last_use | dict.fromkeys([place for place in program.outputs if place >= self.uniform], self.parts)

    def _assign(self, program: Program, rows: tuple[tuple[int, ...], ...]) -> None:
        first, last_use = len(program.inputs), self._last_uses(program)
        row_of = {place: row for row in rows for place in row}
        free: dict[int, list[int]] = defaultdict(list)  # by size
        ending: dict[int, list[tuple[int, int]]] = defaultdict(list)  # after which part they are free again

        def take(members: Sequence[int]) -> None:
            uses = [last_use[place] for place in members if place in last_use]
            if uses:
                size = len(members)
                if free[size]:
                    slot = free[size].pop()
                else:
                    slot, self.size = self.size, self.size + size
                self.slot.update({place: slot + i for i, place in enumerate(members)})
                ending[max(uses)].append((size, slot))

        for place in range(self.uniform, first):  # the inputs that differ from lane to lane
            take((place,))
        for part, (begin, end) in enumerate(self.spans):
            for place in range(first + begin, first + end):
                if place in self.begins:
                    take(range(place, place + self.width))
                elif place in last_use and place not in self.lane_of and place not in self.slot:
                    take(row_of.get(place, (place,)))
            for size, slot in ending[part]:
                free[size].append(slot)
