"""Lowering: the LLVM functions of a program, one number wide. ``batch`` has those that are several lanes wide."""

from __future__ import annotations

from autograd.compiler.program import pack
from autograd.compiler.program.program import Program

from .instructions import Writer, load_double
from .module import Module
from .parts import parts

BLOCK = 1_000  # instructions in a basic block: selection and scheduling work block by block, and slow down in long ones
WHOLE = 4_096  # a program up to this many instructions stays one function
WHOLE_WIDE = 8_000  # the same for a program several lanes wide


def scalar(module: Module, name: str, program: Program, quick: bool = False) -> None:
    """Add ``void name(double *in, double *out)``; the two must not overlap.

    ``quick`` is for what runs once beside a loop: it compiles ten times faster, and runs not much slower.
    """
    count = len(program.instructions)
    head = f"define void @{name}(ptr noalias %in, ptr noalias %out) {'#1' if quick else '#0'} {{"
    if count > WHOLE:
        packing = pack.arrange(program, module.vector)
        program = packing.program
        slots = parts(module, name, program, 1, len(program.inputs), packing)
        module.open(head)
        module.scratch(slots.size)
        module.lines += [f"  call void @{name}.part{k}(ptr %in, ptr %scratch)" for k in range(slots.parts)]
        load = slots.load("%in", "%scratch", 1)
        for first in range(0, len(program.outputs), 128):  # so that no more is at hand at a time than fits
            writer = Writer(module, program, 1, load)
            writer.slots = slots
            _store_outputs(writer, "%out", first, min(first + 128, len(program.outputs)))
        module.release(slots.size)
    else:
        module.open(head)
        writer = Writer(module, program, 1, load_double("%in", lambda place: place))
        for first in range(0, count, BLOCK):
            writer.block(first)
            writer.write(first, min(first + BLOCK, count))
        _store_outputs(writer, "%out", 0, len(program.outputs))
    module.close()


IN_REGISTERS = 64  # numbers of a state up to which a repeated program passes it on in registers


def repeated(module: Module, name: str, program: Program) -> None:
    """Add ``void name(double *in, double *out, i64 count)``: the outputs become the first inputs, count times."""
    state = len(program.outputs)
    head = f"define void @{name}(ptr noalias %in, ptr noalias %out, i64 %count) #0 {{"
    if state > IN_REGISTERS or len(program.instructions) > WHOLE:
        _repeated_in_memory(module, name, program, head)
        return
    module.open(head)
    lines = module.lines
    lines += ["  br label %entry", "entry:"]
    for place in range(len(program.inputs)):
        lines.append(f"  %a{place} = getelementptr double, ptr %in, i64 {place}")
        lines.append(f"  %x{place} = load double, ptr %a{place}, align 8")
    lines += ["  br label %test", "test:", "  %i = phi i64 [ 0, %entry ], [ %next, %again ]"]
    at = len(lines)
    lines += ["  %more = icmp slt i64 %i, %count", "  br i1 %more, label %loop, label %done", "loop:"]
    writer = Writer(module, program, 1, lambda place, writer: f"%x{place}")
    writer.names |= {place: f"%s{place}" if place < state else f"%x{place}" for place in range(len(program.inputs))}
    for first in range(0, len(program.instructions), BLOCK):
        writer.block(first)
        writer.write(first, min(first + BLOCK, len(program.instructions)))
    results = [writer.number(place) for place in program.outputs]
    lines[at:at] = [f"  %s{k} = phi double [ %x{k}, %entry ], [ {result}, %again ]" for k, result in enumerate(results)]
    lines += ["  br label %again", "again:", "  %next = add i64 %i, 1", "  br label %test", "done:"]
    for k in range(state):
        lines.append(f"  %o{k} = getelementptr double, ptr %out, i64 {k}")
        lines.append(f"  store double %s{k}, ptr %o{k}, align 8")
    module.close()


def _repeated_in_memory(module: Module, name: str, program: Program, head: str) -> None:
    scalar(module, f"{name}.once", program)
    state, size = len(program.outputs), 8 * len(program.inputs)
    module.declare("declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")
    module.open(head)
    module.scratch(len(program.inputs))
    module.lines += [
        f"  call void @llvm.memcpy.p0.p0.i64(ptr %scratch, ptr %in, i64 {size}, i1 false)",
        f"  call void @llvm.memcpy.p0.p0.i64(ptr %out, ptr %in, i64 {8 * state}, i1 false)",
        "  br label %entry",
        "entry:",
        "  br label %test",
        "test:",
        "  %i = phi i64 [ 0, %entry ], [ %next, %loop ]",
        "  %more = icmp slt i64 %i, %count",
        "  br i1 %more, label %loop, label %done",
        "loop:",
        f"  call void @{name}.once(ptr %scratch, ptr %out)",
        f"  call void @llvm.memcpy.p0.p0.i64(ptr %scratch, ptr %out, i64 {8 * state}, i1 false)",
        "  %next = add i64 %i, 1",
        "  br label %test",
        "done:",
    ]
    module.release(len(program.inputs))
    module.close()


def _store_outputs(writer: Writer, pointer: str, first: int, last: int) -> None:
    outputs, slots = writer.program.outputs, writer.slots
    k = first
    while k < last:
        place, width = outputs[k], slots.width if slots else 0
        if slots and place in slots.begins and outputs[k : k + width] == tuple(range(place, place + width)):
            wide = f"<{width} x double>"
            vector, address = writer.vector(list(outputs[k : k + width])), writer.fresh()
            writer.lines.append(f"  {address} = getelementptr double, ptr {pointer}, i64 {k}")
            writer.lines.append(f"  store {wide} {vector}, ptr {address}, align 8")
            k += width
            continue
        name, address = writer.number(place), writer.fresh()
        writer.lines.append(f"  {address} = getelementptr double, ptr {pointer}, i64 {k}")
        writer.lines.append(f"  store double {name}, ptr {address}, align 8")
        k += 1
