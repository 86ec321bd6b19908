"""Whatever a stranger may hand over: expressions, checkpoints, tables and names, by coverage-guided fuzzing (atheris).

    make fuzz-inputs                                        each for two and a half minutes
    make fuzz-inputs ARGS="table --seconds 600 --seed 7"    one of them
    make fuzz-inputs ARGS="--keep"                          and add to `corpus/` what reached new code, made small

An entry takes bytes. It returns where the input was taken, or refused as the documentation says, and raises otherwise.
`corpus/` holds a few inputs for each; `test_corpus.py` hands every one of them over again, without atheris.
"""

import argparse
import contextlib
import hashlib
import importlib
import io
import json
import random
import shutil
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

ROOT = Path(__file__).parents[1]
CORPUS = Path(__file__).with_name("corpus")
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

LONGEST = 4096  # bytes of an input
KEPT = 600  # bytes of one that is added to the corpus


def command(*words):
    """Run the command as a user would; it has to end with one of its exit codes, and not with a traceback."""
    from autograd.app.cli import main

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        code = main(words)
    assert code in (0, 1, 2), code
    assert code != 2 or err.getvalue().startswith(("chalkgrad: ", "usage: ")), err.getvalue()
    return code


NUMBERS = ["0.5", "0", "-1", "2", "inf", "-inf", "nan", "1e300", "-0.0", "3"]


def expression(data):
    """The first byte chooses the command, the second the numbers; the rest is the expression."""
    from autograd.app.expression import Expression, ExpressionError

    if len(data) < 3:
        return
    text = data[2:].decode("utf-8", "surrogateescape")  # as Python hands over what a terminal sends
    names, refused = [], None
    try:
        names = Expression(text).names
    except ExpressionError as error:
        refused = error
    assert refused is None or (1 <= refused.column <= len(text) + 1 and "\n" not in str(refused)), refused
    values = [f"{name}={NUMBERS[(data[1] + i) % len(NUMBERS)]}" for i, name in enumerate(names)]
    command(("grad", "check", "explain")[data[0] % 3], text, *values)


def checkpoint(data):
    """A file that says it is a checkpoint: loaded, or refused with nothing changed."""
    import nn

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        path.write_bytes(data)
        model = nn.MLP(2, [2, 1], seed=0)
        optimizer = nn.Adam(model.parameters())
        state = lambda: json.dumps([model.state_dict(), optimizer.state_dict()])
        for load in (
            lambda: nn.load(path, model, optimizer),
            lambda: nn.load(path, model),
            lambda: nn.load(path),
            lambda: nn.read_notes(path),
        ):
            before, refused = state(), None
            try:
                load()
            except nn.CheckpointError as error:
                refused = str(error)
            assert refused is None or (path.name in refused and len(refused) < 1000 and state() == before), refused
        assert [each.name for each in Path(folder).iterdir()] == [path.name]


def table(data):
    """A CSV file, of which the last column of the first line is learnt."""
    lines = data.decode("utf-8", "replace").lstrip("\ufeff").splitlines()
    target = lines[0].replace(";", ",").replace("\t", ",").split(",")[-1].strip() if lines else "y"
    short = len(lines) <= 12 and max(map(len, lines), default=0) <= 60
    with tempfile.TemporaryDirectory() as folder:
        path, model = Path(folder) / "table.csv", Path(folder) / "model.json"
        path.write_bytes(data)
        if short:
            words = ["--epochs", "1", "--layers", "2", "--no-progress", "-o", str(model)]
            done = command("train", str(path), f"--target={target}", *words) == 0
            assert model.exists() == done  # and nothing is left behind by a run that failed
        else:
            from autograd.app.train import read

            with contextlib.suppress(ValueError):
                read(path, target)


def names(data):
    """Names of values, between line ends, in every format that needs no program of the system."""
    from PIL import Image

    from autograd import Value, draw, explain
    from tests.diagram.test_draw import parse
    from tests.diagram.test_formats import check_json, check_mermaid, check_tikz

    words = (data.decode("utf-8", "surrogatepass") if _is_text(data) else data.decode("latin-1")).split("\n")
    w, x, title = (words[i % len(words)] for i in range(3))
    a, b = Value(0.5, name=w), Value(-2.0, name=x)
    y = (a * b).tanh()
    y.name = words[-1]
    y.backward()
    picture = draw(y, title=title, engine="python")
    parse(picture.svg)
    check_mermaid(picture.mermaid)
    check_tikz(picture.tikz)
    check_json(picture.json)
    for text in (picture.html, picture.dot, picture.text, str(explain(y, wrt=a)), explain(y, wrt=a).latex):
        text.encode()  # no half of a character
    parse(f"<all>{explain(y, wrt=a).mathml}</all>")
    if len(data) % 64 == 0:  # an image takes a hundred times as long
        drawn = draw(y, title=title, engine="graphviz-pure")
        Image.open(io.BytesIO(drawn.png(scale=0.5))).verify()


def _is_text(data):
    try:
        data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


