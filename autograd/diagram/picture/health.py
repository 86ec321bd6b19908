"""Graphs that are ill: dead and saturated units, vanishing and exploding gradients, nan and inf, stale gradients."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from autograd.diagram.text import clean, number
from autograd.errors import DiagramError
from autograd.value import Value, topological_order

# A unit counts as saturated where its slope is under 1 % of the largest slope it can have.
SATURATED = {"sigmoid": 0.0025, "tanh": 0.01, "softsign": 0.01, "hardtanh": 0.0}
VANISHING, EXPLODING = 1e-6, 1e3  # a parameter's gradient, as a multiple of the output's
DEAD = ("relu",)


@dataclass(frozen=True, slots=True)
class Flag:
    """A mark on one node: what is wrong in two or three words, and what to do about it."""

    kind: str
    text: str
    advice: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a graph.

    `kind` is "dead", "saturated", "vanishing", "exploding", "nan", "inf", "nan gradient", "inf gradient" or "stale";
    `node` is the value it was found at; `numbers` holds what was measured, by name; `advice` says what to try.
    """

    kind: str
    node: Value
    numbers: dict[str, float]
    message: str
    advice: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}. {self.advice}"


class Findings(list[Finding]):
    """A list of findings that prints one a paragraph."""

    def __str__(self) -> str:
        if not self:
            return "Nothing found: no dead, saturated, vanishing, exploding, nan, infinite or stale value."
        return "\n".join(f"{i}. {finding}" for i, finding in enumerate(self, 1))

    def _repr_markdown_(self) -> str:
        return "\n".join("- " + "".join("\\" + c if c in "\\`*_{}[]<>#|$" else c for c in str(f)) for f in self) or str(
            self
        )


_ADVICE = {
    "dead": "A unit that is dead for every sample never learns: lower the learning rate, use leaky_relu, or start "
    "from he_normal weights",
    "saturated": "Almost no gradient passes: scale the inputs and targets, start from smaller weights, or use ReLU",
    "vanishing": "Layers far from the output hardly learn: use ReLU, fewer layers, or xavier/he initial weights",
    "exploding": "Steps will be too large: lower the learning rate, clip with clip_grad_norm_, or start from smaller "
    "weights",
    "nan": "This is the first value that is not a number: look at its operands; detect_anomaly() names the line",
    "inf": "This is the first value that is infinite: look at its operands; detect_anomaly() names the line",
    "nan gradient": "The gradient first turns into nan here: look at the local derivatives on the edges out of it",
    "inf gradient": "The gradient first turns infinite here: look at the local derivatives on the edges out of it",
    "stale": "The gradient holds more than this graph put there: call zero_grad() before backward(), unless you add "
    "up several losses on purpose",
}


def diagnose(output: Value | Iterable[Value]) -> list[Finding]:
    """Look for what makes a graph learn badly, from the values and gradients it holds now.

    Call it after `output.backward()`: before, only values can be judged. It finds dead ReLUs (z ≤ 0), sigmoids and
    tanhs whose slope is under 1 % of its maximum, parameters whose gradient is under 1e-6 or over 1e3 of the output's,
    the first values and gradients that are nan or infinite, and gradients left over from an earlier backward pass.

    Where several samples run through the same unit (the same parameters under its activation), a dead or saturated unit
    is one finding, and one that is so for some of the samples only is none: that is how a ReLU works.

    Returns a list of `Finding` in order of evaluation, empty when nothing is wrong; `print` shows it well.
    Raises DiagramError when `output` is not a Value or several.

    >>> from autograd import Value, diagnose
    >>> z = Value(-2.0, name="z")
    >>> y = z.relu()
    >>> y.backward()
    >>> [finding.kind for finding in diagnose(y)]
    ['dead']
    """
    roots = as_roots(output)
    order = topological_order(*roots)
    return Findings(_by_unit(_findings(order, roots), order))


def as_roots(output: Value | Iterable[Value]) -> list[Value]:
    """The outputs as a list. Raises DiagramError for anything but Values."""
    if isinstance(output, Value):
        return [output]
    try:
        roots = list(output)
    except TypeError:
        roots = []
    if not roots or not all(isinstance(root, Value) for root in roots):
        raise DiagramError(
            f"A Value, or a list of Values, was wanted, and {type(output).__name__} was given. "
            "Give the output whose graph you want to see, such as a loss."
        )
    return list({id(root): root for root in roots}.values())


