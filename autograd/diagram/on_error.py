"""`draw_on_error`: what was computed until an error came, as a picture beside the error's message."""

from __future__ import annotations

import itertools
import linecache
import os
import re
import sys
import warnings
from collections import deque
from collections.abc import Iterable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType, TracebackType
from typing import Any, NamedTuple

from autograd import modes
from autograd._engine import Value
from autograd.errors import DiagramError
from autograd.graph import topological_order

from .formats import format_of, save
from .picture.build import build
from .picture.clusters import Modules
from .picture.fold import COLLAPSE_OVER, fold
from .picture.measure import measure
from .picture.picture import Flag, Picture
from .picture.select import operands
from .place.drawing import Drawing
from .place.engines import TIME_LIMIT, find_engine
from .text import clean
from .theme import check_theme

LAST = 200  # values; of more, the last so many are drawn
WATCHED = 20_000  # operations of a block that are watched one by one; a longer block runs on at full speed
SEARCHED = 100_000  # objects that are looked through for values
_USED, _LAST = "used where it failed", "last value made"
_NAMES = re.compile(r"[^\W\d]\w*(?:\s*\.\s*[^\W\d]\w*)*")


def draw_on_error(
    path: str | os.PathLike[str],
    *,
    model: Any = None,
    limit: int = LAST,
    theme: str = "auto",
    engine: str | None = None,
    time_limit: float = TIME_LIMIT,
) -> AbstractContextManager[None, None]:
    """Where a `with` block raises an exception, draw what was computed in it until then, and let the exception go on.

    The picture goes to `path`, in the format that its extension names. The line that failed is its title, the values
    that this line names are marked, and a note at the exception says where the picture is. Values are there that
    nothing depends on yet. Where nothing is raised, nothing is written; where the picture cannot be made, the
    exception says so in the same place and is the same.

    Of over `limit` values the last so many before the error are drawn; with `model` (a Module of `nn`), neurons are
    folded into boxes instead. Up to 20,000 operations in a block all are known. After more, the block runs at full
    speed, and of later ones those are known that a variable of a function leads to which was running when it failed.

    `theme`, `engine` and `time_limit` are those of `draw`. Raises DiagramError at once for a path without an extension
    of `Diagram.save`, or for another argument that cannot be.

    >>> import pathlib, tempfile
    >>> from autograd import Value, draw_on_error
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "broken.txt"
    ...     try:
    ...         with draw_on_error(path):
    ...             h = Value(0.5, name="w").tanh()
    ...             loss = h * "two"
    ...     except TypeError:
    ...         print(path.read_text().splitlines()[2])
    v₁ = tanh(w)  [value 0.4621, grad ·]  !! last value made  !! used where it failed
    """
    format_of(path)
    check_theme(theme)
    find_engine(engine)
    if type(limit) is not int or limit < 1:
        raise DiagramError(f"limit= is a number of values, 1 or more; {limit!r} was given.")
    modules = Modules(model) if model is not None else None
    return _Watch(Path(path), modules, limit, (theme, engine, time_limit))


class _Place(NamedTuple):
    """A line of the user's, and the frame in which it ran."""

    frame: FrameType
    filename: str
    line: int
    segment: str  # the part of the line that was at work

    @property
    def text(self) -> str:
        return linecache.getline(self.filename, self.line, self.frame.f_globals).strip()


