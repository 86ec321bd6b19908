"""One product a * b, made and freed: seconds a product, the loop's own share taken off."""

import itertools
import time

from micrograd.engine import Value

COUNT = 200_000


def measure():
    a, b = Value(0.1), Value(0.2)

    def seconds():
        begun = time.perf_counter()
        for _ in itertools.repeat(None, COUNT):
            a * b
        made = time.perf_counter()
        for _ in itertools.repeat(None, COUNT):
            pass
        return (2 * made - begun - time.perf_counter()) / COUNT

    return {"time": min(seconds() for _ in range(20))}, [(a * b).data]
