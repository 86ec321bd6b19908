import sys

import pytest

import nn
from autograd import MissingExtraError
from autograd.errors import require


def test_boundary_of_two_labels_of_any_kind():
    X, y = nn.data.moons(20)
    _, (ax,) = nn.plot.figure()
    nn.plot.boundary(ax, nn.MLP(2, [3, 1], seed=0), X, [float(t) for t in y], steps=5)
    assert [text.get_text() for text in ax.legend().get_texts()] == ["label +0", "label +1"]


def test_boundary_needs_one_score_and_two_labels():
    X, y = nn.data.spirals(20, classes=3)
    _, (ax,) = nn.plot.figure()
    with pytest.raises(ValueError, match="two labels, and y has 3"):
        nn.plot.boundary(ax, nn.MLP(2, [1], seed=0), X, y)
    with pytest.raises(ValueError, match="the model gives 2 numbers"):
        nn.plot.boundary(ax, nn.MLP(2, [2], seed=0), X, [t % 2 for t in y])


def test_without_matplotlib_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    history = nn.History({"epoch": [1], "loss": [0.5]})
    for draw in (nn.plot.figure, history.plot):
        with pytest.raises(MissingExtraError, match=r"a curve needs the package .* pip install 'chalkgrad\[plot\]'"):
            draw()


def test_a_broken_installation_says_itself_what_is_wrong(tmp_path, monkeypatch):
    (tmp_path / "broken_package.py").write_text("raise ImportError('libpng.so.9: cannot open shared object file')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportError, match=r"^libpng\.so\.9"):
        require("broken_package", "plot", "a curve")
