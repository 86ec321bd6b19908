"""Transformations: functions of numbers in, functions of their derivatives out, to any order.

Each wraps the arguments in fresh Values, runs the function, and sweeps over the graph it left: backward for ``grad``
and its relatives, forward for ``jvp``. A fresh Value of an argument that is a Value already is an ``identity`` node on
top of it: the sweep stops there, and so never confuses the variable it differentiates by with one of the same value
further out (Siskind and Pearlmutter, *Perturbation Confusion and Referential Transparency*, 2005).

Numbers in, numbers out. Where the arguments are Values, or the function uses Values of its own or from outside, the
results are Values too, which can be differentiated again. The fresh Values of plain numbers are nobody's: the result of
an inner transformation does not count as made of them.
"""

from __future__ import annotations

import contextlib
import functools
import reprlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ParamSpec

from . import modes
from ._engine import Value, native
from .graph import topological_order
from .operation import ABSENT, bare
from .ops import OPERATIONS, Number, as_float, where
from .pytree import flatten, flatten_like

Function = Callable[..., Any]
P = ParamSpec("P")  # the parameters of a function, which those of its derivatives are too
_WHERE = OPERATIONS["where"]
_ADDITIONS = {OPERATIONS[name] for name in ("add", "sub", "sum", "identity")}


def gradients(output: Value, inputs: Any, *, seed: Any = 1.0, create_graph: bool = False) -> Any:
    """Return ∂output/∂input for each input, in the structure of ``inputs``; no ``.grad`` is touched.

    ``inputs`` is a Value or a nested structure of Values. The results are numbers, or with ``create_graph`` Values that
    can be differentiated again. An input that the output does not depend on has 0.0. Everything is times ``seed``.

    Raises TypeError when ``output`` or an input is no Value, and with ``create_graph`` RuntimeError where ``data`` was
    changed since the graph was built: the derivative belongs to the numbers that it was built with.

    >>> x = Value(3.0)
    >>> gradients(x * x * x, x)
    27.0
    >>> slope = gradients(x * x * x, x, create_graph=True)
    >>> gradients(slope, x)
    18.0
    """
    leaves, build = flatten(inputs)
    for x in (output, *leaves):
        if not isinstance(x, Value):
            raise TypeError(f"gradients needs Values, and {type(x).__name__} {x!r} was given; wrap it: Value({x!r})")
    adjoints = sweep_back([(output, seed)], leaves, create_graph)
    return build([as_result(adjoints.get(x, 0.0), create_graph) for x in leaves])


def sweep_back(
    seeds: Iterable[tuple[Value, Any]], inputs: Sequence[Value], graph: bool, until: Sequence[Value] = ()
) -> dict[Value, Any]:
    """Reverse mode: the adjoint of every Value between ``inputs`` and the seeded outputs."""
    adjoints: dict[Value, Any] = {}
    for output, seed in seeds:
        _accumulate(adjoints, output, seed)
    order, needed = _nodes_between(list(adjoints), inputs, until)
    watched = modes.active and modes.checking.get()
    with _recording():
        if native is not None and not (graph or watched or any(isinstance(x, Value) for x in adjoints.values())):
            native.sweep_into(adjoints, order, needed, _ADDITIONS)  # the same in C
            return adjoints
        for node in reversed(order):
            if node not in adjoints:
                continue
            adjoint = adjoints[node]
            for operand, partial in zip(node.operands, _partials(node, needed, graph), strict=True):
                if partial is not None and operand in needed:
                    _accumulate(adjoints, operand, _times(node, partial, adjoint))
            if watched:
                for i, (operand, partial) in enumerate(zip(node.operands, node.partials, strict=True)):
                    if partial is not None and operand in needed:
                        modes.check_flow(node, i, adjoint, partial, adjoints[operand])
    return adjoints


def sweep_forward(outputs: Sequence[Value], tangents: dict[Value, Any], graph: bool) -> dict[Value, Any]:
    """Forward mode: the tangent of every Value that depends on the seeded inputs, of which none depends on another."""
    order, needed = _nodes_between(outputs, list(tangents), until=list(tangents))
    watched = modes.active and modes.checking.get()
    with _recording():
        for node in order:
            if node.op is not None and node.op.tangent is not None:
                _accumulate(tangents, node, node.op.tangent(node, [tangents.get(x) for x in node.operands], graph))
                continue
            for i, (operand, partial) in enumerate(zip(node.operands, _partials(node, needed, graph), strict=True)):
                if partial is not None and operand in tangents:
                    _accumulate(tangents, node, _times(node, partial, tangents[operand]))
                    if watched:
                        modes.check_flow(node, i, tangents[operand], partial, tangents[node], forward=True)
    return tangents


