"""Numerical gradients, and the check of a gradient against them."""

import itertools
import math

import numpy as np
import pytest

import autograd as ag
from autograd import OPERATIONS, GradientCheckError, Value, check_grad, define, grad, numerical_grad

METHODS = {"central": 1e-8, "richardson": 1e-10, "complex": 1e-15}


@pytest.fixture
def cleaned_table():
    before = dict(OPERATIONS)
    yield
    OPERATIONS.clear()
    OPERATIONS.update(before)


# ----------------------------------------------------------- numerical_grad


@pytest.mark.parametrize(("method", "tolerance"), METHODS.items())
def test_each_method_meets_its_accuracy(method, tolerance):
    cases = [
        (lambda x: x**3, 2.0, 12.0),
        (lambda x: x**3, -2.0, 12.0),
        (lambda x: x**3, 0.0, 0.0),
        (lambda x: x.exp(), 1e-6, math.exp(1e-6)),
        (lambda x: x.log(), 1e6, 1e-6),
        (lambda x: x.sin() / x, 1.5, (1.5 * math.cos(1.5) - math.sin(1.5)) / 2.25),
        (lambda x: x.sigmoid(), -3.0, math.exp(-3.0) / (1.0 + math.exp(-3.0)) ** 2),
        (lambda x: 2.0**x, 3.0, 8.0 * math.log(2.0)),
        (lambda x: ag.atan2(x, 3.0), -4.0, 0.12),
        (lambda x: ag.atan2(3.0, x), -4.0, -0.12),
        (lambda x: ag.hypot(x, 4.0), 3.0, 0.6),
        (lambda x: x.cbrt(), -8.0, 1.0 / 12.0),
        (lambda x: x.log1p() * x.expm1(), 0.25, math.expm1(0.25) / 1.25 + math.log1p(0.25) * math.exp(0.25)),
        (lambda x: abs(x) * x.relu(), 3.0, 6.0),
        (lambda x: ag.norm([x, 4.0]) * ag.logsumexp([x, x]), 3.0, 0.6 * (3.0 + math.log(2.0)) + 5.0),
        (lambda x: ag.where(x > 1.0, x * x, x), 3.0, 6.0),
    ]
    for f, x, want in cases:
        got = numerical_grad(f, x, method=method)
        assert abs(got - want) <= tolerance * max(1.0, abs(want)), (f(Value(x)), got, want)


@pytest.mark.parametrize("method", METHODS)
def test_structures_and_argnums(method):
    f = lambda p, q: p["a"] * p["b"][0] + q * q
    found = numerical_grad(f, {"a": 2.0, "b": [3.0]}, 5.0, argnums=(0, 1), method=method)
    assert found[0]["a"] == pytest.approx(3.0, abs=1e-8)
    assert found[0]["b"] == [pytest.approx(2.0, abs=1e-8)]
    assert found[1] == pytest.approx(10.0, abs=1e-8)
    assert numerical_grad(f, {"a": 2.0, "b": [3.0]}, 5.0, argnums=1, method=method) == pytest.approx(10.0, abs=1e-8)
    assert numerical_grad(lambda x, text: x * len(text), 2.0, "four", method=method) == pytest.approx(4.0, abs=1e-8)
    assert numerical_grad(lambda v: (v * v).sum(), np.array([1.0, 2.0]), method=method).tolist() == pytest.approx(
        [2, 4]
    )


@pytest.mark.parametrize("method", METHODS)
def test_values_as_arguments_keep_their_gradients(method):
    x = Value(3.0)
    assert numerical_grad(lambda v: v * v, x, method=method) == pytest.approx(6.0, abs=1e-8)
    assert not x.has_grad
    assert numerical_grad(lambda v: 5.0, x, method=method) == 0.0


