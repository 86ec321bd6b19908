"""Learning-rate schedules, with PyTorch's names, formulas and defaults: ``step()`` once per epoch.

Each has a closed form, the rate as a function of the epoch and of the rate at the beginning, so that a run which is
resumed gets the same rates to the bit. ``ReduceLROnPlateau`` looks at a number instead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from autograd import Value
from autograd.operation import bare

from .checks import choice, is_finite, number_where, whole
from .optim import FROM_0, Optimizer


class Schedule:
    """Base class: sets the ``lr`` of each group from its value when the schedule was made, and the count of epochs."""

    epoch: int
    base_lrs: list[float]

    def __init__(self, optimizer: Optimizer) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"a schedule is made for an optimiser, and {type(optimizer).__name__} was given")
        self.optimizer = optimizer
        self._go_to(0, [group["lr"] for group in optimizer.param_groups])

    def rate(self, base: float, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 0; a subclass writes this."""
        raise NotImplementedError

    def step(self, monitored: float | None = None) -> None:
        """Go on to the next epoch. Raises ValueError, and stays, where its rate is no finite number of at least 0."""
        self._go_to(self.epoch + 1, self.base_lrs)

    def get_last_lr(self) -> list[float]:
        """Return the learning rate of each parameter group as it is now."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def _go_to(self, epoch: int, bases: list[float]) -> None:
        groups = self.optimizer.param_groups
        if len(groups) != len(bases):
            raise ValueError(
                f"the schedule was made for {len(bases)} parameter groups, and the optimiser has {len(groups)}; make "
                "the schedule when the groups are there"
            )
        rates = [self._checked_rate(base, epoch) for base in bases]
        for group, rate in zip(groups, rates, strict=True):
            group["lr"] = rate
        self.epoch, self.base_lrs = epoch, bases

    def _checked_rate(self, base: float, epoch: int) -> float:
        try:
            rate = self.rate(base, epoch)
        except OverflowError:  # of a power
            rate = math.inf
        rule = f"the rate that {type(self).__name__} gives for epoch {epoch} {FROM_0[0]}"
        return float(number_where(rule, rate, FROM_0[1]))

    def state_dict(self) -> dict[str, Any]:
        """Return what is needed to go on."""
        return {"schedule": type(self).__name__, "epoch": self.epoch, "base_lrs": list(self.base_lrs)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where a ``state_dict`` was taken, or raise ValueError and change nothing."""
        self._check(state, self.state_dict())
        self._go_to(state["epoch"], [float(base) for base in state["base_lrs"]])

    def _check(self, state: Any, own: dict[str, Any]) -> None:
        if not isinstance(state, Mapping) or set(state) != set(own) or state["schedule"] != own["schedule"]:
            raise ValueError(f"the state is not one of a {type(self).__name__}")
        whole("a schedule's epoch", state["epoch"], 0)
        bases = state["base_lrs"]
        if not isinstance(bases, list) or len(bases) != len(self.base_lrs) or not all(map(_is_rate, bases)):
            raise ValueError(f"a schedule's base_lrs are {len(self.base_lrs)} numbers of at least 0")


class LambdaLR(Schedule):
    """The first rate times ``factor(epoch)``, as ``torch.optim.lr_scheduler.LambdaLR``.

    >>> import nn
    >>> optimizer = nn.Adam(nn.MLP(1, [1]).parameters(), lr=0.5)
    >>> LambdaLR(optimizer, lambda epoch: 1.0 / (1.0 + epoch)).rate(0.5, epoch=4)
    0.1
    """

    def __init__(self, optimizer: Optimizer, factor: Callable[[int], float]) -> None:
        if not callable(factor):
            raise TypeError(f"factor is a function of the epoch, and {factor!r} was given")
        self.factor = factor
        super().__init__(optimizer)

    def rate(self, base: float, epoch: int) -> float:
        """η·f(epoch)."""
        return base * self.factor(epoch)


