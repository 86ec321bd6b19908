"""A picture that moves: a function of a few numbers, some of which the reader of a page drags.

The function is run on Values, which gives the picture, and on the numbers of the compiler's trace, which gives the
program of all that the picture shows: every value, gradient and local derivative. The page runs that program.
"""

from __future__ import annotations

import inspect
import math
import numbers
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from autograd._engine import Value
from autograd.errors import DiagramError, TraceError
from autograd.functional import sweep_back
from autograd.graph import topological_order
from autograd.ops import OPERATIONS, where

from .picture.picture import Picture
from .text import clean

if TYPE_CHECKING:
    from autograd.compiler.trace.listing import Listing

START = 0.75  # of the way from the low end of a range to the high one: in the middle gradients are often zero


class Slider(NamedTuple):
    """An input that is dragged, from `low` to `high`, and where it is at first."""

    name: str
    low: float
    high: float
    start: float


class Place(NamedTuple):
    """Which results belong to a value: itself, its gradient, and for each operand the local derivative.

    A condition, which is an operand and no Value, is a result too: 1 or 0.
    """

    op: str
    value: int
    grad: int
    partials: list[int]
    conditions: list[int | None]


@dataclass
class Moving:
    """The sliders, the output where they start, and the program of all that a picture shows.

    The program takes the sliders' numbers and then those in `fixed`. For each value of the graph, by its `id()`,
    `places` says which of the program's outputs belong to it.
    """

    sliders: list[Slider]
    inputs: list[Value]  # what stands for the sliders
    output: Value
    program: Listing
    fixed: list[float]
    places: dict[int, Place]

    def run(self, positions: Sequence[float]) -> list[float]:
        """What the program gives where the sliders are."""
        return self.program.run([*positions, *self.fixed])


def moving(function: Callable[..., Any], given: Mapping[str, Any]) -> Moving:
    """Trace a function of the `given` inputs: each a number, or a range (low, high) or (low, high, start).

    Raises DiagramError for inputs that are neither or that the function does not take, for a function that gives no
    Value, and for an operation that pages do not have; TraceError where the function branches on a number.
    """
    sliders, starts = slider_inputs(function, given)
    arguments = {name: Value(x, name=name) for name, x in starts.items()}
    ranges = {slider.name for slider in sliders}
    for name, v in arguments.items():
        v.requires_grad = name in ranges
    output = called_with(function, arguments)
    return _traced(function, sliders, arguments, output)


def slider_inputs(function: Callable[..., Any], given: Mapping[str, Any]) -> tuple[list[Slider], dict[str, float]]:
    """The sliders, and the number at which each input starts."""
    try:
        first, others = _split(function, given)
        inspect.signature(function).bind(*first, **others)
    except (TypeError, ValueError) as error:
        raise DiagramError(
            f"{_name(function)} was given with inputs {', '.join(given) or 'none'}: {error}. Give a number or a range "
            "for each of its arguments, as in draw(f, w=(-2, 2), x=2.0)."
        ) from None
    sliders, starts = [], {}
    for name, what in given.items():
        wanted = what.tolist() if hasattr(what, "tolist") else what  # an array
        if isinstance(wanted, tuple | list) and len(wanted) in (2, 3) and all(map(_is_number, wanted)):
            low, high = float(wanted[0]), float(wanted[1])
            start = float(wanted[2]) if len(wanted) == 3 else (1 - START) * low + START * high
            if not low < high or not low <= start <= high:
                raise DiagramError(
                    f"{name}= is a range (low, high) or (low, high, start), low first; {what!r} was given."
                )
            sliders.append(Slider(name, low, high, start))
            starts[name] = start
        elif _is_number(wanted):
            starts[name] = float(wanted)
        else:
            raise DiagramError(
                f"{name}= is a finite number, or a range of two or three such as (-2, 2); "
                f"{clean(repr(what), 60)} was given."
            )
    if not sliders:
        raise DiagramError(f"No input of {_name(function)} is a range: give at least one, such as w=(-2, 2).")
    return sliders, starts


