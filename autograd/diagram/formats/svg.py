"""The picture as SVG. An engine gives positions only, so this is the same for all of them."""

from __future__ import annotations

import base64
import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from autograd.diagram.picture.picture import Cluster, Edge, Node, Picture, Row
from autograd.diagram.picture.record import cells, ellipse_of, record_of
from autograd.diagram.place.boxes import Layout, Point, Rectangle, Shape, Words
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
    stroke,
)

from .look import fill_and_border, is_dashed, label_of, legend_entries, strength, words_of

MARGIN = 14.0
Legend = tuple[str, float, float]  # its elements, its width and its height
_DASHES = {"zero": ' stroke-dasharray="5 4"', "constant": ' stroke-dasharray="2 3"'}
_count = itertools.count(1)


def write(drawing: Drawing) -> bytes:
    """The whole SVG document."""
    return of_theme(drawing, drawing.theme).encode()


def of_theme(drawing: Drawing, theme: str) -> str:
    """The SVG document in another theme than the drawing's."""
    picture, uid = drawing.picture, unique_id()
    body = draw_body(picture, drawing.layout, uid)
    return document(body, uid, picture.title, describe(picture), style(theme, "#" + uid))


def at_work(picture: Picture, drawing: Drawing, explained: Picture, active: Iterable[str], phase: str) -> str:
    """A frame of an animation: another moment of the picture, with what is at work marked, and the legend of all."""
    uid, colours = unique_id(), drawing.colours
    layout = replace(drawing.layout, strengths={})  # which are those of the last moment
    body, _ = draw_views({"": (picture, layout)}, "", uid, explained)
    colour = colours.forward if phase == "forward" else colours.backward
    marks = [
        f"#{uid} #{uid}-{key} {part} {{ {rule} }}"
        for key in active
        for part, rule in (
            (".box", f"stroke: {colour}; stroke-width: 3"),
            ("path", f"stroke: {colour}"),
            ("polygon", f"stroke: {colour}; fill: {colour}"),
            (".small", f"fill: {colour}"),
        )
    ]
    rules = "\n".join([style(colours.name, "#" + uid), *marks])
    return document(body, uid, picture.title, "", rules)


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


def image(svg: str, alt: str) -> str:
    """An SVG document as an HTML image, which an untrusted notebook shows too."""
    data = base64.b64encode(svg.encode()).decode("ascii")
    return f'<img alt="{xml(alt)}" style="max-width: 100%" src="data:image/svg+xml;base64,{data}">'


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
    return f"{_rules(LIGHT, scope)}\n@media screen and (prefers-color-scheme: dark) {{\n{dark}\n}}"


