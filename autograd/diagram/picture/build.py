"""What to show: a graph of Values turned into a picture of nodes and edges, with every number and every name in it.

A `Picture` is a snapshot. It holds plain text and floats, all cleaned, and no Value, so that a drawing shows the
moment it was made, and every painter (SVG, DOT, player, TikZ, text) reads the same facts.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from autograd.diagram import theme
from autograd.diagram.text import LONGEST_NAME, clean, number, subscript, width
from autograd.errors import DiagramError
from autograd.value import Value, topological_order

from . import health

LIMIT = 2000  # nodes; beyond it a layered drawing takes long and nobody can read it
HIDE_CONSTANTS_OVER = 60
LEAN_OVER = 6000
SHORT_LABELS_OVER, NO_LABELS_OVER = 60, 220


@dataclass(slots=True)
class Node:
    """One value of the graph, or one box that stands for several (`kind` "group")."""

    id: str
    kind: str
    name: str
    expression: str = ""
    numeric: str = ""  # the expression with numbers in place of names
    value: float | None = None
    grad: float | None = None
    flags: list[health.Flag] = field(default_factory=list)
    tooltip: str = ""
    source: str = ""
    cluster: str | None = None
    rows: list[tuple[str, str, str]] = field(default_factory=list)  # label, text, class of the number
    slot: float = 0.0  # width reserved for the numbers
    width: float = 0.0
    height: float = 0.0
    frozen: bool = False
    op: str = ""
    value_id: int = 0  # the id() of the Value, while the picture is being built
    before: tuple[float | None, float | None] | None = None  # value and gradient at another moment
    outside: float | None = None  # the part of its gradient that comes through edges that are not drawn
    outside_edges: int = 0
    path: str = ""  # of a parameter that has its name from a model: `layers.0.neurons.3.w.1`

    @property
    def full_name(self) -> str:
        """The name where no frame says which neuron a `w.1` belongs to."""
        return self.path or self.name

    @property
    def header(self) -> str:
        """`a = w × x`, or the name alone."""
        return f"{self.name} = {self.expression}" if self.expression else self.name


@dataclass(slots=True)
class Edge:
    """Operand `position` of a node: from the operand to the node that uses it."""

    id: str
    source: str
    target: str
    position: int
    partial: float | None
    symbol: str
    rule: str
    flow: float | None = None
    label: str = ""
    tooltip: str = ""
    count: int = 1  # edges that this one stands for
    grouped: bool = False

    @property
    def sign(self) -> str:
        """The class of the gradient that flows here."""
        return "constant" if self.partial is None and not self.grouped else theme.sign(self.flow)


@dataclass(slots=True)
class Cluster:
    """A neuron or a layer: a frame round its nodes."""

    id: str
    label: str
    parent: str | None = None
    summary: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Picture:
    """Everything a painter needs. Nodes are in topological order, operands before users."""

    nodes: list[Node]
    edges: list[Edge]
    outputs: list[str]
    title: str = "computation graph"
    clusters: list[Cluster] = field(default_factory=list)
    direction: str = "LR"
    asked_direction: str | None = None
    derivations: dict[str, list[list[Any]]] = field(default_factory=dict)  # of parameters, as MathML trees
    tops: list[str] = field(default_factory=list)  # the outputs' names, for those that are not drawn too
    folded: bool = False  # too many to be drawn one by one
    notes: list[str] = field(default_factory=list)
    legend: bool = True

    def node(self, key: str) -> Node:
        """The node with this id."""
        return next(node for node in self.nodes if node.id == key)


HEADER_HEIGHT, ROW_HEIGHT, PAD = 22.0, 17.0, 8.0
_LABEL_GAP = 10.0


def build(
    roots: Sequence[Value],
    *,
    focus: Value | None = None,
    depth: int | None = None,
    path: tuple[Value, Value] | None = None,
    hide_constants: bool | None = None,
    limit: int | None = LIMIT,
    direction: str | None = None,
    groups: Any = None,
    legend: bool = True,
    title: str | None = None,
) -> Picture:
    """Turn the graph behind `roots` into a picture; the arguments are those of `draw`."""
    order = topological_order(*roots)
    total = len(order)
    names = Names(order, given=groups.names if groups is not None else None)
    keep = _select(order, roots, focus, depth, path)
    shown = [v for v in order if id(v) in keep]
    if limit is not None and len(shown) > limit:
        raise DiagramError(
            f"This graph has {len(shown)} values, more than anybody can read at once (limit={limit}). Draw a part "
            "(focus=value, depth=2; path=(a, b)), pass model= with collapse=True to fold neurons into boxes, draw "
            "fewer samples of the batch, or pass limit=None to draw it all the same."
        )
    if hide_constants is None:
        hide_constants = len(shown) > HIDE_CONSTANTS_OVER
    outputs = {id(root) for root in roots}
    ids = {id(v): f"n{i}" for i, v in enumerate(shown)}
    flags = health.flags(order, roots, keep)
    nodes: list[Node] = []
    edges: list[Edge] = []
    lean = len(shown) > LEAN_OVER  # so many that only folded boxes will be seen: no formulas, no tooltips
    for v in shown:
        written = [] if lean else [names.of(o) for o in v.operands]
        key = ids[id(v)]
        constants: list[Node] = []
        for i, operand in enumerate(v.operands):
            is_value = isinstance(operand, Value)
            if is_value and id(operand) not in ids:
                continue
            if not is_value:
                if hide_constants:
                    continue
                constant = Node(f"{key}c{i}", "constant", number(float(operand), 6), value=float(operand))
                constant.tooltip = f"constant {float(operand)!r}"
                constants.append(constant)
            source = ids[id(operand)] if is_value else f"{key}c{i}"
            edges.append(_edge(v, i, source, key, names, written))
        nodes += constants
        place = clean(groups.paths.get(id(v), "")) if groups is not None and not v.name else ""
        nodes.append(_node(v, key, names, id(v) in outputs, flags.get(id(v), []), lean, place))
    notes = []
    if len(shown) < total:
        notes.append(f"{len(shown)} of {total} values shown")
    picture = Picture(nodes, edges, [ids[id(r)] for r in roots if id(r) in ids], notes=notes, legend=legend)
    picture.title = clean(title or "", 120) or "Computation graph of " + ", ".join(names.of(root) for root in roots[:3])
    if groups is not None:
        groups.apply(picture, {id(v): ids[id(v)] for v in shown}, shown)
    picture.tops = [names.of(root) for root in roots]
    if len(shown) < total:
        _from_outside(order, roots, {ids[id(v)]: v for v in shown}, ids, picture)
    picture.asked_direction, picture.folded = direction, lean and groups is not None
    finish(picture, direction)
    return picture


class Names:
    """The name each value goes by in a picture: its own, or v₁, v₂ … in the order of evaluation."""

    def __init__(self, order: Iterable[Value], digits: int = 6, given: dict[int, str] | None = None) -> None:
        self._digits = digits  # of constants: in a formula `y × 1.0001` must not read `y × 1`
        self._names: dict[int, str] = {}
        self._full: dict[int, str] = {}
        taken: set[str] = set()
        unnamed = []
        for v in order:
            full = clean(v.name or (given or {}).get(id(v)) or "")
            if full:
                self._full[id(v)] = full
                self._names[id(v)] = clean(full, LONGEST_NAME) if v.name else full  # a path tells by its end
                taken.add(full)
            else:
                unnamed.append(v)
        count = 0
        for v in unnamed:
            count += 1
            while "v" + subscript(count) in taken:
                count += 1
            self._names[id(v)] = self._full[id(v)] = "v" + subscript(count)

    def of(self, operand: Value | float) -> str:
        """The name of a value, or the number of a constant (in parentheses when negative)."""
        if isinstance(operand, Value):
            return self._names.get(id(operand), "v")
        x = float(operand)
        return f"({number(x, self._digits)})" if x < 0 else number(x, self._digits)

    def full(self, v: Value) -> str:
        """The whole cleaned name."""
        return self._full.get(id(v), "v")

    def expression(self, v: Value, longest: int = 44) -> str:
        """How `v` was computed: `w × x`; an operation on many operands is counted instead of written out."""
        if v.op is None:
            return ""
        # clean() again: the notation of a user's own operation is the user's text too
        text = clean(v.op.write([self.of(o) for o in v.operands], result=self.of(v)))
        if len(text) <= longest:
            return text
        if len(v.operands) > 2:
            return f"{clean(v.op.name, LONGEST_NAME)} of {len(v.operands)} operands"
        return clean(text, longest)

    def numeric(self, v: Value) -> str:
        """The expression with the operands' numbers in place of their names, or nothing where that is too long."""
        if v.op is None:
            return ""
        datas = [float(o.data) if isinstance(o, Value) else float(o) for o in v.operands]
        shown = [f"({number(x)})" if x < 0 else number(x) for x in datas]
        text = clean(v.op.write(shown, result=number(float(v.data))))
        return text if len(text) <= 90 else ""

    def rule(self, v: Value, i: int, written: list[str], longest: int = 40) -> str:
        """The derivative of `v` with respect to its operand `i`, written with names."""
        assert v.op is not None
        return clean(v.op.write_derivative(i, written, result=self.of(v)), longest)


