"""What a run looked like after some of its epochs: ``fit(..., record=Recorder())`` notes it in a ``Recording``.

A frame is small: the parameters, and for a few samples the activation and the δ of each unit. What else a page shows of
a stack of layers, it computes from these. Of any other model, and of activations that a page cannot compute, the
outputs over a coarse grid are noted as they are.
"""

from __future__ import annotations

import math
import sys
from array import array
from base64 import b64encode
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from autograd import OPERATIONS, Value, gradients
from autograd.operation import bare

from .checks import number_where, shown, whole
from .javascript import as_javascript
from .losses import Loss, bce_with_logits, cross_entropy
from .module import Module
from .stack import Stack, run, stack
from .step import evaluating, outputs
from .table import Table

LARGEST = 1 << 26  # bytes that the frames of a run may take
MOST_POINTS, MOST_NUMBERS = 1000, 20_000  # samples that a page has, and the numbers in them
COARSE = 14  # places along a side of the plane, where the outputs are noted
LINE = 112  # places along the only input


@dataclass(frozen=True)
class Recorder:
    """What ``fit(..., record=Recorder())`` notes for ``history.player()``: a frame after every ``every`` epochs.

    The state before the first epoch and after the last one are noted, too; after Ctrl-C, or a loss that is nan, the one
    within the epoch that was cut short. ``samples`` is for how many samples of the training data, spread evenly, the
    activations and gradients are noted. ``grid`` is how many places along a side of the plane (8 to 200) the page
    computes the model at, where it has two inputs.

    A frame shows the model in evaluation mode, and asks the loss for one sample at a time; where the loss wants more,
    the frames have no gradients of samples, and the page says so. A run that is resumed has frames from where it went
    on; with early stopping the last frame is that of the last epoch, not of the best one. ``record=Recorder(every=5)``
    and ``record=5`` are the same.

    Raises ValueError for anything but whole numbers in these ranges.

    >>> Recorder(every=10).samples
    8
    """

    every: int = 1
    samples: int = 8
    grid: int = 40

    def __post_init__(self) -> None:
        object.__setattr__(self, "every", whole("every", self.every))
        object.__setattr__(self, "samples", whole("samples", self.samples))
        rule = "grid is a whole number from 8 to 200"
        object.__setattr__(self, "grid", int(number_where(rule, self.grid, lambda n: n in range(8, 201))))

    @classmethod
    def of(cls, record: Any) -> Recorder:
        """Return what ``record=`` of ``fit`` stands for: a Recorder, or the number of epochs from frame to frame.

        >>> Recorder.of(10)
        Recorder(every=10, samples=8, grid=40)
        """
        if isinstance(record, Recorder):
            return record
        if isinstance(record, bool) or not hasattr(record, "__index__"):
            raise ValueError(f"record is an nn.Recorder(), or a number of epochs, and {shown(record)} was given")
        return cls(every=whole("record", record))


