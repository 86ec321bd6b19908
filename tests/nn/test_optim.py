"""Trajectories of 200 steps against the published formulas in mpmath, for every option, and against PyTorch."""

import copy
import decimal
import fractions
import gc
import itertools
import json
import math
import os
import pickle
import subprocess
import sys

import mpmath as mp
import numpy as np
import pytest

import nn
from autograd import Value

mp.mp.dps = 40
STEPS = 200
START = [1.5, -0.75, 0.0]
RATE = mp.mpf("0.05")


def sgd(p, g, s, t, lr=RATE, momentum=0, dampening=0, weight_decay=0, nesterov=False, maximize=False):
    g = (-g if maximize else g) + weight_decay * p
    if momentum:
        s["b"] = g if t == 1 else momentum * s["b"] + (1 - dampening) * g
        g = g + momentum * s["b"] if nesterov else s["b"]
    return p - lr * g


def adam(
    p, g, s, t, lr=RATE, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, amsgrad=False, maximize=False, decoupled=False
):
    one, two = map(mp.mpf, betas)
    g = -g if maximize else g
    if decoupled:
        p = p - lr * weight_decay * p
    else:
        g = g + weight_decay * p
    s["m"] = one * s.get("m", 0) + (1 - one) * g
    s["v"] = two * s.get("v", 0) + (1 - two) * g**2
    largest = s["u"] = max(s.get("u", 0), s["v"]) if amsgrad else s["v"]
    return p - lr * (s["m"] / (1 - one**t)) / (mp.sqrt(largest / (1 - two**t)) + eps)


def adamw(p, g, s, t, weight_decay=1e-2, **options):
    return adam(p, g, s, t, weight_decay=weight_decay, decoupled=True, **options)


def rmsprop(p, g, s, t, lr=RATE, alpha=0.99, eps=1e-8, weight_decay=0, momentum=0, centered=False, maximize=False):
    alpha = mp.mpf(alpha)
    g = (-g if maximize else g) + weight_decay * p
    s["v"] = alpha * s.get("v", 0) + (1 - alpha) * g**2
    s["a"] = alpha * s.get("a", 0) + (1 - alpha) * g
    change = g / (mp.sqrt(s["v"] - s["a"] ** 2 if centered else s["v"]) + eps)
    if momentum:
        change = s["b"] = momentum * s.get("b", 0) + change
    return p - lr * change


def adagrad(p, g, s, t, lr=RATE, lr_decay=0, weight_decay=0, initial_accumulator_value=0, eps=1e-10, maximize=False):
    g = (-g if maximize else g) + weight_decay * p
    s["s"] = s.get("s", mp.mpf(initial_accumulator_value)) + g**2
    return p - lr / (1 + (t - 1) * mp.mpf(lr_decay)) * g / (mp.sqrt(s["s"]) + eps)


def combinations(**choices):
    """Every combination of the options' values."""
    return [dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())]


CASES = [
    *(
        ("SGD", sgd, o)
        for o in combinations(
            momentum=[0.0, 0.9],
            dampening=[0.0, 0.1],
            weight_decay=[0.0, 0.01],
            nesterov=[False, True],
            maximize=[False, True],
        )
        if not o["nesterov"] or (o["momentum"] and not o["dampening"])
    ),
    *(
        ("Adam", adam, o)
        for o in combinations(
            betas=[(0.9, 0.999), (0.5, 0.9)],
            eps=[1e-8, 1e-3],
            weight_decay=[0.0, 0.01],
            amsgrad=[False, True],
            maximize=[False, True],
        )
    ),
    *(
        ("AdamW", adamw, o)
        for o in combinations(
            betas=[(0.9, 0.999)], weight_decay=[0.01, 0.1], amsgrad=[False, True], maximize=[False, True]
        )
    ),
    *(
        ("RMSprop", rmsprop, o)
        for o in combinations(
            alpha=[0.99, 0.8],
            eps=[1e-8, 1e-2],
            weight_decay=[0.0, 0.01],
            momentum=[0.0, 0.5],
            centered=[False, True],
            maximize=[False, True],
        )
    ),
    *(
        ("Adagrad", adagrad, o)
        for o in combinations(
            lr_decay=[0.0, 0.01],
            weight_decay=[0.0, 0.01],
            eps=[1e-10, 1e-3],
            initial_accumulator_value=[0.0, 0.1],
            maximize=[False, True],
        )
    ),
]


def wave(k, t):
    """A gradient that is given from outside, so that rounding errors do not grow along the way; exact in binary."""
    return math.floor(1024 * math.sin(0.7 * t + k)) / 1024 + (0.125 if t % 7 == 0 else 0.0)


