"""The functions of a program that are several samples wide: one sample a SIMD lane, in a loop over the batch."""

from __future__ import annotations

from collections.abc import Callable

from autograd.compiler.program.batch import Split

from . import single
from .instructions import Writer, load_shared
from .module import Module
from .parts import PartWriter, parts
from .slots import Slots
from .syntax import vector

MANY = 500  # results from which on the basic blocks of a loop are shorter, since each result adds to them


def mapped(module: Module, name: str, split: Split) -> None:
    """Add ``void name(double *uniform, double **columns, double **results, i64 begin, i64 end)``.

    Columns are contiguous. There must be at least as many samples as lanes: the last vector overlaps the one before.
    """
    lanes, wide = module.lanes, vector(module.lanes)
    loop = _Loop(module, name, split)
    lines = module.open(f"define void @{name}(ptr noalias %in, ptr %columns, ptr %results, i64 %begin, i64 %end) #0 {{")
    loop.begin()
    _load_pointers(lines, "column", split.columns)
    _load_pointers(lines, "result", len(split.body.outputs))
    lines += [
        f"  %last = sub i64 %end, {lanes}",
        "  br label %loop",
        "loop:",
        "  %from = phi i64 [ %begin, %entry ], [ %next, %again ]",
        "  %over = icmp sgt i64 %from, %last",
        "  %i = select i1 %over, i64 %last, i64 %from",
    ]
    for k in range(split.columns):
        lines.append(f"  %a{k} = getelementptr double, ptr %column{k}, i64 %i")
        lines.append(f"  %x{k} = load {wide}, ptr %a{k}, align 8")

    def store(k: int, number: str) -> None:
        lines.append(f"  %r{k} = getelementptr double, ptr %result{k}, i64 %i")
        lines.append(f"  store {wide} {number}, ptr %r{k}, align 8")

    loop.body([f"%x{k}" for k in range(split.columns)], store)
    lines += [
        "  br label %again",
        "again:",
        f"  %next = add i64 %from, {lanes}",
        "  %more = icmp slt i64 %next, %end",
        "  br i1 %more, label %loop, label %done",
        "done:",
    ]
    loop.end()
    module.close()


