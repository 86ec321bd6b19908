"""``chalkgrad doctor``: versions, the engines that compute and draw, and whether our import names are ours alone."""

from __future__ import annotations

import platform
import sys
from importlib import import_module, metadata
from pathlib import Path

from autograd import _engine
from autograd.compiler.call import cache

from .terminal import say

OURS = "chalkgrad"
LIBRARIES = (
    "graphviz",
    "graphviz-pure",
    "tqdm",
    "matplotlib",
    "numpy",
    "llvmlite",
    "platformdirs",
    "pillow",
    "ipython",
    "torch",
)


def report() -> int:
    """Print what is there; return 1 when another distribution has ``autograd`` or ``nn`` here, else 0."""
    say(f"{OURS:<16}{_version(OURS)}  {Path(__file__).parents[1]}")
    say(f"{'python':<16}{platform.python_version()}  {sys.executable}")
    say(f"{'platform':<16}{platform.platform()}")
    for name in LIBRARIES:
        say(f"{name:<16}{_version(name)}")
    say()
    say("\n".join(engine()))
    for line in _drawing_engines():
        say(line)
    say(f"keeps code      {cache.report()}")
    say()
    clashes = [line for package in ("autograd", "nn") for line in _clashes(package)]
    say("\n".join(clashes) or "autograd and nn belong to this distribution alone.")
    return 1 if clashes else 0


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def engine() -> list[str]:
    """Say which engine computes, and why it is the one in Python if it is; with what the compiler said, if that is why.

    >>> engine()[0].startswith("computes with   ")
    True
    """
    lines = [f"computes with   the {_engine.engine} engine"]
    if _engine.why_python:
        lines.append(f"                {_engine.why_python}")
    log = Path(_engine.__file__).with_name("_native.log")  # of the build, if it failed
    if _engine.engine == "python" and log.is_file():
        lines += [f"                {line}" for line in log.read_text(encoding="utf-8").splitlines()[-12:]]
    return lines


def _drawing_engines() -> list[str]:
    """Say for each way of laying out a picture whether it works, by drawing with it."""
    from autograd.diagram import draw
    from autograd.diagram.place.engines import find_engine
    from autograd.errors import DiagramError

    lines = []
    for name in ("graphviz-pure", "dot", "python"):
        try:
            program = find_engine(name)
        except DiagramError:
            lines.append(f"not installed   {name}, which is not needed: the others draw as well")
            continue
        try:
            draw(_engine.Value(1.0) * 2.0, engine=name).svg  # noqa: B018
            lines.append(f"draws with      {name} {program.path if program is not None else '(built in)'}")
        except (DiagramError, OSError) as error:
            lines.append(f"not available   {name}: {' '.join(str(error).split())}")
    return lines


def _clashes(package: str) -> list[str]:
    owners = {
        distribution.metadata["Name"]
        for distribution in metadata.distributions()
        for file in distribution.files or ()
        if file.parts[:1] == (package,) and file.suffix == ".py"
    }
    lines = [
        f"CLASH: the distribution {owner!r} has a package {package!r} too; use an environment without one of the two"
        for owner in sorted(owners - {OURS})
    ]
    imported = import_module(package).__file__
    expected = Path(__file__).parents[2] / package
    if imported is None or Path(imported).parent != expected:
        lines.append(f"CLASH: `import {package}` finds {imported}, not {expected}")
    return lines
