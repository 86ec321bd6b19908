"""What goes into a paper: names in LaTeX, derivations as wide as a column, TikZ of a given width."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

import nn
from autograd import Value, draw, explain, softmax, where
from autograd.diagram.formats.tex import tex
from autograd.diagram.latex import latex_name
from autograd.errors import DiagramError

from .graphs import chain, named, network
from .test_formats import check_tikz
from .tex import compiled

BORDER = 8.0  # of a standalone page, both sides


def neuron() -> Value:
    w, x, b = Value(0.5, name="w_1"), Value(-2.0, name="alpha"), Value(1.0, name="θ")
    loss = named("loss", named("net_h1", w * x + b).tanh())
    loss.backward()
    return loss


def model() -> tuple[nn.Module, Value]:
    mlp = nn.MLP(2, [4, 4, 1], seed=0)
    loss = named("loss", (mlp([0.5, -1.0]) - 1.0) ** 2)
    loss.backward()
    return mlp, loss


def tikz(value: Value, tmp_path: Path, **options: object) -> str:
    return draw(value).save(tmp_path / "a.tex", **options).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "latex"),
    [
        ("w1", "w_{1}"), ("w11", "w_{11}"), ("w_11", "w_{11}"), ("w₁₁", "w_{11}"), ("w11_2", "w_{11,2}"),
        ("alpha", r"\alpha"), ("theta_1", r"\theta_{1}"), ("σ", r"\sigma"), ("σ₂", r"\sigma_{2}"), ("Omega", r"\Omega"),
        ("delta_h1", r"\delta_{h_{1}}"), ("theta_alpha", r"\theta_{\alpha}"), ("net_h1", r"\mathrm{net}_{h_{1}}"),
        ("y_hat", r"\hat{y}"), ("ŷ", r"\hat{y}"), ("ŷ1", r"\hat{y}_{1}"), ("x_bar_1", r"\bar{x}_{1}"), ("x'", "x'"),
        ("W[0][1]", "W_{0,1}"), ("h[3]", "h_{3}"), ("W_hh", r"W_{\mathrm{hh}}"), ("loss", r"\mathrm{loss}"),
        ("layers.0.neurons.3.w.1", "w^{(0)}_{3,1}"), ("layers.2.b", "b^{(2)}"), ("w.1", "w_{1}"),
        ("0.neurons.1.w.2", "w^{(0)}_{1,2}"), ("encoder.layers.0.w.1", r"w^{(\mathrm{encoder},0)}_{1}"),
        ("my w", r"\text{my w}"),
        ("my_long_name", r"\text{my\_long\_name}"), ("w_", r"\text{w\_}"), ("漢字", r"\text{漢字}"),
        ("100%", r"\text{100\%}"), ("a..b", r"\text{a..b}"), ("", r"\text{}"),
    ],
)  # fmt: skip
def test_a_name_in_latex(name: str, latex: str) -> None:
    assert latex_name(name) == latex


def test_names_of_ones_own_in_a_derivation() -> None:
    w, x = Value(2.0, name="w1"), Value(3.0, name="x")
    latex = explain(named("y", w * x), w, latex={"w1": r"w_{11}^{(2)}", "y": r"\mathcal{L}"}).latex
    assert latex.splitlines()[1] == r"\frac{\partial \mathcal{L}}{\partial w_{11}^{(2)}} &= x \\"
    square = explain(named("y", w**2.0), w, latex={"w1": r"w^{(2)}"}).latex
    assert "2 w^{(2)}" in square
    cubed = explain(named("y", w**3.0), w, latex={"w1": r"w^{(2)}"}).latex
    assert "3 {w^{(2)}}^2" in cubed  # no second exponent on the first
    assert "{11}" not in str(explain(named("y", w * x), w, latex={"w1": "w_{11}"}))


@pytest.mark.parametrize(
    ("latex", "message"),
    [
        ({"w9": "w_9"}, r"latex= has 'w9', which is no name here\. The names are .*net_h1"),
        ({"w_1": "w_{1"}, "braces in pairs"),
        ({"w_1": "w}{"}, "braces in pairs"),
        ({"w_1": "$w$"}, "no dollar signs"),
        ({"w_1": "w%"}, "percent"),
        ({"w_1": " "}, "not empty"),
        ({"w_1": 1}, "takes names to LaTeX"),
        ({1: "w"}, "takes names to LaTeX"),
        ("w_1", "latex= is a dict such as"),
    ],
)
def test_names_of_ones_own_that_cannot_be(latex: object, message: str, tmp_path: Path) -> None:
    loss = neuron()
    with pytest.raises(DiagramError, match=message):
        explain(loss, loss.operands[0], latex=latex)  # type: ignore[arg-type]
    with pytest.raises(DiagramError, match=message):
        tikz(loss, tmp_path, latex=latex)
    assert not list(tmp_path.iterdir())


def test_names_in_tikz(tmp_path: Path) -> None:
    text = tikz(neuron(), tmp_path, latex={"loss": r"\mathcal{L}"})
    check_tikz(text)
    assert r"{\ensuremath{w_{1}}};" in text
    assert r"\ensuremath{\alpha}" in text
    assert r"\ensuremath{\mathsf{net}_{h_{1}}} = \ensuremath{v_{1}} + \ensuremath{\theta}" in text
    assert r"{\ensuremath{\mathcal{L}} = tanh(\ensuremath{\mathsf{net}_{h_{1}}})}" in text
    assert r"\textsuperscript{2}" in tikz(named("y", Value(2.0, name="x") ** 2.0), tmp_path)
    squared = tikz(named("y", Value(2.0, name="x").square().square()), tmp_path)
    assert r"\ensuremath{v_{1}}\ensuremath{^2}" in squared


def test_title_legend_and_heads_are_there(tmp_path: Path) -> None:
    text = draw(neuron(), title="A neuron: 100 % {x}").save(tmp_path / "a.tex").read_text(encoding="utf-8")
    check_tikz(text)
    assert r"{{\bfseries A neuron: 100 \% \{x\}}}" in text
    for words in ("parameter", "operation", "output", "positive gradient", "negative gradient, open head"):
        assert f"{words}}};" in text
    assert "-{Latex[open]}" in text
    assert "-{Latex}" in text
    plain = draw(neuron(), legend=False).save(tmp_path / "a.tex").read_text(encoding="utf-8")
    assert "positive gradient" not in plain
    assert "bfseries" not in plain  # a title that nobody gave is for readers of pages


def test_letters_of_other_scripts_are_codes_that_a_font_is_looked_for(tmp_path: Path) -> None:
    assert tex("漢é🙂") == r"\cgletter{6F22}é\cgletter{1F642}"
    text = tikz(named("y", Value(2.0, name="漢 x").exp()), tmp_path)
    assert r"\cgletter{6F22} x" in text
    assert r"\newfontfamily" in text
    assert re.sub("[À-ſ]", "", text).isascii()
    assert r"\newfontfamily" not in tikz(neuron(), tmp_path)


@pytest.mark.parametrize("width", [0, -1, 71, 2001, "3.4", "3.4 parsec", "in", True, [246]])
def test_widths_that_are_none(width: object, tmp_path: Path) -> None:
    with pytest.raises(DiagramError, match=r"width= is 72 to 2000 points, .*246.*was given"):
        tikz(neuron(), tmp_path, width=width)


def test_standalone_is_a_truth(tmp_path: Path) -> None:
    with pytest.raises(DiagramError, match="standalone= is True or False; 'no' was given"):
        tikz(neuron(), tmp_path, standalone="no")


def test_what_does_not_fit_says_so_and_what_to_do(tmp_path: Path) -> None:
    mlp, loss = model()
    with pytest.raises(DiagramError) as error:
        draw(loss, model=mlp, collapse=False).save(tmp_path / "a.tex", width=468)
    for words in ("8 pt", "from left to right", "from top to bottom", "468", "depth=", "collapse=True", "width="):
        assert words in str(error.value)
    with pytest.raises(DiagramError, match="leave out direction='LR'"):
        draw(network(), direction="LR").save(tmp_path / "a.tex", width=246)
    assert not list(tmp_path.iterdir())
    text = draw(loss, model=mlp, collapse=False).save(tmp_path / "a.tex").read_text(encoding="utf-8")
    assert "With letters of 8 pt, the smallest that are well read, this picture is" in text.splitlines()[2]


SMALL: dict[str, Callable[[], Value]] = {"neuron": neuron, "chain": lambda: chain(3), "softmax": lambda: softmax(
    [Value(1.0, name="x_1"), Value(2.0, name="x_2")])[0]}  # fmt: skip


@pytest.mark.tex
@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize(("width", "points"), [(246, 246.0), ("6.5in", 469.755)])
def test_the_letters_have_eight_to_ten_points_and_the_page_its_width(
    name: str, width: object, points: float, tmp_path: Path
) -> None:
    text = tikz(SMALL[name](), tmp_path, width=width)
    (size,) = {float(size) for size in re.findall(r"\\fontsize\{([\d.]+)\}\{[\d.]+\}\\selectfont\\sffamily", text)}
    assert 8 <= size <= 10
    assert compiled(tmp_path / "a.tex")[0] <= points + BORDER + 1


@pytest.mark.tex
@pytest.mark.parametrize("of_a_model", [False, True])
def test_boxes_hold_their_text(of_a_model: bool, tmp_path: Path) -> None:
    """The header of each box, as LaTeX sets it, leaves room in its box."""
    mlp, loss = model()
    picture = draw(loss, model=mlp, collapse=False) if of_a_model else draw(network())
    text = picture.save(tmp_path / "a.tex").read_text(encoding="utf-8")
    boxes = re.findall(r"\\draw\[rounded corners=2.5pt.*\] \((-?[\d.]+)pt,.*\) rectangle \((-?[\d.]+)pt", text)
    headers = re.findall(r"\\node\[text=cg111827\] at .* \{(.*)\};", text)
    assert len(boxes) == len(headers) > 20
    size = float(re.search(r"\\fontsize\{([\d.]+)\}", text)[1])
    check = [
        rf"\documentclass{{article}}\usepackage{{amsmath,amssymb,xcolor}}\begin{{document}}\fontsize{{{size}}}{{12}}"
    ]
    check.append(
        r"\selectfont\sffamily\newcommand\hold[2]{\setbox0\hbox{#2}\ifdim\wd0>#1pt\errmessage{too wide: \the\wd0}\fi}"
    )
    check += [
        rf"\hold{{{float(right) - float(left) - 3}}}{{{header}}}" for (left, right), header in zip(boxes, headers)
    ]
    (tmp_path / "b.tex").write_text("\n".join([*check, r"x\end{document}"]), encoding="utf-8")
    compiled(tmp_path / "b.tex")


@pytest.mark.tex
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_folded_model_compiles(theme: str, tmp_path: Path) -> None:
    mlp, loss = model()
    draw(loss, model=mlp, collapse=True, theme=theme, title="A step").save(tmp_path / "a.tex", width=468)
    assert compiled(tmp_path / "a.tex")[0] <= 468 + BORDER + 16


@pytest.mark.tex
@pytest.mark.parametrize("engine", ["lualatex", "pdflatex"])
def test_a_picture_in_a_document(engine: str, tmp_path: Path) -> None:
    root = named("y", Value(2.0, name="漢_字").exp() + Value(1.0, name="é"))
    root.backward()
    part = draw(root).save(tmp_path / "part.tex", standalone=False, width=220).read_text(encoding="utf-8")
    needed = [line[4:] for line in part.splitlines() if line.startswith("%   ")]
    body = r"\begin{document}\begin{figure}\centering\input{part}\caption{A graph}\end{figure}\end{document}"
    (tmp_path / "a.tex").write_text("\n".join([r"\documentclass{article}", *needed, body]), encoding="utf-8")
    compiled(tmp_path / "a.tex", engine)
    (tmp_path / "b.tex").write_text(
        "\n".join([r"\documentclass{article}", *needed[:2], body]), encoding="utf-8"
    )  # and without the fonts
    compiled(tmp_path / "b.tex", engine)


@pytest.mark.tex
def test_derivations_fit_into_a_column(tmp_path: Path) -> None:
    mlp, loss = model()
    root, x, a = network(), Value(0.3, name="x"), Value(0.4, name="alpha")
    of = {v.name: v for v in (*root.operands[0].operands[1].operands[0].operands[1].operands[0].operands,)}
    chosen = named("ŷ", where(x > 0.1, (a * x).tanh() / (1.0 + a * a), x).exp() * a)
    wide = named("s", sum((named(f"p{i}", x * float(i + 1)) for i in range(13)), 0.0))
    derivations = [
        explain(root, of["w11_2"]), explain(loss, mlp.parameters()[0], model=mlp), explain(chosen, x), explain(wide, x),
    ]  # fmt: skip
    blocks = [block for derivation in derivations for block in derivation.latex.split("\n\n")]
    document = [
        r"\documentclass[10pt]{article}\usepackage{amsmath}\textheight=5000pt\paperheight=5200pt",
        r"\newcommand\column[1]{\setbox0\hbox{$\displaystyle #1$}\ifdim\wd0>246pt\errmessage{too wide: \the\wd0}\fi",
        r"\noindent\box0\par}\begin{document}",
    ]
    document += [rf"\column{{{block}}}" for block in blocks if block]
    (tmp_path / "a.tex").write_text("\n".join([*document, r"\end{document}"]), encoding="utf-8")
    compiled(tmp_path / "a.tex")


@pytest.mark.tex
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_network_of_a_textbook(theme: str, tmp_path: Path) -> None:
    pair = nn.MLP(2, [2, 2], activation="sigmoid", bias="shared", seed=0)
    loss = nn.half_squared_error(pair([0.05, 0.1]), [0.01, 0.99])
    loss.backward()
    picture = nn.draw(pair, loss=loss, target=[0.01, 0.99], theme=theme)
    picture.save(tmp_path / "a.tex", width=600)
    assert compiled(tmp_path / "a.tex")[0] <= 600 + BORDER + 1 + 20 * 0.75 * (theme == "dark")
    part = picture.save(tmp_path / "part.tex", standalone=False, latex={"x1": r"x_{\text{left}}"})
    assert r"\ensuremath{x_{\text{left}}}" in part.read_text(encoding="utf-8")
    assert "documentclass" not in part.read_text(encoding="utf-8")
    with pytest.raises(DiagramError, match=r"With letters of 8 pt this picture is .* larger width="):
        picture.save(tmp_path / "b.tex", width=100)