def exact(formula, options, lr=0.05):
    ps, states = [mp.mpf(x) for x in START], [{} for _ in START]
    options = {k: mp.mpf(x) if isinstance(x, float) else x for k, x in options.items()}
    for t in range(1, STEPS + 1):
        ps = [formula(p, mp.mpf(wave(k, t)), states[k], t, lr=mp.mpf(lr), **options) for k, p in enumerate(ps)]
        yield ps


@pytest.mark.parametrize(("name", "formula", "options"), CASES)
def test_trajectory_is_the_published_formula(name, formula, options):
    ps = [Value(x) for x in START]
    optimizer = getattr(nn, name)(ps, lr=0.05, **options)
    # centred: the variance is a difference of two numbers that nearly agree, and loses two digits more
    tolerance = 1e-10 if options.get("centered") else 1e-12
    for t, wanted in enumerate(exact(formula, options), start=1):
        for k, p in enumerate(ps):
            p.grad = wave(k, t)
        optimizer.step()
        for p, want in zip(ps, wanted, strict=True):
            assert p.data == pytest.approx(float(want), rel=tolerance, abs=tolerance), (t, p)


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"])
def test_a_planted_error_in_a_formula_would_be_seen(name):
    """The tolerance above must tell a slightly wrong option from the right one."""
    formula = {"SGD": sgd, "Adam": adam, "AdamW": adamw, "RMSprop": rmsprop, "Adagrad": adagrad}[name]
    right, wrong = list(exact(formula, {})), list(exact(formula, {}, lr=0.05 * (1 + 1e-10)))
    assert max(abs(a - b) for r, w in zip(right, wrong, strict=True) for a, b in zip(r, w, strict=True)) > 1e-12


@pytest.mark.parametrize(("name", "options"), [(name, options) for name, _, options in CASES])
@pytest.mark.torch
def test_trajectory_is_pytorchs(name, options):
    torch = pytest.importorskip("torch")
    ps = [Value(x) for x in START]
    theirs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in START]
    ours, other = getattr(nn, name)(ps, lr=0.05, **options), getattr(torch.optim, name)(theirs, lr=0.05, **options)
    for t in range(1, STEPS + 1):
        for k, (p, q) in enumerate(zip(ps, theirs, strict=True)):
            p.grad = wave(k, t)
            q.grad = torch.tensor(wave(k, t), dtype=torch.float64)
        ours.step()
        other.step()
    tolerance = 1e-10 if options.get("centered") else 1e-12
    for p, q in zip(ps, theirs, strict=True):
        assert p.data == pytest.approx(q.item(), rel=tolerance, abs=tolerance)


@pytest.mark.torch
def test_defaults_are_pytorchs():
    torch = pytest.importorskip("torch")
    for name in ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad"):
        theirs = getattr(torch.optim, name)([torch.zeros(1, requires_grad=True)]).defaults
        ours = getattr(nn, name)([Value(0.0)]).defaults
        assert {k: theirs[k] for k in ours} == ours


@pytest.mark.parametrize("g", [0.1, 2.83, 6.84])
def test_rounding_leaves_no_negative_variance(g):
    w = Value(0.0)
    optimizer = nn.RMSprop([w], centered=True)
    for _ in range(4000):  # E[g²] − E[g]² of a constant gradient goes to 0, and by rounding below
        w.grad = g
        optimizer.step()
    assert math.isfinite(w.data)


def test_an_optimiser_of_ones_own_is_one_rule():
    class SignDescent(nn.Optimizer):
        slots = ("last",)

        def __init__(self, parameters, lr=0.5, shrink=0.5):
            super().__init__(parameters, lr=lr, shrink=shrink)

        @staticmethod
        def rule(p, g, state, t, lr, shrink):
            (last,) = state
            return p - lr * shrink ** (t - 1) * (1.0 if g > 0 else -1.0), (last + g,)

    w = Value(1.0)
    optimizer = SignDescent([w])
    for _ in range(2):
        w.grad = 3.0
        optimizer.step()
    assert w.data == 0.25
    assert optimizer.state_dict()["state"] == [[2, 6.0]]
    assert optimizer.state[w] == (2, (6.0,))


def test_groups_have_options_of_their_own():
    a, b = Value(1.0), Value(1.0)
    optimizer = nn.SGD([{"params": [a], "lr": 0.5}, {"params": b}], lr=0.25)
    a.grad = b.grad = 1.0
    optimizer.step()
    assert (a.data, b.data) == (0.5, 0.75)
    c = Value(1.0)
    optimizer.add_param_group({"params": [c], "momentum": 0.9})
    assert optimizer.param_groups[2]["momentum"] == 0.9
    assert optimizer.param_groups[2]["lr"] == 0.25


