"""Compiled functions in threads, in other processes, and when nobody wants them any more."""

import copy
import gc
import itertools
import multiprocessing
import pickle
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import autograd
import nn
from autograd import TraceError, Value, grad, jit, value_and_grad
from autograd.compiler.call import machine
from tests.compiler.memory import resident


def cubic(x, y):
    return x * x * x - autograd.sin(x * y)


def child(pickled, args):
    f = pickle.loads(pickled)
    return [f(*args), f(*args), len(f._compiled)]


def test_eight_threads_call_and_compile():
    shared = jit(value_and_grad(cubic, (0, 1)))
    w = Value(2.0)
    live = jit(lambda x: w * x, parameters=[w])
    start = threading.Barrier(8)

    def work(k):
        start.wait()
        results = []
        for i in range(20):
            own = jit(lambda x, k=k, i=i: cubic(x, float(k)) * (i + 1.0))
            results.append(own(0.5) == cubic(0.5, float(k)) * (i + 1.0))
            results.append(shared(0.1 * i, 2.0) == value_and_grad(cubic, (0, 1))(0.1 * i, 2.0))
            results.append(shared(np.array([0.1 * i] * 9), 2.0)[0][8] == shared(0.1 * i, 2.0)[0])
            results.append(live(float(i)) == 2.0 * i)
            jit(lambda x: w * x + 1.0, parameters=[w])(1.0)  # traces with the parameter that others read meanwhile
        return all(results)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))
    assert w.data == 2.0


def test_a_function_crosses_to_another_process():
    context = multiprocessing.get_context("spawn")
    gradient = jit(grad(cubic, (0, 1)))  # a closure, which cannot be pickled: its program crosses
    plain = jit(cubic)  # a function of a module, which can
    expected = gradient(1.5, 0.5)
    with context.Pool(1) as pool:
        assert pool.apply(child, (pickle.dumps(gradient), (1.5, 0.5))) == [expected, expected, 1]
        assert pool.apply(child, (pickle.dumps(plain), (1.5, 0.5)))[0] == cubic(1.5, 0.5)


def test_an_unpickled_closure_says_what_it_cannot_do():
    f = jit(grad(cubic))
    f(1.0, 2.0)
    g = pickle.loads(pickle.dumps(f))
    assert g(1.0, 2.0) == f(1.0, 2.0)
    assert g.program().instructions == f.program().instructions
    with pytest.raises(TraceError, match="unpickled"):
        g([1.0], 2.0)


def test_fast_and_batched_functions_pickle():
    f = jit(lambda p, x: (p[0] * x + p[1], x), fastmath=False)
    f([1.0, 2.0], 3.0)
    f.mean([1.0, 2.0], np.array([1.0, 2.0]))
    g = pickle.loads(pickle.dumps(f))
    assert g([1.0, 2.0], 3.0) == (5.0, 3.0)
    assert g.mean([1.0, 2.0], np.array([1.0, 2.0])) == (3.5, 1.5)


def test_functions_that_are_dropped_leave_no_memory():
    def many(count):
        for i in range(count):
            f = jit(lambda x, y, i=i: cubic(x, y) * (i + 0.5))
            f(1.0, 2.0)
            f(1.0, 2.0)
            if i % 10 == 0:
                f(np.zeros(3), 1.0)
        del f
        gc.collect()

    sizes = []
    for _ in range(5):  # 1,000 functions; the first rounds fill what the allocators keep
        many(200)
        sizes.append(resident())
    # were a page of code and a page of data kept for each, 200 functions would leave 1.6 MB
    assert min(after - before for before, after in itertools.pairwise(sizes)) < 0.8e6


def test_constants_leave_no_memory():
    def many():
        for _ in range(20):
            numbers = random.random(1000).tolist()
            jit(lambda x, numbers=numbers: numbers)(1.0)
        gc.collect()
        return resident()

    random = np.random.default_rng(0)
    many()
    sizes = [many() for _ in range(3)]
    # LLVM keeps 100 bytes and more for each constant of a context, and no two of these 60,000 are the same
    assert sizes[-1] - sizes[0] < 1e6


@pytest.fixture
def codes(monkeypatch):
    """References to all machine code that is made in the meantime, while no garbage is collected."""
    made = []

    def code(*arguments):
        new = plain(*arguments)
        made.append(weakref.ref(new))
        return new

    plain = machine.Code
    monkeypatch.setattr(machine, "Code", code)
    gc.collect()
    gc.disable()
    yield made
    gc.enable()


