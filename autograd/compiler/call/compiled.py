"""One traced program, for one structure of arguments, and the ways to run it."""

from __future__ import annotations

import ctypes
import functools
import math
import operator
import os
import threading
from array import array
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

from autograd.compiler.llvm import lanes as batch
from autograd.compiler.llvm import single as lower
from autograd.compiler.program.program import Program
from autograd.compiler.structure import Structure, build, counted, is_column
from autograd.compiler.trace.captured import tracing

from . import objects as fastcall
from .machine import MAP, REDUCE, REDUCE_WHOLE, REPEAT, RUN, Code, Compiler, lanes, patience, uncollected

CHUNK = 8_000_000  # weight times samples in a piece of work, about half a millisecond: what a thread takes at a time


class Entry:
    """A program, its compiled forms, and what is needed to take arguments apart and put results together."""

    def __init__(
        self,
        structures: tuple[Structure, ...],
        labels: list[str],
        batched: Sequence[bool],
        program: Program,
        result: Structure,
        fastmath: bool,
    ) -> None:
        self.structures = structures
        self.labels = labels
        self.batches = [is_column(s) for s in structures]
        self.flags = list(batched)
        self.batched = any(batched)
        self.program = program
        self.result = result
        self.fastmath = fastmath
        self.parameters: tuple[Any, ...] = ()
        self.modules: tuple[Any, ...] = ()  # references to those that are known by their ids
        self.writes: list[tuple[int, str]] = []
        self.keywords: tuple[str, ...] = ()
        self._reset()

    def _reset(self) -> None:
        self.enter: tuple[int, Code] | None = None  # the entry point that takes Python objects
        self.entered: dict[str, tuple[int, Code]] = {}  # the same for reductions that end here
        self.then: dict[Callable[..., Any], Entry] = {}
        self._compiled: dict[Any, Any] = {}
        self._last: tuple[Any, Any, Any] | None = None
        self._lock = threading.RLock()

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        for name in ("then", "enter", "entered", "_compiled", "_last", "_lock", "modules"):
            del state[name]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.modules = ()
        self._reset()

    @functools.cached_property
    def weight(self) -> int:
        """Roughly how many instructions a sample takes, with a call as twenty and a number in or out as eight."""
        cost = self.program.cost()
        return 1 + cost.instructions + 20 * cost.calls + cost.bytes - 8 * self.flags.count(False)

    def forget_updates(self) -> None:
        """Drop what was compiled for functions given as ``then``."""
        with self._lock:
            self.then.clear()
            for key in [key for key in self._compiled if isinstance(key, tuple) and key[-1] is not None]:
                del self._compiled[key]

    # ------------------------------------------------------------- one sample

    def call(self, leaves: list[Any]) -> Any:
        """Run on floats."""
        run, code = self._scalar()
        numbers = self._packed(leaves)
        out = array("d", bytes(8 * len(self.program.outputs)))
        run(numbers.buffer_info()[0], out.buffer_info()[0])
        code.check()
        return self._finish(out)

    def _packed(self, leaves: list[Any]) -> array[float]:
        """Return the numbers of the arguments, and then those of the parameters, in one piece."""
        try:
            numbers = array("d", leaves)
        except TypeError:  # whole arrays among them
            numbers = array("d")
            for x in leaves:
                numbers.append(x) if type(x) is float else numbers.frombytes(x.tobytes())
        if self.parameters:
            numbers.extend(self._live())
        return numbers

    def _live(self) -> list[float]:
        data = [x.data for x in self.parameters]
        if any(type(x) is not float for x in data):  # lent to a trace in another thread
            with tracing:
                data = [x.data for x in self.parameters]
        return data

    def _finish(self, out: array[float]) -> Any:
        results = Reader(out)
        result = built(self.result, results)
        for i, what in self.writes:
            x = self.parameters[i]
            if what == "data":
                x.data = results.number()
            elif what == "grad":
                x.grad = results.number()
            else:
                x.zero_grad()
        return result

    def _scalar(self) -> tuple[Any, Code]:
        made: tuple[Any, Code] = self._make("scalar", self._compile_scalar)
        return made

    def _compile_scalar(self) -> tuple[Any, Code]:
        compiler = Compiler(False, self.fastmath)
        lower.scalar(compiler.module, "run", self.program)
        kept = self._entry_point(compiler, self.result, len(self.program.outputs))
        code = compiler.compile(len(self.program.instructions))
        if kept is not None:
            code.kept = kept
            self.enter = code.address("enter"), code
        return RUN(code.address("run")), code

    def _entry_point(self, compiler: Compiler, result: Structure, outputs: int, most: int = 0) -> list[Any] | None:
        """Add an entry point that takes Python objects, where there can be one; return what it must keep alive."""
        inputs = len(self.program.inputs)
        if (
            all(map(fastcall.takes, (*self.structures, result)))
            and not (self.parameters or self.keywords or compiler.callbacks)
            and (3 * inputs if most else inputs) + outputs <= fastcall.MOST  # of a batch, also pointers and strides
            and fastcall.available()
        ):
            return fastcall.EntryPoint(compiler.module, self.structures, result, inputs, outputs, most).kept
        return None

    def _make(self, key: Any, compile: Callable[[], Any]) -> Any:
        made = self._compiled.get(key)
        if made is None:
            stage = [f"compiling {len(self.program.instructions):,} instructions"]
            with self._lock, patience(stage), uncollected():
                made = self._compiled.get(key)
                if made is None:
                    made = self._compiled[key] = compile()
        return made

    # ------------------------------------------------------------ repetition

    def repeat(self, count: int, leaves: list[Any]) -> Any:
        """Run in a loop whose state is the first argument."""
        if _loose(self.result) != _loose(self.structures[0]):
            raise TypeError(
                f"repeat feeds the result back as the first argument, and their structures differ: the function takes "
                f"{_shown(self.structures[0])} and returns {_shown(self.result)}"
            )
        if self.writes:
            raise TypeError("repeat is for functions of their arguments, and this one changes its parameters")
        state = len(self.program.outputs)

        def compile() -> tuple[Any, Code]:
            compiler = Compiler(False, self.fastmath)
            lower.repeated(compiler.module, "repeat", self.program)
            code = compiler.compile(len(self.program.instructions))
            return REPEAT(code.address("repeat")), code

        run, code = self._make("repeat", compile)
        numbers = self._packed(leaves)
        out = array("d", bytes(8 * max(state, 1)))
        run(numbers.buffer_info()[0], out.buffer_info()[0], count)
        code.check()
        return built(self.result, Reader(out))

    # -------------------------------------------------------------- elements

    def elements(self, leaves: list[Any], columns: list[Any]) -> Any:
        """Run for each element of the arrays, broadcast like a ufunc's operands."""
        import numpy as np

        try:
            shape = np.broadcast_shapes(*[x.shape for x in columns])
        except ValueError:
            shapes = ", ".join(str(x.shape) for x in columns)
            raise ValueError(f"arrays of the shapes {shapes} do not broadcast to one shape") from None
        if self.writes:
            raise ValueError("a function that changes its parameters takes no arrays by elements; loop over them")
        cut, run_prologue, run, code = self._make("elements", self._compile_elements)
        count = math.prod(shape)
        width = lanes()
        padded = max(count, width)
        arrays = [np.ascontiguousarray(np.broadcast_to(x, shape).reshape(-1)) for x in columns]
        if count < width:
            arrays = [np.resize(x, width) if count else np.zeros(width) for x in arrays]
        results = [np.empty(padded) for _ in cut.body.outputs]
        uniform, constant = run_prologue(self._packed(leaves))
        pointers = _pointers(arrays), _pointers(results)

        code.check()

        def work(begin: int, end: int) -> None:
            run(uniform.ctypes.data, *pointers, begin, end)
            code.check()  # what failed is known to the thread in which it did

        in_pieces(work, padded, self.weight, width)
        varying, fixed = iter(results), iter(constant)
        outputs = [
            next(varying)[:count].reshape(shape) if mine else np.full(shape, next(fixed)) for mine in cut.varying
        ]
        return built(self.result, Columns(outputs))

    def _compile_elements(self) -> tuple[Any, ...]:
        cut = batch.split(self.program, self.flags)
        compiler = Compiler(True, self.fastmath)
        batch.mapped(compiler.module, "map", cut)
        return cut, *self._with_prologue(compiler, cut, MAP, "map")

    def _with_prologue(self, compiler: Compiler, cut: batch.Split, prototype: Any, name: str) -> tuple[Any, Any, Code]:
        """Compile, and return what runs the parts that no sample changes, the kernel, and the code."""
        import numpy as np

        lower.scalar(compiler.module, "prologue", cut.prologue, quick=True)
        lower.scalar(compiler.module, "constant", cut.constant, quick=True)
        code = compiler.compile(len(self.program.instructions))
        first, second = RUN(code.address("prologue")), RUN(code.address("constant"))

        def run_prologue(shared: array[float]) -> tuple[Any, Any]:
            uniform, constant = np.empty(max(cut.uniform, 1)), np.empty(max(len(cut.constant.outputs), 1))
            source = shared.buffer_info()[0]
            first(source, uniform.ctypes.data)
            second(source, constant.ctypes.data)
            return uniform, constant

        return run_prologue, prototype(code.address(name)), code

    # ------------------------------------------------------------- reduction

    def reduce(self, kind: str, leaves: list[Any], columns: list[Any], after: Entry | None) -> Any:
        """Run for each sample and add up."""
        import numpy as np

        counts = set(map(len, columns))
        if len(counts) > 1:
            raise ValueError(f"the batches differ in length: {', '.join(str(len(x)) for x in columns)} samples")
        (count,) = counts
        if not count:
            raise ValueError(f"the {kind} over an empty batch was asked for; give at least one sample")
        if self.writes:
            raise ValueError("a function that changes its parameters is not reduced over a batch; return the gradients")
        shared = self._packed(leaves)
        width = lanes()
        step = piece(self.weight, width)
        pointers, strides = self._located(columns)
        if count <= step:
            run, code, outputs = self._make(("whole", kind, after), lambda: self._compile_whole(kind, after))
            out = array("d", bytes(8 * outputs))
            run(shared.buffer_info()[0], pointers, strides, count, out.buffer_info()[0])
            code.check()
            return built(counted(self.result), Reader(out)) if after is None else after._finish(out)
        cut, run_prologue, run, code = self._make("reduce", self._compile_reduce)
        uniform, constant = run_prologue(shared)
        code.check()
        totals = np.zeros((-(-count // step), max(len(cut.body.outputs), 1)))
        base, row = totals.ctypes.data, totals.strides[0]

        def work(begin: int, end: int) -> None:
            run(uniform.ctypes.data, pointers, strides, begin, end, base + row * (begin // step), 1.0)
            code.check()

        in_pieces(work, count, self.weight, width)
        total = totals[0]
        for more in totals[1:]:  # in order, whichever thread was first
            total = total + more
        if kind == "mean":
            total = total / count
        else:
            constant = constant * count
        varying, fixed = iter(total.tolist()), iter(constant.tolist())
        numbers = [next(varying) if mine else next(fixed) for mine in cut.varying]
        if after is not None:
            return after.call([*numbers, *shared[: len(shared) - len(self.parameters)]])
        return built(counted(self.result), Reader(array("d", numbers)))

    def _located(self, columns: list[Any]) -> tuple[Any, Any]:
        """Return pointers and strides of the batches; those of the last call serve while the memory is the same."""
        where = [(x.ctypes.data, x.shape, x.strides) for x in columns]
        last = self._last
        if last is not None and last[0] == where:
            return last[1], last[2]
        pointers, strides, keep = _rows(columns)
        if all(map(operator.is_, keep, columns)):  # nothing was copied, so the numbers are read where they are
            self._last = where, pointers, strides
        else:
            pointers.kept = keep
        return pointers, strides

    def _compile_whole(self, kind: str, after: Entry | None) -> tuple[Any, Code, int]:
        """Compile a call of everything: the shared part, the loop, the sum or mean, and what comes after."""
        cut = batch.split(self.program, self.flags)
        compiler = Compiler(True, self.fastmath)
        module = compiler.module
        lower.scalar(module, "prologue", cut.prologue, quick=True)
        lower.scalar(module, "constant", cut.constant, quick=True)
        batch.reduced(module, "reduce", cut)
        if after is not None:
            lower.scalar(module, "after", after.program, quick=True)
        shared = sum(1 for mine in self.flags if not mine)
        batch.whole(module, "whole", cut, kind, shared, None if after is None else "after")
        extra = len(after.program.instructions) if after is not None else 0
        last = self if after is None else after
        outputs = len(last.program.outputs)
        result = counted(self.result) if after is None else after.result
        kept = self._entry_point(compiler, result, outputs, piece(self.weight, lanes()))
        code = compiler.compile(len(self.program.instructions) + extra)
        if kept is not None:
            code.kept = kept
            last.entered[kind] = code.address("enter"), code
        return REDUCE_WHOLE(code.address("whole")), code, outputs

    def _compile_reduce(self) -> tuple[Any, ...]:
        cut = batch.split(self.program, self.flags)
        compiler = Compiler(True, self.fastmath)
        batch.reduced(compiler.module, "reduce", cut)
        return cut, *self._with_prologue(compiler, cut, REDUCE, "reduce")


def piece(weight: int, width: int) -> int:
    """Return how many samples are one piece of work: it depends on the program alone, so that sums keep their order."""
    return max(width, CHUNK // weight // width * width)


def in_pieces(work: Callable[[int, int], None], count: int, weight: int, width: int) -> None:
    """Do the work for all samples, in pieces over all cores where there is much of it. The GIL is free meanwhile."""
    step = piece(weight, width)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    begins = list(range(0, count, step))
    if len(begins) > 1 and count - begins[-1] < width:
        step_end = {begins[-2]: count}
        begins.pop()
    else:
        step_end = {}
    spans = [(begin, step_end.get(begin, min(begin + step, count))) for begin in begins]
    if len(spans) < 2 or cores < 2:
        for span in spans:
            work(*span)
        return
    with ThreadPoolExecutor(min(cores, len(spans))) as pool:
        futures = []
        try:
            try:
                for span in spans:
                    futures.append(pool.submit(work, *span))
            except RuntimeError:  # no thread can be had, as when the interpreter ends
                for span in spans[len(futures) :]:
                    work(*span)
            for future in futures:
                future.result()
        finally:
            for future in futures:
                future.cancel()


class Reader:
    """Hands out the results one after the other."""

    def __init__(self, out: array[float]) -> None:
        self.out, self.at = out, 0

    def number(self) -> float:
        self.at += 1
        return self.out[self.at - 1]

    def floats(self, count: int) -> list[float]:
        self.at += count
        return self.out[self.at - count : self.at].tolist()

    def block(self, shape: tuple[int, ...]) -> Any:
        import numpy as np

        count = math.prod(shape)
        self.at += count
        return np.frombuffer(self.out[self.at - count : self.at]).reshape(shape)

    def truth(self) -> bool:
        return bool(self.number())


class Columns(Reader):
    """The same where each result is an array, one entry a sample."""

    def __init__(self, out: list[Any]) -> None:
        self.numbers = iter(out)

    def number(self) -> Any:
        return next(self.numbers)

    def floats(self, count: int) -> list[Any]:
        return list(islice(self.numbers, count))

    def block(self, shape: tuple[int, ...]) -> Any:
        import numpy as np

        flat = np.array(self.floats(math.prod(shape)))
        return flat.reshape(shape + flat.shape[1:])

    def truth(self) -> Any:
        return self.number() != 0.0


def built(structure: Structure, results: Reader) -> Any:
    """Put results into their structure."""
    kind = structure[0]
    if kind == "number":
        return results.number()
    if kind == "floats":
        return results.floats(structure[1])
    if kind == "array":
        return results.block(structure[1])
    if kind == "truth":
        return results.truth()
    if kind == "static":
        return structure[1]
    parts = [built(part, results) for part in structure[-1]]
    if kind == "list":
        return parts
    if kind == "tuple":
        return tuple(parts)
    return build((*structure[:-1], (("number",),) * len(parts)), iter(parts))


def _pointers(arrays: Sequence[Any]) -> Any:
    return (ctypes.c_void_p * max(len(arrays), 1))(*[x.ctypes.data for x in arrays])


def _rows(columns: list[Any]) -> tuple[Any, Any, list[Any]]:
    """Return a pointer and a stride for each number of a sample, and what must live as long as they do."""
    addresses: list[int] = []
    strides: list[int] = []
    keep = []
    for x in columns:
        if any(step % 8 for step in x.strides) or not x.flags.aligned:
            x = x.copy()
        keep.append(x)
        base = x.ctypes.data
        offsets = [0]
        for n, step in zip(x.shape[1:], x.strides[1:], strict=True):
            offsets = [offset + i * step for offset in offsets for i in range(n)]
        addresses += [base + offset for offset in offsets]
        strides += [x.strides[0] // 8] * len(offsets)
    count = max(len(addresses), 1)
    return (ctypes.c_void_p * count)(*addresses), (ctypes.c_int64 * count)(*strides), keep


def _loose(structure: Structure) -> Structure:
    """The structure with the ways to write a list of floats made one."""
    if structure[0] == "floats":
        return "list", (("number",),) * structure[1]
    if structure[0] in ("list", "tuple", "named", "dict", "dataclass"):
        return (*structure[:-1], tuple(map(_loose, structure[-1])))
    return structure


def _shown(structure: Structure) -> str:
    kind = structure[0]
    if kind == "number":
        return "a number"
    if kind == "floats":
        return f"a list of {structure[1]} numbers"
    if kind == "array":
        return f"an array of shape {structure[1]}"
    if kind in ("list", "tuple", "named", "dict", "dataclass"):
        return f"a {kind} of ({', '.join(map(_shown, structure[-1]))})"
    if kind == "static":
        return repr(structure[1])
    return {"truth": "a condition"}.get(kind, f"a {kind}")
