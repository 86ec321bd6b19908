"""The graph as JSON, for programs that read it, and to be loaded and drawn again: `read_json.py`."""

from __future__ import annotations

import json
import math
from typing import Any

from autograd.diagram.picture.picture import Flag, Picture, Row
from autograd.diagram.place.drawing import Drawing

from .html import PLAYABLE

SCHEMA, VERSION = "chalkgrad-graph", 2

# What is written of each part of a picture: the attribute, its key in the file, and what it must be. All else follows
# from these and is worked out again when a file is loaded.
NODE = (
    ("id", "id", "node id"), ("kind", "kind", "kind"), ("name", "name", "text"), ("op", "operation", "text"),
    ("expression", "expression", "text"), ("value", "value", "number"), ("grad", "gradient", "number"),
    ("cluster", "cluster", "cluster or null"), ("source", "source", "text"), ("flags", "flags", "flags"),
    ("numeric", "numeric", "text"), ("path", "path", "text"), ("named", "named", "yes or no"),
    ("frozen", "frozen", "yes or no"), ("outside", "outside", "number"), ("outside_edges", "outside_edges", "count"),
    ("rows", "rows", "rows"), ("tooltip", "tooltip", "text"), ("change", "change", "change"), ("was", "was", "text"),
    ("before", "before", "before"),
)  # fmt: skip
EDGE = (
    ("id", "id", "edge id"), ("source", "source", "node"), ("target", "target", "node"),
    ("position", "position", "count"), ("symbol", "symbol", "text"), ("rule", "rule", "text"),
    ("partial", "partial", "number"), ("flow", "flow", "number"), ("count", "count", "count"),
    ("bundled", "bundled", "yes or no"), ("tooltip", "tooltip", "text"), ("change", "change", "change"),
)  # fmt: skip
CLUSTER = (
    ("id", "id", "cluster id"), ("label", "label", "text"), ("parent", "parent", "cluster or null"),
    ("turns", "turns", "count"), ("summary", "summary", "texts"),
)  # fmt: skip
PICTURE = (
    ("title", "title", "text"), ("titled", "titled", "yes or no"), ("style", "style", "style"),
    ("asked_direction", "direction", "direction or null"),
    ("legend", "legend", "yes or no"), ("outputs", "outputs", "nodes"), ("output_names", "output_names", "texts"),
    ("notes", "notes", "texts"), ("derivations", "derivations", "derivations"),
)  # fmt: skip
FLAG = (("kind", "kind", "text"), ("text", "text", "text"), ("advice", "advice", "text"), ("late", "late", "yes or no"))


def write(drawing: Drawing) -> bytes:
    """The graph as JSON.

    An object with `format` ("chalkgrad-graph"), `version` (2), `theme`, `title`, `titled` (or is it made up), `style`,
    `direction` ("LR", "TB", or null: by size), `legend`, `outputs` (ids), `output_names`, `notes` (texts), and

    - `nodes`, operands before users: `id`, `kind` ("parameter", "input", "operation", "output", "constant", "group"),
      `name`, `operation` and `expression` (empty for a leaf), `numeric` (the expression with numbers), `value`,
      `gradient` (null where never computed), `flags` (objects with `kind`, `text`, `advice`, `late`), `cluster` (id or
      null), `source` (`file:line: text`, or empty), `path` (in a model), `named` (or is its name v₁), `frozen`,
      `outside` and `outside_edges` (what reaches it from values that are not shown), `rows` (of a group), `tooltip`;
      in a comparison `change` ("new", "gone" or empty), `was` (its former formula) and `before` (or null);
    - `edges`: `id`, `source`, `target` (ids), `position` (which operand), `partial` (the local derivative; null for a
      constant), `symbol` and `rule` (it as a formula), `flow` (partial times the target's gradient, or null), `count`
      (edges that this one stands for), `bundled` (it ends at a group), `tooltip`, `change`;
    - `clusters`, the outer ones first: `id`, `label`, `parent` (id or null), `turns` (of what repeats, else 0),
      `summary` (texts);
    - `derivations`: for parameters of small graphs the chain rule as MathML trees, by the node's id;
    - `unfolded`: the graph before it was folded, where the player shows it, or null;
    - `moments`: the graphs that are compared.

    JSON has no nan and no infinity: those numbers are the strings "nan", "inf" and "-inf".
    """
    unfolded = drawing.unfolded
    playable = unfolded is not None and len(unfolded.nodes) <= PLAYABLE
    content = {
        "format": SCHEMA,
        "version": VERSION,
        "theme": drawing.theme,
        **_graph(drawing.picture),
        "unfolded": _graph(unfolded) if unfolded is not None and playable else None,
        "moments": [_graph(moment) for moment in drawing.moments],
    }
    return (json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()


def _graph(picture: Picture) -> dict[str, Any]:
    nodes, edges, clusters = (
        [_part(thing, fields) for thing in things]
        for things, fields in ((picture.nodes, NODE), (picture.edges, EDGE), (picture.clusters, CLUSTER))
    )
    for node in nodes:
        if node["kind"] != "group":  # its rows say what is written already
            node["rows"] = []
    return {**_part(picture, PICTURE), "nodes": nodes, "edges": edges, "clusters": clusters}


def _part(thing: object, fields: tuple[tuple[str, str, str], ...]) -> dict[str, Any]:
    return {key: _plain(getattr(thing, attribute)) for attribute, key, _ in fields}


def _plain(x: Any) -> Any:
    if isinstance(x, float):
        return x if math.isfinite(x) else repr(x)
    if isinstance(x, Flag):
        return _part(x, FLAG)
    if isinstance(x, Row):
        return {"text": x.text, "kind": x.kind}
    if isinstance(x, tuple):
        return {"value": _plain(x[0]), "gradient": _plain(x[1])}
    return [_plain(item) for item in x] if isinstance(x, list) else x
