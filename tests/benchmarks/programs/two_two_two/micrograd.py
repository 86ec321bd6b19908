"""The 2-2-2 network on micrograd's Value; its sigmoid is added the way its engine adds relu."""

import math
import time

from micrograd.engine import Value

from data import HIDDEN, HIDDEN_BIAS, INPUTS, LOSSES_AT, OUTPUT, OUTPUT_BIAS, RATE, TARGETS


def sigmoid(x):
    s = 1 / (1 + math.exp(-x.data))
    out = Value(s, (x,), "sigmoid")

    def _backward():
        x.grad += s * (1 - s) * out.grad

    out._backward = _backward
    return out


def measure():
    layers = [[[Value(w) for w in row] for row in HIDDEN], [[Value(w) for w in row] for row in OUTPUT]]
    weights = [w for layer in layers for row in layer for w in row]

    def loss_of():
        h = [sigmoid(sum((w * x for w, x in zip(row, INPUTS, strict=True)), HIDDEN_BIAS)) for row in layers[0]]
        o = [sigmoid(sum((w * x for w, x in zip(row, h, strict=True)), OUTPUT_BIAS)) for row in layers[1]]
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
