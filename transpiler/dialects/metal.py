"""One thread's program: what tensors become when they are lowered.

A lowered module holds one `metal.kernel`. Its ops work on scalars and short vectors of one thread
(arith and math ops keep their meaning there), on local arrays (`metal.local`), and on threadgroup
memory (`metal.threadgroup`). Control flow is `scf` for what is uniform over the threadgroup,
`metal.register_loop` for the registers of a thread and `metal.if` for a thread's own condition:
no barrier and no SIMD operation ever stands in a `metal.if`.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..ir.attributes import IntegerAttr, StringAttr
from ..ir.core import Block, Op, Region, Value
from ..ir.fields import flag, integer, operand, optional, variadic, word
from ..ir.types import I1, I32, ArrayType, Type, VectorType, element_of
from .metal_debug import Record as Record
from .metal_debug import Report as Report
from .metal_memory import ArrayView as ArrayView
from .metal_memory import Atomic as Atomic
from .metal_memory import AtomicCas as AtomicCas
from .metal_memory import AtomicLoad as AtomicLoad
from .metal_memory import AtomicPoll as AtomicPoll
from .metal_memory import AtomicRmw as AtomicRmw
from .metal_memory import AtomicStore as AtomicStore
from .metal_memory import Fence as Fence
from .metal_tile import TileAtomicRmw as TileAtomicRmw
from .metal_tile import TileLoad as TileLoad
from .metal_tile import TileStore as TileStore


class Kernel(Op):
    """The kernel; its block's arguments are those of the Triton kernel."""

    name = "metal.kernel"
    sym_name = word()
    simdgroups = integer()

    @property
    def body(self) -> Block:
        """The only block."""
        return self.regions[0].block


class Return(Op):
    """End of the kernel."""

    name = "metal.return"
    terminator = True


class ThreadIndex(Op):
    """[[thread_index_in_threadgroup]]."""

    name = "metal.thread_index"
    pure = True


class RegisterLoop(Op):
    """Runs its block for the values start .. count-1 of its argument; unrolled by the compiler."""

    name = "metal.register_loop"
    start = integer()
    count = integer()

    @property
    def body(self) -> Block:
        """The only block."""
        return self.regions[0].block


class If(Op):
    """Runs its block where the thread's own condition holds."""

    name = "metal.if"
    condition = operand()

    @property
    def body(self) -> Block:
        """The only block."""
        return self.regions[0].block


class Yield(Op):
    """End of a block that gives no value."""

    name = "metal.yield"
    terminator = True


class Local(Op):
    """An array (or, of count 1, a variable) of one thread: result `!metal.array`.

    The element type is the scalar or vector in `element`; contents are undefined at first.
    """

    name = "metal.local"
    count = integer()

    @property
    def element(self) -> Type:
        """Type of one entry."""
        type_ = self.result.type
        assert isinstance(type_, ArrayType)
        return type_.element


class Threadgroup(Op):
    """An array in threadgroup memory; `offset` is its place in bytes where arrays share memory."""

    name = "metal.threadgroup"
    offset = integer(-1)


class Read(Op):
    """Entry `index` of a local or threadgroup array; with `lane`, one component of it."""

    name = "metal.read"
    array = operand()
    index = operand()
    lane = optional()


class Write(Op):
    """Set entry `index` of a local or threadgroup array; with `lane`, one component of it.

    `store` numbers the stores to a buffer whose order matters between threads.
    """

    name = "metal.write"
    store = integer(-1)
    value = operand()
    array = operand()
    index = operand()
    lane = optional()


class Load(Op):
    """`width` elements from device memory at `ptr`, as a scalar or vector.

    Where `mask` is false memory is not touched and the result is `other` (or anything, without
    `other`). `bits` loads of 8 and more elements give 32-bit words: see `metal.unpack`.
    """

    name = "metal.load"
    ptr = operand()
    mask = optional()
    other = optional()
    volatile = flag()


