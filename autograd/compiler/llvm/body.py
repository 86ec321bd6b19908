"""The cells of a nest as lines of LLVM's text, with its loops as loops, for several groups of lanes at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from autograd.compiler.program.conditions import CONDITIONS, Condition, row_of
from autograd.compiler.program.instructions import OUTPUT
from autograd.compiler.program.layout import Layout
from autograd.compiler.program.nest import (
    Affine,
    Cell,
    Choice,
    Constant,
    Input,
    Nest,
    Place,
    Read,
    Scattered,
    Table,
    Terms,
    Turns,
    Use,
    at_hand,
    carried_by,
)
from autograd.compiler.program.procedures import ARGUMENT, CALL, RESULT, TAPE, called
from autograd.compiler.program.roll import Loop

from .function import Function, literal, splat, vector
from .module import Module
from .turns import gives_rows, handed_on_by, is_other, is_same, operands, side_by_side, written_together

BLOCK = 1_000  # instructions in a basic block: selection and scheduling work block by block, and slow down in long ones
T = TypeVar("T")
Names = list[str]  # of a number, one for each group of lanes
Load = Callable[["Body", Place], Names]
Take = Callable[["Body", Place, Names], None]
TakeRow = Callable[["Body", Place, list[Names]], None]


class Body:
    """Writes the cells of a nest into a function.

    ``load(body, place)`` returns the names of an input, and ``take(body, number, names)`` writes what becomes of the
    output whose number has that name. Where outputs follow each other, ``take_row(body, number, rows)`` may do so for
    as many of them as there are lanes. So many turns of a loop are written ``together`` as one, where that saves reads.
    """

    def __init__(
        self,
        module: Module,
        function: Function,
        nest: Nest,
        layout: Layout,
        lanes: int,
        groups: int,
        load: Load,
        take: Take,
        take_row: TakeRow | None = None,
        together: int = 1,
    ) -> None:
        self.module, self.function, self.nest, self.layout = module, function, nest, layout
        self._take_row, self._most = take_row, together
        self.lanes, self.groups = lanes, groups
        self._across: int | None = None  # the loop whose turns stand side by side in the lanes
        self._load, self._take = load, take
        self.i, self.left = "%i", "%left"  # the number of the first sample, and how many there are from it on
        self._kind, self._truth = vector(self.lanes), vector(self.lanes, "i1")
        self._now = _Turn(0, {}, {}, [])  # the turn that is being written
        self._together = [self._now]  # the turns of a loop that are written into one
        self._level = 0  # of that loop
        self._waiting: list[tuple[Place, Names]] = []
        self._scopes: list[dict[Any, Any]] = [{}]
        self._labels = 0
        self._written = 0

    def write(self, part: int) -> None:
        """Write the cells of a part of the nest."""
        self._terms(self.nest.by_part[part], ())
        self._hand_out()

    def each(self, write: Callable[[int], str]) -> Names:
        """Write the same for each group of lanes, and return the names."""
        return [write(group) for group in range(self.groups)]

    def address(self, pointer: str, index: str) -> str:
        """Return where the first group of a number is in an array of numbers."""
        if self.groups > 1:
            index = self.function.put(f"mul i64 {index}, {self.groups}")
        return self.function.nth(pointer, index, "double" if self._across is not None else self._kind)

    def fetch(self, pointer: str, place: Place) -> str:
        """Load a number for all lanes, or one for each where the lanes are turns of a loop."""
        return self._row(self.function.nth(pointer, self.index(place)), self.step(place))

    def step(self, place: Place) -> int:
        """Return how far the numbers of a row are from each other."""
        place = place.even if isinstance(place, Scattered) else place
        return place.steps[self._across] if self._across is not None and self._across < len(place.steps) else 0

    def _row(self, address: str, step: int) -> str:
        """Load numbers that lie so far from each other."""
        function = self.function
        if self.lanes == 1:
            return function.load(address)
        if not step:
            return function.spread(function.load(address), self.lanes)
        if step == 1:
            return function.load(address, self._kind)
        row = "poison"
        for lane in range(self.lanes):
            number = function.load(function.nth(address, step * lane))
            row = function.put(f"insertelement {self._kind} {row}, double {number}, i64 {lane}")
        return row

    def put_row(self, row: str, address: str, step: int) -> None:
        """Store numbers so far from each other."""
        function = self.function
        if self.lanes == 1 or step == 1:
            function.store(row, address, self._kind)
            return
        for lane in range(self.lanes):
            number = function.put(f"extractelement {self._kind} {row}, i64 {lane}")
            function.store(number, function.nth(address, step * lane))

    def _terms(self, terms: Sequence[Cell | Turns], around: tuple[Loop, ...]) -> None:
        for term in terms:
            if isinstance(term, Cell):
                self._written += 1
                if self._written % (BLOCK if self.lanes == 1 else BLOCK // 2) == 0:
                    if not self._now.turns:
                        self._hand_out()
                    self.function.block(self._label("b"))
                    self._forget_inputs()
                for _ in self._each_turn():
                    self._cell(term)
            else:
                self._loop(term.loop, term.body, around)

    def _each_turn(self) -> Iterator[_Turn]:
        """Go through the turns that are written together; the last one stays the one that is being written."""
        for now in self._together:
            self._now = now
            yield now

    def _hand_out(self) -> None:
        """Write what becomes of outputs: of a long block at its end, which takes a fifth less time than in between."""
        for place, names in self._waiting:
            self._take(self, place, names)
        self._waiting.clear()

    def _forget_inputs(self) -> None:
        """Read inputs again where they are used in the next block: registers are few, and memory holds one lane."""
        for scope in self._scopes:
            for key in [key for key in scope if "input" in (key[0], key[1][0] if type(key[0]) is int else "")]:
                del scope[key]

    def _cell(self, cell: Cell) -> None:
        if cell.name == OUTPUT:
            number, place = cell.reads
            assert isinstance(place, Input)
            if self._now.rows is not None:
                self._now.rows.setdefault(cell, []).append((place.place, self._numbers(number, cell)))
            elif self._now.turns or self.lanes == 1:
                self._take(self, place.place, self._numbers(number, cell))
            else:
                self._waiting.append((place.place, self._numbers(number, cell)))
            return
        if cell.name in (ARGUMENT, RESULT, TAPE) or cell.name.startswith(CALL):
            self._now.hand[cell] = self._transferred(cell)
            if cell.stored and cell.depth == len(cell.loops):
                self._store(cell)
            return
        operands = [self._names(read, cell) for read in cell.reads]
        kinds = [self._is_condition(read) for read in cell.reads]
        self._now.hand[cell] = self.each(
            lambda g: self.function.put(self._instruction(cell.name, [names[g] for names in operands], kinds))
        )
        if cell.stored and cell.depth == len(cell.loops):
            self._store(cell)

    def place(self, pointer: str, index: int | str, group: int = 0, lane: int = 0) -> str:
        """Return where the number of a lane is, in an array of numbers."""
        return self.function.nth(self.function.nth(self.address(pointer, str(index)), group, self._kind), lane)

    def _transferred(self, cell: Cell) -> Names:
        """Write what brings numbers to a procedure or a tape, or back."""
        function, layout, nothing = self.function, self.layout, splat("0.0", self.lanes)
        if cell.name == ARGUMENT:
            place = self.address("%scratch", self._offset(layout.arguments, cell.reads[2], cell))
            for group, name in enumerate(self._numbers(cell.reads[1], cell)):
                function.store(name, function.nth(place, group, self._kind), self._kind)
            return [nothing] * self.groups
        if cell.name == RESULT:
            place = self.address("%scratch", self._offset(layout.results, cell.reads[1], cell))
            return self.each(lambda g: function.load(function.nth(place, g, self._kind), self._kind))
        names = []
        stride, arena = self.lanes * self.groups, self.place("%scratch", layout.arena or 0)
        for group in range(self.groups):
            wide = nothing
            for lane in range(self.lanes):
                arguments = self.place("%scratch", layout.arguments, group, lane)
                if cell.name != TAPE:
                    callee = self.module.procedure(called(cell.name, self.nest.procedures))
                    results = self.place("%scratch", layout.results, group, lane)
                    function.lines.append(
                        f"  call void @{callee}(ptr {arguments}, i64 {stride}, ptr {results}, ptr {arena})"
                    )
                    continue
                count = self._offset(0, cell.reads[1], cell)
                wide_or_one = function.put(
                    f"call double @tape(ptr {arguments}, i64 {stride}, i64 {count}, ptr {arena})"
                )
                if self.lanes > 1:
                    wide = function.put(f"insertelement {self._kind} {wide}, double {wide_or_one}, i64 {lane}")
                else:
                    wide = wide_or_one
            names.append(wide)
        return names

    def _offset(self, first: int, read: Read, reader: Cell) -> str:
        """Return the number that an operand is, known for each turn, and ``first``."""
        assert isinstance(read, Constant)
        numbers = [str(first + int(x)) for x in read.numbers]
        if not read.levels:
            return numbers[0]
        table = self.module.table("i64", numbers)
        return self.function.load(self.function.nth(table, self.index(_entry(read.levels, reader)), "i64"), "i64")

    def _store(self, cell: Cell) -> None:
        names = self._now.hand[cell]
        if cell.name in CONDITIONS:
            names = [self.function.put(f"uitofp {self._truth} {name} to {self._kind}") for name in names]
        offset = self.layout.offsets[cell]
        place = Affine(offset.base, offset.steps[: cell.depth])
        pointer = self._scratch(place)
        if self._across is not None:
            self.put_row(names[0], pointer, self.step(place))
            return
        for group, name in enumerate(names):
            self.function.store(name, self.function.nth(pointer, group, self._kind), self._kind)

    def _loop(self, loop: Loop, body: Terms, around: tuple[Loop, ...]) -> None:
        level = len(around)
        lanes = side_by_side(self.nest, self.layout, loop, body, level, self.module.width) if self.lanes == 1 else 1
        alone = self._most > 1 and len(self._together) == 1
        together = written_together(loop, body, level, self._most) if alone else 1
        rows = self._take_row is not None and 1 < self.lanes <= loop.turns and gives_rows(loop, body, level)
        by = self.lanes if rows else max(lanes, together)
        begin = loop.turns - loop.turns % by if by > 1 else 0
        if lanes > 1:
            self._side_by_side(by, level)
        if by > 1:
            self._repeat(loop, body, around, 0, begin, by, together)
        if lanes > 1:
            self._side_by_side(1, None)
        if begin < loop.turns:
            self._repeat(loop, body, around, begin, loop.turns, 1)
        for cell in body.cells():
            if cell.stored and cell.depth == level:
                for _ in self._each_turn():
                    self._store(cell)

    def _side_by_side(self, lanes: int, level: int | None) -> None:
        self.lanes, self._across = lanes, level
        self._kind, self._truth = vector(lanes), vector(lanes, "i1")

    def _repeat(
        self, loop: Loop, body: Terms, around: tuple[Loop, ...], begin: int, end: int, by: int, together: int = 1
    ) -> None:
        """Write a loop from one turn to another, so many at a time, of which some may be written into one."""
        function, depth, number = self.function, len(around), self._label("")
        cells, inits = list(body.cells()), []
        for _ in self._each_turn():
            first = handed_on_by(loop, cells)
            inits.append({key: self._like(key[0].name in CONDITIONS, key[1], r) for key, r in first.items()})
            self._fetch_ahead(cells, depth)
        function.block(f"before{number}")
        function.block(f"loop{number}")
        turn = f"%turn{number}"
        function.lines.append(f"  {turn} = phi i64 [ {begin}, %before{number} ], [ %next{number}, %again{number} ]")
        head = len(function.lines)
        for now, own in zip(self._together, inits, strict=True):
            for key, names in own.items():
                now.handed_on[key] = [function.fresh() for _ in names]
        if together > 1:
            self._write_together(loop, body, around, turn, together)
        elif by > 1 and self._across is None:
            self._write_rows(loop, body, around, turn, by)
        else:
            self._write_turn(loop, body, around, [turn] * len(self._together))
        function.block(f"again{number}")
        phis = []
        for now, own in zip(self._together, inits, strict=True):
            for key, names in own.items():
                kind = self._truth if key[0].name in CONDITIONS else self._kind
                for name, first_name, last in zip(now.handed_on[key], names, now.hand[key[0]], strict=True):
                    phis.append(f"  {name} = phi {kind} [ {first_name}, %before{number} ], [ {last}, %again{number} ]")
        function.lines[head:head] = phis
        function.lines += [
            f"  %next{number} = add i64 {turn}, {by}",
            f"  %more{number} = icmp slt i64 %next{number}, {end}",
            f"  br i1 %more{number}, label %loop{number}, label %end{number}",
            f"end{number}:",
        ]

    def _write_turn(self, loop: Loop, body: Terms, around: tuple[Loop, ...], turns: list[str]) -> None:
        """Write what is in a loop, with the name of the turn for each of those that are written into one."""
        for now, turn in zip(self._together, turns, strict=True):
            now.turns.append(turn)
        self._scopes.append({})
        self._terms(body.terms, (*around, loop))
        self._scopes.pop()
        for now in self._together:
            now.turns.pop()

    def _write_together(self, loop: Loop, body: Terms, around: tuple[Loop, ...], turn: str, count: int) -> None:
        """Write several turns cell by cell: what is the same in all of them is read once, and stays in registers."""
        outside = self._now
        turns = [self._ahead(turn, k) for k in range(count)]
        self._together = [
            _Turn(k, dict(outside.hand), dict(outside.handed_on), list(outside.turns)) for k in range(1, count + 1)
        ]
        self._level = len(around)
        self._write_turn(loop, body, around, turns)
        outside.hand.update(self._now.hand)  # of the last turn, which may be used behind the loop
        self._together = [outside]
        self._now = outside

    def _write_rows(self, loop: Loop, body: Terms, around: tuple[Loop, ...], turn: str, count: int) -> None:
        """Write so many turns one behind the other, and then what becomes of the outputs of all of them."""
        assert self._take_row is not None
        for now in self._together:
            now.rows = {}
        for k in range(count):
            self._write_turn(loop, body, around, [self._ahead(turn, k)] * len(self._together))
        for now in self._each_turn():
            rows, now.rows = now.rows or {}, None
            now.turns.append(turn)
            self._scopes.append({})
            for row in rows.values():
                self._take_row(self, row[0][0], [names for _, names in row])
            self._scopes.pop()
            now.turns.pop()

    def _ahead(self, turn: str, by: int) -> str:
        return self.function.put(f"add i64 {turn}, {by}") if by else turn

    def _fetch_ahead(self, cells: list[Cell], depth: int) -> None:
        """Read what is the same in all turns of a loop before it."""
        for cell in cells:
            for read in operands(cell):
                if isinstance(read, Input):
                    same = not read.place.varies(depth)
                else:
                    same = isinstance(read, Use) and self._is_known(read, cell, cells[0].order, depth)
                if same:
                    self._names(read, cell)

    def _is_known(self, use: Use, reader: Cell, first: int, depth: int) -> bool:
        """Whether the number has a place, or has to be spread, and was computed before the loop that begins there."""
        same = not any(any(place.steps[depth:]) for place in use.where)
        return same and use.cell.order < first and (self._across is not None or not at_hand(use, reader))

    def _numbers(self, read: Read, reader: Cell) -> Names:
        """Return names of numbers: 1.0 or 0.0 for a condition."""
        names = self._names(read, reader)
        if self._is_condition(read):
            return [self.function.put(f"uitofp {self._truth} {name} to {self._kind}") for name in names]
        return names

    def _names(self, read: Read, reader: Cell) -> Names:
        """Return the names of what a cell reads; a condition is a truth."""
        if isinstance(read, Use) and at_hand(read, reader):
            return self._in_lanes(read.cell, self._now.hand[read.cell], read.cell.loops == reader.loops)
        if isinstance(read, Choice) and carried_by(read, reader) is not None:
            assert isinstance(read.others, Use)
            cell = read.others.cell
            return self._in_lanes((cell, read.one), self._now.handed_on[cell, read.one], False)
        if isinstance(read, Constant) and not read.levels:
            return [splat(literal(read.numbers[0]), self.lanes)] * self.groups
        what = "input" if isinstance(read, Input) else "read"
        key = what, _trimmed(read), self.lanes, self._across
        return self.once(key, lambda: self._fetch(read, reader), is_same(read, self._level))

    def _in_lanes(self, key: Any, names: Names, inside: bool) -> Names:
        """Return a number from around the loop whose turns stand side by side for each of them."""
        if self._across is None or inside:
            return names
        cell = key if isinstance(key, Cell) else key[0]
        kind = "i1" if cell.name in CONDITIONS else "double"
        spread = lambda: [self.function.spread(name, self.lanes, kind) for name in names]
        return self.once(("hand", key, self.lanes), spread)

    def _fetch(self, read: Read, reader: Cell) -> Names:
        if isinstance(read, Input):
            return self._load(self, read.place)
        if isinstance(read, Constant):
            table = self.module.table("double", [literal(x) for x in read.numbers])
            return [self.fetch(table, _entry(read.levels, reader))] * self.groups
        if isinstance(read, Choice):
            return self._chosen(read, reader)
        return self._load_scratch(self._pointer(read, reader), read, reader)

    def _chosen(self, read: Choice, reader: Cell) -> Names:
        """Choose between two pointers, or where one of them is none between what is read by them."""
        function = self.function
        first = function.put(f"icmp eq i64 {self._now.turns[read.level]}, {read.turn}")
        pairs = (read.one, "{other}, ptr %scratch"), (read.others, "%scratch, ptr {other}")
        if self._is_stored(read.one, reader) and self._is_stored(read.others, reader):
            pointers = [self._pointer(part, reader) for part in (read.one, read.others)]
            pointer = function.put(f"select i1 {first}, ptr {pointers[0]}, ptr {pointers[1]}")
            return self._load_scratch(pointer, read.others, reader)
        parts = []
        for part, choice in pairs:
            if self._is_stored(part, reader):  # where it is not there, the pointer is one to somewhere else
                pointer = function.put(f"select i1 {first}, ptr {choice.format(other=self._pointer(part, reader))}")
                parts.append(self._load_scratch(pointer, part, reader))
            else:
                parts.append(self._like(self._is_condition(read), part, reader))
        kind = self._truth if self._is_condition(read) else self._kind
        return [function.put(f"select i1 {first}, {kind} {a}, {kind} {b}") for a, b in zip(*parts, strict=True)]

    def _like(self, truths: bool, read: Read, reader: Cell) -> Names:
        """Return the names of what a cell reads, as truths or as numbers."""
        if truths and not self._is_condition(read):
            return [self._not_zero(name) for name in self._names(read, reader)]
        return self._names(read, reader) if truths else self._numbers(read, reader)

    def _is_stored(self, read: Read, reader: Cell) -> bool:
        return isinstance(read, Table) or (isinstance(read, Use) and not at_hand(read, reader))

    def _pointer(self, read: Read, reader: Cell) -> str:
        if isinstance(read, Use):
            return self._scratch(self.layout.of(read, len(reader.loops)))
        assert isinstance(read, Table)
        offsets = [str(self.layout.offsets[cell].at(turns)) for cell, turns in read.uses]
        table = self.module.table("i64", offsets)
        entry = self.function.nth(table, self.index(_entry(range(len(reader.loops)), reader)), "i64")
        return self.address("%scratch", self.function.load(entry, "i64"))

    def _load_scratch(self, pointer: str, read: Read, reader: Cell) -> Names:
        if self._across is not None:
            assert isinstance(read, Use)
            names = [self._row(pointer, self.step(self.layout.of(read, len(reader.loops))))]
        else:
            names = self.each(lambda g: self.function.load(self.function.nth(pointer, g, self._kind), self._kind))
        return [self._not_zero(name) for name in names] if self._is_condition(read) else names

    def _scratch(self, place: Affine) -> str:
        same = not is_other(place, self._level)
        return self.once(("at", _short(place)), lambda: self.address("%scratch", self.index(place)), same)

    def index(self, place: Place) -> str:
        """Return the name of an index that advances with the turns."""
        return self.once(("index", _short(place)), lambda: self._affine(place), not is_other(place, self._level))

    def _affine(self, place: Place) -> str:
        if isinstance(place, Scattered):
            table = self.module.table("i64", list(map(str, place.table)))
            entry = self.function.load(self.function.nth(table, self.index(place.entry), "i64"), "i64")
            return self.function.put(f"add i64 {self.index(place.even)}, {entry}")
        name = str(place.base)
        for turn, step in zip(self._now.turns, place.steps, strict=False):
            if step:
                scaled = turn if step == 1 else self.function.put(f"mul i64 {turn}, {step}")
                name = scaled if name == "0" else self.function.put(f"add i64 {scaled}, {name}")
        return name

    def once(self, key: Any, make: Callable[[], T], same: bool = False) -> T:
        """Return what was made for this key in this turn or before its loop, or make it.

        Where several turns are written into one, each has its own, unless it is the ``same`` in all of them.
        """
        own = key if same or not self._now.number else (self._now.number, key)
        for scope in reversed(self._scopes):
            for known in (own, key):
                if known in scope:
                    found: T = scope[known]
                    return found
        made = self._scopes[-1][own] = make()
        return made

    def _instruction(self, name: str, operands: Names, are_conditions: Sequence[bool]) -> str:
        row, kind, flags = row_of(name), self._kind, self.module.flags
        if isinstance(row, Condition) and not row.llvm.startswith("fcmp"):
            truths = [x if is_one else self._not_zero(x) for x, is_one in zip(operands, are_conditions, strict=True)]
            return f"{row.llvm} {self._truth} {', '.join(truths)}"
        if name == "where":
            condition = operands[0] if are_conditions[0] else self._not_zero(operands[0])
            return f"select {self._truth} {condition}, {kind} {operands[1]}, {kind} {operands[2]}"
        if isinstance(row, Condition):
            return f"{row.llvm} {kind} {', '.join(operands)}"
        if row.llvm.startswith("llvm."):
            return self.function.intrinsic(row.llvm, operands, self.lanes, flags)
        if row.llvm:
            return f"{row.llvm}{flags} {kind} {', '.join(operands)}"
        callee = self.module.helper(name, len(operands), self.lanes)
        return f"call {kind} {callee}({', '.join([f'{kind} {x}' for x in operands])})"

    def _not_zero(self, number: str) -> str:
        zero = "0.0" if self.lanes == 1 else "zeroinitializer"
        return self.function.put(f"fcmp une {self._kind} {number}, {zero}")

    def _is_condition(self, read: Read) -> bool:
        if isinstance(read, Choice):
            return self._is_condition(read.others)
        if isinstance(read, Table):
            return read.uses[0][0].name in CONDITIONS
        return isinstance(read, Use) and read.cell.name in CONDITIONS

    def _label(self, prefix: str) -> str:
        self._labels += 1
        return f"{prefix}{self._labels}"


@dataclass
class _Turn:
    """What is known of a turn: names of its numbers, of those handed on to it, and of the turns of the loops around.

    Turns that are written into one are numbered from 1.
    """

    number: int
    hand: dict[Cell, Names]
    handed_on: dict[Any, Names]
    turns: list[str]
    rows: dict[Cell, list[tuple[Place, Names]]] | None = None  # of outputs, while several turns in a row are written


def _entry(levels: Sequence[int], reader: Cell) -> Affine:
    """Return the entry of a table with one for each turn of the loops at these levels."""
    steps, length = [0] * len(reader.loops), 1
    for level in reversed(levels):
        steps[level], length = length, length * reader.loops[level].turns
    return Affine(0, tuple(steps))


def _short(place: Any) -> Any:
    """Without the loops at the end that it does not advance with: so it is the same outside of those."""
    if isinstance(place, Scattered):
        return Scattered(_short(place.even), _short(place.entry), place.table)
    steps = place.steps
    while steps and not steps[-1]:
        steps = steps[:-1]
    return Affine(place.base, steps)


def _trimmed(read: Read) -> Any:
    if isinstance(read, Input):
        return _short(read.place)
    if isinstance(read, Use):
        return read.cell, tuple(map(_short, read.where))
    return read
