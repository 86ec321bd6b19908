"""Tracing: run plain Python on numbers that write down what is done with them.

``Traced`` is one more kind of number. Every operation done with it appends an instruction to the program of its
``Trace``; there is no derivative rule here, since ``backward()`` and the transformations are plain Python on the same
numbers. Simplifications are made while instructions are written, and only those that keep every bit, of −0.0,
infinities and nan as well (a nan stays a nan; its payload and sign are nobody's).
"""

from __future__ import annotations

import math
import operator
import struct
import threading
from collections.abc import Callable
from typing import Any

from autograd import modes
from autograd.compiler.program.program import COMPARISONS, RULES, Program
from autograd.errors import TracedBranchError, TraceError
from autograd.ops import OPERATIONS, Number, Operation, as_float

_COMMUTATIVE = frozenset(["add", "mul", "hypot", "eq", "ne", "and", "or", "xor"])
_NEVER_MINUS_ZERO = frozenset(["abs", "exp", "exp2", "cosh", "acos", "acosh", "hypot", "erfc"])
_BOOLEAN = frozenset([*COMPARISONS, "and", "or", "xor"])


class Trace:
    """The program that is being written. A place is the number of a value, or ``~k`` for constant number k."""

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self.open = True
        self.thread = threading.get_ident()
        self.codes: list[str] = ["input"] * len(names)
        self.operands: list[tuple[int, ...]] = [()] * len(names)
        self.constants: list[float] = []
        self._constant_places: dict[Any, int] = {}
        self._known: dict[tuple[Any, ...], int] = {}
        self._never_minus_zero = [False] * len(names)

    def inputs(self) -> list[Traced]:
        return [Traced(self, i) for i in range(len(self.names))]

    def record(self, name: str, operands: tuple[Any, ...]) -> Any:
        """Write one instruction; the result is a Traced, or a float or bool where it is known already."""
        if threading.get_ident() != self.thread:
            raise TraceError(
                "another thread has this parameter at the moment, since jit traces a function of it there; call the "
                f"compiled function once before several threads use the model{_here()}"
            )
        if not self.open:
            raise TraceError(
                "a traced number was used after its trace had ended: a function given to jit put it somewhere outside "
                f"(an attribute, a global, a list); return it from the function instead{_here()}"
            )
        place = self.emit(name, tuple([self.place(x) for x in operands]))
        if place >= 0:
            return (TracedBool if name in _BOOLEAN else Traced)(self, place)
        return self.constants[~place] != 0.0 if name in _BOOLEAN else self.constants[~place]

    def place(self, x: Any) -> int:
        if isinstance(x, (Traced, TracedBool)):
            if x.trace is not self:
                raise TraceError(
                    "a traced number of another trace came in here: a function given to jit put it somewhere outside; "
                    f"return it from the function, or pass it as an argument{_here()}"
                )
            return x.place
        return self.constant(float(x) if isinstance(x, bool) else as_float(x))

    def constant(self, x: float) -> int:
        key: Any = x if x == x and x != 0.0 else struct.pack("d", x)  # 0.0 and −0.0 are equal, and not the same
        place = self._constant_places.get(key)
        if place is None:
            place = self._constant_places[key] = ~len(self.constants)
            self.constants.append(x)
        return place

    def emit(self, name: str, operands: tuple[int, ...]) -> int:
        simplify = _SIMPLER.get(name)
        if simplify is not None:
            simpler: int | None = simplify(self, *operands)
            if simpler is not None:
                return simpler
        for place in operands:
            if place >= 0:
                break
        else:
            return self.constant(float(RULES[name](*[self.constants[~place] for place in operands])))
        swapped = name in _COMMUTATIVE and operands[0] > operands[1]
        key = (name, operands[::-1] if swapped else operands)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = len(self.codes)
            self.codes.append(name)
            self.operands.append(operands)
            self._never_minus_zero.append(self._cannot_be_minus_zero(name, operands))
        return known

    def never_minus_zero(self, place: int) -> bool:
        if place >= 0:
            return self._never_minus_zero[place]
        x = self.constants[~place]
        return x != 0.0 or math.copysign(1.0, x) > 0.0

    def _cannot_be_minus_zero(self, name: str, operands: tuple[int, ...]) -> bool:
        if name == "add":  # −0.0 is only the sum of two of them
            return self.never_minus_zero(operands[0]) or self.never_minus_zero(operands[1])
        if name == "mul":
            return operands[0] == operands[1]
        if name == "where":
            return self.never_minus_zero(operands[1]) and self.never_minus_zero(operands[2])
        return name in _NEVER_MINUS_ZERO or name in _BOOLEAN

    def negated(self, place: int) -> int | None:
        """The operand of a negation, or None where the place holds something else."""
        return self.operands[place][0] if place >= 0 and self.codes[place] == "neg" else None

    def number(self, place: int) -> float | None:
        return self.constants[~place] if place < 0 else None

    def finish(self, outputs: list[Any]) -> Program:
        """Close the trace and return the program of what the outputs need."""
        places = [self.place(x) for x in outputs]
        self.open = False
        return Program.pruned(self.names, self.codes, self.operands, self.constants, places)


