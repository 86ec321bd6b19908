"""The transformations: right to any order, in any mixture, for any structure, and free of side effects."""

import collections
import dataclasses
import itertools
import math
import random
import typing

import mpmath
import numpy as np
import pytest

import autograd as ag
from autograd import (
    OPERATIONS,
    Value,
    define,
    derivative,
    grad,
    gradients,
    hessian,
    hvp,
    jacobian,
    jvp,
    value_and_grad,
    vjp,
)
from tests import checks
from tests.oracles import ORACLES, M, mpf

# ---------------------------------------------------------------- first order


def test_grad_of_one_number():
    assert grad(lambda x: x**3)(2.0) == 12.0
    assert grad(lambda x: x**3)(2) == 12.0
    assert grad(lambda x: x**3)(np.float64(2)) == 12.0
    assert value_and_grad(lambda x: x**3)(2.0) == (8.0, 12.0)
    assert type(grad(lambda x: x**3)(2.0)) is float


def test_argnums():
    f = lambda a, b, c=1.0: a * b**2 * c
    assert grad(f)(2.0, 3.0) == 9.0
    assert grad(f, 1)(2.0, 3.0) == 12.0
    assert grad(f, -1)(2.0, 3.0) == 12.0
    assert grad(f, (0, 1))(2.0, 3.0) == (9.0, 12.0)
    assert grad(f, [1])(2.0, 3.0) == (12.0,)
    assert grad(f, (1, 0))(2.0, 3.0, c=2.0) == (24.0, 18.0)
    assert value_and_grad(f, (0, 1))(2.0, 3.0) == (18.0, (9.0, 12.0))
    assert jacobian(lambda a, b: [a * b, a], (0, 1))(2.0, 3.0) == [(3.0, 2.0), (1.0, 0.0)]
    for wrong in (2, -3):
        with pytest.raises(TypeError, match=f"argnums names argument {wrong}, and the function was called with 2"):
            grad(f, wrong)(2.0, 3.0)


@dataclasses.dataclass
class Line:
    slope: float
    offset: float
    label: str = dataclasses.field(default="line", init=False)


class Pair(typing.NamedTuple):
    left: float
    right: float


def test_the_gradient_has_the_structure_of_the_argument():
    assert grad(lambda p: p[0] * p[1])([2.0, 3.0]) == [3.0, 2.0]
    assert grad(lambda p: p[0] * p[1])((2.0, 3.0)) == (3.0, 2.0)
    assert grad(lambda p: p["a"] * p["b"][0])({"a": 2.0, "b": (3.0,)}) == {"a": 3.0, "b": (2.0,)}
    assert grad(lambda p: p.left * p.right)(Pair(2.0, 3.0)) == Pair(3.0, 2.0)
    line = grad(lambda p: p.slope * 4.0 + p.offset)(Line(2.0, 1.0))
    assert (type(line), line.slope, line.offset) == (Line, 4.0, 1.0)
    nested = {"layers": [{"w": [[1.0, 2.0], [3.0, 4.0]], "b": (0.5, 0.25)}], "scale": 3}
    total = lambda p: ag.sum(w * w for row in p["layers"][0]["w"] for w in row) * p["scale"]
    assert grad(total)(nested) == {"layers": [{"w": [[6.0, 12.0], [18.0, 24.0]], "b": (0.0, 0.0)}], "scale": 30.0}
    assert grad(lambda p: 1.0)([]) == []


