"""chalkgrad as a tool of GradBench: its messages come on standard input, a JSON object a line, and answers go out.

    python tests/benchmarks/gradbench/run.py [--eager]

The protocol is that of GradBench's CONTRIBUTING.md. All that goes wrong is an answer with success false. Every run of a
function is timed, and so the first one with its tracing and compilation.
"""

import argparse
import json
import sys
import time
import traceback
from importlib import import_module
from typing import Any, TextIO

import numpy as np

EVALS = ["hello", "llsq", "lse", "det", "ode", "kmeans", "gmm", "ba", "ht", "lstm", "saddle", "particle"]


def functions(module: str) -> dict[str, Any]:
    """The functions of an eval; LookupError for an unknown one."""
    if module not in EVALS:
        raise LookupError(f"there is no module {module!r}, only {', '.join(EVALS)}")
    found: dict[str, Any] = import_module(module).FUNCTIONS
    return found


def as_json(x: Any) -> Any:
    """The same in what JSON has."""
    if isinstance(x, dict):
        return {name: as_json(value) for name, value in x.items()}
    if isinstance(x, (list, tuple)):
        return [as_json(value) for value in x]
    return x.tolist() if isinstance(x, (np.ndarray, np.generic)) else x


def evaluate(message: dict[str, Any], compiled: bool) -> dict[str, Any]:
    """The result of a function, and how long each run took: as many runs as the input asks for, one at least."""
    known, name, data = functions(message["module"]), message["function"], message.get("input")
    if name not in known:
        raise LookupError(f"{message['module']} has no function {name!r}, only {', '.join(known)}")
    asked = data if isinstance(data, dict) else {}
    runs, seconds = asked.get("min_runs", 1), asked.get("min_seconds", 0.0)
    start = time.perf_counter_ns()
    work = known[name](data, compiled)
    timings = [("prepare", time.perf_counter_ns() - start)]
    left = seconds * 1e9
    while len(timings) < 2 or len(timings) <= runs or left > 0.0:
        start = time.perf_counter_ns()
        output = work()
        timings.append(("evaluate", time.perf_counter_ns() - start))
        left -= timings[-1][1]
    return {"output": as_json(output), "timings": [{"name": name, "nanoseconds": ns} for name, ns in timings]}


def answer(line: str, compiled: bool) -> str:
    """The answer to a message, a line of JSON."""
    number = None
    try:
        message = json.loads(line)
        number, kind = message["id"], message["kind"]
        content: dict[str, Any] = {}
        if kind == "start":
            content = {"tool": "chalkgrad", "config": {"compiled": compiled}}
        elif kind == "define":
            functions(message["module"])
            content = {"success": True}
        elif kind == "evaluate":
            content = {"success": True, **evaluate(message, compiled)}
        return json.dumps({"id": number, **content}, allow_nan=False)
    except Exception:
        return json.dumps({"id": number, "success": False, "error": traceback.format_exc()})


def talk(messages: TextIO, answers: TextIO, compiled: bool) -> None:
    """Answer every message."""
    for line in messages:
        if line.strip():
            print(answer(line, compiled), file=answers, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Run the functions of GradBench's evals with chalkgrad.")
    parser.add_argument("--eager", action="store_true", help="plain Values instead of compiled functions")
    eager = parser.parse_args().eager
    out, sys.stdout = sys.stdout, sys.stderr  # whatever is printed on the way is no answer
    talk(sys.stdin, out, not eager)
