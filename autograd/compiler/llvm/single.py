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
    head = f"define void @{name}(ptr noalias %in, ptr noalias %out) {'#1' if quick else '#0'} {{"
    outputs = len(program.outputs)
    if len(program.instructions) <= WHOLE:
        module.open(head)
        writer = Writer(module, program, 1, load_shared("%in"))
        write_in_blocks(writer, BLOCK)
        writer.store(0, outputs, "%out")
    else:
        packing = pack.arrange(program, module.pack_width)
        slots = parts(module, name, packing.program, 1, len(program.inputs), packing)
        module.open(head)
        module.scratch(slots.size)
        module.lines += [f"  call void @{name}.part{k}(ptr %in, ptr %scratch)" for k in range(slots.parts)]
        for first in range(0, outputs, AT_HAND):
            last_part = PartWriter(module, packing.program, 1, slots, 0)
            last_part.store(first, min(first + AT_HAND, outputs), "%out")
        module.release(slots.size)
    module.close()


def write_in_blocks(writer: Writer, size: int) -> None:
    """Write all instructions, so many in a basic block."""
    count = len(writer.program.instructions)
    for first in range(0, count, size):
        writer.block(first)
        writer.write(first, min(first + size, count))


def repeated(module: Module, name: str, program: Program) -> None:
    """Add ``void name(double *in, double *out, i64 count)``: the outputs become the first inputs, count times."""
    state = len(program.outputs)
    if state > IN_REGISTERS or len(program.instructions) > WHOLE:
        _repeated_in_memory(module, name, program)
        return
    lines = module.open(f"define void @{name}(ptr noalias %in, ptr noalias %out, i64 %count) #0 {{")
    lines += ["  br label %entry", "entry:"]
    for place in range(len(program.inputs)):
        lines.append(f"  %a{place} = getelementptr double, ptr %in, i64 {place}")
        lines.append(f"  %x{place} = load double, ptr %a{place}, align 8")
    lines += ["  br label %test", "test:", "  %i = phi i64 [ 0, %entry ], [ %next, %again ]"]
    head_of_loop = len(lines)
    lines += ["  %more = icmp slt i64 %i, %count", "  br i1 %more, label %loop, label %done", "loop:"]
    writer = Writer(module, program, 1, lambda place, writer: f"%x{place}")
    writer.names |= {place: f"%s{place}" if place < state else f"%x{place}" for place in range(len(program.inputs))}
    write_in_blocks(writer, BLOCK)
    results = [writer.number(place) for place in program.outputs]
    lines[head_of_loop:head_of_loop] = [
        f"  %s{k} = phi double [ %x{k}, %entry ], [ {result}, %again ]" for k, result in enumerate(results)
    ]
    lines += ["  br label %again", "again:", "  %next = add i64 %i, 1", "  br label %test", "done:"]
    for k in range(state):
        lines.append(f"  %o{k} = getelementptr double, ptr %out, i64 {k}")
        lines.append(f"  store double %s{k}, ptr %o{k}, align 8")
    module.close()


def _repeated_in_memory(module: Module, name: str, program: Program) -> None:
    scalar(module, f"{name}.once", program)
    inputs, state = len(program.inputs), 8 * len(program.outputs)
    module.open(f"define void @{name}(ptr noalias %in, ptr noalias %out, i64 %count) #0 {{")
    module.scratch(inputs)
    module.copy("%scratch", "%in", 8 * inputs)
    module.copy("%out", "%in", state)
    module.lines += [
        "  br label %entry",
        "entry:",
        "  br label %test",
        "test:",
        "  %i = phi i64 [ 0, %entry ], [ %next, %loop ]",
        "  %more = icmp slt i64 %i, %count",
        "  br i1 %more, label %loop, label %done",
        "loop:",
        f"  call void @{name}.once(ptr %scratch, ptr %out)",
    ]
    module.copy("%scratch", "%out", state)
    module.lines += ["  %next = add i64 %i, 1", "  br label %test", "done:"]
    module.release(inputs)
    module.close()
