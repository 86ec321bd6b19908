"""`Diagram.load`: what was saved as JSON is drawn again, and what is damaged or hostile is refused in plain words."""

from __future__ import annotations

import dataclasses
import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nn
from autograd import Diagram, Value, compare, draw
from autograd.diagram.formats import json as format_json
from autograd.diagram.formats.read_json import read
from autograd.diagram.picture.picture import Cluster, Edge, Flag, Node, Picture
from autograd.errors import DiagramError

from .browser import chromium
from .graphs import GOLDEN, chain, dead, named, network, product, shared, wide
from .test_draw import HOSTILE, parse

TEXTS = ("svg", "html", "dot", "mermaid", "tikz", "text")


def plain(text: str) -> str:
    """Without what differs between two pictures of a process: the beginnings of ids."""
    return re.sub(r"\bcg\d+", "cg", text)


def again(picture: Diagram, folder: Path) -> Diagram:
    return Diagram.load(picture.save(folder / "graph.json"))


def check_same(picture: Diagram, loaded: Diagram, texts: tuple[str, ...] = TEXTS) -> None:
    assert loaded.json == picture.json
    for name in texts:
        assert plain(getattr(loaded, name)) == plain(getattr(picture, name)), name


def backward(v: Value) -> Value:
    v.backward()
    return v


def moons(samples: int) -> tuple[nn.MLP, Value]:
    X, y = nn.data.moons(samples, labels=(-1, 1), seed=1)
    model = nn.MLP(2, [4, 1], seed=0)
    return model, backward(nn.hinge([model(x) for x in X], y))


@pytest.mark.parametrize("name", GOLDEN)
@pytest.mark.parametrize("options", [{}, {"style": "micrograd", "theme": "dark", "direction": "TB", "legend": False}])
def test_what_is_loaded_is_what_was_saved(name: str, options: dict[str, Any], tmp_path: Path) -> None:
    picture = draw(backward(GOLDEN[name]()), **options)
    check_same(picture, again(picture, tmp_path))


@pytest.mark.parametrize("size", [3, 60, 400])
def test_values_in_any_number(size: int, tmp_path: Path) -> None:
    picture = draw(product() if size == 3 else backward(wide(size)), engine="python")
    loaded = Diagram.load(picture.save(tmp_path / "graph.json"), engine="python")
    check_same(picture, loaded, ("svg", "text", "mermaid"))


@pytest.mark.parametrize(("samples", "collapse"), [(4, True), (4, False), (40, True)])
def test_frames_and_folded_boxes(samples: int, collapse: bool, tmp_path: Path) -> None:
    model, loss = moons(samples)
    picture = draw(loss, model=model, collapse=collapse)
    check_same(picture, again(picture, tmp_path))


def test_a_part_with_what_comes_from_outside_and_where_lines_were_made(tmp_path: Path) -> None:
    root = backward(network())
    for picture in (draw(root, depth=2), draw([root, root.operands[0]], title="two outputs"), draw(chain(130))):
        check_same(picture, again(picture, tmp_path))


def test_comparisons(tmp_path: Path) -> None:
    one, two, other = product(), backward(product()), backward(shared())
    for picture in (compare(one, two), compare(one, two, one), compare(two, other)):
        check_same(picture, again(picture, tmp_path))
    gif = tmp_path / "moments.gif"
    assert again(compare(two, other), tmp_path).save(gif, scale=0.5, seconds=0.1).read_bytes().startswith(b"GIF")


def test_nan_and_infinity(tmp_path: Path) -> None:
    x = Value(0.0, name="x")
    picture = draw(backward(x.log() * x - Value(float("-inf"))))
    check_same(picture, again(picture, tmp_path))
    assert "first inf" in again(picture, tmp_path).svg


