"""What every operation of the table should give, written down a second time and independently, at 50 digits.

``ORACLES[name]`` holds the value and the partial derivatives as mpmath formulas, in the notation of a textbook. A row
of ``autograd.OPERATIONS`` without an oracle fails the tests, and so does an oracle without a row.
"""

import math
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from mpmath import MPContext

M = MPContext()
M.dps = 50
INF, NAN = math.inf, math.nan
LARGEST, TINY, SUBNORMAL = sys.float_info.max, sys.float_info.min, 5e-324
HUGE = M.ldexp(1, 1024)  # what an infinity stands for when errors are counted


def mpf(x):
    return M.mpf(x)


# ---------------------------------------------------------------- the formulas


def _pow(x, n):
    """x**n for a real x, where a negative x needs a whole n."""
    if x == 0:
        return mpf(0) if n > 0 else mpf(1) if n == 0 else HUGE
    if x < 0 and n != M.floor(n):
        return M.nan
    size = n * M.log(abs(x))
    size = size if abs(size) < 5000 else mpf(5000) * M.sign(size)  # far over the range of a double either way
    return M.exp(size) * (-1 if x < 0 and int(n) % 2 else 1)


def _pow_by_base(x, n):
    return mpf(0) if n == 0 else n * _pow(x, n - 1)


def _pow_by_exponent(x, n):
    if x == 0:
        return mpf(0) if n >= 0 else -HUGE
    return _pow(x, n) * M.log(x) if x > 0 else M.nan


def _exact(x):
    return Fraction(*float(x).as_integer_ratio())


def _floordiv(a, b):
    return mpf(math.floor(_exact(a) / _exact(b)))


def _mod(a, b):
    a, b = _exact(a), _exact(b)
    rest = a - b * math.floor(a / b)
    return mpf(rest.numerator) / rest.denominator


def _half_even(x):
    return mpf(round(_exact(x)))


def _sigmoid(x):
    return 1 / (1 + M.exp(-x))


def _sigmoid_slope(x):
    z = M.exp(-abs(x))
    return z / (1 + z) ** 2


def _softplus(x):
    return x + M.log1p(M.exp(-x)) if x > 0 else M.log1p(M.exp(x))


def _erfc(x):
    return mpf(2) if x < -40 else M.erfc(min(x, mpf(1000)))


def _cdf(x):
    return _erfc(-x / M.sqrt(2)) / 2


def _pdf(x):
    return M.exp(-x * x / 2) / M.sqrt(2 * M.pi)


def _mish_slope(x):
    t = M.tanh(_softplus(x))
    return t + x * M.sech(_softplus(x)) ** 2 * _sigmoid(x)


def _lgamma(x):
    return M.log(abs(M.gamma(x))) if x < 170 else M.loggamma(x)


SELU_SCALE, SELU_ALPHA = mpf("1.0507009873554804934193349852946"), mpf("1.6732632423543772848170429916717")


def _split(xs):
    n = len(xs) // 2
    return xs[:n], xs[n : 2 * n], xs[2 * n :]


def _dot(*xs):
    ws, ys, bias = _split(xs)
    return sum((w * y for w, y in zip(ws, ys, strict=True)), *(bias or (mpf(0),)))


def _dot_partials(*xs):
    ws, ys, bias = _split(xs)
    return [*ys, *ws, *(mpf(1) for _ in bias)]


def _shares(*xs):
    top = max(xs)
    weights = [M.exp(x - top) for x in xs]
    return [w / sum(weights) for w in weights]


def _softmax_partials(*xs):
    first, *others = _shares(*xs)
    return [first * sum(others), *[-first * other for other in others]]


def _norm(*xs):
    return M.sqrt(sum(x * x for x in xs))


def _others(xs, i):
    result = mpf(1)
    for j, x in enumerate(xs):
        result *= 1 if i == j else x
    return result


def _winners(best):
    def partials(*xs):
        won = [x == best(xs) for x in xs]
        return [mpf(w) / sum(won) for w in won]

    return partials


# ------------------------------------------------------------- where to look


def any_size(rng):
    """A double of any exponent, as likely huge as tiny."""
    return math.ldexp(rng.uniform(0.5, 1.0), rng.randint(-1073, 1024)) * rng.choice((-1, 1))


def ordinary(rng):
    return rng.choice((rng.uniform(-1, 1), rng.uniform(-10, 10), rng.gauss(0, 1), rng.uniform(-800, 800)))


def anywhere(rng):
    return rng.choice((any_size, ordinary, ordinary))(rng)


