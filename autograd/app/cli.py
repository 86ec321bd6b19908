"""The command ``chalkgrad``. Exit codes: 0 it worked, 1 a check failed or was impossible, 2 bad usage or input."""

from __future__ import annotations

import argparse
import math
import os
import re
import shutil
import sys
import textwrap
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

from .expression import CONSTANTS, Expression, ExpressionError, assignments
from .files import check_output
from .terminal import say, table

_EXPRESSIONS = ("grad", "check", "draw", "explain")
_NO_VARIABLE = "the expression has no variable to differentiate by"
_EXAMPLES = """\
for example:
  chalkgrad grad "tanh(w*x + b)" w=0.5 x=2 b=1
  chalkgrad train data.csv --target y --curve curve.png

chalkgrad COMMAND --help says more."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with its arguments (those of the process if None) and return the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] and words[0] in _EXPRESSIONS:
        _shield_minus(words)
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="replace")  # a terminal that cannot show ∂ shows a question mark
    try:
        code = _run(words)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader of the pipe has closed it
        return 2


def _shield_minus(words: list[str]) -> None:
    """Put a blank before an expression that begins with a minus, so that it is not taken for an option."""
    i = 1
    while i < len(words) and re.fullmatch(r"-[ho]|--[a-z]*(=.*)?", words[i], re.DOTALL):
        i += 2 if words[i] in ("-o", "--output", "--theme", "--wrt") else 1
    if i < len(words) and words[i].startswith("-"):
        words[i] = " " + words[i]


def _run(words: list[str]) -> int:
    try:
        parser = _parser(words)
        if not words:
            parser.print_help(sys.stderr)
            return 2
        options = parser.parse_args(words)
        code: int = options.run(options)
        return code
    except SystemExit as stop:  # --help, --version, or argparse's own complaint
        return stop.code if isinstance(stop.code, int) else 2
    except BrokenPipeError:
        raise
    except ExpressionError as error:
        return _complain(f"column {error.column}: {error}", options.expression, error.column)
    except (AutogradError, ImportError, OSError, ValueError) as error:
        return _complain(_message(error))
    except KeyboardInterrupt:
        return _complain("interrupted")


def _message(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename:  # the system's own, [Errno 2] and so on
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split())


def _complain(message: str, expression: str = "", column: int = 0) -> int:
    """Print the message on standard error, with the piece of the expression that it is about."""
    piece = expression[max(column - 1, 0) : column + 19].strip()
    say(f"chalkgrad: {message}" + (f" (at {piece!r})" if piece else ""), file=sys.stderr)
    return 2


def _parser(words: list[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="chalkgrad",
        description="Gradients: see, check and follow them.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_EXAMPLES,
    )
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
        options.formatter_class = argparse.RawDescriptionHelpFormatter
        options.epilog = _language(name) if words[:1] == [name] else None
        options.add_argument("expression", help='for example "tanh(w*x + b)"')
        options.add_argument("values", nargs="*", metavar="name=value", help="a number for each variable, as w=0.5")
        if name == "draw":
            options.add_argument("-o", "--output", type=Path, metavar="FILE", help=_formats(words))
            options.add_argument("--theme", choices=("auto", "light", "dark"), default="auto", help="of a picture")
        if name == "explain":
            options.add_argument("--wrt", metavar="NAME", help="the variable to differentiate by (default: the first)")

    from .train import add_arguments, train

    add_arguments(command("train", train, "train a network on a CSV table, with a checkpoint and a curve"))
    command("doctor", _doctor, "print versions and drawing engines, and look for a clash of packages")
    kept = command("cache", _cache, "say where compiled code is kept for the next time, and how much")
    kept.add_argument("--clear", action="store_true", help="remove it")
    return parser


def _language(command: str) -> str:
    """What an expression may be made of, for the end of a help text."""
    words = {
        "numbers": f"2  0.5  1e-3  {'  '.join(CONSTANTS)}",
        "operators": "+  -  *  /  //  %  **",
        "conditions": "where(x > 0 and x < 1, a, b), with < <= > >= == != and or not",
        "lists": "max([a, b, c]), and so all that take any number; dot([w1, w2], [x1, x2], b)",
        "operations": " ".join(sorted(OPERATIONS)),
        "example": f'chalkgrad {command} "tanh(w*x + b)" w=0.5 x=2 b=-1',
    }
    columns = min(79, shutil.get_terminal_size().columns - 2)
    return "\n".join(
        textwrap.fill(f"{key:<12}{text}", columns, subsequent_indent=" " * 12) for key, text in words.items()
    )


def _formats(words: list[str]) -> str:
    """Say which formats there are; what draws is not loaded for any other command."""
    if words[:1] != ["draw"]:
        return ""
    from autograd.diagram.formats import FORMATS

    formats = "; ".join(f".{form.extension} {form.words}" for form in FORMATS.values())
    return f"the picture, by its extension: {formats} (default: the tree, printed)"


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
    if note := _nan_note(expression, output, leaves):
        say(f"chalkgrad: note: {note}", file=sys.stderr)
    return output, leaves


def _nan_note(expression: Expression, output: Value, leaves: dict[str, Value]) -> str:
    """Say why the result or a derivative is nan, unless nan was given."""
    if any(math.isnan(leaf.data) for leaf in leaves.values()):
        return ""
    if math.isnan(output.data):
        cause = expression.cause_of_nan({name: leaf.data for name, leaf in leaves.items()})
        return f"the result is nan: {cause}" if cause else ""
    lost = ", ".join(name for name, leaf in leaves.items() if math.isnan(leaf.grad))
    for node in reversed(topological_order(output)) if lost else ():
        numbers = [bare(x) for x in node.operands]
        for partial in node.partials:
            if partial is not None and not math.isfinite(bare(partial)) and all(map(math.isfinite, numbers)):
                given = ", ".join(map(repr, numbers[:4]))
                return f"the derivative by {lost} is nan, since that of {node.op.name} at {given} is {bare(partial)!r}"
    return f"the derivative by {lost} is nan: it is made of infinite numbers" if lost else ""


def _grad(options: argparse.Namespace) -> int:
    output, leaves = _evaluated(options)
    say(f"{options.expression.strip()} = {output.data!r}")
    if leaves:
        rows = [(name, repr(leaf.data), repr(leaf.grad)) for name, leaf in leaves.items()]
        say("\n" + table([("name", "value", "derivative"), *rows]))
    return 0


def _check(options: argparse.Namespace) -> int:
    expression = Expression(options.expression)
    output, leaves = _evaluated(options)
    if not leaves:
        raise ValueError(_NO_VARIABLE)
    names, numbers = list(leaves), [leaf.data for leaf in leaves.values()]

    def f(*args: Any) -> Any:
        return expression(dict(zip(names, args, strict=True)))

    rows = [("name", "derivative", "finite differences", "difference")]
    wrong: dict[str, str] = {}
    differences = []
    for i, (name, leaf) in enumerate(leaves.items()):
        numerical, reason = _compared(f, numbers, i)
        rows.append((name, repr(leaf.grad), repr(numerical), f"{math.fabs(leaf.grad - numerical):.1e}"))
        if reason:
            wrong[name] = reason
            differences.append(numerical)
    say(table(rows))
    if not wrong:
        say("\nThe gradient agrees.")
        return 0
    compared = not all(map(math.isnan, differences))
    say(f"\nThe gradient {'does not agree' if compared else 'could not be checked'}.")
    for name, reason in wrong.items():
        say(f"{name}: {reason}")
    kinks = sorted({node.op.name for node in topological_order(output) if node.op is not None and _at_kink(node)})
    if kinks:
        say(f"Here is a kink of {', '.join(kinks)}, where no derivative exists and one is chosen.")
    return 1


def _compared(f: Callable[..., Any], numbers: list[float], i: int) -> tuple[float, str]:
    """Return the derivative by the i-th number from finite differences, and what is wrong with it, if anything."""
    from autograd.check import check_grad, numerical_grad

    numerical = math.nan
    try:
        numerical = numerical_grad(f, *numbers, argnums=i)
        check_grad(f, *numbers, argnums=i)
    except GradientCheckError as error:
        return numerical, str(error).partition("; ")[2]  # before it stand the numbers
    except ValueError as error:  # an order of polygamma, say, is whole
        return numerical, f"there are no differences to take: {error}"
    return numerical, ""


def _at_kink(node: Value) -> bool:
    if node.op is None or node.op.kinks is None:
        return False
    return node.op.kinks(*map(bare, node.operands)) == 0.0


def _draw(options: argparse.Namespace) -> int:
    from autograd.diagram import draw

    if options.output:
        check_output(options.output)
    output, _ = _evaluated(options)
    diagram = draw(output, title=options.expression.strip(), theme=options.theme)
    say(f"{diagram.save(options.output)}: {diagram!r}" if options.output else diagram.text.rstrip())
    return 0


def _explain(options: argparse.Namespace) -> int:
    from autograd.diagram import explain

    output, leaves = _evaluated(options)
    if not leaves:
        raise ValueError(_NO_VARIABLE)
    wrt = options.wrt or next(iter(leaves))
    if wrt not in leaves:
        raise ValueError(f"--wrt is a variable of the expression: {', '.join(leaves)}; {wrt!r} was given")
    say(explain(output, wrt=leaves[wrt]))
    return 0


def _cache(options: argparse.Namespace) -> int:
    from autograd.compiler.call import cache

    if options.clear:
        count, size = cache.clear()
        say(f"removed {cache.amount(count, size)}")
    say(cache.report())
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from .doctor import report

    return report()
