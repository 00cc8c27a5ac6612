"""Reading syntax items one after the other, with errors that point into the text."""

from __future__ import annotations

from typing import NoReturn, cast

from ..errors import ParseError, SourceText, Span
from .nodes import DictNode, Item, Node, Token

MAX_DIGITS = 40  # longer numbers fit no type, and Python's int() would take its time


class Cursor:
    """A position in a list of items; `base` is the text offset that their positions count from."""

    __slots__ = ("base", "end_pos", "i", "items", "source")

    def __init__(self, items: list[Item], source: SourceText, base: int, end_pos: int) -> None:
        self.items = items
        self.source = source
        self.base = base
        self.end_pos = end_pos
        self.i = 0

    def inner(self, node: Node) -> Cursor:
        """A cursor over what stands between the brackets of `node`."""
        return Cursor(node.items, self.source, self.base, node.end_pos - 1)

    @property
    def done(self) -> bool:
        """Whether nothing is left."""
        return self.i >= len(self.items)

    def peek(self) -> Item | None:
        """The next item, or None at the end."""
        return self.items[self.i] if self.i < len(self.items) else None

    def span(self, item: Item | None = None) -> Span:
        """Where an item stands; without one, where the next item or the end stands."""
        item = item if item is not None else self.peek()
        if item is None:
            return Span(self.source, self.base + self.end_pos, self.base + self.end_pos + 1)
        start, end = item.start_pos, item.end_pos
        return Span(self.source, self.base + start, self.base + end)

    def fail(self, message: str, item: Item | None = None) -> NoReturn:
        """Raise a `ParseError` at `item`, or at the next one."""
        raise ParseError(message, self.span(item))

    def expected(self, what: str) -> NoReturn:
        """Raise that `what` should stand here."""
        item = self.peek()
        found = "the end" if item is None else f"'{describe(item)}'"
        self.fail(f"expected {what}, found {found}")

    def next(self, what: str) -> Item:
        """Take the next item, whatever it is; `what` says in an error what should stand here."""
        if self.i >= len(self.items):
            self.expected(what)
        item = self.items[self.i]
        self.i += 1
        return item

    def accept(self, text: str) -> bool:
        """Take the next item if it is this word or sign."""
        if self.i < len(self.items) and self.items[self.i] == text:
            self.i += 1
            return True
        return False

    def expect(self, text: str) -> None:
        """Take this word or sign."""
        if not self.accept(text):
            self.expected(f"'{text}'")

    def token(self, type_: str, what: str) -> Token:
        """Take a token of one terminal."""
        item = self.peek()
        if item is None or item.type != type_:
            self.expected(what)
        self.i += 1
        return cast(Token, item)

    def accept_token(self, type_: str) -> Token | None:
        """Take a token of one terminal if it is next."""
        item = self.peek()
        if item is None or item.type != type_:
            return None
        self.i += 1
        return cast(Token, item)

    def node(self, type_: str, what: str) -> Node:
        """Take a bracketed node."""
        item = self.accept_node(type_)
        if item is None:
            self.expected(what)
        return item

    def accept_node(self, type_: str) -> Node | None:
        """Take a bracketed node if it is next."""
        item = self.peek()
        if item is None or item.type != type_:
            return None
        self.i += 1
        return cast(Node, item)

    def accept_dict(self) -> DictNode | None:
        """Take a dictionary if it is next."""
        return cast("DictNode | None", self.accept_node("dict"))

    def end(self) -> None:
        """Require that nothing is left."""
        if self.i < len(self.items):
            self.fail(f"unexpected '{describe(self.items[self.i])}'")

    def integer(self, what: str = "an integer") -> int:
        """Take a decimal integer."""
        token = self.token("NUMBER", what)
        return self.integer_of(token, what)

    def integer_of(self, token: Token, what: str = "an integer") -> int:
        """The number that a token stands for."""
        text = str(token)
        digits = text[1:] if text.startswith("-") else text
        if len(text) > MAX_DIGITS:
            self.fail(f"{text[:12]}... has too many digits", token)
        if text.startswith("0x"):
            return int(text, 16)
        if not digits.isdigit():
            self.fail(f"expected {what}, found '{text}'", token)
        return int(text)

    def dimensions(self) -> tuple[int, ...]:
        """Take `128x64x` (in front of an element type); () where none stand here."""
        token = self.accept_token("DIMS")
        if token is None:
            return ()
        return self.dimensions_of(token, str(token)[:-1])

    def dimensions_of(self, token: Token, text: str) -> tuple[int, ...]:
        """The numbers of a text like `2x128x64`."""
        if "?" in text:
            self.fail("dynamic dimensions do not occur in TTGIR", token)
        parts = text.split("x")
        for part in parts:
            if len(part) > MAX_DIGITS:
                self.fail(f"{part[:12]}... has too many digits", token)
        return tuple(map(int, parts))


_BRACKETS = {
    "group": "(",
    "list": "[",
    "angle": "<",
    "dict": "{",
    "region": "{",
    "regions": "({",
    "location": "loc",
}


def describe(item: Item) -> str:
    """A short text of an item, for messages."""
    if isinstance(item, Node):
        return _BRACKETS[item.type]
    text = str(item).strip()
    return text if len(text) <= 40 else f"{text[:40]}..."