def test_arrays():
    gradient = grad(lambda a: (a * a).sum())(np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert isinstance(gradient, np.ndarray)
    assert gradient.dtype == float
    assert gradient.tolist() == [[2.0, 4.0], [6.0, 8.0]]
    rows = jacobian(lambda a: a * 2.0)(np.array([1.0, 2.0]))
    assert [list(row) for row in rows] == [[2.0, 0.0], [0.0, 2.0]]


@pytest.mark.parametrize(
    ("argument", "place"),
    [("text", ""), (None, ""), ([1.0, "x"], r" at \[1\]"), ({"w": [1.0, None]}, r" at \['w'\]\[1\]"), (True, "")],
)
def test_what_is_no_structure_of_numbers_is_refused_with_its_place(argument, place):
    with pytest.raises(TypeError, match=f"a number, or a list.*was given{place}"):
        grad(lambda x: x)(argument)


@pytest.mark.parametrize("result", [[1.0, 2.0], {"a": 1.0, "b": 2.0}, [3.0], []])
def test_grad_of_more_than_one_number_is_refused(result):
    with pytest.raises(TypeError, match=r"grad needs a function that returns one number.*use jacobian or vjp"):
        grad(lambda x: result)(1.0)


def test_a_function_that_returns_no_number_is_refused():
    for result in (None, "x", [1.0, None]):
        with pytest.raises(TypeError, match="the function returned"):
            grad(lambda x, result=result: result)(1.0)


def test_no_dependence_is_zero():
    assert grad(lambda x: 5.0)(1.0) == 0.0
    assert grad(lambda x, y: x * 2.0, 1)(1.0, 2.0) == 0.0
    assert grad(lambda x: x * 0.0)(1.0) == 0.0
    assert jacobian(lambda x: [x, 3.0])(1.0) == [1.0, 0.0]
    assert hessian(lambda x: 2.0 * x)(1.0) == 0.0
    assert jvp(lambda x: 3.0, (1.0,), (1.0,)) == (3.0, 0.0)
    assert vjp(lambda x: [3.0, x], 1.0)[1]([1.0, 1.0]) == (1.0,)
    assert derivative(lambda x: x * x, 5)(3.0) == 0.0


def test_jacobian_has_the_outputs_structure_of_the_arguments():
    f = lambda p: {"product": p[0] * p[1], "both": (p[0] + p[1], p[0].exp())}
    found = jacobian(f)([2.0, 5.0])
    assert found == {"product": [5.0, 2.0], "both": ([1.0, 1.0], [math.exp(2.0), 0.0])}
    assert jacobian(lambda x: x * x)(3.0) == 6.0


def test_vjp_and_jvp_are_the_jacobian_from_both_sides():
    def f(a, p):
        return [a * p["x"], ag.hypot(a, p["y"]), p["x"] / p["y"]]

    a, p = 2.0, {"x": 3.0, "y": 4.0}
    matrix = jacobian(f, (0, 1))(a, p)
    rows = [[row[0], row[1]["x"], row[1]["y"]] for row in matrix]
    weights, direction = [0.5, -2.0, 3.0], [1.5, -0.5, 0.25]
    value, pull = vjp(f, a, p)
    assert value == [6.0, math.hypot(2.0, 4.0), 0.75]
    by_a, by_p = pull(weights)
    columns = [sum(w * row[j] for w, row in zip(weights, rows, strict=True)) for j in range(3)]
    assert [by_a, by_p["x"], by_p["y"]] == pytest.approx(columns, rel=1e-14)
    assert pull([0.0, 0.0, 1.0])[1]["x"] == 0.25  # again, with the same run
    value, along = jvp(f, (a, p), (1.5, {"x": -0.5, "y": 0.25}))
    assert along == pytest.approx([sum(r * d for r, d in zip(row, direction, strict=True)) for row in rows], rel=1e-14)


def test_cotangents_and_tangents_of_the_wrong_length_are_refused():
    with pytest.raises(ValueError, match=r"^the cotangent .* 2 .* 1 "):
        vjp(lambda x: [x, x], 1.0)[1]([1.0])
    with pytest.raises(ValueError, match=r"^the tangents? .* 1 .* 2 "):
        jvp(lambda x: x, (1.0,), (1.0, 2.0))


def test_derivative_of_a_wrong_order():
    for wrong in (-1, 1.0, True, "1"):
        with pytest.raises(ValueError, match="order is a whole number, 0 or more"):
            derivative(lambda x: x, wrong)
    assert derivative(lambda x: x, 0)(3.0) == 3.0


# ---------------------------------------------------------------- higher orders

SMOOTH = {
    "sin(exp(x))": (lambda x: x.exp().sin(), lambda x: mpmath.sin(mpmath.exp(x))),
    "x**3.5 log x": (lambda x: x**3.5 * x.log(), lambda x: x ** mpmath.mpf(3.5) * mpmath.log(x)),
    "2**x / (1 + x²)": (lambda x: 2.0**x / (1.0 + x * x), lambda x: mpmath.mpf(2) ** x / (1 + x * x)),
    "tanh": (lambda x: x.tanh(), mpmath.tanh),
    "softplus": (lambda x: x.softplus(), lambda x: mpmath.log1p(mpmath.exp(x))),
    "erf": (lambda x: x.erf(), mpmath.erf),
    "lgamma": (lambda x: x.lgamma(), mpmath.loggamma),
    "gelu": (lambda x: x.gelu(), lambda x: x * mpmath.ncdf(x)),
    "mish": (lambda x: x.mish(), lambda x: x * mpmath.tanh(mpmath.log1p(mpmath.exp(x)))),
    "cbrt": (lambda x: x.cbrt(), mpmath.cbrt),
    "atan2": (lambda x: ag.atan2(x, 2.0 - x), lambda x: mpmath.atan2(x, 2 - x)),
    "logsumexp": (lambda x: ag.logsumexp([x, 2.0 * x]), lambda x: mpmath.log(mpmath.exp(x) + mpmath.exp(2 * x))),
    "norm": (lambda x: ag.norm([x, 2.0, x * x]), lambda x: mpmath.sqrt(x * x + 4 + x**4)),
    "x**x": (lambda x: x**x, lambda x: x**x),
}  # fmt: skip


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
def test_derivatives_to_the_fifth_order(name, order):
    ours, exact = SMOOTH[name]
    for x in (0.75, 1.3):
        with mpmath.workdps(40):
            want = mpmath.diff(exact, mpmath.mpf(x), order)
            scale = 1 + max(abs(mpmath.diff(exact, mpmath.mpf(x), n)) for n in range(order + 1))
        assert abs(derivative(ours, order)(x) - want) <= 1e-12 * scale


@pytest.mark.parametrize("name", OPERATIONS)
def test_hessian_of_every_operation(name):
    """Through a mixture: hessian of a graph around the operation, against mpmath; and jvp of grad, and grad of jvp."""
    op = OPERATIONS[name]
    xs = checks.inside(op, random.Random(name))
    which = checks.smooth_operands(op, xs)
    oracle = ORACLES[name]

    def full(free):
        operands = list(xs)
        for i, x in zip(which, free, strict=True):
            operands[i] = x
        return operands

    def f(free):
        y = op.evaluate(*full(free))
        return y * y * 0.5 + free[0] * y

    def exact(*free):
        y = oracle.value(*[mpf(x) for x in full(free)])
        return y * y / 2 + free[0] * y

    start = [xs[i] for i in which]
    rows = hessian(f)(start)
    y = mpf(op.evaluate(*xs))
    for i, j in itertools.product(range(len(which)), repeat=2):
        orders = [0] * len(which)
        orders[i] += 1
        orders[j] += 1
        if name in checks.STEPS - {"mod"} or op.kinks is not None:
            want = _second_of_f(oracle, [mpf(x) for x in xs], which, i, j, y)
        else:
            want = M.diff(exact, tuple(mpf(x) for x in start), tuple(orders))
        assert abs(rows[i][j] - want) <= 1e-11 * (1 + abs(want) + y * y), (i, j, rows[i][j], M.nstr(want, 17))
    direction = [1.0 - 0.5 * i for i in range(len(which))]
    products = [sum(h * d for h, d in zip(row, direction, strict=True)) for row in rows]
    close = pytest.approx(products, rel=1e-11, abs=1e-11)
    assert hvp(f, (start,), (direction,))[0] == close
    assert jvp(grad(f), (start,), (direction,))[1] == close
    assert grad(lambda p: jvp(f, (p,), (direction,))[1])(start) == close
    assert vjp(grad(f), start)[1](direction)[0] == close


def _second_of_f(oracle, xs, which, i, j, y):
    """The same where the operation is linear or constant on either side of its kinks: by the product rule.

    f = y²/2 + x₀y, so f_ij = y_i y_j + (y + x₀) y_ij + [i=0] y_j + [j=0] y_i.
    """
    slopes = oracle.slopes(*xs)
    along = lambda z: oracle.slopes(*[z if k == which[j] else x for k, x in enumerate(xs)])[which[i]]
    bend = M.diff(along, xs[which[j]])
    first, second = slopes[which[i]], slopes[which[j]]
    return first * second + (y + xs[which[0]]) * bend + (second if i == 0 else 0) + (first if j == 0 else 0)


# ----------------------------------------------------------- nesting and mixing


def test_perturbation_confusion():
    """Siskind and Pearlmutter's example: the inner derivative must not see the outer variable."""
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(1.0) == 1.0
    assert grad(lambda x: x * grad(lambda y: x + y)(x))(1.0) == 1.0
    assert grad(lambda x: x * grad(lambda y: x * y)(2.0))(3.0) == 6.0
    assert grad(lambda x: x * jvp(lambda y: x + y, (1.0,), (1.0,))[1])(1.0) == 1.0
    assert jvp(lambda x: x * grad(lambda y: x + y)(1.0), (1.0,), (1.0,)) == (1.0, 1.0)
    assert jvp(lambda x: x * jvp(lambda y: x * y, (2.0,), (1.0,))[1], (3.0,), (1.0,)) == (9.0, 6.0)
    assert jvp(lambda x: x * jvp(lambda y: x + y, (x,), (1.0,))[1], (1.0,), (1.0,)) == (1.0, 1.0)


def test_the_inner_variable_depends_on_the_outer():
    # d/dx [ x · d/dy (y³ x) at y = x² ] = d/dx 3x⁶ = 18x⁵
    f = lambda x: x * grad(lambda y: y**3 * x)(x * x)
    assert f(2.0) == 192.0
    assert grad(f)(2.0) == 18.0 * 32
    assert grad(grad(f))(2.0) == 90.0 * 16
    # an inner derivative by the outer variable itself, and three deep
    assert grad(lambda x: grad(lambda y: grad(lambda z: x * y * z * z)(y))(x))(2.0) == 16.0


def test_a_mixture_of_all():
    f = lambda x, y: (x * y).sin() * y
    x, y = 0.7, 1.3
    # ∂²f/∂x∂y by six roads
    want = 2 * y * math.cos(x * y) - x * y * y * math.sin(x * y)
    roads = [
        grad(lambda b: grad(f, 0)(x, b))(y),
        grad(lambda a: grad(f, 1)(a, y))(x),
        jvp(lambda b: grad(f)(x, b), (y,), (1.0,))[1],
        grad(lambda b: jvp(lambda a: f(a, b), (x,), (1.0,))[1])(y),
        jvp(lambda b: jvp(lambda a: f(a, b), (x,), (1.0,))[1], (y,), (1.0,))[1],
        hessian(lambda p: f(*p))([x, y])[0][1],
    ]
    assert roads == pytest.approx([want] * 6, rel=1e-14)
    assert jacobian(jacobian(lambda p: [f(*p), p[0]]))([x, y])[0][1][0] == pytest.approx(want, rel=1e-14)


def test_hessian_structures():
    found = hessian(lambda p: p["a"] * p["a"] * p["b"][0])({"a": 3.0, "b": [2.0]})
    assert found == {"a": {"a": 4.0, "b": [6.0]}, "b": [{"a": 6.0, "b": [0.0]}]}
    assert hessian(lambda a, b: a * a * b, (0, 1))(3.0, 2.0) == ((4.0, 6.0), (6.0, 0.0))
    assert hvp(lambda a, b: a * a * b, (3.0, 2.0), (1.0, 10.0)) == (64.0, 6.0)


# ------------------------------------------------- Values, captured and given


def test_floats_for_floats_and_values_for_values():
    f = lambda x: x * x * x
    for transformed in (grad(f), derivative(f, 2), jacobian(f), hessian(f), lambda x: jvp(f, (x,), (1.0,))[1]):
        assert type(transformed(2.0)) is float
        assert type(transformed(Value(2.0))) is Value
    linear = grad(lambda x: 2.0 * x)(Value(3.0))
    assert isinstance(linear, Value)
    assert linear.data == 2.0
    assert grad(lambda x: 5.0)(Value(3.0)).data == 0.0
    assert all(isinstance(h, Value) for row in hessian(lambda p: p[0] * p[1])([Value(1.0), Value(2.0)]) for h in row)
    assert all(type(h) is float for row in hessian(lambda p: p[0] * p[1])([1.0, 2.0]) for h in row)


def test_a_gradient_of_values_can_be_differentiated_again():
    x = Value(2.0)
    slope = grad(lambda t: t**3)(x)
    slope.backward()
    assert slope.data == 12.0
    assert x.grad == 12.0


def test_captured_values_are_in_the_graph():
    w = Value(3.0, name="w")
    slope = grad(lambda x: w * x * x)(2.0)
    assert isinstance(slope, Value)
    assert slope.data == 12.0
    slope.backward()
    assert w.grad == 4.0
    value, slope = value_and_grad(lambda x: w * x)(2.0)
    assert gradients(value, w) == 2.0
    assert gradients(slope, w) == 1.0
    bent = hessian(lambda x: w * x**3)(2.0)
    assert gradients(bent, w) == 12.0
    _, along = jvp(lambda x: w * x * x, (2.0,), (1.0,))
    assert gradients(along, w) == 4.0


def test_a_frozen_capture_is_a_constant():
    w = Value(3.0)
    w.requires_grad = False
    assert grad(lambda x: w * x * x)(2.0) == 12.0
    assert type(grad(lambda x: w * x * x)(2.0)) is float


def test_no_grad_attribute_is_touched():
    w, x = Value(3.0), Value(2.0)
    x.grad = 0.125
    f = lambda t: w * t * t
    grad(f)(x)
    hessian(f)(x)
    jvp(f, (x,), (1.0,))
    vjp(f, x)[1](1.0)
    gradients(f(x), [w, x])
    gradients(f(x), [w, x], create_graph=True)
    assert not w.has_grad
    assert x.grad == 0.125


def test_inside_no_grad_the_results_are_numbers():
    w = Value(3.0)
    with ag.no_grad():
        assert grad(lambda x: w * x * x)(2.0) == 12.0
        assert type(grad(lambda x: w * x * x)(2.0)) is float
        assert grad(grad(lambda x: x**3))(2.0) == 12.0
        assert hessian(lambda p: p[0] * p[1])([1.0, 2.0]) == [[0.0, 1.0], [1.0, 0.0]]
        assert (w * w).operands == ()
    with_inside = grad(lambda x: x * x * ag.no_grad()(lambda: x * 1.0)())
    assert with_inside(3.0) == 18.0  # the factor under no_grad counts as a constant


# ------------------------------------------------------------------ gradients


def test_gradients_of_values():
    a, b, c = Value(2.0), Value(3.0), Value(5.0)
    h = a * b
    y = h * h + a
    assert gradients(y, a) == 37.0
    assert gradients(y, [a, {"b": b, "c": c}]) == [37.0, {"b": 24.0, "c": 0.0}]
    assert gradients(y, h) == 12.0
    assert gradients(y, y) == 1.0
    assert gradients(y, (a, b), seed=0.5) == (18.5, 12.0)


def test_an_input_that_another_input_depends_on():
    a = Value(2.0)
    h = a * a
    y = h * 3.0 + a
    assert gradients(y, [a, h, y]) == [13.0, 3.0, 1.0]
    assert gradients(y, [h, a]) == [3.0, 13.0]


def test_gradients_again_and_again():
    x = Value(1.5)
    y = x.exp() * x
    for n in range(1, 6):
        y = gradients(y, x, create_graph=True)
        assert y.data == pytest.approx(math.exp(1.5) * (1.5 + n), rel=1e-14)
    constant = gradients(2.0 * x, x, create_graph=True)
    assert gradients(constant, x) == 0.0


def test_gradients_needs_values():
    x = Value(1.0)
    with pytest.raises(TypeError, match=r"gradients needs Values, and float 2.0 was given; wrap it: Value\(2.0\)"):
        gradients(2.0, x)
    with pytest.raises(TypeError, match=r"float 3\.0"):
        gradients(x * x, [x, 3.0])


def test_the_gradient_is_that_of_backward_to_the_bit():
    rng = random.Random(3)
    for _ in range(50):
        xs = [Value(rng.gauss(0, 1)) for _ in range(5)]
        y = ag.sum([a * b.tanh() + ag.softplus(a) for a, b in itertools.combinations(xs, 2)]) / ag.norm(xs)
        found = gradients(y, xs)
        y.backward()
        assert found == pytest.approx([x.grad for x in xs], rel=1e-14, abs=1e-16)


# ------------------------------------------------------- structures and anomalies


def test_cotangents_and_tangents_have_the_structure_of_what_they_go_with():
    _, pull = vjp(lambda p: {"y": [p["a"], p["a"] * 2.0]}, {"a": 3.0})
    assert pull({"y": [1.0, 10.0]}) == ({"a": 21.0},)
    assert pull({"y": (1, np.float64(10))}) == ({"a": 21.0},)
    for wrong in (1.0, [1.0, 10.0], {"z": [1.0, 10.0]}, {"y": [1.0]}, {"y": {"a": 1.0, "b": 1.0}}, {"y": "ab"}):
        with pytest.raises(ValueError, match="cotangent"):
            pull(wrong)
    for wrong in (([1.0, 2.0],), ({"a": [1.0]},), ({"b": 1.0},), (1.0,), ()):
        with pytest.raises(ValueError, match="tangent"):
            jvp(lambda p: p["a"], ({"a": 3.0},), wrong)
    for nothing in (np.bool_(True), np.complex128(1j), np.array(1.0)):  # they can be indexed and have no length
        with pytest.raises(ValueError, match=f"2 entries at .* and {type(nothing).__name__} was"):
            jvp(lambda x: x[0], ([1.0, 2.0],), (nothing,))
    with pytest.raises(ValueError, match=r"one number at \[0\], and list was given"):
        jvp(lambda x: x, (np.float64(1.0),), ([1.0, 2.0],))
    with pytest.raises(ValueError, match=r"the tangents? .* 2 entries at .* and set was given"):  # which has no order
        jvp(lambda p: p[0] * p[1], ([3.0, 2.0],), ({1.0, 10.0},))
    assert jvp(lambda p: p.slope * p.offset, (Line(2.0, 3.0),), (Line(1.0, 10.0),)) == (6.0, 23.0)


def test_the_arguments_of_jvp_and_hvp_come_in_a_list():
    for transformation in (jvp, hvp):
        with pytest.raises(TypeError, match="an entry for each argument"):
            transformation(lambda x: x * x, 3.0, (1.0,))
        with pytest.raises(TypeError, match="an entry for each argument"):
            transformation(lambda x: x * x, (3.0,), 1.0)


def test_argnums_that_make_no_sense():
    f = lambda a, b: a * b
    for wrong in (1.0, "0", None, True, [0, "1"]):
        with pytest.raises(TypeError, match="argnums"):
            grad(f, wrong)(1.0, 2.0)
    with pytest.raises(ValueError, match="twice"):
        grad(f, (1, -1))(1.0, 2.0)
    with pytest.raises(TypeError, match="by position"):
        grad(f)(a=1.0, b=2.0)


def test_other_kinds_of_dict_keep_their_kind():
    counted = collections.defaultdict(float, {"b": 2.0, "a": 3.0})
    found = grad(lambda p: p["a"] * p["b"])(counted)
    assert type(found) is collections.defaultdict
    assert list(found.items()) == [("b", 3.0), ("a", 2.0)]
    assert dict(counted) == {"b": 2.0, "a": 3.0}


def test_anomalies_are_found_in_gradients_too():
    with ag.detect_anomaly():
        with pytest.raises(ag.AnomalyError, match=r"backward pass, sqrt of 0.0 made inf for operand 0"):
            grad(lambda x: x.sqrt())(0.0)
        with pytest.raises(ag.AnomalyError, match=r"log made -inf out of 0.0"):
            grad(lambda x: x.log())(0.0)
        assert grad(grad(lambda x: x.sqrt()))(4.0) == -1 / 32
    assert grad(lambda x: x.sqrt())(0.0) == math.inf


# The rules of these are even in x, and must not be written with abs, whose derivative at 0 is 0 by convention.
@pytest.mark.parametrize(
    "name",
    [
        "asinh",
        "atan",
        "elu",
        "erf",
        "exp",
        "gelu",
        "log1p",
        "logsigmoid",
        "mish",
        "ndtr",
        "sigmoid",
        "silu",
        "sin",
        "softplus",
        "tan",
        "tanh",
    ],
)
def test_every_order_at_zero(name):
    with mpmath.workdps(50):
        exact = mpmath.taylor(AT_ZERO[name], 0, 5)
    for order in range(6):
        want = float(exact[order] * mpmath.factorial(order))
        if name == "elu":  # its derivative at 0 is the left one
            want = 1.0 if order else 0.0
        # 1e-12 leaves room for the cancellation of terms of size 100 in fifth derivatives
        assert derivative(getattr(ag, name), order)(0.0) == pytest.approx(want, rel=1e-12, abs=1e-12), order


AT_ZERO = {
    "asinh": mpmath.asinh,
    "atan": mpmath.atan,
    "elu": mpmath.expm1,
    "erf": mpmath.erf,
    "exp": mpmath.exp,
    "gelu": lambda x: x * mpmath.ncdf(x),
    "log1p": lambda x: mpmath.log(1 + x),
    "logsigmoid": lambda x: -mpmath.log(1 + mpmath.exp(-x)),
    "mish": lambda x: x * mpmath.tanh(mpmath.log(1 + mpmath.exp(x))),
    "ndtr": mpmath.ncdf,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "silu": lambda x: x / (1 + mpmath.exp(-x)),
    "sin": mpmath.sin,
    "softplus": lambda x: mpmath.log(1 + mpmath.exp(x)),
    "tan": mpmath.tan,
    "tanh": mpmath.tanh,
}


def test_cotangents_and_tangents_are_matched_by_key():
    _, pull = vjp(lambda a, b: {"u": a * b, "v": a + b}, 2.0, 5.0)
    assert pull({"u": 1.0, "v": 0.0}) == pull({"v": 0.0, "u": 1.0}) == (5.0, 2.0)
    with pytest.raises(ValueError, match=r"the keys \['u', 'v'\], and a dict with the keys \['w'\] was given"):
        pull({"w": 1.0})
    point, tangent = {"a": 2.0, "b": 5.0}, {"b": 1.0, "a": 0.0}
    assert jvp(lambda p: p["a"] * p["b"], (point,), (tangent,)) == (10.0, 2.0)
    with pytest.raises(ValueError, match="2 entries at \\[0\\], and 1 entries was given"):
        jvp(lambda p: p[0] * p[1], ([1.0, 2.0],), ([1.0],))


@pytest.mark.parametrize("argnums", [(0, 0), (0, -1)])
def test_an_argument_named_twice(argnums):
    with pytest.raises(ValueError, match="twice"):
        grad(lambda a: a**3, argnums)(2.0)


@pytest.mark.parametrize("argnums", ["x", False, 1.0, None])
def test_argnums_that_are_no_position(argnums):
    with pytest.raises(TypeError, match="argnums is the position"):
        grad(lambda a: a**3, argnums)(2.0)


def test_kinds_of_dict_are_kept():
    from collections import OrderedDict, defaultdict

    slopes = grad(lambda p: p["a"] * p["a"])(OrderedDict(a=3.0))
    assert type(slopes) is OrderedDict
    assert slopes == {"a": 6.0}
    assert grad(lambda p: p["a"] * p["a"] + p["unknown"])(defaultdict(float, a=3.0))["a"] == 6.0


# ------------------------------------------------- floats in, floats out, at every depth

TRANSFORMED = {  # of a function x ↦ w·w·x·x at x = 3: a number that depends on w
    "grad": lambda f: grad(f)(3.0),
    "value_and_grad": lambda f: value_and_grad(f)(3.0)[1],
    "derivative": lambda f: derivative(f, 2)(3.0),
    "jacobian": lambda f: jacobian(lambda p: [f(p[0])])([3.0])[0][0],
    "hessian": lambda f: hessian(lambda p: f(p[0]))([3.0])[0][0],
    "jvp": lambda f: jvp(f, (3.0,), (1.0,))[1],
    "vjp": lambda f: vjp(f, 3.0)[1](1.0)[0],
    "hvp": lambda f: hvp(f, (3.0,), (1.0,))[0],
}


@pytest.mark.parametrize("inner", TRANSFORMED)
@pytest.mark.parametrize("outer", TRANSFORMED)
def test_nested_transformations_of_floats_give_floats(outer, inner):
    result = TRANSFORMED[outer](lambda w: TRANSFORMED[inner](lambda x: w * w * x * x))
    by_x = 2.0 if inner in ("derivative", "hessian", "hvp") else 6.0
    by_w = 2.0 if outer in ("derivative", "hessian", "hvp") else 6.0
    assert type(result) is float
    assert result == by_x * by_w


def test_a_value_from_outside_still_makes_a_graph():
    w = Value(2.0)
    slope = grad(lambda x: w * grad(lambda z: w * z * z)(x))(3.0)
    assert type(slope) is Value
    slope.backward()
    assert (slope.data, w.grad) == (8.0, 8.0)  # 2w², 4w


def test_a_loop_of_nested_transformations_looks_at_its_own_nodes_only(monkeypatch):
    from autograd import functional

    visited = 0

    def counted(*outputs, **options):
        nonlocal visited
        order = ag.topological_order(*outputs, **options)
        visited += len(order)
        return order

    def outer(w, turns):
        x = 0.3
        for _ in range(turns):
            x = x + 0.1 * grad(lambda z: ag.sin(w * z))(x)
        return x

    monkeypatch.setattr(functional, "topological_order", counted)
    counts = []
    for turns in (50, 100):
        visited = 0
        grad(outer)(1.1, turns)
        counts.append(visited)
    assert counts[1] < 2.2 * counts[0]  # one turn costs what it is made of, whatever came before it


def test_a_changed_leaf_has_no_graph_of_derivatives():
    x, w = Value(3.0), Value(1.0)
    y = x * x * x + w
    x.data = 5.0
    assert gradients(y, x) == 27.0
    with pytest.raises(RuntimeError, match=r"since mul was computed the data of a Value was changed: .* was 3\.0 then"):
        gradients(y, x, create_graph=True)
    assert gradients(y, w, create_graph=True).data == 1.0
    x.data = 3.0
    assert gradients(y, x, create_graph=True).data == 27.0


def test_a_rule_that_rounds_otherwise_for_floats_is_no_changed_leaf():
    # as fsum, NumPy's functions of floats, or from Python 3.12 on sum(), differ from the additions that Values record
    third = lambda x: x / 3.0 if isinstance(x, float) else x * (1.0 / 3.0)
    op = define("third_of_square", lambda x: x * x / 3.0, (lambda y, x: 2.0 * third(x),))
    try:
        points = [0.1 * k for k in range(1, 30)]
        assert any(2.0 * third(x) != 2.0 * third(Value(x)).data for x in points)
        for x in points:
            assert derivative(op, 2)(x) == pytest.approx(2.0 / 3.0, rel=1e-15)  # a rounding or two
        x = Value(3.0)
        y = op(x)
        x.data = 4.0
        with pytest.raises(RuntimeError, match="third_of_square was computed the data of a Value was changed"):
            gradients(y, x, create_graph=True)
    finally:
        del OPERATIONS["third_of_square"]


@pytest.mark.parametrize("op", OPERATIONS.values(), ids=lambda op: op.name)
def test_stored_derivatives_and_their_graph_agree_to_the_bit(op):
    numbers = [0.0, -0.0, 0.5, 1.0, -1.5, 2.0, 1e308, -1e-310, math.inf, -math.inf, math.nan]
    for point in itertools.product(numbers, repeat=op.arity or 3):
        if op.name == "polygamma" and point[0] not in (0.0, 1.0, 2.0):
            continue
        inputs = [Value(x) for x in point]
        y = op.evaluate(*inputs)
        stored = gradients(y, inputs)
        graph = [slope.data for slope in gradients(y, inputs, create_graph=True)]
        assert list(map(repr, stored)) == list(map(repr, graph)), point


# ------------------------------------------------------------- containers of any kind


def test_containers_are_built_anew():
    f = lambda c: c["a"] * c["b"]
    counter = collections.Counter(a=2, b=3)
    assert grad(f)(counter) == collections.Counter(a=3.0, b=2.0)
    assert counter == collections.Counter(a=2, b=3)
    assert grad(lambda c: f(c) + c["missing"])(counter) == {"a": 3.0, "b": 2.0}  # a Counter has 0 there
    for kind in (collections.Counter, collections.OrderedDict, dict):
        result = grad(f)(kind(b=3.0, a=2.0))
        assert type(result) is kind
        assert list(result.items()) == [("b", 2.0), ("a", 3.0)]
    default = grad(lambda c: f(c) + sum(c["none"]))(collections.defaultdict(list, a=2.0, b=3.0))
    assert (type(default), default.default_factory, dict(default)) == (
        collections.defaultdict,
        list,
        {"a": 3.0, "b": 2.0},
    )


def test_frozen_dataclasses_and_named_tuples_are_built_anew():
    @dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
    class Frozen:
        a: float
        b: float

    assert grad(lambda p: p.a * p.b)(Frozen(a=2.0, b=3.0)) == Frozen(a=3.0, b=2.0)
    assert grad(lambda p: p.left * p.right)(Pair(2.0, 3.0)) == Pair(3.0, 2.0)
    y, slope = jvp(lambda p: Pair(p.a * p.b, p.a), (Frozen(a=2.0, b=3.0),), (Frozen(a=1.0, b=10.0),))
    assert (y, slope) == (Pair(6.0, 2.0), Pair(23.0, 1.0))


def test_arrays_without_axes_are_numbers():
    square = lambda x: x * x
    a, one = np.array(3.0), np.array(1.0)
    assert repr(grad(square)(a)) == "array(6.)"
    assert jvp(square, (a,), (one,)) == (9.0, 6.0)
    assert jvp(square, (3.0,), (one,)) == (9.0, 6.0)
    assert jvp(square, (a,), (1.0,)) == (9.0, 6.0)
    assert repr(vjp(square, a)[1](one)) == "(array(6.),)"
    assert vjp(square, 3.0)[1](one) == (6.0,)
    assert hvp(square, (a,), (one,))[0] == 2.0


def test_a_masked_tangent_is_refused():
    masked = np.ma.masked_array([1.0, 2.0], [False, True])  # the hidden entry would count as 0
    with pytest.raises(ValueError, match=r"2 entries at .*, and a masked array was given"):
        jvp(lambda p: p[0] * p[1], ([1.0, 2.0],), (masked,))
    with pytest.raises(ValueError, match="2 entries, and a masked array was given"):
        vjp(lambda x: [x, x], 1.0)[1](masked)


class Labelled:
    """An array of another library, with labels, as pandas has them: NumPy can read it, and it has no ravel."""

    def __init__(self, numbers):
        self._array = np.array(numbers)
        self.dtype, self.shape = self._array.dtype, self._array.shape

    def __array__(self, dtype=None, copy=None):
        return self._array if dtype is None else self._array.astype(dtype)


def test_an_array_of_another_library_is_taken_as_one_of_numpy():
    gradient = grad(lambda x: (x * x).sum())(Labelled([1.0, 2.0]))
    assert type(gradient) is np.ndarray
    assert gradient.tolist() == [2.0, 4.0]


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.array([1j]), r"an array of complex128 was given at \[0\]"),
        (np.array([True]), r"an array of bool; convert it: x\.astype\(float\), was given"),
        (np.zeros(2, dtype=[("a", float)]), r"an array of \[\('a', '<f8'\)\] was given"),
        (np.array(["2020-01-01"], dtype="M8[D]"), r"an array of datetime64\[D\] was given"),
        (np.array(["x"], dtype=object), r"str was given at \[0\]\[0\]"),
        (np.ma.masked_array([1.0, 2.0], [False, True]), r"a masked array, .*give x\.compressed\(\)"),
    ],
)
def test_an_array_that_is_refused_is_named(array, said):
    with pytest.raises(TypeError, match=said):
        grad(lambda x: 1.0 * x[0][0])([array])


