"""Machine code, interpreter and eager engine give the same bits, for every operation of the table."""

import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd
from autograd import OPERATIONS, Value, define, grad, hessian, jacobian, jit, jvp, value_and_grad, where

SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -3.0, 1e-300, -5e-324, 1e300, math.inf, -math.inf, math.nan]
ORDINARY = [0.1, -0.7, 0.9999, 1.0001, 1.7, -2.3, 5.25, -11.3, 20.5, 45.0, -80.1, 709.9]
NARY = ["sum", "prod", "mean", "norm", "logsumexp", "max", "min"]
# where takes a condition, and polygamma whole orders only: they have tests of their own.
UNARY = [op for op in OPERATIONS.values() if op.arity == 1]
BINARY = [op for op in OPERATIONS.values() if op.arity == 2 and op.name != "polygamma"]


def bits(x):
    """A number as its bits; every nan is one, since no rule of arithmetic says which nan comes out."""
    return "nan" if x != x else struct.pack("d", x)


def same(ours, theirs):
    ours, _ = autograd.pytree.flatten(ours)
    theirs, _ = autograd.pytree.flatten(theirs)
    return [bits(float(x)) for x in ours] == [bits(float(x)) for x in theirs]


def check(f, *calls):
    """Compiled, interpreted and eager results of the same calls are the same."""
    compiled = jit(f)
    for args in calls:
        expected = f(*args)
        got = compiled(*args)
        assert same(got, expected), (args, got, expected)
        flat, _ = autograd.pytree.flatten(args)
        wanted, _ = autograd.pytree.flatten(expected)
        interpreted = compiled.program().run(list(map(float, flat)))
        assert [bits(x) for x in interpreted] == [bits(float(x)) for x in wanted], args


@pytest.mark.parametrize("op", UNARY, ids=lambda op: op.name)
@pytest.mark.parametrize("order", [0, 1, 2])
def test_operation_of_one_number(op, order):
    check(autograd.derivative(op.evaluate, order), *[(x,) for x in SPECIAL + ORDINARY])


@pytest.mark.parametrize("op", BINARY, ids=lambda op: op.name)
@pytest.mark.parametrize("order", [0, 1, 2])
def test_operation_of_two_numbers(op, order):
    f = [op.evaluate, grad(op.evaluate, (0, 1)), hessian(op.evaluate, (0, 1))][order]
    numbers = SPECIAL + ORDINARY[::2]
    check(f, *[(x, y) for x in numbers for y in numbers])


def test_the_second_derivative_of_a_power_whose_exponent_is_only_known_later():
    """Eager, the exponent is a plain float in the rule; of a compiled one the rule knows nothing.

    The unchosen branch of a ``where`` then adds zeros to the gradient, which can turn −0.0 into 0.0 and do no more.
    """
    f = grad(lambda x, n: grad(lambda y: OPERATIONS["pow"].evaluate(y, n))(x))
    compiled = jit(f)
    numbers = [*SPECIAL, *ORDINARY[::2], 3.0, 25.0, 710.0, 1e17, 1e308]
    for x in numbers:
        for n in numbers:
            assert bits(compiled(x, n) + 0.0) == bits(f(x, n) + 0.0), (x, n)


@pytest.mark.parametrize("op", BINARY, ids=lambda op: op.name)
def test_operation_with_one_constant(op):
    for c in [0.0, -0.0, 1.0, -1.0, 2.0, 0.5, -3.0, 7.3, math.inf]:
        check(lambda x, c=c: op.evaluate(x, c), *[(x,) for x in SPECIAL + ORDINARY])
        check(lambda x, c=c: op.evaluate(c, x), *[(x,) for x in SPECIAL + ORDINARY])
        check(grad(lambda x, c=c: op.evaluate(x, c)), *[(x,) for x in SPECIAL + ORDINARY])


@pytest.mark.parametrize("name", NARY)
def test_operation_of_many_numbers(name):
    op = getattr(autograd, name)
    rows = [[a, b, c] for a in SPECIAL for b in SPECIAL for c in (0.0, 1.5, -2.0, math.nan)]
    check(op, *[(row,) for row in rows])
    check(grad(op), *[(row,) for row in rows])
    check(hessian(op), *[(row,) for row in rows[::7]])


def test_dot_and_softmax():
    rows = [[a, b, -0.5, 2.0] for a in SPECIAL for b in SPECIAL]
    check(lambda p: autograd.dot(p[:2], p[2:], p[0]), *[(row,) for row in rows])
    check(grad(lambda p: autograd.dot(p[:2], p[2:], p[0])), *[(row,) for row in rows])
    check(lambda p: autograd.softmax(p), *[(row,) for row in rows])
    check(jacobian(lambda p: autograd.softmax(p)), *[(row,) for row in rows])


def test_clip_has_three_operands():
    rows = [(x, low, high) for x in SPECIAL for low in (-1.0, 0.0, math.nan) for high in (0.5, -2.0, math.inf)]
    check(autograd.clip, *rows)
    check(grad(autograd.clip, (0, 1, 2)), *rows)


def test_divmod():
    pairs = [(x, y) for x in SPECIAL + ORDINARY for y in SPECIAL + ORDINARY if y != 0.0]  # where Python raises
    check(divmod, *pairs)
    check(lambda x, y: divmod(x, y)[0] - divmod(x, y)[1] * y, *pairs)
    check(lambda x: [*divmod(x, 0.75), *divmod(7.3, x)], *[(y,) for _, y in pairs[: len(SPECIAL + ORDINARY) - 2]])
    check(grad(lambda x, y: divmod(x, y)[1] * x + divmod(y, x)[0] * y, (0, 1)), *pairs)
    f = jit(divmod)
    assert f(7.5, 2.0) == (3.0, 1.5)
    assert f(-7.5, 2.0) == (-4.0, 0.5)
    assert jit(lambda x: divmod(7.5, x))(-2.0) == (-4.0, -0.5)
    assert str(f.program()).splitlines()[1:] == ["  t2 = ⌊x ÷ y⌋", "  t3 = x mod y", "return t2, t3"]


def test_where_takes_conditions_and_numbers():
    f = lambda x, y: autograd.where((x < y) | (x == 0.0), x, autograd.where((x > 1.0) & (y >= 0.5), y, -x))
    pairs = [(x, y) for x in SPECIAL for y in SPECIAL]
    check(f, *pairs)
    check(grad(f, (0, 1)), *pairs)
    check(lambda x, y: autograd.where(x, y, 1.0), *pairs)
    check(lambda x, y: autograd.where((x != y) ^ (x <= y), 1.0, y), *pairs)


@pytest.mark.parametrize("order", [0, 1, 3])
def test_rules_that_are_python_code_are_called_back(order):
    numbers = [(x,) for x in (0.5, 1.4616, 3.3, 20.0, -2.5, -0.1, 1e10)]
    check(lambda x: autograd.polygamma(float(order), x), *numbers)
    check(grad(lambda x: autograd.polygamma(float(order), x)), *numbers)


def test_an_operation_may_have_the_name_of_an_operator():
    lt = define("lt", lambda x: x * x + 1.0, (lambda y, x: 2.0 * x,))
    try:
        check(lambda x: where(x < 2.0, lt(x), x), (1.0,), (3.0,))
    finally:
        del OPERATIONS["lt"]


def test_an_operation_that_a_user_registers_compiles():
    composed = autograd.define("jit_gauss", lambda x: autograd.exp(-x * x), (lambda y, x: -2.0 * x * y,))
    opaque = autograd.define("jit_opaque", lambda x: math.exp(x) / 3.0, (lambda y, x: y,), primitive=True)
    try:
        for f in (composed, opaque):
            check(f, (0.3,), (-2.0,))
            check(grad(f), (0.3,), (-2.0,))
    finally:
        del OPERATIONS["jit_gauss"], OPERATIONS["jit_opaque"]


# Programs that hypothesis makes: a stack machine over operators, functions and constants.
STEPS = st.lists(
    st.one_of(
        st.sampled_from(["add", "sub", "mul", "div", "pow", "mod", "maximum", "hypot", "atan2", "where"]),
        st.sampled_from([op.name for op in UNARY if op.name not in ("polygamma",)]),
        st.sampled_from(["x", "y"]),
        st.sampled_from([0.0, -0.0, 1.0, -1.0, 2.0, 0.5, 3.0]),
    ),
    min_size=1,
    max_size=14,
)


