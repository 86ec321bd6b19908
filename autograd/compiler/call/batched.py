"""A traced program that runs over a batch: element by element, or added up."""

from __future__ import annotations

import contextlib
import functools
import math
from array import array
from collections.abc import Callable
from typing import Any, NamedTuple

from autograd.compiler.llvm import lanes, single
from autograd.compiler.llvm.module import Module
from autograd.compiler.program.batch import Split, split
from autograd.compiler.structure import Reader, Source, build, counted

from . import machine
from .compiled import Compiled
from .machine import FINISH, MAP, MEMORY, PIECE, RUN, WHOLE, Code, Compiler
from .threads import Piece, pieces, run_in_pieces, samples_in_piece


class Batched(Compiled):
    """A traced program of which some inputs differ from sample to sample.

    ``updates`` are the programs of the functions that were given as ``then``, each compiled into one call with this.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self.updates: dict[Callable[..., Any], Compiled] = {}
        self._last_rows: tuple[list[Any], _Rows] | None = None

    @functools.cached_property
    def weight(self) -> int:
        """Roughly how many instructions a sample takes, with a call as twenty and a number of its own as eight."""
        cost = self.program.cost()
        return 1 + cost.instructions + 20 * cost.calls + 8 * self.batched.count(True)

    @property
    def whole(self) -> int:
        """How many samples a loop takes at a time."""
        return machine.lanes() * lanes.groups(len(self.program.outputs), machine.lanes())

    def elements(self, numbers: list[Any], columns: list[Any]) -> Any:
        """Run for each element of the arrays, broadcast like a ufunc's operands."""
        import numpy as np

        try:
            shape = np.broadcast_shapes(*[x.shape for x in columns])
        except ValueError:
            shapes = ", ".join(str(x.shape) for x in columns)
            raise ValueError(f"arrays of the shapes {shapes} do not broadcast to one shape") from None
        if self.writes:
            raise ValueError("a function that changes its parameters takes no arrays by elements; loop over them")
        if not math.prod(shape):
            return build(self.result, Source([np.empty(shape) for _ in self.program.outputs]))
        halves, run_shared, run, code = self.form("elements", self._compile_map)
        count, width = math.prod(shape), machine.lanes()
        padded = max(count, width)
        arrays = [np.ascontiguousarray(np.broadcast_to(x, shape).reshape(-1)) for x in columns]
        if count < width:
            arrays = [np.resize(x, width) for x in arrays]
        results = [np.empty(padded) for _ in halves.body.outputs]
        uniform, constant = run_shared(self.packed(numbers))
        code.check()
        sources, targets = [array("Q", [x.ctypes.data for x in group]) for group in (arrays, results)]
        pointers = sources.buffer_info()[0], targets.buffer_info()[0]

        def work(piece: Piece) -> None:
            run(uniform.ctypes.data, *pointers, piece.begin, piece.end)
            code.check()  # what failed is known to the thread in which it did

        run_in_pieces(work, pieces(padded, self.weight, self.whole, width))
        own, shared = iter(results), iter(constant)
        outputs = [
            next(own)[:count].reshape(shape) if varying else np.full(shape, next(shared)) for varying in halves.varying
        ]
        return build(self.result, Source(outputs))

    def reduce(self, kind: str, numbers: list[Any], columns: list[Any], update: Compiled | None) -> Any:
        """Run for each sample, return the sum or the mean, or what ``update`` makes of it."""
        counts = set(map(len, columns))
        if len(counts) > 1:
            raise ValueError(f"the batches differ in length: {', '.join(str(len(x)) for x in columns)} samples")
        (count,) = counts
        if not count:
            raise ValueError(f"the {kind} over an empty batch was asked for; give at least one sample")
        if self.writes:
            raise ValueError("a function that changes its parameters is not reduced over a batch; return the gradients")
        shared = self.packed(numbers)
        rows = self._rows(columns)
        pointers = rows.pointers.buffer_info()[0], rows.strides.buffer_info()[0]
        reduction = self.reduction(kind, update)
        out = array("d", bytes(8 * reduction.outputs))
        reduction(shared.buffer_info()[0], pointers, count, out.buffer_info()[0])
        return build(counted(self.result), Reader(out)) if update is None else update.finish(out)

    def reduction(self, kind: str, update: Compiled | None) -> Reduction:
        """Return the sum or the mean in machine code, and what ``update`` makes of it."""
        form: Reduction = self.form(("whole", kind, update), lambda: self._compile_whole(kind, update))
        return form

    def hold(self, kind: str, numbers: list[Any], columns: list[Any], update: Compiled | None) -> Held:
        """Return the reduction with arguments and results that stay where they are."""
        return Held(self.reduction(kind, update), self.packed(numbers), columns)

    def forget_updates(self) -> None:
        """Drop the updates, and what was compiled for them."""
        with self.lock:
            for update in self.updates.values():
                for kind in ("mean", "sum"):
                    self.forms.pop(("whole", kind, update), None)
            self.updates.clear()

    def _rows(self, columns: list[Any]) -> _Rows:
        """Return where the batches are; what was found in the last call serves while the memory is the same."""
        where = [(x.ctypes.data, x.shape, x.strides) for x in columns]
        last = self._last_rows
        if last is not None and last[0] == where:
            return last[1]
        rows = _rows(columns)
        if not rows.copies:  # the numbers are read where they are
            self._last_rows = where, rows
        return rows

    def _compile_map(self) -> tuple[Split, Any, Any, Code]:
        """Compile, and return the two halves, what runs the shared one, what runs the samples, and the code."""
        import numpy as np

        halves = split(self.program, self.batched)
        compiler = Compiler(True, self.fastmath)
        lanes.mapped(compiler.module, "map", halves)
        _add_shared(compiler.module, halves)
        kept = None
        if halves.varying.all():
            lanes.elements(compiler.module, "elements", halves)
            outputs, most = len(halves.body.outputs), samples_in_piece(self.weight, self.whole)
            kept = self.add_entry_point(compiler, self.result, outputs, most, machine.lanes())
        code = compiler.compile()
        if kept is not None:
            code.kept, self.entry_point = kept, (code.address("from_objects"), code)
        prologue, constant = RUN(code.address("prologue")), RUN(code.address("constant"))

        def run_shared(shared: array[float]) -> tuple[Any, Any]:
            source = shared.buffer_info()[0]
            constants = np.empty(max(len(halves.constant.outputs), 1))
            uniform = np.frombuffer(shared) if halves.is_plain and shared else np.empty(max(halves.uniform, 1))
            if not halves.is_plain:
                prologue(source, uniform.ctypes.data)
            constant(source, constants.ctypes.data)
            return uniform, constants

        return halves, run_shared, MAP(code.address("map")), code

    def _compile_whole(self, kind: str, update: Compiled | None) -> Reduction:
        """Compile a reduction: the shared part, the loop, the sum or mean, and the update."""

        def functions(module: Module) -> None:
            halves = split(self.program, self.batched)
            _add_shared(module, halves)
            if update is not None:
                single.behind(module, "after", update.program, len(self.program.outputs))
            lanes.whole(module, "whole", halves, kind, None if update is None else "after")

        compiler = Compiler(True, self.fastmath)
        programs = [self.program] if update is None else [self.program, update.program]
        compiler.write(programs, f"{kind} {self.batched}", functions)
        last: Compiled = self
        result = counted(self.result)
        if update is not None:
            last, result = update, update.result
        outputs = len(last.program.outputs)
        kept = self.add_entry_point(compiler, result, outputs, samples_in_piece(self.weight, self.whole))
        code = compiler.compile()
        if kept is not None:
            code.kept = kept
            last.reduction_entry_points[kind] = code.address("from_objects"), code
        return Reduction(self, code, outputs)


