"""What a threadgroup of a lowered kernel does: outside of loops, and in one turn of each loop.

Counted in the text, as if every mask were true and every branch its larger side: an upper bound
that is exact where nothing is masked. Loops over registers are counted with all their turns; only
loops that Triton's program has too (`scf.for`, `scf.while`) are listed by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from ..dialects import metal, metal_matrix, scf
from ..ir.core import Block, Op
from ..ir.location import line_name
from ..ir.types import ArrayType, FloatType, PointerType, Type, VectorType, bit_width, element_of
from ..simdgroup import SIDE

_MULTIPLY_FLOPS = 2 * SIDE**3
_FLOAT_OPS = frozenset(
    f"arith.{name}f" for name in ("add", "sub", "mul", "div", "maximum", "minimum")
) | {"arith.maxnumf", "arith.minnumf"}


@dataclass(frozen=True)
class Work:
    """Counts of one threadgroup; fragments and multiplies (8 x 8 x 8) are of one simdgroup."""

    barriers: int = 0
    fragment_loads: int = 0
    multiply_accumulates: int = 0
    atomics: int = 0
    device_bytes: int = 0
    threadgroup_bytes: int = 0
    flops: int = 0

    def __add__(self, other: Work) -> Work:
        return Work(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(Work)))

    def times(self, count: int) -> Work:
        """The work of several turns."""
        return Work(*(getattr(self, f.name) * count for f in fields(Work)))

    def larger(self, other: Work) -> Work:
        """The larger of each count."""
        return Work(*(max(getattr(self, f.name), getattr(other, f.name)) for f in fields(Work)))


@dataclass(frozen=True)
class LoopWork:
    """One turn of a loop, without the loops inside; `where` is its line, such as "matmul.py:12"."""

    where: str
    work: Work


@dataclass
class KernelWork:
    """What happens once, and in each turn of each loop, in the order of the text."""

    once: Work = field(default_factory=Work)
    loops: list[LoopWork] = field(default_factory=list[LoopWork])


def work_of(kernel: metal.Kernel, simd_width: int) -> KernelWork:
    """Counts of a lowered kernel."""
    counter = _Counter(kernel.simdgroups, simd_width)
    found = KernelWork()
    found.once = counter.block(kernel.body)
    found.loops = counter.loops
    return found


class _Counter:
    def __init__(self, simdgroups: int, simd_width: int) -> None:
        self._simdgroups = simdgroups
        self._threads = simdgroups * simd_width
        self.loops: list[LoopWork] = []

    def block(self, block: Block) -> Work:
        """All ops of a block, loops of the program apart."""
        total = Work()
        for op in block.ops:
            total += self._op(op)
        return total

    def _op(self, op: Op) -> Work:
        if isinstance(op, scf.For | scf.While):
            place = len(self.loops)
            work = self._regions(op)
            self.loops.insert(place, LoopWork(_where(op), work))
            return Work()
        if isinstance(op, scf.If):
            sides = [self.block(block) for region in op.regions for block in region.blocks]
            return sides[0].larger(sides[1]) if len(sides) > 1 else sides[0]
        if isinstance(op, metal.RegisterLoop):
            return self._regions(op).times(op.count - op.start)
        if isinstance(op, metal.Butterfly | metal.LaneScan):
            ratio = max(op.first, op.last) // max(1, min(op.first, op.last))
            return self._regions(op).times(ratio.bit_length())
        return self._regions(op) + self._single(op)

    def _regions(self, op: Op) -> Work:
        total = Work()
        for region in op.regions:
            for block in region.blocks:
                total += self.block(block)
        return total

    def _single(self, op: Op) -> Work:
        """An op without its regions."""
        if isinstance(op, metal.Barrier):
            return Work(barriers=1)
        if isinstance(op, metal_matrix.MultiplyAccumulate):
            return Work(multiply_accumulates=1, flops=_MULTIPLY_FLOPS * self._simdgroups)
        if isinstance(op, metal_matrix.MatrixLoad):
            size = SIDE * SIDE * _bytes(element_of(_entry(op.source.type))) * self._simdgroups
            return Work(fragment_loads=1) + _traffic(op.source.type, size)
        if isinstance(op, metal.Atomic | metal.AtomicPoll):
            return Work(atomics=self._threads)
        if isinstance(op, metal.Load):
            return _traffic(op.ptr.type, _bytes(op.result.type) * self._threads)
        if isinstance(op, metal.Store):
            return _traffic(op.ptr.type, _bytes(op.value.type) * self._threads)
        if isinstance(op, metal.Read):
            return _traffic(op.array.type, _bytes(op.result.type) * self._threads)
        if isinstance(op, metal.Write):
            return _traffic(op.array.type, _bytes(op.value.type) * self._threads)
        return Work(flops=_flops(op) * self._threads)


def _traffic(place: Type, size: int) -> Work:
    """Bytes to or from the memory that a pointer or an array is of; none for registers."""
    if isinstance(place, PointerType):
        return Work(device_bytes=size)
    in_memory = isinstance(place, ArrayType) and place.space == "threadgroup"
    return Work(threadgroup_bytes=size) if in_memory else Work()


def _entry(type_: Type) -> Type:
    """What a pointer points to, or an array holds."""
    if isinstance(type_, PointerType):
        return type_.pointee
    return type_.element if isinstance(type_, ArrayType) else type_


def _bytes(type_: Type) -> int:
    lanes = type_.size if isinstance(type_, VectorType) else 1
    return lanes * max(1, bit_width(type_) // 8)


def _flops(op: Op) -> int:
    """Float operations of one thread: a function counts as one, a fused multiply-add as two."""
    if not op.results or not isinstance(element_of(op.results[0].type), FloatType):
        return 0
    type_ = op.results[0].type
    lanes = type_.size if isinstance(type_, VectorType) else 1
    if op.op_name == "math.fma":
        return 2 * lanes
    return lanes if op.op_name in _FLOAT_OPS or op.op_name.startswith("math.") else 0


def _where(loop: Op) -> str:
    """The loop's line in the Python source, or of the first op in it that has one."""
    return next(filter(None, (line_name(op.location) for op in loop.walk())), "a loop")
