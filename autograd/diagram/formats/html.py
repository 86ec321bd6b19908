"""The player: one HTML page, with no request to anywhere, that steps through a graph. Its script is `player.js`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from autograd.diagram.chain_rule.steps import as_data
from autograd.diagram.picture.fold import boxes, views
from autograd.diagram.picture.picture import Picture
from autograd.diagram.place.boxes import Layout
from autograd.diagram.place.drawing import Drawing, arrange
from autograd.diagram.text import number, xml
from autograd.diagram.webpage import shared_script
from autograd.errors import DiagramError

from . import sliders
from .page import page, read
from .svg import Body, describe, document, draw_body, draw_views, unique_id

MAX_STEPS = 5000  # nodes in a player: each step shows all that came before it
MAX_ROWS = 500  # of a table
PLAYABLE = 400  # nodes; up to here the player of a folded picture holds every node, folded

_CONTROLS = """<div class="controls" role="group" aria-label="steps">
<button type="button" data-part="first" aria-label="first step">|◀</button>
<button type="button" data-part="previous" aria-label="previous step">◀</button>
<button type="button" data-part="play" aria-pressed="false">Play</button>
<button type="button" data-part="next" aria-label="next step">▶</button>
<button type="button" data-part="last" aria-label="last step">▶|</button>
<input type="range" data-part="slider" min="0" max="0" value="0" step="1" aria-label="step">
<span class="count" data-part="count"></span>
<select data-part="speed" aria-label="speed"><option value="2400">slow</option>
<option value="1200" selected>normal</option><option value="400">fast</option></select>
<button type="button" data-part="farther" aria-label="smaller">−</button>
<button type="button" data-part="closer" aria-label="larger">+</button>
<button type="button" data-part="fit" aria-pressed="false">Fit</button>
</div>
"""
_DERIVATIONS = """<details data-part="why"><summary>The chain rule for one parameter</summary>
<label>parameter <select data-part="parameter"></select></label>
<div class="lines" data-part="derivation"></div></details>
"""


def write(drawing: Drawing) -> bytes:
    """The page with the player of a drawing."""
    return player(drawing, unique_id()).encode()


def player(drawing: Drawing, uid: str) -> str:
    """The page with the player of a drawing, in which `uid` begins every id."""
    if drawing.moving is not None:
        return sliders.write(drawing, drawing.moving, uid)
    whole = drawing.unfolded or drawing.picture
    shown = views(whole) if len(whole.nodes) <= PLAYABLE and not drawing.moments else {}
    if len(drawing.picture.nodes) > MAX_STEPS:
        raise DiagramError(
            f"A player of {len(drawing.picture.nodes)} nodes would be too slow to step through (the most is "
            f"{MAX_STEPS}). Draw a part of the graph (focus=, path=), fold it with model=, or save it as .svg."
        )
    if not shown:
        return _page(drawing, fragment(drawing.picture, drawing.layout, uid, drawing.moments))
    first = "*" if drawing.unfolded is None else ""
    with ThreadPoolExecutor() as pool:  # an engine is a process of its own
        layouts = pool.map(lambda picture: arrange(picture, drawing.asked_engine, drawing.time_limit), shown.values())
        every = {key: (picture, layout) for (key, picture), layout in zip(shown.items(), layouts, strict=True)}
    return _page(drawing, folding_fragment(whole, every, first, uid))


def _page(drawing: Drawing, main: str) -> str:
    return page(drawing.picture.title, [main], drawing.theme, script())


def script() -> str:
    """What runs the players of a page."""
    return "\n".join([shared_script(), read("zoom.js"), read("player.js")])


def fragment(picture: Picture, layout: Layout, uid: str, compared: Sequence[Picture] = ()) -> str:
    """One player as an HTML element, to be put on a page with its style and script."""
    return _fragment(picture, draw_body(picture, layout, uid), as_data(picture, compared=compared), uid)


def folding_fragment(whole: Picture, every: Mapping[str, tuple[Picture, Layout]], first: str, uid: str) -> str:
    """A player that steps through the whole picture, of which it shows one of the views at a time."""
    body, places = draw_views(every, first, uid)
    data = as_data(whole, [edge for picture, _ in every.values() for edge in picture.edges])
    return _fragment(whole, body, {**data, "view": first, "views": places, "boxes": boxes(whole)}, uid)


def _fragment(picture: Picture, body: Body, content: Mapping[str, Any], uid: str) -> str:
    drawn = document(body, uid, picture.title, describe(picture))
    data = json.dumps(content, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    title = xml(picture.title)
    folding = (
        "; one on a folded box opens it, and one on the frame of an open one closes it" if "boxes" in content else ""
    )
    return (
        f'<main class="player" data-player="{uid}" tabindex="0" aria-label="{title}">\n'
        f"<h1>{title}</h1>\n"
        f'<div class="stage" data-part="stage" tabindex="0" role="region" aria-label="picture">{drawn}</div>\n'
        f"{_CONTROLS}"
        '<section class="panel" aria-label="what happens at this step"><span class="phase" data-part="phase"></span>'
        '<h2 data-part="title"></h2><div class="lines" data-part="lines"></div></section>\n'
        '<p class="hidden" data-part="words" role="status" aria-live="polite"></p>\n'
        f"{_DERIVATIONS if picture.derivations else ''}"
        f"<details><summary>The numbers as a table</summary>{table(picture)}</details>\n"
        '<p class="keys">Keys: ← and → step, Home and End jump, space plays. A click on a box goes to its step; the '
        "mouse drags, with Ctrl its wheel zooms, and so do two fingers"
        f"{folding}.</p>\n"
        f'<script type="application/json">{data}</script>\n'
        "</main>\n"
    )


def table(picture: Picture) -> str:
    """The picture as an HTML table: one row per value."""
    values = [node for node in picture.nodes if node.kind != "constant"]
    rows = "".join(
        f"<tr><td>{xml(node.full_name)}</td><td>{xml(node.expression or node.kind)}</td><td>{number(node.value)}</td>"
        f"<td>{number(node.grad)}</td><td>{xml('; '.join(flag.text for flag in node.flags))}</td></tr>"
        for node in values[:MAX_ROWS]
    )
    if len(values) > MAX_ROWS:
        rows += f'<tr><td colspan="5">… {len(values) - MAX_ROWS} more</td></tr>'
    return (
        "<table><thead><tr><th>name</th><th>made by</th><th>value</th><th>gradient</th><th>marks</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )
