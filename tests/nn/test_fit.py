import csv
import dataclasses
import math
import os
import signal
import subprocess
import sys
import textwrap
import threading
import warnings

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

import nn
from autograd import Value, no_grad

X, Y = nn.data.moons(24, noise=0.1, seed=3, labels=(-1, 1))


def model(seed=1):
    return nn.MLP(2, [4, 1], activation="tanh", seed=seed)


def fit(net, X=X, y=Y, **options):
    return nn.fit(
        net, X, y, **{"loss": "hinge", "epochs": 5, "batch_size": 8, "progress": False, "lr": 0.05, **options}
    )


def test_is_the_loop_written_by_hand_to_the_bit():
    a, b = model(), model()
    history = fit(a, shuffle=False, optimizer="sgd", epochs=3)
    optimizer = nn.SGD(b.parameters(), lr=0.05)
    for epoch in range(3):
        total = 0.0
        for start in range(0, 24, 8):
            loss = nn.hinge([b(x) for x in X[start : start + 8]], Y[start : start + 8])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.data * 8
        assert history["loss"][epoch] == total / 24
    assert a.state_dict() == b.state_dict()


def test_same_seed_same_bits_and_another_seed_another_order():
    runs = {}
    for seed in (0, 0, 1):
        net = nn.Sequential(
            nn.Layer(2, 6, activation="tanh", seed=1), nn.Dropout(0.3), nn.Layer(6, 1, activation=None, seed=2)
        )
        history = fit(net, seed=seed, validation_split=0.25)
        runs.setdefault(seed, []).append((history.columns, net.state_dict()))
    assert runs[0][0] == runs[0][1]
    assert runs[0][0] != runs[1][0]


@given(
    st.integers(1, 9), st.integers(1, 10) | st.none(), st.sampled_from(["sgd", "adam", "adamw", "rmsprop", "adagrad"]),
    st.booleans(), st.sampled_from(["mse", "mae", "huber", "half_squared_error"]), st.integers(1, 3),
)  # fmt: skip
@settings(max_examples=40)
def test_any_sizes_and_options(samples, batch, optimizer, shuffle, loss, width):
    rows = [[0.1 * i, 1.0 - 0.2 * i] for i in range(samples)]
    targets = [0.5 * i for i in range(samples)] if width == 1 else [[0.5 * i] * width for i in range(samples)]
    net = nn.MLP(2, [1, width], activation="tanh", seed=0)  # a hidden layer of width 1, and one-sample batches
    before = net.state_dict()
    history = fit(net, rows, targets, batch_size=batch, optimizer=optimizer, shuffle=shuffle, loss=loss, epochs=2)
    assert history["epoch"] == [1, 2]
    assert all(map(math.isfinite, history["loss"]))
    assert net.state_dict() != before


def test_lists_arrays_and_frames_give_the_same_bits():
    kinds = [
        (X, Y),
        (np.array(X), np.array(Y)),
        (np.array(X, dtype=np.float64), np.array(Y).reshape(-1, 1)),
        (pd.DataFrame(X, columns=["a", "b"]), pd.Series(Y)),
        (pd.DataFrame(X), pd.DataFrame({"t": Y})),
        ([tuple(row) for row in X], tuple(Y)),
        ([np.array(row) for row in X], [float(t) for t in Y]),
    ]
    states = []
    for rows, targets in kinds:
        net = model()
        fit(net, rows, targets)
        states.append(net.state_dict())
    assert all(state == states[0] for state in states)
    one = nn.MLP(1, [1], init="zeros")
    fit(one, [1.0, 2.0], [1.0, 2.0], loss="mse")  # a column of numbers


