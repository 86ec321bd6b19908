"""Every operation, once: forward rule, derivative rule, notation, domain, kinks.

A row of the table ``OPERATIONS`` is made by one call of ``_row``. Its rules are written with ordinary operators and
with the generic functions of this file, and never ask what kind of number they are given. A derivative rule is called
``rule(result, *operands)``: in the row of ``mul``, ``lambda y, a, b: b`` says ∂y/∂a = b for y = a·b. So one row serves
plain floats, ``Value`` (whose derivatives are then graphs again, which gives second and higher derivatives), the
compiler's traced numbers, and the exact numbers of the tests.

One rule for rules: ``divide(a, b)`` and ``power(a, b)`` stand for ``/`` and ``**``, because Python's own raise where
IEEE 754 gives an infinity or a nan. Both branches of ``where`` are computed, and the one that is not taken may be
either: it has no part in the value, nor in any derivative.

What a derivative is where there is none, docs/conventions.md says for all rows: mostly what PyTorch says. Formulas
without a source are the textbook ones; stable forms follow Higham, *Accuracy and Stability of Numerical Algorithms*,
2nd ed., SIAM 2002.
"""

from __future__ import annotations

import builtins
import cmath
import functools
import itertools
import math
import operator
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from . import gamma
from .operation import OPERATIONS as OPERATIONS
from .operation import Number as Number
from .operation import Operation as Operation
from .operation import add_row as _row
from .operation import as_float as as_float
from .operation import bare as _bare
from .operation import define as define
from .operation import listed as _listed

Function = Callable[..., Any]
INF, NAN = math.inf, math.nan


def _ieee(function: Callable[[float], float], overflow: float = INF, **poles: float) -> Callable[[float], float]:
    """Give a function of ``math`` the results of IEEE 754 where Python raises: infinities and nan."""
    at_pole = {0.0: poles.get("zero", NAN), 1.0: poles.get("one", NAN), -1.0: poles.get("minus_one", NAN)}

    def forward(x: float) -> float:
        try:
            return function(x)
        except OverflowError:
            return overflow
        except ValueError:  # outside the domain, or at a pole
            return at_pole.get(x, NAN)

    return forward


# ---------------------------------------------------------------- arithmetic


def _divide(x: float, y: float) -> float:
    try:
        return x / y
    except ZeroDivisionError:
        return NAN if x == 0.0 or x != x else math.copysign(INF, x) * math.copysign(1.0, y)


def _power(x: float, y: float) -> float:
    if y == 2.0:
        return x * x  # the product is correctly rounded, the C library's pow need not be
    try:
        return math.pow(x, y)
    except OverflowError:
        return -INF if x < 0.0 and math.fmod(y, 2.0) != 0.0 else INF
    except ValueError:
        if x != 0.0:
            return NAN
        return math.copysign(INF, x) if math.fabs(math.fmod(y, 2.0)) == 1.0 else INF


def power_by_base(y: Any, x: Any, n: Any) -> Any:
    """Return n·xⁿ⁻¹; 0 for n = 0.

    Where n − 1 is exact, which is nearly always, that is all. The rest puts the rounding error of n − 1 back, which
    would cost up to ln x units in the last place.
    """
    if type(n) is not float:  # x**0 has gradient 0 everywhere, at x = 0 as well; by n it changes as n/x does
        at_zero = where(abs(x) > 0.0, divide(n, x) + 0.0, 0.0)
        return where(n == 0.0, at_zero, _power_by_base(x, n))
    return 0.0 if n == 0.0 else _power_by_base(x, n)


def _power_by_base(x: Any, n: Any) -> Any:
    lower = n - 1.0
    back = lower - n
    error = (n - (lower - back)) - (1.0 + back)  # Knuth's two-sum; nan for an infinite n
    slope = n * power(x, lower)
    rounded = (error > 0.0) | (error < 0.0)
    if type(error) is float and not rounded:
        return slope
    safe = where(x > 0.0, where(x < INF, x, 1.0), 1.0)
    return where(rounded, slope * (1.0 + error * log(safe)), slope)


def power_by_exponent(y: Any, x: Any, n: Any) -> Any:
    """Return xⁿ·ln x, where y = xⁿ; 0 where x is 0 and n is not negative, nan where x is negative."""
    constant_in_n = (x == 0.0) & (n >= 0.0)  # 0**n for n >= 0 does not change with n
    return where(constant_in_n, 0.0, y * log(x))


def _mod(x: float, y: float) -> float:
    try:
        return x % y
    except ZeroDivisionError:
        return NAN


def _floordiv(x: float, y: float) -> float:
    try:
        return x // y
    except ZeroDivisionError:
        return _divide(x, y)


# Complex rules are for the complex step: what a rule for real numbers becomes beside the real axis.


def _complex_abs(z: complex) -> complex:
    return z if z.real >= 0.0 else -z


def _complex_where(c: complex, a: complex, b: complex) -> complex:
    return a if c.real else b


add = _row("add", operator.add, (lambda y, a, b: 1.0, lambda y, a, b: 1.0), text="#0 + #1", derivative_text=("1", "1"),
           complex_rule=operator.add, commutative=True, affine=True,
           javascript="(a, b) => a + b", primitive=True, method=False, llvm="fadd")
sub = _row("sub", operator.sub, (lambda y, a, b: 1.0, lambda y, a, b: -1.0), text="#0 − #1",
           derivative_text=("1", "−1"), complex_rule=operator.sub, affine=True,
           javascript="(a, b) => a - b", primitive=True, method=False,
           llvm="fsub")
mul = _row("mul", operator.mul, (lambda y, a, b: b, lambda y, a, b: a), text="#0 × #1", derivative_text=("#1", "#0"),
           complex_rule=operator.mul, commutative=True, affine=True,
           javascript="(a, b) => a * b", primitive=True, method=False, llvm="fmul")
