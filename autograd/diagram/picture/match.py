"""Which value of one picture is which of another, whose graph has another shape.

First by name: a value keeps its own name, a parameter its path in the model, a folded box its label and those of the
frames round it; of several with one name the first goes with the first. Then the outputs, and the leaves without names,
in their order. Then by structure: what the same operation makes of the same constants and of operands that stay; then
what the same operation makes of the same operands, apart from those that came or went; and at last, from the outputs
back, what stands at the same place of a value that stays, if the same operation made it. Of several that are alike the
first goes with the first.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable

from .picture import Edge, Node, Picture, group_by, in_order, nesting

Pairs = dict[str, str]  # an id of the first picture, and the one that goes with it


def matches(first: Picture, last: Picture) -> Pairs:
    """The node of `last` for each node of `first` that stays, by their ids."""
    found = _Matching(first, last)
    found.pair(_by_name(first), _by_name(last))
    found.pair(_by_place(first.outputs), _by_place(last.outputs))
    found.pair(_as_leaf, _as_leaf)
    found.pair_results()
    found.pair_users()
    found.pair_operands()
    _cut_circles(first, last, found.pairs)
    found.pair_constants()
    return found.pairs


def cluster_matches(first: Picture, last: Picture) -> Pairs:
    """The frame of `last` for each frame of `first` with the same labels, from the outermost to its own."""
    there = {labels: key for key, labels in _labels(last).items()}
    return {key: there[labels] for key, labels in _labels(first).items() if labels in there}


class _Matching:
    """The pairs that were found, and what is still free."""

    def __init__(self, first: Picture, last: Picture) -> None:
        self.first, self.last = first, last
        self.pairs: Pairs = {}
        self.taken: set[str] = set()

    def add(self, old: str, new: str) -> None:
        self.pairs[old] = new
        self.taken.add(new)

    def pair(self, old_key: Callable[[Node], Hashable], new_key: Callable[[Node], Hashable]) -> None:
        """Match the nodes with equal keys, in their order; None is no key."""
        waiting = group_by([node for node in self.last.nodes if node.id not in self.taken], new_key)
        queues = {key: deque(nodes) for key, nodes in waiting.items() if key is not None}
        for node in self.first.nodes:
            if node.id not in self.pairs and (queue := queues.get(old_key(node))):
                self.add(node.id, queue.popleft().id)

    def pair_results(self) -> None:
        """Match what the same operation makes of matched operands and of the same constants."""
        old, new = _Operands(self.first), _Operands(self.last)
        free = [node for node in self.last.nodes if node.id not in self.taken and node.op]
        queues = {key: deque(nodes) for key, nodes in group_by(free, lambda node: new.key(node, None)).items()}
        for node in self.first.nodes:  # operands come before their users
            if node.op and node.id not in self.pairs and (queue := queues.get(old.key(node, self.pairs))):
                self.add(node.id, queue.popleft().id)

    def pair_users(self) -> None:
        """Match what the same operation makes of the same operands, but for those that came or went."""
        old, new = _Operands(self.first), _Operands(self.last)
        users: dict[str, list[Node]] = defaultdict(list)
        for node in self.last.nodes:
            for operand in dict.fromkeys(new.values[node.id]):
                users[operand].append(node)
        for node in self.first.nodes:
            stay = [self.pairs[key] for key in old.values[node.id] if key in self.pairs]
            if not stay or not node.op or node.id in self.pairs:
                continue
            rarest = min(stay, key=lambda key: len(users[key]))
            for user in users[rarest]:
                alike = user.op == node.op and user.id not in self.taken
                if alike and [key for key in new.values[user.id] if key in self.taken] == stay:
                    self.add(node.id, user.id)
                    break

    def pair_operands(self) -> None:
        """Match the operands of matched values that stand at the same place, where the same operation made them."""
        made_by = {node.id: node.op for node in self.last.nodes}
        old, new = self.first.incoming(), self.last.incoming()
        free = {node.id: node.op for node in self.first.nodes if node.op and node.id not in self.pairs}
        for user in reversed(self.first.nodes):  # users come before their operands
            there = {edge.position: edge.source for edge in new[self.pairs.get(user.id, "")]}
            for edge in old[user.id]:
                key = there.get(edge.position, "")
                if key and key not in self.taken and free.get(edge.source) == made_by[key]:
                    self.add(edge.source, key)
                    del free[edge.source]

    def pair_constants(self) -> None:
        """Match the constants at the same places of matched values."""
        there = {(edge.target, edge.position): edge.source for edge in _to_constants(self.last)}
        for edge in _to_constants(self.first):
            new = there.get((self.pairs.get(edge.target, ""), edge.position))
            if new is not None:
                self.add(edge.source, new)


class _Operands:
    """The operands of each node: `values` are the ids of those that are no constants, in their order."""

    def __init__(self, picture: Picture) -> None:
        self._incoming = picture.incoming()
        self._constants = {node.id: node.value for node in picture.nodes if node.kind == "constant"}
        self.values = {
            node.id: [edge.source for edge in self._incoming[node.id] if edge.source not in self._constants]
            for node in picture.nodes
        }

    def key(self, node: Node, pairs: Pairs | None) -> Hashable:
        """What is equal for equal structures; with the ids that `pairs` gives, None where an operand has none."""
        key: list[Hashable] = [node.op]
        for edge in self._incoming[node.id]:
            constant = edge.source in self._constants
            operand = edge.source if pairs is None else pairs.get(edge.source)
            if operand is None and not constant:
                return None
            key.append((edge.position, self._constants[edge.source] if constant else operand))
        return tuple(key)


def _to_constants(picture: Picture) -> list[Edge]:
    constants = {node.id for node in picture.nodes if node.kind == "constant"}
    return [edge for edge in picture.edges if edge.source in constants]


def _labels(picture: Picture) -> dict[str, tuple[str, ...]]:
    """The labels of the frames round each frame and its own, by its id."""
    own = {cluster.id: cluster.label for cluster in picture.clusters}
    return {key: tuple(own[outer] for outer in chain) for key, chain in nesting(picture.clusters).items()}


def _by_name(picture: Picture) -> Callable[[Node], Hashable]:
    labels = _labels(picture)

    def key(node: Node) -> Hashable:
        if node.kind == "group":
            repeated = node.id.startswith("r")  # so many turns, which may be others now
            return ("" if repeated else node.name, *labels.get(node.cluster or "", ()))
        return node.full_name if node.named else None

    return key


def _by_place(outputs: list[str]) -> Callable[[Node], Hashable]:
    places = {key: i for i, key in enumerate(outputs)}
    return lambda node: places.get(node.id)


def _as_leaf(node: Node) -> Hashable:
    return node.kind if not node.op and not node.named and node.kind not in ("constant", "group") else None


def _cut_circles(first: Picture, last: Picture, pairs: Pairs) -> None:
    """Take back the matches by which values would depend on themselves, as where two of them traded their names."""
    keys = [node.id for node in last.nodes] + [f"old {node.id}" for node in first.nodes if node.id not in pairs]

    def ends(edges: Iterable[Edge], there: Pairs) -> list[tuple[str, str]]:
        ids = [(edge.source, edge.target) for edge in edges if not edge.bundled]
        return [(there.get(source, f"old {source}"), there.get(target, f"old {target}")) for source, target in ids]

    edges = ends(last.edges, {node.id: node.id for node in last.nodes}) + ends(first.edges, pairs)
    ordered = set(in_order(keys, edges))
    if len(ordered) < len(keys):
        ordered |= set(in_order(keys, [(target, source) for source, target in edges]))
        for old in [old for old, new in pairs.items() if new not in ordered]:
            del pairs[old]
