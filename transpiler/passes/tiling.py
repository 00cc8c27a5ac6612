"""How a dot's block is spread over simdgroups: a grid of them, each with a tile of 8x8 fragments.

A simdgroup's tile is as near to a square as the block allows, since a step of K then loads the
fewest fragments for its multiplications. Dots whose result is the left operand of another dot are
split along M only, so that each simdgroup holds whole rows of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..ir.encodings import LinearEncoding
from ..ir.linear_layout import Basis
from ..simdgroup import LANE_BASES, REGISTER_BASES, SIDE


@dataclass(frozen=True)
class Grid:
    """Simdgroups along [batch x] M x N; `copies` of them do the same work."""

    batch: int
    rows: int
    columns: int
    copies: int


def choose_grid(shape: tuple[int, ...], simdgroups: int, *, rows_only: bool = False) -> Grid:
    """The grid for a result of this shape."""
    *batches, height, width = shape
    batch = min(simdgroups, batches[0]) if batches else 1
    left = simdgroups // batch
    rows = columns = 1
    high, wide = height // SIDE, width // SIDE
    while left > 1 and (high > 1 or wide > 1):
        if high > 1 and (rows_only or high >= wide or wide <= 1):
            rows, high = rows * 2, high // 2
        else:
            columns, wide = columns * 2, wide // 2
        left //= 2
    return Grid(batch, rows, columns, left)


def splits_by_rows(shape: tuple[int, ...], simdgroups: int) -> bool:
    """Whether each simdgroup can have rows of fragments of its own."""
    return len(shape) == 2 and shape[0] >= simdgroups * SIDE


def fragment_layout(shape: tuple[int, ...], grid: Grid, lane_bits: int = 5) -> LinearEncoding:
    """The layout of a dot's result: fragments as register bits, simdgroups as warp bits.

    Register bits: the lane's two elements, fragments along N, along M, matrices of a batch. A wave
    of 64 lanes is two simdgroups: its top lane bit is one of the bits that count simdgroups.
    """
    rank = len(shape)
    *batches, height, width = shape
    place = _Place(rank, height, width)
    high, wide = height // grid.rows, width // grid.columns
    deep = batches[0] // grid.batch if batches else 1
    registers = [basis for basis in map(place, REGISTER_BASES) if any(basis)]
    registers += [place((0, offset)) for offset in _doubling(SIDE, wide)]
    registers += [place((offset, 0)) for offset in _doubling(SIDE, high)]
    registers += [_along_batch(rank, offset) for offset in _doubling(1, deep)]
    warps = [place((0, offset)) for offset in _doubling(wide, width)]
    warps += [place((offset, 0)) for offset in _doubling(high, height)]
    if batches:
        warps += [_along_batch(rank, offset) for offset in _doubling(deep, batches[0])]
    warps += [(0,) * rank] * (grid.copies.bit_length() - 1)
    threads = (*map(place, LANE_BASES), *warps)
    lanes, groups = threads[:lane_bits], threads[lane_bits:]
    return LinearEncoding(tuple(registers), lanes, groups, (), rank)


def left_operand_layout(shape: tuple[int, ...], result: LinearEncoding) -> LinearEncoding:
    """The layout of a left operand of this shape whose fragments lie with the result's rows."""
    rank = len(shape)
    height, depth = shape[-2:]
    place = _Place(rank, height, depth)
    registers = [basis for basis in map(place, REGISTER_BASES) if any(basis)]
    registers += [place((0, offset)) for offset in _doubling(SIDE, depth)]
    registers += [basis for basis in result.register if not basis[-1]]
    lanes = [*map(place, LANE_BASES), *(_row_of(basis) for basis in result.lane[len(LANE_BASES) :])]
    warps = tuple(map(_row_of, result.warp))
    return LinearEncoding(tuple(registers), tuple(lanes), warps, (), rank)


def address_layout(shape: tuple[int, ...], side: int, result: LinearEncoding) -> LinearEncoding:
    """The layout of the first elements of an operand's fragments: in all lanes of a simdgroup.

    Register bits: fragments along K, then along the result's rows (side 0) or columns (side 1).
    """
    along, across = (1, 0) if side == 0 else (0, 1)

    def at(dim: int, offset: int) -> Basis:
        return (offset, 0) if dim == 0 else (0, offset)

    registers = [at(along, offset) for offset in _doubling(SIDE, shape[along])]
    mine = [basis[across] for basis in result.register if not basis[along]]
    registers += [at(across, offset) for offset in mine if offset >= SIDE]
    groups = (*result.lane[len(LANE_BASES) :], *result.warp)
    threads = [(0, 0)] * len(LANE_BASES) + [at(across, basis[across]) for basis in groups]
    lanes = len(result.lane)
    return LinearEncoding(tuple(registers), tuple(threads[:lanes]), tuple(threads[lanes:]), (), 2)


def sharing(side: int, result: LinearEncoding) -> int:
    """Simdgroups that need the same fragments of an operand."""
    groups = (*result.lane[len(LANE_BASES) :], *result.warp)
    return 1 << sum(1 for basis in groups if not basis[-2 + side])


def _row_of(basis: Basis) -> Basis:
    return (*basis[:-1], 0)


@dataclass(frozen=True)
class _Place:
    """(row, column) as a basis of a tensor; zero where it leaves the tensor."""

    rank: int
    height: int
    width: int

    def __call__(self, at: tuple[int, int]) -> Basis:
        row, column = at
        inside = row < self.height and column < self.width
        return (0,) * (self.rank - 2) + (at if inside else (0, 0))


def _along_batch(rank: int, offset: int) -> Basis:
    return (offset, *(0,) * (rank - 1))


def _doubling(start: int, stop: int) -> list[int]:
    """start, 2 * start, ... below stop."""
    values: list[int] = []
    while start < stop:
        values.append(start)
        start *= 2
    return values
