"""What a traced function uses from outside: parameters lent to the trace, and Values that must not be there."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable
from typing import Any

from autograd import modes
from autograd._dunders import Dunders
from autograd.errors import TraceError
from autograd.ops import Number, as_float
from autograd.graph import UNSET
from autograd.value import Value

from .recorder import Trace, Traced

tracing = threading.RLock()  # one trace at a time: it lends traced numbers to the parameters of a model


class _Stale(Number):
    """Stands for a gradient from before the call, which must not be frozen into the program."""

    __slots__ = ()
    __hash__ = object.__hash__

    def _refuse(self, *others: Any) -> Any:
        raise TraceError(
            "the traced function adds to a gradient, or reads one, that was there before the call; call zero_grad() "
            "inside the function before backward(), at {}:{}: {}".format(*modes.caller())
        )

    __add__ = __radd__ = __mul__ = __rmul__ = __sub__ = __rsub__ = __neg__ = __float__ = __truediv__ = _refuse


class Lent:
    """Lends traced numbers to the parameters for the time of a trace, and takes them back whatever happens."""

    def __init__(self, parameters: list[Value], trace: Trace) -> None:
        self.parameters = parameters
        self.numbers: list[Any] = trace.inputs()[len(trace.names) - len(parameters) :]
        self.stale: Any = _Stale()

    def __enter__(self) -> Lent:
        self.before = [(x.data, x.grad) for x in self.parameters]
        for x, number in zip(self.parameters, self.numbers, strict=True):
            x.data = number
            if x.requires_grad:
                x.grad = self.stale
        return self

    def __exit__(self, *failure: Any) -> None:
        for x, (data, grad) in zip(self.parameters, self.before, strict=True):
            x.data = data
            if x.requires_grad:
                x.grad = grad

    def changes(self, leaves: list[Any], number: Callable[[Any], Any]) -> list[tuple[int, str]]:
        """Add what the function made of data and gradients to the leaves, and return where each belongs."""
        writes = []
        for i, (x, given) in enumerate(zip(self.parameters, self.numbers, strict=True)):
            if x.data is not given:
                leaves.append(number(x.data))
                writes.append((i, "data"))
            if not x.requires_grad or x.grad is self.stale:
                continue
            if x.grad is UNSET:
                writes.append((i, "unset"))
            else:
                leaves.append(number(x.grad))
                writes.append((i, "grad"))
        return writes


class Watched:
    """Finds the Values that a traced function takes from outside without having declared them.

    It looks at every node that is made, and at every comparison. A Value with a plain number is fine where the function
    made it itself, so the ones that are made are remembered. For both, methods of ``Value`` are replaced while the
    trace lasts.
    """

    COMPARING = ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__bool__", "__round__")

    def __init__(self, parameters: list[Value]) -> None:
        self.known = {id(x) for x in parameters}
        self.kept: list[Any] = []  # so that no id is used twice

    def __enter__(self) -> Watched:
        plain = self.plain = Value.__init__

        @functools.wraps(plain)
        def noted(value: Any, *args: Any, **kwargs: Any) -> None:
            plain(value, *args, **kwargs)
            self._know(value)

        Value.__init__ = noted  # type: ignore[method-assign, assignment]
        self.before = {name: vars(Value).get(name) for name in self.COMPARING}  # of a trace around this one
        for name in self.COMPARING:
            setattr(Value, name, self._compared(getattr(Dunders, name)))
        self.see_node = self.see  # one object, which tells this trace from those of other threads
        self.mode = modes.follow(self.see_node)
        self.mode.__enter__()
        return self

    def _compared(self, plain: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(plain)
        def compared(*operands: Any) -> Any:
            if modes.following.get() is self.see_node:
                for x in operands:
                    if isinstance(x, Value):
                        self.check(x)
            return plain(*operands)

        return compared

    def __exit__(self, *failure: Any) -> None:
        self.mode.__exit__(None, None, None)
        for name, method in self.before.items():
            if method is None:
                delattr(Value, name)
            else:
                setattr(Value, name, method)
        Value.__init__ = self.plain  # type: ignore[method-assign]

    def _know(self, value: Any) -> None:
        self.known.add(id(value))
        self.kept.append(value)

    def see(self, node: Any, operands: Iterable[Any]) -> None:
        for x in operands:
            if isinstance(x, Value):
                self.check(x)
        self._know(node)

    def check(self, x: Value) -> None:
        if type(x.data) is float and id(x) not in self.known:
            raise TraceError(
                f"the traced function uses {x!r} from outside, and its number would be frozen into the machine code; "
                "pass it as an argument, or declare it: jit(f, parameters=[...]), or parameters=model; at "
                "{}:{}: {}".format(*modes.caller())
            )

    def number(self, x: Any) -> Any:
        """Return what the program computes for a leaf of the result."""
        if isinstance(x, Value):
            self.check(x)
            x = x.data
        return x if isinstance(x, Traced) else as_float(x)
