"""Dots with block scales become plain dots on what the scaled numbers are.

%d = tt.dot_scaled %a scale %s, %b, %c lhs = e2m1 rhs = bf16
    ->
%f = (each half byte of %a as f32) * (its scale, as f32)
%d = tt.dot (%f as bf16), %b, %c

A product of a number in one of the small formats and a power of two is exact in bf16, which has
f32's exponents; with f16 operands both sides are f32. A scale of 255 is NaN, one of 0 is zero, as
in Triton. Everything is index arithmetic and elementwise: no element leaves its thread but scales.
"""

from __future__ import annotations

from collections.abc import Callable

from ..dialects import arith, tt, ttg
from ..errors import UnsupportedError
from ..ir.attributes import DenseArrayAttr, IntegerAttr
from ..ir.core import Module, Op, Value
from ..ir.encodings import Encoding, LinearEncoding, SliceEncoding
from ..ir.linear_layout import Bases, Basis
from ..ir.types import BF16, F16, F32, I8, I32, FloatType, TensorType, Type
from ..lower.distribution import basis_of, code_of
from .insertion import Before
from .layouts import encoding_of, transposed_layout

_FLOAT8 = {"e4m3": "f8E4M3FN", "e5m2": "f8E5M2"}
_NAN_SCALE = 255
_NAN = 0x7FC00000  # bits of f32
_MANTISSA = 23


def dequantize(module: Module) -> None:
    """See the module's text."""
    for op in list(module.walk()):
        if isinstance(op, tt.DotScaled):
            _replace(op)
        elif isinstance(op, ttg.Fp4ToFp):
            wide = _Operand(op, op.source, "e2m1", op.axis).wide()
            assert isinstance(op.result.type, TensorType)
            made = _cast(Before(op), wide, op.result.type.element)
            op.replace_with([_converted(Before(op), made, encoding_of(op.result))])


def _replace(op: tt.DotScaled) -> None:
    kinds = (op.a_elem_type, op.b_elem_type)
    result = F32 if "fp16" in kinds else BF16
    rank = len(_shape(op.a))
    left = _Operand(op, op.a, kinds[0], rank - 1 if op.lhs_k_pack else rank - 2)
    right = _Operand(op, op.b, kinds[1], rank - 2 if op.rhs_k_pack else rank - 1)
    a = left.scaled(op.a_scale, rank - 1, result)
    b = right.scaled(op.b_scale, rank - 2, result)
    at = Before(op)
    op.replace_with([at.value(tt.Dot((a, b, op.c), (op.result.type,)), op.result.name)])


