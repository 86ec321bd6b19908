"""A million steps of x = x*a + b: forward, backward and free, each timed, and the memory at its peak."""

import time

from autograd import Value
from clock import peak_memory

LENGTH = 1_000_000


def measure():
    a, b, first = Value(0.999999), Value(1e-6), Value(0.5)
    begun = time.perf_counter()
    x = first
    for _ in range(LENGTH):
        x = x * a + b
    forward = time.perf_counter()
    x.backward()
    backward = time.perf_counter()
    result = [x.data, first.grad, a.grad, b.grad]
    del x
    freed = time.perf_counter()
    figures = {
        "time": freed - begun,
        "forward time": forward - begun,
        "backward time": backward - forward,
        "free time": freed - backward,
        "peak memory": peak_memory(),
    }
    return figures, result
