"""Loops that take the same turns become one: as few as there can be, and not a bit of a result changes."""

from __future__ import annotations

import functools
import random
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd as ag
from autograd import grad, hvp, jacobian, jit, jvp, loop, scan, take, while_loop
from autograd.compiler.program import fuse
from autograd.compiler.trace import recorder
from autograd.pytree import flatten


def calls(program: Any) -> int:
    """How many loops a program calls, those in the bodies of loops too."""
    inside = [part for procedure in program.procedures for part in (procedure.body, procedure.condition) if part]
    own: int = sum(name.startswith("loop ") for name, _ in program.instructions)
    return own + sum(map(calls, inside))


def bits(f: Any, *args: Any) -> tuple[int, list[bytes]]:
    """The number of loops, and the results, of the interpreter and the machine code, which agree to the bit."""
    compiled = jit(f, in_axes=None)
    program = compiled.program(*args)
    first, second = program.run(flatten(args)[0]), flatten(compiled(*args))[0]
    packed = [struct.pack("d", x if x == x else float("nan")) for x in first]
    assert packed == [struct.pack("d", x if x == x else float("nan")) for x in second]
    return calls(program), packed


def fewer(f: Any, *args: Any) -> tuple[int, int]:
    """How many loops there are with and without fusing them; the bits are the same."""
    count, results = bits(f, *args)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recorder, "fused", lambda program: program)
        before, expected = bits(f, *args)
    assert results == expected
    return before, count


def predators(state: Any, rate: Any) -> Any:
    def turn(i: Any, state: Any) -> Any:
        prey, hunters = state
        return [prey + 0.01 * (rate * prey - prey * hunters), hunters + 0.01 * (prey * hunters - hunters)]

    return loop(20, turn, state)


def root(a: Any) -> Any:
    return while_loop(lambda x: abs(x * x - a) > 1e-12, lambda x: 0.5 * (x + a / x), 1.0, limit=100)


def filtered(xs: Any, decay: Any) -> Any:
    last, ys = scan(lambda c, x: (decay * c + x, c * x), 0.5, xs)
    return last + ys[1]


def directions(f: Any, n: int) -> Any:
    """The derivatives by the first n numbers, by forward mode: a loop for each."""
    units = [[float(i == j) for j in range(n)] for i in range(n)]
    return lambda xs: [jvp(f, (xs,), (unit,)) for unit in units]


def test_all_directions_of_forward_mode_are_one_loop() -> None:
    f: Any = directions(lambda xs: predators(xs[:2], xs[2])[0], 3)
    assert fewer(f, [1.5, 0.7, 1.1]) == (4, 1)


def test_and_of_a_while_loop() -> None:
    assert fewer(directions(lambda xs: root(xs[0] * xs[1]), 2), [1.5, 0.7]) == (3, 1)


def test_and_of_a_scan() -> None:
    f: Any = directions(lambda xs: filtered(xs[:3], xs[3]), 4)
    before, count = fewer(f, [1.5, 0.7, 1.1, 0.3])
    assert before == 5
    assert count <= 2  # only some of them read the tape of tangents


def test_state_and_tangents_are_computed_once() -> None:
    program = jit(directions(lambda xs: predators(xs[:2], xs[2])[0], 3), in_axes=None).program([1.5, 0.7, 1.1])
    (procedure,) = program.procedures
    assert procedure.state == 2 + 3 * 2  # prey and hunters, and the tangents of both in three directions


def test_rows_of_a_jacobian_sweep_back_together() -> None:
    f = jacobian(lambda xs: predators(xs[:2], xs[2]))
    assert fewer(f, [1.5, 0.7, 1.1]) == (3, 2)  # one forwards, one back


def test_forward_over_reverse() -> None:
    before, count = fewer(
        lambda xs, v: hvp(lambda q: predators(q[:2], q[2])[0], (xs,), (v,)), [1.5, 0.7, 1.1], [1.0, 0.5, -1.0]
    )
    assert (before, count) == (4, 2)


def test_loops_inside_loops() -> None:
    f: Any = lambda xs: loop(5, lambda i, s: s + 0.1 * root(s * xs[0]), xs[1])
    assert fewer(directions(f, 2), [1.5, 0.7]) == (8, 2)


