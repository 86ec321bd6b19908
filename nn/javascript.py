"""An operation of the table as a function of JavaScript: its forward rule, run on a number that writes it down.

The rule of a row never asks what kind of number it is given, so it serves a page as well, and no formula stands twice.
What the machine computes itself is a function of JavaScript that its row names.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from autograd.operation import OPERATIONS, Number, Operation

_COMPARISONS = {"lt": "<", "gt": ">", "le": "<=", "ge": ">=", "eq": "==="}


class _Written(Number):
    """A number that is a name in JavaScript, and writes a line for each operation."""

    __slots__ = ("lines", "name")

    def __init__(self, name: str, lines: list[str]) -> None:
        self.name, self.lines = name, lines

    def apply(self, op: Operation, operands: tuple[Any, ...]) -> Any:
        """Write the line of a primitive operation; any other is made of those, by its own rule."""
        return self.write(op.name, operands) if op.primitive else op.forward(*operands)

    def write(self, name: str, operands: tuple[Any, ...]) -> _Written:
        """Write a line, and return the number that it computes. Raises LookupError for what a page cannot compute."""
        words = [x.name if isinstance(x, _Written) else _literal(float(x)) for x in operands]
        rule = OPERATIONS[name].in_javascript if name in OPERATIONS else ""
        if name in _COMPARISONS:
            formula = f"{words[0]} {_COMPARISONS[name]} {words[1]}"
        elif rule:
            formula = f"{rule if re.fullmatch('[A-Za-z.0-9]+', rule) else f'({rule})'}({', '.join(words)})"
        else:
            raise LookupError(f"no function of JavaScript computes {name}")
        result = f"t{len(self.lines)}"
        self.lines.append(f"const {result} = {formula};")
        return _Written(result, self.lines)

    def __bool__(self) -> bool:
        raise LookupError("a formula has no number yet to decide by")

    def __neg__(self) -> Any:
        return self.write("neg", (self,))

    def __abs__(self) -> Any:
        return self.write("abs", (self,))

    __hash__ = None  # type: ignore[assignment]  # it is compared, and no key


def _operator(name: str, turned: bool = False) -> Callable[[Any, Any], Any]:
    return lambda a, b: a.write(name, (b, a) if turned else (a, b))


for _name in ("add", "sub", "mul"):
    setattr(_Written, f"__{_name}__", _operator(_name))
    setattr(_Written, f"__r{_name}__", _operator(_name, turned=True))
for _name in ("lt", "gt", "le", "ge", "eq"):
    setattr(_Written, f"__{_name}__", _operator(_name))


def _literal(x: float) -> str:
    if not math.isfinite(x):
        return "NaN" if x != x else "Infinity" if x > 0.0 else "(-Infinity)"
    return repr(x) if math.copysign(1.0, x) > 0.0 else f"({x!r})"


def as_javascript(op: Operation) -> str | None:
    """Return a function of one number that computes ``op``, whose other operands have their defaults.

    None where the rule needs something that a page does not have.

    >>> from autograd import OPERATIONS
    >>> as_javascript(OPERATIONS["relu"])
    '(x) => { const t0 = x <= 0.0; const t1 = ((c, a, b) => (c ? a : b))(t0, 0.0, x); return t1; }'
    >>> as_javascript(OPERATIONS["lgamma"]) is None
    True
    """
    lines: list[str] = []
    try:
        result = op.evaluate(_Written("x", lines))
    except Exception:  # a rule of a user's that serves floats only may raise anything here
        return None
    if not isinstance(result, _Written):
        return None
    return f"(x) => {{ {' '.join(lines)} return {result.name}; }}"
