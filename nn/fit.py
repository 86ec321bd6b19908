"""``fit``: the training loop, with everything around it that a person would otherwise write again each time."""

from __future__ import annotations

import math
import os
import random
import signal
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from autograd import Value

from . import checkpoint as files
from ._checks import is_finite, is_number, whole
from .history import History
from .layers import Dropout
from .losses import Loss, bce, bce_with_logits, cross_entropy, hinge, loss_function
from .metrics import METRICS, Metric, accuracy
from .module import Module, _matched
from .optim import OPTIMIZERS, Optimizer, clip_grad_norm_, clip_grad_value_
from .schedule import Schedule
from .table import inputs, samples


class Step(Protocol):
    """One training step: the loss of a batch, its gradient, and the optimiser's update."""

    def __call__(self, xs: Sequence[Any], ys: Sequence[Any]) -> float:
        """Return the loss, and change the parameters; where the loss is not finite, it may leave them alone."""

    def finish(self) -> None:
        """Write the parameters and the optimiser's state back, where the step keeps them elsewhere."""


class EagerStep:
    """The step as anyone would write it by hand."""

    def __init__(
        self, model: Module, loss: Loss, optimizer: Optimizer, clip_norm: float | None, clip_value: float | None
    ) -> None:
        self.model, self.loss, self.optimizer = model, loss, optimizer
        self.clip_norm, self.clip_value = clip_norm, clip_value
        self.looked = False

    def __call__(self, xs: Sequence[Any], ys: Sequence[Any]) -> float:
        """Return the loss of the batch; the parameters stay as they are where it is not finite."""
        if not self.looked:
            self._look()
        loss = _one_value(self.loss([self.model(x) for x in xs], ys))
        if math.isfinite(loss.data):
            self.optimizer.zero_grad()
            for p in self.others:
                p.zero_grad()
            loss.backward()
            if self.clip_value is not None:
                clip_grad_value_(self.parameters, self.clip_value)
            if self.clip_norm is not None:
                clip_grad_norm_(self.parameters, self.clip_norm)
            self.optimizer.step()
        return float(loss.data)

    def finish(self) -> None:
        """The parameters are where they belong; whoever looks on may change anything before the next step."""
        self.looked = False

    def _look(self) -> None:
        self.looked = True
        self.parameters = self.model.parameters()
        known = {id(p) for group in self.optimizer.param_groups for p in group["params"]}
        self.others = [p for p in self.parameters if id(p) not in known]  # which the optimiser leaves alone


@dataclass
class EarlyStopping:
    """Stop when ``monitor`` has not improved by more than ``min_delta`` for ``patience`` epochs.

    ``monitor`` is a column of the history; None means ``val_loss`` where there is validation data and else ``loss``.
    With ``restore_best`` the model ends with the parameters of its best epoch, however the run ends.
    """

    patience: int = 10
    min_delta: float = 0.0
    monitor: str | None = None
    mode: str = "min"
    restore_best: bool = True

    def __post_init__(self) -> None:
        if self.mode not in ("min", "max"):
            raise ValueError(f"mode is 'min' or 'max', and {self.mode!r} was given")
        self.patience = whole("patience", self.patience)


@dataclass
class Training:
    """What a callback sees after each epoch; it may return True to end the run."""

    model: Module
    optimizer: Optimizer
    history: History
    epoch: int
    row: dict[str, Any] = field(default_factory=dict)


