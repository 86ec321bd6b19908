"""What was compiled, kept on disk for the next process: entries of bytes, known by what they were made of.

The folder is the user's cache folder, or that which ``CHALKGRAD_CACHE`` names (``off`` for none). An entry is written
whole or not at all, and carries a checksum: what is damaged counts as not there. Since an entry is run as code, nothing
is read from a folder or a file that anybody else could have written.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

LARGEST = 512 * 2**20  # bytes in the folder, beyond which the entries longest unused are removed, to the half of it
ENDING = ".chalkgrad"
_HEAD = b"chalkgrad 1\n"


def folder() -> Path | None:
    """Return the folder, which need not be there, or None where nothing is to be kept."""
    chosen = os.environ.get("CHALKGRAD_CACHE")
    if chosen is not None:
        none = chosen.strip().lower() in ("", "0", "off", "no", "none", "false")
        return None if none else Path(os.path.expanduser(chosen))
    try:
        import platformdirs
    except ImportError:
        return None
    return Path(platformdirs.user_cache_dir("chalkgrad", appauthor=False))


def key_of(*parts: str | bytes) -> str:
    """Return the key of what was made of these parts."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()


def load(key: str) -> bytes | None:
    """Return an entry, or None where there is none that is whole and the user's own."""
    place = folder()
    if place is None:
        return None
    try:
        if not _is_ours(place.lstat()):
            return None
        file = place / f"{key}{ENDING}"
        with open(file, "rb", opener=_without_links) as stream:
            if not _is_ours(os.fstat(stream.fileno())):
                return None
            data = stream.read()
        head, checksum, entry = data[: len(_HEAD)], data[len(_HEAD) : len(_HEAD) + 32], data[len(_HEAD) + 32 :]
        if head != _HEAD or hashlib.sha256(entry).digest() != checksum:
            file.unlink()
            return None
        os.utime(file)  # it was used now
        return entry
    except OSError:
        return None


def store(key: str, entry: bytes) -> None:
    """Keep an entry. Where that cannot be (a full disk, a folder of somebody else), nothing happens."""
    place = folder()
    if place is None:
        return
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_ours(place.lstat()):
            return
        handle, written = tempfile.mkstemp(dir=place)  # which nobody else may read or write
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(_HEAD + hashlib.sha256(entry).digest() + entry)
            os.replace(written, place / f"{key}{ENDING}")
        except BaseException:
            os.unlink(written)
            raise
        _bound(place)
    except OSError:
        pass


def entries() -> list[tuple[Path, os.stat_result]]:
    """Return the files of the entries, and what the system says of each."""
    place = folder()
    return [] if place is None else list(_entries(place))


def clear() -> tuple[int, int]:
    """Remove all entries; return how many there were, and their bytes."""
    count = size = 0
    for file, facts in entries():
        with contextlib.suppress(OSError):
            file.unlink()
            count, size = count + 1, size + facts.st_size
    return count, size


def amount(count: int, size: int) -> str:
    """Say how much there is."""
    return f"{count} {'entry' if count == 1 else 'entries'}, {size / 1e6:.1f} MB"


def report() -> str:
    """Say where compiled code is kept, and how much of it is there."""
    place = folder()
    if place is None:
        off = "CHALKGRAD_CACHE" in os.environ
        return "nowhere: " + ("CHALKGRAD_CACHE is off" if off else "platformdirs, of the extra jit, is not installed")
    known = entries()
    text = f"{place} ({amount(len(known), sum(facts.st_size for _, facts in known))})"
    if place.exists() and not _is_ours(place.lstat()):
        text += ", which is not used: others can write there; make it yours alone, or name another in CHALKGRAD_CACHE"
    return text


@functools.cache
def sources() -> str:
    """Tell this installation of the package from any other: its files, with their sizes and the times of change."""
    package = Path(__file__).parents[2]
    every = [file for root in (package, package.parent / "nn") for file in root.rglob("*")]
    files = sorted(file for file in every if file.suffix in (".py", ".so", ".pyd"))  # the engine in C traces as well
    facts = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return key_of(repr(facts))


def _entries(place: Path) -> Iterator[tuple[Path, os.stat_result]]:
    with contextlib.suppress(OSError):
        for file in place.iterdir():
            if file.suffix == ENDING:
                with contextlib.suppress(OSError):
                    yield file, file.lstat()


def _bound(place: Path) -> None:
    """Remove the entries that were not used for the longest time, where there are too many."""
    known = sorted(_entries(place), key=lambda entry: entry[1].st_mtime)
    size = sum(facts.st_size for _, facts in known)
    if size <= LARGEST:
        return
    for file, facts in known:
        if size <= LARGEST // 2:
            return
        file.unlink()
        size -= facts.st_size


def _is_ours(facts: os.stat_result) -> bool:
    """Whether a file or folder is the user's own, and nobody else may write there."""
    if os.name != "posix":
        return True  # the cache folder of Windows lies in the user's profile
    kind = stat.S_ISREG(facts.st_mode) or stat.S_ISDIR(facts.st_mode)
    return kind and facts.st_uid == os.getuid() and not facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _without_links(file: str, flags: int) -> int:
    return os.open(file, flags | getattr(os, "O_NOFOLLOW", 0))
