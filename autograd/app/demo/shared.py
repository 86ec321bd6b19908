"""What the parts of the demo share: the stored facts, a bar, and figures that are left out without matplotlib."""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Any

from autograd.app.terminal import say
from autograd.errors import MissingExtraError, require


def facts(name: str) -> dict[str, Any]:
    """Return the numbers of a worked example."""
    text = resources.files("autograd.app.demo").joinpath(f"{name}.json").read_text(encoding="utf-8")
    stored: dict[str, Any] = json.loads(text)
    return stored


def title(text: str) -> None:
    """Print the heading of a part."""
    say(f"\n{text}\n{'─' * len(text)}")


def bar(steps: int, label: str, progress: bool) -> Iterable[int]:
    """Count from 1 to ``steps`` with a progress bar."""
    from tqdm import tqdm

    return tqdm(range(1, steps + 1), desc=label, unit="step", disable=not progress)


def can_plot() -> bool:
    """Whether matplotlib is installed; says how to get it where it is not."""
    try:
        require("matplotlib", "plot", "a curve")
    except MissingExtraError as error:
        say(f"No curves: {error}")
        return False
    return True


def save(figure: Any, path: Path, pictures: list[Path]) -> None:
    """Write a matplotlib figure and note its path."""
    figure.savefig(path, dpi=150)
    pictures.append(path)
