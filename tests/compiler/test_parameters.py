"""Parameters of models under jit: live at every call, written back where the function changes them."""

import numpy as np
import pytest

import nn
from autograd import Value, jit, value_and_grad
from autograd import sum as total


def test_declared_parameters_are_read_at_every_call():
    w = Value(3.0, name="w")
    f = jit(lambda x: w * x, parameters=[w])
    assert f(2.0) == 6.0
    w.data = 5.0
    assert f(2.0) == 10.0
    assert "t2 = w × x" in str(f.program()) or "t2 = x × w" in str(f.program())


def test_models_as_arguments_do_not_mix():
    a, b = nn.MLP(2, [3, 1], seed=1), nn.MLP(2, [3, 1], seed=2)
    f = jit(lambda model, x: model(x))
    x = [0.5, -0.25]
    for _ in range(3):
        assert f(a, x) == a(x).data
        assert f(b, x) == b(x).data
    a.parameters()[0].data += 1.0
    assert f(a, x) == a(x).data
    assert f(b, x) == b(x).data


def test_a_training_step_is_a_function_that_changes_its_model():
    steps = []
    for compiled in (False, True):
        model = nn.MLP(2, [4, 1], activation="tanh", seed=3)
        optimizer = nn.SGD(model.parameters(), lr=0.1)

        def step(x, t, model=model, optimizer=optimizer):
            loss = (model(x) - t) ** 2
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        run = jit(step, parameters=model) if compiled else lambda x, t, step=step: step(x, t).data
        losses = [run([0.1 * i, 0.5], 1.0) for i in range(20)]
        steps.append((losses, [p.data for p in model.parameters()], [p.grad for p in model.parameters()]))
    assert steps[0] == steps[1]


def test_gradients_by_parameters_are_numbers():
    model = nn.MLP(2, [3, 1], seed=1)

    def f(x):
        loss = model(x) ** 2
        model.zero_grad()
        loss.backward()
        return [p.grad for p in model.parameters()]

    expected = f([1.0, 2.0])
    model.zero_grad()
    assert jit(f, parameters=model)([1.0, 2.0]) == expected


def test_a_frozen_parameter_is_read_and_gets_no_gradient():
    w, c = Value(2.0), Value(3.0)
    c.requires_grad = False

    def f(x):
        y = w * c * x
        w.zero_grad()
        y.backward()
        return y

    g = jit(f, parameters=[w, c])
    assert (g(1.0), w.grad, c.grad) == (6.0, 3.0, 0.0)
    c.data = 5.0
    assert (g(1.0), w.grad) == (10.0, 5.0)


def test_transformations_inside_see_declared_parameters():
    w = Value(2.0)
    f = jit(value_and_grad(lambda x: w * x * x), parameters=[w])
    assert f(3.0) == (18.0, 12.0)


def test_the_mode_of_a_module_is_part_of_the_structure():
    drop = nn.Sequential(nn.Dropout(0.0), nn.MLP(2, [1], seed=1))
    f = jit(lambda model, x: total(model(x)) if isinstance(model(x), list) else model(x))
    assert f(drop, [1.0, 2.0]) == f(drop.eval(), [1.0, 2.0])
    assert repr(f).endswith("2 structure(s) of arguments>")


def test_a_parameter_that_is_replaced_is_noticed():
    model = nn.MLP(2, [1], seed=1)
    f = jit(lambda model, x: model(x))
    f(model, [1.0, 2.0])
    model.layers[0].neurons[0].b = Value(10.0)
    assert f(model, [1.0, 2.0]) == model([1.0, 2.0]).data


class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = Value(2.0)

    def forward(self, x):
        return self.w * x if self.training else 10.0 * self.w * x


def test_a_parameter_that_is_frozen_or_thawed_later_is_noticed():
    model = Scaled()

    def step(x):
        loss = model(x) ** 2
        model.zero_grad()
        loss.backward()
        return loss

    for compiled in (jit(step, parameters=[model.w]), jit(step, parameters=model)):
        for wanted in (False, True, False, True):
            model.w.requires_grad = wanted
            assert (compiled(3.0), model.w.grad) == (36.0, 36.0 if wanted else 0.0)

    def slope(given, x):
        loss = given(x) ** 2
        given.zero_grad()
        loss.backward()
        return given.w.grad

    argument = jit(slope)
    for wanted in (False, True, False):
        model.w.requires_grad = wanted
        assert argument(model, 3.0) == (36.0 if wanted else 0.0)


def test_a_declared_module_is_looked_at_in_every_call():
    model = Scaled()
    f = jit(lambda x: model(x), parameters=model)
    assert f(1.0) == 2.0
    model.eval()
    assert f(1.0) == 20.0
    model.w = Value(7.0)
    assert (f(1.0), f.mean(np.array([1.0, 3.0]))) == (70.0, 140.0)
    model.train()
    assert (f(1.0), f.mean(np.array([1.0, 3.0]))) == (7.0, 14.0)
    idle = nn.Dropout(0.5)  # no parameters, and a mode
    g = jit(lambda x: x if idle.training else -x, parameters=idle)
    assert [g(1.0), g(1.0), g.mean(np.ones(3)), g.mean(np.ones(3))] == [1.0] * 4
    idle.eval()
    assert [g(1.0), g(1.0), g.mean(np.ones(3)), g.mean(np.ones(3))] == [-1.0] * 4


def test_an_update_that_writes_parameters_does_so_whatever_the_size_of_the_batch():
    w = Value(2.0)

    def update(slope):
        w.data = w.data - 0.25 * slope
        return slope

    slope = jit(lambda x: w.data * x, parameters=[w])
    for n in (1, 4, 1_000, 1_000_000):
        for _ in range(2):
            w.data = 2.0
            assert (slope.mean(np.ones(n), then=update), w.data) == (2.0, 1.5)
    model = Scaled()

    def descend(result, given):
        loss, grad = result
        given.w.data = given.w.data - 0.25 * grad
        return loss

    def sample(given, x):
        loss = given(x) ** 2
        given.zero_grad()
        loss.backward()
        grad = given.w.grad
        given.zero_grad()
        return loss, grad

    with pytest.raises(ValueError, match="changes its parameters"):
        jit(sample).mean(model, np.ones(4), then=descend)
    both = jit(lambda given, x: value_and_grad(lambda w: (w * x) ** 2)(given.w.data))
    for n in (4, 1_000_000):
        model.w.data = 2.0
        assert (both.mean(model, np.ones(n), then=descend), model.w.data) == (4.0, 1.0)
