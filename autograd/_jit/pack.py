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

from .program import Instruction, Program

_PACKED = frozenset(["add", "sub", "mul", "div", "neg"])
_COMMUTATIVE = frozenset(["add", "mul"])


class Packing(NamedTuple):
    """A program in an order in which packs stand together.

    ``begins`` are the places at which packs begin. ``rows`` are places that are no pack and are used as if they were one,
    so that they are worth a row in memory.
    """

    program: Program
    begins: frozenset[int]
    rows: tuple[tuple[int, ...], ...]


def arrange(program: Program, width: int) -> Packing:
    """Find the packs of a program, and order it by them."""
    rows = _rows(program, width)
    return _ordered(program, _found(program, width, rows), rows)


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
        if not (0 <= a < first) == (not 0 <= b < first):
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


def _found(program: Program, width: int, rows: list[tuple[int, ...]]) -> dict[int, tuple[int, ...]]:
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
        if name not in _PACKED:
            continue
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
    """Yield the packs that an instruction could be in, each as what its members have in common, and a lane."""
    choices = [_kinds(place, first, lane_of, row_of) for place in operands]
    for one in choices[0]:
        for other in choices[1] if len(choices) > 1 else [None]:
            kinds = [one] if other is None else [one, other]
            lanes = {place[2] for place in kinds if place[0] == "lane"}
            runs = [place for place in kinds if place[0] == "input"]
            if len(lanes) > 1 or not (lanes or runs):
                continue
            same = tuple(place[:2] for place in kinds if place[0] != "input")
            if lanes:
                (lane,) = lanes
            else:  # only inputs in a row: they are counted from the first that turned up
                apart = runs[-1][1] - runs[0][1]
                start = anchors.setdefault((name, level, same, apart, len(runs)), runs[0][1])
                lane = (runs[0][1] - start) % width
            common = [
                ("input", place[1] - lane) if place[0] == "input" else place[:2] for place in kinds
            ]
            if name in _COMMUTATIVE:
                common.sort()
            yield (name, level, *common), lane


def _kinds(
    place: int, first: int, lane_of: dict[int, tuple[int, int]], row_of: dict[int, tuple[int, int]]
) -> list[tuple[Any, ...]]:
    found = lane_of.get(place) or row_of.get(place)
    if found is not None:
        return [("lane", *found), ("same", place)]
    return [("input", place), ("same", place)] if 0 <= place < first else [("same", place)]


def _worthwhile(
    program: Program, packs: list[tuple[int, ...]], lane_of: dict[int, tuple[int, int]]
) -> list[tuple[int, ...]]:
    """Leave out packs whose numbers are only used one by one: taking them apart costs what packing saves."""
    first = len(program.inputs)
    users: dict[int, list[int]] = defaultdict(list)
    for index, (_, operands) in enumerate(program.instructions):
        for place in operands:
            if place in lane_of:
                users[place].append(first + index)
    outputs = set(program.outputs)
    dropped: set[int] = set()
    for number in range(len(packs) - 1, -1, -1):
        lane0 = packs[number][0]
        together = lane0 in outputs or any(
            user in lane_of and lane_of[user][1] == 0 and lane_of[user][0] not in dropped for user in users[lane0]
        )
        if not together:
            dropped.add(number)
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
            if missing:  # never in a circle: the members of a pack are of one depth, and their operands of a smaller one
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
