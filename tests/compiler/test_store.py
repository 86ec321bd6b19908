"""What a trace writes: the store in C does what that in Python does, and both engines write the same programs."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from autograd import _engine
from autograd.compiler.program import store as module

native = pytest.mark.skipif(_engine.native is None, reason="there is no native engine here: see chalkgrad doctor")


def python_store():
    """The store in Python, which the name of the module may not be any longer."""
    names = {"__package__": module.__package__, "__name__": module.__name__}
    text = Path(module.__file__).read_text(encoding="utf-8").replace("_engine.native is not None", "False")
    exec(compile(text, module.__file__, "exec"), names)
    return names["Store"]()


@native
@pytest.mark.parametrize("seed", range(5))
def test_the_two_stores_hold_the_same(seed):
    chance = random.Random(seed)
    stores = python_store(), _engine.native.Store()
    for each in stores:
        each.begin(3)
    for _ in range(3_000):
        count = chance.choice([0, 1, 2, 2, 2, 3])
        operands = tuple([chance.randrange(-5, min(len(stores[0]), 60)) for _ in range(count)])
        code = chance.randrange(1, 7) + 10 * count
        facts = (module.COMMUTATIVE if count == 2 and code % 2 else 0) | chance.randrange(2)
        method = chance.choice(["enter", "enter", "append_row"])
        assert getattr(stores[0], method)(code, operands, facts) == getattr(stores[1], method)(code, operands, facts)
    assert len(stores[0]) == len(stores[1])
    assert stores[0].table() == stores[1].table()
    for number in range(0, len(stores[0]), 7):
        for what in ("code", "operands", "facts"):
            assert getattr(stores[0], what)(number) == getattr(stores[1], what)(number)


@native
def test_bad_use_of_the_store_in_c_raises():
    store = _engine.native.Store()
    for number in (0, -1, 10**30):
        with pytest.raises((IndexError, OverflowError)):
            store.code(number)
    for arguments in ((), (1,), (1, [2], 3), (1, (1, 2, 3, 4), 0), ("a", (1,), 0)):
        with pytest.raises(TypeError):
            store.enter(*arguments)
    with pytest.raises(ValueError, match="six rules"):
        _engine.native.set_traced(int, ())
    with pytest.raises(TypeError):
        _engine.native.Place(1)


PROGRAMS = """
import autograd as ag
from autograd import grad, hessian, jit, loop, value_and_grad, where

def net(w, x):
    h = [ag.dot(w[3 * i:3 * i + 3], x).relu() for i in range(4)]
    return ag.logsumexp(h) - 0.5 * h[0] + (0.0 - h[1]) * -1.0 + h[2] * 1.0 - 0.0

def odd(x, y):
    z = -x + y - -y * 2.0 + (x - 0.0) + 0.0 + -0.0 + x * 1.0 + x * -1.0
    return where(x > y, z * z, -z) + where(x > y, x, 0.0) - (1.0 - z) * 3.0 + 3.0 * z + abs(-z)

w = [0.1 * i - 0.5 for i in range(12)]
cases = [
    (net, (w, [1.0, 2.0, 3.0])), (value_and_grad(net), (w, [1.0, 2.0, 3.0])), (hessian(net), (w, [1.0, 2.0, 3.0])),
    (odd, (0.3, 0.4)), (grad(odd, (0, 1)), (0.3, 0.4)), (hessian(odd, (0, 1)), (0.3, 0.4)),
    (grad(lambda x: loop(3, lambda i, s: s * x + odd(s, i), x)), (0.7,)),
]
for f, arguments in cases:
    print(jit(f).program(*arguments))
"""


@native
def test_both_engines_trace_the_same_programs():
    texts = {}
    for engine in ("native", "python"):
        environment = os.environ | {"CHALKGRAD_ENGINE": engine}
        done = subprocess.run([sys.executable, "-c", PROGRAMS], text=True, capture_output=True, env=environment)
        assert done.returncode == 0, done.stderr
        texts[engine] = done.stdout
    assert texts["native"].count("return") >= 7
    assert texts["native"] == texts["python"]
