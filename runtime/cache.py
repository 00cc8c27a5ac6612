"""Files kept between processes, named by what they were made from and by what is in them.

A kept file is `v1/<kind>/<2 digits>/<key>-<digest><ending>`: the key says what it was made from,
the digest is that of its content. A file gets its name by a rename, complete or not at all, and is
used only while its content has the digest in its name: a process that is killed, a disk that is
full and a broken block cost time and never a wrong result. No lock is needed: processes that make
the same at once make it more than once, and each result is good.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import TypeVar

from trimetal.transpiler.errors import CacheError

_Loaded = TypeVar("_Loaded")

# Below the cache directory: the version of this layout.
LAYOUT = "v1"
# Of files that are being written.
TEMPORARY = ".new-"
# The kind whose entries are directories.
SOURCES = "sources"
# The kind of the headers that compilers read by their paths.
PRECOMPILED = "precompiled"
# The time of every file in them: 2000-01-01.
_SOURCE_TIME = 946684800
_HEX_DIGITS = 32
# A compiler that is left with less than this has failed for want of room, whatever it says.
_SPARE_BYTES = 1 << 16
_ADVICE = (
    "`trimetal cache clear` makes room; TRIMETAL_CACHE_DIR names another folder for what is kept"
)


def cache_directory() -> Path:
    """The user's cache directory for Trimetal; TRIMETAL_CACHE_DIR overrides it."""
    chosen = os.environ.get("TRIMETAL_CACHE_DIR")
    if chosen:
        return Path(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "trimetal"
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "trimetal"


def content_key(*parts: str | bytes) -> str:
    """A name for content: equal exactly if all parts are."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()[:_HEX_DIGITS]


def cached_file(kind: str, key: str, ending: str, make: Callable[[Path], None]) -> Path:
    """The file of a kind and a key, made by `make(temporary path)` if none is kept.

    Another process may clear the cache at any time: who opens the file does it at once, and asks
    again where it has gone. Raises CacheError where the file system refuses, and what `make` does.
    """
    folder = cache_directory() / LAYOUT / kind / key[:2]
    found = _find(folder, key, ending)
    if found is not None:
        return found
    with _as_cache_error(folder), _temporary(folder, ending) as temporary:
        make(temporary)
        # Another process may have been faster: one file is enough.
        path = _find(folder, key, ending)
        if path is None:
            path = folder / f"{key}-{content_key(temporary.read_bytes())}{ending}"
            os.replace(temporary, path)
    from .eviction import sweep

    sweep()
    return path


def loaded_file(
    kind: str, key: str, ending: str, make: Callable[[Path], None], load: Callable[[str], _Loaded]
) -> _Loaded:
    """What `load(path)` gives of the cached file, also while other processes clear the cache."""
    while True:
        path = cached_file(kind, key, ending, make)
        try:
            return load(str(path))
        except OSError:
            if path.exists():
                raise


def cached_tree(key: str, files: Iterable[tuple[str, str]]) -> Path:
    """A directory that holds the given (relative path, text) files, whatever it held before.

    The directory's own time says when it was used: clang refuses precompiled headers of files whose
    time has changed.
    """
    directory = cache_directory() / LAYOUT / SOURCES / key
    for relative, text in files:
        path, data = directory / relative, text.encode()
        with contextlib.suppress(OSError):
            if path.read_bytes() == data:
                continue
        with _as_cache_error(path.parent), _temporary(path.parent, path.suffix) as temporary:
            temporary.write_bytes(data)
            os.utime(temporary, (_SOURCE_TIME, _SOURCE_TIME))
            os.replace(temporary, path)
    with contextlib.suppress(OSError):
        os.utime(directory)
    return directory


def refuse_full_disk(folder: Path, messages: str) -> None:
    """Raise the OSError of a full disk where that is why a compiler failed to write there."""
    reason = os.strerror(errno.ENOSPC)
    if reason in messages or shutil.disk_usage(folder).free < _SPARE_BYTES:
        raise OSError(errno.ENOSPC, reason, str(folder))


def _find(folder: Path, key: str, ending: str) -> Path | None:
    """The kept file of a key if it is whole; marks it as used. One that is not is removed."""
    try:
        names = [name for name in os.listdir(folder) if name.startswith(f"{key}-")]
    except OSError:
        return None
    for name in names:
        path = folder / name
        digest = name[len(key) + 1 :].removesuffix(ending)
        with contextlib.suppress(OSError):
            if name.endswith(ending) and content_key(path.read_bytes()) == digest:
                with contextlib.suppress(OSError):  # of another user, or a read-only disk
                    os.utime(path)
                return path
            path.unlink()
    return None


@contextlib.contextmanager
def _temporary(folder: Path, ending: str) -> Generator[Path]:
    """A new empty file in a folder, which is gone at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=TEMPORARY, suffix=ending, dir=folder)
    os.close(handle)
    try:
        yield Path(name)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(name)


@contextlib.contextmanager
def _as_cache_error(folder: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise CacheError(f"nothing can be kept in {folder}: {reason}", note=_ADVICE) from error
