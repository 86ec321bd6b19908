"""Every code block of the README, and every cell of the pages in docs/, does what it says.

Each page runs from top to bottom in an empty folder, in one namespace, without Sphinx.
"""

import ast
import contextlib
import doctest
import io
import itertools
import os
import re
import shlex
import subprocess
import sys
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

import pytest

import autograd
import nn
from autograd import OPERATIONS

ROOT = Path(__file__).parents[1]
README, DOCS = ROOT / "README.md", ROOT / "docs"


class Block(NamedTuple):
    """A fenced block: its language, the page's line on which its text begins, and the text."""

    language: str
    line: int
    text: str


def blocks_of(markdown):
    """The fenced blocks of a Markdown text.

    >>> blocks_of("Try\\n```python\\nx = 1\\n```\\n")
    [Block(language='python', line=3, text='x = 1\\n')]
    """
    fences = re.finditer(r"^```({[a-z-]+}|[a-z]*)[^\n]*\n(.*?)^```$", markdown, re.MULTILINE | re.DOTALL)
    return [Block(f[1], markdown.count("\n", 0, f.start(2)) + 1, f[2]) for f in fences]


BLOCKS = blocks_of(README.read_text(encoding="utf-8"))
PYTHON = [block for block in BLOCKS if block.language in ("python", "py", "pycon")]
SHELL = [block for block in BLOCKS if block.language in ("bash", "sh", "shell", "console")]


def run_statements(block, names, page=README):
    """Run a block one statement at a time, hold it to the results that its comments promise, and return the last one.

    A line `print(...)  # text` must print that text, and a line `expression  # 24.7041...`, its comment beginning as a
    value does, must have that `repr`; three dots stand for anything. What is longer stands in comments of their own
    right below the `print(...)`, with line breaks where they fit. The last line of a `try` or a loop may print, too.
    """
    tree = ast.parse(block.text, str(page))
    ast.increment_lineno(tree, block.line - 1)  # a traceback then names the page's own line
    lines = block.text.splitlines()
    result = None
    for statement in tree.body:
        printed = io.StringIO()
        result = None
        with contextlib.redirect_stdout(printed):
            if isinstance(statement, ast.Expr):
                result = eval(compile(ast.Expression(statement.value), str(page), "eval"), names)
            else:
                exec(compile(ast.Module([statement], []), str(page), "exec"), names)
        source, *after = lines[statement.end_lineno - block.line :]
        comment = re.search(r"\s# (.*)$", source)
        prints = ast.unparse(statement).startswith("print(") or source.lstrip().startswith("print(")
        below = list(itertools.takewhile(lambda line: line.startswith("#"), map(str.lstrip, after)))
        options = doctest.ELLIPSIS
        if prints and (comment or below):
            promised, got = comment[1] if comment else "\n".join(line[1:] for line in below), printed.getvalue()
            options |= 0 if comment else doctest.NORMALIZE_WHITESPACE
        elif comment and result is not None and re.match(r"[-\d.\[({'\"]|Value\(|True|False", comment[1]):
            promised, got = comment[1], repr(result)
        else:
            continue
        same = doctest.OutputChecker().check_output(promised.strip() + "\n", got.strip() + "\n", options)
        assert same, f"{page.name} line {statement.end_lineno} says {promised!r}; it gave {got!r}"
    return result


@pytest.mark.parametrize(
    "text",
    [
        "print(1)  # 2\n",
        "1.5  # 2.5\n",
        "print('a\\nb')\n# a\n# c\n",
        "try:\n    1 / 0\nexcept ArithmeticError:\n    print(1)  # 2\n",
    ],
)
def test_a_promise_that_is_not_kept_is_noticed(text):
    with pytest.raises(AssertionError, match="line 7 says"):
        run_statements(Block("python", 8 - text.count("\n") + ("# c" in text) * 2, text), {})


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


WRITTEN = ("operations", "reference")  # folders that the build of the site writes, and tests/site looks at
PAGES = sorted(page for page in DOCS.rglob("*.md") if page.parent.name not in WRITTEN)
NOTEBOOKS = [page for page in PAGES if "```{code-cell}" in page.read_text(encoding="utf-8")]
RECIPES = sorted(set(PAGES) & set((DOCS / "how_to").iterdir()) - {DOCS / "how_to" / "index.md"})


def titled(page):
    return page.relative_to(DOCS).as_posix()


@pytest.fixture
def no_new_operations():
    """An operation that a page defines is in the table until its end."""
    before = dict(OPERATIONS)
    yield
    OPERATIONS.clear()
    OPERATIONS.update(before)


def show(result):
    """Make what a notebook shows of the last line of a cell: a picture is drawn."""
    for kind in ("mimebundle", "html", "markdown", "png"):
        if hasattr(result, f"_repr_{kind}_"):
            return getattr(result, f"_repr_{kind}_")()
    return repr(result)


@pytest.mark.parametrize("page", NOTEBOOKS, ids=titled)
def test_cells_of_a_page_run(page, tmp_path, monkeypatch, no_new_operations):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "__main__"}
    cells = [block for block in blocks_of(page.read_text(encoding="utf-8")) if block.language == "{code-cell}"]
    assert cells, "a fence is not closed"
    for cell in cells:
        options = re.match(r"(:[\w-]+:.*\n)*", cell.text)[0]  # of the cell, as `:tags: [hide-input]`
        cell = cell._replace(text="\n" * options.count("\n") + cell.text[len(options) :])
        show(run_statements(cell, names, page))


@pytest.mark.parametrize("page", NOTEBOOKS, ids=titled)
def test_a_page_with_cells_says_that_it_is_a_notebook(page):
    header = "---\nfile_format: mystnb\nkernelspec:\n  display_name: Python 3\n  name: python3\n---\n\n# "
    assert page.read_text(encoding="utf-8").startswith(header)


def prose_of(page):
    """The text of a page without its header and its blocks."""
    return re.sub(r"\A---.*?^---$|^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchors_of(page):
    """What a link may name after `#`: the headings of a page, as GitHub and MyST write them."""
    headings = re.findall(r"^#+ (.*)$", prose_of(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=titled)
def test_links_of_a_page_lead_somewhere_and_its_names_exist(page):
    text = prose_of(page)
    for link, anchor in re.findall(r"\]\((?![a-z]+:)([^)#\s]*)#?([^)\s]*)\)", text):
        there = page.parent / link if link else page
        assert there.is_file(), f"{page.name} links to {link}"
        assert not anchor or anchor in anchors_of(there), f"{page.name} links to {link}#{anchor}"
    for package, name in re.findall(r"`(autograd|nn)\.([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)`", text):
        if name != "py":
            attrgetter(name)({"autograd": autograd, "nn": nn}[package])


def test_every_recipe_is_in_the_list_and_has_the_length_of_a_recipe():
    listed = re.findall(r"\]\((\w+\.md)\)", (DOCS / "how_to" / "index.md").read_text(encoding="utf-8"))
    assert sorted(listed) == [page.name for page in RECIPES]
    for page in RECIPES:
        assert len(prose_of(page).split()) <= 400, (
            f"{page.name} is longer than a recipe: {len(prose_of(page).split())} words"
        )
