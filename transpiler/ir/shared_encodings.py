"""Layouts of shared memory: bases of the offset bits, as Triton has them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import UnsupportedError
from .encoding_base import (
    Encoding,
    Reference,
    SharedEncoding,
    Tile,
    bases_text,
    block_shape,
    boolean,
    cga_text,
    numbers,
)
from .linear_layout import Bases, SharedLinearLayout

_TMA_LIMIT = 256  # the longest side of a box that NVIDIA's tensor memory accelerator copies


@dataclass(frozen=True)
class SwizzledSharedEncoding(SharedEncoding):
    """`#ttg.swizzled_shared`: rows whose groups of `vec` elements are XORed by a phase."""

    mnemonic = "swizzled_shared"
    vec: int
    per_phase: int
    max_phase: int
    order: tuple[int, ...]
    cga: Bases = ()

    @property
    def rank(self) -> int:
        """The number of dimensions."""
        return len(self.order)

    def parameters(self, reference: Reference) -> str:
        """The parameters in 3.9's order."""
        return (
            f"{{vec = {self.vec}, perPhase = {self.per_phase}, maxPhase = {self.max_phase}, "
            f"order = {numbers(self.order)}{cga_text(self.cga)}}}"
        )

    def phase(self, row: int) -> int:
        """What the groups of a row are XORed with."""
        return row // self.per_phase % self.max_phase

    def bases(self, shape: tuple[int, ...]) -> SharedLinearLayout:
        """Columns, then rows with their phase, then the other dimensions."""
        per_block = block_shape(shape, self.cga)
        tile = Tile(self.rank)
        column = self.order[0]
        tile.grow("offset", column, per_block[column])
        if self.rank > 1:
            self._rows(tile, self.order[1], column, per_block)
        for dim in self.order[2:]:
            tile.grow("offset", dim, per_block[dim])
        return tile.fit_shared(shape, self.cga)

    def _rows(self, tile: Tile, row_dim: int, column: int, shape: Sequence[int]) -> None:
        for row in _powers(shape[row_dim]):
            basis = [0] * self.rank
            basis[row_dim] = row
            basis[column] = self.vec * self.phase(row) % shape[column]
            tile.inputs["offset"].append(tuple(basis))
        tile.sizes[row_dim] *= shape[row_dim]


@dataclass(frozen=True)
class AmdRotatingSharedEncoding(SwizzledSharedEncoding):
    """`#ttg.amd_rotating_shared`: the phase also depends on the block of rows."""

    mnemonic = "amd_rotating_shared"

    def phase(self, row: int) -> int:
        """What the groups of a row are XORed with."""
        block = row // (self.max_phase * self.per_phase) % self.max_phase
        return super().phase(row) ^ block


def _powers(limit: int) -> list[int]:
    return [1 << bit for bit in range(limit.bit_length() - 1)]


@dataclass(frozen=True)
class NvmmaSharedEncoding(SharedEncoding):
    """`#ttg.nvmma_shared`: 8-row tiles whose 16-byte chunks are XORed by the row."""

    mnemonic = "nvmma_shared"
    swizzling_byte_width: int
    transposed: bool
    element_bit_width: int
    fp4_padded: bool = False
    cga: Bases = ()
    dims: int = 2

    @property
    def rank(self) -> int:
        """The number of dimensions."""
        return self.dims

    def parameters(self, reference: Reference) -> str:
        """The parameters in 3.9's order."""
        padded = ", fp4Padded = true" if self.fp4_padded else ""
        rank = f", rank = {self.dims}" if self.dims != 2 else ""
        return (
            f"{{swizzlingByteWidth = {self.swizzling_byte_width}, "
            f"transposed = {boolean(self.transposed)}, "
            f"elementBitWidth = {self.element_bit_width}{padded}{cga_text(self.cga)}{rank}}}"
        )

    def bases(self, shape: tuple[int, ...]) -> SharedLinearLayout:
        """Tiles over the box that one copy moves, then boxes over the shape."""
        rank = len(shape)
        per_block = block_shape(shape, self.cga)
        box = self._box(per_block)
        # Dimensions in the order of memory, the fastest first, with the box's size along them.
        walk = [(dim, box[dim]) for dim in reversed(range(rank))]
        if self.transposed:
            if rank != 2:
                raise UnsupportedError(f"{self.text()}: transposed in {rank} dimensions")
            walk.reverse()
        tile = Tile(rank)
        if self.swizzling_byte_width == 0:
            for dim, size in walk:
                tile.grow("offset", dim, size)
        else:
            self._swizzle(tile, walk)
        tile.cover("offset", per_block, range(rank))
        return tile.fit_shared(shape, self.cga)

    def _box(self, shape: Sequence[int]) -> list[int]:
        box = [min(size, _TMA_LIMIT) for size in shape]
        if self.swizzling_byte_width:
            contiguous = 0 if self.transposed else len(shape) - 1
            width = 8 * self.swizzling_byte_width // self.element_bit_width
            width //= 2 if self.fp4_padded else 1
            if box[contiguous] < width:
                raise UnsupportedError(
                    f"{self.text()}: a row of {box[contiguous]} elements, {width} are needed"
                )
            box[contiguous] = width
        return box

    def _swizzle(self, tile: Tile, walk: Sequence[tuple[int, int]]) -> None:
        """Offset bits over the box; all dimensions but the fastest one count as rows."""
        columns = walk[0][0]
        width = 8 * self.swizzling_byte_width // self.element_bit_width
        rows = math.prod(size for _, size in walk[1:])
        if rows < 8:
            raise UnsupportedError(f"{self.text()}: {rows} rows, 8 are needed")
        vec = 128 // self.element_bit_width
        per_phase = 128 // self.swizzling_byte_width
        max_phase = self.swizzling_byte_width // 16

        def place(row: int, column: int) -> None:
            basis = [0] * tile.rank
            basis[columns] = column // 16 * 8 + column % 8 if self.fp4_padded else column
            for dim, size in walk[1:]:
                basis[dim] = row % size
                row //= size
            tile.inputs["offset"].append(tuple(basis))

        for column in _powers(width):
            place(0, column)
        for row in _powers(rows):
            phase = row // per_phase % max_phase if row < 8 else 0
            place(row, vec * phase)
        for dim, size in walk:
            tile.sizes[dim] = size


