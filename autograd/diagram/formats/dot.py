"""The picture as DOT text, for `.dot` files and for the engines' own PNG and PDF."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from autograd.diagram import theme as themes
from autograd.diagram.picture.build import Cluster, Edge, Node, Picture
from autograd.diagram.place.layered import Layout
from autograd.diagram.text import dot_html, dot_quoted


def source(
    picture: Picture, theme: themes.Theme, layout: Layout | None = None, dpi: int | None = None,
    active: Collection[str] = (), phase: str = "", legend_of: Picture | None = None,
) -> str:  # fmt: skip
    """DOT for a picture. With a layout every position is pinned, for `neato -n2`.

    `active` are ids to mark as at work in a `phase`; `legend_of` is the picture whose legend all frames share.
    """
    import graphviz

    attributes = {
        "rankdir": picture.direction, "bgcolor": theme.background, "fontname": themes.FONT,
        "fontcolor": theme.ink, "fontsize": f"{themes.EDGE_SIZE:g}", "nodesep": "0.28", "ranksep": "0.45",
        "tooltip": dot_quoted(picture.title, 2), "pad": "0.2",
    }  # fmt: skip
    if dpi is not None:
        attributes["dpi"] = str(dpi)
    if len(picture.nodes) > 800:
        attributes |= {"nslimit": ".5", "nslimit1": ".5", "mclimit": ".1", "splines": "line"}
    if picture.legend and layout is None:
        attributes |= {"label": _legend(picture, theme, picture), "labelloc": "b", "labeljust": "l"}
    graph = graphviz.Digraph(
        graph_attr=attributes,
        node_attr={"shape": "plain", "fontname": themes.FONT, "fontsize": f"{themes.SIZE:g}", "fontcolor": theme.ink},
        edge_attr={"fontname": themes.FONT, "fontsize": f"{themes.EDGE_SIZE:g}", "arrowsize": "0.7"},
    )
    mark = theme.forward if phase == "forward" else theme.backward
    members: dict[str | None, list[Node]] = defaultdict(list)
    children: dict[str | None, list[Cluster]] = defaultdict(list)
    for node in picture.nodes:
        members[node.cluster].append(node)
    for cluster in picture.clusters:
        children[cluster.parent].append(cluster)

    def add(into: graphviz.Digraph, key: str | None) -> None:
        for node in members[key]:
            place = {}
            if layout is not None:
                x, y = layout.nodes[node.id]
                place = {"pos": f"{x:.2f},{layout.height - y:.2f}!"}
            into.node(
                node.id,
                label=_table(node, theme, mark if node.id in active else None),
                tooltip=dot_quoted(node.tooltip, 2),
                id=node.id,
                **place,
            )
        for cluster in children[key]:
            sub = graphviz.Digraph(name="cluster_" + cluster.id)
            sub.attr(
                label=f"<{_font(dot_html(cluster.label), theme.muted)}>", style="rounded,filled", color=theme.muted,
                fillcolor=theme.cluster, labeljust="l", margin="10", id=cluster.id,
            )  # fmt: skip
            if layout is not None and cluster.id in layout.clusters:
                x0, y0, x1, y1 = layout.clusters[cluster.id]
                sub.attr(bb=f"{x0:.2f},{layout.height - y1:.2f},{x1:.2f},{layout.height - y0:.2f}")
                sub.attr(lp=f"{(x0 + x1) / 2:.2f},{layout.height - y0 - 12:.2f}")
            add(sub, cluster.id)
            into.subgraph(sub)

    add(graph, None)
    for edge in picture.edges:
        graph.edge(edge.source, edge.target, **_edge(edge, theme, layout, mark if edge.id in active else None))
    if picture.legend and layout is not None:
        # Pinned pictures leave the graph's own label no room, so the legend is a node below the others.
        if legend_of is not None:  # the frames of an animation have one size: its corners are held, its legend too
            for name, x, y in (("low", 0.0, -90.0), ("high", layout.width, layout.height)):
                graph.node(f"corner_{name}", label="", style="invis", width="0.01", height="0.01", pos=f"{x},{y}!")
        legend = _legend(picture, theme, legend_of or picture)
        rows = -(-(len(legend_entries(legend_of or picture)) + len(picture.notes)) // _IN_A_ROW)
        if rows:
            graph.node("legend", label=legend, pos=f"{layout.width / 2:.2f},{-14 - 15 * rows}!")
    text: str = graph.source
    return text


def _font(text: str, color: str, bold: bool = False, size: float | None = None) -> str:
    points = f' POINT-SIZE="{size:g}"' if size else ""
    inner = f"<B>{text}</B>" if bold else text
    return f'<FONT COLOR="{color}"{points}>{inner}</FONT>'


def look(node: Node) -> tuple[str, str]:
    """The kinds whose fill and whose border a node takes: health shows on both."""
    kinds = {flag.kind for flag in node.flags}
    if kinds & {"nan", "inf", "nan gradient", "inf gradient"} or "broken" in {row[2] for row in node.rows}:
        return node.kind, "broken"
    if "dead" in kinds:
        return "dead", "dead"
    return node.kind, node.kind


def _table(node: Node, theme: themes.Theme, mark: str | None = None) -> str:
    fill, border = look(node)
    line = mark or theme.border[border]
    dashed = ',DASHED"' if node.kind == "constant" else '"'
    # Every cell says its width, since an engine does not stretch the columns of a table that is wider than they are.
    whole = node.width - 4
    key, gap = 38.0, 6.0
    if not any(label for label, _, _ in node.rows):
        return _plain_table(node, theme, line, dashed, 3 if mark else 2 if border in ("broken", "dead") else 1)
    rows = [
        (
            f'<TR><TD COLSPAN="4" WIDTH="{whole:.0f}" HEIGHT="{20 if node.rows else 16}">'
            f"{_font(dot_html(node.header), theme.ink, bold=True)}</TD></TR>"
        )
    ]
    space = f'<TD WIDTH="{gap:.0f}"></TD>'
    for label, text, kind in node.rows:
        if kind == "flag" or not label:
            color = theme.ink if kind != "flag" else theme.border["broken" if border == "broken" else "dead"]
            cell = _font(dot_html(text), color, bold=kind == "flag")
            rows.append(f'<TR>{space}<TD COLSPAN="3" ALIGN="LEFT" WIDTH="{whole - gap:.0f}">{cell}</TD></TR>')
            continue
        color = theme.ink if kind == "plain" else themes.stroke(theme, kind)
        rows.append(
            f'<TR>{space}<TD ALIGN="LEFT" WIDTH="{key:.0f}">{_font(dot_html(label), theme.muted)}</TD>'
            f'<TD ALIGN="RIGHT" WIDTH="{whole - key - 2 * gap:.0f}">{_font(dot_html(text), color)}</TD>{space}</TR>'
        )
    thick = 3 if mark else 2 if border in ("broken", "dead") else 1
    table = (
        f'<TABLE BORDER="{thick}" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0" '
        f'STYLE="ROUNDED{dashed} COLOR="{line}" BGCOLOR="{theme.fill[fill]}" '
        f'WIDTH="{node.width:.0f}" HEIGHT="{node.height:.0f}">{"".join(rows)}</TABLE>'
    )
    if border == "broken":
        table = (
            f'<TABLE BORDER="2" CELLBORDER="0" CELLSPACING="2" CELLPADDING="0" COLOR="{theme.border[border]}">'
            f"<TR><TD>{table}</TD></TR></TABLE>"
        )
    return f"<{table}>"


def _plain_table(node: Node, theme: themes.Theme, line: str, dashed: str, thick: int) -> str:
    """A box without columns: a constant, or a folded group with its lines below its name."""
    inside = node.width - 2 * thick
    cells = [(f'ALIGN="CENTER" HEIGHT="{20 if node.rows else node.height - 2 * thick:.0f}"', node.header, True)]
    cells += [(f'ALIGN="LEFT" HEIGHT="{(node.height - 26) / len(node.rows):.0f}"', "\u00a0 " + text, False)
              for _, text, _ in node.rows]  # fmt: skip
    rows = "".join(
        f'<TR><TD {place} WIDTH="{inside:.0f}">{_font(dot_html(text), theme.ink, bold=bold)}</TD></TR>'
        for place, text, bold in cells
    )
    return (
        f'<<TABLE BORDER="{thick}" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0" STYLE="ROUNDED{dashed} '
        f'COLOR="{line}" BGCOLOR="{theme.fill[node.kind]}" WIDTH="{node.width:.0f}" HEIGHT="{node.height:.0f}">'
        f"{rows}</TABLE>>"
    )


def label_of(edge: Edge) -> str:
    """An edge's label and the mark of the sign of what flows there, which is never told by colour alone."""
    return f"{edge.label} {themes.MARK.get(edge.sign, '')}".strip() if edge.label else ""


