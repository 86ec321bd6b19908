"""Packs: like instructions of a long program side by side in one vector.

A long program is bounded by the bytes of its code, so its matrix products are packed: eight instructions of one name
and depth whose operands are eight numbers in a row (inputs, or the lanes of another pack) or one number for all. It is
the superword-level parallelism of Larsen and Amarasinghe (PLDI 2000), found from the operands on. Every number is still
computed by the same operations in the same order, so no bit changes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

from autograd.ops import OPERATIONS

from .conditions import CONDITIONS
from .program import Instruction, Program


class Packing(NamedTuple):
    """A program in an order in which packs stand together.

    ``begins`` are the places at which packs begin. ``rows`` are places that are no pack and are used as if they
    were one, so that they are worth a row in memory.
    """

    program: Program
    begins: frozenset[int]
    rows: tuple[tuple[int, ...], ...]


def arrange(program: Program, width: int) -> Packing:
    """Find the packs of a program, and order it by them."""
    rows = _rows(program, width)
    return _ordered(program, _packs(program, width, rows), rows)


def _rows(program: Program, width: int) -> list[tuple[int, ...]]:
    """Return numbers that are multiplied with inputs in a row, and that several times: the input of a layer."""
    first = len(program.inputs)
    count: Counter[tuple[int, ...]] = Counter()
    run: list[int] = []
    last = -2
    for name, operands in program.instructions:
        if name != "mul":
            continue
        a, b = operands
        if (0 <= a < first) == (0 <= b < first):
            continue
        k, number = (a, b) if 0 <= a < first else (b, a)
        if number < 0:
            continue
        if k != last + 1 or len(run) == width:
            run = []
        run.append(number)
        last = k
        if len(run) == width:
            count[tuple(run)] += 1
    taken: set[int] = set()
    rows = []
    for row, times in count.most_common():
        if times >= 4 and len(set(row)) == width and not taken.intersection(row):
            taken.update(row)
            rows.append(row)
    return rows


def _packs(program: Program, width: int, rows: list[tuple[int, ...]]) -> dict[int, tuple[int, ...]]:
    """Return the pack of each packed place, its members by lane."""
    first = len(program.inputs)
    row_of = {place: (~number, lane) for number, row in enumerate(rows) for lane, place in enumerate(row)}
    level = [0] * first
    for _, operands in program.instructions:
        level.append(1 + max((level[place] for place in operands if place >= 0), default=0))
    numbers = sorted(range(first, len(level)), key=level.__getitem__)
    lane_of: dict[int, tuple[int, int]] = {}  # a packed place: its pack and lane
    packs: list[tuple[int, ...]] = []
    groups: dict[Any, dict[int, int]] = defaultdict(dict)
    anchors: dict[Any, int] = {}
    for place in numbers:
        name, operands = program.instructions[place - first]
        if name in CONDITIONS or not OPERATIONS[name].llvm.isalpha():
            continue  # only what is one machine instruction, like fadd, and no function, like llvm.sqrt
        if not any(0 <= p < first or p in lane_of or p in row_of for p in operands):
            continue
        for key, lane in _keys(name, operands, level[place], first, lane_of, row_of, anchors, width):
            group = groups[key]
            group.setdefault(lane, place)
            if len(group) == width and not any(member in lane_of for member in group.values()):
                members = tuple([group[i] for i in range(width)])
                for i, member in enumerate(members):
                    lane_of[member] = len(packs), i
                packs.append(members)
                break
    kept = _worthwhile(program, packs, lane_of)
    return {member: members for members in kept for member in members}


def _keys(
    name: str,
    operands: tuple[int, ...],
    level: int,
    first: int,
    lane_of: dict[int, tuple[int, int]],
    row_of: dict[int, tuple[int, int]],
    anchors: dict[Any, int],
    width: int,
) -> Iterator[tuple[Any, int]]:
    """Yield the packs that an instruction could be in, each as what its members have in common, and a lane.

    An operand's part in that is a number: 4·p for a lane of pack or row p, 4·k + 1 for inputs in a row from k on, and
    4·place + 2 for one value in all lanes.
    """
    choices: list[list[tuple[int, int | None]]] = []  # for each operand: its part, and its lane
    starts: list[tuple[int, int]] = []
    for j, place in enumerate(operands):
        member = lane_of.get(place) or row_of.get(place)
        if member is not None:
            choices.append([(4 * member[0], member[1]), (4 * place + 2, None)])
        else:
            choices.append([(4 * place + 2, None)])
            if 0 <= place < first:
                starts.append((j, place))
    for j, place in starts:  # inputs: the lane is that of the other operand, or counted from the first that turned up
        if len(operands) == 2:
            for part, lane in choices[1 - j]:
                if lane is None:
                    start = anchors.setdefault((name, level, part, j), place)
                    lane = (place - start) % width
                run = 4 * (place - lane) + 1
                yield (_key(name, level, run, part) if j == 0 else _key(name, level, part, run)), lane
    if len(starts) == 2:
        (_, a), (_, b) = starts
        start = anchors.setdefault((name, level, b - a), a)
        lane = (a - start) % width
        yield _key(name, level, 4 * (a - lane) + 1, 4 * (b - lane) + 1), lane
    if len(operands) == 1:
        for part, lane in choices[0]:
            if lane is not None:
                yield (name, level, part), lane
        return
    for part, lane in choices[0]:
        for other, also in choices[1]:
            shared = also if lane is None else lane
            if shared is not None and also in (None, shared):
                yield _key(name, level, part, other), shared


def _key(name: str, level: int, a: int, b: int) -> tuple[Any, ...]:
    return (name, level, b, a) if OPERATIONS[name].commutative and a > b else (name, level, a, b)


def _worthwhile(
    program: Program, packs: list[tuple[int, ...]], lane_of: dict[int, tuple[int, int]]
) -> list[tuple[int, ...]]:
    """Leave out packs that are only taken apart again, where that is no better than to take their operands apart."""
    first = len(program.inputs)
    outputs = set(program.outputs)
    users: list[set[int]] = [set() for _ in packs]  # the packs that go on with a pack, and those that one goes on with
    operands: list[set[int]] = [set() for _ in packs]
    for number, members in enumerate(packs):
        for place in program.instructions[members[0] - first].operands:
            used, lane = lane_of.get(place, (0, None))
            if lane == 0:
                users[used].add(number)
                operands[number].add(used)
    dropped: set[int] = set()
    for number in range(len(packs) - 1, -1, -1):
        if packs[number][0] in outputs or users[number]:
            continue
        if all(packs[used][0] in outputs or len(users[used]) > 1 for used in operands[number]):
            dropped.add(number)
            for used in operands[number]:
                users[used].discard(number)
    return [members for number, members in enumerate(packs) if number not in dropped]


def _ordered(program: Program, pack_of: dict[int, tuple[int, ...]], rows: list[tuple[int, ...]]) -> Packing:
    """Write the instructions anew: operands before users, a pack where its first member is needed."""
    first = len(program.inputs)
    new: dict[int, int] = {place: place for place in range(first)}
    order: list[int] = []
    begins: set[int] = set()
    for wanted in range(first, first + len(program.instructions)):
        stack = [wanted]
        while stack:
            place = stack[-1]
            if place in new:
                stack.pop()
                continue
            members = pack_of.get(place, (place,))
            missing = [
                operand
                for member in members
                for operand in program.instructions[member - first].operands
                if operand >= 0 and operand not in new
            ]
            if missing:  # never in a circle: a pack is of one depth, and its operands are of smaller ones
                stack += reversed(missing)
                continue
            if len(members) > 1:
                begins.add(first + len(order))
            for member in members:
                new[member] = first + len(order)
                order.append(member)
            stack.pop()
    instructions = []
    for place in order:
        name, operands = program.instructions[place - first]
        instructions.append(Instruction(name, tuple([new[p] if p >= 0 else p for p in operands])))
    outputs = tuple([new[p] if p >= 0 else p for p in program.outputs])
    moved = tuple([tuple([new[place] for place in row]) for row in rows if not any(place in pack_of for place in row)])
    arranged = Program(program.inputs, program.constants, tuple(instructions), outputs)
    return Packing(arranged, frozenset(begins), moved)
