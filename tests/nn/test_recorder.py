"""The frames that `fit(record=...)` notes: which, what is in them, and that a run does not notice."""

import copy
import json
import math
import os
import pickle
import re
import signal
import struct
from base64 import b64decode

import pytest

import nn
from autograd import OPERATIONS, DiagramError, Value, define, no_grad, tanh
from nn.javascript import as_javascript

X, Y = nn.data.moons(24, labels=(-1, 1))


def net(seed=1, **options):
    return nn.MLP(2, [5, 4, 1], seed=seed, **options)


def fit(model, X=X, y=Y, **options):
    defaults = {"loss": "hinge", "optimizer": "sgd", "lr": 0.1, "epochs": 4, "batch_size": 8, "record": 1}
    return nn.fit(model, X, y, progress=False, **{**defaults, **options})


def single(x):
    """A number as it is kept in a frame, in 32 bits."""
    return struct.unpack("f", struct.pack("f", x))[0]


def content(history):
    """What the page of a history holds, as its script reads it."""
    text = re.search(r'<script type="application/json">(.*?)</script>', history.player().html, re.DOTALL)[1]
    return json.loads(text)


def floats(text):
    data = b64decode(text)
    return list(struct.unpack(f"<{len(data) // 4}f", data))


def frame(history, name, k=-1):
    """The numbers of one frame."""
    numbers, count = floats(content(history)[name]), len(history.recording)
    size = len(numbers) // count
    return numbers[(k % count) * size :][:size]


# ------------------------------------------------------------------ which frames


@pytest.mark.parametrize(
    ("every", "epochs", "wanted"),
    [(1, 3, [0, 1, 2, 3]), (5, 12, [0, 5, 10, 12]), (5, 10, [0, 5, 10]), (100, 3, [0, 3])],
)
def test_frames_from_before_training_to_its_end(every, epochs, wanted):
    history = fit(net(), epochs=epochs, record=nn.Recorder(every=every))
    assert history.recording.epochs == wanted
    assert not history.recording.within
    assert fit(net(), epochs=epochs, record=every).recording == history.recording


def test_without_record_there_is_nothing_to_play():
    history = fit(net(), record=None)
    assert history.recording is None
    with pytest.raises(ValueError, match=r"no frames were recorded; train with fit\(..., record=nn.Recorder"):
        history.player()


@pytest.mark.parametrize("record", [True, 0, -3, 2.5, "5", [5], nn.Recorder])
def test_record_is_a_recorder_or_a_number_of_epochs(record):
    model = net()
    before = model.state_dict()
    with pytest.raises(ValueError, match=r"^(record is (an nn.Recorder\(\), or )?a)"):
        fit(model, record=record)
    assert model.state_dict() == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"every": 0}, "every is a whole number of at least 1, and 0 was given"),
        ({"every": 1.5}, "every is a whole number"),
        ({"samples": 0}, "samples is a whole number of at least 1"),
        ({"samples": True}, "samples is a whole number"),
        ({"grid": 7}, "grid is a whole number from 8 to 200, and 7 was given"),
        ({"grid": 201}, "grid is a whole number"),
        ({"grid": "40"}, "grid is a whole number"),
        ({"grid": 40.5}, "grid is a whole number"),
    ],
)
def test_a_recorder_checks_its_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        nn.Recorder(**options)


def test_a_resumed_run_has_frames_from_where_it_went_on(tmp_path):
    path = tmp_path / "run.json"
    fit(net(), epochs=3, checkpoint=path)
    model = net(seed=2)
    history = fit(model, epochs=6, checkpoint=path, resume=True, record=2)
    assert history.recording.epochs == [3, 4, 6]
    assert len(history) == 6  # the curves are whole
    whole = fit(net(), epochs=6, record=3)
    assert frame(history, "parameters", 0) == frame(whole, "parameters", 1)
    assert frame(history, "parameters") == frame(whole, "parameters")
    again = fit(net(seed=3), epochs=6, checkpoint=path, resume=True)  # there is nothing left to train
    assert again.recording.epochs == [6]


def test_early_stopping_ends_with_the_last_epoch_and_not_with_the_best():
    model = net()
    history = fit(model, epochs=50, lr=1.5, early_stopping=2, record=100)
    assert history.stopped == "early stopping"
    assert history.recording.epochs == [0, len(history)]
    assert history.best("loss") == len(history) - 2
    assert frame(history, "parameters") != flat_parameters(model)


