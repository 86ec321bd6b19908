"""MathML as trees of plain lists: `["mfrac", numerator, denominator]`, leaves being `["mi", "x"]`.

The player's page turns them into elements with `textContent` only, and `to_xml` turns them into text.
"""

from __future__ import annotations

from typing import Any

from autograd.diagram.text import number, xml

Math = list[Any]


def mi(text: str) -> Math:
    """A name."""
    return ["mi", text]


def mo(text: str) -> Math:
    """An operator."""
    return ["mo", text]


def mn(x: float | None) -> Math:
    """A number."""
    return ["mn", number(x)]


def factor(x: float) -> Math:
    """A number in a product: in parentheses when negative."""
    return ["mn", f"({number(x)})"] if x < 0 else mn(x)


def mtext(text: str) -> Math:
    """Words."""
    return ["mtext", text]


def derivative(numerator: str, denominator: str) -> Math:
    """∂numerator/∂denominator as a fraction."""
    return ["mfrac", ["mrow", mo("∂"), mi(numerator)], ["mrow", mo("∂"), mi(denominator)]]


def to_xml(tree: Math) -> str:
    """A tree as text.

    >>> to_xml(["mrow", mi("x"), mo("<"), mn(1.0)])
    '<mrow><mi>x</mi><mo>&lt;</mo><mn>1</mn></mrow>'
    """
    tag, *inside = tree
    text = xml(inside[0]) if inside and isinstance(inside[0], str) else "".join(map(to_xml, inside))
    return f"<{tag}>{text}</{tag}>"
