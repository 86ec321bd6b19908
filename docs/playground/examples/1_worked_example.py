"""The worked example: two inputs, two hidden neurons, two outputs."""

import nn
from autograd import Value

x = [Value(0.05, name="i1"), Value(0.10, name="i2")]
for value in x:
    value.requires_grad = False  # an input, not a parameter
weights = {
    "w1": 0.15, "w2": 0.20, "w3": 0.25, "w4": 0.30, "b1": 0.35,  # to the hidden layer
    "w5": 0.40, "w6": 0.45, "w7": 0.50, "w8": 0.55, "b2": 0.60,  # to the outputs
}  # fmt: skip
p = {name: Value(number, name=name) for name, number in weights.items()}


def named(value, name):
    value.name = name
    return value


h1 = named((p["w1"] * x[0] + p["w2"] * x[1] + p["b1"]).sigmoid(), "h1")
h2 = named((p["w3"] * x[0] + p["w4"] * x[1] + p["b1"]).sigmoid(), "h2")
o1 = named((p["w5"] * h1 + p["w6"] * h2 + p["b2"]).sigmoid(), "o1")
o2 = named((p["w7"] * h1 + p["w8"] * h2 + p["b2"]).sigmoid(), "o2")
error = named(nn.half_squared_error([o1, o2], [0.01, 0.99]), "E")
error.backward()

print(f"E = {error.data:.9f}")
print(f"∂E/∂w5 = {p['w5'].grad:.9f}")
error  # the last line is the picture
