"""The step of micrograd's own demo notebook."""

from micrograd.engine import Value
from micrograd.nn import MLP

from data import moons, weights


def prepare():
    points, labels = moons()
    model = MLP(2, [16, 16, 1])
    for parameter, number in zip(model.parameters(), weights(), strict=True):
        parameter.data = number

    scores = loss = None  # as in a plain loop, a step's graph lives until the next one takes its name

    def step():
        nonlocal scores, loss
        inputs = [list(map(Value, row)) for row in points]
        scores = list(map(model, inputs))
        losses = [(1 + -label * score).relu() for label, score in zip(labels, scores, strict=True)]
        data_loss = sum(losses) * (1.0 / len(losses))
        loss = data_loss + 1e-4 * sum(p * p for p in model.parameters())
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data -= 0.1 * p.grad
        return loss.data

    return step
