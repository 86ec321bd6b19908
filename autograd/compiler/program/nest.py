"""Where the numbers of a program with loops are: at hand, handed on to the next turn, or in memory.

A number that is used in the turn that computes it, or after the last one, has a name and no place. One that the next
turn uses is handed on under a name as well. Any other is stored, in an array with a dimension for each loop around it,
less those in which every reader comes before the place is written again: what a loop only hands on from turn to turn,
a row of sums say, is one row.
"""

from __future__ import annotations

import functools
import itertools
import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeGuard

from .conditions import CONDITIONS
from .instructions import MISSING, OUTPUT, WIDEST, Instructions, moved
from .program import Program
from .roll import Loop, Step, Term, advances, roll

WORTH_A_COPY = 4  # numbers that need not be kept then


def instructions_with_outputs(program: Program) -> Instructions:
    """Return the instructions, with one for each output behind what computes it; inputs and constants come first."""
    import numpy as np

    table, first = program.instructions, len(program.inputs)
    outputs = np.asarray(program.outputs, np.int64)
    order = np.argsort(np.maximum(outputs, 0), kind="stable")
    computed = outputs[order]
    ahead = np.searchsorted(computed, np.arange(first, first + len(table)), side="left")  # outputs before each one
    at = np.arange(len(table)) + ahead
    new = np.concatenate([np.arange(first), first + at])
    total = len(table) + len(outputs)
    codes, places = np.full(total, len(table.names)), np.full((total, WIDEST), MISSING)
    codes[at], places[at] = table.codes, moved(table.places, new)
    of_outputs = np.setdiff1d(np.arange(total), at, assume_unique=True)
    places[of_outputs, 0], places[of_outputs, 1] = moved(computed, new), order
    return Instructions((*table.names, OUTPUT), codes, places)


def is_short(program: Program, flat: int) -> bool:
    """Whether there are up to ``flat`` instructions, those of the outputs among them."""
    return len(program.instructions) + len(program.outputs) <= flat


class Affine(NamedTuple):
    """``base``, and ``steps`` times the turns of the loops around."""

    base: int
    steps: tuple[int, ...]

    def at(self, turns: Sequence[int]) -> int:
        """Return the number for these turns."""
        return self.base + sum([step * turn for step, turn in zip(self.steps, turns, strict=True)])

    def varies(self, level: int) -> bool:
        """Whether it is another number in the turns of that loop, or of one inside of it."""
        return any(self.steps[level:])

    def moved(self, by: int) -> Affine:
        """Return what is so much more."""
        return Affine(self.base + by, self.steps)


class Scattered(NamedTuple):
    """``even``, and an entry of ``table``, whose first one is 0; ``entry`` says which."""

    even: Affine
    entry: Affine
    table: tuple[int, ...]

    @property
    def base(self) -> int:
        """The number for the first turns."""
        return self.even.base

    def at(self, turns: Sequence[int]) -> int:
        """Return the number for these turns."""
        return self.even.at(turns) + self.table[self.entry.at(turns)]

    def varies(self, level: int) -> bool:
        """Whether it is another number in the turns of that loop, or of one inside of it."""
        return self.even.varies(level) or self.entry.varies(level)

    def moved(self, by: int) -> Scattered:
        """Return what is so much more."""
        return Scattered(self.even.moved(by), self.entry, self.table)


Place = Affine | Scattered


class Constant:
    """A number that is known, or one for each turn of the loops ``levels``, where 0 is the outermost."""

    def __init__(self, numbers: tuple[float, ...], levels: tuple[int, ...]) -> None:
        self.numbers, self.levels = numbers, levels
        self._bits = tuple(map(repr, numbers)), levels  # which tell zeros apart, and take a nan for a nan

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Constant) and self._bits == other._bits

    def __hash__(self) -> int:
        return hash(self._bits)


class Input(NamedTuple):
    """An input of the program, or the number of a result."""

    place: Place


class Use(NamedTuple):
    """The number that a cell computes in the turns ``where`` of its own loops."""

    cell: Cell
    where: tuple[Affine, ...]


class Choice(NamedTuple):
    """In one ``turn`` of a loop, a number from elsewhere than in its other turns."""

    level: int
    turn: int
    one: Read
    others: Read


