"""The 2-2-2 network that a well-known tutorial works by hand: every number of a step, then 10,000 steps."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from pathlib import Path

import autograd
import nn
from autograd import Value, draw
from autograd.app.terminal import say, table

from .shared import bar, can_plot, facts, save, title

FACTS = facts("worked_example")
NETWORK, PRINTED = FACTS["network"], FACTS["tutorial_digits"]
CLOSE = 1e-12  # relative; the stored losses are the same sums in another order

# The tutorial multiplies numbers that it has rounded, and some of its last digits show it. These are its own steps,
# from its own printed digits ``d``.
ITS_OWN: dict[str, Callable[[dict[str, float]], float]] = {
    "delta_o1": lambda d: (d["o1"] - 0.01) * 0.186815602,
    "delta_o2": lambda d: (d["o2"] - 0.99) * d["o2"] * (1 - d["o2"]),
    "dE_dw12_2": lambda d: d["delta_o2"] * d["h1"],
    "dE_dh1": lambda d: round(d["delta_o1"] * 0.4, 9) + round(d["delta_o2"] * 0.5, 9),
    "delta_h2": lambda d: d["dE_dh2"] * d["h2"] * (1 - d["h2"]),
    "dE_dw22_1": lambda d: d["delta_h2"] * 0.1,
}
MISPRINTS = {"dE_dw11_2": "0.082167041"}  # printed with a digit too many


class Network:
    """The network, with names for its weights and for what one forward pass computes."""

    def __init__(self) -> None:
        self.model = nn.MLP(2, [2, 2], activation=["sigmoid", "sigmoid"], bias="shared", init="zeros")
        self.weights: dict[str, Value] = {}
        for number, layer in enumerate(self.model.layers, start=1):
            assert layer.b is not None
            layer.b.data, layer.b.name = FACTS["initial_weights"][f"b{number}"], f"b{number}"
            layer.b.requires_grad = False  # the tutorial does not update its biases
            for j, neuron in enumerate(layer.neurons, start=1):
                for i, w in enumerate(neuron.w, start=1):
                    w.name = f"w{i}{j}_{number}"
                    w.data = FACTS["initial_weights"][w.name]
                    self.weights[w.name] = w
        self.optimizer = nn.SGD(self.weights.values(), lr=NETWORK["learning_rate"])

    def forward(self) -> dict[str, Value]:
        """Return what the tutorial names: net inputs, outputs, the two errors and their sum."""
        inputs = [Value(x, name=f"i{k}") for k, x in enumerate(NETWORK["inputs"], start=1)]
        for x in inputs:
            x.requires_grad = False
        hidden = self.model.layers[0].outputs(inputs)
        outputs = self.model.layers[1].outputs(hidden)
        errors = nn.half_squared_error(outputs, NETWORK["targets"], reduction="none")
        named = {"h1": hidden[0], "h2": hidden[1], "o1": outputs[0], "o2": outputs[1]}
        named |= {f"net_{key}": unit.operands[0] for key, unit in named.items()}
        named |= {"E_o1": errors[0], "E_o2": errors[1], "E": autograd.sum(errors)}
        for name, value in named.items():
            value.name = name
        return named

    def step(self) -> float:
        """Take one training step and return the loss before it."""
        loss = nn.half_squared_error(self.model(NETWORK["inputs"]), NETWORK["targets"])
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return float(loss.data)

    def loss(self) -> float:
        """Return the loss as it is now."""
        return float(nn.half_squared_error(self.model(NETWORK["inputs"]), NETWORK["targets"]).data)


def first_step(network: Network) -> tuple[dict[str, float], dict[str, Value]]:
    """Take the first step and return all its numbers by the tutorial's names, and the graph."""
    graph = network.forward()
    network.optimizer.zero_grad()
    graph["E"].backward()
    numbers = {name: value.data for name, value in graph.items()}
    numbers |= {f"delta_{unit}": graph[f"net_{unit}"].grad for unit in ("o1", "o2", "h1", "h2")}
    numbers |= {f"dE_d{unit}": graph[unit].grad for unit in ("h1", "h2")}
    numbers |= {f"dE_d{name}": w.grad for name, w in network.weights.items()}
    return numbers, graph


