"""Layout encodings out of their text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ..ir.attributes import ArrayAttr, Attribute, DictAttr, IntegerAttr
from ..ir.encodings import (
    AmdMfmaEncoding,
    AmdRotatingSharedEncoding,
    AmdWmmaEncoding,
    BlockedEncoding,
    DotOperandEncoding,
    Encoding,
    GenericLinearEncoding,
    LinearEncoding,
    NvidiaMmaEncoding,
    NvmmaSharedEncoding,
    PaddedSharedEncoding,
    PartitionedSharedEncoding,
    SharedEncoding,
    SharedLinearEncoding,
    SliceEncoding,
    SwizzledSharedEncoding,
    TensorMemoryEncoding,
)
from ..ir.linear_layout import Bases
from . import versions
from .cursor import Cursor
from .nodes import Token

if TYPE_CHECKING:
    from .resolver import Resolver


class Parameters:
    """The `{key = value}` of an encoding, taken one by one."""

    def __init__(
        self, values: Mapping[str, Attribute], cursor: Cursor, token: Token, rest: Cursor
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
    resolver: Resolver, name: str, inner: Cursor, token: Token
) -> Encoding | SharedEncoding | None:
    """The encoding `#name<inner>`; None if it is another attribute."""
    if name in _TENSOR_MEMORY:
        return TensorMemoryEncoding(f"{name}<{resolver.text_of(inner)}>", _TENSOR_MEMORY[name])
    if name == "#ttg.padded_shared":
        return _padded(resolver, inner, token)
    node = inner.peek()
    if name not in _READERS or node is None or node.type != "dict":
        return None
    parameters = _parameters(resolver, inner, token)
    name, parameters.values = versions.encoding(name, parameters.values)
    encoding = _READERS[name](parameters)
    parameters.end()
    return encoding


_TENSOR_MEMORY = {
    "#ttng.tensor_memory_encoding": "tmem",
    "#ttng.tensor_memory_scales_encoding": "tmem_scales",
}


def _parameters(resolver: Resolver, inner: Cursor, token: Token) -> Parameters:
    found = inner.accept_dict()
    if found is None:
        inner.expected("'{'")
    return Parameters(resolver.dictionary(inner, found), inner, token, inner)


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


def _distributed(p: Parameters) -> tuple[Bases, Bases, Bases, Bases]:
    return p.bases("register"), p.bases("lane"), p.bases("warp"), p.bases("block")


def _linear(p: Parameters) -> LinearEncoding:
    return LinearEncoding(*_distributed(p))


def _generic_linear(p: Parameters) -> GenericLinearEncoding:
    return GenericLinearEncoding(*_distributed(p))


def _swizzled(p: Parameters) -> SwizzledSharedEncoding:
    numbers = p.power("vec"), p.power("perPhase"), p.power("maxPhase")
    return SwizzledSharedEncoding(*numbers, p.order(), p.bases("CGALayout"))


def _rotating(p: Parameters) -> AmdRotatingSharedEncoding:
    numbers = p.power("vec"), p.power("perPhase"), p.power("maxPhase")
    return AmdRotatingSharedEncoding(*numbers, p.order(), p.bases("CGALayout"))


def _nvidia_mma(p: Parameters) -> NvidiaMmaEncoding:
    version = p.integer("versionMajor"), p.integer("versionMinor")
    warps, shape = p.powers("warpsPerCTA"), p.powers("instrShape")
    if len(warps) not in (2, 3):
        p.wrong("warpsPerCTA", "a list of 2 or 3")
    if not 2 <= len(shape) <= 3:
        p.wrong("instrShape", "a list of 2 or 3")
    return NvidiaMmaEncoding(*version, warps, shape, p.bases("CGALayout"))


def _amd_mfma(p: Parameters) -> AmdMfmaEncoding:
    warps, shape = p.powers("warpsPerCTA"), p.powers("instrShape")
    if len(warps) not in (2, 3):
        p.wrong("warpsPerCTA", "a list of 2 or 3")
    if shape[:2] not in ((32, 32), (16, 16), (64, 4), (4, 64), (4, 4)) or len(shape) != 3:
        p.wrong("instrShape", "the [M, N, K] of an MFMA instruction")
    tiles = p.powers("tilesPerWarp") if "tilesPerWarp" in p.values else ()
    return AmdMfmaEncoding(
        p.integer("version"),
        warps,
        shape,
        p.boolean("isTransposed"),
        p.bases("CGALayout"),
        tiles if any(count != 1 for count in tiles) else (),
        p.power("elementBitWidth", 32),
    )


def _amd_wmma(p: Parameters) -> AmdWmmaEncoding:
    layout = p.need("ctaLayout")
    if not isinstance(layout, DictAttr):
        p.cursor.fail("'ctaLayout' should be a dictionary of bases", p.token)
    inner = Parameters(dict(layout.items), p.cursor, p.token, p.rest)
    register, warp = inner.bases("register"), inner.bases("warp")
    shape = p.powers("instrShape") if "instrShape" in p.values else (16, 16, 16)
    if len(shape) != 3:
        p.wrong("instrShape", "[M, N, K]")
    transposed = p.boolean("isTranspose")
    cga = p.bases("CGALayout")
    rank = p.integer("rank", 2)
    return AmdWmmaEncoding(p.integer("version"), transposed, register, warp, cga, shape, rank)


def _nvmma(p: Parameters) -> NvmmaSharedEncoding:
    width = p.integer("swizzlingByteWidth")
    if width not in (0, 32, 64, 128):
        p.wrong("swizzlingByteWidth", "0, 32, 64 or 128")
    return NvmmaSharedEncoding(
        width,
        p.boolean("transposed"),
        p.power("elementBitWidth"),
        p.boolean("fp4Padded", False),
        p.bases("CGALayout"),
        p.integer("rank", 2),
    )


def _shared_linear(p: Parameters) -> SharedLinearEncoding:
    offset, block = p.bases("offset"), p.bases("block")
    alignment = 16
    if p.rest.accept(","):
        p.rest.expect("alignment")
        p.rest.expect("=")
        alignment = p.rest.integer()
    return SharedLinearEncoding(offset, block, alignment)


def _partitioned(p: Parameters) -> PartitionedSharedEncoding:
    numbers = p.integer("numPartitions"), p.integer("numGroups"), p.integer("partitionDim")
    layout = p.need("partitionLayout")
    if not isinstance(layout, SharedEncoding):
        p.cursor.fail("'partitionLayout' should be a layout of shared memory", p.token)
    return PartitionedSharedEncoding(*numbers, layout)


def _padded(resolver: Resolver, inner: Cursor, token: Token) -> PaddedSharedEncoding:
    """Read `[32:+4, 256:+8] {order = ..., shape = ...}` or `... {offset = ..., block = ...}`."""
    listed = inner.inner(inner.node("list", "'['"))
    padding: list[tuple[int, int]] = []
    while not listed.done:
        interval = listed.integer()
        listed.expect(":")
        listed.accept("+")
        padding.append((interval, listed.integer()))
        if interval <= 0 or interval & (interval - 1):
            listed.fail("an interval should be a power of two", token)
        if not listed.accept(","):
            break
    listed.end()
    p = _parameters(resolver, inner, token)
    if "order" in p.values:
        size = p.powers("shape") if "shape" in p.values else ()
        order = p.order()
        found = PaddedSharedEncoding(tuple(padding), order, size, cga=p.bases("CGALayout"))
    else:
        offset = p.bases("offset")
        found = PaddedSharedEncoding(tuple(padding), offset=offset, cga=p.bases("block"))
    p.end()
    return found


_READERS: dict[str, Callable[[Parameters], Encoding | SharedEncoding]] = {
    "#ttg.blocked": _blocked,
    "#ttg.slice": _slice,
    "#ttg.dot_op": _dot_operand,
    "#ttg.linear": _linear,
    "#ttg.generic_linear": _generic_linear,
    "#ttg.nvidia_mma": _nvidia_mma,
    "#ttg.amd_mfma": _amd_mfma,
    "#ttg.amd_wmma": _amd_wmma,
    "#ttg.swizzled_shared": _swizzled,
    "#ttg.amd_rotating_shared": _rotating,
    "#ttg.nvmma_shared": _nvmma,
    "#ttg.shared_linear": _shared_linear,
    "#ttg.partitioned_shared": _partitioned,
}
