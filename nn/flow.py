"""How much gradient reaches each layer, now or over a training run."""

from __future__ import annotations

import math
from collections import defaultdict

from autograd import Value

from .module import Module
from .run import Training


def gradient_flow(model: Module) -> dict[str, float]:
    """Return for each layer the root of the mean square of its parameters' gradients, as they are now.

    A layer is called by its path, such as ``layers.0``. Parameters that take no gradient, or hold none, are left out.

    >>> import nn
    >>> model = nn.MLP(1, [2, 1], init="ones")
    >>> model([3.0]).backward()
    >>> flow = nn.gradient_flow(model)
    >>> list(flow)
    ['layers.0', 'layers.1']
    >>> round(flow["layers.0"] ** 2, 12)  # weights have gradient 3, biases 1
    5.0
    """
    return flow_of(parameters_by_layer(model))


def parameters_by_layer(model: Module) -> dict[str, list[Value]]:
    """Return the parameters of each layer, by its path."""
    layers: dict[str, list[Value]] = defaultdict(list)
    for path, p in model.named_parameters():
        layers[_layer(path)].append(p)
    return dict(layers)


def flow_of(layers: dict[str, list[Value]]) -> dict[str, float]:
    """Return the root of the mean square of each layer's gradients, for those that have some."""
    grads = {layer: [p.grad for p in parameters if p.has_grad] for layer, parameters in layers.items()}
    return {layer: _root_mean_square(numbers) for layer, numbers in grads.items() if numbers}


def _root_mean_square(numbers: list[float]) -> float:
    root = math.sqrt(len(numbers))
    whole = math.hypot(*numbers) / root
    return whole if math.isfinite(whole) else math.hypot(*[x / root for x in numbers])  # where the sum is too large


def record_gradients(training: Training) -> None:
    """Note at each epoch how much gradient reached each layer: a callback, ``fit(..., callbacks=[record_gradients])``.

    It notes the gradients of the epoch's last batch in ``history.gradient_flow``, and ``history.plot_gradient_flow()``
    draws them.

    >>> import nn
    >>> X, y = nn.data.xor()
    >>> history = nn.fit(nn.MLP(2, [2, 1]), X, y, epochs=2, callbacks=[nn.record_gradients], progress=False)
    >>> [list(row) for row in history.gradient_flow]
    [['epoch', 'layers.0', 'layers.1'], ['epoch', 'layers.0', 'layers.1']]
    """
    flow = gradient_flow(training.model)
    if flow:
        training.history.gradient_flow.append({"epoch": training.row["epoch"], **flow})


def _layer(path: str) -> str:
    layer, neurons, _ = path.partition(".neurons.")
    if neurons:
        return layer
    parts = path.split(".")[:-1]
    while parts and parts[-1] in ("w", "b"):
        parts.pop()
    return ".".join(parts) or "model"
