"""Reductions and scans get layouts in which the bits of their axis stand alone.

    %y = "tt.scan"(%x) {axis = 1} : #mixed       %p = ttg.convert_layout %x : #mixed -> #plain
                                           ->    %s = "tt.scan"(%p) {axis = 1} : #plain
                                                 %y = ttg.convert_layout %s : #plain -> #mixed

That is so in nearly all layouts of Triton's, but not where one bit of a register or thread moves
along the axis and another dimension at once. Partial results of SIMD-groups that would not fit
threadgroup memory are another reason: the plain layout has the axis in lanes and registers first. A
reduction whose result has not the layout that is left of its operand's gets that one, and a
conversion.
"""

from __future__ import annotations

from ..dialects import tt, ttg
from ..ir.core import Module, Op, Value
from ..ir.encodings import LinearEncoding
from ..ir.types import TensorType, bit_width
from ..lower.axes import LANE_BITS, is_plain
from ..lower.distribution import Distribution, basis_of, code_of, distribution_of
from ..target import Target
from .rewrite import located


def make_axes_plain(module: Module, target: Target) -> Module:
    """See the module's text."""
    for op in list(module.walk()):
        if isinstance(op, tt.Reduce | tt.Scan):
            _make_plain(op, module.threads_per_warp, target)
    return module


def _make_plain(op: tt.Reduce | tt.Scan, lanes: int, target: Target) -> None:
    type_ = op.inputs[0].type
    assert isinstance(type_, TensorType)
    layout = distribution_of(type_)
    good = is_plain(layout, op.axis) and shared_bytes(op, layout) <= target.threadgroup_memory
    if not good:
        layout = plain_layout(layout, op.axis)
    results = _results(op, layout, lanes)
    if good and results is None:
        return
    operands = list(op.inputs)
    if not good:
        encoding = encoding_of(layout, lanes)
        operands = [_converted(value, encoding, op) for value in operands]
    types = [
        value.type if results is None else _retyped(value.type, results) for value in op.results
    ]
    regions, op.regions = op.regions, []
    made = type(op)(operands, types, op.attributes, regions)
    assert op.parent is not None
    op.parent.insert_before(op, located(made, op))
    new: list[Value] = []
    for old, value in zip(op.results, made.results, strict=True):
        value.name, value.location = old.name, old.location
        new.append(value)
        if old.type != value.type:
            assert isinstance(old.type, TensorType)
            convert = located(ttg.ConvertLayout((value,), (old.type,)), op)
            convert.result.name = old.name
            new[-1] = op.parent.insert_before(op, convert).result
    op.replace_with(new)


def _converted(value: Value, encoding: LinearEncoding, op: Op) -> Value:
    convert = ttg.ConvertLayout((value,), (_retyped(value.type, encoding),))
    convert.result.name = value.name
    assert op.parent is not None
    return op.parent.insert_before(op, located(convert, op)).result


def _retyped(type_: object, encoding: LinearEncoding) -> TensorType:
    assert isinstance(type_, TensorType)
    return TensorType(type_.shape, type_.element, encoding)


def _results(op: Op, layout: Distribution, lanes: int) -> LinearEncoding | None:
    """The layout that results need; None: they have it, or are scalars."""
    type_ = op.results[0].type
    if not isinstance(type_, TensorType):
        return None
    assert isinstance(op, tt.Reduce | tt.Scan)
    wanted = layout if isinstance(op, tt.Scan) else without_axis(layout, op.axis)
    return None if distribution_of(type_) == wanted else encoding_of(wanted, lanes)


def without_axis(layout: Distribution, axis: int) -> Distribution:
    """What is left of a layout by a reduction: kept registers, and threads with copies."""

    def drop(basis: tuple[int, ...]) -> tuple[int, ...]:
        return (*basis[:axis], *basis[axis + 1 :])

    shape = drop(layout.shape)
    nothing = (0,) * len(shape)
    return Distribution(
        shape,
        tuple(drop(basis) for basis in layout.registers if not basis[axis]),
        tuple(nothing if basis[axis] else drop(basis) for basis in layout.threads),
    )


def encoding_of(layout: Distribution, lanes: int) -> LinearEncoding:
    """A layout as an encoding."""
    split = lanes.bit_length() - 1
    threads = layout.threads
    return LinearEncoding(layout.registers, threads[:split], threads[split:], (), len(layout.shape))


def plain_layout(layout: Distribution, axis: int) -> Distribution:
    """The axis in lanes, then in registers; other dimensions on SIMD-groups, as far as they go."""
    shape = layout.shape
    codes = [1 << bit for bit in range(code_of(tuple(s - 1 for s in shape), shape).bit_length())]
    bases = [basis_of(code, shape) for code in codes]
    along = [basis for basis in bases if basis[axis]]
    others = [basis for basis in bases if not basis[axis]]
    groups = len(layout.threads) - LANE_BITS
    on_groups = [others.pop() for _ in range(min(groups, len(others)))]
    rest = [*along, *others]
    on_lanes, rest = rest[:LANE_BITS], rest[LANE_BITS:]
    while len(on_groups) < groups and rest:
        on_groups.append(rest.pop())
    nothing = (0,) * len(shape)
    on_lanes += [nothing] * (LANE_BITS - len(on_lanes))
    on_groups += [nothing] * (groups - len(on_groups))
    return Distribution(shape, tuple(rest), (*on_lanes, *on_groups))


def shared_bytes(op: tt.Reduce | tt.Scan, layout: Distribution) -> int:
    """Threadgroup memory for what SIMD-groups have in total."""
    axis = op.axis
    groups = [basis[axis] for basis in layout.threads[LANE_BITS:] if basis[axis]]
    if not groups:
        return 0
    places = sum(1 for basis in layout.threads if any(basis) and not basis[axis])
    lowest = min(groups)
    kept = sum(1 for basis in layout.registers if not basis[axis])
    if isinstance(op, tt.Scan):  # what comes after the SIMD-groups has totals of its own
        later = (*layout.registers, *layout.threads[:LANE_BITS])
        kept += sum(1 for basis in later if basis[axis] > lowest)
    entries = 1 << (len(groups) + places + kept)
    return entries * sum(max(1, bit_width(value.type) // 8) for value in op.inputs)
