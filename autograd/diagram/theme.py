"""Colours, line widths and sizes: one table, which every format reads. Nothing is said by colour alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

from autograd.errors import DiagramError

from .text import number

FONT = "Helvetica"
FONT_STACK = "Helvetica, Arial, 'Liberation Sans', Arimo, 'DejaVu Sans', sans-serif"
SIZE = 13.0
EDGE_SIZE = 11.0
HEADER_HEIGHT, ROW_HEIGHT, PAD = 22.0, 17.0, 8.0  # of a box


@dataclass(frozen=True)
class Theme:
    """Colours as `#rrggbb`. `fill` and `border` are keyed by the kind of a node."""

    name: str
    background: str
    ink: str
    muted: str
    positive: str
    negative: str
    zero: str
    broken: str
    forward: str
    backward: str
    cluster: str
    line: str  # of the player's page, as is the ground of its buttons
    soft: str
    fill: dict[str, str]
    border: dict[str, str]


LIGHT = Theme(
    name="light", background="#ffffff", ink="#111827", muted="#4b5563", positive="#1d4ed8",
    negative="#c2410c", zero="#6b7280", broken="#a21caf", forward="#0f766e", backward="#7c3aed", cluster="#f8fafc",
    line="#d1d5db", soft="#f3f4f6",
    fill={"parameter": "#dbeafe", "input": "#dcfce7", "operation": "#f3f4f6", "output": "#fef3c7",
          "constant": "#ffffff", "dead": "#fee2e2", "group": "#e0e7ff", "op": "#ffffff",
          "gone": "#ffffff"},
    border={"parameter": "#1e40af", "input": "#166534", "operation": "#6b7280", "output": "#b45309",
            "constant": "#6b7280", "dead": "#b91c1c", "group": "#4338ca", "op": "#111827", "broken": "#a21caf",
            "gone": "#6b7280", "new": "#15803d"},
)  # fmt: skip
DARK = Theme(
    name="dark", background="#111827", ink="#f9fafb", muted="#d1d5db", positive="#93c5fd",
    negative="#fdba74", zero="#9ca3af", broken="#f0abfc", forward="#5eead4", backward="#c4b5fd", cluster="#1f2937",
    line="#4b5563", soft="#1f2937",
    fill={"parameter": "#1e3a8a", "input": "#14532d", "operation": "#374151", "output": "#78350f",
          "constant": "#111827", "dead": "#7f1d1d", "group": "#312e81", "op": "#111827",
          "gone": "#111827"},
    border={"parameter": "#93c5fd", "input": "#86efac", "operation": "#9ca3af", "output": "#fcd34d",
            "constant": "#9ca3af", "dead": "#fca5a5", "group": "#a5b4fc", "op": "#f9fafb", "broken": "#f0abfc",
            "gone": "#9ca3af", "new": "#4ade80"},
)  # fmt: skip
THEMES = {"light": LIGHT, "dark": DARK}
STYLES = ("chalkgrad", "micrograd")


def check_theme(name: str) -> None:
    """Raise DiagramError for a theme that does not exist."""
    if name not in (*THEMES, "auto"):
        raise DiagramError(f'theme= is "light", "dark" or "auto"; {name!r} was given.')


def check_style(name: str) -> None:
    """Raise DiagramError for a style that does not exist."""
    if name not in STYLES:
        raise DiagramError(f'style= is "chalkgrad" or "micrograd"; {name!r} was given.')


def flat(name: str) -> Theme:
    """The theme of a format that cannot follow the reader's system: light for "auto"."""
    return THEMES["light" if name == "auto" else name]


def sign_of(gradient: float | None) -> str:
    """`positive`, `negative`, `zero`, `broken` (nan or infinite) or `unset`: the class of a gradient."""
    if gradient is None:
        return "unset"
    if not math.isfinite(gradient):
        return "broken"
    return "positive" if gradient > 0 else "negative" if gradient < 0 else "zero"


MARK = {"positive": "▲", "negative": "▼", "zero": "", "broken": "!", "unset": ""}


def marked(gradient: float | None) -> tuple[str, str]:
    """A gradient as it is written, with the mark of its sign, and its class.

    >>> marked(-0.5), marked(0.0), marked(None)
    (('▼ −0.5', 'negative'), ('0', 'zero'), ('·', 'unset'))
    """
    kind = sign_of(gradient)
    return f"{MARK[kind]} {number(gradient)}".strip(), kind


def stroke(theme: Theme, kind: str) -> str:
    """The colour of a line or a text of this class: the sign of its gradient, "constant", or that of a row."""
    return {
        "positive": theme.positive, "negative": theme.negative, "zero": theme.zero, "broken": theme.broken,
        "unset": theme.muted, "constant": theme.muted, "plain": theme.ink, "late": theme.ink,
        "new": theme.border["new"],
    }[kind]  # fmt: skip


def line_width(flow: float | None) -> float:
    """Width in points of an edge that carries the gradient `flow`: a decade is 0.84 points, from 1e-4 to 10.

    >>> [round(line_width(x), 2) for x in (None, 0.0, 1e-9, 1.0, 1e6)]
    [1.0, 1.0, 0.8, 4.16, 5.0]
    """
    if flow is None or flow == 0 or math.isnan(flow):
        return 1.0
    magnitude = math.log10(min(abs(flow), 1e300))
    return 0.8 + 4.2 * min(max((magnitude + 4) / 5, 0.0), 1.0)
