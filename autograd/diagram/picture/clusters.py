"""Neurons and layers as frames round their nodes.

A node belongs to the module whose parameters it uses; an activation belongs to the node that it is applied to. The
model is anything with `named_modules()`, such as a `Module` of `nn`: this file does not import `nn`.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from autograd._engine import Value
from autograd.diagram.text import LONGEST_NAME, clean, number
from autograd.errors import DiagramError
from autograd.operation import OPERATIONS, Operation

from .picture import Cluster, Node, Picture, nesting
from .select import operands


class Modules:
    """Which module each parameter belongs to, by the paths that `named_modules()` gives."""

    def __init__(self, model: Any) -> None:
        if not callable(getattr(model, "named_modules", None)):
            raise DiagramError(
                f"model= is a Module with named_modules(), such as nn.MLP(2, [3, 1]); {type(model).__name__} was given."
            )
        self.names: dict[int, str] = {}
        self.paths: dict[int, str] = {}
        self._labels: dict[str, str] = {}
        self._activations: dict[str, Any] = {}
        owners: dict[int, list[str]] = defaultdict(list)
        for path, module in model.named_modules():
            self._labels[path] = clean(f"{type(module).__name__} {path.rpartition('.')[2]}".strip(), LONGEST_NAME)
            self._activations[path] = getattr(module, "activation", None)
            for attribute in vars(module).values():
                for leaf in _leaves(attribute):
                    owners[id(leaf)].append(path)
        for path, leaf in model.named_parameters():  # inside its frame `layers.0.neurons.3.w.1` is called w.1
            self.paths[id(leaf)] = path
            parts = path.split(".")
            self.names[id(leaf)] = ".".join(parts[-2:] if parts[-1].isdigit() else parts[-1:])
        self._owner = {key: self._common(paths) for key, paths in owners.items()}

    def _common(self, paths: Sequence[str]) -> str:
        """The innermost module that all of the paths lie in."""
        first, *others = (self._around(path) for path in paths)
        return next((path for path in first if all(path in other for other in others)), "")

    def _around(self, path: str) -> list[str]:
        """The module at a path and those round it, from the inside out."""
        parts = path.split(".")
        outwards = (".".join(parts[:i]) for i in range(len(parts), 0, -1))
        return [prefix for prefix in outwards if prefix in self._labels]

    def apply(self, picture: Picture, ids: Mapping[int, str], places: Mapping[int, str]) -> None:
        """Say of each node which cluster it is in, and list the clusters."""
        around = {outer for path in set(places.values()) for outer in self._around(path)} - {""}
        paths = sorted(around, key=_by_number)
        keys = {path: f"m{i}" for i, path in enumerate(paths)}
        by_node = {ids[key]: keys[path] for key, path in places.items() if path}
        for node in picture.nodes:  # a constant goes where the node that uses it goes: n7c1 with n7
            node.cluster = by_node.get(node.id.partition("c")[0])
        for path in paths:
            parent = next(iter(self._around(path)[1:]), "")
            picture.clusters.append(Cluster(keys[path], self._labels[path], keys.get(parent)))

    def places(self, shown: Sequence[Value]) -> dict[int, str]:
        """The path of the module that each value belongs to, by the value's id; empty for none."""
        places: dict[int, str] = {}
        used: dict[int, set[int]] = {}  # the parameters in each net input; after its activation it is none any more
        last_user = {id(o): v for v in shown for o in operands(v)}
        for v in shown:
            places[id(v)], parameters = self._place(v, places, used)
            if parameters:
                used[id(v)] = parameters
            for o in operands(v):  # else every partial sum of a long one would keep its parameters
                if last_user[id(o)] is v:
                    used.pop(id(o), None)
        return places

    def _place(self, v: Value, places: Mapping[int, str], used: Mapping[int, set[int]]) -> tuple[str, set[int]]:
        """The module that a value belongs to, and the parameters that it uses while it is part of a net input."""
        if v.op is None:
            return self._owner.get(id(v), ""), set()
        values = operands(v)
        parameters = {id(o) for o in values if id(o) in self._owner}
        if parameters:
            return self._innermost([self._owner[id(o)] for o in values if id(o) in self._owner]), parameters
        path, *others = {places.get(id(o), "") for o in values} or [""]
        inputs = [used.get(id(o), set()) for o in values]
        if not path or others or not all(inputs):
            return "", set()
        if len(values) == 1 and _activates(self._activations[path], v.op):
            return path, set()
        parameters = set().union(*inputs)
        if len(values) > 1 and v.op.affine and len(parameters) == sum(map(len, inputs)):
            return path, parameters  # the sum of a neuron that is written out: each parameter once, unlike two samples
        return "", set()

    def _innermost(self, paths: Sequence[str]) -> str:
        """The innermost of modules that lie in one another, else the one that all of them lie in."""
        deepest = max(paths, key=len)
        around = self._around(deepest)
        return deepest if all(path in around or not path for path in paths) else self._common(paths)


