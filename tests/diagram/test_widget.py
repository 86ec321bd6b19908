"""`interact`: the widget in Python, and its script in a browser with a model that stands in for the kernel's."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from autograd import Value, interact
from autograd.errors import DiagramError, MissingExtraError

from .graphs import named


def branching(w: Value, x: Value) -> Value:
    return named("y", w * x if w > 0 else w * w * x)


def test_the_function_runs_again_at_each_position() -> None:
    widget = interact(branching, w=(-2, 2), x=3.0)
    assert widget.values == [1.0]
    assert widget.words == "y = 3; ∂y/∂w = 3"
    before = widget.svg
    widget.values = [-1.0]
    assert widget.words == "y = 3; ∂y/∂w = −6"
    assert widget.svg != before
    assert "y = v₁ × x" in widget.svg
    widget.values = [7.0]  # a range is kept to
    assert widget.values == [2.0]


def test_mistakes_are_named() -> None:
    with pytest.raises(DiagramError, match="No input of branching is a range"):
        interact(branching, w=1, x=2)
    with pytest.raises(DiagramError, match="missing a required argument: 'x'"):
        interact(branching, w=(0, 1))
    widget = interact(branching, w=(0, 1), x=2)
    with pytest.raises(DiagramError, match="1 positions of the sliders; 2 were given"):
        widget.values = [0.1, 0.2]
    assert ">mine<" in interact(branching, options={"title": "mine"}, w=(0, 1), x=2).svg


def test_without_anywidget_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "anywidget", None)
    with pytest.raises(MissingExtraError, match=r"chalkgrad\[widget\]"):
        interact(branching, w=(0, 1), x=2)


@pytest.mark.browser
def test_its_script_sets_the_values_and_shows_the_picture(browser: Any) -> None:
    widget = interact(branching, w=(-2, 2), x=3.0)
    state = {"sliders": widget.sliders, "values": widget.values, "svg": widget.svg, "words": widget.words}
    module = base64.b64encode(str(widget._esm).encode()).decode()
    page = browser.new_page()
    shown = page.evaluate(
        """async ([module, state]) => {
          const { default: widget } = await import(`data:text/javascript;base64,${module}`);
          const listeners = {};
          const model = { saved: 0, get: (name) => state[name], set: (name, x) => { state[name] = x; },
            save_changes() { this.saved += 1; state.words = 'moved'; state.svg = '<svg/>';
              (listeners['change:svg'] ?? []).forEach(f => f()); },
            on: (name, f) => { (listeners[name] ??= []).push(f); } };
          const el = document.createElement('div'); document.body.append(el);
          widget.render({ model, el });
          const first = [el.querySelector('img').src.slice(0, 18), el.querySelector('p').textContent];
          const range = el.querySelector('input'); range.value = '-1'; range.dispatchEvent(new Event('input'));
          return [first, state.values, model.saved, el.querySelector('p').textContent]; }""",
        [module, json.loads(json.dumps(state))],
    )
    page.close()
    assert shown == [["data:image/svg+xml", "y = 3; ∂y/∂w = 3"], [-1], 1, "moved"]
