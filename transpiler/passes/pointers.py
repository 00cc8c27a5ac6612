"""Loops that move tensors of pointers by one step for all elements carry the distance, one number.

    %p0 = tt.addptr (tt.splat %a), %offs          %p0 = ...
    scf.for ... iter_args(%p = %p0) {             scf.for ... iter_args(%d = %c0_i64) {
      %x = tt.load %p                               %b = tt.addptr %a, %d
      %q = tt.addptr %p, (tt.splat %step)    ->     %p = tt.addptr (tt.splat %b), %offs
      scf.yield %q                                  %x = tt.load %p
    }                                               %e = arith.addi %d, (arith.extsi %step)
                                                    scf.yield %e
                                                  }

A pointer is 64 bits a register of every thread; the distance is one number for all of them, and the
offsets stay what they were before the loop. That is exact: a pointer is a 64-bit number, and so is
the distance; offsets keep their width. Steps that differ from element to element stay as they are.

A tensor of pointers that an `scf.if` gives becomes a scalar pointer and a tensor of offsets, where
both blocks have one of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..dialects import arith, scf, tt, ttg
from ..ir.attributes import IntegerAttr, OpaqueAttr
from ..ir.core import Module, Op, Value
from ..ir.stems import stem_of
from ..ir.types import I64, IntegerType, PointerType, TensorType, Type, element_of
from .folding import splat_of
from .rewrite import is_inside, located

_VIEWS = (tt.ExpandDims, tt.Broadcast, tt.Trans, tt.Reshape, ttg.ConvertLayout)


def carry_distances(module: Module) -> None:
    """See the module's text; inner loops first, so that outer ones see what they do in a turn."""
    for op in reversed(list(module.walk())):
        if isinstance(op, scf.For):
            _rewrite_loop(op)
        elif isinstance(op, scf.If) and op.else_block is not None:
            _rewrite_branch(op)


def _is_pointers(value: Value) -> bool:
    return isinstance(value.type, TensorType) and isinstance(value.type.element, PointerType)


# -- chains of pointer arithmetic ------------------------------------------------------------------


@dataclass
class _Chain:
    """How a tensor of pointers is made: from a root, by ops on tensors and by uniform steps."""

    root: Value
    ops: list[Op]  # views, and additions that differ from element to element, in order
    steps: list[Value]  # offsets that are one number for all elements


def _chain_of(value: Value, stop: Value | None = None) -> _Chain:
    """Follow a value back to `stop`, a splat, or whatever else it comes from."""
    ops: list[Op] = []
    steps: list[Value] = []
    while value is not stop:
        op = value.defining_op
        if isinstance(op, tt.Addptr):
            if _is_uniform(op.offset):
                steps.append(op.offset)
            else:
                ops.append(op)
            value = op.ptr
        elif isinstance(op, _VIEWS):
            ops.append(op)
            value = op.operands[0]
        else:
            break
    return _Chain(value, ops[::-1], steps[::-1])


def _is_uniform(offset: Value) -> bool:
    return isinstance(offset.defining_op, tt.Splat) or splat_of(offset) is not None


class _Maker:
    """Makes ops in front of another one, or at the end of a block that has no terminator yet."""

    def __init__(self, anchor: Op, near: Op) -> None:
        self.anchor, self.near = anchor, near

    def value(self, op: Op, name: str = "") -> Value:
        """Insert an op with one result."""
        assert self.anchor.parent is not None
        result = self.anchor.parent.insert_before(self.anchor, located(op, self.near)).result
        result.name = name
        return result

    def number(self, offset: Value) -> Value:
        """The scalar behind a uniform tensor of offsets."""
        op = offset.defining_op
        if isinstance(op, tt.Splat):
            return op.source
        number, type_ = splat_of(offset), element_of(offset.type)
        assert number is not None
        assert isinstance(type_, IntegerType)
        return self.constant(number, type_)

    def constant(self, number: int, type_: IntegerType = I64) -> Value:
        """An integer."""
        return self.value(arith.Constant((), (type_,), {"value": IntegerAttr(number, type_)}))

    def distance(self, start: Value, steps: Sequence[Value]) -> Value:
        """A 64-bit number further by the steps, which are signed."""
        for step in steps:
            number, known = self.number(step), splat_of(step)
            # Sums of 32-bit steps stay far from what 64 bits hold.
            flags = {} if number.type == I64 else {"overflowFlags": OpaqueAttr("nsw")}
            if known is not None:
                number = self.constant(known)
            elif number.type != I64:
                number = self.value(arith.Extsi((number,), (I64,)))
            start = self.value(arith.Addi((start, number), (I64,), flags))
        return start

    def pointers(self, chain: _Chain, distance: Value | None, name: str) -> Value:
        """The tensor of a chain, moved by a distance."""
        root = chain.root.defining_op
        steps = [self.number(step) for step in chain.steps]
        steps += [] if distance is None else [distance]
        if isinstance(root, tt.Splat):
            base = root.source
            for step in steps:
                base = self.value(tt.Addptr((base, step), (base.type,)), name)
            value = self.value(tt.Splat((base,), (chain.root.type,)))
            return self._along(chain.ops, value)
        value = self._along(chain.ops, chain.root)
        type_ = value.type
        assert isinstance(type_, TensorType)
        for step in steps:
            offsets = self.value(tt.Splat((step,), (type_.with_element(step.type),)))
            value = self.value(tt.Addptr((value, offsets), (type_,)), name)
        return value

    def _along(self, ops: Sequence[Op], value: Value) -> Value:
        for op in ops:
            operands = [value, *op.operands[1:]]
            made = type(op)(operands, [op.results[0].type], op.attributes)
            value = self.value(made, op.results[0].name)
        return value


