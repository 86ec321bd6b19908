import json
import math

import numpy as np
import pytest

import nn
from autograd import Value


def rates(make, epochs=12, lr=0.5):
    optimizer = nn.SGD([{"params": [Value(1.0)]}, {"params": [Value(1.0)], "lr": 2 * lr}], lr=lr)
    schedule = make(optimizer)
    seen = []
    for _ in range(epochs):
        seen.append([group["lr"] for group in optimizer.param_groups])
        schedule.step()
    return seen


CASES = [
    (lambda o: nn.StepLR(o, 3), lambda e: 0.1 ** (e // 3)),
    (lambda o: nn.StepLR(o, 2, gamma=0.5), lambda e: 0.5 ** (e // 2)),
    (lambda o: nn.ExponentialLR(o, 0.9), lambda e: 0.9**e),
    (lambda o: nn.CosineAnnealingLR(o, 10), lambda e: (1 + math.cos(math.pi * e / 10)) / 2),
    (lambda o: nn.LinearLR(o), lambda e: 1 / 3 + (2 / 3) * min(e, 5) / 5),
    (lambda o: nn.LinearLR(o, 0.1, 0.8, total_iters=4), lambda e: 0.1 + 0.7 * min(e, 4) / 4),
    (lambda o: nn.LambdaLR(o, lambda e: 1 / (1 + e)), lambda e: 1 / (1 + e)),
    (
        lambda o: nn.SequentialLR(o, [nn.LinearLR(o, 0.5, total_iters=4), nn.ExponentialLR(o, 0.5)], [4]),
        lambda e: 0.5 + 0.5 * e / 4 if e < 4 else 0.5 ** (e - 4),
    ),
]


@pytest.mark.parametrize(("make", "factor"), CASES)
def test_rates_are_the_formulas(make, factor):
    for epoch, (first, second) in enumerate(rates(make)):
        if "eta_min" not in str(make):
            assert first == pytest.approx(0.5 * factor(epoch), rel=1e-15)
            assert second == pytest.approx(1.0 * factor(epoch), rel=1e-15)


def test_cosine_ends_at_its_smallest():
    seen = rates(lambda o: nn.CosineAnnealingLR(o, 5, eta_min=0.1), epochs=6)
    assert seen[0][0] == 0.5
    assert seen[5] == pytest.approx([0.1, 0.1], rel=1e-15)


@pytest.mark.torch
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("StepLR", {"step_size": 3}),
        ("StepLR", {"step_size": 2, "gamma": 0.5}),
        ("ExponentialLR", {"gamma": 0.9}),
        ("CosineAnnealingLR", {"T_max": 10, "eta_min": 0.01}),
        ("LinearLR", {}),
        ("LinearLR", {"start_factor": 0.1, "end_factor": 0.8, "total_iters": 4}),
    ],
)
def test_rates_are_pytorchs(name, options):
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
    schedule = getattr(torch.optim.lr_scheduler, name)(optimizer, **options)
    for first, _ in rates(lambda o: getattr(nn, name)(o, **options)):
        # PyTorch multiplies the last rate, epoch after epoch, and rounds each time
        assert first == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-13)
        optimizer.step()
        schedule.step()


def plateau(numbers, **options):
    optimizer = nn.SGD([Value(1.0)], lr=1.0)
    schedule = nn.ReduceLROnPlateau(optimizer, **options)
    seen = []
    for number in numbers:
        schedule.step(number)
        seen.append(optimizer.param_groups[0]["lr"])
    return seen


def test_reduce_on_plateau():
    assert plateau([1.0, 0.9, 0.9, 0.9, 0.9, 0.5], factor=0.5, patience=2) == [1, 1, 1, 1, 0.5, 0.5]
    assert plateau([1.0, 2.0, 2.0, 2.0], mode="max", factor=0.5, patience=1) == [1, 1, 1, 0.5]
    assert plateau([1.0, 0.99995, 0.9999], factor=0.5, patience=1) == [1, 1, 0.5]  # below the threshold of 1e-4
    assert plateau([1.0] * 5, factor=0.1, patience=1, min_lr=0.05) == [1, 1, 0.1, 0.1, 0.05]
    assert plateau([1.0] * 8, factor=0.5, patience=1, cooldown=2) == [1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25]
    assert plateau([math.nan, 1.0, 1.0], factor=0.5, patience=1) == [1, 1, 1]


@pytest.mark.torch
@pytest.mark.parametrize(
    "options", [{}, {"mode": "max"}, {"cooldown": 2, "threshold": 0.1}, {"min_lr": 0.05, "factor": 0.3}]
)
def test_plateau_is_pytorchs(options):
    torch = pytest.importorskip("torch")
    numbers = [math.exp(-0.3 * i) + 0.1 * math.sin(3 * i) for i in range(60)]
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=2, **options)
    for number, ours in zip(numbers, plateau(numbers, patience=2, **options), strict=True):
        schedule.step(number)
        assert ours == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-14)


