"""A function → a program: it runs once, on numbers that write down what is done with them.

``traced.py``    the numbers, whose operators and methods ask for instructions
``recorder.py``  the trace: what is written down, in the thread of the function and until it has returned
``listing.py``   a program as a plain list, for pages and WebAssembly
``captured.py``  what the function uses from outside: declared parameters, and Values that must not be there
"""
