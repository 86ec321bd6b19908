"""The step on XAD's tape: adjoint mode, written in C++."""

import xad.adj_1st as xadj
from xad.math import exp, log
from xad.math import max as larger

from gpt import start
from written_gpt import loss_of


def prepare():
    data, symbols = start()
    data = list(data)

    def step():
        with xadj.Tape() as tape:
            parameters = [xadj.Real(number) for number in data]
            for p in parameters:
                tape.registerInput(p)
            tape.newRecording()
            loss = loss_of(parameters, symbols, exp, log, lambda x: larger(x, 0.0), lambda x: x.value)
            tape.registerOutput(loss)
            loss.derivative = 1.0
            tape.computeAdjoints()
            data[:] = [number - 0.01 * p.derivative for number, p in zip(data, parameters, strict=True)]
            return loss.value

    return step
