"""What writes the pages of the site, without Sphinx: the reference is complete, each row of the table is there once."""

from __future__ import annotations

import doctest
import math
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from types import SimpleNamespace

import pytest

import autograd
from autograd import OPERATIONS, Value
from autograd.operation import Number, add_row
from chalkgrad_site import docstrings, flowchart, operations, plot, reference

DOCS = Path(__file__).parents[2] / "docs"
BUILT_IN = [op for rows in operations.families().values() for op in rows]


@pytest.mark.parametrize("module", [docstrings, flowchart, operations, plot, reference], ids=lambda m: m.__name__)
def test_examples(module):
    assert doctest.testmod(module, optionflags=doctest.ELLIPSIS).failed == 0


# --------------------------------------------------------------------- reference


def test_no_public_name_is_missing():
    among_the_operations = {name.full for name in reference.public_names() if reference.is_operation(name)}
    text = "\n".join(operations.pages().values())
    assert all(re.search(rf"^::::{{py:function}} {full[9:]}\(", text, re.MULTILINE) for full in among_the_operations)
    wanted = {f"{package.__name__}.{name}" for package in reference.PACKAGES for name in package.__all__}
    assert wanted - among_the_operations - reference.documented_names() == set()


def test_every_name_has_a_page_for_its_subject_and_says_something():
    assert "more" not in reference.subjects(), "a module has no line in SUBJECTS"
    for name in reference.public_names():
        if not reference.is_operation(name):
            body = re.sub(r"^(?::.*|`{3}.*|#.*)$", "", reference.entry(name), flags=re.MULTILINE)
            assert body.strip(), name.full


def test_a_new_name_appears_by_itself(monkeypatch):
    def newcomer(x: float) -> float:
        """Return it again."""
        return x

    newcomer.__module__ = "autograd.functional"
    monkeypatch.setattr(autograd, "newcomer", newcomer, raising=False)
    monkeypatch.setattr(autograd, "__all__", [*autograd.__all__, "newcomer"])
    for cached in (reference.public_names, reference.subjects, reference.links):
        cached.cache_clear()
    try:
        page = reference.pages()["derivatives"]
    finally:
        monkeypatch.undo()
        for cached in (reference.public_names, reference.subjects, reference.links):
            cached.cache_clear()
    assert "::::{py:function} newcomer(x: float) -> float\n:module: autograd\n\nReturn it again.\n::::" in page


def test_the_members_of_a_class():
    names = [name for name, _ in reference.members(autograd.Diagram)]
    assert {"save", "svg", "load"} <= set(names)
    assert not any(name.startswith("_") for name in names)
    of_a_value = [name for name, _ in reference.members(Value)]
    assert "backward" in of_a_value
    assert "tanh" not in of_a_value  # it is a row of the table, and stands there


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("w*x and a*b", r"w\*x and a\*b"),
        ("By Misra, *Mish*, 2019.", "By Misra, *Mish*, 2019."),
        ("``x < 3`` holds < 4", r"``x < 3`` holds \< 4"),
        ("a\n+ b", "a\n\\+ b"),
        ("See `grad()`.", "See {py:obj}`grad() <autograd.grad>`."),
        (">>> f(1)\n<BLANKLINE>\n2", "```pycon\n>>> f(1)\n\n2\n```"),
    ],
)
def test_docstrings_as_markdown(text, markdown):
    assert docstrings.as_markdown(text, {"grad": "autograd.grad"}) == markdown


def test_signatures_are_short():
    assert docstrings.signature(autograd.grad) == "(f: Callable, argnums: int | Sequence[int] = 0) -> Callable"
    assert docstrings.signature(autograd.clip) == "(x, low=-inf, high=inf)"
    assert docstrings.signature(autograd.AnomalyError) == ""


# -------------------------------------------------------------------- operations


