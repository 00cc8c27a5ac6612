"""Bounds on what hostile text can nest or multiply.

Types, attributes and locations are read, hashed and compared by recursion; what is deeper than
MAX_DEPTH never comes to exist. Of locations more is needed: Triton puts a name around a loop's for
each variable that the loop carries. An alias used twice by the next one, and so on, is small in the
text and huge when written out: MAX_WEIGHT bounds that. Triton's dumps stay far below: a dozen
levels (locations: 25), a few hundred parts.
"""

from __future__ import annotations

from typing import NamedTuple

from .cursor import Cursor
from .grammar import Item

MAX_DEPTH = 40
MAX_LOCATION_DEPTH = 120
MAX_WEIGHT = 20_000


class Size(NamedTuple):
    """How many parts something has when it is written out, and how deep they nest."""

    weight: int
    depth: int


class Nesting:
    """Where a reading is: how deep, how deep it was, how many parts it has had."""

    def __init__(self, limit: int = MAX_DEPTH) -> None:
        self._limit = limit
        self.reset()

    def reset(self) -> None:
        """Start anew."""
        self._depth = 0
        self._deepest = 0
        self._weight = 0

    def enter(self, cursor: Cursor, item: Item | None) -> None:
        """One level down, for one more part."""
        if not self._depth:
            self.reset()
        self._depth += 1
        self._weight += 1
        if self._depth > self._deepest or self._weight > MAX_WEIGHT:
            self._check(self._depth, cursor, item)

    def leave(self) -> None:
        """One level up."""
        self._depth -= 1

    def begin(self) -> tuple[int, int]:
        """Start to measure something that has a name; gives what `end` wants."""
        outer = self._weight, self._deepest
        self._weight, self._deepest = 0, self._depth
        return outer

    def end(self, outer: tuple[int, int]) -> Size:
        """The size since `begin`, which counts for the outer thing when the name is used."""
        size = Size(self._weight, self._deepest - self._depth)
        self._weight, self._deepest = outer
        return size

    def add(self, size: Size, cursor: Cursor, item: Item | None) -> None:
        """Count something that has been read before."""
        if self._depth == 0:
            self.reset()
        self._weight += size.weight
        depth = self._depth + size.depth
        if depth > self._deepest or self._weight > MAX_WEIGHT:
            self._check(depth, cursor, item)

    def _check(self, depth: int, cursor: Cursor, item: Item | None) -> None:
        self._deepest = max(self._deepest, depth)
        if depth > self._limit:
            cursor.fail(f"nested deeper than {self._limit} levels", item)
        if self._weight > MAX_WEIGHT:
            cursor.fail(f"more than {MAX_WEIGHT} parts when its aliases are written out", item)
