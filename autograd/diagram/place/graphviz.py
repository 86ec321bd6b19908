"""A layout by a program that reads DOT. The DOT holds sizes and generated ids: no text of the user's reaches it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from autograd.diagram.picture.picture import group_by

from .boxes import TITLE_HEIGHT, Box, Frame, Layout, Link, Point, layers
from .engines import Engine, run

LARGE = 800  # boxes; over it an engine is asked to work less hard
LESS_WORK = {"nslimit": ".5", "nslimit1": ".5", "mclimit": ".1", "splines": "line"}


def by_engine(
    engine: Engine,
    boxes: list[Box],
    links: list[Link],
    frames: list[Frame],
    direction: str,
    limit: float,
    invisible: Sequence[tuple[str, str]] = (),
) -> Layout:
    """Positions from a DOT program, in at most `limit` seconds.

    `invisible` pairs are edges that are not drawn: the second lies behind the first.
    """
    import graphviz

    attributes, ports = _attributes(boxes, links, direction)
    graph = graphviz.Digraph(graph_attr=attributes, node_attr={"shape": "box", "fixedsize": "true", "label": ""})
    _add_boxes(graph, boxes, frames)
    for link in links:
        label = _blank(link.label_width, link.label_height) if link.label_width else ""
        at = {} if not link.centred else _ports(direction)
        weight = "1" if link.slack else "8"
        graph.edge(link.source, link.target, id=link.id, label=label, weight=weight, **(ports | at))
    known = {box.id for box in boxes}
    for point in dict.fromkeys(end for pair in invisible for end in pair if end not in known):
        graph.node(point, width="0.01", height="0.01")
    for source, target in invisible:
        graph.edge(source, target, weight="80", style="invis")
    return _read(json.loads(run(engine, graph.source, "json0", limit)), engine.name)


def _attributes(boxes: list[Box], links: list[Link], direction: str) -> tuple[dict[str, str], dict[str, str]]:
    """The attributes of the graph, and those of every edge: where it leaves a box and enters one."""
    attributes = {"rankdir": direction, "nodesep": "0.28", "ranksep": "0.45"}
    labels = sum(link.label_width > 0 for link in links)
    crowded = len(links) > min(2 * len(boxes), 500) and labels * 2 < len(links)
    if crowded:  # many edges per node need room to fan out; labels bring their own
        inches = min(5.0, 1.2 + 0.35 * len(links) / max(len(boxes), 1))
        attributes["ranksep"] = f"{inches:.2f}"
    if len(boxes) > LARGE:
        return attributes | LESS_WORK, {}
    layer = layers(boxes, links) if crowded else {}
    if crowded and all(layer[link.target] - layer[link.source] == 2 for link in links):
        # every link leads to the next column, so a straight line passes through no box, as in a drawing of a network
        return attributes | {"splines": "line"}, _ports(direction)
    return attributes, {}


def _ports(direction: str) -> dict[str, str]:
    """From the middle of the side where a box's results are to the middle of that where its operands are."""
    return {"tailport": "e", "headport": "w"} if direction == "LR" else {"tailport": "s", "headport": "n"}


def _add_boxes(graph: Any, boxes: list[Box], frames: list[Frame]) -> None:
    """Put each box into the frame that it belongs to, and each frame into the one around it."""
    members = group_by(boxes, lambda box: box.cluster)
    children = group_by(frames, lambda frame: frame.parent)

    def add(into: Any, key: str | None) -> None:
        for box in members[key]:
            into.node(box.id, width=f"{box.width / 72:.4f}", height=f"{box.height / 72:.4f}")
        for frame in children[key]:
            with into.subgraph(name="cluster_" + frame.id) as inner:
                inner.attr(label=_blank(frame.title_width, TITLE_HEIGHT), margin="10", id=frame.id)
                add(inner, frame.id)

    add(graph, None)


def _blank(width: float, height: float) -> str:
    """An HTML-like label that takes a size and shows nothing."""
    return (
        f'<<TABLE BORDER="0" CELLSPACING="0" CELLPADDING="0" FIXEDSIZE="TRUE" WIDTH="{width:.0f}" '
        f'HEIGHT="{height:.0f}"><TR><TD></TD></TR></TABLE>>'
    )


def _read(answer: dict[str, Any], engine: str) -> Layout:
    """The layout in an engine's JSON, whose y axis points upwards."""
    x0, y0, x1, y1 = (float(part) for part in answer["bb"].split(","))

    def point(text: str) -> Point:
        x, y = text.rstrip("!").split(",")[:2]
        return float(x) - x0, y1 - float(y)

    layout = Layout(x1 - x0, y1 - y0, engine=engine)
    for thing in answer.get("objects", []):
        if "pos" in thing:
            layout.nodes[thing["name"]] = point(thing["pos"])
        elif "bb" in thing and thing.get("id"):
            left, low, right, high = (float(part) for part in thing["bb"].split(","))
            layout.clusters[thing["id"]] = (left - x0, y1 - high, right - x0, y1 - low)
    for edge in answer.get("edges", []):
        if "id" not in edge:
            continue
        parts = edge["pos"].split()
        points = [point(part) for part in parts if part[0] not in "es"]
        for part in parts:
            if part[0] in "es":  # where the arrow's head or tail ends: "e,x,y" and "s,x,y"
                points[-1 if part[0] == "e" else 0] = point(part[2:])
        layout.edges[edge["id"]] = points
        if "lp" in edge:
            layout.labels[edge["id"]] = point(edge["lp"])
    return layout
