"""What is left of a function once it is a program: each simplification by the smallest example that needs it."""

import inspect
import math
from operator import neg

import pytest

import autograd
from autograd import OPERATIONS, grad, jit, where
from autograd.compiler.program.batch import split

INF = math.inf

SIMPLER = {
    # a sum with a zero
    "x + −0": (lambda x: x + -0.0, "return x"),
    "−0 + x": (lambda x: -0.0 + x, "return x"),
    "x + 0 where x is never −0": (lambda x: abs(x) + 0.0, "t1 = |x|; return t1"),
    "0 + x where x is never −0": (lambda x: 0.0 + abs(x), "t1 = |x|; return t1"),
    "x − 0": (lambda x: x - 0.0, "return x"),
    "x − −0 where x is never −0": (lambda x: abs(x) - -0.0, "t1 = |x|; return t1"),
    # what is never −0, beside the operations that say so of themselves
    "a square": (lambda x: x * x + 0.0, "t1 = x × x; return t1"),
    "a sum with such a number": (lambda x, y: (x * x + y) + 0.0, "t2 = x × x; t3 = t2 + y; return t3"),
    "a sum with such a number on the right": (lambda x, y: (y + x * x) + 0.0, "t2 = x × x; t3 = y + t2; return t3"),
    "a sum with a constant": (lambda x: (x + 1.0) + 0.0, "t1 = x + 1; return t1"),
    "a sum with 0": (lambda x: (x + 0.0) + 0.0, "t1 = x + 0; return t1"),
    "a choice of two such numbers": (
        lambda x, y: where(x < y, x * x, -2.0) + 0.0, "t2 = x < y; t3 = x × x; t4 = t3 if t2 else -2; return t4",
    ),
    # signs
    "a + (−b)": (lambda x, y: x + -y, "t2 = x − y; return t2"),
    "(−a) + b": (lambda x, y: -x + y, "t2 = y − x; return t2"),
    "a − (−b)": (lambda x, y: x - -y, "t2 = x + y; return t2"),
    "(−a) × (−b)": (lambda x, y: -x * -y, "t2 = x × y; return t2"),
    "(−a) × b": (lambda x, y: -x * y, "t2 = x × y; t3 = −t2; return t3"),
    "a × (−b)": (lambda x, y: x * -y, "t2 = x × y; t3 = −t2; return t3"),
    "(−a) × 3": (lambda x: -x * 3.0, "t1 = x × -3; return t1"),
    "3 × (−a)": (lambda x: 3.0 * -x, "t1 = x × -3; return t1"),
    "−(−a)": (lambda x: neg(neg(x)), "return x"),
    "|−a|": (lambda x: abs(-x), "t1 = |x|; return t1"),
    "||a||": (lambda x: abs(abs(x)), "t1 = |x|; return t1"),
    "a sign that a rule brings in": (lambda x, y: x + -1.0 * y, "t2 = x − y; return t2"),
    # products, quotients, powers
    "x × 1": (lambda x: x * 1.0, "return x"),
    "1 × x": (lambda x: 1.0 * x, "return x"),
    "x × −1": (lambda x: x * -1.0, "t1 = −x; return t1"),
    "−1 × x": (lambda x: -1.0 * x, "t1 = −x; return t1"),
    "x ÷ 1": (lambda x: x / 1.0, "return x"),
    "x ÷ −1": (lambda x: x / -1.0, "t1 = −x; return t1"),
    "x ÷ 4": (lambda x: x / 4.0, "t1 = x × 0.25; return t1"),
    "x ÷ −½": (lambda x: x / -0.5, "t1 = x × -2; return t1"),
    "x ÷ 2^1022": (lambda x: x / 2.0**1022, f"t1 = x × {2.0**-1022:.17g}; return t1"),
    "x ÷ 2^−1022": (lambda x: x / 2.0**-1022, f"t1 = x × {2.0**1022:.17g}; return t1"),
    "x ^ 2": (lambda x: x**2, "t1 = x × x; return t1"),
    "x ^ 1": (lambda x: x**1, "return x"),
    "x ^ 0": (lambda x: x**0, "return 1"),
    # choices
    "a choice by the opposite": (
        lambda x, y: where((x < y) ^ True, x, y), "t2 = x < y; t3 = y if t2 else x; return t3",
    ),
    "a choice in the branch of its condition": (
        lambda x, y: where(x < y, where(x < y, x, 1.0), 2.0), "t2 = x < y; t3 = x if t2 else 2; return t3",
    ),
    "a choice in the other branch": (
        lambda x, y: where(x < y, 2.0, where(x < y, 1.0, x)), "t2 = x < y; t3 = 2 if t2 else x; return t3",
    ),
    "a sum of choices, one a branch": (
        lambda x, y: where(x < y, x, -0.0) + where(x < y, -0.0, y), "t2 = x < y; t3 = x if t2 else y; return t3",
    ),
    "a sum of choices in one branch": (
        lambda x, y: where(x < y, x, -0.0) + where(x < y, y, -0.0),
        "t2 = x < y; t3 = x + y; t4 = t3 if t2 else -0; return t4",
    ),
    "a sum of choices of constants": (
        lambda x, y: where(x < y, 1.0, -0.0) + where(x < y, 2.0, -0.0), "t2 = x < y; t3 = 3 if t2 else -0; return t3",
    ),
    # conditions
    "a and a": (lambda x, y: where((x < y) & (x < y), x, y), "t2 = x < y; t3 = x if t2 else y; return t3"),
    "a and not a": (lambda x, y: where((x < y) & ((x < y) ^ True), x, y), "return y"),
    "a and true": (lambda x, y: where((x < y) & True, x, y), "t2 = x < y; t3 = x if t2 else y; return t3"),
    "a and false": (lambda x, y: where((x < y) & False, x, y), "return y"),
    "a or a": (lambda x, y: where((x < y) | (x < y), x, y), "t2 = x < y; t3 = x if t2 else y; return t3"),
    "not a or a": (lambda x, y: where(((x < y) ^ True) | (x < y), x, y), "return x"),
    "a or true": (lambda x, y: where((x < y) | True, x, y), "return x"),
    "a or false": (lambda x, y: where((x < y) | False, x, y), "t2 = x < y; t3 = x if t2 else y; return t3"),
    "a xor a": (lambda x, y: where((x < y) ^ (x < y), x, y), "return y"),
    "a xor false": (lambda x, y: where((x < y) ^ False, x, y), "t2 = x < y; t3 = x if t2 else y; return t3"),
    "not not a": (lambda x, y: where((x < y) ^ True ^ True, x, y), "t2 = x < y; t3 = x if t2 else y; return t3"),
    "a choice that is known": (lambda x, y: where(True, x, y), "return x"),
    "the other one": (lambda x, y: where(0.0, x, y), "return y"),
    "a choice of the same": (lambda x, y: where(x < y, x, x), "return x"),
    "a choice of the same constant": (lambda x, y: where(x < y, 2.0, 2.0), "return 2"),
    # nothing for nothing
    "the operand itself": (lambda x: OPERATIONS["identity"].evaluate(+x), "return x"),
    "what is known is computed": (lambda x: x**0 * 3.0 + x, "t1 = 3 + x; return t1"),
    "nothing but what is known": (lambda x: autograd.exp(x**0 - 1.0) * 3.0, "return 3"),
    # nothing twice
    "the same again": (lambda x, y: (x - y) * (x - y), "t2 = x − y; t3 = t2 × t2; return t3"),
    "the operands of a sum in another order": (lambda x, y: (x + y) * (y + x), "t2 = x + y; t3 = t2 × t2; return t3"),
    "the operands of a product in another order": (lambda x, y: x * y - y * x, "t2 = x × y; t3 = t2 − t2; return t3"),
    "the operands of a comparison in another order": (
        lambda x, y: where(x == y, 1.0, x) - where(y == x, 1.0, x),
        "t2 = x = y; t3 = 1 if t2 else x; t4 = t3 − t3; return t4",
    ),
    "the same function of the same": (
        lambda x: autograd.sin(x) + autograd.sin(x) * 3.0, "t1 = sin(x); t2 = t1 × 3; t3 = t1 + t2; return t3",
    ),
    "the same once it is simpler": (lambda x, y: (x + -y) * (x - y), "t2 = x − y; t3 = t2 × t2; return t3"),
    # nothing that nobody wants
    "what no result needs": (lambda x, y: [autograd.exp(x * y), x + 1.0][1], "t2 = x + 1; return t2"),
    "what only the value needs": (grad(lambda x: x * x + autograd.exp(3.0)), "t1 = x + x; return t1"),
}  # fmt: skip

