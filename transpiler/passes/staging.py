"""Makes of dots and their operands what staging_plan.py has decided.

%d = tt.dot %a, %b, %c             %s = metal.stage %a {pitch = 40, side = 0}
                             ->    %t = metal.stage %b {pitch = 72, side = 1}
                                   %d = metal.dot %s, %t, %c

An operand is staged right after it is computed, so that a load and its way to threadgroup memory
are one loop; where there is no room for that, right before the dot, also slice by slice of K. A
left operand that lies in registers as fragments, with the result's rows, stays there (the second
dot of a chain), and one from outside the loop is brought there before the loop, where the registers
allow. A matrix and its transpose, both operands, lie in one tile. What direct.py finds is loaded as
matrices by the dot itself: where one dot alone needs it, or where a tile has no room.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..dialects import arith, metal, metal_matrix, scf, tt
from ..ir.attributes import Attribute, DenseArrayAttr, IntegerAttr, UnitAttr
from ..ir.core import Module, Op, Value
from ..ir.types import I32, ArrayType, TensorType, bit_width
from ..lower.distribution import distribution_of
from ..lower.exchange import ROUNDS
from ..simdgroup import SIDE
from ..target import Target
from .direct import DirectLoads
from .in_place import order_stores
from .layouts import insert_after
from .operand_tiles import (
    held_type,
    is_transposed,
    is_view,
    pitch_of,
    stays_in_registers,
    tensor_of,
    tile_bytes,
    tile_elements,
    tile_shape,
)
from .staging_plan import Form, Operand, StagingPlan, buffer_bytes, operands_of


def stage_operands(module: Module, target: Target) -> Module:
    """See the module's text."""
    for function in module.functions:
        dots = [op for op in function.walk() if isinstance(op, tt.Dot)]
        if dots:
            _Staging(function, target).run(dots)
            if any(isinstance(op, metal_matrix.Direct) for op in function.walk()):
                order_stores(function)
    return module


class _Staging:
    """One function's dots; `left` is the threadgroup memory for operands."""

    def __init__(self, function: Op, target: Target) -> None:
        self.function, self.target = function, target
        self.left = target.threadgroup_memory - buffer_bytes(function)
        self.direct = DirectLoads(function, target)
        self._held: dict[tuple[Value, TensorType], Value] = {}
        # What a dot multiplies on each side, as far as it is known.
        self._made: dict[tuple[tt.Dot, int], Value] = {}

    def run(self, dots: list[tt.Dot]) -> None:
        """Hold, load directly or stage what each dot needs."""
        for dot in dots:
            self._hold(dot)
        for dot in dots:
            for side in (0, 1):
                self._without_a_tile(dot, side)
        operands = operands_of(dots, self._staged_sides, self._can_be_direct)
        if operands:
            self._plan(operands)
        for dot in dots:
            self._replace(dot)

    # -- left operands from outside a loop -----------------------------------------------------

    def _hold(self, dot: tt.Dot) -> None:
        """A left operand from outside the dot's loop is loaded into registers before the loop."""
        value, maker = dot.a, dot.a.defining_op
        type_ = held_type(dot)
        if type_ is None or maker is None or stays_in_registers(dot):
            return
        if (value, type_) not in self._held and not _is_in_a_loop_behind(dot, maker):
            return
        words = distribution_of(type_).count * bit_width(type_) // 32
        if words > self.target.registers // 4:  # beside the sums, which have up to half of them
            return
        if (value, type_) not in self._held:
            source = self._before_loops(dot, maker)
            if source is None:
                return
            made = metal_matrix.Hold((source,), (type_,))
            made.location, made.span = maker.location, maker.span
            made.result.name = value.name or "a"
            insert_after(source, made)
            self._held[value, type_] = made.result
        dot.set_operand(0, self._held[value, type_])

    def _before_loops(self, dot: tt.Dot, maker: Op) -> Value | None:
        """A left operand where it is made: direct, or staged if there is room."""
        anchor = _behind(maker)
        direct = self.direct.operand(dot.a, 0, dot.result, anchor)
        if direct is not None or tile_bytes(dot.a, 0) > self.left:
            return direct
        return _stage_at(dot.a, 0, anchor)

    # -- what needs no tile --------------------------------------------------------------------

    def _without_a_tile(self, dot: tt.Dot, side: int) -> None:
        """In registers, in a buffer of the kernel, or loaded directly where one dot needs it."""
        value = dot.operands[side]
        found: Value | None = None
        if side == 0 and stays_in_registers(dot):
            found = value
        elif _is_used_once(value) and self._can_be_direct(dot, side):
            found = self.direct.operand(value, side, dot.result, dot)
        elif is_view(value, dot):
            load = value.defining_op
            assert isinstance(load, metal.TileLoad)
            found = _view_of(load.array, load.offset, value, load.strides, side, dot)
        if found is not None:
            self._made[dot, side] = found

    def _can_be_direct(self, dot: tt.Dot, side: int) -> bool:
        wide = tensor_of(dot.result).shape[-1] >= SIDE
        return wide and self.direct.fits(dot.operands[side], side, dot.result, dot)

    def _staged_sides(self, dot: tt.Dot) -> list[int]:
        return [side for side in (0, 1) if (dot, side) not in self._made]

    # -- the others ----------------------------------------------------------------------------

    def _plan(self, operands: list[Operand]) -> None:
        """Make what needs a tile, or has no room for one; say what else goes in rounds then."""
        plan = StagingPlan(self.function, self.left, operands)
        plan.run()
        for operand in operands:
            self._make(operand, plan)
        for op, rounds in plan.rounds.items():
            if rounds > 1:
                op.attributes[ROUNDS] = metal.integer_attribute(rounds)

    def _make(self, operand: Operand, plan: StagingPlan) -> None:
        """Make an operand for its dots, as it was planned."""
        tile: Value | None = None
        if operand.form is Form.SHARED:
            maker = operand.value.defining_op
            assert maker is not None
            tile = _stage_at(operand.value, operand.uses[0][1], _behind(maker))
        for dot, side in operand.uses:
            value = dot.operands[side]
            if operand.form is Form.DIRECT:
                made = self.direct.operand(value, side, dot.result, dot)
                assert made is not None
            elif tile is None:
                made = _stage_at(value, side, dot, plan.slices[dot])
            else:
                made = tile if len(operand.uses) == 1 else _part_of(tile, operand, side, dot)
            self._made[dot, side] = made

    def _replace(self, dot: tt.Dot) -> None:
        # Another dot's result, in registers, was replaced meanwhile.
        a = dot.a if stays_in_registers(dot) else self._made[dot, 0]
        b = self._made[dot, 1]
        attributes = {"depth": metal.integer_attribute(tensor_of(dot.a).shape[-1])}
        made = metal_matrix.Dot((a, b, dot.c), (dot.result.type,), attributes)
        made.location, made.span = dot.location, dot.span
        made.result.name = dot.result.name
        assert dot.parent is not None
        dot.parent.insert_before(dot, made)
        dot.replace_with([made.result])


