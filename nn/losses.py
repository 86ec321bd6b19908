"""Losses: how far predictions are from targets, as one number to make small.

Predictions and targets are one number each, or lists (nested alike) of numbers; predictions are usually Values. With
``reduction="mean"`` the result is the mean over all of them, with "sum" the sum, with "none" a list of them. A target
of another shape is a ValueError: nothing is broadcast.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from numbers import Real
from typing import Any

import autograd
from autograd import Value, clip, dot, log, logsumexp, mean, relu, softplus, square

_NUMBERS = (int, float, Real)  # Real: NumPy's numbers
_SMALLEST = math.exp(-100.0)  # PyTorch's floor for the logarithms of bce: no term above 100


def mse(predictions: Any, targets: Any, reduction: str = "mean") -> Any:
    """Squared error (o − t)², as ``torch.nn.functional.mse_loss``.

    >>> mse([1.0, 3.0], [0.0, 1.0])
    2.5
    """
    if _known(reduction) == "none":
        return _reduce(lambda o, t: square(o - t), predictions, targets, reduction)
    errors = _reduce(operator.sub, predictions, targets, "none")
    squares = dot(errors, errors)  # one node for all of them
    return squares / len(errors) if reduction == "mean" and len(errors) > 1 else squares


def half_squared_error(predictions: Any, targets: Any, reduction: str = "sum") -> Any:
    """The textbook's ½ Σ (t − o)², summed unless told otherwise.

    >>> half_squared_error([1.0, 3.0], [0.0, 1.0])
    2.5
    """
    if reduction == "none":
        return _reduce(lambda o, t: 0.5 * square(t - o), predictions, targets, reduction)
    return 0.5 * mse(predictions, targets, reduction)


def mae(predictions: Any, targets: Any, reduction: str = "mean") -> Any:
    """Absolute error |o − t|, as ``torch.nn.functional.l1_loss``; its derivative at 0 is 0.

    >>> mae([1.0, 3.0], [0.0, 1.0])
    1.5
    """
    return _reduce(lambda o, t: abs(o - t), predictions, targets, reduction)


def huber(predictions: Any, targets: Any, reduction: str = "mean", delta: float = 1.0) -> Any:
    """½e² where |e| = |o − t| ≤ δ, and δ(|e| − ½δ) beyond (Huber, *Robust estimation of a location parameter*, 1964).

    >>> huber([0.5, 3.0], [0.0, 0.0], reduction="none")
    [0.125, 2.5]
    """
    if not 0.0 < delta < math.inf:
        raise ValueError(f"delta is a finite number above 0, and {delta!r} was given")

    def each(o: Any, t: Any) -> Any:
        size = abs(o - t)  # of which what lies within δ counts as a square and what lies beyond as it is
        return 0.5 * square(clip(size, 0.0, delta)) + delta * relu(size - delta)

    return _reduce(each, predictions, targets, reduction)


def hinge(predictions: Any, targets: Any, reduction: str = "mean") -> Any:
    """max(0, 1 − t·o) for scores o and labels t of −1 or +1: the loss of a support vector machine.

    Raises ValueError for another label.

    >>> hinge([2.0, 0.5, -1.0], [1, 1, 1], reduction="none")
    [0.0, 0.5, 2.0]
    """

    def each(o: Any, t: Any) -> Any:
        if isinstance(t, _NUMBERS) and t not in (1, -1):
            raise ValueError(f"the labels of hinge are -1 and +1, and {t!r} was given")
        z = dot((o,), (-t,), 1.0)
        return z.relu() if type(z) is Value else relu(z)

    return _reduce(each, predictions, targets, reduction)


def bce(predictions: Any, targets: Any, reduction: str = "mean") -> Any:
    """Binary cross entropy −t ln o − (1 − t) ln(1 − o) of probabilities o, with t in [0, 1].

    No logarithm goes below −100, as in PyTorch; beyond that the gradient is 0, so train on ``bce_with_logits``. Raises
    ValueError for a prediction or a target outside [0, 1].

    >>> bce([0.5, 1.0], [1.0, 1.0], reduction="none")
    [0.6931471805599453, 0.0]
    """

    def each(o: Any, t: Any) -> Any:
        for what, x in (("prediction", _bare(o)), ("target", _bare(t))):
            if _no_probability(x):
                raise ValueError(f"a {what} of bce lies in [0, 1], and {x!r} was given; see bce_with_logits for scores")
        return _weigh(t, 0.0 - _floored(o), 0.0 - _floored(1.0 - o))

    return _reduce(each, predictions, targets, reduction)


def bce_with_logits(predictions: Any, targets: Any, reduction: str = "mean") -> Any:
    """Binary cross entropy of σ(o) for scores o: t·softplus(−o) + (1 − t)·softplus(o).

    It neither overflows nor cancels. Raises ValueError for a target outside [0, 1].

    >>> bce_with_logits([0.0, 1000.0, -1000.0], [1.0, 1.0, 1.0], reduction="none")
    [0.6931471805599453, 0.0, 1000.0]
    """

    def each(o: Any, t: Any) -> Any:
        if _no_probability(t):
            raise ValueError(f"a target of bce_with_logits lies in [0, 1], and {t!r} was given")
        return _weigh(t, softplus(-o), softplus(o))

    return _reduce(each, predictions, targets, reduction)


def cross_entropy(logits: Any, targets: Any, reduction: str = "mean") -> Any:
    """Cross entropy ln Σⱼ exp(oⱼ) − o_t of the softmax of scores, where the target t is the index of the right class.

    ``logits`` is a list with a score for each class and ``targets`` a whole number; or a list of such lists, and a
    list. In place of an index, a target may be a list with the probability of each class: −Σⱼ tⱼ ln softmax(o)ⱼ. Raises
    ValueError for a class that does not exist.

    >>> cross_entropy([0.0, 0.0], 1)
    0.6931471805599453
    >>> cross_entropy([[1000.0, 0.0], [0.0, 0.0]], [0, 1], reduction="sum")
    0.6931471805599453
    """

    def each(scores: Any, t: Any) -> Any:
        if hasattr(t, "__len__"):
            if len(t) != len(scores):
                raise ValueError(f"{len(scores)} scores need as many probabilities, and {len(t)} were given")
            for p in t:
                if _no_probability(p):
                    raise ValueError(f"a probability in a target of cross_entropy lies in [0, 1], and {p!r} was given")
            level = logsumexp(scores)
            # a class of probability 0 is left out, since its score may be -inf
            terms = [(p, level - score) for p, score in zip(t, scores, strict=True) if not _is(p, 0.0)]
            return dot(*zip(*terms, strict=True)) if terms else 0.0 * level
        index = _class(t, len(scores))
        # over the differences to the right score: ln Σ exp(oⱼ − o_t) keeps its digits when the answer is near 0
        right = scores[index]
        others = [s - right for j, s in enumerate(scores) if j != index and not _is(_bare(s), -math.inf)]
        return softplus(logsumexp(others)) if others else 0.0 * right

    if len(logits) == 0:
        raise ValueError("cross_entropy needs a score for each class, and the list is empty")
    if not hasattr(logits[0], "__len__"):
        logits, targets = [logits], [targets]
        return each(logits[0], targets[0]) if _known(reduction) != "none" else [each(logits[0], targets[0])]
    if not hasattr(targets, "__len__") or len(targets) != len(logits):
        raise ValueError(f"{len(logits)} lists of scores need as many classes, and {_shape(targets)} was given")
    return _combine([each(scores, t) for scores, t in zip(logits, targets, strict=True)], reduction)


Loss = Callable[[Any, Any], Any]
LOSSES: dict[str, Callable[..., Any]] = {
    loss.__name__: loss for loss in (mse, half_squared_error, mae, huber, hinge, bce, bce_with_logits, cross_entropy)
}


def loss_function(loss: str | Loss) -> Loss:
    """Return the loss of that name, or the function itself.

    >>> loss_function("mse") is mse
    True
    """
    if callable(loss):
        return loss
    if loss in LOSSES:
        return LOSSES[loss]
    raise ValueError(f"no loss is called {loss!r}; the names are {', '.join(LOSSES)}")


def _weigh(t: Any, one: Any, zero: Any) -> Any:
    """t·one + (1 − t)·zero, where a term of weight 0 is left out, since it may be infinite."""
    if _is(t, 0.0) or _is(t, 1.0):
        return one if t == 1 else zero
    return t * one + (1.0 - t) * zero


def _floored(p: Any) -> Any:
    return log(clip(p, _SMALLEST, 1.0))


def _bare(x: Any) -> Any:
    return x.data if isinstance(x, Value) else x


def _is(x: Any, number: float) -> bool:
    """Whether it is that constant; False for a Value, and for what cannot be looked at (under a trace)."""
    return isinstance(x, _NUMBERS) and bool(x == number)


def _no_probability(x: Any) -> bool:
    """Whether it is a number outside [0, 1]; False for nan, and for what cannot be looked at (under a trace)."""
    return isinstance(x, _NUMBERS) and (float(x) < 0.0 or float(x) > 1.0)


def _class(t: Any, classes: int) -> int:
    index = int(t) if isinstance(t, (int, float)) and not isinstance(t, bool) and t == t and abs(t) < 2**53 else None
    if index is None and hasattr(t, "__index__") and not isinstance(t, bool):
        index = t.__index__()
    if index is None or index != t or not 0 <= index < classes:
        raise ValueError(f"a target of cross_entropy is a class from 0 to {classes - 1}, and {t!r} was given")
    return index


def _known(reduction: str) -> str:
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"reduction is 'mean', 'sum' or 'none', and {reduction!r} was given")
    return reduction


def _reduce(each: Callable[[Any, Any], Any], predictions: Any, targets: Any, reduction: str) -> Any:
    terms: list[Any] = []
    if hasattr(predictions, "__len__"):
        _terms(each, predictions, targets, terms)
    elif hasattr(targets, "__len__"):
        raise ValueError(f"one prediction needs one target, and {_shape(targets)} was given")
    else:
        terms.append(each(predictions, targets))
        if reduction == "mean":
            return terms[0]
    return _combine(terms, reduction)


def _terms(each: Callable[[Any, Any], Any], predictions: Any, targets: Any, terms: list[Any]) -> None:
    if not hasattr(targets, "__len__") or len(predictions) != len(targets):
        raise ValueError(f"{_shape(predictions)} of predictions needs as many targets, and {_shape(targets)} was given")
    for o, t in zip(predictions, targets, strict=True):
        if hasattr(o, "__len__"):
            _terms(each, o, t, terms)
        elif hasattr(t, "__len__"):
            raise ValueError(f"one prediction needs one target, and {_shape(t)} was given")
        else:
            terms.append(each(o, t))


def _combine(terms: list[Any], reduction: str) -> Any:
    if not terms:
        raise ValueError("a loss needs at least one prediction, and the list is empty")
    if _known(reduction) == "none":
        return terms
    return mean(terms) if reduction == "mean" else autograd.sum(terms)


def _shape(x: Any) -> str:
    return f"a list of {len(x)}" if hasattr(x, "__len__") else f"one {type(x).__name__}"
