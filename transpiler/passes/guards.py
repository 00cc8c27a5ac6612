"""Accesses under one mask become one `if`.

    %x = metal.load %p, %m                 metal.if %m {
    %y = metal.load %q, %m                   %x = metal.load %p
    %z = arith.addf %x, %y           ->      %y = metal.load %q
    metal.store %o, %z, %m                   %z = arith.addf %x, %y
                                             metal.store %o, %z
                                           }
Only a stretch whose values nobody needs outside goes in; `other` is dropped there, since the mask
holds. Nothing in it may concern other threads: an `if` of one thread holds no barrier and no SIMD
operation.
"""

from __future__ import annotations

from ..dialects import metal
from ..ir.core import Block, Module, Op, Value
from ..ir.types import ArrayType
from .cleanup import is_computation


def merge_guards(module: Module) -> None:
    """See the module's text."""
    for op in module.body.ops:
        for region in op.regions:
            for block in region.blocks:
                _merge_block(block)


def _merge_block(block: Block) -> None:
    for op in list(block.ops):
        for region in op.regions:
            for inner in region.blocks:
                _merge_block(inner)
    done: set[Value] = set()
    while (mask := _next_mask(block, done)) is not None:
        done.add(mask)
        _merge(block, mask)


def mask_of(op: Op) -> Value | None:
    """The mask of a guarded access."""
    return op.mask if isinstance(op, metal.Load | metal.Store) else None


def _next_mask(block: Block, done: set[Value]) -> Value | None:
    for op in block.ops:
        mask = mask_of(op)
        if mask is not None and mask not in done:
            return mask
    return None


def _merge(block: Block, mask: Value) -> None:
    """Guard the longest stretch, from the first access under the mask, that can stand alone."""
    places = [index for index, op in enumerate(block.ops) if mask_of(op) is mask]
    for start in places:
        for end in reversed(places):
            if end < start or (start == end and isinstance(block.ops[start], metal.Load)):
                continue
            members = _members(block, start, end, mask)
            if members is not None:
                _guard(block, members, mask)
                return


def _members(block: Block, start: int, end: int, mask: Value) -> list[Op] | None:
    """The ops of a stretch that go into the `if`; None where they are needed outside."""
    inside = set(block.ops[start : end + 1])
    for op in block.ops[:start]:
        if isinstance(op, metal.Local) and all(
            block.ancestor_of(user) in inside for user in op.result.users
        ):
            inside.add(op)
    stretch = [op for op in block.ops if op in inside]
    for op in reversed(stretch):
        if _is_used_outside(op, inside, block):
            if not is_computation(op):
                return None
            inside.discard(op)  # computed before the `if`, for others too
    for op in stretch:
        if op in inside:
            if not _concerns_one_thread(op, mask, inside):
                return None
        elif any(v.defining_op in inside for v in op.operands):
            return None
    return [op for op in stretch if op in inside]


def _is_used_outside(op: Op, inside: set[Op], block: Block) -> bool:
    return any(
        block.ancestor_of(user) not in inside for result in op.results for user in result.users
    )


def _concerns_one_thread(op: Op, mask: Value, inside: set[Op]) -> bool:
    for inner in op.walk():
        if is_computation(inner) or inner.terminator or isinstance(inner, metal.Local):
            continue
        if isinstance(inner, metal.RegisterLoop | metal.If):
            continue
        if isinstance(inner, metal.Load | metal.Store) and mask_of(inner) is mask:
            continue
        if isinstance(inner, metal.Read | metal.Write):
            type_ = inner.array.type
            assert isinstance(type_, ArrayType)
            if type_.space == "thread" and inner.array.defining_op in inside:
                continue
        return False
    return True


def _guard(block: Block, members: list[Op], mask: Value) -> None:
    body = Block()
    guard = metal.If((mask,), (), {}, [metal.region(body)])
    first = next(op for op in members if mask_of(op) is mask)
    guard.location, guard.span = first.location, first.span
    moved = set(members)
    position = block.ops.index(members[-1])
    before = [op for op in block.ops[: position + 1] if op not in moved]
    block.ops = [*before, guard, *block.ops[position + 1 :]]
    guard.parent = block
    for op in members:
        body.append(op)
        if isinstance(op, metal.Load) and op.mask is mask:
            op.set_operands([op.ptr])
        elif isinstance(op, metal.Store) and op.mask is mask:
            op.set_operands([op.ptr, op.value])
    body.append(metal.Yield())
