"""Programs that are known by the content of their function, and so are traced once: here, and on this machine.

Whoever makes a function says what it is made of, its content: two functions of one content must trace to one program.
``fit`` does for models of its own layers. The programs that were used last are kept in memory; those that took long to
trace, on disk as well.
"""

from __future__ import annotations

import pickle
import platform
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from . import cache
from .compiled import Compiled

LARGEST = 4_000_000  # instructions of all programs in memory
WORTH_KEEPING = 0.1  # seconds of tracing from which on a program is kept on disk
_programs: OrderedDict[Any, Compiled] = OrderedDict()  # by what they are known by, the one used last at the end


class Known:
    """A function with the content that it is known by; for the compiler, two of one content are one function."""

    def __init__(self, fn: Callable[..., Any], content: str) -> None:
        self.fn, self.content = fn, content
        self.__name__ = fn.__name__

    def __call__(self, *args: Any) -> Any:
        """Call the function."""
        return self.fn(*args)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Known) and other.content == self.content

    def __hash__(self) -> int:
        return hash(self.content)


def program_of(fn: Any, facts: tuple[Any, ...], trace: Callable[[], Compiled]) -> Compiled:
    """Return the traced program of a function; what else it depends on are the ``facts``."""
    if not isinstance(fn, Known):
        return trace()
    key = (fn.content, facts)
    compiled = _programs.pop(key, None)
    if compiled is None:
        compiled = _from_disk(key, trace)
    _programs[key] = compiled
    while len(_programs) > 1 and sum(len(known.program.instructions) for known in _programs.values()) > LARGEST:
        _programs.popitem(last=False)
    return compiled


def forget() -> None:
    """Keep no program in memory any longer."""
    _programs.clear()


def _from_disk(key: Any, trace: Callable[[], Compiled]) -> Compiled:
    import numpy as np

    name = cache.key_of(cache.sources(), repr(key), f"{platform.python_version()} {np.__version__}")
    entry = cache.load(name)
    if entry is not None:
        try:
            found = pickle.loads(entry)
            assert isinstance(found, Compiled)
            return found
        except Exception:  # of another time, whatever is wrong with it
            pass
    begin = time.perf_counter()
    compiled = trace()
    if time.perf_counter() - begin > WORTH_KEEPING:
        cache.store(name, pickle.dumps(compiled, pickle.HIGHEST_PROTOCOL))
    return compiled
