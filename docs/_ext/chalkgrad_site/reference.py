"""The reference: every public name of `autograd` and `nn`, from its docstring, on a page for its subject.

A name goes to the page that its module belongs to, so that a new one appears by itself.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple

import autograd
import nn
from autograd import OPERATIONS, Value

from .docstrings import as_markdown, signature

PACKAGES = (autograd, nn)
# Pages: the file, the title, and the modules whose names are on it. What belongs to none of them goes to the last.
SUBJECTS = [
    ("values", "Values and graphs", ("autograd.value", "autograd._engine", "autograd.graph", "autograd.modes")),
    ("derivatives", "Derivatives and checks", ("autograd.functional", "autograd.check")),
    ("loops", "Loops and layers at once", ("autograd.loops", "autograd.matvec")),
    ("jit", "Machine code", ("autograd.compiler",)),
    ("pictures", "Pictures and explanations", ("autograd.diagram",)),
    ("own_operations", "The table of operations, and operations of your own", ("autograd.operation",)),
    ("errors", "Errors", ("autograd.errors",)),
    ("layers", "Networks", ("nn.module", "nn.layers", "nn.initializers")),
    ("losses", "Losses and metrics", ("nn.losses", "nn.metrics")),
    ("optimisers", "Optimisers and schedules", ("nn.optim", "nn.schedule")),
    ("training", "Training", ("nn.fit", "nn.run", "nn.history", "nn.checkpoint")),
    ("seeing", "Networks and their training as pictures",
     ("nn.draw", "nn.flow", "nn.plot", "nn.live", "nn.player", "nn.recorder")),
    ("data", "Data", ("nn.data",)),
    ("interop", "Weights to and from PyTorch", ("nn.interop",)),
    ("more", "More", ()),
]  # fmt: skip


class Name(NamedTuple):
    """A public name: its package, what it is, and the module that defines it."""

    package: str
    name: str
    what: Any
    module: str

    @property
    def full(self) -> str:
        """The name that others import it by."""
        return f"{self.package}.{self.name}"


@cache
def public_names() -> tuple[Name, ...]:
    """Every public name, those of the operations included."""
    names = []
    for package in PACKAGES:
        for name in package.__all__:
            what = getattr(package, name)
            names.append(Name(package.__name__, name, what, _home(package, name, what)))
    return tuple(names)


def is_operation(name: Name) -> bool:
    """Whether it is the function of a row of the table, which has its place among the operations."""
    return name.package == "autograd" and name.name in OPERATIONS


@cache
def subjects() -> dict[str, list[Name]]:
    """The names on each page of the reference."""
    found: dict[str, list[Name]] = {page: [] for page, _, _ in SUBJECTS}
    for name in public_names():
        if not is_operation(name):
            found[_subject(name)].append(name)
    return {page: names for page, names in found.items() if names}


def _subject(name: Name) -> str:
    for page, _, modules in SUBJECTS:
        if any(name.module == module or name.module.startswith(module + ".") for module in modules):
            return page
    return SUBJECTS[-1][0]


def _home(package: ModuleType, name: str, what: Any) -> str:
    """The module that defines a name."""
    if what is Value:
        return "autograd.value"
    if isinstance(what, ModuleType):
        return what.__name__
    module = getattr(what, "__module__", None)
    return module if module else next(_defining(package, name), ("", ""))[0]


def _defining(package: ModuleType, name: str) -> Iterator[tuple[str, str]]:
    """The modules that assign to a name, each with what the comment `#:` above the assignment says of it."""
    for info in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        spec = importlib.util.find_spec(info.name) if not info.name.endswith("__main__") else None
        source = spec.loader.get_source(info.name) if spec and hasattr(spec.loader, "get_source") else None
        if not source or f"\n{name}" not in source:
            continue
        for node in ast.parse(source).body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                yield info.name, _comment_above(source.splitlines(), node.lineno)
                break


def _comment_above(lines: list[str], lineno: int) -> str:
    said: list[str] = []
    for line in reversed(lines[: lineno - 1]):
        if not line.startswith("#: "):
            break
        said.insert(0, line.removeprefix("#: "))
    return "\n".join(said)


@cache
def links(package: str) -> dict[str, str]:
    """What may stand between backticks in a docstring of this package, and what it means."""
    known = {name.full: name.full for name in public_names()}
    for name in sorted(public_names(), key=lambda n: n.package == package):  # its own package has the last word
        if not isinstance(name.what, ModuleType):
            known[name.name] = name.full
    return known


def _linked(text: str, name: Name) -> str:
    """A docstring as Markdown; a class's own attributes are meant before any function of that name."""
    own = {name.name, *(vars(name.what) if inspect.isclass(name.what) else ())}
    others = {words: target for words, target in links(name.package).items() if words not in own}
    return as_markdown(text, others)


def pages() -> dict[str, str]:
    """The Markdown of every page, by the name of its file."""
    titles = {page: title for page, title, _ in SUBJECTS}
    written = {page: _page(titles[page], names) for page, names in subjects().items()}
    listed = "\n".join(written)
    about = (
        "Every public name of the packages `autograd` and `nn`, from its docstring. The functions of the table "
        "(`autograd.tanh` and the like) stand in [every operation](../operations/index.md). "
        "Every example here is run by the tests."
    )
    written["index"] = f"# Reference\n\n{about}\n\n{_contents()}\n\n```{{toctree}}\n:hidden:\n\n{listed}\n```\n"
    return written