class StepLR(Schedule):
    """Multiplies the rate by ``gamma`` every ``step_size`` epochs.

    >>> from autograd import Value
    >>> from nn import SGD
    >>> optimizer = SGD([Value(1.0)], lr=0.8)
    >>> schedule = StepLR(optimizer, step_size=2, gamma=0.5)
    >>> rates = []
    >>> for _ in range(5):
    ...     rates.append(optimizer.param_groups[0]["lr"])
    ...     schedule.step()
    >>> rates
    [0.8, 0.8, 0.4, 0.4, 0.2]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        self.step_size, self.gamma = whole("step_size", step_size), _from_0("gamma", gamma)
        super().__init__(optimizer)

    def rate(self, base: float, epoch: int) -> float:
        """η·γ^⌊epoch / step_size⌋."""
        return float(base * self.gamma ** (epoch // self.step_size))


class ExponentialLR(Schedule):
    """Multiplies the rate by ``gamma`` every epoch.

    >>> import nn
    >>> ExponentialLR(nn.Adam(nn.MLP(1, [1]).parameters()), gamma=0.5).rate(0.8, epoch=3)
    0.1
    """

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        self.gamma = _from_0("gamma", gamma)
        super().__init__(optimizer)

    def rate(self, base: float, epoch: int) -> float:
        """η·γ^epoch."""
        return float(base * self.gamma**epoch)


class CosineAnnealingLR(Schedule):
    """Half a cosine from the first rate to ``eta_min`` in ``T_max`` epochs (Loshchilov and Hutter, *SGDR*, 2017).

    >>> import nn
    >>> schedule = CosineAnnealingLR(nn.Adam(nn.MLP(1, [1]).parameters()), T_max=4)
    >>> [round(schedule.rate(1.0, epoch), 3) for epoch in range(5)]
    [1.0, 0.854, 0.5, 0.146, 0.0]
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:
        self.T_max, self.eta_min = whole("T_max", T_max), _from_0("eta_min", eta_min)
        super().__init__(optimizer)

    def rate(self, base: float, epoch: int) -> float:
        """η_min + (η − η_min)(1 + cos(π·epoch / T_max)) / 2."""
        return self.eta_min + (base - self.eta_min) * (1.0 + math.cos(math.pi * epoch / self.T_max)) / 2.0


class LinearLR(Schedule):
    """Linear warm-up: ``start_factor`` to ``end_factor`` times the rate in ``total_iters`` epochs, then constant.

    >>> import nn
    >>> schedule = LinearLR(nn.Adam(nn.MLP(1, [1]).parameters()), start_factor=0.5, total_iters=2)
    >>> [schedule.rate(1.0, epoch) for epoch in range(4)]
    [0.5, 0.75, 1.0, 1.0]
    """

    def __init__(
        self, optimizer: Optimizer, start_factor: float = 1.0 / 3.0, end_factor: float = 1.0, total_iters: int = 5
    ) -> None:
        self.start_factor = _from_0("start_factor", start_factor)
        self.end_factor = _from_0("end_factor", end_factor)
        self.total_iters = whole("total_iters", total_iters)
        super().__init__(optimizer)

    def rate(self, base: float, epoch: int) -> float:
        """η·(start + (end − start)·min(epoch, total_iters) / total_iters)."""
        share = min(epoch, self.total_iters) / self.total_iters
        return base * (self.start_factor + (self.end_factor - self.start_factor) * share)


class SequentialLR(Schedule):
    """One schedule after another: the next takes over at each of the ``milestones``, counting from 0 again.

    >>> from autograd import Value
    >>> from nn import SGD
    >>> optimizer = SGD([Value(1.0)], lr=1.0)
    >>> warm = LinearLR(optimizer, 0.5, total_iters=2)
    >>> schedule = SequentialLR(optimizer, [warm, CosineAnnealingLR(optimizer, 4)], milestones=[2])
    >>> rates = []
    >>> for _ in range(4):
    ...     rates.append(round(optimizer.param_groups[0]["lr"], 3))
    ...     schedule.step()
    >>> rates
    [0.5, 0.75, 1.0, 0.854]
    """

    def __init__(self, optimizer: Optimizer, schedules: Sequence[Schedule], milestones: Sequence[int]) -> None:
        if len(schedules) != len(milestones) + 1 or list(milestones) != sorted(set(milestones)):
            raise ValueError("schedules need one milestone fewer than there are, in rising order")
        self.schedules, self.milestones = list(schedules), list(milestones)
        bases = schedules[0].base_lrs
        super().__init__(optimizer)
        self._go_to(0, list(bases))  # each schedule changed the rate when it was made; the first saw it as it was

    def rate(self, base: float, epoch: int) -> float:
        """The rate of the schedule whose turn it is."""
        turn = sum(epoch >= milestone for milestone in self.milestones)
        return self.schedules[turn].rate(base, epoch - (self.milestones[turn - 1] if turn else 0))


