"""Two moments of one graph in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from autograd.errors import DiagramError

from .measure import fill_box, measure
from .picture import Picture


def changes(pictures: Sequence[Picture]) -> Picture:
    """The last of the moments, with by how much each value and gradient changed since the first.

    The boxes have room for the numbers of all moments. Raises DiagramError where the structures differ.
    """
    first, last = pictures[0], deepcopy(pictures[-1])
    for other in pictures[1:]:
        _check_same(first, other)
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


def _check_same(first: Picture, other: Picture) -> None:
    def shape(picture: Picture) -> list[Any]:
        return [(n.id, n.op, n.kind) for n in picture.nodes] + [(e.id, e.position) for e in picture.edges]

    if shape(first) != shape(other):
        raise DiagramError(
            f"These graphs differ in structure ({len(first.nodes)} nodes and {len(first.edges)} edges, "
            f"{len(other.nodes)} and {len(other.edges)}), so they cannot share a layout. Compare two moments of the "
            "same computation, drawn with the same arguments."
        )
