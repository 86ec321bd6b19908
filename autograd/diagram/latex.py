r"""Names and text in LaTeX, for formulas and for TikZ.

A name says how it is to be set: `w1`, `theta_1`, `σ`, `net_h1`, `x_hat`, `W[0][1]` and `layers.0.neurons.3.w.1` become
symbols with indices; what follows no such pattern is set as a word. `Symbols` lets users say it themselves.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Collection, Mapping

from autograd.errors import DiagramError

_GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "varepsilon", "ϵ": "epsilon", "ζ": "zeta", "η": "eta",
    "θ": "theta", "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "µ": "mu", "ν": "nu", "ξ": "xi", "π": "pi",
    "ρ": "rho", "σ": "sigma", "τ": "tau", "υ": "upsilon", "φ": "varphi", "ϕ": "phi", "χ": "chi", "ψ": "psi",
    "ω": "omega", "Γ": "Gamma", "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda", "Ξ": "Xi", "Π": "Pi", "Σ": "Sigma",
    "Υ": "Upsilon", "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega", "ϑ": "vartheta", "ϱ": "varrho",
}  # fmt: skip
_LETTERS = {letter: f"\\{word}" for letter, word in _GREEK.items()}
_LETTERS |= {"ℓ": r"\ell", "∇": r"\nabla", "∂": r"\partial", "ℒ": r"\mathcal{L}"}
_WORDS = set(_GREEK.values())
_ACCENTS = {
    "hat": r"\hat", "bar": r"\bar", "tilde": r"\tilde", "dot": r"\dot", "vec": r"\vec", "\u0302": r"\hat",
    "\u0304": r"\bar", "\u0305": r"\bar", "\u0303": r"\tilde", "\u0307": r"\dot", "\u20d7": r"\vec",
}  # fmt: skip
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_INDEXED = re.compile(
    r"([^\W\d_₀-₉]+[\u0300-\u036f\u20d7]?)(?:_?([0-9]+)|([₀-₉]+))?((?:_(?:[A-Za-z0-9]+|[^\W\d_][0-9]*))*)"
)
_CONTAINERS = {"layers", "neurons"}

_IN_MATH = str.maketrans({
    "\\": "∖", "^": "ˆ", "~": "∼", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "<": "‹", ">": "›",
})  # fmt: skip


class Symbols:
    r"""How names are set: as `given`, else by what they look like.

    Raises DiagramError where `given` is no dict of names to LaTeX, or where something in it would break the mathematics
    around it.

    >>> symbols = Symbols({"w1": r"w_{11}"})
    >>> symbols.of("w1"), symbols.of("theta_1"), symbols.of("my w")
    ('w_{11}', '\\theta_{1}', '\\text{my w}')
    """

    def __init__(self, given: Mapping[str, str] | None = None) -> None:
        if given is not None and not isinstance(given, Mapping):
            raise DiagramError(f'latex= is a dict such as {{"w1": r"w_{{11}}"}}; {type(given).__name__} was given.')
        self._given: dict[str, str] = dict(given or {})
        for name, latex in self._given.items():
            if not (_is_text(name) and _is_text(latex) and latex.strip() and _balanced(latex)):
                raise DiagramError(
                    f"latex= has {latex!r} for {name!r}. It takes names to LaTeX as it stands in mathematics: not "
                    "empty, braces in pairs, no dollar signs, percent signs or empty lines."
                )

    def check(self, known: Collection[str]) -> None:
        """Raise DiagramError where one is given for a name that is none of those that are known."""
        for name in self._given:
            if name not in known:
                some = ", ".join(sorted(known)[:12]) + (", …" if len(known) > 12 else "")
                raise DiagramError(f"latex= has {name!r}, which is no name here. The names are {some or 'none'}.")

    def of(self, name: str) -> str:
        """A name in LaTeX mathematics."""
        return self._given.get(name) or latex_name(name)


def _is_text(thing: object) -> bool:
    return isinstance(thing, str)


def _balanced(latex: str) -> bool:
    if re.search(r"(?<!\\)[$%]|\n\s*\n", latex):
        return False
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", latex):
        depth += 1 if brace == "{" else -1
        if depth < 0:
            return False
    return depth == 0


@functools.lru_cache(maxsize=4096)
def latex_name(name: str) -> str:
    r"""A name in LaTeX mathematics.

    >>> [latex_name(name) for name in ("w1", "alpha", "σ₂", "net_h1", "y_hat", "W[0][1]", "loss")]
    ['w_{1}', '\\alpha', '\\sigma_{2}', '\\mathrm{net}_{h_{1}}', '\\hat{y}', 'W_{0,1}', '\\mathrm{loss}']
    >>> latex_name("layers.0.neurons.3.w.1"), latex_name("my w")
    ('w^{(0)}_{3,1}', '\\text{my w}')
    """
    if re.fullmatch(r"\(?[\d.−e]+\)?", name):
        return name.replace("−", "-")
    if "." in name:
        return _path(name.split(".")) or words(name)
    return _symbol(name) or words(name)


def visible(latex: str) -> str:
    r"""What is seen of a name in LaTeX, about: letters for symbols, no commands, no braces; to measure it by.

    >>> visible(r"\mathrm{net}_{h_{1}}"), visible(r"\theta_{1}")
    ('neth1', 'x1')
    """
    latex = re.sub(r"\\(?:mathrm|mathbf|mathit|mathcal|text|operatorname|hat|bar|tilde|dot|vec)\b", "", latex)
    return re.sub(r"[{}_^]|\\[,;! ]", "", re.sub(r"\\[A-Za-z]+ ?", "x", latex))


def words(name: str) -> str:
    """Text among mathematics, escaped."""
    return r"\text{" + name.translate(_IN_MATH) + "}"


def _letter(name: str) -> str:
    """A symbol without an index: a letter, Greek by letter or word, with an accent or not; a word; else nothing."""
    if len(name) == 1 and name.isascii() and name.isalpha():
        return name
    if name in _LETTERS:
        return _LETTERS[name]
    if name in _WORDS:
        return "\\" + name
    apart = unicodedata.normalize("NFD", name)
    if len(apart) == 2 and apart[1] in _ACCENTS and (inner := _letter(apart[0])):
        return f"{_ACCENTS[apart[1]]}{{{inner}}}"
    return rf"\mathrm{{{name}}}" if re.fullmatch("[A-Za-z]{2,}", name) else ""


def _symbol(name: str) -> str:
    """A symbol with its indices, or nothing where the name follows no pattern."""
    brackets = re.fullmatch(r"(.+?)((?:\[\d+\])+)", name)
    if brackets and (symbol := _symbol(brackets[1])) and "_" not in symbol:
        return f"{symbol}_{{{brackets[2][1:-1].replace('][', ',')}}}"
    primes = re.fullmatch(r"([^'′]+)(['′]+)", name)
    if primes and (symbol := _letter(primes[1])):
        return symbol + "'" * len(primes[2])
    parts = _INDEXED.fullmatch(name)
    if parts is None or not (base := _letter(parts[1])):
        return ""
    behind = parts[4].split("_")[1:]
    if len(behind) > 1 and base.startswith(r"\mathrm"):
        return ""  # some words, such as my_long_name
    if behind and behind[0] in _ACCENTS and not (parts[2] or parts[3]):
        base = f"{_ACCENTS[behind.pop(0)]}{{{base}}}"
    own = parts[2] or (parts[3] or "").translate(_SUBSCRIPTS)
    indices = [*([own] if own else []), *map(_index, behind)]
    return base + (f"_{{{','.join(indices)}}}" if indices else "")


def _index(part: str) -> str:
    return part if part.isdigit() else _symbol(part) or rf"\mathrm{{{part}}}"


def _path(parts: list[str]) -> str:
    """The path of a parameter: the layer above in parentheses, the neuron and the weight below."""
    named = [part for part in parts if not part.isdigit()]
    if not named or not all(re.fullmatch(r"\w+", part) for part in parts):
        return ""
    base = _symbol(named[-1])
    at = len(parts) - 1 - parts[::-1].index(named[-1])
    before = [part for part in parts[:at] if part not in _CONTAINERS]
    first = next((i for i, part in enumerate(before) if part.isdigit()), len(before))
    above = [_index(part) for part in before[: first + 1]]
    below = [_index(part) for part in (*before[first + 1 :], *parts[at + 1 :])]
    if not base or "_" in base:
        return ""
    return base + (f"^{{({','.join(above)})}}" if above else "") + (f"_{{{','.join(below)}}}" if below else "")
