"""The diagram that textbooks draw of a network: neurons as circles in columns, weights on the lines between them.

It is a `Picture` like that of a graph, with a node for each weight, net input and activation, so that every format and
the steps of the player serve it; only its layout is another. It knows nothing of `nn`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from autograd.errors import DiagramError

from .diagram import Diagram
from .picture.measure import fill_box
from .picture.picture import Edge, Node, Picture
from .place.columns import Column, Columns
from .place.drawing import Drawing
from .text import clean, number
from .theme import check_theme as check_theme

MOST_TERMS = 6  # of a sum that is written out


class Network:
    """A picture that grows by nodes and edges, operands first, and its columns."""

    def __init__(self, title: str) -> None:
        self.picture = Picture([], [], [], clean(title, 120))
        self.columns: list[Column] = []

    def node(self, kind: str, name: str, value: float | None, grad: float | None, **more: Any) -> Node:
        """Add a node."""
        more |= {what: clean(text) for what, text in more.items() if isinstance(text, str)}
        node = Node(f"n{len(self.picture.nodes)}", kind, clean(name), value=value, grad=grad, **more)
        facts = [f"{node.name} = {node.expression}" if node.expression else node.name]
        facts += [f"value {value!r}"] if value is not None else []
        facts += [f"gradient {grad!r}"] if grad is not None else []
        node.tooltip = "; ".join([*facts, *(flag.advice for flag in node.flags)])
        self.picture.nodes.append(node)
        return node

    def edge(self, source: Node, target: Node, position: int, partial: float | None, rule: str) -> Edge:
        """Add an edge from an operand to a result, with the derivative of the result."""
        key = f"e{source.id[1:]}_{target.id[1:]}_{position}"
        edge = Edge(key, source.id, target.id, position, partial, f"∂{target.name}/∂{source.name}", rule)
        if partial is not None and target.grad is not None and not source.frozen:
            edge.flow = partial * target.grad
        edge.tooltip = source.tooltip
        self.picture.edges.append(edge)
        return edge

    def add_outside(self, adjoints: Mapping[str, float]) -> None:
        """Note what reaches the nodes, whose adjoints are given by id, through nothing that is drawn."""
        drawn = dict.fromkeys(self.picture.outputs, 1.0)
        for edge in self.picture.edges:
            if edge.source in adjoints and edge.target in adjoints and edge.partial is not None:
                drawn[edge.source] = drawn.get(edge.source, 0.0) + edge.partial * adjoints[edge.target]
        for node in self.picture.nodes:
            whole, part = adjoints.get(node.id), drawn.get(node.id)
            if whole is not None and (part is None or not abs(whole - part) <= 1e-9 * (abs(whole) + abs(part))):
                node.outside, node.outside_edges = whole - (part or 0.0), 1

    def diagram(self, theme: str, engine: str | None) -> NetworkDiagram:
        """The finished diagram."""
        for node in self.picture.nodes:
            fill_box(node)
        return NetworkDiagram(self.picture, self.columns, theme, engine)


class NetworkDiagram(Diagram):
    """A picture of a network, made by `nn.draw`: a `Diagram` with circles, whose `save` and properties are the same."""

    def __init__(self, picture: Picture, columns: list[Column], theme: str, engine: str | None) -> None:
        self._widths = [len(column.units) + column.hidden for column in columns]
        places = Columns(columns)
        layout = places.lay_out(picture.title)
        lines = [line for column in columns for unit in column.units for line in unit.lines]
        layout.strengths = {
            line.edge.id: line.weight.grad if places.gradients else line.weight.value
            for line in lines
            if line.label is not None
        }
        layout.legend = _legend(picture, columns, "gradient" if places.gradients else "weight")
        picture.notes += _notes(picture, columns, places)
        super().__init__(Drawing(picture, theme, engine, own_layout=layout))

    def __repr__(self) -> str:
        return f"NetworkDiagram({' → '.join(map(str, self._widths))})"


def _legend(picture: Picture, columns: list[Column], what: str) -> dict[str, str]:
    """The words of the legend, by class."""
    marks = ("▲ ", "▼ ") if what == "gradient" else ("", "")
    words = {"input": "input", "operation": "hidden unit", "output": "output unit"}
    if any(column.bias is not None for column in columns):
        words["parameter"] = "bias shared by the units to its right"
    return words | {
        "dead": "dead unit", "positive": f"{marks[0]}positive {what}, filled head",
        "negative": f"{marks[1]}negative {what}, open head", "zero": f"dashed: {what} zero",
        "broken": "! nan or infinite", "width": f"wider: larger {what}",
    }  # fmt: skip


def _notes(picture: Picture, columns: list[Column], places: Columns) -> list[str]:
    """What the signs in the picture mean."""
    top = (picture.output_names or ["output"])[0]
    units = [unit for column in columns for unit in column.units]
    lines = [line for unit in units for line in unit.lines if line.source is not None]
    notes = []
    if not places.labelled:
        return [f"{len(lines)} lines, too many for numbers on them: .txt, .json and the table in a notebook have them"]
    if any(unit.net is not None and unit.net.value is not None for unit in units):
        notes.append("net: sum of weight × input, plus bias")
    if any((unit.net or unit.node).grad is not None for unit in units if unit.lines):
        notes.append(f"δ = ∂{top}/∂net")
    return [*notes, "on a line: its weight" + (f", and ∂ = ∂{top}/∂weight" if places.gradients else "")]


def written_sum(products: list[str], biases: list[str], left_out: int) -> str:
    """A sum of products and a bias; in part where there are many, or where some are not drawn.

    >>> written_sum(["w1 × x1", "w2 × x2"], ["b"], 0), written_sum(["w1 × x1", "w9 × x9"], [], 7)
    ('w1 × x1 + w2 × x2 + b', 'w1 × x1 + … + w9 × x9')
    """
    if left_out or len(products) > MOST_TERMS:
        products = [products[0], "…", products[-1]]
    return " + ".join([*products, *biases])


def in_product(x: float | None) -> str:
    """A number in a product, in parentheses where it is negative."""
    return f"({number(x)})" if x is not None and x < 0 else number(x)


def both_ends(width: int, limit: int) -> tuple[list[int], int]:
    """The places in a layer that are shown, from both ends where it is wider than the limit, and how many are not.

    >>> both_ends(3, 8), both_ends(128, 4)
    (([0, 1, 2], 0), ([0, 1, 126, 127], 124))
    """
    every, first = list(range(width)), (limit + 1) // 2
    return (every, 0) if width <= limit else (every[:first] + every[first - limit :], width - limit)


def as_floats(xs: Iterable[Any], count: int, what: str) -> list[float]:
    """Numbers or Values as floats, of a known count. Raises DiagramError for another count, or for other things."""
    try:
        floats = [float(getattr(x, "data", x)) for x in xs]
    except (TypeError, ValueError):
        raise DiagramError(f"{what} is a list of {count} numbers or Values; {xs!r:.80} was given.") from None
    if len(floats) != count:
        raise DiagramError(f"{what} has {len(floats)} numbers, and the network wants {count}.")
    return floats
