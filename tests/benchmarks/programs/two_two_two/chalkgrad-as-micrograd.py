"""The 2-2-2 network written out on Values, neuron by neuron, as in micrograd's program."""

import time

from autograd import Value
from data import HIDDEN, HIDDEN_BIAS, INPUTS, LOSSES_AT, OUTPUT, OUTPUT_BIAS, RATE, TARGETS


def measure():
    layers = [[[Value(w) for w in row] for row in HIDDEN], [[Value(w) for w in row] for row in OUTPUT]]
    weights = [w for layer in layers for row in layer for w in row]

    def loss_of():
        h = [sum((w * x for w, x in zip(row, INPUTS, strict=True)), HIDDEN_BIAS).sigmoid() for row in layers[0]]
        o = [sum((w * x for w, x in zip(row, h, strict=True)), OUTPUT_BIAS).sigmoid() for row in layers[1]]
        return sum(0.5 * (t - out) ** 2 for t, out in zip(TARGETS, o, strict=True))

    losses = []
    begun = time.perf_counter()
    for step in range(1, max(LOSSES_AT) + 1):
        loss = loss_of()
        for w in weights:
            w.grad = 0
        loss.backward()
        for w in weights:
            w.data -= RATE * w.grad
        if step in LOSSES_AT:
            losses.append(loss_of().data)
    return {"time": time.perf_counter() - begun}, losses
