"""The contract of a Value, line by line."""

import asyncio
import copy
import fractions
import functools
import itertools
import math
import operator
import pickle
import random
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd as ag
from autograd import OPERATIONS, AnomalyError, Value, define, detect_anomaly, enable_grad, no_grad, record_source
from autograd.graph import UNSET

INF, NAN = math.inf, math.nan
HOSTILE = [
    0.0,
    -0.0,
    5e-324,
    -2.2250738585072014e-308,
    1.0,
    -1.5,
    1 / 3,
    1e200,
    -1.7976931348623157e308,
    INF,
    -INF,
    NAN,
]
OPERATORS = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv, "pow": operator.pow,
    "floordiv": operator.floordiv, "mod": operator.mod,
}  # fmt: skip


def same(a, b):
    return (a != a and b != b) or (a == b and math.copysign(1.0, a) == math.copysign(1.0, b))


# ------------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    "number", [3, 3.0, fractions.Fraction(3), np.float64(3), np.float32(3), np.int8(3), np.uint64(3)]
)
def test_a_real_number_becomes_a_float(number):
    assert type(Value(number).data) is float
    assert Value(number).data == 3.0


NO_NUMBERS = [
    (True, "bool True"),
    (np.True_, "bool"),
    ("3", "str '3'"),
    (None, "NoneType None"),
    ([1.0], "list [1.0]"),
    (np.array([1.0, 2.0]), "ndarray"),
    (np.array(1.0), "ndarray"),
    (1j, "complex 1j"),
    ({}, "dict {}"),
    (object, "type"),
]


@pytest.mark.parametrize(("wrong", "named"), NO_NUMBERS)
def test_anything_else_is_refused_by_name(wrong, named):
    with pytest.raises(TypeError, match="one real number") as error:
        Value(wrong)
    assert named in str(error.value)


def test_a_value_of_a_value_is_refused():
    with pytest.raises(TypeError, match="is a Value already; use it as it is"):
        Value(Value(1.0))


def test_an_integer_too_large_for_a_float():
    with pytest.raises(ValueError, match="too large for a float"):
        Value(10**400)
    with pytest.raises(ValueError, match="too large for a float"):
        Value(1.0) + 10**400


def test_a_long_wrong_thing_is_quoted_in_short():
    with pytest.raises(TypeError) as error:
        Value("x" * 5000)
    assert len(str(error.value)) < 250


def test_a_leaf():
    v = Value(2.5)
    assert (v.data, v.grad, v.op, v.operands, v.partials) == (2.5, 0.0, None, (), ())
    assert v.item() == 2.5
    assert v.name is None
    assert v.source is None
    assert v.requires_grad


# ----------------------------------------------------------------- arithmetic


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("kinds", ["Value, Value", "Value, float", "float, Value"])
def test_an_operator_is_its_row_of_the_table_to_the_bit(name, kinds):
    """The operators that are written out for speed give what the table gives: value, partials, operands, row."""
    op, operate = OPERATIONS[name], OPERATORS[name]
    rng = random.Random(name)
    pairs = [*itertools.product(HOSTILE, repeat=2), *[(rng.gauss(0, 3), rng.gauss(0, 3)) for _ in range(300)]]
    for x, y in pairs:
        a = Value(x) if kinds.startswith("Value") else x
        b = Value(y) if kinds.endswith("Value") else y
        node = operate(a, b)
        wanted = [isinstance(a, Value), isinstance(b, Value)]
        result = op.evaluate(x, y)
        partials = op.partials(result, (x, y), wanted)
        assert node.op is op
        for operand, own in zip(node.operands, (a, b), strict=True):
            assert operand is own or (type(operand) is float and same(operand, own))
        assert same(node.data, result), (x, y)
        for got, want in zip(node.partials, partials, strict=True):
            assert (got is None and want is None) or (type(got) is float and same(got, want)), (
                x,
                y,
                node.partials,
                partials,
            )


@pytest.mark.parametrize("name", OPERATORS)
def test_an_operator_takes_ints_and_numpy_numbers(name):
    operate = OPERATORS[name]
    for three in (3, np.float64(3), np.int32(3), np.float32(3), fractions.Fraction(3)):
        left, right = operate(Value(5.5), three), operate(three, Value(5.5))
        assert type(left) is type(right) is Value
        assert left.data == operate(5.5, 3.0)
        assert right.data == operate(3.0, 5.5)
        assert [type(x) for x in (*left.operands, *right.operands)] == [Value, float, float, Value]
        assert left.partials[1] is right.partials[0] is None


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("other", ["3", None, True, [1.0], 1j])
def test_an_operator_refuses_what_is_no_number(name, other):
    if isinstance(other, (str, list)) and name in ("mul", "mod"):
        return  # 'a' * v and 'a' % v are the other type's own affair
    for a, b in ((Value(1.0), other), (other, Value(1.0))):
        with pytest.raises(TypeError):
            OPERATORS[name](a, b)


