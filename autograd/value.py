"""Value: a number that remembers how it was computed.

Every operation stores, when it runs, the local derivative ∂result/∂operand beside each operand. ``backward`` then has
one line of mathematics, the chain rule: ``operand.grad += partial * adjoint``, from the result back to the leaves.
"""

from __future__ import annotations

from typing import Any

from . import modes, ops
from ._dunders import Dunders
from ._methods import TableMethods
from ._numpy import NumpyProtocol
from .graph import UNSET, backward_order, is_unset
from .operation import Number, Operation, as_constant, as_float

ADD, SUB, MUL, DIV, POW, NEG = (ops.OPERATIONS[name] for name in ("add", "sub", "mul", "div", "pow", "neg"))


class Value(Number, TableMethods, Dunders, NumpyProtocol):
    """A real number that records the operations done with it, so that ``backward`` can differentiate them.

    ``Value(2.0)`` is a leaf. Arithmetic with it makes new Values, and so do the functions of the table in ``ops.py``,
    each of which is a method as well: ``v.exp()``, ``v.tanh()``, ``v.relu()``. Raises TypeError for anything but a real
    number.

    >>> a, b = Value(2.0, name="a"), Value(-3.0, name="b")
    >>> loss = a * b + a.tanh()
    >>> loss.backward()
    >>> b.grad
    2.0
    >>> a
    Value(data=2.0, grad=-2.9293491751468355, name='a')
    """

    __slots__ = {
        "data": "The number. What else is put there becomes a float; in the engine in Python at the next backward().",
        "grad": "The derivative, by this Value, of what was last sent ``backward``; 0.0 where that was never computed.",
        "op": "The operation that made this Value, a row of the table; None for a leaf.",
        "operands": "What it was made of: Values, and plain floats for constants.",
        "partials": "∂self/∂operand for each operand; None for a constant.",
        "extras": "Its name, the line that made it, whether it is frozen: a dict; None on most Values.",
    }
    rank, is_node = 1, True  # for operation.py and graph.py, which cannot import Value

    def __init__(self, data: Any, name: str | None = None) -> None:
        self.data = _number(data)
        self.grad = UNSET
        self.op = self.extras = None
        self.operands = self.partials = ()
        if name is not None:
            self.name = name

    def backward(self, seed: float = 1.0) -> None:
        """Add seed·∂self/∂leaf to the ``grad`` of every leaf; set that of every node in between to seed·∂self/∂node.

        Leaves accumulate over calls until they are reset. Raises TypeError for a seed that is no number, and
        RuntimeError for a result that was computed inside ``no_grad()``.

        >>> x = Value(3.0)
        >>> (x * x).backward()
        >>> x.grad
        6.0
        """
        with backward_order(self, _number(seed)) as nodes:
            # Go one node at a time, users before their operands, and apply the chain rule:
            # ∂self/∂operand += ∂node/∂operand · ∂self/∂node
            for node in nodes:
                adjoint = node.grad
                for operand, partial in zip(node.operands, node.partials):
                    if partial is not None:
                        operand.grad += partial * adjoint

    # Each operator gives the number, and its derivative by each operand. If the other side is not a Value (a constant,
    # say), `_operate` takes both from the table in ops.py.

    def __add__(self, other: Value | float) -> Value:
        if type(other) is not Value:
            return self._operate(ADD, other)
        return new_node(self.data + other.data, ADD, (self, other), (1.0, 1.0))

    def __sub__(self, other: Value | float) -> Value:
        if type(other) is not Value:
            return self._operate(SUB, other)
        return new_node(self.data - other.data, SUB, (self, other), (1.0, -1.0))

    def __mul__(self, other: Value | float) -> Value:
        if type(other) is not Value:
            return self._operate(MUL, other)
        return new_node(self.data * other.data, MUL, (self, other), (other.data, self.data))

    def __truediv__(self, other: Value | float) -> Value:
        if type(other) is not Value:
            return self._operate(DIV, other)
        quotient = ops.divide(self.data, other.data)  # divide, not /: x / 0 is inf or nan here, as in IEEE 754
        return new_node(quotient, DIV, (self, other), (ops.divide(1.0, other.data), -ops.divide(quotient, other.data)))

    def __pow__(self, other: Value | float) -> Value:
        if type(other) is not Value:
            return self._operate(POW, other)
        x, n = self.data, other.data
        power = ops.power(x, n)
        # n·xⁿ⁻¹ and xⁿ·ln x; ops.py says how they behave at x = 0 and below
        return new_node(power, POW, (self, other), (ops.power_by_base(power, x, n), ops.power_by_exponent(power, x, n)))

    def __neg__(self) -> Value:
        return new_node(-self.data, NEG, (self,), (-1.0,))

    def __radd__(self, other: Value | float) -> Value:
        return self._operate(ADD, other, reflected=True)

    def __rsub__(self, other: Value | float) -> Value:
        return self._operate(SUB, other, reflected=True)

    def __rmul__(self, other: Value | float) -> Value:
        return self._operate(MUL, other, reflected=True)

    def __rtruediv__(self, other: Value | float) -> Value:
        return self._operate(DIV, other, reflected=True)

    def __rpow__(self, other: Value | float) -> Value:
        return self._operate(POW, other, reflected=True)

    def apply(self, op: Operation, operands: tuple[Any, ...]) -> Value:
        """Return the node that a row of the table makes of ``operands``, of which at least one is a Value."""
        if len(operands) == 1:
            data = _number(op.evaluate(self.data))
            partials = () if modes.active and modes.graph_is_off() else (op.partial(0, data, self.data),)
            return new_node(data, op, operands, partials)
        is_value = [isinstance(x, Value) for x in operands]
        if not all(is_value):
            operands = tuple([x if isinstance(x, Number) else as_float(x) for x in operands])
        numbers = [x.data if value else x for x, value in zip(operands, is_value)]
        # a primitive's forward takes floats only; any other takes every kind of number, and is quicker than evaluate
        data = _number((op.evaluate if op.primitive else op.forward)(*numbers))
        partials = () if modes.active and modes.graph_is_off() else op.partials(data, numbers, is_value)
        return new_node(data, op, operands, partials)

    def _operate(self, op: Operation, other: Any, reflected: bool = False) -> Value:
        """Return the node of an operator whose other side is a constant, or another kind of number."""
        if isinstance(other, Number):
            return self.apply(op, (other, self) if reflected else (self, other))
        constant, number = as_constant(other), self.data
        if constant is NotImplemented:
            return NotImplemented  # type: ignore[no-any-return]  # the other side may know how
        if reflected:
            data = op.evaluate(constant, number)
            return new_node(data, op, (constant, self), (None, op.partial(1, data, constant, number)))
        data = op.evaluate(number, constant)
        return new_node(data, op, (self, constant), (op.partial(0, data, number, constant), None))

    def item(self) -> float:
        """Return the number, ``data``."""
        return self.data

    def zero_grad(self) -> None:
        """Forget the gradient, as if it had never been computed."""
        self.grad = UNSET

    @property
    def has_grad(self) -> bool:
        """Whether a gradient was computed (or set) since the Value was made or reset; False for a frozen leaf."""
        return not is_unset(self.grad) and self.requires_grad

    @property
    def requires_grad(self) -> bool:
        """Whether ``backward`` gives this Value a gradient; set it to False to freeze a leaf.

        Raises ValueError when it is set on a Value that an operation made.
        """
        return self.extras is None or bool(self.operands) or not self.extra("frozen")

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if self.operands:
            raise ValueError("only a leaf can be frozen, and an operation made this Value; freeze what it was made of")
        self.zero_grad()
        self.extras = {**(self.extras or {}), "frozen": not wanted, "cut": False}  # a leaf, whatever made it


def new_node(data: Any, op: Operation, operands: tuple[Any, ...], partials: tuple[Any, ...]) -> Value:
    """Return the Value that an operation made; ``no_grad`` and other modes may change it."""
    node = object.__new__(Value)  # without __init__, which is for leaves
    node.data = data
    node.grad = UNSET
    node.extras = None
    node.op = op
    node.operands = operands
    node.partials = partials
    return modes.watch(node) if modes.active else node


def _number(data: Any) -> Any:
    if not isinstance(data, Number):
        return as_float(data)
    if data.is_node:  # a Value, of either engine
        raise TypeError(f"a Value holds a number, and {data!r} is a Value already; use it as it is, or its .data")
    return data
