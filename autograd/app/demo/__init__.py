"""``chalkgrad demo``: two textbook networks and two moons, trained on the engine, with pictures."""

from __future__ import annotations

import time
from pathlib import Path

from autograd.app.terminal import say

from . import moons, two_hidden_layers, worked_example

WHAT = {
    "worked_example.svg": "  the computation graph of one step: values, gradients, local derivatives",
    "worked_example.html": "  the same, a step at a time: open it in a browser",
    "worked_network.svg": "  the network as textbooks draw it",
}


def run(out: Path, steps: int = 10_000, progress: bool = True) -> bool:
    """Run the three parts, write the pictures to the folder ``out``, and return whether every number agreed."""
    begun = time.perf_counter()
    out.mkdir(parents=True, exist_ok=True)
    pictures: list[Path] = []
    agreed = worked_example.run(out, pictures, steps, progress)
    agreed &= two_hidden_layers.run(out, pictures, progress)
    agreed &= moons.run(out, pictures, progress)
    say(f"\nPictures ({time.perf_counter() - begun:.0f} s in all)")
    for picture in pictures:
        say(f"  {picture}{WHAT.get(picture.name, '')}")
    if not agreed:
        say("\nSomething above does not agree; look for the word WRONG.")
    return agreed
