"""Gives dots the layout of simdgroup matrices, and operands that such matrices can hold.

%d = tt.dot %a, %b, %c : f16, #blocked
    ->
%c1 = ttg.convert_layout %c : #blocked -> #linear         (8x8 fragments, see tiling.py)
%d1 = tt.dot %a0, %b0, %c1 : #linear                      (operands as they were computed)
%d = ttg.convert_layout %d1 : #linear -> #blocked

The layout that Triton chose is ignored: operands are taken from before their way into shared memory
and into operand layouts. Elements without a matrix type become one that holds them exactly: 8-bit
floats and integers become f16, mixed types f32. The conversions left over are for layouts.py.
"""

from __future__ import annotations

from ..dialects import arith, scf, tt, ttg
from ..errors import UnsupportedError
from ..ir.attributes import DenseArrayAttr
from ..ir.core import Module, Op, Value
from ..ir.types import BF16, F16, F32, I8, I32, FloatType, MemDescType, TensorType, Type
from ..target import Target
from .layouts import transposed_layout
from .tiling import choose_grid, fragment_layout, splits_by_rows

_MATRIX_ELEMENTS = (F16, BF16, F32)


def accelerate(module: Module, target: Target) -> Module:
    """See the module's text."""
    lane_bits = module.threads_per_warp.bit_length() - 1
    simdgroups = module.num_warps * module.threads_per_warp // target.simd_width
    dots = [op for op in module.walk() if isinstance(op, tt.Dot)]
    chained = {op for op in dots if is_chained(op)}
    for op in dots:
        _accelerate(op, simdgroups, lane_bits, rows_only=op in chained)
    return module


def _accelerate(op: tt.Dot, simdgroups: int, lane_bits: int, *, rows_only: bool) -> None:
    result = op.result.type
    assert isinstance(result, TensorType)
    if result.element not in (F16, BF16, F32, I32):
        raise UnsupportedError(f"a dot with sums of type {result.element}", op.span)
    rows_only = rows_only and splits_by_rows(result.shape, simdgroups)
    grid = choose_grid(result.shape, simdgroups, rows_only=rows_only)
    layout = fragment_layout(result.shape, grid, lane_bits)
    type_ = TensorType(result.shape, result.element, layout)
    operands = matrix_elements(op, _source_of(op.a, op), _source_of(op.b, op))
    c = insert_before(op, ttg.ConvertLayout((op.c,), (type_,)))
    c.name = op.c.name
    made = tt.Dot((*operands, c), (type_,), op.attributes)
    value = insert_before(op, made)
    value.name = op.result.name
    back = insert_before(op, ttg.ConvertLayout((value,), (result,)))
    back.name = op.result.name
    old = list(op.operands)
    op.replace_with([back])
    for operand in old:
        erase_unused(operand)


def insert_before(anchor: Op, op: Op) -> Value:
    """Put an op with one result before another one, at its location."""
    op.location, op.span = anchor.location, anchor.span
    assert anchor.parent is not None
    return anchor.parent.insert_before(anchor, op).result


def erase_unused(value: Value) -> None:
    """Erase what made a value that nobody uses, and what only that needed."""
    stack = [value]
    while stack:
        op = stack.pop().defining_op
        removable = op is not None and (op.pure or isinstance(op, ttg.LocalAlloc | ttg.LocalLoad))
        if op is None or op.parent is None or not removable:
            continue
        if not any(result.uses for result in op.results):
            operands = list(op.operands)
            op.erase()
            stack.extend(operands)


# -- operands --------------------------------------------------------------------------------------


def _source_of(value: Value, anchor: Op) -> Value:
    """An operand before conversions of layout, and before its way through shared memory."""
    while True:
        op = value.defining_op
        if isinstance(op, ttg.ConvertLayout):
            value = op.source
        elif isinstance(op, ttg.LocalLoad):
            source = _stored_in(op.source, anchor)
            if source is None:
                return value
            value = source
        else:
            return value


