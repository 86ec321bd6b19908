"""Random graphs held to mpmath, for as long as one likes: the checks of `test_graphs.py`, on graphs drawn by a seed.

    make fuzz                                   a minute, by a seed that is printed
    make fuzz ARGS="--seconds 3600 --seed 7"    an hour, the graphs of that seed
    make fuzz ARGS="--only 7:1234"              the one graph that a failure named

Of each graph: the value of every node, the gradient, the gradient of the gradient, and the slope along a line in
forward mode. Of one in a hundred also that machine code has the same bits, where the extra `jit` is there. Exits with 1
at the first wrong number, and shows the graph.
"""

import argparse
import itertools
import random
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from autograd import Value, engine, grad, gradients, jvp, topological_order
from tests import checks
from tests.oracles import BOUNDS, COMMON, ORACLES, M, error_in_ulps, mpf
from tests.recipes import Dice, recipe_by


def values_are_right(recipe):
    """Each node for its own operands, to the last bits; returns how many were compared."""
    compared = 0
    for node in recipe.values()[len(recipe.leaves) :]:
        if not isinstance(node, Value):
            continue  # a step of constants alone
        xs = [mpf(x.data if isinstance(x, Value) else x) for x in node.operands]
        bound = BOUNDS.get(node.op.name, COMMON)
        try:
            want = ORACLES[node.op.name].value(*xs)
        except (ZeroDivisionError, ValueError):
            continue
        compared += 1
        assert error_in_ulps(node.data, want, bound, xs) <= bound.ulps, (
            f"{node.op.name}({', '.join(M.nstr(x, 20) for x in xs)}) is {node.data!r}, not {M.nstr(want, 20)}"
        )
    return compared


def gradient_is_right(recipe):
    """`backward` against dual numbers of 50 digits; returns the names of the operations in the graph."""
    leaves, output = ends(recipe)
    output.backward()
    for i, leaf in enumerate(leaves):
        want, size = checks.dual_derivative(output, leaf)
        # each step of a path rounds a few times, relative to the sizes of what is added up
        assert abs(leaf.grad - want) <= 1e-14 * size, f"∂/∂leaf {i} is {leaf.grad!r}, not {M.nstr(want, 20)}"
    return {node.op.name for node in topological_order(output) if node.op}


def second_gradient_is_right(recipe):
    """The gradient of each entry of the gradient, as a graph, against dual numbers."""
    leaves, output = ends(recipe)
    for i, first in enumerate(gradients(output, leaves, create_graph=True)):
        for j, (leaf, got) in enumerate(zip(leaves, gradients(first, leaves), strict=True)):
            want, size = checks.dual_derivative(first, leaf)
            assert abs(got - want) <= 1e-13 * (1 + size), f"∂²/∂{i}∂{j} is {got!r}, not {M.nstr(want, 20)}"


def modes_agree(recipe):
    """The slope along a line, by forward mode and from the gradient."""
    direction = [1.0 - 0.25 * i for i in range(len(recipe.leaves))]
    slopes = grad(lambda xs: recipe.function(*xs))(recipe.leaves)
    _, along = jvp(recipe.function, recipe.leaves, direction)
    leaves, output = ends(recipe)
    size = sum(checks.dual_derivative(output, leaf)[1] for leaf in leaves)
    terms = [s * u for s, u in zip(slopes, direction, strict=True)]
    assert abs(along - sum(terms)) <= 1e-13 * size, f"forward mode gives {along!r}, and reverse mode {sum(terms)!r}"


def compiled_has_the_same_bits(recipe):
    from autograd import jit

    gradient = grad(lambda *xs: recipe.function(*xs), tuple(range(len(recipe.leaves))))
    assert repr(jit(gradient)(*recipe.leaves)) == repr(gradient(*recipe.leaves)), "jit gives other bits"


def ends(recipe):
    made = recipe.values()
    return made[: len(recipe.leaves)], made[-1]


CHECKS = [values_are_right, gradient_is_right, second_gradient_is_right, modes_agree]


def graph(seed, number):
    """The graph of that number of a seed: each has its own dice, so that it can be made without those before it."""
    choices = Dice(f"{seed}:{number}")
    return recipe_by(choices, steps=choices.integer(2, 12))


def fuzz(seed, numbers, until=None, compiled=0):
    """Check these graphs of a seed, to the time that is given; returns how many, and which operations were met.

    Raises AssertionError for a wrong number, with the graph, and how to make it again.
    """
    met, count = set(), 0
    for number in numbers:
        if until is not None and time.monotonic() > until:
            break
        recipe = graph(seed, number)
        try:
            for check in CHECKS:
                check(recipe)
            if compiled and number % compiled == 0:
                compiled_has_the_same_bits(recipe)
        except checks.UndefinedError:
            continue  # hypot(0, 0), say
        except Exception as error:
            raise AssertionError(f'{error}\nin {recipe}\nagain: make fuzz ARGS="--only {seed}:{number}"') from error
        met.update(name for name, _ in recipe.steps)
        count += 1
    return count, met


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="default: %(default)s")
    parser.add_argument("--seed", type=int, help="what the graphs are drawn by")
    parser.add_argument("--only", metavar="SEED:NUMBER", help="one graph")
    options = parser.parse_args()
    seed = random.randrange(10**6) if options.seed is None else options.seed
    numbers = itertools.count()
    if options.only:
        seed, number = map(int, options.only.split(":"))
        numbers = [number]
        print(graph(seed, number))
    try:
        import llvmlite  # noqa: F401

        compiled = 100
    except ImportError:
        compiled = 0
    print(f"seed {seed}, engine {engine}", flush=True)
    try:
        count, met = fuzz(seed, numbers, time.monotonic() + options.seconds, compiled)
    except AssertionError as error:
        print(error)
        return 1
    print(f"{count:,} graphs of {len(met)} operations, all right")
    return 0


if __name__ == "__main__":
    sys.exit(main())
