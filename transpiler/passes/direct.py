"""Which operands of dots are loaded as matrices straight from device memory.

%a = tt.load %p, %m, %zero             ->    %s = metal.direct %q, %pitch, %n
%d = tt.dot %a, %b, %c                       %d = metal.dot %s, ...

Nothing is staged then, and no barrier is needed. It is for operands that come from memory as they
are, in matrices of which each lies in rows of one pitch and is loaded or masked as a whole, and
that few simdgroups share: each loads them for itself (`Target.direct_sharing`). Nothing in the
kernel writes to that memory. Pointers and masks are computed again for the first element of each
matrix.
"""

from __future__ import annotations

from ..analysis.axis import AxisAnalysis
from ..analysis.polynomial import Polynomial
from ..analysis.steps import step_along
from ..dialects import arith, metal, metal_matrix, scf, tt
from ..ir.attributes import Attribute, UnitAttr
from ..ir.core import Op, Value
from ..ir.encodings import LinearEncoding
from ..ir.types import BF16, F16, F32, I32, I64, ArrayType, TensorType
from ..simdgroup import SIDE
from ..target import Target
from .folding import splat_of
from .in_place import root_of, written_roots
from .insertion import Before
from .layouts import Recomputing, encoding_of
from .tiling import address_layout, sharing

_QUIET = (
    *(tt.Load, tt.Reduce, tt.Scan, metal.TileLoad, metal.TileStore),
    *(scf.For, scf.If, scf.Yield),
)


class DirectLoads:
    """Finds and makes the direct operands of a function's dots."""

    def __init__(self, function: Op, target: Target) -> None:
        self._axis = AxisAnalysis(function)
        self._target = target
        self._layouts = Recomputing()
        self._written = written_roots(function)

    def fits(self, value: Value, side: int, result: Value, anchor: Op) -> bool:
        """Whether an operand of a dot can be direct, made before an op."""
        return self._layout(value, side, result, anchor) is not None

    def operand(self, value: Value, side: int, result: Value, anchor: Op) -> Value | None:
        """A direct operand of a dot, made before an op; None where it has to be staged."""
        layout = self._layout(value, side, result, anchor)
        load = _untransposed(value).defining_op
        if layout is None or not isinstance(load, tt.Load):
            return None
        pitch = self._pitch(load)
        assert pitch is not None
        made = [self._layouts.recomputed(each, layout, anchor) for each in _addresses(load)]
        return _made(value, side, [each for each in made if each is not None], pitch, anchor)

    def _layout(self, value: Value, side: int, result: Value, anchor: Op) -> LinearEncoding | None:
        """The layout of the addresses of an operand's matrices; None where it has to be staged."""
        loaded, layout = _untransposed(value), encoding_of(result)
        load = loaded.defining_op
        if not isinstance(load, tt.Load) or not isinstance(layout, LinearEncoding):
            return None
        if sharing(side, layout) > self._target.direct_sharing or not _can_wait(load, anchor):
            return None
        if self._pitch(load) is None or not self._is_whole(load) or self._may_be_written(load):
            return None
        type_ = value.type
        assert isinstance(type_, TensorType)
        layout = address_layout(type_.shape, side, layout)
        layout = layout if loaded is value else _swapped(layout)
        known = all(self._layouts.can_recompute(each, layout) for each in _addresses(load))
        return layout if known else None

    def _may_be_written(self, load: tt.Load) -> bool:
        """Whether the kernel writes to the argument, or to memory of which no argument is known."""
        return None in self._written or root_of(load.ptr) in self._written

    def _pitch(self, load: tt.Load) -> tuple[Polynomial, bool] | None:
        """Elements between rows (with `True`: columns), the elements of which are neighbours."""
        for minor, major in ((1, 0), (0, 1)):
            unit = step_along(load.ptr, minor, self._axis)
            pitch = step_along(load.ptr, major, self._axis)
            if unit is not None and unit.constant == 1 and pitch is not None:
                simple = pitch.constant is not None or len(pitch.terms) == 1
                return (pitch, minor == 0) if simple else None
        return None

    def _is_whole(self, load: tt.Load) -> bool:
        """Whether each matrix is loaded as a whole, or is zero as a whole."""
        if load.mask is None:
            return True
        constancy = self._axis[load.mask].constancy
        is_zero = load.other is None or splat_of(load.other) == 0
        return is_zero and all(constant % SIDE == 0 for constant in constancy)


