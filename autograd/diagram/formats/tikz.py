"""The picture as a LaTeX document with one TikZ picture, at the positions of the layout."""

from __future__ import annotations

from autograd.diagram.picture.picture import Cluster, Edge, Node
from autograd.diagram.place.boxes import Point, Rectangle
from autograd.diagram.place.drawing import Drawing
from autograd.diagram.theme import line_width, stroke
from autograd.notation import GREEK, SIGNS

from .look import fill_and_border, label_of

_TEXT = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "…": r"\ldots{}",
}  # fmt: skip
_MATH = GREEK | SIGNS | {
    "∂": r"\partial", "×": r"\times", "÷": r"\div", "·": r"\cdot", "′": "'", "√": r"\surd", "∛": r"^3\surd",
    "Σ": r"\Sigma", "Δ": r"\Delta", "∇": r"\nabla", "▲": r"\blacktriangle", "▼": r"\blacktriangledown", "²": "^2",
    "³": "^3", "½": r"\frac12", "→": r"\to", "∞": r"\infty", "δ": r"\delta", "⌊": r"\lfloor", "⌋": r"\rfloor",
    "⌈": r"\lceil", "⌉": r"\rceil",
} | {chr(0x2080 + i): f"_{i}" for i in range(10)}  # fmt: skip
_ESCAPES = str.maketrans(_TEXT | {c: rf"\ensuremath{{{command}}}" for c, command in _MATH.items() if len(c) == 1})


def write(drawing: Drawing) -> bytes:
    """The whole document, for LuaLaTeX or XeLaTeX."""
    return _Document(drawing).text().encode()


def tex(text: str) -> str:
    """Escaped for LaTeX text; what is neither ASCII nor in the table is left for a Unicode-aware engine."""
    return text.translate(_ESCAPES)


def _point(point: Point) -> str:
    return f"({point[0]:.1f}pt,{-point[1]:.1f}pt)"


class _Document:
    """Writes the parts of a drawing, and remembers the colours that they use."""

    def __init__(self, drawing: Drawing) -> None:
        self.picture, self.layout, self.theme = drawing.picture, drawing.layout, drawing.colours
        self.colors: dict[str, str] = {}

    def color(self, value: str) -> str:
        """The name that a colour is defined by."""
        return self.colors.setdefault(value, f"cg{value[1:]}")

    def text(self) -> str:
        layout = self.layout
        body = [
            line
            for cluster in self.picture.clusters
            if cluster.id in layout.clusters
            for line in self._cluster(cluster, layout.clusters[cluster.id])
        ]
        body += [line for edge in self.picture.edges for line in self._edge(edge)]
        body += [self._node(node) for node in self.picture.nodes]
        ground = self.color(self.theme.background)
        return "\n".join(
            [
                "% Set with LuaLaTeX or XeLaTeX: names may hold any letter.",
                r"\documentclass[tikz, border=8pt]{standalone}",
                r"\usepackage{amssymb}",
                r"\usetikzlibrary{arrows.meta}",
                *(rf"\definecolor{{{name}}}{{HTML}}{{{value[1:].upper()}}}" for value, name in self.colors.items()),
                r"\begin{document}",
                rf"\pagecolor{{{ground}}}",
                r"\begin{tikzpicture}",
                *body,
                r"\end{tikzpicture}",
                r"\end{document}",
                "",
            ]
        )

    def _cluster(self, cluster: Cluster, corners: Rectangle) -> list[str]:
        first, last, ink = _point(corners[:2]), _point(corners[2:]), self.color(self.theme.muted)
        fill = self.color(self.theme.cluster)
        return [
            rf"\draw[rounded corners=6pt, draw={ink}, fill={fill}] {first} rectangle {last};",
            rf"\node[anchor=north west, text={ink}, font=\small\sffamily] at {first} {{{tex(cluster.label)}}};",
        ]

    def _edge(self, edge: Edge) -> list[str]:
        ink = self.color(stroke(self.theme, edge.sign))
        dash = {"zero": ", dashed", "constant": ", dotted"}.get(edge.sign, "")
        start, *points = map(_point, self.layout.edges[edge.id])
        curve = start + "".join(
            f" .. controls {one} and {two} .. {end}" for one, two, end in zip(points[::3], points[1::3], points[2::3])
        )
        lines = [rf"\draw[-{{Latex}}, {ink}, line width={line_width(edge.flow):.2f}pt{dash}] {curve};"]
        if label_of(edge) and edge.id in self.layout.labels:
            at, label = _point(self.layout.labels[edge.id]), tex(label_of(edge))
            lines.append(rf"\node[font=\scriptsize\sffamily, text={ink}, inner sep=1pt] at {at} {{{label}}};")
        return lines

    def _node(self, node: Node) -> str:
        theme = self.theme
        fill, border = fill_and_border(node)
        rows = [rf"\textbf{{{tex(node.header)}}}"]
        for label, text, kind in node.rows:
            ink = theme.border["dead"] if kind == "flag" else stroke(theme, kind)
            shown = rf"\textcolor{{{self.color(ink)}}}{{{tex(text)}}}"
            rows.append(rf"\textcolor{{{self.color(theme.muted)}}}{{{tex(label)}}} \hfill {shown}" if label else shown)
        dash = ", dashed" if node.kind == "constant" else ", double" if border == "broken" else ""
        options = (
            f"rounded corners=4pt, draw={self.color(theme.border[border])}, fill={self.color(theme.fill[fill])}, "
            rf"text={self.color(theme.ink)}{dash}, font=\footnotesize\sffamily, inner sep=4pt, "
            f"text width={node.width - 12:.1f}pt, minimum height={node.height:.1f}pt, "
            f"align={'left' if node.rows else 'center'}"
        )
        content = r" \\ ".join(rows)
        return rf"\node[{options}] ({node.id}) at {_point(self.layout.nodes[node.id])} {{{content}}};"
