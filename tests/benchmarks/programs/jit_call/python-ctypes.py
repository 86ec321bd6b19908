"""The same function in C, called through ctypes."""

import ctypes
import subprocess
import tempfile
from pathlib import Path

SOURCE = "double f(double x, double y) { return (1 - x) * (1 - x) + 100 * ((y - x * x) * (y - x * x)); }\n"


def prepare():
    folder = Path(tempfile.mkdtemp())
    (folder / "f.c").write_text(SOURCE, encoding="utf-8")
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", folder / "f.so", folder / "f.c"], check=True)
    f = ctypes.CDLL(str(folder / "f.so")).f
    f.restype, f.argtypes = ctypes.c_double, [ctypes.c_double, ctypes.c_double]

    def thousand():
        for _ in range(1000):
            result = f(1.5, 2.0)
        return result

    return thousand
