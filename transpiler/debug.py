"""What a shader tells its launcher of prints and assertions: the sites, and how records look.

A kernel with any has one more buffer, of 32-bit words, which the launcher makes and reads:

    word 0          records that the kernel wanted to make, set to 0 by the launcher
    word 1          records that there is room for, set by the launcher
    words 2, 3      0
    then records    of RECORD_WORDS words: site, program x, y and z, element number, two of a value

What comes when all room is taken is counted, and lost. Elements are numbered row by row.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

HEADER_WORDS = 4
RECORD_WORDS = 7


@dataclass(frozen=True)
class DebugSite:
    """A place in the program that makes records.

    `text` is the prefix of a print or the message of an assertion, `where` "file.py:12" or "".
    `dtype` is MLIR's name of the value's element, "" where nothing but the text is printed; `shape`
    is () of a scalar. `operand` numbers the values of a print that has several, else it is -1.
    """

    kind: Literal["print", "assert"]
    text: str
    where: str = ""
    dtype: str = ""
    shape: tuple[int, ...] = ()
    operand: int = -1
    is_hex: bool = False
    is_signed: bool = True


def sites_to_text(sites: Iterable[DebugSite]) -> str:
    """The sites as one line of JSON."""
    return json.dumps([asdict(site) for site in sites])


def sites_from_text(text: str) -> tuple[DebugSite, ...]:
    """The inverse of `sites_to_text`."""
    fields: list[dict[str, Any]] = json.loads(text)
    for each in fields:
        each["shape"] = tuple(each["shape"])
    return tuple(DebugSite(**each) for each in fields)
