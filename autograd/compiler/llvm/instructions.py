"""Instructions as lines of LLVM's text, for one number or for several lanes."""

from __future__ import annotations

from collections.abc import Callable

from autograd.compiler.program.conditions import CONDITIONS, Condition, row_of
from autograd.compiler.program.program import Program

from .function import Function, literal, splat, vector
from .module import Module

Load = Callable[[int], str]


class Writer:
    """Writes the instructions of a program into a function. ``load`` fetches a value that the block does not have."""

    def __init__(self, module: Module, function: Function, program: Program, lanes: int, load: Load) -> None:
        self.module, self.function, self.program, self.lanes = module, function, program, lanes
        self.names: dict[int, str] = {}  # what the values are called that may be used here
        self._kind, self._condition = vector(lanes), vector(lanes, "i1")
        self._load = load
        self._loaded: list[int] = []

    def block(self, number: int, reload: bool = False) -> None:
        """Begin a basic block. What was loaded may be loaded again where it is used, since registers are few."""
        if number:
            self.function.block(f"b{number}")
        if reload:
            for place in self._loaded:
                del self.names[place]
            self._loaded.clear()

    def write(self, first: int, last: int) -> None:
        """Write instructions number first to last − 1, counted from the first instruction."""
        inputs = len(self.program.inputs)
        for place in range(inputs + first, inputs + last):
            text = self._instruction(*self.program.instructions[place - inputs])
            self.function.lines.append(f"  %v{place} = {text}")
            self.names[place] = f"%v{place}"

    def write_blocks(self, size: int) -> None:
        """Write all instructions, so many in a basic block."""
        count = len(self.program.instructions)
        for first in range(0, count, size):
            self.block(first)
            self.write(first, min(first + size, count))

    def _instruction(self, name: str, operands: tuple[int, ...]) -> str:
        row, kind, flags = row_of(name), self._kind, self.module.flags
        if isinstance(row, Condition) and not row.llvm.startswith("fcmp"):
            return f"{row.llvm} {self._condition} {', '.join(map(self._truth, operands))}"
        if name == "where":
            condition, a, b = self._truth(operands[0]), self.operand(operands[1]), self.operand(operands[2])
            return f"select {self._condition} {condition}, {kind} {a}, {kind} {b}"
        numbers = [self.operand(place) for place in operands]
        if isinstance(row, Condition):
            return f"{row.llvm} {kind} {', '.join(numbers)}"
        if row.llvm.startswith("llvm."):
            return self.function.intrinsic(row.llvm, numbers, self.lanes, flags)
        if row.llvm:
            return f"{row.llvm}{flags} {kind} {', '.join(numbers)}"
        callee = self.module.helper(name, len(operands), self.lanes)
        return f"call {kind} {callee}({', '.join([f'{kind} {number}' for number in numbers])})"

    def operand(self, place: int) -> str:
        """Return what an operand is called, a constant or a value, which is loaded where it has no name here."""
        if place < 0:
            return splat(literal(self.program.constants[~place]), self.lanes)
        name = self.names.get(place)
        if name is None:
            name = self.fetch(place)
            if self._is_condition(place):  # which lies in memory as 1.0 or 0.0
                name = self._not_zero(name)
            self.names[place] = name
            self._loaded.append(place)
        return name

    def fetch(self, place: int) -> str:
        """Get a value that has no name here."""
        return self._load(place)

    def number(self, place: int) -> str:
        """Return an operand as a number: 1.0 or 0.0 for a condition."""
        name = self.operand(place)
        if self._is_condition(place):
            return self.function.put(f"uitofp {self._condition} {name} to {self._kind}")
        return name

    def store(self, first: int, last: int, pointer: str) -> None:
        """Write the outputs number first to last − 1 into an array."""
        for k in range(first, last):
            number = self.number(self.program.outputs[k])
            self.function.store(number, self.function.nth(pointer, k))

    def _is_condition(self, place: int) -> bool:
        first = len(self.program.inputs)
        return place >= first and self.program.instructions[place - first].name in CONDITIONS

    def _truth(self, place: int) -> str:
        """Return an operand as a condition: a comparison's outcome, or whether a number is not zero."""
        if self._is_condition(place):
            return self.operand(place)
        if place < 0:
            return splat("true" if self.program.constants[~place] != 0.0 else "false", self.lanes, "i1")
        return self._not_zero(self.operand(place))

    def _not_zero(self, number: str) -> str:
        zero = "0.0" if self.lanes == 1 else "zeroinitializer"
        return self.function.put(f"fcmp une {self._kind} {number}, {zero}")


def load_shared(function: Function, pointer: str, place: int, lanes: int) -> str:
    """Load a number that is the same in all lanes."""
    number = function.load(function.nth(pointer, place))
    return number if lanes == 1 else function.spread(number, lanes)
