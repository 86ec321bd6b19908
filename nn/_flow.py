"""How much gradient reaches each layer, over a training run."""

from __future__ import annotations

import math
import os
from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .fit import Training
    from .module import Module


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
    grads: dict[str, list[float]] = defaultdict(list)
    for path, p in model.named_parameters():
        if p.requires_grad and p.has_grad:
            grads[_layer(path)].append(p.grad)
    return {layer: math.hypot(*found) / math.sqrt(len(found)) for layer, found in grads.items()}


def _layer(path: str) -> str:
    head, inside, _ = path.partition(".neurons.")
    if inside:
        return head
    parts = path.split(".")[:-1]
    while parts and parts[-1] in ("w", "b"):
        parts.pop()
    return ".".join(parts) or "model"


def record_gradients(training: Training) -> None:
    """Note at each epoch how much gradient reached each layer: a callback, ``fit(..., callbacks=[record_gradients])``.

    It notes the gradients of the epoch's last batch in ``history.gradient_flow``, and ``history.plot_gradient_flow()``
    draws them. A compiled step (``jit=True``) keeps no gradients in the model, so that there is nothing to note.
    """
    flow = gradient_flow(training.model)
    if flow:
        training.history.gradient_flow.append({"epoch": training.row["epoch"], **flow})


def plot_flow(rows: list[dict[str, Any]], path: str | os.PathLike[str] | None = None) -> Any:
    """Draw bars for each layer, one for each of up to five epochs from the first to the last."""
    if not rows:
        raise ValueError(
            "no gradients were noted: train with fit(..., callbacks=[nn.record_gradients]), and without jit=True, "
            "whose compiled step keeps no gradients"
        )
    from .plot import figure

    count = min(5, len(rows))
    chosen = [rows[round(i * (len(rows) - 1) / max(count - 1, 1))] for i in range(count)]
    layers = list(dict.fromkeys(layer for row in chosen for layer in row if layer != "epoch"))
    fig, (ax,) = figure(1, width=max(5.5, 1.2 * len(layers) + 2.5))
    shades = ["#bfdbfe", "#93c5fd", "#60a5fa", "#2563eb", "#1e3a8a"][5 - count :]
    smallest = min((row[k] for row in chosen for k in layers if row.get(k, 0.0) > 0.0), default=1.0)
    for i, (row, shade) in enumerate(zip(chosen, shades, strict=True)):
        at = [k + (i - (count - 1) / 2) * 0.8 / count for k in range(len(layers))]
        heights = [row.get(layer, 0.0) for layer in layers]
        ax.bar(at, heights, width=0.76 / count, color=shade, label=f"epoch {row['epoch']}")
        for x, height in zip(at, heights, strict=True):
            if height == 0.0:  # a logarithm has no zero: say it in words
                ax.text(x, smallest, "0", ha="center", va="bottom", fontsize=8)
    ax.set_yscale("log")
    ax.set_xticks(range(len(layers)), layers)
    ax.set(ylabel="gradient, root mean square", title="How much gradient reaches each layer")
    ax.legend(frameon=False, fontsize=8)
    if path is not None:
        fig.savefig(path, dpi=150)
    return fig
