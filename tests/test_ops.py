"""Every operation of the table against independent oracles, and exactly where there is one answer."""

import contextlib
import functools
import inspect
import itertools
import math
import operator
import random
import sys
from pathlib import Path

import pytest

import autograd as ag
from autograd import OPERATIONS, Value, check_grad, define, derivative, grad, numerical_grad
from tests import checks, oracles
from tests.oracles import INF, LARGEST, NAN, ORACLES, SUBNORMAL, TINY

BUILT_IN = list(OPERATIONS)  # as the table is on import: a test that defines one more takes it out again
every_row = pytest.mark.parametrize("name", BUILT_IN)

EDGES = [
    0.0,
    SUBNORMAL,
    TINY / 2,
    TINY,
    1e-160,
    1e-16,
    0.25,
    0.5,
    1.0,
    1.5,
    2.0,
    math.e,
    10.0,
    100.0,
    709.78,
    745.13,
    1e9,
]
EDGES += [2.0**53, 1e160, LARGEST / 2, LARGEST]
EDGES = [sign * x for x in EDGES for sign in (1.0, -1.0)]
FEW_EDGES = [0.0, -0.0, SUBNORMAL, -TINY, 1.0, -1.5, 745.13, LARGEST, -LARGEST]
HOSTILE = [*FEW_EDGES, INF, -INF, NAN]


def same(a, b):
    """The same float, telling zeros apart and taking every nan for one."""
    return (a != a and b != b) or (a == b and math.copysign(1.0, a) == math.copysign(1.0, b))


def slopes(op, *xs):
    return oracles.slopes(op, op.evaluate(*xs), xs)


def edges(op):
    """Special operands inside the domain: every single one, and products of a few."""
    if op.arity == 1:
        candidates = [[x] for x in EDGES]
    elif op.name in ("polygamma", "prod", "norm", "dot", "mean"):
        candidates = []  # their oracles need ordinary numbers; the hostile ones are tried below
    else:
        candidates = itertools.product(FEW_EDGES, repeat=op.arity or 3)
    if op.name == "atan2":
        candidates = [xs for xs in candidates if not same(xs[0], -0.0)]  # mpmath has no negative zero
    low_high = op.domain if op.arity else [op.domain[0]] * 3
    return [list(xs) for xs in candidates if all(low <= x <= high for x, (low, high) in zip(xs, low_high, strict=True))]


# ------------------------------------------------------------- against mpmath


def test_every_row_has_an_oracle_and_every_oracle_a_row():
    assert set(ORACLES) == set(BUILT_IN)
    assert {*oracles.BOUNDS, *oracles.SLOPE_BOUNDS} <= set(BUILT_IN)
    assert all(bound.why for bound in [*oracles.BOUNDS.values(), *oracles.SLOPE_BOUNDS.values()])


@every_row
def test_value_and_partials_to_the_last_bits(name):
    op = OPERATIONS[name]
    count = 150 if name == "polygamma" else 800
    compared = checks.by_mpmath(op, checks.points(op, count) + edges(op))
    assert compared > 0.9 * count


def test_pow_of_whole_numbers_is_exact():
    for x, n in itertools.product(range(-9, 10), range(10)):
        assert ag.ops.power(float(x), float(n)) == x**n


# --------------------------------------------------- the other five ways to check


@every_row
def test_complex_step(name):
    if name in checks.NOT_ANALYTIC:
        with pytest.raises(TypeError, match="the complex step does not go through"):
            checks.by_complex_step(OPERATIONS[name])
    else:
        checks.by_complex_step(OPERATIONS[name])


@every_row
@pytest.mark.parametrize(
    "check", [checks.by_finite_differences, checks.by_dual_numbers, checks.by_check_grad, checks.by_second_order]
)
def test_derivative(name, check):
    check(OPERATIONS[name])


def by_mpmath(op):
    checks.by_mpmath(op, checks.points(op, 50))


PLANTS = {
    "2.001 for 2": lambda right, i: right * 1.0005,
    "a swapped sign": lambda right, i: -right,
    "a dropped operand": lambda right, i: right * 0.0 if i == 0 else right,
}


@pytest.mark.parametrize("name", ["square", "tanh", "mul", "pow", "atan2", "dot", "softmax"])
@pytest.mark.parametrize("plant", PLANTS)
@pytest.mark.parametrize(
    "check",
    [by_mpmath, checks.by_complex_step, checks.by_finite_differences, checks.by_dual_numbers, checks.by_check_grad,
     checks.by_second_order],
)  # fmt: skip
def test_planted_mistake_is_caught(check, plant, name):
    with pytest.raises(AssertionError):
        check(checks.broken(OPERATIONS[name], PLANTS[plant]))