def _stored_in(view: Value, anchor: Op) -> Value | None:
    """The tensor that a buffer was filled with, once and for all; None where it may change."""
    op = view.defining_op
    assert isinstance(view.type, MemDescType)
    if isinstance(op, ttg.LocalAlloc):
        return None if view.type.mutable else op.source
    if isinstance(op, ttg.MemdescTrans):
        source = _stored_in(op.source, anchor)
        return None if source is None else _transposed(source, op.order, anchor)
    return None


def _transposed(value: Value, order: tuple[int, ...], anchor: Op) -> Value:
    attributes = {"order": DenseArrayAttr(I32, order)}
    type_ = value.type
    assert isinstance(type_, TensorType)
    shape = tuple(type_.shape[dim] for dim in order)
    result = TensorType(shape, type_.element, transposed_layout(type_, order))
    made = tt.Trans((value,), (result,), attributes)
    return insert_before(anchor, made)


def matrix_elements(op: tt.Dot, a: Value, b: Value) -> list[Value]:
    """The operands with elements that matrices have, the same on both sides."""
    pair = [_exact_float(op, value) for value in (a, b)]
    if _element(pair[0]) != _element(pair[1]):
        pair = [_cast(op, value, F32) for value in pair]
    return pair


def _exact_float(op: tt.Dot, value: Value) -> Value:
    element = _element(value)
    if element in _MATRIX_ELEMENTS:
        return value
    if element == I8 or (isinstance(element, FloatType) and element.width == 8):
        return _cast(op, value, F16)
    raise UnsupportedError(f"a dot of {element}", op.span)


def _cast(op: Op, value: Value, element: Type) -> Value:
    type_ = value.type
    assert isinstance(type_, TensorType)
    if type_.element == element:
        return value
    kind: type[Op] = arith.Extf
    if type_.element == I8:
        kind = arith.Sitofp
    elif isinstance(type_.element, FloatType) and type_.element.width == 8:
        kind = tt.FpToFp
    made = insert_before(op, kind((value,), (type_.with_element(element),)))
    made.name = value.name
    return made


def _element(value: Value) -> Type:
    assert isinstance(value.type, TensorType)
    return value.type.element


# -- chains of dots --------------------------------------------------------------------------------

_THROUGH = (ttg.ConvertLayout, ttg.LocalAlloc, ttg.LocalLoad)


def is_chained(dot: tt.Dot) -> bool:
    """Whether its rows are a left operand's: of another dot, or those of its own left operand."""
    return _feeds_left_operand(dot) or _dots_behind(dot.a)


def _feeds_left_operand(dot: tt.Dot) -> bool:
    """Whether another dot takes the result, or what is computed from it, as its left operand."""
    seen: set[Value] = set()
    stack = [dot.result]
    while stack:
        value = stack.pop()
        if value in seen:
            continue
        seen.add(value)
        for user, index in value.uses:
            if isinstance(user, tt.Dot) and index == 0:
                return True
            branch = user.parent_op
            if user.elementwise or isinstance(user, _THROUGH):
                stack.extend(user.results)
            elif isinstance(user, scf.Yield) and isinstance(branch, scf.If):
                stack.append(branch.results[index])
    return False


def _dots_behind(value: Value) -> bool:
    """Whether a value is computed from the result of a dot."""
    seen: set[Value] = set()
    stack = [value]
    while stack:
        value = stack.pop()
        op = value.defining_op
        if isinstance(op, tt.Dot):
            return True
        sources: list[Value] = []
        if isinstance(op, scf.If):
            sources = [region.block.terminator.operands[value.index] for region in op.regions]
        elif op is not None and (op.elementwise or isinstance(op, _THROUGH)):
            sources = op.operands
        stack.extend(v for v in sources if v not in seen)
        seen.update(sources)
    return False
