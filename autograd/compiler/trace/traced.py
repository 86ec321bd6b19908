"""The numbers that a function is traced with: what is done with them becomes instructions.

``Traced`` is one more kind of number, so there is no derivative rule here: ``backward()`` and the transformations are
plain Python on the same numbers.
"""

from __future__ import annotations

import operator
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from autograd import _engine, modes
from autograd._numpy import NumpyProtocol
from autograd.compiler.program.conditions import CONDITIONS
from autograd.compiler.program.store import Place
from autograd.errors import TracedBranchError, TraceError
from autograd.graph import Beginning
from autograd.operation import ABSENT, Number, Operation, as_constant, is_node

# NumPy's own functions would turn the outcome of a comparison into a bool at once.
_CONDITIONS_OF_NUMPY = {
    "less": operator.lt, "less_equal": operator.le, "greater": operator.gt, "greater_equal": operator.ge,
    "equal": operator.eq, "not_equal": operator.ne, "logical_and": operator.and_, "logical_or": operator.or_,
    "logical_xor": operator.xor,
}  # fmt: skip


class Recorder(Protocol):
    """What writes down the operations of traced numbers; ``Trace`` is one."""

    constants: list[float]

    def record(self, name: str, operands: tuple[Any, ...]) -> Any:
        """Write one instruction; the result is traced, or a float or bool where it is known already."""

    def write(self, name: str, places: tuple[int, ...]) -> Any:
        """The same with operands at these places."""

    def constant(self, x: float) -> int:
        """Return the place of a constant."""

    def place(self, x: Any) -> int:
        """Return the place of a traced number, or of a constant."""

    def is_inside(self, other: Any) -> bool:
        """Whether it is the trace of a loop's body, inside the other trace."""


class Recorded(Place, NumpyProtocol, Number):
    """A number, or the outcome of a comparison, of which only its place in a trace is known."""

    __slots__ = ()
    __hash__ = object.__hash__

    def branch(self, taken: bool) -> Any:
        """Return the partial of ``where`` by a branch, with this as its condition."""
        condition: Any = self if isinstance(self, TracedBool) else self.trace.record("!=", (self, 0.0))
        return _through(condition if taken else condition ^ True, 1.0)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        import numpy as np

        condition = _CONDITIONS_OF_NUMPY.get(ufunc.__name__)
        if condition is not None and method == "__call__":
            ufunc = np.frompyfunc(condition, 2, 1)
        return super().__array_ufunc__(ufunc, method, *inputs, **options)


def here() -> str:
    """Say which line of the traced function runs now, as the end of a message."""
    return ", at {}:{}: {}".format(*modes.caller())


@contextmanager
def indices_of_arrays() -> Iterator[None]:
    """Say what to do where NumPy refuses a traced number as an index: it does not ask the number, as a list does."""
    try:
        yield
    except IndexError as error:
        if "integer or boolean" not in str(error):
            raise
        place = traceback.extract_tb(error.__traceback__)[-1]
        raise IndexError(
            f"{error}; a traced number is none of these: take(list, index) takes an entry by it, at "
            f"{place.filename}:{place.lineno}: {place.line}"
        ) from error


def _unary(name: str) -> Callable[[Any], Any]:
    return lambda self: self.trace.record(name, (self,))


def _binary(name: str) -> tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]:
    """Return the methods of an operator, for this number on the left and on the right."""

    def method(self: Traced, other: Any) -> Any:
        if type(other) is Traced and type(self) is Traced and other.trace is self.trace:  # nearly always
            return self.trace.write(name, (self.place, other.place))
        if type(other) is float and type(self) is Traced:
            return self.trace.write(name, (self.place, self.trace.constant(other)))
        number = _operand(name, other)
        return number if number is NotImplemented else self.trace.record(name, (self, number))

    def reflected(self: Traced, other: Any) -> Any:
        if type(other) is float and type(self) is Traced:
            return self.trace.write(name, (self.trace.constant(other), self.place))
        number = _operand(name, other)
        return number if number is NotImplemented else self.trace.record(name, (number, self))

    return method, reflected