def test_anomalies_in_forward_mode():
    with ag.detect_anomaly():
        with pytest.raises(ag.AnomalyError, match=r"in the forward pass, sqrt of 0\.0 made inf .* the tangent 1\.0"):
            jvp(ag.sqrt, (0.0,), (1.0,))
        with pytest.raises(ag.AnomalyError, match=r"in the forward pass, sqrt of 0\.0 made nan .* the tangent 0\.0"):
            jvp(ag.sqrt, (0.0,), (0.0,))
        assert jvp(ag.sqrt, (4.0,), (1.0,)) == (2.0, 0.25)
        assert jvp(lambda x: x * 2.0, (1.0,), (math.inf,)) == (2.0, math.inf)  # it was infinite before


def test_an_anomaly_of_many_operands_is_told_in_one_line():
    with ag.detect_anomaly(), pytest.raises(ag.AnomalyError, match=r"\(4994 more\)") as caught:
        ag.sum([Value(1e308)] * 5000)
    assert len(str(caught.value)) < 400


def test_a_partial_that_is_a_value_keeps_its_graph_inside_no_grad():
    w = Value(7.0)
    scaled = define("scaled", lambda x: w.data * x, (lambda y, x: w,))
    with ag.no_grad():
        slope = grad(lambda x: scaled(x) * x)(3.0)  # w x + w x, of which one is a product with the partial
    assert slope.data == 42.0
    assert gradients(slope, w) == 3.0


def test_gradients_through_a_node_that_was_put_together_by_hand():
    a, y = Value(3.0), Value(5.0)
    y.operands, y.partials = (a,), (1.0,)
    assert gradients(y, a) == 1.0
    z = a + 2.0
    z.op = None
    assert gradients(z * a, a) == 8.0