divide: Function = _row("div", _divide, (lambda y, a, b: divide(1.0, b), lambda y, a, b: -divide(y, b)), text="#0 ÷ #1",
                        derivative_text=("1 ÷ #1", "−#y ÷ #1"), complex_rule=operator.truediv, affine=True,
                        javascript="(a, b) => a / b", primitive=True, method=False, llvm="fdiv")
power = _row("pow", _power, (power_by_base, power_by_exponent), text="#0 ^ #1",
             derivative_text=("#1 × #0 ^ (#1 − 1)", "#y × ln #0"), complex_rule=operator.pow,
             javascript="power", primitive=True,
             method=False, c="pow", numpy=("power",))
floordiv = _row("floordiv", _floordiv, (lambda y, a, b: 0.0, lambda y, a, b: 0.0), text="⌊#0 ÷ #1⌋",
                derivative_text=("0", "0"), kinks=lambda a, b: _fraction(_divide(a, b)),
                javascript="floorDivide", primitive=True,
                method=False)
mod = _row("mod", _mod, (lambda y, a, b: 1.0, lambda y, a, b: -floordiv(a, b)), text="#0 mod #1",
           derivative_text=("1", "−⌊#0 ÷ #1⌋"), kinks=lambda a, b: _fraction(_divide(a, b)),
           javascript="modulo", primitive=True,
           method=False)
neg = _row("neg", operator.neg, (lambda y, x: -1.0,), text="−#0", derivative_text=("−1",), complex_rule=operator.neg,
           affine=True, activation=False, javascript="(a) => -a", primitive=True, method=False, llvm="fneg")
identity = _row("identity", operator.pos, (lambda y, x: 1.0,), text="#0", derivative_text=("1",),
                complex_rule=operator.pos, affine=True, activation=True,
                javascript="(a) => a", primitive=True, method=False,
                doc="The operand itself, as a node of its own.")
abs = _row("abs", operator.abs, (lambda y, x: sign(x),), text="|#0|", derivative_text=("sign(#0)",), kinks=lambda x: x,
           complex_rule=_complex_abs, never_minus_zero=True, javascript="Math.abs", primitive=True, llvm="llvm.fabs",
           numpy=("absolute", "fabs"), doc="Absolute value; its derivative at 0 is 0.")


# ------------------------------------------------- choice, steps and rounding


def _float_step(function: Callable[[float], int]) -> Callable[[float], float]:
    def forward(x: float) -> float:
        return math.copysign(function(x), x) if math.isfinite(x) else x

    return forward


def _fraction(x: float) -> float:
    return x - builtins.round(x) if math.isfinite(x) else NAN


def _taken(condition: Any, wanted: bool) -> Any:
    """The partial by a branch: 1, and None where it is not taken, which is no 0: nothing may be multiplied with it."""
    condition = _bare(condition)
    if isinstance(condition, Number):  # it is known when compiled code runs
        return condition.branch(wanted)
    return 1.0 if bool(condition) is wanted else None


_choose = _row("where", lambda c, a, b: a if c else b,
               (lambda y, c, a, b: None, lambda y, c, a, b: _taken(c, True), lambda y, c, a, b: _taken(c, False)),
               text="#1 if #0 else #2", derivative_text=("0", "1 if #0 else 0", "0 if #0 else 1"),
               kinks=lambda c, a, b: 1.0, complex_rule=_complex_where,
               javascript="(c, a, b) => (c ? a : b)", primitive=True, method=False)


def where(condition: Any, a: Any, b: Any) -> Any:
    """Return ``a`` where the condition holds, else ``b``; both are computed either way.

    The condition is a bool, or a number that counts as true unless it is zero; no gradient flows to it. The branch that
    is not taken has no part in the derivative, whatever its own slope may be, a nan or an infinity too.

    >>> where(2.0 > 1.0, 10.0, 20.0)
    10.0
    >>> from autograd import grad, sqrt
    >>> grad(lambda x: where(x >= 0, x, sqrt(-x)))(0.0)
    1.0
    """
    if type(condition) is bool:
        if type(a) is float and type(b) is float:
            return a if condition else b
        condition = float(condition)
    return _choose(condition if isinstance(condition, Number) else 1.0 if condition else 0.0, a, b)


_step = functools.partial(_row, derivative_text=("0",), primitive=True)
floor = _step("floor", _float_step(math.floor), (lambda y, x: 0.0,), text="⌊#0⌋", kinks=_fraction,
              javascript="Math.floor", llvm="llvm.floor",
              doc="Round down; the derivative is 0.")
ceil = _step("ceil", _float_step(math.ceil), (lambda y, x: 0.0,), text="⌈#0⌉", kinks=_fraction,
             javascript="Math.ceil", llvm="llvm.ceil",
             doc="Round up; the derivative is 0.")
round = _step("round", _float_step(builtins.round), (lambda y, x: 0.0,), kinks=lambda x: _fraction(x + 0.5),
              javascript="roundHalfEven", llvm="llvm.roundeven", numpy=("rint",),
              doc="Round to the nearest integer, a tie to the even one; the derivative is 0.")
trunc = _step("trunc", _float_step(math.trunc), (lambda y, x: 0.0,), kinks=_fraction,
              javascript="Math.trunc", llvm="llvm.trunc",
              doc="Round toward zero; the derivative is 0.")
sign: Function = _row("sign", lambda x: where(x > 0.0, 1.0, where(x < 0.0, -1.0, x)), (lambda y, x: 0.0,),
                      derivative_text=("0",), kinks=lambda x: x,
                      doc="1, −1, or the zero or nan itself; the derivative is 0.")


