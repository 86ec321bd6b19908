"""Every format a picture is saved in, read back by something that is not ours or by its published grammar."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFont

import autograd
import nn
from autograd import Value, compare, draw, topological_order
from autograd.diagram import Diagram, text
from autograd.diagram.formats import FORMATS, Format, gif, png
from autograd.errors import DiagramError, MissingExtraError

from .graphs import GOLDEN, chain, dead, named, network, product, shared, wide
from .test_draw import HOSTILE

# What a Mermaid flowchart's grammar takes: a direction, then nodes, subgraphs, links, styles, one per line; a quoted
# label holds no quote, its special characters are entity codes (#35; is a hash).
QUOTED = r'"(?:[^"\#]|\#\d+;)*"'
MERMAID = re.compile(
    rf"""flowchart\ (LR|TB)$ | \s*\w+(\[{QUOTED}\]|\(\[{QUOTED}\]\)):::\w+$
    | \s*subgraph\ \w+\[{QUOTED}\]$ | \s*end$
    | \s*\w+\ (-->|-\.->)(\|{QUOTED}\|)?\ \w+$ | \s*linkStyle\ \d+\ stroke:\#[0-9a-f]{{6}},stroke-width:[\d.]+px$
    | \s*classDef\ \w+\ fill:\#[0-9a-f]{{6}},stroke:\#[0-9a-f]{{6}},color:\#[0-9a-f]{{6}}
      (,stroke-dasharray:4\ 3|,stroke-width:3px)?$""",
    re.VERBOSE,
)


def check_mermaid(text: str) -> None:
    lines = text.splitlines()
    assert lines[0].startswith("flowchart")
    for line in lines:
        assert MERMAID.match(line), line
    assert sum("subgraph" in line for line in lines) == sum(line.strip() == "end" for line in lines)


def check_tikz(text: str) -> None:
    """Statements inside a tikzpicture begin with a command and end with a semicolon; braces match everywhere."""
    style, _, body = text.partition("\\begin{tikzpicture}")[2].partition("\\end{tikzpicture}")[0].partition("\n")
    assert body
    assert re.fullmatch(
        r"\[every node/\.style=\{.*font=\\fontsize\{(8|9|10)\}\{[\d.]+\}\\selectfont\\sffamily\}\]", style
    )
    point = r"\(-?[\d.]+pt,-?[\d.]+pt\)"
    for line in body.splitlines():
        bare = re.sub(r"\\[\\{}$&#%_]|\\ensuremath\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}", "", line)
        depth = 0
        for char in bare:
            depth += (char == "{") - (char == "}")
            assert depth >= 0, line
        assert depth == 0, line
        assert not re.search(r"[&#%^~$]", bare), line
        assert re.match(
            rf"\\draw\[.*\] {point}( \.\. controls {point} and {point} \.\. {point})*;$"
            rf"|\\(draw|fill)\[.*\] {point} (rectangle|--) {point};$|\\node\[.*\] at {point} \{{.*\}};$",
            line,
        ), line
    for name in set(re.findall(r"\b(cg[0-9a-f]{6})\b", body)):
        assert f"\\definecolor{{{name}}}" in text
    assert text.count("\\begin{") == text.count("\\end{")


def check_json(text: str) -> dict[str, Any]:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    graph: dict[str, Any] = json.loads(text, parse_constant=refuse)
    assert (graph["format"], graph["version"]) == ("chalkgrad-graph", 2)
    ids = {node["id"] for node in graph["nodes"]}
    assert len(ids) == len(graph["nodes"])
    assert {edge[end] for edge in graph["edges"] for end in ("source", "target")} <= ids
    assert set(graph["outputs"]) <= ids
    return graph


@pytest.mark.parametrize("name", GOLDEN)
def test_every_format_of_every_golden_graph(name: str, tmp_path: Path) -> None:
    root = GOLDEN[name]()
    root.backward()
    picture = draw(root)
    for form in FORMATS:
        if form == "gif":
            continue
        path = picture.save(tmp_path / f"graph.{form}")
        assert path.stat().st_size > 50
    check_mermaid(picture.mermaid)
    check_tikz(picture.tikz)
    graph = check_json(picture.json)
    by_name = {node["name"]: node for node in graph["nodes"]}
    for v in topological_order(root):
        if v.name:
            assert by_name[v.name]["value"] == v.data
            assert by_name[v.name]["gradient"] == (v.grad if v.has_grad else None)
            assert v.name in picture.text
    Image.open(io.BytesIO(picture.png())).verify()


def test_the_json_holds_the_chain_rule() -> None:
    root = shared()
    root.backward()
    graph = check_json(draw(root).json)
    grads = {node["id"]: node["gradient"] for node in graph["nodes"]}
    for node in graph["nodes"]:
        flows = [e["partial"] * grads[e["target"]] for e in graph["edges"] if e["source"] == node["id"]]
        assert [e["flow"] for e in graph["edges"] if e["source"] == node["id"]] == flows
        if flows:
            assert sum(flows) == node["gradient"]


def test_nan_and_infinity_in_json() -> None:
    v = Value(float("inf"), name="v")
    y = v - v
    y.backward()
    graph = check_json(draw(y).json)
    assert [node["value"] for node in graph["nodes"]] == ["inf", "nan"]


def test_the_tree_reads_well() -> None:
    root = dead()
    root.backward()
    text = draw(root).text
    assert "├─ v₃ = v₂ ^ 2  [value 1, grad 1]   ∂loss/∂v₃ = 1\n" in text
    assert "h = relu(z)  [value 0, grad −2]  !! dead: z ≤ 0" in text
    assert "z (above)" in text  # a shared value is written out once
    assert "x  [value 0.5]" in text


def test_a_deep_graph_as_text_says_what_it_leaves_out() -> None:
    text = draw(chain(400), collapse=False).text
    assert "… deeper, not shown" in text
    assert len(text) < 50_000


def test_clusters_in_text_formats() -> None:
    model = nn.MLP(2, [2, 1], seed=0)
    loss = model([1.0, -1.0]) ** 2
    loss.backward()
    for collapse in (False, True):
        picture = draw(loss, model=model, collapse=collapse)
        check_mermaid(picture.mermaid)
        check_tikz(picture.tikz)
        assert len(check_json(picture.json)["clusters"]) == (2 if collapse else 5)
    assert "Neuron 1: 5 values, 3 parameters" in picture.text


@settings(max_examples=150)
@given(names=st.lists(HOSTILE, min_size=3, max_size=3), title=HOSTILE)
def test_hostile_names_in_every_text_format(names: list[str], title: str) -> None:
    w, x = Value(1.0, name=names[0]), Value(-2.0, name=names[1])
    picture = draw(named(names[2], w * x + w), title=title, engine="python")
    check_mermaid(picture.mermaid)
    check_tikz(picture.tikz)
    check_json(picture.json).get("title")
    assert picture.text.encode("utf-8")
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", picture.text)


def test_a_gif_of_the_steps(tmp_path: Path) -> None:
    root = product()
    root.backward()
    path = draw(root, theme="dark").save(tmp_path / "steps.gif", seconds=0.2, scale=0.5)
    frames = []
    with Image.open(path) as image:
        assert image.n_frames == 5
        assert image.info["loop"] == 0
        for i in range(image.n_frames):
            image.seek(i)
            frames.append(image.convert("RGB").tobytes())
    assert len(set(frames)) == 5


@pytest.fixture
def drawn_frames(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The SVG of each frame of an animation that is made in the test."""
    frames: list[str] = []
    rasterise = gif.rasterise

    def noted(svg: str, scale: float) -> bytes:
        frames.append(svg)
        return rasterise(svg, scale)

    monkeypatch.setattr(gif, "rasterise", noted)
    return frames


