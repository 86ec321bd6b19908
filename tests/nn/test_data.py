import fractions
import math
import sys
from importlib import resources

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given

import nn
from autograd import Value
from nn.data import (
    IRIS_FEATURES,
    IRIS_SPECIES,
    Standardizer,
    blobs,
    circles,
    iris,
    moons,
    spirals,
    train_test_split,
    xor,
)

CLOUDS = {"moons": moons, "circles": circles, "spirals": spirals, "xor": xor, "blobs": blobs}


@pytest.mark.parametrize("name", CLOUDS)
def test_clouds_are_seeded_and_of_the_size_that_was_asked_for(name):
    make = CLOUDS[name]
    for n in (6, 7, 30):
        X, y = make(n, seed=1)
        assert (len(X), len(y)) == (n, n)
        assert all(len(row) == 2 and all(isinstance(x, float) and math.isfinite(x) for x in row) for row in X)
    noise = "spread" if name == "blobs" else "noise"
    assert make(30, seed=1, **{noise: 0.1}) == make(30, seed=1, **{noise: 0.1})
    assert make(30, seed=1, **{noise: 0.1}) != make(30, seed=2, **{noise: 0.1})
    with pytest.raises(ValueError, match="a standard deviation of at least 0, and -1"):
        make(30, **{noise: -1})
    with pytest.raises(ValueError, match=r"number of samples|too few"):
        make(0)


def test_shapes_without_noise():
    X, y = moons(40, noise=0.0)
    for (a, b), t in zip(X, y, strict=True):
        assert math.hypot(a - t, b - 0.5 * t) == pytest.approx(1.0)
        assert b >= 0 if t == 0 else b <= 0.5
    X, y = circles(40, noise=0.0, factor=0.3)
    assert {round(math.hypot(*row), 12) for row in X} == {1.0, 0.3}
    X, y = spirals(60, classes=3, noise=0.0)
    assert sorted(set(y)) == [0, 1, 2]
    assert max(math.hypot(*row) for row in X) == pytest.approx(1.0)
    assert xor(8)[1] == [0, 1, 1, 0] * 2
    assert moons(4, labels=(-1, 1))[1] == [-1, -1, 1, 1]
    X, y = blobs(9, centers=[[0.0, 0.0], [5.0, 5.0], [9.0, 0.0]], spread=0.0)
    assert X[1] == [5.0, 5.0]
    assert len(blobs(5, features=3)[0][0]) == 3


def test_iris_is_fishers_table_and_small():
    X, y = iris()
    assert len(X) == 150
    assert [y.count(k) for k in range(3)] == [50, 50, 50]
    assert X[34] == [4.9, 3.1, 1.5, 0.2]  # the two rows that many copies have wrong
    assert X[37] == [4.9, 3.6, 1.4, 0.1]
    # the means of Fisher's paper, sepal length to petal width
    assert [round(sum(c) / 150, 3) for c in zip(*X, strict=True)] == [5.843, 3.057, 3.758, 1.199]
    assert len(IRIS_FEATURES) == 4
    assert len(IRIS_SPECIES) == 3
    file = resources.files("nn").joinpath("iris.csv").read_bytes()
    assert len(file) < 20_000
    assert b"CC BY 4.0" in file


def test_split():
    X, y = [[float(i)] for i in range(20)], list(range(20))
    a, b, ya, yb = train_test_split(X, y, 0.3, seed=4)
    assert (len(a), len(b)) == (14, 6)
    assert sorted(ya + yb) == y
    assert all(row == [float(t)] for row, t in zip(a + b, ya + yb, strict=True))
    assert train_test_split(X, y, 0.3, seed=4) == (a, b, ya, yb)
    assert train_test_split(X, y, 0.3, seed=5) != (a, b, ya, yb)
    assert [len(part) for part in train_test_split(X[:2], y[:2], 0.01)] == [1, 1, 1, 1]
    for bad in (0.0, 1.0, -0.5, math.nan):
        with pytest.raises(ValueError, match=r"test_size in \(0, 1\)"):
            train_test_split(X, y, bad)
    with pytest.raises(ValueError, match="20 and 19"):
        train_test_split(X, y[1:])


def test_standardizer():
    X, _ = iris()
    scale = Standardizer(X)
    Z = scale(X)
    for column in zip(*Z, strict=True):
        assert math.fsum(column) / 150 == pytest.approx(0.0, abs=1e-14)
        assert math.fsum(z * z for z in column) / 150 == pytest.approx(1.0, rel=1e-13)
    for row, again in zip(X, scale.inverse(Z), strict=True):
        assert again == pytest.approx(row, rel=1e-14)
    assert Standardizer([[2.0], [2.0]])([[2.0], [3.0]]) == [[0.0], [1.0]]
    with pytest.raises(ValueError, match="X is empty"):
        Standardizer([])


