"""Neurons in the order of their indices, and layers one beside the other: what an engine does not see to by itself."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable

from .layered import Box, Group, Layout, Link

MOST = 4000  # boxes and links; beyond it a second layout takes too long


def in_order(
    run: Callable[[list[Box], list[Link], list[Group]], Layout], boxes: list[Box], links: list[Link],
    groups: list[Group], direction: str,
) -> Layout:  # fmt: skip
    """What `run` lays out, with the neurons of a layer by index: the first on top, or on the left.

    An engine orders the boxes of a column to save crossings. Where every neuron is joined to every one of the next
    layer no order is better than another, and what comes out is 2, 3, 0, 1. Such neurons can trade places: the graph
    is given to the engine again with their names exchanged, so that it draws the very same picture.
    """
    placed = run(boxes, links, groups)
    if len(boxes) + len(links) > MOST:
        return placed
    trade = _trades(boxes, links, groups, placed, direction)
    traded = _exchange(trade, boxes, links, groups) if trade else None
    if traded is None:
        return placed
    again = run(*traded)
    left = _trades(boxes, links, groups, again, direction)
    return again if len(left) < len(trade) else placed


def _trades(boxes: list[Box], links: list[Link], groups: list[Group], placed: Layout, direction: str) -> dict[str, str]:
    """Which box or group should stand where which one stands: empty where all are in order."""
    along, across = (0, 1) if direction == "LR" else (1, 0)
    users: dict[str, list[str]] = defaultdict(list)
    targets = set()
    for link in links:
        users[link.source].append(link.target)
        targets.add(link.target)
    inside: dict[str | None, list[Box]] = defaultdict(list)
    for box in boxes:
        inside[box.cluster].append(box)

    def stand(box: Box) -> float:
        return placed.nodes[box.id][across]

    def standing(members: list[Box]) -> list[Box]:
        """The members, where leaves of one user take each other's places: first in this list, first in the picture."""
        alike: dict[tuple[str, ...], list[Box]] = defaultdict(list)
        for box in members:
            if box.id not in targets:
                alike[tuple(users[box.id])].append(box)
        places = {key: iter(sorted(leaves, key=stand)) for key, leaves in alike.items()}
        return [box if box.id in targets else next(places[tuple(users[box.id])]) for box in members]

    found: dict[str, str] = {}
    order = {box.id: i for i, box in enumerate(sorted(boxes, key=_made))}
    # a unit is a neuron: a frame with no frame in it, or a folded box; its members in the order they were made
    units: dict[str | None, list[tuple[str, list[Box]]]] = defaultdict(list)
    for members in inside.values():
        members.sort(key=lambda box: order[box.id])
    for group in groups:
        if inside[group.id] and not inside[group.id][0].folded:
            units[group.parent].append((group.id, inside[group.id]))
    for box in boxes:
        if box.folded:
            units[box.cluster].append((box.id, [box]))
    for members in inside.values():
        found |= {a.id: b.id for a, b in zip(standing(members), members, strict=True) if a is not b}
    for row in units.values():
        spans = [
            (
                min(placed.nodes[box.id][along] - (box.width, box.height)[along] / 2 for box in members),
                max(placed.nodes[box.id][along] + (box.width, box.height)[along] / 2 for box in members),
            )
            for _, members in row
        ]
        if max(start for start, _ in spans) >= min(end for _, end in spans):
            continue  # one comes after the other: they are no layer
        if len({len(members) for _, members in row}) > 1:
            continue
        wanted = sorted(row, key=lambda unit: (len(unit[0]), unit[0]))  # m2 before m10
        stands = sorted(row, key=lambda unit: sum(map(stand, unit[1])) / len(unit[1]))
        for (old, those), (new, these) in zip(stands, wanted, strict=True):
            if old != new:
                found[old] = new
                found |= {a.id: b.id for a, b in zip(standing(those), these, strict=True)}
    return found


def _made(box: Box) -> tuple[int, int, str]:
    """The order in which values were made, n2 before n10, and the constants of a value, n2c0, after all others."""
    first, _, constant = box.id[1:].partition("c")
    return (int(first) if first.isdecimal() else 0) + 10**9 * bool(constant), int(constant or 0), box.id


def _exchange(
    trade: dict[str, str], boxes: list[Box], links: list[Link], groups: list[Group]
) -> tuple[list[Box], list[Link], list[Group]] | None:
    """The same graph told in another order, or None where the traded boxes are not joined alike."""
    pool: dict[tuple[str, str], list[Link]] = defaultdict(list)
    for link in links:
        pool[link.source, link.target].append(link)
    ends = [(trade.get(link.source, link.source), trade.get(link.target, link.target)) for link in links]
    if Counter(ends) != Counter({key: len(found) for key, found in pool.items()}):
        return None
    box_of, group_of = {box.id: box for box in boxes}, {group.id: group for group in groups}
    return (
        [box_of[trade.get(box.id, box.id)] for box in boxes],
        [pool[key].pop(0) for key in ends],
        [group_of[trade.get(group.id, group.id)] for group in groups],
    )


def between(boxes: list[Box], links: list[Link], groups: list[Group]) -> list[tuple[str, str]]:
    """Pairs of ids that put each outermost group behind those it depends on, through a point of its own (`g0`, …).

    The parameters of a second layer depend on nothing, so an engine would set them beside the first layer's values,
    and the two frames above each other. Empty where groups depend on each other, as when a layer is used twice.
    """
    parent = {group.id: group.parent for group in groups}
    home: dict[str, str] = {}
    for box in boxes:
        key = box.cluster
        while key is not None:
            home[box.id] = key
            key = parent[key]
    before: dict[str, dict[str, None]] = defaultdict(dict)
    targets = set()
    for link in links:
        targets.add(link.target)
        there = home.get(link.target)
        if there is not None and home.get(link.source, there) != there:
            before[there][link.source] = None
    pairs = []
    for i, (key, sources) in enumerate(before.items()):
        # one leaf of each neuron, since the others stand beside it
        leaves = {box.cluster: box.id for box in reversed(boxes) if home.get(box.id) == key and box.id not in targets}
        if leaves:
            pairs += [(source, f"g{i}") for source in sources] + [(f"g{i}", leaf) for leaf in leaves.values()]
    return pairs if _acyclic([(link.source, link.target) for link in links] + pairs) else []


def _acyclic(pairs: list[tuple[str, str]]) -> bool:
    waiting = Counter(target for _, target in pairs)
    users: dict[str, list[str]] = defaultdict(list)
    for source, target in pairs:
        users[source].append(target)
    ready = [source for source in users if not waiting[source]]
    while ready:
        for user in users.pop(ready.pop(), ()):
            waiting[user] -= 1
            if not waiting[user]:
                ready.append(user)
    return not any(waiting.values())
