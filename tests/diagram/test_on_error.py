"""`draw_on_error`: the picture of what was there, and the exception as it was."""

# ruff: noqa: PT012  the block that raises is what is tested

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import nn
from autograd import AnomalyError, Value, detect_anomaly, draw_on_error, engine, no_grad
from autograd.diagram import on_error
from autograd.errors import DiagramError

from .graphs import chain, named


def nodes(path: Path) -> dict[str, Any]:
    content = json.loads(path.read_text(encoding="utf-8"))
    return {node["name"]: node for node in content["nodes"] if node["kind"] != "constant"}


def marks(path: Path, kind: str) -> set[str]:
    return {name for name, node in nodes(path).items() if kind in [flag["kind"] for flag in node["flags"]]}


def test_everything_computed_is_there_also_what_nothing_depends_on(tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    w, x = Value(0.5, name="w"), Value(2.0, name="x")
    unrelated = named("unrelated", x.exp())
    with pytest.raises(TypeError) as caught, draw_on_error(path):
        z = named("z", w * x)
        named("alone", w.sin())  # kept by no variable
        (z.tanh() + 1.0) ** 2 + [x]  # nor are the parts of this line
    assert {"w", "x", "z", "alone"} <= set(nodes(path))
    assert unrelated.name not in nodes(path)
    made = {node["expression"] for node in nodes(path).values()}
    assert {"tanh(z)", "v₁ + 1", "v₂ ^ 2"} <= made
    assert marks(path, "used where it failed") == {"z", "x"}
    assert marks(path, "last value made") == {"v₃"}
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["title"].startswith("Until TypeError at test_on_error.py:")
    assert content["title"].endswith(": (z.tanh() + 1.0) ** 2 + [x] # nor are the parts of this line")
    assert content["notes"][0].startswith("TypeError: unsupported operand")
    assert caught.value.__notes__ == [f"What was computed until then is drawn in {path}"]


def test_nothing_raised_nothing_written(tmp_path: Path) -> None:
    with draw_on_error(tmp_path / "broken.svg"):
        Value(1.0).exp()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.svg", "a.html", "a.png", "a.txt", "a.dot"])
def test_in_every_format_the_failing_line_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), draw_on_error(tmp_path / name):
        Value(1.0, name="w").exp() * (1 / 0)
    content = (tmp_path / name).read_bytes()
    if not name.endswith("png"):
        assert b"1 / 0" in content
        assert b"ZeroDivisionError" in content


def test_a_nan_in_the_forward_pass(tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    with pytest.raises(AnomalyError) as caught, detect_anomaly(), draw_on_error(path):
        w = Value(0.0, name="w")
        y = named("y", w * 3.0)
        y + 1.0 / (w * w)
    assert marks(path, "inf") == marks(path, "last value made") == {"v₂"}
    assert marks(path, "used where it failed") == {"w"}
    assert "y" in nodes(path)
    assert any("drawn in" in note for note in caught.value.__notes__)


def test_a_backward_pass_of_a_graph_from_before(tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    w = Value(0.0, name="w")
    y = named("y", w.sqrt() * 0.0 + w)
    with pytest.raises(AnomalyError), detect_anomaly(), draw_on_error(path):
        y.backward()
    assert marks(path, "used where it failed") == {"y"}
    assert marks(path, "nan gradient") == {"w"}
    with no_grad():
        cut = y * 2.0
    with pytest.raises(RuntimeError), draw_on_error(path):
        cut.backward()
    assert list(nodes(path)) == ["v₁"]  # a result without a graph is all that there was


def test_an_error_deep_inside_a_model(tmp_path: Path) -> None:
    model, path = nn.MLP(2, [3, 1], seed=0), tmp_path / "broken.json"
    X = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0, 7.0]]
    with pytest.raises(ValueError, match="3 were given"), draw_on_error(path, model=model):
        [model(x) for x in X]  # the first two are kept by no variable
    shown = nodes(path)
    assert sum(node["expression"].startswith("relu") for node in shown.values()) == 6
    assert json.loads(path.read_text(encoding="utf-8"))["title"].endswith(
        "[model(x) for x in X] # the first two are kept by no variable"
    )
    assert {node["path"] for node in shown.values() if node["path"]} >= {"layers.0.neurons.2.w.1"}


