"""Long programs: cut into functions of a bounded size, so that the time to compile grows with their length alone."""

import re

import numpy as np
import pytest

import autograd
from autograd import jit, value_and_grad
from autograd._jit import kernel, libm, lower


def chain(layers):
    def f(xs):
        for i in range(layers):
            xs = [autograd.tanh(a * 0.9 + b) for a, b in zip(xs, [*xs[1:], xs[0]], strict=True)]
            if i % 7 == 0:
                xs = [x + 0.1 for x in xs]
        return autograd.sum(xs)

    return f


def text_of(program):
    module = lower.Module(libm.address, 1, False)
    lower.scalar(module, "run", program)
    return module.text()


def test_the_text_grows_in_proportion_and_no_function_is_long():
    sizes = []
    for layers in (20, 200):
        program = jit(value_and_grad(chain(layers))).program([0.1 * i for i in range(20)])
        text = text_of(program)
        functions = re.findall(r"define .*?\n}", text, re.DOTALL)
        # a part is at most so many instructions, with a load for each operand and a store for each result
        assert max(f.count("\n") for f in functions) < 8 * max(lower.PART, lower.WHOLE if layers == 20 else 0)
        sizes.append(len(text) / len(program.instructions))
    assert sizes[1] < 3.0 * sizes[0]  # passing values through memory costs text; beyond that there is no growth


def test_the_memory_between_the_parts_is_used_again():
    xs = [0.1 * i for i in range(20)]
    short, long = (jit(chain(layers)).program(xs) for layers in (400, 4000))
    slots = [lower.Slots(program, len(program.inputs)).size for program in (short, long)]
    assert slots[1] < 1.5 * slots[0]  # without gradient only one layer is alive at a time


def test_a_hundred_thousand_instructions():
    f = value_and_grad(chain(600))
    xs = [0.01 * i for i in range(20)]
    compiled = jit(f)
    assert compiled(xs) == f(xs)
    assert compiled.cost().instructions > 100_000


@pytest.mark.parametrize("quick", [True, False])
def test_a_line_tells_what_takes_so_long(quick, monkeypatch, capsys):
    monkeypatch.setattr(kernel, "PATIENCE", 60.0 if quick else 0.0)
    f = jit(chain(100))
    f([0.1] * 20)
    said = capsys.readouterr().err
    if quick:
        assert said == ""
    else:
        assert "jit: tracing f …" in said
        assert re.search(r"jit: compiling [\d,]+ instructions …", said)
        assert re.search(r"jit: done after \d+\.\d s", said)


def test_eight_lanes_of_a_long_program():
    f = chain(60)
    columns = [np.linspace(0.0, 1.0, 11) + 0.01 * i for i in range(20)]
    value, slopes = jit(value_and_grad(f))(columns)
    for k in (0, 7, 10):
        expected = value_and_grad(f)([float(c[k]) for c in columns])
        assert (value[k], [s[k] for s in slopes]) == expected
