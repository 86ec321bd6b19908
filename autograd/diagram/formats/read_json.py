"""A drawing out of the JSON that it was written to, by somebody or something: nothing in it is trusted.

Ids must look like those that we write, so that no text of a file becomes an id; every text is cleaned as a name is;
nothing in it names a program or a file. What is missing, of another type, or refers to what is not there, is an error
that says where it stands.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any, NoReturn

from autograd.diagram.picture.compare import differences
from autograd.diagram.picture.measure import measure
from autograd.diagram.picture.picture import Cluster, Edge, Flag, Node, Picture, Row
from autograd.diagram.place.drawing import Drawing
from autograd.diagram.text import allowed, clean
from autograd.diagram.theme import STYLES, THEMES
from autograd.errors import DiagramError

from .json import CLUSTER, EDGE, FLAG, NODE, PICTURE, SCHEMA, VERSION

_KINDS = ("parameter", "input", "operation", "output", "constant", "group")
_IDS = {
    "node id": re.compile(r"g{0,9}(n\d{1,9}(c\d{1,9})?|[mr]\d{1,9}|mrest)", re.ASCII),
    "edge id": re.compile(r"g{0,9}e[a-z\d]{1,40}_[a-z\d]{1,40}_\d{1,9}", re.ASCII),
    "cluster id": re.compile(r"g{0,9}[mr]\d{1,9}", re.ASCII),
}
_CHOICES = {
    "kind": _KINDS, "change": ("", "new", "gone"), "style": STYLES, "theme": (*THEMES, "auto"),
    "direction or null": (None, "LR", "TB"), "row kind": ("plain", "late", "flag"),
}  # fmt: skip
_TAGS = ("mrow", "mi", "mo", "mn", "mtext", "mfrac")
_DEEPEST = 60  # of a formula
_MOST = 2**53  # what counts


def read(data: bytes, name: str) -> Drawing:
    """The drawing in the content of a file; `name` is what errors call it.

    Raises DiagramError where it is none of ours, of another version, or damaged.
    """
    try:
        return _drawing(_parsed(data))
    except DiagramError as error:
        raise DiagramError(f"{name} cannot be loaded: {error}") from None
    except RecursionError:
        raise DiagramError(f"{name} cannot be loaded: it is nested too deep.") from None


def _parsed(data: bytes) -> dict[str, Any]:
    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is no number of JSON")

    try:
        content = json.loads(data.decode("utf-8-sig"), parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise DiagramError(f'it is not JSON ({error}). Give a file that .save("graph.json") wrote.') from None
    form = content.get("format") if isinstance(content, dict) else None
    if form != SCHEMA:
        was = f'its format is {_shown(form)}, and "{SCHEMA}" was wanted' if form is not None else "it names no format"
        raise DiagramError(f'{was}. Give a file that .save("graph.json") of a diagram wrote.')
    version = content.get("version")
    if version != VERSION or type(version) is not int:
        newer = type(version) is int and version > VERSION
        advice = "Update chalkgrad." if newer else "Draw the graph again and save it."
        raise DiagramError(f"its version is {_shown(version)}, and this chalkgrad reads version {VERSION}. {advice}")
    return dict(content)


def _drawing(content: dict[str, Any]) -> Drawing:
    whole = _Reader("", content)
    picture = whole.picture()
    theme = whole.choice(whole.take("theme"), "theme", "theme")
    moments = [_Reader(f"moments[{i}].", item).picture() for i, item in enumerate(whole.items("moments"))]
    unfolded = whole.take("unfolded")
    if moments:
        if len(moments) < 2 or any(_ids(moment) != _ids(moments[0]) for moment in moments):
            raise DiagramError("moments: two or more graphs with the same ids were wanted.")
        picture = differences(moments)
    whole_picture = _Reader("unfolded.", unfolded).picture() if unfolded is not None else None
    return Drawing(picture, theme, unfolded=whole_picture, moments=moments)


def _ids(picture: Picture) -> list[str]:
    return [node.id for node in picture.nodes] + [edge.id for edge in picture.edges]


class _Reader:
    """Reads one graph; `where` it stands begins every error."""

    def __init__(self, where: str, content: object) -> None:
        self.where = where
        self.content = self._object(content, where.rstrip(".") or "the file")
        self.nodes: dict[str, int] = {}  # by id, where it stands
        self.clusters: set[str] = set()

    def picture(self) -> Picture:
        """The graph as a picture, measured."""
        clusters = self._parts("clusters", Cluster, CLUSTER, self.clusters.add)
        nodes = self._parts("nodes", Node, NODE, lambda key: self.nodes.setdefault(key, len(self.nodes)))
        edges = self._parts("edges", Edge, EDGE, lambda key: None)
        for i, edge in enumerate(edges):
            # boxes may depend on each other, values may not
            if not edge.bundled and self.nodes[edge.source] >= self.nodes[edge.target]:
                self._fail(
                    f"edges[{i}]", f"an edge to a later node was wanted, and it runs from {edge.source} to "
                    f"{edge.target}: the graph has a circle, or its nodes are out of order"
                )  # fmt: skip
        picture = Picture(nodes, edges, [], clusters=clusters)
        self._fill(picture, PICTURE, self.content, "")
        notes = picture.notes
        measure(picture)
        picture.notes = notes  # how many nodes there are is among them already
        return picture

    def take(self, key: str) -> Any:
        """What stands under a key of the graph."""
        return self._take(self.content, key, "")

    def items(self, key: str) -> list[Any]:
        """The list under a key of the graph."""
        return self._list(self.take(key), key)

    def _parts(self, key: str, kind: Callable[..., Any], fields: Any, note: Callable[[str], object]) -> list[Any]:
        things, seen = [], set()
        for i, item in enumerate(self.items(key)):
            where = f"{key}[{i}]"
            content = self._object(item, where)
            values = {attribute: self._value(content, name, what, where) for attribute, name, what in fields}
            if values["id"] in seen:
                self._fail(where, f"the id {values['id']} is taken already")
            seen.add(values["id"])
            note(values["id"])
            things.append(kind(**values))
        return things

    def _fill(self, thing: object, fields: Any, content: dict[str, Any], where: str) -> None:
        for attribute, key, what in fields:
            setattr(thing, attribute, self._value(content, key, what, where))

    def _value(self, content: dict[str, Any], key: str, what: str, where: str) -> Any:
        value, place = self._take(content, key, where), f"{where}.{key}".lstrip(".")
        if what in _CHOICES:
            return self.choice(value, what, place)
        if what in _IDS:
            if not isinstance(value, str) or not _IDS[what].fullmatch(value):
                self._fail(place, f"an id such as n3, e0_3_1 or m2 was wanted; {_shown(value)} stands there")
            return value
        return getattr(self, "_" + what.replace(" ", "_"))(value, place)

    def choice(self, value: Any, what: str, place: str) -> Any:
        """One of the words that are possible."""
        if not isinstance(value, str | None) or value not in _CHOICES[what]:
            words = ", ".join(json.dumps(word) for word in _CHOICES[what])
            self._fail(place, f"one of {words} was wanted; {_shown(value)} stands there")
        return value

    def _text(self, value: Any, place: str) -> str:
        if not isinstance(value, str):
            self._fail(place, f"a text was wanted; {_shown(value)} stands there")
        return clean(value)

    def _texts(self, value: Any, place: str) -> list[str]:
        return [self._text(item, f"{place}[{i}]") for i, item in enumerate(self._list(value, place))]

    def _number(self, value: Any, place: str) -> float | None:
        if value is None:
            return None
        if value in ("nan", "inf", "-inf"):
            return float(value)
        try:
            number = float(value) if type(value) in (int, float) else math.nan
        except OverflowError:
            number = math.nan
        if not math.isfinite(number):
            self._fail(place, f'a number, "nan", "inf", "-inf" or null was wanted; {_shown(value)} stands there')
        return number

    def _count(self, value: Any, place: str) -> int:
        if type(value) is not int or not 0 <= value < _MOST:
            self._fail(place, f"a whole number, 0 or more, was wanted; {_shown(value)} stands there")
        return int(value)

    def _yes_or_no(self, value: Any, place: str) -> bool:
        if not isinstance(value, bool):
            self._fail(place, f"true or false was wanted; {_shown(value)} stands there")
        return bool(value)

    def _node(self, value: Any, place: str) -> str:
        if not isinstance(value, str) or value not in self.nodes:
            self._fail(place, f"the id of a node was wanted; {_shown(value)} stands there, and there is no such node")
        return str(value)

    def _nodes(self, value: Any, place: str) -> list[str]:
        ids = [self._node(item, f"{place}[{i}]") for i, item in enumerate(self._list(value, place))]
        return list(dict.fromkeys(ids))

    def _cluster_or_null(self, value: Any, place: str) -> str | None:
        if value is not None and (not isinstance(value, str) or value not in self.clusters):
            wanted = "null or the id of a cluster (for a cluster, of one before it)"
            self._fail(place, f"{wanted} was wanted; {_shown(value)} stands there, and there is no such cluster")
        return value

    def _flags(self, value: Any, place: str) -> list[Flag]:
        flags = []
        for i, item in enumerate(self._list(value, place)):
            where = f"{place}[{i}]"
            content = self._object(item, where)
            flags.append(Flag(**{name: self._value(content, key, what, where) for name, key, what in FLAG}))
        return flags

    def _rows(self, value: Any, place: str) -> list[Row]:
        rows = []
        for i, item in enumerate(self._list(value, place)):
            where = f"{place}[{i}]"
            content = self._object(item, where)
            kind = self._value(content, "kind", "row kind", where)
            rows.append(Row("", self._value(content, "text", "text", where), kind))
        return rows

    def _before(self, value: Any, place: str) -> tuple[float | None, float | None] | None:
        if value is None:
            return None
        content = self._object(value, place)
        old, grad = (self._value(content, key, "number", place) for key in ("value", "gradient"))
        return old, grad

    def _derivations(self, value: Any, place: str) -> dict[str, list[list[Any]]]:
        return {
            self._node(key, place): [
                self._formula(tree, f"{place}.{key}[{i}]") for i, tree in enumerate(self._list(trees, f"{place}.{key}"))
            ]
            for key, trees in self._object(value, place).items()
        }

    def _formula(self, tree: Any, place: str, depth: int = 0) -> list[Any]:
        """A MathML tree: a tag, and behind it a text or more trees."""
        tag, *inside = self._list(tree, place) or [None]
        if tag not in _TAGS or depth > _DEEPEST:
            self._fail(place, f"a formula that begins with one of {', '.join(_TAGS)} was wanted; it is {_shown(tree)}")
        return [tag, *(allowed(x) if isinstance(x, str) else self._formula(x, place, depth + 1) for x in inside)]

    def _take(self, content: dict[str, Any], key: str, where: str) -> Any:
        if key not in content:
            self._fail(where, f'the key "{key}" is missing')
        return content[key]

    def _object(self, value: Any, place: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            self._fail(place, f"an object was wanted; {_shown(value)} stands there")
        return dict(value)

    def _list(self, value: Any, place: str) -> list[Any]:
        if not isinstance(value, list):
            self._fail(place, f"a list was wanted; {_shown(value)} stands there")
        return list(value)

    def _fail(self, place: str, words: str) -> NoReturn:
        there = f"{self.where}{place}".rstrip(".")
        raise DiagramError(f"{there}: {words}." if there else f"{words}.")


def _shown(value: Any) -> str:
    """What stands there, short."""
    return clean(json.dumps(value, ensure_ascii=False, default=repr), 60)
