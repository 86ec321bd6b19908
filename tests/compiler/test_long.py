"""Long programs: loops where there are any, functions of a bounded size elsewhere, and the same bits."""

import itertools
import random
import re
import struct

import numpy as np
import pytest

import autograd
from autograd import Value, grad, jit, pytree, tanh, value_and_grad, where
from autograd.compiler.call import library, machine
from autograd.compiler.llvm import module, single
from autograd.compiler.program.roll import size


def bits(numbers):
    return ["nan" if x != x else struct.pack("d", x) for x in pytree.flatten(numbers)[0]]


def chain(layers):
    def f(xs):
        for i in range(layers):
            xs = [autograd.tanh(a * 0.9 + b) for a, b in zip(xs, [*xs[1:], xs[0]], strict=True)]
            if i % 7 == 0:
                xs = [x + 0.1 for x in xs]
        return autograd.sum(xs)

    return f


def tangled(length):
    """Steps drawn at random, so that there is hardly a loop."""
    draw = random.Random(length)
    steps = [(draw.randrange(4), draw.randrange(8), draw.randrange(8), draw.randrange(8)) for _ in range(length)]

    def f(xs):
        xs = list(xs)
        for kind, a, b, c in steps:
            xs[a] = [xs[b] * 0.3 + xs[c], autograd.sin(xs[b]), xs[b] - 0.5 * xs[c], tanh(xs[c])][kind]
        return autograd.sum(xs)

    return f


def text_of(program, vector=8):
    text = module.Module(library.address, 1, False, vector)
    single.scalar(text, "run", program)
    return text.text()


def test_the_text_grows_in_proportion_and_no_function_is_long():
    sizes = []
    for length in (4_000, 16_000):
        program = jit(value_and_grad(tangled(length))).program([0.1 * i for i in range(8)])
        assert size(program.loops) > 0.8 * len(program.instructions)
        text = text_of(program)
        functions = re.findall(r"define .*?\n}", text, re.DOTALL)
        # a part has so many cells, each with a load for an operand or two and a store
        assert max(f.count("\n") for f in functions) < 12 * single.PART
        sizes.append(len(text) / len(program.instructions))
    assert sizes[1] < 1.5 * sizes[0]


def test_the_text_of_loops_does_not_grow_with_their_turns():
    def f(xs):
        return sum(tanh(x) * xs[0] for x in xs) + sum(x * y for x, y in itertools.pairwise(xs))

    texts = [text_of(jit(value_and_grad(f)).program([0.1] * n)) for n in (1_000, 4_000)]
    assert len(texts[1]) < 1.05 * len(texts[0])


def test_a_hundred_thousand_instructions():
    f = value_and_grad(chain(600))
    xs = [0.01 * i for i in range(20)]
    compiled = jit(f)
    assert compiled(xs) == f(xs)
    assert compiled.cost().instructions > 100_000


def test_a_long_program_without_loops():
    f = value_and_grad(tangled(6_000))
    xs = [0.1 * i - 0.3 for i in range(8)]
    assert bits(jit(f)(xs)) == bits(f(xs))


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


@pytest.mark.parametrize("flat", [0, 100_000])
def test_eight_lanes_of_a_long_program(flat, monkeypatch):
    monkeypatch.setattr("autograd.compiler.llvm.lanes.FLAT", flat)
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


def recurrence(p):
    """A state of five numbers that each step makes anew, with what was two steps before, and a sum of all of them."""
    state, before, total = list(p[:5]), list(p[5:10]), 0.0
    for t in range(30):
        mix = sum(a * b for a, b in zip(state, p[10:15], strict=True))
        new = [autograd.sin(mix + 0.1 * a) - 0.2 * b for a, b in zip(state, before, strict=True)]
        before, state = state, new
        total = total + state[t % 5] * p[15 + t]
    return total + state[0] * before[4]


def triangle(p):
    """Each number with all those before it."""
    out = []
    for i in range(20):
        weights = [autograd.exp(-((p[i] - p[j]) ** 2)) for j in range(i + 1)]
        out.append(sum(w * p[20 + j] for j, w in enumerate(weights)) / sum(weights))
    return sum(a * b for a, b in zip(out, p[40:60], strict=True))


