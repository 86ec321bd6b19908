"""One traced program, for one structure of arguments, and the ways to run it for one sample."""

from __future__ import annotations

import functools
import threading
from array import array
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from autograd.compiler.llvm import single
from autograd.compiler.program.program import Program
from autograd.compiler.structure import Reader, Structure, build, differs, show
from autograd.compiler.trace.captured import tracing

from . import objects
from .machine import REPEAT, RUN, Code, Compiler, patience, uncollected


@dataclass(eq=False)
class Compiled:
    """A traced program, and the machine code that it is compiled to when it is first run.

    ``structures`` are those of the arguments, called ``labels``, of which the last have the names ``keywords``.
    ``result`` is what the first outputs are put into; the others are what the function changed of its ``parameters``,
    as ``writes`` says.
    """

    structures: tuple[Structure, ...]
    labels: list[str]
    keywords: tuple[str, ...]
    program: Program
    result: Structure
    fastmath: bool
    parameters: tuple[Any, ...] = ()
    writes: tuple[tuple[int, str], ...] = ()

    def __post_init__(self) -> None:
        self.modules: tuple[Any, ...] = ()  # references to the arguments that are known by their ids
        self.entry_point: tuple[int, Code] | None = None  # in machine code, for Python objects
        self.reduction_entry_points: dict[str, tuple[int, Code]] = {}  # the same for reductions that end here
        self.forms: dict[Any, Any] = {}  # compiled forms of the program
        self.lock = threading.RLock()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple([getattr(self, field.name) for field in fields(self)])

    @functools.cached_property
    def batched(self) -> list[bool]:
        """For each input of the program, whether it differs from sample to sample."""
        return [flag for structure in self.structures for flag in differs(structure)] + [False] * len(self.parameters)

    def call(self, numbers: list[Any]) -> Any:
        """Run on floats."""
        run, code = self.form("scalar", self._compile_scalar)
        packed = self.packed(numbers)
        out = array("d", bytes(8 * len(self.program.outputs)))
        run(packed.buffer_info()[0], out.buffer_info()[0])
        code.check()
        return self.finish(out)

    def packed(self, numbers: list[Any]) -> array[float]:
        """Return the numbers of the arguments, and then those of the parameters, in one piece."""
        try:
            packed = array("d", numbers)
        except TypeError:  # whole arrays among them
            packed = array("d")
            for x in numbers:
                packed.append(x) if type(x) is float else packed.frombytes(x.tobytes())
        if self.parameters:
            data = [x.data for x in self.parameters]
            if any(type(x) is not float for x in data):  # lent to a trace in another thread
                with tracing:
                    data = [x.data for x in self.parameters]
            packed.extend(data)
        return packed

    def finish(self, out: array[float]) -> Any:
        """Return the result, and write back what the function changed of its parameters."""
        numbers = Reader(out)
        result = build(self.result, numbers)
        for i, what in self.writes:
            x = self.parameters[i]
            if what == "data":
                x.data = numbers.number()
            elif what == "grad":
                x.grad = numbers.number()
            else:
                x.zero_grad()
        return result

    def repeat(self, count: int, numbers: list[Any]) -> Any:
        """Run in a loop whose state is the first argument."""
        if self.result != self.structures[0]:
            raise TypeError(
                f"repeat feeds the result back as the first argument, and their structures differ: the function takes "
                f"{show(self.structures[0])} and returns {show(self.result)}"
            )
        if self.writes:
            raise TypeError("repeat is for functions of their arguments, and this one changes its parameters")
        run, code = self.form("repeat", self._compile_repeat)
        packed = self.packed(numbers)
        out = array("d", bytes(8 * max(len(self.program.outputs), 1)))
        run(packed.buffer_info()[0], out.buffer_info()[0], count)
        code.check()
        return build(self.result, Reader(out))

    def form(self, name: Any, compile: Callable[[], Any]) -> Any:
        """Return a compiled form of the program, which is compiled when it is first asked for."""
        form = self.forms.get(name)
        if form is None:
            stage = f"compiling {len(self.program.instructions):,} instructions"
            with self.lock, patience(stage), uncollected():
                form = self.forms.get(name)
                if form is None:
                    form = self.forms[name] = compile()
        return form

    def _compile_scalar(self) -> tuple[Any, Code]:
        compiler = Compiler(False, self.fastmath)
        single.scalar(compiler.module, "run", self.program)
        kept = self.add_entry_point(compiler, self.result, len(self.program.outputs))
        code = compiler.compile()
        if kept is not None:
            code.kept = kept
            self.entry_point = code.address("from_objects"), code
        return RUN(code.address("run")), code

    def _compile_repeat(self) -> tuple[Any, Code]:
        compiler = Compiler(False, self.fastmath)
        single.repeated(compiler.module, "repeat", self.program)
        code = compiler.compile()
        return REPEAT(code.address("repeat")), code

    def add_entry_point(
        self, compiler: Compiler, result: Structure, outputs: int, samples: int = 0, fewest: int = 0
    ) -> list[Any] | None:
        """Add an entry point that takes Python objects, where there can be one; return what it must keep alive."""
        inputs, plain = len(self.program.inputs), not (self.parameters or self.keywords)
        if plain and objects.serves(self.structures, result, fewest > 0) and objects.available():
            failed = compiler.module.external(compiler.rules.failures.address)
            return objects.EntryPoint(
                compiler.module, self.structures, result, inputs, outputs, failed, samples, fewest
            ).kept
        return None
