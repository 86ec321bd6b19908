"""Loops that the program says: loop, while_loop, scan and take, in plain Python and compiled."""

from __future__ import annotations

import math
import pickle
import random
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd as ag
import nn
from autograd import TracedBranchError, TraceError, Value, grad, jit, loop, scan, take, while_loop
from autograd.compiler.llvm import lanes, single
from autograd.pytree import flatten


def newton(a: Any) -> Any:
    return while_loop(lambda x: abs(x * x - a) > 1e-12, lambda x: 0.5 * (x + a / x), 1.0, limit=100)


def predators(x: Any, rate: Any) -> Any:
    def body(i: Any, state: Any) -> Any:
        prey, hunters = state
        return [prey + 0.01 * (rate * prey - prey * hunters), hunters + 0.01 * (prey * hunters - hunters) * rate]

    return loop(50, body, [x, 2.0])


def nested(x: Any) -> Any:
    return loop(3, lambda i, s: loop(4, lambda j, t: t * 0.9 + ag.sin(s + i * 0.1 - j) * x, s), x)


def while_in_loop(x: Any) -> Any:
    return loop(5, lambda i, s: s + 0.1 * newton(s), x)


def recurrent(xs: Any) -> Any:
    def body(state: Any, x: Any) -> Any:
        new = {"h": ag.tanh(state["h"] * x[0] + state["c"]), "c": state["c"] + x[1] * state["h"]}
        return new, [state["h"], x[0] * x[1]]

    last, ys = scan(body, {"h": xs[0], "c": 0.1}, [[x, 2.0 * x] for x in xs])
    return [last["h"], last["c"], *[number for y in ys for number in y]]


def twice(xs: Any) -> Any:
    last, ys = scan(lambda c, x: (0.9 * c + x, c * x), 0.5, xs)
    back, _ = scan(lambda c, y: (c * y + 1.0, None), last, ys[::-1])
    return back * ys[1]


def taken(xs: Any) -> Any:
    return loop(4, lambda i, s: s * take(xs, i) + take(xs, 3.0 - i), xs[0])


def taken_rows(xs: Any) -> Any:
    rows = [{"a": x, "b": [x * x, 1.0]} for x in xs]
    return loop(3, lambda i, s: s * take(rows, i - 1.0)["b"][0] + take(rows, i)["a"], 1.0)


def chosen(x: Any) -> Any:
    return loop(6, lambda i, s: ag.where(s > 1.0, ag.sqrt(s - 1.0), s * s + x), x)


def learned(x: Any) -> Any:
    return loop(3, lambda i, s: s - 0.1 * grad(lambda z: (z - x) ** 4)(s), 1.0)


CASES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "while": (newton, (2.0,)),
    "state and a number from outside": (predators, (1.5, 0.7)),
    "one in another": (nested, (0.3,)),
    "while in a loop": (while_in_loop, (2.3,)),
    "scan of structures": (recurrent, ([0.4, 0.5, 0.6],)),
    "tapes that two scans read": (twice, ([0.4, 0.5, -0.6],)),
    "take": (taken, ([0.4, 0.5, 0.6, 0.7],)),
    "take of structures": (taken_rows, ([0.4, 0.5, 0.6, 0.7],)),
    "where": (chosen, (0.8,)),
    "gradient in the body": (learned, (0.2,)),
    "state that stays": (lambda x: loop(3, lambda i, s: s, x) * x, (1.5,)),
    "no turn": (lambda x: loop(0, lambda i, s: s * x, x) * x, (1.5,)),
    "no turn of while": (lambda x: while_loop(lambda s: s < 0.0, lambda s: s * x, x * x), (1.5,)),
    "states that change places": (lambda x: loop(3, lambda i, s: [s[1], s[0]], [x, 1.0])[0] * x, (1.5,)),
    "state from outside": (lambda x: loop(3, lambda i, s: [x, s[0] * s[1]], [x, 1.0])[1], (1.5,)),
    "no number from outside": (lambda x: x * loop(3, lambda i, s: s * 2.0 + i, 1.0), (1.5,)),
    "long state": (lambda x: loop(3, lambda i, s: [*s[1:], ag.sin(s[0] * x)], [x + k for k in range(40)]), (0.5,)),
    "no number in the state": (lambda x: scan(lambda s, y: (s, y * x), [], [x, 2.0])[1][0], (1.5,)),
}


