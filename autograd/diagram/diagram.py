"""`draw` and the `Diagram` it returns: text, files and notebook output of one picture."""

from __future__ import annotations

import functools
import itertools
import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from autograd.errors import DiagramError
from autograd.value import Value, topological_order

from .explain.derivation import write
from .formats import dot, exports, player, svg
from .picture import build as graph
from .picture import clusters
from .picture import compare as moments
from .picture.health import as_roots
from .place import engines as render
from .place import layered as layout
from .place import ordering
from .text import number, width, xml
from .theme import EDGE_SIZE, THEMES

# Over this many nodes and edges the layout in plain Python serves, unless an engine is asked for by name: for 5,000
# values it took half a second where graphviz-pure took 14 and Debian's dot 29.
ENGINE_LIMIT = 5000
FRAMED = 300  # nodes; up to here a notebook's output holds the player, in a frame
MOST_ROWS = 500
MOST_STEPS = 5000  # nodes in a player: each step shows all that came before it
LAYERS_OVER = 150  # boxes; a picture with more neurons than this folds whole layers
MOST_PIXELS, LONGEST_SIDE = 80e6, 65000  # of an image; an engine takes 8 bytes for each pixel
EXPLAINED = 12  # parameters; a graph with no more has their derivations in its player
PLAYABLE = 400  # nodes; up to here the player of a folded picture holds every node, folded

_count = itertools.count(1)
FORMATS = ("svg", "png", "pdf", "dot", "html", "gif", "tex", "mmd", "txt", "json")


def draw(
    value: Value | Iterable[Value],
    *,
    focus: Value | None = None,
    depth: int | None = None,
    path: tuple[Value, Value] | None = None,
    model: Any = None,
    collapse: bool | None = None,
    hide_constants: bool | None = None,
    limit: int | None = graph.LIMIT,
    direction: str | None = None,
    legend: bool = True,
    title: str | None = None,
    theme: str = "auto",
    engine: str | None = None,
    time_limit: float = render.TIME_LIMIT,
) -> Diagram:
    """Draw the graph that `value` was computed from: every number, every local derivative, every gradient.

    Call it before `backward()` to see values and local derivatives, and after it to see where the gradient flows.
    `value` is the output (a loss, say) or several. The picture is a snapshot: what changes later is not in it.

    `focus` with `depth` shows only what lies within `depth` steps of one value (of the output if `focus` is left
    out); `path=(a, b)` only what lies between two. `model` (a Module of `nn`) puts a frame round each neuron and layer,
    and `collapse=True` folds each into one box that says how many values it has, the norm of its gradient, and how
    many of its units are dead; by default a picture of over 150 values is folded.

    Constants are hidden over 60 values, or as `hide_constants` says. `limit` is the most values that are drawn; None
    lifts it. `direction` is "LR" (operands on the left) or "TB" (operands on top), by default LR up to 12 steps deep.
    `theme` is "light", "dark", or "auto", which follows the reader's system (in formats that cannot, it is light).

    `engine` lays the picture out: "graphviz-pure", "dot", the path of a program, or "python" for the built-in
    layout. By default it is the one in the environment variable CHALKGRAD_DOT, else graphviz-pure, else `dot` on PATH,
    else the built-in one, so a missing program is no error unless you name it. `time_limit` is in seconds.

    Raises DiagramError (a ValueError) when the arguments ask for what cannot be drawn, and says what to change.

    >>> from autograd import Value, draw
    >>> w, x = Value(2.0, name="w"), Value(-3.0, name="x")
    >>> a = w * x
    >>> a.name = "a"
    >>> a.backward()
    >>> draw(a)
    Diagram(3 values, 2 edges)
    >>> svg = draw(a, theme="dark").svg
    """
    roots = as_roots(value)
    if theme not in (*THEMES, "auto"):
        raise DiagramError(f'theme= is "light", "dark" or "auto"; {theme!r} was given.')
    if direction not in (None, "LR", "TB"):
        raise DiagramError(f'direction= is "LR" (left to right) or "TB" (top to bottom); {direction!r} was given.')
    given: object = path
    if given is not None and (not isinstance(given, tuple | list) or len(given) != 2):
        raise DiagramError(f"path= is a pair of values, such as path=(w, loss); {path!r} was given.")
    if focus is not None and not isinstance(focus, Value):
        raise DiagramError(f"focus= is a Value of the graph; {type(focus).__name__} was given.")
    if collapse and model is None:
        raise DiagramError("collapse=True needs model=, to know which values make up a neuron.")
    render.find_engine(engine)  # a program asked for by name and not there is an error now, not at the first look
    groups = clusters.Modules(model) if model is not None else None
    picture = graph.build(
        roots, focus=focus, depth=depth, path=path, hide_constants=hide_constants, direction=direction,
        limit=None if groups is not None and collapse is not False else limit, groups=groups, legend=legend,
        title=title,
    )  # fmt: skip
    _add_derivations(picture, roots, groups)
    whole = None
    if groups is not None and (collapse or (collapse is None and len(picture.nodes) > clusters.COLLAPSE_OVER)):
        whole, picture = picture, clusters.collapse(picture, leave_neurons=True)
        if len(picture.nodes) > LAYERS_OVER:
            picture = clusters.collapse(whole, leave_neurons=False)
        if limit is not None and len(picture.nodes) > limit:
            raise DiagramError(
                f"Folded, this graph still has {len(picture.nodes)} boxes (limit={limit}). Draw a part of it (focus=, "
                "depth=, path=) or fewer samples of the batch, or pass limit=None to draw it all the same."
            )
    return Diagram(picture, theme=theme, engine=engine, time_limit=time_limit, whole=whole)


