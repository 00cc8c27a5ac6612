"""Whether two modules say the same."""

from __future__ import annotations

from .core import Block, Op, UnknownOp, Value


def equal(a: Op, b: Op, *, names: bool = False, locations: bool = False) -> bool:
    """Whether two ops, with all that they hold, have the same structure.

    Names of values and locations count only when asked for.
    """
    return difference(a, b, names=names, locations=locations) is None


def difference(
    a: Op, b: Op, *, names: bool = False, locations: bool = False
) -> tuple[Op, Op, str] | None:
    """The first two ops that differ, and in what; None if nothing does."""
    values: dict[Value, Value] = {}
    blocks: dict[Block, Block] = {}
    stack = [(a, b)]
    _pair_blocks(a, b, blocks)
    while stack:
        left, right = stack.pop()
        reason = _op_difference(left, right, values, blocks, names, locations)
        if reason:
            return left, right, reason
        nested: list[tuple[Op, Op]] = []
        for region, other in zip(left.regions, right.regions, strict=True):
            for block, twin in zip(region.blocks, other.blocks, strict=True):
                nested += zip(block.ops, twin.ops, strict=True)
        stack.extend(reversed(nested))
    return None


def _pair_blocks(a: Op, b: Op, blocks: dict[Block, Block]) -> None:
    """Blocks by their place, before branches to them are compared."""
    for left, right in zip(a.walk(), b.walk(), strict=False):
        for region, other in zip(left.regions, right.regions, strict=False):
            blocks.update(zip(region.blocks, other.blocks, strict=False))


def _op_difference(
    a: Op,
    b: Op,
    values: dict[Value, Value],
    blocks: dict[Block, Block],
    names: bool,
    locations: bool,
) -> str:
    if a.op_name != b.op_name or type(a) is not type(b):
        return "name"
    if a.attributes != b.attributes:
        return "attributes"
    if a.segments != b.segments:
        return "groups of operands"
    if isinstance(a, UnknownOp) and isinstance(b, UnknownOp) and a.pieces != b.pieces:
        return "text"
    if [values.get(v, v) for v in a.operands] != b.operands:
        return "operands"
    if locations and a.location != b.location:
        return "location"
    targets = [(blocks.get(s.block), s.start, s.count) for s in a.successors]
    if targets != [(s.block, s.start, s.count) for s in b.successors]:
        return "successors"
    if not _pair(a.results, b.results, values, names, locations):
        return "results"
    return _region_difference(a, b, values, names, locations)


def _region_difference(
    a: Op, b: Op, values: dict[Value, Value], names: bool, locations: bool
) -> str:
    if len(a.regions) != len(b.regions):
        return "number of regions"
    for region, other in zip(a.regions, b.regions, strict=True):
        if len(region.blocks) != len(other.blocks):
            return "number of blocks"
        for block, twin in zip(region.blocks, other.blocks, strict=True):
            if not _pair(block.args, twin.args, values, names, locations):
                return "block arguments"
            if len(block.ops) != len(twin.ops):
                return "number of ops"
    return ""


def _pair(
    a: list[Value], b: list[Value], values: dict[Value, Value], names: bool, locations: bool
) -> bool:
    if [v.type for v in a] != [v.type for v in b]:
        return False
    values.update(zip(a, b, strict=True))
    if names and [v.name for v in a] != [v.name for v in b]:
        return False
    return not locations or [v.location for v in a] == [v.location for v in b]
