"""Batches in pieces, over all cores: sums and means, whole and held, are those of a batch in one piece."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import define, jit, value_and_grad
from autograd.compiler.call import threads

SIZES = [1, 2, 7, 8, 9, 31, 32, 33, 40, 64, 65, 100, 333]


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "PIECE", 1)  # as many pieces as there can be
    monkeypatch.setattr(threads, "MOST", 5)


@pytest.fixture
def primitive() -> Iterator[Any]:
    """Makes an operation of a rule that machine code calls back."""
    yield lambda rule: define("in_pieces", rule, (lambda y, x: 1.0,), primitive=True)
    del autograd.OPERATIONS["in_pieces"]


def loss(w: Any, x: Any, t: Any) -> Any:
    """With results of each sample between some that no sample changes, and numbers that all samples share."""
    norm = autograd.exp(w[0]) * w[1]
    error = autograd.tanh(norm * x[0] + w[1] * x[1]) - t
    return [norm, error * error, w[0] + 1.0, error * x[0], 2.5]


def batch(count: int) -> tuple[Any, Any]:
    chance = np.random.default_rng(count)
    return chance.normal(size=(count, 2)), chance.normal(size=count)


def expected(w: Any, x: Any, t: Any, kind: str) -> Any:
    rows = np.array([loss(w, a, b) for a, b in zip(x.tolist(), t.tolist(), strict=True)])
    return getattr(rows, kind)(axis=0)


@pytest.mark.parametrize("kind", ["sum", "mean"])
def test_sums_of_pieces(kind: str) -> None:
    w = [0.3, -0.7]
    f = jit(loss, in_axes=(None, 0, 0))
    twice: Any = lambda result, w: [x * 2.0 + w[0] for x in result]
    for count in SIZES:
        x, t = batch(count)
        wanted = expected(w, x, t, kind)
        result = getattr(f, kind)(w, x, t)
        assert result == pytest.approx(wanted, rel=1e-13, abs=1e-13)  # a few hundred roundings of 1e-16
        assert result == getattr(f, kind)(w, x, t)  # whichever thread was first
        then = getattr(f, kind)(w, x, t, then=twice)
        assert then == [a * 2.0 + w[0] for a in result]


def test_all_results_of_the_samples() -> None:
    wave: Any = lambda w, x: autograd.sin(w[0] * x) * w[1]
    f = jit(value_and_grad(wave), in_axes=(None, 0))
    for count in SIZES:
        xs = np.random.default_rng(count).normal(size=count)
        value, slopes = f.sum([0.3, 0.5], xs)
        assert value == pytest.approx(float(np.sum(np.sin(0.3 * xs) * 0.5)), rel=1e-13, abs=1e-13)
        assert slopes[1] == pytest.approx(float(np.sum(np.sin(0.3 * xs))), rel=1e-13, abs=1e-13)


def test_held_reductions_keep_their_arrays_and_take_any_count() -> None:
    f = jit(loss, in_axes=(None, 0, 0))
    x, t = batch(333)
    held = f.hold("mean", [0.3, -0.7], x.copy(), t.copy())  # which nobody else has
    junk = [np.full(1000, np.nan) for _ in range(100)]
    assert held is not None
    for count in [*SIZES, 1, 333]:
        held(count)
        assert held.results.tolist() == f.mean([0.3, -0.7], x[:count], t[:count])
    assert junk


def test_a_rule_in_python_that_runs_pieces_of_its_own(primitive: Any) -> None:
    inner = jit(lambda x: x * x)
    xs = np.arange(100.0)

    def rule(x: float) -> float:
        return x + float(inner.sum(xs))

    op = primitive(rule)
    assert jit(lambda x: op(x)).sum(xs) == float(np.sum(xs)) + 100.0 * float(np.sum(xs * xs))


def test_what_is_raised_in_a_piece_ends_all(primitive: Any) -> None:
    def rule(x: float) -> float:
        if x == 50.0:
            raise ArithmeticError("50")
        return x

    op = primitive(rule)
    f = jit(lambda x: op(x))
    assert f.sum(np.zeros(100)) == 0.0
    with pytest.raises(ArithmeticError, match="50"):
        f.sum(np.arange(100.0))
    assert f.sum(np.ones(100)) == 100.0


@pytest.mark.skipif((os.cpu_count() or 1) < 2 or os.name == "nt", reason="one core, or no such signals")
def test_interrupts_wait_for_the_pieces_that_run() -> None:
    code = """
        import os, signal, threading, time
        import numpy as np
        from autograd import define, jit
        from autograd.compiler.call import threads

        threads.PIECE, threads.MOST = 1, 2
        main, begun, go_on, order = threading.get_ident(), threading.Event(), threading.Event(), []

        def rule(x):
            if threading.get_ident() == main:
                begun.wait(60.0)  # so that the other thread has a piece
            else:
                begun.set()
                go_on.wait(60.0)
            return x

        def interrupt():
            begun.wait(60.0)
            for _ in range(3):
                time.sleep(0.3)
                os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.3)
            order.append("it goes on")
            go_on.set()

        f = jit(lambda x: define("waiting", rule, (lambda y, x: 1.0,), primitive=True)(x))
        begun.set()
        f.sum(np.ones(2))  # compiled, in one piece
        begun.clear()
        threading.Thread(target=interrupt).start()
        try:
            f.sum(np.ones(128))
        except KeyboardInterrupt:
            order.append("interrupted")
        print(order)
    """
    run = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=120)
    assert run.stdout == "['it goes on', 'interrupted']\n", run.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_process_that_was_forked_has_threads_of_its_own() -> None:
    f = jit(lambda x: x * x)
    xs = np.arange(100.0)
    whole = f.sum(xs)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply_async(f.sum, (xs,)).get(timeout=60) == whole


def test_the_pieces() -> None:
    for count in range(1, 400):
        pieces = threads.pieces(count, 1, 32, 8)
        assert [piece.number for piece in pieces] == list(range(len(pieces)))
        assert [pieces[0].begin, *[piece.end for piece in pieces]] == [*[piece.begin for piece in pieces], count]
        assert len(pieces) <= 5
        assert all(piece.end - piece.begin >= min(count, 8) for piece in pieces)
