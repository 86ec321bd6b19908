"""What NumPy asks of a number: an array with Values in it is an array of objects, and ``np.exp(v)`` is ``v.exp()``."""

from __future__ import annotations

import functools
from typing import Any

from .operation import OPERATIONS, Number, Operation


class NumpyProtocol:
    """The part of a number that meets NumPy; a Value and the compiler's traced number have it alike."""

    __slots__ = ()
    __array_priority__ = 1000.0

    def conjugate(self) -> Any:
        """Return the number itself, which is real: ``np.var`` asks for it."""
        return self

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """Apply NumPy's function element by element: as the row of the table that computes it, where there is one."""
        import numpy as np

        row = _numpy_names().get(ufunc.__name__) or OPERATIONS.get(ufunc.__name__)
        if method == "__call__" and row is not None and row.arity == ufunc.nin:
            ufunc = np.frompyfunc(row.evaluate, ufunc.nin, 1)
        boxes = []
        for x in inputs:
            box = np.empty((), dtype=object) if isinstance(x, Number) else np.asarray(x).astype(object)
            if isinstance(x, Number):
                box[()] = x
            boxes.append(box)
        return getattr(ufunc, method)(*boxes, **options)


@functools.cache
def _numpy_names() -> dict[str, Operation]:
    """The operations that NumPy calls otherwise, by its names for them."""
    return {name: row for row in OPERATIONS.values() for name in row.numpy}
