"""Long programs as many functions, between which values pass through memory, and packs in them."""

from __future__ import annotations

from autograd.compiler.program.pack import Packing
from autograd.compiler.program.program import Program
from autograd.ops import OPERATIONS

from .function import Function, literal, splat, vector
from .instructions import Writer, load_shared
from .module import Module
from .slots import Slots


def parts(
    module: Module, name: str, program: Program, lanes: int, uniform: int, packing: Packing | None = None
) -> Slots:
    """Add the functions ``void name.partK(double *uniform, vector *scratch)`` that make up the program.

    A huge function takes the compiler longer than its share, so a program is cut, and values pass through memory.
    """
    slots = Slots(program, uniform, packing, module.pack_width)
    first, wide = len(program.inputs), vector(lanes)
    for part, (begin, end) in enumerate(slots.spans):
        function = module.function(f"internal void @{name}.part{part}(ptr noalias %in, ptr noalias %scratch) #0")
        writer = PartWriter(module, function, program, lanes, slots, part)
        writer.write(begin, end)
        for place in range(first + begin, first + end):
            if place in slots.begins and place in slots.slot:
                pack = writer.vector(list(range(place, place + slots.width)))
                function.store(pack, function.nth("%scratch", slots.slot[place], wide), vector(slots.width))
            elif place in slots.slot and place not in slots.lane_of:
                number = writer.number(place)
                function.store(number, function.nth("%scratch", slots.slot[place], wide), wide)
        function.end()
    return slots


class PartWriter(Writer):
    """Writes one part of a program, with its packs as vectors; without ``part``, what follows the last part.

    A value that all samples share is loaded from ``%in``, and any other from its slot in ``%scratch``.
    """

    def __init__(
        self, module: Module, function: Function, program: Program, lanes: int, slots: Slots, part: int = 0
    ) -> None:
        def load(place: int) -> str:
            if place < slots.uniform:
                return load_shared(function, "%in", place, lanes)
            return function.load(function.nth("%scratch", slots.slot[place], vector(lanes)), vector(lanes))

        super().__init__(module, function, program, lanes, load)
        self._slots, self._part, self._width, self._wide = slots, part, slots.width, vector(slots.width)
        self._packs: dict[int, str] = {}  # the vectors that are at hand, by the place at which a pack begins
        self._vectors: dict[tuple[int, ...], str] = {}  # other vectors, by their numbers

    def write(self, first: int, last: int) -> None:
        """Write instructions number first to last − 1, with each pack as one."""
        index, base = first, len(self.program.inputs)
        while index < last:
            packed = base + index in self._slots.begins
            if packed:
                self._write_pack(index)
            else:
                super().write(index, index + 1)
            index += self._width if packed else 1

    def _write_pack(self, index: int) -> None:
        place = len(self.program.inputs) + index
        group = self.program.instructions[index : index + self._width]
        row = OPERATIONS[group[0].name]
        operands = [list(places) for places in zip(*[instruction.operands for instruction in group], strict=True)]
        if row.commutative and len({tuple(sorted(pair)) for pair in zip(*operands, strict=True)}) == self._width:
            operands = _turned(*operands)
        numbers = ", ".join(map(self.vector, operands))
        self.function.lines.append(f"  %v{place} = {row.llvm}{self.module.flags} {self._wide} {numbers}")
        self._packs[place] = f"%v{place}"

    def vector(self, places: list[int]) -> str:
        """Return a vector of these values: a pack, inputs in a row, one value in all lanes, or put together."""
        first, alike = places[0], len(set(places)) == 1
        in_a_row = first >= 0 and places == list(range(first, first + self._width))
        if first < 0 and alike:
            return splat(literal(self.program.constants[~first]), self._width)
        if in_a_row and first in self._slots.begins:
            if first not in self._packs:
                self._packs[first] = self._row("%scratch", self._slots.slot[first])
            return self._packs[first]
        key = tuple(places)
        if key not in self._vectors:
            if in_a_row and places[-1] < self._slots.uniform:
                self._vectors[key] = self._row("%in", first)
            elif alike:
                self._vectors[key] = self.function.spread(self.operand(first), self._width)
            elif self._side_by_side(places):
                self._vectors[key] = self._row("%scratch", self._slots.slot[first])
            else:
                self._vectors[key] = self._put_together(places)
        return self._vectors[key]

    def _row(self, pointer: str, i: int) -> str:
        return self.function.load(self.function.nth(pointer, i), self._wide)

    def _side_by_side(self, places: list[int]) -> bool:
        """Whether values of earlier parts lie in memory as a row."""
        slot, part_of = self._slots.slot, self._slots.part_of
        begin = slot.get(places[0])
        return begin is not None and all(
            slot.get(place) == begin + i and 0 <= part_of[place] < self._part for i, place in enumerate(places)
        )

    def _put_together(self, places: list[int]) -> str:
        row = "poison"
        for i, place in enumerate(places):
            number = self.operand(place)
            row = self.function.put(f"insertelement {self._wide} {row}, double {number}, i64 {i}")
        return row

    def fetch(self, place: int) -> str:
        """Take a value out of its pack, where that is at hand, or load it."""
        begin, lane = self._slots.lane_of.get(place, (-1, 0))
        if begin in self._packs:
            return self.function.put(f"extractelement {self._wide} {self._packs[begin]}, i64 {lane}")
        return super().fetch(place)

    def store(self, first: int, last: int, pointer: str) -> None:
        """Write the outputs number first to last − 1 into an array, a pack at once."""
        outputs, k = self.program.outputs, first
        while k < last:
            pack = range(outputs[k], outputs[k] + self._width)
            if outputs[k] in self._slots.begins and outputs[k : k + self._width] == tuple(pack):
                numbers = self.vector(list(pack))
                self.function.store(numbers, self.function.nth(pointer, k), self._wide)
                k += self._width
            else:
                super().store(k, k + 1, pointer)
                k += 1


def _turned(one: list[int], other: list[int]) -> list[list[int]]:
    """Exchange the operands of lanes where that makes a row of numbers in a row, or all the same."""
    for i in range(1, len(one)):
        straight = one[i] in (one[0], one[0] + i) and other[i] in (other[0], other[0] + i)
        if not straight and other[i] in (one[0], one[0] + i) and one[i] in (other[0], other[0] + i):
            one[i], other[i] = other[i], one[i]
    return [one, other]
