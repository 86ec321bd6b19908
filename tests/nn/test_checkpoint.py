"""Checkpoints: exact, complete or not there at all, and harmless whatever a file says."""

import contextlib
import json
import math
import os
import signal
import struct
import subprocess
import sys
import textwrap

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import autograd
import nn
from autograd import Value

X, Y = nn.data.moons(20, noise=0.1, seed=3, labels=(-1, 1))


def bits(state):
    """The bit patterns of a state's numbers, so that −0.0 is not 0.0."""
    if isinstance(state, dict):
        return {name: bits(x) for name, x in state.items()}
    return [bits(x) for x in state] if isinstance(state, list) else struct.pack("d", state)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=13, max_size=13))
@settings(max_examples=30)
def test_every_float_comes_back_to_the_bit(tmp_path_factory, numbers):
    path = tmp_path_factory.mktemp("c") / "m.json"
    model = nn.MLP(2, [3, 1])
    for p, x in zip(model.parameters(), numbers, strict=True):
        p.data = x
    nn.save(model, path)
    assert bits(nn.load(path).state_dict()) == bits(model.state_dict())
    other = nn.MLP(2, [3, 1], seed=9)
    assert nn.load(path, other) is other
    assert bits(other.state_dict()) == bits(model.state_dict())


MODELS = [
    nn.MLP(2, [3, 1], activation="tanh", seed=0),
    nn.MLP(2, [3, 2], activation=["gelu", "sigmoid"], bias=["shared", False], seed=0),
    nn.Sequential(nn.Layer(2, 3, activation="leaky_relu", seed=0), nn.Dropout(0.25), nn.MLP(3, [1], seed=1)),
    nn.Layer(2, 2, activation="elu", seed=0),
]


def test_the_path_before_the_model_is_refused_with_the_right_call(tmp_path):
    for path in ("m.json", tmp_path / "m.json"):
        with pytest.raises(TypeError, match=r"model first, and then the path: nn\.save\(model, '.*m\.json'\)"):
            nn.save(path, MODELS[0])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("model", MODELS)
def test_a_model_is_built_from_its_file(model, tmp_path):
    nn.save(model, tmp_path / "m.json", notes={"why": "a test"})
    built = nn.load(tmp_path / "m.json")
    assert repr(built) == repr(model)
    assert nn.predict(built, X) == nn.predict(model, X)
    assert nn.read_notes(tmp_path / "m.json") == {"why": "a test"}


