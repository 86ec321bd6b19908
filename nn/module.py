"""Module: what holds parameters and computes with them."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

from autograd import Value

from .checks import is_real
from .contents import CONTAINERS, PLAIN, Contents, attributes, class_attributes, contents

State = dict[str, Any]


class Module:
    """Base class of everything with parameters; a subclass defines ``forward`` (or ``__call__``).

    Every leaf ``Value`` that an attribute holds is a parameter, one in ``__slots__`` too, and so is every one in the
    modules, lists, tuples, dicts, deques, NumPy arrays of objects, dataclasses and namespaces that attributes hold.
    Nothing has to be registered. A Value that takes no gradient (``v.requires_grad = False``) is listed too, and
    optimisers leave it alone.

    A set has no order, and an attribute of the class belongs to all instances and to no copy: whoever asks for the
    parameters gets a TypeError where only such a one holds a parameter that learns. Nothing else is looked into: let
    the class of an object with parameters be a Module, too.

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
        """Return every parameter once: those in ``__slots__``, and then in the order in which attributes were set."""
        return list(_Search(self).check(self).parameters.values())

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
        _Search(self).check(self)
        return ((path, module) for path, module in _walk(self, "", {}) if isinstance(module, Module))

    def modules(self) -> Iterator[Module]:
        """Yield this module and every one inside it."""
        return iter(_Search(self).check(self).modules.values())

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
        for name, child in _children(self, "", set()):
            first, *rest = repr(child).splitlines()
            lines += [f"  ({name}): {first}", *("  " + line for line in rest)]
        return "\n".join(lines)


class _Search:
    """What is in a module, without names: training steps and compiled calls ask each time."""

    def __init__(self, thing: Any) -> None:
        self.values: list[Iterable[Value]] = []  # in rows; those that an operation made, too
        self.modules: dict[int, Module] = {}
        self.seen: dict[int, Any] = {}  # by id, and with each the thing itself: it lives on, so no other has its id
        self.elsewhere: list[tuple[Any, str]] = []  # where parameters cannot be: sets, and what is on a class
        self.roles = dict.fromkeys(PLAIN, "nothing")
        self.usual: set[type] = set()  # classes of modules that have a dict and nothing else
        self.look_into(thing)

    @property
    def parameters(self) -> dict[int, Value]:
        """The leaves by their id, each once."""
        return {id(value): value for row in self.values for value in row if not value.operands}

    def look_into(self, thing: Any) -> None:
        """Find what is in a module or a container."""
        if id(thing) in self.seen:
            return
        self.seen[id(thing)] = thing
        if type(thing) is list and set(map(type, thing)) == {Value}:  # at once: a layer has thousands
            self.values.append(thing)
            return
        for item in thing if type(thing) is list else self.inside(thing):
            if isinstance(item, Value):
                self.values.append((item,))
                continue
            role = self.roles.get(type(item)) or self.role(item)
            if role == "container":
                self.look_into(item)
            elif role == "set":
                self.elsewhere.append((item, ""))

    def inside(self, thing: Any) -> Iterable[Any]:
        """Return what is in a module or a container, without its names."""
        cls = type(thing)
        if cls in self.usual:
            self.modules[id(thing)] = thing
            own: dict[str, Any] = vars(thing)
            return own.values()
        inside = _inside(thing)
        if isinstance(thing, Module):
            self.modules[id(thing)] = thing
            on_class = class_attributes(cls)
            for name, x in on_class.items():
                if name not in inside and not _is_register(x, cls):
                    self.elsewhere.append(([x], f"{cls.__name__}.{name}"))
            if not on_class and inside is vars(thing):
                self.usual.add(cls)
        return inside.values() if isinstance(inside, dict) else inside or ()

    def role(self, item: Any) -> str:
        """Return what things of that type are; it is asked once for each type."""
        if isinstance(item, (set, frozenset)):
            role = "set"
        else:
            role = "nothing" if not hasattr(type(item), "dtype") and _inside(item) is None else "container"
        self.roles[type(item)] = role
        return role

    def check(self, module: Module) -> Self:
        """Raise TypeError where a set or a class has a parameter or a module that is found nowhere else."""
        parameters = self.parameters if self.elsewhere else {}
        for holder, on_class in self.elsewhere:
            inner = _Search(list(holder))
            for other, _ in inner.elsewhere:  # which grows on the way: there may be sets in sets
                inner.look_into(list(other))
            learning = {i for i, p in inner.parameters.items() if p.requires_grad}  # a frozen Value is a constant
            switched = {i for i, m in inner.modules.items() if m.training}  # by train() and eval(), which must find it
            if not (learning <= parameters.keys() and switched <= self.modules.keys()):
                raise TypeError(_misplaced(module, holder, on_class))
        return self


