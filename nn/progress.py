"""The progress bar, and Ctrl-C."""

from __future__ import annotations

import importlib.util
import shutil
import signal
import sys
import textwrap
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

FORMATS = (  # what there is room for beside the numbers of the last epoch, the most first
    "{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_fmt}] {desc}",
    "{percentage:3.0f}%|{bar}| [{elapsed}<{remaining}] {desc}",
    "{percentage:3.0f}%|{bar}| {desc}",
    "{desc}",
)
WIDGET = "{bar}| [{elapsed}<{remaining}{postfix}]"
SHORTEST = 8  # columns, of a bar that tells something
NOTEBOOK = 90  # columns, of text in a notebook, which does not say how wide it is


class Progress:
    """A bar of batches with the numbers of the last epoch, in a terminal or a notebook; or nothing, if not `shown`.

    In a terminal the bar shrinks before the numbers do, and none of them is cut in two.
    """

    def __init__(self, batches: int, done: int, epochs: int, shown: bool) -> None:
        from tqdm import tqdm

        self.epochs, self.shown = epochs, shown
        kind: Any = tqdm
        if shown and in_notebook() and importlib.util.find_spec("ipywidgets") is not None:  # tqdm warns without it
            from tqdm.notebook import tqdm as kind
        self.is_text = kind is tqdm
        self.file = sys.stdout if in_notebook() else sys.stderr  # which is red in a notebook
        options: dict[str, Any] = {"bar_format": WIDGET}
        if self.is_text:
            room = {"ncols": NOTEBOOK} if in_notebook() else {"dynamic_ncols": True}
            if sys.platform == "emscripten":
                tqdm.monitor_interval = 0  # its monitor is a thread, and in a browser there are none
            options = {"bar_format": FORMATS[0], "file": self.file, **room}
        self.bar = kind(total=batches, initial=done, disable=not shown, unit="batch", **options)

    def update(self) -> None:
        """A batch is done."""
        self.bar.update()

    def show(self, row: Mapping[str, Any]) -> None:
        """Show the numbers of an epoch beside the bar, the losses first."""
        if not self.shown:
            return
        keys = dict.fromkeys(["loss", *(["val_loss"] if "val_loss" in row else []), *row])
        pieces = [f"epoch {row['epoch']}/{self.epochs}"]
        pieces += [f"{key} {row[key]:.4g}" for key in keys if key not in ("epoch", "lr")]
        if self.is_text:
            self.bar.bar_format, pieces = self._fitting(pieces)
            self.bar.set_description_str(", ".join(pieces), refresh=False)
        else:
            self.bar.set_postfix_str(", ".join(pieces), refresh=False)

    def _fitting(self, pieces: list[str]) -> tuple[str, list[str]]:
        """As much of the bar as there is room for, and as many of the numbers."""
        known = self.bar.format_dict
        columns = known["ncols"] or 10**6  # unknown where the output is a file

        def left(form: str, pieces: list[str]) -> int:
            """The columns that are left for the bar."""
            parts = known | {"bar_format": form.replace("{bar}", ""), "prefix": ", ".join(pieces), "ncols": None}
            return int(columns - len(self.bar.format_meter(**parts)))

        for form in FORMATS:
            if left(form, pieces) >= (SHORTEST if "{bar}" in form else 0):
                return form, pieces
        while len(pieces) > 1 and left(FORMATS[-1], pieces) < 0:
            pieces = pieces[:-1]
        return FORMATS[-1], pieces

    def end(self, words: str, failed: bool) -> None:
        """Close the bar and write below it how the run ended, if there is something to say."""
        if not self.is_text and not failed:
            self.bar.total = self.bar.n  # the widget is red where something is left to do, and that is no failure
        self.bar.close()
        if self.shown and words:
            columns = NOTEBOOK if in_notebook() else 10**6
            if self.file.isatty():
                columns = shutil.get_terminal_size().columns
            print(textwrap.fill(words, columns), file=self.file)


@contextmanager
def progress_bar(batches: int, done: int, epochs: int, shown: bool) -> Iterator[Progress]:
    """A bar that is closed, however it ends."""
    progress = Progress(batches, done, epochs, shown)
    try:
        yield progress
    finally:
        progress.bar.close()


def in_notebook() -> bool:
    """Whether this is the kernel of a notebook."""
    shell = sys.modules.get("IPython")
    active = shell.get_ipython() if shell is not None else None
    return active is not None and hasattr(active, "kernel")


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
