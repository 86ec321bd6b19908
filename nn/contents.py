"""What a module, a container or a dataclass holds, in an order that is the same in every run."""

from __future__ import annotations

from collections import UserDict, UserList, deque
from collections.abc import Iterable
from types import BuiltinFunctionType, FunctionType, MappingProxyType, MemberDescriptorType, SimpleNamespace
from typing import Any

Contents = dict[Any, Any] | Iterable[Any]  # a dict where what is held has names, and else one after the other
CONTAINERS = (list, tuple, dict, deque)
# What modules hold most often beside parameters, and their classes: nothing is inside, and it is not asked about.
PLAIN = frozenset((bool, int, float, str, type(None), FunctionType, BuiltinFunctionType, type, property))


def contents(thing: Any) -> Contents | None:
    """Return what a container or a dataclass holds; None for anything else, and for a set, which has no order.

    Of NumPy's arrays only those of dtype object are containers; the others hold numbers.
    """
    if isinstance(thing, CONTAINERS):
        return thing
    if isinstance(thing, (UserList, UserDict)):
        return thing.data
    if isinstance(thing, MappingProxyType):
        return dict(thing)
    if isinstance(thing, SimpleNamespace) or hasattr(type(thing), "__dataclass_fields__"):
        return attributes(thing)
    # Asked of the class, since numpy may be missing, and a proxy may raise anything when it is asked itself.
    if hasattr(type(thing), "dtype") and getattr(thing.dtype, "kind", "") == "O" and hasattr(thing, "tolist"):
        items = thing.tolist()
        return items if isinstance(items, list) else [items]
    return None


def attributes(thing: Any) -> dict[str, Any]:
    """Return the attributes of an object: those of ``__slots__`` by name, and then those of its dict as they were set.

    >>> attributes(SimpleNamespace(b=1, a=2))
    {'b': 1, 'a': 2}
    """
    own: dict[str, Any] = getattr(thing, "__dict__", {})
    if not hasattr(type(thing), "__slots__"):
        return own
    rows = [vars(cls).items() for cls in reversed(type(thing).__mro__) if "__slots__" in vars(cls)]
    slots = [name for row in rows for name, x in row if type(x) is MemberDescriptorType]
    return {**{name: getattr(thing, name) for name in slots if hasattr(thing, name)}, **own}


def class_attributes(cls: type) -> dict[str, Any]:
    """Return what stands on a class, or on one it is derived from, and is no method and no plain number or text."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__[:-1]):
        for name, x in vars(base).items():
            if type(x) not in PLAIN and not name.startswith("__"):
                found[name] = x
            elif name in found:  # the class has something else of that name
                del found[name]
    return found