def middling(rng):
    """Of a size whose products stay in range."""
    return rng.choice((-1, 1)) * math.ldexp(rng.uniform(0.5, 1.0), rng.randint(-40, 40))


def positive(rng):
    return abs(anywhere(rng))


def unit(rng):
    """In (−1, 1), often close to its ends or to 0."""
    gap = math.ldexp(rng.uniform(0.5, 1.0), rng.randint(-52, 0))
    return rng.choice((-1, 1)) * rng.choice((gap, 1.0 - gap, rng.random()))


def above_one(rng):
    return 1.0 + rng.choice((math.ldexp(rng.uniform(0.5, 1.0), rng.randint(-52, 10)), positive(rng)))


def above_minus_one(rng):
    return rng.choice((-1.0 + math.ldexp(rng.uniform(0.5, 1.0), rng.randint(-52, 3)), positive(rng), unit(rng)))


def by_domain(*samplers):
    return lambda rng: [draw(rng) for draw in samplers]


def several(draw, fewest=1, most=6):
    return lambda rng: [draw(rng) for _ in range(rng.randint(fewest, most))]


def pow_operands(rng):
    x = rng.choice((positive, ordinary, above_one))(rng)
    n = rng.choice((ordinary(rng), float(rng.randint(-20, 20)), rng.randint(-9, 9) / 2, any_size(rng)))
    return [x if n == math.floor(n) else abs(x), n]


def dot_operands(rng):
    n = rng.randint(1, 5)
    return [middling(rng) for _ in range(2 * n + rng.randint(0, 1))]


def close_pair(rng):
    """Two numbers, at times equal or of the same exponent, so that both sides of a comparison are met."""
    a = anywhere(rng)
    return [a, rng.choice((a, a * rng.uniform(0.5, 2.0), anywhere(rng)))]


# ------------------------------------------------------------------ exceptions


@dataclass(frozen=True)
class Bound:
    """The error allowed, in units in the last place of the result or of ``scale(result, *operands)``, the larger one.

    ``why`` tells what keeps a row from the common bound. A scale of infinity takes the point out.
    """

    ulps: float = 2.0
    why: str = ""
    scale: Callable[..., object] = lambda want, *xs: mpf(0)

    def unit(self, want, xs):
        size = max(abs(want), self.scale(want, *xs))
        return ulp(size) if M.isfinite(size) else M.inf


def ulp(x):
    """The distance of neighbouring doubles at ``x``, as an exact number."""
    _, exponent = M.frexp(abs(x))
    return M.ldexp(1, max(exponent, -1021) - 53) if x < HUGE else M.ldexp(1, 971)


COMMON = Bound()


@dataclass(frozen=True)
class Oracle:
    """Value and partials of one operation; ``draw`` makes operands inside its domain.

    A value or slope that is nan is one the operation has to give as nan.
    """

    value: Callable[..., object]
    partials: Sequence[Callable[..., object]] | Callable[..., Sequence[object]]
    draw: Callable[[random.Random], list[float]]

    def slopes(self, *xs):
        rules = self.partials
        return [rule(*xs) for rule in rules] if isinstance(rules, (tuple, list)) else list(rules(*xs))


ZERO, ONE = (lambda *xs: mpf(0)), (lambda *xs: mpf(1))


def _unary(value, slope, draw=anywhere):
    return Oracle(value, (slope,), by_domain(draw))


_TWO = by_domain(anywhere, anywhere)


def _binary(value, slopes, draw=_TWO):
    return Oracle(value, slopes, draw)


LN2 = M.ln2
SQRT_PI = M.sqrt(M.pi)

