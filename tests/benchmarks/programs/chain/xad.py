"""The same chain on XAD's tape: adjoint mode, written in C++."""

import time

import xad.adj_1st as xadj

from clock import peak_memory

LENGTH = 1_000_000


def measure():
    a, b, first = xadj.Real(0.999999), xadj.Real(1e-6), xadj.Real(0.5)
    begun = time.perf_counter()
    with xadj.Tape() as tape:
        for number in (a, b, first):
            tape.registerInput(number)
        tape.newRecording()
        x = first
        for _ in range(LENGTH):
            x = x * a + b
        forward = time.perf_counter()
        tape.registerOutput(x)
        x.derivative = 1.0
        tape.computeAdjoints()
        backward = time.perf_counter()
        result = [x.value, first.derivative, a.derivative, b.derivative]
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
