"""A program: straight-line code, what is done to it before it is compiled, and the interpreter that says what it means.

``conditions.py``  the instructions that are no operation: comparisons and logic
``program.py``     instructions over numbered values; running, counting, printing and drawing them
``simplify.py``    while it is written: nothing twice, and the simplest with the same bits
``batch.py``       for a batch: what all samples share | what each needs
``pack.py``        for a long one: like instructions side by side
"""