# ------------------------------------------------------------- simplification
# Each rule returns a place that holds the same bits, or None.


def _simpler_add(t: Trace, a: int, b: int) -> int | None:
    for x, y in ((a, b), (b, a)):
        c = t.number(y)
        if c == 0.0 and (math.copysign(1.0, c) < 0.0 or t.never_minus_zero(x)):
            return x
    if (inner := t.negated(b)) is not None:
        return t.emit("sub", (a, inner))
    if (inner := t.negated(a)) is not None:
        return t.emit("sub", (b, inner))
    return None


def _simpler_sub(t: Trace, a: int, b: int) -> int | None:
    c = t.number(b)
    if c is not None:
        if c == 0.0 and (math.copysign(1.0, c) > 0.0 or t.never_minus_zero(a)):
            return a
        return None
    if (inner := t.negated(b)) is not None:
        return t.emit("add", (a, inner))
    return None


def _simpler_mul(t: Trace, a: int, b: int) -> int | None:
    for x, y in ((a, b), (b, a)):
        c = t.number(y)
        if c == 1.0:
            return x
        if c == -1.0:
            return t.emit("neg", (x,))
    inner_a, inner_b = t.negated(a), t.negated(b)
    if inner_a is not None and inner_b is not None:
        return t.emit("mul", (inner_a, inner_b))
    if inner_a is not None:
        return t.emit("mul", (inner_a, t.constant(-t.constants[~b]))) if b < 0 else _neg_of(t, "mul", inner_a, b)
    if inner_b is not None:
        return t.emit("mul", (inner_b, t.constant(-t.constants[~a]))) if a < 0 else _neg_of(t, "mul", a, inner_b)
    return None


def _neg_of(t: Trace, name: str, a: int, b: int) -> int:
    return t.emit("neg", (t.emit(name, (a, b)),))


def _simpler_div(t: Trace, a: int, b: int) -> int | None:
    c = t.number(b)
    if c is None:
        return None
    if c == 1.0:
        return a
    if c == -1.0:
        return t.emit("neg", (a,))
    if math.isfinite(c) and math.frexp(c)[0] in (0.5, -0.5) and 2.0**-1022 <= abs(c) <= 2.0**1022:
        return t.emit("mul", (a, t.constant(1.0 / c)))  # by a power of two: one rounding of the same number
    return None


def _simpler_neg(t: Trace, a: int) -> int | None:
    return t.negated(a)


def _simpler_pow(t: Trace, a: int, b: int) -> int | None:
    c = t.number(b)
    if c == 2.0:
        return t.emit("mul", (a, a))
    if c == 1.0:
        return a
    if c == 0.0:
        return t.constant(1.0)  # of a nan too (IEEE 754, C)
    return None