@dataclass
class Recording:
    """The frames of a run, as numbers in a row, and what they are of. ``History`` holds it, and ``player`` shows it."""

    title: str
    every: int
    grid: int
    layers: list[dict[str, Any]]  # for each its inputs, and by unit the activation and whether it has a bias
    why: str  # there are no layers
    functions: dict[str, str]  # the activations as JavaScript; empty where a page cannot compute them
    units: int  # for how many there are activations: those of all layers, or the outputs
    samples: list[dict[str, Any]]
    points: dict[str, Any]
    span: list[tuple[float, float]]  # of the plane, or of the line; empty for more inputs than two
    task: dict[str, Any]  # what the outputs are held to
    note: str = ""  # what is missing in the frames, and why
    epochs: list[int] = field(default_factory=list)
    within: bool = False  # the last frame was taken within its epoch
    flow: list[dict[str, float]] = field(default_factory=list)  # of the gradient, by layer
    parameters: array[float] = field(default_factory=lambda: array("f"))
    activations: array[float] = field(default_factory=lambda: array("f"))
    deltas: array[float] = field(default_factory=lambda: array("f"))
    losses: array[float] = field(default_factory=lambda: array("f"))
    ranges: array[float] = field(default_factory=lambda: array("f"))  # of each unit over the coarse grid,
    levels: bytearray = field(default_factory=bytearray)  # and its numbers there, in 255 steps between
    off: list[list[int]] = field(default_factory=list)  # with them, which units are off for all points

    def __len__(self) -> int:
        return len(self.epochs)

    def contents(self, columns: dict[str, list[Any]], stopped: str) -> dict[str, Any]:
        """Return what a page shows, as JSON can hold it."""
        plain = ("title", "every", "grid", "layers", "why", "units", "samples", "points", "span", "task", "note")
        packed = ("parameters", "activations", "deltas", "losses", "ranges")
        return {
            "format": "chalkgrad-training",
            "version": 1,
            **{name: getattr(self, name) for name in (*plain, "epochs", "within", "off")},
            **{name: _packed(getattr(self, name)) for name in packed},
            "levels": b64encode(self.levels).decode("ascii"),
            "computed": bool(self.functions),
            "flow": [{layer: _stored(x) for layer, x in row.items()} for row in self.flow],
            "columns": {name: [_stored(x) for x in column] for name, column in columns.items()},
            "stopped": stopped,
        }


