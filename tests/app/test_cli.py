"""The command line, as a process and as a function: what it prints, what it refuses, and its exit codes."""

import math
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import hypothesis.strategies as st
import pytest
from hypothesis import given

import nn
from autograd import OPERATIONS, check_grad, define
from autograd.app.cli import main
from autograd.app.expression import Expression, ExpressionError, assignments
from autograd.diagram.formats import FORMATS


def run(*arguments, cwd=None, **environment):
    command = [sys.executable, "-W", "error", "-m", "autograd", *map(str, arguments)]
    environment = os.environ | {"COLUMNS": "100"} | environment
    return subprocess.run(command, cwd=cwd, env=environment, text=True, capture_output=True, timeout=120)


@pytest.fixture
def cli(capsys):
    """Call the command in this process: exit code, standard output, standard error."""

    def call(*arguments):
        code = main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return call


# ------------------------------------------------------------------------------------------------ grad


def test_grad_prints_the_value_and_every_derivative():
    done = run("grad", "tanh(w*x + b)", "w=0.5", "x=2", "b=1")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "tanh(w*x + b) = 0.9640275800758169",
        "",
        "name  value  derivative",
        "w     0.5    0.1413016497063289",
        "x     2.0    0.03532541242658223",
        "b     1.0    0.07065082485316446",
    ]


@pytest.mark.parametrize(
    ("expression", "values", "result"),
    [
        ("2 + 3 * 4 ** 2 / 8 - -1", [], 9.0),
        ("7 // 2 + 7 % 4", [], 6.0),
        ("-x ** 2", ["x=3"], -9.0),
        (" - x", ["x=3"], -3.0),
        ("-x*2", ["x=3"], -6.0),
        ("where(x > 0, x, 0.1 * x)", ["x=-2"], -0.2),
        ("dot([a, b], [3, 4], 1)", ["a=1", "b=2"], 12.0),
        ("max([a, 2, 1]) + sum(1, 2, a)", ["a=5"], 13.0),
        ("clip(x, 0, 1) + clip(x, 2)", ["x=3"], 4.0),
        ("leaky_relu(x) + leaky_relu(x, 0.5)", ["x=-2"], -1.02),
        ("sin(pi / 2) + e", ["e=1"], 2.0),
        ("log(0)", [], -math.inf),
        ("1 / x", ["x=0"], math.inf),
        ("9 ** 9 ** 9 ** 9", [], math.inf),
        ("x", ["x=1e-320"], 1e-320),
        ("x +\n\t1", ["x=1"], 2.0),
        ("+".join("x" * 120), ["x=1"], 120.0),  # a chain is no nesting
        ("+".join("x" * 900), ["x=1"], 900.0),
        ("x-2*x/4+" * 100 + "x", ["x=1"], 50.0 + 1.0),
        ("-hypot(x, y)", ["x=3", "y=4"], -5.0),  # not the option -h
        ("-omega*x", ["omega=3", "x=4"], -12.0),  # nor -o
        ("--x*2", ["x=3"], 6.0),
        ("where(x > 0 and x < 1, x, 9)", ["x=0.5"], 0.5),
        ("where(x > 0 and x < 1, x, 9)", ["x=2"], 9.0),
        ("where(x < 0 or not x < 1 and x != 2, x, 9)", ["x=2"], 9.0),
        ("where(x < 0 or not x < 1 and x != 2, x, 9)", ["x=3"], 3.0),
        ("where(x and y, 1, 2)", ["x=1", "y=0"], 2.0),
        ("ü + 1", ["ü=1"], 2.0),
    ],
)
def test_expressions_have_their_value(cli, expression, values, result):
    code, out, _ = cli("grad", expression, *values)
    assert code == 0
    assert float(re.search(r" = (\S+)$", out, re.MULTILINE)[1]) == result


