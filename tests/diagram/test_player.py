"""The player, in a real browser: every control, the numbers, and that it asks nobody for anything."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd import Value
from autograd.diagram import Diagram, compare, draw
from autograd.diagram.chain_rule.steps import as_data, steps
from autograd.diagram.formats.html import fragment, script
from autograd.diagram.formats.page import page as whole_page
from autograd.diagram.text import number
from autograd.diagram.theme import line_width

from .graphs import GOLDEN, chain, named, network, product, shared
from .test_draw import HOSTILE

pytestmark = pytest.mark.browser


class Watched:
    """A page that remembers what it said and what it asked for."""

    def __init__(self, page: Any, path: Path) -> None:
        self.page = page
        self.messages: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.messages.append(message.text))
        page.on("pageerror", lambda error: self.messages.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(path.as_uri())

    def part(self, name: str) -> Any:
        return self.page.locator(f'[data-part="{name}"]').first

    def count(self) -> str:
        text: str = self.part("count").text_content()
        return text

    def numbers(self) -> dict[str, list[str]]:
        numbers: dict[str, list[str]] = self.page.evaluate(
            """() => Object.fromEntries([...document.querySelectorAll('g.node')].map(g => [
                 g.querySelector('text.head').textContent.split(' = ')[0],
                 [...g.querySelectorAll('text.number')].map(t => t.textContent)]))"""
        )
        return numbers


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Watched]]:
    contexts = []
    watched: list[Watched] = []

    def open_(root: Value | None = None, html: str | None = None, **options: Any) -> Watched:
        path = tmp_path / f"player{len(contexts)}.html"
        if html is None:
            assert root is not None
            draw(root).save(path)
        else:
            path.write_text(html, encoding="utf-8")
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        contexts.append(context)
        watched.append(Watched(context.new_page(), path))
        return watched[-1]

    yield open_
    for one in watched:
        assert one.messages == []  # not one console message
        assert len(one.requests) == 1  # not one request besides the page itself
    for context in contexts:
        context.close()


def backward(root: Value) -> Value:
    root.backward()
    return root


@pytest.mark.parametrize("name", GOLDEN)
def test_the_last_step_shows_the_engines_numbers(name: str, opened: Callable[..., Watched]) -> None:
    root = backward(GOLDEN[name]())
    page = opened(root)
    page.part("last").click()
    shown = page.numbers()
    from autograd import topological_order

    checked = 0
    for v in topological_order(root):
        if v.name is None:
            continue
        numbers = shown[v.name]
        assert numbers[0] == number(v.data)
        if v.requires_grad:
            assert numbers[1].lstrip("▲▼ ") == number(v.grad)
            checked += 1
    assert checked >= 3


def test_every_control(opened: Callable[..., Watched]) -> None:
    page = opened(backward(product()))
    total = len(steps(draw(product()).drawing.picture))
    assert page.count() == f"1 / {total}"
    assert page.part("previous").is_disabled()
    assert page.part("first").is_disabled()
    page.part("next").click()
    assert page.count() == f"2 / {total}"
    assert "Forward: a = w × x" in page.part("title").text_content()
    page.part("previous").click()
    assert page.count() == f"1 / {total}"
    page.part("last").click()
    assert page.count() == f"{total} / {total}"
    assert page.part("next").is_disabled()
    page.part("first").click()
    assert page.count() == f"1 / {total}"
    page.page.evaluate(
        """s => { const e = document.querySelector('[data-part=slider]');
                  e.value = s; e.dispatchEvent(new Event('input')) }""",
        "2",
    )
    assert page.count() == f"3 / {total}"
    assert "seed" in page.part("phase").text_content()
    page.part("fit").click()
    assert page.part("fit").get_attribute("aria-pressed") == "true"
    page.page.locator("g.node.output").click()  # a click on a box goes to its next step
    assert "Backward" in page.part("title").text_content()
    page.page.get_by_text("The numbers as a table").click()
    assert page.page.locator("details table").is_visible()


def test_play_runs_to_the_end_and_can_be_paused(opened: Callable[..., Watched]) -> None:
    page = opened(backward(product()))
    page.part("speed").select_option("fast")
    page.part("play").click()
    assert page.part("play").text_content() == "Pause"
    page.part("play").click()
    assert page.part("play").text_content() == "Play"
    page.part("play").click()
    page.page.locator('[data-part="next"]:disabled').wait_for()
    assert page.part("play").text_content() == "Play"
    page.part("play").click()  # once more from the start
    assert page.count().startswith("1 /")


def test_by_keyboard_only(opened: Callable[..., Watched]) -> None:
    page = opened(backward(shared()))
    keys = page.page.keyboard
    keys.press("Tab")
    outline = page.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"  # the focus can be seen
    for key, shown in [("ArrowRight", "2 /"), ("ArrowRight", "3 /"), ("ArrowLeft", "2 /"), ("Home", "1 /")]:
        keys.press(key)
        assert page.count().startswith(shown)
    keys.press("End")
    assert page.part("next").is_disabled()
    keys.press("Home")
    keys.press("Space")
    assert page.part("play").text_content() == "Pause"
    keys.press("Space")
    assert page.part("play").text_content() == "Play"
    reached = set()
    for _ in range(20):
        keys.press("Tab")
        reached.add(page.page.evaluate("document.activeElement.dataset.part || document.activeElement.tagName"))
    assert {"stage", "g", "play", "next", "last", "slider", "speed", "farther", "closer", "fit", "SUMMARY"} <= reached


def test_where_paths_meet_the_running_total_is_shown(opened: Callable[..., Watched]) -> None:
    page = opened(backward(shared()))  # y = b·b + a, b = a + a: three paths lead back to a
    seen = []
    for _ in range(20):
        seen.append(page.part("lines").text_content())
        if page.part("next").is_disabled():
            break
        page.part("next").click()
    text = " ".join(seen)
    assert "(1 of 3 paths)" in text
    assert "1 + 12 = 13 (2 of 3 paths)" in text
    assert "13 + 12 = 25 (3 of 3 paths)" in text
    assert page.page.locator("math").count() >= 0
    assert (
        page.page.evaluate("document.querySelector('.lines math')?.namespaceURI")
        == "http://www.w3.org/1998/Math/MathML"
    )


def test_going_back_takes_numbers_away_again(opened: Callable[..., Watched]) -> None:
    page = opened(backward(shared()))
    first = page.numbers()
    page.part("last").click()
    assert page.numbers() != first
    page.part("first").click()
    assert page.numbers() == first
    assert first["y"] == ["·", "·"]
    assert first["a"] == ["3", "·"]


def test_for_a_screen_reader(opened: Callable[..., Watched]) -> None:
    page = opened(backward(product()))
    page.part("next").click()
    words = page.part("words")
    assert words.get_attribute("aria-live") == "polite"
    assert words.text_content() == "Step 2 of 5. a = w × x = 2 × (−3) = −6"
    assert "step 2 of 5" in page.part("slider").get_attribute("aria-valuetext")
    names = page.page.evaluate(
        "[...document.querySelectorAll('button')].map(b => b.getAttribute('aria-label') || b.textContent)"
    )
    assert all(re.search(r"[A-Za-z]{3}", name) for name in names)
    labelled = page.page.evaluate(
        """document.querySelector('svg').getAttribute('aria-labelledby').split(' ')
             .map(i => document.getElementById(i).textContent)"""
    )
    assert labelled[0] == "Computation graph of a"
    assert "3 nodes and 2 edges" in labelled[1]


def test_dark_and_light(opened: Callable[..., Watched]) -> None:
    root = backward(product())
    expected = {
        "light": ["rgb(255, 255, 255)", "rgb(219, 234, 254)", "rgb(17, 24, 39)"],
        "dark": ["rgb(17, 24, 39)", "rgb(30, 58, 138)", "rgb(249, 250, 251)"],
    }
    for scheme, colours in expected.items():
        page = opened(root, color_scheme=scheme)
        shown = page.page.evaluate(
            """[getComputedStyle(document.querySelector('main')).backgroundColor,
                getComputedStyle(document.querySelector('g.node.parameter rect')).fill,
                getComputedStyle(document.querySelector('text.head')).fill]"""
        )
        assert shown == colours


@pytest.mark.parametrize("size", [(360, 640), (1280, 800)])
def test_the_page_never_scrolls_sideways(size: tuple[int, int], opened: Callable[..., Watched]) -> None:
    page = opened(backward(network()), viewport={"width": size[0], "height": size[1]})
    for _ in range(30):
        page.part("next").click() if not page.part("next").is_disabled() else None
        assert page.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for name in ("first", "previous", "play", "next", "last", "slider", "speed", "fit"):
        box = page.part(name).bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= size[0]


IN_SIGHT = """() => { const n = document.querySelector('g.node.active'); if (!n) return true;
  const a = n.getBoundingClientRect(), b = document.querySelector('.stage').getBoundingClientRect();
  return a.right <= b.right + 1 && a.left >= b.left - 1 && a.bottom <= b.bottom + 1 && a.top >= b.top - 1 }"""


@pytest.mark.parametrize("size", [(360, 640), (700, 600), (1280, 800)])
def test_the_node_at_work_is_kept_in_sight(size: tuple[int, int], opened: Callable[..., Watched]) -> None:
    window = {"width": size[0], "height": size[1]}
    page = opened(backward(network()), viewport=window, reduced_motion="reduce")
    while not page.part("next").is_disabled():
        page.page.keyboard.press("ArrowRight")
        assert page.page.evaluate(IN_SIGHT)
    page.page.keyboard.press("Home")
    assert page.page.evaluate("document.querySelector('.stage').scrollLeft") == 0


def test_fast_steps_do_not_scroll_past_the_node_at_work(opened: Callable[..., Watched]) -> None:
    page = opened(backward(network()), viewport={"width": 700, "height": 600})  # with smooth scrolling
    for _ in range(17):
        page.page.keyboard.press("ArrowRight")
    page.page.keyboard.press("ArrowLeft")
    page.page.wait_for_function(IN_SIGHT)
    settled = "(async () => { const s = document.querySelector('.stage'); let x; do { x = s.scrollLeft; "
    settled += "await new Promise(r => setTimeout(r, 120)) } while (s.scrollLeft !== x) })()"
    page.page.evaluate(settled)
    assert page.page.evaluate(IN_SIGHT)


def test_the_only_player_of_a_page_takes_the_keys_at_once(opened: Callable[..., Watched]) -> None:
    page = opened(backward(product()))
    assert page.page.evaluate("document.activeElement === document.body")
    page.page.keyboard.press("ArrowRight")
    assert page.count() == "2 / 5"
    page.page.keyboard.press("End")
    assert page.count() == "5 / 5"
    page.page.keyboard.press(" ")
    assert page.part("play").get_attribute("aria-pressed") == "true"
    page.page.keyboard.press(" ")


def test_a_picture_somewhat_wider_than_the_window_starts_fitted(opened: Callable[..., Watched]) -> None:
    sizes = {(660, 700): "true", (1280, 800): "false", (360, 640): "false"}  # 900 points wide: it fits, or is too small
    for (width, height), fitted in sizes.items():
        page = opened(backward(shared()), viewport={"width": width, "height": height})
        assert page.part("fit").get_attribute("aria-pressed") == fitted


def test_in_print_the_controls_are_gone(opened: Callable[..., Watched]) -> None:
    page = opened(backward(product()))
    page.page.emulate_media(media="print")
    assert not page.part("play").is_visible()
    assert page.page.locator("svg").is_visible()


def test_two_players_on_one_page_do_not_disturb_each_other(opened: Callable[..., Watched]) -> None:
    pictures = [draw(backward(make())) for make in (product, shared)]
    players = [fragment(p.drawing.picture, p.drawing.layout, f"p{i}") for i, p in enumerate(pictures)]
    page = opened(html=whole_page("two", players, "auto", script()))
    mains = page.page.locator("main")
    mains.nth(1).locator('[data-part="last"]').click()
    assert mains.nth(0).locator('[data-part="count"]').text_content() == "1 / 5"
    assert mains.nth(1).locator("text.grad").first.text_content() == "▲ 25"
    assert mains.nth(0).locator("text.grad").first.text_content() == "·"
    ids = page.page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))


def test_the_policy_lets_nothing_else_run(opened: Callable[..., Watched]) -> None:
    html = draw(backward(product())).html
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy[1]
    page = opened(html=html)
    ran = page.page.evaluate(
        """() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1';
                   document.body.append(s); return window.ran ?? 0 }"""
    )
    assert ran == 0
    assert len(page.messages) == 1  # the browser says that it refused
    page.messages.clear()


def test_text_stays_inside_its_box(opened: Callable[..., Watched]) -> None:
    names = [
        "wwwwwwwwwwwwwwwwwwwwwwww",
        "MMMMMMMMMMMMMMMMMMMMMMMM",
        "漢字漢字漢字漢字漢字",
        "iiii",
        "﷽﷽",
        "🙂🙂🙂🙂",
        "Щукаюж",
        "e\u0301e\u0301",
    ]
    values = [Value(-1.2345e-300 * (i + 1), name=name) for i, name in enumerate(names)]
    total = named("total", sum(values[1:], values[0]) * 1e300)
    for root in (total, GOLDEN["dead"](), network()):
        page = opened(backward(root))
        page.part("last").click()
        over = page.page.evaluate(
            """() => { const bad = [];
              for (const g of document.querySelectorAll('g.node')) {
                const b = g.querySelector('rect.box').getBBox();
                for (const t of g.querySelectorAll('text')) { const r = t.getBBox();
                  if (r.x < b.x - .5 || r.x + r.width > b.x + b.width + .5) bad.push(t.textContent) }
                const [k, v] = [...g.querySelectorAll('text.key, text.number')].map(t => t.getBBox());
                if (k && v && k.x + k.width > v.x) bad.push('numbers meet labels: ' + g.textContent) }
              return bad }"""
        )
        assert over == []


def test_hostile_names_in_the_browser(opened: Callable[..., Watched]) -> None:
    evil = [
        "</script><script>window.hit=1</script>",
        "<img src=x onerror=window.hit=1>",
        "]]>&lt;b&gt;",
        "\"'\\u003c",
        "\u2028\u2029",
    ]
    leaves = [Value(1.0, name=name) for name in evil]
    total = named("javascript:window.hit=1", leaves[0] * leaves[1] + leaves[2] * leaves[3] + leaves[4])
    page = opened(backward(total))
    page.part("last").click()
    assert page.page.evaluate("window.hit ?? 0") == 0
    assert page.page.evaluate("document.images.length") == 0
    assert "<img src=x onerror=wind…" in page.numbers()


@settings(max_examples=60)
@given(names=st.lists(HOSTILE, min_size=3, max_size=3))
def test_hostile_names_leave_the_data_whole(names: list[str]) -> None:
    w, x = Value(1.0, name=names[0]), Value(2.0, name=names[1])
    html = draw(named(names[2], w * x), engine="python").html
    scripts = re.findall(r'<script type="application/json">(.*?)</script>', html, flags=re.S)
    assert len(scripts) == 1
    assert json.loads(scripts[0])["steps"]
    assert html.count("<script") == 2
    svg = re.search(r"<svg .*?</svg>", html, flags=re.S)
    assert svg is not None
    ElementTree.fromstring(svg[0].encode("utf-8"))


def test_the_steps_of_a_product_say_the_chain_rule() -> None:
    every = steps(draw(product()).drawing.picture)
    assert [s.phase for s in every] == ["start", "forward", "seed", "backward", "end"]
    assert every[3].words == "Backward through a = w × x. ∂a/∂w += 1 × −3 = −3. ∂a/∂x += 1 × 2 = 2."
    assert json.loads(json.dumps(as_data(draw(product()).drawing.picture), allow_nan=False))


def test_a_frozen_input_takes_no_gradient_in_the_steps() -> None:
    loss = GOLDEN["dead"]()
    picture = draw(loss).drawing.picture
    frozen = {node.id for node in picture.nodes if node.frozen}
    assert frozen
    assert not any(frozen & set(s.grads) for s in steps(picture))


def moons_loss() -> tuple[Any, Value]:
    """A model and its loss for ten points: 228 values."""
    import nn

    points, labels = nn.data.moons(10, labels=(-1, 1))
    model = nn.MLP(2, [4, 4, 1], seed=0)
    return model, backward(nn.hinge([model(x) for x in points], labels))


def fits(page: Watched) -> bool:
    return bool(
        page.page.evaluate("""() => {
            const stage = document.querySelector('.stage').getBoundingClientRect();
            const drawn = document.querySelector('.stage svg').getBoundingClientRect();
            return drawn.width <= stage.width && drawn.height <= stage.height + 1 && drawn.height > 200;
        }""")
    )


def test_a_folded_graph_is_fitted_at_the_start_and_its_edges_run_from_box_to_box(
    opened: Callable[..., Watched],
) -> None:
    model, loss = moons_loss()
    diagram = draw(loss, model=model)
    page = opened(html=diagram.html)
    assert fits(page)
    folded = diagram.drawing.picture
    assert page.page.locator("g.node:visible").count() == len(folded.nodes) == 30
    assert page.page.locator("g.edge polygon:visible").count() == len(folded.edges) == 50
    assert page.page.get_by_text("gradient norm").locator("visible=true").count() == 0  # none is computed yet
    page.page.keyboard.press("End")
    flowing = [edge for edge in folded.edges if edge.flow]
    coloured = page.page.locator("g.edge.positive polygon:visible, g.edge.negative polygon:visible")
    assert coloured.count() == len(flowing) > 30
    assert page.page.get_by_text("gradient norm").locator("visible=true").count() == 9


def test_each_edge_between_boxes_carries_at_the_end_what_the_picture_says(opened: Callable[..., Watched]) -> None:
    model, loss = moons_loss()
    diagram = draw(loss, model=model)
    page = opened(html=diagram.html)
    page.page.keyboard.press("End")
    for edge in diagram.drawing.picture.edges:
        group = page.page.locator(f'[id$="-{edge.id}"]')
        assert edge.sign in group.get_attribute("class").split()
        if edge.sign != "constant":
            assert float(group.locator("path").get_attribute("stroke-width")) == pytest.approx(
                line_width(edge.flow), abs=6e-3
            )


def test_a_player_leaves_the_picture_as_it_is() -> None:
    model, loss = moons_loss()
    diagram = draw(loss, model=model)
    before = diagram.json, re.sub("cg[0-9]+", "", diagram.svg)
    assert len(diagram.html) > 100_000
    assert (diagram.json, re.sub("cg[0-9]+", "", diagram.svg)) == before


def test_boxes_open_and_close_by_mouse_and_keyboard(opened: Callable[..., Watched]) -> None:
    model, loss = moons_loss()
    page = opened(html=draw(loss, model=model).html)
    boxes = page.page.locator("g.node.group:visible")
    page.page.keyboard.press("End")
    assert boxes.count() == 9
    boxes.nth(4).click()
    assert boxes.count() == 8
    assert page.page.locator("g.node.parameter:visible").count() == 5
    assert page.count() == "385 / 385"  # the step stays
    grads = page.page.locator("g.node.parameter:visible text.grad").all_text_contents()
    neuron = model.layers[1].neurons[0]
    expected = [f"{'▲' if p.grad > 0 else '▼'} {number(p.grad)}" for p in (*neuron.w, neuron.b) if p.grad]
    assert sorted(expected) == sorted(g for g in grads if g != "0")
    assert page.page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("close")
    page.page.keyboard.press("Enter")
    assert boxes.count() == 9
    assert fits(page)
    boxes.nth(0).focus()
    page.page.keyboard.press("Enter")
    assert (boxes.count(), page.page.locator("g.node.parameter:visible").count()) == (8, 3)
    page.part("previous").click()  # steps go on, whatever is open
    assert page.count() == "384 / 385"


def test_a_small_graph_of_a_model_starts_whole_and_folds(opened: Callable[..., Watched]) -> None:
    import nn

    model = nn.MLP(2, [2, 1], seed=3)
    loss = backward(model([1.0, -1.0]) ** 2)
    page = opened(html=draw(loss, model=model).html)
    boxes = page.page.locator("g.node.group:visible")
    assert boxes.count() == 0
    page.page.locator('g.cluster[role="button"]:visible').first.press("Enter")
    assert boxes.count() == 3
    closed = opened(html=draw(loss, model=model, collapse=True).html)
    assert closed.page.locator("g.node.group:visible").count() == 3


def test_the_player_inside_a_notebooks_output(browser: Any) -> None:
    """What a trusted notebook shows: the image, and below it the player in a frame of its own."""
    root = backward(product())
    page = browser.new_page()
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.set_content(draw(root)._repr_mimebundle_()["text/html"])
    assert page.evaluate("document.images[0].naturalWidth") > 100  # the picture loads from its data address
    page.locator("summary").first.click()
    frame = page.frame_locator("iframe")
    frame.locator('[data-part="last"]').click()
    assert frame.locator('[data-part="count"]').text_content() == "5 / 5"
    assert frame.locator("text.grad").first.text_content() == "▼ −3"
    assert messages == []
    page.close()


def test_the_chain_rule_for_a_chosen_parameter(opened: Callable[..., Watched]) -> None:
    page = opened(backward(network()))
    page.page.get_by_text("The chain rule for one parameter").click()
    choice = page.part("parameter")
    assert {"w11_1", "w22_2"} <= set(choice.locator("option").all_text_contents())
    choice.select_option("w11_2")
    text = page.part("derivation").text_content().replace(" ", "")
    assert "=1×0.7414×0.1868×0.5933=0.08217" in text
    choice.select_option("w11_1")
    text = page.part("derivation").text_content()
    assert "summed over 2 paths" in text
    assert page.part("derivation").locator("mfrac").count() > 6
    page.page.keyboard.press("ArrowDown")  # the keys of the list are its own: the step does not change
    assert page.count().startswith("1 /")


def test_nothing_is_shown_before_it_is_known(opened: Callable[..., Watched]) -> None:
    x = Value(1e-5, name="x")
    weak = named("weak", x * 1e-3 * named("far", Value(2.0) * 3.0))
    page = opened(backward(named("y", weak * weak)))
    mark = page.page.locator("text.flag", has_text="vanishing gradient").first
    labels = page.page.locator("g.edge:not(.constant) text")
    assert not mark.is_visible()
    assert not any(labels.nth(i).is_visible() for i in range(labels.count()))
    page.page.keyboard.press("ArrowRight")
    assert any(labels.nth(i).is_visible() for i in range(labels.count()))
    page.page.keyboard.press("End")
    assert mark.is_visible()
    assert all(labels.nth(i).is_visible() for i in range(labels.count()))


def test_a_ring_of_a_nan_gradient_waits_for_the_gradient(opened: Callable[..., Watched]) -> None:
    from autograd import log

    x = Value(0.0, name="x")
    page = opened(backward(named("y", log(x) * 0.0 + x)))
    rings = page.page.locator("g.node.parameter .ring")
    assert rings.count() == 1
    assert not rings.first.is_visible()
    page.page.keyboard.press("End")
    assert rings.first.is_visible()


def ends_at(diagram: Diagram) -> dict[str, float]:
    grads: dict[str, float] = {}
    for step in steps(diagram.drawing.picture):
        grads |= step.grads
    return {node.name: grads[node.id] for node in diagram.drawing.picture.nodes if node.id in grads}


def test_a_part_of_a_graph_steps_to_the_gradients_of_the_whole() -> None:
    x = Value(1.5, name="x")
    y = named("y", x * x)
    z = named("z", y * y)
    loss = backward(named("L", z * 2 + y))
    parts = [draw(loss, focus=y, depth=1), draw(loss, path=(x, z)), draw(loss, focus=x, depth=0)]
    for diagram in parts:
        reached = ends_at(diagram)
        assert reached["x"] == x.grad == 30.0
        assert reached.get("y", y.grad) == y.grad
        assert reached.get("z", z.grad) == z.grad
        assert diagram.html.count("<main") == 1
        assert "x  [value 1.5, grad 30]" in diagram.text  # the output may be left out, and with it the tree's root
    words = " ".join(step.words for step in steps(parts[1].drawing.picture))
    assert "what comes from values that are not shown. ∂L/∂y += 1. ∂L/∂z += 2." in words
    assert "total 10, 3 of 3 paths" in words


def test_a_folded_graph_steps_through_its_boxes_to_the_right_gradients() -> None:
    import nn

    x = [Value(0.3, name="xa"), Value(-0.2, name="xb")]
    model = nn.MLP(2, [16, 16, 1], seed=3)
    loss = backward(named("L", model(x) ** 2 + x[0] * 2))
    diagram = draw(loss, model=model)
    assert any(node.kind == "group" for node in diagram.drawing.picture.nodes)
    reached = ends_at(diagram)
    assert reached["xa"] == pytest.approx(x[0].grad, rel=1e-12)  # other order of the same sum
    assert reached["xb"] == pytest.approx(x[1].grad, rel=1e-12)
    backwards = [step for step in steps(diagram.drawing.picture) if step.phase == "backward"]
    assert sum("Neuron" in step.title for step in backwards) == 33
    assert steps(diagram.drawing.picture) == steps(
        draw(loss, model=model).drawing.picture
    )  # folding twice adds nothing twice


def test_the_edges_of_folded_boxes_are_coloured_when_the_gradient_flows(opened: Callable[..., Watched]) -> None:
    import nn

    model = nn.MLP(2, [16, 16, 1], seed=3)
    loss = backward(named("L", model([0.3, -0.2]) ** 2))
    page = opened(html=draw(loss, model=model).html)
    coloured = page.page.locator("g.edge.positive, g.edge.negative")
    assert page.page.locator("g.edge").count() > 200
    assert coloured.count() == 0
    page.page.keyboard.press("End")
    flowing = [e for e in draw(loss, model=model).drawing.picture.edges if e.flow]
    assert coloured.count() == len(flowing) > 50


def test_arrow_keys_step_after_a_click_on_a_summary(opened: Callable[..., Watched]) -> None:
    page = opened(backward(product()))
    page.page.locator("summary", has_text="numbers").click()
    before = page.count()
    page.page.keyboard.press("ArrowRight")
    assert page.count() != before
    page.page.keyboard.press(" ")  # a summary's own key: it closes, and nothing plays
    assert page.part("play").text_content() == "Play"


def test_a_box_is_reached_and_chosen_by_the_keyboard(opened: Callable[..., Watched]) -> None:
    page = opened(backward(product()))
    box = page.page.get_by_role("button", name="a = w × x: go to its step")
    box.focus()
    page.page.keyboard.press("Enter")
    assert page.part("title").text_content() == "Forward: a = w × x"
    assert page.page.evaluate("document.querySelectorAll('g.node[tabindex=\"0\"]').length") == 1


def test_the_wheel_zooms_with_control_and_the_mouse_drags(opened: Callable[..., Watched]) -> None:
    page = opened(backward(network()))
    width = "document.querySelector('.stage svg').getBoundingClientRect().width"
    before = page.page.evaluate(width)
    box = page.part("stage").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    under = f"""() => {{ const r = document.querySelector('.stage svg').getBoundingClientRect();
        return [({x} - r.left) / r.width, ({y} - r.top) / r.height]; }}"""
    place = page.page.evaluate(under)
    page.page.mouse.move(x, y)
    page.page.keyboard.down("Control")
    page.page.mouse.wheel(0, -60)
    page.page.keyboard.up("Control")
    page.page.wait_for_timeout(100)
    assert page.page.evaluate(width) > 1.3 * before
    assert page.page.evaluate(under) == pytest.approx(place, abs=0.02)  # what was under the mouse is there still
    scrolled = page.page.evaluate("document.querySelector('.stage').scrollLeft")
    step = page.count()
    page.page.mouse.down()
    page.page.mouse.move(x - 80, y, steps=4)
    page.page.mouse.up()
    assert page.page.evaluate("document.querySelector('.stage').scrollLeft") == pytest.approx(scrolled + 80, abs=2)
    assert page.count() == step  # what was dragged is not clicked
    page.part("closer").click()
    page.part("fit").click()
    assert page.page.evaluate(width) <= box["width"]
    assert page.messages == []


def test_a_tall_picture_stands_beside_the_text_on_a_wide_screen(opened: Callable[..., Watched]) -> None:
    page = opened(backward(chain(15)))
    page.page.set_viewport_size({"width": 1400, "height": 800})
    stage, panel = page.part("stage").bounding_box(), page.page.locator(".panel").bounding_box()
    assert stage["x"] + stage["width"] <= panel["x"]
    page.page.set_viewport_size({"width": 900, "height": 800})
    stage, panel = page.part("stage").bounding_box(), page.page.locator(".panel").bounding_box()
    assert stage["y"] + stage["height"] <= panel["y"]


def test_a_page_that_is_dark_prints_light(opened: Callable[..., Watched]) -> None:
    page = opened(backward(product()))
    page.page.emulate_media(color_scheme="dark")
    ground = "getComputedStyle(document.querySelector('.player')).backgroundColor"
    fill = "getComputedStyle(document.querySelector('.stage .background')).fill"
    assert page.page.evaluate(ground) == page.page.evaluate(fill) == "rgb(17, 24, 39)"
    page.page.emulate_media(color_scheme="dark", media="print")
    assert page.page.evaluate(ground) == page.page.evaluate(fill) == "rgb(255, 255, 255)"


def test_a_comparison_steps_through_its_moments(opened: Callable[..., Watched]) -> None:
    def moment(w: float) -> Value:
        a = named("a", Value(w, name="w") * Value(-3.0, name="x"))
        a.backward()
        return a

    page = opened(html=compare(moment(2.0), moment(1.5), moment(1.0)).html)
    seen = []
    for _ in range(3):
        seen.append((page.part("title").text_content(), page.numbers()["w"], page.numbers()["a"][:2]))
        page.page.keyboard.press("ArrowRight")
    assert seen == [
        ("Moment 1 of 3", ["2", "0", "▼ −3", "0"], ["−6", "0"]),
        ("Moment 2 of 3", ["1.5", "▼ −0.5", "▼ −3", "0"], ["−4.5", "▲ 1.5"]),
        ("Moment 3 of 3", ["1", "▼ −1", "▼ −3", "0"], ["−3", "▲ 3"]),
    ]
    label = page.page.locator("g.edge text").nth(1)
    assert label.text_content() == "∂a/∂x = w = 1 ▲"
    page.page.keyboard.press("Home")
    assert label.text_content() == "∂a/∂x = w = 2 ▲"


def test_a_comparison_of_large_graphs_is_seen_whole(opened: Callable[..., Watched]) -> None:
    """No step of it goes to a node, so nothing would bring the stage to where the picture is."""
    _, loss = moons_loss()
    page = opened(html=compare(draw(loss, collapse=False), draw(loss, collapse=False)).html)
    for _ in range(2):
        assert fits(page)
        page.page.keyboard.press("ArrowRight")


def test_an_edge_into_a_box_shows_the_largest_flow_however_large(opened: Callable[..., Watched]) -> None:
    w = Value(0.5, name="w")
    total = Value(0.0)
    for i in range(60):
        total = total + w * (-1000.0 if i == 30 else 20.0)
    total.backward()
    page = opened(html=draw(total, collapse=True).html)
    page.page.keyboard.press("End")
    edge = next(e for e in draw(total, collapse=True).drawing.picture.edges if e.bundled and e.flow == -1000.0)
    assert "negative" in page.page.locator(f'g.edge[id$="-{edge.id}"]').get_attribute("class")
