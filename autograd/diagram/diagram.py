"""`draw` and `compare`, and the `Diagram` they return: one picture as text, as files and as a notebook's output."""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from autograd._engine import Value
from autograd.errors import DiagramError
from autograd.graph import topological_order

from .chain_rule.derivation import derive
from .formats import FORMATS, save
from .formats.notebook import write as notebook_output
from .formats.read_json import read
from .moving import add_gradients, moving
from .picture.build import build
from .picture.clusters import Modules
from .picture.compare import aligned, differences
from .picture.fold import COLLAPSE_OVER, fold
from .picture.health import as_roots
from .picture.measure import measure
from .picture.picture import Picture
from .picture.runs import MIN_TURNS, Run, find_runs
from .picture.select import select
from .place.drawing import Drawing
from .place.engines import TIME_LIMIT, find_engine
from .text import clean
from .theme import check_style, check_theme

LIMIT = 2000  # values; beyond it a layered drawing takes long and nobody can read it
MAX_EXPLAINED, MAX_NODES = 12, 144  # parameters and nodes; a graph with no more has derivations in its player


def draw(
    value: Value | Iterable[Value] | Callable[..., Value],
    /,
    *,
    focus: Value | None = None,
    depth: int | None = None,
    path: tuple[Value, Value] | None = None,
    model: Any = None,
    collapse: bool | None = None,
    hide_constants: bool | None = None,
    limit: int | None = LIMIT,
    direction: str | None = None,
    legend: bool = True,
    title: str | None = None,
    style: str = "chalkgrad",
    theme: str = "auto",
    engine: str | None = None,
    time_limit: float = TIME_LIMIT,
    **inputs: Any,
) -> Diagram:
    """Draw the graph that `value` was computed from: every number, every local derivative, every gradient.

    Call it before `backward()` to see values and local derivatives, and after it to see where the gradient flows.
    `value` is the output (a loss, say) or several. The picture is a snapshot: what changes later is not in it.

    `focus` with `depth` shows only what lies within `depth` steps of one value (of the output if `focus` is left
    out); `path=(a, b)` only what lies between two. `model` (a Module of `nn`) puts a frame round each neuron and layer,
    and `collapse=True` folds each into one box that says how many values it has, the norm of its gradient, and how
    many of its units are dead. Without a model it folds what repeats ten times or more, such as the terms of a long sum
    or the links of a chain: the first three and the last two of them stay. By default a picture of over 150 values is
    folded.

    Constants are hidden over 60 values, or as `hide_constants` says. `limit` is the most values that are drawn; None
    lifts it. `direction` is "LR" (operands on the left) or "TB" (operands on top), by default LR up to 12 steps deep.
    `style` is "chalkgrad", one box for each value with its formula, or "micrograd", as `draw_dot` in Andrej Karpathy's
    lecture has it: name, data and grad side by side, and operations as ellipses of their own between the values.
    `theme` is "light", "dark", or "auto", which follows the reader's system (in formats that cannot, it is light).

    `engine` lays the picture out: "graphviz-pure", "dot", the path of a program, or "python" for the built-in
    layout. By default it is the one in the environment variable CHALKGRAD_DOT, else graphviz-pure, else `dot` on PATH,
    else the built-in one, so a missing program is no error unless you name it. `time_limit` is in seconds.

    With a function in place of `value`, and for each of its arguments a number or a range (low, high), or (low, high,
    start), the player has a slider for each range: values, gradients and lines follow while it is dragged, beside a
    curve of the output and its tangent. Other formats show the function where the sliders start, by default three
    quarters of the way up. The function must not branch on a number; its picture is whole.

    Raises DiagramError (a ValueError) when the arguments ask for what cannot be drawn, and says what to change.

    >>> from autograd import Value, draw
    >>> w, x = Value(2.0, name="w"), Value(-3.0, name="x")
    >>> a = w * x
    >>> a.name = "a"
    >>> a.backward()
    >>> draw(a)
    Diagram(3 values, 2 edges)
    >>> svg = draw(a, theme="dark").svg
    >>> page = draw(lambda w, x, b: (w * x + b).tanh(), w=(-2, 2), x=0.5, b=(-1, 1)).html
    """
    moved = None
    if callable(value):
        _check_names(value, collapse)
        moved = moving(value, inputs)
        value, collapse = moved.output, False
    elif inputs:
        raise TypeError(f"draw() got an unexpected keyword argument {next(iter(inputs))!r}")
    roots = as_roots(value)
    check_theme(theme)
    check_style(style)
    _check(focus, path, direction)
    find_engine(engine)  # a program asked for by name and not there is an error now, not at the first look
    modules = Modules(model) if model is not None else None
    order = topological_order(*roots)
    shown = select(order, roots, focus, depth, path)
    runs = _runs(shown, roots, collapse) if modules is None else []
    may_fold = collapse is not False and (modules is not None or bool(runs))
    if limit is not None and len(shown) > limit and not may_fold:
        raise DiagramError(
            f"This graph has {len(shown)} values, more than anybody can read at once (limit={limit}). Draw a part "
            "(focus=value, depth=2; path=(a, b)), pass model= with collapse=True to fold neurons into boxes, draw "
            "fewer samples of the batch, or pass limit=None to draw it all the same."
        )
    picture = build(order, roots, shown, modules, runs, hide_constants, may_fold)
    asked = clean(title or "", 120)
    picture.title, picture.titled = asked or picture.title, bool(asked)
    if style == "micrograd" and may_fold:  # an ellipse is on the same side of its record in every view
        direction = direction or "LR"
    picture.asked_direction, picture.legend, picture.style = direction, legend, style
    if moved is not None:
        add_gradients(picture, moved)
    measure(picture)
    if moved is None:
        _add_derivations(picture, order, roots, modules)
    unfolded = None
    if may_fold and (collapse or runs or len(picture.nodes) > COLLAPSE_OVER):
        picture, unfolded = fold(picture), picture
        if limit is not None and len(picture.nodes) > limit:
            raise DiagramError(
                f"Folded, this graph still has {len(picture.nodes)} boxes (limit={limit}). Draw a part of it (focus=, "
                "depth=, path=) or fewer samples of the batch, or pass limit=None to draw it all the same."
            )
    return Diagram(Drawing(picture, theme, engine, time_limit, unfolded, moving=moved))