def test_a_model_of_ones_own_needs_to_be_given(tmp_path):
    class Line(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = Value(2.0)

    nn.save(Line(), tmp_path / "m.json")
    with pytest.raises(nn.CheckpointError, match="build it yourself"):
        nn.load(tmp_path / "m.json")
    line = Line()
    line.a.data = 0.0
    assert nn.load(tmp_path / "m.json", line).a.data == 2.0
    nn.save(nn.MLP(2, [2, 1], activation=lambda z: z * z), tmp_path / "m.json")
    with pytest.raises(nn.CheckpointError, match="build it yourself"):
        nn.load(tmp_path / "m.json")


def test_optimiser_goes_with_it(tmp_path):
    model = nn.MLP(2, [3, 1], seed=0)
    optimizer = nn.Adam(model.parameters(), lr=0.05)
    nn.fit(model, X, Y, optimizer=optimizer, epochs=2, progress=False)
    nn.save(model, tmp_path / "m.json", optimizer)
    again = nn.MLP(2, [3, 1], seed=1)
    other = nn.Adam(again.parameters())
    nn.load(tmp_path / "m.json", again, other)
    assert other.state_dict() == optimizer.state_dict()
    nn.save(model, tmp_path / "m.json")
    with pytest.raises(nn.CheckpointError, match="no optimiser state"):
        nn.load(tmp_path / "m.json", again, other)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_not_written_over_what_is(tmp_path, bad):
    path = tmp_path / "m.json"
    model = nn.MLP(2, [3, 1], seed=0)
    nn.save(model, path)
    before = path.read_bytes()
    model.layers[1].neurons[0].w[2].data = bad
    with pytest.raises(nn.CheckpointError, match=r"the parameter layers\.1\.neurons\.0\.w is not finite"):
        nn.save(model, path)
    assert path.read_bytes() == before
    model.layers[1].neurons[0].w[2].data = 0.0
    with pytest.raises(nn.CheckpointError, match="was not written"):
        nn.save(model, path, notes={"x": bad})
    with pytest.raises(nn.CheckpointError, match="was not written"):
        nn.save(model, path, notes={"x": object()})
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["m.json"]


@pytest.mark.skipif(os.name != "posix", reason="permissions as on POSIX")
def test_permissions_and_folders(tmp_path):
    path = tmp_path / "m.json"
    old = os.umask(0o027)
    try:
        nn.save(MODELS[0], path)
        assert path.stat().st_mode & 0o777 == 0o640
        path.chmod(0o604)
        nn.save(MODELS[0], path)
        assert path.stat().st_mode & 0o777 == 0o604
    finally:
        os.umask(old)
    with pytest.raises(FileNotFoundError):
        nn.save(MODELS[0], tmp_path / "no" / "m.json")
    with pytest.raises(FileNotFoundError):
        nn.load(tmp_path / "no.json")


# ------------------------------------------------------------------------------------------- resuming


def make(kind):
    layers = [nn.Layer(2, 4, activation="tanh", seed=1), nn.Dropout(0.2), nn.Layer(4, 1, activation=None, seed=2)]
    model = nn.Sequential(*layers)
    optimizer = {"sgd": nn.SGD, "adam": nn.Adam}[kind](model.parameters(), lr=0.05)
    if kind == "sgd":
        optimizer.param_groups[0]["momentum"] = 0.9
    return model, optimizer


def train(kind, epochs, path=None, **options):
    model, optimizer = make(kind)
    schedules = {"sgd": lambda o: nn.CosineAnnealingLR(o, 8), "adam": lambda o: nn.ReduceLROnPlateau(o, patience=1)}
    history = nn.fit(
        model,
        X,
        Y,
        loss="hinge",
        optimizer=optimizer,
        epochs=epochs,
        batch_size=6,
        validation_split=0.2,
        seed=5,
        schedule=schedules[kind],
        early_stopping=6,
        metrics=["accuracy"],
        progress=False,
        checkpoint=path,
        **options,
    )
    return model, history


@pytest.mark.parametrize("kind", ["sgd", "adam"])
@pytest.mark.parametrize("stop", range(1, 8))
def test_a_run_resumed_at_any_epoch_gives_the_same_bits(kind, stop, tmp_path):
    whole_model, whole = train(kind, 8)
    train(kind, stop, tmp_path / "c.json")
    model, history = train(kind, 8, tmp_path / "c.json", resume=True)
    assert history.columns == whole.columns
    assert history.stopped == whole.stopped
    assert bits(model.state_dict()) == bits(whole_model.state_dict())


def test_resume_begins_anew_where_there_is_no_file_and_ends_at_once_where_all_is_done(tmp_path):
    _, first = train("adam", 3, tmp_path / "c.json", resume=True)
    _, again = train("adam", 3, tmp_path / "c.json", resume=True)
    assert again.columns == first.columns
    assert nn.predict(nn.load(tmp_path / "c.json"), X)


def test_resume_after_early_stopping_stays_stopped(tmp_path):
    def run(**options):
        model = nn.MLP(2, [2, 1], seed=0)
        return nn.fit(
            model, X, Y, optimizer="sgd", lr=0.0, epochs=20, early_stopping=2, progress=False,
            checkpoint=tmp_path / "c.json", **options,
        )  # fmt: skip

    first = run()
    assert (first.stopped, len(first)) == ("early stopping", 3)
    again = run(resume=True)
    assert (again.stopped, len(again)) == ("early stopping", 3)


def test_load_gives_the_best_parameters_of_a_run_that_kept_them(tmp_path):
    model, history = train("adam", 8, tmp_path / "c.json")
    assert history.best("val_loss") < len(history)
    assert bits(nn.load(tmp_path / "c.json").state_dict()) == bits(model.state_dict())
    last, optimizer = make("adam")
    nn.load(tmp_path / "c.json", last, optimizer)
    assert bits(last.state_dict()) != bits(model.state_dict())


def test_a_metric_that_is_nan_can_be_stored(tmp_path):
    def undefined(o, t):
        return math.nan

    def run(**options):
        net = nn.MLP(2, [2, 1], seed=0)
        return nn.fit(net, X, Y, metrics=[undefined], progress=False, checkpoint=tmp_path / "c.json", **options)

    run(epochs=1)
    assert all(map(math.isnan, run(epochs=2, resume=True)["undefined"]))


# ------------------------------------------------------------------------- files that are wrong in every way


def stored(tmp_path):
    train("adam", 2, tmp_path / "c.json")
    return json.loads((tmp_path / "c.json").read_text())


CHANGES = {
    "format": lambda s: s.update(format="pickle"),
    "version": lambda s: s.update(version=2),
    "version true": lambda s: s.update(version=None),
    "model gone": lambda s: s.pop("model"),
    "model list": lambda s: s.update(model=[]),
    "name missing": lambda s: s["model"].pop("steps.0.neurons.0.w"),
    "name unknown": lambda s: s["model"].update(extra=1.0),
    "shape": lambda s: s["model"]["steps.0.neurons.0.w"].append(1.0),
    "text": lambda s: s["model"].update({"steps.0.neurons.0.b": "1.0"}),
    "null": lambda s: s["model"].update({"steps.0.neurons.0.b": None}),
    "true": lambda s: s["model"].update({"steps.0.neurons.0.b": True}),
    "huge": lambda s: s["model"].update({"steps.0.neurons.0.b": 10**400}),
    "nested": lambda s: s["model"].update({"steps.0.neurons.0.w": [[1.0, 2.0]]}),
    "optimiser gone": lambda s: s.update(optimizer=None),
    "optimiser text": lambda s: s.update(optimizer="Adam"),
    "optimiser state": lambda s: s["optimizer"]["state"].pop(),
    "optimiser lr": lambda s: s["optimizer"]["groups"][0].update(lr=-1),
    "training gone": lambda s: s.update(training=None),
    "training short": lambda s: s["training"].pop("epoch"),
    "epoch": lambda s: s["training"].update(epoch=-1),
    "epoch far": lambda s: s["training"].update(epoch=10**9),
    "waited": lambda s: s["training"].update(waited="many"),
    "best": lambda s: s["training"].update(best="low"),
    "best huge": lambda s: s["training"].update(best=10**400),
    "best state": lambda s: s["training"]["best_state"].pop("steps.0.neurons.0.w"),
    "best state kind": lambda s: s["training"].update(best_state=[1]),
    "seed": lambda s: s["training"].update(seed=6),
    "batch": lambda s: s["training"].update(batch_size=7),
    "samples": lambda s: s["training"].update(samples=7),
    "history": lambda s: s["training"]["history"]["loss"].pop(),
    "history text": lambda s: s["training"]["history"]["loss"].__setitem__(0, "small"),
    "history list": lambda s: s["training"].update(history=[]),
    "history list in list": lambda s: s["training"]["history"]["loss"].__setitem__(0, [1.0]),
    "schedule": lambda s: s["training"].update(schedule=None),
    "schedule epoch": lambda s: s["training"]["schedule"].update(epoch=-3),
    "schedule kind": lambda s: s["training"].update(schedule=3),
}


@pytest.mark.parametrize("name", CHANGES)
def test_an_edited_file_is_an_error_and_changes_nothing(name, tmp_path):
    contents = stored(tmp_path)
    CHANGES[name](contents)
    path = tmp_path / "edited.json"
    path.write_text(json.dumps(contents))
    model, optimizer = make("adam")
    before = bits(model.state_dict()), optimizer.state_dict()
    with pytest.raises(nn.CheckpointError, match=r"edited\.json"):
        nn.fit(
            model, X, Y, optimizer=optimizer, loss="hinge", epochs=4, batch_size=6, validation_split=0.2, seed=5,
            schedule=lambda o: nn.ReduceLROnPlateau(o, patience=1), early_stopping=6, metrics=["accuracy"],
            progress=False, checkpoint=path, resume=True,
        )  # fmt: skip
    assert (bits(model.state_dict()), optimizer.state_dict()) == before
    assert json.loads(path.read_text()) == contents


DEEP = 100_000
HOSTILE = {
    "empty": b"",
    "not JSON": b"\x80\x04\x95cos\nsystem\n(S'true'\ntR.",
    "not text": b"\xff\xfe\x00\x01",
    "a list": b"[1, 2]",
    "a number": b"3",
    "nested deeply": b"[" * DEEP + b"]" * DEEP,
    "nested objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "nested in the model": b'{"format":"chalkgrad checkpoint","version":1,"model":' + b"[" * DEEP + b"]" * DEEP + b"}",
    "nested parameter": b'{"format":"chalkgrad checkpoint","version":1,"model":{"a":' + b"[" * 900 + b"]" * 900 + b"}}",
    "NaN": b'{"format":"chalkgrad checkpoint","version":1,"model":{"steps.0.neurons.0.b":NaN}}',
    "Infinity": b'{"format":"chalkgrad checkpoint","version":1,"model":{"steps.0.neurons.0.b":-Infinity}}',
    "1e999": b'{"format":"chalkgrad checkpoint","version":1,"model":{"steps.0.neurons.0.b":1e999}}',
    "a digit too many": b'{"format":"chalkgrad checkpoint","version":1,"model":{"a":' + b"9" * 5000 + b"}}",
    "a name twice": b'{"format":"chalkgrad checkpoint","version":1,"model":{},"model":{}}',
    "zeros": bytes(1000),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_an_error_and_changes_nothing(name, tmp_path):
    path = tmp_path / "hostile.json"
    path.write_bytes(HOSTILE[name])
    model, _ = make("adam")
    before = bits(model.state_dict())
    for load in (lambda: nn.load(path, model), lambda: nn.load(path)):
        with pytest.raises(nn.CheckpointError, match=r"hostile\.json") as caught:
            load()
        assert len(str(caught.value)) < 500
    assert bits(model.state_dict()) == before


def test_every_truncation_is_an_error(tmp_path):
    nn.save(MODELS[0], tmp_path / "m.json")
    whole = (tmp_path / "m.json").read_bytes()
    model = nn.MLP(2, [3, 1], seed=4)
    before = bits(model.state_dict())
    for length in range(len(whole) - 1):
        (tmp_path / "cut.json").write_bytes(whole[:length])
        with pytest.raises(nn.CheckpointError, match=r"cut\.json"):
            nn.load(tmp_path / "cut.json", model)
    assert bits(model.state_dict()) == before


ARCHITECTURES = [
    "MLP", [], {}, {"kind": "os.system"}, {"kind": "MLP"}, {"kind": "MLP", "layers": []},
    {"kind": "MLP", "layers": [3]},
    {"kind": "Layer", "nin": 10**9, "nout": 10**9, "activation": "relu", "bias": True},
    {"kind": "Layer", "nin": 2, "nout": True, "activation": "relu", "bias": True},
    {"kind": "Layer", "nin": -2, "nout": 3, "activation": "relu", "bias": True},
    {"kind": "Layer", "nin": 2, "nout": 3, "activation": "__import__", "bias": True},
    {"kind": "Layer", "nin": 2, "nout": 3, "activation": ["relu"], "bias": True},
    {"kind": "Layer", "nin": 2, "nout": 3, "activation": "relu", "bias": {"a": 1}},
    {"kind": "Layer", "nin": 2, "nout": 3, "activation": "relu", "bias": True, "init": "zeros"},
    {"kind": "Dropout", "p": "x"}, {"kind": "Dropout"}, {"kind": "Sequential", "steps": None},
    {"kind": "Sequential", "steps": [{"kind": "Sequential", "steps": []}]},
]  # fmt: skip


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=str)
def test_an_architecture_builds_nothing_but_layers_that_fit(architecture, tmp_path):
    nn.save(MODELS[0], tmp_path / "m.json")
    contents = json.loads((tmp_path / "m.json").read_text())
    contents["architecture"] = architecture
    (tmp_path / "m.json").write_text(json.dumps(contents))
    with pytest.raises(nn.CheckpointError, match=r"m\.json does not fit"):
        nn.load(tmp_path / "m.json")


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=3) | st.integers(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["format", "version", "model", "w", "b", "kind"]), inner, max_size=4)
        ),
        max_leaves=12,
    )
)
@settings(max_examples=150)
def test_any_json_at_all_is_loaded_or_refused(tmp_path_factory, anything):
    path = tmp_path_factory.mktemp("any") / "a.json"
    contents = {"format": "chalkgrad checkpoint", "version": 1, "architecture": anything, "model": anything}
    path.write_text(json.dumps(contents, allow_nan=True))
    with contextlib.suppress(nn.CheckpointError):
        nn.load(path, nn.Neuron(1))
    with contextlib.suppress(nn.CheckpointError):
        nn.load(path)


