"""The diagram that textbooks draw of a network: from a model to the columns and weights of its picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from autograd import Value, enable_grad
from autograd.errors import DiagramError

from .layers import Layer, Neuron
from .module import Module

if TYPE_CHECKING:  # what draws is loaded when it is used
    from autograd.diagram.network import NetworkDiagram


def draw(
    model: Module,
    x: Sequence[Any] | None = None,
    *,
    loss: Value | None = None,
    target: Sequence[Any] | Any | None = None,
    most: int = 8,
    title: str | None = None,
    theme: str = "auto",
    engine: str | None = None,
) -> NetworkDiagram:
    """Draw a network as textbooks do: neurons as circles in columns, biases, weights on the lines between them.

    With inputs ``x`` each circle shows its activation and, below, its net input. With the ``loss`` of a graph that went
    through the model, the numbers are those of that graph (of its first sample) and after ``loss.backward()`` each
    neuron shows δ, the derivative of the loss with respect to its net input. Weights show their gradients as soon as
    they have some. ``target`` writes what was wanted below the outputs. A layer wider than ``most`` is shown from both
    ends, and the picture says how many are left out. Where over 160 lines are left, or over 12 into one unit, they have
    no numbers on them.

    It is a ``Diagram`` like that of ``autograd.draw`` and is saved in the same formats: its player and its animation
    go through the units layer by layer, and back. Dropout and functions between the layers are named above the layer
    before them; ``x`` goes through the model in evaluation mode.

    Raises DiagramError when the model has no layers of neurons, when the widths do not fit one another, or when ``x``
    or ``target`` has another length.

    >>> import nn
    >>> nn.draw(nn.MLP(2, [3, 1], seed=0), [0.5, -1.0])
    NetworkDiagram(2 → 3 → 1)
    """
    from autograd.diagram.network import as_floats, check_theme
    from autograd.diagram.place.engines import find_engine

    from .sketch import Sketch

    check_theme(theme)
    find_engine(engine)  # one that was asked for by name and is not there is an error now
    if type(most) is not int or most < 2:
        raise DiagramError(f"most= is a number of units, 2 or more; {most!r} was given.")
    layers = _layers(model)
    widths = [len(layers[0][0].w), *map(len, layers)]
    for k, neurons in enumerate(layers):
        if any(len(neuron.w) != widths[k] for neuron in neurons):
            raise DiagramError(f"Layer {k + 1} does not take the {widths[k]} numbers that the one before it gives.")
    inputs = None if x is None else as_floats(x, widths[0], "x")
    if target is not None:
        target = as_floats(target if isinstance(target, Sequence) else [target], widths[-1], "target")
    if loss is not None and not isinstance(loss, Value):
        raise DiagramError(f"loss= is the Value that the model's outputs led to; {type(loss).__name__} was given.")
    roots = [loss] if loss is not None else _outputs(model, inputs) if inputs is not None else []
    sketch = Sketch(model, layers, roots, title or f"Network {' → '.join(map(str, widths))}", most)
    return sketch.diagram(loss, target, theme, engine)


def _layers(model: Any) -> list[list[Neuron]]:
    """The neurons of each layer, in order; a neuron by itself is a layer of one."""
    if not isinstance(model, Module):
        raise DiagramError(f"model is a Module, such as MLP(2, [3, 1]); {type(model).__name__} was given.")
    layers: list[list[Neuron]] = []
    inside: set[int] = set()
    for module in model.modules():
        if isinstance(module, Layer):
            layers.append(list(module.neurons))
            inside.update(map(id, module.neurons))
        elif isinstance(module, Neuron) and id(module) not in inside:
            layers.append([module])
    if not layers:
        raise DiagramError(
            f"This {type(model).__name__} has no Layer and no Neuron in it, so there is nothing to draw."
        )
    return layers


def _outputs(model: Module, x: list[float]) -> list[Value]:
    """What the model makes of ``x`` in evaluation mode."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        with enable_grad():
            out = model.eval()(x)
    finally:
        for module, training in modes:
            module.training = training
    return [v for v in (out if isinstance(out, (list, tuple)) else [out]) if isinstance(v, Value)]
