"""The step with an MLP that its user wrote out, on XAD's tape: adjoint mode, written in C++."""

import xad.adj_1st as xadj
from xad.math import max as larger

from data import moons, weights


def prepare():
    points, labels = moons()
    data = weights()

    def model(layers, x):
        for layer in layers:
            x = [sum((wi * xi for wi, xi in zip(w, x, strict=True)), b) for w, b in layer]
            if layer is not layers[-1]:
                x = [larger(z, 0.0) for z in x]
        return x[0]

    def step():
        with xadj.Tape() as tape:
            parameters = [xadj.Real(number) for number in data]
            for p in parameters:
                tape.registerInput(p)
            tape.newRecording()
            reals = iter(parameters)
            layers = [
                [([next(reals) for _ in range(inputs)], next(reals)) for _ in range(outputs)]
                for inputs, outputs in ((2, 16), (16, 16), (16, 1))
            ]
            scores = [model(layers, point) for point in points]
            losses = [larger(1 + -label * score, 0.0) for label, score in zip(labels, scores, strict=True)]
            data_loss = sum(losses) * (1.0 / len(losses))
            loss = data_loss + 1e-4 * sum(p * p for p in parameters)
            tape.registerOutput(loss)
            loss.derivative = 1.0
            tape.computeAdjoints()
            data[:] = [number - 0.1 * p.derivative for number, p in zip(data, parameters, strict=True)]
            return loss.value

    return step
