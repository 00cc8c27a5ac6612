"""The edits that let NVIDIA's compiler read MSL as CUDA C++. Lines stay where they are.

Threadgroup variables become `__shared__`, pointers plain ones. Program scope is namespace metal
there (see headers/trimetal/config.hpp), which the caller puts around the text.
"""

from __future__ import annotations

import struct

from .edits import EditedText, Edits
from .rewrite import common_edits, half_literal
from .structure import ADDRESS_SPACES, Unit


def for_cuda(unit: Unit) -> EditedText:
    """The text for NVRTC."""
    edits = Edits(unit.text)
    common_edits(unit, edits)
    shared = {
        index
        for kernel in unit.kernels()
        if kernel.body
        for index in _threadgroup_variables(unit, *kernel.body)
    }
    constants = {index for start, _ in unit.variables for index in (start, start + 1)}
    for index, token in enumerate(unit.tokens):
        if index in shared:
            edits.replace(token.start, token.end, "__shared__")
        elif token.text == "constant" and index in constants:
            edits.replace(token.start, token.end, "__constant__")
        elif token.text in ADDRESS_SPACES:
            edits.blank(token.start, token.end)
        elif token.text == "kernel":
            edits.replace(token.start, token.end, "static __forceinline__")
        elif token.kind == "number" and (digits := half_literal(token)) is not None:
            edits.replace(token.start, token.end, f"half(half_bits{{{_half_bits(digits):#06x}u}})")
    return edits.apply()


def _threadgroup_variables(unit: Unit, start: int, end: int) -> list[int]:
    """Where `threadgroup` declares a variable in a kernel's body, and no pointer."""
    found: list[int] = []
    begins = True
    for index in range(start, end):
        text = unit.tokens[index].text
        if begins and text in ("threadgroup", "alignas", "static"):
            words: list[str] = []
            while unit.tokens[index + len(words)].text not in (";", "{", "}", "[", "="):
                words.append(unit.tokens[index + len(words)].text)
            if "threadgroup" in words and not {"*", "&"} & set(words):
                found.append(index + words.index("threadgroup"))
        begins = text in (";", "{", "}")
    return found


def _half_bits(digits: str) -> int:
    """The bits of the half nearest to a decimal number."""
    try:
        return int.from_bytes(struct.pack("<e", float(digits)), "little")
    except OverflowError:
        return 0x7C00
