"""hello: a square and its derivative."""

from typing import Any

from autograd import grad
from common import whole


def square(x: Any) -> Any:
    """The square of a number."""
    return x * x


FUNCTIONS = {
    "square": lambda data, compiled: whole(square, [data], compiled),
    "double": lambda data, compiled: whole(grad(square), [data], compiled),
}
