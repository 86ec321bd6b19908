"""Every operation beside PyTorch's, where it is installed: value, first and second derivatives, point by point.

The points are ordinary ones, kinks, zeros of both signs, infinities, nan, and sizes at which a careless formula
overflows or cancels. `EXEMPTIONS` lists where the two differ, with reasons; one that no point meets is an error.
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from autograd import OPERATIONS, Value, hessian, value_and_grad

pytestmark = pytest.mark.torch
INF, NAN = math.inf, math.nan

UNARY = [
    -INF, -1e300, -1000.0, -37.5, -3.0, -2.5, -1.0, -0.5, -1e-8, -1e-310, -0.0, 0.0, 1e-310, 1e-8, 0.25, 0.5, 1.0, 2.0,
    2.5, 6.0, 30.5, 88.0, 710.0, 1000.0, 1e160, 1e300, INF, NAN,
]  # fmt: skip
SEVERAL = [-INF, -1000.0, -2.0, -1.0, -0.0, 0.0, 1e-8, 0.5, 1.0, 2.0, 3.0, 1000.0, INF, NAN]
LISTS = [
    [1.0], [0.0], [INF], [-3.0, 0.5], [0.0, 0.0], [0.0, -0.0], [2.0, 2.0], [-1.0, 3.0, 3.0], [0.0, 2.0, 5.0],
    [1000.0, 0.0, -1000.0], [1e200, 1e200], [1e-200, 1e-200], [INF, 1.0], [1.0, INF], [1000.0, INF], [INF, INF],
    [-INF, 1.0], [-INF, -INF], [INF, -INF], [NAN, 1.0], [0.25, -0.5, 0.75, 4.0], [0.0, 0.0, 1.0, 1.0],
]  # fmt: skip


def theirs():
    """Our names, and PyTorch's functions."""
    import torch
    import torch.nn.functional as F

    t = torch
    stack = lambda f: lambda *xs: f(t.stack(xs))
    half = lambda xs: len(xs) // 2
    return {
        "add": t.add, "sub": t.sub, "mul": t.mul, "div": t.div, "pow": t.pow, "mod": t.remainder,
        "neg": t.neg, "identity": t.clone, "abs": t.abs, "where": lambda c, a, b: t.where(c != 0, a, b),
        "floor": t.floor, "ceil": t.ceil, "round": t.round, "trunc": t.trunc, "sign": t.sign, "exp": t.exp,
        "exp2": t.exp2, "expm1": t.expm1, "log": t.log, "log2": t.log2, "log10": t.log10, "log1p": t.log1p,
        "sqrt": t.sqrt, "square": t.square, "sin": t.sin, "cos": t.cos, "tan": t.tan, "asin": t.asin, "acos": t.acos,
        "atan": t.atan, "atan2": t.atan2, "sinh": t.sinh, "cosh": t.cosh, "tanh": t.tanh, "asinh": t.asinh,
        "acosh": t.acosh, "atanh": t.atanh, "hypot": t.hypot, "sigmoid": t.sigmoid, "logsigmoid": F.logsigmoid,
        "softplus": F.softplus, "relu": t.relu,
        "leaky_relu": lambda x, s: F.leaky_relu(x, s.item()), "elu": lambda x, a: F.elu(x, a.item()), "selu": t.selu,
        "ndtr": t.special.ndtr, "gelu": F.gelu, "silu": F.silu, "mish": F.mish, "softsign": F.softsign,
        "hardtanh": F.hardtanh, "erf": t.erf, "erfc": t.erfc, "polygamma": lambda n, x: t.polygamma(int(n), x),
        "lgamma": t.lgamma, "maximum": t.maximum, "minimum": t.minimum,
        # with numbers: what it divides among bounds that are tensors differs from version to version
        "clip": lambda x, low, high: t.clamp(x, low.item(), high.item()), "sum": stack(t.sum),
        "prod": stack(t.prod), "mean": stack(t.mean),
        "dot": lambda *xs: (
            t.dot(t.stack(xs[: half(xs)]), t.stack(xs[half(xs) : 2 * half(xs)])) + sum(xs[2 * half(xs) :])
        ),
        "norm": stack(t.linalg.vector_norm), "logsumexp": stack(lambda x: t.logsumexp(x, 0)),
        "softmax": stack(lambda x: t.softmax(x, 0)[0]), "max": stack(t.amax), "min": stack(t.amin),
    }  # fmt: skip


