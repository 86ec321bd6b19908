"""Pages with sliders: the program in JavaScript is held to Python, and everything that is shown follows a slider."""

from __future__ import annotations

import itertools
import json
import math
import random
import re
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from autograd import OPERATIONS, TraceError, Value, draw, exp, loop, tanh, where
from autograd.diagram.text import number
from autograd.diagram.webpage import shared_script
from autograd.errors import DiagramError

from .graphs import named
from .test_player import Watched

# Arithmetic, steps and choices are the same in both, to the bit.
EXACT = {op.name for op in OPERATIONS.values() if op.javascript} - {"pow", "floordiv", "exp2", "erf", "erfc"}
# Else, floats between a browser's result and the C library's: either is within about one of the true value. erf and
# erfc are a sum and a fraction of our own, and far out erfc is two exponentials of numbers near 300.
ROUNDINGS = {"pow": 2, "asinh": 3, "acosh": 3, "atanh": 3, "sinh": 3, "cosh": 3, "tanh": 3, "erf": 8, "erfc": 80}
OF_PAGES = [name for name, row in OPERATIONS.items() if row.in_javascript]


def neuron(w: Value, x: Value, b: Value) -> Value:
    z = named("z", w * x + b)
    h = named("h", z.relu())
    return named("y", where(z > 0.5, h * h, exp(-h)))


def floats(count: int) -> list[float]:
    draws = random.Random(3)
    special = [0.0, -0.0, 1.0, -1.0, 2.0, 0.5, -0.5, 1.5, 2.5, math.inf, -math.inf, math.nan, 1e-300, -1e300, 3.0]
    return special + [draws.choice([-1, 1]) * 10 ** draws.uniform(-3, 1.4) for _ in range(count)]


def distance(a: float, b: float) -> float:
    """How many floats lie between two numbers, nan being nan."""
    if math.isnan(a) or math.isnan(b):
        return 0.0 if math.isnan(a) and math.isnan(b) else math.inf
    if a == b:  # and zeros of one sign
        return 0.0 if math.copysign(1.0, a) == math.copysign(1.0, b) else math.inf
    bits = [struct.unpack("q", struct.pack("d", x))[0] for x in (a, b)]
    first, second = (i if i >= 0 else -(2**63) - i for i in bits)
    return float(abs(first - second))


@pytest.mark.browser
@pytest.mark.parametrize("name", OF_PAGES)
def test_a_rule_of_a_page_is_that_of_the_table(browser: Any, name: str) -> None:
    row, xs = OPERATIONS[name], floats(120)
    rows = [xs, *(random.Random(i).sample(xs, len(xs)) for i in range(1, row.arity or 1))]
    points = list(zip(*rows, strict=True))
    if name == "where":
        points = [(float(c > 0), a, b) for c, a, b in points]
    page = browser.new_page()
    source = f"""(points) => {{ {shared_script()}
        const rule = {row.in_javascript};
        const results = points.map((point) => Number(rule(...point.map(Number))));
        return results.map((x) => (Object.is(x, -0) ? "-0" : String(x))); }}"""
    texts = [[repr(x).replace("inf", "Infinity").replace("nan", "NaN") for x in point] for point in points]
    got = page.evaluate(source, texts)
    page.close()
    allowed = 0 if name in EXACT else ROUNDINGS.get(name, 2)
    for point, text in zip(points, got, strict=True):
        x = float(text.replace("Infinity", "inf").replace("NaN", "nan"))
        expected = float(row.forward(*point))
        assert distance(x, expected) <= allowed, (name, point, x, expected)


@pytest.mark.browser
def test_numbers_are_written_as_python_writes_them(browser: Any, tmp_path: Path) -> None:
    page = Watched(browser.new_page(), draw(neuron, w=(-2, 2), x=1.5, b=(-1, 1)).save(tmp_path / "a.html")).page
    draws = random.Random(1)
    xs = [x for x in floats(0) if math.isfinite(x)] + [
        draws.choice([-1, 1]) * 10 ** draws.uniform(-12, 12) for _ in range(500)
    ]
    xs += [1234.5, 1235.5, 0.00012345, 99995.0, 9999.5, 0.0001, 0.00009999, 1e100, 12345.0, 123.25, 123.35, 1.0005]
    assert page.evaluate("(xs) => xs.map((x) => number(x))", xs) == [number(x) for x in xs]


