"""What all formats show alike: fill and border of a node, the label of an edge, the words of the legend."""

from __future__ import annotations

from collections.abc import Iterator

from autograd.diagram.picture.picture import Edge, Node, Picture
from autograd.diagram.place.boxes import Layout, Point, Shape, Words
from autograd.diagram.text import clean, finite, number
from autograd.diagram.theme import MARK, line_width, marked, sign_of

_LEGEND = {
    "parameter": "parameter", "input": "input (frozen)", "operation": "operation", "output": "output",
    "constant": "constant", "op": "operation", "group": "folded group", "dead": "dead unit",
    "positive": "▲ positive gradient", "negative": "▼ negative gradient, open head",
    "zero": "dashed: no gradient passes", "broken": "! nan or infinite", "new": "new: thick border",
    "gone": "gone: dashed border", "width": "wider: larger gradient", "unset": "· not computed",
}  # fmt: skip


def fill_and_border(node: Node) -> tuple[str, str]:
    """The kinds whose fill and whose border a node takes: health shows on both."""
    if node.change == "gone":
        return "gone", "gone"
    kinds = {flag.kind for flag in node.flags}
    if kinds & {"nan", "inf", "nan gradient", "inf gradient"} or any(row.kind == "broken" for row in node.rows):
        return node.kind, "broken"
    if "dead" in kinds:
        return "dead", "dead"
    return node.kind, node.change or node.kind


def is_dashed(node: Node) -> bool:
    """Whether the border of a node is a dashed line."""
    return node.kind == "constant" or node.change == "gone"


def label_of(edge: Edge) -> str:
    """An edge's label and the mark of the sign of what flows there, which is never told by colour alone."""
    return f"{edge.label} {MARK.get(edge.sign, '')}".strip() if edge.label else ""


def strength(edge: Edge, layout: Layout | None) -> tuple[str, float]:
    """The class of a line and its width: by the gradient that flows there, or by what the layout shows in its place."""
    if layout is None or edge.id not in layout.strengths:
        sign, shown = edge.sign, edge.flow
    else:
        shown = layout.strengths[edge.id]
        sign = sign_of(shown)
    return sign, line_width(shown) * (layout.thickness if layout is not None else 1.0)


def words_of(node: Node, shape: Shape, centre: Point) -> Iterator[Words]:
    """The texts of a node that is no box: its name in a circle, its numbers where the shape has them, its marks."""
    x, y = centre
    if shape.radius:
        baseline = y - 3 if shape.value is not None else y + 4.5
        yield Words(clean(node.name, 9), x, baseline, "head", bold=True)
    sign = "plain" if finite(node.value or 0.0) else "broken"
    numbers = ("value", shape.value, (number(node.value), sign)), ("grad", shape.grad, marked(node.grad))
    for part, spot, (text, kind) in numbers:
        if spot is None:
            continue
        at = x + spot.x, y + spot.y
        if spot.key:
            yield Words(spot.key, at[0] - 2, at[1], "key", "end")
        yield Words(text, at[0] + (2 if spot.key else 0), at[1], kind, "start" if spot.key else "middle", part)
    for i, flag in enumerate(node.flags):
        yield Words(flag.text, x + shape.flags[0], y + shape.flags[1] + 14 * i, "late flag" if flag.late else "flag")


def legend_entries(picture: Picture, layout: Layout | None = None) -> list[tuple[str, str]]:
    """What the legend explains: only what the picture shows. Pairs of a class and words."""
    records = picture.style == "micrograd"
    shown = {node.kind for node in picture.nodes} | {"op" for node in picture.nodes if node.symbol}
    signs = {sign_of(node.grad) for node in picture.nodes if node.rows}
    signs |= {strength(edge, layout)[0] for edge in picture.edges}
    shown |= signs & {"positive", "negative", "zero", "broken"}
    shown |= {"dead" for node in picture.nodes for flag in node.flags if flag.kind == "dead"}
    shown |= {node.change for node in picture.nodes if node.change}
    shown |= {"unset" for node in picture.nodes for row in node.rows if row.kind == "unset"}
    shown |= {"width"} if shown & {"positive", "negative"} else set()
    words = (layout.legend if layout is not None else {}) or _LEGEND
    words = words | ({"operation": "computed value"} if records else {})
    return [(kind, words) for kind, words in words.items() if kind in shown]
