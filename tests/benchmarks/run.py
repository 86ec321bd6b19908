"""Measure chalkgrad beside its peers: `make bench`, or `make bench ARGS="demo_net --rounds 5"`.

Each program runs in a process of its own, in its own peer's environment. The processes of a work take turns, round
after round, so that whatever else the machine does falls on all of them. Reported are the minimum and the median over
all rounds, for each mode of Python's garbage collector; the ratios are those of minima and of medians. A table goes to
the terminal and everything to out/bench.json. The exit code is 1 if programs disagree on the numbers they computed or
one could not be run; a target that is missed is reported and is not an error, since a machine may be busy.
"""

import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from peers import PEERS, ROOT, PeerError, interpreter
from works import WORKS, Target, Work

HERE = Path(__file__).parent
OUT = ROOT / "out" / "bench.json"


def processor() -> str:
    """The processor's name, as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def machine() -> dict:
    """What the figures were taken on."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
    }


def run_program(path: Path, collector: str, repeats: int) -> dict:
    """One process: a program in its peer's interpreter."""
    peer = path.stem.partition("-")[0]
    command = [interpreter(peer), HERE / "clock.py", path, collector, str(repeats), *PEERS[peer].distributions]
    # One thread each for libraries that would otherwise take what cores they find, and no user's site packages.
    environment = os.environ | {
        "CHALKGRAD_CACHE": "off",
        "OMP_NUM_THREADS": "1",
        "PYTHONNOUSERSITE": "1",
        "PYTHONHASHSEED": "0",
    }
    done = subprocess.run(command, env=environment, text=True, capture_output=True, cwd=HERE)
    if done.returncode:
        raise PeerError(f"{path.parent.name}/{path.name} failed:\n{done.stderr.strip()}")
    return json.loads(done.stdout.splitlines()[-1])


def disagreements(work: Work, agree: dict[str, list[float]]) -> list[str]:
    """Where a program's numbers differ from those of the first one by more than the work allows."""
    (reference, expected), *others = agree.items()
    scale = max(map(abs, expected), default=0.0)
    found = []
    for name, got in others:
        if len(got) != len(expected):
            found.append(f"{work.name}: {name} returned {len(got)} numbers, {reference} {len(expected)}")
            continue
        apart = [abs(a - b) for a, b in zip(got, expected, strict=True)]
        if not all(distance <= work.tolerance * scale for distance in apart):  # a nan is not within the tolerance
            worst = max(apart, key=lambda distance: (math.isnan(distance), distance))
            found.append(f"{work.name}: {name} differs from {reference} by {worst:.3g}, of numbers up to {scale:.6g}")
    return found


def measure(work: Work, rounds: int, only: set[str] | None) -> dict:
    """All rounds of one work."""
    readings: dict[tuple[str, str, str], list[float]] = {}
    agree: dict[str, list[float]] = {}
    problems: list[str] = []
    versions: dict[str, str] = {}
    programs = {name: path for name, path in work.programs().items() if not only or name.partition("-")[0] in only}
    for _ in range(rounds):
        for collector in work.collectors:
            for name, path in list(programs.items()):
                try:
                    result = run_program(path, collector, work.repeats)
                except PeerError as error:
                    problems.append(str(error))
                    del programs[name]
                    continue
                versions |= result["versions"]
                agree.setdefault(name, result["agree"])
                for figure, values in result["figures"].items():
                    readings.setdefault((name, collector, figure), []).extend(values)
    if agree:
        problems += disagreements(work, agree)
    rows = [
        {
            "program": name,
            "collector": collector,
            "figure": figure,
            "min": min(values),
            "median": statistics.median(values),
            "readings": values,
        }
        for (name, collector, figure), values in readings.items()
    ]
    return {
        "work": work.name,
        "title": work.title,
        "timed": work.timed,
        "versions": versions,
        "problems": problems,
        "rows": rows,
        "targets": [judged for target in work.targets for judged in judge(target, rows)],
    }


