"""``fit(jit=True)``: the same training as machine code."""

import gc
import weakref

import numpy as np
import pytest

import nn
from autograd import Value, maximum
from nn import data
from tests.compiler.memory import resident

LOSSES = ["mse", "mae", "huber", "hinge", "half_squared_error", "bce_with_logits"]


def labels(loss, y):
    return [2.0 * t - 1.0 if loss == "hinge" and min(y) == 0 else float(max(t, 0)) if "bce" in loss else t for t in y]


def run(jit, X, y, seed=3, sizes=(4, 1), activation="tanh", **options):
    model = nn.MLP(len(X[0]), list(sizes), activation=activation, seed=seed)
    history = nn.fit(model, X, y, progress=False, jit=jit, **options)
    return history, [p.data for p in model.parameters()]


@pytest.mark.parametrize("loss", LOSSES)
def test_one_sample_at_a_time_gives_the_same_bits(loss):
    X, y = data.moons(20, seed=1)
    options = {"loss": loss, "optimizer": "sgd", "lr": 0.05, "epochs": 3, "batch_size": 1}
    eager, ours = run(False, X, labels(loss, y), **options), run(True, X, labels(loss, y), **options)
    assert eager[0]["loss"] == ours[0]["loss"]
    assert eager[1] == ours[1]


@pytest.mark.parametrize("optimizer", [
    lambda p: nn.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01), lambda p: nn.Adam(p, lr=0.05),
    lambda p: nn.Adam(p, lr=0.05, amsgrad=True, weight_decay=0.1), lambda p: nn.AdamW(p, lr=0.05),
    lambda p: nn.RMSprop(p, lr=0.01, momentum=0.5, centered=True), lambda p: nn.Adagrad(p, lr=0.1, lr_decay=0.01),
])  # fmt: skip
def test_every_optimiser_gives_the_same_bits_and_state(optimizer):
    X, y = data.moons(16, seed=1)
    results = []
    for jit in (False, True):
        model = nn.MLP(2, [3, 1], activation="sigmoid", seed=2)
        chosen = optimizer(model.parameters())
        history = nn.fit(
            model, X, y, optimizer=chosen, epochs=3, batch_size=1, progress=False, jit=jit, clip_norm=0.5,
            clip_value=0.2,
        )  # fmt: skip
        results.append((history["loss"], model.state_dict(), chosen.state_dict()))
    assert results[0] == results[1]


def test_a_loss_that_is_added_to_the_table_may_mix_the_samples(monkeypatch):
    def worst(predictions, targets, reduction="mean"):  # looks like one of ours; its mean over single samples is not it
        assert len(predictions) > 1, "called on a single sample"
        errors = [(o - t) ** 2 for o, t in zip(predictions, targets, strict=True)]
        result = errors[0]
        for error in errors[1:]:
            result = maximum(result, error)
        return result

    monkeypatch.setitem(nn.LOSSES, "worst", worst)
    X, y = data.moons(20, seed=1)
    options = {"loss": "worst", "optimizer": "sgd", "lr": 0.05, "epochs": 3, "batch_size": 5}
    eager, ours = run(False, X, y, **options), run(True, X, y, **options)
    assert eager[0]["loss"] == ours[0]["loss"]
    assert eager[1] == ours[1]


@pytest.mark.parametrize("loss", LOSSES)
def test_a_batch_in_lanes_agrees_to_rounding(loss):
    X, y = data.moons(50, seed=1)
    options = {"loss": loss, "optimizer": "sgd", "lr": 0.05, "epochs": 2, "batch_size": 16}
    eager, ours = run(False, X, labels(loss, y), **options), run(True, X, labels(loss, y), **options)
    # sums of 16 terms of like size, in another order, over eight steps
    assert ours[0]["loss"] == pytest.approx(eager[0]["loss"], rel=1e-13)
    assert ours[1] == pytest.approx(eager[1], rel=1e-12, abs=1e-13)


@pytest.mark.parametrize("batch_size", [1, 10, None])
def test_classes(batch_size):
    X, y = data.blobs(40, seed=1)
    options = {"loss": "cross_entropy", "optimizer": "adam", "lr": 0.02, "epochs": 2, "batch_size": batch_size}
    classes = int(max(y)) + 1
    eager, ours = (run(jit, X, y, sizes=(5, max(classes, 2)), **options) for jit in (False, True))
    assert ours[0]["loss"] == pytest.approx(eager[0]["loss"], rel=1e-12)
    assert ours[1] == pytest.approx(eager[1], rel=1e-11)


