"""Formulas typed as text, for the command line: `tanh(w*x + b)` with `w=0.5 x=2 b=0.1`.

The text is parsed, never executed: only numbers, names that were given a value, arithmetic, and the operations of the
table are understood.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

import autograd
from autograd.errors import DiagramError
from autograd.ops import OPERATIONS
from autograd.value import Value

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Pow: operator.pow, ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod,
}  # fmt: skip
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {ast.USub: operator.neg, ast.UAdd: operator.pos}
_LISTS = ("sum", "prod", "mean", "norm", "logsumexp", "max", "min")  # their functions take one list
LONGEST = 2000


def evaluate(text: str, values: Mapping[str, float], name: str = "y") -> tuple[Value, dict[str, Value]]:
    """Build the graph of a formula; return its output, called `name`, and the leaf of each variable.

    Raises DiagramError for what is not such a formula, and for a name without a value.

    >>> y, leaves = evaluate("w*x + 1", {"w": 2.0, "x": 3.0})
    >>> y.data
    7.0
    """
    if len(text) > LONGEST:
        raise DiagramError(f"The formula has {len(text)} characters; at most {LONGEST} are read.")
    leaves = {key: Value(x, name=key) for key, x in values.items()}
    try:
        tree = ast.parse(text.strip(), mode="eval")
        result = _walk(tree.body, leaves)
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError) as error:
        if isinstance(error, DiagramError):
            raise
        raise DiagramError(f"{text!r} is no formula: {error}. Write something like tanh(w*x + b).") from None
    if not isinstance(result, Value):
        raise DiagramError(f"{text!r} has no variable in it. Write something like w*x, and give w= and x=.")
    if result.name is None:
        result.name = name
    return result, leaves


def _walk(node: ast.expr, leaves: dict[str, Value]) -> Any:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and type(node.value) is not bool:
        return float(node.value)
    if isinstance(node, ast.Name):
        if node.id not in leaves:
            raise DiagramError(f"{node.id!r} has no value: give it one, as in {node.id}=0.5.")
        return leaves[node.id]
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        left, right = _walk(node.left, leaves), _walk(node.right, leaves)
        if not isinstance(left, Value) and not isinstance(right, Value):
            right = Value(right)  # IEEE arithmetic for two plain numbers as well: 1/0 is inf
            return _BINARY[type(node.op)](left, right).data
        return _BINARY[type(node.op)](left, right)
    if isinstance(node, ast.UnaryOp) and type(node.op) in _UNARY:
        return _UNARY[type(node.op)](_walk(node.operand, leaves))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        operands = [_walk(argument, leaves) for argument in node.args]
        return _call(node.func.id, operands)
    raise DiagramError(f"{ast.unparse(node)!r} is not understood: only numbers, names, + - * / ** and functions are.")


def _call(name: str, operands: list[Any]) -> Any:
    row = OPERATIONS.get(name)
    if row is None or name == "softmax":
        raise DiagramError(f"There is no function {name!r}. There are: {', '.join(sorted(OPERATIONS))}.")
    if row.arity is not None and len(operands) != row.arity:
        raise DiagramError(f"{name} takes {row.arity} operand{'s' * (row.arity != 1)}; {len(operands)} were given.")
    function = getattr(autograd, name, row.evaluate)
    return function(operands) if name in _LISTS else row.evaluate(*operands)
