"""micrograd's demo as someone writes it with our nn: plain numbers as inputs, a loss and an optimiser from the box."""

import nn
from autograd import dot
from data import moons, weights


def prepare():
    points, labels = moons()
    model = nn.MLP(2, [16, 16, 1])
    parameters = list(model.parameters())
    for parameter, number in zip(parameters, weights(), strict=True):
        parameter.data = number
    optimizer = nn.SGD(parameters, lr=0.1)

    scores = loss = None  # as in a plain loop, a step's graph lives until the next one takes its name

    def step():
        nonlocal scores, loss
        scores = [model(point) for point in points]
        loss = nn.hinge(scores, labels) + 1e-4 * dot(parameters, parameters)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.data

    return step
