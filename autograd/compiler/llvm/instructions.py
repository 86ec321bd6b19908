"""Instructions as lines of LLVM's text: for one number, for several lanes, and for packs."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from autograd.compiler.program.program import COMPARISONS, Program

from .module import Module

if TYPE_CHECKING:
    from .parts import Slots

_BINARY = {"add": "fadd", "sub": "fsub", "mul": "fmul", "div": "fdiv"}
_INTRINSIC = {"abs": "fabs", "sqrt": "sqrt", "floor": "floor", "ceil": "ceil", "trunc": "trunc", "round": "roundeven"}
_PREDICATE = {"lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge", "eq": "oeq", "ne": "une"}
_LOGIC = frozenset(["and", "or", "xor"])
_CONDITIONS = frozenset([*COMPARISONS, *_LOGIC])

Load = Callable[[int, "Writer"], str]


def literal(x: float) -> str:
    """Write a double so that LLVM reads every bit of it."""
    return f"0x{struct.unpack('<Q', struct.pack('<d', x))[0]:016X}"


class Writer:
    """Writes the instructions of a program into a function. ``load`` fetches a value that the block does not have."""

    def __init__(self, module: Module, program: Program, lanes: int, load: Load) -> None:
        self.module, self.program, self.lanes, self.load = module, program, lanes, load
        self.lines = module.lines
        self.kind = "double" if lanes == 1 else f"<{lanes} x double>"
        self.condition = "i1" if lanes == 1 else f"<{lanes} x i1>"
        self.names: dict[int, str] = {}  # what the values are called that may be used here
        self.slots: Slots | None = None  # of a program in parts, and the packs in it
        self.part = 0
        self._vectors: dict[Any, str] = {}
        self._loaded: list[int] = []
        self._literals: dict[int, str] = {}

    def fresh(self) -> str:
        self.module.serial += 1
        return f"%t{self.module.serial}"

    def block(self, number: int, reload: bool = False) -> None:
        """Begin a basic block. What was loaded may be loaded again where it is used, since registers are few."""
        if number:
            self.lines += [f"  br label %b{number}", f"b{number}:"]
        if reload:
            for place in self._loaded:
                del self.names[place]
            self._loaded.clear()

    def operand(self, place: int) -> str:
        name = self.names.get(place) if place >= 0 else self._literals.get(place)
        if name is None:
            if place >= 0:
                name = self._lane(place) or self.load(place, self)
                if self.is_condition(place):  # which lies in memory as 1.0 or 0.0
                    name = self._not_zero(name)
                self.names[place] = name
                self._loaded.append(place)
            else:
                text = literal(self.program.constants[~place])
                name = self._literals[place] = text if self.lanes == 1 else f"splat (double {text})"
        return name

    def is_condition(self, place: int) -> bool:
        first = len(self.program.inputs)
        return place >= first and self.program.instructions[place - first].name in _CONDITIONS

    def truth(self, place: int) -> str:
        """The operand as a condition: a comparison's outcome, or whether a number is not zero."""
        if self.is_condition(place):
            return self.operand(place)
        if place < 0:
            bit = "true" if self.program.constants[~place] != 0.0 else "false"
            return bit if self.lanes == 1 else f"splat (i1 {bit})"
        return self._not_zero(self.operand(place))

    def _not_zero(self, number: str) -> str:
        name = self.fresh()
        zero = "0.0" if self.lanes == 1 else "zeroinitializer"
        self.lines.append(f"  {name} = fcmp une {self.kind} {number}, {zero}")
        return name

    def number(self, place: int) -> str:
        """The operand as a number: 1.0 or 0.0 for a condition."""
        if not self.is_condition(place):
            return self.operand(place)
        condition, name = self.operand(place), self.fresh()
        self.lines.append(f"  {name} = uitofp {self.condition} {condition} to {self.kind}")
        return name

    def write(self, first: int, last: int) -> None:
        """Write instructions number first to last − 1, counted from the first instruction."""
        if self.slots is not None and self.slots.begins:
            index, width, base = first, self.slots.width, len(self.program.inputs)
            while index < last:
                if base + index in self.slots.begins:
                    self._write_pack(index, width)
                    index += width
                else:
                    self._write(index, index + 1)
                    index += 1
        else:
            self._write(first, last)

    def _write_pack(self, index: int, width: int) -> None:
        """Write the instructions from number index on as one, on vectors."""
        place = len(self.program.inputs) + index
        group = self.program.instructions[index : index + width]
        wide, flags, result = f"<{width} x double>", self.module.flags, f"%v{place}"
        name = group[0].name
        rows = [[instruction.operands[j] for instruction in group] for j in range(len(group[0].operands))]
        if name in ("add", "mul") and len({tuple(sorted(row)) for row in zip(*rows, strict=True)}) == width:
            rows = self._turned(rows)
        operands = ", ".join([self.vector(row) for row in rows])
        self.lines.append(f"  {result} = {_BINARY.get(name, 'fneg')}{flags} {wide} {operands}")
        self._vectors["pack", place] = result

    def _turned(self, rows: list[list[int]]) -> list[list[int]]:
        """Exchange the operands of lanes where that makes a row of numbers in a row, or all the same."""
        one, other = rows
        for i in range(1, len(one)):
            straight = one[i] in (one[0], one[0] + i) and other[i] in (other[0], other[0] + i)
            if not straight and other[i] in (one[0], one[0] + i) and one[i] in (other[0], other[0] + i):
                one[i], other[i] = other[i], one[i]
        return [one, other]

    def vector(self, places: list[int]) -> str:
        """Return a vector of these values: a pack, inputs in a row, one value in all lanes, or put together."""
        key = tuple(places)
        if key in self._vectors:
            return self._vectors[key]
        width = len(places)
        wide = f"<{width} x double>"
        in_a_row = places[0] >= 0 and places == list(range(places[0], places[0] + width))
        assert self.slots is not None
        if places[0] < 0 and len(set(places)) == 1:
            return f"splat (double {literal(self.program.constants[~places[0]])})"
        if in_a_row and places[0] in self.slots.begins:
            if ("pack", places[0]) in self._vectors:
                return self._vectors["pack", places[0]]
            made = self._wide_load("%scratch", self.slots.slot[places[0]], wide)
            self._vectors["pack", places[0]] = made
            return made
        if in_a_row and places[-1] < self.slots.uniform:
            made = self._wide_load("%in", places[0], wide)
        elif len(set(places)) == 1:
            number, first, made = self.operand(places[0]), self.fresh(), self.fresh()
            self.lines.append(f"  {first} = insertelement {wide} poison, double {number}, i64 0")
            self.lines.append(
                f"  {made} = shufflevector {wide} {first}, {wide} poison, <{width} x i32> zeroinitializer"
            )
        elif self._row_in_memory(places):
            made = self._wide_load("%scratch", self.slots.slot[places[0]], wide)
        else:
            made = "poison"
            for i, place in enumerate(places):
                number, name = self.operand(place), self.fresh()
                self.lines.append(f"  {name} = insertelement {wide} {made}, double {number}, i64 {i}")
                made = name
        self._vectors[key] = made
        return made

    def _row_in_memory(self, places: list[int]) -> bool:
        """Whether values of earlier parts lie side by side."""
        assert self.slots is not None
        slot, part_of = self.slots.slot, self.slots.part_of
        begin = slot.get(places[0])
        return begin is not None and all(
            slot.get(place) == begin + i and 0 <= part_of[place] < self.part for i, place in enumerate(places)
        )

    def _wide_load(self, pointer: str, at: int, wide: str) -> str:
        address, made = self.fresh(), self.fresh()
        self.lines.append(f"  {address} = getelementptr double, ptr {pointer}, i64 {at}")
        self.lines.append(f"  {made} = load {wide}, ptr {address}, align 8")
        return made

    def _lane(self, place: int) -> str | None:
        """Take a value out of its pack, where that is at hand."""
        if self.slots is None or (found := self.slots.lane_of.get(place)) is None:
            return None
        begin, lane = found
        vector = self._vectors.get(("pack", begin))
        if vector is None:
            return None
        made = self.fresh()
        self.lines.append(f"  {made} = extractelement <{self.slots.width} x double> {vector}, i64 {lane}")
        return made

    def _write(self, first: int, last: int) -> None:
        base, kind, flags = len(self.program.inputs), self.kind, self.module.flags
        lines, operand = self.lines, self.operand
        for index in range(first, last):
            name, places = self.program.instructions[index]
            place = base + index
            result = f"%v{place}"
            if name in _BINARY:
                a, b = operand(places[0]), operand(places[1])
                lines.append(f"  {result} = {_BINARY[name]}{flags} {kind} {a}, {b}")
            elif name == "neg":
                lines.append(f"  {result} = fneg{flags} {kind} {operand(places[0])}")
            elif name == "where":
                c, a, b = self.truth(places[0]), operand(places[1]), operand(places[2])
                lines.append(f"  {result} = select {self.condition} {c}, {kind} {a}, {kind} {b}")
            elif name in _PREDICATE:
                a, b = operand(places[0]), operand(places[1])
                lines.append(f"  {result} = fcmp {_PREDICATE[name]} {kind} {a}, {b}")
            elif name in _LOGIC:
                a, b = self.truth(places[0]), self.truth(places[1])
                lines.append(f"  {result} = {name} {self.condition} {a}, {b}")
            elif name in _INTRINSIC:
                callee = self.module.intrinsic(_INTRINSIC[name], self.lanes)
                lines.append(f"  {result} = call{flags} {kind} {callee}({kind} {operand(places[0])})")
            else:
                callee = self.module.helper(name, len(places), self.lanes)
                operands = ", ".join([f"{kind} {operand(p)}" for p in places])
                lines.append(f"  {result} = call {kind} {callee}({operands})")
            self.names[place] = result