# ------------------------------------------------------ exponentials and logs


def _third_power(x: Any, n: float) -> Any:
    """Return x^(n/3) for x >= 0, with the rounding error of ⅓ put back (the C library's cbrt may be 4 ulp off)."""
    safe = where(x > 0.0, where(x < INF, x, 1.0), 1.0)
    return power(x, n * _THIRD) * (1.0 + n * _THIRD_ERROR * log(safe))


def _cbrt(x: Any) -> Any:
    root = _third_power(abs(x), 1.0)
    return where(x < 0.0, -root, where(x == 0.0, x, root))


_THIRD, _THIRD_ERROR = 1.0 / 3.0, 2.0**-54 / 3.0
_LN2, _LN10, _SQRT_HALF = math.log(2.0), math.log(10.0), math.sqrt(0.5)
_not_negative = ((0.0, INF),)

def _complex_expm1(z: complex) -> complex:
    a, b = z.real, z.imag
    return complex(math.expm1(a) * math.cos(b) - 2.0 * math.sin(b / 2.0) ** 2, math.exp(a) * math.sin(b))


def _complex_log1p(z: complex) -> complex:
    a, b = z.real, z.imag
    return complex(math.log1p(a * (2.0 + a) + b * b) / 2.0, math.atan2(b, 1.0 + a))


exp = _row("exp", _ieee(math.exp), (lambda y, x: y,), text="exp(#0)", derivative_text=("#y",), complex_rule=cmath.exp,
           never_minus_zero=True, primitive=True, c="exp", doc="The exponential e^x.")
exp2 = _row("exp2", _ieee(math.exp2), (lambda y, x: y * _LN2,), text="2 ^ #0", derivative_text=("#y × ln 2",),
            complex_rule=lambda z: cmath.exp(z * _LN2), never_minus_zero=True,
            javascript="(a) => 2 ** a", primitive=True, c="exp2", doc="2^x.")
expm1 = _row("expm1", _ieee(math.expm1), (lambda y, x: exp(x),), text="exp(#0) − 1", derivative_text=("exp(#0)",),
             complex_rule=_complex_expm1, primitive=True, c="expm1", doc="e^x − 1, without the cancellation near 0.")
log = _row("log", _ieee(math.log, zero=-INF), (lambda y, x: divide(1.0, x),), text="ln #0", derivative_text=("1 ÷ #0",),
           domain=_not_negative, complex_rule=cmath.log, primitive=True, c="log",
           doc="The natural logarithm; −inf at 0, nan below.")
log2 = _row("log2", _ieee(math.log2, zero=-INF), (lambda y, x: divide(1.0 / _LN2, x),), text="log₂ #0",
            derivative_text=("1 ÷ (#0 × ln 2)",), domain=_not_negative, complex_rule=lambda z: cmath.log(z) / _LN2,
            primitive=True, c="log2", doc="The logarithm to base 2.")
log10 = _row("log10", _ieee(math.log10, zero=-INF), (lambda y, x: divide(1.0 / _LN10, x),), text="log₁₀ #0",
             derivative_text=("1 ÷ (#0 × ln 10)",), domain=_not_negative, complex_rule=cmath.log10, primitive=True,
             c="log10", doc="The logarithm to base 10.")
log1p = _row("log1p", _ieee(math.log1p, minus_one=-INF), (lambda y, x: divide(1.0, 1.0 + x),), text="ln(1 + #0)",
             derivative_text=("1 ÷ (1 + #0)",), domain=((-1.0, INF),), complex_rule=_complex_log1p, primitive=True,
             c="log1p", doc="ln(1 + x), without the cancellation near 0.")
sqrt = _row("sqrt", _ieee(math.sqrt), (lambda y, x: divide(0.5, y),), text="√#0", derivative_text=("1 ÷ (2 × #y)",),
            domain=_not_negative, complex_rule=cmath.sqrt, javascript="Math.sqrt", primitive=True, llvm="llvm.sqrt",
            doc="The square root; its derivative at 0 is inf.")
cbrt = _row("cbrt", _cbrt, (lambda y, x: divide(_third_power(abs(x), -2.0), 3.0),), text="∛#0",
            derivative_text=("1 ÷ (3 × #y²)",),
            doc="The cube root, real for negative numbers too; its derivative at 0 is inf.")
square = _row("square", lambda x: x * x, (lambda y, x: 2.0 * x,), text="#0²", derivative_text=("2 × #0",), doc="x².")


# ---------------------------------------------- trigonometry and hyperbolics


def _tan_slope(y: Any, x: Any) -> Any:
    c = cos(x)
    return divide(divide(1.0, c), c)


def _arc_slope(x: Any) -> Any:
    return divide(1.0, sqrt((1.0 - x) * (1.0 + x)))


def _atan_slope(y: Any, x: Any) -> Any:
    """1 / (1 + x²), and where |x| > 1 divided through by x, since x² could overflow."""
    inverse = divide(1.0, x)
    return where(abs(x) > 1.0, divide(inverse, x + inverse), divide(1.0, 1.0 + x * x))


def _minus_size(x: Any) -> Any:
    """−|x|, with a slope at 0: for rules that are analytic there, and would be wrong with abs'(0) = 0."""
    return where(x >= 0.0, -x, x)


def _sech_squared(x: Any) -> Any:
    """1 − tanh²x = 4z / (1 + z)² with z = exp(−2|x|), which does not cancel where tanh is near 1."""
    z = exp(2.0 * _minus_size(x))
    return divide(4.0 * z, 1.0 + z * (2.0 + z))


def _asinh_slope(y: Any, x: Any) -> Any:
    return divide(1.0, hypot(1.0, x))