class Table(NamedTuple):
    """Uses that follow no rule: for each turn of all the loops around, a cell and the turns of its loops."""

    uses: tuple[tuple[Cell, tuple[int, ...]], ...]


Read = Constant | Input | Use | Choice | Table


class Cell:
    """An instruction, with the loops around it, and what its operands read.

    Where the number is ``stored``, that is done behind the loops from number ``depth`` on, and ``kept`` tells of each
    of the others whether it is stored for each turn.
    """

    def __init__(self, name: str, number: int, order: int, loops: tuple[Loop, ...], part: int) -> None:
        self.name, self.number, self.order, self.loops, self.part = name, number, order, loops, part
        self.reads: list[Read] = []
        self.stored = False
        self.depth = 0
        self.kept = [False] * len(loops)

    def shared(self, other: Cell) -> int:
        """Return how many loops are around both."""
        return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] is pair[1], zip(self.loops, other.loops)))


class Terms(NamedTuple):
    """Cells and loops in their order, and the number of the first instruction of each."""

    terms: list[Cell | Turns]
    begins: list[int]

    def cells(self) -> Iterator[Cell]:
        """Go through the cells here and in the loops."""
        for term in self.terms:
            if isinstance(term, Cell):
                yield term
            else:
                yield from term.body.cells()


class Turns(NamedTuple):
    """A loop, and what is in it."""

    loop: Loop
    body: Terms


