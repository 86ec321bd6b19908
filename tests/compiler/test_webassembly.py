"""Programs as WebAssembly, run by wasmtime: the bits of the interpreter, whose functions it imports."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd
from autograd import OPERATIONS, Value, grad, value_and_grad, where
from autograd.compiler.trace.listing import listing
from autograd.compiler.webassembly import Cell, functions_of, kernel
from autograd.errors import TracedBranchError, TraceError

from .test_bits import BINARY, ORDINARY, SPECIAL, UNARY, bits

wasmtime = pytest.importorskip("wasmtime")
DOUBLE, PAGE = 8, 65536  # bytes


class Machine:
    """A kernel that has been started, and its memory."""

    def __init__(self, program, inputs, outputs):
        self.store = wasmtime.Store()
        module = wasmtime.Module(self.store.engine, kernel(program, inputs, outputs))
        last = max(cell.address for cell in (*inputs, *outputs))
        limits = wasmtime.Limits(1 + (last + PAGE) // PAGE, None)
        self.memory = wasmtime.Memory(self.store, wasmtime.MemoryType(limits))
        rules = [
            wasmtime.Func(self.store, needed.type, lambda *x, rule=OPERATIONS[needed.name].forward: float(rule(*x)))
            for needed in module.imports
            if needed.module == "rules"
        ]
        self.run = wasmtime.Instance(self.store, module, [self.memory, *rules]).exports(self.store)["run"]

    def write(self, address, numbers):
        self.memory.write(self.store, struct.pack(f"<{len(numbers)}d", *numbers), address)

    def read(self, address, count):
        return struct.unpack(f"<{count}d", self.memory.read(self.store, address, address + count * DOUBLE))


def in_columns(program, rows):
    """What a kernel writes when it runs once, over all rows of inputs."""
    room = len(rows) * DOUBLE
    inputs = [Cell(i * room, column=True) for i in range(len(program.inputs))]
    outputs = [Cell((len(inputs) + k) * room, column=True) for k in range(len(program.outputs))]
    machine = Machine(program, inputs, outputs)
    for cell, column in zip(inputs, zip(*rows, strict=True), strict=True):
        machine.write(cell.address, column)
    machine.run(machine.store, 0, len(rows))
    return list(zip(*[machine.read(cell.address, len(rows)) for cell in outputs], strict=True))


def check(function, rows):
    program = listing(function, [f"x{i}" for i in range(len(rows[0]))])
    expected = [program.run(row) for row in rows]
    assert [[bits(x) for x in row] for row in in_columns(program, rows)] == [[bits(x) for x in row] for row in expected]
    eager = [[float(x) for x in function(*row)] for row in rows]
    assert [[bits(x) for x in row] for row in expected] == [[bits(x) for x in row] for row in eager]


@pytest.mark.parametrize("op", UNARY, ids=lambda op: op.name)
def test_an_operation_of_one_number(op):
    check(lambda x: [op.evaluate(x), grad(op.evaluate)(x)], [(x,) for x in SPECIAL + ORDINARY])


@pytest.mark.parametrize("op", BINARY, ids=lambda op: op.name)
def test_an_operation_of_two_numbers(op):
    numbers = SPECIAL[::2] + ORDINARY[::3]
    check(
        lambda x, y: [op.evaluate(x, y), *grad(op.evaluate, (0, 1))(x, y)], [(x, y) for x in numbers for y in numbers]
    )


def test_conditions_are_stored_joined_and_used_as_numbers():
    def f(x, y):
        inside = (x > 0.0) & (x <= y)
        outside = (x == y) | (y >= 3.0) | (x != x)
        return [
            where(inside ^ outside, x, where(outside, y, x * y)), where(inside, 1.0, 0.0), where(x, y, 2.0),
            where((x < y) & True, x, y), where(x >= y, 3.0, x),
        ]  # fmt: skip

    numbers = [-1.5, 0.0, -0.0, 1.0, 3.0, float("nan"), float("inf")]
    check(f, [(x, y) for x in numbers for y in numbers])


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), size=st.integers(1, 400))
def test_programs_of_many_locals_and_constants(seed, size):
    """More than 127 of each, so that their numbers take several bytes."""
    import random

    def f(x, y):
        draws, values = random.Random(seed), [x, y]
        for _ in range(size):
            a, b = draws.choice(values), draws.choice([*values, draws.uniform(-2.0, 2.0)])
            values.append([a + b, a * b, a - b, -a, abs(a), autograd.sin(a), where(a < b, a, b)][draws.randrange(7)])
        return values[-3:]

    check(f, [(0.3, -1.2), (2.0, 0.5)])


def test_sums_over_the_turns_and_what_is_in_no_column():
    """A batch's gradient: parameters once, samples in columns, and any part of the turns."""
    w, b = Value(0.75, name="w"), Value(-0.25, name="b")

    def loss(x, y):
        return (autograd.tanh(w * x + b) - y) ** 2

    def step(x, y):
        for parameter in (w, b):
            parameter.zero_grad()
        error = loss(x, y)
        error.backward()
        return [error, w.grad, b.grad]

    program = listing(step, ["x", "y"], [w, b])
    assert program.inputs == ("x", "y", "w", "b")
    xs, ys = [0.5, -1.0, 2.0, 3.0], [1.0, 0.0, -1.0, 0.5]
    inputs = [Cell(0, column=True), Cell(64, column=True), Cell(128), Cell(136)]
    outputs = [Cell(144), Cell(152), Cell(70_000)]
    machine = Machine(program, inputs, outputs)
    machine.write(0, xs)
    machine.write(64, ys)
    machine.write(128, [w.data, b.data])
    for first, count in ((0, 4), (1, 2), (3, 1), (2, 0)):
        machine.run(machine.store, first, count)
        wanted = [0.0, 0.0, 0.0]
        for x, y in list(zip(xs, ys, strict=True))[first : first + count]:
            gradient = value_and_grad(lambda w, b, x, y: (autograd.tanh(w * x + b) - y) ** 2, (0, 1))(0.75, -0.25, x, y)
            wanted = [total + more for total, more in zip(wanted, (gradient[0], *gradient[1]), strict=True)]
        assert [machine.read(cell.address, 1)[0] for cell in outputs] == wanted
    assert (w.data, b.data) == (0.75, -0.25)


