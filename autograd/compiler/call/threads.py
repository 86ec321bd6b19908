"""A large batch in pieces, over all cores."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

PIECE = 8_000_000  # weight times samples in a piece of work, about a millisecond: what a thread takes at a time


def samples_in_piece(weight: int, whole: int) -> int:
    """Return how many samples are one piece of work, if a loop takes a ``whole`` of them at a time.

    It depends on the program alone, so that sums keep their order. Each piece has its own, and two wholes at least.
    """
    return max(1, PIECE // weight // whole) * whole


def even_piece(count: int, weight: int, whole: int) -> int:
    """Return how many of ``count`` samples, one at least, are a piece, if all pieces are about as long."""
    pieces = -(-count // samples_in_piece(weight, whole))
    return -(-count // (pieces * whole)) * whole


def run_in_pieces(work: Callable[[int, int], None], count: int, step: int, width: int) -> None:
    """Do the work for all samples, so many at a time, over all cores if it is several times. The GIL is free then."""
    spans = _spans(count, step, width)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if len(spans) < 2 or cores < 2:
        for span in spans:
            work(*span)
        return
    with ThreadPoolExecutor(min(cores, len(spans))) as pool:
        futures = []
        try:
            try:
                for span in spans:
                    futures.append(pool.submit(work, *span))
            except RuntimeError:  # no thread can be had, as when the interpreter ends
                for span in spans[len(futures) :]:
                    work(*span)
            for future in futures:
                future.result()
        finally:
            for future in futures:
                future.cancel()


def _spans(count: int, step: int, width: int) -> list[tuple[int, int]]:
    """Return where each piece begins and ends; none is narrower than a vector."""
    begins = list(range(0, count, step))
    if len(begins) > 1 and count - begins[-1] < width:
        begins.pop()
    return list(zip(begins, [*begins[1:], count], strict=True))
