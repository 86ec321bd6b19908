"""`draw`: what a still picture shows, by which engine, and that no text can break it."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import sysconfig
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from autograd import Value, define, topological_order
from autograd.diagram import Diagram, draw
from autograd.diagram.place import engines
from autograd.errors import DiagramError

from .graphs import GOLDEN, WEIGHTS, chain, named, network, product, shared, tangle
from .sanitizer import Sanitizer

SVG = "{http://www.w3.org/2000/svg}"
ENGINES = ["graphviz-pure", "python", *(["dot"] if engines.locate("dot", os.environ.get("PATH")) else [])]

# Any text at all, lone surrogates and noncharacters included, and the pieces that are known to hurt.
HOSTILE = st.text(st.characters(), max_size=40) | st.lists(
    st.sampled_from(
        ["<", ">", "&", '"', "'", "\\", "\\N", "\\G", "\\n", "\n", "\0", "\x85", "\ud800", "\ufffe", "]]>", "<!--",
         "-->", "</script>", "<script>", "&amp;", "&#0;", "javascript:x", "{", "}", "|", "%", "#", "$", "\u202e",
         "漢字", "שלום", "﷽", "e\u0301", "🙂", "\U0010ffff", "label=x", "];}", "<B>", "<BR/>", "_", "^", "~", "`"]
    ),
    max_size=8,
).map("".join)  # fmt: skip


def parse(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg.encode("utf-8"))


def groups(svg: str, kind: str) -> list[ElementTree.Element]:
    return [g for g in parse(svg).iter(f"{SVG}g") if kind in g.get("class", "").split()]


def texts(element: ElementTree.Element) -> list[str]:
    return [t.text or "" for t in element.iter(f"{SVG}text")]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_product_shows_every_number_on_every_engine(engine: str) -> None:
    a = product()
    a.backward()
    picture = draw(a, engine=engine)
    assert picture.engine == engine
    nodes = {texts(g)[0]: texts(g)[1:] for g in groups(picture.svg, "node")}
    assert nodes == {
        "w": ["value", "2", "grad", "▼ −3"],
        "x": ["value", "−3", "grad", "▲ 2"],
        "a = w × x": ["value", "−6", "grad", "▲ 1"],
    }
    assert sorted(t for g in groups(picture.svg, "edge") for t in texts(g)) == ["∂a/∂w = x = −3 ▼", "∂a/∂x = w = 2 ▲"]


def test_parallel_edges_stay_parallel() -> None:
    y = shared()
    svg = draw(y).svg
    ids = [g.get("id", "").partition("-")[2] for g in groups(svg, "edge")]
    assert len(ids) == len(set(ids)) == 6  # a + a and b × b have two each
    paths = [p.get("d") for g in groups(svg, "edge") for p in g.iter(f"{SVG}path")]
    assert len(set(paths)) == 6


def test_a_gradient_that_was_never_computed_is_a_dot_and_not_zero() -> None:
    a = product()
    before = texts(parse(draw(a).svg))
    assert before.count("·") == 3
    assert "· not computed" in before
    a.backward()
    assert "·" not in texts(parse(draw(a).svg))


def test_a_picture_is_a_snapshot() -> None:
    a = product()
    picture = draw(a)
    a.backward()
    assert texts(parse(picture.svg)).count("·") == 3


def test_a_dead_unit_is_marked_in_words() -> None:
    loss = GOLDEN["dead"]()
    loss.backward()
    marked = [g for g in groups(draw(loss).svg, "node") if "dead: z ≤ 0" in texts(g)]
    assert [texts(g)[0] for g in marked] == ["h = relu(z)"]


def test_nan_and_inf_are_ringed() -> None:
    x = Value(0.0, name="x")
    y = named("y", x.log() * 0.0)
    y.backward()
    svg = draw(y).svg
    assert "first inf" in texts(parse(svg))
    assert len([r for r in parse(svg).iter(f"{SVG}rect") if r.get("class") == "ring"]) >= 2


# What the five golden graphs must show, by structure: kinds of nodes, edges, and all numbers and names.
STRUCTURE = {
    "product": ({"parameter": 2, "output": 1}, 2),
    "shared": ({"parameter": 1, "operation": 2, "output": 1}, 6),
    "dead": ({"parameter": 2, "input": 1, "operation": 6, "output": 1, "constant": 3}, 13),
    "neuron": ({"parameter": 5, "operation": 1, "output": 1, "constant": 4}, 10),
    "network": ({"parameter": 8, "input": 4, "operation": 14, "output": 1, "constant": 4}, 36),
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", GOLDEN)
def test_golden_pictures_by_structure(name: str, engine: str) -> None:
    root = GOLDEN[name]()
    root.backward()
    svg = draw(root, engine=engine).svg
    kinds: dict[str, int] = {}
    for g in groups(svg, "node"):
        kind = g.get("class", "").split()[1]
        kinds[kind] = kinds.get(kind, 0) + 1
    assert (kinds, len(groups(svg, "edge"))) == STRUCTURE[name]
    view = [float(part) for part in parse(svg).get("viewBox", "").split()]
    boxes = [r for g in groups(svg, "node") for r in g.iter(f"{SVG}rect")]
    placed = [tuple(float(r.get(key, "nan")) for key in ("x", "y", "width", "height")) for r in boxes]
    for i, (x, y, w, h) in enumerate(placed):
        assert x >= -1
        assert x + w <= view[2] + 1
        assert y >= -1
        assert y + h <= view[3] + 1
        for x2, y2, w2, h2 in placed[:i]:  # no two boxes overlap
            assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y


def test_the_worked_network_shows_the_tutorials_numbers() -> None:
    root = network()
    root.backward()
    shown = " ".join(texts(parse(draw(root).svg)))
    for digits in ("0.08217", "0.0004386", "−0.02274", "0.1385", "−0.0381", "0.7414", "0.2984"):
        assert digits in shown
    assert all(name in shown for name in WEIGHTS)


@settings(max_examples=150)
@given(names=st.lists(HOSTILE, min_size=4, max_size=4), title=HOSTILE, engine=st.sampled_from(ENGINES[:2]))
@example(names=["<B>", "<<>", "", ""], title="<<>", engine="graphviz-pure")
@example(names=["\x00", "\ud83d", "\ufffe", "]]>"], title="<script>", engine="graphviz-pure")
def test_hostile_names_never_break_a_picture(names: list[str], title: str, engine: str) -> None:
    _hostile(names, title, engine)


@pytest.mark.skipif("dot" not in ENGINES, reason="no dot program on PATH")
@settings(max_examples=25)
@given(names=st.lists(HOSTILE, min_size=4, max_size=4), title=HOSTILE)
def test_hostile_names_never_break_a_picture_by_dot(names: list[str], title: str) -> None:
    _hostile(names, title, "dot")


def _hostile(names: list[str], title: str, engine: str) -> None:
    w, x, b = (Value(float(i), name=name) for i, name in enumerate(names[:3]))
    y = named(names[3], w * x + b)
    y.backward()
    picture = draw(y, title=title, engine=engine)
    root = parse(picture.svg)
    assert len(groups(picture.svg, "node")) == 5
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "title", "desc", "style", "g", "rect", "path", "polygon", "text"}
    for element in root.iter():
        assert not [key for key in element.attrib if key.startswith("on") or "href" in key]
    output = Sanitizer()
    output.clean(picture._repr_mimebundle_()["text/html"])
    assert output.dropped <= {("style", ""), ("iframe", ""), ("img", "onclick")}
    program = engines.find_engine(engine if engine != "python" else "graphviz-pure")
    assert program is not None
    again = engines.run(program, picture.dot, "svg")  # the DOT text, by an engine: still one drawing, still XML
    assert len([g for g in ElementTree.fromstring(again).iter(f"{SVG}g") if g.get("class") == "node"]) == 5


@settings(max_examples=25)
@given(names=st.lists(HOSTILE, min_size=2, max_size=2))
def test_hostile_names_in_a_png(names: list[str]) -> None:
    w = Value(1.0, name=names[0])
    assert draw(named(names[1], w * w)).png(scale=0.5).startswith(b"\x89PNG")


def test_the_notation_of_a_users_operation_is_text_too() -> None:
    op = define(
        "hostile_notation",
        lambda x: x,
        (lambda y, x: 1.0,),
        text='</text><script>"\\N#0\x00',
        derivative_text=("<&\ud800>",),
    )
    picture = draw(op(Value(1.0, name="x")))
    assert parse(picture.svg) is not None
    assert "<script" not in picture.svg
    assert picture.png(scale=0.5).startswith(b"\x89PNG")


def test_two_pictures_share_no_id() -> None:
    a = product()
    ids = [{e.get("id") for e in parse(draw(a).svg).iter() if e.get("id")} for _ in range(2)]
    assert not ids[0] & ids[1]


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "locate", lambda name, search: None)
    monkeypatch.delenv("CHALKGRAD_DOT", raising=False)


@pytest.mark.usefixtures("no_engine")
def test_drawing_works_with_no_engine_at_all(tmp_path: Path) -> None:
    root = network()
    picture = draw(root)
    assert picture.engine == "python"
    assert len(groups(picture.svg, "node")) == 31
    assert "digraph" in picture.dot
    picture.save(tmp_path / "a.svg")
    assert picture._repr_mimebundle_()
    assert picture.save(tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert picture.save(tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")


def test_in_a_browser_the_layout_in_python_takes_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """There Python has no programs, and no folders for their scripts: asking for those raises."""

    def no_such_scheme(key: str) -> str:
        raise ValueError(f"{key!r} is not a valid scheme on this platform")

    monkeypatch.setattr(sys, "platform", "emscripten")
    monkeypatch.setattr(sysconfig, "get_preferred_scheme", no_such_scheme)
    monkeypatch.setattr(subprocess, "run", None)
    monkeypatch.delenv("CHALKGRAD_DOT", raising=False)
    picture = draw(network())
    assert picture.engine == "python"
    assert "<svg" in picture.html
    with pytest.raises(DiagramError, match=r'starts no programs, such as \'dot\' \(engine=\'dot\' asked .*"python"'):
        draw(product(), engine="dot")


def test_the_order_of_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    there = {"graphviz-pure": "/x/graphviz-pure", "dot": "/x/dot", "other": "/x/other"}
    monkeypatch.setattr(engines, "locate", lambda name, search: there.get(name))
    monkeypatch.delenv("CHALKGRAD_DOT", raising=False)

    def path(choice: str | None = None) -> str | None:
        engine = engines.find_engine(choice)
        return engine and engine.path

    assert path() == "/x/graphviz-pure"
    monkeypatch.setenv("CHALKGRAD_DOT", "other")
    assert path() == "/x/other"
    assert path("dot") == "/x/dot"  # the argument comes before the environment
    assert path("python") is None
    monkeypatch.setenv("CHALKGRAD_DOT", "python")
    assert path() is None
    monkeypatch.delenv("CHALKGRAD_DOT")
    del there["graphviz-pure"]
    assert path() == "/x/dot"
    del there["dot"]
    assert path() is None


def test_a_program_asked_for_by_name_and_missing_is_an_error_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DiagramError, match=r"no program 'nonesuch'.*engine="):
        draw(product(), engine="nonesuch")
    monkeypatch.setenv("CHALKGRAD_DOT", "nonesuch")
    with pytest.raises(DiagramError, match="CHALKGRAD_DOT"):
        draw(product())


def _program(path: Path, body: str) -> str:
    path.write_text(f"#!{sys.executable}\n{body}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


@pytest.mark.skipif(os.name != "posix", reason="the stand-in program is a script with a #! line")
@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("import time; time.sleep(60)", "longer than 0.3 seconds"),
        ("import sys; sys.exit('out of memory')", "out of memory"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "exit status"),
        ("", "could not make"),
    ],
)
def test_an_engine_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, words: str) -> None:
    program = _program(tmp_path / "engine", body)
    a = product()
    with pytest.raises(DiagramError, match=words):
        draw(a, engine=program, time_limit=0.3).svg
    # nobody asked for this one: the built-in layout steps in
    monkeypatch.delenv("CHALKGRAD_DOT", raising=False)
    monkeypatch.setattr(engines, "find_any", lambda: engines.Engine("broken", program))
    assert draw(a, time_limit=0.3).engine == "python"


@pytest.mark.parametrize("name", ["picture.svg", "picture.png", "picture.dot"])
def test_save_by_extension(tmp_path: Path, name: str) -> None:
    path = draw(product()).save(tmp_path / name)
    start = {"svg": b"<svg ", "png": b"\x89PNG", "dot": b"digraph"}[name[-3:]]
    assert path.read_bytes().startswith(start)


def test_save_refuses_an_unknown_extension(tmp_path: Path) -> None:
    with pytest.raises(DiagramError, match=r"\.svg \.png \.pdf"):
        draw(product()).save(tmp_path / "picture.bmp")
    with pytest.raises(DiagramError, match="takes no option"):
        draw(product()).save(tmp_path / "picture.svg", scale=2)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("theme", ["light", "dark", "auto"])
def test_themes(theme: str) -> None:
    svg = draw(product(), theme=theme).svg
    assert ("prefers-color-scheme" in svg) == (theme == "auto")
    assert ("#1e3a8a" in svg) == (theme != "light")
    assert ("#dbeafe" in svg) == (theme != "dark")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"theme": "pink"}, "theme="), ({"direction": "up"}, "direction="), ({"path": 3}, "path="),
        ({"depth": -1}, "depth="), ({"depth": True}, "depth="), ({"focus": 1.0}, "focus="),
        ({"focus": Value(1.0)}, "not part of this graph"), ({"path": (Value(1.0), Value(2.0))}, "not part"),
        ({"limit": 2}, "limit=None"),
    ],
)  # fmt: skip
def test_bad_arguments_are_told_what_was_wanted(options: dict[str, object], words: str) -> None:
    with pytest.raises(DiagramError, match=words):
        draw(product(), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("thing", [1.0, None, "x", [], [1.0], {"a": 1}])
def test_only_values_can_be_drawn(thing: object) -> None:
    with pytest.raises(DiagramError, match="was wanted"):
        draw(thing)  # type: ignore[arg-type]


def test_focus_depth_and_path_choose_a_part() -> None:
    root = network()
    order = {v.name: v for v in topological_order(root)}
    near = draw(root, focus=order["out_h1"], depth=1)
    names = [texts(g)[0].split(" = ")[0] for g in groups(near.svg, "node")]
    assert sorted(names) == ["net_h1", "net_o1", "net_o2", "out_h1"]
    assert any("4 of 27 values shown" in t for t in texts(parse(near.svg)))
    between = draw(root, path=(order["w11_1"], order["net_o1"]))
    names = [texts(g)[0].split(" = ")[0] for g in groups(between.svg, "node")]
    assert names == ["w11_1", "net_h1", "out_h1", "net_o1"]
    with pytest.raises(DiagramError, match="No path"):
        draw(root, path=(order["w11_1"], order["w22_1"]))


def test_constants_hide_in_large_graphs_or_when_told() -> None:
    assert not groups(draw(network(), hide_constants=True).svg, "constant")
    assert len([g for g in groups(draw(chain(3)).svg, "node") if "constant" in g.get("class", "")]) == 6
    assert not [g for g in groups(draw(chain(60)).svg, "node") if "constant" in g.get("class", "")]


def test_deep_graphs_stand_upright() -> None:
    for length, upright in ((3, False), (40, True)):
        view = [float(part) for part in parse(draw(chain(length)).svg).get("viewBox", "").split()]
        assert (view[3] > view[2]) == upright


def test_a_large_graph_is_refused_with_advice_unless_forced() -> None:
    root = tangle(5000)
    with pytest.raises(DiagramError, match=r"6\d\d\d values.*focus=.*limit=None"):
        draw(root)
    picture = draw(root, limit=None)
    assert picture.engine == "python"  # engines take long for so many
    assert len(groups(picture.svg, "node")) > 5000
    with pytest.raises(DiagramError, match="too slow to step through"):
        picture.html


def test_a_deep_chain_needs_no_recursion() -> None:
    assert draw(chain(900)).svg
    assert draw(chain(900), engine="python").svg


def test_several_outputs_share_a_picture() -> None:
    x = Value(2.0, name="x")
    y, z = named("y", x * x), named("z", x.exp())
    kinds = [g.get("class") for g in groups(draw([y, z]).svg, "node")]
    assert sorted(kinds) == ["node output", "node output", "node parameter"]


def test_one_leaf_alone() -> None:
    for engine in ENGINES:
        assert len(groups(draw(Value(1.0), engine=engine).svg, "node")) == 1


def test_extreme_numbers_are_drawn() -> None:
    for x in (5e-324, 1.7976931348623157e308, -0.0, float("inf"), float("-inf"), float("nan")):
        v = Value(x)
        y = v * v
        y.backward()
        assert parse(draw(y).svg) is not None
        assert isinstance(draw(y), Diagram)


def test_a_rule_that_is_the_constant_itself_is_written_once() -> None:
    w = Value(2.0, name="w")
    third = named("y", w * (-1 / 3))
    assert [edge.label for edge in draw(third).drawing.picture.edges if edge.label] == ["∂y/∂w = −0.3333"]


@pytest.mark.parametrize("name", ["product", "shared", "dead", "network", "folded", "nan"])
def test_boxes_in_dot_are_as_large_as_they_were_measured(name: str) -> None:
    """Else the boxes of a PNG cover their arrows and reach out of their frames."""
    import nn
    from autograd.diagram import theme
    from autograd.diagram.formats.dot import DotPicture
    from autograd.diagram.formats.look import fill_and_border

    if name == "folded":
        model = nn.MLP(2, [3, 1], seed=3)
        loss = model([0.3, -0.3]) ** 2
        loss.backward()
        picture = draw(loss, model=model, collapse=True).drawing.picture
    elif name == "nan":
        x = Value(0.0, name="x")
        picture = draw(named("y", x.log() * 0.0 + x)).drawing.picture
    else:
        picture = draw(GOLDEN[name]()).drawing.picture
    program = engines.find_engine("graphviz-pure")
    assert program is not None
    sizes = {
        thing["name"]: (float(thing["width"]) * 72, float(thing["height"]) * 72)
        for thing in json.loads(engines.run(program, DotPicture(picture, theme.LIGHT).text(), "json0", 60))["objects"]
        if "width" in thing
    }
    for node in picture.nodes:
        ring = 8 if fill_and_border(node)[1] == "broken" else 0  # the double border lies outside
        assert sizes[node.id][0] == pytest.approx(node.width + ring, abs=1)  # whole points are what a table takes
        assert sizes[node.id][1] == pytest.approx(node.height + ring, abs=1)


@pytest.mark.parametrize("engine", ["graphviz-pure", "python"])
def test_the_operands_of_a_sum_stand_in_their_order(engine: str) -> None:
    from autograd import dot

    xs = [Value(float(i + 1), name=f"w{i}") for i in range(7)]
    diagram = draw(named("y", dot(xs, [0.5] * 7) * 2.0), engine=engine)
    weights = [node for node in diagram.drawing.picture.nodes if node.kind == "parameter"]
    weights.sort(key=lambda node: diagram.drawing.layout.nodes[node.id][1])
    assert [node.name for node in weights] == [f"w{i}" for i in range(7)]


def test_a_chain_with_constants_goes_down_the_page() -> None:
    placed = draw(chain(15)).drawing.layout
    assert placed.width < 2200  # from left to right it would be a strip of 7,800
