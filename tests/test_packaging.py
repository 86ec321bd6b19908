"""What is installed is what was meant: names, version, types, the command, and nothing heavy on import."""

import importlib.metadata
import importlib.resources
import os
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import autograd

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
HEAVY = {"numpy", "matplotlib", "graphviz", "graphviz_pure", "llvmlite", "tqdm", "pandas", "PIL", "torch", "IPython"}


def run_python(*arguments, cwd=None, **environment):
    """Run this interpreter and return what it printed; a non-zero exit fails the test with what it said."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=os.environ | environment, text=True, capture_output=True, timeout=120
    )
    assert done.returncode == 0, f"{arguments} exited with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_version_is_the_distributions():
    import autograd

    assert importlib.metadata.version("chalkgrad") == PROJECT["version"] == autograd.__version__


@pytest.mark.parametrize("package", ["autograd", "nn"])
def test_says_that_it_is_typed(package):
    assert importlib.resources.files(package).joinpath("py.typed").is_file()


def test_console_script_is_the_module():
    (script,) = importlib.metadata.entry_points(group="console_scripts", name="chalkgrad")
    assert script.value == "autograd.app.cli:main"
    assert callable(script.load())
    installed = Path(sys.executable).with_name("chalkgrad.exe" if os.name == "nt" else "chalkgrad")
    printed = subprocess.run([installed, "--help"], text=True, capture_output=True, timeout=60, check=True).stdout
    assert printed.split() == run_python("-m", "autograd", "--help").split()


@pytest.mark.parametrize("package", ["autograd", "nn"])
def test_import_loads_nothing_heavy(package):
    loaded = run_python("-c", f"import sys, {package}; print(*sys.modules)").split()
    assert package in loaded
    assert HEAVY.isdisjoint(loaded)


@pytest.mark.parametrize("package", ["autograd", "nn"])
def test_every_public_name_is_there_and_documented(package):
    module = __import__(package)
    assert sorted(set(module.__all__)) == sorted(module.__all__), "a name stands twice in __all__"
    assert set(module.__all__) <= set(dir(module))
    for name in module.__all__:
        public = getattr(module, name)
        assert callable(public) is False or public.__doc__, f"{package}.{name} has no docstring"


def test_star_import_shadows_nothing_it_should_not():
    run_python("-W", "error", "-c", "from autograd import *; from nn import *")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A wheel and a source distribution of this checkout."""
    where = tmp_path_factory.mktemp("dist")
    run_python("-m", "hatchling", "build", "-d", str(where), cwd=ROOT)
    (wheel,), (sdist,) = where.glob("*.whl"), where.glob("*.tar.gz")
    return wheel, sdist


def sources(*folders):
    """The checkout's files under some folders, as a distribution names them."""
    return {
        path.relative_to(ROOT).as_posix()
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.is_file()
        and "__pycache__" not in path.parts
        and not path.name.startswith("_native.")
        and path.suffix != ".c"
    }


def test_wheel_holds_the_two_packages_and_nothing_else(built, tmp_path):
    with zipfile.ZipFile(built[0]) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        archive.extractall(tmp_path)
    extension = {name for name in names if name.startswith("autograd/_native.")}
    assert names - extension == sources("autograd", "nn")
    assert {name.rpartition(".")[2] for name in extension} == ({"log"} if "-none-any" in built[0].name else {"so"})
    (licence,) = tmp_path.glob("*.dist-info/licenses/LICENSE")
    assert "MIT License" in licence.read_text(encoding="utf-8")
    # -P and another folder to work in: what is imported is what was built, not the checkout.
    where = "import autograd, nn; print(autograd.__file__)"
    path = run_python("-P", "-c", where, cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert Path(path.strip()).is_relative_to(tmp_path)


BUILD = "import hatch_build, sys; print(hatch_build.build_wheel(sys.argv[1], {}))"


@pytest.mark.parametrize(
    ("settings", "environment", "said"),
    [
        ({"pure-python": "true"}, {}, "left out, as asked"),
        ({}, {"CHALKGRAD_PURE_PYTHON": "1"}, "left out, as asked"),
        ({}, {"CC": "no-such-compiler", "LDSHARED": "no-such-compiler"}, "no-such-compiler"),
        ({}, {"CC": "false"}, "false"),
    ],
)
def test_a_wheel_without_the_native_engine(settings, environment, said, tmp_path):
    """Asked for, or since no compiler works: the build succeeds, for every platform, and keeps what was said."""
    out = run_python("-c", BUILD.replace("{}", repr(settings)), str(tmp_path), cwd=ROOT, **environment)
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name == out.split()[-1] == f"chalkgrad-{PROJECT['version']}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    where = "import autograd, autograd.app.doctor as doctor; print(autograd.engine, *doctor.engine())"
    told = run_python("-P", "-c", where, cwd=tmp_path, PYTHONPATH=str(tmp_path), CHALKGRAD_ENGINE="")
    assert told.startswith("python")
    assert said in told


def test_the_native_engine_compiles_without_a_warning(tmp_path):
    """With the flags of the build, and every warning an error."""
    if autograd.engine != "native":
        pytest.skip("without a compiler, or not chosen")
    command = [*sysconfig.get_config_var("CC").split(), "-std=c11", "-O2", "-Wall", "-Wextra", "-Werror"]
    include = f"-I{sysconfig.get_paths()['include']}"
    command += [include, "-fPIC", "-c", str(ROOT / "autograd" / "_native.c"), "-o", str(tmp_path / "native.o")]
    done = subprocess.run(command, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr


def test_sdist_can_be_tested_and_built_again(built):
    with tarfile.open(built[1]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert sources("autograd", "nn") | {"autograd/_native.c", "autograd/_traced.c", "hatch_build.py"} <= names
    beside = {"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "Makefile", "pyproject.toml"}
    assert beside | {"docs/architecture.md", "tests/test_packaging.py"} <= names
    assert not [name for name in names if name.startswith((".venv", ".bench", "out/"))]


def test_changelog_knows_this_version():
    assert f"## [{PROJECT['version']}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_no_file_names_a_package_registry():
    """A registry's address belongs to the configuration of whoever installs, never to the project."""
    hosts = ["pypi" + ".org", "pythonhosted" + ".org", "registry.npmjs" + ".org", "index" + "-url"]
    text = (".py", ".toml", ".md", ".js", ".css", ".json", ".ipynb", ".yml", ".cfg", ".txt")
    named = [
        f"{name}: {host}"
        for name in sources("autograd", "nn", "tests", "notebooks") | {"pyproject.toml", "README.md", "Makefile"}
        if name.endswith(text)
        for host in hosts
        if host in (ROOT / name).read_text(encoding="utf-8")
    ]
    assert named == []
