"""The text of one LLVM module: its functions, and the helpers that they turn out to call.

The text is written directly, since building it object by object takes longer than compiling it. Arithmetic carries no
flag that would let LLVM fuse, reassociate or approximate, unless ``fast`` asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from autograd.compiler.program.procedures import ELEMENT, TAKEN, Procedure

from . import vector_math
from .function import Function, vector

FAST_FLAGS = " reassoc nsz arcp contract afn"


class Module:
    """The text of one LLVM module: functions, and the helpers that they turn out to call."""

    def __init__(self, find: Callable[..., int], lanes: int, fast: bool, width: int = 8) -> None:
        self.lanes = lanes
        self.width = width  # how many lanes the machine has
        self.flags = FAST_FLAGS if fast else ""
        self._find = find  # the address of the function of an instruction, by name and operands, or of a Python rule
        self.externals: dict[int, str] = {}  # what is outside of the module: its name by its address
        self.procedures: list[tuple[str, Procedure]] = []  # that are called, and the names of their functions
        self.arena = False  # whether memory for tapes is needed
        self._functions: list[Function] = []
        self._helpers: dict[tuple[str, int], str] = {}
        self._tables: dict[tuple[str, tuple[str, ...]], str] = {}
        self._found: dict[str, tuple[str, int]] = {}  # how what is outside was found, by its name here

    def function(self, head: str) -> Function:
        """Begin a function, given what stands before its braces."""
        self._functions.append(Function(head))
        return self._functions[-1]

    def external(self, address: int) -> str:
        """Return the name of what lies at an address. So the text is the same wherever it is: it may be kept."""
        return self.externals.setdefault(address, f"@x{len(self.externals)}")

    def callee(self, name: str, arity: int, rule: Callable[..., Any] | None = None) -> str:
        """Return the name of the function of an instruction, or of a rule in Python."""
        if rule:
            return self.external(self._find(name, arity, rule))
        outside = self.external(self._find(name, arity))
        self._found[outside] = name, arity
        return outside

    def written(self) -> Any:
        """Return what is written so far, to be kept, or None where it calls what only this process has."""
        if self.procedures or not self._found.keys() >= set(self.externals.values()):
            return None
        found = [self._found[name] for name in self.externals.values()]
        return self._functions, self._helpers, self._tables, self.arena, found

    def take_over(self, written: Any) -> None:
        """Begin with what another process has written. Raises ValueError where less is outside than it had there."""
        functions, helpers, tables, arena, found = written
        for name, arity in found:
            self.callee(name, arity)
        if len(self.externals) != len(found):
            raise ValueError("two functions of the C library are one here")
        self._functions, self._helpers, self._tables, self.arena = functions, helpers, tables, arena

    def procedure(self, procedure: Procedure) -> str:
        """Return the name of the function of a procedure."""
        for name, known in self.procedures:
            if known is procedure:
                return name
        self.procedures.append((f"loop{len(self.procedures)}", procedure))
        return self.procedures[-1][0]

    def table(self, kind: str, entries: Sequence[str]) -> str:
        """Return the name of an array of constants."""
        return self._tables.setdefault((kind, tuple(entries)), f"@table{len(self._tables)}")

    @property
    def spares(self) -> list[str]:
        """What points to memory that is kept between calls."""
        return [function.spare for function in self._functions if function.spare]

    def length(self) -> int:
        """Return the number of lines of the functions."""
        return sum([len(function.lines) for function in self._functions])

    def text(self) -> str:
        """Return the whole module."""
        bits = 64 * max(self.lanes, self.width)
        width = f'"prefer-vector-width"="{bits}" "min-legal-vector-width"="{bits}"'
        lines = sorted(set().union(*[function.declarations for function in self._functions]))
        if self.spares:
            lines += [f"{name} = global ptr null" for name in self.spares]
            lines.append(_SPARE.format(malloc=self.callee("malloc", 1), free=self.callee("free", 1)))
        if self.arena:
            full = self.callee("memory", 1, _no_memory)
            lines.append(_ARENA.format(malloc=self.callee("malloc", 1), free=self.callee("free", 1), full=full))
        lines += [f"{name} = external global i8" for name in self.externals.values()]
        for (kind, entries), name in self._tables.items():
            numbers = ", ".join([f"{kind} {entry}" for entry in entries])
            lines.append(f"{name} = internal constant [{len(entries)} x {kind}] [{numbers}], align 64")
        for function in self._functions:
            lines += function.lines
        lines.append(f"attributes #0 = {{ nounwind {width} }}")
        lines.append(f"attributes #1 = {{ nounwind noinline optnone {width} }}\n")
        return "\n".join(lines)

    def helper(self, name: str, arity: int, lanes: int) -> str:
        """Return what to call for an instruction that is no machine instruction."""
        key = (name, lanes)
        if key not in self._helpers:
            wide, callee = vector(lanes), f"@cg.{name.replace(' ', '.')}.{lanes}"
            parameters = ", ".join([f"{wide} %x{j}" for j in range(arity)])
            head = f"internal {wide} {callee}({parameters}) noinline #0"
            if self.flags and name in vector_math.AVAILABLE:
                self._functions.append(vector_math.function(name, head, lanes))
            elif lanes > 1:
                one = self.helper(name, arity, 1)
                _lane_by_lane(self.function(head), one, arity, lanes)
            elif name in _AS_IN_PYTHON:
                symbol, text = _AS_IN_PYTHON[name]
                function = self.function(head)
                function.declarations |= _DECLARATIONS
                function.lines.append(text.format(callee=self.callee(symbol, arity) if symbol else ""))
                function.end("double %result")
            else:
                callee = self.callee(name, arity)
            self._helpers[key] = callee
        return self._helpers[key]


def _lane_by_lane(function: Function, callee: str, arity: int, lanes: int) -> None:
    wide, result = vector(lanes), "poison"
    for i in range(lanes):
        numbers = [function.put(f"extractelement {wide} %x{j}, i32 {i}") for j in range(arity)]
        number = function.put(f"call double {callee}({', '.join([f'double {x}' for x in numbers])})")
        result = function.put(f"insertelement {wide} {result}, double {number}, i32 {i}")
    function.end(f"{wide} {result}")


# Python's % and // (float_rem and _float_div_mod of CPython's floatobject.c), and the table's x ** 2 = x·x.
_MOD = """  %m = call double {callee}(double %x0, double %x1)
  %below = fcmp olt double %m, 0.0
  %negative = fcmp olt double %x1, 0.0
  %other = xor i1 %below, %negative
  %up = fadd double %m, %x1
  %moved = select i1 %other, double %up, double %m
  %signed = call double @llvm.copysign.f64(double 0.0, double %x1)
  %some = fcmp une double %m, 0.0
  %r = select i1 %some, double %moved, double %signed
  %pole = fcmp oeq double %x1, 0.0
  %result = select i1 %pole, double 0x7FF8000000000000, double %r"""
_FLOORDIV = """  %m = call double {callee}(double %x0, double %x1)
  %quotient = fdiv double %x0, %x1
  %rest = fsub double %x0, %m
  %d = fdiv double %rest, %x1
  %below = fcmp olt double %m, 0.0
  %negative = fcmp olt double %x1, 0.0
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
  %pole = fcmp oeq double %x1, 0.0
  %result = select i1 %pole, double %quotient, double %r"""
_POW = """  %square = fcmp oeq double %x1, 2.0
  %p = call double {callee}(double %x0, double %x1)
  %xx = fmul double %x0, %x0
  %result = select i1 %square, double %xx, double %p"""

# The address of a tape goes by way of memory: LLVM's quickest compiler loses one that is a bitcast of a double.
_ELEMENT = """  %address = alloca double
  store double %x0, ptr %address
  %k = fptosi double %x1 to i64
  %numbers = load ptr, ptr %address
  %place = getelementptr double, ptr %numbers, i64 %k
  %result = load double, ptr %place, align 8"""
_TAKEN = """  %address = alloca double
  store double %x0, ptr %address
  %floor = call double @llvm.floor.f64(double %x1)
  %whole = fcmp oeq double %floor, %x1
  %first = fneg double %x2
  %from = fcmp oge double %x1, %first
  %to = fcmp olt double %x1, %x2
  %range = and i1 %from, %to
  %inside = and i1 %range, %whole
  br i1 %inside, label %good, label %bad