def _findings(order: list[Value], roots: Sequence[Value]) -> list[Finding]:
    found: list[Finding] = []

    def add(kind: str, v: Value, message: str, **numbers: float) -> None:
        found.append(Finding(kind, v, numbers, message, _ADVICE[kind] + "."))

    def called(v: Value) -> str:
        what = f"{clean(v.op.name, 24)} " if v.op is not None else ""
        return f"{what}{clean(v.name, 40)!r}" if v.name else f"{what or 'leaf '}with value {number(v.data)}"

    seeds = [abs(root.grad) for root in roots if root.has_grad and math.isfinite(root.grad)]
    scale = max(seeds, default=0.0)
    flows: dict[int, list[float]] = defaultdict(list)
    above: dict[int, list[float]] = defaultdict(list)  # the adjoints of the nodes that use a value
    unknown: set[int] = set()
    for v in order:
        for operand, partial in zip(v.operands, v.partials, strict=True):
            if partial is None or not isinstance(operand, Value):
                continue
            if v.has_grad:
                flows[id(operand)].append(partial * v.grad)
                above[id(operand)].append(v.grad)
            else:
                unknown.add(id(operand))
    for v in order:
        data = v.data
        operands = [float(o.data) if isinstance(o, Value) else float(o) for o in v.operands]
        if not math.isfinite(data) and all(map(math.isfinite, operands)):
            add("nan" if math.isnan(data) else "inf", v, f"{called(v)} is {number(data)}", value=data)
        if v.op is not None and v.op.name in DEAD and operands[0] <= 0:
            add("dead", v, f"{called(v)} has z = {number(operands[0])} ≤ 0 and passes no gradient", z=operands[0])
        elif v.op is not None and v.op.name in SATURATED and v.partials[0] is not None:
            slope = float(v.partials[0])
            if abs(slope) <= SATURATED[v.op.name]:
                message = f"{called(v)} has z = {number(operands[0])} and slope {number(slope)}"
                add("saturated", v, message, z=operands[0], slope=slope)
        if not v.has_grad:
            continue
        if not math.isfinite(v.grad) and all(map(math.isfinite, above[id(v)])):
            add("nan gradient" if math.isnan(v.grad) else "inf gradient", v, f"the gradient of {called(v)} is "
                f"{number(v.grad)}", gradient=v.grad)  # fmt: skip
        if v.op is None and v.requires_grad and math.isfinite(v.grad):
            terms = flows[id(v)]
            total, size = sum(terms), sum(map(abs, terms)) + abs(v.grad)
            is_root = any(v is root for root in roots)
            if not is_root and v.grad != 0 and (id(v) in unknown or abs(v.grad - total) > 1e-9 * size):
                message = f"{called(v)} holds {number(v.grad)}, of which this graph gives {number(total)}"
                add("stale", v, message, held=v.grad, given=total)
            ratio = abs(total) / scale if scale else 0.0
            if 0 < ratio < VANISHING:
                message = f"the gradient of {called(v)} is {number(total)}, {number(ratio)} of the output's"
                add("vanishing", v, message, gradient=total, ratio=ratio)
            elif ratio > EXPLODING and not is_root:
                message = f"the gradient of {called(v)} is {number(total)}, {number(ratio)} times the output's"
                add("exploding", v, message, gradient=total, ratio=ratio)
    return found


_LINEAR = {"add", "sub", "mul", "div", "neg", "identity", "sum", "mean", "dot"}


def _by_unit(found: list[Finding], order: list[Value]) -> list[Finding]:
    """Merge what was found at one unit for each sample, and leave out a unit that is well for some of them."""
    activations = [v for v in order if v.op is not None and (v.op.name in DEAD or v.op.name in SATURATED)]
    unit = {id(v): _unit(v) for v in activations}
    samples = Counter(unit.values())
    ill = Counter((finding.kind, unit[id(finding.node)]) for finding in found if id(finding.node) in unit)
    merged, told = [], set()
    for finding in found:
        key = unit.get(id(finding.node))
        if key is None or finding.kind not in ("dead", "saturated") or samples[key] == 1:
            merged.append(finding)
        elif ill[finding.kind, key] == samples[key] and (finding.kind, key) not in told:
            told.add((finding.kind, key))
            message = f"for all {samples[key]} samples; for the first, {finding.message}"
            numbers = {**finding.numbers, "samples": float(samples[key])}
            merged.append(replace(finding, message=message, numbers=numbers))
    return merged


def _unit(activation: Value) -> tuple[object, ...]:
    """Return what tells units apart: the operations and the leaves under the activation, down to the next ones."""
    leaves: set[int] = set()
    names = [activation.op.name] if activation.op is not None else []
    seen: set[int] = set()
    stack = [activation.operands[0]]
    while stack:
        v = stack.pop()
        if not isinstance(v, Value) or id(v) in seen:
            continue
        seen.add(id(v))
        if v.op is None:
            leaves.add(id(v))
        elif v.op.name in _LINEAR:
            names.append(v.op.name)
            stack += v.operands
    return (*names, frozenset(leaves or {id(activation)}))


_TEXT = {
    "nan": "first nan", "inf": "first inf", "nan gradient": "gradient turns nan", "inf gradient": "gradient turns inf",
    "stale": "old gradient inside", "vanishing": "vanishing gradient", "exploding": "exploding gradient",
}  # fmt: skip


# What can only be told from the gradients: a player shows these marks when they have arrived.
LATE = {"nan gradient", "inf gradient", "stale", "vanishing", "exploding"}


def flags(order: list[Value], roots: Sequence[Value], keep: set[int]) -> dict[int, list[Flag]]:
    """The findings as marks on nodes, by the node's id."""
    marks: dict[int, list[Flag]] = defaultdict(list)
    for finding in _findings(order, roots):
        if id(finding.node) not in keep:
            continue
        if finding.kind == "dead":
            if finding.node.has_grad and finding.node.partials[0]:
                continue
            text = "dead: z ≤ 0"
        elif finding.kind == "saturated":
            text = f"saturated: slope {number(finding.numbers['slope'])}"
        else:
            text = _TEXT[finding.kind]
        marks[id(finding.node)].append(Flag(finding.kind, text, f"{finding.kind}: {finding.message}"))
    return marks
