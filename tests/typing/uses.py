"""What a user writes, as type checkers see it. Lines marked `error` are ones that they must refuse."""

from typing import assert_type

import autograd
from autograd import Value, grad, value_and_grad


def square(x: Value) -> Value:
    return x * x


def scaled(x: Value, by: float, *, shift: float = 0.0) -> Value:
    return by * x + shift


v = Value(2.0, name="v")
assert_type(v.data, float)
assert_type(v.grad, float)
assert_type(v + 1, Value)
assert_type(1 - v, Value)
assert_type(v * v / 3.0, Value)
assert_type(2**v, Value)
assert_type(-abs(v) // 2 % 3, Value)
assert_type(round(v), Value)
assert_type(v.tanh(), Value)
assert_type(v.clip(high=1.0), Value)
assert_type(v.atan2(1.0), Value)
assert_type(square(v), Value)
assert_type(v < 1.0, bool)
assert_type(v.name, str | None)
assert_type(v.requires_grad, bool)

slope = grad(scaled)
slope(v, 2.0, shift=1.0)
value_and_grad(scaled)(v, 2.0)
autograd.draw(v, style="micrograd").save("v.svg")
assert_type(autograd.Diagram.load("v.json"), autograd.Diagram)


def drawn(v: Value) -> Value:
    with autograd.draw_on_error("broken.html"):  # which hides no exception
        return v.exp()


v.tanhh()  # error
v + "x"  # error
v.clip(highest=1.0)  # error
slope(v)  # error
slope(v, 2.0, shfit=1.0)  # error
square("x")  # error
