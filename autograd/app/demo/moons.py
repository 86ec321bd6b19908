"""Two moons: a network with two hidden layers of 16, hinge loss with L2, until 99 % are right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nn
from autograd import dot
from autograd.app.terminal import say

from .shared import can_plot, save, title

GOAL, DECAY = 0.99, 1e-4


def train(progress: bool) -> tuple[nn.MLP, Any, nn.History]:
    """Train until the goal is reached, and return model, data and history."""
    X, y = nn.data.moons(100, noise=0.1, seed=3, labels=(-1, 1))
    model = nn.MLP(2, [16, 16, 1], seed=1)
    parameters = model.parameters()

    def loss(scores: Any, labels: Any) -> Any:
        return nn.hinge(scores, labels) + DECAY * dot(parameters, parameters)

    def good_enough(training: nn.Training) -> bool:
        return bool(training.row["accuracy"] >= GOAL and training.row["loss"] < 0.02)

    history = nn.fit(
        model, X, y, loss=loss, optimizer=nn.SGD(parameters, lr=0.1, momentum=0.9), epochs=300, batch_size=None,
        metrics=["accuracy"], callbacks=[good_enough], progress=progress,
    )  # fmt: skip
    return model, (X, y), history


def run(out: Path, pictures: list[Path], progress: bool) -> bool:
    """Train, say how well, and draw the curve and the boundary."""
    title("3. Two moons: MLP(2, [16, 16, 1]), hinge loss with L2")
    model, (X, y), history = train(progress)
    if history.stopped == "interrupted":  # fit took the Ctrl-C; it is meant for the demo too
        raise KeyboardInterrupt
    say(model)
    accuracy = history["accuracy"][-1]
    loss = history["loss"][-1]
    say(f"After {len(history)} epochs: loss {loss:.4f}, {100 * accuracy:.0f} % of {len(y)} points right.")
    if can_plot():
        _draw(model, X, y, history, out / "moons.png", pictures)
    return bool(accuracy >= GOAL)


def _draw(model: nn.MLP, X: Any, y: Any, history: nn.History, path: Path, pictures: list[Path]) -> None:
    fig, (left, right) = nn.plot.figure(2)
    left.semilogy(history["epoch"], history["loss"], color="#1d4ed8")
    left.set(xlabel="epoch", ylabel="hinge loss + L2", title="Loss")
    nn.plot.boundary(model, X, y, ax=right)
    right.set_title(f"Decision boundary, {100 * history['accuracy'][-1]:.0f} % right")
    right.legend(frameon=False, loc="lower left")
    save(fig, path, pictures)