ENTRIES = {each.__name__: each for each in (expression, checkpoint, table, names)}
WATCHED = {  # whose code is instrumented
    "expression": ["autograd.app", "autograd.ops"],
    "checkpoint": ["nn.checkpoint", "nn.module", "nn.optim", "nn.layers", "nn.checks", "json"],
    "table": ["autograd.app", "nn.data", "nn.table"],
    "names": ["autograd.diagram", "autograd.notation"],
}
WORDS = {  # what a byte at a time would hardly be found
    "expression": [
        "where(", "dot([", "polygamma(", "clip(", "norm([", "**", "//", " if ", "1e999", "0x", "lambda", "==", ":=",
    ],
    "checkpoint": [
        '"format"', '"version"', '"architecture"', '"model"', '"optimizer"', '"training"', '"notes"', '"kind"', '"MLP"',
        '"Sequential"', '"Dropout"', '"steps"', '"nin"', '"nout"', "null", "true", "1e999", "NaN", "-0.0", '"groups"',
        '"state"', '"best_state"', '"params"', '"activation"', '"shared"', "9007199254740993",
    ],
    "table": ['"', "\r\n", "\xef\xbb\xbf", "# ", ";", "\t", "1e308", "nan", "inf", ",,", "NA"],
    "names": ["<B>", "]]>", "</script>", "\\\\N", "&#0;", "\xed\xa0\x80", "\xe2\x80\xae", "$", "```", "%", "_{", "^"],
}  # fmt: skip


def watch(target, arguments):
    """Hand the entry over to libFuzzer, which ends the process."""
    import atheris

    with atheris.instrument_imports(include=WATCHED[target]):
        for name in WATCHED[target]:
            importlib.import_module(name)
    atheris.Setup([sys.argv[0], *arguments], ENTRIES[target])
    atheris.Fuzz()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(ENTRIES)} (default: all)")
    parser.add_argument("--seconds", type=int, default=150, help="for each (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="what inputs are drawn by")
    parser.add_argument("--keep", action="store_true", help="add what reached new code to the corpus")
    options = parser.parse_args()
    if unknown := [name for name in options.targets if name not in ENTRIES]:
        parser.error(f"{', '.join(unknown)} is none of {', '.join(ENTRIES)}")
    seed = random.randrange(1, 10**6) if options.seed is None else options.seed
    failed = [name for name in options.targets or ENTRIES if not fuzzed(name, options.seconds, seed, options.keep)]
    print(f"wrong: {', '.join(failed)}" if failed else "all right")
    return 1 if failed else 0


def fuzzed(target, seconds, seed, keep):
    """Fuzz one entry in a process of its own; returns whether no input was found that it raises for."""
    with tempfile.TemporaryDirectory() as scratch:
        found = Path(scratch) / "found"
        found.mkdir()
        words = Path(scratch) / "words"
        escaped = ("".join(f"\\x{ord(c):02x}" for c in word) for word in WORDS[target])
        words.write_text("".join(f'"{word}"\n' for word in escaped))
        command = [
            sys.executable, __file__, "--watch", target, str(found), str(CORPUS / target), f"-max_total_time={seconds}",
            f"-seed={seed}", f"-dict={words}", f"-max_len={LONGEST}", f"-artifact_prefix={scratch}/",
            "-rss_limit_mb=4096", "-timeout=30", "-print_final_stats=1",
        ]  # fmt: skip
        print(f"{target}: {seconds} s, seed {seed}", flush=True)
        log = Path(scratch) / "log"
        with log.open("wb") as file:
            code = subprocess.run(command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT).returncode
        lines = log.read_text(errors="replace").splitlines()
        if code:
            start = next((i for i, line in enumerate(lines) if "Uncaught" in line or "ERROR" in line), len(lines) - 40)
            print("\n".join(lines[start : start + 40]))
            for path in Path(scratch).glob("*-*"):
                (ROOT / "out").mkdir(exist_ok=True)
                print(f"the input: {shutil.copy(path, ROOT / 'out')}: {path.read_bytes()[:300]!r}")
            return False
        runs = next((line.split()[-1] for line in lines if "number_of_executed_units" in line), "?")
        print(f"    {runs} inputs, nothing raised")
        if keep:
            store(target, found, command)
    return True


def store(target, found, command):
    """Add the inputs that reach code which the corpus does not; of libFuzzer's merge, the short ones."""
    merged = found.with_name("merged")
    shutil.copytree(CORPUS / target, merged)
    subprocess.run([*command[:4], "-merge=1", str(merged), str(found)], cwd=ROOT, capture_output=True)
    known = {path.read_bytes() for path in (CORPUS / target).iterdir()}
    for path in merged.iterdir():
        data = path.read_bytes()
        if len(data) <= KEPT and data not in known:
            (CORPUS / target / hashlib.sha1(data, usedforsecurity=False).hexdigest()[:12]).write_bytes(data)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--watch"]:
        watch(sys.argv[2], sys.argv[3:])
    sys.exit(main())