def _edge(edge: Edge, theme: themes.Theme, layout: Layout | None, mark: str | None = None) -> dict[str, str]:
    color = mark or (theme.muted if edge.sign == "constant" else themes.stroke(theme, edge.sign))
    attributes = {
        "id": edge.id, "color": color, "penwidth": f"{themes.line_width(edge.flow):.2f}",
        "tooltip": dot_quoted(edge.tooltip, 2), "labeltooltip": dot_quoted(edge.tooltip, 2),
    }  # fmt: skip
    if edge.sign == "negative" and not edge.label:  # no ▼ stands beside it; an open head would close under a thick line
        attributes |= {"arrowhead": "dot", "arrowsize": "0.6"}
    if edge.sign == "zero":
        attributes["style"] = "dashed"
    if edge.sign == "constant":
        attributes["style"] = "dotted"
    if label_of(edge):
        attributes["label"] = f"<{_font(dot_html(label_of(edge)), color)}>"
    if layout is not None:
        points = layout.edges[edge.id]
        *curve, (x1, y1) = points
        (x0, y0) = curve[-1]
        # the arrow head takes the last seven points; the curve must end where it begins
        length = max(((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5, 1e-9)
        cut = min(7.0, length / 2)
        end = (x1 - (x1 - x0) / length * cut, y1 - (y1 - y0) / length * cut)
        flipped = [f"{x:.2f},{layout.height - y:.2f}" for x, y in [*curve, end]]
        attributes["pos"] = f"e,{x1:.2f},{layout.height - y1:.2f} " + " ".join(flipped)
        if label_of(edge) and edge.id in layout.labels:
            x, y = layout.labels[edge.id]
            attributes["lp"] = f"{x:.2f},{layout.height - y:.2f}"
    return attributes


def legend_entries(picture: Picture) -> list[tuple[str, str]]:
    """What the legend explains: only what the picture shows. Pairs of a class and words."""
    words = {
        "parameter": "parameter", "input": "input (frozen)", "operation": "operation", "output": "output",
        "constant": "constant", "group": "folded group",
    }  # fmt: skip
    kinds = {node.kind for node in picture.nodes}
    entries = [(kind, text) for kind, text in words.items() if kind in kinds]
    signs = {themes.sign(node.grad) for node in picture.nodes if node.rows} | {edge.sign for edge in picture.edges}
    if any("dead" in {flag.kind for flag in node.flags} for node in picture.nodes):
        entries.append(("dead", "dead unit"))
    if "positive" in signs:
        entries.append(("positive", "▲ positive gradient"))
    if "negative" in signs:
        entries.append(("negative", "▼ negative gradient, open head"))
    if "zero" in signs:
        entries.append(("zero", "dashed: no gradient passes"))
    if "broken" in signs:
        entries.append(("broken", "! nan or infinite"))
    if signs & {"positive", "negative"}:
        entries.append(("width", "wider: larger gradient"))
    if any(row[2] == "unset" for node in picture.nodes for row in node.rows):
        entries.append(("unset", "· not computed"))
    return entries


_IN_A_ROW = 6


def _legend(picture: Picture, theme: themes.Theme, entries_of: Picture) -> str:
    cells = []
    for kind, words in legend_entries(entries_of):
        bare = any(edge.sign == "negative" and not edge.label for edge in picture.edges)
        words = words.replace(", open head", ", round head" if bare else "")
        if kind in theme.fill:
            drawn = f'STYLE="ROUNDED{",DASHED" * (kind == "constant")}" COLOR="{theme.border[kind]}"'
            cells.append(
                f'<TD BORDER="1" {drawn} BGCOLOR="{theme.fill[kind]}">'
                f"{_font(dot_html(words), theme.ink, size=themes.EDGE_SIZE)}</TD>"
            )
        else:
            color = themes.stroke(theme, kind) if kind != "width" else theme.muted
            cells.append(f"<TD>{_font(dot_html(words), color, size=themes.EDGE_SIZE)}</TD>")
    cells += [f"<TD>{_font(dot_html(note), theme.muted, size=themes.EDGE_SIZE)}</TD>" for note in picture.notes]
    rows = [
        '<TR><TD ALIGN="LEFT"><TABLE BORDER="0" CELLSPACING="6" CELLPADDING="2"><TR>'
        f"{''.join(part)}</TR></TABLE></TD></TR>"
        for part in (cells[i : i + _IN_A_ROW] for i in range(0, len(cells), _IN_A_ROW))
    ]
    return f'<<TABLE BORDER="0" CELLSPACING="0" CELLPADDING="0">{"".join(rows)}</TABLE>>'