bad:
  %nan = call double {callee}(double 0.0, double %x1, double %x2)
  ret double %nan
good:
  %negative = fcmp olt double %x1, 0.0
  %up = fadd double %x1, %x2
  %index = select i1 %negative, double %up, double %x1
  %k = fptosi double %index to i64
  %numbers = load ptr, ptr %address
  %place = getelementptr double, ptr %numbers, i64 %k
  %result = load double, ptr %place, align 8"""

_AS_IN_PYTHON = {  # and what they call
    "mod": ("fmod", _MOD),
    "floordiv": ("fmod", _FLOORDIV),
    "pow": ("pow", _POW),
    ELEMENT: ("", _ELEMENT),
    TAKEN: (TAKEN, _TAKEN),
}
_DECLARATIONS = {"declare double @llvm.copysign.f64(double, double)", "declare double @llvm.floor.f64(double)"}


# Memory for vectors begins with a line of the cache; in front of it stands the address of the block that was allocated.
_SPARE = """define internal ptr @take(ptr %spare, i64 %size) noinline #0 {{
  %kept = atomicrmw xchg ptr %spare, ptr null acq_rel
  %none = icmp eq ptr %kept, null
  br i1 %none, label %new, label %old
new:
  %made = call ptr {malloc}(i64 %size)
  %block = ptrtoint ptr %made to i64
  %beyond = add i64 %block, 64
  %line = and i64 %beyond, -64
  %begin = inttoptr i64 %line to ptr
  %before = getelementptr i64, ptr %begin, i64 -1
  store i64 %block, ptr %before
  ret ptr %begin
