"""What the table of operations says about its rows, held to what the rows do."""

import itertools
import math

import pytest

import autograd as ag
import nn
from autograd import OPERATIONS, Value, derivative, diagnose, numerical_grad
from tests.oracles import ORACLES, M

INF = math.inf
REAL = (-INF, INF)
NUMBERS = [-INF, -1e300, -30.5, -3.0, -2.5, -1.0, -0.75, -1e-300, -0.0, 0.0, 1e-300, 0.25, 1.0, 1.5, 4.0, 700.0, INF]
UNARY = [op for op in OPERATIONS.values() if op.arity == 1]
BUILT_IN = [OPERATIONS[name] for name in ORACLES]
by_name = lambda op: op.name


@pytest.mark.parametrize("op", UNARY, ids=by_name)
def test_a_domain_ends_where_the_value_becomes_nan(op):
    (domain,) = op.domain
    for x in NUMBERS:
        inside = domain[0] <= x <= domain[1]
        if not math.isinf(x) and (inside or op.name != "lgamma"):  # which is ln |Γ| below 0
            assert math.isnan(op.evaluate(x)) != inside, x
    for end, beyond in zip(domain, REAL, strict=True):
        if math.isfinite(end) and op.name != "lgamma":
            assert not math.isnan(op.evaluate(end))
            assert math.isnan(op.evaluate(math.nextafter(end, beyond)))


def test_the_domains_of_rows_with_several_operands():
    assert OPERATIONS["polygamma"].domain == ((0.0, 0.0), (0.0, INF))
    assert all(op.domain == (REAL,) * len(op.domain) for op in BUILT_IN if op.arity != 1 and op.name != "polygamma")


@pytest.mark.parametrize("op", [op for op in BUILT_IN if op.commutative], ids=by_name)
def test_a_commutative_operation_is_one(op):
    for a, b in itertools.product(NUMBERS, repeat=2):
        assert repr(op.evaluate(a, b)) == repr(op.evaluate(b, a))


def test_which_operations_are_said_to_be_commutative_and_never_minus_zero():
    """The compiler computes less because of them."""
    assert {op.name for op in BUILT_IN if op.commutative} == {"add", "mul", "hypot"}
    never = {op.name for op in BUILT_IN if op.never_minus_zero}
    assert never == {"abs", "exp", "exp2", "acos", "acosh", "cosh", "hypot", "erfc"}


@pytest.mark.parametrize("op", [op for op in BUILT_IN if op.never_minus_zero], ids=by_name)
def test_what_is_never_minus_zero_is_never_minus_zero(op):
    for xs in itertools.product(NUMBERS, repeat=op.arity):
        assert repr(op.evaluate(*xs)) != "-0.0"


def test_which_operations_a_network_is_made_of():
    assert {op.name for op in BUILT_IN if op.affine} == {
        "add",
        "sub",
        "mul",
        "div",
        "neg",
        "identity",
        "sum",
        "mean",
        "dot",
    }
    activations = {op.name for op in UNARY if op.name not in ("neg",)} | {"leaky_relu", "elu"}
    assert {op.name for op in BUILT_IN if op.activation} == activations & set(ORACLES)
    assert set(nn.activation_names()) <= activations | {"linear"}


def test_which_operations_are_no_methods():
    operators = {"add", "sub", "mul", "div", "pow", "floordiv", "mod", "neg"}
    lists = {"sum", "prod", "mean", "dot", "norm", "logsumexp", "softmax", "max", "min"}
    without = {op.name for op in BUILT_IN if not op.method}
    assert without == operators | lists | {"identity", "where", "polygamma"}
    assert not any(hasattr(Value, name) for name in without)


def test_a_saturated_activation_has_one_percent_of_its_steepest_slope():
    found = {op.name: op.saturation for op in BUILT_IN if op.saturation is not None}
    assert found == {name: pytest.approx(0.01 * derivative(OPERATIONS[name].evaluate)(0.0)) for name in found} | {
        "hardtanh": 0.0
    }
    assert set(found) == {"tanh", "sigmoid", "softsign", "hardtanh"}
    assert {op.name: op.dead_below for op in BUILT_IN if op.dead_below is not None} == {"relu": 0.0}


@pytest.mark.parametrize(
    ("name", "saturated", "alive"),
    # the slopes fall to 1 % of the largest at tanh 2.993, sigmoid 5.986 and softsign 9
    [("tanh", 3.0, 2.98), ("sigmoid", 6.0, 5.97), ("softsign", 9.01, 8.99), ("hardtanh", 1.0, 0.99)],
)
def test_diagnose_says_so_there_and_not_before(name, saturated, alive):
    def kinds(x):
        w = Value(x, name="w")
        y = OPERATIONS[name].evaluate(w * 1.0)
        y.backward()
        return [finding.kind for finding in diagnose(y)]

    assert "saturated" in kinds(saturated)
    assert "saturated" in kinds(-saturated)
    assert "saturated" not in kinds(alive)


