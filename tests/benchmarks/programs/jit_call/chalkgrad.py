"""A call of a compiled function of two floats."""

from autograd import jit


def prepare():
    f = jit(lambda x, y: (1 - x) ** 2 + 100 * (y - x * x) ** 2)
    f(1.0, 2.0)

    def thousand():
        for _ in range(1000):
            result = f(1.5, 2.0)
        return result

    return thousand
