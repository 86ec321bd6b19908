"""A classifier 16-64-64-10 on 100 samples: cross entropy, its gradient and SGD, parameters in and parameters out."""

import itertools
import random

SIZES = (16, 64, 64, 10)
SAMPLES = 100
RATE = 0.05


def start():
    """Layers as (rows of weights, biases), the samples, and a row of 0 and 1 for the class of each."""
    chance = random.Random(7)
    layers = []
    for inputs, outputs in itertools.pairwise(SIZES):
        rows = [[chance.gauss(0.0, (2.0 / inputs) ** 0.5) for _ in range(inputs)] for _ in range(outputs)]
        layers.append((rows, [0.0] * outputs))
    points = [[chance.gauss(0.0, 1.0) for _ in range(SIZES[0])] for _ in range(SAMPLES)]
    classes = [[float(k == i % SIZES[-1]) for k in range(SIZES[-1])] for i in range(SAMPLES)]
    return layers, points, classes
