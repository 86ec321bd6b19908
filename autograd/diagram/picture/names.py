"""The name that each value goes by in a picture, and formulas written with those names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from autograd._engine import Value
from autograd.diagram.text import LONGEST_NAME, clean, number, subscript


class Names:
    """The names of the values in `order`: a value's own, or that of its path in a model, or else v₁, v₂, …."""

    def __init__(self, order: Iterable[Value], digits: int = 6, paths: Mapping[int, str] | None = None) -> None:
        self._digits = digits  # of constants: in a formula `y × 1.0001` must not read `y × 1`
        self._names: dict[int, str] = {}
        self._full: dict[int, str] = {}
        self._nameless: set[int] = set()
        paths, taken, unnamed = paths or {}, set(), []
        for v in order:
            full = clean(v.name or paths.get(id(v), ""))
            if full:
                self._full[id(v)] = full
                self._names[id(v)] = clean(full, LONGEST_NAME) if v.name else full  # of a path, the end says most
                taken.add(full)
            else:
                unnamed.append(v)
        count = 0
        for v in unnamed:
            self._nameless.add(id(v))
            count += 1
            while "v" + subscript(count) in taken:
                count += 1
            self._names[id(v)] = self._full[id(v)] = "v" + subscript(count)

    def of(self, operand: Value | float) -> str:
        """The name of a value, or the number of a constant (in parentheses when negative)."""
        if isinstance(operand, Value):
            return self._names.get(id(operand), "v")
        return _factor(float(operand), self._digits)

    def given(self, v: Value) -> bool:
        """Whether a value has its name from the user or from a model, and is not merely counted."""
        return id(v) not in self._nameless

    def full(self, v: Value) -> str:
        """The name in full length."""
        return self._full.get(id(v), "v")

    def expression(self, v: Value, longest: int = 44) -> str:
        """How `v` was computed: `w × x`; an operation on many operands is counted instead of written out."""
        if v.op is None:
            return ""
        # clean() again: the notation of a user's own operation is the user's text too
        text = clean(v.op.write([self.of(o) for o in v.operands], result=self.of(v)))
        if len(text) <= longest:
            return text
        if len(v.operands) > 2:
            count = f"{len(v.operands) // 2} pairs" if v.op.lists == 2 else f"{len(v.operands)} operands"
            return f"{clean(v.op.name, LONGEST_NAME)} of {count}"
        return clean(text, longest)

    def numeric(self, v: Value) -> str:
        """The expression with the operands' numbers in place of their names, or nothing where that is too long."""
        if v.op is None:
            return ""
        text = clean(v.op.write([_factor(datum(o)) for o in v.operands], result=number(float(v.data))))
        return text if len(text) <= 90 else ""

    def rule(self, v: Value, i: int, written: Sequence[str], longest: int = 40) -> str:
        """The derivative of `v` with respect to its operand `i`, with the operands as `written`."""
        assert v.op is not None
        return clean(v.op.write_derivative(i, written, result=self.of(v)), longest)


def datum(operand: Value | float) -> float:
    """The number of an operand, be it a value or a constant."""
    return float(operand.data if isinstance(operand, Value) else operand)


def _factor(x: float, digits: int = 4) -> str:
    return f"({number(x, digits)})" if x < 0 else number(x, digits)