@pytest.mark.parametrize(
    ("name", "at", "beside"),
    [
        ("floordiv", [(6.0, 2.0), (-6.0, 2.0), (0.0, 3.0)], [(5.0, 2.0), (7.5, 2.0)]),
        ("mod", [(6.0, 2.0), (-6.0, 2.0), (0.0, 3.0)], [(5.0, 2.0), (7.5, 2.0)]),
        ("abs", [(0.0,)], [(1.0,)]),
        ("floor", [(2.0,), (-1.0,)], [(2.5,)]),
        ("ceil", [(2.0,), (-1.0,)], [(2.5,)]),
        ("trunc", [(2.0,), (-1.0,)], [(2.5,)]),
        ("round", [(2.5,), (-0.5,)], [(2.0,), (0.0,)]),
        ("sign", [(0.0,)], [(1.0,)]),
        ("hypot", [(0.0, 0.0)], [(0.0, 1.0), (1.0, 0.0)]),
        ("relu", [(0.0,)], [(1.0,)]),
        ("leaky_relu", [(0.0, 0.1)], [(1.0, 0.1)]),
        ("elu", [(0.0, 0.5)], [(1.0, 0.5)]),
        ("selu", [(0.0,)], [(1.0,)]),
        ("hardtanh", [(1.0,), (-1.0,)], [(0.0,), (2.0,)]),
        ("maximum", [(2.0, 2.0)], [(2.0, 1.0)]),
        ("minimum", [(2.0, 2.0)], [(2.0, 1.0)]),
        ("clip", [(1.0, 1.0, 2.0), (2.0, 1.0, 2.0)], [(1.5, 1.0, 2.0), (3.0, 1.0, 2.0)]),
        ("max", [(1.0, 3.0, 3.0), (3.0, 1.0, 3.0)], [(1.0, 2.0, 3.0), (5.0,)]),
        ("min", [(1.0, 1.0, 3.0)], [(1.0, 2.0, 3.0), (5.0,)]),
        ("norm", [(0.0, 0.0)], [(0.0, 1.0)]),
        ("where", [], [(0.0, 1.0, 2.0), (1.0, 1.0, 2.0)]),
    ],
)
def test_kinks_are_where_a_slope_jumps(name, at, beside):
    kinks = OPERATIONS[name].kinks
    assert [kinks(*xs) for xs in at] == [0.0] * len(at)
    assert all(kinks(*xs) != 0.0 for xs in beside)


def test_defaults_of_operands():
    found = {op.name: op.defaults for op in BUILT_IN if op.defaults}
    assert found == {"leaky_relu": (0.01,), "elu": (1.0,), "clip": (-INF, INF)}
    assert ag.leaky_relu(-2.0) == -0.02
    assert ag.elu(-1.0) == ag.elu(-1.0, 1.0) == math.expm1(-1.0)
    assert ag.clip(-1e300) == -1e300


def test_the_angle_in_the_complex_plane():
    for y, x in [(1.0, 0.0), (0.0, 1.0), (2.0, 0.5), (0.5, 2.0), (-2.0, 0.5), (2.0, -0.5), (1.0, 1.0), (-1.0, 1.0)]:
        got = numerical_grad(ag.atan2, y, x, argnums=(0, 1), method="complex")
        r = x * x + y * y
        assert got == pytest.approx((x / r, -y / r), rel=1e-14)


def test_of_two_equal_numbers_the_second_is_given():
    """As it matters for zeros of two signs alone."""
    for f in (ag.maximum, ag.minimum):
        assert (repr(f(0.0, -0.0)), repr(f(-0.0, 0.0))) == ("-0.0", "0.0")


def test_texts_of_operations_of_many_operands():
    written = lambda name, *names: OPERATIONS[name].write(names)
    slope = lambda name, i, *names: OPERATIONS[name].write_derivative(i, names)
    assert written("dot", "a", "b", "x", "y") == "a×x + b×y"
    assert written("dot", "a", "b", "x", "y", "c") == "a×x + b×y + c"
    assert [slope("dot", i, "a", "b", "x", "y", "c") for i in range(5)] == ["x", "y", "a", "b", "1"]
    assert [slope("dot", i, "a", "x") for i in range(2)] == ["x", "a"]
    assert [slope("prod", i, "a", "b", "c") for i in range(3)] == ["b × c", "a × c", "a × b"]
    assert slope("prod", 0, "a") == "1"
    assert slope("sum", 1, "a", "b") == "1"
    assert slope("mean", 0, "a", "b", "c", "d") == "1 ÷ 4"
    assert written("norm", "a", "b") == "√(a² + b²)"
    assert slope("norm", 1, "a", "b") == "b ÷ y"
    assert written("logsumexp", "a", "b") == "ln(exp(a) + exp(b))"
    assert slope("logsumexp", 1, "a", "b") == "exp(b − y)"
    assert written("softmax", "a", "b") == "exp(a) ÷ (exp(a) + exp(b))"
    assert [slope("softmax", i, "a", "b") for i in range(2)] == ["y × (1 − y)", "−y × softmax(b)"]
    assert [slope("max", 1, "a", "b"), slope("min", 0, "a", "b")] == ["1 if b = y else 0", "1 if a = y else 0"]


