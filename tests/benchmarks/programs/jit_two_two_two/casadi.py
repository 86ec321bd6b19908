"""CasADi: the step mapped over itself, 10,000 times, as C that gcc compiles."""

import casadi as ca

from data import HIDDEN, HIDDEN_BIAS, INPUTS, LOSSES_AT, OUTPUT, OUTPUT_BIAS, RATE, TARGETS


def prepare():
    p = ca.SX.sym("p", 8)

    def sigmoid(z):
        return 1 / (1 + ca.exp(-z))

    hidden = [sigmoid(p[2 * i] * INPUTS[0] + p[2 * i + 1] * INPUTS[1] + HIDDEN_BIAS) for i in range(2)]
    outputs = [sigmoid(p[4 + 2 * i] * hidden[0] + p[5 + 2 * i] * hidden[1] + OUTPUT_BIAS) for i in range(2)]
    loss = 0.5 * sum((t - y) ** 2 for t, y in zip(TARGETS, outputs, strict=True))
    step = ca.Function("step", [p], [p - RATE * ca.gradient(loss, p)])
    options = {"jit": True, "compiler": "shell", "jit_options": {"flags": ["-O3", "-march=native"]}}
    begin = ca.MX.sym("begin", 8)
    value = ca.Function("value", [p], [loss])
    train = ca.Function("train", [begin], [value(step.fold(max(LOSSES_AT))(begin))], options)
    start = ca.DM([w for row in (*HIDDEN, *OUTPUT) for w in row])
    return lambda: float(train(start))
