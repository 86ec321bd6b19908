"""The trace: what is written down while a function runs, and by whom."""

from __future__ import annotations

import threading
from typing import Any

from autograd import modes
from autograd._numpy import NumpyProtocol
from autograd.compiler.program.program import Program
from autograd.compiler.program.simplify import Draft
from autograd.errors import TraceError
from autograd.ops import Number, as_float


class Recorded(NumpyProtocol, Number):
    """A number, or the outcome of a comparison, of which only the way it is computed is known."""

    __slots__ = ("place", "trace")
    __hash__ = object.__hash__

    def __init__(self, trace: Trace, place: int) -> None:
        self.trace = trace
        self.place = place


class Trace(Draft):
    """The program that is being written. It takes instructions from its own thread, and until it is closed."""

    def __init__(self, inputs: list[str]) -> None:
        super().__init__(inputs)
        self.open = True
        self._thread = threading.get_ident()

    def record(self, name: str, operands: tuple[Any, ...]) -> int:
        """Write one instruction and return the place of its result."""
        if threading.get_ident() != self._thread:
            raise TraceError(
                "another thread has this parameter at the moment, since jit traces a function of it there; call the "
                f"compiled function once before several threads use the model{here()}"
            )
        if not self.open:
            raise TraceError(
                "a traced number was used after its trace had ended: a function given to jit put it somewhere outside "
                f"(an attribute, a global, a list); return it from the function instead{here()}"
            )
        return self.emit(name, tuple([self.place(x) for x in operands]))

    def close(self, outputs: list[Any]) -> Program:
        """Take no more instructions, and return the program of what the outputs need."""
        outputs = [self.place(x) for x in outputs]
        self.open = False
        return self.finish(outputs)

    def place(self, x: Any) -> int:
        """Return the place of a traced number, or of a constant."""
        if isinstance(x, Recorded):
            if x.trace is not self:
                raise TraceError(
                    "a traced number of another trace came in here: a function given to jit put it somewhere outside; "
                    f"return it from the function, or pass it as an argument{here()}"
                )
            return x.place
        return self.constant(float(x) if isinstance(x, bool) else as_float(x))


def here() -> str:
    """Say which line of the traced function runs now, as the end of a message."""
    return ", at {}:{}: {}".format(*modes.caller())
