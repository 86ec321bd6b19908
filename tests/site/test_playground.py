"""The playground: its Python side as it is, and the page as a whole in a browser that may ask nobody else."""

from __future__ import annotations

import base64
import doctest
import http.server
import importlib.util
import json
import linecache
import os
import re
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import nn
from tests.diagram.browser import chromium

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "playground"
sys.path.insert(0, str(FOLDER))
from playground import training  # noqa: E402
from playground.program import MOST_MESSAGE, MOST_TEXT, Program  # noqa: E402
from playground.training import ACTIVATIONS, LABELS, OPTIMIZERS, SPAN, Trainer, preset  # noqa: E402

EXAMPLES = sorted(path.stem for path in (FOLDER / "examples").glob("*.py"))


# ------------------------------------------------------------------ programs


def told(source: str) -> tuple[Program, str]:
    printed: list[str] = []
    return Program(source, printed.append), "".join(printed)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs_and_has_its_pages(name: str) -> None:
    source = (FOLDER / "examples" / f"{name}.py").read_text(encoding="utf-8")
    program, _ = told(source)
    assert program.error is None
    assert "picture" in program.pages
    for page in program.pages:
        assert program.page(page).startswith("<!DOCTYPE html>")
    assert max(map(len, source.splitlines())) <= 88


def test_the_worked_example_prints_the_textbooks_digits() -> None:
    _, printed = told((FOLDER / "examples" / "1_worked_example.py").read_text(encoding="utf-8"))
    assert printed == "E = 0.298371109\n∂E/∂w5 = 0.082167041\n"


ERRORS = {
    "1 + 1\n1 / 0": (2, "Line 2:\n    1 / 0\nZeroDivisionError: division by zero"),
    "def f():\n    return [1][3]\n\nf()": (2, "Line 4:\n    f()\nLine 2, in f:\n    return [1][3]\nIndexError"),
    "x = 3\ny = (x\n": (2, "Line 2: SyntaxError: '(' was never closed\n    y = (x"),
    "from autograd import Value\nValue(1.0) / 'a'": (2, "Value(1.0) / 'a'\nTypeError: unsupported operand"),
    "import sys\nsys.exit('enough')": (2, "SystemExit: enough"),
    "\ninput('name? ')": (2, "RuntimeError: input() waits for a keyboard, and this page has none for it: write"),
    "import numpy_that_is_not_there": (1, "there'\nThis page has the standard library of Python, autograd and nn"),
    "x = 1\nreturn x": (2, "Line 2: SyntaxError: 'return' outside function\n    return x"),
    "x = 1\0": (None, "SyntaxError: source code string cannot contain null bytes"),
    "class Own:\n    def __getattr__(self, name): raise ValueError(name)\nOwn()": (2, "ValueError: "),
}  # fmt: skip


@pytest.mark.parametrize("source", ERRORS)
def test_an_error_says_its_line(source: str) -> None:
    line, words = ERRORS[source]
    program, _ = told(source)
    assert program.error is not None
    assert program.error["line"] == line
    assert words in program.error["text"]
    assert "site-packages" not in program.error["text"]
    assert program.pages == []


def test_a_deep_recursion_is_told_in_few_lines() -> None:
    program, _ = told("def f():\n    f()\nf()")
    assert program.error is not None
    assert len(program.error["text"].splitlines()) < 30
    assert re.search(r"… \d+ calls more …", program.error["text"])


def test_a_long_message_is_cut() -> None:
    program, _ = told("raise ValueError('x' * 1_000_000)")
    assert program.error is not None
    assert len(program.error["text"]) < MOST_MESSAGE + 200
    assert "characters more." in program.error["text"]


@pytest.mark.parametrize("code", ["", "0", "None"])
def test_a_program_that_ends_itself_is_no_error(code: str) -> None:
    program, printed = told(f"import sys\nprint('done')\nsys.exit({code})")
    assert (program.error, program.pages, printed) == (None, [], "done\n")


def test_a_warning_shows_the_line_of_this_program() -> None:
    told("old = 1")
    told("x is 3 (")  # which Python warns of while it reads it, with the line that stands there
    assert linecache.getline("program.py", 1) == "x is 3 ("