# ------------------------------------------------------------------------------------- killed while writing

KILLED = """
    import os, signal, sys
    import nn
    import nn.checkpoint

    path, stop = sys.argv[1], int(sys.argv[2])
    nn.checkpoint.CHUNK = 100
    calls = 0

    def watched(name):
        real = getattr(os, name)
        def call(*arguments, **options):
            global calls
            calls += 1
            if calls == stop:
                if name == "write" and len(arguments[1]) > 1:
                    real(arguments[0], arguments[1][: len(arguments[1]) // 2])  # a write that is cut in half
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **options)
        setattr(os, name, call)

    for name in ("open", "write", "fsync", "close", "chmod", "replace"):
        watched(name)
    nn.save(nn.MLP(2, [4, 1], seed=2), path)
    print(calls)
"""


@pytest.mark.skipif(os.name != "posix", reason="there is no SIGKILL on Windows")
def test_kill_9_at_every_call_of_the_system_leaves_the_old_file_or_the_new(tmp_path):
    path = tmp_path / "m.json"
    nn.save(nn.MLP(2, [4, 1], seed=1), path)
    old = path.read_bytes()
    nn.save(nn.MLP(2, [4, 1], seed=2), path)
    new = path.read_bytes()

    def run(stop):
        command = [sys.executable, "-c", textwrap.dedent(KILLED), str(path), str(stop)]
        return subprocess.run(command, text=True, capture_output=True, timeout=60)

    calls = int(run(-1).stdout)
    assert calls > len(new) // 100 + 4
    seen = set()
    for stop in range(1, calls + 1):
        path.write_bytes(old)
        assert run(stop).returncode == -signal.SIGKILL
        found = path.read_bytes()
        assert found in (old, new), f"killed at call {stop}, the file is neither the old one nor the new"
        nn.load(path)
        seen.add(found == new)
    assert seen == {False, True}


