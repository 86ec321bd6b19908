"""A program for a batch in two: what is the same for all samples, to be computed once, and what each sample needs."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .instructions import moved
from .procedures import is_transfer
from .program import Program

EVEN = 20  # numbers, for each that does not follow the one used before it, of which the order counts as even
ROUNDS = 4  # of marking what depends on a sample, at once and in any order; what is left is looked at one by one


@dataclass(frozen=True)
class Split:
    """A program in two: ``prologue`` computes what is the same for all samples, ``body`` the rest.

    The inputs of the body are the outputs of the prologue (``uniform`` of them), then the inputs that have a batch.
    ``varying``, an array of bools, tells for each output of the program whether it is the next output of the body, or
    else of ``constant``, the program of the outputs that no sample changes.
    """

    prologue: Program
    body: Program
    constant: Program
    varying: Any

    @property
    def uniform(self) -> int:
        """The number of values that all samples share."""
        return len(self.prologue.outputs)

    @functools.cached_property
    def is_plain(self) -> bool:
        """Whether the shared inputs are what all samples share, as they are."""
        return not len(self.prologue.instructions) and self.prologue.outputs == tuple(range(len(self.prologue.inputs)))

    @property
    def columns(self) -> int:
        """The number of inputs that differ from sample to sample."""
        return len(self.body.inputs) - self.uniform


def split(program: Program, batched: Sequence[bool]) -> Split:
    """Cut a program for a batch of those inputs; the shared inputs go into the prologue, in their order."""
    import numpy as np

    first, table = len(program.inputs), program.instructions
    total = first + len(table)
    own = np.array([is_transfer(name) for name in table.names], np.uint8)[table.codes]  # to memory of each sample
    varying = np.array([*batched, *own.tolist(), False], bool)  # the last place stands for all constants
    places = np.ascontiguousarray(np.where(table.places < 0, total, table.places).T)
    for _ in range(ROUNDS):
        for operands in places:
            varying[first:total] |= varying[operands]
    rest = np.flatnonzero(~varying[first:total])
    varies = bytearray(varying.tobytes())
    for number, a, b, c in zip((first + rest).tolist(), *places[:, rest].tolist(), strict=True):
        varies[number] = varies[a] | varies[b] | varies[c]
    varying = np.frombuffer(varies, np.bool_)
    own = np.flatnonzero(varying[first:total])  # instructions that each sample needs
    used = table.places[own]
    used = used[used >= 0]
    used_values, order = np.unique(used[~varying[used]], return_index=True)
    shared_values = used_values[np.argsort(order)]  # as they are used
    inputs = np.flatnonzero(~varying[:first])
    if (used_values < first).all() and np.count_nonzero(np.diff(shared_values) != 1) * EVEN < len(inputs):
        shared_values = inputs  # as they are, which is as even, and needs no copy
    columns = np.flatnonzero(varying[:first])
    new = np.zeros(total + 1, np.int64)
    members = np.concatenate([shared_values, columns, first + own])
    new[members] = np.arange(len(members))
    outputs = np.asarray(program.outputs, np.int64)
    of_samples = varying[np.where(outputs < 0, total, outputs)]
    body = Program(
        (*map(program.name, shared_values.tolist()), *[program.inputs[i] for i in columns.tolist()]),
        program.constants,
        table.moved(new, own),
        tuple(moved(outputs[of_samples], new).tolist()),
        program.procedures,
    )
    prologue = _shared_part(program, varying, shared_values)
    constant = _shared_part(program, varying, outputs[~of_samples])
    return Split(prologue, body, constant, of_samples)


def _shared_part(program: Program, varying: Any, outputs: Any) -> Program:
    """Return the program of outputs that depend on the shared inputs only."""
    import numpy as np

    first = len(program.inputs)
    shared = np.flatnonzero(~varying[:-1])  # which are inputs, and then instructions
    new = np.zeros(len(varying), np.int64)
    new[shared] = np.arange(len(shared))
    inputs, instructions = shared[shared < first], shared[shared >= first] - first
    return Program.pruned(
        [program.inputs[i] for i in inputs.tolist()],
        program.constants,
        program.instructions.moved(new, instructions),
        moved(outputs, new).tolist(),
    )
