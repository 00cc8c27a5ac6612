"""Distributed layouts of matrix units, and of the operands of a dot."""

from __future__ import annotations

from dataclasses import dataclass

from .distributed_encodings import BlockedEncoding
from .encoding_base import Encoding, Reference, Tile, log2
from .linear_layout import LinearLayout


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
        raise NotImplementedError(str(self))


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
    return tile.fit(shape, parent.order, parent.cga)
