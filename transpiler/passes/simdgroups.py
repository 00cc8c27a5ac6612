"""More simdgroups than Triton's warps, where the sums of dots need more registers than there are.

A dot's sums stay in registers through its loop: a block of 256 x 256 over 8 simdgroups would need
256 registers of every thread for them alone. Twice the simdgroups need half of that, as long as a
threadgroup may have so many threads. All tensors of the module are then spread over more warps:

#blocked<{..., warpsPerCTA = [4, 1]}>          ->   #blocked<{..., warpsPerCTA = [8, 1]}>
#linear<{register = [.., [64, 0]], warp = W}>  ->   #linear<{register = [..], warp = [W, [64, 0]]}>

Layouts of other GPUs' matrix units become blocked ones: dots get layouts of their own next.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..dialects import arith, tt
from ..ir.attributes import DenseAttr, IntegerAttr
from ..ir.core import Block, Module, Value
from ..ir.encodings import BlockedEncoding, Encoding, LinearEncoding, SliceEncoding
from ..ir.types import I32, TensorType
from ..simdgroup import ELEMENTS_PER_LANE, SIDE
from ..target import Target
from .accelerate import is_chained
from .tiling import splits_by_rows

# What makes or takes apart tensors by the places of their elements in threads.
_BOUND_TO_LAYOUTS = (tt.Join, tt.Split, tt.Cat, tt.Gather, tt.Histogram)


def add_simdgroups(module: Module, target: Target) -> Module:
    """See the module's text."""
    dots = [op for op in module.walk() if isinstance(op, tt.Dot)]
    if not dots or any(isinstance(op, _BOUND_TO_LAYOUTS) for op in module.walk()):
        return module
    waves = module.threads_per_warp // target.simd_width
    before = simdgroups = module.num_warps * waves
    while (
        _registers(dots, simdgroups) > target.registers // 2
        and 2 * simdgroups <= target.max_simdgroups
        and all(_can_split(dot, 2 * simdgroups) for dot in dots)
    ):
        simdgroups *= 2
    if simdgroups > before:
        _Spread(module, simdgroups // before).run()
        module.attributes["ttg.num-warps"] = IntegerAttr(simdgroups // waves, I32)
    return module


def _registers(dots: list[tt.Dot], simdgroups: int) -> int:
    """Registers of a thread for sums: those of the dots of one block are needed together."""
    blocks: dict[Block | None, int] = {}
    for dot in dots:
        if not isinstance(dot.c.defining_op, tt.Dot):  # else it goes on with the same sums
            fragments = _size(dot) // SIDE**2 // simdgroups
            blocks[dot.parent] = blocks.get(dot.parent, 0) + ELEMENTS_PER_LANE * fragments
    return max(blocks.values(), default=0)


def _size(dot: tt.Dot) -> int:
    assert isinstance(dot.result.type, TensorType)
    return dot.result.type.size


def _can_split(dot: tt.Dot, simdgroups: int) -> bool:
    """Whether each simdgroup has work of its own, and whole rows where others go on with them."""
    assert isinstance(dot.result.type, TensorType)
    if is_chained(dot):
        return splits_by_rows(dot.result.type.shape, simdgroups)
    return _size(dot) >= simdgroups * SIDE**2


class _Spread:
    """Gives every tensor of a module `factor` times the warps."""

    def __init__(self, module: Module, factor: int) -> None:
        self.module, self.factor = module, factor
        self._lanes, self._warps = module.threads_per_warp, module.num_warps * factor
        self._known: dict[Encoding, Encoding] = {}
        self._shapes: dict[Encoding, list[tuple[int, ...]]] = {}

    def run(self) -> None:
        """Types of values, and of the constants that say theirs again."""
        values = list(_values(self.module))
        for value in values:
            if isinstance(value.type, TensorType) and value.type.encoding is not None:
                self._shapes.setdefault(value.type.encoding, []).append(value.type.shape)
        for value in values:
            if isinstance(value.type, TensorType) and value.type.encoding is not None:
                value.type = replace(value.type, encoding=self._spread(value.type.encoding))
        for op in self.module.walk():
            if isinstance(op, arith.Constant) and isinstance(op.value, DenseAttr):
                op.attributes["value"] = replace(op.value, type=op.result.type)

    def _spread(self, encoding: Encoding) -> Encoding:
        if encoding not in self._known:
            self._known[encoding] = self._new(encoding)
        return self._known[encoding]

    def _new(self, encoding: Encoding) -> Encoding:
        match encoding:
            case BlockedEncoding():
                return self._blocked(encoding)
            case SliceEncoding():
                return replace(encoding, parent=self._spread(encoding.parent))
            case LinearEncoding():
                return self._linear(encoding)
            case _:
                return self._plain(encoding.rank)

    def _blocked(self, encoding: BlockedEncoding) -> BlockedEncoding:
        """The dimension that is walked last and has elements for more warps gets them."""
        shapes = self._shapes.get(encoding, [])
        sizes = [max((shape[d] for shape in shapes), default=0) for d in range(encoding.rank)]
        warps = list(encoding.warps_per_cta)
        for _ in range(self.factor.bit_length() - 1):
            covered = [
                a * b * c
                for a, b, c in zip(
                    encoding.size_per_thread, encoding.threads_per_warp, warps, strict=True
                )
            ]
            slowest = list(reversed(encoding.order))
            wanting = [d for d in slowest if covered[d] < sizes[d]]
            warps[(wanting or slowest)[0]] *= 2
        return replace(encoding, warps_per_cta=tuple(warps))

    def _linear(self, encoding: LinearEncoding) -> LinearEncoding:
        registers, warps = list(encoding.register), list(encoding.warp)
        for _ in range(self.factor.bit_length() - 1):
            warps.append(registers.pop() if registers else (0,) * encoding.rank)
        return replace(encoding, register=tuple(registers), warp=tuple(warps), dims=encoding.rank)

    def _plain(self, rank: int) -> BlockedEncoding:
        ones = (1,) * (rank - 1)
        if rank == 1:
            return BlockedEncoding((1,), (self._lanes,), (self._warps,), (0,))
        front = (1,) * (rank - 2)
        lanes, warps = (*front, self._lanes // 8, 8), (*front, self._warps, 1)
        return BlockedEncoding((*ones, 4), lanes, warps, tuple(range(rank))[::-1])


def _values(module: Module) -> Iterator[Value]:
    for op in module.walk():
        yield from op.results
        for region in op.regions:
            for block in region.blocks:
                yield from block.args
