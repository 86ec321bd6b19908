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

from .layers import MLP, Dropout, Layer, Sequential
from .module import Module
from .optim import Optimizer

FORMAT, VERSION = "chalkgrad checkpoint", 1
LARGEST = 1 << 30  # bytes; a larger file is refused
CHUNK = 1 << 16  # bytes that are written at once


class CheckpointError(AutogradError, ValueError):
    """A checkpoint cannot be written or loaded; the message says which file and why. Nothing was changed."""


def save(
    model: Module, path: str | os.PathLike[str], optimizer: Optimizer | None = None, notes: dict[str, Any] | None = None
) -> None:
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
    if isinstance(path, Module) and isinstance(model, (str, os.PathLike)):
        raise TypeError(f"save takes the model first, and then the path: nn.save(model, {os.fspath(model)!r})")
    write(path, contents(model, optimizer, None, notes))


def load(path: str | os.PathLike[str], model: Module | None = None, optimizer: Optimizer | None = None) -> Module:
    """Read a checkpoint into ``model`` and ``optimizer``, or into a model built as the file describes, and return it.

    From the checkpoint of a run with early stopping come the best parameters so far, unless an optimiser is to go on
    with the last. A model can be built when it is an MLP, or a Sequential of layers, whose activations have names.
    Raises CheckpointError for anything wrong with the file, and FileNotFoundError where there is none; nothing is
    changed then.

    >>> import nn, tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "neuron.json")
    >>> nn.save(nn.Neuron(2, init="ones"), path)
    >>> neuron = nn.load(path, nn.Neuron(2))
    >>> neuron([1.0, 2.0]).data
    3.0
    """
    stored = read(path)
    with blamed_on(os.fspath(path)):
        training = stored.get("training")
        if optimizer is None and isinstance(training, dict) and isinstance(training.get("best_state"), dict):
            stored["model"] = training["best_state"]
        if model is None:
            model = _built(stored)
        prepare(stored, model, optimizer)()
    return model


def read_notes(path: str | os.PathLike[str]) -> dict[str, Any]:
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
        "architecture": _architecture(model),
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict() if optimizer is not None else None,
        "training": training,
        "notes": notes,
    }


def write(path: str | os.PathLike[str], stored: dict[str, Any]) -> None:
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


def check_path(path: str | os.PathLike[str]) -> None:
    """Raise OSError that says what to do where no file can be at that path."""
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"the checkpoint's folder {folder!r} does not exist; make it first")
    if os.path.isdir(path):
        raise IsADirectoryError(f"the checkpoint {os.fspath(path)!r} is a folder; give the path of a file")


def read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return what a file holds, when it is a checkpoint of a version known here."""
    path = os.fspath(path)
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
def blamed_on(path: str) -> Iterator[None]:
    """Turn what goes wrong with the file's contents into a CheckpointError that names the file."""
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


def prepare(stored: dict[str, Any], model: Module, optimizer: Optimizer | None) -> Callable[[], None]:
    """Check everything, and return the function that then changes model and optimiser."""
    pairs = model.match_state(stored["model"])
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


def _architecture(model: Any) -> Any:
    """Describe a model of the layers here, so that ``load`` can build it; None for any other."""
    if type(model) is MLP:
        layers = [_architecture(layer) for layer in model.layers]
        return {"kind": "MLP", "layers": layers} if all(layers) else None
    if type(model) is Layer and model.activation is not None:
        return {
            "kind": "Layer", "nin": model.nin, "nout": model.nout, "activation": model.activation, "bias": model.bias
        }  # fmt: skip
    if type(model) is Dropout:
        return {"kind": "Dropout", "p": model.p}
    if type(model) is Sequential:
        steps = [_architecture(step) for step in model.steps]
        return {"kind": "Sequential", "steps": steps} if all(steps) else None
    return None


def _built(stored: dict[str, Any]) -> Module:
    if stored.get("architecture") is None:
        raise ValueError("it does not say how to build its model; build it yourself and give it to load(path, model)")
    room = sum(map(_count, stored["model"].values()))
    return _build(stored["architecture"], room)


def _build(part: Any, room: int) -> Module:
    """Make what an architecture describes; ``room`` is how many numbers the file has for it."""
    kind = part.get("kind") if isinstance(part, dict) else None
    if kind == "MLP":
        layers = [_built_layer(layer, room) for layer in _list(part, "layers")]
        mlp = MLP(1, [1])
        mlp.layers = layers
        return mlp
    if kind == "Layer":
        return _built_layer(part, room)
    if kind == "Dropout":
        return Dropout(part.get("p"))
    if kind == "Sequential":
        return Sequential(*[_build(step, room) for step in _list(part, "steps")])
    raise ValueError(f"it tells of a part that is not known here: {kind!r}")


def _built_layer(part: Any, room: int) -> Layer:
    if not isinstance(part, dict) or set(part) != {"kind", "nin", "nout", "activation", "bias"}:
        raise ValueError("it tells of a layer without saying nin, nout, activation and bias")
    nin, nout, activation = part["nin"], part["nout"], part["activation"]
    for key, width in (("nin", nin), ("nout", nout)):
        if isinstance(width, bool) or not isinstance(width, int) or not 1 <= width <= room:
            raise ValueError(f"it tells of a layer with {key}={width!r}, and has no numbers for that")
    if nin * nout > room:
        raise ValueError(f"it tells of a layer of {nin} × {nout} weights, and has no numbers for that")
    return Layer(nin, nout, activation=activation, bias=part["bias"], init="zeros")


def _list(part: dict[str, Any], key: str) -> list[Any]:
    if not isinstance(part.get(key), list) or not part[key]:
        raise ValueError(f"it tells of a {part['kind']} without {key}")
    return list(part[key])


def _count(numbers: Any) -> int:
    return sum(map(_count, numbers)) if isinstance(numbers, list) else 1