def test_a_loss_of_ones_own_sees_the_whole_batch():
    def worst(predictions, targets):
        worst = (predictions[0] - targets[0]) ** 2
        for o, t in zip(predictions[1:], targets[1:], strict=True):
            worst = maximum(worst, (o - t) ** 2)
        return worst

    X, y = data.moons(12, seed=1)
    options = {"loss": worst, "optimizer": "sgd", "lr": 0.05, "epochs": 4, "batch_size": 5}
    eager, ours = run(False, X, y, **options), run(True, X, y, **options)
    assert eager[0]["loss"] == ours[0]["loss"]
    assert eager[1] == ours[1]


def test_frozen_and_unused_parameters_stay():
    results = []
    for jit in (False, True):
        model = nn.MLP(2, [3, 1], seed=2)
        model.parameters()[0].requires_grad = False
        model.unused = Value(7.0)
        optimizer = nn.Adam(model.parameters(), lr=0.1, weight_decay=0.1)
        history = nn.fit(
            model, [[1.0, 2.0], [0.5, -1.0]], [1.0, 0.0], optimizer=optimizer, epochs=3, batch_size=1, progress=False,
            jit=jit,
        )  # fmt: skip
        results.append((history["loss"], model.state_dict(), optimizer.state_dict()))
    assert results[0] == results[1]
    assert results[1][1]["unused"] == 7.0


def test_schedules_change_the_rate_without_a_new_program():
    results = []
    for jit in (False, True):
        model = nn.MLP(1, [1], seed=2)
        rates = []
        history = nn.fit(
            model, [[1.0], [2.0]], [1.0, 0.0], optimizer="sgd", lr=0.1, epochs=4, batch_size=1, progress=False, jit=jit,
            callbacks=[lambda training, rates=rates: rates.append(training.optimizer.param_groups[0].update(
                lr=training.optimizer.param_groups[0]["lr"] * 0.5))],
        )  # fmt: skip
        results.append((history["loss"], model.state_dict()))
    assert results[0] == results[1]


def test_dropout_and_bad_targets_are_refused():
    with pytest.raises(ValueError, match="labels of hinge"):
        run(True, [[1.0, 2.0]] * 4, [0.5, 1.0, 1.0, 1.0], loss="hinge", epochs=1)


def test_a_loss_that_becomes_infinite_stops_the_run_and_keeps_the_parameters():
    results = []
    for jit in (False, True):
        model = nn.MLP(1, [1], seed=2)
        with pytest.warns(RuntimeWarning, match="inf"):
            history = nn.fit(
                model, [[1e200], [1.0]], [1.0, 0.0], optimizer="sgd", lr=0.1, epochs=4, batch_size=1, shuffle=False,
                progress=False, jit=jit,
            )  # fmt: skip
        results.append((history.stopped, model.state_dict()))
    assert results[0] == results[1]
    assert np.isfinite([p.data for p in model.parameters()]).all()


def set_numbers(training):
    for p in training.model.parameters():
        p.data = 0.5


def freeze(training):
    training.model.parameters()[0].requires_grad = training.epoch % 2 == 0


def replace(training):
    training.model.layers[-1].neurons[0].b = Value(0.25)


def add_momentum(training):
    training.optimizer.param_groups[0].update(momentum=0.9, dampening=0.5)


def forget(training):
    training.optimizer.load_state_dict(nn.SGD(training.model.parameters(), lr=0.05, momentum=0.5).state_dict())


def split_groups(training):
    (group, *rest) = training.optimizer.param_groups
    if not rest:
        group["params"], last = group["params"][:-1], group["params"][-1:]
        training.optimizer.add_param_group({"params": last, "lr": 0.3})


def set_options(training):
    training.optimizer.lr = np.float32(0.25)
    training.optimizer.weight_decay = np.float64(0.125)


def set_activation(training):
    training.model.activation = [["sin", "relu", "tanh", "gelu"][training.epoch % 4], "linear"]


def set_activation_of_a_neuron(training):
    training.model.layers[0].neurons[1].activation = "sigmoid"


@pytest.mark.parametrize(
    "change",
    [
        set_numbers, freeze, replace, add_momentum, forget, split_groups, set_options, set_activation,
        set_activation_of_a_neuron,
    ],
)  # fmt: skip
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_what_a_callback_changes_counts_from_the_next_step_on(change, momentum):
    X, y = data.moons(12, seed=1)
    results = []
    for jit in (False, True):
        model = nn.MLP(2, [3, 1], activation="tanh", seed=2)
        optimizer = nn.SGD(model.parameters(), lr=0.1, momentum=momentum)
        seen = []
        history = nn.fit(
            model, X, y, optimizer=optimizer, epochs=4, batch_size=1, progress=False, jit=jit, clip_norm=1.0,
            callbacks=[lambda training, seen=seen: seen.append([p.grad for p in training.model.parameters()]), change],
        )  # fmt: skip
        state = model.state_dict(), optimizer.state_dict(), [(p.grad, p.has_grad) for p in model.parameters()]
        results.append((history["loss"], seen, *state))
    assert results[0] == results[1]
    assert any(results[1][1][-1])