def _activates(named: Any, op: Operation) -> bool:
    """Whether `op` is what a neuron does with its net input, where its module calls its activation `named`.

    A loss may be any function, so that of a neuron which says that it is linear is never taken for an activation. Where
    the module says nothing, or something else is applied than it says, it is one of those that torch.nn has too.
    """
    name = getattr(named, "__name__", named)
    return name == op.name or (name != "linear" and op.activation and op.torch is not None)


def _by_number(path: str) -> list[tuple[bool, int, str]]:
    """So that neuron 2 comes before neuron 10."""
    return [(part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in path.split(".")]


def _leaves(thing: Any) -> list[Value]:
    if isinstance(thing, Value):
        return [] if thing.operands else [thing]
    if isinstance(thing, dict):
        thing = list(thing.values())
    return [leaf for item in thing for leaf in _leaves(item)] if isinstance(thing, list | tuple) else []


def summarise(picture: Picture) -> None:
    """Say in each cluster what a box says that stands for it."""
    members = members_of(picture)
    for cluster in picture.clusters:
        cluster.summary = summary(members[cluster.id], cluster)


def members_of(picture: Picture) -> dict[str, list[Node]]:
    """The nodes of each cluster and of the clusters inside it, by the cluster's id."""
    chains = nesting(picture.clusters)
    members: dict[str, list[Node]] = {key: [] for key in chains}
    for node in picture.nodes:
        for key in chains[node.cluster] if node.cluster is not None else ():
            members[key].append(node)
    return members


def summary(nodes: Iterable[Node], cluster: Cluster | None = None) -> list[str]:
    """What a folded box says: how many values, the norm of the parameters' gradients, what units are off, and marks."""
    values = [node for node in nodes if node.kind != "constant"]
    parameters = [node for node in values if node.kind == "parameter"]
    lines = [f"{len(values)} values" + (f", {len(parameters)} parameters" if parameters else "")]
    grads = [node.grad for node in parameters if node.grad is not None]
    if grads:
        lines.append(f"gradient norm {number(math.hypot(*grads))}")
    marks = Counter(flag.kind for node in values for flag in node.flags)
    if cluster is None or not cluster.turns:  # the samples of a unit are told together
        marks.pop("dead", None)
        lines += _off(node for node in values if node.op in OPERATIONS and OPERATIONS[node.op].dead_below is not None)
    return lines + [f"{count} × {kind}" for kind, count in marks.items()]


def _off(rectified: Iterable[Node]) -> list[str]:
    """For how many samples a unit is off, which is how a ReLU works; how many of several are dead, off for all."""
    samples: Counter[str | None] = Counter()
    off: Counter[str | None] = Counter()
    for node in rectified:
        samples[node.cluster] += 1
        off[node.cluster] += any(flag.kind == "dead" for flag in node.flags)
    if len(samples) > 1:
        dead = sum(off[unit] == count for unit, count in samples.items())
        return [f"{dead} of {len(samples)} units dead"] if dead else []
    count, times = samples.total(), off.total()
    if times < count:
        return [f"off for {times} of {count} samples"] if times else []
    return [f"dead: off for all {count} samples" if count > 1 else "off: passes no gradient"] if count else []
