"""The branch of `where` that is not taken does not exist: eager, forward, to higher orders, and compiled to the bit."""

import math
import random
import struct

import pytest

import autograd as ag
from autograd import Value, derivative, grad, gradients, hessian, hvp, jvp, value_and_grad, where

# name: a function of one number, and points on both sides of its condition; at each the untaken branch has an infinite
# or undefined value or slope, and the derivative is that of the branch that is taken.
CASES = {
    "sqrt": (lambda x: where(x >= 0.0, x, ag.sqrt(-x)), [1.0, 0.0, -4.0]),
    "log": (lambda x: where(x > 0.0, ag.log(x), x * x), [2.0, 0.0, -3.0]),
    "division": (lambda x: where(x == 0.0, 1.0, ag.sin(x) / x), [0.0, 0.5, -2.0]),
    "power": (lambda x: where(x > 0.0, x**-2.5, 2.0 * x), [0.0, -1.0, 3.0]),
    "exponent": (lambda x: where(x > 0.0, x**x, -x), [0.0, -1.0, 3.0]),
    "atan2": (lambda x: where(x == 0.0, x, ag.atan2(x, x * x)), [0.0, 2.0, -1.0]),
    "hypot": (lambda x: where(x == 0.0, x, ag.hypot(x, 2.0 * x)), [0.0, 1.5, -2.0]),
    "overflow": (lambda x: where(x > 700.0, x, ag.exp(x)), [1000.0, 1.0]),
    "nested": (lambda x: where(x > 0.0, _nested(x), ag.acos(x)), [3.0, 0.25, -0.5]),
    "of a product": (lambda x: 3.0 * x * where(x > 0.0, ag.sqrt(x), ag.sqrt(-x)) - x, [4.0, -9.0]),
    "shared": (lambda x: _shared(x, ag.sqrt(x)), [0.0, 4.0]),
    "shared by both": (lambda x: _shared_by_both(x), [0.0, 4.0, -1.0]),
    "twice": (lambda x: where(x > 0.0, ag.log(x), x) + where(x > 0.0, x, ag.log(-x)), [2.0, -2.0]),
    "same condition": (lambda x: where(x > 1.0, ag.log(x), x) * where(x > 1.0, x, ag.log(2.0 - x)), [2.0, -2.0]),
}


def _nested(x):
    return where(x > 1.0, ag.log(x - 1.0), ag.sqrt(1.0 - x))


def _shared(x, root):
    return where(x > 1.0, root, x) + 0.0 * x


def _shared_by_both(x):
    shared = ag.sqrt(x * x)  # its slope at 0 is 0 times infinity
    return where(x == 0.0, x, where(x > 0.0, shared * 2.0, shared / 3.0))


POINTS = [pytest.param(f, x, id=f"{name}({x:g})") for name, (f, points) in CASES.items() for x in points]


def bits(x):
    return "nan" if x != x else struct.pack("d", x)


def of_floats(f):
    """The function without Python's own arithmetic, which raises where IEEE 754 has an infinity or a nan."""
    return lambda x: value_and_grad(f)(x)[0]


def slope_of_the_branch(f, x):
    """The derivative by a central difference, with both points on the same side of the condition."""
    h = 1e-5
    f = of_floats(f)
    return (f(x + h) - f(x - h)) / (2.0 * h)


@pytest.mark.parametrize(("f", "x"), POINTS)
def test_forward_and_reverse_mode_agree_and_are_finite(f, x):
    value, slope = value_and_grad(f)(x)
    assert math.isfinite(value)
    assert math.isfinite(slope)
    assert jvp(f, (x,), (1.0,))[1] == pytest.approx(slope, rel=1e-14)
    leaf = Value(x)
    f(leaf).backward()
    assert leaf.grad == pytest.approx(slope, rel=1e-14)
    if x != 0.0:  # at 0 the condition changes
        assert slope == pytest.approx(slope_of_the_branch(f, x), rel=1e-8)