def _check_names(function: Callable[..., Any], collapse: bool | None) -> None:
    """A function that moves has no argument that is called like an option of `draw`, and is drawn whole."""
    options = {p.name for p in inspect.signature(draw).parameters.values() if p.kind is p.KEYWORD_ONLY}
    own: Iterable[str] = ()
    with contextlib.suppress(ValueError):  # of a function that tells no signature
        own = inspect.signature(function).parameters
    for name in own:
        if name in options:
            raise DiagramError(
                f"The function has an argument {name}, which is an option of draw too. Give it another name, as in "
                f"draw(lambda a: f({name}=a), a=(0, 1))."
            )
    if collapse:
        raise DiagramError("collapse=True folds boxes, and a picture with sliders is whole: leave it out.")


def _runs(shown: list[Value], roots: list[Value], collapse: bool | None) -> list[Run]:
    """What repeats in a picture of no model, where that is to be folded."""
    if collapse is False or (collapse is None and len(shown) <= COLLAPSE_OVER):
        return []
    runs = find_runs(shown, {id(root) for root in roots if root is not shown[-1]})  # the last turn stays in sight
    if collapse and not runs:
        raise DiagramError(
            f"collapse=True folds the neurons of model=, or without a model what repeats {MIN_TURNS} times or more; no "
            "model was given, and nothing repeats in this graph. Leave collapse= out, or pass model=."
        )
    return runs


def _check(focus: object, path: object, direction: object) -> None:
    if direction not in (None, "LR", "TB"):
        raise DiagramError(f'direction= is "LR" (left to right) or "TB" (top to bottom); {direction!r} was given.')
    if path is not None and (not isinstance(path, tuple | list) or len(path) != 2):
        raise DiagramError(f"path= is a pair of values, such as path=(w, loss); {path!r} was given.")
    if focus is not None and not isinstance(focus, Value):
        raise DiagramError(f"focus= is a Value of the graph; {type(focus).__name__} was given.")


