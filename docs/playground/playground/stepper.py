"""Training in WebAssembly: a batch's gradient and the optimiser's rule, as kernels over one memory.

Both are traced from what trains step by step in Python: the model, the loss and the rule of the optimiser.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from autograd.compiler.trace.listing import Listing, listing
from autograd.compiler.webassembly import Cell, functions_of, kernel
from nn import Module
from nn.optim import Optimizer

DOUBLE, PAGE = 8, 65536  # bytes


class Machine(Protocol):
    """What runs kernels: a browser, or wasmtime in the tests."""

    def start(self, module: bytes, rules: Sequence[str]) -> Callable[[int, int], Any]:
        """Start a module with the machine's memory and the named rules of operations; return its ``run``."""

    def write(self, address: int, numbers: Sequence[float]) -> None:
        """Put numbers into the memory."""

    def read(self, address: int, count: int) -> Sequence[float]:
        """Return so many numbers of the memory."""


class Stepper:
    """Trains a model on rows ``X`` with targets ``y``, the first ``train`` of which it learns from.

    ``machine(pages)`` makes a Machine with so many pages of memory. ``loss(prediction, target)`` gives the cost of one
    sample. Of the optimiser the first group's options are taken; ``learning_rate`` may be set between epochs.
    """

    def __init__(
        self,
        machine: Callable[[int], Machine],
        model: Module,
        loss: Callable[[Any, Any], Any],
        X: Sequence[Sequence[float]],
        y: Sequence[float],
        optimizer: Optimizer,
        train: int | None = None,
        seed: int = 0,
    ) -> None:
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.rows = [[*x, t] for x, t in zip(X, y, strict=True)]
        self.train = len(self.rows) if train is None else train
        self.step_count, self._draws = 0, random.Random(seed)
        group = optimizer.param_groups[0]
        self.options = {key: option for key, option in group.items() if key != "params"}
        self.learning_rate = self.options["lr"]
        self._model, self._loss, self._rule, self._slots = model, loss, type(optimizer).rule, optimizer.slots
        count, names = len(self.parameters), len(self.rows[0])
        self._room = 0
        self._p, self._g = self._place(count), self._place(count)
        self._states = [self._place(count) for _ in self._slots]
        self._columns = [self._place(len(self.rows)) for _ in range(names)]
        self._sum, self._t, self._batch, self._lr = [self._place(1) for _ in range(4)]
        self.machine = machine(self._room // PAGE + 1)
        self.machine.write(self._p, [p.data for p in self.parameters])
        self._write_rows()
        self._run_gradient, self._run_cost, self._run_update = self._kernels()

    def epochs(self, count: int, batch_size: int | None = None) -> float:
        """Train for so many epochs, on all rows at once or on batches of rows in a random order.

        Returns the mean cost of the samples in the last epoch, each before the step that learns from it.
        """
        cost = 0.0
        for _ in range(count):
            cost = 0.0
            if batch_size is not None and batch_size < self.train:
                kept = self.rows[: self.train]
                self._draws.shuffle(kept)
                self.rows[: self.train] = kept
                self._write_rows()
            for first in range(0, self.train, batch_size or self.train):
                size = min(batch_size or self.train, self.train - first)
                self.step_count += 1
                self.machine.write(self._t, [float(self.step_count), float(size), self.learning_rate])
                self._run_gradient(first, size)
                self._run_update(0, len(self.parameters))
                cost += self.machine.read(self._sum, 1)[0]
        return cost / self.train

    def costs(self) -> tuple[float, float]:
        """Return the mean cost of the rows that are learnt from, and of the others: nan where there are none."""
        parts = []
        for first, count in ((0, self.train), (self.train, len(self.rows) - self.train)):
            self._run_cost(first, count)
            parts.append(self.machine.read(self._sum, 1)[0] / count if count else float("nan"))
        return parts[0], parts[1]

    def update_model(self) -> None:
        """Give the model the parameters that were reached."""
        for p, x in zip(self.parameters, self.machine.read(self._p, len(self.parameters)), strict=True):
            p.data = x

    def _place(self, count: int) -> int:
        """Return the address of room for so many numbers."""
        address, self._room = self._room, self._room + count * DOUBLE
        return address

    def _write_rows(self) -> None:
        for address, column in zip(self._columns, zip(*self.rows, strict=True), strict=True):
            self.machine.write(address, column)

    def _kernels(self) -> list[Callable[[int, int], Any]]:
        names = [f"x{i + 1}" for i in range(len(self._columns) - 1)] + ["target"]
        row = [Cell(address, column=True) for address in self._columns]
        fixed = [Cell(self._p + i * DOUBLE) for i in range(len(self.parameters))]
        gradients = [Cell(self._g + i * DOUBLE) for i in range(len(self.parameters))]
        states = [Cell(address, column=True) for address in self._states]
        p, g = Cell(self._p, column=True), Cell(self._g, column=True)
        rule = listing(self._updated, ["p", "g", *self._slots, "t", "size", "lr"])
        return [
            self._started(
                listing(self._gradient, names, self.parameters), [*row, *fixed], [Cell(self._sum), *gradients]
            ),
            self._started(listing(self._cost, names, self.parameters), [*row, *fixed], [Cell(self._sum)]),
            self._started(rule, [p, g, *states, Cell(self._t), Cell(self._batch), Cell(self._lr)], [p, *states]),
        ]

    def _started(self, program: Listing, inputs: list[Cell], outputs: list[Cell]) -> Callable[[int, int], Any]:
        return self.machine.start(kernel(program, inputs, outputs), functions_of(program))

    def _cost(self, *numbers: Any) -> list[Any]:
        *x, target = numbers
        return [self._loss(self._model(x), target)]

    def _gradient(self, *numbers: Any) -> list[Any]:
        for p in self.parameters:
            p.zero_grad()
        [cost] = self._cost(*numbers)
        cost.backward()
        return [cost, *[p.grad for p in self.parameters]]

    def _updated(self, p: Any, g: Any, *others: Any) -> list[Any]:
        *state, t, size, lr = others
        new, states = self._rule(p, g / size, tuple(state), t, *{**self.options, "lr": lr}.values())
        return [new, *states]
