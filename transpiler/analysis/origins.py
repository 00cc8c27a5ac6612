"""What a pointer is computed from: kernel arguments, also through arrays, loops and branches."""

from __future__ import annotations

from collections.abc import Iterable

from ..dialects import arith, metal, scf, tt, ub
from ..ir.core import Block, Value
from ..ir.types import ArrayType, PointerType

CONTROL = (scf.For, scf.If, scf.While)


def origins(pointers: Iterable[Value]) -> set[Value]:
    """The pointers, and all values that they are computed from or may be copies of."""
    found: set[Value] = set()
    stack = list(pointers)
    while stack:
        value = stack.pop()
        if value not in found:
            found.add(value)
            stack.extend(sources(value))
    return found


def written_pointers(kernel: metal.Kernel) -> set[Value]:
    """What the kernel writes through, and all that it is computed from: these are not `const`."""
    places = [op.ptr for op in kernel.walk() if isinstance(op, metal.Store)]
    atomics = (metal.Atomic, metal.AtomicPoll, metal.Record)
    places += [op.operands[0] for op in kernel.walk() if isinstance(op, atomics)]
    found = origins(place for place in places if isinstance(place.type, PointerType))
    if any(is_unknown(value) for value in found):  # it might point into any buffer
        found |= set(kernel.body.args)
    return found


def is_unknown(pointer: Value) -> bool:
    """Whether nobody knows which buffer a pointer points into: it was a number before."""
    if isinstance(pointer.defining_op, ub.Poison):  # into none
        return False
    return not _is_kernel_argument(pointer) and not sources(pointer)


def _is_kernel_argument(value: Value) -> bool:
    return isinstance(value.owner, Block) and isinstance(value.owner.parent_op, metal.Kernel)


def sources(value: Value) -> list[Value]:
    """The values that a pointer is computed from, or may be a copy of; none where unknown."""
    op = value.defining_op
    if op is None or isinstance(op, CONTROL):
        return copied(value)
    if isinstance(op, tt.Addptr | tt.Bitcast):
        return [op.operands[0]]
    if isinstance(op, arith.Select):
        return [op.operands[1], op.operands[2]]
    if isinstance(op, metal.Read) and _is_own(op.array):
        return [user.value for user in op.array.users if isinstance(user, metal.Write)]
    return []


def copied(value: Value) -> list[Value]:
    """What a loop's argument, or the result of a loop or a branch, may be a copy of."""
    op = value.defining_op
    if isinstance(op, scf.For):
        return [op.inits[value.index], op.yields[value.index]]
    if isinstance(op, scf.If):
        return [region.block.terminator.operands[value.index] for region in op.regions]
    if isinstance(op, scf.While):
        return [op.before.terminator.operands[1 + value.index]]
    loop = value.owner.parent_op if isinstance(value.owner, Block) else None
    if isinstance(loop, scf.For) and value.index > 0:
        return [loop.inits[value.index - 1], loop.yields[value.index - 1]]
    if isinstance(loop, scf.While) and value.owner is loop.before:
        return [loop.inits[value.index], loop.after.terminator.operands[value.index]]
    if isinstance(loop, scf.While):
        return [loop.before.terminator.operands[1 + value.index]]
    return []


def _is_own(array: Value) -> bool:
    """Whether an array belongs to one thread."""
    return isinstance(array.type, ArrayType) and array.type.space == "thread"
