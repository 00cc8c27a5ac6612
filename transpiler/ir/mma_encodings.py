"""Distributed layouts of matrix units, and of the operands of a dot.

The bases are Triton's (lib/Dialect/TritonGPU/IR/LinearLayoutConversions.cpp).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..errors import UnsupportedError
from .distributed_encodings import BlockedEncoding
from .encoding_base import (
    Encoding,
    Reference,
    Tile,
    bases_text,
    boolean,
    cga_text,
    log2,
    numbers,
)
from .linear_layout import Bases, LinearLayout

_AMD_WAVE = 64


def row_major(rank: int) -> tuple[int, ...]:
    """The last dimension first."""
    return tuple(reversed(range(rank)))


def operand_order(op_idx: int, rank: int) -> tuple[int, ...]:
    """K first, then the other dimension, then the batch."""
    order = list(row_major(rank))
    if op_idx == 1:
        order[0], order[1] = order[1], order[0]
    return tuple(order)


@dataclass(frozen=True)
class NvidiaMmaEncoding(Encoding):
    """`#ttg.nvidia_mma`: the result of mma.sync (version 2) or wgmma (3).

    Version 1 (Volta, dumps of Triton 2.1 to 3.1) is read and written, but has no bases.
    """

    alias = "mma"
    mnemonic = "nvidia_mma"
    version_major: int
    version_minor: int
    warps_per_cta: tuple[int, ...]
    instr_shape: tuple[int, ...]
    cga: Bases = ()

    @property
    def rank(self) -> int:
        """The number of dimensions."""
        return len(self.warps_per_cta)

    def parameters(self, reference: Reference) -> str:
        """The parameters in 3.9's order."""
        return (
            f"{{versionMajor = {self.version_major}, versionMinor = {self.version_minor}, "
            f"warpsPerCTA = {numbers(self.warps_per_cta)}{cga_text(self.cga)}, "
            f"instrShape = {numbers(self.instr_shape)}}}"
        )

    def bases(self, shape: tuple[int, ...]) -> LinearLayout:
        """Tiles of 8 rows of 4 lanes with 2 elements, repeated over the instruction's shape."""
        self.require_known()
        rank = self.rank
        if self.version_major == 2:
            m, n = self.instr_shape[-2:]
        else:
            m, n = self.instr_shape[:2]
        tile = _nvidia_tile(rank, (m, n), 2, row_major(rank))
        tile.grow_all("warp", self.warps_per_cta, self.warp_order())
        return tile.fit(shape, row_major(rank), self.cga)

    def operand(self, op_idx: int, k_width: int, shape: tuple[int, ...]) -> LinearLayout:
        """The layout of an operand in registers."""
        self.require_known()
        rank = self.rank
        order = operand_order(op_idx, rank)
        tile = _nvidia_tile(rank, (16 if op_idx == 0 else 8, 8 * k_width), k_width, order)
        _broadcast_warps(tile, self.warps_per_cta, self.warp_order(), order[0])
        return tile.fit(shape, order, without_k(self.cga, order[0]))

    def warp_order(self) -> tuple[int, ...]:
        """The dimension that warps walk first: N, or M for wgmma."""
        order = list(row_major(self.rank))
        if self.version_major == 3:
            order[0], order[1] = order[1], order[0]
        return tuple(order)

    def require_known(self) -> None:
        """Raise for the versions without bases."""
        if self.version_major not in (2, 3):
            raise UnsupportedError(
                f"{self.text()}: the layout of matrix unit version {self.version_major} is not "
                "known; dump the kernel for cuda:80 or another target"
            )


