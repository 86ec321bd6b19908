"""How LLVM writes numbers, types and functions of its own."""

from __future__ import annotations

import struct


def literal(x: float) -> str:
    """Write a double so that LLVM reads every bit of it."""
    return f"0x{struct.unpack('<Q', struct.pack('<d', x))[0]:016X}"


def vector(lanes: int, kind: str = "double") -> str:
    """Write the type of a vector; a single lane has the type of its number."""
    return kind if lanes == 1 else f"<{lanes} x {kind}>"


def splat(number: str, lanes: int, kind: str = "double") -> str:
    """Write a constant that is the same in all lanes."""
    return number if lanes == 1 else f"splat ({kind} {number})"


def intrinsic(name: str, lanes: int, arity: int = 1) -> tuple[str, str]:
    """Return what to call for a function of LLVM, ``llvm.sqrt`` say, and how it is declared."""
    callee = f"@{name}.{'' if lanes == 1 else f'v{lanes}'}f64"
    kind = vector(lanes)
    return callee, f"declare {kind} {callee}({', '.join([kind] * arity)})"
