"""Metal's atomics, fences and views of threadgroup memory, as ops of one thread's program."""

from __future__ import annotations

from ..ir.core import Op, Value
from ..ir.fields import integer, operand, optional, word
from ..ir.types import ArrayType
from .tt_memory import RMW_KINDS


class Atomic(Op):
    """What all atomics share: a place in memory, accessed in relaxed order.

    `place` is a pointer into device memory, or an array in threadgroup memory: then `index` says
    which entry.
    """

    @property
    def target(self) -> Value:
        """The pointer, or the array."""
        return self.operands[0]

    @property
    def entry(self) -> Value | None:
        """The index into an array; None where the place is a pointer."""
        return self.operands[-1] if isinstance(self.target.type, ArrayType) else None

    @property
    def space(self) -> str:
        """Metal's address space."""
        type_ = self.target.type
        return type_.space if isinstance(type_, ArrayType) else "device"


class AtomicRmw(Atomic):
    """Combines memory with `value`; the result is what was there before."""

    name = "metal.atomic_rmw"
    kind = word(values=RMW_KINDS, first=1)
    place = operand()
    value = operand()
    index = optional()


class AtomicCas(Atomic):
    """Stores `value` where the bits of memory are those of `compare`; gives what was there."""

    name = "metal.atomic_cas"
    place = operand()
    compare = operand()
    value = operand()
    index = optional()


class AtomicLoad(Atomic):
    """What is in memory."""

    name = "metal.atomic_load"
    place = operand()
    index = optional()


class AtomicStore(Atomic):
    """Sets memory."""

    name = "metal.atomic_store"
    place = operand()
    value = operand()
    index = optional()


class AtomicPoll(Op):
    """Loads until memory equals `expected`, `polls` times at most; whether it did.

    Without `polls` there is no limit.
    """

    name = "metal.atomic_poll"
    place = operand()
    expected = operand()
    polls = optional()


class Fence(Op):
    """Orders the thread's accesses to device memory before and after it, for all threads.

    Metal has such fences from MSL 3.2 on; below it nothing but relaxed order.
    """

    name = "metal.fence"


class ArrayView(Op):
    """The bytes of a threadgroup array as an array of another type; `offset` is in bytes."""

    name = "metal.array_view"
    pure = True
    array = operand()
    offset = integer(0)
