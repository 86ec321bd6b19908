"""A published 3-5-5-1 network that cannot learn its targets: why, and what one division changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nn
from autograd.app.terminal import say, table

from .shared import bar, can_plot, facts, save, title

FACTS = facts("two_hidden_layers")
PROGRAM = FACTS["program"]
INPUTS, TARGETS = PROGRAM["inputs"], PROGRAM["targets"]
LIMIT = FACTS["saturated_sum_of_squares"]["all_pairs_over_100"]
LONGER = 2_000  # epochs, where the program stops after 100
SEED, RATE, EPOCHS = 0, 1.0, 1_000  # for the network that learns


def network() -> nn.MLP:
    """Return the network: sigmoid on all three layers, no biases, standard normal weights."""
    first, *widths = PROGRAM["layers"]
    return nn.MLP(first, widths, activation=["sigmoid"] * len(widths), bias=False, init="normal", seed=SEED)


def all_pairs(outputs: list[float], targets: list[float]) -> float:
    """Return the loss as the program printed it: it subtracts (5,) from (5, 1), so every target from every output.

    >>> all_pairs([1.0] * 5, [50, 96, 63, 80, 96])
    1526.8
    """
    return sum((t - o) ** 2 for o in outputs for t in targets) / 100


def epochs(model: nn.MLP, targets: list[float], rate: float, count: int, label: str, progress: bool) -> list[Any]:
    """Train on all rows at once, and return for each epoch its outputs before the step."""
    optimizer = nn.SGD(model.parameters(), lr=rate)
    seen = []
    for _ in bar(count, label, progress):
        outputs = [model(x) for x in INPUTS]
        loss = nn.half_squared_error(outputs, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen.append([out.data for out in outputs])
    return seen


def run(out: Path, pictures: list[Path], progress: bool) -> bool:
    """Print both trainings, and draw their losses."""
    title("2. Two hidden layers, as published and as meant")
    say(f"As published: targets {TARGETS}, a sigmoid output, learning rate {PROGRAM['learning_rate']}.")
    seen = epochs(network(), TARGETS, PROGRAM["learning_rate"], LONGER, "as published", progress)
    published = [all_pairs(outputs, TARGETS) for outputs in seen]
    rows = [("epoch", "loss, all pairs", "smallest o", "largest o(1 − o)")]
    for epoch in (1, 10, PROGRAM["epochs"], 500, LONGER):
        outputs = seen[epoch - 1]
        slope = max(o * (1 - o) for o in outputs)
        rows.append((f"{epoch:,}", f"{published[epoch - 1]:.3f}", f"{min(outputs):.6f}", f"{slope:.2e}"))
    say(table(rows, right=range(4)))
    say(
        f"A sigmoid gives at most 1, and the targets begin at {min(TARGETS)}: every error pushes\n"
        f"the outputs o up until they stand at 1. There the loss over all pairs, divided\n"
        f"by 100, is {LIMIT}, and the slope o(1 − o), a factor of every gradient, is nearly\n"
        "0. The network is stuck, and has learnt nothing about its inputs."
    )
    scaled = [t / 100 for t in TARGETS]
    seen = epochs(network(), scaled, RATE, EPOCHS, "divided by 100", progress)
    losses = [sum((t - o) ** 2 for o, t in zip(outputs, scaled, strict=True)) / 2 for outputs in seen]
    say(f"\nTargets divided by 100, learning rate {RATE}: half squared error")
    learning = [(f"{epoch:,}", f"{losses[epoch - 1]:.6f}") for epoch in (1, 10, 100, EPOCHS)]
    say(table([("epoch", "loss"), *learning], right=range(2)))
    learned = [(f"{t:.2f}", f"{o:.3f}") for t, o in zip(scaled, seen[-1], strict=True)]
    say(table([("target", "output"), *learned], right=range(2)))
    if can_plot():
        _curves(published, losses, out / "two_hidden_layers.png", pictures)
    saturated, learnt = published[-1] - LIMIT < 0.1, losses[-1] < 0.1 * losses[0]
    return bool(saturated and learnt)


def _curves(published: list[float], losses: list[float], path: Path, pictures: list[Path]) -> None:
    fig, (left, right) = nn.plot.figure(2)
    left.semilogx(range(1, len(published) + 1), published, color="#c2410c")
    left.axhline(LIMIT, color="#6b7280", linestyle="--", label=f"outputs all 1: {LIMIT}")
    left.set(xlabel="epoch", ylabel="loss over all pairs / 100", title="As published: it saturates")
    left.legend(frameon=False)
    right.loglog(range(1, len(losses) + 1), losses, color="#1d4ed8")
    right.set(xlabel="epoch", ylabel="half squared error", title="Targets divided by 100: it learns")
    save(fig, path, pictures)
