"""The film of a training run, in a real browser: what it computes is what Python computes, and every control works."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import nn
from autograd import OPERATIONS
from autograd.diagram.text import number
from autograd.diagram.theme import line_width, marked
from nn.recorder import Recording
from nn.stack import run, stack

from .test_player import Watched

pytestmark = pytest.mark.browser


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Watched]]:
    contexts = []
    watched: list[Watched] = []

    def open_(history: nn.History, theme: str = "auto", **options: Any) -> Watched:
        path = tmp_path / f"run{len(contexts)}.html"
        history.player(path, theme)
        contexts.append(browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options}))
        watched.append(Watched(contexts[-1].new_page(), path))
        watched[-1].page.wait_for_selector("[data-ready]", state="attached")
        return watched[-1]

    yield open_
    for one in watched:
        assert one.messages == []  # not one console message
        assert len(one.requests) == 1  # not one request besides the page itself
    for context in contexts:
        context.close()


def moons(model: nn.Module | None = None, **options: Any) -> nn.History:
    X, y = nn.data.moons(40, labels=(-1, 1))
    chosen: dict[str, Any] = {"loss": "hinge", "lr": 0.05, "epochs": 12, "record": nn.Recorder(every=3, samples=4)}
    return nn.fit(model or nn.MLP(2, [6, 5, 1], seed=1), X, y, progress=False, **{**chosen, **options})


def iris(**options: Any) -> nn.History:
    X, y = nn.data.iris()
    X = nn.data.Standardizer(X)(X)
    model = nn.MLP(4, [16, 3], seed=1)
    return nn.fit(model, X, y, loss="cross_entropy", epochs=3, metrics="accuracy", record=1, progress=False, **options)


def sine() -> nn.History:
    X = [i / 10 - 3 for i in range(61)]
    model = nn.MLP(1, [8, 1], activation="tanh", seed=1)
    return nn.fit(model, X, [math.sin(x) for x in X], epochs=4, record=2, progress=False)


def spirals() -> nn.History:
    X, y = nn.data.spirals(60, classes=3)
    model = nn.MLP(2, [8, 3], activation="tanh", seed=1)
    return nn.fit(model, X, y, loss="cross_entropy", epochs=4, record=2, progress=False)


PICTURE = "document.querySelector('[data-part=picture]')"
READ = "read(document.querySelector('[data-training]'))"


def words(page: Watched, name: str) -> str:
    text: str = page.part(name).text_content()
    return text


def slide(page: Watched, frame: int) -> None:
    page.page.evaluate(
        """k => { const s = document.querySelector('[data-part=slider]');
                  s.value = k; s.dispatchEvent(new Event('input')) }""",
        frame,
    )


# -------------------------------------------------- what the page computes


def every_activation() -> nn.Sequential:
    """A layer of one neuron for each activation that a page can compute."""
    names = [name for name in nn.activation_names() if name != "lgamma"]
    layer = nn.Layer(1, len(names), seed=0)
    for neuron, name in zip(layer.neurons, names, strict=True):
        neuron.activation = name
        neuron.w[0].data, neuron.b.data = 1.0, 0.0
    return nn.Sequential(layer, nn.Layer(len(names), 1, activation=None, init="zeros"))


def close(x: float | None, y: float, digits: float) -> bool:
    """Whether they agree to so many digits; JSON has no nan, and the browser's bridge gives it as it is."""
    if x is None or x != x or y != y:
        return y != y
    return x == y or abs(x - y) <= 10.0**-digits * max(abs(x), abs(y))


def test_activations_are_those_of_the_table(opened: Callable[..., Watched]) -> None:
    """To 1e-12: the browser's exp and tanh may differ from the C library's in the last bits.

    The inverse functions cancel near their zeros, and log2 and pow of V8 are a few bits off, within that bound.
    """
    model = every_activation()
    with pytest.warns(RuntimeWarning, match="the loss became nan"):  # acosh(½), which is not looked at here
        page = opened(nn.fit(model, [0.5, 1.0], [0.0, 0.0], epochs=1, record=1, progress=False))
    points = [x / 16 for x in range(-160, 161)] + [0.5, -0.5, 1.5, 2.5, -2.5, 30.0, -30.0, 700.0, -700.0, 1e-9, -1e-9]
    names = page.page.evaluate("Object.keys(ACTIVATIONS)")
    activations = {row.name for row in OPERATIONS.values() if row.activation}
    assert set(names) == activations - {"lgamma", "identity"} | {"linear"}
    wrong = []
    for name in set(names) - {"linear"}:
        got = page.page.evaluate("([name, xs]) => xs.map(ACTIVATIONS[name])", [name, points])
        rule = OPERATIONS[name].evaluate
        wrong += [(name, x, y, rule(x)) for x, y in zip(points, got, strict=True) if not close(y, rule(x), 12)]
    assert wrong == []


