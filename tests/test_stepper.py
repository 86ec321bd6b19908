"""The playground's training in WebAssembly is `nn.fit`, run here by wasmtime."""

import runpy
import struct
from pathlib import Path

import pytest

import nn
from autograd import OPERATIONS

wasmtime = pytest.importorskip("wasmtime")
Stepper = runpy.run_path(str(Path(__file__).parents[1] / "docs/playground/playground/stepper.py"))["Stepper"]


class Wasmtime:
    def __init__(self, pages):
        self.store = wasmtime.Store()
        self.memory = wasmtime.Memory(self.store, wasmtime.MemoryType(wasmtime.Limits(pages, None)))

    def start(self, module, rules):
        loaded = wasmtime.Module(self.store.engine, module)
        needed = [wanted for wanted in loaded.imports if wanted.module == "rules"]
        assert [wanted.name for wanted in needed] == list(rules)
        functions = [wasmtime.Func(self.store, w.type, OPERATIONS[w.name].forward) for w in needed]
        run = wasmtime.Instance(self.store, loaded, [self.memory, *functions]).exports(self.store)["run"]
        return lambda first, count: run(self.store, first, count)

    def write(self, address, numbers):
        self.memory.write(self.store, struct.pack(f"<{len(numbers)}d", *numbers), address)

    def read(self, address, count):
        return struct.unpack(f"<{count}d", self.memory.read(self.store, address, address + count * 8))


OPTIMIZERS = {
    "sgd": lambda p: nn.SGD(p, lr=0.1),
    "momentum": lambda p: nn.SGD(p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
    "adam": lambda p: nn.Adam(p, lr=0.02),
    "adamw": lambda p: nn.AdamW(p, lr=0.02),
    "rmsprop": lambda p: nn.RMSprop(p, lr=0.01),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid"])
def test_a_full_batch_is_that_of_fit(optimizer, activation):
    X, y = nn.data.moons(30, labels=(-1, 1))
    make = lambda: nn.MLP(2, [5, 4, 1], activation=activation, seed=3)
    model, plain = make(), make()
    stepper = Stepper(Wasmtime, model, nn.hinge, X, y, OPTIMIZERS[optimizer](model.parameters()))
    cost = stepper.epochs(12)
    stepper.update_model()
    history = nn.fit(
        plain, X, y, loss="hinge", optimizer=OPTIMIZERS[optimizer](plain.parameters()), epochs=12, batch_size=30,
        shuffle=False, progress=False,
    )  # fmt: skip
    # The batch is summed in another order, and Adam divides by √v + 1e-8: a rounding of 1e-17 moves 2e-11 a step.
    assert cost == pytest.approx(history["loss"][-1], rel=1e-8)
    for ours, theirs in zip(model.parameters(), plain.parameters(), strict=True):
        assert ours.data == pytest.approx(theirs.data, rel=1e-8, abs=1e-9)


def test_batches_rows_to_test_on_and_another_learning_rate():
    X, y = nn.data.moons(40, labels=(-1, 1))
    model = nn.MLP(2, [4, 1], activation="tanh", seed=0)
    stepper = Stepper(Wasmtime, model, nn.hinge, X, y, nn.SGD(model.parameters(), lr=0.2), train=30)
    before = stepper.costs()
    expected = [nn.hinge([model(x) for x in part], t).data for part, t in ((X[:30], y[:30]), (X[30:], y[30:]))]
    assert before == pytest.approx(expected, rel=1e-12)
    stepper.epochs(40, batch_size=7)
    assert stepper.step_count == 40 * 5
    assert stepper.costs()[0] < 0.5 * before[0]
    assert sorted(stepper.rows[:30]) == sorted([*x, t] for x, t in zip(X[:30], y[:30], strict=True))
    stepper.learning_rate = 0.0
    after = stepper.costs()
    stepper.epochs(3)
    assert stepper.costs() == after
    assert model.parameters()[0].grad == 0.0  # nothing traced was left behind


def test_without_rows_to_test_on_their_cost_is_nan():
    model = nn.MLP(1, [1], seed=0)
    stepper = Stepper(Wasmtime, model, nn.mse, [[1.0]], [2.0], nn.SGD(model.parameters()))
    assert stepper.costs()[1] != stepper.costs()[1]
