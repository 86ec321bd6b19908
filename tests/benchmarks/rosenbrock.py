"""Rosenbrock's function of n numbers, and a figure for each program: seconds to compile and seconds a call."""

import itertools
import time


def rosenbrock(x):
    """Return Σ (1 − xᵢ)² + 100 (xᵢ₊₁ − xᵢ²)², for any kind of number."""
    total = 0.0
    for a, b in itertools.pairwise(x):
        total = total + (1 - a) ** 2 + 100 * (b - a * a) ** 2
    return total


def start(n):
    """A point that is no minimum."""
    return [0.5 + 0.3 * ((7 * i) % 11 - 5) / 5 for i in range(n)]


def measured(prepare, numbers):
    """A `measure()`: the time until the first result is there, then the time of one call among many.

    `prepare()` returns a function of no arguments, and `numbers(result)` the numbers to agree on.
    """

    def measure():
        begun = time.perf_counter()
        call = prepare()
        result = call()
        figures = {"first call time": time.perf_counter() - begun}
        call()
        count = 1
        while True:
            begun = time.perf_counter()
            for _ in range(count):
                call()
            spent = time.perf_counter() - begun
            if spent > 0.05:
                break
            count *= 4
        figures["time"] = spent / count
        return figures, numbers(result)

    return measure
