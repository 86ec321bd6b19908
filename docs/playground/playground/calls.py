"""What the worker calls. All comes and goes as text or JSON, so that no object of one language is left in the other."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from .program import Program
from .training import Trainer, preset

_program: Program | None = None
_trainer: Trainer | None = None


def run(source: str, write: Callable[[str], None]) -> str:
    """Run a program, and say which pages there are and what stopped it."""
    global _program
    forget()
    _program = Program(source, write)
    return json.dumps({"error": _program.error, "pages": _program.pages})


def forget() -> None:
    """Free what the last program made, before the next one needs room."""
    global _program
    _program = None


def page(name: str) -> str:
    """Return a page of the last program as HTML."""
    if _program is None:
        raise RuntimeError("no program has run yet")
    return _program.page(name)


def points(name: str, count: int, noise: float) -> str:
    """Return a data set, which is the same each time: an address has its name alone."""
    return json.dumps(preset(name, count, noise))


def begin(settings: str, make: Callable[[int], Any]) -> str:
    """Begin a training, and return its first frame; ``make(pages)`` makes a machine of worker.js."""
    global _trainer
    _trainer = None
    _trainer = Trainer(json.loads(settings), lambda pages: _Machine(make(pages)))
    return _trainer.frame()


def change(settings: str) -> str:
    """Change what may be changed while it learns, and return the frame of now."""
    trainer = _running()
    trainer.change(json.loads(settings))
    return trainer.frame()


def advance(seconds: float, most: int) -> str:
    """Train for so many seconds or ``most`` epochs, and return the frame after them."""
    trainer = _running()
    trainer.advance(seconds, most)
    return trainer.frame()


def _running() -> Trainer:
    if _trainer is None:
        raise RuntimeError("no training has begun yet")
    return _trainer


class _Machine:
    """A machine of worker.js, which takes and gives numbers of JavaScript."""

    def __init__(self, machine: Any) -> None:
        from pyodide.ffi import to_js  # type: ignore[import-not-found, unused-ignore]

        self._machine, self._to_js = machine, to_js

    def start(self, module: bytes, rules: Sequence[str]) -> Callable[[int, int], Any]:
        """Start a module."""
        run: Callable[[int, int], Any] = self._machine.start(self._to_js(module), self._to_js(list(rules)))
        return run

    def write(self, address: int, numbers: Sequence[float]) -> None:
        """Put numbers into the memory."""
        self._machine.write(address, self._to_js(list(numbers)))

    def read(self, address: int, count: int) -> list[float]:
        """Return numbers of the memory."""
        numbers: list[float] = self._machine.read(address, count).to_py()
        return numbers
