"""A LaTeX for the tests of what is written for one."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

REQUIRED = os.environ.get("CHALKGRAD_REQUIRE_TEX") == "1"


def compiled(path: Path, engine: str = "lualatex") -> tuple[float, float]:
    """Width and height of the page that a file becomes, in points of TeX, after it was set without an error.

    Where there is no LaTeX the test is skipped, unless CHALKGRAD_REQUIRE_TEX=1 makes that a failure.
    """
    for program in (engine, "pdfinfo"):
        if shutil.which(program) is None:
            message = f"no {program} on PATH: apt-get install texlive-luatex texlive-latex-extra poppler-utils"
            pytest.fail(message) if REQUIRED else pytest.skip(message + ", or set CHALKGRAD_REQUIRE_TEX=1 to insist")
    command = [engine, "-interaction=nonstopmode", "-halt-on-error", path.name]
    done = subprocess.run(command, cwd=path.parent, capture_output=True, text=True, timeout=300, check=False)
    log = path.with_suffix(".log").read_text(encoding="utf-8", errors="replace")
    assert done.returncode == 0, [line for line in log.splitlines() if line.startswith("!")] or done.stdout[-2000:]
    assert "Missing character" not in log
    assert "Overfull" not in log
    info = subprocess.run(["pdfinfo", path.with_suffix(".pdf")], capture_output=True, text=True, check=True).stdout
    size = next(line for line in info.splitlines() if line.startswith("Page size")).split()
    return float(size[2]) * 72.27 / 72, float(size[4]) * 72.27 / 72
