"""Every multiplication of it as straight-line machine code."""

import numpy as np

from gpt import loss, start
from rosenbrock import measured


def prepare():
    from autograd import jit, value_and_grad

    parameters, symbols = start()
    step, p = jit(value_and_grad(lambda p: loss(p, symbols)), in_axes=None), np.array(parameters)
    return lambda: step(p)


measure = measured(prepare, lambda result: [result[0], *result[1].tolist()])