def close(a: Any, b: Any, digits: float = 1e-12) -> bool:
    """Whether all numbers agree but for the order of sums: some ten roundings, each 1e-16 of the largest."""
    xs, ys = flatten(a)[0], flatten(b)[0]
    scale = 1.0 + max(map(abs, xs), default=0.0)
    return len(xs) == len(ys) and all(abs(x - y) <= digits * scale for x, y in zip(xs, ys, strict=True))


def total(f: Any) -> Any:
    return lambda *args: ag.sum(flatten(f(*args))[0])


@pytest.mark.parametrize("name", CASES)
def test_compiled_values_have_the_bits_of_plain_python(name: str) -> None:
    f, args = CASES[name]
    compiled = jit(f)
    assert compiled(*args) == f(*args)
    numbers = flatten(args)[0]
    assert compiled.program(*args).run(numbers) == flatten(f(*args))[0]


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("name", CASES)
def test_compiled_derivatives_are_those_of_plain_python(name: str, order: int) -> None:
    f, args = CASES[name]
    for _ in range(order):
        f = grad(total(f))
    compiled = jit(f)
    assert close(f(*args), compiled(*args))
    program = compiled.program(*args)
    assert program.run(flatten(args)[0]) == flatten(compiled(*args))[0]  # the interpreter and the machine, to the bit


@pytest.mark.parametrize("name", CASES)
def test_forward_mode_and_both_together(name: str) -> None:
    f, args = CASES[name]
    f, (point, *rest) = total(f), args
    leaves, build = flatten(point)
    direction = build([1.0 + 0.5 * k for k in range(len(leaves))])
    forward = lambda p: ag.jvp(lambda q: f(q, *rest), (p,), (direction,))
    both = lambda p: ag.hvp(lambda q: f(q, *rest), (p,), (direction,))
    backward = lambda p: grad(lambda q: ag.jvp(lambda r: f(r, *rest), (q,), (direction,))[1])(p)
    for g in (forward, both, backward, lambda p: ag.jvp(forward, (p,), (direction,))):
        assert close(g(point), jit(g)(point))


@pytest.mark.parametrize("name", CASES)
def test_against_finite_differences(name: str) -> None:
    f, args = CASES[name]
    f, (point, *rest) = total(f), args
    leaves, build = flatten(point)
    compiled = jit(lambda p: f(p, *rest))
    slopes = flatten(jit(grad(lambda p: f(p, *rest)))(point))[0]
    for k in range(min(len(leaves), 4)):
        h = 1e-5
        ahead, behind = [build([x + s * h * (j == k) for j, x in enumerate(leaves)]) for s in (1.0, -1.0)]
        slope = (compiled(ahead) - compiled(behind)) / (2.0 * h)
        assert slope == pytest.approx(slopes[k], rel=1e-6, abs=1e-6)  # h² = 1e-10, and 1e-16 / h


@pytest.mark.parametrize("name", CASES)
def test_code_with_loops_of_its_own(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single, "FLAT", 0)
    monkeypatch.setattr(lanes, "FLAT", 0)
    monkeypatch.setattr(single, "PART", 7)
    f, args = CASES[name]
    gradient = grad(total(f))
    assert jit(f)(*args) == f(*args)
    compiled = jit(gradient)
    assert flatten(compiled(*args))[0] == compiled.program(*args).run(flatten(args)[0])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 6), st.integers(1, 3))
