"""Check the functions of every eval, eager and compiled, and print a table of their times.

    python tests/benchmarks/gradbench/check.py [--quick] [EVAL ...]

Each result is checked against an independent NumPy implementation. Its derivatives are closed forms, or complex steps,
f(x + ih).imag / h with h = 1e-30, which are exact to rounding (Squire and Trapp, *Using Complex Variables to Estimate
Derivatives of Real Functions*, SIAM Review 1998). ``--quick`` leaves the table out.
"""

import argparse
import json
import math
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from run import EVALS, as_json, functions

TOLERANCE = 1e-9  # of the numbers and 1: both sides round, and some of the sums have cancelled 5 digits on the way
SECONDS = 45.0  # for a row of the table, with the making of its input and two calls at least
Case = tuple[Any, dict[str, Callable[[], Any]]]  # an input, and what each function gives


def steps(f: Callable[[Any], Any], x: Any) -> Any:
    """The Jacobian by complex steps, a row for each number of the result."""
    return np.array([f(x + 1e-30j * unit).imag / 1e-30 for unit in np.eye(len(x))]).T


def rotation(vector: Any) -> Any:
    """Rodrigues' formula with matrices: 1 + sin(angle) K + (1 − cos(angle)) K²."""
    angle = np.sqrt((vector * vector).sum())
    x, y, z = vector / angle
    k = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.eye(3) + np.sin(angle) * k + (1.0 - np.cos(angle)) * k @ k


def hello(rng: Any) -> Case:
    """A number."""
    x = float(rng.normal())
    return x, {"square": lambda: x * x, "double": lambda: 2.0 * x}


def llsq(rng: Any, n: int = 20, m: int = 6) -> Case:
    """Coefficients."""
    x, t = rng.random(m), np.linspace(-1.0, 1.0, n)
    powers = np.vander(t, m, increasing=True)
    error = np.sign(t) - powers @ x
    return {"x": x, "n": n}, {"primal": lambda: error @ error / 2.0, "gradient": lambda: -powers.T @ error}


def lse(rng: Any, n: int = 30) -> Case:
    """Numbers."""
    x = rng.random(n)
    return {"x": x}, {"primal": lambda: np.log(np.exp(x).sum()), "gradient": lambda: np.exp(x) / np.exp(x).sum()}


def det(rng: Any, size: int = 6) -> Case:
    """A matrix."""
    a = rng.random((size, size))
    value = np.linalg.det(a)
    return {"A": a.ravel(), "ell": size}, {"primal": lambda: value, "gradient": lambda: value * np.linalg.inv(a).T}


def ode(rng: Any, n: int = 6, s: int = 5) -> Case:
    """The constants of the equation, which is linear: y' = A y + b."""
    x = rng.random(n)

    def solved(x: Any) -> Any:
        a, b, y, h = np.diag(x[1:], -1), x * (np.arange(n) == 0), 0.0 * x, 2.0 / s
        for _ in range(s):
            k, rate = 0.0 * x, 0.0 * x
            for ahead, weight in [(0.0, 1.0), (0.5, 2.0), (0.5, 2.0), (1.0, 1.0)]:
                k = a @ (y + ahead * h * k) + b
                rate = rate + weight * k / 6.0
            y = y + h * rate
        return y

    return {"x": x, "s": s}, {"primal": lambda: solved(x), "gradient": lambda: steps(lambda x: solved(x)[-1], x)}


def kmeans(rng: Any, k: int = 4, n: int = 40, d: int = 3) -> Case:
    """Points, of which the last are the centroids. Newton's step leads from the mean of a cluster to the centroid."""
    points = rng.random((n, d))

    def distances() -> Any:
        return ((points[:, None] - points[-k:]) ** 2).sum(2)

    def step() -> Any:
        return points[-k:] - [points[distances().argmin(1) == j].mean(0) for j in range(k)]

    return {"points": points, "centroids": points[-k:]}, {"cost": lambda: distances().min(1).sum(), "dir": step}