def fit(
    model: Module,
    X: Any,
    y: Any,
    *,
    loss: str | Loss = "mse",
    optimizer: str | Optimizer = "adam",
    lr: float | None = None,
    epochs: int = 100,
    batch_size: int | None = 32,
    shuffle: bool = True,
    seed: int = 0,
    validation_data: tuple[Any, Any] | None = None,
    validation_split: float = 0.0,
    metrics: str | Metric | Sequence[str | Metric] = (),
    callbacks: Callable[[Training], Any] | Sequence[Callable[[Training], Any]] = (),
    early_stopping: int | EarlyStopping | None = None,
    schedule: Schedule | Callable[[Optimizer], Schedule] | None = None,
    clip_norm: float | None = None,
    clip_value: float | None = None,
    progress: bool = True,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    jit: bool = False,
) -> History:
    """Train ``model`` on samples ``X`` (a row each) and targets ``y``, and return the ``History``.

    ``X`` and ``y`` are lists, NumPy arrays or pandas DataFrames. ``loss`` is a name of ``nn.LOSSES`` or a function of a
    list of predictions and a list of targets. ``optimizer`` is a name of ``nn.OPTIMIZERS`` (with ``lr``, or its
    default) or an optimiser. ``batch_size=None`` takes all samples at once; the last batch may be shorter. ``seed``
    decides the order of the samples, the split and what Dropout drops: the same seed gives the same bits.

    ``validation_split`` is the share of the samples that is set aside, unless ``validation_data=(X, y)`` is given.
    ``metrics`` are names of ``nn.METRICS`` or functions of predictions and targets, measured after each epoch. A
    callback is called with a ``Training`` after each epoch and ends the run by returning True. ``early_stopping`` is a
    number of epochs to wait, or an ``EarlyStopping``. ``schedule`` is one made for the optimiser, or a function that
    makes one. Gradients are clipped by value first, then by norm.

    ``checkpoint`` names a file that is replaced after each epoch; ``resume=True`` goes on from it, where it exists, to
    the same bits as a run without interruption. ``jit=True`` compiles the step: batches of one sample, and losses of
    your own, give the same bits; else the samples of a batch are added up in SIMD lanes, in another order, and the loss
    agrees to rounding. Ctrl-C ends the run after the batch, with model and history as they are; a second Ctrl-C is not
    waited for. A loss that becomes nan or infinite ends it with a RuntimeWarning that says where.

    Raises ValueError for empty data, rows of different lengths, a nan or an infinity in the data (it says where), and
    an unknown name; CheckpointError for a file that does not fit.

    >>> from nn import MLP, data, fit
    >>> X, y = data.xor()
    >>> history = fit(MLP(2, [4, 1], activation="tanh", seed=1), X, y, lr=0.1, epochs=100, progress=False)
    >>> history["loss"][-1] < 0.01
    True
    """
    if not isinstance(model, Module):
        raise TypeError(f"fit trains a Module, and {type(model).__name__} was given")
    if checkpoint is not None:
        files.check_path(checkpoint)  # said now, not after the first epoch
    elif resume:
        raise ValueError("resume=True goes on from a file; name it with checkpoint=")
    xs, ys = samples(X, y)
    held: Any = None
    if validation_data is not None:
        held = samples(*_pair(validation_data), what="validation ")
    elif validation_split:
        (xs, ys), held = _split(xs, ys, validation_split, seed)
    epochs = whole("epochs", epochs)
    seed = int(seed) if hasattr(seed, "__index__") else seed  # of NumPy's integers too, which JSON does not know
    batch_size = None if batch_size is None else whole("batch_size", batch_size)
    function = loss_function(loss)
    _check_scores(model, function, xs)
    _check_targets(model, function, xs, ys)
    if held is not None:
        _check_targets(model, function, *held)
    optimizer = _optimizer(optimizer, model, lr)
    if not {id(p) for p in model.parameters()} & {id(p) for group in optimizer.param_groups for p in group["params"]}:
        raise ValueError("the optimiser holds none of the model's parameters; make it with model.parameters()")
    if not any(p.requires_grad for p in model.parameters()):
        raise ValueError("every parameter of the model is frozen; let some learn with model.requires_grad_()")
    for what, bound in (("clip_norm", clip_norm), ("clip_value", clip_value)):
        if bound is not None and not (is_number(bound) and bound > 0.0):
            raise ValueError(f"{what} is a number above 0, and {bound!r} was given")
    plan = _schedule(schedule, optimizer)
    stopping = _stopping(early_stopping)
    measured = _metrics(metrics, function)
    called = _several(callbacks, "callbacks")

    run = _Run(model, optimizer, plan, stopping, History(), seed, batch_size, len(xs))
    if checkpoint is not None and resume and os.path.exists(checkpoint):
        run.restore(files.read(checkpoint), os.fspath(checkpoint))
    step = _step(model, function, optimizer, clip_norm, clip_value, jit)
    model.train()
    size = batch_size or len(xs)
    batches = math.ceil(len(xs) / size)
    with _bar(epochs * batches, run.epoch * batches, progress) as bar, _interruptible() as interrupted:
        while run.epoch < epochs and run.history.stopped == "finished":
            run.begin_epoch()
            order = run.order(shuffle)
            total = 0.0
            for start in range(0, len(order), size):
                chosen = order[start : start + size]
                value = step([xs[i] for i in chosen], [ys[i] for i in chosen])
                total += value * len(chosen)
                if not math.isfinite(value):
                    run.history.stopped = "nan loss"
                    _warn_of(value, run.epoch + 1, start // size + 1, batches)
                    break
                bar.update()
                if interrupted:
                    run.history.stopped = "interrupted"
                    break
            step.finish()
            if run.history.stopped != "finished":
                break
            row = {"epoch": run.epoch + 1, "loss": total / len(xs), "lr": optimizer.param_groups[0]["lr"]}
            row |= _measure(model, function, measured, (xs, ys), held)
            run.end_epoch(row, called)
            if interrupted and run.history.stopped == "finished":
                run.history.stopped = "interrupted"
            bar.set_postfix_str(_short(row), refresh=False)
            if checkpoint is not None:
                files.write(checkpoint, run.contents())
    run.restore_best()
    return run.history


class _Run:
    """The part of a run that a checkpoint holds."""

    def __init__(
        self, model: Module, optimizer: Optimizer, schedule: Schedule | None, stopping: EarlyStopping | None,
        history: History, seed: int, batch_size: int | None, count: int,
    ) -> None:  # fmt: skip
        self.model, self.optimizer, self.schedule, self.stopping = model, optimizer, schedule, stopping
        self.history, self.seed, self.batch_size, self.count = history, seed, batch_size, count
        self.epoch, self.waited = 0, 0
        self.best: float | None = None
        self.best_state: dict[str, Any] | None = None

    def begin_epoch(self) -> None:
        """Let everything random depend on the seed and the epoch alone, so that nothing else need be stored."""
        for i, module in enumerate(self.model.modules()):
            if isinstance(module, Dropout):
                module.reseed(f"dropout/{self.seed}/{self.epoch}/{i}")

    def order(self, shuffle: bool) -> list[int]:
        """Return the order of the samples in this epoch."""
        order = list(range(self.count))
        if shuffle:
            random.Random(f"order/{self.seed}/{self.epoch}").shuffle(order)
        return order

    def end_epoch(self, row: dict[str, Any], callbacks: Sequence[Callable[[Training], Any]]) -> None:
        """Note the row, and look whether the run is to go on."""
        self.history.append(row)
        self.epoch += 1
        watched = row.get("val_loss", row["loss"])
        if self.schedule is not None:
            self.schedule.step(watched)
        if self.stopping is not None:
            self._watch(row, self.stopping)
        training = Training(self.model, self.optimizer, self.history, self.epoch, row)
        for callback in callbacks:
            if callback(training) is True and self.history.stopped == "finished":
                self.history.stopped = "callback"

    def _watch(self, row: dict[str, Any], stopping: EarlyStopping) -> None:
        monitor = stopping.monitor or ("val_loss" if "val_loss" in row else "loss")
        if monitor not in row:
            raise ValueError(f"early stopping watches {monitor!r}, and the columns are {', '.join(row)}")
        number = row[monitor] if stopping.mode == "min" else -row[monitor]
        if math.isfinite(number) and (self.best is None or number < self.best - stopping.min_delta):
            self.best, self.waited = number, 0
            self.best_state = self.model.state_dict() if stopping.restore_best else None
        else:
            self.waited += 1
        if self.waited >= stopping.patience:
            self.history.stopped = "early stopping"

    def restore_best(self) -> None:
        """Give the model the parameters of its best epoch, where that was asked for."""
        if self.best_state is not None:
            self.model.load_state_dict(self.best_state)

    def contents(self) -> dict[str, Any]:
        """Return what goes into the file."""
        training = {
            "epoch": self.epoch,
            "seed": self.seed,
            "batch_size": self.batch_size,
            "samples": self.count,
            "stopped": self.history.stopped,
            "waited": self.waited,
            "best": self.best,
            "best_state": self.best_state,
            "schedule": self.schedule.state_dict() if self.schedule is not None else None,
            "history": {key: [_stored(x) for x in column] for key, column in self.history.columns.items()},
        }
        return files.contents(self.model, self.optimizer, training)

    def restore(self, stored: dict[str, Any], path: str) -> None:
        """Go on from what a file holds. Everything is checked before anything is changed."""
        with files.blamed_on(path):
            training = stored.get("training")
            if not isinstance(training, dict) or set(training) != set(self.contents()["training"]):
                raise ValueError("it holds no training run to resume; it was written by save, not by fit")
            for key in ("seed", "batch_size", "samples"):
                own = {"seed": self.seed, "batch_size": self.batch_size, "samples": self.count}[key]
                if training[key] != own:
                    raise ValueError(f"it is of a run with {key}={training[key]!r}, and this one has {own!r}")
            columns = files.history(training)
            if training["best"] is not None and not is_finite(training["best"]):
                raise ValueError("its best value is not a number")
            if training["best_state"] is not None:
                _matched(self.model, training["best_state"])
            if (training["schedule"] is None) != (self.schedule is None):
                raise ValueError("only one of the file and this run has a learning-rate schedule")
            apply = files.prepare(stored, self.model, self.optimizer)
            if self.schedule is not None:
                self.schedule.load_state_dict(training["schedule"])
            apply()
        self.epoch, self.waited = training["epoch"], training["waited"]
        self.best, self.best_state = training["best"], training["best_state"]
        self.history.columns = columns
        if training["stopped"] == "early stopping":
            self.history.stopped = "early stopping"


def predict(model: Module, X: Any) -> list[Any]:
    """Return the model's outputs, as floats or lists of floats, for each row of ``X``, in evaluation mode.

    >>> from nn import MLP, predict
    >>> predict(MLP(2, [1], init="ones"), [[1.0, 2.0], [3.0, 4.0]])
    [3.0, 7.0]
    """
    return _outputs(model, inputs(X))


def evaluate(
    model: Module, X: Any, y: Any, *, loss: str | Loss = "mse", metrics: str | Metric | Sequence[str | Metric] = ()
) -> dict[str, float]:
    """Return the loss and the metrics of a model on data, in evaluation mode.

    >>> from nn import MLP, evaluate
    >>> evaluate(MLP(2, [1], init="ones"), [[1.0, 2.0], [3.0, 4.0]], [3.0, 6.0], metrics=["rmse"])
    {'loss': 0.5, 'rmse': 0.7071067811865476}
    """
    xs, ys = samples(X, y)
    function = loss_function(loss)
    _check_scores(model, function, xs)
    outputs = _outputs(model, xs)
    row = {"loss": _float(function(outputs, ys))}
    return row | {name: _measured(name, f, outputs, ys) for name, f in _metrics(metrics, function).items()}


def _step(
    model: Module, loss: Loss, optimizer: Optimizer, clip_norm: float | None, clip_value: float | None, jit: bool
) -> Step:
    if not jit:
        return EagerStep(model, loss, optimizer, clip_norm, clip_value)
    from ._compiled import compiled_step

    step: Step = compiled_step(model, loss, optimizer, clip_norm, clip_value)
    return step


def _one_value(loss: Any) -> Value:
    if not isinstance(loss, Value):
        raise TypeError(f"a loss gives one Value, and this one gave {type(loss).__name__} {loss!r}")
    return loss


def _measure(model: Module, loss: Loss, metrics: dict[str, Metric], trained: Any, held: Any) -> dict[str, float]:
    row: dict[str, float] = {}
    if metrics:
        outputs = _outputs(model, trained[0])
        row |= {name: _measured(name, metric, outputs, trained[1]) for name, metric in metrics.items()}
    if held is not None:
        outputs = _outputs(model, held[0])
        row["val_loss"] = _float(loss(outputs, held[1]))
        row |= {f"val_{name}": _measured(name, metric, outputs, held[1]) for name, metric in metrics.items()}
    return row


def _measured(name: str, metric: Metric, outputs: list[Any], targets: list[Any]) -> float:
    number = metric(outputs, targets)
    try:
        return _float(number)
    except TypeError:
        raise TypeError(f"the metric {name} is to give one number, and it gave {number!r}") from None


def _outputs(model: Module, xs: Sequence[Any]) -> list[Any]:
    """Return the outputs as numbers; a graph built and dropped for each sample is quicker than one forbidden."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        return [_bare(model(x)) for x in xs]
    finally:
        for module, training in modes:
            module.training = training


def _bare(out: Any) -> Any:
    return [_bare(x) for x in out] if isinstance(out, (list, tuple)) else _float(out)


def _float(x: Any) -> float:
    return float(x.data if isinstance(x, Value) else x)


def _stored(x: Any) -> Any:
    """JSON has no nan and no infinity; a metric may be one."""
    return x if isinstance(x, int) or math.isfinite(x) else repr(x)


def _optimizer(optimizer: str | Optimizer, model: Module, lr: float | None) -> Optimizer:
    if isinstance(optimizer, Optimizer):
        if lr is not None:
            raise ValueError("an optimiser has its own learning rate; leave lr out, or name the optimiser")
        return optimizer
    if str(optimizer).lower() not in OPTIMIZERS:
        raise ValueError(f"no optimiser is called {optimizer!r}; the names are {', '.join(OPTIMIZERS)}")
    kind = OPTIMIZERS[optimizer.lower()]
    return kind(model.parameters()) if lr is None else kind(model.parameters(), lr=lr)


def _schedule(given: Any, optimizer: Optimizer) -> Schedule | None:
    schedule = given(optimizer) if callable(given) else given
    if schedule is None or (isinstance(schedule, Schedule) and schedule.optimizer is optimizer):
        return schedule
    raise TypeError("schedule is a Schedule made for this optimiser, or a function that makes one of an optimiser")


def _stopping(early_stopping: int | EarlyStopping | None) -> EarlyStopping | None:
    if early_stopping is None or isinstance(early_stopping, EarlyStopping):
        return early_stopping
    return EarlyStopping(early_stopping)


def _several(given: Any, what: str) -> Sequence[Any]:
    """One metric or callback may stand without a list around it, and None for none."""
    if given is None or isinstance(given, str) or callable(given):
        return [] if given is None else [given]
    if not hasattr(given, "__iter__"):
        raise TypeError(f"{what} is a function or a list of them, and {given!r} was given")
    return list(given)


def _metrics(given: Any, loss: Loss) -> dict[str, Metric]:
    found: dict[str, Metric] = {}
    for name, metric in (_metric(each, loss) for each in _several(given, "metrics")):
        if name in found or name in ("epoch", "loss", "lr", "val_loss"):
            raise ValueError(f"the history would have two columns called {name!r}; give the metric another __name__")
        found[name] = metric
    return found


def _metric(metric: str | Metric, loss: Loss) -> tuple[str, Metric]:
    if callable(metric):
        return getattr(metric, "__name__", type(metric).__name__), metric
    if metric == "accuracy" and loss is bce_with_logits:
        return metric, partial(accuracy, threshold=0.0)  # σ(0) = 0.5
    if metric in METRICS:
        return metric, METRICS[metric]
    raise ValueError(f"no metric is called {metric!r}; the names are {', '.join(METRICS)}, or give a function")


def _check_scores(model: Module, loss: Loss, xs: Sequence[Any]) -> None:
    """A batch of single numbers would look to cross_entropy like the scores of one sample."""
    if loss is cross_entropy and not isinstance(_outputs(model, xs[:1])[0], list):
        raise ValueError(
            "cross_entropy needs a score for each class, and the model gives one number; make its last layer as wide "
            "as there are classes, or use bce_with_logits for two"
        )


def _check_targets(model: Module, loss: Loss, xs: Sequence[Any], ys: Sequence[Any]) -> None:
    """Let a loss that is particular about targets look at each once, before anything is changed."""
    if loss not in (hinge, bce, bce_with_logits, cross_entropy):
        return
    likely = _likely(_outputs(model, xs[:1])[0])
    for _, t in {repr(t): t for t in ys}.items():
        loss([likely], [t])


def _likely(out: Any) -> Any:
    """A prediction of that shape to which no loss objects."""
    return [_likely(x) for x in out] if isinstance(out, list) else 0.5


def _pair(validation_data: Any) -> tuple[Any, Any]:
    if not isinstance(validation_data, (tuple, list)) or len(validation_data) != 2:
        raise ValueError("validation_data is a pair (X, y)")
    return validation_data[0], validation_data[1]


def _split(xs: list[Any], ys: list[Any], share: float, seed: int) -> tuple[tuple[list[Any], list[Any]], Any]:
    from .data import train_test_split

    x_train, x_held, y_train, y_held = train_test_split(xs, ys, share, seed)
    return (x_train, y_train), (x_held, y_held)


def _warn_of(value: float, epoch: int, batch: int, batches: int) -> None:
    warnings.warn(
        f"the loss became {value!r} in epoch {epoch}, batch {batch} of {batches}, and training stopped; a smaller "
        "learning rate, clip_norm=1.0 or standardised inputs usually help, and detect_anomaly() finds the place",
        RuntimeWarning,
        stacklevel=3,
    )


def _short(row: dict[str, Any]) -> str:
    return ", ".join(f"{key} {number:.4g}" for key, number in row.items() if key != "lr")


@contextmanager
def _bar(total: int, done: int, wanted: bool) -> Iterator[Any]:
    """A progress bar in terminal or notebook, or one that shows nothing."""
    from tqdm import tqdm

    kind: Any = tqdm
    if wanted and _in_notebook():
        from tqdm.notebook import tqdm as kind
    with kind(total=total, initial=done, disable=not wanted, unit="batch", dynamic_ncols=True) as bar:
        yield bar


def _in_notebook() -> bool:
    """Whether this is a notebook that can show a bar of its own (tqdm warns where ipywidgets is missing)."""
    import importlib.util
    import sys

    shell = sys.modules.get("IPython")
    active = shell.get_ipython() if shell is not None else None
    return active is not None and hasattr(active, "kernel") and importlib.util.find_spec("ipywidgets") is not None


@contextmanager
def _interruptible() -> Iterator[list[int]]:
    """Collect the first Ctrl-C in a list, so that a step is never cut in half; a second one interrupts at once."""
    seen: list[int] = []
    ours = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGINT) if ours else None
    if before is not signal.default_int_handler:
        yield seen  # another thread, or someone who handles it otherwise
        return

    def note(number: int, frame: Any) -> None:
        if seen:
            raise KeyboardInterrupt
        seen.append(number)

    signal.signal(signal.SIGINT, note)
    try:
        yield seen
    finally:
        signal.signal(signal.SIGINT, before)
