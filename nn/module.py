"""Module: what holds parameters and computes with them."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Iterator, Mapping
from typing import Any, Self

from autograd import Value

from .checks import is_real

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
        parameters: dict[int, Value] = {}
        _collect(self, parameters, [], set())
        return list(parameters.values())

    def named_parameters(self) -> Iterator[tuple[str, Value]]:
        """Yield ``(name, parameter)``, each parameter once; a name is a path such as ``layers.0.neurons.3.w.1``.

        >>> from nn import Neuron
        >>> [name for name, _ in Neuron(2, seed=0).named_parameters()]
        ['w.0', 'w.1', 'b']
        """
        seen: set[int] = set()
        for name, entry in _entries(self):
            for path, value in _parameters(name, entry):
                if id(value) not in seen:
                    seen.add(id(value))
                    yield path, value

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """Yield ``(path, module)`` for this module, whose path is empty, and for every one inside it."""
        return ((path, module) for path, module in _walk(self, "", set()) if isinstance(module, Module))

    def modules(self) -> Iterator[Module]:
        """Yield this module and every one inside it."""
        modules: list[Module] = []
        _collect(self, {}, modules, set())
        return iter(modules)

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
        return {name: _numbers(entry) for name, entry in _own_entries(self).items()}

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> None:
        """Set the parameters to the numbers of a ``state_dict``, all of them or, after an error, none.

        ``strict=False`` leaves out names that only one side knows. Raises ValueError that names what is missing,
        unexpected, of another shape, or not a finite number.
        """
        for value, number in self.match_state(state, strict):
            value.data = number

    def match_state(self, state: Mapping[str, Any], strict: bool = True) -> list[tuple[Value, float]]:
        """Pair each parameter with its number in ``state``, or raise the errors of ``load_state_dict``."""
        if not isinstance(state, Mapping):
            raise ValueError(f"a state dict is a dict of names and numbers, and {type(state).__name__} was given")
        entries = _own_entries(self)
        missing = [name for name in entries if name not in state]
        unexpected = [name for name in state if name not in entries]
        if strict and (missing or unexpected):
            sides = (("missing", missing), ("unexpected", unexpected))
            differences = [f"{what}: {_some(names)}" for what, names in sides if names]
            raise ValueError(f"the state does not fit this {type(self).__name__}; " + "; ".join(differences))
        pairs: list[tuple[Value, float]] = []
        for name, entry in entries.items():
            if name in state:
                _pair(name, entry, state[name], pairs)
        return pairs

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


def _collect(thing: Any, parameters: dict[int, Value], modules: list[Module], seen: set[int]) -> None:
    """Add what is inside a module or a container, without names: training steps and compiled calls ask each time."""
    if id(thing) in seen:
        return
    seen.add(id(thing))
    if isinstance(thing, Module):
        modules.append(thing)
    items = thing if isinstance(thing, (list, tuple, dict)) else vars(thing)
    for item in items.values() if isinstance(items, dict) else items:
        if isinstance(item, Value):
            if not item.operands:
                parameters[id(item)] = item
        elif isinstance(item, (Module, list, tuple, dict)):
            _collect(item, parameters, modules, seen)


def _inside(thing: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(thing, (list, tuple)):
        return ((str(i), item) for i, item in enumerate(thing))
    items = thing if isinstance(thing, dict) else vars(thing)
    return ((str(key), item) for key, item in items.items())


def _walk(thing: Any, path: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    """Yield, with its path, each module and each parameter or nested list of parameters: an entry of a state dict."""
    if id(thing) in seen:
        return
    seen.add(id(thing))
    if isinstance(thing, Module):
        yield path, thing
    for key, item in _inside(thing):
        inner = f"{path}.{key}" if path else key
        if _is_entry(item):
            yield inner, item
        elif isinstance(item, (Module, list, tuple, dict)):
            yield from _walk(item, inner, seen)


def _entries(module: Module) -> Iterator[tuple[str, Any]]:
    return ((name, entry) for name, entry in _walk(module, "", set()) if not isinstance(entry, Module))


def _own_entries(module: Module) -> dict[str, Any]:
    """Return the entries of a state dict by name; a shared parameter stands where it was met first."""
    seen: set[int] = set()
    entries: dict[str, Any] = {}
    for name, entry in _entries(module):
        values = {id(value) for _, value in _parameters(name, entry)}
        if values <= seen:
            continue
        if name in entries:
            raise ValueError(f"two parameters here are both called {name!r}; rename an attribute or a key")
        seen |= values
        entries[name] = entry
    return entries


def _is_entry(item: Any) -> bool:
    if isinstance(item, (list, tuple)):
        return len(item) > 0 and all(map(_is_entry, item))
    return isinstance(item, Value) and not item.operands


def _parameters(name: str, entry: Any) -> Iterator[tuple[str, Value]]:
    if isinstance(entry, Value):
        yield name, entry
    else:
        for i, item in enumerate(entry):
            yield from _parameters(f"{name}.{i}", item)


def _numbers(entry: Any) -> Any:
    return entry.data if isinstance(entry, Value) else [_numbers(item) for item in entry]


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


def _pair(name: str, entry: Any, stored: Any, pairs: list[tuple[Value, float]]) -> None:
    if isinstance(entry, Value):
        if not is_real(stored) or isinstance(stored, bool):
            raise ValueError(f"{name} is one number, and the state has {_brief(stored)}")
        try:
            number = float(stored)
        except OverflowError:
            raise ValueError(f"{name} is too large for a float in the state") from None
        if not math.isfinite(number):
            raise ValueError(f"{name} is {stored!r} in the state; parameters must be finite")
        pairs.append((entry, number))
        return
    if not isinstance(stored, (list, tuple)) or len(stored) != len(entry):
        raise ValueError(f"{name} is a list of {len(entry)}, and the state has {_brief(stored)}")
    for i, (inner, numbers) in enumerate(zip(entry, stored, strict=True)):
        _pair(f"{name}.{i}", inner, numbers, pairs)


def _brief(stored: Any) -> str:
    if isinstance(stored, (list, tuple)):
        return f"a list of {len(stored)}"
    text = repr(stored)
    return f"{type(stored).__name__} {text if len(text) <= 40 else text[:37] + '...'}"


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
