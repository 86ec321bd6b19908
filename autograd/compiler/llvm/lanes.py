"""The functions of a program that are several samples wide: one sample a SIMD lane, in a loop over the batch."""

from __future__ import annotations

from collections.abc import Callable

from autograd.compiler.program.batch import Split

from . import single
from .function import Function, vector
from .instructions import Writer, load_shared
from .module import Module
from .parts import PartWriter, parts
from .slots import Slots

MANY = 500  # results from which on the basic blocks of a loop are shorter, since each result adds to them


def mapped(module: Module, name: str, split: Split) -> None:
    """Add ``void name(double *uniform, double **columns, double **results, i64 begin, i64 end)``.

    Columns are contiguous. There must be at least as many samples as lanes: the last vector overlaps the one before.
    """
    lanes, wide = module.lanes, vector(module.lanes)
    parameters = "ptr noalias %in, ptr %columns, ptr %results, i64 %begin, i64 %end"
    loop = _Loop(module, name, parameters, split)
    function = loop.function
    columns = _pointers(function, "%columns", split.columns)
    results = _pointers(function, "%results", len(split.body.outputs))
    function.lines += [
        f"  %last = sub i64 %end, {lanes}",
        "  br label %loop",
        "loop:",
        "  %from = phi i64 [ %begin, %entry ], [ %next, %again ]",
        "  %over = icmp sgt i64 %from, %last",
        "  %i = select i1 %over, i64 %last, i64 %from",
    ]
    numbers = [function.load(function.nth(column, "%i"), wide) for column in columns]
    loop.body(numbers, lambda k, number: function.store(number, function.nth(results[k], "%i"), wide))
    function.block("again")
    function.lines += [
        f"  %next = add i64 %from, {lanes}",
        "  %more = icmp slt i64 %next, %end",
        "  br i1 %more, label %loop, label %done",
        "done:",
    ]
    loop.end()