class Camera:
    """What takes the frames while a model is trained; ``recording`` holds them."""

    def __init__(self, recorder: Recorder, model: Module, loss: Loss, data: Table, epochs: int) -> None:
        self.recorder, self.model, self.loss = recorder, model, loss
        found = stack(model)
        xs, ys = data
        first = _flat(outputs(model, xs[:1])[0])
        functions = _functions(found.layers)
        chosen = _spread(len(xs), recorder.samples)
        shown = _spread(len(xs), max(1, min(MOST_POINTS, MOST_NUMBERS // len(xs[0]))))
        self.chosen, self.points = [(xs[i], ys[i]) for i in chosen], [xs[i] for i in shown]
        self.recording = Recording(
            title=_title(model, found),
            every=recorder.every,
            grid=recorder.grid,
            layers=_described(found),
            why=found.why,
            functions=functions,
            units=sum(map(len, found.layers)) or len(first),
            samples=[{"number": i + 1, "x": xs[i], "t": ys[i]} for i in chosen],
            points={"x": self.points, "t": [ys[i] for i in shown], "of": len(xs)},
            span=[_span([x[k] for x in self.points]) for k in range(len(xs[0]))] if len(xs[0]) <= 2 else [],
            task=_task(loss, ys, len(first)),
        )
        self.places = [] if functions else _places(self.recording.span)
        self._check_size(found, epochs)

    def _check_size(self, found: Stack, epochs: int) -> None:
        """Raise ValueError where the frames of a run would be too large for a page."""
        parameters = sum(len(neuron.w) + 1 for neurons in found.layers for neuron in neurons)
        units = self.recording.units
        size = 4 * (parameters + len(self.chosen) * (2 * units + 1)) + units * (len(self.places) + 8)
        count = epochs // self.recorder.every + 2
        if size * count > LARGEST:
            every = math.ceil(epochs / max(LARGEST // size - 2, 1))
            raise ValueError(
                f"{count:,} frames of this model take {size * count / 1e6:,.0f} MB, and a page holds {LARGEST >> 20} "
                f"at most; record fewer: Recorder(every={every})"
            )

    def is_due(self, epoch: int) -> bool:
        """Whether a frame is taken after this epoch."""
        return epoch % self.recorder.every == 0

    def take(self, epoch: int, flow: dict[str, float], within: bool = False) -> None:
        """Note how the model is now, after that epoch or within it, with the gradient that reached each layer."""
        recording = self.recording
        found = stack(self.model)
        if recording.within or (len(recording) and recording.epochs[-1] == epoch and not within):
            return  # it has this one
        if _described(found) != recording.layers:
            self._note(f"The model was changed in epoch {epoch}, and the frames end before that.")
            return
        recording.epochs.append(epoch)
        recording.within = within
        recording.flow.append(flow)
        for neurons in found.layers:
            for neuron in neurons:
                recording.parameters.extend([w.data for w in neuron.w])
                recording.parameters.append(neuron.b.data if neuron.b is not None else 0.0)
        with nullcontext() if found.layers else evaluating(self.model):  # a stack passes Dropout by
            for x, t in self.chosen:
                self._note_sample(found.layers, x, t)
            if self.places:
                self._note_places(found.layers)

    def _note(self, sentence: str) -> None:
        """Keep the first thing that is to be said."""
        self.recording.note = self.recording.note or sentence[:300]

    def _note_sample(self, layers: list[list[Any]], x: list[float], t: Any) -> None:
        recording = self.recording
        if layers:
            nets, outs = run(layers, x)
            output = outs[-1] if len(outs[-1]) > 1 else outs[-1][0]
        else:
            output = self.model(x)
            nets, outs = [], [_flat(output)]
        loss, deltas = self._deltas([z for row in nets for z in row], output, t)
        recording.activations.extend([float(bare(a)) for row in outs for a in row])
        recording.deltas.extend(deltas)
        recording.losses.append(loss)

    def _deltas(self, nets: list[Any], output: Any, t: Any) -> tuple[float, list[float]]:
        """Return the loss of one sample, and its derivative by each net input; nan where the loss cannot say it."""
        try:
            loss = self.loss([output], [t])
            if not isinstance(loss, Value):
                raise TypeError(f"it gave {type(loss).__name__}")
            return loss.data, list(gradients(loss, nets))
        except Exception as error:  # a function of the user's, which may want more than one sample
            self._note(f"The loss of one sample is not known, and so no gradient of one: {error}")
            return math.nan, [math.nan] * len(nets)

    def _note_places(self, layers: list[list[Any]]) -> None:
        """Note what a page cannot compute: each unit over the coarse grid, and which are off for all points."""

        def numbers(x: list[float]) -> list[float]:
            outs = [a for row in run(layers, x)[1] for a in row] if layers else _flat(self.model(x))
            return [float(bare(a)) for a in outs]

        recording = self.recording
        try:
            rows = [numbers(x) for x in self.places]
        except Exception as error:  # of the user's model, which need not know places beyond the data
            self._note(f"The model cannot be computed at all places between and beside the data: {error}")
            rows = [[math.nan] * recording.units for _ in self.places]
        for column in zip(*rows, strict=True):
            finite = [a for a in column if math.isfinite(a)] or [0.0]
            low, high = min(finite), max(finite)
            recording.ranges.extend([low, high])
            step = (high - low) / 255.0 or 1.0
            recording.levels.extend([round((min(max(a, low), high) - low) / step) if a == a else 0 for a in column])
        recording.off.append(_off(layers, self.points))


def _off(layers: list[list[Any]], points: list[list[float]]) -> list[int]:
    """Return which units pass no gradient for any of the points, counted through all layers."""
    units = [neuron for neurons in layers for neuron in neurons]
    below = [_dead_below(neuron.activation) for neuron in units]
    off = {k for k, bound in enumerate(below) if bound is not None}
    for x in points if off else ():
        zs = [bare(z) for row in run(layers, x)[0] for z in row]
        off -= {k for k in off if not zs[k] <= (below[k] or 0.0)}
    return sorted(off)


def _dead_below(activation: str | None) -> float | None:
    row = OPERATIONS.get(activation or "")
    return row.dead_below if row is not None else None


def _described(found: Stack) -> list[dict[str, Any]]:
    return [
        {
            "inputs": len(neurons[0].w),
            "activations": [neuron.activation or "" for neuron in neurons],
            "biases": [neuron.b is not None for neuron in neurons],
            "dead": [_dead_below(neuron.activation) for neuron in neurons],
        }
        for neurons in found.layers
    ]


def _functions(layers: list[list[Any]]) -> dict[str, str]:
    """Return the activations of all neurons as JavaScript, by name; none where one of them has no such form."""
    names = {neuron.activation for neurons in layers for neuron in neurons}
    written = {
        name: "(x) => x" if name == "linear" else as_javascript(OPERATIONS[name]) if name in OPERATIONS else None
        for name in names
    }
    functions = {str(name): text for name, text in written.items() if text is not None}
    return functions if len(functions) == len(names) else {}


def _title(model: Module, found: Stack) -> str:
    widths = [len(found.layers[0][0].w), *map(len, found.layers)] if found.layers else []
    return f"Training of {type(model).__name__} {' → '.join(map(str, widths))}".strip()


def _task(loss: Loss, targets: Sequence[Any], count: int) -> dict[str, Any]:
    """Return what the outputs are held to: two labels, classes, or numbers; and which number is neither high nor low.

    ``middle`` and ``reach`` are by output; beyond middle ± reach a colour is full. A reach of None is the largest one.
    """
    listed = isinstance(targets[0], list)
    if count > 1 and (_are_classes(targets, count) or (loss is cross_entropy)):
        return {"kind": "classes", "middle": [0.0] * count, "reach": [None] * count}
    columns = list(zip(*targets, strict=True)) if listed else [targets]
    if count == len(columns) == 1 and len(labels := sorted(set(columns[0]))) == 2:
        low, high = labels
        scores = loss is bce_with_logits  # σ(0) = 0.5, and σ(3) = 0.95
        middle, reach = (0.0, 3.0) if scores else (0.5 * low + 0.5 * high, 0.5 * high - 0.5 * low)
        return {"kind": "labels", "labels": labels, "middle": [middle], "reach": [reach]}
    if count != len(columns):
        return {"kind": "numbers", "middle": [0.0] * count, "reach": [None] * count}
    ends = [(min(column), max(column)) for column in columns]
    return {
        "kind": "numbers",
        "middle": [0.5 * low + 0.5 * high for low, high in ends],
        "reach": [0.5 * high - 0.5 * low or None for low, high in ends],
    }


def _are_classes(targets: Sequence[Any], count: int) -> bool:
    """Whether targets are the numbers of classes, or lists with a 1 for the right one."""
    if isinstance(targets[0], list):
        return all(len(t) == count and sorted(t) == [0.0] * (count - 1) + [1.0] for t in targets)
    return all(t in range(count) for t in targets)


def _span(xs: Sequence[float]) -> tuple[float, float]:
    low, high = min(xs), max(xs)
    margin = 0.15 * (high - low) or 0.5
    return low - margin, high + margin


def _places(span: list[tuple[float, float]]) -> list[list[float]]:
    """Return the places of the coarse grid, row by row from below, or along a line."""
    if not span:
        return []
    side = COARSE if len(span) == 2 else LINE
    across, *up = [[low + (high - low) * i / (side - 1) for i in range(side)] for low, high in span]
    return [[a, b] for b in up[0] for a in across] if up else [[a] for a in across]


def _spread(count: int, most: int) -> list[int]:
    """Return up to so many numbers from 0 to count − 1, evenly from the first to the last.

    >>> _spread(10, 4), _spread(3, 8), _spread(5, 1)
    ([0, 3, 6, 9], [0, 1, 2], [0])
    """
    most = min(count, most)
    return [round(i * (count - 1) / (most - 1)) for i in range(most)] if most > 1 else [0]


def _flat(output: Any) -> list[Any]:
    return [x for part in output for x in _flat(part)] if isinstance(output, (list, tuple)) else [output]


def _packed(numbers: array[float]) -> str:
    """Return numbers of 32 bits as text, the lowest byte first, as a page reads them."""
    if sys.byteorder == "big":
        numbers = array("f", numbers)
        numbers.byteswap()
    return b64encode(numbers.tobytes()).decode("ascii")


def _stored(x: Any) -> Any:
    """JSON has no nan and no infinity."""
    return x if isinstance(x, int) or math.isfinite(x) else repr(x)
