"""The text of one LLVM module: its functions, and the helpers that they turn out to call.

The text is written directly, since building it object by object takes longer than compiling it. Arithmetic carries no
flag that would let LLVM fuse, reassociate or approximate, unless ``fast`` asks for it.
"""

from __future__ import annotations

from collections.abc import Callable

from . import vector_math
from .syntax import intrinsic, vector

STACK = 16_384  # bytes of scratch memory that a function takes from the stack, of which a thread may have 128 KB
FAST_FLAGS = " reassoc nsz arcp contract afn"


class Module:
    """The text of one LLVM module: functions, and the helpers that they turn out to call."""

    def __init__(self, find: Callable[[str, int], int], lanes: int, fast: bool, pack_width: int = 8) -> None:
        self.lanes = lanes
        self.pack_width = pack_width  # how many lanes a pack in a long program has
        self.flags = FAST_FLAGS if fast else ""
        self.lines: list[str] = []  # of the function that is being written
        self._find = find  # the address of the function behind an instruction, by name and number of operands
        self._fast = fast
        self._functions: list[str] = []
        self._names = 0  # how many names there are
        self._spare_size = 0  # bytes of memory that calls hand on
        self._helpers: dict[tuple[str, int], str] = {}
        self._declared: set[str] = set()

    def text(self) -> str:
        """Return the whole module."""
        bits = 64 * max(self.lanes, self.pack_width)
        width = f'"prefer-vector-width"="{bits}" "min-legal-vector-width"="{bits}"'
        attributes = f"attributes #0 = {{ nounwind {width} }}\nattributes #1 = {{ nounwind noinline optnone {width} }}"
        memory = []
        if self._spare_size:
            addresses = {"malloc": self._find("malloc", 1), "free": self._find("free", 1)}
            memory = [_SPARE.format(size=self._spare_size, **addresses)]
        return "\n".join([*sorted(self._declared), *memory, *self._functions, attributes, ""])

    @property
    def has_spare(self) -> bool:
        """Whether there is a global ``@spare`` that may point to memory."""
        return self._spare_size > 0

    def fresh(self) -> str:
        """Return a name that is not used yet."""
        self._names += 1
        return f"%t{self._names}"

    def open(self, head: str) -> list[str]:
        """Begin a function, and return its lines, to be added to."""
        self.lines = [head]
        return self.lines

    def close(self) -> None:
        """End a function that returns nothing."""
        self.add("\n".join([*self.lines, "  ret void", "}"]))

    def add(self, function: str) -> None:
        """Add a function that is written already."""
        self._functions.append(function)

    def scratch(self, vectors: int, lanes: int = 1, name: str = "%scratch") -> None:
        """Write the code that gets memory for so many vectors, as ``%scratch`` or under another name.

        Little comes from the stack. Much is allocated once and kept for the next call: a call takes it out of
        ``@spare`` by an atomic exchange, so that two at a time never share it.
        """
        size = 8 * lanes * max(vectors, 1)
        if size <= STACK:
            self.lines.append(f"  {name} = alloca i8, i64 {size}, align 64")
            return
        self._spare_size = max(self._spare_size, size)
        self.lines.append(f"  {name} = call ptr @take()")

    def release(self, vectors: int, lanes: int = 1, name: str = "%scratch") -> None:
        """Write the code that gives it back."""
        if 8 * lanes * vectors > STACK:
            self.lines.append(f"  call void @give(ptr {name})")

    def declare(self, line: str) -> None:
        """Add a declaration, once."""
        self._declared.add(line)

    def copy(self, target: str, source: str, size: int) -> None:
        """Write the code that copies so many bytes."""
        self.declare("declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")
        self.lines.append(f"  call void @llvm.memcpy.p0.p0.i64(ptr {target}, ptr {source}, i64 {size}, i1 false)")

    def intrinsic(self, name: str, lanes: int, arity: int) -> str:
        """Return what to call for a function of LLVM."""
        callee, declaration = intrinsic(name, lanes, arity)
        self.declare(declaration)
        return callee

    def helper(self, name: str, arity: int, lanes: int) -> str:
        """Return what to call for an instruction that is no machine instruction."""
        key = (name, lanes)
        if key not in self._helpers:
            callee = f"@cg.{name}.{lanes}"
            if self._fast and name in vector_math.AVAILABLE:
                function, declarations = vector_math.function(name, lanes)
                self._declared |= declarations
                self.add(function)
            elif lanes > 1:
                self.add(self._lane_by_lane(name, arity, lanes))
            elif name in _AS_IN_PYTHON:
                symbol, text, declarations = _AS_IN_PYTHON[name]
                self._declared |= declarations
                self.add(text.format(address=self._find(symbol, 2)))
            else:
                callee = f"inttoptr (i64 {self._find(name, arity)} to ptr)"
            self._helpers[key] = callee
        return self._helpers[key]

    def _lane_by_lane(self, name: str, arity: int, lanes: int) -> str:
        wide, one = vector(lanes), self.helper(name, arity, 1)
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
  %m = call double inttoptr (i64 {address} to ptr)(double %x, double %y)
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
  %m = call double inttoptr (i64 {address} to ptr)(double %x, double %y)
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
  %p = call double inttoptr (i64 {address} to ptr)(double %x, double %y)
  %xx = fmul double %x, %x
  %r = select i1 %square, double %xx, double %p
  ret double %r
}}"""

_COPYSIGN, _FLOOR = intrinsic("llvm.copysign", 1, 2)[1], intrinsic("llvm.floor", 1)[1]
# for each instruction: the C function that it calls, its text, and what it needs to have declared
_AS_IN_PYTHON: dict[str, tuple[str, str, set[str]]] = {
    "mod": ("fmod", _MOD, {_COPYSIGN, _FLOOR}),
    "floordiv": ("fmod", _FLOORDIV, {_COPYSIGN, _FLOOR}),
    "pow": ("pow", _POW, set()),
}


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
