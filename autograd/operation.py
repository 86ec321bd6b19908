"""What an operation is: a row of the table, how it is added, and what kinds of number its rules accept."""

from __future__ import annotations

import keyword
import math
import numbers
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

REAL = (-math.inf, math.inf)

Rule = Callable[..., Any]
Template = str | Callable[[int], str]


class Number:
    """Base class of the numbers besides ``float`` that the rules of the table accept.

    A subclass has the arithmetic operators, comparisons, and ``apply``. ``Value`` and the compiler's traced number are
    the two in this package. Where kinds meet, the one with the higher ``rank`` takes the operation.
    """

    __slots__ = ()
    rank = 0
    operands: tuple[Any, ...] = ()

    def apply(self, op: Operation, operands: tuple[Any, ...]) -> Any:
        """Return ``op`` of ``operands``, of which at least one is of this class."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One row of the table.

    ``forward(*operands)`` gives the value. ``derivative`` is a tuple with one rule per operand, each called as
    ``rule(result, *operands)``; an n-ary operation has instead one function that returns all the partial derivatives.
    Templates name operand ``i`` as ``#i`` and the result as ``#y``; an n-ary operation has functions of the number of
    operands that return a template. ``domain`` has an interval for each operand, where the value is real; ``kinks`` of
    the operands is zero just where a derivative jumps. A ``primitive`` row is computed by the machine's own function,
    and any other by its forward rule out of those. ``method`` rows are methods of Value as well. ``evaluate`` is the
    public function: it takes every kind of number, where ``forward`` of a primitive takes floats only.
    """

    name: str
    arity: int | None
    forward: Rule
    derivative: tuple[Rule, ...] | Rule
    text: Template
    latex: Template
    derivative_text: tuple[str, ...] | Callable[[int, int], str]
    derivative_latex: tuple[str, ...] | Callable[[int, int], str]
    domain: tuple[tuple[float, float], ...] = (REAL,)
    kinks: Callable[..., float] | None = None
    primitive: bool = False
    method: bool = True
    evaluate: Callable[..., Any] = field(init=False, repr=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return _row_named, (self.name,)

    def write(self, names: Sequence[str], style: str = "text", result: str = "y") -> str:
        """Write the operation with its operands' names, in ``style`` "text" or "latex".

        >>> OPERATIONS["mul"].write(["w", "x"])
        'w × x'
        """
        template: Template = self.text if style == "text" else self.latex
        return _fill(template if isinstance(template, str) else template(len(names)), names, result)

    def write_derivative(self, i: int, names: Sequence[str], style: str = "text", result: str = "y") -> str:
        """Write the derivative with respect to operand ``i``.

        >>> OPERATIONS["tanh"].write_derivative(0, ["z"], result="h")
        '1 − h²'
        """
        rules = self.derivative_text if style == "text" else self.derivative_latex
        return _fill(rules[i] if isinstance(rules, tuple) else rules(i, len(names)), names, result)

    def partials(self, result: Any, operands: Sequence[Any], wanted: Sequence[bool]) -> tuple[Any, ...]:
        """Return the partial derivative for each operand that is ``wanted``, and None for each that is not."""
        rules = self.derivative
        if isinstance(rules, tuple):
            pairs = zip(rules, wanted, strict=False)
            return tuple([rule(result, *operands) if want else None for rule, want in pairs])
        every = rules(result, *operands)
        if not hasattr(every, "__len__") or len(every) != len(operands):
            raise TypeError(
                f"the derivative rule of {self.name} returns a list with one number for each operand, {len(operands)} "
                f"here, and returned {every!r}; a rule for a single operand goes in a tuple: (rule,)"
            )
        return tuple(every) if False not in wanted else tuple([p if want else None for p, want in zip(every, wanted)])


OPERATIONS: dict[str, Operation] = {}


def _row_named(name: str) -> Operation:
    return OPERATIONS[name]


def _fill(template: str, names: Sequence[str], result: str) -> str:
    return re.sub(r"#(\d+|y)", lambda m: result if m[1] == "y" else names[int(m[1])], template)


def as_float(x: Any) -> float:
    """Convert a real number (int, NumPy float or int, Fraction) to a float, or raise TypeError."""
    if type(x) is float:
        return x
    if type(x) is int or (not isinstance(x, bool) and isinstance(x, numbers.Real)):
        try:
            return float(x)
        except OverflowError:
            raise ValueError("this integer is too large for a float (the largest is about 1.8e308)") from None
    raise TypeError(
        f"one real number is needed here, and {type(x).__name__} {_short(x)} was given; "
        "give an int, a float or a NumPy scalar"
    )


def _short(x: Any) -> str:
    text = repr(x)
    return text if len(text) <= 60 else text[:57] + "..."


def listed(before: str, between: str = ", ", after: str = ")") -> Callable[[int], str]:
    """Return a template for n operands in a row."""
    return lambda n: before + between.join(f"#{i}" for i in range(n)) + after


def _documented(op: Operation, doc: str) -> str:
    """Add to a first sentence what the row says of the derivative, the domain, and one value."""
    text = doc or f"The operation ``{op.name}``."
    if op.arity is None or not op.name.isidentifier():
        return text
    names = ["x", "y", "z"][: op.arity]
    slopes = [f"∂/∂{x} = {op.write_derivative(i, names, result='f')}" for i, x in enumerate(names)]
    text += f"\n\nWritten f = {op.write(names)}; " + ", ".join(slopes) + "."
    bounded = [f"{low:g} <= {x} <= {high:g}" for x, (low, high) in zip(names, op.domain) if (low, high) != REAL]
    if bounded:
        text += f" Real for {' and '.join(bounded)}, and an infinity or nan elsewhere."
    return text + "\n"


def add_row(
    name: str,
    forward: Rule,
    derivative: tuple[Rule, ...] | Rule,
    *,
    text: Template | None = None,
    latex: Template | None = None,
    derivative_text: tuple[str, ...] | Callable[[int, int], str] | None = None,
    derivative_latex: tuple[str, ...] | Callable[[int, int], str] | None = None,
    domain: tuple[tuple[float, float], ...] | None = None,
    kinks: Callable[..., float] | None = None,
    primitive: bool = False,
    method: bool = False,
    doc: str = "",
) -> Callable[..., Any]:
    """Add a row to the table and return its public function; ``define`` does it for users, with checks."""
    arity = len(derivative) if isinstance(derivative, tuple) else None
    op_name = rf"\operatorname{{{name}}}".replace("_", r"\_")

    def slope(i: int, n: int) -> str:
        return f"∂{name}/∂#{i}"

    def slope_latex(i: int, n: int) -> str:
        return rf"\frac{{\partial {op_name}}}{{\partial #{i}}}"

    op = Operation(
        name,
        arity,
        forward,
        derivative,
        text or listed(f"{name}("),
        latex or listed(f"{op_name}("),
        derivative_text or slope,
        derivative_latex or derivative_text or slope_latex,
        domain or (REAL,) * (arity or 1),
        kinks,
        primitive,
        method,
    )

    def dispatch(*operands: Any) -> Any:
        for x in operands:
            if isinstance(x, Number):  # the highest rank there is, a Value's, need not look further
                highest = x if x.rank else max(operands, key=lambda x: getattr(x, "rank", -1))
                return highest.apply(op, operands)
        return forward(*[x if type(x) is float else as_float(x) for x in operands])

    evaluate: Callable[..., Any]
    if arity == 1:

        def evaluate(x: Any, /) -> Any:
            return forward(x) if type(x) is float else dispatch(x)

    elif arity == 2:

        def evaluate(x: Any, y: Any, /) -> Any:
            return forward(x, y) if type(x) is float and type(y) is float else dispatch(x, y)

    else:
        evaluate = dispatch
    evaluate.__name__ = evaluate.__qualname__ = name
    evaluate.__module__ = "autograd"
    evaluate.__doc__ = _documented(op, doc)
    object.__setattr__(op, "evaluate", evaluate)
    OPERATIONS[name] = op
    return evaluate


def define(
    name: str,
    forward: Rule,
    derivative: Sequence[Rule] | Rule,
    *,
    text: Template | None = None,
    latex: Template | None = None,
    derivative_text: tuple[str, ...] | Callable[[int, int], str] | None = None,
    derivative_latex: tuple[str, ...] | Callable[[int, int], str] | None = None,
    domain: tuple[tuple[float, float], ...] | None = None,
    kinks: Callable[..., float] | None = None,
    primitive: bool = False,
    doc: str = "",
) -> Callable[..., Any]:
    """Add an operation to the table and return its generic function.

    ``forward(*operands)`` gives the value. ``derivative`` is a tuple with one rule per operand, each called as
    ``rule(result, *operands)``, or for an n-ary operation one function that returns a sequence with every partial
    derivative. Rules that use only operators and this package's functions serve every kind of number, and so give
    higher derivatives and compile; a rule that uses ``math`` serves floats only. With ``primitive=True``
    the forward rule is such a one, and compiled code calls it back.

    The function that comes back takes floats to a float and Values to a Value, is drawn and explained with ``text`` and
    ``latex`` (operand ``i`` is ``#i``, the result ``#y``), and can be checked with ``check_grad``.

    Raises ValueError when the name is taken or is not an identifier, TypeError when the derivative is neither a tuple
    of functions nor a function.

    >>> from autograd import Value, define, exp
    >>> gauss = define("gauss", lambda x: exp(-x * x), (lambda y, x: -2.0 * x * y,), text="gauss(#0)")
    >>> v = Value(0.5)
    >>> gauss(v).backward()
    >>> round(v.grad, 6)
    -0.778801
    """
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ValueError(f"an operation's name must be a Python identifier, and {name!r} is none")
    if name in OPERATIONS:
        raise ValueError(f"an operation named {name!r} exists; choose another name")
    rules: tuple[Rule, ...] | Rule
    if isinstance(derivative, (tuple, list)) and derivative and all(map(callable, derivative)):
        rules = tuple([_never_none(name, rule) for rule in derivative])
    elif callable(derivative):
        rules = derivative
    else:
        raise TypeError(
            "derivative is a tuple with a function for each operand, such as (lambda y, x: 2 * x,) with its comma, "
            f"or one function for any number of operands; {derivative!r} was given"
        )
    return add_row(
        name,
        forward,
        rules,
        text=text,
        latex=latex,
        derivative_text=derivative_text,
        derivative_latex=derivative_latex,
        domain=domain,
        kinks=kinks,
        primitive=primitive,
        doc=doc,
    )


def _never_none(name: str, rule: Rule) -> Rule:
    def checked(*operands: Any) -> Any:
        partial = rule(*operands)
        if partial is None:
            raise TypeError(f"a derivative rule of {name} returned None; does it lack its return?")
        return partial

    return checked
