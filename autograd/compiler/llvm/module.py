"""The text of one LLVM module: its functions, and the helpers that they turn out to call.

The text is written directly, since building it object by object takes longer than compiling it. Arithmetic carries no
flag that would let LLVM fuse, reassociate or approximate, unless ``fast`` asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from . import vector_math
from .function import Function, vector

FAST_FLAGS = " reassoc nsz arcp contract afn"


class Module:
    """The text of one LLVM module: functions, and the helpers that they turn out to call."""

    def __init__(self, find: Callable[[str, int], int], lanes: int, fast: bool, width: int = 8) -> None:
        self.lanes = lanes
        self.width = width  # how many lanes the machine has
        self.flags = FAST_FLAGS if fast else ""
        self._find = find  # the address of the function behind an instruction, by name and number of operands
        self._functions: list[Function] = []
        self._helpers: dict[tuple[str, int], str] = {}
        self._tables: dict[tuple[str, tuple[str, ...]], str] = {}

    def function(self, head: str) -> Function:
        """Begin a function, given what stands before its braces."""
        self._functions.append(Function(head))
        return self._functions[-1]

    def table(self, kind: str, entries: Sequence[str]) -> str:
        """Return the name of an array of constants."""
        return self._tables.setdefault((kind, tuple(entries)), f"@table{len(self._tables)}")

    @property
    def spare(self) -> int:
        """The number of bytes that ``@spare`` points to, or 0 where there is no such pointer."""
        return max([function.spare for function in self._functions], default=0)

    def length(self) -> int:
        """Return the number of lines of the functions."""
        return sum([len(function.lines) for function in self._functions])

    def text(self) -> str:
        """Return the whole module."""
        bits = 64 * max(self.lanes, self.width)
        width = f'"prefer-vector-width"="{bits}" "min-legal-vector-width"="{bits}"'
        lines = sorted(set().union(*[function.declarations for function in self._functions]))
        if self.spare:
            lines.append(_SPARE.format(size=self.spare, malloc=self._find("malloc", 1), free=self._find("free", 1)))
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
            wide, callee = vector(lanes), f"@cg.{name}.{lanes}"
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
                function.lines.append(text.format(address=self._find(symbol, 2)))
                function.end("double %result")
            else:
                callee = f"inttoptr (i64 {self._find(name, arity)} to ptr)"
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
_MOD = """  %m = call double inttoptr (i64 {address} to ptr)(double %x0, double %x1)
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
_FLOORDIV = """  %m = call double inttoptr (i64 {address} to ptr)(double %x0, double %x1)
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
  %p = call double inttoptr (i64 {address} to ptr)(double %x0, double %x1)
  %xx = fmul double %x0, %x0
  %result = select i1 %square, double %xx, double %p"""

_AS_IN_PYTHON = {"mod": ("fmod", _MOD), "floordiv": ("fmod", _FLOORDIV), "pow": ("pow", _POW)}  # and what they call
_DECLARATIONS = {"declare double @llvm.copysign.f64(double, double)", "declare double @llvm.floor.f64(double)"}


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