def _accumulate(table: dict[Value, Any], node: Value, flow: Any) -> None:
    table[node] = _without_absent(table[node] + flow) if node in table else flow


def _times(node: Value, partial: Any, flow: Any) -> Any:
    """Return the product. One with 1 is left out where it is always 1, and so is left out of compiled code as well."""
    if type(partial) is float and partial == 1.0 and node.op in _ADDITIONS:
        return flow
    return _without_absent(partial * flow)


def _without_absent(result: Any) -> Any:
    """Let nothing flow to what is absent, since it may be made of infinities."""
    if isinstance(result, Value) and any(bare(x) is ABSENT for x in result.operands):
        ends = [result.data is ABSENT or bare(x) is ABSENT for x in result.operands]
        result.partials = tuple([None if end else p for end, p in zip(ends, result.partials, strict=True)])
    return result


def _nodes_between(
    outputs: Sequence[Value], inputs: Sequence[Value], until: Sequence[Value]
) -> tuple[list[Value], set[Value]]:
    """Return the nodes on paths from inputs to outputs in topological order, and the same with the inputs, as a set.

    Nothing is looked for beyond ``until``: a transformation ends at its own inputs, or nested ones would go through all
    that was computed before.
    """
    needed = set(inputs)
    if native is not None:
        return native.nodes_above(topological_order(*outputs, until=until), needed), needed
    order = []
    for node in topological_order(*outputs, until=until):
        if any(isinstance(x, Value) and x in needed for x in node.operands):  # an input may depend on another
            needed.add(node)
            order.append(node)
    return order, needed


def _partials(node: Value, needed: set[Value], graph: bool) -> tuple[Any, ...]:
    """Return the stored partials, or for a graph the derivative rules applied to the operands themselves."""
    if not graph:
        return node.partials
    assert node.op is not None
    wanted = [isinstance(x, Value) and x in needed for x in node.operands]
    partials = node.op.partials(node, node.operands, wanted)
    if node.op is _WHERE:  # the graph is the same whichever branch was taken: so compiled code adds in the same order
        partials = (None, *[ABSENT if p is None and want else p for p, want in zip(partials[1:], wanted[1:])])
    if _differ(partials, node.partials) is None:
        return partials
    # A rule may well round otherwise where it is given floats, so ask it as it was asked when the node was made.
    now = node.op.partials(node.data, [bare(x) for x in node.operands], wanted)
    i = _differ(now, node.partials)
    if i is not None:
        raise RuntimeError(
            f"a graph of derivatives is built of the numbers that the Values hold, and since {node.op.name} was "
            f"computed the data of a Value was changed: its derivative by operand {i} was {node.partials[i]!r} then "
            f"and is {now[i]!r} now; compute the output again, or leave create_graph out"
        )
    return partials


def _differ(partials: Sequence[Any], stored: Sequence[Any]) -> int | None:
    """Return the place of the first partial that is another number than the one stored; None where there is none."""
    for i, (partial, before) in enumerate(zip(partials, stored, strict=True)):
        now = bare(partial)
        if type(now) is type(before) is float and now != before and not (now != now and before != before):
            return i
    return None


def as_result(derivative: Any, graph: bool) -> Any:
    """Return the derivative, as a Value in a graph; one that is constant there takes no gradient."""
    condition = getattr(bare(derivative), "condition", None)
    if condition is not None:  # it came through a branch
        derivative = where(condition, derivative, 0.0)
    return _constant(derivative) if graph and type(derivative) is float else derivative


def _constant(x: float) -> Value:
    value = Value(x)
    value.requires_grad = False
    return value


def _recording() -> contextlib.AbstractContextManager[None]:
    """Record even inside ``no_grad()``, which silences the caller's graph and not the one worked on here."""
    return modes.enable_grad() if modes.graph_is_off() else contextlib.nullcontext()


