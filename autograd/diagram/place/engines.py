"""Which program lays a picture out, and how it is called.

The order: the `engine` argument, else the environment variable `CHALKGRAD_DOT`, else `graphviz-pure` (a wheel that
holds the whole program), else `dot` on PATH, else no program at all: the layout of `layered.py`, in plain Python. In a
browser no program can be started, so that there it is always the last.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from autograd.errors import DiagramError

TIME_LIMIT = 60.0
WITHOUT_PROGRAMS = ("emscripten", "wasi")  # platforms of Python in a browser: no process can be started


@dataclass(frozen=True)
class Engine:
    """A program that reads DOT, by name and path."""

    name: str
    path: str


def locate(name: str, search: str | None) -> str | None:
    """The path of a program, on PATH or where pip puts scripts; None where no program can be started."""
    return None if sys.platform in WITHOUT_PROGRAMS else _found(name, search)


@functools.lru_cache(maxsize=8)
def _found(name: str, search: str | None) -> str | None:
    """Look for it on PATH and among the scripts of this environment, activated or not."""
    schemes = {sysconfig.get_default_scheme(), sysconfig.get_preferred_scheme("user")}
    folders = [search, *(sysconfig.get_path("scripts", scheme) for scheme in schemes)]
    return next((path for path in (shutil.which(name, path=folder) for folder in folders) if path), None)


def find_engine(choice: str | None = None) -> Engine | None:
    """The engine to use, or None for the layout in plain Python.

    `choice` is "python", "graphviz-pure", "dot", or the name or path of another program that takes `dot`'s flags.
    Raises DiagramError if that choice (or the one in `CHALKGRAD_DOT`) is not there.
    """
    asked = choice or os.environ.get("CHALKGRAD_DOT")
    if not asked:
        return find_any()
    if asked == "python":
        return None
    path = locate(str(asked), os.environ.get("PATH"))
    if path is None:
        origin = "engine=" if choice else "CHALKGRAD_DOT="
        if sys.platform in WITHOUT_PROGRAMS:
            raise DiagramError(
                f"Python in a browser starts no programs, such as {asked!r} ({origin}{asked!r} asked for it). Leave it "
                'out, or say "python": the layout that is built in.'
            )
        raise DiagramError(
            f"There is no program {asked!r} ({origin}{asked!r} asked for it). Leave it out to use what is there, "
            'say "python" for the built-in layout, or install one: pip install graphviz-pure, or your system\'s '
            "graphviz package."
        )
    return Engine(Path(path).stem, path)


def is_named(choice: str | None) -> bool:
    """Whether an engine was asked for by name, so that its failure is an error."""
    return choice is not None or bool(os.environ.get("CHALKGRAD_DOT"))


def find_any() -> Engine | None:
    """graphviz-pure, else `dot` on PATH, else None."""
    for name in ("graphviz-pure", "dot"):
        path = locate(name, os.environ.get("PATH"))
        if path is not None:
            return Engine(name, path)
    return None


def run(engine: Engine, source: str, form: str, limit: float = TIME_LIMIT) -> bytes:
    """What the engine makes of DOT `source` in format `form`.

    Raises DiagramError when the program fails or takes longer than `limit` seconds.
    """
    command = [engine.path, "-Kdot", f"-T{form}"]
    try:
        done = subprocess.run(command, input=source.encode("utf-8"), capture_output=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        raise DiagramError(
            f"{engine.name} took longer than {limit:g} seconds. Draw less (focus=, depth=, collapse=True), raise "
            'time_limit=, or use engine="python".'
        ) from None
    except OSError as error:
        raise DiagramError(f"{engine.path} could not be started: {error}") from error
    if done.returncode != 0 or not done.stdout:
        said = done.stderr.decode("utf-8", "replace").strip()[:400] or f"exit status {done.returncode}"
        raise DiagramError(f"{engine.name} could not make {form}: {said}")
    return done.stdout