@pytest.mark.parametrize("name", ["square", "mul", "dot"])
def test_nothing_is_caught_where_nothing_is_planted(name):
    op = checks.broken(OPERATIONS[name], lambda right, i: right)
    for check in (by_mpmath, checks.by_complex_step, checks.by_finite_differences, checks.by_dual_numbers):
        check(op)
    checks.by_check_grad(op)
    checks.by_second_order(op)


# ------------------------------------------------------------------- IEEE 754


@every_row
def test_hostile_operands_give_floats_and_never_raise(name):
    """No OverflowError, no ZeroDivisionError, no complex number, for floats and for Values."""
    op = OPERATIONS[name]
    arity = op.arity or 4
    tried = HOSTILE if arity < 3 else [0.0, 1.0, -LARGEST, INF, NAN]
    for xs in itertools.product(tried, repeat=arity):
        if name == "polygamma":
            xs = (2.0, xs[1])
        y = op.evaluate(*xs)
        node = Value(xs[0]).apply(op, tuple(map(Value, xs)))
        assert type(y) is float
        assert same(node.data, y)
        kinds = {float, type(None)} if name == "where" else {float}  # none for the branch that is not taken
        assert {type(p) for p in node.partials} <= kinds
        again = op.partials(y, xs, [True] * arity)
        assert all(p is q or same(p, q) for p, q in zip(node.partials, again, strict=True))


# f(−∞), f(∞), f′(−∞), f′(∞); None where it is outside the domain and nothing is promised
AT_INFINITY = {
    "neg": (INF, -INF, -1.0, -1.0),
    "identity": (-INF, INF, 1.0, 1.0),
    "abs": (INF, INF, -1.0, 1.0),
    "floor": (-INF, INF, 0.0, 0.0),
    "ceil": (-INF, INF, 0.0, 0.0),
    "round": (-INF, INF, 0.0, 0.0),
    "trunc": (-INF, INF, 0.0, 0.0),
    "sign": (-1.0, 1.0, 0.0, 0.0),
    "exp": (0.0, INF, 0.0, INF),
    "exp2": (0.0, INF, 0.0, INF),
    "expm1": (-1.0, INF, 0.0, INF),
    "log": (NAN, INF, None, 0.0),
    "log2": (NAN, INF, None, 0.0),
    "log10": (NAN, INF, None, 0.0),
    "log1p": (NAN, INF, None, 0.0),
    "sqrt": (NAN, INF, NAN, 0.0),
    "cbrt": (-INF, INF, 0.0, 0.0),
    "square": (INF, INF, -INF, INF),
    "sin": (NAN, NAN, NAN, NAN),
    "cos": (NAN, NAN, NAN, NAN),
    "tan": (NAN, NAN, NAN, NAN),
    "asin": (NAN, NAN, NAN, NAN),
    "acos": (NAN, NAN, NAN, NAN),
    "atan": (-math.pi / 2, math.pi / 2, 0.0, 0.0),
    "sinh": (-INF, INF, INF, INF),
    "cosh": (INF, INF, -INF, INF),
    "tanh": (-1.0, 1.0, 0.0, 0.0),
    "asinh": (-INF, INF, 0.0, 0.0),
    "acosh": (NAN, INF, NAN, 0.0),
    "atanh": (NAN, NAN, None, None),
    "sigmoid": (0.0, 1.0, 0.0, 0.0),
    "logsigmoid": (-INF, 0.0, 1.0, 0.0),
    "softplus": (0.0, INF, 0.0, 1.0),
    "relu": (0.0, INF, 0.0, 1.0),
    "selu": (-1.7580993408473769, INF, 0.0, 1.0507009873554805),
    "ndtr": (0.0, 1.0, 0.0, 0.0),
    "gelu": (0.0, INF, 0.0, 1.0),
    "silu": (0.0, INF, 0.0, 1.0),
    "mish": (0.0, INF, 0.0, 1.0),
    "softsign": (-1.0, 1.0, 0.0, 0.0),
    "hardtanh": (-1.0, 1.0, 0.0, 0.0),
    "erf": (-1.0, 1.0, 0.0, 0.0),
    "erfc": (2.0, 0.0, 0.0, 0.0),
    "lgamma": (INF, INF, NAN, INF),
}


def test_the_table_of_infinities_is_complete():
    assert set(AT_INFINITY) == {name for name in BUILT_IN if OPERATIONS[name].arity == 1}


@pytest.mark.parametrize("name", AT_INFINITY)
def test_infinite_operand(name):
    op = OPERATIONS[name]
    below, above, slope_below, slope_above = AT_INFINITY[name]
    for x, value, slope in ((-INF, below, slope_below), (INF, above, slope_above)):
        assert op.evaluate(x) == value or (value != value and math.isnan(op.evaluate(x)))
        (got,) = slopes(op, x)
        assert slope is None or got == slope or (slope != slope and math.isnan(got)), (x, got)