class _Run:
    """One run of a function on fresh Values: what went in, what came out, and whether its derivatives are a graph."""

    def __init__(self, f: Function, args: Sequence[Any], kwargs: dict[str, Any], argnums: Sequence[int]) -> None:
        self.inputs: list[Value] = []
        self.builds: list[Callable[[Iterable[Any]], Any]] = []
        self.counts: list[int] = []
        replaced = list(args)
        grad_is_on = not modes.graph_is_off()
        with _recording():
            for i in argnums:
                leaves, build = flatten(args[i])
                fresh = [fresh_value(x) for x in leaves]
                replaced[i] = build(fresh)
                self.inputs += fresh
                self.builds.append(build)
                self.counts.append(len(leaves))
            result = f(*replaced, **kwargs)
        try:
            self.outputs, self.build_output = flatten(result)
        except TypeError as error:
            raise TypeError(f"the function returned {reprlib.repr(result)}: {error}") from None
        self.nodes = [x for x in self.outputs if isinstance(x, Value)]
        self.graph = grad_is_on and (
            any(x.operands and x.operands[0].requires_grad for x in self.inputs)
            or any(  # leaves from outside
                not x.operands and x.requires_grad for x in topological_order(*self.nodes, until=self.inputs)
            )
        )
        if self.graph:  # which lives on, in a transformation further out too: there these leaves are no variables
            for x in self.inputs:
                if not x.operands:
                    x.requires_grad = False

    def structured(self, leaves: Sequence[Any]) -> list[Any]:
        """Put numbers, one for each input, into the structure of each argument."""
        rest = iter(leaves)
        return [build([next(rest) for _ in range(n)]) for build, n in zip(self.builds, self.counts, strict=True)]

    def result(self) -> Any:
        return self.build_output([self.as_output(x) for x in self.outputs])

    def as_output(self, x: Any) -> Any:
        return x if self.graph or not isinstance(x, Value) else x.data

    def adjoints(self, seeds: Iterable[tuple[Any, Any]]) -> list[Any]:
        seeded = [(x, seed) for x, seed in seeds if isinstance(x, Value)]
        table = sweep_back(seeded, self.inputs, self.graph, until=self.inputs)
        return [as_result(table.get(x, 0.0), self.graph) for x in self.inputs]

    def one_output(self) -> Any:
        bare = self.build_output(["x"] * len(self.outputs)) == "x"  # a number by itself, not in a list
        if not bare:
            raise TypeError(
                f"grad needs a function that returns one number, and this one returned {self.result()!r}; "
                "use jacobian or vjp"
            )
        return self.outputs[0]


def fresh_value(x: Any) -> Value:
    """Return a Value to differentiate by: a leaf, or what is on top of a Value that is there."""
    if isinstance(x, Value):
        return x.apply(OPERATIONS["identity"], (x,))
    return Value(x)


def argument_positions(argnums: Any, args: Sequence[Any]) -> list[int]:
    """Return the positions that ``argnums`` names among the arguments of a call, or raise an error that says which."""
    chosen = list(argnums) if isinstance(argnums, Sequence) and not isinstance(argnums, str) else [argnums]
    for i in chosen:
        if type(i) is not int:
            raise TypeError(f"argnums is the position of an argument, or several, and {argnums!r} was given")
        if not -len(args) <= i < len(args):
            raise TypeError(
                f"argnums names argument {i}, and the function was called with {len(args)}; "
                "an argument to differentiate by is given by position, not by name"
            )
    places = [i % len(args) for i in chosen]
    if len(set(places)) < len(places):
        raise ValueError(f"argnums names an argument twice: {argnums!r}")
    return places


def grad(f: Callable[P, Any], argnums: int | Sequence[int] = 0) -> Callable[P, Any]:
    """Return a function that gives the gradient of ``f``, which returns one number.

    The gradient has the structure of the argument: a number, or lists, tuples, dicts, dataclasses and arrays of
    numbers. ``argnums`` says which positional argument to differentiate by; a sequence of them gives a tuple.

    Raises TypeError when ``f`` returns anything but one number.

    >>> grad(lambda x: x**3)(2.0)
    12.0
    >>> grad(lambda p: p["a"] * p["b"])({"a": 2.0, "b": 5.0})
    {'a': 5.0, 'b': 2.0}
    >>> grad(grad(lambda x: x**3))(2.0)
    12.0
    """
    both = value_and_grad(f, argnums)

    @functools.wraps(f)
    def gradient(*args: P.args, **kwargs: P.kwargs) -> Any:
        return both(*args, **kwargs)[1]

    return gradient


def value_and_grad(f: Callable[P, Any], argnums: int | Sequence[int] = 0) -> Callable[P, tuple[Any, Any]]:
    """Return a function that gives ``(f(x), gradient)`` in one pass; see ``grad``.

    >>> value_and_grad(lambda x: x * x)(3.0)
    (9.0, 6.0)
    """

    @functools.wraps(f)
    def both(*args: P.args, **kwargs: P.kwargs) -> tuple[Any, Any]:
        run = _Run(f, args, kwargs, argument_positions(argnums, args))
        output = run.one_output()
        parts = run.structured(run.adjoints([(output, 1.0)]))
        return run.as_output(output), parts[0] if isinstance(argnums, int) else tuple(parts)

    return both


