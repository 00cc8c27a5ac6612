"""Decides from where a dot's operands come: registers, device memory, or threadgroup memory.

%d = tt.dot %a, %b, %c             %s = metal.stage %a {pitch = 40, side = 0}
                             ->    %t = metal.stage %b {pitch = 72, side = 1}
                                   %d = metal.dot %s, %t, %c

An operand is staged right after it is computed, so that a load and its way to threadgroup memory
are one loop. A left operand that lies in registers as fragments, with the result's rows, stays
there (the second dot of a chain), and one from outside the loop is brought there before the loop,
where the registers allow. A matrix and its transpose, both operands, lie in one tile. What
direct.py finds is loaded as matrices by the dot itself.
What is too large for threadgroup memory stays a `tt.dot`, which goes through it in slices of K.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..dialects import arith, metal, metal_matrix, tt, ttg
from ..ir.attributes import Attribute, DenseArrayAttr, IntegerAttr, UnitAttr
from ..ir.core import Module, Op, Value
from ..ir.encodings import LinearEncoding
from ..ir.types import I32, ArrayType, TensorType, bit_width
from ..lower.distribution import distribution_of
from ..lower.views import view_map
from ..simdgroup import SIDE
from ..target import Target
from .direct import DirectLoads
from .in_place import order_stores
from .layouts import encoding_of, insert_after
from .tiling import left_operand_layout

PADDING = 16  # bytes behind each row: rows start in different banks, aligned for wide accesses


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
        self.target = target
        self.left = target.threadgroup_memory - buffer_bytes(function)
        self.direct = DirectLoads(function, target)
        self._held: dict[tuple[Value, TensorType], Value] = {}
        # Staged values; a transpose is read from its source's tile.
        self._tiles: dict[Value, Value] = {}

    def run(self, dots: list[tt.Dot]) -> None:
        """Hold, load directly or stage what each dot needs, as far as there is room."""
        for dot in dots:
            self._hold(dot)
        views = {value for dot in dots for value in (dot.a, dot.b) if is_view(value, dot)}
        for dot in dots:
            found = {side: self._direct(dot, side) for side in (0, 1)}
            staged = [v for v in _staged(dot) if found[dot.operands.index(v)] is None]
            needed = sum(tile_bytes(v) for v in staged if v not in views)
            if needed <= self.left - _exchanged_meanwhile(dot):
                self._replace(dot, found)

    def _direct(self, dot: tt.Dot, side: int) -> Value | None:
        value, result = dot.operands[side], dot.result.type
        assert isinstance(result, TensorType)
        maker = value.defining_op
        shared = [value, *(maker.operands[:1] if isinstance(maker, tt.Trans) else [])]
        if any(len(each.uses) > 1 for each in shared) or result.shape[-1] < SIDE:
            return None
        return self.direct.operand(value, side, dot.result, dot)

    # -- left operands from outside a loop -----------------------------------------------------

    def _hold(self, dot: tt.Dot) -> None:
        """A left operand from outside the dot's loop is loaded into registers before the loop."""
        value, maker = dot.a, dot.a.defining_op
        type_ = held_type(dot)
        if type_ is None or maker is None or maker.parent is dot.parent or stays_in_registers(dot):
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
        block = maker.parent
        assert block is not None
        anchor = block.ops[block.ops.index(maker) + 1]
        direct = self.direct.operand(dot.a, 0, dot.result, anchor)
        if direct is not None or tile_bytes(dot.a) > self.left:
            return direct
        return _stage_at(dot.a, 0, anchor)

    # -- the others ----------------------------------------------------------------------------

    def _replace(self, dot: tt.Dot, direct: dict[int, Value | None]) -> None:
        a = direct[0] or (dot.a if stays_in_registers(dot) else self._stage(dot.a, 0, dot))
        b = direct[1] or self._stage(dot.b, 1, dot)
        assert isinstance(dot.a.type, TensorType)
        attributes = {"depth": metal.integer_attribute(dot.a.type.shape[-1])}
        made = metal_matrix.Dot((a, b, dot.c), (dot.result.type,), attributes)
        made.location, made.span = dot.location, dot.span
        made.result.name = dot.result.name
        assert dot.parent is not None
        dot.parent.insert_before(dot, made)
        dot.replace_with([made.result])

    def _stage(self, value: Value, side: int, dot: tt.Dot) -> Value:
        """An operand in threadgroup memory: where it lies already, or in a tile of its own."""
        if is_view(value, dot):
            return _view(value, side, dot)
        maker, block = value.defining_op, dot.parent
        assert block is not None
        if maker is None or maker.parent is not block:
            return _stage_at(value, side, dot)
        shared = self._shared(value, side, dot)
        if shared is not None:
            return shared
        tile = _stage_at(value, side, block.ops[block.ops.index(maker) + 1])
        self._tiles[value] = tile
        return tile

    def _shared(self, value: Value, side: int, dot: tt.Dot) -> Value | None:
        """An operand in the tile of one that is the same, or of which it is the transpose."""
        source = _transposed_source(value) or value
        type_ = source.type
        assert isinstance(type_, TensorType)
        maker = source.defining_op
        if type_.rank != 2 or min(type_.shape) < SIDE or maker is None:
            return None
        if maker.parent is not dot.parent:
            return None
        if source not in self._tiles:
            if source is value or len(source.uses) == 1:
                return None
            assert maker.parent is not None
            anchor = maker.parent.ops[maker.parent.ops.index(maker) + 1]
            self._tiles[source] = _stage_at(source, side, anchor)
        strides = (pitch_of(source, tile_shape(source)[2]), 1)
        if is_transposed(source) != (source is not value):
            strides = strides[::-1]
        zero = arith.Constant((), (I32,), {"value": IntegerAttr(0, I32)})
        assert dot.parent is not None
        dot.parent.insert_before(dot, zero)
        return _view_of(self._tiles[source], zero.result, value, strides, side, dot)


