"""Nested structures of numbers: lists, tuples, dicts, dataclasses and NumPy arrays, taken apart and put together."""

from __future__ import annotations

import copy
import dataclasses
import functools
import numbers
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from .operation import Number

DEEPEST = 200  # containers inside each other; each takes several frames of Python's stack, which has 1,000


@dataclasses.dataclass(frozen=True, eq=False)
class Container:
    """One kind of container: how it is taken apart and put together.

    ``form`` is what else than its parts is needed to make another of the same kind, as plain data that has a hash.
    """

    name: str
    form: Callable[[Any], Any]
    steps: Callable[[Any], list[str]]  # of a form: where each part is, as Python writes it
    parts: Callable[[Any], Sequence[Any]]
    build: Callable[[Any, list[Any]], Any]  # of a form and the parts


def indices(count: int) -> list[str]:
    """Write the places in a list, as ``[0]``."""
    return [f"[{i}]" for i in range(count)]


def indices_of_array(shape: tuple[int, ...]) -> list[str]:
    """Write the places in an array, as ``[0][1]``."""
    names = [""]
    for count in shape:
        names = [name + index for name in names for index in indices(count)]
    return names


@functools.lru_cache(maxsize=256)
def _fields(cls: Any) -> tuple[str, ...]:
    return tuple([field.name for field in dataclasses.fields(cls) if field.init])


def _array(shape: tuple[int, ...], entries: list[Any]) -> Any:
    import numpy as np

    if entries and all(isinstance(x, np.ndarray) for x in entries) and len({x.shape for x in entries}) == 1:
        return np.stack(entries).reshape(shape + entries[0].shape)  # a Jacobian's rows make one array
    plain = all(isinstance(x, float) for x in entries)
    return np.fromiter(entries, float if plain else object, len(entries)).reshape(shape)


def _dict(form: tuple[Any, ...], parts: list[Any]) -> Any:
    cls, keys, _, default_factory = form
    new = cls.__new__(cls)
    if default_factory is not None:
        new.default_factory = default_factory
    return _filled(new, zip(keys, parts, strict=True))


def _filled(new: Any, items: Iterable[tuple[Any, Any]]) -> Any:
    for key, part in items:  # one by one: the update of a Counter adds
        new[key] = part
    return new


def _as_numpy(x: Any) -> Any:
    """Return an array of whatever library, a pandas Series say, as one of NumPy's."""
    import numpy as np

    return np.asarray(x)


SEQUENCE = Container(  # a list, a tuple, a named tuple; the form is the type and the number of parts
    "sequence",
    lambda x: (list if isinstance(x, list) else type(x) if hasattr(x, "_make") else tuple, len(x)),
    lambda form: indices(form[1]),
    list,
    lambda form, parts: form[0]._make(parts) if hasattr(form[0], "_make") else form[0](parts),
)
DICT = Container(  # of any kind; the form is the type, the keys, and what a defaultdict makes of a key it lacks
    "dict",
    # the types of the keys too: 1, 1.0 and True are equal, and not the same key
    lambda x: (type(x), tuple(x), tuple(map(type, x)), getattr(x, "default_factory", None)),
    lambda form: [f"[{key!r}]" for key in form[1]],
    lambda x: list(x.values()),
    lambda form, parts: _dict(form, parts),
)
DATACLASS = Container(
    "dataclass",
    lambda x: (type(x), _fields(x.__class__)),
    lambda form: [f".{name}" for name in form[1]],
    lambda x: [getattr(x, name) for name in _fields(x.__class__)],
    lambda form, parts: form[0](**dict(zip(form[1], parts, strict=True))),
)
ARRAY = Container("array", lambda x: x.shape, indices_of_array, lambda x: _as_numpy(x).ravel().tolist(), _array)


def container_of(x: Any) -> Container | None:
    """Return how a container is taken apart; None for what is no container of numbers."""
    if isinstance(x, (list, tuple)):
        return SEQUENCE
    if isinstance(x, dict):
        return DICT
    if dataclasses.is_dataclass(x) and not isinstance(x, type):
        return DATACLASS
    return ARRAY if is_array(x) and not is_masked(x) and _as_numpy(x).dtype.kind in "fiuO" else None


def is_masked(x: Any) -> bool:
    """Whether it is an array that hides entries, which would count like any other if it was taken as an array."""
    return is_array(x) and hasattr(x, "mask") and hasattr(x, "compressed")


def is_array(x: Any) -> bool:
    """Whether it is an array of NumPy, or of a library that gives NumPy its arrays."""
    return hasattr(x, "__array__") and getattr(x, "dtype", None) is not None


def is_number(x: Any) -> bool:
    """Whether it is one real number, of Python, of NumPy or of this package; a bool is none."""
    return isinstance(x, (Number, numbers.Real)) and not isinstance(x, bool)


def _is_kind_of_number(cls: type) -> bool:
    return issubclass(cls, (Number, numbers.Real)) and not issubclass(cls, bool)


