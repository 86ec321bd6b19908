"""What is wrong with a graph: dead or saturated units, vanishing or exploding gradients, nan, inf, stale gradients, ….

Where an activation is dead or saturated stands in its row of the table: `dead_below` and `saturation`.
"""

from __future__ import annotations

import math
import numbers
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from autograd._engine import Value
from autograd.diagram.text import clean, number
from autograd.errors import DiagramError
from autograd.functional import gradients
from autograd.graph import topological_order

from .clusters import Modules
from .names import datum
from .picture import Flag
from .select import reached

_OF_MANY = {  # findings that are told once for many parameters
    "stale": "hold more than this graph gives",
    "unused": "have no part in the output",
    "vanishing": "have hardly any gradient",
    "exploding": "have a very large gradient",
}
OF_UNITS = ("dead", "saturated")  # findings about the activation of a unit
VANISHING, EXPLODING = 1e-6, 1e3  # a parameter's gradient, as a multiple of the output's


class _Problem(NamedTuple):
    mark: str  # on the node, where the finding's numbers are filled in
    late: bool  # only the gradients tell it
    advice: str


PROBLEMS = {
    "dead": _Problem("dead: z ≤ {below}", False, "A unit that is dead for every sample never learns: lower the "
                     "learning rate, use leaky_relu, or start from he_normal weights."),
    "saturated": _Problem("saturated: slope {slope}", False, "Almost no gradient passes: scale the inputs and targets, "
                          "start from smaller weights, or use ReLU."),
    "vanishing": _Problem("vanishing gradient", True, "Layers far from the output hardly learn: use ReLU, fewer "
                          "layers, or xavier/he initial weights."),
    "exploding": _Problem("exploding gradient", True, "Steps will be too large: lower the learning rate, clip with "
                          "clip_grad_norm_, or start from smaller weights."),
    "nan": _Problem("first nan", False, "This is the first value that is not a number: look at its operands; "
                    "detect_anomaly() names the line."),
    "inf": _Problem("first inf", False, "This is the first value that is infinite: look at its operands; "
                    "detect_anomaly() names the line."),
    "nan gradient": _Problem("gradient turns nan", True, "The gradient first turns into nan here: look at the local "
                             "derivatives on the edges out of it."),
    "inf gradient": _Problem("gradient turns inf", True, "The gradient first turns infinite here: look at the local "
                             "derivatives on the edges out of it."),
    "stale": _Problem("old gradient inside", True, "The gradient holds more than this graph put there: call "
                      "zero_grad() before backward(), unless you add up several losses on purpose."),
    # of the whole graph, so that no node is marked
    "no gradients": _Problem("", True, "Call backward() on the output first: until then only values can be "
                             "judged."),
    "unused": _Problem("", False, "It stays as it is, however long you train: check that the forward pass goes "
                       "through it, or leave it out."),
    "overshooting": _Problem("", True, "A step of gradient descent goes past the valley and up the other "
                             "side, further each time: lower the learning rate."),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a graph.

    `kind` is "dead", "saturated", "vanishing", "exploding", "nan", "inf", "nan gradient", "inf gradient", "stale", "no
    gradients", "unused" or "overshooting"; `node` is the value that has it; `numbers` holds what was measured, by name;
    `advice` says what to try.
    """

    kind: str
    node: Value
    numbers: dict[str, float]
    message: str
    advice: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}. {self.advice}"


class Findings(list[Finding]):
    """A list of findings that prints one per paragraph."""

    def __str__(self) -> str:
        if not self:
            return "Nothing found: no dead, saturated, vanishing, exploding, nan, infinite, stale or unused value."
        return "\n".join(f"{i}. {finding}" for i, finding in enumerate(self, 1))

    def _repr_markdown_(self) -> str:
        items = ("".join("\\" + c if c in "\\`*_{}[]<>#|$" else c for c in str(finding)) for finding in self)
        return "\n".join(f"- {item}" for item in items) or str(self)


def diagnose(output: Value | Iterable[Value], *, model: Any = None, lr: float | None = None) -> list[Finding]:
    """Look for what makes a graph learn badly, from the values and gradients it holds now.

    Call it after `output.backward()`: before, only values can be judged, and it says so. It finds dead ReLUs (z ≤ 0),
    sigmoids and tanhs whose slope is under 1 % of its maximum, parameters whose gradient is under 1e-6 or over 1e3 of
    the output's, the first values and gradients that are nan or infinite (and where a gradient is nan because an
    infinite derivative met a zero), gradients left over from an earlier backward pass, and leaves that the output
    does not depend on.

    Where several samples run through the same unit (the same parameters under its activation), a dead or saturated unit
    is one finding; a unit that is dead for only some samples is not reported: that is how a ReLU works. Gradients that
    were left over are one finding, too, however many parameters hold them. With `model` (a Module of `nn`) parameters
    are called by their paths, those that the graph does not have are found, and an activation outside of its modules,
    in the loss, is no unit.

    With the learning rate `lr` of gradient descent it says whether a step overshoots: whether lr × λ > 2, where
    λ = gᵀHg / gᵀg is the curvature of the output along its gradient g. (On a parabola of that curvature each step of
    x − lr λ x then leads further away: Nocedal and Wright, *Numerical Optimization*, 2nd ed., 2006, section 3.3.)

    Returns a list of `Finding` in order of evaluation, empty when nothing is wrong; `print` shows it well.
    Raises DiagramError when `output` is not a Value or several, and when `lr` is no number above 0.

    >>> from autograd import Value, diagnose
    >>> z = Value(-2.0, name="z")
    >>> y = z.relu()
    >>> y.backward()
    >>> [finding.kind for finding in diagnose(y)]
    ['dead']
    """
    roots = as_roots(output)
    order = topological_order(*roots)
    modules = Modules(model) if model is not None else None
    paths, places = (modules.paths, modules.places(order)) if modules is not None else ({}, {})
    found = _findings(order, roots) + _unused(order, roots, model) + _of_step(order, roots, lr)
    # with a model it is known what its units are: the loss may be a relu, and is none
    found = [f for f in found if modules is None or f.kind not in OF_UNITS or places.get(id(f.node))]
    findings = [_located(finding, paths, places) for finding in _by_unit(found, order)]
    leaves = [v for v in order if v.op is None and v.requires_grad]
    parameters = len({id(v) for v in [*leaves, *(model.parameters() if model is not None else ())]})
    for kind, what in _OF_MANY.items():
        findings = _as_one(kind, what, findings, parameters)
    return Findings(findings)


def _located(finding: Finding, paths: Mapping[int, str], places: Mapping[int, str]) -> Finding:
    """A finding that says which parameter or unit of the model has it."""
    key, message = id(finding.node), finding.message
    if key in paths:
        message = message.replace(_called(finding.node), paths[key])
    elif finding.kind in OF_UNITS and places.get(key):
        message = f"{places[key]}: {message}"
    return replace(finding, message=message)


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


def flags(order: list[Value], roots: Sequence[Value], keep: Container[int]) -> dict[int, list[Flag]]:
    """The findings as marks on nodes, by the node's id."""
    marks: dict[int, list[Flag]] = defaultdict(list)
    for finding in _findings(order, roots):
        v, kind = finding.node, finding.kind
        if id(v) not in keep:
            continue
        problem = PROBLEMS[kind]
        below = v.op.dead_below if v.op is not None else None
        text = problem.mark.format(below=number(below), slope=number(finding.numbers.get("slope")))
        marks[id(v)].append(Flag(kind, text, f"{kind}: {finding.message}", problem.late))
    return marks


def _findings(order: list[Value], roots: Sequence[Value]) -> list[Finding]:
    flowing = reached(order, roots)
    gradients = _Gradients(order, roots, flowing)
    return [
        finding
        for v in order
        if v.op is None or id(v) in flowing
        for finding in (*_of_number(v), *_of_unit(v), *gradients.of_number(v), *gradients.of_parameter(v))
    ]


def _finding(kind: str, v: Value, message: str, **measured: float) -> Finding:
    return Finding(kind, v, measured, message, PROBLEMS[kind].advice)


def _called(v: Value) -> str:
    """`relu 'h'`, or `leaf with value 2`."""
    what = f"{clean(v.op.name, 24)} " if v.op is not None else ""
    return f"{what}{clean(v.name, 40)!r}" if v.name else f"{what or 'leaf '}with value {number(v.data)}"


def _of_number(v: Value) -> Iterator[Finding]:
    """The first number that is nan or infinite: its operands are finite."""
    if not math.isfinite(v.data) and all(math.isfinite(datum(o)) for o in v.operands):
        kind = "nan" if math.isnan(v.data) else "inf"
        yield _finding(kind, v, f"{_called(v)} is {number(v.data)}", value=v.data)


def _of_unit(v: Value) -> Iterator[Finding]:
    """An activation that passes no gradient, or hardly any."""
    if v.op is None or not v.operands:
        return
    z, slope = datum(v.operands[0]), v.partials[0]
    if v.op.dead_below is not None and z <= v.op.dead_below:
        message = f"{_called(v)} has z = {number(z)} ≤ {number(v.op.dead_below)} and passes no gradient"
        yield _finding("dead", v, message, z=z)
    elif v.op.saturation is not None and slope is not None and abs(float(slope)) <= v.op.saturation:
        message = f"{_called(v)} has z = {number(z)} and slope {number(float(slope))}"
        yield _finding("saturated", v, message, z=z, slope=float(slope))