@pytest.mark.parametrize("name", AT_INFINITY)
def test_nan_comes_through(name):
    assert math.isnan(OPERATIONS[name].evaluate(NAN))


@pytest.mark.parametrize("name", ["add", "sub", "mul", "div", "mod", "floordiv", "atan2", "maximum", "minimum"])
def test_nan_comes_through_on_either_side(name):
    for x in (0.0, 1.0, INF):
        assert math.isnan(OPERATIONS[name].evaluate(x, NAN))
        assert math.isnan(OPERATIONS[name].evaluate(NAN, x))


@pytest.mark.parametrize("function", [ag.sum, ag.prod, ag.mean, ag.norm, ag.logsumexp, ag.max, ag.min])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_nan_comes_through_a_list(function, place):
    xs = [1.0, 2.0]
    xs.insert(place, NAN)
    assert math.isnan(function(xs))


ODD = "sin tan asin atan sinh tanh asinh atanh expm1 log1p cbrt erf softsign hardtanh floor ceil round trunc sign"


@pytest.mark.parametrize("name", [*ODD.split(), "gelu", "silu", "mish", "sqrt"])
def test_a_zero_keeps_its_sign(name):
    f = OPERATIONS[name].evaluate
    assert same(f(-0.0), -0.0)
    assert same(f(0.0), 0.0)


