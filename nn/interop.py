"""Weights to and from PyTorch, which is imported only when one of these is called."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from autograd import Value

from .layers import MLP, Dropout, Layer, Sequential
from .module import Module

# Our name of an activation, the torch module that computes it, and its options; None where it has none.
_ACTIVATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "relu": ("ReLU", {}),
    "tanh": ("Tanh", {}),
    "sigmoid": ("Sigmoid", {}),
    "softplus": ("Softplus", {"threshold": 1e9}),  # torch's own is linear beyond 20, which is off by 2e-9
    "softsign": ("Softsign", {}),
    "leaky_relu": ("LeakyReLU", {"negative_slope": 0.01}),
    "elu": ("ELU", {"alpha": 1.0}),
    "selu": ("SELU", {}),
    "gelu": ("GELU", {"approximate": "none"}),
    "silu": ("SiLU", {}),
    "mish": ("Mish", {}),
    "hardtanh": ("Hardtanh", {}),
    "logsigmoid": ("LogSigmoid", {}),
}


def to_torch(model: Module) -> Any:
    """Return a ``torch.nn.Sequential`` of double precision that computes the same as an MLP or Sequential of layers.

    A bias that a layer shares becomes a bias for each neuron. Raises ValueError for a module or an activation that
    PyTorch has no counterpart of, ImportError where PyTorch is not installed.
    """
    torch = _torch()
    parts: list[Any] = []
    for module in _flat(model):
        if isinstance(module, Dropout):
            parts.append(torch.nn.Dropout(module.p))
            continue
        linear = torch.nn.Linear(module.nin, module.nout, bias=module.bias is not False, dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(_tensor([[w.data for w in neuron.w] for neuron in module.neurons]))
            if module.bias is not False:
                linear.bias.copy_(_tensor([neuron.b.data for neuron in module.neurons if neuron.b is not None]))
        parts.append(linear)
        if module.activation != "linear":
            if module.activation not in _ACTIVATIONS:
                raise ValueError(f"PyTorch has no module for the activation {module.activation or module._activate!r}")
            name, options = _ACTIVATIONS[module.activation]
            parts.append(getattr(torch.nn, name)(**options))
    made = torch.nn.Sequential(*parts)
    return made.train(model.training)


def from_torch(model: Any) -> Sequential:
    """Return a ``Sequential`` that computes the same as a ``torch.nn.Sequential`` of Linear, activations and Dropout.

    Raises ValueError for another module, or for an option that would make the result differ.
    """
    torch = _torch()
    if not isinstance(model, torch.nn.Sequential):
        raise ValueError(f"from_torch takes a torch.nn.Sequential, and {type(model).__name__} was given")
    steps: list[Any] = []
    for part in _parts(model):
        kind = type(part).__name__
        if kind == "Linear":
            steps.append(_layer(part))
        elif kind == "Dropout":
            steps.append(Dropout(part.p))
        elif kind == "Identity":
            continue
        else:
            name = _name_of(part)
            if not steps or not isinstance(steps[-1], Layer) or steps[-1].activation != "linear":
                raise ValueError(f"{kind} does not follow a Linear layer, and has no counterpart on its own here")
            steps[-1] = _with_activation(steps[-1], name)
    if not steps:
        raise ValueError("the torch.nn.Sequential is empty")
    made = Sequential(*steps)
    return made.train(bool(model.training))


def _parts(model: Any) -> Iterator[Any]:
    """Yield the modules of a Sequential in order; one that stands twice comes twice, as ``modules()`` would not."""
    for part in model:
        if isinstance(part, _torch().nn.Sequential):
            yield from _parts(part)
        else:
            yield part


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise ImportError("to_torch and from_torch need PyTorch: pip install torch") from error
    return torch


def _tensor(numbers: Any) -> Any:
    return _torch().tensor(numbers, dtype=_torch().float64)


def _flat(module: Any) -> list[Any]:
    if isinstance(module, MLP):
        return list(module.layers)
    if isinstance(module, Sequential):
        return [part for step in module.steps for part in _flat(step)]
    if isinstance(module, (Layer, Dropout)):
        return [module]
    raise ValueError(f"MLP, Sequential, Layer and Dropout can go to PyTorch, and not {type(module).__name__}")


def _layer(linear: Any) -> Layer:
    weights, biases = linear.weight.tolist(), linear.bias.tolist() if linear.bias is not None else None
    layer = Layer(linear.in_features, linear.out_features, activation="linear", bias=biases is not None, init="zeros")
    for i, neuron in enumerate(layer.neurons):
        for w, number in zip(neuron.w, weights[i], strict=True):
            w.data = number
        if isinstance(neuron.b, Value) and biases is not None:
            neuron.b.data = biases[i]
    return layer


def _with_activation(layer: Layer, name: str) -> Layer:
    made = Layer(layer.nin, layer.nout, activation=name, bias=layer.bias, init="zeros")
    made.load_state_dict(layer.state_dict())
    return made


def _name_of(part: Any) -> str:
    kind = type(part).__name__
    for name, (torch_name, options) in _ACTIVATIONS.items():
        if torch_name == kind:
            reference: Callable[..., Any] = getattr(_torch().nn, kind)
            wanted = vars(reference(**options))
            different = [k for k, x in vars(part).items() if k in options and x != wanted[k]]
            if different and kind != "Softplus":
                raise ValueError(f"{kind} with {different[0]}={getattr(part, different[0])!r} has no counterpart here")
            if kind == "Hardtanh" and (part.min_val, part.max_val) != (-1.0, 1.0):
                raise ValueError("Hardtanh with bounds other than -1 and 1 has no counterpart here")
            if kind == "Softplus" and part.beta != 1.0:
                raise ValueError(f"Softplus with beta={part.beta!r} has no counterpart here")
            return name
    raise ValueError(f"{kind} has no counterpart here; known are Linear, Dropout and {', '.join(_names())}")


def _names() -> list[str]:
    return [torch_name for torch_name, _ in _ACTIVATIONS.values()]