def test_random_bodies(seed: int, turns: int, size: int) -> None:
    chance = random.Random(seed)

    names = ["add", "sub", "mul", "tanh", "sin", "where", "div"]
    step = lambda: (chance.choice(names), chance.randrange(99), chance.randrange(99))
    plan = [[step() for _ in range(chance.randrange(1, 6))] for _ in range(size)]

    def body(i: Any, state: list[Any], outside: list[Any]) -> list[Any]:
        new = []
        for steps in plan:
            pool = [*state, *outside, 0.1 * i, 0.7]
            for name, a, b in steps:
                x, y = pool[a % len(pool)], pool[b % len(pool)]
                pool.append(_made(name, x, y))
            new.append(ag.tanh(pool[-1]))
        return new

    def f(start: list[Any], outside: list[Any]) -> Any:
        end = loop(turns, lambda i, state: body(i, state, outside), start)
        return ag.sum(end) * outside[0]

    args = [chance.uniform(-1.0, 1.0) for _ in range(size)], [chance.uniform(-1.0, 1.0) for _ in range(2)]
    assert jit(f)(*args) == f(*args)
    first = grad(f, (0, 1))
    assert close(first(*args), jit(first)(*args))
    second = grad(lambda a, b: ag.sum([x * x for x in flatten(first(a, b))[0]]), (0, 1))
    assert close(second(*args), jit(second)(*args), 1e-10)  # a product of derivatives, which may be large


def _made(name: str, x: Any, y: Any) -> Any:
    if name == "where":
        return ag.where(x > y, x * y, y)
    if name in ("tanh", "sin"):
        return getattr(ag, name)(x)
    if name == "div":
        return x / (1.5 + y * y)
    return {"add": x + y, "sub": x - y, "mul": x * y}[name]


def test_the_number_of_turns_may_be_a_traced_number() -> None:
    power = lambda n, x: loop(n, lambda i, s: s * x, 1.0)
    compiled, slope = jit(power), jit(grad(power, 1))
    for n in (0, 1, 7):
        assert compiled(float(n), 1.1) == power(n, 1.1)
        assert slope(float(n), 1.1) == pytest.approx(n * 1.1 ** (n - 1), rel=1e-14)
    for n in (2.5, -4.0, math.nan, math.inf, -math.inf):
        for f in (compiled, slope):
            with pytest.raises(
                ValueError, match=rf"whole number of turns, 0 or more, and {re.escape(repr(n))} was given"
            ):
                f(n, 1.1)
    assert compiled(3.0, 1.1) == power(3, 1.1)


def test_a_long_while_with_a_gradient() -> None:
    """The tape of the states doubles again and again."""
    count = lambda x, n: while_loop(lambda s: s[0] < n, lambda s: [s[0] + 1.0, s[1] * x], [0.0, 1.0])[1]
    slope = jit(grad(count))
    for n in (15.0, 16.0, 17.0, 1000.0):
        x = 1.001
        assert slope(x, n) == pytest.approx(n * x ** (n - 1.0), rel=1e-12)


def test_ten_thousand_turns_are_traced_once() -> None:
    f = jit(grad(lambda x: loop(10_000, lambda i, s: s + ag.sin(s) * 1e-4 * x, 1.0)))
    assert f.cost(1.0).instructions < 40
    slope = f(1.0)
    h = 1e-6
    g = jit(lambda x: loop(10_000, lambda i, s: s + ag.sin(s) * 1e-4 * x, 1.0))
    assert slope == pytest.approx((g(1.0 + h) - g(1.0 - h)) / (2.0 * h), rel=1e-8)


