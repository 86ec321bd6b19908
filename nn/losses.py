"""Losses: how far predictions are from targets, as one number to make small.

Predictions and targets are one number each, or lists (nested alike) of numbers; predictions are usually Values. With
``reduction="mean"`` the result is the mean over all of them, with "sum" the sum, with "none" a list of them. A target
of another shape is a ValueError: nothing is broadcast.
"""

from __future__ import annotations

import inspect
import math
import operator
from collections.abc import Callable
from typing import Any

import autograd
from autograd import Value, clip, dot, log, logsumexp, mean, relu, softplus, square
from autograd.operation import bare

from .checks import choice, is_real, look_up, number_where, shown

_KNOWN = ("mean", "sum", "none")
_SMALLEST = math.exp(-100.0)  # PyTorch's floor for the logarithms of bce: no term above 100


def mse(predictions: Any, targets: Any, reduction: str = "mean") -> Any:
    """Squared error (o − t)², as ``torch.nn.functional.mse_loss``.

    >>> mse([1.0, 3.0], [0.0, 1.0])
    2.5
    """
    if _known(reduction) == "none":
        return _reduce(lambda o, t: square(o - t), predictions, targets, reduction)
    errors = _combine(_terms(operator.sub, predictions, targets), "none")
    squares = dot(errors, errors)  # Σ e², as one node
    return squares / len(errors) if reduction == "mean" and len(errors) > 1 else squares


def half_squared_error(predictions: Any, targets: Any, reduction: str = "sum") -> Any:
    """The textbook's ½ Σ (t − o)², summed where ``reduction`` says nothing else.

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

    Raises ValueError for a ``delta`` that is not a finite number above 0.

    >>> huber([0.5, 3.0], [0.0, 0.0], reduction="none")
    [0.125, 2.5]
    """
    delta = number_where("delta is a finite number above 0", delta, lambda d: 0.0 < d < math.inf)

    def each(o: Any, t: Any) -> Any:
        # Of |e|, the part up to δ counts as a square, and the part beyond δ as it is, with the slope δ that the square
        # has there: ½δ² + δ(|e| − δ) = δ(|e| − ½δ).
        size = abs(o - t)
        return 0.5 * square(clip(size, 0.0, delta)) + delta * relu(size - delta)

    return _reduce(each, predictions, targets, reduction)


def hinge(predictions: Any, targets: Any, reduction: str = "mean") -> Any:
    """max(0, 1 − t·o) for scores o and labels t of −1 or +1: the loss of a support vector machine.

    Raises ValueError for another label.

    >>> hinge([2.0, 0.5, -1.0], [1, 1, 1], reduction="none")
    [0.0, 0.5, 2.0]
    """

    def each(o: Any, t: Any) -> Any:
        if is_real(t) and t not in (1, -1):
            raise ValueError(f"the labels of hinge are -1 and +1, and {shown(t)} was given")
        return relu(dot((o,), (-t,), 1.0))

    return _reduce(each, predictions, targets, reduction)


def bce(predictions: Any, targets: Any, reduction: str = "mean") -> Any:
    """Binary cross entropy −t ln o − (1 − t) ln(1 − o) of probabilities o, with t in [0, 1].

    No logarithm goes below −100, as in PyTorch; beyond that the gradient is 0, so train on ``bce_with_logits``. Raises
    ValueError for a prediction or a target outside [0, 1].

    >>> bce([0.5, 1.0], [1.0, 1.0], reduction="none")
    [0.6931471805599453, 0.0]
    """

    def each(o: Any, t: Any) -> Any:
        for what, x in (("prediction", bare(o)), ("target", bare(t))):
            if _no_probability(x):
                raise ValueError(
                    f"a {what} of bce lies in [0, 1], and {shown(x)} was given; see bce_with_logits for scores"
                )
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
            raise ValueError(f"a target of bce_with_logits lies in [0, 1], and {shown(t)} was given")
        # −ln σ(o) = ln(1 + exp(−o)) = softplus(−o), and −ln(1 − σ(o)) = −ln σ(−o) = softplus(o).
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
            # −ln softmax(o)ⱼ = ln Σ exp(o) − oⱼ; a class of probability 0 is left out, since its score may be -inf.
            level = logsumexp(scores)
            terms = [(p, level - score) for p, score in zip(t, scores, strict=True) if not _is(p, 0.0)]
            return dot(*zip(*terms, strict=True)) if terms else 0.0 * level
        # ln Σ exp(oⱼ) − o_t = ln(1 + Σ exp(oⱼ − o_t)) = softplus(ln Σ exp(oⱼ − o_t)), the last two sums over j ≠ t: the
        # differences to the right score keep their digits when the loss is near 0.
        index = _class(t, len(scores))
        right = scores[index]
        others = [s - right for j, s in enumerate(scores) if j != index and not _is(bare(s), -math.inf)]
        return softplus(logsumexp(others)) if others else 0.0 * right

    if len(logits) == 0:
        raise ValueError("cross_entropy needs a score for each class, and the list is empty")
    if not hasattr(logits[0], "__len__"):
        logits, targets = [logits], [targets]
        one = _of_floats(each, logits[0], targets[0])
        return one if _known(reduction) != "none" else [one]
    if not hasattr(targets, "__len__") or len(targets) != len(logits):
        raise ValueError(f"{len(logits)} lists of scores need as many classes, and {_given(targets)}")
    return _combine([_of_floats(each, scores, t) for scores, t in zip(logits, targets, strict=True)], reduction)


Loss = Callable[[Any, Any], Any]
#: The losses by name, for `fit`.
LOSSES: dict[str, Callable[..., Any]] = {
    loss.__name__: loss for loss in (mse, half_squared_error, mae, huber, hinge, bce, bce_with_logits, cross_entropy)
}
_OWN = tuple(LOSSES.values())  # without those that a user adds, which may do anything


def reduction_of(loss: Any) -> str | None:
    """Return how a loss of this package puts the samples together, "mean" or "sum"; None for any other loss.

    >>> reduction_of(half_squared_error)
    'sum'
    """
    for own in _OWN:
        if loss is own:  # no look-up in a dict: a user's loss need have no hash
            return str(inspect.signature(loss).parameters["reduction"].default)
    return None


def loss_function(loss: str | Loss) -> Loss:
    """Return the loss of that name, or the function itself; raises ValueError for an unknown name.

    >>> loss_function("mse") is mse
    True
    """
    return loss if callable(loss) else look_up("loss", loss, LOSSES)


def name_of(function: Any) -> str:
    """Return the name of a loss or a metric; of an object without one, that of its class.

    >>> name_of(mse)
    'mse'
    """
    return str(getattr(function, "__name__", type(function).__name__))


def one_value(loss: Any) -> Value:
    """Return a loss, or raise TypeError where it is not one Value."""
    if not isinstance(loss, Value):
        raise TypeError(f"a loss gives one Value, and this one gave {type(loss).__name__} {loss!r}")
    return loss


def _weigh(t: Any, one: Any, zero: Any) -> Any:
    """t·one + (1 − t)·zero, where a term of weight 0 is left out, since it may be infinite."""
    if _is(t, 0.0) or _is(t, 1.0):
        return one if t == 1 else zero
    return t * one + (1.0 - t) * zero


def _floored(p: Any) -> Any:
    return log(clip(p, _SMALLEST, 1.0))


def _is(x: Any, constant: float) -> bool:
    """Whether it is that constant; False for a Value, and for what cannot be looked at (under a trace)."""
    return is_real(x) and bool(x == constant)


def _no_probability(x: Any) -> bool:
    """Whether it is a number outside [0, 1]; False for nan, and for what cannot be looked at (under a trace)."""
    return is_real(x) and (float(x) < 0.0 or float(x) > 1.0)


def _class(t: Any, classes: int) -> int:
    if not is_real(t) or isinstance(t, bool) or not 0 <= t < classes or t != int(t):
        raise ValueError(f"a target of cross_entropy is a class from 0 to {classes - 1}, and {shown(t)} was given")
    return int(t)


def _known(reduction: str) -> str:
    return reduction if reduction in _KNOWN else choice("reduction", reduction, _KNOWN)


def _reduce(each: Callable[[Any, Any], Any], predictions: Any, targets: Any, reduction: str) -> Any:
    terms = _terms(each, predictions, targets)
    return _combine(terms, reduction) if reduction != "mean" or hasattr(predictions, "__len__") else terms[0]


def _terms(each: Callable[[Any, Any], Any], o: Any, t: Any) -> list[Any]:
    """Return the loss of each prediction; o and t are one number each, or lists nested alike."""
    if not hasattr(o, "__len__"):
        if hasattr(t, "__len__"):
            raise ValueError(f"one prediction needs one target, and a list of {len(t)} was given")
        return [_of_floats(each, o, t)]
    if not hasattr(t, "__len__") or len(o) != len(t):
        raise ValueError(f"{len(o)} predictions need {len(o)} targets, and {_given(t)}")
    terms = []
    for a, b in zip(o, t, strict=True):
        if type(a) is Value and type(b) is float:  # nearly always: no need to look for lists in them
            terms.append(each(a, b))
        else:
            terms += _terms(each, a, b)
    return terms


def _of_floats(each: Callable[[Any, Any], Any], o: Any, t: Any) -> Any:
    try:
        return each(o, t)
    except OverflowError:
        raise ValueError(f"an integer of {shown(o)} and {shown(t)} is too large for a float (beyond 1.8e308)") from None


def _combine(terms: list[Any], reduction: str) -> Any:
    if not terms:
        raise ValueError("a loss needs at least one prediction, and the list is empty")
    if _known(reduction) == "none":
        return terms
    return mean(terms) if reduction == "mean" else autograd.sum(terms)


def _given(x: Any) -> str:
    return f"{len(x)} were given" if hasattr(x, "__len__") else f"one {type(x).__name__} was given"