WITHOUT = {"floordiv": "its floor_divide has no derivative", "cbrt": "it has none"}
CONSTANT = {
    "where": [0],
    "leaky_relu": [1],
    "elu": [1],
    "polygamma": [0],
    "clip": [1, 2],
}  # operands that it takes no derivative by
POINTS = {
    "where": list(itertools.product([0.0, 1.0, NAN], [2.0, INF, NAN], [-1.0, -INF, NAN])),
    "clip": [(x, *ends) for x in SEVERAL for ends in [(-1.0, 2.0), (1.0, 1.0), (2.0, -1.0), (-INF, INF), (0.0, NAN)]],
    "leaky_relu": list(itertools.product(UNARY, [0.01, 0.0, 2.0])),
    "elu": list(itertools.product(UNARY, [1.0, 0.5])),
    "polygamma": list(itertools.product([0.0, 1.0, 2.0], [x for x in UNARY if x > 0.0 or x == -2.5])),
}


def points(name):
    if name in POINTS:
        return POINTS[name]
    arity = OPERATIONS[name].arity
    if arity is None:
        return [tuple(xs) for xs in LISTS if name != "dot" or len(xs) > 1]
    return list(itertools.product(UNARY if arity == 1 else SEVERAL, repeat=arity))


# ------------------------------------------------------------ where they differ


@dataclass(frozen=True)
class Difference:
    """At one point: ``order`` 0 is the value, 1 and 2 the derivatives by the operands at ``places``."""

    xs: tuple[float, ...]
    order: int
    places: tuple[int, ...]
    ours: float
    theirs: float

    @property
    def undefined_there(self):
        """PyTorch has no number and we have one."""
        return math.isnan(self.theirs) and not math.isnan(self.ours)

    @property
    def at_nan(self):
        return any(map(math.isnan, self.xs))

    @property
    def far(self):
        return any(abs(x) >= 700.0 for x in self.xs)


@dataclass(frozen=True)
class Exemption:
    names: str
    when: Callable[[Difference], bool]
    why: str
    every_version: bool = True  # of PyTorch has it


EXEMPTIONS = [
    Exemption(
        "atan ndtr gelu silu mish softsign erf erfc polygamma prod norm",
        lambda d: d.undefined_there and d.far and (d.order or any(map(math.isinf, d.xs))),
        "its formula meets 0·∞ or ∞/∞; ours goes to the limit",
    ),
    Exemption("prod", lambda d: d.undefined_there and d.at_nan, "beside a nan every slope is nan"),
    Exemption("abs sign elu selu", lambda d: d.at_nan, "of a nan it takes the slope of one branch; ours is nan, or 0"),
    Exemption(
        "maximum minimum max min clip",
        lambda d: d.at_nan and d.order == 1,
        "no operand is the largest beside a nan: ours gives 0 to all, it 1 to some",
    ),
    Exemption(
        "clip",
        lambda d: d.order == 1 and d.xs[0] in d.xs[1:],
        "at a bound ours is 1, as 2.13 has it; 2.14 has 0",
        every_version=False,
    ),
    Exemption(
        "elu selu", lambda d: d.order == 2 and d.xs[0] == 0.0, "the second derivative jumps at 0: ours is that of x < 0"
    ),
    Exemption(
        "asin acos atanh acosh",
        lambda d: d.order == 2 and abs(d.xs[0]) == 1.0,
        "where the first derivative is infinite, ours has a second of nan, it the one-sided limit",
    ),
    Exemption(
        "acosh", lambda d: d.xs[0] < 1.0, "outside the domain ours is nan; it goes on with the formula of the slope"
    ),
    Exemption(
        "lgamma", lambda d: d.order == 2 and d.xs[0] < 0.0, "at the poles ours is infinite, it some large number"
    ),
    Exemption("norm prod logsumexp", lambda d: 1e200 in d.xs or 1e-200 in d.xs, "its squares and exponents overflow"),
    Exemption(
        "atan2", lambda d: d.order == 2 and d.xs == (1e-8, 1e-8), "rounding of terms of size 1e16, which cancel here"
    ),
    Exemption("hypot", lambda d: not any(d.xs), "at 0 it has nan, and ours is 0: see docs/conventions.md"),
    Exemption(
        "pow",
        lambda d: d.order == 2 and (d.xs[1] == 0.0 or d.xs[0] <= 0.0),
        "the derivative by the exponent, of a base that is not positive or an exponent of 0",
    ),
    Exemption("softmax", lambda d: INF in d.xs, "∞ − ∞: ours gives what all weight on the infinity gives"),
]  # fmt: skip