def _rules(t: Theme, scope: str) -> str:
    """The style rules of one theme, all under the element `scope`, so that two pictures on a page stay apart."""
    rules = [
        (".background", f"fill: {t.background}"),
        ("text", f"font-family: {FONT_STACK}; font-size: {SIZE:g}px; fill: {t.ink}"),
        (".small", f"font-size: {EDGE_SIZE:g}px"),
        (".head", "font-weight: bold"),
        (f".key, {scope} .note", f"fill: {t.muted}"),
        (".rule", f"stroke: {t.muted}; stroke-opacity: .35"),
        (".joint", f"stroke: {t.muted}; fill: {t.muted}"),
        (".cluster rect", f"fill: {t.cluster}; stroke: {t.muted}; stroke-opacity: .6"),
        (".cluster text", f"fill: {t.muted}"),
        *((f".box.{kind}", f"fill: {t.fill[kind]}; stroke: {t.border[kind]}") for kind in t.fill),
        (".box.broken", f"stroke: {t.broken}; stroke-width: 2"),
        (".box.dead", "stroke-width: 2"),
        (".box.new", f"stroke: {t.border['new']}; stroke-width: 3"),
        ("text.new", f"fill: {t.border['new']}"),
        (".ring", f"fill: none; stroke: {t.broken}; stroke-width: 2"),
        (".edge path", "fill: none"),
        (".box.frame", "fill: none; stroke: none"),
        (
            f".edge text, {scope} .halo text",
            f"stroke: {t.background}; stroke-width: 3px; stroke-linejoin: round; paint-order: stroke",
        ),
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
    return draw_views({"": (picture, layout)}, "", uid)[0]


def draw_views(
    views: Mapping[str, tuple[Picture, Layout]], first: str, uid: str, explained: Picture | None = None
) -> tuple[Body, dict[str, Any]]:
    """The elements of several pictures of one graph, each drawn once, and where they stand in each of the pictures.

    What is not in the `first` picture is hidden. Of each view there are its "size", the "shift" of the whole, the place
    of the "legend", by how much each of the "nodes" is away from where it is drawn, the line, the head, the place and
    the words of each of the "edges", and the corner and the size of each of the "clusters".
    """
    order = [first, *(key for key in views if key != first)]
    picture, layout = views[first]
    nodes, edges = _first_of_each(views[key][0] for key in order)
    whole = replace(picture, nodes=list(nodes.values()), edges=list(edges.values()))
    legend = _legend(replace(explained, notes=picture.notes) if explained else whole, layout)
    drawn: dict[str, str] = {}  # elements by id
    frames: dict[str, str] = {}  # those of clusters, which may have the id of a box
    centres: dict[str, Point] = {}
    places: dict[str, Any] = {}
    for key in order:
        picture, layout = views[key]
        more = "" if key == first else ' display="none"'
        for cluster in picture.clusters:
            if cluster.id in layout.clusters:
                frames.setdefault(cluster.id, _cluster(cluster, layout.clusters[cluster.id], uid, more))
        for edge in picture.edges:
            if edge.id not in drawn and edge.id in layout.edges:
                drawn[edge.id] = _edge(edge, layout, uid, more, always=len(views) > 1)
        for node in picture.nodes:
            if node.id not in drawn and node.id in layout.nodes:
                centres[node.id] = layout.nodes[node.id]
                shape = layout.shapes.get(node.id)
                drawn[node.id] = (
                    _node(node, centres[node.id], uid, more)
                    if shape is None
                    else _shape(node, shape, centres[node.id], uid)
                )
        places[key] = _places(picture, layout, centres, legend)
    w, h, dx, dy, at = _stage(views[first][1], legend)
    parts = [
        f'<rect class="background" width="{w:.0f}" height="{h:.0f}"/>\n',
        f'<g class="graph" transform="translate({dx:.1f} {dy:g})">\n',
        *frames.values(),  # those inside of others come after them
        *(drawn[key] for key in (*edges, *nodes) if key in drawn),
        f'<g class="halo">{"".join(map(_words, layout.words))}</g>\n' if layout.words else "",
        "</g>\n",
    ]
    if legend[0]:
        parts.append(f'<g class="legend" transform="translate({MARGIN:g} {at:.1f})">\n{legend[0]}</g>\n')
    return Body(w, h, "".join(parts)), places


def _first_of_each(pictures: Iterable[Picture]) -> tuple[dict[str, Node], dict[str, Edge]]:
    """The nodes and edges that are in one of the pictures, by id, as they are in the first that has them."""
    nodes: dict[str, Node] = {}
    edges: dict[str, Edge] = {}
    for picture in pictures:
        nodes |= {node.id: node for node in picture.nodes if node.id not in nodes}
        edges |= {edge.id: edge for edge in picture.edges if edge.id not in edges}
    return nodes, edges


def _stage(layout: Layout, legend: Legend) -> tuple[float, float, float, float, float]:
    """Width and height of a picture with its legend, where the graph begins, and where the legend does."""
    w = max(layout.width, legend[1]) + 2 * MARGIN
    h = layout.height + legend[2] + 2 * MARGIN
    return w, h, MARGIN + max(0.0, (w - 2 * MARGIN - layout.width) / 2), MARGIN, MARGIN + layout.height + 10


def _places(picture: Picture, layout: Layout, centres: Mapping[str, Point], legend: Legend) -> dict[str, Any]:
    """Where everything stands in a view, as plain data for the player: `draw_views` says what."""
    w, h, dx, dy, at = _stage(layout, legend)
    nodes = {node.id: (*layout.nodes[node.id], *centres[node.id]) for node in picture.nodes if node.id in layout.nodes}
    drawn = [edge for edge in picture.edges if edge.id in layout.edges]
    edges = {edge.id: [*_line(edge, layout), *_label_place(edge, layout), edge.label] for edge in drawn}
    return {
        "size": [round(w), round(h)],
        "shift": [round(dx, 1), dy],
        "legend": [MARGIN, round(at, 1)],
        "nodes": {key: [round(x - x0, 1), round(y - y0, 1)] for key, (x, y, x0, y0) in nodes.items()},
        "edges": edges,
        "clusters": {
            cluster.id: [round(x, 1) for x in (x0, y0, x1 - x0, y1 - y0)]
            for cluster in picture.clusters
            if cluster.id in layout.clusters
            for x0, y0, x1, y1 in [layout.clusters[cluster.id]]
        },
    }


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


def _node(node: Node, centre: Point, uid: str, more: str = "") -> str:
    x, y, w, h = record_of(node, *centre) if node.record else (*centre, node.width, node.height)
    corners = x - w / 2, y - h / 2, x + w / 2, y + h / 2
    fill, border = fill_and_border(node)
    dash = ' stroke-dasharray="4 3"' if is_dashed(node) else ""
    classes = " ".join(dict.fromkeys(["box", fill, border]))
    parts = [f'<g id="{uid}-{node.id}" class="node {node.kind}"{more}><title>{xml(node.tooltip)}</title>']
    if node.symbol:
        parts.append(_ellipse(node, centre))
    if border == "broken":
        ring = "ring late" if finite(node.value) else "ring"
        around = corners[0] - 4, corners[1] - 4, corners[2] + 4, corners[3] + 4
        parts.append(_rectangle(around, 9, f'class="{ring}" '))
    parts.append(_rectangle(corners, 6, f'class="{classes}" ')[:-2] + f"{dash}/>")
    parts += _side_by_side(node, corners, border) if node.record else _in_rows(node, corners, border)
    parts.append("</g>\n")
    return "".join(parts)


def _in_rows(node: Node, corners: Rectangle, border: str) -> list[str]:
    """The heading of a box, and below a line its rows."""
    left, top, right, bottom = corners
    baseline = top + 16 if node.rows else (top + bottom) / 2 + 4.5
    parts = [text(node.heading, (left + right) / 2, baseline, "head", SIZE, "middle", bold=True)]
    if node.rows:
        parts.append(f'<path class="rule" d="M{left:.1f} {top + HEADER_HEIGHT:.1f}h{right - left:.1f}"/>')
    for i, row in enumerate(node.rows, 1):
        parts += _row(node, row, left, right, top + HEADER_HEIGHT + ROW_HEIGHT * i - 2, border)
    return parts


def _side_by_side(node: Node, corners: Rectangle, border: str) -> list[str]:
    """The name of a record and its rows, between them lines."""
    left, top, _, bottom = corners
    (first, *others), baseline = cells(node), (top + bottom) / 2 + 4.5
    parts = [text(node.heading, left + first / 2, baseline, "head", SIZE, "middle", bold=True)]
    x = left + first
    for row, long in zip(node.rows, others, strict=True):
        parts.append(f'<path class="rule" d="M{x:.1f} {top:.1f}v{bottom - top:.1f}"/>')
        parts += _row(node, row, x, x + long, baseline, border)
        x += long
    return parts


def _row(node: Node, row: Row, left: float, right: float, baseline: float, border: str) -> list[str]:
    """A word on the left and a number on the right, or a text."""
    label, content, kind = row
    if label:
        what = "value" if label == "data" else label.split()[0]
        number_at = text(content, right - PAD, baseline, f"number {what} {kind}", SIZE, "end")
        return [text(label, left + PAD, baseline, "key", SIZE), number_at]
    late = any(flag.late and flag.text == content for flag in node.flags)
    marks = [kind] + ["broken"] * (border == "broken") + ["late"] * late
    return [text(content, left + PAD, baseline, " ".join(marks) if kind == "flag" else kind, SIZE)]


def _ellipse(node: Node, centre: Point) -> str:
    """The operation of a record, and the arrow from it to the record."""
    (x, y, w, h), (to_x, to_y, long, high) = ellipse_of(node, *centre), record_of(node, *centre)
    start, end = (x + w / 2, y), (to_x - long / 2, to_y)
    head = [(end[0] - 7, y - 3.2), (end[0] - 7, y + 3.2)]
    if node.above:
        start, end = (x, y + h / 2), (to_x, to_y - high / 2)
        head = [(x - 3.2, end[1] - 7), (x + 3.2, end[1] - 7)]
    corners = " ".join(f"{a:.1f},{b:.1f}" for a, b in [end, *head])
    return (
        f'<ellipse class="box op" cx="{x:.1f}" cy="{y:.1f}" rx="{w / 2:.1f}" ry="{h / 2:.1f}"/>'
        f"{text(node.symbol, x, y + 4.5, 'head', SIZE, 'middle', bold=True)}"
        f'<path class="joint" d="M{start[0]:.1f} {start[1]:.1f}L{end[0]:.1f} {end[1]:.1f}"/>'
        f'<polygon class="joint" points="{corners}"/>'
    )


def _shape(node: Node, shape: Shape, centre: Point, uid: str) -> str:
    """A node that is no box. Where it has no circle, what is at work is framed round its numbers."""
    fill, border = fill_and_border(node)
    x, y = centre
    halo = "" if shape.radius else " halo"
    parts = [f'<g id="{uid}-{node.id}" class="node {node.kind}{halo}"><title>{xml(node.tooltip)}</title>']
    words = list(words_of(node, shape, centre))
    if shape.radius:
        dash = ' stroke-dasharray="4 3"' if node.kind == "parameter" else ""
        circle = f'cx="{x:.1f}" cy="{y:.1f}"'
        if border == "broken":
            parts.append(f'<circle class="ring" {circle} r="{shape.radius + 4:g}"/>')
        classes = " ".join(dict.fromkeys(["box", fill, border]))
        parts.append(f'<circle class="{classes}" {circle} r="{shape.radius:g}"{dash}/>')
    else:  # seen while it is at work
        corners = _round(words) if words else (x - 34, y - 34, x + 34, y + 34)
        parts.append(_rectangle(corners, 4, 'class="box frame" '))
    parts += map(_words, words)
    return "".join([*parts, "</g>\n"])


def _round(every: Iterable[Words]) -> Rectangle:
    """The corners of a frame round some words."""
    shares = {"start": 0.0, "middle": 0.5, "end": 1.0}
    ends = [
        (words.x - shares[words.anchor] * long, long, words.y)
        for words in every
        for long in [width(words.text, EDGE_SIZE)]
    ]
    left, right = min(x for x, _, _ in ends), max(x + long for x, long, _ in ends)
    return left - 4, min(y for *_, y in ends) - EDGE_SIZE, right + 4, max(y for *_, y in ends) + 4


def _words(words: Words) -> str:
    size = SIZE if words.bold else EDGE_SIZE
    classes = " ".join(filter(None, [words.kind, "" if words.bold else "small", words.part]))
    return text(words.text, words.x, words.y, classes, size, words.anchor, words.bold)


def _edge(edge: Edge, layout: Layout, uid: str, more: str = "", always: bool = False) -> str:
    line, head = _line(edge, layout)
    sign, thick = strength(edge, layout)
    parts = [
        f'<g id="{uid}-{edge.id}" class="edge {sign}"{more}><title>{xml(edge.tooltip)}</title>',
        f'<path d="{line}" stroke-width="{thick:.2f}"{_DASHES.get(sign, "")}/>',
        f'<polygon points="{head}"/>',
    ]
    if always or (label_of(edge) and edge.id in layout.labels):
        parts.append(text(label_of(edge), *_label_place(edge, layout), f"small {edge.sign}", EDGE_SIZE, "middle"))
    parts.append("</g>\n")
    return "".join(parts)


def _line(edge: Edge, layout: Layout) -> tuple[str, str]:
    """The curve of an edge, and the corners of its head."""
    points = layout.edges[edge.id]
    (x0, y0), (x1, y1) = points[-2], points[-1]
    if math.hypot(x1 - x0, y1 - y0) < 0.5 and len(points) > 2:
        x0, y0 = points[-3]
    length = math.hypot(x1 - x0, y1 - y0) or 1.0
    ux, uy = (x1 - x0) / length, (y1 - y0) / length
    _, thick = strength(edge, layout)
    head, half = 7.0 + thick, 2.6 + thick * 0.75
    bx, by = x1 - ux * head, y1 - uy * head
    left, right = (bx - uy * half, by + ux * half), (bx + uy * half, by - ux * half)
    curve = [*points[:-1], (x1 - ux * head * 0.7, y1 - uy * head * 0.7)]
    return _path(curve), f"{x1:.1f},{y1:.1f} {left[0]:.1f},{left[1]:.1f} {right[0]:.1f},{right[1]:.1f}"


def _label_place(edge: Edge, layout: Layout) -> Point:
    x, y = layout.labels.get(edge.id, layout.edges[edge.id][0])
    return round(x, 1), round(y + 3, 1)


def _path(points: Iterable[Point]) -> str:
    """The `d` of a path through 1 + 3k Bézier points."""
    first, *rest = [f"{x:.1f} {y:.1f}" for x, y in points]
    return f"M{first}" + "".join(f"C{' '.join(rest[i : i + 3])}" for i in range(0, len(rest), 3))


def _cluster(cluster: Cluster, corners: Rectangle, uid: str, more: str = "") -> str:
    label = text(cluster.label, corners[0] + 10, corners[1] + 15, "small", EDGE_SIZE)
    return f'<g id="{uid}-{cluster.id}-frame" class="cluster"{more}>{_rectangle(corners, 8)}{label}</g>\n'


def _legend(picture: Picture, layout: Layout) -> Legend:
    """The legend in rows no wider than the picture; its width and height."""
    if not picture.legend:
        return "", 0.0, 0.0
    x, y, widest, limit = 0.0, 0.0, 0.0, max(layout.width, 560.0)
    parts = []
    for kind, words in legend_entries(picture, layout) + [("note", clean(note, 120)) for note in picture.notes]:
        boxed = kind in LIGHT.fill
        w = width(words, EDGE_SIZE) + (16 if boxed else 4)
        if x and x + w > limit:
            x, y = 0.0, y + 24
        if boxed:
            dash = ' stroke-dasharray="4 3"' if kind in ("constant", "gone") else ""
            parts.append(f'<rect class="box {kind}" x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="18" rx="5"{dash}/>')
        classes = "small" if boxed else f"small {kind}"
        parts.append(text(words, x + (8 if boxed else 2), y + 13, classes, EDGE_SIZE) + "\n")
        x += w + 12
        widest = max(widest, x - 12)
    return "".join(parts), widest, y + 18 + 12 if parts else 0.0