ORACLES = {
    "add": _binary(lambda a, b: a + b, (ONE, ONE)),
    "sub": _binary(lambda a, b: a - b, (ONE, lambda a, b: mpf(-1))),
    "mul": _binary(lambda a, b: a * b, (lambda a, b: b, lambda a, b: a)),
    "div": _binary(lambda a, b: a / b, (lambda a, b: 1 / b, lambda a, b: -a / b**2)),
    "pow": _binary(_pow, (_pow_by_base, _pow_by_exponent), pow_operands),
    "floordiv": _binary(_floordiv, (ZERO, ZERO)),
    "mod": _binary(_mod, (ONE, lambda a, b: -_floordiv(a, b))),
    "neg": _unary(lambda x: -x, lambda x: mpf(-1)),
    "identity": _unary(lambda x: x, ONE),
    "abs": _unary(abs, M.sign),
    "where": Oracle(
        lambda c, a, b: a if c else b,
        (ZERO, lambda c, a, b: mpf(c != 0), lambda c, a, b: mpf(c == 0)),
        lambda rng: [rng.choice((0.0, 1.0, -2.5)), anywhere(rng), anywhere(rng)],
    ),
    "floor": _unary(lambda x: mpf(math.floor(_exact(x))), ZERO),
    "ceil": _unary(lambda x: mpf(math.ceil(_exact(x))), ZERO),
    "round": _unary(_half_even, ZERO),
    "trunc": _unary(lambda x: mpf(math.trunc(_exact(x))), ZERO),
    "sign": _unary(M.sign, ZERO),
    "exp": _unary(M.exp, M.exp),
    "exp2": _unary(lambda x: mpf(2) ** x, lambda x: mpf(2) ** x * LN2),
    "expm1": _unary(M.expm1, M.exp),
    "log": _unary(M.log, lambda x: 1 / x, positive),
    "log2": _unary(lambda x: M.log(x) / LN2, lambda x: 1 / (x * LN2), positive),
    "log10": _unary(lambda x: M.log(x) / M.ln10, lambda x: 1 / (x * M.ln10), positive),
    "log1p": _unary(M.log1p, lambda x: 1 / (1 + x), above_minus_one),
    "sqrt": _unary(M.sqrt, lambda x: 1 / (2 * M.sqrt(x)), positive),
    "cbrt": _unary(lambda x: M.sign(x) * M.cbrt(abs(x)), lambda x: 1 / (3 * M.cbrt(abs(x)) ** 2)),
    "square": _unary(lambda x: x * x, lambda x: 2 * x),
    "sin": _unary(M.sin, M.cos),
    "cos": _unary(M.cos, lambda x: -M.sin(x)),
    "tan": _unary(M.tan, lambda x: 1 / M.cos(x) ** 2),
    "asin": _unary(M.asin, lambda x: 1 / M.sqrt((1 - x) * (1 + x)), unit),
    "acos": _unary(M.acos, lambda x: -1 / M.sqrt((1 - x) * (1 + x)), unit),
    "atan": _unary(M.atan, lambda x: 1 / (1 + x * x)),
    "atan2": _binary(M.atan2, (lambda y, x: x / (x * x + y * y), lambda y, x: -y / (x * x + y * y))),
    "sinh": _unary(M.sinh, M.cosh),
    "cosh": _unary(M.cosh, M.sinh),
    "tanh": _unary(M.tanh, lambda x: 1 / M.cosh(x) ** 2),
    "asinh": _unary(lambda x: M.sign(x) * M.asinh(abs(x)), lambda x: 1 / M.sqrt(1 + x * x)),
    "acosh": _unary(M.acosh, lambda x: 1 / M.sqrt((x - 1) * (x + 1)), above_one),
    "atanh": _unary(M.atanh, lambda x: 1 / ((1 - x) * (1 + x)), unit),
    "hypot": _binary(
        lambda x, y: M.sqrt(x * x + y * y),
        (lambda x, y: x / M.sqrt(x * x + y * y), lambda x, y: y / M.sqrt(x * x + y * y)),
    ),
    "sigmoid": _unary(_sigmoid, _sigmoid_slope),
    "logsigmoid": _unary(lambda x: -_softplus(-x), lambda x: _sigmoid(-x)),
    "softplus": _unary(_softplus, _sigmoid),
    "relu": _unary(lambda x: max(x, mpf(0)), lambda x: mpf(x > 0)),
    "leaky_relu": _binary(
        lambda x, s: x if x > 0 else s * x, (lambda x, s: mpf(1) if x > 0 else s, lambda x, s: mpf(0) if x > 0 else x)
    ),
    "elu": _binary(
        lambda x, a: x if x > 0 else a * M.expm1(x),
        (lambda x, a: mpf(1) if x > 0 else a * M.exp(x), lambda x, a: mpf(0) if x > 0 else M.expm1(x)),
    ),
    "selu": _unary(
        lambda x: SELU_SCALE * (x if x > 0 else SELU_ALPHA * M.expm1(x)),
        lambda x: SELU_SCALE * (1 if x > 0 else SELU_ALPHA * M.exp(x)),
    ),
    "ndtr": _unary(_cdf, _pdf),
    "gelu": _unary(lambda x: x * _cdf(x), lambda x: _cdf(x) + x * _pdf(x)),
    "silu": _unary(lambda x: x * _sigmoid(x), lambda x: _sigmoid(x) + x * _sigmoid_slope(x)),
    "mish": _unary(lambda x: x * M.tanh(_softplus(x)), _mish_slope),
    "softsign": _unary(lambda x: x / (1 + abs(x)), lambda x: 1 / (1 + abs(x)) ** 2),
    "hardtanh": _unary(lambda x: min(max(x, mpf(-1)), mpf(1)), lambda x: mpf(abs(x) < 1)),
    "erf": _unary(lambda x: 1 - _erfc(x) if abs(x) > 1 else M.erf(x), lambda x: 2 / SQRT_PI * M.exp(-x * x)),
    "erfc": _unary(_erfc, lambda x: -2 / SQRT_PI * M.exp(-x * x)),
    "polygamma": Oracle(
        lambda n, x: M.psi(int(n), x),
        (ZERO, lambda n, x: M.psi(int(n) + 1, x)),
        lambda rng: [
            float(rng.randint(0, 6)),
            rng.choice((rng.uniform(0.01, 30.0), rng.uniform(-9.0, 9.0), rng.uniform(1e-6, 0.1))),
        ],
    ),
    "lgamma": _unary(
        _lgamma, lambda x: M.psi(0, x), lambda rng: rng.choice((rng.uniform(0, 5), rng.uniform(0, 200), positive(rng)))
    ),
    "maximum": _binary(
        max, (lambda a, b: mpf(a > b) + mpf(a == b) / 2, lambda a, b: mpf(b > a) + mpf(a == b) / 2), close_pair
    ),
    "minimum": _binary(
        min, (lambda a, b: mpf(a < b) + mpf(a == b) / 2, lambda a, b: mpf(b < a) + mpf(a == b) / 2), close_pair
    ),
    "clip": Oracle(
        lambda x, low, high: min(max(x, low), high),
        (
            lambda x, low, high: mpf(low <= x <= high),
            lambda x, low, high: mpf(x < low and low <= high),
            lambda x, low, high: mpf(max(x, low) > high),
        ),
        lambda rng: rng.choice(
            ([rng.choice((-1.0, 0.5, 2.0, ordinary(rng))), -1.0, 2.0], several(ordinary, 3, 3)(rng))
        ),
    ),
    "sum": Oracle(lambda *xs: sum(xs, mpf(0)), lambda *xs: [mpf(1)] * len(xs), several(ordinary)),
    "prod": Oracle(
        lambda *xs: _others(xs, None), lambda *xs: [_others(xs, i) for i in range(len(xs))], several(middling)
    ),
    "mean": Oracle(lambda *xs: sum(xs, mpf(0)) / len(xs), lambda *xs: [mpf(1) / len(xs)] * len(xs), several(ordinary)),
    "dot": Oracle(_dot, _dot_partials, dot_operands),
    "norm": Oracle(_norm, lambda *xs: [x / _norm(*xs) for x in xs], several(anywhere)),
    "logsumexp": Oracle(lambda *xs: max(xs) + M.log(sum(M.exp(x - max(xs)) for x in xs)), _shares, several(ordinary)),
    "softmax": Oracle(lambda *xs: _shares(*xs)[0], _softmax_partials, several(ordinary)),
    "max": Oracle(lambda *xs: max(xs), _winners(max), several(ordinary)),
    "min": Oracle(lambda *xs: min(xs), _winners(min), several(ordinary)),
}


