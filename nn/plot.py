"""Figures with matplotlib, which is loaded only when a figure is wanted. No window, no global state.

>>> import nn
>>> X, y = nn.data.moons(40, labels=(-1, 1))
>>> fig = nn.plot.boundary(nn.MLP(2, [4, 1], seed=0), X, y)
>>> fig.savefig("moons.png")  # doctest: +SKIP
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from autograd.errors import require
from autograd.operation import bare

from .checks import whole
from .module import Module
from .step import outputs
from .table import samples


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
    fig._repr_png_ = partial(png, fig)  # a notebook shows it, also one that has not said %matplotlib inline
    return fig, axes


def png(fig: Any, dpi: float = 100) -> bytes:
    """Return a matplotlib figure as PNG, with so many dots per inch."""
    drawn = io.BytesIO()
    fig.savefig(drawn, format="png", dpi=dpi)
    return drawn.getvalue()


def curves(columns: Mapping[str, Sequence[Any]], more: int = 0) -> tuple[Any, list[Any]]:
    """Draw the losses, and beside them any metrics, over the epochs; return the matplotlib figure and its axes.

    ``columns`` are those of a ``History``. There are so many ``more`` axes, which are empty.

    >>> fig, axes = curves({"epoch": [1, 2], "loss": [0.5, 0.25], "accuracy": [0.5, 1.0]})
    >>> len(axes)
    2
    """
    losses = [c for c in columns if c in ("loss", "val_loss")]
    metrics = [c for c in columns if c not in ("epoch", "lr", *losses)]
    fig, axes = figure(1 + bool(metrics) + more)
    for ax, names, label in zip(axes, (losses, metrics), ("loss", "metric"), strict=False):
        if not names:
            continue
        for name, line in zip(names, itertools.cycle(("-", "--", "-.", ":")), strict=False):
            ax.plot(columns["epoch"], columns[name], line, label=name)
        ax.set(xlabel="epoch", ylabel=label)
        if len(names) > 1 or label == "metric":
            ax.legend(frameon=False)
    return fig, axes


def boundary(model: Any, X: Any, y: Any, ax: Any = None, *, steps: int = 60, threshold: float | None = None) -> Any:
    """Draw where the decision of a model of two inputs changes, and the points ``X`` by their labels ``y``.

    It returns the matplotlib figure. A model of one score decides between two labels where the score passes the
    ``threshold``: by default 0, and 0.5 where all scores are probabilities (from 0 to 1, and the labels are not −1 and
    +1). A model of several scores decides for the largest, and the labels are their indices. Each label has a marker
    of its own, each of several regions a hatching. It is drawn on ``ax``, or in a figure of its own, from ``steps`` ×
    ``steps`` places around the points, with the model in evaluation mode.

    Raises ValueError for rows of other than two numbers, for more labels than the model can tell apart, for labels
    that are no index of a score, and MissingExtraError where matplotlib is missing.

    >>> from nn import MLP, data, plot
    >>> X, y = data.spirals(30, classes=3)
    >>> fig = plot.boundary(MLP(2, [3], seed=0), X, y, steps=10)
    >>> [text.get_text() for text in fig.axes[0].get_legend().get_texts()]
    ['class 0', 'class 1', 'class 2']
    """
    rows, targets = samples(X, y)
    if len(rows[0]) != 2:
        raise ValueError(f"a boundary is drawn for two inputs, and the rows of X have {len(rows[0])}")
    labels = [t.index(max(t)) if isinstance(t, list) else t for t in targets]  # a list has a share for each class
    across, up = (_span([row[i] for row in rows], whole("steps", steps, 2)) for i in (0, 1))
    scores = _scores(model, [[a, b] for b in up for a in across])
    several = isinstance(scores[0], list)
    classes = _classes(labels, len(scores[0]) if several else 1)
    fig, (ax,) = (ax.figure, [ax]) if ax is not None else figure(1, 5.5, 4.6)
    if several:
        _regions(ax, across, up, [score.index(max(score)) for score in scores], classes)
        styles: Iterable[tuple[str, str, str]] = itertools.cycle(_STYLES)
    else:
        limit = _threshold(scores, classes) if threshold is None else threshold
        _sides(ax, across, up, scores, limit)
        styles = iter([_STYLES[label <= limit] for label in classes])  # blue is above the threshold, in all pictures
    for label, (colour, marker, _) in zip(classes, styles, strict=False):
        points = [row for row, t in zip(rows, labels, strict=True) if t == label]
        words = f"class {label}" if several else f"label {label:{'+' if min(classes) < 0 else ''}g}"
        place = [row[0] for row in points], [row[1] for row in points]
        ax.scatter(*place, s=18, c=colour, marker=marker, edgecolors="white", linewidths=0.6, label=words)
    ax.set(xlabel="x₁", ylabel="x₂", aspect="equal")
    ax.grid(False)
    ax.legend(fontsize=8)
    return fig


def _classes(labels: list[Any], scores: int) -> list[Any]:
    """The labels that a model of so many scores can tell apart."""
    classes = sorted(set(labels)) if scores == 1 else list(range(scores))
    if scores == 1 and len(classes) > 2:
        raise ValueError(
            f"a model of one score tells two labels apart, and y has {len(classes)}; make its last layer as wide as "
            "there are classes"
        )
    if strange := sorted(set(labels) - set(classes)):
        raise ValueError(f"y has the label {strange[0]:g}, which is no index of the {scores} scores of the model")
    return classes


_STYLES = (  # of a label: its colour, the marker of its points, the hatching of its region
    ("#1d4ed8", "o", ""), ("#c2410c", "s", "//"), ("#15803d", "^", ".."), ("#7c3aed", "D", "\\\\"),
    ("#a16207", "v", "xx"), ("#0e7490", "P", "++"), ("#be185d", "X", "--"), ("#374151", "*", "oo"),
)  # fmt: skip


def _threshold(scores: list[Any], labels: list[Any]) -> float:
    return 0.5 if min(labels) >= 0.0 and min(scores) >= 0.0 and max(scores) <= 1.0 else 0.0


def _sides(ax: Any, across: list[float], up: list[float], scores: list[Any], threshold: float) -> None:
    """Colour one side blue and the other red, the stronger the farther the score is from the threshold."""
    table = [scores[i : i + len(across)] for i in range(0, len(scores), len(across))]
    reach = max(abs(score - threshold) for score in scores) or 1.0
    levels = [threshold + share * reach for share in (-1.0, -0.5, -0.2, 0.0, 0.2, 0.5, 1.0)]
    ax.contourf(across, up, table, levels=levels, cmap="RdBu", alpha=0.45)
    if min(scores) < threshold < max(scores):  # matplotlib warns of a line that is nowhere
        ax.contour(across, up, table, levels=[threshold], colors="#111827", linewidths=1.5)


def _regions(ax: Any, across: list[float], up: list[float], winners: list[int], classes: list[int]) -> None:
    """Colour and hatch where each class wins."""
    for label, (colour, _, hatch) in zip(classes, itertools.cycle(_STYLES), strict=False):
        if label not in winners:
            continue
        wins = [float(winner == label) for winner in winners]
        table = [wins[i : i + len(across)] for i in range(0, len(wins), len(across))]
        region = ax.contourf(across, up, table, levels=[0.5, 1.5], colors=[colour], hatches=[hatch], alpha=0.2)
        region.set(edgecolor=colour, linewidth=0.0)
        if not all(wins):
            ax.contour(across, up, table, levels=[0.5], colors="#111827", linewidths=1.0)


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


def _scores(model: Any, rows: list[list[float]]) -> list[Any]:
    """What a model gives for each row: a number, or a list of numbers where it is more than one."""
    given = outputs(model, rows) if isinstance(model, Module) else [model(row) for row in rows]
    lists = [[float(bare(x)) for x in (out if isinstance(out, list | tuple) else [out])] for out in given]
    return lists if len(lists[0]) > 1 else [score for (score,) in lists]