def _is_register(thing: Any, cls: type) -> bool:
    """Whether a class lists its own instances there: none is a part of another."""
    items = thing if isinstance(thing, (set, frozenset)) else contents(thing)
    items = list(items.values() if isinstance(items, dict) else items or ())
    return bool(items) and all(isinstance(item, cls) for item in items)


def _misplaced(module: Module, holder: Any, on_class: str) -> str:
    if on_class:
        return (
            f"{on_class} has parameters, and stands on the class: all its instances would share them, and no copy or "
            f"pickle has them; set self.{on_class.partition('.')[2]} in __init__, or freeze a constant "
            "(requires_grad = False; a module with requires_grad_(False).eval())"
        )
    path = next(path for path, thing in _walk(module, "", {}) if thing is holder)
    return (
        f"{path} of {type(module).__name__} is a {type(holder).__name__} with parameters, which has no order that is "
        "the same in every run; hold them in a list, or in a list as well"
    )


def _inside(thing: Any) -> Any:
    """Return what is in a module or in what ``contents`` knows, else None."""
    if not isinstance(thing, Module):
        return contents(thing)
    own = attributes(thing)
    if isinstance(thing, CONTAINERS):  # a list or a dict that is a module too
        return {**own, **dict(_named(contents(thing) or ()))}
    return own


def _named(inside: Contents) -> Iterator[tuple[str, Any]]:
    pairs: Iterable[tuple[Any, Any]] = inside.items() if isinstance(inside, dict) else enumerate(inside)
    return ((str(key), item) for key, item in pairs)


def _walk(thing: Any, path: str, seen: dict[int, Any]) -> Iterator[tuple[str, Any]]:
    """Yield, with its path, each module, each set, and each parameter or nested list of them: an entry of a state."""
    if id(thing) in seen:
        return
    seen[id(thing)] = thing
    if isinstance(thing, Module):
        yield path, thing
    for key, item in _named(_inside(thing)):
        if type(item) in PLAIN:
            continue
        inner = f"{path}.{key}" if path else key
        entry = _entry(item)
        if entry is not None or isinstance(item, (set, frozenset)):
            yield inner, item if entry is None else entry
        elif _inside(item) is not None:
            yield from _walk(item, inner, seen)


def _entries(module: Module) -> Iterator[tuple[str, Any]]:
    _Search(module).check(module)
    found = _walk(module, "", {})
    return ((name, entry) for name, entry in found if not isinstance(entry, (Module, set, frozenset)))


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


def _entry(item: Any, outer: tuple[Any, ...] = ()) -> Any:
    """Return a parameter, or a list (nested) of nothing but parameters, as lists; None for anything else."""
    if isinstance(item, Value):
        return None if item.operands else item
    items = None if type(item) in PLAIN or isinstance(item, Module) else contents(item)
    if not items or isinstance(items, dict) or any(item is one for one in outer):
        return None
    entries = []
    for one in items:
        entry = _entry(one, (*outer, item))
        if entry is None:
            return None
        entries.append(entry)
    return entries


def _parameters(name: str, entry: Any) -> Iterator[tuple[str, Value]]:
    if isinstance(entry, Value):
        yield name, entry
    else:
        for i, item in enumerate(entry):
            yield from _parameters(f"{name}.{i}", item)


def _numbers(entry: Any) -> Any:
    return entry.data if isinstance(entry, Value) else [_numbers(item) for item in entry]


def _children(thing: Any, path: str, seen: set[int]) -> Iterator[tuple[str, Module]]:
    """Yield the modules that attributes hold, directly or in containers, but not those inside them."""
    if id(thing) in seen:
        return
    seen.add(id(thing))
    for key, item in _named(_inside(thing)):
        if isinstance(item, Module):
            yield path + key, item
        elif contents(item) is not None:
            yield from _children(item, f"{path}{key}.", seen)


def _count(module: Module) -> str:
    parameters = _Search(module).parameters.values()
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