class Nest:
    """The cells of a program in their order, ``body`` as they lie in loops, and what each of them reads.

    ``inputs`` are the numbers of inputs of each kind; no read goes from one kind to another. A program of up to
    ``flat`` instructions stays without loops. The cells are cut into parts of about ``part``, which hand numbers
    on to each other in memory alone.
    """

    def __init__(self, program: Program, inputs: Sequence[int], flat: int, part: int) -> None:
        import numpy as np

        self.inputs, self.constants = sum(inputs), np.array(program.constants, np.float64)
        self.instructions = instructions_with_outputs(program)
        self.procedures = program.procedures
        self.cells: list[Cell] = []
        self._part_size = part
        self.is_flat = is_short(program, flat)
        terms = (
            tuple(map(Step, range(len(self.instructions))))
            if self.is_flat
            else roll(inputs, self.instructions, scattered=True)
        )
        self.body = self._cells(terms, (), 0)
        self.parts = self.cells[-1].part + 1 if self.cells else 1
        for cell in self.cells:
            steps = advances(self.instructions, cell.number, cell.loops)
            for i, place in enumerate(self.instructions[cell.number].operands):
                cell.reads.append(self._read(cell, i, Affine(place, tuple([step[i] for step in steps]))))
        self._copy_what_is_left()
        for cell in self.cells:
            for read in cell.reads:
                self._keep(read, cell)

    @functools.cached_property
    def used_after(self) -> set[Cell]:
        """The cells whose name is used outside of the innermost loop around them, or in the next turn."""
        found = set()
        for reader in self.cells:
            waiting = list(reader.reads)
            while waiting:
                read = waiting.pop()
                if isinstance(read, Choice):
                    waiting.append(read.one)
                    if carried_by(read, reader) is None:
                        waiting.append(read.others)
                    elif isinstance(read.others, Use):
                        found.add(read.others.cell)
                elif (
                    isinstance(read, Use) and at_hand(read, reader) and read.cell.shared(reader) < len(read.cell.loops)
                ):
                    found.add(read.cell)
        return found

    @functools.cached_property
    def by_part(self) -> list[list[Cell | Turns]]:
        """The cells and loops of each part."""
        parts: list[list[Cell | Turns]] = [[] for _ in range(self.parts)]
        for term in self.body.terms:
            parts[next(term.body.cells()).part if isinstance(term, Turns) else term.part].append(term)
        return parts

    def _cells(self, terms: Sequence[Term], loops: tuple[Loop, ...], part: int) -> Terms:
        """Return cells in the place of steps, in the same loops."""
        body, in_part = Terms([], []), 0
        for term in terms:
            before = len(self.cells)
            if isinstance(term, Step):
                cell = Cell(self.instructions[term.number].name, term.number, before, loops, part)
                self.cells.append(cell)
                body.terms.append(cell)
            else:
                body.terms.append(Turns(term, self._cells(term.body, (*loops, term), part)))
            body.begins.append(self.cells[before].number)
            in_part += len(self.cells) - before
            if not loops and in_part >= self._part_size:
                part, in_part = part + 1, 0
        return body

    def _read(self, cell: Cell, i: int, place: Affine) -> Read:
        if place.base < 0:
            return self._constant(cell, i)
        if place.base < self.inputs or (cell.name == OUTPUT and i == 1):
            return Input(self._input(cell, i))
        turns = [loop.turns for loop in cell.loops]
        first = Affine(place.base - self.inputs, place.steps)
        for depth in range(3):
            read = self._split(first, turns, depth)
            if read is not None:
                return read
        return self._table(first, turns)

    def _in_all_turns(self, cell: Cell, i: int) -> Any:
        """Return the places of an operand, in an array with a dimension for each loop."""
        import numpy as np

        numbers = np.array(cell.number)
        for loop in cell.loops:
            numbers = numbers[..., None] + loop.length * np.arange(loop.turns)
        return self.instructions.places[numbers, i]

    def _input(self, cell: Cell, i: int) -> Place:
        """Return the place of an input, with a table for the loops in which it does not advance evenly."""
        import numpy as np

        places = self._in_all_turns(cell, i)
        base, steps, uneven = int(places.flat[0]), [0] * places.ndim, []
        for m, turns in enumerate(places.shape):
            differences = np.diff(places, axis=m)
            if turns > 1 and (differences != differences.flat[0]).any():
                uneven.append(m)
            elif turns > 1:
                steps[m] = int(differences.flat[0])
        if not uneven:
            return Affine(base, tuple(steps))
        table = places[tuple([slice(None) if m in uneven else 0 for m in range(places.ndim)])]
        entries, length = [0] * places.ndim, 1
        for m in reversed(uneven):
            entries[m], length = length, length * places.shape[m]
        return Scattered(Affine(base, tuple(steps)), Affine(0, tuple(entries)), tuple((table.ravel() - base).tolist()))

    def _constant(self, cell: Cell, i: int) -> Constant:
        """Return a constant, for as many loops as it changes in."""
        import numpy as np

        bits = self.constants[~self._in_all_turns(cell, i)].view(np.int64)  # which tell zeros apart
        changes = [bool((bits != bits.take([0], axis=m)).any()) for m in range(bits.ndim)]
        kept = bits[tuple([slice(None) if change else 0 for change in changes])]
        levels = tuple(itertools.compress(range(bits.ndim), changes))
        return Constant(tuple(kept.reshape(-1).view(np.float64).tolist()), levels)

    def _split(self, place: Affine, turns: list[int], depth: int) -> Read | None:
        """Return a use, or a choice of uses where the first or the last turn of a loop reads from elsewhere."""
        use = self._use(place, turns)
        if use is not None or not depth:
            return use
        for m in range(len(turns) - 1, -1, -1):
            if turns[m] < 2:
                continue
            step = place.steps[m]
            fixed, one_turn = _without(place, m), [*turns[:m], 1, *turns[m + 1 :]]
            fewer = [*turns[:m], turns[m] - 1, *turns[m + 1 :]]
            first = self._split(fixed, one_turn, depth - 1)
            rest = self._split(Affine(place.base + step, place.steps), fewer, depth - 1)
            if first is not None and rest is not None:
                return Choice(m, 0, first, _later(rest, m))
            last = self._split(Affine(place.base + step * (turns[m] - 1), fixed.steps), one_turn, depth - 1)
            rest = self._split(place, fewer, depth - 1)
            if last is not None and rest is not None:
                return Choice(m, turns[m] - 1, last, rest)
        return None

    def _use(self, place: Affine, turns: list[int]) -> Use | None:
        """Return the one cell that computes the number in all turns, and how its turns follow from those."""
        cell, first = self._find(place.base)
        columns = []
        for step, count in zip(place.steps, turns, strict=True):
            advance = [0] * len(first)
            if step and count > 1:
                other, index = self._find(place.base + step)
                if other is not cell:
                    return None
                advance = [b - a for a, b in zip(first, index, strict=True)]
            columns.append(advance)
        where = []
        for r, (base, loop) in enumerate(zip(first, cell.loops, strict=True)):
            steps = tuple([column[r] for column in columns])
            ends = [step * (count - 1) for step, count in zip(steps, turns, strict=True)]
            if base + sum([min(end, 0) for end in ends]) < 0 or base + sum([max(end, 0) for end in ends]) >= loop.turns:
                return None
            where.append(Affine(base, steps))
        return Use(cell, tuple(where))

    def _find(self, number: int) -> tuple[Cell, tuple[int, ...]]:
        """Return the cell of an instruction of the flat program, and the turns in which it stands for it."""
        index: list[int] = []
        body, ahead = self.body, 0
        while True:
            at = bisect_right(body.begins, number - ahead) - 1
            term = body.terms[at]
            if isinstance(term, Cell):
                return term, tuple(index)
            turn = (number - ahead - body.begins[at]) // term.loop.length
            index.append(turn)
            body, ahead = term.body, ahead + turn * term.loop.length

    def _table(self, place: Affine, turns: list[int]) -> Table:
        return Table(tuple([self._find(place.at(where)) for where in itertools.product(*map(range, turns))]))

    def _copy_what_is_left(self) -> None:
        """Put a copy of each number that a loop leaves to later ones behind the loop, where all else is in its way.

        Of a row of sums, say, of which only the first is used later, all would be kept for each turn of the loops
        around. The copy is a sum with −0.0, which changes no bit.
        """
        uses = [(read, reader, i) for reader in self.cells for i, read in enumerate(reader.reads) if _is_use(read)]
        copies: dict[tuple[Cell, tuple[int, ...]], Cell] = {}  # by the cell and its last indices
        behind: dict[int, list[Cell]] = {}  # the copies behind each loop, by its identity
        for use, reader, _ in uses:
            cell, depth = use.cell, max(_varying(use), use.cell.shared(reader) + 1)
            if math.prod([loop.turns for loop in cell.loops[depth:]]) >= WORTH_A_COPY and cell.name not in CONDITIONS:
                ends = _ends(use, depth)
                if (cell, ends) not in copies:
                    copies[cell, ends] = _copy(cell, ends)
                    behind.setdefault(id(cell.loops[depth]), []).append(copies[cell, ends])
        for use, reader, i in uses:
            for depth in range(max(_varying(use), use.cell.shared(reader)), len(use.cell.loops)):
                copy = copies.get((use.cell, _ends(use, depth)))
                if copy is not None:
                    reader.reads[i] = Use(copy, use.where[:depth])
                    break
        _put_behind(self.body, behind)
        self.cells = list(self.body.cells())
        for order, cell in enumerate(self.cells):
            cell.order = order

    def _keep(self, read: Read, reader: Cell) -> None:
        """Say of what is read whether it has to be stored, and for the turns of which loops."""
        if isinstance(read, Table):
            for cell in {cell for cell, _ in read.uses}:
                cell.stored, cell.depth, cell.kept = True, len(cell.loops), [True] * len(cell.loops)
        elif isinstance(read, Choice):
            self._keep(read.one, reader)
            if carried_by(read, reader) is None:
                self._keep(read.others, reader)
        elif isinstance(read, Use) and not at_hand(read, reader):
            cell, common = read.cell, read.cell.shared(reader)
            cell.stored = True
            for r in range(len(cell.loops)):
                cell.kept[r] = cell.kept[r] or not _overwritten_later(read, reader, r, common)
                if r < common or not _last(read.where[r], cell.loops[r]):
                    cell.depth = max(cell.depth, r + 1)