def _addresses(load: tt.Load) -> list[Value]:
    return [load.ptr] if load.mask is None else [load.ptr, load.mask]


def _untransposed(value: Value) -> Value:
    """A matrix that an operand is the transpose of, or the operand."""
    op = value.defining_op
    is_turned = isinstance(op, tt.Trans) and tuple(op.order) == (1, 0)
    return op.operands[0] if is_turned and op is not None else value


def _swapped(layout: LinearEncoding) -> LinearEncoding:
    parts = (layout.register, layout.lane, layout.warp)
    register, lane, warp = (tuple(basis[::-1] for basis in bases) for bases in parts)
    return LinearEncoding(register, lane, warp, (), 2)


def _can_wait(load: tt.Load, anchor: Op) -> bool:
    """Whether the memory can be read where the anchor is: nobody writes to memory in between.

    Of a loop around the anchor all turns are in between.
    """
    type_ = load.result.type
    block = load.parent
    if block is None or load.is_volatile:
        return False
    if not isinstance(type_, TensorType) or type_.rank != 2 or min(type_.shape) < SIDE:
        return False
    if type_.element not in (F16, BF16, F32):
        return False
    last = block.ancestor_of(anchor)
    assert last is not None
    between = block.ops[block.ops.index(load) : block.ops.index(last) + (last is not anchor)]
    return all(
        op.pure or op.terminator or isinstance(op, _QUIET)
        for outer in between
        for op in outer.walk()
    )


def _made(
    value: Value, side: int, values: list[Value], pitched: tuple[Polynomial, bool], anchor: Op
) -> Value:
    before = Before(anchor)
    pitch, transposed = pitched
    is_turned = _untransposed(value) is not value
    attributes: dict[str, Attribute] = {
        "side": metal.integer_attribute(side),
        "along_k": metal.integer_attribute(int(side == 0) ^ int(is_turned)),
    }
    if transposed != is_turned:
        attributes["transposed"] = UnitAttr()
    operands = [values[0], _number(pitch, before), *values[1:]]
    loaded = value.type
    assert isinstance(loaded, TensorType)
    type_ = ArrayType(1, loaded.element, "device")
    segments = (1, 1, len(values) - 1)
    made = metal_matrix.Direct(operands, (type_,), attributes, segments=segments)
    return before.value(made, value.name)


def _number(pitch: Polynomial, before: Before) -> Value:
    """A polynomial of one term, as a 64-bit number; an i32 where it is one."""
    if pitch.constant is not None:
        return before.integer(pitch.constant, I32)
    ((factors, times),) = pitch.terms
    if times == 1 and len(factors) == 1:
        return factors[0]
    total = before.integer(times, I64)
    for factor in factors:
        total = before.binary(arith.Muli, total, before.wide(factor))
    return total


def steps_masked(a: metal_matrix.Direct, b: metal_matrix.Direct) -> bool:
    """Whether two operands' masks are the same condition on K, and on nothing else.

    Then a step of K is done or not: what is masked would multiply zeros by zeros.
    """
    if a.mask is None or b.mask is None:
        return False
    mine, its = _condition_on(a.mask, a.along_k), _condition_on(b.mask, b.along_k)
    return mine is not None and mine == its


def _condition_on(mask: Value, dim: int) -> tuple[object, ...] | None:
    """`0, 1, ... < number` along a dimension, as predicate, start and number."""
    op = _behind_views(mask).defining_op
    if not isinstance(op, arith.Cmpi):
        return None
    line, bound = _behind_views(op.lhs).defining_op, _behind_views(op.rhs)
    uniform = bound.defining_op
    if not isinstance(line, tt.MakeRange) or _dimension_of(op.lhs) != dim:
        return None
    number = splat_of(bound)
    if number is not None:
        return op.predicate, line.start, number
    return (op.predicate, line.start, uniform.source) if isinstance(uniform, tt.Splat) else None


def _behind_views(value: Value) -> Value:
    while isinstance(value.defining_op, tt.Broadcast | tt.ExpandDims):
        value = value.defining_op.operands[0]
    return value


def _dimension_of(value: Value) -> int | None:
    """The dimension of a matrix that a line of elements lies along."""
    while isinstance(value.defining_op, tt.Broadcast):
        value = value.defining_op.operands[0]
    op = value.defining_op
    return 1 - op.axis if isinstance(op, tt.ExpandDims) else None
