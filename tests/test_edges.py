"""Where one step further means another thing: what no other test would notice if it changed."""

import contextlib
import math

import numpy as np
import pytest

import autograd as ag
from autograd import OPERATIONS, Value, define, grad, gradients, jvp

INF, NAN = math.inf, math.nan


def test_a_value_without_a_name_carries_nothing_more():
    """A node is small: what few Values have is a dict that the others are without."""
    x = Value(2.0)
    assert x.extras is Value(2.0, name=None).extras is (x * x).extras is None
    x.name = "x"
    assert x.extras == {"name": "x"}


class Bare(ag.Number):
    """A number of another kind, of a lower rank than a Value's: it leaves every operation to the other side."""

    def apply(self, op, operands):
        return op.forward(*[3.0 if isinstance(x, Bare) else x for x in operands])

    __sub__ = __truediv__ = lambda self, other: NotImplemented


def test_the_other_side_may_be_a_number_of_another_kind():
    x = Value(2.0)
    assert ((x - Bare()).data, (x / Bare()).data) == (-1.0, 2.0 / 3.0)
    assert ((Bare() - x).data, (Bare() / x).data) == (1.0, 1.5)


def test_a_derivative_that_is_not_asked_for_is_not_computed():
    asked = []
    op = define(
        "edge_counted",
        lambda a, b: a * b,
        (lambda y, a, b: b, lambda y, a, b: asked.append(b) or a),
    )
    try:
        x, w = Value(2.0), Value(3.0)
        y = op(x, w)
        asked.clear()
        (slope,) = gradients(y, [x], create_graph=True)
        assert slope.data == 3.0
        assert asked == []
    finally:
        del OPERATIONS["edge_counted"]


def test_a_tangent_may_be_a_value_to_differentiate_by():
    tangent = Value(2.0)
    y, along = jvp(lambda x: x * x * x, (3.0,), (tangent,))
    assert (y, along.data) == (27.0, 54.0)
    assert gradients(along, tangent) == 27.0
    pair = jvp(lambda p: p[0] * p[1], ([3.0, 5.0],), ([tangent, 1.0],))[1]
    assert (pair.data, gradients(pair, tangent)) == (13.0, 5.0)


def test_the_norm_of_an_infinity():
    assert ag.norm([INF, 1.0]) == ag.norm([1.0, -INF]) == ag.norm([INF, INF]) == INF
    assert math.isnan(ag.norm([NAN, 1.0]))
    x, y = Value(INF), Value(1.0)
    norm = ag.norm([x, y])
    norm.backward()
    assert norm.data == INF
    assert y.grad == 0.0  # beside an infinite number, a finite one does not count


# ------------------------------------------------------------- transformations


def test_nan_is_an_anomaly_where_that_is_asked_for_alone():
    """Another mode, such as the one that records where a node was made, does not look for it."""
    f = lambda x: x.sqrt() * 0.0
    for mode in (contextlib.nullcontext, ag.record_source, ag.enable_grad):
        with mode():
            assert math.isnan(grad(f)(0.0))
            assert math.isnan(jvp(f, (0.0,), (1.0,))[1])
    with ag.detect_anomaly():
        with pytest.raises(ag.AnomalyError):
            grad(f)(0.0)
        with pytest.raises(ag.AnomalyError):
            jvp(f, (0.0,), (1.0,))


def test_detect_anomaly_looks_at_what_is_asked_for_alone():
    with ag.detect_anomaly():
        x, w = Value(2.0), Value(3.0)
        assert gradients(x * w + w, [x]) == [3.0]
        assert gradients((x * w).log() + w, x) == 0.5


@pytest.mark.parametrize(("before", "after"), [(2.0, NAN), (NAN, 2.0), (2.0, 3.0), (0.0, -2.0)])
def test_a_graph_of_derivatives_is_refused_where_the_data_changed(before, after):
    x = Value(before)
    y = x * x
    x.data = after
    with pytest.raises(RuntimeError, match="the data of a Value was changed"):
        gradients(y, x, create_graph=True)
    x.data = before
    assert repr(gradients(y, x, create_graph=True).data) == repr(2.0 * before)


def test_a_constant_derivative_takes_no_gradient():
    x = Value(2.0)
    slope = gradients(x * 3.0, x, create_graph=True)
    assert (slope.data, slope.requires_grad) == (3.0, False)
    (slope * x).backward()
    assert not slope.has_grad
    assert x.grad == 3.0


def test_the_first_derivative_is_what_no_order_means():
    assert ag.derivative(lambda x: x**4)(2.0) == ag.derivative(lambda x: x**4, 1)(2.0) == 32.0
    assert ag.derivative(lambda x: x**4, 0)(2.0) == 16.0


def test_whole_tangents_and_cotangents_become_floats():
    for one in (1, np.float32(1.0), np.int64(1)):
        _, along = jvp(lambda x: x, (2.0,), (one,))
        assert repr(along) == "1.0"
        _, pull = ag.vjp(lambda x: [x, x], 2.0)
        assert repr(pull([one, one])) == "(2.0,)"
    with pytest.raises(ValueError, match="str was given"):
        jvp(lambda x: x, (2.0,), ("1",))


def test_a_power_of_zero_has_second_derivatives():
    """The branch that is not taken holds ln 0, which must not come into the derivatives of the other."""
    second = ag.hessian(lambda x, n: x**n, (0, 1))
    assert second(0.0, 2.0) == ((2.0, 0.0), (0.0, 0.0))
    assert second(0.0, 3.0) == ((0.0, 0.0), (0.0, 0.0))
    assert [second(0.0, n)[1][1] for n in (0.0, 1.0)] == [0.0, 0.0]
    assert second(2.0, 3.0)[1] == pytest.approx((4.0 + 12.0 * math.log(2.0), 8.0 * math.log(2.0) ** 2))
