"""Expressions typed by a person: parsed with ``ast``, held against a list of what is allowed, never evaluated.

Allowed are numbers, names, the arithmetic operators, conditions (for ``where``: comparisons, ``and``, ``or``, ``not``),
and calls of the operations of the table; ``pi``, ``e``, ``tau``, ``inf`` and ``nan`` are numbers unless the user gives
them a value.
"""

from __future__ import annotations

import ast
import math
import operator
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from autograd import ops
from autograd.operation import bare

from .hints import operation_hint, syntax_hint

LONGEST, DEEPEST = 2_000, 100  # characters; operations inside one another
CONSTANTS = {"pi": math.pi, "e": math.e, "tau": math.tau, "inf": math.inf, "nan": math.nan}
_BINARY: dict[type[ast.operator], str] = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.Pow: "pow", ast.FloorDiv: "floordiv",
    ast.Mod: "mod",
}  # fmt: skip
_COMPARE: dict[type[ast.cmpop], Callable[..., Any]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}  # fmt: skip
_HINTS: dict[type[ast.AST], str] = {
    ast.BitXor: "a power is written x**2",
    ast.BitAnd: "two conditions are joined with and",
    ast.BitOr: "two conditions are joined with or, and an absolute value is written abs(x)",
    ast.MatMult: "a product is written with *",
    ast.Attribute: "write tanh(x), not x.tanh()",
    ast.BoolOp: "use where(condition, a, b)",
    ast.IfExp: "use where(condition, a, b)",
    ast.Not: "it belongs into a condition, as in where(not x > 0, a, b)",
    ast.Compare: "it belongs into a condition, as in where(x > 0, a, b)",
    ast.Tuple: "a decimal is written with a point, as 1.5, and a comma stands between arguments only",
}


