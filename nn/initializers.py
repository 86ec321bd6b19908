"""How weights begin: a number per weight, from the width of the layer and an explicit source of randomness.

Each initialiser is ``f(fan_in, fan_out, rng) -> float``. Sources: Glorot and Bengio, *Understanding the difficulty of
training deep feedforward neural networks*, 2010 (xavier); He et al., *Delving deep into rectifiers*, 2015 (he); LeCun
et al., *Efficient BackProp*, 1998 (lecun); ``torch`` is the rule of ``torch.nn.Linear``, ``micrograd`` that of
micrograd.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

from .checks import look_up

Initializer = Callable[[int, int, Any], float]


def _uniform(bound: Callable[[int, int], float]) -> Initializer:
    def initialize(fan_in: int, fan_out: int, rng: Any) -> float:
        limit = bound(max(fan_in, 1), fan_out)
        return float(rng.uniform(-limit, limit))

    return initialize


def _normal(deviation: Callable[[int, int], float]) -> Initializer:
    def initialize(fan_in: int, fan_out: int, rng: Any) -> float:
        # random.Random calls it gauss; a numpy Generator has only normal
        draw = rng.gauss if hasattr(rng, "gauss") else rng.normal
        return float(draw(0.0, deviation(max(fan_in, 1), fan_out)))

    return initialize


#: Initial weights by name, for `init=`: a function of the numbers of inputs and outputs, and of a random generator.
INITIALIZERS: dict[str, Initializer] = {
    "xavier_uniform": _uniform(lambda i, o: math.sqrt(6.0 / (i + o))),
    "xavier_normal": _normal(lambda i, o: math.sqrt(2.0 / (i + o))),
    "he_uniform": _uniform(lambda i, o: math.sqrt(6.0 / i)),
    "he_normal": _normal(lambda i, o: math.sqrt(2.0 / i)),
    "lecun_uniform": _uniform(lambda i, o: math.sqrt(3.0 / i)),
    "lecun_normal": _normal(lambda i, o: math.sqrt(1.0 / i)),
    "torch": _uniform(lambda i, o: math.sqrt(1.0 / i)),
    "micrograd": _uniform(lambda i, o: 1.0),
    "normal": _normal(lambda i, o: 1.0),
    "zeros": lambda i, o, rng: 0.0,
    "ones": lambda i, o, rng: 1.0,
}


def initializer(init: str | Initializer) -> Initializer:
    """Return the initialiser of that name, or the function itself.

    Raises ValueError for an unknown name, and names the known ones.

    >>> initializer("ones")(2, 1, None)
    1.0
    """
    return init if callable(init) else look_up("initialiser", init, INITIALIZERS)


def source(rng: Any = None, seed: int | str | None = None) -> Any:
    """Return ``rng``, or a new ``random.Random(seed)``; the global random state is never touched.

    Raises ValueError when both are given, TypeError when ``rng`` draws no uniform numbers.
    """
    if rng is None:
        return random.Random(seed)
    if seed is not None:
        raise ValueError("give rng or seed, not both")
    if not hasattr(rng, "uniform"):
        kind = type(rng).__name__
        raise TypeError(f"rng is a random.Random or a numpy Generator, and {kind} was given; an int goes to seed=")
    return rng