@settings(max_examples=60)
@given(names=st.lists(HOSTILE, min_size=3, max_size=3), title=HOSTILE)
def test_hostile_names(names: list[str], title: str) -> None:
    w, x = Value(1.0, name=names[0]), Value(-2.0, name=names[1])
    picture = draw(backward(named(names[2], w * x + w)), title=title, engine="python")
    drawing = read(picture.json.encode(), "it")
    drawing.asked_engine = "python"
    check_same(picture, Diagram(drawing))


def test_of_networks_and_sliders_the_graph_is_left(tmp_path: Path) -> None:
    model = nn.MLP(2, [2, 1], seed=0)
    network_ = nn.draw(model, [1.0, -1.0], loss=backward(model([1.0, -1.0]) ** 2))
    loaded = type(network_).load(network_.save(tmp_path / "network.json"))
    assert loaded.json == network_.json
    assert "w11" in loaded.text or loaded.text == network_.text
    pytest.importorskip("numpy")
    sliders = draw(lambda w, x: (w * x).tanh(), w=(-2, 2), x=0.5)
    check_same(sliders, again(sliders, tmp_path), ("svg", "text"))


def test_theme_and_engine_may_be_others(tmp_path: Path) -> None:
    path = draw(product(), theme="dark").save(tmp_path / "graph.json")
    assert "prefers-color-scheme" not in Diagram.load(path).svg
    loaded = Diagram.load(str(path), theme="auto", engine="python")
    assert "prefers-color-scheme" in loaded.svg
    assert loaded.engine == "python"
    for options in ({"theme": "pink"}, {"engine": "nonesuch"}):
        with pytest.raises(DiagramError):
            Diagram.load(path, **options)  # type: ignore[arg-type]


def test_all_that_a_picture_holds_is_written_or_follows_from_it() -> None:
    """A field that is new must be written, or be listed here as one that `measure` works out."""
    worked_out = {
        Node: {"slot", "width", "height", "value_id", "record", "symbol", "above"},
        Edge: {"label"},
        Cluster: set(),
        Flag: set(),
        Picture: {"nodes", "edges", "clusters", "direction", "lean"},
    }
    tables = {Node: "NODE", Edge: "EDGE", Cluster: "CLUSTER", Flag: "FLAG", Picture: "PICTURE"}
    for kind, table in tables.items():
        written = {attribute for attribute, _, _ in getattr(format_json, table)}
        assert written | worked_out[kind] == {field.name for field in dataclasses.fields(kind)}, kind
        assert not written & worked_out[kind]


def saved() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(draw(backward(dead())).json)
    return content


def damaged(change: Callable[[dict[str, Any]], object]) -> bytes:
    content = saved()
    change(content)
    return json.dumps(content).encode()


def put(*path: Any) -> Callable[[dict[str, Any]], None]:
    """Put the last of the path where the others lead."""

    def change(content: Any) -> None:
        *way, key, value = path
        for step in way:
            content = content[step]
        content[key] = value

    return change