def program(steps):
    def f(x, y):
        stack = [x, y]
        for step in steps:
            if step == "x" or step == "y":
                stack.append(x if step == "x" else y)
            elif isinstance(step, float):
                stack.append(step)
            elif step == "where":
                b, a = stack.pop(), stack.pop()
                stack.append(autograd.where(a < b, a, a * b))
                stack.append(b)
            elif OPERATIONS[step].arity == 2:
                b, a = stack.pop(), stack.pop()
                stack.append(OPERATIONS[step].evaluate(a, b))
                stack.append(b)
            else:
                stack.append(OPERATIONS[step].evaluate(stack.pop()))
        return autograd.sum(stack) + 0.0 * x

    return f


@given(STEPS, st.floats(), st.floats(-4, 4))
def test_random_programs(steps, x, y):
    check(program(steps), (x, y), (y, x), (1.0, -0.0))


@given(STEPS, st.floats(-5, 5), st.floats(-4, 4))
def test_gradients_of_random_programs(steps, x, y):
    check(value_and_grad(program(steps), (0, 1)), (x, y), (y, x))


@given(STEPS, st.floats(-5, 5), st.floats(-4, 4))
def test_forward_over_reverse_of_random_programs(steps, x, y):
    f = grad(program(steps), (0, 1))
    check(lambda x, y: jvp(f, (x, y), (1.0, -0.5)), (x, y))


def test_a_value_as_the_tangent_of_jvp():
    """The slope in a direction is a function of the direction, which can be differentiated in turn."""
    f = lambda x, y: autograd.sin(x) * y + x * x
    slope = lambda v, x: jvp(f, (x, 2.0), (v, v * v))[1]
    v = Value(3.0)
    y, tangent = jvp(f, (1.5, 2.0), (v, 1.0))
    assert type(y) is float
    assert isinstance(tangent, Value)
    tangent.backward()
    assert v.grad == 2.0 * math.cos(1.5) + 3.0
    calls = [(v, x) for v in (3.0, -0.5, 0.0) for x in (1.5, -2.0)]
    check(slope, *calls)
    check(grad(slope, (0, 1)), *calls)
    check(hessian(slope, (0, 1)), *calls)
    assert grad(slope)(3.0, 1.5) == pytest.approx(2.0 * math.cos(1.5) + 3.0 + 6.0 * math.sin(1.5), rel=1e-15)
    compiled = jit(lambda x, v: jvp(f, (x, 2.0), (v, 1.0)))
    y, tangent = compiled(1.5, v)  # called with a Value, the function itself runs
    assert isinstance(tangent, Value)
    assert (y, tangent.data) == compiled(1.5, 3.0)


LARGE = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, math.inf, -math.inf, math.nan, 1e308, -1e308, 5e-324]


@pytest.mark.parametrize("op", BINARY, ids=lambda op: op.name)
def test_an_overflow_elsewhere_changes_nothing(op):
    """The C library notes an overflow in errno, and where somebody reads a note that is old, an infinity comes out."""
    pairs = [(x, y) for x in LARGE for y in LARGE]
    for f in (op.evaluate, grad(op.evaluate, (0, 1))):
        compiled = jit(f)
        before = [compiled(x, y) for x, y in pairs]
        program = compiled.program()
        for (x, y), expected in zip(pairs, before, strict=True):
            for again in (f, compiled, lambda x, y: program.run([x, y])):  # noqa: B023
                assert autograd.exp(1000.0) == math.inf
                assert same(again(x, y), expected), (x, y)


@pytest.mark.parametrize("op", UNARY, ids=lambda op: op.name)
def test_arrays_have_the_bits_of_single_numbers(op):
    numbers = np.array(SPECIAL + ORDINARY)
    f = jit(value_and_grad(op.evaluate))
    value, slope = f(numbers)
    for x, y, dy in zip(numbers.tolist(), value.tolist(), slope.tolist(), strict=True):
        assert same((y, dy), f(x))