POINTS = [  # operation, operands, value, partials (None: nothing promised)
    ("div", (1.0, 0.0), INF, (INF, -INF)),
    ("div", (1.0, -0.0), -INF, (-INF, -INF)),
    ("div", (-1.0, 0.0), -INF, (INF, INF)),
    ("div", (0.0, 0.0), NAN, (INF, NAN)),
    ("div", (INF, INF), NAN, (0.0, NAN)),
    ("div", (49.0, 49.0), 1.0, (1 / 49, -1 / 49)),
    ("mod", (5.5, 2.0), 1.5, (1.0, -2.0)),
    ("mod", (-5.5, 2.0), 0.5, (1.0, 3.0)),
    ("mod", (5.5, -2.0), -0.5, (1.0, 3.0)),
    ("mod", (5.5, 0.0), NAN, (1.0, -INF)),
    ("mod", (1.0, INF), 1.0, (1.0, -0.0)),
    ("mod", (INF, 1.0), NAN, (1.0, NAN)),
    ("floordiv", (5.5, 2.0), 2.0, (0.0, 0.0)),
    ("floordiv", (-5.5, 2.0), -3.0, (0.0, 0.0)),
    ("floordiv", (5.5, 0.0), INF, (0.0, 0.0)),
    ("floordiv", (0.0, 0.0), NAN, (0.0, 0.0)),
    ("pow", (0.0, 0.0), 1.0, (0.0, 0.0)),
    ("pow", (5.0, 0.0), 1.0, (0.0, math.log(5.0))),
    ("pow", (-5.0, 0.0), 1.0, (0.0, NAN)),
    ("pow", (NAN, 0.0), 1.0, (0.0, NAN)),
    ("pow", (INF, 0.0), 1.0, (0.0, INF)),
    ("pow", (0.0, 0.5), 0.0, (INF, 0.0)),
    ("pow", (0.0, 1.0), 0.0, (1.0, 0.0)),
    ("pow", (0.0, 1.5), 0.0, (0.0, 0.0)),
    ("pow", (0.0, 2.0), 0.0, (0.0, 0.0)),
    ("pow", (0.0, -1.0), INF, (-INF, -INF)),
    ("pow", (-0.0, -1.0), -INF, (-INF, None)),
    ("pow", (-0.0, -2.0), INF, (INF, None)),
    ("pow", (-0.0, 3.0), -0.0, (0.0, 0.0)),
    ("pow", (-8.0, 1 / 3), NAN, (NAN, NAN)),
    ("pow", (-2.0, 3.0), -8.0, (12.0, NAN)),
    ("pow", (-2.0, -1.0), -0.5, (-0.25, NAN)),
    ("pow", (1.0, NAN), 1.0, (NAN, 0.0)),
    ("pow", (2.0, 1024.0), INF, (INF, INF)),
    ("pow", (-2.0, 1025.0), -INF, (INF, NAN)),
    ("pow", (3.0, 1.0), 3.0, (1.0, 3.0 * math.log(3.0))),
    ("log", (0.0,), -INF, (INF,)),
    ("log", (-1.0,), NAN, (-1.0,)),
    ("log2", (0.0,), -INF, (INF,)),
    ("log10", (0.0,), -INF, (INF,)),
    ("log1p", (-1.0,), -INF, (INF,)),
    ("exp", (1000.0,), INF, (INF,)),
    ("sqrt", (0.0,), 0.0, (INF,)),
    ("sqrt", (-1.0,), NAN, (NAN,)),
    ("cbrt", (0.0,), 0.0, (INF,)),
    ("cbrt", (-27.0,), -3.0, (1 / 27,)),
    ("asin", (1.0,), math.pi / 2, (INF,)),
    ("acos", (-1.0,), math.pi, (-INF,)),
    ("asin", (1.5,), NAN, (NAN,)),
    ("acosh", (1.0,), 0.0, (INF,)),
    ("acosh", (0.5,), NAN, (NAN,)),
    ("atanh", (1.0,), INF, (INF,)),
    ("atanh", (-1.0,), -INF, (INF,)),
    ("pow", (2.0, INF), INF, (INF, INF)),
    ("pow", (1.0, -INF), 1.0, (-INF, 0.0)),
    ("pow", (0.5, -INF), INF, (-INF, -INF)),
    ("atan2", (0.0, 0.0), 0.0, (0.0, -0.0)),
    ("atan2", (0.0, -1.0), math.pi, (-1.0, -0.0)),
    ("hypot", (0.0, 0.0), 0.0, (0.0, 0.0)),
    ("hypot", (3.0, -4.0), 5.0, (0.6, -0.8)),
    ("hypot", (INF, NAN), INF, (None, None)),
    ("hypot", (NAN, 1.0), NAN, (NAN, NAN)),
    ("polygamma", (0.0, -1e-310), INF, (0.0, INF)),
    ("polygamma", (0.0, 1e-310), -INF, (0.0, INF)),
    ("polygamma", (1.0, -1e-310), INF, (0.0, INF)),
    ("polygamma", (2.0, -1e-310), INF, (0.0, INF)),
    ("logsumexp", (INF, 1000.0), INF, (NAN, 0.0)),
    ("logsumexp", (INF, -INF), INF, (NAN, 0.0)),
    ("logsumexp", (-INF, -INF), -INF, (NAN, NAN)),
    ("logsumexp", (LARGEST, -LARGEST), LARGEST, (1.0, 0.0)),
    ("softmax", (1000.0, INF), 0.0, (NAN, NAN)),
    ("softmax", (-INF, 1000.0), 0.0, (0.0, -0.0)),
    ("hypot", (1e200, 1e200), math.sqrt(2.0) * 1e200, (None, None)),
    ("lgamma", (0.0,), INF, (-INF,)),
    ("lgamma", (1.0,), 0.0, (-0.5772156649015329,)),
    ("lgamma", (2.0,), 0.0, (0.42278433509846713,)),
    ("lgamma", (-1.0,), INF, (NAN,)),
    ("lgamma", (1e308,), INF, (None,)),
    ("sigmoid", (-1000.0,), 0.0, (0.0,)),
    ("sigmoid", (1000.0,), 1.0, (0.0,)),
    ("softplus", (1000.0,), 1000.0, (1.0,)),
    ("softplus", (-1000.0,), 0.0, (0.0,)),
    ("logsigmoid", (-1000.0,), -1000.0, (1.0,)),
    # kinks
    ("relu", (0.0,), 0.0, (0.0,)),
    ("relu", (SUBNORMAL,), SUBNORMAL, (1.0,)),
    ("leaky_relu", (0.0, 0.01), 0.0, (0.01, 0.0)),
    ("elu", (0.0, 1.0), 0.0, (1.0, 0.0)),
    ("selu", (0.0,), 0.0, (1.7580993408473769,)),
    ("hardtanh", (1.0,), 1.0, (0.0,)),
    ("hardtanh", (-1.0,), -1.0, (0.0,)),
    ("abs", (0.0,), 0.0, (0.0,)),
    ("abs", (-0.0,), 0.0, (0.0,)),
    ("sign", (0.0,), 0.0, (0.0,)),
    ("sign", (-3.0,), -1.0, (0.0,)),
    ("softsign", (0.0,), 0.0, (1.0,)),
    ("maximum", (2.0, 2.0), 2.0, (0.5, 0.5)),
    ("minimum", (2.0, 2.0), 2.0, (0.5, 0.5)),
    ("maximum", (2.0, 1.0), 2.0, (1.0, 0.0)),
    ("minimum", (2.0, 1.0), 1.0, (0.0, 1.0)),
    ("clip", (1.0, -1.0, 1.0), 1.0, (1.0, 0.0, 0.0)),
    ("clip", (-1.0, -1.0, 1.0), -1.0, (1.0, 0.0, 0.0)),
    ("clip", (2.0, -1.0, 1.0), 1.0, (0.0, 0.0, 1.0)),
    ("clip", (-2.0, -1.0, 1.0), -1.0, (0.0, 1.0, 0.0)),
    ("clip", (0.0, 1.0, -1.0), -1.0, (0.0, 0.0, 1.0)),
    ("clip", (NAN, -1.0, 1.0), NAN, (None, 0.0, 0.0)),
    ("round", (0.5,), 0.0, (0.0,)),
    ("round", (1.5,), 2.0, (0.0,)),
    ("round", (-2.5,), -2.0, (0.0,)),
    ("where", (1.0, 2.0, 3.0), 2.0, (0.0, 1.0, 0.0)),
    ("where", (0.0, 2.0, 3.0), 3.0, (0.0, 0.0, 1.0)),
    ("max", (1.0, 3.0, 3.0), 3.0, (0.0, 0.5, 0.5)),
    ("min", (1.0, 1.0, 1.0, 2.0), 1.0, (1 / 3, 1 / 3, 1 / 3, 0.0)),
    ("prod", (0.0, 2.0, 3.0), 0.0, (6.0, 0.0, 0.0)),
    ("prod", (0.0, 0.0, 3.0), 0.0, (0.0, 0.0, 0.0)),
    ("norm", (0.0, 0.0), 0.0, (0.0, 0.0)),
    ("norm", (1e300, 0.0), 1e300, (1.0, 0.0)),
    ("norm", (SUBNORMAL, 0.0), SUBNORMAL, (1.0, 0.0)),
    ("logsumexp", (1000.0, 1000.0), 1000.0 + math.log(2.0), (0.5, 0.5)),
    ("logsumexp", (-INF, 3.0), 3.0, (0.0, 1.0)),
    ("logsumexp", (-INF, -INF), -INF, (None, None)),
    ("logsumexp", (INF, 3.0), INF, (None, None)),
    ("softmax", (1000.0, 1000.0), 0.5, (0.25, -0.25)),
    ("softmax", (5.0,), 1.0, (0.0,)),
    ("softmax", (-INF, 3.0), 0.0, (0.0, -0.0)),
]


