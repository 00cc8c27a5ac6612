"""What an MSL file declares: functions with their parameters, struct members, variables.

This reads declarations, no expressions, and takes the text to be well formed: a compiler reports
what is not. Of broken text it finds what it can.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from .tokens import Token, significant, tokenize

ADDRESS_SPACES = frozenset({"device", "constant", "threadgroup", "thread"})
_OPENING = {"(": ")", "[": "]", "{": "}"}
_CLOSING = frozenset(_OPENING.values())


@dataclass(frozen=True)
class Parameter:
    """One parameter. `type` is its text without attributes and name, one space between words."""

    name: str
    type: str
    attribute: str | None
    attribute_argument: str | None
    token: Token

    @property
    def spaces(self) -> set[str]:
        """The address spaces that the type names."""
        return set(self.type.replace("*", " ").replace("&", " ").split()) & ADDRESS_SPACES

    @property
    def is_pointer(self) -> bool:
        """Whether the parameter itself is a pointer."""
        return re.search(r"\*\s*(const)?$", self.type) is not None

    @property
    def is_reference(self) -> bool:
        """Whether it is a reference."""
        return self.type.endswith("&")

    @property
    def value_type(self) -> str:
        """The type behind one pointer or reference, without address space and qualifiers."""
        words = re.sub(r"[*&]\s*(const)?$", "", self.type).split()
        dropped = ADDRESS_SPACES | {"const", "volatile"}
        return " ".join(word for word in words if word not in dropped)


@dataclass(frozen=True)
class Function:
    """A function with its body as a range of `Unit.tokens` (the braces included), if it has one."""

    name: str
    is_kernel: bool
    is_template: bool
    head: tuple[int, int]
    parameters: tuple[Parameter, ...]
    body: tuple[int, int] | None
    token: Token


@dataclass
class Unit:
    """A file: its significant tokens, and what it declares at program scope."""

    text: str
    all_tokens: list[Token]
    tokens: list[Token]
    functions: list[Function] = field(default_factory=list[Function])
    # Token ranges of declarations at program scope that are neither functions nor types.
    variables: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    struct_members: set[str] = field(default_factory=set[str])

    def line(self, token: Token) -> int:
        """The token's line, from 1."""
        return self.text.count("\n", 0, token.start) + 1

    def kernels(self) -> list[Function]:
        """The kernel functions."""
        return [function for function in self.functions if function.is_kernel]


def parse_unit(text: str) -> Unit:
    """Reads a file's declarations."""
    all_tokens = tokenize(text)
    unit = Unit(text, all_tokens, significant(all_tokens))
    _read_scope(unit, 0, len(unit.tokens))
    return unit


def matching(tokens: list[Token], index: int) -> int:
    """The index of the bracket that closes the one at `index` (the last token if none does)."""
    depth = 0
    for i in range(index, len(tokens)):
        if tokens[i].text in _OPENING:
            depth += 1
        elif tokens[i].text in _CLOSING:
            depth -= 1
            if depth == 0:
                return i
    return len(tokens) - 1


def threadgroup_variables(unit: Unit, kernel: Function) -> Iterator[Token]:
    """The names of a kernel's threadgroup variables, each the last name before `[`, `,` or `;`."""
    start, end = kernel.body or (0, 0)
    begins = True
    for index in range(start, end):
        text = unit.tokens[index].text
        if begins and text in ("threadgroup", "alignas"):
            yield from _names_in_statement(unit, index, end)
        begins = text in (";", "{", "}")


def _names_in_statement(unit: Unit, index: int, end: int) -> Iterator[Token]:
    """The names that the statement at `index` declares; none if it declares pointers."""
    name: Token | None = None
    depth = 0
    for token in unit.tokens[index:end]:
        if token.text in ("*", "&") and depth == 0:
            return
        if depth == 0 and token.text in ("[", ",", ";", "=") and name is not None:
            yield name
            name = None
        if token.text == ";":
            return
        depth += {"[": 1, "(": 1, "<": 1, "]": -1, ")": -1, ">": -1}.get(token.text, 0)
        if depth == 0 and token.kind == "name":
            name = token


def _read_scope(unit: Unit, start: int, end: int) -> None:
    """Reads the declarations between two indices, at program or namespace scope."""
    tokens = unit.tokens
    first = i = start
    while i < end:
        text = tokens[i].text
        if text == ";":
            _read_declaration(unit, first, i)
            first = i + 1
        elif text == "{":
            close = matching(tokens, i)
            first = _read_block(unit, first, i, close)
            i = max(close, first - 1)
        elif text in ("(", "["):
            i = matching(tokens, i)
        i += 1


