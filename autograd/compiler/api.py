"""jit: trace a function once per structure of its arguments, compile the program, and call it."""

from __future__ import annotations

import functools
import inspect
import itertools
import operator
import pickle
import types
import weakref
from collections.abc import Callable, Sequence
from typing import Any, overload

from autograd import modes
from autograd._engine import Value
from autograd.errors import TraceError

from .call import by_hand
from .call.batched import Batched, Held
from .call.compiled import Compiled
from .call.known import program_of
from .call.machine import llvm, patience, uncollected
from .call.objects import builtin
from .program.program import Cost, Program
from .structure import (  # fmt: skip
    ELEMENTS,
    SAMPLES,
    WHOLE,
    Arguments,
    NotPlain,
    Results,
    Source,
    Structure,
    as_batch,
    build,
    counted,
    describe,
    has_batch,
    is_module,
    places,
    training,
)
from .trace.captured import capture, tracing
from .trace.loops import Tracer
from .trace.recorder import Trace
from .trace.traced import indices_of_arrays

MAX_STRUCTURES = 1_000  # structures of arguments for which one function keeps its programs
MAX_UPDATES = 16  # functions given as then= that are kept for one function


@overload
def jit(fn: Callable[..., Any], *, in_axes: Any = "arrays", parameters: Any = (), fastmath: bool = False) -> Jitted: ...


@overload
def jit(
    fn: None = None, *, in_axes: Any = "arrays", parameters: Any = (), fastmath: bool = False
) -> Callable[[Callable[..., Any]], Jitted]: ...


def jit(
    fn: Callable[..., Any] | None = None,
    *,
    in_axes: Any = "arrays",
    parameters: Any = (),
    fastmath: bool = False,
) -> Jitted | Callable[[Callable[..., Any]], Jitted]:
    """Return a function that computes the same as ``fn``, to the bit, as machine code.

    ``fn`` is run once for each structure of arguments, on numbers that write down what is done with them; the program
    is compiled and runs from then on. It may be any composition: ``jit(grad(f))``, ``jit(hessian(f))``. Numbers give
    numbers, nested as ``fn`` nests them. NumPy arrays broadcast: the function is computed for each element, and the
    results are arrays. Bools, strings and None become part of the program. Called with Values, ``fn`` itself runs, so
    that a graph is built.

    ``in_axes`` tells what an array is: "arrays" (each array argument is a batch), or one entry an argument: 0 for a
    batch, which may be nested lists of numbers too, None for an array that ``fn`` takes as a whole. ``parameters`` are
    the Values that ``fn`` uses from outside, or a module that has them; each call reads them, and writes back what
    ``fn`` changes of data and gradients. A module may also be an argument. Which Values it holds, which of them are
    frozen, and whether it is in training mode is looked at in every call; its other attributes, and the items of one
    that is a list, become part of the program, as globals and closures do. So does ``data`` or ``grad`` of a Value that
    is not declared, where ``fn`` reads that alone: only its use as a Value is noticed. ``fastmath`` allows
    reassociation, fused multiply-add and polynomials for exp, tanh and logarithms: about 4 units in the last place
    each, and then what rounding makes of it.

    Raises MissingExtraError without llvmlite and numpy. The first call raises TracedBranchError where ``fn`` branches
    on a number, and TraceError for whatever else cannot be traced, with the line and the remedy.

    >>> from autograd import grad, jit
    >>> f = jit(lambda x, y: (1 - x) ** 2 + 100 * (y - x * x) ** 2)
    >>> f(1.0, 2.0)
    100.0
    >>> jit(grad(lambda x: x**3))(2.0)
    12.0

    With options it is a decorator too:

    >>> @jit(fastmath=True)
    ... def cube(x):
    ...     return x * x * x
    >>> cube(2.0)
    8.0
    """
    if fn is None:
        return lambda fn: jit(fn, in_axes=in_axes, parameters=parameters, fastmath=fastmath)
    if not callable(fn):
        raise TypeError(f"jit compiles a function, and {type(fn).__name__} {fn!r} is none")
    llvm()  # or say how to get it
    _check_axes(fn, in_axes)
    leaves = tuple(parameters.parameters() if is_module(parameters) else parameters)
    for x in leaves:
        if not isinstance(x, Value) or x.operands:
            raise TypeError(f"parameters are leaf Values, and {x!r} is none")
    return Jitted(fn, in_axes, parameters if is_module(parameters) else leaves, bool(fastmath))