def test_what_another_loop_gives_comes_first() -> None:
    f: Any = lambda x: loop(3, lambda i, s: s * x, loop(3, lambda i, s: s + x * i, x))
    assert fewer(f, 1.5) == (2, 2)
    both: Any = lambda x: (f(x), loop(3, lambda i, s: [s[0] + x * i, s[1] * x], [x, ag.sin(x)]))
    assert fewer(both, 1.5) == (3, 2)  # the first is part of the last, whose sine is computed before both


def test_two_that_need_each_other_in_turn() -> None:
    def f(x: Any) -> Any:
        a: Any = lambda s: loop(3, lambda i, s: [s[0] * x, s[1] + s[0]], [x, s])
        b: Any = lambda s: while_loop(lambda s: s[0] < 9.0, lambda s: [s[0] + x, s[1] * s[0]], [x, s], limit=99)
        first, second = a(1.0), b(2.0)
        return first, second, a(second[1]), b(first[1])

    assert fewer(f, 1.5)[1] == 3  # not two, of which each would need the other


def test_loops_that_have_nothing_in_common_stay() -> None:
    assert fewer(lambda x, y: (loop(3, lambda i, s: s * x, x), loop(3, lambda i, s: s * y, y)), 1.5, 2.5) == (2, 2)
    assert fewer(lambda x: (loop(3, lambda i, s: s * x, x), loop(4, lambda i, s: s * x, x)), 1.5) == (2, 2)
    f: Any = lambda x, n: (loop(n, lambda i, s: s * x, x), loop(n, lambda i, s: [s[0] * x, s[1] + i], [x, 0.0]))
    assert fewer(f, 1.5, 3.0) == (2, 1)


def test_a_loop_is_put_to_those_that_it_has_something_in_common_with() -> None:
    def f(x: Any, y: Any) -> Any:
        first = loop(3, lambda i, s: [s[0] + 1.0, s[1] * x], [0.0, x])
        other = loop(3, lambda i, s: [s[0] + 1.0, s[1] * y], [0.0, y])
        return first, other, loop(3, lambda i, s: [s[0] * x, ag.sin(s[1])], [x, y + 1.0])

    assert fewer(f, 1.5, 2.5) == (3, 2)


def test_conditions_that_are_known_once_states_are_the_same() -> None:
    def f(x: Any) -> Any:
        def turn(i: Any, s: Any) -> Any:
            a, b = s[0] < 1.0, s[1] < 1.0
            return [s[0] * x, s[1] * x, ag.where((a ^ b) ^ (a | (b ^ True)), s[2] + 1.0, s[2] * 2.0)]

        return loop(3, turn, [x, x, 0.0])[2]

    assert fewer(lambda x: jvp(f, (x,), (1.0,)), 0.5) == (2, 1)

    def ends(x: Any) -> Any:
        goes_on = lambda s: ((s[0] < 9.0) ^ (s[1] < 9.0)) ^ (s[2] < 3.0)
        return while_loop(goes_on, lambda s: [s[0] * x, s[1] * x, s[2] + 1.0], [x, x, 0.0], limit=9)[0]

    assert fewer(lambda x: jvp(ends, (x,), (1.0,)), 1.5) == (2, 1)


def neighbours(n: int) -> Any:
    turn: Any = lambda i, s, x: [0.5 * s[k] + 0.1 * ag.sin(s[(k + 1) % n]) * x for k in range(n)]
    return lambda xs: loop(5, lambda i, s: turn(i, s, xs[0]), xs)


def inside(depth: int) -> Any:
    """Loops in each other, of two states."""
    if not depth:
        return lambda x: ag.sin(x)
    inner = inside(depth - 1)
    return lambda x: loop(2, lambda i, s: [s[1], ag.sin(s[0] * x) + inner(s[1] + x)], [0.0, 0.0])[1]


def unlike_at_the_end(xs: Any) -> Any:
    """Two chains of states that differ in the last one, and of which one has a state more in front."""
    x, n = xs[0], 12
    first = loop(2, lambda i, s: [*[ag.sin(s[k + 1]) for k in range(n)], s[n] * x], [x] * (n + 1))
    return first, loop(2, lambda i, s: [s[0], *[ag.sin(s[k + 2]) for k in range(n)], s[-1] + x], [2.0, *[x] * (n + 1)])


