"""The step on fastdual's dual numbers: forward mode, written in C."""

from fastdual import Dual, der

from gpt import start
from written_gpt import loss_of


def prepare():
    data, symbols = start()
    data = list(data)

    def step():
        parameters = [Dual(number) for number in data]
        relu = lambda x: x if x > 0.0 else 0.0 * x
        loss = loss_of(parameters, symbols, Dual.exp, Dual.log, relu, lambda x: x.val)
        data[:] = [number - 0.01 * der(loss, p) for number, p in zip(data, parameters, strict=True)]
        return loss.val

    return step
