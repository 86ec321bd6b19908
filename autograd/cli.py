"""The command ``chalkgrad``. Exit codes: 0 it worked, 1 a check failed, 2 bad usage or input."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with its arguments (those of the process if None) and return the exit code."""
    parser = argparse.ArgumentParser(prog="chalkgrad", description="Gradients: see, check and follow them.")
    commands = parser.add_subparsers(required=True, metavar="command")
    demo = commands.add_parser("demo", help="two textbook networks and two moons, trained, compared and drawn")
    demo.add_argument("--out", type=Path, default=Path("out"), help="folder for the pictures (default: out)")
    demo.add_argument("--no-progress", action="store_true", help="show no progress bars")
    demo.set_defaults(run=_demo)
    options = parser.parse_args(arguments)
    code: int = options.run(options)
    return code


def _demo(options: argparse.Namespace) -> int:
    from .demo import run

    return 0 if run(options.out, progress=not options.no_progress) else 1