# -- loops -----------------------------------------------------------------------------------------


def _rewrite_loop(loop: scf.For) -> None:
    """One carried tensor of pointers after another."""
    for index, argument in enumerate(loop.iter_args):
        if not _is_pointers(argument):
            continue
        turn = _chain_of(loop.yields[index], stop=argument)
        if turn.root is argument and not turn.ops and turn.steps:
            _carry_distance(loop, index, turn.steps)


def _carry_distance(loop: scf.For, index: int, steps: Sequence[Value]) -> None:
    """The argument becomes a distance; pointers are made of it in the loop and behind it."""
    argument, result = loop.iter_args[index], loop.results[index]
    init = _chain_of(loop.inits[index])
    in_loop, behind_loop = list(argument.uses), list(result.uses)
    name, yielding = argument.name, loop.body.terminator
    for value in (argument, result):
        value.type = I64
    yielding.set_operand(index, _Maker(yielding, yielding).distance(argument, steps))
    loop.set_operand(3 + index, _Maker(loop, loop).constant(0))
    first = loop.body.ops[0]
    for anchor, distance, users in (
        (first, argument, in_loop),
        (_after(loop), result, behind_loop),
    ):
        if users:
            pointers = _Maker(anchor, loop).pointers(init, distance, name)
            for op, place in users:
                op.set_operand(place, pointers)
        distance.name = f"{stem_of(distance)}_offset" if stem_of(distance) else "offset"


def _after(op: Op) -> Op:
    block = op.parent
    assert block is not None
    return block.ops[block.ops.index(op) + 1]


# -- branches --------------------------------------------------------------------------------------


@dataclass
class _Parts:
    """A tensor of pointers as a scalar pointer and offsets (None: there are none)."""

    base: Value
    steps: list[Value]
    offsets: Value | None


def _rewrite_branch(op: scf.If) -> None:
    """One result after another; each gets a scalar pointer, and offsets where the blocks differ."""
    for result in list(op.results):
        if _is_pointers(result) and result.uses:
            assert op.else_block is not None
            blocks = (op.then_block, op.else_block)
            parts = [_parts_of(block.terminator.operands[result.index]) for block in blocks]
            if parts[0] is not None and parts[1] is not None:
                op = _yield_parts(op, result.index, (parts[0], parts[1]))


def _parts_of(value: Value) -> _Parts | None:
    chain = _chain_of(value)
    root = chain.root.defining_op
    if not isinstance(root, tt.Splat) or len(chain.ops) > 1:
        return None
    offsets: Value | None = None
    if chain.ops:
        (addition,) = chain.ops
        if not isinstance(addition, tt.Addptr) or addition.ptr.type != value.type:
            return None
        offsets = addition.offset
    return _Parts(root.source, chain.steps, offsets)


def _yield_parts(op: scf.If, index: int, parts: tuple[_Parts, _Parts]) -> scf.If:
    yes, no = (part.offsets for part in parts)
    if (yes is None) != (no is None) or (yes and no and yes.type != no.type):
        return op
    assert op.else_block is not None
    shared = yes is no and (yes is None or not is_inside(yes, op))
    types: list[Type] = [parts[0].base.type]
    types += [] if shared or yes is None else [yes.type]
    for block, part in zip((op.then_block, op.else_block), parts, strict=True):
        last = block.terminator
        maker, base = _Maker(last, last), part.base
        for step in part.steps:
            base = maker.value(tt.Addptr((base, maker.number(step)), (base.type,)))
        added = [base] if shared or part.offsets is None else [base, part.offsets]
        last.set_operands([*last.operands, *added])
    regions, op.regions = op.regions, []
    all_types = [*(result.type for result in op.results), *types]
    made = scf.If([op.condition], all_types, op.attributes, regions)
    assert op.parent is not None
    op.parent.insert_before(op, located(made, op))
    for old, new in zip(op.results, made.results, strict=False):
        new.name, new.location = old.name, old.location
    base, *rest = made.results[len(op.results) :]
    result = op.results[index]
    base.name = f"{result.name}_base" if result.name else ""
    maker = _Maker(op, op)
    value = maker.value(tt.Splat((base,), (result.type,)))
    offsets = rest[0] if rest else yes
    if offsets is not None:
        value = maker.value(tt.Addptr((value, offsets), (result.type,)), result.name)
    values = list(made.results[: len(op.results)])
    values[index] = value
    op.replace_with(values)
    return made
