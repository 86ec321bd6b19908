"""The style "micrograd": name, data and grad of a value side by side, and its operation as an ellipse before it.

It is that of `draw_dot` in Andrej Karpathy's lecture on micrograd. To a layout the ellipse and the record behind it are
one box, so that everything that holds for boxes holds for them. Where a format knows only boxes, `split` parts the two.
"""

from __future__ import annotations

import re
from dataclasses import replace

from autograd.diagram.text import clean, width
from autograd.diagram.theme import PAD, SIZE
from autograd.operation import OPERATIONS

from .picture import Edge, Node, Picture

HEIGHT = 26.0  # of a record and of an ellipse
JOINT = 24.0  # between them
LONGEST_SYMBOL = 16
_SIGN = re.compile(r"(?:#0 )?([^#\w\s|⌊⌈√∛]+|mod) ?#\d")  # of `#0 × #1` and `−#0`


def as_records(picture: Picture) -> None:
    """Make records of the nodes, each behind its operation."""
    for node in picture.nodes:
        node.record = node.kind not in ("constant", "group")
        node.symbol = symbol(node.op) if node.record and node.op else ""


def symbol(name: str) -> str:
    """What an operation is called in its ellipse: its sign, or else its name.

    >>> [symbol(name) for name in ("add", "mul", "neg", "tanh", "my_own")]
    ['+', '×', '−', 'tanh', 'my_own']
    """
    text = OPERATIONS[name].text if name in OPERATIONS else None
    sign = _SIGN.fullmatch(text) if isinstance(text, str) else None
    return sign[1] if sign else clean(name, LONGEST_SYMBOL)


def measure_record(node: Node) -> None:
    """The size of the box that an ellipse and its record take together."""
    long, high = sum(cells(node)), HEIGHT
    if node.symbol and node.above:
        long, high = max(long, _ellipse_width(node)), high + JOINT + HEIGHT
    elif node.symbol:
        long += _ellipse_width(node) + JOINT
    node.width, node.height = long, high


def cells(node: Node) -> list[float]:
    """The widths of the parts of a record: of the name, and of each row."""
    widths = [width(node.name, SIZE, bold=True)]
    for label, text, _ in node.rows:
        numbers = width(text, SIZE) if label == "data" else node.slot  # a value never changes
        widths.append(width(label, SIZE) + PAD + numbers if label else width(text, SIZE, bold=True))
    return [each + 2 * PAD for each in widths]


def record_of(node: Node, x: float, y: float) -> tuple[float, float, float, float]:
    """The centre and the size of the record of a node whose box has this centre."""
    if not node.symbol:
        return x, y, node.width, node.height
    if node.above:
        return x, y + (node.height - HEIGHT) / 2, sum(cells(node)), HEIGHT
    long = sum(cells(node))
    return x + (node.width - long) / 2, y, long, HEIGHT


def ellipse_of(node: Node, x: float, y: float) -> tuple[float, float, float, float]:
    """The centre and the size of the ellipse of a node whose box has this centre."""
    long = _ellipse_width(node)
    if node.above:
        return x, y - (node.height - HEIGHT) / 2, long, HEIGHT
    return x - (node.width - long) / 2, y, long, HEIGHT


def _ellipse_width(node: Node) -> float:
    return max(36.0, width(node.symbol, SIZE, bold=True) + 20)


def split(picture: Picture, flat: bool = False) -> Picture:
    """The picture with each ellipse as a node of its own, `n3o` before `n3`; `flat` writes a record as one line."""
    if picture.style != "micrograd":
        return picture
    nodes, edges = [], []
    for node in picture.nodes:
        if node.symbol:
            _, _, w, h = ellipse_of(node, 0.0, 0.0)
            op = Node(f"{node.id}o", "op", node.symbol, tooltip=node.tooltip, cluster=node.cluster, width=w, height=h)
            nodes.append(op)
            edges.append(Edge(f"{node.id}j", op.id, node.id, 0, 1.0, "", ""))
        nodes.append(_plain(node, flat) if node.record else node)
    behind = {node.id: f"{node.id}o" for node in picture.nodes if node.symbol}
    edges += [replace(edge, target=behind.get(edge.target, edge.target)) for edge in picture.edges]
    return replace(picture, nodes=nodes, edges=edges)


def _plain(node: Node, flat: bool) -> Node:
    _, _, w, h = record_of(node, 0.0, 0.0)
    plain = replace(node, symbol="", expression="", width=w, height=h)
    if not flat:
        return plain
    words = [node.name, *(f"{label} {text}".strip() for label, text, _ in node.rows)]
    return replace(plain, name=" | ".join(words), record=False, rows=[])
