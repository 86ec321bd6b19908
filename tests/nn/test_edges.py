"""Defaults and limits of optimisers, losses and checkpoints, each where one step further means another thing."""

import json
import math
import os

import pytest

import nn
from autograd import Value, topological_order
from nn import checkpoint

INF, NAN = math.inf, math.nan

# ------------------------------------------------------------------ optimisers

DEFAULTS = {  # as torch.optim of PyTorch 2 documents them
    nn.SGD: {"lr": 1e-3, "momentum": 0.0, "dampening": 0.0, "weight_decay": 0.0, "nesterov": False, "maximize": False},
    nn.Adam: {
        "lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0, "amsgrad": False, "maximize": False,
    },
    nn.AdamW: {
        "lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 1e-2, "amsgrad": False, "maximize": False,
    },
    nn.RMSprop: {
        "lr": 1e-2, "alpha": 0.99, "eps": 1e-8, "weight_decay": 0.0, "momentum": 0.0, "centered": False,
        "maximize": False,
    },
    nn.Adagrad: {
        "lr": 1e-2, "lr_decay": 0.0, "weight_decay": 0.0, "initial_accumulator_value": 0.0, "eps": 1e-10,
        "maximize": False,
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", DEFAULTS)
def test_the_defaults_are_pytorchs_and_are_what_a_step_takes(kind):
    def trained(**options):
        w = Value(1.5)
        optimizer = kind([w], **options)
        for _ in range(3):
            optimizer.zero_grad()
            (w * w * w).backward()
            optimizer.step()
        return w.data, optimizer.state_dict()

    assert kind([Value(1.0)]).defaults == DEFAULTS[kind]
    assert trained() == trained(**DEFAULTS[kind])
    assert set(DEFAULTS) == set(nn.OPTIMIZERS.values())


@pytest.mark.parametrize("lr", [INF, -INF, NAN, -1e-300])
@pytest.mark.parametrize("kind", DEFAULTS)
def test_a_learning_rate_is_finite_and_not_negative(kind, lr):
    with pytest.raises(ValueError, match=r"^lr is a "):
        kind([Value(1.0)], lr=lr)


@pytest.mark.parametrize("dampening", [INF, -INF, NAN])
def test_a_dampening_is_finite(dampening):
    with pytest.raises(ValueError, match=r"^dampening is a "):
        nn.SGD([Value(1.0)], momentum=0.5, dampening=dampening)
    assert nn.SGD([Value(1.0)], momentum=0.5, dampening=-2.0).defaults["dampening"] == -2.0


def with_gradients(*grads):
    parameters = [Value(0.0) for _ in grads]
    for p, g in zip(parameters, grads, strict=True):
        p.grad = g
    return parameters


def test_a_gradient_of_infinite_norm_is_not_refused_unless_that_is_asked_for():
    parameters = with_gradients(INF, 1.0)
    assert nn.clip_grad_norm_(parameters, 1.0) == INF
    assert [repr(p.grad) for p in parameters] == ["nan", "0.0"]  # ∞·0, as in PyTorch
    for grads in ((INF, 1.0), (NAN, 1.0)):
        parameters = with_gradients(*grads)
        with pytest.raises(ValueError, match="look for where the loss became infinite or nan"):
            nn.clip_grad_norm_(parameters, 1.0, error_if_nonfinite=True)
        assert [repr(p.grad) for p in parameters] == [repr(g) for g in grads]


def test_a_norm_below_the_limit_changes_nothing():
    parameters = with_gradients(3.0, 4.0)
    assert nn.clip_grad_norm_(parameters, 5.1) == 5.0
    assert [p.grad for p in parameters] == [3.0, 4.0]
    assert nn.clip_grad_norm_(parameters, INF) == 5.0
    assert [p.grad for p in parameters] == [3.0, 4.0]


def test_one_parameter_needs_no_list():
    (p,) = with_gradients(-3.0)
    assert nn.clip_grad_norm_(p, 1.0) == 3.0
    assert p.grad == pytest.approx(-1.0, abs=1e-6)  # PyTorch's 1e-6 in the denominator
    p.grad = -3.0
    nn.clip_grad_value_(p, 2.0)
    assert p.grad == -2.0


def test_an_option_may_be_a_whole_number_in_a_file():
    optimizer = nn.SGD([Value(1.0)], momentum=0.5)
    state = json.loads(json.dumps(optimizer.state_dict()))
    state["groups"][0].update(lr=1, momentum=0)
    optimizer.load_state_dict(state)
    assert (optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["momentum"]) == (1, 0)
    for key, wrong in [("lr", "1"), ("lr", True), ("nesterov", 1), ("momentum", None)]:
        state["groups"][0] = optimizer.state_dict()["groups"][0] | {key: wrong}
        with pytest.raises(ValueError, match=f"the option {key} of SGD cannot be {wrong!r}"):
            optimizer.load_state_dict(state)


# --------------------------------------------------------------------- losses


def test_of_one_sample_without_a_reduction_comes_a_list_of_one():
    assert nn.cross_entropy([0.0, 0.0], 1, reduction="none") == [math.log(2.0)]
    assert nn.cross_entropy([0.0, 0.0], [0.25, 0.75], reduction="none") == [math.log(2.0)]


@pytest.mark.parametrize("loss", [nn.bce_with_logits])
def test_a_term_of_weight_zero_may_be_infinite(loss):
    assert loss([-INF, INF], [0.0, 1.0], reduction="none") == [0.0, 0.0]
    assert loss([INF, -INF], [0.0, 1.0], reduction="none") == [INF, INF]


def test_a_target_in_which_no_class_has_a_probability():
    assert nn.cross_entropy([1.0, 2.0], [0.0, 0.0]) == nn.cross_entropy([0.0], [0.0]) == 0.0
    scores = [Value(1.0), Value(2.0)]
    loss = nn.cross_entropy(scores, [0.0, 0.0])
    loss.backward()
    assert (loss.data, [s.grad for s in scores]) == (0.0, [0.0, 0.0])


def operations(loss):
    return sorted(v.op.name for v in topological_order(loss) if v.op)


def test_a_loss_is_few_nodes():
    a, b = Value(1.0), Value(3.0)
    assert operations(nn.mse([a, b], [0.0, 1.0])) == ["div", "dot", "sub", "sub"]
    assert operations(nn.mse([a], [0.0])) == ["dot", "sub"]
    assert operations(nn.half_squared_error([a, b], [0.0, 1.0])) == ["dot", "mul", "sub", "sub"]
    assert operations(nn.mae(a, 0.0)) == ["abs", "sub"]
    assert operations(nn.mae([a, b], [0.0, 1.0])) == ["abs", "abs", "mean", "sub", "sub"]


def test_of_one_number_each_reduction():
    found = [nn.mae(1.0, 3.0, reduction=reduction) for reduction in ("mean", "sum", "none")]
    assert found == [2.0, 2.0, [2.0]]


@pytest.mark.parametrize("target", [[1.0], [1.0, 2.0], []])
def test_one_prediction_has_one_target(target):
    for prediction in (Value(1.0), 1.0):
        with pytest.raises(ValueError, match=f"^one prediction needs one target, and a list of {len(target)} was"):
            nn.mae([prediction], [target])


# ---------------------------------------------------------------- checkpoints


def edited(tmp_path, model, change):
    """The path of a model's file after a change of what it says."""
    path = tmp_path / "m.json"
    nn.save(model, path)
    stored = json.loads(path.read_text())
    change(stored)
    path.write_text(json.dumps(stored))
    return path


def test_the_largest_file_that_is_read(tmp_path, monkeypatch):
    path = tmp_path / "m.json"
    nn.save(nn.Neuron(1, seed=0), path)
    monkeypatch.setattr(checkpoint, "LARGEST", path.stat().st_size)
    nn.load(path, nn.Neuron(1))
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(nn.CheckpointError, match=r"does not fit: it has more than \d+ bytes$"):
        nn.load(path, nn.Neuron(1))


def test_a_number_that_json_does_not_know_is_refused_wherever_it_stands(tmp_path):
    for text in ("NaN", "Infinity", "-Infinity"):
        path = edited(tmp_path, nn.Neuron(1, seed=0), lambda stored: stored.update(notes="here"))
        path.write_text(path.read_text().replace('"here"', text))
        with pytest.raises(nn.CheckpointError, match=f"{text} stands where a finite number belongs"):
            nn.load(path, nn.Neuron(1))


def test_a_model_with_a_step_that_has_no_name_is_not_described(tmp_path):
    class Own(nn.Module):
        def forward(self, x):
            return x

    for step in (Own(), nn.Layer(1, 1, activation=lambda z: z)):
        nn.save(nn.Sequential(nn.Layer(2, 1, seed=0), step), tmp_path / "m.json")
        with pytest.raises(nn.CheckpointError, match="build it yourself"):
            nn.load(tmp_path / "m.json")


def test_a_layer_of_all_the_numbers_that_there_are_is_built_and_no_larger_one(tmp_path):
    layer = nn.Layer(3, 2, bias=False, seed=0)
    path = edited(tmp_path, layer, lambda stored: None)
    assert nn.load(path).state_dict() == layer.state_dict()
    for nin, nout, message in [
        (3, 3, "it tells of a layer of 3 × 3 weights, and has no numbers for that"),
        (7, 1, "it tells of a layer with nin=7, and has no numbers for that"),
        (1, 7, "it tells of a layer with nout=7, and has no numbers for that"),
        (0, 2, "it tells of a layer with nin=0, and has no numbers for that"),
        (True, 2, "it tells of a layer with nin=True, and has no numbers for that"),
        (2.0, 2, r"it tells of a layer with nin=2\.0, and has no numbers for that"),
    ]:
        path = edited(tmp_path, layer, lambda s, nin=nin, nout=nout: s["architecture"].update(nin=nin, nout=nout))
        with pytest.raises(nn.CheckpointError, match=message):
            nn.load(path)


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        (1, "it tells of a part that is not known here: None"),
        ({"kind": "Conv"}, "it tells of a part that is not known here: 'Conv'"),
        ({"kind": "MLP"}, "it tells of a MLP without layers"),
        ({"kind": "MLP", "layers": []}, "it tells of a MLP without layers"),
        ({"kind": "Sequential", "steps": 1}, "it tells of a Sequential without steps"),
        ({"kind": "MLP", "layers": [1]}, "without saying nin, nout, activation and bias"),
        ({"kind": "Layer", "nin": 1, "nout": 1, "bias": True}, "without saying nin, nout, activation and bias"),
        (
            {"kind": "Layer", "nin": 1, "nout": 1, "bias": True, "activation": "relu", "init": "ones"},
            "without saying nin, nout, activation and bias",
        ),
    ],
)
def test_an_architecture_that_is_wrong_is_told_apart(architecture, message, tmp_path):
    path = edited(tmp_path, nn.Layer(2, 2, seed=0), lambda stored: stored.update(architecture=architecture))
    with pytest.raises(nn.CheckpointError, match=message):
        nn.load(path)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (nn.CheckpointError("said already"), "^said already$"),
        (ValueError(), "^m.json does not fit: $"),
        (KeyError("name"), "^m.json does not fit: name$"),
        (TypeError("x" * 300), "^m.json does not fit: x{300}$"),
        (TypeError("x" * 301), "^m.json does not fit: x{299}…$"),
        (RecursionError(), "^m.json is no checkpoint: it is nested too deeply or too large$"),
        (MemoryError(), "^m.json is no checkpoint: it is nested too deeply or too large$"),
    ],
)
def test_what_goes_wrong_with_a_file_names_it_once(error, message):
    with pytest.raises(nn.CheckpointError, match=message), checkpoint.blamed_on("m.json"):
        raise error


