"""ln Γ and its derivatives, the polygamma functions, on plain floats.

Recurrence up to an argument where the asymptotic series has converged, and reflection for negative arguments
(Abramowitz and Stegun, *Handbook of Mathematical Functions*, 6.3 and 6.4).
"""

from __future__ import annotations

import functools
import math

# Bernoulli numbers B₂, B₄, …, B₃₀
_BERNOULLI = [
    1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330, 854513 / 138,
    -236364091 / 2730, 8553103 / 6, -23749461029 / 870, 8615841276005 / 14322,
]  # fmt: skip


def lgamma(x: float) -> float:
    """Return ln |Γ(x)|, for 0 < x < 8 by Taylor series that keep all digits near its zeros at 1 and 2.

    >>> lgamma(2.0)
    0.0
    """
    if not 0.0 < x < 8.0:  # the C library has all digits here but near the zeros at negative numbers; inf at the poles
        return math.inf if x == -math.inf or (x <= 0.0 and x == math.floor(x)) else math.lgamma(x)
    if x < 0.65:
        return lgamma(x + 1.0) - math.log(x)
    if x < 1.4:
        return 0.0 + _horner(_slopes(1.0), x - 1.0)  # ln Γ(1) is +0
    factor = 1.0
    while x >= 2.5:
        x -= 1.0
        factor *= x
    return _horner(_slopes(2.0), x - 2.0) + math.log(factor)


def _horner(coefficients: list[float], h: float) -> float:
    """Return c₁h + c₂h² + … to the last coefficient."""
    total = 0.0
    for c in reversed(coefficients):
        total = (total + c) * h
    return total


@functools.cache
def _slopes(x: float) -> list[float]:
    """Return the Taylor coefficients of ln Γ at x: ψ⁽ᵏ⁻¹⁾(x) / k! for k = 1 … 48."""
    return [polygamma(k - 1.0, x) / math.factorial(k) for k in range(1, 49)]


def polygamma(n: float, x: float) -> float:
    """Return ψ⁽ⁿ⁾(x), the derivative of order n + 1 of ln Γ(x), for a whole number 0 <= n <= 100.

    >>> round(polygamma(0.0, 1.0), 12)
    -0.577215664902
    """
    if not 0.0 <= n <= 100.0 or n != math.floor(n):
        raise ValueError(f"polygamma needs a whole order from 0 to 100, and {n:g} was given")
    order = int(n)
    if x != x or x == -math.inf:
        return math.nan
    if x == math.inf:
        return math.inf if order == 0 else 0.0
    if x <= 0.0:
        if x == math.floor(x):
            return math.copysign(math.inf, -x) if order == 0 and x == 0.0 else math.nan if order % 2 == 0 else math.inf
        return _reflected(order, x)
    return _digamma(x) if order == 0 else _series(order, x)


_ROOT, _ROOT_ERROR = 1.4616321449683622, 9.549995429965697e-17  # ψ's positive root, and what the double lacks


def _digamma(x: float) -> float:
    if x < 12.0:  # step to [1, 2), and there Taylor around the root: steps up to the asymptotic series would cancel
        terms = []
        while x >= 2.0:
            x -= 1.0
            terms.append(1.0 / x)
        if x < 1.0:
            terms.append(-1.0 / x)
            x += 1.0
        h = (x - _ROOT) - _ROOT_ERROR
        return math.fsum([_horner(_root_slopes(), h), *terms])
    inverse = 1.0 / (x * x)
    tail = 0.0
    for k in range(len(_BERNOULLI), 0, -1):
        tail = (tail + _BERNOULLI[k - 1] / (2 * k)) * inverse
    return math.fsum([math.log(x), -0.5 / x, -tail])


@functools.cache
def _root_slopes() -> list[float]:
    """Return ψ⁽ᵏ⁾(root) / k! for k = 1 … 48."""
    return [_series(k, _ROOT) / math.factorial(k) for k in range(1, 49)]


def _series(n: int, x: float) -> float:
    """ψ⁽ⁿ⁾ for n >= 1 and x > 0: (−1)ⁿ⁺¹ times a sum of positive terms."""
    sign = 1.0 if n % 2 else -1.0
    terms = []
    while x < 12.0 + n:
        terms.append(_inverse_power(x, n + 1))
        x += 1.0
    inverse = 1.0 / (x * x)
    rising = (n + 1) / 2.0  # (2k + n − 1)! / ((2k)! n!) for k = 1, divided through by n! to stay in range
    tail = []
    scale = _inverse_power(x, n)
    for k, bernoulli in enumerate(_BERNOULLI, 1):
        scale *= inverse
        tail.append(bernoulli * rising * scale)
        rising *= (2 * k + n) * (2 * k + n + 1) / ((2 * k + 1) * (2 * k + 2))
    whole = math.fsum([*terms, _inverse_power(x, n) / n, _inverse_power(x, n + 1) / 2.0, *tail])
    try:
        return sign * math.factorial(n) * whole
    except OverflowError:
        return sign * math.inf


def _inverse_power(x: float, n: int) -> float:
    try:
        return math.pow(x, -n)
    except OverflowError:
        return math.inf


def _reflected(n: int, x: float) -> float:
    """ψ⁽ⁿ⁾(x) = (−1)ⁿ ψ⁽ⁿ⁾(1 − x) − π dⁿ/dxⁿ cot πx, for x < 0 and no integer (A. & S. 6.4.7)."""
    part = x - round(x)
    cot = math.cos(math.pi * part) / math.sin(math.pi * part)
    polynomial = [0.0, 1.0]  # the n-th derivative of cot u as a polynomial in cot u: d cot = −(1 + cot²)
    for _ in range(n):
        slope = [k * c for k, c in enumerate(polynomial)][1:]
        polynomial = [0.0] * (len(slope) + 2)
        for k, c in enumerate(slope):
            polynomial[k] -= c
            polynomial[k + 2] -= c
    *rest, value = polynomial
    for c in reversed(rest):  # from the highest, since 0·cot is nan where cot overflows
        value = value * cot + c
    up = polygamma(float(n), 1.0 - x)
    return (up if n % 2 == 0 else -up) - math.pi ** (n + 1) * value
