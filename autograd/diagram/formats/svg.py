"""The picture as SVG: one writer for every engine, since an engine gives positions only."""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass

from autograd.diagram import theme as themes
from autograd.diagram.picture.build import HEADER_HEIGHT, PAD, ROW_HEIGHT, Edge, Node, Picture
from autograd.diagram.picture.health import LATE
from autograd.diagram.place.layered import Layout, Point
from autograd.diagram.text import clean, finite, measurable, number, width, xml

from .dot import label_of, legend_entries, look

MARGIN = 14.0


def rules(theme: themes.Theme, scope: str) -> str:
    """The style rules of one theme, all under the element `scope`, so that two pictures on a page stay apart."""
    t = theme
    lines = [
        f"{scope} .background {{ fill: {t.background} }}",
        f"{scope} text {{ font-family: {themes.FONT_STACK}; font-size: {themes.SIZE:g}px; fill: {t.ink} }}",
        f"{scope} .small {{ font-size: {themes.EDGE_SIZE:g}px }}",
        f"{scope} .head {{ font-weight: bold }}",
        f"{scope} .key, {scope} .note {{ fill: {t.muted} }}",
        f"{scope} .rule {{ stroke: {t.muted}; stroke-opacity: .35 }}",
        f"{scope} .cluster rect {{ fill: {t.cluster}; stroke: {t.muted}; stroke-opacity: .6 }}",
        f"{scope} .cluster text {{ fill: {t.muted} }}",
        f"{scope} .cover rect {{ fill: {t.fill['group']}; stroke: {t.border['group']}; stroke-width: 1.5 }}",
    ]
    for kind in t.fill:
        lines.append(f"{scope} .box.{kind} {{ fill: {t.fill[kind]}; stroke: {t.border[kind]} }}")
    lines += [
        f"{scope} .box.broken {{ stroke: {t.broken}; stroke-width: 2 }}",
        f"{scope} .box.dead {{ stroke-width: 2 }}",
        f"{scope} .ring {{ fill: none; stroke: {t.broken}; stroke-width: 2 }}",
        f"{scope} .edge path {{ fill: none }}",
        f"{scope} .edge text {{ stroke: {t.halo}; stroke-width: 3px; stroke-linejoin: round; paint-order: stroke }}",
        f"{scope} .flag {{ fill: {t.border['dead']}; font-weight: bold }}",
        f"{scope} .flag.broken {{ fill: {t.broken} }}",
    ]
    for sign in ("positive", "negative", "zero", "broken", "unset"):
        color = themes.stroke(t, sign)
        lines.append(f"{scope} text.{sign} {{ fill: {color} }}")
        lines.append(f"{scope} .edge.{sign} path {{ stroke: {color} }}")
        head = t.background if sign == "negative" else color  # an open head: the sign is not told by colour alone
        lines.append(f"{scope} .edge.{sign} polygon {{ fill: {head}; stroke: {color} }}")
        lines.append(f"{scope} .edge.{sign} text {{ fill: {color} }}")
    lines.append(f"{scope} .edge.constant path {{ stroke: {t.muted} }}")
    lines.append(f"{scope} .edge.constant polygon {{ fill: {t.muted} }}")
    return "\n".join(lines)


def style(theme: str, scope: str) -> str:
    """Style for "light", "dark", or "auto": light, and dark where the reader's system asks for it."""
    if theme != "auto":
        return rules(themes.THEMES[theme], scope)
    dark = "\n".join("  " + line for line in rules(themes.DARK, scope).splitlines())
    return f"{rules(themes.LIGHT, scope)}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}"


@dataclass(slots=True)
class Drawing:
    """An SVG in parts: the size, and the elements inside."""

    width: float
    height: float
    body: str


def write(picture: Picture, layout: Layout, theme: str = "auto", uid: str = "cg") -> str:
    """The whole SVG document. `uid` begins every id, so that two pictures can share a page."""
    drawing = draw_body(picture, layout, uid)
    w, h = drawing.width, drawing.height
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" id="{uid}" class="chalkgrad" role="img" '
        f'aria-labelledby="{uid}-title {uid}-desc" width="{w:.0f}" height="{h:.0f}" viewBox="0 0 {w:.0f} {h:.0f}">\n'
        f'<title id="{uid}-title">{xml(picture.title)}</title>\n'
        f'<desc id="{uid}-desc">{xml(describe(picture))}</desc>\n'
        f"<style>\n{style(theme, '#' + uid)}\n</style>\n"
        f"{drawing.body}</svg>\n"
    )


def data_uri(document: str) -> str:
    """An SVG document as the address of an image."""
    return "data:image/svg+xml;base64," + base64.b64encode(document.encode("utf-8")).decode("ascii")