def reduced(module: Module, name: str, split: Split) -> None:
    """Add ``void name(double *uniform, double **columns, i64 *strides, i64 begin, i64 end, double *sums, double by)``.

    Strides count doubles. Each result is the sum over the samples, divided by ``by``: lane by lane, and then the upper
    half of the lanes is added to the lower, until one is left. The lanes of the last vector that lie beyond the end
    repeat the last sample and are not added.
    """
    lanes, outputs = module.lanes, len(split.body.outputs)
    wide, bits = vector(lanes), vector(lanes, "i1")
    parameters = "ptr noalias %in, ptr %columns, ptr %strides, i64 %begin, i64 %end, ptr %totals, double %by"
    loop = _Loop(module, name, parameters, split)
    function = loop.function
    function.declarations.add("declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
    function.scratch(outputs, lanes, "%sums")
    size = 8 * lanes * max(outputs, 1)
    function.lines.append(f"  call void @llvm.memset.p0.i64(ptr align 8 %sums, i8 0, i64 {size}, i1 false)")
    columns = _pointers(function, "%columns", split.columns)
    strides = [function.load(function.nth("%strides", k, "i64"), "i64") for k in range(split.columns)]
    function.lines += [
        "  %final = sub i64 %end, 1",
        "  br label %loop",
        "loop:",
        "  %i = phi i64 [ %begin, %entry ], [ %next, %again ]",
    ]
    samples, mask = [], "poison"
    for j in range(lanes):
        i = function.put(f"add i64 %i, {j}")
        inside = function.put(f"icmp slt i64 {i}, %end")
        samples.append(function.put(f"select i1 {inside}, i64 {i}, i64 %final"))
        mask = function.put(f"insertelement {bits} {mask}, i1 {inside}, i32 {j}")

    def add(k: int, number: str) -> None:
        place = function.nth("%sums", k, wide)
        before = function.load(place, wide)
        after = function.put(f"fadd{module.flags} {wide} {before}, {number}")
        function.store(function.put(f"select {bits} {mask}, {wide} {after}, {wide} {before}"), place, wide)

    pairs = zip(columns, strides, strict=True)
    loop.body([_gathered(function, column, stride, samples) for column, stride in pairs], add)
    function.block("again")
    function.lines += [
        f"  %next = add i64 %i, {lanes}",
        "  %more = icmp slt i64 %next, %end",
        "  br i1 %more, label %loop, label %add",
        "add:",
    ]
    _add_lanes(function, lanes, outputs)
    function.release(outputs, lanes, "%sums")
    loop.end()


def _pointers(function: Function, array: str, count: int) -> list[str]:
    return [function.load(function.nth(array, k, "ptr"), "ptr") for k in range(count)]


def _gathered(function: Function, column: str, stride: str, samples: list[str]) -> str:
    """Return a vector with a number of each sample."""
    wide, numbers = vector(len(samples)), "poison"
    for j, sample in enumerate(samples):
        offset = function.put(f"mul i64 {sample}, {stride}")
        number = function.load(function.nth(column, offset))
        numbers = function.put(f"insertelement {wide} {numbers}, double {number}, i32 {j}")
    return numbers


def _add_lanes(function: Function, lanes: int, outputs: int) -> None:
    """Write a loop over the results, which adds up the lanes of each and divides by the number of samples."""
    function.lines += [
        f"  br i1 {'true' if outputs else 'false'}, label %across, label %done",
        "across:",
        "  %k = phi i64 [ 0, %add ], [ %k1, %across ]",
    ]
    rest = function.load(function.nth("%sums", "%k", vector(lanes)), vector(lanes))
    while lanes > 1:
        whole, lanes = f"<{lanes} x double>", lanes // 2
        halves = []
        for begin in (0, lanes):
            kept = ", ".join(f"i32 {begin + j}" for j in range(lanes))
            halves.append(function.put(f"shufflevector {whole} {rest}, {whole} poison, <{lanes} x i32> <{kept}>"))
        rest = function.put(f"fadd <{lanes} x double> {halves[0]}, {halves[1]}")
    total = function.put(f"extractelement <1 x double> {rest}, i32 0")
    function.store(function.put(f"fdiv double {total}, %by"), function.nth("%totals", "%k"))
    function.lines += [
        "  %k1 = add i64 %k, 1",
        f"  %onward = icmp slt i64 %k1, {outputs}",
        "  br i1 %onward, label %across, label %done",
        "done:",
    ]


def whole(module: Module, name: str, split: Split, kind: str, shared: int, after: str | None) -> None:
    """Add ``void name(double *shared, double **columns, i64 *strides, i64 count, double *out)``.

    It runs ``prologue``, ``constant`` and ``reduce``, and ``after`` on the sums or means and the shared numbers.
    """
    outputs = len(split.varying)
    parameters = "ptr %shared, ptr %columns, ptr %strides, i64 %count, ptr %out"
    function = module.function(f"void @{name}({parameters}) #1")
    size = split.uniform + len(split.constant.outputs) + len(split.body.outputs) + outputs + shared + 8
    function.scratch(size)
    uniform = function.nth("%scratch", 0)
    constants = function.nth("%scratch", split.uniform)
    totals = function.nth("%scratch", split.uniform + len(split.constant.outputs))
    numbers = "%out"
    if after is not None:
        numbers = function.nth("%scratch", split.uniform + len(split.constant.outputs) + len(split.body.outputs))
    direct = all(split.varying)  # the totals are the numbers, in their order
    samples = f"ptr {uniform}, ptr %columns, ptr %strides, i64 0, i64 %count"
    sums = f"ptr {numbers if direct else totals}, double {'%n' if kind == 'mean' else '1.0'}"
    function.lines += [
        f"  call void @prologue(ptr %shared, ptr {uniform})",
        f"  call void @constant(ptr %shared, ptr {constants})",
        "  %n = sitofp i64 %count to double",
        f"  call void @reduce({samples}, {sums})",
    ]
    if not direct:
        places = {totals: 0, constants: 0}
        for k, varying in enumerate(split.varying):
            source = totals if varying else constants
            number = function.load(function.nth(source, places[source]))
            places[source] += 1
            if kind == "sum" and not varying:
                number = function.put(f"fmul double {number}, %n")
            function.store(number, function.nth(numbers, k))
    if after is not None:
        function.copy(function.nth(numbers, outputs), "%shared", 8 * shared)
        function.lines.append(f"  call void @{after}(ptr {numbers}, ptr %out)")
    function.release(size)
    function.end()


class _Loop:
    """A function with a loop over samples, whose body is written in place, or for a long one as calls of its parts."""

    def __init__(self, module: Module, name: str, parameters: str, split: Split) -> None:
        self.module, self.name, self.split = module, name, split
        self.slots: Slots | None = None
        if len(split.body.instructions) > single.WHOLE_WIDE:
            self.slots = parts(module, name, split.body, module.lanes, split.uniform)
        self.function = module.function(f"void @{name}({parameters}) #0")
        self.function.lines += ["  %box = alloca ptr, align 8", "  store volatile ptr %in, ptr %box, align 8"]
        self.function.block("entry")
        if self.slots:
            self.function.scratch(self.slots.size, module.lanes)

    def end(self) -> None:
        if self.slots:
            self.function.release(self.slots.size, self.module.lanes)
        self.function.end()

    def body(self, columns: list[str], take: Callable[[int, str], None]) -> None:
        """Write the body for the columns of those names. ``take(k, number)`` writes what becomes of result k.

        That happens as soon as the result is there, so that no more results are held on the stack than one basic block
        computes.
        """
        names = {self.split.uniform + k: name for k, name in enumerate(columns)}
        if self.slots is None:
            self._in_place(names, take)
        else:
            self._in_parts(self.slots, names, take)

    def _in_place(self, names: dict[int, str], take: Callable[[int, str], None]) -> None:
        module, function, body = self.module, self.function, self.split.body
        # A shared number is loaded again in each block, by way of a pointer of which LLVM does not know that it is the
        # same: else it would keep the number, in eight lanes on the stack, from forward to backward pass.
        pointer = "%in"
        writer = Writer(
            module, function, body, module.lanes, lambda place: load_shared(function, pointer, place, module.lanes)
        )
        writer.names |= names
        size = single.BLOCK if len(body.outputs) <= MANY else single.BLOCK // 4
        ready: dict[int, list[int]] = {}
        for k, place in enumerate(body.outputs):
            if place < len(body.inputs):
                take(k, writer.number(place))
            ready.setdefault((place - len(body.inputs)) // size, []).append(k)
        for first in range(0, len(body.instructions), size):
            writer.block(first, reload=True)
            pointer = function.put("load volatile ptr, ptr %box, align 8")
            writer.write(first, min(first + size, len(body.instructions)))
            for k in ready.get(first // size, ()):
                take(k, writer.number(body.outputs[k]))

    def _in_parts(self, slots: Slots, names: dict[int, str], take: Callable[[int, str], None]) -> None:
        function, wide = self.function, vector(self.module.lanes)
        for place, name in names.items():
            if place in slots.slot:
                function.store(name, function.nth("%scratch", slots.slot[place], wide), wide)
        function.lines += [f"  call void @{self.name}.part{k}(ptr %in, ptr %scratch)" for k in range(slots.parts)]
        writer = PartWriter(self.module, function, self.split.body, self.module.lanes, slots)
        for k, place in enumerate(self.split.body.outputs):
            if k % single.AT_HAND == 0:
                writer.block(k, reload=True)
            take(k, writer.number(place))
