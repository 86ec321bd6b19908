"""What was compiled is not compiled twice: in one process, and in the next."""

from __future__ import annotations

import os
import pickle
import random
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from autograd import Value, exp, jit, polygamma, tanh
from autograd.compiler.call import batched, cache, known, machine


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the test's own, in which everything is kept, however short it took."""
    place = tmp_path / "kept"
    monkeypatch.setenv("CHALKGRAD_CACHE", str(place))
    monkeypatch.setattr(machine, "WORTH_KEEPING", 0.0)
    monkeypatch.setattr(known, "WORTH_KEEPING", 0.0)
    known.forget()
    return place


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()} if folder.exists() else set()


def fitted(**options: Any) -> list[float]:
    chance = random.Random(1)
    model = options.pop("model", None) or nn.MLP(2, [4, 1], seed=1)
    model = model if isinstance(model, nn.Module) else model()
    X = [[chance.gauss(0.0, 1.0), chance.gauss(0.0, 1.0)] for _ in range(20)]
    settings = {"epochs": 2, "batch_size": 10, "jit": True, "progress": False, "optimizer": "sgd", "lr": 0.1} | options
    nn.fit(model, X, [sum(x) for x in X], **settings)
    return [p.data for p in model.parameters()]


@pytest.mark.parametrize("kind", ["sum", "mean"])
def test_the_text_of_a_long_program_is_written_once(folder: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Its loops are found and written by one process; another one, or another jit, takes the text, to the same bits."""
    monkeypatch.setattr(machine, "LONG", 0)
    split, count = batched.split, []
    monkeypatch.setattr(batched, "split", lambda *args: count.append(args) or split(*args))
    X = np.linspace(-1.0, 1.0, 50).reshape(25, 2)

    def run(power: float) -> list[float]:
        f = jit(
            lambda w, x: [(tanh(w * x[0]) * x[1] ** power), exp(w) + x[0], polygamma(1, 2.0 + x[0])], in_axes=(None, 0)
        )
        return [float(x) for x in getattr(f, kind)(0.75, X)]

    first = run(3.0)
    assert len(count) == 1
    assert run(3.0) == first
    assert len(count) == 1
    assert run(2.0) != first  # another constant is another program
    assert len(count) == 2
    for file in folder.iterdir():  # entries of something else, well formed; machine code is another matter
        name = file.name.removesuffix(cache.ENDING)
        if (cache.load(name) or b"").startswith(pickle.PROTO):
            cache.store(name, pickle.dumps([1, 2, 3]))
    assert run(3.0) == first
    assert len(count) == 3


def test_nothing_is_kept_where_the_folder_is_off() -> None:
    assert cache.load("a" * 64) is None  # nothing is kept where the folder is off


def test_entries(folder: Path) -> None:
    key = cache.key_of("some", b"thing")
    assert cache.load(key) is None
    cache.store(key, b"bytes")
    assert cache.load(key) == b"bytes"
    cache.store(key, b"others")
    assert cache.load(key) == b"others"
    assert cache.key_of("som", "ething") != key
    assert len(names(folder)) == 1
    assert cache.clear() == (1, len(b"chalkgrad 1\n") + 32 + 6)
    assert cache.load(key) is None
    assert names(folder) == set()


@pytest.mark.parametrize("damage", [b"", b"chalkgrad 1\n", b"something else, of any length that you like to have here"])
def test_a_damaged_entry_is_ignored_and_replaced(folder: Path, damage: bytes) -> None:
    f = jit(lambda x: x * x + 3.0)
    assert f(2.0) == 7.0
    (entry,) = folder.iterdir()
    whole = entry.read_bytes()
    for bad in (damage, whole[:-1], whole[:60] + b"\0" + whole[61:]):
        entry.write_bytes(bad)
        assert jit(lambda x: x * x + 3.0)(2.0) == 7.0
        assert entry.read_bytes() == whole


def test_an_entry_of_another_kind_is_ignored(folder: Path) -> None:
    expected = fitted()
    for file in folder.iterdir():
        for content in (b"no pickle", b"\x80\x04N."):  # the second is None
            cache.store(file.name.removesuffix(cache.ENDING), content)
    known.forget()
    with pytest.MonkeyPatch.context() as patch:  # code must be what its key says: this is about programs
        patch.setattr(machine.cache, "load", lambda key: None)
        assert fitted() == expected


@pytest.mark.skipif(os.name != "posix", reason="who may write is asked in POSIX's way")
def test_nothing_is_read_where_others_can_write(folder: Path) -> None:
    key = cache.key_of("a")
    cache.store(key, b"mine")
    (entry,) = folder.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(entry.stat().st_mode) == 0o600
    for thing in (folder, entry):
        before = thing.stat().st_mode
        for more in (stat.S_IWGRP, stat.S_IWOTH):
            thing.chmod(before | more)
            assert cache.load(key) is None
        thing.chmod(before)
    assert cache.load(key) == b"mine"
    folder.chmod(0o777)
    cache.store(cache.key_of("b"), b"more")
    assert "others can write there" in cache.report()
    folder.chmod(0o700)
    assert names(folder) == {entry.name}
    elsewhere = folder.parent / "elsewhere"
    entry.rename(elsewhere)
    entry.symlink_to(elsewhere)  # which could point to a file of somebody else
    assert cache.load(key) is None


def test_a_folder_that_cannot_be(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setenv("CHALKGRAD_CACHE", str(file / "inside"))
    assert jit(lambda x: x * 2.0)(2.0) == 4.0
    monkeypatch.setenv("CHALKGRAD_CACHE", str(file))
    assert jit(lambda x: x * 2.0)(2.0) == 4.0
    assert cache.clear() == (0, 0)


def test_the_folder_is_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "LARGEST", 1_000)
    keys = [cache.key_of(str(k)) for k in range(4)]
    for k, key in enumerate(keys[:3]):
        cache.store(key, bytes(250))
        os.utime(folder / f"{key}{cache.ENDING}", (k, k))
    assert cache.load(keys[0]) is not None  # so it was used last
    cache.store(keys[3], bytes(250))
    assert [cache.load(key) is not None for key in keys] == [False, False, False, True]
    assert sum(file.stat().st_size for file in folder.iterdir()) <= 1_000


def test_a_second_fit_traces_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    traced: list[str] = []
    original = type(jit(lambda x: x))._trace  # of the class that all compiled functions share

    def counted(self: Any, fn: Any, *rest: Any) -> Any:
        traced.append(fn.__name__)
        return original(self, fn, *rest)

    monkeypatch.setattr("autograd.compiler.api.Jitted._trace", counted)
    expected = fitted()
    assert traced == ["_sample", "_update"]
    assert fitted() == expected
    assert len(traced) == 2
    known.forget()  # as in the next process
    assert fitted() == expected
    assert len(traced) == 2
    different = [
        {"lr": 0.1, "optimizer": "adam"}, {"loss": "huber"}, {"clip_norm": 1.0}, {"clip_value": 0.1},
        {"model": lambda: nn.MLP(2, [5, 1], seed=1)}, {"model": lambda: nn.MLP(2, [4, 1], activation="tanh", seed=1)},
    ]  # fmt: skip
    for options in different:
        traced.clear()
        compiled = fitted(**options)
        assert traced, options
        assert compiled == pytest.approx(fitted(**options, jit=False), rel=1e-9)


def test_a_frozen_parameter_is_another_content(folder: Path) -> None:
    fitted()
    model, plain = nn.MLP(2, [4, 1], seed=1), nn.MLP(2, [4, 1], seed=1)
    for each in (model, plain):
        each.layers[0].neurons[1].b.requires_grad = False
    assert fitted(model=model) == pytest.approx(fitted(model=plain, jit=False), rel=1e-12)
    assert model.layers[0].neurons[1].b.data == 0.0


def test_what_the_user_wrote_has_no_content(folder: Path) -> None:
    """A model of the user's may compute anything: it is traced each time."""

    class Mine(nn.Module):
        def __init__(self, factor: float) -> None:
            self.w, self.factor = Value(0.5), factor

        def forward(self, x: Any) -> Any:
            return self.w * x[0] * factors[0] + x[1]

    factors = [1.0]
    first = fitted(model=Mine(1.0))
    factors[0] = 2.0
    assert fitted(model=Mine(1.0)) != first
    mine = lambda predictions, targets: nn.mse(predictions, targets) * factors[0]
    first = fitted(loss=mine)
    factors[0] = 3.0
    assert fitted(loss=mine) != first


def test_the_next_process_finds_it(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import sys\n"
        "from autograd import jit\n"
        "from autograd.compiler.call import machine\n"
        "machine.WORTH_KEEPING = 0.0\n"
        "f = jit(lambda xs, y: [x.exp() * y + xs[0] // y for x in xs])\n"
        "print(f([1.0, 2.5], 3.0), len(list(machine.cache.entries())))\n"
    )
    place = tmp_path / "kept"
    environment = os.environ | {"CHALKGRAD_CACHE": str(place)}
    outputs, files = [], []
    for _ in range(3):
        done = subprocess.run([sys.executable, program], capture_output=True, text=True, env=environment, check=True)
        outputs.append(done.stdout)
        files.append({file.name: file.read_bytes() for file in place.iterdir()})
    assert outputs[0] == outputs[1] == outputs[2]
    assert files[0] == files[1] == files[2]  # the same code, which names nothing by its address


def test_two_processes_at_once(tmp_path: Path) -> None:
    program = "from autograd import jit\nfrom autograd.compiler.call import machine\nmachine.WORTH_KEEPING = 0.0\n"
    program += "for k in range(20):\n    assert jit(lambda x: x * k)(2.0) == 2.0 * k\n"
    environment = os.environ | {"CHALKGRAD_CACHE": str(tmp_path / "kept")}
    running = [subprocess.Popen([sys.executable, "-c", program], env=environment) for _ in range(3)]
    assert [process.wait() for process in running] == [0, 0, 0]
    assert {Path(name).suffix for name in names(tmp_path / "kept")} == {cache.ENDING}


def test_what_was_quick_to_compile_is_not_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "WORTH_KEEPING", 60.0)
    assert jit(lambda x: x * 5.0)(2.0) == 10.0
    assert names(folder) == set()