def _add_shared(module: Module, halves: Split) -> None:
    single.scalar(module, "prologue", halves.prologue, quick=True)
    single.scalar(module, "constant", halves.constant, quick=True)


class Reduction:
    """A sum or mean over a batch in machine code: in one call, or in pieces over several threads."""

    def __init__(self, batched: Batched, code: Code, outputs: int) -> None:
        self.outputs, self._code = outputs, code
        self._weight, self._samples = batched.weight, batched.whole
        self._in_one_piece = samples_in_piece(self._weight, self._samples)
        self._whole, self._begin = WHOLE(code.address("whole")), RUN(code.address("begin"))
        self._memory, self._piece = MEMORY(code.address("memory")), PIECE(code.address("piece"))
        self._finish = FINISH(code.address("finish"))
        self._spare: list[Any] = []  # memory of the last call in pieces, for the next one

    def __call__(self, shared: int, columns: tuple[int, int], count: int, out: int) -> None:
        """Run for so many samples, given where the numbers are and where the results belong."""
        if count <= self._in_one_piece:
            self._whole(shared, *columns, count, out)
            self._code.check()
            return
        import numpy as np

        parts = pieces(count, self._weight, self._samples, machine.lanes())
        memory, needed = None, self._memory(len(parts))
        with contextlib.suppress(IndexError):  # another thread may have it
            memory = self._spare.pop()
        memory = np.empty(needed) if memory is None or len(memory) < needed else memory
        self._begin(shared, memory.ctypes.data)
        self._code.check()

        def work(piece: Piece) -> None:
            self._piece(shared, memory.ctypes.data, *columns, piece.begin, piece.end, piece.number)
            self._code.check()  # what failed is known to the thread in which it did

        run_in_pieces(work, parts)
        self._finish(shared, memory.ctypes.data, len(parts), count, out)
        self._code.check()
        self._spare[:] = [memory]


class Held:
    """A reduction that is called again and again: ``shared`` numbers, batches and ``results`` stay where they are.

    What is written into ``shared`` and the batches counts in the next call, and ``results`` are those of the last one.
    """

    def __init__(self, reduction: Reduction, shared: array[float], columns: list[Any]) -> None:
        import numpy as np

        self._reduction, self._columns, self._rows = reduction, columns, _rows(columns)
        self.shared, self.results = np.array(shared), np.zeros(reduction.outputs)
        self._begin = self.shared.ctypes.data
        self._pointers = self._rows.pointers.buffer_info()[0], self._rows.strides.buffer_info()[0]
        self._end = self.results.ctypes.data

    def __call__(self, count: int) -> None:
        """Run for so many samples, no more than the batches have."""
        self._reduction(self._begin, self._pointers, count, self._end)


class _Rows(NamedTuple):
    """A pointer to each number of the first sample, how far it is to the next sample's, and arrays to keep alive."""

    pointers: array[int]
    strides: array[int]
    copies: list[Any]


def _rows(columns: list[Any]) -> _Rows:
    pointers, strides, copies = array("Q"), array("q"), []
    for x in columns:
        if any(step % 8 for step in x.strides) or not x.flags.aligned:
            x = x.copy()
            copies.append(x)
        base = x.ctypes.data
        offsets = [0]
        for n, step in zip(x.shape[1:], x.strides[1:], strict=True):
            offsets = [offset + i * step for offset in offsets for i in range(n)]
        pointers.extend([base + offset for offset in offsets])
        strides.extend([x.strides[0] // 8] * len(offsets))
    return _Rows(pointers, strides, copies)