BAD_TARGETS = [
    ("cross_entropy", 2, [5, 0, 1, 1]), ("cross_entropy", 2, [0.5, 0, 1, 1]),
    ("cross_entropy", 2, [[0.5, 5.0]] * 4), ("hinge", 1, [3, 1, 1, 1]), ("hinge", 2, [[1.0, 5.0]] * 4),
    ("bce_with_logits", 2, [[1.0, 5.0]] * 4), ("bce_with_logits", 1, [0.0, 1.0, 0.0, -0.5]),
    ("bce", 1, [0.5, 3.0, 0, 0]),
]  # fmt: skip


@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize(("loss", "width", "targets"), BAD_TARGETS)
def test_targets_that_the_loss_refuses_are_refused_before_anything_is_trained(loss, width, targets, batch_size):
    messages = []
    for jit in (False, True):
        model = nn.MLP(2, [width], activation="sigmoid", seed=1)
        before = model.state_dict()
        with pytest.raises(ValueError, match="was given") as caught:
            nn.fit(
                model, [[0.1, 0.2]] * 4, targets, loss=loss, epochs=1, batch_size=batch_size, shuffle=False,
                progress=False, jit=jit,
            )  # fmt: skip
        messages.append(str(caught.value))
        assert model.state_dict() == before
    assert messages[0] == messages[1]


@pytest.mark.parametrize("batch_size", [1, 4])
def test_predictions_that_are_no_probabilities_are_refused(batch_size):
    messages = []
    for jit in (False, True):
        model = nn.MLP(2, [3, 1], activation="tanh", seed=2)
        with pytest.raises(ValueError, match="prediction of bce") as caught:
            nn.fit(
                model, [[3.0, -2.0], [0.1, 0.2], [-3.0, 2.0], [1.0, 1.0]], [0.0, 1.0, 1.0, 0.0], loss="bce", epochs=3,
                batch_size=batch_size, shuffle=False, progress=False, jit=jit, optimizer="sgd", lr=1e-3,
            )  # fmt: skip
        messages.append(str(caught.value)[:40])
    assert messages[0] == messages[1]
    X, y = data.moons(16, seed=1)
    model = nn.MLP(2, [3, 1], activation="sigmoid", output_activation="sigmoid", seed=2)
    history = nn.fit(model, X, y, loss="bce", epochs=2, batch_size=batch_size, progress=False, jit=True)
    assert history.stopped == "finished"


@pytest.mark.parametrize("options", [
    {}, {"batch_size": 1}, {"loss": "bce_with_logits", "clip_norm": 1.0, "optimizer": "sgd"},
    {"validation_split": 0.25, "metrics": "rmse", "schedule": lambda o: nn.StepLR(o, 1), "callbacks": lambda t: None},
], ids=range(4))  # fmt: skip
def test_a_run_leaves_nothing_to_the_garbage_collector(options):
    X, y = data.moons(16, seed=1)
    run(True, X, y, epochs=2, **options)  # what is loaded when it is first needed
    gc.collect()
    gc.disable()
    try:
        for seed in range(5):
            model = nn.MLP(2, [4, 1], seed=seed)
            nn.fit(model, X, y, epochs=2, progress=False, jit=True, **options)
            seen = weakref.ref(model)
            del model
            assert seen() is None
        # the objects that llvmlite and the class of a function leave; the models, programs and codes were 5,000
        assert gc.collect() < 100
    finally:
        gc.enable()


def test_memory_is_level_from_model_to_model():
    X, y = data.moons(16, seed=1)

    def ten():
        for seed in range(10):
            run(True, X, y, seed=seed, epochs=1)
        return resident()

    ten()
    gc.disable()
    try:
        sizes = [ten() for _ in range(4)]
    finally:
        gc.enable()
    assert sizes[-1] - sizes[0] < 1e6  # it was 1.5 MB a model until the garbage collector came


