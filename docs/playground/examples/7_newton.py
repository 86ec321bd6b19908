"""Newton's method: the root of a function by its own derivative."""

from autograd import Value, value_and_grad


def f(x):
    return x * x - 2


x = 1.0
for step in range(6):
    value, slope = value_and_grad(f)(x)
    print(f"step {step}: x = {x:.15f}, f(x) = {value: .3e}")
    x -= value / slope

# A step is a computation too: how does its result depend on where it began?
start = Value(1.0, name="start")
second = start - f(start) / (2 * start)
second.name = "second"
second.backward()
second
