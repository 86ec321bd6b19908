"""Numerical derivatives, and the check of a gradient against them.

Central differences with a step on the scale of the input; Richardson extrapolation of them (Ridders, *Accurate
computation of F'(x) and F'(x) F''(x)*, 1982), which also estimates its own error; and the complex step (Squire and
Trapp, *Using complex variables to estimate derivatives of real functions*, 1998), exact to the last bits where the
function is analytic.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any, Literal

from . import modes
from ._engine import Value
from .errors import GradientCheckError
from .functional import argument_positions, grad
from .graph import topological_order
from .operation import bare
from .ops import OPERATIONS, Number, Operation
from .pytree import flatten

Method = Literal["central", "richardson", "complex"]
_CENTRAL_STEP = 2.0 ** (-52 / 3)  # balances the truncation error h² with the rounding error ε/h
_COMPLEX_STEP = 1e-150  # its square vanishes beside any double, so there is no truncation error left
_SHRINK = 1.4  # Ridders' choice


def numerical_grad(
    f: Callable[..., Any],
    *args: Any,
    argnums: int | Sequence[int] = 0,
    method: Method = "richardson",
    step: float | None = None,
) -> Any:
    """Return the gradient of ``f``, which returns one number, by evaluating ``f`` alone.

    ``method`` is "richardson" (about ten digits, 10 to 30 evaluations per input, more near a kink), "central" (six to
    ten digits, two evaluations), or "complex" (all digits, one evaluation; analytic operations only). ``step`` is the
    difference to begin with; by default it follows the size of each input. The result has the argument's structure.

    Raises ValueError for an unknown method or a step that is not positive, TypeError where the complex step
    meets an operation that is not analytic.

    >>> numerical_grad(lambda x: x**3, 2.0, method="complex")
    12.0
    """
    if method not in ("central", "richardson", "complex"):
        raise ValueError(f'method is "central", "richardson" or "complex", and {method!r} was given')
    if step is not None and not step > 0.0:
        raise ValueError(f"step must be positive, and {step!r} was given")
    parts = []
    chosen = argument_positions(argnums, args)
    plain = [_without_graph(x) if i in chosen else x for i, x in enumerate(args)]
    for position in chosen:
        leaves, build = flatten(plain[position])
        along = [_along(f, plain, chosen, position, i) for i in range(len(leaves))]
        with modes.no_grad():
            parts.append(build([_slope(g, float(x), method, step)[0] for g, x in zip(along, leaves, strict=True)]))
    return parts[0] if isinstance(argnums, int) else tuple(parts)


def _along(
    f: Callable[..., Any], args: Sequence[Any], chosen: Sequence[int], position: int, i: int
) -> Callable[[Any], Any]:
    """Return ``f`` as a function of one number alone: the i-th of the argument at that position."""

    def g(x: Any) -> Any:
        wrapped = [_wrapped(arg) if j in chosen else arg for j, arg in enumerate(args)]
        leaves, build = flatten(args[position])
        wrapped[position] = build([Value(x if j == i else number) for j, number in enumerate(leaves)])
        return _one_number(f(*wrapped))

    return g


def _wrapped(tree: Any) -> Any:
    leaves, build = flatten(tree)
    return build([x if isinstance(x, Value) else Value(x) for x in leaves])


def _one_number(result: Any) -> Any:
    leaves, _ = flatten(result)
    if len(leaves) != 1:
        raise TypeError(f"a gradient needs a function that returns one number, and this one returned {len(leaves)}")
    return bare(leaves[0])


def _slope(g: Callable[[Any], Any], x: float, method: Method, step: float | None) -> tuple[float, float, float]:
    """Return the derivative of ``g`` at ``x``, an estimate of its error, and the step used."""
    if method == "complex":
        h = step or _COMPLEX_STEP
        result = g(_ComplexNumber(complex(x, h)))
        return (result.number.imag / h if isinstance(result, _ComplexNumber) else 0.0), 0.0, h
    scale = _scale(x)
    if method == "central":
        h = step or _CENTRAL_STEP * scale
        return _central(g, x, h), math.nan, h
    if not math.isfinite(g(x)):
        return math.nan, math.inf, step or 0.1 * scale  # two sides of a pole may well be equal
    estimate = _ridders(g, x, step or 0.1 * scale)
    for smaller in (1e-2, 1e-3, 1e-4, 1e-6) if step is None else ():
        if estimate[1] <= 1e-7 * math.fabs(estimate[0]):
            break
        # a kink may be near by
        estimate = min(estimate, _ridders(g, x, smaller * scale), key=operator.itemgetter(1))
    return estimate


def _scale(x: float) -> float:
    return math.fabs(x) if math.fabs(x) > 1e-3 else 1e-3 if x else 1.0


def _central(g: Callable[[float], float], x: float, h: float) -> float:
    right, left = x + h, x - h  # as rounded, so divide by the distance that there really is
    return (g(right) - g(left)) / (right - left)


def _ridders(g: Callable[[float], float], x: float, h: float) -> tuple[float, float, float]:
    best, error, used = math.nan, math.inf, h
    previous: list[float] = []
    for _ in range(16):
        row = [_central(g, x, h)]
        factor = _SHRINK**2
        for j, coarser in enumerate(previous):
            row.append((row[j] * factor - coarser) / (factor - 1.0))
            factor *= _SHRINK**2
            guess = max(math.fabs(row[-1] - row[j]), math.fabs(row[-1] - coarser))
            if guess < error:
                best, error, used = row[-1], guess, h
        if best == best and math.fabs(row[-1] - previous[-1]) >= 2.0 * error:
            break  # rounding has taken over
        previous, h = row, h / _SHRINK
    return best, error, used


def check_grad(
    f: Callable[..., Any],
    *args: Any,
    argnums: int | Sequence[int] | None = None,
    order: int = 1,
    rtol: float = 1e-6,
    atol: float = 1e-9,
) -> bool:
    """Compare the gradient of ``f`` at ``args`` with a numerical one; return True, or raise GradientCheckError.

    The message names the input, both numbers, the step, and the first operation of the graph whose stored derivative
    disagrees with a numerical one of its own. ``argnums`` defaults to all arguments. With ``order=2`` the second
    derivatives are checked as well. The two may differ by ``atol + rtol * |numerical|`` and the estimated error of the
    numerical one, of which at most 1e-5·|numerical| counts; where either is nan the check fails. At a kink, where there
    is no derivative, it fails or passes by chance: move the point.

    Raises ValueError when there is nothing to check, or for another order than 1 or 2.

    >>> check_grad(lambda x, y: x * y + x.tanh(), 0.5, 2.0)
    True
    """
    if order not in (1, 2):
        raise ValueError(f"order is 1 or 2, and {order!r} was given")
    chosen = argument_positions(range(len(args)) if argnums is None else argnums, args)
    if not any(flatten(args[i])[0] for i in chosen):
        raise ValueError("there is no number to differentiate by: give check_grad the function's arguments")
    _check_function(f, args, chosen, rtol, atol)
    if order == 2:
        for position in chosen:
            for entry in range(len(flatten(args[position])[0])):
                _check_function(_entry_of_gradient(f, position, entry), args, chosen, rtol, atol)
    return True


def _entry_of_gradient(f: Callable[..., Any], position: int, entry: int) -> Callable[..., Any]:
    return lambda *args: flatten(grad(f, position)(*args))[0][entry]


def _check_function(f: Callable[..., Any], args: Sequence[Any], chosen: list[int], rtol: float, atol: float) -> None:
    plain = [_without_graph(x) if i in chosen else x for i, x in enumerate(args)]
    for position, slope in zip(chosen, grad(f, chosen)(*plain), strict=True):
        leaves, exact = flatten(plain[position])[0], flatten(_without_graph(slope))[0]
        for i, (x, got) in enumerate(zip(leaves, exact, strict=True)):
            g = _along(f, plain, chosen, position, i)
            numerical, error, step = _slope(g, float(x), "richardson", None)
            if not _agrees(got, numerical, error, rtol, atol):
                where = f"argument {position}" + (f", number {i}" if len(leaves) > 1 else "")
                advice = _obstacle(g, float(x), got, numerical, step)
                if not advice and not error <= atol + 1e-3 * math.fabs(numerical):  # nan too
                    advice = "the numerical derivative did not converge; try another point"
                advice = advice or _first_suspect(f, plain, chosen, rtol, atol)
                raise GradientCheckError(
                    f"the gradient by {where} ({x!r}) is {got!r}, and numerically {numerical!r} "
                    f"(step {step:.2g}, estimated error {error:.1g}); {advice}"
                )


def _agrees(exact: float, numerical: float, error: float, rtol: float, atol: float) -> bool:
    size = math.fabs(numerical)
    return exact == numerical or math.fabs(exact - numerical) <= atol + rtol * size + min(error, 1e-5 * size)


def _obstacle(g: Callable[[Any], Any], x: float, exact: float, numerical: float, step: float) -> str:
    """Say why differences of ``g``, which gave ``numerical`` with this step, are no derivative; nothing if they are."""
    gap = math.fabs(exact - numerical)
    if not math.isfinite(x):
        return f"there are no differences around {x!r}"
    if not math.isfinite(here := g(x)):
        return f"the function is {here!r} there, so there is nothing to compare"
    bends, jumps = [], []
    for h in (1e-6 * _scale(x), 1e-7 * _scale(x)):
        sides = [(point, g(point)) for point in (x - h, x + h)]
        for point, there in sides:
            if not math.isfinite(there):
                return f"the function is {there!r} at {point:.6g}, close by; move the point"
        left, right = [(there - here) / (point - x) + 0.0 for point, there in sides]  # no −0
        bends.append(math.fabs(right - left))
        jumps.append(math.fabs(sides[1][1] - sides[0][1]))
    if gap < math.inf and gap * math.ulp(x) > math.fabs(here) + sum(jumps):
        return f"numbers next to {x:.6g} are {math.ulp(x):.1g} apart, too coarse for this function"
    noise = 16.0 * math.ulp(here)
    if jumps[1] > max(0.5 * jumps[0], noise):  # it does not shrink with the step
        return (
            f"here is a jump: the function changes by {jumps[1]:.4g} between points {2.0 * h:.1g} apart; move the point"
        )
    if bends[1] > max(0.5 * bends[0], noise / h, 1e-3 * min(gap, math.fabs(left) + math.fabs(right))):
        return f"here is a kink: the slope is {left:.4g} on the left and {right:.4g} on the right; move the point"
    if gap < math.inf and math.fabs((left + right) / 2.0 - exact) <= 1e-3 * gap:
        return f"within the step of {step:.2g} the function jumps or bends, but not here, where it has this slope"
    if gap <= noise / step:
        return f"the value {here:.6g} swallows the step in its rounding; move the point"
    return ""


def _without_graph(tree: Any) -> Any:
    leaves, build = flatten(tree)
    return build([bare(x) for x in leaves])


def _first_suspect(f: Callable[..., Any], args: Sequence[Any], chosen: Sequence[int], rtol: float, atol: float) -> str:
    """Say which operation comes first in the graph among those whose own derivative looks wrong."""
    result = f(*[_wrapped(x) if i in chosen else x for i, x in enumerate(args)])
    for node in topological_order(*[x for x in flatten(result)[0] if isinstance(x, Value)]):
        numbers = [bare(x) for x in node.operands]
        for i, partial in enumerate(node.partials):
            if partial is None:
                continue
            numerical, error, _ = _slope(_operand_of(node.op, numbers, i), numbers[i], "richardson", None)
            if not _agrees(partial, numerical, error, rtol, atol):
                call = node.op.write([f"{x:.6g}" for x in numbers])
                return (
                    f"the first suspect is the operation {node.op.name!r}, {call}: "
                    f"its derivative by operand {i} is stored as {partial!r}, and numerically is {numerical!r}"
                )
    return "each operation's own derivative agrees: look for a kink near by, or for a number taken out with .data"


def _operand_of(op: Operation, numbers: Sequence[float], i: int) -> Callable[[float], float]:
    """Return the operation as a function of operand ``i`` alone."""
    return lambda x: float(op.evaluate(*numbers[:i], x, *numbers[i + 1 :]))


class _ComplexNumber(Number):
    """A complex number that runs through the rules of the table; comparisons look at the real part."""

    __slots__ = ("number",)

    def __init__(self, number: complex) -> None:
        self.number = number

    def apply(self, op: Operation, operands: tuple[Any, ...]) -> Any:
        if not op.primitive:
            return op.forward(*operands)
        if op.complex_rule is None:
            raise TypeError(f'the complex step does not go through {op.name}; use method="richardson"')
        numbers = [x.number if isinstance(x, _ComplexNumber) else x for x in operands]
        try:
            return _ComplexNumber(op.complex_rule(*numbers))
        except (OverflowError, ZeroDivisionError, ValueError):  # cmath raises where a float becomes inf or nan
            return _ComplexNumber(complex(math.nan, math.nan))

    def _with(self, name: str, other: Any, reflected: bool = False) -> Any:
        return self.apply(OPERATIONS[name], (other, self) if reflected else (self, other))

    def __add__(self, other: Any) -> Any:
        return self._with("add", other)

    def __radd__(self, other: Any) -> Any:
        return self._with("add", other, True)

    def __sub__(self, other: Any) -> Any:
        return self._with("sub", other)

    def __rsub__(self, other: Any) -> Any:
        return self._with("sub", other, True)

    def __mul__(self, other: Any) -> Any:
        return self._with("mul", other)

    def __rmul__(self, other: Any) -> Any:
        return self._with("mul", other, True)

    def __neg__(self) -> Any:
        return _ComplexNumber(-self.number)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return self if self.number.real >= 0.0 else -self

    def __lt__(self, other: Any) -> bool:
        return self.number.real < _real(other)

    def __le__(self, other: Any) -> bool:
        return self.number.real <= _real(other)

    def __gt__(self, other: Any) -> bool:
        return self.number.real > _real(other)

    def __ge__(self, other: Any) -> bool:
        return self.number.real >= _real(other)

    def __eq__(self, other: object) -> bool:
        return self.number.real == _real(other)

    __hash__ = None  # type: ignore[assignment]


def _real(x: Any) -> float:
    return float(x.number.real if isinstance(x, _ComplexNumber) else x)
