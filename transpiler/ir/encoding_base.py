"""What all layout encodings share: their text, their cache, and how bases are put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import ClassVar

from .linear_layout import Bases, LinearLayout, SharedLinearLayout

# How another encoding inside a text is written: in full, or by its alias.
Reference = Callable[["Encoding | SharedEncoding"], str]


class _EncodingText:
    """Text and alias of an encoding."""

    alias: ClassVar[str] = ""  # the start of its alias's name; "": written in full everywhere
    mnemonic: ClassVar[str] = ""

    def parameters(self, reference: Reference) -> str:
        """What stands between the angle brackets."""
        raise NotImplementedError

    def text(self, reference: Reference = str) -> str:
        """The encoding as 3.9 writes it."""
        return f"#ttg.{self.mnemonic}<{self.parameters(reference)}>"

    def __str__(self) -> str:
        return self.text()


class Encoding(_EncodingText):
    """A distributed layout: which thread holds which elements of a tensor."""

    @property
    def rank(self) -> int:
        """The number of dimensions of the tensors that it is made for."""
        raise NotImplementedError

    def to_linear(self, shape: tuple[int, ...]) -> LinearLayout:
        """The layout on a tensor of this shape; the same bases as Triton's.

        Bits that do not change the element have zero bases. Triton 3.9 leaves out such register
        bits of blocked, slice and linear layouts, and keeps those of matrix units and operands:
        there, the registers of a tensor smaller than the unit's tile hold copies. So do we.
        """
        return _linear(self, shape)

    def bases(self, shape: tuple[int, ...]) -> LinearLayout:
        """`to_linear` without its cache."""
        raise NotImplementedError


class SharedEncoding(_EncodingText):
    """A layout of shared memory: which element stands at which offset."""

    alias = "shared"

    @property
    def rank(self) -> int:
        """The number of dimensions of the views that it is made for."""
        raise NotImplementedError

    def to_linear(self, shape: tuple[int, ...]) -> SharedLinearLayout:
        """The layout on an allocation of this shape; the same bases as Triton's."""
        return _shared_linear(self, shape)

    def bases(self, shape: tuple[int, ...]) -> SharedLinearLayout:
        """`to_linear` without its cache."""
        raise NotImplementedError


@lru_cache(maxsize=4096)
def _linear(encoding: Encoding, shape: tuple[int, ...]) -> LinearLayout:
    return encoding.bases(shape)


@lru_cache(maxsize=4096)
def _shared_linear(encoding: SharedEncoding, shape: tuple[int, ...]) -> SharedLinearLayout:
    return encoding.bases(shape)


def numbers(values: Sequence[int]) -> str:
    """`[1, 2]`."""
    return f"[{', '.join(map(str, values))}]"


def bases_text(bases: Bases) -> str:
    """`[[0, 1], [0, 2]]`."""
    return f"[{', '.join(map(numbers, bases))}]"


def cga_text(cga: Bases) -> str:
    """`, CGALayout = [[1, 0]]`, or nothing for one block."""
    return f", CGALayout = {bases_text(cga)}" if cga else ""


def boolean(value: bool) -> str:
    """`true` or `false`."""
    return "true" if value else "false"


def log2(value: int) -> int:
    """The exponent of a power of two."""
    return value.bit_length() - 1


def unit(rank: int, dim: int, value: int) -> tuple[int, ...]:
    """A basis along one dimension."""
    return tuple(value if i == dim else 0 for i in range(rank))


@dataclass
class Tile:
    """Bases under construction: each step continues where the last one stopped in a dimension."""

    rank: int
    sizes: list[int] = field(default_factory=list[int])
    inputs: dict[str, list[tuple[int, ...]]] = field(
        default_factory=dict[str, "list[tuple[int, ...]]"]
    )

    def __post_init__(self) -> None:
        self.sizes = self.sizes or [1] * self.rank
        for name in ("register", "lane", "warp", "offset"):
            self.inputs.setdefault(name, [])

    def grow(self, name: str, dim: int, size: int) -> Tile:
        """Add bits of one input that walk `size` elements along a dimension."""
        for bit in range(log2(size)):
            self.inputs[name].append(unit(self.rank, dim, self.sizes[dim] << bit))
        self.sizes[dim] *= size
        return self

    def grow_all(self, name: str, sizes: Sequence[int], order: Sequence[int]) -> Tile:
        """Add bits along every dimension, the fastest one first."""
        for dim in order:
            self.grow(name, dim, sizes[dim])
        return self

    def repeat(self, name: str, bits: int) -> Tile:
        """Add bits that change nothing."""
        self.inputs[name] += [(0,) * self.rank] * bits
        return self

    def cover(self, name: str, shape: Sequence[int], order: Sequence[int]) -> Tile:
        """Repeat the tile over a shape with bits of one input."""
        for dim in order:
            if shape[dim] > self.sizes[dim]:
                self.grow(name, dim, shape[dim] // self.sizes[dim])
        return self

    def fit(
        self,
        shape: Sequence[int],
        order: Sequence[int],
        cga: Bases = (),
        *,
        keep_copies: bool = True,
    ) -> LinearLayout:
        """Repeat the tile over the shape with register bits; bits that leave the shape become zero.

        Register bits that only copy stay unless `keep_copies` says no.
        """
        per_block = block_shape(shape, cga)
        self.cover("register", per_block, order)
        lane, warp = (self._cut(name, per_block) for name in ("lane", "warp"))
        register = self._cut("register", per_block)
        if not keep_copies:
            register = tuple(basis for basis in register if any(basis))
        return LinearLayout(tuple(shape), register, lane, warp, scaled_cga(cga, per_block))

    def fit_shared(
        self,
        shape: Sequence[int],
        cga: Bases = (),
        padding: tuple[tuple[int, int], ...] = (),
    ) -> SharedLinearLayout:
        """The tile's offset bits, cut to the shape."""
        per_block = block_shape(shape, cga)
        offset = self._cut("offset", per_block)
        return SharedLinearLayout(tuple(shape), offset, scaled_cga(cga, per_block), padding)

    def _cut(self, name: str, shape: Sequence[int]) -> Bases:
        return tuple(
            tuple(0 if value >= size else value for value, size in zip(basis, shape, strict=True))
            for basis in self.inputs[name]
        )


def block_shape(shape: Sequence[int], cga: Bases) -> list[int]:
    """The part of a tensor that one block of a cluster holds."""
    split = [1] * len(shape)
    for basis in cga:
        for dim, value in enumerate(basis):
            split[dim] = max(split[dim], 2 * value)
    return [max(1, size // parts) for size, parts in zip(shape, split, strict=True)]


def scaled_cga(cga: Bases, per_block: Sequence[int]) -> Bases:
    """The block bases in elements."""
    return tuple(
        tuple(value * size for value, size in zip(basis, per_block, strict=True)) for basis in cga
    )
