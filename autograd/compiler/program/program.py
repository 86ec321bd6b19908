"""Programs: straight-line code over numbered values, and the plain interpreter that says what it means."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from autograd.ops import OPERATIONS, Operation

# The instructions that are no row of the table. Conditions are True or False, and go into `where`, `and`, `or`, `xor`.
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    name: getattr(operator, name) for name in ("lt", "le", "gt", "ge", "eq", "ne")
}
_LOGIC: dict[str, Callable[[Any, Any], bool]] = {
    "and": lambda a, b: bool(a) and bool(b),
    "or": lambda a, b: bool(a) or bool(b),
    "xor": lambda a, b: bool(a) != bool(b),
}
_SYMBOLS = {"lt": "<", "le": "≤", "gt": ">", "ge": "≥", "eq": "=", "ne": "≠", "and": "and", "or": "or", "xor": "xor"}
_ARITHMETIC = frozenset(["add", "sub", "mul", "div", "neg", "abs", "sqrt", "floor", "ceil", "round", "trunc"])


class _Rules(dict[str, Callable[..., Any]]):
    """What an instruction computes on floats: the forward rule of its row, which a user may have registered later."""

    def __missing__(self, name: str) -> Callable[..., Any]:
        return OPERATIONS[name].forward


RULES = _Rules(COMPARISONS | _LOGIC)


class Instruction(NamedTuple):
    """``name`` of an operation, and its operands: the number of a value, or ``~k`` for the program's constant k."""

    name: str
    operands: tuple[int, ...]


class Cost(NamedTuple):
    """What one run of a program takes.

    ``instructions`` counts all of them, ``flops`` those that are floating-point arithmetic, ``calls`` those that call
    the C library or Python, and ``bytes`` is the size of the numbers that go in and out.
    """

    instructions: int
    flops: int
    calls: int
    bytes: int


