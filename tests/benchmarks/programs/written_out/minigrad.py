"""The step with an MLP that its user wrote out, on minigrad's Value: micrograd's interface, written in C."""

from minigrad.engine import Value

from data import moons, weights


def prepare():
    points, labels = moons()
    numbers = iter(weights())
    layers = [
        [([Value(next(numbers)) for _ in range(inputs)], Value(next(numbers))) for _ in range(outputs)]
        for inputs, outputs in ((2, 16), (16, 16), (16, 1))
    ]
    parameters = [p for layer in layers for w, b in layer for p in [*w, b]]

    def model(x):
        for layer in layers:
            x = [sum((wi * xi for wi, xi in zip(w, x, strict=True)), b) for w, b in layer]
            if layer is not layers[-1]:
                x = [z.relu() for z in x]
        return x[0]

    scores = loss = None  # as in a plain loop, a step's graph lives until the next one takes its name

    def step():
        nonlocal scores, loss
        inputs = [list(map(Value, row)) for row in points]
        scores = list(map(model, inputs))
        # it takes Values and floats only, so each sum begins with a Value
        losses = [(score * -float(label) + 1.0).relu() for label, score in zip(labels, scores, strict=True)]
        data_loss = sum(losses, Value(0.0)) * (1.0 / len(losses))
        loss = data_loss + sum((p * p for p in parameters), Value(0.0)) * 1e-4
        for p in parameters:
            p.grad = 0.0
        loss.backward()
        for p in parameters:
            p.data -= 0.1 * p.grad
        return loss.data

    return step