def words_of(svg: str) -> list[str]:
    return [unescape(words) for words in re.findall(r"<text[^>]*>([^<]*)</text>", svg)]


def test_each_frame_has_the_step_and_its_rule_as_a_caption_that_does_not_move(
    tmp_path: Path, drawn_frames: list[str]
) -> None:
    root = product()
    root.backward()
    draw(root).save(tmp_path / "a.gif", scale=0.5)
    captions = [words_of(svg.partition("<svg y=")[0].partition('class="chalkgrad"')[0]) for svg in drawn_frames]
    assert [caption[:2] for caption in captions] == [
        ["Start: the leaves have their values", "1 of 5"],
        ["Forward: a = w × x", "2 of 5"],
        ["Seed: ∂a/∂a = 1", "3 of 5"],
        ["Backward through a = w × x", "4 of 5"],
        ["Done: every gradient is known", "5 of 5"],
    ]
    assert captions[1][2:] == ["a = 2 × (−3) = −6"]
    assert captions[3][2:] == [
        "∂a/∂w = ∂a/∂a · ∂a/∂w = 1 × (−3) = −3, because ∂a/∂w = x = −3",
        "∂a/∂x = ∂a/∂a · ∂a/∂x = 1 × 2 = 2, because ∂a/∂x = w = 2",
    ]
    places = {
        re.search(r'<svg xmlns="http://www.w3.org/2000/svg" (width="[^"]*" height="[^"]*")', svg)[1]
        + re.search(r' (x="[^"]*" y="[^"]*") xmlns|(x="[^"]*" y="[^"]*")>', svg)[0]
        for svg in drawn_frames
    }
    assert len(places) == 1  # the picture stands at one place in all frames
    legends = {svg.partition('class="legend"')[2] for svg in drawn_frames}
    assert len(legends) == 1


