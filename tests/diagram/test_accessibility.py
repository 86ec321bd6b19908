"""Every page that is written, looked at by axe-core in light and dark: no serious finding."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nn
from autograd import Value, compare, draw

from .graphs import chain, network, product, shared

pytestmark = pytest.mark.browser


def backward(root: Value) -> Value:
    root.backward()
    return root


def folded(path: Path) -> object:
    X, y = nn.data.moons(10, labels=(-1, 1))
    model = nn.MLP(2, [4, 4, 1], seed=0)
    loss = nn.hinge([model(x) for x in X], y)
    return draw(backward(loss), model=model).save(path)


def film(path: Path) -> object:
    X, y = nn.data.moons(20, labels=(-1, 1))
    history = nn.fit(nn.MLP(2, [4, 1], seed=0), X, y, loss="hinge", epochs=6, record=2, progress=False)
    return history.player(path)


def textbook(path: Path) -> object:
    model = nn.MLP(2, [2, 1], seed=0)
    loss = backward(model([0.5, -0.5]) ** 2)
    return nn.draw(model, loss=loss).save(path)


PAGES: dict[str, Callable[[Path], object]] = {
    "player": lambda path: draw(backward(network())).save(path),
    "tall player": lambda path: draw(backward(chain(15))).save(path),
    "micrograd": lambda path: draw(backward(shared()), style="micrograd").save(path),
    "comparison": lambda path: compare(backward(product()), backward(product())).save(path),
    "folded": folded,
    "sliders": lambda path: draw(lambda w, x, b: (w * x + b).relu(), w=(-2, 2), x=1.5, b=(-1, 1)).save(path),
    "textbook": textbook,
    "film": film,
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_no_serious_finding(browser: Any, tmp_path: Path, name: str, scheme: str) -> None:
    import axe_playwright_python

    PAGES[name](tmp_path / "page.html")
    page = browser.new_page(color_scheme=scheme, viewport={"width": 1280, "height": 800})
    page.goto((tmp_path / "page.html").as_uri())
    page.evaluate((Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("async () => (await axe.run(document)).violations")
    page.close()
    serious = [
        f"{finding['id']}: {finding['help']}: {[node['html'][:160] for node in finding['nodes'][:3]]}"
        for finding in found
        if finding["impact"] in ("serious", "critical")
    ]
    assert serious == []
