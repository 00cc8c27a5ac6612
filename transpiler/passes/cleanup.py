"""Passes for any level of the IR: common subexpressions, loop-invariant code, dead code."""

from __future__ import annotations

from ..dialects import arith, metal, scf, tt
from ..ir.attributes import IntegerAttr
from ..ir.core import Block, Module, Op, Value
from ..ir.types import ArrayType


def eliminate_common_subexpressions(module: Module) -> None:
    """Of pure ops that compute the same, keep the first, where it is visible.

    %a = arith.muli %p, %c : i32          %a = arith.muli %p, %c : i32
    %b = arith.muli %p, %c : i32    ->    (every use of %b uses %a)
    """
    for op in module.body.ops:
        for region in op.regions:
            for block in region.blocks:
                _cse(block, [])


def is_computation(op: Op) -> bool:
    """Whether an op does nothing but give results, the same for the same operands."""
    return op.pure and bool(op.results) and not op.regions and not op.terminator


Key = tuple[object, ...]


def _cse(block: Block, scopes: list[dict[Key, Op]]) -> None:
    known: dict[Key, Op] = {}
    scopes = [*scopes, known]
    repeated: list[Op] = []
    for op in block.ops:
        if is_computation(op):
            key = _key(op)
            same = next((scope[key] for scope in scopes if key in scope), None)
            if same is not None:
                for mine, its in zip(op.results, same.results, strict=True):
                    its.name = its.name or mine.name
                    mine.replace_all_uses_with(its)
                repeated.append(op)
            else:
                known[key] = op
        for region in op.regions:
            for inner in region.blocks:
                _cse(inner, scopes)
    block.erase(repeated)


def _key(op: Op) -> Key:
    return (
        op.op_name,
        tuple(map(id, op.operands)),
        tuple(result.type for result in op.results),
        tuple(sorted(op.attributes.items(), key=lambda item: item[0])),
    )


def hoist_loop_invariants(module: Module) -> None:
    """Move pure ops whose operands come from outside a loop before it.

    Division and remainder move only by a constant: a loop that never runs must not divide by zero.
    """
    for op in module.body.ops:
        for region in op.regions:
            for block in region.blocks:
                _hoist(block)


_LOOPS = (scf.For, scf.While, metal.RegisterLoop)
_DIVISIONS = (arith.Divsi, arith.Divui, arith.Remsi, arith.Remui)


def _hoist(block: Block) -> None:
    ops: list[Op] = []
    for op in block.ops:
        for region in op.regions:
            for inner in region.blocks:
                _hoist(inner)
                if isinstance(op, _LOOPS):
                    ops += _taken_out(inner, block)
        ops.append(op)
    block.ops = ops


def _taken_out(block: Block, target: Block) -> list[Op]:
    """Take the ops out of a loop's block that can stand before the loop, in `target`."""
    inside = {id(value) for value in block.args}
    moved: list[Op] = []
    stay: list[Op] = []
    for op in block.ops:
        free = is_computation(op) and not any(id(v) in inside for v in op.operands)
        if free and not (isinstance(op, _DIVISIONS) and not _is_constant(op.operands[1])):
            moved.append(op)
            op.parent = target
        else:
            stay.append(op)
            inside.update(id(result) for result in op.results)
    if moved:
        block.ops = stay
    return moved


def _is_constant(value: Value) -> bool:
    op = value.defining_op
    attribute = op.attributes.get("value") if isinstance(op, arith.Constant) else None
    return isinstance(attribute, IntegerAttr) and attribute.value != 0


def forward_values(module: Module) -> None:
    """A variable that is set once, before all reads of it, is the value itself.

    The same holds for an array all of whose accesses have constant indices.

    %x = metal.local : !metal.array<1xf32, thread>
    metal.write %v, %x                                ->    metal.store %p, %v
    %r = metal.read %x
    metal.store %p, %r
    """
    for kernel in module.body.ops:
        for op in list(kernel.walk()):
            if isinstance(op, metal.Local):
                _forward(op)


def _forward(variable: metal.Local) -> None:
    type_ = variable.result.type
    assert isinstance(type_, ArrayType)
    if type_.space != "thread":
        return
    reads: list[tuple[int, metal.Read]] = []
    writes: dict[int, metal.Write] = {}
    for user in variable.result.users:
        entry = _entry_of(user, type_.count)
        if isinstance(user, metal.Read) and entry is not None:
            reads.append((entry, user))
        elif isinstance(user, metal.Write) and entry is not None and entry not in writes:
            writes[entry] = user
        else:
            return
    if any(entry not in writes or not _comes_before(writes[entry], r) for entry, r in reads):
        return
    for write in writes.values():
        write.value.name = write.value.name or variable.result.name
    for entry, read in reads:
        read.replace_with([writes[entry].value])
    for write in writes.values():
        write.erase()
    variable.erase()


def _entry_of(access: Op, count: int) -> int | None:
    """The one entry of an array that is accessed as a whole; None where that is not known."""
    if not isinstance(access, metal.Read | metal.Write) or access.lane is not None:
        return None
    if count == 1:
        return 0
    index = access.index.defining_op
    known = index.attributes.get("value") if isinstance(index, arith.Constant) else None
    return known.value if isinstance(known, IntegerAttr) else None


def _comes_before(first: Op, later: Op) -> bool:
    """Whether an op stands behind another in its block, or nested in what stands there."""
    block = first.parent
    place = block.ancestor_of(later) if block is not None else None
    if block is None or place is None:
        return False
    return block.ops.index(first) < block.ops.index(place)


def eliminate_dead_code(module: Module) -> None:
    """Remove ops without effect whose results nobody uses, and arrays that nobody reads."""
    for op in module.body.ops:
        for region in op.regions:
            for block in region.blocks:
                while _dce(block):  # what was written to an array may have no use any more
                    pass


def _dce(block: Block) -> bool:
    """Remove a block's dead ops; whether there were arrays that nobody reads."""
    dead: list[Op] = []
    dropped = False
    for op in reversed(list(block.ops)):
        for region in op.regions:
            for inner in region.blocks:
                dropped |= _dce(inner)
        if any(result.uses for result in op.results):
            if isinstance(op, metal.Local | metal.Threadgroup):
                dropped |= _drop_unread(op)
        elif _is_removable(op):
            op.drop_operands()
            dead.append(op)
    block.erase(dead)
    return dropped


def _is_removable(op: Op) -> bool:
    if isinstance(op, tt.Load):
        return not op.is_volatile
    if isinstance(op, metal.Load):
        return not op.volatile
    if isinstance(op, scf.For | scf.If | metal.RegisterLoop | metal.If):
        return all(_is_empty(block) for region in op.regions for block in region.blocks)
    arrays = (metal.Local, metal.Threadgroup, metal.Read)
    return isinstance(op, (*arrays, tt.Reduce)) or is_computation(op)


def _is_empty(block: Block) -> bool:
    return all(op.terminator for op in block.ops)


def _drop_unread(op: Op) -> bool:
    writes = op.result.users
    assert isinstance(op.result.type, ArrayType)
    if not all(isinstance(user, metal.Write) for user in writes):
        return False
    for write in writes:
        write.erase()
    op.erase()
    return True
