"""Loops again from a flat program: the turns of a loop have the same instructions, and places that advance evenly.

A trace is flat, and long where the function had loops. They are found as in nested loop recognition (Ketterlin and
Clauss, *Prediction and Trace Compression of Data Access Addresses through Nested Loop Recognition*, CGO 2008): terms go
on a stack, and where its last three blocks are alike and their places advance by the same differences, they are the
first three turns of a loop, which is one term from then on. As many further turns as there are, are found by comparing
the program with itself, one turn back; so only the first turns of each loop are looked at one by one.

The instructions stay as they are and in their order, so a term says only where it is. Constants may differ from turn to
turn. Where they are ``scattered``, so may the inputs that are read and the numbers of the results: a triangle of
weights is stored row behind row, and its columns advance in steps that grow. Such loops are looked for among the terms
that are there already, so where places advance evenly, they go on to do so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from .conditions import CONDITIONS
from .instructions import OUTPUT, WIDEST, Instructions

TRIED = 24  # lengths of a turn that are tried for each term, the shortest first


class Step(NamedTuple):
    """An instruction, by its number in the flat program; in a loop, by its number in the first turn."""

    number: int


class Loop(NamedTuple):
    """``turns`` times the terms ``body``, each time ``length`` instructions of the flat program."""

    turns: int
    length: int
    body: tuple[Step | Loop, ...]


Term = Step | Loop


def roll(inputs: Sequence[int], instructions: Instructions, scattered: bool = False) -> tuple[Term, ...]:
    """Find the loops of a program with so many inputs of each kind; no place goes from one kind to another."""
    codes, places, free = _tables(inputs, instructions)
    terms = _Recogniser(codes, places, places, 0, len(instructions)).of_steps()
    return _scattered(terms, codes, places, free, 0, len(instructions), ()) if scattered else tuple(terms)


def _scattered(
    terms: Iterable[Term], codes: Any, places: Any, free: Any, begin: int, end: int, around: tuple[int, ...]
) -> tuple[Term, ...]:
    """Find more loops among terms and those inside of them, where the ``free`` places advance evenly."""
    found: list[Term] = []
    for term in terms:
        if isinstance(term, Loop):
            first = _begin(term)
            lengths = (*around, term.length)
            body = _scattered(term.body, codes, places, free, first, first + term.length, lengths)
            found.append(Loop(term.turns, term.length, body))
        else:
            found.append(term)
    return tuple(_Recogniser(codes, free, places, begin, end, around).of_terms(found))


def _begin(term: Term) -> int:
    """Return the number of the first instruction."""
    while isinstance(term, Loop):
        term = term.body[0]
    return term.number


def size(terms: Iterable[Term]) -> int:
    """Return the number of instructions, each that is in a loop counted once."""
    return sum(1 for _ in numbers(terms))


def advances(instructions: Instructions, number: int, loops: Iterable[Loop]) -> list[list[int]]:
    """Return for each loop around a step by how much the places of its operands advance in a turn."""
    first = instructions[number].operands
    turned = [instructions[number + loop.length].operands for loop in loops]
    return [[0 if a < 0 else b - a for a, b in zip(first, after, strict=True)] for after in turned]


def unrolled(instructions: Instructions, terms: Iterable[Term]) -> Iterator[tuple[int, list[int]]]:
    """Go through the steps of all turns in order: the number in the flat program, and the places of the operands.

    The places follow from the first turns; a constant alone is looked up, since it may be another one in each turn.
    """

    def walk(
        terms: Iterable[Term], ahead: int, around: tuple[tuple[Loop, int], ...]
    ) -> Iterator[tuple[int, list[int]]]:
        for term in terms:
            if isinstance(term, Loop):
                for turn in range(term.turns):
                    yield from walk(term.body, ahead + turn * term.length, (*around, (term, turn)))
                continue
            places = list(instructions[term.number].operands)
            for (_, turn), steps in zip(around, advances(instructions, term.number, [loop for loop, _ in around])):
                places = [place + turn * step for place, step in zip(places, steps, strict=True)]
            own = instructions[term.number + ahead].operands
            yield term.number + ahead, [a if a >= 0 else b for a, b in zip(places, own, strict=True)]

    return walk(terms, 0, ())


class _Recogniser:
    """The stack of terms, and beside it what each of them is known by.

    The instructions go from ``begin`` to ``end``; they are those of the first turn of loops ``around`` of such lengths.
    """

    def __init__(
        self, codes: Any, places: Any, all_places: Any, begin: int, end: int, around: tuple[int, ...] = ()
    ) -> None:
        self.codes, self.places, self.all_places, self.around = codes, places, all_places, around
        self.count = end
        self.stack: list[Term] = []
        self.begins: list[int] = []  # of each term, the number of its first instruction
        self.kinds: list[int] = []  # of each term, a number that like terms share
        self.known: dict[Any, int] = {}
        self.at: dict[int, list[int]] = defaultdict(list)  # where terms of a kind are on the stack
        self.end = begin  # of the instructions that the stack holds
        self.ends: set[int] | None = None  # where a term ends, if there are loops among them
        self.odd: dict[int, int] = {}  # by the length of a turn, the last place found that does not advance evenly
        self.unlike: dict[int, int] = {}  # by the terms in a turn, the last found that is not like that a turn before

    def of_steps(self) -> list[Term]:
        """Return the terms that all the instructions make."""
        while self.end < self.count:
            self._add(Step(self.end), self.end, int(self.codes[self.end]), 1)
        return self.stack

    def of_terms(self, given: list[Term]) -> list[Term]:
        """Return these terms, which follow each other, with more loops among them."""
        self.ends = {*[_begin(term) for term in given], self.count}
        for term in given:
            begin = _begin(term)
            if begin == self.end:  # else it is in a loop by now
                self._add(term, begin, self._kind(term), 1 if isinstance(term, Step) else term.turns * term.length)
        return self.stack

    def _add(self, term: Term, begin: int, kind: int, length: int) -> None:
        self._push(term, begin, kind)
        self.end = begin + length
        while self._fold():
            pass

    def _kind(self, term: Term) -> int:
        """Return a number that like terms share."""
        if isinstance(term, Step):
            return int(self.codes[term.number])
        kinds = tuple(map(self._kind, term.body))
        return self._known(term.turns, term.length, kinds, term.body, self.all_places)

    def _known(self, turns: int, length: int, kinds: tuple[int, ...], body: tuple[Term, ...], places: Any) -> int:
        kind = (turns, length, kinds, self._advance(body, length, places))
        return self.known.setdefault(kind, -1 - len(self.known))

    def _push(self, term: Term, begin: int, kind: int) -> None:
        self.at[kind].append(len(self.stack))
        self.stack.append(term)
        self.begins.append(begin)
        self.kinds.append(kind)

    def _fold(self) -> bool:
        """Make a loop of the last terms, where there is one; a short turn goes before a long one."""
        top = len(self.stack)
        for place in self.at[self.kinds[-1]][-2 : -2 - TRIED : -1]:
            size = top - 1 - place  # terms in a turn
            if 3 * size > top:
                return False
            if self.unlike.get(size, -1) < top - 2 * size and self._is_loop(top, size):
                self._replace(top - 3 * size, size)
                return True
        return False

    def _is_loop(self, top: int, size: int) -> bool:
        """Whether the last three blocks of so many terms are alike, and advance evenly."""
        kinds, length = self.kinds, self.end - self.begins[top - size]
        if self.odd.get(length, -1) >= self.end - length:
            return False
        for place in range(top - 1, top - 2 * size - 1, -1):
            if kinds[place] != kinds[place - size]:
                self.unlike[size] = place
                return False
        uneven = self._uneven(self.end - length, self.end, length)
        if uneven.any():
            self.odd[length] = self.end - 1 - int(uneven[::-1].argmax())
            return False
        return True

    def _uneven(self, begin: int, end: int, length: int) -> Any:
        """Tell for each instruction whether its places advance otherwise than in the turn before."""
        places = self.places
        here, before, first = [places[begin - back : end - back] for back in (0, length, 2 * length)]
        uneven = (here - before != before - first).any(axis=1)
        for turn in self.around:  # each turn of the loops around advances all of this by the same
            ahead = places[begin + turn : end + turn] - here
            ahead_before = places[begin - length + turn : end - length + turn] - before
            uneven |= (ahead != ahead_before).any(axis=1)
        return uneven

    def _replace(self, first: int, size: int) -> None:
        """Put a loop in the place of its first three turns, and take in all further ones."""
        begin = self.begins[first]
        length = (self.end - begin) // 3
        body = tuple(self.stack[first : first + size])
        count = 3 + self._further(length)
        while self.ends is not None and begin + count * length not in self.ends:
            count -= 1
        kind = self._known(count, length, tuple(self.kinds[first : first + size]), body, self.places)
        for place in range(len(self.stack) - 1, first - 1, -1):
            self.at[self.kinds[place]].pop()
        del self.stack[first:], self.begins[first:], self.kinds[first:]
        self.unlike = {size: place for size, place in self.unlike.items() if place < first}
        self.end = begin + count * length
        self._push(Loop(count, length, body), begin, kind)

    def _further(self, length: int) -> int:
        """Return how many more turns follow."""
        at, chunk = self.end, max(4 * length, 256)
        while at < self.count:
            stop = min(at + chunk, self.count)
            other = self._uneven(at, stop, length) | (self.codes[at:stop] != self.codes[at - length : stop - length])
            if other.any():
                at += int(other.argmax())
                break
            at, chunk = stop, 2 * chunk
        return (at - self.end) // length

    def _advance(self, body: tuple[Term, ...], length: int, places: Any) -> bytes:
        """By how much each place in a loop advances in a turn."""
        import numpy as np

        steps = np.array(list(numbers(body)))
        advance: bytes = (places[steps + length] - places[steps]).tobytes()
        return advance


def _tables(inputs: Sequence[int], instructions: Instructions) -> tuple[Any, Any, Any]:
    """Return a code for each instruction, its name and the kinds of its operands, and the places of those.

    The outcome of a comparison is of a kind of its own, since it is no number in machine code.

    A constant has the place 0, so that it may be another one in each turn; in the second table of places, an input and
    the number of a result have so too.
    """
    import numpy as np

    places, results = instructions.places, np.zeros(len(instructions), bool)
    kinds = np.searchsorted(np.cumsum([0, *inputs]), places, side="right")  # 0 for a constant
    if OUTPUT in instructions.names:
        results = instructions.codes == instructions.names.index(OUTPUT)
    of_conditions = np.isin(instructions.codes, [k for k, name in enumerate(instructions.names) if name in CONDITIONS])
    first = sum(inputs)
    kinds[(places >= first) & of_conditions[np.clip(places - first, 0, len(instructions) - 1)]] = len(inputs) + 2
    several = len(inputs) + 3
    kinds[results, 1] = 0
    codes = instructions.codes * several**WIDEST + kinds @ several ** np.arange(WIDEST)
    free = np.where(places < first, 0, places)
    free[results, 1] = 0
    return codes, np.where(places < 0, 0, places), free


def numbers(terms: Iterable[Term]) -> Iterator[int]:
    """Go through the numbers of the steps, those in loops too."""
    for term in terms:
        if isinstance(term, Step):
            yield term.number
        else:
            yield from numbers(term.body)
