"""The text of a module → machine code, and calls of it.

``library.py``   the C functions that machine code calls, and Python's where the C library has none
``machine.py``   text → machine code in memory
``objects.py``   an entry point for Python objects
``threads.py``   a large batch in pieces, over all cores
``compiled.py``  one traced program and its machine code: run once, run again and again
``batched.py``   the same for a batch: element by element, or added up
"""
