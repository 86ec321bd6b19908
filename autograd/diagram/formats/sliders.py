"""The page with sliders: the program of a moving picture as data, and `sliders.js`, which runs it and shows it."""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

from autograd.diagram.moving import Moving, Place
from autograd.diagram.picture.measure import measure
from autograd.diagram.picture.picture import Edge, Flag, Node, Picture
from autograd.diagram.place.drawing import Drawing, arrange
from autograd.diagram.text import number, width, xml
from autograd.diagram.theme import SIZE
from autograd.diagram.webpage import shared_script
from autograd.errors import DiagramError
from autograd.operation import Operation
from autograd.ops import OPERATIONS

from .page import page, read
from .svg import describe, document, draw_views

LARGEST = 1000  # nodes; 300 move thirty times a second
SAMPLES = 40  # positions of the sliders for whose numbers boxes have room

_MAIN = """<main class="player sliders" data-sliders="{uid}" aria-label="{title}">
<h1>{title}</h1>
<div class="inputs"><div data-part="ranges" role="group" aria-label="inputs"></div>
<figure data-part="figure"></figure></div>
<div class="stage" data-part="stage" tabindex="0" role="region" aria-label="picture">{drawn}</div>
<div class="controls"><button type="button" data-part="reset">Back to the start</button>
<button type="button" data-part="farther" aria-label="smaller">−</button>
<button type="button" data-part="closer" aria-label="larger">+</button>
<button type="button" data-part="fit" aria-pressed="false">Fit</button></div>
<p class="hidden" data-part="words" role="status" aria-live="polite"></p>
<p class="keys">Drag a slider, or press ← and → on it. Arithmetic is that of Python to the bit; exp, sin and their like
may differ in the last digit of seventeen.</p>
<script type="application/json">{content}</script>
</main>
"""


