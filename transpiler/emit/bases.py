"""Which kernel arguments a pointer may be an offset of, also through arrays and loops."""

from __future__ import annotations

from ..dialects import metal, scf, tt
from ..ir.core import Block, Op, Value
from ..ir.types import ArrayType


def base_arguments(pointer: Value) -> set[Value | None]:
    """The kernel arguments that a pointer may be an offset of; None among them: perhaps any."""
    found: set[Value | None] = set()
    seen: set[Value] = set()
    stack = [pointer]
    while stack:
        value = stack.pop()
        if value in seen:
            continue
        seen.add(value)
        if _is_kernel_argument(value):
            found.add(value)
            continue
        sources = _sources(value)
        stack.extend(sources)
        if not sources:
            found.add(None)
    return found


def _is_kernel_argument(value: Value) -> bool:
    if not isinstance(value.owner, Block):
        return False
    region = value.owner.parent
    return region is not None and isinstance(region.parent, metal.Kernel)


def _sources(value: Value) -> list[Value]:
    """The values that a pointer is computed from, or may be a copy of; none where unknown."""
    op = value.defining_op
    if op is None:
        return _carried(value)
    if isinstance(op, tt.Addptr | tt.Bitcast):
        return [op.operands[0]]
    if isinstance(op, scf.For):
        return [op.inits[value.index], op.body.terminator.operands[value.index]]
    if isinstance(op, scf.If):
        return [region.block.terminator.operands[value.index] for region in op.regions]
    if isinstance(op, metal.Read) and _is_own(op.array):
        return [user.value for user in op.array.users if isinstance(user, metal.Write)]
    return []


def _carried(value: Value) -> list[Value]:
    """What a loop's argument may be."""
    assert isinstance(value.owner, Block)
    region = value.owner.parent
    loop: Op | None = region.parent if region else None
    if not isinstance(loop, scf.For) or value.index == 0:
        return []
    return [loop.inits[value.index - 1], loop.body.terminator.operands[value.index - 1]]


def _is_own(array: Value) -> bool:
    """Whether an array belongs to one thread."""
    return isinstance(array.type, ArrayType) and array.type.space == "thread"