class ExpressionError(ValueError):
    """An expression cannot be used; ``column`` counts characters from 1, and the message is one line."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.column = column


class Expression:
    """A checked expression; ``names`` are its variables in the order in which they appear.

    >>> f = Expression("tanh(w*x + b)")
    >>> f.names, f({"w": 0.5, "x": 2.0, "b": 1.0})
    (['w', 'x', 'b'], 0.9640275800758169)
    """

    def __init__(self, text: str) -> None:
        if len(text) > LONGEST:
            raise ExpressionError(f"an expression has at most {LONGEST:,} characters; this has {len(text):,}", LONGEST)
        self.text = "".join(" " if c.isspace() else c for c in text)  # one line, so that a column is a place
        self._indent = len(self.text) - len(self.text.lstrip())
        self.tree = self._parsed(self.text)
        self.names: list[str] = []
        self._check(self.tree, 0)

    def __call__(self, values: Mapping[str, Any]) -> Any:
        """Return the expression's number for these values of its variables."""
        return self._number(self.tree, {**CONSTANTS, **values})

    def _parsed(self, text: str) -> ast.expr:
        if not text.strip():
            raise ExpressionError("nothing is written there", 1)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SyntaxWarning)  # 2(x) is complained about below
                return ast.parse(text.lstrip(), mode="eval").body
        except SyntaxError as error:
            place = min(self._indent + (error.offset or len(text.strip()) + 1) - 1, len(text))
            message, place = syntax_hint(text, place, error.msg.lower())
            raise ExpressionError(message, place + 1) from None
        except (RecursionError, MemoryError):
            raise ExpressionError("this is nested too deeply", 1) from None
        except ValueError as error:  # a null character, or an integer of thousands of digits
            raise ExpressionError(str(error), 1) from None

    def _error(self, node: ast.AST, message: str) -> ExpressionError:
        operation = isinstance(node, ast.BinOp)  # whose operator stands between its operands
        offset = node.left.end_col_offset if isinstance(node, ast.BinOp) else getattr(node, "col_offset", 0)
        column = self._indent + len(self.text.lstrip().encode()[: offset or 0].decode()) + 1
        while operation and self.text[column - 1] in " )":
            column += 1
        return ExpressionError(message, column)

    def _check(self, node: ast.AST, depth: int) -> None:
        """Look at every node before anything is computed."""
        if depth > DEEPEST:
            raise self._error(node, f"more than {DEEPEST} operations are nested here")
        first, chain = _chain(node)
        if chain:
            for link in chain:
                if type(link.op) not in _BINARY:
                    raise self._refusal(link)
            for part in (first, *[link.right for link in chain]):
                self._check(part, depth + 1)
        elif isinstance(node, ast.Constant):
            self._constant(node)
        elif isinstance(node, ast.Name):
            if node.id not in self.names:
                self.names.append(node.id)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
            self._check(node.operand, depth + 1)
        elif isinstance(node, ast.Call):
            self._check_call(node, depth)
        else:
            raise self._refusal(node)

    def _refusal(self, node: ast.AST) -> ExpressionError:
        shown = node.op if isinstance(node, (ast.BinOp, ast.UnaryOp)) else node
        hint = _HINTS.get(type(shown), "numbers, names, + - * / // % ** and calls of operations are")
        return self._error(node, f"this is not allowed in an expression; {hint}")

    def _check_condition(self, node: ast.AST, depth: int) -> None:
        """Look at the first argument of ``where``: a comparison, several with ``and``, ``or``, ``not``, or a number."""
        if isinstance(node, ast.Compare):
            if len(node.ops) != 1 or type(node.ops[0]) not in _COMPARE:
                raise self._error(node, "a condition is one comparison, such as x > 0; join two, as in 0 < x and x < 1")
            self._check(node.left, depth + 1)
            self._check(node.comparators[0], depth + 1)
        elif depth <= DEEPEST and isinstance(node, ast.BoolOp):
            for part in node.values:
                self._check_condition(part, depth + 1)
        elif depth <= DEEPEST and isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            self._check_condition(node.operand, depth + 1)
        else:
            self._check(node, depth)

    def _check_call(self, node: ast.Call, depth: int) -> None:
        if not isinstance(node.func, ast.Name):
            hint = f"; {_HINTS[ast.Attribute if isinstance(node.func, ast.Attribute) else ast.MatMult]}"
            raise self._error(node.func, f"only an operation can be called{hint}")
        name = node.func.id
        row = ops.OPERATIONS.get(name)
        if row is None:
            raise self._error(node, f"no operation is called {name}; {operation_hint(name)}")
        if node.keywords or any(isinstance(argument, ast.Starred) for argument in node.args):
            raise self._error(node, f"{name} takes plain arguments only")
        self._check_count(node, row)
        for i, argument in enumerate(node.args):
            if name == "where" and i == 0:
                self._check_condition(argument, depth + 1)
            elif isinstance(argument, ast.List) and i < row.lists:
                for operand in argument.elts:
                    self._check(operand, depth + 1)
            else:
                self._check(argument, depth + 1)

    def _check_count(self, node: ast.Call, row: ops.Operation) -> None:
        """Hold the arguments against the row: so many, or one list or numbers, or two lists and perhaps a bias."""
        name, count = row.name, len(node.args)
        lists = [argument for argument in node.args[: row.lists] if isinstance(argument, ast.List)]
        if row.arity is not None:
            needed = row.arity - len(row.defaults)
            if not needed <= count <= row.arity:
                number = f"{needed} to {row.arity}" if row.defaults else row.arity
                raise self._error(node, f"the number of arguments of {name} is {number}, and {count} were given")
        elif row.lists == 2:
            if count not in (2, 3) or len(lists) < 2:
                raise self._error(node, f"{name} takes two lists and perhaps a bias: {name}([w1, w2], [x1, x2], b)")
            if len(lists[0].elts) != len(lists[1].elts):
                raise self._error(lists[1], f"{name} needs two lists of one length")
        elif count == 0:
            raise self._error(node, f"{name} needs at least one argument")
        if any(not each.elts for each in lists) or (lists and row.lists == 1 and count > 1):
            raise self._error(lists[0], f"{name} takes one list with at least one number in it, or numbers")

    def _constant(self, node: ast.Constant) -> float:
        if isinstance(node.value, bool) or not isinstance(node.value, (int, float)):
            raise self._error(node, f"{node.value!r} is no real number")
        try:
            return float(node.value)
        except OverflowError:
            raise self._error(node, "this integer is too large for a float") from None

    def _number(self, node: ast.AST, values: Mapping[str, Any]) -> Any:
        first, chain = _chain(node)
        if chain:
            number = self._number(first, values)
            for link in chain:
                number = _row(link).evaluate(number, self._number(link.right, values))
            return number
        if isinstance(node, ast.Constant):
            return self._constant(node)
        if isinstance(node, ast.Name):
            if node.id not in values:
                raise self._error(node, self._missing(values))
            return values[node.id]
        if isinstance(node, ast.UnaryOp):
            number = self._number(node.operand, values)
            if isinstance(node.op, ast.Not):
                return float(not bare(number))
            return -number if isinstance(node.op, ast.USub) else number
        if isinstance(node, ast.Compare):
            sides = [self._number(side, values) for side in (node.left, node.comparators[0])]
            return 1.0 if _COMPARE[type(node.ops[0])](*sides) else 0.0
        if isinstance(node, ast.BoolOp):
            parts = [bool(bare(self._number(part, values))) for part in node.values]
            return float(all(parts) if isinstance(node.op, ast.And) else any(parts))
        assert isinstance(node, ast.Call)
        return _row(node).evaluate(*[self._number(operand, values) for operand in _operands(node)])

    def _missing(self, values: Mapping[str, Any]) -> str:
        missing = [name for name in self.names if name not in values]
        words = "has no value; give it one" if len(missing) == 1 else "have no value; give each one"
        return f"{', '.join(missing)} {words}, as {' '.join(f'{name}=0.5' for name in missing)}"

    def cause_of_nan(self, values: Mapping[str, float]) -> str:
        """Say which operation makes a nan out of numbers that are none; nothing where no operation does.

        >>> Expression("2*log(x)").cause_of_nan({"x": -1.0})
        'log(-1.0) is nan; log takes x >= 0'
        """
        values = {**CONSTANTS, **values}
        for node in reversed(list(ast.walk(self.tree))):  # the innermost first
            if isinstance(node, (ast.BinOp, ast.Call)):
                row, numbers = _row(node), [self._number(operand, values) for operand in _operands(node)]
                if math.isnan(row.evaluate(*numbers)) and not any(map(math.isnan, numbers)):
                    given = ", ".join(map(repr, numbers[:4])) + (", …" if len(numbers) > 4 else "")
                    return f"{row.name}({given}) is nan{_domain(row, numbers)}"
        return ""


