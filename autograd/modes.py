"""Three switches for a stretch of code: build no graph, stop at the first nan, remember the source line.

Each holds for its own thread and asyncio task. ``active`` counts the stretches now open in any thread: while it is 0,
which is nearly always, an operation pays for one look at it and for nothing else.
"""

from __future__ import annotations

import linecache
import math
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any

from .errors import AnomalyError
from .operation import Operation

active = 0
_lock = threading.Lock()

recording: ContextVar[bool] = ContextVar("recording", default=True)
checking: ContextVar[bool] = ContextVar("checking", default=False)
locating: ContextVar[bool] = ContextVar("locating", default=False)
following: ContextVar[Callable[[Any, Any], None] | None] = ContextVar("following", default=None)


@contextmanager
def _switched(switch: ContextVar[Any], to: Any) -> Iterator[None]:
    global active
    with _lock:
        active += 1
    token = switch.set(to)
    try:
        yield
    finally:
        switch.reset(token)
        with _lock:
            active -= 1


def no_grad() -> AbstractContextManager[None]:
    """Compute without building a graph, in a ``with`` block or as a decorator: results are Values without operands.

    >>> from autograd import Value, no_grad
    >>> w = Value(2.0)
    >>> with no_grad():
    ...     y = w * w
    >>> y.operands
    ()
    """
    return _switched(recording, False)


def enable_grad() -> AbstractContextManager[None]:
    """Build graphs again inside ``no_grad()``."""
    return _switched(recording, True)


def detect_anomaly() -> AbstractContextManager[None]:
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
    return _switched(checking, True)


def record_source() -> AbstractContextManager[None]:
    """Keep with each node the file and line that made it, for diagrams and for AnomalyError.

    >>> from autograd import Value, record_source
    >>> with record_source():
    ...     y = Value(2.0) * 3
    >>> y.source is not None
    True
    """
    return _switched(locating, True)


def follow(see: Callable[[Any, Any], None]) -> AbstractContextManager[None]:
    """Call ``see(node, operands)`` with every node that an operation makes; the compiler's traces look on this way."""
    return _switched(following, see)


def caller() -> tuple[str, int, str]:
    """Return file, line number and text of the nearest line outside this library that is running now."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in ("autograd", "nn"):
        frame = frame.f_back
    name, line = frame.f_code.co_filename, frame.f_lineno
    return name, line, linecache.getline(name, line, frame.f_globals).strip()


def watch(node: Any, op: Operation, operands: Any, datas: list[Any]) -> Any:
    """Do what the open modes ask of a node just made: check it, note where it was made, show it to who follows."""
    if (see := following.get()) is not None:
        see(node, operands)
    if checking.get() and not _finite(node.data) and all(map(_finite, datas)):
        raise AnomalyError(f"{_story(op, node.data, datas)}, at " + "{}:{}: {}".format(*caller()))
    if locating.get() or checking.get():
        node._note("source", caller())
    return node


def check_backward(node: Any) -> None:
    """Raise AnomalyError if the derivatives at this node turned a finite adjoint into a nan or an infinity."""
    datas = [x if isinstance(x, float) else x.data for x in node.operands]
    for i, partial in enumerate(node.partials):
        if partial is not None and _finite(node.grad) and all(map(_finite, datas)) and not _finite(partial * node.grad):
            source = "{}:{}: {}".format(*node.source) if node.source else "a line outside detect_anomaly()"
            raise AnomalyError(
                f"the backward pass of {_story(node.op, node.data, datas)} made {partial * node.grad!r} for operand "
                f"{i}: the derivative {partial!r} times the adjoint {node.grad!r}; the operation was called at {source}"
            )


def _finite(x: Any) -> bool:
    return not isinstance(x, float) or math.isfinite(x)


def _story(op: Operation, made: Any, datas: list[Any]) -> str:
    return f"{op.name} made {made!r} out of {' and '.join(map(repr, datas))}"