def compare(name: str, number: float) -> tuple[str, bool]:
    """Say how a number and the tutorial's printed digits agree, and whether they do."""
    printed = PRINTED[name]
    if same_digits(number, printed):
        return "agrees", True
    if name in MISPRINTS and same_digits(number, MISPRINTS[name]):
        return f"misprint for {MISPRINTS[name]}", True
    if name in ITS_OWN:
        redone = ITS_OWN[name]({key: float(digits) for key, digits in PRINTED.items()})
        if same_digits(redone, printed) and abs(redone - number) < 2e-9:
            return "agrees, by its rounding", True
    return "WRONG", False


def same_digits(number: float, printed: str) -> bool:
    """Whether the number, rounded or cut off to as many digits, is what was printed.

    >>> same_digits(0.00877135468, "0.008771354"), same_digits(0.00877135468, "0.008771356")
    (True, False)
    """
    unit = Decimal(1).scaleb(-len(printed.partition(".")[2]))
    exact = Decimal(number)
    return Decimal(printed) in (exact.quantize(unit, ROUND_HALF_EVEN), exact.quantize(unit, ROUND_DOWN))


def run(out: Path, pictures: list[Path], steps: int, progress: bool) -> bool:
    """Print the comparison, train, draw."""
    title("1. The 2-2-2 network, worked by hand in a tutorial")
    network = Network()
    numbers, graph = first_step(network)
    picture = draw(graph["E"], title="The 2-2-2 network: values, gradients and local derivatives")
    for form in ("svg", "png", "html"):  # the last is the player, which steps through both passes
        pictures.append(Path(picture.save(out / f"worked_example.{form}")))
    textbook = nn.draw(network.model, loss=graph["E"], target=NETWORK["targets"], title="The 2-2-2 network")
    for form in ("svg", "png"):
        pictures.append(Path(textbook.save(out / f"worked_network.{form}")))
    network.optimizer.step()
    numbers |= {f"{name}_new": w.data for name, w in network.weights.items()}
    agreed = print_table(numbers)
    return train(network, steps, out, pictures, progress) and agreed


def print_table(numbers: dict[str, float]) -> bool:
    """Print every number of the step beside the tutorial's."""
    verdicts, rows = [], [("", "here", "tutorial", "")]
    for name, printed in PRINTED.items():
        said, good = compare(name, numbers[name])
        verdicts.append(good)
        rows.append((name, repr(numbers[name]), printed, said))
    say(table(rows))
    say(f"{sum(verdicts)} of {len(verdicts)} numbers agree.")
    return all(verdicts)


def train(network: Network, steps: int, out: Path, pictures: list[Path], progress: bool) -> bool:
    """Train on, comparing the losses with the stored ones; one step was taken already."""
    stored: dict[str, float] = FACTS["loss_after"]
    losses = [network.step() for _ in bar(steps - 1, "2-2-2 network", progress)]  # each is the loss before its step
    losses.append(network.loss())
    rows = [("loss after", "here", "stored", "relative")]
    agreed = True
    for count, expected in stored.items():
        if int(count) <= steps:
            loss = losses[int(count) - 1]
            difference = abs(loss - expected) / expected
            agreed &= difference <= CLOSE
            verdict = "" if difference <= CLOSE else "  WRONG"
            rows.append((f"{int(count):,}", repr(loss), repr(expected), f"{difference:.1e}{verdict}"))
    say("\n" + table(rows, right=[0]))
    if can_plot():
        _curve(losses, out / "worked_example_loss.png", pictures)
    return agreed


def _curve(losses: list[float], path: Path, pictures: list[Path]) -> None:
    fig, (ax,) = nn.plot.figure()
    ax.loglog(range(1, len(losses) + 1), losses, color="#1d4ed8")
    ax.set(xlabel="training step", ylabel="loss", title="The 2-2-2 network")
    save(fig, path, pictures)
