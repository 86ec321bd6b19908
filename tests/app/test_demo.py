"""The main job: every number beside the print, both networks, two moons, and the pictures."""

import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest

import nn
from autograd.app.demo import moons, two_hidden_layers, worked_example


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    out = tmp_path_factory.mktemp("demo") / "new" / "out"
    command = [sys.executable, "-W", "error", "-m", "autograd", "demo", "--out", str(out)]
    return subprocess.run(command, text=True, capture_output=True, timeout=120), out


def test_it_works_and_says_where_the_pictures_are(demo):
    done, out = demo
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WRONG" not in done.stdout
    names = [
        "worked_example.svg",
        "worked_example.png",
        "worked_example.html",
        "worked_network.svg",
        "worked_network.png",
        "worked_example_loss.png",
        "two_hidden_layers.png",
        "moons.png",
    ]
    for name in names:
        assert str(out / name) in done.stdout
        assert (out / name).stat().st_size > 5_000
    assert sorted(path.name for path in out.iterdir()) == sorted(names)


def test_bars_are_shown_and_can_be_off(demo, tmp_path):
    assert "2-2-2 network" in demo[0].stderr
    assert re.search(r"9999/9999", demo[0].stderr)
    command = [sys.executable, "-m", "autograd", "demo", "--out", str(tmp_path), "--no-progress"]
    assert subprocess.run(command, text=True, capture_output=True, timeout=120).stderr == ""


def test_every_printed_number_stands_beside_ours(demo):
    text = demo[0].stdout
    for name, digits in worked_example.PRINTED.items():
        assert re.search(rf"^{name} +-?[\d.e-]+ +{re.escape(digits)} +(agrees|misprint)", text, re.MULTILINE), name
    assert "33 of 33 numbers agree." in text


def test_only_these_differ_from_print_and_only_by_its_own_rounding():
    numbers, _ = worked_example.first_step(worked_example.Network())
    apart = [name for name, x in numbers.items() if name in worked_example.PRINTED
             and not worked_example.same_digits(x, worked_example.PRINTED[name])]  # fmt: skip
    assert set(apart) == set(worked_example.ITS_OWN) | set(worked_example.MISPRINTS)
    assert all(worked_example.compare(name, numbers[name])[1] for name in apart)


def test_a_wrong_number_would_be_seen():
    numbers, _ = worked_example.first_step(worked_example.Network())
    for name in worked_example.PRINTED:
        if name in numbers:
            assert worked_example.compare(name, numbers[name] * (1 + 1e-3)) == ("WRONG", False)


def test_the_first_step_has_the_stored_numbers_to_1e_12():
    network = worked_example.Network()
    numbers, graph = worked_example.first_step(network)
    for name, stored in worked_example.FACTS["forward"].items():
        assert numbers[name] == pytest.approx(stored, rel=1e-14), name  # a few roundings
    for name, stored in worked_example.FACTS["gradients"].items():
        assert numbers[f"dE_d{name}"] == pytest.approx(stored, rel=1e-13), name
    network.optimizer.step()
    after = worked_example.FACTS["weights_after_1"]
    assert {name: w.data for name, w in network.weights.items()} == pytest.approx(
        {name: after[name] for name in network.weights}, rel=1e-14
    )
    assert [layer.b.data for layer in network.model.layers] == [after["b1"], after["b2"]]
    assert graph["E"].data == numbers["E"]


def test_losses_of_10_000_steps_and_the_outputs():
    network = worked_example.Network()
    losses = [network.step() for _ in range(10_000)]
    losses.append(network.loss())
    for step, stored in worked_example.FACTS["loss_after"].items():
        assert losses[int(step)] == pytest.approx(stored, rel=1e-12)
    outputs = [out.data for out in network.model(worked_example.NETWORK["inputs"])]
    assert outputs == pytest.approx(worked_example.FACTS["outputs_after_10000"], rel=1e-12)


def test_the_picture_is_well_formed_and_complete(demo):
    tree = ElementTree.parse(demo[1] / "worked_example.svg")
    text = " ".join(tree.getroot().itertext())
    for name in ("net_h1", "net_o2", "E_o1", "w22_2", "b1", "i2", "0.2984"):
        assert name in text, name


def test_the_textbook_figure_has_the_numbers_of_the_step(demo):
    text = " ".join(ElementTree.parse(demo[1] / "worked_network.svg").getroot().itertext())
    numbers, _ = worked_example.first_step(worked_example.Network())
    for name in ("h1", "o2", "net_h1", "delta_o1"):
        assert f"{numbers[name]:.4g}" in text, name
    for name in ("w11_1", "b2"):
        assert name in text, name


def test_the_player_stands_alone(demo):
    page = (demo[1] / "worked_example.html").read_text(encoding="utf-8")
    assert "<svg" in page
    assert not re.search(r"(src|href)=[\"']?https?:", page)


def test_the_second_network_saturates_as_published_and_learns_as_meant(demo):
    text = demo[0].stdout
    assert two_hidden_layers.all_pairs([1.0] * 5, two_hidden_layers.TARGETS) == two_hidden_layers.LIMIT == 1526.8
    rows = re.findall(r"^ +[\d,]+ +(15\d\d\.\d+) +([\d.]+) +([\d.e+-]+)$", text, re.MULTILINE)
    losses = [float(row[0]) for row in rows]
    slopes = [float(row[2]) for row in rows]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] - 1526.8 < 0.1
    assert slopes == sorted(slopes, reverse=True)
    pairs = re.findall(r"^ +(0\.\d\d) +(0\.\d{3})$", text, re.MULTILINE)
    assert len(pairs) == 5
    assert all(abs(float(target) - float(output)) < 0.01 for target, output in pairs)


def test_the_moons_are_told_apart():
    _, _, history = moons.train(progress=False)
    assert history["accuracy"][-1] >= moons.GOAL
    assert history.stopped == "callback"


def test_without_matplotlib_there_are_numbers_and_no_curves(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    pictures = []
    assert moons.run(tmp_path, pictures, progress=False)
    assert pictures == []
    assert "No curves: a curve needs the package matplotlib" in (said := capsys.readouterr().out)
    assert "pip install 'chalkgrad[plot]'" in said


def test_ctrl_c_in_the_middle_of_fit_ends_the_demo(tmp_path, monkeypatch):
    history = nn.History({"epoch": [1], "loss": [1.0], "accuracy": [0.5]})
    history.stopped = "interrupted"
    monkeypatch.setattr(moons, "train", lambda progress: (nn.MLP(2, [1]), ([], []), history))
    with pytest.raises(KeyboardInterrupt):
        moons.run(tmp_path, [], progress=False)
