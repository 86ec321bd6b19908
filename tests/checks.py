"""Six independent ways to find a wrong derivative: functions of a row of the table that raise AssertionError.

They are used on every row in test_ops.py and on rows with planted mistakes, which every one of them has to catch.
"""

import dataclasses
import itertools
import math
import random
from functools import partial

from autograd import Value, check_grad, derivative, grad, numerical_grad, topological_order
from tests.oracles import BOUNDS, COMMON, ORACLES, SLOPE_BOUNDS, M, error_in_ulps, mpf
from tests.oracles import slopes as slopes_of

# The complex step says of these that it does not go through them.
STEPS = {"floordiv", "mod", "floor", "ceil", "round", "trunc"}
NOT_ANALYTIC = STEPS | {"erf", "erfc", "ndtr", "gelu", "lgamma", "polygamma"}


def broken(op, plant):
    """The row with ``plant(right, i)`` in the place of its right derivative by operand i."""
    rules = op.derivative
    if isinstance(rules, tuple):
        wrong = tuple(lambda *a, i=i, rule=rule: plant(rule(*a), i) for i, rule in enumerate(rules))
    else:
        wrong = lambda *a: [plant(right, i) for i, right in enumerate(rules(*a))]
    copy = dataclasses.replace(op, derivative=wrong)
    object.__setattr__(copy, "evaluate", op.evaluate)
    return copy


def points(op, count, draw=None, seed=""):
    rng = random.Random(op.name + seed)
    return [(draw or ORACLES[op.name].draw)(rng) for _ in range(count)]


def inside(op, rng):
    """Operands of ordinary size, well within the domain and away from kinks."""
    arity = op.arity or rng.choice((2, 3, 4, 5) if op.name != "dot" else (4, 5, 6))
    while True:
        xs = [_inside(op.domain[i if op.arity else 0], rng) for i in range(arity)]
        if op.name == "pow":
            xs[0] = math.fabs(xs[0])
        if op.name == "polygamma":
            xs[0] = float(rng.randint(0, 3))
        if op.name == "clip":
            xs[1:] = sorted(xs[1:])
        if op.name == "where":
            xs[0] = float(rng.randint(0, 1))
        if op.name in ("floordiv", "mod"):
            xs[1] = rng.choice((-1, 1)) * rng.uniform(1.0, 3.0)
            xs[0] = xs[1] * (rng.choice((-2, -1, 0, 1)) + 0.5)
        near = op.kinks is not None and math.fabs(op.kinks(*xs)) < 0.15
        steep = op.name == "tan" and math.fabs(math.cos(xs[0])) < 0.3
        if not near and not steep and all(math.fabs(x) > 0.05 for x in xs[: 1 if op.name == "div" else None]):
            return xs


def _inside(domain, rng):
    low, high = domain
    if low == high:
        return low
    low, high = max(low, -2.5), min(high, 3.5)
    return rng.uniform(low + 0.15 * (high - low), high - 0.15 * (high - low))


def apply(op, xs):
    """The node of Values that the row makes, and its operands."""
    leaves = [Value(x) for x in xs]
    return leaves[0].apply(op, tuple(leaves)), leaves


def smooth_operands(op, xs):
    """Positions by which the operation can be differentiated numerically."""
    return [i for i in range(len(xs)) if not (op.name in ("polygamma", "where") and i == 0)]


# ---------------------------------------------------------------- the six


def by_mpmath(op, operands):
    """Value and partials to the last bits; returns how many points were compared."""
    oracle, compared = ORACLES[op.name], 0
    for xs in operands:
        exact = [mpf(x) for x in xs]
        try:
            wants = [oracle.value(*exact), *oracle.slopes(*exact)]
        except (ZeroDivisionError, ValueError):
            continue  # a pole: the table of exact points has these
        compared += 1
        y = op.forward(*xs)
        gots = [y, *slopes_of(op, y, xs)]
        for i, (got, want) in enumerate(zip(gots, wants, strict=True)):
            bound = (SLOPE_BOUNDS if i else BOUNDS).get(op.name, COMMON)
            error = error_in_ulps(got, want, bound, exact)
            what = f"derivative by operand {i - 1}" if i else "value"
            assert error <= bound.ulps, f"{op.name}{tuple(xs)}: {what} {got!r}, not {M.nstr(want, 20)}: {error:.3g} ulp"
    return compared


