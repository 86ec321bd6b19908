"""What goes in and out of a compiled function: a structure, which is plain data, and numbers in a row.

A structure is a tuple: its kind, and what the kind has to know. That of ``[1.0, 2.0]`` is ``(FLOATS, 2)``, and that of
``("up", 3.0)`` is ``(SEQUENCE, (tuple, 2), ((STATIC, "up"), ONE))``. It is hashed in each call that Python serves,
compared, and pickled. ``describe`` takes arguments and results apart, ``build`` puts them together.
"""

from __future__ import annotations

import math
import numbers
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from autograd import pytree
from autograd._engine import Value
from autograd.errors import TraceError
from autograd.ops import Number, as_float
from autograd.pytree import Container, container_of, indices, indices_of_array, is_array

from .trace.traced import Traced, TracedBool

Structure = tuple[Any, ...]
WHOLE, ELEMENTS, SAMPLES = "whole", "elements", "samples"  # what an array argument is


class NotPlain(TypeError):
    """An argument holds a Value or a traced number, with which only the plain function can be called."""

    def __init__(self, x: Any, place: Any) -> None:
        kind = "a Value" if isinstance(x, Value) else "a number that jit is tracing"
        super().__init__(
            f"{written(place)} is {kind}, and machine code takes plain numbers; give its number (x.data of a Value), "
            "or call the compiled function itself, which runs as Python then and builds a graph"
        )


@dataclass(frozen=True, eq=False, repr=False)
class Kind:
    """A kind of structure. Its functions are given what stands behind the kind in a structure."""

    name: str
    places: Callable[..., list[str]]  # where its numbers are, as they are written after the name of the whole
    build: Callable[..., Any]  # what it is, of a source of numbers
    show: Callable[..., str]  # in words
    batch: bool = False  # its numbers differ from sample to sample
    container: Container | None = None  # it has a form and parts, which are structures

    def __reduce__(self) -> str:
        return self.name  # pickled as what this module calls it

    __repr__ = __reduce__


def _kind_of(container: Container) -> Kind:
    return Kind(
        container.name.upper(),
        lambda form, parts: [
            step + place for step, part in zip(container.steps(form), parts, strict=True) for place in places(part)
        ],
        lambda source, form, parts: container.build(form, [build(part, source) for part in parts]),
        lambda form, parts: f"a {getattr(form[0], '__name__', container.name)} of ({', '.join(map(show, parts))})",
        container=container,
    )


NUMBER = Kind("NUMBER", lambda: [""], lambda source: source.number(), lambda: "a number")
FLOATS = Kind(  # a list of numbers
    "FLOATS", indices, lambda source, count: source.floats(count), lambda count: f"a list of {count} numbers"
)
SEQUENCE, DICT, DATACLASS = map(_kind_of, [pytree.SEQUENCE, pytree.DICT, pytree.DATACLASS])
ARRAY = Kind(  # taken as a whole
    "ARRAY",
    indices_of_array,
    lambda source, shape: source.block(shape),
    lambda shape: f"an array of shape {shape}",
)
COLUMN = Kind(  # an array of which each element is a sample
    "COLUMN", lambda: [""], lambda source: source.number(), lambda: "an array of samples", batch=True
)
ROWS = Kind(  # an array whose first axis is the batch; the shape is that of a sample
    "ROWS",
    indices_of_array,
    lambda source, shape: source.block(shape) if shape else source.number(),
    lambda shape: f"an array of samples of shape {shape}",
    batch=True,
)
TRUTH = Kind("TRUTH", lambda: [""], lambda source: source.number() != 0.0, lambda: "a condition")
STATIC = Kind("STATIC", lambda x: [], lambda source, x: x, repr)  # a part of the program
MODULE = Kind(  # its parameters are inputs of their own
    "MODULE", lambda i, mode: [], lambda source, i, mode: source.modules[i], lambda i, mode: "a module"
)
ONE: Structure = (NUMBER,)

_OF_CONTAINER = {kind.container: kind for kind in (SEQUENCE, DICT, DATACLASS)}


