"""Graphs that several test files draw."""

from __future__ import annotations

from collections.abc import Callable

from autograd import Value, dot


def named(name: str, v: Value) -> Value:
    v.name = name
    return v


def product() -> Value:
    w, x = Value(2.0, name="w"), Value(-3.0, name="x")
    return named("a", w * x)


def shared() -> Value:
    """Parallel edges, and a value that two paths lead to."""
    a = Value(3.0, name="a")
    b = named("b", a + a)
    return named("y", b * b + a)


def dead() -> Value:
    w, x, b = Value(-0.7, name="w"), Value(0.5, name="x"), Value(0.1, name="b")
    x.requires_grad = False
    z = named("z", w * x + b)
    h = named("h", z.relu())
    return named("loss", (h - 1.0) ** 2 + z * 0.0)


def neuron() -> Value:
    ws = [Value(0.1 * i, name=f"w{i}") for i in range(1, 5)]
    return named("out", dot(ws, [1.0, -2.0, 3.0, -4.0], Value(0.5, name="bias")).tanh())


def network() -> Value:
    """The 2-2-2 network of the worked example, written out."""
    w = {key: Value(x, name=key) for key, x in WEIGHTS.items()}
    x = [Value(0.05, name="x1"), Value(0.1, name="x2")]
    for leaf in (*x, w["b1"], w["b2"]):
        leaf.requires_grad = False
    h = [
        named("out_h1", named("net_h1", dot([w["w11_1"], w["w21_1"]], x, w["b1"])).sigmoid()),
        named("out_h2", named("net_h2", dot([w["w12_1"], w["w22_1"]], x, w["b1"])).sigmoid()),
    ]
    o = [
        named("out_o1", named("net_o1", dot([w["w11_2"], w["w21_2"]], h, w["b2"])).sigmoid()),
        named("out_o2", named("net_o2", dot([w["w12_2"], w["w22_2"]], h, w["b2"])).sigmoid()),
    ]
    parts = [
        named("E_o1", 0.5 * (0.01 - o[0]).square()),
        named("E_o2", 0.5 * (0.99 - o[1]).square()),
    ]
    return named("E", parts[0] + parts[1])


WEIGHTS = {
    "w11_1": 0.15, "w21_1": 0.2, "w12_1": 0.25, "w22_1": 0.3, "b1": 0.35,
    "w11_2": 0.4, "w21_2": 0.45, "w12_2": 0.5, "w22_2": 0.55, "b2": 0.6,
}  # fmt: skip

GOLDEN: dict[str, Callable[[], Value]] = {
    "product": product, "shared": shared, "dead": dead, "neuron": neuron, "network": network,
}  # fmt: skip


def chain(length: int) -> Value:
    x = Value(0.5, name="x")
    y = x
    for _ in range(length):
        y = y * 1.01 + 0.001
    return y


def tangle(values: int) -> Value:
    """A graph in which nothing repeats."""
    import random

    draws = random.Random(5)
    made = [Value(draws.uniform(-1, 1), name=f"x{i}") for i in range(6)]
    while len(made) < values:
        a, b = made[-1], draws.choice(made)
        made.append(draws.choice([lambda a=a, b=b: a * b, lambda a=a, b=b: a + b, lambda a=a, b=b: (a - b).tanh()])())
    return made[-1]


def wide(values: int) -> Value:
    """A two-layer net on several samples, with about this many values."""
    import random

    random.seed(7)
    w1 = [[Value(random.uniform(-1, 1)) for _ in range(2)] for _ in range(8)]
    w2 = [Value(random.uniform(-1, 1)) for _ in range(8)]
    losses: list[Value] = []
    while 24 + len(losses) * 19 < values:
        x = [random.uniform(-1, 1), random.uniform(-1, 1)]
        hidden = [dot(w, x).tanh() for w in w1]
        losses.append((dot(w2, hidden) - 1.0) ** 2)
    total = losses[0]
    for part in losses[1:]:
        total = total + part
    return total