@pytest.mark.parametrize(("name", "xs", "value", "partials"), POINTS)
def test_exact_point(name, xs, value, partials):
    op = OPERATIONS[name]
    got = [op.evaluate(*xs), *slopes(op, *xs)]
    for found, want in zip(got, [value, *partials], strict=True):
        assert want is None or found == want or (found != found and want != want), got


def test_a_constant_exponent_has_the_same_derivative_as_a_value():
    rng = random.Random(1)
    for _ in range(500):
        x, n = oracles.pow_operands(rng)
        constant, both = Value(x) ** n, Value(x) ** Value(n)
        assert same(constant.data, both.data)
        assert same(constant.partials[0], both.partials[0]), (x, n)


def test_dividing_is_one_rounding():
    rng = random.Random(2)
    for _ in range(500):
        a, b = oracles.middling(rng), oracles.middling(rng)
        assert (Value(a) / Value(b)).data == (Value(a) / b).data == (a / Value(b)).data == a / b


ACTIVATIONS = "sigmoid logsigmoid softplus relu selu gelu silu mish softsign hardtanh tanh erf ndtr"


@pytest.mark.parametrize("name", ACTIVATIONS.split())
def test_far_out_an_activation_has_no_nan_in_any_order(name):
    """Both branches of a ``where`` are computed; the one not taken must not spoil a derivative."""
    f = OPERATIONS[name].evaluate
    for x in (50.0, 800.0, 1e4, 1e160, LARGEST):
        for order in (1, 2, 3):
            assert abs(derivative(f, order)(x)) <= 1.1
            assert abs(derivative(f, order)(-x)) <= 1.1


# ------------------------------------------------------------- many operands


def test_sums_add_from_left_to_right():
    xs = [1e16, 1.0, 1.0, -1e16, 0.1, 0.2, 0.3]
    ws = [0.1 * i + 0.3 for i in range(len(xs))]
    total = functools.reduce(operator.add, xs)
    products = list(map(operator.mul, ws, xs))
    assert ag.sum(xs) == ag.sum(map(Value, xs)).data == total
    assert ag.mean(xs) == total / 7
    assert ag.dot(ws, xs) == functools.reduce(operator.add, products)
    assert ag.dot(ws, xs, 0.7) == ag.dot(ws, xs, Value(0.7)).data == functools.reduce(operator.add, products, 0.7)
    assert total != math.fsum(xs)  # or the test would show nothing


