"""The training as a film: one HTML page that plays the frames of a run. Its script is ``training.js``."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autograd.errors import DiagramError

MOST_ROWS = 500  # of a table
FRAMED = 4_000_000  # characters; a larger page is no part of a notebook's output

_CONTROLS = """<div class="controls" role="group" aria-label="epochs">
<button type="button" data-part="first" aria-label="first frame">|◀</button>
<button type="button" data-part="previous" aria-label="previous frame">◀</button>
<button type="button" data-part="play" aria-pressed="false">Play</button>
<button type="button" data-part="next" aria-label="next frame">▶</button>
<button type="button" data-part="last" aria-label="last frame">▶|</button>
<input type="range" data-part="slider" min="0" max="0" value="0" step="1" aria-label="epoch">
<select data-part="speed" aria-label="speed"><option value="900">slow</option>
<option value="250" selected>normal</option><option value="60">fast</option></select>
</div>
<p class="status"><strong data-part="epoch"></strong> <span data-part="numbers"></span></p>
"""
_NETWORK = """<section class="card network" aria-label="network">
<div class="choices"><label>sample <select data-part="sample"></select></label>
<label data-part="lines-choice">lines <select data-part="lines"><option value="weights">weights</option>
<option value="gradients">gradients ∂ of the sample</option></select></label></div>
<p class="why" data-part="why" hidden></p>
<div class="stage" data-part="stage" role="group" aria-label="units: the arrow keys go from one to the next">
<canvas data-part="thumbnails" aria-hidden="true"></canvas><svg data-part="picture"></svg></div>
<p class="legend" data-part="legend"></p></section>
"""
_PLANE = """<section class="card plane" data-part="plane-card" aria-label="what the model makes of its inputs">
<div class="choices"><label data-part="field-choice">colour <select data-part="field"></select></label></div>
<canvas data-part="plane" role="img"></canvas>
<canvas data-part="scale" aria-hidden="true"></canvas><p class="legend" data-part="key"></p></section>
"""
_PANEL = """<section class="card panel" aria-label="numbers of the chosen unit"><h2 data-part="title"></h2>
<div data-part="lines-of-unit"></div></section>
<section class="card curves" data-part="curves" aria-label="curves"></section>
"""
CARDS = f'<div class="cards">{_NETWORK}{_PLANE}{_PANEL}</div>\n'  # what training.js draws into
_START = 'for (const root of document.querySelectorAll("[data-training]")) startTraining(root, read(root));'


class TrainingPlayer:
    """The training as a film, made by ``history.player()``. In a notebook it shows itself; ``save`` writes a file.

    ``html`` is the page as text: one file, which makes no request to anywhere.
    """

    def __init__(self, contents: Mapping[str, Any], functions: Mapping[str, str], theme: str = "auto") -> None:
        from autograd.diagram.theme import check_theme  # what draws is loaded when it is used

        check_theme(theme)
        self._contents, self._functions, self._theme = contents, functions, theme

    def __repr__(self) -> str:
        epochs = max((epoch for epoch in self._contents["epochs"]), default=0)
        return f"TrainingPlayer({len(self._contents['epochs'])} frames of {epochs} epochs)"

    @functools.cached_property
    def html(self) -> str:
        """The page."""
        from autograd.diagram.text import clean, xml
        from autograd.diagram.webpage import palette, shared_script, web_page

        contents = {**self._contents, "title": clean(self._contents["title"], 120)}
        data = json.dumps(contents, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
        title = xml(contents["title"])
        body = (
            f'<main class="training" data-training tabindex="-1">\n<header><h1>{title}</h1>\n{_CONTROLS}</header>\n'
            f"<noscript><p>The film needs JavaScript; the table below does not.</p></noscript>\n"
            f"{CARDS}"
            '<p class="hidden" data-part="words" role="status" aria-live="polite"></p>\n'
            '<div class="tip" data-part="tip" hidden></div>\n'
            f"<details><summary>The curves as a table</summary>{self._table()}</details>\n"
            '<p class="keys">Keys: ← and → go from frame to frame, Home and End to the ends, space plays. '
            "A click on a curve goes to that epoch.</p>\n"
            f'<script type="application/json">{data}</script>\n</main>\n'
        )
        script = f"{shared_script()}\n{film_script(self._functions)}{_START}"
        return web_page(contents["title"], body, f"{palette(self._theme)}\n{_read('training.css')}", script)

    def _table(self) -> str:
        from autograd.diagram.text import clean, number, xml

        columns = self._contents["columns"]
        rows = list(zip(*columns.values(), strict=True))
        head = "".join(f"<th>{xml(clean(name))}</th>" for name in columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{number(float(x), 6)}</td>" for x in row) + "</tr>" for row in rows[:MOST_ROWS]
        )
        more = f"<p>… {len(rows) - MOST_ROWS} more epochs</p>" if len(rows) > MOST_ROWS else ""
        return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{more}'

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page to a file whose extension is .html, and return the path.

        Raises DiagramError for another extension, OSError when the file cannot be written.
        """
        target = Path(path)
        if target.suffix.lower() not in (".html", ".htm"):
            raise DiagramError(f"A film is an HTML page: give a path that ends in .html; {str(target)!r} was given.")
        target.write_text(self.html, encoding="utf-8")
        return target

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What a notebook shows; an untrusted one, which drops the frame, the hint in it and the table."""
        from autograd.diagram.text import xml

        hint = "The film needs a trusted notebook (File, Trust Notebook); .save('run.html') saves it."
        frame = f'<iframe title="training" width="100%" height="820" srcdoc="{xml(self.html)}">{xml(hint)}</iframe>'
        if len(self.html) > FRAMED:
            frame = "<p>This film is large: save it with .save(&quot;run.html&quot;) and open that.</p>"
        table = f"<details><summary>The curves as a table</summary>{self._table()}</details>"
        return {"text/plain": repr(self), "text/html": f"{frame}{table}"}


def film_script(functions: Mapping[str, str]) -> str:
    """Return what draws a training, with the activations that it needs as JavaScript, by name."""
    table = ", ".join(f"{json.dumps(name)}: {text}" for name, text in functions.items())
    return f"const ACTIVATIONS = {{ {table} }};\n{_read('training.js')}"


def _read(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
