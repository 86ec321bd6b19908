"""The training step as machine code, for ``fit(jit=True)``: loss, gradient, clipping and the optimiser's rule.

The step traces the same plain Python that runs without it: the model, the loss, ``backward()`` and the rule of the
optimiser. Parameters and the optimiser's state live in two arrays between the steps, and go back to where they belong
when the step is told to ``finish``.

A batch of one sample, and a loss that is not of this package (which may mix the samples as it likes), are traced as a
whole, and give the bits of the eager step. For the losses of this package a larger batch runs through SIMD lanes, one
sample each; then the sums over the batch are added in another order, and agree to rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from autograd import Value, jit, logsumexp, mean, softplus, topological_order, where

from . import losses
from .layers import Dropout
from .losses import Loss
from .module import Module
from .optim import Optimizer, clip_norm, clip_value_of

# How the loss of a batch is made of the losses of its samples.
_MEANS = {losses.mse, losses.mae, losses.huber, losses.hinge, losses.bce, losses.bce_with_logits, losses.cross_entropy}
_SUMS = {losses.half_squared_error}


def compiled_step(
    model: Module, loss: Loss, optimizer: Optimizer, clip_norm: float | None, clip_value: float | None
) -> CompiledStep:
    """Return the step that ``fit`` calls for each batch.

    Raises ValueError for a model that cannot be compiled, and MissingExtraError without llvmlite and numpy.
    """
    for name, module in model.named_modules():
        if isinstance(module, Dropout) and module.p > 0.0:
            raise ValueError(
                f"a compiled step would drop the same numbers each time, and {name or 'the model'} is a Dropout(p="
                f"{module.p}); use jit=False, or set its p to 0"
            )
    return CompiledStep(model, loss, optimizer, clip_norm, clip_value)


class CompiledStep:
    """One training step: the loss of a batch, its gradient, and the optimiser's update."""

    def __init__(
        self, model: Module, loss: Loss, optimizer: Optimizer, clip_norm: float | None, clip_value: float | None
    ) -> None:
        sample = jit(self._sample, in_axes=(None, None, None, 0, 0))  # says what to install where numpy is missing
        import numpy as np

        self.model, self.loss, self.optimizer = model, loss, optimizer
        self.clip_norm, self.clip_value = clip_norm, clip_value
        self.parameters = model.parameters()
        known = {id(p) for p in self.parameters}
        self.others = [p for group in optimizer.param_groups for p in group["params"] if id(p) not in known]
        self.slots = len(optimizer.slots)
        self.lanes = loss in _MEANS or loss in _SUMS
        self.reached: set[int] = set()  # parameters that the loss depends on; the others have no gradient
        self.seen: set[float] = set()
        self.stepped = False
        self.data = np.array([p.data for p in self.parameters])
        self.state = np.array([number for p in self.parameters for number in self._remembered(p)])
        self.reduce = sample.mean if loss in _MEANS else sample.sum
        self.whole = jit(self._whole, in_axes=(None,) * 5)
        self.options: Any = None

    def __call__(self, xs: Sequence[Any], ys: Sequence[Any]) -> float:
        """Return the loss of the batch; the parameters stay as they are where it is not finite."""
        import numpy as np

        self._check_targets(ys)
        groups = self.optimizer.param_groups
        options = [{k: v for k, v in group.items() if k not in ("params", "lr")} for group in groups]
        if options != self.options:  # everything but the learning rate is part of the program
            self.options, self.update = options, self._update_of(options)
            self.whole = jit(self._whole, in_axes=(None,) * 5)
        rates = [float(group["lr"]) for group in groups]
        inputs, targets = np.array(xs), np.array(ys)
        if self.lanes and len(xs) > 1:
            result = self.reduce(self.data, self.state, rates, inputs, targets, then=self.update)
        else:
            result = self.whole(self.data, self.state, rates, inputs, targets)
        value, data, state = result
        if math.isfinite(value):
            self.data, self.state, self.stepped = data, state, True
        return float(value)

    def finish(self) -> None:
        """Write the parameters and the optimiser's state back."""
        if not self.stepped:
            return
        width, learning, state = 1 + self.slots, self._learning(), self.state.tolist()
        for i, (p, number) in enumerate(zip(self.parameters, self.data.tolist(), strict=True)):
            t, *numbers = state[i * width : (i + 1) * width]
            p.data = number
            if id(p) in self.reached and id(p) in learning:
                self.optimizer.state[id(p)] = int(t), tuple(numbers)

    def _sample(self, data: Any, state: Any, rates: Any, x: Any, t: Any) -> list[Any]:
        """Compute loss and gradient of one sample; state and rates are for what comes after."""
        return self._loss_and_gradient(data, [_listed(x)], [_listed(t)])

    def _whole(self, data: Any, state: Any, rates: Any, xs: Any, ys: Any) -> Any:
        result = self._loss_and_gradient(data, _listed(xs), _listed(ys))
        return self._update_of(self.options)(result, data, state, rates)

    def _loss_and_gradient(self, data: Any, xs: list[Any], ys: list[Any]) -> list[Any]:
        with self._lent(data):
            outputs = [self.model(x) for x in xs]
            if self.loss is losses.cross_entropy and not hasattr(ys[0], "__len__"):
                loss = mean([_cross_entropy(scores, t) for scores, t in zip(outputs, ys, strict=True)])
            else:
                loss = self.loss(outputs, ys)
            if not isinstance(loss, Value):
                raise TypeError(f"a loss gives one Value, and this one gave {type(loss).__name__} {loss!r}")
            self.reached = {id(node) for node in topological_order(loss) if not node.operands}
            loss.backward()
            return [loss.data, *[p.grad for p in self.parameters]]

    @contextmanager
    def _lent(self, numbers: Any) -> Iterator[None]:
        """Let the parameters hold other numbers for a while, and no gradients."""
        before = [(p, p.data, p.grad, p.has_grad) for p in self.parameters]
        try:
            for p, number in zip(self.parameters, numbers, strict=True):
                p.data = number
                p.zero_grad()
            yield
        finally:
            for p, data, grad, had in before:
                p.data = data
                p.zero_grad()
                if had:
                    p.grad = grad

    def _learning(self) -> dict[int, int]:
        """Return the optimiser's group of each parameter that it changes, by id."""
        groups = enumerate(self.optimizer.param_groups)
        return {id(p): i for i, group in groups for p in group["params"] if p.requires_grad}

    def _remembered(self, p: Value) -> list[float]:
        known = self.optimizer.state.get(id(p))
        if known is not None:
            return [float(known[0]), *known[1]]
        groups = [group for group in self.optimizer.param_groups if any(q is p for q in group["params"])]
        begin = self.optimizer.begin(groups[0]) if groups else (0.0,) * self.slots
        return [0.0, *begin]

    def _update_of(self, options: list[dict[str, Any]]) -> Callable[..., Any]:
        """Return the update with these options of the optimiser's groups."""

        def update(result: list[Any], data: Any, state: Any, rates: Any) -> tuple[Any, Any, Any]:
            import numpy as np

            loss, *grads = result
            group_of = self._learning()
            width = 1 + self.slots
            chosen = [i for i, p in enumerate(self.parameters) if id(p) in self.reached and p.requires_grad]
            wanted = [grads[i] for i in chosen]
            if self.clip_value is not None:
                wanted = clip_value_of(wanted, self.clip_value)
            if self.clip_norm is not None:
                wanted, _ = clip_norm(wanted, self.clip_norm)
            new_data, new_state = list(data), list(state)
            for i, g in zip(chosen, wanted, strict=True):
                group = group_of.get(id(self.parameters[i]))
                if group is None:
                    continue
                t, *remembered = state[i * width : (i + 1) * width]
                new_data[i], numbers = self.optimizer.rule(
                    data[i], g, tuple(remembered), t + 1.0, lr=rates[group], **options[group]
                )
                new_state[i * width : (i + 1) * width] = [t + 1.0, *numbers]
            return loss, _objects(np, new_data), _objects(np, new_state)

        return update

    def _check_targets(self, ys: Sequence[Any]) -> None:
        """Let the loss look at targets that it has not met yet: as machine code it cannot complain."""
        if self.loss is losses.cross_entropy:
            return
        for t in ys:
            if isinstance(t, float) and t not in self.seen and self.lanes:
                self.loss([0.5], [t])
                self.seen.add(t)


def _cross_entropy(scores: list[Any], t: Any) -> Any:
    """``losses.cross_entropy`` of one sample, for the number of a class that is known only when the code runs."""
    right = scores[0]
    for j, score in enumerate(scores[1:], 1):
        right = where(t == float(j), score, right)
    others = [where(t == float(j), -math.inf, score - right) for j, score in enumerate(scores)]
    return softplus(logsumexp(others))


def _listed(x: Any) -> Any:
    return x.tolist() if hasattr(x, "tolist") else x


def _objects(np: Any, numbers: list[Any]) -> Any:
    array = np.empty(len(numbers), dtype=object)
    array[:] = numbers
    return array
