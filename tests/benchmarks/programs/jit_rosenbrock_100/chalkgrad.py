"""The gradient for 100 numbers, array in and array out."""

import numpy as np

from rosenbrock import measured, rosenbrock, start


def prepare():
    from autograd import grad, jit

    slope, x = jit(grad(rosenbrock), in_axes=None), np.array(start(100))
    return lambda: slope(x)


measure = measured(prepare, lambda slope: slope.tolist())
