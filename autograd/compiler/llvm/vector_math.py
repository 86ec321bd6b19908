"""exp, tanh, log and log1p for ``fastmath``: without a branch or a call, so that all lanes go at once.

Each is reduced to a short interval and a polynomial there, and stays within a few units in the last place. exp and
tanh: x = n·ln 2 + r with the two-part ln 2 of Cody and Waite, *Software Manual for the Elementary Functions*, 1980, and
Taylor's series to r¹³, whose remainder for |r| ≤ ½ ln 2 is below 2⁻⁵⁷. log: the series in s = f / (2 + f) with the
coefficients of fdlibm's e_log.c (Sun Microsystems, 1993). log1p: Kahan's correction of log(1 + x).
"""

from __future__ import annotations

import math

from .function import Function, literal, splat, vector

_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_ROUND = 6755399441055744.0  # 1.5·2⁵²: adding it leaves the nearest integer in the low bits
_LOG_SERIES = [
    1.479819860511658591e-01, 1.531383769920937332e-01, 1.818357216161805012e-01, 2.222219843214978396e-01,
    2.857142874366239149e-01, 3.999999999940941908e-01, 6.666666666666735130e-01,
]  # fmt: skip


class _Body(Function):
    """The text of one function; ``contract`` lets a multiplication and an addition become one instruction, no more."""

    def __init__(self, head: str, lanes: int) -> None:
        super().__init__(head)
        self.kind, self.whole, self.bit = vector(lanes), vector(lanes, "i64"), vector(lanes, "i1")
        self.lanes = lanes

    def number(self, x: float | str) -> str:
        return x if isinstance(x, str) else splat(literal(x), self.lanes)

    def compute(self, name: str, a: float | str, b: float | str) -> str:
        return self.put(f"{name} {self.kind} {self.number(a)}, {self.number(b)}")

    def add(self, a: float | str, b: float | str) -> str:
        return self.compute("fadd contract", a, b)

    def sub(self, a: float | str, b: float | str) -> str:
        return self.compute("fsub contract", a, b)

    def mul(self, a: float | str, b: float | str) -> str:
        return self.compute("fmul contract", a, b)

    def div(self, a: float | str, b: float | str) -> str:
        return self.compute("fdiv", a, b)

    def test(self, predicate: str, a: float | str, b: float | str) -> str:
        return self.compute(f"fcmp {predicate}", a, b)

    def choose(self, condition: str, a: float | str, b: float | str) -> str:
        return self.put(f"select {self.bit} {condition}, {self.kind} {self.number(a)}, {self.kind} {self.number(b)}")

    def within(self, x: str, low: float, high: float) -> str:
        """Hold x to an interval; a nan stays one."""
        x = self.choose(self.test("olt", x, low), low, x)
        return self.choose(self.test("ogt", x, high), high, x)

    def bits(self, x: str) -> str:
        return self.put(f"bitcast {self.kind} {x} to {self.whole}")

    def double(self, n: str) -> str:
        return self.put(f"bitcast {self.whole} {n} to {self.kind}")

    def op(self, name: str, a: str, b: int | str) -> str:
        return self.put(f"{name} {self.whole} {a}, {splat(f'{b}', self.lanes, 'i64') if isinstance(b, int) else b}")

    def power_of_two(self, n: str) -> str:
        return self.double(self.op("shl", self.op("add", n, 1023), 52))

    def reduced(self, x: str) -> tuple[str, str]:
        """Return the integer n and r with x = n·ln 2 + r."""
        shifted = self.add(self.mul(x, 1.0 / math.log(2.0)), _ROUND)
        n = self.sub(shifted, _ROUND)
        r = self.sub(self.sub(x, self.mul(n, _LN2_HIGH)), self.mul(n, _LN2_LOW))
        return self.op("sub", self.bits(shifted), int(literal(_ROUND), 16)), r

    def series(self, r: str) -> str:
        """Return (exp(r) − 1 − r) / r²."""
        return self.polynomial([1.0 / math.factorial(k) for k in range(2, 14)], r)

    def polynomial(self, coefficients: list[float], r: str) -> str:
        """Return c₀ + c₁r + c₂r² + … by Estrin's scheme: in pairs, so that few operations wait for one another."""
        terms = [self.number(c) for c in coefficients]
        while len(terms) > 1:
            pairs = [self.add(terms[i], self.mul(terms[i + 1], r)) for i in range(0, len(terms) - 1, 2)]
            terms = pairs + terms[2 * len(pairs) :]
            r = self.mul(r, r) if len(terms) > 1 else r
        return terms[0]

    def less_one(self, r: str) -> str:
        """Return exp(r) − 1."""
        return self.add(self.mul(self.mul(r, r), self.series(r)), r)


