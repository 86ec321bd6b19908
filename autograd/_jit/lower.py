"""Lowering: the text of LLVM functions for a program, one number wide or several lanes wide.

The text is written directly, since building it object by object takes longer than compiling it. Arithmetic carries no
flag that would let LLVM fuse, reassociate or approximate, unless ``fast`` asks for it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from . import fast as fast_functions
from . import pack
from .program import COMPARISONS, Program

BLOCK = 1_000  # instructions in a basic block: selection and scheduling work block by block, and slow down in long ones
PART = 128  # instructions in a function of a program that is cut up
STACK = 65_536  # bytes of scratch memory that are taken from the stack
WHOLE = 4_096  # a program up to this many instructions stays one function
WHOLE_WIDE = 4_096  # the same for a program several lanes wide

_BINARY = {"add": "fadd", "sub": "fsub", "mul": "fmul", "div": "fdiv"}
_INTRINSIC = {"abs": "fabs", "sqrt": "sqrt", "floor": "floor", "ceil": "ceil", "trunc": "trunc", "round": "roundeven"}
_PREDICATE = {"lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge", "eq": "oeq", "ne": "une"}
_LOGIC = frozenset(["and", "or", "xor"])
_CONDITIONS = frozenset([*COMPARISONS, *_LOGIC])
FAST_FLAGS = " reassoc nsz arcp contract afn"

Load = Callable[[int, "Writer"], str]


def literal(x: float) -> str:
    """Write a double so that LLVM reads every bit of it."""
    return f"0x{struct.unpack('<Q', struct.pack('<d', x))[0]:016X}"


class Module:
    """The text of one LLVM module: functions, and the helpers that they turn out to call."""

    def __init__(self, find: Callable[[str, int], int], lanes: int, fast: bool, vector: int = 8) -> None:
        self.find = find  # the address of the function behind an instruction, by name and number of operands
        self.lanes = lanes
        self.vector = vector  # how many lanes a pack in a long program has
        self.fast = fast
        self.flags = FAST_FLAGS if fast else ""
        self.functions: list[str] = []
        self.lines: list[str] = []  # of the function that is being written
        self.serial = 0
        self.spare = 0  # bytes of memory that calls hand on
        self._helpers: dict[tuple[str, int], str] = {}
        self._declared: set[str] = set()

    def text(self) -> str:
        bits = 64 * max(self.lanes, self.vector)
        width = f'"prefer-vector-width"="{bits}" "min-legal-vector-width"="{bits}"'
        attributes = f"attributes #0 = {{ nounwind {width} }}\nattributes #1 = {{ nounwind noinline optnone {width} }}"
        memory = []
        if self.spare:
            memory = [_SPARE.format(size=self.spare, malloc=self.find("malloc", 1), free=self.find("free", 1))]
        return "\n".join([*sorted(self._declared), *memory, *self.functions, attributes, ""])

    def open(self, head: str) -> None:
        self.lines = [head]

    def close(self) -> None:
        self.functions.append("\n".join([*self.lines, "  ret void", "}"]))

    def scratch(self, vectors: int, lanes: int = 1) -> None:
        """Write the code that gets memory for so many vectors, as ``%scratch``.

        Little comes from the stack. Much is allocated once and kept for the next call: a call takes it out of
        ``@spare`` by an atomic exchange, so that two at a time never share it.
        """
        size = 8 * lanes * max(vectors, 1)
        if size <= STACK:
            self.lines.append(f"  %scratch = alloca i8, i64 {size}, align 64")
            return
        self.spare = max(self.spare, size)
        self.lines.append("  %scratch = call ptr @take()")

    def release(self, vectors: int, lanes: int = 1) -> None:
        """Write the code that gives it back."""
        if 8 * lanes * vectors > STACK:
            self.lines.append("  call void @give(ptr %scratch)")

    def declare(self, line: str) -> None:
        self._declared.add(line)

    def intrinsic(self, name: str, lanes: int) -> str:
        suffix, kind = ("f64", "double") if lanes == 1 else (f"v{lanes}f64", f"<{lanes} x double>")
        self.declare(f"declare {kind} @llvm.{name}.{suffix}({kind})")
        return f"@llvm.{name}.{suffix}"

    def helper(self, name: str, arity: int, lanes: int) -> str:
        """Return what to call for an instruction that is no machine instruction."""
        key = (name, lanes)
        if key not in self._helpers:
            callee = f"@cg.{name}.{lanes}"
            if self.fast and name in fast_functions.AVAILABLE:
                self.functions.append(fast_functions.function(self, name, lanes))
            elif lanes > 1:
                self.functions.append(self._lane_by_lane(name, arity, lanes))
            elif name in ("mod", "floordiv"):
                self.functions.append((_MOD if name == "mod" else _FLOORDIV).format(fmod=self.find("fmod", 2)))
                self.declare("declare double @llvm.copysign.f64(double, double)")
                self.declare("declare double @llvm.floor.f64(double)")
            elif name == "pow":
                self.functions.append(_POW.format(pow=self.find("pow", 2)))
            else:
                callee = f"inttoptr (i64 {self.find(name, arity)} to ptr)"
            self._helpers[key] = callee
        return self._helpers[key]

    def _lane_by_lane(self, name: str, arity: int, lanes: int) -> str:
        wide, one = f"<{lanes} x double>", self.helper(name, arity, 1)
        parameters = ", ".join(f"{wide} %x{j}" for j in range(arity))
        lines = [f"define internal {wide} @cg.{name}.{lanes}({parameters}) noinline #0 {{"]
        result = "poison"
        for i in range(lanes):
            lines += [f"  %x{j}_{i} = extractelement {wide} %x{j}, i32 {i}" for j in range(arity)]
            operands = ", ".join(f"double %x{j}_{i}" for j in range(arity))
            lines.append(f"  %y{i} = call double {one}({operands})")
            lines.append(f"  %r{i} = insertelement {wide} {result}, double %y{i}, i32 {i}")
            result = f"%r{i}"
        return "\n".join([*lines, f"  ret {wide} {result}", "}"])


# Python's % and // (float_rem and _float_div_mod of CPython's floatobject.c), and the table's x ** 2 = x·x.
_MOD = """define internal double @cg.mod.1(double %x, double %y) noinline #0 {{
  %m = call double inttoptr (i64 {fmod} to ptr)(double %x, double %y)
  %below = fcmp olt double %m, 0.0
  %negative = fcmp olt double %y, 0.0
  %other = xor i1 %below, %negative
  %up = fadd double %m, %y
  %moved = select i1 %other, double %up, double %m
  %signed = call double @llvm.copysign.f64(double 0.0, double %y)
  %some = fcmp une double %m, 0.0
  %r = select i1 %some, double %moved, double %signed
  %pole = fcmp oeq double %y, 0.0
  %result = select i1 %pole, double 0x7FF8000000000000, double %r
  ret double %result
}}"""
_FLOORDIV = """define internal double @cg.floordiv.1(double %x, double %y) noinline #0 {{
  %m = call double inttoptr (i64 {fmod} to ptr)(double %x, double %y)
  %quotient = fdiv double %x, %y
  %rest = fsub double %x, %m
  %d = fdiv double %rest, %y
  %below = fcmp olt double %m, 0.0
  %negative = fcmp olt double %y, 0.0
  %differ = xor i1 %below, %negative
  %some = fcmp une double %m, 0.0
  %other = and i1 %some, %differ
  %less = fsub double %d, 1.0
  %div = select i1 %other, double %less, double %d
  %low = call double @llvm.floor.f64(double %div)
  %gap = fsub double %div, %low
  %far = fcmp ogt double %gap, 0.5
  %next = fadd double %low, 1.0
  %whole = select i1 %far, double %next, double %low
  %zero = call double @llvm.copysign.f64(double 0.0, double %quotient)
  %nonzero = fcmp une double %div, 0.0
  %r = select i1 %nonzero, double %whole, double %zero
  %pole = fcmp oeq double %y, 0.0
  %result = select i1 %pole, double %quotient, double %r
  ret double %result
}}"""
_POW = """define internal double @cg.pow.1(double %x, double %y) noinline #0 {{
  %square = fcmp oeq double %y, 2.0
  %p = call double inttoptr (i64 {pow} to ptr)(double %x, double %y)
  %xx = fmul double %x, %x
  %r = select i1 %square, double %xx, double %p
  ret double %r
}}"""


_SPARE = """@spare = global ptr null
define internal ptr @take() noinline #0 {{
  %kept = atomicrmw xchg ptr @spare, ptr null acq_rel
  %none = icmp eq ptr %kept, null
  br i1 %none, label %new, label %old
