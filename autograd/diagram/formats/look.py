"""What all formats show alike: the fill and border of a node, the label of an edge, and the words of the legend."""

from __future__ import annotations

from autograd.diagram.picture.picture import Edge, Node, Picture
from autograd.diagram.theme import MARK, sign_of

_LEGEND = {
    "parameter": "parameter", "input": "input (frozen)", "operation": "operation", "output": "output",
    "constant": "constant", "group": "folded group", "dead": "dead unit", "positive": "▲ positive gradient",
    "negative": "▼ negative gradient, open head", "zero": "dashed: no gradient passes", "broken": "! nan or infinite",
    "width": "wider: larger gradient", "unset": "· not computed",
}  # fmt: skip


def fill_and_border(node: Node) -> tuple[str, str]:
    """The kinds whose fill and whose border a node takes: health shows on both."""
    kinds = {flag.kind for flag in node.flags}
    if kinds & {"nan", "inf", "nan gradient", "inf gradient"} or any(row.kind == "broken" for row in node.rows):
        return node.kind, "broken"
    if "dead" in kinds:
        return "dead", "dead"
    return node.kind, node.kind


def label_of(edge: Edge) -> str:
    """An edge's label and the mark of the sign of what flows there, which is never told by colour alone."""
    return f"{edge.label} {MARK.get(edge.sign, '')}".strip() if edge.label else ""


def legend_entries(picture: Picture) -> list[tuple[str, str]]:
    """What the legend explains: only what the picture shows. Pairs of a class and words."""
    shown = {node.kind for node in picture.nodes}
    signs = {sign_of(node.grad) for node in picture.nodes if node.rows} | {edge.sign for edge in picture.edges}
    shown |= signs & {"positive", "negative", "zero", "broken"}
    shown |= {"dead" for node in picture.nodes for flag in node.flags if flag.kind == "dead"}
    shown |= {"unset" for node in picture.nodes for row in node.rows if row.kind == "unset"}
    shown |= {"width"} if shown & {"positive", "negative"} else set()
    return [(kind, words) for kind, words in _LEGEND.items() if kind in shown]
