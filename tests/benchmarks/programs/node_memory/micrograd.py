"""What one sum x + y, or product x * y, keeps alive: the node, its number, its operands and its closure."""

import tracemalloc

from micrograd.engine import Value

COUNT = 100_000


def measure():
    x, y = Value(0.1), Value(0.2)
    sums, products = [None] * COUNT, [None] * COUNT
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for i in range(COUNT):
        sums[i] = x + y
    middle, _ = tracemalloc.get_traced_memory()
    for i in range(COUNT):
        products[i] = x * y
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    figures = {"memory": (middle - before) / COUNT, "product memory": (after - middle) / COUNT}
    return figures, [sums[-1].data, products[-1].data]
