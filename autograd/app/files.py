"""The files that the command reads and writes: a table of cells, and places that can be written to."""

from __future__ import annotations

import contextlib
import csv
import math
import os
import re
from io import StringIO
from pathlib import Path
from typing import NamedTuple

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_COMMAS = "; a decimal is written with a point, and a text with a comma in it in quotes"
_WORDS = {"tab": "\t", r"\t": "\t", "space": " "}


class Cells(NamedTuple):
    """A file of cells: its header, its rows, each with the number of the line where it begins, and its delimiter."""

    header: list[str]
    rows: list[tuple[int, list[str]]]
    delimiter: str


def read_cells(path: Path, delimiter: str | None = None) -> Cells:
    """Read a file of a header line and two rows at least; lines that begin with ``# `` may stand before it.

    Without a ``delimiter`` it is that of comma, semicolon, tab and bar by which the header has the most cells, and as
    many as the next line if that is so for one of them; a comma where two are equal. Raises ValueError, with the line,
    for what is no such file.
    """
    if delimiter is not None:
        delimiter = _WORDS.get(delimiter, delimiter)
        if len(delimiter) != 1 or delimiter in '"\r\n':
            raise ValueError(f"--delimiter is one character, or the word tab or space, and {delimiter!r} was given")
    lines, skipped = _without_comments(_decoded(path))
    if delimiter is None:
        delimiter = max(DELIMITERS, key=lambda each: _fitness(path, lines, each, skipped))
    rows = _rows(path, lines, delimiter, skipped)
    if len(rows) < 3:
        raise ValueError(f"{path} needs a header line and two rows at least")
    header = rows.pop(0)[1]
    if len(set(header)) < len(header):
        raise ValueError(f"{path} has two columns of one name: {', '.join(header)}")
    for number, row in rows:
        if len(row) != len(header):
            raise ValueError(
                f"{path}, line {number}: {len(row)} cells, and the header has {len(header)}, with {named(delimiter)} "
                f"between them{_COMMAS if delimiter == ',' and len(row) > len(header) else ''}"
            )
    return Cells(header, rows, delimiter)


def named(delimiter: str) -> str:
    """Say what stands between cells: ``commas``."""
    return DELIMITERS.get(delimiter, repr(delimiter))


def check_output(path: Path) -> None:
    """Raise OSError that says what to do where no file can be written; before the work is done, if it is asked then."""
    folder = path.absolute().parent
    if not folder.is_dir():
        raise FileNotFoundError(f"the folder {folder} of {path} does not exist; make it first")
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; give the path of a file")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise PermissionError(f"{path} may not be written; choose another place")


def _decoded(path: Path) -> str:
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = f"byte 0x{data[error.start]:02x} in line {line}"
        raise ValueError(f"{path} is no CSV text in UTF-8: {byte} is none of it; save the file as UTF-8") from None


def _without_comments(text: str) -> tuple[list[str], int]:
    """Return the lines from the header on, and how many stand before it."""
    lines = list(StringIO(text, newline=""))
    first = next((i for i, line in enumerate(lines) if line.strip() and not re.match(r"#\s", line)), len(lines))
    return lines[first:], first


def _fitness(path: Path, lines: list[str], delimiter: str, skipped: int) -> tuple[bool, int]:
    """Return whether header and next line have as many cells, more than one, and how many the header has."""
    widths = [0, 0]
    with contextlib.suppress(ValueError, IndexError):
        for i in range(2):
            widths[i] = len(_rows(path, lines, delimiter, skipped, most=i + 1)[i][1])
    return widths[0] == widths[1] > 1, widths[0]


def _rows(
    path: Path, lines: list[str], delimiter: str, skipped: int, most: float = math.inf
) -> list[tuple[int, list[str]]]:
    """Return the rows that are not empty, each with its line, and no more than ``most``."""
    rows: list[tuple[int, list[str]]] = []
    # An empty line more: a quote that is open to the end goes on to it, and shows as a row of several lines.
    reader = csv.reader([*lines, "\n"], delimiter=delimiter, skipinitialspace=True)
    while len(rows) < most:
        begin = reader.line_num
        try:
            row = [cell.strip() for cell in next(reader)]
            if reader.line_num > begin + 1:
                own = lines[begin : reader.line_num]
                next(csv.reader(own, delimiter=delimiter, skipinitialspace=True, strict=True))
        except StopIteration:
            break
        except csv.Error as error:
            several = reader.line_num > begin + 1
            wrong = "a quote is opened here and not closed; close it, or remove it" if several else str(error)
            raise ValueError(f"{path}, line {begin + skipped + 1}: {wrong}") from None
        if any(row):
            rows.append((begin + skipped + 1, row))
    return rows
