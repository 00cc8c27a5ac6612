"""Ops without a class in their own printed form: kept as they were written."""

from __future__ import annotations

import re

from ..ir.attributes import TypeAttr
from ..ir.core import OperandPiece, Piece, UnknownOp, Value
from ..ir.types import OpaqueType, Type
from .nodes import DictNode, Entry, Item, Node, Token, tokens_of
from .reader import OpReader

_SPACE = re.compile(r"(?://[^\n]*)|\s+")
UNKNOWN_TYPE = OpaqueType("?")


def read_unknown(reader: OpReader, name: str) -> UnknownOp:
    """Read an op whose format nobody has said: operands and types are found, the rest is text."""
    _require_plain(reader, name)
    text = _Pieces(reader)
    text.all()
    names = str(reader.op_node.definition)[:-1] if reader.op_node.definition else ""
    count = _result_count(names)
    return UnknownOp(
        name,
        text.operands,
        _result_types(reader, count),
        pieces=text.pieces or [""],
        location=reader.location(),
        span=reader.op_span(),
    )


def _require_plain(reader: OpReader, name: str) -> None:
    """Refuse what only the op's own format could say: the arguments of regions and of blocks."""
    for item in reader.items:
        if item.type in ("region", "regions"):
            reader.fail(f"{name} has regions: it can be read in the generic form only", item)
    for token in tokens_of(reader.items):
        if token.type == "CARET":
            reader.fail(f"{name} has blocks: it can be read in the generic form only", token)


def _result_count(names: str) -> int:
    count = 0
    for part in names.split(",") if names else []:
        _, colon, size = part.strip().partition(":")
        count += int(size) if colon and len(size) < 5 else 1
    return count


class _Pieces:
    """The text of an op in pieces: words, operands, types, aliased attributes."""

    def __init__(self, reader: OpReader) -> None:
        self.reader = reader
        self.pieces: list[Piece] = []
        self.operands: list[Value] = []
        self.at = reader.op_node.name.end_pos

    def all(self) -> None:
        """Take every item."""
        stack: list[Item | Entry] = list(reversed(self.reader.items))
        while stack:
            item = stack.pop()
            if isinstance(item, Entry):
                stack.extend(reversed([item.key, *item.items]))
            elif isinstance(item, DictNode):
                stack.extend(reversed(item.entries))
            elif isinstance(item, Node):
                stack.extend(reversed(item.items))
            else:
                self.token(item)
        self.gap(self.reader.end_pos)

    def gap(self, end: int) -> None:
        """Keep the text up to an offset: spaces, and signs that are no tokens of their own."""
        text = _SPACE.sub(" ", self.reader.source.text[self.at : end])
        if text:
            self.pieces.append(text)

    def token(self, token: Token) -> None:
        """Take one token."""
        self.gap(token.start_pos)
        self.at = token.end_pos
        text = str(token)
        if token.type == "VALUES":
            for index, name in enumerate(text.split(",")):
                if index:
                    self.pieces.append(", ")
                self.pieces.append(OperandPiece(len(self.operands)))
                value = self.reader.builder.value(name.strip()[1:], self.reader, token)
                self.operands.append(value)
        elif token.type == "TYPE":
            self.pieces.append(TypeAttr(self.one(token).type()))
        elif token.type == "HASH" and "." not in text:
            self.pieces.append(self.one(token).attribute())
        else:
            self.pieces.append(text)

    def one(self, token: Token) -> OpReader:
        """A reader of a single token."""
        return self.reader.within(Node("group", [token], token.start_pos, token.end_pos + 1))


def _result_types(reader: OpReader, count: int) -> list[Type]:
    """The types of the results: behind `->` or `to`, else the last ones behind `:`."""
    if not count:
        return []
    items = reader.items
    starts = [i for i, item in enumerate(items) if item in ("->", "to")]
    colons = [i for i, item in enumerate(items) if item == ":"]
    start = starts[-1] if starts else colons[-1] if colons else None
    if start is None:
        return [UNKNOWN_TYPE] * count
    reader.i = start + 1
    types = _types_from(reader)
    if len(types) == 1 and not starts:
        return types * count
    types = types if starts else types[-count:]
    return [*types, *[UNKNOWN_TYPE] * count][:count]


def _types_from(reader: OpReader) -> list[Type]:
    group = reader.peek()
    if group is not None and group.type == "group":
        return reader.types_in_group()
    found: list[Type] = []
    while (item := reader.peek()) is not None and item.type in ("TYPE", "WORD", "BANG"):
        found.append(reader.type())
        if not reader.accept(","):
            break
    return found
