"""What stands in each box and on each edge, how large that is, and in which direction the picture runs."""

from __future__ import annotations

from collections import Counter, defaultdict

from autograd.diagram.text import finite, number, width
from autograd.diagram.theme import EDGE_SIZE, HEADER_HEIGHT, PAD, ROW_HEIGHT, SIZE, marked

from .picture import Edge, Node, Picture, Row, group_by
from .record import as_records, measure_record

SHORT_LABELS_OVER, NO_LABELS_OVER = 60, 220  # edges
LONGEST_LABEL = 46
COUNTED_OVER = 100  # nodes; of a larger picture a note says how many there are of each kind
TOO_WIDE, TOO_BROAD = 1900.0, 1600.0  # points
_LABEL_GAP = 10.0


def measure(picture: Picture) -> None:
    """Decide the labels by size, lay out the text of every node, measure it, and choose the direction."""
    changed = {node.id for node in picture.nodes if node.change}
    for edge in picture.edges:
        moved = edge.source not in changed and edge.target not in changed
        edge.label = _label(edge, len(picture.edges), moved)
    if picture.lean:  # its nodes are not drawn: the boxes that stand for them are
        return
    slots = _slots(picture)
    if picture.style == "micrograd":
        as_records(picture)
    for node in picture.nodes:
        fill_box(node, slots.get(node.id, 0.0))
    picture.direction = picture.asked_direction or _direction(picture)
    for node in picture.nodes:
        if node.symbol:
            node.above = picture.direction == "TB"
            measure_record(node)
    if len(picture.nodes) > COUNTED_OVER:
        counts = Counter(node.kind for node in picture.nodes).items()
        picture.notes = [*picture.notes, ", ".join(f"{n} {kind}{'s' if n > 1 else ''}" for kind, n in counts)]


def _label(edge: Edge, edges: int, moved: bool) -> str:
    """`∂a/∂w = x = 0.5` where there are few edges; without the rule where that is the number itself or too long.

    A `moved` edge came or went between two values that stay.
    """
    mark = f"{edge.change}: " if edge.change and moved else ""
    if edges > NO_LABELS_OVER:
        return ""
    if edge.change == "gone" and moved:
        return "gone"
    if edge.partial is None:
        return ""
    shown = mark + number(edge.partial)
    if edges > SHORT_LABELS_OVER:
        return shown
    plain = number(edge.partial)
    rule = [edge.rule] if edge.rule and edge.rule != plain else []
    labels = (mark + " = ".join([edge.symbol, *rule, plain]), f"{mark}{edge.symbol} = {plain}", shown)
    return next((label for label in labels if len(label) <= LONGEST_LABEL), shown)


def _slots(picture: Picture) -> dict[str, float]:
    """The width of the widest number that each node's gradient takes while it adds up in the player."""
    seeds = picture.seeds()
    sums = [(node.id, seeds[node.id]) for node in picture.nodes if node.outside is not None]
    sums += [(flow.edge.source, flow.total) for flow in picture.backward()]
    widest: dict[str, float] = {}
    for key, total in sums:
        widest[key] = max(widest.get(key, 0.0), width(number(total), SIZE))
    return widest


def fill_box(node: Node, slot: float = 0.0) -> None:
    """The rows of a node and the size of its box; `slot` reserves width for numbers that come later."""
    if node.kind != "group":
        node.rows = _marks(node) if node.kind == "constant" else _rows(node)
    numbers = [width(text, SIZE) for label, text, _ in node.rows if label]
    node.slot = max([slot, width("0.00000", SIZE), *numbers]) + (width("▲ ", SIZE) if node.rows else 0.0)
    if node.record:
        measure_record(node)
        return
    inner = width(node.header, SIZE, bold=True)
    for label, text, _ in node.rows:
        inner = max(inner, width(label, SIZE) + _LABEL_GAP + node.slot if label else width(text, SIZE))
    node.width = inner + 2 * PAD
    node.height = HEADER_HEIGHT + ROW_HEIGHT * len(node.rows) + (5.0 if node.rows else 2.0)


def _rows(node: Node) -> list[Row]:
    """Value and gradient, after each of them by how much it changed, then the flags."""
    word = "data" if node.record else "value"
    rows = [Row(word, number(node.value), "plain" if finite(node.value or 0.0) else "broken")]
    if not node.frozen:  # a frozen leaf keeps no gradient
        rows.append(Row("grad", *marked(node.grad)))
    if node.before is not None and not node.change:
        changes = []
        for row, now, old in zip(rows, (node.value, node.grad), node.before, strict=False):
            change = None if now is None or old is None else now - old
            changes += [row, Row(f"Δ {row.label}", *marked(change))]
        rows = changes
    return rows + _marks(node) + [Row("", flag.text, "flag") for flag in node.flags]


def _marks(node: Node) -> list[Row]:
    """What a comparison says of a node in words."""
    was = [f"was {node.was}"] if node.was else []
    return [Row("", words, "plain") for words in [*filter(None, [node.change]), *was]]


def _direction(picture: Picture) -> str:
    """Left to right; from top to bottom where that is deep, or a strip much wider than a screen, and is not broad."""
    wide: dict[int, list[float]] = defaultdict(list)
    high: dict[int, list[float]] = defaultdict(list)
    columns = _columns(picture)
    for node in picture.nodes:
        wide[columns[node.id]].append(node.width + 20)
        high[columns[node.id]].append(node.height + 20)
    labels = max((width(edge.label, EDGE_SIZE) for edge in picture.edges if edge.label), default=0.0)
    across = sum(max(widths) for widths in wide.values()) + len(wide) * (labels + 40)
    tall = max((sum(heights) for heights in high.values()), default=0.0)
    broad = max((sum(widths) for widths in wide.values()), default=0.0)
    if picture.style == "micrograd":  # records are wide and low
        return "TB" if across > TOO_WIDE and broad < across else "LR"
    strip = len(wide) > 12 or (across > TOO_WIDE and across > 7 * tall)
    return "TB" if strip and broad < max(1.5 * tall, TOO_BROAD) else "LR"


def _columns(picture: Picture) -> dict[str, int]:
    """In which column each node would stand from left to right: one after its last operand."""
    incoming = group_by(picture.edges, lambda edge: edge.target)
    level: dict[str, int] = {}
    for node in picture.nodes:
        level[node.id] = 1 + max((level.get(edge.source, 0) for edge in incoming[node.id]), default=0)
    beside = {node.id: len(level) + 1 for node in picture.nodes if not incoming[node.id]}
    for edge in picture.edges:  # a leaf stands beside what its first user has as other operands
        if edge.source in beside:
            beside[edge.source] = min(beside[edge.source], level[edge.target] - 1)
    return level | beside
