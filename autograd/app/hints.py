"""What was probably meant by an expression that is none: Python's own complaint says little to who writes a formula."""

from __future__ import annotations

import keyword
import re

from autograd.ops import OPERATIONS

_SIGNS = {
    "²": "a square is written x**2", "³": "a cube is written x**3", "×": "a product is written with *",
    "·": "a product is written with *", "÷": "a quotient is written with /", "−": "minus is written with -",
    "–": "minus is written with -", "√": "a root is written sqrt(x)", "|": "an absolute value is written abs(x)",
    "&": "two conditions are joined with and", "≤": "write <=", "≥": "write >=", "≠": "write !=",
    "=": 'values stand after the expression, as in: "x*x" x=1',
}  # fmt: skip
_WORDS = {"ln": "log is the natural logarithm", "lg": "log10 is the logarithm to base 10"}
# A number, a name or a bracket, and behind it what needs an operator before it. A name before a bracket is a call.
_SIDE_BY_SIDE = re.compile(
    r"((?<![\w.])\d[\d_]*\.?\d*(?:[eE][+-]?\d+)?(?=\s*[^\W\d])|(?<![\w.])[^\W\d]\w*(?=\s)|\))\s*([^\W\d]\w*|\d[\w.]*)"
)
_ALLOWED_WORDS = {"and", "or", "not", "if", "else", "True", "False", "None"}


def syntax_hint(text: str, place: int, complaint: str) -> tuple[str, int]:
    """Return what is wrong with a text that cannot be parsed, and the index of the character where it is wrong.

    ``place`` and ``complaint`` are Python's own.

    >>> syntax_hint("1 + 2x", 4, "invalid decimal literal")
    ('a product is written with *: write 2*x', 4)
    """
    if not complaint.startswith("invalid"):
        return complaint, place  # a bracket that is not closed, say
    for word in re.finditer(r"[^\W\d]\w*", text):
        if keyword.iskeyword(word[0]) and word[0] not in _ALLOWED_WORDS:
            return f"{word[0]} is a word of Python and can be no name here; choose another", word.start()
    if place == len(text.rstrip()):
        return f"{complaint}; something is missing at the end", place
    if text[place] in _SIGNS:
        return f"{text[place]!r} is not understood here; {_SIGNS[text[place]]}", place
    for pair in _SIDE_BY_SIDE.finditer(text):
        first, then = pair.groups()
        if _is_number(pair[0]) or keyword.iskeyword(first) or keyword.iskeyword(then):
            continue  # 1e5, or x and y
        if first in OPERATIONS:
            return f"write {first}({then})", pair.start()
        return f"a product is written with *: write {first.replace(')', '(…)')}*{then}", pair.start()
    return complaint, place


def operation_hint(name: str) -> str:
    """Say what the operation may be called that is not called ``name``.

    >>> operation_hint("tanhh")
    'there are tanh, atanh, tan, atan'
    """
    if name in _WORDS:
        return _WORDS[name]
    if len(name) == 1:
        return f"a product is written {name}*(…), and chalkgrad grad --help lists the operations"
    import difflib

    near = difflib.get_close_matches(name, OPERATIONS, n=4, cutoff=0.5)
    return f"there are {', '.join(near)}" if near else "chalkgrad grad --help lists them"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
