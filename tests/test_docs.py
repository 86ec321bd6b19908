"""Every code block of the README does what it says, run from top to bottom in an empty folder."""

import ast
import contextlib
import doctest
import io
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"


class Block(NamedTuple):
    """A fenced block: its language, the README's line on which its text begins, and the text."""

    language: str
    line: int
    text: str


def blocks_of(markdown):
    """The fenced blocks of a Markdown text.

    >>> blocks_of("Try\\n```python\\nx = 1\\n```\\n")
    [Block(language='python', line=3, text='x = 1\\n')]
    """
    fences = re.finditer(r"^```([a-z]*)[^\n]*\n(.*?)^```$", markdown, re.MULTILINE | re.DOTALL)
    return [Block(f[1], markdown.count("\n", 0, f.start(2)) + 1, f[2]) for f in fences]


BLOCKS = blocks_of(README.read_text(encoding="utf-8"))
PYTHON = [block for block in BLOCKS if block.language in ("python", "py", "pycon")]
SHELL = [block for block in BLOCKS if block.language in ("bash", "sh", "shell", "console")]


def run_statements(block, names):
    """Run a block one statement at a time, and hold it to the results that its comments promise.

    A line `print(...)  # text` must print that text, and a line `expression  # 24.7041...`, its comment beginning as a
    value does, must have that `repr`; three dots stand for anything.
    """
    tree = ast.parse(block.text, str(README))
    ast.increment_lineno(tree, block.line - 1)  # a traceback then names the README's own line
    lines = block.text.splitlines()
    for statement in tree.body:
        printed = io.StringIO()
        result = None
        with contextlib.redirect_stdout(printed):
            if isinstance(statement, ast.Expr):
                result = eval(compile(ast.Expression(statement.value), str(README), "eval"), names)
            else:
                exec(compile(ast.Module([statement], []), str(README), "exec"), names)
        source = lines[statement.end_lineno - block.line]
        comment = re.search(r"\s# (.*)$", source)
        if comment and re.match(r"print\(", source):
            got = printed.getvalue()
        elif comment and result is not None and re.match(r"[-\d.\[({'\"]|Value\(|True|False", comment[1]):
            got = repr(result)
        else:
            continue
        same = doctest.OutputChecker().check_output(comment[1].strip() + "\n", got.strip() + "\n", doctest.ELLIPSIS)
        assert same, f"README.md line {statement.end_lineno} says {comment[1]!r}; it gave {got!r}"


def test_readme_python_blocks_run(tmp_path, monkeypatch):
    """All in one namespace, in order, as someone reads them."""
    assert PYTHON, "the README has no Python block"
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "__main__"}
    for block in PYTHON:
        if ">>>" not in block.text:
            run_statements(block, names)
            continue
        example = doctest.DocTestParser().get_doctest(block.text, names, "README", str(README), block.line - 1)
        report = io.StringIO()
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
        runner.run(example, out=report.write, clear_globs=False)
        assert runner.failures == 0, report.getvalue()
        names = example.globs


def commands():
    """The README's shell commands: a prompt, a comment and a continued line are what a reader takes them for."""
    for block in SHELL:
        text = block.text.replace("\\\n", " ")
        for line in text.splitlines():
            words = shlex.split(line.removeprefix("$ "), comments=True)
            if words:
                yield words


def test_readme_commands_run(tmp_path):
    """Each `chalkgrad …` and `python -m autograd …`, in order, in one empty folder."""
    ours = [words for words in commands() if words[0] == "chalkgrad" or words[:3] == ["python", "-m", "autograd"]]
    assert ours, "the README shows no chalkgrad command"
    for words in ours:
        rest = words[1:] if words[0] == "chalkgrad" else words[3:]
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", "autograd", *rest],
            cwd=tmp_path,
            env=os.environ | {"COLUMNS": "100"},
            text=True,
            capture_output=True,
            timeout=240,
        )
        assert done.returncode == 0, f"{shlex.join(words)} exited with {done.returncode}:\n{done.stdout}\n{done.stderr}"


def test_readme_names_only_make_targets_that_exist():
    declared = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)[1].split()
    named = {words[1] for words in commands() if words[0] == "make"}
    assert {"demo", "test"} <= named <= set(declared)


def test_readme_links_and_pictures_exist():
    links = re.findall(r"\]\(([^)#\s]+)", README.read_text(encoding="utf-8"))
    links += re.findall(r'(?:src|srcset|href)="([^"#]+)"', README.read_text(encoding="utf-8"))
    missing = [link for link in links if not re.match(r"[a-z]+:", link) and not (ROOT / link).exists()]
    assert missing == []