@dataclass(frozen=True)
class PaddedSharedEncoding(SharedEncoding):
    """`#ttg.padded_shared`: a linear layout with gaps after every so many elements.

    Written by `order` and `shape`, or by the bases `offset`.
    """

    mnemonic = "padded_shared"
    padding: tuple[tuple[int, int], ...]
    order: tuple[int, ...] = ()
    size: tuple[int, ...] = ()
    offset: Bases = ()
    cga: Bases = ()

    @property
    def rank(self) -> int:
        """The number of dimensions."""
        return len(self.order) or len(self.offset[0] if self.offset else ())

    def parameters(self, reference: Reference) -> str:
        """The parameters in 3.9's order."""
        gaps = ", ".join(f"{interval}:+{gap}" for interval, gap in self.padding)
        if self.order:
            shape = f", shape = {numbers(self.size)}" if self.size else ""
            body = f"order = {numbers(self.order)}{shape}{cga_text(self.cga)}"
        else:
            body = f"offset = {bases_text(self.offset)}, block = {bases_text(self.cga)}"
        return f"[{gaps}] {{{body}}}"

    def bases(self, shape: tuple[int, ...]) -> SharedLinearLayout:
        """The bases, repeated over a larger shape and cut to a smaller one."""
        if self.order:
            per_block = block_shape(shape, self.cga)
            tile = Tile(self.rank).grow_all("offset", per_block, self.order)
            return tile.fit_shared(shape, self.cga, self.padding)
        return _spelled(self.offset, self.cga, shape, self.padding)


@dataclass(frozen=True)
class SharedLinearEncoding(SharedEncoding):
    """`#ttg.shared_linear`: the bases themselves."""

    mnemonic = "shared_linear"
    offset: Bases
    block: Bases = ()
    alignment: int = 16

    @property
    def rank(self) -> int:
        """The number of coordinates of a basis."""
        bases = self.offset or self.block
        return len(bases[0]) if bases else 0

    def parameters(self, reference: Reference) -> str:
        """The parameters in 3.9's order."""
        block = f", block = {bases_text(self.block)}" if self.block else ""
        return f"{{offset = {bases_text(self.offset)}{block}}}, alignment = {self.alignment}"

    def bases(self, shape: tuple[int, ...]) -> SharedLinearLayout:
        """The bases, repeated over a larger shape and cut to a smaller one."""
        return _spelled(self.offset, self.block, shape, ())


def _spelled(
    offset: Bases, block: Bases, shape: tuple[int, ...], padding: tuple[tuple[int, int], ...]
) -> SharedLinearLayout:
    sizes = [1] * len(shape)
    for basis in (*offset, *block):
        for dim, value in enumerate(basis):
            sizes[dim] = max(sizes[dim], 1 << value.bit_length())
    tile = Tile(len(shape), sizes, {"offset": list(offset)})
    tile.cover("offset", shape, range(len(shape))[::-1])
    cut = tile.fit_shared(shape, (), padding)
    return SharedLinearLayout(shape, cut.offset, block, padding)


@dataclass(frozen=True)
class PartitionedSharedEncoding(SharedEncoding):
    """`#ttg.partitioned_shared`: pieces along a dimension, dealt out to several buffers."""

    mnemonic = "partitioned_shared"
    num_partitions: int
    num_groups: int
    partition_dim: int
    partition_layout: SharedEncoding

    @property
    def rank(self) -> int:
        """The pieces' rank."""
        return self.partition_layout.rank

    def parameters(self, reference: Reference) -> str:
        """The parameters in 3.9's order."""
        return (
            f"{{numPartitions = {self.num_partitions}, numGroups = {self.num_groups}, "
            f"partitionDim = {self.partition_dim}, "
            f"partitionLayout = {reference(self.partition_layout)}}}"
        )

    def bases(self, shape: tuple[int, ...]) -> SharedLinearLayout:
        """Several buffers have no single offset."""
        raise UnsupportedError(f"{self.text()}: a view in several buffers has no linear layout")


@dataclass(frozen=True)
class TensorMemoryEncoding(Encoding):
    """`#ttng.tensor_memory_encoding` and its scales: Blackwell's tensor memory, kept as text."""

    words: str
    alias: str = "tmem"  # type: ignore[misc] - scales have another one

    @property
    def rank(self) -> int:
        """Rows and columns."""
        return 2

    def text(self, reference: Reference = str) -> str:
        """The text as it was."""
        return self.words
