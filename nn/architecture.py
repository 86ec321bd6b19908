"""How a model is built, as JSON can hold it: to build it anew, and to compare it with one that is there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from autograd import OPERATIONS

from .layers import MLP, Dropout, Layer, Neuron, Sequential
from .module import Module

ELSEWISE = "build it yourself and give it to load(path, model)"


def architecture(model: Any) -> dict[str, Any]:
    """Describe a model; of one that is not of this package, the parts in it that are, by their paths."""
    kind = type(model)
    if kind is MLP:
        return {"kind": "MLP", "layers": list(map(architecture, model.layers))}
    if kind is Sequential:
        return {"kind": "Sequential", "steps": list(map(architecture, model.steps))}
    if kind is Layer and all(type(neuron) is Neuron for neuron in model.neurons):
        names = [neuron.activation for neuron in model.neurons]
        activation = names[0] if len(set(names)) == 1 else names
        return {"kind": "Layer", "nin": model.nin, "nout": model.nout, "activation": activation, "bias": model.bias}
    if kind is Neuron:
        return {"kind": "Neuron", "activation": model.activation}
    if kind is Dropout:
        return {"kind": "Dropout", "p": model.p}
    if not isinstance(model, Module):  # a step of a Sequential may be a function
        names = [row.name for row in OPERATIONS.values() if row.evaluate is model]
        return {"kind": "Function", "name": names[0] if names else None}
    parts: dict[str, Any] = {}
    within = "."  # with which no path begins
    for path, module in model.named_modules():  # a module comes before those inside it
        if type(module) in (MLP, Sequential, Layer, Neuron, Dropout) and path and not (f"{path}.").startswith(within):
            part = architecture(module)
            if part["kind"] != "Module":
                parts[path], within = part, f"{path}."
    return {"kind": "Module", "parts": parts}


def differences(stored: Any, own: Any, exact: bool = False) -> list[str]:
    """Return in words what a stored architecture has otherwise; a function of the user's own is not compared.

    ``exact`` compares the probabilities of Dropout too.
    """
    theirs, ours = dict(_what_is_where(stored, "", exact)), dict(_what_is_where(own, "", exact))
    differing = [path for path in theirs if path in ours and theirs[path] != ours[path]]
    return [f"{path or 'it'} is {theirs[path]} in the file and {ours[path]} in this model" for path in differing[:3]]


def _what_is_where(part: Any, path: str, exact: bool) -> Iterator[tuple[str, str]]:
    """Yield by path what each part computes besides its parameters, where it has a name."""
    kind = part.get("kind") if isinstance(part, dict) else None
    dot = f"{path}." if path else ""
    inner = {"MLP": "layers", "Sequential": "steps"}.get(str(kind))
    if inner is not None and isinstance(part.get(inner), list):
        for i, one in enumerate(part[inner]):
            yield from _what_is_where(one, f"{dot}{inner}.{i}", exact)
    elif kind == "Module" and isinstance(part.get("parts"), dict):
        for key, one in part["parts"].items():
            yield from _what_is_where(one, f"{dot}{key}", exact)
    elif kind == "Dropout":
        yield path, f"Dropout({part.get('p')})" if exact else "Dropout"
    elif kind in ("Layer", "Neuron", "Function"):
        name = part.get("name" if kind == "Function" else "activation")
        if isinstance(name, list) and all(isinstance(one, str) for one in name):
            yield path, "/".join(name)
        elif isinstance(name, str):
            yield path, name


def built(stored: Any, state: dict[str, Any]) -> Module:
    """Make the model that an architecture describes, for the numbers in ``state``."""
    if stored is None:
        raise ValueError(f"it does not say how to build its model; {ELSEWISE}")
    return _build(stored, sum(map(_count, state.values())))


def _build(part: Any, room: int) -> Module:
    """Make what an architecture describes; ``room`` is how many numbers the file has for it."""
    kind = part.get("kind") if isinstance(part, dict) else None
    if kind == "MLP":
        mlp = MLP(1, [1])
        mlp.layers = [_built_layer(layer, room) for layer in _list(part, "layers")]
        return mlp
    if kind == "Layer":
        return _built_layer(part, room)
    if kind == "Dropout":
        return Dropout(part.get("p"))
    if kind == "Sequential":
        return Sequential(*[_build(step, room) for step in _list(part, "steps")])
    raise _unknown(kind)


def _unknown(kind: Any) -> ValueError:
    if kind in ("Module", "Neuron", "Function"):
        return ValueError(f"it does not say how to build a {kind}; {ELSEWISE}")
    return ValueError(f"it tells of a part that is not known here: {kind!r}")


def _built_layer(part: Any, room: int) -> Layer:
    if isinstance(part, dict) and part.get("kind") == "Module":
        raise _unknown("Module")
    if not isinstance(part, dict) or set(part) != {"kind", "nin", "nout", "activation", "bias"}:
        raise ValueError("it tells of a layer without saying nin, nout, activation and bias")
    nin, nout, activation = part["nin"], part["nout"], part["activation"]
    for key, width in (("nin", nin), ("nout", nout)):
        if isinstance(width, bool) or not isinstance(width, int) or not 1 <= width <= room:
            raise ValueError(f"it tells of a layer with {key}={width!r}, and has no numbers for that")
    if nin * nout > room:
        raise ValueError(f"it tells of a layer of {nin} × {nout} weights, and has no numbers for that")
    names = activation if isinstance(activation, list) else [activation] * nout
    if len(names) != nout:
        raise ValueError(f"it tells of a layer of {nout} neurons with {len(names)} activations")
    if None in names:
        raise ValueError(f"it tells of a layer with an activation that has no name; {ELSEWISE}")
    layer = Layer(nin, nout, activation=None, bias=part["bias"], init="zeros")
    for neuron, name in zip(layer.neurons, names, strict=True):
        neuron.activation = name
    return layer


def _list(part: dict[str, Any], key: str) -> list[Any]:
    if not isinstance(part.get(key), list) or not part[key]:
        raise ValueError(f"it tells of a {part['kind']} without {key}")
    return list(part[key])


def _count(numbers: Any) -> int:
    return sum(map(_count, numbers)) if isinstance(numbers, list) else 1
