"""Run the tests of the native engine on a build that watches each access to memory and each undefined step.

GCC's or Clang's AddressSanitizer and UndefinedBehaviorSanitizer; each Value is a block of its own, so that each use
after the release is seen. Exits with 1 if the build, or a test, fails.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
TESTS = ["tests/test_engines.py", "tests/test_value.py", "tests/test_graphs.py", "tests/test_matvec.py"]
FLAGS = ["-std=c11", "-O1", "-g", "-fno-omit-frame-pointer", "-ffp-contract=off", "-DWATCHED", "-fPIC", "-shared"]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]


def main() -> int:
    compiler = sysconfig.get_config_var("CC").split()
    library = subprocess.run([*compiler, "-print-file-name=libasan.so"], text=True, capture_output=True).stdout.strip()
    with tempfile.TemporaryDirectory() as folder:
        for name in ("autograd", "nn", "tests"):
            ignored = shutil.ignore_patterns("_native.*.so", "__pycache__")
            shutil.copytree(ROOT / name, Path(folder) / name, ignore=ignored)
        shutil.copy(ROOT / "pyproject.toml", folder)
        target = Path(folder) / "autograd" / f"_native{sysconfig.get_config_var('EXT_SUFFIX')}"
        include = f"-I{sysconfig.get_paths()['include']}"
        source = str(ROOT / "autograd" / "_native.c")
        subprocess.run([*compiler, *FLAGS, *SANITIZERS, include, source, "-o", str(target), "-lm"], check=True)
        environment = os.environ | {
            "LD_PRELOAD": library,
            "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1",  # CPython itself leaves memory behind
            "PYTHONMALLOC": "malloc",  # so that each object is a block of its own
            "CHALKGRAD_ENGINE": "native",
            "PYTHONPATH": folder,
        }
        where = "import autograd._native; print('testing', autograd._native.__file__)"
        subprocess.run([sys.executable, "-c", where], cwd=folder, env=environment, check=True)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS, *sys.argv[1:]]
        for malloc in ("malloc", "debug"):  # and once with CPython's own fences around each block
            extra = {"PYTHONMALLOC": malloc} | ({} if malloc == "malloc" else {"PYTHONDEVMODE": "1"})
            done = subprocess.run(command, cwd=folder, env=environment | extra)
            if done.returncode:
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
