"""LaTeX as MathML, which browsers read without a script."""

from __future__ import annotations

import html
import re

from latex2mathml.converter import convert

_WORD = r"<mi>[a-zA-Z_]\w+</mi>"
_SPACE = '<mspace width="0.17em"/>'
_OPENING = r"<mo[^>]*>(?:\(|\[|,|=|<|>|&#x00028;|&#x0003D;|&#x0003C;|&#x0003E;|&#x02264;|&#x02265;)</mo>"
_RULES = [
    # Words in one piece and upright: \operatorname{leaky\_relu}, \mathrm{slope}. A sign would have room around it.
    (r"<mo />(<mrow>(?:<m[in]>[^<]+</m[in]>){2,}</mrow>)", lambda found: _word(found[1])),
    (r'(?:<mi mathvariant="normal">\w</mi>){2,}', lambda found: _word(found[0])),
    (r"<mo>(?!mod<)(\w{2,})</mo>", r"<mi>\1</mi>"),
    # sin x, but sin(x); log₂ x, with nothing between the two parts of its name; y ln 2
    (rf"(?<!<msub>)(?<!<msup>)({_WORD})(?=<(?!/|mo))", rf"\1{_SPACE}"),
    (rf"(<msu[bp]>{_WORD}(?:(?!</msu).)*</msu[bp]>)(?=<(?!/|mo))", rf"\1{_SPACE}"),
    (rf"(</m(?:i|n|sup|sub|frac)>)(?={_WORD}|<msu[bp]>{_WORD})", rf"\1{_SPACE}"),
    # a sign, no difference
    (rf"({_OPENING}|<mrow>|<mtd[^>]*>|<mi />)<mo>&#x02212;</mo>", r'\1<mo form="prefix">−</mo>'),
]  # fmt: skip


def _word(letters: str) -> str:
    return f"<mi>{html.unescape(re.sub('<[^>]*>', '', letters))}</mi>"


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
