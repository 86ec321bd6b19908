"""What an operation is: a row of the table, how it is added, and what kinds of number its rules accept."""

from __future__ import annotations

import functools
import inspect
import keyword
import math
import numbers
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .notation import NotationError, as_latex

REAL = (-math.inf, math.inf)

Rule = Callable[..., Any]
Template = str | Callable[[int], str]
DerivativeTemplate = tuple[str, ...] | Callable[[int, int], str]


class Number:
    """Base class of the numbers besides ``float`` that the rules of the table accept.

    A subclass has the arithmetic operators, comparisons, and ``apply``. ``Value`` and the compiler's traced number are
    the two in this package. Where kinds meet, the one with the higher ``rank`` takes the operation.
    """

    __slots__ = ()
    rank = 0
    is_node = False  # a part of a graph, as only a Value is
    operands: tuple[Any, ...] = ()
    extras: Any = None

    def apply(self, op: Operation, operands: tuple[Any, ...]) -> Any:
        """Return ``op`` of ``operands``, of which at least one is of this class."""
        raise NotImplementedError

    def branch(self, taken: bool) -> Any:
        """Return the partial of ``where`` by a branch, with this number as the condition, if it is no node."""
        raise NotImplementedError


class _Absent(Number):
    """What flows through the branch of ``where`` that is not taken: it ends every product, and no sum notices it.

    Only the graph of a derivative has it: where it is differentiated again, whichever branch was taken.
    """

    __slots__ = ()
    condition = 0.0  # as of a traced derivative: there is none

    def apply(self, op: Operation, operands: tuple[Any, ...]) -> Any:
        """Return what is left of a product, a sum or a choice."""
        return op.forward(*operands)

    def __mul__(self, other: Any) -> Any:
        return NotImplemented if is_node(other) else self  # a Value makes a node of it

    def __add__(self, other: Any) -> Any:
        return NotImplemented if is_node(other) else other

    def __float__(self) -> float:
        return 0.0

    def __repr__(self) -> str:
        return "·"  # as pictures show a gradient that was never computed

    def __format__(self, spec: str) -> str:
        return repr(self)

    __rmul__, __radd__ = __mul__, __add__