RUNNING = """
    import sys, nn
    X, y = nn.data.moons(20, noise=0.1, seed=3, labels=(-1, 1))
    model = nn.MLP(2, [3, 1], activation="tanh", seed=0)
    history = nn.fit(model, X, y, loss="hinge", epochs=int(sys.argv[2]), progress=False, checkpoint=sys.argv[1],
                     resume=True, callbacks=[lambda t: print(t.epoch, flush=True)])
    print(history["loss"])
"""


@pytest.mark.skipif(os.name != "posix", reason="there is no SIGKILL on Windows")
def test_a_run_that_is_killed_again_and_again_ends_where_one_that_is_not_does(tmp_path):
    def command(path):
        return [sys.executable, "-c", textwrap.dedent(RUNNING), str(path), "40"]

    whole = subprocess.run(command(tmp_path / "a.json"), text=True, capture_output=True, check=True).stdout
    for after in (3, 11, 6):
        with subprocess.Popen(command(tmp_path / "b.json"), text=True, stdout=subprocess.PIPE) as process:
            for _ in range(after):
                process.stdout.readline()
            process.kill()
    last = subprocess.run(command(tmp_path / "b.json"), text=True, capture_output=True, check=True).stdout
    assert last.splitlines()[-1] == whole.splitlines()[-1]
    assert int(last.splitlines()[0]) > 3


