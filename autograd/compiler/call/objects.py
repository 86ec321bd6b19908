"""An entry point in machine code that takes Python objects: a call on two floats costs tens of nanoseconds.

The function that is emitted has CPython's ``METH_FASTCALL | METH_KEYWORDS`` signature. It checks that the arguments are
what the program was traced for (exact floats, lists and tuples of them, contiguous arrays of the right shape), takes
the numbers out, runs the program and builds the result. Anything else goes to the ordinary call in Python, and so does
everything on an interpreter whose objects are laid out otherwise, which is found out by looking, not by version.
"""

from __future__ import annotations

import ctypes
import functools
import math
import struct
import types
import weakref
from array import array
from collections.abc import Callable
from typing import Any

from autograd.compiler.llvm.module import Module
from autograd.compiler.structure import (
    ARRAY,
    COLUMN,
    FLOATS,
    NUMBER,
    ROWS,
    SEQUENCE,
    STATIC,
    Kind,
    Structure,
    has_batch,
    parts,
)

LARGEST = 4_096  # parts of arguments and results of an entry point, each with code of its own
_HEADER, _ITEMS = 16, tuple.__basicsize__  # a tuple's items follow its fixed part; a list holds a pointer to them
_LIST_ITEMS = 24
_METH_FASTCALL_KEYWORDS = 0x82
_C_CONTIGUOUS, _ALIGNED = 0x001, 0x100  # flags of a NumPy array


def _word(address: int) -> int:
    return ctypes.c_ssize_t.from_address(address).value


@functools.cache
def available() -> bool:
    """Whether this interpreter lays out floats, lists, tuples and arrays as the entry point reads them."""
    try:
        import numpy as np

        ctypes.pythonapi.PyCFunction_NewEx  # noqa: B018
        x, items, pair, grid = 1.25, [0.5, 1.5], (0.5, 1.5), np.zeros((2, 3))
        return (
            object.__basicsize__ == _HEADER
            and _word(id(x) + 8) == id(float)
            and ctypes.c_double.from_address(id(x) + 16).value == x
            and (_word(id(items) + 8), _word(id(items) + 16)) == (id(list), 2)
            and _word(_word(id(items) + _LIST_ITEMS) + 8) == id(items[1])
            and (_word(id(pair) + 8), _word(id(pair) + 16)) == (id(tuple), 2)
            and _word(id(pair) + _ITEMS + 8) == id(pair[1])
            and _word(id(grid) + 16) == grid.ctypes.data
            and ctypes.c_int.from_address(id(grid) + 24).value == 2
            and [_word(_word(id(grid) + 32) + 8 * i) for i in range(2)] == [2, 3]
            and _word(id(grid) + 56) == id(np.dtype(np.float64))
            and [_word(_word(id(grid) + 40) + 8 * i) for i in range(2)] == [24, 8]
            and ctypes.c_int.from_address(id(grid) + 64).value == grid.flags.num
        )
    except (AttributeError, OSError):
        return False


def serves(arguments: tuple[Structure, ...], result: Structure, by_elements: bool) -> bool:
    """Whether an entry point can read such arguments, and build such a result, with code of a reasonable length."""
    if sum(map(_pieces, (*arguments, result))) > LARGEST:
        return False
    makers = {kind: make for kind, make in _MAKERS.items() if kind is not ARRAY} if by_elements else _MAKERS
    return all(_knows(_READERS, structure) for structure in arguments) and _knows(makers, result)


def _pieces(structure: Structure) -> int:
    """Return how many parts there are that code is written for."""
    own = math.prod(structure[1]) if structure[0] is ROWS else 1
    return own + sum(map(_pieces, parts(structure)))


def _knows(table: dict[Kind, Any], structure: Structure) -> bool:
    kind, *facts = structure
    if kind is SEQUENCE and facts[0][0] is list and has_batch(structure):
        return False  # the numbers are read where they are, and another thread might take an array out of the list
    if (kind is STATIC and facts[0] is not None) or (kind is SEQUENCE and facts[0][0] not in (list, tuple)):
        return False
    return kind in table and all(_knows(table, part) for part in parts(structure))


