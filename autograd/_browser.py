"""How a long graph is freed on the small stack that Python has in a browser."""

from __future__ import annotations

from sys import getrefcount
from typing import Any


def take_apart(value: Any) -> None:
    """Let go of the graph below a Value that goes, node by node.

    By itself Python frees what a node held from inside that node, and a graph of a thousand nodes in a row would end
    the interpreter. Here each node that nobody else holds loses its operands before it is freed.
    """
    pending = [_held(value)]
    while pending:
        held = pending.pop()
        while held:
            operand = held.pop()
            if getrefcount(operand) <= _ALONE:
                pending.append(_held(operand))


def _held(value: Any) -> list[Any]:
    """Take a node's operands away and return the Values among them, each once; other numbers have no ``__del__``."""
    operands = getattr(value, "operands", ())  # none yet where the constructor has raised
    value.operands = ()
    return list({id(operand): operand for operand in operands if hasattr(type(operand), "__del__")}.values())


def _count() -> int:
    """What ``getrefcount`` says above of what nobody else holds; it is not the same in all versions of Python."""
    held = [object()]
    operand = held.pop()
    return getrefcount(operand)


_ALONE = _count()
