"""The trace: what is written down while a function runs, and by whom."""

from __future__ import annotations

from threading import get_ident
from typing import Any

from autograd.compiler.program.conditions import CONDITIONS
from autograd.compiler.program.program import Program
from autograd.compiler.program.simplify import Draft
from autograd.errors import TraceError
from autograd.ops import as_float

from .traced import Recorded, Traced, TracedBool, here

_new = object.__new__  # without __init__, which a tenth of the time would go into


class Trace(Draft):
    """The program that is being written. It takes instructions from its own thread, and until it is closed."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(names)
        self._open = True
        self._thread = get_ident()

    def inputs(self) -> list[Traced]:
        """Return the numbers to run the function on."""
        return [Traced(self, place) for place in range(len(self.names))]

    def record(self, name: str, operands: tuple[Any, ...]) -> Any:
        """Write one instruction; the result is traced, or a float or bool where it is known already."""
        return self.write(name, tuple([self._place(x) for x in operands]))

    def write(self, name: str, places: tuple[int, ...]) -> Any:
        """Write an instruction with operands at these places."""
        if not self._open or get_ident() != self._thread:
            self._refuse()
        place = self.emit(name, places)
        if place >= 0:
            result: Recorded = _new(TracedBool if name in CONDITIONS else Traced)
            result.trace = self
            result.place = place
            return result
        return self.constants[~place] != 0.0 if name in CONDITIONS else self.constants[~place]

    def _refuse(self) -> None:
        if get_ident() != self._thread:
            raise TraceError(
                "another thread has this parameter at the moment, since jit traces a function of it there; call the "
                f"compiled function once before several threads use the model{here()}"
            )
        raise TraceError(
            "a traced number was used after its trace had ended: a function given to jit put it somewhere outside "
            f"(an attribute, a global, a list); return it from the function instead{here()}"
        )

    def close(self, outputs: list[Any]) -> Program:
        """Take no more instructions, and return the program of what the outputs need."""
        outputs = [self._place(x) for x in outputs]
        self._open = False
        return self.finish(outputs)

    def _place(self, x: Any) -> int:
        """Return the place of a traced number, or of a constant."""
        if isinstance(x, (Traced, TracedBool)):
            if x.trace is not self:
                raise TraceError(
                    "a traced number of another trace came in here: a function given to jit put it somewhere outside; "
                    f"return it from the function, or pass it as an argument{here()}"
                )
            return x.place
        return self.constant(float(x) if isinstance(x, bool) else as_float(x))
