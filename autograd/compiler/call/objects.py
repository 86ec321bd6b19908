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
from autograd.compiler.structure import Structure

MOST = 4_096  # numbers in and out, which lie on the stack
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


def takes(structure: Structure) -> bool:
    """Whether the entry point can read or build this structure."""
    if structure[0] in ("list", "tuple"):
        return all(map(takes, structure[1]))
    return structure[0] in ("number", "floats", "array", "rows") or (structure[0] == "static" and structure[1] is None)


def _c(name: str) -> int:
    return ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value or 0


class EntryPoint:
    """Writes ``PyObject *enter(self, args, n, kwnames)`` around ``run`` into a module.

    Where arrays are batches, it is written around ``whole``, for up to ``most`` samples.
    """

    def __init__(
        self,
        module: Module,
        structures: tuple[Structure, ...],
        result: Structure,
        inputs: int,
        outputs: int,
        most: int = 0,
    ) -> None:
        self.module = module
        self.column = 0
        self.count = ""
        self.kept: list[Any] = []  # objects that the code names by address
        self.serial = 0
        self.place = 0
        module.open("define ptr @enter(ptr %self, ptr %args, i64 %n, ptr %kwnames) #0 {")
        self.lines = module.lines
        one_array = len(structures) == 1 and structures[0][0] == "array"
        direct = result[0] == "array"
        self.lines += [f"  %in = alloca double, i64 {max(inputs, 1)}", f"  %out = alloca double, i64 {max(outputs, 1)}"]
        if most:
            self.lines += [f"  %columns = alloca ptr, i64 {inputs}", f"  %strides = alloca i64, i64 {inputs}"]
        self._demand(f"icmp eq i64 %n, {len(structures)}")
        self._demand("icmp eq ptr %kwnames, null")
        pointers = []
        for i, structure in enumerate(structures):
            pointers.append(self._read(structure, self._load(f"ptr, ptr {self._at('%args', 8 * i)}"), one_array))
        source, target, array = (pointers[0] if one_array else "%in"), "%out", ""
        if direct:
            array = self._new_array(result[1])
            target = self._load(f"ptr, ptr {self._at(array, 16)}")
        if most:
            self._demand(f"icmp sle i64 {self.count}, {most}")
            self._demand(f"icmp sgt i64 {self.count}, 0")
            self.lines.append(
                f"  call void @whole(ptr {source}, ptr %columns, ptr %strides, i64 {self.count}, ptr {target})"
            )
        else:
            self.lines.append(f"  call void @run(ptr {source}, ptr {target})")
        self.place = 0
        made = array if direct else self._make(result)
        hand_over = f"call ptr inttoptr (i64 {_c('PyObject_Vectorcall')} to ptr)"
        self.lines += [
            f"  ret ptr {made}",
            "slow:",
            f"  %answer = {hand_over}(ptr %self, ptr %args, i64 %n, ptr %kwnames)",
            "  ret ptr %answer",
            "failed:",
            "  ret ptr null",
            "}",
        ]
        module.functions.append("\n".join(self.lines))

    def _fresh(self) -> str:
        self.serial += 1
        return f"%e{self.serial}"

    def _assign(self, text: str) -> str:
        name = self._fresh()
        self.lines.append(f"  {name} = {text}")
        return name

    def _at(self, pointer: str, offset: int) -> str:
        return self._assign(f"getelementptr i8, ptr {pointer}, i64 {offset}")

    def _load(self, what: str) -> str:
        return self._assign(f"load {what}, align 8")

    def _demand(self, condition: str, otherwise: str = "slow") -> None:
        """Go on only where the condition holds."""
        holds = self._assign(condition)
        label = self._fresh()[1:]
        self.lines += [f"  br i1 {holds}, label %{label}, label %{otherwise}", f"{label}:"]

    def _is(self, pointer: str, kind: type) -> None:
        found = self._load(f"i64, ptr {self._at(pointer, 8)}")
        self._demand(f"icmp eq i64 {found}, {id(kind)}")

    def _read(self, structure: Structure, item: str, one_array: bool) -> str:
        """Check an argument, and put its numbers in place; of a lone array, return where they are."""
        kind = structure[0]
        if kind == "number":
            self._number(item, f"{self.place}")
            self.place += 1
        elif kind == "static":
            self._demand(f"icmp eq i64 {self._assign(f'ptrtoint ptr {item} to i64')}, {id(None)}")
        elif kind == "array":
            return self._array(structure[1], item, one_array)
        elif kind == "rows":
            self._rows(structure[1], item)
        elif kind == "floats":
            items = self._items(list, item, structure[1])
            self._each(structure[1], lambda i: self._number(self._item(items, i), self._plus(i)))
            self.place += structure[1]
        else:
            items = self._items(list if kind == "list" else tuple, item, len(structure[1]))
            for i, part in enumerate(structure[1]):
                self._read(part, self._item(items, f"{i}"), False)
        return ""

    def _number(self, item: str, slot: str) -> None:
        self._is(item, float)
        number = self._load(f"double, ptr {self._at(item, 16)}")
        self.lines.append(f"  store double {number}, ptr {self._slot('%in', slot)}, align 8")

    def _slot(self, array: str, slot: str) -> str:
        return self._assign(f"getelementptr double, ptr {array}, i64 {slot}")

    def _plus(self, i: str) -> str:
        return self._assign(f"add i64 {i}, {self.place}")

    def _items(self, kind: type, item: str, count: int) -> str:
        self._is(item, kind)
        self._demand(f"icmp eq i64 {self._load(f'i64, ptr {self._at(item, 16)}')}, {count}")
        return self._load(f"ptr, ptr {self._at(item, _LIST_ITEMS)}") if kind is list else self._at(item, _ITEMS)

    def _item(self, items: str, i: str) -> str:
        return self._load(f"ptr, ptr {self._assign(f'getelementptr ptr, ptr {items}, i64 {i}')}")

    def _each(self, count: int, body: Callable[[str], None]) -> None:
        """Write a loop over 0 … count − 1."""
        i, begin, loop, tail, done = (self._fresh() for _ in range(5))
        self.lines += [
            f"  br label {begin}", f"{begin[1:]}:", f"  br label {loop}", f"{loop[1:]}:",
            f"  {i} = phi i64 [ 0, {begin} ], [ {i}n, {tail} ]",
        ]  # fmt: skip
        body(i)
        self.lines += [
            f"  br label {tail}", f"{tail[1:]}:", f"  {i}n = add i64 {i}, 1", f"  {i}c = icmp slt i64 {i}n, {count}",
            f"  br i1 {i}c, label {loop}, label {done}", f"{done[1:]}:",
        ]  # fmt: skip

    def _doubles(self, item: str, ndim: int, wanted: int) -> tuple[str, str]:
        """Check that an object is an array of doubles with such flags; return its data and its shape."""
        import numpy as np

        self._is(item, np.ndarray)
        self._demand(f"icmp eq i64 {self._load(f'i64, ptr {self._at(item, 56)}')}, {id(np.dtype(np.float64))}")
        self._demand(f"icmp eq i32 {self._load(f'i32, ptr {self._at(item, 24)}')}, {ndim}")
        flags = self._assign(f"and i32 {self._load(f'i32, ptr {self._at(item, 64)}')}, {wanted}")
        self._demand(f"icmp eq i32 {flags}, {wanted}")
        return self._load(f"ptr, ptr {self._at(item, 16)}"), self._load(f"ptr, ptr {self._at(item, 32)}")

    def _extent(self, dims: str, i: int) -> str:
        return self._load(f"i64, ptr {self._at(dims, 8 * i)}")

    def _rows(self, shape: tuple[int, ...], item: str) -> None:
        """Read a batch: where each number of the first sample is, and how far it is to the next sample's."""
        data, dims = self._doubles(item, 1 + len(shape), _ALIGNED)
        steps = self._load(f"ptr, ptr {self._at(item, 40)}")
        count = self._extent(dims, 0)
        if self.count:
            self._demand(f"icmp eq i64 {count}, {self.count}")
        self.count = self.count or count
        strides = [self._extent(steps, i) for i in range(1 + len(shape))]
        for stride in strides:
            self._demand(f"icmp eq i64 {self._assign(f'and i64 {stride}, 7')}, 0")
        across = self._assign(f"ashr i64 {strides[0]}, 3")
        addresses = [data]
        for i, n in enumerate(shape):
            self._demand(f"icmp eq i64 {self._extent(dims, 1 + i)}, {n}")
            offsets = [self._assign(f"mul i64 {strides[1 + i]}, {k}") for k in range(n)]
            pairs = [(a, offset) for a in addresses for offset in offsets]
            addresses = [self._assign(f"getelementptr i8, ptr {a}, i64 {offset}") for a, offset in pairs]
        for address in addresses:
            place = self._assign(f"getelementptr ptr, ptr %columns, i64 {self.column}")
            self.lines.append(f"  store ptr {address}, ptr {place}, align 8")
            place = self._assign(f"getelementptr i64, ptr %strides, i64 {self.column}")
            self.lines.append(f"  store i64 {across}, ptr {place}, align 8")
            self.column += 1

    def _array(self, shape: tuple[int, ...], item: str, lone: bool) -> str:
        data, dims = self._doubles(item, len(shape), _ALIGNED | _C_CONTIGUOUS)
        for i, n in enumerate(shape):
            self._demand(f"icmp eq i64 {self._extent(dims, i)}, {n}")
        count = math.prod(shape)
        if not lone:
            self._copy(self._slot("%in", f"{self.place}"), data, 8 * count)
        self.place += count
        return data

    def _copy(self, to: str, source: str, size: int) -> None:
        self.module.declare("declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")
        self.lines.append(f"  call void @llvm.memcpy.p0.p0.i64(ptr {to}, ptr {source}, i64 {size}, i1 false)")

    def _call(self, address: int, operands: str) -> str:
        made = self._assign(f"call ptr inttoptr (i64 {address} to ptr)({operands})")
        self._demand(f"icmp ne ptr {made}, null", "failed")
        return made

    def _float(self, slot: str) -> str:
        number = self._load(f"double, ptr {self._slot('%out', slot)}")
        return self._call(_c("PyFloat_FromDouble"), f"double {number}")

    def _new_array(self, shape: tuple[int, ...]) -> str:
        import numpy as np

        self.kept += [np.empty, shape]
        box = self._assign("alloca ptr")
        self.lines.append(f"  store ptr inttoptr (i64 {id(shape)} to ptr), ptr {box}, align 8")
        operands = f"ptr inttoptr (i64 {id(np.empty)} to ptr), ptr {box}, i64 1, ptr null"
        return self._call(_c("PyObject_Vectorcall"), operands)

    def _make(self, structure: Structure) -> str:
        """Build a result, and return the new reference."""
        kind = structure[0]
        if kind == "number":
            self.place += 1
            return self._float(f"{self.place - 1}")
        if kind == "static":
            none = f"inttoptr (i64 {id(None)} to ptr)"
            self.lines.append(f"  call void inttoptr (i64 {_c('Py_IncRef')} to ptr)(ptr {none})")
            return none
        if kind == "array":
            made = self._new_array(structure[1])
            count = math.prod(structure[1])
            self._copy(self._load(f"ptr, ptr {self._at(made, 16)}"), self._slot("%out", f"{self.place}"), 8 * count)
            self.place += count
            return made
        if kind == "floats":
            made = self._call(_c("PyList_New"), f"i64 {structure[1]}")
            items = self._load(f"ptr, ptr {self._at(made, _LIST_ITEMS)}")
            self._each(structure[1], lambda i: self._store(items, i, self._float(self._plus(i))))
            self.place += structure[1]
            return made
        parts = [self._make(part) for part in structure[1]]
        made = self._call(_c("PyList_New" if kind == "list" else "PyTuple_New"), f"i64 {len(parts)}")
        at = self._at(made, _LIST_ITEMS if kind == "list" else _ITEMS)
        items = self._load(f"ptr, ptr {at}") if kind == "list" and parts else at
        for i, part in enumerate(parts):
            self._store(items, f"{i}", part)
        return made

    def _store(self, items: str, i: str, made: str) -> None:
        slot = self._assign(f"getelementptr ptr, ptr {items}, i64 {i}")
        self.lines.append(f"  store ptr {made}, ptr {slot}, align 8")


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
