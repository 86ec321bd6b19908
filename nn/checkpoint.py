"""Checkpoints: a model, its optimiser and its run in one JSON file that is complete or not there at all.

JSON writes a float so that it reads back the same bits, can be looked at, and runs no code when it is loaded. A file is
written under another name, synced, and renamed, so that a kill at any instant leaves the old file or the new one.
Loading checks names, shapes and numbers before it changes anything.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

from autograd import AutogradError

from .architecture import architecture, built, differences
from .module import Module
from .optim import Optimizer

Path = str | bytes | os.PathLike[str] | os.PathLike[bytes]
FORMAT, VERSION = "chalkgrad checkpoint", 1
LARGEST = 1 << 30  # bytes; a larger file is refused
CHUNK = 1 << 16  # bytes that are written at once


class CheckpointError(AutogradError, ValueError):
    """A checkpoint cannot be written or loaded; the message says which file and why. Nothing was changed."""


def save(model: Module, path: Path, optimizer: Optimizer | None = None, notes: dict[str, Any] | None = None) -> None:
    """Write a model, and an optimiser if given, to a JSON file; an older file of that name is replaced in one instant.

    ``notes`` is anything that JSON can hold, for ``read_notes``. Raises CheckpointError when a parameter is nan or
    infinite, OSError when the file cannot be written; an older file is then still there. Raises TypeError when
    ``model`` is no Module, and when the path comes first.

    >>> import nn, tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "model.json")
    >>> nn.save(nn.MLP(2, [3, 1], seed=0), path)
    >>> nn.load(path)
    MLP(2 → 3 → 1)  # 13 parameters
      (layers.0): Layer(2, 3, relu)  # 9 parameters
      (layers.1): Layer(3, 1, linear)  # 4 parameters
    """
    if isinstance(path, Module) and isinstance(model, (str, bytes, os.PathLike)):
        raise TypeError(f"save takes the model first, and then the path: nn.save(model, {os.fspath(model)!r})")
    write(path, contents(model, optimizer, None, notes))


def load(path: Path, model: Module | None = None, optimizer: Optimizer | None = None) -> Module:
    """Read a checkpoint into ``model`` and ``optimizer``, or into a model built as the file describes, and return it.

    From the checkpoint of a run with early stopping come the best parameters so far, unless an optimiser is to go on
    with the last. A model can be built when it is an MLP, or a Sequential of layers, whose activations have names; one
    that is given has the same names and shapes of parameters, and the same activations where both have names. Raises
    CheckpointError for anything wrong with the file, and FileNotFoundError where there is none; nothing is changed
    then. Raises TypeError when the model comes first.

    >>> import nn, tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "neuron.json")
    >>> nn.save(nn.Neuron(2, init="ones"), path)
    >>> neuron = nn.load(path, nn.Neuron(2))
    >>> neuron([1.0, 2.0]).data
    3.0
    """
    if isinstance(path, Module) and isinstance(model, (str, bytes, os.PathLike)):
        raise TypeError(f"load takes the path first, and then the model: nn.load({os.fspath(model)!r}, model)")
    stored = read(path)
    with blamed_on(path):
        training = stored.get("training")
        if optimizer is None and isinstance(training, dict) and isinstance(training.get("best_state"), dict):
            stored["model"] = training["best_state"]
        if model is None:
            model = built(stored.get("architecture"), stored["model"])
        prepare(stored, model, optimizer)()
    return model


def read_notes(path: Path) -> dict[str, Any]:
    """Return the ``notes`` that were saved with a model, or an empty dict; raises what ``load`` raises.

    >>> import nn, tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "model.json")
    >>> nn.save(nn.MLP(2, [1], seed=0), path, notes={"rows": 150})
    >>> nn.read_notes(path)
    {'rows': 150}
    """
    notes = read(path).get("notes")
    return notes if isinstance(notes, dict) else {}


def contents(
    model: Module, optimizer: Optimizer | None, training: dict[str, Any] | None, notes: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return what a file holds."""
    if not isinstance(model, Module):
        raise TypeError(f"a checkpoint holds a Module, and {type(model).__name__} was given")
    return {
        "format": FORMAT,
        "version": VERSION,
        "architecture": architecture(model),
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict() if optimizer is not None else None,
        "training": training,
        "notes": notes,
    }