@pytest.mark.parametrize(("f", "x"), POINTS)
def test_second_and_third_derivatives_are_finite(f, x):
    second, third = derivative(f, 2), derivative(f, 3)
    assert math.isfinite(second(x))
    assert math.isfinite(third(x))
    assert hvp(f, (x,), (1.0,))[0] == pytest.approx(second(x), rel=1e-13)
    if x != 0.0:
        assert second(x) == pytest.approx(slope_of_the_branch(grad(f), x), rel=1e-7, abs=1e-9)
        assert third(x) == pytest.approx(slope_of_the_branch(second, x), rel=1e-7, abs=1e-9)


@pytest.mark.parametrize(("f", "x"), POINTS)
def test_compiled_to_the_bit(f, x):
    pytest.importorskip("llvmlite")
    for transformed in (of_floats(f), grad(f), derivative(f, 2), derivative(f, 3), lambda x: jvp(f, (x,), (2.0,))[1]):
        assert bits(ag.jit(transformed)(x)) == bits(transformed(x))


def test_gradients_of_two_variables_compiled_to_the_bit():
    pytest.importorskip("llvmlite")

    def f(x, y):
        r = ag.sqrt(x * x + y * y)
        return where(r > 0.0, ag.atan2(y, x) * ag.log(r), x - y) + where(x > y, x / y, ag.sqrt(y - x)) * r

    for transformed in (value_and_grad(f, (0, 1)), hessian(f, (0, 1))):
        for point in [(3.0, 4.0), (4.0, 3.0), (-1.0, -2.0), (1.0, 0.0)]:
            eager, _ = ag.pytree.flatten(transformed(*point))
            compiled, _ = ag.pytree.flatten(ag.jit(transformed)(*point))
            assert [bits(x) for x in eager] == [bits(x) for x in compiled], point


def test_an_input_of_the_other_branch_alone_has_no_gradient():
    x, y = Value(2.0), Value(3.0)
    hidden = ag.log(y)
    where(x > 0.0, x, hidden).backward()
    assert (x.grad, y.grad, y.has_grad, hidden.has_grad) == (1.0, 0.0, False, False)
    assert gradients(where(x > 0.0, x, hidden), [x, y]) == [1.0, 0.0]


def test_what_both_branches_share_is_reached_through_the_one_that_is_taken():
    x = Value(2.0)
    shared = x * x
    where(x > 0.0, shared, ag.log(shared - 4.0)).backward()  # log(0)
    assert (x.grad, shared.grad) == (4.0, 1.0)


def test_a_condition_that_is_a_value_has_no_gradient():
    x = Value(0.0)
    where(ag.sqrt(x), x, 2.0 * x).backward()
    assert x.grad == 2.0


def test_a_pass_leaves_nothing_of_the_one_before():
    x, y = Value(2.0), Value(3.0)
    square = y * y
    chosen = where(x > 0.0, x, square)
    (chosen + square).backward()
    assert (square.has_grad, y.grad) == (True, 6.0)
    chosen.backward()
    assert (square.has_grad, y.grad) == (False, 6.0)


def test_sign_of_zero_of_a_gradient_that_is_not_there():
    pytest.importorskip("llvmlite")
    f = grad(lambda x: where(x > 1.0, -1.0, x * 0.0))
    for x in (2.0, -3.0):
        assert bits(ag.jit(f)(x)) == bits(f(x))
        assert bits(ag.jit(lambda x: -1.0 * f(x))(x)) == bits(-1.0 * f(x))


def test_mixed_second_derivative_of_a_power_at_exponent_0():
    (xx, xn), (nx, nn) = hessian(lambda x, n: x**n, (0, 1))(2.0, 0.0)
    assert (xx, xn, nx) == (0.0, 0.5, 0.5)
    assert nn == pytest.approx(math.log(2.0) ** 2, rel=1e-15)
    assert grad(lambda x, n: x**n, (0, 1))(0.0, 0.0)[0] == 0.0
    assert grad(lambda x, n: x**n)(-2.0, 0.0) == 0.0


def random_function(choices):
    """A function of two numbers, of a dozen steps that share what came before, with branches among them."""
    steps = []
    for k in range(choices.randint(4, 12)):
        places = [choices.randrange(2 + k) if choices.random() < 0.5 else 1 + k - choices.randrange(min(3, 2 + k))
                  for _ in range(4)]  # fmt: skip
        steps.append(
            (choices.choice(["mul", "mul", "add", "div", "sin", "exp", "relu", "max", "where", "where"]), places)
        )

    def f(x, y):
        numbers = [x, y]
        for name, places in steps:
            a, b, c, d = [numbers[k] for k in places]
            numbers.append({
                "mul": lambda a, b, c, d: a * b, "add": lambda a, b, c, d: a + b,
                "div": lambda a, b, c, d: a / (1.0 + b * b), "sin": lambda a, b, c, d: ag.sin(a),
                "exp": lambda a, b, c, d: ag.exp(0.1 * ag.sin(a)), "relu": lambda a, b, c, d: ag.relu(a),
                "max": lambda a, b, c, d: ag.maximum(a, b), "where": lambda a, b, c, d: where(a > b, c, d),
            }[name](a, b, c, d))  # fmt: skip
        return numbers[-1] + numbers[-2] * numbers[-3]

    return f


@pytest.mark.parametrize("seed", range(40))
def test_second_and_third_derivatives_of_random_functions_compiled_to_the_bit(seed):
    """Eager code takes one branch and compiled code both, and yet they have to add in the same order."""
    pytest.importorskip("llvmlite")
    choices = random.Random(seed)
    f = random_function(choices)
    seconds = hessian(f, (0, 1))
    for transformed in (seconds, grad(lambda x, y: seconds(x, y)[0][0] + 0.3 * seconds(x, y)[0][1], (0, 1))):
        compiled = ag.jit(transformed)
        for _ in range(4):
            point = choices.uniform(-2.0, 2.0), choices.uniform(-2.0, 2.0)
            pairs = zip(ag.pytree.flatten(transformed(*point))[0], ag.pytree.flatten(compiled(*point))[0], strict=True)
            assert all(bits(a) == bits(b) for a, b in pairs), point


def test_a_picture_and_an_explanation_leave_the_other_branch_out():
    x = Value(2.0, name="x")
    y = where(x > 1.0, x * x, ag.sqrt(x - 2.0)) * x  # the square root has an infinite slope
    y.backward()
    assert x.grad == 12.0
    assert "nan" not in str(ag.explain(y, x))
    assert ag.explain(y, x).value == 12.0
    assert not ag.diagnose(y)
    picture = ag.draw(y, engine="python")
    assert "not taken: no gradient flows here" in picture.svg


def test_a_graph_of_derivatives_holds_nothing_of_the_other_branch():
    """Its nodes are there, so that the graph is the same whichever branch was taken; they hold no number."""
    x = Value(2.0, name="x")
    y = where(x > 1.0, x * x, ag.sqrt(x - 2.0)) * x
    slope = gradients(y, x, create_graph=True)
    assert slope.data == 12.0
    slope.backward()
    assert x.grad == 12.0
    assert not ag.diagnose(slope)
    assert ag.explain(slope, x).value == 12.0
    assert ag.draw(slope, engine="python").svg


def test_a_flow_of_minus_zero_is_one():
    """−0.0 flows through a rounding; it is no absence, and times an infinite slope it is nan."""
    pytest.importorskip("llvmlite")
    f = grad(lambda x: -ag.floor(x) + where(x > 5.0, x, 0.0))

    def through_a_root(x):
        root = ag.sqrt(x)
        return -ag.floor(root) + where(root > 5.0, root, 0.0)

    def by_backward(x):
        leaf = Value(x)
        through_a_root(leaf * 1.0).backward()
        return leaf.grad

    for g, x in ((f, 1.5), (grad(through_a_root), 0.0), (by_backward, 0.0), (by_backward, 49.0)):
        assert bits(ag.jit(g)(x)) == bits(g(x))
