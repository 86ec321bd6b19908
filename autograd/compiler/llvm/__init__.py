"""A program → the text of a module in LLVM's language.

``syntax.py``        how LLVM writes numbers and types
``module.py``        functions, and what they turn out to call
``vector_math.py``   exp, tanh and logarithms for ``fastmath``
``instructions.py``  one instruction after the other
``slots.py``, ``parts.py``  long programs as many functions, and where values lie between them
``single.py``        the functions of a program for one sample
``lanes.py``         the functions for a batch: a loop with several samples side by side
"""