def _operand(name: str, x: Any) -> Any:
    """Return the other side of an operator as a number, or NotImplemented so that it may try itself."""
    if type(x) is float or isinstance(x, Traced):
        return x
    if isinstance(x, TracedBool):
        x.refuse()
    number = as_constant(x)
    if number is NotImplemented and type(x) in (list, tuple) and name not in CONDITIONS:
        raise TraceError(
            f"a {type(x).__name__} of {len(x)} stands where a number was wanted; arithmetic is done with single "
            f"numbers and NumPy arrays, and a batch is an array, or an argument to which in_axes gives 0{here()}"
        )
    return number


def _refusal(what: str, remedy: str) -> Callable[..., Any]:
    def refuse(self: Any, *args: Any) -> Any:
        raise TraceError(f"{what} is not known while jit traces the function; {remedy}{here()}")

    return refuse


_OPERATORS = {"add", "sub", "mul"}  # of which the forward rule is Python's own


class Traced(Recorded):
    """A number of which only the way it is computed is known."""

    __slots__ = ()

    def apply(self, op: Operation, operands: tuple[Any, ...]) -> Any:
        """Write the instruction of a primitive operation; any other is made of those, by its own rule."""
        if op.primitive and op.name not in _OPERATORS:
            return self.trace.record(op.name, operands)
        return op.forward(*operands)  # of other operations, or the operators, of which a Partial has its own

    if TYPE_CHECKING:  # see _WRITTEN_OFTEN
        __add__, __radd__ = _binary("add")
        __sub__, __rsub__ = _binary("sub")
        __mul__, __rmul__ = _binary("mul")
    __truediv__, __rtruediv__ = _binary("div")
    __pow__, __rpow__ = _binary("pow")
    __floordiv__, __rfloordiv__ = _binary("floordiv")
    __mod__, __rmod__ = _binary("mod")
    __lt__, __gt__ = _binary("<")[0], _binary(">")[0]
    __le__, __ge__ = _binary("<=")[0], _binary(">=")[0]
    __eq__, __ne__ = _binary("==")[0], _binary("!=")[0]
    __neg__, __abs__ = _unary("neg"), _unary("abs")
    __floor__, __ceil__, __trunc__ = _unary("floor"), _unary("ceil"), _unary("trunc")
    __hash__ = object.__hash__

    def __pos__(self) -> Any:
        return self

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> Any:
        return other // self, other % self

    def __round__(self, ndigits: int | None = None) -> Any:
        if ndigits is not None:
            raise TraceError(f"round to {ndigits} digits has no machine instruction; use autograd.round(x){here()}")
        return self.trace.record("round", (self,))

    def __repr__(self) -> str:
        return f"<traced number {self.place}>"

    def __bool__(self) -> bool:
        raise TracedBranchError(
            "a Python condition (if, while, and, or, not, assert) needs to know a number that jit is tracing; choose "
            f"with autograd.where(condition, a, b), which computes both{here()}"
        )

    def __format__(self, spec: str) -> str:
        if spec:
            raise TraceError(f"a traced number has no digits to print yet; print the result of the call{here()}")
        return repr(self)

    __float__ = _refusal("the number", "use autograd.sin(x) in place of math.sin(x), and do not convert")
    __int__ = __complex__ = __float__
    __index__ = _refusal(
        "the number that is to be an index or a count",
        "take(list, index) takes an entry by it and loop(count, body, state) counts to it; or pass it as a string, "
        "bool or closure constant",
    )
    __getitem__ = _refusal(  # which iteration asks as well
        "one traced number stands where a list or an array was wanted: an array argument is taken element by element, "
        "and what is inside it",
        "pass a list, or pass in_axes=None for this argument to hand the array over as a whole",
    )


_WRITTEN_OFTEN = tuple([rule for name in ("add", "sub", "mul") for rule in _binary(name)])
if _engine.native is None:
    Traced.__add__, Traced.__radd__, Traced.__sub__, Traced.__rsub__, Traced.__mul__, Traced.__rmul__ = _WRITTEN_OFTEN
else:  # which writes at once what no rule makes simpler, and asks these for everything else
    _engine.native.set_traced(Traced, _WRITTEN_OFTEN)


