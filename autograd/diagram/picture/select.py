"""Which values are shown: all of them, those near one value, or those on a way between two."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Sequence

from autograd._engine import Value
from autograd.errors import DiagramError
from autograd.graph import topological_order


def select(
    order: list[Value],
    roots: Sequence[Value],
    focus: Value | None = None,
    depth: int | None = None,
    path: tuple[Value, Value] | None = None,
) -> list[Value]:
    """The values of `order` to show, operands before users; the other arguments are those of `draw`."""
    ids = _selected(order, roots, focus, depth, path)
    return [v for v in order if id(v) in ids]


def _selected(
    order: list[Value], roots: Sequence[Value], focus: Value | None, depth: int | None, path: tuple[Value, Value] | None
) -> set[int]:
    everything = {id(v) for v in order}
    if path is not None:
        return _between(order, everything, *path)
    if focus is None and depth is None:
        return everything
    if depth is not None and (type(depth) is not int or depth < 0):
        raise DiagramError(f"depth= is a number of steps, 0 or more; {depth!r} was given.")
    if focus is not None:
        _check_part("focus", focus, everything)
    return _near(order, [focus] if focus is not None else roots, 2 if depth is None else depth)


def _between(order: list[Value], everything: Container[int], start: Value, end: Value) -> set[int]:
    for v in (start, end):
        _check_part("path", v, everything)
    for first, last in ((start, end), (end, start)):
        way = reachable(order, first) & {id(v) for v in topological_order(last)}
        if way:
            return way
    raise DiagramError(f"No path leads from {start!r} to {end!r}: the one does not depend on the other.")


def _check_part(argument: str, v: Value, everything: Container[int]) -> None:
    if id(v) not in everything:
        raise DiagramError(f"{argument}= names {v!r}, which is not part of this graph. Give a value of the graph.")


def _near(order: list[Value], centres: Iterable[Value], steps: int) -> set[int]:
    """Breadth first from the centres, to operands and to users."""
    users: dict[int, list[Value]] = defaultdict(list)
    for v in order:
        for operand in operands(v):
            users[id(operand)].append(v)
    layer = list(centres)
    near = {id(v) for v in layer}
    for _ in range(steps):
        neighbours = [u for v in layer for u in (*operands(v), *users[id(v)])]
        layer = list({id(v): v for v in neighbours if id(v) not in near}.values())
        near |= {id(v) for v in layer}
    return near


def operands(v: Value) -> list[Value]:
    """The operands of a value that are values too, without its constants."""
    return [o for o in v.operands if isinstance(o, Value)]


def reachable(order: Iterable[Value], start: Value) -> set[int]:
    """The ids of `start` and of every value of `order` that depends on it."""
    ids = {id(start)}
    for v in order:
        if any(id(o) in ids for o in operands(v)):
            ids.add(id(v))
    return ids


def reached(order: list[Value], roots: Iterable[Value]) -> set[int]:
    """The ids of the roots, and of all that a gradient flows to: not what is only in a branch that was not taken."""
    ids = {id(root) for root in roots}
    for v in reversed(order):
        if id(v) in ids:
            ids.update([id(o) for o, partial in zip(v.operands, v.partials, strict=True) if partial is not None])
    return ids


def flow_from_hidden_users(order: list[Value], roots: Sequence[Value], shown: Container[int]) -> dict[int, list[float]]:
    """What reaches each value from users that are not shown, by the value's id."""
    adjoints = {id(root): 1.0 for root in roots}
    flows: dict[int, list[float]] = defaultdict(list)
    for v in reversed(order):
        grad = adjoints.get(id(v))
        if grad is None:
            continue
        for operand, partial in zip(v.operands, v.partials, strict=True):
            if partial is None or not isinstance(operand, Value):
                continue
            flow = float(partial) * grad
            adjoints[id(operand)] = adjoints.get(id(operand), 0.0) + flow
            if id(v) not in shown:
                flows[id(operand)].append(flow)
    return flows
