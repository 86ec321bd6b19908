"""Where numbers are: a run by hand, name for name and place for place, gives what the flat program gives."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd import grad, jit, relu, tanh, value_and_grad
from autograd.compiler.program.conditions import CONDITIONS, row_of
from autograd.compiler.program.instructions import OUTPUT, Instruction
from autograd.compiler.program.layout import Layout
from autograd.compiler.program.nest import (
    Choice,
    Constant,
    Input,
    Nest,
    Scattered,
    Table,
    Use,
    at_hand,
    carried_by,
    walk,
)
from autograd.compiler.program.program import Program
from tests.compiler.test_long import SHAPES, bits
from tests.compiler.test_roll import flat, nests, network

pytest.importorskip("numpy")


def nest_of(program, part=1_000):
    return Nest(program, [len(program.inputs)], 0, part)


def is_condition(read):
    """Whether it reads the outcome of a comparison."""
    if isinstance(read, Choice):
        return is_condition(read.others)
    if isinstance(read, Table):
        (kind,) = {cell.name in CONDITIONS for cell, _ in read.uses}
        return kind
    return isinstance(read, Use) and read.cell.name in CONDITIONS


class Run:
    """Names hold what their cell computed last; a place in memory holds what was last stored there.

    The places are those of the layout, in which numbers share memory that are not needed at the same time.
    """

    def __init__(self, nest, numbers):
        self.nest, self.numbers, self.layout = nest, numbers, Layout(nest)
        self.hand, self.memory, self.handed_on, self.outputs = {}, {}, {}, {}
        for cell, turns in walk(nest.body):
            operands = [self.read(read, cell, turns) for read in cell.reads[: 1 if cell.name == OUTPUT else None]]
            if cell.name == OUTPUT:
                self.outputs[cell.reads[1].place.at(turns)] = float(operands[0])
                continue
            self.hand[cell] = row_of(cell.name).forward(*operands)
            for level in range(len(turns)):
                self.handed_on[cell, (*turns[:level], turns[level] + 1)] = self.hand[cell]
            if cell.stored:
                self.memory[self.place(cell, turns)] = self.hand[cell]

    def place(self, cell, index):
        place = self.layout.offsets[cell].at(index)
        assert 0 <= place < self.layout.size
        return place

    def read(self, read, reader, turns):
        if isinstance(read, Constant):
            return read.numbers[self.entry(read.levels, reader, turns)]
        if isinstance(read, Input):
            return self.numbers[read.place.at(turns)]
        if isinstance(read, Choice):
            assert is_condition(read.one) == is_condition(read.others)  # a bit in machine code, and no number
            if turns[read.level] == read.turn:
                return self.read(read.one, reader, turns)
            if carried_by(read, reader) is not None:
                return self.handed_on[read.others.cell, turns[: read.level + 1]]
            return self.read(read.others, reader, turns)
        if isinstance(read, Use):
            if at_hand(read, reader):
                return self.hand[read.cell]
            return self.memory[self.place(read.cell, [index.at(turns) for index in read.where])]
        is_condition(read)
        cell, index = read.uses[self.entry(range(len(turns)), reader, turns)]
        return self.memory[self.place(cell, index)]

    def entry(self, levels, reader, turns):
        entry = 0
        for level in levels:
            entry = entry * reader.loops[level].turns + turns[level]
        return entry


def check(program, numbers, part=1_000):
    nest = nest_of(program, part)
    outputs = Run(nest, numbers).outputs
    wanted = program.run(numbers)
    for k, place in enumerate(program.outputs):
        if place >= 0:  # a constant is handed out as one
            assert bits(outputs[k]) == bits(wanted[k])
    return nest


def stored(nest):
    """How many numbers are in memory."""
    sizes = [
        math.prod([n.turns for n, kept in zip(c.loops, c.kept, strict=True) if kept]) for c in nest.cells if c.stored
    ]
    return sum(sizes)


@pytest.mark.parametrize("part", [9, 1_000])
@pytest.mark.parametrize("name", SHAPES)
def test_programs_of_many_shapes(name, part):
    f = SHAPES[name] if name == "choices" else value_and_grad(SHAPES[name])
    numbers = [random.Random(name).uniform(-1.0, 1.0) for _ in range(72)]
    check(jit(f).program(numbers), numbers, part)


def whole(program):
    """The program that hands out the result of each of its instructions."""
    results = range(len(program.inputs), len(program.inputs) + len(program.instructions))
    return Program(program.inputs, program.constants, program.instructions, tuple(results))


@settings(max_examples=25, deadline=None)
@given(nests(), st.integers(0, 1000))
def test_nests_that_were_unrolled(nest, seed):
    program = whole(flat(nest, seed)[0])
    numbers = [0.25 + 0.001 * i for i in range(len(program.inputs))]
    check(program, numbers)


def shuffled(program, seed):
    """The program with its inputs and its results in another order, and that order of the inputs."""
    order, first = random.Random(seed).sample(range(len(program.inputs)), len(program.inputs)), len(program.inputs)
    instructions = [
        Instruction(name, tuple(order[place] if 0 <= place < first else place for place in operands))
        for name, operands in program.instructions
    ]
    outputs = random.Random(seed + 1).sample(program.outputs, len(program.outputs))
    return Program(program.inputs, program.constants, tuple(instructions), tuple(outputs)), order


@settings(max_examples=25, deadline=None)
@given(nests(), st.integers(0, 1000))
def test_nests_whose_inputs_and_results_have_no_order(nest, seed):
    program = whole(flat(nest, seed)[0])
    mixed, order = shuffled(program, seed)
    numbers = [0.0] * len(program.inputs)
    for i, place in enumerate(order):
        numbers[place] = 0.25 + 0.001 * i
    check(mixed, numbers)


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_whose_inputs_and_results_have_no_order(name):
    f = SHAPES[name] if name == "choices" else value_and_grad(SHAPES[name])
    program, order = shuffled(jit(f).program([0.0] * 72), 5)
    numbers = [random.Random(name).uniform(-1.0, 1.0) for _ in range(72)]
    check(program, [numbers[order.index(i)] for i in range(72)], 40)


def test_turns_that_advance_evenly_in_the_first_turn_around_alone():
    """Each product is a turn further on by another step in the next turn around, so they are no loop in it."""
    instructions = [Instruction("cos", (7 + j if j else 0,)) for j in range(40)]
    instructions += [Instruction("mul", (8 + i + k * (i + 1), (3, 0, 7, 4)[i])) for k in range(6) for i in range(4)]
    program = Program(tuple(f"x{i}" for i in range(8)), (), tuple(instructions), tuple(range(48, 72)))
    nest = check(program, [0.3 + 0.1 * i for i in range(8)])
    assert [loop.turns for cell in nest.cells if cell.name == "mul" for loop in cell.loops] == [6] * 4


def triangle(n, turns):
    """The squares of L x for several triangles L, which are stored column behind column, and their gradient."""

    def f(lower, xs):
        total = 0.0
        for k in range(turns):
            row, at = [x * (1.0 + k) for x in xs], k * n * (n - 1) // 2
            for i in range(n):
                for j in range(i + 1, n):
                    row[j] = row[j] + lower[at] * xs[i]
                    at += 1
            total = total + tanh(sum([y * y for y in row]))
        return total

    rng = random.Random(n)
    numbers = [rng.uniform(-1.0, 1.0) for _ in range(turns * n * (n - 1) // 2)], [rng.random() for _ in range(n)]
    return jit(grad(f, (0, 1))).program(*numbers), [*numbers[0], *numbers[1]]


def test_triangles_are_loops_over_their_columns():
    """A loop for each column, forward and back; the numbers of cells and of places do not grow with the square."""
    sizes, places = [], []
    for n in (12, 24):
        program, numbers = triangle(n, 8)
        nest = check(program, numbers)
        assert any(isinstance(read.place, Scattered) for c in nest.cells for read in c.reads if isinstance(read, Input))
        sizes.append(len(nest.cells))
        places.append(Layout(nest).size)
    assert sizes[0] < 60 * 12
    assert sizes[1] < 2.2 * sizes[0]
    assert places[1] < 2.5 * places[0] < 2.5 * 8 * 12 * 5


@pytest.mark.parametrize("n", [16, 40])
def test_a_network_keeps_a_few_rows(n):
    """Activations, slopes and one row of adjoints for each layer; no matrix is in memory."""
    f, parameters, xs = network((5, n, n, 4))
    nest = check(jit(f).program(parameters, xs), [*parameters, *xs])
    assert stored(nest) < 13 * n + 20


def test_a_row_that_is_handed_on_is_one_row():
    def f(xs, steps):
        row = [x * 2.0 for x in xs]
        for i in range(steps):
            row = [relu(a * 0.5 + b * (1.0 + i)) for a, b in zip(row, xs, strict=True)]
        return sum(row)

    numbers = [0.1 * i for i in range(12)]
    sizes = [stored(check(jit(lambda xs, n=n: f(xs, n)).program(numbers), numbers)) for n in (10, 40)]
    assert sizes[0] == sizes[1] <= 5 * 12  # the first rows, and the one that is handed on


def test_what_the_next_turn_uses_is_not_stored():
    def f(state):
        x, v = state
        for _ in range(50):
            x, v = x + 0.1 * v, v - 0.1 * tanh(x)
        return x * v

    assert stored(check(jit(f).program([1.0, 0.5]), [1.0, 0.5])) == 0
    back = check(jit(grad(f)).program([1.0, 0.5]), [1.0, 0.5])
    assert stored(back) <= 3 * 50  # the slopes on the way, for the way back


def test_places_that_follow_no_rule_are_read_by_a_table():
    """Eight operations of different kinds, and a loop over what they computed."""
    names = ["sin", "cos", "tanh", "exp", "sqrt", "abs", "atan", "log1p"]
    instructions = [Instruction(name, (0,)) for name in names]
    instructions += [Instruction("mul", (8 + i, i)) for i in range(8)]
    program = Program(tuple(f"x{i}" for i in range(8)), (), tuple(instructions), tuple(range(16, 24)))
    nest = check(program, [0.3 + 0.1 * i for i in range(8)])
    assert sum(isinstance(read, Table) for cell in nest.cells for read in cell.reads) == 1


def test_programs_are_equal_by_what_they_say():
    f = lambda x: tanh(x) * 2.0
    one, other = (jit(f).program(1.0) for _ in range(2))
    assert one == other
    assert hash(one) == hash(other)
    assert one.instructions == tuple(one.instructions)
    assert one.instructions[:1] == (Instruction("tanh", (0,)),)