def _add_derivations(picture: Picture, order: list[Value], roots: list[Value], modules: Modules | None) -> None:
    """Put the derivation of each parameter's gradient into a small picture, for its player."""
    leaves = [v for v in order if not v.operands and v.requires_grad]
    if len(roots) > 1 or not roots[0].operands or len(leaves) > MAX_EXPLAINED or len(picture.nodes) > MAX_NODES:
        return
    by_value = {node.value_id: node.id for node in picture.nodes}
    paths = modules.paths if modules is not None else None
    for leaf in leaves:
        if id(leaf) in by_value:
            picture.derivations[by_value[id(leaf)]] = derive(roots[0], leaf, digits=4, paths=paths).math()


def compare(before: Diagram | Value, after: Diagram | Value, *more: Diagram | Value) -> Diagram:
    """Show two moments of one graph in one picture: for each value what it is now, and by how much it changed.

    Give two diagrams that `draw` made at two moments (before and after a step of training, say), or two Values, which
    are drawn now. With more than two, the picture compares the first with the last, and `.save("x.gif")` shows them
    all one after the other on the same layout.

    Two graphs may differ in structure. Then what came is marked "new" and what went "gone"; of what stays the changes
    are shown, and what it was where another operation makes it now. A value stays where there is one of the same name
    (of a parameter of a model: the same path). Without a name it stays where it is the same output, or the same leaf
    in their order, or made by the same operation of operands that stay.

    Raises DiagramError when more than two graphs differ in structure, when only some of them are folded, or when
    their styles differ.

    >>> from autograd import Value, compare, draw
    >>> def loss(w):
    ...     w = Value(w, name="w")
    ...     y = w * w
    ...     y.backward()
    ...     return y
    >>> compare(loss(2.0), loss(1.5))
    Diagram(2 values, 2 edges)
    >>> w = Value(2.0, name="w")
    >>> print(compare(draw(w.tanh()), draw(w.exp())).text.splitlines()[2])
    v₁ = exp(w)  [value 7.389 (Δ 6.425), grad ·]  (was tanh(w))
    """
    diagrams = [one if isinstance(one, Diagram) else draw(one) for one in (before, after, *more)]
    moments, last = aligned([diagram.drawing.picture for diagram in diagrams]), diagrams[-1].drawing
    return Diagram(Drawing(differences(moments), last.theme, last.asked_engine, last.time_limit, moments=moments))


