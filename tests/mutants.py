"""Mutation testing: change the source in one place, run the tests that reach it, and see whether one fails.

A mutant that no test notices is a survivor: a test is missing, or the two programs do the same. Those of the second
kind stand in `equivalent_mutants.toml`, each with its reason, and do not count.

    make mutants                                  a sample of each file, drawn by a seed that is printed
    make mutants ARGS="--sample 200 --seed 7"     another one
    make mutants ARGS="--all nn/optim.py"         every mutant of a file

Each worker has a copy of the tree, so that neither the source here nor another worker is touched, and each mutant runs
in a process of its own: forked, since loading pytest and hypothesis anew takes longer than most tests do. Of the tests
of a file those run that call the function that was changed, the quickest first, to the first that fails.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import copy
import os
import pickle
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
import tomllib
import traceback
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
EQUIVALENT = Path(__file__).with_name("equivalent_mutants.toml")
COPIED = ["autograd", "nn", "tests", "docs", "notebooks", "pyproject.toml", "README.md", "CHANGELOG.md", "Makefile"]
SAMPLE, LEAST = 60, 95.0
REWRITE = "ignore::pytest.PytestAssertRewriteWarning"  # hypothesis is loaded already
MEMORY = 6 << 30  # bytes: a mutant may ask for all there is

# The files that are changed, and where their tests are; the examples of the file itself are run behind them, since
# pytest makes a second module of a source file that it meets before its package was imported.
TESTS = {
    "autograd/value.py": [
        "tests/test_value.py", "tests/test_edges.py", "tests/test_graphs.py", "tests/test_functional.py",
    ],
    "autograd/ops.py": [
        "tests/test_ops.py", "tests/test_facts.py", "tests/test_edges.py", "tests/test_value.py",
        "tests/test_functional.py", "tests/test_check.py", "tests/test_matvec.py", "tests/compiler/test_bits.py",
        "tests/diagram/test_every_operation.py",
    ],
    "autograd/functional.py": [
        "tests/test_functional.py", "tests/test_edges.py", "tests/test_graphs.py", "tests/test_check.py",
        "tests/test_branches.py",
    ],
    "autograd/compiler/program/fuse.py": ["tests/compiler/test_fuse.py"],
    "autograd/compiler/program/simplify.py": ["tests/compiler", "tests/test_branches.py"],
    "nn/optim.py": [
        "tests/nn/test_optim.py", "tests/nn/test_edges.py", "tests/nn/test_schedule.py", "tests/nn/test_fit.py",
        "tests/nn/test_checkpoint.py", "tests/compiler/test_fit.py",
    ],
    "nn/losses.py": [
        "tests/nn/test_losses.py", "tests/nn/test_edges.py", "tests/nn/test_fit.py", "tests/compiler/test_fit.py",
    ],
    "nn/checkpoint.py": ["tests/nn/test_checkpoint.py", "tests/nn/test_edges.py", "tests/nn/test_fit.py"],
    "autograd/diagram/chain_rule/derivation.py": [
        "tests/diagram/test_derivation.py", "tests/diagram/test_every_operation.py", "tests/diagram/test_player.py",
    ],
    "autograd/diagram/chain_rule/simplify.py": ["tests/diagram/test_simplify.py", "tests/diagram/test_derivation.py"],
    "autograd/diagram/picture/runs.py": ["tests/diagram/test_runs.py", "tests/diagram/test_clusters.py"],
    "autograd/diagram/moving.py": ["tests/diagram/test_sliders.py", "tests/diagram/test_widget.py"],
}  # fmt: skip

SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.LShift: ast.RShift,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """A change of one place: ``text`` in the bytes from ``start`` to ``end`` of the file."""

    path: str
    line: int
    start: int
    end: int
    text: str
    change: str  # what was there → what is there now
    source: str  # the line it is in
    name: str  # of the function it is in; empty outside of all
    nth: int  # of those that these four say the same of
    function: int | None  # the first line of the function that must be called to notice; None: whoever imports

    @property
    def key(self) -> tuple[str, str, str, str, int]:
        return self.path, self.name, self.source, self.change, self.nth

    def applied(self, source: bytes) -> bytes:
        return source[: self.start] + self.text.encode() + source[self.end :]

    def __str__(self) -> str:
        nth = f" (number {self.nth} of these)" if self.nth > 1 else ""
        return f"{self.path}:{self.line}, in {self.name or 'the file'}: {self.change}{nth}\n        {self.source}"


# ------------------------------------------------------------ making mutants


def mutants(path: str, source: str) -> Iterator[Mutant]:
    """Every change of a file: of operators, numbers, conditions and statements."""
    lines = source.encode().splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))

    def offset(line: int, column: int) -> int:
        return starts[line - 1] + column

    tree = ast.parse(source)
    met: dict[tuple[str, str, str], int] = defaultdict(int)
    for node, name, function in _within(tree, "", None):
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node in tree.body:
            continue  # nothing would be imported without it
        for place, text in _changes(node):
            start = offset(place.lineno, place.col_offset)
            end = offset(place.end_lineno, place.end_col_offset)
            before = " ".join(source.encode()[start:end].decode().split())
            line = lines[place.lineno - 1].decode().strip()
            change = f"{before} → {text}"
            met[name, line, change] += 1
            nth = met[name, line, change]
            yield Mutant(path, place.lineno, start, end, text, change, line, name, nth, function)


def _within(node: ast.AST, name: str, function: int | None) -> Iterator[tuple[ast.AST, str, int | None]]:
    """The nodes that may be changed, each with the name and the first line of the function it is in."""
    if isinstance(node, (ast.Import, ast.ImportFrom, ast.Assert, ast.JoinedStr)):
        return  # an assertion tells a type checker something; a message may say what it likes
    if isinstance(node, ast.keyword) and node.arg == "strict":
        return  # an assertion too
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return  # a docstring
    yield node, name, function
    if isinstance(node, ast.Raise):
        return
    inner_name, inner = name, function
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        inner_name = getattr(node, "name", name)
        inner = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
    for part, value in ast.iter_fields(node):
        if part in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                # the default of an argument is computed where the function is defined
                yield from _within(child, inner_name, inner if part == "body" else function)


def _changes(node: ast.AST) -> Iterator[tuple[Any, str]]:
    """The changes of one node: the place, and the text that comes there."""
    if isinstance(node, (ast.BinOp, ast.BoolOp)):
        yield node, _written(node, op=SWAPS[type(node.op)]())
    elif isinstance(node, ast.Compare):
        for i, op in enumerate(node.ops):
            yield node, _written(node, ops=[*node.ops[:i], SWAPS[type(op)](), *node.ops[i + 1 :]])
    elif isinstance(node, ast.UnaryOp):
        if isinstance(node.op, (ast.USub, ast.Not)):
            yield node, f"({ast.unparse(node.operand)})"
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield node, str(not node.value)
        elif isinstance(node.value, int):
            yield node, str(node.value + 1)
        elif isinstance(node.value, float):
            yield node, repr(node.value * 2 if node.value else 1.0)
    if isinstance(node, (ast.If, ast.IfExp)):
        yield from ((node.test, text) for text in ("True", "False"))
    elif isinstance(node, ast.While) and not isinstance(node.test, ast.Constant):
        yield node.test, "False"
    elif isinstance(node, ast.comprehension):
        yield from ((test, "True") for test in node.ifs)
    elif isinstance(node, ast.Return) and ast.unparse(node) not in ("return", "return None"):
        yield node, "return None"
    elif isinstance(node, (ast.Expr, ast.Assign, ast.AugAssign, ast.Raise, ast.Delete, ast.Continue, ast.Break)) or (
        isinstance(node, ast.AnnAssign) and node.value is not None
    ):
        yield node, "pass"


def _written(node: ast.expr, **fields: Any) -> str:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return f"({ast.unparse(changed)})"


def known_equivalents() -> dict[tuple[str, str, str, str, int], str]:
    """The changes that are known to change nothing: file, function, line, change and number, with the reason."""
    with open(EQUIVALENT, "rb") as file:
        entries = tomllib.load(file)
    rows = ((path, row) for path, rows in entries.items() for row in rows)
    return {(path, row["in"], row["line"], row["change"], row.get("nth", 1)): row["why"] for path, row in rows}


# -------------------------------------------------------------- running tests


class Recorder:
    """A plugin of pytest: which functions of a file each test calls, how long it takes, whether it passes."""

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(path)
        self.calls: set[int] = set()
        self.reached: dict[str, set[int]] = {}
        self.seconds: dict[str, float] = defaultdict(float)
        self.failed: set[str] = set()

    def trace(self, frame: Any, event: str, arg: Any) -> None:
        if frame.f_code.co_filename == self.path:
            self.calls.add(frame.f_code.co_firstlineno)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.calls = self.reached[nodeid] = set()
        threading.settrace(self.trace)
        sys.settrace(self.trace)

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.seconds[report.nodeid] += report.duration
        if report.failed or (report.skipped and report.when != "call"):
            self.failed.add(report.nodeid)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type]


class Chosen:
    """A plugin of pytest: these tests in this order."""

    def __init__(self, names: list[str]) -> None:
        self.rank = {name: i for i, name in enumerate(names)}

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items[:] = sorted((x for x in items if x.nodeid in self.rank), key=lambda x: self.rank[x.nodeid])


def in_child(folder: Path, tests: list[str], plugin: Any, result: Path | None = None) -> int:
    """Start a process that runs tests in a copy of the tree, and return its number; it ends with pytest's exit code."""
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        import resource

        os.setsid()
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        os.chdir(folder)
        sys.path.insert(0, str(folder))
        os.environ |= {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "CHALKGRAD_ENGINE": "python"}
        sys.dont_write_bytecode = True
        log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(log, 1)
        os.dup2(log, 2)
        import pytest

        options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-W", REWRITE, *([] if result else ["-x"])]
        code = pytest.main([*options, *tests], plugins=[plugin])
        if result:
            found = {"reached": plugin.reached, "seconds": dict(plugin.seconds), "failed": plugin.failed}
            result.write_bytes(pickle.dumps(found))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(int(code))