def test_many_operands_are_one_node():
    xs = [Value(float(i)) for i in range(1, 6)]
    for node in (
        ag.sum(xs),
        ag.prod(xs),
        ag.mean(xs),
        ag.norm(xs),
        ag.logsumexp(xs),
        ag.max(xs),
        ag.min(xs),
        *ag.softmax(xs),
    ):
        assert {id(x) for x in node.operands} == set(map(id, xs))
    assert ag.dot(xs, xs).operands == (*xs, *xs)


def test_softmax_sums_to_one_and_its_jacobian_to_zero():
    xs = [Value(x) for x in (0.3, -2.0, 1.7, 1.7)]
    ys = ag.softmax(xs)
    assert math.isclose(sum(y.data for y in ys), 1.0, rel_tol=1e-15)
    ag.sum(ys).backward()
    assert all(abs(x.grad) < 1e-16 for x in xs)


def test_nothing_to_add():
    assert ag.sum([]) == 0.0
    assert ag.prod([]) == 1.0
    assert ag.norm([]) == 0.0
    assert ag.logsumexp([]) == -INF
    assert ag.softmax([]) == []
    assert ag.dot([], []) == 0.0
    bias = Value(2.0)
    assert ag.dot([], [], bias) is bias


@pytest.mark.parametrize("function", [ag.mean, ag.max, ag.min])
def test_nothing_to_choose_from(function):
    with pytest.raises(ValueError, match=f"{function.__name__} needs at least one number"):
        function([])


def test_dot_of_different_lengths():
    with pytest.raises(ValueError, match="have 2 and 3"):
        ag.dot([1.0, 2.0], [1.0, 2.0, 3.0])


# --------------------------------------------------------- the public functions


@every_row
def test_floats_give_floats_and_values_a_value(name):
    op = OPERATIONS[name]
    xs = checks.inside(op, random.Random(name))
    assert type(op.evaluate(*xs)) is float
    node = op.evaluate(*map(Value, xs))
    assert type(node) is Value
    assert node.op is op
    assert len(node.operands) == len(node.partials) == len(xs)
    mixed = op.evaluate(Value(xs[0]), *xs[1:])
    assert mixed.data == node.data == op.evaluate(*xs)
    if name != "identity":
        assert mixed.partials[1:] == (None,) * (len(xs) - 1)
        assert list(map(repr, mixed.partials[:1])) == list(map(repr, node.partials[:1]))  # a nan, or None, as well


@every_row
def test_method_and_function_agree(name):
    op = OPERATIONS[name]
    if not op.method or op.name in ("clip", "leaky_relu", "elu"):
        return
    xs = checks.inside(op, random.Random(name))
    by_method, by_function = getattr(Value(xs[0]), name)(*xs[1:]), getattr(ag, name)(Value(xs[0]), *xs[1:])
    assert by_method.data == by_function.data
    assert by_method.partials == by_function.partials


def test_defaults_of_functions_and_methods():
    x = -2.0
    assert ag.leaky_relu(x) == Value(x).leaky_relu().data == -0.02
    assert ag.elu(x) == Value(x).elu().data == math.expm1(x)
    assert ag.clip(x, low=-1.0) == Value(x).clip(low=-1.0).data == -1.0
    assert ag.clip(x) == x
    assert Value(0.5).clip(Value(1.0), 2.0).data == 1.0


def test_ints_and_numpy_numbers_are_taken_and_others_are_not():
    np = pytest.importorskip("numpy")
    assert ag.exp(1) == ag.exp(np.float32(1.0)) == math.e
    assert ag.hypot(3, np.int64(4)) == 5.0
    for wrong in (True, "1", None, [1.0], 1j):
        with pytest.raises(TypeError, match="one real number"):
            ag.exp(wrong)


@every_row
def test_notation(name):
    op = OPERATIONS[name]
    names = [f"v{i}" for i in range(op.arity or 5)]
    for style in ("text", "latex"):
        for line in (op.write(names, style), *(op.write_derivative(i, names, style, "out") for i in range(len(names)))):
            assert line
            assert "#" not in line
            assert style == "text" or line.count("{") == line.count("}")
        if name != "polygamma":
            assert "v0" in op.write(names, style)


@every_row
def test_domain_and_kinks(name):
    op = OPERATIONS[name]
    assert len(op.domain) == (op.arity or 1)
    if op.kinks is not None:
        xs = checks.inside(op, random.Random(name))
        assert op.kinks(*xs) != 0.0


def test_every_operation_is_public():
    operators = {"add", "sub", "mul", "div", "pow", "floordiv", "mod", "neg", "identity"}
    assert {name for name in BUILT_IN if not hasattr(ag, name)} == operators


# ----------------------------------------------------------- an operation of one's own


@pytest.fixture
def cleaned_table():
    before = dict(OPERATIONS)
    yield
    OPERATIONS.clear()
    OPERATIONS.update(before)


