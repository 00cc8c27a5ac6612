"""Rules on single tokens: what C++ has and Metal has not, and how literals are written."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trimetal.runtime.source.structure import Unit
from trimetal.runtime.source.tokens import Token
from trimetal.transpiler.errors import SourceText, Span

from .finding import Finding


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FORBIDDEN = _words("""
    goto try catch throw new delete dynamic_cast typeid virtual asm __asm__ double thread_local
    register noexcept friend export mutable co_await co_return co_yield wchar_t char16_t char32_t
    std requires concept
""")
# Words that Metal keeps for itself (or defines as macros) and C++ would take as names.
RESERVED = _words("""
    vertex fragment kernel mesh object sampler texture1d texture2d texture3d texturecube depth2d
    ray_data object_data threadgroup_imageblock threadgroup intersection visible half bfloat device
    constant thread main assert access patch stage_in complex imaginary quad restrict llong matrix
    vec atomic metal as_type
""")
_SCALARS = _words("""
    void auto bool char uchar short ushort int uint long ulong float half bfloat size_t ptrdiff_t
    int8_t uint8_t int16_t uint16_t int32_t uint32_t int64_t uint64_t unsigned signed
""")
_VECTOR = re.compile(
    r"(packed_)?(float|half|bfloat|u?int|u?char|u?short|u?long|bool)[234]"
    r"|atomic_(int|uint|bool|float|ulong)|simdgroup_(float|half|bfloat)8x8"
)
_HEADERS = _words("""
    metal_stdlib metal_atomic metal_common metal_compute metal_geometric metal_integer metal_limits
    metal_math metal_matrix metal_pack metal_relational metal_simdgroup metal_simdgroup_matrix
    metal_types
""")
_INCLUDE = re.compile(r"\s*#\s*include\s*(?:<(.*?)>|\"(.*?)\")")
# A floating literal that does not say its type.
_PLAIN_FLOAT = re.compile(r"(?!0[xX])(\d[\d']*\.\d*|\.\d+|\d+(?=[eE]))([eE][+-]?\d+)?")
_BAD_SUFFIX = re.compile(
    r"(?!0[xX])(?:[\d'.eE+-]+?(?:[uU]?(?:ll|LL)|(?:ll|LL)[uU]|[fF]16|bf16|[dD])"
    r"|[\d']*\.[\d']*(?:[eE].*)?[lL])"
    r"|0[xX].*(?:ll|LL).*"
)

Problem = tuple[Token, str, str]


def is_builtin_type(word: str) -> bool:
    """Whether the word names a scalar, vector, atomic or matrix type."""
    return word in _SCALARS or _VECTOR.fullmatch(word) is not None


def lint_findings(unit: Unit, name: str) -> list[Finding]:
    """What single tokens and their neighbours show."""
    source = SourceText(unit.text, name)
    problems = [*_word_problems(unit), *_literal_problems(unit), *_include_problems(unit)]
    return [
        Finding(rule, message, Span(source, token.start, token.end))
        for token, rule, message in problems
    ]


def _word_problems(unit: Unit) -> Iterator[Problem]:
    tokens = unit.tokens
    for i, token in enumerate(tokens):
        before = tokens[i - 1].text if i else ""
        after = tokens[i + 1].text if i + 1 < len(tokens) else ""
        if token.kind == "name":
            if token.text in _FORBIDDEN:
                yield token, "language", f"{token.text!r} is not available in Metal"
            elif token.text == "long" and after == "long":
                yield token, "language", "'long long' is no type of Metal: 'long' has 64 bits"
            elif (
                token.text in RESERVED
                and is_builtin_type(before)
                and after in ("=", ";", ",", ")", "(", "[", "{")
            ):
                yield token, "reserved", f"{token.text!r} is a word of Metal's own"
        elif token.text == "[" and before in ("=", "(", ",", "return") and after in "]=&":
            yield token, "language", "lambda expressions are not available in Metal"


def _literal_problems(unit: Unit) -> Iterator[Problem]:
    for token in unit.all_tokens:
        if not token.text.isascii():
            yield token, "ascii", "only ASCII characters are safe in Metal's text"
        if token.kind != "number":
            continue
        if _PLAIN_FLOAT.fullmatch(token.text):
            message = f"floating literal {token.text} without a suffix: write {token.text}f"
            yield token, "literal", message
        elif _BAD_SUFFIX.fullmatch(token.text):
            yield token, "literal", f"literal {token.text} has a suffix that Metal does not know"


def _include_problems(unit: Unit) -> Iterator[Problem]:
    headers: set[str] = set()
    for token in unit.all_tokens:
        include = _INCLUDE.match(token.text) if token.kind == "directive" else None
        if include:
            header = include.group(1) or include.group(2)
            headers.add(header)
            if header not in _HEADERS:
                yield token, "include", f"{header!r} is no header of Metal's library"
    if "metal_stdlib" not in headers and unit.tokens:
        yield unit.tokens[0], "include", "the text does not include <metal_stdlib>"
