"""The compiler behind ``autograd.jit``: trace → program → LLVM → machine code.

The package's name begins with an underscore so that ``autograd.jit`` is the function: a package of that name would
take its place as soon as it is imported.
"""

from .api import Jitted, jit
from .program.program import Cost, Instruction, Program

__all__ = ["Cost", "Instruction", "Jitted", "Program", "jit"]
