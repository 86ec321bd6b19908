"""``Run``: what a checkpoint holds of a training run; ``Training``: what callbacks see of it; and ``EarlyStopping``."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import checkpoint
from .checks import choice, is_finite, number_where, whole
from .history import History
from .layers import Dropout
from .module import Module
from .optim import Optimizer
from .schedule import Schedule

Row = dict[str, Any]


@dataclass
class EarlyStopping:
    """Stop when ``monitor`` has not improved by more than ``min_delta`` for ``patience`` epochs.

    ``monitor`` is a column of the history; None means ``val_loss`` where there is validation data and else ``loss``.
    ``min_delta`` is absolute, in the units of ``monitor``.
    With ``restore_best`` the model ends with the parameters of its best epoch, however the run ends.

    Raises ValueError for a ``patience`` that is no whole number above 0, a ``mode`` besides "min" and "max", and a
    ``min_delta`` below 0.

    >>> EarlyStopping(5, monitor="val_accuracy", mode="max").patience
    5
    """

    patience: int = 10
    min_delta: float = 0.0
    monitor: str | None = None
    mode: str = "min"
    restore_best: bool = True

    def __post_init__(self) -> None:
        choice("mode", self.mode, ("min", "max"))
        self.patience = whole("patience", self.patience)
        rule = "min_delta is a finite number of at least 0"
        self.min_delta = number_where(rule, self.min_delta, lambda d: 0.0 <= d < math.inf)

    def watched(self, columns: Collection[str]) -> str:
        """Return the column that is watched, or raise ValueError where the history will not have it."""
        monitor = self.monitor or ("val_loss" if "val_loss" in columns else "loss")
        if monitor not in columns:
            raise ValueError(f"early stopping watches {monitor!r}, and the columns are {', '.join(columns)}")
        return monitor


@dataclass
class Training:
    """What a callback sees after each epoch, whose numbers are its ``row``; it may return True to end the run.

    At the end of a run, however it comes, ``fit`` calls the method ``finish`` of each callback that has one.

    >>> import nn
    >>> X, y = nn.data.xor()
    >>> def good_enough(training):
    ...     return training.row["loss"] < 0.1
    >>> history = nn.fit(
    ...     nn.MLP(2, [4, 1], activation="tanh", seed=1), X, y, lr=0.1, callbacks=good_enough, progress=False
    ... )
    >>> history.stopped, len(history) < 100
    ('callback', True)
    """

    model: Module
    optimizer: Optimizer
    history: History
    epoch: int
    row: Row = field(default_factory=dict)


Callback = Callable[[Training], Any]


@dataclass
class Run:
    """The part of a run that a checkpoint holds."""

    model: Module
    optimizer: Optimizer
    schedule: Schedule | None
    stopping: EarlyStopping | None
    seed: int
    batch_size: int | None
    sample_count: int
    loss: str = ""  # its name
    columns: tuple[str, ...] = ()  # of the history
    chosen: tuple[str, ...] = ()  # the optimiser's options that the caller chose
    history: History = field(default_factory=History)
    epoch: int = 0  # how many are done
    waited: int = 0  # epochs since the best one
    best: float | None = None
    best_state: dict[str, Any] | None = None
    stopped_by: str = ""  # the callback that did
    began: dict[str, Any] = field(default_factory=dict)  # with what, to compare where it is resumed
    dropouts: list[tuple[int, Dropout]] | None = None  # and their places among the modules; None: to be looked for

    def __post_init__(self) -> None:
        groups = [{key: x for key, x in g.items() if key != "params"} for g in self.optimizer.param_groups]
        if self.schedule is not None:  # which has changed the rates
            groups = [{**group, "lr": base} for group, base in zip(groups, self.schedule.base_lrs, strict=True)]
        stopping = None
        if self.stopping is not None:
            monitor = self.stopping.watched(self.columns)
            stopping = {"monitor": monitor, "mode": self.stopping.mode, "restore_best": self.stopping.restore_best}
        self.began = {"loss": self.loss, "groups": groups, "early_stopping": stopping}

    @property
    def samples_per_batch(self) -> int:
        """How many samples each batch has; the last may have fewer."""
        return self.batch_size or self.sample_count

    @property
    def batch_count(self) -> int:
        """How many batches each epoch has."""
        return math.ceil(self.sample_count / self.samples_per_batch)

    @property
    def running(self) -> bool:
        """Whether nothing has stopped it so far."""
        return self.history.stopped == "finished"

    def stop(self, reason: str) -> None:
        """Let the run end with this reason, unless there is one already."""
        if self.running:
            self.history.stopped = reason

    def ending(self, epochs: int) -> str:
        """Say in a sentence how the run ended; empty where all of its epochs are done."""
        reason, why = self.history.stopped, ""
        if reason == "finished":
            return ""
        if reason == "early stopping" and self.stopping is not None:
            why = f" ({self.stopping.watched(self.columns)} has not improved for {self.waited} epochs"
            restored = self.best_state is not None and self.waited < self.epoch
            why += f"; the model is as after epoch {self.epoch - self.waited})" if restored else ")"
        elif reason == "callback":
            why = f" ({self.stopped_by} returned True)"
        elif reason == "interrupted":
            why = " (Ctrl-C)"
        return f"stopped after {self.epoch} of {epochs} epochs: {reason}{why}"

    def begin_epoch(self, shuffle: bool) -> list[list[int]]:
        """Return the batches of an epoch, by the numbers of their samples.

        Everything random depends on the seed and the epoch alone, so that nothing else need be stored.
        """
        if self.dropouts is None:
            self.dropouts = [(i, m) for i, m in enumerate(self.model.modules()) if isinstance(m, Dropout)]
        for i, module in self.dropouts:
            module.reseed(f"dropout/{self.seed}/{self.epoch}/{i}")
        order = list(range(self.sample_count))
        if shuffle and self.batch_count > 1:  # the order within a batch changes nothing but the rounding
            random.Random(f"order/{self.seed}/{self.epoch}").shuffle(order)
        size = self.samples_per_batch
        return [order[start : start + size] for start in range(0, self.sample_count, size)]

    def end_epoch(self, loss: float, measures: Row, callbacks: Sequence[Callback]) -> Row:
        """Add a row to the history, look whether the run is to go on, and return the row."""
        self.epoch += 1
        row = {"epoch": self.epoch, "loss": loss, "lr": self.optimizer.param_groups[0]["lr"], **measures}
        self.history.append(row)
        if self.schedule is not None:
            self.schedule.step(row.get("val_loss", loss))
        if self.stopping is not None:
            self._check_early_stopping(row, self.stopping)
        training = Training(self.model, self.optimizer, self.history, self.epoch, row)
        if callbacks:
            self.dropouts = None  # a callback may put another one in
        for callback in callbacks:
            if callback(training) is True:
                self.stopped_by = self.stopped_by or getattr(callback, "__name__", type(callback).__name__)
                self.stop("callback")
        return row

    def finish(self, callbacks: Sequence[Callback]) -> None:
        """Call the method ``finish`` of each callback that has one."""
        for callback in callbacks:
            if (finish := getattr(callback, "finish", None)) is not None:
                finish()

    def _check_early_stopping(self, row: Row, stopping: EarlyStopping) -> None:
        monitor = stopping.watched(row)
        number = row[monitor] if stopping.mode == "min" else -row[monitor]
        if math.isfinite(number) and (self.best is None or number < self.best - stopping.min_delta):
            self.best, self.waited = number, 0
            self.best_state = self.model.state_dict() if stopping.restore_best else None
        else:
            self.waited += 1
        if self.waited >= stopping.patience:
            self.stop("early stopping")

    def restore_best(self) -> None:
        """Give the model the parameters of its best epoch, where early stopping kept them."""
        if self.best_state is not None and self.stopping is not None:
            self.model.load_state_dict(self.best_state)

    def save(self, path: checkpoint.Path) -> None:
        """Write the checkpoint."""
        checkpoint.write(path, checkpoint.contents(self.model, self.optimizer, self._state()))

    def _state(self) -> dict[str, Any]:
        return {
            "epoch": self.epoch,
            "seed": self.seed,
            "batch_size": self.batch_size,
            "samples": self.sample_count,
            "stopped": self.history.stopped,
            "waited": self.waited,
            "best": self.best,
            "best_state": self.best_state,
            "schedule": self.schedule.state_dict() if self.schedule is not None else None,
            "history": {key: [_stored(x) for x in column] for key, column in self.history.columns.items()},
            "began": self.began,
        }

    def resume(self, path: checkpoint.Path) -> None:
        """Go on from a checkpoint. Everything is checked before anything is changed."""
        stored = checkpoint.read(path)
        with checkpoint.blamed_on(path):
            state = stored.get("training")
            own = self._state()
            if not isinstance(state, dict) or set(state) | {"began"} != set(own):
                raise ValueError("it holds no training run to resume; it was written by save, not by fit")
            for key in ("seed", "batch_size", "samples"):
                if state[key] != own[key]:
                    raise ValueError(f"it is of a run with {key}={state[key]!r}, and this one has {own[key]!r}")
            epoch, waited = (whole(f"its {key}", state[key], 0) for key in ("epoch", "waited"))
            columns = _columns(state["history"], epoch)
            if state["best"] is not None and not is_finite(state["best"]):
                raise ValueError("its best value is not a number")
            if state["best_state"] is not None:
                self.model.match_state(state["best_state"])
            if (state["schedule"] is None) != (self.schedule is None):
                raise ValueError("only one of the file and this run has a learning-rate schedule")
            apply = checkpoint.prepare(stored, self.model, self.optimizer, exact=True)
            self._check_columns(columns)
            began = state.get("began", self.began)  # files of earlier versions do not have it
            if "began" in state:
                self._check_began(began, stored["optimizer"]["groups"])
            if self.schedule is not None:
                self.schedule.load_state_dict(state["schedule"])
            apply()
        self.epoch, self.waited, self.history.columns = epoch, waited, columns
        self.best, self.best_state, self.began = state["best"], state["best_state"], began
        if state["stopped"] == "early stopping":
            self.stop("early stopping")

    def _check_columns(self, stored: Collection[str]) -> None:
        """Raise ValueError where the columns of a stored history are not those of this run."""
        for column in stored:
            if column not in self.columns:
                raise ValueError(f"its history has a column {column!r}, and this run does not measure that")
        for column in self.columns:
            if column not in stored:
                raise ValueError(f"its history has no column {column!r}, and this run measures that")

    def _check_began(self, began: Any, last: list[dict[str, Any]]) -> None:
        """Raise ValueError where the stored run began otherwise; options may also be those of its last step."""
        own = self.began
        groups = began.get("groups") if isinstance(began, dict) and set(began) == set(own) else None
        if not isinstance(groups, list) or len(groups) != len(last):
            raise ValueError("it does not say with what its run began")
        if began["loss"] != self.loss:
            raise ValueError(f"it is of a run with loss={began['loss']!r}, and this one has {self.loss!r}")
        if began["early_stopping"] not in (None, own["early_stopping"]):
            was, now = began["early_stopping"], own["early_stopping"]
            raise ValueError(f"it is of a run with early stopping by {was}, and this one has {now or 'none'}")
        for mine, *theirs in zip(own["groups"], groups, last, strict=True):
            for key in self.chosen:
                option = list(mine[key]) if isinstance(mine[key], tuple) else mine[key]
                known = [group.get(key) for group in theirs if isinstance(group, dict)]
                if option not in known:
                    raise ValueError(
                        f"it is of a run with {key}={known[0]!r}, and this one has {option!r}; to go on with another, "
                        "load the file into model and optimiser, and fit without resume"
                    )


def _stored(x: Any) -> Any:
    """JSON has no nan and no infinity; a metric may be one."""
    return x if isinstance(x, int) or math.isfinite(x) else repr(x)


def _columns(stored: Any, epochs: int) -> dict[str, list[Any]]:
    if not isinstance(stored, dict) or not all(isinstance(column, list) for column in stored.values()):
        raise ValueError("its history is no table")
    if any(len(column) != epochs for column in stored.values()):
        raise ValueError(f"its history has another number of rows than the {epochs} epochs it tells of")
    return {key: [_number(x) for x in column] for key, column in stored.items()}


def _number(x: Any) -> Any:
    if x in ("nan", "inf", "-inf"):
        return float(x)
    if not is_finite(x):
        raise ValueError(f"its history has {x!r} where a number belongs")
    return x
