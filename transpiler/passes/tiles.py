"""How the elements of a buffer in threadgroup memory may be arranged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..ir.types import MemDescType, Type, bit_width
from ..target import Target


@dataclass(frozen=True)
class Arrangement:
    """Strides in entries, and entries in all."""

    strides: tuple[int, ...]
    count: int
    is_padded: bool = False

    @staticmethod
    def of(shape: Sequence[int], order: Sequence[int], pad: int = 0) -> Arrangement:
        """Dimension order[0] is innermost; each of its rows is followed by `pad` entries."""
        strides = [0] * len(shape)
        stride = 1
        for place, dim in enumerate(order):
            strides[dim] = stride
            stride = stride * shape[dim] + (pad if place == 0 and len(shape) > 1 else 0)
        return Arrangement(tuple(strides), stride, pad > 0)

    @staticmethod
    def row_major(shape: Sequence[int]) -> Arrangement:
        """The last dimension is innermost."""
        return Arrangement.of(shape, range(len(shape))[::-1])

    def bytes_of(self, type_: Type) -> int:
        """Bytes, rounded up to the alignment of arrays."""
        return (self.count * max(1, bit_width(type_) // 8) + 15) // 16 * 16


def arrangements(type_: MemDescType, target: Target) -> Iterator[Arrangement]:
    """What may be tried for a buffer, the best first; the last one fits most views."""
    shape = type_.shape
    order = walking_order(type_)
    size = max(1, bit_width(type_) // 8)
    row = shape[order[0]] * size
    bank = max(target.banks.width, size)
    if len(shape) > 1 and row % (2 * bank) == 0:
        yield Arrangement.of(shape, order, bank // size)
    yield Arrangement.of(shape, order)
    if tuple(order) != tuple(range(len(shape))[::-1]):
        yield Arrangement.row_major(shape)


def walking_order(type_: MemDescType) -> list[int]:
    """The dimensions as the encoding walks memory, the innermost first; those in front last."""
    rank = len(type_.shape)
    encoding = type_.encoding
    order = getattr(encoding, "order", None)
    if not order:
        transposed = getattr(encoding, "transposed", False)
        inner = [rank - 2, rank - 1] if transposed and rank > 1 else [rank - 1, rank - 2]
        order = inner[: min(rank, 2)]
    # A buffer of several tiles has more dimensions than its encoding: they stand in front.
    front = rank - encoding.rank if order is getattr(encoding, "order", None) else 0
    known = [dim + front for dim in order]
    return [*known, *(dim for dim in range(rank)[::-1] if dim not in known)]


def reshaped(
    shape: Sequence[int], strides: Sequence[int], new: Sequence[int]
) -> tuple[int, ...] | None:
    """Strides of the same entries, row-major, in another shape; None where there are none."""
    old = [(size, stride) for size, stride in zip(shape, strides, strict=True) if size > 1]
    result = [1] * len(new)
    dim = len(new) - 1
    while dim >= 0:
        if new[dim] == 1:
            dim -= 1
            continue
        # Dimensions of both shapes that hold the same entries, from the innermost one outwards.
        ours, stride = old.pop()
        theirs = new[dim]
        result[dim] = stride
        dim -= 1
        while ours != theirs:
            if theirs < ours:
                result[dim] = stride * theirs
                theirs *= new[dim]
                dim -= 1
            else:
                size, outer = old.pop()
                if outer != stride * ours:
                    return None
                ours *= size
    return tuple(result)


def is_row_major(type_: MemDescType) -> bool:
    """Whether the encoding puts elements row by row, without swizzle or gaps."""
    layout = type_.encoding.to_linear(type_.shape[-type_.encoding.rank :])
    offsets = getattr(layout, "offset", None)
    if offsets is None or getattr(layout, "padding", ()):
        return False
    number = 1
    for basis in offsets:
        code = 0
        for offset, size in zip(basis, layout.shape, strict=True):
            code = code * size + offset
        if code != number:
            return False
        number *= 2
    return True
