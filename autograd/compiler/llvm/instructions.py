"""Instructions as lines of LLVM's text, for one number or for several lanes."""

from __future__ import annotations

from collections.abc import Callable

from autograd.compiler.program.conditions import CONDITIONS, Condition, row_of
from autograd.compiler.program.program import Program

from .module import Module
from .syntax import literal, splat, vector

Load = Callable[[int, "Writer"], str]


class Writer:
    """Writes the instructions of a program into a function. ``load`` fetches a value that the block does not have."""

    def __init__(self, module: Module, program: Program, lanes: int, load: Load) -> None:
        self.module, self.program, self.lanes = module, program, lanes
        self.names: dict[int, str] = {}  # what the values are called that may be used here
        self.lines = module.lines
        self._kind, self._condition = vector(lanes), vector(lanes, "i1")
        self._load = load
        self._loaded: list[int] = []

    def put(self, text: str) -> str:
        """Write an instruction of LLVM, and return the name of its result."""
        name = self.module.fresh()
        self.lines.append(f"  {name} = {text}")
        return name

    def block(self, number: int, reload: bool = False) -> None:
        """Begin a basic block. What was loaded may be loaded again where it is used, since registers are few."""
        if number:
            self.lines += [f"  br label %b{number}", f"b{number}:"]
        if reload:
            for place in self._loaded:
                del self.names[place]
            self._loaded.clear()

    def write(self, first: int, last: int) -> None:
        """Write instructions number first to last − 1, counted from the first instruction."""
        for place in range(len(self.program.inputs) + first, len(self.program.inputs) + last):
            text = self._instruction(*self.program.instructions[place - len(self.program.inputs)])
            self.names[place] = f"%v{place}"
            self.lines.append(f"  %v{place} = {text}")

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
        if row.llvm and not row.llvm.startswith("llvm."):
            return f"{row.llvm}{flags} {kind} {', '.join(numbers)}"
        call = ", ".join([f"{kind} {number}" for number in numbers])
        if row.llvm:
            return f"call{flags} {kind} {self.module.intrinsic(row.llvm, self.lanes, len(operands))}({call})"
        return f"call {kind} {self.module.helper(name, len(operands), self.lanes)}({call})"

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
        return self._load(place, self)

    def number(self, place: int) -> str:
        """Return an operand as a number: 1.0 or 0.0 for a condition."""
        name = self.operand(place)
        return self.put(f"uitofp {self._condition} {name} to {self._kind}") if self._is_condition(place) else name

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
        return self.put(f"fcmp une {self._kind} {number}, {'0.0' if self.lanes == 1 else 'zeroinitializer'}")

    def store(self, first: int, last: int, pointer: str) -> None:
        """Write the outputs number first to last − 1 into an array."""
        for k in range(first, last):
            self.store_at(pointer, k, self.number(self.program.outputs[k]))

    def store_at(self, pointer: str, k: int, number: str, lanes: int = 1, step: int = 1) -> None:
        """Write a number, or a vector of so many lanes, to place k of an array whose places are ``step`` wide."""
        address = self.put(f"getelementptr {vector(step)}, ptr {pointer}, i64 {k}")
        self.lines.append(f"  store {vector(lanes)} {number}, ptr {address}, align 8")

    def load_at(self, pointer: str, k: int, lanes: int = 1, step: int = 1) -> str:
        """Read a number, or a vector of so many lanes, from place k of an array whose places are ``step`` wide."""
        address = self.put(f"getelementptr {vector(step)}, ptr {pointer}, i64 {k}")
        return self.put(f"load {vector(lanes)}, ptr {address}, align 8")

    def everywhere(self, number: str, lanes: int) -> str:
        """Put a number into every lane of a vector."""
        wide = vector(lanes)
        first = self.put(f"insertelement {wide} poison, double {number}, i64 0")
        return self.put(f"shufflevector {wide} {first}, {wide} poison, <{lanes} x i32> zeroinitializer")


def load_shared(pointer: str) -> Load:
    """Load a number that is the same in all lanes from its place in an array."""

    def load(place: int, writer: Writer) -> str:
        number = writer.load_at(pointer, place)
        return number if writer.lanes == 1 else writer.everywhere(number, writer.lanes)

    return load
