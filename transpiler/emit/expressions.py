"""Expressions: how each pure op is written in MSL.

An op's operands are expressions already; the table says how each kind of op joins them. Integers,
floats, conversions and functions have modules of their own; here are values as a whole: selections,
pointers, vectors and positions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..dialects import arith, metal, tt, ub
from ..errors import UnsupportedError
from ..ir.core import Op, Value
from ..ir.types import I1, IndexType, IntegerType, PointerType, VectorType, element_of
from .conversions import CONVERSION_RULES
from .device_library import LIBRARY_RULES
from .floats import FLOAT_RULES
from .functions import FUNCTION_RULES
from .integers import INTEGER_RULES
from .literals import constant
from .types import name_of
from .writer import (
    CONDITIONAL,
    OR,
    PRIMARY,
    SUM,
    UNARY,
    Expr,
    Operands,
    Rule,
    call,
    infix,
    lanes_of,
    msl_type,
)

COMPONENTS = "xyzw"


def _select(writer: Operands, op: Op) -> Expr:
    condition, x, y = op.operands
    a, b = writer.typed(x), writer.typed(y)
    if isinstance(element_of(op.result.type), IntegerType | IndexType) and a.type != b.type:
        a, b = writer.signed(x, a), writer.signed(y, b)
    if isinstance(op.result.type, PointerType):
        a, b = (_pointer_like(writer, op, expr) for expr in (a, b))
    type_ = b.type if a.literal else a.type
    if isinstance(condition.type, VectorType):
        return call("select", type_, b, a, writer[condition])
    if not (_is_at_hand(writer, x) and _is_at_hand(writer, y)):
        bools = f"bool{lanes_of(type_)}"
        return call("select", type_, b, a, call(bools, bools, writer[condition]))
    test = writer[condition].inside(OR)
    return Expr(f"{test} ? {a.inside(OR)} : {b.inside(OR)}", CONDITIONAL, type_)


def _is_at_hand(writer: Operands, value: Value) -> bool:
    """Whether a side of a selection is a scalar, or a vector that is computed already.

    Compilers branch around what `?:` computes of vectors, and loads behind the branch come late.
    """
    if not isinstance(value.type, VectorType) or value.type.element == I1:
        return True
    expr = writer.expressions[value]
    in_array = isinstance(value.defining_op, metal.Read)
    return expr.scalar is not None or expr.text.isidentifier() or in_array


def _pointer_like(writer: Operands, op: Op, pointer: Expr) -> Expr:
    """A pointer as the type of an op's result, which may differ in const."""
    name = name_of(op.result.type, const=writer.is_const(op.result))
    return (
        pointer if pointer.type == name else Expr(f"({name}){pointer.inside(UNARY)}", UNARY, name)
    )


def _pointer_sum(writer: Operands, op: Op) -> Expr:
    pointer, index = op.operands
    base, offset = writer[pointer], writer[index]
    wide = index.defining_op
    if isinstance(wide, arith.Extsi) and offset.text.startswith("long("):
        index = wide.operands[0]  # a pointer sum extends the sign by itself
        offset = writer[index]
    if not writer.nonnegative(index):
        offset = writer.signed(index)
    name = name_of(op.result.type, const=writer.is_const(op.result))
    total = infix(base, "+", offset, SUM, name)
    return replace(total, place=(base, offset))


def _null(writer: Operands, op: Op) -> Expr:
    """A pointer that nothing is read or written through."""
    name = name_of(op.result.type, const=writer.is_const(op.result))
    return Expr(f"({name})nullptr", UNARY, name)


def _splat(writer: Operands, op: Op) -> Expr:
    source = writer[op.operands[0]]
    return Expr(source.text, source.precedence, msl_type(op.result), scalar=source)


def _iota(writer: Operands, op: Op) -> Expr:
    type_ = op.result.type
    assert isinstance(type_, VectorType)
    name = msl_type(op.result)
    return Expr(f"{name}({', '.join(map(str, range(type_.size)))})", PRIMARY, name)


def _extract(writer: Operands, op: Op) -> Expr:
    assert isinstance(op, metal.Extract)
    source = writer.expressions[op.source]
    if source.scalar is not None:
        return source.scalar
    element = source.type.rstrip("234")
    return Expr(f"{source.inside(PRIMARY)}.{COMPONENTS[op.index]}", PRIMARY, element)


def _slice(writer: Operands, op: Op) -> Expr:
    assert isinstance(op, metal.Slice)
    type_ = op.result.type
    assert isinstance(type_, VectorType)
    letters = COMPONENTS[op.index : op.index + type_.size]
    source = writer[op.source]
    name = f"{source.type.rstrip('234')}{type_.size}"
    return Expr(f"{source.inside(PRIMARY)}.{letters}", PRIMARY, name)


def _pack(writer: Operands, op: Op) -> Expr:
    name = msl_type(op.result)
    return call(name, name, *(writer.stored(value) for value in op.operands))


def _program(base: str) -> Rule:
    def rule(writer: Operands, op: Op) -> Expr:
        assert isinstance(op, tt.GetProgramId | tt.GetNumPrograms)
        return Expr(f"{base}.{op.axis}", PRIMARY, "uint")

    return rule


def _thread_index(writer: Operands, op: Op) -> Expr:
    return Expr("thread_index", PRIMARY, "uint")


RULES: dict[type[Op], Callable[[Operands, Op], Expr]] = {
    **INTEGER_RULES,
    **FLOAT_RULES,
    **CONVERSION_RULES,
    **FUNCTION_RULES,
    **LIBRARY_RULES,
    arith.Constant: constant,
    arith.Select: _select,
    tt.Addptr: _pointer_sum,
    ub.Poison: _null,  # numbers are constants by now
    tt.GetProgramId: _program("program"),
    tt.GetNumPrograms: _program("programs"),
    metal.ThreadIndex: _thread_index,
    metal.SplatVector: _splat,
    metal.Iota: _iota,
    metal.Extract: _extract,
    metal.Slice: _slice,
    metal.Pack: _pack,
}


class Writer(Operands):
    """Writes the expression of any pure op."""

    def write(self, op: Op) -> Expr:
        """The expression of a pure op."""
        rule = RULES.get(type(op))
        if rule is None:
            raise UnsupportedError(f"{op.op_name} is not supported yet", op.span)
        try:
            return rule(self, op)
        except UnsupportedError as error:
            if error.span is None:  # a type without a form: say where
                raise UnsupportedError(
                    f"{op.op_name}: {error.message}", op.span, error.note
                ) from None
            raise
