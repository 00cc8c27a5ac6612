"""The grammar, loaded: text to light syntax nodes with positions.

The LALR tables are built from `ttgir.lark` once and kept beside it (`ttgir.tables`); a table that
belongs to another grammar or another lark is not used.
Write it anew with `python -m trimetal.transpiler.parser.tables`.
"""

from __future__ import annotations

import hashlib
import pickle
import threading
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias, cast

import lark
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken
from lark.grammar import Rule
from lark.lexer import TerminalDef

from ..errors import ParseError, SourceText, Span

_GRAMMAR = Path(__file__).with_name("ttgir.lark")
TABLES = Path(__file__).with_name("ttgir.tables")
_OPTIONS = {"parser": "lalr", "lexer": "basic", "maybe_placeholders": False}
_STARTS = ["file", "words"]
MAX_ALIASES = 200_000  # a dump has one for each location, some thousands
# lark's own annotations are partial.
_Lark: Any = lark.Lark


class Node:
    """Everything between two brackets, a location, or a region.

    `type` is the rule's name: group, list, angle, dict, location, region, regions.
    """

    __slots__ = ("end_pos", "items", "start_pos", "type")

    def __init__(self, type_: str, items: list[Item], start_pos: int, end_pos: int) -> None:
        self.type = type_
        self.items = items
        self.start_pos = start_pos
        self.end_pos = end_pos


class Entry:
    """One `key = value` of a dictionary; no items where only the key stands."""

    __slots__ = ("items", "key")

    def __init__(self, key: lark.Token, items: list[Item]) -> None:
        self.key = key
        self.items = items


class DictNode(Node):
    """A dictionary: its entries instead of items."""

    __slots__ = ("entries",)

    def __init__(self, entries: list[Entry], start_pos: int, end_pos: int) -> None:
        super().__init__("dict", [], start_pos, end_pos)
        self.entries = entries


class BlockNode:
    """A block: its label (None for the first of a region), its arguments in brackets, its ops."""

    __slots__ = ("arguments", "label", "ops")

    def __init__(self, label: lark.Token | None, arguments: Node | None, ops: list[OpNode]) -> None:
        self.label = label
        self.arguments = arguments
        self.ops = ops


class RegionNode(Node):
    """The blocks between the braces of a region."""

    __slots__ = ("blocks",)

    def __init__(self, blocks: list[BlockNode], start_pos: int, end_pos: int) -> None:
        super().__init__("region", [], start_pos, end_pos)
        self.blocks = blocks


class OpNode:
    """One op: what it defines, its name, and all that follows up to its location."""

    __slots__ = ("definition", "items", "location", "name")

    def __init__(self, definition: lark.Token | None, name: lark.Token, items: list[Item]) -> None:
        self.definition = definition
        self.name = name
        self.items = items
        last = items[-1] if items else None
        self.location: Node | None = None
        if last is not None and last.type == "location":
            self.location = cast(Node, items.pop())


class AliasNode:
    """`#name = value`."""

    __slots__ = ("items", "name")

    def __init__(self, name: lark.Token, items: list[Item]) -> None:
        self.name = name
        self.items = items


Item: TypeAlias = "lark.Token | Node"
FileNode: TypeAlias = "list[AliasNode | OpNode]"


class _Children:
    """What lark makes of the rules that only repeat others, instead of a tree."""

    __slots__ = ("children",)

    def __init__(self, name: str, children: list[object]) -> None:
        self.children = children


class _Syntax:
    """What lark calls for each rule that it has read."""

    def file(self, children: FileNode) -> FileNode:
        return children

    def words(self, children: list[Item]) -> list[Item]:
        return children

    def alias(self, children: list[Item]) -> AliasNode:
        return AliasNode(cast(lark.Token, children[0]), children[1:])

    def plain(self, children: list[Item]) -> OpNode:
        first = cast(lark.Token, children[0])
        if first.type == "DEF":
            return OpNode(first, cast(lark.Token, children[1]), children[2:])
        return OpNode(None, first, children[1:])

    generic = plain
    nested = plain

    def region(self, children: list[object]) -> RegionNode:
        ops = [c for c in children[1:-1] if isinstance(c, OpNode)]
        blocks = [c for c in children[1:-1] if isinstance(c, BlockNode)]
        if ops or not blocks:
            blocks.insert(0, BlockNode(None, None, ops))
        start, end = cast(lark.Token, children[0]), cast(lark.Token, children[-1])
        return RegionNode(blocks, _start(start), _end(end))

    def block(self, children: list[Item]) -> BlockNode:
        arguments = children[1] if children[1].type == "group" else None
        ops = cast("list[OpNode]", children[2 if arguments is None else 3 :])
        return BlockNode(cast(lark.Token, children[0]), cast("Node | None", arguments), ops)

    def regions(self, children: list[Item]) -> Node:
        regions = [c for c in children if c.type == "region"]
        return Node("regions", regions, _start(children[0]), _end(children[-1]))

    def entry(self, children: list[Item]) -> Entry:
        return Entry(cast(lark.Token, children[0]), children[2:])

    def location(self, children: list[Item]) -> Node:
        return Node("location", children, _start(children[0]), _end(children[-1]))

    def dict(self, children: list[Item]) -> Node:
        entries = cast("list[Entry]", children[1:-1:2])
        return DictNode(entries, _start(children[0]), _end(children[-1]))

    def group(self, children: list[Item]) -> Node:
        return Node("group", children[1:-1], _start(children[0]), _end(children[-1]))

    def list(self, children: list[Item]) -> Node:
        return Node("list", children[1:-1], _start(children[0]), _end(children[-1]))

    def angle(self, children: list[Item]) -> Node:
        return Node("angle", children[1:-1], _start(children[0]), _end(children[-1]))


