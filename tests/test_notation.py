"""The notation of the table: what it reads, what it writes as LaTeX, and what it refuses."""

import pytest

import autograd
from autograd import OPERATIONS, define
from autograd.notation import NotationError, as_latex, parse


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("#0 + #1 − #2", "#0 + #1 - #2"),
        ("#0 − (#1 − #2)", "#0 - (#1 - #2)"),
        ("#0 × #1 ÷ #2", r"\frac{#0 \cdot #1}{#2}"),
        ("#0 ÷ #1 × #2", r"\frac{#0}{#1} \cdot #2"),
        ("−#0 ÷ #1", r"-\frac{#0}{#1}"),
        ("−#0²", "-{#0}^2"),
        ("(−#0)²", "(-#0)^2"),
        ("2 ^ #0", "2^{#0}"),
        ("#0 ^ #1 ^ #2", "{#0}^{{#1}^{#2}}"),
        ("#0 ^ −#1", "{#0}^{-#1}"),
        ("√(1 − #0²)", r"\sqrt{1 - {#0}^2}"),
        ("∛#0", r"\sqrt[3]{#0}"),
        ("2 ÷ √π × exp(−#0²)", r"\frac{2}{\sqrt{\pi}} e^{-{#0}^2}"),
        ("sin(#0)", r"\sin #0"),
        ("sin(#0 + #1)", r"\sin(#0 + #1)"),
        ("1 ÷ cos²(#0)", r"\frac{1}{\cos^2 #0}"),
        ("ln Γ(#0)", r"\ln \Gamma(#0)"),
        ("log₂ #0", r"\log_2 #0"),
        ("leaky_relu(#0, #1)", r"\operatorname{leaky\_relu}(#0, #1)"),
        ("|#0| + ⌊#1⌋ + ⌈#2⌉", r"\left|#0\right| + \left\lfloor #1 \right\rfloor + \left\lceil #2 \right\rceil"),
        ("#0 mod #1", r"#0 \bmod #1"),
        ("1 if #1 ≤ #0 ≤ #2 else 0", r"[#1 \le #0 \le #2]"),
        ("0 if #0 else 1", r"[\lnot #0]"),
        ("1 if #0 > 0 else #1", r"\begin{cases} 1 & #0 > 0 \\ #1 & \text{otherwise} \end{cases}"),
        ("3 × #y²", "3 {#y}^2"),
        ("1 − tanh(#0)²", r"1 - (\tanh #0)^2"),
        ("max(#0, 0)²", r"(\max(#0, 0))^2"),
        ("exp(#0) ^ 2", "(e^{#0})^2"),
        ("exp²(#0)", "(e^{#0})^2"),
        ("#0² ^ 2", "({#0}^2)^2"),
        ("ln #0 ^ 2", r"(\ln #0)^2"),
        ("2 × 3 × #0", r"2 \cdot 3 \cdot #0"),
        ("3 × 10 ^ #0", r"3 \cdot 10^{#0}"),
    ],
)
def test_a_formula_in_latex(text, latex):
    assert as_latex(text) == latex


@pytest.mark.parametrize(
    "text", ["", "#0 +", "(#0", "#0)", "|#0", "#0 #1", "1 if #0", "$", "#0 ∂ #1", "exp(", "#0 ^", "sin −#0"]
)
def test_what_is_no_formula_is_refused(text):
    with pytest.raises(NotationError):
        parse(text)


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_table_follows_its_own_notation(name):
    row = OPERATIONS[name]
    count = row.arity or 4
    places = [f"#{i}" for i in range(count)]
    formulas = [row.write(places, result="#y"), *[row.write_derivative(i, places, result="#y") for i in range(count)]]
    for formula in formulas:
        assert as_latex(formula).count("{") == as_latex(formula).count("}")


@pytest.mark.parametrize("text", ["β × #0", "x₁ + #0", "β(#0)"])
def test_letters_that_latex_lacks_are_refused(text):
    with pytest.raises(NotationError):
        as_latex(text)


def test_a_text_of_a_users_own_need_not_follow_it():
    op = define("twice_of", lambda x: 2.0 * x, (lambda y, x: 2.0,), text="twice the number #0!")
    try:
        row = OPERATIONS["twice_of"]
        assert row.write(["a"]) == "twice the number a!"
        assert row.write(["a"], style="latex") == r"\operatorname{twice\_of}(a)"
        assert row.write_derivative(0, ["a"], style="latex") == r"\frac{\partial \operatorname{twice\_of}}{\partial a}"
        assert autograd.check_grad(op, 0.5)
    finally:
        del OPERATIONS["twice_of"]
