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
from autograd.diagram.latex import Symbols
from autograd.diagram.picture.clusters import Modules
from autograd.diagram.picture.names import Names
from autograd.diagram.picture.select import reached
from autograd.errors import DiagramError
from autograd.graph import topological_order
from autograd.notation import Tree

from .formula import (
    COLUMN,
    Derivative,
    Number,
    Omission,
    Part,
    Product,
    Rule,
    Sum,
    Symbol,
    as_mathml,
    as_text,
    columns,
    in_lines,
    names_in,
)
from .mathml import Math, mo, mtext, to_xml
from .rules import Rules, written

DIGITS = 9
MAX_EQUATIONS = 40
MAX_TERMS = 12
END = 6  # factors that a long product keeps at either end
LONGEST_RULE = 80
MAX_MEANINGS = 24  # values without a name


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


class _Line(NamedTuple):
    """`left = right = right`, behind a word; without a left side it goes on where the line before it ends."""

    left: Part | None
    rights: list[Part]
    word: str = ""

    def text(self) -> str:
        """The right sides as text."""
        *before, last = self.rights
        return " = ".join([*map(_before_equals, before), as_text(last)])


def _before_equals(part: Part) -> str:
    return f"({part.text})" if isinstance(part, Rule) and part.choice else as_text(part)


class _Block(NamedTuple):
    """Lines that belong together, and the words before them."""

    words: str
    lines: list[_Line]


class Derivation:
    """How one derivative comes about, by `explain`. `print` shows it; a notebook shows it as mathematics.

    `value` is the derivative; `equations` holds the main equation and then one for each value where paths part.
    `meanings` says of each value without a name what it is: its name here, the formula, the number.
    """

    def __init__(
        self, equations: list[Equation], digits: int, more: bool = False, symbols: Symbols | None = None
    ) -> None:
        self.equations = equations
        self.meanings: list[tuple[str, Rule | None, float]] = []
        self._digits = digits
        self._symbols = symbols or Symbols()
        self._more = ["… and more sums of this kind"] if more else []

    @property
    def value(self) -> float:
        """The derivative itself."""
        return self.equations[0].value

    def _number(self, x: float, factor: bool = False, digits: int | None = None) -> Number:
        return Number("0" if x == 0 else f"{x:.{digits or self._digits}g}".replace("-", "−"), factor)

    def _products(self, equation: Equation) -> list[Part]:
        """The value of each term; where terms cancel with more digits, so that their sum is seen to be right."""
        products, digits = equation.products(), self._digits
        size = max(map(abs, products))
        if 0 < abs(equation.value) < size < math.inf:
            digits = min(max(digits, math.ceil(math.log10(size) - math.log10(abs(equation.value))) + 3), 17)
        return [self._number(x, True, digits) for x in products[:MAX_TERMS]]

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
            rows.append(Sum([*self._products(equation), *more]))
        rows.append(result)
        texts = [as_text(row).strip("()") for row in rows]
        return [row for row, text, after in zip(rows, texts, [*texts[1:], ""]) if text != after]

    def _blocks(self) -> Iterator[_Block]:
        """The equations, each with the rules behind it, and what the values without a name are."""
        for i, (equation, rules) in enumerate(zip(self.equations, self._rules())):
            words = f"where, summed over {len(equation.terms)} paths," if i else ""
            lefts = [equation.left, *[None] * MAX_TERMS]
            yield _Block(words, [*(_Line(left, [row]) for left, row in zip(lefts, self._rows(equation))), *rules])
        lines: list[_Line] = []
        for name, rule, x in self.meanings:
            number = self._number(x)
            written = [rule] if rule is not None and rule.text != number.text else []
            lines.append(_Line(Symbol(name), [*written, number], "" if lines else "where"))
        if lines:
            yield _Block("", lines)

    def _rules(self) -> Iterator[list[_Line]]:
        """The rules behind each equation; each is told once, and not where an equation tells what the factor is."""
        known = {equation.left for equation in self.equations}
        for equation in self.equations:
            rules: dict[Derivative, _Line] = {}
            for factor in (f for term in equation.terms[:MAX_TERMS] for f in term[:END] + term[END:][-END:]):
                derivative, number = factor.derivative, self._number(factor.value)
                if factor.rule and factor.rule.text != number.text and derivative not in known:
                    rules[derivative] = _Line(derivative, [factor.rule, number], "with")
            known |= set(rules)
            yield list(rules.values())

    def mentioned(self) -> list[str]:
        """Every name that is shown, in the order of the lines."""
        parts = (part for block in self._blocks() for line in block.lines for part in _parts(line))
        return list(dict.fromkeys(name for part in parts for name in names_in(part)))

    def leave_out(self, meanings: int) -> None:
        """Say at the end that so many meanings are not written."""
        self._more.append(f"… and {meanings} more values without a name")

    def __str__(self) -> str:
        blocks = []
        for words, lines in self._blocks():
            texts, side = [words] if words else [], 0
            for left, line in ((line.left, line) for line in lines):
                shown = as_text(left) if left is not None else " " * side
                side = len(shown)
                before = "    with " if line.word == "with" else "" if texts else f"{line.word} ".lstrip()
                before = " " * len("where ") if not line.word and isinstance(left, Symbol) else before
                texts.append(f"{before}{shown} = {line.text()}")
            blocks.append("\n".join(texts))
        return "\n\n".join(blocks + self._more)

    def _latex(self) -> Iterator[tuple[str, str]]:
        name = self._symbols.of
        for words, lines in self._blocks():
            side = max(columns(line.left, name) + len(line.word) for line in lines if line.left is not None)
            rows = [row for line in lines for row in self._latex_rows(line, COLUMN - side)]
            yield words, "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"
        yield from (("", rf"\text{{{more}}}") for more in self._more)

    def _latex_rows(self, line: _Line, room: int) -> list[str]:
        """A line in rows that fit into a column of a paper, of which so many letters are left for the right sides."""
        name = self._symbols.of
        left = "".join(in_lines(line.left, name)) + " " if line.left is not None else ""
        rows: list[str] = []
        for part in line.rights:
            if len(rows) == 1 and sum(columns(one, name) + 3 for one in line.rights) <= room:
                rows[0] += f" = {in_lines(part, name)[0]}"
            else:
                first, *more = in_lines(part, name, room)
                rows += [f"&= {first}", *(rf"&\quad {{}} {one}" for one in more)]
        word = rf"\text{{{line.word} }} " if line.word else ""
        return [f"{word}{left}{rows[0]}", *rows[1:]]

    @property
    def latex(self) -> str:
        """The derivation as LaTeX: one `aligned` block for each equation, its rows no wider than a paper's column."""
        return "\n\n".join(block for _, block in self._latex())

    @property
    def markdown(self) -> str:
        """The derivation as Markdown with LaTeX between dollar signs."""
        parts = (part for words, block in self._latex() for part in (words, f"$$\n{block}\n$$"))
        return "\n\n".join(part for part in parts if part)

    def math(self) -> list[Math]:
        """The derivation as lines of MathML trees, for the player, whose steps tell the rules."""
        lines: list[Math] = []
        for words, rows in self._blocks():
            lines += [mtext(words)] if words else []
            lines += [["mrow", *_side(row), *_rights(row)] for row in rows if row.word != "with"]
        return lines + [mtext(more) for more in self._more]

    @property
    def mathml(self) -> str:
        """The derivation as MathML, which browsers show by themselves: one `math` element for each equation."""
        blocks = []
        for _, rows in self._blocks():
            table = (["mtr", ["mtd", ["mrow", *_side(row)]], ["mtd", *_rights(row)]] for row in rows)
            blocks.append(
                '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block"><mtable columnalign="right left">'
                f"{''.join(map(to_xml, table))}</mtable></math>"
            )
        return "\n".join(blocks)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": str(self), "text/markdown": self.markdown}

    def __repr__(self) -> str:
        return f"Derivation({as_text(self.equations[0].left)} = {as_text(self._number(self.value))})"


