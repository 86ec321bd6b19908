"""`diagnose`, the marks on the picture, and how much gradient reaches each layer."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

import nn
from autograd import OPERATIONS, AnomalyError, Value, detect_anomaly, diagnose, draw, record_source, where
from autograd.errors import DiagramError

from .graphs import GOLDEN, named, product
from .test_draw import parse, texts


def kinds(root: Value) -> list[str]:
    return [finding.kind for finding in diagnose(root)]


def of_values(root: Value) -> list[str]:
    """What is found before `backward()`, but for that it was not called."""
    *found, last = kinds(root)
    assert last == "no gradients"
    return found


def test_a_healthy_graph_has_no_finding() -> None:
    root = GOLDEN["network"]()
    root.backward()
    assert diagnose(root) == []
    assert str(diagnose(root)).startswith("Nothing found")


def test_a_dead_relu() -> None:
    x = Value(-2.0, name="x")
    y = named("y", x.relu())
    y.backward()
    (finding,) = diagnose(y)
    assert (finding.kind, finding.numbers, finding.node is y) == ("dead", {"z": -2.0}, True)
    assert "leaky_relu" in finding.advice
    assert "dead" not in of_values(Value(2.0).relu())


@pytest.mark.parametrize(("z", "expected"), [(0.0, []), (4.0, []), (7.0, ["saturated"]), (-7.0, ["saturated"])])
def test_a_saturated_sigmoid_and_tanh(z: float, expected: list[str]) -> None:
    # σ' is at most 1/4 and tanh' at most 1; saturated means under 1 % of that
    assert of_values(Value(z).sigmoid()) == expected
    assert of_values(Value(z / 2).tanh()) == expected


@pytest.mark.parametrize("name", [op.name for op in OPERATIONS.values() if op.saturation is not None])
def test_every_operation_that_saturates_is_found(name: str) -> None:
    assert of_values(OPERATIONS[name].evaluate(Value(20.0))) == ["saturated"]
    assert of_values(OPERATIONS[name].evaluate(Value(0.25))) == []


@pytest.mark.parametrize("name", [op.name for op in OPERATIONS.values() if op.dead_below is not None])
def test_every_operation_that_dies_is_found(name: str) -> None:
    below = OPERATIONS[name].dead_below
    assert below is not None
    assert of_values(OPERATIONS[name].evaluate(Value(below))) == ["dead"]
    assert of_values(OPERATIONS[name].evaluate(Value(below + 0.5))) == []


def test_vanishing_and_exploding_gradients() -> None:
    w = Value(0.5, name="w")
    y = w
    for _ in range(12):
        y = (y * 0.5).sigmoid() * 1.0
    y.backward()
    findings = [f for f in diagnose(y) if f.kind == "vanishing"]
    assert [f.node for f in findings] == [w]
    assert findings[0].numbers["ratio"] == pytest.approx(abs(w.grad))
    w = Value(1.0, name="w")
    y = w * 1e4
    y.backward()
    assert kinds(y) == ["exploding"]


def test_the_first_nan_is_named_and_not_those_after_it() -> None:
    x = Value(-1.0, name="x")
    bad = named("bad", x.log())
    y = named("y", bad + 1.0) * 2.0
    y.backward()
    findings = diagnose(y)
    assert [(f.kind, f.node.name) for f in findings if f.kind == "nan"] == [("nan", "bad")]
    assert "detect_anomaly" in findings[0].advice


def test_where_a_gradient_turns_infinite() -> None:
    x = Value(0.0, name="x")
    y = named("y", x.sqrt() * 2.0)
    y.backward()
    assert x.grad == math.inf
    assert [(f.kind, f.node.name) for f in diagnose(y)] == [("inf gradient", "x")]


def test_a_forgotten_zero_grad() -> None:
    x = Value(3.0, name="x")
    (x * x).backward()
    y = x * 2.0
    y.backward()
    (finding,) = diagnose(y)
    assert (finding.kind, finding.numbers) == ("stale", {"held": 8.0, "given": 2.0})
    assert "zero_grad" in finding.advice
    x.zero_grad()
    y = x * 2.0
    y.backward()
    assert diagnose(y) == []


def test_terms_that_cancel_are_no_vanishing_gradient() -> None:
    w = Value(1.0, name="w")
    y = w * 0.1 + w * 0.2 - w * 0.3  # the sum of the terms is 5e-17
    y.backward()
    assert 0 < abs(w.grad) < 1e-15
    assert diagnose(y) == []
    small = w * 1e-9 - w * 3e-9
    w.zero_grad()
    small.backward()
    assert kinds(small) == ["vanishing"]


def test_one_forgotten_zero_grad_is_one_finding_by_path() -> None:
    import nn

    model = nn.MLP(2, [4, 1], seed=0, activation="tanh")
    for _ in range(2):
        loss = model([1.0, 2.0]) ** 2
        loss.backward()
    (finding,) = diagnose(loss)
    assert finding.kind == "stale"
    assert finding.message.startswith("17 of 17 parameters hold more than this graph gives; the first, leaf with value")
    assert finding.numbers["parameters"] == 17.0
    (finding,) = diagnose(loss, model=model)
    assert re.search(r"the first, layers\.\d\.neurons\.\d\.w\.\d holds", finding.message)
    assert finding.numbers["held"] == pytest.approx(2.0 * finding.numbers["given"])


def test_a_gradient_from_before_any_backward_is_stale_too() -> None:
    x = Value(3.0, name="x")
    (x * x).backward()
    assert kinds(x * 2.0) == ["stale"]


def test_findings_print_well_and_show_on_the_picture() -> None:
    x = Value(-2.0, name="x")
    y = named("y", x.relu() + (x * 10.0).sigmoid())
    y.backward()
    text = str(diagnose(y))
    assert [line[:12] for line in text.splitlines()] == ["1. vanishing", "2. dead: rel", "3. saturated"]
    words = texts(parse(draw(y).svg))
    assert "dead: z ≤ 0" in words
    assert any(word.startswith("saturated: slope ") for word in words)


def test_diagnose_wants_a_value() -> None:
    with pytest.raises(DiagramError, match="was wanted"):
        diagnose(3.0)  # type: ignore[arg-type]


def test_a_diagnosis_of_a_long_chain_needs_no_recursion() -> None:
    y = Value(1.0)
    for _ in range(50_000):
        y = y + 1.0
    y.backward()
    assert diagnose(y) == []


def test_the_line_that_made_a_node_is_shown() -> None:
    with record_source():
        y = named("y", Value(2.0, name="x") * 3.0)
    assert "test_health.py" in draw(y).svg
    assert "Value(2.0, name=&quot;x&quot;) * 3.0" in draw(y).svg
    assert '"source": "' in draw(y).json
    assert "test_health.py" not in draw(product()).svg
    with detect_anomaly(), pytest.raises(AnomalyError, match=r"test_health\.py.*log\(\)"):
        Value(-1.0).log()


def test_how_much_gradient_reaches_each_layer(tmp_path: Path) -> None:
    model = nn.MLP(2, [4, 4, 1], activation="sigmoid", seed=0)
    X, y = nn.data.xor()
    history = nn.fit(model, X, y, epochs=6, callbacks=[nn.record_gradients], progress=False)
    assert [row["epoch"] for row in history.gradient_flow] == [1, 2, 3, 4, 5, 6]
    last = history.gradient_flow[-1]
    grads = [p.grad for p in model.layers[1].parameters()]
    assert last["layers.1"] == pytest.approx(math.sqrt(sum(g * g for g in grads) / len(grads)))
    assert list(last) == ["epoch", "layers.0", "layers.1", "layers.2"]
    figure = history.plot_gradient_flow(tmp_path / "flow.png")
    assert (tmp_path / "flow.png").stat().st_size > 1000
    assert [t.get_text() for t in figure.axes[0].get_xticklabels()] == ["layers.0", "layers.1", "layers.2"]
    with pytest.raises(ValueError, match="record_gradients"):
        nn.History().plot_gradient_flow()


def test_a_unit_that_is_dead_for_some_samples_only_is_no_finding() -> None:
    w, b = Value(1.0, name="w"), Value(0.0, name="b")
    samples = [(w * x + b).relu() for x in (-1.0, 2.0, -3.0)]
    loss = samples[0] + samples[1] + samples[2]
    loss.backward()
    assert diagnose(loss) == []
    assert "dead" in draw(loss).svg


def test_a_unit_that_is_dead_for_every_sample_is_one_finding() -> None:
    w, v = Value(1.0, name="w"), Value(-1.0, name="v")
    samples = [(w * x).relu() + (v * x).relu() for x in (1.0, 2.0, 3.0)]
    loss = samples[0] + samples[1] + samples[2]
    loss.backward()
    (finding,) = diagnose(loss)
    assert (finding.kind, finding.numbers["samples"]) == ("dead", 3.0)
    assert "for all 3 samples" in str(finding)


def test_before_backward_it_says_that_there_are_no_gradients() -> None:
    y = Value(3.0, name="w") ** 2
    (finding,) = diagnose(y)
    assert (finding.kind, finding.node) == ("no gradients", y)
    assert "Call backward()" in str(finding)
    y.backward()
    assert diagnose(y) == []
    frozen = Value(1.0)
    frozen.requires_grad = False
    assert diagnose(frozen * 2) == []  # nothing there wants a gradient


def test_a_gradient_that_is_nan_because_of_zero_times_infinity_says_where_they_meet() -> None:
    x = Value(0.0, name="x")
    y = x.sqrt() * 0.0
    y.backward()
    (finding,) = diagnose(y)
    assert finding.kind == "nan gradient"
    assert finding.numbers["partial"] == math.inf
    assert finding.numbers["flow"] == 0.0
    assert "at sqrt with value 0 the local derivative inf meets the gradient 0, and inf × 0 is nan" in finding.message
    assert "where()" in finding.advice
    square_root = (x * x).sqrt()
    x.grad = 0.0
    square_root.backward()
    assert [f.kind for f in diagnose(square_root)] == ["nan gradient", "inf gradient"]  # the zero is the derivative
    assert "the local derivative 0 meets the gradient inf" in diagnose(square_root)[0].message


def test_what_the_output_does_not_depend_on_is_found() -> None:
    a, b = Value(1.0, name="a"), Value(2.0, name="b")
    y = where(a > 0, a, b) * 3
    y.backward()
    (finding,) = diagnose(y)
    assert (finding.kind, finding.node.name) == ("unused", "b")
    model = nn.MLP(2, [3, 1], activation="tanh", seed=0)
    model.extra = nn.Layer(2, 2, seed=1)
    loss = model([0.5, -0.5]) ** 2
    loss.backward()
    (finding,) = diagnose(loss, model=model)
    assert finding.kind == "unused"
    assert finding.numbers["parameters"] == 6
    assert "6 of 19 parameters have no part in the output; the first, extra.neurons.0.w.0 is not in" in finding.message


@pytest.mark.parametrize("curvature", [0.5, 3.0, 40.0])
def test_a_learning_rate_overshoots_just_where_gradient_descent_diverges(curvature: float) -> None:
    def distance(lr: float, steps: int = 20) -> tuple[float, list[str]]:
        x, y = Value(1.0, name="x"), Value(1.0, name="y")
        found: list[str] = []
        for step in range(steps):
            loss = curvature / 4 * (x + y) ** 2  # along (1, 1), its gradient, the curvature is that number
            loss.backward()
            if step == 0:
                found = [finding.kind for finding in diagnose(loss, lr=lr)]
            for p in (x, y):
                p.data -= lr * p.grad
                p.grad = 0.0
        return abs(x.data + y.data), found

    reach, found = distance(1.98 / curvature)
    assert reach < 2.0
    assert found == []
    reach, found = distance(2.02 / curvature)
    assert reach > 2.0
    assert found == ["overshooting"]


def test_the_learning_rate_of_a_diagnosis_is_checked() -> None:
    x = Value(1.0)
    loss = x * x
    loss.backward()
    for bad in (0, -1.0, math.inf, math.nan, True, "0.1"):
        with pytest.raises(DiagramError, match="lr= is the learning rate"):
            diagnose(loss, lr=bad)  # type: ignore[arg-type]
    x.data = 5.0
    with pytest.raises(DiagramError, match="judged before a step"):
        diagnose(loss, lr=0.1)
    assert diagnose(loss) == []