def test_a_callback_that_ends_the_run():
    history = fit(net(), epochs=50, record=10, callbacks=lambda t: t.epoch == 13)
    assert history.recording.epochs == [0, 10, 13]


@pytest.mark.skipif(os.name != "posix", reason="signals are sent as on POSIX")
def test_ctrl_c_within_an_epoch_leaves_the_state_there():
    calls = []

    def interrupting(outputs, targets):
        if len(outputs) > 1:  # the frames ask for one sample each
            calls.append(1)
        if len(calls) == 5:
            calls.append(1)
            os.kill(os.getpid(), signal.SIGINT)
        return nn.hinge(outputs, targets)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        model = net()
        history = fit(model, loss=interrupting, record=10)
    finally:
        signal.signal(signal.SIGINT, before)
    assert history.stopped == "interrupted"
    assert len(history) == 1
    assert history.recording.epochs == [0, 2]
    assert history.recording.within
    assert frame(history, "parameters") == flat_parameters(model)
    assert content(history)["stopped"] == "interrupted"


def test_a_loss_that_is_nan_leaves_the_last_state():
    model = net()
    with pytest.warns(RuntimeWarning, match="the loss became"):
        history = fit(model, loss="mse", lr=1e200, record=1)
    assert history.stopped == "nan loss"
    assert history.recording.within
    assert history.recording.epochs[-1] == len(history) + 1
    content(history)  # JSON without a nan


# ------------------------------------------------------------ what is in a frame


def flat_parameters(model):
    """As a frame has them: layer by layer, of each neuron the weights and then the bias."""
    neurons = [m for m in model.modules() if isinstance(m, nn.Neuron)]
    return [single(x) for n in neurons for x in [*(w.data for w in n.w), n.b.data if n.b is not None else 0.0]]


