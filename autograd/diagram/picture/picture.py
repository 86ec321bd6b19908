"""The picture itself: nodes, edges and clusters, as plain text and numbers.

A `Picture` holds no `Value`. It shows the moment at which it was built, and every format reads the same facts from it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeVar

from autograd.diagram.theme import sign_of

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Flag:
    """A mark on a node: what is wrong in two or three words, and what to do about it."""

    kind: str
    text: str
    advice: str
    late: bool = False  # only the gradients tell it: a player shows it when they have arrived


class Row(NamedTuple):
    """A line of a box: a word, a number or a text, and its kind: "plain", "flag", or the class of a gradient.

    A player shows what is "late" when the gradients have arrived.
    """

    label: str
    text: str
    kind: str


@dataclass(slots=True)
class Node:
    """One value of the graph, or one box that stands for several (`kind` "group")."""

    id: str
    kind: str
    name: str
    expression: str = ""
    numeric: str = ""  # the expression with numbers in place of names
    value: float | None = None
    grad: float | None = None
    flags: list[Flag] = field(default_factory=list)
    tooltip: str = ""
    source: str = ""
    cluster: str | None = None
    rows: list[Row] = field(default_factory=list)
    slot: float = 0.0  # width reserved for the numbers
    width: float = 0.0
    height: float = 0.0
    frozen: bool = False
    op: str = ""
    value_id: int = 0  # the id() of the Value, which `draw` finds it by while the Value is there
    before: tuple[float | None, float | None] | None = None  # value and gradient at another moment
    outside: float | None = None  # the part of its gradient that comes through edges that are not drawn
    outside_edges: int = 0
    path: str = ""  # of a parameter that has its name from a model: `layers.0.neurons.3.w.1`
    named: bool = False  # by its owner or by a model, not v₁
    change: str = ""  # "new" or "gone", in a comparison
    was: str = ""  # what it was before, where that was made otherwise
    record: bool = False  # its rows stand side by side
    symbol: str = ""  # of its operation, where that stands apart before the value
    above: bool = False  # or above it

    @property
    def full_name(self) -> str:
        """The name where no frame says which neuron a `w.1` belongs to."""
        return self.path or self.name

    @property
    def header(self) -> str:
        """`a = w × x`, or the name alone."""
        return f"{self.name} = {self.expression}" if self.expression else self.name

    @property
    def heading(self) -> str:
        """What stands on top of the box; a record's operation stands apart."""
        return self.name if self.record else self.header


@dataclass(slots=True)
class Edge:
    """Operand `position` of a node: from the operand to the node that uses it."""

    id: str
    source: str
    target: str
    position: int
    partial: float | None
    symbol: str
    rule: str
    flow: float | None = None
    label: str = ""
    tooltip: str = ""
    count: int = 1  # edges that this one stands for
    bundled: bool = False
    change: str = ""  # "new" or "gone", in a comparison

    @property
    def sign(self) -> str:
        """The class of the gradient that flows here."""
        return "constant" if self.partial is None and not self.bundled else sign_of(self.flow)


@dataclass(slots=True)
class Cluster:
    """A neuron or a layer, a frame round its nodes; or the turns of a run that one box stands for."""

    id: str
    label: str
    parent: str | None = None
    turns: int = 0  # of a run
    summary: list[str] = field(default_factory=list)


class Flow(NamedTuple):
    """What the chain rule does at one edge: `partial × grad = flow`, added to what the operand had `before`."""

    edge: Edge
    partial: float
    grad: float
    flow: float
    before: float | None
    total: float


@dataclass(slots=True)
class Picture:
    """Everything a format needs. Nodes are in topological order, operands before users."""

    nodes: list[Node]
    edges: list[Edge]
    outputs: list[str]
    title: str = "computation graph"
    titled: bool = False  # the title is the user's, and to be seen where pictures have one
    clusters: list[Cluster] = field(default_factory=list)
    direction: str = "LR"
    asked_direction: str | None = None
    derivations: dict[str, list[list[Any]]] = field(default_factory=dict)  # of parameters, as MathML trees
    output_names: list[str] = field(default_factory=list)  # the outputs' names, for those that are not drawn too
    lean: bool = False  # without formulas and sizes: too many to be drawn one by one, so that it will be folded
    notes: list[str] = field(default_factory=list)
    legend: bool = True
    style: str = "chalkgrad"

    def incoming(self) -> dict[str, list[Edge]]:
        """The edges from the operands of each node, by the node's id; without those that are gone."""
        return group_by([edge for edge in self.edges if edge.change != "gone"], lambda edge: edge.target)

    def seeds(self) -> dict[str, float]:
        """The gradients that no drawn edge brings: 1 for an output, and what comes from values that are not shown."""
        grads = dict.fromkeys(self.outputs, 1.0)
        for node in self.nodes:
            if node.outside is not None:
                grads[node.id] = grads.get(node.id, 0.0) + node.outside
        return grads

    def backward(self) -> Iterator[Flow]:
        """The chain rule over the edges of the picture, one after the other in the order of the backward pass."""
        grads, incoming = self.seeds(), self.incoming()
        for node in reversed(self.nodes):
            grad = grads.get(node.id)
            for edge in incoming[node.id]:
                if edge.partial is None or grad is None:
                    continue
                flow, before = edge.partial * grad, grads.get(edge.source)
                grads[edge.source] = flow if before is None else before + flow
                yield Flow(edge, edge.partial, grad, flow, before, grads[edge.source])


def group_by(things: Iterable[T], key: Callable[[T], K]) -> dict[K, list[T]]:
    """The things with each key, in their order; an empty list for any other key."""
    groups: dict[K, list[T]] = defaultdict(list)
    for thing in things:
        groups[key(thing)].append(thing)
    return groups


def in_order(keys: Iterable[str], pairs: Iterable[tuple[str, str]]) -> list[str]:
    """The keys, sources before targets; without those that lie on a circle, or behind one.

    >>> in_order("abcd", ["da", "ab", "bb", "bc"])
    ['d', 'a']
    """
    targets: dict[str, list[str]] = defaultdict(list)
    waiting = dict.fromkeys(keys, 0)
    for source, target in pairs:
        targets[source].append(target)
        waiting[target] += 1
    order = [key for key, count in waiting.items() if not count]
    for key in order:  # grows while it is walked
        for target in targets[key]:
            waiting[target] -= 1
            if not waiting[target]:
                order.append(target)
    return order


class Nested(Protocol):
    """What has a parent: a cluster here, a frame in the layout."""

    id: str
    parent: str | None


def nesting(clusters: Sequence[Nested]) -> dict[str, list[str]]:
    """For each cluster its id and those of the clusters round it, from the inside out.

    >>> nesting([Cluster("m0", "layer"), Cluster("m1", "neuron", "m0")])
    {'m0': ['m0'], 'm1': ['m1', 'm0']}
    """
    parents = {cluster.id: cluster.parent for cluster in clusters}
    chains: dict[str, list[str]] = {}
    for key in parents:
        chains[key] = []
        at: str | None = key
        while at is not None:
            chains[key].append(at)
            at = parents.get(at)
    return chains