def test_a_caption_is_as_large_in_a_small_animation(tmp_path: Path, drawn_frames: list[str]) -> None:
    draw(chain(8)).save(tmp_path / "a.gif", scale=0.25)
    assert 'class="caption" transform="scale(4)"' in drawn_frames[0]
    with Image.open(tmp_path / "a.gif") as image:
        assert image.width >= 560


def test_no_frame_shows_a_gradient_before_it_is_known_folded_or_not(tmp_path: Path, drawn_frames: list[str]) -> None:
    import nn

    model = nn.MLP(2, [2, 1], seed=3)
    loss = nn.mse([model([1.0, -1.0])], [0.0])
    loss.backward()
    for collapse in (True, False):
        drawn_frames.clear()
        draw(loss, model=model, collapse=collapse, legend=False).save(tmp_path / "a.gif", scale=0.25)
        before, after = drawn_frames[0], drawn_frames[-1]
        for svg in drawn_frames[: next(i for i, svg in enumerate(drawn_frames) if "Seed:" in svg)]:
            assert not re.search("▲|▼|gradient norm|off for|off:", "".join(words_of(svg)))
        assert re.search("▲|▼", "".join(words_of(after)))
        assert ("gradient norm" in after) == collapse
        for known in ("∂", "gradient norm"):
            assert known not in "".join(words_of(before))


def test_an_animation_that_is_long_to_make_says_so_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(svg: str, scale: float) -> bytes:
        raise AssertionError("a frame was made")

    monkeypatch.setattr(gif, "rasterise", refuse)
    with (
        pytest.warns(
            UserWarning, match=r"163 frames of [\d,]+ × [\d,]+ pixels, .* seconds and \d+ MB\. scale=0\."
        ) as seen,
        pytest.raises(AssertionError, match="a frame was made"),
    ):
        draw(chain(40)).save(tmp_path / "a.gif")
    assert seen[0].filename == __file__