def _simpler_where(t: Trace, c: int, a: int, b: int) -> int | None:
    if c < 0:
        return a if t.constants[~c] else b
    return a if a == b else None


def _simpler_abs(t: Trace, a: int) -> int | None:
    if a >= 0 and t.codes[a] == "abs":
        return a
    inner = t.negated(a)
    return t.emit("abs", (inner,)) if inner is not None else None


_SIMPLER: dict[str, Callable[..., int | None]] = {
    "add": _simpler_add,
    "sub": _simpler_sub,
    "mul": _simpler_mul,
    "div": _simpler_div,
    "neg": _simpler_neg,
    "pow": _simpler_pow,
    "where": _simpler_where,
    "abs": _simpler_abs,
    "identity": lambda t, a: a,
}


# -------------------------------------------------------------------- numbers


def _here() -> str:
    return ", at {}:{}: {}".format(*modes.caller())


def _refusal(what: str, remedy: str) -> Callable[..., Any]:
    def refuse(self: Any, *args: Any) -> Any:
        raise TraceError(f"{what} is not known while jit traces the function; {remedy}{_here()}")

    return refuse


class Traced(Number):
    """A number of which only the way it is computed is known."""

    __slots__ = ("place", "trace")
    __hash__ = object.__hash__
    __array_priority__ = 999.0

    def __init__(self, trace: Trace, place: int) -> None:
        self.trace = trace
        self.place = place

    def apply(self, op: Operation, operands: tuple[Any, ...]) -> Any:
        """Write the instruction of a primitive operation; any other is made of those, by its own rule."""
        if op.primitive:
            return self.trace.record(op.name, operands)
        return op.forward(*operands)

    def __repr__(self) -> str:
        return f"<traced number {self.place}>"

    def __bool__(self) -> bool:
        raise TracedBranchError(
            "a Python condition (if, while, and, or, not, assert) needs to know a number that jit is tracing; choose "
            f"with autograd.where(condition, a, b), which computes both{_here()}"
        )

    def __format__(self, spec: str) -> str:
        if spec:
            raise TraceError(f"a traced number has no digits to print yet; print the result of the call{_here()}")
        return repr(self)

    def __pos__(self) -> Any:
        return self

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> Any:
        return other // self, other % self

    def __round__(self, ndigits: int | None = None) -> Any:
        if ndigits is not None:
            raise TraceError(f"round to {ndigits} digits has no machine instruction; use autograd.round(x){_here()}")
        return self.trace.record("round", (self,))

    __float__ = _refusal("the number", "use autograd.sin(x) in place of math.sin(x), and do not convert")
    __int__ = __complex__ = __float__
    __index__ = _refusal(
        "the number that is to be an index or a count",
        "pass it as a string, bool or closure constant, or choose with autograd.where",
    )
    __getitem__ = _refusal(  # which iteration asks as well
        "one traced number stands where a list or an array was wanted: an array argument is taken element by element, "
        "and what is inside it",
        "pass a list, or pass in_axes=None for this argument to hand the array over as a whole",
    )

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """NumPy's functions act on an array of objects, or are the operations of the table, as for a Value."""
        return _through_numpy(self, ufunc, method, *inputs, **options)


# NumPy's own would turn the outcome into a bool at once.
_CONDITIONS = {
    "less": operator.lt, "less_equal": operator.le, "greater": operator.gt, "greater_equal": operator.ge,
    "equal": operator.eq, "not_equal": operator.ne, "logical_and": operator.and_, "logical_or": operator.or_,
    "logical_xor": operator.xor,
}  # fmt: skip