class _Operand:
    """One side of a dot: `packed` is the dimension along which e2m1 comes two in a byte."""

    def __init__(self, op: Op, value: Value, kind: str, packed: int) -> None:
        self.op, self.kind, self.packed = op, kind, packed
        self.at = Before(op)
        while isinstance(value.defining_op, ttg.ConvertLayout):
            value = value.defining_op.source
        self.value = value

    def scaled(self, scale: Value | None, along_k: int, result: Type) -> Value:
        """The numbers times their scales, in a type that holds them."""
        if scale is None and _element(self.value) == result:
            return self.value
        value = self.wide()
        if scale is not None:
            value = self._times(value, scale, along_k)
        return _cast(self.at, value, result)

    def wide(self) -> Value:
        """The numbers in f32."""
        element = _element(self.value)
        if self.kind == "e2m1":
            return self._of_half_bytes()
        if self.kind in _FLOAT8 and element == I8:
            type_ = _with_element(self.value, FloatType(_FLOAT8[self.kind]))
            self.value = self.at.value(tt.Bitcast((self.value,), (type_,)))
        elif element not in (F16, BF16) and self.kind not in _FLOAT8:
            raise UnsupportedError(f"a scaled dot of {self.kind}", self.op.span)
        return _cast(self.at, self.value, F32)

    def _of_half_bytes(self) -> Value:
        """Each half byte, low one first: sign, 2 bits of exponent, 1 of mantissa."""
        at = self.at
        wide_type = _with_element(self.value, I32)
        byte = _repeated(at, at.value(arith.Extui((self.value,), (wide_type,))), self.packed, 2)
        number = _numbers_along(at, byte, self.packed)
        shift = at.binary(arith.Shli, _both(at, arith.Andi, number, 1), _constant(at, number, 2))
        code = at.binary(arith.Shrui, byte, shift)
        low = _both(at, arith.Andi, code, 7)
        normal = _both(at, arith.Addi, _both(at, arith.Shli, low, _MANTISSA - 1), 126 << _MANTISSA)
        half = _constant(at, code, 126 << _MANTISSA)
        is_half = at.compare("eq", low, _constant(at, code, 1))
        bits = at.value(arith.Select((is_half, half, normal), (code.type,)))
        is_zero = at.compare("eq", low, _constant(at, code, 0))
        bits = at.value(arith.Select((is_zero, _constant(at, code, 0), bits), (code.type,)))
        sign = _both(at, arith.Shli, _both(at, arith.Andi, code, 8), 28)
        bits = at.binary(arith.Ori, bits, sign)
        return at.value(arith.Bitcast((bits,), (_with_element(bits, F32),)), self.value.name)

    def _times(self, value: Value, scale: Value, along_k: int) -> Value:
        at = self.at
        factor, is_nan = self._factors(value, scale, along_k)
        product = at.binary(arith.Mulf, value, factor)
        if is_nan is None:
            return product
        nan = at.bits(_NAN, product.type)
        return at.value(arith.Select((is_nan, nan, product), (product.type,)), self.value.name)

    def _factors(self, value: Value, scale: Value, along_k: int) -> tuple[Value, Value | None]:
        """The scale of each element, and where it is NaN by its code; scales come as [.., M, K]."""
        at = self.at
        while isinstance(scale.defining_op, ttg.ConvertLayout):
            scale = scale.defining_op.source
        if along_k != len(_shape(value)) - 1:
            scale = _transposed(at, scale)
        times = _shape(value)[along_k] // _shape(scale)[along_k]
        layout = _folded(value, along_k, times)
        scale = _converted(at, scale, SliceEncoding(along_k + 1, layout))
        if _element(scale) != I8:
            factor = _cast(at, scale, F32)
            return _spread(at, factor, along_k, times, value), None
        code = at.value(arith.Extui((scale,), (_with_element(scale, I32),)))
        bits = _both(at, arith.Shli, code, _MANTISSA)
        factor = at.value(arith.Bitcast((bits,), (_with_element(bits, F32),)))
        is_nan = at.compare("eq", code, _constant(at, code, _NAN_SCALE))
        wide = _spread(at, factor, along_k, times, value)
        return wide, _spread(at, is_nan, along_k, times, value)


# -- ops on tensors --------------------------------------------------------------------------------


def _shape(value: Value) -> tuple[int, ...]:
    assert isinstance(value.type, TensorType)
    return value.type.shape


def _element(value: Value) -> Type:
    assert isinstance(value.type, TensorType)
    return value.type.element


def _with_element(value: Value, element: Type) -> TensorType:
    assert isinstance(value.type, TensorType)
    return value.type.with_element(element)


def _constant(at: Before, like: Value, number: int) -> Value:
    return at.integer(number, like.type)


def _both(at: Before, kind: type[Op], value: Value, number: int) -> Value:
    return at.binary(kind, value, _constant(at, value, number))


def _cast(at: Before, value: Value, element: Type) -> Value:
    """A float in another type."""
    source, type_ = _element(value), _with_element(value, element)
    assert isinstance(source, FloatType)
    assert isinstance(element, FloatType)
    if source == element:
        return value
    if source.width == 8:
        return at.value(tt.FpToFp((value,), (type_,)), value.name)
    kind = arith.Extf if element.width > source.width else arith.Truncf
    return at.value(kind((value,), (type_,)), value.name)


def _converted(at: Before, value: Value, encoding: Encoding) -> Value:
    if encoding_of(value) == encoding:
        return value
    type_ = TensorType(_shape(value), _element(value), encoding)
    return at.value(ttg.ConvertLayout((value,), (type_,)), value.name)


def _transposed(at: Before, value: Value) -> Value:
    rank = len(_shape(value))
    order = (*range(rank - 2), rank - 1, rank - 2)
    assert isinstance(value.type, TensorType)
    shape = tuple(value.type.shape[dim] for dim in order)
    type_ = TensorType(shape, value.type.element, transposed_layout(value.type, order))
    return at.value(tt.Trans((value,), (type_,), {"order": DenseArrayAttr(I32, order)}))


