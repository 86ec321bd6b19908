"""How many turns of a loop can be taken at a time: side by side in the lanes, as rows of outputs, or written as one."""

from __future__ import annotations

from typing import Any

from autograd.compiler.program.instructions import OUTPUT
from autograd.compiler.program.layout import Layout
from autograd.compiler.program.nest import (
    Affine,
    Cell,
    Choice,
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
from autograd.compiler.program.procedures import is_transfer
from autograd.compiler.program.roll import Loop

LONGEST = 16  # cells in a loop of which several turns are written as one


def handed_on_by(loop: Loop, cells: list[Cell]) -> dict[Any, Cell]:
    """Return what the turns of a loop hand on: the cell, and what the first turn reads instead, with a reader."""
    found: dict[Any, Cell] = {}
    for cell in cells:
        waiting = list(cell.reads)
        while waiting:
            read = waiting.pop()
            if isinstance(read, Choice):
                waiting += (read.one, read.others)
                if carried_by(read, cell) is loop:
                    assert isinstance(read.others, Use)
                    found.setdefault((read.others.cell, read.one), cell)
    return found


def side_by_side(nest: Nest, layout: Layout, loop: Loop, body: Terms, level: int, width: int) -> int:
    """Return how many turns of a loop can stand side by side: none that needs what another computes."""
    cells = [term for term in body.terms if isinstance(term, Cell)]
    inside = set(cells)
    if len(cells) < len(body.terms) or inside & nest.used_after or any(is_transfer(c.name) for c in cells):
        return 1
    if any(cell.stored and not (cell.depth == level + 1 and cell.kept[level]) for cell in cells):
        return 1
    if not all(_is_row(layout, read, cell, level, inside) for cell in cells for read in cell.reads):
        return 1
    return max(n for n in (1, 2, 4, 8) if n <= min(width, loop.turns))


def _is_row(layout: Layout, read: Read, reader: Cell, level: int, inside: set[Cell]) -> bool:
    if isinstance(read, Choice):
        parts = (read.one, read.others)
        steps = {layout.of(p, level + 1).steps[level] for p in parts if isinstance(p, Use) and p.cell.stored}
        # where only one of them has a place, the other row is read from the first place on, and not backwards
        alike = len(steps) < 2 and min(steps, default=0) >= 0
        return read.level != level and alike and all(_is_row(layout, p, reader, level, inside) for p in parts)
    if isinstance(read, Use):
        return at_hand(read, reader) or read.cell not in inside
    if isinstance(read, Input) and isinstance(read.place, Scattered):
        return not read.place.entry.varies(level)
    return not isinstance(read, Table)


def gives_rows(loop: Loop, body: Terms, level: int) -> bool:
    """Whether the turns of a loop give outputs that follow each other, and hand nothing on."""
    cells = [term for term in body.terms if isinstance(term, Cell)]
    places = [cell.reads[1] for cell in cells if cell.name == OUTPUT]
    rows = [isinstance(x, Input) and isinstance(x.place, Affine) and x.place.steps[level] == 1 for x in places]
    return (
        bool(rows)
        and all(rows)
        and len(cells) == len(body.terms)
        and not any(is_transfer(cell.name) for cell in cells)
        and not handed_on_by(loop, cells)
    )


def written_together(loop: Loop, body: Terms, level: int, most: int) -> int:
    """Return how many turns of a loop are written as one, ``most`` where its inner loops read the same in each."""
    inner = [term.body for term in body.terms if isinstance(term, Turns)]
    cells = list(body.cells())
    if len(cells) > LONGEST or any(isinstance(term, Turns) for terms in inner for term in terms.terms):
        return 1
    if any(is_transfer(cell.name) for cell in cells) or handed_on_by(loop, cells):
        return 1
    if not all(_is_own(read, cell, set(cells)) for cell in cells for read in cell.reads):
        return 1
    reads = [(read, cell) for terms in inner for cell in terms.cells() for read in operands(cell)]
    # from memory, the same in all turns of this loop, another in each of the inner one
    again = [read for read, cell in reads if is_same(read, level) and not _is_at_hand(read, cell)]
    return min(most, loop.turns) if any(_varies(read, level + 1) for read in again) else 1


def is_same(read: Read, level: int) -> bool:
    """Whether it is the same number in all turns of a loop, for one that is no choice."""
    places = read.where if isinstance(read, Use) else [read.place] if isinstance(read, Input) else None
    return places is not None and not any(is_other(place, level) for place in places)


def _is_own(read: Read, reader: Cell, inside: set[Cell]) -> bool:
    """Whether a turn reads nothing that another turn of the loop computes, by way of memory."""
    if isinstance(read, Choice):
        handed_on = carried_by(read, reader) is not None
        return _is_own(read.one, reader, inside) and (handed_on or _is_own(read.others, reader, inside))
    if isinstance(read, Use):
        return at_hand(read, reader) or read.cell not in inside
    return not isinstance(read, Table)


def is_other(place: Place, level: int) -> bool:
    """Whether it is another place in each turn of this loop, or may be."""
    if isinstance(place, Scattered):
        return is_other(place.even, level) or is_other(place.entry, level)
    return any(place.steps[level : level + 1])


def operands(cell: Cell) -> list[Read]:
    """Return what a cell reads, without the number of a result."""
    return cell.reads[:1] if cell.name == OUTPUT else cell.reads


def _is_at_hand(read: Read, reader: Cell) -> bool:
    return isinstance(read, Use) and at_hand(read, reader)


def _varies(read: Read, level: int) -> bool:
    places = read.where if isinstance(read, Use) else [read.place] if isinstance(read, Input) else []
    return any(place.varies(level) for place in places)
