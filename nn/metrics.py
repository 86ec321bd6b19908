"""Metrics: computed on plain floats, not differentiated."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from autograd.operation import bare

from .checks import as_list, look_up
from .losses import Loss, bce_with_logits, name_of

Metric = Callable[[Sequence[Any], Sequence[Any]], float]


def accuracy(predictions: Sequence[Any], targets: Sequence[Any], threshold: float | None = None) -> float:
    """Return the share of samples that are classified right, in [0, 1].

    A list of scores stands for its largest (the target is an index, or a list of probabilities); a single score for
    whether it lies above ``threshold``: 0 for labels −1 and +1, and otherwise 0.5 unless given.

    >>> accuracy([[0.1, 2.0], [3.0, -1.0]], [1, 1]), accuracy([0.7, -0.2], [1, -1])
    (0.5, 1.0)
    """
    signs = all(not hasattr(t, "__len__") and t in (-1, 1) for t in targets) and any(t == -1 for t in targets)
    bound = 0.0 if signs else 0.5 if threshold is None else threshold

    def right(o: Any, t: Any) -> bool:
        if hasattr(o, "__len__"):
            return bool(_largest(o) == (_largest(t) if hasattr(t, "__len__") else t))
        return bool((o > bound) == (t > (0.0 if signs else 0.5)))

    return sum(right(o, t) for o, t in zip(predictions, targets, strict=True)) / len(predictions)


def r2(predictions: Sequence[Any], targets: Sequence[Any]) -> float:
    """Return 1 − Σ(t − o)² / Σ(t − t̄)²: 1 is perfect, 0 no better than the mean; nan where all targets are one number.

    >>> r2([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
    1.0
    """
    os, ts = _flat(predictions), _flat(targets)
    middle = _sum(ts) / len(ts)
    spread = _squares(ts, [middle] * len(ts))
    return 1.0 - _squares(ts, os) / spread if spread else math.nan


def rmse(predictions: Sequence[Any], targets: Sequence[Any]) -> float:
    """Return the root of the mean squared error, in the units of the targets.

    >>> rmse([3.0, 4.0], [0.0, 0.0])
    3.5355339059327378
    """
    os, ts = _flat(predictions), _flat(targets)
    return math.sqrt(_squares(ts, os) / len(ts))


#: The metrics by name, for `fit` and `evaluate`.
METRICS: dict[str, Metric] = {"accuracy": accuracy, "r2": r2, "rmse": rmse}


def metric_functions(metrics: str | Metric | Sequence[str | Metric] | None, loss: Loss) -> dict[str, Metric]:
    """Return by name the metrics that are to be measured beside a loss.

    Raises ValueError for an unknown name, or two of one name.
    """
    functions: dict[str, Metric] = {}
    for metric in as_list("metrics", metrics):
        if callable(metric):
            name, function = name_of(metric), metric
        else:
            name, function = metric, look_up("metric", metric, METRICS, ", or give a function")
            if function is accuracy and loss is bce_with_logits:
                function = partial(accuracy, threshold=0.0)  # the scores are logits, and σ(0) = 0.5
        if name in functions or name in ("epoch", "loss", "lr", "val_loss"):
            raise ValueError(f"the history would have two columns called {name!r}; give the metric another __name__")
        functions[name] = function
    return functions


def _largest(scores: Sequence[float]) -> int:
    return max(range(len(scores)), key=scores.__getitem__)


def _squares(ts: Sequence[float], os: Sequence[float]) -> float:
    return _sum([(t - o) * (t - o) for t, o in zip(ts, os, strict=True)])


def _sum(numbers: Sequence[float]) -> float:
    """The exactly rounded sum; where it is too large for a float, or infinite, what adding one by one gives."""
    try:
        return math.fsum(numbers)
    except (OverflowError, ValueError):  # ValueError: an infinity less an infinity
        return float(sum(numbers))


def _flat(numbers: Sequence[Any]) -> list[float]:
    return [x for item in numbers for x in (_flat(item) if hasattr(item, "__len__") else [_float(item)])]


def _float(x: Any) -> float:
    try:
        return float(bare(x))
    except OverflowError:  # an int
        return math.inf if x > 0 else -math.inf
