"""Every operation, from the table: a page for each family, which is a section of autograd/ops.py.

Formulas, derivatives and domains come from the row, and what a derivative is where there is none from
docs/conventions.md, whose table the tests hold to what the operations do.
"""

from __future__ import annotations

import ast
import inspect
import math
import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import autograd
from autograd import OPERATIONS, Operation, ops
from autograd.diagram.latex import latex_name

from . import plot, reference
from .docstrings import as_markdown, signature

CONVENTIONS = Path(__file__).parents[2] / "conventions.md"
_OPERATORS = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.Pow: "pow", ast.Mod: "mod"}


class Convention(NamedTuple):
    """A row of the table in docs/conventions.md."""

    expression: str
    at: str
    first: str
    second: str
    torch: str
    why: str


@cache
def conventions() -> list[Convention]:
    """The rows of the table of points without a derivative."""
    lines = CONVENTIONS.read_text(encoding="utf-8").splitlines()
    return [Convention(*(cell.strip() for cell in line.split("|")[1:-1])) for line in lines if line.startswith("| `")]


def conventions_of(name: str) -> list[Convention]:
    """The rows about an operation: its own, and those that name it among the operations that are alike.

    >>> [row.at for row in conventions_of("minimum")]
    ['x=1, y=1']
    """
    return [row for row in conventions() if _about(row) == name or f"`{name}`" in row.why]


def _about(row: Convention) -> str:
    tree: Any = ast.parse(row.expression.strip("`"), mode="eval").body
    if isinstance(tree, ast.Subscript):
        tree = tree.value
    if isinstance(tree, ast.BinOp):
        return _OPERATORS[type(tree.op)]
    return str(tree.func.id)


@cache
def families() -> dict[str, list[Operation]]:
    """The rows in the sections of the table's file; those that were defined elsewhere are left out."""
    found: dict[str, list[Operation]] = {}
    title = ""
    for match in re.finditer(r"^# -{9,} (.+)$|= _(?:row|step)\(\s*\"(\w+)\"", inspect.getsource(ops), re.MULTILINE):
        if match[1]:
            title = match[1]
        elif title:
            found.setdefault(title, []).append(OPERATIONS[match[2]])
    return found


def file_of(title: str) -> str:
    """The name of a family's page, without an extension."""
    return re.sub(r"\W+", "_", title)


def pages() -> dict[str, str]:
    """The Markdown of every page, by the name of its file."""
    written = {
        file_of(title): f"# {title.capitalize()}\n\n" + "\n\n".join(map(entry, rows)) + "\n"
        for title, rows in families().items()
    }
    listed, count = "\n".join(written), sum(map(len, families().values()))
    written["index"] = (
        f"# Every operation\n\nThe {count} rows of the table `autograd.OPERATIONS`, each with its formula, "
        "its derivatives, where it is real, what its derivative is where there is none, and a picture of its value and "
        "its slope. Operators (`+`, `*`, `**`) and the functions of `autograd` make them; nearly every function is a "
        "method of a `Value`, too. In the formulas *f* is the result; square brackets are 1 where what is in them "
        f"holds, and else 0.\n\n{_contents()}\n\n```{{toctree}}\n:hidden:\n\n{listed}\n```\n"
    )
    return written


def _contents() -> str:
    lines = []
    for title, rows in families().items():
        names = ", ".join(f"[`{op.name}`](#op-{op.name})" for op in rows)
        lines.append(f"[{title.capitalize()}]({file_of(title)}.md)\n: {names}")
    return "\n\n".join(lines)


def entry(op: Operation) -> str:
    """One operation: what it says of itself, its formulas, a picture, and facts."""
    facts = [_domain(op), *_kinks(op), _elsewhere(op)]
    listed = "\n".join(f"- {fact}" for fact in facts if fact)
    parts = [f"(op-{op.name})=\n## `{op.name}`", _described(op), formulas(op), picture(op), listed]
    return "\n\n".join(filter(None, parts))


