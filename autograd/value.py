"""Value: a number that remembers how it was computed.

Every operation stores, when it runs, the local derivative ∂result/∂operand beside each operand. ``backward`` then has
one line of mathematics, the chain rule: ``operand.grad += partial * node.grad``, from the result back to the leaves.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import modes, ops
from ._protocols import NumberProtocols
from .ops import Number, Operation, as_float

UNSET = float("0.0")  # the gradient that was never computed: equal to 0.0, told apart by identity
_new = object.__new__
_PLAIN = (float, int)
_backward_lock = threading.RLock()
_ADD, _SUB, _MUL, _DIV = (ops.OPERATIONS[name] for name in ("add", "sub", "mul", "div"))
_ADD_PARTIALS, _SUB_PARTIALS, _CONSTANT_ADDED = (1.0, 1.0), (1.0, -1.0), (1.0, None)


class Value(NumberProtocols):
    """A real number that records the operations done with it, so that ``backward`` can differentiate them.

    ``data`` is the number and ``grad`` the derivative of what was last sent ``backward`` with respect to it. ``op`` is
    the operation that made it (None for a leaf), ``operands`` what it was made of (Values, and plain floats for
    constants), and ``partials`` holds ∂self/∂operand for each operand (None for a constant).

    Raises TypeError for anything but a real number.

    >>> a, b = Value(2.0, name="a"), Value(-3.0, name="b")
    >>> loss = a * b + a.tanh()
    >>> loss.backward()
    >>> b.grad
    2.0
    >>> a
    Value(data=2.0, grad=-2.9293491751468355, name='a')
    """

    __slots__ = ("data", "grad", "op", "operands", "partials")
    __hash__ = object.__hash__
    rank = 1

    data: Any
    grad: Any
    op: Operation | None
    operands: tuple[Any, ...]
    partials: tuple[Any, ...]

    def __init__(self, data: Any, name: str | None = None) -> None:
        self.data = data if type(data) is float else _number(data)
        self.grad = UNSET
        self.op = None
        self.operands = self.partials = ()
        if name is not None:
            self.name = name

    def backward(self, seed: float = 1.0) -> None:
        """Add ∂self/∂leaf to the ``grad`` of every leaf, and set that of every node between, times ``seed``.

        Leaves accumulate over calls until they are reset; the nodes between hold the adjoint of the last call.

        >>> x = Value(3.0)
        >>> (x * x).backward()
        >>> x.grad
        6.0
        """
        seed = _number(seed)
        if not self.operands:
            self.grad += seed
            return
        with _backward_lock:  # the adjoints stand in the nodes, which threads may share
            order, zero = _ready_for_adjoints(self)
            self.grad = seed
            watched = modes.active and modes.checking.get()
            try:
                for node in reversed(order):
                    adjoint = node.grad
                    for operand, partial in zip(node.operands, node.partials):
                        if partial is not None:
                            operand.grad += partial * adjoint
                    if watched:
                        modes.check_backward(node)
            except BaseException:
                for node in order:
                    if node.grad is zero:  # the pass ended before it came here
                        node.grad = UNSET
                raise

    # The operators are written out, each with its derivatives: shared helpers made them a sixth slower.

    def __add__(self, other: Any) -> Any:
        kind = type(other)
        if modes.active or (kind is not Value and kind is not float):
            return self + as_float(other) if kind is int and not modes.active else self._binary("add", other)
        node = _new(Value)
        node.grad = UNSET
        node.op = _ADD
        node.operands = (self, other)
        if kind is Value:
            node.data = self.data + other.data
            node.partials = _ADD_PARTIALS
        else:
            node.data = self.data + other
            node.partials = _CONSTANT_ADDED
        return node

    def __sub__(self, other: Any) -> Any:
        kind = type(other)
        if modes.active or (kind is not Value and kind is not float):
            return self - as_float(other) if kind is int and not modes.active else self._binary("sub", other)
        node = _new(Value)
        node.grad = UNSET
        node.op = _SUB
        node.operands = (self, other)
        if kind is Value:
            node.data = self.data - other.data
            node.partials = _SUB_PARTIALS
        else:
            node.data = self.data - other
            node.partials = _CONSTANT_ADDED
        return node

    def __mul__(self, other: Any) -> Any:
        kind = type(other)
        if modes.active or (kind is not Value and kind is not float):
            return self * as_float(other) if kind is int and not modes.active else self._binary("mul", other)
        node = _new(Value)
        node.grad = UNSET
        node.op = _MUL
        node.operands = (self, other)
        if kind is Value:
            node.data = self.data * other.data
            node.partials = (other.data, self.data)
        else:
            node.data = self.data * other
            node.partials = (other, None)
        return node

    def __truediv__(self, other: Any) -> Any:
        kind = type(other)
        divisor = other.data if kind is Value else other if kind is float else 0.0
        if modes.active or divisor == 0.0:
            return self._binary("div", other)
        node = _new(Value)
        node.grad = UNSET
        node.op = _DIV
        node.operands = (self, other)
        node.data = quotient = self.data / divisor
        node.partials = (1.0 / divisor, -(quotient / divisor) if kind is Value else None)
        return node

    def __radd__(self, other: Any) -> Any:
        if modes.active or type(other) not in _PLAIN:
            return self._binary("add", other, reflected=True)
        constant = as_float(other)
        return _with_constant(_ADD, constant, self, constant + self.data, 1.0)

    def __rsub__(self, other: Any) -> Any:
        if modes.active or type(other) not in _PLAIN:
            return self._binary("sub", other, reflected=True)
        constant = as_float(other)
        return _with_constant(_SUB, constant, self, constant - self.data, -1.0)

    def __rmul__(self, other: Any) -> Any:
        if modes.active or type(other) not in _PLAIN:
            return self._binary("mul", other, reflected=True)
        constant = as_float(other)
        return _with_constant(_MUL, constant, self, constant * self.data, constant)

    def __repr__(self) -> str:
        grad = f", grad={self.grad!r}" if self.has_grad else ""
        name = f", name={self.name!r}" if self.name is not None else ""
        return f"Value(data={self.data!r}{grad}{name})"

    def item(self) -> float:
        """Return the number, ``data``."""
        return self.data  # type: ignore[no-any-return]

    def zero_grad(self) -> None:
        """Forget the gradient, as if it had never been computed."""
        self.grad = UNSET

    @property
    def has_grad(self) -> bool:
        """Whether a gradient was computed (or set) since the Value was made or reset."""
        return self.grad is not UNSET

    @property
    def requires_grad(self) -> bool:
        """Whether ``backward`` gives this Value a gradient; set it to False to freeze a leaf.

        Raises ValueError when it is set on a Value that an operation made.
        """
        return type(self) is not Frozen

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if self.operands:
            raise ValueError("only a leaf can be frozen, and an operation made this Value; freeze what it was made of")
        self.zero_grad()
        self.__class__ = Value if wanted else Frozen

    def apply(self, op: Operation, operands: tuple[Any, ...]) -> Value:
        """Return the node that ``op`` makes of ``operands``, of which at least one is a Value."""
        fast = _UNARY.get(op)
        return self._record(op, operands) if fast is None else fast(operands[0])

    def _record(self, op: Operation, operands: tuple[Any, ...]) -> Value:
        if set(map(type, operands)) == {Value}:
            wanted = [True] * len(operands)
            datas = [x.data for x in operands]
        else:
            operands = tuple([x if isinstance(x, Number) else as_float(x) for x in operands])
            wanted = [isinstance(x, Value) for x in operands]
            datas = [x.data if want else x for x, want in zip(operands, wanted)]
        data = (op.evaluate if op.primitive else op.forward)(*datas)
        node = _new(Value)
        node.data = data if type(data) is float else _number(data)
        node.grad = UNSET
        if modes.active and modes.silent():
            node.op, node.operands, node.partials = None, (), ()
        else:
            node.op, node.operands = op, operands
            node.partials = op.partials(data, datas, wanted)
        return modes.watch(node, op, operands, datas) if modes.active else node

    if TYPE_CHECKING:  # the methods v.exp(), v.tanh(), … are made from the table, below

        def __getattr__(self, name: str) -> Callable[..., Value]: ...


class Frozen(Value):
    """A leaf that takes no gradient; ``v.requires_grad = False`` turns a Value into one."""

    __slots__ = ()

    @property
    def grad(self) -> float:
        """Always 0.0."""
        return UNSET

    @grad.setter
    def grad(self, grad: float) -> None:
        """Drop what ``backward`` brings."""


def _with_constant(op: Operation, constant: float, operand: Value, data: Any, partial: float) -> Value:
    node = _new(Value)
    node.data = data
    node.grad = UNSET
    node.op = op
    node.operands = (constant, operand)
    node.partials = (None, partial)
    return node


def _number(data: Any) -> Any:
    if isinstance(data, Value):
        raise TypeError(f"a Value holds a number, and {data!r} is a Value already; use it as it is, or its .data")
    return data if isinstance(data, Number) else as_float(data)


def _ready_for_adjoints(output: Value) -> tuple[list[Any], float]:
    """Return the nodes (no leaves) that made the output, operands before users, with one fresh zero as their grad.

    The zero is −0.0, where a sum may begin: it changes no number it is added to, not even the sign of a zero.
    """
    entered, zero = float("-0.0"), float("-0.0")
    order: list[Any] = []
    stack: list[Any] = [output]
    while stack:  # depth first, without recursion
        node = stack[-1]
        mark = node.grad
        if mark is entered:  # everything below it is in the order
            node.grad = zero
            order.append(stack.pop())
        elif mark is zero:
            stack.pop()
        else:
            node.grad = entered
            for operand in node.operands:
                if type(operand) is not float and operand.operands and operand.grad is not zero:
                    stack.append(operand)
    return order, zero


def topological_order(*outputs: Value) -> list[Value]:
    """Return every Value that the outputs were computed from, themselves included, operands before their users.

    >>> x = Value(2.0, name="x")
    >>> [v.data for v in topological_order(x * x + 1)]
    [2.0, 4.0, 5.0]
    """
    order: list[Value] = []
    seen: set[Value] = set()
    stack: list[Value | None] = list(reversed(outputs))
    while stack:
        node = stack.pop()
        if node is None:
            order.append(stack.pop())  # type: ignore[arg-type]
        elif node not in seen:
            seen.add(node)
            stack += (node, None)
            stack += [x for x in reversed(node.operands) if isinstance(x, Value) and x not in seen]
    return order


_UNARY: dict[Operation, Callable[[Value], Value]] = {}


def _unary_method(op: Operation) -> Callable[[Value], Value]:
    forward = op.forward
    (rule,) = op.derivative  # type: ignore[misc]

    def method(self: Value) -> Value:
        x = self.data
        if type(x) is not float or modes.active:
            return self._record(op, (self,))
        node = _new(Value)
        node.data = y = forward(x)
        node.grad = UNSET
        node.op = op
        node.operands = (self,)
        node.partials = (rule(y, x),)
        return node

    method.__name__, method.__qualname__ = op.name, f"Value.{op.name}"
    method.__doc__ = (op.evaluate.__doc__ or "").partition("\n\n>>>")[0]
    return method


for _op in ops.OPERATIONS.values():
    if _op.arity == 1:
        _UNARY[_op] = _unary_method(_op)
    if _op.method:
        setattr(Value, _op.name, _UNARY.get(_op) or getattr(ops, _op.name))
for _name in ("neg", "abs"):
    setattr(Value, f"__{_name}__", _UNARY[ops.OPERATIONS[_name]])
