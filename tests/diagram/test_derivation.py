"""`explain`: the chain rule written out, against the tutorial's digits and against the engine."""

from __future__ import annotations

import itertools
import math
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd
import nn
from autograd import Derivation, Value, detect_anomaly, draw, explain, gradients, topological_order
from autograd.errors import DiagramError

from .graphs import GOLDEN, named, network, shared
from .test_draw import HOSTILE


def of(root: Value, name: str) -> Value:
    return next(v for v in topological_order(root) if v.name == name)


def test_an_output_weight_of_the_worked_network() -> None:
    root = network()
    lines = str(explain(root, of(root, "w11_2"), through=["out_o1", "net_o1"])).splitlines()
    assert lines[:3] == [
        "∂E/∂w11_2 = ∂E/∂out_o1 · ∂out_o1/∂net_o1 · ∂net_o1/∂w11_2",
        "          = 0.74136507 × 0.186815602 × 0.593269992",  # the tutorial's digits
        "          = 0.0821670406",
    ]
    assert "    with ∂out_o1/∂net_o1 = out_o1 × (1 − out_o1) = 0.186815602" in lines


def test_a_hidden_weight_of_the_worked_network() -> None:
    root = network()
    through = ["out_h1", "net_h1", "out_o1", "net_o1", "out_o2", "net_o2"]
    text = str(explain(root, of(root, "w11_1"), through=through))
    assert "∂E/∂w11_1 = ∂E/∂out_h1 · ∂out_h1/∂net_h1 · ∂net_h1/∂w11_1" in text
    assert "= 0.0363503064 × 0.241300709 × 0.05\n" in text
    # the sum over both outputs: 0.055399425 + −0.019049119 = 0.036350307 in the tutorial
    assert "= 0.0553994247 + (−0.0190491183)\n" in text
    assert "= 0.0363503064\n" in text
    delta = explain(root, of(root, "net_h1"), through=through)
    assert delta.value == pytest.approx(0.00877135468948693, rel=1e-14)
    assert explain(root, of(root, "w11_1")).value == pytest.approx(0.0004385677344743465, rel=1e-14)


def test_several_paths_are_a_sum_and_the_direct_one_is_called_so() -> None:
    root = shared()
    text = str(explain(root, of(root, "a")))
    assert text.startswith("∂y/∂a = ∂y/∂b · ∂b/∂a + ∂y/∂a (direct)\n      = 12 × 2 + 1\n      = 24 + 1\n      = 25")


def test_the_rule_of_the_direct_path_is_told_too() -> None:
    x = Value(2.0, name="x")
    a = named("a", x * 3.0)
    text = str(explain(named("y", a * x), x))
    assert text.endswith("\n    with ∂y/∂a = x = 2\n    with ∂y/∂x (direct) = a = 6")


@pytest.mark.parametrize("name", GOLDEN)
def test_every_style_shows_the_same_rows(name: str) -> None:
    root = GOLDEN[name]()
    for leaf in [v for v in topological_order(root) if not v.operands]:
        derivation = explain(root, leaf)
        rows = [line for line in str(derivation).splitlines() if " = " in line]
        told = [line for line in rows if line.startswith("    with")]
        assert derivation.latex.count(r"\text{with }") == len(told)
        lefts = [
            line for line in rows if not line.lstrip().startswith("=")
        ]  # of a row too long for a column LaTeX has two
        assert len([line for line in derivation.latex.splitlines() if "&=" in line[1:]]) == len(lefts)
        assert derivation.mathml.count("<mtr>") == len(rows)
        assert sum(line[0] == "mrow" for line in derivation.math()) == len(rows) - len(told)  # the steps tell the rules


def test_a_diamond_200_levels_deep_takes_a_line_a_level() -> None:
    x = Value(1.0, name="x")
    y = x
    for _ in range(200):
        y = y * 0.5 + y * 0.5
    derivation = explain(y, x)
    assert derivation.value == 1.0
    assert len(str(derivation)) < 60_000  # 2^200 paths
    assert "… and more sums" in str(derivation)


