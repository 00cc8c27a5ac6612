"""Files kept between processes, named by what they were made from."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path


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
    return digest.hexdigest()[:32]


def cached_file(path: Path, make: Callable[[Path], None]) -> Path:
    """`path`, made by `make(temporary path)` if it is not there.

    The file appears complete or not at all, also when several processes make it at once.
    """
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".new-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        make(temporary)
        # A compiler may have replaced the file by one that only we may read.
        os.replace(temporary, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
    return path


def cached_tree(directory: Path, files: Iterable[tuple[str, str]]) -> Path:
    """A directory that holds the given (relative path, text) files."""
    for relative, text in files:
        target = directory / relative
        cached_file(target, lambda temporary, text=text: _write(temporary, text))
    return directory


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
