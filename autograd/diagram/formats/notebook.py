"""What a notebook shows: an image that survives in an untrusted notebook, the player, and the numbers as a table.

An untrusted notebook drops `style`, `iframe` and what handles events, but keeps the words inside a frame: so a hint
that is true there alone stands inside the frame, or in a `span` that the style hides.
"""

from __future__ import annotations

from autograd.diagram.place.drawing import Drawing
from autograd.diagram.text import xml

from .html import player, table
from .svg import describe, image
from .svg import write as write_svg

FRAMED = 300  # nodes; up to here a notebook's output holds the player, in a frame
WIDE = 700.0  # points; a wider picture may be shrunk to the notebook's width, and can be had in its own size

_DARK = (
    '[data-jp-theme-light="false"]',  # JupyterLab and Notebook
    ".vscode-dark",
    ".vscode-high-contrast:not(.vscode-high-contrast-light)",
    "html[theme=dark]",  # Colab
)
_LIGHT = ('[data-jp-theme-light="true"]', ".vscode-light", ".vscode-high-contrast-light", "html[theme=light]")
# An image takes `prefers-color-scheme` from the element that it is in.
_STYLE = (
    f"<style>:is({', '.join(_DARK)}) .chalkgrad-output {{ color-scheme: dark }}\n"
    f":is({', '.join(_LIGHT)}) .chalkgrad-output {{ color-scheme: light }}\n"
    ".chalkgrad-output .untrusted { display: none }\n"
    ".chalkgrad-output img[onclick] { cursor: zoom-in }\n"
    ".chalkgrad-output:has(.full[open]) > div { max-height: 700px }\n"
    ".chalkgrad-output:has(.full[open]) img { max-width: none !important; cursor: zoom-out }</style>"
)
_FULL_SIZE = (
    '<details class="full"><summary>Full size</summary><span class="untrusted">'
    "Trust the notebook (File, Trust Notebook), or open the picture in a new tab: right-click it.</span></details>"
)
# A click on the picture enlarges it round that place, or makes it small again.
_CLICKED = """
const [box, across, down] = [this.parentElement, event.offsetX / this.width, event.offsetY / this.height];
const full = box.parentElement.querySelector('.full');
full.open = !full.open;
box.scrollTo(across * this.width - box.clientWidth / 2, down * this.height - box.clientHeight / 2);
"""
# The player's frame is as high as its content, and has the colours of the notebook, which it does not take by itself.
_LOADED = """
const page = this.contentDocument;
page.body.classList.add('framed');
const dark = [...page.styleSheets[0].cssRules].filter((rule) => rule.media?.mediaText.includes('color-scheme'));
new ResizeObserver(([{ contentRect }]) => {
  if (contentRect.height) this.style.height = Math.ceil(contentRect.height) + 'px'; // 0 where it is folded away
  const scheme = getComputedStyle(this).colorScheme;
  if (!dark.length || !['light', 'dark'].includes(scheme)) return; // a player of one theme; a page that does not say
  for (const rule of dark) rule.media.mediaText = scheme === 'dark' ? 'screen' : 'not all';
  page.querySelector('.player').style.colorScheme = scheme; // of its buttons
}).observe(page.body);
"""


def write(drawing: Drawing) -> str:
    """The output as HTML: in the notebook's own theme, no wider than it, and still sound where it is sanitized."""
    picture, wide = drawing.picture, drawing.layout.width > WIDE
    shown = image(write_svg(drawing).decode(), f"{picture.title}. {describe(picture)}")
    if wide:
        shown = f'{shown[:-1]} onclick="{_CLICKED}">'
    words = "Move the sliders" if drawing.moving is not None else "Step through it"
    return (
        f'<div class="chalkgrad-output">{_STYLE}<div style="overflow: auto">{shown}</div>{_FULL_SIZE if wide else ""}'
        f"<details><summary>{words}</summary>{_frame(drawing)}</details>"
        f"<details><summary>The numbers as a table</summary>{table(picture)}</details></div>"
    )


def _frame(drawing: Drawing) -> str:
    """The player in a frame of its own, as high as its content. In an untrusted notebook the words inside are left."""
    if len(drawing.picture.nodes) > FRAMED:
        return "<p>This picture is large: save its player with .save(&quot;graph.html&quot;) and open that.</p>"
    page = player(drawing, "player").replace("&", "&amp;").replace("'", "&#39;")
    hint = "The player needs a trusted notebook (File, Trust Notebook); or save it with .save('graph.html')."
    frame = 'title="player" width="100%" height="720" style="border: 0; resize: vertical"'
    return f"<iframe {frame} onload=\"{_LOADED}\" srcdoc='{page}'>{xml(hint)}</iframe>"