def _is_use(read: Read) -> TypeGuard[Use]:
    return isinstance(read, Use)


def _copy(cell: Cell, ends: tuple[int, ...]) -> Cell:
    """Return a copy of the number that a cell computes in the turns ``ends`` of its innermost loops."""
    depth = len(cell.loops) - len(ends)
    copy = Cell("add", cell.number, cell.order, cell.loops[:depth], cell.part)
    here = [Affine(0, tuple([int(m == r) for m in range(depth)])) for r in range(depth)]
    there = [Affine(end, (0,) * depth) for end in ends]
    copy.reads = [Use(cell, (*here, *there)), Constant((-0.0,), ())]
    return copy


def _ends(use: Use, depth: int) -> tuple[int, ...]:
    """Return the turns that are read of the loops from that depth on."""
    return tuple([index.base for index in use.where[depth:]])


def _put_behind(body: Terms, behind: dict[int, list[Cell]]) -> None:
    """Put cells behind the loops that they are given for."""
    terms = list(body.terms)
    body.terms.clear()
    for term in terms:
        body.terms.append(term)
        if isinstance(term, Turns):
            _put_behind(term.body, behind)
            body.terms.extend(behind.get(id(term.loop), ()))


def _varying(use: Use) -> int:
    """Return how many loops there are up to the last one whose turns are not the same for all turns of the reader."""
    return max([r + 1 for r, index in enumerate(use.where) if any(index.steps)], default=0)


