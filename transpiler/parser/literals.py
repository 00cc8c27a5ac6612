"""Numbers, strings and dense constants."""

from __future__ import annotations

import math
import re
from typing import cast

from ..ir.attributes import DenseAttr, FloatAttr, IntegerAttr
from ..ir.floats import bits_of_float
from ..ir.types import F64, I1, I64, FloatType, IndexType, IntegerType, TensorType, Type
from .cursor import Cursor
from .nodes import Item, Node, Token

# Triton's own bound on a tensor (TRITON_MAX_TENSOR_NUMEL); a constant cannot have more elements.
MAX_ELEMENTS = 1 << 20
_ESCAPE = re.compile(r"\\([0-9A-Fa-f]{2}|.)", re.DOTALL)


def unescape(text: str) -> str:
    r"""The characters of a quoted text: `\0A` is a byte, `\"` and `\\` are characters."""
    if "\\" not in text:
        return text
    data = bytearray()
    at = 0
    for match in _ESCAPE.finditer(text):
        data += text[at : match.start()].encode("utf-8", "surrogateescape")
        code = match.group(1)
        named = {"n": b"\n", "t": b"\t"}
        data += bytes([int(code, 16)]) if len(code) == 2 else named.get(code, code.encode())
        at = match.end()
    data += text[at:].encode("utf-8", "surrogateescape")
    return data.decode("utf-8", "surrogateescape")


def number(cursor: Cursor, token: Token, type_: Type | None) -> IntegerAttr | FloatAttr:
    """A number with the type that the text gives it: i64 or f64 where it gives none."""
    text = str(token)
    if token.type == "WORD" and text in ("true", "false"):
        return IntegerAttr(-1 if text == "true" else 0, I1)
    if token.type != "NUMBER":
        cursor.fail(f"expected a number, found '{text[:40]}'", token)
    if type_ is None:
        type_ = F64 if _is_decimal(text) else I64
    if isinstance(type_, FloatType):
        return FloatAttr(float_bits(cursor, token, text, type_), type_)
    if isinstance(type_, IntegerType | IndexType):
        return IntegerAttr(_integer(cursor, token, type_), type_)
    cursor.fail(f"a number cannot have type {type_}", token)


def _is_decimal(text: str) -> bool:
    return not text.startswith("0x") and not text.lstrip("-").isdigit()


def _integer(cursor: Cursor, token: Token, type_: IntegerType | IndexType) -> int:
    value = cursor.integer_of(token)
    width = type_.width
    if not -(1 << width) < 2 * value + 1 <= 1 << (width + 1):
        cursor.fail(f"{value} does not fit {type_}", token)
    # Unsigned spellings of negative numbers are legal: 4294967295 : i32.
    return value - (1 << width) if value >> (width - 1) > 0 and value > 0 else value


def float_bits(cursor: Cursor, token: Item, text: str, type_: FloatType) -> int:
    """The bit pattern that a decimal or hexadecimal number stands for."""
    if len(text) > 400:
        cursor.fail("a number with too many digits", token)
    if text.startswith("0x"):
        bits = int(text, 16)
        if bits >> type_.width:
            cursor.fail(f"{text} does not fit {type_}", token)
        return bits
    return bits_of_float(float(text), type_)


def dense(cursor: Cursor, body: Node, type_: Type) -> DenseAttr:
    """`dense<...> : type`."""
    if not isinstance(type_, TensorType):
        cursor.fail(f"a dense constant cannot have type {type_}", body)
    items = body.items
    first = items[0] if items else None
    if first is None:
        if type_.size:
            cursor.fail(f"no numbers for the {type_.size} elements of {type_}", body)
        return DenseAttr((), type_)
    if first.type == "STRING":
        cursor.inner(body).integer if len(items) == 1 else cursor.fail("more than a string", body)
        return DenseAttr(_raw(cursor, cast(Token, first), type_), type_)
    if first.type == "list" and len(items) == 1:
        return DenseAttr(_listed(cursor, cast(Node, first), type_), type_)
    if len(items) != 1:
        cursor.fail("expected one number, a list or a string", items[1])
    return DenseAttr((_entry(cursor, first, type_),), type_)


def _entry(cursor: Cursor, item: Item, type_: TensorType) -> int:
    element = type_.element
    if isinstance(item, Node):
        cursor.fail("expected a number", item)
    if not isinstance(element, IntegerType | FloatType | IndexType):
        cursor.fail(f"{type_} cannot be a constant", item)
    value = number(cursor, item, element)
    return value.bits if isinstance(value, FloatAttr) else value.value


def _listed(cursor: Cursor, node: Node, type_: TensorType) -> tuple[int, ...]:
    """The entries of nested lists, whose lengths must be the shape's."""
    level: list[Item] = [node]
    for depth, size in enumerate(type_.shape):
        following: list[Item] = []
        for item in level:
            if not isinstance(item, Node) or item.type != "list":
                cursor.fail(f"expected a list for dimension {depth} of {type_}", item)
            parts = item.items[::2]
            if len(parts) != size or any(sign != "," for sign in item.items[1::2]):
                cursor.fail(f"{len(parts)} entries where {type_} has {size}", item)
            following.extend(parts)
        level = following
    return tuple(_entry(cursor, item, type_) for item in level)


def _raw(cursor: Cursor, token: Token, type_: TensorType) -> tuple[int, ...]:
    """The entries of `"0x..."`: little-endian bytes, one element or all."""
    text = str(token)[1:-1]
    element = type_.element
    if not isinstance(element, IntegerType | FloatType):
        cursor.fail(f"{type_} cannot be a constant", token)
    if type_.size > MAX_ELEMENTS:
        cursor.fail(f"a constant of {type_.size} elements", token)
    try:
        data = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        cursor.fail("expected hexadecimal digits", token)
    if element == I1:
        return _raw_bools(cursor, token, data, type_)
    step = math.ceil(element.width / 8)
    if len(data) not in (step, step * type_.size):
        cursor.fail(f"{len(data)} bytes for {type_}", token)
    signed = isinstance(element, IntegerType)
    return tuple(
        int.from_bytes(data[i : i + step], "little", signed=signed)
        for i in range(0, len(data), step)
    )


def _raw_bools(cursor: Cursor, token: Token, data: bytes, type_: TensorType) -> tuple[int, ...]:
    size = type_.size
    if len(data) == 1 and data[0] in (0, 255):
        return (-(data[0] & 1),)
    if len(data) == size:
        return tuple(-(byte & 1) for byte in data)
    if len(data) == math.ceil(size / 8):
        return tuple(-(data[i // 8] >> (i % 8) & 1) for i in range(size))
    cursor.fail(f"{len(data)} bytes for {type_}", token)