@pytest.mark.parametrize(("x", "want"), [(1e-12, 1.0), (1e12, 1.0), (-1e-200, 1.0), (1e200, 1.0)])
def test_the_step_follows_the_size_of_the_input(x, want):
    for method, tolerance in METHODS.items():
        assert numerical_grad(lambda v: v * 1.0, x, method=method) == pytest.approx(want, abs=max(tolerance, 1e-9))


def test_a_step_of_ones_own():
    f = lambda x: x * x * x
    assert numerical_grad(f, 1.0, method="central", step=0.5) == 3.25  # 3 + h², as the series says
    for wrong in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="step must be positive"):
            numerical_grad(f, 1.0, step=wrong)


def test_bad_arguments():
    with pytest.raises(ValueError, match='method is "central", "richardson" or "complex", and \'newton\' was given'):
        numerical_grad(lambda x: x, 1.0, method="newton")
    with pytest.raises(TypeError, match="returns one number, and this one returned 2"):
        numerical_grad(lambda x: [x, x], 1.0)
    with pytest.raises(TypeError, match="argnums names argument 3"):
        numerical_grad(lambda x: x, 1.0, argnums=3)


@pytest.mark.parametrize(
    "f", [lambda x: x.erf(), lambda x: x.floor(), lambda x: x % 2.0, lambda x: x.lgamma(), lambda x: x.gelu()]
)
def test_the_complex_step_says_what_it_cannot_pass(f):
    with pytest.raises(TypeError, match=r'the complex step does not go through \w+; use method="richardson"'):
        numerical_grad(f, 1.3, method="complex")


def test_a_function_of_plain_python_may_use_anything():
    def f(x):
        total = 0.0
        while total < 3.0:  # a branch on a number
            total = total + x
        return total * total

    assert numerical_grad(f, 0.8) == pytest.approx(2 * 3.2 * 4, rel=1e-9)
    assert check_grad(f, 0.8)


# ---------------------------------------------------------------- check_grad


def test_right_gradients_pass():
    assert check_grad(lambda x, y: x * y + x.tanh(), 0.5, 2.0) is True
    assert check_grad(lambda p: p["w"][0] * p["w"][1].exp(), {"w": [0.3, 0.4]})
    assert check_grad(lambda x: 5.0, 1.0)
    assert check_grad(lambda x, n: x**n, 1.5, 2.5, order=2)
    assert check_grad(lambda x, name: x * len(name), 1.5, "abc", argnums=0)
    assert check_grad(lambda x: x * 1e-9, 1e-6)
    assert check_grad(lambda x: x * x * 1e12, 1e6)
    assert check_grad(lambda v: (v * v).sum(), np.array([1.0, 2.0]))


def test_arguments_that_are_values():
    w = Value(0.5)
    assert check_grad(lambda x: x.exp() * w, Value(0.3))
    assert not w.has_grad


def detached(x):
    return x * x.data


def test_a_lost_gradient_is_found():
    with pytest.raises(GradientCheckError) as error:
        check_grad(detached, 3.0)
    message = str(error.value)
    assert message.startswith("the gradient by argument 0 (3.0) is 3.0, and numerically 5.99999")
    assert "step " in message
    assert "estimated error" in message
    assert "each operation's own derivative agrees" in message
    assert "taken out with .data" in message
    assert isinstance(error.value, AssertionError)


@pytest.mark.usefixtures("cleaned_table")
@pytest.mark.parametrize("wrong", [lambda y, x: 2.001 * x, lambda y, x: -2.0 * x, lambda y, x: 0.0])
def test_a_wrong_operation_is_named(wrong):
    define("wrong_square", lambda x: x * x, (wrong,), text="#0 squared")
    bad = OPERATIONS["wrong_square"].evaluate
    with pytest.raises(GradientCheckError) as error:
        check_grad(lambda x, p: ag.tanh(x) * p[1] + bad(p[0] * x).exp(), 0.5, [0.75, 2.0])
    message = str(error.value)
    assert "the gradient by argument 0 (0.5) is " in message
    assert "the first suspect is the operation 'wrong_square', 0.375 squared" in message
    assert "its derivative by operand 0 is stored as " in message
    with pytest.raises(GradientCheckError, match=r"the gradient by argument 1, number 0 \(0.75\)"):
        check_grad(lambda x, p: ag.tanh(x) * p[1] + bad(p[0] * x).exp(), 0.5, [0.75, 2.0], argnums=1)


@pytest.mark.usefixtures("cleaned_table")
def test_the_first_suspect_is_the_first_in_the_graph():
    one = define("first_wrong", lambda x: x * 3.0, (lambda y, x: 3.1,))
    two = define("second_wrong", lambda x: x * 2.0, (lambda y, x: 2.1,))
    with pytest.raises(GradientCheckError, match="'first_wrong'"):
        check_grad(lambda x: two(one(x)), 1.0)
    with pytest.raises(GradientCheckError, match="'second_wrong'"):
        check_grad(lambda x: one(two(x)), 1.0)


@pytest.mark.usefixtures("cleaned_table")
def test_a_wrong_second_derivative_is_found():
    """A rule that hides its dependence on the operand is right in the first order and wrong in the second."""
    hidden = define("hidden_square", lambda x: x * x, (lambda y, x: 2.0 * (x.data if isinstance(x, Value) else x),))
    assert check_grad(hidden, 1.5)
    with pytest.raises(GradientCheckError):
        check_grad(hidden, 1.5, order=2)


def test_a_kink_between_the_points_is_not_taken_for_an_error():
    assert check_grad(lambda x: x.relu(), 0.5)
    assert check_grad(lambda x: abs(x), -0.01)
    assert check_grad(lambda x: ag.max([x, 1.0]), 1.05)


def test_a_gradient_that_is_infinite_or_nan_does_not_pass():
    with pytest.raises(GradientCheckError):
        check_grad(lambda x: x.sqrt(), 0.0)
    with pytest.raises(GradientCheckError, match="numerically nan"):
        check_grad(lambda x: x.log(), -1.0)
    with pytest.raises(GradientCheckError, match="numerically nan"):
        check_grad(lambda x: x.sqrt(), -1.0)  # nan on both sides is no agreement


def test_nothing_to_check_is_no_success():
    with pytest.raises(ValueError, match="no number to differentiate by"):
        check_grad(lambda: 1.0)
    with pytest.raises(ValueError, match="no number to differentiate by"):
        check_grad(lambda x: x * x, 1.0, argnums=())


@pytest.mark.parametrize("x", [1e-4, 1e-6])
def test_near_the_edge_of_a_domain(x):
    assert numerical_grad(ag.log, x) == pytest.approx(1.0 / x, rel=1e-7)
    assert check_grad(ag.log, x)
    assert check_grad(ag.sqrt, x)


def test_arguments_that_are_not_differentiated_stay_as_given():
    assert numerical_grad(lambda x, n: ag.sum([x * x for _ in range(n)]), 2.0, 3) == pytest.approx(12.0, rel=1e-9)
    assert check_grad(lambda x, n: ag.sum([x * x for _ in range(n)]), 2.0, 3, argnums=0)


def test_tolerances():
    nearly = lambda x: detached(x * 0.01) + x * 1.0
    with pytest.raises(GradientCheckError):
        check_grad(nearly, 1.0)
    assert check_grad(nearly, 1.0, rtol=1e-3)
    assert check_grad(nearly, 1.0, atol=1e-3)


def test_a_wrong_order():
    for wrong in (0, 3, 1.5):
        with pytest.raises(ValueError, match="order is 1 or 2"):
            check_grad(lambda x: x, 1.0, order=wrong)


def test_more_than_one_result_is_refused():
    with pytest.raises(TypeError, match="one number"):
        check_grad(lambda x: [x, x], 1.0)