def test_the_derivative_of_a_value_by_itself_is_one() -> None:
    v = Value(3.0, name="v")
    assert str(explain(v, v)) == "∂v/∂v = 1"


def test_a_long_chain_is_shortened_in_the_middle() -> None:
    x = Value(1.0)
    y = x
    for _ in range(10_000):
        y = y * 1.0001
    text = str(explain(y, x))
    assert "⋯ (9988 more) ⋯" in text
    assert len(text) < 5000
    assert explain(y, x).value == pytest.approx(1.0001**10_000, rel=1e-10)  # 10,000 roundings


@st.composite
def graph(draw: st.DrawFn) -> list[Value]:
    nodes = [Value(draw(st.floats(0.5, 1.5)), name=f"x{i}") for i in range(2)]
    for i in range(draw(st.integers(1, 14))):
        a, b = (nodes[draw(st.integers(0, len(nodes) - 1))] for _ in range(2))
        kind = draw(st.sampled_from(["add", "mul", "tanh", "sub", "sum"]))
        make = {
            "add": lambda a, b: a + b,
            "mul": lambda a, b: a * b,
            "tanh": lambda a, b: a.tanh(),
            "sub": lambda a, b: a - 0.5 * b,
            "sum": lambda a, b: a * a * b,
        }
        new = make[kind](a, b)
        if draw(st.booleans()):
            new.name = f"n{i}"
        nodes.append(new)
    return nodes


@settings(max_examples=200)
@given(nodes=graph(), data=st.data())
def test_every_equation_is_true_and_the_result_is_the_engines(nodes: list[Value], data: st.DataObject) -> None:
    output = nodes[-1]
    wrt = data.draw(st.sampled_from([v for v in topological_order(output) if not v.operands]))
    derivation = explain(output, wrt)
    (expected,) = gradients(output, [wrt])
    size = sum(map(abs, derivation.equations[0].products())) + abs(expected) + 1e-300
    assert abs(derivation.value - expected) <= 1e-12 * size  # a few dozen roundings of the terms' size
    for equation in derivation.equations:
        products = equation.products()
        scale = sum(map(abs, products)) + 1e-300
        assert abs(sum(products) - equation.value) <= 1e-12 * scale
    assert str(derivation)
    assert derivation.latex.count("{") == derivation.latex.count("}")
    for block in derivation.mathml.splitlines():
        ElementTree.fromstring(block)


def test_a_wrong_partial_shows() -> None:
    """The test above would see a derivation built from a wrong local derivative."""
    x = Value(2.0, name="x")
    y = x * x
    y.partials = (2.001, 2.0)
    assert explain(y, x).value == 2.001 + 2.0


MACROS = {
    "begin", "end", "frac", "partial", "cdot", "times", "text", "left", "right", "mathrm", "cdots", "sigma", "ln",
    "cos", "sin", "tanh", "lfloor", "rfloor", "infty", "operatorname", "sqrt", "quad",
}  # fmt: skip


@pytest.mark.parametrize("name", GOLDEN)
def test_latex_parses_by_matplotlib(name: str) -> None:
    mathtext = pytest.importorskip("matplotlib.mathtext")
    parser = mathtext.MathTextParser("path")
    root = GOLDEN[name]()
    for leaf in [v for v in topological_order(root) if not v.operands and v.requires_grad]:
        latex = explain(root, leaf).latex
        assert set(re.findall(r"\\([A-Za-z]+)", latex)) <= MACROS
        for row in re.findall(r"&= (.*?)(?: \\\\)?$", latex, flags=re.M):
            # matplotlib knows no \left. and no \operatorname; everything else it must read
            plain = re.sub(r"\\left\. (.*?) \\right\|", r"\1", row)
            parser.parse(f"${plain}$")