def choices(p):
    """Conditions that are stored, handed on, and combined over loops."""
    signs = [a > b for a, b in zip(p[:20], p[20:40], strict=True)]
    highest, any_above = p[0], p[0] > 2.0
    picked = []
    for i in range(1, 20):
        above = p[i] > highest
        any_above = any_above | (signs[i] & above)
        highest = where(above, p[i], highest)
        picked.append(where(any_above, highest * p[40 + i], p[20 + i]))
    return sum(where(s ^ True, a, 0.5 * b) for s, a, b in zip(signs, picked, reversed(picked), strict=False))


def weighted(p):
    """Sums over the same weights, each of which needs the one before."""
    h, out = p[0], []
    for _ in range(12):
        h = tanh(sum((w * h for w in p[1:9]), p[9]))
        out.append(h * p[40])
    return sum(out) + out[-1] * p[41]


def heat(p):
    """Each number with its neighbours of the step before, and the same weights in all steps."""
    u, weights = list(p[40:60]), p[10:28]
    for _ in range(9):
        ahead = zip(u[:-2], u[1:-1], u[2:], weights, strict=False)
        u = [u[0], *[b + 0.1 * w * (a - 2.0 * b + c) for a, b, c, w in ahead], u[-1]]
    return sum(a * b for a, b in zip(u, p[:20], strict=True))


def products(p):
    """Rows of products that are made anew for each sum, and the last sum again."""
    out = []
    for k in range(8):
        row = [p[k] * x for x in p[40:64]]
        out.append(sum(a * b for a, b in zip(row, reversed(row), strict=True)))
    return sum(out) * 0.1 + out[-1] * p[70]


SHAPES = {
    "mixed": mixed, "recurrence": recurrence, "weighted": weighted, "heat": heat, "triangle": triangle,
    "choices": choices, "products": products,
}  # fmt: skip
ALONE = ("choices", "products")  # without their gradients, which would keep more of the numbers
ORDERS = {"in order": range(72), "in no order": np.random.default_rng(3).permutation(72).tolist()}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("part", [11, 2_000])
@pytest.mark.parametrize("vector", [2, 8])
@pytest.mark.parametrize("name", SHAPES)
def test_loops_of_many_shapes_keep_the_bits(name, vector, part, order, monkeypatch):
    monkeypatch.setattr(single, "FLAT", 0)
    monkeypatch.setattr(single, "PART", part)
    monkeypatch.setattr(machine, "lanes", lambda: vector)
    rng = np.random.default_rng(part)
    shape = lambda p: SHAPES[name]([p[k] for k in ORDERS[order]])
    f = shape if name in ALONE else value_and_grad(shape)
    eager = (lambda p: f(list(map(Value, p))).data) if name in ALONE else f
    g = jit(f)
    points = [rng.normal(size=72).tolist() for _ in range(3)]
    points[1][5:40] = [0.0, -0.0, float("inf"), float("nan"), -1.0] * 7
    for p in points:
        assert bits(g(p)) == bits(eager(p))
        assert bits(g.program(p).run(p)) == bits(g(p))


@pytest.mark.parametrize("wide", [32_000, -1])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", SHAPES)
def test_loops_over_a_batch(name, order, wide, monkeypatch):
    """Several vectors of samples at a time, one at a time, and a last one that is not full."""
    monkeypatch.setattr("autograd.compiler.llvm.lanes.FLAT", 0)
    monkeypatch.setattr("autograd.compiler.llvm.lanes.WIDE", wide)
    rng = np.random.default_rng(1)
    shape = lambda p: SHAPES[name]([p[k] for k in ORDERS[order]])
    f = shape if name in ALONE else grad(shape)
    shared = rng.normal(size=36).tolist()
    g = jit(lambda p, q: f([*p, *q]), in_axes=(None, 0))
    single_sample = jit(lambda p: f(p))
    for count in (1, 8, 33, 45, 109):
        batch = rng.normal(size=(count, 36))
        rows = [pytree.flatten(single_sample([*shared, *row]))[0] for row in batch.tolist()]
        for kind, wanted in (("sum", np.sum(rows, axis=0)), ("mean", np.mean(rows, axis=0))):
            found = pytree.flatten(getattr(g, kind)(shared, batch))[0]
            # each of a few dozen numbers of ordinary size is added with one rounding
            np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-11)