def test_an_unknown_operand_may_do_it_itself():
    class Money:
        def __radd__(self, other):
            return "taken"

        __rmul__ = __rsub__ = __rtruediv__ = __rpow__ = __add__ = __mul__ = __radd__

    assert Value(1.0) + Money() == Value(1.0) * Money() == Value(1.0) - Money() == "taken"
    assert Value(1.0) / Money() == Value(1.0) ** Money() == Money() + Value(1.0) == "taken"
    assert Value(1.0).__add__("1") is NotImplemented


@given(st.floats(), st.floats())
def test_arithmetic_is_that_of_floats(x, y):
    a, b = Value(x), Value(y)
    assert same((a + b).data, x + y)
    assert same((a - b).data, x - y)
    assert same((a * b).data, x * y)
    assert same((-a).data, -x)
    assert same(abs(a).data, abs(x))
    with np.errstate(all="ignore"):
        assert same((a / b).data, float(np.float64(x) / np.float64(y)))
        assert same((a**b).data, float(np.float64(x) ** np.float64(y))) or y == 2.0
    assert all(type(p) is float for node in (a / b, a**b, a % b, a // b) for p in (node.data, *node.partials))


def test_ieee_arithmetic():
    assert (Value(1) / 0).data == INF
    assert (Value(-1) / 0).data == -INF
    assert math.isnan((Value(0) / 0).data)
    assert (1 / Value(-0.0)).data == -INF
    assert Value(0).log().data == -INF
    assert Value(1000).exp().data == INF
    assert math.isnan((Value(-8) ** (1 / 3)).data)
    assert (Value(49) / 49).data == 1.0
    assert (Value(10) ** 400).data == INF
    assert (Value(0) ** -1).data == INF
    assert math.isnan((Value(5) % 0).data)
    assert (Value(5) // 0).data == INF


def test_pow_with_three_arguments_is_refused():
    with pytest.raises(TypeError):
        pow(Value(2.0), 2, 5)


def test_unary_plus_is_the_value_itself():
    v = Value(2.0)
    assert +v is v


def test_rounding_like_a_float():
    assert [round(Value(x)).data for x in (2.5, 3.5, -2.5, 2.6)] == [2.0, 4.0, -2.0, 3.0]
    assert round(Value(2.675), 2).data == round(2.675, 2)
    assert round(Value(1234.5), -2).data == 1200.0
    assert round(Value(2.6)).partials == (0.0,)
    assert [f(Value(-1.5)).data for f in (math.floor, math.ceil, math.trunc)] == [-2.0, -1.0, -1.0]
    assert round(Value(INF)).data == INF
    for v in (round(Value(2.6)), math.floor(Value(2.6)), round(Value(2.675), 2)):
        assert isinstance(v, Value)
        assert type(v.data) is float


def test_divmod_like_a_float():
    for x, y in ((7.5, 2.0), (-7.5, 2.0), (7.5, -2.0)):
        for result in (divmod(Value(x), Value(y)), divmod(Value(x), y), divmod(x, Value(y))):
            assert tuple(v.data for v in result) == divmod(x, y)
    q, r = divmod(Value(7.5), Value(2.0))
    assert q.partials == (0.0, 0.0)
    assert r.partials == (1.0, -3.0)


def test_methods_of_operations():
    v = Value(0.5)
    assert v.tanh().data == math.tanh(0.5)
    assert v.relu().op is OPERATIONS["relu"]
    assert v.maximum(2.0).data == 2.0
    assert v.hypot(Value(1.2)).data == 1.3
    assert v.exp.__doc__
    with pytest.raises(AttributeError):
        v.no_such_operation()


# ------------------------------------------------------------------ backward


def test_micrograds_published_example():
    """From micrograd's README (MIT licence): g = 24.7041, dg/da = 138.8338, dg/db = 645.5773."""
    a, b = Value(-4.0), Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    assert f"{g.data:.4f}" == "24.7041"
    g.backward()
    assert f"{a.grad:.4f}" == "138.8338"
    assert f"{b.grad:.4f}" == "645.5773"


def test_a_shared_operand_counts_twice():
    a = Value(3.0)
    (a + a).backward()
    assert a.grad == 2.0
    a.zero_grad()
    (a * a).backward()
    assert a.grad == 6.0
    a.zero_grad()
    (a - a).backward()
    assert a.grad == 0.0
    assert a.has_grad
    a.zero_grad()
    ag.dot([a, a], [a, a], a).backward()
    assert a.grad == 13.0


def test_leaves_accumulate_and_nodes_between_hold_the_last_adjoint():
    a, b = Value(0.1), Value(0.7)
    h = a * b
    y = h.tanh() * h
    y.backward()
    first = [v.grad for v in (a, b, h, y)]
    y.backward()
    assert [a.grad, b.grad] == [2 * first[0], 2 * first[1]]
    assert [h.grad, y.grad] == first[2:]
    assert y.grad == 1.0


def test_two_losses_that_share_a_subgraph_add_up():
    a = Value(0.3)
    h = a.exp()
    one, two = h * 2.0, h * h
    one.backward()
    two.backward()
    apart = a.grad
    assert h.grad == 2 * h.data  # the second pass alone
    a.zero_grad()
    (one + two).backward()
    assert apart == pytest.approx(a.grad, rel=1e-15)
    # a node that was between before is a root now
    h.backward()
    assert h.grad == 1.0


def test_backward_of_a_leaf():
    a = Value(2.0)
    a.backward()
    a.backward(2.5)
    assert a.grad == 3.5


def test_a_seed_scales_everything():
    a = Value(2.0)
    y = a * a * a
    y.backward(0.5)
    assert (a.grad, y.grad) == (6.0, 0.5)


def test_the_order_of_accumulation_is_fixed():
    """Numbers whose sum depends on the order: the same in every run, in this process and in another."""

    def bits():
        a = Value(0.1)
        terms = [a * x for x in (1e16, 1.0, -1e16, 3.0, 0.1, 1e-8)]
        (terms[0] + terms[1] * terms[2].tanh() + terms[3] * a + terms[4] * terms[5]).backward()
        return a.grad.hex()

    assert len({bits() for _ in range(50)}) == 1
    a = Value(1.0)
    y = a * 1e16 + a * 1.0 + a * -1e16
    y.backward()
    orders = {functools.reduce(operator.add, p) for p in itertools.permutations([1e16, 1.0, -1e16])}
    assert a.grad in orders
    assert len(orders) > 1


def test_changing_data_between_forward_and_backward_changes_nothing():
    a, b = Value(2.0), Value(3.0)
    y = (a * b + a.exp()) / b
    slopes = ag.gradients(y, (a, b))
    a.data, b.data = 100.0, -7.0
    y.backward()
    assert (a.grad, b.grad) == slopes
    assert y.data == (6.0 + math.exp(2.0)) / 3.0


def test_constants_never_get_a_gradient():
    a = Value(2.0)
    for y in (2 * a, a * 2, a + 1, 1 - a, 4.0 / a, a**3, 2**a, ag.dot([a, 1.0], [2.0, 3.0], 0.5), ag.clip(a, 0.0, 3.0)):
        for operand, partial in zip(y.operands, y.partials, strict=True):
            assert (partial is None) == (type(operand) is float)
            assert isinstance(operand, (Value, float))
        y.backward()
        assert sum(isinstance(x, Value) for x in y.operands) >= 1


def test_a_gradient_that_was_never_computed_is_not_zero():
    a, b = Value(2.0), Value(3.0)
    y = a * 0.0
    assert not a.has_grad
    assert a.grad == 0.0
    y.backward()
    assert a.has_grad
    assert a.grad == 0.0
    assert not b.has_grad
    a.zero_grad()
    assert not a.has_grad
    b.grad = 0.0
    assert b.has_grad
    assert UNSET == 0.0


def test_an_infinite_partial_times_a_zero_adjoint_is_nan_as_in_ieee():
    a = Value(0.0)
    (a.sqrt() * 0.0).backward()
    assert math.isnan(a.grad)


def test_negative_zero_in_an_adjoint_is_kept():
    a = Value(1.0)
    h = a * 1.0
    y = h * -0.0
    y.backward()
    assert same(h.grad, -0.0)


# ------------------------------------------------------------------- freezing


def test_a_frozen_leaf_takes_no_gradient():
    a, b = Value(2.0, name="a"), Value(3.0)
    b.requires_grad = False
    y = a * b + b
    y.backward()
    assert a.grad == 3.0
    assert b.grad == 0.0
    assert not b.has_grad
    assert not b.requires_grad
    assert isinstance(b, Value)
    assert repr(b) == "Value(data=3.0)"
    b.backward()
    assert b.grad == 0.0
    b.grad = 5.0  # as micrograd's loops do, p.grad = 0: no gradient for it
    (a * b).backward()
    assert b.grad == 5.0
    assert not b.has_grad
    assert repr(b) == "Value(data=3.0)"
    (a * b * b).backward()  # used twice, and what it held is back afterwards
    assert b.grad == 5.0
    b.grad = None
    (a * b * b).backward()
    assert b.grad == 0.0
    b.requires_grad = True
    assert not b.has_grad
    (a * b).backward()
    assert b.grad == 2.0
    b.requires_grad = False
    assert b.grad == 0.0


def test_freezing_drops_the_gradient_and_keeps_the_rest():
    a = Value(2.0, name="a")
    (a * a).backward()
    a.requires_grad = False
    assert (a.data, a.name, a.has_grad) == (2.0, "a", False)
    a.data = 7.0
    assert (a + 1).data == 8.0


def test_only_a_leaf_can_be_frozen():
    y = Value(1.0) * 2.0
    with pytest.raises(ValueError, match="only a leaf can be frozen"):
        y.requires_grad = False


# -------------------------------------------------- comparison, conversion, text


@pytest.mark.parametrize("compare", [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne])
def test_comparison_compares_data(compare):
    for x, y in itertools.product([1.0, 2.0, -0.0, 0.0, NAN, INF], repeat=2):
        for a, b in ((Value(x), Value(y)), (Value(x), y), (x, Value(y))):
            assert compare(a, b) is compare(x, y)


def test_equal_values_are_two_keys():
    a, b = Value(1.0), Value(1.0)
    assert a == b
    assert a == 1
    assert a != "1"
    assert hash(a) != hash(b) or a is b
    assert len({a, b}) == 2
    assert {a: "a", b: "b"}[a] == "a"
    assert sorted([Value(3.0), Value(1.0)])[0].data == 1.0
    assert max(Value(3.0), Value(1.0)).data == 3.0


def test_truth():
    assert Value(2.0)
    assert not Value(0.0)
    assert Value(NAN)


@pytest.mark.parametrize("convert", [float, int, complex, math.sin, math.sqrt])
def test_conversion_is_an_error_that_names_the_way_out(convert):
    """math.sin(v) would otherwise give a bare float, and a gradient that is silently wrong."""
    with pytest.raises(TypeError, match=r"autograd\.sin\(v\) in place of math\.sin\(v\), or v\.data"):
        convert(Value(1.0))


def test_an_index_is_an_error():
    with pytest.raises(TypeError):
        [1, 2, 3][Value(1.0)]


def test_format():
    assert f"{Value(math.pi):.3f}" == "3.142"
    assert f"{Value(1e6):>12,.1f}" == f"{1e6:>12,.1f}"
    assert f"{Value(2.0)}" == str(Value(2.0)) == "Value(data=2.0)"
    assert f"{Value(0.25):%}" == "25.000000%"
    with pytest.raises(ValueError, match="format"):
        format(Value(1.0), "no such format")


def test_repr():
    w = Value(-4.0, name="w")
    assert repr(w) == "Value(data=-4.0, name='w')"
    w.grad = 138.8
    assert repr(w) == "Value(data=-4.0, grad=138.8, name='w')"
    assert repr(Value(3)) == "Value(data=3.0)"
    assert repr(Value(NAN)) == "Value(data=nan)"


def test_names():
    w = Value(2.0, name="w")
    assert w.name == "w"
    w.name = "weight ∂/∂x <b>"
    assert w.name == "weight ∂/∂x <b>"
    w.name = None
    assert w.name is None
    y = w * 2
    y.name = "y"
    assert y.name == "y"
    for wrong in (3, b"w", ["w"]):
        with pytest.raises(TypeError, match="a name is a str or None"):
            w.name = wrong
        with pytest.raises(TypeError, match="a name is a str or None"):
            Value(1.0, name=wrong)


# ---------------------------------------------------------------------- NumPy


def test_numpy_scalars_on_the_left():
    v = Value(3.0)
    for node in (np.float64(2) * v, np.float32(2) * v, np.int64(2) * v):
        assert type(node) is Value
        assert node.data == 6.0
        assert node.partials == (None, 2.0)
    assert (np.float64(1) - v).data == -2.0
    assert (np.float64(6) / v).data == 2.0
    assert (np.float64(2) ** v).data == 8.0
    assert bool(np.float64(2) < v)


def test_arrays_of_values():
    v = np.array([Value(1.0), Value(2.0)])
    assert v.dtype == object
    doubled = v * 2
    assert [x.data for x in doubled] == [2.0, 4.0]
    assert [x.data for x in 2 * v] == [2.0, 4.0]
    total = (v * v).sum()
    total.backward()
    assert [x.grad for x in v] == [2.0, 4.0]
    assert (v @ np.array([3.0, 4.0])).data == 11.0
    assert [x.data for x in np.exp(v)] == [math.exp(1.0), math.exp(2.0)]


@pytest.mark.parametrize("operate", [operator.add, operator.mul, operator.sub, operator.truediv, operator.pow])
def test_a_value_and_an_array_give_an_array_of_values(operate):
    v = Value(3.0)
    array = np.array([[1.0, 2.0, 4.0]])
    for result in (operate(v, array), operate(array, v)):
        assert type(result) is np.ndarray
        assert result.shape == (1, 3)
        assert all(type(x) is Value and type(x.data) is float for x in result.ravel())
    assert operate(v, array)[0, 1].data == operate(3.0, 2.0)
    assert operate(array, v)[0, 1].data == operate(2.0, 3.0)


def test_numpy_functions_of_a_value():
    v = Value(0.5)
    ours = {
        "exp": "exp",
        "log": "log",
        "sin": "sin",
        "tanh": "tanh",
        "sqrt": "sqrt",
        "arctan": "atan",
        "absolute": "abs",
    }
    for theirs, name in ours.items():
        node = getattr(np, theirs)(v)
        assert type(node) is Value
        assert node.data == pytest.approx(float(getattr(np, theirs)(0.5)), rel=1e-15)
        assert node.op is OPERATIONS[name]
    assert np.maximum(v, 2.0).op is OPERATIONS["maximum"]
    assert np.arctan2(v, 2.0).partials[1] is None


# ----------------------------------------------------------------------- modes


def test_no_grad_builds_nothing():
    w = Value(2.0)
    with no_grad():
        for y in (w * w, w + 1.0, 2.0 - w, w.exp(), ag.dot([w], [w]), w**2, -w, w / w, abs(w)):
            assert type(y) is Value
            assert (y.op, y.operands, y.partials) == (None, (), ())
        with enable_grad():
            assert (w * w).operands == (w, w)
        assert (w * w).operands == ()
    assert (w * w).operands == (w, w)


def test_no_grad_asks_for_no_derivative():
    def rule(y, *x):
        raise ZeroDivisionError

    one = define("_one_without_a_derivative", lambda x: x * x, (rule,))
    two = define("_two_without_a_derivative", lambda x, y: x * y, (rule, rule))
    x = Value(3.0)
    try:
        with no_grad():
            assert (one(x).data, two(x, 2.0).data) == (9.0, 6.0)
        with pytest.raises(ZeroDivisionError):
            one(x)
    finally:
        del OPERATIONS["_one_without_a_derivative"], OPERATIONS["_two_without_a_derivative"]


def test_no_grad_as_a_decorator_and_after_an_error():
    @no_grad()
    def predict(w):
        return w * w

    w = Value(2.0)
    assert predict(w).operands == ()
    assert predict(w).data == 4.0
    with pytest.raises(KeyError), no_grad():
        raise KeyError
    assert (w * w).operands == (w, w)


def test_no_grad_holds_for_its_own_thread():
    w, inside, done = Value(2.0), threading.Event(), threading.Event()
    seen = []

    def other():
        inside.wait(timeout=30)
        seen.append((w * w).operands)
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    with no_grad():
        inside.set()
        assert done.wait(timeout=30)
        assert (w * w).operands == ()
    thread.join()
    assert seen == [(w, w)]


def test_modes_hold_for_their_own_asyncio_task():
    w = Value(2.0)

    async def silent(entered, go_on):
        with no_grad():
            entered.set()
            await go_on.wait()
            return (w * w).operands

    async def loud(entered, go_on):
        await entered.wait()
        result = (w * w).operands
        go_on.set()
        return result

    async def both():
        entered, go_on = asyncio.Event(), asyncio.Event()
        return await asyncio.gather(silent(entered, go_on), loud(entered, go_on))

    assert asyncio.run(both()) == [(), (w, w)]


def test_anomaly_in_the_forward_pass():
    a, b = Value(1.0), Value(0.0)
    with detect_anomaly(), pytest.raises(AnomalyError) as error:
        a / b  # the line that made it
    message = str(error.value)
    assert message.startswith("div made inf out of 1.0 and 0.0, at ")
    assert __file__ in message
    assert "a / b  # the line that made it" in message
    with detect_anomaly(), pytest.raises(AnomalyError, match=r"log made -inf out of 0\.0"):
        b.log()
    with detect_anomaly(), pytest.raises(AnomalyError, match=r"pow made nan out of -8\.0 and 0\.3333"):
        Value(-8.0) ** (1 / 3)
    with detect_anomaly(), pytest.raises(AnomalyError, match=r"dot made inf"):
        ag.dot([Value(1e200)], [Value(1e200)])
    with detect_anomaly(), pytest.raises(AnomalyError, match=r"add made inf out of 1e\+308 and 1e\+308"):
        Value(1e308) + Value(1e308)
    assert isinstance(error.value, ArithmeticError)
    assert (a / b).data == INF  # outside, as ever


def test_no_anomaly_where_the_operands_were_infinite_before():
    with detect_anomaly():
        y = Value(INF) + 1.0
        z = Value(NAN) * 2.0
        (Value(2.0) * 3.0).backward()
    assert y.data == INF
    assert math.isnan(z.data)


def test_anomaly_in_the_backward_pass():
    x = Value(0.0)
    with detect_anomaly():
        y = x.sqrt()  # the root of it
        with pytest.raises(AnomalyError) as error:
            y.backward()
    message = str(error.value)
    assert "sqrt of 0.0 made inf for operand 0" in message
    assert "y = x.sqrt()  # the root of it" in message
    assert __file__ in message
    outside = Value(0.0).sqrt()
    with detect_anomaly(), pytest.raises(AnomalyError, match="a line outside detect_anomaly"):
        outside.backward()
    outside.backward()  # no error without it


def test_a_pass_that_was_stopped_leaves_the_graph_usable():
    x = Value(0.0)
    h = x * 1.0
    y = h.sqrt() + h
    with detect_anomaly(), pytest.raises(AnomalyError):
        y.backward()
    x.zero_grad()
    y.backward()
    assert x.grad == INF
    assert h.grad == INF


def test_sources_are_recorded_on_request():
    a = Value(2.0)
    assert (a * a).source is None
    with record_source():
        y = a * a + 1.0  # where it happens
        z = ag.dot([a], [a])
    file, line, text = y.source
    assert file == __file__
    assert text == "y = a * a + 1.0  # where it happens"
    assert z.source[1] == line + 1
    assert (a * a).source is None


def test_modes_are_closed_again():
    from autograd import modes

    assert modes.active == 0
    with no_grad(), detect_anomaly(), record_source():
        assert modes.active == 3
    assert modes.active == 0


def test_an_update_under_no_grad_is_in_place():
    w = Value(2.0)
    (w * w).backward()
    with no_grad():
        w.data -= 0.1 * w.grad
    assert w.data == 1.6
    assert w.operands == ()


def test_a_mode_cannot_decorate_what_runs_in_pieces():
    async def coroutine():
        pass

    def generator():
        yield

    async def asynchronous_generator():
        yield

    for function in (coroutine, generator, asynchronous_generator):
        with pytest.raises(TypeError, match=r"runs in pieces.*use `with` inside it"):
            no_grad()(function)


def test_a_pass_that_an_error_ends_leaves_no_gradient_half_made():
    x = Value(0.0)
    h = x * 1.0
    s = h.sqrt()
    y = s * 2.0
    with detect_anomaly(), pytest.raises(AnomalyError):
        y.backward()
    assert not x.has_grad or x.grad == 0.0
    y.backward()
    assert x.grad == INF


def test_frozen_and_live_operands_of_one_node():
    live, frozen = Value(2.0), Value(3.0)
    frozen.requires_grad = False
    for y in (
        live + frozen,
        frozen + live,
        live * frozen,
        frozen / live,
        frozen - live,
        live**frozen,
        ag.sum([live, frozen]),
    ):
        assert set(map(id, y.operands)) == {id(live), id(frozen)}
        y.backward()
    assert live.has_grad
    assert not frozen.has_grad


def test_threads_may_send_gradients_through_the_same_nodes():
    import sys

    x = Value(1.0)
    trunk = x
    for _ in range(500):
        trunk = trunk * 1.0
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=lambda: [(trunk * 1.0).backward() for _ in range(20)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert x.grad == 80.0


@pytest.mark.parametrize("seed", ["x", None, [1.0], Value(1.0)])
def test_a_seed_that_is_no_number_changes_nothing(seed):
    x = Value(2.0)
    y = x * x
    with pytest.raises(TypeError):
        y.backward(seed)
    assert not x.has_grad
    assert not y.has_grad


def test_a_pass_that_ends_early_leaves_no_gradient_behind():
    x = Value(0.0)
    middle = x * 1.0
    with detect_anomaly():
        y = (middle * 1.0).sqrt() * 1.0
        with pytest.raises(AnomalyError, match=r"in the backward pass, sqrt of 0\.0 made inf"):
            y.backward()
    assert not middle.has_grad
    assert not x.has_grad


def test_detect_anomaly_watches_gradients_and_sums_of_adjoints():
    with detect_anomaly():
        with pytest.raises(AnomalyError, match="sqrt"):
            ag.grad(ag.sqrt)(0.0)
        x = Value(0.1)
        h = x * 1.0
        with pytest.raises(AnomalyError, match="made inf"):
            (h * 1e308 + h * 1e308).backward()


def test_modes_refuse_what_runs_in_pieces():
    async def coroutine():
        pass

    def generator():
        yield

    for function in (coroutine, generator):
        with pytest.raises(TypeError, match="runs in pieces"):
            no_grad()(function)


def test_a_generator_closed_by_another_task_leaves_no_mode_on():
    async def suspended():
        with no_grad():
            yield 1

    async def main():
        running = suspended()
        await anext(running)
        await asyncio.create_task(running.aclose())

    asyncio.run(main())
    assert ag.modes.active == 0


def test_rounding_to_digits_is_a_constant():
    x = Value(1234.567)
    y = round(x, 2) * x
    y.backward()
    assert (round(x, 2).data, x.grad) == (1234.57, 1234.57)


def test_numpy_functions_go_to_the_table():
    x = Value(0.3)
    assert np.arctan(x).op.name == "atan"
    assert np.sign(x).data == 1.0
    y = np.maximum(x, Value(0.3))
    y.backward()
    assert x.grad == 0.5


def test_numpys_own_name_for_a_function_is_not_taken_by_an_operation_of_the_users():
    try:
        ag.define("absolute", lambda x: 2.0 * x, (lambda y, x: 2.0,))
        assert np.absolute(Value(-3.0)).op.name == "abs"
    finally:
        OPERATIONS.pop("absolute", None)


def test_a_node_that_is_detached_by_hand_is_a_leaf():
    node = Value(2.0) * 3
    node.op, node.operands, node.partials = None, (), ()
    (node * 2.0).backward()
    assert node.grad == 2.0
    assert node.requires_grad
    assert copy.deepcopy(node).data == 6.0


def test_a_comparison_looks_at_the_numbers_of_every_kind():
    """The complex step puts numbers of its own into Values, which know nothing of Values."""
    larger = lambda p: p[0] if p[0] > p[1] else p[1]
    assert ag.numerical_grad(larger, [2.0, 1.0], method="complex") == [1.0, 0.0]
    assert ag.numerical_grad(lambda p: sorted(p)[0], [2.0, 1.0], method="complex") == [0.0, 1.0]


def test_a_derivative_that_lacks_its_tuple_is_told_so():
    forgotten = ag.define("forgotten", lambda x: x * x, lambda y, x: 2.0 * x)
    try:
        with pytest.raises(TypeError, match=r"a rule for a single operand goes in a tuple: \(rule,\)"):
            forgotten(Value(2.0))
    finally:
        del ag.OPERATIONS["forgotten"]


# ------------------------------------------------------------- habits from elsewhere


def test_backward_of_a_result_without_a_graph_is_refused():
    x = Value(2.0)
    with ag.no_grad():
        y = x * x
        leaf = Value(3.0)
    for z in (y, copy.deepcopy(y), pickle.loads(pickle.dumps(y))):
        with pytest.raises(RuntimeError, match=r"Value\(data=4\.0\) was computed inside no_grad\(\)"):
            z.backward()
    y.name = "y"
    with pytest.raises(RuntimeError, match="no graph to go back through"):
        y.backward()
    leaf.backward()
    assert leaf.grad == 1.0
    twin = copy.copy(y)
    twin.requires_grad = True  # as in PyTorch
    twin.backward()
    assert twin.grad == 1.0
    z = y * 3.0  # it is a leaf of what is computed with it
    z.backward()
    assert (y.grad, x.has_grad) == (3.0, False)


def test_a_gradient_may_be_reset_as_in_pytorch():
    x, named = Value(2.0), Value(3.0, name="n")
    for v in (x, named):
        v.grad = 5.0
        v.grad = None
        assert not v.has_grad
        assert "grad" not in repr(v)
    (x * named).backward()
    assert (x.grad, named.grad) == (3.0, 2.0)
    x.grad = None
    x.backward()
    assert x.grad == 1.0


def test_what_is_put_into_data_becomes_a_float():
    x = Value(2.0)
    for number in (np.float32(0.1), np.int64(3), 3):
        x.data = number
        (x * 1.0).backward()  # the engine in Python converts it here
        assert type(x.data) is float
        assert x.data == float(number)
        assert pickle.loads(pickle.dumps(x)).data == x.data
    for wrong in (True, 1j, Value(1.0), np.zeros(2)):
        with pytest.raises(TypeError):
            _put(x, wrong)
        x.data = 1.0


def _put(x, number):
    x.data = number
    x.backward()  # the engine in C has raised before this


class Tagged(Value):
    def __init__(self, data, tag):
        super().__init__(data)
        self.tag = tag


class Slotted(Value):
    __slots__ = ("__private", "missing", "tag")

    def __init__(self, data, tag):
        super().__init__(data)
        self.tag = tag
        self.__private = [tag]

    @property
    def private(self):
        return self.__private


@pytest.mark.parametrize("kind", [Tagged, Slotted])
def test_copies_of_a_value_that_holds_itself(kind):
    x = kind(2.0, "t")
    x.tag = [x, x * 3.0]
    for twin in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert twin is not x
        assert twin.tag[0] is twin
        assert twin.tag[1].operands == (twin, 3.0)
        assert twin.tag[1].operands[0] is twin


class OneSlot(Value):
    __slots__ = "metadata"  # one name, which holds that of a slot of Value


def test_copies_of_a_subclass_with_its_slot_in_a_string():
    x = OneSlot(2.0)
    x.metadata = "t"
    for twin in (copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert twin.metadata == "t"


@pytest.mark.parametrize("name", [None, "x"])
def test_a_seed_that_is_a_value_is_refused_by_every_leaf(name):
    x = Value(2.0, name=name)
    with pytest.raises(TypeError, match="is a Value already"):
        x.backward(Value(1.0))
    assert not x.has_grad


@pytest.mark.parametrize("kind", [Tagged, Slotted])
def test_copies_of_a_subclass_keep_what_it_holds(kind):
    x = kind(2.0, "t")
    x.name = "x"
    x.requires_grad = False
    assert not x.requires_grad
    for twin in (copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert (type(twin), twin.data, twin.tag, twin.name, twin.requires_grad) == (kind, 2.0, "t", "x", False)
    x.requires_grad = True
    y = x * 3.0 + x
    for twin in (copy.deepcopy(y), pickle.loads(pickle.dumps(y))):
        twin.backward()
        (leaf,) = [v for v in ag.topological_order(twin) if not v.operands]
        assert (type(leaf), leaf.tag, leaf.grad, x.has_grad) == (kind, "t", 4.0, False)
        if kind is Slotted:
            assert leaf.private == ["t"]
            assert leaf.private is not x.private
            assert not hasattr(leaf, "missing")
    assert round(x, 1).data == 2.0


def test_a_bool_is_no_number_and_where_is_named():
    x = Value(2.0)
    for compute in (
        lambda: (x > 0) * x,
        lambda: x * (x > 0),
        lambda: x + np.bool_(True),
        lambda: True - x,
        lambda: x // True,
        lambda: x ** (x > 0),
        lambda: ag.exp(True),
        lambda: ag.jit(lambda v: v * True)(2.0),
    ):
        with pytest.raises(TypeError, match=r"bool .*True_? was given; where\(condition, a, b\) chooses by it"):
            compute()


def test_numpy_asks_each_entry_of_an_array_of_values():
    entries = [Value(0.25), Value(0.75)]
    array = np.array(entries)
    for name in ["arctan", "arcsin", "arccos", "arcsinh", "arctanh", "fabs", "absolute", "rint", "exp", "sqrt"]:
        f = getattr(np, name)
        results = f(array)
        assert [v.data for v in results] == [f(v).data for v in entries]
        assert all(type(v) is Value for v in results)
        assert [v.data for v in results] == pytest.approx(list(f([0.25, 0.75])), rel=1e-15)
    assert np.arctan2(array, array)[0].data == math.atan2(0.25, 0.25)
    spread = np.var(array) + np.std(array) + np.mean(array)
    assert spread.data == 0.0625 + 0.25 + 0.5
    spread.backward()
    assert [v.grad for v in entries] == [0.5 - 0.25 - 0.5, 0.5 + 0.25 + 0.5]  # 2(x − μ)/n, ±½, 1/n


def test_identity_is_what_sets_and_dicts_go_by():
    a, b = Value(1.0), Value(1.0)
    assert b in [a]
    assert b not in {a}
    assert {a: 0, b: 1}[b] == 1
