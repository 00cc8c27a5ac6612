"""What this version of Trimetal does, as a hash of its files: one in development has many."""

from __future__ import annotations

import functools
from pathlib import Path

import trimetal

from .cache import content_key


@functools.lru_cache(maxsize=4)
def fingerprint(*folders: str) -> str:
    """A hash of the version and of all files of some folders of the package, such as "runtime"."""
    parts: list[str | bytes] = [trimetal.__version__]
    package = Path(trimetal.__file__).parent
    for folder in folders:
        root = (package / folder).resolve()
        for path in sorted(root.rglob("*")):
            if path.suffix != ".pyc" and path.is_file():
                parts += [f"{folder}/{path.relative_to(root).as_posix()}", path.read_bytes()]
    return content_key(*parts)