def _add_derivations(picture: graph.Picture, roots: list[Value], groups: clusters.Modules | None) -> None:
    """Put the derivation of each parameter's gradient into a small picture, for its player."""
    leaves = [v for v in topological_order(*roots) if not v.operands and v.requires_grad]
    if len(roots) > 1 or len(leaves) > EXPLAINED or len(picture.nodes) > 12 * EXPLAINED:
        return
    if not roots[0].operands:
        return
    given = groups.names if groups is not None else {}
    by_value = {node.value_id: node.id for node in picture.nodes}
    for leaf in leaves:
        if id(leaf) in by_value:
            picture.derivations[by_value[id(leaf)]] = write(roots[0], leaf, None, 4, given).math()


def arrange(picture: graph.Picture, engine: str | None, limit: float) -> layout.Layout:
    """Lay a picture out: by an engine if there is one that works, else in plain Python."""
    boxes = [layout.Box(node.id, node.width, node.height, node.cluster, node.kind == "group") for node in picture.nodes]
    links = []
    for edge in picture.edges:
        label = edge.label and edge.label + " ▲"  # room for the mark that the gradient's sign adds
        beside = 18 if picture.direction == "TB" else 8  # space between a thick line and the words beside it
        size = (width(label, EDGE_SIZE) + beside, EDGE_SIZE + 7) if label else (0.0, 0.0)
        links.append(layout.Link(edge.id, edge.source, edge.target, *size, slack=edge.sign == "constant"))
    groups = [layout.Group(c.id, width(c.label, EDGE_SIZE) + 16, c.parent) for c in picture.clusters]
    found = render.find_engine(engine)
    asked = engine is not None or bool(os.environ.get("CHALKGRAD_DOT"))
    if found is not None and (asked or len(boxes) + len(links) <= ENGINE_LIMIT):
        engine_found = found

        def run(bs: list[layout.Box], ls: list[layout.Link], gs: list[layout.Group]) -> layout.Layout:
            unseen = ordering.between(bs, ls, gs) if gs else []
            return layout.by_engine(engine_found, bs, ls, gs, picture.direction, limit, unseen)

        try:
            return ordering.in_order(run, boxes, links, groups, picture.direction)
        except DiagramError:
            if asked:
                raise  # the user asked for this program: say what it said
    in_python = functools.partial(layout.in_python, direction=picture.direction)
    return ordering.in_order(in_python, boxes, links, groups, picture.direction)


