"""`draw(style="micrograd")`: records of name, data and grad, and operations as ellipses of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

import nn
from autograd import Value, draw
from autograd.errors import DiagramError

from .browser import chromium
from .graphs import GOLDEN, dead, network, product, wide
from .test_draw import ENGINES, SVG, groups, parse, texts
from .test_formats import check_mermaid, check_tikz


def backward(v: Value) -> Value:
    v.backward()
    return v


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("direction", ["LR", "TB"])
def test_a_record_stands_behind_its_operation(engine: str, direction: str) -> None:
    svg = draw(backward(product()), style="micrograd", engine=engine, direction=direction).svg
    nodes = {texts(g)[-5 if "a" in texts(g) else 0]: g for g in groups(svg, "node")}
    assert texts(nodes["w"]) == ["w", "data", "2", "grad", "▼ −3"]
    assert texts(nodes["a"]) == ["×", "a", "data", "−6", "grad", "▲ 1"]
    (ellipse,) = nodes["a"].iter(f"{SVG}ellipse")
    (record,) = [r for r in nodes["a"].iter(f"{SVG}rect") if "box" in r.get("class", "")]
    at = {key: float(ellipse.get(key, "nan")) for key in ("cx", "cy", "rx", "ry")}
    left, top = float(record.get("x", "nan")), float(record.get("y", "nan"))
    tip = (at["cx"] - at["rx"], at["cy"]) if direction == "LR" else (at["cx"], at["cy"] - at["ry"])
    assert (at["cx"] + at["rx"] < left) if direction == "LR" else (at["cy"] + at["ry"] < top)
    heads = [p.get("points", "").split()[0] for g in groups(svg, "edge") for p in g.iter(f"{SVG}polygon")]
    assert len(heads) == 2  # the edges of the operands end at the ellipse
    for head in heads:
        x, y = map(float, head.split(","))
        assert abs(x - tip[0]) < 1.5
        assert abs(y - tip[1]) < 1.5


@pytest.mark.parametrize("name", GOLDEN)
def test_records_do_not_overlap_and_show_every_number(name: str) -> None:
    root = backward(GOLDEN[name]())
    svg, usual = draw(root, style="micrograd").svg, draw(root).svg
    placed = []
    for g in groups(svg, "node"):
        for shape in [*g.iter(f"{SVG}rect"), *g.iter(f"{SVG}ellipse")]:
            if "ring" in shape.get("class", ""):
                continue
            box = {key: float(shape.get(key, "0")) for key in ("x", "y", "width", "height", "cx", "cy", "rx", "ry")}
            if shape.tag.endswith("ellipse"):
                box |= {"x": box["cx"] - box["rx"], "y": box["cy"] - box["ry"]}
                box |= {"width": 2 * box["rx"], "height": 2 * box["ry"]}
            placed.append((box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]))
    view = [float(part) for part in parse(svg).get("viewBox", "").split()]
    for i, (x0, y0, x1, y1) in enumerate(placed):
        assert x0 >= -1
        assert y0 >= -1
        assert x1 <= view[2] + 1
        assert y1 <= view[3] + 1
        for a0, b0, a1, b1 in placed[:i]:
            assert x1 <= a0 or a1 <= x0 or y1 <= b0 or b1 <= y0
    numbers = {t.text for t in parse(usual).iter(f"{SVG}text") if "number" in t.get("class", "")}
    assert numbers <= {t.text for t in parse(svg).iter(f"{SVG}text") if "number" in t.get("class", "")}


def test_flags_and_the_legend() -> None:
    svg = draw(backward(dead()), style="micrograd").svg
    (unit,) = [g for g in groups(svg, "node") if "h" in texts(g)]
    assert texts(unit) == ["relu", "h", "data", "0", "grad", "▼ −2", "dead: z ≤ 0"]
    legend = texts(parse(svg))
    assert {"computed value", "operation", "dead unit"} <= set(legend)


def test_in_every_text_format() -> None:
    picture = draw(backward(product()), style="micrograd")
    check_mermaid(picture.mermaid)
    assert 'n2o(["#215;"]):::op' in picture.mermaid
    assert "n2o --> n2" in picture.mermaid
    check_tikz(picture.tikz)
    assert (
        r"{\ensuremath{a} \textbar{} data \ensuremath{-}6 \textbar{} grad \ensuremath{\blacktriangle} 1};"
        in picture.tikz
    )
    assert "n2o -> n2 " in picture.dot
    assert "shape=ellipse" in picture.dot
    assert "n0 -> n2o " in picture.dot
    assert "a = w × x  [value −6, grad 1]" in picture.text  # a tree has one style


def test_png_and_gif(tmp_path: Path) -> None:
    picture = draw(backward(dead()), style="micrograd")
    assert picture.png(scale=0.5).startswith(b"\x89PNG")
    assert picture.save(tmp_path / "a.gif", scale=0.5, seconds=0.1).read_bytes().startswith(b"GIF")


def test_wide_graphs_run_from_top_to_bottom_and_a_wrong_style_is_an_error() -> None:
    assert draw(network(), style="micrograd").drawing.picture.direction == "TB"
    assert draw(product(), style="micrograd").drawing.picture.direction == "LR"
    assert draw(wide(100), style="micrograd", engine="python").svg
    with pytest.raises(DiagramError, match=r"""style= is "chalkgrad" or "micrograd"; 'torch' was given"""):
        draw(product(), style="torch")


def test_the_player_lights_up_operation_and_record_together(tmp_path: Path) -> None:
    page = draw(backward(product()), style="micrograd").save(tmp_path / "a.html")
    with chromium() as browser:
        tab = browser.new_page(reduced_motion="reduce")
        problems: list[object] = []
        tab.on("pageerror", lambda error: problems.append(error))
        tab.goto(page.as_uri())
        tab.keyboard.press("ArrowRight")  # forward: a = w × x
        strokes = tab.evaluate(
            "[...document.querySelectorAll('g.node.active .box')].map((box) => "
            "[box.tagName, getComputedStyle(box).strokeWidth, getComputedStyle(box).stroke])"
        )
        assert [tag for tag, _, _ in strokes] == ["ellipse", "rect"]
        assert {(width, stroke) for _, width, stroke in strokes} == {("3px", "rgb(15, 118, 110)")}
        assert tab.locator("g.edge.active").count() == 2
        numbers = tab.locator("g.node.active text.value").all_text_contents()
        assert numbers == ["−6"]
        tab.keyboard.press("End")
        assert tab.locator("text.grad").all_text_contents() == ["▼ −3", "▲ 2", "▲ 1"]
        assert problems == []


def test_folded_with_all_views_of_the_player(tmp_path: Path) -> None:
    model = nn.MLP(2, [2, 1], seed=0)
    loss = backward(model([1.0, -1.0]) ** 2)
    picture = draw(loss, model=model, collapse=True, style="micrograd")
    assert picture.drawing.picture.direction == "LR"
    page = picture.save(tmp_path / "a.html")
    with chromium() as browser:
        tab = browser.new_page(reduced_motion="reduce")
        problems: list[object] = []
        tab.on("pageerror", lambda error: problems.append(error))
        tab.goto(page.as_uri())
        tab.locator("g.node.group:not([display])").first.click()
        tab.keyboard.press("End")
        assert tab.locator("g.node:not([display]) ellipse").count() >= 2
        assert problems == []
