"""The launcher's side of prints and assertions: the hidden buffer, and what is read from it."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trimetal.transpiler.debug import HEADER_WORDS, RECORD_WORDS, DebugSite
from trimetal.transpiler.errors import AssertionFailed
from trimetal.transpiler.ir.floats import float_of_bits
from trimetal.transpiler.ir.types import FLOAT_WIDTHS, FloatType

Words = NDArray[np.uint32]

_DEFAULT_RECORDS = 1 << 16
_WIDTHS = {"i1": 1, "i8": 8, "i16": 16, "i32": 32, "i64": 64, **FLOAT_WIDTHS}


class Record(NamedTuple):
    """One record of the buffer."""

    site: DebugSite
    program: tuple[int, int, int]
    element: int
    bits: int


def new_buffer() -> Words:
    """A buffer without records; TRIMETAL_DEBUG_RECORDS sets how many it takes (65,536)."""
    text = os.environ.get("TRIMETAL_DEBUG_RECORDS", "")
    room = int(text) if text.isdigit() else _DEFAULT_RECORDS
    words = np.zeros(HEADER_WORDS + room * RECORD_WORDS, np.uint32)
    words[1] = room
    return words


def clear(words: Words) -> None:
    """Forget the records, for the next launch."""
    words[0] = 0


def records(words: Words, sites: Sequence[DebugSite]) -> Iterator[Record]:
    """The records, program by program; within one in the order in which they were made."""
    count = min(int(words[0]), int(words[1]))
    found: list[int] = words[HEADER_WORDS:][: count * RECORD_WORDS].tolist()
    rows = [found[i : i + RECORD_WORDS] for i in range(0, len(found), RECORD_WORDS)]
    rows.sort(key=lambda row: (row[3], row[2], row[1]))
    for site, x, y, z, element, low, high in rows:
        yield Record(sites[site - 1], (x, y, z), element, low | high << 32)


def show(words: Words, sites: Sequence[DebugSite]) -> None:
    """Print what the kernel printed; raise AssertionFailed where an assertion failed."""
    if not words[0]:
        return
    failures: list[Record] = []
    for record in records(words, sites):
        if record.site.kind == "print":
            sys.stdout.write(f"{line_of(record)}\n")
        else:
            failures.append(record)
    lost = int(words[0]) - int(words[1])
    if lost > 0:
        sys.stdout.write(f"... and {lost} more (TRIMETAL_DEBUG_RECORDS sets how many are kept)\n")
    sys.stdout.flush()
    if failures:
        raise failed(failures)


def failed(failures: Sequence[Record]) -> AssertionFailed:
    """The error for assertions that failed."""
    first = failures[0]
    where = f"{first.site.where}: " if first.site.where else ""
    text = f": {first.site.text}" if first.site.text else ""
    place = f"program {first.program}"
    if first.site.shape:
        place += f", element {index_of(first)}"
    more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
    return AssertionFailed(f"{where}assertion failed in {place}{text}{more}", first.program)


def index_of(record: Record) -> tuple[int, ...]:
    """The coordinates of a record's element."""
    index: list[int] = []
    number = record.element
    for size in reversed(record.site.shape):
        index.append(number % size)
        number //= size
    return tuple(reversed(index))


def line_of(record: Record) -> str:
    """A line as Triton prints it."""
    site = record.site
    program = f"pid ({', '.join(map(str, record.program))})"
    if not site.dtype:
        return f"{program}{site.text}"
    widths = [math.ceil(math.log10(size)) for size in site.shape]
    pairs = zip(index_of(record), widths, strict=True)
    index = ", ".join(f"{number:{width}}" if width else str(number) for number, width in pairs)
    operand = f"(operand {site.operand}) " if site.operand >= 0 else ""
    return f"{program} idx ({index}){site.text}{operand}{value_text(record)}"


def _hex_float(number: float) -> str:
    """As C's `%a`: Python writes zeros behind the last digit."""
    digits, power, exponent = number.hex().partition("p")
    return digits.rstrip("0").rstrip(".") + power + exponent if power else digits


def value_text(record: Record) -> str:
    """The value as C's printf writes it."""
    site = record.site
    width = _WIDTHS.get(site.dtype, 64)
    bits = record.bits & ((1 << width) - 1)
    if site.dtype in FLOAT_WIDTHS:
        number = float_of_bits(bits, FloatType(site.dtype))
        return _hex_float(number) if site.is_hex else f"{number:f}"
    if site.is_hex:
        return f"0x{bits:0{max(1, width // 4)}x}"
    if site.dtype not in _WIDTHS:  # a pointer
        return f"0x{bits:x}"
    if site.is_signed and width > 1 and bits >> (width - 1):
        bits -= 1 << width
    return str(bits)
