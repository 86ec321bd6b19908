"""From a graph of Values to a picture: a node for each value, an edge for each operand, with all their texts."""

from __future__ import annotations

from collections.abc import Sequence

from autograd.diagram.text import clean, number
from autograd.errors import DiagramError
from autograd.value import Value, topological_order

from .clusters import Modules
from .health import flags
from .measure import finish
from .names import Names
from .picture import Edge, Flag, Node, Picture
from .select import from_outside, select

LIMIT = 2000  # nodes; beyond it a layered drawing takes long and nobody can read it
HIDE_CONSTANTS_OVER = 60
LEAN_OVER = 6000


def build(
    roots: Sequence[Value],
    *,
    focus: Value | None = None,
    depth: int | None = None,
    path: tuple[Value, Value] | None = None,
    modules: Modules | None = None,
    hide_constants: bool | None = None,
    limit: int | None = LIMIT,
    direction: str | None = None,
    legend: bool = True,
    title: str | None = None,
) -> Picture:
    """Turn the graph behind `roots` into a picture; the arguments are those of `draw`."""
    order = topological_order(*roots)
    keep = select(order, roots, focus, depth, path)
    shown = [v for v in order if id(v) in keep]
    if limit is not None and len(shown) > limit:
        raise DiagramError(
            f"This graph has {len(shown)} values, more than anybody can read at once (limit={limit}). Draw a part "
            "(focus=value, depth=2; path=(a, b)), pass model= with collapse=True to fold neurons into boxes, draw "
            "fewer samples of the batch, or pass limit=None to draw it all the same."
        )
    parts = _Parts(order, roots, shown, modules, hide_constants)
    picture = Picture(parts.nodes, parts.edges, [parts.ids[id(root)] for root in roots if id(root) in keep])
    picture.tops = [parts.names.of(root) for root in roots]
    picture.title = clean(title or "", 120) or f"Computation graph of {', '.join(picture.tops[:3])}"
    picture.legend, picture.asked_direction = legend, direction
    picture.folded = parts.lean and modules is not None
    if modules is not None:
        modules.apply(picture, parts.ids, shown)
    if len(shown) < len(order):
        picture.notes = [f"{len(shown)} of {len(order)} values shown"]
        flows = from_outside(order, roots, keep)
        for node in picture.nodes:
            if node.value_id in flows and not node.frozen:
                node.outside, node.outside_edges = sum(flows[node.value_id]), len(flows[node.value_id])
    finish(picture)
    return picture


class _Parts:
    """The nodes and edges of the values in `shown`, which are a part of `order`."""

    def __init__(
        self,
        order: list[Value],
        roots: Sequence[Value],
        shown: list[Value],
        modules: Modules | None,
        hide_constants: bool | None,
    ) -> None:
        self.names = Names(order, paths=modules.names if modules is not None else None)
        self.ids = {id(v): f"n{i}" for i, v in enumerate(shown)}
        self.lean = len(shown) > LEAN_OVER  # only folded boxes will be seen of so many: no formulas, no tooltips
        self.nodes: list[Node] = []
        self.edges: list[Edge] = []
        self._paths = modules.paths if modules is not None else {}
        self._outputs = {id(root) for root in roots}
        self._constants = not (len(shown) > HIDE_CONSTANTS_OVER if hide_constants is None else hide_constants)
        marks = flags(order, roots, set(self.ids))
        for v in shown:
            self._add_operands(v)
            self.nodes.append(self._node(v, marks.get(id(v), [])))

    def _add_operands(self, v: Value) -> None:
        """Add the edges that lead to `v`, and its constants."""
        target = self.ids[id(v)]
        written = [] if self.lean else [self.names.of(o) for o in v.operands]
        for i, operand in enumerate(v.operands):
            source = f"{target}c{i}"
            if isinstance(operand, Value):
                if id(operand) not in self.ids:
                    continue
                source = self.ids[id(operand)]
            elif self._constants:
                x = float(operand)
                self.nodes.append(Node(source, "constant", number(x, 6), value=x, tooltip=f"constant {x!r}"))
            else:
                continue
            self.edges.append(_edge(v, i, source, target, self.names, written))

    def _node(self, v: Value, marks: list[Flag]) -> Node:
        kind = "operation" if v.op is not None else "parameter" if v.requires_grad else "input"
        node = Node(
            self.ids[id(v)],
            "output" if id(v) in self._outputs else kind,
            self.names.of(v),
            value=float(v.data),
            grad=_grad(v),
            flags=marks,
            frozen=kind == "input",
            op=v.op.name if v.op is not None else "",
            value_id=id(v),
            path="" if v.name else clean(self._paths.get(id(v), "")),
        )
        if not self.lean:
            node.expression, node.numeric = self.names.expression(v), self.names.numeric(v)
            self._add_tooltip(node, v)
        return node

    def _add_tooltip(self, node: Node, v: Value) -> None:
        facts = [
            node.path or self.names.full(v),
            f"value {v.data!r}",
            f"gradient {v.grad!r}" if v.has_grad else "gradient not computed",
        ]
        if v.op is not None:
            facts.insert(1, f"= {self.names.expression(v, 200)}")
        source = getattr(v, "source", None)
        if source:
            filename, line, text = source
            node.source = clean(f"{filename}:{line}: {text}", 300)
            facts.append(f"made at {node.source}")
        node.tooltip = "; ".join([*facts, *(flag.advice for flag in node.flags)])


def _grad(v: Value) -> float | None:
    return v.grad if v.has_grad else None


def _edge(v: Value, i: int, source: str, target: str, names: Names, written: list[str]) -> Edge:
    """The edge from operand `i` to `v`; `written` are the operands' names, or nothing where no text is wanted."""
    operand, partial, grad = v.operands[i], v.partials[i], _grad(v)
    symbol = f"∂{names.of(v)}/∂{written[i]}" if written else ""
    edge = Edge(f"e{source[1:]}_{target[1:]}_{i}", source, target, i, None, symbol, "")
    if partial is None or not isinstance(operand, Value):
        edge.tooltip = "constant: no gradient flows here"
        return edge
    edge.partial = partial = float(partial)
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