@pytest.mark.browser
def test_everything_follows_a_slider(browser: Any, tmp_path: Path) -> None:
    picture = draw(neuron, w=(-2, 2), x=1.5, b=(-1, 1, 0.25))
    page = Watched(browser.new_page(), picture.save(tmp_path / "a.html"))
    for w, b in ((1.0, 0.25), (-1.5, 0.25), (0.1, 0.1), (0.0, -1.0), (2.0, 1.0)):
        page.page.evaluate(
            """(to) => [...document.querySelectorAll('input[type=range]')].forEach((range, i) => {
                 range.value = to[i]; range.dispatchEvent(new Event('input')); })""",
            [w, b],
        )
        page.page.locator(f"main[data-shown='{w:g} {b:g}']").wait_for()
        leaf_w, leaf_x, leaf_b = Value(w, name="w"), Value(1.5, name="x"), Value(b, name="b")
        leaf_x.requires_grad = False
        expected = neuron(leaf_w, leaf_x, leaf_b)
        expected.backward()
        shown = page.numbers()
        assert shown["w"] == [number(w), _marked(leaf_w.grad)]
        assert shown["b"] == [number(b), _marked(leaf_b.grad)]
        assert shown["y"][0] == number(expected.data)
        z = w * 1.5 + b
        assert shown["z"][0] == number(z)
        dead = page.page.evaluate("""() => [...document.querySelectorAll('g.node')].filter(
            g => g.querySelector('.head').textContent.startsWith('h'))[0]
            .querySelector('.box').classList.contains('dead')""")
        assert dead == (z <= 0)
        assert f"= {number(leaf_w.grad)}" in page.page.locator(".slope").first.text_content()
    assert page.messages == []
    assert len(page.requests) == 1


def _marked(grad: float) -> str:
    return f"{'▲ ' if grad > 0 else '▼ ' if grad < 0 else ''}{number(grad)}"


@pytest.mark.browser
def test_the_keyboard_moves_a_slider_and_the_curve_is_of_the_one_that_was_moved(browser: Any, tmp_path: Path) -> None:
    page = Watched(browser.new_page(), draw(neuron, w=(-2, 2), x=1.5, b=(-1, 1)).save(tmp_path / "a.html"))
    second = page.page.locator("input[type=range]").nth(1)
    second.focus()
    second.press("ArrowLeft")
    page.page.locator("main[data-shown^='1 0.49']").wait_for()
    assert "y over b: slope" in page.page.locator("figure title").text_content()
    assert page.page.locator("figure .tangent").count() == 1
    page.part("reset").click()
    page.page.locator("main[data-shown='1 0.5']").wait_for()
    assert page.messages == []


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1400])
def test_no_page_is_wider_than_its_window(browser: Any, tmp_path: Path, width: int) -> None:
    path = draw(neuron, w=(-2, 2), x=1.5, b=(-1, 1)).save(tmp_path / "a.html")
    page = Watched(browser.new_page(viewport={"width": width, "height": 800}), path).page
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_program_gives_what_the_engine_gives() -> None:
    picture = draw(neuron, w=(-2, 2), x=1.5, b=(-1, 1)).drawing
    assert picture.moving is not None
    draws = random.Random(2)
    for _ in range(50):
        w, b = draws.uniform(-2, 2), draws.uniform(-1, 1)
        leaf_w, leaf_b = Value(w), Value(b)
        y = neuron(leaf_w, Value(1.5), leaf_b)
        y.backward()
        results = picture.moving.run([w, b])
        place = picture.moving.places
        assert results[place[id(picture.moving.output)].value] == y.data
        assert [results[place[id(v)].grad] for v in picture.moving.inputs] == [leaf_w.grad, leaf_b.grad]


def test_a_loop_is_drawn_turn_by_turn() -> None:
    picture = draw(lambda w: loop(3, lambda i, s: s * w, w), w=(0, 2)).drawing
    assert picture.moving is not None
    results, places = picture.moving.run([2.0]), picture.moving.places
    assert results[places[id(picture.moving.output)].value] == 16.0
    assert results[places[id(picture.moving.inputs[0])].grad] == 32.0
    assert len(picture.picture.nodes) == 4


def test_a_model_around_keeps_its_gradients() -> None:
    model = nn.MLP(2, [3, 1], seed=0)
    model.parameters()[0].grad = 7.0
    picture = draw(lambda x: model([x, 1.0]) ** 2, x=(-1, 1))
    assert model.parameters()[0].grad == 7.0
    assert not model.parameters()[1].has_grad
    x = next(node for node in picture.drawing.picture.nodes if node.name == "x")
    leaf = Value(0.5)
    (model([leaf, 1.0]) ** 2).backward()
    assert x.grad == leaf.grad