def test_frozen_and_unused_parameters_are_left_alone():
    used, unused, frozen = Value(1.0), Value(1.0), Value(1.0)
    frozen.requires_grad = False
    optimizer = nn.AdamW([used, unused, frozen], lr=0.1)
    (used * used + frozen * used).backward()
    optimizer.step()
    assert used.data != 1.0
    assert (unused.data, frozen.data) == (1.0, 1.0)
    frozen.requires_grad = True
    optimizer.zero_grad()
    assert not used.has_grad
    (frozen * 2.0).backward()
    optimizer.step()
    assert frozen.data != 1.0


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"])
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_a_frozen_parameter_with_a_gradient_of_ones_own_does_not_move(name, decay):
    model = nn.MLP(1, [2, 1], activation="tanh", seed=0)
    model.layers[0].requires_grad_(False)
    frozen, free = model.layers[0].parameters(), model.layers[1].parameters()
    before = [p.data for p in frozen], [p.data for p in free]
    optimizer = getattr(nn, name)(model.parameters(), lr=0.1, weight_decay=decay)
    for p in [*frozen, *free]:
        p.grad = 0.5
    assert nn.clip_grad_norm_(model.parameters(), 10.0) == pytest.approx(math.hypot(*[0.5] * len(free)))
    assert list(nn.gradient_flow(model)) == ["layers.1"]
    nn.clip_grad_value_(model.parameters(), 0.25)
    assert {p.grad for p in frozen} <= {0.0, 0.5}
    optimizer.step()
    assert [p.data for p in frozen] == before[0]
    assert all(p.data != x for p, x in zip(free, before[1], strict=True))
    assert optimizer.state_dict()["state"][: len(frozen)] == [None] * len(frozen)


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"])
def test_state_goes_through_json_to_the_bit(name):
    options = {"momentum": 0.9} if name == "SGD" else {}

    def run(optimizer, ps, steps):
        for t in steps:
            for k, p in enumerate(ps):
                p.grad = wave(k, t)
            optimizer.step()

    whole = [Value(x) for x in START]
    run(getattr(nn, name)(whole, lr=0.05, **options), whole, range(1, 41))
    halves = [Value(x) for x in START]
    first = getattr(nn, name)(halves, lr=0.05, **options)
    run(first, halves, range(1, 21))
    stored = json.loads(json.dumps(first.state_dict()))
    again = getattr(nn, name)(halves, lr=9.0)
    again.load_state_dict(stored)
    assert again.param_groups[0]["lr"] == 0.05
    run(again, halves, range(21, 41))
    assert [p.data for p in halves] == [p.data for p in whole]


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.update(optimizer="SGD"),
        lambda s: s.pop("groups"),
        lambda s: s.update(extra=1),
        lambda s: s["groups"].append({}),
        lambda s: s["groups"][0].update(params=7),
        lambda s: s["groups"][0].update(lr="fast"),
        lambda s: s["groups"][0].update(lr=-1.0),
        lambda s: s["groups"][0].update(lr=math.nan),
        lambda s: s["groups"][0].update(lr=10**400),
        lambda s: s["groups"][0].update(amsgrad=1.0),
        lambda s: s["groups"][0].update(betas=[0.9]),
        lambda s: s["groups"][0].update(betas=[0.9, 1.5]),
        lambda s: s["groups"][0].pop("eps"),
        lambda s: s["state"].pop(),
        lambda s: s["state"][0].pop(),
        lambda s: s["state"][0].__setitem__(0, 0),
        lambda s: s["state"][0].__setitem__(0, 1.5),
        lambda s: s["state"][0].__setitem__(1, math.inf),
        lambda s: s["state"][0].__setitem__(1, None),
        lambda s: s["state"][0].__setitem__(1, True),
        lambda s: s.update(state={}),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(change):
    ps = [Value(1.0), Value(2.0)]
    optimizer = nn.Adam(ps)
    for p in ps:
        p.grad = 1.0
    optimizer.step()
    before = json.dumps(optimizer.state_dict())
    state = json.loads(before)
    state["groups"][0]["lr"] = 0.5
    change(state)
    with pytest.raises(ValueError, match=r"\w+"):
        optimizer.load_state_dict(state)
    assert json.dumps(optimizer.state_dict()) == before


