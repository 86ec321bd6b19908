import math
from importlib import resources

import pandas as pd
import pytest

import nn
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