@settings(max_examples=150)
@given(names=st.lists(HOSTILE, min_size=3, max_size=3))
def test_hostile_names_in_a_derivation(names: list[str]) -> None:
    w, x = Value(1.0, name=names[0]), Value(2.0, name=names[1])
    y = w * x + w
    y.name = names[2]
    derivation = explain(y, w)
    for block in derivation.mathml.splitlines():
        ElementTree.fromstring(block.encode("utf-8"))
    bare = re.sub(r"\\[{}$&#%_]", "", derivation.latex)
    assert bare.count("{") == bare.count("}")
    assert "$" not in bare
    assert set(re.findall(r"\\([A-Za-z]+)", bare)) <= MACROS
    assert "\0" not in str(derivation)
    assert derivation._repr_mimebundle_()["text/markdown"].startswith("$$")


@pytest.mark.parametrize("x", [0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, 1e308])
def test_extreme_numbers_in_a_derivation(x: float) -> None:
    v = Value(x, name="v")
    derivation = explain(v * v, v)
    assert isinstance(derivation, Derivation)
    assert str(derivation)
    assert derivation.latex
    assert derivation.mathml


def test_inside_detect_anomaly_what_is_nan_is_explained_and_drawn_all_the_same() -> None:
    with detect_anomaly():
        x = Value(0.0, name="x")
        y = x.sqrt() * 0.0  # the derivative of the root is infinite, and that times 0 is nan
        assert str(explain(y, x)).splitlines()[1:3] == ["       = 0 × inf", "       = nan"]
        assert "inf" in draw(y).html


def test_bad_arguments_say_what_was_wanted() -> None:
    x, other = Value(1.0, name="x"), Value(1.0, name="other")
    y = x * x
    with pytest.raises(DiagramError, match="does not depend"):
        explain(y, other)
    with pytest.raises(DiagramError, match="wrt is a Value"):
        explain(y, 1.0)  # type: ignore[arg-type]
    with pytest.raises(DiagramError, match="digits="):
        explain(y, x, digits=0)
    with pytest.raises(DiagramError, match="through="):
        explain(y, x, through=["nonesuch"])


def test_a_single_factor_is_told_once() -> None:
    w, x = Value(2.0, name="w"), Value(3.0, name="x")
    assert str(explain(named("a", w * x), w)) == "∂a/∂w = x\n      = 3"


def test_digits() -> None:
    root = network()
    assert "= 0.741 × 0.187 × 0.593" in str(explain(root, of(root, "w11_2"), through=["out_o1", "net_o1"], digits=3))


# ------------------------------------------------------------------- its limits


def ways(count: int) -> tuple[Value, Value]:
    """A sum of so many multiples of one number, each with a name."""
    x = Value(2.0, name="x")
    return named("y", autograd.sum([named(f"p{i}", x * float(i + 1)) for i in range(count)])), x


def steps(count: int) -> tuple[Value, Value]:
    """A chain of so many doublings, each with a name."""
    x = y = Value(1.0, name="x")
    for i in range(count):
        y = named(f"a{i}", y * 2.0)
    return y, x


def test_twelve_terms_are_shown_and_of_more_their_number() -> None:
    twelve = [" + ".join(f"∂y/∂p{i} · ∂p{i}/∂x" for i in range(12)), " + ".join(f"1 × {i}" for i in range(1, 13))]
    twelve.append(" + ".join(str(i) for i in range(1, 13)))
    indent = "\n      = "
    assert str(explain(*ways(12))) == "∂y/∂x = " + indent.join([*twelve, "78"])
    assert str(explain(*ways(13))) == "∂y/∂x = " + indent.join([*[f"{row} + … 1 more" for row in twelve], "91"])
    assert explain(*ways(14)).latex.count(r"\cdots \text{ (2 more)}") == 3
    assert explain(*ways(14)).mathml.count("<mtext>… 2 more</mtext>") == 3


