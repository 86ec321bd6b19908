"""What a traced function uses from outside: parameters lent to the trace, and Values that must not be there."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from autograd import modes
from autograd._engine import Value, engine
from autograd.errors import TraceError
from autograd.graph import UNSET, lent
from autograd.ops import Number, as_float

from .traced import Traced, here

tracing = threading.RLock()  # one trace at a time: it lends traced numbers to the parameters of a model
_COMPARING = ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__bool__", "__round__")


class _Stale(Number):
    """Stands for a gradient from before the call, which must not be frozen into the program."""

    __slots__ = ()
    __hash__ = object.__hash__

    def _refuse(self, *others: Any) -> Any:
        raise TraceError(
            "the traced function adds to a gradient, or reads one, that was there before the call; call zero_grad() "
            f"inside the function before backward(){here()}"
        )

    __add__ = __radd__ = __mul__ = __rmul__ = __sub__ = __rsub__ = __neg__ = __float__ = __truediv__ = _refuse


class Captured:
    """What a traced function uses from outside, while ``capture`` watches.

    A Value with a plain number is fine where the function made it itself, so the ones that are made are remembered.
    """

    def __init__(self, parameters: list[Value], numbers: list[Any]) -> None:
        self._parameters, self._numbers = parameters, numbers
        self._stale: Any = _Stale()
        self._lent = {id(x) for x in parameters}
        self.made: dict[int, Any] = {}  # by identity, the Values that the function made

    def know(self, value: Any) -> None:
        """Remember a Value that the function made."""
        self.made[id(value)] = value

    def see(self, node: Any) -> None:
        """Look at a node that an operation made. The engine in C does the same."""
        self.check(node.operands)
        self.know(node)

    def check(self, operands: Iterable[Any]) -> None:
        """Raise TraceError for a Value from outside that was not declared."""
        for x in operands:
            known = id(x) in self.made or id(x) in self._lent
            if not known and isinstance(x, Value) and type(x.data) is float:
                raise TraceError(
                    f"the traced function uses {x!r} from outside, and its number would be frozen into the machine "
                    "code; pass it as an argument, or declare it: jit(f, parameters=[...]), or parameters=model; at "
                    "{}:{}: {}".format(*modes.caller())
                )

    def number(self, x: Any) -> Any:
        """Return what the program computes for a leaf of the result."""
        if type(x) is Traced:
            return x
        if isinstance(x, Value):
            self.check([x])
            x = x.data
        return x if isinstance(x, Traced) else as_float(x)

    def changes(self, leaves: list[Any]) -> list[tuple[int, str]]:
        """Add what the function made of data and gradients to the leaves, and return where each belongs."""
        writes = []
        for i, (x, number) in enumerate(zip(self._parameters, self._numbers, strict=True)):
            if x.data is not number:
                leaves.append(self.number(x.data))
                writes.append((i, "data"))
            if not x.requires_grad or x.grad is self._stale:
                continue
            if x.grad is UNSET:
                writes.append((i, "unset"))
            else:
                leaves.append(self.number(x.grad))
                writes.append((i, "grad"))
        return writes

    @contextmanager
    def lending(self) -> Iterator[None]:
        """Let the parameters hold traced numbers; a gradient from before the call must not be used."""
        learning = [x for x in self._parameters if x.requires_grad]
        with lent(self._parameters, self._numbers), lent(learning, [x.data for x in learning], self._stale):
            yield


@contextmanager
def capture(parameters: list[Value], numbers: list[Any]) -> Iterator[Captured]:
    """Lend traced numbers to the parameters, and find the Values from outside that are not among them.

    Two things are looked at: every Value that is made, and every comparison. For the second, and for leaves where the
    engine is that in Python, methods of ``Value`` are replaced while the trace lasts.
    """
    captured = Captured(parameters, numbers)
    plain = Value.__init__

    @functools.wraps(plain)
    def noted(value: Any, *args: Any, **kwargs: Any) -> None:
        plain(value, *args, **kwargs)
        if modes.following.get() is captured:
            captured.know(value)

    def checked(method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def compare(*operands: Any) -> Any:
            if modes.following.get() is captured:  # this trace, and not that of another thread
                captured.check(operands)
            return method(*operands)

        return compare

    methods = {name: checked(getattr(Value, name)) for name in _COMPARING}
    if engine == "python":
        methods["__init__"] = noted
    with _replaced(methods), modes.follow(captured), captured.lending():
        try:
            yield captured
        finally:
            captured.made.clear()  # a trace has this list, and the Values in it have numbers of the trace


@contextmanager
def _replaced(methods: dict[str, Any]) -> Iterator[None]:
    before = {name: vars(Value).get(name) for name in methods}  # of a trace around this one, or inherited
    try:
        for name, method in methods.items():
            setattr(Value, name, method)
        yield
    finally:
        for name, method in before.items():
            if method is None:
                delattr(Value, name)
            else:
                setattr(Value, name, method)