class Diagram:
    """A picture of a graph, made by `draw`. In a notebook it shows itself; `save` writes it to a file.

    `svg`, `dot`, `text`, `json`, `mermaid` and `tikz` are the picture as text, `png()` as bytes, `html` is the player.
    """

    def __init__(self, drawing: Drawing) -> None:
        self.drawing = drawing

    def __repr__(self) -> str:
        picture = self.drawing.picture
        values = sum(node.kind != "constant" for node in picture.nodes)
        return f"Diagram({values} values, {len(picture.edges)} edges)"

    @staticmethod
    def load(
        path: str | os.PathLike[str],
        *,
        theme: str | None = None,
        engine: str | None = None,
        time_limit: float = TIME_LIMIT,
    ) -> Diagram:
        """The picture that was saved as `.json`, to be looked at again and saved in every other format.

        All that it showed is there: names, numbers, flags, frames and folded boxes, the steps of the player, the
        moments of a comparison. Only circles of `nn.draw` come back as boxes, and the picture of a function without its
        sliders. `theme` is that of the picture unless another is given; `engine` and `time_limit` are those of `draw`,
        and are not in a file. Files of strangers do no harm: they hold no code.

        Raises OSError when the file cannot be read, and DiagramError when it is no such file, is of another version
        or is damaged: the message says where.

        >>> import pathlib, tempfile
        >>> from autograd import Diagram, Value, draw
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = draw(Value(2.0, name="w").tanh()).save(pathlib.Path(folder) / "graph.json")
        ...     Diagram.load(file)
        Diagram(2 values, 1 edges)
        """
        if theme is not None:
            check_theme(theme)
        find_engine(engine)
        drawing = read(Path(path).read_bytes(), repr(str(path)))
        drawing.theme, drawing.asked_engine, drawing.time_limit = theme or drawing.theme, engine, time_limit
        return Diagram(drawing)

    def _text(self, extension: str) -> str:
        return FORMATS[extension].write(self.drawing).decode()

    @property
    def engine(self) -> str:
        """What laid the picture out: "graphviz-pure", "dot", another program's name, or "python"."""
        return self.drawing.layout.engine

    @property
    def svg(self) -> str:
        """The picture as an SVG document. Ids in it differ from those of every other picture of this process."""
        return self._text("svg")

    @property
    def dot(self) -> str:
        """The picture as DOT text, for Graphviz and the tools that read it."""
        return self._text("dot")

    @property
    def html(self) -> str:
        """The player: a whole page in one text, which steps forward, seeds, and steps backward, a node at a time.

        It makes no request to anywhere and its Content-Security-Policy allows none.
        """
        return self._text("html")

    @property
    def text(self) -> str:
        """The picture as a tree for the terminal, the output on top."""
        return self._text("txt")

    @property
    def json(self) -> str:
        """The graph as JSON: `format` "chalkgrad-graph", `version` 2, `nodes`, `edges`, `clusters`, `outputs` and more.

        A node has `id`, `kind`, `name`, `operation`, `expression`, `value`, `gradient` (null where never computed),
        `flags`, `cluster` and `source`; an edge `source`, `target`, `position`, `partial`, `rule`, `flow` and `count`.
        A nan or an infinity is the string "nan", "inf" or "-inf". `Diagram.load` draws a saved one again.
        """
        return self._text("json")

    @property
    def mermaid(self) -> str:
        """The picture as a Mermaid flowchart, which many Markdown renderers draw."""
        return self._text("mmd")

    @property
    def tikz(self) -> str:
        """The picture as a LaTeX document with one TikZ picture, with letters of 8 or 9 points; `save` has options."""
        return self._text("tex")

    def png(self, scale: float | None = None) -> bytes:
        """The picture as PNG, `scale` pixels per point (0.25 to 8): 2 by default, less where that would take long.

        It is the SVG, drawn. A UserWarning says so where letters come out too small to be read, and before an image
        that takes long. Raises DiagramError when the image would have more than 80 million pixels.
        """
        return FORMATS["png"].write(self.drawing, scale=scale)

    def save(self, path: str | os.PathLike[str], **options: Any) -> Path:
        r"""Write the picture in the format that the file name's extension names, and return the path.

        `.svg .png .pdf .dot .html` (the player) `.gif` (its steps as an animation) `.tex` (TikZ) `.mmd` (Mermaid)
        `.txt` `.json`. `.png` takes `scale=` pixels per point, `.gif` that and `seconds=` for each step (0.05 to 60, by
        default 1.5; the last is shown three times as long). An animation that takes long to make, or much room, warns
        before, with a UserWarning that says how much.

        `.tex` is for a paper: its letters have 8 to 10 points. `width=` is how wide the picture may be, in points (72
        to 2000) or with a unit: 246 or "3.4in" for a column, "6.5in" for a page. Where its direction was not asked for,
        the one that fits is taken; where words on the edges do not fit, numbers alone. Without a width the picture is
        as wide as it is, and the file says so where that is more than a page. `standalone=False` writes what `\input`
        takes, with the packages that it needs in its first lines. `latex=` is a dict of names to what they are in
        LaTeX, where that is not what `explain` makes of them. Letters that no font at hand has are codes in boxes.

        Raises DiagramError for any other extension, for a width that the picture does not fit into (and says what to
        do), OSError when the file cannot be written, and MissingExtraError when a GIF or a PDF is asked for without the
        extra that it needs, `chalkgrad[gif]` or `chalkgrad[pdf]`.

        >>> import pathlib, tempfile
        >>> from autograd import Value, draw
        >>> w, x = Value(2.0, name="w_1"), Value(-3.0, name="alpha")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = draw(w * x).save(f"{folder}/graph.tex", width="3.4in", latex={"w_1": r"w_{11}"})
        ...     print(*path.read_text().splitlines()[:3], sep="\n")
        % For LuaLaTeX, XeLaTeX and pdfLaTeX.
        % 233 pt wide, letters of 9 pt.
        \documentclass[border=4pt]{standalone}
        """
        return save(self.drawing, path, options)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What a notebook shows: an image that survives in an untrusted notebook, and the numbers as a table."""
        return {"text/plain": repr(self), "text/html": self._output}

    @functools.cached_property
    def _output(self) -> str:
        return notebook_output(self.drawing)
