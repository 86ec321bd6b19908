"""The step for one sample, compiled, and averaged over the batch in one call with the update."""

import numpy as np
from wide import RATE, start

from rosenbrock import measured


def prepare(**options):
    from autograd import dot, jit, logsumexp, value_and_grad

    def loss(layers, x, t):
        for k, (rows, biases) in enumerate(layers):
            z = [dot(row, x, b) for row, b in zip(rows, biases, strict=True)]
            x = [v.relu() for v in z] if k + 1 < len(layers) else z
        return logsumexp(x) - dot(x, t)

    def update(result, layers):
        slopes = result[1]
        return [
            ([[w - RATE * g for w, g in zip(*pair, strict=True)] for pair in zip(rows, d, strict=True)],
             [b - RATE * g for b, g in zip(biases, e, strict=True)])
            for (rows, biases), (d, e) in zip(layers, slopes, strict=True)
        ]  # fmt: skip

    layers, points, classes = start()
    layers = [(np.array(rows), np.array(biases)) for rows, biases in layers]
    points, classes = np.array(points), np.array(classes)
    step = jit(value_and_grad(loss), in_axes=(None, 0, 0), **options)

    def packed(result, layers):
        return [(np.array(rows), np.array(biases)) for rows, biases in update(result, layers)]

    return lambda: step.mean(layers, points, classes, then=packed)


measure = measured(prepare, lambda layers: [float(x) for rows, biases in layers for x in (*rows.ravel(), *biases)])
