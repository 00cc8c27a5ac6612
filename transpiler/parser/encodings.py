"""Layout encodings out of their text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import lark

from ..ir.attributes import ArrayAttr, Attribute, IntegerAttr
from ..ir.encodings import (
    BlockedEncoding,
    DotOperandEncoding,
    Encoding,
    GenericLinearEncoding,
    LinearEncoding,
    SharedEncoding,
    SliceEncoding,
    SwizzledSharedEncoding,
)
from ..ir.linear_layout import Bases
from .cursor import Cursor

if TYPE_CHECKING:
    from .resolver import Resolver


class Parameters:
    """The `{key = value}` of an encoding, taken one by one."""

    def __init__(
        self, values: Mapping[str, Attribute], cursor: Cursor, token: lark.Token, rest: Cursor
    ) -> None:
        self.values = dict(values)
        self.cursor = cursor
        self.token = token
        self.rest = rest  # what follows the dictionary

    def take(self, key: str) -> Attribute | None:
        """Take a parameter that may be absent."""
        return self.values.pop(key, None)

    def need(self, key: str) -> Attribute:
        """Take a parameter that must be there."""
        value = self.values.pop(key, None)
        if value is None:
            self.cursor.fail(f"{self.token} needs '{key}'", self.token)
        return value

    def wrong(self, key: str, what: str) -> None:
        """Raise that a parameter is not what it should be."""
        self.cursor.fail(f"'{key}' of {self.token} should be {what}", self.token)

    def integer(self, key: str, default: int | None = None) -> int:
        """Take an integer."""
        value = self.take(key) if default is not None else self.need(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, IntegerAttr):
            self.cursor.fail(f"'{key}' of {self.token} should be an integer", self.token)
        return value.value

    def power(self, key: str, default: int | None = None) -> int:
        """Take an integer that is a power of two."""
        value = self.integer(key, default)
        self._power(key, value)
        return value

    def _power(self, key: str, value: int) -> None:
        if value <= 0 or value & (value - 1) or value > 1 << 20:
            self.wrong(key, "a power of two")

    def boolean(self, key: str, default: bool | None = None) -> bool:
        """Take a bool."""
        return bool(self.integer(key, None if default is None else int(default)))

    def integers(self, key: str) -> tuple[int, ...]:
        """Take a list of integers."""
        return self.list_of(key, self.need(key))

    def list_of(self, key: str, value: Attribute) -> tuple[int, ...]:
        """The integers of a list."""
        if not isinstance(value, ArrayAttr):
            self.cursor.fail(f"'{key}' of {self.token} should be a list", self.token)
        found: list[int] = []
        for item in value.items:
            if not isinstance(item, IntegerAttr):
                self.cursor.fail(f"'{key}' of {self.token} should list integers", self.token)
            found.append(item.value)
        return tuple(found)

    def powers(self, key: str) -> tuple[int, ...]:
        """Take a list of powers of two."""
        values = self.integers(key)
        for value in values:
            self._power(key, value)
        return values

    def order(self, key: str = "order") -> tuple[int, ...]:
        """Take a permutation of the dimensions."""
        values = self.integers(key)
        if sorted(values) != list(range(len(values))):
            self.wrong(key, "an order of the dimensions")
        return values

    def bases(self, key: str) -> Bases:
        """Take a list of bases; () where it is absent."""
        value = self.take(key)
        if value is None:
            return ()
        if not isinstance(value, ArrayAttr):
            self.cursor.fail(f"'{key}' of {self.token} should be a list of bases", self.token)
        found = tuple(self.list_of(key, item) for item in value.items)
        if len(found) > 40 or any(not 0 <= v < 1 << 30 for basis in found for v in basis):
            self.wrong(key, "at most 40 bases of small numbers")
        if len({len(basis) for basis in found}) > 1:
            self.wrong(key, "bases of one rank")
        return found

    def parent(self, key: str = "parent") -> Encoding:
        """Take the layout that this one is derived from."""
        value = self.need(key)
        if not isinstance(value, Encoding):
            self.cursor.fail(f"'{key}' of {self.token} should be a distributed layout", self.token)
        return value

    def same_rank(self, *lists: tuple[int, ...]) -> None:
        """Require that lists have one length."""
        if len({len(values) for values in lists}) > 1:
            self.cursor.fail(f"the lists of {self.token} differ in length", self.token)

    def end(self) -> None:
        """Require that nothing is left."""
        if self.values:
            key = next(iter(self.values))
            self.cursor.fail(f"{self.token} has no parameter '{key}'", self.token)
        self.rest.end()


def read_encoding(
    resolver: Resolver, name: str, inner: Cursor, token: lark.Token
) -> Encoding | SharedEncoding | None:
    """The encoding `#name<inner>`; None if it is another attribute."""
    read = _READERS.get(name)
    node = inner.peek()
    if read is None or node is None or node.type != "dict":
        return None
    found = inner.accept_dict()
    assert found is not None
    parameters = Parameters(resolver.dictionary(inner, found), inner, token, inner)
    encoding = read(parameters)
    parameters.end()
    return encoding


def _blocked(p: Parameters) -> BlockedEncoding:
    size, threads, warps = (
        p.powers(key) for key in ("sizePerThread", "threadsPerWarp", "warpsPerCTA")
    )
    order = p.order()
    p.same_rank(size, threads, warps, order)
    return BlockedEncoding(size, threads, warps, order, p.bases("CGALayout"))


def _slice(p: Parameters) -> SliceEncoding:
    dim, parent = p.integer("dim"), p.parent()
    if not 0 <= dim < parent.rank:
        p.wrong("dim", f"a dimension of {parent}")
    return SliceEncoding(dim, parent)


def _dot_operand(p: Parameters) -> DotOperandEncoding:
    index = p.integer("opIdx")
    if index not in (0, 1):
        p.wrong("opIdx", "0 or 1")
    return DotOperandEncoding(index, p.parent(), p.integer("kWidth", 0))


def _linear(p: Parameters) -> LinearEncoding:
    return LinearEncoding(*(p.bases(k) for k in ("register", "lane", "warp", "block")))


def _generic_linear(p: Parameters) -> GenericLinearEncoding:
    return GenericLinearEncoding(*(p.bases(k) for k in ("register", "lane", "warp", "block")))


def _swizzled(p: Parameters) -> SwizzledSharedEncoding:
    numbers = (p.power(key) for key in ("vec", "perPhase", "maxPhase"))
    return SwizzledSharedEncoding(*numbers, p.order(), p.bases("CGALayout"))


_READERS: dict[str, Callable[[Parameters], Encoding | SharedEncoding]] = {
    "#ttg.blocked": _blocked,
    "#ttg.slice": _slice,
    "#ttg.dot_op": _dot_operand,
    "#ttg.linear": _linear,
    "#ttg.generic_linear": _generic_linear,
    "#ttg.swizzled_shared": _swizzled,
}
