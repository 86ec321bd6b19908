"""A network that is trained on the page: data, a model, and frames of it for ``nn/training.js`` to draw."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import nn
from nn.recorder import Camera, Recorder

from .stepper import Machine, Stepper

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
    """A training that goes on, in slices of time; ``settings`` are those of the page, ``machine`` runs the kernels.

    ``points`` are [x1, x2, class] with the class 0 or 1, ``test`` is the share of them that is held out.
    Raises ValueError for settings that are out of their ranges, and where a class has no point to learn from.
    """

    def __init__(self, settings: Mapping[str, Any], machine: Callable[[int], Machine]) -> None:
        self.settings, self.machine = dict(settings), machine
        self.epoch = 0
        self.X: list[list[float]]  # what is learnt from
        self.test_X: list[list[float]]  # what is held out
        self.y: list[float]
        self.test_y: list[float]
        widths = [int(n) for n in settings["layers"]]
        if len(widths) > MOST_LAYERS or not all(1 <= n <= MOST_UNITS for n in widths):
            raise ValueError(f"there are up to {MOST_LAYERS} hidden layers of 1 to {MOST_UNITS} neurons: {widths}")
        self.problem = ""  # why it cannot learn from the points of now
        self.model = nn.MLP(2, [*widths, 1], activation=settings["activation"], seed=int(settings["seed"]))
        self.stepper = self._stepper()

    def _stepper(self) -> Stepper:
        """What learns from the points, beginning at the weights of now."""
        points, labels = self.settings["points"], LABELS[self.settings["loss"]]
        X, y = [[float(a), float(b)] for a, b, _ in points], [labels[int(kind)] for _, _, kind in points]
        test = float(self.settings["test"])
        parts: Any = (X, [], y, [])
        if test > 0.0 and len(points) > 1:
            parts = nn.data.train_test_split(X, y, test, seed=0)
        if len(set(parts[2])) < 2:
            raise ValueError(
                "To learn where the boundary is, it needs points of both classes: paint some, or take a set."
            )
        self.X, self.test_X, self.y, self.test_y = parts
        loss, rows, targets = nn.loss_function(self.settings["loss"]), self.X + self.test_X, self.y + self.test_y
        seed = int(self.settings["seed"])
        return Stepper(self.machine, self.model, loss, rows, targets, self._optimizer(), len(self.X), seed)

    def _optimizer(self) -> nn.Optimizer:
        name, lr, decay = self.settings["optimizer"], float(self.settings["lr"]), float(self.settings["decay"])
        parameters = self.model.parameters()
        if name == "adam":
            return nn.Adam(parameters, lr=lr, weight_decay=decay)
        return nn.SGD(parameters, lr=lr, momentum=0.9 if name == "momentum" else 0.0, weight_decay=decay)

    def change(self, settings: Mapping[str, Any]) -> None:
        """Take over what may change while it learns: learning rate and batch size, and anew data and weight decay.

        Raises ValueError where it cannot learn from the data, and so does ``advance`` until there are others.
        """
        changed = {key for key, new in settings.items() if new != self.settings.get(key)}
        self.settings |= settings
        self.stepper.learning_rate = float(self.settings["lr"])
        if changed - {"lr", "batch"}:
            self.stepper.update_model()
            try:
                self.stepper, self.problem = self._stepper(), ""
            except ValueError as error:
                self.problem = str(error)
        self._check()

    def _check(self) -> None:
        if self.problem:
            raise ValueError(self.problem)

    def advance(self, seconds: float, most: int) -> None:
        """Train for so many seconds or ``most`` epochs, whichever comes first. One epoch there is always."""
        self._check()
        begun, size = time.perf_counter(), int(self.settings["batch"]) or None
        for count in range(most):
            if count and time.perf_counter() - begun > seconds:
                return
            self.epoch += 1
            loss = self.stepper.epochs(1, size)
            if not math.isfinite(loss):
                raise ValueError(
                    f"In epoch {self.epoch} the loss became {loss}: take a smaller learning rate, and reset."
                )

    def frame(self) -> str:
        """Return what the page draws, as JSON: the contents of a film with one frame, and the losses of now."""
        self.stepper.update_model()
        camera = Camera(
            Recorder(samples=SAMPLES), self.model, nn.loss_function(self.settings["loss"]), (self.X, self.y), 1
        )
        camera.take(self.epoch, {})
        loss, test_loss = self.stepper.costs()
        row = {"epoch": self.epoch, "loss": loss, **({"test loss": test_loss} if self.test_X else {})}
        contents = camera.recording.contents({name: [x] for name, x in row.items()}, "")
        return json.dumps(
            {**contents, "span": [SPAN, SPAN], "test": {"x": self.test_X, "t": self.test_y}}, allow_nan=False
        )