@pytest.mark.parametrize(
    ("expression", "column", "message"),
    [
        ("x^2", 2, r"a power is written x\*\*2"),
        ("y + ä^2", 6, r"a power is written x\*\*2"),
        ("(x) @ y", 5, r"a product is written with \*"),
        ("tanh(x", 5, "'\\(' was never closed"),
        ("tanh(x))", 8, "unmatched"),
        ("a +", 4, "invalid syntax"),
        ("", 1, "nothing is written there"),
        ("   ", 1, "nothing is written there"),
        ("1 + foo(x)", 5, "no operation is called foo; there are"),
        ("__import__('os').system('true')", 1, "only an operation can be called"),
        ("__import__('os')", 1, "no operation is called __import__"),
        ("x.__class__", 1, "this is not allowed"),
        ("x[0]", 1, "this is not allowed"),
        ("[x for x in y]", 1, "this is not allowed"),
        ("lambda: x", 1, "this is not allowed"),
        ("(x := 3)", 2, "this is not allowed"),
        ("x if y else z", 1, r"use where\(condition, a, b\)"),
        ("x and y", 1, r"use where\(condition, a, b\)"),
        ("x < y", 1, "this is not allowed"),
        ("f'{x}'", 1, "this is not allowed"),
        ("'text'", 1, "'text' is no real number"),
        ("1 + 2j", 5, "2j is no real number"),
        ("True", 1, "True is no real number"),
        ("x, y", 1, "this is not allowed"),
        ("2(x)", 1, "only an operation can be called"),
        ("x.tanh()", 1, r"write tanh\(x\), not x\.tanh\(\)"),
        ("tanh(x, y)", 1, "the number of arguments of tanh is 1, and 2 were given"),
        ("elu()", 1, "the number of arguments of elu is 1 to 2, and 0 were given"),
        ("max(x, [y])", 8, "this is not allowed"),
        ("max([x], y)", 5, "one list with at least one number"),
        ("dot([], [])", 5, "one list with at least one number"),
        ("tanh(x=1)", 1, "plain arguments only"),
        ("max(*x)", 1, "plain arguments only"),
        ("max()", 1, "needs at least one argument"),
        ("max([])", 5, "one list with at least one number"),
        ("dot(x, y)", 1, "dot takes two lists"),
        ("dot([x], [y, z])", 10, "two lists of one length"),
        ("where(x < y < z, 1, 2)", 7, "a condition is one comparison"),
        ("tanh([x])", 6, "this is not allowed"),
        ("9" * 500, 1, "too large for a float"),
        ("9" * 1999, 1, "too large for a float"),
        ("x" * 2001, 2000, "at most 2,000 characters"),
        ("(" * 500 + "x" + ")" * 500, None, "nested"),
        (" " + "-" * 1900 + "x", None, "nested"),
        ("x/(" * 150 + "x" + ")" * 150, None, "more than 100 operations are nested"),
        ("where(" + "not " * 150 + "x, 1, 2)", None, "more than 100 operations are nested"),
        ("abs(" * 150 + "x" + ")" * 150, None, "more than 100 operations are nested"),
        ("x\0", None, "null"),
        ("x; y", 2, "invalid syntax"),
        ("2x", 1, r"a product is written with \*: write 2\*x"),
        ("1 + 2.5 x", 5, r"write 2\.5\*x"),
        ("3pi", 1, r"write 3\*pi"),
        ("(x)y", 3, r"write \(…\)\*y"),
        ("x y", 1, r"write x\*y"),
        ("2e5*x y", 5, r"write x\*y"),
        ("where(x > 0 and x < 1, 2x, 1)", 24, r"write 2\*x"),
        ("2(x+1)", 1, r"a product is written with \*"),
        ("x(y)", 1, r"a product is written x\*"),
        ("sin x", 1, r"write sin\(x\)"),
        ("x²", 2, r"a square is written x\*\*2"),
        ("2×x", 2, r"a product is written with \*"),
        ("x = 3", 3, "values stand after the expression"),
        ("x*", 3, "something is missing at the end"),
        ("lambda*x", 1, "lambda is a word of Python"),
        ("ln(x)", 1, "log is the natural logarithm"),
        ("1,5*x", 1, "written with a point, as 1.5"),
        ("x > 0", 1, r"it belongs into a condition, as in where\(x > 0, a, b\)"),
        ("not x", 1, "it belongs into a condition"),
        ("where((x > 0) & (y > 0), 1, 2)", 15, "two conditions are joined with and"),
        ("where(0 < x < 1, 1, 2)", 7, "join two, as in 0 < x and x < 1"),
        ("where(x > 0 and y^2, 1, 2)", 18, r"a power is written x\*\*2"),
    ],
)
def test_what_is_not_allowed_is_one_line_that_points_at_the_column(cli, expression, column, message):
    code, out, err = cli("grad", expression)
    assert code == 2
    assert out == ""
    assert len(err.splitlines()) == 1
    assert re.search(message, err)
    assert re.match(r"chalkgrad: column \d+: ", err)
    if column is not None:
        assert int(err.split()[2].rstrip(":")) == column
    assert len(err) < 250


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "column 1: x has no value; give it one, as x=0.5"),
        (["x"], "'x' gives no value; a value is given as w=0.5"),
        (["x=a"], "'a', given for x, is not a number"),
        (["x=1", "x=2"], "x is given twice"),
        (["x=1", "y=2"], "y is not in the expression, which has x"),
        (["1=2"], "'1=2' gives no value"),
        (["x="], "'', given for x, is not a number"),
        (["x=1,5"], "'1,5', given for x, is not a number; write 1.5"),
    ],
)
def test_values_that_cannot_be_used(cli, values, message):
    code, out, err = cli("grad", "x*x", *values)
    assert (code, out) == (2, "")
    assert err.startswith(f"chalkgrad: {message}")
    assert len(err.splitlines()) == 1