@pytest.mark.usefixtures("cleaned_table")
def test_softmax_of_many_numbers_is_quick_and_careful():
    """One that nearly takes all keeps the digits of 1 − y in its gradient; the operands grow as n ln n, not n²."""
    rng = random.Random(1)
    numbers = [rng.gauss(0.0, 3.0) for _ in range(500)]
    numbers[7] = 40.0
    xs = list(map(Value, numbers))
    ys = ag.softmax(xs)
    assert sum(len(v.operands) for v in ag.topological_order(*ys)) < 20 * len(xs)
    exponentials = [oracles.M.exp(oracles.mpf(x)) for x in numbers]
    total = oracles.M.fsum(exponentials)
    exact = [e / total for e in exponentials]
    # ln of a sum of 500 is off by an ulp of 40 in each of 9 halvings, and the exponential passes that on
    assert all(abs(y.data / float(e) - 1.0) < 1e-13 for y, e in zip(ys, exact, strict=True))
    ys[7].backward()
    slopes = [-exact[7] * e for e in exact]
    slopes[7] = exact[7] * (total - exponentials[7]) / total
    assert all(abs(x.grad / float(slope) - 1.0) < 1e-13 for x, slope in zip(xs, slopes, strict=True))
    plain = ag.softmax(numbers)
    assert plain == [y.data for y in ys]
    assert ag.softmax([-INF, *[0.0] * 40]) == [0.0, *[pytest.approx(1 / 40, rel=1e-15)] * 40]


def test_operands_by_name_and_with_defaults():
    v = Value(3.0)
    assert ag.clip(v, high=2.0).data == v.clip(high=2.0).data == ag.clip(x=v, high=2.0).data == 2.0
    assert ag.elu(-1.0, alpha=2.0) == 2.0 * ag.elu(-1.0)
    wrong = [
        (lambda: ag.clip(), "missing a required argument: 'x'"),
        (lambda: ag.clip(v, 1.0, 2.0, 3.0), "too many positional arguments"),
        (lambda: ag.clip(v, 1.0, low=2.0), "multiple values for argument 'low'"),
        (lambda: v.clip(lower=1.0), "unexpected keyword argument 'lower'"),
        (lambda: v.clip(low=None), "NoneType None was given"),
    ]
    for call, message in wrong:
        with pytest.raises(TypeError, match=message):
            call()


def test_define_an_operation():
    cube = define("cube", lambda x: x * x * x, (lambda y, x: 3.0 * x * x,), text="#0³")
    assert cube(2) == 8.0
    assert cube(Value(2.0)).partials == (12.0,)
    assert derivative(cube, 3)(2.0) == 6.0
    assert check_grad(cube, 0.7, order=2)
    assert numerical_grad(cube, 0.7, method="complex") == pytest.approx(3 * 0.49, rel=1e-15)
    assert OPERATIONS["cube"].write(["z"]) == "z³"
    with pytest.raises(ValueError, match="'cube' exists"):
        define("cube", lambda x: x, (lambda y, x: 1.0,))
    wrong = define("wrong", lambda x: x * x, (lambda y, x: 2.001 * x,))
    with pytest.raises(ag.GradientCheckError, match="'wrong'"):
        check_grad(wrong, 0.7)


@pytest.mark.usefixtures("cleaned_table")
def test_define_an_operation_of_many_operands():
    power_sum = define("power_sum", lambda *xs: ag.sum([x**3 for x in xs]), lambda y, *xs: [3.0 * x * x for x in xs])
    xs = [Value(1.0), Value(2.0)]
    power_sum(*xs).backward()
    assert [x.grad for x in xs] == [3.0, 12.0]
    assert grad(lambda v: power_sum(*v))([1.0, 2.0]) == [3.0, 12.0]


def test_an_operation_needs_a_name_one_can_write():
    with pytest.raises(ValueError, match="identifier"):
        define("two words", lambda x: x, (lambda y, x: 1.0,))


def test_polygamma_needs_a_whole_order():
    for order in (-1.0, 0.5, NAN, 101.0, INF, -INF):
        with pytest.raises(ValueError, match="whole order from 0 to 100"):
            ag.polygamma(order, 1.0)


def test_every_function_of_the_table_is_documented():
    for name in BUILT_IN:
        assert inspect.getdoc(OPERATIONS[name].evaluate)


def test_the_oracles_know_the_limits_of_doubles():
    assert sys.float_info.max == LARGEST
    assert math.ldexp(1.0, -1074) == SUBNORMAL
    assert oracles.ulp(oracles.mpf(1.0)) == math.ulp(1.0)
    assert oracles.ulp(oracles.mpf(SUBNORMAL)) == SUBNORMAL