ABSENT: Any = _Absent()


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One row of the table: everything that is known of an operation.

    ``forward(*operands)`` gives the value. ``derivative`` is a tuple with one rule per operand, each called as
    ``rule(result, *operands)``; an n-ary operation has instead one function that returns all the partial derivatives.
    A ``primitive`` row is computed by the machine's own function, and any other by its forward rule out of those.
    ``evaluate`` is the public function: it takes every kind of number, where ``forward`` of a primitive takes floats
    only. The other fields are facts, each said where it stands.
    """

    name: str
    arity: int | None  # the number of operands; None for any number
    forward: Rule
    derivative: tuple[Rule, ...] | Rule
    # How it is written: operand i is #i and the result #y; an n-ary row has functions of the number of operands.
    text: Template
    derivative_text: DerivativeTemplate
    latex: Template | None = None  # where it is more than a translation of the text (autograd/notation.py)
    derivative_latex: DerivativeTemplate | None = None
    operands: tuple[str, ...] = ()  # what the operands are called in signatures
    defaults: tuple[float, ...] = ()  # of the last operands
    lists: int = 0  # how many lists of operands the public function takes
    # What mathematics knows of it.
    example_at: tuple[float, ...] = ()  # the operands of its example, if not ½
    domain: tuple[tuple[float, float], ...] = (REAL,)  # an interval for each operand, where the value is real
    kinks: Callable[..., float] | None = None  # zero just where a derivative jumps
    complex_rule: Rule | None = None  # its extension to the complex plane, for the complex step
    commutative: bool = False
    never_minus_zero: bool = False  # the compiler may then drop "+ 0.0"
    # What a network uses it for.
    affine: bool = False  # it may be a part of a neuron's net input, Σ wᵢxᵢ + b
    activation: bool = False  # it may be what a neuron does with its net input
    saturation: float | None = None  # as an activation it hardly learns where its slope is at most this
    dead_below: float | None = None  # as an activation it passes no gradient at or below this
    # How it is computed.
    primitive: bool = False  # forward works on floats only; that of other rows is made of operations
    method: bool = True  # it is a method of numbers too: v.tanh()
    # What others call it.
    c: str = ""  # the function of the C library
    llvm: str = ""  # the machine instruction, or the intrinsic
    javascript: str = ""  # the function in a page, where it is not that of Math with the C library's name
    numpy: tuple[str, ...] = ()  # NumPy's names for it, besides its own
    torch: tuple[str, dict[str, Any]] | None = None  # the module of torch.nn that computes it, and its options
    tangent: Rule | None = None  # of a loop: its tangent from those of all operands at once
    evaluate: Callable[..., Any] = field(init=False, repr=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return _find_row, (self.name,)

    @property
    def in_javascript(self) -> str:
        """What computes it in a page: a function of JavaScript or of ``diagram/webpage.js``; empty for none."""
        return self.javascript or (f"Math.{self.c}" if self.c else "")

    def write(self, names: Sequence[str], style: str = "text", result: str = "y") -> str:
        """Write the operation with its operands' names, in ``style`` "text" or "latex".

        >>> OPERATIONS["mul"].write(["w", "x"])
        'w × x'
        """
        own = self.latex if style == "latex" else None
        template = own or self.text
        text = template if isinstance(template, str) else template(len(names))
        if style == "latex" and own is None:
            text = _translated(text, self.name, names)
        return _fill(text, names, result)

    def write_derivative(self, i: int, names: Sequence[str], style: str = "text", result: str = "y") -> str:
        """Write the derivative with respect to operand ``i``.

        >>> OPERATIONS["tanh"].write_derivative(0, ["z"], result="h")
        '1 − h²'
        """
        own = self.derivative_latex if style == "latex" else None
        rules = own or self.derivative_text
        text = rules[i] if isinstance(rules, tuple) else rules(i, len(names))
        if style == "latex" and own is None:
            text = _translated(text, self.name, names, i)
        return _fill(text, names, result)

    def example(self) -> str:
        """Write a doctest of the public function at a point of its domain."""
        point = [0.5 if low <= 0.5 <= high else low + 1.0 if low < high else low for low, high in self.domain]
        point = list(self.example_at) or point[: len(self.operands) - len(self.defaults)]
        value = format(self.evaluate(*point), ".9f")
        return f"""\n>>> f"{{{self.name}({", ".join(map(repr, point))}):.9f}}"\n{value!r}\n"""

    def partial(self, i: int, result: Any, *operands: Any) -> Any:
        """Return the partial derivative by operand ``i``."""
        rules = self.derivative
        if isinstance(rules, tuple):
            return rules[i](result, *operands)
        return self.partials(result, operands, [True] * len(operands))[i]

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


#: The table: every `Operation` by its name. `define` adds a row.
OPERATIONS: dict[str, Operation] = {}


def _find_row(name: str) -> Operation:
    return OPERATIONS[name]


def _translated(text: str, name: str, names: Sequence[str], i: int | None = None) -> str:
    """Return a formula in LaTeX; of one that does not follow the notation (a user's own, say), the name alone."""
    try:
        return as_latex(text)
    except NotationError:
        function = rf"\operatorname{{{name}}}".replace("_", r"\_")
        operands = ", ".join(f"#{k}" for k in range(len(names)))
        return f"{function}({operands})" if i is None else rf"\frac{{\partial {function}}}{{\partial #{i}}}"


def _fill(template: str, names: Sequence[str], result: str) -> str:
    return re.sub(r"#(\d+|y)", lambda m: result if m[1] == "y" else names[int(m[1])], template)


def as_float(x: Any) -> float:
    """Convert a real number (int, NumPy float or int, Fraction) to a float.

    Raises TypeError for anything else, and ValueError for an integer above 1.8e308.
    """
    if type(x) is float:
        return x
    if type(x) is int or (not isinstance(x, bool) and isinstance(x, numbers.Real)):
        try:
            return float(x)
        except OverflowError:
            raise ValueError("this integer is too large for a float (the largest is about 1.8e308)") from None
    advice = "where(condition, a, b) chooses by it" if is_truth(x) else "give an int, a float or a NumPy scalar"
    raise TypeError(f"one real number is needed here, and {type(x).__name__} {_short(x)} was given; {advice}")


def as_constant(x: Any) -> Any:
    """Convert the other side of an operator; NotImplemented for what is no number, since that may know how.

    Raises TypeError for a bool, and ValueError for an integer above 1.8e308.
    """
    try:
        return as_float(x)
    except TypeError:
        if is_truth(x):
            raise
        return NotImplemented


def is_truth(x: Any) -> bool:
    """Whether it is a bool, of Python or NumPy: no number here."""
    return type(x).__name__ in ("bool", "bool_")


def is_node(x: Any) -> bool:
    """Whether it is a Value, and no other number."""
    return isinstance(x, Number) and x.is_node


def bare(x: Any) -> Any:
    """Return the number in a Value, and anything else as it is."""
    return getattr(x, "data", x) if isinstance(x, Number) else x


def _short(x: Any) -> str:
    text = repr(x)
    return text if len(text) <= 60 else text[:57] + "..."


def listed(before: str, between: str = ", ", after: str = ")") -> Callable[[int], str]:
    """Return a template for n operands in a row."""
    return lambda n: before + between.join(f"#{i}" for i in range(n)) + after


def _documented(op: Operation, doc: str) -> str:
    """Add to a first sentence what the row says of the derivative, the domain, and one value."""
    text = doc or f"The operation ``{op.name}``."
    if not op.operands:
        return text
    names = op.operands
    slopes = [f"∂/∂{x} = {op.write_derivative(i, names, result='f')}" for i, x in enumerate(names)]
    text += f"\n\nWritten f = {op.write(names)}; " + ", ".join(slopes) + "."
    bounded = [
        f"{low:g} <= {x} <= {high:g}" for x, (low, high) in zip(names, op.domain) if REAL != (low, high) != (low, low)
    ]
    if bounded:
        text += f" Real for {' and '.join(bounded)}, and an infinity or nan elsewhere."
    return text + "\n"


def add_row(name: str, forward: Rule, derivative: tuple[Rule, ...] | Rule, *, doc: str = "", **facts: Any) -> Rule:
    """Add a row to the table and return its public function. ``facts`` are the other fields of ``Operation``.

    ``define`` does it for users, with checks. A row that is a ``method`` becomes one of every number.
    """
    arity = len(derivative) if isinstance(derivative, tuple) else None
    defaults: dict[str, Any] = {
        "text": listed(f"{name}("),
        "derivative_text": lambda i, n: f"∂{name}/∂#{i}",
        "operands": ("x", "y", "z")[:arity] if arity and arity <= 3 else (),
        "domain": (REAL,) * (arity or 1),
        "lists": 0 if arity else 1,
        "activation": arity == 1 and facts.get("method", True),
    }
    defaults |= {key: fact for key, fact in facts.items() if fact is not None}
    op = Operation(name, arity, forward, derivative, **defaults)
    evaluate = _public_function(op)
    evaluate.__name__ = evaluate.__qualname__ = name
    evaluate.__module__ = "autograd"
    evaluate.__doc__ = _documented(op, doc)
    evaluate.__signature__ = _signature(op)  # type: ignore[attr-defined]
    object.__setattr__(op, "evaluate", evaluate)
    OPERATIONS[name] = op
    if op.method:
        for alias in (name, *op.numpy):  # NumPy asks each entry of an array of objects for the method of its own name
            setattr(Number, alias, evaluate)
    return evaluate


def _public_function(op: Operation) -> Rule:
    """Return the function that takes floats to a float, and hands all other numbers to the highest in rank."""
    forward = op.forward
    defaults = dict(zip(reversed(op.operands), reversed(op.defaults), strict=False))

    def dispatch(*operands: Any) -> Any:
        highest: Any = None
        for x in operands:
            if isinstance(x, Number) and (highest is None or x.rank > highest.rank):
                highest = x
                if x.rank:  # a Value's, and there is none above
                    break
        if highest is not None:
            return highest.apply(op, operands)
        return forward(*[x if type(x) is float else as_float(x) for x in operands])

    def unary(x: Any, /) -> Any:
        return forward(x) if type(x) is float else dispatch(x)

    def binary(x: Any, y: Any, /) -> Any:
        return forward(x, y) if type(x) is float and type(y) is float else dispatch(x, y)

    def with_defaults(*operands: Any, **named: Any) -> Any:
        names = op.operands[len(operands) :]
        rest = [named.get(name, defaults.get(name)) for name in names]
        if None in rest or len(operands) > len(op.operands) or (named and not named.keys() <= set(names)):
            try:
                _signature(op).bind(*operands, **named)
            except TypeError as error:
                raise TypeError(f"{op.name}{_signature(op)}: {error}") from None
        return dispatch(*operands, *rest)

    if op.defaults:
        return with_defaults
    return unary if op.arity == 1 else binary if op.arity == 2 else dispatch


@functools.cache
def _signature(op: Operation) -> inspect.Signature:
    """What ``help`` says: ``polygamma(n, x, /)``, ``clip(x, low=-inf, high=inf)``."""
    if not op.operands:
        return inspect.Signature([inspect.Parameter("operands", inspect.Parameter.VAR_POSITIONAL)])
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD if op.defaults else inspect.Parameter.POSITIONAL_ONLY
    missing = [inspect.Parameter.empty] * (len(op.operands) - len(op.defaults))
    pairs = zip(op.operands, [*missing, *op.defaults], strict=True)
    return inspect.Signature([inspect.Parameter(name, kind, default=default) for name, default in pairs])


def define(
    name: str,
    forward: Rule,
    derivative: Sequence[Rule] | Rule,
    *,
    text: Template | None = None,
    latex: Template | None = None,
    derivative_text: DerivativeTemplate | None = None,
    derivative_latex: DerivativeTemplate | None = None,
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
    the forward rule may use ``math``, and compiled code calls it back.

    The function that comes back takes floats to a float and Values to a Value, is drawn and explained with ``text`` and
    ``latex`` (operand ``i`` is ``#i``, the result ``#y``), and can be checked with ``check_grad``. ``derivative_text``
    has one formula per operand. ``domain`` is one interval (low, high) per operand, where the value is real; ``kinks``
    a function of the operands that is zero just where a derivative jumps.

    Raises ValueError when the name is taken or is not an identifier, TypeError when the derivative is neither a tuple
    of functions nor a function, when a function takes another number of operands than there are rules, or, in a call,
    when a rule returns anything but a real number.

    >>> from autograd import Value, define, exp
    >>> gauss = define("gauss", lambda x: exp(-x * x), (lambda y, x: -2.0 * x * y,), text="gauss(#0)")
    >>> v = Value(0.5)
    >>> gauss(v).backward()
    >>> round(v.grad, 6)
    -0.778801
    """
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ValueError(f"an operation's name must be a Python identifier, and {name!r} is not one")
    if name in OPERATIONS:
        raise ValueError(f"an operation named {name!r} exists; choose another name")
    rules: tuple[Rule, ...] | Rule
    if isinstance(derivative, (tuple, list)) and derivative and all(map(callable, derivative)):
        rules = tuple([_checked(name, rule) for rule in derivative])
        _check_signatures(name, forward, derivative)
    elif callable(derivative):
        rules = _each_checked(name, derivative)
    else:
        raise TypeError(
            "derivative is a tuple with a function for each operand, such as (lambda y, x: 2 * x,) with its comma, "
            f"or one function for any number of operands; {derivative!r} was given"
        )
    return add_row(
        name,
        _checked(name, forward, "the forward rule"),
        rules,
        text=text,
        latex=latex,
        derivative_text=derivative_text,
        derivative_latex=derivative_latex,
        domain=domain,
        kinks=kinks,
        primitive=primitive,
        method=False,
        doc=doc,
    )


def _checked(name: str, rule: Rule, what: str = "a derivative rule") -> Rule:
    """Return a rule that refuses to return anything but a real number."""

    def checked(*operands: Any) -> Any:
        return _real(rule(*operands), what, name)

    return checked


def _each_checked(name: str, rule: Rule) -> Rule:
    """Return the derivative rule of any number of operands, with each of its numbers checked."""

    def checked(*operands: Any) -> Any:
        every = rule(*operands)  # what is no list, `partials` refuses
        return (
            [_real(partial, "the derivative rule", name) for partial in every] if hasattr(every, "__len__") else every
        )

    return checked


def _real(number: Any, what: str, name: str) -> Any:
    if isinstance(number, Number):
        return number
    try:
        return as_float(number)
    except TypeError:
        hint = "; does it lack its return?" if number is None else ", which is no real number"
        raise TypeError(f"{what} of {name} returned {_short(number)}{hint}") from None


def _check_signatures(name: str, forward: Rule, rules: Sequence[Rule]) -> None:
    """Raise TypeError where the forward rule or a derivative rule cannot be called with as many operands as rules."""
    count = len(rules)
    for what, function, given in [
        ("forward", forward, count),
        *[("a derivative rule", rule, count + 1) for rule in rules],
    ]:
        try:
            signature = inspect.signature(function)
        except (TypeError, ValueError):
            continue  # a function in C, which does not say what it takes
        try:
            signature.bind(*[0.0] * given)
        except TypeError as error:
            wanted = "the operands" if what == "forward" else "the result and the operands"
            raise TypeError(
                f"{name} has {count} derivative rule{'s'[: count > 1]}, so {count} operand{'s'[: count > 1]}, and "
                f"{what}{signature} cannot be called with {wanted}: {error}; give a rule for each operand, or one "
                "function (not in a tuple) for any number of operands"
            ) from None
