"""Neurons in the order of their indices, and layers one beside the other: an engine does neither by itself."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable

from autograd.diagram.picture.picture import group_by, in_order, nesting

from .boxes import Box, Group, Layout, Link

TWICE_UP_TO = 4000  # boxes and links; beyond it a second layout takes too long

Run = Callable[[list[Box], list[Link], list[Group]], Layout]


def by_index(run: Run, boxes: list[Box], links: list[Link], groups: list[Group], direction: str) -> Layout:
    """What `run` lays out, with the neurons of a layer by index: the first on top, or on the left.

    An engine orders the boxes of a column to save crossings. Where every neuron is joined to every one of the next
    layer no order is better than another, and what comes out is 2, 3, 0, 1. Such neurons can trade places: the graph
    is given to the engine again with their names exchanged, so that it draws the very same picture.
    """
    layout = run(boxes, links, groups)
    if len(boxes) + len(links) > TWICE_UP_TO:
        return layout
    trades = _Trades(boxes, links, groups, direction)
    trade = trades.of(layout)
    exchanged = _exchange(trade, boxes, links, groups) if trade else None
    if exchanged is None:
        return layout
    again = run(*exchanged)
    return again if len(trades.of(again)) < len(trade) else layout


class _Trades:
    """Which boxes and groups of a layout should trade places."""

    def __init__(self, boxes: list[Box], links: list[Link], groups: list[Group], direction: str) -> None:
        self.along, self.across = (0, 1) if direction == "LR" else (1, 0)
        self.targets = {link.target for link in links}
        self.outgoing = group_by(links, lambda link: link.source)
        self.inside = group_by(sorted(boxes, key=_age), lambda box: box.cluster)
        # a unit is a neuron: a frame with no frame in it, or a folded box; by the layer that it stands in
        self.units: dict[str | None, list[tuple[str, list[Box]]]] = defaultdict(list)
        for group in groups:
            members = self.inside[group.id]
            if members and not any(box.folded for box in members):
                self.units[group.parent].append((group.id, members))
        for box in boxes:
            if box.folded:
                self.units[box.cluster].append((box.id, [box]))

    def of(self, layout: Layout) -> dict[str, str]:
        """The id of the box or group that should stand where one stands; empty where all are in order."""
        trades: dict[str, str] = {}
        for members in self.inside.values():
            trades |= _pairs(self._standing(members, layout), members)
        for units in self.units.values():
            if not self._is_layer(units, layout):
                continue
            wanted = sorted(units, key=lambda unit: (len(unit[0]), unit[0]))  # m2 before m10
            stands = sorted(units, key=lambda unit: self._middle(unit[1], layout))
            for (old, those), (new, these) in zip(stands, wanted, strict=True):
                if old != new:
                    trades[old] = new
                    trades |= _pairs(self._standing(those, layout), these)
        return trades

    def _middle(self, members: list[Box], layout: Layout) -> float:
        return sum(layout.nodes[box.id][self.across] for box in members) / len(members)

    def _standing(self, members: list[Box], layout: Layout) -> list[Box]:
        """The members, where leaves of one user take each other's places: first in this list, first in the picture."""

        def users(box: Box) -> tuple[str, ...]:
            return tuple(link.target for link in self.outgoing[box.id])

        leaves = [box for box in members if box.id not in self.targets]
        leaves.sort(key=lambda box: layout.nodes[box.id][self.across])
        places = {key: iter(alike) for key, alike in group_by(leaves, users).items()}
        return [box if box.id in self.targets else next(places[users(box)]) for box in members]

    def _is_layer(self, units: list[tuple[str, list[Box]]], layout: Layout) -> bool:
        """Whether the units are alike and stand in one column, and not one after the other."""
        if len({len(members) for _, members in units}) > 1:
            return False
        starts, ends = [], []
        for _, members in units:
            sides = [(layout.nodes[b.id][self.along], (b.width, b.height)[self.along] / 2) for b in members]
            starts.append(min(middle - half for middle, half in sides))
            ends.append(max(middle + half for middle, half in sides))
        return max(starts) < min(ends)


def _pairs(standing: list[Box], wanted: list[Box]) -> dict[str, str]:
    return {old.id: new.id for old, new in zip(standing, wanted, strict=True) if old is not new}


def _age(box: Box) -> tuple[int, int, str]:
    """The order in which values were made, n2 before n10, and the constants of a value, n2c0, after all others."""
    first, _, constant = box.id[1:].partition("c")
    return (int(first) if first.isdecimal() else 0) + 10**9 * bool(constant), int(constant or 0), box.id


def _exchange(
    trade: dict[str, str], boxes: list[Box], links: list[Link], groups: list[Group]
) -> tuple[list[Box], list[Link], list[Group]] | None:
    """The same graph in another order, or None where the traded boxes are not joined alike."""
    pool = group_by(links, lambda link: (link.source, link.target))
    ends = [(trade.get(link.source, link.source), trade.get(link.target, link.target)) for link in links]
    if Counter(ends) != Counter({key: len(parallel) for key, parallel in pool.items()}):
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
    chains = nesting(groups)
    home = {box.id: chains[box.cluster][-1] for box in boxes if box.cluster is not None}
    targets = {link.target for link in links}
    leaves: dict[str, dict[str | None, str]] = defaultdict(dict)
    for box in reversed(boxes):  # one leaf of each neuron, since the others stand beside it
        if box.id in home and box.id not in targets:
            leaves[home[box.id]][box.cluster] = box.id
    coming = [link for link in links if link.target in home and home.get(link.source) not in (None, home[link.target])]
    pairs: list[tuple[str, str]] = []
    for i, (group, arriving) in enumerate(group_by(coming, lambda link: home[link.target]).items()):
        if leaves[group]:
            sources = dict.fromkeys(link.source for link in arriving)
            pairs += [*((source, f"g{i}") for source in sources), *((f"g{i}", leaf) for leaf in leaves[group].values())]
    every = [(link.source, link.target) for link in links] + pairs
    ends = dict.fromkeys(end for pair in every for end in pair)
    return pairs if len(in_order(ends, every)) == len(ends) else []
