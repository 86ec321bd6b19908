"""A large batch in pieces, over all cores."""

from __future__ import annotations

import contextlib
import functools
import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import NamedTuple

PIECE = 8_000_000  # weight times samples in a piece of work, about half a millisecond: what a thread takes at a time
MOST = 64  # pieces, since each has sums of its own


class Piece(NamedTuple):
    """Samples that are one piece of work, and its number."""

    number: int
    begin: int
    end: int


def samples_in_piece(weight: int, whole: int) -> int:
    """Return how many samples are one piece of work, if a loop takes a ``whole`` of them at a time.

    It depends on the program alone, so that sums keep their order.
    """
    return max(1, PIECE // weight // whole) * whole


def pieces(count: int, weight: int, whole: int, width: int) -> list[Piece]:
    """Cut ``count`` samples, one at least, into pieces that are about as long, and none narrower than a vector."""
    step = -(-count // min(MOST, -(-count // samples_in_piece(weight, whole))))
    begins = list(range(0, count, -(-step // whole) * whole))
    if len(begins) > 1 and count - begins[-1] < width:
        begins.pop()
    return list(map(Piece, range(len(begins)), begins, [*begins[1:], count]))


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_cores(), "chalkgrad")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # a new process has none of its threads


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_in_pieces(work: Callable[[Piece], None], parts: list[Piece]) -> None:
    """Do the work for all pieces, over all cores if there are several. The GIL is free then.

    What is raised in one of them is raised here, and no other piece is begun after that.
    """
    left = iter(parts)  # each thread takes the next one

    def some() -> None:
        try:
            deque(map(work, left), maxlen=0)
        except BaseException:
            deque(left, maxlen=0)
            raise

    futures: list[Future[None]] = []
    try:
        with contextlib.suppress(RuntimeError):  # no thread can be had, as when the interpreter ends
            for _ in range(min(_cores(), len(parts)) - 1):  # besides this thread
                futures.append(_pool().submit(some))
        some()
    finally:
        begun = [future for future in futures if not future.cancel()]  # the others have nothing left to do
        interrupt = None
        while not all(future.done() for future in begun):
            try:
                wait(begun)
            except KeyboardInterrupt as error:  # what they write into must stay until they have ended
                interrupt = error
        if interrupt is not None:
            raise interrupt
    for future in begun:
        future.result()