def test_twelve_factors_are_shown_and_of_more_six_at_either_end() -> None:
    twelve = [f"∂a{i}/∂a{i - 1}" for i in range(11, 0, -1)] + ["∂a0/∂x"]
    assert str(explain(*steps(12))).splitlines()[0] == "∂a11/∂x = " + " · ".join(twelve)
    first, numbers, result = str(explain(*steps(14))).splitlines()
    ends = [f"∂a{i}/∂a{i - 1}" for i in (13, 12, 11, 10, 9, 8)], twelve[-6:]
    assert first == f"∂a13/∂x = {' · '.join(ends[0])} · ⋯ (2 more) ⋯ · {' · '.join(ends[1])}"
    assert numbers == "        = 2 × 2 × 2 × 2 × 2 × 2 × ⋯ (2 more) ⋯ × 2 × 2 × 2 × 2 × 2 × 2"
    assert result == "        = 16384"


def test_forty_equations_are_shown_and_of_more_that_there_are_more() -> None:
    def levels(count: int) -> tuple[Value, Value]:
        x = y = Value(1.0, name="x")
        for _ in range(count):
            y = y * 0.5 + y * 0.5
        return y, x

    for count in (39, 40):
        derivation = explain(*levels(count))
        assert len(derivation.equations) == count
        assert "more sums" not in str(derivation) + derivation.latex + derivation.markdown
    derivation = explain(*levels(41))
    assert len(derivation.equations) == 40
    assert str(derivation).endswith("\n\n… and more sums of this kind\n\n… and 99 more values without a name")
    for more in ("… and more sums of this kind", "… and 99 more values without a name"):
        assert rf"\text{{{more}}}" in derivation.latex
        assert ["mtext", more] in derivation.math()[-2:]


def product(*lengths: int) -> str:
    """The derivation, in one step, of a product of names that are so long."""
    x = y = Value(1.0, name="x")
    for i, length in enumerate(lengths):
        y = y * Value(2.0, name="abcde"[i] * length)
    return str(explain(named("y", y), x, through=()))


def test_a_rule_of_eighty_characters_is_written_and_no_longer_one() -> None:
    assert product(20, 20, 20, 20) == f"∂y/∂x = {' × '.join(c * 20 for c in 'dcba')}\n      = 16"
    assert product(20, 20, 20, 21) == "∂y/∂x = 16"
    assert product(20, 20, 20, 21, 1) == "∂y/∂x = 32"


def test_rules_in_a_product_stand_in_parentheses_where_they_are_sums() -> None:
    x, w, c = Value(0.5, name="x"), Value(0.0, name="w_1"), Value(1.0, name="c")
    tanh, sigmoid = named("y", (w * x).tanh()), named("y", (w * x).sigmoid())
    assert str(explain(tanh, x, through=())) == "∂y/∂x = (1 − y²) × w_1\n      = 0"
    assert explain(tanh, x, through=()).latex.splitlines()[1].endswith(r"&= (1 - y^2) \cdot w_{1} \\")
    assert str(explain(sigmoid, x, through=())) == "∂y/∂x = y × (1 − y) × w_1\n      = 0"
    assert str(explain(named("y", -(w * x)), x, through=())) == "∂y/∂x = −w_1\n      = 0"
    chosen = named("y", autograd.where(c, w * x, 2.0))
    assert str(explain(chosen, x, through=())) == "∂y/∂x = (1 if c else 0) × w_1\n      = 0"
    assert str(explain(named("y", (x + 1.0) * w), x, through=())) == "∂y/∂x = w_1\n      = 0"  # and no factor of 1
    assert str(explain(named("y", x + 1.0), x, through=())) == "∂y/∂x = 1"


def test_two_ways_between_two_waypoints_are_one_number_without_a_rule() -> None:
    x, w = Value(2.0, name="x"), Value(5.0, name="w")
    assert str(explain(named("y", (x * w) * (x + 1.0)), x, through=())) == "∂y/∂x = 25"
    assert str(explain(named("y", ((x * w) * (x + 1.0)) * 3.0), x, through=())) == "∂y/∂x = 75"


