"""``fit``: the training loop, with everything around it that a person would otherwise write again each time."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any

from autograd import enable_grad
from autograd.modes import graph_is_off
from autograd.operation import bare

from . import checkpoint as checkpoint_files
from .checkpoint import Path
from .checks import as_list, number_where, whole
from .data import train_test_split
from .fingerprint import is_ours
from .flow import flow_of, parameters_by_layer
from .history import History
from .losses import Loss, cross_entropy, loss_function, name_of, reduction_of
from .metrics import Metric, metric_functions
from .module import Module
from .optim import Optimizer, optimizer_for
from .progress import interruptible, progress_bar
from .recorder import Camera, Recorder
from .run import Callback, EarlyStopping, Row, Run
from .schedule import Schedule, schedule_for
from .step import Step, outputs
from .table import Table, inputs, samples

Outputs = Callable[[Sequence[Any]], list[Any]]  # from inputs to what a model makes of them


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
    callbacks: Callback | Sequence[Callback] = (),
    early_stopping: int | EarlyStopping | None = None,
    schedule: Schedule | Callable[[Optimizer], Schedule] | None = None,
    clip_norm: float | None = None,
    clip_value: float | None = None,
    progress: bool = True,
    checkpoint: Path | None = None,
    resume: bool = False,
    jit: bool = False,
    record: int | Recorder | None = None,
) -> History:
    """Train ``model`` on samples ``X`` (one row each) and targets ``y``, and return the ``History``.

    ``X`` and ``y`` are lists, NumPy arrays or pandas DataFrames. ``loss`` is a name of ``nn.LOSSES`` or a function of a
    list of predictions and a list of targets. ``optimizer`` is a name of ``nn.OPTIMIZERS`` (with ``lr``, or its
    default) or an optimiser. ``batch_size=None`` takes all samples at once; the last batch may be shorter. The order of
    the samples is new in each epoch, unless ``shuffle=False``. ``seed`` decides that order, the split and what Dropout
    drops: the same seed gives the same bits. ``progress`` shows a bar.

    ``validation_split`` is the share of the samples that is set aside, unless ``validation_data=(X, y)`` is given.
    ``metrics`` are names of ``nn.METRICS`` or functions of predictions and targets, measured after each epoch. A
    callback is called with a ``Training`` after each epoch and ends the run by returning True. ``early_stopping`` is a
    number of epochs to wait, or an ``EarlyStopping``. ``schedule`` is one made for the optimiser, or a function that
    makes one. Gradients are held to ±``clip_value`` each first, then scaled until their norm, over all parameters
    together, is at most ``clip_norm``; both are above 0.

    ``checkpoint`` names a file that is replaced after each epoch; ``resume=True`` goes on from it, where it exists, to
    the same bits as a run without interruption. ``epochs`` is the total, with those of a resumed file; ``lr`` may be
    left out, and model, loss, metrics, optimiser and early stopping are to be as in the run of the file. ``jit=True``
    compiles the step: batches of one sample, and losses of your own, give the same bits (but for cross entropy of
    numbers of classes, which rounds otherwise); else the samples of a batch are added up in SIMD lanes, in another
    order, and the loss agrees to rounding. The parameters are written back when
    somebody looks: a callback, a metric, early stopping, a checkpoint, a recorder, or the end. Ctrl-C ends the run
    after the batch, with model and history as they are; a second Ctrl-C is not waited for. A loss that becomes nan or
    infinite ends it with a RuntimeWarning that says where. Inside ``no_grad()`` it trains all the same.

    ``record`` is a ``Recorder``, or after how many epochs each of its frames is taken: ``history.player("run.html")``
    then shows the training as a film of the network. It changes no number of the run.

    Raises ValueError for empty data, rows of different lengths, a nan or an infinity in the data (it says where), an
    unknown name, ``resume`` without ``checkpoint``, and frames too large for a page; TypeError for a model that is no
    Module; CheckpointError for a file that does not fit; MissingExtraError for ``jit`` without llvmlite and numpy.

    >>> from nn import MLP, data, fit
    >>> X, y = data.xor()
    >>> history = fit(MLP(2, [4, 1], activation="tanh", seed=1), X, y, lr=0.1, epochs=100, progress=False)
    >>> history["loss"][-1] < 0.01
    True
    """
    if not isinstance(model, Module):
        raise TypeError(f"fit trains a Module, and {type(model).__name__} was given")
    _check_checkpoint(checkpoint, resume)
    clip_norm, clip_value = _above_0("clip_norm", clip_norm), _above_0("clip_value", clip_value)
    data, held_out = _tables(X, y, validation_data, validation_split, seed)
    epochs = whole("epochs", epochs)
    batch_size = None if batch_size is None else whole("batch_size", batch_size)
    seed = int(seed) if hasattr(seed, "__index__") else seed  # NumPy's integers too, which JSON does not know
    stopping = early_stopping if isinstance(early_stopping, EarlyStopping | None) else EarlyStopping(early_stopping)
    loss = loss_function(loss)
    measured = metric_functions(metrics, loss)
    callbacks = as_list("callbacks", callbacks)
    for table in (data, held_out):
        _check_targets(model, loss, table)
    chosen = optimizer.defaults if isinstance(optimizer, Optimizer) else () if lr is None else ("lr",)
    optimizer = optimizer_for(model.parameters(), optimizer, lr)
    columns = _columns(measured, held_out)
    run = Run(
        model, optimizer, schedule_for(schedule, optimizer), stopping, seed, batch_size, len(data[0]),
        name_of(loss), columns, tuple(chosen),
    )  # fmt: skip
    camera = None if record is None else Camera(Recorder.of(record), model, loss, data, epochs)
    if checkpoint is not None and resume and os.path.exists(checkpoint):
        run.resume(checkpoint)
    run.history.recording = None if camera is None else camera.recording
    model.train()
    step = _step_class(jit)(data, model, loss, optimizer, clip_norm, clip_value)
    measure = partial(_epoch_metrics, step.outputs, loss, measured, data, held_out)
    # a function of the user's may look at more than it is given
    looked_at = bool(callbacks or stopping or checkpoint) or not all(map(is_ours, (loss, *measured.values())))
    with enable_grad() if graph_is_off() else nullcontext():  # whoever calls fit wants to train
        _train(run, step, looked_at, measure, callbacks, epochs, shuffle, progress, checkpoint, camera)
    run.restore_best()
    return run.history


def _step_class(jit: bool) -> type[Step]:
    if not jit:
        return Step
    from .compiled_step import CompiledStep  # brings the compiler

    return CompiledStep


def _train(
    run: Run, step: Step, looked_at: bool, measure: Callable[[], Row], callbacks: Sequence[Callback], epochs: int,
    shuffle: bool, progress: bool, checkpoint: Path | None, camera: Camera | None,
) -> None:  # fmt: skip
    """Go through the data until all epochs are done, or something stops the run.

    The step need not write back what it holds before somebody looks at it.
    """
    count = run.batch_count
    loss: float | None = 0.0
    layers = parameters_by_layer(run.model) if camera is not None else {}
    if camera is not None:
        camera.take(run.epoch, {})
    with progress_bar(epochs * count, run.epoch * count, epochs, progress) as bar, interruptible() as interrupts:
        try:
            while run.epoch < epochs and run.running:
                loss = _epoch(run, step, shuffle, bar, interrupts)
                if loss is None:
                    break
                due = camera is not None and camera.is_due(run.epoch + 1)
                if looked_at or due:
                    step.finish()
                row = run.end_epoch(loss, measure(), callbacks)
                if interrupts:
                    run.stop("interrupted")
                bar.show(row)
                if checkpoint is not None:
                    run.save(checkpoint)
                if camera is not None and due:
                    camera.take(run.epoch, flow_of(layers))
        finally:
            step.finish()
            run.finish(callbacks)
        if camera is not None:
            camera.take(run.epoch + (loss is None), flow_of(layers), within=loss is None)
        bar.end(run.ending(epochs), failed=run.history.stopped == "nan loss")


def _epoch(run: Run, step: Step, shuffle: bool, bar: Any, interrupts: list[int]) -> float | None:
    """Take a step for each batch and return the mean loss of the samples; None where the run stops on the way."""
    total = 0.0
    step.begin()
    for i, batch in enumerate(run.begin_epoch(shuffle), start=1):
        loss = step(batch)
        if not math.isfinite(loss):
            run.stop("nan loss")
            warnings.warn(
                f"the loss became {loss!r} in epoch {run.epoch + 1}, batch {i} of {run.batch_count}, and training "
                "stopped; a smaller learning rate, clip_norm=1.0 or standardised inputs usually help, and "
                "detect_anomaly() finds the place",
                RuntimeWarning,
                stacklevel=4,  # where fit was called
            )
            break
        total += loss * len(batch)
        bar.update()
        if interrupts:
            run.stop("interrupted")
            break
    return total / run.sample_count if run.running else None


def predict(model: Module, X: Any) -> list[Any]:
    """Return the model's outputs, as floats or lists of floats, for each row of ``X``, in evaluation mode.

    Raises ValueError for an empty ``X``, rows of different lengths, and a nan or an infinity (it says where).

    >>> from nn import MLP, predict
    >>> predict(MLP(2, [1], init="ones"), [[1.0, 2.0], [3.0, 4.0]])
    [3.0, 7.0]
    """
    return outputs(model, inputs(X))


def evaluate(
    model: Module, X: Any, y: Any, *, loss: str | Loss = "mse", metrics: str | Metric | Sequence[str | Metric] = ()
) -> dict[str, float]:
    """Return the loss and the metrics of a model on data, in evaluation mode.

    Arguments are those of ``fit``, and so are the errors.

    >>> from nn import MLP, evaluate
    >>> evaluate(MLP(2, [1], init="ones"), [[1.0, 2.0], [3.0, 4.0]], [3.0, 6.0], metrics=["rmse"])
    {'loss': 0.5, 'rmse': 0.7071067811865476}
    """
    data, loss = samples(X, y), loss_function(loss)
    _check_targets(model, loss, data)
    return _apply_metrics(partial(outputs, model), data, {"loss": loss, **metric_functions(metrics, loss)})


def _epoch_metrics(run: Outputs, loss: Loss, metrics: dict[str, Metric], data: Table, held_out: Table | None) -> Row:
    """Return the metrics on the training data, and loss and metrics on what is set aside."""
    row = _apply_metrics(run, data, metrics) if metrics else {}
    return row if held_out is None else row | _apply_metrics(run, held_out, {"loss": loss, **metrics}, "val_")


def _columns(metrics: dict[str, Metric], held_out: Table | None) -> tuple[str, ...]:
    """Return the columns that the history will have, or raise ValueError where two have one name."""
    held = ("val_loss", *[f"val_{name}" for name in metrics]) if held_out is not None else ()
    for name in set(metrics) & set(held):
        raise ValueError(f"the history would have two columns called {name!r}; give the metric another __name__")
    return ("epoch", "loss", "lr", *metrics, *held)


def _apply_metrics(run: Outputs, data: Table, functions: dict[str, Metric], prefix: str = "") -> Row:
    """Return what each function makes of the model's outputs and the targets."""
    predictions = run(data[0])
    row: Row = {}
    for name, function in functions.items():
        result = function(predictions, data[1])
        try:
            row[prefix + name] = float(bare(result))
        except TypeError:
            raise TypeError(f"the metric {name} is to give one number, and it gave {result!r}") from None
    return row