@pytest.mark.parametrize(
    ("function", "inputs", "words"),
    [
        (neuron, {"w": (-1, 1)}, "missing a required argument: 'x'"),
        (neuron, {"w": 1, "x": 2, "b": 3}, "No input of neuron is a range"),
        (neuron, {"w": (1, -1), "x": 2, "b": 3}, "low first"),
        (neuron, {"w": (0, 1, 2), "x": 2, "b": 3}, "low first"),
        (neuron, {"w": (0, math.inf), "x": 2, "b": 3}, "w= is a finite number, or a range"),
        (neuron, {"w": "wide", "x": 2, "b": 3}, "w= is a finite number, or a range"),
        (lambda w: 3.0, {"w": (0, 1)}, "whose result is one Value"),
        (lambda w: [w * 1], {"w": (0, 1)}, "whose result is one Value"),
        (lambda w: w.lgamma(), {"w": (1, 2)}, "cannot compute lgamma|cannot compute polygamma"),
    ],
)
def test_what_cannot_move_is_refused(function: Callable[..., Any], inputs: dict[str, Any], words: str) -> None:
    with pytest.raises(DiagramError, match=words):
        draw(function, **inputs)


def test_other_mistakes() -> None:
    with pytest.raises(TraceError, match="where"):
        draw(lambda w: w * 2 if w > 0.5 else w * 3, w=(0, 1))
    with pytest.raises(TypeError, match="unexpected keyword argument 'titel'"):
        draw(Value(1.0) * 2, titel="x")
    with pytest.raises(DiagramError, match="If it branches on a number, choose with where"):
        draw(lambda w: w if w > 0.5 else -w, w=(0, 1))
    turns = itertools.count()
    with pytest.raises(DiagramError, match="does not compute the same each time"):
        draw(lambda w: w * 2 if next(turns) == 0 else w + 2, w=(0, 1))


def test_it_needs_no_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("numpy", "llvmlite", "platformdirs"):
        monkeypatch.setitem(sys.modules, package, None)
    assert draw(neuron, w=(-2, 2), x=1.5, b=(-1, 1)).html


def test_names_of_inputs_are_text_in_the_page() -> None:
    page = draw(lambda ŵ: ŵ * ŵ, ŵ=(0, 1), title="</script><b>").html
    data = re.search(r'<script type="application/json">(.*?)</script>', page, re.S)
    assert data is not None
    assert json.loads(data[1])["sliders"][0]["name"] == "ŵ"
    assert "<b>" not in page


def test_functions_of_every_kind_take_sliders() -> None:
    def keywords(**given: Value) -> Value:
        return given["a"] * given["b"]

    assert len(draw(keywords, a=(0, 1), b=3).drawing.picture.nodes) == 3
    assert "tanh" in draw(tanh, x=(-1, 1)).text  # whose operand has no name for callers
    assert draw(lambda w: w * 2, w=np.array([0, 1])).html
    assert draw(lambda w: w * 2, w=(np.int64(0), np.float32(1.0))).html
    assert draw(lambda w: w * 1e-300, w=(-1e308, 1e308)).html


def test_an_input_without_a_part_in_the_output_has_slope_0(tmp_path: Path) -> None:
    picture = draw(lambda w, x: where(x > 0, w * 2, w), w=(0, 1), x=(-1, 1))
    data = re.search(r'<script type="application/json">(.*?)</script>', picture.html, re.S)
    assert data is not None
    assert json.loads(data[1])["grads"][1] is None


def test_what_draws_random_numbers_cannot_move() -> None:
    draws = random.Random(0)
    with pytest.raises(DiagramError, match="does it draw random numbers"):
        draw(lambda w: w * draws.random(), w=(0, 2))


def test_an_argument_that_is_called_like_an_option_is_refused() -> None:
    def scaled(x: Value, limit: float = 1.0) -> Value:
        return x * limit

    with pytest.raises(DiagramError, match="has an argument limit, which is an option of draw too"):
        draw(scaled, x=(0, 1), limit=5)
    with pytest.raises(DiagramError, match="picture with sliders is whole"):
        draw(neuron, w=(-2, 2), x=1.5, b=(-1, 1), collapse=True)
    assert draw(lambda value: value * 2, value=(0, 1)).html


def test_gradients_that_values_hold_are_no_finding_of_a_moving_picture() -> None:
    k = Value(2.0, name="k")
    (k * 5).backward()
    assert "old gradient" not in draw(lambda w: w * k, w=(0, 2, 1)).text


@pytest.mark.browser
def test_in_the_style_of_micrograd_the_record_is_red_not_its_operation(browser: Any, tmp_path: Path) -> None:
    path = draw(lambda w: (w * 3).relu(), w=(-2, 2), style="micrograd").save(tmp_path / "a.html")
    page = Watched(browser.new_page(), path).page
    assert page.locator(".box.dead").count() == page.locator(".legend .box.dead").count()
