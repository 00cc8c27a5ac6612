"""Names for layouts and locations that a text holds more than once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from .attributes import OpaqueAttr
from .encodings import Encoding, SharedEncoding
from .location import Location

Aliased: TypeAlias = Encoding | SharedEncoding | OpaqueAttr | Location
# Where an alias will stand: its number between zero bytes, which no text has (strings escape them).
# `v` and `a`: it is only looked at there, and nothing is written; `a` for an argument, whose
# location has to be known before the module.
MARK = re.compile("\0(\\d+)([va]?)\0")


class Aliases:
    """The names of everything that has one, as MLIR chooses them.

    They are ordered by how deep they nest, then by name, then by where they occur first; the
    numbers follow that order (AsmPrinter.cpp, AliasInitializer).
    """

    def __init__(
        self, aliased: Sequence[Aliased], write: Callable[[Aliased], str], body: str
    ) -> None:
        self._aliased = aliased
        self._write = write
        self._texts: dict[int, str] = {}
        self._depths: dict[int, int] = {}
        self._early: set[int] = set()
        self._order = self._visit(body)
        self._order.sort(key=lambda index: (self._depths[index], self._base(index)))
        self._names: dict[int, str] = {}
        counts: dict[str, int] = {}
        for index in self._order:
            base = self._base(index)
            count = counts[base] = counts.get(base, -1) + 1
            self._names[index] = f"#{base}{count or ''}"

    def _visit(self, body: str) -> list[int]:
        """All aliased things, each before what comes later in the text and after what it holds."""
        order: list[int] = []
        found = [(int(mark[1]), mark[2] == "a") for mark in MARK.finditer(body)]
        stack = [(index, early, False) for index, early in reversed(found)]
        while stack:
            index, early, inside_done = stack.pop()
            if index in self._depths and not (early and index not in self._early):
                continue
            inner = [int(mark[1]) for mark in MARK.finditer(self._text(index))]
            left = [i for i in inner if i not in self._depths or (early and i not in self._early)]
            if left and not inside_done:
                stack.append((index, early, True))
                stack.extend((i, early, False) for i in reversed(left))
                continue
            if early:
                self._early.add(index)
            if index not in self._depths:
                self._depths[index] = 1 + max((self._depths[i] for i in inner), default=-1)
                order.append(index)
        return order

    def _text(self, index: int) -> str:
        known = self._texts.get(index)
        if known is None:
            known = self._texts[index] = self._write(self._aliased[index])
        return known

    def _base(self, index: int) -> str:
        item = self._aliased[index]
        if isinstance(item, Encoding | SharedEncoding):
            return item.alias
        return "smem" if isinstance(item, OpaqueAttr) else "loc"

    def replace(self, text: str) -> str:
        """The text with names in the place of marks."""
        return MARK.sub(lambda mark: "" if mark[2] else self._names[int(mark[1])], text)

    def definitions(self, *, early: bool) -> Iterator[str]:
        """The lines that define the aliases; those that need not be `early` follow the module."""
        for index in self._order:
            if (self._base(index) != "loc" or index in self._early) == early:
                yield f"{self._names[index]} = {self.replace(self._text(index))}"