def test_metrics():
    assert nn.accuracy([0.6, 0.4], [1, 1]) == 0.5
    assert nn.accuracy([0.6, 0.4], [1, 1], threshold=0.0) == 1.0
    assert nn.accuracy([0.6, -0.4], [1, -1]) == 1.0
    assert nn.accuracy([[1.0, 2.0], [2.0, 1.0]], [[0.0, 1.0], [0.0, 1.0]]) == 0.5
    assert nn.r2([2.0, 2.0, 2.0], [1.0, 2.0, 3.0]) == 0.0
    assert math.isnan(nn.r2([1.0], [1.0]))
    assert nn.rmse([[3.0, 4.0]], [[0.0, 0.0]]) == math.sqrt(12.5)


def test_tables_of_pandas_and_numpy():
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0], "b": [0.0, 1.0, 0.0, 1.0]}, index=[7, 8, 9, 10])
    first, last, _, y_last = train_test_split(frame, frame["b"], shuffle=False)
    assert list(first.index) == [7, 8, 9]
    assert list(last.columns) == ["a", "b"]
    assert list(y_last) == [1.0]
    lists = frame.to_numpy().tolist()
    assert Standardizer(frame)(frame) == Standardizer(lists)(lists) == Standardizer(frame.to_numpy())(lists)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Standardizer([[1.0, 2.0], [3.0]]), "row 1 of X is a list of 1"),
        (lambda: Standardizer([[1.0, math.nan]]), "row 0, column 1 of X is nan"),
        (lambda: Standardizer([["a"]]), "row 0, column 0 of X is 'a'"),
        (lambda: Standardizer([[1.0, 2.0]])([[1.0]]), "the scale is of 2 columns, and the table has 1"),
        (lambda: blobs(4, [[0, 0], [1]]), "row 1 of centers is a list of 1"),
        (lambda: blobs(4, 2, features=0), "features is a whole number of at least 1"),
        (lambda: spirals("a"), "the number of samples is a whole number"),
        (lambda: xor(noise="a"), "noise is a standard deviation"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# ------------------------------------------------------------------------------------------ numbers huge and tiny

LARGEST, SMALLEST = sys.float_info.max, 5e-324
COLUMNS = [
    [1e200, 0.0], [1e308, -1e308], [LARGEST, -LARGEST], [1.7e308, 1.7e308, -1.7e308], [LARGEST, 0.0, 0.0],
    [1e-200, 0.0], [1e-160, -1e-160, 1e-161], [1e-300, 2e-300, 4e-300], [1e308, 1.0, -1.0], [LARGEST, -LARGEST / 2],
]  # fmt: skip


def exact(column):
    """Mean and standard deviation in rational numbers, the root to 60 digits."""
    xs = [fractions.Fraction(x) for x in column]
    mean = sum(xs) / len(xs)
    variance = sum((x - mean) ** 2 for x in xs) / len(xs)
    shift = 10**700  # by which the root of the smallest number still has digits
    return mean, fractions.Fraction(math.isqrt(int(variance * shift**2)), shift)


def close(x, wanted, largest):
    """To a few roundings of the largest number that went in; 1e-323 is the spacing where floats have few bits."""
    return abs(fractions.Fraction(x) - wanted) <= max(
        abs(largest) * fractions.Fraction(1e-15), fractions.Fraction(1e-323)
    )


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=6))
@example(COLUMNS[0])
@example(COLUMNS[2])
@example(COLUMNS[7])
def test_mean_and_deviation_are_those_of_any_floats(column):
    scale = Standardizer([[x] for x in column])
    mean, deviation = exact(column)
    assert close(scale.mean[0], mean, max(column, key=abs))
    if scale.deviation[0] != 1.0 or deviation > 0.5:
        assert close(scale.deviation[0], deviation, max(column, key=abs))
    else:
        assert deviation <= 1e-323 or min(column) == max(column)  # too small for a float, or nothing at all


@pytest.mark.parametrize("column", COLUMNS, ids=str)
def test_huge_and_tiny_numbers_are_put_on_a_scale_and_back(column):
    rows = [[x, 1.0] for x in column]
    scale = Standardizer(rows)
    mean, deviation = exact(column)
    table = scale(rows)
    for x, (z, one) in zip(column, table, strict=True):
        assert z == pytest.approx(float((fractions.Fraction(x) - mean) / deviation), rel=1e-14, abs=1e-14)
        assert one == 0.0
    for x, (again, one) in zip(column, scale.inverse(table), strict=True):
        assert again == pytest.approx(x, rel=1e-13, abs=1e-14 * max(map(abs, column)))
        assert one == 1.0
    model = nn.MLP(2, [1], seed=0)
    assert nn.fit(model, table, [0.0] * len(column), epochs=1, progress=False).stopped == "finished"