def _described(op: Operation) -> str:
    """The public function with its docstring, without the formulas, which stand below it."""
    function = getattr(autograd, op.name, None)
    text = inspect.getdoc(function or op.evaluate) or ""
    paragraphs = [p for p in re.split(r"\n\s*\n", text) if not p.startswith(("Written f = ", "The operation ``"))]
    own = {words: full for words, full in reference.links("autograd").items() if full != f"autograd.{op.name}"}
    described = as_markdown("\n\n".join(paragraphs), own)
    if function is None:
        return described
    return (
        f"::::{{py:function}} {op.name}{signature(function)}\n:module: autograd\n:no-contents-entry:\n\n"
        f"{described}\n::::"
    )


def names_of(op: Operation) -> list[str]:
    """The names of the operands in formulas; of an operation of any number of them, some."""
    function = getattr(autograd, op.name, None)
    if op.arity and function is not None:
        return list(inspect.signature(function).parameters)
    if op.operands:
        return list(op.operands)
    return ["w_1", "w_2", "x_1", "x_2"] if op.lists == 2 else ["x_1", "x_2", "x_3"]


def formulas(op: Operation) -> str:
    """The operation and its derivatives as mathematics, from the notation of the row."""
    operands = [latex_name(name) for name in names_of(op)]
    lines = [f"f &= {op.write(operands, style='latex', result='f')}"]
    for i, operand in enumerate(operands):
        slope = op.write_derivative(i, operands, style="latex", result="f")
        lines.append(rf"\frac{{\partial f}}{{\partial {operand}}} &= {slope}")
    rows = " \\\\\n".join(lines)
    return f"```{{math}}\n\\begin{{aligned}}\n{rows}\n\\end{{aligned}}\n```"


def picture(op: Operation) -> str:
    """The curve as a figure, or a sentence that says why there is none."""
    chosen = plot.slice_of(op)
    if chosen is None:
        if op.arity is None:
            return "It takes any number of operands, so that there is no curve of it."
        return "Its value is that of one of two branches, so that there is no curve of it."
    others = chosen.said(op)
    caption = f"<figcaption>A slice: {others}.</figcaption>" if others else ""
    return f'```{{raw}} html\n<figure class="operation">{plot.svg(op)}{caption}</figure>\n```'


def _domain(op: Operation) -> str:
    bounded = []
    for name, (low, high) in zip(names_of(op), op.domain, strict=False):
        if math.isfinite(low) and low == high:
            continue  # whole numbers, which are no interval
        if math.isfinite(low) and math.isfinite(high):
            bounded.append(f"{low:g} ≤ {name} ≤ {high:g}".replace("-", "−"))
        elif math.isfinite(low):
            bounded.append(f"{name} ≥ {low:g}".replace("-", "−"))
    return f"**Real for** {' and '.join(bounded)}." if bounded else "**Real for** all real numbers."


def _kinks(op: Operation) -> list[str]:
    rows = [_kink(row) for row in conventions_of(op.name)]
    if rows:
        rows[-1] += " See [where a derivative does not exist](../conventions.md)."
    return rows


def _kink(row: Convention) -> str:
    is_ = "derivatives of {} are" if "," in row.first else "derivative of {} is"
    said = f"**At** `{row.at.replace('=', ' = ')}`: the {is_.format(row.expression)} {_plain(row.first)}"
    return f"{said}, the second {_plain(row.second)}" + (f" (PyTorch: {_plain(row.torch)})." if row.torch else ".")


def _plain(numbers: str) -> str:
    return re.sub(r"-(?=\d|inf)", "−", numbers)


def _elsewhere(op: Operation) -> str:
    said = []
    if op.method:
        said.append(f"method `Value.{op.name}`")
    if op.numpy:
        said.append("NumPy " + ", ".join(f"`{name}`" for name in op.numpy))
    if op.torch is not None:
        module, options = op.torch
        said.append(f"PyTorch `torch.nn.{module}({', '.join(f'{k}={v!r}' for k, v in options.items())})`")
    return f"**Also** {'; '.join(said)}." if said else ""
