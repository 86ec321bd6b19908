"""A program as a WebAssembly module: a kernel that runs it turn after turn over columns of a memory.

The bytes are written here, without a toolchain: W3C, "WebAssembly Core Specification", version 2.0, chapter 5. All
numbers are doubles. An operation that is a machine instruction of WebAssembly is one; every other is a function that
whoever starts the module provides.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from autograd.ops import OPERATIONS

from .program.conditions import CONDITIONS
from .program.instructions import Instruction
from .trace.listing import Listing

_I32, _F64 = 0x7F, 0x7C
_OPCODES = {  # by the machine instruction that a row of the table names
    "fadd": 0xA0, "fsub": 0xA1, "fmul": 0xA2, "fdiv": 0xA3, "fneg": 0x9A, "llvm.fabs": 0x99, "llvm.ceil": 0x9B,
    "llvm.floor": 0x9C, "llvm.trunc": 0x9D, "llvm.roundeven": 0x9E, "llvm.sqrt": 0x9F, "fcmp oeq": 0x61,
    "fcmp une": 0x62, "fcmp olt": 0x63, "fcmp ogt": 0x64, "fcmp ole": 0x65, "fcmp oge": 0x66, "and": 0x71, "or": 0x72,
    "xor": 0x73,
}  # fmt: skip
_SELECT, _ADD, _NOT_EQUAL, _AS_DOUBLE = b"\x1b", b"\xa0", b"\x62", b"\xb8"
_FIRST, _COUNT, _OFFSET, _VALUES = 0, 1, 2, 3  # locals: the arguments, how far the columns are, and then all values
_DOUBLE = 8  # bytes


class Cell(NamedTuple):
    """Where an input or an output is: ``address`` in bytes; that of a ``column`` is one double further each turn."""

    address: int
    column: bool = False


def functions_of(listing: Listing) -> list[str]:
    """Name the operations of a program that WebAssembly lacks, in the order in which a kernel imports them."""
    names = dict.fromkeys(instruction.name for instruction in listing.instructions)
    return [name for name in names if name != "where" and _opcode(name) is None]


def kernel(listing: Listing, inputs: Sequence[Cell], outputs: Sequence[Cell]) -> bytes:
    r"""Return a module whose function ``run(first, count)`` runs the program for ``count`` turns from turn ``first``.

    An output in a column is written in each turn; one that is none is the sum over the turns. The module imports
    ``env.memory``, and from ``rules`` the functions of ``functions_of``, by name. Raises ValueError where cells do not
    fit the program: one each, at multiples of 8 below 2³¹.

    >>> from autograd.compiler.trace.listing import listing
    >>> square = listing(lambda x: [x * x], ["x"])
    >>> kernel(square, [Cell(0, column=True)], [Cell(800)])[:4]
    b'\x00asm'
    """
    for cells, places, what in ((inputs, listing.inputs, "inputs"), (outputs, listing.outputs, "outputs")):
        if len(cells) != len(places):
            raise ValueError(f"the program has {len(places)} {what}, and {len(cells)} cells were given")
        wrong = next((cell for cell in cells if cell.address % _DOUBLE or not 0 <= cell.address < 2**31), None)
        if wrong is not None:
            raise ValueError(f"an address is a multiple of {_DOUBLE} below 2³¹; {wrong.address} was given")
    imported = functions_of(listing)
    operands = {instruction.name: len(instruction.operands) for instruction in listing.instructions}
    counts = sorted({operands[name] for name in imported})
    types = [_function([_I32, _I32], []), *[_function([_F64] * count, [_F64]) for count in counts]]
    memory = _name("env") + _name("memory") + b"\x02\x00" + _unsigned(1)
    rules = [_name("rules") + _name(name) + b"\x00" + _unsigned(1 + counts.index(operands[name])) for name in imported]
    body = _Body(listing, inputs, outputs, imported).written()
    sections = {  # in the order that the specification wants
        1: _vector(types),
        2: _vector([memory, *rules]),
        3: _vector([b"\x00"]),  # one function, of the first type
        7: _vector([_name("run") + b"\x00" + _unsigned(len(imported))]),
        10: _vector([_sized(body)]),
    }
    return b"\x00asm\x01\x00\x00\x00" + b"".join([bytes([k]) + _sized(content) for k, content in sections.items()])


class _Body:
    """The code of ``run``. What is in no column is loaded once, and summed in locals, which are stored at the end."""

    def __init__(
        self, listing: Listing, inputs: Sequence[Cell], outputs: Sequence[Cell], imported: Sequence[str]
    ) -> None:
        self.listing, self.inputs, self.outputs = listing, inputs, outputs
        self.functions = {name: k for k, name in enumerate(imported)}
        results = [_I32 if instruction.name in CONDITIONS else _F64 for instruction in listing.instructions]
        self.kinds = [*[_F64] * len(listing.inputs), *results]
        self.sums = {k: _VALUES + len(self.kinds) + k for k in range(len(outputs))}  # the locals

    def written(self) -> bytes:
        kinds = [_I32, *self.kinds, *[_F64] * len(self.outputs)]
        own = [_unsigned(len(list(group))) + bytes([kind]) for kind, group in itertools.groupby(kinds)]
        return _vector(own) + b"".join(self._code()) + b"\x0b"

    def _code(self) -> Iterator[bytes]:
        for local, turns in ((_COUNT, [_get(_FIRST), _get(_COUNT), b"\x6a"]), (_OFFSET, [_get(_FIRST)])):
            yield b"".join([*turns, _integer(_DOUBLE), b"\x6c", _set(local)])  # from turns to bytes
        yield from [self._load(i, cell) for i, cell in enumerate(self.inputs) if not cell.column]
        yield b"\x02\x40\x03\x40"  # block loop
        yield _get(_OFFSET) + _get(_COUNT) + b"\x4f\x0d\x01"  # leave the block where offset >= the end
        yield from [self._load(i, cell) for i, cell in enumerate(self.inputs) if cell.column]
        for number, instruction in enumerate(self.listing.instructions, len(self.inputs)):
            yield self._instruction(instruction) + _set(_VALUES + number)
        for k, (cell, place) in enumerate(zip(self.outputs, self.listing.outputs, strict=True)):
            result = self._operand(place, _F64)
            if cell.column:
                yield _get(_OFFSET) + result + _store(cell.address)
            else:
                yield _get(self.sums[k]) + result + _ADD + _set(self.sums[k])
        yield _get(_OFFSET) + _integer(_DOUBLE) + b"\x6a" + _set(_OFFSET)
        yield b"\x0c\x00\x0b\x0b"  # again; end of the loop, end of the block
        for k, cell in enumerate(self.outputs):
            if not cell.column:
                yield _integer(0) + _get(self.sums[k]) + _store(cell.address)

    def _load(self, i: int, cell: Cell) -> bytes:
        base = _get(_OFFSET) if cell.column else _integer(0)
        return base + b"\x2b\x03" + _unsigned(cell.address) + _set(_VALUES + i)

    def _instruction(self, instruction: Instruction) -> bytes:
        name, operands = instruction
        if name == "where":
            condition, a, b = operands
            return self._operand(a, _F64) + self._operand(b, _F64) + self._operand(condition, _I32) + _SELECT
        kind = _I32 if name in ("&", "|", "^") else _F64
        opcode = _opcode(name)
        rule = b"\x10" + _unsigned(self.functions[name]) if opcode is None else bytes([opcode])
        return b"".join([self._operand(place, kind) for place in operands]) + rule

    def _operand(self, place: int, kind: int) -> bytes:
        """Put a value or a constant on the stack: as a double, or as a condition, which is 1 or 0."""
        if place < 0:
            x = self.listing.constants[~place]
            return b"\x44" + struct.pack("<d", x) if kind == _F64 else _integer(int(x != 0.0))
        if self.kinds[place] == kind:
            return _get(_VALUES + place)
        if kind == _F64:
            return _get(_VALUES + place) + _AS_DOUBLE
        return _get(_VALUES + place) + b"\x44" + struct.pack("<d", 0.0) + _NOT_EQUAL


def _opcode(name: str) -> int | None:
    row = OPERATIONS.get(name) or CONDITIONS[name]
    return _OPCODES.get(row.llvm)


def _get(local: int) -> bytes:
    return b"\x20" + _unsigned(local)


def _set(local: int) -> bytes:
    return b"\x21" + _unsigned(local)


def _store(address: int) -> bytes:
    return b"\x39\x03" + _unsigned(address)


def _integer(x: int) -> bytes:
    """A constant from 0 to 63: one byte, whose next bit would be the sign."""
    return bytes([0x41, x])


def _function(operands: Sequence[int], results: Sequence[int]) -> bytes:
    return b"\x60" + _sized(bytes(operands)) + _sized(bytes(results))


def _vector(parts: Sequence[bytes]) -> bytes:
    return _unsigned(len(parts)) + b"".join(parts)


def _sized(content: bytes) -> bytes:
    return _unsigned(len(content)) + content


def _name(text: str) -> bytes:
    return _sized(text.encode())


def _unsigned(x: int) -> bytes:
    """LEB128: seven bits a byte, the lowest first; the eighth says that another one follows."""
    written = bytearray()
    while x > 127:
        written.append(x & 127 | 128)
        x >>= 7
    return bytes([*written, x])
