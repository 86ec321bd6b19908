"""What a call looks like: the structure of arguments and results as plain data, which is hashed, compared and pickled.

A structure is a tuple whose first entry is its kind:
``("number",)``, ``("floats", n)`` (a list of n floats), ``("list" | "tuple", parts)``, ``("named", type, parts)``,
``("dict", types, keys, parts)`` (1, 1.0 and True are equal, and not the same key), ``("dataclass", type, names,
parts)``, ``("array", shape)``, ``("column",)`` (an array of which each element is a sample), ``("rows", shape)`` (an
array whose first axis is the batch), ``("truth",)`` (a condition in a result), ``("static", x)`` (part of the program),
``("module", number, training)`` (its parameters are inputs).
"""

from __future__ import annotations

import dataclasses
import numbers
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from autograd.errors import TraceError
from autograd.ops import Number, as_float

from .trace.recorder import TracedBool

Structure = tuple[Any, ...]
NUMBER: Structure = ("number",)
COLUMN: Structure = ("column",)
WHOLE, ELEMENTS, ROWS = "whole", "elements", "rows"  # what an array argument is


class NotPlain(Exception):
    """An argument holds a Value or a traced number, so the function runs as plain Python."""


def is_module(x: Any) -> bool:
    return callable(getattr(x, "named_parameters", None)) and callable(getattr(x, "parameters", None))


def describe(x: Any, arrays: str, leaves: list[Any], columns: list[Any], modules: list[Any], place: str) -> Structure:
    """Return the structure of an argument.

    Its numbers are added to ``leaves`` (an array that is taken as a whole stays one), its batches to ``columns``.

    Raises TypeError, with the place, at anything that is none of the things above.
    """
    kind = type(x)
    if kind is float:
        leaves.append(x)
        return NUMBER
    if kind is list and x and set(map(type, x)) == {float}:
        leaves.extend(x)
        return ("floats", len(x))
    if kind is list or kind is tuple:
        parts = tuple([describe(p, arrays, leaves, columns, modules, f"{place}[{i}]") for i, p in enumerate(x)])
        return kind.__name__, parts
    if kind is bool or kind is str or x is None:
        return "static", x
    if isinstance(x, Number):
        raise NotPlain
    if isinstance(x, numbers.Real):
        leaves.append(as_float(x))
        return NUMBER
    if isinstance(x, dict):
        parts = tuple([describe(p, arrays, leaves, columns, modules, f"{place}[{key!r}]") for key, p in x.items()])
        return "dict", tuple(map(type, x)), tuple(x), parts
    if hasattr(x, "__array__") and getattr(x, "dtype", None) is not None:
        return _array(x, arrays, leaves, columns, place)
    if isinstance(x, tuple) and hasattr(x, "_make"):
        named = zip(kind._fields, x, strict=True)
        parts = tuple([describe(p, arrays, leaves, columns, modules, f"{place}.{n}") for n, p in named])
        return "named", kind, parts
    if isinstance(x, (list, tuple)):
        return describe(list(x) if isinstance(x, list) else tuple(x), arrays, leaves, columns, modules, place)
    if is_module(x):
        modules.append(x)
        return "module", len(modules) - 1, training(x)
    if dataclasses.is_dataclass(x) and not isinstance(x, type):
        names = tuple([field.name for field in dataclasses.fields(x) if field.init])
        parts = tuple([describe(getattr(x, n), arrays, leaves, columns, modules, f"{place}.{n}") for n in names])
        return "dataclass", kind, names, parts
    raise TypeError(
        f"{place} is a {kind.__name__}; a compiled function takes numbers, NumPy arrays of them, lists, tuples, dicts "
        "and dataclasses of those, modules, and bools, strings and None, which become part of the program"
    )


def training(module: Any) -> tuple[Any, ...]:
    """The mode of a module, and of each inside it."""
    every = getattr(module, "modules", None)
    return tuple([getattr(m, "training", None) for m in (every() if callable(every) else [module])])


def _array(x: Any, arrays: str, leaves: list[Any], columns: list[Any], place: str) -> Structure:
    import numpy as np

    if type(x) is not np.ndarray:
        refuse_mask(x, place)
        x = np.asarray(x)
    if x.dtype.char == "d" and x.dtype.isnative:
        pass
    elif x.dtype.kind == "O" and any(isinstance(entry, Number) for entry in x.flat):
        raise NotPlain
    elif x.dtype.kind not in "fiu":
        raise TypeError(f"{place} is an array of {x.dtype}; a compiled function takes arrays of floats or integers")
    else:
        x = x.astype(np.float64)
    if arrays == WHOLE:
        leaves.append(x)
        return "array", x.shape
    if arrays == ELEMENTS:
        if x.ndim == 0:
            leaves.append(float(x))
            return NUMBER
        columns.append(x)
        return COLUMN
    if x.ndim == 0:
        raise ValueError(f"{place} has no axis to take samples from; give it as a number, or in_axes=None for it")
    columns.append(x)
    return "rows", x.shape[1:]


def refuse_mask(x: Any, place: str) -> None:
    """Raise TypeError for a masked array, whose hidden entries would count like any other."""
    import numpy as np

    if isinstance(x, np.ma.MaskedArray):
        raise TypeError(
            f"{place} is a masked array, and machine code reads the entries under the mask too; give x.compressed(), "
            "or x.filled(number)"
        )


