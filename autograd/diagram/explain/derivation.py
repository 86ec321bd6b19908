"""The chain rule written out: `explain(output, wrt=w)` says how ∂output/∂w comes about, with symbols and with numbers.

The values that have names are the waypoints of a derivation, as in a textbook: what lies between two of them is one
factor. Where several paths lead from `w` to the output, each value at which they part gets one equation of its own, a
sum over its successors, and is a single factor everywhere else. So a diamond 200 levels deep takes 200 short lines and
not 2^200 terms.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from autograd.diagram.picture.build import Names, reachable
from autograd.diagram.picture.clusters import Modules
from autograd.diagram.text import clean, xml
from autograd.errors import DiagramError
from autograd.value import Value, topological_order

from .steps import derivative, mo

DIGITS = 9
MOST_EQUATIONS = 40
MOST_TERMS = 12
MOST_FACTORS = 12


@dataclass(frozen=True, slots=True)
class Factor:
    """∂above/∂below: a number, and the rule it follows where that can be written with names."""

    above: str
    below: str
    value: float
    rule: str = ""
    rule_latex: str = ""
    direct: bool = False  # one way among several between the same two values

    @property
    def text(self) -> str:
        """The factor as a line of text."""
        return f"∂{self.above}/∂{self.below}" + (" (direct)" if self.direct else "")

    @property
    def latex(self) -> str:
        """The factor as LaTeX."""
        fraction = _fraction(self.above, self.below)
        return rf"\left. {fraction} \right|_{{\text{{direct}}}}" if self.direct else fraction

    @property
    def mathml(self) -> str:
        """The factor as MathML."""
        fraction = _mathml_fraction(self.above, self.below)
        return f"<msub><mrow>{fraction}<mo>|</mo></mrow><mtext>direct</mtext></msub>" if self.direct else fraction


def _short(parts: list[str], sign: str, dots: str) -> str:
    """A product; a very long one keeps its beginning and its end."""
    if len(parts) > MOST_FACTORS:
        half = MOST_FACTORS // 2
        parts = [*parts[:half], dots.format(len(parts) - 2 * half), *parts[-half:]]
    return sign.join(parts)


@dataclass(slots=True)
class Equation:
    """∂above/∂below as a sum of products."""

    above: str
    below: str
    value: float
    terms: list[list[Factor]] = field(default_factory=list)

    def products(self) -> list[float]:
        """The value of each term."""
        found = []
        for term in self.terms:
            product = 1.0
            for factor in term:
                product *= factor.value
            found.append(product)
        return found


class Derivation:
    """How one derivative comes about, by `explain`. `print` shows it; a notebook shows it as mathematics.

    `value` is the derivative; `equations` holds the main equation and then one for each value where paths part.
    """

    def __init__(self, equations: list[Equation], digits: int, more: bool = False) -> None:
        self.equations = equations
        self._digits = digits
        self._more = more

    @property
    def value(self) -> float:
        """The derivative itself."""
        return self.equations[0].value

    def _number(self, x: float) -> str:
        return "0" if x == 0 else f"{x:.{self._digits}g}".replace("-", "−")

    def _factor(self, x: float) -> str:
        return f"({self._number(x)})" if x < 0 else self._number(x)

    def _rules(self, equation: Equation, known: set[tuple[str, str]]) -> list[Factor]:
        """The factors of an equation that a rule explains and no equation does, each once in a derivation."""
        own = {(e.above, e.below) for e in self.equations if len(e.terms) > 1}
        found: dict[tuple[str, str], Factor] = {}
        for term in equation.terms[:MOST_TERMS]:
            half = MOST_FACTORS // 2
            for factor in term if len(term) <= MOST_FACTORS else [*term[:half], *term[-half:]]:
                key = (factor.above, factor.below)
                if factor.rule and key not in own and key not in known and factor.rule != self._number(factor.value):
                    found[key] = factor
        known |= set(found)
        return list(found.values())

    def __str__(self) -> str:
        blocks = []
        known: set[tuple[str, str]] = set()
        for i, equation in enumerate(self.equations):
            left = f"∂{equation.above}/∂{equation.below}"
            rows: list[str] = []
            for row in self._rows(equation):
                rows.append(f"{left if not rows else ' ' * len(left)} = {row}")
            if i:
                rows.insert(0, f"where, summed over {len(equation.terms)} paths,")
            for factor in self._rules(equation, known):
                rows.append(f"    with {factor.text} = {factor.rule} = {self._number(factor.value)}")
            blocks.append("\n".join(rows))
        if self._more:
            blocks.append("… and more sums of this kind")
        return "\n\n".join(blocks)

    def _rows(self, equation: Equation) -> list[str]:
        """The symbols, the numbers, the sum of the products, the result."""
        terms = equation.terms
        if not terms or (len(terms) == 1 and not terms[0]):
            return [self._number(equation.value)]
        more = [f"… {len(terms) - MOST_TERMS} more"] if len(terms) > MOST_TERMS else []
        shown = terms[:MOST_TERMS]
        dots = "⋯ ({} more) ⋯"
        symbols = " + ".join([_short([f.text for f in term], " · ", dots) for term in shown] + more)
        numbers = " + ".join([_short([self._factor(f.value) for f in term], " × ", dots) for term in shown] + more)
        rows = [symbols, numbers]
        if len(terms) == 1 and len(terms[0]) == 1 and symbols == f"∂{equation.above}/∂{equation.below}":
            rows = [terms[0][0].rule] if terms[0][0].rule else []
        if len(terms) > 1 and any(len(term) > 1 for term in shown):
            rows.append(" + ".join([self._factor(x) for x in equation.products()[:MOST_TERMS]] + more))
        result = self._number(equation.value)
        return rows if rows and rows[-1] == result else [*rows, result]

    @property
    def latex(self) -> str:
        r"""The derivation as LaTeX: one `aligned` block for each equation."""
        blocks = []
        known: set[tuple[str, str]] = set()
        for equation in self.equations:
            rows = self._latex_rows(equation)
            left = _fraction(equation.above, equation.below)
            lines = [f"{left} &= {rows[0]}"] + [f"&= {row}" for row in rows[1:]]
            for factor in self._rules(equation, known):
                lines.append(
                    rf"\text{{with }} {factor.latex} &= {factor.rule_latex} = {self._tex_number(factor.value)}"
                )
            blocks.append("\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}")
        if self._more:
            blocks.append(r"\text{… and more sums of this kind}")
        return "\n\n".join(blocks)

    def _tex_number(self, x: float, factor: bool = False) -> str:
        text = self._number(x).replace("−", "-")
        text = re.sub(r"e([+-]?)0*(\d+)$", lambda m: rf" \cdot 10^{{{m[1].replace('+', '')}{m[2]}}}", text)
        text = {"inf": r"\infty", "-inf": r"-\infty", "nan": r"\text{nan}"}.get(text, text)
        return rf"\left({text}\right)" if factor and x < 0 else text

    def _latex_rows(self, equation: Equation) -> list[str]:
        terms = equation.terms
        if not terms or (len(terms) == 1 and not terms[0]):
            return [self._tex_number(equation.value)]
        more = [rf"\cdots \text{{ ({len(terms) - MOST_TERMS} more)}}"] if len(terms) > MOST_TERMS else []
        shown = terms[:MOST_TERMS]
        dots, times = r"\cdots \text{{ ({} more) }} \cdots", r" \times "
        symbols = " + ".join([_short([f.latex for f in term], r" \cdot ", dots) for term in shown] + more)
        values = [[self._tex_number(f.value, True) for f in term] for term in shown]
        numbers = " + ".join([_short(term, times, dots) for term in values] + more)
        rows = [symbols, numbers]
        if len(terms) == 1 and len(terms[0]) == 1 and symbols == _fraction(equation.above, equation.below):
            rows = [terms[0][0].rule_latex] if terms[0][0].rule_latex else []
        if len(terms) > 1 and any(len(term) > 1 for term in shown):
            rows.append(" + ".join([self._tex_number(x, True) for x in equation.products()[:MOST_TERMS]] + more))
        result = self._tex_number(equation.value)
        return rows if rows and rows[-1] == result else [*rows, result]

    @property
    def markdown(self) -> str:
        """The derivation as Markdown with LaTeX between dollar signs."""
        parts = []
        for i, block in enumerate(self.latex.split("\n\n")):
            if 0 < i < len(self.equations):
                parts.append(f"where, summed over {len(self.equations[i].terms)} paths,")
            parts.append(f"$$\n{block}\n$$")
        return "\n\n".join(parts)

    def math(self) -> list[list[Any]]:
        """The derivation as lines of MathML trees, for the player: symbols, numbers and result of each equation."""
        found: list[list[Any]] = []
        for equation in self.equations:
            if found:
                found.append(["mtext", f"where, summed over {len(equation.terms)} paths,"])
            symbols: list[Any] = ["mrow", derivative(equation.above, equation.below), mo("=")]
            numbers: list[Any] = ["mrow", mo("=")]
            for k, term in enumerate(equation.terms[:MOST_TERMS]):
                for i, factor in enumerate(term[:MOST_FACTORS]):
                    between = [] if k == i == 0 else [mo("+" if i == 0 else "·")]
                    symbols += [*between, derivative(factor.above, factor.below)]
                    symbols += [["mtext", "\u00a0(direct)"]] if factor.direct else []
                    numbers += [mo("×") if i else between[0]] if between else []
                    numbers.append(["mn", self._factor(factor.value)])
                if len(term) > MOST_FACTORS:
                    symbols.append(mo("⋯"))
                    numbers.append(mo("⋯"))
            if len(equation.terms) > MOST_TERMS:
                symbols += [mo("+"), mo("⋯")]
                numbers += [mo("+"), mo("⋯")]
            if any(equation.terms):
                found += [symbols, numbers]
            found.append(["mrow", mo("="), ["mn", self._number(equation.value)]])
        if self._more:
            found.append(["mtext", "… and more sums of this kind"])
        return found

    @property
    def mathml(self) -> str:
        """The derivation as MathML, which browsers show by themselves: one `math` element for each equation."""
        blocks = []
        for equation in self.equations:
            left = _mathml_fraction(equation.above, equation.below)
            rows = []
            for k, row in enumerate(self._mathml_rows(equation)):
                first = left if k == 0 else "<mrow></mrow>"
                rows.append(f"<mtr><mtd>{first}</mtd><mtd><mo>=</mo>{row}</mtd></mtr>")
            blocks.append(
                '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block"><mtable columnalign="right left">'
                f"{''.join(rows)}</mtable></math>"
            )
        return "\n".join(blocks)

    def _mathml_rows(self, equation: Equation) -> list[str]:
        terms = equation.terms[:MOST_TERMS]
        plus = "<mo>+</mo>"
        more = plus + "<mo>⋯</mo>" if len(equation.terms) > MOST_TERMS else ""
        result = f"<mn>{xml(self._number(equation.value))}</mn>"
        if not any(terms):
            return [result]
        dots = "<mtext>⋯ ({} more) ⋯</mtext>"
        symbols = plus.join(_short([f.mathml for f in term], "<mo>·</mo>", dots) for term in terms)
        values = [[f"<mn>{xml(self._factor(f.value))}</mn>" for f in term] for term in terms]
        numbers = plus.join(_short(term, "<mo>×</mo>", dots) for term in values)
        return [symbols + more, numbers + more, result]

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": str(self), "text/markdown": self.markdown}

    def __repr__(self) -> str:
        first = self.equations[0]
        return f"Derivation(∂{first.above}/∂{first.below} = {self._number(first.value)})"


def explain(
    output: Value, wrt: Value, *, through: Iterable[Value | str] | None = None, digits: int = DIGITS,
    model: Any = None,
) -> Derivation:  # fmt: skip
    """Write out, by the chain rule, how the derivative of `output` with respect to `wrt` comes about.

    First the line with symbols, then the line with numbers, then the result; a product where one path leads from `wrt`
    to `output`, a sum over paths where there are several, factored through the values that the paths share. It needs
    no `backward()` and touches no gradient.

    Waypoints are the values with a name, or all values where fewer than two have one; `through` names them instead,
    by name or as Values. `digits` is the number of significant digits, 1 to 17. With a `model` (a Module of `nn`) its
    parameters go by their paths, such as `layers.0.neurons.3.w.1`, where they have no name.

    Raises DiagramError when `output` does not depend on `wrt`, or when something in `through` is not on the way.

    >>> from autograd import Value, explain
    >>> w, x = Value(2.0, name="w"), Value(3.0, name="x")
    >>> a = w * x
    >>> a.name = "a"
    >>> y = a.square()
    >>> y.name = "y"
    >>> print(explain(y, wrt=w))
    ∂y/∂w = ∂y/∂a · ∂a/∂w
          = 12 × 3
          = 36
        with ∂y/∂a = 2 × a = 12
        with ∂a/∂w = x = 3
    """
    for what, v in (("output", output), ("wrt", wrt)):
        if not isinstance(v, Value):
            raise DiagramError(f"{what} is a Value of the graph; {type(v).__name__} was given.")
    if type(digits) is not int or not 1 <= digits <= 17:
        raise DiagramError(f"digits= is from 1 to 17 significant digits; {digits!r} was given.")
    return write(output, wrt, through, digits, Modules(model).paths if model is not None else {})


def write(
    output: Value, wrt: Value, through: Iterable[Value | str] | None, digits: int, given: dict[int, str]
) -> Derivation:
    """What `explain` does, with the names that are `given` to values by their id."""
    order = topological_order(output)
    if not any(v is wrt for v in order):
        raise DiagramError(f"{output!r} does not depend on {wrt!r}, so there is no derivative to explain.")
    depends = reachable(order, wrt)
    way = [v for v in order if id(v) in depends]
    equations, more = _Writer(order, way, output, wrt, through, digits, given).equations()
    return Derivation(equations, digits, more)


class _Writer:
    def __init__(
        self, order: list[Value], way: list[Value], output: Value, wrt: Value, through: Iterable[Value | str] | None,
        digits: int, given: dict[int, str],
    ) -> None:  # fmt: skip
        self.output, self.wrt, self.way = output, wrt, way
        self.names = Names(order, digits, given)
        self.on_way = {id(v) for v in way}
        self.stops = self._waypoints(through)
        # the users of each value, each with the sum of its partials (an operand may occur twice) and their positions
        self.users: dict[int, list[tuple[Value, list[int]]]] = defaultdict(list)
        for v in way:
            positions: dict[int, list[int]] = defaultdict(list)
            for i, operand in enumerate(v.operands):
                if isinstance(operand, Value) and id(operand) in self.on_way and v.partials[i] is not None:
                    positions[id(operand)].append(i)
            for key, found in positions.items():
                self.users[key].append((v, found))
        self.adjoints: dict[int, float] = {id(output): 1.0}
        for v in reversed(way):
            for u, found in self.users[id(v)]:
                step = sum(u.partials[i] for i in found)
                self.adjoints[id(v)] = self.adjoints.get(id(v), 0.0) + step * self.adjoints.get(id(u), 0.0)
        self.next: dict[int, list[tuple[Value, Factor]]] = {}

    def _waypoints(self, through: Iterable[Value | str] | None) -> set[int]:
        ends = {id(self.output), id(self.wrt)}
        if through is None:
            named = {id(v) for v in self.way if v.name}
            return named | ends if len(named - ends) >= 1 else self.on_way
        chosen = set(ends)
        for item in [through] if isinstance(through, str | Value) else through:
            if isinstance(item, str):
                found = {id(v) for v in self.way if v.name == item}
            else:
                found = {id(item)} & self.on_way
            if not found:
                raise DiagramError(f"through= names {item!r}, which is not on the way from wrt to the output.")
            chosen |= found
        return chosen

    def successors(self, v: Value) -> list[tuple[Value, Factor]]:
        """The waypoints next on the way up from `v`, each with the derivative between the two."""
        if id(v) in self.next:
            return self.next[id(v)]
        gains: dict[int, float] = {id(v): 1.0}
        rules: dict[int, tuple[list[str], list[str]] | None] = {id(v): ([], [])}
        heap = [v]
        seen = {id(v)}
        region: list[Value] = []
        while heap:  # every value between `v` and the waypoints next to it
            u = heap.pop()
            region.append(u)
            if u is not v and id(u) in self.stops:
                continue
            for user, _ in self.users[id(u)]:
                if id(user) not in seen:
                    seen.add(id(user))
                    heap.append(user)
        rank = self._ranks()
        found = []
        for u in sorted(region, key=lambda r: rank[id(r)]):
            if u is not v and id(u) in self.stops:
                rule, latex = rules[id(u)] or ([], [])
                factor = Factor(
                    self.names.of(u), self.names.of(v), gains[id(u)], _times(rule, "1"), _times(latex, "1", r" \times ")
                )
                found.append((u, factor))
                continue
            for user, positions in self.users[id(u)]:
                step = sum(user.partials[i] for i in positions)
                if id(user) in gains:  # a second way between the same two: no single product of rules says it
                    gains[id(user)] += gains[id(u)] * step
                    rules[id(user)] = None
                    continue
                gains[id(user)] = gains[id(u)] * step
                before = rules[id(u)]
                rules[id(user)] = None if before is None else self._rule(before, user, positions)
        self.next[id(v)] = found
        return found

    def _ranks(self) -> dict[int, int]:
        if not hasattr(self, "_rank"):
            self._rank = {id(v): i for i, v in enumerate(self.way)}
        return self._rank

    def _rule(
        self, before: tuple[list[str], list[str]], user: Value, positions: list[int]
    ) -> tuple[list[str], list[str]] | None:
        assert user.op is not None
        plain = [self._written(o) for o in user.operands]
        fancy = [_math_name(name) for name in plain]
        result = self._written(user)
        texts = [user.op.write_derivative(i, plain, result=result) for i in positions]
        latex = [user.op.write_derivative(i, fancy, style="latex", result=_math_name(result)) for i in positions]
        text, tex = clean(" + ".join(texts)), clean(" + ".join(latex))
        if sum(map(len, before[0])) + len(text) > 80:
            return None
        return [*(part for part in before[0] if part != "1"), text], [*(p for p in before[1] if p != "1"), tex]

    def _written(self, operand: Value | float) -> str:
        """A waypoint or a side value by name; what has no name by how it was computed, where that is short."""
        if not isinstance(operand, Value) or operand.name or id(operand) in self.stops or operand.op is None:
            return self.names.of(operand)
        text = clean(operand.op.write([self.names.of(o) for o in operand.operands], result=self.names.of(operand)))
        inner_named = all(not isinstance(o, Value) or o.name for o in operand.operands)
        return f"({text})" if inner_named and len(text) <= 32 else self.names.of(operand)

    def equations(self) -> tuple[list[Equation], bool]:
        """The main equation, then one for each value where paths part, and whether some were left out."""
        found: list[Equation] = []
        waiting, done = [self.wrt], {id(self.output)} - {id(self.wrt)}
        while waiting and len(found) < MOST_EQUATIONS:
            v = waiting.pop(0)
            if id(v) in done:
                continue
            done.add(id(v))
            equation = Equation(self.names.of(self.output), self.names.of(v), self.adjoints.get(id(v), 0.0))
            routes = self.successors(v)
            for first, factor in routes:
                if len(routes) > 1 and first is self.output:
                    factor = replace(factor, direct=True)
                term, at = [factor], first
                while at is not self.output:
                    ahead = self.successors(at)
                    if len(ahead) != 1:
                        shared = Factor(equation.above, self.names.of(at), self.adjoints.get(id(at), 0.0))
                        term.append(shared)
                        waiting.append(at)
                        break
                    at, factor = ahead[0]
                    term.append(factor)
                equation.terms.append(term[::-1])
            found.append(equation)
        return found, any(id(v) not in done for v in waiting)


def _times(parts: list[str], empty: str, sign: str = " × ") -> str:
    """A product of rules, each in parentheses where it is a sum."""
    kept = [part for part in parts if part != "1"] or ([empty] if parts else [])
    if len(kept) == 1:
        return kept[0]
    return sign.join(f"({part})" if _is_sum(part) else part for part in reversed(kept))


def _is_sum(text: str) -> bool:
    """Whether a rule is a sum, a choice, or begins with a minus: what a product must put in parentheses."""
    depth = 0
    for i, char in enumerate(text):
        depth += (char in "({") - (char in ")}")
        if depth == 0 and (char in "−-" or (char == "+" and i)):
            return True
    return " if " in text


def _fraction(above: str, below: str) -> str:
    return rf"\frac{{\partial {_math_name(above)}}}{{\partial {_math_name(below)}}}"


def _mathml_fraction(above: str, below: str) -> str:
    return f"<mfrac><mrow><mo>∂</mo><mi>{xml(above)}</mi></mrow><mrow><mo>∂</mo><mi>{xml(below)}</mi></mrow></mfrac>"


_IN_TEXT = {
    "\\": "∖", "^": "ˆ", "~": "∼", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "<": "‹", ">": "›",
}  # fmt: skip


def _math_name(name: str) -> str:
    """A name in LaTeX mathematics: `w1` as w₁, `net_h1` as net with an index, anything else as upright text."""
    if re.fullmatch(r"\(?[\d.−e]+\)?", name):
        return name.replace("−", "-")
    plain = re.fullmatch(r"([A-Za-z])_?([A-Za-z0-9]*)", name)
    if plain and (not plain[2] or plain[2].isdigit()):
        return plain[1] + (f"_{{{plain[2]}}}" if plain[2] else "")
    subscripted = re.fullmatch(r"([A-Za-z])([₀-₉]+)", name)
    if subscripted:
        return f"{subscripted[1]}_{{{''.join(str(ord(c) - 0x2080) for c in subscripted[2])}}}"
    indexed = re.fullmatch(r"([A-Za-z][A-Za-z0-9]*)_([A-Za-z0-9]+)", name)
    if indexed:
        return rf"\mathrm{{{indexed[1]}}}_{{\mathrm{{{indexed[2]}}}}}"
    return r"\text{" + "".join(_IN_TEXT.get(char, char) for char in name) + "}"
