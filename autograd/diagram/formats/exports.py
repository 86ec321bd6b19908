"""The picture in text formats that other programs read: TikZ, Mermaid, JSON, and a tree for the terminal."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from typing import Any

from autograd.diagram import theme as themes
from autograd.diagram.picture.build import Edge, Node, Picture
from autograd.diagram.place.layered import Layout
from autograd.diagram.text import mermaid, number, tex

from .dot import label_of, look

SCHEMA = "chalkgrad-graph"
DEEPEST = 40


def as_json(picture: Picture) -> str:
    """The graph as JSON.

    An object with `format` ("chalkgrad-graph"), `version` (1), `title`, `outputs` (ids), `notes` (texts), and

    - `nodes`, operands before users: `id`, `kind` ("parameter", "input", "operation", "output", "constant", "group"),
      `name`, `operation` and `expression` (empty for a leaf), `value`, `gradient` (null where never computed), `flags`
      (objects with `kind` and `text`), `cluster` (id or null), `source` (`file:line: text`, or empty);
    - `edges`: `id`, `source`, `target` (ids), `position` (which operand), `partial` (the local derivative; null for a
      constant), `rule` (it as a formula), `flow` (partial times the target's gradient, or null), `count` (edges that
      this one stands for);
    - `clusters`: `id`, `label`, `parent` (id or null), `summary` (texts).

    JSON has no nan and no infinity: those numbers are the strings "nan", "inf" and "-inf".
    """
    content = {
        "format": SCHEMA,
        "version": 1,
        "title": picture.title,
        "outputs": picture.outputs,
        "notes": picture.notes,
        "nodes": [
            {
                "id": n.id, "kind": n.kind, "name": n.name, "operation": n.op, "expression": n.expression,
                "value": _plain(n.value), "gradient": _plain(n.grad), "cluster": n.cluster, "source": n.source,
                "flags": [{"kind": flag.kind, "text": flag.text} for flag in n.flags],
            }
            for n in picture.nodes
        ],
        "edges": [
            {
                "id": e.id, "source": e.source, "target": e.target, "position": e.position, "rule": e.rule,
                "partial": _plain(e.partial), "flow": _plain(e.flow), "count": e.count,
            }
            for e in picture.edges
        ],
        "clusters": [
            {"id": c.id, "label": c.label, "parent": c.parent, "summary": c.summary} for c in picture.clusters
        ],
    }  # fmt: skip
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _plain(x: float | None) -> float | str | None:
    return repr(x) if x is not None and not math.isfinite(x) else x


def as_text(picture: Picture) -> str:
    """The graph as a tree with the output on top. A value that several use is written out once."""
    incoming: dict[str, list[Edge]] = defaultdict(list)
    for arrow in picture.edges:
        incoming[arrow.target].append(arrow)
    nodes = {node.id: node for node in picture.nodes}
    written: set[str] = set()
    lines = [picture.title, ""]
    # A list of what is still to be written, since a graph may be deeper than Python recurses.
    used = {edge.source for edge in picture.edges}
    # a picture of a part may leave out the output, and has then other values that nothing in it uses
    tops = dict.fromkeys(picture.outputs + [node.id for node in picture.nodes if node.id not in used])
    waiting: list[tuple[str, Edge | None, str, bool]] = [(key, None, "", True) for key in reversed(tops)]
    while waiting:
        key, edge, prefix, last = waiting.pop()
        node = nodes[key]
        branch = "" if edge is None else "└─ " if last else "├─ "
        again = key in written and bool(incoming[key])
        lines.append(f"{prefix}{branch}{_line(node, edge, again)}")
        if again:
            continue
        written.add(key)
        deeper = prefix + ("" if edge is None else "   " if last else "│  ")
        if len(deeper) > 3 * DEEPEST and incoming[key]:
            lines.append(f"{deeper}└─ … deeper, not shown")
            continue
        below = incoming[key]
        for i, link in reversed(list(enumerate(below))):
            waiting.append((link.source, link, deeper, i == len(below) - 1))
    return "\n".join([*lines, "", *picture.notes] if picture.notes else lines) + "\n"


def _line(node: Node, edge: Edge | None, again: bool) -> str:
    if node.kind == "constant":
        return f"{node.name} (constant)"
    text = node.header if node.expression else node.full_name
    if again:
        text = f"{node.full_name} (above)"
    elif node.kind == "group":
        text += ": " + ", ".join(row[1] for row in node.rows)
    else:
        text += f"  [value {number(node.value)}"
        text += "]" if node.frozen else f", grad {number(node.grad)}]"
        text += "".join(f"  !! {flag.text}" for flag in node.flags)
    if edge is not None and edge.partial is not None:
        shown = number(edge.partial)
        rule = f"{edge.rule} = " if edge.rule and edge.rule != shown else ""
        text += f"   {edge.symbol} = {rule}{shown}"
    return text


def as_mermaid(picture: Picture) -> str:
    """The graph as a Mermaid flowchart. Every text is in quotes, and what is special in it is an entity code."""
    lines = [f"flowchart {picture.direction}"]
    members: dict[str | None, list[Node]] = defaultdict(list)
    for node in picture.nodes:
        members[node.cluster].append(node)

    def write(key: str | None, pad: str) -> None:
        for node in members[key]:
            rows = [node.header, *(f"{label} {text}".strip() for label, text, _ in node.rows)]
            lines.append(f'{pad}{node.id}["{"<br/>".join(mermaid(row) for row in rows)}"]:::{look(node)[1]}')
        for cluster in picture.clusters:
            if cluster.parent == key:
                lines.append(f'{pad}subgraph {cluster.id}["{mermaid(cluster.label)}"]')
                write(cluster.id, pad + "  ")
                lines.append(f"{pad}end")

    write(None, "  ")
    for edge in picture.edges:
        arrow = "-.->" if edge.sign in ("constant", "zero") else "-->"
        label = label_of(edge)
        lines.append(f"  {edge.source} {arrow}" + (f'|"{mermaid(label)}"|' if label else "") + f" {edge.target}")
    for i, edge in enumerate(picture.edges):
        if edge.sign != "constant":
            color = themes.stroke(themes.LIGHT, edge.sign)
            lines.append(f"  linkStyle {i} stroke:{color},stroke-width:{themes.line_width(edge.flow):.1f}px")
    light = themes.LIGHT
    for kind in (*light.fill, "broken"):
        fill = light.fill.get(kind, "#ffffff")
        dash = ",stroke-dasharray:4 3" if kind == "constant" else ""
        lines.append(f"  classDef {kind} fill:{fill},stroke:{light.border[kind]},color:{light.ink}{dash}")
    return "\n".join(lines) + "\n"


def as_tikz(picture: Picture, layout: Layout, theme: themes.Theme) -> str:
    """The picture as a LaTeX document with one TikZ picture, at the positions of the layout."""
    colors: dict[str, str] = {}

    def color(value: str) -> str:
        return colors.setdefault(value, f"cg{value[1:]}")

    body: list[str] = []
    for cluster in picture.clusters:
        corners = layout.clusters.get(cluster.id)
        if corners is not None:
            x0, y0, x1, y1 = corners
            body.append(
                rf"\draw[rounded corners=6pt, draw={color(theme.muted)}, fill={color(theme.cluster)}] "
                f"({x0:.1f}pt,{-y0:.1f}pt) rectangle ({x1:.1f}pt,{-y1:.1f}pt);"
            )
            body.append(
                rf"\node[anchor=north west, text={color(theme.muted)}, font=\small\sffamily] "
                rf"at ({x0:.1f}pt,{-y0:.1f}pt) {{{tex(cluster.label)}}};"
            )
    for edge in picture.edges:
        sign = edge.sign
        ink = color(theme.muted if sign == "constant" else themes.stroke(theme, sign))
        style = {"zero": ", dashed", "constant": ", dotted"}.get(sign, "")
        points = [f"({x:.1f}pt,{-y:.1f}pt)" for x, y in layout.edges[edge.id]]
        curve = points[0] + "".join(
            f" .. controls {points[i]} and {points[i + 1]} .. {points[i + 2]}" for i in range(1, len(points) - 2, 3)
        )
        body.append(rf"\draw[-{{Latex}}, {ink}, line width={themes.line_width(edge.flow):.2f}pt{style}] {curve};")
        if label_of(edge) and edge.id in layout.labels:
            x, y = layout.labels[edge.id]
            body.append(
                rf"\node[font=\scriptsize\sffamily, text={ink}, inner sep=1pt] at ({x:.1f}pt,{-y:.1f}pt) "
                rf"{{{tex(label_of(edge))}}};"
            )
    for node in picture.nodes:
        body.append(_tikz_node(node, layout, theme, color))
    defined = [rf"\definecolor{{{name}}}{{HTML}}{{{value[1:].upper()}}}" for value, name in colors.items()]
    ground = color(theme.background)
    head = [
        "% Set with LuaLaTeX or XeLaTeX: names may hold any letter.", r"\documentclass[tikz, border=8pt]{standalone}",
        r"\usepackage{amssymb}", r"\usetikzlibrary{arrows.meta}", *defined,
        rf"\definecolor{{{ground}}}{{HTML}}{{{theme.background[1:].upper()}}}", r"\begin{document}",
        rf"\pagecolor{{{ground}}}", r"\begin{tikzpicture}",
    ]  # fmt: skip
    return "\n".join([*head, *body, r"\end{tikzpicture}", r"\end{document}", ""])


def _tikz_node(node: Node, layout: Layout, theme: themes.Theme, color: Any) -> str:
    x, y = layout.nodes[node.id]
    fill, border = look(node)
    rows = [rf"\textbf{{{tex(node.header)}}}"]
    for label, text, kind in node.rows:
        ink = theme.ink if kind == "plain" else theme.border["dead"] if kind == "flag" else themes.stroke(theme, kind)
        shown = rf"\textcolor{{{color(ink)}}}{{{tex(text)}}}"
        rows.append(rf"\textcolor{{{color(theme.muted)}}}{{{tex(label)}}} \hfill {shown}" if label else shown)
    dash = ", dashed" if node.kind == "constant" else ", double" if border == "broken" else ""
    inner = node.width - 12
    content = r" \\ ".join(rows)
    return (
        rf"\node[rounded corners=4pt, draw={color(theme.border[border])}, fill={color(theme.fill[fill])}, "
        rf"text={color(theme.ink)}{dash}, font=\footnotesize\sffamily, inner sep=4pt, text width={inner:.1f}pt, "
        rf"minimum height={node.height:.1f}pt, align={'center' if not node.rows else 'left'}] ({node.id}) "
        rf"at ({x:.1f}pt,{-y:.1f}pt) {{{content}}};"
    )