@pytest.mark.usefixtures("cleaned_table")
def test_a_rule_that_is_no_rule_is_refused():
    for wrong in (None, 3.0, (), (lambda y, x: 1.0, 2.0)):
        with pytest.raises(TypeError, match="derivative is a tuple with a function for each operand"):
            define("odd", lambda x: x, wrong)
    with pytest.raises(ValueError, match="identifier"):
        define("lambda", lambda x: x, (lambda y, x: 1.0,))
    forgetful = define("forgetful", lambda x: x * x, (lambda y, x: None,))
    with pytest.raises(TypeError, match="a derivative rule of forgetful returned None"):
        forgetful(Value(1.0))
    for name, forward, rules, said in (
        ("c1", lambda x: x * x, (lambda y, x: 2j * x,), "a derivative rule of c1 returned 2j, which is no real number"),
        ("c2", lambda x: x * x, (lambda y, x: [2.0],), r"a derivative rule of c2 returned \[2.0\], which is no real"),
        ("c3", lambda *xs: ag.sum(xs), lambda y, *xs: [1j], "the derivative rule of c3 returned 1j, which is no real"),
        ("c4", lambda x: x * 1j, (lambda y, x: 1.0,), "the forward rule of c4 returned 1j, which is no real number"),
        ("c5", lambda x: None, (lambda y, x: 1.0,), "the forward rule of c5 returned None; does it lack its return?"),
    ):
        f = define(name, forward, rules)
        with pytest.raises(TypeError, match=said):
            f(Value(1.0))
    for forward, rules, said in (
        (
            lambda a, b: a * b,
            (lambda y, a, b: b,),
            r"odd has 1 derivative rule, so 1 operand, and forward\(a, b\) cannot",
        ),
        (lambda a, b: a, (lambda y, a, b: b, lambda a, b: 0.0), r"2 operands, and a derivative rule\(a, b\) cannot"),
    ):
        with pytest.raises(TypeError, match=said):
            define("odd", forward, rules)
        assert "odd" not in OPERATIONS
    short = define("short", lambda *xs: ag.sum(xs), lambda y, *xs: [1.0])
    with pytest.raises(
        TypeError, match="the derivative rule of short returns a list with one number for each operand, 2"
    ):
        short(Value(1.0), Value(2.0))


def test_polygamma_of_a_tiny_operand_overflows_to_infinity():
    assert ag.polygamma(5.0, 1e-300) == INF
    assert ag.polygamma(100.0, 1e-3) == -INF
    assert ag.polygamma(99.0, 1e-3) == INF
    assert ag.polygamma(1.0, INF) == 0.0
    assert ag.polygamma(0.0, INF) == INF
    assert ag.polygamma(1.0, -2.0) == INF
    assert math.isnan(ag.polygamma(0.0, -2.0))


# ------------------------------------------------------------- the table of conventions

CONVENTIONS = [
    [cell.strip() for cell in line.split("|")[1:-1]]
    for line in (Path(__file__).parents[1] / "docs" / "conventions.md").read_text("utf-8").splitlines()
    if line.startswith("| `")
]


@pytest.mark.parametrize(("expression", "at", "first", "second", "torch", "why"), CONVENTIONS)
def test_the_documentation_says_what_a_derivative_is_where_there_is_none(expression, at, first, second, torch, why):
    point = dict(entry.split("=") for entry in at.split(", "))
    names = {name: getattr(ag, name) for name in ag.__all__}
    f = eval(f"lambda {', '.join(point)}: {expression.strip('`')}", names)
    numbers = [float(x) for x in point.values()]
    every = tuple(range(len(numbers)))
    for form in (grad(f, every), ag.jit(grad(f, every))):
        assert [x + 0.0 for x in form(*numbers)] == pytest.approx([float(x) for x in first.split(", ")], nan_ok=True)
    assert grad(grad(f))(*numbers) == pytest.approx(float(second), nan_ok=True)


def test_every_kink_of_the_table_is_in_the_documentation():
    text = (Path(__file__).parents[1] / "docs" / "conventions.md").read_text("utf-8")
    for op in OPERATIONS.values():
        if op.kinks is not None and op.method:
            assert f"`{op.name}" in text, op.name


@pytest.mark.parametrize("op", OPERATIONS.values(), ids=lambda op: op.name)
def test_an_overflow_elsewhere_changes_nothing(op):
    numbers = [0.0, 1.0, -2.5, 1e308, INF, -INF, NAN]  # some C functions leave errno behind, and some look at it
    for point in itertools.product(numbers, repeat=op.arity or 2):
        if op.name == "polygamma" and point[0] not in (0.0, 1.0):
            continue
        math.sqrt(1.0)
        before = op.evaluate(*point)
        with contextlib.suppress(OverflowError):
            math.exp(1000.0)
        assert same(op.evaluate(*point), before), point