class _Watch(AbstractContextManager[None, None]):
    """Sees the nodes that a block makes, and draws them if it fails."""

    def __init__(self, path: Path, modules: Modules | None, limit: int, how: tuple[str, str | None, float]) -> None:
        self.path, self.modules, self.limit, self.how = path, modules, limit, how
        self._switch: Any = None
        self._around: _Watch = self
        self._start = 0
        self._made: dict[int, Value] = {}
        self._all = True  # whether they are all that the block made
        self._bound: dict[str, Any] = {}  # what the names of the block stood for at its beginning

    def __enter__(self) -> None:
        self._bound = dict(sys._getframe(1).f_locals)
        self._made, self._all = {}, True
        follower = modes.following.get()
        if follower is None:
            self._switch = modes.follow(self)
            self._switch.__enter__()
        elif isinstance(follower, _Watch):  # the block around this one sees all, and so this one too
            self._around, self._start = follower, len(follower.made)

    @property
    def made(self) -> dict[int, Value]:
        """The nodes that operations made, by identity. The engine in C asks for it each time, and adds to it."""
        if len(self._made) > WATCHED:
            self._made, self._all = {}, False
            self._stop()
        return self._made if self._all else {}

    def see(self, node: Value) -> None:
        """Take note of a node that an operation made."""
        self.made[id(node)] = node

    def check(self, operands: Iterable[Value]) -> None:
        """Anything may be used in the block."""

    def _stop(self) -> None:
        switch, self._switch = self._switch, None
        if switch is not None:
            switch.__exit__(None, None, None)

    def __exit__(self, kind: object, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop()
        seen, bound = [*self._around.made.values()][self._start :], self._bound
        made = [node for node in seen if node.operands]  # what was made inside no_grad() has none
        self._made, self._bound, self._around, self._start = {}, {}, self, 0
        if isinstance(error, Exception) and trace is not None:
            try:
                with warnings.catch_warnings(action="ignore"):  # that a large image is small to read
                    note = self._draw(error, trace, made, bound)
            except Exception as problem:  # whatever it is, the user's own is the one to see
                note = f"What was computed until then could not be drawn: {type(problem).__name__}: {problem}"
            with suppress(Exception):
                error.add_note(note)

    def _draw(self, error: Exception, trace: TracebackType, made: list[Value], bound: dict[str, Any]) -> str:
        place = _failing(trace)
        used = _used(place)
        values = [*(made or _values_in(_variables(trace, bound))), *used]
        order = topological_order(*values)
        below = {id(o) for v in order for o in operands(v)}
        marked, last = {id(v) for v in used}, id(made[-1]) if made else 0
        roots = [v for v in order if id(v) not in below]
        roots = [v for v in roots if v.operands or id(v) in marked] or roots
        if not roots:
            return f"Nothing was computed until then, so that {self.path} was not drawn"
        order = topological_order(*roots)
        parts = [_last(made or order, order, self.limit)] if len(order) > self.limit else []
        if self.modules is not None or not parts:
            parts.insert(0, order)
        for shown in parts:
            try:
                self._save(error, place, order, roots, shown, (marked, last))
            except DiagramError:
                if shown is parts[-1]:
                    raise
                continue
            few = f" (the last {len(shown)} of {len(order)} values)" if len(shown) < len(order) else ""
            return f"What was computed until then is drawn in {self.path}{few}"
        raise AssertionError("there is always a part to draw")

    def _save(
        self,
        error: Exception,
        place: _Place,
        order: list[Value],
        roots: list[Value],
        shown: list[Value],
        marks: tuple[set[int], int],
    ) -> None:
        may_fold = self.modules is not None and shown is order
        picture = build(order, roots, shown, self.modules, may_fold=may_fold)
        where = f"{Path(place.filename).name}:{place.line}"
        picture.title, picture.titled = clean(f"Until {type(error).__name__} at {where}: {place.text}", 120), True
        message = clean(f"{type(error).__name__}: {error}", 200)
        few = [f"the last {len(shown)} of {len(order)} values before the error"] if len(shown) < len(order) else []
        picture.notes = [message, clean(f"failed at {where}: {place.text}", 200), *few]
        _mark(picture, *marks, place)
        measure(picture)
        unfolded = None
        if may_fold and len(picture.nodes) > COLLAPSE_OVER:
            picture, unfolded = fold(picture), picture
        if len(picture.nodes) > max(self.limit, COLLAPSE_OVER) * 4:  # constants and boxes are nodes, too
            raise DiagramError(f"Folded, {len(picture.nodes)} boxes are left.")
        theme, engine, time_limit = self.how
        save(Drawing(picture, theme, engine, time_limit, unfolded), self.path, {})


def _mark(picture: Picture, used: set[int], last: int, place: _Place) -> None:
    where = clean(f"{place.filename}:{place.line}: {place.text}", 300)
    for node in picture.nodes:
        words = [_LAST] * (node.value_id == last) + [_USED] * (node.value_id in used)
        node.flags = [*node.flags, *(Flag(text, text, f"{text}: {where}") for text in words)]


def _failing(trace: TracebackType) -> _Place:
    """The innermost line outside this library."""
    steps = []
    step: TracebackType | None = trace
    while step is not None:
        steps.append(step)
        step = step.tb_next
    own = [s for s in steps if s.tb_frame.f_globals.get("__name__", "").partition(".")[0] not in ("autograd", "nn")]
    at = (own or steps)[-1]
    code = at.tb_frame.f_code
    return _Place(at.tb_frame, code.co_filename, at.tb_lineno, _segment(code, at.tb_lasti, at.tb_lineno, at.tb_frame))


def _segment(code: CodeType, instruction: int, line: int, frame: FrameType) -> str:
    """The part of the source that the instruction was made from, or the whole line where that is not known."""
    start, end, first, last = next(itertools.islice(code.co_positions(), instruction // 2, None), (None,) * 4)
    if start is None or end is None or first is None or last is None:
        return linecache.getline(code.co_filename, line, frame.f_globals)
    lines = [linecache.getline(code.co_filename, i, frame.f_globals).encode() for i in range(start, end + 1)]
    lines[-1] = lines[-1][:last]  # positions count bytes
    lines[0] = lines[0][first:]
    return b"".join(lines).decode(errors="replace")


def _used(place: _Place) -> list[Value]:
    """The values that the failing part of a line names, as variables or as attributes of some."""
    found: list[Value] = []
    for match in _NAMES.finditer(place.segment):
        first, *attributes = [part.strip() for part in match[0].split(".")]
        thing = place.frame.f_locals.get(first, place.frame.f_globals.get(first))
        for name in attributes:
            thing = vars(thing).get(name) if hasattr(thing, "__dict__") else thing
        if isinstance(thing, Value | list | tuple):
            found += _values_in([thing])
    return list({id(v): v for v in found}.values())


def _variables(trace: TracebackType, bound: dict[str, Any]) -> Iterable[Any]:
    """What the variables hold of the functions that were running; of the block itself those that it has set."""
    outermost = trace.tb_frame
    step: TracebackType | None = trace
    while step is not None:
        for name, thing in step.tb_frame.f_locals.items():
            if step.tb_frame is not outermost or name not in bound or bound[name] is not thing:
                yield thing
        step = step.tb_next


def _values_in(things: Iterable[Any]) -> list[Value]:
    """The Values in all this: in lists, tuples, dicts, arrays of objects, and attributes."""
    found: list[Value] = []
    waiting, seen = deque(things), set[int]()
    numpy = sys.modules.get("numpy")
    while waiting and len(seen) < SEARCHED:
        thing = waiting.popleft()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, Value):
            found.append(thing)
        elif isinstance(thing, list | tuple | deque):
            waiting += thing
        elif isinstance(thing, dict):
            waiting += thing.values()
        elif numpy is not None and isinstance(thing, numpy.ndarray):
            waiting += thing.flat if thing.dtype == object else ()
        elif not isinstance(thing, type | ModuleType | FunctionType | FrameType) and hasattr(thing, "__dict__"):
            waiting += vars(thing).values()
    return found


def _last(made: list[Value], order: list[Value], limit: int) -> list[Value]:
    """The last values that were made, with their operands, in the order of the graph."""
    wanted: set[int] = set()
    for v in reversed(made):
        more = {id(v), *(id(o) for o in operands(v))}
        if wanted and len(wanted | more) > limit:
            break
        wanted |= more
    return [v for v in order if id(v) in wanted]