def write(drawing: Drawing, moving: Moving, uid: str) -> str:
    """The whole page, in which `uid` begins every id."""
    if len(drawing.picture.nodes) > LARGEST:
        raise DiagramError(
            f"This graph has {len(drawing.picture.nodes)} nodes, and a page with sliders shows {LARGEST} at most. "
            "Draw a part of it (focus=, depth=, path=)."
        )
    results = _samples(moving)
    picture = _with_room(drawing.picture, moving, results)
    layout = arrange(picture, drawing.asked_engine, drawing.time_limit)
    signs = [Edge(f"e{sign}", "", "", 0, 1.0, "", "", flow=sign) for sign in (1.0, -1.0, 0.0)]
    explained = replace(picture, edges=[*picture.edges, *signs])  # whatever the sliders will bring
    body, _ = draw_views({"": (picture, layout)}, "", uid, explained)
    data = {**_moving_parts(picture, moving), "program": _program(moving)}
    main = _MAIN.format(
        uid=uid,
        title=xml(picture.title),
        drawn=document(body, uid, picture.title, describe(picture)),
        content=json.dumps(data, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c"),
    )
    return page(picture.title, [main], drawing.theme, _script(moving))


def _script(moving: Moving) -> str:
    """The rules of the program's operations, as the table has them, and what runs it."""
    names = sorted({instruction.name for instruction in moving.program.instructions})
    own = [OPERATIONS[name].in_javascript if name in OPERATIONS else f"(a, b) => a {name} b" for name in names]
    table = [f"  {json.dumps(name)}: {rule}," for name, rule in zip(names, own, strict=True)]
    return "\n".join([shared_script(), "const RULES = {", *table, "};", read("zoom.js"), read("sliders.js")])


def _samples(moving: Moving) -> list[list[float]]:
    """What the program gives where the sliders start, at their ends, and at random positions between."""
    draws = random.Random(0)
    positions = [[s.start for s in moving.sliders], [s.low for s in moving.sliders], [s.high for s in moving.sliders]]
    positions += [[draws.uniform(s.low, s.high) for s in moving.sliders] for _ in range(SAMPLES)]
    return [moving.run(at) for at in positions]


def _with_room(picture: Picture, moving: Moving, results: Sequence[Sequence[float]]) -> Picture:
    """The picture with the widest of the numbers that will come, and every mark that may, in sizes that hold them."""
    widest = [max(column, key=lambda x: width(number(x), SIZE)) for column in zip(*results, strict=True)]
    picture = replace(picture, nodes=deepcopy(picture.nodes), edges=deepcopy(picture.edges))
    places = _places(picture, moving)
    for node in picture.nodes:
        node.tooltip = node.header  # without numbers, which would not move
        if node.id in places:
            place, op = places[node.id], OPERATIONS.get(places[node.id].op)
            node.value, node.grad = widest[place.value], None if node.frozen else widest[place.grad]
            node.flags = [Flag(kind, kind, "") for kind in _marks(op)]
            if any(condition is not None for condition in place.conditions):
                node.expression = re.sub(r" if [01] else ", " if … else ", node.expression)
    for edge in picture.edges:
        edge.tooltip = edge.symbol
        if edge.target in places and any(place is not None for place in places[edge.target].conditions):
            edge.rule = ""  # it holds the condition's number
        if edge.source in places:  # the branch of a `where` that is not taken now may be soon
            edge.partial = widest[places[edge.target].partials[edge.position]]
    measure(picture)
    return picture


def _places(picture: Picture, moving: Moving) -> dict[str, Place]:
    return {node.id: moving.places[node.value_id] for node in picture.nodes if node.kind != "constant"}


def _marks(op: Operation | None) -> list[str]:
    if op is None:
        return []
    return [*(["dead"] if op.dead_below is not None else []), *(["saturated"] if op.saturation is not None else [])]


def _moving_parts(picture: Picture, moving: Moving) -> dict[str, Any]:
    """Which of the program's results each part of the picture shows."""
    places = _places(picture, moving)
    nodes = {node.id: _of_node(node, places[node.id]) for node in picture.nodes if node.id in places}
    for edge in picture.edges:
        if edge.source in places and edge.position == 0 and "dead" in nodes[edge.target]:
            nodes[edge.target]["net"] = places[edge.source].value
    conditions = {
        edge.source: places[edge.target].conditions[edge.position]
        for edge in picture.edges
        if edge.source not in places
    }
    return {
        "sliders": [{"name": s.name, "low": s.low, "high": s.high, "start": s.start} for s in moving.sliders],
        # none of an input that the output does not depend on
        "grads": [moving.places[id(v)].grad if id(v) in moving.places else None for v in moving.inputs],
        "output": moving.places[id(moving.output)].value,
        "name": picture.output_names[0],
        "nodes": nodes,
        "conditions": {key: place for key, place in conditions.items() if place is not None},
        "edges": {edge.id: _of_edge(edge, places, nodes) for edge in picture.edges if edge.source in places},
    }


def _of_node(node: Node, place: Place) -> dict[str, Any]:
    op = OPERATIONS.get(place.op)
    return {
        "value": place.value,
        "kind": node.kind,
        **({} if node.frozen else {"grad": place.grad}),
        **({"dead": op.dead_below} if op is not None and op.dead_below is not None else {}),
        **({"saturated": [place.partials[0], op.saturation]} if op is not None and op.saturation is not None else {}),
    }


def _of_edge(edge: Edge, places: Mapping[str, Place], nodes: Mapping[str, Any]) -> dict[str, Any]:
    target = places[edge.target]
    return {
        "partial": target.partials[edge.position],
        "prefix": edge.label.removesuffix(number(edge.partial)),
        **({"grad": target.grad} if "grad" in nodes[edge.source] else {}),  # nothing flows to a frozen leaf
    }


def _program(moving: Moving) -> dict[str, Any]:
    """The program: its numbers are the sliders', those that are fixed, and the results of its instructions."""
    return {
        "inputs": len(moving.sliders),
        "fixed": [_plain(x) for x in moving.fixed],
        "constants": [_plain(x) for x in moving.program.constants],
        "code": [[name, *operands] for name, operands in moving.program.instructions],
        "outputs": list(moving.program.outputs),
    }


def _plain(x: float) -> float | str:
    """A number as JSON has it, or as JavaScript reads it from a text where JSON has it not."""
    return x if math.isfinite(x) else "NaN" if math.isnan(x) else "Infinity" if x > 0 else "-Infinity"
