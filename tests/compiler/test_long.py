"""Long programs: cut into functions of a bounded size, so that the time to compile grows with their length alone."""

import re
from operator import mul, sub

import numpy as np
import pytest

import autograd
from autograd import jit, value_and_grad
from autograd.compiler.call import library, machine
from autograd.compiler.llvm import module, single, slots
from autograd.compiler.program import pack


def chain(layers):
    def f(xs):
        for i in range(layers):
            xs = [autograd.tanh(a * 0.9 + b) for a, b in zip(xs, [*xs[1:], xs[0]], strict=True)]
            if i % 7 == 0:
                xs = [x + 0.1 for x in xs]
        return autograd.sum(xs)

    return f


def text_of(program, vector=8):
    text = module.Module(library.address, 1, False, vector)
    single.scalar(text, "run", program)
    return text.text()


def test_the_text_grows_in_proportion_and_no_function_is_long():
    sizes = []
    for layers in (20, 200):
        program = jit(value_and_grad(chain(layers))).program([0.1 * i for i in range(20)])
        text = text_of(program)
        functions = re.findall(r"define .*?\n}", text, re.DOTALL)
        # a part is at most so many instructions, with a load for each operand and a store for each result
        assert max(f.count("\n") for f in functions) < 8 * max(slots.PART, single.WHOLE if layers == 20 else 0)
        sizes.append(len(text) / len(program.instructions))
    assert sizes[1] < 3.0 * sizes[0]  # passing values through memory costs text; beyond that there is no growth


def test_the_memory_between_the_parts_is_used_again():
    xs = [0.1 * i for i in range(20)]
    short, long = (jit(chain(layers)).program(xs) for layers in (400, 4000))
    sizes = [slots.Slots(program, len(program.inputs)).size for program in (short, long)]
    assert sizes[1] < 1.5 * sizes[0]  # without gradient only one layer is alive at a time


def test_a_hundred_thousand_instructions():
    f = value_and_grad(chain(600))
    xs = [0.01 * i for i in range(20)]
    compiled = jit(f)
    assert compiled(xs) == f(xs)
    assert compiled.cost().instructions > 100_000


@pytest.mark.parametrize("quick", [True, False])
def test_a_line_tells_what_takes_so_long(quick, monkeypatch, capsys):
    monkeypatch.setattr(machine, "PATIENCE", 60.0 if quick else 0.0)
    f = jit(chain(100))
    f([0.1] * 20)
    said = capsys.readouterr().err
    if quick:
        assert said == ""
    else:
        assert "jit: tracing f …" in said
        assert re.search(r"jit: compiling [\d,]+ instructions …", said)
        assert re.search(r"jit: done after \d+\.\d s", said)


@pytest.mark.parametrize("whole", [0, 100_000])
def test_eight_lanes_of_a_long_program(whole, monkeypatch):
    monkeypatch.setattr(single, "WHOLE_WIDE", whole)
    f = chain(60)
    columns = [np.linspace(0.0, 1.0, 11) + 0.01 * i for i in range(20)]
    value, slopes = jit(value_and_grad(f))(columns)
    for k in (0, 7, 10):
        expected = value_and_grad(f)([float(c[k]) for c in columns])
        assert (value[k], [s[k] for s in slopes]) == expected
    step = jit(value_and_grad(lambda xs, t: f(xs) * t))
    mean, _ = step.mean([float(c[0]) for c in columns], np.linspace(0.0, 1.0, 11))
    assert mean == pytest.approx(value[0] * 0.5, rel=1e-13)


def mixed(p):
    """Rows, columns, differences, quotients and negations of numbers in a row, and a branch."""
    a, b, c = p[:24], p[24:48], p[48:72]
    scale = autograd.sqrt(autograd.dot(a, a) + 1.0)
    x = [(u - v) / scale for u, v in zip(a, b, strict=True)]
    y = [scale / (u * u + 1.5) - (-v) for u, v in zip(x, c, strict=True)]
    rows = [[u * v - w for v, w in zip(y, a, strict=True)] for u in x[:9]]
    z = [autograd.relu(autograd.dot(row, b, c[i])) for i, row in enumerate(rows)]
    w = [autograd.dot(c[i : i + 9], z) for i in range(15)]
    return autograd.sum(w) * 0.01 + autograd.sum([u * v for u, v in zip(w, reversed(y), strict=False)])


@pytest.mark.parametrize("part", [7, 100_000])
@pytest.mark.parametrize("vector", [2, 8])
def test_packs_keep_the_bits_and_are_there(part, vector, monkeypatch):
    monkeypatch.setattr(single, "WHOLE", 0)
    monkeypatch.setattr(slots, "PART", part)
    monkeypatch.setattr(machine, "lanes", lambda: vector)
    rng = np.random.default_rng(part)
    f = value_and_grad(mixed)
    for offset in (0, 3):
        points = [rng.normal(size=72 + offset).tolist() for _ in range(3)]
        points[1][5:40] = [0.0, -0.0, float("inf"), float("nan"), -1.0] * 7
        g = jit(lambda p, offset=offset: f(p[offset:]))
        for p in points:
            assert repr(g(p)).replace("-nan", "nan") == repr(f(p[offset:])).replace("-nan", "nan")
    packing = pack.arrange(g.program(), vector)
    assert len(packing.begins) * vector > 0.4 * len(g.program().instructions)
    assert packing.program.run(points[0]) == g.program().run(points[0])
    assert f"fmul <{vector} x double>" in text_of(g.program(), vector)


