"""The text of one function, and how LLVM writes numbers and types."""

from __future__ import annotations

import struct
from collections.abc import Sequence

STACK = 16_384  # bytes of scratch memory that a function takes from the stack, of which a thread may have 128 KB


def literal(x: float) -> str:
    """Write a double so that LLVM reads every bit of it."""
    return f"0x{struct.unpack('<Q', struct.pack('<d', x))[0]:016X}"


def vector(lanes: int, kind: str = "double") -> str:
    """Write the type of a vector; a single lane has the type of its number."""
    return kind if lanes == 1 else f"<{lanes} x {kind}>"


def splat(number: str, lanes: int, kind: str = "double") -> str:
    """Write a constant that is the same in all lanes."""
    return number if lanes == 1 else f"splat ({kind} {number})"


class Function:
    """The text of one function, as it is written. ``lines`` may be added to where there is no method for it."""

    def __init__(self, head: str) -> None:
        self.lines = [f"define {head} {{"]
        self.name = head.split("@")[1].split("(")[0]
        self.declarations: set[str] = set()  # of LLVM's functions that it calls
        self.spare = ""  # the name of what points to memory that calls hand on to each other
        self._names = 0

    def end(self, result: str = "void") -> None:
        """Return, and write no more."""
        self.lines += [f"  ret {result}", "}"]

    def fresh(self) -> str:
        """Return a name that is not used yet."""
        self._names += 1
        return f"%t{self._names}"

    def put(self, text: str) -> str:
        """Write an instruction, and return the name of its result."""
        name = self.fresh()
        self.lines.append(f"  {name} = {text}")
        return name

    def block(self, label: str) -> None:
        """Go on in a new basic block."""
        self.lines += [f"  br label %{label}", f"{label}:"]

    def nth(self, pointer: str, i: int | str, kind: str = "double") -> str:
        """Return the address of an entry of an array."""
        return self.put(f"getelementptr {kind}, ptr {pointer}, i64 {i}")

    def load(self, address: str, kind: str = "double") -> str:
        """Read from memory."""
        return self.put(f"load {kind}, ptr {address}, align 8")

    def store(self, what: str, address: str, kind: str = "double") -> None:
        """Write to memory."""
        self.lines.append(f"  store {kind} {what}, ptr {address}, align 8")

    def spread(self, number: str, lanes: int, kind: str = "double") -> str:
        """Put a number into every lane of a vector."""
        wide = vector(lanes, kind)
        first = self.put(f"insertelement {wide} poison, {kind} {number}, i64 0")
        return self.put(f"shufflevector {wide} {first}, {wide} poison, <{lanes} x i32> zeroinitializer")

    def intrinsic(self, name: str, operands: Sequence[str], lanes: int, flags: str = "") -> str:
        """Write what computes a function of LLVM, ``llvm.sqrt`` say; the text is to be given a name."""
        callee, kind = f"@{name}.{'' if lanes == 1 else f'v{lanes}'}f64", vector(lanes)
        self.declarations.add(f"declare {kind} {callee}({', '.join([kind] * len(operands))})")
        return f"call{flags} {kind} {callee}({', '.join([f'{kind} {x}' for x in operands])})"

    def copy(self, target: str, source: str, size: int) -> None:
        """Copy so many bytes."""
        self.declarations.add("declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")
        self.lines.append(f"  call void @llvm.memcpy.p0.p0.i64(ptr {target}, ptr {source}, i64 {size}, i1 false)")

    def scratch(self, vectors: int, lanes: int = 1) -> None:
        """Get memory for so many vectors, as ``%scratch``.

        Little comes from the stack. Much is allocated once and kept for the next call: a call takes it out of a spare
        place of this function by an atomic exchange, so that two at a time never share it.
        """
        size = 8 * lanes * max(vectors, 1)
        if size <= STACK:
            self.lines.append(f"  %scratch = alloca i8, i64 {size}, align 64")
        else:
            self.spare = f"@spare.{self.name}"
            self.lines.append(f"  %scratch = call ptr @take(ptr {self.spare}, i64 {size + 64})")

    def release(self, vectors: int, lanes: int = 1) -> None:
        """Give it back."""
        if 8 * lanes * vectors > STACK:
            self.lines.append(f"  call void @give(ptr {self.spare}, ptr %scratch)")