class _Function(_Body):
    """The functions that there are, each by its name in the table of operations."""

    def exp(self, x: str) -> str:
        n, r = self.reduced(self.within(x, -746.0, 710.0))
        e = self.add(self.less_one(r), 1.0)
        half = self.op("ashr", n, 1)  # in two steps, since 2ⁿ itself may be out of range where the result is not
        return self.mul(self.mul(e, self.power_of_two(half)), self.power_of_two(self.op("sub", n, half)))

    def tanh(self, x: str) -> str:
        size = self.within(self.put(self.intrinsic("llvm.fabs", [x], self.lanes)), 0.0, 20.0)
        n, r = self.reduced(self.mul(size, 2.0))
        scale = self.power_of_two(n)
        e = self.add(self.mul(scale, self.less_one(r)), self.sub(scale, 1.0))  # exp(2|x|) − 1, exact near 0
        y = self.div(e, self.add(e, 2.0))
        return self.put(self.intrinsic("llvm.copysign", [y, x], self.lanes))

    def log(self, x: str) -> str:
        small = self.test("olt", x, 2.0**-1022)
        n = self.bits(self.choose(small, self.mul(x, 2.0**54), x))
        # the exponent for which the mantissa lies between √½ and √2
        shifted = self.op("add", n, 0x3FF0000000000000 - 0x3FE6A09E667F3BCD)
        exponent = self.op("sub", self.op("lshr", shifted, 52), 1023)
        mantissa = self.op("add", self.op("and", shifted, 0x000FFFFFFFFFFFFF), 0x3FE6A09E667F3BCD)
        power = self.put(f"sitofp {self.whole} {exponent} to {self.kind}")
        power = self.choose(small, self.sub(power, 54.0), power)
        f = self.sub(self.double(mantissa), 1.0)
        s = self.div(f, self.add(f, 2.0))
        z = self.mul(s, s)
        total = self.polynomial(_LOG_SERIES[::-1], z)
        half = self.mul(self.mul(f, f), 0.5)
        inner = self.add(self.mul(s, self.add(half, self.mul(total, z))), self.mul(power, _LN2_LOW))
        y = self.sub(self.mul(power, _LN2_HIGH), self.sub(self.sub(half, inner), f))
        y = self.choose(self.test("olt", x, math.inf), y, x)  # inf, and nan below
        y = self.choose(self.test("oeq", x, 0.0), -math.inf, y)
        return self.choose(self.test("olt", x, 0.0), math.nan, self.choose(self.test("uno", x, x), x, y))

    def log1p(self, x: str) -> str:
        u = self.add(x, 1.0)
        more = self.sub(u, 1.0)
        y = self.mul(self.log(u), self.div(x, more))
        y = self.choose(self.test("oeq", more, 0.0), x, y)
        return self.choose(self.test("oeq", u, math.inf), u, y)


AVAILABLE = frozenset(name for name in vars(_Function) if not name.startswith("_"))


def function(name: str, head: str, lanes: int) -> Function:
    """Return the text of a function, one of ``AVAILABLE``, of ``%x0``."""
    body = _Function(head, lanes)
    body.end(f"{body.kind} {getattr(body, name)('%x0')}")
    return body
