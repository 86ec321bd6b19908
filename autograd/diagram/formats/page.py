"""A page that makes no request to anywhere: its style, its script, and the policy that allows these two alone."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from pathlib import Path

from autograd.diagram.text import xml
from autograd.diagram.theme import DARK, Theme, flat

from .svg import style as svg_style


def page(title: str, fragments: Iterable[str], theme: str, script: str) -> str:
    """A whole page of players and the script that runs them; its policy allows its own style and script and no more."""
    sheet, script = f"\n{_style(theme)}\n", "\n" + script
    policy = f"default-src 'none'; style-src {_digest(sheet)}; script-src {_digest(script)}; "
    policy += "base-uri 'none'; form-action 'none'"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{xml(title)}</title>\n<style>{sheet}</style>\n</head>\n<body>\n"
        + "".join(fragments)
        + f"<script>{script}</script>\n</body>\n</html>\n"
    )


def _style(theme: str) -> str:
    """The page's one style element. The player's own rules come last, so that they can mark the active step."""
    parts = ["body { margin: 0 }", f":root, .player {{ {_variables(flat(theme))} }}", svg_style(theme, ".chalkgrad")]
    if theme == "auto":
        parts.append(f"@media (prefers-color-scheme: dark) {{ :root, .player {{ {_variables(DARK)} }} }}")
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


def _digest(content: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode("ascii") + "'"