class Diagram:
    """A picture of a graph, made by `draw`. In a notebook it shows itself; `save` writes it to a file.

    `svg`, `dot`, `text`, `json`, `mermaid` and `tikz` are the picture as text, `png()` as bytes, `html` is the player.
    """

    def __init__(
        self,
        picture: graph.Picture,
        *,
        theme: str = "auto",
        engine: str | None = None,
        time_limit: float = render.TIME_LIMIT,
        whole: graph.Picture | None = None,
        shots: list[graph.Picture] | None = None,
    ) -> None:
        self._picture = picture
        self._theme = theme
        self._engine = engine
        self._time_limit = time_limit
        self._whole = whole  # the picture before it was folded
        self._moments = shots  # the moments that it compares
        self._placed: layout.Layout | None = None

    def __repr__(self) -> str:
        values = sum(node.kind != "constant" for node in self._picture.nodes)
        return f"Diagram({values} values, {len(self._picture.edges)} edges)"

    @property
    def _layout(self) -> layout.Layout:
        # laid out once and kept: the player, the steps and every format reuse the positions
        if self._placed is None:
            self._placed = arrange(self._picture, self._engine, self._time_limit)
        return self._placed

    @property
    def _flat_theme(self) -> str:
        return "light" if self._theme == "auto" else self._theme

    @property
    def engine(self) -> str:
        """What laid the picture out: "graphviz-pure", "dot", another program's name, or "python"."""
        return self._layout.engine

    @property
    def svg(self) -> str:
        """The picture as an SVG document. Ids in it differ from those of every other picture of this process."""
        return svg.write(self._picture, self._layout, self._theme, f"cg{next(_count)}")

    @property
    def dot(self) -> str:
        """The picture as DOT text, for Graphviz and the tools that read it."""
        return dot.source(self._picture, THEMES[self._flat_theme])

    @property
    def html(self) -> str:
        """The player: a whole page in one text, which steps forward, seeds, and steps backward, a node at a time.

        It makes no request to anywhere and its Content-Security-Policy allows none.
        """
        return self._page(f"cg{next(_count)}")

    def _page(self, uid: str) -> str:
        picture, placed, fold = self._picture, None, False
        if self._whole is not None and len(self._whole.nodes) <= PLAYABLE:
            picture, fold = self._whole, True
            placed = arrange(picture, self._engine, self._time_limit)
        if len(picture.nodes) > MOST_STEPS:
            raise DiagramError(
                f"A player of {len(picture.nodes)} nodes would be too slow to step through (the most is {MOST_STEPS}). "
                "Draw a part of the graph (focus=, path=), fold it with model=, or save it as .svg."
            )
        made = player.fragment(picture, placed or self._layout, uid, table(picture), fold=fold)
        return player.page(self._picture.title, [made], self._theme)

    def _scale(self, wanted: float | None, usual: float, most: float = MOST_PIXELS) -> float:
        """Pixels a point: what was asked for, or the usual number, less where the image would be too large."""
        if wanted is not None and not 0.25 <= wanted <= 8:
            raise DiagramError(f"scale= is from 0.25 to 8 pixels a point; {wanted!r} was given.")
        width, height = self._layout.width + 40, self._layout.height + 80
        largest = min(math.sqrt(most / (width * height)), LONGEST_SIDE / max(width, height))
        scale = min(usual, largest) if wanted is None else wanted
        if scale > largest or scale < 0.25:
            shown = f"{width * max(scale, 0.25):,.0f} × {height * max(scale, 0.25):,.0f}"
            advice = f"Pass scale={math.floor(largest * 100) / 100} or less, " if largest >= 0.25 else "Draw a part, "
            raise DiagramError(
                f"This image would have {shown} pixels, too many to make and to look at. {advice}fold the graph with "
                "model=, or save as .svg, which has no pixels."
            )
        return scale

    def png(self, scale: float | None = None) -> bytes:
        """The picture as PNG, `scale` pixels a point (0.25 to 8): 2 by default, less where that makes it too large.

        Raises DiagramError when no engine is there, since the built-in layout writes SVG only, and when the image
        would have more than 80 million pixels.
        """
        scale = self._scale(scale, 2.0)
        engine = render.png_engine(self._engine)
        pinned = dot.source(self._picture, THEMES[self._flat_theme], self._layout, dpi=round(72 * scale))
        return render.run(engine, pinned, "png", self._time_limit, pinned=True)

    def _gif(self, seconds: float = 1.0, scale: float | None = None) -> bytes:
        if self._moments is not None:
            frames = moments.moment_frames(self._moments, self._picture)
        else:
            frames = moments.step_frames(self._picture)
        engine, colours = render.png_engine(self._engine), THEMES[self._flat_theme]
        scale = self._scale(scale, 1.5, 4 * MOST_PIXELS / len(frames))
        return moments.gif(frames, self._layout, colours, engine, seconds, scale, self._time_limit)

    @property
    def text(self) -> str:
        """The picture as a tree for the terminal, the output on top."""
        return exports.as_text(self._picture)

    @property
    def json(self) -> str:
        """The graph as JSON: `format` "chalkgrad-graph", `version` 1, `nodes`, `edges`, `clusters`, `outputs`.

        A node has `id`, `kind`, `name`, `operation`, `expression`, `value`, `gradient` (null where never computed),
        `flags`, `cluster` and `source`; an edge `source`, `target`, `position`, `partial`, `rule`, `flow` and `count`.
        A nan or an infinity is the string "nan", "inf" or "-inf".
        """
        return exports.as_json(self._picture)

    @property
    def mermaid(self) -> str:
        """The picture as a Mermaid flowchart, which many Markdown renderers draw."""
        return exports.as_mermaid(self._picture)

    @property
    def tikz(self) -> str:
        """The picture as a LaTeX document with one TikZ picture."""
        return exports.as_tikz(self._picture, self._layout, THEMES[self._flat_theme])

    def save(self, path: str | os.PathLike[str], **options: Any) -> Path:
        """Write the picture in the format that the file name's extension names, and return the path.

        `.svg .png .pdf .dot .html` (the player) `.gif` (its steps as an animation) `.tex` (TikZ) `.mmd` (Mermaid)
        `.txt` `.json`. `.png` takes `scale=` pixels a point, `.gif` takes `seconds=` a step and `scale=`.

        Raises DiagramError for any other extension, and OSError when the file cannot be written.
        """
        target = Path(path)
        form = target.suffix.lower().lstrip(".")
        if form not in FORMATS:
            names = " ".join("." + name for name in FORMATS)
            raise DiagramError(f"The extension of {str(target)!r} names no format. Use one of {names}.")
        target.write_bytes(self._bytes(form, options))
        return target

    def _bytes(self, form: str, options: dict[str, Any]) -> bytes:
        if form == "png":
            return self.png(**options)
        if form == "gif":
            return self._gif(**options)
        if options:
            raise DiagramError(f".{form} takes no option {', '.join(options)}.")
        if form == "pdf":
            engine = render.find_engine(self._engine)
            pinned = dot.source(self._picture, THEMES[self._flat_theme], self._layout)
            return render.run_pdf(engine, pinned, self._time_limit)
        content: str = getattr(self, {"mmd": "mermaid", "tex": "tikz", "txt": "text"}.get(form, form))
        return content.encode("utf-8")

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What a notebook shows: an image that survives in an untrusted notebook, and the numbers as a table."""
        return {"text/plain": repr(self), "text/html": self._html_output}

    @property
    def _frame(self) -> str:
        """The player in a frame of its own. An untrusted notebook drops the frame, and the hint alone is left."""
        if len(self._picture.nodes) > FRAMED:
            return "<p>This picture is large: save its player with .save(&quot;graph.html&quot;) and open that.</p>"
        page = xml(self._page("player"))
        hint = "The player needs a trusted notebook (File, Trust Notebook); save it with .save(&quot;graph.html&quot;)."
        return f'<p>{hint}</p><iframe title="player" width="100%" height="720" srcdoc="{page}"></iframe>'

    @functools.cached_property
    def _html_output(self) -> str:
        # A wide picture keeps its size and scrolls, since nobody can read it shrunk.
        fit = "100%" if self._layout.width < 1400 else "none"
        alt = xml(f"{self._picture.title}. {svg.describe(self._picture)}")
        return (
            f'<img alt="{alt}" style="max-width: {fit}" src="{svg.data_uri(self.svg)}">'
            f"<details><summary>Step through it</summary>{self._frame}</details>"
            f"<details><summary>The numbers as a table</summary>{table(self._picture)}</details>"
        )


def table(picture: graph.Picture) -> str:
    """The picture as an HTML table: one row a value."""
    values = [node for node in picture.nodes if node.kind != "constant"]
    rows = "".join(
        f"<tr><td>{xml(node.full_name)}</td><td>{xml(node.expression or node.kind)}</td><td>{number(node.value)}</td>"
        f"<td>{number(node.grad)}</td><td>{xml('; '.join(flag.text for flag in node.flags))}</td></tr>"
        for node in values[:MOST_ROWS]
    )
    if len(values) > MOST_ROWS:
        rows += f'<tr><td colspan="5">… {len(values) - MOST_ROWS} more</td></tr>'
    return (
        "<table><thead><tr><th>name</th><th>made by</th><th>value</th><th>gradient</th><th>marks</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )
