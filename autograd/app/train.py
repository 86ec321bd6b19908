"""``chalkgrad train``: from a CSV table to a trained network, a checkpoint and a curve."""

from __future__ import annotations

import argparse
import csv
import math
import warnings
from pathlib import Path
from typing import Any, NamedTuple

WIDEST = 4_096  # neurons in a layer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what ``train`` takes."""
    parser.add_argument("data", type=Path, help="a CSV file with a header line; comments (# …) may stand before it")
    parser.add_argument("--target", required=True, help="the column to predict; text in it makes this a classification")
    parser.add_argument("--features", help="the columns to predict from, with commas between (default: all others)")
    parser.add_argument("--classify", action="store_true", help="take the numbers of the target as classes")
    parser.add_argument("--layers", default="16,16", help="widths of the hidden layers (default: 16,16; '' for none)")
    parser.add_argument("--activation", default="tanh", help="of the hidden layers (default: tanh)")
    parser.add_argument("--epochs", type=int, default=100, help="default: 100")
    parser.add_argument("--batch", type=int, default=16, help="samples per batch (default: 16)")
    parser.add_argument("--optimizer", default="adam", help="sgd, adam, adamw, rmsprop or adagrad (default: adam)")
    parser.add_argument("--lr", type=float, default=0.01, help="learning rate (default: 0.01)")
    parser.add_argument("--validation", type=float, default=0.2, help="share of the rows set aside (default: 0.2)")
    parser.add_argument("--patience", type=int, help="stop after so many epochs without a better validation loss")
    parser.add_argument("--seed", type=int, default=0, help="default: 0; the same seed gives the same bits")
    parser.add_argument("--jit", action="store_true", help="compile the training step")
    parser.add_argument("-o", "--output", type=Path, default=Path("model.json"), help="default: model.json")
    parser.add_argument("--curve", type=Path, help="write the loss curve to this picture")
    parser.add_argument("--history", type=Path, help="write the numbers of each epoch to this CSV file")
    parser.add_argument("--no-progress", action="store_true", help="show no progress bar")


class Table(NamedTuple):
    """What a CSV file holds for training: features, targets, and the classes that the targets are an index of."""

    features: list[str]
    X: list[list[float]]
    y: list[Any]
    classes: list[str] | None


def train(options: argparse.Namespace) -> int:
    """Train, say how well, and write the files that were asked for."""
    import nn

    _check(options)
    table = read(options.data, options.target, options.features, options.classify)
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
    print(f"{options.data}: {len(table.y)} rows, {len(table.features)} features, {_kind(table)}\n{model}")
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
    print(f"epochs      {len(history)}, {history.stopped}")
    for name, rows, targets in (("training", X, y), ("validation", X_held, y_held)):
        print(f"{name:<12}{_quality(model, scale(rows), targets, table, target)}")
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
            print(f"{label:<12}{path}")
    return 0


def read(path: Path, target: str, features: str | None = None, classify: bool = False) -> Table:
    """Read a table. Raises ValueError that names the line and the column of a cell that cannot be used."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = [(number, row) for number, row in enumerate(csv.reader(file), start=1) if any(map(str.strip, row))]
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no CSV text in UTF-8: {error}") from None
    while rows and rows[0][1][0].startswith("# "):
        rows.pop(0)  # a comment before the header
    if len(rows) < 3:
        raise ValueError(f"{path} needs a header line and two rows at least")
    header = [name.strip() for name in rows[0][1]]
    if len(set(header)) < len(header):
        raise ValueError(f"{path} has two columns of one name: {', '.join(header)}")
    chosen = [name.strip() for name in (features or "").split(",") if name.strip()]
    if features is None:
        chosen = [name for name in header if name != target]
    if len(set(chosen)) < len(chosen):
        raise ValueError(f"--features names a column twice: {', '.join(chosen)}")
    for name in [target, *chosen]:
        if name not in header:
            raise ValueError(f"{path} has no column {name!r}; its columns are {', '.join(header)}")
    if not chosen:
        raise ValueError(f"{path} has only the target's column" if features is None else "--features names no column")
    if target in chosen:
        raise ValueError(f"--features contains the target {target!r}; leave it out")
    for number, row in rows[1:]:
        if len(row) != len(header):
            raise ValueError(f"{path}, line {number}: {len(row)} cells, and the header has {len(header)}")
    places = [header.index(name) for name in chosen]
    X = [[_cell(path, number, header[j], row[j]) for j in places] for number, row in rows[1:]]
    labels = [row[header.index(target)].strip() for _, row in rows[1:]]
    if not classify and all(map(_is_number, labels)):
        cells = zip(rows[1:], labels, strict=True)
        return Table(chosen, X, [_cell(path, number, target, label) for (number, _), label in cells], None)
    classes = sorted(set(labels))
    if "" in classes:
        raise ValueError(f"{path}, line {rows[1 + labels.index('')][0]}: the target {target} is empty")
    if len(classes) < 2:
        raise ValueError(f"the target {target} has only one class, {classes[0]!r}")
    return Table(chosen, X, [classes.index(label) for label in labels], classes)


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
    for path in filter(None, (options.output, options.curve, options.history)):
        if not path.absolute().parent.is_dir():
            raise FileNotFoundError(f"the folder {path.absolute().parent} of {path} does not exist; make it first")
    if options.curve:
        types = nn.plot.figure()[0].canvas.get_supported_filetypes()  # complains where matplotlib is missing
        choice("the extension of --curve", options.curve.suffix[1:].lower() or "png", tuple(types))


def _cell(path: Path, number: int, column: str, text: str) -> float:
    if not _is_number(text):
        shown = repr(text.strip()) if text.strip() else "empty"
        raise ValueError(
            f"{path}, line {number}: {column} is {shown}, not a finite number; choose other columns with --features"
        )
    return float(text)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


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
    return f"classes {', '.join(table.classes)}" if table.classes else "a number to predict"


def _quality(model: Any, X: list[list[float]], y: list[Any], table: Table, target: Any) -> str:
    import nn

    outputs = nn.predict(model, X)
    if table.classes:
        return f"{100 * nn.accuracy(outputs, y):.1f} % of {len(y)} right"
    restored = [row[0] for row in target.inverse([[out] for out in outputs])]
    return f"off by {nn.rmse(restored, y):.4g} (root mean square) in {len(y)} rows, R² {nn.r2(restored, y):.4f}"