def test_a_value_at_which_paths_meet_and_part_has_one_equation() -> None:
    x = Value(3.0, name="x")
    h = named("h", named("a", x * 2.0) + named("b", x * x))
    y = named("y", named("c", h * 5.0) * named("d", h + 1.0))
    derivation = explain(y, x)
    assert [equation.left for equation in derivation.equations] == [("y", "x", False), ("y", "h", False)]
    assert str(derivation).splitlines()[:3] == [
        "∂y/∂x = ∂y/∂h · ∂h/∂a · ∂a/∂x + ∂y/∂h · ∂h/∂b · ∂b/∂x",
        "      = 155 × 1 × 2 + 155 × 1 × 6",
        "      = 310 + 930",
    ]
    assert "\n\nwhere, summed over 2 paths,\n∂y/∂h = ∂y/∂c · ∂c/∂h + ∂y/∂d · ∂d/∂h\n      = 16 × 5 + 75 × 1\n" in str(
        derivation
    )

    assert ["mtext", "where, summed over 2 paths,"] in derivation.math()


def test_the_sign_of_a_zero_is_the_engines() -> None:
    x = Value(2.0, name="x")
    assert math.copysign(1.0, explain(x * -0.0, x).value) == -1.0
    assert math.copysign(1.0, explain(x * 0.0, x).value) == 1.0


def test_thirteen_factors_leave_out_one_and_rules_are_told_of_those_that_are_shown() -> None:
    x = y = Value(1.0, name="x")
    for i in range(13):
        y = named(f"a{i}", y * Value(2.0, name=f"w{i}"))
    lines = str(explain(y, x)).splitlines()
    assert lines[1] == "        = 2 × 2 × 2 × 2 × 2 × 2 × ⋯ (1 more) ⋯ × 2 × 2 × 2 × 2 × 2 × 2"
    assert [line.split(" = ")[1] for line in lines[3:]] == [f"w{i}" for i in (12, 11, 10, 9, 8, 7, 5, 4, 3, 2, 1, 0)]


def test_a_negative_number_stands_in_parentheses_as_a_factor_alone() -> None:
    x = Value(2.0, name="x")
    y = named("y", named("a", x * 2.0) * Value(-3.0, name="w"))
    assert str(explain(y, x)) == "∂y/∂x = ∂y/∂a · ∂a/∂x\n      = (−3) × 2\n      = −6\n    with ∂y/∂a = w = −3"
    assert str(explain(named("y", x.cos() * 1e9), x, through=())).splitlines()[-1].endswith("= −909297427")


def test_a_rule_is_told_once() -> None:
    x = Value(2.0, name="x")
    h = named("h", x * 3.0)
    p, q = named("p", x * h), named("q", h.square())
    text = str(explain(named("y", p * q), x))
    assert text.count("∂y/∂p = q") == 1
    main, other = text.split("\n\n")
    assert main.endswith("    with ∂y/∂p = q = 36\n    with ∂p/∂x = h = 6")
    assert other.endswith("    with ∂p/∂h = x = 2\n    with ∂y/∂q = p = 12\n    with ∂q/∂h = 2 × h = 12")
    latex = explain(named("y", p * q), x).latex
    assert latex.count(r"\text{with }") == 5
    assert "\\text{with } \\frac{\\partial y}{\\partial p} &= q = 36 \\\\\n" in latex


def test_a_derivation_can_be_made_of_its_equations() -> None:
    derivation = explain(*steps(2))
    assert str(Derivation(derivation.equations, 9)) == str(derivation)
    assert derivation.math()[0][0] == "mrow"  # no words before the first equation


