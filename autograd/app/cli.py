"""The command ``chalkgrad``. Exit codes: 0 it worked, 1 a check failed, 2 bad usage or input."""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Callable, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import autograd
from autograd._engine import Value
from autograd.errors import AutogradError, GradientCheckError
from autograd.graph import topological_order
from autograd.operation import bare
from autograd.ops import OPERATIONS

from .expression import Expression, ExpressionError, assignments

_EXPRESSIONS = ("grad", "check", "draw", "explain")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with its arguments (those of the process if None) and return the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if len(words) > 1 and words[0] in _EXPRESSIONS and words[1][:1] == "-" and words[1][:2] not in ("-h", "-o", "--"):
        words[1] = " " + words[1]  # an expression that begins with a minus, and no option
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="replace")  # a terminal that cannot show ∂ shows a question mark
    try:
        code = _run(words)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader of the pipe has closed it
        return 2


def _run(words: list[str]) -> int:
    try:
        options = _parser(words).parse_args(words)
        code: int = options.run(options)
        return code
    except SystemExit as stop:  # --help, --version, or argparse's own complaint
        return stop.code if isinstance(stop.code, int) else 2
    except BrokenPipeError:
        raise
    except ExpressionError as error:
        return _complain(f"column {error.column}: {error}", options.expression, error.column)
    except (AutogradError, ImportError, OSError, ValueError) as error:
        return _complain(" ".join(str(error).split()))
    except KeyboardInterrupt:
        return _complain("interrupted")


def _complain(message: str, expression: str = "", column: int = 0) -> int:
    """Print one line on standard error, with the piece of the expression that it is about."""
    piece = expression[max(column - 1, 0) : column + 19].strip()
    print(f"chalkgrad: {message}" + (f" (at {piece!r})" if piece else ""), file=sys.stderr)
    return 2


def _parser(words: list[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="chalkgrad", description="Gradients: see, check and follow them.")
    parser.add_argument("--version", action="version", version=f"chalkgrad {autograd.__version__}")
    commands = parser.add_subparsers(required=True, metavar="command", title="commands")

    def command(name: str, run: Callable[[argparse.Namespace], int], help: str) -> argparse.ArgumentParser:
        options = commands.add_parser(name, help=help, description=f"{help[0].upper()}{help[1:]}.")
        options.set_defaults(run=run)
        return options

    demo = command("demo", _demo, "two textbook networks and two moons: trained, compared with print, drawn")
    demo.add_argument("--out", type=Path, default=Path("out"), help="folder for the pictures (default: out)")
    demo.add_argument("--no-progress", action="store_true", help="show no progress bars")

    for name, run, help in (
        ("grad", _grad, "print the value of an expression and its derivative by every variable"),
        ("check", _check, "compare the gradient of an expression with finite differences"),
        ("draw", _draw, "draw the computation graph of an expression"),
        ("explain", _explain, "write out the chain rule for a derivative"),
    ):
        options = command(name, run, help)
        options.epilog = "operators: + - * / // % **; operations: " + ", ".join(sorted(OPERATIONS))
        options.add_argument("expression", help='for example "tanh(w*x + b)"')
        options.add_argument("values", nargs="*", metavar="name=value", help="a number for each variable, as w=0.5")
        if name == "draw":
            options.add_argument("-o", "--output", type=Path, required=True, help=_formats(words))
            options.add_argument("--theme", choices=("auto", "light", "dark"), default="auto")
        if name == "explain":
            options.add_argument("--wrt", help="the variable to differentiate by (default: the first)")

    from .train import add_arguments, train

    add_arguments(command("train", train, "train a network on a CSV table, with a checkpoint and a curve"))
    command("doctor", _doctor, "print versions and drawing engines, and look for a clash of packages")
    return parser


def _formats(words: list[str]) -> str:
    """Say which formats there are; what draws is not loaded for any other command."""
    if words[:1] != ["draw"]:
        return "the picture"
    from autograd.diagram.formats import FORMATS

    return "the picture, by its extension: " + "; ".join(f".{form.extension} {form.words}" for form in FORMATS.values())


def _demo(options: argparse.Namespace) -> int:
    from .demo import run

    return 0 if run(options.out, progress=not options.no_progress) else 1


def _evaluated(options: argparse.Namespace) -> tuple[Value, dict[str, Value]]:
    """Return the expression as a graph with its gradient, and its variables by name."""
    expression = Expression(options.expression)
    values = assignments(options.values, expression)
    leaves = {name: Value(values[name], name=name) for name in expression.names if name in values}
    output = expression(leaves)
    if not isinstance(output, Value):
        output = Value(output)
    if not output.name and output.operands:
        output.name = "y" if "y" not in leaves else "result"
    output.backward()
    return output, leaves


def _grad(options: argparse.Namespace) -> int:
    output, leaves = _evaluated(options)
    print(f"{options.expression.strip()} = {output.data!r}")
    if leaves:
        width = max(10, *(len(name) + 2 for name in leaves))
        print(f"\n{'name':<{width}}{'value':<24}derivative")
        for name, leaf in leaves.items():
            print(f"{name:<{width}}{leaf.data!r:<24}{leaf.grad!r}")
    return 0


def _check(options: argparse.Namespace) -> int:
    from autograd.check import check_grad, numerical_grad

    expression = Expression(options.expression)
    output, leaves = _evaluated(options)
    if not leaves:
        raise ValueError("the expression has no variable to differentiate by")
    names, numbers = list(leaves), [leaf.data for leaf in leaves.values()]

    def f(*args: Any) -> Any:
        return expression(dict(zip(names, args, strict=True)))

    try:
        check_grad(f, *numbers)
        verdict = None
    except GradientCheckError as error:
        verdict = str(error)
    width = max(10, *(len(name) + 2 for name in names))
    print(f"{'name':<{width}}{'derivative':<26}{'finite differences':<26}difference")
    for i, name in enumerate(names):
        numerical = numerical_grad(f, *numbers, argnums=i)
        exact = leaves[name].grad
        print(f"{name:<{width}}{exact!r:<26}{numerical!r:<26}{math.fabs(exact - numerical):.1e}")
    print("\nThe gradient agrees." if verdict is None else f"\nThe gradient does not agree. {verdict}")
    kinks = sorted({node.op.name for node in topological_order(output) if node.op is not None and _at_kink(node)})
    if verdict is not None and kinks:
        print(f"Here is a kink of {', '.join(kinks)}, where no derivative exists and one is chosen; move the point.")
    return 0 if verdict is None else 1


def _at_kink(node: Value) -> bool:
    if node.op is None or node.op.kinks is None:
        return False
    return node.op.kinks(*map(bare, node.operands)) == 0.0


def _draw(options: argparse.Namespace) -> int:
    from autograd.diagram import draw

    output, _ = _evaluated(options)
    diagram = draw(output, title=options.expression.strip(), theme=options.theme)
    print(f"{diagram.save(options.output)}: {diagram!r}")
    return 0


def _explain(options: argparse.Namespace) -> int:
    from autograd.diagram import explain

    output, leaves = _evaluated(options)
    wrt = options.wrt or next(iter(leaves), None)
    if wrt not in leaves:
        raise ValueError(f"--wrt is a variable of the expression: {', '.join(leaves) or 'it has none'}")
    print(explain(output, wrt=leaves[wrt]))
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from .doctor import report

    return report()