@given(
    st.lists(st.floats(-1e3, 1e3).filter(lambda x: x == 0.0 or abs(x) > 1e-3), min_size=2, max_size=6),
    st.integers(-900, 1000),
)
def test_a_power_of_two_changes_no_digit(column, power):
    one, other = (Standardizer([[math.ldexp(x, n)] for x in column]) for n in (0, power))
    if one.deviation == [1.0]:
        return  # of a constant, or by chance
    assert other.mean == [math.ldexp(one.mean[0], power)]
    assert other.deviation == [math.ldexp(one.deviation[0], power)]
    assert one.mean == [math.fsum(column) / len(column)]


def test_a_constant_is_only_shifted_whatever_rounding_does_to_its_mean():
    for x in (5.1, 123.456, 0.1, -1e-300, LARGEST, SMALLEST, 0.0):
        for n in (1, 3, 49, 398):
            scale = Standardizer([[x]] * n)
            assert (scale.mean, scale.deviation) == ([x], [1.0])
            assert scale([[x]]) == [[0.0]]


def test_what_is_too_far_from_the_scale_is_said():
    scale = Standardizer([[0.0, 0.0], [0.0, 1e-300]])
    with pytest.raises(
        ValueError, match=r"row 1, column 1 of X is 1e\+100, too far from the mean 5e-301 for the scale"
    ):
        scale([[1.0, 0.0], [1.0, 1e100]])
    scale = Standardizer([[LARGEST], [-LARGEST]])
    assert scale([[LARGEST / 2]]) == [[0.5]]
    assert scale.inverse([[-1.0], [0.5]]) == [[-LARGEST], [LARGEST / 2]]
    scale = Standardizer([[1.0], [1.5]])
    assert scale.inverse([[1.0]]) == [[1.5]]
    scale.mean, scale.deviation = [LARGEST], [LARGEST]
    assert scale.inverse([[-1.5]]) == [
        [pytest.approx(-LARGEST / 2, rel=1e-15)]
    ]  # though the product alone is too large


@pytest.mark.parametrize("name", CLOUDS)
def test_noise_is_finite_and_its_points_are_too(name):
    noise = "spread" if name == "blobs" else "noise"
    with pytest.raises(ValueError, match=r"points with noise of a standard deviation of 1\.7e\+308 are too large"):
        CLOUDS[name](400, **{noise: 1.7e308})
    for bad in (math.inf, math.nan, "0.1", Value(0.1), True, 10**400):
        with pytest.raises(ValueError, match="noise is a standard deviation of at least 0"):
            CLOUDS[name](**{noise: bad})
    X, _ = CLOUDS[name](6, **{noise: np.float32(0.5)})
    assert CLOUDS[name](6, **{noise: 0.5})[0] == X
    assert {type(x) for row in X for x in row} == {float}


@pytest.mark.parametrize("bad", [math.inf, -math.inf, math.nan, 1e308, "1", Value(1.0), None, True])
def test_the_turns_of_a_spiral_are_a_number(bad):
    with pytest.raises(ValueError, match="turns is a number from -1e300 to 1e300"):
        spirals(turns=bad)
    assert all(math.isfinite(x) for row in spirals(turns=1e300)[0] for x in row)


@pytest.mark.parametrize("bad", ["0.2", Value(0.2), True, 10**400, None])
def test_the_share_of_a_split_is_a_number(bad):
    with pytest.raises(ValueError, match=r"test_size in \(0, 1\)"):
        train_test_split([[1.0], [2.0]], [1, 2], bad)
    with pytest.raises(ValueError, match="a split needs two samples at least, and there are 1"):
        train_test_split([[1.0]], [1])


@pytest.mark.parametrize("big", [10**400, -(10**400), 2**1024])
def test_metrics_of_integers_beyond_floats_are_infinite_or_nan_and_no_error(big):
    assert nn.rmse([big, 0.5], [0.0, 1.0]) == math.inf
    assert nn.r2([big, 0.5], [0.0, 1.0]) == -math.inf
    assert math.isnan(nn.r2([0.5, 0.5], [big, 1.0]))
    assert nn.accuracy([big, 0.25], [big > 0, 0]) == 1.0
    assert nn.rmse([Value(3.0), 4.0], [0.0, Value(0.0)]) == math.sqrt(12.5)
