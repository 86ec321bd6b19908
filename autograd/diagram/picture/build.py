"""From a graph of Values to a picture: a node for each value, an edge for each operand, with all their texts."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from autograd._engine import Value
from autograd.diagram.text import clean, number

from .clusters import Modules, summarise
from .health import OF_UNITS, flags
from .names import Names
from .picture import Cluster, Edge, Node, Picture
from .runs import Run
from .select import flow_from_hidden_users

HIDE_CONSTANTS_OVER = 60  # values
LEAN_OVER = 6000  # values


def build(
    order: list[Value],
    roots: Sequence[Value],
    shown: Sequence[Value],
    modules: Modules | None = None,
    runs: Sequence[Run] = (),
    hide_constants: bool | None = None,
    may_fold: bool = False,
) -> Picture:
    """The picture of the values in `shown`, a part of the graph behind `roots`, whose values are `order`.

    Nothing in it has a size. Where it `may_fold` and is large it is lean: what lies in a module or in one of the `runs`
    has no formula and no tooltip, since only a box will be seen of it.
    """
    ids = {id(v): f"n{i}" for i, v in enumerate(shown)}
    names = Names(order, paths=modules.names if modules is not None else None)
    lean = may_fold and len(shown) > LEAN_OVER
    hidden = len(shown) > HIDE_CONSTANTS_OVER if hide_constants is None else hide_constants
    output_names = [names.of(root) for root in roots]
    outputs = [ids[id(root)] for root in roots if id(root) in ids]
    picture = Picture([], [], outputs, output_names=output_names, lean=lean)
    repeated = {place: f"r{i}" for i, run in enumerate(runs) for place in range(run.start, run.end)}
    picture.title = f"Computation graph of {', '.join(output_names[:3])}"
    marks, root_ids = flags(order, roots, ids), {id(root) for root in roots}
    places = modules.places(shown) if modules is not None else {}
    if modules is not None:  # the loss may be a relu, and is no unit
        marks = {
            key: [flag for flag in own if flag.kind not in OF_UNITS or places.get(key)] for key, own in marks.items()
        }
    for place, v in enumerate(shown):
        node = _node(v, ids[id(v)], names, root_ids)
        node.cluster = repeated.get(place)
        unseen = lean and (modules is not None or node.cluster is not None)
        node.flags = marks.get(id(v), [])
        if modules is not None and not v.name:
            node.path = clean(modules.paths.get(id(v), ""))
        node.named = bool(clean(v.name or "") or node.path)
        if not unseen:
            _add_texts(node, v, names)
        picture.nodes += [*([] if hidden else _constants(v, node)), node]
        picture.edges += _edges(v, ids, None if unseen else names, hidden)
    picture.clusters = [
        Cluster(f"r{i}", f"… {run.turns} more like these", None, run.turns) for i, run in enumerate(runs)
    ]
    if len(shown) < len(order):
        picture.notes = [f"{len(shown)} of {len(order)} values shown"]
        _add_outside(picture, flow_from_hidden_users(order, roots, ids))
    if modules is not None:
        modules.apply(picture, ids, places)
    summarise(picture)
    return picture


def _add_outside(picture: Picture, flows: Mapping[int, list[float]]) -> None:
    """Note what reaches the nodes from values that are not shown: with it the player's sums come out right."""
    for node in picture.nodes:
        if node.value_id in flows and not node.frozen:
            node.outside, node.outside_edges = sum(flows[node.value_id]), len(flows[node.value_id])


def _node(v: Value, key: str, names: Names, outputs: Container[int]) -> Node:
    kind = "operation" if v.op is not None else "parameter" if v.requires_grad else "input"
    shown_as = "output" if id(v) in outputs else kind
    node = Node(key, shown_as, names.of(v), value=float(v.data), grad=v.grad if v.has_grad else None, value_id=id(v))
    node.frozen, node.op = kind == "input", v.op.name if v.op is not None else ""
    return node


def _add_texts(node: Node, v: Value, names: Names) -> None:
    node.expression, node.numeric = names.expression(v), names.numeric(v)
    facts = [
        node.path or names.full(v),
        f"value {v.data!r}",
        f"gradient {v.grad!r}" if v.has_grad else "gradient not computed",
    ]
    if v.op is not None:
        facts.insert(1, f"= {names.expression(v, 200)}")
    if v.source is not None:
        filename, line, text = v.source
        node.source = clean(f"{filename}:{line}: {text}", 300)
        facts.append(f"made at {node.source}")
    node.tooltip = "; ".join([*facts, *(flag.advice for flag in node.flags)])


def _constants(v: Value, user: Node) -> list[Node]:
    numbers = {f"{user.id}c{i}": float(o) for i, o in enumerate(v.operands) if not isinstance(o, Value)}
    return [
        Node(key, "constant", number(x, 6), value=x, tooltip=f"constant {x!r}", cluster=user.cluster)
        for key, x in numbers.items()
    ]


def _edges(v: Value, ids: Mapping[int, str], names: Names | None, constants_hidden: bool) -> list[Edge]:
    """The edges from the operands of `v` that are shown; without `names` they have no text."""
    target = ids[id(v)]
    written = [names.of(o) for o in v.operands] if names is not None else []
    edges = []
    for i, operand in enumerate(v.operands):
        constant = None if constants_hidden else f"{target}c{i}"
        source = ids.get(id(operand)) if isinstance(operand, Value) else constant
        if source is not None:
            edge = Edge(f"e{source[1:]}_{target[1:]}_{i}", source, target, i, None, "", "")
            _add_derivative(edge, v, operand)
            if names is not None:
                _add_rule(edge, v, names, written)
            edges.append(edge)
    return edges


def _add_derivative(edge: Edge, v: Value, operand: Value | float) -> None:
    partial = v.partials[edge.position]
    if partial is None or not isinstance(operand, Value):
        why = "not taken" if isinstance(operand, Value) else "constant"
        edge.tooltip = f"{why}: no gradient flows here"
        return
    edge.partial = float(partial)
    # a frozen leaf keeps no gradient, so none is drawn on the way to it
    if v.has_grad and (operand.op is not None or operand.requires_grad):
        edge.flow = edge.partial * v.grad


def _add_rule(edge: Edge, v: Value, names: Names, written: list[str]) -> None:
    edge.symbol = f"∂{names.of(v)}/∂{written[edge.position]}"
    if edge.partial is None:
        return
    edge.rule = names.rule(v, edge.position, written)
    if _is_number(edge.rule):  # `w × (−2)` by w: the rule is the constant itself, which would read `= (−2) = −2`
        edge.rule = number(edge.partial)
    rule = f"{edge.rule} = " if edge.rule != number(edge.partial) else ""
    edge.tooltip = f"{edge.symbol} = {rule}{edge.partial!r}"
    if edge.flow is not None:
        edge.tooltip += f"; gradient that flows here: {edge.partial!r} × {v.grad!r} = {edge.flow!r}"


def _is_number(rule: str) -> bool:
    try:
        float(rule.strip("()").replace("−", "-"))
    except ValueError:
        return False
    return True
