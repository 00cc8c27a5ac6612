"""What op classes share: result types that follow from operands, and checks of types."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .assembly import Parts
from .core import Op, Value
from .types import (
    I1,
    FloatType,
    IndexType,
    IntegerType,
    MemDescType,
    PointerType,
    TensorDescType,
    TensorType,
    Type,
    VectorType,
    element_of,
)

Infer = Callable[[Parts], "list[Type]"]


def like(*names: str) -> Infer:
    """Results with the types of operands, one for each name."""
    return staticmethod(lambda parts: [parts.type(name) for name in names])  # type: ignore


def like_first() -> Infer:
    """A result with the type of the first operand of a list."""
    return staticmethod(lambda parts: [parts.operand(0)])  # type: ignore


def fixed(type_: Type) -> Infer:
    """A result of one type."""
    return staticmethod(lambda parts: [type_])  # type: ignore


def bool_like(name: str) -> Infer:
    """An i1, or a tensor of them with the shape of an operand."""
    return staticmethod(lambda parts: [bool_of(parts.type(name))])  # type: ignore


def pointee_of(name: str) -> Infer:
    """What an operand points to."""
    return staticmethod(lambda parts: [pointee(parts.type(name))])  # type: ignore


def element_like(name: str) -> Infer:
    """The element of an operand that is a tensor."""
    return staticmethod(lambda parts: [element_of(parts.type(name))])  # type: ignore


def bool_of(type_: Type) -> Type:
    """i1 with the shape of a type."""
    return with_element(type_, I1)


def with_element(type_: Type, element: Type) -> Type:
    """A type with another element."""
    if isinstance(type_, TensorType):
        return type_.with_element(element)
    if isinstance(type_, VectorType):
        return VectorType(type_.size, element)
    return element


def pointee(type_: Type) -> Type:
    """What a pointer, or each pointer of a tensor, points to."""
    element = element_of(type_)
    if not isinstance(element, PointerType):
        raise TypeError(f"{type_} is no pointer")
    return with_element(type_, element.pointee)


def is_pointer(type_: Type) -> bool:
    """Whether a type is a pointer or a tensor of them."""
    return isinstance(element_of(type_), PointerType)


def is_integer(type_: Type) -> bool:
    """Whether a type is an integer, an index, or a tensor of them."""
    return isinstance(element_of(type_), IntegerType | IndexType)


def is_float(type_: Type) -> bool:
    """Whether a type is a float or a tensor of them."""
    return isinstance(element_of(type_), FloatType)


def same_layout(a: Type, b: Type) -> bool:
    """Whether two types have the same shape and encoding (scalars: both are scalars)."""
    if isinstance(a, TensorType) and isinstance(b, TensorType):
        return a.shape == b.shape and a.encoding == b.encoding
    if isinstance(a, VectorType) and isinstance(b, VectorType):
        return a.size == b.size
    shaped = TensorType | VectorType
    return not isinstance(a, shaped) and not isinstance(b, shaped)


def types_of(values: Iterable[Value]) -> list[Type]:
    """The types of values."""
    return [value.type for value in values]


def require_same_types(op: Op, values: Iterable[Value]) -> None:
    """All values have one type."""
    first: Type | None = None
    for value in values:
        if first is None:
            first = value.type
        elif value.type is not first and value.type != first:
            op.require(False, f"expected one type, found {first} and {value.type}")


def require_type(op: Op, value: Value, expected: Type, what: str) -> None:
    """A value has one type."""
    if value.type is not expected and value.type != expected:
        op.require(False, f"{what} should be {expected}, found {value.type}")


def require_same_layout(op: Op, a: Value, b: Value) -> None:
    """Two values have the same shape and encoding."""
    if not same_layout(a.type, b.type):
        op.require(False, f"expected one shape and layout, found {a.type} and {b.type}")


def require_kind(op: Op, value: Value, test: Callable[[Type], bool], what: str) -> None:
    """A value's type passes a test."""
    if not test(value.type):
        op.require(False, f"expected {what}, found {value.type}")


def require_tensor(op: Op, value: Value) -> TensorType:
    """A value is a tensor."""
    type_ = value.type
    if not isinstance(type_, TensorType):
        op.require(False, f"expected a tensor, found {type_}")
        raise AssertionError
    return type_


def require_memdesc(op: Op, value: Value) -> MemDescType:
    """A value is a view of memory."""
    type_ = value.type
    if not isinstance(type_, MemDescType):
        op.require(False, f"expected a memory view, found {type_}")
        raise AssertionError
    return type_


def require_descriptor(op: Op, value: Value) -> TensorDescType:
    """A value is a tensor descriptor."""
    type_ = value.type
    if not isinstance(type_, TensorDescType):
        op.require(False, f"expected a tensor descriptor, found {type_}")
        raise AssertionError
    return type_
