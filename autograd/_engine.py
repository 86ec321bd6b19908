"""Which ``Value`` there is: that of ``_native.c`` where it was built, else that of ``value.py``. They behave alike.

The environment variable ``CHALKGRAD_ENGINE``, "native" or "python", chooses before the import.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from . import modes

engine: Literal["native", "python"] = "python"
why_python = ""  # why it is not the native one
native_matvec: Callable[[Sequence[Any], Sequence[Any], Sequence[Any]], list[Any] | None] | None = None

_wanted = os.environ.get("CHALKGRAD_ENGINE", "")
if _wanted not in ("", "native", "python"):
    raise ImportError(f"CHALKGRAD_ENGINE chooses the engine, 'native' or 'python', and {_wanted!r} was given")
if _wanted == "python":
    why_python = "CHALKGRAD_ENGINE=python chose it"
else:
    try:
        from ._native import Value as Value
        from ._native import matvec as native_matvec  # noqa: F401 - matvec.py has it from here
        from ._native import set_active
    except ImportError as error:
        if _wanted == "native":
            raise ImportError(f"CHALKGRAD_ENGINE=native, and there is no native engine here: {error}") from error
        why_python = str(error)
    else:
        engine = "native"
        modes.on_change = set_active  # it looks at the modes with every operation
if TYPE_CHECKING or engine == "python":
    from .value import Value as Value

Value.__module__ = "autograd"  # one name for both, so that a pickle of one engine loads in the other
