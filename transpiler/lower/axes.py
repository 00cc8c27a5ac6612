"""How the axis of a scan or reduction lies in a layout: which bits of its coordinate are where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..errors import UnsupportedError
from ..ir.core import Op
from .distribution import Distribution

LANE_BITS = 5  # log2 of the SIMD width


@dataclass(frozen=True)
class Level:
    """Neighbouring bits of the axis' coordinate that lie in one place, the lowest first.

    Register bits, and lane bits, are neighbours there too; SIMD-group bits need not be. Lanes and
    SIMD-groups are named by bits of the thread index.
    """

    kind: Literal["registers", "lanes", "simdgroups"]
    bits: tuple[int, ...]


def is_plain(layout: Distribution, axis: int) -> bool:
    """Whether each bit of the axis' coordinate is a bit of a register or thread, and that alone."""
    offsets: list[int] = []
    for basis in (*layout.registers, *layout.threads):
        if basis[axis]:
            if any(offset for dim, offset in enumerate(basis) if dim != axis):
                return False
            offsets.append(basis[axis])
    size = layout.shape[axis]
    return sorted(offsets) == [1 << bit for bit in range(size.bit_length() - 1)]


def axis_levels(layout: Distribution, axis: int, op: Op) -> list[Level]:
    """The levels of the axis, from the lowest bits of its coordinate to the highest."""
    if not is_plain(layout, axis):
        raise UnsupportedError(
            f"{op.op_name} over a layout that mixes its axis with others", op.span
        )
    found: list[tuple[int, str, int]] = []
    for bit, basis in enumerate(layout.registers):
        if basis[axis]:
            found.append((basis[axis], "registers", bit))
    for bit, basis in enumerate(layout.threads):
        if basis[axis]:
            found.append((basis[axis], "lanes" if bit < LANE_BITS else "simdgroups", bit))
    levels: list[Level] = []
    for _, kind, bit in sorted(found):
        last = levels[-1] if levels else None
        if last and last.kind == kind and (kind == "simdgroups" or last.bits[-1] + 1 == bit):
            levels[-1] = Level(last.kind, (*last.bits, bit))
        else:
            levels.append(Level(kind, (bit,)))  # type: ignore[arg-type]
    return levels