def _parts(line: _Line) -> list[Part]:
    return [*([line.left] if line.left is not None else []), *line.rights]


def _side(line: _Line) -> list[Math]:
    word = [mtext(f"{line.word}\u00a0")] if line.word else []
    return [*word, as_mathml(line.left)] if line.left is not None else word


def _rights(line: _Line) -> list[Math]:
    *before, last = line.rights
    shown = [mtext(_before_equals(part)) if isinstance(part, Rule) else as_mathml(part) for part in before]
    return [element for part in [*shown, as_mathml(last)] for element in (mo("="), part)]


def _short(factors: Sequence[Factor], part: Callable[[Factor], Part]) -> list[Part]:
    """A `part` for each factor, with so many of them in the middle left out as make the product too long."""
    left_out = len(factors) - 2 * END
    omission = [Omission(left_out, True)] if left_out > 0 else []
    return [*map(part, factors[:END]), *omission, *map(part, factors[END:][-END:])]


def explain(
    output: Value,
    wrt: Value,
    *,
    through: Iterable[Value | str] | None = None,
    digits: int = DIGITS,
    model: Any = None,
    latex: Mapping[str, str] | None = None,
) -> Derivation:
    r"""Write out, by the chain rule, how the derivative of `output` with respect to `wrt` comes about.

    First the line with symbols, then the line with numbers, then the result; a product where one path leads from `wrt`
    to `output`, a sum over paths where there are several, factored through the values that the paths share. It needs
    no `backward()` and touches no gradient.

    Waypoints are the values with a name, or all values where fewer than two have one; `through` names them instead,
    by name or as Values. `digits` is the number of significant digits, 1 to 17. With a `model` (a Module of `nn`) its
    parameters go by their paths, such as `layers.0.neurons.3.w.1`, where they have no name. Any other value without one
    is called v₁, v₂, …, and the last lines say what these are.

    The result is text when printed, mathematics in a notebook, and has `.latex` (rows that fit into a column of a
    paper), `.markdown` and `.mathml`. In LaTeX `w1` is w₁, `theta_1` is θ₁, `net_h1` is net with the index h₁,
    `y_hat` is ŷ, and that path is w with the layer above and neuron and weight below; `latex` is a dict of names to
    what they are in LaTeX instead.

    Raises DiagramError when `output` does not depend on `wrt`, when something in `through` is not on the way, or when
    `latex` has a name that is not in the graph or LaTeX with unpaired braces.

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
    >>> print(explain(w * x, wrt=w, latex={"w": r"w_{11}"}).latex)
    \begin{aligned}
    \frac{\partial v_{1}}{\partial w_{11}} &= x \\
    &= 3
    \end{aligned}
    <BLANKLINE>
    \begin{aligned}
    \text{where } v_{1} &= w_{11} \cdot x = 6
    \end{aligned}
    """
    for what, v in (("output", output), ("wrt", wrt)):
        if not isinstance(v, Value):
            raise DiagramError(f"{what} is a Value of the graph; {type(v).__name__} was given.")
    if type(digits) is not int or not 1 <= digits <= 17:
        raise DiagramError(f"digits= is from 1 to 17 significant digits; {digits!r} was given.")
    return derive(output, wrt, through, digits, Modules(model).paths if model is not None else None, latex)