@pytest.mark.parametrize(
    ("f", "size"),
    [(jacobian(neighbours(12)), 12), (directions(lambda xs: neighbours(12)(xs)[3], 12), 12),
     (directions(lambda xs: inside(4)(xs[0] * xs[1]), 2), 2), (unlike_at_the_end, 1)],
)  # fmt: skip
def test_the_search_ends_soon(f: Any, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers of states that turn after turn tells apart, and loops in loops: few programs are written for each loop.

    They are 2, 1.2, 4.5 and 6; where all turns are looked at, 15 for the last.
    """
    written, write = [0], fuse._Copy.write
    monkeypatch.setattr(fuse._Copy, "write", lambda self, numbers: (written.append(1), write(self, numbers))[1])
    before, count = fewer(f, [0.1 * (k + 1) for k in range(size)])
    assert count <= before
    assert sum(written) < 10 * before


def test_two_while_loops_end_by_themselves() -> None:
    up_to: Any = lambda top, x: while_loop(lambda s: s < top, lambda s: s * 2.0, x, limit=50)
    assert fewer(lambda x: [up_to(10.0, x), up_to(100.0, x)], 1.5) == (2, 2)


def test_the_limit_of_a_while_loop_still_holds() -> None:
    f: Any = directions(lambda xs: while_loop(lambda s: s < 1e9, lambda s: s * xs[0], xs[1], limit=10), 2)
    with pytest.raises(RuntimeError, match="10"):
        jit(f, in_axes=None)([1.5, 0.7])


def test_long_bodies_stay_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuse, "LARGEST", 30)  # of which two of the tangents' bodies are more
    f: Any = directions(lambda xs: predators(xs[:2], xs[2])[0], 3)
    before, count = fewer(f, [1.5, 0.7, 1.1])
    assert before == 4
    assert 1 < count < 4


def test_taking_from_a_list_in_several_directions() -> None:
    f: Any = directions(lambda xs: loop(4, lambda i, s: s * take(xs, i) + take(xs, 3.0 - i), xs[0]), 4)
    before, count = fewer(f, [0.4, 0.5, 0.6, 0.7])
    assert count < before


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32))
def test_random_loops(seed: int) -> None:
    """Loops of loops' results, of a few shapes and counts, so that many could be one and some must not be."""
    chance = random.Random(seed)
    shapes = [[chance.randrange(9) for _ in range(6)] for _ in range(2)]
    plan = [[chance.randrange(99) for _ in range(8)] for _ in range(chance.randrange(2, 6))]

    def turn(shape: list[int], x: Any, state: list[Any], index: Any) -> list[Any]:
        pool = [*state, x, 0.3 * index, 0.7]
        pick: Any = lambda k: pool[shape[k] % len(pool)]
        return [0.5 * pick(0) + ag.tanh(pick(1)) * pick(2), ag.sin(pick(3)) - 0.1 * pick(4) * state[1]]

    one: Any = lambda shape, x, i, s: turn(shape, x, s, i)
    more: Any = lambda shape, x, s: [*turn(shape, x, s[:2], s[2]), s[2] + 1.0]
    row: Any = lambda shape, x, s, y: (turn(shape, x, s, y), s[0] * y)

    def f(xs: Any) -> Any:
        pool = list(xs)
        for a, b, c, kind, shape, count, d, e in plan:
            x, state, body = pool[a % len(pool)], [pool[b % len(pool)], pool[c % len(pool)]], shapes[shape % 2]
            if kind % 3 == 0:
                pool += loop(2 + count % 2, functools.partial(one, body, x), state)
            elif kind % 3 == 1:
                under: Any = lambda s: (abs(s[0]) < 3.0) & (s[2] < 2.5)
                pool += while_loop(under, functools.partial(more, body, x), [*state, 0.0], limit=9)[:2]
            else:
                rows = [pool[d % len(pool)], pool[e % len(pool)]]
                last, ys = scan(functools.partial(row, body, x), state, rows)
                pool += [last[0], ys[1]]
        return ag.sum(pool[-4:])

    xs = [chance.uniform(-1.0, 1.0) for _ in range(3)]
    for g in (f, grad(f), directions(f, 3), lambda xs: hvp(f, (xs,), ([1.0, -0.5, 0.25],))):
        before, count = fewer(g, xs)
        assert count <= before
    forward, backward = [pair[1] for pair in jit(directions(f, 3), in_axes=None)(xs)], jit(grad(f), in_axes=None)(xs)
    assert forward == pytest.approx(list(backward), rel=1e-9, abs=1e-12)
