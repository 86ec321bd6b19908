"""Every kind of picture at four sizes, light and dark, in every format, on one page: `make gallery`, then look at it.

It writes `build/gallery/index.html` and the files that the page shows. What a format refuses, it says there.
"""

from __future__ import annotations

import html
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import nn
from autograd import Diagram, Value, compare, draw
from autograd import sum as ag_sum
from autograd.diagram.formats import FORMATS
from autograd.errors import AutogradError

SIZES = {3: 1, 60: 2, 400: 10, 2000: 50}  # values, and the samples that give a network of 2-4-4-1 about so many
STILL = {"svg", "png", "gif"}
LARGEST_GIF = 12  # nodes


def product() -> Value:
    a = Value(2.0, name="w") * Value(-3.0, name="x")
    a.name = "a"
    return a


def network(samples: int) -> tuple[Value, nn.Module]:
    X, y = nn.data.moons(max(samples, 2), labels=(-1, 1))
    model = nn.MLP(2, [4, 4, 1], seed=0)
    return nn.hinge([model(x) for x in X[:samples]], y[:samples]), model


def backward(root: Value) -> Value:
    root.backward()
    return root


def graph(values: int, **options: object) -> Diagram:
    """The graph of a training step without a model: what repeats is folded."""
    return draw(backward(product() if values == 3 else network(SIZES[values])[0]), **options)  # type: ignore[arg-type]


def folded(values: int, **options: object) -> Diagram:
    loss, model = network(SIZES[values])
    return draw(backward(loss), model=model, collapse=True, **options)  # type: ignore[arg-type]


def terms(values: int, **options: object) -> Diagram:
    count = max(values // 3, 1)
    total = ag_sum([Value(0.1 * i, name=f"w{i}") * Value(1.0 - i, name=f"x{i}") for i in range(count)])
    return draw(backward(total), **options)  # type: ignore[arg-type]


def moments(values: int, **options: object) -> Diagram:
    return compare(graph(values, **options), graph(values, **options))


def lecture(values: int, **options: object) -> Diagram:
    return graph(values, style="micrograd", **options)


def textbook(values: int, **options: object) -> Diagram:
    shape = {3: [1], 60: [2, 1], 400: [8, 8, 1], 2000: [16, 16, 3]}[values]
    model = nn.MLP(2, shape, activation="tanh", seed=0)
    out = model([0.5, -1.0])
    loss = backward(out if isinstance(out, Value) else ag_sum([x * x for x in out]))
    return nn.draw(model, loss=loss, **options)  # type: ignore[arg-type]


def sliders(values: int, **options: object) -> Diagram:
    if values == 3:
        return draw(lambda w, x: w * x, w=(-2, 2), x=1.5, **options)  # type: ignore[arg-type, return-value]
    loss = network(1)[1]
    points = nn.data.moons(max(SIZES[values] // 2, 1) * 2, labels=(-1, 1))[0][: max(SIZES[values] // 2, 1)]
    return draw(lambda shift: ag_sum([loss([a + shift, b]) for a, b in points]), shift=(-1, 1), **options)  # type: ignore[arg-type]


KINDS: dict[str, Callable[..., Diagram]] = {
    "graph": graph, "folded by model": folded, "a long sum": terms, "two moments": moments,
    "micrograd's style": lecture, "nn.draw": textbook, "sliders": sliders,
}  # fmt: skip


def pictures(folder: Path) -> Iterator[str]:
    """Write all the files, and yield what the page says of each picture."""
    for kind, make in KINDS.items():
        yield f"<h2>{kind}</h2>"
        for values in SIZES:
            for theme in ("light", "dark"):
                yield f'<h3>{kind}, {values} values, {theme}</h3><div class="row">'
                try:
                    yield from formats(make(values, theme=theme), folder, f"{kind}-{values}-{theme}".replace(" ", "-"))
                except AutogradError as error:
                    yield f"<p>refused: {html.escape(str(error))}</p>"
                yield "</div>"


def formats(picture: Diagram, folder: Path, name: str) -> Iterator[str]:
    for extension in FORMATS:
        path, start = folder / f"{name}.{extension}".replace("'", ""), time.perf_counter()
        if extension == "gif" and len(picture.drawing.picture.nodes) > LARGEST_GIF:
            continue
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            try:
                picture.save(path)
            except AutogradError as error:
                yield f"<p>.{extension} refused: {html.escape(str(error))}</p>"
                continue
        seconds, size = time.perf_counter() - start, path.stat().st_size
        words = f".{extension}: {seconds:.1f} s, {size / 1000:,.0f} kB " + " ".join(str(w.message) for w in said)
        shown = f'<img loading="lazy" src="{path.name}" alt="">' if extension in STILL else ""
        yield f'<figure>{shown}<figcaption><a href="{path.name}">{html.escape(words)}</a></figcaption></figure>'
        print(f"{name}.{extension} {seconds:.1f} s", file=sys.stderr)


def main() -> None:
    folder = Path("build/gallery")
    folder.mkdir(parents=True, exist_ok=True)
    style = (
        "body { font: 15px sans-serif; margin: 16px } .row { display: flex; flex-wrap: wrap; gap: 12px; "
        "align-items: start } img { max-width: 46vw; max-height: 60vh; border: 1px solid #999 } "
        "figure { margin: 0 } figcaption { max-width: 46vw }"
    )
    body = "\n".join(pictures(folder))
    head = f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Gallery</title><style>{style}</style>'
    page = f"{head}{body}</html>"
    (folder / "index.html").write_text(page, encoding="utf-8")
    print(folder / "index.html")


if __name__ == "__main__":
    main()