class Decaying(nn.Optimizer):
    """One that says the range of one option, and leaves those of the others out."""

    ranges = {"ratio": ("is below 1", lambda x: x < 1.0)}  # noqa: RUF012

    def __init__(self, parameters, lr=0.1, rho=0.5, ratio=-1.0, always=True, mode="fast", clip=None):
        super().__init__(parameters, lr=lr, rho=rho, ratio=ratio, always=always, mode=mode, clip=clip)


def test_an_option_lies_where_its_class_says_and_others_may_be_anything():
    optimizer = Decaying([Value(1.0)])
    assert optimizer.defaults == {
        "lr": 0.1, "rho": 0.5, "ratio": -1.0, "always": True, "mode": "fast", "clip": None,
    }  # fmt: skip
    with pytest.raises(ValueError, match=r"ratio is below 1, and 2\.0 was given"):
        Decaying([Value(1.0)], ratio=2.0)
    optimizer.load_state_dict(json.loads(json.dumps(optimizer.state_dict())))
    assert optimizer.param_groups[0]["mode"] == "fast"


def test_a_learning_rate_of_a_class_that_says_nothing_is_no_negative_number():
    class Plain(nn.Optimizer):
        def __init__(self, parameters, lr):
            super().__init__(parameters, lr=lr)

    with pytest.raises(ValueError, match=r"lr is a finite number of at least 0, and -1\.0 was given"):
        Plain([Value(1.0)], -1.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s["groups"].append({}), "has 1 parameter groups, and the state has 2"),
        (lambda s: s.update(groups=3), "has 1 parameter groups, and the state has 3"),
        (lambda s: s["state"].pop(), "has 1 parameters, and the state has 0"),
        (lambda s: s.update(groups=[{"lr": 1.0}]), r"'params'\], and the state's has \['lr'\]"),
        (lambda s: s.update(groups=[5]), "and the state's has 5"),
    ],
)
def test_a_state_that_does_not_fit_says_what_it_has(change, message):
    optimizer = nn.SGD([Value(1.0)])
    state = optimizer.state_dict()
    change(state)
    with pytest.raises(ValueError, match=message):
        optimizer.load_state_dict(state)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda v: nn.SGD([]), ValueError, "the list is empty"),
        (lambda v: nn.SGD([v, v]), ValueError, "stands twice"),
        (lambda v: nn.SGD([1.0]), TypeError, "leaf Values, and 1.0 is not one"),
        (lambda v: nn.SGD([v * 2.0]), TypeError, "leaf Values"),
        (lambda v: nn.SGD([{"lr": 1.0}]), ValueError, "the key 'params'"),
        (lambda v: nn.SGD([{"params": [v], "beta": 1.0}]), ValueError, "SGD has no option 'beta'; it has lr, momentum"),
        (lambda v: nn.SGD([v], lr=-1.0), ValueError, "lr is a finite number of at least 0, and -1.0"),
        (lambda v: nn.SGD([v], lr=math.nan), ValueError, "lr is a finite number"),
        (lambda v: nn.SGD([v], lr=(0.1,)), ValueError, r"lr is a finite number of at least 0, and \(0.1,\)"),
        (lambda v: nn.Adam([v], eps=[1e-8]), ValueError, "eps is a finite number above 0"),
        (lambda v: nn.SGD([v], lr=True), ValueError, "lr is a finite number of at least 0, and True"),
        (lambda v: nn.SGD([v], dampening=math.inf), ValueError, "dampening is a finite number"),
        (lambda v: Decaying([v], rho=-5.0), ValueError, "rho is a finite number of at least 0, and -5.0"),
        (lambda v: Decaying([v], ratio=1.5), ValueError, "ratio is below 1, and 1.5"),
        (lambda v: nn.SGD([v], nesterov=True), ValueError, "nesterov needs a momentum"),
        (lambda v: nn.SGD([v], nesterov=True, momentum=0.9, dampening=0.1), ValueError, "nesterov needs"),
        (lambda v: nn.Adam([v], betas=(0.9, 1.0)), ValueError, r"betas lies in \[0, 1\), and 1.0"),
        (lambda v: nn.Adam([v], betas=0.9), ValueError, "betas is a pair"),
        (lambda v: nn.RMSprop([v], alpha=2.0), ValueError, r"alpha lies in \[0, 1\), and 2.0"),
        (lambda v: nn.clip_grad_norm_([v], 0.0), ValueError, "max_norm is a number above 0"),
        (lambda v: nn.clip_grad_value_([v], -1.0), ValueError, "clip_value is a number above 0"),
    ],
)
def test_bad_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make(Value(1.0))


