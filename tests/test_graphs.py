"""Whole graphs: random ones against independent derivatives; deep, wide and many at once; copied and pickled."""

import contextlib
import copy
import dataclasses
import functools
import gc
import itertools
import math
import operator
import os
import pickle
import random
import subprocess
import sys
import threading
import tracemalloc
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import assume, given, settings

import autograd as ag
from autograd import OPERATIONS, Value, grad, gradients, hessian, hvp, jvp, numerical_grad, topological_order
from tests import checks, fuzz
from tests.oracles import ORACLES, M, mpf
from tests.recipes import near_a_kink, recipes

# ------------------------------------------------------------- random graphs


@given(recipes())
def test_every_node_is_right_for_its_operands(recipe):
    fuzz.values_are_right(recipe)


@pytest.mark.parametrize("name", ORACLES)
def test_backward_agrees_with_dual_numbers(name):
    met = set()

    @settings(max_examples=15)
    @given(recipes(steps=10, among=[name]))
    def check(recipe):
        met.update(fuzz.gradient_is_right(recipe))

    check()
    assert name in met


@settings(max_examples=60)
@given(recipes(steps=6))
def test_gradient_of_the_gradient_agrees_with_dual_numbers(recipe):
    fuzz.second_gradient_is_right(recipe)


def test_graphs_drawn_by_a_seed():
    """A fixed budget of what `make fuzz` does for as long as one likes, which meets every operation."""
    count, met = fuzz.fuzz(0, range(150))
    assert count > 140  # the rest meets a pole, such as hypot(0, 0)
    assert met == set(ORACLES)


@pytest.mark.parametrize("name", ["sin", "mul", "sum"])
def test_a_wrong_number_is_reported_with_its_graph(monkeypatch, name):
    oracle = ORACLES[name]
    wrong = dataclasses.replace(oracle, value=lambda *xs: oracle.value(*xs) * (1 + mpf(2) ** -45))
    monkeypatch.setitem(ORACLES, name, wrong)
    with pytest.raises(AssertionError, match=rf"(?s){name}\(.*Recipe.*again: make fuzz ARGS=\"--only 0:\d+\""):
        fuzz.fuzz(0, range(150))


@settings(max_examples=80)
@given(recipes(steps=6))
def test_backward_agrees_with_finite_differences(recipe):
    assume(not near_a_kink(recipe, 1e-2))
    got = grad(lambda xs: recipe.function(*xs))(recipe.leaves)
    want = numerical_grad(lambda xs: recipe.function(*xs), recipe.leaves, method="central")
    size = 1 + sum(map(abs, got))
    assume(size < 1e3)  # else a step of 1e-5 may cross a kink or see the curvature
    assert all(abs(g - w) <= 1e-6 * size for g, w in zip(got, want, strict=True)), (got, want)


@settings(max_examples=50)
@given(recipes(smooth=True, steps=5))
def test_second_derivative_agrees_with_mpmath(recipe):
    """Along a line, so that every entry of the Hessian takes part."""
    direction = [1.0 - 0.25 * i for i in range(len(recipe.leaves))]
    f = lambda *xs: recipe.function(*xs)
    rows = hessian(lambda xs: f(*xs))(recipe.leaves)
    got = sum(u * h * v for u, row in zip(direction, rows, strict=True) for h, v in zip(row, direction, strict=True))
    line = lambda t: recipe.exact(*[mpf(x) + t * u for x, u in zip(recipe.leaves, direction, strict=True)])
    want = M.diff(line, 0, 2)
    size = 1 + sum(abs(h) for row in rows for h in row)
    assert abs(got - want) <= 1e-9 * size, (got, M.nstr(want, 20))  # what rounding of the points between costs


@settings(max_examples=60)
@given(recipes(steps=8))
def test_forward_and_reverse_mode_agree(recipe):
    fuzz.modes_agree(recipe)


@settings(max_examples=40)
@given(recipes(smooth=True, steps=6))
def test_hessian_is_symmetric_and_hvp_its_product(recipe):
    f = lambda xs: recipe.function(*xs)
    rows = hessian(f)(recipe.leaves)
    size = 1 + sum(abs(h) for row in rows for h in row)
    for i, j in itertools.product(range(len(rows)), repeat=2):
        assert abs(rows[i][j] - rows[j][i]) <= 1e-10 * size
    direction = [1.0 - 0.25 * i for i in range(len(rows))]
    (product,) = hvp(f, (recipe.leaves,), (direction,))
    for got, row in zip(product, rows, strict=True):
        assert abs(got - sum(h * u for h, u in zip(row, direction, strict=True))) <= 1e-10 * size