def test_the_range_of_digits() -> None:
    third = named("y", Value(1.0, name="x") / 3.0)
    x = of(third, "x")
    assert str(explain(third, x, digits=1)) == "∂y/∂x = 1 ÷ 3\n      = 0.3"
    assert str(explain(third, x, digits=17)).endswith("= 0.33333333333333331")
    for digits in (0, 18, -1, 2.0, True):
        with pytest.raises(DiagramError, match=r"digits= is from 1 to 17 significant digits; .* was given\."):
            explain(third, x, digits=digits)  # type: ignore[arg-type]


def test_waypoints_by_one_name_and_by_value_and_only_on_the_way() -> None:
    x, w = Value(2.0, name="x"), Value(3.0, name="wide")
    hidden = named("hidden", x * w)
    y = named("y", hidden.square())
    want = "∂y/∂x = ∂y/∂hidden · ∂hidden/∂x\n      = 12 × 3\n      = 36"
    for through in ("hidden", ["hidden"], hidden, [hidden]):
        assert str(explain(y, x, through=through)).startswith(want)
    for elsewhere in ("wide", w, "h"):
        with pytest.raises(DiagramError, match="is not on the way from wrt to the output"):
            explain(y, x, through=elsewhere)
    # a name that stands beside the way is no waypoint: so all values are
    assert str(explain((Value(2.0) * w).exp(), w)).count("·") == 1


def test_parameters_go_by_their_paths() -> None:
    net = nn.MLP(2, [1], seed=0)
    weight = net.parameters()[0]
    loss = net([1.0, 2.0]).square()
    assert str(explain(loss, weight, model=net)).startswith("∂v₂/∂layers.0.neurons.0.w.0 = ")
    assert "layers" not in str(explain(loss, weight))


def test_many_ways_between_two_waypoints_are_walked_once() -> None:
    x = y = Value(1.0, name="x")
    for _ in range(60):
        y = y * 0.5 + y * 0.5
    assert str(explain(y, x, through=())).splitlines()[:3] == ["∂v₁₈₀/∂x = 1", "", "where v₁₅₇ = v₁₅₆ × 0.5 = 0.5"]


def test_what_has_no_name_is_written_out_where_that_is_short() -> None:
    x, a, b, c = (Value(float(i + 2), name="xabc"[i]) for i in range(4))

    def rule(factor: Value) -> str:
        return str(explain(named("y", x * factor), x, through=())).splitlines()[0]

    assert rule(a * b) == "∂y/∂x = a × b"
    assert rule(a * b + c) == "∂y/∂x = v₂"  # of values without a name
    assert rule(a + b) == "∂y/∂x = a + b"
    assert rule(a.exp()) == "∂y/∂x = exp(a)"
    assert rule(a * 4.0) == "∂y/∂x = 4 × a"  # a number stands first
    for length, shown in ((14, f"{'m' * 15} × {'n' * 14}"), (15, "v₁")):  # 32 characters, and 33
        assert rule(Value(1.0, name="m" * 15) * Value(1.0, name="n" * length)) == f"∂y/∂x = {shown}"
    # a waypoint goes by what it is called, with a name or without
    assert "    with ∂v₂/∂x (direct) = v₁ = 7.3890561" in str(explain(x * x.exp(), x))


def test_a_rule_by_itself_needs_no_parentheses() -> None:
    x = Value(2.0, name="x")
    assert str(explain(named("y", x.tanh()), x)) == "∂y/∂x = 1 − y²\n      = 0.0706508249"


def test_a_sum_behind_parentheses_is_a_sum_too() -> None:
    x, w = Value(0.0, name="x"), Value(2.0, name="w")
    z = named("z", w * x)
    derivation = explain(named("y", z.gelu()), z)
    assert str(derivation) == "∂y/∂z = Φ(z) + z × φ(z)\n      = 0.5"
    assert repr(derivation) == "Derivation(∂y/∂z = 0.5)"
    inner = named("y", (x + 1.0).gelu() * 2.0)
    assert str(explain(inner, x, through=())).splitlines()[0].startswith("∂y/∂x = 2 × (Φ(")


