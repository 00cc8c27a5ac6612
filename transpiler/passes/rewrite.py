"""What passes that move or copy code share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..ir.core import Block, Op, Region, Successor, UnknownOp, Value
from ..ir.types import Type


def clone(op: Op, known: dict[Value, Value]) -> Op:
    """A copy of an op with its regions; operands are looked up in `known`, results added to it."""
    operands = [known.get(value, value) for value in op.operands]
    types = [result.type for result in op.results]
    made = _bare_copy(op, operands, types)
    for old, new in zip(op.results, made.results, strict=True):
        new.name, new.location = old.name, old.location
        known[old] = new
    for region in op.regions:
        made.add_region(_clone_region(region, known))
    return made


def _bare_copy(op: Op, operands: Sequence[Value], types: Sequence[Type]) -> Op:
    if isinstance(op, UnknownOp):
        return UnknownOp(
            op.op_name,
            operands,
            types,
            op.attributes,
            pieces=op.pieces,
            location=op.location,
            span=op.span,
        )
    return type(op)(
        operands,
        types,
        op.attributes,
        segments=op.segments,
        location=op.location,
        span=op.span,
    )


def _clone_region(region: Region, known: dict[Value, Value]) -> Region:
    made = Region()
    blocks: dict[Block, Block] = {}
    for block in region.blocks:
        copy = made.add_block(Block([value.type for value in block.args]))
        blocks[block] = copy
        for old, new in zip(block.args, copy.args, strict=True):
            new.name, new.location = old.name, old.location
            known[old] = new
    for block, copy in blocks.items():
        for op in block.ops:
            inner = copy.append(clone(op, known))
            for target in op.successors:
                inner.add_successor(Successor(blocks[target.block], target.start, target.count))
    return made


def move_before(anchor: Op, ops: Iterable[Op]) -> None:
    """Take ops out of their block and put them, in order, before another op."""
    block = anchor.parent
    assert block is not None
    moved = list(ops)
    for op in moved:
        if op.parent is not None:
            op.parent.ops.remove(op)
    place = block.ops.index(anchor)
    block.ops[place:place] = moved
    for op in moved:
        op.parent = block


def located(op: Op, source: Op) -> Op:
    """An op that a pass made, with the place in the texts of the one that it is made for."""
    op.location, op.span = source.location, source.span
    return op


def is_inside(value: Value, op: Op) -> bool:
    """Whether a value is defined in an op's regions."""
    owner = value.defining_op
    block = owner.parent if owner is not None else value.owner
    while isinstance(block, Block):
        holder = block.parent_op
        if holder is op:
            return True
        block = holder.parent if holder is not None else None
    return False