def _acosh_slope(y: Any, x: Any) -> Any:
    return divide(1.0, sqrt(x - 1.0) * sqrt(x + 1.0))


def _hypot(x: float, y: float) -> float:
    if not (math.isfinite(x) and math.isfinite(y)):
        return math.hypot(x, y)  # abs raises for these after another function overflowed (CPython 3.11)
    try:
        # This is the C library's hypot. math.hypot is Python's own, and changed between versions.
        return builtins.abs(complex(x, y))
    except OverflowError:
        return INF


def _sinh(x: float) -> float:
    try:
        return math.sinh(x)
    except OverflowError:
        return math.copysign(INF, x)


def _over_radius(x: Any, r: Any) -> Any:
    """x/r; at the origin √r, which is 0 too, and has no finite derivative: there is no second one."""
    return where(r == 0.0, sqrt(r), divide(x, r))


def _atan2_by(x: Any, a: Any, b: Any) -> Any:
    r = hypot(a, b)
    return divide(_over_radius(x, r), where(r == 0.0, 1.0, r))


def _complex_atan2(y: complex, x: complex) -> complex:
    y, x = complex(y), complex(x)  # the logarithm of x + iy will not do: it mixes the parts, and the step is lost
    near = math.fabs(x.real) >= math.fabs(y.real)
    imaginary = cmath.atan(y / x).imag if near else -cmath.atan(x / y).imag
    return complex(math.atan2(y.real, x.real), imaginary)


sin = _row("sin", _ieee(math.sin), (lambda y, x: cos(x),), derivative_text=("cos(#0)",), complex_rule=cmath.sin,
           primitive=True, c="sin", doc="The sine, of radians.")
cos: Function = _row("cos", _ieee(math.cos), (lambda y, x: -sin(x),), derivative_text=("−sin(#0)",),
                     complex_rule=cmath.cos, primitive=True, c="cos", doc="The cosine, of radians.")
tan = _row("tan", _ieee(math.tan), (_tan_slope,), derivative_text=("1 ÷ cos²(#0)",), complex_rule=cmath.tan,
           primitive=True, c="tan", doc="The tangent, of radians.")
asin = _row("asin", _ieee(math.asin), (lambda y, x: _arc_slope(x),), derivative_text=("1 ÷ √(1 − #0²)",),
            domain=((-1.0, 1.0),), complex_rule=cmath.asin, primitive=True, c="asin", numpy=("arcsin",),
            doc="The inverse sine, in radians.")
acos = _row("acos", _ieee(math.acos), (lambda y, x: -_arc_slope(x),), derivative_text=("−1 ÷ √(1 − #0²)",),
            domain=((-1.0, 1.0),), complex_rule=cmath.acos, never_minus_zero=True, primitive=True, c="acos",
            numpy=("arccos",), doc="The inverse cosine, in radians.")
atan = _row("atan", _ieee(math.atan), (_atan_slope,), derivative_text=("1 ÷ (1 + #0²)",), complex_rule=cmath.atan,
            primitive=True, c="atan", numpy=("arctan",), doc="The inverse tangent, in radians.")
atan2 = _row("atan2", math.atan2, (lambda z, y, x: _atan2_by(x, y, x), lambda z, y, x: -_atan2_by(y, y, x)),
             derivative_text=("#1 ÷ (#0² + #1²)", "−#0 ÷ (#0² + #1²)"), operands=("y", "x"),
             kinks=lambda y, x: math.hypot(y, x), complex_rule=_complex_atan2, primitive=True, c="atan2",
             numpy=("arctan2",),
             doc="The angle of the point (x, y), given as atan2(y, x), in radians from −π to π; at the origin both "
             "derivatives are 0.")
sinh = _row("sinh", _sinh, (lambda y, x: cosh(x),), derivative_text=("cosh(#0)",), complex_rule=cmath.sinh,
            primitive=True, c="sinh", doc="The hyperbolic sine.")
cosh: Function = _row("cosh", _ieee(math.cosh), (lambda y, x: sinh(x),), derivative_text=("sinh(#0)",),
                      complex_rule=cmath.cosh, never_minus_zero=True, primitive=True, c="cosh",
                      doc="The hyperbolic cosine.")
tanh = _row("tanh", math.tanh, (lambda y, x: _sech_squared(x),), derivative_text=("1 − #y²",), complex_rule=cmath.tanh,
            saturation=0.01, primitive=True, c="tanh", torch=("Tanh", {}), doc="The hyperbolic tangent.")
asinh = _row("asinh", math.asinh, (_asinh_slope,), derivative_text=("1 ÷ √(1 + #0²)",), complex_rule=cmath.asinh,
             primitive=True, c="asinh", numpy=("arcsinh",), doc="The inverse hyperbolic sine.")
acosh = _row("acosh", _ieee(math.acosh), (_acosh_slope,), derivative_text=("1 ÷ √(#0² − 1)",), domain=((1.0, INF),),
             complex_rule=cmath.acosh, never_minus_zero=True, primitive=True, c="acosh", numpy=("arccosh",),
             doc="The inverse hyperbolic cosine.")
atanh = _row("atanh", _ieee(math.atanh, one=INF, minus_one=-INF), (lambda y, x: divide(1.0, (1.0 - x) * (1.0 + x)),),
             derivative_text=("1 ÷ (1 − #0²)",), domain=((-1.0, 1.0),), complex_rule=cmath.atanh, primitive=True,
             c="atanh", numpy=("arctanh",), doc="The inverse hyperbolic tangent.")
