"""Loops found again in flat programs: nests that were unrolled come back, and nothing else is made a loop."""

import itertools
import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd import OPERATIONS, grad, jit, pytree, tanh, value_and_grad
from autograd.compiler.program.instructions import Instruction
from autograd.compiler.program.program import Program

pytest.importorskip("numpy")
from autograd.compiler.program.roll import Loop, Step, size, unrolled

INPUTS = 3_000


def bits(numbers):
    return [struct.pack("d", x) for x in pytree.flatten(numbers)[0]]


UNARY = sorted(name for name, op in OPERATIONS.items() if op.primitive and op.arity == 1)
BINARY = sorted(name for name, op in OPERATIONS.items() if op.primitive and op.arity == 2 and name != "polygamma")


@st.composite
def nests(draw, depth=0):
    """A list of steps and loops. A step stands before each loop in a body, so that two loops are not one."""
    terms = []
    for _ in range(draw(st.integers(1, 3))):
        terms.append("step")
        if depth < 3 and draw(st.booleans()):
            terms.append((draw(st.integers(3, 5)), draw(nests(depth + 1))))
    return terms


class Unroller:
    """Writes the flat program of a nest, in which each step has an operation of its own, and the terms to be found."""

    def __init__(self, rng):
        self.rng, self.instructions = rng, []
        self.names = iter(rng.sample(UNARY, len(UNARY)) + rng.sample(BINARY, len(BINARY)))

    def prepare(self, nest, depth=0):
        """Decide for each step its operation, and for each operand where it begins and how it advances."""
        ready = []
        for term in nest:
            if term == "step":
                name = next(self.names)
                operands = []
                for _ in range(OPERATIONS[name].arity):
                    kind = self.rng.choice(["input", "input", "before", "constant"])
                    steps = [self.rng.randint(-3, 5) for _ in range(depth)]
                    operands.append((kind, self.rng.randint(100, 200), steps))
                ready.append((name, operands))
            else:
                ready.append((term[0], self.prepare(term[1], depth + 1)))
        return ready

    def write(self, ready, turns=()):
        terms = []
        for head, rest in ready:
            if isinstance(head, str):
                terms.append(Step(len(self.instructions)))
                operands = []
                for kind, base, steps in rest:
                    if kind == "input":
                        operands.append(1000 + base + sum(s * t for s, t in zip(steps, turns, strict=True)))
                    elif kind == "constant":
                        operands.append(~self.rng.randint(0, 3))
                    else:
                        operands.append(INPUTS + len(self.instructions) - base % 3 - 1)
                self.instructions.append(Instruction(head, tuple(operands)))
            else:
                begin = len(self.instructions)
                bodies = [self.write(rest, (*turns, turn)) for turn in range(head)]
                terms.append(Loop(head, (len(self.instructions) - begin) // head, bodies[0]))
        return tuple(terms)


def flat(nest, seed):
    unroller = Unroller(random.Random(seed))
    ready = unroller.prepare(
        ["step", "step", "step", *nest]
    )  # three come first, for those that use what is before them
    terms = unroller.write(ready)
    program = Program(
        tuple(f"x{i}" for i in range(INPUTS)), (0.5, 1.5, -2.0, 0.25), tuple(unroller.instructions), (INPUTS,)
    )
    return program, terms


@given(nests(), st.integers(0, 1000))
def test_a_nest_that_was_unrolled_comes_back(nest, seed):
    program, terms = flat(nest, seed)
    assert program.loops == terms
    assert unrolls(program)


def unrolls(program):
    """Whether the loops give the flat program, instruction for instruction."""
    found = [(number, tuple(places)) for number, places in unrolled(program.instructions, program.loops)]
    return found == [(number, operands) for number, (_, operands) in enumerate(program.instructions)]


def program_of(f, *args):
    return jit(f).program(*args)


def test_one_odd_instruction_in_the_middle():
    def f(xs):
        total = 0.0
        for i, x in enumerate(xs):
            total = total + (x * 2.0 if i != 20 else x / 3.0)
        return total

    program = program_of(f, [0.5] * 41)
    loops = [term for term in program.loops if isinstance(term, Loop)]
    assert [(loop.turns, loop.length) for loop in loops] == [(19, 2), (20, 2)]
    assert size(program.loops) == 8


def test_a_first_and_a_last_turn_that_differ():
    def f(xs):
        total = xs[0]  # nothing is added yet
        for x in xs[1:-1]:
            total = total + x * x
        return total - xs[-1]

    program = program_of(f, [0.5] * 100)
    assert [type(term) for term in program.loops] == [Step, Step, Loop, Step]
    assert program.loops[2].turns == 97


def test_two_turns_are_no_loop_and_three_are():
    def f(xs):
        return [tanh(x) * 2.0 for x in xs]

    assert not any(isinstance(term, Loop) for term in program_of(f, [0.5] * 2).loops)
    assert program_of(f, [0.5] * 3).loops == (Loop(3, 2, (Step(0), Step(1))),)


def test_constants_may_differ_from_turn_to_turn():
    program = program_of(lambda xs: [x * (3.0 + i % 7) for i, x in enumerate(xs)], [0.5] * 50)
    assert program.loops == (Loop(50, 1, (Step(0),)),)
    assert unrolls(program)


def test_places_that_do_not_advance_evenly_are_no_loop():
    order = random.Random(3).sample(range(60), 60)
    program = program_of(lambda xs: [tanh(xs[i]) for i in order], [0.5] * 60)
    assert size(program.loops) >= 50
    assert unrolls(program)


def network(sizes):
    """Loss and gradient of a network of one sample: parameters, then the sample."""
    count = sum((a + 1) * b for a, b in itertools.pairwise(sizes))

    def loss(parameters, xs):
        at = 0
        for layer, (a, b) in enumerate(itertools.pairwise(sizes)):
            rows = [parameters[at + i * (a + 1) : at + (i + 1) * (a + 1)] for i in range(b)]
            xs = [sum((w * x for w, x in zip(row, xs, strict=False)), row[-1]) for row in rows]
            xs = [tanh(z) for z in xs] if layer < len(sizes) - 2 else xs
            at += (a + 1) * b
        return sum(x * x for x in xs)

    return value_and_grad(loss), [0.01 * (i % 17 - 8) for i in range(count)], [0.1 * i for i in range(sizes[0])]


@pytest.mark.parametrize("sizes", [(2, 16, 16, 1), (5, 30, 20, 7)], ids=str)
def test_a_network_is_a_few_loops(sizes):
    f, parameters, xs = network(sizes)
    program = program_of(f, parameters, xs)
    assert size(program.loops) < 90
    assert unrolls(program)
    assert bits(program.run([*parameters, *xs])) == bits(f(parameters, xs))


def test_the_size_of_the_loops_does_not_grow_with_the_net():
    sizes = [size(program_of(*network((4, n, n, 3))).loops) for n in (8, 16, 32)]
    assert len(set(sizes)) == 1


def test_steps_of_an_integrator_are_one_loop():
    def f(state):
        x, v = state
        for _ in range(200):
            x, v = x + 0.01 * v, v - 0.01 * x
        return x * v

    program = program_of(grad(f), [1.0, 0.5])
    assert size(program.loops) < 40
    assert bits(program.run([1.0, 0.5])) == bits(grad(f)([1.0, 0.5]))


def test_a_long_program_without_loops_takes_no_search():
    """Whatever is alike and does not fold is tried a few times for each instruction, and not against all before it."""
    rng = random.Random(5)

    def f(xs):
        xs = list(xs)
        for _ in range(4000):
            a, b = rng.sample(range(8), 2)
            xs[a] = xs[a] * xs[b] if rng.random() < 0.5 else xs[a] + xs[b]
        return xs

    program = program_of(f, [0.5] * 8)
    assert unrolls(program)
    assert size(program.loops) > 3000


def test_the_program_is_written_with_its_loops():
    program = program_of(lambda xs: [tanh(x * 2.0) for x in xs], [0.5] * 4)
    assert str(program).splitlines()[1:4] == [
        "  for i < 4:",
        "    t4[+2i] = xs[0][+i] × 2",
        "    t5[+2i] = tanh(t4[+2i])",
    ]


def test_an_empty_program():
    program = Program(("x",), (2.0,), (), (0, ~0))
    assert (program.loops, program.run([3.0])) == ((), [3.0, 2.0])
