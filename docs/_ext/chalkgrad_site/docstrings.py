"""A docstring as Markdown, and a signature with short types."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any

_LITERAL = re.compile(r"(``?)([^`]+)\1")
_MARKUP = re.compile(r"(?<!\w)\*\w[^*]*\w\*(?!\w)|[*<$\[\]{}]")  # *Mish*, the title of a work, stays as it is


def as_markdown(docstring: str, links: Mapping[str, str]) -> str:
    """Return a docstring as Markdown: examples in fences, public names as links, everything else as it stands.

    `links` maps what may stand between backticks to the full name of what it means.

    >>> as_markdown("As `grad`, for x > y.", {"grad": "autograd.grad"})
    'As {py:obj}`grad <autograd.grad>`, for x > y.'
    """
    paragraphs = re.split(r"\n[ ]*\n", inspect.cleandoc(docstring))
    return "\n\n".join(_example(p) if p.startswith(">>>") else _prose(p, links) for p in paragraphs)


def _example(text: str) -> str:
    text = text.replace("<BLANKLINE>", "")
    return f"```pycon\n{text}\n```"


def _prose(text: str, links: Mapping[str, str]) -> str:
    written, at = "", 0
    for literal in _LITERAL.finditer(text):
        written += _escaped(text[at : literal.start()]) + _literal(literal[2], links)
        at = literal.end()
    written += _escaped(text[at:])
    return re.sub(r"^(?=[-+>#]\s)", r"\\", written, flags=re.MULTILINE)  # a line that happens to begin like a list


def _literal(words: str, links: Mapping[str, str]) -> str:
    target = links.get(words.removesuffix("()"))
    words = " ".join(words.split())
    return f"{{py:obj}}`{words} <{target}>`" if target else f"``{words}``"


def _escaped(text: str) -> str:
    return _MARKUP.sub(lambda found: found[0] if len(found[0]) > 1 else "\\" + found[0], text)


def signature(function: Any, *, bound: bool = False) -> str:
    """Return the parameters and the result with short types; empty where Python does not know them.

    `bound` leaves out the first parameter, a method's `self`.

    >>> def f(self, x: Any, count: int = 3) -> Callable[P, Any]: ...
    >>> signature(f, bound=True)
    '(x, count: int = 3) -> Callable'
    """
    try:
        known = inspect.signature(function)
    except (TypeError, ValueError):
        return ""
    parameters = list(known.parameters.values())[bound:]
    parameters = [p.replace(annotation=_short(p.annotation), default=_default(p.default)) for p in parameters]
    result = _short(known.return_annotation)
    if result is not inspect.Parameter.empty and str(result) == "None":
        result = inspect.Signature.empty
    text = str(known.replace(parameters=parameters, return_annotation=result))
    return text.replace("(/, ", "(").replace("(/)", "()")


class _Written:
    """What a signature shows as it stands."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def _short(annotation: Any) -> Any:
    if annotation is inspect.Parameter.empty:
        return annotation
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    text = re.sub(r"\bCallable\[(?:[^\[\]]|\[[^\[\]]*\])*\]", "Callable", text)
    text = re.sub(r"\b(?:os|typing|collections\.abc)\.", "", text)
    return inspect.Parameter.empty if text in ("Any", "_Switched") else _Written(text)


def _default(default: Any) -> Any:
    if default is inspect.Parameter.empty or isinstance(default, (int, float, str, tuple, bool, type(None))):
        return default
    return _Written("...")