AS_THEY_ARE = {  # of which some number would change a bit, or a quotient its rounding
    "x + 0": (lambda x: x + 0.0, "t1 = x + 0; return t1"),
    "0 + x": (lambda x: 0.0 + x, "t1 = 0 + x; return t1"),
    "x − −0": (lambda x: x - -0.0, "t1 = x − -0; return t1"),
    "0 − x": (lambda x: 0.0 - x, "t1 = 0 − x; return t1"),
    "a product may be −0": (lambda x, y: x * y + 0.0, "t2 = x × y; t3 = t2 + 0; return t3"),
    "a sum may be −0": (lambda x, y: (x + y) + 0.0, "t2 = x + y; t3 = t2 + 0; return t3"),
    "a choice may be −0": (
        lambda x, y: where(x < y, x * x, -0.0) + 0.0,
        "t2 = x < y; t3 = x × x; t4 = t3 if t2 else -0; t5 = t4 + 0; return t5",
    ),
    "a choice may be −0 on the left": (
        lambda x, y: where(x < y, y, x * x) + 0.0,
        "t2 = x < y; t3 = x × x; t4 = y if t2 else t3; t5 = t4 + 0; return t5",
    ),
    "x × 0": (lambda x: x * 0.0, "t1 = x × 0; return t1"),
    "x × 2": (lambda x: x * 2.0, "t1 = x × 2; return t1"),
    "x − x": (lambda x: x - x, "t1 = x − x; return t1"),
    "x ÷ x": (lambda x: x / x, "t1 = x ÷ x; return t1"),
    "x ÷ 3": (lambda x: x / 3.0, "t1 = x ÷ 3; return t1"),
    "x ÷ 0": (lambda x: x / 0.0, "t1 = x ÷ 0; return t1"),
    "x ÷ ∞": (lambda x: x / INF, "t1 = x ÷ inf; return t1"),
    "x ÷ 2^1023": (lambda x: x / 2.0**1023, f"t1 = x ÷ {2.0**1023:.17g}; return t1"),  # its inverse is subnormal
    "x ÷ 2^−1023": (lambda x: x / 2.0**-1023, f"t1 = x ÷ {2.0**-1023:.17g}; return t1"),  # its inverse is too large
    "x ^ 3": (lambda x: x**3, "t1 = x ^ 3; return t1"),
    "2 ^ x": (lambda x: 2.0**x, "t1 = 2 ^ x; return t1"),
    "(−a) − b": (lambda x, y: -x - y, "t2 = −x; t3 = t2 − y; return t3"),
    "a difference the other way round": (
        lambda x, y: (x - y) * (y - x), "t2 = x − y; t3 = y − x; t4 = t2 × t3; return t4",
    ),
    "a comparison the other way round": (
        lambda x, y: where(x < y, 1.0, x) * where(y < x, 1.0, x),
        "t2 = x < y; t3 = 1 if t2 else x; t4 = y < x; t5 = 1 if t4 else x; t6 = t3 × t5; return t6",
    ),
    "a sum in another order": (lambda x, y: (x + y + 1.0) - (x + 1.0 + y), (
        "t2 = x + y; t3 = t2 + 1; t4 = x + 1; t5 = t4 + y; t6 = t3 − t5; return t6"
    )),
}  # fmt: skip