old:
  ret ptr %kept
}}
define internal void @give(ptr %spare, ptr %p) noinline #0 {{
  %other = atomicrmw xchg ptr %spare, ptr %p acq_rel
  %none = icmp eq ptr %other, null
  br i1 %none, label %done, label %free
free:
  %before = getelementptr ptr, ptr %other, i64 -1
  %block = load ptr, ptr %before
  call void {free}(ptr %block)
  br label %done
done:
  ret void
}}"""

# What tapes take: the first eight bytes of a block point to the block before it, and its numbers begin after 64.
_ARENA = """define internal ptr @allocate(ptr %arena, i64 %size) noinline #0 {{
  %whole = add i64 %size, 64
  %block = call ptr {malloc}(i64 %whole)
  %none = icmp eq ptr %block, null
  br i1 %none, label %full, label %there
full:
  call double {full}(double 0.0)
  ret ptr null
there:
  %before = load ptr, ptr %arena
  store ptr %before, ptr %block
  store ptr %block, ptr %arena
  %numbers = getelementptr i8, ptr %block, i64 64
  ret ptr %numbers
}}
define internal void @leave(ptr %arena) noinline #0 {{
entry:
  %first = load ptr, ptr %arena
  br label %test
test:
  %block = phi ptr [ %first, %entry ], [ %before, %next ]
  %none = icmp eq ptr %block, null
  br i1 %none, label %done, label %next
next:
  %before = load ptr, ptr %block
  call void {free}(ptr %block)
  br label %test
done:
  ret void
}}
define internal double @tape(ptr %from, i64 %stride, i64 %count, ptr %arena) noinline #0 {{
entry:
  %size = mul i64 %count, 8
  %numbers = call ptr @allocate(ptr %arena, i64 %size)
  br label %test
test:
  %k = phi i64 [ 0, %entry ], [ %k1, %next ]
  %more = icmp slt i64 %k, %count
  br i1 %more, label %next, label %done
next:
  %at = mul i64 %k, %stride
  %source = getelementptr double, ptr %from, i64 %at
  %number = load double, ptr %source
  %target = getelementptr double, ptr %numbers, i64 %k
  store double %number, ptr %target
  %k1 = add i64 %k, 1
  br label %test
done:
  %bits = ptrtoint ptr %numbers to i64
  %tape = bitcast i64 %bits to double
  ret double %tape
}}"""


def _no_memory(*_: float) -> float:
    raise MemoryError("there is no memory for the states of a loop; its gradient keeps one for each turn")
