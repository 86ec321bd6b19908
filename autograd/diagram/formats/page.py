"""The page of players: the colours of the picture and the look of the controls, the same for all."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from autograd.diagram.theme import DARK, Theme, flat
from autograd.diagram.webpage import web_page

from .svg import style as svg_style


def page(title: str, fragments: Iterable[str], theme: str, script: str) -> str:
    """A whole page of players and the script that runs them; its policy allows its own style and script and no more."""
    return web_page(title, "".join(fragments), _style(theme), script)


def _style(theme: str) -> str:
    """The page's one style element. The player's own rules come last, so that they can mark the active step."""
    parts = ["body { margin: 0 }", f":root, .player {{ {_variables(flat(theme))} }}", svg_style(theme, ".chalkgrad")]
    if theme == "auto":
        parts.append(f"@media screen and (prefers-color-scheme: dark) {{ :root, .player {{ {_variables(DARK)} }} }}")
    scheme = "light dark" if theme == "auto" else theme
    rules = read("player.css").replace("color-scheme: light;", f"color-scheme: {scheme};", 1)
    return "\n".join([*parts, rules])


def _variables(t: Theme) -> str:
    return (
        f"--paper: {t.background}; --line: {t.line}; --soft: {t.soft}; --quiet: {t.muted}; --accent: {t.backward}; "
        f"--forward: {t.forward}; --backward: {t.backward}; color: {t.ink}; background: {t.background};"
    )


def read(name: str) -> str:
    """A file of this folder."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
