import math
import random

import hypothesis.strategies as st
import mpmath as mp
import numpy as np
import pytest
from hypothesis import given

import nn
from autograd import Value, check_grad

scores = st.floats(-700.0, 700.0)
mp.mp.dps = 50


def exact(name, o, t):
    """Each loss of one sample from its definition, at 50 digits."""
    o, t = mp.mpf(o), mp.mpf(t)
    if name == "mse":
        return (o - t) ** 2
    if name == "half_squared_error":
        return (o - t) ** 2 / 2
    if name == "mae":
        return abs(o - t)
    if name == "huber":
        e = abs(o - t)
        return e * e / 2 if e <= 1 else e - mp.mpf(1) / 2
    if name == "hinge":
        return max(mp.mpf(0), 1 - t * o)
    if name == "bce":
        return -(t * max(mp.log(o), -100) if t else 0) - ((1 - t) * max(mp.log(1 - o), -100) if t != 1 else 0)
    p = mp.mpf(1) / (1 + mp.exp(-o))
    with mp.workdps(700):  # so that 1 − p keeps its digits at o = 700
        p = mp.mpf(1) / (1 + mp.exp(-mp.mpf(o)))
        return -(t * mp.log(p)) - (1 - t) * mp.log(1 - p)


@pytest.mark.parametrize("name", ["mse", "half_squared_error", "mae", "huber", "hinge", "bce_with_logits"])
@given(scores, st.sampled_from([-1.0, 0.0, 0.25, 1.0]))
def test_value_is_exact_to_a_few_ulp(name, o, t):
    if name == "hinge":
        t = 1.0 if t > 0 else -1.0
    if name == "bce_with_logits":
        t = abs(t)
    loss = nn.LOSSES[name](o, t)
    # half a dozen roundings; the difference 1 − t·o may cancel, which costs an ulp of 1
    assert loss == pytest.approx(float(exact(name, o, t)), rel=1e-14, abs=1e-15 if name in ("hinge", "mse") else 1e-300)


@given(st.floats(0.0, 1.0), st.sampled_from([0.0, 0.3, 1.0]))
def test_bce_is_exact(p, t):
    # 1 − p is rounded once, which the logarithm passes on as an error of half an ulp of 1
    assert nn.bce(p, t) == pytest.approx(float(exact("bce", p, t)), rel=1e-14, abs=1.2e-16)


