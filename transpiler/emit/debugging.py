"""Records for the launcher as MSL."""

from __future__ import annotations

from ..debug import HEADER_WORDS, RECORD_WORDS
from ..dialects import metal
from ..ir.core import Op, Value
from ..ir.types import FloatType, PointerType, bit_width, element_of
from .body import BodyWriter, Handler
from .template import macro


def _record(writer: BodyWriter, op: Op) -> None:
    assert isinstance(op, metal.Record)
    text = macro("debug.metal.jinja", "record")(HEADER_WORDS, RECORD_WORDS)
    writer.functions["trimetal_record"] = text
    places = [writer.writer[value].text for value in (op.x, op.y, op.z, op.element)]
    bits = "0" if op.value is None else _bits(writer, op.value)
    arguments = ", ".join([writer.writer[op.buffer].text, str(op.site), *places, bits])
    writer.add(f"trimetal_record({arguments});", op.location)


def _bits(writer: BodyWriter, value: Value) -> str:
    """The bits of a value, as a ulong."""
    type_, text = element_of(value.type), writer.writer[value].text
    if isinstance(type_, PointerType):
        return f"(ulong)({text})"
    if isinstance(type_, FloatType) and bit_width(type_) > 8:
        carrier = "uint" if bit_width(type_) == 32 else "ushort"
        return f"as_type<{carrier}>({text})"
    return f"ulong({text})"


DEBUG_HANDLERS: dict[type[Op], Handler] = {metal.Record: _record}
