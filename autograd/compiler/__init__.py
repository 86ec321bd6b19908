"""The compiler behind ``autograd.jit``.

What a call passes through, stage by stage:

``structure.py``    arguments → their structure, which chooses the program, and their numbers in a row
``trace/``          the function, run once on numbers that write down what is done with them → a program
``program/``        straight-line code: simplified while it is written, its loops found, cut into shared | per sample
``llvm/``           a program → the text of a module
``webassembly.py``  a program → bytes that a browser runs
``call/``           the text → machine code; numbers and Python objects into it and out of it; threads

``api.py`` has ``jit`` and the function that it returns, which go through them. ``docs/architecture.md`` has each file.
"""

from .api import Jitted, jit
from .program.instructions import Instruction
from .program.program import Cost, Program

__all__ = ["Cost", "Instruction", "Jitted", "Program", "jit"]