class Partial(Traced):
    """A derivative that came through a branch of ``where``: where its condition does not hold, there is none.

    Eager code leaves it out of every product and sum. Here it is −0.0 there, which changes no number that it is added
    to, and what was multiplied is chosen anew, since the product of −0.0 and an infinity would be a nan.
    """

    __slots__ = ("_chosen", "condition", "number")

    def __init__(self, condition: TracedBool, number: Any) -> None:
        self.condition = condition
        self.number = number  # what it is where the condition holds
        self._chosen: Traced | None = None  # the choice, which is written when it is asked for: most are not

    def _choice(self) -> Traced:
        if self._chosen is None:
            trace, number = self.condition.trace, self.number
            if type(number) is Traced and number.trace is trace:  # nearly always
                places = self.condition.place, number.place, trace.constant(-0.0)
                chosen = trace.write("where", places)
            else:
                chosen = trace.record("where", (self.condition, number, -0.0))
            self._chosen = Traced(trace, trace.constant(chosen)) if type(chosen) is float else chosen
        return self._chosen

    trace: Any = property(lambda self: self._choice().trace)
    place: Any = property(lambda self: self._choice().place)

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, Partial):
            return _through(self.condition & other.condition, self.number * other.number)
        return NotImplemented if is_node(other) else _through(self.condition, self.number * other)

    def __add__(self, other: Any) -> Any:
        if isinstance(other, Beginning):
            return self
        if isinstance(other, Number) and not isinstance(other, Traced):
            return NotImplemented  # a Value, or ABSENT, which leave the condition as it is
        total = self._choice() + (other._choice() if isinstance(other, Partial) else other)
        if not isinstance(other, Partial):
            return total
        if self.condition.place == other.condition.place and self.condition.trace is other.condition.trace:
            return Partial(self.condition, self.number + other.number)
        return _through(self.condition | other.condition, total)

    __radd__, __rmul__ = __add__, __mul__


def _through(condition: Any, number: Any) -> Any:
    """Return the derivative that a condition lets through, which may be known by now."""
    if number is ABSENT or condition is False:
        return ABSENT
    return number if condition is True else Partial(condition, number)


class TracedBool(Recorded):
    """The outcome of a comparison of traced numbers: good for ``where``, ``&``, ``|`` and ``^``, and nothing else."""

    __slots__ = ()

    def apply(self, op: Operation, operands: tuple[Any, ...]) -> Any:
        """Only ``where`` takes a condition, and as its first operand."""
        if op.name != "where" or any(isinstance(x, TracedBool) for x in operands[1:]):
            self.refuse()
        return self.trace.record("where", operands)

    def _logic(self, name: str, other: Any) -> Any:
        if not isinstance(other, (TracedBool, bool)):
            self.refuse()
        return self.trace.record(name, (self, other))

    def __and__(self, other: Any) -> Any:
        return self._logic("&", other)

    def __or__(self, other: Any) -> Any:
        return self._logic("|", other)

    def __xor__(self, other: Any) -> Any:
        return self._logic("^", other)

    def __eq__(self, other: object) -> Any:
        return self._logic("^", other) ^ True

    __rand__, __ror__, __rxor__, __ne__ = __and__, __or__, __xor__, __xor__
    __hash__ = object.__hash__
    __bool__ = Traced.__bool__

    def __repr__(self) -> str:
        return f"<traced condition {self.place}>"

    def refuse(self, *others: Any) -> Any:
        """Raise TraceError: whatever was asked for wants a number."""
        raise TraceError(f"a comparison is not a number; write where(condition, 1.0, 0.0){here()}")

    __add__ = __sub__ = __mul__ = __truediv__ = __pow__ = __floordiv__ = __mod__ = refuse
    __radd__ = __rsub__ = __rmul__ = __rtruediv__ = __rpow__ = __rfloordiv__ = __rmod__ = refuse
    __lt__ = __le__ = __gt__ = __ge__ = __neg__ = __pos__ = __abs__ = refuse
    __float__ = __int__ = __index__ = __invert__ = refuse