@settings(max_examples=40)
@given(recipes())
def test_the_same_program_gives_the_same_bits(recipe):
    def bits():
        made = recipe.values()
        made[-1].backward()
        return [(v.data, v.grad) for v in made if isinstance(v, Value)]

    assert repr(bits()) == repr(bits())
    numbers = [v.data if isinstance(v, Value) else v for v in recipe.values()]
    assert repr(numbers) == repr(recipe.floats())  # floats take the same rules


PROGRAM = """
import autograd as ag
from autograd import Value, grad, hessian
xs = [Value(0.1 * i - 0.73, name=str(i)) for i in range(12)]
terms = [a * b.tanh() + ag.softplus(a) * 1e3**i for i, (a, b) in enumerate(zip(xs, xs[5:] + xs[:5]))]
y = ag.logsumexp([*terms[:4], ag.dot(xs, terms), ag.norm(terms)]) + sum(terms)
y.backward()
f = lambda p: ag.norm([p["a"] * p["b"], p["b"].exp(), p["c"]]) / (p["a"] + ag.sum(p.values()))
found = [x.grad for x in xs], grad(f)(dict(a=0.3, b=0.7, c=1.9)), hessian(f)(dict(a=0.3, b=0.7, c=1.9))
print(found)
"""


def test_the_same_bits_in_every_process():
    """Whatever seed strings are hashed with, and wherever objects lie in memory."""
    printed = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env=os.environ | {"PYTHONHASHSEED": seed}, text=True, capture_output=True, timeout=60, check=True,
        ).stdout
        for seed in ("0", "1", "12345")
    }  # fmt: skip
    assert len(printed) == 1
    assert "nan" not in printed.pop()


@pytest.mark.parametrize("plant", [lambda p, i: p * 1.0005, lambda p, i: -p, lambda p, i: p * 0.0 if i == 0 else p])
@pytest.mark.parametrize("name", ["mul", "tanh", "dot"])
def test_planted_mistake_is_caught_in_a_graph(name, plant):
    """Dual numbers and finite differences find a wrong derivative deep inside a graph of shared operands."""
    wrong = checks.broken(OPERATIONS[name], plant)

    def f(a, b):
        h = a * b + a.tanh()
        broken = h.apply(wrong, {"tanh": (h,), "mul": (h, a)}.get(name, (h, a, b, h)))
        return broken * h + b

    a, b = Value(0.7), Value(-1.2)
    output = f(a, b)
    output.backward()
    wants = [checks.dual_derivative(output, leaf) for leaf in (a, b)]
    assert any(abs(leaf.grad - want) > 1e-6 * size for leaf, (want, size) in zip((a, b), wants, strict=True))
    differences = numerical_grad(f, 0.7, -1.2, argnums=(0, 1))
    assert any(abs(leaf.grad - want) > 1e-6 for leaf, want in zip((a, b), differences, strict=True))
    with pytest.raises(ag.GradientCheckError, match=f"the first suspect is the operation {name!r}"):
        ag.check_grad(f, 0.7, -1.2)


# -------------------------------------------------------------- deep and wide


def test_a_chain_of_a_million_nodes():
    """Forward, backward and away, with the default recursion limit."""
    assert sys.getrecursionlimit() <= 3000
    x = first = Value(1.0)
    half, one = Value(0.5), Value(1.0)
    for _ in range(500_000):
        x = x * half + one  # two nodes; tends to 2
    assert x.data == 2.0
    x.backward()
    assert one.grad == 2.0  # 1 + ½ + ¼ + …
    assert first.grad == 0.5**500_000 == 0.0
    del x


def test_a_long_chain_of_unary_nodes():
    x = first = Value(1.0)
    for _ in range(100_000):
        x = -x
    x.backward()
    assert first.grad == 1.0


def test_a_sum_of_a_million_operands():
    xs = [Value(1.0) for _ in range(1_000_000)]
    total = ag.sum(xs)
    assert total.data == 1_000_000.0
    total.backward(0.25)
    assert all(x.grad == 0.25 for x in xs)


@pytest.mark.parametrize("levels", [200, 2000])
def test_a_diamond_of_exponentially_many_paths(levels):
    """Each level doubles and halves by exact powers of two, so 2^levels paths carry a derivative of exactly 1."""
    x = first = Value(3.0)
    for _ in range(levels):
        x = x * 0.5 + x * 0.5
    assert x.data == 3.0
    x.backward()
    assert first.grad == 1.0


