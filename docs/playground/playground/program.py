"""A program of the reader's is run, and what its last line gives becomes pages: picture, derivation, diagnosis."""

from __future__ import annotations

import ast
import contextlib
import io
import linecache
import re
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from autograd import OPERATIONS, Diagram, Finding, Value, diagnose, draw, explain, topological_order
from autograd.diagram.text import allowed, clean, number, xml
from autograd.diagram.webpage import palette, web_page

FILE = "program.py"  # what tracebacks call it
MOST_TEXT = 100_000  # characters of output; more would only make the page slow
MOST_MESSAGE = 10_000  # characters of an error's message
OFTEN = 0.05  # seconds from one piece of output to the next
MOST_DERIVATIONS = 12
_ROWS = set(OPERATIONS)
SHEET = """
body { margin: 0; padding: 4px 12px; background: var(--paper); color: var(--ink);
  font: 15px/1.5 Helvetica, Arial, "Liberation Sans", sans-serif; }
h2 { font-size: 16px; margin: 18px 0 6px; } h2:first-child { margin-top: 6px; }
.wide { overflow-x: auto; } math { font-size: 17px; text-align: left !important; } mtd { text-align: left; }
mtd:first-child { text-align: right; } pre { font-size: 13px; margin: 4px 0; }
summary { cursor: pointer; color: var(--quiet); } p, li { max-width: 46em; } .advice { color: var(--quiet); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
"""


class Program:
    """One run of a program. ``result`` is what its last line gave; ``error`` says where and why it stopped, or None.

    ``pages`` names the pages that there are of the result: "picture", "explain", "diagnose".
    """

    def __init__(self, source: str, write: Callable[[str], None]) -> None:
        self.source = source
        self.result: Any = None
        self.error: dict[str, Any] | None = None
        self.pages: list[str] = []
        output = _Output(write)
        for name in OPERATIONS.keys() - _ROWS:  # that an earlier run defined, as this one may do once more
            del OPERATIONS[name]
        try:
            with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
                self.result = _run(source)
                self.pages = [name for name, maker in MAKERS.items() if maker(self.result) is not None]
                if self.result is not None and not {"picture", "explain"} & set(self.pages):
                    print(self.result)
        except BaseException as error:  # SystemExit, too: it ends the program, and not the page
            self.error = None if isinstance(error, SystemExit) and not error.code else _told(error, source)
        finally:
            output.finish()

    def page(self, name: str) -> str:
        """Return one of them as HTML; an error while it is made becomes the page."""
        maker = MAKERS[name](self.result)
        try:
            return maker() if maker is not None else _page(name, "<p>There is nothing to show.</p>")
        except Exception as error:
            return _page(name, f"<p>This cannot be shown: {xml(clean(str(error), 2000))}</p>")


Page = Callable[[], str]


def picture(result: Any) -> Page | None:
    """Return what makes the page of a result that is a picture, or can be drawn."""
    if _values(result):
        return lambda: draw(result).html
    if isinstance(result, Diagram) or hasattr(result, "drawing"):
        return lambda: str(result.html)
    if isinstance(getattr(result, "html", None), str):  # the film of a training
        return lambda: str(result.html)
    own = getattr(result, "_repr_html_", None)
    if callable(own):
        return lambda: _page("picture", str(own()))  # its scripts do not run: the page's policy allows none
    return None


def explanation(result: Any) -> Page | None:
    """Return what makes the page of derivations: of a result that is one, or for each leaf that it depends on."""
    if hasattr(result, "mathml"):
        return lambda: _page("explain", _derivation(result))
    root = _root(result)
    return (lambda: _page("explain", _derivations(root))) if root is not None and root.operands else None


def diagnosis(result: Any) -> Page | None:
    """Return what makes the page of findings, of a result that is a list of them or a graph."""
    if isinstance(result, list) and result and all(isinstance(one, Finding) for one in result):
        return lambda: _page("diagnose", _findings(result))
    root = _root(result)
    return (lambda: _page("diagnose", _findings(diagnose(root)))) if root is not None else None


MAKERS = {"picture": picture, "explain": explanation, "diagnose": diagnosis}


def _values(result: Any) -> bool:
    several = isinstance(result, (list, tuple)) and bool(result) and all(isinstance(one, Value) for one in result)
    return isinstance(result, Value) or several


def _root(result: Any) -> Value | None:
    """The graph's output, also that of a function with sliders."""
    if isinstance(result, Value):
        return result
    moving = getattr(getattr(result, "drawing", None), "moving", None)
    return moving.output if moving is not None else None


