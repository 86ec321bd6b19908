"""The graph as a Mermaid flowchart, which many Markdown renderers draw."""

from __future__ import annotations

from autograd.diagram.picture.picture import Picture, group_by
from autograd.diagram.picture.record import split
from autograd.diagram.place.drawing import Drawing
from autograd.diagram.theme import LIGHT, line_width, stroke

from .look import fill_and_border, label_of


def write(drawing: Drawing) -> bytes:
    """The flowchart. Every text is in quotes, and what is special in it is an entity code."""
    picture = split(drawing.picture, flat=True)
    lines = [f"flowchart {picture.direction}", *_nodes(picture)]
    for edge in picture.edges:
        arrow = "-.->" if edge.sign in ("constant", "zero") else "-->"
        label = label_of(edge)
        lines.append(f"  {edge.source} {arrow}" + (f"|{_quoted(label)}|" if label else "") + f" {edge.target}")
    for i, edge in enumerate(picture.edges):
        if edge.sign != "constant":
            color = stroke(LIGHT, edge.sign)
            lines.append(f"  linkStyle {i} stroke:{color},stroke-width:{line_width(edge.flow):.1f}px")
    for kind in (*LIGHT.fill, "broken", "new"):
        fill = LIGHT.fill.get(kind, LIGHT.background)
        line = {"constant": ",stroke-dasharray:4 3", "gone": ",stroke-dasharray:4 3", "new": ",stroke-width:3px"}
        look = f"fill:{fill},stroke:{LIGHT.border[kind]},color:{LIGHT.ink}{line.get(kind, '')}"
        lines.append(f"  classDef {kind} {look}")
    return ("\n".join(lines) + "\n").encode()


def _nodes(picture: Picture) -> list[str]:
    """The nodes in their clusters, and those in clusters inside clusters."""
    members = group_by(picture.nodes, lambda node: node.cluster)
    children = group_by(picture.clusters, lambda cluster: cluster.parent)

    def inside(key: str | None, pad: str) -> list[str]:
        lines = []
        for node in members[key]:
            rows = [node.header, *(f"{label} {text}".strip() for label, text, _ in node.rows)]
            start, end = ("([", "])") if node.kind == "op" else "[]"
            lines.append(f"{pad}{node.id}{start}{_quoted(*rows)}{end}:::{fill_and_border(node)[1]}")
        for cluster in children[key]:
            lines.append(f"{pad}subgraph {cluster.id}[{_quoted(cluster.label)}]")
            lines += [*inside(cluster.id, pad + "  "), f"{pad}end"]
        return lines

    return inside(None, "  ")


def _quoted(*rows: str) -> str:
    """A label, escaped by entity codes as Mermaid's documentation says: `#35;` is a hash."""
    escaped = (
        "".join(char if char.isalnum() or char in " .,=+()[]/:_" else f"#{ord(char)};" for char in row) for row in rows
    )
    return f'"{"<br/>".join(escaped)}"'
