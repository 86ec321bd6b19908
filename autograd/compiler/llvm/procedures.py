"""Loops that the program says, as functions; and the memory for what they are given and give.

Numbers go to a procedure and come back through memory. Of a vector of samples, each runs it by itself on the numbers of
its lane, which are ``stride`` apart. The address of a tape goes through the program as the 64 bits of a double. What
tapes take is chained to an *arena*, which is freed as a whole where the run of the program ends.
"""

from __future__ import annotations

import math

from autograd.compiler.program.procedures import Procedure, whole_number

from .module import Module
from .single import scalar

FEW = 8  # numbers that are copied without a loop
FIRST_ROWS = 16  # of a tape whose length is not known; it doubles each time that it is full
MOST_ROWS = 2**40  # of a tape, beyond which there is no memory in any case
PARAMETERS = "ptr noalias %arguments, i64 %stride, ptr noalias %results, ptr noalias %arena"


def write_procedures(module: Module) -> None:
    """Write the procedures that are called, and those that they call."""
    written = 0
    while written < len(module.procedures):
        name, procedure = module.procedures[written]
        _Writer(module, name, procedure).write()
        written += 1


class _Writer:
    """Writes ``void name(double *arguments, i64 stride, double *results, ptr arena)``.

    The inputs of the body are in scratch memory, where only the state and what is read from tapes change; its outputs
    are behind them.
    """

    def __init__(self, module: Module, name: str, procedure: Procedure) -> None:
        self.module, self.name, self.procedure = module, name, procedure
        self.inputs, self.outputs = len(procedure.body.inputs), len(procedure.body.outputs)
        self.size = self.inputs + max(self.outputs, 1)
        scalar(module, f"{name}.body", procedure.body, linkage="internal")
        if procedure.condition is not None:
            scalar(module, f"{name}.condition", procedure.condition, linkage="internal")
        self.function = module.function(f"internal void @{name}({PARAMETERS}) noinline #0")
        self.out = ""
        self.tapes: list[str] = []  # addresses of those that are read
        self.slots: list[str] = []  # where the addresses are of those that are written

    def write(self) -> None:
        function, procedure = self.function, self.procedure
        function.scratch(self.size)
        self.out = function.nth("%scratch", self.inputs)
        self._arguments()
        count = self._count()
        capacity = str(FIRST_ROWS) if procedure.condition is not None else count
        self.slots = [function.put("alloca ptr") for _ in procedure.writes]
        for slot, width in zip(self.slots, procedure.writes, strict=True):
            rows = self._allocate(capacity, width)
            function.store(rows, slot, "ptr")
            if procedure.condition is None:
                count = self._unless_null(rows, count)
        room = function.put("alloca i64")
        function.store(capacity, room, "i64")
        function.block("begin")
        function.block("test")
        function.lines.append("  %i = phi i64 [ 0, %begin ], [ %next, %again ]")
        if procedure.condition is None:
            function.lines += [
                f"  %more = icmp slt i64 %i, {count}",
                "  br i1 %more, label %turn, label %done",
                "turn:",
            ]
        else:
            self._condition()
            self._grow(room)
        self._turn(count)
        function.block("again")
        function.lines += ["  %next = add i64 %i, 1", "  br label %test", "done:"]
        self._results()
        function.release(self.size)
        function.end()

    def _arguments(self) -> None:
        """Copy the arguments to where the body reads them."""
        procedure, function = self.procedure, self.function
        state, read = procedure.state, sum(procedure.reads)
        self._copy("%arguments", 1, "%stride", "%scratch", 1, "1", state)
        for k in range(len(procedure.reads)):
            self.tapes.append(function.load(self._strided("%arguments", str(1 + state + k), "%stride"), "ptr"))
        others = 1 + state + len(procedure.reads)
        self._copy("%arguments", others, "%stride", "%scratch", 1 + state + read, "1", procedure.used)

    def _count(self) -> str:
        """Return the number of turns, where there is no condition; 0 where it is none, and a rule in Python raises."""
        function = self.function
        number = function.load("%arguments")
        size = function.put(function.intrinsic("llvm.fabs", [number], 1))
        floor = function.put(function.intrinsic("llvm.floor", [size], 1))
        whole = function.put(f"fcmp oeq double {number}, {floor}")  # and not below 0
        finite = function.put(f"fcmp olt double {number}, 0x7FF0000000000000")
        valid = function.put(f"and i1 {whole}, {finite}")
        check = self.module.callee("turns", 1, whole_number)
        function.lines += [
            f"  br i1 {valid}, label %count, label %none",
            "none:",
            f"  call double {check}(double {number})",
            "  br label %count",
            "count:",
        ]
        number = function.put(f"select i1 {valid}, double {number}, double 0.0")
        number = function.put(function.intrinsic("llvm.minnum", [number, "0x4340000000000000"], 1))  # 2**53
        return function.put(f"fptosi double {number} to i64")

    def _allocate(self, rows: str, width: int) -> str:
        function = self.function
        size = function.put(f"mul i64 {rows}, {8 * width}")
        over = function.put(f"icmp ugt i64 {rows}, {MOST_ROWS}")  # then the product could be anything
        size = function.put(f"select i1 {over}, i64 {2**62}, i64 {size}")
        return function.put(f"call ptr @allocate(ptr %arena, i64 {size})")

    def _unless_null(self, pointer: str, count: str) -> str:
        missing = self.function.put(f"icmp eq ptr {pointer}, null")
        return self.function.put(f"select i1 {missing}, i64 0, i64 {count}")

    def _condition(self) -> None:
        """Leave the loop where its condition does not hold, or where it should have ended by now."""
        function, limit = self.function, self.procedure.limit
        function.store(function.put("sitofp i64 %i to double"), "%scratch")
        function.lines.append(f"  call void @{self.name}.condition(ptr %scratch, ptr {self.out})")
        holds = function.put(f"fcmp une double {function.load(self.out)}, 0.0")
        after = "turn" if limit == math.inf else "limit"
        function.lines += [f"  br i1 {holds}, label %{after}, label %done", f"{after}:"]
        if limit < math.inf:
            check = self.module.callee("limit", 1, self.procedure.check)
            function.lines += [
                f"  %over = icmp sge i64 %i, {min(int(limit), 2**62)}",
                "  br i1 %over, label %failed, label %turn",
                "failed:",
                f"  call double {check}(double 0x7FF0000000000000)",
                "  br label %done",
                "turn:",
            ]

    def _grow(self, room: str) -> None:
        """Make the tapes twice as long where they are full; without memory for that, leave the loop."""
        if not self.slots:
            return
        function = self.function
        capacity = function.load(room, "i64")
        function.declarations.add("declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")
        full = function.put(f"icmp eq i64 %i, {capacity}")
        function.lines += [f"  br i1 {full}, label %grow, label %read", "grow:"]
        twice = function.put(f"mul i64 {capacity}, 2")
        for k, (slot, width) in enumerate(zip(self.slots, self.procedure.writes, strict=True)):
            rows = self._allocate(twice, width)
            missing = function.put(f"icmp eq ptr {rows}, null")
            function.lines += [f"  br i1 {missing}, label %done, label %more{k}", f"more{k}:"]
            size = function.put(f"mul i64 {capacity}, {8 * width}")
            before = function.load(slot, "ptr")
            function.lines.append(f"  call void @llvm.memcpy.p0.p0.i64(ptr {rows}, ptr {before}, i64 {size}, i1 false)")
            function.store(rows, slot, "ptr")
        function.store(twice, room, "i64")
        function.block("read")

    def _turn(self, count: str) -> None:
        """Write one turn: read tapes, run the body, keep the state and write tapes."""
        function, procedure = self.function, self.procedure
        row = "%i"
        if procedure.backwards:
            row = function.put(f"sub i64 {function.put(f'sub i64 {count}, 1')}, %i")
        function.store(function.put(f"sitofp i64 {row} to double"), "%scratch")
        at = 1 + procedure.state
        for tape, width in zip(self.tapes, procedure.reads, strict=True):
            source = function.nth(tape, function.put(f"mul i64 {row}, {width}"))
            function.copy(function.nth("%scratch", at), source, 8 * width)
            at += width
        function.lines.append(f"  call void @{self.name}.body(ptr %scratch, ptr {self.out})")
        function.copy(function.nth("%scratch", 1), self.out, 8 * procedure.state)
        at = procedure.state
        for slot, width in zip(self.slots, procedure.writes, strict=True):
            target = function.nth(function.load(slot, "ptr"), function.put(f"mul i64 {row}, {width}"))
            function.copy(target, function.nth(self.out, at), 8 * width)
            at += width

    def _results(self) -> None:
        function, state = self.function, self.procedure.state
        self._copy("%scratch", 1, "1", "%results", 0, "%stride", state)
        turns = function.put("sitofp i64 %i to double")
        function.store(turns, self._strided("%results", str(state), "%stride"))
        for k, slot in enumerate(self.slots, state + 1):
            function.store(function.load(slot, "ptr"), self._strided("%results", str(k), "%stride"), "ptr")

    def _strided(self, pointer: str, index: str, stride: str) -> str:
        function = self.function
        return function.nth(pointer, index if stride == "1" else function.put(f"mul i64 {index}, {stride}"))

    def _copy(self, source: str, first: int, by: str, target: str, into: int, into_by: str, count: int) -> None:
        """Copy numbers from some indices on to others, which are so far apart."""
        function = self.function
        if count <= FEW:
            for k in range(count):
                number = function.load(self._strided(source, str(first + k), by))
                function.store(number, self._strided(target, str(into + k), into_by))
            return
        before, test = f"before.{function.fresh()[1:]}", f"copy.{function.fresh()[1:]}"
        function.block(before)
        function.block(test)
        turn, following = function.fresh(), function.fresh()
        function.lines.append(f"  {turn} = phi i64 [ 0, %{before} ], [ {following}, %{test} ]")
        number = function.load(self._strided(source, function.put(f"add i64 {turn}, {first}"), by))
        function.store(number, self._strided(target, function.put(f"add i64 {turn}, {into}"), into_by))
        function.lines.append(f"  {following} = add i64 {turn}, 1")
        more = function.put(f"icmp slt i64 {following}, {count}")
        function.lines += [f"  br i1 {more}, label %{test}, label %end.{test}", f"end.{test}:"]
