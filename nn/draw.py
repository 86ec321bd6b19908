"""The diagram that textbooks draw of a network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autograd import Value
    from autograd.diagram.network import NetworkDiagram

    from .module import Module


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

    With inputs `x` each circle shows its activation and, below, its net input. With the `loss` of a graph that went
    through the model, the numbers are those of that graph (of its first sample) and after `loss.backward()` each neuron
    shows δ, the derivative of the loss with respect to its net input. Weights show their gradients as soon as they have
    some. `target` writes what was wanted beside the outputs. A layer wider than `most` is shown from both ends, and the
    picture says how many are left out; so are the numbers on the lines where there are more than 48.

    Dropout and other modules without neurons are not drawn. Raises DiagramError when the model has no layers of
    neurons, when the widths do not fit one another, or when `x` or `target` has another length.

    >>> import nn
    >>> nn.draw(nn.MLP(2, [3, 1], seed=0), [0.5, -1.0])
    NetworkDiagram(2 → 3 → 1)
    """
    from ._network import network_diagram  # what draws is loaded when it is used

    return network_diagram(model, x, loss, target, most, title, theme, engine)
