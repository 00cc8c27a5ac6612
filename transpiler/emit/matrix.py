"""Simdgroup matrices as statements."""

from __future__ import annotations

from ..dialects import arith, metal, metal_matrix
from ..ir.core import Op, Value
from ..ir.types import ArrayType, PointerType, VectorType, element_of
from .body import BodyWriter, Handler, local_array, write_entry
from .names import source_name
from .template import template
from .types import name_of
from .writer import PRIMARY, PRODUCT, SUM, Expr

_ELEMENTS = "simdgroup_elements.metal.jinja"


def _local(writer: BodyWriter, op: Op) -> None:
    """An array of matrices; any other array as ever."""
    type_ = op.result.type
    if not metal_matrix.is_matrices(type_):
        local_array(writer, op)
        return
    assert isinstance(type_, ArrayType)
    name = writer.scope.declare(source_name(op.result) or "sums")
    element = name_of(element_of(type_.element))
    count = f"[{type_.count}]" if type_.count > 1 else ""
    writer.add(f"simdgroup_{element}8x8 {name}{count};", op.location)
    writer.writer.expressions[op.result] = Expr(name, PRIMARY, name_of(type_.element))
    if any(isinstance(user, metal.Read | metal.Write) for user in op.result.users):
        writer.functions.setdefault("elements", template(_ELEMENTS).render())


def _matrix(writer: BodyWriter, array: Value, index: Value) -> str:
    """A matrix of an array."""
    assert isinstance(array.type, ArrayType)
    name = writer.writer[array].text
    return f"{name}[{writer.writer[index].text}]" if array.type.count > 1 else name


def _load(writer: BodyWriter, op: Op) -> None:
    assert isinstance(op, metal_matrix.MatrixLoad)
    matrix = _matrix(writer, op.matrices, op.entry)
    source = writer.writer[op.source]
    base = source.inside(SUM)
    if isinstance(op.source.type, ArrayType) and isinstance(op.source.type.element, VectorType):
        base = f"(threadgroup {name_of(element_of(op.source.type.element))}*){base}"
    offset = writer.writer[op.offset]
    place = base if offset.text == "0" else f"{base} + {offset.inside(SUM)}"
    pitch = writer.writer[op.pitch]
    if isinstance(op.source.type, PointerType):
        pitch = writer.writer.signed(op.pitch)
    flag = ", ulong2(0), true" if op.transposed else ""
    writer.add(f"simdgroup_load({matrix}, {place}, {pitch.inside(PRODUCT)}{flag});", op.location)


def _multiply_accumulate(writer: BodyWriter, op: Op) -> None:
    assert isinstance(op, metal_matrix.MultiplyAccumulate)
    sums = _matrix(writer, op.sums, op.sum_entry)
    a, b = _matrix(writer, op.a, op.a_entry), _matrix(writer, op.b, op.b_entry)
    writer.add(f"simdgroup_multiply_accumulate({sums}, {a}, {b}, {sums});", op.location)


def _write(writer: BodyWriter, op: Op) -> None:
    """One number in all elements of a matrix, the same in all lanes; any other write as ever."""
    assert isinstance(op, metal.Write)
    source = op.value.defining_op
    is_whole = metal_matrix.is_matrices(op.array.type) and op.lane is None
    if not (is_whole and isinstance(source, metal.SplatVector) and _is_constant(source.source)):
        write_entry(writer, op)
        return
    matrix = _matrix(writer, op.array, op.index)
    scalar = writer.writer.typed(source.source)
    fill = f"make_filled_simdgroup_matrix<{name_of(source.source.type)}, 8, 8>({scalar.text})"
    writer.add(f"{matrix} = {fill};", op.location)


def _is_constant(value: Value) -> bool:
    return isinstance(value.defining_op, arith.Constant)


MATRIX_HANDLERS: dict[type[Op], Handler] = {
    metal.Local: _local,
    metal.Write: _write,
    metal_matrix.MatrixLoad: _load,
    metal_matrix.MultiplyAccumulate: _multiply_accumulate,
}