def test_a_complaint_is_short_whatever_stands_in_the_file(tmp_path):
    path = tmp_path / "m.json"
    nn.save(nn.MLP(1, [1], seed=0), path)
    path.write_text(path.read_text().replace('"nin": 1', f'"nin": {10**400}'))
    with pytest.raises(nn.CheckpointError, match="nin=1000") as caught:
        nn.load(path)
    assert len(str(caught.value)) < 350 + len(str(path))


def test_a_link_is_followed_and_a_long_name_is_no_trouble(tmp_path):
    (tmp_path / "disk").mkdir()
    link = tmp_path / "model.json"
    link.symlink_to(tmp_path / "disk" / "model.json")
    nn.save(nn.Neuron(1, seed=0), link)
    assert link.is_symlink()
    assert (tmp_path / "disk" / "model.json").is_file()
    nn.save(nn.Neuron(1, seed=0), tmp_path / ("a" * 250 + ".json"))
    assert len(list(tmp_path.iterdir())) == 3


def test_save_says_where_no_file_can_be(tmp_path):
    with pytest.raises(IsADirectoryError, match="is a folder; give the path of a file"):
        nn.save(nn.Neuron(1, seed=0), tmp_path)
    with pytest.raises(FileNotFoundError, match="no' does not exist; make it first"):
        nn.save(nn.Neuron(1, seed=0), tmp_path / "no" / "m.json")


# ---------------------------------------------------------------- what the model and the run of a file were like


class Wrapped(nn.Module):
    """A model of one's own with layers in it."""

    def __init__(self, activation, p=0.5):
        super().__init__()
        self.gain = Value(1.0)
        self.parts = {"body": nn.MLP(2, [3, 2], activation=activation, seed=0), "drop": nn.Dropout(p)}
        self.head = nn.Neuron(2, activation=activation, seed=1)

    def forward(self, x):
        return self.gain * self.head(self.parts["drop"](self.parts["body"](x)))


class OwnMLP(nn.MLP):
    """Which has layers as MLP has."""


def own_activation(z):
    return z * z


def mixed(activation):
    layer = nn.Layer(2, 2, activation="relu", seed=0)
    layer.neurons[1].activation = activation
    return layer