def test_a_program_is_compiled_by_its_own_rules() -> None:
    assert told("def f(x: 3): pass\nprint(f.__annotations__)")[1] == "{'x': 3}\n"


def test_what_has_no_picture_is_printed() -> None:
    assert told("print('a')\n3 + 4")[1] == "a\n7\n"
    assert told("x = 3")[1] == ""
    assert told("None")[1] == ""


def test_endless_output_is_cut() -> None:
    _, printed = told("for i in range(100_000):\n    print(i)")
    assert MOST_TEXT < len(printed) < MOST_TEXT + 100
    assert printed.endswith("… more than 100,000 characters; the rest is not shown.\n")


def test_a_program_may_define_an_operation_and_run_again() -> None:
    source = "from autograd import define, Value\n"
    source += "cube = define('cube_here', lambda x: x * x * x, (lambda y, x: 3 * x * x,))\n"
    for _ in range(2):
        program, _ = told(source + "cube(Value(2.0))")
        assert program.error is None
        assert "cube_here" in program.page("picture")


RESULTS = {
    "from autograd import Value, explain\nx = Value(2.0, name='x')\nexplain(x * x, wrt=x)": ["explain"],
    "from autograd import Value, diagnose\nz = Value(-1.0).relu()\nz.backward()\ndiagnose(z)": ["diagnose"],
    "from autograd import Value\n[Value(1.0) * 2, Value(3.0) + 1]": ["picture"],
    "class Own:\n    def _repr_html_(self): return '<b>mine</b>'\nOwn()": ["picture"],
    "from autograd import draw\ndraw(lambda w: w * w, w=(0, 1))": ["picture", "explain", "diagnose"],
}


@pytest.mark.parametrize("source", RESULTS)
def test_what_a_result_is_shown_as(source: str) -> None:
    program, _ = told(source)
    assert program.error is None
    assert program.pages == RESULTS[source]
    assert all("cannot be shown" not in program.page(name) for name in program.pages)


def test_names_of_the_readers_do_no_harm() -> None:
    program, _ = told(
        "from autograd import Value\nx = Value(2.0, name='<script>alert(1)</script>')\ny = x * x\ny.backward()\ny"
    )
    assert all("<script>alert" not in program.page(name) for name in program.pages)


def test_what_cannot_be_shown_says_why() -> None:
    program, _ = told("class Own:\n    def _repr_html_(self): raise ValueError('no <b>')\nOwn()")
    assert "This cannot be shown: no &lt;b&gt;" in program.page("picture")


# ------------------------------------------------------------------ training


def test_the_examples_in_the_docstrings() -> None:
    found = doctest.testmod(training)
    assert found.failed == 0
    assert found.attempted > 0


SETTINGS: dict[str, Any] = {
    "layers": [4], "activation": "tanh", "loss": "hinge", "seed": 1, "optimizer": "adam", "lr": 0.05, "decay": 0.0,
    "batch": 0, "test": 0.2, "points": preset("moons", 40),
}  # fmt: skip


def trainer(**settings: Any) -> Trainer:
    pytest.importorskip("wasmtime")
    from tests.test_stepper import Wasmtime

    return Trainer({**SETTINGS, **settings}, Wasmtime)


@pytest.mark.parametrize("name", ["moons", "circles", "xor", "spiral"])
def test_a_data_set_lies_in_the_plane(name: str) -> None:
    points = preset(name, 60, 0.3)
    assert len(points) == 60
    assert {kind for *_, kind in points} == {0, 1}
    assert all(SPAN[0] <= x <= SPAN[1] for a, b, _ in points for x in (a, b))
    assert points == preset(name, 60, 0.3)