def describe(picture: Picture) -> str:
    """The picture in words, for those who do not see it."""
    outputs = [picture.node(key) for key in picture.outputs]
    words = f"{len(picture.nodes)} nodes and {len(picture.edges)} edges, from operands to results."
    for node in outputs[:3]:
        words += f" Output {node.name} is {number(node.value)}."
    ill = [f"{node.name}: {flag.text}" for node in picture.nodes for flag in node.flags][:8]
    return words + (f" Marked: {'; '.join(ill)}." if ill else "")


def draw_body(picture: Picture, layout: Layout, uid: str) -> Drawing:
    """The elements of the picture: background, clusters, edges, nodes, legend."""
    legend, legend_width, legend_height = _legend(picture, max(layout.width, 560.0), uid)
    w = max(layout.width, legend_width) + 2 * MARGIN
    h = layout.height + legend_height + 2 * MARGIN
    dx, dy = MARGIN + max(0.0, (w - 2 * MARGIN - layout.width) / 2), MARGIN
    parts = [
        f'<rect class="background" width="{w:.0f}" height="{h:.0f}"/>\n',
        f'<g transform="translate({dx:.1f} {dy:g})">\n',
    ]
    for cluster in picture.clusters:
        corners = layout.clusters.get(cluster.id)
        if corners is not None:
            parts.append(_cluster(cluster.id, cluster.label, corners, uid))
    parts += [_edge(edge, layout, uid) for edge in picture.edges]
    parts += [_node(node, layout.nodes[node.id], uid) for node in picture.nodes]
    for cluster in picture.clusters:
        corners = layout.clusters.get(cluster.id)
        if corners is not None and cluster.summary:
            parts.append(_cover(cluster.id, [cluster.label, *cluster.summary], corners, uid))
    parts.append("</g>\n")
    if legend:
        parts.append(
            f'<g class="legend" transform="translate({MARGIN:g} {MARGIN + layout.height + 10:.1f})">\n{legend}</g>\n'
        )
    return Drawing(w, h, "".join(parts))


def text(content: str, x: float, y: float, classes: str, size: float, anchor: str = "start", bold: bool = False) -> str:
    """A text element. Where the width of a character is not known, its length is pinned so that it fits its box."""
    pin = ""
    if not measurable(content):
        pin = f' textLength="{max(width(content, size, bold) * 0.95, 1):.1f}" lengthAdjust="spacingAndGlyphs"'
    where = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text class="{classes}" x="{x:.1f}" y="{y:.1f}"{where}{pin}>{xml(content)}</text>'


def _node(node: Node, centre: Point, uid: str) -> str:
    w, h = node.width, node.height
    x, y = centre[0] - w / 2, centre[1] - h / 2
    fill, border = look(node)
    classes = " ".join(dict.fromkeys(["box", fill, border]))
    dash = ' stroke-dasharray="4 3"' if node.kind == "constant" else ""
    parts = [f'<g id="{uid}-{node.id}" class="node {node.kind}"><title>{xml(node.tooltip)}</title>']
    late = {flag.text for flag in node.flags if flag.kind in LATE}
    if border == "broken":
        ring = "ring" if not finite(node.value) else "ring late"
        parts.append(
            f'<rect class="{ring}" x="{x - 4:.1f}" y="{y - 4:.1f}" width="{w + 8:.1f}" height="{h + 8:.1f}" rx="9"/>'
        )
    parts.append(f'<rect class="{classes}" x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" rx="6"{dash}/>')
    baseline = y + 16 if node.rows else centre[1] + 4.5
    parts.append(text(node.header, centre[0], baseline, "head", themes.SIZE, "middle", bold=True))
    if node.rows:
        line = y + HEADER_HEIGHT
        parts.append(f'<path class="rule" d="M{x:.1f} {line:.1f}h{w:.1f}"/>')
    for i, (label, content, kind) in enumerate(node.rows):
        baseline = y + HEADER_HEIGHT + ROW_HEIGHT * (i + 1) - 2
        if kind == "flag":
            extra = (" broken" if border == "broken" else "") + (" late" if content in late else "")
            parts.append(text(content, x + PAD, baseline, "flag" + extra, themes.SIZE))
        else:
            parts.append(text(label or content, x + PAD, baseline, "key" if label else "plain", themes.SIZE))
            right = x + w - PAD
            if label:
                parts.append(text(content, right, baseline, f"number {label.split()[0]} {kind}", themes.SIZE, "end"))
    parts.append("</g>\n")
    return "".join(parts)


