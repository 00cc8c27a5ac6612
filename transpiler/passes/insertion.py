"""Makes ops on tensors and scalars before another op, with that op's place in the texts."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from ..dialects import arith, tt
from ..ir.attributes import Attribute, DenseAttr, FloatAttr, IntegerAttr, OpaqueAttr
from ..ir.core import Op, Value
from ..ir.encodings import Encoding, SliceEncoding
from ..ir.traits import with_element
from ..ir.types import I1, I32, I64, FloatType, IntegerType, TensorType, Type, element_of
from .rewrite import located


class Before:
    """Inserts ops before `anchor`."""

    def __init__(self, anchor: Op) -> None:
        self.anchor = anchor

    def insert(self, op: Op) -> Op:
        """Put an op in front of the anchor."""
        assert self.anchor.parent is not None
        return self.anchor.parent.insert_before(self.anchor, located(op, self.anchor))

    def value(self, op: Op, name: str = "") -> Value:
        """Insert an op with one result, and give the result."""
        result = self.insert(op).result
        result.name = name
        return result

    def integer(self, value: int, type_: Type = I32) -> Value:
        """An integer constant; of a tensor type, a splat."""
        return self._constant(value, type_)

    def bits(self, bits: int, type_: Type) -> Value:
        """A constant by its bit pattern (a float) or number (an integer); of tensors, a splat."""
        return self._constant(bits, type_)

    def _constant(self, number: int, type_: Type) -> Value:
        element = element_of(type_)
        attribute: Attribute
        if isinstance(type_, TensorType):
            attribute = DenseAttr((number,), type_)
        elif isinstance(element, FloatType):
            attribute = FloatAttr(number, element)
        else:
            assert isinstance(element, IntegerType)
            attribute = IntegerAttr(number, element)
        return self.value(arith.Constant((), (type_,), {"value": attribute}))

    def binary(self, kind: type[Op], a: Value, b: Value) -> Value:
        """An op on two operands of one type."""
        return self.value(kind((a, b), (a.type,)))

    def conjunction(self, conditions: Sequence[Value]) -> Value | None:
        """All of them; None where there is none."""
        if not conditions:
            return None
        return functools.reduce(lambda a, b: self.binary(arith.Andi, a, b), conditions)

    def compare(self, predicate: str, a: Value, b: Value) -> Value:
        """arith.cmpi."""
        type_ = with_element(a.type, I1)
        return self.value(arith.Cmpi((a, b), (type_,), {"predicate": OpaqueAttr(predicate)}))

    def wide(self, value: Value) -> Value:
        """An integer as i64, by its sign."""
        element = element_of(value.type)
        if element == I64:
            return value
        return self.value(arith.Extsi((value,), (with_element(value.type, I64),)))

    def splat(self, value: Value, like: TensorType) -> Value:
        """A tensor of one number, with the shape and layout of a type."""
        return self.value(tt.Splat((value,), (like.with_element(value.type),)))

    def range(self, type_: TensorType) -> Value:
        """0, 1, ... along the only dimension of an i32 tensor type."""
        attributes = {"start": IntegerAttr(0, I32), "end": IntegerAttr(type_.shape[0], I32)}
        return self.value(tt.MakeRange((), (type_,), attributes))

    def spread(self, line: Value, dim: int, like: TensorType) -> Value:
        """A line of elements along dimension `dim` of a tensor: see `line_type`."""
        assert isinstance(line.type, TensorType)
        element, value = line.type.element, line
        shape = [1] * like.rank
        shape[dim] = like.shape[dim]
        known = [dim]
        for other in range(like.rank):
            if other == dim:
                continue
            known = sorted([*known, other])
            sizes = tuple(shape[d] for d in known)
            type_ = TensorType(sizes, element, _without(like, known))
            axis = IntegerAttr(known.index(other), I32)
            value = self.value(tt.ExpandDims((value,), (type_,), {"axis": axis}))
        if tuple(shape) == like.shape:
            return value
        return self.value(tt.Broadcast((value,), (like.with_element(element),)))


def line_type(like: TensorType, dim: int, element: Type) -> TensorType:
    """One dimension of a tensor, as the slice of its layout."""
    return TensorType((like.shape[dim],), element, _without(like, [dim]))


def _without(like: TensorType, kept: Sequence[int]) -> Encoding:
    """The layout of a tensor without the dimensions that are not kept."""
    encoding = like.encoding
    assert encoding is not None
    for dim in reversed(range(like.rank)):
        if dim not in kept:
            encoding = SliceEncoding(dim, encoding)
    return encoding
