"""The chain rule written out: `explain(output, wrt=w)` says how ∂output/∂w comes about, with symbols and with numbers.

The values that have names are the waypoints of a derivation, as in a textbook: what lies between two of them is one
factor. Where several paths lead from `w` to the output, each value at which they part gets one equation of its own, a
sum over its successors, and is a single factor everywhere else. So a diamond 200 levels deep takes 200 short lines and
not 2^200 terms.
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from autograd._engine import Value
from autograd.diagram.picture.clusters import Modules
from autograd.diagram.picture.names import Names
from autograd.diagram.picture.select import reached
from autograd.diagram.text import clean
from autograd.errors import DiagramError
from autograd.graph import topological_order

from .formula import Derivative, Number, Omission, Part, Product, Rule, Sum, as_latex, as_mathml, as_text, latex_name
from .mathml import Math, mo, mtext, to_xml

DIGITS = 9
MAX_EQUATIONS = 40
MAX_TERMS = 12
END = 6  # factors that a long product keeps at either end
LONGEST_RULE = 80


@dataclass(frozen=True, slots=True)
class Factor:
    """∂numerator/∂denominator: a number, and the rule it follows where that can be written with names."""

    numerator: str
    denominator: str
    value: float
    rule: Rule | None = None
    direct: bool = False  # one way among several between the same two values

    @property
    def derivative(self) -> Derivative:
        """The factor as a part of an equation."""
        return Derivative(self.numerator, self.denominator, self.direct)


@dataclass(slots=True)
class Equation:
    """∂numerator/∂denominator as a sum of products."""

    numerator: str
    denominator: str
    value: float
    terms: list[list[Factor]] = field(default_factory=list)

    @property
    def left(self) -> Derivative:
        """What the equation is about."""
        return Derivative(self.numerator, self.denominator)

    def products(self) -> list[float]:
        """The value of each term."""
        return [math.prod((factor.value for factor in term), start=1.0) for term in self.terms]


class _Block(NamedTuple):
    """An equation as it is written: words before it, its left side, and its right sides."""

    words: str
    left: Derivative
    rows: list[Part]


class Derivation:
    """How one derivative comes about, by `explain`. `print` shows it; a notebook shows it as mathematics.

    `value` is the derivative; `equations` holds the main equation and then one for each value where paths part.
    """

    def __init__(self, equations: list[Equation], digits: int, more: bool = False) -> None:
        self.equations = equations
        self._digits = digits
        self._more = ["… and more sums of this kind"] if more else []

    @property
    def value(self) -> float:
        """The derivative itself."""
        return self.equations[0].value

    def _number(self, x: float, factor: bool = False) -> Number:
        return Number("0" if x == 0 else f"{x:.{self._digits}g}".replace("-", "−"), factor)

    def _rows(self, equation: Equation) -> list[Part]:
        """The right sides of an equation: the symbols, the numbers, the sum of the products, the result."""
        terms, result = equation.terms[:MAX_TERMS], self._number(equation.value)
        more = [Omission(len(equation.terms) - MAX_TERMS, False)] if len(equation.terms) > MAX_TERMS else []
        symbols = [Product(_short(term, lambda f: f.derivative), "·") for term in terms if term]
        numbers = [Product(_short(term, lambda f: self._number(f.value, True)), "×") for term in terms if term]
        rows: list[Part] = [Sum([*symbols, *more]), Sum([*numbers, *more])] if symbols else []
        if symbols == [Product([equation.left], "·")]:
            rule = terms[0][0].rule
            rows = [rule] if rule else []  # the symbols would say ∂y/∂w = ∂y/∂w
        elif len(terms) > 1 and max(map(len, terms)) > 1:
            rows.append(Sum([*(self._number(x, True) for x in equation.products()[:MAX_TERMS]), *more]))
        return rows if rows and as_text(rows[-1]) == result.text else [*rows, result]

    def _blocks(self) -> Iterator[_Block]:
        """The equations."""
        for i, equation in enumerate(self.equations):
            words = f"where, summed over {len(equation.terms)} paths," if i else ""
            yield _Block(words, equation.left, self._rows(equation))

    def _rules(self) -> Iterator[list[tuple[Part, Part, Part]]]:
        """The rules behind each equation; each is told once, and not where an equation tells what the factor is."""
        known = {equation.left for equation in self.equations}
        for equation in self.equations:
            rules: dict[Derivative, tuple[Part, Part, Part]] = {}
            for factor in (f for term in equation.terms[:MAX_TERMS] for f in term[:END] + term[END:][-END:]):
                derivative, number = factor.derivative, self._number(factor.value)
                if factor.rule and factor.rule.text != number.text and derivative not in known:
                    rules[derivative] = (derivative, factor.rule, number)
            known |= set(rules)
            yield list(rules.values())

    def __str__(self) -> str:
        blocks = []
        for (words, left, rows), rules in zip(self._blocks(), self._rules()):
            side = as_text(left)
            lines = [f"{' ' * len(side) if i else side} = {as_text(row)}" for i, row in enumerate(rows)]
            lines += [f"    with {' = '.join(map(as_text, parts))}" for parts in rules]
            blocks.append("\n".join([words, *lines] if words else lines))
        return "\n\n".join(blocks + self._more)

    def _latex(self) -> Iterator[tuple[str, str]]:
        for (words, left, (first, *rows)), rules in zip(self._blocks(), self._rules()):
            lines = [f"{as_latex(left)} &= {as_latex(first)}", *(f"&= {as_latex(row)}" for row in rows)]
            for factor, rule, number in rules:
                lines.append(rf"\text{{with }} {as_latex(factor)} &= {as_latex(rule)} = {as_latex(number)}")
            yield words, "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"
        yield from (("", rf"\text{{{more}}}") for more in self._more)

    @property
    def latex(self) -> str:
        r"""The derivation as LaTeX: one `aligned` block for each equation."""
        return "\n\n".join(block for _, block in self._latex())

    @property
    def markdown(self) -> str:
        """The derivation as Markdown with LaTeX between dollar signs."""
        parts = (part for words, block in self._latex() for part in (words, f"$$\n{block}\n$$"))
        return "\n\n".join(part for part in parts if part)

    def math(self) -> list[Math]:
        """The derivation as lines of MathML trees, for the player."""
        lines: list[Math] = []
        for words, left, (first, *rows) in self._blocks():
            lines += [mtext(words)] if words else []
            lines.append(["mrow", as_mathml(left), mo("="), as_mathml(first)])
            lines += [["mrow", mo("="), as_mathml(row)] for row in rows]
        return lines + [mtext(more) for more in self._more]

    @property
    def mathml(self) -> str:
        """The derivation as MathML, which browsers show by themselves: one `math` element for each equation."""
        blocks = []
        for _, left, rows in self._blocks():
            lefts = [as_mathml(left), *(["mrow"] for _ in rows)]
            table = (["mtr", ["mtd", side], ["mtd", mo("="), as_mathml(row)]] for side, row in zip(lefts, rows))
            blocks.append(
                '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block"><mtable columnalign="right left">'
                f"{''.join(map(to_xml, table))}</mtable></math>"
            )
        return "\n".join(blocks)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": str(self), "text/markdown": self.markdown}

    def __repr__(self) -> str:
        return f"Derivation({as_text(self.equations[0].left)} = {as_text(self._number(self.value))})"


def _short(factors: Sequence[Factor], part: Callable[[Factor], Part]) -> list[Part]:
    """A `part` for each factor, with so many of them in the middle left out as make the product too long."""
    left_out = len(factors) - 2 * END
    omission = [Omission(left_out, True)] if left_out > 0 else []
    return [*map(part, factors[:END]), *omission, *map(part, factors[END:][-END:])]


def explain(
    output: Value, wrt: Value, *, through: Iterable[Value | str] | None = None, digits: int = DIGITS, model: Any = None
) -> Derivation:
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
    return derive(output, wrt, through, digits, Modules(model).paths if model is not None else None)


def derive(
    output: Value,
    wrt: Value,
    through: Iterable[Value | str] | None = None,
    digits: int = DIGITS,
    names: Mapping[int, str] | None = None,
) -> Derivation:
    """What `explain` does, with the names that values without one go by, by their ids."""
    order = topological_order(output)
    if not any(v is wrt for v in order):
        raise DiagramError(f"{output!r} does not depend on {wrt!r}, so there is no derivative to explain.")
    paths = _Paths(order, output, wrt, through, Names(order, digits, names))
    equations, more = paths.equations()
    return Derivation(equations, digits, more)


_Rules = tuple[list[str], list[str]]  # along a path: as text and as LaTeX


class _Paths:
    """The paths that lead from `wrt` up to `output`, from one waypoint to the next."""

    def __init__(
        self, order: list[Value], output: Value, wrt: Value, through: Iterable[Value | str] | None, names: Names
    ) -> None:
        self.output, self.wrt, self.names = output, wrt, names
        above, below = {id(wrt)}, reached(order, [output])
        for v in order:
            if any(id(o) in above and partial is not None for o, partial in zip(v.operands, v.partials, strict=True)):
                above.add(id(v))
        way = above & below | {id(wrt), id(output)}
        self.nodes = [v for v in order if id(v) in way]
        self.rank = {id(v): i for i, v in enumerate(self.nodes)}
        self.waypoints = self._waypoints(through)
        self.users = self._users()
        self.adjoints = self._adjoints()
        self._next: dict[int, list[tuple[Value, Factor]]] = {}
        self._called: dict[int, tuple[list[str], str, list[str], str]] = {}

    def _waypoints(self, through: Iterable[Value | str] | None) -> set[int]:
        ends = {id(self.output), id(self.wrt)}
        if through is None:
            named = {id(v) for v in self.nodes if v.name}
            return named | ends if named - ends else set(self.rank)
        for item in [through] if isinstance(through, str | Value) else through:
            waypoints = {id(v) for v in self.nodes if v is item or (isinstance(item, str) and v.name == item)}
            if not waypoints:
                raise DiagramError(f"through= names {item!r}, which is not on the way from wrt to the output.")
            ends |= waypoints
        return ends

    def _users(self) -> dict[int, list[tuple[Value, float, list[int]]]]:
        """The users of each value on the way, with their derivatives by it, and where it stands among the operands.

        It may stand there several times, as in `x * x`: then the derivative is the sum of those partials.
        """
        users: dict[int, list[tuple[Value, float, list[int]]]] = defaultdict(list)
        for v in self.nodes:
            places: dict[int, list[int]] = defaultdict(list)
            for i, (operand, partial) in enumerate(zip(v.operands, v.partials, strict=True)):
                if isinstance(operand, Value) and id(operand) in self.rank and partial is not None:
                    places[id(operand)].append(i)
            for key, positions in places.items():
                users[key].append((v, sum(v.partials[i] or 0.0 for i in positions), positions))
        return users

    def _adjoints(self) -> dict[int, float]:
        """∂output/∂v for each value on the way. No mode is asked: what is nan or infinite is shown, not refused."""
        adjoints = dict.fromkeys(self.rank, -0.0) | {id(self.output): 1.0}  # a sum from −0.0 keeps the sign of a zero
        for v in reversed(self.nodes):
            for operand, partial in zip(v.operands, v.partials, strict=True):
                if id(operand) in adjoints and partial is not None:
                    adjoints[id(operand)] += partial * adjoints[id(v)]
        return adjoints

    def next_waypoints(self, v: Value) -> list[tuple[Value, Factor]]:
        """The waypoints next on the way up from `v`, each with the derivative between the two."""
        if id(v) not in self._next:
            self._next[id(v)] = self._factors(v)
        return self._next[id(v)]

    def _between(self, v: Value) -> list[Value]:
        """`v`, the waypoints next to it, and every value between, operands before users."""
        region, stack = {id(v): v}, [v]
        while stack:
            u = stack.pop()
            if u is not v and id(u) in self.waypoints:
                continue
            for user, _, _ in self.users[id(u)]:
                if id(user) not in region:
                    region[id(user)] = user
                    stack.append(user)
        return sorted(region.values(), key=lambda u: self.rank[id(u)])

    def _factors(self, v: Value) -> list[tuple[Value, Factor]]:
        derivatives: dict[int, float] = {id(v): 1.0}
        rules: dict[int, _Rules | None] = {id(v): ([], [])}
        factors = []
        for u in self._between(v):
            derivative = derivatives[id(u)]
            if u is not v and id(u) in self.waypoints:
                factors.append((u, Factor(self.names.of(u), self.names.of(v), derivative, _product(rules[id(u)]))))
                continue
            for user, partial, positions in self.users[id(u)]:
                if id(user) in derivatives:  # a second way between the same two: no single product of rules says it
                    derivatives[id(user)] += derivative * partial
                    rules[id(user)] = None
                else:
                    derivatives[id(user)] = derivative * partial
                    rules[id(user)] = self._extended(rules[id(u)], user, positions)
        return factors

    def _extended(self, rules: _Rules | None, user: Value, positions: list[int]) -> _Rules | None:
        """The rules along a path and that of its next step, or None where that grows too long."""
        if rules is None:
            return None
        assert user.op is not None
        if id(user) not in self._called:  # once for all operands: a sum may have thousands
            names, result = [self._written(o) for o in user.operands], self._written(user)
            self._called[id(user)] = names, result, list(map(latex_name, names)), latex_name(result)
        names, result, latex_names, latex_result = self._called[id(user)]
        text = [user.op.write_derivative(i, names, "text", result) for i in positions]
        latex = [user.op.write_derivative(i, latex_names, "latex", latex_result) for i in positions]
        new = clean(" + ".join(text))
        if sum(map(len, rules[0])) + len(new) > LONGEST_RULE:
            return None
        return [*_but_ones(rules[0]), new], [*_but_ones(rules[1]), clean(" + ".join(latex))]

    def _written(self, operand: Value | float) -> str:
        """A waypoint or a side value by name; what has no name by how it was computed, where that is short."""
        if not isinstance(operand, Value) or operand.name or id(operand) in self.waypoints or operand.op is None:
            return self.names.of(operand)
        text = clean(operand.op.write([self.names.of(o) for o in operand.operands], result=self.names.of(operand)))
        inner_named = all(not isinstance(o, Value) or o.name for o in operand.operands)
        return f"({text})" if inner_named and len(text) <= 32 else self.names.of(operand)

    def equations(self) -> tuple[list[Equation], bool]:
        """The main equation, then one for each value where paths part, and whether some were left out."""
        equations: list[Equation] = []
        waiting, done = deque([self.wrt]), {id(self.output)} - {id(self.wrt)}
        while waiting and len(equations) < MAX_EQUATIONS:
            v = waiting.popleft()
            if id(v) in done:
                continue
            done.add(id(v))
            equation = Equation(self.names.of(self.output), self.names.of(v), self.adjoints[id(v)])
            several = len(self.next_waypoints(v)) > 1
            for first, factor in self.next_waypoints(v):
                term, at = self._term(first, replace(factor, direct=several and first is self.output))
                if at is not self.output:
                    term.insert(0, Factor(equation.numerator, self.names.of(at), self.adjoints[id(at)]))
                    waiting.append(at)
                equation.terms.append(term)
            equations.append(equation)
        return equations, any(id(v) not in done for v in waiting)

    def _term(self, at: Value, factor: Factor) -> tuple[list[Factor], Value]:
        """The factors from a waypoint on while one way leads up, the last one first, and where that ends."""
        term = [factor]
        while at is not self.output and len(self.next_waypoints(at)) == 1:
            at, factor = self.next_waypoints(at)[0]
            term.append(factor)
        return term[::-1], at


def _but_ones(parts: list[str]) -> list[str]:
    return [part for part in parts if part != "1"]


def _product(rules: _Rules | None) -> Rule | None:
    """A product of rules, each in parentheses where it is a sum."""
    if not rules or not rules[0]:
        return None
    texts = []
    for parts, sign in zip(rules, (" × ", r" \times "), strict=True):
        kept = _but_ones(parts) or ["1"]
        texts.append(sign.join(f"({p})" if len(kept) > 1 and _is_sum(p) else p for p in reversed(kept)))
    return Rule(*texts)


def _is_sum(text: str) -> bool:
    """Whether a rule is a sum, a choice, or begins with a minus: what a product must put in parentheses."""
    depth = 0
    for i, char in enumerate(text):
        depth += (char in "({") - (char in ")}")
        if depth == 0 and (char in "−-" or (char == "+" and i)):
            return True
    return " if " in text
