"""What the grammar makes of a text: tokens, and light nodes with their positions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, cast


class Token(str):
    """A piece of the text: its terminal and where it stands."""

    __slots__ = ("end_pos", "start_pos", "type")

    type: str
    start_pos: int
    end_pos: int

    def __new__(cls, type_: str, text: str, start_pos: int, end_pos: int) -> Token:
        """A token of a terminal."""
        token = str.__new__(cls, text)
        token.type = type_
        token.start_pos = start_pos
        token.end_pos = end_pos
        return token


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

    def __init__(self, key: Token, items: list[Item]) -> None:
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

    def __init__(self, label: Token | None, arguments: Node | None, ops: list[OpNode]) -> None:
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

    def __init__(self, definition: Token | None, name: Token, items: list[Item]) -> None:
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

    def __init__(self, name: Token, items: list[Item]) -> None:
        self.name = name
        self.items = items


Item: TypeAlias = "Token | Node"
FileNode: TypeAlias = "list[AliasNode | OpNode]"


def tokens_of(items: Sequence[Item]) -> list[Token]:
    """All tokens of some items, in the order of the text, without the brackets."""
    found: list[Token] = []
    stack: list[Item | Entry] = list(reversed(items))
    while stack:
        item = stack.pop()
        if isinstance(item, DictNode):
            stack.extend(reversed(item.entries))
        elif isinstance(item, Entry):
            stack.extend(reversed([item.key, *item.items]))
        elif isinstance(item, Node):
            stack.extend(reversed(item.items))
        else:
            found.append(item)
    return found
