"""Weights to and from PyTorch, which is imported only when one of these is called."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from autograd import OPERATIONS
from autograd.errors import require

from .layers import MLP, Dropout, Layer, Sequential
from .module import Module


def to_torch(model: Module) -> Any:
    """Return a ``torch.nn.Sequential`` of double precision that computes the same as an MLP or Sequential of layers.

    A bias that a layer shares becomes a bias for each neuron. Raises ValueError for a module or an activation that
    PyTorch has no counterpart of, MissingExtraError where PyTorch is not installed.

    >>> import nn
    >>> nn.to_torch(nn.MLP(2, [3, 1], activation="tanh", seed=0))  # doctest: +SKIP
    Sequential(
      (0): Linear(in_features=2, out_features=3, bias=True)
      (1): Tanh()
      (2): Linear(in_features=3, out_features=1, bias=True)
    )
    """
    torch: Any = require("torch", "torch", "to_torch")
    parts: list[Any] = []
    for step in _steps(model):
        if isinstance(step, Dropout):
            parts.append(torch.nn.Dropout(step.p))
            continue
        linear = torch.nn.Linear(step.nin, step.nout, bias=step.bias is not False, dtype=torch.float64)
        rows = [[w.data for w in neuron.w] for neuron in step.neurons]
        biases = [neuron.b.data for neuron in step.neurons if neuron.b is not None]
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(rows, dtype=torch.float64))
            if biases:
                linear.bias.copy_(torch.tensor(biases, dtype=torch.float64))
        parts.append(linear)
        activation = getattr(step, "activation", None)  # which a layer of unlike neurons does not have
        if activation != "linear":
            counterpart = OPERATIONS[activation].torch if activation else None
            if counterpart is None:
                what = activation or getattr(step, "activate", None)
                raise ValueError(f"PyTorch has no module for the activation {what!r} of {step!r}")
            kind, options = counterpart
            parts.append(getattr(torch.nn, kind)(**options))
    return torch.nn.Sequential(*parts).train(model.training)


def from_torch(model: Any) -> Sequential:
    """Return a ``Sequential`` that computes the same as a ``torch.nn.Sequential`` of Linear, activations and Dropout.

    Raises ValueError for another module, or for an option that would make the result differ; MissingExtraError where
    PyTorch is not installed.

    >>> from torch.nn import Linear, ReLU, Sequential  # doctest: +SKIP
    >>> nn.from_torch(Sequential(Linear(2, 3), ReLU(), Linear(3, 1)))  # doctest: +SKIP
    Sequential()  # 13 parameters
      (steps.0): Layer(2, 3, relu)  # 9 parameters
      (steps.1): Layer(3, 1, linear)  # 4 parameters
    """
    torch: Any = require("torch", "torch", "from_torch")
    if not isinstance(model, torch.nn.Sequential):
        raise ValueError(f"from_torch takes a torch.nn.Sequential, and {type(model).__name__} was given")
    steps: list[Any] = []
    for part in _parts(torch, model):
        kind = type(part).__name__
        if kind == "Linear":
            steps.append(_layer(part))
        elif kind == "Dropout":
            steps.append(Dropout(part.p))
        elif kind != "Identity":
            activation = _activation(torch, part)
            if not steps or not isinstance(steps[-1], Layer) or steps[-1].activation != "linear":
                raise ValueError(f"{kind} does not follow a Linear layer, and has no counterpart on its own here")
            steps[-1] = _with_activation(steps[-1], activation)
    if not steps:
        raise ValueError("the torch.nn.Sequential is empty")
    return Sequential(*steps).train(bool(model.training))


def _steps(module: Any) -> list[Any]:
    """Return the layers and dropouts of a model, in order."""
    if isinstance(module, MLP):
        return list(module.layers)
    if isinstance(module, Sequential):
        return [inner for step in module.steps for inner in _steps(step)]
    if isinstance(module, (Layer, Dropout)):
        return [module]
    raise ValueError(f"MLP, Sequential, Layer and Dropout can go to PyTorch, and not {type(module).__name__}")


def _parts(torch: Any, model: Any) -> Iterator[Any]:
    """Yield the modules of a Sequential in order; one that stands twice comes twice, as ``modules()`` would not."""
    for part in model:
        if isinstance(part, torch.nn.Sequential):
            yield from _parts(torch, part)
        else:
            yield part


def _layer(linear: Any) -> Layer:
    layer = Layer(linear.in_features, linear.out_features, activation=None, bias=linear.bias is not None, init="zeros")
    biases = linear.bias.tolist() if linear.bias is not None else [None] * layer.nout
    for neuron, row, bias in zip(layer.neurons, linear.weight.tolist(), biases, strict=True):
        for w, number in zip(neuron.w, row, strict=True):
            w.data = number
        if neuron.b is not None:
            neuron.b.data = bias
    return layer


def _with_activation(layer: Layer, activation: str) -> Layer:
    activated = Layer(layer.nin, layer.nout, activation=activation, bias=layer.bias, init="zeros")
    activated.load_state_dict(layer.state_dict())
    return activated


def _activation(torch: Any, part: Any) -> str:
    """Return the name of the activation that a module of PyTorch computes, where its options are ours."""
    names = {row.torch[0]: row.name for row in OPERATIONS.values() if row.torch is not None}
    kind = type(part).__name__
    if kind not in names:
        raise ValueError(f"{kind} has no counterpart here; known are Linear, Dropout and {', '.join(names)}")
    _, options = OPERATIONS[names[kind]].torch or ("", {})
    ours, theirs = vars(getattr(torch.nn, kind)(**options)), vars(part)
    # inplace changes no number, and Softplus is linear beyond its threshold (20) for speed, which is off by 2e-9
    for option, x in ours.items():
        if not option.startswith("_") and option not in ("training", "inplace", "threshold") and theirs[option] != x:
            raise ValueError(f"{kind} with {option}={theirs[option]!r} has no counterpart here")
    return names[kind]
