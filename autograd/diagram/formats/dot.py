"""The picture as DOT text, without positions: a program that reads it lays the graph out itself."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

from autograd.diagram.picture.picture import Cluster, Edge, Node, Picture, group_by
from autograd.diagram.picture.record import cells, split
from autograd.diagram.place.drawing import Drawing
from autograd.diagram.place.graphviz import LARGE, LESS_WORK
from autograd.diagram.theme import EDGE_SIZE, FONT, SIZE, Theme, line_width, stroke

from .look import fill_and_border, is_dashed, label_of, legend_entries

_KEY, _GAP = 38.0, 6.0  # widths in a box: of the words before numbers, and beside them
_IN_A_ROW = 6  # of the legend


def write(drawing: Drawing) -> bytes:
    """The text of a file."""
    return DotPicture(split(drawing.picture), drawing.colours).text().encode()


def html_text(text: str) -> str:
    r"""Escaped for an HTML-like label, where engines expand `\N` and `\G`, and where an empty `<B></B>` is an error."""
    return html.escape(text, quote=True).replace("\\", "&#92;&#92;") or " "


def tooltip(text: str) -> str:
    """Escaped for the quoted string of a tooltip, in which engines expand backslashes twice.

    The angle brackets too: the `graphviz` package takes a text between them for an HTML-like label.
    """
    text = text.replace("\\", "\\" * 4)
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")


def font(text: str, color: str, bold: bool = False, size: float | None = None) -> str:
    """A text of an HTML-like label in a colour."""
    points = f' POINT-SIZE="{size:g}"' if size else ""
    inner = f"<B>{html_text(text)}</B>" if bold else html_text(text)
    return f'<FONT COLOR="{color}"{points}>{inner}</FONT>'


@dataclass
class DotPicture:
    """DOT for a picture."""

    picture: Picture
    theme: Theme

    def text(self) -> str:
        """The whole graph."""
        import graphviz

        graph = graphviz.Digraph(
            graph_attr=self._attributes(),
            node_attr={"shape": "plain", "fontname": FONT, "fontsize": f"{SIZE:g}", "fontcolor": self.theme.ink},
            edge_attr={"fontname": FONT, "fontsize": f"{EDGE_SIZE:g}", "arrowsize": "0.7"},
        )
        self._add_nodes(graph)
        for edge in self.picture.edges:
            graph.edge(edge.source, edge.target, **self._edge(edge))
        return str(graph.source)

    def _attributes(self) -> dict[str, str]:
        attributes = {
            "rankdir": self.picture.direction, "bgcolor": self.theme.background, "fontname": FONT,
            "fontcolor": self.theme.ink, "fontsize": f"{EDGE_SIZE:g}", "nodesep": "0.28", "ranksep": "0.45",
            "tooltip": tooltip(self.picture.title), "pad": "0.2",
        }  # fmt: skip
        if len(self.picture.nodes) > LARGE:
            attributes |= LESS_WORK
        if self.picture.legend:
            attributes |= {"label": self._legend(), "labelloc": "b", "labeljust": "l"}
        return attributes

    def _add_nodes(self, graph: Any) -> None:
        members = group_by(self.picture.nodes, lambda node: node.cluster)
        children = group_by(self.picture.clusters, lambda cluster: cluster.parent)

        def add(into: Any, key: str | None) -> None:
            for node in members[key]:
                look = _ellipse(node, self.theme) if node.kind == "op" else {"label": _table(node, self.theme)}
                into.node(node.id, tooltip=tooltip(node.tooltip), id=node.id, **look)
            for cluster in children[key]:
                with into.subgraph(name="cluster_" + cluster.id) as inner:
                    inner.attr(**self._frame(cluster))
                    add(inner, cluster.id)

        add(graph, None)

    def _frame(self, cluster: Cluster) -> dict[str, str]:
        return {
            "label": f"<{font(cluster.label, self.theme.muted)}>", "style": "rounded,filled",
            "color": self.theme.muted, "fillcolor": self.theme.cluster, "labeljust": "l", "margin": "10",
            "id": cluster.id,
        }  # fmt: skip

    def _edge(self, edge: Edge) -> dict[str, str]:
        color = stroke(self.theme, edge.sign)
        attributes = {
            "id": edge.id, "color": color, "penwidth": f"{line_width(edge.flow):.2f}",
            "tooltip": tooltip(edge.tooltip), "labeltooltip": tooltip(edge.tooltip),
        }  # fmt: skip
        if edge.sign == "negative" and not edge.label:
            # no ▼ stands beside it, and an open head would close under a thick line
            attributes |= {"arrowhead": "dot", "arrowsize": "0.6"}
        if edge.sign in ("zero", "constant"):
            attributes["style"] = "dashed" if edge.sign == "zero" else "dotted"
        if label_of(edge):
            attributes["label"] = f"<{font(label_of(edge), color)}>"
        return attributes

    def _legend(self) -> str:
        theme, cells = self.theme, []
        unlabelled = any(edge.sign == "negative" and not edge.label for edge in self.picture.edges)
        for kind, words in legend_entries(self.picture):
            if kind in theme.fill:
                dashed = ",DASHED" if kind in ("constant", "gone") else ""
                box = f' BORDER="1" STYLE="ROUNDED{dashed}" COLOR="{theme.border[kind]}" BGCOLOR="{theme.fill[kind]}"'
                cells.append(f"<TD{box}>{font(words, theme.ink, size=EDGE_SIZE)}</TD>")
            else:
                color = stroke(theme, kind) if kind != "width" else theme.muted
                words = words.replace(", open head", ", round head" if unlabelled else "")
                cells.append(f"<TD>{font(words, color, size=EDGE_SIZE)}</TD>")
        cells += [f"<TD>{font(note, theme.muted, size=EDGE_SIZE)}</TD>" for note in self.picture.notes]
        rows = [
            '<TR><TD ALIGN="LEFT"><TABLE BORDER="0" CELLSPACING="6" CELLPADDING="2"><TR>'
            f"{''.join(cells[i : i + _IN_A_ROW])}</TR></TABLE></TD></TR>"
            for i in range(0, len(cells), _IN_A_ROW)
        ]
        return f'<<TABLE BORDER="0" CELLSPACING="0" CELLPADDING="0">{"".join(rows)}</TABLE>>'


def _ellipse(node: Node, theme: Theme) -> dict[str, str]:
    """The ellipse of an operation that stands apart."""
    return {
        "shape": "ellipse", "label": f"<{font(node.name, theme.ink, bold=True)}>", "color": theme.border["op"],
        "style": "filled", "fillcolor": theme.fill["op"], "fixedsize": "true", "width": f"{node.width / 72:.4f}",
        "height": f"{node.height / 72:.4f}",
    }  # fmt: skip


def _table(node: Node, theme: Theme) -> str:
    """The box of a node as a table."""
    fill, border = fill_and_border(node)
    thick = {"broken": 2, "dead": 2, "new": 3}.get(border, 1)
    dashed = ",DASHED" if is_dashed(node) else ""
    columns = any(row.label for row in node.rows)
    rows = _columns(node, theme, border) if columns else _lines(node, theme, thick)
    if node.record:
        rows = [f"<TR>{'<VR/>'.join(_cells(node, theme, border, thick))}</TR>"]
    table = (
        f'<TABLE BORDER="{thick}" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0" STYLE="ROUNDED{dashed}" '
        f'COLOR="{theme.border[border]}" BGCOLOR="{theme.fill[fill]}" '
        f'WIDTH="{node.width:.0f}" HEIGHT="{node.height:.0f}">{"".join(rows)}</TABLE>'
    )
    if columns and border == "broken":
        table = (
            f'<TABLE BORDER="2" CELLBORDER="0" CELLSPACING="2" CELLPADDING="0" COLOR="{theme.border[border]}">'
            f"<TR><TD>{table}</TD></TR></TABLE>"
        )
    return f"<{table}>"


def _cells(node: Node, theme: Theme, border: str, thick: int) -> list[str]:
    """The name of a record and its rows, side by side."""
    texts = [font(node.heading, theme.ink, bold=True)]
    for label, text, kind in node.rows:
        words = [font(label + "\u00a0 ", theme.muted)] if label else []
        texts.append("".join([*words, font(text, _ink(kind, theme, border), bold=kind == "flag")]))
    size = f'HEIGHT="{node.height - 2 * thick:.0f}" WIDTH='
    return [f'<TD {size}"{long - 2:.0f}">{text}</TD>' for text, long in zip(texts, cells(node), strict=True)]


def _ink(kind: str, theme: Theme, border: str) -> str:
    """The colour of a row."""
    return theme.border["broken" if border == "broken" else "dead"] if kind == "flag" else stroke(theme, kind)


def _columns(node: Node, theme: Theme, border: str) -> list[str]:
    """The rows of a box with numbers: words on the left, numbers on the right, flags across both.

    Every cell says its width, since an engine does not stretch the columns of a table that is wider than they are.
    """
    whole = node.width - 4
    header = font(node.header, theme.ink, bold=True)
    rows = [f'<TR><TD COLSPAN="4" WIDTH="{whole:.0f}" HEIGHT="20">{header}</TD></TR>']
    space = f'<TD WIDTH="{_GAP:.0f}"></TD>'
    for label, text, kind in node.rows:
        if label:
            color = stroke(theme, kind)
            rows.append(
                f'<TR>{space}<TD ALIGN="LEFT" WIDTH="{_KEY:.0f}">{font(label, theme.muted)}</TD>'
                f'<TD ALIGN="RIGHT" WIDTH="{whole - _KEY - 2 * _GAP:.0f}">{font(text, color)}</TD>{space}</TR>'
            )
        else:
            cell = font(text, _ink(kind, theme, border), bold=kind == "flag")
            rows.append(f'<TR>{space}<TD COLSPAN="3" ALIGN="LEFT" WIDTH="{whole - _GAP:.0f}">{cell}</TD></TR>')
    return rows


def _lines(node: Node, theme: Theme, thick: int) -> list[str]:
    """The rows of a box without columns: a constant, or a folded group with its lines below its name."""
    rows = node.rows
    cells: list[tuple[str, float, str]] = [
        ("CENTER", 20 if rows else node.height - 2 * thick, font(node.header, theme.ink, bold=True))
    ]
    cells += [("LEFT", (node.height - 26) / len(rows), font("\u00a0 " + row.text, theme.ink)) for row in rows]
    return [
        f'<TR><TD ALIGN="{align}" HEIGHT="{height:.0f}" WIDTH="{node.width - 2 * thick:.0f}">{text}</TD></TR>'
        for align, height, text in cells
    ]