def places(structure: Structure) -> list[str]:
    """Return where each number of a structure is, as it is written after the name of the whole.

    >>> places((FLOATS, 2))
    ['[0]', '[1]']
    """
    return list(structure[0].places(*structure[1:]))


def build(structure: Structure, source: Source) -> Any:
    """Put numbers into a structure."""
    return structure[0].build(source, *structure[1:])


def show(structure: Structure) -> str:
    """Say in words what a structure is."""
    return str(structure[0].show(*structure[1:]))


def parts(structure: Structure) -> tuple[Structure, ...]:
    """Return the structures inside a container."""
    return structure[2] if structure[0].container else ()


def has_batch(structure: Structure) -> bool:
    """Whether a batch comes in somewhere."""
    return structure[0].batch or any(map(has_batch, parts(structure)))


def differs(structure: Structure) -> list[bool]:
    """Return for each number whether it differs from sample to sample."""
    if structure[0].container:
        return [flag for part in parts(structure) for flag in differs(part)]
    return [structure[0].batch] * len(places(structure))


def counted(structure: Structure) -> Structure:
    """Return the structure of a mean or a sum: conditions become numbers, which count how often they held."""
    if structure[0].container:
        return _structure(structure[0], structure[1], tuple(map(counted, parts(structure))))
    return ONE if structure[0] is TRUTH else structure


def _structure(kind: Kind, form: Any, parts: tuple[Structure, ...]) -> Structure:
    if kind is SEQUENCE and form[0] is list and parts and parts.count(ONE) == len(parts):
        return FLOATS, len(parts)
    return kind, form, parts


def describe(x: Any, into: Arguments | Results, place: Any, depth: int = 0) -> Structure:
    """Return the structure of an argument or a result, and add its numbers to ``into``.

    ``place`` says where it is: in words, the number of an argument, or in a container: the container's place, what kind
    and of what form it is, and the number of the part. It is ``depth`` containers deep.

    Raises TypeError or TraceError, with the place, at anything that neither is one of the kinds nor made of them, and
    for a container that contains itself or is nested too deep.
    """
    cls = type(x)
    if cls is float:
        into.numbers.append(x)
        return ONE
    if cls is list and x and set(map(type, x)) == {float}:
        into.numbers.extend(x)
        return FLOATS, len(x)
    if cls is bool or cls is str or x is None:
        return STATIC, x
    container = container_of(x) if cls is list or cls is tuple or cls is dict else None
    if container is None:
        if (structure := into.single(x, place)) is not None:
            return structure
        container = container_of(x)
        if container is None:
            raise into.refusal(f"{written(place)} {into.takes.format(cls.__name__)}")
    if depth == pytree.DEEPEST:
        raise into.refusal(pytree.too_deep(x, written(place)))
    form = container.form(x)
    parts = [describe(part, into, (place, container, form, i), depth + 1) for i, part in enumerate(container.parts(x))]
    return _structure(_OF_CONTAINER[container], form, tuple(parts))


def written(place: Any) -> str:
    """Write where something is, for a message: ``argument 0['w'][1]``."""
    steps = []
    while isinstance(place, tuple):
        place, container, form, i = place
        steps.append(container.steps(form)[i])
    return (place if isinstance(place, str) else f"argument {place}") + "".join(reversed(steps))


