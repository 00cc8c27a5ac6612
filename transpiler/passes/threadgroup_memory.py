"""Gives threadgroup arrays their places: side by side while they fit, else over one another.

    %a = metal.threadgroup : 6000xf32            %a = metal.threadgroup {offset = 0}
    (uses of %a)                          ->     (uses of %a)
    %b = metal.threadgroup : 6000xf32            %b = metal.threadgroup {offset = 0}
    (uses of %b)                                 (uses of %b)

Arrays that are never in use at the same time may share memory. That costs barriers and clarity, so
it is done only where the arrays together exceed the target's threadgroup memory: first between what
stands behind one another at the top of the kernel, and only then also inside a loop.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..dialects import metal
from ..errors import OutOfResourcesError
from ..ir.core import Module, Op, Value
from ..ir.types import ArrayType
from ..target import Target
from .lifetimes import Lifetime, Numbering, aligned, give_offsets


@dataclass(eq=False)
class _Array:
    """An array, and when it is needed."""

    op: metal.Threadgroup
    lifetime: Lifetime


def plan_threadgroup_memory(module: Module, target: Target) -> Module:
    """Set `offset` on threadgroup arrays where they must share memory.

    Raises OutOfResourcesError where not even that fits.
    """
    limit = target.threadgroup_memory
    for kernel in module.body.ops:
        arrays = _arrays(kernel)
        if sum(array.lifetime.size for array in arrays) <= limit:
            continue
        apart = _arrays(kernel, whole_loops=True)
        if give_offsets([array.lifetime for array in apart]) <= limit:
            arrays = apart
        else:
            required = give_offsets([array.lifetime for array in arrays])
            if required > limit:
                raise OutOfResourcesError("threadgroup memory", required, limit, kernel.span)
        for array in arrays:
            array.op.attributes["offset"] = metal.integer_attribute(array.lifetime.offset)
    return module


def _arrays(kernel: Op, *, whole_loops: bool = False) -> list[_Array]:
    """All arrays; with `whole_loops` they are needed all through the loops with their uses."""
    top = kernel.regions[0].block
    numbers = Numbering(kernel)
    arrays: list[_Array] = []
    for op in kernel.walk():
        if isinstance(op, metal.Threadgroup):
            assert isinstance(op.result.type, ArrayType)
            first, last = numbers.span(_users(op), top if whole_loops else op.parent)
            size = aligned(op.result.type.size_in_bytes)
            arrays.append(_Array(op, Lifetime(size, first, last)))
    return arrays


def _users(op: Op) -> list[Op]:
    """Who uses an array, also through views of it."""
    users = op.result.users
    views = [user for user in users if isinstance(user, metal.ArrayView)]
    return [*users, *(inner for view in views for inner in _users(view))]


def array_of(array: Value) -> Value:
    """The array itself, of a view of one."""
    while isinstance(array.defining_op, metal.ArrayView):
        array = array.defining_op.array
    return array


def share_memory(a: Value, b: Value) -> bool:
    """Whether two threadgroup arrays have bytes in common."""
    a, b = array_of(a), array_of(b)
    if a is b:
        return True
    first, second = a.defining_op, b.defining_op
    assert isinstance(first, metal.Threadgroup)
    assert isinstance(second, metal.Threadgroup)
    if "offset" not in first.attributes or "offset" not in second.attributes:
        return False
    return first.offset < _end(second) and second.offset < _end(first)


def _end(op: metal.Threadgroup) -> int:
    assert isinstance(op.result.type, ArrayType)
    return op.offset + op.result.type.size_in_bytes
