"""What type checkers know of the public surface: mypy and pyright agree with a list of right and wrong lines."""

import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import autograd
import nn
from autograd import Value
from tests.stub import STUB, stub

HERE = Path(__file__).parent
ROOT = HERE.parent
USES = HERE / "typing" / "uses.py"
WRONG = {i for i, line in enumerate(USES.read_text(encoding="utf-8").splitlines(), 1) if line.endswith("# error")}


def test_the_stub_is_the_table():
    assert STUB.read_text(encoding="utf-8") == stub(), "the table has changed: run `make stub`"


def test_mypy_accepts_what_is_right_and_nothing_else(tmp_path):
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={tmp_path}", USES]
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, timeout=300)
    ours = [line for line in done.stdout.splitlines() if line.startswith("tests/typing/uses.py")]
    assert {int(line.split(":")[1]) for line in ours if ": error:" in line} == WRONG, done.stdout + done.stderr


def test_pyright_accepts_what_is_right_and_nothing_else(tmp_path):
    settings = {
        "include": [str(USES)], "extraPaths": [str(ROOT)], "typeCheckingMode": "standard",
        "reportUnusedExpression": False, "pythonVersion": "3.11",
    }  # fmt: skip
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    command = [sys.executable, "-m", "basedpyright", "--project", tmp_path, "--outputjson"]
    done = subprocess.run(command, cwd=tmp_path, text=True, capture_output=True, timeout=300)
    found = json.loads(done.stdout)["generalDiagnostics"]
    errors = {d["range"]["start"]["line"] + 1 for d in found if d["severity"] == "error"}
    assert errors == WRONG, done.stdout


@pytest.mark.parametrize("module", [autograd, nn])
def test_every_public_function_has_a_signature_that_says_something(module):
    for name in module.__all__:
        public = getattr(module, name)
        if not callable(public) or inspect.isclass(public):
            continue
        parameters = inspect.signature(public).parameters
        assert list(parameters) != ["args", "kwargs"], name
        assert "operands" not in parameters, name


def test_help_explains_a_value():
    text = "\n".join(inspect.getdoc(getattr(Value, name)) for name in Value.__slots__)
    for word in ("number", "derivative", "operation", "constants", "∂self/∂operand"):
        assert word in text
    assert str(inspect.signature(autograd.polygamma)) == "(n, x, /)"
    assert str(inspect.signature(autograd.clip)) == "(x, low=-inf, high=inf)"
    assert re.search(r"∂/∂x = 1 − f²", autograd.tanh.__doc__)