def test_every_row_of_the_table_is_there_once():
    headings = re.findall(r"^## `(\w+)`$", "\n".join(operations.pages().values()), re.MULTILINE)
    assert sorted(headings) == sorted(op.name for op in BUILT_IN)
    assert set(headings) >= set(OPERATIONS) - {op.name for op in OPERATIONS.values() if op not in BUILT_IN}
    assert len(headings) == len(set(headings)) >= 69


def test_no_row_of_the_table_is_in_no_section():
    source = (DOCS.parent / "autograd" / "ops.py").read_text(encoding="utf-8")
    assert len(re.findall(r"= _(?:row|step)\(", source)) == len(BUILT_IN)


@pytest.mark.parametrize("op", BUILT_IN, ids=lambda op: op.name)
def test_the_formulas_are_those_of_the_row(op):
    text = operations.formulas(op)
    assert text.count(r"\frac{\partial f}{\partial ") == len(operations.names_of(op))
    assert "#" not in text


@pytest.mark.parametrize("op", BUILT_IN, ids=lambda op: op.name)
def test_the_formulas_are_mathml(op):
    formulas = pytest.importorskip("chalkgrad_site.formulas", reason="latex2mathml is not installed: extra docs")
    latex = operations.formulas(op).removeprefix("```{math}\n").removesuffix("\n```")
    tree = ET.fromstring(formulas.mathml(latex, "block"))
    assert tree.tag == "{http://www.w3.org/1998/Math/MathML}math"
    pairs = [part for part in tree.iter() if part.tag.endswith(("msub", "msup", "mfrac"))]
    assert all(len(part) == 2 for part in pairs), "a space went into a pair"
    assert len(tree.findall(".//{*}mtr")) >= 1 + len(operations.names_of(op))


@pytest.mark.parametrize(
    ("latex", "written"),
    [
        (r"\operatorname{leaky\_relu}(x)", "<mi>leaky_relu</mi><mo"),
        (r"\operatorname{atan2}(y)", "<mi>atan2</mi><mo"),
        (r"\mathrm{loss}^2", "<mi>loss</mi>"),
        (r"y \ln 2", '<mi>y</mi><mspace width="0.17em"/><mi>ln</mi><mspace width="0.17em"/><mn>2</mn>'),
        (r"\log_2 x", '</msub><mspace width="0.17em"/><mi>x</mi>'),
        (r"\sin(-x)", '</mo><mo form="prefix">−</mo><mi>x</mi>'),
        (r"a - b", "<mi>a</mi><mo>&#x02212;</mo><mi>b</mi>"),
        (r"x \bmod y", "<mi>x</mi><mo>mod</mo><mi>y</mi>"),
    ],
)
def test_formulas_as_they_are_set(latex, written):
    formulas = pytest.importorskip("chalkgrad_site.formulas", reason="latex2mathml is not installed: extra docs")
    assert written in formulas.mathml(latex)


def test_what_cannot_be_written_as_mathml_is_refused():
    formulas = pytest.importorskip("chalkgrad_site.formulas", reason="latex2mathml is not installed: extra docs")
    assert doctest.testmod(formulas).failed == 0
    with pytest.raises(ValueError, match="cannot be written as MathML"):
        formulas.mathml(r"x + \nosuchcommand")


def test_the_conventions_stand_with_their_operations():
    told = [row for op in BUILT_IN for row in operations.conventions_of(op.name)]
    assert set(told) == set(operations.conventions())
    said = "**At** `x = 0`: the derivative of `sqrt(x)` is inf, the second −inf (PyTorch: inf)."
    assert said in operations.entry(OPERATIONS["sqrt"])
    assert "**At** `x = 1`: the derivative of `floor(x)` is 0" in operations.entry(OPERATIONS["ceil"])  # which it names
    assert "the derivatives of `maximum(x, y)` are 0.5, 0.5, the second 0" in operations.entry(OPERATIONS["min"])