def flatten(tree: Any) -> tuple[list[Any], Callable[[Iterable[Any]], Any]]:
    """Return the numbers of a structure in order, and a function that builds the same structure of other things.

    Dict keys keep their order; dicts of another type (Counter, OrderedDict, defaultdict), named tuples and dataclasses
    stay what they are. Arrays of other libraries come back as NumPy's.
    Raises TypeError at anything that is neither a number nor a structure, with its place, and for a structure that
    contains itself or is nested more than ``DEEPEST`` deep.

    >>> leaves, build = flatten({"w": [1.0, 2.0], "b": 3.0})
    >>> leaves
    [1.0, 2.0, 3.0]
    >>> build(["x", "y", "z"])
    {'w': ['x', 'y'], 'b': 'z'}
    """
    leaves: list[Any] = []
    build = _take_apart(tree, leaves, "", 0)
    return leaves, lambda new: build(iter(new))


def _take_apart(tree: Any, leaves: list[Any], place: str, depth: int) -> Callable[[Iterator[Any]], Any]:
    if is_number(tree):
        leaves.append(tree)
        return next
    container = container_of(tree)
    if container is None:
        raise TypeError(
            f"here a number, or a list, tuple, dict, dataclass or array of numbers is needed; "
            f"{_what(tree)} was given{_at(place)}"
        )
    if depth == DEEPEST:
        raise TypeError(too_deep(tree, f"the structure of numbers{_at(place)}"))
    form, parts = container.form(tree), container.parts(tree)
    if all(map(_is_kind_of_number, set(map(type, parts)))):  # at once: there may be thousands
        leaves += parts
        builds: list[Callable[[Iterator[Any]], Any]] = [next] * len(parts)
    else:
        steps = zip(parts, container.steps(form), strict=True)
        builds = [_take_apart(part, leaves, place + step, depth + 1) for part, step in steps]

    def rebuild(new: Iterator[Any]) -> Any:
        rebuilt = [build(new) for build in builds]
        if container is not DICT or type(tree) is dict:
            return container.build(form, rebuilt)
        return _filled(copy.copy(tree), zip(tree, rebuilt, strict=True))  # with all else that a dict of its type holds

    return rebuild


def too_deep(x: Any, place: str) -> str:
    """Say what is wrong with a container that lies ``DEEPEST`` deep at a place: it has no end, or is too deep."""
    where = place if len(place) <= 50 else f"{place[:50]}…"
    if _contains_itself(x):
        return f"{where} contains itself, so it has no end; give a structure without the circle"
    return f"{where} is nested more than {DEEPEST} deep; give the numbers in fewer levels, as one list for example"


def _contains_itself(x: Any) -> bool:
    around: set[int] = set()  # the containers that hold the one looked at, by id
    done: set[int] = set()
    stack = [(x, False)]
    while stack:
        item, leave = stack.pop()
        if leave:
            around.discard(id(item))
            done.add(id(item))
        elif id(item) in around:
            return True
        elif id(item) not in done and (container := container_of(item)) is not None:
            around.add(id(item))
            stack.append((item, True))
            stack += [(part, False) for part in container.parts(item)]
    return False


def _what(x: Any) -> str:
    """Say what was given in the place of a number."""
    if is_masked(x):
        return "a masked array, whose hidden entries would count too (give x.compressed(), or x.filled(number)),"
    if not is_array(x):
        return type(x).__name__
    hint = "; convert it: x.astype(float)," if x.dtype == bool else ""
    return f"an array of {x.dtype}{hint}"


def flatten_like(tree: Any, pattern: Any, what: str, place: str = "") -> list[Any]:
    """Return the numbers of a structure in the order of those of ``pattern``, which has the same structure.

    Dict entries are matched by key. Raises ValueError that names the place where the two differ.

    >>> flatten_like({"b": 3.0, "a": 2.0}, {"a": 0.0, "b": 0.0}, "the tangent")
    [2.0, 3.0]
    """
    pattern, number = _without_axes(pattern), _without_axes(tree)
    if is_number(pattern) and is_number(number):
        return [number]
    wanted, actual = _outline(pattern, pattern), _outline(tree, pattern)
    if wanted != actual:
        raise ValueError(f"{what} has the structure of what it goes with: {wanted}{_at(place)}, and {actual} was given")
    container = container_of(pattern)
    if container is None:
        flatten(pattern)  # which raises, and says what is wrong with it
    assert container is not None
    if container is DICT:
        tree = {key: tree[key] for key in pattern}
    if container is ARRAY:
        container = SEQUENCE  # row by row: nested lists may stand for an array
    steps = container.steps(container.form(pattern))
    parts = zip(container.parts(tree), container.parts(pattern), steps, strict=True)
    return [x for part, like, step in parts for x in flatten_like(part, like, what, place + step)]


def _without_axes(x: Any) -> Any:
    """Return the number in an array of shape ()."""
    return _as_numpy(x).item() if is_array(x) and x.shape == () else x


def _outline(x: Any, pattern: Any) -> str:
    """Say in words what a thing is on its outer level, as far as it has to be like the pattern."""
    if is_number(x):
        return "one number"
    if is_masked(x):
        return "a masked array"
    if isinstance(pattern, dict) and isinstance(x, dict):
        return f"a dict with the keys {list(pattern if x.keys() == pattern.keys() else x)}"
    listed = hasattr(x, "__getitem__") and not isinstance(x, (dict, str))  # a set has no order
    if not listed or is_number(pattern) or container_of(pattern) not in (SEQUENCE, ARRAY):
        return type(x).__name__
    try:
        return f"{len(x)} entries"
    except TypeError:  # an array without axes, a NumPy bool
        return type(x).__name__


def _at(place: str) -> str:
    return f" at {place.lstrip('.')}" if place else ""