def test_numerical_and_exact_agree_on_a_network():
    def network(p):
        hidden = [ag.dot(row, [0.3, -0.8], bias).tanh() for row, bias in zip(p["w"], p["b"], strict=True)]
        return (ag.dot(hidden, p["v"]) - 0.25) ** 2

    p = {"w": [[0.1, -0.4], [0.7, 0.2], [-0.3, 0.9]], "b": [0.0, 0.1, -0.2], "v": [0.5, -0.6, 0.4]}
    exact, complex_step = grad(network)(p), numerical_grad(network, p, method="complex")
    assert exact["b"] == pytest.approx(complex_step["b"], rel=1e-13)
    assert exact["v"] == pytest.approx(complex_step["v"], rel=1e-13)
    for row, other in zip(exact["w"], complex_step["w"], strict=True):
        assert row == pytest.approx(other, rel=1e-13)
    assert check_grad(network, p, order=2)


# ------------------------------------------------- where differences say nothing, that is said, and nothing is blamed


@pytest.mark.parametrize(
    ("f", "x", "why"),
    [
        (abs, math.inf, "there are no differences around inf"),
        (lambda x: x.floor(), math.nan, "there are no differences around nan"),
        (lambda x: x.exp(), 1000.0, "the function is inf there, so there is nothing to compare"),
        (lambda x: x.log(), -1.0, "the function is nan there, so there is nothing to compare"),
        (lambda x: x.lgamma(), 0.0, "the function is inf there"),  # its two sides are equal: the differences converge
        (lambda x: x.sqrt(), 0.0, "the function is nan at -1e-06, close by"),
        (lambda x: x.acosh(), 1.0, "the function is nan at 0.999999, close by"),
        (lambda x: x.relu(), 0.0, "a kink: the slope is 0 on the left and 1 on the right"),
        (lambda x: x.relu(), 5e-324, "a kink: the slope is 4.941e-314 on the left and 1 on the right"),
        (lambda x: ag.clip(x, 0.0, 1.0), 1.0, "a kink: the slope is 1 on the left and 0 on the right"),
        (lambda x: x.ceil(), 2.0, "a jump: the function changes by 1 between points 4e-07 apart"),
        (lambda x: ag.softmax([x, 1e308])[0], 1e308, "too coarse for this function"),
        (lambda x: x.cos(), 1e308, "numbers next to 1e+308 are 2e+292 apart, too coarse for this function"),
        (lambda x: x * 1e308, 1.0, "the numerical derivative did not converge"),  # its differences overflow
        (lambda x: x + 1e308, 1.0, "the value 1e+308 swallows the step in its rounding"),
    ],
)
def test_the_check_says_why_differences_are_no_derivative(f, x, why):
    with pytest.raises(GradientCheckError) as error:
        check_grad(f, x)
    assert why in str(error.value)
    assert "suspect" not in str(error.value)


def test_there_is_no_slope_at_a_pole():
    for f, x in [(ag.lgamma, 0.0), (lambda x: 1.0 / x, 0.0), (lambda x: 1.0 % x, 0.0), (lambda x: 1.0 / (x * x), 0.0)]:
        assert math.isnan(numerical_grad(f, x))


@pytest.mark.parametrize("name", [name for name, op in OPERATIONS.items() if op.kinks is not None])
def test_kinks_are_a_number_at_every_point(name):
    op = OPERATIONS[name]
    points = [0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 1e308, 5e-324]
    for xs in itertools.product(points, repeat=op.arity or 2):
        assert isinstance(op.kinks(*xs), float)


@pytest.mark.parametrize("name", ["floor", "ceil", "trunc", "round"])
def test_jumps_that_are_within_the_step_are_not_blamed_on_the_operation(name):
    with pytest.raises(ag.GradientCheckError, match=r"within the step of .* jumps or bends, but not here") as caught:
        ag.check_grad(ag.OPERATIONS[name].evaluate, 21264.266)
    assert "suspect" not in str(caught.value)
