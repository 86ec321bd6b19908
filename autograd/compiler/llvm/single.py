"""The functions of a program that are one number wide: run it once, or again and again on its own results."""

from __future__ import annotations

from autograd.compiler.program.layout import Layout
from autograd.compiler.program.nest import Nest, Place, is_short
from autograd.compiler.program.program import Program

from .body import Body, Load, Names, Take, TakeRow
from .function import Function
from .module import Module

LONG = 300  # instructions, each that is in a loop counted once, of which the effort of compiling is noticed
FLAT = 2_500  # instructions up to which a program stays without loops
PART = 2_000  # cells in a function, beyond which a program is cut: a huge one takes the compiler longer than its share
IN_REGISTERS = 64  # numbers of a state up to which a repeated program passes it on in registers
PARAMETERS = "ptr noalias %in, ptr noalias %columns, ptr noalias %out, ptr noalias %scratch, i64 %i, i64 %left"


class Run:
    """What writes the run of a nest into a function: its cells, or calls of the functions of its parts.

    The function has the pointers ``%in``, ``%out`` and ``%scratch``, and for several lanes ``%columns`` and the numbers
    ``%i``, of the first sample, and ``%left``, how many there are from it on.
    """

    def __init__(
        self,
        module: Module,
        name: str,
        nest: Nest,
        lanes: int,
        groups: int,
        load: Load,
        take: Take,
        inline: bool = True,
        take_row: TakeRow | None = None,
        together: int = 1,
    ) -> None:
        self.module, self.name, self.nest, self.load, self.take = module, name, nest, load, take
        self.lanes, self.groups, self.together = lanes, groups, together
        self.layout, self.take_row = Layout(nest), take_row
        self.inline = inline and nest.parts == 1
        if not self.inline:
            for part in range(nest.parts):
                function = module.function(f"internal void @{name}.part{part}({PARAMETERS}) noinline #0")
                self._body(function).write(part)
                function.end()

    def write(self, function: Function, columns: str = "null", i: str = "0", left: str = "0") -> None:
        """Write it."""
        if self.layout.arena is not None:
            self.module.arena = True
            arena = self._body(function).place("%scratch", self.layout.arena)
            function.store("null", arena, "ptr")
        if self.inline:
            body = self._body(function)
            body.i, body.left = i, left
            body.write(0)
        for part in range(0 if self.inline else self.nest.parts):
            arguments = f"ptr %in, ptr {columns}, ptr %out, ptr %scratch, i64 {i}, i64 {left}"
            function.lines.append(f"  call void @{self.name}.part{part}({arguments})")
        if self.layout.arena is not None:
            function.lines.append(f"  call void @leave(ptr {arena})")

    def _body(self, function: Function) -> Body:
        return Body(
            self.module, function, self.nest, self.layout, self.lanes, self.groups, self.load, self.take,
            self.take_row, self.together,
        )  # fmt: skip


def scalar(module: Module, name: str, program: Program, quick: bool = False, linkage: str = "") -> None:
    """Add ``void name(double *in, double *out)``; the two must not overlap.

    ``quick`` is for what runs once beside a loop: where it is long, it compiles ten times faster, and runs not much
    slower. ``linkage`` is ``internal`` for what only this module calls.
    """
    nest = Nest(program, [len(program.inputs)], FLAT, PART)
    _scalar(module, f"{linkage} void @{name}(ptr noalias %in, ptr noalias %out)", name, nest, load_shared, quick)


def behind(module: Module, name: str, program: Program, results: int) -> None:
    """Add ``void name(double *in, double *columns, double *out)``, for what runs once, behind a loop over a batch.

    The first inputs are the ``results`` of the loop, and the columns are the numbers that all samples shared.
    """

    def load(body: Body, place: Place) -> Names:
        own = place.base < results
        return [body.fetch("%in" if own else "%columns", place if own else place.moved(-results))]

    nest = Nest(program, [results, len(program.inputs) - results], FLAT, PART)
    _scalar(
        module,
        f"void @{name}(ptr noalias %in, ptr noalias %columns, ptr noalias %out)",
        name,
        nest,
        load,
        True,
        "%columns",
    )


def _scalar(module: Module, head: str, name: str, nest: Nest, load: Load, quick: bool, columns: str = "null") -> None:
    run = Run(module, name, nest, 1, 1, load, _store)
    function = module.function(f"{head} {'#1' if quick and len(nest.cells) > LONG else '#0'}")
    function.scratch(run.layout.size)
    run.write(function, columns)
    function.release(run.layout.size)
    function.end()


def load_shared(body: Body, place: Place) -> Names:
    """Load an input that all samples share."""
    return [body.fetch("%in", place)] * body.groups


def _store(body: Body, number: Place, names: Names) -> None:
    body.put_row(names[0], body.function.nth("%out", body.index(number)), body.step(number))


def repeated(module: Module, name: str, program: Program) -> None:
    """Add ``void name(double *in, double *out, i64 count)``: the outputs become the first inputs, count times."""
    inputs, state = len(program.inputs), len(program.outputs)
    if state > IN_REGISTERS or not is_short(program, FLAT):
        _repeated_in_memory(module, name, program)
        return
    function = module.function(f"void @{name}(ptr noalias %in, ptr noalias %out, i64 %count) #0")
    lines = function.lines
    results: dict[int, str] = {}
    run = Run(
        module, name, Nest(program, [inputs], FLAT, 2 * FLAT), 1, 1,
        lambda body, place: [f"%s{place.base}" if place.base < state else numbers[place.base]],
        lambda body, number, names: results.update({number.base: names[0]}),
    )  # fmt: skip
    function.scratch(run.layout.size)
    function.block("entry")
    numbers = [function.load(function.nth("%in", place)) for place in range(inputs)]
    function.block("test")
    lines.append("  %i = phi i64 [ 0, %entry ], [ %next, %again ]")
    head_of_loop = len(lines)
    lines += ["  %more = icmp slt i64 %i, %count", "  br i1 %more, label %loop, label %done", "loop:"]
    run.write(function)
    lines[head_of_loop:head_of_loop] = [
        f"  %s{k} = phi double [ {numbers[k]}, %entry ], [ {results[k]}, %again ]" for k in range(state)
    ]
    function.block("again")
    lines += ["  %next = add i64 %i, 1", "  br label %test", "done:"]
    for k in range(state):
        function.store(f"%s{k}", function.nth("%out", k))
    function.release(run.layout.size)
    function.end()


def _repeated_in_memory(module: Module, name: str, program: Program) -> None:
    scalar(module, f"{name}.once", program)
    inputs, state = len(program.inputs), 8 * len(program.outputs)
    function = module.function(f"void @{name}(ptr noalias %in, ptr noalias %out, i64 %count) #0")
    function.scratch(inputs)
    function.copy("%scratch", "%in", 8 * inputs)
    function.copy("%out", "%in", state)
    function.block("entry")
    function.block("test")
    function.lines += [
        "  %i = phi i64 [ 0, %entry ], [ %next, %loop ]",
        "  %more = icmp slt i64 %i, %count",
        "  br i1 %more, label %loop, label %done",
        "loop:",
        f"  call void @{name}.once(ptr %scratch, ptr %out)",
    ]
    function.copy("%scratch", "%out", state)
    function.lines += ["  %next = add i64 %i, 1", "  br label %test", "done:"]
    function.release(inputs)
    function.end()