@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu", "softplus"])
def test_units_are_computed_as_in_python(activation: str, opened: Callable[..., Watched]) -> None:
    """To 1e-12 from the numbers of the frame; of the model itself to the 32 bits (7 digits) that those have."""
    model = nn.MLP(2, [6, 5, 1], activation=activation, seed=1)
    history = moons(model)
    page = opened(history)
    points = [[0.0, 0.0], [0.3, -0.7], [1.5, 0.5], [-1.0, 1.0]]
    last = len(history.recording) - 1
    columns = [list(column) for column in zip(*points, strict=True)]
    got = page.page.evaluate(
        f"([k, columns]) => forward({READ}, k, columns.map((c) => Float64Array.from(c))).outs.map((a) => [...a])",
        [last, columns],
    )
    for k, x in enumerate(points):
        exact = [a.data for row in run(stack(model).layers, x)[1] for a in row]
        largest = max(map(abs, exact))
        assert [row[k] for row in got] == pytest.approx(exact, rel=1e-6, abs=1e-6 * largest)
    rounded = rounded_model(model, history.recording)
    for k, x in enumerate(points):
        exact = [a.data for row in run(stack(rounded).layers, x)[1] for a in row]
        assert [row[k] for row in got] == pytest.approx(exact, rel=1e-12, abs=1e-14)


def rounded_model(model: nn.Module, recording: Recording) -> nn.Module:
    """The model with the numbers of the last frame, which have 32 bits."""
    neurons = [m for m in model.modules() if isinstance(m, nn.Neuron)]
    places = [p for n in neurons for p in (*n.w, n.b)]
    for p, x in zip(places, recording.parameters[-len(places) :], strict=True):
        p.data = x
    return model