class EntryPoint:
    """Writes ``PyObject *from_objects(self, args, n, kwnames)`` around ``run`` into a module.

    Where arrays are batches, it is written around ``whole``, for up to ``samples`` samples; where each of their
    elements is a sample, around ``elements``, for ``fewest`` at least. At ``failed`` is the number of threads in which
    a rule has failed that the code called back: then Python is asked, which raises. Other threads may run while a loop
    does that the program says.
    """

    def __init__(
        self,
        module: Module,
        structures: tuple[Structure, ...],
        result: Structure,
        inputs: int,
        outputs: int,
        failed: str,
        samples: int = 0,
        fewest: int = 0,
    ) -> None:
        self.kept: list[Any] = []  # objects that the code names by address
        self._module = module
        self._function = module.function("ptr @from_objects(ptr %self, ptr %args, i64 %n, ptr %kwnames) #0")
        self._lines = self._function.lines
        self._column = 0  # how many pointers to batches there are
        self._count = ""  # the number of samples, once it is known
        self._first = ("", "", "")  # the first array of which each element is a sample, how many axes, and its shape
        self._arrays: list[str] = []  # one for each result of such samples
        self._place = 0  # how many numbers were read, or how many of the results were used
        size = 3 * inputs + outputs if samples else inputs + outputs
        self._function.scratch(size)
        for name, at in (("in", 0), ("out", inputs), ("columns", inputs + outputs), ("strides", size - inputs)):
            self._lines.append(f"  %{name} = getelementptr double, ptr %scratch, i64 {at}")
        source = self._read_arguments(structures)
        if samples:
            self._demand(f"icmp sle i64 {self._count}, {samples}")
            self._demand(f"icmp sge i64 {self._count}, {max(fewest, 1)}")
        arrays = [self._new_array_like(self._first[0]) for _ in range(outputs if fewest else 0)]
        for k, each in enumerate(arrays):
            self._function.store(self._field(each, 16), self._function.nth("%out", k, "ptr"), "ptr")
        array = self._new_array(result[1]) if result[0] is ARRAY else ""  # which the results are written into
        target = self._field(array, 16) if array else "%out"
        if fewest:
            self._run(f"@elements(ptr {source}, ptr %columns, ptr %out, i64 {self._count})")
        elif samples:
            self._run(f"@whole(ptr {source}, ptr %columns, ptr %strides, i64 {self._count}, ptr {target})")
        else:
            self._run(f"@run(ptr {source}, ptr {target})")
        self._place = 0
        self._demand(f"icmp eq i64 {self._function.load(failed, 'i64')}, 0", "raise")
        self._arrays = arrays
        made = array or self._make(result)
        self._function.release(size)
        self._lines += [
            f"  ret ptr {made}",
            "raise:",
            *[f"  call void {self._python('Py_DecRef')}(ptr {each})" for each in (*arrays, array) if each],
            "  br label %slow",
            "slow:",
        ]
        self._function.release(size)
        self._lines += [
            f"  %answer = call ptr {self._python('PyObject_Vectorcall')}(ptr %self, ptr %args, i64 %n, ptr %kwnames)",
            "  ret ptr %answer",
            "failed:",
        ]
        self._function.release(size)
        self._function.end("ptr null")

    def _run(self, call: str) -> None:
        """Write the call of the program, during which other threads may run if it has loops of its own."""
        if self._module.arena:
            state = self._function.put(f"call ptr {self._python('PyEval_SaveThread')}()")
            self._lines += [f"  call void {call}", f"  call void {self._python('PyEval_RestoreThread')}(ptr {state})"]
        else:
            self._lines.append(f"  call void {call}")

    def _field(self, item: str, offset: int, kind: str = "ptr") -> str:
        """Read a field of an object."""
        return self._function.load(self._function.nth(item, offset, "i8"), kind)

    def _nth(self, items: str, i: int | str, kind: str = "ptr") -> str:
        """Read an entry of an array."""
        return self._function.load(self._function.nth(items, i, kind), kind)

    def _demand(self, condition: str, otherwise: str = "slow") -> None:
        """Go on only where the condition holds."""
        holds, label = self._function.put(condition), self._function.fresh()
        self._lines += [f"  br i1 {holds}, label {label}, label %{otherwise}", f"{label[1:]}:"]

    def _python(self, name: str) -> str:
        """Return the name of a function of CPython."""
        return self._module.external(ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value or 0)

    def _object(self, x: Any) -> str:
        """Return the name of a Python object."""
        return self._module.external(id(x))

    def _demand_is(self, pointer: str, x: Any) -> None:
        self._demand(f"icmp eq ptr {pointer}, {self._object(x)}")

    def _demand_equal(self, number: str, expected: int, kind: str = "i64") -> None:
        self._demand(f"icmp eq {kind} {number}, {expected}")

    def _call(self, function: str, operands: str) -> str:
        """Call a function of CPython that returns a new object."""
        result = self._function.put(f"call ptr {self._python(function)}({operands})")
        self._demand(f"icmp ne ptr {result}, null", "failed")
        return result

    def _each(self, count: int | str, body: Callable[[str], None]) -> None:
        """Write a loop over 0 … count − 1."""
        i, begin, loop, tail, done = [self._function.fresh()[1:] for _ in range(5)]
        self._function.block(begin)
        self._function.block(loop)
        self._lines.append(f"  %{i} = phi i64 [ 0, %{begin} ], [ %{i}n, %{tail} ]")
        body(f"%{i}")
        self._function.block(tail)
        self._lines += [
            f"  %{i}n = add i64 %{i}, 1",
            f"  %{i}c = icmp slt i64 %{i}n, {count}",
            f"  br i1 %{i}c, label %{loop}, label %{done}",
            f"{done}:",
        ]

    # Arguments: each is checked, and its numbers are put in place.

    def _read_arguments(self, structures: tuple[Structure, ...]) -> str:
        """Read all, and return where the numbers are then."""
        self._demand_equal("%n", len(structures))
        self._demand("icmp eq ptr %kwnames, null")
        for i, structure in enumerate(structures):
            item = self._nth("%args", i)
            if len(structures) == 1 and structure[0] is ARRAY:
                return self._array(item, structure[1])
            self._read(item, structure)
        return "%in"

    def _read(self, item: str, structure: Structure) -> None:
        _READERS[structure[0]](self, item, *structure[1:])

    def _read_number(self, item: str) -> None:
        self._number(item, f"{self._place}")
        self._place += 1

    def _read_none(self, item: str, none: None) -> None:
        self._demand_is(item, none)

    def _read_floats(self, item: str, count: int) -> None:
        items = self._items(list, item, count)
        self._each(count, lambda i: self._number(self._nth(items, i), self._plus(i)))
        self._place += count

    def _read_sequence(self, item: str, form: tuple[type, int], parts: tuple[Structure, ...]) -> None:
        items = self._items(form[0], item, form[1])
        for i, part in enumerate(parts):
            self._read(self._nth(items, i), part)

    def _read_array(self, item: str, shape: tuple[int, ...]) -> None:
        data = self._array(item, shape)
        self._function.copy(self._function.nth("%in", self._place), data, 8 * math.prod(shape))
        self._place += math.prod(shape)

    def _read_rows(self, item: str, shape: tuple[int, ...]) -> None:
        """Find where each number of the first sample is, and how far it is to the next sample's."""
        function = self._function
        data, dims = self._doubles(item, 1 + len(shape), _ALIGNED)
        steps = self._field(item, 40)
        count = self._nth(dims, 0, "i64")
        if self._count:
            self._demand(f"icmp eq i64 {count}, {self._count}")
        self._count = self._count or count
        strides = [self._nth(steps, i, "i64") for i in range(1 + len(shape))]
        for stride in strides:
            self._demand_equal(function.put(f"and i64 {stride}, 7"), 0)
        across = function.put(f"ashr i64 {strides[0]}, 3")
        addresses = [data]
        for i, n in enumerate(shape, 1):
            self._demand_equal(self._nth(dims, i, "i64"), n)
            offsets = [function.put(f"mul i64 {strides[i]}, {k}") for k in range(n)]
            addresses = [function.nth(address, offset, "i8") for address in addresses for offset in offsets]
        for address in addresses:
            function.store(address, function.nth("%columns", self._column, "ptr"), "ptr")
            function.store(across, function.nth("%strides", self._column, "i64"), "i64")
            self._column += 1

    def _read_column(self, item: str) -> None:
        """Find the numbers of an array of which each element is a sample; all of these have one shape."""
        function = self._function
        data, dims = self._doubles(item, None, _ALIGNED | _C_CONTIGUOUS)
        axes = function.put(f"sext i32 {self._field(item, 24, 'i32')} to i64")
        if self._count:
            self._demand(f"icmp eq i64 {axes}, {self._first[1]}")
            same = lambda i: self._demand(
                f"icmp eq i64 {self._nth(dims, i, 'i64')}, {self._nth(self._first[2], i, 'i64')}"
            )
            self._each(axes, same)
        else:
            self._first, product = (item, axes, dims), function.put("alloca i64")
            function.store("1", product, "i64")
            self._demand(f"icmp sgt i64 {axes}, 0")
            more = lambda i: function.store(
                function.put(f"mul i64 {function.load(product, 'i64')}, {self._nth(dims, i, 'i64')}"), product, "i64"
            )
            self._each(axes, more)
            self._count = function.load(product, "i64")
        function.store(data, function.nth("%columns", self._column, "ptr"), "ptr")
        self._column += 1

    def _number(self, item: str, place: str) -> None:
        self._demand_is(self._field(item, 8), float)
        number = self._field(item, 16, "double")
        self._function.store(number, self._function.nth("%in", place))

    def _plus(self, i: str) -> str:
        return self._function.put(f"add i64 {i}, {self._place}")

    def _items(self, kind: type, item: str, count: int) -> str:
        """Check that an object is a list or a tuple of so many items, and return where they are."""
        self._demand_is(self._field(item, 8), kind)
        self._demand_equal(self._field(item, 16, "i64"), count)
        return self._places_in(kind, item)

    def _places_in(self, kind: type, item: str) -> str:
        return self._field(item, _LIST_ITEMS) if kind is list else self._function.nth(item, _ITEMS, "i8")

    def _doubles(self, item: str, ndim: int | None, wanted: int) -> tuple[str, str]:
        """Check that an object is an array of doubles with such flags; return its data and its shape."""
        import numpy as np

        self._demand_is(self._field(item, 8), np.ndarray)
        self._demand_is(self._field(item, 56), np.dtype(np.float64))
        if ndim is not None:
            self._demand_equal(self._field(item, 24, "i32"), ndim, "i32")
        flags = self._function.put(f"and i32 {self._field(item, 64, 'i32')}, {wanted}")
        self._demand_equal(flags, wanted, "i32")
        return self._field(item, 16), self._field(item, 32)

    def _array(self, item: str, shape: tuple[int, ...]) -> str:
        """Check that an object is an array of such a shape, in one piece; return its data."""
        data, dims = self._doubles(item, len(shape), _ALIGNED | _C_CONTIGUOUS)
        for i, n in enumerate(shape):
            self._demand_equal(self._nth(dims, i, "i64"), n)
        return data

    # Results: each is built, and the new reference returned.

    def _make(self, structure: Structure) -> str:
        return _MAKERS[structure[0]](self, *structure[1:])

    def _make_number(self) -> str:
        self._place += 1
        if self._arrays:
            return self._arrays[self._place - 1]
        return self._float(f"{self._place - 1}")

    def _make_none(self, none: None) -> str:
        pointer = self._object(none)
        self._lines.append(f"  call void {self._python('Py_IncRef')}(ptr {pointer})")
        return pointer

    def _make_floats(self, count: int) -> str:
        result = self._call("PyList_New", f"i64 {count}")
        items = self._places_in(list, result)
        if self._arrays:
            for i, each in enumerate(self._arrays[self._place : self._place + count]):
                self._put_item(each, items, i)
        else:
            self._each(count, lambda i: self._put_item(self._float(self._plus(i)), items, i))
        self._place += count
        return result

    def _make_sequence(self, form: tuple[type, int], parts: tuple[Structure, ...]) -> str:
        objects = [self._make(part) for part in parts]
        result = self._call("PyList_New" if form[0] is list else "PyTuple_New", f"i64 {form[1]}")
        items = self._places_in(form[0], result)
        for i, item in enumerate(objects):
            self._put_item(item, items, i)
        return result

    def _put_item(self, item: str, items: str, i: int | str) -> None:
        self._function.store(item, self._function.nth(items, i, "ptr"), "ptr")

    def _make_array(self, shape: tuple[int, ...]) -> str:
        result = self._new_array(shape)
        self._function.copy(self._field(result, 16), self._function.nth("%out", self._place), 8 * math.prod(shape))
        self._place += math.prod(shape)
        return result

    def _new_array(self, shape: tuple[int, ...]) -> str:
        import numpy as np

        self.kept.append(shape)
        return self._call_numpy(np.empty, self._object(shape))

    def _new_array_like(self, item: str) -> str:
        import numpy as np

        return self._call_numpy(np.empty_like, item)

    def _call_numpy(self, function: Any, argument: str) -> str:
        self.kept.append(function)
        box = self._function.put("alloca ptr")
        self._function.store(argument, box, "ptr")
        return self._call("PyObject_Vectorcall", f"ptr {self._object(function)}, ptr {box}, i64 1, ptr null")

    def _float(self, place: str) -> str:
        return self._call("PyFloat_FromDouble", f"double {self._nth('%out', place, 'double')}")