WAYS = {
    "a call": lambda f: f(1.0),
    "calls": lambda f: [f(1.0), f(1.0)],
    "elements": lambda f: f(np.ones(9)),
    "mean": lambda f: [f.mean(np.ones(9)), f.mean(np.ones(9))],
    "then": lambda f: [f.mean(np.ones(9), then=lambda y: 2.0 * y) for _ in range(3)],
    "repeat": lambda f: f.repeat(3, 1.0),
}


@pytest.fixture(scope="module", autouse=True)
def compiler():
    """What the compiler's first use imports leaves garbage."""
    jit(lambda x: x + 1.0)(1.0)
    gc.collect()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("rule", [autograd.exp, autograd.lgamma], ids=["of C", "of Python"])
@pytest.mark.parametrize("declared", [True, False])
def test_a_dropped_function_does_not_wait_for_the_garbage_collector(way, rule, declared, codes):
    gc.collect()  # what a failed test leaves
    w = Value(2.0)
    f = jit(lambda x: rule(x) * (w.data if declared else 2.0), parameters=[w] if declared else ())
    WAYS[way](f)
    seen = weakref.ref(f)
    del f
    assert seen() is None
    assert codes
    assert [code() for code in codes] == [None] * len(codes)
    assert gc.collect() <= 8 * len(codes)  # two objects of llvmlite a module, and the class of a function


def test_a_function_in_a_circle_is_collected(codes):
    for _ in range(3):
        circle = []
        f = jit(lambda xs, circle=circle: autograd.tanh(autograd.sum(xs)) + len(circle))
        circle.append(f)
        assert f([0.5] * 3000) == f([0.5] * 3000) == 2.0  # the code has memory of its own
    del f, circle
    gc.collect()
    assert len(codes) == 3
    assert [code() for code in codes] == [None] * 3


def test_machine_code_lives_as_long_as_a_call_may_come():
    f = _hastened()
    call = type(f).__call__
    del f
    gc.collect()
    assert call(2.0, 3.0) == cubic(2.0, 3.0)


def _hastened():
    f = jit(cubic)
    f(1.0, 1.0)
    return f


def test_results_are_counted_like_any_object():
    f = jit(lambda x: [x, (x + 1.0, None), 2.0 * x])
    f(1.0)
    none = sys.getrefcount(None)
    results = [f(1.5) for _ in range(1000)]
    assert all(r == [1.5, (2.5, None), 3.0] for r in results)
    like = [[1.5, (2.5, None), 3.0]]
    ours, ordinary = sys.getrefcount(results[0]), sys.getrefcount(like[0])
    assert ours == ordinary
    del results
    assert abs(sys.getrefcount(None) - none) < 50 or sys.version_info >= (3, 12)  # None is immortal from 3.12 on
    big = jit(lambda p: p * 2.0, in_axes=None)
    p = np.ones(4)
    big(p)
    count = sys.getrefcount(p)
    for _ in range(100):
        result = big(p)
    other = np.ones(4)
    counts = sys.getrefcount(p), sys.getrefcount(result)
    assert counts == (count, sys.getrefcount(other))


class Line(nn.Module):
    def __init__(self, slope):
        super().__init__()
        self.slope = Value(slope)


def test_models_that_are_dropped_are_released():
    f = jit(lambda model, x: model.slope * x)
    seen = []
    for i in range(20):
        model = Line(float(i))
        assert f(model, 2.0) == 2.0 * i
        seen.append(weakref.ref(model))
    assert len(f._compiled) < 20
    del model
    gc.collect()
    assert [ref() for ref in seen] == [None] * 20
    assert f._compiled == {}
    assert f(Line(3.0), 2.0) == 6.0


def test_programs_are_kept_for_so_many_structures(monkeypatch):
    monkeypatch.setattr(autograd.compiler.api, "MAX_STRUCTURES", 5)
    f = jit(autograd.sum)
    for n in [*range(1, 13), 1, 12]:
        assert f([1.0] * n) == n
    assert len(f._compiled) == 5


def test_a_copy_is_the_function_itself():
    f = jit(lambda x: x * 2.0)
    f(1.0)
    for g in (copy.copy(f), copy.deepcopy(f), copy.deepcopy({"f": f})["f"]):
        assert g is f
        assert g([1.0, 2.0][0]) == 2.0


def test_a_compiled_method_gets_its_instance():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = Value(3.0)

        @jit
        def scale(self, x):
            return self.weight * x

    scaled = Scaled()
    assert scaled.scale(2.0) == 6.0
    scaled.weight.data = 4.0
    assert scaled.scale(2.0) == 8.0
    assert Scaled.scale.mean(scaled, np.array([1.0, 3.0])) == 8.0
    assert "structure" in repr(Scaled.scale)