def test_clipping():
    a, b, c = Value(1.0), Value(1.0), Value(1.0)
    a.grad, b.grad = 3.0, -4.0
    assert nn.clip_grad_norm_([a, b, c], 10.0) == 5.0
    assert (a.grad, b.grad) == (3.0, -4.0)
    assert nn.clip_grad_norm_([a, b, c], 1.0) == 5.0
    assert math.hypot(a.grad, b.grad) == pytest.approx(5.0 / (5.0 + 1e-6), rel=1e-15)
    assert not c.has_grad
    b.grad = -4.0
    nn.clip_grad_value_([a, b, c], 0.5)
    assert (a.grad, b.grad) == (0.5, -0.5)
    a.grad = math.inf
    with pytest.raises(ValueError, match="the norm of the gradients is inf"):
        nn.clip_grad_norm_([a, b], 1.0, error_if_nonfinite=True)
    assert b.grad == -0.5


def test_repr():
    assert repr(nn.SGD([Value(1.0)], lr=0.5)).startswith("SGD(1 parameters, lr=0.5, momentum=0.0")


# ------------------------------------------------------------------ state goes where its parameters go

OPTIMIZERS = {
    "SGD": lambda ps: nn.SGD(ps, lr=0.05, momentum=0.9),
    "Adam": lambda ps: nn.Adam(ps, lr=0.05, amsgrad=True),
    "AdamW": lambda ps: nn.AdamW(ps, lr=0.05),
    "RMSprop": lambda ps: nn.RMSprop(ps, lr=0.05, momentum=0.5, centered=True),
    "Adagrad": lambda ps: nn.Adagrad(ps, lr=0.05, initial_accumulator_value=0.1),
}
SCHEDULES = {
    "none": lambda o: None,
    "StepLR": lambda o: nn.StepLR(o, 2, gamma=0.5),
    "SequentialLR": lambda o: nn.SequentialLR(o, [nn.LinearLR(o, 0.5, total_iters=2), nn.ExponentialLR(o, 0.5)], [2]),
    "ReduceLROnPlateau": lambda o: nn.ReduceLROnPlateau(o, factor=0.5, patience=0),
}
CLONES = {"deepcopy": copy.deepcopy, "pickle": lambda things: pickle.loads(pickle.dumps(things))}


def learn(model, optimizer, schedule, epochs, jit=False):
    return nn.fit(
        model, [[1.0, 2.0], [0.5, -1.0], [-1.0, 0.25]], [1.0, 0.0, -1.0], optimizer=optimizer, schedule=schedule,
        epochs=epochs, batch_size=1, shuffle=False, progress=False, jit=jit,
    )  # fmt: skip


def grouped(model):
    """The parameters in two groups, of which one is frozen in part."""
    first, *others = model.parameters()
    first.requires_grad = False
    return [{"params": [first, *others[:3]], "lr": 0.1}, {"params": others[3:]}]


@pytest.mark.parametrize(
    ("schedule", "jit"),
    [(name, False) for name in SCHEDULES] + [("StepLR", True)],  # to compile takes a while
)
@pytest.mark.parametrize("clone", CLONES)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_state_follows_its_parameters_through_a_copy(name, schedule, clone, jit):
    def begin():
        model = nn.MLP(2, [3, 1], activation="tanh", seed=0)
        optimizer = OPTIMIZERS[name](grouped(model))
        return model, optimizer, SCHEDULES[schedule](optimizer)

    model, optimizer, plan = begin()
    history = learn(model, optimizer, plan, 3, jit)
    twin, other, same_plan, same_history = CLONES[clone]((model, optimizer, plan, history))
    assert other.state_dict() == optimizer.state_dict()
    assert any(other.state_dict()["state"])
    assert same_history.columns == history.columns
    assert {id(p) for group in other.param_groups for p in group["params"]} == set(map(id, twin.parameters()))
    assert same_plan is None or same_plan.optimizer is other
    rows = [learn(model, optimizer, plan, 3, jit).columns, learn(twin, other, same_plan, 3, jit).columns]
    assert rows[0] == rows[1]
    assert twin.state_dict() == model.state_dict()
    assert other.state_dict() == optimizer.state_dict()


