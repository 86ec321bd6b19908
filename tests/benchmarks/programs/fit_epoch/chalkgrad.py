"""`fit(jit=True)`, as a user calls it: the time that one epoch more takes, of one batch of 100."""

import itertools
import time

from data import moons
from nn import MLP, fit

EPOCHS = 20_000


def measure(**options):
    points, labels = moons()
    settings = {"loss": "hinge", "optimizer": "sgd", "lr": 0.1, "batch_size": 100, "progress": False, **options}

    def run(epochs):
        model = MLP(2, [16, 16, 1], seed=1)
        begun = time.perf_counter()
        fit(model, points, labels, epochs=epochs, jit=True, **settings)
        return time.perf_counter() - begun, [p.data for p in model.parameters()]

    first, agree = run(5)
    again, _ = run(5)
    long, _ = run(5 + EPOCHS)
    batches = -(-len(points) // settings["batch_size"])
    figures = {"first call time": first, "second fit time": again, "time": (long - again) / EPOCHS / batches}
    return figures, list(itertools.chain(agree))