def _start(item: Item) -> int:
    return cast(int, item.start_pos)


def _end(item: Item) -> int:
    return cast(int, item.end_pos)


def _key(grammar: str) -> str:
    return hashlib.sha256(f"{lark.__version__}\n{grammar}".encode()).hexdigest()


def _build(grammar: str) -> lark.Lark:
    return lark.Lark(
        grammar, start=_STARTS, transformer=_Syntax(), tree_class=_Children, **_OPTIONS
    )  # type: ignore


def compiled_grammar() -> bytes:
    """The content of the tables file for the grammar and the lark that are installed."""
    grammar = _GRAMMAR.read_text(encoding="utf-8")
    parser = _Lark(grammar, start=_STARTS, **_OPTIONS)
    data, memo = parser.memo_serialize([TerminalDef, Rule])
    return zlib.compress(pickle.dumps((_key(grammar), data, memo), protocol=4), 9)


def load_tables() -> lark.Lark | None:
    """The parser from the tables file; None where the file is absent or does not belong here."""
    try:
        key, data, memo = pickle.loads(zlib.decompress(TABLES.read_bytes()))
    except (OSError, ValueError, zlib.error, pickle.PickleError):
        return None
    if key != _key(_GRAMMAR.read_text(encoding="utf-8")):
        return None
    # The entry that lark's own stand-alone parsers use; the key ties it to this very lark.
    return _Lark._load_from_dict(data, memo, transformer=_Syntax(), tree_class=_Children)


_lock = threading.Lock()
_parser: lark.Lark | None = None


def _grammar() -> lark.Lark:
    global _parser  # noqa: PLW0603 - made once, on first use
    with _lock:
        if _parser is None:
            _parser = load_tables() or _build(_GRAMMAR.read_text(encoding="utf-8"))
    return _parser


def read_file(source: SourceText) -> FileNode:
    """Syntax nodes of a whole text."""
    if source.text.count("\n#") > MAX_ALIASES:
        raise ParseError(f"more than {MAX_ALIASES} aliases", Span(source, 0, 1))
    return cast(FileNode, _read(source.text, "file", source, 0))


def read_words(text: str, source: SourceText, base: int) -> list[Item]:
    """Syntax nodes of a piece of text that stands at offset `base`."""
    return cast("list[Item]", _read(text, "words", source, base))


def _read(text: str, start: str, source: SourceText, base: int) -> object:
    parse: Callable[[str, str], object] = cast(Any, _grammar()).parse
    try:
        return parse(text, start)
    except UnexpectedInput as error:
        raise _parse_error(error, source, base, len(text)) from None


def _parse_error(error: UnexpectedInput, source: SourceText, base: int, size: int) -> ParseError:
    if isinstance(error, UnexpectedCharacters):
        at = base + cast(int, cast(Any, error).pos_in_stream)
        shown = source.text[at : at + 1]
        if shown == '"':
            return ParseError("a string without its end", Span(source, at, at + 1))
        return ParseError(f"unexpected character {shown!r}", Span(source, at, at + 1))
    assert isinstance(error, UnexpectedToken)
    token = cast(lark.Token, cast(Any, error).token)
    if token.type == "$END":
        end = base + size
        return ParseError(f"the text ends where {_wanted(error)}", Span(source, end, end + 1))
    at = base + _start(token)
    shown = str(token).split("\n")[0].strip()
    where = at + len(token) - len(token.lstrip())
    message = f"unexpected '{shown[:40]}': {_wanted(error)}"
    return ParseError(message, Span(source, where, where + len(token.strip())))


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


def _wanted(error: UnexpectedToken) -> str:
    wanted = {_MEANINGS[name] for name in error.expected if name in _MEANINGS}
    if not wanted:
        return "a word or value should stand here"
    if len(wanted) > 3:  # inside brackets nearly anything goes on; what is missing is their end
        wanted = wanted & _CLOSING or wanted
    return f"{' or '.join(sorted(wanted))} should stand here"
