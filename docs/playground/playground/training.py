"""A network that is trained on the page: data, a model, and frames of it for ``nn/training.js`` to draw."""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Mapping
from typing import Any

import nn
from nn.recorder import Camera, Recorder
from nn.step import Step

SPAN = (-2.0, 2.0)  # of the plane, both ways
LABELS = {"bce_with_logits": (0, 1), "hinge": (-1, 1)}  # by loss: of a square and of a circle
OPTIMIZERS = ("sgd", "momentum", "adam")
ACTIVATIONS = ("tanh", "relu", "sigmoid", "leaky_relu", "softplus", "gelu", "silu", "linear")
MOST_LAYERS, MOST_UNITS, MOST_POINTS = 5, 16, 500
SAMPLES = 6  # whose activations and gradients are shown


def preset(name: str, count: int = 100, noise: float = 0.1, seed: int = 0) -> list[list[float]]:
    """Return points of a data set of ``nn.data`` as [x1, x2, class], moved to the middle of the plane.

    >>> [[round(x, 2) for x in point] for point in preset("xor", 4, 0.0)]
    [[-1.0, -1.0, 0], [-1.0, 1.0, 1], [1.0, -1.0, 1], [1.0, 1.0, 0]]
    """
    made: dict[str, Any] = {
        "moons": lambda: nn.data.moons(count, noise, seed),
        "circles": lambda: nn.data.circles(count, noise, seed=seed),
        "xor": lambda: nn.data.xor(count, noise, seed),
        "spiral": lambda: nn.data.spirals(count, 2, 0.5 * noise, turns=0.9, seed=seed),
    }
    middle, scale = {"moons": ((0.5, 0.25), 1.1), "xor": ((0.5, 0.5), 2.0)}.get(name, ((0.0, 0.0), 1.6))
    X, y = made[name]()
    low, high = SPAN
    moved = ([min(max((x - m) * scale, low), high) for x, m in zip(row, middle, strict=True)] for row in X)
    return [[*(round(x, 3) for x in row), label] for row, label in zip(moved, y, strict=True)]


class Trainer:
    """A training that goes on, in slices of time; ``settings`` are those of the page.

    ``points`` are [x1, x2, class] with the class 0 or 1, ``test`` is the share of them that is held out.
    Raises ValueError for settings that are out of their ranges, and where a class has no point to learn from.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.settings = dict(settings)
        self.epoch = 0
        widths = [int(n) for n in settings["layers"]]
        if len(widths) > MOST_LAYERS or not all(1 <= n <= MOST_UNITS for n in widths):
            raise ValueError(f"there are up to {MOST_LAYERS} hidden layers of 1 to {MOST_UNITS} neurons: {widths}")
        activation = str(settings["activation"])
        self.model = nn.MLP(2, [*widths, 1], activation=activation, seed=int(settings["seed"]))
        self.optimizer = self._optimizer()
        self.set_data(settings["points"], settings["test"])
        self.last_loss = self._loss(self.X, self.y)

    def _optimizer(self) -> nn.Optimizer:
        name, lr, decay = (self.settings[key] for key in ("optimizer", "lr", "decay"))
        parameters = self.model.parameters()
        if name == "adam":
            return nn.Adam(parameters, lr=lr, weight_decay=decay)
        return nn.SGD(parameters, lr=lr, momentum=0.9 if name == "momentum" else 0.0, weight_decay=decay)

    def set_data(self, points: list[list[float]], test: float) -> None:
        """Learn from other points from now on."""
        self.loss = nn.loss_function(self.settings["loss"])
        labels = LABELS[self.settings["loss"]]
        X, y = [[float(a), float(b)] for a, b, _ in points], [labels[int(kind)] for _, _, kind in points]
        test_size = float(test)
        split = test_size > 0.0 and len(points) > 1
        parts = nn.data.train_test_split(X, y, test_size, seed=0) if split else (X, [], y, [])
        self.X, self.test_X, self.y, self.test_y = parts
        if len(set(self.y)) < 2:
            raise ValueError("To learn where the boundary is, it needs points of both classes: paint some, or take a set.")
        self.step = stepper((self.X, self.y), self.model, self.loss, self.optimizer)

    def change(self, settings: Mapping[str, Any]) -> None:
        """Take over settings that may change while it learns: data, learning rate, regularisation, batch size."""
        self.settings |= settings
        for group in self.optimizer.param_groups:
            group.update(lr=float(self.settings["lr"]), weight_decay=float(self.settings["decay"]))
        self.set_data(self.settings["points"], self.settings["test"])

    def advance(self, seconds: float, most: int) -> int:
        """Train for so many seconds or ``most`` epochs, and return how many epochs there were. One there is always."""
        begun, count = time.perf_counter(), 0
        while count < most and (count == 0 or time.perf_counter() - begun < seconds):
            self._train()
            count += 1
        self.step.finish()
        return count

    def _train(self) -> None:
        order = list(range(len(self.X)))
        size = int(self.settings["batch"]) or len(order)
        if size < len(order):  # the order within a batch changes nothing but the rounding
            random.Random(f"order/{self.settings['seed']}/{self.epoch}").shuffle(order)
        self.epoch += 1
        total = 0.0
        for first in range(0, len(order), size):
            batch = order[first : first + size]
            loss = self.step(batch)
            if not math.isfinite(loss):
                raise ValueError(f"In epoch {self.epoch} the loss became {loss}: take a smaller learning rate, and reset.")
            total += loss * len(batch)
        self.last_loss = total / len(order)

    def frame(self) -> str:
        """Return what the page draws, as JSON: the contents of a film with one frame, and the loss of the last epoch."""
        camera = Camera(Recorder(samples=SAMPLES), self.model, self.loss, (self.X, self.y), 1)
        camera.take(self.epoch, {})
        row = {"epoch": self.epoch, "loss": self.last_loss}
        if self.test_X:
            row["test loss"] = self._loss(self.test_X, self.test_y)
        contents = camera.recording.contents({name: [x] for name, x in row.items()}, "")
        test = {"x": self.test_X, "t": self.test_y}
        return json.dumps({**contents, "span": [SPAN, SPAN], "test": test}, allow_nan=False)

    def _loss(self, X: list[Any], y: list[Any]) -> float:
        return float(self.loss([self.model(x) for x in X], y).data)


def stepper(data: Any, model: nn.Module, loss: Any, optimizer: nn.Optimizer) -> Step:
    """Return what learns from a batch: called with the numbers of its samples, it returns their loss."""
    return Step(data, model, loss, optimizer, None, None)
