"""The 2-2-2 network on fastdual's dual numbers, written out neuron by neuron: forward mode, written in C."""

import time

from fastdual import Dual, der

from data import HIDDEN, HIDDEN_BIAS, INPUTS, LOSSES_AT, OUTPUT, OUTPUT_BIAS, RATE, TARGETS


def sigmoid(x):
    return 1.0 / (1.0 + (-x).exp())


def measure():
    data = [w for rows in (HIDDEN, OUTPUT) for row in rows for w in row]

    def loss_of(w):
        layers = [[w[0:2], w[2:4]], [w[4:6], w[6:8]]]
        h = [sigmoid(sum((w * x for w, x in zip(row, INPUTS, strict=True)), HIDDEN_BIAS)) for row in layers[0]]
        o = [sigmoid(sum((w * x for w, x in zip(row, h, strict=True)), OUTPUT_BIAS)) for row in layers[1]]
        return sum(0.5 * (t - out) ** 2 for t, out in zip(TARGETS, o, strict=True))

    losses = []
    begun = time.perf_counter()
    for step in range(1, max(LOSSES_AT) + 1):
        weights = [Dual(number) for number in data]
        loss = loss_of(weights)
        data = [number - RATE * der(loss, w) for number, w in zip(data, weights, strict=True)]
        if step in LOSSES_AT:
            losses.append(loss_of([Dual(number) for number in data]).val)
    return {"time": time.perf_counter() - begun}, losses