@pytest.mark.parametrize("batch_size", [1, 4])
def test_bounds_and_rates_in_numbers_of_numpy_are_those_of_python(batch_size):
    X, y = data.moons(12, seed=1)
    results = []
    for number in (float, np.float64, np.float32, np.array):
        for jit in (False, True):
            model = nn.MLP(2, [3, 1], activation="tanh", seed=2)
            optimizer = nn.RMSprop(model.parameters(), lr=number(0.25), momentum=number(0.5), alpha=number(0.75))
            history = nn.fit(
                model, X, y, optimizer=optimizer, epochs=2, batch_size=batch_size, progress=False, jit=jit,
                clip_norm=number(1.0), clip_value=number(0.5), schedule=lambda o, n=number: nn.StepLR(o, 1, n(0.5)),
            )  # fmt: skip
            assert {type(p.data) for p in model.parameters()} == {float}
            results.append((jit and batch_size > 1, history["loss"]))
    for lanes, losses in results:
        assert losses == next(other for same, other in results if same == lanes)


@pytest.mark.parametrize("jit", [False, True])
def test_a_parameter_that_comes_where_another_was_has_no_state(jit):
    X, y = data.moons(12, seed=1)
    model = nn.MLP(2, [3, 1], activation="tanh", seed=2)
    optimizer = nn.Adam(model.parameters(), lr=0.1)
    seen = []

    def replace(training):
        params = training.optimizer.param_groups[0]["params"]
        training.model.layers[-1].neurons[0].b = params[-1] = (
            None  # so that the old one is gone before the new one comes
        )
        training.model.layers[-1].neurons[0].b = params[-1] = Value(0.25)
        seen.append(training.optimizer.state_dict()["state"][-1])

    nn.fit(model, X, y, optimizer=optimizer, epochs=3, batch_size=4, progress=False, jit=jit, callbacks=replace)
    assert seen == [None, None, None]


def test_parameters_are_written_back_when_somebody_looks():
    X, y = data.moons(40, labels=(-1, 1), seed=1)
    seen = []

    def look(training):
        seen.append([p.data for p in training.model.parameters()])

    looked, alone = nn.MLP(2, [4, 1], seed=1), nn.MLP(2, [4, 1], seed=1)
    nn.fit(looked, X, y, epochs=5, batch_size=15, jit=True, progress=False, callbacks=look)
    nn.fit(alone, X, y, epochs=5, batch_size=15, jit=True, progress=False)
    assert len({tuple(row) for row in seen}) == 5
    assert seen[-1] == [p.data for p in alone.parameters()]
    assert [p.grad for p in looked.parameters()] == [p.grad for p in alone.parameters()]


def test_an_error_on_the_way_leaves_what_was_learned():
    X, y = data.moons(40, labels=(-1, 1), seed=1)
    model, start = nn.MLP(2, [4, 1], seed=1), nn.MLP(2, [4, 1], seed=1)

    def broken(training):
        raise OSError("no more")

    with pytest.raises(OSError, match="no more"):
        nn.fit(model, X, y, epochs=5, jit=True, progress=False, callbacks=broken)
    assert [p.data for p in model.parameters()] != [p.data for p in start.parameters()]


def dropping():
    return nn.Sequential(
        nn.MLP(2, [6], activation="tanh", seed=1), nn.Dropout(0.4), nn.MLP(6, [5], activation="relu", seed=2),
        nn.Dropout(0.25), nn.MLP(5, [1], seed=3),
    )  # fmt: skip


@pytest.mark.parametrize("batch_size", [1, 7, None])
def test_dropout_drops_the_same_in_a_compiled_step(batch_size):
    X, y = data.moons(20, labels=(-1, 1), seed=1)
    models = [dropping(), dropping()]
    for model, jit in zip(models, (False, True), strict=True):
        model.eval()  # fit trains in training mode
        nn.fit(model, X, y, epochs=4, batch_size=batch_size, lr=0.05, jit=jit, progress=False, metrics="accuracy")
    eager, compiled = ([p.data for p in model.parameters()] for model in models)
    if batch_size == 1:
        assert compiled == eager
    else:  # sums over the batch are added in another order
        assert compiled == pytest.approx(eager, rel=1e-11, abs=1e-12)


def test_a_compiled_run_with_dropout_is_resumed_to_the_same_bits(tmp_path):
    X, y = data.moons(20, labels=(-1, 1), seed=1)
    whole, halves = dropping(), dropping()
    settings = {"batch_size": 7, "jit": True, "progress": False}
    nn.fit(whole, X, y, epochs=4, checkpoint=tmp_path / "whole", **settings)
    nn.fit(halves, X, y, epochs=2, checkpoint=tmp_path / "run", **settings)
    again = dropping()
    nn.fit(again, X, y, epochs=4, checkpoint=tmp_path / "run", resume=True, **settings)
    assert [p.data for p in again.parameters()] == [p.data for p in whole.parameters()]


