"""Switches for a stretch of code: build no graph, stop at the first nan, remember the source line.

Each holds for its own thread and asyncio task. ``active`` counts the ``with`` blocks that are open now, in all threads:
while it is 0, which is nearly always, an operation pays for one look at it and for nothing else.
"""

from __future__ import annotations

import inspect
import linecache
import math
import sys
import threading
import warnings
from collections.abc import Callable
from contextlib import ContextDecorator
from contextvars import ContextVar, Token
from typing import Any

from .errors import AnomalyError
from .operation import bare

CUT = {"cut": True}  # the extras of a result that has no graph: it is a leaf, and nobody may mean its backward()
active = 0
on_change: Callable[[int], object] = lambda count: None  # the engine in C keeps a copy of ``active``
_lock = threading.Lock()

recording: ContextVar[bool] = ContextVar("recording", default=True)
checking: ContextVar[bool] = ContextVar("checking", default=False)
locating: ContextVar[bool] = ContextVar("locating", default=False)
following: ContextVar[Any] = ContextVar("following", default=None)
tracing: ContextVar[Any] = ContextVar("tracing", default=None)


class _Switched(ContextDecorator):
    """Sets a switch for a ``with`` block, or for each call of a function that it decorates."""

    def __init__(self, switch: ContextVar[Any], to: Any) -> None:
        self._switch, self._to = switch, to
        self._tokens: list[Token[Any]] = []

    def _recreate_cm(self) -> _Switched:
        return _Switched(self._switch, self._to)

    def __call__(self, func: Any) -> Any:
        if inspect.iscoroutinefunction(func) or inspect.isgeneratorfunction(func) or inspect.isasyncgenfunction(func):
            raise TypeError(f"{func.__qualname__} runs in pieces, after the decorator is done: use `with` inside it")
        return super().__call__(func)

    def __enter__(self) -> None:
        global active
        with _lock:
            active += 1
            on_change(active)
        self._tokens.append(self._switch.set(self._to))

    def __exit__(self, *exception: object) -> None:
        global active
        try:
            self._switch.reset(self._tokens.pop())
        except ValueError:
            pass  # an async generator that another task closes: the switch was that other task's own
        finally:
            with _lock:
                active -= 1
                on_change(active)


def graph_is_off() -> bool:
    """Whether ``no_grad()`` is on here."""
    return bool(active) and not recording.get()


def no_grad() -> _Switched:
    """Compute without building a graph, in a ``with`` block or as a decorator.

    Results are Values without operands, which refuse ``backward()``.

    >>> from autograd import Value, no_grad
    >>> w = Value(2.0)
    >>> with no_grad():
    ...     y = w * w
    >>> y.operands
    ()
    """
    return _Switched(recording, False)


def enable_grad() -> _Switched:
    """Build graphs again inside ``no_grad()``."""
    return _Switched(recording, True)


def detect_anomaly() -> _Switched:
    """Raise AnomalyError at the first operation that makes a nan or an infinity out of finite numbers.

    It watches forward and backward, and the message names the operation, its operands and the line that called it.

    >>> from autograd import AnomalyError, Value, detect_anomaly
    >>> with detect_anomaly():
    ...     try:
    ...         Value(1.0) / 0.0
    ...     except AnomalyError as error:
    ...         print(str(error).split(",")[0])
    div made inf out of 1.0 and 0.0
    """
    return _Switched(checking, True)


def record_source() -> _Switched:
    """Keep with each node the file and line that made it, for diagrams and for AnomalyError.

    >>> from autograd import Value, record_source
    >>> with record_source():
    ...     y = Value(2.0) * 3
    >>> y.source is not None
    True
    """
    return _Switched(locating, True)


def follow(captured: Any) -> _Switched:
    """Let ``captured`` see every node that an operation makes, as the compiler does while it traces."""
    return _Switched(following, captured)


def trace_by(tracer: Any) -> _Switched:
    """Let ``tracer`` write down the loops that run now, as the compiler does while it traces."""
    return _Switched(tracing, tracer)


def caller() -> tuple[str, int, str]:
    """Return file, line number and text of the nearest line outside this library that is running now."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in ("autograd", "nn"):
        frame = frame.f_back
    name, line = frame.f_code.co_filename, frame.f_lineno
    return name, line, linecache.getline(name, line, frame.f_globals).strip()


def warn(message: str) -> None:
    """Warn the user, at the nearest line outside this library."""
    name, line, _ = caller()
    warnings.warn_explicit(message, UserWarning, name, line)


def watch(node: Any) -> Any:
    """Do what the open modes ask of a node just made: show it, check it, note where it was made, cut off its graph."""
    if (captured := following.get()) is not None:
        captured.see(node)
    if checking.get() and not _finite(node.data):
        numbers = _numbers(node)
        if all(map(_finite, numbers)):
            place = "{}:{}: {}".format(*caller())
            raise AnomalyError(f"{node.op.name} made {node.data!r} out of {_listed(numbers)}, at {place}")
    if locating.get() or checking.get():
        node.set_extra("source", caller())
    if not recording.get():
        node.op, node.operands, node.partials = None, (), ()
        node.extras = CUT if node.extras is None else {**node.extras, **CUT}
    return node


def check_backward(node: Any) -> None:
    """Raise AnomalyError if a finite adjoint of this node turned into a nan or an infinity on the way to an operand."""
    for i, (operand, partial) in enumerate(zip(node.operands, node.partials)):
        if partial is not None and operand.requires_grad:
            check_flow(node, i, node.grad, partial, operand.grad)


def check_flow(node: Any, i: int, flow: Any, partial: Any, total: Any, forward: bool = False) -> None:
    """Raise AnomalyError if what a partial makes of a finite flow, an adjoint or a tangent, is not finite.

    ``total`` is what the operand ``i`` has then; with ``forward``, the node.
    """
    flow, partial, total = bare(flow), bare(partial), bare(total)
    numbers = _numbers(node)
    if _finite(total) or not _finite(flow) or not all(map(_finite, numbers)):
        return
    source = "{}:{}: {}".format(*node.source) if node.source else "a line outside detect_anomaly()"
    sweep, kind = ("forward", "tangent") if forward else ("backward", "adjoint")
    raise AnomalyError(
        f"in the {sweep} pass, {node.op.name} of {_listed(numbers)} made {total!r} for operand {i}: "
        f"the derivative there is {partial!r} and the {kind} {flow!r}; the operation was called at {source}"
    )


def _numbers(node: Any) -> list[Any]:
    return [bare(x) for x in node.operands]


def _finite(x: Any) -> bool:
    return not isinstance(x, float) or math.isfinite(x)


def _listed(numbers: list[Any]) -> str:
    if len(numbers) <= 10:
        return " and ".join(map(repr, numbers))
    ends = [" and ".join(map(repr, part)) for part in (numbers[:4], numbers[-2:])]
    return f"{ends[0]} and … ({len(numbers) - 6} more) … and {ends[1]}"