hypot = _row("hypot", _hypot, (lambda r, x, y: _over_radius(x, r), lambda r, x, y: _over_radius(y, r)),
             text="√(#0² + #1²)", derivative_text=("#0 ÷ #y", "#1 ÷ #y"), kinks=lambda x, y: math.hypot(x, y),
             complex_rule=lambda a, b: cmath.sqrt(a * a + b * b), commutative=True, never_minus_zero=True,
             primitive=True, c="hypot", doc="√(x² + y²) without overflow; at the origin both derivatives are 0.")


# ------------------------------------------------------ neural activations


def _sigmoid(x: Any) -> Any:
    z = exp(_minus_size(x))
    return divide(where(x >= 0.0, 1.0, z), 1.0 + z)


def _sigmoid_slope(y: Any, x: Any) -> Any:
    """y(1 − y) = z / (1 + z)² with z = exp(−|x|), which does not cancel where y is near 1."""
    z = exp(_minus_size(x))
    return divide(z, 1.0 + z * (2.0 + z))


def _within(x: Any, bound: float) -> Any:
    return where(x > bound, bound, where(x < -bound, -bound, x))


def _bell(x: Any, c: float) -> Any:
    """exp(c·x²), c = −1 or −½; split as in fdlibm's erfc: rounding x² would cost x² units in the last place."""
    x = _within(x, 60.0)  # zero beyond
    near = trunc(x * 16.0) * 0.0625
    return exp(c * near * near) * exp(c * (x - near) * (x + near))


def _ndtr(x: Any) -> Any:
    """Return erfc(−x/√2) / 2, with the rounding error of x/√2 (by Dekker's product) put back."""
    x = _within(x, 60.0)
    t = x * -_SQRT_HALF
    high = x * 134217729.0
    high = high - (high - x)
    low = x - high
    error = ((-high * _SQRT_HALF_HIGH - t) - high * _SQRT_HALF_LOW - low * _SQRT_HALF_HIGH) - low * _SQRT_HALF_LOW
    error = error - x * _SQRT_HALF_ERROR
    return 0.5 * (erfc(t) - error * _TWO_OVER_SQRT_PI * _bell(x, -0.5))


def _mish_parts(x: Any) -> tuple[Any, Any]:
    """Return t = tanh(softplus(x)) and 1 − t², each from z = exp(−|x|), so that neither overflows nor cancels."""
    z = exp(_minus_size(x))
    up = where(x >= 0.0, 1.0 + 2.0 * z, z * z + 2.0 * z)
    rest = where(x >= 0.0, 2.0 * z * z, 2.0)
    return divide(up, up + rest), divide(rest, up + rest) * (1.0 + divide(up, up + rest))


def _mish_slope(y: Any, x: Any) -> Any:
    x = _within(x, 1e3)  # so that an infinity does not meet a zero
    t, rest = _mish_parts(x)
    return t + x * rest * _sigmoid(x)


def _silu_slope(y: Any, x: Any) -> Any:
    s = _sigmoid(x)
    return s * (1.0 + _within(x, 1e3) * _sigmoid(-x))


def _clip(x: Any, low: Any, high: Any) -> Any:
    return _minimum(_maximum(x, low), high)


def _clip_slope(y: Any, x: Any, low: Any, high: Any) -> Any:
    return where(x < low, 0.0, where(x > high, 0.0, 1.0))


_SQRT_HALF_HIGH = 0.7071067690849304  # the first 26 bits of √½, the next 27, and what the double still lacks
_SQRT_HALF_LOW = _SQRT_HALF - _SQRT_HALF_HIGH
_SQRT_HALF_ERROR = -4.8336466567264567e-17
_TWO_OVER_SQRT_PI = 2.0 / math.sqrt(math.pi)
_INV_SQRT_2PI = 1.0 / math.sqrt(2.0 * math.pi)
_SELU_SCALE, _SELU_BELOW = 1.0507009873554805, 1.7580993408473769  # λ and λα
sigmoid = _row("sigmoid", _sigmoid, (_sigmoid_slope,), text="σ(#0)", derivative_text=("#y × (1 − #y)",),
               saturation=0.0025, torch=("Sigmoid", {}), doc="The logistic function 1 / (1 + e^−x).")
logsigmoid = _row("logsigmoid", lambda x: where(x < 0.0, x, 0.0) - log1p(exp(-abs(x))), (lambda y, x: _sigmoid(-x),),
                  text="ln σ(#0)", derivative_text=("σ(−#0)",), torch=("LogSigmoid", {}), doc="ln(1 / (1 + e^−x)).")
softplus = _row("softplus", lambda x: where(x > 0.0, x, 0.0) + log1p(exp(-abs(x))), (lambda y, x: _sigmoid(x),),
                derivative_text=("σ(#0)",), torch=("Softplus", {"threshold": 1e9}), doc="ln(1 + e^x).")
relu = _row("relu", lambda x: where(x <= 0.0, 0.0, x), (lambda y, x: where(x <= 0.0, 0.0, 1.0),),
            derivative_text=("1 if #0 > 0 else 0",), kinks=lambda x: x, dead_below=0.0, torch=("ReLU", {}),
            doc="max(x, 0); its derivative at 0 is 0.")
leaky_relu = _row("leaky_relu", lambda x, slope: where(x > 0.0, x, slope * x),
                  (lambda y, x, slope: where(x > 0.0, 1.0, slope), lambda y, x, slope: where(x > 0.0, 0.0, x)),
                  derivative_text=("1 if #0 > 0 else #1", "0 if #0 > 0 else #0"), operands=("x", "slope"),
                  defaults=(0.01,), kinks=lambda x, slope: x, activation=True,
                  torch=("LeakyReLU", {"negative_slope": 0.01}), doc="x where it is positive, else slope·x.")