def _numbers_along(at: Before, like: Value, dim: int) -> Value:
    """The coordinate along a dimension, as a tensor in the layout of another."""
    layout, shape = encoding_of(like), _shape(like)
    others = [other for other in reversed(range(len(shape))) if other != dim]
    encodings = [layout]
    for other in others:
        encodings.append(SliceEncoding(other, encodings[-1]))
    attributes = {"start": IntegerAttr(0, I32), "end": IntegerAttr(shape[dim], I32)}
    type_ = TensorType((shape[dim],), I32, encodings.pop())
    value = at.value(tt.MakeRange((), (type_,), attributes))
    for other in reversed(others):
        grown = (*_shape(value)[:other], 1, *_shape(value)[other:])
        type_ = TensorType(grown, I32, encodings.pop())
        value = at.value(tt.ExpandDims((value,), (type_,), {"axis": IntegerAttr(other, I32)}))
    return at.value(tt.Broadcast((value,), (TensorType(shape, I32, layout),)))


def _repeated(at: Before, value: Value, dim: int, times: int) -> Value:
    """Each element `times` times along a dimension."""
    shape = _shape(value)
    inner = _mapped(value, (*shape[: dim + 1], times, *shape[dim + 1 :]), _insert(dim + 1), times)
    wide_shape = (*shape[:dim], shape[dim] * times, *shape[dim + 1 :])
    layout = _reshaped(inner, (*shape[: dim + 1], times, *shape[dim + 1 :]), wide_shape)
    wide = TensorType(wide_shape, _element(value), layout)
    value = _converted(at, value, SliceEncoding(dim + 1, inner))
    return _spread(at, value, dim, times, wide)


def _spread(at: Before, value: Value, dim: int, times: int, like: Value | TensorType) -> Value:
    """Each element `times` times along a dimension, in the layout of `like`."""
    wide = like if isinstance(like, TensorType) else like.type
    assert isinstance(wide, TensorType)
    encoding = encoding_of(value)
    assert isinstance(encoding, SliceEncoding)
    shape, element = _shape(value), _element(value)
    thin = TensorType((*shape[: dim + 1], 1, *shape[dim + 1 :]), element, encoding.parent)
    full = TensorType((*shape[: dim + 1], times, *shape[dim + 1 :]), element, encoding.parent)
    value = at.value(tt.ExpandDims((value,), (thin,), {"axis": IntegerAttr(dim + 1, I32)}))
    value = at.value(tt.Broadcast((value,), (full,)))
    return at.value(tt.Reshape((value,), (wide.with_element(element),)))


# -- layouts ---------------------------------------------------------------------------------------


def _insert(dim: int) -> Callable[[Basis], Basis]:
    return lambda basis: (*basis[:dim], 0, *basis[dim:])


def _mapped(
    value: Value, shape: tuple[int, ...], change: Callable[[Basis], Basis], times: int
) -> LinearEncoding:
    """A layout with one more dimension, all of which lies in each thread's lowest registers."""
    layout = encoding_of(value).to_linear(_shape(value))
    dim = next(i for i, size in enumerate(change((1,) * len(_shape(value)))) if size == 0)
    copies: list[Basis] = []
    step = 1
    while step < times:
        copies.append(tuple(step if i == dim else 0 for i in range(len(shape))))
        step *= 2
    registers = tuple(change(basis) for basis in layout.register if any(basis))
    return LinearEncoding(
        (*copies, *registers),
        tuple(map(change, layout.lane)),
        tuple(map(change, layout.warp)),
        (),
        len(shape),
    )


def _reshaped(encoding: Encoding, old: tuple[int, ...], new: tuple[int, ...]) -> LinearEncoding:
    """The layout of a tensor in another shape, each element where it was."""
    layout = encoding.to_linear(old)

    def change(bases: Bases) -> Bases:
        return tuple(basis_of(code_of(basis, old), new) for basis in bases)

    registers = tuple(basis for basis in change(layout.register) if any(basis))
    return LinearEncoding(registers, change(layout.lane), change(layout.warp), (), len(new))


def _folded(value: Value, dim: int, times: int) -> LinearEncoding:
    """The layout of a tensor with a dimension split into [groups, times]."""
    shape = _shape(value)
    split = (*shape[:dim], shape[dim] // times, times, *shape[dim + 1 :])
    return _reshaped(encoding_of(value), shape, split)
