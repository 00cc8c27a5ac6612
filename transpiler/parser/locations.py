"""Locations out of syntax items; their aliases may follow the module."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ..ir.location import UNKNOWN, CallSiteLoc, FileLineColLoc, FusedLoc, Location, NameLoc
from .cursor import Cursor
from .literals import unescape
from .nesting import MAX_LOCATION_DEPTH, Nesting, Size
from .nodes import AliasNode, Item, Node, Token

if TYPE_CHECKING:
    from .resolver import Resolver


class Locations:
    """The locations of one text; each alias is read once."""

    def __init__(self, resolver: Resolver) -> None:
        self.resolver = resolver
        self.nesting = Nesting(MAX_LOCATION_DEPTH)
        self.known: dict[str, tuple[Location, Size]] = {}
        self._resolving: set[str] = set()

    def read(self, cursor: Cursor, node: Node) -> Location:
        """What `loc(...)` says."""
        first = node.items[0]
        if first.type == "LOC":
            return self._alias(str(first)[4:-1], cursor, cast(Token, first))
        inner = cursor.inner(cast(Node, node.items[1]))
        location = self._location(inner)
        inner.end()
        return location

    def _inside(self, cursor: Cursor, node: Node) -> Location:
        """The one location between two brackets."""
        inner = cursor.inner(node)
        self.nesting.enter(cursor, node)
        location = self._location(inner)
        self.nesting.leave()
        inner.end()
        return location

    def _alias(self, text: str, cursor: Cursor, token: Item) -> Location:
        if not self.known and not self._resolving:
            self._resolve_all()
        found = self.known.get(text)
        if found is None:
            alias = self.resolver.aliases.get(text)
            if alias is None or not _is_location(alias):
                cursor.fail(f"there is no location {text}", token)
            if text in self._resolving:
                cursor.fail(f"{text} stands for itself", token)
            found = self._resolve(text, alias)
        self.nesting.add(found[1], cursor, token)
        return found[0]

    def _resolve_all(self) -> None:
        """In the order of the text, where each stands on those before: no chain costs stack."""
        for text, alias in self.resolver.aliases.items():
            if _is_location(alias) and text not in self.known:
                self._resolve(text, alias)

    def _resolve(self, text: str, alias: AliasNode) -> tuple[Location, Size]:
        self._resolving.add(text)
        inner = self.resolver.alias_cursor(alias)
        node = cast(Node, inner.next("a location"))
        self.nesting.enter(inner, node)
        outer = self.nesting.begin()
        location = self.read(inner, node)
        self.known[text] = found = location, self.nesting.end(outer)
        self.nesting.leave()
        inner.end()
        self._resolving.discard(text)
        return found

    def _location(self, cursor: Cursor) -> Location:
        item = cursor.next("a location")
        match item.type:
            case "HASH":
                return self._alias(str(item), cursor, item)
            case "STRING" | "GENERIC":
                return self._named(cursor, unescape(str(item)[1:-1]))
            case "location":
                self.nesting.enter(cursor, item)
                location = self.read(cursor, cast(Node, item))
                self.nesting.leave()
                return location
            case "WORD":
                return self._word(cursor, str(item))
            case _:
                cursor.i -= 1
                cursor.expected("a location")

    def _named(self, cursor: Cursor, text: str) -> Location:
        """`"file":line:column` or `"name"(location)`."""
        if cursor.accept(":"):
            line = cursor.integer("a line")
            column = cursor.integer("a column") if cursor.accept(":") else 0
            if cursor.accept("to"):  # a range: its start is what we keep
                while not cursor.done and cursor.peek() not in ("at", ","):
                    cursor.i += 1
            return FileLineColLoc(text, line, column)
        group = cursor.accept_node("group")
        return NameLoc(text, UNKNOWN if group is None else self._inside(cursor, group))

    def _word(self, cursor: Cursor, word: str) -> Location:
        match word:
            case "unknown":
                return UNKNOWN
            case "callsite":
                return self._callsite(cursor, cursor.node("group", "'('"))
            case "fused":
                return self._fused(cursor)
            case _:
                cursor.i -= 1
                cursor.expected("a location")

    def _callsite(self, cursor: Cursor, node: Node) -> Location:
        inner = cursor.inner(node)
        self.nesting.enter(cursor, node)
        callee = self._location(inner)
        inner.expect("at")
        caller = self._location(inner)
        self.nesting.leave()
        inner.end()
        return CallSiteLoc(callee, caller)

    def _fused(self, cursor: Cursor) -> Location:
        metadata = ""
        angle = cursor.accept_node("angle")
        if angle is not None:
            metadata = self.resolver.text_of(cursor.inner(angle))
        listed = cursor.node("list", "'['")
        inner = cursor.inner(listed)
        self.nesting.enter(cursor, listed)
        parts: list[Location] = []
        while not inner.done:
            parts.append(self._location(inner))
            if not inner.accept(","):
                break
        self.nesting.leave()
        inner.end()
        return FusedLoc(tuple(parts), metadata)


def _is_location(alias: AliasNode) -> bool:
    return bool(alias.items) and alias.items[0].type == "location"