def test_a_diamond_without_halving():
    x = first = Value(1.0)
    for _ in range(200):
        x = x + x
    x.backward()
    assert x.data == first.grad == 2.0**200


def test_transformations_of_a_deep_function():
    def chain(x):
        for _ in range(20_000):
            x = x * 0.5 + 1.0
        return x * x

    assert grad(chain)(1.0) == 0.0
    assert jvp(chain, (1.0,), (1.0,)) == (4.0, 0.0)
    assert gradients(chain(Value(1.0)), []) == []

    def diamond(x):
        for _ in range(200):
            x = x * 0.5 + x * 0.5
        return x * x

    assert grad(diamond)(3.0) == 6.0
    assert grad(grad(diamond))(3.0) == 2.0
    assert len(topological_order(diamond(Value(3.0)))) == 602


# ------------------------------------------------------------- memory, threads


@contextlib.contextmanager
def collector_off():
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def training_step(weights, xs, rate):
    hidden = [ag.dot(weights[3 * i : 3 * i + 2], xs, weights[3 * i + 2]).tanh() for i in range(4)]
    loss = (ag.sum(hidden) - 0.5) ** 2 + 0.01 * sum(w * w for w in weights)
    for w in weights:
        w.zero_grad()
    loss.backward()
    for w in weights:
        w.data -= rate * w.grad
    return loss.data


def test_memory_is_flat_over_two_thousand_steps_without_the_collector():
    rng = random.Random(0)
    weights = [Value(rng.uniform(-1, 1)) for _ in range(12)]
    with collector_off():
        losses = [training_step(weights, (0.3, -0.7), 0.01) for _ in range(200)]
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            for _ in range(2_000):
                losses[-1] = training_step(weights, (0.3, -0.7), 0.01)
            after = tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
    assert losses[-1] < losses[0]
    assert after - before < 5_000  # a single step's graph is over 10,000 bytes


def test_a_graph_is_freed_with_its_root():
    """No reference cycles: after forward, backward, transformations and copies nothing is left for the collector."""
    x = Value(0.5)

    def work():
        y = (x * x + x.exp()).tanh()
        y.backward()
        gradients(gradients(y, x, create_graph=True), x)
        grad(grad(lambda t: t * t * x))(2.0)
        hessian(lambda p: p[0] * p[1])([1.0, 2.0])
        copy.deepcopy(y)

    work()
    with collector_off():
        work()
        values = sum(isinstance(v, Value) for v in gc.get_objects())
        for _ in range(20):
            work()
        assert sum(isinstance(v, Value) for v in gc.get_objects()) == values


def test_values_cannot_be_weakly_referenced_or_given_attributes():
    """They have slots: a misspelt attribute is an error, and a node is small."""
    with pytest.raises(AttributeError):
        Value(1.0).weight = 2.0
    with pytest.raises(TypeError):
        weakref.ref(Value(1.0))


def test_eight_threads_build_and_differentiate_at_once():
    def work(seed):
        rng = random.Random(seed)
        xs = [Value(rng.uniform(-1, 1)) for _ in range(20)]
        found = []
        barrier.wait(timeout=60)
        for _ in range(60):
            y = functools.reduce(lambda a, b: (a * b + a).tanh(), xs)
            for x in xs:
                x.zero_grad()
            y.backward()
            found.append((y.data, *[x.grad for x in xs], hessian(lambda p: p[0] * p[1].exp())([0.5, rng.random()])))
        return found

    barrier = threading.Barrier(8)
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(work, range(8)))
    barrier = threading.Barrier(1)
    assert together == [work(seed) for seed in range(8)]


# ----------------------------------------------------------- copies and pickles


def network():
    a, b = Value(0.5, name="a"), Value(-2.0, name="b")
    frozen = Value(3.0, name="frozen")
    frozen.requires_grad = False
    h = a * b + frozen * 2.0
    h.name = "h"
    y = h * h + ag.dot([a, b, 1.5], [b, h, a])
    y.backward()
    return a, b, frozen, h, y


def by_pickle(x):
    return pickle.loads(pickle.dumps(x))


