"""Data to learn from: point clouds in the plane, one real table, a split and a scale.

Everything is made of plain lists: ``X`` has a list of floats for each sample and ``y`` a number for each. A seed
decides every random number, and the global random state is never touched.
"""

from __future__ import annotations

import csv
import math
import random
from collections.abc import Sequence
from importlib import resources
from typing import Any

from .checks import number_where, whole
from .table import Table, inputs


def moons(n: int = 100, noise: float = 0.1, seed: int = 0, labels: tuple[Any, Any] = (0, 1)) -> Table:
    """Two interleaved half circles, the standard picture of what a line cannot separate.

    ``noise`` is the standard deviation of what is added to each coordinate; ``labels=(-1, 1)`` suits the hinge loss.

    >>> X, y = moons(4, noise=0.0)
    >>> [[round(a, 3) + 0.0 for a in row] for row in X], y
    ([[1.0, 0.0], [-1.0, 0.0], [0.0, 0.5], [2.0, 0.5]], [0, 0, 1, 1])
    """
    upper, noise, rng = _half(n), _noise(noise), random.Random(seed)
    X = [[math.cos(a), math.sin(a)] for a in _angles(upper, math.pi)]
    X += [[1.0 - math.cos(a), 0.5 - math.sin(a)] for a in _angles(n - upper, math.pi)]
    return _noisy(X, noise, rng), [labels[0]] * upper + [labels[1]] * (n - upper)


def circles(
    n: int = 100, noise: float = 0.05, factor: float = 0.5, seed: int = 0, labels: tuple[Any, Any] = (0, 1)
) -> Table:
    """A circle of radius 1 and inside it one of radius ``factor``, between 0 and 1.

    >>> X, y = circles(4, noise=0.0)
    >>> [round(math.hypot(*row), 3) for row in X], y
    ([1.0, 1.0, 0.5, 0.5], [0, 0, 1, 1])
    """
    factor = number_where("factor is the inner circle's radius, between 0 and 1", factor, lambda r: 0.0 < r < 1.0)
    outer, noise, rng = _half(n), _noise(noise), random.Random(seed)
    turn = 2.0 * math.pi
    X = [[math.cos(turn * i / outer), math.sin(turn * i / outer)] for i in range(outer)]
    inner = n - outer
    X += [[factor * math.cos(turn * i / inner), factor * math.sin(turn * i / inner)] for i in range(inner)]
    return _noisy(X, noise, rng), [labels[0]] * outer + [labels[1]] * inner