def _without(place: Affine, level: int) -> Affine:
    return Affine(place.base, tuple([0 if m == level else step for m, step in enumerate(place.steps)]))


def _later(read: Read, level: int) -> Read:
    """Return a read that was found for the turns from the second on, with turns counted from the first."""
    if isinstance(read, Use):
        return Use(read.cell, tuple([Affine(a.base - a.steps[level], a.steps) for a in read.where]))
    assert isinstance(read, Choice)
    if read.level == level:
        return Choice(level, read.turn + 1, read.one, _later(read.others, level))
    return Choice(read.level, read.turn, _later(read.one, level), _later(read.others, level))


def _same_turn(index: Affine, level: int, behind: int = 0) -> bool:
    """Whether it is the turn of the loop around at that level, or so many behind it."""
    return index.base == -behind and all(step == (m == level) for m, step in enumerate(index.steps))


def same_turns(use: Use, reader: Cell) -> int:
    """Return in how many of the outer loops around both the number is of the turn that reads it."""
    indices = use.where[: use.cell.shared(reader)]
    return next((r for r, index in enumerate(indices) if not _same_turn(index, r)), len(indices))


def _last(index: Affine, loop: Loop) -> bool:
    return index.base == loop.turns - 1 and not any(index.steps)


def at_hand(use: Use, reader: Cell) -> bool:
    """Whether the number was computed before in this turn, or in the last turn of loops that ended in this turn."""
    cell, common = use.cell, use.cell.shared(reader)
    return (
        cell.part == reader.part
        and cell.order < reader.order
        and all(_same_turn(index, r) for r, index in enumerate(use.where[:common]))
        and all(_last(index, loop) for index, loop in zip(use.where[common:], cell.loops[common:], strict=True))
    )


def carried_by(choice: Choice, reader: Cell) -> Loop | None:
    """Return the loop whose turns hand the number on, from the end of each to the next; or None."""
    level, use = choice.level, choice.others
    if choice.turn or not isinstance(use, Use) or level >= use.cell.shared(reader) or use.cell.part != reader.part:
        return None
    index, loops = use.where, use.cell.loops
    handed_on = (
        all(_same_turn(index[r], r) for r in range(level))
        and _same_turn(index[level], level, behind=1)
        and all(_last(index[r], loops[r]) for r in range(level + 1, len(loops)))
        and _known_before(choice.one, level)
    )
    return loops[level] if handed_on else None


def _known_before(read: Read, level: int) -> bool:
    """Whether a read is the same in all turns of the loop at that level and of those in it."""
    if isinstance(read, Input):
        return not read.place.varies(level)
    if isinstance(read, Use):
        return not any(any(index.steps[level:]) for index in read.where)
    return isinstance(read, Constant) and all(m < level for m in read.levels)


def _overwritten_later(use: Use, reader: Cell, r: int, common: int) -> bool:
    """Whether the number is read before the cell computes it again in the next turn of its loop r."""
    index, loops = use.where, use.cell.loops
    if r >= common:
        return _last(index[r], loops[r])
    if not all(_same_turn(index[s], s) for s in range(r)):
        return False
    if _same_turn(index[r], r):
        return True
    if not _same_turn(index[r], r, behind=1):
        return False
    for s in range(r + 1, common):
        if not _same_turn(index[s], s):
            return _same_turn(index[s], s, behind=-1) and all(_same_turn(index[q], q) for q in range(s + 1, common))
    return reader.order <= use.cell.order


def walk(body: Terms, turns: tuple[int, ...] = ()) -> Iterator[tuple[Cell, tuple[int, ...]]]:
    """Go through the cells in the order in which the loops run them, with the turns of the loops around each."""
    for term in body.terms:
        if isinstance(term, Cell):
            yield term, turns
        else:
            for turn in range(term.loop.turns):
                yield from walk(term.body, (*turns, turn))
