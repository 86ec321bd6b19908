"""Which ``Value`` there is: that of ``_native.c`` where it was built, else that of ``value.py``. They behave alike.

The environment variable ``CHALKGRAD_ENGINE``, "native" or "python", chooses before the import.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from . import graph, modes, ops

#: Which engine there is: "native", in C, or "python". The environment variable CHALKGRAD_ENGINE chooses.
engine: Literal["native", "python"] = "python"
native: Any = None  # the module in C
why_python = ""  # why there is none

_wanted = os.environ.get("CHALKGRAD_ENGINE", "")
if _wanted not in ("", "native", "python"):
    raise ImportError(f"CHALKGRAD_ENGINE chooses the engine, 'native' or 'python', and {_wanted!r} was given")
if _wanted == "python":
    why_python = "CHALKGRAD_ENGINE=python chose it"
else:
    try:
        native = import_module("._native", __package__)
    except ImportError as error:
        if _wanted == "native":
            raise ImportError(f"CHALKGRAD_ENGINE=native, and there is no native engine here: {error}") from error
        why_python = str(error)

if TYPE_CHECKING or native is None:
    from .value import Value as Value

    if sys.platform == "emscripten":
        from ._browser import take_apart

        Value.__del__ = take_apart  # type: ignore[attr-defined]
else:
    engine, Value = "native", native.Value
    modes.on_change = native.set_active  # it looks at the modes with every operation
    graph.quick_order = native.topological_order
    # Its public functions stand in front of those in Python.
    _functions = {row.evaluate: native.function(row) for row in ops.OPERATIONS.values()}
    vars(ops).update({name: _functions[f] for name, f in vars(ops).items() if callable(f) and f in _functions})
    for _row in ops.OPERATIONS.values():
        object.__setattr__(_row, "evaluate", _functions[_row.evaluate])

Value.__module__ = "autograd"  # one name for both, so that a pickle of one engine loads in the other