def test_state_follows_its_parameters_from_one_engine_to_the_other(tmp_path):
    model = nn.MLP(2, [3, 1], activation="tanh", seed=0)
    optimizer = nn.Adam(model.parameters(), lr=0.05)
    learn(model, optimizer, None, 2)
    (tmp_path / "both.pickle").write_bytes(pickle.dumps((model, optimizer)))
    program = "import pickle, sys; print(pickle.load(open(sys.argv[1], 'rb'))[1].state_dict())"
    for engine in ("python", ""):  # "" is the native one, where there is one
        done = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path / "both.pickle")], text=True, capture_output=True,
            env={**os.environ, "CHALKGRAD_ENGINE": engine}, check=True,
        )  # fmt: skip
        assert done.stdout.strip() == str(optimizer.state_dict())


def test_a_parameter_is_never_taken_for_one_that_is_gone():
    kept, gone = Value(1.0), Value(1.0)
    optimizer = nn.Adam([kept, gone], lr=0.1)
    kept.grad = gone.grad = 1.0
    optimizer.step()
    optimizer.param_groups[0]["params"].pop()
    del gone
    others = [Value(1.0) for _ in range(1000)]  # one of which may be where the old one was
    optimizer.param_groups[0]["params"] = [kept, *others]
    assert optimizer.state_dict()["state"] == [[1, *optimizer.state[kept][1]], *[None] * 1000]


def test_a_group_can_be_copied_alone():
    optimizer = nn.Adam([Value(1.0)], lr=0.1)
    for twin in (copy.deepcopy(optimizer.param_groups[0]), pickle.loads(pickle.dumps(optimizer.param_groups[0]))):
        assert twin == optimizer.param_groups[0]
        twin["lr"] = 0.5
        assert optimizer.lr == 0.1


# ---------------------------------------------------------------------------------- options at the door

KINDS = {
    "lr": ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"],
    "weight_decay": ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"],
    "momentum": ["SGD", "RMSprop"],
    "dampening": ["SGD"],
    "eps": ["Adam", "AdamW", "RMSprop", "Adagrad"],
    "alpha": ["RMSprop"],
    "betas": ["Adam", "AdamW"],
    "lr_decay": ["Adagrad"],
    "initial_accumulator_value": ["Adagrad"],
    "nesterov": ["SGD"],
    "maximize": ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"],
    "amsgrad": ["Adam", "AdamW"],
    "centered": ["RMSprop"],
}
OPTIONS = [(name, option) for option, names in KINDS.items() for name in names]
NO_NUMBERS = [
    math.nan, math.inf, -math.inf, "0.1", b"0.1", None, True, np.True_, 1j, np.complex128(0.5), Value(0.5), 10**400,
    10**5000, [0.5], (0.5,), {"a": 0.5}, np.array([0.5]), np.datetime64("2020-01-01", "ns"), lambda: 0.5,
]  # fmt: skip
NO_FLAGS = [None, "False", 0, 1, 0.0, Value(1.0), [True], math.nan, np.array([True])]
BAD = {
    **{option: [*NO_NUMBERS, -1.0, -1e-300, np.float32(-1.0)] for option in KINDS},
    "dampening": NO_NUMBERS,
    "eps": [*NO_NUMBERS, -1.0, 0.0, -0.0, 0, np.float64(0.0)],
    "alpha": [*NO_NUMBERS, -1.0, 1.0, 1, 2.0],
    "betas": [
        *NO_NUMBERS, (0.9, 0.99, 0.9), ("0.9", 0.9), (0.9, 1.0), (-0.1, 0.9), (0.9, Value(0.9)), ((0.5,), 0.5),
        np.array([[0.5, 0.5]]), (True, 0.5),
    ],
    **dict.fromkeys(("nesterov", "maximize", "amsgrad", "centered"), NO_FLAGS),
}  # fmt: skip
FLAGS = ("nesterov", "maximize", "amsgrad", "centered")


def doors(name, option, x):
    """Every way in which an option can be given, each with the optimiser that must not change on the way."""
    kind, v = getattr(nn, name), Value(1.0)
    optimizer = kind([v])
    (group,) = optimizer.param_groups
    stored = optimizer.state_dict()
    stored["groups"][0][option] = x
    return {
        "constructor": (optimizer, lambda: kind([Value(1.0)], **{option: x})),
        "group": (optimizer, lambda: kind([{"params": [Value(1.0)], option: x}])),
        "add_param_group": (optimizer, lambda: optimizer.add_param_group({"params": [Value(1.0)], option: x})),
        "attribute": (optimizer, lambda: setattr(optimizer, option, x)),
        "item": (optimizer, lambda: group.__setitem__(option, x)),
        "update": (optimizer, lambda: group.update({option: x})),
        "update by name": (optimizer, lambda: group.update(**{option: x})),
        "|=": (optimizer, lambda: group.__ior__({option: x})),
        "state": (optimizer, lambda: optimizer.load_state_dict(stored)),
    }


