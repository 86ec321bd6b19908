"""A program for a batch in two: what is the same for all samples, to be computed once, and what each sample needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .program import Instruction, Program


@dataclass(frozen=True)
class Split:
    """A program in two: ``prologue`` computes what is the same for all samples, ``body`` the rest.

    The inputs of the body are the outputs of the prologue (``uniform`` of them), then the inputs that have a batch.
    ``varying`` tells for each output of the program whether it is the next output of the body, or else of
    ``constant``, the program of the outputs that no sample changes.
    """

    prologue: Program
    body: Program
    constant: Program
    varying: tuple[bool, ...]

    @property
    def uniform(self) -> int:
        """The number of values that all samples share."""
        return len(self.prologue.outputs)

    @property
    def columns(self) -> int:
        """The number of inputs that differ from sample to sample."""
        return len(self.body.inputs) - self.uniform


def split(program: Program, batched: Sequence[bool]) -> Split:
    """Cut a program for a batch of those inputs; the shared inputs go into the prologue, in their order."""
    first = len(program.inputs)
    varies = bytearray(batched)
    for _, operands in program.instructions:
        varies.append(any(place >= 0 and varies[place] for place in operands))
    own = [i for i in range(len(program.instructions)) if varies[first + i]]  # instructions that each sample needs
    operands_of_own = [place for i in own for place in program.instructions[i].operands]
    shared_values = list(dict.fromkeys([p for p in operands_of_own if p >= 0 and not varies[p]]))
    columns = [i for i in range(first) if batched[i]]
    new = {place: k for k, place in enumerate([*shared_values, *columns, *[first + i for i in own]])}

    def moved(places: Sequence[int]) -> tuple[int, ...]:
        return tuple([new[place] if place >= 0 else place for place in places])

    varying = tuple([place >= 0 and bool(varies[place]) for place in program.outputs])
    body = Program(
        (*map(program.name, shared_values), *[program.inputs[i] for i in columns]),
        program.constants,
        tuple([Instruction(name, moved(places)) for name, places in [program.instructions[i] for i in own]]),
        moved([place for place, own_output in zip(program.outputs, varying, strict=True) if own_output]),
    )
    fixed = [place for place, own_output in zip(program.outputs, varying, strict=True) if not own_output]
    return Split(_shared_part(program, batched, shared_values), body, _shared_part(program, batched, fixed), varying)


def _shared_part(program: Program, batched: Sequence[bool], outputs: list[int]) -> Program:
    """Return the program of outputs that depend on the shared inputs only."""
    order = sorted(range(len(program.inputs)), key=batched.__getitem__)  # the shared inputs come first
    new = {place: k for k, place in enumerate(order)}

    def moved(places: Sequence[int]) -> tuple[int, ...]:
        return tuple([new.get(place, place) for place in places])

    instructions = [(name, moved(operands)) for name, operands in program.instructions]
    names = [program.inputs[i] for i in order]
    whole = Program.pruned(names, program.constants, instructions, moved(outputs))
    return whole.without_inputs(len(order) - sum(batched))
