"""``chalkgrad doctor``: versions, drawing engines, and whether another distribution owns our import names."""

from __future__ import annotations

import platform
import sys
from importlib import import_module, metadata
from pathlib import Path

OURS = "chalkgrad"
LIBRARIES = ("graphviz", "graphviz-pure", "tqdm", "matplotlib", "numpy", "llvmlite", "pillow", "ipython", "torch")


def report() -> int:
    """Print what is there; return 1 when another distribution has ``autograd`` or ``nn`` here, else 0."""
    print(f"{OURS:<16}{_version(OURS)}  {Path(__file__).parents[1]}")
    print(f"{'python':<16}{platform.python_version()}  {sys.executable}")
    print(f"{'platform':<16}{platform.platform()}")
    for name in LIBRARIES:
        print(f"{name:<16}{_version(name)}")
    print()
    for engine in _engines():
        print(engine)
    print()
    clashes = [line for package in ("autograd", "nn") for line in _clashes(package)]
    print("\n".join(clashes) or "autograd and nn belong to this distribution alone.")
    return 1 if clashes else 0


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _engines() -> list[str]:
    """Say for each way of laying out a picture whether it works, by drawing with it."""
    from autograd.diagram import draw
    from autograd.diagram.place.engines import find_engine
    from autograd.errors import DiagramError
    from autograd.value import Value

    lines = []
    for name in ("graphviz-pure", "dot", "python"):
        try:
            engine = find_engine(name)
            draw(Value(1.0) * 2.0, engine=name).svg  # noqa: B018
            lines.append(f"draws with      {name} {engine.path if engine is not None else '(built in)'}")
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
