"""A program → the text of a module in LLVM's language.

``function.py``      the text of one function, and how LLVM writes numbers and types
``vector_math.py``   exp, tanh and logarithms for ``fastmath``
``module.py``        all functions, and those that they turn out to call
``instructions.py``  a program's instructions, one after the other
``slots.py``         a long program: where values lie between its parts
``parts.py``         a long program as many functions
``single.py``        the functions of a program for one sample
``lanes.py``         the functions for a batch: a loop with several samples side by side
"""
