"""The functions of a program that are one number wide: run it once, or again and again on its own results."""

from __future__ import annotations

from autograd.compiler.program import pack
from autograd.compiler.program.program import Program

from .instructions import Writer, load_shared
from .module import Module
from .parts import PartWriter, parts

BLOCK = 1_000  # instructions in a basic block: selection and scheduling work block by block, and slow down in long ones
WHOLE = 4_096  # a program up to this many instructions stays one function
WHOLE_WIDE = 8_000  # the same for a program several lanes wide
IN_REGISTERS = 64  # numbers of a state up to which a repeated program passes it on in registers
AT_HAND = 128  # outputs of a long program that are written at a time, so that no more is at hand than fits


def scalar(module: Module, name: str, program: Program, quick: bool = False) -> None:
    """Add ``void name(double *in, double *out)``; the two must not overlap.

    ``quick`` is for what runs once beside a loop: it compiles ten times faster, and runs not much slower.
    """
    head = f"void @{name}(ptr noalias %in, ptr noalias %out) {'#1' if quick else '#0'}"
    outputs = len(program.outputs)
    if len(program.instructions) <= WHOLE:
        function = module.function(head)
        writer = Writer(module, function, program, 1, lambda place: load_shared(function, "%in", place, 1))
        writer.write_blocks(BLOCK)
        writer.store(0, outputs, "%out")
    else:
        packing = pack.arrange(program, module.pack_width)
        slots = parts(module, name, packing.program, 1, len(program.inputs), packing)
        function = module.function(head)
        function.scratch(slots.size)
        function.lines += [f"  call void @{name}.part{k}(ptr %in, ptr %scratch)" for k in range(slots.parts)]
        for first in range(0, outputs, AT_HAND):
            writer = PartWriter(module, function, packing.program, 1, slots)
            writer.store(first, min(first + AT_HAND, outputs), "%out")
        function.release(slots.size)
    function.end()


def repeated(module: Module, name: str, program: Program) -> None:
    """Add ``void name(double *in, double *out, i64 count)``: the outputs become the first inputs, count times."""
    inputs, state = len(program.inputs), len(program.outputs)
    if state > IN_REGISTERS or len(program.instructions) > WHOLE:
        _repeated_in_memory(module, name, program)
        return
    function = module.function(f"void @{name}(ptr noalias %in, ptr noalias %out, i64 %count) #0")
    lines = function.lines
    function.block("entry")
    numbers = [function.load(function.nth("%in", place)) for place in range(inputs)]
    function.block("test")
    lines.append("  %i = phi i64 [ 0, %entry ], [ %next, %again ]")
    head_of_loop = len(lines)
    lines += ["  %more = icmp slt i64 %i, %count", "  br i1 %more, label %loop, label %done", "loop:"]
    writer = Writer(module, function, program, 1, numbers.__getitem__)
    writer.names |= {place: f"%s{place}" if place < state else numbers[place] for place in range(inputs)}
    writer.write_blocks(BLOCK)
    results = [writer.number(place) for place in program.outputs]
    lines[head_of_loop:head_of_loop] = [
        f"  %s{k} = phi double [ {numbers[k]}, %entry ], [ {result}, %again ]" for k, result in enumerate(results)
    ]
    function.block("again")
    lines += ["  %next = add i64 %i, 1", "  br label %test", "done:"]
    for k in range(state):
        function.store(f"%s{k}", function.nth("%out", k))
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
