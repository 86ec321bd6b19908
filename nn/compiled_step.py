"""The training step as machine code, for ``fit(jit=True)``: loss, gradient, clipping and the optimiser's rule.

The step traces the same plain Python that runs without it: the model, the loss, ``backward()`` and the rule of the
optimiser. Parameters and the optimiser's state live in two arrays between the steps, and go back to where they belong
with ``finish``.

A batch of one sample, and a loss that is not of this package (which may mix the samples as it likes), are traced as a
whole, and give the bits of the eager step. For the losses of this package a larger batch runs through SIMD lanes, one
sample each; then the sums over the batch are added in another order, and agree to rounding.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from autograd import Value, jit, logsumexp, mean, softplus, topological_order, where
from autograd.graph import lent

from .layers import Dropout
from .losses import Loss, bce, cross_entropy, one_value, reduction_of
from .module import Module
from .optim import Optimizer, clip_each, scale_to_norm
from .step import Step


class CompiledStep(Step):
    """The same step as machine code.

    Raises ValueError for a model that cannot be compiled, and MissingExtraError without llvmlite and numpy.
    """

    data: Any  # the number of each parameter
    state: Any  # for each parameter its step count and what the optimiser remembers, one after another

    def __init__(
        self, model: Module, loss: Loss, optimizer: Optimizer, clip_norm: float | None, clip_value: float | None
    ) -> None:
        super().__init__(model, loss, optimizer, clip_norm, clip_value)
        self.reduction = reduction_of(loss)
        self.width = 1 + len(optimizer.slots)  # of the state of one parameter
        self.facts: Any = None  # on which the program depends; it holds what it tells of, so that no id is used again
        self.loaded = self.stepped = False
        self._load()

    def __call__(self, xs: Sequence[Any], ys: Sequence[Any]) -> float:
        """Return the loss of the batch; the parameters stay as they are where it is not finite."""
        import numpy as np

        if not self.loaded:
            self._load()
        if self._options() != self.options:  # everything but the learning rate is part of the program
            self._compile()
        rates = [float(group["lr"]) for group in self.optimizer.param_groups]
        inputs, targets = np.array(xs), np.array(ys)
        if self.reduction is not None and len(xs) > 1:
            result = self.reduce(self.data, self.state, rates, inputs, targets, then=self.update)
        else:
            result = self.whole(self.data, self.state, rates, inputs, targets)
        value, outside, data, state, grads = result
        if outside:
            self.finish()
            self.loss([self.model(x) for x in xs], ys)  # which says what is wrong
        if math.isfinite(value):
            self.data, self.state, self.grads, self.stepped = data, state, grads, True
        return float(value)

    def finish(self) -> None:
        """Write parameters, gradients and the optimiser's state back; the next step reads them anew."""
        self.loaded = False
        if not self.stepped:
            return
        self.stepped = False
        state = self.state.tolist()
        learning = self._learning() if self.optimizer.has_state else {}
        numbers = zip(self.parameters, self.data.tolist(), self.grads.tolist(), strict=True)
        for i, (p, number, grad) in enumerate(numbers):
            t, *remembered = state[i * self.width : (i + 1) * self.width]
            p.data = number
            p.zero_grad()
            if p in self.reached and p.requires_grad:
                p.grad = grad
                if p in learning:
                    self.optimizer.state[p] = int(t), tuple(remembered)

    def _load(self) -> None:
        """Take over what model and optimiser hold now, since whoever looked on may have changed anything."""
        self.parameters = self.model.parameters()
        for name, module in self.model.named_modules():
            if isinstance(module, Dropout) and module.p > 0.0:
                raise ValueError(
                    f"a compiled step would drop the same numbers each time, and {name or 'the model'} is a Dropout(p="
                    f"{module.p}); use jit=False, or set its p to 0"
                )
        groups = self.optimizer.param_groups
        facts = (
            {p: (i, p.requires_grad) for i, p in enumerate(self.parameters)},
            [{p: i for i, p in enumerate(group["params"])} for group in groups],
            [(module.training, vars(module).get("activate")) for module in self.model.modules()],
        )
        if facts != self.facts:
            self.facts = facts
            self._compile()
        import numpy as np

        group_of = {p: group for group in reversed(groups) for p in group["params"]}
        self.data = np.array([p.data for p in self.parameters])
        self.state = np.array([number for p in self.parameters for number in self._remembered(p, group_of)])
        self.grads = np.zeros(len(self.parameters))
        self.loaded = True

    def _compile(self) -> None:
        """Begin anew, with no program: each is made when it is called for."""
        self.options = self._options()
        self.reached: set[Value] = set()  # what the loss depends on; other parameters have no gradient
        sample = jit(_weak(self._sample), in_axes=(None, None, None, 0, 0))  # says what to install without numpy
        self.reduce = sample.sum if self.reduction == "sum" else sample.mean
        self.update = _weak(self._update)
        self.whole = jit(_weak(self._whole), in_axes=(None,) * 5)

    def _options(self) -> list[dict[str, Any]]:
        return [{k: v for k, v in g.items() if k not in ("params", "lr")} for g in self.optimizer.param_groups]

    def _sample(self, data: Any, state: Any, rates: Any, x: Any, t: Any) -> list[Any]:
        """Compute loss and gradient of one sample; state and rates are for what comes after."""
        return self._loss_and_gradient(data, [_listed(x)], [_listed(t)])

    def _whole(self, data: Any, state: Any, rates: Any, xs: Any, ys: Any) -> Any:
        result = self._loss_and_gradient(data, _listed(xs), _listed(ys))
        return self._update(result, data, state, rates)

    def _loss_and_gradient(self, data: Any, xs: list[Any], ys: list[Any]) -> list[Any]:
        with lent(self.parameters, data):
            outputs = [self.model(x) for x in xs]
            if self.loss is cross_entropy and not hasattr(ys[0], "__len__"):
                loss = mean([_cross_entropy(scores, t) for scores, t in zip(outputs, ys, strict=True)])
            else:
                loss = one_value(self.loss(outputs, ys))
            outside: Any = 0.0  # predictions that are no probabilities: as machine code the loss cannot complain
            if self.loss is bce:
                for o in _flat(outputs):
                    outside = outside + where((o.data < 0.0) | (o.data > 1.0), 1.0, 0.0)
            self.reached = {node for node in topological_order(loss) if not node.operands}.intersection(self.parameters)
            loss.backward()
            return [loss.data, outside, *[p.grad for p in self.parameters]]

    def _learning(self) -> dict[Value, int]:
        """Return the optimiser's group of each parameter that it changes."""
        groups = enumerate(self.optimizer.param_groups)
        return {p: i for i, group in groups for p in group["params"] if p.requires_grad}

    def _remembered(self, p: Value, group_of: dict[Value, Any]) -> list[float]:
        group = group_of.get(p)
        initial = (0.0,) * (self.width - 1) if group is None else self.optimizer.begin(group)
        t, numbers = self.optimizer.state.get(p, (0, initial))
        return [float(t), *numbers]

    def _update(self, result: list[Any], data: Any, state: Any, rates: Any) -> tuple[Any, ...]:
        """Compute new parameters and state, with the options of the optimiser's groups."""
        loss, outside, *grads = result
        group_of = self._learning()
        places = [i for i, p in enumerate(self.parameters) if p in self.reached and p.requires_grad]
        clipped = [grads[i] for i in places]
        if self.clip_value is not None:
            clipped = clip_each(clipped, self.clip_value)
        if self.clip_norm is not None:
            clipped, _ = scale_to_norm(clipped, self.clip_norm)
        new_data, new_state, new_grads = list(data), list(state), [0.0] * len(grads)
        for i, g in zip(places, clipped, strict=True):
            new_grads[i] = g
            group = group_of.get(self.parameters[i])
            if group is None:
                continue
            own = slice(i * self.width, (i + 1) * self.width)
            t, *remembered = state[own]
            new_data[i], numbers = self.optimizer.rule(
                data[i], g, tuple(remembered), t + 1.0, lr=rates[group], **self.options[group]
            )
            new_state[own] = [t + 1.0, *numbers]
        return loss, outside, _objects(new_data), _objects(new_state), _objects(new_grads)


def _weak(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method that does not keep its object: a step keeps what is compiled of it, and would be in a circle."""
    reference = weakref.WeakMethod(method)

    def call(*args: Any) -> Any:
        bound = reference()
        assert bound is not None  # the object is what calls
        return bound(*args)

    call.__name__ = method.__name__
    return call


def _cross_entropy(scores: list[Any], t: Any) -> Any:
    """``cross_entropy`` of one sample, for the number of a class that is known only when the code runs."""
    right = scores[0]
    for j, score in enumerate(scores[1:], 1):
        right = where(t == float(j), score, right)
    others = [where(t == float(j), -math.inf, score - right) for j, score in enumerate(scores)]
    return softplus(logsumexp(others))


def _flat(outputs: Any) -> list[Any]:
    return [o for part in outputs for o in _flat(part)] if isinstance(outputs, (list, tuple)) else [outputs]


def _listed(x: Any) -> Any:
    return x.tolist() if hasattr(x, "tolist") else x


def _objects(numbers: list[Any]) -> Any:
    import numpy as np

    array = np.empty(len(numbers), dtype=object)
    array[:] = numbers
    return array
