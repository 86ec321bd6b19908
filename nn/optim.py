"""Optimisers: from gradients to the next parameters, with PyTorch's formulas, names and defaults.

Each optimiser's rule is plain arithmetic on numbers, ``rule(p, g, state, t, *options) -> (p, state)``, for one
parameter ``p``, its gradient ``g``, the numbers it remembers and the count ``t`` of its steps, beginning at 1. It never
asks what kind of number it is given, so the same lines run step by step and in compiled code.
"""

from __future__ import annotations

import math
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, ClassVar, Self

from autograd import Value, clip, maximum, minimum, norm, sqrt, where
from autograd.many import descend, zero_grads
from autograd.ops import power

from .checks import is_finite, is_real, look_up, number_where, plain, shown, whole

Numbers = tuple[Any, ...]
Options = dict[str, Any]
Range = tuple[str, Callable[[Any], bool]]
FROM_0: Range = ("is a finite number of at least 0", lambda x: 0.0 <= x < math.inf)
EPS: Range = ("is a finite number above 0, since at 0 a gradient of 0 gives 0 / 0", lambda x: 0.0 < x < math.inf)
BELOW_1: Range = ("lies in [0, 1)", lambda x: 0.0 <= x < 1.0)
FINITE: Range = ("is a finite number", lambda x: -math.inf < x < math.inf)
FLAG: Range = ("is True or False", lambda x: isinstance(x, bool))


class ParamGroup(dict[str, Any]):
    """Some parameters, under "params", and their options: a dict that checks what is put into it."""

    def __init__(self, optimizer: Optimizer, options: Options) -> None:
        super().__init__(options)
        self._optimizer: Callable[[], Optimizer | None] = weakref.ref(optimizer)  # which holds its groups

    def changed(self, changes: Mapping[str, Any]) -> Callable[[], None]:
        """Return the function that makes changes, or raise ValueError where one of them cannot be."""
        optimizer, new = self._optimizer(), dict(changes)
        if optimizer is not None:
            unknown = sorted(set(new) - {"params", *optimizer.defaults})
            if unknown:
                names = ", ".join(optimizer.defaults)
                raise ValueError(f"{type(optimizer).__name__} has no option {unknown[0]!r}; it has {names}")
            if "params" in new:
                new["params"] = _leaves(new["params"])
            options = optimizer.checked({key: x for key, x in {**self, **new}.items() if key != "params"})
            new.update({key: x for key, x in options.items() if key in new})
        return partial(super().update, new)

    def update(self, *changes: Any, **more: Any) -> None:
        """Make all changes, or raise ValueError and make none."""
        self.changed(dict(*changes, **more))()

    def __setitem__(self, key: str, option: Any) -> None:
        self.update({key: option})

    def __ior__(self, changes: Any) -> Self:  # type: ignore[misc,override]  # of dict it has two signatures
        self.update(changes)
        return self

    def setdefault(self, key: str, option: Any = None) -> Any:
        """Return what stands there, and set it first where there is nothing."""
        if key not in self:
            self[key] = option
        return self[key]

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).__new__, (type(self),), (self._optimizer(), dict(self))

    def __setstate__(self, state: tuple[Any, Options]) -> None:
        optimizer, options = state
        self._optimizer = weakref.ref(optimizer) if optimizer is not None else lambda: None
        super().update(options)


