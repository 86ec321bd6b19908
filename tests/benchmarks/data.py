"""The numbers that every program of a work starts from, made with the standard library alone."""

import itertools
import math
import random


def moons(count=100, noise=0.1, seed=1337):
    """Two interleaved half circles as (points, labels): what micrograd's demo trains on; labels are -1 and +1."""
    rng = random.Random(seed)
    points, labels = [], []
    for i in range(count):
        upper = i < count // 2
        angle = math.pi * (i % (count // 2)) / (count // 2 - 1)
        x, y = (math.cos(angle), math.sin(angle)) if upper else (1 - math.cos(angle), 0.5 - math.sin(angle))
        points.append((x + rng.gauss(0, noise), y + rng.gauss(0, noise)))
        labels.append(-1 if upper else 1)
    return points, labels


def weights(sizes=(2, 16, 16, 1), seed=1337):
    """Initial parameters in micrograd's order and by its rule: per neuron its weights, uniform, and a bias of zero."""
    rng = random.Random(seed)
    flat = []
    for inputs, outputs in itertools.pairwise(sizes):
        for _ in range(outputs):
            flat += [rng.uniform(-1, 1) for _ in range(inputs)] + [0.0]
    return flat


# The 2-2-2 network of the demo: sigmoid, half squared error, one sample, biases that are shared by a layer and fixed.
INPUTS, TARGETS, RATE = (0.05, 0.10), (0.01, 0.99), 0.5
HIDDEN, HIDDEN_BIAS = ((0.15, 0.20), (0.25, 0.30)), 0.35
OUTPUT, OUTPUT_BIAS = ((0.40, 0.45), (0.50, 0.55)), 0.60
LOSSES_AT = (1, 10, 100, 1_000, 10_000)  # after so many steps
