"""The edits that let NVIDIA's compiler read MSL as CUDA C++. Lines stay where they are.

Threadgroup variables become `__shared__`, pointers plain ones. Program scope is namespace metal
there (see headers/trimetal/config.hpp), which the caller puts around the text.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from .edits import EditedText, Edits
from .rewrite import common_edits, half_literal
from .structure import ADDRESS_SPACES, Unit, matching
from .tokens import Token

# What clang calls NVIDIA's `unroll`.
_UNROLL = "clang loop unroll(full)"
_OF_A_TYPE = frozenset({"*", "<", ">", "::", ","})


def for_cuda(unit: Unit) -> EditedText:
    """The text for NVRTC."""
    edits = Edits(unit.text)
    common_edits(unit, edits)
    shared: set[int] = set()
    for kernel in unit.kernels():
        body = kernel.body or (0, 0)
        shared.update(_threadgroup_variables(unit, *body))
        for semicolon in _bare_arrays(unit, *body):
            edits.insert(semicolon.start, " = {}")
    for token in unit.all_tokens:
        if token.kind == "directive" and _UNROLL in token.text:
            start = token.start + token.text.index(_UNROLL)
            edits.replace(start, start + len(_UNROLL), "unroll")
    constants = {index for start, _ in unit.variables for index in (start, start + 1)}
    for index, token in enumerate(unit.tokens):
        if index in shared:
            edits.replace(token.start, token.end, "__shared__")
        elif token.text == "constant" and index in constants:
            edits.replace(token.start, token.end, "__constant__")
        else:
            _word(token, edits)
    return edits.apply()


def _word(token: Token, edits: Edits) -> None:
    """Replaces a word that only MSL has."""
    if token.text in ADDRESS_SPACES:
        edits.blank(token.start, token.end)
    elif token.text == "kernel":
        edits.replace(token.start, token.end, "static __forceinline__")
    elif token.kind == "number" and (digits := half_literal(token)) is not None:
        edits.replace(token.start, token.end, f"half(half_bits{{{_half_bits(digits):#06x}u}})")


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


def _bare_arrays(unit: Unit, start: int, end: int) -> Iterator[Token]:
    """The semicolon behind each thread's array that is declared without a value: `float4 x[8];`.

    NVIDIA's assembler (13.0) loses what a loop stores in such an array a part at a time: its first
    value is undefined on the way in, and it takes it for undefined on the way back too.
    """
    begins = True
    for index in range(start, end):
        if begins:
            stop = index
            while unit.tokens[stop].text in _OF_A_TYPE or unit.tokens[stop].kind == "name":
                stop += 1
            words = [token.text for token in unit.tokens[index:stop]]
            if len(words) > 1 and "threadgroup" not in words and unit.tokens[stop].text == "[":
                close = matching(unit.tokens, stop)
                if unit.tokens[close + 1].text == ";":
                    yield unit.tokens[close + 1]
        begins = unit.tokens[index].text in (";", "{", "}")


def _half_bits(digits: str) -> int:
    """The bits of the half nearest to a decimal number."""
    try:
        return int.from_bytes(struct.pack("<e", float(digits)), "little")
    except OverflowError:
        return 0x7C00
