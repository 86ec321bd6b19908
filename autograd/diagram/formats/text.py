"""The graph as a tree for the terminal, with the output on top."""

from __future__ import annotations

from autograd.diagram.picture.picture import Edge, Node, Picture, group_by
from autograd.diagram.place.drawing import Drawing
from autograd.diagram.text import number

DEEPEST = 40


def write(drawing: Drawing) -> bytes:
    """The tree. A value that several others use is written out once."""
    picture = drawing.picture
    lines = [picture.title, "", *_tree(picture)]
    if picture.notes:
        lines += ["", *picture.notes]
    return ("\n".join(lines) + "\n").encode()


def _tree(picture: Picture) -> list[str]:
    incoming = group_by(picture.edges, lambda edge: edge.target)
    nodes = {node.id: node for node in picture.nodes}
    used = {edge.source for edge in picture.edges}
    # a picture of a part may leave out the output, and has then other values that nothing in it uses
    tops = dict.fromkeys(picture.outputs + [node.id for node in picture.nodes if node.id not in used])
    lines: list[str] = []
    written: set[str] = set()
    # A list of what is still to be written, since a graph may be deeper than Python recurses.
    waiting: list[tuple[str, Edge | None, str, bool]] = [(key, None, "", True) for key in reversed(tops)]
    while waiting:
        key, edge, prefix, last = waiting.pop()
        again = key in written and bool(incoming[key])
        branch = "" if edge is None else "└─ " if last else "├─ "
        moved = edge is not None and edge.change and not nodes[key].change and not nodes[edge.target].change
        mark = f"  ({edge.change} edge)" if edge is not None and moved else ""
        lines.append(f"{prefix}{branch}{_line(nodes[key], edge, again)}{mark}")
        if again:
            continue
        written.add(key)
        deeper = prefix + ("" if edge is None else "   " if last else "│  ")
        if len(deeper) > 3 * DEEPEST and incoming[key]:
            lines.append(f"{deeper}└─ … deeper, not shown")
            continue
        for i, below in enumerate(reversed(incoming[key])):
            waiting.append((below.source, below, deeper, i == 0))
    return lines


def _line(node: Node, edge: Edge | None, again: bool) -> str:
    marks = "".join(f"  ({words})" for words in (node.change, node.was and f"was {node.was}") if words)
    if node.kind == "constant":
        return f"{node.name} (constant){marks}"
    text = node.header if node.expression else node.full_name
    if again:
        text = f"{node.full_name} (above)"
    elif node.kind == "group":
        text += ": " + ", ".join(row.text for row in node.rows)
    else:
        value, grad = node.before if node.before is not None and not node.change else (None, None)
        text += f"  [value {_changed(node.value, value)}"
        text += "]" if node.frozen else f", grad {_changed(node.grad, grad)}]"
        text += marks + "".join(f"  !! {flag.text}" for flag in node.flags)
    if edge is not None and edge.partial is not None:
        shown = number(edge.partial)
        rule = f"{edge.rule} = " if edge.rule and edge.rule != shown else ""
        text += f"   {edge.symbol} = {rule}{shown}"
    return text


def _changed(now: float | None, before: float | None) -> str:
    """A number, and by how much it changed where that is known."""
    return number(now) + (f" (Δ {number(now - before)})" if now is not None and before is not None else "")
