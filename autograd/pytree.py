"""Nested structures of numbers: lists, tuples, dicts, dataclasses and NumPy arrays, taken apart and put together."""

from __future__ import annotations

import copy
import dataclasses
import numbers
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .operation import Number


def is_number(x: Any) -> bool:
    """Whether it is one real number, of Python, of NumPy or of this package; a bool is none."""
    return isinstance(x, (Number, numbers.Real)) and not isinstance(x, bool)


def flatten(tree: Any) -> tuple[list[Any], Callable[[Iterable[Any]], Any]]:
    """Return the numbers of a structure in order, and a function that builds the same structure of other things.

    Dict keys keep their order. Raises TypeError at anything that is neither a number nor a structure, with its place.

    >>> leaves, build = flatten({"w": [1.0, 2.0], "b": 3.0})
    >>> leaves
    [1.0, 2.0, 3.0]
    >>> build(["x", "y", "z"])
    {'w': ['x', 'y'], 'b': 'z'}
    """
    leaves: list[Any] = []
    build = _take_apart(tree, leaves, "")
    return leaves, lambda new: build(iter(new))


def flatten_like(tree: Any, pattern: Any, what: str, place: str = "") -> list[Any]:
    """Return the numbers of a structure in the order of those of ``pattern``, which has the same structure.

    Dict entries are matched by key. Raises ValueError that names the place where the two differ.

    >>> flatten_like({"b": 3.0, "a": 2.0}, {"a": 0.0, "b": 0.0}, "the tangent")
    [2.0, 3.0]
    """
    wanted: Any
    if is_number(pattern):
        parts, wanted, given = None, "one number", "one number" if is_number(tree) else _kind(tree)
    elif isinstance(pattern, dict):
        parts, wanted = {f"[{k!r}]": (k, v) for k, v in pattern.items()}, f"a dict with the keys {list(pattern)}"
        same = isinstance(tree, dict) and tree.keys() == pattern.keys()
        given = wanted if same else f"a dict with the keys {list(tree)}" if isinstance(tree, dict) else _kind(tree)
    elif dataclasses.is_dataclass(pattern):
        names = [field.name for field in dataclasses.fields(pattern) if field.init]
        parts, wanted = {f".{name}": (name, getattr(pattern, name)) for name in names}, type(pattern).__name__
        given = _kind(tree)
        tree = {name: getattr(tree, name, None) for name in names}
    else:
        parts, wanted = {f"[{i}]": (i, v) for i, v in enumerate(pattern)}, f"{len(pattern)} entries"
        listed = hasattr(tree, "__len__") and not isinstance(tree, (dict, str))
        given = f"{len(tree)} entries" if listed else _kind(tree)
    if given != wanted:
        raise ValueError(f"{what} has the structure of what it goes with: {wanted}{_at(place)}, and {given} was given")
    if parts is None:
        return [tree]
    return [x for step, (key, child) in parts.items() for x in flatten_like(tree[key], child, what, place + step)]


def _kind(thing: Any) -> str:
    return type(thing).__name__


def _at(place: str) -> str:
    return f" at {place.lstrip('.')}" if place else ""


def _take_apart(tree: Any, leaves: list[Any], place: str) -> Callable[[Iterator[Any]], Any]:
    if is_number(tree):
        leaves.append(tree)
        return next
    if isinstance(tree, dict):
        parts = {key: _take_apart(child, leaves, f"{place}[{key!r}]") for key, child in tree.items()}
        return lambda new: _refilled(tree, {key: part(new) for key, part in parts.items()})
    if isinstance(tree, (list, tuple)):
        items = [_take_apart(child, leaves, f"{place}[{i}]") for i, child in enumerate(tree)]
        kind = type(tree)
        if hasattr(kind, "_make"):  # a named tuple
            return lambda new: kind._make(part(new) for part in items)
        if isinstance(tree, list):
            return lambda new: [part(new) for part in items]
        return lambda new: tuple(part(new) for part in items)
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        named = {
            field.name: _take_apart(getattr(tree, field.name), leaves, f"{place}.{field.name}")
            for field in dataclasses.fields(tree)
            if field.init
        }
        return lambda new: dataclasses.replace(tree, **{name: part(new) for name, part in named.items()})
    if hasattr(tree, "__array__") and getattr(tree, "dtype", None) is not None and tree.dtype.kind in "fiuO":
        shape, entries = tree.shape, tree.ravel().tolist()
        members = [_take_apart(child, leaves, f"{place}[{i}]") for i, child in enumerate(entries)]
        return lambda new: _array([part(new) for part in members], shape)
    raise TypeError(
        f"here a number, or a list, tuple, dict, dataclass or array of numbers is needed; "
        f"{type(tree).__name__} was given{_at(place)}"
    )


def _refilled(tree: Any, entries: dict[Any, Any]) -> Any:
    """Return a dict of the same kind (with its order, or its default) with other entries."""
    if type(tree) is dict:
        return entries
    filled = copy.copy(tree)
    filled.update(entries)
    return filled


def _array(entries: list[Any], shape: tuple[int, ...]) -> Any:
    import numpy as np

    if entries and all(isinstance(x, np.ndarray) for x in entries) and len({x.shape for x in entries}) == 1:
        return np.stack(entries).reshape(shape + entries[0].shape)  # a Jacobian's rows make one array
    plain = all(isinstance(x, float) for x in entries)
    array = np.empty(len(entries), dtype=float if plain else object)
    array[:] = entries
    return array.reshape(shape)
