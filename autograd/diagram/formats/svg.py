"""The picture as SVG. An engine gives positions only, so this is the same for all of them."""

from __future__ import annotations

import base64
import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass

from autograd.diagram.picture.picture import Cluster, Edge, Node, Picture
from autograd.diagram.place.boxes import Layout, Point, Rectangle
from autograd.diagram.place.drawing import Drawing
from autograd.diagram.text import clean, finite, measurable, number, width, xml
from autograd.diagram.theme import (
    DARK,
    EDGE_SIZE,
    FONT_STACK,
    HEADER_HEIGHT,
    LIGHT,
    PAD,
    ROW_HEIGHT,
    SIZE,
    THEMES,
    Theme,
    line_width,
    stroke,
)

from .look import fill_and_border, label_of, legend_entries

MARGIN = 14.0
_DASHES = {"zero": ' stroke-dasharray="5 4"', "constant": ' stroke-dasharray="2 3"'}
_count = itertools.count(1)


def write(drawing: Drawing) -> bytes:
    """The whole SVG document."""
    picture, uid = drawing.picture, unique_id()
    body = draw_body(picture, drawing.layout, uid)
    return document(body, uid, picture.title, describe(picture), style(drawing.theme, "#" + uid)).encode()


def unique_id() -> str:
    """What begins every id of a drawing, so that two of them can share a page."""
    return f"cg{next(_count)}"


@dataclass(slots=True)
class Body:
    """An SVG in parts: the size, and the elements inside."""

    width: float
    height: float
    elements: str


def document(body: Body, uid: str, title: str, description: str, rules: str = "") -> str:
    """A whole SVG document out of its parts, with `rules` as its style where the page around it has none."""
    w, h = f"{body.width:.0f}", f"{body.height:.0f}"
    style = f"<style>\n{rules}\n</style>\n" if rules else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" id="{uid}" class="chalkgrad" role="img" '
        f'aria-labelledby="{uid}-title {uid}-desc" width="{w}" height="{h}" viewBox="0 0 {w} {h}">\n'
        f'<title id="{uid}-title">{xml(title)}</title>\n<desc id="{uid}-desc">{xml(description)}</desc>\n'
        f"{style}{body.elements}</svg>\n"
    )


def image(svg: str, alt: str, fit: str = "100%") -> str:
    """An SVG document as an HTML image, which an untrusted notebook shows too."""
    data = base64.b64encode(svg.encode()).decode("ascii")
    return f'<img alt="{xml(alt)}" style="max-width: {fit}" src="data:image/svg+xml;base64,{data}">'


def describe(picture: Picture) -> str:
    """The picture in words, for those who do not see it."""
    words = f"{len(picture.nodes)} nodes and {len(picture.edges)} edges, from operands to results."
    nodes = {node.id: node for node in picture.nodes}
    for key in picture.outputs[:3]:
        words += f" Output {nodes[key].name} is {number(nodes[key].value)}."
    marks = [f"{node.name}: {flag.text}" for node in picture.nodes for flag in node.flags][:8]
    return words + (f" Marked: {'; '.join(marks)}." if marks else "")


def style(theme: str, scope: str) -> str:
    """Style for "light", "dark", or "auto": light, and dark where the reader's system asks for it."""
    if theme != "auto":
        return _rules(THEMES[theme], scope)
    dark = "\n".join("  " + line for line in _rules(DARK, scope).splitlines())
    return f"{_rules(LIGHT, scope)}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}"


def _rules(t: Theme, scope: str) -> str:
    """The style rules of one theme, all under the element `scope`, so that two pictures on a page stay apart."""
    rules = [
        (".background", f"fill: {t.background}"),
        ("text", f"font-family: {FONT_STACK}; font-size: {SIZE:g}px; fill: {t.ink}"),
        (".small", f"font-size: {EDGE_SIZE:g}px"),
        (".head", "font-weight: bold"),
        (f".key, {scope} .note", f"fill: {t.muted}"),
        (".rule", f"stroke: {t.muted}; stroke-opacity: .35"),
        (".cluster rect", f"fill: {t.cluster}; stroke: {t.muted}; stroke-opacity: .6"),
        (".cluster text", f"fill: {t.muted}"),
        (".cover rect", f"fill: {t.fill['group']}; stroke: {t.border['group']}; stroke-width: 1.5"),
        *((f".box.{kind}", f"fill: {t.fill[kind]}; stroke: {t.border[kind]}") for kind in t.fill),
        (".box.broken", f"stroke: {t.broken}; stroke-width: 2"),
        (".box.dead", "stroke-width: 2"),
        (".ring", f"fill: none; stroke: {t.broken}; stroke-width: 2"),
        (".edge path", "fill: none"),
        (".edge text", f"stroke: {t.background}; stroke-width: 3px; stroke-linejoin: round; paint-order: stroke"),
        (".flag", f"fill: {t.border['dead']}; font-weight: bold"),
        (".flag.broken", f"fill: {t.broken}"),
    ]
    for sign in ("positive", "negative", "zero", "broken", "unset"):
        color = stroke(t, sign)
        head = t.background if sign == "negative" else color  # an open head: the sign is not told by colour alone
        rules += [
            (f"text.{sign}", f"fill: {color}"),
            (f".edge.{sign} path", f"stroke: {color}"),
            (f".edge.{sign} polygon", f"fill: {head}; stroke: {color}"),
            (f".edge.{sign} text", f"fill: {color}"),
        ]
    rules += [(".edge.constant path", f"stroke: {t.muted}"), (".edge.constant polygon", f"fill: {t.muted}")]
    return "\n".join(f"{scope} {selector} {{ {rule} }}" for selector, rule in rules)


def draw_body(picture: Picture, layout: Layout, uid: str) -> Body:
    """The elements of the picture: background, clusters, edges, nodes, legend. `uid` begins every id."""
    legend, legend_width, legend_height = _legend(picture, max(layout.width, 560.0))
    w = max(layout.width, legend_width) + 2 * MARGIN
    h = layout.height + legend_height + 2 * MARGIN
    dx, dy = MARGIN + max(0.0, (w - 2 * MARGIN - layout.width) / 2), MARGIN
    framed = [(cluster, layout.clusters[cluster.id]) for cluster in picture.clusters if cluster.id in layout.clusters]
    parts = [
        f'<rect class="background" width="{w:.0f}" height="{h:.0f}"/>\n',
        f'<g transform="translate({dx:.1f} {dy:g})">\n',
        *(_cluster(cluster, corners, uid) for cluster, corners in framed),
        *(_edge(edge, layout, uid) for edge in picture.edges),
        *(_node(node, layout.nodes[node.id], uid) for node in picture.nodes),
        *(_cover(cluster, corners, uid) for cluster, corners in framed if cluster.summary),
        "</g>\n",
    ]
    if legend:
        y = MARGIN + layout.height + 10
        parts.append(f'<g class="legend" transform="translate({MARGIN:g} {y:.1f})">\n{legend}</g>\n')
    return Body(w, h, "".join(parts))


def text(content: str, x: float, y: float, classes: str, size: float, anchor: str = "start", bold: bool = False) -> str:
    """A text element. Where the width of a character is not known, its length is pinned so that it fits its box."""
    pin = ""
    if not measurable(content):
        pin = f' textLength="{max(width(content, size, bold) * 0.95, 1):.1f}" lengthAdjust="spacingAndGlyphs"'
    where = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text class="{classes}" x="{x:.1f}" y="{y:.1f}"{where}{pin}>{xml(content)}</text>'


def _rectangle(corners: Rectangle, radius: int, attributes: str = "") -> str:
    x0, y0, x1, y1 = corners
    size = f'width="{x1 - x0:.1f}" height="{y1 - y0:.1f}" rx="{radius}"'
    return f'<rect {attributes}x="{x0:.1f}" y="{y0:.1f}" {size}/>'


def _node(node: Node, centre: Point, uid: str) -> str:
    w, h = node.width, node.height
    x, y = centre[0] - w / 2, centre[1] - h / 2
    fill, border = fill_and_border(node)
    dash = ' stroke-dasharray="4 3"' if node.kind == "constant" else ""
    classes = " ".join(dict.fromkeys(["box", fill, border]))
    parts = [f'<g id="{uid}-{node.id}" class="node {node.kind}"><title>{xml(node.tooltip)}</title>']
    if border == "broken":
        ring = "ring late" if finite(node.value) else "ring"
        parts.append(_rectangle((x - 4, y - 4, x + w + 4, y + h + 4), 9, f'class="{ring}" '))
    parts.append(f'<rect class="{classes}" x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" rx="6"{dash}/>')
    baseline = y + 16 if node.rows else centre[1] + 4.5
    parts.append(text(node.header, centre[0], baseline, "head", SIZE, "middle", bold=True))
    if node.rows:
        parts.append(f'<path class="rule" d="M{x:.1f} {y + HEADER_HEIGHT:.1f}h{w:.1f}"/>')
    late = {flag.text for flag in node.flags if flag.late}
    for i, (label, content, kind) in enumerate(node.rows, 1):
        baseline = y + HEADER_HEIGHT + ROW_HEIGHT * i - 2
        if label:
            parts.append(text(label, x + PAD, baseline, "key", SIZE))
            parts.append(text(content, x + w - PAD, baseline, f"number {label.split()[0]} {kind}", SIZE, "end"))
        else:
            marks = [kind] + ["broken"] * (border == "broken") + ["late"] * (content in late)
            parts.append(text(content, x + PAD, baseline, " ".join(marks) if kind == "flag" else "plain", SIZE))
    parts.append("</g>\n")
    return "".join(parts)


def _edge(edge: Edge, layout: Layout, uid: str) -> str:
    points = layout.edges[edge.id]
    (x0, y0), (x1, y1) = points[-2], points[-1]
    if math.hypot(x1 - x0, y1 - y0) < 0.5 and len(points) > 2:
        x0, y0 = points[-3]
    length = math.hypot(x1 - x0, y1 - y0) or 1.0
    ux, uy = (x1 - x0) / length, (y1 - y0) / length
    thick = line_width(edge.flow)
    head, half = 7.0 + thick, 2.6 + thick * 0.75
    bx, by = x1 - ux * head, y1 - uy * head
    left, right = (bx - uy * half, by + ux * half), (bx + uy * half, by - ux * half)
    curve = [*points[:-1], (x1 - ux * head * 0.7, y1 - uy * head * 0.7)]
    parts = [
        f'<g id="{uid}-{edge.id}" class="edge {edge.sign}"><title>{xml(edge.tooltip)}</title>',
        f'<path d="{_path(curve)}" stroke-width="{thick:.2f}"{_DASHES.get(edge.sign, "")}/>',
        f'<polygon points="{x1:.1f},{y1:.1f} {left[0]:.1f},{left[1]:.1f} {right[0]:.1f},{right[1]:.1f}"/>',
    ]
    if label_of(edge) and edge.id in layout.labels:
        x, y = layout.labels[edge.id]
        parts.append(text(label_of(edge), x, y + 3, f"small {edge.sign}", EDGE_SIZE, "middle"))
    parts.append("</g>\n")
    return "".join(parts)


def _path(points: Iterable[Point]) -> str:
    """The `d` of a path through 1 + 3k Bézier points."""
    first, *rest = [f"{x:.1f} {y:.1f}" for x, y in points]
    return f"M{first}" + "".join(f"C{' '.join(rest[i : i + 3])}" for i in range(0, len(rest), 3))


def _cluster(cluster: Cluster, corners: Rectangle, uid: str) -> str:
    label = text(cluster.label, corners[0] + 10, corners[1] + 15, "small", EDGE_SIZE)
    return f'<g id="{uid}-{cluster.id}" class="cluster">{_rectangle(corners, 8)}{label}</g>\n'


def _cover(cluster: Cluster, corners: Rectangle, uid: str) -> str:
    """What a folded cluster shows instead of its nodes; the player turns it on."""
    x0, y0, x1, y1 = corners
    lines = [cluster.label, *cluster.summary]
    widest = max(width(line, SIZE, bold=True) for line in lines)
    scale = max(1.0, min(3.0, (x1 - x0 - 30) / widest, (y1 - y0 - 30) / (16 * len(lines))))
    top = -8 * (len(lines) - 1) + 4
    inside = "".join(
        text(line, 0, top + 16 * i, "" if i else "head", SIZE, "middle", bold=not i) for i, line in enumerate(lines)
    )
    return (
        f'<g id="{uid}-{cluster.id}-cover" class="cover" display="none">{_rectangle(corners, 8)}'
        f'<g transform="translate({(x0 + x1) / 2:.1f} {(y0 + y1) / 2:.1f}) scale({scale:.2f})">{inside}</g></g>\n'
    )


def _legend(picture: Picture, limit: float) -> tuple[str, float, float]:
    """The legend in rows no wider than the picture; its width and height."""
    if not picture.legend:
        return "", 0.0, 0.0
    x, y, widest = 0.0, 0.0, 0.0
    parts = []
    for kind, words in legend_entries(picture) + [("note", clean(note, 120)) for note in picture.notes]:
        boxed = kind in LIGHT.fill
        w = width(words, EDGE_SIZE) + (16 if boxed else 4)
        if x and x + w > limit:
            x, y = 0.0, y + 24
        if boxed:
            dash = ' stroke-dasharray="4 3"' if kind == "constant" else ""
            parts.append(f'<rect class="box {kind}" x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="18" rx="5"{dash}/>')
        classes = "small" if boxed else f"small {kind}"
        parts.append(text(words, x + (8 if boxed else 2), y + 13, classes, EDGE_SIZE) + "\n")
        x += w + 12
        widest = max(widest, x - 12)
    return "".join(parts), widest, y + 18 + 12 if parts else 0.0