@pytest.mark.parametrize(
    ("f", "of_none"), [(ag.sum, 0.0), (ag.prod, 1.0), (ag.norm, 0.0), (ag.logsumexp, -INF), (ag.softmax, [])]
)
def test_numbers_may_come_one_by_one(f, of_none):
    assert f(iter([])) == of_none
    assert f(iter([0.5, 1.5, -2.0])) == f([0.5, 1.5, -2.0])


@pytest.mark.parametrize("f", [ag.mean, ag.max, ag.min])
def test_there_is_none_of_no_numbers(f):
    with pytest.raises(ValueError, match=f"^{f.__name__} needs at least one number, and the list is empty$"):
        f(iter([]))
    assert f(iter([0.5, 1.5, -2.0])) == f([0.5, 1.5, -2.0])


def test_the_dot_product_of_none_is_the_bias():
    bias = Value(2.0)
    assert ag.dot(iter([]), iter([])) == 0.0
    assert ag.dot([], [], bias) is bias
    assert ag.dot(iter([1.0, 2.0]), iter([3.0, 4.0]), 0.5) == 11.5


@pytest.mark.parametrize("count", [1, 2, 31, 32, 33, 70])
def test_softmax_of_few_and_of_many(count):
    """Up to 32 components are one node each, and more a node with a sum of logarithms below it."""
    xs = [Value(0.1 * i - 0.05 * i * i) for i in range(count)]
    shares = ag.softmax(xs)
    assert {share.op.name for share in shares} == {"softmax" if count <= 32 else "sigmoid"}
    total = math.fsum(math.exp(x.data) for x in xs)
    assert [s.data for s in shares] == pytest.approx([math.exp(x.data) / total for x in xs], rel=1e-13)
    shares[0].backward()
    first = shares[0].data
    want = [first * ((i == 0) - math.exp(x.data) / total) for i, x in enumerate(xs)]
    assert [x.grad for x in xs] == pytest.approx(want, rel=1e-12, abs=1e-300)


def test_what_pytorch_calls_an_activation():
    """With the options that make it the same function; tests/nn/test_interop.py compares them where PyTorch is."""
    found = {op.name: op.torch for op in BUILT_IN if op.torch}
    options = {"softplus": {"threshold": 1e9}, "leaky_relu": {"negative_slope": 0.01}, "elu": {"alpha": 1.0}}
    assert {name: given for name, (_, given) in found.items() if given} == options | {"gelu": {"approximate": "none"}}
    assert {name: each for name, (each, _) in found.items()} == {
        "tanh": "Tanh", "sigmoid": "Sigmoid", "logsigmoid": "LogSigmoid", "softplus": "Softplus", "relu": "ReLU",
        "leaky_relu": "LeakyReLU", "elu": "ELU", "selu": "SELU", "gelu": "GELU", "silu": "SiLU", "mish": "Mish",
        "softsign": "Softsign", "hardtanh": "Hardtanh",
    }  # fmt: skip


def test_relu_of_a_zero_is_the_positive_one():
    assert [repr(ag.relu(x)) for x in (0.0, -0.0, -1.0)] == ["0.0"] * 3
    assert [ag.grad(ag.relu)(x) for x in (0.0, -0.0)] == [0.0, 0.0]


@pytest.mark.parametrize("f", [ag.gelu, ag.silu, ag.mish])
def test_far_below_zero_an_activation_goes_to_zero_from_below(f):
    assert [repr(f(x)) for x in (-2000.0, -1e300, -INF)] == ["-0.0"] * 3
    assert f(-20.0) < 0.0


@pytest.mark.parametrize("op", [op for op in UNARY if op.complex_rule], ids=by_name)
def test_the_complex_rule_is_the_function_in_the_plane(op):
    """Also off the real axis, where the complex step does not go; left of the imaginary axis as well."""
    formulas = {"abs": lambda z: z, "identity": lambda z: z, "neg": lambda z: -z, "asinh": M.asinh}
    formula = formulas.get(op.name, ORACLES[op.name].value)
    for z in (0.4 + 0.3j, 0.75 - 0.2j, 0.1 + 0.9j):
        z = z + 1.5 if op.name == "acosh" else z
        assert complex(op.complex_rule(z)) == pytest.approx(complex(formula(M.mpc(z))), rel=1e-13)
    assert OPERATIONS["abs"].complex_rule(-0.5 + 0.1j) == 0.5 - 0.1j


def test_methods_with_operands_have_an_example():
    for op in BUILT_IN:
        if op.method and op.operands:
            assert f'\n>>> f"{{{op.name}(' in op.evaluate.__doc__