@pytest.mark.parametrize("duplicate", [copy.deepcopy, by_pickle])
def test_a_copied_graph_is_the_same_graph(duplicate):
    *_, y = network()
    twin = duplicate(y)
    ours, theirs = topological_order(y), topological_order(twin)
    assert not set(map(id, ours)) & set(map(id, theirs))
    assert len(ours) == len(theirs)
    by_name = lambda order: {v.name: v for v in order if v.name}
    assert set(by_name(ours)) == set(by_name(theirs)) == {"a", "b", "frozen", "h"}
    for v in (*by_name(ours).values(), y):
        w = by_name(theirs).get(v.name, twin)
        assert (w.data, w.grad, w.has_grad, w.op, w.partials) == (v.data, v.grad, v.has_grad, v.op, v.partials)
        assert w.requires_grad == v.requires_grad
    assert by_name(theirs)["frozen"].has_grad is False
    before = by_name(ours)["a"].grad
    twin.backward()
    assert by_name(theirs)["a"].grad == 2 * before
    assert by_name(ours)["a"].grad == before
    h = by_name(theirs)["h"]
    assert sum(x is h for v in theirs for x in v.operands) == 3  # h * h and the dot product: one h, shared


@pytest.mark.parametrize("duplicate", [copy.deepcopy, by_pickle])
def test_what_two_graphs_share_stays_shared(duplicate):
    w = Value(2.0, name="w")
    losses = [w * 3.0, w * w]
    one, two = duplicate(losses)
    assert one.operands[0] is two.operands[0] is two.operands[1]
    assert duplicate({"w": w, "again": w})["w"] is not w
    pair = duplicate([w, w])
    assert pair[0] is pair[1]


def test_deepcopy_keeps_a_node_that_two_structures_share():
    h = Value(2.0) * 3.0
    one, two = copy.deepcopy([h, h * h])
    assert two.operands[0] is one


def test_a_shallow_copy_shares_its_operands():
    *_, y = network()
    twin = copy.copy(y)
    assert twin is not y
    assert all(a is b for a, b in zip(twin.operands, y.operands, strict=True))
    assert (twin.data, twin.grad, twin.op) == (y.data, y.grad, y.op)
    named = copy.copy(Value(1.0, name="left"))
    original_name = named.name
    copy.copy(named).name = "other"
    assert named.name == original_name == "left"


class Labelled(Value):
    """A subclass with an attribute and a constructor of its own."""

    def __init__(self, data, *, labels):
        super().__init__(data)
        self.labels = labels


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, by_pickle])
def test_a_subclass_is_copied_with_its_attributes(duplicate):
    x = Labelled(2.0, labels=["here"])
    x.name, x.grad = "x", 3.0
    twin = duplicate(x)
    assert type(twin) is Labelled
    assert (twin.data, twin.grad, twin.name, twin.labels) == (2.0, 3.0, "x", ["here"])
    assert (twin.labels is x.labels) == (duplicate is copy.copy)
    y = x * x
    if duplicate is not copy.copy:
        (left, right) = duplicate(y).operands
        assert left is right is not x
        assert left.labels == ["here"]


@pytest.mark.parametrize("duplicate", [copy.deepcopy, by_pickle])
def test_a_deep_graph_is_copied(duplicate):
    x = Value(1.0, name="x")
    y = x
    for _ in range(50_000):
        y = y * 0.5 + x
    twin = duplicate(y)
    assert twin.data == y.data
    order = topological_order(twin)
    assert len(order) == 100_001
    twin.backward()
    assert order[0].name == "x"
    assert order[0].grad == 2.0
    assert not x.has_grad


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_pickle_protocol(protocol):
    a = Value(float("nan"), name="α")
    b = pickle.loads(pickle.dumps(a * -0.0, protocol))
    assert math.isnan(b.data)
    assert math.copysign(1.0, b.operands[1]) == -1.0
    assert b.operands[0].name == "α"


def test_a_pickled_row_is_the_row_of_the_table():
    assert by_pickle(OPERATIONS["tanh"]) is OPERATIONS["tanh"]
    assert copy.deepcopy(OPERATIONS["tanh"]) is OPERATIONS["tanh"]


def test_sums_of_one_leaf_in_any_shape():
    """The built-in sum, a chain and one node: all the same derivative."""
    x = Value(1.5)
    for total in (
        sum([x] * 10),
        functools.reduce(operator.add, [x] * 10),
        ag.sum([x] * 10),
        ag.dot([x] * 10, [1.0] * 10),
    ):
        x.zero_grad()
        total.backward()
        assert x.grad == 10.0