def _transposed_source(value: Value) -> Value | None:
    """What a matrix is the transpose of."""
    op = value.defining_op
    return op.source if isinstance(op, tt.Trans) and tuple(op.order) == (1, 0) else None


def _only_in_dots(value: Value) -> bool:
    """Whether nothing but dots has a value, or its transpose, as operand."""
    return all(
        isinstance(user, tt.Dot | metal_matrix.Dot | metal_matrix.Stage)
        or (
            user.results and _transposed_source(user.result) is value and _only_in_dots(user.result)
        )
        for user in value.users
    )


def buffer_bytes(function: Op) -> int:
    """Threadgroup memory that the kernel itself asks for."""
    arrays = [op for op in function.walk() if isinstance(op, metal.Threadgroup)]
    return sum(
        op.result.type.size_in_bytes for op in arrays if isinstance(op.result.type, ArrayType)
    )


def is_view(value: Value, dot: tt.Dot) -> bool:
    """Whether an operand can be read from a buffer, which stays as it is until the dot."""
    op = value.defining_op
    if not isinstance(op, metal.TileLoad) or op.indices is not None or op.parent is not dot.parent:
        return False
    type_ = value.type
    assert isinstance(type_, TensorType)
    if 1 not in op.strides[-2:] or min(type_.shape[-2:]) < SIDE:
        return False
    assert op.parent is not None
    ops = op.parent.ops
    between = ops[ops.index(op) + 1 : ops.index(dot)]
    return not any(
        isinstance(inner, metal.TileStore | metal.TileAtomicRmw) and inner.array is op.array
        for each in between
        for inner in each.walk()
    )


def _exchanged_meanwhile(dot: tt.Dot) -> int:
    """Threadgroup memory for changes of layout between an operand's staging and the dot."""
    assert dot.parent is not None
    ops = dot.parent.ops
    makers = [value.defining_op for value in _staged(dot)]
    places = [ops.index(op) for op in makers if op is not None and op.parent is dot.parent]
    between = ops[min(places, default=len(ops)) : ops.index(dot)]
    moved = [
        op for op in between if isinstance(op, ttg.ConvertLayout) and view_map(op.result) is None
    ]
    return max(
        (
            op.source.type.size * bit_width(op.source.type) * 33 // 256 + 16
            for op in moved
            if isinstance(op.source.type, TensorType)
        ),
        default=0,
    )