@pytest.mark.parametrize("flat", [0, 2500])
def test_batches(flat: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single, "FLAT", flat)
    monkeypatch.setattr(lanes, "FLAT", flat)
    xs = np.linspace(0.1, 20.0, 37)
    root, slope = jit(newton), jit(grad(newton))
    assert root(xs).tolist() == [newton(x) for x in xs.tolist()]
    assert slope(xs).tolist() == [slope(x) for x in xs.tolist()]
    loss = jit(ag.value_and_grad(lambda w, x: (newton(w * x) - 1.0) ** 2))
    expected = np.mean([loss(2.0, x) for x in xs.tolist()], axis=0)
    assert loss.mean(2.0, xs) == pytest.approx(expected, rel=1e-13)
    assert loss.sum(2.0, xs[:1]) == loss(2.0, float(xs[0]))
    assert loss.mean(2.0, xs, then=lambda r, w: w - 0.1 * r[1]) == pytest.approx(2.0 - 0.1 * expected[1], rel=1e-13)
    rows = np.arange(12.0).reshape(4, 3)
    assert jit(lambda row: taken([*row, 1.0])).sum(rows) == sum(taken([*row, 1.0]) for row in rows.tolist())


def test_repeat_of_a_function_with_a_loop() -> None:
    f = jit(lambda x: loop(3, lambda i, s: s * x, 1.0))
    assert f.repeat(2, 1.1) == f(f(1.1))
    wide = jit(lambda xs: loop(2, lambda i, s: [*s[1:], s[0] * 0.5], xs))
    numbers = [float(k) for k in range(100)]
    assert wide.repeat(3, numbers) == wide(wide(wide(numbers)))


def test_a_model_in_the_body_learns_as_in_plain_python() -> None:
    cell = nn.Layer(3, 2)

    def run(xs: list[float]) -> Any:
        last, _ = scan(lambda h, x: ([v.tanh() for v in cell([*h, x])], None), [0.0, 0.0], xs)
        return last[0] * last[1] + last[1]

    def step(xs: list[float]) -> Any:
        cell.zero_grad()
        loss = run(xs)
        loss.backward()
        return loss

    xs = [0.1 * k for k in range(12)]
    loss = step(xs).data
    expected = [p.grad for p in cell.parameters()]
    assert jit(step, parameters=cell)(xs) == loss
    assert [p.grad for p in cell.parameters()] == pytest.approx(expected, rel=1e-12)