class _Gradients:
    """What the gradients tell: those that a graph holds, against those that its edges give."""

    def __init__(self, order: list[Value], roots: Sequence[Value], flowing: set[int]) -> None:
        seeds = [abs(root.grad) for root in roots if root.has_grad and math.isfinite(root.grad)]
        self.scale = max(seeds, default=0.0)
        self.roots = {id(root) for root in roots}
        self.flows: dict[int, list[float]] = defaultdict(list)  # to each leaf
        self.unknown: set[int] = set()  # leaves with users that have no gradient
        self.below_broken: set[int] = set()  # values with users whose gradient is nan or infinite already
        self.meetings: dict[int, tuple[Value, float, float]] = {}  # where an infinite derivative meets a zero
        for v in order:
            if id(v) not in flowing:
                continue
            has_grad, grad = v.has_grad, v.grad
            broken = has_grad and not math.isfinite(grad)
            for operand, partial in zip(v.operands, v.partials, strict=True):
                if partial is None or not isinstance(operand, Value):
                    continue
                if broken:
                    self.below_broken.add(id(operand))
                if has_grad and sorted(map(abs, (float(partial), grad))) == [0.0, math.inf]:
                    self.meetings[id(operand)] = v, float(partial), grad
                if operand.op is None and has_grad:
                    self.flows[id(operand)].append(partial * grad)
                elif operand.op is None:
                    self.unknown.add(id(operand))

    def of_number(self, v: Value) -> Iterator[Finding]:
        """The first gradient that is nan or infinite: those above it are finite, or an infinite one met a zero."""
        met = math.isnan(v.grad) and id(v) in self.meetings
        if not math.isfinite(v.grad) and v.has_grad and (met or id(v) not in self.below_broken):
            kind = "nan gradient" if math.isnan(v.grad) else "inf gradient"
            finding = _finding(kind, v, f"the gradient of {_called(v)} is {number(v.grad)}", gradient=v.grad)
            yield self._explained(finding)

    def _explained(self, finding: Finding) -> Finding:
        """A gradient that is nan because of 0 × inf: say where the two meet."""
        if finding.kind != "nan gradient" or id(finding.node) not in self.meetings:
            return finding
        user, partial, grad = self.meetings[id(finding.node)]
        message = (
            f"{finding.message}: at {_called(user)} the local derivative {number(partial)} meets the gradient "
            f"{number(grad)}, and {number(partial)} × {number(grad)} is nan"
        )
        advice = (
            "Keep the operand away from the place where the derivative is infinite (add a small number under a root, "
            "say), or choose with where(), whose branch that is not taken has no part in a gradient."
        )
        measured = {**finding.numbers, "partial": partial, "flow": grad}
        return replace(finding, message=message, advice=advice, numbers=measured)

    def of_parameter(self, v: Value) -> Iterator[Finding]:
        """A gradient from an earlier pass, or one that is much smaller or larger than the output's."""
        if v.op is not None or not v.requires_grad or not v.has_grad or not math.isfinite(v.grad):
            return
        flows, is_root = self.flows[id(v)], id(v) in self.roots
        total, size = sum(flows), sum(map(abs, flows)) + abs(v.grad)
        if not is_root and v.grad != 0 and (id(v) in self.unknown or abs(v.grad - total) > 1e-9 * size):
            message = f"{_called(v)} holds {number(v.grad)}, of which this graph gives {number(total)}"
            yield _finding("stale", v, message, held=v.grad, given=total)
        ratio = abs(total) / self.scale if self.scale else 0.0
        # terms that cancel are no small ones
        vanishing = 0 < ratio < VANISHING and sum(map(abs, flows)) < VANISHING * self.scale
        kind = "vanishing" if vanishing else "exploding" if ratio > EXPLODING and not is_root else None
        if kind is not None:
            times = "of" if kind == "vanishing" else "times"
            message = f"the gradient of {_called(v)} is {number(total)}, {number(ratio)} {times} the output's"
            yield _finding(kind, v, message, gradient=total, ratio=ratio)


