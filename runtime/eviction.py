"""What the cache holds, and how it stays within its size: the files used last stay longest."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from trimetal.transpiler.errors import CacheError

from .cache import LAYOUT, PRECOMPILED, SOURCES, TEMPORARY, cache_directory

DEFAULT_LIMIT = 1 << 30
# What was used this many seconds ago may be in use: a compiler reads its headers by their paths.
_IN_USE = 600
# A file that is still being written after this many seconds belongs to a process that was killed.
_ABANDONED = 3600
_SECONDS_BETWEEN_SWEEPS = 60
_STAMP = ".swept"
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


@dataclass(frozen=True)
class KeptFile:
    """A file of the cache; `used` is when it was last used, in seconds since 1970."""

    path: Path
    kind: str
    bytes: int
    used: float


def size_limit() -> int:
    """The most bytes that the cache keeps: TRIMETAL_CACHE_LIMIT (such as 500M), or 1 GiB."""
    given = os.environ.get("TRIMETAL_CACHE_LIMIT", "")
    text = given.strip().upper()
    if not text:
        return DEFAULT_LIMIT
    digits = text.removesuffix("B").rstrip("KMGT")
    unit = text.removesuffix("B")[len(digits) :]
    if not digits.isdigit() or unit not in _UNITS:
        raise CacheError(f"TRIMETAL_CACHE_LIMIT={given}: a size such as 500M or 2G is expected")
    return int(digits) * _UNITS[unit]


def kept_files() -> list[KeptFile]:
    """All complete files of the cache."""
    return [file for file in _all_files() if not file.path.name.startswith(TEMPORARY)]


def clear() -> tuple[int, int]:
    """Remove all files but those in use; the number and the bytes of those that went.

    In use are the files that a process is writing, and headers that a compiler may be reading.
    """
    now = time.time()
    files = [file for file in _all_files() if not _is_in_use(file, now)]
    removed = [file for file in files if _remove(file)]
    _remove_empty_folders(_root())
    return len(removed), sum(file.bytes for file in removed)


def sweep() -> None:
    """Bring the cache below its limit; looks at most once a minute, whatever the process."""
    stamp, now = _root() / _STAMP, time.time()
    with contextlib.suppress(OSError):
        if 0 <= now - stamp.stat().st_mtime < _SECONDS_BETWEEN_SWEEPS:
            return
    with contextlib.suppress(OSError):
        stamp.touch()
        evict(now)


def evict(now: float) -> None:
    """Remove what killed processes left, and what was used least lately while there is too much."""
    files = list(_all_files())
    for file in files:
        if file.path.name.startswith(TEMPORARY) and not _is_being_written(file, now):
            _remove(file)
    kept = sorted(
        (file for file in files if not file.path.name.startswith(TEMPORARY)),
        key=lambda file: file.used,
    )
    excess = sum(file.bytes for file in kept) - size_limit()
    for file in kept:
        if excess <= 0 or now - file.used < _IN_USE:
            break
        if _remove(file):
            excess -= file.bytes


def _root() -> Path:
    """All that is the cache's; the user may have chosen a folder with more in it."""
    return cache_directory() / LAYOUT


def _all_files() -> Iterator[KeptFile]:
    root = _root()
    for folder, _, names in os.walk(root):
        kind, *rest = Path(folder).relative_to(root).parts or ("",)
        entry = root / kind / rest[0] if kind == SOURCES and rest else None
        for name in names:
            path = Path(folder) / name
            with contextlib.suppress(OSError):
                state = path.lstat()
                used = entry.stat().st_mtime if entry else state.st_mtime
                if kind:  # the stamp is no kept file
                    yield KeptFile(path, kind, state.st_size, used)


def _is_being_written(file: KeptFile, now: float) -> bool:
    return file.path.name.startswith(TEMPORARY) and now - file.used < _ABANDONED


def _is_in_use(file: KeptFile, now: float) -> bool:
    is_read = file.kind in (SOURCES, PRECOMPILED) and now - file.used < _IN_USE
    return is_read or _is_being_written(file, now)


def _remove(file: KeptFile) -> bool:
    try:
        file.path.unlink()
    except OSError:
        return False
    return True


def _remove_empty_folders(root: Path) -> None:
    for folder, _, _ in os.walk(root, topdown=False):
        if Path(folder) != root:
            with contextlib.suppress(OSError):  # not empty
                os.rmdir(folder)
