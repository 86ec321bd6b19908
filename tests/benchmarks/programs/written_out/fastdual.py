"""The step with an MLP that its user wrote out, on fastdual's dual numbers: forward mode, written in C."""

from fastdual import Dual, der

from data import moons, weights


def relu(x):
    return x if x > 0.0 else 0.0 * x


def prepare():
    points, labels = moons()
    data = weights()

    def model(layers, x):
        for layer in layers:
            x = [sum((wi * xi for wi, xi in zip(w, x, strict=True)), b) for w, b in layer]
            if layer is not layers[-1]:
                x = [relu(z) for z in x]
        return x[0]

    def step():
        parameters = [Dual(number) for number in data]
        duals = iter(parameters)
        layers = [
            [([next(duals) for _ in range(inputs)], next(duals)) for _ in range(outputs)]
            for inputs, outputs in ((2, 16), (16, 16), (16, 1))
        ]
        scores = [model(layers, point) for point in points]
        losses = [relu(1 + -label * score) for label, score in zip(labels, scores, strict=True)]
        data_loss = sum(losses) * (1.0 / len(losses))
        loss = data_loss + 1e-4 * sum(p * p for p in parameters)
        data[:] = [number - 0.1 * der(loss, p) for number, p in zip(data, parameters, strict=True)]
        return loss.val

    return step