@pytest.mark.parametrize(
    ("rows", "targets", "message"),
    [
        ([], [], "X is empty"),
        ([[1.0, 2.0]], [], "y is empty"),
        ([[1.0, 2.0]], [1, 1], "these have 1 and 2"),
        ([[1.0, 2.0], [1.0]], [1, 1], "row 1 of X is a list of 1, and row 0 is a list of 2"),
        ([[1.0, 2.0], 1.0], [1, 1], "row 1 of X is one number"),
        ([[1.0, math.nan]], [1], "row 0, column 1 of X is nan"),
        ([[1.0, 2.0]], [math.inf], "row 0 of y is inf"),
        ([[1.0, 10**400]], [1], r"row 0, column 1 of X is 1000\d*\.\.\.0+; remove"),
        ([[np.complex64(1j), 1.0]], [1], "column 0 of X is np.complex64"),
        ([[[1.0], [2.0]]], [1], "column 0 of X is a list; X is a table"),
        ({1.0, 2.0}, [1, 1], "X is a list, an array or a data frame, and set"),
        ([[1.0, 2.0]], None, "y is a list, an array or a data frame, and NoneType"),
        ([["a", 2.0]], [1], "row 0, column 0 of X is 'a', a str"),
        ([[None, 2.0]], [1], "row 0, column 0 of X is None"),
        (pd.DataFrame({"u": [1.0], "v": [math.nan]}), [1], "row 0, column v of X is nan"),
        (pd.DataFrame({"u": [1.0], "v": ["x"]}), [1], "row 0, column v of X is 'x'"),
        ("text", [1], "X is a list, an array or a data frame, and str"),
        (3, [1], "X is a list, an array or a data frame, and int"),
        ([[]], [1], "the rows of X are empty"),
        ([[1.0, 2.0, 3.0]], [1], "takes a list of 2 inputs, and 3 were given"),
        ([[1.0, 2.0]], [[1.0, 1.0]], "one prediction needs one target"),
    ],
)
def test_bad_data_says_where(rows, targets, message):
    net = model()
    before = net.state_dict()
    with pytest.raises(ValueError, match=message):
        fit(net, rows, targets)
    assert net.state_dict() == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "hing"}, "no loss is called 'hing'"),
        ({"optimizer": "addam"}, "no optimiser is called 'addam'; the names are adam, adamw, sgd"),
        ({"optimizer": 5}, "no optimiser is called 5; the names are"),
        ({"optimizer": nn.SGD([Value(1.0)]), "lr": 0.1}, "leave lr out"),
        ({"optimizer": nn.SGD([Value(1.0)]), "lr": None}, "holds none of the model's parameters"),
        ({"metrics": ["accuracies"]}, "no metric is called 'accuracies'; the names are accuracy"),
        ({"epochs": 0}, "epochs is a whole number of at least 1, and 0"),
        ({"batch_size": 2.5}, "batch_size is a whole number"),
        ({"validation_split": 1.5}, r"test_size in \(0, 1\)"),
        ({"validation_data": X}, r"a pair \(X, y\)"),
        ({"validation_data": (X, Y[1:])}, "validation X and y have one row"),
        ({"early_stopping": nn.EarlyStopping(monitor="val_acc")}, "watches 'val_acc', and the columns are epoch, loss"),
        ({"early_stopping": 0}, "patience is a whole number"),
        ({"early_stopping": "soon"}, "patience is a whole number of at least 1, and 'soon'"),
        ({"resume": True}, "name it with checkpoint="),
        ({"clip_norm": -1}, "clip_norm is a number above 0"),
        ({"clip_norm": "1"}, "clip_norm is a number above 0, and '1'"),
        ({"lr": "fast"}, "lr is a finite number of at least 0, and 'fast'"),
        ({"metrics": [lambda o, t: 1.0, lambda o, t: 2.0]}, "two columns called '<lambda>'"),
        ({"metrics": [nn.rmse, "rmse"]}, "two columns called 'rmse'"),
        ({"loss": "cross_entropy"}, "cross_entropy needs a score for each class, and the model gives one number"),
        ({"clip_value": 0}, "clip_value is a number above 0"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        fit(model(), **options)
    with pytest.raises(TypeError, match="a loss gives one Value, and this one gave float"):
        fit(model(), loss=lambda o, t: 1.0)


def test_what_cannot_be_trained_or_stored_is_said_first(tmp_path):
    for call, error, message in [
        (lambda: nn.fit(lambda x: x, X, Y), TypeError, "fit trains a Module, and function"),
        (lambda: fit(model(), schedule=3), TypeError, "a Schedule made for this optimiser, .* and 3 was given"),
        (lambda: fit(model(), schedule=nn.StepLR(nn.SGD([Value(1.0)]), 2)), TypeError, "a StepLR of another was"),
        (lambda: fit(model(), checkpoint=tmp_path / "no" / "c.json"), FileNotFoundError, "does not exist; make it"),
        (lambda: fit(model(), checkpoint=tmp_path), IsADirectoryError, "is a folder"),
        (lambda: fit(model().requires_grad_(False)), ValueError, "every parameter of the model is frozen"),
        (lambda: fit(model(), callbacks=3), TypeError, "callbacks is a function or a list of them, and 3"),
        (lambda: fit(model(), metrics=lambda o, t: None), TypeError, "the metric <lambda> is to give one number"),
        (lambda: nn.save(3, tmp_path / "c.json"), TypeError, "a checkpoint holds a Module, and int"),
    ]:
        with pytest.raises(error, match=message):
            call()
    assert list(tmp_path.iterdir()) == []


def test_whole_numbers_of_numpy_are_whole_numbers(tmp_path):
    options = {"epochs": np.int64(2), "batch_size": np.int32(8), "early_stopping": np.int64(3), "seed": np.int64(0)}
    assert fit(model(), checkpoint=tmp_path / "c.json", **options).columns == fit(model(), epochs=2).columns


@pytest.mark.parametrize("loss", ["mse", "mae", "huber", "half_squared_error"])
def test_a_target_of_another_shape_is_said_before_anything_changes(loss):
    net = nn.MLP(2, [3, 1], seed=0)
    before = net.state_dict()
    with pytest.raises(ValueError, match="one prediction needs one target"):
        fit(net, X[:3], [[1.0, 2.0]] * 3, loss=loss, batch_size=1)
    assert net.state_dict() == before


def test_cross_entropy_is_not_evaluated_on_single_scores():
    with pytest.raises(ValueError, match="needs a score for each class"):
        nn.evaluate(model(), [[1.0, 2.0], [0.0, 1.0]], [0, 1], loss="cross_entropy")


def test_an_infinite_or_nan_measure_is_never_the_best(tmp_path):
    """Where the first epoch measures none, the best is the first finite one; the run can be stored all along."""
    measures = [math.nan, math.inf, 3.0, 2.0, 4.0, 5.0]
    states = []

    def odd(outputs, targets):
        return measures[len(states)]

    net = model()
    history = fit(
        net, epochs=6, metrics=odd, early_stopping=nn.EarlyStopping(3, monitor="odd"),
        callbacks=lambda training: states.append(training.model.state_dict()), checkpoint=tmp_path / "c.json",
        schedule=nn.ReduceLROnPlateau,
    )  # fmt: skip
    assert history["odd"][2:] == measures[2:]
    assert net.state_dict() == states[3]


def test_metrics_of_huge_numbers_are_infinite_and_no_error():
    assert nn.rmse([1e200], [0.0]) == math.inf
    assert nn.rmse([1e308] * 3, [-1e308] * 3) == math.inf
    assert nn.r2([1e200, -1e200], [0.0, 1.0]) == -math.inf
    assert math.isnan(nn.r2([math.nan, 1.0], [0.0, 1.0]))


def test_one_metric_and_one_callback_need_no_list():
    assert fit(model(), metrics="accuracy", callbacks=lambda training: training.epoch == 2)["accuracy"][1] >= 0.0
    assert nn.evaluate(model(), X, Y, metrics=nn.rmse)["rmse"] > 0.0


def test_a_loss_that_turns_nan_stops_and_says_where():
    net = model()

    def poisoned(o, t):
        poisoned.calls += 1
        return nn.hinge(o, t) * (math.nan if poisoned.calls == 5 else 1.0)

    poisoned.calls = 0
    with pytest.warns(RuntimeWarning, match="nan in epoch 2, batch 2 of 3"):
        history = fit(net, loss=poisoned)
    assert history.stopped == "nan loss"
    assert len(history) == 1
    assert all(math.isfinite(p.data) for p in net.parameters())


def test_metrics_validation_and_history(tmp_path):
    def worst(predictions, targets):
        return max(abs(o - t) for o, t in zip(predictions, targets, strict=True))

    net = model()
    history = fit(net, metrics=["accuracy", worst], validation_split=0.25, epochs=4)
    assert list(history.columns) == [
        "epoch",
        "loss",
        "lr",
        "accuracy",
        "worst",
        "val_loss",
        "val_accuracy",
        "val_worst",
    ]
    assert len(history) == 4
    assert "val_loss" in history
    xs, held, _, targets = nn.data.train_test_split(X, Y, 0.25, 0)
    assert nn.evaluate(net, held, targets, loss="hinge", metrics=["accuracy"]) == {
        "loss": history["val_loss"][-1],
        "accuracy": history["val_accuracy"][-1],
    }
    assert nn.predict(net, xs) == [net(x).data for x in xs]
    history.to_csv(tmp_path / "h.csv")
    with open(tmp_path / "h.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["val_loss"]) for row in rows] == history["val_loss"]
    history.plot(tmp_path / "h.png", log=True)
    assert (tmp_path / "h.png").read_bytes().startswith(b"\x89PNG")
    assert history.best("worst", mode="max") in (1, 2, 3, 4)
    assert repr(history).startswith("History(4 epochs, finished: loss=")
    with pytest.raises(KeyError, match="no column is called 'acc'"):
        history["acc"]
    assert repr(nn.History()) == "History(no epochs)"
    assert fit(model(), validation_data=(X[:4], Y[:4]), epochs=1)["val_loss"]


def test_accuracy_of_logits_is_measured_at_zero():
    labels = [(t + 1) // 2 for t in Y]
    net = model()
    history = fit(net, X, labels, loss="bce_with_logits", metrics=["accuracy"], epochs=1)
    right = sum((net(x).data > 0.0) == (t == 1) for x, t in zip(X, labels, strict=True))
    assert history["accuracy"] == [right / 24]


def test_early_stopping_restores_the_best_weights():
    net = model()
    states = []
    history = fit(
        net, epochs=60, lr=0.9, validation_split=0.3, early_stopping=3,
        callbacks=[lambda training: states.append(training.model.state_dict())],
    )  # fmt: skip
    assert history.stopped == "early stopping"
    best = history.best("val_loss")
    assert len(history) == best + 3
    assert net.state_dict() == states[best - 1]
    kept = fit(model(), epochs=60, lr=0.9, validation_split=0.3, early_stopping=nn.EarlyStopping(3, restore_best=False))
    assert kept.columns == history.columns
    rising = nn.EarlyStopping(2, monitor="accuracy", mode="max")
    assert fit(model(), epochs=60, metrics=["accuracy"], early_stopping=rising).stopped == "early stopping"


def test_early_stopping_counts_a_small_gain_as_none():
    stopping = nn.EarlyStopping(2, min_delta=1e6)
    history = fit(model(), epochs=60, validation_split=0.3, early_stopping=stopping)
    assert (history.stopped, len(history)) == ("early stopping", 3)


def test_a_loss_of_ones_own_sees_whatever_the_model_gives():
    @dataclasses.dataclass  # which has no hash
    class Loss:
        weight: float

        def __call__(self, predictions, targets):
            return self.weight * nn.mse([one["score"] for one in predictions], targets)

    class Scores(nn.Module):
        calls = 0

        def __init__(self):
            super().__init__()
            self.net = nn.MLP(2, [1], seed=0)

        def forward(self, x):
            Scores.calls += 1
            return {"score": self.net(x), "note": None}

    history = fit(Scores(), loss=Loss(2.0), epochs=1)
    assert math.isfinite(history["loss"][0])
    assert Scores.calls == len(X)


def test_callbacks_see_the_run_and_may_end_it():
    seen = []

    def callback(training):
        seen.append((training.epoch, training.row["loss"], len(training.history)))
        return training.epoch == 3

    history = fit(model(), callbacks=[callback], epochs=10)
    assert history.stopped == "callback"
    assert seen == [(i + 1, loss, i + 1) for i, loss in enumerate(history["loss"])]


def test_the_gradient_flow_of_a_compiled_step_is_that_of_the_plain_one():
    flows = []
    for jit in (False, True):
        flows.append(fit(model(), batch_size=1, callbacks=nn.record_gradients, jit=jit).gradient_flow)
    assert list(flows[0][0]) == ["epoch", "layers.0", "layers.1"]
    assert flows[0] == flows[1]


def test_a_schedule_that_watches_the_loss_is_given_that_of_validation():
    seen = []

    class Watching(nn.ReduceLROnPlateau):
        def step(self, monitored=None):
            seen.append(monitored)

    history = fit(model(), schedule=Watching, validation_split=0.3)
    assert seen == history["val_loss"] != history["loss"]


def test_schedules_and_clipping():
    history = fit(model(), schedule=lambda optimizer: nn.StepLR(optimizer, 2, gamma=0.5))
    assert history["lr"] == [0.05, 0.05, 0.025, 0.025, 0.0125]
    net = model()
    optimizer = nn.SGD(net.parameters(), lr=0.1)
    history = fit(
        net, lr=None, optimizer=optimizer, schedule=nn.ReduceLROnPlateau(optimizer, patience=1, threshold=10.0)
    )
    assert history["lr"][-1] < 0.1
    a, b = model(), model()
    fit(a, optimizer="sgd", lr=1.0, epochs=1, batch_size=None, clip_norm=1e-3)
    moved = math.dist([p.data for p in a.parameters()], [p.data for p in b.parameters()])
    assert moved == pytest.approx(1e-3, rel=1e-3)
    fit(b, optimizer="sgd", lr=1.0, epochs=1, batch_size=None, clip_value=1e-3)
    assert max(abs(p.data - q.data) for p, q in zip(b.parameters(), model().parameters(), strict=True)) <= 1.0000001e-3


def test_dropout_is_off_when_measuring_and_on_again_after():
    net = nn.Sequential(nn.Layer(2, 4, seed=0), nn.Dropout(0.5), nn.Layer(4, 1, activation=None, seed=1))
    net.eval()
    assert nn.predict(net, X) == nn.predict(net, X)
    assert not net.training
    fit(net, metrics=["accuracy"], epochs=1)
    assert net.steps[1].training


def test_frozen_layers_do_not_move():
    net = nn.MLP(2, [4, 4, 1], activation="tanh", seed=0)
    net.layers[0].requires_grad_(False)
    frozen, free = net.layers[0].state_dict(), net.layers[1].state_dict()
    fit(net, optimizer="adamw")
    assert net.layers[0].state_dict() == frozen
    assert net.layers[1].state_dict() != free


def test_bar_can_be_shown_and_is_off_otherwise(capfd):
    fit(model(), progress=False)
    assert capfd.readouterr().err == ""
    fit(model(), progress=True)
    assert "15/15" in capfd.readouterr().err


@pytest.mark.parametrize("looked_at", [False, True])
def test_one_step_is_replaceable(looked_at, monkeypatch):
    """The seam for a compiled step: it begins an epoch, is called for each batch, and finishes when somebody looks."""
    import importlib

    module = importlib.import_module("nn.fit")
    calls = []

    class Step:
        def begin(self):
            calls.append("begin")

        def __call__(self, batch):
            calls.append(len(batch))
            return 1.0

        def finish(self):
            calls.append("finish")

        def outputs(self, xs):
            calls.append("outputs")
            return [0.0] * len(xs)

    monkeypatch.setattr(module, "Step", lambda *arguments: Step())
    callbacks = [lambda training: calls.append("look")] if looked_at else []
    assert fit(model(), batch_size=10, epochs=2, callbacks=callbacks)["loss"] == [1.0, 1.0]
    epoch = ["begin", 10, 10, 4, *["finish", "look"] * looked_at]
    assert calls == [*epoch * 2, "finish"]
    calls.clear()
    history = fit(model(), batch_size=24, epochs=1, metrics="rmse")
    assert calls == ["begin", 24, "outputs", "finish"]  # the metrics of this package look at outputs and targets alone
    assert history["rmse"] == [1.0]  # of targets that are 1 and −1


INTERRUPTED = """
    import os, signal, sys, nn
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a parent may have set to be ignored
    X, y = nn.data.moons(40, labels=(-1, 1))
    net = nn.MLP(2, [4, 1], seed=0)
    seen = []
    def callback(training):
        seen.append(training.epoch)
        if training.epoch == 3:
            os.kill(os.getpid(), signal.SIGINT)
    before = signal.getsignal(signal.SIGINT)
    history = nn.fit(net, X, y, loss="hinge", epochs=10**6, progress=False, callbacks=[callback])
    assert signal.getsignal(signal.SIGINT) is before
    print(history.stopped, len(history), seen, len(history["loss"]), all(p.data == p.data for p in net.parameters()))
"""


def run(program, *arguments):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), *arguments], text=True, capture_output=True, timeout=60
    )