def test_a_loss_that_becomes_nan_leaves_the_gradients_of_the_step_before():
    X, y = [[float(i), 1.0] for i in range(40)], [float(i * i) for i in range(40)]
    grads = []
    for settings in ({}, {"jit": True}, {"jit": True, "callbacks": lambda training: None}):
        model = nn.MLP(2, [3, 1], activation="relu", seed=1)
        with pytest.warns(RuntimeWarning, match="the loss became"):
            nn.fit(model, X, y, optimizer="adam", lr=1e200, epochs=5, batch_size=None, progress=False, **settings)
        grads.append([p.grad for p in model.parameters()])
    assert grads[1] == grads[2] == pytest.approx(grads[0], rel=1e-12)


@pytest.mark.parametrize("width", [1, 3])
def test_metrics_of_a_compiled_run_are_those_of_the_plain_one(width):
    """One sample a batch, so that the parameters have the same bits."""
    X, y = data.moons(30, noise=0.1, seed=3)
    settings = {"loss": "bce_with_logits", "metrics": ["accuracy", "rmse"]}
    if width == 3:
        settings = {"loss": "cross_entropy", "metrics": ["accuracy"]}
    histories = []
    for jit in (False, True):
        net = nn.Sequential(nn.Layer(2, 6, seed=1), nn.Dropout(0.3, seed=2), nn.Layer(6, width, seed=3))
        net = nn.MLP(2, [4, width], seed=1) if width == 1 else net
        held_out = X[:7], y[:7]
        histories.append(
            nn.fit(net, X, y, epochs=3, batch_size=1, validation_data=held_out, jit=jit, progress=False, **settings)
        )
    assert histories[0].columns == histories[1].columns
    for name in histories[0].columns:
        assert histories[0][name] == histories[1][name]


def test_a_metric_of_the_user_sees_the_parameters_of_now():
    X, y = data.moons(20, noise=0.1, seed=3, labels=(-1, 1))
    seen = {}
    for jit in (False, True):
        net = nn.MLP(2, [1], seed=1)
        seen[jit] = []

        def metric(outputs, targets, net=net, jit=jit):
            seen[jit].append([p.data for p in net.parameters()])
            return 0.0

        nn.fit(net, X, y, epochs=3, batch_size=1, metrics=metric, jit=jit, progress=False)
    assert seen[True] == seen[False]


def test_a_model_that_cannot_be_traced_in_evaluation_mode():
    class Careful(nn.Module):
        def __init__(self):
            self.inner = nn.Layer(2, 1, seed=1)
            super().__init__()

        def forward(self, x):
            y = self.inner(x)
            if not self.training:
                kinds.append(type(x[0]).__name__)
            return y if self.training or y > 0.0 else 2.0 * y

    kinds = []
    X, y = data.moons(20, noise=0.1, seed=3, labels=(-1, 1))
    histories = [
        nn.fit(Careful(), X, y, epochs=4, batch_size=1, metrics="rmse", jit=jit, progress=False)
        for jit in (False, True)
    ]
    assert histories[0]["rmse"] == histories[1]["rmse"]
    assert kinds.count("Traced") == 1  # it is not tried again in each epoch


def test_a_program_of_all_parameters_is_not_taken_for_some_of_them_and_others_of_the_same_numbers():
    """Values compare by their numbers; what is trained is told by the objects."""
    X, y = data.moons(16, seed=1)
    for stray in (False, True):  # at second the last bias is left out, and another Value of its number is in its place
        model = nn.MLP(2, [3, 1], activation="sigmoid", seed=2)
        *most, bias = model.parameters()
        before = bias.data
        chosen = nn.SGD([*most, Value(before) if stray else bias], lr=0.1)
        nn.fit(model, X, y, optimizer=chosen, epochs=2, progress=False, jit=True)
        assert (bias.data == before) is stray


@pytest.mark.parametrize("jit", [False, True])
def test_a_stranger_in_the_optimiser_has_no_gradient_afterwards(jit):
    X, y = data.moons(16, seed=1)
    model, stranger = nn.MLP(2, [3, 1], seed=2), Value(0.25)
    stranger.grad = 0.5
    chosen = nn.SGD([*model.parameters(), stranger], lr=0.1)
    nn.fit(model, X, y, optimizer=chosen, epochs=2, progress=False, jit=jit)
    assert (stranger.data, stranger.has_grad) == (0.25, False)
