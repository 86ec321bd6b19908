"""``chalkgrad train``: from a CSV table to a trained network, a checkpoint and a curve."""

from __future__ import annotations

import argparse
import math
import re
import sys
import warnings
from pathlib import Path
from typing import Any, NamedTuple

from .files import Cells, check_output, named, read_cells
from .terminal import say

WIDEST = 4_096  # neurons in a layer
LARGEST = 1e150  # of a cell: its square must be a float, and a sum of squares
MANY = 10  # classes that are listed
MISSING = {"na", "n/a", "nan", "null", "none", "?", "-"}  # what stands for a value that is not there


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what ``train`` takes."""
    add = parser.add_argument
    add("data", type=Path, help="a CSV file with a header line; comments (# …) may stand before it")
    add("--target", required=True, metavar="COLUMN", help="the column to predict; text in it makes this a "
        "classification, and where half of its cells or more are numbers all must be")  # fmt: skip
    add("--features", metavar="COLUMNS", help="to predict from, with commas between (default: all the others)")
    add("--classify", action="store_true", help="take each different cell of the target as a class, numbers too")
    add("--delimiter", metavar="CHARACTER", help="between the cells, or the word tab or space (default: of comma, "
        "semicolon, tab and | the one by which header and first row have the most cells)")  # fmt: skip
    add("--layers", default="16,16", metavar="WIDTHS", help="of the hidden layers (default: 16,16; '' for none)")
    add("--activation", default="tanh", metavar="NAME", help="of the hidden layers (default: tanh)")
    add("--epochs", type=int, default=100, metavar="N", help="times that each row is learnt from (default: 100)")
    add("--batch", type=int, default=16, metavar="N", help="rows per step (default: 16)")
    add("--optimizer", default="adam", metavar="NAME", help="sgd, adam, adamw, rmsprop or adagrad (default: adam)")
    add("--lr", type=float, default=0.01, metavar="RATE", help="learning rate (default: 0.01)")
    add("--validation", type=float, default=0.2, metavar="SHARE", help="of the rows, set aside (default: 0.2)")
    add("--patience", type=int, metavar="N", help="stop after so many epochs without a better validation loss")
    add("--seed", type=int, default=0, metavar="N", help="the same seed gives the same bits (default: 0)")
    add("--jit", action="store_true", help="compile the training step")
    add("-o", "--output", type=Path, default=Path("model.json"), metavar="FILE",
        help="the checkpoint, for nn.load (default: model.json)")  # fmt: skip
    add("--curve", type=Path, metavar="FILE", help="write the loss curve to this picture")
    add("--history", type=Path, metavar="FILE", help="write the numbers of each epoch to this CSV file")
    add("--no-progress", action="store_true", help="show no progress bar")


class Table(NamedTuple):
    """What a CSV file holds for training; ``classes`` are what the targets are an index of, if they are no numbers."""

    features: list[str]
    X: list[list[float]]
    y: list[Any]
    classes: list[str] | None
    cells: Cells


def train(options: argparse.Namespace) -> int:
    """Train, say how well, and write the files that were asked for."""
    import nn

    _check(options)
    table = read(options.data, options.target, options.features, options.classify, options.delimiter)
    _note_missing(table, options.target)
    hidden = _widths(options.layers)
    outputs = len(table.classes) if table.classes else 1
    if not 0.0 < options.validation < 1.0:
        raise ValueError(f"--validation is a share between 0 and 1, and {options.validation!r} was given")
    X, X_held, y, y_held = nn.data.train_test_split(table.X, table.y, options.validation, options.seed)
    scale = nn.data.Standardizer(X)
    target = None if table.classes else nn.data.Standardizer([[t] for t in y])
    model = nn.MLP(
        len(table.features), [*hidden, outputs], activation=options.activation, init="xavier_uniform", seed=options.seed
    )
    between = "" if table.cells.delimiter == "," else f"{named(table.cells.delimiter)} between the cells, "
    say(f"{options.data}: {between}{len(table.y)} rows, {len(table.features)} features, {_kind(table)}\n{model}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a loss that becomes nan is an error below
        history = nn.fit(
            model, scale(X), _scaled(y, target), validation_data=(scale(X_held), _scaled(y_held, target)),
            loss="cross_entropy" if table.classes else "mse", metrics=["accuracy"] if table.classes else ["r2"],
            optimizer=options.optimizer, lr=options.lr, epochs=options.epochs, batch_size=options.batch,
            seed=options.seed, early_stopping=options.patience, jit=options.jit, progress=not options.no_progress,
        )  # fmt: skip
    if history.stopped == "nan loss":
        epoch = len(history) + 1
        raise ValueError(f"the loss became infinite or nan in epoch {epoch}, so nothing was saved; lower --lr")
    if not len(history):
        raise ValueError("no epoch was finished, so there is nothing to save")
    say(f"epochs      {len(history)} of {options.epochs}, {history.stopped}")
    for name, rows, targets in (("training", X, y), ("validation", X_held, y_held)):
        say(f"{name:<12}{_quality(model, scale(rows), targets, table, target)}")
    notes = {
        "features": table.features, "target": options.target, "classes": table.classes, "mean": scale.mean,
        "deviation": scale.deviation, "target_mean": target.mean[0] if target else None,
        "target_deviation": target.deviation[0] if target else None,
    }  # fmt: skip
    for label, path, write in (
        ("saved", options.output, lambda path: nn.save(model, path, notes=notes)),
        ("curve", options.curve, history.plot),
        ("history", options.history, history.to_csv),
    ):
        if path:
            write(path)
            say(f"{label:<12}{path}")
    return 0


def read(
    path: Path, target: str, features: str | None = None, classify: bool = False, delimiter: str | None = None
) -> Table:
    """Read a table. Raises ValueError that names the line and the column of a cell that cannot be used.

    A target with numbers in half of its cells at least is one of numbers, and every other cell in it an error; with
    ``classify`` or more of text, each different cell is a class.
    """
    cells = read_cells(path, delimiter)
    chosen = _features(path, cells, target, features)
    places = [cells.header.index(name) for name in chosen]
    remove = "remove the row, or choose other columns with --features"
    X = [[_cell(path, line, cells.header[j], row[j], remove) for j in places] for line, row in cells.rows]
    labels = [(line, row[cells.header.index(target)]) for line, row in cells.rows]
    given = [label for _, label in labels if label]
    if not classify and given and 2 * sum(map(_is_meant_as_number, given)) >= len(given):
        remove = "remove the row, or say --classify if each different cell is a class"
        return Table(chosen, X, [_cell(path, line, target, label, remove) for line, label in labels], None, cells)
    classes = sorted(set(given))
    for line, label in labels:
        if not label:
            raise ValueError(f"{path}, line {line}: the target {target} is empty")
    if len(classes) < 2:
        raise ValueError(f"the target {target} has only one class, {classes[0]!r}")
    if len(classes) == len(labels):
        raise ValueError(
            f"{path}: every row has a class of its own in the target {target}, {given[0]!r} and so on, and nothing can "
            "be learnt from that; if they are numbers, write them as numbers"
        )
    return Table(chosen, X, [classes.index(label) for _, label in labels], classes, cells)


def _note_missing(table: Table, target: str) -> None:
    """Say on standard error which class may be no class."""
    for name in table.classes or ():
        if name.lower() in MISSING:
            advice = "if it stands for a label that is missing, remove its rows"
            say(f"chalkgrad: note: {name!r} in the target {target} is taken for a class; {advice}", file=sys.stderr)


def _features(path: Path, cells: Cells, target: str, features: str | None) -> list[str]:
    """Return the names of the columns to predict from."""
    chosen = [name.strip() for name in (features or "").split(",") if name.strip()]
    if features is None:
        chosen = [name for name in cells.header if name != target]
    if len(set(chosen)) < len(chosen):
        raise ValueError(f"--features names a column twice: {', '.join(chosen)}")
    for name in [target, *chosen]:
        if name not in cells.header:
            between = f" (read with {named(cells.delimiter)} between; --delimiter says what else stands there)"
            doubtful = len(cells.header) == 1 or any(re.search(r"[,;\t|]", column) for column in cells.header)
            columns = ", ".join(cells.header) + (between if doubtful else "")
            raise ValueError(f"{path} has no column {name!r}; its columns are {columns}")
    if not chosen:
        raise ValueError(f"{path} has only the target's column" if features is None else "--features names no column")
    if target in chosen:
        raise ValueError(f"--features contains the target {target!r}; leave it out")
    return chosen


def _check(options: argparse.Namespace) -> None:
    """Raise, before anything is read or printed, the errors of options that training would meet later."""
    import nn
    from nn.checks import choice, look_up, number_where, whole

    for name in ("epochs", "batch", "patience"):
        if getattr(options, name) is not None:
            whole(f"--{name}", getattr(options, name))
    number_where("--lr is a number of at least 0", options.lr, lambda x: 0.0 <= x < math.inf)
    look_up("--optimizer", options.optimizer.lower(), nn.OPTIMIZERS)
    look_up("--activation", options.activation, dict.fromkeys([*nn.activation_names(), "identity", "none"]))
    if options.curve:
        types = nn.plot.figure()[0].canvas.get_supported_filetypes()  # complains where matplotlib is missing
        if not options.curve.suffix:
            options.curve = options.curve.with_name(options.curve.name + ".png")
        choice("the extension of --curve", options.curve.suffix[1:].lower(), tuple(types))
    taken = {options.data.resolve(): "the table"}
    for name in ("output", "curve", "history"):
        if path := getattr(options, name):
            check_output(path)
            if before := taken.get(path.resolve()):
                raise ValueError(f"--{name} would overwrite {path}, which is {before}; choose another name")
            taken[path.resolve()] = f"--{name}"


def _cell(path: Path, line: int, column: str, text: str, remedy: str) -> float:
    """Return the number in a cell, if it is one that can be learnt from."""
    shown = repr(text if len(text) <= 40 else text[:39] + "…") if text else "empty"
    place = f"{path}, line {line}: {column or 'a column without a name'} is {shown}"
    if _DECIMAL_COMMA.fullmatch(text):
        raise ValueError(f"{place}, with a decimal comma; numbers are written with a point, {text.replace(',', '.')}")
    if not math.isfinite(number := _as_number(text)):
        raise ValueError(f"{place}, not a finite number; {remedy}")
    if math.fabs(number) > LARGEST:
        raise ValueError(f"{place}, too large for its square to be a number (at most {LARGEST:g}); {remedy}")
    return number


_DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+(?:[eE][-+]?\d+)?")


def _as_number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _is_meant_as_number(text: str) -> bool:
    return math.isfinite(_as_number(text)) or _DECIMAL_COMMA.fullmatch(text) is not None


def _widths(text: str) -> list[int]:
    try:
        widths = [int(word) for word in text.split(",") if word.strip()]
    except ValueError:
        widths = [0]
    if any(width < 1 for width in widths):
        raise ValueError(f"--layers is a list of widths such as 16,16, and {text!r} was given")
    if any(width > WIDEST for width in widths):
        raise ValueError(f"--layers has a width of more than {WIDEST:,}: every weight is a number of its own here")
    return widths


def _scaled(y: list[Any], target: Any) -> list[Any]:
    return y if target is None else [row[0] for row in target([[t] for t in y])]


def _kind(table: Table) -> str:
    if not table.classes:
        return "a number to predict"
    more = f", … ({len(table.classes)} in all)" if len(table.classes) > MANY else ""
    return f"classes {', '.join(table.classes[:MANY])}{more}"


def _quality(model: Any, X: list[list[float]], y: list[Any], table: Table, target: Any) -> str:
    import nn

    outputs = nn.predict(model, X)
    if table.classes:
        return f"{100 * nn.accuracy(outputs, y):.1f} % of {len(y)} right"
    restored = [row[0] for row in target.inverse([[out] for out in outputs])]
    return f"off by {nn.rmse(restored, y):.4g} (root mean square) in {len(y)} rows, R² {nn.r2(restored, y):.4f}"