def test_every_name_without_a_value_is_named_at_once(cli):
    code, _, err = cli("grad", "tanh(w*x + b)", "x=1")
    assert code == 2
    assert "w, b have no value; give each one, as w=0.5 b=0.5" in err


@pytest.mark.parametrize(
    ("expression", "values", "note"),
    [
        ("log(x)", ["x=-1"], "the result is nan: log(-1.0) is nan; log takes x >= 0"),
        ("2*log(x) + 1", ["x=-1"], "the result is nan: log(-1.0) is nan; log takes x >= 0"),
        ("asin(x)", ["x=2"], "the result is nan: asin(2.0) is nan; asin takes -1 <= x <= 1"),
        ("(-1)**0.5", [], "the result is nan: pow(-1.0, 0.5) is nan"),
        ("exp(x) - exp(x)", ["x=1000"], "the result is nan: sub(inf, inf) is nan"),
        ("sum(" + "1," * 5 + "inf - inf)", [], "the result is nan: sub(inf, inf) is nan"),
        ("sqrt(x*x)", ["x=0"], "the derivative by x is nan, since that of sqrt at 0.0 is inf"),
        ("0*inf*x", ["x=1"], "the result is nan: mul(0.0, inf) is nan"),
        ("0*x*exp(y)", ["x=1", "y=1000"], "the result is nan: mul(0.0, inf) is nan"),
        ("log(x)", ["x=nan"], ""),
        ("log(x)", ["x=0"], ""),
        ("log(x)", ["x=2"], ""),
    ],
)
def test_a_nan_that_nobody_gave_is_explained(cli, expression, values, note):
    code, out, err = cli("grad", expression, *values)
    assert code == 0
    assert " = " in out
    assert err == (f"chalkgrad: note: {note}\n" if note else "")
    for command in ("explain", "draw") if values else ():
        assert cli(command, expression, *values)[2] == err


@given(st.text(max_size=40) | st.text(alphabet="xy012.+-*/()[], <>=tanhexpdot", max_size=60))
def test_any_text_is_computed_or_refused_with_a_column(text):
    try:
        expression = Expression(text)
        result = expression(dict.fromkeys(expression.names, 0.5))
    except ExpressionError as error:
        refused = error
    else:
        assert isinstance(result, float)
        return
    assert 1 <= refused.column <= max(len(text), 1) + 1
    assert "\n" not in str(refused)


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_operation_of_the_table_can_be_called(name):
    row = OPERATIONS[name]
    if name == "dot":
        text, count = "dot([a], [b], c)", 3
    elif row.arity is None:
        text, count = f"{name}([a, b])", 2
    else:
        text, count = f"{name}({', '.join('abc'[: row.arity])})", row.arity
    expression = Expression(text)
    assert expression.names == list("abc"[:count])
    values = [0.25, 0.5, 0.75] if name != "polygamma" else [1.0, 0.5, 0.75]
    numbers = dict(zip("abc", values, strict=False))
    assert isinstance(expression(numbers), float)


def test_expression_is_differentiated_as_it_is_written():
    f = Expression("exp(-x**2) * where(y >= 1, sin(x*y), y) + dot([x, y], [2, 3])")
    check_grad(lambda x, y: f({"x": x, "y": y}), 0.3, 1.7)
    assert assignments(["x=1", "y=-2.5e0"], f) == {"x": 1.0, "y": -2.5}


# ------------------------------------------------------------------------------- check, draw, explain


def test_check_agrees_and_exits_with_1_where_it_does_not(cli):
    code, out, _ = cli("check", "tanh(w*x + b)", "w=0.5", "x=2", "b=1")
    assert code == 0
    assert "The gradient agrees." in out
    assert len(out.splitlines()) == 6
    define("crooked", lambda x: x * x, (lambda y, x: 2.001 * x,))
    try:
        code, out, _ = cli("check", "crooked(x)", "x=0.5")
    finally:
        del OPERATIONS["crooked"]
    assert code == 1
    assert "The gradient does not agree." in out
    code, _, err = cli("check", "1 + 2")
    assert code == 2
    assert "no variable" in err


