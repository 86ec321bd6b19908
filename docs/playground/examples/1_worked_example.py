"""The worked example: two inputs, two hidden neurons, two outputs."""

import nn
from autograd import Value


def named(name, value):
    value.name = name
    return value


names = ["w1", "w2", "w3", "w4", "w5", "w6", "w7", "w8", "b1", "b2"]
numbers = [0.15, 0.20, 0.25, 0.30, 0.40, 0.45, 0.50, 0.55, 0.35, 0.60]
parameters = [Value(x, name=name) for name, x in zip(names, numbers)]
w1, w2, w3, w4, w5, w6, w7, w8, b1, b2 = parameters
x1, x2 = Value(0.05, name="x1"), Value(0.10, name="x2")
x1.requires_grad = x2.requires_grad = False  # inputs do not learn

h1 = named("h1", (w1 * x1 + w2 * x2 + b1).sigmoid())
h2 = named("h2", (w3 * x1 + w4 * x2 + b1).sigmoid())
o1 = named("o1", (w5 * h1 + w6 * h2 + b2).sigmoid())
o2 = named("o2", (w7 * h1 + w8 * h2 + b2).sigmoid())
error = named("E", nn.half_squared_error([o1, o2], [0.01, 0.99]))
error.backward()

print(f"E = {error.data:.9f}")
print(f"∂E/∂w5 = {w5.grad:.9f}")
error  # the value of the last line is drawn