# ------------------------------------------------------------------ exceptions
# Common to every row is 2 ulp. These are the rows that cannot meet it, and what they meet.


def _radius(xs):
    r = _norm(*xs)
    return M.inf if not TINY <= r < LARGEST else r


def _radius_in_range(want, *xs):
    return mpf(0) if _radius(xs) < M.inf else M.inf


def _reflection(want, n, x):
    if x > 0:
        return mpf(0)
    return abs(M.psi(int(n), 1 - x)) + M.factorial(n) * (M.pi * (1 + abs(M.cot(M.pi * x)))) ** (int(n) + 1)


def _of_shares(want, *xs):
    return abs(want) * (1 + max(xs) - min(xs))


def _of_sum(want, *xs):
    return sum(map(abs, xs))


def _of_products(want, *xs):
    return _dot(*map(abs, xs))


def _pow_scale(want, x, n):
    y, below = abs(_pow(x, n)), abs(_pow(x, n - 1))
    return M.inf if max(y, below) > LARGEST else TINY * max(abs(n), abs(M.log(abs(x))))


ROUNDINGS = Bound(3.0, "three or four roundings in a row")
UNDERFLOW = "an intermediate result is subnormal, and lost bits"
CANCEL = "the terms cancel at a zero of the derivative; subnormal factors"

