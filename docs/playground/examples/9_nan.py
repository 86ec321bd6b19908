"""A gradient that is nan, and where it comes from (see Diagnose)."""

from autograd import Value, sqrt, where

x = Value(0.0, name="x")
distance = sqrt(x * x)  # its slope at 0 is infinite, and 0 × inf is nan
distance.name = "distance"
distance.backward()
print("gradient:", x.grad)

# One way out: take the branch before the square root.
x = Value(0.0, name="x")
safe = where(x == 0.0, 0.0 * x, sqrt(x * x))
safe.backward()
print("with a branch:", x.grad)

distance