def derive(
    output: Value,
    wrt: Value,
    through: Iterable[Value | str] | None = None,
    digits: int = DIGITS,
    paths: Mapping[int, str] | None = None,
    latex: Mapping[str, str] | None = None,
) -> Derivation:
    """What `explain` does, with the names that values without one go by, by their ids."""
    order = topological_order(output)
    if not any(v is wrt for v in order):
        raise DiagramError(f"{output!r} does not depend on {wrt!r}, so there is no derivative to explain.")
    names, symbols = Names(order, digits, paths), Symbols(latex)
    if latex:
        symbols.check({names.of(v) for v in order})
    way = _Paths(order, output, wrt, through, names, symbols, digits)
    equations, more = way.equations()
    derivation = Derivation(equations, digits, more, symbols)
    way.explain_names(derivation, {names.of(v): v for v in order if not names.given(v)})
    return derivation


_Steps = tuple[list[Tree], int]  # the rules along a path, and how long they are together


class _Paths:
    """The paths that lead from `wrt` up to `output`, from one waypoint to the next."""

    def __init__(
        self,
        order: list[Value],
        output: Value,
        wrt: Value,
        through: Iterable[Value | str] | None,
        names: Names,
        symbols: Symbols,
        digits: int,
    ) -> None:
        self.output, self.wrt, self.names, self.digits = output, wrt, names, digits
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
        self.rules = Rules(names, symbols, self.waypoints, digits)
        self._next: dict[int, list[tuple[Value, Factor]]] = {}

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
        rules: dict[int, _Steps | None] = {id(v): ([], 0)}
        factors = []
        for u in self._between(v):
            derivative = derivatives[id(u)]
            if u is not v and id(u) in self.waypoints:
                steps = rules[id(u)]
                rule = self.rules.product(steps[0], derivative) if steps and steps[0] else None
                factors.append((u, Factor(self.names.of(u), self.names.of(v), derivative, rule)))
                continue
            for user, partial, positions in self.users[id(u)]:
                if id(user) in derivatives:  # a second way between the same two: no single product of rules says it
                    derivatives[id(user)] += derivative * partial
                    rules[id(user)] = None
                else:
                    derivatives[id(user)] = derivative * partial
                    rules[id(user)] = self._extended(rules[id(u)], user, positions)
        return factors

    def _extended(self, steps: _Steps | None, user: Value, positions: list[int]) -> _Steps | None:
        """The rules along a path and that of its next step, or None where that grows too long."""
        step = self.rules.step(user, positions) if steps is not None else None
        if steps is None or step is None:
            return None
        length = steps[1] + len(written(step, self.digits).text)
        return ([*steps[0], step], length) if length <= LONGEST_RULE else None

    def explain_names(self, derivation: Derivation, nameless: Mapping[str, Value]) -> None:
        """Say what the values without a name are, those of the equations first, then those that these are made of."""
        found: dict[str, Rule | None] = {}
        waiting = deque(derivation.mentioned())
        while waiting:
            name = waiting.popleft()
            if name not in nameless or name in found or len(found) >= MAX_MEANINGS:
                continue
            found[name] = rule = self.rules.meaning(nameless[name], self.rank)
            waiting.extend(sorted(rule.names) if rule is not None else ())
        derivation.meanings = [(name, found[name], nameless[name].data) for name in nameless if name in found]
        left_out = {name for rule in found.values() if rule for name in rule.names} | set(derivation.mentioned())
        if missing := len(left_out & nameless.keys() - found.keys()):
            derivation.leave_out(missing)

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