@given(st.lists(st.floats(-400.0, 400.0), min_size=2, max_size=5), st.integers(0, 4))
def test_cross_entropy_is_exact_even_where_it_is_nearly_zero(logits, t):
    t %= len(logits)
    with mp.workdps(400):  # exp(800) stands beside 1
        wanted = mp.log(sum(mp.exp(mp.mpf(o) - mp.mpf(logits[t])) for o in logits))
    assert nn.cross_entropy(logits, t) == pytest.approx(float(wanted), rel=1e-13, abs=5e-324)
    one_hot = [float(i == t) for i in range(len(logits))]
    assert nn.cross_entropy(logits, one_hot) == pytest.approx(float(wanted), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("name", ["mse", "half_squared_error", "mae", "huber", "hinge", "bce_with_logits", "bce"])
def test_gradients_are_the_numerical_ones(name):
    rng = random.Random(name)
    loss = nn.LOSSES[name]
    for _ in range(20):
        ts = [rng.choice([0.0, 1.0]) for _ in range(4)]
        if name == "hinge":
            ts = [2.0 * t - 1.0 for t in ts]
        # the differences reach a tenth of the input's size, so stay as far from kinks and from the ends of [0, 1]
        errors = [rng.choice([-1, 1]) * rng.choice([rng.uniform(0.2, 0.6), rng.uniform(1.6, 3.0)]) for _ in ts]
        os = [rng.uniform(0.2, 0.8) for _ in ts] if name == "bce" else [t + e for t, e in zip(ts, errors, strict=True)]
        for reduction in ("mean", "sum"):
            check_grad(lambda *o, ts=ts, how=reduction: loss(list(o), ts, how), *os)


def test_gradient_of_cross_entropy():
    check_grad(lambda *o: nn.cross_entropy([list(o[:3]), list(o[3:])], [2, 0]), 0.1, -2.0, 3.0, 1.0, 1.0, 1.0)
    check_grad(lambda *o: nn.cross_entropy(list(o), [0.2, 0.5, 0.3]), 0.1, -2.0, 3.0)


@pytest.mark.parametrize("o", [-1e308, -1000.0, -40.0, 0.0, 40.0, 1000.0, 1e308])
@pytest.mark.parametrize("t", [0, 1])
def test_extreme_inputs_stay_finite_and_point_the_right_way(o, t):
    score = Value(o)
    nn.bce_with_logits(score, t).backward()
    assert math.isfinite(score.grad)
    assert score.grad <= 0.0 if t else score.grad >= 0.0
    logits = [Value(o / 2), Value(-o / 2)]
    loss = nn.cross_entropy(logits, t)
    loss.backward()
    assert math.isfinite(loss.data)
    assert all(math.isfinite(logit.grad) for logit in logits)


@pytest.mark.parametrize(
    ("p", "t", "value"), [(0.0, 1, 100.0), (1.0, 0, 100.0), (0.0, 0, 0.0), (1.0, 1, 0.0), (5e-324, 1, 100.0)]
)
def test_bce_at_its_ends_is_pytorchs_and_finite(p, t, value):
    prediction = Value(p)
    loss = nn.bce(prediction, t)
    loss.backward()
    assert loss.data == value
    assert math.isfinite(prediction.grad)


def test_huber_keeps_its_size_and_its_corner():
    assert nn.huber(1e200, 0.0) == 1e200
    for e, slope in [(0.5, 0.5), (1.0, 1.0), (2.0, 1.0), (-2.0, -1.0), (0.0, 0.0)]:
        o = Value(e)
        nn.huber(o, 0.0).backward()
        assert o.grad == slope
    assert nn.huber([3.0], [0.0], delta=2.0) == 4.0
    with pytest.raises(ValueError, match="delta is a finite number above 0"):
        nn.huber([1.0], [0.0], delta=0.0)


@pytest.mark.parametrize("name", sorted(nn.LOSSES))
@given(st.integers(1, 6), st.integers(0, 3))
def test_reductions_agree(name, n, seed):
    rng = random.Random(f"{n}/{seed}")
    loss = nn.LOSSES[name]
    if name == "cross_entropy":
        os, ts = [[rng.uniform(-2, 2) for _ in range(3)] for _ in range(n)], [rng.randrange(3) for _ in range(n)]
    else:
        os = [rng.uniform(0.1, 0.9) for _ in range(n)]
        ts = [rng.choice([-1.0, 1.0] if name == "hinge" else [0.0, 1.0]) for _ in range(n)]
    each = loss(os, ts, reduction="none")
    assert len(each) == n
    assert loss(os, ts, reduction="sum") == pytest.approx(math.fsum(each), rel=1e-14)
    assert loss(os, ts, reduction="mean") == pytest.approx(math.fsum(each) / n, rel=1e-14)


def test_defaults_are_the_documented_ones():
    assert nn.half_squared_error([1.0, 1.0], [0.0, 0.0]) == 1.0
    assert nn.mse([1.0, 3.0], [0.0, 0.0]) == 5.0
    assert nn.mse([[1.0, 3.0]], [[0.0, 0.0]]) == 5.0
    assert nn.mse(2.0, 0.0) == 4.0
    assert nn.half_squared_error([1.0, 3.0], [0.0, 0.0], reduction="none") == [0.5, 4.5]
    assert nn.loss_function("mse") is nn.mse


@pytest.mark.parametrize("name", sorted(set(nn.LOSSES) - {"cross_entropy"}))
@pytest.mark.parametrize(
    ("predictions", "targets", "message"),
    [
        ([0.5, 0.5], [1.0], "2 predictions need 2 targets, and 1 were given"),
        ([0.5, 0.5], [[1.0], [1.0]], "one prediction needs one target, and a list of 1 was given"),
        ([[0.5], [0.5]], [1.0, 1.0], "1 predictions need 1 targets, and one float was given"),
        (0.5, [1.0], "one prediction needs one target"),
        ([], [], "the list is empty"),
    ],
)
def test_shapes_are_never_broadcast(name, predictions, targets, message):
    with pytest.raises(ValueError, match=message):
        nn.LOSSES[name](predictions, targets)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.mse([1.0], [1.0], reduction="avg"), "'mean', 'sum' or 'none', and 'avg'"),
        (lambda: nn.mae([1.0], [1.0], reduction="avg"), "'mean', 'sum' or 'none', and 'avg'"),
        (lambda: nn.hinge([1.0], [0]), "labels of hinge are -1 and .1, and 0"),
        (lambda: nn.bce([1.5], [1]), r"a prediction of bce lies in \[0, 1\], and 1.5"),
        (lambda: nn.bce([0.5], [2]), r"a target of bce lies in \[0, 1\], and 2"),
        (lambda: nn.bce_with_logits([0.5], [-1]), r"lies in \[0, 1\], and -1"),
        (lambda: nn.cross_entropy([1.0, 2.0], 2), "a class from 0 to 1, and 2"),
        (lambda: nn.cross_entropy([1.0, 2.0], 0.5), "a class from 0 to 1, and 0.5"),
        (lambda: nn.cross_entropy([1.0, 2.0], True), "a class from 0 to 1, and True"),
        (lambda: nn.cross_entropy([1.0, 2.0], math.nan), "a class from 0 to 1, and nan"),
        (lambda: nn.cross_entropy([1.0, 2.0], [1.0]), "2 scores need as many probabilities, and 1"),
        (lambda: nn.cross_entropy([[1.0, 2.0]], [0, 1]), "1 lists of scores need as many classes"),
        (lambda: nn.cross_entropy([], []), "a score for each class"),
        (lambda: nn.loss_function("msee"), "no loss is called 'msee'; the names are mse"),
    ],
)
def test_errors_say_what_was_given(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("loss", "score", "label", "message"),
    [
        (nn.hinge, 0.5, 0, r"the labels of hinge are -1 and \+1"),
        (nn.bce, 0.5, 2, r"a target of bce lies in \[0, 1\]"),
        (nn.bce_with_logits, 0.5, 2, r"a target of bce_with_logits lies in \[0, 1\]"),
    ],
)
@pytest.mark.parametrize("kind", [int, float, np.int64, np.int8, np.float32])
def test_wrong_labels_are_seen_whatever_their_type(loss, score, label, message, kind):
    with pytest.raises(ValueError, match=message):
        loss([Value(score)], [kind(label)])
    assert loss([Value(score)], [kind(1)]).data == loss([Value(score)], [1.0]).data