def test_a_file_says_one_thing_a_line_and_is_not_read_beyond_a_gibibyte(tmp_path):
    path = edited(tmp_path, nn.Neuron(1, seed=0), lambda stored: None)
    nn.save(nn.Neuron(1, seed=0), path)
    assert path.read_text().splitlines()[:3] == ["{", ' "format": "chalkgrad checkpoint",', ' "version": 1,']
    assert checkpoint.LARGEST == 2**30


def test_notes_are_a_dict_or_none(tmp_path):
    for notes in ([1], "text", 3, None):
        path = edited(tmp_path, nn.Neuron(1, seed=0), lambda stored, notes=notes: stored.update(notes=notes))
        assert nn.read_notes(path) == {}


def test_two_texts_are_no_model(tmp_path):
    with pytest.raises(TypeError, match="a checkpoint holds a Module, and str was given"):
        nn.save(str(tmp_path / "m.json"), str(tmp_path / "n.json"))


@pytest.mark.skipif(os.name != "posix", reason="folders are synced on POSIX alone")
def test_a_file_is_on_the_disk_before_it_has_its_name_and_the_name_after_it(tmp_path, monkeypatch):
    seen = []
    for name in ("fsync", "replace"):
        own = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *args, name=name, own=own: (seen.append(name), own(*args))[1])
    nn.save(nn.Neuron(1, seed=0), tmp_path / "m.json")
    assert seen == ["fsync", "replace", "fsync"]


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="open files are counted in /proc")
def test_no_file_stays_open(tmp_path):
    nn.save(nn.Neuron(1, seed=0), tmp_path / "m.json")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        nn.save(nn.Neuron(1, seed=0), tmp_path / "m.json")
        nn.load(tmp_path / "m.json", nn.Neuron(1))
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("step", ["write", "fsync", "chmod", "replace"])
def test_a_write_that_fails_is_an_error_and_leaves_the_old_file(step, tmp_path, monkeypatch):
    path = tmp_path / "m.json"
    nn.save(nn.Neuron(1, seed=0), path)
    before = path.read_bytes()

    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="No space left"):
        nn.save(nn.Neuron(1, seed=1), path)
    monkeypatch.undo()
    assert os.listdir(tmp_path) == ["m.json"]
    assert path.read_bytes() == before