def _edge(edge: Edge, layout: Layout, uid: str) -> str:
    points = layout.edges[edge.id]
    (x0, y0), (x1, y1) = points[-2], points[-1]
    if math.hypot(x1 - x0, y1 - y0) < 0.5 and len(points) > 2:
        x0, y0 = points[-3]
    length = math.hypot(x1 - x0, y1 - y0) or 1.0
    ux, uy = (x1 - x0) / length, (y1 - y0) / length
    stroke = themes.line_width(edge.flow)
    head, half = 7.0 + stroke, 2.6 + stroke * 0.75
    bx, by = x1 - ux * head, y1 - uy * head
    left, right = (bx - uy * half, by + ux * half), (bx + uy * half, by - ux * half)
    curve = [*points[:-1], (x1 - ux * head * 0.7, y1 - uy * head * 0.7)]
    dash = {"zero": ' stroke-dasharray="5 4"', "constant": ' stroke-dasharray="2 3"'}.get(edge.sign, "")
    parts = [
        f'<g id="{uid}-{edge.id}" class="edge {edge.sign}"><title>{xml(edge.tooltip)}</title>',
        f'<path d="{path_data(curve)}" stroke-width="{stroke:.2f}"{dash}/>',
        f'<polygon points="{x1:.1f},{y1:.1f} {left[0]:.1f},{left[1]:.1f} {right[0]:.1f},{right[1]:.1f}"/>',
    ]
    label = label_of(edge)
    if label and edge.id in layout.labels:
        x, y = layout.labels[edge.id]
        parts.append(text(label, x, y + 3, f"small {edge.sign}", themes.EDGE_SIZE, "middle"))
    parts.append("</g>\n")
    return "".join(parts)


def path_data(points: list[Point]) -> str:
    """The `d` of a path through 1 + 3k Bézier points."""
    first, *rest = [f"{x:.1f} {y:.1f}" for x, y in points]
    return f"M{first}" + "".join(f"C{' '.join(rest[i : i + 3])}" for i in range(0, len(rest), 3))


def _cluster(key: str, label: str, corners: tuple[float, float, float, float], uid: str) -> str:
    x0, y0, x1, y1 = corners
    return (
        f'<g id="{uid}-{key}" class="cluster"><rect x="{x0:.1f}" y="{y0:.1f}" width="{x1 - x0:.1f}" '
        f'height="{y1 - y0:.1f}" rx="8"/>{text(label, x0 + 10, y0 + 15, "small", themes.EDGE_SIZE)}</g>\n'
    )


def _cover(key: str, lines: list[str], corners: tuple[float, float, float, float], uid: str) -> str:
    """What a folded cluster shows instead of its nodes; the player turns it on."""
    x0, y0, x1, y1 = corners
    widest = max(width(line, themes.SIZE, bold=True) for line in lines)
    scale = max(1.0, min(3.0, (x1 - x0 - 30) / widest, (y1 - y0 - 30) / (16 * len(lines))))
    top = -8 * (len(lines) - 1) + 4
    inside = "".join(
        text(line, 0, top + 16 * i, "head" if i == 0 else "", themes.SIZE, "middle", bold=i == 0)
        for i, line in enumerate(lines)
    )
    return (
        f'<g id="{uid}-{key}-cover" class="cover" display="none"><rect x="{x0:.1f}" y="{y0:.1f}" width="{x1 - x0:.1f}" '
        f'height="{y1 - y0:.1f}" rx="8"/><g transform="translate({(x0 + x1) / 2:.1f} {(y0 + y1) / 2:.1f}) '
        f'scale({scale:.2f})">{inside}</g></g>\n'
    )


def _legend(picture: Picture, limit: float, uid: str) -> tuple[str, float, float]:
    """The legend in rows no wider than the picture; its width and height."""
    if not picture.legend:
        return "", 0.0, 0.0
    size, x, y, widest = themes.EDGE_SIZE, 0.0, 0.0, 0.0
    parts = []
    for kind, words in legend_entries(picture) + [("note", clean(note, 120)) for note in picture.notes]:
        boxed = kind in themes.LIGHT.fill
        w = width(words, size) + (16 if boxed else 4)
        if x and x + w > limit:
            x, y = 0.0, y + 24
        if boxed:
            dash = ' stroke-dasharray="4 3"' if kind == "constant" else ""
            parts.append(f'<rect class="box {kind}" x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="18" rx="5"{dash}/>')
        parts.append(
            text(words, x + (8 if boxed else 2), y + 13, f"small {'' if boxed else kind}".strip(), size) + "\n"
        )
        x += w + 12
        widest = max(widest, x - 12)
    return "".join(parts), widest, y + 18 + 12 if parts else 0.0