class Jitted:
    """A compiled function; ``jit`` makes it. It may be called from several threads, and pickled."""

    def __init__(self, fn: Callable[..., Any] | None, in_axes: Any, parameters: Any, fastmath: bool) -> None:
        self._fn = fn
        self._in_axes = in_axes
        self._parameters = parameters  # a tuple of Values, or a module
        self._fixed = not is_module(parameters)  # a module has to be looked at in each call
        self._fastmath = fastmath
        self._compiled: dict[Any, Compiled] = {}  # by the structure of the arguments, and what else a program rests on
        self._last: Compiled | None = None
        self._swift = False  # calls go straight into machine code
        self._swift_reductions: dict[Any, Callable[..., Any]] = {}  # entry points in machine code
        if fn is not None:
            self.__wrapped__ = fn  # which inspect.signature asks
        self.__name__ = getattr(fn, "__name__", "function")
        self.__doc__ = getattr(fn, "__doc__", None)

    def __repr__(self) -> str:
        return f"<compiled {self.__name__}, {len(self._compiled)} structure(s) of arguments>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compute ``fn(*args, **kwargs)``; see ``jit``."""
        try:
            structures, into = self._take_apart(args, kwargs, ELEMENTS)
        except NotPlain:
            return self._python()(*args, **kwargs)
        compiled = self._program_of(structures, into, args, kwargs)
        if isinstance(compiled, Batched):
            result = compiled.elements(into.numbers, into.columns)
        else:
            result = compiled.call(into.numbers)
        if not self._swift and self._fixed and compiled.entry_point is not None:
            self._hasten(*compiled.entry_point)
        return result

    def _hasten(self, address: int, code: Any) -> None:
        """Let calls of this structure go straight into machine code, which hands all others over to Python.

        A built-in function is no descriptor, so as ``__call__`` of a class it gets the arguments without the instance.
        """
        self._swift = True
        call = builtin(address, self.__name__, self, Jitted.__call__, [code])
        members = {"__call__": call, "__del__": _release, "__module__": Jitted.__module__}
        self.__class__ = type("Jitted", (Jitted,), members)

    def mean(self, *args: Any, then: Callable[..., Any] | None = None, **named: Any) -> Any:
        """Return the mean of ``fn`` over the batch: the first axis of every array among the arguments.

        The samples run through SIMD lanes and are added up on the way, so the mean agrees with a loop's to rounding
        (well-conditioned sums to 1e-13 of it), and is the same in every run on one kind of processor. What is no
        array is shared by all samples; ``in_axes`` of ``jit`` says otherwise. The result has the structure of
        ``fn``'s. ``then(result, *shared arguments)`` is compiled into the same call, an optimiser's update for one, and
        its result is returned instead; what it changes of declared parameters is written back. A condition counts as 1
        where it holds and as 0 elsewhere.

        Called with Values, or inside another function that is compiled, it is a loop over the samples, which takes
        part in gradients and in the other program. Raises ValueError where there is no batch, where batches differ in
        length, or where they are empty.

        >>> import numpy as np
        >>> from autograd import jit, value_and_grad
        >>> step = jit(value_and_grad(lambda w, x, t: (w * x - t) ** 2))
        >>> step.mean(3.0, np.array([1.0, 2.0]), np.array([1.0, 2.0]))
        (10.0, 10.0)
        """
        if named:
            _by_position("mean", named)
        swift = self._swift_reductions.get(("mean", then))
        return swift(*args) if swift is not None else self._reduce("mean", then, args)

    def sum(self, *args: Any, then: Callable[..., Any] | None = None, **named: Any) -> Any:
        """Return the sum of ``fn`` over the batch; see ``mean``."""
        if named:
            _by_position("sum", named)
        swift = self._swift_reductions.get(("sum", then))
        return swift(*args) if swift is not None else self._reduce("sum", then, args)

    def hold(self, kind: str, *args: Any, then: Callable[..., Any] | None = None) -> Held | None:
        """Return ``mean`` or ``sum`` with arguments and results that stay where they are, for a loop over batches.

        None where ``fn`` has parameters.

        >>> import numpy as np
        >>> from autograd import jit
        >>> batch = np.array([1.0, 2.0, 3.0])
        >>> held = jit(lambda w, x: w * x).hold("sum", 2.0, batch)
        >>> held(3)
        >>> held.results.tolist()
        [12.0]
        >>> held.shared[0], batch[0] = 10.0, 5.0
        >>> held(2)
        >>> held.results.tolist()
        [70.0]
        """
        compiled, into = self._look_up(args, {}, SAMPLES)
        if not isinstance(compiled, Batched) or compiled.parameters:
            return None
        return compiled.hold(kind, into.numbers, into.columns, then and self._update(compiled, then))

    def repeat(self, count: int, state: Any, *args: Any, **named: Any) -> Any:
        """Return the state after ``count`` times ``state = fn(state, *args)``, a loop that stays in machine code.

        ``fn`` must return the structure of its first argument. Arrays are taken as a whole.

        Called with Values, or inside another function that is compiled, it is a plain loop. Raises TypeError where the
        structures differ, ValueError for a negative count.

        >>> from autograd import jit
        >>> jit(lambda x: 0.5 * (x + 2.0 / x)).repeat(20, 1.0)
        1.414213562373095
        """
        if named:
            _by_position("repeat", named)
        whole = -1 if isinstance(count, bool) or not hasattr(count, "__index__") else operator.index(count)
        if not 0 <= whole < 2**63:
            raise ValueError(f"repeat counts with a whole number from 0 to 2**63 - 1, and {count!r} was given")
        try:
            compiled, into = self._look_up((state, *args), {}, WHOLE)
        except NotPlain:
            return by_hand.repeated(self._python(), whole, state, args)
        return compiled.repeat(whole, into.numbers)

    def program(self, *args: Any, **kwargs: Any) -> Program:
        """Return the program for such arguments; only their structure counts.

        Without any, that of the last call which was not served by machine code from end to end: of the last new
        structure, for one.
        """
        if args or kwargs:
            return self._look_up(args, kwargs, ELEMENTS)[0].program
        if self._last is None:
            raise ValueError("nothing is traced yet: call the function, or give arguments of the structure you mean")
        return self._last.program

    def cost(self, *args: Any, **kwargs: Any) -> Cost:
        """Return what one run takes: instructions, flops, calls and bytes; arguments as for ``program``.

        >>> from autograd import jit
        >>> jit(lambda x, y: x * y + 1.0).cost(1.0, 2.0)
        Cost(instructions=2, flops=2, calls=0, bytes=24)
        """
        return self.program(*args, **kwargs).cost()

    def _reduce(self, kind: str, then: Callable[..., Any] | None, args: tuple[Any, ...]) -> Any:
        try:
            compiled, into = self._look_up(args, {}, SAMPLES)
        except NotPlain:
            axes = [self._axes(i, SAMPLES) for i in range(len(args))]
            return by_hand.reduced(self._python(), kind, then, args, axes)
        if not isinstance(compiled, Batched):
            raise ValueError(
                f"{kind} runs over the first axis of arrays, and no argument is one; give the samples as NumPy arrays, "
                "or say with in_axes of jit which arguments are batches"
            )
        update = None if then is None else self._update(compiled, then)
        result = compiled.reduce(kind, into.numbers, into.columns, update)
        entry_point = (update or compiled).reduction_entry_points.get(kind)
        if entry_point is not None and self._fixed and (kind, then) not in self._swift_reductions:
            slow = lambda owner, *args: owner._reduce(kind, then, args)
            address, code = entry_point
            self._swift_reductions[kind, then] = builtin(address, kind, self, slow, [code])
        return result

    def _update(self, compiled: Batched, then: Callable[..., Any]) -> Compiled:
        """Return the program of ``then``, for the result of a reduction and the arguments that all samples share."""
        update = compiled.updates.get(then)
        if update is None:
            with tracing:
                update = compiled.updates.get(then)
                if update is None:
                    if len(compiled.updates) >= MAX_UPDATES:  # with a new function at every call, most are used once
                        compiled.forget_updates()
                        self._swift_reductions.clear()
                    shared = [not has_batch(structure) for structure in compiled.structures]
                    structures = (counted(compiled.result), *itertools.compress(compiled.structures, shared))
                    labels = ["result", *itertools.compress(compiled.labels, shared)]
                    modules = [m() if isinstance(m, weakref.ref) else m for m in compiled.modules]
                    update = self._program(then, structures, (), labels, modules, compiled.parameters)
                    compiled.updates[then] = update
        return update

    def _axes(self, i: int, arrays: str) -> str | None:
        """What an array as argument ``i`` is; None means: a batch, whatever it is given as."""
        if arrays == WHOLE or self._in_axes == "arrays":
            return arrays
        axes = self._in_axes if isinstance(self._in_axes, (tuple, list)) else [self._in_axes] * (i + 1)
        if i >= len(axes) or axes[i] not in (0, None):
            raise ValueError(
                f'in_axes is "arrays", or one entry an argument, each 0 (a batch) or None (as a whole); it is '
                f"{self._in_axes!r}, and the call has an argument {i}"
            )
        return WHOLE if axes[i] is None else None

    def _look_up(self, args: tuple[Any, ...], kwargs: dict[str, Any], arrays: str) -> tuple[Compiled, Arguments]:
        """Return what is traced for such arguments, and their numbers and batches."""
        structures, into = self._take_apart(args, kwargs, arrays)
        return self._program_of(structures, into, args, kwargs), into

    def _take_apart(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], arrays: str
    ) -> tuple[tuple[Structure, ...], Arguments]:
        """Return the structures of the arguments, and their numbers and batches."""
        into = Arguments()
        structures = []
        for i, x in enumerate((*args, *kwargs.values())):
            axes = self._axes(i, arrays)
            if axes is None:
                x = as_batch(x, i)
            into.arrays = axes or arrays
            structures.append(describe(x, into, i))
        return tuple(structures), into

    def _program_of(
        self, structures: tuple[Structure, ...], into: Arguments, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Compiled:
        """Return what is traced for such arguments, or trace it."""
        modules = tuple([(id(module), _facts(module.parameters())) for module in into.modules])
        declared, mode = self._parameters, None
        if not self._fixed:
            declared, mode = tuple(declared.parameters()), training(declared)
        key = (structures, tuple(kwargs), modules, _facts(declared), mode)
        compiled = self._compiled.get(key)
        if compiled is None:
            with tracing:  # the one lock: a second one, taken before it here and after it in a trace, would deadlock
                compiled = self._compiled.get(key)
                if compiled is None:
                    labels = _labels(self._fn, args, kwargs)
                    compiled = self._program(self._python(), structures, key[1], labels, into.modules, declared)
                    compiled.modules = tuple([self._until_gone(module, key) for module in into.modules])
                    while len(self._compiled) >= MAX_STRUCTURES:
                        self._compiled.pop(next(iter(self._compiled)), None)
                    self._compiled[key] = compiled
        self._last = compiled
        return compiled

    def _until_gone(self, module: Any, key: Any) -> Any:
        """Return a weak reference to a module that is known by its id, which drops what was traced for it."""
        try:
            return weakref.ref(module, functools.partial(_forget, weakref.ref(self), key))
        except TypeError:  # of a class with __slots__
            return module

    def _python(self) -> Callable[..., Any]:
        if self._fn is None:
            raise TraceError(
                "this compiled function was unpickled, and its Python function could not be pickled with it (a lambda "
                "or a closure), so it serves the structures of arguments it was called with before, and not this one; "
                "call it with these arguments before it is pickled, or build it from a function of a module"
            )
        return self._fn

    def _program(self, fn: Callable[..., Any], structures: tuple[Structure, ...], *rest: Any) -> Compiled:
        """Return the program of a function, which is traced if it is not known."""
        trace = lambda: self._trace(fn, structures, *rest)
        return program_of(fn, (structures, self._fastmath), trace)

    def _trace(
        self,
        fn: Callable[..., Any],
        structures: tuple[Structure, ...],
        keywords: tuple[str, ...],
        labels: list[str],
        modules: list[Any],
        declared: Sequence[Value],
    ) -> Compiled:
        """Run a function on traced numbers, and return the program that they wrote down."""
        own = [x for module in modules for x in module.parameters()]
        parameters = list({id(x): x for x in (*declared, *own)}.values())
        with patience(f"tracing {self.__name__}"), tracing, uncollected():
            names = [label + step for label, whole in zip(labels, structures, strict=True) for step in places(whole)]
            trace = Trace([*names, *[x.name or f"parameter{i}" for i, x in enumerate(parameters)]])
            numbers = trace.inputs()
            source, lent = Source(numbers, modules), numbers[len(names) :]
            with capture(parameters, lent) as captured, modes.trace_by(Tracer(trace)):
                trace.made = captured.made
                args = [build(structure, source) for structure in structures]
                kwargs = dict(zip(keywords, args[len(args) - len(keywords) :], strict=True))
                into = Results(captured.number)
                with indices_of_arrays():
                    made = fn(*args[: len(args) - len(keywords)], **kwargs)
                result = describe(made, into, "the result")
                writes = captured.changes(into.numbers)
                program = trace.close(into.numbers)
        kind = Batched if any(map(has_batch, structures)) else Compiled
        return kind(structures, labels, keywords, program, result, self._fastmath, tuple(parameters), tuple(writes))

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """As a method, be given the instance first; ``mean``, ``sum`` and ``repeat`` of a method want it said."""
        return self if instance is None else types.MethodType(self, instance)

    def __copy__(self) -> Jitted:
        return self  # as a function is its own copy

    def __deepcopy__(self, memo: Any) -> Jitted:
        return self

    def __reduce__(self) -> Any:
        try:
            pickle.dumps(self._fn)
            fn = self._fn
        except Exception:
            fn = None
        compiled = list(self._compiled.items())  # to which another thread may add
        kept = {key: one for key, one in compiled if not (one.parameters or one.modules)}
        return _unpickled, (fn, self._in_axes, self._parameters, self._fastmath, self.__name__, kept)


def _release(jitted: Jitted) -> None:
    """Let go of the machine code at once: the class, which is a circle by itself, waits for the garbage collector."""
    del type(jitted).__call__


def _facts(values: Sequence[Value]) -> tuple[Any, ...]:
    """Which Values these are, and which of them take a gradient."""
    return tuple(map(id, values)), tuple([value.requires_grad for value in values])


def _forget(owner: weakref.ref[Jitted], key: Any, module: Any) -> None:
    jitted = owner()
    if jitted is not None:
        jitted._compiled.pop(key, None)


def _unpickled(fn: Any, in_axes: Any, parameters: Any, fastmath: bool, name: str, kept: dict[Any, Compiled]) -> Jitted:
    jitted = Jitted(fn, in_axes, parameters, fastmath)
    jitted.__name__ = name
    jitted._compiled = kept
    return jitted


def _by_position(method: str, named: dict[str, Any]) -> None:
    raise TypeError(f"{method} takes the arguments of the function by position, and {next(iter(named))!r} was named")


def _check_axes(fn: Any, in_axes: Any) -> None:
    """Raise ValueError for more entries than the function has arguments."""
    if not isinstance(in_axes, (tuple, list)):
        return
    try:
        parameters = inspect.signature(fn).parameters.values()
    except (TypeError, ValueError):
        return
    if len(in_axes) > len(parameters) and not any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters):
        raise ValueError(
            f"in_axes has one entry an argument; it is {in_axes!r}, and the function takes {len(parameters)}"
        )


def _labels(fn: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[str]:
    """Name the arguments for the printed program, as the function does."""
    try:
        bound = list(inspect.signature(fn).parameters.values())
    except (TypeError, ValueError):
        bound = []
    plain = [p.name for p in bound if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [plain[i] if i < len(plain) else f"a{i}" for i in range(len(args))] + list(kwargs)