@pytest.mark.skipif(os.name != "posix", reason="permissions as on POSIX")
def test_a_new_file_has_the_permissions_that_the_process_gives(tmp_path):
    for mask, mode in ((0o000, 0o666), (0o022, 0o644), (0o077, 0o600)):
        own = os.umask(mask)
        try:
            nn.save(nn.Neuron(1, seed=0), tmp_path / f"{mask}.json")
            assert os.umask(mask) == mask
        finally:
            os.umask(own)
        assert (tmp_path / f"{mask}.json").stat().st_mode & 0o777 == mode


@pytest.mark.parametrize(
    ("notes", "message"),
    [
        ('{"a": 1, "a": 1}', "a name stands twice in one object"),
        ("1e999", "1e999 is too large for a float"),
        ("-1e999", "-1e999 is too large for a float"),
    ],
)
def test_a_note_that_could_be_read_in_two_ways_is_refused(notes, message, tmp_path):
    path = edited(tmp_path, nn.Neuron(1, seed=0), lambda stored: stored.update(notes="here"))
    path.write_text(path.read_text().replace('"here"', notes))
    with pytest.raises(nn.CheckpointError, match=message):
        nn.load(path, nn.Neuron(1))


@pytest.mark.parametrize(("nin", "nout"), [(4, 1), (1, 4)])
def test_a_layer_with_one_weight_for_each_input_or_neuron_is_built(nin, nout, tmp_path):
    layer = nn.Layer(nin, nout, bias=False, seed=0)
    nn.save(layer, tmp_path / "m.json")
    assert nn.load(tmp_path / "m.json").state_dict() == layer.state_dict()


def test_a_path_of_bytes_is_written_as_text(tmp_path):
    path = tmp_path / "m.json"
    path.write_text("{}")
    with pytest.raises(nn.CheckpointError) as caught:
        nn.load(os.fsencode(path))
    assert str(caught.value).startswith(f"{path} does not fit: ")
    with pytest.raises(IsADirectoryError) as folder:
        nn.save(nn.Neuron(1), os.fsencode(tmp_path))
    assert str(folder.value).startswith(f"the checkpoint {str(tmp_path)!r} is a folder")
    with pytest.raises(FileNotFoundError) as missing:
        nn.save(nn.Neuron(1), os.fsencode(tmp_path / "no" / "m.json"))
    assert str(missing.value).startswith(f"the checkpoint's folder {str(tmp_path / 'no')!r} does not exist")