def _grad(v: Value) -> float | None:
    return v.grad if v.has_grad else None


def _node(v: Value, key: str, names: Names, is_output: bool, flags: list[health.Flag], lean: bool, path: str) -> Node:
    kind = "output" if is_output else "operation" if v.op is not None else "parameter" if v.requires_grad else "input"
    node = Node(key, kind, names.of(v), value=float(v.data), grad=_grad(v), flags=flags)
    node.value_id, node.path = id(v), path
    node.op = v.op.name if v.op is not None else ""
    node.frozen = v.op is None and not v.requires_grad
    if lean:
        return node
    node.expression, node.numeric = names.expression(v), names.numeric(v)
    facts = [
        path or names.full(v),
        f"value {v.data!r}",
        f"gradient {v.grad!r}" if v.has_grad else "gradient not computed",
    ]
    if v.op is not None:
        facts.insert(1, f"= {names.expression(v, 200)}")
    source = getattr(v, "source", None)
    if source:
        filename, line, text = source
        node.source = clean(f"{filename}:{line}: {text}", 300)
        facts.append(f"made at {node.source}")
    facts += [flag.advice for flag in flags]
    node.tooltip = "; ".join(facts)
    return node


def _edge(v: Value, i: int, source: str, target: str, names: Names, written: list[str]) -> Edge:
    partial = v.partials[i] if i < len(v.partials) else None
    operand = v.operands[i]
    if not isinstance(operand, Value):
        partial = None
    symbol = f"∂{names.of(v)}/∂{written[i]}" if written else ""
    edge = Edge(f"e{source[1:]}_{target[1:]}_{i}", source, target, i, partial, symbol, "")
    if partial is None:
        edge.tooltip = "constant: no gradient flows here"
        return edge
    partial = float(partial)
    edge.partial = partial
    grad = _grad(v)
    if operand.op is None and not operand.requires_grad:
        grad = None  # a frozen leaf keeps no gradient, so none is drawn on the way to it
    edge.flow = None if grad is None else partial * grad
    if not written:
        return edge
    edge.rule = names.rule(v, i, written)
    if _is_number(edge.rule):  # `w × (−2)` by w: the rule is the constant itself, which would read `= (−2) = −2`
        edge.rule = number(partial)
    rule = f"{edge.rule} = " if edge.rule != number(partial) else ""
    edge.tooltip = f"{symbol} = {rule}{partial!r}"
    if edge.flow is not None:
        edge.tooltip += f"; gradient that flows here: {partial!r} × {grad!r} = {edge.flow!r}"
    return edge


