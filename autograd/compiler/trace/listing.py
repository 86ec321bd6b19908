"""A program as a plain list, for what runs it elsewhere: a page, WebAssembly. It needs neither NumPy nor LLVM."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from autograd import modes
from autograd._engine import Value
from autograd.compiler.program.conditions import row_of
from autograd.compiler.program.instructions import Instruction

from .captured import capture, tracing
from .recorder import Trace
from .traced import indices_of_arrays


class Listing(NamedTuple):
    """Straight-line code, as in ``Program``: places number the inputs first, then the results; ~k is constant k."""

    inputs: tuple[str, ...]
    constants: tuple[float, ...]
    instructions: tuple[Instruction, ...]
    outputs: tuple[int, ...]

    def run(self, numbers: Sequence[float]) -> list[float]:
        """Interpret it, with the rules of the operations' table."""
        values: list[Any] = list(numbers)
        for name, operands in self.instructions:
            values.append(row_of(name).forward(*[values[i] if i >= 0 else self.constants[~i] for i in operands]))
        return [float(values[i] if i >= 0 else self.constants[~i]) for i in self.outputs]


def listing(function: Callable[..., Sequence[Any]], names: Sequence[str], parameters: Sequence[Value] = ()) -> Listing:
    r"""Trace a function of the named numbers, which gives a list of numbers; ``parameters`` are inputs behind them.

    Loops that the function says are traced turn by turn. Raises TraceError where it branches on a number or uses a
    Value from outside that is not among the parameters.

    >>> print(*listing(lambda x, y: [x * y + y], ["x", "y"]).instructions, sep="\n")
    Instruction(name='mul', operands=(0, 1))
    Instruction(name='add', operands=(2, 1))
    """
    trace = Trace([*names, *[x.name or f"parameter{i}" for i, x in enumerate(parameters)]])
    numbers = trace.inputs()
    watched = capture(list(parameters), numbers[len(names) :])
    with tracing, watched as captured, modes.trace_by(None), indices_of_arrays():
        trace.made = captured.made
        results = [captured.number(x) for x in function(*numbers[: len(names)])]
        outputs = [trace.place(x) for x in results]
        trace.owner = 0
    return _needed(trace, outputs)


def _needed(trace: Trace, outputs: Sequence[int]) -> Listing:
    """What the outputs need of a trace, numbered anew; all the inputs stay."""
    first, codes = len(trace.names), list(trace.codes)
    needed = set(outputs)
    for number in range(len(trace) - 1, first - 1, -1):
        if number in needed:
            needed.update(trace.operands(number))
    kept = [number for number in range(first, len(trace)) if number in needed]
    places = {number: place for place, number in enumerate([*range(first), *kept])}
    instructions = [
        Instruction(codes[trace.code(number)], tuple([places.get(i, i) for i in trace.operands(number)]))
        for number in kept
    ]
    return Listing(
        tuple(trace.names), tuple(trace.constants), tuple(instructions), tuple([places.get(i, i) for i in outputs])
    )
