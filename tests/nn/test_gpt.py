"""A small GPT, number by number, learns as the same one does in NumPy with its backward pass derived by hand."""

import sys
from pathlib import Path

import pytest

import nn
from autograd import Value, value_and_grad
from tests import gpt_oracle as oracle

HERE = Path(__file__).parents[1] / "benchmarks"
sys.path.insert(0, str(HERE))
try:
    import gpt
finally:
    sys.path.remove(str(HERE))

# What `python tests/gpt_oracle.py` prints: the loss before each step.
LOSSES = [
    3.614560453340217,
    3.5750928943320255,
    3.2549913149319107,
    3.3609654798020365,
    3.1759799224682137,
    3.359914799967701,
    3.129576068465621,
    3.470180521079484,
    3.1107284524264807,
    3.4860324788996313,
    3.2967173329569737,
    3.2213071257868418,
]


def flat(gradient):
    return [x for name in gpt.SHAPES for x in gradient[name].ravel().tolist()]


def test_the_stored_losses_are_those_of_the_oracle():
    assert gpt.SHAPES == oracle.SHAPES
    # NumPy's products may add up in another order elsewhere
    assert oracle.losses() == pytest.approx(LOSSES, rel=1e-9)


def test_the_loss_and_all_its_derivatives():
    parameters = oracle.first_parameters()
    for name in oracle.NAMES[:2]:
        want, slopes = oracle.loss_and_gradient(oracle.matrices(parameters), name)
        loss, gradient = value_and_grad(gpt.loss)(parameters, oracle.symbols(name))
        assert loss == pytest.approx(want, rel=1e-14)
        # sums of some hundred terms of either sign, none larger than 1
        assert gradient == pytest.approx(flat(slopes), rel=1e-10, abs=1e-15)
        assert max(map(abs, gradient)) > 0.01


def test_the_losses_of_the_first_steps():
    parameters = [Value(x) for x in oracle.first_parameters()]
    optimizer = nn.Adam(parameters, lr=oracle.RATE, betas=oracle.BETAS, eps=oracle.EPS)
    schedule = nn.LambdaLR(optimizer, lambda step: 1 - step / oracle.STEPS)
    losses = []
    for name in oracle.NAMES[: oracle.STEPS]:
        for p in parameters:
            p.grad = 0.0  # and not none at all: a letter that is not in this name takes its step of Adam, too
        loss = gpt.loss(parameters, oracle.symbols(name))
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.data)
    # a step divides by the size of the gradient: where that is near ε, what rounding left of it counts
    assert losses == pytest.approx(LOSSES, rel=1e-9)
    assert losses[-1] < losses[0]
