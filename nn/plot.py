"""Figures with matplotlib, which is loaded only when a figure is wanted. No window, no global state.

>>> import nn
>>> X, y = nn.data.moons(40, labels=(-1, 1))
>>> fig, (left, right) = nn.plot.figure(2)
>>> nn.plot.boundary(left, nn.MLP(2, [4, 1], seed=0), X, y)
>>> fig.savefig("moons.png")  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograd.errors import require
from autograd.operation import bare


def figure(columns: int = 1, width: float = 5.5, height: float = 3.8) -> tuple[Any, list[Any]]:
    """Return a matplotlib figure and a list of its axes, side by side, each ``width`` × ``height`` inches.

    Raises MissingExtraError, which says what to install, where matplotlib is missing.
    """
    fig = require("matplotlib.figure", "plot", "a curve").Figure(
        figsize=(width * columns, height), layout="constrained"
    )
    axes = [fig.add_subplot(1, columns, i + 1) for i in range(columns)]
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(alpha=0.25)
    return fig, axes


def boundary(ax: Any, model: Any, X: Sequence[Sequence[float]], y: Sequence[Any], steps: int = 60) -> None:
    """Draw on ``ax`` where a model of two inputs and one score changes sign, and the points ``X`` by their labels.

    The score is computed at ``steps`` × ``steps`` places around the points. Raises ValueError for more than two
    labels, and for a model that gives a list.
    """
    labels = sorted(set(y))
    if len(labels) > 2:
        raise ValueError(f"a boundary lies between two labels, and y has {len(labels)}")
    xs, ys = [row[0] for row in X], [row[1] for row in X]
    across, up = _span(xs, steps), _span(ys, steps)
    scores = [[_score(model([a, b])) for a in across] for b in up]
    reach = max(abs(score) for row in scores for score in row) or 1.0
    levels = [-reach, -0.5 * reach, -0.2 * reach, 0.0, 0.2 * reach, 0.5 * reach, reach]
    ax.contourf(across, up, scores, levels=levels, cmap="RdBu_r", alpha=0.45)
    ax.contour(across, up, scores, levels=[0.0], colors="#111827", linewidths=1.5)
    for label, colour, marker in zip(labels, ("#1d4ed8", "#c2410c"), ("o", "s"), strict=False):
        chosen = [i for i, t in enumerate(y) if t == label]
        place = [xs[i] for i in chosen], [ys[i] for i in chosen]
        ax.scatter(*place, s=18, c=colour, marker=marker, edgecolors="white", linewidths=0.6, label=f"label {label:+g}")
    ax.set(xlabel="x₁", ylabel="x₂", aspect="equal")
    ax.grid(False)


def gradient_flow(rows: Sequence[dict[str, Any]]) -> Any:
    """Draw how much gradient reached each layer, as bars for up to five epochs, and return the matplotlib figure.

    Each row is a dict with the key ``epoch`` and a number for each layer, as ``History.gradient_flow`` has them. Raises
    ValueError where there are none.
    """
    if not rows:
        raise ValueError("no gradients were noted; train with fit(..., callbacks=[nn.record_gradients])")
    count = min(5, len(rows))
    chosen = [rows[round(i * (len(rows) - 1) / max(count - 1, 1))] for i in range(count)]
    layers = list(dict.fromkeys(layer for row in chosen for layer in row if layer != "epoch"))
    fig, (ax,) = figure(1, width=max(5.5, 1.2 * len(layers) + 2.5))
    shades = ["#bfdbfe", "#93c5fd", "#60a5fa", "#2563eb", "#1e3a8a"][5 - count :]
    smallest = min((row[k] for row in chosen for k in layers if row.get(k, 0.0) > 0.0), default=1.0)
    for i, (row, shade) in enumerate(zip(chosen, shades, strict=True)):
        places = [k + (i - (count - 1) / 2) * 0.8 / count for k in range(len(layers))]
        heights = [row.get(layer, 0.0) for layer in layers]
        ax.bar(places, heights, width=0.76 / count, color=shade, label=f"epoch {row['epoch']}")
        for x, height in zip(places, heights, strict=True):
            if height == 0.0:  # a logarithm has no zero: say it in words
                ax.text(x, smallest, "0", ha="center", va="bottom", fontsize=8)
    ax.set_yscale("log")
    ax.set_xticks(range(len(layers)), layers)
    ax.set(ylabel="gradient, root mean square", title="How much gradient reaches each layer")
    ax.legend(frameon=False, fontsize=8)
    return fig


def _span(xs: list[float], steps: int) -> list[float]:
    low, high = min(xs), max(xs)
    margin = 0.15 * (high - low or 1.0)
    return [low - margin + (high - low + 2 * margin) * i / (steps - 1) for i in range(steps)]


def _score(out: Any) -> float:
    if isinstance(out, (list, tuple)):
        raise ValueError(f"a boundary is where one score changes sign, and the model gives {len(out)} numbers")
    return float(bare(out))
