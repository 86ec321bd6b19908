"""LaTeX as MathML, which browsers read without a script."""

from __future__ import annotations

import re

from latex2mathml.converter import convert

_WORD = r"<mi>[a-zA-Z_]{2,}</mi>"
_OPENING = r"<mo[^>]*>(?:\(|\[|,|=|<|>|&#x00028;|&#x0003D;|&#x0003C;|&#x0003E;|&#x02264;|&#x02265;)</mo>"
_RULES = [
    (r"<mo>(?!mod<)(\w{2,})</mo>", r"<mi>\1</mi>"),  # \operatorname{relu}: a name, no sign with room around it
    (rf"({_WORD})(?=<(?!/|mo))", r'\1<mspace width="0.17em"/>'),  # sin x, but sin(x)
    (rf"(</m(?:i|n|sup|sub|frac)>)(?={_WORD})", r'\1<mspace width="0.17em"/>'),  # y ln 2
    (rf"({_OPENING}|<mrow>|<mtd[^>]*>|<mi />)<mo>&#x02212;</mo>", r'\1<mo form="prefix">−</mo>'),  # a sign
]  # fmt: skip


def mathml(latex: str, display: str = "inline") -> str:
    r"""Return a formula as MathML, as `display` "inline" or "block".

    Raises ValueError where something in it is not known, which would be shown as it stands.

    >>> mathml(r"\ln x").partition(">")[2]
    '<mrow><mi>ln</mi><mspace width="0.17em"/><mi>x</mi></mrow></math>'
    """
    written = convert(re.sub(r"(\\(?:begin|end)){aligned}", r"\1{split}", latex), display=display)
    for pattern, better in _RULES:
        written = re.sub(pattern, better, written)
    if "\\" in written or "<mi>&</mi>" in written:
        raise ValueError(f"this formula cannot be written as MathML: {latex}")
    return written