def program_of(f):
    return jit(f).program(*[1.0] * len(inspect.signature(f).parameters))


def body(program):
    return "; ".join(line.strip() for line in str(program).splitlines()[1:])


@pytest.mark.parametrize(("f", "expected"), [*SIMPLER.values(), *AS_THEY_ARE.values()], ids=[*SIMPLER, *AS_THEY_ARE])
def test_the_program_that_is_left(f, expected):
    assert body(program_of(f)) == expected


def test_constants_are_there_once_and_where_they_are_used():
    f = lambda x: [x * 3.0 + 3.0, x * 0.0, x * -0.0, x + 0.0, x * float("nan") + float("nan"), [x * 7.0, x][1]]
    zero, minus_zero = "0.0", "-0.0"
    assert list(map(repr, program_of(f).constants)) == ["3.0", zero, minus_zero, "nan"]
    assert program_of(lambda x: 4.0).constants == (4.0,)


def test_what_all_samples_share_is_computed_once():
    f = jit(lambda w, x: [autograd.exp(w) * x, autograd.exp(w) * 2.0, (w + 1.0) * x + w, autograd.exp(w) - x, 3.0])
    halves = split(f.program(1.0, 2.0), [False, True])
    assert body(halves.prologue) == "t1 = exp(w); t2 = w + 1; return t1, t2, w"
    assert [name for name, _ in halves.body.instructions] == ["mul", "mul", "add", "sub"]
    assert (halves.uniform, halves.columns) == (3, 1)
    assert body(halves.constant) == "t1 = exp(w); t2 = t1 × 2; return t2, 3"
    assert halves.varying.tolist() == [True, False, True, True, False]


def test_the_chain_rule_is_what_is_left_of_a_gradient():
    """The trace is full of 1·x, of x·1 + 0, and of the forward pass computed once more."""
    f = jit(autograd.value_and_grad(lambda w, b, x, t: (w * x + b - t) ** 2, (0, 1)))
    assert body(f.program(1.0, 1.0, 1.0, 1.0)) == (
        "t4 = w × x; t5 = t4 + b; t6 = t5 − t; t7 = t6 × t6; t8 = 2 × t6; t9 = x × t8; return t7, t9, t8"
    )
