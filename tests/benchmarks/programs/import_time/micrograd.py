"""The import statement alone, in an interpreter that has just started."""

import subprocess
import sys

STATEMENT = "import micrograd.engine"
READINGS = 10


def measure():
    code = f"import time; begun = time.perf_counter(); {STATEMENT}; print(time.perf_counter() - begun)"
    times = [
        float(subprocess.run([sys.executable, "-c", code], check=True, text=True, capture_output=True).stdout)
        for _ in range(READINGS + 1)
    ]
    return {"time": min(times[1:])}, []  # the first one may have compiled the bytecode