@pytest.mark.parametrize(("name", "option"), OPTIONS)
def test_an_option_outside_its_bounds_is_refused_at_every_door(name, option):
    for x in BAD[option]:
        for door, (optimizer, call) in doors(name, option, x).items():
            before = optimizer.state_dict()
            with pytest.raises(ValueError, match=option) as caught:
                call()
            assert len(str(caught.value)) < 400, door
            assert optimizer.state_dict() == before, (door, x)


NUMBERS = [0.5, np.float64(0.5), np.float32(0.5), np.float16(0.5), np.longdouble(0.5), np.array(0.5),
           fractions.Fraction(1, 2), decimal.Decimal("0.5"), mp.mpf("0.5")]  # fmt: skip


@pytest.mark.parametrize(("name", "option"), [(name, option) for name, option in OPTIONS if option not in FLAGS])
def test_a_number_of_whatever_kind_becomes_a_float(name, option):
    for x in NUMBERS:
        given, wanted = ((x, x), (0.5, 0.5)) if option == "betas" else (x, 0.5)
        for door, (optimizer, call) in doors(name, option, given).items():
            if door == "state":  # which knows Python's numbers only, as JSON does
                continue
            made = call()
            made = made if isinstance(made, nn.Optimizer) else optimizer
            got = made.param_groups[-1][option]
            assert got == wanted, (door, x)
            assert {type(one) for one in (got if option == "betas" else [got])} == {float}, (door, x)
            (p,) = made.param_groups[-1]["params"]
            p.grad = 1.0
            made.step()
            assert type(p.data) is float
            json.dumps(made.state_dict())


@pytest.mark.parametrize(("name", "option"), [(name, option) for name, option in OPTIONS if option in FLAGS])
def test_a_flag_of_numpy_becomes_a_bool(name, option):
    options = {"momentum": 0.9} if option == "nesterov" else {}
    optimizer = getattr(nn, name)([Value(1.0)], **{option: np.True_}, **options)
    assert optimizer.param_groups[0][option] is True
    optimizer.param_groups[0][option] = np.False_
    assert optimizer.param_groups[0][option] is False


def test_whole_numbers_stay_and_betas_may_be_a_list_or_an_array():
    optimizer = nn.Adam([Value(1.0)], lr=1, betas=[0.5, np.float32(0.25)])
    assert optimizer.param_groups[0]["lr"] == 1
    assert optimizer.param_groups[0]["betas"] == (0.5, 0.25)
    optimizer.betas = np.array([0.25, 0.75])
    assert optimizer.betas == (0.25, 0.75)
    for betas in (0.5, (0.5,), "ab"):
        with pytest.raises(ValueError, match="betas"):
            optimizer.param_groups[0]["betas"] = betas
    assert optimizer.betas == (0.25, 0.75)


@pytest.mark.parametrize("name", ["Adam", "AdamW", "RMSprop", "Adagrad"])
def test_an_eps_of_0_is_refused_with_the_reason_and_the_smallest_divides(name):
    with pytest.raises(ValueError, match=r"eps is a finite number above 0, since .* 0 / 0, and 0\.0 was given"):
        getattr(nn, name)([Value(1.0)], eps=0.0)
    for eps in (5e-324, 1e-300, 1e300):
        p = Value(1.0)
        optimizer = getattr(nn, name)([p], eps=eps, weight_decay=0.0)
        p.grad = 0.0
        optimizer.step()
        assert p.data == 1.0


def test_lr_has_no_upper_bound_but_infinity():
    p = Value(1.0)
    optimizer = nn.SGD([p], lr=1e308)
    p.grad = 1.0
    optimizer.step()
    assert p.data == -1e308


def test_an_option_is_an_attribute_of_all_groups():
    a, b = Value(1.0), Value(1.0)
    optimizer = nn.SGD([{"params": [a]}, {"params": [b]}], lr=0.5)
    assert optimizer.lr == 0.5
    params = optimizer.param_groups[0]["params"]
    optimizer.lr *= 0.5
    assert optimizer.param_groups[0]["params"] is params
    assert [group["lr"] for group in optimizer.param_groups] == [0.25, 0.25]
    a.grad = b.grad = 1.0
    optimizer.step()
    assert (a.data, b.data) == (0.75, 0.75)
    optimizer.param_groups[1]["lr"] = 0.75
    with pytest.raises(AttributeError, match="the groups differ in lr; look at each"):
        _ = optimizer.lr
    optimizer.param_groups[0]["momentum"] = 0.9
    with pytest.raises(ValueError, match="nesterov needs a momentum"):
        optimizer.nesterov = True  # which the second group cannot have
    assert [group["nesterov"] for group in optimizer.param_groups] == [False, False]
    optimizer.lr = 0.125
    assert optimizer.lr == 0.125
    with pytest.raises(AttributeError, match="'SGD' object has no attribute 'learning_rate'"):
        _ = optimizer.learning_rate
    assert copy.deepcopy(optimizer).lr == 0.125


