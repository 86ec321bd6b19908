"""A Value's operators that are not in value.py: ``//``, ``%``, ``abs``, ``round`` and the like.

Methods with a name, such as ``v.exp()``, are added by ``add_row`` in operation.py. ``_methods.pyi`` beside this file
lists them all for type checkers and editors; ``make stub`` writes it from the table, and a test compares the two.
"""

from __future__ import annotations

from typing import Any

from .operation import OPERATIONS, Operation


class TableMethods:
    """The part of ``Value`` that holds no mathematics: each method hands over to a row of the table."""

    __slots__ = ()

    def _operate(self, op: Operation, other: Any, reflected: bool = False) -> Any:
        raise NotImplementedError  # value.py has it

    def __floordiv__(self, other: Any) -> Any:
        return self._operate(OPERATIONS["floordiv"], other)

    def __rfloordiv__(self, other: Any) -> Any:
        return self._operate(OPERATIONS["floordiv"], other, reflected=True)

    def __mod__(self, other: Any) -> Any:
        return self._operate(OPERATIONS["mod"], other)

    def __rmod__(self, other: Any) -> Any:
        return self._operate(OPERATIONS["mod"], other, reflected=True)

    def __divmod__(self, other: Any) -> tuple[Any, Any]:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> tuple[Any, Any]:
        return other // self, other % self

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return self.abs()

    def __floor__(self) -> Any:
        return self.floor()

    def __ceil__(self) -> Any:
        return self.ceil()

    def __trunc__(self) -> Any:
        return self.trunc()

    def __round__(self, ndigits: int | None = None) -> Any:
        if ndigits is None:
            return self.round()
        constant = self.round()  # no row rounds to digits; the derivative is 0
        constant.op, constant.operands, constant.partials = None, (), ()
        constant.data, constant.requires_grad = round(self.data, ndigits), False
        return constant