def _above_0(what: str, bound: float | None) -> float | None:
    return None if bound is None else float(number_where(f"{what} is a number above 0", bound, lambda x: x > 0.0))


def _check_checkpoint(checkpoint: Path | None, resume: bool) -> None:
    if checkpoint is not None:
        checkpoint_files.check_path(checkpoint)  # said now, not after the first epoch
    elif resume:
        raise ValueError("resume=True goes on from a file; name it with checkpoint=")


def _tables(X: Any, y: Any, validation_data: Any, validation_split: float, seed: int) -> tuple[Table, Table | None]:
    """Return the samples to train on, and those that are set aside."""
    xs, ys = samples(X, y)
    if validation_data is not None:
        if not isinstance(validation_data, (tuple, list)) or len(validation_data) != 2:
            raise ValueError("validation_data is a pair (X, y)")
        x_held, y_held = validation_data
        return (xs, ys), samples(x_held, y_held, what="validation ")
    if not validation_split:
        return (xs, ys), None
    x_train, x_held, y_train, y_held = train_test_split(xs, ys, validation_split, seed)
    return (x_train, y_train), (x_held, y_held)


def _check_targets(model: Module, loss: Loss, data: Table | None) -> None:
    """Let a loss of this package look at each target once, before anything is changed."""
    if data is None or reduction_of(loss) is None:
        return
    output = outputs(model, data[0][:1])[0]
    if loss is cross_entropy and not isinstance(output, list):  # it would take a batch for the scores of one sample
        raise ValueError(
            "cross_entropy needs a score for each class, and the model gives one number; make its last layer as wide "
            "as there are classes, or use bce_with_logits for two"
        )
    for t in {repr(t): t for t in data[1]}.values():
        loss([_valid_prediction(output)], [t])


def _valid_prediction(output: Any) -> Any:
    """A prediction of that shape to which no loss objects: all its numbers are probabilities."""
    return [_valid_prediction(x) for x in output] if isinstance(output, list) else 0.5