class Store(Op):
    """A scalar or vector to device memory at `ptr`, where `mask` holds."""

    name = "metal.store"
    ptr = operand()
    value = operand()
    mask = optional()


class Iota(Op):
    """vector<N>: 0, 1, .., N-1."""

    name = "metal.iota"
    pure = True


class SplatVector(Op):
    """A vector whose components are all the operand."""

    name = "metal.splat"
    pure = True
    source = operand()


class Pack(Op):
    """A vector of the operands, in order; vectors are joined."""

    name = "metal.pack"
    pure = True
    parts = variadic()


class Extract(Op):
    """Component `index` of a vector."""

    name = "metal.extract"
    pure = True
    source = operand()
    index = integer()


class Slice(Op):
    """Components index .. index+n-1 of a vector, n being the result's size."""

    name = "metal.slice"
    pure = True
    source = operand()
    index = integer()


class BitCast(Op):
    """as_type: the same bits as another type of the same size."""

    name = "metal.as_type"
    pure = True
    source = operand()


class Section(Op):
    """A part of the program begins: an empty line, and `text` as a comment where there is one."""

    name = "metal.section"
    text = word()


class Barrier(Op):
    """threadgroup_barrier; `flags` is "threadgroup", "device" or both joined by "|"."""

    name = "metal.barrier"
    flags = word("threadgroup")


class SimdShuffle(Op):
    """The operand's value in lane `lane` of the SIMD-group."""

    name = "metal.simd_shuffle"
    source = operand()
    lane = operand()


class SimdShuffleXor(Op):
    """The operand's value in the lane whose index differs in the bits of `mask`."""

    name = "metal.simd_shuffle_xor"
    source = operand()
    mask = integer()


class SimdShift(Op):
    """The operand's value in the lane that is `distance` before ("up") or behind ("down")."""

    name = "metal.simd_shift"
    source = operand()
    distance = integer()
    direction = word("up")


class SimdReduce(Op):
    """simd_sum, simd_product, simd_and, ...: `kind` over all 32 lanes."""

    name = "metal.simd_reduce"
    source = operand()
    kind = word()


class Butterfly(Op):
    """A butterfly over lanes: for each distance (halving from `first` to `last`), combine with the
    lane at that distance. Block arguments: the own values, then the other lane's; yields the new.
    """

    name = "metal.butterfly"
    inputs = variadic()
    first = integer()
    last = integer()

    @property
    def body(self) -> Block:
        """The combine block."""
        return self.regions[0].block


class LaneScan(Op):
    """Inclusive scan over neighbouring lanes: for each distance (doubling from `first` to `last`),
    lanes that have a lane at that distance before them (behind them: `reverse`) combine with it.

    `place` is the lane's number among those that are scanned together, times `first`, and anything
    below that. Block arguments: the other lane's values, then the own; yields the new.
    """

    name = "metal.lane_scan"
    place = operand()
    inputs = variadic()
    first = integer()
    last = integer()
    reverse = flag()

    @property
    def body(self) -> Block:
        """The combine block."""
        return self.regions[0].block


def integer_attribute(value: int) -> IntegerAttr:
    """An i32 attribute."""
    return IntegerAttr(value, I32)


def word_attribute(value: str) -> StringAttr:
    """An enum word as an attribute."""
    return StringAttr(value)


def region(block: Block) -> Region:
    """A region of one block."""
    return Region([block])


def boolean_like(type_: Type) -> Type:
    """i1 of the same shape as a scalar or vector."""
    return VectorType(type_.size, I1) if isinstance(type_, VectorType) else I1


def with_lanes(element: Type, lanes: int) -> Type:
    """The element type itself, or a vector of it."""
    return VectorType(lanes, element_of(element)) if lanes > 1 else element_of(element)


def parts_of(values: Sequence[Value]) -> list[Type]:
    """Types of values."""
    return [value.type for value in values]
