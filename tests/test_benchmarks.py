"""The benchmarks do what they say: programs agree, a disagreement is noticed, targets are judged. Nothing is timed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "benchmarks"
sys.path.insert(0, str(HERE))
try:
    from peers import PEERS
    from run import disagreements, judge, shown
    from works import WORKS, Target, Work
finally:
    sys.path.remove(str(HERE))


def run_program(path, repeats=1):
    """What a program prints, run as the harness runs it."""
    command = [sys.executable, HERE / "clock.py", path, "off", str(repeats)]
    done = subprocess.run(command, text=True, capture_output=True, cwd=HERE, timeout=240)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.name)
def test_every_work_has_programs_of_known_peers(work):
    programs = work.programs()
    assert next(iter(programs)).startswith("chalkgrad")
    assert {name.partition("-")[0] for name in programs} <= PEERS.keys()
    assert {target.program for target in work.targets} <= programs.keys()
    assert {target.than for target in work.targets if target.times} <= {name.partition("-")[0] for name in programs}


@pytest.mark.parametrize("work", ["demo_net", "two_two_two"])
def test_our_programs_of_a_work_agree(work):
    (row,) = [each for each in WORKS if each.name == work]
    ours = {name: path for name, path in row.programs().items() if name.startswith("chalkgrad")}
    agree = {name: run_program(path)["agree"] for name, path in ours.items()}
    assert len(agree) >= 2
    assert disagreements(row, agree) == []


def test_the_2_2_2_program_gives_the_tutorials_losses():
    """The losses after 1, 10, … 10,000 steps, recomputed in double precision apart from this library."""
    published = [
        0.29102777369359933,
        0.22091859205390404,
        0.02004682824942521,
        0.001114349453733746,
        3.510187782978859e-05,
    ]
    agree = run_program(HERE / "programs" / "two_two_two" / "chalkgrad.py")["agree"]
    assert agree == pytest.approx(published, rel=1e-12)


@pytest.mark.parametrize(
    ("got", "found"),
    [([1.0, 2.0], 0), ([1.0, 2.0 + 1e-12], 0), ([1.0, 2.0 + 1e-11], 1), ([1.0], 1), ([1.0, float("nan")], 1)],
)
def test_numbers_that_differ_are_reported(got, found):
    work = Work("made_up", "", "", tolerance=1e-12)
    assert len(disagreements(work, {"chalkgrad": [1.0, 2.0], "micrograd": got})) == found


def test_targets_are_judged_for_each_mode_of_the_collector():
    rows = [
        {"program": program, "collector": collector, "figure": "time", "min": seconds, "median": 2 * seconds}
        for program, collector, seconds in [
            ("chalkgrad", "on", 1.0),
            ("chalkgrad", "off", 1.0),
            ("micrograd", "on", 5.0),
            ("micrograd", "off", 2.0),
        ]
    ]
    both = judge(Target(times=3), rows)
    assert [(j["collector"], j["reached"], j["met"]) for j in both] == [("on", 5.0, True), ("off", 2.0, False)]
    (one,) = judge(Target(at_most=0.5, collector="off"), rows)
    assert (one["reached"], one["reached_median"], one["met"]) == (1.0, 2.0, False)


@pytest.mark.parametrize(
    ("figure", "value", "text"),
    [
        ("time", 2.5, "2.5 s"),
        ("time", 3e-3, "3 ms"),
        ("time", 4.2e-6, "4.2 µs"),
        ("memory", 159.5, "159.5 B"),
        ("peak memory", 518e6, "518.0 MB"),
        ("time", 80e-9, "80 ns"),
    ],
)
def test_figures_are_shown_with_their_unit(figure, value, text):
    assert shown(figure, value) == text