@dataclass(frozen=True)
class Program:
    """Straight-line code. Values are numbered: first the inputs, then the result of each instruction.

    ``outputs`` are places like the operands of an instruction.

    >>> from autograd import jit
    >>> program = jit(lambda x, y: x * y + 2.0 * (x * y)).program(1.0, 1.0)
    >>> print(program)
    inputs x, y
      t2 = x × y
      t3 = 2 × t2
      t4 = t2 + t3
    return t4
    >>> program.run([3.0, 5.0])
    [45.0]
    """

    inputs: tuple[str, ...]
    constants: tuple[float, ...]
    instructions: tuple[Instruction, ...]
    outputs: tuple[int, ...]

    @classmethod
    def pruned(
        cls,
        names: Sequence[str],
        codes: Sequence[str],
        operands: Sequence[tuple[int, ...]],
        constants: Sequence[float],
        outputs: Sequence[int],
    ) -> Program:
        """Return the program of what the outputs need, numbered anew; the first len(names) codes are the inputs."""
        needed = bytearray(len(codes))
        for place in outputs:
            if place >= 0:
                needed[place] = 1
        for i in range(len(codes) - 1, len(names) - 1, -1):
            if needed[i]:
                for place in operands[i]:
                    if place >= 0:
                        needed[place] = 1
        new = list(range(len(names)))
        constant_places: dict[int, int] = {}
        kept: list[float] = []

        def moved(place: int) -> int:
            if place >= 0:
                return new[place]
            if place not in constant_places:
                constant_places[place] = ~len(kept)
                kept.append(constants[~place])
            return constant_places[place]

        instructions: list[Instruction] = []
        for i in range(len(names), len(codes)):
            new.append(len(names) + len(instructions))
            if needed[i]:
                instructions.append(Instruction(codes[i], tuple([moved(place) for place in operands[i]])))
        places = tuple([moved(place) for place in outputs])
        return cls(tuple(names), tuple(kept), tuple(instructions), places)

    def without_inputs(self, kept: int) -> Program:
        """Return the program without the inputs beyond the first ``kept``, which nothing in it may use."""
        gone = len(self.inputs) - kept

        def move(place: int) -> int:
            return place - gone if place >= kept else place

        instructions = tuple([Instruction(n, tuple([move(p) for p in places])) for n, places in self.instructions])
        return Program(self.inputs[:kept], self.constants, instructions, tuple([move(p) for p in self.outputs]))

    def run(self, numbers: Sequence[float]) -> list[float]:
        """Interpret the program on floats, one for each input, with the forward rules of the operations' table.

        This is what the machine code is held to, bit for bit. Raises ValueError for a wrong count of numbers.
        """
        if len(numbers) != len(self.inputs):
            raise ValueError(f"this program takes {len(self.inputs)} numbers, and {len(numbers)} were given")
        values: list[Any] = list(numbers)
        constants = self.constants
        for name, operands in self.instructions:
            values.append(RULES[name](*[values[i] if i >= 0 else constants[~i] for i in operands]))
        return [float(values[i] if i >= 0 else constants[~i]) for i in self.outputs]

    def draw(self, numbers: Sequence[float], **options: Any) -> Any:
        """Return ``autograd.draw`` of the program at these numbers: each instruction is a node with its value.

        ``options`` are those of ``draw``. Raises ValueError for a wrong count of numbers, and for a program whose
        outputs are constants.
        """
        from autograd import Value, draw

        values: list[Any] = [Value(x, name=name) for x, name in zip(numbers, self.inputs, strict=True)]
        constants = self.constants
        for name, operands in self.instructions:
            rule = RULES[name] if name in COMPARISONS or name in _LOGIC else OPERATIONS[name].evaluate
            given = [values[i] if i >= 0 else constants[~i] for i in operands]
            values.append(rule(*[float(x) if isinstance(x, bool) else x for x in given]))
        roots = [values[i] for i in dict.fromkeys(self.outputs) if i >= 0 and isinstance(values[i], Value)]
        if not roots:
            raise ValueError("all outputs of this program are constants; there is nothing to draw")
        return draw(roots[0] if len(roots) == 1 else roots, **options)

    def cost(self) -> Cost:
        """Count what one run takes."""
        names = Counter(name for name, _ in self.instructions)
        flops = sum(count for name, count in names.items() if name in _ARITHMETIC)
        inline = _ARITHMETIC | {"where", *COMPARISONS, *_LOGIC}
        calls = sum(count for name, count in names.items() if name not in inline)
        return Cost(len(self.instructions), flops, calls, 8 * (len(self.inputs) + len(self.outputs)))

    def name(self, place: int) -> str:
        """What the printed program calls a place."""
        if place < 0:
            return f"{self.constants[~place]:.17g}"
        return self.inputs[place] if place < len(self.inputs) else f"t{place}"

    def __str__(self) -> str:
        """Three-address code, one instruction a line."""
        lines = ["inputs " + ", ".join(self.inputs)]
        for number, (name, operands) in enumerate(self.instructions, len(self.inputs)):
            lines.append(f"  t{number} = {self._written(name, operands)}")
        return "\n".join([*lines, "return " + ", ".join(map(self.name, self.outputs))])

    def _written(self, name: str, operands: tuple[int, ...]) -> str:
        names = [self.name(place) for place in operands]
        if name in _SYMBOLS:
            return f"{names[0]} {_SYMBOLS[name]} {names[1]}"
        op: Operation = OPERATIONS[name]
        return op.write(names)

    def dot(self) -> str:
        """Return the program as a graph in the DOT language: a box an instruction, an arrow an operand.

        >>> from autograd import jit
        >>> jit(lambda x: x * x).program(1.0).dot().splitlines()[0]
        'digraph program {'
        """

        def quoted(text: str) -> str:
            return text.replace("\\", "\\\\").replace('"', '\\"')

        lines = ["digraph program {", "  rankdir=LR; node [shape=box, fontname=Helvetica];"]
        lines += [f'  n{i} [label="{quoted(name)}", shape=ellipse];' for i, name in enumerate(self.inputs)]
        for number, (name, operands) in enumerate(self.instructions, len(self.inputs)):
            lines.append(f'  n{number} [label="t{number} = {quoted(self._written(name, operands))}"];')
            lines += [f"  n{place} -> n{number};" for place in operands if place >= 0]
        for k, place in enumerate(self.outputs):
            lines.append(f'  out{k} [label="output {k}", shape=doublecircle];')
            if place < 0:
                lines.append(f'  c{k} [label="{self.name(place)}"];')
            lines.append(f"  {f'n{place}' if place >= 0 else f'c{k}'} -> out{k};")
        return "\n".join([*lines, "}"])
