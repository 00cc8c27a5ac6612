"""Text to syntax nodes: what each rule of `ttgir.lark` becomes, and what is said of wrong text."""

from __future__ import annotations

import functools
from typing import cast

from ..errors import ParseError, SourceText, Span
from .lalr import END, UNEXPECTED, Machine, UnexpectedTokenError
from .nodes import (
    AliasNode,
    BlockNode,
    DictNode,
    Entry,
    FileNode,
    Item,
    Node,
    OpNode,
    RegionNode,
    Token,
)

MAX_ALIASES = 200_000  # a dump has one for each location, some thousands


class _Actions:
    """What is made of each rule that has been read; each method has a rule's name."""

    def file(self, children: FileNode) -> FileNode:
        return children

    def words(self, children: list[Item]) -> list[Item]:
        return children

    def alias(self, children: list[Item]) -> AliasNode:
        return AliasNode(cast(Token, children[0]), children[1:])

    def plain(self, children: list[Item]) -> OpNode:
        first = cast(Token, children[0])
        if first.type == "DEF":
            return OpNode(first, cast(Token, children[1]), children[2:])
        return OpNode(None, first, children[1:])

    generic = plain
    nested = plain

    def region(self, children: list[object]) -> RegionNode:
        ops = [c for c in children[1:-1] if isinstance(c, OpNode)]
        blocks = [c for c in children[1:-1] if isinstance(c, BlockNode)]
        if ops or not blocks:
            blocks.insert(0, BlockNode(None, None, ops))
        start, end = cast(Token, children[0]), cast(Token, children[-1])
        return RegionNode(blocks, start.start_pos, end.end_pos)

    def block(self, children: list[Item]) -> BlockNode:
        arguments = children[1] if children[1].type == "group" else None
        ops = cast("list[OpNode]", children[2 if arguments is None else 3 :])
        return BlockNode(cast(Token, children[0]), cast("Node | None", arguments), ops)

    def regions(self, children: list[Item]) -> Node:
        regions = [c for c in children if c.type == "region"]
        return Node("regions", regions, children[0].start_pos, children[-1].end_pos)

    def entry(self, children: list[Item]) -> Entry:
        return Entry(cast(Token, children[0]), children[2:])

    def location(self, children: list[Item]) -> Node:
        return Node("location", children, children[0].start_pos, children[-1].end_pos)

    def dict(self, children: list[Item]) -> Node:
        entries = cast("list[Entry]", children[1:-1:2])
        return DictNode(entries, children[0].start_pos, children[-1].end_pos)

    def group(self, children: list[Item]) -> Node:
        return Node("group", children[1:-1], children[0].start_pos, children[-1].end_pos)

    def list(self, children: list[Item]) -> Node:
        return Node("list", children[1:-1], children[0].start_pos, children[-1].end_pos)

    def angle(self, children: list[Item]) -> Node:
        return Node("angle", children[1:-1], children[0].start_pos, children[-1].end_pos)


ACTIONS = _Actions()


@functools.cache
def machine() -> Machine:
    """The machine that reads the grammar."""
    from .tables import tables

    return Machine(tables(), ACTIONS)


def read_file(source: SourceText) -> FileNode:
    """Syntax nodes of a whole text."""
    if source.text.count("\n#") > MAX_ALIASES:
        raise ParseError(f"more than {MAX_ALIASES} aliases", Span(source, 0, 1))
    return cast(FileNode, _read(source.text, "file", source, 0))


def read_words(text: str, source: SourceText, base: int) -> list[Item]:
    """Syntax nodes of a piece of text that stands at offset `base`."""
    return cast("list[Item]", _read(text, "words", source, base))


def _read(text: str, start: str, source: SourceText, base: int) -> object:
    try:
        return machine().run(text, start)
    except UnexpectedTokenError as error:
        raise _parse_error(error, source, base) from None


def _parse_error(error: UnexpectedTokenError, source: SourceText, base: int) -> ParseError:
    token = error.token
    at = base + token.start_pos
    if token.type == UNEXPECTED:
        what = "a string without its end" if token == '"' else f"unexpected character {token!r}"
        return ParseError(what, Span(source, at, at + 1))
    if token.type == END:
        return ParseError(f"the text ends where {_wanted(error)}", Span(source, at, at + 1))
    shown = token.strip()
    where = at + len(token) - len(token.lstrip())
    message = f"unexpected '{shown.splitlines()[0][:40]}': {_wanted(error)}"
    return ParseError(message, Span(source, where, where + len(shown)))


_MEANINGS = {
    "DEF": "an op",
    "OP_NAME": "an op",
    "GENERIC": "an op",
    "REGION_OP": "an op",
    "RBRACE": "'}'",
    "RPAR": "')'",
    "RSQB": "']'",
    "MORETHAN": "'>'",
    "LBRACE": "'{'",
    "COLON": "':'",
    "EQ": "'='",
    "COMMA": "','",
    "LABEL": "a block",
    "ALIAS_DEF": "an alias",
    "$END": "the end",
}


_CLOSING = {"'}'", "')'", "']'", "'>'"}


def _wanted(error: UnexpectedTokenError) -> str:
    wanted = {_MEANINGS[name] for name in error.wanted if name in _MEANINGS}
    if not wanted:
        return "a word or value should stand here"
    if len(wanted) > 3:  # inside brackets nearly anything goes on; what is missing is their end
        wanted = wanted & _CLOSING or wanted
    return f"{' or '.join(sorted(wanted))} should stand here"
