"""A picture in a notebook that Python draws anew while the reader drags: `interact`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd._engine import Value
from autograd.errors import DiagramError, require

from .diagram import draw
from .moving import called_with, slider_inputs
from .text import number

# The picture is an image: nothing of it is parsed as HTML.
_SCRIPT = """
function render({ model, el }) {
  const picture = document.createElement("img");
  picture.style.maxWidth = "100%";
  const words = document.createElement("p");
  words.setAttribute("role", "status");
  for (const [i, { name, low, high }] of model.get("sliders").entries()) {
    const row = document.createElement("label");
    const range = document.createElement("input");
    const shown = document.createElement("output");
    Object.assign(row.style, { display: "flex", gap: "10px", alignItems: "center" });
    Object.assign(range, { type: "range", min: low, max: high, step: (high - low) / 200 });
    range.style.flex = "0 1 320px";
    range.addEventListener("input", () => {
      model.set("values", model.get("values").map((x, k) => (k === i ? Number(range.value) : x)));
      model.save_changes();
    });
    const write = () => {
      range.value = model.get("values")[i];
      shown.textContent = Number(model.get("values")[i]).toPrecision(4);
    };
    model.on("change:values", write);
    write();
    row.append(name, range, shown);
    el.append(row);
  }
  const show = () => {
    picture.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(model.get("svg"));
    picture.alt = words.textContent = model.get("words");
  };
  model.on("change:svg", show);
  show();
  el.append(picture, words);
}
export default { render };
"""


def interact(function: Callable[..., Value], /, *, options: dict[str, Any] | None = None, **inputs: Any) -> Any:
    """In a notebook: a slider for each range, and the graph of `function`, drawn anew by Python at each position.

    Each input is a number or a range (low, high) or (low, high, start), as for `draw` of a function. Here the function
    runs again each time, so it may branch on its numbers, use NumPy, or change a model; `draw` makes a page instead
    that needs no Python while it is looked at. `options` are those of `draw`, such as {"direction": "TB"}.

    Returns a widget; its list `values` holds the sliders' positions, which may be set, and `svg` the picture. Raises
    DiagramError for inputs that do not fit, and MissingExtraError without the extra `chalkgrad[widget]`.

    >>> from autograd import interact
    >>> widget = interact(lambda w: w * w if w > 0 else -w, w=(-1, 1))
    >>> widget.values = [-0.5]
    >>> widget.words
    'v₁ = 0.5; ∂v₁/∂w = −1'
    """
    anywidget = require("anywidget", "widget", "A picture with sliders")
    traitlets = require("traitlets", "widget", "A picture with sliders")
    sliders, numbers = slider_inputs(function, inputs)

    def drawn(positions: list[float]) -> tuple[str, str]:
        arguments = {name: Value(x, name=name) for name, x in numbers.items()}
        for slider, x in zip(sliders, positions, strict=True):
            arguments[slider.name] = Value(x, name=slider.name)
        output = called_with(function, arguments)
        output.backward()
        picture = draw(output, **(options or {}))
        name = picture.drawing.picture.output_names[0]
        slopes = [f"∂{name}/∂{slider.name} = {number(arguments[slider.name].grad)}" for slider in sliders]
        return picture.svg, "; ".join([f"{name} = {number(output.data)}", *slopes])

    class Interactive(anywidget.AnyWidget):  # type: ignore[misc, name-defined]
        _esm = _SCRIPT
        sliders = traitlets.List().tag(sync=True)
        values = traitlets.List(traitlets.Float()).tag(sync=True)
        svg = traitlets.Unicode().tag(sync=True)
        words = traitlets.Unicode().tag(sync=True)

        @traitlets.validate("values")  # type: ignore[untyped-decorator]
        def _within(self, proposal: Any) -> list[float]:
            values = proposal["value"]
            if len(values) != len(sliders):
                raise DiagramError(f"values are {len(sliders)} positions of the sliders; {len(values)} were given.")
            return [min(max(x, s.low), s.high) for x, s in zip(values, sliders, strict=True)]

        @traitlets.observe("values")  # type: ignore[untyped-decorator]
        def _moved(self, change: Any) -> None:
            self.svg, self.words = drawn(self.values)

    start = [slider.start for slider in sliders]
    svg, words = drawn(start)
    plain = [{"name": s.name, "low": s.low, "high": s.high} for s in sliders]
    return Interactive(sliders=plain, values=start, svg=svg, words=words)
