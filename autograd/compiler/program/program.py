"""Programs: straight-line code over numbered values, the loops in it, and the interpreter that says what it means."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from autograd._engine import Value
from autograd.ops import OPERATIONS

from .conditions import CONDITIONS, row_of
from .instructions import MISSING, Instructions, moved
from .procedures import ARGUMENT, CALL, RESULT, TAPE, Procedure, called
from .roll import Loop, Term, advances, numbers, roll, unrolled

LISTED = 12  # arguments of a loop that are printed
TURNS = "ijklmnpqrstu"  # what the turns of loops inside each other are called


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
    instructions: Instructions  # or any sequence of names with operands, of which it is made
    outputs: tuple[int, ...]
    procedures: tuple[Procedure, ...] = ()  # that instructions call

    def __post_init__(self) -> None:
        object.__setattr__(self, "instructions", Instructions.of(self.instructions))

    @classmethod
    def pruned(
        cls,
        inputs: Sequence[str],
        constants: Sequence[float],
        instructions: Sequence[tuple[str, tuple[int, ...]]],
        outputs: Sequence[int],
        procedures: Sequence[Procedure] = (),
    ) -> Program:
        """Return the program of what the outputs need, numbered anew; all the inputs stay."""
        import numpy as np

        table, first = Instructions.of(instructions), len(inputs)
        total = first + len(table)
        used = np.concatenate([table.places.ravel(), np.asarray(outputs, np.int64)])
        uses = np.bincount(used[used >= 0], minlength=total)
        kept, uses = uses[first:] > 0, uses.tolist()
        unused = (first + np.flatnonzero(~kept)).tolist()
        for number in unused:  # which grows on the way
            kept[number - first] = False
            for place in table.places[number - first].tolist():
                if place >= first:
                    uses[place] -= 1
                    if not uses[place]:
                        unused.append(place)
        new = np.concatenate([np.arange(first), first + np.cumsum(kept) - 1])
        instructions, places = table.moved(new, kept), moved(outputs, new)
        used = np.concatenate([instructions.places.ravel(), places])
        used, first_use = np.unique(used[(used < 0) & (used != MISSING)], return_index=True)
        used = used[np.argsort(first_use)]
        names = np.full(len(constants) + 1, MISSING)
        names[~used] = ~np.arange(len(used))
        instructions.places, places = [
            np.where((part < 0) & (part != MISSING), names[np.clip(~part, 0, len(constants))], part)
            for part in (instructions.places, places)
        ]
        constants = tuple([constants[~k] for k in used.tolist()])
        program = cls(tuple(inputs), constants, instructions, tuple(places.tolist()), tuple(procedures))
        return program._without_unused() if procedures else program

    def _without_unused(self) -> Program:
        """Return the program with procedures that write no tape that nobody reads."""
        used: dict[str, set[int]] = {}
        for name, operands in self.instructions:
            if name == RESULT:
                call = self.instructions[operands[0] - len(self.inputs)].name
                used.setdefault(call, set()).add(int(self.constants[~operands[1]]))
        procedures = [
            procedure.without_unused(used.get(f"{CALL}{k}", set())) for k, procedure in enumerate(self.procedures)
        ]
        return replace(self, procedures=tuple(procedures))

    @functools.cached_property
    def content(self) -> tuple[Any, ...]:
        """All that a run depends on: two programs of one content give the same results."""
        table, constants = self.instructions, tuple(map(repr, self.constants))  # which tell zeros apart
        procedures = tuple([procedure.content for procedure in self.procedures])
        codes = table.codes.tobytes(), table.places.tobytes()
        return len(self.inputs), constants, table.names, *codes, self.outputs, procedures

    @functools.cached_property
    def loops(self) -> tuple[Term, ...]:
        """The instructions by number, with loops as loops."""
        return roll([len(self.inputs)], self.instructions)

    def run(self, numbers: Sequence[Any]) -> list[Any]:
        """Interpret the program and its loops on floats, one for each input, with the rules of the operations' table.

        This is what the machine code is held to, bit for bit. Raises ValueError for a wrong count of numbers.
        """
        if len(numbers) != len(self.inputs):
            raise ValueError(f"this program takes {len(self.inputs)} numbers, and {len(numbers)} were given")
        values: list[Any] = [*numbers, *[math.nan] * len(self.instructions)]
        constants = self.constants
        for number, places in unrolled(self.instructions, self.loops):
            name = self.instructions[number].name
            operands = [values[i] if i >= 0 else constants[~i] for i in places]
            rule: Any = called(name, self.procedures) if name.startswith(CALL) else row_of(name).forward
            values[len(numbers) + number] = rule(*operands)
        results = [values[i] if i >= 0 else constants[~i] for i in self.outputs]
        return [x if isinstance(x, list) else float(x) for x in results]  # a tape stays one

    def graph(self, numbers: Sequence[float]) -> list[Value]:
        """Return the outputs at these numbers as Values, each instruction a node: ``draw`` shows them.

        Raises ValueError for a wrong count of numbers, for a program whose outputs are constants, and for one that says
        loops.

        >>> from autograd import draw, jit
        >>> draw(jit(lambda x: x * x + x).program(1.0).graph([3.0]))
        Diagram(3 values, 4 edges)
        """
        if self.procedures:
            raise ValueError(
                "a loop that the program says is traced once, for any number of turns, and has no graph of all; take "
                "one turn, program.procedures[0].body.graph(numbers), or the Values of the function without jit"
            )
        values: list[Any] = [Value(x, name=name) for x, name in zip(numbers, self.inputs, strict=True)]
        constants = self.constants
        for name, operands in self.instructions:
            rule = CONDITIONS[name].forward if name in CONDITIONS else OPERATIONS[name].evaluate
            numbered = [values[i] if i >= 0 else constants[~i] for i in operands]
            values.append(rule(*[float(x) if isinstance(x, bool) else x for x in numbered]))
        roots = [values[i] for i in dict.fromkeys(self.outputs) if i >= 0 and isinstance(values[i], Value)]
        if not roots:
            raise ValueError("all outputs of this program are constants; there is no graph of them")
        return roots

    def cost(self) -> Cost:
        """Count what one run takes; of a loop that the program says, one turn, whatever the number of turns."""
        import numpy as np

        table = self.instructions
        counts = zip(table.names, np.bincount(table.codes, minlength=len(table.names)).tolist(), strict=True)
        instructions, flops, calls = len(table), 0, 0
        for name, count in counts:
            if name in OPERATIONS and name != "where":
                flops += count if OPERATIONS[name].llvm else 0  # a machine instruction
                calls += 0 if OPERATIONS[name].llvm else count
            elif count and name.startswith(CALL):
                procedure = called(name, self.procedures)
                for part in (procedure.body, procedure.condition):
                    if part is not None:
                        turn = part.cost()
                        instructions, flops, calls = [
                            total + count * more
                            for total, more in zip((instructions, flops, calls), turn[:3], strict=True)
                        ]
        return Cost(instructions, flops, calls, 8 * (len(self.inputs) + len(self.outputs)))

    def name(self, place: int) -> str:
        """What the printed program calls a place."""
        if place < 0:
            return f"{self.constants[~place]:.17g}"
        return self.inputs[place] if place < len(self.inputs) else f"t{place}"

    def __str__(self) -> str:
        """Three-address code, one instruction a line, and loops as loops with turns i, j, k …: ``x[+2i]`` advances.

        Loops that the program says itself follow at the end.
        """
        lines = ["inputs " + ", ".join(self.inputs), *self._lines(self.loops, ())]
        lines.append("return " + ", ".join(map(self.name, self.outputs)))
        for k, procedure in enumerate(self.procedures):
            lines += [f"loop {k}{procedure.heading()}:", *[f"  {line}" for line in str(procedure).splitlines()]]
        return "\n".join(lines)

    def _lines(self, terms: Iterable[Term], around: tuple[Loop, ...]) -> Iterator[str]:
        indent = "  " * (1 + len(around))
        for term in terms:
            if isinstance(term, Loop):
                if all(self.instructions[number].name == ARGUMENT for number in numbers(term.body)):
                    continue
                yield f"{indent}for {TURNS[len(around)]} < {term.turns}:"
                yield from self._lines(term.body, (*around, term))
                continue
            name, operands = self.instructions[term.number]
            if name == ARGUMENT:  # it is shown where the loop is called
                continue
            if name == TAPE or name.startswith(CALL):
                arguments = self._listed(self.arguments(operands[0]))
                yield f"{indent}t{len(self.inputs) + term.number} = {name}({arguments})"
                continue
            steps = advances(self.instructions, term.number, around)
            result = self._advancing(len(self.inputs) + term.number, [loop.length for loop in around])
            names = [self._advancing(place, [step[i] for step in steps]) for i, place in enumerate(operands)]
            yield f"{indent}{result} = {row_of(name).write(names)}"

    def arguments(self, place: int) -> list[int]:
        """Return the places of the numbers in a row of arguments."""
        found: list[int] = []
        while place >= 0:
            place, number, _ = self.instructions[place - len(self.inputs)].operands
            found.append(number)
        return found[::-1]

    def _listed(self, places: list[int]) -> str:
        names = list(map(self.name, places))
        return ", ".join(names if len(names) <= LISTED else [*names[: LISTED // 2], "…", *names[-LISTED // 2 :]])

    def _advancing(self, place: int, steps: list[int]) -> str:
        parts = [f"{step:+d}{turn}".replace("+1", "+").replace("-1", "-") for step, turn in zip(steps, TURNS) if step]
        return self.name(place) + (f"[{' '.join(parts)}]" if parts else "")

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
            written = row_of(name).write([self.name(place) for place in operands])
            lines.append(f'  n{number} [label="t{number} = {quoted(written)}"];')
            lines += [f"  n{place} -> n{number};" for place in operands if place >= 0]
        for k, place in enumerate(self.outputs):
            lines.append(f'  out{k} [label="output {k}", shape=doublecircle];')
            if place < 0:
                lines.append(f'  c{k} [label="{self.name(place)}"];')
            lines.append(f"  {f'n{place}' if place >= 0 else f'c{k}'} -> out{k};")
        return "\n".join([*lines, "}"])