def test_ctrl_c_stops_after_the_batch_with_model_and_history():
    done = run(INTERRUPTED)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[0] == "interrupted 3 [1, 2, 3] 3 True"


def test_a_second_ctrl_c_is_not_waited_for():
    program = INTERRUPTED.replace(
        "os.kill(os.getpid(), signal.SIGINT)", "[os.kill(os.getpid(), signal.SIGINT) for _ in 'ab']"
    )
    done = run(program)
    assert done.returncode != 0
    assert "KeyboardInterrupt" in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="signals are sent as on POSIX")
def test_ctrl_c_where_the_parent_ignores_it():
    """As under nohup, or in the background of a script: the tests hold, and a run goes on."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # which a child inherits
    try:
        assert fit(model(), callbacks=[lambda t: os.kill(os.getpid(), signal.SIGINT)]).stopped == "finished"
        chosen = ["-k", "stops_after_the_batch or not_waited_for or own_handler"]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *chosen, __file__],
            text=True, capture_output=True, timeout=120,
        )  # fmt: skip
    finally:
        signal.signal(signal.SIGINT, before)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout


@pytest.mark.skipif(os.name != "posix", reason="signals are sent as on POSIX")
def test_an_own_handler_and_another_thread_are_left_alone():
    caught = []
    before = signal.signal(signal.SIGINT, lambda *_: caught.append(1))
    try:
        history = fit(model(), callbacks=[lambda t: os.kill(os.getpid(), signal.SIGINT) if t.epoch == 1 else None])
        assert history.stopped == "finished"
        assert caught
    finally:
        signal.signal(signal.SIGINT, before)
    result = []
    thread = threading.Thread(target=lambda: result.append(fit(model())))
    thread.start()
    thread.join()
    assert result[0].stopped == "finished"


def test_fit_leaves_no_warning_behind():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(model(), metrics=["accuracy"], validation_split=0.2, progress=True)


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("watched", ["val_loss", "accuracy", "val_accuracy", "los", 3])
def test_a_monitor_that_the_history_will_not_have_is_said_before_the_first_epoch(watched, jit, tmp_path):
    net = model()
    before = net.state_dict()
    with pytest.raises(
        ValueError, match=f"early stopping watches {watched!r}, and the columns are epoch, loss, lr, rmse"
    ):
        fit(
            net, metrics="rmse", early_stopping=nn.EarlyStopping(monitor=watched), jit=jit,
            checkpoint=tmp_path / "c.json", callbacks=pytest.fail,
        )  # fmt: skip
    assert net.state_dict() == before
    assert list(tmp_path.iterdir()) == []


def test_a_metric_that_is_called_as_another_on_held_out_data_is_refused():
    def val_rmse(o, t):
        return 0.0

    assert fit(model(), metrics=["rmse", val_rmse], epochs=1)["val_rmse"] == [0.0]
    with pytest.raises(ValueError, match="two columns called 'val_rmse'"):
        fit(model(), metrics=["rmse", val_rmse], validation_split=0.2)


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("way", ["with", "decorator"])
def test_fit_trains_inside_no_grad_and_leaves_it_on(way, jit):
    seen = []

    def callback(training):
        seen.append(bool((training.model.parameters()[0] * 2.0).operands))

    def run():
        return fit(net, metrics="accuracy", validation_split=0.2, jit=jit, callbacks=callback)

    net = model()
    wanted = run()
    state, net = net.state_dict(), model()
    if way == "with":
        with no_grad():
            history = run()
            assert (net.parameters()[0] * 2.0).operands == ()
    else:
        history = no_grad()(run)()
    assert history.columns == wanted.columns
    assert net.state_dict() == state
    assert set(seen) == {True}


@pytest.mark.parametrize("delta", [-1.0, math.nan, math.inf, "0", None, True, Value(0.0)])
def test_a_gain_that_counts_is_a_number(delta):
    with pytest.raises(ValueError, match="min_delta is a finite number of at least 0"):
        nn.EarlyStopping(5, min_delta=delta)
    assert nn.EarlyStopping(5, min_delta=np.float32(0.5)).min_delta == 0.5


@pytest.mark.parametrize("bound", [Value(1.0), True, math.nan, 10**400, "1"])
def test_a_bound_for_gradients_that_is_no_number_is_said_first(bound):
    net = model()
    before = net.state_dict()
    for what in ("clip_norm", "clip_value"):
        for jit in (False, True):
            with pytest.raises(ValueError, match=f"{what} is a number above 0"):
                fit(net, jit=jit, **{what: bound})
    assert net.state_dict() == before


def test_an_integer_of_thousands_of_digits_is_told_by_its_place():
    with pytest.raises(ValueError, match=r"row 1, column 1 of X is an int of 16,610 bits; remove the row"):
        fit(model(), [[1.0, 2.0], [1.0, 10**5000]], [1, 1])


def test_the_flow_of_huge_gradients_is_finite():
    net = nn.MLP(1, [1])
    for p in net.parameters():
        p.grad = 1.5e308
    assert nn.gradient_flow(net)["layers.0"] == pytest.approx(1.5e308, rel=1e-15)