def derivative(f: Callable[P, Any], order: int = 1) -> Callable[P, Any]:
    """Return the derivative of that order of a function of one number.

    Raises ValueError unless ``order`` is a whole number, 0 or more.

    >>> derivative(lambda x: x**4, order=3)(2.0)
    48.0
    """
    if type(order) is not int or order < 0:
        raise ValueError(f"order is a whole number, 0 or more, and {order!r} was given")
    for _ in range(order):
        f = grad(f)
    return f


def jacobian(f: Callable[P, Any], argnums: int | Sequence[int] = 0) -> Callable[P, Any]:
    """Return a function that gives ∂output/∂input for all numbers, in the structure of the output.

    In place of each number of the output stands the structure of the argument: m outputs of n inputs give m lists of n.

    >>> jacobian(lambda p: [p[0] * p[1], p[0] + p[1]])([2.0, 5.0])
    [[5.0, 2.0], [1.0, 1.0]]
    """

    @functools.wraps(f)
    def rows(*args: P.args, **kwargs: P.kwargs) -> Any:
        run = _Run(f, args, kwargs, argument_positions(argnums, args))
        gradients = []
        for output in run.outputs:
            parts = run.structured(run.adjoints([(output, 1.0)]))
            gradients.append(parts[0] if isinstance(argnums, int) else tuple(parts))
        return run.build_output(gradients)

    return rows


def hessian(f: Callable[P, Any], argnums: int | Sequence[int] = 0) -> Callable[P, Any]:
    """Return a function that gives the second derivatives of ``f``, which returns one number.

    The result has the structure of the argument, and in place of each number that structure once more: n lists of n.

    >>> hessian(lambda p: p[0] * p[0] * p[1])([3.0, 2.0])
    [[4.0, 6.0], [6.0, 0.0]]
    """
    return jacobian(grad(f, argnums), argnums)


def vjp(f: Function, *args: Any) -> tuple[Any, Function]:
    """Return ``f(*args)`` and a function from a cotangent, in the output's structure, to a tuple of gradients.

    The tuple has one entry for each argument. Raises ValueError for a cotangent of another structure.

    The vector-Jacobian product costs one backward sweep whatever the number of inputs.

    >>> y, pull = vjp(lambda a, b: [a * b, a + b], 2.0, 5.0)
    >>> y, pull([1.0, 10.0])
    ([10.0, 7.0], (15.0, 12.0))
    """
    run = _Run(f, args, {}, range(len(args)))

    def pull(cotangent: Any) -> tuple[Any, ...]:
        seeds = _matching(cotangent, run.build_output(run.outputs), "the cotangent")
        return tuple(run.structured(run.adjoints(zip(run.outputs, seeds, strict=True))))

    return run.result(), pull


def jvp(f: Function, args: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """Return ``f(*args)`` and its derivative in the direction of ``tangents``, both in the output's structure.

    The Jacobian-vector product is one forward sweep whatever the number of outputs.

    >>> jvp(lambda a, b: [a * b, a + b], (2.0, 5.0), (1.0, 10.0))
    ([10.0, 7.0], [25.0, 11.0])
    """
    args, tangents = _as_arguments("args", args), _as_arguments("tangents", tangents)
    run = _Run(f, args, {}, range(len(args)))
    seeds = _matching(tangents, args, "the tangent")
    tangent_of = sweep_forward(run.nodes, dict(zip(run.inputs, seeds, strict=True)), run.graph)
    slopes = [tangent_of.get(x, 0.0) if isinstance(x, Value) else 0.0 for x in run.outputs]
    return run.result(), run.build_output([as_result(slope, run.graph) for slope in slopes])


def hvp(f: Function, args: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """Return the Hessian of ``f`` at ``args`` times ``tangents``: forward mode over reverse, without the Hessian.

    The result is a tuple with one entry for each argument, in its structure.

    >>> hvp(lambda p: p[0] * p[0] * p[1], ([3.0, 2.0],), ([1.0, 0.0],))
    ([4.0, 6.0],)
    """
    args = _as_arguments("args", args)
    return jvp(grad(f, tuple(range(len(args)))), args, tangents)[1]


def _as_arguments(what: str, entries: Sequence[Any]) -> list[Any]:
    if not isinstance(entries, (list, tuple)):
        raise TypeError(f"{what} has an entry for each argument, ({entries!r},) for one, and {entries!r} was given")
    return list(entries)


def _matching(tree: Any, pattern: Any, what: str) -> list[Any]:
    return [x if isinstance(x, Number) else as_float(x) for x in flatten_like(tree, pattern, what)]