def test_an_option_that_a_subclass_keeps_too_is_that_of_the_groups():
    class Own(nn.Optimizer):
        def __init__(self, parameters, lr, decay):
            self.lr = lr
            super().__init__(parameters, lr=lr, decay=decay)
            self.decay = decay

    optimizer = Own([Value(1.0)], 0.5, 0.25)
    assert (optimizer.lr, optimizer.decay) == (0.5, 0.25)
    optimizer.lr = optimizer.decay = 0.125
    assert optimizer.param_groups[0]["lr"] == optimizer.param_groups[0]["decay"] == optimizer.lr == 0.125


def test_a_group_takes_only_what_its_optimiser_knows():
    p = Value(1.0)
    (group,) = nn.SGD([p], lr=0.5).param_groups  # which outlives its optimiser
    gc.collect()
    group["lr"] = 0.25
    assert copy.deepcopy(group)["lr"] == 0.25
    optimizer = nn.SGD([p], lr=0.5)
    (group,) = optimizer.param_groups
    for change in (
        lambda: group.__setitem__("learning_rate", 0.1), lambda: group.update(lr=0.1, learning_rate=0.1),
        lambda: group.setdefault("learning_rate", 0.1), lambda: optimizer.add_param_group({"params": [], "x": 1.0}),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"SGD has no option '(learning_rate|x)'; it has lr, momentum"):
            change()
    assert group.setdefault("lr", 9.0) == 0.5
    with pytest.raises(TypeError, match=r"leaf Values, and 1\.0 is not one"):
        group["params"] = [1.0]
    group["params"] = p
    assert group["params"] == [p]
    group.update(momentum=0.9, nesterov=True)
    with pytest.raises(ValueError, match="nesterov needs a momentum"):
        group["momentum"] = 0.0
    assert group["momentum"] == 0.9


@pytest.mark.parametrize("bound", [Value(1.0), "1", True, None, math.nan, 0.0, -1.0, 10**400])
def test_a_bound_for_gradients_is_a_number_above_0(bound):
    p = Value(1.0)
    p.grad = 3.0
    for clip, what in ((nn.clip_grad_norm_, "max_norm"), (nn.clip_grad_value_, "clip_value")):
        with pytest.raises(ValueError, match=f"{what} is a number above 0"):
            clip([p], bound)
    assert p.grad == 3.0


def test_a_bound_of_32_bits_does_not_make_gradients_of_32_bits():
    p, q = Value(1.0), Value(1.0)
    p.grad = q.grad = 3.0
    nn.clip_grad_norm_([p], np.float32(0.5))
    nn.clip_grad_norm_([q], 0.5)
    assert type(p.grad) is float
    assert p.grad == q.grad
    nn.clip_grad_value_([p], np.float32(0.25))
    assert type(p.grad) is float


def test_groups_may_be_replaced_by_plain_dicts():
    a, b = Value(1.0), Value(2.0)
    optimizer = nn.SGD([a, b], lr=0.1)
    optimizer.param_groups = [{"params": [a], "lr": 0.5}, {"params": [b]}]
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, 0.1]
    optimizer.lr = 0.25
    (a * b).backward()
    optimizer.step()
    assert (a.data, b.data) == (0.5, 1.75)
    with pytest.raises(ValueError, match="lr is a finite number"):
        optimizer.param_groups = [{"params": [a]}, {"params": [b], "lr": -1.0}]
    with pytest.raises(ValueError, match="stands twice"):
        optimizer.param_groups = [{"params": [a]}, {"params": [a]}]
    assert [group["params"] for group in optimizer.param_groups] == [[a], [b]]


def test_parameters_are_told_apart_by_what_they_are_and_not_by_their_numbers():
    class Compared(Value):
        __hash__ = None

    parameters = [Compared(1.0), Compared(1.0)]
    assert len(nn.SGD(parameters, lr=0.1).param_groups[0]["params"]) == 2
    with pytest.raises(ValueError, match="stands twice"):
        nn.SGD([*parameters, parameters[0]], lr=0.1)