def _is_number(rule: str) -> bool:
    try:
        float(rule.strip("()").replace("−", "-"))
    except ValueError:
        return False
    return True


def _select(
    order: list[Value], roots: Sequence[Value], focus: Value | None, depth: int | None, path: tuple[Value, Value] | None
) -> set[int]:
    """The ids of the values to show: all, those near `focus`, or those on a way from one value to another."""
    everything = {id(v) for v in order}
    if path is not None:
        start, end = path
        for v in path:
            if id(v) not in everything:
                raise DiagramError(f"path= names {v!r}, which is not part of this graph. Give two values of the graph.")
        above = reachable(order, start)
        below = {id(v) for v in topological_order(end)}
        chosen = above & below
        if not chosen:
            above, below = reachable(order, end), {id(v) for v in topological_order(start)}
            chosen = above & below
        if not chosen:
            raise DiagramError(f"No path leads from {start!r} to {end!r}: the one does not depend on the other.")
        return chosen
    if focus is None and depth is None:
        return everything
    if depth is not None and (type(depth) is not int or depth < 0):
        raise DiagramError(f"depth= is a number of steps, 0 or more; {depth!r} was given.")
    if focus is not None and id(focus) not in everything:
        raise DiagramError(f"focus= names {focus!r}, which is not part of this graph. Give a value of the graph.")
    centres = [focus] if focus is not None else list(roots)
    reach = 2 if depth is None else depth
    users: dict[int, list[Value]] = defaultdict(list)
    for v in order:
        for operand in v.operands:
            if isinstance(operand, Value):
                users[id(operand)].append(v)
    chosen, layer = {id(c) for c in centres}, centres
    for _ in range(reach):
        near = [o for v in layer for o in v.operands if isinstance(o, Value)] + [u for v in layer for u in users[id(v)]]
        layer = list({id(v): v for v in near if id(v) not in chosen}.values())
        chosen |= {id(v) for v in layer}
    return chosen