MODELS = {
    "mlp": lambda: net(),
    "shared": lambda: net(bias="shared", activation="tanh"),
    "without": lambda: net(bias=False, activation="sigmoid"),
    "neuron": lambda: nn.Neuron(2, activation="tanh", seed=0),
    "layer": lambda: nn.Layer(2, 1, activation=None, seed=0),
    "dropout": lambda: nn.Sequential(
        nn.Layer(2, 6, seed=0), nn.Dropout(0.5), nn.MLP(6, [3, 1], activation="gelu", seed=1)
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_frame_has_the_numbers_of_the_engine(name):
    model = MODELS[name]()
    history = fit(model, record=nn.Recorder(every=2, samples=3))
    held = content(history)
    assert not held["why"]
    assert frame(history, "parameters") == flat_parameters(model)
    units, deltas, outs = held["units"], frame(history, "deltas"), frame(history, "activations")
    model.eval()
    for k, sample in enumerate(held["samples"]):
        assert sample["x"] == X[sample["number"] - 1]
        assert sample["t"] == Y[sample["number"] - 1]
        assert outs[(k + 1) * units - 1] == single(model(sample["x"]).data)
        model.zero_grad()
        loss = nn.hinge([model(sample["x"])], [sample["t"]])
        loss.backward()
        assert frame(history, "losses")[k] == single(loss.data)
        biases = [m.b for m in model.modules() if isinstance(m, nn.Neuron)]
        if name not in ("shared", "without"):  # ∂loss/∂b is δ
            assert deltas[k * units : (k + 1) * units] == [single(b.grad) for b in biases]


def test_the_gradients_are_of_the_sample_by_itself():
    model = net(activation="tanh")
    history = fit(model, loss="mse", record=nn.Recorder(every=4, samples=1))
    loss = nn.mse([model(X[0])], [Y[0]])
    model.zero_grad()
    loss.backward()
    deltas, outs = frame(history, "deltas"), frame(history, "activations")
    assert deltas[5] * outs[0] == pytest.approx(model.layers[1].neurons[0].w[0].grad, rel=1e-6)
    assert history.recording.flow[-1].keys() == {"layers.0", "layers.1", "layers.2"}


def test_the_flow_is_that_of_the_callback():
    history = fit(net(), callbacks=nn.record_gradients)
    assert history.recording.flow[0] == {}  # before training there is none
    noted = [{k: x for k, x in row.items() if k != "epoch"} for row in history.gradient_flow]
    assert history.recording.flow[1:] == noted


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_a_run_does_not_notice_that_it_is_recorded(name, jit):
    settings = {"jit": jit, "optimizer": "adam", "metrics": "accuracy", "validation_split": 0.25, "clip_norm": 1.0}
    plain, watched = MODELS[name](), MODELS[name]()
    before = fit(plain, record=None, **settings)
    after = fit(watched, record=nn.Recorder(every=2, samples=2), **settings)
    assert plain.state_dict() == watched.state_dict()
    assert before.columns == after.columns
    assert [p.grad for p in plain.parameters()] == [p.grad for p in watched.parameters()]
    assert {m.training for m in watched.modules()} == {m.training for m in plain.modules()}
    assert len(after.recording) == 3


def test_compiled_and_plain_runs_have_the_same_frames():
    plain, compiled = (fit(net(), batch_size=1, jit=jit).recording for jit in (False, True))
    assert plain == compiled


def test_inside_no_grad_too():
    with no_grad():
        history = fit(net())
    assert any(frame(history, "deltas"))


def test_one_model_after_the_other_with_one_recorder():
    recorder = nn.Recorder(every=2)
    first, second = fit(net(), record=recorder), fit(net(seed=2), record=recorder)
    assert first.recording.epochs == second.recording.epochs == [0, 2, 4]
    assert first.recording.parameters != second.recording.parameters


def test_a_history_with_frames_can_be_copied_and_pickled():
    history = fit(net(), loss=lambda o, t: nn.hinge(o, t))  # a lambda cannot be pickled, and is not kept
    for twin in (copy.deepcopy(history), pickle.loads(pickle.dumps(history))):
        assert twin.recording == history.recording
        assert twin.player().html == history.player().html


# ---------------------------------------------------------------- other models


class Skip(nn.Module):
    """Its last layer sees the inputs again: no stack."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Layer(2, 3, activation="tanh", seed=1), nn.Layer(5, 1, activation=None, seed=2)

    def forward(self, x):
        return self.last([*self.first(x), *x])


class Doubled(nn.MLP):
    """It has layers, and computes something else."""

    def forward(self, x):
        return 2.0 * super().forward(x)


class Renamed(nn.MLP):
    """It computes what an MLP does."""


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (Skip, "Skip computes its output in its own way"),
        (lambda: Doubled(2, [3, 1], seed=0), "Doubled computes its output in its own way"),
        (lambda: nn.Sequential(nn.Layer(2, 3, seed=0), lambda xs: sum(xs)), "function computes its output"),
    ],
)
def test_a_model_that_is_no_stack_has_curves_and_a_plane(make, why):
    model = make()
    history = fit(model)
    held = content(history)
    assert held["why"].startswith(why)
    assert held["layers"] == []
    assert held["units"] == 1
    assert floats(held["parameters"]) == floats(held["deltas"]) == []
    assert frame(history, "activations")[0] == single(model(held["samples"][0]["x"]).data)
    assert history.recording.flow[-1].keys() == nn.gradient_flow(model).keys()
    check_coarse(history, model)


def check_coarse(history, model):
    """The coarse grid has what the model gives there, to half a step of 255 between its lowest and highest."""
    held = content(history)
    units, (across, up) = held["units"], held["span"]
    low, high = frame(history, "ranges")[-2:]
    levels = list(b64decode(held["levels"]))[-196:]
    for i in (0, 13, 100, 195):
        x = [across[0] + (across[1] - across[0]) * (i % 14) / 13, up[0] + (up[1] - up[0]) * (i // 14) / 13]
        assert abs(low + (high - low) * levels[i] / 255 - model(x).data) <= (high - low) / 510 * 1.001 + 1e-6
    assert len(b64decode(held["levels"])) == 196 * units * len(history.recording)


def test_a_class_that_only_has_another_name_is_a_stack():
    assert content(fit(Renamed(2, [3, 1], seed=0)))["why"] == ""
    assert content(fit(Renamed(2, [3, 1], seed=0)))["computed"]


def test_a_neuron_of_another_class_in_a_layer():
    class Squared(nn.Neuron):
        def forward(self, x):
            return super().forward(x) ** 2

    model = net()
    model.layers[0].neurons[2] = Squared(2, seed=0)
    assert content(fit(model))["why"] == "a layer has a Squared among its neurons"


def test_an_activation_of_ones_own_is_noted_as_numbers():
    model = nn.Sequential(nn.Layer(2, 3, activation=lambda z: 1.5 * tanh(z), seed=1), nn.Layer(3, 4, seed=2),
                          nn.Layer(4, 1, activation=None, seed=3))  # fmt: skip
    model.steps[1].neurons[2].b.data = -100.0  # it never fires
    history = fit(model)
    held = content(history)
    assert not held["computed"]
    assert [layer["activations"] for layer in held["layers"]] == [[""] * 3, ["relu"] * 4, ["linear"]]
    assert frame(history, "parameters") == flat_parameters(model)
    assert all(5 in off for off in held["off"])
    check_coarse(history, model)


def test_an_operation_that_was_defined_is_noted_as_numbers_too():
    wave = define("wave_for_the_recorder", lambda x: 0.5 * x * x - abs(x), (lambda y, x: x,))
    try:
        model = nn.MLP(2, [3, 1], activation=wave, seed=1)
        history = fit(model)
        assert not content(history)["computed"]
        check_coarse(history, model)
    finally:
        del OPERATIONS["wave_for_the_recorder"]


def test_a_loss_that_wants_more_than_one_sample():
    def spread(outputs, targets):
        if len(outputs) < 2:
            raise ValueError("give two samples")
        return nn.hinge(outputs, targets)

    history = fit(net(), loss=spread)
    assert history.recording.note.endswith("and so no gradient of one: give two samples")
    assert all(math.isnan(x) for x in frame(history, "deltas"))
    assert len(history.recording) == 5


def test_a_model_that_does_not_know_every_place():
    class Careful(Skip):
        def forward(self, x):
            if x[0] < -1.2:
                raise ValueError("too far to the left")
            return super().forward(x)

    history = fit(Careful())
    assert history.recording.note.endswith("beside the data: too far to the left")
    assert len(history.recording) == 5
    content(history)


def test_a_model_that_is_changed_on_the_way():
    def change(training):
        if training.epoch == 2:
            training.model.activation = "tanh"

    history = fit(net(), callbacks=change)
    assert history.recording.epochs == [0, 1]
    assert history.recording.note == "The model was changed in epoch 2, and the frames end before that."
    content(history)


def test_frames_that_are_too_large_are_an_error_before_the_first_epoch():
    model = nn.MLP(2, [300, 300, 1], seed=0)
    before = model.state_dict()
    with pytest.raises(ValueError, match=r"frames of this model take [\d,]+ MB, .* Recorder\(every=(\d+)\)") as caught:
        fit(model, epochs=1000)
    assert model.state_dict() == before
    every = int(re.search(r"every=(\d+)", str(caught.value))[1])
    assert 2 <= every <= 12
    fit(model, epochs=1, record=every)


# ---------------------------------------------------------------- what is shown


@pytest.mark.parametrize(
    ("loss", "labels", "task"),
    [
        ("hinge", (-1, 1), ("labels", [0.0], [1.0])),
        ("mse", (0, 1), ("labels", [0.5], [0.5])),
        ("bce_with_logits", (0, 1), ("labels", [0.0], [3.0])),
    ],
)
def test_where_the_boundary_of_two_labels_is(loss, labels, task):
    X, y = nn.data.moons(20, labels=labels)
    held = content(fit(net(), X, y, loss=loss))["task"]
    assert (held["kind"], held["middle"], held["reach"]) == task
    assert held["labels"] == list(labels)


def test_classes_and_numbers():
    X, y = nn.data.spirals(24, classes=3)
    model = nn.MLP(2, [4, 3], seed=0)
    assert content(fit(model, X, y, loss="cross_entropy"))["task"]["kind"] == "classes"
    one_hot = [[float(t == k) for k in range(3)] for t in y]
    assert content(fit(model, X, one_hot, loss="mse"))["task"]["kind"] == "classes"
    several = [[a, b, a + b] for a, b in X]
    held = content(fit(model, X, several, loss="mse"))
    assert held["task"]["kind"] == "numbers"
    assert len(held["task"]["reach"]) == 3
    one = content(fit(net(), X, [a + b for a, b in X], loss="mse"))["task"]
    assert (one["kind"], len(one["middle"])) == ("numbers", 1)
    constant = content(fit(net(), X, [2.0] * 24, loss="mse"))["task"]
    assert (constant["middle"], constant["reach"]) == ([2.0], [None])


def test_inputs_decide_whether_there_is_a_plane():
    spans = [content(fit(nn.MLP(n, [3, 1], seed=0), [[0.1 * i + k for k in range(n)] for i in range(24)]))["span"]
             for n in (1, 2, 4)]  # fmt: skip
    assert [len(span) for span in spans] == [1, 2, 0]
    same = content(fit(nn.MLP(1, [3, 1], seed=0), [[2.0]] * 24))["span"]
    assert same == [[1.5, 2.5]]


def test_samples_and_points_are_spread_over_the_data():
    X, y = nn.data.moons(2500, labels=(-1, 1))
    held = content(fit(net(), X, y, epochs=1, batch_size=None, record=nn.Recorder(samples=5)))
    assert [sample["number"] for sample in held["samples"]] == [1, 626, 1251, 1875, 2500]
    assert len(held["points"]["x"]) == 1000
    assert held["points"]["of"] == 2500
    few = content(fit(net(), *nn.data.xor(labels=(-1, 1))))
    assert [sample["number"] for sample in few["samples"]] == [1, 2, 3, 4]


def test_the_page_of_a_long_run_is_small():
    model = nn.MLP(2, [16, 16, 1], seed=1)
    X, y = nn.data.moons(100, labels=(-1, 1))
    history = fit(model, X, y, epochs=200, batch_size=None, jit=True)
    assert len(history.recording) == 201
    assert len(history.player().html.encode()) < 1_200_000


def test_a_page_asks_nobody_and_escapes_what_the_user_named(tmp_path):
    def metric(predictions, targets):
        return math.inf

    metric.__name__ = '</script><img src=x onerror="alert(1)">\x00'
    history = fit(net(), metrics=metric)
    path = tmp_path / "run.html"
    player = history.player(path)
    html = path.read_text(encoding="utf-8")
    assert html == player.html
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "<img" not in html
    assert html.count("</script>") == 2
    assert "http" not in html.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")


def test_a_player_says_what_it_takes(tmp_path):
    player = fit(net(), record=2).player()
    assert repr(player) == "TrainingPlayer(3 frames of 4 epochs)"
    with pytest.raises(DiagramError, match=r"ends in \.html"):
        player.save(tmp_path / "run.gif")
    with pytest.raises(DiagramError, match="theme="):
        fit(net()).player(theme="blue")
    assert player.save(tmp_path / "run.html") == tmp_path / "run.html"
    dark = fit(net()).player(theme="dark").html
    assert "prefers-color-scheme" not in re.search(r"<style>(.*?)</style>", dark, re.DOTALL)[1]


def test_what_a_notebook_shows():
    bundle = fit(net(), record=2)
    output = bundle.player()._repr_mimebundle_()
    assert output["text/plain"] == "TrainingPlayer(3 frames of 4 epochs)"
    assert '<iframe title="training"' in output["text/html"]
    inside = re.search(r"<iframe[^>]*>([^<]*)</iframe>", output["text/html"])[1]
    assert "trusted notebook" in inside  # words that are seen only where the frame is dropped
    assert output["text/html"].count("<td>") == 4 * 3  # an untrusted one has the table


def test_a_row_of_the_table_as_javascript():
    """All that may be an activation but one, which a page has no function for."""
    rows = [row for row in OPERATIONS.values() if row.activation]
    assert [row.name for row in rows if as_javascript(row) is None] == ["lgamma"]
    assert as_javascript(OPERATIONS["leaky_relu"]).count("0.01") == 1
    stubborn = define("stubborn_for_the_recorder", lambda x: x if x > 0 else 2.0 * x, (lambda y, x: 1.0,))
    try:
        assert stubborn(Value(-1.0)).data == -2.0
        assert as_javascript(OPERATIONS["stubborn_for_the_recorder"]) is None  # it decides by a number
    finally:
        del OPERATIONS["stubborn_for_the_recorder"]