def load_double(pointer: str, slot: Callable[[int], int]) -> Load:
    """Load a double from an array."""

    def load(place: int, writer: Writer) -> str:
        address, name = writer.fresh(), writer.fresh()
        writer.lines.append(f"  {address} = getelementptr double, ptr {pointer}, i64 {slot(place)}")
        writer.lines.append(f"  {name} = load double, ptr {address}, align 8")
        return name

    return load


def load_splat(pointer: str, lanes: int) -> Load:
    """Load a double from an array into every lane."""
    one = load_double(pointer, lambda place: place)
    wide = f"<{lanes} x double>"

    def load(place: int, writer: Writer) -> str:
        number, first, name = one(place, writer), writer.fresh(), writer.fresh()
        writer.lines.append(f"  {first} = insertelement {wide} poison, double {number}, i64 0")
        writer.lines.append(f"  {name} = shufflevector {wide} {first}, {wide} poison, <{lanes} x i32> zeroinitializer")
        return name

    return load if lanes > 1 else one


def load_wide(pointer: str, slot: Callable[[int], int], lanes: int) -> Load:
    """Load a vector from an array of vectors."""
    wide = f"<{lanes} x double>" if lanes > 1 else "double"

    def load(place: int, writer: Writer) -> str:
        address, name = writer.fresh(), writer.fresh()
        writer.lines.append(f"  {address} = getelementptr {wide}, ptr {pointer}, i64 {slot(place)}")
        writer.lines.append(f"  {name} = load {wide}, ptr {address}, align 8")
        return name

    return load
