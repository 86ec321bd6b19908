"""What makes a Value a number in Python's eyes: reflected operators, comparison, NumPy, its name, copy and pickle."""

from __future__ import annotations

from typing import Any

from .ops import OPERATIONS, Number, as_float


class NumberProtocols(Number):
    """The part of ``Value`` that holds no mathematics of its own: each method hands over to a row of the table."""

    __slots__ = ("_about",)

    data: Any
    _about: dict[str, Any]  # the rare facts, name and source; on most nodes the slot is empty

    def _binary(self, name: str, other: Any, reflected: bool = False) -> Any:
        """Apply the operation of that name, or let the other side try where ``other`` is no number."""
        if type(other) is not float and not isinstance(other, Number):
            try:
                other = as_float(other)
            except TypeError:
                return NotImplemented
        return self.apply(OPERATIONS[name], (other, self) if reflected else (self, other))

    def _unary(self, name: str) -> Any:
        return self.apply(OPERATIONS[name], (self,))

    def __rtruediv__(self, other: Any) -> Any:
        return self._binary("div", other, reflected=True)

    def __pow__(self, other: Any) -> Any:
        return self._binary("pow", other)

    def __rpow__(self, other: Any) -> Any:
        return self._binary("pow", other, reflected=True)

    def __floordiv__(self, other: Any) -> Any:
        return self._binary("floordiv", other)

    def __rfloordiv__(self, other: Any) -> Any:
        return self._binary("floordiv", other, reflected=True)

    def __mod__(self, other: Any) -> Any:
        return self._binary("mod", other)

    def __rmod__(self, other: Any) -> Any:
        return self._binary("mod", other, reflected=True)

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> Any:
        return other // self, other % self

    def __neg__(self) -> Any:
        return self._unary("neg")

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return self._unary("abs")

    def __floor__(self) -> Any:
        return self._unary("floor")

    def __ceil__(self) -> Any:
        return self._unary("ceil")

    def __trunc__(self) -> Any:
        return self._unary("trunc")

    def __round__(self, ndigits: int | None = None) -> Any:
        if ndigits is None:
            return self._unary("round")
        from .value import Frozen

        return Frozen(round(self.data, ndigits))  # a step function of no row in the table: a constant

    # A comparison compares the numbers and gives a bool.

    def __eq__(self, other: object) -> Any:
        return self.data == _bare(other)

    def __ne__(self, other: object) -> Any:
        return self.data != _bare(other)

    def __lt__(self, other: Any) -> Any:
        return self.data < _bare(other)

    def __le__(self, other: Any) -> Any:
        return self.data <= _bare(other)

    def __gt__(self, other: Any) -> Any:
        return self.data > _bare(other)

    def __ge__(self, other: Any) -> Any:
        return self.data >= _bare(other)

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

    # NumPy: an array with Values in it is an array of objects, and np.exp(v) is v.exp().

    __array_priority__ = 1000.0

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        import numpy as np

        row = OPERATIONS.get(_NUMPY_NAMES.get(ufunc.__name__, ufunc.__name__))
        if method == "__call__" and row is not None and row.arity == ufunc.nin:
            ufunc = np.frompyfunc(row.evaluate, ufunc.nin, 1)
        boxed = []
        for x in inputs:
            box = np.empty((), dtype=object) if isinstance(x, Number) else np.asarray(x).astype(object)
            if isinstance(x, Number):
                box[()] = x
            boxed.append(box)
        return getattr(ufunc, method)(*boxed, **options)

    @property
    def name(self) -> str | None:
        """What diagrams and messages call this Value; None where nobody named it."""
        name: str | None = self._fact("name")
        return name

    @name.setter
    def name(self, name: str | None) -> None:
        if name is not None and not isinstance(name, str):
            raise TypeError(f"a name is a str or None, and {type(name).__name__} {name!r} was given")
        self._note("name", name)

    @property
    def source(self) -> tuple[str, int, str] | None:
        """File, line number and text of the line that made this Value, where ``record_source()`` was on."""
        source: tuple[str, int, str] | None = self._fact("source")
        return source

    def _fact(self, key: str) -> Any:
        try:
            return self._about.get(key)
        except AttributeError:  # nothing was ever noted: the slot is empty
            return None

    def _note(self, key: str, fact: Any) -> None:
        try:
            self._about[key] = fact
        except AttributeError:
            self._about = {key: fact}

    # Copies hold every node in a flat list, operands before their users, so that depth does not matter. Two graphs
    # pickled together share their leaves afterwards, but not the nodes between: pickle one result with both below it.

    def __copy__(self) -> Any:
        return _restored(type(self), *_state(self), self.operands)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        for node in _ordered(self):
            if id(node) not in memo:
                operands = tuple([memo[id(x)] if isinstance(x, NumberProtocols) else x for x in node.operands])
                memo[id(node)] = _restored(type(node), *_state(node), operands)
        return memo[id(self)]

    def __reduce__(self) -> Any:
        if not self.operands:
            return _restored, (type(self), *_state(self), ())
        order = _ordered(self)
        leaves = [node for node in order if not node.operands]
        made = [node for node in order if node.operands]
        place = {node: i for i, node in enumerate([*leaves, *made])}
        recipes = [
            (*_state(node), tuple([place[x] if isinstance(x, NumberProtocols) else x for x in node.operands]))
            for node in made
        ]
        return _rebuilt, (type(self), leaves, recipes)


# What NumPy calls an operation that the table has under another name.
_NUMPY_NAMES = {
    **{f"arc{name}": f"a{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    "absolute": "abs", "arctan2": "atan2", "fabs": "abs", "power": "pow", "rint": "round",
}  # fmt: skip


def _bare(x: Any) -> Any:
    return x.data if isinstance(x, NumberProtocols) else x


def _ordered(output: Any) -> list[Any]:
    from .value import topological_order

    return topological_order(output)


def _state(node: Any) -> tuple[Any, ...]:
    return node.data, node.grad if node.has_grad else None, node.op, node.partials, getattr(node, "_about", None)


def _restored(kind: type[Any], *state: Any) -> Any:
    data, grad, op, partials, about, operands = state
    node = kind(data)
    node.op, node.operands, node.partials = op, operands, partials
    if grad is not None:
        node.grad = grad
    if about is not None:
        node._about = dict(about)
    return node


def _rebuilt(kind: type[Any], leaves: list[Any], recipes: list[tuple[Any, ...]]) -> Any:
    """Make a graph of its leaves and of the recipes of its nodes, where an int stands for a node already made."""
    nodes = list(leaves)
    for *state, operands in recipes:
        # an int is a place in the list, a float is a constant
        nodes.append(_restored(kind, *state, tuple([nodes[x] if type(x) is int else x for x in operands])))
    return nodes[-1]
