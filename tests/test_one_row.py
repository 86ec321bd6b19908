"""An operation is one row: what is added to the table is found everywhere, without a line elsewhere."""

import copy
import pickle

import numpy as np
import pytest

import autograd
import nn
from autograd import OPERATIONS, Value, derivative, detect_anomaly, draw, explain, grad, hessian, jit
from autograd.app.expression import Expression
from autograd.operation import Number, add_row


@pytest.fixture(scope="module")
def cube():
    """The row, in the table for the tests of this file only."""
    function = add_row(
        "cube",
        lambda x: x * x * x,
        (lambda y, x: 3.0 * x * x,),
        text="#0³",
        derivative_text=("3 × #0²",),
        dead_below=-100.0,
        doc="The cube x³.",
    )
    yield function
    del OPERATIONS["cube"]
    del Number.cube


def test_the_engine_has_it(cube):
    x = Value(2.0, name="x")
    y = x.cube()
    y.backward()
    assert (y.data, x.grad, y.op.name) == (8.0, 12.0, "cube")
    assert cube(2.0) == 8.0
    assert cube(x).data == 8.0
    with detect_anomaly(), pytest.raises(autograd.AnomalyError, match="cube made inf"):
        Value(1e200).cube()


def test_so_do_higher_derivatives(cube):
    assert derivative(cube, 2)(2.0) == 12.0
    assert derivative(cube, 3)(2.0) == 6.0
    assert hessian(lambda p: cube(p[0]) * p[1])([2.0, 5.0]) == [[60.0, 12.0], [12.0, 0.0]]
    assert autograd.jvp(cube, (2.0,), (1.0,)) == (8.0, 12.0)
    assert autograd.check_grad(cube, 0.7, order=2)
    assert autograd.numerical_grad(cube, 2.0, method="complex") == 12.0


def test_so_do_numpy_and_copies(cube):
    assert [v.data for v in np.frompyfunc(cube, 1, 1)(np.array([Value(1.0), Value(2.0)]))] == [1.0, 8.0]
    y = Value(2.0).cube()
    for again in (copy.deepcopy(y), pickle.loads(pickle.dumps(y))):
        assert again.op is y.op


def test_so_does_the_compiler(cube):
    compiled = jit(grad(lambda x: x.cube() + cube(x)))
    assert compiled(2.0) == 24.0
    assert list(compiled(np.array([1.0, 2.0]))) == [6.0, 24.0]


def test_so_does_the_diagram(cube):
    y = Value(2.0, name="x").cube()
    picture = draw(y)
    assert "x³" in picture.svg
    assert "3 × x² = 12" in picture.svg
    assert '"operation": "cube"' in picture.json


def test_so_does_the_derivation(cube):
    x = Value(2.0, name="x")
    y = cube(x) * 2.0
    y.name = "y"
    derivation = explain(y, wrt=x)
    assert derivation.value == 24.0
    assert "3 × x²" in str(derivation)
    assert "3 x^2" in derivation.latex


def test_so_do_the_expressions_of_the_command_line(cube):
    assert Expression("cube(x) + 1")({"x": 2.0}) == 9.0


def test_so_do_neurons(cube):
    assert "cube" in nn.activation_names()
    model = nn.MLP(1, [2, 1], activation="cube", seed=0)
    loss = model([0.5])
    loss.backward()
    boxes = [
        node for node in __import__("json").loads(draw(loss, model=model).json)["nodes"] if node["operation"] == "cube"
    ]
    assert len(boxes) == 2
    assert all(box["cluster"] for box in boxes)


def test_so_does_the_reference(cube):
    assert "The cube x³." in cube.__doc__
    assert "∂/∂x = 3 × x²" in cube.__doc__
    assert "'0.125000000'" in OPERATIONS["cube"].example()
