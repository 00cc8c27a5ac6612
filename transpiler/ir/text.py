"""Texts of strings, symbols and constants, as MLIR writes them."""

from __future__ import annotations

import re

from .attributes import (
    Attribute,
    DenseArrayAttr,
    DenseAttr,
    FloatAttr,
    IntegerAttr,
    OpaqueAttr,
    StringAttr,
    SymbolAttr,
    UnitAttr,
)
from .floats import bits_of_float, float_text
from .types import FloatType, IntegerType

_BARE_SYMBOL = re.compile(r"[A-Za-z_][\w$.]*\Z")
_HEX_ABOVE = 100  # entries of a constant that MLIR writes one by one


def quoted(text: str) -> str:
    """A string as MLIR quotes it."""
    out: list[str] = []
    for byte in text.encode("utf-8", "surrogateescape"):
        char = chr(byte)
        if char in '"\\':
            out.append(f"\\{char}" if char == "\\" else "\\22")
        elif 32 <= byte < 127:
            out.append(char)
        else:
            out.append(f"\\{byte:02X}")
    return f'"{"".join(out)}"'


def symbol_text(name: str) -> str:
    """`@name`, quoted where it has to be."""
    return f"@{name}" if _BARE_SYMBOL.match(name) else f"@{quoted(name)}"


def dense_array_text(attribute: DenseArrayAttr) -> str:
    """`array<i32: 1, 0>`."""
    if not attribute.values:
        return f"array<{attribute.element}>"
    texts: list[str] = []
    for value in attribute.values:
        if isinstance(value, bool):
            texts.append("true" if value else "false")
        elif isinstance(attribute.element, FloatType):
            texts.append(float_text(bits_of_float(value, attribute.element), attribute.element))
        else:
            texts.append(str(value))
    return f"array<{attribute.element}: {', '.join(texts)}>"


def dense_text(attribute: DenseAttr) -> str:
    """`dense<...>` without its type."""
    element = attribute.type.element

    def entry(value: int) -> str:
        if isinstance(element, FloatType):
            return float_text(value, element)
        if element == IntegerType(1):
            return "true" if value else "false"
        return str(value)

    if attribute.is_splat:
        return f"dense<{entry(attribute.entries[0])}>"
    if not attribute.entries:
        return "dense<>"
    if len(attribute.entries) > _HEX_ABOVE and isinstance(element, IntegerType | FloatType):
        size = (element.width + 7) // 8
        mask = (1 << (8 * size)) - 1
        data = b"".join((value & mask).to_bytes(size, "little") for value in attribute.entries)
        return f'dense<"0x{data.hex().upper()}">'
    texts = [entry(value) for value in attribute.entries]
    for size in reversed(attribute.type.shape):
        texts = [f"[{', '.join(texts[i : i + size])}]" for i in range(0, len(texts), max(size, 1))]
    return f"dense<{texts[0]}>"


def plain_text(attribute: Attribute) -> str:
    """The text of an attribute that holds neither types nor other attributes."""
    match attribute:
        case IntegerAttr():
            return str(attribute)
        case FloatAttr():
            return f"{float_text(attribute.bits, attribute.type)} : {attribute.type}"
        case StringAttr():
            return quoted(attribute.value)
        case SymbolAttr():
            return symbol_text(attribute.name)
        case DenseArrayAttr():
            return dense_array_text(attribute)
        case OpaqueAttr():
            return attribute.text
        case UnitAttr():
            return "unit"
        case _:
            raise TypeError(f"{attribute} holds others")
