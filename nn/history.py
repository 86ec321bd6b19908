"""History: one row of numbers for each epoch."""

from __future__ import annotations

import csv
import os
import textwrap
from typing import TYPE_CHECKING, Any

from . import plot
from .checks import choice
from .player import TrainingPlayer

if TYPE_CHECKING:
    from .recorder import Recording


class History:
    """The numbers of each epoch, by column: ``history["loss"]`` is a list with one entry for each epoch so far.

    ``stopped`` says why the run ended: "finished", "early stopping", "callback", "interrupted" or "nan loss".
    ``recording`` holds the frames of ``fit(..., record=...)``, which ``player`` shows, or None.

    >>> history = History()
    >>> history.append({"epoch": 1, "loss": 0.5})
    >>> history.append({"epoch": 2, "loss": 0.25})
    >>> history["loss"], history.best("loss")
    ([0.5, 0.25], 2)
    """

    def __init__(self, columns: dict[str, list[Any]] | None = None) -> None:
        self.columns: dict[str, list[Any]] = columns or {}
        self.stopped = "finished"
        self.gradient_flow: list[dict[str, Any]] = []  # what the callback record_gradients noted
        self.recording: Recording | None = None  # the frames that fit(record=...) noted

    def append(self, row: dict[str, Any]) -> None:
        """Add the numbers of one epoch. Raises ValueError when they are not for the columns that there are."""
        if self.columns and set(row) != set(self.columns):
            raise ValueError(f"the columns are {', '.join(self.columns)}, and the row has {', '.join(row)}")
        for key, number in row.items():
            self.columns.setdefault(key, []).append(number)

    def __getitem__(self, column: str) -> list[Any]:
        if column not in self.columns:
            raise KeyError(f"no column is called {column!r}; there are {', '.join(self.columns) or 'none yet'}")
        return self.columns[column]

    def __contains__(self, column: str) -> bool:
        return column in self.columns

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), []))

    def best(self, column: str = "loss", mode: str = "min") -> int:
        """Return the epoch, counted from 1, in which the column was smallest (or largest, with ``mode="max"``)."""
        pick = min if choice("mode", mode, ("min", "max")) == "min" else max
        numbers = self[column]
        if not numbers:
            raise ValueError("no epoch has run yet")
        return 1 + numbers.index(pick(numbers))

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write the table to a CSV file, with a header; every float is written so that it reads back the same."""
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(self.columns)
            writer.writerows(zip(*self.columns.values(), strict=True))

    def plot(self, path: str | os.PathLike[str] | None = None, log: bool = False) -> Any:
        """Draw the losses, and beside them any metrics, over the epochs; return the matplotlib figure.

        With ``path`` the figure is saved there too. ``log`` makes the axis of the losses logarithmic. Raises
        MissingExtraError where matplotlib is missing, which the extra ``chalkgrad[plot]`` brings.
        """
        fig, axes = plot.curves(self.columns)
        if log:
            axes[0].set_yscale("log")
        return _saved(fig, path)

    def plot_gradient_flow(self, path: str | os.PathLike[str] | None = None) -> Any:
        """Draw how much gradient reached each layer, in up to five epochs; return the matplotlib figure.

        Train with ``callbacks=[nn.record_gradients]`` for it. Raises ValueError where nothing was noted.
        """
        return _saved(plot.gradient_flow(self.gradient_flow), path)

    def player(self, path: str | os.PathLike[str] | None = None, theme: str = "auto") -> TrainingPlayer:
        """Return the training as a film: one HTML page, with a slider over the frames that ``record=`` noted.

        It shows the network with its weights, activations and gradients, the decision boundary, and the curves. With
        ``path``, whose extension is .html, the page is saved there too; in a notebook the player shows itself.
        ``theme`` is "light", "dark", or "auto", which follows the reader's system. The page makes no request to
        anywhere.

        Raises ValueError where nothing was recorded, and DiagramError for another extension or theme.

        >>> import nn
        >>> X, y = nn.data.xor()
        >>> model = nn.MLP(2, [4, 1], activation="tanh", seed=1)
        >>> history = nn.fit(model, X, y, epochs=20, record=nn.Recorder(every=5), progress=False)
        >>> history.player()
        TrainingPlayer(5 frames of 20 epochs)
        """
        if self.recording is None:
            raise ValueError("no frames were recorded; train with fit(..., record=nn.Recorder(every=5))")
        contents = self.recording.contents(self.columns, self.stopped)
        player = TrainingPlayer(contents, self.recording.functions, theme)
        if path is not None:
            player.save(path)
        return player

    def __repr__(self) -> str:
        if not len(self):
            return "History(no epochs)"
        last = ", ".join(f"{key}={numbers[-1]:.4g}" for key, numbers in self.columns.items() if key != "epoch")
        epochs = "1 epoch" if len(self) == 1 else f"{len(self)} epochs"
        return textwrap.fill(f"History({epochs}, {self.stopped}: {last})", 79, subsequent_indent=" " * len("History("))


def _saved(fig: Any, path: str | os.PathLike[str] | None) -> Any:
    if path is not None:
        fig.savefig(path, dpi=150)
    return fig
