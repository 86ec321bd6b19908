"""The graph behind a Value: the order of its nodes, with adjoints that are ready to be added to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from . import modes
from .operation import Number, as_float, is_node

UNSET = float("0.0")  # the gradient that was never computed: equal to 0.0, told apart by identity


class Beginning(float):
    """The −0.0 with which an adjoint begins: it changes no number that is added to it, not even the sign of a zero."""

    __slots__ = ()


quick_order: Callable[[tuple[Any, ...], tuple[Any, ...]], list[Any] | None] | None = None  # that of the engine in C
lock = threading.RLock()  # the adjoints stand in the nodes, which threads may share


def topological_order(*outputs: Any, until: Iterable[Any] = ()) -> list[Any]:
    """Return every Value that the outputs were computed from, themselves included, operands before their users.

    The walk ends at the Values in ``until``: they, and what only they were made of, are left out.

    >>> from autograd import Value
    >>> x = Value(2.0, name="x")
    >>> [v.data for v in topological_order(x * x + 1)]
    [2.0, 4.0, 5.0]
    >>> [v.data for v in topological_order(x * x + 1, until=[x])]
    [4.0, 5.0]
    """
    border = tuple(until)
    order: list[Any] | None = quick_order(outputs, border) if quick_order is not None else None
    if order is not None:
        return order
    order = []
    seen: set[Any] = set(border)
    stack: list[Any] = list(reversed(outputs))
    # Depth first, with a list instead of recursion. A None on it means: all operands of the node below it are in the
    # order, so that node comes next.
    while stack:
        node = stack.pop()
        if node is None:
            order.append(stack.pop())
        elif node not in seen:
            seen.add(node)
            stack += (node, None)
            stack += [x for x in reversed(node.operands) if is_node(x) and x not in seen]
    return order


def is_unset(grad: Any) -> bool:
    """Whether a gradient was never computed, or reset as in PyTorch: ``p.grad = None``."""
    return grad is UNSET or grad is None


@contextmanager
def backward_order(output: Any, seed: Any) -> Iterator[Iterable[Any]]:
    """Hand out the nodes that made ``output``, users before their operands, each with an adjoint to add to.

    The adjoint of the output is ``seed``, all others begin at zero; leaves keep what they hold. The block must go
    through the nodes in their order. A node that nothing flowed to, as in the branch of ``where`` that was not taken,
    is left out and has no gradient; so are those that the block did not get to.
    """
    with lock:
        if not output.operands:
            if output.extra("cut"):
                raise RuntimeError(
                    f"{output!r} was computed inside no_grad(), so there is no graph to go back through; compute it "
                    "outside, or say that it is a leaf: x.requires_grad = True"
                )
            _mend(output)
            if output.requires_grad:
                output.grad += seed
            yield ()
            return
        order, zero, frozen = _cleared(output)
        output.grad = seed
        try:
            yield _checked(_reached(order, zero)) if modes.active and modes.checking.get() else _reached(order, zero)
        except BaseException:
            for node in order:
                if node.grad is zero:
                    node.grad = UNSET
            raise
        finally:
            for leaf, grad in frozen:
                leaf.grad = grad


def _cleared(output: Any) -> tuple[list[Any], float, list[tuple[Any, Any]]]:
    """Return the nodes (no leaves) in topological order, the zero that is now their grad, and the frozen leaves.

    The zero is −0.0, where a sum may begin: it changes no number it is added to, not even the sign of a zero. It also
    marks the nodes that were seen. Each frozen leaf comes with the gradient that it is to have again afterwards.
    """
    zero = Beginning("-0.0")
    order: list[Any] = []
    frozen: list[tuple[Any, Any]] = []
    stack: list[Any] = [output]
    while stack:  # as in topological_order
        node = stack.pop()
        if node is None:
            order.append(stack.pop())
        elif node.grad is not zero:
            node.grad = zero
            stack += (node, None)
            for operand in node.operands[::-1]:
                if type(operand) is not float:
                    if operand.operands:
                        if operand.grad is not zero:
                            stack.append(operand)
                        continue
                    if operand.is_node and (type(operand.data) is not float or operand.grad is None):
                        _mend(operand)
                    if operand.extras is not None and operand.extra("frozen") and operand.grad is not zero:
                        frozen.append((operand, operand.grad))
                        operand.grad = zero  # which can be added to, whatever it held
    return order, zero, frozen


def _mend(leaf: Any) -> None:
    """Make of a leaf what the engine in C makes of it at once, where somebody put another kind of number into it."""
    if not isinstance(leaf.data, Number) or leaf.data.is_node:
        leaf.data = as_float(leaf.data)
    if is_unset(leaf.grad):
        leaf.grad = UNSET


def _reached(order: list[Any], zero: float) -> Iterator[Any]:
    """Go through the nodes from the last, and leave out those whose adjoint is the zero that it began with."""
    for node in reversed(order):
        if node.grad is zero:
            node.grad = UNSET
        else:
            yield node


def _checked(nodes: Iterable[Any]) -> Iterator[Any]:
    """Go through the nodes, and raise AnomalyError where what was added made a nan or an infinity."""
    for node in nodes:
        yield node
        modes.check_backward(node)


@contextmanager
def lent(values: Iterable[Any], numbers: Iterable[Any], grad: Any = UNSET) -> Iterator[None]:
    """Let Values hold other numbers for a while, with ``grad`` as their gradient, and give them back what they held."""
    before = [(value, value.data, value.grad) for value in values]
    try:
        for (value, _, _), number in zip(before, numbers, strict=True):
            value.data, value.grad = number, grad
        yield
    finally:
        for value, data, gradient in before:
            value.data, value.grad = data, gradient