def spirals(n: int = 150, classes: int = 2, noise: float = 0.05, turns: float = 1.0, seed: int = 0) -> Table:
    """``classes`` arms of a spiral out to radius 1, each of ``turns`` turns, labelled 0, 1 and so on.

    >>> X, y = spirals(6, classes=3, noise=0.0)
    >>> [round(math.hypot(*row), 3) for row in X], y
    ([0.5, 0.5, 0.5, 1.0, 1.0, 1.0], [0, 1, 2, 0, 1, 2])
    """
    if whole("the number of samples", n) < 2 * whole("classes", classes):
        raise ValueError(f"each spiral needs two points at least: n={n} is too few for classes={classes}")
    turns = number_where("turns is a number from -1e300 to 1e300", turns, lambda t: abs(t) <= 1e300)
    noise, rng = _noise(noise), random.Random(seed)
    X, y = [], []
    for i in range(n):
        arm, place = i % classes, (i // classes + 1) / math.ceil(n / classes)
        angle = 2.0 * math.pi * (turns * place + arm / classes)
        X.append([place * math.cos(angle), place * math.sin(angle)])
        y.append(arm)
    return _noisy(X, noise, rng), y


def xor(n: int = 4, noise: float = 0.0, seed: int = 0, labels: tuple[Any, Any] = (0, 1)) -> Table:
    """The corners of the unit square, over and over, labelled by whether their coordinates differ.

    >>> xor()
    ([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0])
    """
    corners = [(i >> 1 & 1, i & 1) for i in range(whole("the number of samples", n))]
    X = [[float(a), float(b)] for a, b in corners]
    return _noisy(X, _noise(noise), random.Random(seed)), [labels[a ^ b] for a, b in corners]


def blobs(
    n: int = 100, centers: int | Sequence[Sequence[float]] = 3, spread: float = 1.0, seed: int = 0, features: int = 2
) -> Table:
    """Round normal clouds of standard deviation ``spread``, labelled 0, 1, …; centres are given, or drawn from ±10.

    >>> blobs(3, centers=[[0.0, 0.0], [5.0, 5.0]], spread=0.0)
    ([[0.0, 0.0], [5.0, 5.0], [0.0, 0.0]], [0, 1, 0])
    """
    spread, rng = _noise(spread), random.Random(seed)
    if hasattr(centers, "__index__"):
        count, width = whole("centers", centers), whole("features", features)
        centers = [[rng.uniform(-10.0, 10.0) for _ in range(width)] for _ in range(count)]
    centers = inputs(centers, "centers")
    whole("the number of samples", n, len(centers))
    X = [centers[i % len(centers)] for i in range(n)]
    return _noisy(X, spread, rng), [i % len(centers) for i in range(n)]


BELOW_1 = math.nextafter(1.0, 0.0)
IRIS_FEATURES = ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"]
IRIS_SPECIES = ["setosa", "versicolor", "virginica"]


def iris() -> Table:
    """Return 150 iris flowers: four lengths in cm (``IRIS_FEATURES``), and the species, an index of ``IRIS_SPECIES``.

    Measured by Anderson, published by Fisher, *The use of multiple measurements in taxonomic problems*, 1936. The table
    is that of the UCI Machine Learning Repository (licence CC BY 4.0) with the two rows it had wrong put right.

    >>> X, y = iris()
    >>> len(X), X[0], y[0]
    (150, [5.1, 3.5, 1.4, 0.2], 0)
    """
    text = resources.files("nn").joinpath("iris.csv").read_text(encoding="utf-8")
    rows = list(csv.reader(line for line in text.splitlines() if not line.startswith("#")))[1:]
    return [[float(x) for x in row[:4]] for row in rows], [IRIS_SPECIES.index(row[4]) for row in rows]


def train_test_split(
    X: Any, y: Any, test_size: float = 0.25, seed: int = 0, shuffle: bool = True
) -> tuple[Any, Any, Any, Any]:
    """Return X_train, X_test, y_train, y_test, with ``test_size``, a share in (0, 1), of the samples in the test.

    They are lists of rows, or data frames where those were given. At least one sample is on each side. Raises
    ValueError for fewer than two samples, or lists of different lengths.

    >>> train_test_split([[1.0], [2.0], [3.0], [4.0]], [1, 2, 3, 4], shuffle=False)
    ([[1.0], [2.0], [3.0]], [[4.0]], [1, 2, 3], [4])
    """
    if len(X) != len(y):
        raise ValueError(f"X and y have one row for each sample, and these have {len(X)} and {len(y)}")
    if len(X) < 2:
        raise ValueError(f"a split needs two samples at least, and there are {len(X)}")
    test_size = number_where("a split needs a test_size in (0, 1)", test_size, lambda share: 0.0 < share < 1.0)
    order = list(range(len(X)))
    if shuffle:
        random.Random(f"split/{seed}").shuffle(order)
    test = min(max(round(test_size * len(X)), 1), len(X) - 1)
    first, last = order[:-test], order[-test:]
    return _rows(X, first), _rows(X, last), _rows(y, first), _rows(y, last)


def _rows(table: Any, chosen: list[int]) -> Any:
    return table.iloc[chosen] if hasattr(table, "iloc") else [table[i] for i in chosen]


class Standardizer:
    """Shifts and scales each column of a table to mean 0 and standard deviation 1; a constant column is only shifted.

    A table is a list of rows, an array or a data frame. Raises ValueError for an empty one, for rows of another length,
    and for a cell that is no finite number, or too far off for the new scale, with its place.

    >>> scale = Standardizer([[1.0, 5.0], [3.0, 5.0]])
    >>> scale([[1.0, 5.0], [2.0, 6.0]])
    [[-1.0, 0.0], [0.0, 1.0]]
    """

    def __init__(self, X: Any) -> None:
        scales = [_mean_and_deviation(column) for column in zip(*inputs(X), strict=True)]
        self.mean, self.deviation = [m for m, _ in scales], [s for _, s in scales]

    def __call__(self, X: Any) -> list[list[float]]:
        """Return the table on the new scale."""
        rows, scales = inputs(X), list(zip(self.mean, self.deviation, strict=True))
        if len(rows[0]) != len(scales):
            raise ValueError(f"the scale is of {len(scales)} columns, and the table has {len(rows[0])}")
        table = [[(x - m) / s for x, (m, s) in zip(row, scales, strict=True)] for row in rows]
        for i, row in enumerate(table):
            for j, z in enumerate(row):
                if not math.isfinite(z):
                    (m, s), x = scales[j], rows[i][j]
                    row[j] = 2.0 * ((0.5 * x - 0.5 * m) / s)  # the difference itself may be too large for a float
                    if not math.isfinite(row[j]):
                        raise ValueError(
                            f"row {i}, column {j} of X is {x!r}, too far from the mean {m!r} for the scale {s!r}"
                        )
        return table

    def inverse(self, Z: Sequence[Sequence[float]]) -> list[list[float]]:
        """Return the table on the old scale."""
        scales = list(zip(self.mean, self.deviation, strict=True))
        return [[_back(float(z), m, s) for z, (m, s) in zip(row, scales, strict=True)] for row in Z]


def _back(z: float, mean: float, deviation: float) -> float:
    x = z * deviation + mean
    return x if math.isfinite(x) else 2.0 * (z * (0.5 * deviation) + 0.5 * mean)  # the product may be too large


def _mean_and_deviation(column: Sequence[float]) -> tuple[float, float]:
    """Return mean and standard deviation, and 1 for the latter where it is 0.

    They are those of the column times a power of two that brings its largest number near 1: that changes no digit, and
    no sum or square is too large for a float, or too small.
    """
    if min(column) == max(column):
        return column[0], 1.0
    _, exponent = math.frexp(max(map(abs, column)))
    xs = [math.ldexp(x, -exponent) for x in column]
    mean = math.fsum(xs) / len(xs)
    spread = math.sqrt(math.fsum((x - mean) ** 2 for x in xs) / len(xs))
    return math.ldexp(mean, exponent), math.ldexp(min(spread, BELOW_1), exponent) or 1.0


def _half(n: int) -> int:
    return (whole("the number of samples", n, 2) + 1) // 2


def _noise(noise: float) -> float:
    return float(number_where("noise is a standard deviation of at least 0", noise, lambda s: 0.0 <= s < math.inf))


def _angles(count: int, end: float) -> list[float]:
    return [end * i / max(count - 1, 1) for i in range(count)]


def _noisy(X: list[list[float]], noise: float, rng: random.Random) -> list[list[float]]:
    noisy = [[x + rng.gauss(0.0, noise) for x in row] for row in X] if noise else X
    if not all(math.isfinite(x) for row in noisy for x in row):
        raise ValueError(f"points with noise of a standard deviation of {noise!r} are too large for floats")
    return noisy