def _split(function: Callable[..., Any], given: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """The inputs that a function takes by position alone, and the others by name."""
    parameters = inspect.signature(function).parameters.values()
    by_position = [p.name for p in parameters if p.kind is p.POSITIONAL_ONLY and p.name in given]
    return [given[name] for name in by_position], {name: x for name, x in given.items() if name not in by_position}


def _is_number(x: Any) -> bool:
    try:
        return type(x) is not bool and isinstance(x, numbers.Real) and math.isfinite(float(x))
    except OverflowError:
        return False


def _name(function: Any) -> str:
    return clean(getattr(function, "__name__", type(function).__name__), 40)


def called_with(function: Callable[..., Any], arguments: Mapping[str, Any]) -> Value:
    """The result of a function. Raises DiagramError where it is no Value, or none that was computed."""
    first, others = _split(function, arguments)
    output = function(*first, **others)
    if not isinstance(output, Value) or output.op is None:
        own = isinstance(output, Value)
        advice = " If it branches on a number, choose with where(condition, a, b) instead." if own else ""
        raise DiagramError(
            f"{_name(function)} is a function whose result is one Value that it computes from its arguments; it gave "
            f"{clean(repr(output), 60)}.{advice}"
        )
    return output


def _traced(function: Callable[..., Any], sliders: list[Slider], arguments: dict[str, Value], output: Value) -> Moving:
    from autograd.compiler.trace.listing import listing

    order, own = topological_order(output), {id(v) for v in arguments.values()}
    outside = [v for v in order if v.op is None and id(v) not in own]  # a model's parameters, say
    dragged = [slider.name for slider in sliders]
    fixed = {name: v.data for name, v in arguments.items() if name not in dragged}
    names = [*dragged, *fixed]
    places: list[Place] = []

    def everything(*inputs: Any) -> list[Any]:
        again = called_with(function, {name: Value(x, name=name) for name, x in zip(names, inputs, strict=True)})
        results, places[:] = _results(again)
        return results

    try:
        program = listing(everything, names, outside)
    except TraceError:
        raise
    except TypeError as error:  # a condition of while_loop, say, which is no number yet
        raise DiagramError(f"A page cannot follow what {_name(function)} does with its numbers: {error}") from error
    _check(program)
    if [place.op for place in places] != [_operation(v) for v in order]:
        raise _unsteady(function)
    moved = Moving(
        sliders=sliders,
        inputs=[arguments[name] for name in dragged],
        output=output,
        program=program,
        fixed=[*fixed.values(), *(v.data for v in outside)],
        places={id(v): place for v, place in zip(order, places, strict=True)},
    )
    results = moved.run([slider.start for slider in sliders])
    if any(repr(results[place.value]) != repr(v.data) for v, place in zip(order, places, strict=True)):
        raise _unsteady(function)  # for a program gives what the engine gives, to the bit
    return moved


def _unsteady(function: Callable[..., Any]) -> DiagramError:
    return DiagramError(
        f"{_name(function)} does not compute the same each time it is called (does it draw random numbers?), so "
        "nothing can move."
    )


def _results(output: Value) -> tuple[list[Any], list[Place]]:
    """All that a picture of this graph shows, and which of these results belong to which value."""
    order = topological_order(output)
    adjoints = sweep_back([(output, 1.0)], order, False)
    results: list[Any] = []
    places = []
    for v in order:
        place = Place(_operation(v), len(results), len(results) + 1, [], [])
        results += [v.data, adjoints.get(v, 0.0)]
        for operand, partial in zip(v.operands, v.partials, strict=True):
            place.partials.append(len(results))
            results.append(0.0 if partial is None else partial)
            known = isinstance(operand, Value | float | int)
            place.conditions.append(None if known else len(results))
            results += [] if known else [where(operand, 1.0, 0.0)]
        places.append(place)
    return results, places


def add_gradients(picture: Picture, moving: Moving) -> None:
    """Put the gradients where the sliders start into the picture; those that the Values hold are left alone."""
    results = moving.run([slider.start for slider in moving.sliders])
    places = {node.id: moving.places[node.value_id] for node in picture.nodes if node.value_id in moving.places}
    for node in picture.nodes:
        if node.id in places and not node.frozen:
            node.grad = results[places[node.id].grad]
        node.flags = [flag for flag in node.flags if not flag.late]  # those are of the gradients that Values hold
    frozen = {node.id for node in picture.nodes if node.frozen}
    for edge in picture.edges:
        if edge.partial is not None and edge.source not in frozen:
            edge.flow = edge.partial * results[places[edge.target].grad]


def _operation(v: Value) -> str:
    return v.op.name if v.op is not None else ""


def _check(program: Listing) -> None:
    """Refuse what a page cannot compute, by name."""
    from autograd.compiler.program.conditions import CONDITIONS

    for name in sorted({instruction.name for instruction in program.instructions}):
        if name not in CONDITIONS and not (name in OPERATIONS and OPERATIONS[name].in_javascript):
            raise DiagramError(
                f"A page cannot compute {clean(name, 40)}: JavaScript has no such function. Write it with operations "
                "that it has, or draw the graph at one point: draw(f(...))."
            )
