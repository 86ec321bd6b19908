"""A polynomial, and the chain rule for its slope."""

from autograd import Value, explain, grad


def f(x):
    return x**3 - 2 * x**2 + 1


x = Value(2.0, name="x")
y = f(x)
y.name = "y"
y.backward()
print("f(2) =", y.data)
print("f'(2) =", x.grad)
print("f''(2) =", grad(grad(f))(2.0))
print(explain(y, wrt=x))

y
