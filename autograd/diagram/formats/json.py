"""The graph as JSON, for programs that read it."""

from __future__ import annotations

import json
import math

from autograd.diagram.place.drawing import Drawing

SCHEMA, VERSION = "chalkgrad-graph", 1


def write(drawing: Drawing) -> bytes:
    """The graph as JSON.

    An object with `format` ("chalkgrad-graph"), `version` (1), `title`, `outputs` (ids), `notes` (texts), and

    - `nodes`, operands before users: `id`, `kind` ("parameter", "input", "operation", "output", "constant", "group"),
      `name`, `operation` and `expression` (empty for a leaf), `value`, `gradient` (null where never computed), `flags`
      (objects with `kind` and `text`), `cluster` (id or null), `source` (`file:line: text`, or empty);
    - `edges`: `id`, `source`, `target` (ids), `position` (which operand), `partial` (the local derivative; null for a
      constant), `rule` (it as a formula), `flow` (partial times the target's gradient, or null), `count` (edges that
      this one stands for);
    - `clusters`: `id`, `label`, `parent` (id or null), `summary` (texts).

    JSON has no nan and no infinity: those numbers are the strings "nan", "inf" and "-inf".
    """
    picture = drawing.picture
    content = {
        "format": SCHEMA,
        "version": VERSION,
        "title": picture.title,
        "outputs": picture.outputs,
        "notes": picture.notes,
        "nodes": [
            {
                "id": n.id, "kind": n.kind, "name": n.name, "operation": n.op, "expression": n.expression,
                "value": _plain(n.value), "gradient": _plain(n.grad), "cluster": n.cluster, "source": n.source,
                "flags": [{"kind": flag.kind, "text": flag.text} for flag in n.flags],
            }
            for n in picture.nodes
        ],
        "edges": [
            {
                "id": e.id, "source": e.source, "target": e.target, "position": e.position, "rule": e.rule,
                "partial": _plain(e.partial), "flow": _plain(e.flow), "count": e.count,
            }
            for e in picture.edges
        ],
        "clusters": [
            {"id": c.id, "label": c.label, "parent": c.parent, "summary": c.summary} for c in picture.clusters
        ],
    }  # fmt: skip
    return (json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()


def _plain(x: float | None) -> float | str | None:
    return repr(x) if x is not None and not math.isfinite(x) else x