elu = _row("elu", lambda x, alpha: where(x > 0.0, x, alpha * expm1(x)),
           (lambda y, x, alpha: where(x > 0.0, 1.0, alpha * exp(x)),
            lambda y, x, alpha: where(x > 0.0, 0.0, expm1(x))),
           derivative_text=("1 if #0 > 0 else #1 × exp(#0)", "0 if #0 > 0 else exp(#0) − 1"), operands=("x", "alpha"),
           defaults=(1.0,), kinks=lambda x, alpha: x, activation=True, torch=("ELU", {"alpha": 1.0}),
           doc="x where it is positive, else alpha·(e^x − 1).")
selu = _row("selu", lambda x: where(x > 0.0, _SELU_SCALE * x, _SELU_BELOW * expm1(x)),
            (lambda y, x: where(x > 0.0, _SELU_SCALE, _SELU_BELOW * exp(x)),),
            derivative_text=("λ if #0 > 0 else λ × α × exp(#0)",), kinks=lambda x: x, torch=("SELU", {}),
            doc="λ·elu(x, α), with λ and α of Klambauer et al., *Self-Normalizing Neural Networks*, 2017.")
ndtr = _row("ndtr", _ndtr, (lambda y, x: _INV_SQRT_2PI * _bell(x, -0.5),), text="Φ(#0)", derivative_text=("φ(#0)",),
            doc="The standard normal distribution function Φ.")
gelu = _row("gelu", lambda x: where(x < -60.0, -60.0, x) * _ndtr(x),
            (lambda y, x: ndtr(x) + _within(x, 60.0) * (_INV_SQRT_2PI * _bell(x, -0.5)),),
            derivative_text=("Φ(#0) + #0 × φ(#0)",), torch=("GELU", {"approximate": "none"}),
            doc="x·Φ(x), exact (Hendrycks and Gimpel, *Gaussian Error Linear Units*, 2016).")
silu = _row("silu", lambda x: where(x < -1e3, -1e3, x) * _sigmoid(x), (_silu_slope,),
            derivative_text=("σ(#0) × (1 + #0 × σ(−#0))",), torch=("SiLU", {}), doc="x·σ(x), also called swish.")
mish = _row("mish", lambda x: where(x < -1e3, -1e3, x) * _mish_parts(x)[0], (_mish_slope,),
            derivative_text=("t + #0 × (1 − t²) × σ(#0), t = tanh(softplus(#0))",), torch=("Mish", {}),
            doc="x·tanh(softplus(x)) (Misra, *Mish*, 2019).")
softsign = _row("softsign", lambda x: divide(_within(x, 1e308), 1.0 + abs(_within(x, 1e308))),
                (lambda y, x: divide(divide(1.0, 1.0 + abs(x)), 1.0 + abs(x)),), derivative_text=("1 ÷ (1 + |#0|)²",),
                saturation=0.01, torch=("Softsign", {}), doc="x / (1 + |x|).")
hardtanh = _row("hardtanh", lambda x: _within(x, 1.0), (lambda y, x: where(x <= -1.0, 0.0, where(x >= 1.0, 0.0, 1.0)),),
                derivative_text=("1 if −1 < #0 < 1 else 0",), kinks=lambda x: math.fabs(x) - 1.0, saturation=0.0,
                torch=("Hardtanh", {}), doc="x held to [−1, 1]; the derivative at the bounds is 0.")


# ------------------------------------------------ error and gamma functions

erf = _row("erf", math.erf, (lambda y, x: _TWO_OVER_SQRT_PI * _bell(x, -1.0),),
           derivative_text=("2 ÷ √π × exp(−#0²)",),
           javascript="erf", primitive=True, c="erf", doc="The error function.")
erfc = _row("erfc", math.erfc, (lambda y, x: -_TWO_OVER_SQRT_PI * _bell(x, -1.0),),
            derivative_text=("−2 ÷ √π × exp(−#0²)",), never_minus_zero=True,
            javascript="erfc", primitive=True, c="erfc",
            doc="1 − erf(x), accurate for large x.")
polygamma: Function = _row("polygamma", gamma.polygamma, (lambda y, n, x: 0.0, lambda y, n, x: polygamma(n + 1.0, x)),
                           text="ψ(#0, #1)", latex=r"\psi^{(#0)}(#1)", derivative_text=("0", "ψ(#0 + 1, #1)"),
                           derivative_latex=("0", r"\psi^{(#0 + 1)}(#1)"), operands=("n", "x"),
                           domain=((0.0, 0.0), (0.0, INF)), primitive=True, method=False,
                           doc="The derivative of order n + 1 of ln Γ(x), n = 0 … 100; inf or nan at the poles.")
lgamma = _row("lgamma", _ieee(gamma.lgamma), (lambda y, x: polygamma(0.0, x),), text="ln Γ(#0)",
              derivative_text=("ψ(#0)",), domain=_not_negative, primitive=True, example_at=(10.0,),
              doc="The logarithm of the absolute value of the gamma function.")


# -------------------------------------------------------- the larger of two


def _maximum(a: Any, b: Any) -> Any:
    return where(a > b, a, where(a == a, b, a))  # a nan on either side comes through


def _minimum(a: Any, b: Any) -> Any:
    return where(a < b, a, where(a == a, b, a))


def _share(a: Any, b: Any) -> Any:
    """1 where a wins over b (a > b), ½ in a tie."""
    return where(a > b, 1.0, where(a == b, 0.5, 0.0))


maximum = _row("maximum", _maximum, (lambda y, a, b: _share(a, b), lambda y, a, b: _share(b, a)), text="max(#0, #1)",
               derivative_text=("1 if #0 > #1 else 0", "1 if #1 > #0 else 0"), kinks=lambda a, b: a - b,
               doc="The larger; a tie shares the gradient half and half, a nan comes through.")