def test_probabilities_of_cross_entropy_are_checked():
    with pytest.raises(ValueError, match=r"a probability in a target of cross_entropy lies in \[0, 1\], and -1.0"):
        nn.cross_entropy([1.0, 2.0], [-1.0, 2.0])


def test_one_squared_error_is_not_divided_by_one():
    assert nn.mse([Value(3.0)], [1.0]).op.name == "dot"


@pytest.mark.parametrize(
    ("scores", "target", "loss", "gradient"),
    [
        ([-math.inf, 0.0], 1, 0.0, [0.0, 0.0]),
        ([-math.inf, 0.0, 0.0], 2, math.log(2.0), [0.0, 0.5, -0.5]),
        ([-math.inf, 0.0, 0.0], [0.0, 0.5, 0.5], math.log(2.0), [0.0, 0.0, 0.0]),
    ],
)
def test_a_class_that_is_ruled_out_has_no_gradient(scores, target, loss, gradient):
    values = [Value(score) for score in scores]
    out = nn.cross_entropy(values, target)
    out.backward()
    assert out.data == loss
    assert [v.grad for v in values] == gradient


@pytest.mark.parametrize(
    ("o", "slope"), [(1e308, 2.0), (-1e308, -2.0), (2.0, 2.0), (-2.0, -2.0), (1.0, 1.0), (0.0, 0.0)]
)
def test_huber_has_its_slope_at_the_bend_and_far_out(o, slope):
    v = Value(o)
    nn.huber(v, -o if abs(o) > 2 else 0.0, delta=2.0).backward()  # 1e308 − −1e308 is too large for a float
    assert v.grad == slope


@pytest.mark.parametrize("t", [0.0, 1.0])
def test_a_target_that_is_a_value_has_its_gradient_at_0_and_1_too(t):
    target = Value(t)
    nn.bce_with_logits([0.3], [target]).backward()
    assert target.grad == pytest.approx(-0.3, rel=1e-15)  # softplus(−o) − softplus(o) = −o, but for rounding
    targets = [Value(t), Value(1.0 - t)]
    nn.cross_entropy([0.3, 0.0], targets).backward()
    assert targets[1].grad - targets[0].grad == pytest.approx(0.3, rel=1e-15)


def test_huber_needs_a_finite_bend():
    with pytest.raises(ValueError, match="delta is a finite number above 0, and inf"):
        nn.huber([1.0], [0.0], delta=math.inf)


@pytest.mark.parametrize("name", nn.LOSSES)
@pytest.mark.parametrize("wrap", [float, Value])
def test_an_integer_beyond_floats_is_refused_in_few_words(name, wrap):
    loss = nn.LOSSES[name]
    for big in (10**400, -(10**400), 10**5000):
        calls = [
            lambda big=big: loss([wrap(0.5), wrap(0.5)], [big, 1]), lambda big=big: loss(wrap(0.5), big),
            lambda big=big: loss([big, 0.5], [0.5, 1]),
        ]  # fmt: skip
        if name == "cross_entropy":
            calls = [lambda big=big: loss([wrap(0.5), 0.5], big), lambda big=big: loss([[big, 0.5]], [0])]
        for call in calls:
            with pytest.raises(ValueError, match=r"too large for a float|was given") as caught:
                call()
            assert len(str(caught.value)) < 500


@pytest.mark.parametrize("name", nn.LOSSES)
def test_huge_floats_give_a_number_or_a_clear_error_and_a_gradient(name):
    huge = [1e308, -1e308, 1e200, 5e-324, math.inf, -math.inf, math.nan]
    for x in huge:
        for t in [*huge, 0, 1, -1]:
            o = Value(x)
            try:
                loss = nn.LOSSES[name]([o, Value(0.5)], t if name == "cross_entropy" else [t, 1])
            except ValueError as error:
                assert "was given" in str(error)  # noqa: PT017
                continue
            loss.backward()
            assert isinstance(loss.data, float)
            assert isinstance(o.grad, float)


def test_delta_of_32_bits_does_not_make_a_loss_of_32_bits():
    assert nn.huber([0.3], [0.0], delta=np.float32(1.0)) == nn.huber([0.3], [0.0])
    assert type(nn.huber([0.3], [0.0], delta=np.float32(0.25))) is float
    with pytest.raises(ValueError, match=r"delta is a finite number above 0, and Value\(data=1\.0\) was given"):
        nn.huber([0.3], [0.0], delta=Value(1.0))
