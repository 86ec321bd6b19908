"""Neurons in the order of their indices, and layers one beside the other: an engine does neither by itself."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable

from autograd.diagram.picture.picture import group_by, in_order, nesting

from .boxes import Box, Frame, Layout, Link

TWICE_UP_TO = 4000  # boxes and links; beyond it a second layout takes too long

LayOut = Callable[[list[Box], list[Link], list[Frame]], Layout]


def by_index(lay_out: LayOut, boxes: list[Box], links: list[Link], frames: list[Frame], direction: str) -> Layout:
    """What `lay_out` lays out, with the neurons of a layer by index: the first on top, or on the left.

    An engine orders the boxes of a column to save crossings. Where every neuron is joined to every one of the next
    layer no order is better than another, and what comes out is 2, 3, 0, 1. Such neurons can trade places: the graph
    is given to the engine again with their names exchanged, so that it draws the very same picture.
    """
    layout = lay_out(boxes, links, frames)
    if len(boxes) + len(links) > TWICE_UP_TO:
        return layout
    trades = _Trades(boxes, links, frames, direction)
    trade = trades.of(layout)
    exchanged = _exchange(trade, boxes, links, frames) if trade else None
    if exchanged is None:
        return layout
    again = lay_out(*exchanged)
    return again if len(trades.of(again)) < len(trade) else layout


class _Trades:
    """Which boxes and frames of a layout should trade places."""

    def __init__(self, boxes: list[Box], links: list[Link], frames: list[Frame], direction: str) -> None:
        self.along, self.across = (0, 1) if direction == "LR" else (1, 0)
        self.targets = {link.target for link in links}
        self.outgoing = group_by(links, lambda link: link.source)
        self.inside = group_by(sorted(boxes, key=_age), lambda box: box.cluster)
        # a unit is a neuron: a frame with no frame in it, or a folded box; by the layer that it stands in
        self.units: dict[str | None, list[tuple[str, list[Box]]]] = defaultdict(list)
        for frame in frames:
            members = self.inside[frame.id]
            if members and not any(box.folded for box in members):
                self.units[frame.parent].append((frame.id, members))
        for box in boxes:
            if box.folded:
                self.units[box.cluster].append((box.id, [box]))

    def of(self, layout: Layout) -> dict[str, str]:
        """The id of the box or frame that should stand where one stands; empty where all are in order."""
        trades: dict[str, str] = {}
        for members in self.inside.values():
            trades |= _pairs(self._standing(members, layout), members)
        for units in self.units.values():
            if not self._is_layer(units, layout):
                continue
            by_id = sorted(units, key=lambda unit: (len(unit[0]), unit[0]))  # m2 before m10
            by_place = sorted(units, key=lambda unit: self._middle(unit[1], layout))
            for (old, occupants), (new, members) in zip(by_place, by_id, strict=True):
                if old != new:
                    trades[old] = new
                    trades |= _pairs(self._standing(occupants, layout), members)
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


def _pairs(occupants: list[Box], members: list[Box]) -> dict[str, str]:
    return {old.id: new.id for old, new in zip(occupants, members, strict=True) if old is not new}


def _age(box: Box) -> tuple[int, int, str]:
    """The order in which values were made, n2 before n10, and the constants of a value, n2c0, after all others."""
    first, _, constant = box.id[1:].partition("c")
    return (int(first) if first.isdecimal() else 0) + 10**9 * bool(constant), int(constant or 0), box.id


def _exchange(
    trade: dict[str, str], boxes: list[Box], links: list[Link], frames: list[Frame]
) -> tuple[list[Box], list[Link], list[Frame]] | None:
    """The same graph in another order, or None where the traded boxes are not joined alike."""
    pool = group_by(links, lambda link: (link.source, link.target))
    ends = [(trade.get(link.source, link.source), trade.get(link.target, link.target)) for link in links]
    if Counter(ends) != Counter({key: len(parallel) for key, parallel in pool.items()}):
        return None
    box_of, frame_of = {box.id: box for box in boxes}, {frame.id: frame for frame in frames}
    return (
        [box_of[trade.get(box.id, box.id)] for box in boxes],
        [pool[key].pop(0) for key in ends],
        [frame_of[trade.get(frame.id, frame.id)] for frame in frames],
    )


def invisible_edges(boxes: list[Box], links: list[Link], frames: list[Frame]) -> list[tuple[str, str]]:
    """Pairs of ids that put each outermost frame behind those it depends on, through a point of its own (`g0`, …).

    The parameters of a second layer depend on nothing, so an engine would set them beside the first layer's values,
    and the two frames above each other. Empty where frames depend on each other, as when a layer is used twice.
    """
    chains = nesting(frames)
    home = {box.id: chains[box.cluster][-1] for box in boxes if box.cluster is not None}
    targets = {link.target for link in links}
    leaves: dict[str, dict[str | None, str]] = defaultdict(dict)
    for box in reversed(boxes):  # one leaf of each neuron, since the others stand beside it
        if box.id in home and box.id not in targets:
            leaves[home[box.id]][box.cluster] = box.id
    coming = [link for link in links if link.target in home and home.get(link.source) not in (None, home[link.target])]
    pairs: list[tuple[str, str]] = []
    for i, (frame, arriving) in enumerate(group_by(coming, lambda link: home[link.target]).items()):
        if leaves[frame]:
            sources = dict.fromkeys(link.source for link in arriving)
            pairs += [*((source, f"g{i}") for source in sources), *((f"g{i}", leaf) for leaf in leaves[frame].values())]
    every = [(link.source, link.target) for link in links] + pairs
    ends = dict.fromkeys(end for pair in every for end in pair)
    return pairs if len(in_order(ends, every)) == len(ends) else []