# ------------------------------------------------------------------- what a student reads


def test_values_without_a_name_are_told_once_in_every_style() -> None:
    w, x, b = Value(0.5, name="w"), Value(2.0, name="x"), Value(1.0)
    derivation = explain((w * x + b).tanh(), w)
    assert str(derivation).split("\n\n")[1].splitlines() == [
        "where v₁ = w × x = 1",
        "      v₂ = 1",
        "      v₃ = v₁ + v₂ = 2",
        "      v₄ = tanh(v₃) = 0.96402758",
    ]
    latex = r"""\begin{aligned}
\text{where } v_{1} &= w \cdot x = 1 \\
v_{2} &= 1 \\
v_{3} &= v_{1} + v_{2} = 2 \\
v_{4} &= \tanh v_{3} = 0.96402758
\end{aligned}"""
    assert derivation.latex.endswith(latex)
    assert derivation.markdown.endswith(f"$$\n{latex}\n$$")
    where, second, third, _ = derivation.math()[-4:]
    assert where[:3] == ["mrow", ["mtext", "where\u00a0"], ["mi", "v₁"]]
    assert second == ["mrow", ["mi", "v₂"], ["mo", "="], ["mn", "1"]]
    assert third == ["mrow", ["mi", "v₃"], ["mo", "="], ["mtext", "v₁ + v₂"], ["mo", "="], ["mn", "2"]]
    assert derivation.mathml.count("<mtext>v₁ + v₂</mtext>") == 1
    assert "where" not in str(explain(named("y", w * x), w))  # each has a name


def test_the_player_tells_them_too() -> None:
    w = Value(0.5, name="w")
    y = (w * 3.0).tanh()
    y.backward()
    assert "tanh(v₁)" in draw(y).html
    (lines,) = draw(y).drawing.picture.derivations.values()
    assert ["mrow", ["mi", "v₂"], ["mo", "="], ["mtext", "tanh(v₁)"], ["mo", "="], ["mn", "0.9051"]] in lines


def test_a_long_sum_is_told_by_its_terms_on_the_way() -> None:
    ws, xs = ([Value(float(i), name=f"{letter}{i}") for i in range(40)] for letter in "wx")
    text = str(explain(autograd.dot(ws, xs, 1.0).tanh(), ws[7]))
    assert "with ∂v₁/∂w7 = x7 = 7" in text
    assert "where v₁ = w7 × x7 + ⋯ (40 more) = 20541" in text
    assert (
        r"v_{1} &= w_{7} \cdot x_{7} + \cdots \text{ (40 more)} = 20541"
        in explain(autograd.dot(ws, xs, 1.0).tanh(), ws[7]).latex
    )
    assert "where v₁ = mean of 40 operands = 19.5" in str(explain(autograd.mean(xs).exp(), xs[3]))
    assert str(explain(named("y", autograd.sum([xs[3]] * 5000)), xs[3])) == "∂y/∂x3 = 5000"
    many = [Value(1.0, name=f"a{i}") for i in range(5000)]
    assert "where v₁ = a3 + ⋯ (4999 more) = 5000" in str(explain(autograd.sum(many).sqrt(), many[3]))
    assert str(explain(named("y", autograd.prod(many)), many[3])) == "∂y/∂a3 = 1"


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda a, b: autograd.dot([a, 2.0], [b, 3.0]), "b"),
        (lambda a, b: autograd.dot([2.0, b], [3.0, a], 1.0), "b"),
        (lambda a, b: autograd.prod([a, b, 2.0, 1.0]), "2 × b"),
        (lambda a, b: autograd.mean([a, b, 2.0]), "1 ÷ 3"),
        (lambda a, b: autograd.norm([a, b]), "a ÷ y"),
        (lambda a, b: autograd.logsumexp([a, b]), "exp(a − y)"),
        (lambda a, b: autograd.softmax([a, b])[0], "y × (1 − y)"),
        (lambda a, b: autograd.max([a, b]), "1 if a = y else 0"),
        (lambda a, b: autograd.hypot(a, b), "a ÷ y"),
        (lambda a, b: autograd.sum([a, b, a]), ""),
        (lambda a, b: a**2.0, "2 × a"),
        (lambda a, b: a * a, "2 × a"),
        (lambda a, b: a**1.0, ""),
        (lambda a, b: a**-1.0, "−a ^ (−2)"),
        (lambda a, b: (a - 0.5) ** 2.0, "2 × (a − 0.5)"),
        (lambda a, b: 0.5 * (0.25 - a) ** 2.0, "a − 0.25"),
        (lambda a, b: autograd.where(b > 0.0, a * b, a), "b"),
        (lambda a, b: autograd.where(b, a * b, a), "(1 if b else 0) × b"),
        (lambda a, b: autograd.minimum(a, b) * 3.0, "3 × (1 if a < b else 0)"),
        (lambda a, b: autograd.clip(a, 0.0, 5.0), "1 if 0 ≤ a ≤ 5 else 0"),
        (lambda a, b: abs(a - b), "sign(a − b)"),
        (lambda a, b: b / (a * 4.0), "−y ÷ a"),
    ],
)
def test_the_rule_of_one_step(make: Callable[[Value, Value], Value], rule: str) -> None:
    a, b = Value(1.5, name="a"), Value(2.5, name="b")
    lines = str(explain(named("y", make(a, b)), a, through=())).splitlines()
    assert lines[0] == f"∂y/∂a = {rule}" if rule else len(lines) == 1