def write(path: Path, stored: dict[str, Any]) -> None:
    """Write a file, in one instant as seen from outside; where the path is a link, the file that it leads to."""
    check_path(path)
    path = os.path.realpath(os.fsdecode(path))
    for name, numbers in stored["model"].items():
        if not _all_finite(numbers):
            raise CheckpointError(f"{path} was not written: the parameter {name} is not finite")
    try:
        data = json.dumps(stored, indent=1, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{path} was not written: {error}") from None
    folder, name = os.path.split(path)
    handle, temporary = tempfile.mkstemp(prefix=f".{name[:40]}.", suffix=".tmp", dir=folder)
    try:
        try:
            for start in range(0, len(data), CHUNK):
                _write_all(handle, data[start : start + CHUNK])
            os.fsync(handle)
        finally:
            os.close(handle)
        os.chmod(temporary, _mode(path))
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_folder(folder)


def check_path(path: Path) -> None:
    """Raise OSError that says what to do where no file can be at that path."""
    path = os.fsdecode(path)
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"the checkpoint's folder {folder!r} does not exist; make it first")
    if os.path.isdir(path):
        raise IsADirectoryError(f"the checkpoint {path!r} is a folder; give the path of a file")


def read(path: Path) -> dict[str, Any]:
    """Return what a file holds, when it is a checkpoint of a version known here."""
    path = os.fsdecode(path)
    with blamed_on(path):
        if os.path.getsize(path) > LARGEST:
            raise ValueError(f"it has more than {LARGEST:,} bytes")
        with open(path, "rb") as file:
            data = file.read(LARGEST + 1)
        stored = json.loads(
            data.decode(), object_pairs_hook=_once, parse_constant=_no_constant, parse_float=_finite_float
        )
        if not isinstance(stored, dict) or stored.get("format") != FORMAT:
            raise ValueError(f"it does not say that it is a {FORMAT}")
        if stored.get("version") != VERSION:
            raise ValueError(f"it has version {stored.get('version')!r}, and this program reads version {VERSION}")
        if not isinstance(stored.get("model"), dict):
            raise ValueError("it holds no model")
    return stored


@contextlib.contextmanager
def blamed_on(path: Path) -> Iterator[None]:
    """Turn what goes wrong with the file's contents into a CheckpointError that names the file."""
    path = os.fsdecode(path)
    try:
        yield
    except CheckpointError:
        raise
    except json.JSONDecodeError as error:
        raise CheckpointError(
            f"{path} is damaged or was never a checkpoint: {error.msg} in line {error.lineno}, column {error.colno}"
        ) from None
    except UnicodeDecodeError:
        raise CheckpointError(f"{path} is damaged or was never a checkpoint: it is not text") from None
    except (RecursionError, MemoryError):
        raise CheckpointError(f"{path} is no checkpoint: it is nested too deeply or too large") from None
    except (ValueError, TypeError, KeyError) as error:
        reason = str(error.args[0] if error.args else error)
        raise CheckpointError(f"{path} does not fit: {reason if len(reason) <= 300 else reason[:299] + '…'}") from None


def prepare(
    stored: dict[str, Any], model: Module, optimizer: Optimizer | None, exact: bool = False
) -> Callable[[], None]:
    """Check everything, with ``exact`` what Dropout drops too; return the function that changes model and optimiser."""
    pairs = model.match_state(stored["model"])
    if differing := differences(stored.get("architecture"), architecture(model), exact):
        raise ValueError(f"{'; '.join(differing)}; build the model alike (activations can be set anew afterwards)")
    if optimizer is not None:
        if stored.get("optimizer") is None:
            raise ValueError("it holds no optimiser state")
        optimizer.match_state(stored["optimizer"])

    def apply() -> None:
        for value, number in pairs:
            value.data = number
        if optimizer is not None:
            optimizer.load_state_dict(stored["optimizer"])

    return apply


def _all_finite(numbers: Any) -> bool:
    return all(map(_all_finite, numbers)) if isinstance(numbers, list) else math.isfinite(numbers)


def _write_all(handle: int, data: bytes) -> None:
    while data:
        data = data[os.write(handle, data) :]


def _mode(path: str) -> int:
    """The permissions of the file that is replaced, or those that a new file gets."""
    try:
        return os.stat(path).st_mode & 0o777
    except OSError:
        mask = os.umask(0o077)
        os.umask(mask)
        return 0o666 & ~mask


def _sync_folder(folder: str) -> None:
    """Make the new name itself survive a loss of power."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    items = dict(pairs)
    if len(items) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return items


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} stands where a finite number belongs")


def _finite_float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:40]} is too large for a float")
    return number
