"""Rules on declarations: address spaces, program scope, recursion."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from trimetal.runtime.source.structure import ADDRESS_SPACES, Unit
from trimetal.runtime.source.tokens import Token
from trimetal.transpiler.errors import SourceText, Span

from .finding import Finding
from .lints import is_builtin_type

Problem = tuple[Token, str, str]

_QUALIFIERS = frozenset({"const", "volatile", "restrict", "constexpr", "static", "inline"})
# What a declaration can begin after.
_STARTS = frozenset({";", "{", "}", "(", ",", "<", ")", ":"})


def declaration_findings(unit: Unit, name: str) -> list[Finding]:
    """What is wrong with declarations that a C++ compiler would take."""
    source = SourceText(unit.text, name)
    problems = [
        *_pointer_problems(unit),
        *_program_scope_problems(unit),
        *_static_problems(unit),
        *_call_problems(unit),
    ]
    return [
        Finding(rule, message, Span(source, token.start, token.end))
        for token, rule, message in problems
    ]


def _pointer_problems(unit: Unit) -> Iterator[Problem]:
    """Every pointer and reference names the memory that it points to."""
    tokens = unit.tokens
    types = _declared_types(unit)
    for i, token in enumerate(tokens):
        if token.text not in ("*", "&") or i == 0 or i + 1 == len(tokens):
            continue
        words = _type_before(tokens, i)
        if words is None or not _is_type(words, types):
            continue
        after = tokens[i + 1]
        if not (after.kind == "name" or after.text in (")", ",", "*", "&", ">", "(")):
            continue
        if token.text == "*" and after.text == "*":
            yield token, "pointer", "pointers to pointers are not available here"
        if not ADDRESS_SPACES & set(words):
            kind = "pointer" if token.text == "*" else "reference"
            message = f"a {kind} to {words[-1]!r} without address space"
            yield token, "address-space", message


def _type_before(tokens: list[Token], index: int) -> list[str] | None:
    """The words of the type that ends before `index`, if a declaration or cast begins there."""
    words: list[str] = []
    depth = 0
    i = index - 1
    while i >= 0:
        token = tokens[i]
        if token.text == ">":
            depth += 1
        elif token.text == "<" and depth:
            depth -= 1
        elif depth == 0:
            if token.text in _STARTS or token.kind == "attribute":
                break
            if token.kind != "name" and token.text != "::":
                return None
            words.append(token.text)
        i -= 1
    words.reverse()
    return words or None


def _is_type(words: list[str], types: set[str]) -> bool:
    """Whether the words name a type (rather than the left operand of a product)."""
    if ADDRESS_SPACES & set(words) or _QUALIFIERS & set(words):
        return True
    return is_builtin_type(words[-1]) or words[-1] in types


def _declared_types(unit: Unit) -> set[str]:
    """Names of structs, aliases and template parameters."""
    types = {"simdgroup_matrix", "vec", "array", "_atomic", "atomic"}
    tokens = unit.tokens
    for i, token in enumerate(tokens[:-1]):
        after = tokens[i + 1]
        if token.text in ("struct", "class", "typename", "using", "enum") and after.kind == "name":
            types.add(after.text)
        elif token.text == "typedef":
            end = i
            while end < len(tokens) and tokens[end].text != ";":
                end += 1
            types.add(tokens[end - 1].text)
    return types


def _program_scope_problems(unit: Unit) -> Iterator[Problem]:
    for start, end in unit.variables:
        words = [token.text for token in unit.tokens[start:end]]
        if "constant" not in words:
            message = "a variable at program scope must be in constant memory"
            yield unit.tokens[start], "program-scope", message
        elif "=" not in words and "{" not in words:
            message = "a constant variable must be initialised"
            yield unit.tokens[start], "program-scope", message


def _static_problems(unit: Unit) -> Iterator[Problem]:
    for function in unit.functions:
        if function.body is None:
            continue
        for token in unit.tokens[slice(*function.body)]:
            if token.text == "static":
                yield token, "static", "static variables in functions are not available in Metal"


def _call_problems(unit: Unit) -> Iterator[Problem]:
    """No recursion, and nobody calls a kernel. Overloads call each other freely."""
    calls: dict[str, list[Token]] = {}
    overloaded: set[str] = set()
    for function in unit.functions:
        if function.body is None:
            continue
        if function.name in calls:
            overloaded.add(function.name)
        body = unit.tokens[slice(*function.body)]
        calls.setdefault(function.name, []).extend(
            token
            for token, after in pairwise(body)
            if token.kind == "name" and after.text in ("(", "<")
        )
    kernels = {kernel.name for kernel in unit.kernels()}
    for caller, called in calls.items():
        for token in called:
            if token.text in kernels:
                yield token, "call", f"kernel {token.text!r} is called as a function"
            elif token.text not in overloaded and caller in _reachable(token.text, calls):
                yield token, "recursion", f"function {caller!r} calls itself"


def _reachable(start: str, calls: dict[str, list[Token]]) -> set[str]:
    """The functions that calling `start` may enter."""
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name in reached or name not in calls:
            continue
        reached.add(name)
        waiting += [token.text for token in calls[name]]
    return reached