def test_draw_writes_the_picture_that_the_name_asks_for(cli, tmp_path):
    code, out, _ = cli("draw", "tanh(w*x + b)", "w=0.5", "x=2", "b=1", "-o", tmp_path / "g.svg", "--theme", "dark")
    assert code == 0
    assert "g.svg" in out
    ElementTree.parse(tmp_path / "g.svg")
    assert cli("draw", "x*x", "x=1", "-o", tmp_path / "g.png")[0] == 0
    assert (tmp_path / "g.png").read_bytes().startswith(b"\x89PNG")
    for target, message in [(tmp_path / "g.xyz", r"names no format"), (tmp_path / "no" / "g.svg", "make it first")]:
        code, _, err = cli("draw", "x*x", "x=1", "-o", target)
        assert code == 2
        assert message in err
        assert len(err.splitlines()) == 1


def test_explain_writes_the_chain_rule(cli):
    code, out, _ = cli("explain", "tanh(w*x + b)", "w=0.5", "x=2", "b=1", "--wrt", "w")
    assert code == 0
    assert "∂y/∂w = " in out
    assert "0.1413" in out
    assert cli("explain", "x*x", "x=1")[0] == 0
    code, _, err = cli("explain", "x*x", "x=1", "--wrt", "z")
    assert code == 2
    assert "--wrt is a variable of the expression: x" in err


def test_draw_without_a_file_prints_the_tree(cli):
    code, out, err = cli("draw", "tanh(w*x)", "w=0.5", "x=2")
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "tanh(w*x)"
    assert out.splitlines()[2].startswith("y = tanh(v₁)  [value 0.7616, grad 1]")
    assert not out.endswith("\n\n")


def test_options_may_stand_before_an_expression_with_a_minus(cli, tmp_path):
    assert cli("draw", "-o", tmp_path / "g.svg", "--theme", "dark", "-x", "x=1")[0] == 0
    assert (tmp_path / "g.svg").exists()
    code, out, _ = cli("explain", "--wrt=y", "-hypot(x, y)", "x=3", "y=4")
    assert code == 0
    assert "-0.8" in out.replace("−", "-")


def test_an_output_that_cannot_be_written_is_refused_before_the_work(cli, tmp_path):
    for name, message in [("no/g.svg", "does not exist; make it first"), ("", "is a folder; give the path of a file")]:
        code, _, err = cli("draw", "log(x)", "x=-1", "-o", tmp_path / name)
        assert code == 2
        assert message in err
        assert "note" not in err  # nothing was computed
        assert "[Errno" not in err


def test_explain_needs_a_variable(cli):
    code, _, err = cli("explain", "1 + 2")
    assert (code, err) == (2, "chalkgrad: the expression has no variable to differentiate by\n")


@pytest.mark.parametrize(
    ("expression", "values", "reason"),
    [
        ("ceil(x)", ["x=inf"], "x: there are no differences around inf"),
        ("floor(x)", ["x=nan"], "x: there are no differences around nan"),
        ("x % y", ["x=1", "y=0"], "x: the function is nan there, so there is nothing to compare"),
        ("log(x)", ["x=-1"], "x: the function is nan there"),
        ("asin(x)", ["x=1"], "x: the function is nan at 1, close by"),
        ("polygamma(n, x)", ["n=1", "x=2"], "n: there are no differences to take: polygamma needs a whole order"),
    ],
)
def test_check_says_where_there_is_nothing_to_compare(cli, expression, values, reason):
    code, out, _ = cli("check", expression, *values)
    assert code == 1
    assert "The gradient could not be checked." in out
    assert reason in out
    assert "argument 0" not in out


def test_check_names_each_variable_that_disagrees(cli):
    code, out, _ = cli("check", "relu(x) + y**2 + abs(z)", "x=0", "y=3", "z=0")
    assert code == 1
    assert "The gradient does not agree." in out
    assert "\nx: here is a kink: the slope is 0 on the left and 1 on the right; move the point\n" in out
    assert "\ny: " not in out


POINTS = ["0", "-0.0", "1", "-1", "inf", "-inf", "nan", "1e308", "5e-324"]


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_operation_at_every_extreme_is_computed_or_refused(cli, name):
    """One operand at a time is extreme, then all of them; an exception that is not documented comes out here."""
    row = OPERATIONS[name]
    count = row.arity or 2
    operands = "[x], [y]" if name == "dot" else "[x, y]" if row.arity is None else ", ".join("xyz"[:count])
    for point in POINTS:
        for extreme in [*range(count), "all"]:
            numbers = [point if extreme in (i, "all") else "1" for i in range(count)]
            values = [f"{operand}={number}" for operand, number in zip("xyz", numbers, strict=False)]
            for command in ("grad", "check", "explain", "draw") if extreme == "all" else ("check",):
                code, _, err = cli(command, f"{name}({operands})", *values)
                refused = "polygamma needs a whole order" in err
                assert code in ((2,) if refused else (0, 1) if command == "check" else (0,)), (command, values)


