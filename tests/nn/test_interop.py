"""Weights to and from PyTorch. These run where PyTorch is installed."""

import sys

import pytest

import nn
from autograd import MissingExtraError

pytestmark = pytest.mark.torch
NAMES = [
    "relu", "tanh", "sigmoid", "softplus", "softsign", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "hardtanh",
    "logsigmoid",
]  # fmt: skip
INPUTS = [[0.3, -1.2, 2.0], [-4.0, 0.0, 1.5], [30.0, -30.0, 25.0]]


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


def same(torch, model, theirs):
    for x in INPUTS:
        ours, other = model(x), theirs(torch.tensor(x, dtype=torch.float64)).tolist()
        ours = [out.data for out in ours] if isinstance(ours, list) else [ours.data]
        # both round every product and sum, in another order: some units in the last place
        assert ours == pytest.approx(other, rel=1e-12, abs=1e-13)


@pytest.mark.parametrize("activation", NAMES)
@pytest.mark.parametrize("bias", [True, False, "shared"])
def test_there_and_back(torch, activation, bias):
    model = nn.MLP(3, [4, 3, 2], activation=activation, bias=bias, seed=0)
    for i, p in enumerate(model.parameters()):
        p.data += 0.01 * i
    theirs = nn.to_torch(model)
    assert isinstance(theirs, torch.nn.Sequential)
    same(torch, model, theirs)
    same(torch, nn.from_torch(theirs), theirs)


def test_gradients_agree_too(torch):
    model = nn.MLP(3, [4, 1], activation="tanh", seed=0)
    theirs = nn.to_torch(model)
    model(INPUTS[0]).backward()
    theirs(torch.tensor(INPUTS[0], dtype=torch.float64)).backward()
    other = [
        x for i in (0, 2) for row, b in zip(theirs[i].weight.grad, theirs[i].bias.grad, strict=True) for x in [*row, b]
    ]
    assert [p.grad for p in model.parameters()] == pytest.approx([x.item() for x in other], rel=1e-12)


def test_nested_sequentials_dropout_and_single_precision(torch):
    theirs = torch.nn.Sequential(
        torch.nn.Linear(3, 4), torch.nn.Dropout(0.5), torch.nn.Sequential(torch.nn.Linear(4, 2), torch.nn.Identity())
    ).eval()
    model = nn.from_torch(theirs)
    assert not model.training
    assert [type(step).__name__ for step in model.steps] == ["Layer", "Dropout", "Layer"]
    same(torch, model, theirs.double())
    again = nn.to_torch(model)
    assert not again.training
    same(torch, model, again)


def test_what_has_no_counterpart_is_an_error(torch):
    linear = torch.nn.Linear(2, 2)
    for bad, message in [
        (linear, "takes a torch.nn.Sequential, and Linear"),
        (torch.nn.Sequential(), "is empty"),
        (torch.nn.Sequential(torch.nn.ReLU()), "ReLU does not follow a Linear"),
        (torch.nn.Sequential(linear, torch.nn.ReLU(), torch.nn.Tanh()), "Tanh does not follow a Linear"),
        (torch.nn.Sequential(linear, torch.nn.LeakyReLU(0.3)), "negative_slope=0.3 has no counterpart"),
        (torch.nn.Sequential(linear, torch.nn.ELU(2.0)), "alpha=2.0 has no counterpart"),
        (torch.nn.Sequential(linear, torch.nn.GELU("tanh")), "approximate='tanh' has no counterpart"),
        (torch.nn.Sequential(linear, torch.nn.Hardtanh(-2.0, 1.0)), "Hardtanh with min_val=-2.0 has no counterpart"),
        (torch.nn.Sequential(linear, torch.nn.Hardtanh(-1.0, 2.0)), "Hardtanh with max_val=2.0 has no counterpart"),
        (torch.nn.Sequential(linear, torch.nn.Softplus(beta=2.0)), "Softplus with beta=2.0"),
        (torch.nn.Sequential(linear, torch.nn.BatchNorm1d(2)), "BatchNorm1d has no counterpart here; known are Linear"),
    ]:
        with pytest.raises(ValueError, match=message):
            nn.from_torch(bad)
    for bad, message in [
        (nn.Neuron(2), "and not Neuron"),
        (nn.MLP(1, [1, 1], activation="sin"), "no module for the activation 'sin'"),
        (nn.MLP(1, [1, 1], activation=lambda z: z * z), "no module for the activation <function"),
        (nn.Sequential(nn.Layer(1, 1), abs), "and not builtin_function"),
    ]:
        with pytest.raises(ValueError, match=message):
            nn.to_torch(bad)


def test_without_pytorch_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    for call in (nn.to_torch, nn.from_torch):
        with pytest.raises(MissingExtraError, match=r"torch needs the package torch.*pip install 'chalkgrad\[torch\]'"):
            call(nn.MLP(1, [1]))


def test_a_torch_module_that_stands_twice_is_taken_twice(torch):
    act, square = torch.nn.Tanh(), torch.nn.Linear(3, 3, dtype=torch.float64)
    inner = torch.nn.Sequential(square, act)
    given = torch.nn.Sequential(inner, torch.nn.Identity(), square, act, torch.nn.Linear(3, 2, dtype=torch.float64))
    ours = nn.from_torch(given)
    assert len(ours) == 3
    for x in INPUTS:
        wanted = given(torch.tensor(x, dtype=torch.float64)).tolist()
        assert [out.data for out in ours(x)] == pytest.approx(wanted, rel=1e-13)  # rounding in other orders
