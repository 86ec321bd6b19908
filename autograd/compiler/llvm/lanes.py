"""The functions of a program that are several samples wide: a sample a SIMD lane, in a loop over the batch."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable

from autograd.compiler.program.batch import Split
from autograd.compiler.program.nest import Nest, Place

from .body import Body, Load, Names
from .function import Function, vector
from .module import Module
from .single import FLAT, PART, Run, load_shared

WIDE = 32_000  # results from which on memory is slower than arithmetic: what is read serves more samples and turns


def groups(outputs: int, lanes: int) -> int:
    """Return how many vectors of samples a loop takes at a time, if its program has so many results."""
    return 8 if outputs > WIDE and lanes == 8 else 4  # machines with eight lanes have 32 registers


def mapped(module: Module, name: str, split: Split) -> None:
    """Add ``void name(double *uniform, double **columns, double **results, i64 begin, i64 end)``.

    Columns are contiguous. There must be at least as many samples as lanes: the last vector overlaps the one before.
    """
    lanes, wide = module.lanes, vector(module.lanes)

    def load(body: Body, place: Place) -> Names:
        if place.base < split.uniform:
            return load_shared(body, place)
        column = body.function.nth("%columns", body.index(place.moved(-split.uniform)), "ptr")
        return [body.function.load(body.function.nth(body.function.load(column, "ptr"), body.i), wide)]

    def take(body: Body, number: Place, names: Names) -> None:
        result = body.function.load(body.function.nth("%out", body.index(number), "ptr"), "ptr")
        body.function.store(names[0], body.function.nth(result, body.i), wide)

    nest = Nest(split.body, [split.uniform, split.columns], FLAT, PART)
    run = Run(module, name, nest, lanes, 1, load, take)
    parameters = "ptr noalias %in, ptr noalias %columns, ptr noalias %out, i64 %begin, i64 %end"
    function = module.function(f"void @{name}({parameters}) #0")
    function.scratch(run.layout.size, lanes)
    function.block("entry")
    function.lines += [
        f"  %last = sub i64 %end, {lanes}",
        "  br label %loop",
        "loop:",
        "  %from = phi i64 [ %begin, %entry ], [ %next, %again ]",
        "  %over = icmp sgt i64 %from, %last",
        "  %i = select i1 %over, i64 %last, i64 %from",
    ]
    run.write(function, "%columns", "%i")
    function.block("again")
    function.lines += [
        f"  %next = add i64 %from, {lanes}",
        "  %more = icmp slt i64 %next, %end",
        "  br i1 %more, label %loop, label %done",
        "done:",
    ]
    function.release(run.layout.size, lanes)
    function.end()


def elements(module: Module, name: str, split: Split) -> None:
    """Add ``void name(double *shared, double **columns, double **results, i64 count)``.

    It runs ``prologue``, and ``map`` on all samples.
    """
    function = module.function(f"void @{name}(ptr %shared, ptr %columns, ptr %results, i64 %count) #1")
    function.scratch(split.uniform)
    function.lines += [
        "  call void @prologue(ptr %shared, ptr %scratch)",
        "  call void @map(ptr %scratch, ptr %columns, ptr %results, i64 0, i64 %count)",
    ]
    function.release(split.uniform)
    function.end()


def reduced(module: Module, name: str, split: Split) -> None:
    """Add ``void name(double *uniform, double **rows, i64 *strides, i64 begin, i64 end, double *sums)``.

    Strides count doubles. Each result is the sum over the samples. They are taken several vectors at a time where the
    program has loops, so that what is shared is loaded once for all of them, and what is left one vector at a time; of
    the last one, the lanes beyond the end repeat the last sample and are not added.
    """
    lanes, wide, outputs = module.lanes, vector(module.lanes), len(split.body.outputs)
    nest = Nest(split.body, [split.uniform, split.columns], FLAT, PART)
    sums = lanes if nest.is_flat else 1  # numbers that each output is added to
    sizes, load = [1] if nest.is_flat else sorted({groups(outputs, lanes), 4, 1}, reverse=True), _from_columns(split)
    takes = (_into_lanes_of_sums, None) if nest.is_flat else (_into_sums, _into_rows_of_sums)
    together = 2 if outputs > WIDE else 1
    runs = [
        Run(module, f"{name}.by{size}", nest, lanes, size, load, takes[0], nest.is_flat, takes[1], together)
        for size in sizes
    ]
    parameters = "ptr noalias %in, ptr %rows, ptr %strides, i64 %begin, i64 %end, ptr noalias %sums"
    function = module.function(f"void @{name}({parameters}) #0")
    columns, first_sum = runs[0].layout.size * sizes[0], (runs[0].layout.size + split.columns) * sizes[0]
    size = first_sum + (outputs if sums > 1 else 0)
    function.declarations.add("declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
    function.scratch(size, lanes)
    function.block("entry")
    function.lines += [
        f"  %columns = getelementptr {wide}, ptr %scratch, i64 {columns}",
        f"  %out = getelementptr {wide}, ptr {f'%scratch, i64 {first_sum}' if sums > 1 else '%sums, i64 0'}",
        f"  call void @llvm.memset.p0.i64(ptr align 8 %out, i8 0, i64 {8 * sums * outputs}, i1 false)",
        "  %final = sub i64 %end, 1",
    ]
    at = "%begin"
    for run in runs:
        at = _blocks(function, run, split.columns, at)
    if sums > 1:
        _over(function, "across", 0, outputs, 1, lambda k: _add_across(function, k, lanes, module.flags))
    function.release(size, lanes)
    function.end()


def _from_columns(split: Split) -> Load:
    def load(body: Body, place: Place) -> Names:
        if place.base < split.uniform:
            return load_shared(body, place)
        function, wide = body.function, vector(body.lanes)
        column = body.address("%columns", body.index(place.moved(-split.uniform)))
        return body.each(lambda g: function.load(function.nth(column, g, wide), wide))

    return load


def _into_sums(body: Body, number: Place, names: Names) -> None:
    """Add up the groups, and then the lanes."""
    function, flags = body.function, body.module.flags
    more = _added_lanes(function, _added_groups(body, names), body.lanes, flags)
    address = function.nth("%out", body.index(number))
    function.store(function.put(f"fadd{flags} double {function.load(address)}, {more}"), address)


def _into_lanes_of_sums(body: Body, number: Place, names: Names) -> None:
    """Add up what each lane has of the samples, without those beyond the end: a single group."""
    function, flags, kind = body.function, body.module.flags, vector(body.lanes)
    address = function.nth("%out", body.index(number), kind)
    before = function.load(address, kind)
    after = function.put(f"fadd{flags} {kind} {before}, {names[0]}")
    function.store(_chosen(body, body.once("mask", lambda: _mask(body)), after, before), address, kind)


def _into_rows_of_sums(body: Body, number: Place, rows: list[Names]) -> None:
    """Add up the groups and the lanes of as many numbers as there are lanes, in the order of ``_added_lanes``.

    Half as many vectors hold the sums of the halves of two each, and so on: that takes a third of the instructions.
    """
    function, flags, lanes, kind = body.function, body.module.flags, body.lanes, vector(body.lanes)
    sums = [_added_groups(body, names) for names in rows]
    width = lanes
    while len(sums) > 1:
        width //= 2
        picks = [[k for k in range(2 * lanes) if k // width % 2 == half] for half in (0, 1)]
        masks = [f"<{lanes} x i32> <{', '.join([f'i32 {k}' for k in pick])}>" for pick in picks]
        pairs = zip(sums[::2], sums[1::2], strict=True)
        halves = [[function.put(f"shufflevector {kind} {a}, {kind} {b}, {mask}") for mask in masks] for a, b in pairs]
        sums = [function.put(f"fadd{flags} {kind} {low}, {high}") for low, high in halves]
    address = function.nth("%out", body.index(number))
    function.store(function.put(f"fadd{flags} {kind} {function.load(address, kind)}, {sums[0]}"), address, kind)


def _added_groups(body: Body, names: Names) -> str:
    """Add up the groups; of a single one, the lanes beyond the end are 0."""
    function, flags, kind = body.function, body.module.flags, vector(body.lanes)
    if len(names) == 1:
        return _chosen(body, body.once("mask", lambda: _mask(body)), names[0], "zeroinitializer")
    return functools.reduce(lambda a, b: function.put(f"fadd{flags} {kind} {a}, {b}"), names)


def _add_across(function: Function, k: str, lanes: int, flags: str) -> None:
    numbers = function.load(function.nth("%out", k, vector(lanes)), vector(lanes))
    function.store(_added_lanes(function, numbers, lanes, flags), function.nth("%sums", k))


def _over(function: Function, name: str, begin: int, end: int, step: int, write: Callable[[str], None]) -> None:
    """Write a loop over numbers, where there are any."""
    if begin == end:
        return
    function.block(f"before.{name}")
    function.block(name)
    function.lines.append(f"  %k.{name} = phi i64 [ {begin}, %before.{name} ], [ %next.{name}, %again.{name} ]")
    write(f"%k.{name}")
    function.block(f"again.{name}")
    function.lines += [
        f"  %next.{name} = add i64 %k.{name}, {step}",
        f"  %more.{name} = icmp slt i64 %next.{name}, {end}",
        f"  br i1 %more.{name}, label %{name}, label %behind.{name}",
        f"behind.{name}:",
    ]


def _blocks(function: Function, run: Run, columns: int, begin: str) -> str:
    """Write a loop over so many vectors of samples at a time, and return the first sample that is left."""
    groups, step = run.groups, run.groups * run.lanes
    i, left = f"%i{groups}", f"%left{groups}"
    function.block(f"begin{groups}")
    function.block(f"test{groups}")
    function.lines += [
        f"  {i} = phi i64 [ {begin}, %begin{groups} ], [ %next{groups}, %again{groups} ]",
        f"  {left} = sub i64 %end, {i}",
        f"  %more{groups} = icmp sge i64 {left}, {step if groups > 1 else 1}",
        f"  br i1 %more{groups}, label %loop{groups}, label %end{groups}",
        f"loop{groups}:",
    ]
    _gather(function, columns, run.lanes, groups, i)
    run.write(function, "%columns", i, left)
    function.block(f"again{groups}")
    function.lines += [f"  %next{groups} = add i64 {i}, {step}", f"  br label %test{groups}", f"end{groups}:"]
    return i


def _gather(function: Function, columns: int, lanes: int, groups: int, i: str) -> None:
    """Write a loop that brings the numbers of the samples together: a vector for each column and group of lanes."""
    if not columns:
        return
    function.block(f"gather{groups}")
    function.block(f"column{groups}")
    function.lines.append(f"  %c{groups} = phi i64 [ 0, %gather{groups} ], [ %cc{groups}, %gathered{groups} ]")
    row = function.load(function.nth("%rows", f"%c{groups}", "ptr"), "ptr")
    stride = function.load(function.nth("%strides", f"%c{groups}", "i64"), "i64")
    first = function.put(f"mul i64 %c{groups}, {groups}")
    function.block(f"group{groups}")
    function.lines.append(f"  %g{groups} = phi i64 [ 0, %column{groups} ], [ %gg{groups}, %group{groups} ]")
    ahead = function.put(f"add i64 {i}, {function.put(f'mul i64 %g{groups}, {lanes}')}")
    numbers = "poison"
    for lane in range(lanes):
        sample = function.put(f"add i64 {ahead}, {lane}")
        inside = function.put(f"icmp slt i64 {sample}, %end")
        sample = function.put(f"select i1 {inside}, i64 {sample}, i64 %final")
        number = function.load(function.nth(row, function.put(f"mul i64 {sample}, {stride}")))
        numbers = function.put(f"insertelement {vector(lanes)} {numbers}, double {number}, i64 {lane}")
    place = function.put(f"add i64 {first}, %g{groups}")
    function.store(numbers, function.nth("%columns", place, vector(lanes)), vector(lanes))
    function.lines += [
        f"  %gg{groups} = add i64 %g{groups}, 1",
        f"  %gmore{groups} = icmp slt i64 %gg{groups}, {groups}",
        f"  br i1 %gmore{groups}, label %group{groups}, label %gathered{groups}",
        f"gathered{groups}:",
        f"  %cc{groups} = add i64 %c{groups}, 1",
        f"  %cmore{groups} = icmp slt i64 %cc{groups}, {columns}",
        f"  br i1 %cmore{groups}, label %column{groups}, label %all{groups}",
        f"all{groups}:",
    ]


def _chosen(body: Body, mask: str, a: str, b: str) -> str:
    wide = vector(body.lanes)
    return body.function.put(f"select {vector(body.lanes, 'i1')} {mask}, {wide} {a}, {wide} {b}")


def _mask(body: Body) -> str:
    """Return which lanes hold a sample of their own."""
    function, lanes, counts = body.function, body.lanes, vector(body.lanes, "i64")
    first = function.put(f"insertelement {counts} poison, i64 {body.left}, i64 0")
    left = function.put(f"shufflevector {counts} {first}, {counts} poison, <{lanes} x i32> zeroinitializer")
    return function.put(f"icmp slt {counts} <{', '.join([f'i64 {lane}' for lane in range(lanes)])}>, {left}")


def _added_lanes(function: Function, rest: str, lanes: int, flags: str) -> str:
    """Add the upper half of the lanes to the lower, until one is left."""
    while lanes > 1:
        whole, lanes = f"<{lanes} x double>", lanes // 2
        halves = []
        for begin in (0, lanes):
            kept = ", ".join(f"i32 {begin + j}" for j in range(lanes))
            halves.append(function.put(f"shufflevector {whole} {rest}, {whole} poison, <{lanes} x i32> <{kept}>"))
        rest = function.put(f"fadd{flags} <{lanes} x double> {halves[0]}, {halves[1]}")
    return function.put(f"extractelement <1 x double> {rest}, i32 0")


def whole(module: Module, name: str, split: Split, kind: str, after: str | None) -> None:
    """Add a reduction, ``void name(double *shared, double **columns, i64 *strides, i64 count, double *out)``.

    It does what its parts do for a single piece: ``void begin(double *shared, double *memory)``, then for each piece
    ``void piece(double *shared, double *memory, double **columns, i64 *strides, i64 begin, i64 end, i64 number)``, and
    ``void finish(double *shared, double *memory, i64 pieces, i64 count, double *out)``. In memory are what samples
    share, unless it is ``shared`` as it is, the results that no sample changes, and the sums of each piece.
    """
    reduced(module, "reduce", split)
    uniform, own = 0 if split.is_plain else split.uniform, len(split.body.outputs)
    before = uniform + len(split.constant.outputs)
    function = module.function("i64 @memory(i64 %pieces) #0")
    sums = function.put(f"mul i64 %pieces, {own}")
    function.end(f"i64 {function.put(f'add i64 {sums}, {before}')}")
    function = module.function("void @begin(ptr %shared, ptr %memory) #1")
    if not split.is_plain:
        function.lines.append("  call void @prologue(ptr %shared, ptr %memory)")
    function.lines.append(f"  call void @constant(ptr %shared, ptr {function.nth('%memory', uniform)})")
    function.end()
    parameters = "ptr %shared, ptr %memory, ptr %columns, ptr %strides, i64 %begin, i64 %end, i64 %number"
    function = module.function(f"void @piece({parameters}) #1")
    sums = function.nth(function.nth("%memory", before), function.put(f"mul i64 %number, {own}"))
    shared = "%shared" if split.is_plain else "%memory"
    function.lines.append(
        f"  call void @reduce(ptr {shared}, ptr %columns, ptr %strides, i64 %begin, i64 %end, ptr {sums})"
    )
    function.end()
    _finish(module, split, kind, after, uniform)
    function = module.function(f"void @{name}(ptr %shared, ptr %columns, ptr %strides, i64 %count, ptr %out) #1")
    function.scratch(before + own)
    samples = "ptr %columns, ptr %strides, i64 0, i64 %count"
    function.lines += [
        "  call void @begin(ptr %shared, ptr %scratch)",
        f"  call void @piece(ptr %shared, ptr %scratch, {samples}, i64 0)",
        "  call void @finish(ptr %shared, ptr %scratch, i64 1, i64 %count, ptr %out)",
    ]
    function.release(before + own)
    function.end()


def _finish(module: Module, split: Split, kind: str, after: str | None, uniform: int) -> None:
    """Add what brings the pieces together: their sums, or the mean, with the constant results, and then ``after``."""
    own, lanes, direct = len(split.body.outputs), module.lanes, split.varying.all()
    function = module.function("void @finish(ptr %shared, ptr %memory, i64 %pieces, i64 %count, ptr %out) #0")
    size = 0 if direct or after is None else len(split.varying)
    function.scratch(size)
    constants, sums = function.nth("%memory", uniform), function.nth("%memory", uniform + len(split.constant.outputs))
    numbers = "%out" if after is None else sums if direct else function.nth("%scratch", 0)
    totals = numbers if direct else sums
    function.lines.append("  %n = sitofp i64 %count to double")
    if kind == "sum" and totals == sums:  # which are those of a single piece as they are
        one = function.put("icmp eq i64 %pieces, 1")
        function.lines += [f"  br i1 {one}, label %merge, label %add", "add:"]
    wide = own - own % lanes
    for name, begin, end, step in (("wide", 0, wide, lanes), ("rest", wide, own, 1)):
        by = "" if kind == "sum" else "%n" if step == 1 else function.spread("%n", step)
        write = functools.partial(_add_pieces, function, name, own, by, sums, totals, step)
        _over(function, name, begin, end, step, write)
    function.block("merge")
    if not direct:
        _merge(function, split, numbers, sums, constants, kind)
    if after is not None:
        function.lines.append(f"  call void @{after}(ptr {numbers}, ptr %shared, ptr %out)")
    function.release(size)
    function.end()


def _add_pieces(function: Function, name: str, own: int, by: str, sums: str, totals: str, lanes: int, k: str) -> None:
    """Write a sum over the pieces, in their order, divided by the number of samples for a mean."""
    kind, address = vector(lanes), function.nth(sums, k)
    first = function.load(address, kind)
    function.block(f"first.{name}")
    function.block(f"piece.{name}")
    function.lines += [
        f"  %p.{name} = phi i64 [ 1, %first.{name} ], [ %pp.{name}, %more.piece.{name} ]",
        f"  %total.{name} = phi {kind} [ {first}, %first.{name} ], [ %sum.{name}, %more.piece.{name} ]",
        f"  %left.{name} = icmp slt i64 %p.{name}, %pieces",
        f"  br i1 %left.{name}, label %more.piece.{name}, label %added.{name}",
        f"more.piece.{name}:",
    ]
    other = function.nth(address, function.put(f"mul i64 %p.{name}, {own}"))
    function.lines += [
        f"  %sum.{name} = fadd {kind} %total.{name}, {function.load(other, kind)}",
        f"  %pp.{name} = add i64 %p.{name}, 1",
        f"  br label %piece.{name}",
        f"added.{name}:",
    ]
    total = function.put(f"fdiv {kind} %total.{name}, {by}") if by else f"%total.{name}"
    function.store(total, function.nth(totals, k), kind)


def _merge(function: Function, split: Split, numbers: str, totals: str, constants: str, kind: str) -> None:
    """Bring the results of samples, and those that no sample changes, together in their order."""
    at, places = 0, {totals: 0, constants: 0}
    for varying, run in itertools.groupby(split.varying.tolist()):
        count, source = sum(1 for _ in run), totals if varying else constants
        address, begin, target = function.nth(source, places[source]), places[source], function.nth(numbers, at)
        places[source] += count
        at += count
        if varying or kind == "mean":
            function.copy(target, address, 8 * count)
            continue

        def times(k: str, address: str = address, target: str = target) -> None:
            number = function.put(f"fmul double {function.load(function.nth(address, k))}, %n")
            function.store(number, function.nth(target, k))

        _over(function, f"constant{begin}", 0, count, 1, times)