def test_of_many_values_the_last_are_drawn_or_folded(tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    with pytest.raises(ValueError, match="enough") as caught, draw_on_error(path):
        chain(400)
        raise ValueError("enough")
    assert 195 < len(nodes(path)) <= 200
    assert marks(path, "last value made")
    content = json.loads(path.read_text(encoding="utf-8"))
    assert any("of 801 values before the error" in note for note in content["notes"])
    assert caught.value.__notes__[0].endswith("of 801 values)")
    with pytest.raises(ValueError, match="enough"), draw_on_error(path, limit=10):
        chain(400)
        raise ValueError("enough")
    assert 5 < len(nodes(path)) <= 10
    model = nn.MLP(2, [4, 1], seed=0)
    with pytest.raises(ValueError, match="enough"), draw_on_error(path, model=model):
        [model([0.1 * i, 1.0]) for i in range(30)]
        raise ValueError("enough")
    content = json.loads(path.read_text(encoding="utf-8"))
    assert {"Neuron 0", "Neuron 3"} <= {node["name"] for node in content["nodes"] if node["kind"] == "group"}


def test_after_very_many_operations_variables_lead_to_what_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_error, "WATCHED", 50)
    path = tmp_path / "broken.json"
    old = Value(7.0, name="old").exp()

    def step(w: Value, kept: dict[str, list[Value]]) -> None:
        inner = named("inner", w.sin())
        kept["all"].append(named("listed", inner * 2.0))
        raise KeyError("step")

    w = Value(0.5, name="w")
    with pytest.raises(KeyError), draw_on_error(path):
        for _ in range(100):
            kept = named("y", w * w)
        assert kept.data == 0.25
        step(w, {"all": []})
    assert {"w", "y", "inner", "listed"} <= set(nodes(path))
    assert "old" not in nodes(path)
    assert old.data > 1000  # it is there, and was before the block


def test_a_block_that_is_long_keeps_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(on_error, "WATCHED", 50)
    w, sizes = Value(0.5), []
    watch = draw_on_error(tmp_path / "a.svg")
    with watch:
        for _ in range(300):
            (w * w).exp()
            sizes.append(len(watch._made))  # type: ignore[attr-defined]
    assert max(sizes) <= 52
    assert sizes[-1] == 0


def test_blocks_in_blocks_and_a_trace_inside(tmp_path: Path) -> None:
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    with pytest.raises(ValueError, match="inner") as caught, draw_on_error(one):
        a = named("a", Value(1.0, name="w").exp())
        with draw_on_error(two):
            named("b", a * 2.0)
            raise ValueError("inner")
    assert {"w", "a", "b"} <= set(nodes(one))
    assert "b" in nodes(two)
    assert len(caught.value.__notes__) == 2
    jit = pytest.importorskip("autograd.compiler").jit

    def f(x: Any) -> Any:
        with draw_on_error(two):
            return x * x + x.sin()

    with draw_on_error(one):
        assert jit(f)(2.0) == f(Value(2.0)).data


def test_an_error_in_drawing_never_hides_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = tmp_path / "none" / "a.svg"
    with pytest.raises(ValueError, match="mine") as caught, draw_on_error(missing):
        Value(1.0).exp()
        raise ValueError("mine")
    assert caught.value.__notes__[0].startswith("What was computed until then could not be drawn: FileNotFoundError")

    class Odd(Exception):
        def add_note(self, note: str) -> None:
            raise RuntimeError("no notes here")

    def broken(*arguments: object) -> None:
        raise MemoryError

    monkeypatch.setattr(on_error, "save", broken)
    with pytest.raises(Odd, match="mine"), draw_on_error(tmp_path / "a.svg"):
        Value(1.0).exp()
        raise Odd("mine")
    with pytest.raises(ValueError, match="nothing") as caught, draw_on_error(tmp_path / "a.svg"):
        raise ValueError("nothing")
    assert caught.value.__notes__ == [f"Nothing was computed until then, so that {tmp_path / 'a.svg'} was not drawn"]
    for stop in (KeyboardInterrupt, SystemExit):
        with pytest.raises(stop) as stopped, draw_on_error(tmp_path / "a.svg"):
            Value(1.0).exp()
            raise stop
        assert not getattr(stopped.value, "__notes__", [])


def test_bad_arguments_are_refused_at_once(tmp_path: Path) -> None:
    for arguments, words in (
        ({"path": "broken.bmp"}, r"names no format. Use one of \.svg"),
        ({"path": "a.svg", "theme": "pink"}, "theme="),
        ({"path": "a.svg", "engine": "nonesuch"}, "no program"),
        ({"path": "a.svg", "limit": 0}, "limit="),
        ({"path": "a.svg", "model": 3}, "model="),
    ):
        with pytest.raises(DiagramError, match=words):
            draw_on_error(**arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("which", ["python", "native"])
def test_with_both_engines_and_at_the_top_of_a_script(which: str, tmp_path: Path) -> None:
    if which == "native" and engine != "native":
        pytest.skip("the engine in C is not there")
    script, path = tmp_path / "script.py", tmp_path / "broken.json"
    script.write_text(
        "from autograd import Value, draw_on_error, engine\n"
        "old = Value(1.0, name='old').exp()\n"
        "w = Value(0.5, name='w')\n"
        f"with draw_on_error({str(path)!r}):\n"
        "    h = w.tanh()\n"
        "    h.name = 'h'\n"
        "    loss = (h * h).exp() + engine\n",
        encoding="utf-8",
    )
    environment = {"CHALKGRAD_ENGINE": which, "PATH": ""}
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, env=environment)
    assert "TypeError" in done.stderr
    assert f"What was computed until then is drawn in {path}" in done.stderr
    assert set(nodes(path)) == {"w", "h", "v₁", "v₂"}
    assert marks(path, "used where it failed") == {"h"}
    assert marks(path, "last value made") == {"v₂"}