def drop(*path: Any) -> Callable[[dict[str, Any]], None]:
    def change(content: Any) -> None:
        *way, key = path
        for step in way:
            content = content[step]
        del content[key]

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (put("format", "chalkgrad-checkpoint"), r'its format is "chalkgrad-checkpoint", and "chalkgrad-graph" was'),
        (drop("format"), "it names no format"),
        (put("version", 1), r"its version is 1, and .* reads version 2. Draw the graph again"),
        (put("version", 3), r"its version is 3, .* Update chalkgrad"),
        (put("version", True), "its version is true"),
        (drop("theme"), r'the key "theme" is missing'),
        (drop("nodes"), r'the key "nodes" is missing'),
        (drop("nodes", 2, "gradient"), r'nodes\[2\]: the key "gradient" is missing'),
        (put("nodes", {}), r"nodes: a list was wanted; \{\} stands there"),
        (put("nodes", 0, "n0"), r'nodes\[0\]: an object was wanted; "n0" stands there'),
        (put("nodes", 0, "value", "two"), r'nodes\[0\].value: a number, "nan", .* wanted; "two" stands there'),
        (put("nodes", 0, "value", True), r"nodes\[0\].value: a number"),
        (put("nodes", 0, "value", 10**400), r"nodes\[0\].value: a number"),
        (put("nodes", 0, "name", 3), r"nodes\[0\].name: a text was wanted; 3 stands there"),
        (put("nodes", 0, "kind", "group of"), r'nodes\[0\].kind: one of "parameter", .* wanted; "group of"'),
        (put("nodes", 0, "kind", ["parameter"]), r"nodes\[0\].kind: one of"),
        (put("nodes", 0, "frozen", 1), r"nodes\[0\].frozen: true or false was wanted; 1 stands there"),
        (put("nodes", 0, "cluster", "m0"), r'nodes\[0\].cluster: null or the id of a cluster .*"m0"'),
        (put("nodes", 1, "id", "n0"), r"nodes\[1\]: the id n0 is taken already"),
        (put("nodes", 0, "id", "constructor"), r'nodes\[0\].id: an id such as n3.* "constructor" stands there'),
        (put("nodes", 0, "id", "__proto__"), r"nodes\[0\].id: an id such as"),
        (put("nodes", 0, "id", 'n0"><script>alert(1)</script>'), r"nodes\[0\].id: an id such as"),
        (put("nodes", 0, "id", "n٣"), r"nodes\[0\].id: an id such as"),
        (put("nodes", 0, "flags", [{"kind": "dead"}]), r'nodes\[0\].flags\[0\]: the key "text" is missing'),
        (put("nodes", 0, "rows", [{"text": "a", "kind": "x onload=y"}]), r"nodes\[0\].rows\[0\].kind: one of"),
        (put("edges", 1, "source", "n99"), r'edges\[1\].source: the id of a node was wanted; "n99" .* no such node'),
        (put("edges", 1, "target", None), r"edges\[1\].target: the id of a node"),
        (put("edges", 1, "id", "x y"), r"edges\[1\].id: an id such as"),
        (put("edges", 1, "position", -1), r"edges\[1\].position: a whole number, 0 or more"),
        (put("edges", 1, "position", 1.5), r"edges\[1\].position: a whole number"),
        (put("outputs", ["n99"]), r"outputs\[0\]: the id of a node"),
        (put("notes", "one"), r"notes: a list"),
        (put("derivations", {"n0": [["script", "x"]]}), r"derivations.n0\[0\]: a formula that begins with one of mrow"),
        (put("derivations", {"zz": []}), r"derivations: the id of a node"),
        (put("clusters", [{"id": "m0", "label": "", "parent": "m0", "summary": []}]), r"clusters\[0\].parent: null or"),
        (put("theme", "url(x)"), r"theme: one of"),
        (put("style", "micro"), r'style: one of "chalkgrad", "micrograd" was wanted'),
        (put("moments", [{}, {}]), r'moments\[0\]: the key "clusters" is missing'),
        (put("unfolded", 3), r"unfolded: an object was wanted"),
    ],
)  # fmt: skip
def test_a_damaged_file_is_an_error_that_says_where(
    change: Callable[[dict[str, Any]], object], words: str, tmp_path: Path
) -> None:
    path = tmp_path / "graph.json"
    path.write_bytes(damaged(change))
    with pytest.raises(DiagramError, match=rf"graph.json' cannot be loaded: .*{words}") as error:
        Diagram.load(path)
    assert len(str(error.value)) < 500


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"\xff\xfe", b"[1]", b"null", b"3", b'"text"', b"[" * 100_000, b'{"format": NaN}', b"9" * 5000],
)
def test_what_is_no_graph_at_all(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    path.write_bytes(data)
    with pytest.raises(DiagramError, match=r"graph.json' cannot be loaded: .*Give a file that"):
        Diagram.load(path)
    with pytest.raises(FileNotFoundError):
        Diagram.load(tmp_path / "none.json")


def test_a_circle_is_an_error() -> None:
    def turn_round(content: dict[str, Any]) -> None:
        edge = content["edges"][-1]
        edge["source"], edge["target"] = edge["target"], edge["source"]

    with pytest.raises(DiagramError, match=r"edges\[\d+\]: an edge to a later node .* circle, or .* out of order"):
        read(damaged(turn_round), "it")
    with pytest.raises(DiagramError, match="circle"):
        read(damaged(lambda content: content["edges"][0].update(source=content["edges"][0]["target"])), "it")


def test_moments_must_be_of_one_structure() -> None:
    content = json.loads(compare(product(), backward(product())).json)
    for moments in (content["moments"][:1], [content["moments"][0], json.loads(draw(shared()).json)]):
        with pytest.raises(DiagramError, match="moments: two or more graphs with the same ids"):
            read(json.dumps({**content, "moments": moments}).encode(), "it")


def test_a_hostile_file_is_only_text_on_the_page(tmp_path: Path) -> None:
    attack = "</script><img src=x onerror=\"document.title='hacked'\">\u0000\u202e"
    content = json.loads(draw(backward(product())).json)

    def poison(thing: Any, key: str = "") -> Any:
        if isinstance(thing, dict):
            return {name: poison(item, name) for name, item in thing.items()}
        if isinstance(thing, list):
            return [poison(item, key) for item in thing]
        free = ("title", "name", "operation", "expression", "numeric", "tooltip", "path", "rule", "symbol",
                "notes", "output_names", "was", "text", "advice")  # fmt: skip
        return attack if isinstance(thing, str) and key in free else thing

    path = tmp_path / "graph.json"
    path.write_text(json.dumps(poison(content)), encoding="utf-8")
    loaded = Diagram.load(path)
    tags = {element.tag.rpartition("}")[2] for element in parse(loaded.svg).iter()}
    assert tags <= {"svg", "title", "desc", "style", "g", "rect", "path", "polygon", "text"}
    page = loaded.save(tmp_path / "graph.html")
    with chromium() as browser:
        tab = browser.new_page()
        complaints: list[object] = []
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(error))
        tab.goto(page.as_uri())
        for _ in range(6):
            tab.keyboard.press("ArrowRight")
        assert tab.locator("img").count() == 0
        assert "onerror" in tab.title()
        assert complaints == []