@dataclass
class Work:
    """What is known of a file: its mutants, and of each test what it calls and how long it takes."""

    path: str
    source: bytes
    chosen: list[Mutant]
    reached: dict[str, set[int]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    survivors: list[Mutant] = field(default_factory=list)
    late: int = 0

    def tests_of(self, mutant: Mutant) -> list[str]:
        names = [n for n, lines in self.reached.items() if mutant.function is None or mutant.function in lines]
        return sorted(names, key=lambda name: self.seconds[name])


def collect(works: list[Work], folders: list[Path]) -> None:
    """Run the tests of each file on the source as it is, as many files at once as there are folders."""
    waiting, free, running = list(works), list(folders), {}
    while waiting or running:
        while waiting and free:
            work, folder = waiting.pop(), free.pop()
            pid = in_child(folder, present(work.path), Recorder(str(folder / work.path)), folder / "found")
            running[pid] = work, folder
        pid, _ = os.wait()
        work, folder = running.pop(pid)
        free.append(folder)
        if (folder / "found").exists():
            found = pickle.loads((folder / "found").read_bytes())
            (folder / "found").unlink()
            work.seconds, failed = found["seconds"], found["failed"]
            work.reached = {name: lines for name, lines in found["reached"].items() if name not in failed}
        if not work.reached:
            sys.exit(f"no test of {work.path} passes:\n{(folder / 'log').read_text()[-3000:]}")
        left_out = f"; left out, since they do not pass: {', '.join(sorted(failed)[:3])}" if failed else ""
        print(f"{work.path}: {len(work.reached)} tests, {sum(work.seconds.values()):.0f} s{left_out}", flush=True)


def present(path: str) -> list[str]:
    return [test for test in [*TESTS[path], path] if (ROOT / test).exists()]


def copied(where: Path) -> Path:
    """A copy of the tree for one worker, with everything compiled to bytecode."""
    where.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, where / name, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
        elif source.exists():
            shutil.copy(source, where / name)
    return where


def run(works: list[Work], folders: list[Path]) -> None:
    """Run every chosen mutant, as many at once as there are folders, and fill in the survivors."""
    waiting = [(work, mutant) for work in works for mutant in work.chosen]
    total, free, running = len(waiting), list(folders), {}
    waiting.reverse()
    while waiting or running:
        while waiting and free:
            work, mutant = waiting.pop()
            tests = work.tests_of(mutant)
            if not tests:
                work.survivors.append(mutant)
                continue
            folder = free.pop()
            (folder / work.path).write_bytes(mutant.applied(work.source))
            limit = 20.0 + 5.0 * sum(work.seconds[name] for name in tests)
            pid = in_child(folder, present(work.path), Chosen(tests))
            running[pid] = work, mutant, folder, time.monotonic() + limit
        time.sleep(0.02)
        for pid, (work, mutant, folder, limit) in list(running.items()):
            done, status = os.waitpid(pid, os.WNOHANG)
            late = not done and time.monotonic() > limit
            if late:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                work.late += 1
            elif done and os.waitstatus_to_exitcode(status) in (0, 5):
                work.survivors.append(mutant)
                print(f"survived: {mutant}", flush=True)
            if done or late:
                (folder / work.path).write_bytes(work.source)
                free.append(folder)
                del running[pid]
                done_so_far = total - len(waiting) - len(running)
                if done_so_far % 50 == 0:
                    print(f"{done_so_far} of {total}", flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="*", metavar="FILE", help=f"of {', '.join(TESTS)}")
    parser.add_argument(
        "--sample", type=int, default=SAMPLE, metavar="N", help="mutants of each file (default: %(default)s)"
    )
    parser.add_argument("--all", action="store_true", help="every mutant, which takes hours")
    parser.add_argument("--seed", type=int, help="what the sample is drawn by")
    parser.add_argument("--line", type=int, help="only the mutants of this line")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="mutants at once (default: %(default)s)")
    parser.add_argument("--least", type=float, default=LEAST, help="percent; less is a failure (default: %(default)s)")
    chosen = parser.parse_args()
    if unknown := [path for path in chosen.files if path not in TESTS]:
        parser.error(f"there are no tests named for {', '.join(unknown)}; see TESTS in {Path(__file__).name}")
    return chosen