class ReduceLROnPlateau(Schedule):
    """Multiplies the rate by ``factor`` when the monitored number has not fallen for more than ``patience`` epochs.

    ``step(loss)`` takes the number. ``mode="max"`` watches one that should rise; ``threshold`` is relative to the best.
    ``cooldown`` epochs are waited after a reduction, and no rate falls below ``min_lr`` or changes by less than
    ``eps``. Raises ValueError for another ``mode``, a ``factor`` that is not between 0 and 1, a ``patience`` or
    ``cooldown`` that is no whole number, and other numbers below 0.

    >>> import nn
    >>> schedule = ReduceLROnPlateau(nn.Adam(nn.MLP(1, [1]).parameters(), lr=0.5), factor=0.5, patience=0)
    >>> for loss in (1.0, 0.9, 0.9):
    ...     schedule.step(loss)
    >>> schedule.get_last_lr()
    [0.25]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
        eps: float = 1e-8,
    ) -> None:
        choice("mode", mode, ("min", "max"))
        self.mode, self.factor = mode, number_where("factor lies between 0 and 1", factor, lambda f: 0.0 < f < 1.0)
        self.patience, self.cooldown = whole("patience", patience, 0), whole("cooldown", cooldown, 0)
        self.threshold, self.min_lr, self.eps = (
            _from_0(key, x) for key, x in (("threshold", threshold), ("min_lr", min_lr), ("eps", eps))
        )
        self.best: float | None = None
        self.bad_epochs = self.cooling = 0
        super().__init__(optimizer)

    def _go_to(self, epoch: int, bases: list[float]) -> None:
        self.epoch, self.base_lrs = epoch, bases  # the rates change in step() only

    def step(self, monitored: float | Value | None = None) -> None:
        """Take the number of the epoch that ended; of a loss, its ``data``."""
        if monitored is None:
            raise ValueError("ReduceLROnPlateau.step needs the number it watches, such as the validation loss")
        number = float(number_where("ReduceLROnPlateau watches a number", bare(monitored), lambda x: True))
        self.epoch += 1
        if self._better(number):
            self.best, self.bad_epochs = number, 0
        else:
            self.bad_epochs += 1
        if self.cooling > 0:
            self.cooling, self.bad_epochs = self.cooling - 1, 0
        if self.bad_epochs > self.patience:
            for group in self.optimizer.param_groups:
                lower = max(group["lr"] * self.factor, self.min_lr)
                if group["lr"] - lower > self.eps:
                    group["lr"] = lower
            self.cooling, self.bad_epochs = self.cooldown, 0

    def _better(self, monitored: float) -> bool:
        if self.best is None:
            return math.isfinite(monitored)
        if self.mode == "min":
            return monitored < self.best * (1.0 - self.threshold)
        return monitored > self.best * (1.0 + self.threshold)

    def state_dict(self) -> dict[str, Any]:
        """Return what is needed to go on; the rates themselves are in the optimiser's."""
        return {**super().state_dict(), "best": self.best, "bad_epochs": self.bad_epochs, "cooling": self.cooling}

    def _check(self, state: Any, own: dict[str, Any]) -> None:
        super()._check(state, own)
        if state["best"] is not None and not is_finite(state["best"]):
            raise ValueError(f"a schedule's best is a finite number or null, and it is {state['best']!r}")
        for key in ("bad_epochs", "cooling"):
            whole(f"a schedule's {key}", state[key], 0)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where a ``state_dict`` was taken, or raise ValueError and change nothing."""
        super().load_state_dict(state)
        self.best = None if state["best"] is None else float(state["best"])
        self.bad_epochs, self.cooling = state["bad_epochs"], state["cooling"]


def schedule_for(schedule: Any, optimizer: Optimizer) -> Schedule | None:
    """Return a schedule of this optimiser: one that is made already, or what a function makes of the optimiser."""
    chosen = schedule(optimizer) if callable(schedule) else schedule
    if chosen is None or (isinstance(chosen, Schedule) and chosen.optimizer is optimizer):
        return chosen
    given = f"a {type(chosen).__name__} of another" if isinstance(chosen, Schedule) else repr(chosen)
    raise TypeError(
        f"schedule is a Schedule made for this optimiser, or a function that makes one of it, and {given} was given"
    )


def _from_0(what: str, x: Any) -> float:
    rule, holds = FROM_0
    return float(number_where(f"{what} {rule}", x, holds))


def _is_rate(x: Any) -> bool:
    return is_finite(x) and x >= 0