def test_the_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from autograd.app.cli import main

    cache.store(cache.key_of("a"), bytes(10**6))
    assert main(["cache"]) == 0
    assert capsys.readouterr().out == f"{folder} (1 entry, 1.0 MB)\n"
    assert main(["cache", "--clear"]) == 0
    assert capsys.readouterr().out == f"removed 1 entry, 1.0 MB\n{folder} (0 entries, 0.0 MB)\n"
    assert main(["doctor"]) == 0
    assert f"keeps code      {folder} (0 entries" in capsys.readouterr().out


def test_the_sources_are_part_of_what_a_program_is_known_by(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fitted()
    before = names(folder)
    monkeypatch.setattr(cache, "sources", lambda: "of another version")
    known.forget()
    fitted()
    assert len(names(folder) - before) == 2  # the programs of sample and update; their code is the same


def own_rule(p: Any, g: Any, state: Any, t: Any, *rest: Any, **options: Any) -> Any:
    return p - 0.01 * g, state


class Slow(nn.SGD):
    rule = staticmethod(own_rule)


def test_changed_methods_are_another_fingerprint(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a class of this package, of an optimiser, and of a subclass of the user's."""

    def with_rule() -> list[float]:
        model = nn.MLP(2, [4, 1], seed=1)
        optimizer = nn.SGD(model.parameters(), lr=0.1)
        optimizer.rule = own_rule  # type: ignore[method-assign]
        return fitted(model=model, optimizer=optimizer, lr=None)

    def with_subclass(**options: Any) -> list[float]:
        model = nn.MLP(2, [4, 1], seed=1)
        return fitted(model=model, optimizer=Slow(model.parameters(), lr=0.1), lr=None, **options)

    plain = fitted()
    assert with_rule() == with_subclass() != plain
    assert with_subclass(jit=False) == pytest.approx(with_subclass(), rel=1e-12)
    original = nn.MLP.forward
    monkeypatch.setattr(nn.MLP, "forward", lambda self, x: 2.0 * original(self, x))
    assert fitted() == pytest.approx(fitted(jit=False), rel=1e-9)
    assert fitted() != plain


@pytest.mark.parametrize("note", [{1: 2, "a": 3}, {nn.MLP: 1}, "itself", "circle"])
def test_odd_attributes_of_a_model_are_no_fingerprint(folder: Path, note: Any) -> None:
    model, plain = nn.MLP(2, [4, 1], seed=1), fitted()
    circle: list[Any] = [1.0]
    circle.append(circle)
    model.note = model if note == "itself" else circle if note == "circle" else note
    assert fitted(model=model) == plain


@pytest.mark.parametrize("chosen", ["off", " Off ", "0", "none", "False", "no", ""])
def test_words_for_no_folder(chosen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHALKGRAD_CACHE", chosen)
    assert cache.folder() is None
    assert cache.report() == "nowhere: CHALKGRAD_CACHE is off"