def reduced(module: Module, name: str, split: Split) -> None:
    """Add ``void name(double *uniform, double **columns, i64 *strides, i64 begin, i64 end, double *sums, double by)``.

    Strides count doubles. Each result is the sum over the samples, divided by ``by``: lane by lane, and then the upper
    half of the lanes is added to the lower, until one is left. The lanes of the last vector that lie beyond the end
    repeat the last sample and are not added.
    """
    lanes, outputs = module.lanes, len(split.body.outputs)
    wide, bits = vector(lanes), vector(lanes, "i1")
    loop = _Loop(module, name, split)
    parameters = "ptr noalias %in, ptr %columns, ptr %strides, i64 %begin, i64 %end, ptr %totals, double %by"
    lines = module.open(f"define void @{name}({parameters}) #0 {{")
    loop.begin()
    module.declare("declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
    module.scratch(outputs, lanes, "%sums")
    size = 8 * lanes * max(outputs, 1)
    lines.append(f"  call void @llvm.memset.p0.i64(ptr align 8 %sums, i8 0, i64 {size}, i1 false)")
    _load_pointers(lines, "column", split.columns)
    for k in range(split.columns):
        lines.append(f"  %sp{k} = getelementptr i64, ptr %strides, i64 {k}")
        lines.append(f"  %stride{k} = load i64, ptr %sp{k}, align 8")
    lines += [
        "  %final = sub i64 %end, 1",
        "  br label %loop",
        "loop:",
        "  %i = phi i64 [ %begin, %entry ], [ %next, %again ]",
    ]
    mask = _number_samples(lines, lanes)

    def add(k: int, number: str) -> None:
        lines.extend([
            f"  %s{k} = getelementptr {wide}, ptr %sums, i64 {k}",
            f"  %old{k} = load {wide}, ptr %s{k}, align 8",
            f"  %sum{k} = fadd{module.flags} {wide} %old{k}, {number}",
            f"  %new{k} = select {bits} {mask}, {wide} %sum{k}, {wide} %old{k}",
            f"  store {wide} %new{k}, ptr %s{k}, align 8",
        ])  # fmt: skip

    loop.body([_gather(lines, k, lanes) for k in range(split.columns)], add)
    lines += [
        "  br label %again",
        "again:",
        f"  %next = add i64 %i, {lanes}",
        "  %more = icmp slt i64 %next, %end",
        "  br i1 %more, label %loop, label %add",
    ]
    _add_lanes(lines, lanes, outputs)
    module.release(outputs, lanes, "%sums")
    loop.end()
    module.close()


def _load_pointers(lines: list[str], name: str, count: int) -> None:
    """Load the pointers in an array, ``%columns`` for ``column``, as ``%column0``, …."""
    for k in range(count):
        lines.append(f"  %{name}p{k} = getelementptr ptr, ptr %{name}s, i64 {k}")
        lines.append(f"  %{name}{k} = load ptr, ptr %{name}p{k}, align 8")


def _number_samples(lines: list[str], lanes: int) -> str:
    """Write the number of each lane's sample, at most the last, and return the mask of those that are not beyond it."""
    mask = "poison"
    for j in range(lanes):
        lines += [
            f"  %i{j} = add i64 %i, {j}",
            f"  %in{j} = icmp slt i64 %i{j}, %end",
            f"  %j{j} = select i1 %in{j}, i64 %i{j}, i64 %final",
            f"  %m{j} = insertelement {vector(lanes, 'i1')} {mask}, i1 %in{j}, i32 {j}",
        ]
        mask = f"%m{j}"
    return mask


def _gather(lines: list[str], k: int, lanes: int) -> str:
    """Load a number of each lane's sample, and return the vector."""
    wide = "poison"
    for j in range(lanes):
        lines += [
            f"  %o{k}_{j} = mul i64 %j{j}, %stride{k}",
            f"  %a{k}_{j} = getelementptr double, ptr %column{k}, i64 %o{k}_{j}",
            f"  %d{k}_{j} = load double, ptr %a{k}_{j}, align 8",
            f"  %x{k}_{j} = insertelement {vector(lanes)} {wide}, double %d{k}_{j}, i32 {j}",
        ]
        wide = f"%x{k}_{j}"
    return wide


def _add_lanes(lines: list[str], lanes: int, outputs: int) -> None:
    """Write a loop over the results, which adds up the lanes of each and divides by the number of samples."""
    lines += [
        "add:",
        f"  br i1 {'true' if outputs else 'false'}, label %across, label %done",
        "across:",
        "  %k = phi i64 [ 0, %add ], [ %k1, %across ]",
        f"  %row = getelementptr {vector(lanes)}, ptr %sums, i64 %k",
        f"  %lanes = load {vector(lanes)}, ptr %row, align 8",
    ]
    rest, width = "%lanes", lanes
    while width > 1:
        whole, width = f"<{width} x double>", width // 2
        for half, begin in (("low", 0), ("high", width)):
            kept = ", ".join(f"i32 {begin + j}" for j in range(width))
            shuffle = f"shufflevector {whole} {rest}, {whole} poison, <{width} x i32> <{kept}>"
            lines.append(f"  %{half}{width} = {shuffle}")
        lines.append(f"  %folded{width} = fadd <{width} x double> %low{width}, %high{width}")
        rest = f"%folded{width}"
    lines += [
        f"  %one = extractelement <1 x double> {rest}, i32 0",
        "  %mean = fdiv double %one, %by",
        "  %total = getelementptr double, ptr %totals, i64 %k",
        "  store double %mean, ptr %total, align 8",
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
    lines = module.open(f"define void @{name}(ptr %shared, ptr %columns, ptr %strides, i64 %count, ptr %out) #1 {{")
    sizes = {"uniform": split.uniform, "constants": len(split.constant.outputs), "totals": len(split.body.outputs)}
    scratch = sum(sizes.values()) + outputs + shared + 8
    module.scratch(scratch)
    if after is not None:
        sizes["numbers"] = outputs + shared
    offset = 0
    for part, size in sizes.items():
        lines.append(f"  %{part} = getelementptr double, ptr %scratch, i64 {offset}")
        offset += size
    numbers = "%out" if after is None else "%numbers"
    direct = all(split.varying)  # the totals are the numbers, in their order
    totals, by = numbers if direct else "%totals", "%n" if kind == "mean" else "1.0"
    lines += [
        "  call void @prologue(ptr %shared, ptr %uniform)",
        "  call void @constant(ptr %shared, ptr %constants)",
        "  %n = sitofp i64 %count to double",
        f"  call void @reduce(ptr %uniform, ptr %columns, ptr %strides, i64 0, i64 %count, ptr {totals}, double {by})",
    ]
    if not direct:
        _merge(lines, split, kind, numbers)
    if after is not None:
        lines.append(f"  %rest = getelementptr double, ptr %numbers, i64 {outputs}")
        module.copy("%rest", "%shared", 8 * shared)
        lines.append(f"  call void @{after}(ptr %numbers, ptr %out)")
    module.release(scratch)
    module.close()


def _merge(lines: list[str], split: Split, kind: str, numbers: str) -> None:
    """Put the totals, and the results that no sample changes, into the order of the program's outputs."""
    place = {"%totals": 0, "%constants": 0}
    for k, varying in enumerate(split.varying):
        source, number = "%totals" if varying else "%constants", f"%v{k}"
        lines += [
            f"  %p{k} = getelementptr double, ptr {source}, i64 {place[source]}",
            f"  %v{k} = load double, ptr %p{k}, align 8",
        ]
        place[source] += 1
        if kind == "sum" and not varying:
            number = f"%w{k}"
            lines.append(f"  %w{k} = fmul double %v{k}, %n")
        lines += [
            f"  %q{k} = getelementptr double, ptr {numbers}, i64 {k}",
            f"  store double {number}, ptr %q{k}, align 8",
        ]


class _Loop:
    """The body of a loop over samples: written in place, or for a long one as calls of its parts."""

    def __init__(self, module: Module, name: str, split: Split) -> None:
        self.module, self.name, self.split = module, name, split
        long = len(split.body.instructions) > single.WHOLE_WIDE
        self.slots = parts(module, name, split.body, module.lanes, split.uniform) if long else None

    def begin(self) -> None:
        self.module.lines += [
            "  %box = alloca ptr, align 8",
            "  store volatile ptr %in, ptr %box, align 8",
            "  br label %entry",
            "entry:",
        ]
        if self.slots:
            self.module.scratch(self.slots.size, self.module.lanes)

    def end(self) -> None:
        if self.slots:
            self.module.release(self.slots.size, self.module.lanes)

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
        lines, body = self.module.lines, self.split.body
        # A shared number is loaded again in each block, by way of a pointer of which LLVM does not know that it is the
        # same: else it would keep the number, in eight lanes on the stack, from forward to backward pass.
        pointer = "%in"
        writer = Writer(self.module, body, self.module.lanes, lambda place, writer: load_shared(pointer)(place, writer))
        writer.names |= names
        block = single.BLOCK if len(body.outputs) <= MANY else single.BLOCK // 4
        ready: dict[int, list[int]] = {}
        for k, place in enumerate(body.outputs):
            if place < len(body.inputs):
                take(k, writer.number(place))
            ready.setdefault((place - len(body.inputs)) // block, []).append(k)
        for first in range(0, len(body.instructions), block):
            writer.block(first, reload=True)
            pointer = self.module.fresh()
            lines.append(f"  {pointer} = load volatile ptr, ptr %box, align 8")
            writer.write(first, min(first + block, len(body.instructions)))
            for k in ready.get(first // block, ()):
                take(k, writer.number(body.outputs[k]))

    def _in_parts(self, slots: Slots, names: dict[int, str], take: Callable[[int, str], None]) -> None:
        lines, body, wide = self.module.lines, self.split.body, vector(self.module.lanes)
        for place, name in names.items():
            if place in slots.slot:
                lines.append(f"  %slot{place} = getelementptr {wide}, ptr %scratch, i64 {slots.slot[place]}")
                lines.append(f"  store {wide} {name}, ptr %slot{place}, align 8")
        lines += [f"  call void @{self.name}.part{k}(ptr %in, ptr %scratch)" for k in range(slots.parts)]
        writer = PartWriter(self.module, body, self.module.lanes, slots, 0)
        for k, place in enumerate(body.outputs):
            if k % single.AT_HAND == 0:
                writer.block(k, reload=True)
            take(k, writer.number(place))
