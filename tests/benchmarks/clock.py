"""Run one program in this interpreter and print what it measured, as one line of JSON.

A program is a file that defines either

- `prepare()`, which returns a function `step`; `step()` is what is timed, and returns the numbers on which every
  program of the work must agree; or
- `measure()`, which takes its own readings and returns `(figures, numbers)`: a dict of named figures (seconds for
  "time" and whatever ends in "time", bytes for whatever ends in "memory") and those numbers.

Only the standard library is used here: this file runs in the environments of all the peers.
"""

import gc
import importlib.util
import json
import math
import sys
import time
from importlib.metadata import version

AGREE = 3  # first results on which the programs must agree; they also warm the program up
SHORTEST = 0.05  # seconds that one reading lasts at least, by calling the step several times


def peak_memory():
    """The largest resident size of this process so far, in bytes."""
    import resource  # not on Windows

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def numbers(result):
    """A result as a flat list of floats."""
    return [float(number) for number in result] if isinstance(result, (list, tuple)) else [float(result)]


def time_steps(step, repeats):
    """Seconds a call, a reading for each repeat, and the numbers of the first calls."""
    agree = []
    for _ in range(AGREE):
        begun = time.perf_counter()
        result = step()
        once = time.perf_counter() - begun
        agree += numbers(result)
    calls = max(1, math.ceil(SHORTEST / once))
    readings = []
    for _ in range(repeats):
        begun = time.perf_counter()
        for _ in range(calls):
            step()
        readings.append((time.perf_counter() - begun) / calls)
    return readings, agree


def main():
    """`clock.py PROGRAM on|off REPEATS [DISTRIBUTION...]`."""
    path, collector, repeats, *distributions = sys.argv[1:]
    if collector == "off":
        gc.disable()
    spec = importlib.util.spec_from_file_location("program", path)
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    figures, agree = {}, []
    if hasattr(program, "measure"):
        for _ in range(int(repeats)):
            measured, agree = program.measure()
            for name, figure in measured.items():
                figures.setdefault(name, []).append(figure)
    else:
        figures["time"], agree = time_steps(program.prepare(), int(repeats))
    print(
        json.dumps(
            {
                "figures": figures,
                "agree": numbers(agree),
                "versions": {name: version(name) for name in distributions},
                "python": sys.version.split()[0],
            }
        )
    )


if __name__ == "__main__":
    main()
