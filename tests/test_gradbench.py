"""The runner of GradBench: its functions give what they should, and every message has its answer."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("llvmlite")
HERE = Path(__file__).parent / "benchmarks" / "gradbench"


def conversation(messages, *options):
    """The answers to messages, each of which is an object, or a line that is none."""
    lines = "".join(f"{x if isinstance(x, str) else json.dumps(x)}\n" for x in messages)
    command = [sys.executable, HERE / "run.py", *options]
    done = subprocess.run(command, input=lines, text=True, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def evaluate(i, module, function, data):
    return {"id": i, "kind": "evaluate", "module": module, "function": function, "input": data}


def test_the_functions_of_all_evals_agree_with_numpy():
    done = subprocess.run([sys.executable, HERE / "check.py", "--quick"], text=True, capture_output=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("options", [[], ["--eager"]])
def test_a_conversation(options):
    data = {"x": [1.0, 2.0, 4.0], "n": 3, "min_runs": 3, "min_seconds": 0}
    start, defined, square, gradient, analysis = conversation(
        [
            {"id": 0, "kind": "start", "eval": "llsq"},
            {"id": 1, "kind": "define", "module": "llsq"},
            evaluate(2, "hello", "square", 3.0),
            evaluate(3, "llsq", "gradient", data),
            {"id": 4, "kind": "analysis", "of": 3, "valid": True},
        ],
        *options,
    )
    assert start == {"id": 0, "tool": "chalkgrad", "config": {"compiled": not options}}
    assert (defined, analysis) == ({"id": 1, "success": True}, {"id": 4})
    assert (square["success"], square["output"]) == (True, 9.0)
    assert gradient["output"] == [11.0, 2.0, 10.0]
    assert [timing["name"] for timing in gradient["timings"]] == ["prepare", "evaluate", "evaluate", "evaluate"]
    assert all(timing["nanoseconds"] >= 0 for timing in gradient["timings"])


def test_whatever_goes_wrong_is_an_answer():
    wrong = [
        ({"id": 1, "kind": "define", "module": "os"}, "no module 'os'"),
        (evaluate(2, "hello", "cube", 1.0), "no function 'cube'"),
        (evaluate(3, "det", "primal", {"A": [1.0], "ell": 2}), "IndexError"),
        (evaluate(4, "lse", "primal", {"x": [float("inf")]}), "Error"),
        ("this is no JSON", "JSONDecodeError"),
    ]
    *answers, last = conversation([*[message for message, _ in wrong], evaluate(5, "hello", "double", 2.0)])
    for answer, (message, words) in zip(answers, wrong):
        assert answer["id"] == (None if isinstance(message, str) else message["id"])
        assert answer["success"] is False
        assert words in answer["error"]
    assert last["output"] == 4.0