def _read_block(unit: Unit, first: int, brace: int, close: int) -> int:
    """Reads what the braces belong to; returns where the next declaration begins."""
    words = [token.text for token in unit.tokens[first:brace]]
    if "namespace" in words:
        _read_scope(unit, brace + 1, close)
        return close + 1
    if "(" in words and "=" not in words and not _is_type(words):
        function = _function(unit, first, brace, (brace, close + 1))
        if function:
            unit.functions.append(function)
        return close + 1
    if _is_type(words):
        _read_members(unit, brace + 1, close)
    # `struct S {...};` and `constant float t[] = {...};` go on to their semicolon.
    return first


def _is_type(words: list[str]) -> bool:
    return bool({"struct", "union", "class", "enum"} & set(words)) and "(" not in words


def _read_members(unit: Unit, start: int, end: int) -> None:
    """Notes the names of a struct's data members."""
    for i in range(start, end - 1):
        name, after = unit.tokens[i], unit.tokens[i + 1].text
        if name.kind == "name" and after in (";", ",", "[", "=") and i > start:
            unit.struct_members.add(name.text)


def _read_declaration(unit: Unit, first: int, semicolon: int) -> None:
    """Reads a declaration at program scope that ends in a semicolon."""
    words = [token.text for token in unit.tokens[first:semicolon]]
    while words and words[0].startswith("[["):
        words = words[1:]
    if not words or words[0] in ("using", "typedef", "static_assert"):
        return
    if words[0] == "template" and "(" not in words:
        return
    if _is_type(words) and words[-1] == "}":
        return
    if words[0] in ("struct", "class", "enum", "union") and len(words) == 2:
        return
    if "(" in words and "=" not in words[: words.index("(")]:
        function = _function(unit, first, semicolon, None)
        if function:
            unit.functions.append(function)
        return
    unit.variables.append((first, semicolon))


def _function(unit: Unit, first: int, end: int, body: tuple[int, int] | None) -> Function | None:
    """The function whose head stands at [first, end)."""
    tokens = unit.tokens
    opening = next((i for i in range(first, end) if tokens[i].text == "("), None)
    if opening is None or opening == first or tokens[opening - 1].kind != "name":
        return None
    head = [token.text for token in tokens[first:opening]]
    is_kernel = "kernel" in head or any(re.fullmatch(r"\[\[\s*kernel\s*\]\]", w) for w in head)
    close = matching(tokens, opening)
    return Function(
        name=tokens[opening - 1].text,
        is_kernel=is_kernel,
        is_template="template" in head,
        head=(first, opening),
        parameters=tuple(_parameters(tokens[opening + 1 : close])),
        body=body,
        token=tokens[opening - 1],
    )


def split_commas(tokens: list[Token]) -> list[list[Token]]:
    """Splits at the commas outside of all brackets, template arguments' among them."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        if token.text in ("(", "[", "{", "<"):
            depth += 1
        elif token.text in (")", "]", "}", ">"):
            depth -= 1
        if token.text == "," and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    return [part for part in parts if part]


def _parameters(tokens: list[Token]) -> list[Parameter]:
    parameters: list[Parameter] = []
    for part in split_commas(tokens):
        attributes = [token for token in part if token.kind == "attribute"]
        body = [token for token in part if token.kind != "attribute"]
        default = next((i for i, token in enumerate(body) if token.text == "="), len(body))
        body = body[:default]
        if not body or [token.text for token in body] == ["void"]:
            continue
        name = next((token for token in reversed(body) if token.kind == "name"), body[-1])
        type_words = [token.text for token in body if token is not name]
        attribute, argument = _attribute(attributes[0].text) if attributes else (None, None)
        parameters.append(Parameter(name.text, _joined(type_words), attribute, argument, name))
    return parameters


def _attribute(text: str) -> tuple[str, str | None]:
    """The name and argument of `[[name(argument)]]`."""
    match = re.match(r"\[\[\s*(\w+)\s*(?:\(\s*([^)]*?)\s*\))?", text)
    return (match.group(1), match.group(2)) if match else (text, None)


def _joined(words: list[str]) -> str:
    """A type's words as one text: no spaces around `::` and template brackets."""
    text = " ".join(words)
    return re.sub(r"\s*(::|<|>|,)\s*", r"\1", text).replace(">", "> ").replace(",", ", ").strip()