# ---------------------------------------------------------------------------------------------- train


@pytest.fixture
def iris(tmp_path):
    rows, species = nn.data.iris()
    lines = [
        "a,b,c,d,species",
        *(",".join(map(str, [*row, nn.data.IRIS_SPECIES[t]])) for row, t in zip(rows, species, strict=True)),
    ]
    (tmp_path / "iris.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_train_classifies_and_saves(iris):
    done = run("train", "iris.csv", "--target", "species", "--layers", "8", "--epochs", "40", "--curve", "c.png",
               "--history", "h.csv", "-o", "m.json", cwd=iris)  # fmt: skip
    assert done.returncode == 0, done.stderr
    right = [float(x) for x in re.findall(r"([\d.]+) % of", done.stdout)]
    assert len(right) == 2
    assert min(right) > 90.0
    assert "40/40" not in done.stdout
    assert "100%" in done.stderr
    assert (iris / "c.png").read_bytes().startswith(b"\x89PNG")
    assert len((iris / "h.csv").read_text().splitlines()) == 41
    model, notes = nn.load(iris / "m.json"), nn.read_notes(iris / "m.json")
    assert notes["classes"] == ["setosa", "versicolor", "virginica"]
    X, y = nn.data.iris()
    scaled = [[(x - m) / s for x, m, s in zip(row, notes["mean"], notes["deviation"], strict=True)] for row in X]
    assert nn.accuracy(nn.predict(model, scaled), y) > 0.9


def test_train_predicts_numbers_and_is_repeatable(iris):
    command = [
        "train",
        "iris.csv",
        "--target",
        "d",
        "--features",
        "a,b,c",
        "--layers",
        "4",
        "--epochs",
        "20",
        "--no-progress",
    ]
    first, second = run(*command, cwd=iris), run(*command, "-o", "n.json", cwd=iris)
    assert first.returncode == 0, first.stderr
    assert first.stdout.replace("model.json", "n.json") == second.stdout
    assert (iris / "model.json").read_bytes() == (iris / "n.json").read_bytes()
    assert float(re.search(r"validation.*R² ([\d.]+)", first.stdout)[1]) > 0.8


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (None, [], "No such file"),
        ("a,y\n1,2\n", [], "a header line and two rows at least"),
        ("", [], "a header line and two rows at least"),
        ("a,b\n1,2\n3,4\n", [], "has no column 'y'; its columns are a, b"),
        ("a,y\n1,2\nx,4\n", [], "line 3: a is 'x', not a finite number"),
        ("a,y\n1,2\n\n,4\n", [], "line 4: a is empty, not a finite number"),
        ("a,y\n1,2\nnan,4\n", [], "line 3: a is 'nan', not a finite number"),
        ("a,y\n1,2\n3,4,5\n", [], "line 3: 3 cells, and the header has 2"),
        ("a,a,y\n1,2,3\n1,2,3\n", [], "two columns of one name"),
        ("y\n1\n2\n", [], "has only the target's column"),
        ("a,y\n1,u\n2,u\n", [], "has only one class, 'u'"),
        ("a,y\n1,u\n2,\n", [], "line 3: the target y is empty"),
        ("a,y\n1,2\n3,4\n", ["--layers", "4,x"], "--layers is a list of widths"),
        ("a,y\n1,2\n3,4\n", ["--validation", "2"], "--validation is a share between 0 and 1"),
        ("a,y\n1,2\n3,4\n", ["--features", "b"], "has no column 'b'"),
        ("a,y\n1,2\n3,4\n", ["--features", "a,a"], "names a column twice"),
        ("a,y\n1,2\n3,4\n", ["--features", ","], "--features names no column"),
        ("a,y\n1,2\n3,4\n", ["--features", "a,y"], "--features contains the target 'y'; leave it out"),
        ("a,y\n1,2\n3,4\n", ["--layers", "999999999"], "a width of more than 4,096"),
        ("a,y\n1,2\n3,4\n", ["--curve", "no/such/c.png"], "no/such of no/such/c.png does not exist; make it first"),
        ("a,y\n1,2\n3,4\n", ["--curve", "c.xyz"], "the extension of --curve is "),
        ("a,y\n1,2\n3,4\n", ["-o", "no/such/m.json"], "does not exist; make it first"),
        ("a,y\n1,2\n3,4\n5,7\n7,1\n9,5\n", ["--lr", "1e300"], "infinite or nan in epoch 2, so nothing was saved"),
        ("a,y\n1,2\n3,4\n", ["--activation", "rel"], "no --activation is called 'rel'; the names are relu, "),
        ("a,y\n1,2\n3,4\n", ["--optimizer", "sdg"], "no --optimizer is called 'sdg'; the names are sgd, "),
        ("a,y\n1,2\n3,4\n", ["--epochs", "0"], "--epochs is a whole number of at least 1, and 0"),
        ("a,y\n1,2\n3,4\n", ["--lr", "-1"], "--lr is a number of at least 0, and -1.0"),
        ("a,y\n1,2\n3,4\n", ["--batch", "0"], "--batch is a whole number of at least 1, and 0"),
        ("a,y\n1,2\n3,4\n", ["--patience", "0"], "--patience is a whole number of at least 1, and 0"),
        ("a,y\n1,2\n1e308,4\n", [], "line 3: a is '1e308', too large for its square to be a number"),
        ("a,y\n1,2\n2,-1e308\n", [], "line 3: y is '-1e308', too large for its square to be a number"),
        ("a;y\n1,5;2\n2;4\n", [], "line 2: a is '1,5', with a decimal comma; numbers are written with a point, 1.5"),
        ("a;y\n1;2,5\n2;4,5\n", [], "line 2: y is '2,5', with a decimal comma; numbers are written with a point, 2.5"),
        ('a,y\n1,2\n"2,3\n3,4\n', [], "line 3: a quote is opened here and not closed; close it, or remove it"),
        ('a,y\n1,2\n"2,3\n3,"4"\n', [], "line 3: a quote is opened here and not closed"),
        ('a,y\n1,2\n3,"4', [], "line 3: a quote is opened here and not closed"),
        ('# "c\n\na,y\n1,2\n"2,3\n' + "3,4\n" * 50_000, [], "line 5: a quote is opened here and not closed"),
        ('"a;y\n1;2\n2;3\n', [], "line 1: a quote is opened here and not closed"),
        ('a,y\n"1\n",2\n3,x\n', [], "line 4: y is 'x', not a finite number"),  # a cell of two lines before it
        ("# c\n\na,y\n1,2\nx,4\n", [], "line 5: a is 'x', not a finite number"),
        (
            "a b y\n1 2 3\n4 5 6\n",
            [],
            "has no column 'y'; its columns are a b y (read with commas between; --delimiter",
        ),
        ("a,y\n1,2\n3,4\n", ["--delimiter", ";"], "(read with semicolons between; --delimiter says what else"),
        ("a,y\n1,2\n3,4\n", ["--delimiter", ";;"], "--delimiter is one character, or the word tab or space, and ';;'"),
        ("a;y\n1;2\n3;4;5\n", [], "line 3: 3 cells, and the header has 2, with semicolons between them"),
        ("a,y\n1,1 kg\n2,2 kg\n3,3 kg\n", [], "every row has a class of its own in the target y, '1 kg' and so on"),
    ],
)
def test_train_says_what_is_wrong_with_a_table(cli, tmp_path, text, options, message):
    path = tmp_path / "t.csv"
    if text is not None:
        path.write_text(text)
    code, out, err = cli("train", path, "--target", "y", "--no-progress", "-o", tmp_path / "m.json", *options)
    assert code == 2
    assert bool(out) == ("in epoch" in message)  # everything else is said before anything is printed
    assert message in err
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "m.json").exists()