def _from_outside(
    order: list[Value], roots: Sequence[Value], shown: dict[str, Value], ids: dict[int, str], picture: Picture
) -> None:
    """Note what reaches each shown value from users that are not shown, so that the player's sums come out right."""
    adjoints = {id(root): 1.0 for root in roots}
    outside: dict[int, list[float]] = defaultdict(list)
    for v in reversed(order):
        grad = adjoints.get(id(v))
        if grad is None:
            continue
        for operand, partial in zip(v.operands, v.partials, strict=True):
            if partial is None or not isinstance(operand, Value):
                continue
            flow = float(partial) * grad
            adjoints[id(operand)] = adjoints.get(id(operand), 0.0) + flow
            if id(v) not in ids:
                outside[id(operand)].append(flow)
    for node in picture.nodes:
        flows = outside.get(id(shown[node.id])) if node.id in shown and not node.frozen else None
        if flows:
            node.outside, node.outside_edges = sum(flows), len(flows)


def reachable(order: list[Value], start: Value) -> set[int]:
    """The ids of `start` and of every value of `order` that depends on it."""
    found = {id(start)}
    for v in order:
        if any(isinstance(o, Value) and id(o) in found for o in v.operands):
            found.add(id(v))
    return found


def finish(picture: Picture, direction: str | None) -> None:
    """Decide labels by size, lay out the text of every node, measure it, and choose the direction."""
    count = len(picture.edges)
    for edge in picture.edges:
        if edge.partial is None or count > NO_LABELS_OVER:
            edge.label = ""
        elif count > SHORT_LABELS_OVER:
            edge.label = number(edge.partial)
        else:
            edge.label = edge_text(edge)
    if picture.folded:  # the nodes of this picture are not drawn: the boxes that stand for them are
        return
    slots = totals_width(picture)
    for node in picture.nodes:
        lay_out(node, slots.get(node.id, 0.0))
    picture.direction = direction or picture.asked_direction or _direction(picture)
    counts = Counter(node.kind for node in picture.nodes)
    words = [f"{n} {kind}{'s' if n > 1 else ''}" for kind, n in counts.items()]
    picture.notes = [*picture.notes, ", ".join(words)] if len(picture.nodes) > 100 else picture.notes


def edge_text(edge: Edge) -> str:
    """`∂a/∂w = x = 0.5`; the rule is left out where it is the number itself."""
    shown = number(edge.partial)
    parts = [edge.symbol] + ([edge.rule] if edge.rule and edge.rule != shown else []) + [shown]
    text = " = ".join(parts)
    if len(text) > 46:
        text = f"{edge.symbol} = {shown}"
    return text if len(text) <= 46 else shown