def test_an_animation_shows_its_last_frame_longest_in_the_colours_of_the_theme(tmp_path: Path) -> None:
    root = product()
    root.backward()
    with Image.open(draw(root).save(tmp_path / "a.gif", seconds=0.5, scale=0.5)) as image:
        times = []
        for i in range(image.n_frames):
            image.seek(i)
            times.append(image.info["duration"])
            colours = {colour for _, colour in image.convert("RGB").getcolors(256)}
            assert image.convert("RGB").getpixel((2, 2)) == (255, 255, 255)
            assert (0xDB, 0xEA, 0xFE) in colours  # a parameter
    assert times == [500] * 4 + [1500]


def test_gif_options_and_limits(tmp_path: Path) -> None:
    with pytest.raises(DiagramError, match="seconds="):
        draw(product()).save(tmp_path / "a.gif", seconds=0)
    with pytest.raises(DiagramError, match="at most 300"):
        draw(chain(200), collapse=False).save(tmp_path / "a.gif")


@pytest.mark.parametrize(
    ("options", "asked_engine", "words"),
    [({"seconds": 0}, None, "seconds="), ({"scale": 100}, None, "scale="), ({}, "nonesuch", "no program")],
)
def test_a_gif_is_refused_before_its_frames_are_made(
    options: dict[str, float], asked_engine: str | None, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(node: object) -> None:
        raise AssertionError("a frame was made")

    monkeypatch.setattr(gif, "fill_box", refuse)
    for drawing in (draw(product()).drawing, compare(product(), product()).drawing):
        drawing.asked_engine = asked_engine  # one that was there when the picture was drawn
        with pytest.raises(DiagramError, match=words):
            gif.write(drawing, **options)


def moment(w: float) -> Value:
    v = Value(w, name="w")
    y = named("y", v * v)
    y.backward()
    return y


def test_two_moments_show_what_changed() -> None:
    picture = compare(draw(moment(2.0)), draw(moment(1.5)))
    nodes = {node["name"]: node for node in check_json(picture.json)["nodes"]}
    assert nodes["w"]["value"] == 1.5
    text = re.sub(r"<[^>]*>", " ", picture.svg)
    for words in ("Δ value", "▼ −0.5", "Δ grad", "▼ −1", "▼ −1.75"):
        assert words in text


def test_of_two_large_moments_the_nodes_are_counted_once() -> None:
    one, two = draw(chain(120), collapse=False), draw(chain(120), collapse=False)
    (count,) = one.drawing.picture.notes
    assert count == "1 parameter, 239 operations, 1 output"
    assert compare(one, two).drawing.picture.notes == [count, "Δ: after minus before"]
    folded = draw(chain(120))
    assert compare(folded, draw(chain(120))).drawing.picture.notes == [
        count,
        "1 box stands for 228 of 241 values",
        "Δ: after minus before",
    ]


def test_many_moments_are_one_animation_on_one_layout(tmp_path: Path) -> None:
    picture = compare(moment(2.0), moment(1.5), moment(1.0))
    with Image.open(picture.save(tmp_path / "a.gif", seconds=0.1, scale=0.5)) as image:
        assert image.n_frames == 3


def test_every_format_is_documented_and_named_in_the_error(tmp_path: Path) -> None:
    assert [form.extension for form in FORMATS.values()] == list(FORMATS)
    with pytest.raises(DiagramError) as error:
        draw(product()).save(tmp_path / "a.bmp")
    for extension, form in FORMATS.items():
        assert f".{extension}" in str(error.value)
        assert f".{extension}" in (Diagram.save.__doc__ or "")
        assert all(f"{option}=" in (Diagram.save.__doc__ or "") for option in form.options)
        assert form.words


@pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
def test_a_format_refuses_an_option_that_it_does_not_have(form: Format, tmp_path: Path) -> None:
    with pytest.raises(DiagramError, match=rf"\.{form.extension} takes no option colour"):
        draw(product()).save(tmp_path / f"a.{form.extension}", colour="red")
    assert not list(tmp_path.iterdir())


def test_a_gif_without_pillow_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'chalkgrad\[gif\]'"):
        draw(product()).save(tmp_path / "a.gif")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pdf_of_the_network(tmp_path: Path, theme: str) -> None:
    """One page as large as the picture, with words that can be searched, and the same bytes each time."""
    picture = draw(network(), theme=theme, title='the "first" #network')
    data = picture.save(tmp_path / "a.pdf").read_bytes()
    assert data.startswith(b"%PDF-")
    assert b"/Count 1/Kids" in data
    assert picture.save(tmp_path / "b.pdf").read_bytes() == data
    if shutil.which("pdftotext"):
        words = subprocess.run(
            ["pdftotext", tmp_path / "a.pdf", "-"], capture_output=True, text=True, check=True
        ).stdout
        assert "value" in words
        assert all(v.name in words for v in topological_order(network()) if v.name)


def test_a_pdf_says_what_it_needs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'chalkgrad\[pdf\]'"):
        draw(product()).save(tmp_path / "a.pdf")
    assert not list(tmp_path.iterdir())


def test_an_image_that_is_too_large_is_made_smaller_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    many = draw(autograd.sum([Value(float(i)) for i in range(450)]), collapse=False)
    image = many.png()
    width, height = int.from_bytes(image[16:20], "big"), int.from_bytes(image[20:24], "big")
    assert height < 66000
    assert width * height < 90e6
    with pytest.raises(DiagramError, match=r"too many to make and to look at. Pass scale=1\.\d+ or less"):
        many.png(scale=8)
    with pytest.warns(UserWarning, match=r"at 0\.0\d pixels per point its letters cannot be read. Fold it"):
        overview = draw(wide(2500), collapse=False, limit=None).png()
    assert overview[:4] == b"\x89PNG"
    monkeypatch.setattr(png, "LONG", 0.5)  # seconds, so that the test does not take long
    with pytest.warns(UserWarning, match=r"of 10 million pixels and about 1 MB takes about 3 seconds") as warned:
        draw(chain(20)).png(scale=3)
    assert warned[0].filename == __file__
    with pytest.raises(DiagramError, match="too many"):
        many.save("never.gif", scale=4)


@pytest.mark.parametrize("style", ["Regular", "Bold"])
def test_the_fonts_of_images_have_what_is_measured_and_are_no_wider(style: str) -> None:
    path, bold = Path(autograd.__file__).parent / "diagram" / "fonts" / f"ChalkgradSans-{style}.ttf", style == "Bold"
    font, small = [ImageFont.truetype(str(path), size) for size in (1000, 13)]
    missing = bytes(font.getmask("\u4e00"))
    for char in [chr(code) for code in range(33, 127)] + [s for s in text.SYMBOLS if len(s) == 1]:
        assert bytes(font.getmask(char)) != missing, char
        assert bold or font.getlength(char) <= text.width(char, 1000), char
    # a bold letter is measured as 15 % wider than a plain one, and narrow ones are wider: a point lies in the padding
    for words in ("v₁₉₁ = mean of 10 operands", "net_h1 = w11_1×x1 + b", "Neuron 0", "fill", "∂L/∂w = tanh(z)²"):
        assert small.getlength(words) <= text.width(words, 13, bold) + 1.5


def test_an_image_needs_no_fonts_of_the_system_and_shows_what_the_svg_shows() -> None:
    plain, subscripted = [Image.open(io.BytesIO(draw(named(name, Value(2.0))).png())) for name in ("v", "v₁")]
    assert plain.size == subscripted.size
    assert plain.tobytes() != subscripted.tobytes()
    root = product()
    svg, image = draw(root).svg, Image.open(io.BytesIO(draw(root).png(scale=2.0)))
    width, height = re.search(r'width="(\d+)" height="(\d+)"', svg).groups()
    assert image.size == (2 * int(width), 2 * int(height))
    dark = Image.open(io.BytesIO(draw(root, theme="dark").png())).convert("RGB")
    assert sum(dark.getpixel((2, 2))) < 150 < 600 < sum(image.convert("RGB").getpixel((2, 2)))
