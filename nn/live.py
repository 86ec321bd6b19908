"""``LivePlot``: a callback that draws a training run while it runs."""

from __future__ import annotations

import base64
import math
import sys
import time
from typing import Any

from autograd.errors import require

from . import plot
from .checks import number_where
from .progress import in_notebook
from .run import Training
from .table import samples

REST = 4.0  # so many times as long as a picture took it waits at least, so that it takes a fifth of the time


class LivePlot:
    """A callback that shows the losses and metrics so far in a notebook, in one picture that is drawn anew.

    With samples ``X`` of two numbers and their labels ``y`` it shows the decision boundary too. It is drawn after an
    epoch, not sooner than ``every`` so many seconds (0.5 or more), and at the end of the run. In a terminal it draws
    nothing, and says so once.

    Raises ValueError for ``X`` without ``y``, rows that are not of two numbers, and an ``every`` below 0.5;
    MissingExtraError in a notebook without matplotlib.

    >>> import nn
    >>> X, y = nn.data.moons(40, labels=(-1, 1))
    >>> live = nn.LivePlot(X, y)
    >>> nn.fit(nn.MLP(2, [4, 1], seed=0), X, y, loss="hinge", callbacks=[live])  # doctest: +SKIP
    """

    def __init__(self, X: Any = None, y: Any = None, *, every: float = 0.5) -> None:
        rule = "every is a number of seconds, at least 0.5"
        self.every = float(number_where(rule, every, lambda seconds: 0.5 <= seconds < math.inf))
        if (X is None) != (y is None):
            raise ValueError("a boundary needs both the samples X and their labels y")
        self.data = None if X is None else samples(X, y)
        if self.data is not None and len(self.data[0][0]) != 2:
            raise ValueError(f"a boundary is drawn for two inputs, and the rows of X have {len(self.data[0][0])}")
        if in_notebook():
            require("matplotlib.figure", "plot", "a live plot")
        self._said = False
        self._begin()

    def _begin(self) -> None:
        """Forget the run."""
        self._training: Training | None = None
        self._display: Any = None
        self._drawn = 0  # epochs that the picture shows
        self._next = 0.0  # the time from which on it may be drawn anew

    def __call__(self, training: Training) -> None:
        """Draw, if it is time."""
        if in_notebook():
            self._training = training
            if time.monotonic() >= self._next:
                self._draw(training)
        elif not self._said:
            self._said = True
            print(
                "LivePlot draws in a notebook only; here, history.plot() draws at the end",
                file=sys.stderr,
            )

    def finish(self) -> None:
        """Draw the end of a run, which ``fit`` tells; the next run has a picture of its own."""
        if self._training is not None and self._training.epoch > self._drawn:
            self._draw(self._training)
        self._begin()

    def _draw(self, training: Training) -> None:
        begun = time.monotonic()
        fig, axes = plot.curves(training.history.columns, more=self.data is not None)
        if self.data is not None:
            plot.boundary(training.model, *self.data, ax=axes[-1], steps=30)
        fig.suptitle(f"epoch {training.epoch}")
        image = base64.b64encode(plot.png(fig)).decode("ascii")
        shown = {"image/png": image, "text/plain": repr(training.history)}
        if self._display is None:
            from IPython.display import display

            self._display = display(shown, raw=True, display_id=True)
        else:
            self._display.update(shown, raw=True)
        now = time.monotonic()
        self._drawn, self._next = training.epoch, max(begun + self.every, now + REST * (now - begun))
