"""What is left of a notebook's output where the notebook is not trusted."""

from __future__ import annotations

from html import escape
from html.parser import HTMLParser
from typing import ClassVar


class Sanitizer(HTMLParser):
    """What JupyterLab leaves of HTML in an untrusted notebook, from the sanitizer of its package apputils.

    A tag or an attribute that is not allowed is dropped, and what is inside a tag stays, but for styles and scripts.
    """

    TAGS = frozenset(
        {"img", "details", "summary", "table", "thead", "tbody", "tr", "th", "td", "p", "div", "span", "br"}
    )
    EVERYWHERE = frozenset({"class", "hidden", "id", "style", "title"})
    ATTRIBUTES: ClassVar = {"img": {"alt", "height", "src", "width"}, "details": {"open"}, "td": {"colspan"}}

    def clean(self, html: str) -> str:
        self.parts: list[str] = []
        self.seen: list[str] = []
        self.dropped: set[tuple[str, str]] = set()  # tags, each with an attribute that is dropped or with ""
        self.muted = False
        self.feed(html)
        self.close()
        return "".join(self.parts)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.muted |= tag in ("style", "script")
        if tag in self.TAGS:
            self.seen.append(tag)
            kept = [(k, v) for k, v in attrs if k in self.ATTRIBUTES.get(tag, set()) | self.EVERYWHERE]
            self.dropped |= {(tag, key) for key, _ in attrs if (key, _) not in kept}
            self.parts.append(f"<{tag}" + "".join(f' {key}="{escape(value or "")}"' for key, value in kept) + ">")
        else:
            self.dropped.add((tag, ""))

    def handle_endtag(self, tag: str) -> None:
        self.muted &= tag not in ("style", "script")
        if tag in self.TAGS:
            self.parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self.muted:
            self.parts.append(escape(data))