def names_of(structure: Structure, name: str) -> list[str]:
    """Return a name for each number of an argument that is called ``name``."""
    kind = structure[0]
    if kind in ("number", "column"):
        return [name]
    if kind == "floats":
        return [f"{name}[{i}]" for i in range(structure[1])]
    if kind in ("array", "rows"):
        return [name + "".join(f"[{i}]" for i in index) for index in _indices(structure[1])]
    if kind == "dict":
        return [leaf for key, part in zip(*structure[2:], strict=True) for leaf in names_of(part, f"{name}[{key!r}]")]
    if kind == "dataclass":
        return [leaf for n, part in zip(*structure[2:], strict=True) for leaf in names_of(part, f"{name}.{n}")]
    if kind in ("list", "tuple", "named"):
        return [leaf for i, part in enumerate(structure[-1]) for leaf in names_of(part, f"{name}[{i}]")]
    return []


def _indices(shape: Sequence[int]) -> list[tuple[int, ...]]:
    import itertools

    return list(itertools.product(*map(range, shape)))


def size(structure: Structure) -> int:
    """Return how many numbers there are in it."""
    return len(names_of(structure, ""))


def is_column(structure: Structure) -> bool:
    """Whether a batch comes in somewhere."""
    if structure[0] in ("column", "rows"):
        return True
    return structure[0] in ("list", "tuple", "named", "dict", "dataclass") and any(map(is_column, structure[-1]))


def counted(structure: Structure) -> Structure:
    """The structure of a mean or a sum: conditions become numbers, which count how often they held."""
    if structure == ("truth",):
        return NUMBER
    if structure[0] in ("list", "tuple", "named", "dict", "dataclass"):
        return (*structure[:-1], tuple(map(counted, structure[-1])))
    return structure


def flags(structure: Structure) -> list[bool]:
    """Return for each number whether it differs from sample to sample."""
    kind = structure[0]
    if kind in ("list", "tuple", "named", "dict", "dataclass"):
        return [flag for part in structure[-1] for flag in flags(part)]
    return [kind in ("column", "rows")] * size(structure)


def build(structure: Structure, numbers: Iterator[Any], modules: Sequence[Any] = ()) -> Any:
    """Put numbers into a structure. An array of something else than floats is an array of objects."""
    kind = structure[0]
    if kind in ("number", "column") or structure == ("rows", ()):
        return next(numbers)
    if kind == "floats":
        return [next(numbers) for _ in range(structure[1])]
    if kind == "static":
        return structure[1]
    if kind == "truth":
        return bool(next(numbers))
    if kind == "module":
        return modules[structure[1]]
    if kind in ("array", "rows"):
        return _built_array(structure[1], numbers)
    parts = [build(part, numbers, modules) for part in structure[-1]]
    if kind == "list":
        return parts
    if kind == "tuple":
        return tuple(parts)
    if kind == "named":
        return structure[1]._make(parts)
    if kind == "dict":
        return dict(zip(structure[2], parts, strict=True))
    return structure[1](**dict(zip(structure[2], parts, strict=True)))


def _built_array(shape: tuple[int, ...], numbers: Iterator[Any]) -> Any:
    import numpy as np

    count = 1
    for n in shape:
        count *= n
    entries = [next(numbers) for _ in range(count)]
    array = np.empty(count, dtype=float if all(isinstance(x, float) for x in entries) else object)
    array[:] = entries
    return array.reshape(shape)


def describe_result(x: Any, leaves: list[Any], number: Callable[[Any], Any], place: str = "the result") -> Structure:
    """Return the structure of what a traced function returned; ``number`` takes a leaf to what the program returns."""
    kind = type(x)
    if x is None or kind is str or kind is bool:
        return "static", x
    if isinstance(x, TracedBool):
        leaves.append(x)
        return ("truth",)
    if isinstance(x, (Number, numbers.Real)):
        leaves.append(number(x))
        return NUMBER

    def each(part: Any, where: str) -> Structure:
        return describe_result(part, leaves, number, place + where)

    if isinstance(x, dict):
        return "dict", tuple(map(type, x)), tuple(x), tuple([each(p, f"[{key!r}]") for key, p in x.items()])
    if isinstance(x, tuple) and hasattr(x, "_make"):
        return "named", kind, tuple([each(p, f"[{i}]") for i, p in enumerate(x)])
    if isinstance(x, (list, tuple)):
        parts = tuple([each(p, f"[{i}]") for i, p in enumerate(x)])
        if isinstance(x, list) and parts and set(parts) == {NUMBER}:
            return "floats", len(parts)
        return ("list" if isinstance(x, list) else "tuple"), parts
    if dataclasses.is_dataclass(x) and not isinstance(x, type):
        names = tuple([field.name for field in dataclasses.fields(x) if field.init])
        return "dataclass", kind, names, tuple([each(getattr(x, n), f".{n}") for n in names])
    if hasattr(x, "__array__") and getattr(x, "dtype", None) is not None and x.dtype.kind in "fiuO":
        for entry in x.ravel().tolist():
            if not isinstance(entry, (Number, numbers.Real)):
                raise TraceError(f"{place} is an array that holds a {type(entry).__name__}; return an array of numbers")
            each(entry, "[...]")
        return "array", x.shape
    raise TraceError(
        f"{place} of a traced function is a {kind.__name__}; return numbers, or lists, tuples, dicts, dataclasses or "
        "arrays of them"
    )
