"""The 2-2-2 network's training as a function from parameters to parameters, repeated in machine code."""

from autograd import dot, grad, jit, sigmoid, square
from data import HIDDEN, HIDDEN_BIAS, INPUTS, LOSSES_AT, OUTPUT, OUTPUT_BIAS, RATE, TARGETS


def loss(p):
    hidden = [sigmoid(dot(p[2 * i : 2 * i + 2], INPUTS, HIDDEN_BIAS)) for i in range(2)]
    outputs = [sigmoid(dot(p[4 + 2 * i : 6 + 2 * i], hidden, OUTPUT_BIAS)) for i in range(2)]
    return 0.5 * (square(TARGETS[0] - outputs[0]) + square(TARGETS[1] - outputs[1]))


def prepare(**options):
    begin = [w for row in (*HIDDEN, *OUTPUT) for w in row]
    slope = grad(loss)
    train = jit(lambda p: [w - RATE * g for w, g in zip(p, slope(p), strict=True)], **options)
    value = jit(loss)
    return lambda: value(train.repeat(max(LOSSES_AT), begin))
