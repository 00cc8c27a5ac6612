"""`trimetal cache`: what is kept on disk between processes."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .common import OK

if TYPE_CHECKING:
    from trimetal.runtime.eviction import KeptFile

HELP = "show or clear what is kept between processes"

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "action",
        choices=("show", "clear"),
        nargs="?",
        default="show",
        help="clear: remove all but what other processes are using (default: show)",
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from trimetal.runtime.cache import cache_directory
    from trimetal.runtime.eviction import clear, kept_files, size_limit
    from trimetal.runtime.tables import aligned

    if options.action == "clear":
        count, size = clear()
        noun = "file" if count == 1 else "files"
        print(f"{cache_directory()}: {count} {noun} removed, {size_text(size)}")
        return OK
    files = kept_files()
    total = size_text(sum(file.bytes for file in files))
    print(f"{cache_directory()}: {total} of at most {size_text(size_limit())}")
    if files:
        kinds = sorted({file.kind for file in files})
        rows = [_row(kind, [file for file in files if file.kind == kind]) for kind in kinds]
        print(aligned([("kind", "files", "size", "last used"), *rows]))
    print("TRIMETAL_CACHE_DIR and TRIMETAL_CACHE_LIMIT (such as 500M) set the place and the size.")
    return OK


def _row(kind: str, files: Sequence[KeptFile]) -> tuple[str, ...]:
    used = time.strftime("%Y-%m-%d %H:%M", time.localtime(max(file.used for file in files)))
    return kind, str(len(files)), size_text(sum(file.bytes for file in files)), used


def size_text(size: float) -> str:
    """A number of bytes for people."""
    power = 0
    while size >= 1024 and power < len(_UNITS) - 1:
        size, power = size / 1024, power + 1
    return f"{size:.1f} {_UNITS[power]}" if power else f"{size:.0f} {_UNITS[0]}"