def main() -> int:
    options = arguments()
    seed = random.randrange(10**6) if options.seed is None else options.seed
    equivalents = known_equivalents()
    works, stale = [], set(equivalents)
    for path in options.files or TESTS:
        text = (ROOT / path).read_text(encoding="utf-8")
        found = list(mutants(path, text))
        stale -= {m.key for m in found}
        found = [m for m in found if m.key not in equivalents]
        if options.line:
            found = [m for m in found if m.line == options.line]
        if not options.all and len(found) > options.sample:
            found = sorted(random.Random(f"{seed} {path}").sample(found, options.sample), key=lambda m: m.start)
        works.append(Work(path, text.encode(), found))
    print(f"seed {seed}: {sum(len(work.chosen) for work in works)} mutants")

    import hypothesis  # noqa: F401  # loaded before the first fork, so that no child has to
    import mpmath  # noqa: F401
    import numpy  # noqa: F401
    import pytest  # noqa: F401

    with tempfile.TemporaryDirectory(prefix="mutants") as scratch:
        folders = [copied(Path(scratch) / str(i)) for i in range(options.jobs)]
        collect(works, folders)
        run(works, folders)

    print("\nkilled  of   score  file")
    short = 0
    for work in works:
        killed = len(work.chosen) - len(work.survivors)
        score = 100 * killed / len(work.chosen) if work.chosen else 100.0
        short += score < options.least
        late = f"  ({work.late} by the time limit)" if work.late else ""
        print(f"{killed:6} {len(work.chosen):4}  {score:5.1f} %  {work.path}{late}")
    for work in works:
        for mutant in work.survivors:
            print(f"\nsurvivor {mutant}")
    for path, name, line, change, _ in sorted(key for key in stale if key[0] in (options.files or TESTS)):
        print(f"\nno longer there, take it from {EQUIVALENT.name}: {path}, {name}: {change} in {line}")
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
