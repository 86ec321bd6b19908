"""One training step: the loss of a batch, its gradient, and the optimiser's update."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from autograd import Value
from autograd.operation import bare

from .losses import Loss, one_value
from .module import Module
from .optim import Optimizer, clip_grad_norm_, clip_grad_value_
from .table import Table


class Step:
    """The step as anyone would write it by hand; ``fit`` calls it for each batch of the ``data``.

    It calls ``begin`` before each epoch, and ``finish`` before anybody else looks on.
    """

    def __init__(
        self, data: Table, model: Module, loss: Loss, optimizer: Optimizer, clip_norm: float | None,
        clip_value: float | None,
    ) -> None:  # fmt: skip
        self.data, self.model, self.loss, self.optimizer = data, model, loss, optimizer
        self.clip_norm, self.clip_value = clip_norm, clip_value
        self.parameters: list[Value] = []  # those of the model, collected anew after each finish()

    def begin(self) -> None:
        """Take over what may have changed between epochs."""

    def samples(self, batch: Sequence[int]) -> Table:
        """Return inputs and targets of the samples with these numbers."""
        xs, ys = self.data
        return [xs[i] for i in batch], [ys[i] for i in batch]

    def __call__(self, batch: Sequence[int]) -> float:
        """Return the loss of the samples with these numbers; the parameters stay as they are where it is not finite."""
        xs, ys = self.samples(batch)
        self.parameters = self.parameters or self.model.parameters()
        loss = one_value(self.loss([self.model(x) for x in xs], ys))
        if math.isfinite(loss.data):
            self.optimizer.zero_grad()
            for p in self.parameters:  # also those that the optimiser does not know
                p.zero_grad()
            loss.backward()
            if self.clip_value is not None:
                clip_grad_value_(self.parameters, self.clip_value)
            if self.clip_norm is not None:
                clip_grad_norm_(self.parameters, self.clip_norm)
            self.optimizer.step()
        return float(loss.data)

    def outputs(self, xs: Sequence[Any]) -> list[Any]:
        """Return the model's outputs as numbers, in evaluation mode."""
        return outputs(self.model, xs)

    def finish(self) -> None:
        """Forget what was collected: whoever looks on may change anything before the next step."""
        self.parameters = []


def outputs(model: Module, xs: Sequence[Any]) -> list[Any]:
    """Return a model's outputs as numbers, in evaluation mode.

    Building a graph and dropping it is faster here than no_grad().
    """
    with evaluating(model):
        return [_floats(model(x)) for x in xs]


@contextmanager
def evaluating(model: Module) -> Iterator[None]:
    """Switch to evaluation mode, and back to what each module was in."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def _floats(output: Any) -> Any:
    return [_floats(x) for x in output] if isinstance(output, (list, tuple)) else float(bare(output))
