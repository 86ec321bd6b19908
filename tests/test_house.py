"""The layout: arrows go one way, no circle, nothing private taken from another file, no function too long to read."""

import ast
import re
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(path for folder in ("autograd", "nn") for path in (ROOT / folder).rglob("*.py"))
NAMES = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in FILES}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in NAMES.items()}

# Which part may import which. A part is a folder; the files directly in autograd/ are the part "autograd".
PARTS = ["autograd.app", "autograd.compiler", "autograd.diagram", "autograd", "nn"]
ARROWS = {
    "autograd": {"autograd"},
    "autograd.compiler": {"autograd"},
    "autograd.diagram": {"autograd", "autograd.compiler"},  # a page runs the program of what it shows
    "nn": {"autograd", "autograd.diagram", "autograd.compiler"},
    "autograd.app": set(PARTS),
}
FACES = {"autograd": {"autograd.compiler", "autograd.diagram"}, "autograd.__main__": {"autograd.app"}}  # lazily
PUBLIC_ALL_THE_SAME = {"_getframe", "_make", "_fields"}  # documented names of Python's own library
LONGEST = 50


class Import(NamedTuple):
    """`source` takes `name` from the module `target`; a module that is imported itself has no name."""

    source: str
    target: str
    name: str
    line: int


def imports() -> list[Import]:
    """Every import in every file, those in functions and for type checkers included."""
    found = []
    for source, tree in TREES.items():
        package = source if NAMES[source].name == "__init__.py" else source.rpartition(".")[0]
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                found += [Import(source, alias.name, "", node.lineno) for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
                module = ".".join([*above, *filter(None, [node.module])])
                for alias in node.names:
                    inner = f"{module}.{alias.name}"
                    target, name = (inner, "") if inner in NAMES else (module, alias.name)
                    found.append(Import(source, target, name, node.lineno))
    return [one for one in found if one.target in NAMES]


IMPORTS = imports()


def part(name: str) -> str:
    return next(p for p in PARTS if name == p or name.startswith(p + "."))


def test_the_imports_are_read():
    assert len(IMPORTS) > 200
    assert any(i.source == "autograd.value" and i.target == "autograd.ops" for i in IMPORTS)


def test_arrows_go_one_way():
    wrong = [
        f"{i.source}:{i.line} imports {i.target}"
        for i in IMPORTS
        if part(i.target) not in ARROWS[part(i.source)] | FACES.get(i.source, set()) | {part(i.source)}
    ]
    assert wrong == []


def test_there_is_no_circle():
    users = defaultdict(set)
    for i in IMPORTS:
        users[i.source].add(i.target)
    waiting = {name: set(users[name]) - {name} for name in NAMES}
    while ready := [name for name, targets in waiting.items() if not targets]:
        for name in ready:
            del waiting[name]
        for targets in waiting.values():
            targets.difference_update(ready)
    assert waiting == {}, "these files import each other, or a file that does"


def test_no_file_imports_what_is_private_to_another():
    wrong = []
    for i in IMPORTS:
        hidden = [p for p in i.target.split(".") if p.startswith("_") and not p.startswith("__")]
        home = i.target.partition("._")[0]  # the folder that a private file belongs to
        inside = i.source == home or i.source.startswith(home + ".")
        if i.name.startswith("_") or (hidden and not inside):
            wrong.append(f"{i.source}:{i.line} imports {i.target} {i.name}")
    assert wrong == []


@pytest.mark.parametrize("name", NAMES)
def test_no_file_reads_a_private_attribute_of_another(name):
    """An underscore attribute is used only in the file that sets it."""
    own = set(PUBLIC_ALL_THE_SAME)
    used = {}
    for node in ast.walk(TREES[name]):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            own.add(node.name)
        elif isinstance(node, ast.Attribute) and re.match(r"_[a-z]", node.attr):
            if isinstance(node.ctx, ast.Store):
                own.add(node.attr)
            else:
                used.setdefault(node.attr, node.lineno)
        elif isinstance(node, (ast.Name, ast.arg)) and isinstance(getattr(node, "ctx", ast.Store()), ast.Store):
            own.add(getattr(node, "id", None) or node.arg)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            own.add(node.value)  # a slot, or a name given to setattr
    assert {attribute: line for attribute, line in used.items() if attribute not in own} == {}


def lengths(tree: ast.Module) -> list[tuple[int, ast.AST]]:
    """The functions of a file, each with its number of lines without the docstring and the signature."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            found.append((body[-1].end_lineno - body[0].lineno + 1 if body else 0, node))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_no_function_is_too_long_to_read(name):
    """Or the line above it begins with `# long:` and says why it is better in one piece."""
    lines = NAMES[name].read_text(encoding="utf-8").splitlines()
    too_long = [
        f"{node.name} in line {node.lineno}: {length} lines"
        for length, node in lengths(TREES[name])
        if length > LONGEST and not any("# long:" in line for line in lines[max(0, node.lineno - 2) : node.lineno])
    ]
    assert too_long == []


def test_value_fits_on_the_screen():
    assert len((ROOT / "autograd" / "value.py").read_text(encoding="utf-8").splitlines()) <= 200


def test_the_drawing_of_the_architecture_is_the_tree():
    """Every file that docs/architecture.md names is there, and every file that is there is named."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:autograd|nn)/[\w/]+\.(?:py|js|css|c))`", text))
    there = {path.relative_to(ROOT).as_posix() for path in FILES if path.name != "__init__.py"}
    assert {name for name in named if not (ROOT / name).is_file()} == set()
    assert {name for name in there - named if "/demo/" not in name} == set()
