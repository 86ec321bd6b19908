"""Whether a model is a stack of layers, each fed by the one before it, as textbooks draw networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from autograd import dot

from .layers import MLP, Dropout, Layer, Neuron, Sequential
from .module import Module


class Stack(NamedTuple):
    """The neurons of each layer in order; none, and a sentence that says why, where the model is no stack."""

    layers: list[list[Neuron]]
    why: str = ""


def stack(model: Module) -> Stack:
    """Return the layers of a model in evaluation mode, where Dropout changes nothing.

    >>> from nn import MLP
    >>> [len(neurons) for neurons in stack(MLP(2, [3, 1])).layers]
    [3, 1]
    """
    layers: list[list[Neuron]] = []
    why = _collect(model, layers)
    if not (why or layers):
        why = f"{type(model).__name__} has no neurons"
    return Stack([], why) if why else Stack(layers)


def run(layers: list[list[Neuron]], x: Sequence[float]) -> tuple[list[list[Any]], list[list[Any]]]:
    """Return the net inputs of each layer for one sample, and its activations, as Values."""
    nets: list[list[Any]] = []
    outs: list[list[Any]] = []
    for neurons in layers:
        nets.append([dot(neuron.w, x, neuron.b) for neuron in neurons])
        outs.append(
            [z if neuron.activate is None else neuron.activate(z) for neuron, z in zip(neurons, nets[-1], strict=True)]
        )
        x = outs[-1]
    return nets, outs


def _collect(module: Any, layers: list[list[Neuron]]) -> str:
    """Add the layers of a module, and return why it is no stack, or an empty text."""
    if _computes_as(module, Dropout):
        return ""
    if _computes_as(module, Neuron):
        layers.append([module])
        return ""
    if _computes_as(module, Layer) and type(module).outputs is Layer.outputs:
        layers.append(module.neurons)
        strange = [neuron for neuron in module.neurons if not _computes_as(neuron, Neuron)]
        return f"a layer has a {type(strange[0]).__name__} among its neurons" if strange else ""
    inside = module.layers if _computes_as(module, MLP) else module.steps if _computes_as(module, Sequential) else None
    if inside is None:
        kind = type(module).__name__
        return f"{kind} computes its output in its own way, which is not known to be that of a stack of layers"
    return next(filter(None, (_collect(one, layers) for one in inside)), "")


def _computes_as(module: Any, kind: type[Module]) -> bool:
    """Whether a module is of that class, or of one derived from it that computes its output as that class does."""
    cls = type(module)
    same = isinstance(module, kind) and cls.forward is kind.forward and cls.__call__ is kind.__call__
    return same and "forward" not in vars(module)
