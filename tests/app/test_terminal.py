"""What the command writes in a terminal of 80 columns, and in a narrower one: no line is cut by the terminal itself."""

import os
import re
import signal
import struct
import subprocess
import sys

import pytest

import nn
from autograd.app.terminal import fold

pty = pytest.importorskip("pty")  # not on Windows

LONG = "tanh(w*x + b)*exp(w)/3*sin(x*w*b)"
VALUES = ["w=0.5123", "x=2.1", "b=1"]
TRAIN = """
import nn
X, t = nn.data.moons(100, labels=(-1, 1), noise=0.2)
options = dict(loss="hinge", validation_split=0.2, metrics=["accuracy"], lr=0.3)
history = nn.fit(nn.MLP(2, [8, 1], seed=0), X, t, epochs=60, early_stopping=5, **options)
print(history)
"""


def in_terminal(columns, arguments):
    """What a program writes to a terminal that is so wide, as lines; of a bar, each of its states is a line."""
    import fcntl
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")}
    process = subprocess.Popen(
        [sys.executable, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        env=environment | {"PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    os.close(theirs)
    written = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # Linux's way of saying that the other side is closed
            break
        if not piece:
            break
        written += piece
    os.close(ours)
    return process.wait(), re.split("[\r\n]+", written.decode())


@pytest.mark.parametrize("columns", [80, 60])
@pytest.mark.parametrize(
    "arguments",
    [
        ["grad", LONG, *VALUES],
        ["check", LONG, *VALUES],
        ["explain", LONG, *VALUES],
        ["draw", LONG, *VALUES],
        ["grad", "nonesuch(w)", *VALUES],
        ["doctor"],
        ["cache"],
        ["draw", "--help"],
        ["train", "--help"],
        ["--help"],
    ],
    ids=lambda arguments: " ".join(arguments[:2])[:16],
)
def test_no_line_of_the_command_is_wider_than_the_terminal(arguments, columns):
    code, lines = in_terminal(columns, ["-m", "autograd", *arguments])
    wide = [line for line in lines if len(line) > columns and any(len(word) <= columns // 2 for word in line.split())]
    assert [line for line in wide if not re.search(r"/\S{30,}", line)] == []  # but for a path that is as long
    assert code == (2 if "nonesuch(w)" in arguments else 0)


def test_every_number_of_a_derivation_stays_whole(capsys):
    from autograd.app.cli import main

    main(["explain", LONG, *VALUES])
    numbers = re.findall(r"\d+\.\d+", capsys.readouterr().out)
    _, lines = in_terminal(60, ["-m", "autograd", "explain", LONG, *VALUES])
    assert re.findall(r"\d+\.\d+", " ".join(lines)) == numbers


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        (130, ["%|", "epoch 60/60", "loss", "val_loss", "accuracy", "val_accuracy"]),
        (80, ["epoch 60/60", "loss", "val_loss", "accuracy"]),
        (60, ["epoch 60/60", "loss", "val_loss", "accuracy"]),
    ],
)
def test_the_bar_of_fit_keeps_its_numbers(columns, shown):
    _, lines = in_terminal(columns, ["-c", TRAIN.replace("early_stopping=5, ", "")])
    bar = [line for line in lines if "epoch 60/60" in line][-1]
    assert len(bar.rstrip()) <= columns
    assert all(words in bar for words in shown), bar
    assert re.search(r"loss \d\.\d+, val_loss \d\.\d+, accuracy [01](\.\d+)?\b", bar)
    assert not any("stopped" in line for line in lines)


@pytest.mark.parametrize("columns", [80, 60])
def test_an_early_end_says_so_in_the_terminal(columns):
    _, lines = in_terminal(columns, ["-c", TRAIN])
    end = " ".join(lines).split("stopped after", 1)[1]
    reason = r"early stopping \(val_loss has not improved for 5 epochs; the model is as after epoch (\d+)\)"
    epochs, best = re.match(rf" (\d+) of 60 epochs: {reason}", re.sub(" +", " ", end)).groups()
    assert int(epochs) - int(best) == 5
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("History(") for line in lines)


def test_a_callback_an_interrupt_and_a_nan_say_so_too(capsys):
    X, y = nn.data.xor()
    options = {"epochs": 9, "loss": "mse"}

    def enough(training):
        return training.epoch == 3

    nn.fit(nn.MLP(2, [2, 1], seed=0), X, y, callbacks=[enough], **options)
    assert "stopped after 3 of 9 epochs: callback (enough returned True)" in capsys.readouterr().err
    nn.fit(nn.MLP(2, [2, 1], seed=0), X, y, callbacks=[lambda _: signal.raise_signal(signal.SIGINT)], **options)
    assert "stopped after 1 of 9 epochs: interrupted (Ctrl-C)" in capsys.readouterr().err
    with pytest.warns(RuntimeWarning, match="the loss became"):
        nn.fit(nn.MLP(2, [2, 1], activation="linear", seed=0), X, y, optimizer="sgd", lr=1e200, **options)
    assert re.search(r"stopped after \d of 9 epochs: nan loss", capsys.readouterr().err)


def test_a_history_is_printed_in_lines_of_79_columns():
    columns = {"epoch": [1], **{f"metric_number_{i}": [0.123456] for i in range(9)}}
    lines = repr(nn.History(columns)).split("\n")
    assert max(map(len, lines)) <= 79
    assert len(lines) > 2
    assert lines[0].startswith("History(1 epoch, finished: metric_number_0=0.1235,")


def test_what_is_folded_stands_below_its_beginning():
    assert fold("short", 10) == "short"
    assert fold("name      a long text about it", 20) == "name      a long\n          text about\n          it"
    assert fold("│  ├─ a = b × c  [value 1]   ∂y/∂a = 2", 30) == "│  ├─ a = b × c  [value 1]\n│  │     ∂y/∂a = 2"
    assert fold("a/very/long/path/that/stays", 10) == "a/very/long/path/that/stays"