@pytest.mark.parametrize("loss", LABELS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_network_that_is_offered_learns(activation: str, loss: str) -> None:
    learning = trainer(activation=activation, loss=loss)
    first = json.loads(learning.frame())
    learning.advance(60.0, 30)
    frame = json.loads(learning.frame())
    assert frame["computed"], "the page computes this activation"
    assert frame["columns"]["epoch"] == [30]
    assert frame["columns"]["loss"][0] < first["columns"]["loss"][0]
    X, y = learning.X, learning.y
    expected = nn.loss_function(loss)([learning.model(x) for x in X], y).data
    assert frame["columns"]["loss"][0] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimiser_that_is_offered_learns(optimizer: str) -> None:
    learning = trainer(optimizer=optimizer, decay=0.001, batch=10, test=0)
    before = learning.stepper.costs()[0]
    learning.advance(60.0, 20)
    assert learning.stepper.costs()[0] < before
    assert "test loss" not in json.loads(learning.frame())["columns"]


def test_what_changes_while_it_learns() -> None:
    learning = trainer()
    learning.advance(60.0, 20)
    learning.frame()  # which gives the model its weights
    weights = learning.model.state_dict()
    learning.change({"points": preset("circles", 30), "decay": 0.01})
    assert learning.model.state_dict() == weights  # it goes on from there
    assert len(learning.X) == 24
    learning.change({"lr": 0.0, "batch": 5})
    learning.advance(60.0, 2)
    assert learning.epoch == 22
    learning.frame()
    assert learning.model.state_dict() == weights


def test_without_points_to_learn_from_it_does_not_go_on() -> None:
    learning = trainer()
    learning.advance(60.0, 3)
    for points in ([], [[0.0, 0.0, 1], [1.0, 1.0, 1]]):
        for _ in range(2):
            with pytest.raises(ValueError, match="needs points of both classes"):
                learning.change({"points": points})
        for act in (lambda: learning.advance(60.0, 1), lambda: learning.change({"lr": 0.01})):
            with pytest.raises(ValueError, match="needs points of both classes"):
                act()
    learning.change({"points": preset("xor", 30)})
    learning.advance(60.0, 1)
    assert (learning.epoch, len(learning.X)) == (4, 24)


def test_what_cannot_be_learnt_says_why() -> None:
    with pytest.raises(ValueError, match="needs points of both classes"):
        trainer(points=[[0.0, 0.0, 1], [1.0, 1.0, 1]])
    with pytest.raises(ValueError, match="up to 5 hidden layers of 1 to 16 neurons"):
        trainer(layers=[40])
    broken = trainer(activation="relu", layers=[8, 8], optimizer="sgd", lr=1e200, loss="hinge")
    with pytest.raises(ValueError, match="take a smaller learning rate, and reset"):
        broken.advance(60.0, 50)


# ------------------------------------------------------------------ the page


def test_the_architecture_names_every_file() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    files = [path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.*") if "__" not in path.as_posix()]
    assert len(files) > 25
    assert [name for name in files if f"`{name}`" not in text and not name.startswith("examples/")] == []


def packed(state: object) -> str:
    """What page/address.js writes."""
    deflate = zlib.compressobj(wbits=-15)
    content = deflate.compress(json.dumps(state).encode()) + deflate.flush()
    return "#1." + base64.urlsafe_b64encode(content).decode().rstrip("=")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page, built once. Without npm, or what it brings, it is skipped, unless CHALKGRAD_REQUIRE_BROWSER=1."""
    spec = importlib.util.spec_from_file_location("build_playground", FOLDER / "build.py")
    assert spec is not None
    assert spec.loader is not None
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    try:
        build.node_modules(ROOT / "build")
    except (SystemExit, OSError, subprocess.CalledProcessError) as error:
        if os.environ.get("CHALKGRAD_REQUIRE_BROWSER") == "1":
            raise
        pytest.skip(f"npm, or what it should bring, is not there, and CHALKGRAD_REQUIRE_BROWSER=1 insists: {error}")
    target = tmp_path_factory.mktemp("site") / "playground"
    build.build(target, ROOT / "build", home="../index.html")
    return target


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *args: object) -> None:
        """A page that is closed breaks off what it was loading."""


@pytest.fixture(scope="module")
def address(built: Path) -> Iterator[str]:
    server = Server(("127.0.0.1", 0), partial(Quiet, directory=str(built)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


class Watched:
    """A page that may ask nobody but our server, and what went wrong in it."""

    def __init__(self, context: Any, address: str) -> None:
        self.address, self.wrong, self.elsewhere = address, list[str](), list[str]()
        context.route(lambda url: not url.startswith((address, "blob:", "data:", "file:")), self._refuse)
        self.page = context.new_page()
        self.page.set_default_timeout(60_000)
        self.page.on("console", lambda message: self.wrong.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))

    def _refuse(self, route: Any) -> None:
        self.elsewhere.append(route.request.url)
        route.abort()

    def open(self, rest: str = "") -> Any:
        self.page.goto("about:blank")
        self.page.goto(self.address + rest)
        return self.page

    def ready(self) -> None:
        self.page.locator("body[data-ready]").wait_for()

    def frame(self, name: str) -> Any:
        """The page in the frame of a tab, once it is there."""
        self.page.locator(f"#panel-{name} iframe[data-ready]").wait_for()
        return self.page.frame_locator(f"#panel-{name} iframe")

    def write(self, source: str) -> None:
        self.page.locator(".cm-content").click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(source)

    def run(self, source: str) -> None:
        self.write(source)
        self.page.keyboard.press("Control+Enter")
        self.ended()

    def ended(self) -> None:
        self.page.locator("#stop[disabled]").wait_for()
        self.page.locator("#run:not([disabled])").wait_for()


@pytest.fixture(scope="module")
def context() -> Iterator[Any]:
    with chromium() as running:
        yield running.new_context(viewport={"width": 1280, "height": 900})


@pytest.fixture(scope="module")
def shared(context: Any, address: str) -> Iterator[Watched]:
    """One page for the tests that leave it as it was: Python takes seconds to start."""
    watched = Watched(context, address)
    watched.open()
    watched.ready()
    yield watched
    assert watched.elsewhere == []


@pytest.fixture
def watched(shared: Watched) -> Iterator[Watched]:
    shared.wrong.clear()
    shared.page.locator("#tab-program").click()
    yield shared
    assert shared.wrong == []


for_the_page = [pytest.mark.browser, pytest.mark.site, pytest.mark.xdist_group("playground")]


class TestProgram:
    pytestmark = for_the_page

    def test_it_begins_with_a_picture(self, watched: Watched) -> None:
        assert watched.frame("picture").get_by_role("heading", name="Computation graph of E").is_visible()
        assert watched.page.locator("#loading").is_hidden()
        assert watched.page.locator("h1 a").get_attribute("href") == "../index.html"

    @pytest.mark.parametrize("name", EXAMPLES)
    def test_an_example_is_drawn(self, watched: Watched, name: str) -> None:
        watched.page.select_option("#examples", name)
        watched.ended()
        assert watched.page.locator("#running").inner_text() == "Done."
        watched.page.locator("#tab-picture").click()
        assert watched.frame("picture").locator("main svg").first.is_visible()

    def test_sliders_move_every_number(self, watched: Watched) -> None:
        watched.page.select_option("#examples", "8_sliders")
        watched.ended()
        frame = watched.frame("picture")
        slider, stage = frame.locator("input[type='range']").first, frame.locator("[data-part='stage']")
        before = stage.inner_text()
        box = slider.bounding_box()
        watched.page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] / 2)
        watched.page.mouse.down()
        watched.page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] / 2, steps=5)
        watched.page.mouse.up()
        assert stage.inner_text() != before

    def test_why_and_what_is_wrong(self, watched: Watched) -> None:
        watched.page.select_option("#examples", "9_nan")
        watched.ended()
        watched.page.locator("#tab-diagnose").click()
        assert "0 × inf is nan" in watched.frame("diagnose").locator("main").inner_text()
        watched.page.locator("#tab-diagnose").press("ArrowLeft")
        assert watched.page.locator("#tab-explain").get_attribute("aria-selected") == "true"
        explained = watched.frame("explain")
        assert explained.locator("h2").inner_text() == "∂distance/∂x = nan"
        assert explained.locator("math").first.is_visible()
        watched.page.locator("#tab-output").click()
        assert watched.page.locator("#output").inner_text().strip() == "gradient: nan\nwith a branch: 0.0"

    def test_an_error_marks_its_line(self, watched: Watched) -> None:
        watched.run("x = 1\n\ny = x / 0\nprint(y)")
        assert watched.page.locator(".cm-line.wrong").inner_text() == "y = x / 0"
        assert "Line 3:\n    y = x / 0\nZeroDivisionError" in watched.page.locator("#error-text").inner_text()
        watched.page.get_by_role("button", name="Go to line 3").click()
        assert watched.page.locator(".cm-activeLine").inner_text() == "y = x / 0"
        watched.run("print(3)")
        assert watched.page.locator(".wrong").count() == 0
        assert watched.page.locator("#error").is_hidden()

    def test_text_stays_text(self, watched: Watched) -> None:
        watched.run("print('<img src=x>')\nraise ValueError('<b>no</b>')")
        assert watched.page.locator("#output").inner_text().strip() == "<img src=x>"
        assert "<b>no</b>" in watched.page.locator("#error-text").inner_text()

    def test_an_endless_loop_can_be_stopped(self, watched: Watched) -> None:
        watched.write("print('begun')\nwhile True:\n    pass")
        watched.page.locator("#run").click()
        watched.page.locator("#stop:not([disabled])").wait_for()
        watched.page.locator("#examples").select_option(index=6)
        assert watched.page.locator("#running").inner_text() == "A program runs; this one waits for Run."
        watched.page.locator("#stop:not([disabled])").click()
        watched.ended()
        assert watched.page.locator("#running").inner_text() == "Stopped; Python was started again."
        watched.run("print(6 * 7)")
        assert watched.page.locator("#output").inner_text().strip() == "42"

    def test_a_long_graph_is_no_trouble(self, watched: Watched) -> None:
        lines = ["from autograd import Value", "x = y = Value(1.0)", "for _ in range(20_000):", "    y = y + x"]
        watched.run("\n".join([*lines, "y.backward()", "del y", "print(x.grad)"]))
        assert watched.page.locator("#output").inner_text().strip() == "20001.0"

    def test_a_long_chain_is_freed_before_the_next_program(self, watched: Watched) -> None:
        chain = "from autograd import Value\nx = y = Value(1.0)\nfor i in range(5000):\n    y = y * 1.001\n"
        watched.run(chain)
        watched.run(chain + "y")
        watched.run("print(6 * 7)")
        assert watched.page.locator("#running").inner_text() == "Done."
        assert watched.page.locator("#output").inner_text().strip() == "42"

    def test_what_cannot_be_freed_does_not_stop_the_next_program(self, watched: Watched) -> None:
        watched.run("class Own: pass\nown = Own()\nown.x = []\nfor _ in range(100_000):\n    own.x = [own.x]\nown")
        assert watched.page.locator("#running").inner_text() == "Done."
        watched.run("print(6 * 7)")
        watched.page.get_by_text("Done.", exact=True).wait_for()
        assert watched.page.locator("#output").inner_text().strip() == "42"
        assert all("fatal error" in words or "call stack" in words for words in watched.wrong)
        watched.wrong.clear()

    def test_a_picture_that_takes_too_long_can_be_stopped(self, watched: Watched) -> None:
        watched.write("class Own:\n    def _repr_html_(self):\n        while True: pass\nOwn()")
        watched.page.keyboard.press("Control+Enter")
        watched.page.get_by_text("Done.", exact=True).wait_for()
        watched.page.locator("#stop:not([disabled])").click()
        watched.ended()
        assert watched.page.locator("#running").inner_text() == "Stopped; Python was started again."

    def test_a_progress_bar_writes_its_line_anew(self, watched: Watched) -> None:
        watched.run(
            "import time\nfor i in range(3):\n    print(i, end='\\r')\n    time.sleep(0.1)\nprint('done\\r\\n...')"
        )
        assert watched.page.locator("#output").inner_text().split() == ["done", "..."]
        fit = "import nn\nX, y = nn.data.xor(8)\n_ = nn.fit(nn.MLP(2, [2, 1]), X, y, epochs=3)"
        watched.run(fit)
        [line] = watched.page.locator("#output").inner_text().strip().splitlines()
        assert "epoch 3/3" in line

    def test_python_that_broke_is_started_again(self, watched: Watched) -> None:
        watched.run("x = []\nfor _ in range(100_000):\n    x = [x]")
        assert "its stack was too small" in watched.page.locator("#error-text").inner_text()
        assert watched.page.locator("#running").inner_text() == "Python itself stopped, and was started again."
        watched.run("print(6 * 7)")
        assert watched.page.locator("#output").inner_text().strip() == "42"
        assert all("fatal error" in words or "call stack" in words for words in watched.wrong)
        watched.wrong.clear()

    def test_a_program_asks_nobody(self, watched: Watched) -> None:
        ask = "import js\nrequest = js.XMLHttpRequest.new()\n"
        ask += "request.open('GET', 'https://example.org/', False)\nrequest.send()"
        watched.run(ask)
        assert "Line 4" in watched.page.locator("#error-text").inner_text()
        assert watched.elsewhere == []
        assert all("Content Security Policy" in words for words in watched.wrong)
        watched.wrong.clear()

    def test_a_result_cannot_reach_the_page(self, watched: Watched) -> None:
        own = "class Own:\n    def _repr_html_(self):\n"
        own += "        return '<p>mine</p><script>parent.document.title = 1</script>'\nOwn()"
        title = watched.page.title()
        watched.run(own)
        watched.page.locator("#tab-picture").click()
        assert watched.frame("picture").locator("p").inner_text() == "mine"
        assert watched.page.title() == title
        watched.wrong.clear()  # the script that the policy refused


class TestTraining:
    pytestmark = for_the_page

    @pytest.fixture
    def lab(self, watched: Watched) -> Iterator[Any]:
        page = watched.page
        page.locator("#tab-training").click()
        page.locator("#training[data-ready]").wait_for()
        yield page
        if page.locator("#play").inner_text() == "Pause":
            page.locator("#play").click()

    def epoch(self, page: Any) -> int:
        words = page.locator("[data-part='epoch']").inner_text()
        return 0 if words == "before training" else int(words.removeprefix("epoch "))

    def until(self, page: Any, wanted: Any, what: str) -> None:
        for _ in range(200):
            if wanted():
                return
            page.wait_for_timeout(100)
        pytest.fail(f"never: {what}")

    def test_it_learns(self, lab: Any) -> None:
        lab.locator("#reset").click()
        self.until(lab, lambda: self.epoch(lab) == 0, "a reset")
        lab.locator("#step").click()
        self.until(lab, lambda: self.epoch(lab) == 1, "one epoch")
        lab.locator("#play").click()
        self.until(lab, lambda: self.epoch(lab) > 12, "epochs")
        lab.locator("#play").click()
        numbers = lab.locator("[data-part='numbers']").inner_text()
        assert re.search(r"loss = [\d.e−]+ · test loss = [\d.e−]+ · accuracy = (0\.9\d*|1) · test accuracy", numbers)
        assert lab.locator("[data-part='curves'] figure").count() == 2
        assert lab.locator("[data-part='picture'] g.unit").count() == 2 + 4 + 4 + 1

    def test_the_network_is_built_by_buttons(self, lab: Any) -> None:
        lab.get_by_role("button", name="one layer less").click()
        lab.get_by_role("button", name="one neuron more in layer 1").click()
        self.until(lab, lambda: lab.locator("[data-part='picture'] g.unit").count() == 2 + 5 + 1, "another network")
        assert self.epoch(lab) == 0
        assert lab.evaluate("document.activeElement.getAttribute('aria-label')") == "one neuron more in layer 1"
        for name, value in {"activation": "relu", "loss": "hinge", "optimizer": "sgd", "lr": "0.3"}.items():
            lab.locator(f"[data-setting='{name}']").select_option(value)
        lab.locator("#step").click()
        self.until(lab, lambda: self.epoch(lab) == 1, "one epoch")
        assert lab.locator("#training-words").is_hidden()

    def test_data_is_painted(self, lab: Any) -> None:
        lab.locator("#clear").click()
        self.until(lab, lambda: lab.locator("#training-words").is_visible(), "a word about missing data")
        assert "both classes" in lab.locator("#training-words").inner_text()
        plane = lab.locator("[data-part='plane']")
        plane.scroll_into_view_if_needed()
        box = plane.bounding_box()
        for brush, across in (("paint ● circles", 0.35), ("paint ■ squares", 0.7)):
            lab.get_by_label(brush).check()
            lab.mouse.move(box["x"] + box["width"] * across, box["y"] + box["height"] * 0.2)
            lab.mouse.down()
            lab.mouse.move(box["x"] + box["width"] * across, box["y"] + box["height"] * 0.7, steps=12)
            lab.mouse.up()
        lab.get_by_label("x1", exact=True).fill("1.5")
        lab.get_by_role("button", name="Add ●").click()
        self.until(lab, lambda: lab.locator("#training-words").is_hidden(), "a training on what was painted")
        lab.locator("#step").click()
        self.until(lab, lambda: self.epoch(lab) > 0, "one epoch")
        lab.get_by_label("look").check()
        self.until(lab, lambda: len(lab.url) > 300, "the points in the address")

    def test_what_cannot_begin_does_not_play(self, lab: Any) -> None:
        lab.locator("#clear").click()
        self.until(lab, lambda: lab.locator("#training-words").is_visible(), "a word about missing data")
        lab.locator("#reset").click()
        lab.locator("#play").click()
        self.until(lab, lambda: lab.locator("#play").inner_text() == "Play", "a pause")
        assert "both classes" in lab.locator("#training-words").inner_text()

    def test_points_taken_away_while_it_plays_are_gone(self, lab: Any) -> None:
        lab.locator("[data-preset='xor']").click()
        lab.locator("#play").click()
        self.until(lab, lambda: self.epoch(lab) > 3, "epochs")
        lab.locator("#clear").click()
        self.until(lab, lambda: lab.locator("#play").inner_text() == "Play", "a pause")
        plane = lab.locator("[data-part='plane']")
        lab.wait_for_timeout(300)
        without = plane.screenshot()
        lab.locator("#play").click()
        self.until(lab, lambda: lab.locator("#play").inner_text() == "Play", "a pause")
        assert "both classes" in lab.locator("#training-words").inner_text()
        lab.locator("[data-preset='xor']").click()
        lab.locator("#clear").click()
        self.until(lab, lambda: plane.screenshot() == without, "a plane without points")

    def test_there_are_no_more_points_than_an_address_may_have(self, context: Any, address: str) -> None:
        points = [[k % 25 / 13, k // 25 / 20, k % 2] for k in range(500)]
        other = Watched(context, address)
        page = other.open(packed({"view": "training", "training": {"points": points}}))
        page.locator("#training[data-ready]").wait_for()
        page.get_by_role("button", name="Add ●").click()
        assert "There are 500 points, which is all" in page.locator("#training-words").inner_text()
        page.close()

    def test_settings_and_points_are_in_the_address(self, lab: Any, context: Any, address: str) -> None:
        lab.locator("[data-preset='xor']").click()
        lab.get_by_label("batch").select_option("5")
        before = lab.url
        self.until(lab, lambda: lab.url != before, "another address")
        assert len(lab.url) < 600  # the name of the data set, not its points
        again = Watched(context, address)
        page = again.open(lab.url.removeprefix(address))
        page.locator("#training[data-ready]").wait_for()
        assert page.get_by_label("batch").input_value() == "5"
        assert page.locator("#layers").inner_text() == lab.locator("#layers").inner_text()
        samples = "[data-part='sample']"
        assert page.locator(samples).inner_text() == lab.locator(samples).inner_text()
        assert self.epoch(page) == 0
        assert again.wrong == []
        page.close()


class TestPage:
    pytestmark = for_the_page

    def test_a_program_comes_with_an_address_and_waits(self, context: Any, watched: Watched, address: str) -> None:
        page = watched.page
        watched.write("# for the class: ∂ and 漢字\nprint('hello')")
        page.locator("#copy").click()
        page.locator("#notice:not([hidden])").wait_for()
        assert "#1." in page.url
        other = Watched(context, address)
        opened = other.open(page.url.removeprefix(address))
        other.ready()
        assert opened.locator(".cm-content").inner_text().startswith("# for the class: ∂ and 漢字\nprint('hello')")
        assert opened.locator("#notice").inner_text() == "This program came with the address. Read it, then press Run."
        assert opened.locator("#output").inner_text().strip() == ""
        opened.locator("#run").click()
        other.ended()
        opened.locator("#tab-output").click()
        assert opened.locator("#output").inner_text().strip() == "hello"
        assert other.wrong == []
        opened.close()

    @pytest.mark.parametrize(
        ("rest", "words"),
        [
            ("#1.abc", "damaged"),
            ("#1.q1ZKzs", "damaged"),
            ("#2.abc", "newer playground"),
            ("#top", "none of this page's"),
        ],
    )
    def test_an_address_that_cannot_be_read(self, context: Any, address: str, rest: str, words: str) -> None:
        watched = Watched(context, address)
        page = watched.open(rest)
        page.locator("#notice:not([hidden])").wait_for()
        assert words in page.locator("#notice").inner_text()
        assert "The worked example" in page.locator(".cm-content").inner_text()
        watched.ready()
        page.get_by_text("Done.", exact=True).wait_for()
        page.wait_for_timeout(100)
        assert words in page.locator("#notice").inner_text()
        page.close()

    def test_settings_of_an_address_are_checked(self, watched: Watched) -> None:
        training = {
            "layers": [99],
            "lr": 7,
            "seed": -1,
            "activation": "exp",
            "points": [[9, 9, 0]],
            "batch": 20,
            "count": "200",  # no number
            "a": 1,
        }
        other = Watched(watched.page.context, watched.address)
        page = other.open(packed({"view": "training", "program": 3, "training": training}))
        page.locator("#training[data-ready]").wait_for()
        assert page.get_by_label("batch").input_value() == "20"
        assert page.get_by_label("learning rate").input_value() == "0.03"
        assert page.get_by_label("activation").input_value() == "tanh"
        assert page.locator("[data-setting='count']").input_value() == "100"
        assert "layer 1: 4 neurons" in page.locator("#layers").inner_text()
        page.close()

    def test_a_part_that_is_missing(self, context: Any, address: str) -> None:
        watched = Watched(context, address)
        missing = re.compile(r"library\.zip")
        context.route(missing, lambda route: route.fulfill(status=404))
        page = watched.open()
        page.locator("#loading.failed").wait_for()
        words = page.locator("#loading-words").inner_text()
        assert "library.zip could not be loaded: the server says 404" in words
        assert "make playground" in words
        context.unroute(missing)
        page.locator("#again").click()
        watched.ready()
        page.close()

    def test_opened_as_a_file_it_says_what_to_do(self, context: Any, built: Path) -> None:
        page = context.new_page()
        page.goto(f"file://{built}/index.html")
        assert "python -m http.server" in page.locator("#loading-words").inner_text()
        page.close()

    def test_it_fits_on_a_phone(self, context: Any, address: str) -> None:
        watched = Watched(context, address)
        watched.page.set_viewport_size({"width": 390, "height": 844})
        page = watched.open()
        watched.frame("picture")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.locator("#tab-training").click()
        page.locator("#training[data-ready]").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.locator("[data-part='plane']").bounding_box()["y"] < page.locator(".settings").bounding_box()["y"]
        assert watched.wrong == []
        page.close()

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_no_serious_finding(self, watched: Watched, scheme: str) -> None:
        import axe_playwright_python

        script = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
        page = watched.page
        page.emulate_media(color_scheme=scheme)
        page.evaluate(script)
        for view in ("program", "training"):
            page.locator(f"#tab-{view}").click()
            page.wait_for_timeout(300)
            found = page.evaluate("axe.run(document, { iframes: false })")
            serious = [one for one in found["violations"] if one["impact"] in ("serious", "critical")]
            assert [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in serious] == []
        page.emulate_media(color_scheme="light")