def test_programs_without_likeness_have_no_packs():
    program = jit(chain(3)).program([0.1, 0.2, 0.3])
    assert pack.arrange(program, 8).begins == frozenset()
    assert pack.arrange(program, 8).program.run([1.0, 2.0, 3.0]) == program.run([1.0, 2.0, 3.0])


def zipped(op, p):
    return [op(a, b) for a, b in zip(p[:4], p[4:8], strict=True)]


PACKS = {  # of four lanes, by what the functions of 20 numbers in a row do with the first of them
    "numbers in a row and one number": (lambda p: [x * p[8] for x in p[:4]], ["mul"]),
    "one number and numbers in a row": (lambda p: [p[8] - x for x in p[:4]], ["sub"]),
    "two numbers in a row": (lambda p: zipped(sub, p), ["sub"]),
    "numbers in a row and a constant": (lambda p: [3.0 / x for x in p[:4]], ["div"]),
    "twice as many": (lambda p: [x * p[8] for x in p[:8]], ["mul", "mul"]),
    "a pack and one number": (lambda p: [x * p[8] for x in zipped(mul, p)], ["mul", "mul"]),
    "one number and a pack": (lambda p: [p[8] / x for x in zipped(mul, p)], ["mul", "div"]),
    "one number on either side": (
        lambda p: [x * p[8] if i % 2 else p[8] * x for i, x in enumerate(zipped(sub, p))], ["sub", "mul"],
    ),
    "a pack and numbers in a row": (lambda p: [x + y for x, y in zip(zipped(mul, p), p[10:14])], ["mul", "add"]),
    "two packs": (lambda p: [x - y for x, y in zip(zipped(mul, p), zipped(sub, p))], ["mul", "sub", "sub"]),
    "a pack alone": (lambda p: [-x for x in zipped(sub, p)], ["sub", "neg"]),
    "a result that is summed too": (lambda p: [autograd.sum(zipped(mul, p)), *zipped(mul, p)], ["mul"]),
    "a pack that goes on before it is summed": (
        lambda p: autograd.sum([x - p[8] for x in zipped(mul, p)]), ["mul", "sub"],
    ),
    "columns of a matrix": (  # the sums, lane by lane
        lambda p: [autograd.dot([autograd.exp(x) for x in p[16:]], p[j:16:4]) for j in range(4)],
        ["mul", "mul", "add", "mul", "add", "mul", "add"],
    ),
    "a product that is only summed": (lambda p: autograd.dot(p[:4], p[4:8]), []),
    "one that is summed twice as well": (  # the second difference: its pack would be taken apart, as the first one's is
        lambda p: (
            autograd.sum([x - p[8] for x in zipped(mul, p)]) * autograd.sum([x - p[9] for x in zipped(mul, p)])
        ),
        ["mul", "sub"],
    ),
    "one that goes on from a result": (
        lambda p: [*zipped(mul, p), autograd.sum([x - p[8] for x in zipped(mul, p)])], ["mul"],
    ),
    "too few": (lambda p: [x * p[8] for x in p[:3]], []),
    "not in a row": (lambda p: [p[i] * p[8] for i in (0, 1, 2, 4)], []),
    "of different depth": (lambda p: [*[x * p[8] for x in p[:3]], (p[3] + 1.0) * p[8]], []),
    "functions": (lambda p: [f(x) for f in (autograd.exp, autograd.sqrt) for x in zipped(mul, p)], []),
    "comparisons": (lambda p: [x < p[8] for x in p[:4]], []),
}  # fmt: skip


@pytest.mark.parametrize("name", PACKS)
def test_each_kind_of_pack(name):
    f, expected = PACKS[name]
    program = jit(f).program([0.5] * 20)
    packing = pack.arrange(program, 4)
    instructions = packing.program.instructions
    first = len(program.inputs)
    assert [instructions[begin - first].name for begin in sorted(packing.begins)] == expected
    for begin in packing.begins:
        members = instructions[begin - first : begin - first + 4]
        assert len({member.name for member in members}) == 1
    xs = [0.25 * i - 1.0 for i in range(20)]
    assert packing.program.run(xs) == program.run(xs)


@pytest.mark.parametrize(("count", "last", "rows", "packs"), [(3, 1, 0, 0), (4, 1, 1, 5), (4, 2, 1, 0)])
def test_the_input_of_a_layer_is_worth_a_row_in_memory(count, last, rows, packs):
    """Four numbers that four neurons multiply with their weights, and then one number of no row: a pack each.

    Where one of the numbers is computed from another, products with the two are no pack, which would be a circle.
    """

    def layer(p):
        inputs = [autograd.exp(x) for x in p[16:]]
        if last == 2:
            inputs[3] = autograd.exp(inputs[0])
        weights = [p[4 * i : 4 * i + 4] for i in range(count)]
        return [[x * w for x, w in zip(inputs, ws, strict=True)] for ws in [*weights, [autograd.sin(p[0])] * 4]]

    packing = pack.arrange(jit(layer).program([0.5] * 20), 4)
    assert (len(packing.rows), len(packing.begins)) == (rows, packs)
