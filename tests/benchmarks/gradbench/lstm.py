"""lstm: the loss of a recurrent network with diagonal weights that foretells the bits of the next letter of a text.

The formulas are those of GradBench's cpp/gradbench/evals/lstm.hpp, after ADBench.
"""

from itertools import pairwise
from typing import Any

import autograd
from autograd import exp, grad, log, scan, sigmoid, tanh
from common import Function, Work, whole


def weighted(xs: Any, weights: Any, biases: Any) -> list[Any]:
    """The numbers, each with its weight and bias."""
    return [x * w + b for x, w, b in zip(xs, weights, biases)]


def layer(weights: Any, biases: Any, state: Any, xs: Any) -> tuple[list[Any], list[Any]]:
    """The new state of a layer: what it puts out, and its memory."""
    (hidden, cell), size = state, len(xs)
    parts = [slice(i * size, (i + 1) * size) for i in range(4)]
    forget, enter, leave, change = [
        weighted(source, weights[part], biases[part]) for source, part in zip([xs, hidden, xs, hidden], parts)
    ]
    cell = [c * sigmoid(f) + sigmoid(e) * tanh(g) for c, f, e, g in zip(cell, forget, enter, change)]
    return [sigmoid(o) * tanh(c) for o, c in zip(leave, cell)], cell


def loss(main: Any, extra: Any, state: Any, sequence: Any) -> Any:
    """The mean negative log likelihood of the sequence."""
    (inward, outward, bias), layers = extra, range(len(main) // 2)

    def turn(state: Any, letters: Any) -> tuple[Any, None]:
        (states, total), (letter, following) = state, letters
        flow, new = [x * w for x, w in zip(letter, inward)], []
        for i in layers:
            new.append(layer(main[2 * i], main[2 * i + 1], states[i], flow))
            flow = new[-1][0]
        scores = weighted(flow, outward, bias)
        norm = log(2.0 + autograd.sum([exp(y) for y in scores]))
        return (new, total + autograd.sum([x * (y - norm) for x, y in zip(following, scores)])), None

    states = [(state[2 * i], state[2 * i + 1]) for i in layers]
    (_, total), _ = scan(turn, (states, 0.0), list(pairwise(sequence)))
    return -total / (len(inward) * (len(sequence) - 1))


def gradient(*args: Any) -> list[Any]:
    """The gradient by main and extra, row after row in one list."""
    return [x for part in grad(loss, argnums=(0, 1))(*args) for row in part for x in row]


def work(data: dict[str, Any], compiled: bool, f: Function) -> Work:
    """The call of ``f``."""
    return whole(f, [data[name] for name in ("main_params", "extra_params", "state", "sequence")], compiled)


FUNCTIONS = {
    "objective": lambda data, compiled: work(data, compiled, loss),
    "jacobian": lambda data, compiled: work(data, compiled, gradient),
}