def _is_used_once(value: Value) -> bool:
    """Whether one dot alone needs what was loaded."""
    maker = value.defining_op
    shared = [value, *(maker.operands[:1] if isinstance(maker, tt.Trans) else [])]
    return all(len(each.uses) == 1 for each in shared)


def _is_in_a_loop_behind(op: Op, maker: Op) -> bool:
    """Whether an op stands in a loop that another one stands before."""
    holder = op.parent_op if op.parent is not maker.parent else None
    while holder is not None:
        if isinstance(holder, scf.For | scf.While):
            return True
        holder = holder.parent_op if holder.parent is not maker.parent else None
    return False


def _behind(op: Op) -> Op:
    assert op.parent is not None
    return op.parent.ops[op.parent.ops.index(op) + 1]


def _part_of(tile: Value, operand: Operand, side: int, dot: tt.Dot) -> Value:
    """A dot's operand in the tile of the matrix that it is, or of which it is the transpose."""
    value, source = dot.operands[side], operand.value
    strides = (pitch_of(source, tile_shape(source, operand.uses[0][1])[2]), 1)
    if is_transposed(source) != (source is not value):
        strides = strides[::-1]
    zero = arith.Constant((), (I32,), {"value": IntegerAttr(0, I32)})
    assert dot.parent is not None
    dot.parent.insert_before(dot, zero)
    return _view_of(tile, zero.result, value, strides, side, dot)


def _view_of(
    array: Value, offset: Value, value: Value, strides: Sequence[int], side: int, dot: tt.Dot
) -> Value:
    """An operand that lies in an array already."""
    attributes: dict[str, Attribute] = {
        "side": metal.integer_attribute(side),
        "shape": DenseArrayAttr(I32, tensor_of(value).shape),
        "strides": DenseArrayAttr(I32, tuple(strides)),
    }
    made = metal_matrix.View((array, offset), (array.type,), attributes)
    made.location, made.span = dot.location, dot.span
    made.result.name = value.name or "ab"[side]
    assert dot.parent is not None
    dot.parent.insert_before(dot, made)
    return made.result


def _stage_at(value: Value, side: int, anchor: Op, slices: int = 1) -> Value:
    """Stage an operand before an op."""
    attributes: dict[str, Attribute] = {
        "side": metal.integer_attribute(side),
        "pitch": metal.integer_attribute(pitch_of(value, tile_shape(value, side, slices)[2])),
    }
    if is_transposed(value):
        attributes["transposed"] = UnitAttr()
    if slices > 1:
        attributes["slices"] = metal.integer_attribute(slices)
    elements = tile_elements(value, side, slices)
    array = ArrayType(elements, tensor_of(value).element, "threadgroup")
    made = metal_matrix.Stage((value,), (array,), attributes)
    made.location, made.span = anchor.location, anchor.span
    made.result.name = value.name or "ab"[side]
    assert anchor.parent is not None
    anchor.parent.insert_before(anchor, made)
    return made.result