def _chain(node: ast.AST) -> tuple[ast.AST, list[ast.BinOp]]:
    """Take a + b - c * d … apart into a, and the operations that follow it: a chain is no nesting, however long."""
    chain: list[ast.BinOp] = []
    while isinstance(node, ast.BinOp):
        chain.append(node)
        node = node.left
    return node, chain[::-1]


def _row(node: ast.AST) -> ops.Operation:
    if isinstance(node, ast.BinOp):
        return ops.OPERATIONS[_BINARY[type(node.op)]]
    assert isinstance(node, ast.Call)
    assert isinstance(node.func, ast.Name)
    return ops.OPERATIONS[node.func.id]


def _operands(node: ast.BinOp | ast.Call) -> list[ast.expr]:
    if isinstance(node, ast.BinOp):
        return [node.left, node.right]
    return [x for argument in node.args for x in (argument.elts if isinstance(argument, ast.List) else [argument])]


def _domain(row: ops.Operation, numbers: list[float]) -> str:
    """Write the interval that one of the numbers is outside of: ``; log takes x >= 0``."""
    for name, x, (low, high) in zip(row.operands, numbers, row.domain, strict=False):
        if low <= x <= high or low == high:  # one number: what polygamma's example has for an order
            continue
        above, below = f"{name} >= {low:g}", f"{name} <= {high:g}"
        if math.isfinite(low) and math.isfinite(high):
            above = f"{low:g} <= {below}"
        return f"; {row.name} takes {above if math.isfinite(low) else below}"
    return ""


def assignments(words: list[str], expression: Expression) -> dict[str, float]:
    """Read ``w=0.5 x=2`` into numbers, one for each variable of the expression.

    Raises ValueError for anything else, a name that stands twice, or one that is not in the expression.
    """
    values: dict[str, float] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or not name.isidentifier():
            raise ValueError(f"{word!r} gives no value; a value is given as w=0.5")
        if name in values:
            raise ValueError(f"{name} is given twice")
        if name not in expression.names:
            raise ValueError(f"{name} is not in the expression, which has {', '.join(expression.names) or 'no names'}")
        try:
            values[name] = float(text)
        except ValueError:
            point = f"; write {text.replace(',', '.')}" if text.count(",") == 1 else ""
            raise ValueError(f"{text!r}, given for {name}, is not a number{point}") from None
    return values
