"""Layouts as linear maps over bits: the one form that all later work uses.

A distributed layout says which tensor element thread (lane, warp) holds in register r. Every such
layout that Triton has is linear over GF(2): each bit of r, lane and warp toggles (XOR) a fixed
element offset, its basis (Triton's LinearLayout; Zhou et al., "Linear Layouts", arXiv 2505.23819).
"""

from __future__ import annotations

from dataclasses import dataclass

Basis = tuple[int, ...]  # one offset for each tensor dimension
Bases = tuple[Basis, ...]  # one basis for each bit, the lowest bit first


@dataclass(frozen=True)
class LinearLayout:
    """Bases of the register, lane, warp and block bits, over a tensor shape of powers of two.

    A zero basis means that the bit does not change the element: copies (replication).
    """

    shape: tuple[int, ...]
    register: Bases
    lane: Bases
    warp: Bases
    block: Bases = ()

    def element(self, register: int, lane: int, warp: int, block: int = 0) -> tuple[int, ...]:
        """The coordinates of the element that (register, lane, warp, block) holds."""
        coordinates = [0] * len(self.shape)
        inputs = ((self.register, register), (self.lane, lane), (self.warp, warp))
        for bases, value in (*inputs, (self.block, block)):
            for bit, basis in enumerate(bases):
                if value >> bit & 1:
                    coordinates = [a ^ b for a, b in zip(coordinates, basis, strict=True)]
        return tuple(coordinates)

    @property
    def registers(self) -> int:
        """Elements that each thread holds."""
        return 1 << len(self.register)


@dataclass(frozen=True)
class SharedLinearLayout:
    """Bases of the offset bits of a shared-memory layout: offset -> element, one for each bit.

    `padding` lists (interval, gap), in elements: offset i stands at i plus, for each of them,
    (i // interval) * gap.
    """

    shape: tuple[int, ...]
    offset: Bases
    block: Bases = ()
    padding: tuple[tuple[int, int], ...] = ()

    def element(self, offset: int) -> tuple[int, ...]:
        """The coordinates of the element at an offset (before padding)."""
        coordinates = [0] * len(self.shape)
        for bit, basis in enumerate(self.offset):
            if offset >> bit & 1:
                coordinates = [a ^ b for a, b in zip(coordinates, basis, strict=True)]
        return tuple(coordinates)

    def padded(self, offset: int) -> int:
        """Where an offset stands in memory."""
        return offset + sum(offset // interval * gap for interval, gap in self.padding)