def test_a_model_with_a_loop_is_fitted() -> None:
    class Recurrent(nn.Module):
        def __init__(self) -> None:
            self.cell, self.out = nn.Layer(3, 2), nn.Layer(2, 1)
            for k, p in enumerate(self.parameters()):
                p.data = 0.1 * (k + 1) - 0.4

        def __call__(self, xs: Any) -> Any:
            last, _ = scan(lambda h, x: ([v.tanh() for v in self.cell([*h, x])], None), [0.0, 0.0], xs)
            return self.out(last)

        def parameters(self) -> list[Value]:
            return [*self.cell.parameters(), *self.out.parameters()]

    chance = random.Random(3)
    inputs = [[chance.gauss(0.0, 1.0) for _ in range(6)] for _ in range(30)]
    targets = [[sum(x)] for x in inputs]
    losses = []
    for compiled in (False, True):
        history = nn.fit(Recurrent(), inputs, targets, epochs=3, batch_size=10, jit=compiled, progress=False)
        losses.append(history["loss"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-10)


def test_plain_python_builds_a_graph_of_all_turns() -> None:
    x = Value(2.0)
    y = loop(3, lambda i, s: s * x, x)
    assert [node.op.name for node in ag.topological_order(y) if node.op] == ["mul"] * 3
    y.backward()
    assert (y.data, x.grad) == (16.0, 32.0)
    assert loop(Value(2.0), lambda i, s: s + i, 0.0) == 1.0
    deep = loop(20_000, lambda i, s: s * 1.0 + x * 0.0, x)
    deep.backward()


def test_take_in_plain_python() -> None:
    x = [Value(1.0), Value(2.0)]
    assert take(x, 1) is x[1]
    assert take(x, Value(-2.0)) is x[0]
    for index in (2, -3, 0.5, True, math.nan, math.inf):
        with pytest.raises(IndexError, match="whole index from -2 to 1, for 2 entries"):
            take(x, index)


def test_take_beyond_the_end_is_said_when_it_runs() -> None:
    f = jit(take)
    assert [f([1.0, 2.0], i) for i in (0.0, 1.0, -1.0, -2.0)] == [1.0, 2.0, 2.0, 1.0]
    for index in (2.0, -3.0, 0.5, math.nan):
        with pytest.raises(IndexError, match=r"whole index from -2 to 1.*was given"):
            f([1.0, 2.0], index)
    with pytest.raises(IndexError, match="empty list"):
        jit(lambda i: take([], i))(0.0)
    with pytest.raises(TraceError, match=r"take\(list, index\)"):
        jit(lambda xs, i: xs[i])([1.0, 2.0], 1.0)


def test_a_while_that_does_not_end() -> None:
    count = lambda n: while_loop(lambda x: x < n, lambda x: x + 1.0 + 1e-9 * n, 0.0, limit=5)
    for f in (count, jit(count), jit(grad(count))):
        f(5.0)
        with pytest.raises(RuntimeError, match=r"test_loops.py:\d+ had not ended after 5 turns"):
            f(6.1)
    with pytest.raises(RuntimeError, match="had not ended"):
        jit(count)(np.array([1.0, 9.0, 2.0]))
    for limit in (-1, 2.0, True):
        with pytest.raises(ValueError, match="limit is a number of turns"):
            while_loop(lambda x: x < 1.0, lambda x: x, 0.0, limit=limit)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrap", [lambda f: f, jit])
def test_a_body_that_changes_the_structure(wrap: Any) -> None:
    words = r"test_loops.py:\d+ returned another structure: the state has the structure.*2 entries, and 3 entries"
    for f in (
        lambda x: loop(2, lambda i, s: [*s, x], [x, x]),
        lambda x: while_loop(lambda s: s[0] < 3.0, lambda s: [*s, x], [x, x]),
        lambda x: scan(lambda s, y: ([*s, y], y), [x, x], [x, x]),
    ):
        with pytest.raises(TypeError, match=words):
            wrap(f)(1.0)
    with pytest.raises(TypeError, match="one number, and list was given"):
        wrap(lambda x: loop(2, lambda i, s: [s], x))(1.0)
    with pytest.raises(TypeError, match="returned another structure"):
        wrap(lambda x: loop(2, lambda i, s: None, x))(1.0)
    with pytest.raises(TypeError, match="returns two things, the new state and y"):
        wrap(lambda x: scan(lambda s, y: s + y, x, [x]))(1.0)
    with pytest.raises(ValueError, match="an entry of xs has the structure"):
        wrap(lambda x: scan(lambda s, y: (s, s), x, [x, [x]]))(1.0)


@pytest.mark.parametrize("count", [-1, 2.5, True, math.nan, math.inf, "3", None])
@pytest.mark.parametrize("wrap", [lambda f: f, jit])
def test_a_count_that_is_none(wrap: Any, count: Any) -> None:
    with pytest.raises(ValueError, match="loop takes a whole number of turns, 0 or more"):
        wrap(lambda x: loop(count, lambda i, s: s, x))(1.0)


@pytest.mark.parametrize("state", ["a", [1.0, "a"], True, None, {"x": b"1"}])
@pytest.mark.parametrize("wrap", [lambda f: f, jit])
def test_a_state_that_is_no_structure_of_numbers(wrap: Any, state: Any) -> None:
    for f in (
        lambda x: loop(2, lambda i, s: s, state),
        lambda x: while_loop(lambda s: False, lambda s: s, state),
        lambda x: scan(lambda s, y: (s, y), state, [x]),
        lambda x: scan(lambda s, y: (s, y), x, [state, state]),
    ):
        with pytest.raises(TypeError, match="here a number, or a list, tuple, dict, dataclass or array of numbers"):
            wrap(f)(1.0)


@pytest.mark.parametrize("wrap", [lambda f: f, jit])
def test_a_condition_in_the_state(wrap: Any) -> None:
    with pytest.raises(TypeError, match=r"bool was given|a comparison is not a number; write where"):
        wrap(lambda x: loop(2, lambda i, s: (s[0], s[1]), (x, x > 0.0)))(1.0)
    with pytest.raises(
        TypeError, match=r"another structure.* bool was given|a comparison is not a number; write where"
    ):
        wrap(lambda x: loop(2, lambda i, s: (s[0], s[0] > 0.0), (x, x)))(1.0)
    with pytest.raises(TypeError, match=r"bool was given|a comparison is not a number; write where"):
        wrap(lambda x: scan(lambda s, y: (s + ag.where(y, 1.0, 2.0), s), x, [x > 1.0, x > 3.0]))(1.0)
    with pytest.raises(TypeError, match=r"bool was given|a comparison is not a number; write where"):
        wrap(lambda x: scan(lambda s, y: (s, s > y), x, [x, x]))(1.0)
    with pytest.raises((ValueError, TraceError), match=r"a whole number of turns.*True|a comparison is not a number"):
        wrap(lambda x: loop(x > 1.0, lambda i, s: s * 2.0, x))(2.0)


@pytest.mark.parametrize("xs", [None, 3.0, "12", {"a": 1.0}])
@pytest.mark.parametrize("wrap", [lambda f: f, jit])
def test_a_scan_over_what_is_no_list(wrap: Any, xs: Any) -> None:
    with pytest.raises(TypeError, match="scan goes through a list of numbers, or of structures of numbers, and"):
        wrap(lambda x: scan(lambda s, y: (s, y), x, xs))(1.0)


@pytest.mark.parametrize("wrap", [lambda f: f, jit])
def test_taking_from_what_is_no_list(wrap: Any) -> None:
    with pytest.raises(TypeError, match="take takes from a list of numbers, or of structures of numbers, and"):
        wrap(lambda x: take(x, 0.0))(1.0)
    with pytest.raises(TypeError, match="take takes from a list of numbers, or of structures of numbers, and"):
        wrap(lambda x: take(5.0, x))(1.0)


@pytest.mark.parametrize("wrap", [lambda f: f, jit])
def test_a_limit_beyond_all_numbers(wrap: Any) -> None:
    count = lambda x: while_loop(lambda s: s < 3.0, lambda s: s + x, x, limit=10**400)
    assert wrap(count)(1.0) == 3.0


@pytest.mark.parametrize("wrap", [lambda f: f, jit])
def test_a_condition_that_is_no_comparison(wrap: Any) -> None:
    with pytest.raises(TypeError, match="is a comparison, and it returned"):
        wrap(lambda x: while_loop(lambda s: None, lambda s: s, x))(1.0)


def test_a_branch_in_the_body_names_its_line() -> None:
    with pytest.raises(TracedBranchError, match=r"test_loops.py:\d+: .*s \* x if s > 0.0"):
        jit(lambda x: loop(2, lambda i, s: s * x if s > 0.0 else s, x))(1.0)


def test_a_number_that_leaves_the_body() -> None:
    kept: list[Any] = []

    def f(x: Any) -> Any:
        loop(2, lambda i, s: kept.append(s) or s, x)
        return kept[0] * x

    with pytest.raises(TraceError, match="used after its trace had ended"):
        jit(f)(1.0)


def test_a_value_from_outside_must_be_declared() -> None:
    w = Value(2.0)
    with pytest.raises(TraceError, match=r"uses Value.* from outside"):
        jit(lambda x: loop(2, lambda i, s: s * w, x))(1.0)
    assert jit(lambda x: loop(2, lambda i, s: s * w, x), parameters=[w])(1.0) == 4.0
    w.data = 3.0
    assert loop(2, lambda i, s: s * w, 1.0).data == 9.0


def test_a_frozen_value_and_no_grad() -> None:
    w = Value(2.0)
    w.requires_grad = False
    f = lambda x: loop(3, lambda i, s: s * w * x, x)
    assert jit(grad(f), parameters=[w])(1.5) == pytest.approx(grad(f)(1.5), rel=1e-14)

    def silent(x: Any) -> Any:
        with ag.no_grad():
            y = loop(2, lambda i, s: s * x, x)
        return x * y

    assert jit(grad(silent))(1.5) == grad(silent)(1.5) == 1.5**3


def test_an_error_in_a_body_leaves_the_trace_clean() -> None:
    def fail(x: Any) -> Any:
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        jit(lambda x: loop(2, lambda i, s: fail(s), x))(1.0)
    assert loop(2, lambda i, s: s * 2.0, 1.0) == 4.0
    assert jit(lambda x: loop(2, lambda i, s: s * x, 1.0))(3.0) == 9.0


def test_a_compiled_function_inside_a_body() -> None:
    step = jit(lambda s, x: ag.sin(s) * x)
    f = lambda x: loop(4, lambda i, s: step(s, x), x)
    plain = lambda x: loop(4, lambda i, s: ag.sin(s) * x, x)
    assert jit(f)(0.7) == plain(0.7)
    assert jit(grad(f))(0.7) == pytest.approx(grad(plain)(0.7), rel=1e-14)


def test_pickled() -> None:
    f = jit(grad(newton))
    f(2.0)
    again = pickle.loads(pickle.dumps(f))
    assert again(3.0) == f(3.0)


def test_printed_and_counted() -> None:
    program = jit(newton).program(2.0)
    assert (
        str(program)
        == """\
inputs a
  t4 = loop 0(0, 1, a)
  t5 = t4[0]
return t5
loop 0 with a condition, at most 100 turns:
  inputs i, s0, u0
    t3 = u0 ÷ s0
    t4 = s0 + t3
    t5 = 0.5 × t4
  return t5
  while
  inputs i, s0, u0
    t3 = s0 × s0
    t4 = t3 − u0
    t5 = |t4|
    t6 = t5 > 9.9999999999999998e-13
  return t6"""
    )
    assert program.cost().flops == 6
    assert "tape" in str(jit(lambda xs: taken(xs)).program([1.0] * 40))
    assert "…" in str(jit(lambda xs: taken(xs)).program([1.0] * 40))
    assert program.dot().startswith("digraph")
    with pytest.raises(ValueError, match="take one turn"):
        program.graph([2.0])


def test_fastmath() -> None:
    f = jit(grad(total(predators)), fastmath=True)
    assert close(f(1.5, 0.7), grad(total(predators))(1.5, 0.7), 1e-10)  # fused and in another order


def test_rows_of_an_array() -> None:
    rows = np.arange(6.0).reshape(3, 2)
    f = lambda table: scan(lambda s, row: (s + row[0] * row[1], row[0]), 0.0, table)[0]
    assert jit(f, in_axes=None)(rows) == f(rows) == 0.0 + 6.0 + 20.0


def test_the_body_keeps_the_variables_that_it_began_with() -> None:
    """Plain Python runs it at once; the compiled derivative runs it again, when they may have changed."""

    def layers(weights: Any) -> Any:
        x = 1.0
        for w in weights:
            scaled = lambda s, w=w: s * w
            x = loop(3, lambda i, s: scaled(s) * w, x)  # noqa: B023 - that is the point
        return x

    def later(x: Any) -> Any:
        w = x
        y = loop(3, lambda i, s: s * w, 1.0)
        w = x * x
        return y

    assert close(grad(layers)([1.1, 0.7]), jit(grad(layers))([1.1, 0.7]))
    assert jit(grad(later))(2.0) == 12.0
    holder: Any = type("Holder", (), {})()

    def changed(x: Any) -> Any:
        holder.w = x
        y = loop(3, lambda i, s: s * holder.w, 1.0)
        holder.w = 1.0
        return y

    with pytest.raises(TraceError, match="computed something else"):
        jit(grad(changed))(2.0)
    chance = random.Random(1)
    with pytest.raises(TraceError, match="draws random numbers"):
        jit(grad(lambda x: loop(3, lambda i, s: s * x + chance.random(), 1.0)))(2.0)


def test_a_condition_from_outside_among_many_numbers() -> None:
    def f(x: Any, y: Any, z: Any) -> Any:
        c, n = x > y, [x * y, x * y - z, z * y, z * y + x]
        numbers, chance = [x, y, z], random.Random(1)
        for _ in range(1000):
            numbers.append(ag.tanh(chance.choice(numbers) * chance.choice(numbers) - chance.choice(numbers)))
        body = lambda i, s: ag.where(c & (s > 0.0), s * n[0] + n[1], s) * n[2] + n[3]
        return loop(2, body, z), ag.sum(numbers)

    assert jit(f)(0.3, 0.2, 0.1)[0] == f(0.3, 0.2, 0.1)[0]


def test_tapes_in_code_that_is_compiled_in_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """LLVM's quickest compiler, which very long programs get, takes other ways with an address in a double."""
    from autograd.compiler.call import machine

    original = machine.Code.__init__
    monkeypatch.setattr(machine.Code, "__init__", lambda self, module, rules, effort: original(self, module, rules, 0))
    for name in ("scan of structures", "tapes that two scans read", "take", "take of structures"):
        f, args = CASES[name]
        assert jit(f)(*args) == f(*args)
        gradient = grad(total(f))
        assert close(jit(gradient)(*args), gradient(*args))


def test_a_tape_that_no_memory_holds() -> None:
    f = jit(grad(lambda x, n: ag.sum(loop(n, lambda i, s: [t * x for t in s], [x + k for k in range(256)]))))
    for turns in (1e300, 1e15):
        with pytest.raises(MemoryError, match="one for each turn"):
            f(0.5, turns)


def test_a_state_of_many_numbers() -> None:
    n = 70_000  # more than there can be operations
    f = lambda x: loop(2, lambda i, y: [a * b for a, b in zip(x, y, strict=True)], [1.0] * n)[-1]
    assert jit(grad(f), in_axes=None)(np.ones(n))[-2:].tolist() == [0.0, 2.0]


@pytest.mark.parametrize("size", [3, 8, 9, 40, 131])
def test_a_body_whose_first_and_last_numbers_differ(size: int) -> None:
    def shifted(x: Any) -> Any:
        def body(i: Any, y: Any) -> Any:
            ahead = [x[0], *[a * b for a, b in zip(x[1:], y, strict=False)]]
            moved = [a + 0.1 * b for a, b in zip(y, ahead, strict=True)]
            behind = [*[a * b for a, b in zip(x, moved[1:], strict=False)], moved[0]]
            return [a + b / 3.0 for a, b in zip(moved, behind, strict=True)]

        return loop(4, body, [0.5] * len(x))[-1]

    x = np.random.default_rng(size).normal(size=size)
    gradient = jit(grad(shifted), in_axes=None)
    assert gradient(x).tolist() == gradient.program(x).run(x.tolist())  # whose turns are not side by side


def test_a_comparison_is_no_index_and_a_number_no_condition() -> None:
    with pytest.raises(TraceError, match="a comparison is not a number"):
        jit(lambda x: take([1.0, 2.0], x > 0.0))(1.0)
    for wrap in (lambda f: f, jit):
        with pytest.raises(TypeError, match="is a comparison"):
            wrap(lambda x: while_loop(lambda s: s, lambda s: s * x, x))(2.0)
        assert wrap(lambda x: while_loop(lambda s: np.bool_(False), lambda s: s * x, x))(2.0) == 2.0


def test_a_body_in_plain_python_may_change_what_is_around_it() -> None:
    turns, seen = 0, []

    def body(*arguments: Any) -> Any:
        nonlocal turns
        turns += 1
        seen.append(turns)
        return arguments[-1] * 2.0

    assert loop(3, body, 1.0) == 8.0
    assert while_loop(lambda s: s < 4.0 + turns, body, 1.0) == 16.0
    assert scan(lambda s, x: (body(s), x), 1.0, [1.0, 2.0])[0] == 4.0
    assert turns == len(seen) == seen[-1] == 9