# What an entry point does with each kind of argument, and of result. Others it hands over to Python.
_READERS: dict[Kind, Callable[..., None]] = {
    NUMBER: EntryPoint._read_number,
    FLOATS: EntryPoint._read_floats,
    SEQUENCE: EntryPoint._read_sequence,
    ARRAY: EntryPoint._read_array,
    ROWS: EntryPoint._read_rows,
    COLUMN: EntryPoint._read_column,
    STATIC: EntryPoint._read_none,
}
_MAKERS: dict[Kind, Callable[..., str]] = {
    NUMBER: EntryPoint._make_number,
    FLOATS: EntryPoint._make_floats,
    SEQUENCE: EntryPoint._make_sequence,
    ARRAY: EntryPoint._make_array,
    STATIC: EntryPoint._make_none,
}


def builtin(address: int, name: str, owner: Any, slow: Callable[..., Any], keep: list[Any]) -> Any:
    """Make a built-in function of the machine code, which hands over to ``slow(owner, ...)``.

    The function reads its PyMethodDef until it is gone itself. So what holds the definition are a method and a tuple,
    which the garbage collector never empties; it does empty a ``functools.partial`` or a ctypes object that it finds
    in a cycle, and would leave the function with a definition that is freed.
    """
    text = array("b", name.encode() + b"\0")
    definition = array("b", struct.pack("@PPiP", text.buffer_info()[0], address, _METH_FASTCALL_KEYWORDS, 0))
    held = (weakref.ref(owner), slow, name, definition, text, *keep)
    new = ctypes.pythonapi.PyCFunction_NewEx
    new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p]
    return new(definition.buffer_info()[0], types.MethodType(_slowly, held), None)


def _slowly(held: tuple[Any, ...], /, *args: Any, **kwargs: Any) -> Any:
    owner, slow, name = held[0](), held[1], held[2]
    if owner is None:
        raise ReferenceError(
            f"the compiled function {name} that this built-in call belongs to is gone, and these arguments need it; "
            "keep the compiled function itself"
        )
    return slow(owner, *args, **kwargs)
