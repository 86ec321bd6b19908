"""Long programs as many functions: what passes from one to the next, and where it lies."""

from __future__ import annotations

from autograd.compiler.program.pack import Packing
from autograd.compiler.program.program import Program

from .instructions import Load, Writer, load_splat, load_wide
from .module import Module

PART = 128  # instructions in a function of a program that is cut up


class Slots:
    """Where the values live that pass from one part of a program to another: as few places as will do."""

    def __init__(self, program: Program, uniform: int, packing: Packing | None = None, width: int = 1) -> None:
        first, count = len(program.inputs), len(program.instructions)
        begins = packing.begins if packing is not None else frozenset()
        self.uniform, self.begins, self.width = uniform, begins, width
        row_of = {place: row for row in (packing.rows if packing is not None else ()) for place in row}
        self.lane_of = {begin + i: (begin, i) for begin in begins for i in range(width)}
        self.spans: list[tuple[int, int]] = []  # the instructions of each part; no pack is torn
        begin = 0
        while begin < count:
            end = min(begin + PART, count)
            while end < count and self.lane_of.get(first + end, (0, 0))[1]:
                end += 1
            self.spans.append((begin, end))
            begin = end
        self.parts = len(self.spans)
        self.part_of = part_of = [-1] * first
        for part, (begin, end) in enumerate(self.spans):
            part_of += [part] * (end - begin)
        last_use: dict[int, int] = {}
        for index, (_, operands) in enumerate(program.instructions):
            part = part_of[first + index]
            for place in operands:
                if place >= uniform and part_of[place] != part:
                    last_use[place] = part
        for place in program.outputs:
            if place >= uniform:
                last_use[place] = self.parts
        self.slot: dict[int, int] = {}
        ends: list[list[int]] = [[] for _ in range(self.parts + 1)]  # slots that are free after a part
        packed: list[list[int]] = [[] for _ in range(self.parts + 1)]
        free: list[int] = []
        rows: list[int] = []
        self.size = 0
        for place in range(uniform, first):  # the inputs that differ from lane to lane
            self._take(place, last_use.get(place, 0), 1, free, ends)
        for part, (begin, end) in enumerate(self.spans):
            for place in range(first + begin, first + end):
                if place in begins:
                    uses = [last_use[p] for p in range(place, place + width) if p in last_use]
                    if uses:
                        self._take(place, max(uses), width, rows, packed)
                elif place in last_use and place in row_of and place not in self.slot:
                    row = row_of[place]
                    self._take(place, max([last_use.get(p, 0) for p in row]), width, rows, packed, row)
                elif place in last_use and place not in self.lane_of and place not in self.slot:
                    self._take(place, last_use[place], 1, free, ends)
            free += ends[part]
            rows += packed[part]

    def _take(
        self, place: int, last: int, count: int, free: list[int], ends: list[list[int]], row: tuple[int, ...] = ()
    ) -> None:
        if free:
            slot = free.pop()
        else:
            slot, self.size = self.size, self.size + count
        for i, member in enumerate(row or range(place, place + count)):
            self.slot[member] = slot + i
        ends[last].append(slot)

    def load(self, uniform: str, scratch: str, lanes: int) -> Load:
        splat, wide = load_splat(uniform, lanes), load_wide(scratch, self.slot.__getitem__, lanes)
        return lambda place, writer: splat(place, writer) if place < self.uniform else wide(place, writer)


def parts(
    module: Module, name: str, program: Program, lanes: int, uniform: int, packing: Packing | None = None
) -> Slots:
    """Add the functions ``void name.partK(double *uniform, vector *scratch)`` that make up the program.

    A huge function takes the compiler longer than its share, so a program is cut, and values pass through memory.
    """
    slots = Slots(program, uniform, packing, module.vector)
    wide = "double" if lanes == 1 else f"<{lanes} x double>"
    first = len(program.inputs)
    for part, (begin, end) in enumerate(slots.spans):
        module.open(f"define internal void @{name}.part{part}(ptr noalias %in, ptr noalias %scratch) #0 {{")
        writer = Writer(module, program, lanes, slots.load("%in", "%scratch", lanes))
        writer.slots, writer.part = slots, part
        writer.write(begin, end)
        for place in range(first + begin, first + end):
            if place not in slots.slot or slots.lane_of.get(place, (0, 0))[1]:
                continue
            kind = f"<{slots.width} x double>" if place in slots.begins else wide
            whole = list(range(place, place + slots.width))
            number = writer.vector(whole) if place in slots.begins else writer.number(place)
            address = writer.fresh()
            writer.lines.append(f"  {address} = getelementptr {wide}, ptr %scratch, i64 {slots.slot[place]}")
            writer.lines.append(f"  store {kind} {number}, ptr {address}, align 8")
        module.close()
    return slots