def totals_width(picture: Picture) -> dict[str, float]:
    """Width that the widest number of each node's gradient row takes while the gradient adds up in the player."""
    running: dict[str, float] = {}
    widest: dict[str, float] = {}
    grads: dict[str, float] = dict.fromkeys(picture.outputs, 1.0)
    for node in picture.nodes:
        if node.outside is not None:
            grads[node.id] = running[node.id] = grads.get(node.id, 0.0) + node.outside
            widest[node.id] = width(number(grads[node.id]), theme.SIZE)
    incoming: dict[str, list[Edge]] = defaultdict(list)
    for edge in picture.edges:
        incoming[edge.target].append(edge)
    for node in reversed(picture.nodes):
        grad = grads.get(node.id)
        if grad is None:
            continue
        for edge in incoming[node.id]:
            if edge.partial is None:
                continue
            flow = edge.partial * grad
            running[edge.source] = grads[edge.source] = grads.get(edge.source, 0.0) + flow
            widest[edge.source] = max(widest.get(edge.source, 0.0), width(number(running[edge.source]), theme.SIZE))
    return widest


def lay_out(node: Node, slot: float = 0.0) -> None:
    """The rows of a node and the size of its box; `slot` reserves width for numbers that come later."""
    size = theme.SIZE
    if node.kind == "constant":
        node.rows = []
    elif node.kind != "group":
        kind = theme.sign(node.grad)
        mark = theme.MARK[kind]
        node.rows = [("value", number(node.value), "broken" if not math.isfinite(node.value or 0.0) else "plain")]
        if not node.frozen:  # a frozen leaf keeps no gradient
            node.rows.append(("grad", f"{mark} {number(node.grad)}".strip(), kind))
        if node.before is not None:
            _add_changes(node)
        node.rows += [("", flag.text, "flag") for flag in node.flags]
    slot = max(slot, *(width(t, size) for label, t, _ in node.rows if label), 0.0) if node.rows else 0.0
    node.slot = max(slot, width("0.00000", size)) + (width("▲ ", size) if node.rows else 0.0)
    inner = width(node.header, size, bold=True)
    for label, text, _ in node.rows:
        inner = max(inner, width(label, size) + _LABEL_GAP + node.slot if label else width(text, size))
    node.width = inner + 2 * PAD
    node.height = HEADER_HEIGHT + ROW_HEIGHT * len(node.rows) + (5.0 if node.rows else 2.0)


def _add_changes(node: Node) -> None:
    """After each number, by how much it changed."""
    assert node.before is not None
    rows = []
    for (label, text, kind), now, old in zip(node.rows, (node.value, node.grad), node.before, strict=False):
        rows.append((label, text, kind))
        change = None if now is None or old is None else now - old
        mark = theme.sign(change)
        rows.append((f"Δ {label}", f"{theme.MARK[mark]} {number(change)}".strip(), mark))
    node.rows = rows


def _direction(picture: Picture) -> str:
    """Left to right; from top to bottom where that is deep, or a strip much wider than a screen, and is not broad."""
    level: dict[str, int] = {}
    incoming: dict[str, list[str]] = defaultdict(list)
    for edge in picture.edges:
        incoming[edge.target].append(edge.source)
    wide: dict[int, list[float]] = defaultdict(list)
    high: dict[int, list[float]] = defaultdict(list)
    for node in picture.nodes:
        level[node.id] = 1 + max((level.get(source, 0) for source in incoming[node.id]), default=0)
    beside = {node.id: len(level) + 1 for node in picture.nodes if not incoming[node.id]}
    for edge in picture.edges:  # a leaf stands beside what its first user has as other operands
        if edge.source in beside:
            beside[edge.source] = min(beside[edge.source], level[edge.target] - 1)
    for node in picture.nodes:
        at = beside.get(node.id, level[node.id])
        wide[at].append(node.width + 20)
        high[at].append(node.height + 20)
    labels = max((width(edge.label, theme.EDGE_SIZE) for edge in picture.edges if edge.label), default=0.0)
    across = sum(max(widths) for widths in wide.values()) + len(wide) * (labels + 40)
    tall = max((sum(heights) for heights in high.values()), default=0.0)
    broad = max((sum(widths) for widths in wide.values()), default=0.0)
    wanted = len(wide) > 12 or (across > 1900 and across > 7 * tall)
    return "TB" if wanted and broad < max(1.5 * tall, 1600.0) else "LR"