def test_the_plane_is_computed_as_in_python(opened: Callable[..., Watched]) -> None:
    model = nn.MLP(2, [6, 5, 1], activation="tanh", seed=1)
    history = moons(model, record=nn.Recorder(every=12, grid=9))
    page = opened(history)
    got = page.page.evaluate(f"() => {{ const f = fieldsOf({READ}, 1); return [f.side, [...f.units.at(-1)]] }}")
    assert got[0] == 9
    (left, right), (bottom, top) = history.recording.span
    rounded = rounded_model(model, history.recording)
    for i in (0, 8, 9, 40, 80):
        x = [left + (right - left) * (i % 9) / 8, bottom + (top - bottom) * (i // 9) / 8]
        assert got[1][i] == pytest.approx(rounded(x).data, rel=1e-9, abs=1e-12)


def test_dead_units_are_those_of_python(opened: Callable[..., Watched]) -> None:
    model = nn.MLP(2, [6, 5, 1], seed=1)
    for k in (1, 4):
        model.layers[0].neurons[k].b.data = -50.0
    history = moons(model)
    page = opened(history)
    page.part("last").click()
    got = set(page.page.evaluate(f"() => [...offUnits({READ}, {len(history.recording) - 1})]"))
    nets = [[z.data for row in run(stack(model).layers, x)[0] for z in row] for x in nn.data.moons(40)[0]]
    relus = range(11)
    assert got == {k for k in relus if all(z[k] <= 0.0 for z in nets)} >= {1, 4}
    assert f"{len(got)} of 11 units dead for all 40 samples" in words(page, "numbers")
    assert page.page.locator("g.unit.off").count() == len(got)
    assert "2 of 6 dead" in page.page.locator("text.title.dead").all_text_contents()
    page.page.locator("g.unit.off").first.click()
    assert "Dead: z ≤ 0 for all 40 samples" in words(page, "lines-of-unit")


def test_numbers_are_written_as_in_the_other_pictures(opened: Callable[..., Watched]) -> None:
    page = opened(moons(epochs=1))
    numbers = [x * 10.0**e for e in range(-12, 13) for x in (1.0, -2.51, 9.99951, 3.14159, 123.456)]
    numbers += [0.0, -0.0, 1e300, 5e-324, 9999.6, 99996.0, 0.00009999]  # no ties, which Python rounds to even
    for digits in (2, 3, 4):
        got = page.page.evaluate("([xs, digits]) => xs.map((x) => number(x, digits))", [numbers, digits])
        assert got == [number(x, digits) for x in numbers]
    assert page.page.evaluate("[number(NaN), number(Infinity), number(-Infinity), number(null)]") == [
        *[number(x) for x in (math.nan, math.inf, -math.inf)], "·",
    ]  # fmt: skip
    assert page.page.evaluate("xs => xs.map((x) => marked(x))", numbers) == [marked(x)[0] for x in numbers]
    assert page.page.evaluate("xs => xs.map(lineWidth)", numbers) == pytest.approx([line_width(x) for x in numbers])


# -------------------------------------------------------------- the controls


def test_every_control(opened: Callable[..., Watched]) -> None:
    history = moons(metrics="accuracy", validation_split=0.25)
    page = opened(history)
    assert words(page, "epoch") == "before training"
    assert page.part("previous").is_disabled()
    page.part("next").click()
    assert words(page, "epoch") == "epoch 3"
    assert f"loss = {number(history['loss'][2])} · accuracy = " in words(page, "numbers")
    assert f"val_loss = {number(history['val_loss'][2])}" in words(page, "numbers")
    page.part("last").click()
    assert words(page, "epoch") == "epoch 12"
    assert page.part("next").is_disabled()
    page.part("first").click()
    slide(page, 2)
    assert words(page, "epoch") == "epoch 6"
    assert "epoch 6, loss" in page.part("slider").get_attribute("aria-valuetext")
    assert words(page, "words").startswith("epoch 6: loss")
    page.part("previous").click()
    assert words(page, "epoch") == "epoch 3"


def test_play_runs_to_the_end_and_can_be_paused(opened: Callable[..., Watched]) -> None:
    page = opened(moons())
    page.page.evaluate(  # within one turn, in which no frame can pass
        """() => { const play = document.querySelector('[data-part=play]'); play.click();
                   window.seen = [play.textContent]; play.click(); window.seen.push(play.textContent) }"""
    )
    assert page.page.evaluate("window.seen") == ["Pause", "Play"]
    page.part("speed").select_option("fast")
    page.part("play").click()
    page.page.locator('[data-part="next"]:disabled').wait_for()
    assert words(page, "epoch") == "epoch 12"
    assert words(page, "play") == "Play"
    again = page.page.evaluate(
        """() => { document.querySelector('[data-part=play]').click();
                   return document.querySelector('[data-part=epoch]').textContent }"""
    )
    assert again == "before training"  # once more, from the start


def test_reduced_motion_plays_slowly(opened: Callable[..., Watched]) -> None:
    assert opened(moons(), reduced_motion="reduce").part("speed").input_value() == "900"
    assert opened(moons()).part("speed").input_value() == "250"


def test_by_keyboard_only(opened: Callable[..., Watched]) -> None:
    page = opened(moons())
    keys = page.page.keyboard
    for key, shown in [("ArrowRight", "epoch 3"), ("End", "epoch 12"), ("ArrowLeft", "epoch 9"), ("Home", "before")]:
        keys.press(key)
        assert words(page, "epoch").startswith(shown)
    page.part("speed").evaluate("s => { s.options[0].value = 600000 }")  # no frame passes meanwhile
    page.part("speed").select_option(index=0)
    page.page.evaluate("document.activeElement.blur()")
    keys.press("Space")
    assert words(page, "play") == "Pause"
    keys.press("Space")
    assert words(page, "play") == "Play"
    reached = []
    for _ in range(20):
        keys.press("Tab")
        reached.append(page.page.evaluate("document.activeElement.dataset.part || document.activeElement.tagName"))
    assert {"play", "next", "slider", "speed", "sample", "lines", "g", "SUMMARY", "INPUT"} <= set(reached)
    assert reached[: reached.index("SUMMARY")].count("g") == 1  # where arrow keys go from unit to unit


def test_from_unit_to_unit_by_arrow_keys(opened: Callable[..., Watched]) -> None:
    page = opened(moons())
    page.page.locator("g.unit.chosen").focus()
    page.page.keyboard.press("ArrowLeft")
    assert words(page, "title").startswith("h2.")
    first = words(page, "title")
    page.page.keyboard.press("ArrowDown")
    assert words(page, "title") != first
    assert words(page, "epoch") == "before training"  # the epoch stays
    for _ in range(2):
        page.page.keyboard.press("ArrowLeft")
    assert words(page, "title").startswith("x")
    label = page.page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert label.startswith(words(page, "title").split(" ")[0])


# ---------------------------------------------------------------- the numbers


def test_the_panel_has_the_engines_numbers(opened: Callable[..., Watched]) -> None:
    model = nn.MLP(2, [6, 5, 1], activation="tanh", seed=1)
    history = moons(model, loss="mse")
    page = opened(history)
    page.part("last").click()
    page.part("sample").select_option(index=2)
    sample = history.recording.samples[2]
    model.zero_grad()
    out = model(sample["x"])
    loss = nn.mse([out], [sample["t"]])
    loss.backward()
    assert words(page, "title") == f"o1 = z = {number(out.data)}"
    rows = [row.split("|") for row in page.page.evaluate(
        "[...document.querySelectorAll('[data-part=lines-of-unit] tbody tr')]"
        ".map((row) => [...row.children].map((cell) => cell.textContent).join('|'))"
    )]  # fmt: skip
    neuron = model.layers[2].neurons[0]
    assert [row[0] for row in rows] == ["h2.1", "h2.2", "h2.3", "h2.4", "h2.5", "bias b"]
    assert [row[1] for row in rows] == [number(p.data) for p in (*neuron.w, neuron.b)]
    assert [row[4] for row in rows] == [marked(p.grad)[0] for p in (*neuron.w, neuron.b)]
    assert f"loss of sample {sample['number']} = {number(loss.data)}" in words(page, "numbers")


def test_lines_show_weights_and_gradients_with_their_signs(opened: Callable[..., Watched]) -> None:
    model = nn.MLP(2, [6, 5, 1], activation="tanh", seed=1)
    history = moons(model, loss="mse")
    page = opened(history)
    page.part("last").click()
    negative = sum(w.data < 0.0 for layer in model.layers for n in layer.neurons for w in n.w)
    dashed = """[...document.querySelectorAll('path.edge')]
                  .filter((e) => getComputedStyle(e).strokeDasharray !== 'none').length"""
    assert page.page.locator("path.edge").count() == 2 * 6 + 6 * 5 + 5
    assert page.page.locator("path.edge.negative").count() == negative == page.page.evaluate(dashed)
    page.part("lines").select_option("gradients")
    sample = history.recording.samples[0]
    model.zero_grad()
    nn.mse([model(sample["x"])], [sample["t"]]).backward()
    negative = sum(w.grad < 0.0 for layer in model.layers for n in layer.neurons for w in n.w)
    assert page.page.locator("path.edge.negative").count() == negative == page.page.evaluate(dashed)
    assert "gradient" in words(page, "legend")
    page.page.locator("path.reach").first.hover()
    assert words(page, "tip").startswith("w from x1 to h1.1 = ")
    assert "∂loss/∂w = δ × x1 = " in words(page, "tip")


def test_a_click_on_the_plane_chooses_a_sample_or_asks_the_model_there(opened: Callable[..., Watched]) -> None:
    model = nn.MLP(2, [6, 5, 1], seed=1)
    history = moons(model)
    page = opened(history)
    page.part("last").click()
    box = page.page.evaluate("document.querySelector('[data-part=plane]').box")
    (left, right), (bottom, top) = history.recording.span

    def click(x: float, y: float) -> None:
        across, up = (x - left) / (right - left), (y - bottom) / (top - bottom)
        page.part("plane").click(
            position={"x": box["x"] + box["width"] * across, "y": box["y"] + box["height"] * (1 - up)}
        )

    click(*history.recording.samples[3]["x"])
    assert page.part("sample").evaluate("s => s.selectedIndex") == 3
    assert page.part("sample").locator("option[hidden]").count() == 1
    x = [left + 0.02 * (right - left), bottom + 0.02 * (top - bottom)]
    click(*x)
    assert "the point (" in page.part("sample").evaluate("s => s.selectedOptions[0].textContent")
    shown = float(words(page, "title").split("= ")[-1].replace("−", "-"))
    assert shown == pytest.approx(model(x).data, abs=0.05)  # a click hits a pixel
    assert "·" in words(page, "lines-of-unit")  # no target, so no gradient
    page.part("sample").select_option(index=0)
    assert page.part("sample").locator("option[hidden]").count() == 1


def test_a_click_on_a_curve_goes_to_its_epoch(opened: Callable[..., Watched]) -> None:
    page = opened(moons())
    curve = page.page.locator("figure svg[role=img]").first
    box = curve.bounding_box()
    curve.click(position={"x": box["width"] - 11, "y": 40})
    assert words(page, "epoch") == "epoch 12"
    curve.click(position={"x": 59, "y": 40})
    assert words(page, "epoch") == "before training"
    page.page.get_by_label("log axis").check()
    assert "log axis" in curve.text_content()


# -------------------------------------------------------------- other models


def test_three_classes(opened: Callable[..., Watched]) -> None:
    page = opened(spirals())
    assert page.part("field").input_value() == "largest"
    assert "0: circle, 1: square, 2: triangle" in words(page, "key")
    assert page.part("scale").is_hidden()
    page.part("field").select_option("1")
    assert page.part("scale").is_visible()
    assert "striped below 0" in words(page, "key")
    assert page.page.get_by_text("◀ its class").count() == 1


def test_one_input(opened: Callable[..., Watched]) -> None:
    page = opened(sine())
    assert page.part("plane").is_visible()
    assert words(page, "key").startswith("Dots: the data. Line: the model.")
    box = page.page.evaluate("document.querySelector('[data-part=plane]').box")
    page.part("plane").click(position={"x": box["x"] + 4, "y": box["y"] + 4})
    assert "the point (−3.8" in page.part("sample").evaluate("s => s.selectedOptions[0].textContent")


def test_more_than_two_inputs(opened: Callable[..., Watched]) -> None:
    page = opened(iris())
    assert page.part("plane").is_hidden()
    assert page.page.locator("g.unit").count() == 4 + 16 + 3
    assert page.page.locator("figure").count() == 3
    assert "metrics" in words(page, "curves")


class Skip(nn.Module):
    """No stack: the last layer sees the inputs again."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Layer(2, 3, activation="tanh", seed=1), nn.Layer(5, 1, activation=None, seed=2)

    def forward(self, *inputs: Any) -> Any:
        (x,) = inputs
        return self.last([*self.first(x), *x])


def test_no_stack_of_layers(opened: Callable[..., Watched]) -> None:
    model = Skip()
    history = moons(model)
    page = opened(history)
    assert words(page, "why").startswith("There is no drawing of the network: Skip computes its output in its own way")
    assert page.part("stage").is_hidden()
    assert page.part("plane").is_visible()
    page.part("last").click()
    assert f"o1{number(model(history.recording.samples[0]['x']).data)}" in words(page, "lines-of-unit")
    assert page.page.locator("figure li").all_text_contents()[1].startswith("first = ")
    got = page.page.evaluate(f"() => [...fieldsOf({READ}, {len(history.recording) - 1}).units[0]]")
    (left, right), (bottom, top) = history.recording.span
    corner = model([left, bottom]).data, model([right, top]).data
    assert [got[0], got[-1]] == pytest.approx(corner, abs=(max(got) - min(got)) / 500)
    page.part("plane").click(position={"x": 60, "y": 20})  # it cannot be asked here
    assert "the point" not in page.part("sample").evaluate("s => s.selectedOptions[0].textContent")


def test_an_activation_of_ones_own(opened: Callable[..., Watched]) -> None:
    page = opened(moons(nn.MLP(2, [4, 1], activation=lambda z: 1.5 * z.tanh(), seed=1)))
    assert page.page.locator("g.unit").count() == 7
    page.page.locator("g.unit").nth(3).click()
    assert " = f(z) = " in words(page, "title")
    assert page.page.get_by_text("hidden: a function of your own").count() == 1


def test_a_wide_layer_is_shown_from_both_ends(opened: Callable[..., Watched]) -> None:
    page = opened(moons(nn.MLP(2, [60, 1], seed=1), epochs=1))
    shown = page.page.locator("g.unit").count() - 3
    assert 10 < shown < 30
    assert page.page.get_by_text(f"… {60 - shown} more …").count() == 1


def test_a_run_cut_short_says_so(opened: Callable[..., Watched]) -> None:
    with pytest.warns(RuntimeWarning, match="the loss became"):
        history = moons(loss="mse", optimizer="sgd", lr=1e200)
    page = opened(history)
    page.part("last").click()
    assert words(page, "epoch").startswith("within epoch ")
    assert "(nan loss)" in words(page, "epoch")


# --------------------------------------------------------------- how it looks


@pytest.mark.parametrize("make", [moons, iris, sine, spirals])
@pytest.mark.parametrize("size", [(390, 844), (768, 1024), (1280, 800)])
def test_the_page_fits_the_window(make: Any, size: tuple[int, int], opened: Callable[..., Watched]) -> None:
    page = opened(make(), viewport={"width": size[0], "height": size[1]})
    for frame in (0, 1):
        slide(page, frame)
        assert page.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    picture = page.part("picture").bounding_box()
    assert picture["x"] >= 0
    assert picture["x"] + picture["width"] <= size[0]
    assert picture["height"] <= 0.6 * size[1]
    outside = page.page.evaluate(
        """() => {
          const frame = document.querySelector('[data-part=picture]').getBoundingClientRect();
          const isOut = (b) => b.left < frame.left - 1 || b.right > frame.right + 1 || b.bottom > frame.bottom + 1;
          return [...document.querySelectorAll('[data-part=picture] text')]
            .filter((t) => t.textContent && isOut(t.getBoundingClientRect())).map((t) => t.textContent) }"""
    )
    assert outside == []


def test_a_new_size_of_the_window_is_followed(opened: Callable[..., Watched]) -> None:
    page = opened(moons())
    page.page.set_viewport_size({"width": 390, "height": 844})
    page.page.wait_for_function(f"() => {PICTURE}.getBoundingClientRect().right <= 390")
    page.page.wait_for_function("() => document.documentElement.scrollWidth <= innerWidth")


def test_a_frame_without_width_is_no_trouble(opened: Callable[..., Watched]) -> None:
    """As that of a notebook's output while it is folded."""
    page = opened(spirals())
    page.page.evaluate("document.querySelector('.cards').style.width = '0px'")
    page.page.set_viewport_size({"width": 1000, "height": 700})
    page.page.evaluate("document.querySelector('.cards').style.width = ''")
    page.page.set_viewport_size({"width": 900, "height": 700})
    page.page.wait_for_function(f"() => {PICTURE}.getBoundingClientRect().width > 300")
    assert page.page.locator("path[d*=NaN]").count() == 0


def test_dark_and_light(opened: Callable[..., Watched]) -> None:
    history = moons()
    shown = {}
    for scheme in ("light", "dark"):
        page = opened(history, color_scheme=scheme)
        shown[scheme] = page.page.evaluate(
            """[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.querySelector('h1')).color,
                getComputedStyle(document.querySelector('path.edge.positive')).stroke,
                getComputedStyle(document.querySelector('.status')).color]"""
        )
    assert shown["light"][:3] == ["rgb(255, 255, 255)", "rgb(17, 24, 39)", "rgb(29, 78, 216)"]
    assert shown["dark"][:3] == ["rgb(17, 24, 39)", "rgb(249, 250, 251)", "rgb(147, 197, 253)"]
    forced = opened(history, "light", color_scheme="dark")
    assert forced.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_the_plane_takes_the_colours_of_the_scheme(opened: Callable[..., Watched]) -> None:
    page = opened(moons(), color_scheme="light")
    corner = "[...document.querySelector('[data-part=plane]').getContext('2d').getImageData(40, 10, 1, 1).data]"
    light = page.page.evaluate(corner)
    page.page.emulate_media(color_scheme="dark")
    page.page.wait_for_function(f"() => String({corner}) !== '{','.join(map(str, light))}'")
    page.page.emulate_media(color_scheme="dark", media="print")  # paper is white
    page.page.wait_for_function(f"() => String({corner}) === '{','.join(map(str, light))}'")
    page.messages.clear()  # the browser says that reading a canvas back is slow, which only this test does


def test_in_print_the_controls_are_gone(opened: Callable[..., Watched]) -> None:
    page = opened(moons())
    page.page.emulate_media(media="print")
    assert not page.part("play").is_visible()
    assert not page.part("sample").is_visible()
    assert page.part("picture").is_visible()
    assert page.part("plane").is_visible()


def test_the_policy_lets_nothing_else_run(opened: Callable[..., Watched]) -> None:
    page = opened(moons())
    ran = page.page.evaluate(
        """() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1';
                   document.body.append(s); return window.ran ?? 0 }"""
    )
    assert ran == 0
    assert len(page.messages) == 1  # the browser says that it refused
    page.messages.clear()