def judge(target: Target, rows: list[dict]) -> list[dict]:
    """A target beside what was reached, once for each mode of the collector in which it holds."""
    judged = []
    for ours in rows:
        if (ours["program"], ours["figure"]) != (target.program, target.figure):
            continue
        if target.collector not in (None, ours["collector"]):
            continue
        if target.at_most is not None:
            text = f"at most {shown(target.figure, target.at_most)}"
            reached, reached_median = ours["min"], ours["median"]
            met = ours["min"] <= target.at_most
        else:
            key = (target.than, ours["collector"], target.figure)
            theirs = next((r for r in rows if (r["program"], r["collector"], r["figure"]) == key), None)
            if theirs is None:
                continue
            text = f"{target.times:g} times {target.than}"
            reached, reached_median = theirs["min"] / ours["min"], theirs["median"] / ours["median"]
            met = reached >= target.times
        judged.append(
            {
                "target": text,
                "program": target.program,
                "collector": ours["collector"],
                "figure": target.figure,
                "is_ratio": target.at_most is None,
                "reached": reached,
                "reached_median": reached_median,
                "met": met,
            }
        )
    return judged


def shown(figure: str, value: float) -> str:
    """A figure with its unit."""
    if figure.endswith("memory"):
        return f"{value / 1e6:.1f} MB" if value >= 1e5 else f"{value:.1f} B"
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if abs(value) >= scale:
            return f"{value / scale:.3g} {unit}"
    return f"{value / 1e-9:.3g} ns"


def report(result: dict) -> None:
    """One work on the terminal."""
    print(f"\n{result['title']}\n  timed: {result['timed']}")
    ours = {(r["collector"], r["figure"]): r for r in result["rows"] if r["program"] == "chalkgrad"}
    width = max((len(row["program"]) for row in result["rows"]), default=0)
    print(f"  {'':{width}}  {'gc':3}  {'figure':13} {'min':>10} {'median':>10}   compared with chalkgrad (min, median)")
    for row in sorted(result["rows"], key=lambda row: (row["figure"], row["collector"] == "off")):
        line = (
            f"  {row['program']:{width}}  {row['collector']:3}  {row['figure']:13} "
            f"{shown(row['figure'], row['min']):>10} {shown(row['figure'], row['median']):>10}"
        )
        base = ours.get((row["collector"], row["figure"]))
        if base and base is not row:
            line += f"   {row['min'] / base['min']:.2f} times, {row['median'] / base['median']:.2f} times"
        print(line)
    for target in result["targets"]:
        both = target["reached"], target["reached_median"]
        got = (
            "{:.2f} times, median {:.2f}".format(*both)
            if target["is_ratio"]
            else (f"{shown(target['figure'], both[0])}, median {shown(target['figure'], both[1])}")
        )
        word = "met" if target["met"] else "MISSED"
        what = f"{target['program']}, {target['figure']}, collector {target['collector']}"
        print(f"  {word}: {what}: {target['target']}; reached {got}")
    for problem in result["problems"]:
        print(f"  PROBLEM: {problem}")
    sys.stdout.flush()


def main() -> int:
    """Parse the command line, measure, report."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=...", description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument("works", nargs="*", metavar="WORK", help="which works; all of them when none is named")
    parser.add_argument("--rounds", type=int, default=3, help="how often the programs take turns (default 3)")
    parser.add_argument("--peers", help="only these, separated by commas: chalkgrad,micrograd")
    parser.add_argument("--list", action="store_true", help="list the works and their programs")
    arguments = parser.parse_args()
    known = {work.name: work for work in WORKS}
    if unknown := set(arguments.works) - set(known):
        parser.error(f"no such work: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    if arguments.rounds < 1:
        parser.error(f"--rounds wants 1 or more, not {arguments.rounds}")
    only = set(arguments.peers.split(",")) if arguments.peers else None
    if only and (unknown := only - set(PEERS)):
        parser.error(f"no such peer: {', '.join(sorted(unknown))}; there are {', '.join(PEERS)}")
    chosen = [known[name] for name in arguments.works] or WORKS
    if arguments.list:
        for work in chosen:
            print(f"{work.name:14} {work.title}\n{'':14} {', '.join(work.programs())}")
        return 0

    about = machine()
    print("{processor}, {cores} cores, {implementation} {python}, {system}".format(**about))
    results = []
    for work in chosen:
        results.append(measure(work, arguments.rounds, only))
        report(results[-1])
    OUT.parent.mkdir(exist_ok=True)
    taken = datetime.now(UTC).isoformat(timespec="seconds")
    document = {"taken": taken, "machine": about, "rounds": arguments.rounds, "works": results}
    OUT.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(f"\nWritten to {OUT.relative_to(ROOT)}")
    return 1 if any(result["problems"] for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