def _through_numpy(x: Any, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
    import numpy as np

    from autograd._numpy import NumpyProtocol

    condition = _CONDITIONS.get(ufunc.__name__)
    if condition is not None and method == "__call__":
        ufunc = np.frompyfunc(condition, 2, 1)
    return NumpyProtocol.__array_ufunc__(x, ufunc, method, *inputs, **options)


def _operand(x: Any) -> Any:
    """The other side of an operator as a Traced or a float, or NotImplemented so that it may try itself."""
    if type(x) is float or type(x) is Traced:
        return x
    if isinstance(x, TracedBool):
        return x._refuse()
    try:
        return as_float(x)
    except TypeError:
        return NotImplemented


def _binary(name: str, swapped: bool) -> Callable[[Traced, Any], Any]:
    def method(self: Traced, other: Any) -> Any:
        given, other = other, _operand(other)
        if other is NotImplemented:
            if type(given) in (list, tuple) and name not in COMPARISONS:
                raise TraceError(
                    f"a {type(given).__name__} of {len(given)} stands where a number was wanted; arithmetic is done "
                    "with single numbers and NumPy arrays, and a batch is an array, or an argument to which in_axes "
                    f"gives 0{_here()}"
                )
            return NotImplemented
        return self.trace.record(name, (other, self) if swapped else (self, other))

    return method


def _unary(name: str) -> Callable[[Traced], Any]:
    return lambda self: self.trace.record(name, (self,))


for _symbol, _name in {
    "add": "add",
    "sub": "sub",
    "mul": "mul",
    "truediv": "div",
    "pow": "pow",
    "floordiv": "floordiv",
    "mod": "mod",
}.items():
    setattr(Traced, f"__{_symbol}__", _binary(_name, swapped=False))
    setattr(Traced, f"__r{_symbol}__", _binary(_name, swapped=True))
for _name in COMPARISONS:
    setattr(Traced, f"__{_name}__", _binary(_name, swapped=False))
for _name in ("neg", "abs", "floor", "ceil", "trunc"):
    setattr(Traced, f"__{_name}__", _unary(_name))
for _op in OPERATIONS.values():
    if _op.method:
        setattr(Traced, _op.name, _op.evaluate)


class TracedBool(Number):
    """The outcome of a comparison of traced numbers: good for ``where``, ``&`` and ``|``, and for nothing else."""

    __slots__ = ("place", "trace")
    __hash__ = object.__hash__
    __array_priority__ = 999.0
    __bool__ = Traced.__bool__

    def __init__(self, trace: Trace, place: int) -> None:
        self.trace = trace
        self.place = place

    def apply(self, op: Operation, operands: tuple[Any, ...]) -> Any:
        """Only ``where`` takes a condition, and as its first operand."""
        if op.name != "where" or any(isinstance(x, TracedBool) for x in operands[1:]):
            self._refuse()
        return self.trace.record("where", operands)

    def __repr__(self) -> str:
        return f"<traced condition {self.place}>"

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        return _through_numpy(self, ufunc, method, *inputs, **options)

    def _refuse(self, *others: Any) -> Any:
        raise TraceError(f"a comparison is not a number; write where(condition, 1.0, 0.0){_here()}")

    def _logic(self, name: str, other: Any) -> Any:
        if not isinstance(other, (TracedBool, bool)):
            self._refuse()
        return self.trace.record(name, (self, other))

    def __and__(self, other: Any) -> Any:
        return self._logic("and", other)

    def __or__(self, other: Any) -> Any:
        return self._logic("or", other)

    def __xor__(self, other: Any) -> Any:
        return self._logic("xor", other)

    __rand__, __ror__, __rxor__, __ne__ = __and__, __or__, __xor__, __xor__

    def __eq__(self, other: object) -> Any:
        return self._logic("xor", other) ^ True


for _symbol in ("add", "sub", "mul", "truediv", "pow", "floordiv", "mod", "lt", "le", "gt", "ge"):
    setattr(TracedBool, f"__{_symbol}__", TracedBool._refuse)
    setattr(TracedBool, f"__r{_symbol}__", TracedBool._refuse)
for _symbol in ("neg", "pos", "abs", "float", "int", "index", "invert"):
    setattr(TracedBool, f"__{_symbol}__", TracedBool._refuse)
