"""ddx-ad: the loss of one sample as a model, compiled for a batch of 100; mean and update with NumPy."""

import ddx
import numpy as np

from nets import DECAY, RATE, layers, start


def prepare():
    points, labels, flat = start()

    @ddx.equation
    def loss():
        p = [ddx.var(f"p{i}") for i in range(len(flat))]
        hidden = [ddx.param("x0"), ddx.param("x1")]
        *inner, last = layers(p)
        for neurons in inner:
            sums = []
            for w, b in neurons:
                z = b
                for a, h in zip(w, hidden, strict=True):
                    z = z + a * h
                sums.append(ddx.select(z > 0.0, z, 0.0))
            hidden = sums
        ((w, b),) = last
        score = b
        for a, h in zip(w, hidden, strict=True):
            score = score + a * h
        margin = 1.0 - ddx.param("t") * score
        return ddx.select(margin > 0.0, margin, 0.0)

    at = np.empty((len(flat) + 3, len(points)))
    at[len(flat) : -1] = np.array(points).T
    at[-1] = labels
    parameters = np.array(flat)
    at[: len(flat)] = parameters[:, None]
    loss.compile(points=len(points))
    call = loss.buffer(at)

    def step():
        nonlocal parameters
        call.x[: len(flat)] = parameters[:, None]
        call()
        value = call.value.mean() + DECAY * (parameters @ parameters)
        parameters = parameters - RATE * (call.jacobian.mean(1) + 2.0 * DECAY * parameters)
        return float(value)

    return step