BOUNDS = {  # values
    "floordiv": Bound(3.0, "a quotient over 2^52 is Python's own, rounded twice"),
    **dict.fromkeys(
        ["log10", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh"],
        Bound(3.0, "the C library's own (glibc states 2 and more; 1.95 was seen, for tanh)"),
    ),
    "erfc": Bound(4.0, "the C library's own (glibc states 5, 2.4 was seen)"),
    "ndtr": Bound(4.0, "the C library's erfc"),
    "gelu": Bound(4.0, "the C library's erfc; a subnormal factor", lambda want, x: TINY * abs(x)),
    "silu": Bound(3.0, UNDERFLOW, lambda want, x: TINY * abs(x)),
    "mish": Bound(3.0, UNDERFLOW, lambda want, x: TINY * abs(x)),
    "lgamma": ROUNDINGS,
    "polygamma": Bound(12.0, "a sum of terms; for negative x of terms that cancel", _reflection),
    "sum": Bound(3.0, "rounds once a term, at the size of the terms", _of_sum),
    "mean": Bound(3.0, "rounds once a term, at the size of the terms", lambda want, *xs: _of_sum(want, *xs) / len(xs)),
    "dot": Bound(5.0, "rounds once a term and once a product, at the size of the terms", _of_products),
    "prod": Bound(3.0, "rounds once a factor"),
    "norm": Bound(3.0, "rounds once a term"),
    "logsumexp": Bound(3.0, "cancels where the result is near 0", lambda want, *xs: max(abs(max(xs)), mpf(1))),
    "softmax": Bound(4.0, "exp of a rounded difference", _of_shares),
}
SLOPE_BOUNDS = {
    "mod": Bound(3.0, "a quotient over 2^52 is Python's own, rounded twice"),
    "div": Bound(2.0, UNDERFLOW, lambda want, a, b: TINY / abs(b)),
    "pow": Bound(3.0, UNDERFLOW + "; infinite where x^n or x^(n-1) is", _pow_scale),
    "elu": Bound(2.0, UNDERFLOW, lambda want, x, alpha: TINY * abs(alpha)),
    "hypot": Bound(2.0, "x/r where the radius r overflows is 0, and a subnormal r has lost bits", _radius_in_range),
    "norm": Bound(4.0, "rounds once a term; the radius as for hypot", _radius_in_range),
    "atan2": Bound(3.0, UNDERFLOW, lambda want, *xs: TINY / _radius(xs) if _radius(xs) < M.inf else M.inf),
    "gelu": Bound(6.0, CANCEL, lambda want, x: max(_cdf(x), TINY * abs(x))),
    "silu": Bound(6.0, CANCEL, lambda want, x: max(_sigmoid(x), TINY * abs(x))),
    "mish": Bound(6.0, CANCEL, lambda want, x: max(M.tanh(_softplus(x)), TINY * abs(x))),
    "sigmoid": ROUNDINGS,
    "tanh": ROUNDINGS,
    "tan": ROUNDINGS,
    "acosh": ROUNDINGS,
    "cbrt": ROUNDINGS,
    "softsign": ROUNDINGS,
    "erf": ROUNDINGS,
    "erfc": ROUNDINGS,
    "ndtr": ROUNDINGS,
    "lgamma": Bound(4.0, "a Taylor series, or a sum of a dozen terms"),
    "polygamma": Bound(
        12.0, "a sum of terms; for negative x of terms that cancel", lambda want, n, x: _reflection(want, n + 1, x)
    ),
    "prod": Bound(3.0, "rounds once a factor"),
    "logsumexp": Bound(4.0, "exp of a rounded difference", _of_shares),
    "softmax": Bound(6.0, "exp of a rounded difference", _of_shares),
}


def slopes(op, result, xs):
    """All partial derivatives that the row gives, with 0 for a branch that was not taken."""
    return [0.0 if p is None else p for p in op.partials(result, xs, [True] * len(xs))]


def error_in_ulps(got, want, bound, xs):
    """How far ``got`` is from ``want``, in the units of ``bound``; infinite where one of them alone is nan."""
    if got != got or want != want:
        return 0.0 if got != got and want != want else INF
    number = M.sign(got) * HUGE if math.isinf(got) else mpf(got)
    unit = bound.unit(want, xs)
    return float(abs(number - max(min(want, HUGE), -HUGE)) / unit)