def test_a_tie_is_no_one_or_nothing() -> None:
    a, b = Value(1.5, name="a"), Value(1.5, name="b")
    for make in (autograd.maximum, autograd.minimum, lambda a, b: autograd.max([a, b])):
        assert str(explain(named("y", make(a, b)), a)) == "∂y/∂a = 0.5"


def test_a_choice_before_a_sign_of_equality_is_in_parentheses() -> None:
    x = Value(2.0, name="x")
    text = str(explain(named("y", named("h", x.relu()) * 3.0), x))
    assert "    with ∂h/∂x = (1 if x > 0 else 0) = 1" in text


def test_where_terms_cancel_they_have_the_digits_that_show_it() -> None:
    x = Value(1.0, name="x")
    y = named("y", named("a", x * 1.000000000001) * 1.0 - named("b", x * 1.0))
    rows = str(explain(y, x)).splitlines()
    assert rows[2] == "      = 1.000000000001 + (−1)"
    assert rows[3] == "      = 1.0000889e−12"


@settings(max_examples=100)
@given(nodes=graph(), data=st.data())
def test_no_line_is_told_twice_and_every_name_is_told(nodes: list[Value], data: st.DataObject) -> None:
    output = nodes[-1]
    wrt = data.draw(st.sampled_from([v for v in topological_order(output) if not v.operands]))
    text = str(explain(output, wrt))
    for block in text.split("\n\n"):
        lines = [line.strip().removeprefix("with ").strip("=() ") for line in block.splitlines()]
        assert all(one != other for one, other in itertools.pairwise(lines))
    told = [line for line in text.splitlines() if "∂" not in line and re.match(r"(where | {6})v[₀-₉]+ = ", line)]
    assert len(told) == len(set(told))
    defined = {re.match(r"(?:where | {6})(v[₀-₉]+) = ", line)[1] for line in told}
    if "more values without a name" not in text:
        assert set(re.findall(r"v[₀-₉]+", text)) == defined


def test_an_infinite_value_shows_the_rule_as_it_stands() -> None:
    x = Value(math.inf, name="x")
    text = str(explain(named("y", x * 0.0), x, through=()))
    assert text == "∂y/∂x = 0"
    assert str(explain(named("y", x.square() * 0.0), x, through=())) == "∂y/∂x = 0 × (2 × x)\n      = nan"