def exemption(name, difference):
    """The first entry that tells of this difference, or None."""
    return next((e for e in EXEMPTIONS if name in e.names.split() and e.when(difference)), None)


# ------------------------------------------------------------------- comparing


def ours(name, xs, which):
    f = lambda *vs: next(v for v in vs if isinstance(v, Value)).apply(OPERATIONS[name], vs)
    value, first = value_and_grad(f, which)(*xs)
    return value, first, hessian(f, which)(*xs)


def pytorchs(torch, function, xs, which):
    tensors = [torch.tensor(x, dtype=torch.float64, requires_grad=i in which) for i, x in enumerate(xs)]
    inputs = [tensors[i] for i in which]
    y = function(*tensors)
    first = torch.autograd.grad(y, inputs, create_graph=True, materialize_grads=True)
    second = []
    for slope in first:
        row = [0.0] * len(inputs)
        if slope.requires_grad:
            row = [x.item() for x in torch.autograd.grad(slope, inputs, materialize_grads=True, retain_graph=True)]
        second.append(row)
    return y.item(), [x.item() for x in first], second


def alike(a, b):
    """Both of the same kind; its formulas cancel now and then (1 − tanh², say), so absolutely to 1e-12 as well."""
    return a == b or (a != a and b != b) or math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)


def differences(torch, name, function):
    for xs in points(name):
        which = tuple(i for i in range(len(xs)) if i not in CONSTANT.get(name, ()))
        y, first, second = ours(name, xs, which)
        their_y, their_first, their_second = pytorchs(torch, function, xs, which)
        pairs = [(0, (), y, their_y)]
        for a, i in enumerate(which):
            pairs.append((1, (i,), first[a], their_first[a]))
            pairs += [(2, (i, j), second[a][b], their_second[a][b]) for b, j in enumerate(which)]
        for order, places, one, other in pairs:
            if not alike(one, other):
                yield Difference(xs, order, places, one, other)


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_same_as_pytorch(name):
    torch = pytest.importorskip("torch")
    if name in WITHOUT:
        pytest.skip(f"PyTorch has no {name} to compare: {WITHOUT[name]}")
    found = differences(torch, name, theirs()[name])
    assert [d for d in found if exemption(name, d) is None] == []


def test_every_exemption_is_met():
    torch = pytest.importorskip("torch")
    functions, met = theirs(), set()
    for name in {name for e in EXEMPTIONS for name in e.names.split()}:
        met.update((name, exemption(name, d)) for d in differences(torch, name, functions[name]))
    assert [
        (name, e.why) for e in EXEMPTIONS if e.every_version for name in e.names.split() if (name, e) not in met
    ] == []
