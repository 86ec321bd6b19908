"""Figures with matplotlib, which is loaded here and only when a figure is wanted. No window, no global state.

>>> import nn
>>> X, y = nn.data.moons(40, labels=(-1, 1))
>>> fig, (left, right) = nn.plot.figure(2)
>>> nn.plot.boundary(left, nn.MLP(2, [4, 1], seed=0), X, y)
>>> fig.savefig("moons.png")  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def figure(columns: int = 1, width: float = 5.5, height: float = 3.8) -> tuple[Any, list[Any]]:
    """Return a matplotlib figure and its axes, side by side, each ``width`` × ``height`` inches.

    Raises ImportError, with what to install, where matplotlib is missing.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError('plots need matplotlib: pip install "chalkgrad[plot]"') from error
    fig = Figure(figsize=(width * columns, height), layout="constrained")
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


def _span(xs: list[float], steps: int) -> list[float]:
    low, high = min(xs), max(xs)
    margin = 0.15 * (high - low or 1.0)
    return [low - margin + (high - low + 2 * margin) * i / (steps - 1) for i in range(steps)]


def _score(out: Any) -> float:
    if isinstance(out, (list, tuple)):
        raise ValueError(f"a boundary is where one score changes sign, and the model gives {len(out)} numbers")
    return float(getattr(out, "data", out))