minimum = _row("minimum", _minimum, (lambda y, a, b: _share(b, a), lambda y, a, b: _share(a, b)), text="min(#0, #1)",
               derivative_text=("1 if #0 < #1 else 0", "1 if #1 < #0 else 0"), kinks=lambda a, b: a - b,
               doc="The smaller; a tie shares the gradient half and half, a nan comes through.")
clip = _row("clip", _clip,
            (_clip_slope, lambda y, x, low, high: where(x < low, where(low > high, 0.0, 1.0), 0.0),
             lambda y, x, low, high: where(where(x < low, low, x) > high, 1.0, 0.0)),
            derivative_text=("1 if #1 ≤ #0 ≤ #2 else 0", "1 if #0 < #1 else 0", "1 if #0 > #2 else 0"),
            operands=("x", "low", "high"), defaults=(-INF, INF), kinks=lambda x, low, high: (x - low) * (x - high),
            doc="x held to [low, high] (to high where they cross); the gradient passes at the bounds.")


# ------------------------------------------------- of many operands at once


def _total(xs: Sequence[Any]) -> Any:
    """Add from left to right, one rounding at a time (the built-in sum compensates from Python 3.12 on)."""
    return functools.reduce(operator.add, xs)


def _prod_partials(y: Any, *xs: Any) -> list[Any]:
    """Return for each factor the product of the others, without a division, so that a zero is no special case."""
    before = [1.0, *itertools.accumulate(xs[:-1], operator.mul)]
    after = [1.0, *itertools.accumulate(xs[:0:-1], operator.mul)]
    return [a * b for a, b in zip(before, reversed(after), strict=True)]


def _dot(*operands: Any) -> Any:  # w₁ … wₙ, x₁ … xₙ, and the bias where the count is odd
    n = len(operands) // 2
    products = map(operator.mul, operands[:n], operands[n : 2 * n])
    return functools.reduce(operator.add, products, *operands[2 * n :])


def _dot_partials(y: Any, *operands: Any) -> tuple[Any, ...]:
    n = len(operands) // 2
    return (*operands[n : 2 * n], *operands[:n], 1.0) if len(operands) % 2 else (*operands[n:], *operands[:n])


def _dot_text(n: int) -> str:
    half = n // 2
    terms = [f"#{i}×#{half + i}" for i in range(half)]
    return " + ".join([*terms, f"#{n - 1}"] if n % 2 else terms)


def _dot_derivative_text(i: int, n: int) -> str:
    half = n // 2
    return "1" if i == 2 * half else f"#{i + half if i < half else i - half}"


def _norm(*xs: Any) -> Any:
    largest = functools.reduce(_maximum, [abs(x) for x in xs])
    scale = where(largest > 0.0, where(largest < INF, largest, 1.0), 1.0)
    return scale * sqrt(_total([square(divide(x, scale)) for x in xs]))


def _exponentials(xs: Sequence[Any]) -> tuple[list[Any], Any]:
    """Return exp(x − m) for each x, and m: the largest, held to the floats, so that no finite one overflows."""
    shift = _within(functools.reduce(_maximum, xs), sys.float_info.max)
    return [exp(x - shift) for x in xs], shift


def _logsumexp(*xs: Any) -> Any:
    terms, shift = _exponentials(xs)
    return shift + log(_total(terms))


def _logsumexp_partials(y: Any, *xs: Any) -> list[Any]:
    terms, _ = _exponentials(xs)
    total = _total(terms)
    return [divide(term, total) for term in terms]


def _softmax(*xs: Any) -> Any:
    terms, _ = _exponentials(xs)
    return divide(terms[0], _total(terms))


def _softmax_partials(y: Any, *xs: Any) -> list[Any]:
    """y(1 − y) for the first operand, with 1 − y as the share of the others, and −y·yᵢ for each other."""
    terms, _ = _exponentials(xs)
    total = _total(terms)
    share = divide(terms[0], total)
    rest = [divide(term, total) for term in terms[1:]]
    return [share * _total(rest) if rest else 0.0, *[-share * other for other in rest]]


def _max(*xs: Any) -> Any:
    return functools.reduce(_maximum, xs)


def _min(*xs: Any) -> Any:
    return functools.reduce(_minimum, xs)


def _extreme_partials(y: Any, *xs: Any) -> list[Any]:
    wins = [where(x == y, 1.0, 0.0) for x in xs]
    count = _total(wins)
    return [divide(win, where(count > 0.0, count, 1.0)) for win in wins]


def _gap(*xs: float) -> float:
    """Distance between the two largest, or 0 when two operands agree: zero at the kinks of max and min."""
    ranked = sorted(xs)
    return builtins.min((b - a for a, b in itertools.pairwise(ranked)), default=1.0)


def _ones(i: int, n: int) -> str:
    return "1"


_sum = _row("sum", lambda *xs: _total(xs), lambda y, *xs: (1.0,) * len(xs), text=_listed("", " + ", ""),
            derivative_text=_ones, affine=True, method=False)
_prod = _row("prod", lambda *xs: functools.reduce(operator.mul, xs), _prod_partials, text=_listed("", " × ", ""),
             derivative_text=lambda i, n: " × ".join(f"#{j}" for j in range(n) if j != i) or "1", method=False)
_mean = _row("mean", lambda *xs: divide(_total(xs), float(len(xs))), lambda y, *xs: (1.0 / len(xs),) * len(xs),
             text=_listed("mean("), derivative_text=lambda i, n: f"1 ÷ {n}", affine=True, method=False)
_dot_row = _row("dot", _dot, _dot_partials, text=_dot_text, derivative_text=_dot_derivative_text, lists=2, affine=True,
                method=False)
