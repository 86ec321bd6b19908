"""Module: what holds parameters and computes with them."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Iterator, Mapping
from numbers import Real
from typing import Any, Self

from autograd import Value

State = dict[str, Any]


class Module:
    """Base class of everything with parameters; a subclass defines ``forward`` (or ``__call__``).

    Every leaf ``Value`` that an attribute holds is a parameter, and so is every one in the lists, tuples, dicts and
    modules that attributes hold. Nothing has to be registered. A Value that takes no gradient (``v.requires_grad =
    False``) is listed too, and optimisers leave it alone.

    >>> from autograd import Value
    >>> class Line(Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.slope, self.offset = Value(2.0), Value(1.0)
    ...     def forward(self, x):
    ...         return self.slope * x + self.offset
    >>> line = Line()
    >>> line(3.0).data
    7.0
    >>> line.state_dict()
    {'slope': 2.0, 'offset': 1.0}
    """

    training: bool = True

    def __init__(self) -> None:
        self.training = True

    def forward(self, *inputs: Any) -> Any:
        """Compute the output; a subclass writes this."""
        raise NotImplementedError(f"{type(self).__name__} has no forward(); write one that computes its output")

    def __call__(self, *inputs: Any) -> Any:
        """Return ``forward(*inputs)``."""
        return self.forward(*inputs)

    def parameters(self) -> list[Value]:
        """Return every parameter once, in the order in which the attributes were set."""
        found: dict[int, Value] = {}
        _collect(self, found, set())
        return list(found.values())

    def named_parameters(self) -> Iterator[tuple[str, Value]]:
        """Yield ``(name, parameter)``, each parameter once; a name is a path such as ``layers.0.neurons.3.w.1``.

        >>> from nn import Neuron
        >>> [name for name, _ in Neuron(2, seed=0).named_parameters()]
        ['w.0', 'w.1', 'b']
        """
        seen: set[int] = set()
        for name, entry in _entries(self, "", set()):
            for path, value in _flat(name, entry):
                if id(value) not in seen:
                    seen.add(id(value))
                    yield path, value

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """Yield ``(path, module)`` for this module, whose path is empty, and for every one inside it."""
        return _modules(self, "", set())

    def modules(self) -> Iterator[Module]:
        """Yield this module and every one inside it."""
        found: list[Module] = []
        _gather(self, found, set())
        return iter(found)

    def zero_grad(self) -> None:
        """Forget the gradient of every parameter."""
        for p in self.parameters():
            p.zero_grad()

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Freeze every parameter (False) or let it learn again (True), and return the module."""
        for p in self.parameters():
            p.requires_grad = requires_grad
        return self

    def train(self, mode: bool = True) -> Self:
        """Switch to training mode (which Dropout looks at) throughout, and return the module."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Switch to evaluation mode throughout, and return the module."""
        return self.train(False)

    def state_dict(self) -> State:
        """Return the numbers of all parameters by name; a list of parameters is one entry, a list of floats.

        >>> from nn import Neuron
        >>> sorted(Neuron(3, init="zeros").state_dict().items())
        [('b', 0.0), ('w', [0.0, 0.0, 0.0])]
        """
        seen: set[int] = set()
        state: State = {}
        for name, entry in _entries(self, "", set()):
            values = [value for _, value in _flat(name, entry)]
            if all(id(value) in seen for value in values):
                continue  # a shared parameter is stored where it was met first
            if name in state:
                raise ValueError(f"two parameters here are both called {name!r}; rename an attribute or a key")
            seen.update(map(id, values))
            state[name] = _numbers(entry)
        return state

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> None:
        """Set the parameters to the numbers of a ``state_dict``, all of them or, after an error, none.

        ``strict=False`` leaves out names that only one side knows. Raises ValueError that names what is missing,
        unexpected, of another shape, or not a finite number.
        """
        for value, number in _matched(self, state, strict):
            value.data = number

    def extra_repr(self) -> str:
        """What the ``repr`` says inside the parentheses; a subclass may say more."""
        return ""

    @reprlib.recursive_repr()
    def __repr__(self) -> str:
        lines = [f"{type(self).__name__}({self.extra_repr()})  # {_count(self)}"]
        for name, child in _children(self):
            first, *rest = repr(child).splitlines()
            lines += [f"  ({name}): {first}", *("  " + line for line in rest)]
        return "\n".join(lines)


def _collect(thing: Any, found: dict[int, Value], seen: set[int]) -> None:
    """Add the parameters inside a module or a container, without their names: what runs in every training step."""
    if id(thing) in seen:
        return
    seen.add(id(thing))
    items = thing if isinstance(thing, (list, tuple, dict)) else vars(thing)
    for item in items.values() if isinstance(items, dict) else items:
        if isinstance(item, Value):
            if not item.operands:
                found[id(item)] = item
        elif isinstance(item, (Module, list, tuple, dict)):
            _collect(item, found, seen)


def _gather(thing: Any, found: list[Module], seen: set[int]) -> None:
    """Add the modules inside a module or a container, without their paths: what a compiled call asks each time."""
    if id(thing) in seen:
        return
    seen.add(id(thing))
    if isinstance(thing, Module):
        found.append(thing)
    items = thing if isinstance(thing, (list, tuple, dict)) else vars(thing)
    for item in items.values() if isinstance(items, dict) else items:
        if not isinstance(item, Value) and isinstance(item, (Module, list, tuple, dict)):
            _gather(item, found, seen)


def _inside(thing: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(thing, (list, tuple)):
        return ((str(i), item) for i, item in enumerate(thing))
    items = thing if isinstance(thing, dict) else vars(thing)
    return ((str(key), item) for key, item in items.items())


def _entries(thing: Any, prefix: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    """Yield ``(name, a parameter or a nested list of parameters)`` for what a state dict has as one entry."""
    if id(thing) in seen:
        return
    seen.add(id(thing))
    for key, item in _inside(thing):
        if _is_entry(item):
            yield prefix + key, item
        elif isinstance(item, (Module, list, tuple, dict)):
            yield from _entries(item, f"{prefix}{key}.", seen)


def _is_entry(item: Any) -> bool:
    if isinstance(item, (list, tuple)):
        return len(item) > 0 and all(map(_is_entry, item))
    return isinstance(item, Value) and not item.operands


def _flat(name: str, entry: Any) -> Iterator[tuple[str, Value]]:
    if isinstance(entry, Value):
        yield name, entry
    else:
        for i, item in enumerate(entry):
            yield from _flat(f"{name}.{i}", item)


def _numbers(entry: Any) -> Any:
    return entry.data if isinstance(entry, Value) else [_numbers(item) for item in entry]


def _modules(thing: Any, path: str, seen: set[int]) -> Iterator[tuple[str, Module]]:
    if id(thing) in seen:
        return
    seen.add(id(thing))
    if isinstance(thing, Module):
        yield path, thing
    for key, item in _inside(thing):
        if isinstance(item, (Module, list, tuple, dict)):
            yield from _modules(item, f"{path}.{key}" if path else key, seen)


def _children(thing: Any, path: str = "") -> Iterator[tuple[str, Module]]:
    """Yield the modules that attributes hold, directly or in containers, but not those inside them."""
    for key, item in _inside(thing):
        if isinstance(item, Module):
            yield path + key, item
        elif isinstance(item, (list, tuple, dict)):
            yield from _children(item, f"{path}{key}.")


def _count(module: Module) -> str:
    parameters = module.parameters()
    frozen = sum(not p.requires_grad for p in parameters)
    plural = "" if len(parameters) == 1 else "s"
    return f"{len(parameters):,} parameter{plural}" + (f", {frozen:,} frozen" if frozen else "")


def _matched(module: Module, state: Mapping[str, Any], strict: bool = True) -> list[tuple[Value, float]]:
    """Pair each parameter with its number in ``state``, or raise ValueError; nothing is changed yet."""
    if not isinstance(state, Mapping):
        raise ValueError(f"a state dict is a dict of names and numbers, and {type(state).__name__} was given")
    own: dict[str, Any] = {}
    seen: set[int] = set()
    for name, entry in _entries(module, "", set()):
        values = {id(value) for _, value in _flat(name, entry)}
        if not values <= seen:
            seen |= values
            own[name] = entry
    missing = [name for name in own if name not in state]
    unexpected = [name for name in state if name not in own]
    if strict and (missing or unexpected):
        told = (("missing", missing), ("unexpected", unexpected))
        said = [f"{what}: {_some(names)}" for what, names in told if names]
        raise ValueError(f"the state does not fit this {type(module).__name__}; " + "; ".join(said))
    pairs: list[tuple[Value, float]] = []
    for name, entry in own.items():
        if name in state:
            _pair(name, entry, state[name], pairs)
    return pairs


def _pair(name: str, entry: Any, given: Any, pairs: list[tuple[Value, float]]) -> None:
    if isinstance(entry, Value):
        if isinstance(given, bool) or not isinstance(given, (int, float, Real)):  # Real: NumPy's numbers
            raise ValueError(f"{name} is one number, and the state has {_brief(given)}")
        try:
            number = float(given)
        except OverflowError:
            raise ValueError(f"{name} is too large for a float in the state") from None
        if not math.isfinite(number):
            raise ValueError(f"{name} is {given!r} in the state; parameters must be finite")
        pairs.append((entry, number))
        return
    if not isinstance(given, (list, tuple)) or len(given) != len(entry):
        raise ValueError(f"{name} is a list of {len(entry)}, and the state has {_brief(given)}")
    for i, (inner, numbers) in enumerate(zip(entry, given, strict=True)):
        _pair(f"{name}.{i}", inner, numbers, pairs)


def _brief(given: Any) -> str:
    if isinstance(given, (list, tuple)):
        return f"a list of {len(given)}"
    text = repr(given)
    return f"{type(given).__name__} {text if len(text) <= 40 else text[:37] + '...'}"


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
