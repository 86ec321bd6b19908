"""micrograd has nothing to compile: its program of the step in plain Python."""

import runpy
from pathlib import Path

prepare = runpy.run_path(str(Path(__file__).parents[1] / "demo_net" / "micrograd.py"))["prepare"]
