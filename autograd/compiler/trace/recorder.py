"""The trace: what is written down while a function runs, and by whom."""

from __future__ import annotations

from threading import get_ident
from typing import Any

from autograd.compiler.program.conditions import CONDITIONS
from autograd.compiler.program.fuse import fused
from autograd.compiler.program.program import Program
from autograd.compiler.program.simplify import Draft
from autograd.errors import TraceError
from autograd.ops import as_float

from .traced import Recorded, Recorder, Traced, TracedBool, here


class Trace(Draft):
    """The program that is being written. It takes instructions from its own thread, and until it is closed.

    That of a loop's body is ``inside`` another one, whose numbers it may use: they become inputs of the body.
    """

    def __init__(self, names: list[str], inside: Trace | None = None) -> None:
        super().__init__(names)
        self.inside = inside
        self.tapes: dict[tuple[int, ...], int] = {}  # the places of tapes, by those of their numbers
        self.made: dict[int, Any] = {} if inside is None else inside.made  # by identity, the Values made meanwhile
        # Numbers of traces around, by trace and place, and their places here.
        self.used: dict[tuple[Recorder, int], tuple[Recorded, int]] = {}
        self.owner = get_ident()  # it takes instructions from this thread, until it is closed
        self._thread = self.owner

    def inputs(self) -> list[Traced]:
        """Return the numbers to run the function on."""
        return [Traced(self, place) for place in range(len(self.names))]

    def record(self, name: str, operands: tuple[Any, ...]) -> Any:
        """Write one instruction; the result is traced, or a float or bool where it is known already."""
        trace: Recorder = self
        for x in operands:  # the innermost trace takes it
            if isinstance(x, Recorded) and x.trace is not trace and x.trace.is_inside(trace):
                trace = x.trace
        return trace.write(name, tuple([trace.place(x) for x in operands]))

    def write(self, name: str, places: tuple[int, ...]) -> Any:
        """Write an instruction with operands at these places."""
        if get_ident() != self.owner:
            self._refuse()
        place = self.emit(name, places)
        if place >= 0:
            return TracedBool(self, place) if name in CONDITIONS else Traced(self, place)
        return self.constants[~place] != 0.0 if name in CONDITIONS else self.constants[~place]

    def is_inside(self, other: Any) -> bool:
        """Whether this is the trace of a loop's body, inside the other trace."""
        trace = self.inside
        while trace is not None and trace is not other:
            trace = trace.inside
        return trace is other

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
        outputs = [self.place(x) for x in outputs]
        self.owner = 0
        return fused(self.finish(outputs))

    def place(self, x: Any) -> int:
        """Return the place of a traced number, or of a constant."""
        if type(x) is Traced and x.trace is self:
            return x.place
        if isinstance(x, Recorded):
            if x.trace is not self:
                if self.is_inside(x.trace):
                    return self._place_of_used(x)
                raise TraceError(
                    "a traced number of another trace came in here: a function given to jit put it somewhere outside; "
                    f"return it from the function, or pass it as an argument{here()}"
                )
            return x.place
        return self.constant(float(x) if isinstance(x, bool) else as_float(x))

    def _place_of_used(self, x: Recorded) -> int:
        if x.place < 0:
            return self.constant(x.trace.constants[~x.place])
        key = (x.trace, x.place)
        if key not in self.used:
            self.used[key] = x, self.input_from_outside()
        return self.used[key][1]
