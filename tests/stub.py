"""The stub that tells type checkers and editors which methods a Value has: `make stub` writes it from the table."""

import inspect
from pathlib import Path

from autograd import OPERATIONS

STUB = Path(__file__).parents[1] / "autograd" / "_methods.pyi"
HEAD = """\
# What type checkers and editors see of a Value beside value.py. `make stub` writes this file from the table of
# operations, and a test holds it to the table.
from typing import Any

from .operation import Operation
from .value import Value

class TableMethods:
    data: float
    grad: float
    op: Operation | None
    operands: tuple[Any, ...]
    partials: tuple[float | None, ...]
    extras: Any
    def __init__(self, data: Any, name: str | None = None) -> None: ...
    def apply(self, op: Operation, operands: tuple[Any, ...]) -> Value: ...
    def _operate(self, op: Operation, other: Any, reflected: bool = False) -> Value: ...
    def __floordiv__(self, other: Value | float) -> Value: ...
    def __rfloordiv__(self, other: Value | float) -> Value: ...
    def __mod__(self, other: Value | float) -> Value: ...
    def __rmod__(self, other: Value | float) -> Value: ...
    def __divmod__(self, other: Value | float) -> tuple[Value, Value]: ...
    def __rdivmod__(self, other: Value | float) -> tuple[Value, Value]: ...
    def __pos__(self) -> Value: ...
    def __abs__(self) -> Value: ...
    def __floor__(self) -> Value: ...
    def __ceil__(self) -> Value: ...
    def __trunc__(self) -> Value: ...
    def __round__(self, ndigits: int | None = None) -> Value: ...
"""


def stub() -> str:
    """The text of the stub: a line for each row that is a method, by name."""
    rows = sorted((row for row in OPERATIONS.values() if row.method), key=lambda row: row.name)
    return HEAD + "".join(map(method, rows))


def method(row) -> str:
    """One line of it: the first operand is `self`, and the others are numbers or Values."""
    _, *others = inspect.signature(row.evaluate).parameters.values()
    parameters = [f"{p.name}: Value | float" + (" = ..." if p.default is not p.empty else ", /") for p in others]
    return f"    def {row.name}({', '.join(['self', *parameters])}) -> Value: ...\n"


if __name__ == "__main__":
    STUB.write_text(stub(), encoding="utf-8")
