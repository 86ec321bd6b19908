"""Loops that take the same turns, as one: what several of them compute in a turn is computed once.

Forward mode runs a loop once more for each direction, with its state beside the tangents; the rows of a Jacobian sweep
back over the same states. Such loops become one where none needs what another gives. Numbers of their states are one
where they begin alike and every turn does the same to them, which is found as states of an automaton are told apart
(Moore, *Gedanken-experiments on Sequential Machines*, 1956): all that begin alike are one until a turn parts them.

No bit of a result changes. Where several of the loops would raise an error, another one of these may come first; and
what no turn can choose any more, once numbers are known to be the same, is not computed, and so raises none.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .conditions import CONDITIONS
from .procedures import ARGUMENT, CALL, RESULT, TAPE, Procedure, called
from .program import Program
from .simplify import Draft

LARGEST = 10_000  # instructions in the bodies of loops that become one
MANY = 64  # loops in a program, from which on it takes too long to look for those that can be one
WRITTEN = 500_000  # instructions of a program times its loops: it is written again for each that goes
ROUNDS = 4  # of parting numbers of states, after which all of them count as different


@dataclass(frozen=True, eq=False)
class _Call:
    """A loop that is called: the places of its arguments, and of what it gives by index."""

    number: int  # of the instruction
    procedure: Procedure
    operands: list[int]
    needs: int  # the bits of the calls whose results it needs, but for its number of turns
    bit: int
    turns: tuple[int, int]  # the same for loops of as many turns: a place, or the number of a call with a condition

    @property
    def state(self) -> list[int]:
        """Where the state begins."""
        return self.operands[1 : 1 + self.procedure.state]

    @property
    def tapes(self) -> list[tuple[int, int]]:
        """The tapes that are read, and how many numbers a row of them has."""
        reads, first = self.procedure.reads, 1 + self.procedure.state
        return list(zip(self.operands[first : first + len(reads)], reads, strict=True))

    @property
    def used(self) -> list[int]:
        """What else it uses."""
        return self.operands[1 + self.procedure.state + len(self.procedure.reads) :]

    @property
    def numbers(self) -> set[int]:
        """The places of all arguments that are no constants, but for the number of turns."""
        return {place for place in self.operands[1:] if place >= 0}

    def beginning(self) -> Any:
        """Return what its condition computes at the first turn, to be compared with others."""
        condition, rows = self.procedure.condition, [("row", k) for k in range(sum(self.procedure.reads))]
        known = dict(enumerate(["i", *self.state, *rows, *self.used][: len(condition.inputs)]))
        known |= {len(known) + k: ("number", k) for k in range(len(condition.instructions))}
        known |= {~k: ("constant", repr(x)) for k, x in enumerate(condition.constants)}
        written = [(name, *[known[x] for x in places]) for name, places in condition.instructions]
        return self.procedure.limit, self.procedure.message, *written, known[condition.outputs[0]]

    @property
    def first(self) -> int:
        """The number of the instruction that begins the row of its arguments."""
        return self.number - len(self.operands)


def fused(program: Program) -> Program:
    """Return a program that does the same with fewer loops, where some can be one."""
    import numpy as np

    table = program.instructions
    codes = [code for code, name in enumerate(table.names) if name.startswith(CALL)]
    loops = int(np.isin(table.codes, codes).sum())
    again = 1 < loops <= MANY and loops * len(table) <= WRITTEN
    while again:
        again = False
        for group in _groups(_calls(program)):
            one = _Loops(group)
            if one.share():
                program, again = one.put_into(program), True
                break
    return program


def _calls(program: Program) -> list[_Call]:
    """Find the calls, in their order, which of them each one needs, and how many turns it takes."""
    first, found, by_place = len(program.inputs), list[_Call](), dict[int, _Call]()
    needs = [0] * first  # the calls that each value needs
    begin: dict[Any, _Call] = {}  # the last loop with a condition, by how it is computed at the beginning
    for number, (name, operands) in enumerate(program.instructions):
        needed = functools.reduce(operator.or_, [needs[place] for place in operands if place >= 0], 0)
        if name.startswith(CALL):
            arguments = program.arguments(operands[0])
            of_others = functools.reduce(operator.or_, [needs[place] for place in arguments[1:] if place >= 0], 0)
            procedure = called(name, program.procedures)
            call = _Call(number, procedure, arguments, of_others, 1 << len(found), (number, 1))
            if procedure.condition is None:
                call = replace(call, turns=_turns(program, arguments[0], by_place))
            else:
                last = begin.get(key := call.beginning())
                if last is not None and _can_be_one(call, [last]) and _Loops([last, call]).end_alike():
                    call = replace(call, turns=last.turns)
                begin[key] = call
            by_place[first + number] = call
            found.append(call)
            needed |= call.bit
        needs.append(needed)
    return found


def _turns(program: Program, place: int, by_place: dict[int, _Call]) -> tuple[int, int]:
    """Return what tells a number of turns from others: where it comes from a loop, it is that of this loop."""
    if place >= len(program.inputs):
        name, operands = program.instructions[place - len(program.inputs)]
        if name == RESULT:
            call = by_place[operands[0]]
            if program.constants[~operands[1]] == call.procedure.state:
                return call.turns
    return place, 0


def _groups(calls: list[_Call]) -> list[list[_Call]]:
    """Put loops together that may be one."""
    groups: list[list[_Call]] = []
    for call in calls:
        for group in groups:
            if _joins(call, group):
                group.append(call)
                break
        else:
            groups.append([call])
    return [group for group in groups if len(group) > 1]


def _joins(call: _Call, group: list[_Call]) -> bool:
    """Whether a loop takes as many turns as others, and can be one with them."""
    one = group[0]
    alike = one.turns == call.turns and one.procedure.backwards == call.procedure.backwards
    return alike and _can_be_one(call, group)


def _can_be_one(call: _Call, group: list[_Call]) -> bool:
    """Whether a loop uses a number of others, and needs none of what they give; and all are not too long."""
    apart = not any(call.needs & x.bit for x in group)
    return apart and _size([*group, call]) <= LARGEST and any(call.numbers & x.numbers for x in group)


def _size(calls: list[_Call]) -> int:
    return sum([len(call.procedure.body.instructions) for call in calls])


class _Copy:
    """Writes a program into a draft, on inputs at these places."""

    def __init__(self, draft: Draft, program: Program, inputs: Sequence[int]) -> None:
        self.draft, self.program = draft, program
        self.instructions = list(program.instructions)
        self.new = dict(enumerate(inputs))  # the new place of each value
        self.results: dict[int, list[int]] = {}  # of the calls, by their old places

    def place(self, old: int) -> int:
        """Return the new place of a value or a constant."""
        return self.draft.constant(self.program.constants[~old]) if old < 0 else self.new[old]

    def places(self, old: Iterable[int]) -> list[int]:
        """Return new places."""
        return list(map(self.place, old))

    def write(self, numbers: Iterable[int]) -> None:
        """Write these instructions."""
        draft, program, first = self.draft, self.program, len(self.program.inputs)
        for number in numbers:
            name, operands = self.instructions[number]
            if name == ARGUMENT:  # which is written with the row that it is part of
                continue
            if name.startswith(CALL):
                arguments = self.places(program.arguments(operands[0]))
                self.results[first + number] = draft.call(called(name, program.procedures), arguments)
            elif name == RESULT:
                self.new[first + number] = self.results[operands[0]][int(program.constants[~operands[1]])]
            elif name == TAPE:
                row = draft.row(self.places(program.arguments(operands[0])))
                self.new[first + number] = draft.append(TAPE, (row, self.place(operands[1])))
            else:
                places = tuple(self.places(operands))
                known = [draft.number(place) for place in places]
                if name in CONDITIONS and None not in known:  # of states that turned out to be the same
                    self.new[first + number] = draft.constant(float(CONDITIONS[name].forward(*known)))
                else:
                    self.new[first + number] = draft.emit(name, places)

    def outputs(self) -> list[int]:
        """Write the whole program, and return the places of its outputs."""
        self.write(range(len(self.instructions)))
        return self.places(self.program.outputs)


class _Loops:
    """Loops that become one. Numbers of their states are of one class where they are the same in every turn."""

    def __init__(self, calls: Sequence[_Call]) -> None:
        self.calls = calls
        self.tapes = list(dict.fromkeys([tape for call in calls for tape in call.tapes]))
        self.used = dict(zip(dict.fromkeys([place for call in calls for place in call.used]), itertools.count()))
        states = [call.state for call in calls]
        fewest = min(map(len, states))  # as of a loop without tangents, which stand behind the state in others
        by_index = [[(k, x, c if k >= fewest else -1) for k, x in enumerate(own)] for c, own in enumerate(states)]
        if self._parted(classes := _numbered(by_index)) == classes and self.share():
            return
        classes = _numbered(states)
        for _ in range(0 if calls[0].procedure.backwards else ROUNDS):  # adjoints differ, all the more
            before, classes = classes, self._parted(classes)
            if classes == before:
                return
        self._parted(_numbered([[(c, k) for k in range(len(own))] for c, own in enumerate(states)]))

    def _parted(self, classes: list[list[int]]) -> list[list[int]]:
        """Write a turn with these classes, and return those that are left of them after it."""
        self.classes, self.count = classes, 1 + max([-1, *itertools.chain(*classes)])
        self.body, self.outputs = self._together([call.procedure.body for call in self.calls])
        return _numbered([list(zip(*pair)) for pair in zip(classes, self.outputs)])

    def _together(self, programs: Sequence[Program]) -> tuple[Program, list[tuple[int, ...]]]:
        """Return one program of one from each of the loops, and the places of the outputs of each."""
        draft = Draft(self._names())
        outputs = [
            _Copy(draft, program, self._inputs(call, own)[: len(program.inputs)]).outputs()
            for program, call, own in zip(programs, self.calls, self.classes)
        ]
        one = fused(draft.finish(list(itertools.chain(*outputs))))
        rest = iter(one.outputs)
        return one, [tuple(itertools.islice(rest, len(places))) for places in outputs]

    def _names(self) -> list[str]:
        """Return the names of the inputs of the body, in the order of a procedure."""
        rows = [f"r{k}.{j}" for k, (_, width) in enumerate(self.tapes) for j in range(width)]
        return ["i", *[f"s{k}" for k in range(self.count)], *rows, *[f"u{k}" for k in range(len(self.used))]]

    def _inputs(self, call: _Call, classes: Sequence[int]) -> list[int]:
        """Return where the inputs of the body of one of the loops are."""
        inputs, first = [0, *[1 + k for k in classes]], 1 + self.count
        begins = dict(zip(self.tapes, itertools.accumulate([width for _, width in self.tapes], initial=first)))
        for tape in call.tapes:
            inputs += range(begins[tape], begins[tape] + tape[1])
        first += sum([width for _, width in self.tapes])
        return inputs + [first + self.used[place] for place in call.used]

    def share(self) -> bool:
        """Whether two of the loops have a number of their states in common, or read the same tape."""
        parts = [{*own, *call.tapes} for call, own in zip(self.calls, self.classes, strict=True)]
        return sum(map(len, parts)) > len(set().union(*parts))

    def end_alike(self) -> bool:
        """Whether the conditions of all of them hold for as many turns."""
        return len({*self._together([call.procedure.condition for call in self.calls])[1]}) == 1

    def put_into(self, program: Program) -> Program:
        """Return the program with one loop in the place of these: that of the first one, behind what they all need."""
        first, begin = len(program.inputs), self.calls[0].first
        copy = _Copy(Draft(program.inputs), program, range(first))
        gone = {number for call in self.calls for number in range(call.first, call.number + 1)}
        ahead = set(range(begin)) | _needed(copy, [x for call in self.calls for x in call.operands[1:]])
        copy.write(sorted(ahead - gone))
        self._call(copy)
        copy.write([number for number in range(begin, len(copy.instructions)) if number not in ahead | gone])
        return copy.draft.finish(copy.places(program.outputs))

    def _call(self, copy: _Copy) -> None:
        """Write the loop, its call, and where the results of each of the loops are now."""
        leader = self.calls[0]
        states, rows = dict[int, int](), list[list[tuple[int, ...]]]()  # the output of each class, and rows to write
        begins = dict[int, int]()
        for call, own, outputs in zip(self.calls, self.classes, self.outputs, strict=True):
            states |= dict(zip(own, outputs))
            begins |= dict(zip(own, call.state))
            rest = iter(outputs[len(own) :])
            rows.append([tuple(itertools.islice(rest, width)) for width in call.procedure.writes])
        written = dict(zip(dict.fromkeys(itertools.chain(*rows)), itertools.count(self.count + 1)))
        body, condition = self.body, leader.procedure.condition
        results = [*[states[k] for k in range(self.count)], *itertools.chain(*written)]
        procedure = replace(
            leader.procedure,
            body=Program.pruned(body.inputs, body.constants, body.instructions, results, body.procedures),
            condition=condition and self._together([condition])[0],
            state=self.count,
            reads=tuple([width for _, width in self.tapes]),
            writes=tuple(map(len, written)),
        )
        begin = [begins[k] for k in range(self.count)]
        arguments = [leader.operands[0], *begin, *[tape for tape, _ in self.tapes], *self.used]
        places = copy.draft.call(procedure, copy.places(arguments))
        for call, own, tapes in zip(self.calls, self.classes, rows, strict=True):
            indices = [*own, self.count, *[written[row] for row in tapes]]
            copy.results[len(copy.program.inputs) + call.number] = [places[k] for k in indices]


def _numbered(keys: Sequence[Sequence[Any]]) -> list[list[int]]:
    """Number what is different, from 0 on."""
    known: dict[Any, int] = {}
    return [[known.setdefault(key, len(known)) for key in row] for row in keys]


def _needed(copy: _Copy, places: Iterable[int]) -> set[int]:
    """Return the numbers of the instructions that the values at these places need."""
    first, found = len(copy.program.inputs), set[int]()
    stack = [place - first for place in places if place >= first]
    while stack:
        number = stack.pop()
        if number not in found:
            found.add(number)
            stack += [place - first for place in copy.instructions[number].operands if place >= first]
    return found
