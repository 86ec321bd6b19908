"""What would crash, hang or read foreign memory, each in a process of its own where it takes that to see it."""

import contextlib
import gc
import os
import subprocess
import sys
import textwrap
import threading
import weakref

import numpy as np
import pytest

import autograd
from autograd import TraceError, Value, define, jit


def alone(code, **environment):
    """Run the code in a process of its own, and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", textwrap.dedent(code)],
        capture_output=True, text=True, timeout=120, check=False, env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == 0, f"exit status {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_the_collector_finds_dropped_functions():
    # freed memory is overwritten, so that a look at it is noticed
    code = """
        import gc
        from autograd import jit
        gc.disable()
        for i in range(30):
            f = jit(lambda x, i=i: x * 2 + i)
            f(1.0)
            f(1.0)
            del f
        gc.collect()
        print("alive")
    """
    assert alone(code, PYTHONMALLOC="malloc", MALLOC_PERTURB_="255") == "alive\n"


def test_a_builtin_call_that_outlives_its_function():
    f = jit(lambda x: x * 3.0)
    f(1.0)
    call = f.__call__
    del f
    gc.collect()
    assert call(2.0) == 6.0
    with pytest.raises(ReferenceError, match="keep the compiled function"):
        call(2)


def test_many_results_on_a_small_stack():
    code = """
        import threading
        import numpy as np
        from autograd import jit

        many = jit(lambda p, x: [w * x for w in p], in_axes=(None, 0))
        twice = jit(lambda numbers: [2.0 * x for x in numbers])

        def work():
            results.append(many.sum([2.0] * 3000, np.ones(16)) == [32.0] * 3000)
            results.append(many.mean([2.0] * 1000, np.ones(16)) == [2.0] * 1000)
            results.append(twice([1.5] * 8000) == [3.0] * 8000)

        results = []
        work()  # compiles, which takes more of the stack
        threading.stack_size(128 * 1024)
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        print(results)
    """
    assert alone(code) == f"{[True] * 6}\n"


def test_a_batch_that_is_changed_in_place():
    w = Value(2.0)
    f = jit(lambda x: w.data * x, parameters=[w])
    batch = np.ones(64)
    assert f.mean(batch) == 2.0
    batch.resize(3000, refcheck=False)  # moves the numbers: the old place is free memory
    batch[:] = 5.0
    assert f.mean(batch) == 10.0
    batch[:] = 6.0
    assert f.mean(batch) == 12.0


def test_a_batch_is_not_kept():
    w = Value(2.0)
    f = jit(lambda x: w.data * x, parameters=[w])
    base = np.ones(64)
    seen = weakref.ref(base)
    f.mean(base)
    f.mean(base)
    del base
    gc.collect()
    assert seen() is None


def test_two_threads_that_trace_each_other():
    code = """
        import faulthandler, threading
        from autograd import jit
        faulthandler.dump_traceback_later(60, exit=True)
        tracing = threading.Event()

        def outer(x):
            tracing.set()
            waiting.wait()  # until the other thread is about to trace f
            return x * f(2.0)

        f = jit(lambda x: x * 2.0)
        waiting = threading.Event()
        g = jit(outer)
        results = {}
        first = threading.Thread(target=lambda: results.update(g=g(3.0)))

        def other():
            tracing.wait()
            threading.Timer(0.5, waiting.set).start()  # by then it waits for its turn, whatever it holds
            results.update(f=f(1.0))

        second = threading.Thread(target=other)
        first.start(), second.start(), first.join(), second.join()
        print(results["f"], results["g"])
    """
    assert alone(code) == "2.0 12.0\n"


@pytest.fixture
def fails():
    """An operation that is Python code, and raises what it is told to at 7."""

    def rule(x):
        if x == 7.0:
            raise rule.raises
        if x == 8.0:
            rule.reached.set()
            rule.go_on.wait(10.0)
        return 2.0 * x

    rule.reached, rule.go_on, rule.raises = threading.Event(), threading.Event(), RuntimeError("7")
    name = "raises_at_seven"
    rule.operation = define(name, rule, (lambda y, x: 2.0,), primitive=True)
    yield rule
    del autograd.OPERATIONS[name]


def test_a_failure_is_raised_in_the_thread_in_which_it_happened(fails):
    f = jit(lambda x: fails.operation(x) + fails.operation(x + 1.0))
    assert f(1.0) == 6.0
    caught = []

    def work():
        try:
            f(7.0)
        except RuntimeError as error:
            caught.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert fails.reached.wait(10.0)  # the other thread's call has failed, and is not over
    assert f(1.0) == 6.0
    fails.go_on.set()
    thread.join()
    assert caught == [fails.raises]
    assert f(1.0) == 6.0


def test_failures_race(fails):
    f = jit(lambda x: fails.operation(x))
    f(1.0)
    wrong = []

    def calm():
        for _ in range(500):
            try:
                if f(1.0) != 2.0:
                    wrong.append("a number")
            except RuntimeError:
                wrong.append("another thread's failure")

    def failing():
        for _ in range(500):
            with contextlib.suppress(RuntimeError):
                wrong.append(f"no failure but {f(7.0)}")

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work) for work in (calm, failing, calm, failing)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert wrong == []


@pytest.mark.parametrize("failure", [RuntimeError("7"), KeyboardInterrupt(), SystemExit(3)])
def test_every_exception_of_a_rule_gets_through(fails, failure, monkeypatch):
    fails.raises = failure
    f = jit(lambda x: fails.operation(x))
    many = np.ones(1000)
    many[700] = 7.0
    monkeypatch.setattr(autograd.compiler.call.threads, "PIECE", 1000)  # several pieces, over several threads
    for call in (f, f.mean, lambda x: f.repeat(3, 3.5)):
        for given in (many, many[695:705]):
            with pytest.raises(type(failure)) as caught:
                call(given)
            assert caught.value is failure
    with pytest.raises(type(failure)):
        f(7.0)
    assert f(1.0) == 2.0


def test_counts_of_repeat():
    f = jit(lambda x: x + 1.0)
    for count in (-1, 2**63, 2**64, 2.0, True, "3", None):
        with pytest.raises(ValueError, match=r"2\*\*63 - 1"):
            f.repeat(count, 1.0)
    assert f.repeat(np.int64(3), 1.0) == 4.0


def test_pieces_where_the_interpreter_ends():
    code = """
        import atexit
        import numpy as np
        from autograd import jit
        f = jit(lambda x: x * 2.0)
        x = np.ones(4_000_000)
        assert f(x)[-1] == 2.0
        atexit.register(lambda: print(f(x).sum(), f.sum(x)))
    """
    assert alone(code) == "8000000.0 8000000.0\n"


def test_a_model_that_is_used_while_another_thread_traces_it():
    w = Value(2.0)
    traced, go_on = threading.Event(), threading.Event()

    def slow(x):
        traced.set()
        go_on.wait(10.0)
        return w * x

    results = []
    f = jit(slow, parameters=[w])
    thread = threading.Thread(target=lambda: results.append(f(3.0)))
    thread.start()
    assert traced.wait(10.0)
    with pytest.raises(TraceError, match="another thread has this parameter at the moment"):
        w * 2.0
    go_on.set()
    thread.join()
    assert results == [6.0]
    assert (w * 2.0).data == 4.0


def test_a_value_that_another_thread_makes_during_a_trace_is_from_outside():
    traced, go_on = threading.Event(), threading.Event()
    made, results = [], []

    def slow(x):
        own = Value(3.0)
        traced.set()
        go_on.wait(10.0)
        return own * x * made[0]

    def work():
        try:
            results.append(jit(slow)(5.0))
        except TraceError as error:
            results.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    assert traced.wait(10.0)
    made.append(Value(2.0, name="made elsewhere"))
    go_on.set()
    thread.join()
    assert "name='made elsewhere') from outside" in results[0]
