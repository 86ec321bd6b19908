"""What the command writes: tables, and lines folded between words, so that a terminal cuts no number in two."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
from collections.abc import Container, Sequence
from typing import TextIO

_TREE = re.compile("[│├└─ ]*[│├└]─? ?")
_LABEL = re.compile(r" *(\S+ )?= |\S+( \S+)* {2,}")  # before an equation's right side, or in a table's first column


def say(text: object = "", file: TextIO | None = None) -> None:
    """Print, folded to the width of the terminal if it goes to one."""
    file = file or sys.stdout
    columns = shutil.get_terminal_size().columns if file.isatty() else 0
    for line in str(text).split("\n"):
        print(fold(line, columns) if columns else line, file=file)


def fold(line: str, columns: int) -> str:
    """Return a line as lines of at most so many columns; what goes on in the next one stands below its beginning.

    A word that is longer stays whole.

    >>> print(fold("∂y/∂w = 0.88 × 0.333 + 0.539 × 2.1", 24))
    ∂y/∂w = 0.88 × 0.333 +
            0.539 × 2.1
    """
    if len(line) <= columns:
        return line
    if tree := _TREE.match(line):
        indent = tree[0].replace("├", "│").replace("└", " ").replace("─", " ") + "   "
        head, _, rest = line.partition(" " * 3 + "∂")  # the local derivative, after everything about the value
        if rest:
            return f"{fold(head, columns)}\n{fold(f'{indent}∂{rest}', columns)}"
    else:
        label = _LABEL.match(line)
        indent = " " * (len(label[0]) if label else len(line) - len(line.lstrip()) + 2 * line.startswith(" "))
    if len(indent) > columns // 2:
        indent = "    "
    return textwrap.fill(
        line,
        columns,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
        replace_whitespace=False,
    )


def table(rows: Sequence[Sequence[str]], right: Container[int] = ()) -> str:
    """Return rows as lines, each column as wide as it must be; those numbered in ``right`` end at one place.

    >>> print(table([("epoch", "loss"), ("1", "0.5"), ("10", "0.25")], right=[0]))
    epoch  loss
        1  0.5
       10  0.25
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    cells = (
        [cell.rjust(w) if i in right else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))]
        for row in rows
    )
    return "\n".join("  ".join(row).rstrip() for row in cells)