class Arguments:
    """What the arguments of a call are taken apart into: numbers, batches and modules.

    ``arrays`` says what an array is; one that is taken as a whole stays one among the numbers.
    """

    refusal = TypeError
    takes = (
        "is a {}; a compiled function takes numbers, NumPy arrays of them, lists, tuples, dicts and dataclasses of "
        "those, modules, and bools, strings and None, which become part of the program"
    )

    def __init__(self) -> None:
        self.arrays = WHOLE
        self.numbers: list[Any] = []
        self.columns: list[Any] = []
        self.modules: list[Any] = []

    def single(self, x: Any, place: Any) -> Structure | None:
        """Return the structure of what is not taken apart: a number, an array or a module; None for anything else."""
        if isinstance(x, Number):
            raise NotPlain(x, place)
        if isinstance(x, numbers.Real):
            self.numbers.append(as_float(x))
            return ONE
        if is_array(x):
            return self._array(_floats(x, place), place)
        if is_module(x):
            self.modules.append(x)
            return MODULE, len(self.modules) - 1, training(x)
        return None

    def _array(self, x: Any, place: Any) -> Structure:
        if self.arrays == WHOLE:
            self.numbers.append(x)
            return ARRAY, x.shape
        if x.ndim == 0:
            if self.arrays != ELEMENTS:
                raise ValueError(
                    f"{written(place)} has no axis to take samples from; give it as a number, or in_axes=None for it"
                )
            self.numbers.append(float(x))
            return ONE
        self.columns.append(x)
        return (COLUMN,) if self.arrays == ELEMENTS else (ROWS, x.shape[1:])


class Results:
    """What the result of a traced function is taken apart into; ``number`` says what the program computes for one."""

    refusal = TraceError
    takes = "of a traced function is a {}; return numbers, or lists, tuples, dicts, dataclasses or arrays of them"

    def __init__(self, number: Callable[[Any], Any]) -> None:
        self.numbers: list[Any] = []
        self._number = number

    def single(self, x: Any, place: Any) -> Structure | None:
        """Return the structure of what is not taken apart: a number, a condition, an array; None for anything else."""
        if isinstance(x, TracedBool):
            self.numbers.append(x)
            return (TRUTH,)
        if isinstance(x, (Number, numbers.Real)):
            self.numbers.append(self._number(x))
            return ONE
        if is_array(x) and x.dtype.kind in "fiuO":
            entries = x.ravel().tolist()
            for entry in entries:
                if type(entry) not in (Traced, float) and not pytree.is_number(entry):
                    kind = type(entry).__name__
                    raise TraceError(f"{written(place)} is an array that holds a {kind}; return an array of numbers")
            self.numbers += [entry if isinstance(entry, TracedBool) else self._number(entry) for entry in entries]
            return ARRAY, x.shape
        return None


class Source:
    """Numbers in a row, handed out one after the other to what is built of them."""

    def __init__(self, numbers: Iterable[Any], modules: Sequence[Any] = ()) -> None:
        self._numbers = iter(numbers)
        self.modules = modules

    def number(self) -> Any:
        """Return the next number."""
        return next(self._numbers)

    def floats(self, count: int) -> list[Any]:
        """Return the next numbers as a list."""
        return list(islice(self._numbers, count))

    def block(self, shape: tuple[int, ...]) -> Any:
        """Return the next numbers as an array."""
        return pytree.ARRAY.build(shape, self.floats(math.prod(shape)))


class Reader(Source):
    """The same of what machine code has written, without an object for each number of an array."""

    def __init__(self, out: array[float]) -> None:
        self._out, self._at = out, 0

    def number(self) -> float:
        """Return the next number."""
        self._at += 1
        return self._out[self._at - 1]

    def floats(self, count: int) -> list[float]:
        """Return the next numbers as a list."""
        return self._next(count).tolist()

    def block(self, shape: tuple[int, ...]) -> Any:
        """Return the next numbers as an array."""
        import numpy as np

        return np.frombuffer(self._next(math.prod(shape))).reshape(shape)

    def _next(self, count: int) -> array[float]:
        self._at += count
        return self._out[self._at - count : self._at]


def is_module(x: Any) -> bool:
    """Whether it is a module: something that has parameters, with names."""
    return callable(getattr(x, "named_parameters", None)) and callable(getattr(x, "parameters", None))


def training(module: Any) -> tuple[Any, ...]:
    """Return the mode of a module, and of each inside it, and its activation, which may be set anew."""
    every = getattr(module, "modules", None)
    modules = every() if callable(every) else [module]
    return tuple([(getattr(m, "training", None), _Same(getattr(m, "__dict__", {}).get("activate"))) for m in modules])


