"""Layouts as linear maps over bits: the one form that all later work uses.

A distributed layout says which tensor element thread (lane, warp) holds in register r. Every such
layout that Triton has is linear over GF(2): each bit of r, lane and warp toggles (XOR) a fixed
element offset, its basis (Triton's LinearLayout; Zhou et al., "Linear Layouts", arXiv 2505.23819).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from .linear_map import LinearMap, join, split

Basis = tuple[int, ...]  # one offset for each tensor dimension
Bases = tuple[Basis, ...]  # one basis for each bit, the lowest bit first


class Holder(NamedTuple):
    """Who holds an element."""

    register: int
    lane: int
    warp: int
    block: int = 0


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
        return self.apply(Holder(register, lane, warp, block))

    def apply(self, holder: Holder) -> tuple[int, ...]:
        """The coordinates of the element that a holder has."""
        return coordinates_of(self.map.apply(self.joined(holder)), self.shape)

    @property
    def registers(self) -> int:
        """Elements that each thread holds."""
        return 1 << len(self.register)

    @property
    def inputs(self) -> tuple[Bases, Bases, Bases, Bases]:
        """The bases of registers, lanes, warps and blocks."""
        return self.register, self.lane, self.warp, self.block

    @cached_property
    def map(self) -> LinearMap:
        """From a joined holder (see `joined`) to an element's number (see `number_of`)."""
        columns = [number_of(basis, self.shape) for bases in self.inputs for basis in bases]
        return LinearMap(tuple(columns))

    def joined(self, holder: Holder) -> int:
        """A holder as one number: register bits, then lane, warp and block bits."""
        sizes = map(len, self.inputs)
        return join(zip(holder, sizes, strict=True))

    def parted(self, joined: int) -> Holder:
        """The holder that a number stands for."""
        return Holder(*split(joined, map(len, self.inputs)))

    def holder(self, coordinates: Sequence[int]) -> Holder | None:
        """The first holder of an element: register bits are preferred; None if nobody has it."""
        found = self.map.solve(number_of(coordinates, self.shape))
        return None if found is None else self.parted(found)

    @cached_property
    def inverse(self) -> LinearMap:
        """From an element's number to its first holder; every element must occur."""
        return self.map.pseudo_inverse(size_bits(self.shape))

    @property
    def free(self) -> Holder:
        """Masks of the bits that only select copies (zero bases)."""
        masks = (
            sum(1 << bit for bit, basis in enumerate(bases) if not any(basis))
            for bases in self.inputs
        )
        return Holder(*masks)

    @property
    def is_injective(self) -> bool:
        """Whether no element is held twice."""
        return self.map.is_injective

    @property
    def is_surjective(self) -> bool:
        """Whether every element is held."""
        return self.map.is_surjective(size_bits(self.shape))

    def from_holders_of(self, other: LinearLayout) -> LinearMap:
        """From a joined holder in `other` to the first holder of the same element here.

        The quotient of two layouts of one shape: what a conversion from this layout to `other`
        has to move.
        """
        return self.inverse.compose(other.map)

    def renamed(self, shape: tuple[int, ...], move: Callable[[Basis], Basis]) -> LinearLayout:
        """The layout of a tensor whose element move(c) is this one's element c; `move` is linear.

        Transpositions, reshapes and inserted or dropped dimensions are.
        """
        moved = (tuple(map(move, bases)) for bases in self.inputs)
        return LinearLayout(shape, *moved)


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

    @cached_property
    def map(self) -> LinearMap:
        """From an offset to an element's number."""
        return LinearMap(tuple(number_of(basis, self.shape) for basis in self.offset))

    def element(self, offset: int) -> tuple[int, ...]:
        """The coordinates of the element at an offset (before padding)."""
        return coordinates_of(self.map.apply(offset), self.shape)

    def offset_of(self, coordinates: Sequence[int]) -> int | None:
        """The first offset (before padding) of an element."""
        return self.map.solve(number_of(coordinates, self.shape))

    def padded(self, offset: int) -> int:
        """Where an offset stands in memory."""
        return offset + sum(offset // interval * gap for interval, gap in self.padding)


def size_bits(shape: Sequence[int]) -> int:
    """Bits of an element's number."""
    return sum(size.bit_length() - 1 for size in shape)


def number_of(coordinates: Sequence[int], shape: Sequence[int]) -> int:
    """The row-major number of an element; linear, since sizes are powers of two."""
    number = 0
    for offset, size in zip(coordinates, shape, strict=True):
        number = number * size + offset
    return number


def coordinates_of(number: int, shape: Sequence[int]) -> tuple[int, ...]:
    """The coordinates of the element with a row-major number."""
    found: list[int] = []
    for size in reversed(shape):
        number, offset = divmod(number, size)
        found.append(offset)
    return tuple(reversed(found))