def _contents() -> str:
    titles = {page: title for page, title, _ in SUBJECTS}
    lines = []
    for page, names in subjects().items():
        shown = ", ".join(f"{{py:obj}}`{n.full}`" for n in names if not isinstance(n.what, ModuleType))
        modules = ", ".join(f"`{n.full}`" for n in names if isinstance(n.what, ModuleType))
        lines.append(f"[{titles[page]}]({page}.md)\n: {', '.join(filter(None, [shown, modules]))}")
    return "\n\n".join(lines)


def _page(title: str, names: list[Name]) -> str:
    return f"# {title}\n\n" + "\n\n".join(map(entry, names)) + "\n"


def entry(name: Name) -> str:
    """One public name, as directives of Sphinx's domain for Python."""
    if isinstance(name.what, ModuleType):
        return _module(name)
    if inspect.isclass(name.what):
        return _class(name)
    if callable(name.what):
        return _block("py:function", name.full + signature(name.what), _text(name, name.what), name.package)
    return _block("py:data", name.full, _data_text(name), name.package)


def _text(name: Name, what: Any) -> str:
    return _linked(inspect.getdoc(what) or "", name)


def _data_text(name: Name) -> str:
    package = next(p for p in PACKAGES if p.__name__ == name.package)
    text = next(_defining(package, name.name), ("", ""))[1]
    return _linked(text, name)


def _block(kind: str, head: str, body: str, package: str, colons: int = 4) -> str:
    fence = ":" * colons
    own = head.removeprefix(f"{package}.")
    return f"{fence}{{{kind}}} {own}\n:module: {package}\n\n{body}\n{fence}"


def _class(name: Name) -> str:
    cls = name.what
    kind = "py:exception" if issubclass(cls, BaseException) else "py:class"
    parts = [_bases(cls, name), _text(name, cls)]
    parts += [_member(name, attribute, what) for attribute, what in members(cls)]
    if cls is Value:
        parts.append(_methods_of_the_table())
    return _block(kind, name.full + signature(cls), "\n\n".join(filter(None, parts)), name.package, 6)


def _bases(cls: type, name: Name) -> str:
    public = {id(n.what): n for n in public_names()}
    shown = []
    for base in cls.__bases__:
        if id(base) in public:
            shown.append(f"{{py:obj}}`{public[id(base)].name} <{public[id(base)].full}>`")
        elif issubclass(base, BaseException) and base.__module__ == "builtins":
            shown.append(f"`{base.__name__}`")
    return f"Base: {', '.join(shown)}." if shown else ""


def members(cls: type) -> list[tuple[str, Any]]:
    """The documented public methods and attributes that a class, or a private base of it, defines."""
    public = {id(n.what) for n in public_names()}
    found: dict[str, Any] = {}
    for base in [b for b in cls.__mro__ if b is cls or (_ours(b) and id(b) not in public)]:
        for attribute, what in vars(base).items():
            if not attribute.startswith("_"):
                found.setdefault(attribute, what)
    if issubclass(cls, autograd.Number):
        found = {name: what for name, what in found.items() if name not in _table_methods()}
    return [(name, what) for name, what in found.items() if _documented(what)]


def _documented(what: Any) -> bool:
    function = getattr(what, "__func__", what)
    kinds = (property, classmethod, staticmethod)
    describes = inspect.isroutine(function) or inspect.isdatadescriptor(what) or isinstance(what, kinds)
    return bool(describes and getattr(function, "__doc__", None))


def _ours(cls: type) -> bool:
    return cls.__module__.partition(".")[0] in ("autograd", "nn")


def _table_methods() -> set[str]:
    rows = [op for op in OPERATIONS.values() if op.method]
    return {name for op in rows for name in (op.name, *op.numpy)}


def _methods_of_the_table() -> str:
    rows = ", ".join(f"[`{op.name}`](#op-{op.name})" for op in OPERATIONS.values() if op.method)
    return f"Each function of the table that is a method, too: {rows}."


def _member(owner: Name, attribute: str, what: Any) -> str:
    head = f"{owner.full}.{attribute}"
    text = _linked(inspect.getdoc(getattr(what, "__func__", what)) or "", owner)
    if isinstance(what, (staticmethod, classmethod)):
        flag = "staticmethod" if isinstance(what, staticmethod) else "classmethod"
        block = _block(
            "py:method", head + signature(what.__func__, bound=flag == "classmethod"), text, owner.package, 5
        )
        return block.replace(f":module: {owner.package}\n", f":module: {owner.package}\n:{flag}:\n", 1)
    if inspect.isroutine(what):
        return _block("py:method", head + (signature(what, bound=True) or "()"), text, owner.package, 5)
    return _block("py:attribute", head, text, owner.package, 5)


def _module(name: Name) -> str:
    module = name.what
    head = _linked(inspect.getdoc(module) or "", name)
    parts = [f"## `{name.full}`", f"```{{py:module}} {name.full}\n```", head]
    for attribute, what in vars(module).items():
        if not attribute.startswith("_") and getattr(what, "__module__", None) == module.__name__:
            inner = Name(name.full, attribute, what, module.__name__)
            parts.append(_inner(inner))
    return "\n\n".join(parts)


def _inner(name: Name) -> str:
    if inspect.isclass(name.what):
        return _class(name)
    return _block("py:function", name.full + signature(name.what), _text(name, name.what), name.package)


def documented_names() -> set[str]:
    """The full names that the pages document, as the pages have them."""
    found = set()
    for text in pages().values():
        for head, module in re.findall(r"^:{4,6}\{py:\w+\} ([\w.]+).*\n:module: ([\w.]+)", text, re.MULTILINE):
            found.add(f"{module}.{head}")
        found |= set(re.findall(r"^```\{py:module\} ([\w.]+)", text, re.MULTILINE))
    return found
