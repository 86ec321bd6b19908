"""What the engine in Python does where Python runs in a browser, tried with a platform of that name."""

import os
import subprocess
import sys

PROGRAM = """
import sys
sys.platform = "emscripten"
from autograd import Value, dot

free, depths, depth = Value.__del__, [], 0

def watched(value):
    global depth
    depth += 1
    depths.append(depth)
    free(value)
    depth -= 1

Value.__del__ = watched

def chain(step, count=3000):
    y = Value(1.0)
    for _ in range(count):
        y = step(y)
    return y

steps = lambda y: y + 1.0, lambda y: y * y, lambda y: dot([y, y, y], [1.0, y, 0.0]), lambda y: (y * 0.5).tanh() + y
for step in steps:
    depths.clear()
    chain(step)
    print(len(depths) >= 3000, max(depths))

x = Value(2.0)
middle = x * 3.0
top = chain(lambda y: y * 1.0 + middle)
del top
middle.backward()
print(middle.operands, x.grad)

from autograd.compiler.trace.listing import listing

print(len(listing(lambda a: [(Value(2.0) * a + a).data], ["a"]).instructions))

try:
    Value("no number")
except TypeError:
    print("refused")
"""


def test_a_long_graph_is_freed_node_by_node_and_what_others_hold_stays():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=os.environ | {"CHALKGRAD_ENGINE": "python"}
    )
    assert done.stderr == ""
    *freed, kept, traced, last = done.stdout.splitlines()
    assert freed == ["True 2"] * 4  # no deeper, however long the chain
    assert (kept, traced, last) == ("(Value(data=2.0, grad=3.0), 3.0) 3.0", "2", "refused")
