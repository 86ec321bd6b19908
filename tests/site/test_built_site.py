"""The built site: no broken link, no request to elsewhere; every page in a browser, light and dark, narrow and wide."""

from __future__ import annotations

import functools
import re
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chalkgrad_site import reference
from tests.diagram.browser import chromium
from tests.site import built

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

pytestmark = pytest.mark.site

ADDRESS = "http://localhost/"  # of what the browser asks; a route answers from the folder, and refuses everything else
# Contrast does not depend on the width, nor what can be reached on the colours: two of the four are looked at closely.
LOOKS = [(1280, "light", True), (1280, "dark", False), (390, "light", False), (390, "dark", True)]
KINDS = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@pytest.fixture(autouse=True)
def site() -> Path:
    built.demand()
    return built.SITE


# ------------------------------------------------------------------------- links


def is_elsewhere(address: str) -> bool:
    return bool(re.match(r"(?:[a-z]+:)?//", address, re.IGNORECASE))


@pytest.mark.parametrize("name", built.pages() or ["index.html"])
def test_every_link_leads_somewhere(name: str, site: Path) -> None:
    broken = []
    for link in built.page(site / name).links:
        if is_elsewhere(link.address) or re.match(r"(?:data|mailto):", link.address):
            continue
        path, _, anchor = link.address.partition("#")
        path = urllib.parse.unquote(path.partition("?")[0])
        target = (site / name).parent / path if path else site / name
        if not target.is_file() or (anchor and target.suffix == ".html" and not has(target, anchor)):
            broken.append(link)
    assert broken == []


def has(target: Path, anchor: str) -> bool:
    return urllib.parse.unquote(anchor) in built.page(target).ids


@pytest.mark.parametrize("name", built.pages() or ["index.html"])
def test_only_a_link_that_is_clicked_leaves_the_site(name: str, site: Path) -> None:
    links = built.page(site / name).links
    assert [link for link in links if is_elsewhere(link.address) and (link.tag, link.attribute) != ("a", "href")] == []


def test_no_style_sheet_asks_elsewhere(site: Path) -> None:
    sheets = [path for path in site.rglob("*.css") if built.PLAYGROUND not in path.parents]
    assert sheets
    for path in sheets:
        text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        for quote in re.findall(r"(?:url\(|@import)\s*['\"]?([^'\")\s]+)", text):
            assert not is_elsewhere(quote), (path, quote)
            if not quote.startswith(("data:", "#")):
                assert (path.parent / quote.partition("?")[0].partition("#")[0]).is_file(), (path, quote)


# ----------------------------------------------------------------------- content


def test_every_public_name_has_its_place(site: Path) -> None:
    ids = set().union(*(built.page(site / name).ids for name in built.pages()))
    assert [n.full for n in reference.public_names() if not {n.full, f"module-{n.full}"} & ids] == []


def test_formulas_are_mathml(site: Path) -> None:
    text = (site / "operations" / "exponentials_and_logs.html").read_text(encoding="utf-8")
    assert text.count("<math ") >= 10
    for name in built.pages():
        text = (site / name).read_text(encoding="utf-8")
        assert not re.search(r"<script[^>]*mathjax", text, re.IGNORECASE), name
        prose = re.sub(r"<(pre|script|code|iframe).*?</\1>", "", text, flags=re.DOTALL)
        assert not re.search(r"\\(?:frac|partial|begin)\b", prose), name


def test_the_playground_is_there_where_its_page_says_so(site: Path) -> None:
    text = (site / "playground.html").read_text(encoding="utf-8")
    assert ('href="playground/index.html"' in text) == (built.PLAYGROUND / "index.html").is_file()


# -------------------------------------------------------------------- in a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


class Visit:
    """A page in a browser that gets files of the site and nothing else, with what it complained of."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.complaints: list[str] = []
        context.route("**/*", self._answer)
        self.page = context.new_page()
        self.page.on("console", lambda m: self.complaints.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _answer(self, route: Any) -> None:
        address = urllib.parse.urlsplit(route.request.url)
        path = built.SITE / urllib.parse.unquote(address.path).lstrip("/")
        if not route.request.url.startswith(ADDRESS) or not path.is_file():
            self.complaints.append(f"asks for {route.request.url}")
            route.abort()
        else:
            kind = KINDS.get(path.suffix, "application/octet-stream")
            route.fulfill(body=path.read_bytes(), content_type=f"{kind}; charset=utf-8")


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    context = browser.new_context()
    yield Visit(context)
    context.close()


@functools.cache
def axe() -> str:
    import axe_playwright_python

    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


SERIOUS = """async () => (await axe.run(document)).violations
  .filter((found) => ["serious", "critical"].includes(found.impact))
  .map((found) => `${found.id}: ${found.help}: ${found.nodes.slice(0, 3).map((node) => node.html.slice(0, 160))}`)"""


@pytest.mark.browser
@pytest.mark.parametrize("name", built.pages() or ["index.html"])
def test_a_page_is_sound_in_a_browser(name: str, visit: Visit) -> None:
    page = visit.page
    page.goto(ADDRESS + name)
    page.evaluate(axe())
    wrong = []
    for width, scheme, closely in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(50)  # the page answers to its new size
        wide = page.evaluate("document.documentElement.scrollWidth")
        wrong += [f"{width} {scheme}: scrolls sideways, {wide} pixels wide"] if wide > width else []
        wrong += [f"{width} {scheme}: {found}" for found in (page.evaluate(SERIOUS) if closely else [])]
    assert wrong + visit.complaints == []


@pytest.mark.browser
def test_a_picture_and_its_player_follow_the_theme_of_the_page(visit: Visit) -> None:
    page = visit.page
    page.emulate_media(color_scheme="light")
    page.goto(ADDRESS + "index.html")
    scheme = "(e) => getComputedStyle(e).colorScheme"
    picture = page.locator(".chalkgrad-output img").first
    assert picture.evaluate(scheme) in ("light", "normal")
    page.evaluate("document.body.dataset.theme = 'dark'")
    assert picture.evaluate(scheme) == "dark"
    page.get_by_text("Step through it").first.click()
    player = page.frame_locator(".chalkgrad-output iframe").first
    player.locator(".player").wait_for()
    page.wait_for_timeout(200)
    assert player.locator("body").evaluate("(e) => getComputedStyle(e).color") == "rgb(249, 250, 251)"
    assert visit.complaints == []


@pytest.mark.browser
def test_the_search_works_without_a_network(visit: Visit) -> None:
    visit.page.goto(ADDRESS + "search.html?q=softplus")
    visit.page.locator("#search-results li a").first.wait_for()
    targets = visit.page.locator("#search-results li a").evaluate_all("(all) => all.map((a) => a.getAttribute('href'))")
    assert any(target.startswith("operations/neural_activations.html") for target in targets)
    assert visit.complaints == []
