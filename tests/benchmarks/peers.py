"""The libraries that are measured, each in an environment of its own, so that none meets another's dependencies."""

import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = ROOT / ".bench"


class Peer(NamedTuple):
    """What to install for a peer, and the distributions whose versions its results carry.

    Without requirements the peer runs in the environment that runs the benchmarks.
    """

    requirements: tuple[str, ...] = ()
    distributions: tuple[str, ...] = ()


# The first word of a program's file name (`micrograd.py`, `chalkgrad-as-micrograd.py`) is a key of this table.
PEERS = {
    "chalkgrad": Peer(distributions=("chalkgrad",)),
    "micrograd": Peer(("micrograd==0.1.0",), ("micrograd",)),
    "xad": Peer(("xad==1.5.2",), ("xad",)),
    "fastdual": Peer(("fastdual==0.3.1",), ("fastdual",)),
    "microgpt": Peer(),  # a class of the design of Karpathy's microgpt, written anew
    "python": Peer(),  # the same arithmetic by hand, on plain floats
    "c": Peer(),  # C, written plainly and compiled by gcc when the program starts
    "jax": Peer(("jax==0.10.2",), ("jax", "jaxlib")),
    "ddx": Peer(("ddx-ad==4.3.0",), ("ddx-ad",)),
    "casadi": Peer(("casadi==3.8.2", "numpy"), ("casadi",)),
    "torch": Peer(("torch==2.13.0", "numpy"), ("torch",)),  # some gigabytes; where pip finds a CPU build, far less
}


class PeerError(Exception):
    """A peer's environment could not be made."""


def interpreter(name: str) -> Path:
    """The Python that runs a peer's programs; its environment is made the first time and whenever the table changed."""
    peer = PEERS[name]
    if not peer.requirements:
        return Path(sys.executable)
    where = ENVIRONMENTS / name
    python = where / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    wanted = "\n".join([sys.version, *peer.requirements])
    stamp = where / "installed.txt"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    print(f"Installing {' '.join(peer.requirements)} into {where.relative_to(ROOT)}", flush=True)
    shutil.rmtree(where, ignore_errors=True)
    venv.create(where, with_pip=True)
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    done = subprocess.run([*install, *peer.requirements], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        raise PeerError(f"{name}: pip could not install {' '.join(peer.requirements)}:\n{done.stdout}")
    stamp.write_text(wanted, encoding="utf-8")
    return python