@pytest.mark.parametrize("order", ["as made", "in no order"])
def test_a_number_among_conditions_stays_a_number(order):
    """In machine code a condition is a bit, and so no turn of a loop over conditions may read a number instead."""
    chosen = list(range(1301)) if order == "as made" else np.random.default_rng(0).permutation(1301).tolist()

    def results(p):
        out = [p[0] * p[1], *[p[k] > p[k + 1] for k in range(1300)]]
        return [out[k] for k in chosen]

    def total(p, x):
        s = p[0] * p[1] * x
        for k in chosen[:1300]:
            s = s + where(p[k] > p[k + 1], x, 2.0 * x) if k < 1300 else s
        return s

    p, xs = [3.0 + k % 7 for k in range(1301)], np.linspace(1.0, 2.0, 16)
    assert jit(results)(p) == results(p)
    f = jit(total)
    wanted = [total(p, x) for x in xs.tolist()]
    assert f(p, xs).tolist() == wanted
    assert f.sum(p, xs) == pytest.approx(sum(wanted), rel=1e-13)


@pytest.mark.parametrize("wide", [32_000, -1])
@pytest.mark.parametrize("vector", [2, 4, 8])
@pytest.mark.parametrize("n", [3, 8, 9, 15, 16, 19])
def test_rows_of_outputs_that_are_added_up_over_a_batch(n, vector, wide, monkeypatch):
    """As many products as there are lanes at a time, those that are left over, and samples that are left over."""
    monkeypatch.setattr("autograd.compiler.llvm.lanes.FLAT", 0)
    monkeypatch.setattr("autograd.compiler.llvm.lanes.WIDE", wide)
    monkeypatch.setattr(machine, "lanes", lambda: vector)
    rng = np.random.default_rng(n)
    f = jit(lambda xs, ys, w: [[w[i] * x * y - 1.0 for i, y in enumerate(ys)] for x in xs], in_axes=(0, 0, None))
    w = rng.normal(size=n)
    for count in (1, vector, 4 * vector + 1, 5 * vector + 3, 13 * vector + 1):
        xs, ys = rng.normal(size=(count, 5)), rng.normal(size=(count, n))
        wanted = np.einsum("si,sj,j->ij", xs, ys, w) - count
        np.testing.assert_allclose(f.sum(xs, ys, w), wanted, rtol=1e-13, atol=1e-13 * count)  # a few dozen roundings
        np.testing.assert_allclose(f.mean(xs, ys, w), wanted / count, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("vector", [4, 8])
@pytest.mark.parametrize("sizes", [(5, 2, 3), (9, 7, 4), (12, 8, 11), (17, 19, 3)])
def test_layers_of_which_two_rows_are_taken_at_a_time(sizes, vector, monkeypatch):
    """Rows that share what they read, one that is left over, sums that begin with a bias, and a relu behind them."""
    monkeypatch.setattr("autograd.compiler.llvm.lanes.FLAT", 0)
    monkeypatch.setattr("autograd.compiler.llvm.lanes.WIDE", -1)
    monkeypatch.setattr(machine, "lanes", lambda: vector)
    rng = np.random.default_rng(sum(sizes))
    layers = [(rng.normal(size=(b, a)), rng.normal(size=b)) for a, b in itertools.pairwise(sizes)]

    def loss(layers, x, t):
        for weights, biases in layers:
            x = [autograd.relu(z) for z in autograd.matvec(weights, x, biases)]
        return sum((a - b) ** 2 for a, b in zip(x, t, strict=True))

    f = jit(value_and_grad(loss, argnums=(0, 1)), in_axes=(None, 0, 0))
    one = value_and_grad(loss, argnums=(0, 1))
    for count in (1, 4 * vector, 9 * vector + 3):
        xs, ts = rng.normal(size=(count, sizes[0])), rng.normal(size=(count, sizes[-1]))
        parts = [pytree.flatten(one(layers, x, t))[0] for x, t in zip(xs, ts, strict=True)]
        found = pytree.flatten(f.sum(layers, xs, ts))[0]
        # a few dozen samples, each added with one rounding
        np.testing.assert_allclose(found, np.sum(parts, axis=0), rtol=1e-12, atol=1e-12 * count)


@pytest.mark.parametrize("rows", [6, 7])
def test_the_last_of_rows_that_are_taken_two_at_a_time_is_used_again(rows, monkeypatch):
    monkeypatch.setattr("autograd.compiler.llvm.lanes.FLAT", 0)
    monkeypatch.setattr("autograd.compiler.llvm.lanes.WIDE", -1)

    def f(w, xs):
        sums = [autograd.dot(w[k], xs, w[k][0]) for k in range(rows)]
        return [*[z * 0.5 for z in sums], sums[-1] * xs[0]]

    rng = np.random.default_rng(rows)
    w, xs = rng.normal(size=(rows, 9)), rng.normal(size=(70, 9))
    found = jit(f, in_axes=(None, 0)).sum(w, xs)
    np.testing.assert_allclose(found, np.sum([f(w, x) for x in xs.tolist()], axis=0), rtol=1e-12, atol=1e-12)


def test_results_that_no_sample_changes_stand_among_the_others():
    f = jit(lambda w, x: [w[0], x * w[1], *w, 3.0, x, x + 1.0, w[2] * w[2]], in_axes=(None, 0))
    w, xs = [2.0, -0.5, 7.0], np.arange(11.0)
    wanted = [2.0, -2.5, 2.0, -0.5, 7.0, 3.0, 5.0, 6.0, 49.0]
    assert f.mean(w, xs) == wanted
    assert f.sum(w, xs) == [11 * x for x in wanted]
    assert f.mean(w, xs, then=lambda result, w: [a - w[1] for a in result]) == [a + 0.5 for a in wanted]


def test_the_text_does_not_grow_with_results_beside_one_that_no_sample_changes(monkeypatch):
    lengths, compile = [], machine.Compiler.compile
    monkeypatch.setattr(machine.Compiler, "compile", lambda self: lengths.append(self.module.length()) or compile(self))
    for n in (3_000, 12_000):
        f = jit(lambda w, x: (0.0, np.array([a * x for a in w])), in_axes=(None, 0))
        assert f.mean(np.full(n, 0.5), np.ones(8))[1].tolist() == [0.5] * n
    assert lengths[1] < 1.05 * lengths[0]


@pytest.mark.parametrize("turns", [3, 4, 7, 8, 9, 16, 19])
def test_turns_side_by_side_with_some_left_over(turns, monkeypatch):
    monkeypatch.setattr(single, "FLAT", 0)

    def f(xs):
        ys = [tanh(x) * xs[0] - 0.25 for x in xs]
        zs = [y / x for x, y in zip(xs, reversed(ys), strict=True)]
        return [*zs, sum(y * z for y, z in zip(ys, zs, strict=True))]

    xs = [0.3 + 0.1 * i for i in range(turns)]
    assert bits(jit(f)(xs)) == bits([y.data for y in f(list(map(Value, xs)))])


def test_constants_that_differ_from_turn_to_turn(monkeypatch):
    monkeypatch.setattr(single, "FLAT", 0)
    data = np.random.default_rng(2).normal(size=(20, 3)).tolist()

    def f(w):
        return sum(tanh(sum(a * b for a, b in zip(w, row, strict=True))) for row in data)

    w = [0.2, -0.4, 1.1]
    assert bits(jit(value_and_grad(f))(w)) == bits(value_and_grad(f)(w))


def test_a_condition_that_an_outer_loop_hands_on():
    def g(x, s, t, a, b):
        above, out = (a > b) & (a > t[0] * 3.0), []
        for i in range(30):
            for j in range(40):
                out.append(where(above, x[i][j] * 2.0, x[i][j] + 1.0))
            above = s[i] > t[i]
        return out

    x = [[0.1 * i - 0.2 * j for j in range(40)] for i in range(30)]
    s, t = [float(i % 3) for i in range(30)], [float(i % 2) for i in range(30)]
    eager = g([list(map(Value, row)) for row in x], s, t, 3.0, 2.0)
    assert bits(jit(g)(x, s, t, 3.0, 2.0)) == bits([v.data for v in eager])


def test_constants_that_differ_in_the_sign_of_a_zero(monkeypatch):
    monkeypatch.setattr(single, "FLAT", 0)
    constants = [0.0, *[1.5 + i for i in range(20)]]

    def f(x, y):
        return [v for a, b, c in zip(x, y, constants, strict=True) for v in (a * c, b * (c or -0.0))]

    ones = [1.0] * 21
    assert bits(jit(f)(ones, ones)) == bits(f(ones, ones))

    def two_sums(x):
        first, second = 0.0, -0.0
        for v in x:
            first, second = v * first, v * second
        return [first, second]

    assert bits(jit(two_sums)(ones)) == bits(two_sums(ones))


@pytest.mark.parametrize("n", [60, 61, 62, 64, 65])
def test_repeat_at_the_length_where_loops_begin(n):
    def step(x):
        y = list(x)
        for _ in range(20):
            y = [v * 0.9 + x[i] for i, v in enumerate(y)]
        return y

    xs = [float(i) for i in range(n)]
    assert bits(jit(step).repeat(3, xs)) == bits(step(step(step(xs))))


def test_turns_that_are_alike_and_read_from_anywhere_take_no_search(monkeypatch):
    """Each length of a turn is compared once for each place where it does not fit, and not at each term again."""
    from autograd.compiler.program import roll

    compared = 0
    whole = roll._Recogniser._uneven

    def counted(self, begin, end, length):
        nonlocal compared
        compared += end - begin
        return whole(self, begin, end, length)

    monkeypatch.setattr(roll._Recogniser, "_uneven", counted)
    places = np.random.default_rng(1).integers(0, 50, 1_000).tolist()

    def f(x):
        h = x[0]
        for k in places:
            for step in (autograd.sin, autograd.tanh, autograd.exp, abs, autograd.sqrt, autograd.floor):
                h = step(h)
            h = h * x[k] - 0.5
        return h

    program = jit(f).program([0.1] * 50)
    assert program.loops
    assert compared < 60 * len(program.instructions)


def test_what_different_operations_computed_is_read_by_a_table(monkeypatch):
    monkeypatch.setattr(single, "FLAT", 0)
    functions = [autograd.sin, autograd.cos, tanh, autograd.exp, autograd.sqrt, abs, autograd.atan, autograd.log1p]

    def f(xs):
        made = [function(xs[0]) for function in functions]
        return [a * b for a, b in zip(made, xs, strict=True)]

    xs = [0.3 + 0.1 * i for i in range(8)]
    compiled = jit(f)
    assert bits(compiled(xs)) == bits([v.data for v in f(list(map(Value, xs)))])
    assert "@table0" in text_of(compiled.program())


def test_a_row_that_is_read_backwards_where_the_first_comes_from_elsewhere(monkeypatch):
    monkeypatch.setattr(single, "FLAT", 0)

    def f(xs):
        row, out = [], []
        for t in range(6):
            seed = tanh(xs[t])
            before = row[::-1] if row else [seed] * 9
            row = [autograd.sin(a + x) for a, x in zip(before, xs, strict=True)]
            out.append(sum(row))
        return out

    xs = [0.1 * i - 0.4 for i in range(9)]
    assert bits(jit(f)(xs)) == bits([v.data for v in f(list(map(Value, xs)))])
    assert bits(jit(grad(lambda xs: sum(f(xs))))(xs)) == bits(grad(lambda xs: sum(f(xs)))(xs))


@pytest.mark.parametrize("name", ["mixed", "recurrence", "triangle"])
def test_loops_with_fastmath(name, monkeypatch):
    """Reassociated and fused: a few dozen roundings of numbers of ordinary size."""
    monkeypatch.setattr(single, "FLAT", 0)
    p = np.random.default_rng(4).normal(size=72).tolist()
    f = value_and_grad(SHAPES[name])
    np.testing.assert_allclose(
        pytree.flatten(jit(f, fastmath=True)(p))[0], pytree.flatten(f(p))[0], rtol=1e-11, atol=1e-12
    )
