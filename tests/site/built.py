"""The site that `make site` built, for the tests that look at it."""

from __future__ import annotations

import os
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

import pytest

SITE = Path(__file__).parents[2] / "build" / "site"
PLAYGROUND = SITE / "playground"


def pages() -> list[str]:
    """The pages, by their paths in the site; the playground's own page has tests of its own."""
    found = sorted(path for path in SITE.rglob("*.html") if PLAYGROUND not in path.parents)
    return [path.relative_to(SITE).as_posix() for path in found]


def demand() -> None:
    """Skip the test where no site was built, or fail where CHALKGRAD_REQUIRE_SITE=1 insists."""
    if (SITE / "index.html").is_file():
        return
    if os.environ.get("CHALKGRAD_REQUIRE_SITE") == "1":
        pytest.fail("CHALKGRAD_REQUIRE_SITE=1, and there is no build/site: make site")
    pytest.skip("no build/site: make site, or set CHALKGRAD_REQUIRE_SITE=1 to insist")


class Link(NamedTuple):
    """What a tag names in an attribute."""

    tag: str
    attribute: str
    address: str


class Page(HTMLParser):
    """A page's links, and its ids."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[Link] = []
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for attribute, value in attrs:
            if attribute in ("href", "src", "data", "poster", "action", "xlink:href") and value:
                self.links.append(Link(tag, attribute, value))
            elif attribute == "srcset" and value:
                self.links += [Link(tag, attribute, part.split()[0]) for part in value.split(",")]
            elif attribute in ("id", "name") and value:
                self.ids.add(value)


@cache
def page(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8"))
