"""`LivePlot`: one picture that is drawn anew while a model is trained, and a bar that is not red, in a notebook."""

import base64
import sys
import types

import IPython
import nbclient
import nbformat
import pytest

import nn
from autograd import MissingExtraError
from nn import live

X, Y = nn.data.moons(30, labels=(-1, 1))


class Notebook:
    """A front end: what is displayed, by the display that shows it."""

    def __init__(self):
        self.displays = []

    def display(self, data, raw=False, display_id=None):
        assert raw
        assert display_id
        shown = [data]
        self.displays.append(shown)
        return types.SimpleNamespace(update=lambda data, raw: shown.append(data))


@pytest.fixture
def notebook(monkeypatch):
    front = Notebook()
    monkeypatch.setattr(IPython, "get_ipython", lambda: types.SimpleNamespace(kernel=object()))
    monkeypatch.setattr("IPython.display.display", front.display)
    return front


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on by a tenth of a second whenever it is asked."""
    now = [100.0]

    def monotonic():
        now[0] += 0.1
        return now[0]

    monkeypatch.setattr(live.time, "monotonic", monotonic)
    return now


def train(callback, epochs=20, **options):
    model = nn.MLP(2, [3, 1], seed=0)
    return nn.fit(model, X, Y, loss="hinge", epochs=epochs, callbacks=[callback], progress=False, **options)


def test_one_display_is_drawn_anew_not_too_often_and_at_the_end(notebook, clock):
    history = train(nn.LivePlot(every=1.0), epochs=40)
    (shown,) = notebook.displays
    assert 2 < len(shown) <= 6  # 40 epochs take 4 seconds here, and the last picture is that of the end
    for data in shown:
        assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    epochs = [int(data["text/plain"].split()[0].removeprefix("History(")) for data in shown]
    assert epochs[0] == 1
    assert epochs == sorted(set(epochs))
    assert epochs[-1] == len(history) == 40


@pytest.mark.parametrize("options", [{"metrics": ["accuracy"], "validation_split": 0.2}, {}])
def test_the_boundary_is_beside_the_curves(notebook, options, monkeypatch):
    figures = []
    curves = nn.plot.curves
    monkeypatch.setattr(nn.plot, "curves", lambda *given, **more: figures.append(curves(*given, **more)) or figures[-1])
    train(nn.LivePlot(X, Y), epochs=2, **options)
    fig, axes = figures[-1]
    assert [ax.get_xlabel() for ax in axes] == ["epoch"] * (2 if options else 1) + ["x₁"]
    assert fig._suptitle.get_text() == "epoch 2"


def test_each_run_has_a_picture_of_its_own_and_an_early_end_is_drawn(notebook):
    callback = nn.LivePlot(every=100.0)
    for _ in range(2):
        history = train(callback, epochs=50, early_stopping=nn.EarlyStopping(1, min_delta=10.0))
        assert history.stopped == "early stopping"
    assert len(notebook.displays) == 2
    for shown in notebook.displays:
        assert f"History({len(history)} epochs" in shown[-1]["text/plain"]


def test_in_a_terminal_it_says_once_that_it_draws_nothing(capsys):
    callback = nn.LivePlot(X, Y)
    train(callback, epochs=3)
    train(callback, epochs=3)
    assert capsys.readouterr().err == "LivePlot draws in a notebook only; here, history.plot() draws at the end\n"


def test_what_it_is_given_is_checked(notebook, monkeypatch):
    with pytest.raises(ValueError, match="both the samples X and their labels y"):
        nn.LivePlot(X)
    with pytest.raises(ValueError, match="two inputs, and the rows of X have 3"):
        nn.LivePlot([[1.0, 2.0, 3.0]], [1.0])
    with pytest.raises(ValueError, match=r"at least 0\.5"):
        nn.LivePlot(every=0.1)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"a live plot needs .*chalkgrad\[plot\]"):
        nn.LivePlot()


@pytest.mark.notebook
def test_in_a_real_notebook_there_is_one_picture_and_nothing_is_red(tmp_path):
    cell = nbformat.v4.new_code_cell(
        "import nn\n"
        "X, y = nn.data.moons(30, labels=(-1, 1))\n"
        "stop = nn.EarlyStopping(2, min_delta=10.0)\n"
        "history = nn.fit(nn.MLP(2, [3, 1], seed=0), X, y, loss='hinge', epochs=30, early_stopping=stop,\n"
        "                 callbacks=[nn.LivePlot(X, y)])"
    )
    notebook = nbformat.v4.new_notebook(cells=[cell])
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = notebook.cells[0].outputs
    assert [output.output_type for output in outputs].count("display_data") >= 1
    assert len([output for output in outputs if "image/png" in output.get("data", {})]) == 1
    assert not [output for output in outputs if output.get("name") == "stderr"]
    text = "".join(output.text for output in outputs if output.output_type == "stream")
    assert "of 30 epochs: early stopping (loss has not improved for 2 epochs" in text
