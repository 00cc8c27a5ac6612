"""When threadgroup memory is in use, and where it lies so that what is in use together fits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..ir.core import Block, Op

_ALIGNMENT = 16


@dataclass(eq=False)
class Lifetime:
    """Bytes, and the stretch of the program (in op numbers) in which they are needed."""

    size: int
    first: int
    last: int
    offset: int = 0

    def overlaps(self, other: Lifetime) -> bool:
        """Whether both are needed at some point."""
        return self.first <= other.last and other.first <= self.last


def give_offsets(lifetimes: Sequence[Lifetime]) -> int:
    """Give each, the largest first, the lowest offset free during its time; total bytes."""
    placed: list[Lifetime] = []
    for each in sorted(lifetimes, key=lambda each: (-each.size, each.first)):
        taken = sorted((o.offset, o.offset + o.size) for o in placed if o.overlaps(each))
        each.offset = 0
        for start, end in taken:
            if each.offset + each.size <= start:
                break
            each.offset = max(each.offset, end)
        placed.append(each)
    return max((each.offset + each.size for each in lifetimes), default=0)


def aligned(size: int) -> int:
    """Bytes that an array takes."""
    return (size + _ALIGNMENT - 1) // _ALIGNMENT * _ALIGNMENT


class Numbering:
    """The ops of a function in the order of the text: (own number, that of the last op inside)."""

    def __init__(self, function: Op) -> None:
        self._numbers: dict[Op, tuple[int, int]] = {}
        order = list(function.walk())
        for index, op in enumerate(order):
            self._numbers[op] = (index, index)
        for op in reversed(order):
            owner = op.parent_op
            if owner in self._numbers:
                start, end = self._numbers[owner]
                self._numbers[owner] = (start, max(end, self._numbers[op][1]))

    def __getitem__(self, op: Op) -> int:
        return self._numbers[op][0]

    def span(self, ops: Iterable[Op], block: Block | None) -> tuple[int, int]:
        """The first and the last number of the ops in a block that are or hold these."""
        spans = [self._span(op, block) for op in ops]
        first = min((start for start, _ in spans), default=0)
        return first, max((end for _, end in spans), default=0)

    def _span(self, op: Op, block: Block | None) -> tuple[int, int]:
        place = block.ancestor_of(op) if block is not None else None
        assert place is not None
        return self._numbers[place]