FAMILIES = {
    "MLP": (lambda a: nn.MLP(2, [3, 1], activation=a, seed=0), "layers.0 is {} in the file and {} in this model"),
    "output": (lambda a: nn.MLP(2, [3, 1], output_activation=a, seed=0), "layers.1 is {} in"),
    "Layer": (lambda a: nn.Layer(2, 2, activation=a, seed=0), "it is {} in"),
    "Neuron": (lambda a: nn.Neuron(2, activation=a, seed=0), "it is {} in"),
    "Sequential": (
        lambda a: nn.Sequential(nn.Dropout(0.5), nn.Sequential(nn.Layer(2, 1, activation=a, seed=0))),
        "steps.1.steps.0 is {} in",
    ),
    "function": (lambda a: nn.Sequential(nn.Layer(2, 1, activation=None), getattr(autograd, a)), "steps.1 is {} in"),
    "own class": (Wrapped, "parts.body.layers.0 is {} in"),
    "subclass": (lambda a: OwnMLP(2, [3, 1], activation=a, seed=0), "layers.0 is {} in"),
    "one neuron": (mixed, "it is relu/{} in"),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_numbers_of_another_activation_are_refused_with_both_names(family, tmp_path):
    make, message = FAMILIES[family]
    path = tmp_path / "m.json"
    saved, other = make("sin"), make("tanh")
    nn.save(saved, path)
    before = bits(other.state_dict())
    for p in other.parameters():
        p.data += 1.0
    changed = bits(other.state_dict())
    with pytest.raises(nn.CheckpointError, match=r"m\.json does not fit: " + message.format("sin", "tanh")):
        nn.load(path, other)
    assert bits(other.state_dict()) == changed != before
    assert bits(nn.load(path, make("sin")).state_dict()) == bits(saved.state_dict())


def test_a_subclass_and_its_base_are_compared_by_what_is_in_them(tmp_path):
    nn.save(nn.MLP(2, [3, 1], activation="sin", seed=0), tmp_path / "m.json")
    nn.load(tmp_path / "m.json", OwnMLP(2, [3, 1], activation="sin"))
    with pytest.raises(nn.CheckpointError, match=r"layers\.0 is sin in the file and tanh in this model"):
        nn.load(tmp_path / "m.json", OwnMLP(2, [3, 1], activation="tanh"))


def test_what_has_no_name_is_not_compared(tmp_path):
    path = tmp_path / "m.json"
    make = FAMILIES["MLP"][0]
    for saved, other in (("sin", own_activation), (own_activation, "sin"), (own_activation, lambda z: z)):
        nn.save(make(saved), path)
        nn.load(path, make(other))
    model = nn.load(path, make("sin"))
    model.layers[0].activation = "tanh"  # as the message says
    assert model.layers[0].activation == "tanh"
    nn.save(nn.Sequential(nn.Layer(2, 1, seed=0), own_activation), path)
    nn.load(path, nn.Sequential(nn.Layer(2, 1, seed=0), autograd.sin))


def test_a_dropout_of_another_probability_is_no_other_model_but_another_run(tmp_path):
    path = tmp_path / "c.json"
    nn.save(Wrapped("sin", 0.5), path)
    nn.load(path, Wrapped("sin", 0.0))
    options = {"epochs": 1, "progress": False, "checkpoint": path}
    nn.fit(Wrapped("sin", 0.5), X, Y, **options)
    with pytest.raises(
        nn.CheckpointError, match=r"parts\.drop is Dropout\(0\.5\) in the file and Dropout\(0\.25\) in this"
    ):
        nn.fit(Wrapped("sin", 0.25), X, Y, **{**options, "epochs": 2}, resume=True)
    nn.fit(Wrapped("sin", 0.5), X, Y, **{**options, "epochs": 2}, resume=True)


def test_a_layer_of_unlike_neurons_is_built_from_its_file(tmp_path):
    layer = mixed("tanh")
    nn.save(nn.Sequential(layer, nn.Layer(2, 1, activation=None)), tmp_path / "m.json")
    built = nn.load(tmp_path / "m.json")
    assert [neuron.activation for neuron in built.steps[0].neurons] == ["relu", "tanh"]
    layer.neurons[1].activation = own_activation
    for model in (layer, Wrapped("relu"), nn.Neuron(2), OwnMLP(2, [1]), nn.Sequential(autograd.relu, nn.Layer(2, 1))):
        nn.save(model, tmp_path / "m.json")
        with pytest.raises(nn.CheckpointError, match="build it yourself and give it to load"):
            nn.load(tmp_path / "m.json")


@pytest.mark.parametrize("older", [lambda s: s.pop("architecture"), lambda s: s.update(architecture=None)])
def test_a_file_that_does_not_tell_the_architecture_still_loads(older, tmp_path):
    path = tmp_path / "m.json"
    nn.save(nn.MLP(2, [3, 1], activation="sin", seed=0), path)
    contents = json.loads(path.read_text())
    older(contents)
    path.write_text(json.dumps(contents))
    model = nn.load(path, nn.MLP(2, [3, 1], activation="tanh"))
    assert model.state_dict() == contents["model"]


@pytest.mark.parametrize(
    "architecture",
    [
        *ARCHITECTURES, {"kind": "Module"}, {"kind": "Module", "parts": [1]},
        {"kind": "Module", "parts": {"layers.0": 3}}, {"kind": ["Layer"]}, {"kind": "Function"},
        {"kind": "Layer", "activation": [1, "relu"]},
    ],
    ids=str,
)  # fmt: skip
def test_an_architecture_of_nonsense_hinders_nobody_who_has_a_model(architecture, tmp_path):
    path = tmp_path / "m.json"
    nn.save(MODELS[0], path)
    contents = json.loads(path.read_text())
    contents["architecture"] = architecture
    path.write_text(json.dumps(contents))
    assert nn.load(path, nn.MLP(2, [3, 1], activation="tanh")).state_dict() == MODELS[0].state_dict()


def began(tmp_path, **options):
    """Train for two epochs, and return what goes on from there with some options changed."""
    path = tmp_path / "run.json"

    def run(epochs=2, model=None, **changes):
        model = model or nn.MLP(2, [2, 1], activation="tanh", seed=0)
        chosen = {"loss": "hinge", "batch_size": 5, **options, **changes}
        if callable(chosen.get("optimizer")):
            chosen["optimizer"] = chosen["optimizer"](model.parameters())
        return nn.fit(model, X, Y, epochs=epochs, progress=False, checkpoint=path, **chosen)

    run()
    return run


def worst(o, t):
    return max(abs(a - b) for a, b in zip(o, t, strict=True))


def own_loss(o, t):
    return nn.mse(o, t)


STOP = nn.EarlyStopping(5, monitor="accuracy", mode="max")
BEGINNINGS = {
    "lr": ({"lr": 0.05}, {"lr": 0.01}, r"lr=0\.05, and this one has 0\.01; to go on with another, load the file"),
    "lr of an optimiser": (
        {"optimizer": lambda ps: nn.SGD(ps, lr=0.05)}, {"optimizer": lambda ps: nn.SGD(ps, lr=0.01)}, r"lr=0\.05, and",
    ),
    "momentum": (
        {"optimizer": lambda ps: nn.SGD(ps, momentum=0.9)}, {"optimizer": lambda ps: nn.SGD(ps)},
        r"momentum=0\.9, and this one has 0\.0",
    ),
    "betas": (
        {"optimizer": lambda ps: nn.Adam(ps)}, {"optimizer": lambda ps: nn.Adam(ps, betas=(0.5, 0.9))},
        r"betas=\[0\.9, 0\.999\], and this one has \[0\.5, 0\.9\]",
    ),
    "lr with a schedule": (
        {"lr": 0.05, "schedule": lambda o: nn.StepLR(o, 1)}, {"lr": 0.01}, r"lr=0\.05, and this one has 0\.01",
    ),
    "optimiser": ({"optimizer": "adam"}, {"optimizer": "sgd"}, "a state of 'Adam', and the optimiser is SGD"),
    "groups": (
        {}, {"optimizer": lambda ps: nn.Adam([{"params": ps[:1]}, {"params": ps[1:]}])},
        "the optimiser has 2 parameter groups, and the state has 1",
    ),
    "loss": ({"loss": "hinge"}, {"loss": "mse"}, "loss='hinge', and this one has 'mse'"),
    "loss of ones own": ({"loss": "mse"}, {"loss": own_loss}, "loss='mse', and this one has 'own_loss'"),
    "metric added": ({}, {"metrics": ["accuracy"]}, "no column 'accuracy', and this run measures that"),
    "metric gone": ({"metrics": ["rmse", worst]}, {"metrics": ["rmse"]}, "column 'worst', and this run does not"),
    "validation added": ({}, {"validation_data": (X, Y)}, "no column 'val_loss', and this run measures that"),
    "validation gone": ({"validation_data": (X, Y)}, {"validation_data": None}, "column 'val_loss', and this run does"),
    "monitor": (
        {"metrics": "accuracy", "early_stopping": STOP}, {"early_stopping": nn.EarlyStopping(5)},
        "early stopping by .*'accuracy'.*, and this one has .*'loss'",
    ),
    "mode": (
        {"metrics": "accuracy", "early_stopping": STOP},
        {"early_stopping": nn.EarlyStopping(5, monitor="accuracy", mode="min")}, "'mode': 'max'.*'mode': 'min'",
    ),
    "restore_best": (
        {"early_stopping": nn.EarlyStopping(5, restore_best=False)}, {"early_stopping": 5}, "'restore_best': False",
    ),
    "early stopping gone": ({"early_stopping": 5}, {"early_stopping": None}, "early stopping by .*, and this .* none"),
    "schedule": ({}, {"schedule": lambda o: nn.StepLR(o, 1)}, "only one of the file and this run has a learning-rate"),
}  # fmt: skip


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("name", BEGINNINGS)
def test_a_run_that_differs_is_not_resumed_and_says_so_before_it_trains(name, jit, tmp_path):
    options, changes, message = BEGINNINGS[name]
    run = began(tmp_path, **options, jit=jit)
    stored = (tmp_path / "run.json").read_bytes()
    model = nn.MLP(2, [2, 1], activation="tanh", seed=3)
    before = bits(model.state_dict())

    def never(training):
        raise AssertionError("an epoch was run")

    with pytest.raises(nn.CheckpointError, match=r"run\.json does not fit: .*" + message):
        run(4, model, resume=True, callbacks=never, **changes)
    assert bits(model.state_dict()) == before
    assert (tmp_path / "run.json").read_bytes() == stored
    assert len(run(4, resume=True)) == 4


ALIKE = {
    "lr left out": ({"lr": 0.05}, {"lr": None}),
    "lr as a number of NumPy": ({"lr": 0.05}, {"lr": np.float64(0.05)}),
    "an optimiser like the named one": ({"lr": 0.05}, {"lr": None, "optimizer": lambda ps: nn.Adam(ps, lr=0.05)}),
    "a rate that is scheduled": ({"lr": 0.05, "schedule": lambda o: nn.StepLR(o, 1)}, {}),
    "a rate that warms up": (
        {"lr": 0.05, "schedule": lambda o: nn.LinearLR(o, 0.25), "optimizer": "sgd"}, {"optimizer": "sgd"},
    ),
    "a rate that a callback changes": (
        {"lr": 0.05, "callbacks": lambda training: setattr(training.optimizer, "lr", training.optimizer.lr * 0.5)}, {},
    ),
    "more patience": ({"early_stopping": 5}, {"early_stopping": 9}),
    "early stopping from now on": ({}, {"early_stopping": 5}),
    "metrics in another order": ({"metrics": ["rmse", worst]}, {"metrics": [worst, "rmse"]}),
    "compiled": ({}, {"jit": True}),
}  # fmt: skip


@pytest.mark.parametrize("name", ALIKE)
def test_a_run_that_is_alike_is_resumed_again_and_again(name, tmp_path):
    options, changes = ALIKE[name]
    run = began(tmp_path, **options)
    for epochs in (3, 4):
        assert run(epochs, resume=True, **changes)["epoch"] == list(range(1, epochs + 1))
    if not changes:
        rates = run(4, resume=True)["lr"]
        (tmp_path / "run.json").unlink()
        assert run(4)["lr"] == rates


def test_the_very_optimiser_of_a_run_goes_on_with_the_rate_it_ended_with(tmp_path):
    model = nn.MLP(2, [2, 1], activation="tanh", seed=0)
    optimizer = nn.SGD(model.parameters(), lr=0.5)
    for epochs in (2, 4):
        history = nn.fit(
            model, X, Y, optimizer=optimizer, schedule=lambda o: nn.StepLR(o, 1, gamma=0.5), epochs=epochs,
            progress=False, checkpoint=tmp_path / "c.json", resume=True,
        )  # fmt: skip
    assert history["lr"] == [0.5, 0.25, 0.125, 0.0625]


def test_a_run_of_a_file_that_does_not_say_how_it_began_is_resumed(tmp_path):
    run = began(tmp_path, lr=0.05)
    path = tmp_path / "run.json"
    contents = json.loads(path.read_text())
    del contents["training"]["began"]
    path.write_text(json.dumps(contents))
    assert len(run(3, resume=True, lr=0.01, loss="mse")) == 3
    for bad in ([], {}, None, {"loss": "hinge", "groups": [], "early_stopping": None}):
        contents["training"]["began"] = bad
        path.write_text(json.dumps(contents))
        with pytest.raises(
            nn.CheckpointError, match=r"run\.json does not fit: it does not say with what its run began"
        ):
            run(3, resume=True)
    contents["training"]["began"] = {"loss": "hinge", "groups": [3], "early_stopping": None}
    path.write_text(json.dumps(contents))
    with pytest.raises(nn.CheckpointError, match=r"run\.json does not fit"):
        run(3, resume=True, lr=0.01)


def test_an_eps_of_0_in_a_file_is_refused(tmp_path):
    run = began(tmp_path)
    path = tmp_path / "run.json"
    path.write_text(path.read_text().replace('"eps": 1e-08', '"eps": 0.0'))
    with pytest.raises(nn.CheckpointError, match=r"run\.json does not fit: eps is a finite number above 0, since"):
        run(3, resume=True)
    model = nn.MLP(2, [2, 1], activation="tanh", seed=0)
    with pytest.raises(nn.CheckpointError, match=r"run\.json does not fit: eps is a finite number above 0, since"):
        nn.load(path, model, nn.Adam(model.parameters()))


def test_a_path_may_be_bytes_and_the_order_of_arguments_is_told(tmp_path):
    path = os.fsencode(tmp_path / "m.json")
    nn.save(MODELS[0], path, notes={"a": 1})
    assert nn.load(path).state_dict() == MODELS[0].state_dict()
    assert nn.read_notes(path) == {"a": 1}
    assert len(nn.fit(nn.MLP(2, [1]), X, Y, epochs=1, progress=False, checkpoint=path)) == 1
    assert len(nn.fit(nn.MLP(2, [1]), X, Y, epochs=2, progress=False, checkpoint=path, resume=True)) == 2
    with pytest.raises(TypeError, match=r"save takes the model first, .*: nn\.save\(model, b'.*m\.json'\)"):
        nn.save(path, MODELS[0])
    for swapped in (path, os.fsdecode(path), tmp_path / "m.json"):
        with pytest.raises(TypeError, match=r"load takes the path first, .*: nn\.load\(b?'.*m\.json', model\)"):
            nn.load(MODELS[0], swapped)
    (tmp_path / "m.json").write_text("{")
    with pytest.raises(nn.CheckpointError, match=r"^/.*m\.json is damaged"):
        nn.load(path)
    with pytest.raises(FileNotFoundError, match=r"no' does not exist"):
        nn.save(MODELS[0], os.fsencode(tmp_path / "no" / "m.json"))
