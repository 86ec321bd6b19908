"""Instructions as tables, since a program may have a million of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

WIDEST = 3  # operands of an instruction at most
MISSING = -(2**62)  # in the place of an operand that is not there
NO_OPERAND = -(2**31)  # the same in four bytes: in a trace, and in a pickle
OUTPUT = "output"  # an instruction that hands its first operand out, as the result of the number that is its second


class Instruction(NamedTuple):
    """``name`` of an operation, and its operands: the number of a value, or ``~k`` for the program's constant k."""

    name: str
    operands: tuple[int, ...]


class Instructions(Sequence[Instruction]):
    """A sequence of instructions: ``names``, the code of each one's name, and a row of the places of its operands."""

    def __init__(self, names: Sequence[str], codes: Any, places: Any) -> None:
        self.names, self.codes, self.places = tuple(names), codes, places

    @classmethod
    def of(cls, instructions: Iterable[tuple[str, tuple[int, ...]]]) -> Instructions:
        """Put instructions into tables."""
        import numpy as np

        if isinstance(instructions, Instructions):
            return instructions
        names, operands = list(zip(*instructions, strict=True)) or ((), ())
        known: dict[str, int] = {}
        codes = np.fromiter([known.setdefault(name, len(known)) for name in names], np.int64, len(names))
        counts = np.fromiter(map(len, operands), np.int64, len(names))
        places = np.full((len(names), WIDEST), MISSING)
        flat = np.fromiter(itertools.chain.from_iterable(operands), np.int64, int(counts.sum()))
        places[np.arange(WIDEST) < counts[:, None]] = flat
        return cls(tuple(known), codes, places)

    def __reduce__(self) -> tuple[Any, ...]:  # in half the bytes: places are below 2³¹
        import numpy as np

        places = np.where(self.places == MISSING, NO_OPERAND, self.places).astype(np.int32)
        return widened, (self.names, self.codes.astype(np.int32), places)

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, i: Any) -> Any:
        if isinstance(i, slice):
            return tuple(self)[i]
        return self._one(int(self.codes[i]), self.places[i].tolist())

    def __iter__(self) -> Iterator[Instruction]:
        return map(self._one, self.codes.tolist(), self.places.tolist())

    def _one(self, code: int, places: list[int]) -> Instruction:
        return Instruction(self.names[code], tuple([place for place in places if place != MISSING]))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (Instructions, tuple)) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def operands(self, nothing: int, backwards: bool = False) -> Iterator[tuple[int, ...]]:
        """Go through the places of the operands, with ``nothing`` where there is no value."""
        import numpy as np

        places = np.where(self.places < 0, nothing, self.places)[:: -1 if backwards else 1]
        return zip(*[places[:, i].tolist() for i in range(WIDEST)], strict=True)

    def moved(self, new: Any, chosen: Any = slice(None)) -> Instructions:
        """Return the chosen instructions, with values at new places."""
        return Instructions(self.names, self.codes[chosen], moved(self.places[chosen], new))


def widened(names: Sequence[str], codes: Any, places: Any) -> Instructions:
    """Return the instructions of tables with fewer bytes, where ``NO_OPERAND`` stands for a missing operand."""
    import numpy as np

    wide = places.astype(np.int64)
    return Instructions(names, codes.astype(np.int64), np.where(wide == NO_OPERAND, MISSING, wide))


def moved(places: Any, new: Any) -> Any:
    """Return places with ``new[place]`` for each place of a value; constants stay."""
    import numpy as np

    places = np.asarray(places, np.int64)
    return np.where(places < 0, places, np.asarray(new)[np.maximum(places, 0)]) if len(new) else places