@pytest.mark.parametrize(
    "make", [make for make, _ in CASES] + [lambda o: nn.ReduceLROnPlateau(o, factor=0.5, patience=1)]
)
def test_state_goes_on_to_the_bit(make):
    def run(schedule, optimizer, steps):
        seen = []
        for _ in range(steps):
            schedule.step(1.0)
            seen.append(optimizer.param_groups[0]["lr"])
        return seen

    whole = nn.SGD([Value(1.0)], lr=0.5)
    expected = run(make(whole), whole, 10)
    first = nn.SGD([Value(1.0)], lr=0.5)
    schedule = make(first)
    seen = run(schedule, first, 4)
    stored = json.loads(json.dumps([schedule.state_dict(), first.state_dict()]))
    again = nn.SGD([Value(1.0)], lr=0.5)
    resumed = make(again)
    again.load_state_dict(stored[1])
    resumed.load_state_dict(stored[0])
    assert seen + run(resumed, again, 6) == expected


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.pop("epoch"),
        lambda s: s.update(epoch=-1),
        lambda s: s.update(epoch=1.5),
        lambda s: s.update(epoch=True),
        lambda s: s.update(schedule="StepLR"),
        lambda s: s.update(base_lrs=[]),
        lambda s: s.update(base_lrs=[-1.0]),
        lambda s: s.update(base_lrs=["a"]),
        lambda s: s.update(base_lrs=3),
        lambda s: s.update(best="x"),
        lambda s: s.update(best=10**400),
        lambda s: s.update(bad_epochs=-1),
        lambda s: s.update(cooling=None),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(change):
    schedule = nn.ReduceLROnPlateau(nn.SGD([Value(1.0)], lr=0.5))
    before = schedule.state_dict()
    state = schedule.state_dict()
    change(state)
    with pytest.raises(ValueError, match=r"schedule|Plateau"):
        schedule.load_state_dict(state)
    assert schedule.state_dict() == before


def test_bad_arguments():
    optimizer = nn.SGD([Value(1.0)])
    for make, message in [
        (lambda: nn.StepLR(optimizer, 0), "step_size is a whole number"),
        (lambda: nn.CosineAnnealingLR(optimizer, 2.5), "T_max is a whole number"),
        (lambda: nn.ReduceLROnPlateau(optimizer, mode="best"), "mode is 'min' or 'max'"),
        (lambda: nn.ReduceLROnPlateau(optimizer, factor=1.0), "factor lies between"),
        (lambda: nn.ReduceLROnPlateau(optimizer).step(), "needs the number it watches"),
        (lambda: nn.SequentialLR(optimizer, [nn.LinearLR(optimizer)], [3]), "one milestone fewer"),
    ]:
        with pytest.raises(ValueError, match=message):
            make()
    with pytest.raises(TypeError, match="made for an optimiser, and int"):
        nn.StepLR(3, 1)


def test_the_last_rates_are_told_by_group():
    optimizer = nn.SGD([{"params": [Value(1.0)]}, {"params": [Value(1.0)], "lr": 0.5}], lr=1.0)
    schedule = nn.StepLR(optimizer, 1, gamma=0.5)
    schedule.step()
    assert schedule.get_last_lr() == [0.5, 0.25]


def test_plateau_ignores_what_is_not_finite():
    schedule = nn.ReduceLROnPlateau(nn.SGD([Value(1.0)], lr=1.0), patience=0)
    for monitored in (math.inf, math.nan):
        schedule.step(monitored)
    assert schedule.state_dict()["best"] is None
    assert schedule.get_last_lr() == pytest.approx([0.01])


BAD = ["0.5", None, True, math.nan, math.inf, -0.5, Value(0.5), 1j, [0.5], 10**400, np.array([0.5])]
ARGUMENTS = {
    "StepLR gamma": lambda o, x: nn.StepLR(o, 2, gamma=x),
    "ExponentialLR gamma": lambda o, x: nn.ExponentialLR(o, x),
    "CosineAnnealingLR eta_min": lambda o, x: nn.CosineAnnealingLR(o, 2, eta_min=x),
    "LinearLR start_factor": lambda o, x: nn.LinearLR(o, start_factor=x),
    "LinearLR end_factor": lambda o, x: nn.LinearLR(o, end_factor=x),
    "ReduceLROnPlateau factor": lambda o, x: nn.ReduceLROnPlateau(o, factor=x),
    "ReduceLROnPlateau patience": lambda o, x: nn.ReduceLROnPlateau(o, patience=x),
    "ReduceLROnPlateau cooldown": lambda o, x: nn.ReduceLROnPlateau(o, cooldown=x),
    "ReduceLROnPlateau threshold": lambda o, x: nn.ReduceLROnPlateau(o, threshold=x),
    "ReduceLROnPlateau min_lr": lambda o, x: nn.ReduceLROnPlateau(o, min_lr=x),
    "ReduceLROnPlateau eps": lambda o, x: nn.ReduceLROnPlateau(o, eps=x),
}


