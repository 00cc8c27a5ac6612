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
from ..ir.core import Block, Module, Op, Value
from ..ir.types import ArrayType
from ..target import Target

_ALIGNMENT = 16


@dataclass
class _Use:
    """An array, its bytes, and the stretch of the program (in op numbers) in which it is needed."""

    op: metal.Threadgroup
    size: int
    first: int
    last: int
    offset: int = 0

    def overlaps(self, other: _Use) -> bool:
        return self.first <= other.last and other.first <= self.last


def plan_threadgroup_memory(module: Module, target: Target) -> Module:
    """Set `offset` on threadgroup arrays where they must share memory.

    Raises OutOfResourcesError where not even that fits.
    """
    for kernel in module.body.ops:
        uses = _uses(kernel)
        if sum(use.size for use in uses) <= target.threadgroup_memory:
            continue
        apart = _uses(kernel, whole_loops=True)
        required = _place(apart)
        if required <= target.threadgroup_memory:
            uses = apart
        else:
            required = _place(uses)
        if required > target.threadgroup_memory:
            limit = target.threadgroup_memory
            raise OutOfResourcesError("threadgroup memory", required, limit, kernel.span)
        for use in uses:
            use.op.attributes["offset"] = metal.integer_attribute(use.offset)
    return module


def _uses(kernel: Op, *, whole_loops: bool = False) -> list[_Use]:
    """All arrays; with `whole_loops` they are needed all through the loops with their uses."""
    top = kernel.regions[0].block
    numbers: dict[Op, tuple[int, int]] = {}
    _number(kernel, numbers)
    uses: list[_Use] = []
    for op in kernel.walk():
        if isinstance(op, metal.Threadgroup):
            assert isinstance(op.result.type, ArrayType)
            block = top if whole_loops else op.parent
            spans = [numbers[_ancestor_in(user, block)] for user in _users(op)]
            first = min((start for start, _ in spans), default=0)
            last = max((end for _, end in spans), default=0)
            size = (op.result.type.size_in_bytes + _ALIGNMENT - 1) // _ALIGNMENT * _ALIGNMENT
            uses.append(_Use(op, size, first, last))
    return uses


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


def _number(kernel: Op, numbers: dict[Op, tuple[int, int]]) -> None:
    """Number ops in the order of the text: (own number, number of the last op inside)."""
    order = list(kernel.walk())
    for index, op in enumerate(order):
        numbers[op] = (index, index)
    for op in reversed(order):
        owner = _owner(op)
        if owner in numbers:
            start, end = numbers[owner]
            numbers[owner] = (start, max(end, numbers[op][1]))


def _owner(op: Op) -> Op | None:
    region = op.parent.parent if op.parent else None
    return region.parent if region else None


def _ancestor_in(op: Op, block: Block | None) -> Op:
    """The op in a block that is or holds `op`."""
    while op.parent is not block:
        owner = _owner(op)
        assert owner is not None
        op = owner
    return op


def _place(uses: list[_Use]) -> int:
    """Give each array, the largest first, the lowest offset free during its use; total bytes."""
    placed: list[_Use] = []
    for use in sorted(uses, key=lambda u: (-u.size, u.first)):
        taken = sorted((o.offset, o.offset + o.size) for o in placed if o.overlaps(use))
        use.offset = 0
        for start, end in taken:
            if use.offset + use.size <= start:
                break
            use.offset = max(use.offset, end)
        placed.append(use)
    return max((use.offset + use.size for use in uses), default=0)


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