_norm_row = _row("norm", _norm, lambda y, *xs: [_over_radius(x, y) for x in xs],
                 text=lambda n: "√(" + " + ".join(f"#{i}²" for i in range(n)) + ")",
                 derivative_text=lambda i, n: f"#{i} ÷ #y", kinks=lambda *xs: math.hypot(*xs), method=False)
_logsumexp_row = _row("logsumexp", _logsumexp, _logsumexp_partials,
                      text=lambda n: "ln(" + " + ".join(f"exp(#{i})" for i in range(n)) + ")",
                      derivative_text=lambda i, n: f"exp(#{i} − #y)", method=False)
_softmax_row = _row("softmax", _softmax, _softmax_partials,
                    text=lambda n: "exp(#0) ÷ (" + " + ".join(f"exp(#{i})" for i in range(n)) + ")",
                    derivative_text=lambda i, n: "#y × (1 − #y)" if i == 0 else f"−#y × softmax(#{i})", method=False)
_max_row = _row("max", _max, _extreme_partials, text=_listed("max("),
                derivative_text=lambda i, n: f"1 if #{i} = #y else 0", kinks=_gap, method=False)
_min_row = _row("min", _min, _extreme_partials, text=_listed("min("),
                derivative_text=lambda i, n: f"1 if #{i} = #y else 0", kinks=_gap, method=False)


def _not_empty(name: str, xs: Iterable[Any]) -> tuple[Any, ...]:
    xs = tuple(xs)
    if not xs:
        raise ValueError(f"{name} needs at least one number, and the list is empty")
    return xs


def sum(xs: Iterable[Any]) -> Any:
    """Add numbers from left to right, as one node; the sum of none is 0.0.

    >>> sum([1.0, 2.0, 3.5])
    6.5
    """
    xs = tuple(xs)
    return _sum(*xs) if xs else 0.0


def prod(xs: Iterable[Any]) -> Any:
    """Multiply numbers from left to right, as one node; the product of none is 1.0.

    >>> prod([2.0, 3.0, 0.5])
    3.0
    """
    xs = tuple(xs)
    return _prod(*xs) if xs else 1.0


def mean(xs: Iterable[Any]) -> Any:
    """Return the arithmetic mean, as one node. Raises ValueError when there are no numbers.

    >>> mean([1.0, 2.0, 6.0])
    3.0
    """
    return _mean(*_not_empty("mean", xs))


def dot(ws: Iterable[Any], xs: Iterable[Any], bias: Any = None) -> Any:
    """Return bias + w₁x₁ + w₂x₂ + …, added from left to right, as one node: what a neuron computes.

    Raises ValueError when ``ws`` and ``xs`` differ in length.

    >>> dot([1.0, 2.0], [3.0, 4.0], 0.5)
    11.5
    """
    ws, xs = tuple(ws), tuple(xs)
    if len(ws) != len(xs):
        raise ValueError(f"dot needs two lists of one length, and these have {len(ws)} and {len(xs)}")
    if not ws:
        return 0.0 if bias is None else bias
    return _dot_row(*ws, *xs) if bias is None else _dot_row(*ws, *xs, bias)


def norm(xs: Iterable[Any]) -> Any:
    """Return the Euclidean norm √(x₁² + x₂² + …), as one node, without overflow; its gradient at the origin is 0.

    >>> norm([3.0, 4.0])
    5.0
    """
    xs = tuple(xs)
    return _norm_row(*xs) if xs else 0.0


def logsumexp(xs: Iterable[Any]) -> Any:
    """Return ln(exp x₁ + exp x₂ + …), as one node, without overflow; −inf for no numbers.

    >>> logsumexp([1000.0, 1000.0])
    1000.6931471805599
    """
    xs = tuple(xs)
    return _logsumexp_row(*xs) if xs else -INF


def softmax(xs: Iterable[Any]) -> list[Any]:
    """Return the list of exp xᵢ / (exp x₁ + exp x₂ + …), without overflow; up to 32 components are one node each.

    >>> softmax([1000.0, 1000.0])
    [0.5, 0.5]
    """
    xs = tuple(xs)
    if len(xs) <= 32:
        return [_softmax_row(x, *xs[:i], *xs[i + 1 :]) for i, x in enumerate(xs)]
    # n nodes of n operands would take n². With r = ln of the sum over the others, a component is σ(x − r).
    return [sigmoid(x - r) for x, r in zip(xs, _of_the_others(xs, ()))]


def _of_the_others(xs: tuple[Any, ...], outside: tuple[Any, ...]) -> list[Any]:
    """Return for each of ``xs`` the logsumexp of all the others, ``outside`` among them: n ln n operands in all."""
    if len(xs) == 1:
        return list(outside)
    left, right = xs[: len(xs) // 2], xs[len(xs) // 2 :]
    beside_left, beside_right = logsumexp((*outside, *right)), logsumexp((*outside, *left))
    return _of_the_others(left, (beside_left,)) + _of_the_others(right, (beside_right,))


def max(xs: Iterable[Any]) -> Any:
    """Return the largest number, as one node; ties share the gradient equally, a nan comes through.

    Raises ValueError when there are no numbers.

    >>> max([1.0, 3.0, 2.0])
    3.0
    """
    return _max_row(*_not_empty("max", xs))


def min(xs: Iterable[Any]) -> Any:
    """Return the smallest number, as one node; ties share the gradient equally, a nan comes through.

    Raises ValueError when there are no numbers.

    >>> min([1.0, 3.0, 2.0])
    1.0
    """
    return _min_row(*_not_empty("min", xs))


for _op in OPERATIONS.values():  # at the end, because a rule may use a row that stands further down
    if _op.operands and _op.method:
        _op.evaluate.__doc__ = f"{_op.evaluate.__doc__}{_op.example()}"