class Optimizer:
    """Base class: parameter groups, the state of each parameter, and the loop over them.

    ``parameters`` is a list of Values, or a list of dicts ``{"params": [...], "lr": ...}`` with options of their own. A
    parameter that is frozen, or has no gradient, is left alone, as in PyTorch. A subclass names its options to
    ``super().__init__`` in the order in which its ``rule`` takes them, and says in ``ranges`` which numbers they may
    be. One that is not named there is a number of at least 0, some of those, or anything else than a number. Options
    may be changed in the dicts of ``param_groups``, or for all groups as attributes, ``optimizer.lr = 0.1``. Numbers of
    NumPy become Python's.

    Raises ValueError for an empty list, a parameter that stands twice, or an option outside its range, whenever it is
    set; TypeError for what is no leaf, and for a set of parameters, whose order differs from run to run.

    >>> class Sign(Optimizer):
    ...     def __init__(self, parameters, lr=0.1):
    ...         super().__init__(parameters, lr=lr)
    ...     @staticmethod
    ...     def rule(p, g, state, t, lr):
    ...         return p - lr * (1.0 if g > 0.0 else -1.0), state
    >>> w = Value(1.0)
    >>> (w * w).backward()
    >>> Sign([w], lr=0.25).step()
    >>> w.data
    0.75
    """

    slots: ClassVar[tuple[str, ...]] = ()  # the names of the numbers that the rule remembers for a parameter
    # Of options that are numbers: a rule in words, and whether a number keeps it.
    ranges: ClassVar[dict[str, Range]] = dict.fromkeys(("lr", "momentum", "weight_decay", "eps"), FROM_0)
    rule: ClassVar[Callable[..., tuple[Any, Numbers]]]  # a static method of each subclass

    def __init__(self, parameters: Iterable[Value] | Iterable[Mapping[str, Any]], **defaults: Any) -> None:
        self.param_groups: list[ParamGroup] = []
        self.state: dict[Value, tuple[int, Numbers]] = {}  # steps taken, and what the rule remembers
        for key in defaults:
            vars(self).pop(key, None)  # which a subclass may have set, and which would hide that of the groups
        self.defaults: Options = self.checked(defaults)
        items: list[Any] = [parameters] if isinstance(parameters, Mapping) else _listed(parameters)
        if not items:
            raise ValueError("an optimiser needs parameters, and the list is empty; give model.parameters()")
        groups = items if all(isinstance(item, Mapping) for item in items) else [{"params": items}]
        for group in groups:
            self.add_param_group(group)

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """Add ``{"params": [...], option: value, ...}``; options that are left out have the optimiser's defaults."""
        if "params" not in group:
            raise ValueError(f"a parameter group is a dict with the key 'params', and this one has {sorted(group)}")
        added = ParamGroup(self, {**self.defaults, "params": []})
        added.update(group)
        counts = Counter(map(id, [*self._parameters(), *added["params"]]))
        if max(counts.values(), default=1) > 1:
            twice = next(p for p in added["params"] if counts[id(p)] > 1)
            raise ValueError(f"{twice!r} stands twice among the parameters")
        self.param_groups.append(added)

    def _replace_groups(self, groups: Iterable[Mapping[str, Any]]) -> None:
        """Take other groups, plain dicts too, which then check what is put into them; or raise, and keep these."""
        before, vars(self)["param_groups"] = self.param_groups, []
        try:
            for group in groups:
                self.add_param_group(group)
        except BaseException:
            vars(self)["param_groups"] = before
            raise

    def checked(self, options: Options) -> Options:
        """Return options as plain numbers; raise ValueError for one that does not exist, or is outside its range."""
        numbers = {key: self._plain(key, option) for key, option in options.items()}
        self.check(numbers)
        return numbers

    def check(self, options: Options) -> None:
        """Raise ValueError for options that do not go together; a subclass may write this."""

    def _plain(self, key: str, option: Any) -> Any:
        """Return an option as plain numbers, or as it is where it is of another kind and need not be one."""
        option, (rule, holds) = plain(option), self.ranges.get(key, FROM_0)
        if (rule, holds) == FLAG:
            if not holds(option):
                raise ValueError(f"{key} {rule}, and {shown(option)} was given")
            return option
        if key in self.ranges or isinstance(option, Value) or (is_real(option) and not isinstance(option, bool)):
            return number_where(f"{key} {rule}", option, holds)
        return tuple([self._plain(key, x) for x in option]) if isinstance(option, (tuple, list)) else option

    # An option is an attribute too: that of all groups.

    def __getattr__(self, name: str) -> Any:
        if name not in vars(self).get("defaults", ()):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        first, *others = [group[name] for group in self.param_groups]
        if any(option != first for option in others):
            raise AttributeError(f"the groups differ in {name}; look at each of optimizer.param_groups")
        return first

    def __setattr__(self, name: str, option: Any) -> None:
        if name == "param_groups" and name in vars(self):
            return self._replace_groups(option)
        if name not in vars(self).get("defaults", ()):
            return super().__setattr__(name, option)
        for change in [group.changed({name: option}) for group in self.param_groups]:
            change()

    def begin(self, options: Options) -> Numbers:
        """Return what the rule remembers before its first step."""
        return (0.0,) * len(self.slots)

    def step(self) -> None:
        """Change every parameter once, by its gradient."""
        rule, states = self.rule, self.state
        for group in self.param_groups:
            options = [group[key] for key in self.defaults]
            initial = (0, self.begin(group))
            for p in group["params"]:
                if p.has_grad:  # a frozen one never has
                    t, state = states.get(p, initial)
                    p.data, state = rule(p.data, p.grad, state, t + 1, *options)
                    states[p] = t + 1, state

    @property
    def has_state(self) -> bool:
        """Whether steps are counted and leave a state."""
        return True

    def zero_grad(self) -> None:
        """Forget the gradient of every parameter."""
        for group in self.param_groups:
            zero_grads(group["params"])

    def state_dict(self) -> dict[str, Any]:
        """Return the options of each group and, for each parameter in order, its step count and state: numbers only."""
        groups = [{**group, "params": len(group["params"])} for group in self.param_groups]
        remembered = [self.state.get(p, (0, ())) for p in self._parameters()]
        return {
            "optimizer": type(self).__name__,
            "groups": groups,
            "state": [[t, *state] if t else None for t, state in remembered],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over options and state of a ``state_dict``, or raise ValueError and change nothing."""
        options, numbers = self.match_state(state)
        for group, loaded in zip(self.param_groups, options, strict=True):
            group.update(loaded)
        self.state = {p: number for p, number in zip(self._parameters(), numbers, strict=True) if number}

    def match_state(self, state: Mapping[str, Any]) -> tuple[list[Options], list[tuple[int, Numbers] | None]]:
        """Return what ``load_state_dict`` would set, options by group and numbers by parameter, or raise its errors."""
        if set(state) != {"optimizer", "groups", "state"}:
            raise ValueError("the state of an optimiser is a dict with the keys optimizer, groups and state")
        if state["optimizer"] != type(self).__name__:
            raise ValueError(f"this is a state of {state['optimizer']!r}, and the optimiser is {type(self).__name__}")
        groups, numbers = state["groups"], state["state"]
        if not isinstance(groups, list) or len(groups) != len(self.param_groups):
            count = len(self.param_groups)
            raise ValueError(f"the optimiser has {count} parameter groups, and the state has {_count(groups)}")
        options = [self._loaded(own, group) for own, group in zip(self.param_groups, groups, strict=True)]
        count = len(self._parameters())
        if not isinstance(numbers, list) or len(numbers) != count:
            raise ValueError(f"the optimiser has {count} parameters, and the state has {_count(numbers)}")
        return options, [self._remembered(i, entry) for i, entry in enumerate(numbers)]

    def _parameters(self) -> list[Value]:
        return [p for group in self.param_groups for p in group["params"]]

    def _loaded(self, own: Options, group: Any) -> Options:
        if not isinstance(group, Mapping) or set(group) != {*self.defaults, "params"}:
            keys = list(group) if isinstance(group, Mapping) else group
            raise ValueError(
                f"a group of {type(self).__name__} has {[*self.defaults, 'params']!r}, and the state's has {keys!r}"
            )
        if group["params"] != len(own["params"]):
            raise ValueError(f"a group has {len(own['params'])} parameters, and the state's has {group['params']!r}")
        options = {key: tuple(x) if isinstance(x, list) else x for key, x in group.items() if key != "params"}
        for key, option in options.items():
            if not _alike(option, self.defaults[key]):
                raise ValueError(f"the option {key} of {type(self).__name__} cannot be {shown(option)}")
        return self.checked(options)

    def _remembered(self, i: int, entry: Any) -> tuple[int, Numbers] | None:
        if entry is None:
            return None
        if not isinstance(entry, list) or len(entry) != 1 + len(self.slots) or not all(is_finite(x) for x in entry):
            names = ", ".join(("step", *self.slots))
            raise ValueError(f"the state of parameter {i} is a list of finite numbers ({names}), and this one is not")
        t, *numbers = entry
        return whole(f"the step count of parameter {i}", t), tuple(map(float, numbers))

    def __repr__(self) -> str:
        options = ", ".join(f"{key}={self.param_groups[0][key]!r}" for key in self.defaults)
        return f"{type(self).__name__}({len(self._parameters()):,} parameters, {options})"


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum, dampening, Nesterov's form and weight decay, as ``torch.optim.SGD``.

    g ← g + λp; b ← g in the first step and μb + (1 − τ)g after it; p ← p − η(g + μb) with ``nesterov``, else p − ηb.
    Source: Sutskever et al., *On the importance of initialization and momentum in deep learning*, 2013.

    Raises ValueError unless lr, momentum and weight_decay are at least 0, and ``nesterov`` has a momentum above 0 and
    no dampening.

    >>> from autograd import Value
    >>> w = Value(1.0)
    >>> optimizer = SGD([w], lr=0.25)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> w.data
    0.5
    """

    slots = ("momentum_buffer",)
    ranges = Optimizer.ranges | {"dampening": FINITE, "nesterov": FLAG, "maximize": FLAG}

    def __init__(
        self,
        parameters: Any,
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            parameters, lr=lr, momentum=momentum, dampening=dampening, weight_decay=weight_decay, nesterov=nesterov,
            maximize=maximize,
        )  # fmt: skip

    def check(self, options: Options) -> None:
        """Raise ValueError for ``nesterov`` without what it needs."""
        if options["nesterov"] and (options["momentum"] <= 0.0 or options["dampening"] != 0.0):
            raise ValueError("nesterov needs a momentum above 0 and no dampening")

    def step(self) -> None:
        """Change every parameter once, by its gradient."""
        if self.has_state:
            return super().step()
        for group in self.param_groups:  # the same rule where nothing is remembered, without the bookkeeping
            descend(group["params"], group["lr"])

    @property
    def has_state(self) -> bool:
        """Whether steps are counted and leave a state: not for the plain rule p − ηg."""
        if self.rule is not SGD.rule:  # that of a subclass
            return True
        return any(group[key] for group in self.param_groups for key in ("momentum", "weight_decay", "maximize"))

    @staticmethod
    def rule(
        p: Any, g: Any, state: Numbers, t: Any, lr: Any, momentum: float, dampening: float, weight_decay: float,
        nesterov: bool, maximize: bool,
    ) -> tuple[Any, Numbers]:  # fmt: skip
        """Return the next parameter and momentum buffer."""
        g = _descent(p, g, weight_decay, maximize)
        if not momentum:
            return p - lr * g, state
        # The buffer is a velocity: gradients add up in it and fade. Nesterov's form looks one step of it ahead.
        (buffer,) = state
        buffer = where(t > 1, momentum * buffer + (1.0 - dampening) * g, g)
        return p - lr * (g + momentum * buffer if nesterov else buffer), (buffer,)


def _descent(p: Any, g: Any, weight_decay: float, maximize: bool) -> Any:
    """The gradient of what is made small: −g to maximise, and with the gradient λp of the penalty ½λp²."""
    g = -g if maximize else g
    return g + weight_decay * p if weight_decay else g


class Adam(Optimizer):
    """Adam (Kingma and Ba, 2015), with AMSGrad (Reddi et al., 2018) and L2 weight decay, as ``torch.optim.Adam``.

    m ← β₁m + (1 − β₁)g; v ← β₂v + (1 − β₂)g²; p ← p − η/(1 − β₁ᵗ) · m / (√v/√(1 − β₂ᵗ) + ε).

    Raises ValueError unless lr and weight_decay are at least 0, eps above 0 and both betas in [0, 1).

    >>> from autograd import Value
    >>> w = Value(1.0)
    >>> optimizer = Adam([w], lr=0.1)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> round(w.data, 9)
    0.9
    """

    slots = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")
    ranges = Optimizer.ranges | {"eps": EPS, "amsgrad": FLAG, "maximize": FLAG}

    def __init__(
        self,
        parameters: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            parameters, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad, maximize=maximize
        )

    def checked(self, options: Options) -> Options:
        """Return options as plain numbers, of which betas are two; raise ValueError for one outside its range."""
        rule, holds = BELOW_1
        betas = tuple([number_where(f"betas {rule}", beta, holds) for beta in _two(options["betas"])])
        return super().checked({**options, "betas": betas})

    @staticmethod
    def rule(
        p: Any, g: Any, state: Numbers, t: Any, lr: Any, betas: tuple[float, float], eps: float, weight_decay: float,
        amsgrad: bool, maximize: bool,
    ) -> tuple[Any, Numbers]:  # fmt: skip
        """Return the next parameter and moments."""
        return _adam(p, _descent(p, g, weight_decay, maximize), state, t, lr, betas, eps, amsgrad)


class AdamW(Adam):
    """Adam with decoupled weight decay, p ← p − ηλp before the step, as ``torch.optim.AdamW``.

    Source: Loshchilov and Hutter, *Decoupled weight decay regularization*, 2019.

    Raises ValueError unless lr and weight_decay are at least 0, eps above 0 and both betas in [0, 1).

    >>> from autograd import Value
    >>> AdamW([Value(1.0)])
    AdamW(1 parameters, lr=0.001, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.01, amsgrad=False, maximize=False)
    """

    def __init__(
        self,
        parameters: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        maximize: bool = False,
    ) -> None:
        super().__init__(parameters, lr, betas, eps, weight_decay, amsgrad, maximize)

    @staticmethod
    def rule(
        p: Any, g: Any, state: Numbers, t: Any, lr: Any, betas: tuple[float, float], eps: float, weight_decay: float,
        amsgrad: bool, maximize: bool,
    ) -> tuple[Any, Numbers]:  # fmt: skip
        """Return the next parameter and moments."""
        # The decay acts on the parameter itself and stays out of the moments, which would scale it like a gradient.
        return _adam(p * (1.0 - lr * weight_decay), -g if maximize else g, state, t, lr, betas, eps, amsgrad)


def _adam(
    p: Any, g: Any, state: Numbers, t: Any, lr: Any, betas: tuple[float, float], eps: float, amsgrad: bool
) -> tuple[Any, Numbers]:
    # Running means of the gradient and of its square: the step is their quotient, so each parameter has its own scale.
    (first, second), (mean, square, largest) = betas, state
    mean = mean + (g - mean) * (1.0 - first)
    square = second * square + (1.0 - second) * (g * g)
    used = square
    if amsgrad:
        used = largest = maximum(largest, square)
    # Both means began at 0, and after t steps have seen only the share 1 − βᵗ of their weights: divide it out again.
    t = 1.0 * t
    correction = sqrt(1.0 - power(second, t))
    return p - lr / (1.0 - power(first, t)) * (mean / (sqrt(used) / correction + eps)), (mean, square, largest)


class RMSprop(Optimizer):
    """RMSprop (Hinton, lecture 6e of *Neural Networks for Machine Learning*, 2012), as ``torch.optim.RMSprop``.

    v ← αv + (1 − α)g²; p ← p − ηg / (√v + ε); ``centered`` subtracts the squared mean gradient from v (Graves, 2013),
    and ``momentum`` averages the steps.

    Raises ValueError unless lr, weight_decay and momentum are at least 0, eps above 0 and alpha in [0, 1).

    >>> from autograd import Value
    >>> w = Value(1.0)
    >>> optimizer = RMSprop([w], lr=0.1)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> round(w.data, 6)  # v = 0.01 g², so that the first step is 10 η
    0.0
    """

    slots = ("square_avg", "grad_avg", "momentum_buffer")
    ranges = Optimizer.ranges | {"alpha": BELOW_1, "eps": EPS, "centered": FLAG, "maximize": FLAG}

    def __init__(
        self,
        parameters: Any,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            parameters, lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay, momentum=momentum, centered=centered,
            maximize=maximize,
        )  # fmt: skip

    @staticmethod
    def rule(
        p: Any, g: Any, state: Numbers, t: Any, lr: Any, alpha: float, eps: float, weight_decay: float, momentum: float,
        centered: bool, maximize: bool,
    ) -> tuple[Any, Numbers]:  # fmt: skip
        """Return the next parameter and averages."""
        square, average, buffer = state
        g = _descent(p, g, weight_decay, maximize)
        square = alpha * square + (1.0 - alpha) * (g * g)  # a running mean of g², whose root is the scale of the step
        variance = square
        if centered:
            average = average + (g - average) * (1.0 - alpha)
            variance = maximum(square - average * average, 0.0)  # rounding may leave a little less than nothing
        change = g / (sqrt(variance) + eps)
        if momentum:
            change = buffer = momentum * buffer + change
        return p - lr * change, (square, average, buffer)


class Adagrad(Optimizer):
    """Adagrad (Duchi, Hazan and Singer, JMLR 2011), as ``torch.optim.Adagrad``.

    s ← s + g²; p ← p − η/(1 + (t − 1)·lr_decay) · g / (√s + ε), where s begins at ``initial_accumulator_value``.

    Raises ValueError unless lr, lr_decay, weight_decay and initial_accumulator_value are at least 0, and eps above 0.

    >>> from autograd import Value
    >>> w = Value(1.0)
    >>> optimizer = Adagrad([w], lr=0.5)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> round(w.data, 6)
    0.5
    """

    slots = ("sum",)
    ranges = (
        Optimizer.ranges
        | dict.fromkeys(("lr_decay", "initial_accumulator_value"), FROM_0)
        | {"eps": EPS, "maximize": FLAG}
    )

    def __init__(
        self,
        parameters: Any,
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            parameters, lr=lr, lr_decay=lr_decay, weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value, eps=eps, maximize=maximize,
        )  # fmt: skip

    def begin(self, options: Options) -> Numbers:
        """Return the accumulator's first value."""
        return (float(options["initial_accumulator_value"]),)

    @staticmethod
    def rule(
        p: Any, g: Any, state: Numbers, t: Any, lr: Any, lr_decay: float, weight_decay: float,
        initial_accumulator_value: float, eps: float, maximize: bool,
    ) -> tuple[Any, Numbers]:  # fmt: skip
        """Return the next parameter and accumulator."""
        (total,) = state
        g = _descent(p, g, weight_decay, maximize)
        total = total + g * g  # of all steps so far: where gradients were large, the steps become small
        rate = lr / (1.0 + (t - 1.0) * lr_decay)
        return p - rate * g / (sqrt(total) + eps), (total,)


#: The optimisers by name, for `fit`.
OPTIMIZERS: dict[str, type[Optimizer]] = {kind.__name__.lower(): kind for kind in (SGD, Adam, AdamW, RMSprop, Adagrad)}


def optimizer_for(parameters: list[Value], optimizer: str | Optimizer, lr: float | None) -> Optimizer:
    """Return an optimiser made by its name, or the one that is given, which must hold some of the parameters."""
    if not isinstance(optimizer, Optimizer):
        kind = OPTIMIZERS.get(str(optimizer).lower()) or look_up("optimiser", optimizer, OPTIMIZERS)
        optimizer = kind(parameters) if lr is None else kind(parameters, lr=lr)
    elif lr is not None:
        raise ValueError("an optimiser has its own learning rate; leave lr out, or name the optimiser")
    if not {id(p) for group in optimizer.param_groups for p in group["params"]} & set(map(id, parameters)):
        raise ValueError("the optimiser holds none of the model's parameters; make it with model.parameters()")
    if not any(p.requires_grad for p in parameters):
        raise ValueError("every parameter of the model is frozen; let some learn with model.requires_grad_()")
    return optimizer


def clip_grad_norm_(parameters: Iterable[Value], max_norm: float, error_if_nonfinite: bool = False) -> float:
    """Scale all gradients so that their common Euclidean norm is at most ``max_norm``, and return the norm before.

    As ``torch.nn.utils.clip_grad_norm_``, whose factor is max_norm / (norm + 1e-6) where that is below 1. Frozen
    parameters do not count. Raises ValueError for a ``max_norm`` that is not above 0, and with ``error_if_nonfinite``
    for a norm that is infinite or nan.

    >>> from autograd import Value
    >>> a, b = Value(3.0), Value(4.0)
    >>> (a * a / 2 + b * b / 2).backward()
    >>> clip_grad_norm_([a, b], 1.0)
    5.0
    >>> round(b.grad, 4)
    0.8
    """
    max_norm = number_where("max_norm is a number above 0", max_norm, lambda x: x > 0.0)
    learning = _with_gradient(parameters)
    grads, total = scale_to_norm([p.grad for p in learning], max_norm)
    if error_if_nonfinite and not math.isfinite(total):
        raise ValueError(f"the norm of the gradients is {total!r}; look for where the loss became infinite or nan")
    for p, g in zip(learning, grads, strict=True):
        p.grad = g
    return float(total)


def clip_grad_value_(parameters: Iterable[Value], clip_value: float) -> None:
    """Hold each gradient to [−clip_value, clip_value], as ``torch.nn.utils.clip_grad_value_``.

    Raises ValueError for a ``clip_value`` that is not above 0.

    >>> from autograd import Value
    >>> a = Value(3.0)
    >>> (a * a).backward()
    >>> clip_grad_value_([a], 2.0)
    >>> a.grad
    2.0
    """
    clip_value = number_where("clip_value is a number above 0", clip_value, lambda x: x > 0.0)
    learning = _with_gradient(parameters)
    for p, g in zip(learning, clip_each([p.grad for p in learning], clip_value), strict=True):
        p.grad = g


def scale_to_norm(grads: list[Any], max_norm: float) -> tuple[list[Any], Any]:
    """Return the gradients scaled by the rule of ``clip_grad_norm_``, and their norm; any kind of number."""
    total = norm(grads)
    factor = minimum(max_norm / (total + 1e-6), 1.0)
    return [g * factor for g in grads], total


def clip_each(grads: list[Any], clip_value: float) -> list[Any]:
    """Return the gradients held to [−clip_value, clip_value]; any kind of number."""
    return [clip(g, -clip_value, clip_value) for g in grads]


def _with_gradient(parameters: Iterable[Value]) -> list[Value]:
    values = [parameters] if isinstance(parameters, Value) else parameters
    return [p for p in values if p.has_grad]


def _listed(parameters: Any) -> list[Any]:
    if isinstance(parameters, (set, frozenset)):
        raise TypeError("a set has no order, and a state_dict knows each parameter by its place; give a list")
    return [parameters] if isinstance(parameters, Value) else list(parameters)


def _leaves(parameters: Any) -> list[Any]:
    leaves = _listed(parameters)
    for p in leaves:
        if not isinstance(p, Value) or p.operands:
            raise TypeError(f"an optimiser changes leaf Values, and {shown(p)} is not one")
    return leaves


def _count(entries: Any) -> Any:
    return len(entries) if isinstance(entries, list) else repr(entries)


def _two(betas: Any) -> tuple[float, float]:
    try:
        first, second = betas
    except (TypeError, ValueError):
        raise ValueError(f"betas is a pair of numbers, and {shown(betas)} was given") from None
    return first, second


def _alike(option: Any, default: Any) -> bool:
    if isinstance(default, tuple):
        return isinstance(option, tuple) and len(option) == len(default) and all(map(is_finite, option))
    if isinstance(default, bool) or not is_finite(default):  # a bool, or of a kind that only the user's rule knows
        return isinstance(option, type(default))
    return is_finite(option)
