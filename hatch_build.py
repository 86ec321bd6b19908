"""How the package is built: hatchling, and a hook that compiles ``autograd/_native.c`` where there is a C compiler.

Without a compiler, or Python's headers, the install succeeds all the same, with the engine in Python; what the compiler
said is kept in ``autograd/_native.log`` for ``chalkgrad doctor``. ``--config-settings pure-python=true``, or the
environment variable CHALKGRAD_PURE_PYTHON=1, leave the native engine out.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

import hatchling.build
from hatchling.build import *  # noqa: F403 - the functions that a build backend has
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE = "autograd/_native.c"
PURE = "CHALKGRAD_PURE_PYTHON"
# No fused multiply-add, which would round once where Python rounds twice; MSVC makes none unless it is asked to.
FLAGS = {"msvc": ["/O2", "/std:c11"], "unix": ["-std=c11", "-O2", "-ffp-contract=off"]}


def build_wheel(directory: str, config_settings: dict[str, Any] | None = None, metadata: str | None = None) -> str:
    """PEP 517: build a wheel. The setting ``pure-python=true`` leaves the native engine out."""
    _look_at(config_settings)
    return hatchling.build.build_wheel(directory, config_settings, metadata)


def build_editable(directory: str, config_settings: dict[str, Any] | None = None, metadata: str | None = None) -> str:
    """PEP 660: build an editable wheel; the native engine is put beside its source."""
    _look_at(config_settings)
    return hatchling.build.build_editable(directory, config_settings, metadata)


def _look_at(config_settings: dict[str, Any] | None) -> None:
    if str((config_settings or {}).get("pure-python", "")).lower() in ("1", "true", "yes"):
        os.environ[PURE] = "1"


class NativeEngine(BuildHookInterface):  # type: ignore[type-arg]
    """Compiles the native engine into the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build ``_native`` for this interpreter, and tag the wheel for it, or leave both as they are."""
        if self.target_name != "wheel":
            return
        root = Path(self.root)
        # An editable install has the file beside its source, a wheel takes it from a folder that is thrown away.
        folder = root / "autograd"
        if version != "editable":
            self._scratch = tempfile.TemporaryDirectory()
            folder = Path(self._scratch.name)
        for name in ("_native.log", f"_native{sysconfig.get_config_var('EXT_SUFFIX')}"):  # of an earlier install
            (folder / name).unlink(missing_ok=True)
        built, said = compiled(root / SOURCE, folder)
        if built is not None:
            build_data["pure_python"], build_data["infer_tag"] = False, True
        else:
            built = folder / "_native.log"
            built.write_text(said, encoding="utf-8")
        if version != "editable":
            build_data["force_include"][str(built)] = f"autograd/{built.name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Throw the folder away, when the wheel is written."""
        if self.target_name == "wheel" and version != "editable":
            self._scratch.cleanup()


def compiled(source: Path, folder: Path) -> tuple[Path | None, str]:
    """Compile the extension into ``folder``; return its path, or None, and what was said."""
    if os.environ.get(PURE, "") not in ("", "0"):
        return None, "the native engine was left out, as asked"
    if platform.python_implementation() != "CPython" or sysconfig.get_config_var("Py_GIL_DISABLED"):
        return None, "the native engine is for CPython with its global lock"
    if sys.maxsize < 2**32:  # where the processor may round twice
        return None, "the native engine is for 64 bits"
    with tempfile.TemporaryDirectory() as scratch:
        # in a process of its own, so that what the compiler prints can be kept
        command = [sys.executable, __file__, str(source), str(folder), scratch]
        done = subprocess.run(command, text=True, errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    path = folder / f"_native{sysconfig.get_config_var('EXT_SUFFIX')}"
    return (path if done.returncode == 0 and path.is_file() else None), done.stdout


def _compile(source: str, folder: str, scratch: str) -> None:
    from setuptools import Distribution, Extension
    from setuptools.command.build_ext import build_ext

    class Build(build_ext):
        def build_extensions(self) -> None:
            for extension in self.extensions:
                extension.extra_compile_args = FLAGS["msvc" if self.compiler.compiler_type == "msvc" else "unix"]
            super().build_extensions()

    command = Build(Distribution({"name": "chalkgrad", "ext_modules": [Extension("_native", [source])]}))
    command.build_lib, command.build_temp = folder, scratch
    command.ensure_finalized()
    command.run()


if __name__ == "__main__":
    try:
        _compile(*sys.argv[1:])
    except Exception as error:
        sys.exit(f"{type(error).__name__}: {error}")