def _by_unit(findings: list[Finding], order: list[Value]) -> list[Finding]:
    """Merge the findings at one unit for each sample, and leave out a unit that is well for some of them."""
    unit = {id(v): _unit(v) for v in order if _is_unit(v)}
    samples = Counter(unit.values())
    affected = Counter((finding.kind, unit[id(finding.node)]) for finding in findings if id(finding.node) in unit)
    merged, reported = [], set()
    for finding in findings:
        key = unit.get(id(finding.node))
        if key is None or finding.kind not in OF_UNITS or samples[key] == 1:
            merged.append(finding)
        elif affected[finding.kind, key] == samples[key] and (finding.kind, key) not in reported:
            reported.add((finding.kind, key))
            message = f"for all {samples[key]} samples; for the first, {finding.message}"
            numbers = {**finding.numbers, "samples": float(samples[key])}
            merged.append(replace(finding, message=message, numbers=numbers))
    return merged


def _as_one(kind: str, what: str, findings: list[Finding], parameters: int) -> list[Finding]:
    """Say once what is so for many parameters: one zero_grad() was forgotten, one layer is not used."""
    alike = [finding for finding in findings if finding.kind == kind]
    if len(alike) < 2:
        return findings
    first = alike[0]
    message = f"{len(alike)} of {parameters} parameters {what}; the first, {first.message}"
    one = replace(first, message=message, numbers={**first.numbers, "parameters": float(len(alike))})
    return [one if finding is first else finding for finding in findings if finding is first or finding.kind != kind]


def _unused(order: list[Value], roots: Sequence[Value], model: Any) -> list[Finding]:
    """Leaves that the outputs do not depend on: those of a branch that was not taken, or not in the graph at all."""
    flowing, there = reached(order, roots), {id(v) for v in order}
    leaves = [v for v in order if v.op is None and v.requires_grad and id(v) not in flowing]
    found = [_finding("unused", v, f"{_called(v)} is only in a branch that was not taken") for v in leaves]
    parameters = model.parameters() if model is not None else []
    return found + [
        _finding("unused", v, f"{_called(v)} is not in this graph")
        for v in parameters
        if id(v) not in there and v.requires_grad
    ]


def _of_step(order: list[Value], roots: Sequence[Value], rate: Any) -> list[Finding]:
    """Whether there are gradients to step along, and whether a step of `lr` along them is too long."""
    leaves = [v for v in order if v.op is None and v.requires_grad]
    if leaves and not any(v.has_grad for v in order):
        return [_finding("no gradients", roots[0], "no gradient was computed yet")]
    if rate is None:
        return []
    if isinstance(rate, bool) or not isinstance(rate, numbers.Real) or not 0 < float(rate) < math.inf:
        raise DiagramError(f"lr= is the learning rate, a number above 0; {rate!r} was given.")
    lr = float(rate)
    curvature = _curvature(roots, leaves)
    if not lr * curvature > 2:
        return []
    message = (
        f"along its gradient {_called(roots[0])} has curvature {number(curvature)}, so a step with lr = {number(lr)} "
        f"overshoots; one with lr under {number(2 / curvature, 2)} does not"
    )
    return [_finding("overshooting", roots[0], message, curvature=curvature, lr=lr)]


def _curvature(roots: Sequence[Value], leaves: Sequence[Value]) -> float:
    """gᵀHg / gᵀg of the sum of the outputs, at the numbers that the graph was built with; 0 where g is 0."""
    try:
        slopes = [sum(column) for column in zip(*(gradients(root, leaves, create_graph=True) for root in roots))]
    except RuntimeError as error:
        raise DiagramError(f"lr= is judged before a step, while the graph is as it was built: {error}") from error
    g = [float(getattr(slope, "data", slope)) for slope in slopes]
    size = math.fsum(x * x for x in g)
    along = sum(slope * x for slope, x in zip(slopes, g))
    if not isinstance(along, Value) or not 0 < size < math.inf:
        return 0.0
    return math.fsum(h * x for h, x in zip(gradients(along, list(leaves)), g)) / size


def _is_unit(v: Value) -> bool:
    return v.op is not None and (v.op.dead_below is not None or v.op.saturation is not None)


def _unit(activation: Value) -> tuple[object, ...]:
    """What tells units apart: the operations and the leaves under the activation, down to the next ones."""
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
        elif v.op.affine:
            names.append(v.op.name)
            stack += v.operands
    return (*names, frozenset(leaves or {id(activation)}))