def gmm(rng: Any, d: int = 3, k: int = 4, n: int = 10) -> Case:
    """Points, and a mixture."""
    data = {"d": d, "k": k, "n": n, "m": 2, "gamma": 1.3, "x": rng.normal(size=(n, d)), "alpha": rng.normal(size=k)}
    data |= {"mu": rng.random((k, d)), "q": rng.normal(size=(k, d)), "l": rng.normal(size=(k, d * (d - 1) // 2))}
    names, freedom = ["alpha", "mu", "q", "l"], d + 3
    ends = np.cumsum([data[name].size for name in names])
    column, row = np.triu_indices(d, 1)

    def log_sum(x: Any) -> Any:
        top = x.real.max(-1)
        return top + np.log(np.exp(x - top[..., None]).sum(-1))

    def posterior(parameters: Any) -> Any:
        alpha, mu, q, lower = [x.reshape(data[name].shape) for name, x in zip(names, np.split(parameters, ends[:-1]))]
        root = np.exp(q)[:, :, None] * np.eye(d)
        root[:, row, column] = lower
        away = np.einsum("kij,nkj->nki", root, data["x"][:, None] - mu)
        result = log_sum(alpha + q.sum(1) - (away**2).sum(2) / 2.0).sum()
        result = result - n * (d / 2.0 * np.log(2.0 * np.pi) + log_sum(alpha)) + data["m"] * q.sum()
        gamma = d * (d - 1) / 4.0 * np.log(np.pi) + sum(map(math.lgamma, (freedom - np.arange(d)) / 2.0))
        return result + k * (freedom * d * np.log(1.3 / np.sqrt(2.0)) - gamma) - 1.3**2 / 2.0 * (root**2).sum()

    parameters = np.concatenate([data[name].ravel() for name in names])
    return data, {"objective": lambda: posterior(parameters), "jacobian": lambda: steps(posterior, parameters)}


def ba(rng: Any, n: int = 3, m: int = 4, p: int = 12) -> Case:
    """Cameras, points and weights, each as often as it is asked for."""
    camera = np.array([*rng.normal(size=3), *rng.normal(size=3) + 20.0, 400.0, *rng.normal(size=2), 0.08, 0.003])
    data = {"n": n, "m": m, "p": p, "cam": camera, "x": rng.normal(size=3), "w": 0.4, "feat": 100.0 * rng.random(2)}

    def errors(parameters: Any) -> Any:
        cameras, points, weights = np.split(parameters, [11 * n, 11 * n + 3 * m])
        result = []
        for i, w in enumerate(weights):
            one, point = cameras.reshape(n, 11)[i % n], points.reshape(m, 3)[i % m]
            place = rotation(one[:3]) @ (point - one[3:6])
            flat = place[:2] / place[2]
            square = flat @ flat
            scale = 1.0 + one[9] * square + one[10] * square**2
            result.append(w * (flat * scale * one[6] + one[7:9] - data["feat"]))
        return np.concatenate([*result, 1.0 - weights**2])

    parameters = np.concatenate([np.tile(data["cam"], n), np.tile(data["x"], m), np.full(p, data["w"])])

    def sent() -> Any:
        slopes = steps(errors, parameters)
        there = slopes != 0.0
        there[0 : 2 * p : 2] = there[1 : 2 * p : 2] = there[0 : 2 * p : 2] | there[1 : 2 * p : 2]
        return [[*x[:30], x[-1]] for x in (np.cumsum([0, *there.sum(1)]), np.nonzero(there)[1], slopes[there])]

    return data, {"objective": lambda: [*errors(parameters)[:2], p, 1.0 - 0.4**2, p], "jacobian": sent}


def ht(rng: Any, found: int = 4, vertices: int = 8, simple: bool = False) -> Case:
    """A hand of 22 bones, of random shape, and measured points."""
    parents = [-1, *[0 if i % 4 == 1 else i - 1 for i in range(1, 21)], 0]
    relatives, inverses = 0.4 * rng.normal(size=(2, 22, 4, 4))
    relatives[:, 3] = inverses[:, 3] = [0.0, 0.0, 0.0, 1.0]
    positions, weights = np.hstack([rng.normal(size=(vertices, 3)), np.ones((vertices, 1))]), rng.random((vertices, 22))
    theta, points, us = rng.normal(size=26), rng.normal(size=(found, 3)), rng.random((found, 2))
    triangles, chosen = rng.integers(0, vertices, (vertices, 3)), rng.integers(0, vertices, found)

    def errors(theta: Any, us: Any) -> Any:
        angles = np.zeros((22, 3), dtype=theta.dtype)
        moved = [4 * finger + joint for finger in range(5) for joint in (2, 3, 4)]
        angles[moved, 0] = theta[6:].reshape(5, 4)[:, [0, 2, 3]].ravel()
        angles[moved[::3], 2] = theta[6:].reshape(5, 4)[:, 1]
        bones: list[Any] = []
        for parent, relative, (x, _, z) in zip(parents, relatives, angles):
            own = np.eye(4, dtype=theta.dtype)
            own[:2, :2] = [[np.cos(z), -np.sin(z)], [np.sin(z), np.cos(z)]]
            own[:3, :3] = own[:3, :3] @ np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
            bones.append((np.eye(4) if parent < 0 else bones[parent]) @ relative @ own)
        placed = np.einsum("vb,bij,vj->vi", weights, np.array(bones) @ inverses, positions)[:, :3] * [-1.0, 1.0, 1.0]
        placed = placed @ rotation(theta[:3]).T + theta[3:6]
        if simple:
            return (points - placed[chosen]).ravel()
        shares = np.hstack([us, 1.0 - us.sum(1, keepdims=True)])
        return (points - np.einsum("nc,nci->ni", shares, placed[triangles[chosen]])).ravel()

    def jacobian() -> Any:
        by_us = steps(lambda u: errors(theta, us + u), np.zeros(2))
        return np.hstack([by_us[:, : 0 if simple else 2], steps(lambda theta: errors(theta, us), theta)])

    model = {"parents": parents, "base_relatives": relatives, "inverse_base_absolutes": inverses, "is_mirrored": True}
    model |= {"base_positions": positions, "weights": weights, "triangles": triangles}
    hand = {"model": model, "correspondences": chosen, "points": points}
    expected = {"objective": lambda: errors(theta, us), "jacobian": jacobian}
    return {"theta": theta, "us": [] if simple else us, "data": hand}, expected


def lstm(rng: Any, layers: int = 2, letters: int = 6, bits: int = 3) -> Case:
    """Parameters, a state and a text of random bits."""
    main, extra = rng.random((2 * layers, 4 * bits)), rng.random((3, bits))
    state, text = rng.random((2 * layers, bits)), rng.integers(0, 2, (letters, bits)).astype(float)

    def loss(parameters: Any) -> Any:
        gates, outer = parameters[: main.size].reshape(layers, 2, 4, bits), parameters[main.size :].reshape(3, bits)
        hidden, cells, total = [*state[::2]], [*state[1::2]], 0.0
        for letter, following in pairwise(text):
            x = letter * outer[0]
            for i, (w, b) in enumerate(gates):
                keep, enter, leave = 1.0 / (1.0 + np.exp(-np.array([x, hidden[i], x]) * w[:3] - b[:3]))
                cells[i] = cells[i] * keep + enter * np.tanh(hidden[i] * w[3] + b[3])
                x = hidden[i] = leave * np.tanh(cells[i])
            scores = x * outer[1] + outer[2]
            total = total - following @ (scores - np.log(2.0 + np.exp(scores).sum()))
        return total / (bits * (letters - 1))

    parameters = np.concatenate([main.ravel(), extra.ravel()])
    data = {"main_params": main, "extra_params": extra, "state": state, "sequence": text}
    return data, {"objective": lambda: loss(parameters), "jacobian": lambda: steps(loss, parameters)}


def descent(f: Callable[[Any], Any], x: Any, precision: float) -> Any:
    """Gradient descent as GradBench's cpp/gradbench/gd.hpp says it, with complex steps."""
    rate, count, slope = precision, 0, steps(f, x)
    while np.linalg.norm(slope) > precision and np.linalg.norm(rate * slope) > precision:
        if f(x - rate * slope).real < f(x).real:
            x, count = x - rate * slope, count + 1
            slope = steps(f, x)
        else:
            rate, count = rate / 2.0, 0
        if count == 10:
            rate, count = 2.0 * rate, 0
    return x


def saddle(rng: Any, published: bool = False) -> Case:
    """A start, and where the descent ends; the best y is the same for every x."""
    start, precision = (np.ones(2), 1e-5) if published else (1.0 + rng.random(2), 0.05)
    ends = [8.246324826140356e-06] * 2 if published else descent(lambda x: x @ x, start, precision)  # GradBench's first
    return {"start": start, "precision": precision}, dict.fromkeys(["rr", "ff", "fr", "rf"], lambda: [*ends, *ends])


def particle(rng: Any, published: bool = False) -> Case:
    """A start, and where the descent ends."""
    start, precision, step = (0.0, 1e-5, 0.1) if published else (rng.random() / 10.0, 1e-3, 1.0)

    def miss(w: Any) -> Any:
        x, v = np.array([0.0, 8.0]) + 0.0 * w, np.array([0.75, 0.0]) + 0.0 * w
        while (x + step * v)[1].real > 0.0:
            away = [x - [10.0, 10.0 - w[0]], x - [10.0, 0.0]]
            x, v = x + step * v, v + step * sum(a / (a @ a) ** 1.5 for a in away)
        return (x[0] - x[1] / v[1] * v[0]) ** 2

    end = (
        0.2071918746486116 if published else descent(miss, np.array([start]), precision)[0]
    )  # the first is GradBench's
    return {"w": start, "precision": precision, "step": step}, dict.fromkeys(["rr", "ff", "fr", "rf"], lambda: end)


# Checked compiled beside the small cases; eager they take long.
MORE = [("saddle", {"published": True}), ("particle", {"published": True}), ("ht", {"simple": True})]
# A few of GradBench's own sizes, the least and the largest among them, and some below.
SIZES: dict[str, list[dict[str, Any]]] = {
    "hello": [{}],
    "llsq": [{"n": n, "m": 128} for n in (16, 1024, 16392)],
    "lse": [{"n": n} for n in (2500, 80000, 1280000)],
    "det": [{"size": n} for n in (5, 7, 9, 11)],
    "ode": [{"n": n, "s": s} for n, s in ((100, 100), (1000, 1), (1000, 100), (10000, 100), (100000, 1))],
    "kmeans": [{"k": k, "n": n, "d": d} for k, n, d in ((10, 1000, 8), (100, 1000, 16), (1000, 10000, 16))],
    "gmm": [{"d": d, "k": k, "n": 1000} for d, k in ((2, 5), (10, 25), (32, 50), (64, 100))],
    "ba": [{"n": n, "m": m, "p": p} for n, m, p in ((49, 7776, 31843), (356, 226730, 1255268))],
    "ht": [{"found": n, "vertices": 544} for n in (100, 1600, 25600)],
    "lstm": [{"layers": n, "letters": c, "bits": 14} for n, c in ((2, 256), (2, 1024), (6, 8192))],
    "saddle": [{"published": True}],
    "particle": [{"published": True}],
}


def case(name: str, size: dict[str, Any]) -> Case:
    """An input as it comes out of a message, and what each function gives."""
    data, expected = globals()[name](np.random.default_rng(7), **size)
    return as_json(data), expected


def numbers(x: Any) -> list[float]:
    """All numbers in a result, in order."""
    x = list(x.values()) if isinstance(x, dict) else as_json(x)
    return [number for part in x for number in numbers(part)] if isinstance(x, list) else [x]


def wrong(name: str, size: dict[str, Any], modes: tuple[bool, ...]) -> list[str]:
    """Whatever of an eval's results differs from what is expected."""
    data, expected = case(name, size)
    found = []
    for function, result in expected.items():
        right = np.array(numbers(result()))
        for compiled in modes:
            got = np.array(numbers(functions(name)[function](data, compiled)()))
            off = np.inf
            if got.shape == right.shape:
                off = np.max(np.abs(got - right) / np.maximum(1.0, np.abs(right)))
            if not off <= TOLERANCE:
                found.append(f"{name} {function} {size} {'compiled' if compiled else 'eager'}: off by {off:.1e}")
    return found


def measured(name: str, function: str, size: dict[str, Any], compiled: bool) -> tuple[float, float]:
    """The seconds that the first call takes, and the least of some further ones."""
    work = functions(name)[function](case(name, size)[0], compiled)
    times: list[float] = []
    while len(times) < 4 or (sum(times[1:]) < 0.5 and len(times) < 1000):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
        if sum(times) > SECONDS / 2.0 and len(times) > 1:
            break
    return times[0], min(times[1:])


def row(name: str, function: str, size: dict[str, Any], compiled: bool) -> str:
    """The same in a process of its own, in words: a function may run too long, run out of memory or crash."""
    ask = [sys.executable, __file__, "--row", json.dumps([name, function, size, compiled])]
    try:
        done = subprocess.run(ask, text=True, capture_output=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return f"too slow (> {SECONDS:.0f} s)"
    if done.returncode:
        return f"fails: {(done.stderr.strip().splitlines() or [''])[-1]} ({done.returncode})"
    first, call = json.loads(done.stdout)
    return f"{first:8.3f} s {1e3 * call:12.3f} ms"


def table(names: list[str]) -> None:
    """Print the times. What was too slow or failed is not tried with larger sizes."""
    print(f"{'':40} {'compiled: first':>10} {'call':>12} {'eager: first':>17} {'call':>12}")
    for name in names:
        for function in functions(name):
            given_up = set()
            for size in SIZES[name]:
                cells = []
                for compiled in (True, False):
                    text = "—" if compiled in given_up else row(name, function, size, compiled)
                    given_up |= set() if text.endswith(" ms") else {compiled}
                    cells.append(text)
                what = f"{name} {function} {' '.join(f'{key}={value}' for key, value in size.items())}"
                print(f"{what:42} {cells[0]:26} {cells[1]}", flush=True)


def main() -> None:
    """Check, and measure."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("evals", nargs="*", metavar="EVAL", help="all of them where none is named")
    parser.add_argument("--quick", action="store_true", help="the checks alone")
    parser.add_argument("--row", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.row:
        print(json.dumps(measured(*options.row)))
        return
    names = options.evals or EVALS
    found = [line for name in names for line in wrong(name, {}, (True, False))]
    found += [line for name, size in MORE if name in names for line in wrong(name, size, (True,))]
    print("\n".join(found) or f"All functions of {', '.join(names)} agree, to {TOLERANCE:.0e}.", flush=True)
    if not options.quick:
        table(names)
    if found:
        sys.exit(1)


if __name__ == "__main__":
    main()
