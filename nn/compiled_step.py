"""The training step as machine code, for ``fit(jit=True)``: loss, gradient, clipping and the optimiser's rule.

The step traces the same plain Python that runs without it: the model, the loss, ``backward()`` and the rule of the
optimiser. Parameters and the optimiser's state live in two arrays between the steps, and go back to where they belong
with ``finish``.

A batch of one sample, and a loss that is not of this package (which may mix the samples as it likes), are traced as a
whole, and give the bits of the eager step (cross entropy of numbers of classes, which are not known while tracing, but
for the order in which adjoints are added). For the losses of this package a larger batch runs through SIMD lanes, one
sample each; then the sums over the batch are added in another order, and agree to rounding.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from autograd import TraceError, Value, enable_grad, jit, logsumexp, mean, softplus, topological_order, where
from autograd.compiler.call.known import Known
from autograd.graph import lent
from autograd.many import zero_grads

from .fingerprint import NoFingerprint, fingerprint
from .layers import Dropout
from .losses import Loss, bce, cross_entropy, one_value, reduction_of
from .module import Module
from .optim import Optimizer, clip_each, scale_to_norm
from .step import Step, evaluating
from .table import Table


class CompiledStep(Step):
    """The same step as machine code.

    What Dropout multiplies with is drawn as in the eager step, and comes with each sample's inputs. Raises
    MissingExtraError without llvmlite and numpy.
    """

    numbers: Any  # of each parameter, then of each its step count, and then each number that the optimiser remembers
    grads: Any
    held: Any  # the compiled step with its arrays in place; None before it is called for
    dropouts: list[Dropout]
    drops: list[Dropout]  # for each factor behind a sample's inputs, what draws it
    inputs: Any
    batch: list[Any]  # those that hold the inputs and targets of a batch
    update: Callable[..., Any]
    predicted: Any  # the compiled model in evaluation mode; None once it is found that it cannot be traced

    def __init__(
        self, data: Table, model: Module, loss: Loss, optimizer: Optimizer, clip_norm: float | None,
        clip_value: float | None,
    ) -> None:  # fmt: skip
        super().__init__(data, model, loss, optimizer, clip_norm, clip_value)
        self.reduction = reduction_of(loss)
        self.facts: Any = None  # on which the program depends; it holds what it tells of, so that no id is used again
        self.loaded = self.stepped = False
        self._load()
        import numpy as np

        self.targets = np.array(data[1], float)

    def begin(self) -> None:
        """Take over the optimiser's options, which a schedule may have changed."""
        if self._options() != self.options:  # everything but the learning rate is part of the program
            self.finish()
            self.facts = None
            self._load()

    def __call__(self, batch: Sequence[int]) -> float:
        """Return the loss of the samples with these numbers; the parameters stay as they are where it is not finite."""
        if not self.loaded:
            self._load()
        rates = [float(group["lr"]) for group in self.optimizer.param_groups]
        run = self._together if self.reduction is not None and len(batch) > 1 else self._one_by_one
        value, outside, numbers = run(batch, rates)
        if outside:
            self.finish()
            xs, ys = self.samples(batch)
            self.loss([self.model(x) for x in xs], ys)  # which says what is wrong
        if math.isfinite(value):
            split = len(self.numbers)
            self.numbers[:], self.grads[:], self.stepped = numbers[:split], numbers[split:], True
        return float(value)

    def _held(self, count: int) -> Any:
        """Return the compiled step with its arrays in place."""
        if not self.batch or count > len(self.batch[0]):
            self.batch = [x[:count].copy() for x in (self.inputs, self.targets)]
            split = len(self.parameters)
            rates = [0.0] * len(self.optimizer.param_groups)
            arguments = self.numbers[:split], self.numbers[split:], rates, *self.batch
            self.held = self.sample.hold(self.reduction or "mean", *arguments, then=self.update)
        if self.numbers.base is not self.held.shared:
            self.held.shared[: len(self.numbers)] = self.numbers
            self.numbers = self.held.shared[: len(self.numbers)]
        return self.held

    def _together(self, batch: Sequence[int], rates: list[float]) -> tuple[float, float, Any]:
        """Run the samples side by side."""
        held = self._held(len(batch))
        if len(batch) < len(self.inputs):  # else they are all there
            for whole, part in zip((self.inputs, self.targets), self.batch, strict=True):
                whole.take(batch, axis=0, out=part[: len(batch)], mode="clip")
        self._draw(self.batch[0][: len(batch)])
        held.shared[len(self.numbers) :] = rates
        held(len(batch))
        value, outside = held.results[:2]
        return value, outside, held.results[2:]

    def _one_by_one(self, batch: Sequence[int], rates: list[float]) -> tuple[float, float, Any]:
        """Run the samples in one program."""
        import numpy as np

        split, inputs = len(self.parameters), self.inputs[batch]
        self._draw(inputs)
        value, outside, *numbers = self.whole(
            self.numbers[:split], self.numbers[split:], rates, inputs, self.targets[batch]
        )
        return value, outside, np.concatenate(numbers)

    def outputs(self, xs: Sequence[Any]) -> list[Any]:
        """Return the model's outputs as numbers, in evaluation mode: all samples at once."""
        import numpy as np

        if self.predicted is None:
            return self._outputs_in_python(xs)
        if id(xs) not in self.columns:
            self.columns[id(xs)] = xs, [np.array(column, float) for column in zip(*xs, strict=True)]
        data = self.numbers[: len(self.parameters)].tolist() if self.loaded else [p.data for p in self.parameters]
        try:
            return _rows(self.predicted(data, self.columns[id(xs)][1]))
        except TraceError:  # of a model that computes otherwise in evaluation mode
            self.predicted = None
            return self._outputs_in_python(xs)

    def _outputs_in_python(self, xs: Sequence[Any]) -> list[Any]:
        self.finish()
        return super().outputs(xs)

    def _predicted(self, data: list[Any], x: list[Any]) -> Any:
        with lent(self.parameters, data), evaluating(self.model):
            return self.model(x)

    def finish(self) -> None:
        """Write parameters, gradients and the optimiser's state back; the next step reads them anew."""
        self.loaded = False
        if not self.stepped:
            return
        self.stepped = False
        split = len(self.parameters)
        data, states = self.numbers[:split].tolist(), self.numbers[split:].reshape(self.width, split).T.tolist()
        self.optimizer.zero_grad()  # of others than the model's parameters, too
        zero_grads(self.parameters)
        trained = {p for p in self.reached if p.requires_grad}
        stepped = trained.intersection(self._group_of()) if self.width else set()
        for p, number, grad, state in zip(self.parameters, data, self.grads.tolist(), states, strict=True):
            p.data = number
            if p in trained:
                p.grad = grad
            if p in stepped:
                self.optimizer.state[p] = int(state[0]), tuple(state[1:])

    def _load(self) -> None:
        """Take over what model and optimiser hold now, since whoever looked on may have changed anything."""
        self.parameters, modules = self.model.parameters(), list(self.model.modules())
        facts = (
            {p: i for i, p in enumerate(self.parameters)},
            [i for i, p in enumerate(self.parameters) if not p.requires_grad],
            [{p: i for i, p in enumerate(group["params"])} for group in self.optimizer.param_groups],
            [(m.training, vars(m).get("activate"), isinstance(m, Dropout) and m.p > 0.0) for m in modules],
        )
        if facts != self.facts:
            self.facts = facts
            self.dropouts = [m for m in modules if isinstance(m, Dropout)]
            self._compile()
        import numpy as np

        self.numbers = np.concatenate([[p.data for p in self.parameters], self._state()])
        self.grads = np.zeros(len(self.parameters))
        self.loaded = True
        self.begin()

    def _compile(self) -> None:
        """Begin anew, with no program: each is made when it is called for."""
        self.options = self._options()
        self.width = 1 + len(self.optimizer.slots) if self.optimizer.has_state else 0  # of the state of a parameter
        self.reached: set[Value] = set()  # what the loss depends on; other parameters have no gradient
        self.drops = self._dropped()
        self.inputs = self._with_factors(self.data[0])
        self.held, self.batch = None, []
        functions = self._sample, self._update, self._whole, self._predicted
        sample, self.update, whole, predicted = self._known([_weak(function) for function in functions])
        self.predicted = jit(predicted)
        self.columns: dict[int, tuple[Any, list[Any]]] = {}  # inputs by their id, and their columns as arrays
        self.sample = jit(sample, in_axes=(None, None, None, 0, 0))  # says what to install without numpy
        self.whole = jit(whole, in_axes=(None,) * 5)

    def _known(self, functions: list[Callable[..., Any]]) -> list[Callable[..., Any]]:
        """Return the functions to compile with what they are known by, if all that they use is of this package."""
        numbers, frozen, groups, _ = self.facts
        members = [group == numbers or [numbers.get(p, -1) for p in group] for group in groups]
        try:
            model, loss = fingerprint(self.model, numbers), fingerprint(self.loss, numbers)
            methods = type(self.optimizer), self.optimizer.rule, self.optimizer.begin  # which an instance may have anew
            settings = self.options, self.clip_norm, self.clip_value
            rule = [fingerprint(getattr(x, "__func__", x), numbers) for x in (*methods, *settings)]
        except (NoFingerprint, RecursionError):  # or something that contains itself
            return functions
        with enable_grad():
            outputs = self._output(_listed(self.inputs[0]))
        leaves = {node for node in topological_order(*_flat(outputs)) if not node.operands}
        self.reached = leaves.intersection(self.parameters)
        content = f"{model} {loss} {self.reduction} {rule} {members} {frozen} {len(self.drops)}"
        return [Known(function, f"{function.__name__} {content}") for function in functions]

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
            outputs = [self._output(x) for x in xs]
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

    def _dropped(self) -> list[Dropout]:
        """Return what each number that Dropout drops or not belongs to, in the order in which a sample meets them."""
        met: list[Dropout] = []
        for dropout in self.dropouts:
            dropout.given = _noting(met, dropout)
        try:
            if self.dropouts:
                self.model(self.data[0][0])
        finally:
            for dropout in self.dropouts:
                dropout.given = None
        return met

    def _with_factors(self, xs: Any) -> Any:
        """Return the inputs, with room for the factors of Dropout behind each sample's."""
        import numpy as np

        return np.hstack([np.array(xs, float), np.ones((len(xs), len(self.drops)))])

    def _draw(self, inputs: Any) -> None:
        """Draw what Dropout multiplies with, sample by sample, as the eager step does."""
        if self.drops:
            inputs[:, -len(self.drops) :] = [[dropout.draw() for dropout in self.drops] for _ in inputs]

    def _output(self, row: list[Any]) -> Any:
        """Run the model on a sample, with the factors that stand behind it."""
        count = len(row) - len(self.drops)
        factors = iter(row[count:])
        for dropout in self.drops:
            dropout.given = factors
        try:
            return self.model(row[:count])
        finally:
            for dropout in self.drops:
                dropout.given = None

    def _group_of(self) -> dict[Value, int]:
        """Return the optimiser's group of each parameter that it knows."""
        return {p: i for i, group in enumerate(self.optimizer.param_groups) for p in group["params"]}

    def _state(self) -> Any:
        """Return the step counts of all parameters, and then each number that the optimiser remembers of them."""
        import numpy as np

        if not self.width:
            return np.empty(0)
        begin = dict.fromkeys(self.parameters, (0, (0.0,) * (self.width - 1)))
        for group in reversed(self.optimizer.param_groups):
            begin |= dict.fromkeys(group["params"], (0, self.optimizer.begin(group)))
        states = [self.optimizer.state.get(p) or begin[p] for p in self.parameters]
        remembered = zip(*[numbers for _, numbers in states], strict=True)
        return np.array([[t for t, _ in states], *remembered], float).ravel()

    def _update(self, result: list[Any], data: Any, state: Any, rates: Any) -> tuple[Any, ...]:
        """Compute new parameters and state, with the options of the optimiser's groups."""
        loss, outside, *grads = result
        group_of = self._group_of()
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
            own = slice(i, None, len(grads))
            t, *remembered = state[own] if self.width else (0.0, *self.optimizer.begin(self.options[group]))
            new_data[i], numbers = self.optimizer.rule(
                data[i], g, tuple(remembered), t + 1.0, lr=rates[group], **self.options[group]
            )
            new_state[own] = [t + 1.0, *numbers][: self.width]
        return loss, outside, _objects(new_data), _objects(new_state), _objects(new_grads)


def _noting(met: list[Dropout], dropout: Dropout) -> Iterator[float]:
    while True:
        met.append(dropout)
        yield 1.0


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


def _rows(outputs: Any) -> list[Any]:
    """Return the outputs for each sample, given those for all."""
    if isinstance(outputs, (list, tuple)):
        return [list(row) for row in zip(*map(_rows, outputs), strict=True)]
    return list(outputs.tolist())


def _listed(x: Any) -> Any:
    return x.tolist() if hasattr(x, "tolist") else x


def _objects(numbers: list[Any]) -> Any:
    import numpy as np

    array = np.empty(len(numbers), dtype=object)
    array[:] = numbers
    return array