def by_complex_step(op):
    """The complex step has no truncation error: 1e-12 of the largest derivative."""
    for xs in points(op, 20, lambda rng: inside(op, rng), "complex"):
        y = op.evaluate(*xs)
        slopes = slopes_of(op, y, xs)
        estimates = numerical_grad(op.evaluate, *xs, argnums=range(len(xs)), method="complex")
        scale = max(1e-3, *map(abs, estimates))
        for i, (got, want) in enumerate(zip(slopes, estimates, strict=True)):
            assert abs(got - want) <= 1e-12 * scale, f"{op.name}{tuple(xs)} by operand {i}: {got!r}, not {want!r}"


def by_finite_differences(op):
    for xs in points(op, 8, lambda rng: inside(op, rng), "differences"):
        y = op.evaluate(*xs)
        slopes = slopes_of(op, y, xs)
        for i in smooth_operands(op, xs):
            want = numerical_grad(op.evaluate, *xs, argnums=i, step=0.05)
            # Ridders' method has 10 digits of the result's size
            assert abs(slopes[i] - want) <= 1e-8 * (1 + abs(y)), (
                f"{op.name}{tuple(xs)} by operand {i}: {slopes[i]!r}, not {want!r}"
            )


def by_dual_numbers(op):
    """A small graph around the operation, backward against a forward pass on dual numbers of 50 digits."""
    for xs in points(op, 8, lambda rng: inside(op, rng), "dual"):
        y, leaves = apply(op, xs)
        top = y * y + leaves[0] * y
        top.backward()
        for leaf in leaves:
            want, scale = dual_derivative(top, leaf)
            assert abs(leaf.grad - want) <= 1e-14 * scale, (
                f"{op.name}{tuple(xs)}: {leaf.grad!r}, not {M.nstr(want, 20)}"
            )


def by_check_grad(op):
    for xs in points(op, 4, lambda rng: inside(op, rng), "check"):
        which = smooth_operands(op, xs)
        f = lambda *vs: next(v for v in vs if isinstance(v, Value)).apply(op, vs)
        check_grad(f, *xs, argnums=which)


def by_second_order(op):
    """The gradient of each partial, as a graph, against mpmath's derivative of the textbook's partial."""
    oracle = ORACLES[op.name]
    for xs in points(op, 3, lambda rng: inside(op, rng), "second"):
        which = smooth_operands(op, xs)
        exact = [mpf(x) for x in xs]
        f = lambda *vs: next(v for v in vs if isinstance(v, Value)).apply(op, vs)
        size = 1 + sum(map(abs, oracle.slopes(*exact)))
        for i, j in itertools.product(which, repeat=2):
            got = derivative(partial(_along, grad(f, i), xs, j))(xs[j])
            want = M.diff(partial(_along, lambda *zs, i=i: oracle.slopes(*zs)[i], exact, j), exact[j])
            what = f"{op.name}{tuple(xs)}: second derivative by operands {i} and {j}"
            assert abs(got - want) <= 1e-12 * (size + abs(want)), f"{what} is {got!r}, not {M.nstr(want, 20)}"


def _along(f, xs, j, x):
    return f(*xs[:j], x, *xs[j + 1 :])


# ------------------------------------------------------- dual numbers, by hand


class UndefinedError(Exception):
    """The textbook's formula has no number at this point of a graph."""


def dual_derivative(output, leaf):
    """∂output/∂leaf by a forward pass with the oracles' partials, and the size of what was added up on the way.

    The operands' numbers are the graph's own, so that a comparison near a tie falls the same way on both sides.
    """
    tangents = {id(leaf): (mpf(1), mpf(1))}
    for node in topological_order(output):
        if node.op is None or not any(id(x) in tangents for x in node.operands):
            continue
        datas = [mpf(float(x.data if isinstance(x, Value) else x)) for x in node.operands]
        tangent = size = mpf(0)
        bound = SLOPE_BOUNDS.get(node.op.name, COMMON)
        try:
            slopes = ORACLES[node.op.name].slopes(*datas)
        except ZeroDivisionError:
            raise UndefinedError(f"{node.op.name}{tuple(datas)}") from None
        for x, slope in zip(node.operands, slopes, strict=True):
            if id(x) in tangents:
                dx, dsize = tangents[id(x)]
                tangent += slope * dx
                size += max(abs(slope), M.ldexp(bound.unit(slope, datas), 52)) * dsize
        tangents[id(node)] = tangent, size
    return tangents.get(id(output), (mpf(0), mpf(0)))
