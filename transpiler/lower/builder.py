"""Makes ops at an insertion point, folding integer arithmetic on constants as it goes."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager

from ..dialects import arith
from ..errors import Span
from ..ir.attributes import DenseAttr, FloatAttr, IntegerAttr, OpaqueAttr
from ..ir.core import Block, Op, Value
from ..ir.location import UNKNOWN, Location
from ..ir.types import I32, FloatType, IndexType, IntegerType, Type, bit_width, element_of


class Builder:
    """Appends ops to a block; every op made gets the current location and span."""

    def __init__(self, block: Block) -> None:
        self.block = block
        self.location: Location = UNKNOWN
        self.span: Span | None = None

    @contextmanager
    def at(self, block: Block) -> Generator[None, None, None]:
        """Append to another block for a while."""
        outer, self.block = self.block, block
        yield
        self.block = outer

    def locate(self, op: Op) -> None:
        """Take the location of the op that is being lowered."""
        self.location, self.span = op.location, op.span

    def insert(self, op: Op, name: str = "") -> Op:
        """Append an op; its results get `name`."""
        if op.location is UNKNOWN:
            op.location, op.span = self.location, self.span
        for result in op.results:
            result.name = result.name or name
        return self.block.append(op)

    def value(self, op: Op, name: str = "") -> Value:
        """Append an op with one result, and give the result."""
        return self.insert(op, name).result

    def constant(self, value: int, type_: Type = I32) -> Value:
        """An integer constant."""
        assert isinstance(type_, IntegerType | IndexType)
        return self.value(
            arith.Constant((), (type_,), {"value": IntegerAttr(value, type_)}),
        )

    def float_constant(self, bits: int, type_: FloatType) -> Value:
        """A floating constant, by its bit pattern."""
        return self.value(arith.Constant((), (type_,), {"value": FloatAttr(bits, type_)}))

    def binary(self, kind: type[Op], a: Value, b: Value, name: str = "") -> Value:
        """An arith op of two operands of one type."""
        return self.value(kind((a, b), (a.type,)), name)

    def compare(self, predicate: str, a: Value, b: Value) -> Value:
        """arith.cmpi of two scalars."""
        attributes = {"predicate": OpaqueAttr(predicate)}
        return self.value(arith.Cmpi((a, b), (IntegerType(1),), attributes))

    def add(self, a: Value, b: Value) -> Value:
        """A sum of integers."""
        x, y = constant_of(a), constant_of(b)
        if x is not None and y is not None:
            return self.constant(x + y, a.type)
        if x == 0:
            return b
        return a if y == 0 else self.binary(arith.Addi, a, b)

    def mul(self, a: Value, factor: int) -> Value:
        """A product with a constant."""
        x = constant_of(a)
        if x is not None:
            return self.constant(x * factor, a.type)
        if factor == 1:
            return a
        return self.binary(arith.Muli, a, self.constant(factor, a.type))

    def div(self, a: Value, divisor: int) -> Value:
        """A quotient of an integer that is not negative."""
        x = constant_of(a)
        if x is not None:
            return self.constant(x // divisor, a.type)
        return a if divisor == 1 else self.binary(arith.Divui, a, self.constant(divisor, a.type))

    def rem(self, a: Value, divisor: int) -> Value:
        """A remainder of an integer that is not negative."""
        x = constant_of(a)
        if x is not None:
            return self.constant(x % divisor, a.type)
        if divisor == 1:
            return self.constant(0, a.type)
        return self.binary(arith.Remui, a, self.constant(divisor, a.type))

    def xor(self, a: Value, b: Value) -> Value:
        """Bitwise exclusive or."""
        x, y = constant_of(a), constant_of(b)
        if x is not None and y is not None:
            return self.constant(x ^ y, a.type)
        if x == 0:
            return b
        return a if y == 0 else self.binary(arith.Xori, a, b)

    def resized(self, a: Value, type_: Type) -> Value:
        """An integer, or a vector of them, in another width: cut, or its sign carried on."""
        x, width, wanted = constant_of(a), *(bit_width(element_of(t)) for t in (a.type, type_))
        if width == wanted:
            return a
        if x is not None:
            return self.constant(x, type_)
        kind = arith.Trunci if width > wanted else arith.Extsi
        return self.value(kind((a,), (type_,)))

    def both(self, a: Value | None, b: Value | None) -> Value | None:
        """The conjunction of two conditions; None is true."""
        if a is None or b is None:
            return b if a is None else a
        return a if a is b else self.binary(arith.Andi, a, b)

    def total(self, values: Sequence[Value]) -> Value:
        """The sum of i32 values; 0 of none."""
        result = self.constant(0)
        for value in values:
            result = self.add(result, value)
        return result


def constant_of(value: Value) -> int | None:
    """The number of an integer constant, scalar or splat; None of anything else."""
    op = value.defining_op
    if not isinstance(op, arith.Constant):
        return None
    attribute = op.attributes["value"]
    if isinstance(attribute, IntegerAttr):
        return attribute.value
    if isinstance(attribute, DenseAttr) and attribute.is_splat and is_integer(value.type):
        return attribute.entries[0]
    return None


def is_integer(type_: Type) -> bool:
    """Whether the elements are integers."""
    return isinstance(element_of(type_), IntegerType | IndexType)
