"""Programs over a batch: one sample a SIMD lane, with what all samples share computed once, outside the loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from autograd.compiler.program.program import Instruction, Program

from . import single as lower
from .instructions import Writer, load_splat
from .module import Module
from .parts import parts

MANY = 500  # results from which on the basic blocks of a loop are shorter, since each result adds to them


@dataclass(frozen=True)
class Split:
    """A program in two: ``prologue`` computes what is the same for all samples, ``body`` the rest.

    The inputs of the body are the outputs of the prologue (``uniform`` of them), then the inputs that have a batch.
    ``varying`` tells for each output of the program whether it is the next output of the body, or else of
    ``constant``, the program of the outputs that no sample changes.
    """

    prologue: Program
    body: Program
    constant: Program
    varying: tuple[bool, ...]

    @property
    def uniform(self) -> int:
        return len(self.prologue.outputs)


def split(program: Program, batched: Sequence[bool]) -> Split:
    """Cut a program for a batch of those inputs; the shared inputs go into the prologue, in their order."""
    first = len(program.inputs)
    varies = bytearray(batched)
    for _, operands in program.instructions:
        varies.append(any(place >= 0 and varies[place] for place in operands))
    uses: dict[int, int] = {}  # a uniform value that the body needs, and its number there
    for (_, operands), mine in zip(program.instructions, varies[first:], strict=True):
        if mine:
            for place in operands:
                if place >= 0 and not varies[place]:
                    uses.setdefault(place, len(uses))
    shared = [i for i in range(first) if not batched[i]]
    columns = [i for i in range(first) if batched[i]]
    new = uses | {place: len(uses) + k for k, place in enumerate(columns)}
    instructions: list[Instruction] = []
    for index, (name, operands) in enumerate(program.instructions):
        if varies[first + index]:
            new[first + index] = len(uses) + len(columns) + len(instructions)
            instructions.append(Instruction(name, tuple([new[p] if p >= 0 else p for p in operands])))
    varying = tuple([place >= 0 and bool(varies[place]) for place in program.outputs])
    names = (*[program.name(place) for place in uses], *[program.inputs[i] for i in columns])
    places = tuple([new[place] for place, mine in zip(program.outputs, varying, strict=True) if mine])
    body = Program(names, program.constants, tuple(instructions), places)
    return Split(
        _uniform_part(program, shared, list(uses)),
        body,
        _uniform_part(program, shared, [p for p, mine in zip(program.outputs, varying, strict=True) if not mine]),
        varying,
    )


def _uniform_part(program: Program, shared: list[int], outputs: list[int]) -> Program:
    first = len(program.inputs)
    known = set(shared)
    order = [*shared, *[i for i in range(first) if i not in known]]
    new = {place: k for k, place in enumerate(order)}
    codes = [name for name, _ in program.instructions]
    operands = [tuple([new.get(p, p) for p in places]) for _, places in program.instructions]
    whole = Program.pruned(
        [program.inputs[i] for i in order], ["input"] * first + codes, [()] * first + operands, program.constants,
        [new.get(p, p) for p in outputs],
    )  # fmt: skip
    return whole.without_inputs(len(shared))


def mapped(module: Module, name: str, cut: Split) -> None:
    """Add ``void name(double *uniform, double **columns, double **results, i64 begin, i64 end)``.

    Columns are contiguous. There must be at least as many samples as lanes: the last vector overlaps the one before.
    """
    lanes, body = module.lanes, cut.body
    wide = f"<{lanes} x double>"
    head = f"define void @{name}(ptr noalias %in, ptr %columns, ptr %results, i64 %begin, i64 %end) #0 {{"
    loop = _Loop(module, name, cut)
    module.open(head)
    loop.scratch()
    _pointers(module, "column", "%columns", len(body.inputs) - cut.uniform)
    _pointers(module, "result", "%results", len(body.outputs))
    module.lines += [
        f"  %last = sub i64 %end, {lanes}",
        "  br label %loop",
        "loop:",
        "  %from = phi i64 [ %begin, %entry ], [ %next, %again ]",
        "  %over = icmp sgt i64 %from, %last",
        "  %i = select i1 %over, i64 %last, i64 %from",
    ]
    for k in range(len(body.inputs) - cut.uniform):
        module.lines.append(f"  %a{k} = getelementptr double, ptr %column{k}, i64 %i")
        module.lines.append(f"  %x{k} = load {wide}, ptr %a{k}, align 8")

    def store(k: int, number: str) -> None:
        module.lines.append(f"  %r{k} = getelementptr double, ptr %result{k}, i64 %i")
        module.lines.append(f"  store {wide} {number}, ptr %r{k}, align 8")

    loop.body({k: f"%x{k}" for k in range(len(body.inputs) - cut.uniform)}, store)
    module.lines += [
        "  br label %again",
        "again:",
        f"  %next = add i64 %from, {lanes}",
        "  %more = icmp slt i64 %next, %end",
        "  br i1 %more, label %loop, label %done",
        "done:",
    ]
    loop.release()
    module.close()


def reduced(module: Module, name: str, cut: Split) -> None:
    """Add ``void name(double *uniform, double **columns, i64 *strides, i64 begin, i64 end, double *sums, double by)``.

    Strides count doubles. Each result is the sum over the samples, divided by ``by``: lane by lane, and then the upper
    half of the lanes is added to the lower, until one is left. The lanes of the last vector that lie beyond the end
    repeat the last sample and are not added.
    """
    lanes, body = module.lanes, cut.body
    wide, bits = f"<{lanes} x double>", f"<{lanes} x i1>"
    outputs = len(body.outputs)
    parameters = "ptr noalias %in, ptr %columns, ptr %strides, i64 %begin, i64 %end, ptr %totals, double %by"
    head = f"define void @{name}({parameters}) #0 {{"
    loop = _Loop(module, name, cut)
    module.open(head)
    loop.scratch()
    size = 8 * lanes * max(outputs, 1)
    module.declare("declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
    module.scratch(outputs, lanes, "%sums")
    module.lines += [
        f"  call void @llvm.memset.p0.i64(ptr align 8 %sums, i8 0, i64 {size}, i1 false)",
    ]
    columns = len(body.inputs) - cut.uniform
    _pointers(module, "column", "%columns", columns)
    for k in range(columns):
        module.lines.append(f"  %sp{k} = getelementptr i64, ptr %strides, i64 {k}")
        module.lines.append(f"  %stride{k} = load i64, ptr %sp{k}, align 8")
    module.lines += [
        "  %final = sub i64 %end, 1",
        "  br label %loop",
        "loop:",
        "  %i = phi i64 [ %begin, %entry ], [ %next, %again ]",
    ]
    mask = "poison"
    for j in range(lanes):
        module.lines += [
            f"  %i{j} = add i64 %i, {j}",
            f"  %in{j} = icmp slt i64 %i{j}, %end",
            f"  %j{j} = select i1 %in{j}, i64 %i{j}, i64 %final",
            f"  %m{j} = insertelement {bits} {mask}, i1 %in{j}, i32 {j}",
        ]
        mask = f"%m{j}"
    columns_of = {}
    for k in range(columns):
        vector = "poison"
        for j in range(lanes):
            module.lines += [
                f"  %o{k}_{j} = mul i64 %j{j}, %stride{k}",
                f"  %a{k}_{j} = getelementptr double, ptr %column{k}, i64 %o{k}_{j}",
                f"  %d{k}_{j} = load double, ptr %a{k}_{j}, align 8",
                f"  %x{k}_{j} = insertelement {wide} {vector}, double %d{k}_{j}, i32 {j}",
            ]
            vector = f"%x{k}_{j}"
        columns_of[k] = vector

    def add(k: int, number: str) -> None:
        module.lines.extend(
            [
                f"  %s{k} = getelementptr {wide}, ptr %sums, i64 {k}",
                f"  %old{k} = load {wide}, ptr %s{k}, align 8",
                f"  %sum{k} = fadd{module.flags} {wide} %old{k}, {number}",
                f"  %new{k} = select {bits} {mask}, {wide} %sum{k}, {wide} %old{k}",
                f"  store {wide} %new{k}, ptr %s{k}, align 8",
            ]
        )

    loop.body(columns_of, add)
    module.lines += [
        "  br label %again",
        "again:",
        f"  %next = add i64 %i, {lanes}",
        "  %more = icmp slt i64 %next, %end",
        "  br i1 %more, label %loop, label %add",
        "add:",
        f"  br i1 {'true' if outputs else 'false'}, label %across, label %done",
        "across:",
        "  %k = phi i64 [ 0, %add ], [ %k1, %across ]",
        f"  %row = getelementptr {wide}, ptr %sums, i64 %k",
        f"  %lanes = load {wide}, ptr %row, align 8",
    ]
    rest, width = "%lanes", lanes
    while width > 1:
        kind, width = f"<{width} x double>", width // 2
        half = f"<{width} x double>"
        for name, begin in (("low", 0), ("high", width)):
            lanes_kept = ", ".join(f"i32 {begin + j}" for j in range(width))
            module.lines.append(
                f"  %{name}{width} = shufflevector {kind} {rest}, {kind} poison, <{width} x i32> <{lanes_kept}>"
            )
        module.lines.append(f"  %folded{width} = fadd {half} %low{width}, %high{width}")
        rest = f"%folded{width}"
    module.lines += [
        f"  %one = extractelement <1 x double> {rest}, i32 0",
        "  %mean = fdiv double %one, %by",
        "  %total = getelementptr double, ptr %totals, i64 %k",
        "  store double %mean, ptr %total, align 8",
        "  %k1 = add i64 %k, 1",
        f"  %onward = icmp slt i64 %k1, {outputs}",
        "  br i1 %onward, label %across, label %done",
        "done:",
    ]
    module.release(outputs, lanes, "%sums")
    loop.release()
    module.close()


def whole(module: Module, name: str, cut: Split, kind: str, shared: int, after: str | None) -> None:
    """Add ``void name(double *shared, double **columns, i64 *strides, i64 count, double *out)``.

    It runs ``prologue``, ``constant`` and ``reduce``, and ``after`` on the sums or means and the shared numbers.
    """
    outputs = len(cut.varying)
    module.declare("declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")
    module.open(f"define void @{name}(ptr %shared, ptr %columns, ptr %strides, i64 %count, ptr %out) #1 {{")
    sizes = {"uniform": cut.uniform, "constants": len(cut.constant.outputs), "totals": len(cut.body.outputs)}
    direct = all(cut.varying)  # the totals are the numbers, in their order
    module.scratch(sum(sizes.values()) + outputs + shared + 8)
    offset = 0
    for part, size in sizes.items():
        module.lines.append(f"  %{part} = getelementptr double, ptr %scratch, i64 {offset}")
        offset += size
    numbers = "%out" if after is None else "%numbers"
    if after is not None:
        module.lines.append(f"  %numbers = getelementptr double, ptr %scratch, i64 {offset}")
    into, by = numbers if direct else "%totals", "%n" if kind == "mean" else "1.0"
    samples = "ptr %uniform, ptr %columns, ptr %strides, i64 0, i64 %count"
    module.lines += [
        "  call void @prologue(ptr %shared, ptr %uniform)",
        "  call void @constant(ptr %shared, ptr %constants)",
        "  %n = sitofp i64 %count to double",
        f"  call void @reduce({samples}, ptr {into}, double {by})",
    ]
    position = {True: 0, False: 0}
    for k, mine in enumerate(() if direct else cut.varying):
        source = "%totals" if mine else "%constants"
        module.lines += [
            f"  %p{k} = getelementptr double, ptr {source}, i64 {position[mine]}",
            f"  %v{k} = load double, ptr %p{k}, align 8",
        ]
        position[mine] += 1
        number = f"%v{k}"
        if not mine and kind == "sum":
            number = f"%w{k}"
            module.lines.append(f"  {number} = fmul double %v{k}, %n")
        module.lines += [
            f"  %q{k} = getelementptr double, ptr {numbers}, i64 {k}",
            f"  store double {number}, ptr %q{k}, align 8",
        ]
    if after is not None:
        module.lines += [
            f"  %rest = getelementptr double, ptr %numbers, i64 {outputs}",
            f"  call void @llvm.memcpy.p0.p0.i64(ptr %rest, ptr %shared, i64 {8 * shared}, i1 false)",
            f"  call void @{after}(ptr %numbers, ptr %out)",
        ]
    module.release(sum(sizes.values()) + outputs + shared + 8)
    module.close()


class _Loop:
    """The body of a loop over samples: written in place, or for a long one as calls of its parts."""

    def __init__(self, module: Module, name: str, cut: Split) -> None:
        self.module, self.name, self.cut = module, name, cut
        long = len(cut.body.instructions) > lower.WHOLE_WIDE
        self.slots = parts(module, name, cut.body, module.lanes, cut.uniform) if long else None

    def scratch(self) -> None:
        self.module.lines += [
            "  %box = alloca ptr, align 8",
            "  store volatile ptr %in, ptr %box, align 8",
            "  br label %entry",
            "entry:",
        ]
        if self.slots:
            self.module.scratch(self.slots.size, self.module.lanes)

    def release(self) -> None:
        if self.slots:
            self.module.release(self.slots.size, self.module.lanes)

    def body(self, names: dict[int, str], take: Callable[[int, str], None]) -> None:
        """Write the body for the columns of those names. ``take(k, number)`` writes what becomes of result k.

        That happens as soon as the result is there, so that no more results are held on the stack than one basic block
        computes.
        """
        module, body, uniform, lanes = self.module, self.cut.body, self.cut.uniform, self.module.lanes
        columns = {uniform + k: name for k, name in names.items()}
        if self.slots is None:
            # A shared number is loaded again in each block, by way of a pointer of which LLVM does not know that it is
            # the same: else it would keep the number, in eight lanes on the stack, from forward to backward pass.
            pointer = ["%in"]
            writer = Writer(module, body, lanes, lambda place, w: load_splat(pointer[0], lanes)(place, w))
            writer.names |= columns
            block = lower.BLOCK if len(body.outputs) <= MANY else lower.BLOCK // 4
            for k, place in enumerate(body.outputs):
                if place < len(body.inputs):
                    take(k, writer.number(place))
            ready: dict[int, list[int]] = {}
            for k, place in enumerate(body.outputs):
                ready.setdefault((place - len(body.inputs)) // block, []).append(k)
            for first in range(0, len(body.instructions), block):
                writer.block(first, reload=True)
                pointer[0] = writer.fresh()
                module.lines.append(f"  {pointer[0]} = load volatile ptr, ptr %box, align 8")
                writer.write(first, min(first + block, len(body.instructions)))
                for k in ready.get(first // block, ()):
                    take(k, writer.number(body.outputs[k]))
            return
        wide = f"<{lanes} x double>"
        for place, name in columns.items():
            if place in self.slots.slot:
                slot = f"%slot{place}"
                module.lines.append(f"  {slot} = getelementptr {wide}, ptr %scratch, i64 {self.slots.slot[place]}")
                module.lines.append(f"  store {wide} {name}, ptr {slot}, align 8")
        module.lines += [f"  call void @{self.name}.part{k}(ptr %in, ptr %scratch)" for k in range(self.slots.parts)]
        writer = Writer(module, body, lanes, self.slots.load("%in", "%scratch", lanes))
        for k, place in enumerate(body.outputs):
            if k % 128 == 0:
                writer.block(k, reload=True)
            take(k, writer.number(place))


def _pointers(module: Module, name: str, array: str, count: int) -> None:
    for k in range(count):
        module.lines.append(f"  %{name}p{k} = getelementptr ptr, ptr {array}, i64 {k}")
        module.lines.append(f"  %{name}{k} = load ptr, ptr %{name}p{k}, align 8")
