"""What makes a Value a number in Python's eyes, beside its arithmetic: repr, comparison, its name, copy and pickle."""

from __future__ import annotations

import copy
import functools
from typing import Any

from .graph import UNSET, topological_order
from .operation import bare, is_node


class Dunders:
    """The part of ``Value`` that Python asks for. Its attributes live in ``Value``."""

    __slots__ = ()

    data: Any
    grad: Any
    operands: tuple[Any, ...]
    extras: Any

    @property
    def has_grad(self) -> bool:
        raise NotImplementedError  # value.py has it

    def __repr__(self) -> str:
        grad = f", grad={self.grad!r}" if self.has_grad else ""
        name = f", name={self.name!r}" if self.name is not None else ""
        return f"Value(data={self.data!r}{grad}{name})"

    # A comparison compares the numbers and gives a bool.

    def __eq__(self, other: object) -> bool:
        return self.data == bare(other)  # type: ignore[no-any-return]

    def __ne__(self, other: object) -> bool:
        return self.data != bare(other)  # type: ignore[no-any-return]

    def __lt__(self, other: Any) -> bool:
        return self.data < bare(other)  # type: ignore[no-any-return]

    def __le__(self, other: Any) -> bool:
        return self.data <= bare(other)  # type: ignore[no-any-return]

    def __gt__(self, other: Any) -> bool:
        return self.data > bare(other)  # type: ignore[no-any-return]

    def __ge__(self, other: Any) -> bool:
        return self.data >= bare(other)  # type: ignore[no-any-return]

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        return bool(self.data)

    def __float__(self) -> float:
        raise TypeError(
            "a Value does not turn into a bare number by itself, because its gradient would be lost: "
            "use autograd.sin(v) in place of math.sin(v), or v.data for the number"
        )

    __int__ = __complex__ = __float__

    def __format__(self, spec: str) -> str:
        return format(self.data, spec) if spec else repr(self)

    @property
    def name(self) -> str | None:
        """What diagrams and messages call this Value; None where nobody named it."""
        name: str | None = self.extra("name")
        return name

    @name.setter
    def name(self, name: str | None) -> None:
        if name is not None and not isinstance(name, str):
            raise TypeError(f"a name is a str or None, and {type(name).__name__} {name!r} was given")
        self.set_extra("name", name)

    @property
    def source(self) -> tuple[str, int, str] | None:
        """File, line number and text of the line that made this Value, where ``record_source()`` was on."""
        source: tuple[str, int, str] | None = self.extra("source")
        return source

    def extra(self, key: str) -> Any:
        """Return the name, the source, whether it is frozen or cut off its graph; None where that was never set."""
        return None if self.extras is None else self.extras.get(key)

    def set_extra(self, key: str, extra: Any) -> None:
        """Keep the name, the source or whether it is frozen with this Value."""
        self.extras = {**(self.extras or {}), key: extra}

    # Copies hold every node in a flat list, operands before their users, so that depth does not matter. Two graphs
    # pickled together share their leaves afterwards, but not the nodes between: pickle one result with both below it.

    def __copy__(self) -> Any:
        return _restored(type(self), *_state(self), self.operands)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        for node in topological_order(self):
            if id(node) not in memo:
                operands = tuple([memo[id(x)] if is_node(x) else x for x in node.operands])
                *state, attributes = _state(node)
                memo[id(node)] = twin = _restored(type(node), *state, None, operands)
                if attributes:
                    _set_attributes(twin, copy.deepcopy(attributes, memo))
        return memo[id(self)]

    def __reduce__(self) -> Any:
        if not self.operands:
            *state, attributes = _state(self)  # the attributes come at last, since they may hold this Value
            return _restored, (type(self), *state, None, ()), attributes, None, None, _set_attributes
        order = topological_order(self)
        leaves = [node for node in order if not node.operands]
        inner = [node for node in order if node.operands]
        place = {node: i for i, node in enumerate([*leaves, *inner])}
        recipes = [(*_state(node), tuple([place[x] if is_node(x) else x for x in node.operands])) for node in inner]
        return _rebuilt, (type(self), leaves, recipes)


def _state(node: Any) -> tuple[Any, ...]:
    grad = node.grad if node.has_grad else None
    return node.data, grad, node.op, node.partials, node.extras, _attributes(node)


def _attributes(node: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return what a subclass holds besides, by name: its ``__dict__``, and its slots; None for a plain Value."""
    cls: Any = type(node)
    slots = {name: getattr(node, name) for name in _slots(cls) if hasattr(node, name)}
    own = getattr(node, "__dict__", None)
    return (own or {}, slots) if own or slots else None


def _set_attributes(node: Any, attributes: tuple[dict[str, Any], dict[str, Any]]) -> None:
    own, slots = attributes
    if own:
        node.__dict__.update(own)
    for name, attribute in slots.items():
        setattr(node, name, attribute)


@functools.cache
def _slots(cls: Any) -> list[str]:
    """Return the names of the slots that a subclass of Value adds, as its instances have them."""
    names = []
    for base in cls.__mro__:
        slots = vars(base).get("__slots__", ())
        slots = [slots] if isinstance(slots, str) else slots
        if "data" in slots:
            break  # Value, the one in Python
        for name in slots:
            private = name.startswith("__") and not name.endswith("__")
            names.append(f"_{base.__name__.lstrip('_')}{name}" if private else name)
    return [name for name in names if name not in ("__dict__", "__weakref__")]


def _restored(kind: Any, *state: Any) -> Any:
    data, grad, op, partials, extras, attributes, operands = state
    node = kind.__new__(kind)  # a subclass may have a constructor of its own
    node.data, node.grad = data, UNSET if grad is None else grad
    node.op, node.operands, node.partials = op, operands, partials
    node.extras = None if extras is None else dict(extras)
    if attributes:
        _set_attributes(node, attributes)
    return node


def _rebuilt(kind: type[Any], leaves: list[Any], recipes: list[tuple[Any, ...]]) -> Any:
    """Make a graph of its leaves and of the recipes of its nodes, where an int stands for a node that is there."""
    nodes = list(leaves)
    for *state, operands in recipes:
        # an int is a place in the list, a float is a constant
        nodes.append(_restored(kind, *state, tuple([nodes[x] if type(x) is int else x for x in operands])))
    return nodes[-1]
