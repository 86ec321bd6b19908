"""How it is written: a `Drawing` becomes a file. One format is one file here and one row of `FORMATS`.

- `look`: what all formats show alike; `apart`: operations as nodes of their own, where a format knows only boxes;
- `svg`, `html` (the player, with `player.js` and `player.css`), `dot`, `tikz`, `mermaid`, `text`, `json`: as text;
- `textbook`: DOT and TikZ of a picture with circles, which brings its own layout;
- `png`, `gif`, `pdf`: the SVG, drawn by `raster`;
- `read_json`: a drawing out of a JSON file;
- `notebook`: what a notebook shows, out of the SVG and the player.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograd.errors import DiagramError

from . import dot, gif, html, json, mermaid, pdf, png, svg, text, textbook, tikz


@dataclass(frozen=True, slots=True)
class Format:
    """A format: its extension without the dot, what it is called, the function that writes it, and its options.

    `write(drawing, **options)` returns the content of a file.
    """

    extension: str
    words: str
    write: Callable[..., bytes]
    options: tuple[str, ...] = ()


def by_extension(*formats: Format) -> dict[str, Format]:
    """A registry of formats, by extension."""
    return {form.extension: form for form in formats}


FORMATS = by_extension(
    Format("svg", "SVG", svg.write),
    Format("png", "PNG", png.write, ("scale",)),
    Format("pdf", "PDF", pdf.write),
    Format("dot", "DOT, for Graphviz", textbook.either(dot.write, textbook.dot)),
    Format("html", "the player, as one page", html.write),
    Format("gif", "the steps as an animation", gif.write, ("seconds", "scale")),
    Format("tex", "TikZ, for LaTeX", textbook.either(tikz.write, textbook.tikz), ("width", "standalone", "latex")),
    Format("mmd", "Mermaid, for Markdown", mermaid.write),
    Format("txt", "a tree for the terminal", text.write),
    Format("json", "JSON", json.write),
)


def format_of(path: str | os.PathLike[str], formats: Mapping[str, Format] = FORMATS) -> Format:
    """The format of the registry that a file's extension names. Raises DiagramError where it names none."""
    target = Path(path)
    form = formats.get(target.suffix.lower().removeprefix("."))
    if form is None:
        extensions = " ".join(f".{extension}" for extension in formats)
        raise DiagramError(f"The extension of {str(target)!r} names no format. Use one of {extensions}.")
    return form


def save(
    drawing: object, path: str | os.PathLike[str], options: Mapping[str, Any], formats: Mapping[str, Format] = FORMATS
) -> Path:
    """Write a drawing in the format of the registry that the file's extension names, and return the path.

    Raises DiagramError for an extension or an option that is none.
    """
    target, form = Path(path), format_of(path, formats)
    unknown = [name for name in options if name not in form.options]
    if unknown:
        raise DiagramError(f".{form.extension} takes no option {', '.join(unknown)}.")
    target.write_bytes(form.write(drawing, **options))
    return target