def _wreck(thing: Any, random_: random.Random) -> None:
    """Change one thing somewhere."""
    while isinstance(thing, dict | list) and thing:
        key = random_.choice(list(thing) if isinstance(thing, dict) else range(len(thing)))
        if random_.random() < 0.35 or not isinstance(thing[key], dict | list) or not thing[key]:
            junk = [None, True, -1, 10**9, 1e308, "", "n0", "n1", "group", "mrest", [], {}, [[]], "nan", "</script>"]
            if random_.random() < 0.15:
                del thing[key]
            else:
                thing[key] = random_.choice(junk)
            return
        thing = thing[key]


@settings(max_examples=300)
@given(seed=st.integers(0, 10**9), folded=st.booleans())
def test_a_wrecked_file_is_refused_or_drawn(seed: int, folded: bool) -> None:
    content = json.loads(FOLDED if folded else PLAIN)
    dice = random.Random(seed)
    for _ in range(dice.randint(1, 3)):
        _wreck(content, dice)
    data, refused = json.dumps(content).encode(), None
    try:
        drawing = read(data, "it")
    except DiagramError as error:
        refused = str(error)
    if refused is not None:
        assert len(refused) < 500
        return
    drawing.asked_engine = "python"
    picture = Diagram(drawing)
    parse(picture.svg)
    for name in TEXTS:
        assert getattr(picture, name)
    assert read(picture.json.encode(), "it")


def _folded() -> str:
    model, loss = moons(2)
    return draw(loss, model=model, collapse=True).json


PLAIN, FOLDED = draw(backward(dead())).json, _folded()