def test_a_row_says_where_it_is_real_and_what_others_call_it():
    assert "**Real for** x ≥ −1." in operations.entry(OPERATIONS["log1p"])
    assert "**Real for** −1 ≤ x ≤ 1." in operations.entry(OPERATIONS["asin"])
    assert "`torch.nn.LeakyReLU(negative_slope=0.01)`" in operations.entry(OPERATIONS["leaky_relu"])
    assert "NumPy `arcsin`" in operations.entry(OPERATIONS["asin"])


# ------------------------------------------------------------------------- plots


@pytest.mark.parametrize("op", BUILT_IN, ids=lambda op: op.name)
def test_the_picture_of_a_row(op):
    picture = operations.picture(op)
    if op.arity is None or op.name == "where":
        assert "no curve" in picture
        return
    svg = ET.fromstring(picture[picture.index("<svg") : picture.rindex("</svg>") + 6])
    lines = {kind: svg.findall(f".//polyline[@class='{kind}']") for kind in ("value", "slope")}
    assert all(lines.values())
    assert svg.get("aria-label").startswith(f"{op.name} and its slope by ")
    assert "#" not in picture  # every colour is the page's
    if op.arity > 1:
        assert "<figcaption>A slice: " in picture


def test_a_curve_ends_at_a_jump_and_at_a_pole():
    xs = [-1.95 + 0.1 * i for i in range(40)]
    assert len(plot.pieces_of(math.floor, xs)) == 4
    assert len(plot.pieces_of(lambda x: 1.0 / x, xs)) == 2
    assert len(plot.pieces_of(lambda x: 50.0 * x, xs)) == 1
    assert len(plot.pieces_of(lambda x: math.nan if x < 0 else x, xs)) == 1


def test_the_slope_is_the_rules(monkeypatch):
    op = add_row("cube", lambda x: x * x * x, (lambda y, x: 3.0 * x * x,), text="#0³", derivative_text=("3 × #0²",))
    try:
        seen = {}
        monkeypatch.setattr(plot, "_figure", lambda title, ends, curves, variable: seen.update(curves) or "")
        plot.svg(OPERATIONS["cube"])
        assert (seen["value"](2.0), seen["slope"](2.0)) == (8.0, 12.0)
    finally:
        del OPERATIONS["cube"], Number.cube
    assert op.__name__ == "cube"


# -------------------------------------------------------------------- flowcharts


def test_the_flowcharts_of_the_architecture_are_drawn():
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    charts = re.findall(r"```mermaid\n(.*?)```", text, re.DOTALL)
    assert len(charts) >= 3
    for chart in charts:
        boxes, arrows = flowchart.read(chart)
        drawn = flowchart.drawn(chart)
        assert drawn.count('<div class="flowchart ') == 2
        for svg in re.findall(r"<svg.*?</svg>", drawn, re.DOTALL):
            tree = ET.fromstring(svg.replace("xlink:", ""))
            assert len(tree.findall(".//{*}g[@class='node']")) == len(boxes)
            assert len(tree.findall(".//{*}g[@class='edge']")) == len(arrows)
            assert "black" not in svg


@pytest.mark.parametrize(
    "chart", ["graph LR\na --> b", "flowchart LR\na --> ", "flowchart LR\na ==> b", "flowchart LR\n{a}"]
)
def test_what_a_flowchart_cannot_be_is_refused(chart):
    with pytest.raises(ValueError, match="flowchart"):
        flowchart.read(chart)


def test_without_graphviz_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(flowchart, "find_engine", lambda: None)
    with pytest.raises(ValueError, match="pip install graphviz-pure"):
        flowchart.drawn("flowchart LR\na --> b")


def test_the_colours_are_those_of_the_pictures():
    from autograd.diagram.theme import DARK, LIGHT
    from chalkgrad_site.look import THEME_OPTIONS

    for key, theme in {"light_css_variables": LIGHT, "dark_css_variables": DARK}.items():
        colours = SimpleNamespace(**{k.replace("-", "_"): v for k, v in THEME_OPTIONS[key].items()})
        assert colours.color_background_primary == theme.background
        assert colours.color_value == theme.positive
