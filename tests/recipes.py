"""Random graphs: lists of steps that can be run on Values, on exact numbers, or on whatever else the oracles take."""

import math
import random
from dataclasses import dataclass

from hypothesis import strategies as st

from autograd import OPERATIONS, Value
from tests.oracles import ORACLES, mpf, slopes

# What brings any number into a domain, as steps of operations before the one that needs it.
INTO = {
    (0.0, math.inf): (("softplus",), ("add", 0.25)),
    (-1.0, 1.0): (("tanh",), ("mul", 0.9)),
    (1.0, math.inf): (("softplus",), ("add", 1.25)),
    (-1.0, math.inf): (("softplus",),),
}
ROUGH = {"floordiv", "mod", "floor", "ceil", "round", "trunc", "sign", "softsign"}  # or in the second derivative
SIZE = 20.0  # larger numbers are brought back, so that nothing overflows and no comparison needs a wide tolerance


@dataclass
class Recipe:
    """A step is a name and operands: an int is a place in the list so far, leaves first, and a float a constant."""

    leaves: list[float]
    steps: list[tuple[str, list[int | float]]]

    def run(self, leaves, call):
        """Do the steps, ``call(name, operands)`` each; return everything that was made, the result last."""
        made = list(leaves)
        for name, operands in self.steps:
            made.append(call(name, [made[x] if type(x) is int else x for x in operands]))
        return made

    def values(self):
        return self.run([Value(x) for x in self.leaves], lambda name, xs: OPERATIONS[name].evaluate(*xs))

    def floats(self):
        return self.run(self.leaves, lambda name, xs: OPERATIONS[name].evaluate(*xs))

    def function(self, *leaves):
        """The result, of numbers of any kind that the operations take."""
        return self.run(leaves, lambda name, xs: OPERATIONS[name].evaluate(*xs))[-1]

    def exact(self, *leaves):
        """The result at 50 digits, by the oracles."""
        return self.run(leaves, lambda name, xs: ORACLES[name].value(*map(mpf, xs)))[-1]


class _Drawn:
    """Choices that hypothesis makes, which then finds the smallest graph that fails."""

    def __init__(self, draw):
        self.draw = draw

    def integer(self, low, high):
        return self.draw(st.integers(low, high))

    def choice(self, items):
        return self.draw(st.sampled_from(items))

    def number(self):
        return self.draw(st.floats(-2.0, 2.0, allow_subnormal=False))

    def permutation(self, items):
        return self.draw(st.permutations(items))


class Dice:
    """Choices by a seed, many times as fast."""

    def __init__(self, seed):
        self._random = random.Random(seed)
        self.integer, self.choice = self._random.randint, self._random.choice

    def number(self):
        return self._random.uniform(-2.0, 2.0)

    def permutation(self, items):
        return self._random.sample(items, len(items))


class _Builder:
    """Adds steps and follows their numbers, so that each next step can be kept in range and off the kinks."""

    def __init__(self, choices, leaves):
        self.choices, self.recipe, self.numbers = choices, Recipe(leaves, []), list(leaves)

    def add(self, name, operands):
        operands = list(operands)
        numbers = [self.numbers[x] if type(x) is int else x for x in operands]
        op, result = OPERATIONS[name], OPERATIONS[name].evaluate(*numbers)
        if not all(abs(slope) < 1e4 for slope in slopes(op, result, numbers)):
            return len(self.numbers) - 1  # at a pole of the derivative: leave the step out
        self.recipe.steps.append((name, operands))
        self.numbers.append(result)
        if abs(result) > SIZE:
            return self.add("asinh", [len(self.numbers) - 1])
        return len(self.numbers) - 1

    def pick(self, constants=True):
        """A place among what there is, the last ones more often; now and then a constant."""
        if constants and self.choices.integer(0, 7) == 0:
            return self.choices.choice([2.0, -0.5, 0.75, 3.0])
        last = len(self.numbers) - 1
        return max(0, last - self.choices.integer(0, last) // (1 + self.choices.integer(0, 1)))

    def into(self, domain, operand):
        for name, *constants in INTO.get(domain, ()):
            operand = self.add(name, [operand, *constants])
        return operand

    def step(self, name):
        op = OPERATIONS[name]
        if name == "polygamma":
            return self.add(name, [float(self.choices.integer(0, 3)), self.into((0.0, math.inf), self.pick(False))])
        if name == "where":
            return self.add(name, [self.choices.choice([0.0, 1.0]), self.pick(), self.pick()])
        if name == "clip":
            return self.add(name, [self.pick(False), -1.75, 2.25])
        count = op.arity or 2 * self.choices.integer(1, 3) + (name == "dot" and self.choices.integer(0, 1))
        operands = [self.pick(op.arity != 1) for _ in range(count)]
        if all(type(x) is float for x in operands):
            operands[0] = self.pick(False)
        if op.arity is not None:
            operands = [
                self.into(low_high, x) if type(x) is int else abs(x)
                for x, low_high in zip(operands, op.domain, strict=True)
            ]
        if name == "div" or name in ("mod", "floordiv"):
            operands[1] = self.into((1.0, math.inf), operands[1])
        if name == "pow":
            operands[0] = self.into((0.0, math.inf), operands[0])
            operands[1] = self.into((-1.0, 1.0), operands[1]) if type(operands[1]) is int else operands[1]
        if name in ("tan", "atan2"):  # away from the poles
            operands[-1] = self.into((-1.0, 1.0) if name == "tan" else (1.0, math.inf), operands[-1])
        return self.add(name, operands)


def near_a_kink(recipe, margin):
    """Whether some step stands so close to a kink that a difference of numbers may cross it."""
    numbers = recipe.floats()
    for name, operands in recipe.steps:
        kinks = OPERATIONS[name].kinks
        xs = [numbers[x] if type(x) is int else x for x in operands]
        if kinks is not None and abs(kinks(*xs)) < margin:
            return True
    return False


def recipe_by(choices, smooth=False, steps=8, among=()):
    """A graph of all operations, ``among`` them these; with ``smooth`` of those that have derivatives everywhere."""
    numbers = [choices.number() for _ in range(choices.integer(2, 4))]
    builder = _Builder(choices, [x if abs(x) > 1e-3 else 0.3 for x in numbers])
    names = [n for n in OPERATIONS if n in ORACLES and not (smooth and (OPERATIONS[n].kinks or n in ROUGH))]
    chosen = [choices.choice(names) for _ in range(choices.integer(2, steps))]
    for name in choices.permutation([*chosen, *among]):
        builder.step(name)
    leaves = list(range(len(builder.recipe.leaves)))
    last = len(builder.numbers) - 1
    builder.add("sum", [last, max(leaves[-1] + 1, last - 2), *leaves])  # so that something reaches every leaf
    return builder.recipe


@st.composite
def recipes(draw, smooth=False, steps=8, among=()):
    """The same as a strategy of hypothesis."""
    return recipe_by(_Drawn(draw), smooth, steps, among)