def _nvidia_tile(rank: int, sizes: tuple[int, int], k_width: int, order: Sequence[int]) -> Tile:
    """A tile of the given outer and inner size: `order` says which dimension is the inner one."""
    inner, outer = order[0], order[1]
    m, n = sizes
    tile = Tile(rank)
    tile.grow("register", inner, k_width).grow("lane", inner, 4).grow("lane", outer, 8)
    return tile.grow("register", outer, m // 8).grow("register", inner, n // (k_width * 4))


def _broadcast_warps(tile: Tile, warps: Sequence[int], order: Sequence[int], k: int) -> None:
    for dim in order:
        if dim == k:
            tile.repeat("warp", log2(warps[dim]))
        else:
            tile.grow("warp", dim, warps[dim])


def without_k(cga: Bases, k: int) -> Bases:
    """Block bases of an operand: blocks along K hold copies."""
    return tuple(tuple(0 if dim == k else v for dim, v in enumerate(b)) for b in cga)


@dataclass(frozen=True)
class AmdMfmaEncoding(Encoding):
    """`#ttg.amd_mfma`: the result of an MFMA instruction, on waves of 64 lanes."""

    alias = "mma"
    mnemonic = "amd_mfma"
    version: int
    warps_per_cta: tuple[int, ...]
    instr_shape: tuple[int, ...]
    is_transposed: bool
    cga: Bases = ()
    tiles_per_warp: tuple[int, ...] = ()
    element_bit_width: int = 32

    @property
    def rank(self) -> int:
        """The number of dimensions."""
        return len(self.warps_per_cta)

    @property
    def tiles(self) -> tuple[int, ...]:
        """Tiles of a warp in each dimension."""
        return self.tiles_per_warp or (1,) * self.rank

    def parameters(self, reference: Reference) -> str:
        """The parameters in 3.9's order."""
        tiles = ""
        if any(count != 1 for count in self.tiles):
            tiles = f", tilesPerWarp = {numbers(self.tiles)}"
        width = ""
        if self.element_bit_width != 32:
            width = f", elementBitWidth = {self.element_bit_width}"
        return (
            f"{{version = {self.version}, warpsPerCTA = {numbers(self.warps_per_cta)}, "
            f"instrShape = {numbers(self.instr_shape)}, "
            f"isTransposed = {boolean(self.is_transposed)}{cga_text(self.cga)}{tiles}{width}}}"
        )

    def bases(self, shape: tuple[int, ...]) -> LinearLayout:
        """Groups of 4 rows (columns if transposed) a lane, then the lanes, over the instruction."""
        rank = self.rank
        m, n = rank - 2, rank - 1
        size = {m: self.instr_shape[0], n: self.instr_shape[1]}
        height = 1 if self.element_bit_width == 64 else 4
        repeats = size[m] * size[n] // (_AMD_WAVE * height)
        along, across = (n, m) if self.is_transposed else (m, n)
        tile = Tile(rank).grow("register", along, height)
        tile.grow("lane", across, size[across])
        tile.grow("lane", along, _AMD_WAVE // size[across])
        tile.grow("register", along, max(repeats, 1))
        # All of N first, so that a warp's tiles stay contiguous along N.
        tile.grow("register", n, self.tiles[n]).grow("warp", n, self.warps_per_cta[n])
        tile.grow("register", n, max(1, shape[n] // tile.sizes[n]))
        tile.grow("register", m, self.tiles[m]).grow("warp", m, self.warps_per_cta[m])
        if rank == 3:
            tile.grow("warp", 0, self.warps_per_cta[0])
        return tile.fit(shape, (n, m, 0)[:rank], self.cga)

    def operand(self, op_idx: int, k_width: int, shape: tuple[int, ...]) -> LinearLayout:
        """The layout of an operand: `k_width` elements along K a lane."""
        rank = self.rank
        k, other = operand_order(op_idx, rank)[:2]
        size = self.instr_shape[0 if op_idx == 0 else 1]
        tile = Tile(rank).grow("register", k, k_width)
        tile.grow("lane", other, size).grow("lane", k, _AMD_WAVE // size)
        if size == _AMD_WAVE:  # the 64x4 instruction takes 16 steps of K
            tile.grow("register", k, 16)
        tile.grow("register", k, max(1, shape[k] // tile.sizes[k]))
        tile.grow("register", other, self.tiles[other])
        _broadcast_warps(tile, self.warps_per_cta, row_major(rank), k)
        return tile.fit(shape, operand_order(op_idx, rank), without_k(self.cga, k))


@dataclass(frozen=True)
class AmdWmmaEncoding(Encoding):
    """`#ttg.amd_wmma`: the result of a WMMA instruction, on waves of 32 lanes."""

    alias = "mma"
    mnemonic = "amd_wmma"
    version: int
    is_transposed: bool
    cta_register: Bases  # how tiles repeat in a warp and over warps, in tiles
    cta_warp: Bases
    cga: Bases = ()
    instr_shape: tuple[int, ...] = (16, 16, 16)
    dims: int = 2  # the rank where no basis tells it

    @property
    def rank(self) -> int:
        """The number of dimensions."""
        for bases in (self.cta_warp, self.cta_register):
            if bases:
                return len(bases[0])
        return self.dims

    def parameters(self, reference: Reference) -> str:
        """The parameters in 3.9's order."""
        register = f"register = {bases_text(self.cta_register)}, " if self.cta_register else ""
        shape = ""
        if self.instr_shape != (16, 16, 16):
            shape = f", instrShape = {numbers(self.instr_shape)}"
        return (
            f"{{version = {self.version}, isTranspose = {boolean(self.is_transposed)}, "
            f"ctaLayout = {{{register}warp = {bases_text(self.cta_warp)}}}"
            f"{cga_text(self.cga)}{shape}}}"
        )

    def bases(self, shape: tuple[int, ...]) -> LinearLayout:
        """8 elements a lane along one dimension, 16 lanes along the other."""
        rank = self.rank
        along, across = (rank - 1, rank - 2) if self.is_transposed else (rank - 2, rank - 1)
        tile = Tile(rank)
        if self.version == 1:
            tile.grow("lane", across, 16).grow("lane", along, 2).grow("register", along, 8)
        else:
            tile.grow("register", along, 8)
            tile.grow("lane", across, 16).grow("lane", along, 2)
        tile.grow("register", along, self.instr_shape[0] // 16)
        self._spread(tile, lambda dim: False)
        return tile.fit(shape, row_major(rank), self.cga)

    def operand(self, op_idx: int, k_width: int, shape: tuple[int, ...]) -> LinearLayout:
        """The layout of an operand; version 1 holds it twice."""
        rank = self.rank
        k, other = operand_order(op_idx, rank)[:2]
        tile = Tile(rank)
        tile.grow("register", k, k_width).grow("lane", other, 16)
        if self.version == 1:
            tile.repeat("lane", 1)
        else:
            tile.grow("lane", k, 2)
        tile.grow("register", k, max(1, self.instr_shape[2] // tile.sizes[k]))
        if op_idx == int(self.is_transposed):  # the operand of the instruction's longer side
            tile.grow("register", other, self.instr_shape[0] // 16)
        self._spread(tile, lambda dim: dim == k)
        return tile.fit(shape, operand_order(op_idx, rank), without_k(self.cga, k))

    def _spread(self, tile: Tile, copies: Callable[[int], bool]) -> None:
        """Add the CTA's bases; those along a dimension of copies change nothing."""
        sizes = list(tile.sizes)
        for name, bases in (("register", self.cta_register), ("warp", self.cta_warp)):
            for basis in bases:
                scaled = tuple(
                    0 if copies(dim) else value * sizes[dim] for dim, value in enumerate(basis)
                )
                if name == "warp" or any(scaled) or not any(basis):
                    tile.inputs[name].append(scaled)
                for dim, value in enumerate(scaled):
                    if value:
                        tile.sizes[dim] = max(tile.sizes[dim], 2 * value)


@dataclass(frozen=True)
class DotOperandEncoding(Encoding):
    """`#ttg.dot_op`: an operand of a dot whose result has the layout `parent`."""

    mnemonic = "dot_op"
    op_idx: int
    parent: Encoding
    k_width: int = 0

    @property
    def rank(self) -> int:
        """The parent's."""
        return self.parent.rank

    def parameters(self, reference: Reference) -> str:
        """The parameters in 3.9's order."""
        width = f", kWidth = {self.k_width}" if self.k_width else ""
        return f"{{opIdx = {self.op_idx}, parent = {reference(self.parent)}{width}}}"

    def bases(self, shape: tuple[int, ...]) -> LinearLayout:
        """As the parent says."""
        parent = self.parent
        if isinstance(parent, BlockedEncoding):
            return _blocked_operand(parent, self.op_idx, shape)
        if isinstance(parent, NvidiaMmaEncoding | AmdMfmaEncoding | AmdWmmaEncoding):
            return parent.operand(self.op_idx, self.k_width, shape)
        raise UnsupportedError(f"{self.text()}: no dot gives a result with this parent")


def _blocked_operand(parent: BlockedEncoding, op_idx: int, shape: tuple[int, ...]) -> LinearLayout:
    """All of K in registers; lanes and warps along K hold copies."""
    rank = parent.rank
    k = rank - 1 if op_idx == 0 else rank - 2
    tile = Tile(rank)
    for dim in parent.order:
        tile.grow("register", dim, shape[dim] if dim == k else parent.size_per_thread[dim])
    for name, sizes in (("lane", parent.threads_per_warp), ("warp", parent.warps_per_cta)):
        for dim in parent.order:
            if dim == k:
                tile.repeat(name, log2(sizes[dim]))
            else:
                tile.grow(name, dim, sizes[dim])
    return tile.fit(shape, parent.order, without_k(parent.cga, k))
