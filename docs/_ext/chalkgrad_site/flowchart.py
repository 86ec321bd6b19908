"""A flowchart in the part of Mermaid's notation that docs/architecture.md uses, drawn by Graphviz as SVG."""

from __future__ import annotations

import re
from html import escape
from typing import NamedTuple

from autograd.diagram.place.engines import find_engine, run

_BOX = re.compile(r'\s*(\w+)(?:\["([^"]*)"\])?\s*')
_WIDTH = re.compile(r'<svg width="([\d.]+)pt"')
WIDEST = 560.0  # points, of a picture that is as wide as a page: its letters would become small
_ARROW = re.compile(r"(-->|-\.->)(?:\|([^|]*)\|)?")


class Arrow(NamedTuple):
    """From one box to another, dashed or not, with words on it or not."""

    source: str
    target: str
    dashed: bool
    words: str


def read(text: str) -> tuple[dict[str, str], list[Arrow]]:
    r"""Return the boxes (what is written in them, by id) and the arrows. Raises ValueError for what is not understood.

    >>> read('flowchart LR\na["One<br>file"] -->|when used| b["Two"]')
    ({'a': 'One\nfile', 'b': 'Two'}, [Arrow(source='a', target='b', dashed=False, words='when used')])
    """
    head, *lines = [line for line in text.splitlines() if line.strip()]
    if head.split()[0] != "flowchart":
        raise ValueError(f"a flowchart begins with 'flowchart LR', and this one with {head!r}")
    boxes: dict[str, str] = {}
    arrows: list[Arrow] = []
    for line in lines:
        at, before, sign = 0, "", None
        while at < len(line):
            box = _BOX.match(line, at)
            if box is None:
                raise ValueError(
                    f'a flowchart has boxes as in a["words"] and arrows --> and -.->; not {line.strip()!r}'
                )
            name, words = box.groups()
            if words is not None or name not in boxes:
                boxes[name] = (words or name).replace("<br>", "\n")
            if sign is not None:
                arrows.append(Arrow(before, name, sign[1] == "-.->", sign[2] or ""))
            before, sign = name, _ARROW.match(line, box.end())
            at = sign.end() if sign is not None else box.end()
            if sign is None and at < len(line):
                raise ValueError(f"a flowchart has arrows --> and -.-> between its boxes; not {line[at:]!r}")
    return boxes, arrows


def drawn(text: str) -> str:
    """The flowchart as two pictures, of which the style sheet shows the one that fits."""
    boxes, arrows = read(text)
    named = {name: words.replace("\n", ", ") for name, words in boxes.items()}
    told = "; ".join(f"{named[a.source]} → {named[a.target]}" + (f" ({a.words})" if a.words else "") for a in arrows)
    across, down = _svg(boxes, arrows, "LR"), _svg(boxes, arrows, "TB")
    if float(_WIDTH.search(across)[1]) > WIDEST:  # type: ignore[index]
        across = down
    return "".join(
        f'<div class="flowchart {kind}" role="img" aria-label="{escape(told)}">{picture}</div>\n'
        for kind, picture in (("across", across), ("down", down))
    )


def _svg(boxes: dict[str, str], arrows: list[Arrow], direction: str) -> str:
    engine = find_engine()
    if engine is None:
        raise ValueError("there is no Graphviz to draw flowcharts with: pip install graphviz-pure")
    quoted = lambda words: '"' + words.replace('"', r"\"").replace("\n", r"\n") + '"'
    lines = [
        f"digraph {{ rankdir={direction}; bgcolor=transparent; nodesep=0.3; ranksep=0.4;",
        'node [shape=box, style=rounded, fontname="Helvetica", fontsize=12, margin="0.14,0.08"];',
        'edge [fontname="Helvetica", fontsize=11, arrowsize=0.7];',
        *(f"{quoted(name)} [label={quoted(words)}];" for name, words in boxes.items()),
        *(
            f"{quoted(a.source)} -> {quoted(a.target)} "
            f"[label={quoted(f' {a.words} ' if a.words else '')}, style={'dashed' if a.dashed else 'solid'}];"
            for a in arrows
        ),
        "}",
    ]
    svg = run(engine, "\n".join(lines), "svg").decode("utf-8")
    svg = re.sub(r"<title>.*?</title>|<!--.*?-->", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = re.sub(r'(fill|stroke)="(?:black|#000000)"', r'\1="currentColor"', svg)
    return re.sub(r"<text ", '<text fill="currentColor" ', svg).replace(' id="graph0"', "").strip()