class _Same:
    """Equal where the thing in it is the very same; whatever it thinks of that itself, and though it has no hash."""

    __slots__ = ("thing",)

    def __init__(self, thing: Any) -> None:
        self.thing = thing

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.thing is other.thing

    def __hash__(self) -> int:
        return id(self.thing)


def _floats(x: Any, place: Any) -> Any:
    """Return an array, of whatever library, as one of NumPy's that holds floats."""
    import numpy as np

    if type(x) is not np.ndarray:
        refuse_mask(x, place)
        x = np.asarray(x)
    if x.dtype.char == "d" and x.dtype.isnative:
        return x
    if x.dtype.kind == "O" and (found := [entry for entry in x.flat if isinstance(entry, Number)]):
        raise NotPlain(found[0], place)
    if x.dtype.kind not in "fiu":
        raise TypeError(
            f"{written(place)} is an array of {x.dtype}; a compiled function takes arrays of floats or integers"
        )
    return x.astype(np.float64)


def as_batch(x: Any, place: Any) -> Any:
    """Return what ``in_axes`` says is a batch, an array or nested lists of numbers, as an array of floats.

    Raises TypeError, with the place, at what is no number, and for rows of different shapes.
    """
    if hasattr(x, "__array__"):
        return _floats(x, place)
    if isinstance(x, Number):
        raise NotPlain(x, place)
    import numpy as np

    if not _is_table(x):
        _shape(x, place)
    try:
        return np.asarray(x, dtype=np.float64)
    except (ValueError, OverflowError) as error:  # more axes than NumPy has, an integer that no float holds
        raise ValueError(f"{written(place)} is a batch by in_axes, and makes no array of floats: {error}") from None


def _is_table(x: Any) -> bool:
    """Whether it is nested lists of one shape, with nothing but numbers: what most batches are, and soon seen."""
    import numpy as np

    for _ in range(3):
        if not isinstance(x, (list, tuple)):
            return False
        kinds = set(map(type, x))
        reals, others = (float, int, np.floating, np.integer), (bool, np.timedelta64)
        if all(issubclass(kind, reals) and not issubclass(kind, others) for kind in kinds):
            return True
        if not kinds <= {list, tuple} or len(set(map(len, x))) > 1:
            return False
        x = list(chain.from_iterable(x))
    return False


def _shape(x: Any, place: Any, depth: int = 0) -> tuple[int, ...]:
    """Return the shape of nested lists of numbers, or raise TypeError that says where they are none."""
    if isinstance(x, Sequence) and not isinstance(x, (str, bytes, bytearray, memoryview)):
        if set(map(type, x)) <= {float, int}:
            return (len(x),)
        if depth == pytree.DEEPEST:
            raise TypeError(pytree.too_deep(x, written(place)))
        places = [(place, pytree.SEQUENCE, (list, len(x)), i) for i in range(len(x))]
        shapes = [_shape(row, where, depth + 1) for row, where in zip(x, places, strict=True)]
        for shape, where in zip(shapes, places, strict=True):
            if shape != shapes[0]:
                raise TypeError(
                    f"the rows of a batch have one shape; {written(places[0])} has the shape {shapes[0]}, and "
                    f"{written(where)} has {shape}"
                )
        return (len(x), *shapes[0])
    if hasattr(x, "__array__"):
        return tuple(_floats(x, place).shape)
    if not pytree.is_number(x) or isinstance(x, Number):
        raise TypeError(
            f"{written(place)} is a {type(x).__name__}; a compiled function takes arrays of floats or integers, or "
            "nested lists of numbers, where in_axes is 0; give None there for what is no batch"
        )
    return ()


def refuse_mask(x: Any, place: Any) -> None:
    """Raise TypeError for a masked array, whose hidden entries would count like any other."""
    if pytree.is_masked(x):
        raise TypeError(
            f"{written(place)} is a masked array, and machine code reads the entries under the mask too; "
            "give x.compressed(), or x.filled(number)"
        )
