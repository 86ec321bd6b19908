"""The player: one HTML page, with no request to anywhere, that steps through a graph."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

from autograd.diagram import theme
from autograd.diagram.explain.steps import as_data
from autograd.diagram.picture.build import Picture
from autograd.diagram.place.layered import Layout
from autograd.diagram.text import xml

from . import svg

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
<button type="button" data-part="fit" aria-pressed="false">Fit</button>
</div>
"""


_DERIVATIONS = """<details data-part="why"><summary>The chain rule for one parameter</summary>
<label>parameter <select data-part="parameter"></select></label>
<div class="lines" data-part="derivation"></div></details>
"""


def _read(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _variables(t: theme.Theme) -> str:
    line = "#d1d5db" if t is theme.LIGHT else "#4b5563"
    soft = "#f3f4f6" if t is theme.LIGHT else "#1f2937"
    return (
        f"--paper: {t.background}; --line: {line}; --soft: {soft}; --quiet: {t.muted}; --accent: {t.backward}; "
        f"--forward: {t.forward}; --backward: {t.backward}; color: {t.ink}; background: {t.background};"
    )


def style(name: str) -> str:
    """The page's one style element for the theme "light", "dark" or "auto"."""
    first = theme.DARK if name == "dark" else theme.LIGHT
    # The page's ground and the picture's rules come first, so that the player's own rules can mark the active step.
    scheme = "dark" if name == "dark" else "light" if name == "light" else "light dark"
    parts = [
        "body { margin: 0 }",
        f":root, .player {{ {_variables(first)} }}",
        svg.style(name, ".chalkgrad"),
    ]
    if name == "auto":
        parts.append(f"@media (prefers-color-scheme: dark) {{ :root, .player {{ {_variables(theme.DARK)} }} }}")
    rules = _read("player.css").replace("color-scheme: light;", f"color-scheme: {scheme};", 1)
    return "\n".join([*parts, rules])


def fragment(picture: Picture, layout: Layout, uid: str, table: str, fold: bool = False) -> str:
    """One player as an HTML element, to be put on a page with `style` and the script."""
    drawing = svg.draw_body(picture, layout, uid)
    data = json.dumps(as_data(picture), ensure_ascii=True, allow_nan=False).replace("<", "\\u003c")
    w, h = drawing.width, drawing.height
    title = xml(picture.title)
    folding = ' data-fold="all"' if fold else ""
    return (
        f'<main class="player" data-player="{uid}" tabindex="0" aria-label="{title}"'
        f"{folding}>\n"
        f"<h1>{title}</h1>\n"
        f'<div class="stage" data-part="stage" tabindex="0" role="region" aria-label="picture"><svg '
        f'xmlns="http://www.w3.org/2000/svg" class="chalkgrad" role="img" aria-labelledby="{uid}-title {uid}-desc" '
        f'width="{w:.0f}" height="{h:.0f}" viewBox="0 0 {w:.0f} {h:.0f}"><title id="{uid}-title">{title}</title>'
        f'<desc id="{uid}-desc">{xml(svg.describe(picture))}</desc>{drawing.body}</svg></div>\n'
        f"{_CONTROLS}"
        '<section class="panel" aria-label="what happens at this step"><span class="phase" data-part="phase"></span>'
        '<h2 data-part="title"></h2><div class="lines" data-part="lines"></div></section>\n'
        '<p class="hidden" data-part="words" role="status" aria-live="polite"></p>\n'
        f"{_DERIVATIONS if picture.derivations else ''}"
        f"<details><summary>The numbers as a table</summary>{table}</details>\n"
        '<p class="keys">Keys: ← and → step, Home and End jump, space plays. A click on a box goes to its step.</p>\n'
        f'<script type="application/json">{data}</script>\n'
        "</main>\n"
    )


def page(title: str, fragments: list[str], theme_name: str) -> str:
    """A whole page of players, whose policy allows its own style and script and nothing else."""
    sheet, script = "\n" + style(theme_name) + "\n", "\n" + _read("player.js")
    policy = f"default-src 'none'; style-src {_digest(sheet)}; script-src {_digest(script)}; "
    policy += "base-uri 'none'; form-action 'none'"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{xml(title)}</title>\n<style>{sheet}</style>\n</head>\n<body>\n"
        + "".join(fragments)
        + f"<script>{script}</script>\n</body>\n</html>\n"
    )


def _digest(content: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(content.encode("utf-8")).digest()).decode("ascii") + "'"
