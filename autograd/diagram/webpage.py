"""One HTML page by itself: its style and its script are in it, and its policy allows these two and nothing else."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from .text import xml
from .theme import DARK, Theme, check_theme, flat


def web_page(title: str, body: str, sheet: str, script: str) -> str:
    """A whole page. `body` is HTML, in which all text of the user's is escaped already.

    >>> "default-src 'none'" in web_page("Moons", "<main></main>", "main { margin: 0 }", "")
    True
    """
    sheet, script = f"\n{sheet}\n", f"\n{script}\n"
    policy = f"default-src 'none'; style-src {_digest(sheet)}; script-src {_digest(script)}; "
    policy += "base-uri 'none'; form-action 'none'"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{xml(title)}</title>\n<style>{sheet}</style>\n</head>\n<body>\n{body}"
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


def palette(theme: str) -> str:
    """The colours of "light", "dark" or "auto" as variables of CSS; print is light. Raises DiagramError for others."""
    check_theme(theme)
    scheme = "light dark" if theme == "auto" else theme
    rules = f":root {{ color-scheme: {scheme}; {_variables(flat(theme))} }}"
    if theme == "auto":
        rules += f"\n@media screen and (prefers-color-scheme: dark) {{ :root {{ {_variables(DARK)} }} }}"
    return rules


def shared_script() -> str:
    """How pages write numbers, and the operations that rows of the table name for a page and JavaScript lacks."""
    return Path(__file__).with_name("webpage.js").read_text(encoding="utf-8")


def _variables(t: Theme) -> str:
    colours = {
        "paper": t.background, "ink": t.ink, "quiet": t.muted, "line": t.line, "soft": t.soft, "accent": t.backward,
        "positive": t.positive, "negative": t.negative, "zero": t.zero, "broken": t.broken, "forward": t.forward,
        "backward": t.backward, "input": t.fill["input"], "output": t.fill["output"], "unit": t.fill["operation"],
        "input-border": t.border["input"], "output-border": t.border["output"], "unit-border": t.border["operation"],
        "dead": t.border["dead"],
    }  # fmt: skip
    return " ".join(f"--{name}: {colour};" for name, colour in colours.items())


def _digest(content: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode("ascii") + "'"
