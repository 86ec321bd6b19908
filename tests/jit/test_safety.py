"""What would crash, hang or read foreign memory, each in a process of its own where it takes that to see it."""

import gc
import os
import subprocess
import sys
import textwrap

import pytest

from autograd import jit


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
