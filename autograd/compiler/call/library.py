"""The C functions behind Python's ``math``, found by name and tried before they are trusted.

An instruction calls the C library where that gives the bits of the table's forward rule, which is tried on a few dozen
numbers when the function is first needed. Where it does not (another platform's ``math``, or a rule that is Python
code, like ``lgamma`` and ``polygamma``), the machine code calls the rule itself: slow, and the same bits.
"""

from __future__ import annotations

import ctypes
import functools
import itertools
import math
import struct
import sys
import threading
from collections.abc import Callable
from typing import Any

from autograd.compiler.program.conditions import row_of
from autograd.ops import OPERATIONS

_TRIED = [
    0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, 3.0, -3.0, 1e-300, -5e-324, 1e-9, 0.1, -0.7, 0.9999, 1.0001, 1.7, -2.3, 5.25,
    7.7, -11.3, 20.5, 26.5, 45.0, -80.1, 300.3, 709.9, -745.5, 1023.5, 1e5, -123456.789, 1e17, 1e300, math.inf,
    -math.inf, math.nan,
]  # fmt: skip

_DOUBLE = ctypes.c_double


@functools.cache
def _library() -> Any:
    if sys.platform == "win32":
        return ctypes.CDLL("ucrtbase")
    return ctypes.CDLL(None)


@functools.cache
def address(name: str, arity: int) -> int | None:
    """Return the address of the C function that has the bits of an operation's forward rule, or None."""
    if name in ("malloc", "free"):
        return ctypes.cast(getattr(_library(), name), ctypes.c_void_p).value
    row = OPERATIONS.get(name)
    symbol = name if row is None else row.c
    function = getattr(_library(), symbol, None) if symbol else None
    if function is None:
        return None
    function.restype, function.argtypes = _DOUBLE, [_DOUBLE] * arity
    if row is not None and not _agrees(function, row.forward, arity):
        return None
    place: int | None = ctypes.cast(function, ctypes.c_void_p).value
    return place


def free(pointer: int | None) -> None:
    """Give back memory that machine code has allocated."""
    release = _library().free
    release.restype, release.argtypes = None, [ctypes.c_void_p]
    release(pointer)


def _agrees(function: Any, rule: Callable[..., float], arity: int) -> bool:
    numbers = _TRIED if arity == 1 else [*_TRIED[::2], 2.0, 3.0, -3.0]
    for operands in itertools.product(numbers, repeat=arity):
        if rule is OPERATIONS["pow"].forward and operands[1] == 2.0:
            continue  # a product, by the rule
        if not same_bits(function(*operands), rule(*operands)):
            return False
    return True


def same_bits(a: float, b: float) -> bool:
    """Whether two floats are one number, −0.0 told from 0.0, every nan the same."""
    return (a != a and b != b) or struct.pack("d", a) == struct.pack("d", b)


class Failures:
    """The first exception of the rules that machine code calls back, for each thread its own."""

    def __init__(self) -> None:
        self._of_thread = threading.local()
        self._threads = ctypes.c_int64(0)  # how many have failed and were not asked yet
        self.address = ctypes.addressof(self._threads)

    def add(self, failure: BaseException) -> None:
        """Keep an exception, if it is the first of this thread."""
        if getattr(self._of_thread, "first", None) is None:
            self._of_thread.first = failure
            self._threads.value += 1

    def take(self) -> BaseException | None:
        """Return the first exception of this thread, and forget it."""
        first: BaseException | None = getattr(self._of_thread, "first", None)
        if first is not None:
            self._of_thread.first = None
            self._threads.value -= 1
        return first


class Callback:
    """A rule of the table as a C function. An exception in it is kept in ``failures``, and the result is nan."""

    def __init__(self, forward: Callable[..., Any], arity: int, failures: Failures) -> None:
        def call(*operands: float) -> float:
            try:
                return float(forward(*operands))
            except BaseException as failure:  # KeyboardInterrupt too: nothing can be raised through machine code
                failures.add(failure)
                return math.nan

        self._function = ctypes.CFUNCTYPE(_DOUBLE, *[_DOUBLE] * arity)(call)
        self.address: int = ctypes.c_void_p.from_buffer(self._function).value or 0  # a cast would make it a circle


class Rules:
    """What the machine code of one module calls: functions of the C library, and rules of the table."""

    def __init__(self) -> None:
        self.callbacks: list[Callback] = []
        self.failures = Failures()

    def address(self, name: str, arity: int, rule: Callable[..., Any] | None = None) -> int:
        """Return the address of the C function for an instruction, or of its rule, which is called back."""
        found = address(name, arity) if rule is None else None
        if found is None:
            self.callbacks.append(Callback(rule or row_of(name).forward, arity, self.failures))
            return self.callbacks[-1].address
        return found
