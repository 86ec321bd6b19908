"""Two moments of one graph, or two graphs of different shape, in one picture."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

from autograd.diagram.text import clean
from autograd.errors import DiagramError

from .match import Pairs, cluster_matches, matches
from .measure import fill_box, measure
from .picture import Edge, Node, Picture, Row, group_by

LONGEST_FORMER = 36  # of what a value was before
_AUTOMATIC = re.compile("v[₀₁₂₃₄₅₆₇₈₉]+")  # a name that nobody gave


def aligned(pictures: Sequence[Picture]) -> Sequence[Picture]:
    """The moments as pictures of one structure: as they are, or with what came and what went in both of two.

    Raises DiagramError where there are more than two and their structures differ, or where one is folded or drawn in
    another style than the others.
    """
    first, *others = pictures
    for what, kinds in (
        ("some are folded, others are not", {any(node.kind == "group" for node in p.nodes) for p in pictures}),
        ("their styles differ", {p.style for p in pictures}),
    ):
        if len(kinds) > 1:
            raise DiagramError(
                f"These pictures cannot be compared: {what}. Draw them alike, with the same collapse= and style=."
            )
    if all(_shape(first) == _shape(other) for other in others):
        return pictures
    if len(pictures) > 2:
        sizes = ", ".join(f"{len(p.nodes)} nodes and {len(p.edges)} edges" for p in pictures)
        raise DiagramError(
            f"{len(pictures)} moments were given, and their graphs differ in structure ({sizes}). Only two graphs of "
            "different structure can be compared at a time; several moments must be those of the same computation."
        )
    if not all(any(node.kind == "constant" for node in p.nodes) for p in pictures):  # hidden in one of them, maybe
        first, *others = map(_without_constants, pictures)
    return _Union(first, others[0]).moments()


def _without_constants(picture: Picture) -> Picture:
    left = {node.id: node for node in picture.nodes if node.kind != "constant"}
    return replace(picture, nodes=list(left.values()), edges=[edge for edge in picture.edges if edge.source in left])


def differences(pictures: Sequence[Picture]) -> Picture:
    """The last of the aligned moments, with by how much each value and gradient changed since the first.

    The boxes have room for the numbers of all moments.
    """
    first, last = pictures[0], deepcopy(pictures[-1])
    slots = [max(node.slot for node in nodes) for nodes in zip(*(p.nodes for p in pictures), strict=True)]
    for old, node in zip(first.nodes, last.nodes, strict=True):
        node.before = (old.value, old.grad)
    last.title = f"{last.title}: what changed"
    last.asked_direction = last.direction
    measure(last)
    last.notes = [*pictures[-1].notes, "Δ: after minus before"]  # how many nodes there are is noted there already
    for node, slot in zip(last.nodes, slots, strict=True):
        if node.kind != "group":
            fill_box(node, slot)
    return last


def _shape(picture: Picture) -> list[Any]:
    return [(n.id, n.op, n.kind) for n in picture.nodes] + [(e.id, e.position) for e in picture.edges]


class _Union:
    """Two graphs as one: the nodes and edges of the last, and those of the first that are gone."""

    def __init__(self, first: Picture, last: Picture) -> None:
        self.first, self.last = first, last
        self.stay = matches(first, last)
        kept = {new: old for old, new in self.stay.items()}
        taken = {node.id for node in last.nodes} | {cluster.id for cluster in last.clusters}
        self.here = _renamed([node.id for node in first.nodes], self.stay, taken)
        clusters = cluster_matches(first, last)
        self.frames = _renamed([cluster.id for cluster in first.clusters], clusters, taken | set(self.here.values()))
        self.new = {node.id: node for node in last.nodes}
        self._names = {  # v₁ of the first is another than v₁ of the last
            node.name: self.new[self.stay[node.id]].name if node.id in self.stay else f"{node.name}′"
            for node in first.nodes
            if _AUTOMATIC.fullmatch(node.name) and not node.named
        }
        self.old = {self.here[node.id]: self._moved(node) for node in first.nodes}
        self.former = {key: self.old[key] for key in kept}
        self.clusters = last.clusters + [
            replace(c, id=self.frames[c.id], parent=self.frames[c.parent] if c.parent else None)
            for c in first.clusters
            if c.id not in clusters
        ]
        self.edges = self._edges()

    def _moved(self, node: Node) -> Node:
        cluster = self.frames[node.cluster] if node.cluster is not None else None
        moved = replace(node, id=self.here[node.id], cluster=cluster)
        for text in ("name", "expression", "tooltip"):
            setattr(moved, text, self._renamed(getattr(moved, text)))
        return moved

    def _renamed(self, text: str) -> str:
        """A text of the first picture with the names of this one."""
        return _AUTOMATIC.sub(lambda name: self._names.get(name[0], name[0]), text)

    def moments(self) -> list[Picture]:
        """Both moments, each with all the nodes, in one order."""
        order = self._order()
        gone, came = (sum(self._is_value(key) for key in order if key not in side) for side in (self.new, self.old))
        stay = sum(self._is_value(key) for key in self.former)
        note = f"values: {came} new, {gone} gone, {stay} stay; matched by name, then by operation and operands"
        old, new = zip(*self.edges, strict=True)
        first = replace(self.first, nodes=[self._before(key) for key in order], edges=list(old))
        first.outputs, first.derivations = [self.here[key] for key in self.first.outputs], {}
        last = replace(self.last, nodes=[self._after(key) for key in order], edges=list(new))
        first.clusters = last.clusters = self.clusters
        last.notes = [*self.last.notes, note]
        return [first, last]

    def _is_value(self, key: str) -> bool:
        return (self.new.get(key) or self.old[key]).kind != "constant"

    def _order(self) -> list[str]:
        """Operands before users; apart from that as they were in the last, what is gone behind what it followed."""
        ranks = {node.id: (i, 0) for i, node in enumerate(self.last.nodes)}
        at = -1
        for i, node in enumerate(self.first.nodes):
            key = self.here[node.id]
            at = ranks[key][0] if key in self.new else at
            ranks.setdefault(key, (at, i + 1))
        return _in_order_of(ranks, [edge for _, edge in self.edges if not edge.bundled])

    def _before(self, key: str) -> Node:
        """A node as it was; a new one has no numbers yet."""
        if key in self.old:
            return self.old[key] if key in self.former else _marked(self.old[key], "gone")
        return replace(_marked(self.new[key], "new"), value=None, grad=None, flags=[], outside=None, outside_edges=0)

    def _after(self, key: str) -> Node:
        if key not in self.new:
            return replace(_marked(self.old[key], "gone"), outside=None, outside_edges=0)
        if key not in self.old:
            return _marked(self.new[key], "new")
        old, new = self.old[key], self.new[key]
        same = old.name == new.name if new.kind in ("constant", "group") else old.op == new.op
        if same:
            return replace(new)
        rows = [*new.rows, Row("", f"was {_former(old)}", "plain")] if new.kind == "group" else new.rows
        return replace(new, was=_former(old), rows=rows)

    def _edges(self) -> list[tuple[Edge, Edge]]:
        """Each edge as it was and as it is: two edges between the same values are the same."""
        waiting = group_by(self.first.edges, lambda edge: (self.here[edge.source], self.here[edge.target]))
        pairs: list[tuple[Edge, Edge]] = []
        for edge in self.last.edges:
            alike = waiting[edge.source, edge.target]
            old = alike.pop(0) if alike else None
            if old is None:
                came = replace(edge, change="new", tooltip=f"new: {edge.tooltip}")
                pairs.append((_without_flow(came), came))
            else:
                same = replace(old, id=edge.id, source=edge.source, target=edge.target, position=edge.position)
                pairs.append((same, replace(edge)))
        taken = {edge.id for edge in self.last.edges}
        left = [edge for edges in waiting.values() for edge in edges]
        ids = _renamed([edge.id for edge in left], {}, taken)
        for edge in left:
            source, target = self.here[edge.source], self.here[edge.target]
            went = replace(edge, id=ids[edge.id], source=source, target=target, change="gone")
            went.symbol, went.rule = self._renamed(edge.symbol), self._renamed(edge.rule)
            went.tooltip = f"gone: {self._renamed(edge.tooltip)}"
            pairs.append((went, _without_flow(went)))
        return pairs


def _renamed(ids: Iterable[str], known: Pairs, taken: Iterable[str]) -> Pairs:
    """The ids that are `known`, and for each other one a new one that is not taken."""
    used, names = set(taken), dict(known)
    for key in ids:
        if key not in names:
            name = f"g{key}"
            while name in used:
                name = f"g{name}"
            names[key] = name
            used.add(name)
    return names


def _marked(node: Node, change: str) -> Node:
    marked = replace(node, change=change, tooltip=f"{change}: {node.tooltip}")
    if node.kind == "group":
        marked.rows = [*node.rows, Row("", change, "plain")]
    return marked


def _former(node: Node) -> str:
    """What a value was before."""
    named = node.kind in ("constant", "group")
    return clean(node.name if named else node.expression or f"a {node.kind}", LONGEST_FORMER)


def _without_flow(edge: Edge) -> Edge:
    """An edge at the moment at which it is not there."""
    return replace(edge, partial=None, flow=None, bundled=False, label="")


def _in_order_of(ranks: Mapping[str, Any], edges: Sequence[Edge]) -> list[str]:
    """The keys, sources before targets, and those of lower rank first where there is a choice."""
    outgoing, waiting = group_by(edges, lambda edge: edge.source), dict.fromkeys(ranks, 0)
    for edge in edges:
        waiting[edge.target] += 1
    ready = [(ranks[key], key) for key, count in waiting.items() if not count]
    heapq.heapify(ready)
    order = []
    while ready:
        _, key = heapq.heappop(ready)
        order.append(key)
        for edge in outgoing[key]:
            waiting[edge.target] -= 1
            if not waiting[edge.target]:
                heapq.heappush(ready, (ranks[edge.target], edge.target))
    return order
