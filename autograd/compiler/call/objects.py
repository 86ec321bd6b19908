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
from autograd.compiler.structure import ARRAY, FLOATS, LIST, NUMBER, ROWS, STATIC, TUPLE, Kind, Structure, parts

LARGEST = 4_096  # numbers in and out of an entry point, which lie on the stack
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


def serves(arguments: tuple[Structure, ...], result: Structure) -> bool:
    """Whether an entry point can read such arguments, and build such a result."""
    return all(_knows(_READERS, structure) for structure in arguments) and _knows(_MAKERS, result)


def _knows(table: dict[Kind, Any], structure: Structure) -> bool:
    known = structure[0] in table and (structure[0] is not STATIC or structure[1] is None)
    return known and all(_knows(table, part) for part in parts(structure))


def _function(name: str) -> int:
    """Return the address of a function of CPython."""
    return ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value or 0


class _Text:
    """The function ``PyObject *enter(self, args, n, kwnames)`` as it is written."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.lines = module.open("define ptr @enter(ptr %self, ptr %args, i64 %n, ptr %kwnames) #0 {")
        self.serial = 0

    def fresh(self) -> str:
        self.serial += 1
        return f"%e{self.serial}"

    def put(self, text: str) -> str:
        name = self.fresh()
        self.lines.append(f"  {name} = {text}")
        return name

    def at(self, pointer: str, offset: int) -> str:
        """Return the address so many bytes behind a pointer."""
        return self.put(f"getelementptr i8, ptr {pointer}, i64 {offset}")

    def nth(self, kind: str, pointer: str, i: int | str) -> str:
        """Return the address of an entry of an array."""
        return self.put(f"getelementptr {kind}, ptr {pointer}, i64 {i}")

    def load(self, kind: str, address: str) -> str:
        return self.put(f"load {kind}, ptr {address}, align 8")

    def store(self, kind: str, what: str, address: str) -> None:
        self.lines.append(f"  store {kind} {what}, ptr {address}, align 8")

    def demand(self, condition: str, otherwise: str = "slow") -> None:
        """Go on only where the condition holds."""
        holds = self.put(condition)
        label = self.fresh()[1:]
        self.lines += [f"  br i1 {holds}, label %{label}, label %{otherwise}", f"{label}:"]

    def demand_type(self, item: str, kind: type) -> None:
        self.demand(f"icmp eq i64 {self.load('i64', self.at(item, 8))}, {id(kind)}")

    def each(self, count: int, body: Callable[[str], None]) -> None:
        """Write a loop over 0 … count − 1."""
        i, begin, loop, tail, done = (self.fresh() for _ in range(5))
        self.lines += [
            f"  br label {begin}", f"{begin[1:]}:", f"  br label {loop}", f"{loop[1:]}:",
            f"  {i} = phi i64 [ 0, {begin} ], [ {i}n, {tail} ]",
        ]  # fmt: skip
        body(i)
        self.lines += [
            f"  br label {tail}", f"{tail[1:]}:", f"  {i}n = add i64 {i}, 1", f"  {i}c = icmp slt i64 {i}n, {count}",
            f"  br i1 {i}c, label {loop}, label {done}", f"{done[1:]}:",
        ]  # fmt: skip

    def call(self, function: str, operands: str) -> str:
        """Call a function of CPython that returns a new object."""
        result = self.put(f"call ptr inttoptr (i64 {_function(function)} to ptr)({operands})")
        self.demand(f"icmp ne ptr {result}, null", "failed")
        return result


class EntryPoint(_Text):
    """Writes ``PyObject *enter(self, args, n, kwnames)`` around ``run`` into a module.

    Where arrays are batches, it is written around ``whole``, for up to ``samples`` samples.
    """

    def __init__(
        self,
        module: Module,
        structures: tuple[Structure, ...],
        result: Structure,
        inputs: int,
        outputs: int,
        samples: int = 0,
    ) -> None:
        super().__init__(module)
        self.kept: list[Any] = []  # objects that the code names by address
        self._column = 0  # how many pointers to batches there are
        self._count = ""  # the number of samples, once it is known
        self._place = 0  # how many numbers were read, or how many of the results were used
        self._lone_array = ""  # where the numbers are of the only argument, an array, which is read where it is
        self._begin(inputs, outputs, samples)
        self._read_arguments(structures)
        array = self._new_array(result[1]) if result[0] is ARRAY else ""
        source = self._lone_array or "%in"
        target = self.load("ptr", self.at(array, 16)) if array else "%out"
        if samples:
            self.demand(f"icmp sle i64 {self._count}, {samples}")
            self.demand(f"icmp sgt i64 {self._count}, 0")
            numbers = f"ptr {source}, ptr %columns, ptr %strides, i64 {self._count}, ptr {target}"
            self.lines.append(f"  call void @whole({numbers})")
        else:
            self.lines.append(f"  call void @run(ptr {source}, ptr {target})")
        self._place = 0
        self._end(array or self._make(result))

    def _begin(self, inputs: int, outputs: int, samples: int) -> None:
        self.lines += [f"  %in = alloca double, i64 {max(inputs, 1)}", f"  %out = alloca double, i64 {max(outputs, 1)}"]
        if samples:
            self.lines += [f"  %columns = alloca ptr, i64 {inputs}", f"  %strides = alloca i64, i64 {inputs}"]

    def _end(self, result: str) -> None:
        hand_over = f"call ptr inttoptr (i64 {_function('PyObject_Vectorcall')} to ptr)"
        self.lines += [
            f"  ret ptr {result}",
            "slow:",
            f"  %answer = {hand_over}(ptr %self, ptr %args, i64 %n, ptr %kwnames)",
            "  ret ptr %answer",
            "failed:",
            "  ret ptr null",
            "}",
        ]
        self.module.add("\n".join(self.lines))

    # Arguments: each kind is checked, and its numbers are put in place.

    def _read_arguments(self, structures: tuple[Structure, ...]) -> None:
        self.demand(f"icmp eq i64 %n, {len(structures)}")
        self.demand("icmp eq ptr %kwnames, null")
        for i, structure in enumerate(structures):
            item = self.load("ptr", self.at("%args", 8 * i))
            if len(structures) == 1 and structure[0] is ARRAY:
                self._lone_array = self._array_of(item, structure[1])
            else:
                self._read(item, structure)

    def _read(self, item: str, structure: Structure) -> None:
        _READERS[structure[0]](self, item, *structure[1:])

    def _read_number(self, item: str) -> None:
        self._number(item, f"{self._place}")
        self._place += 1

    def _read_none(self, item: str, none: None) -> None:
        self.demand(f"icmp eq i64 {self.put(f'ptrtoint ptr {item} to i64')}, {id(none)}")

    def _read_floats(self, item: str, count: int) -> None:
        items = self._items(list, item, count)
        self.each(count, lambda i: self._number(self._item(items, i), self._plus(i)))
        self._place += count

    def _read_list(self, item: str, count: int, parts: tuple[Structure, ...], kind: type = list) -> None:
        items = self._items(kind, item, count)
        for i, part in enumerate(parts):
            self._read(self._item(items, i), part)

    def _read_tuple(self, item: str, count: int, parts: tuple[Structure, ...]) -> None:
        self._read_list(item, count, parts, tuple)

    def _read_array(self, item: str, shape: tuple[int, ...]) -> None:
        data = self._array_of(item, shape)
        self.module.copy(self.nth("double", "%in", self._place), data, 8 * math.prod(shape))
        self._place += math.prod(shape)

    def _read_rows(self, item: str, shape: tuple[int, ...]) -> None:
        """Find where each number of the first sample is, and how far it is to the next sample's."""
        data, dims = self._doubles(item, 1 + len(shape), _ALIGNED)
        steps = self.load("ptr", self.at(item, 40))
        count = self.load("i64", self.at(dims, 0))
        if self._count:
            self.demand(f"icmp eq i64 {count}, {self._count}")
        self._count = self._count or count
        strides = [self.load("i64", self.at(steps, 8 * i)) for i in range(1 + len(shape))]
        for stride in strides:
            self.demand(f"icmp eq i64 {self.put(f'and i64 {stride}, 7')}, 0")
        across = self.put(f"ashr i64 {strides[0]}, 3")
        addresses = [data]
        for i, n in enumerate(shape, 1):
            self.demand(f"icmp eq i64 {self.load('i64', self.at(dims, 8 * i))}, {n}")
            offsets = [self.put(f"mul i64 {strides[i]}, {k}") for k in range(n)]
            pairs = [(address, offset) for address in addresses for offset in offsets]
            addresses = [self.nth("i8", address, offset) for address, offset in pairs]
        for address in addresses:
            self.store("ptr", address, self.nth("ptr", "%columns", self._column))
            self.store("i64", across, self.nth("i64", "%strides", self._column))
            self._column += 1

    def _number(self, item: str, place: str) -> None:
        self.demand_type(item, float)
        number = self.load("double", self.at(item, 16))
        self.store("double", number, self.nth("double", "%in", place))

    def _plus(self, i: str) -> str:
        return self.put(f"add i64 {i}, {self._place}")

    def _items(self, kind: type, item: str, count: int) -> str:
        """Check that an object is a list or a tuple of so many items, and return where they are."""
        self.demand_type(item, kind)
        self.demand(f"icmp eq i64 {self.load('i64', self.at(item, 16))}, {count}")
        return self.load("ptr", self.at(item, _LIST_ITEMS)) if kind is list else self.at(item, _ITEMS)

    def _item(self, items: str, i: int | str) -> str:
        return self.load("ptr", self.nth("ptr", items, i))

    def _doubles(self, item: str, ndim: int, wanted: int) -> tuple[str, str]:
        """Check that an object is an array of doubles with such flags; return its data and its shape."""
        import numpy as np

        self.demand_type(item, np.ndarray)
        self.demand(f"icmp eq i64 {self.load('i64', self.at(item, 56))}, {id(np.dtype(np.float64))}")
        self.demand(f"icmp eq i32 {self.load('i32', self.at(item, 24))}, {ndim}")
        flags = self.put(f"and i32 {self.load('i32', self.at(item, 64))}, {wanted}")
        self.demand(f"icmp eq i32 {flags}, {wanted}")
        return self.load("ptr", self.at(item, 16)), self.load("ptr", self.at(item, 32))

    def _array_of(self, item: str, shape: tuple[int, ...]) -> str:
        """Check that an object is an array of such a shape, in one piece; return its data."""
        data, dims = self._doubles(item, len(shape), _ALIGNED | _C_CONTIGUOUS)
        for i, n in enumerate(shape):
            self.demand(f"icmp eq i64 {self.load('i64', self.at(dims, 8 * i))}, {n}")
        return data

    # Results: each kind is built, and the new reference returned.

    def _make(self, structure: Structure) -> str:
        return _MAKERS[structure[0]](self, *structure[1:])

    def _make_number(self) -> str:
        self._place += 1
        return self._float(f"{self._place - 1}")

    def _make_none(self, none: None) -> str:
        pointer = f"inttoptr (i64 {id(none)} to ptr)"
        self.lines.append(f"  call void inttoptr (i64 {_function('Py_IncRef')} to ptr)(ptr {pointer})")
        return pointer

    def _make_floats(self, count: int) -> str:
        numbers = self.call("PyList_New", f"i64 {count}")
        items = self.load("ptr", self.at(numbers, _LIST_ITEMS))
        self.each(count, lambda i: self.store("ptr", self._float(self._plus(i)), self.nth("ptr", items, i)))
        self._place += count
        return numbers

    def _make_list(self, count: int, parts: tuple[Structure, ...]) -> str:
        objects = [self._make(part) for part in parts]
        result = self.call("PyList_New", f"i64 {count}")
        items = self.at(result, _LIST_ITEMS)
        return self._filled(result, self.load("ptr", items) if objects else items, objects)

    def _make_tuple(self, count: int, parts: tuple[Structure, ...]) -> str:
        objects = [self._make(part) for part in parts]
        result = self.call("PyTuple_New", f"i64 {count}")
        return self._filled(result, self.at(result, _ITEMS), objects)

    def _filled(self, result: str, items: str, objects: list[str]) -> str:
        for i, part in enumerate(objects):
            self.store("ptr", part, self.nth("ptr", items, i))
        return result

    def _make_array(self, shape: tuple[int, ...]) -> str:
        result = self._new_array(shape)
        data = self.load("ptr", self.at(result, 16))
        self.module.copy(data, self.nth("double", "%out", self._place), 8 * math.prod(shape))
        self._place += math.prod(shape)
        return result

    def _new_array(self, shape: tuple[int, ...]) -> str:
        import numpy as np

        self.kept += [np.empty, shape]
        box = self.put("alloca ptr")
        self.store("ptr", f"inttoptr (i64 {id(shape)} to ptr)", box)
        operands = f"ptr inttoptr (i64 {id(np.empty)} to ptr), ptr {box}, i64 1, ptr null"
        return self.call("PyObject_Vectorcall", operands)

    def _float(self, place: str) -> str:
        number = self.load("double", self.nth("double", "%out", place))
        return self.call("PyFloat_FromDouble", f"double {number}")


_READERS: dict[Kind, Callable[..., None]] = {
    NUMBER: EntryPoint._read_number,
    FLOATS: EntryPoint._read_floats,
    LIST: EntryPoint._read_list,
    TUPLE: EntryPoint._read_tuple,
    ARRAY: EntryPoint._read_array,
    ROWS: EntryPoint._read_rows,
    STATIC: EntryPoint._read_none,
}
_MAKERS: dict[Kind, Callable[..., str]] = {
    NUMBER: EntryPoint._make_number,
    FLOATS: EntryPoint._make_floats,
    LIST: EntryPoint._make_list,
    TUPLE: EntryPoint._make_tuple,
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
