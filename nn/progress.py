"""The progress bar, and Ctrl-C."""

from __future__ import annotations

import importlib.util
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def progress_bar(total: int, done: int, shown: bool) -> Iterator[Any]:
    """A bar of batches in terminal or notebook, or one that shows nothing."""
    from tqdm import tqdm

    kind: Any = tqdm
    if shown and _in_notebook():
        from tqdm.notebook import tqdm as kind
    with kind(total=total, initial=done, disable=not shown, unit="batch", dynamic_ncols=True) as bar:
        yield bar


def _in_notebook() -> bool:
    """Whether this is a notebook that can show a bar of its own (tqdm warns where ipywidgets is missing)."""
    shell = sys.modules.get("IPython")
    active = shell.get_ipython() if shell is not None else None
    return active is not None and hasattr(active, "kernel") and importlib.util.find_spec("ipywidgets") is not None


@contextmanager
def interruptible() -> Iterator[list[int]]:
    """Collect the first Ctrl-C in a list, so that a step is never cut in half; a second one interrupts at once."""
    interrupts: list[int] = []
    in_main_thread = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGINT) if in_main_thread else None
    if before is not signal.default_int_handler:
        yield interrupts  # another thread, or someone who handles it otherwise
        return

    def note(number: int, frame: Any) -> None:
        if interrupts:
            raise KeyboardInterrupt
        interrupts.append(number)

    signal.signal(signal.SIGINT, note)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, before)
