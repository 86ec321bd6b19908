"""What a notebook shows: trusted or not, light or dark, no wider than it is."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from PIL import Image

from autograd import Value
from autograd.diagram import draw

from .graphs import product
from .sanitizer import Sanitizer


def test_an_untrusted_notebook_still_shows_the_picture_and_the_numbers() -> None:
    a = product()
    a.backward()
    bundle = draw(a)._repr_mimebundle_()
    assert bundle["text/plain"] == "Diagram(3 values, 2 edges)"
    parser = Sanitizer()
    left = parser.clean(bundle["text/html"])
    assert parser.seen.count("img") == 1
    assert parser.seen.count("tr") == 4
    assert "The player needs a trusted notebook" in left
    assert "data:image/svg+xml;base64," in left
    assert 'alt="Computation graph of a.' in left
    assert not re.search(r"color-scheme|iframe|onclick|const ", left)


def wide_output() -> str:
    """The notebook's output of a picture that is wider than a notebook."""
    x = Value(0.5, name="x")
    y = x
    for _ in range(8):
        y = y.tanh() * x
    y.backward()
    picture = draw(y, direction="LR")
    assert picture.drawing.layout.width > 1500
    return picture._repr_mimebundle_()["text/html"]


@pytest.mark.browser
def test_in_a_browser_the_hints_are_seen_only_where_the_notebook_is_not_trusted(browser: Any) -> None:
    trusted, hints = wide_output(), ("needs a trusted notebook", "right-click it")
    page = browser.new_page(viewport={"width": 900, "height": 700})
    for html, seen in ((trusted, False), (Sanitizer().clean(trusted), True)):
        page.set_content(html)
        for summary in ("Full size", "Step through it"):
            page.get_by_text(summary).click()
        assert [hint in page.inner_text("body") for hint in hints] == [seen, seen]
        page.get_by_text("Full size").click()
        assert page.evaluate("document.images[0].width") <= 900


@pytest.mark.browser
def test_a_click_shows_a_wide_picture_in_its_own_size_and_another_one_fits_it_again(browser: Any) -> None:
    page = browser.new_page(viewport={"width": 900, "height": 700})
    page.set_content(wide_output())
    image = page.locator("img")
    sizes = []
    for _ in range(2):
        image.click()
        sizes.append(page.evaluate("[document.images[0].width, document.images[0].naturalWidth]"))
    (full, natural), (fitted, _) = sizes
    assert full == natural > 1500
    assert fitted <= 900
    page.get_by_text("Full size").press("Enter")  # by the keyboard
    assert page.evaluate("document.images[0].width") == natural
    assert page.evaluate("document.documentElement.scrollWidth") <= 900  # it scrolls in a box of its own


PAGES = [
    ('<body data-jp-theme-light="false">', "dark"), ('<body data-jp-theme-light="true">', "light"),
    ('<body class="vscode-body vscode-dark">', "dark"), ('<body class="vscode-light">', "light"),
    ('<html theme="dark"><body>', "dark"), ("<body>", None),
]  # fmt: skip


@pytest.mark.browser
@pytest.mark.parametrize("system", ["light", "dark"])
def test_picture_and_player_have_the_colours_of_the_notebook_and_else_of_the_system(browser: Any, system: Any) -> None:
    a = product()
    a.backward()
    html = draw(a)._repr_mimebundle_()["text/html"]
    papers = {"dark": "rgb(17, 24, 39)", "light": "rgb(255, 255, 255)"}
    page = browser.new_context(color_scheme=system).new_page()
    for body, theme in PAGES:
        page.set_content(f"{body}{html}")
        page.get_by_text("Step through it").click()
        page.wait_for_function("document.querySelector('iframe').style.height")
        player = page.frames[1]
        assert (
            player.evaluate("getComputedStyle(document.querySelector('.player')).backgroundColor")
            == papers[theme or system]
        ), body
        shown = Image.open(io.BytesIO(page.locator("img").screenshot())).convert("RGB").getpixel((3, 3))
        assert f"rgb{shown}" == papers[theme or system], body


@pytest.mark.browser
def test_the_frame_of_a_player_is_as_high_as_its_content(browser: Any) -> None:
    a = product()
    a.backward()
    page = browser.new_page()
    page.set_content(draw(a)._repr_mimebundle_()["text/html"])
    page.get_by_text("Step through it").click()
    player = page.frame_locator("iframe")

    def heights() -> list[float]:
        page.wait_for_function(
            "(() => { const f = document.querySelector('iframe');"
            " return Math.abs(f.clientHeight - f.contentDocument.body.clientHeight) < 2 })()"
        )
        return page.evaluate(
            "(() => { const f = document.querySelector('iframe');"
            " return [f.clientHeight, f.contentDocument.documentElement.scrollHeight] })()"
        )

    before, content = heights()
    assert abs(before - content) < 2
    player.get_by_text("The numbers as a table").click()
    after, content = heights()
    assert after > before + 50
    assert abs(after - content) < 2


@pytest.mark.browser
@pytest.mark.parametrize("width", [700, 1400])
def test_the_frame_of_a_page_with_sliders_does_not_grow_with_itself(browser: Any, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.set_content(draw(lambda w, x: (w * x).tanh(), w=(-2, 2), x=0.5)._repr_mimebundle_()["text/html"])
    page.get_by_text("Move the sliders").click()
    page.wait_for_function("document.querySelector('iframe').style.height")
    heights = []
    for _ in range(3):
        page.wait_for_timeout(150)
        heights.append(page.evaluate("document.querySelector('iframe').clientHeight"))
    assert heights[0] == heights[1] == heights[2] < 900