@pytest.mark.parametrize("argument", ARGUMENTS)
def test_an_argument_that_is_no_number_of_its_range_is_refused(argument):
    optimizer = nn.SGD([Value(1.0)], lr=0.5)
    for bad in BAD:
        if type(bad) is int and argument.endswith(("patience", "cooldown")):
            continue  # a whole number is as large as one likes to wait
        with pytest.raises(ValueError, match=f"^{argument.split()[1]} "):
            ARGUMENTS[argument](optimizer, bad)
    assert optimizer.lr == 0.5


@pytest.mark.parametrize("argument", [a for a in ARGUMENTS if "patience" not in a and "cooldown" not in a])
def test_numbers_of_numpy_give_the_rates_of_python(argument):
    seen = []
    for number in (0.1, np.float64(0.1), np.array(0.1)):
        optimizer = nn.SGD([Value(1.0)], lr=0.5)
        schedule = ARGUMENTS[argument](optimizer, number)
        for _ in range(30):
            schedule.step(1.0)
        seen.append(optimizer.lr)
        json.dumps(schedule.state_dict())
    assert {type(rate) for rate in seen} == {float}
    assert seen[0] == seen[1] == seen[2]


@pytest.mark.parametrize("bad", [x for x in BAD if x is not True])
def test_a_rate_that_is_no_rate_is_refused_and_the_schedule_stays(bad):
    class Own(nn.Schedule):
        def rate(self, base, epoch):
            return bad if epoch == 2 else np.float32(base)

    def factor(epoch):
        return bad if epoch == 2 and bad is not None else 1.0

    p = Value(1.0)
    for make, name in ((Own, "Own"), (lambda o: nn.LambdaLR(o, factor), "LambdaLR")):
        if name == "LambdaLR" and (bad is None or isinstance(bad, (str, list, int, np.ndarray))):
            continue  # which Python multiplies, or refuses to
        optimizer = nn.SGD([{"params": [p]}, {"params": [Value(1.0)]}], lr=0.5)
        schedule = make(optimizer)
        schedule.step()
        with pytest.raises(ValueError, match=f"the rate that {name} gives for epoch 2 is a finite number"):
            schedule.step()
        assert (schedule.epoch, schedule.get_last_lr()) == (1, [0.5, 0.5])
        p.grad = 1.0
        optimizer.step()
        assert type(p.data) is float


@pytest.mark.parametrize("jit", [False, True])
def test_a_schedule_that_grows_beyond_all_bounds_says_so_in_fit(jit):
    model = nn.MLP(1, [1], seed=0)
    with pytest.raises(ValueError, match=r"the rate that ExponentialLR gives for epoch 2 .* inf was given"):
        nn.fit(
            model, [[0.0]], [0.0], epochs=3, progress=False, jit=jit, schedule=lambda o: nn.ExponentialLR(o, 1e200),
        )  # fmt: skip
    with pytest.raises(TypeError, match=r"factor is a function of the epoch, and 0\.5 was given"):
        nn.LambdaLR(nn.SGD([Value(1.0)]), 0.5)


def test_a_plateau_watches_the_number_in_a_loss():
    p = Value(1.0)
    schedule = nn.ReduceLROnPlateau(nn.SGD([p], lr=0.5), factor=0.5, patience=0)
    for loss in (p * 2.0, np.float32(2.0), np.array(3.0)):
        schedule.step(loss)
    assert schedule.get_last_lr() == [0.125]
    assert json.dumps(schedule.state_dict()["best"]) == "2.0"
    for bad in ("low", [1.0], 1j):
        with pytest.raises(ValueError, match="ReduceLROnPlateau watches a number"):
            schedule.step(bad)
    assert schedule.epoch == 3


def test_a_group_that_comes_later_is_unknown_to_the_schedule():
    optimizer = nn.SGD([Value(1.0)], lr=0.5)
    schedule = nn.StepLR(optimizer, 1)
    optimizer.add_param_group({"params": [Value(1.0)]})
    with pytest.raises(ValueError, match="made for 1 parameter groups, and the optimiser has 2; make the"):
        schedule.step()
    assert (schedule.epoch, schedule.get_last_lr()) == (0, [0.5, 0.5])
