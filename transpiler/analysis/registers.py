"""An estimate of the registers that a thread of a lowered kernel needs.

The most bits that are live at one place of the text: every value from where it is made to its
last use, every local array over all its uses, and over the whole of a loop that it outlives. A
loop over registers counts as one of its turns. Apple's compiler orders, splits and recomputes as
it likes, so that the true number may be higher or lower. Constants, kernel arguments and the
counters of unrolled loops need none: they stand in instructions, or in registers that all threads
share.
"""

from __future__ import annotations

from ..dialects import arith, metal, metal_matrix, scf
from ..ir.core import Block, Op, Value
from ..ir.types import (
    ArrayType,
    FloatType,
    IntegerType,
    PointerType,
    Type,
    VectorType,
    bit_width,
)

_HALF = 16  # bits of the smallest register
_LOOPS = (scf.For, scf.While, metal.RegisterLoop, metal.Butterfly, metal.LaneScan)


def registers_per_thread(kernel: metal.Kernel) -> int:
    """32-bit registers, rounded up."""
    spans = _Spans(kernel)
    changes: dict[int, int] = {}
    for value in spans.values:
        size = half_registers(value)
        if size and value.uses:
            start, end = spans.life(value)
            changes[start] = changes.get(start, 0) + size
            changes[end + 1] = changes.get(end + 1, 0) - size
    live = most = 0
    for place in sorted(changes):
        live += changes[place]
        most = max(most, live)
    return (most + 1) // 2


def half_registers(value: Value) -> int:
    """16-bit registers of a value."""
    if isinstance(value.defining_op, arith.Constant):
        return 0
    if isinstance(value.owner, Block) and isinstance(value.owner.parent_op, metal.RegisterLoop):
        return 0
    return _halves(value.type)


def _halves(type_: Type) -> int:
    if isinstance(type_, ArrayType):
        in_registers = type_.space in ("thread", metal_matrix.MATRIX_SPACE)
        return type_.count * _halves(type_.element) if in_registers else 0
    lanes = type_.size if isinstance(type_, VectorType) else 1
    element = type_.element if isinstance(type_, VectorType) else type_
    if not isinstance(element, IntegerType | FloatType | PointerType):
        return 0
    return lanes * max(1, bit_width(element) // _HALF)


class _Spans:
    """Where in the text each op begins and ends, and all values but the kernel's arguments."""

    def __init__(self, kernel: metal.Kernel) -> None:
        self.values: list[Value] = []
        self._spans: dict[Op, tuple[int, int]] = {}
        self._next = 0
        self._visit(kernel.body)

    def _visit(self, block: Block) -> None:
        for op in block.ops:
            start = self._next
            self._next += 1
            for region in op.regions:
                for inner in region.blocks:
                    self.values += inner.args
                    self._visit(inner)
            self._spans[op] = (start, self._next)
            self._next += 1
            self.values += op.results

    def life(self, value: Value) -> tuple[int, int]:
        """From the definition (of an array: the first use) to the last use."""
        home = value.owner if isinstance(value.owner, Block) else value.owner.parent
        uses = [self._use(user, home) for user in value.users]
        last = max(end for _, end in uses)
        if isinstance(value.type, ArrayType):
            return min(start for start, _ in uses), last
        if isinstance(value.owner, Block):
            holder = value.owner.parent_op
            return self._spans[holder][0] if holder is not None else 0, last
        return self._spans[value.owner][1], last

    def _use(self, user: Op, home: Block | None) -> tuple[int, int]:
        """A use: of a value from outside of loops, the whole of the outermost one around it."""
        start = self._spans[user][0]
        found, op = (start, start), user
        while op.parent is not home and op.parent is not None:
            holder = op.parent_op
            if holder is None or holder not in self._spans:
                break
            op = holder
            if isinstance(op, _LOOPS):
                found = self._spans[op]
        return found