def _derivations(root: Value) -> str:
    order = topological_order(root)
    leaves = [v for v in order if v.op is None and v is not root and v.requires_grad]
    leaves.sort(key=_place)
    parts = []
    for leaf in leaves[:MOST_DERIVATIONS]:
        derivation = explain(root, wrt=leaf)
        title = f"∂{clean(root.name or 'output', 40)}/∂{clean(leaf.name or 'a value without a name', 40)}"
        parts.append(f"<h2>{xml(title)} = {xml(number(derivation.value, 6))}</h2>{_derivation(derivation)}")
    if len(leaves) > MOST_DERIVATIONS:
        parts.append(
            f"<p>… and of {len(leaves) - MOST_DERIVATIONS} more: explain(output, wrt=value) writes one out.</p>"
        )
    return "".join(parts) or "<p>It depends on no value that has a gradient.</p>"


def _place(leaf: Value) -> tuple[bool, list[str | int]]:
    """Its place among the leaves: by name, w2 before w10, and those without one last."""
    return not leaf.name, [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", leaf.name or "")]


def _derivation(derivation: Any) -> str:
    text = xml(allowed(str(derivation)))
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="derivation">{derivation.mathml}</div>'
        f"<details><summary>as text</summary><pre>{text}</pre></details>"
    )


def _findings(findings: Sequence[Finding]) -> str:
    if not findings:
        return f"<p>{xml(str(findings))}</p>"
    items = (
        f"<li><strong>{xml(one.kind)}</strong>: {xml(clean(one.message, 2000))}. "
        f'<span class="advice">{xml(clean(one.advice, 2000))}</span></li>'
        for one in findings
    )
    return f"<ol>{''.join(items)}</ol>"


def _page(title: str, body: str) -> str:
    return web_page(title, f"<main>{body}</main>", palette("auto") + SHEET, "")


def _run(source: str) -> Any:
    """Run a program in a namespace of its own, and return what its last line gives, where that is an expression."""
    linecache.cache[FILE] = (len(source), None, source.splitlines(keepends=True), FILE)  # for warnings and tracebacks
    tree = ast.parse(source, FILE)
    namespace = {"__name__": "__main__", "input": _no_input}
    last = tree.body[-1] if tree.body else None
    tree.body = tree.body[:-1] if isinstance(last, ast.Expr) else tree.body
    exec(compile(tree, FILE, "exec", dont_inherit=True), namespace)  # without the __future__ of this file
    if not isinstance(last, ast.Expr):
        return None
    return eval(compile(ast.Expression(last.value), FILE, "eval", dont_inherit=True), namespace)


def _no_input(prompt: object = "") -> str:
    raise RuntimeError("input() waits for a keyboard, and this page has none for it: write the text into the program")


def _told(error: BaseException, source: str) -> dict[str, Any]:
    """What the page says of an error: its line, and the way to it through the reader's own lines."""
    message = "".join(traceback.format_exception_only(error)).strip()
    if len(message) > MOST_MESSAGE:
        message = f"{message[:MOST_MESSAGE]}\n… and {len(message) - MOST_MESSAGE:,} characters more."
    if isinstance(error, ImportError):
        message += "\nThis page has the standard library of Python, autograd and nn, and no other package."
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == FILE]
    if isinstance(error, SyntaxError) and error.filename == FILE and error.lineno is not None:
        text = error.text or "".join(source.splitlines()[error.lineno - 1 : error.lineno])
        words = f"Line {error.lineno}: {type(error).__name__}: {error.msg}"
        return {"line": error.lineno, "column": error.offset, "text": f"{words}\n    {text.strip()}"}
    steps = _shortened([_step(frame.lineno, frame.name, frame.line) for frame in frames])
    return {"line": frames[-1].lineno if frames else None, "column": None, "text": "\n".join([*steps, message])}


def _step(line: int | None, function: str, text: str | None) -> str:
    where = "" if function == "<module>" else f", in {function}"
    return f"Line {line}{where}:\n    {(text or '').strip()}"


def _shortened(steps: list[str]) -> list[str]:
    return steps if len(steps) <= 12 else [*steps[:4], f"… {len(steps) - 8} calls more …", *steps[-4:]]


class _Output(io.TextIOBase):
    """What is printed, in pieces, and no more than a page can show."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write, self._parts, self._count, self._at = write, list[str](), 0, time.monotonic()

    def writable(self) -> bool:
        """Say that it can be written to."""
        return True

    def write(self, text: str) -> int:
        """Keep a piece of text until some of it is due."""
        if self._count <= MOST_TEXT:
            self._count += len(text)
            self._parts.append(text[: max(MOST_TEXT - self._count + len(text), 0)])
            if self._count > MOST_TEXT:
                self._parts.append(f"\n… more than {MOST_TEXT:,} characters; the rest is not shown.\n")
        if time.monotonic() - self._at > OFTEN:
            self.finish()
        return len(text)

    def finish(self) -> None:
        """Hand on what is there."""
        self._at = time.monotonic()
        if self._parts:
            self._write("".join(self._parts))
            self._parts.clear()