@pytest.mark.parametrize("cell", ["NA", "", "nan", "?", "inf", "n/a", "1.2.3", "two"])
@pytest.mark.parametrize("others", [1, 39])
def test_a_number_to_predict_that_is_none_is_named_with_its_line(cli, tmp_path, cell, others):
    """A target is one of numbers when half of its cells are; it never turns into a class for each number."""
    path = tmp_path / "t.csv"
    path.write_text(f"a,y\n7,{cell}\n" + "".join(f"{i},{0.5 * i}\n" for i in range(others)))
    code, out, err = cli("train", path, "--target", "y", "--no-progress", "-o", tmp_path / "m.json")
    assert (code, out) == (2, "")
    shown = repr(cell) if cell else "empty"
    assert f"line 2: y is {shown}, not a finite number; remove the row, or say --classify if each" in err


def test_a_target_of_labels_stays_one_of_classes(cli, tmp_path):
    path, options = tmp_path / "t.csv", ["--epochs", "1", "--layers", "2", "--no-progress", "-o", tmp_path / "m.json"]
    path.write_text("a,y\n" + "1,up\n2,down\n3,4\n" * 9)
    assert "classes 4, down, up" in cli("train", path, "--target", "y", *options)[1]  # a third are numbers
    path.write_text("a,y\n" + "1,2\n2,1\n3,x\n" * 9)
    assert "classes 1, 2, x" in cli("train", path, "--target", "y", "--classify", *options)[1]
    path.write_text("a,y\n" + "1,up\n2,NA\n3,down\n" * 9)
    code, out, err = cli("train", path, "--target", "y", *options)
    assert (code, "classes NA, down, up" in out) == (0, True)
    assert err.startswith("chalkgrad: note: 'NA' in the target y is taken for a class; if it stands for ")
    assert len(err.splitlines()) == 1
    path.write_text("a,y\n" + "".join(f"{i},c{i % 12:02}\n" for i in range(36)))
    assert (
        "classes c00, c01, c02, c03, c04, c05, c06, c07, c08, c09, … (12 in all)\n"
        in cli("train", path, "--target", "y", *options)[1]
    )