def stays_in_registers(dot: tt.Dot) -> bool:
    """Whether the left operand's fragments lie where the result's rows do."""
    expected, type_ = held_type(dot), dot.a.type
    assert isinstance(type_, TensorType)
    return expected is not None and distribution_of(expected) == distribution_of(type_)


def held_type(dot: tt.Dot) -> TensorType | None:
    """The left operand's type as fragments in registers; None where it has no such form."""
    type_, result = dot.a.type, dot.result.type
    assert isinstance(type_, TensorType)
    assert isinstance(result, TensorType)
    encoding = encoding_of(dot.result)
    if min(*type_.shape[-2:], result.shape[-1]) < SIDE or type_.rank != 2:
        return None
    if not isinstance(encoding, LinearEncoding):
        return None
    layout = left_operand_layout(type_.shape, encoding)
    return TensorType(type_.shape, type_.element, layout)


def _staged(dot: tt.Dot) -> list[Value]:
    return [dot.b] if stays_in_registers(dot) else [dot.a, dot.b]


def is_transposed(value: Value) -> bool:
    """Whether a staged operand's rows are its columns: where registers run along them."""
    type_ = value.type
    assert isinstance(type_, TensorType)
    for basis in distribution_of(type_).registers:
        dims = [dim for dim, offset in enumerate(basis) if offset == 1]
        if dims:
            return dims[0] == type_.rank - 2
    threads = distribution_of(type_).threads
    return bool(threads) and threads[0][type_.rank - 2] == 1


def tile_shape(value: Value) -> tuple[int, int, int]:
    """Matrices, rows and elements of a row, as they are staged."""
    type_ = value.type
    assert isinstance(type_, TensorType)
    height, width = (max(SIDE, size) for size in type_.shape[-2:])
    if is_transposed(value):
        height, width = width, height
    return (type_.shape[0] if type_.rank > 2 else 1), height, width


def pitch_of(value: Value, width: int) -> int:
    """Elements from one staged row to the next."""
    return width + PADDING * 8 // bit_width(value.type)


def tile_bytes(value: Value) -> int:
    """Threadgroup memory of a staged operand."""
    batch, height, width = tile_shape(value)
    return batch * height * pitch_of(value, width) * bit_width(value.type) // 8


def _view(value: Value, side: int, dot: tt.Dot) -> Value:
    load = value.defining_op
    assert isinstance(load, metal.TileLoad)
    return _view_of(load.array, load.offset, value, load.strides, side, dot)


def _view_of(
    array: Value, offset: Value, value: Value, strides: Sequence[int], side: int, dot: tt.Dot
) -> Value:
    """An operand that lies in an array already."""
    type_ = value.type
    assert isinstance(type_, TensorType)
    attributes: dict[str, Attribute] = {
        "side": metal.integer_attribute(side),
        "shape": DenseArrayAttr(I32, type_.shape),
        "strides": DenseArrayAttr(I32, tuple(strides)),
    }
    made = metal_matrix.View((array, offset), (array.type,), attributes)
    made.location, made.span = dot.location, dot.span
    made.result.name = value.name or "ab"[side]
    assert dot.parent is not None
    dot.parent.insert_before(dot, made)
    return made.result


def _stage_at(value: Value, side: int, anchor: Op) -> Value:
    """Stage an operand before an op."""
    type_ = value.type
    assert isinstance(type_, TensorType)
    batch, height, width = tile_shape(value)
    pitch = pitch_of(value, width)
    attributes: dict[str, Attribute] = {
        "side": metal.integer_attribute(side),
        "pitch": metal.integer_attribute(pitch),
    }
    if is_transposed(value):
        attributes["transposed"] = UnitAttr()
    array = ArrayType(batch * height * pitch, type_.element, "threadgroup")
    made = metal_matrix.Stage((value,), (array,), attributes)
    made.location, made.span = anchor.location, anchor.span
    made.result.name = value.name or "ab"[side]
    assert anchor.parent is not None
    anchor.parent.insert_before(anchor, made)
    return made.result