new:
  %made = call ptr inttoptr (i64 {malloc} to ptr)(i64 {size})
  ret ptr %made
old:
  ret ptr %kept
}}
define internal void @give(ptr %p) noinline #0 {{
  %other = atomicrmw xchg ptr @spare, ptr %p acq_rel
  %none = icmp eq ptr %other, null
  br i1 %none, label %done, label %free
free:
  call void inttoptr (i64 {free} to ptr)(ptr %other)
  br label %done
done:
  ret void
}}"""


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


def scalar(module: Module, name: str, program: Program, quick: bool = False) -> None:
    """Add ``void name(double *in, double *out)``; the two must not overlap.

    ``quick`` is for what runs once beside a loop: it compiles ten times faster, and runs not much slower.
    """
    count = len(program.instructions)
    head = f"define void @{name}(ptr noalias %in, ptr noalias %out) {'#1' if quick else '#0'} {{"
    if count > WHOLE:
        packing = pack.arrange(program, module.vector)
        program = packing.program
        slots = parts(module, name, program, 1, len(program.inputs), packing)
        module.open(head)
        module.scratch(slots.size)
        module.lines += [f"  call void @{name}.part{k}(ptr %in, ptr %scratch)" for k in range(slots.parts)]
        load = slots.load("%in", "%scratch", 1)
        for first in range(0, len(program.outputs), PART):
            writer = Writer(module, program, 1, load)
            writer.slots = slots
            _store_outputs(writer, "%out", first, min(first + PART, len(program.outputs)))
        module.release(slots.size)
    else:
        module.open(head)
        writer = Writer(module, program, 1, load_double("%in", lambda place: place))
        for first in range(0, count, BLOCK):
            writer.block(first)
            writer.write(first, min(first + BLOCK, count))
        _store_outputs(writer, "%out", 0, len(program.outputs))
    module.close()


IN_REGISTERS = 64  # numbers of a state up to which a repeated program passes it on in registers


def repeated(module: Module, name: str, program: Program) -> None:
    """Add ``void name(double *in, double *out, i64 count)``: the outputs become the first inputs, count times."""
    state = len(program.outputs)
    head = f"define void @{name}(ptr noalias %in, ptr noalias %out, i64 %count) #0 {{"
    if state > IN_REGISTERS or len(program.instructions) > WHOLE:
        _repeated_in_memory(module, name, program, head)
        return
    module.open(head)
    lines = module.lines
    lines += ["  br label %entry", "entry:"]
    for place in range(len(program.inputs)):
        lines.append(f"  %a{place} = getelementptr double, ptr %in, i64 {place}")
        lines.append(f"  %x{place} = load double, ptr %a{place}, align 8")
    lines += ["  br label %test", "test:", "  %i = phi i64 [ 0, %entry ], [ %next, %again ]"]
    at = len(lines)
    lines += ["  %more = icmp slt i64 %i, %count", "  br i1 %more, label %loop, label %done", "loop:"]
    writer = Writer(module, program, 1, lambda place, writer: f"%x{place}")
    writer.names |= {place: f"%s{place}" if place < state else f"%x{place}" for place in range(len(program.inputs))}
    for first in range(0, len(program.instructions), BLOCK):
        writer.block(first)
        writer.write(first, min(first + BLOCK, len(program.instructions)))
    results = [writer.number(place) for place in program.outputs]
    lines[at:at] = [f"  %s{k} = phi double [ %x{k}, %entry ], [ {result}, %again ]" for k, result in enumerate(results)]
    lines += ["  br label %again", "again:", "  %next = add i64 %i, 1", "  br label %test", "done:"]
    for k in range(state):
        lines.append(f"  %o{k} = getelementptr double, ptr %out, i64 {k}")
        lines.append(f"  store double %s{k}, ptr %o{k}, align 8")
    module.close()


def _repeated_in_memory(module: Module, name: str, program: Program, head: str) -> None:
    scalar(module, f"{name}.once", program)
    state, size = len(program.outputs), 8 * len(program.inputs)
    module.declare("declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")
    module.open(head)
    module.scratch(len(program.inputs))
    module.lines += [
        f"  call void @llvm.memcpy.p0.p0.i64(ptr %scratch, ptr %in, i64 {size}, i1 false)",
        f"  call void @llvm.memcpy.p0.p0.i64(ptr %out, ptr %in, i64 {8 * state}, i1 false)",
        "  br label %entry",
        "entry:",
        "  br label %test",
        "test:",
        "  %i = phi i64 [ 0, %entry ], [ %next, %loop ]",
        "  %more = icmp slt i64 %i, %count",
        "  br i1 %more, label %loop, label %done",
        "loop:",
        f"  call void @{name}.once(ptr %scratch, ptr %out)",
        f"  call void @llvm.memcpy.p0.p0.i64(ptr %scratch, ptr %out, i64 {8 * state}, i1 false)",
        "  %next = add i64 %i, 1",
        "  br label %test",
        "done:",
    ]
    module.release(len(program.inputs))
    module.close()


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
        writer.lines.append(
            f"  {name} = shufflevector {wide} {first}, {wide} poison, <{lanes} x i32> zeroinitializer"
        )
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


def _store_outputs(writer: Writer, pointer: str, first: int, last: int) -> None:
    outputs, slots = writer.program.outputs, writer.slots
    k = first
    while k < last:
        place, width = outputs[k], slots.width if slots else 0
        if slots and place in slots.begins and outputs[k : k + width] == tuple(range(place, place + width)):
            wide = f"<{width} x double>"
            vector, address = writer.vector(list(outputs[k : k + width])), writer.fresh()
            writer.lines.append(f"  {address} = getelementptr double, ptr {pointer}, i64 {k}")
            writer.lines.append(f"  store {wide} {vector}, ptr {address}, align 8")
            k += width
            continue
        name, address = writer.number(place), writer.fresh()
        writer.lines.append(f"  {address} = getelementptr double, ptr {pointer}, i64 {k}")
        writer.lines.append(f"  store double {name}, ptr {address}, align 8")
        k += 1


class Slots:
    """Where the values live that pass from one part of a program to another: as few places as will do."""

    def __init__(self, program: Program, uniform: int, packing: pack.Packing | None = None, width: int = 1) -> None:
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
    module: Module, name: str, program: Program, lanes: int, uniform: int, packing: pack.Packing | None = None
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
