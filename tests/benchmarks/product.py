"""One product a * b, made and freed."""

import itertools
import time

COUNT = 200_000


def seconds_of(a, b):
    """Seconds a product, the least of 20 readings, with the loop's own share taken off."""

    def reading():
        begun = time.perf_counter()
        for _ in itertools.repeat(None, COUNT):
            a * b
        made = time.perf_counter()
        for _ in itertools.repeat(None, COUNT):
            pass
        return (2 * made - begun - time.perf_counter()) / COUNT

    return min(reading() for _ in range(20))
