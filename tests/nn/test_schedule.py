import json
import math

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