@pytest.mark.parametrize(
    ("delimiter", "options", "words"),
    [
        (",", [], ""),
        (";", [], "semicolons between the cells, "),
        ("\t", [], "tabs between the cells, "),
        ("|", [], "bars between the cells, "),
        (":", ["--delimiter", ":"], "':' between the cells, "),
        (" ", ["--delimiter", "space"], "' ' between the cells, "),
        ("\t", ["--delimiter", "tab"], "tabs between the cells, "),
        (", ", [], ""),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_train_reads_what_stands_between_the_cells(cli, tmp_path, delimiter, options, words, end):
    rows = [["a", '"b, c; d"', "y"], *([str(i), '"0.5" ', str(2 * i)] for i in range(9))]
    (tmp_path / "t.csv").write_bytes(end.join(map(delimiter.join, rows)).encode())
    options = [*options, "--epochs", "1", "--layers", "2", "--no-progress", "-o", tmp_path / "m.json"]
    code, out, err = cli("train", tmp_path / "t.csv", "--target", "y", *options)
    assert (code, err) == (0, "")
    assert f"{words}9 rows, 2 features, a number to predict" in out


@pytest.mark.parametrize(
    ("header", "delimiter"),
    [("a|m|wide,b|m,y", ","), ("a, in kg, dry; b, in m; y", ";"), ("a;x;b;y;z\tb\ty", "\t"), ("a, b, c, d|b|y", "|")],
)
def test_train_takes_no_names_apart_where_the_rows_are_cut_otherwise(cli, tmp_path, header, delimiter):
    rows = [header, *(delimiter.join([str(i), "0.5", str(2 * i)]) for i in range(9))]
    (tmp_path / "t.csv").write_text("\n".join(rows))
    options = ["--epochs", "1", "--layers", "2", "--no-progress", "-o", tmp_path / "m.json"]
    code, out, err = cli("train", tmp_path / "t.csv", "--target", "y", *options)
    assert (code, err) == (0, "")
    assert "9 rows, 2 features, a number to predict" in out


def test_train_overwrites_nothing_that_it_reads_or_writes(cli, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,y\n1,2\n3,4\n")
    before = path.read_bytes()
    twice = ["-o", tmp_path / "x.png", "--curve", tmp_path / "x"], ["-o", tmp_path / "x", "--history", tmp_path / "x"]
    for options in (["--history", path], ["-o", path], *twice):
        code, out, err = cli("train", path, "--target", "y", "--no-progress", *options)
        assert (code, out) == (2, "")
        assert "would overwrite" in err
    code, out, err = cli("train", path, "--target", "y", "--no-progress", "-o", tmp_path)
    assert (code, out) == (2, "")
    assert "is a folder; give the path of a file" in err
    assert path.read_bytes() == before


def test_a_curve_without_an_extension_is_a_png_and_said_so(cli, tmp_path):
    (tmp_path / "t.csv").write_text("a,y\n1,2\n3,4\n5,6\n")
    options = ["--epochs", "1", "--layers", "2", "--no-progress", "-o", tmp_path / "m.json", "--curve", tmp_path / "c"]
    code, out, _ = cli("train", tmp_path / "t.csv", "--target", "y", *options)
    assert code == 0
    assert f"curve       {tmp_path / 'c.png'}\n" in out
    assert (tmp_path / "c.png").exists()


def test_a_file_that_is_not_there_has_no_error_number(cli, tmp_path):
    code, _, err = cli("train", tmp_path / "no.csv", "--target", "y", "-o", tmp_path / "m.json")
    assert (code, err) == (2, f"chalkgrad: {tmp_path / 'no.csv'}: No such file or directory\n")


def test_train_refuses_what_is_no_text(cli, tmp_path):
    (tmp_path / "t.csv").write_bytes(b"\xff\xfe\x00a")
    code, _, err = cli("train", tmp_path / "t.csv", "--target", "y")
    assert code == 2
    assert "no CSV text in UTF-8" in err
    (tmp_path / "t.csv").write_bytes("a,y\n1,2\nü,3\n".encode("latin-1"))
    assert "no CSV text in UTF-8: byte 0xfc in line 3" in cli("train", tmp_path / "t.csv", "--target", "y")[2]


# --------------------------------------------------------------------------------------------- doctor


def test_doctor_reports_versions_engines_and_no_clash():
    done = run("doctor")
    assert done.returncode == 0, done.stdout
    for word in ("chalkgrad", "python ", "graphviz-pure", "llvmlite", "draws with      python (built in)"):
        assert word in done.stdout
    assert "autograd and nn belong to this distribution alone." in done.stdout


def test_doctor_finds_another_owner_of_the_name(tmp_path):
    """HIPS/autograd beside us: a distribution whose files have our import name."""
    info = tmp_path / "autograd-1.8.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: autograd\nVersion: 1.8.0\n")
    (info / "RECORD").write_text("autograd/numpy/__init__.py,,\n")
    module = tmp_path / "autograd" / "numpy" / "__init__.py"  # from Python 3.12 on, only files that exist are told
    module.parent.mkdir(parents=True)
    module.touch()
    done = run("doctor", PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert "CLASH: the distribution 'autograd' has a package 'autograd' too" in done.stdout


# ------------------------------------------------------------------------------------------ the command


def test_help_version_and_bad_usage(cli):
    assert cli("--help")[0] == 0
    for command in ("demo", "grad", "check", "draw", "explain", "train", "doctor"):
        code, out, _ = cli(command, "--help")
        assert code == 0
        assert command in out
        assert command in cli("--help")[1]
    assert re.fullmatch(r"chalkgrad \d+\.\d+\.\d+\n", cli("--version")[1])
    for arguments in ([], ["grid"], ["grad"], ["draw", "x", "x=1", "-o"], ["grad", "x", "--wrong"]):
        assert cli(*arguments)[0] == 2
    assert all(name in cli("grad", "--help")[1] for name in ("tanh", "logsumexp"))


def test_the_command_alone_shows_its_help(cli):
    code, out, err = cli()
    assert (code, out) == (2, "")
    assert "for example:\n  chalkgrad grad" in err
    assert "the following arguments are required" not in err


@pytest.mark.parametrize("command", ["", "grad", "check", "draw", "explain", "train", "demo"])
def test_help_fits_a_terminal_of_80_columns(cli, monkeypatch, command):
    monkeypatch.setenv("COLUMNS", "80")
    _, out, _ = cli(*command.split(), "--help")
    assert max(map(len, out.splitlines())) <= 79


def test_help_of_draw_names_every_format(cli):
    text = " ".join(cli("draw", "--help")[1].split())
    assert all(f".{form.extension} {form.words}" in text for form in FORMATS.values())


@pytest.mark.parametrize("words", [["grad", "--help"], ["grad", "x*x", "x=2"]])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_output_that_nobody_reads_is_no_traceback(words, unbuffered):
    reader, writer = os.pipe()
    os.close(reader)
    environment = os.environ | {"PYTHONUNBUFFERED": unbuffered}
    command = [sys.executable, "-m", "autograd", *words]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, env=environment, text=True, timeout=60)
    os.close(writer)
    assert done.stderr == ""


def test_a_terminal_without_unicode_shows_question_marks():
    done = run("explain", "tanh(λ*x)", "λ=1", "x=2", PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("?y/??")


def test_a_curve_without_matplotlib_is_refused_before_the_training(cli, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    (tmp_path / "t.csv").write_text("a,y\n1,2\n3,4\n")
    code, out, err = cli(
        "train", tmp_path / "t.csv", "--target", "y", "-o", tmp_path / "m.json", "--curve", tmp_path / "c.png"
    )
    assert (code, out) == (2, "")
    assert "pip install 'chalkgrad[plot]'" in err


def test_train_takes_the_table_that_ships(cli, tmp_path):
    path = Path(nn.__file__).with_name("iris.csv")
    options = ["--target", "species", "--epochs", "1", "--layers", "2", "--no-progress", "-o", tmp_path / "m.json"]
    code, out, _ = cli("train", path, *options)
    assert code == 0
    assert "150 rows, 4 features, classes setosa, versicolor, virginica" in out


def test_check_says_where_there_is_no_derivative(cli):
    code, out, _ = cli("check", "relu(x) + x", "x=0")
    assert code == 1
    assert "Here is a kink of relu, where no derivative exists" in out
    assert "kink" not in cli("check", "relu(x)", "x=1")[1]
