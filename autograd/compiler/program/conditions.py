"""The instructions that are no row of the table of operations: comparisons, and logic of their outcomes."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from autograd.ops import OPERATIONS, Operation

from .procedures import CALL, TRANSFERS, Transfer


@dataclass(frozen=True)
class Condition:
    """An instruction whose result is True or False. Its facts have the names that they have in an ``Operation``."""

    symbol: str
    forward: Callable[[Any, Any], bool]
    llvm: str
    commutative: bool = False
    never_minus_zero: ClassVar[bool] = True

    def write(self, names: Sequence[str]) -> str:
        """Write the condition with its operands' names."""
        return f"{names[0]} {self.symbol} {names[1]}"


CONDITIONS = {  # by Python's operators: a name of an operation cannot be one of those
    "<": Condition("<", operator.lt, "fcmp olt"),
    "<=": Condition("≤", operator.le, "fcmp ole"),
    ">": Condition(">", operator.gt, "fcmp ogt"),
    ">=": Condition("≥", operator.ge, "fcmp oge"),
    "==": Condition("=", operator.eq, "fcmp oeq", commutative=True),
    "!=": Condition("≠", operator.ne, "fcmp une", commutative=True),
    # Of conditions, of which some may be known while tracing: then they are the numbers 1.0 and 0.0.
    "&": Condition("and", lambda a, b: bool(a) and bool(b), "and", commutative=True),
    "|": Condition("or", lambda a, b: bool(a) or bool(b), "or", commutative=True),
    "^": Condition("xor", lambda a, b: bool(a) != bool(b), "xor", commutative=True),
}


def row_of(name: str) -> Operation | Condition | Transfer:
    """Return what is known of an instruction: its row, here, or in the table of operations or of transfers."""
    return OPERATIONS.get(name) or CONDITIONS.get(name) or TRANSFERS[CALL if name.startswith(CALL) else name]