def test_what_a_kernel_imports_is_named_once_and_arithmetic_is_its_own():
    program = listing(lambda x: [autograd.exp(x) + autograd.exp(x * 2.0), autograd.sqrt(abs(-x)), x.sin()], ["x"])
    assert functions_of(program) == ["exp", "sin"]


def test_an_output_that_is_an_input_or_a_constant():
    check(lambda x, y: [x, 2.5, y, x, -0.0], [(1.0, 2.0), (-0.0, 3.0)])


def test_a_listing_has_only_what_its_outputs_need():
    program = listing(lambda x, y: [(x * y, autograd.exp(x), x + y)[2]], ["x", "y"])
    assert [instruction.name for instruction in program.instructions] == ["add"]
    assert program.run([1.0, 2.0]) == [3.0]


def test_bad_use_is_told():
    program = listing(lambda x: [x * x], ["x"])
    with pytest.raises(ValueError, match="1 inputs, and 2 cells were given"):
        kernel(program, [Cell(0), Cell(8)], [Cell(16)])
    for address in (4, -8, 2**31):
        with pytest.raises(ValueError, match=f"multiple of 8 below 2³¹; {address} was given"):
            kernel(program, [Cell(0)], [Cell(address)])
    with pytest.raises(TracedBranchError):
        listing(lambda x: [x if x > 0.0 else -x], ["x"])
    outside = Value(1.0)
    with pytest.raises(TraceError, match="from outside"):
        listing(lambda x: [x * outside], ["x"])


def test_loops_are_traced_turn_by_turn():
    check(lambda x: [autograd.loop(5, lambda i, s: s * x + i, 1.0)], [(0.5,), (-2.0,)])
    check(lambda x: [autograd.derivative(lambda t: autograd.loop(3, lambda i, s: s * t, 1.0), 2)(x)], [(0.5,)])
