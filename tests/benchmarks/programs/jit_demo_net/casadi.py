"""CasADi: loss and gradient of one sample, mapped over the batch, and the update, as C that gcc compiles."""

import casadi as ca
import numpy as np

from nets import DECAY, RATE, layers, start


def prepare():
    points, labels, flat = start()
    p, x, t = ca.SX.sym("p", len(flat)), ca.SX.sym("x", 2), ca.SX.sym("t")
    hidden = [x[0], x[1]]
    *inner, last = layers([p[i] for i in range(len(flat))])
    for neurons in inner:
        hidden = [ca.fmax(b + sum(a * h for a, h in zip(w, hidden, strict=True)), 0) for w, b in neurons]
    ((w, b),) = last
    loss = ca.fmax(1 - t * (b + sum(a * h for a, h in zip(w, hidden, strict=True))), 0)
    sample = ca.Function("sample", [p, x, t], [loss, ca.gradient(loss, p)])
    all_p, all_x, all_t = ca.MX.sym("p", len(flat)), ca.MX.sym("x", 2, len(points)), ca.MX.sym("t", 1, len(points))
    losses, slopes = sample.map(len(points))(ca.repmat(all_p, 1, len(points)), all_x, all_t)
    value = ca.sum2(losses) / len(points) + DECAY * ca.dot(all_p, all_p)
    slope = ca.sum2(slopes) / len(points) + 2 * DECAY * all_p
    options = {"jit": True, "compiler": "shell", "jit_options": {"flags": ["-O3", "-march=native"]}}
    train = ca.Function("train", [all_p, all_x, all_t], [value, all_p - RATE * slope], options)
    buffer, trigger = train.buffer()
    parameters, X, T = np.array(flat), np.array(points).ravel(), np.array(labels)
    result, after = np.zeros(1), np.zeros(len(flat))
    buffer.set_arg(0, memoryview(parameters))
    buffer.set_arg(1, memoryview(X))
    buffer.set_arg(2, memoryview(T))
    buffer.set_res(0, memoryview(result))
    buffer.set_res(1, memoryview(after))

    def step(kept=(train, buffer, X, T)):  # the trigger does not keep them
        trigger()
        parameters[:] = after
        return float(result[0])

    return step
