import sys

import pytest
from IPython.core.formatters import DisplayFormatter

import nn
from autograd import MissingExtraError
from autograd.errors import require


def markers(ax):
    """The shapes of the points, one for each label."""
    return [
        tuple(map(tuple, points.get_paths()[0].vertices.round(3)))
        for points in ax.collections
        if len(points.get_offsets()) > 1
    ]


def test_boundary_of_two_labels_of_any_kind():
    X, y = nn.data.moons(20)
    _, (ax,) = nn.plot.figure()
    fig = nn.plot.boundary(nn.MLP(2, [3, 1], seed=0), X, [float(t) for t in y], ax=ax, steps=5)
    assert fig is ax.figure
    assert [text.get_text() for text in ax.legend().get_texts()] == ["label 0", "label 1"]


def test_boundary_makes_a_figure_of_its_own_where_it_is_given_no_axes():
    X, y = nn.data.moons(20, labels=(-1, 1))
    fig = nn.plot.boundary(nn.MLP(2, [3, 1], seed=0), X, y, steps=5)
    (ax,) = fig.axes
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["label -1", "label +1"]


def test_each_of_several_classes_has_a_region_with_a_hatching_and_a_marker_of_its_own():
    X, y = nn.data.spirals(60, classes=3)

    def thirds(row):
        return [row[0], -row[0], 0.1]

    (ax,) = nn.plot.boundary(thirds, X, y, steps=21).axes
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["class 0", "class 1", "class 2"]
    drawn = [hatch for region in ax.collections for hatch in (getattr(region, "hatches", None) or [])]
    hatches = [hatch for hatch in drawn if hatch is not None]
    assert len(hatches) == len(set(hatches)) == 3
    assert len(set(markers(ax))) == 3
    shares = nn.plot.boundary(thirds, X, [[float(i == t) for i in range(3)] for t in y], steps=5)
    assert len(markers(shares.axes[0])) == 3


def line(fig):
    """The places on the line between the sides of two labels."""
    (drawn,) = [c for c in fig.axes[0].collections if getattr(c, "levels", None) is not None and len(c.levels) == 1]
    return [point for path in drawn.get_paths() for point in path.vertices]


@pytest.mark.parametrize(
    ("score", "labels", "options", "place"),
    [
        (lambda x: x[0], (-1, 1), {}, 0.0),
        (lambda x: x[0], (0, 1), {}, 0.0),
        (lambda x: 1 / (1 + 2.718281828 ** -(x[0] - 0.3)), (0, 1), {}, 0.3),
        (lambda x: x[0], (0, 1), {"threshold": 0.5}, 0.5),
    ],
    ids=["signs", "scores", "probabilities", "asked for"],
)
def test_the_line_is_where_the_decision_changes(score, labels, options, place):
    X, y = nn.data.moons(40, labels=labels)
    points = line(nn.plot.boundary(score, X, y, steps=101, **options))
    assert points
    assert all(abs(x - place) < 0.01 for x, _ in points)


def test_boundary_evaluates_the_model_and_leaves_its_mode():
    X, y = nn.data.moons(20, labels=(-1, 1))
    model = nn.Sequential(
        nn.Layer(2, 4, activation="tanh", seed=1), nn.Dropout(0.9), nn.Layer(4, 1, activation="linear", seed=2)
    )
    model.train()
    first, second = (nn.plot.boundary(model, X, y, steps=9) for _ in range(2))
    assert [tuple(p) for p in line(first)] == [tuple(p) for p in line(second)]
    assert model.training


def test_boundary_says_what_it_cannot_draw():
    X, y = nn.data.spirals(20, classes=3)
    with pytest.raises(ValueError, match="one score tells two labels apart, and y has 3; make its last layer as wide"):
        nn.plot.boundary(nn.MLP(2, [1], seed=0), X, y)
    with pytest.raises(ValueError, match="y has the label 2, which is no index of the 2 scores"):
        nn.plot.boundary(nn.MLP(2, [2], seed=0), X, y)
    with pytest.raises(ValueError, match="two inputs, and the rows of X have 3"):
        nn.plot.boundary(nn.MLP(3, [1], seed=0), [[1.0, 2.0, 3.0]], [1])
    with pytest.raises(ValueError, match="steps is a whole number of at least 2"):
        nn.plot.boundary(nn.MLP(2, [1], seed=0), X, [t % 2 for t in y], steps=1)


def test_curves_differ_in_more_than_their_colours():
    history = nn.History({"epoch": [1, 2], "loss": [0.5, 0.4], "val_loss": [0.6, 0.5], "accuracy": [0.5, 1.0]})
    left, right = history.plot().axes
    assert len({drawn.get_linestyle() for drawn in left.lines}) == 2
    assert [drawn.get_label() for drawn in right.lines] == ["accuracy"]


def test_a_notebook_shows_a_figure_that_is_the_last_word_of_a_cell():
    history = nn.History({"epoch": [1, 2], "loss": [0.5, 0.4]})
    formats, _ = DisplayFormatter().format(history.plot())
    assert formats["image/png"].startswith((b"\x89PNG", "iVBOR"))


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
