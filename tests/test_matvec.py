"""matvec: the same nodes as dot makes, whatever the operands are."""

import numpy as np
import pytest

import autograd
from autograd import Value, dot, matvec, no_grad


def rows(kind):
    return [[kind(0.1 * (i + 1) * (j - 1)) for j in range(3)] for i in range(2)]


@pytest.mark.parametrize("weight", [Value, float])
@pytest.mark.parametrize("x", [Value, float, int, np.float64])
@pytest.mark.parametrize("bias", [Value, float])
def test_the_same_nodes_as_dot(weight, x, bias):
    ws, xs, bs = rows(weight), [x(v) for v in (2.0, -1.0, 3.0)], [bias(0.5), bias(-0.25)]
    for node, row, b in zip(matvec(ws, xs, bs), ws, bs, strict=True):
        one = dot(row, xs, b)
        if isinstance(one, float):
            assert node == one
            assert type(node) is float
            continue
        assert (node.data, node.op, node.partials) == (one.data, one.op, one.partials)
        assert all(a is b or a == b for a, b in zip(node.operands, one.operands, strict=True))
        node.backward()
        one.backward()


def test_mixed_inputs_and_frozen_weights():
    ws = rows(Value)
    ws[0][1].requires_grad = False
    y, _ = matvec(ws, [Value(1.0), 2.0, Value(3.0)], [Value(0.0), Value(0.0)])
    y.backward()
    assert ws[0][0].grad == 1.0
    assert not ws[0][1].has_grad
    assert y.partials[4] is None


@pytest.mark.parametrize(("xs", "biases"), [([1.0, 2.0], [0.0, 0.0]), ([1.0, 2.0, 3.0], [0.0])])
def test_lengths_must_agree(xs, biases):
    with pytest.raises(ValueError):
        matvec(rows(Value), xs, biases)


def test_no_graph_under_no_grad():
    with no_grad():
        y, _ = matvec(rows(Value), [1.0, 2.0, 3.0], [Value(0.0), Value(0.0)])
    assert y.operands == ()


def test_a_weight_that_is_no_number_is_named():
    with pytest.raises(TypeError, match="str"):
        matvec([["a", "b"]], [1.0, 2.0], [Value(0.0)])
    assert autograd.matvec is matvec
