"""Distributed layouts that are spelled out by sizes or by bases: blocked, slice, linear."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .encoding_base import (
    Encoding,
    Reference,
    Tile,
    bases_text,
    cga_text,
    numbers,
)
from .linear_layout import Bases, LinearLayout


@dataclass(frozen=True)
class BlockedEncoding(Encoding):
    """`#ttg.blocked`: a grid of threads, each with a block of elements; `order`: fastest first."""

    alias = "blocked"
    mnemonic = "blocked"
    size_per_thread: tuple[int, ...]
    threads_per_warp: tuple[int, ...]
    warps_per_cta: tuple[int, ...]
    order: tuple[int, ...]
    cga: Bases = ()

    @property
    def rank(self) -> int:
        """The number of dimensions."""
        return len(self.order)

    def parameters(self, reference: Reference) -> str:
        """The parameters in 3.9's order."""
        return (
            f"{{sizePerThread = {numbers(self.size_per_thread)}, "
            f"threadsPerWarp = {numbers(self.threads_per_warp)}, "
            f"warpsPerCTA = {numbers(self.warps_per_cta)}, "
            f"order = {numbers(self.order)}{cga_text(self.cga)}}}"
        )

    def bases(self, shape: tuple[int, ...]) -> LinearLayout:
        """Walk the dimensions in order: a thread's elements, then lanes, then warps."""
        tile = Tile(self.rank)
        tile.grow_all("register", self.size_per_thread, self.order)
        tile.grow_all("lane", self.threads_per_warp, self.order)
        tile.grow_all("warp", self.warps_per_cta, self.order)
        return tile.fit(shape, self.order, self.cga, keep_copies=False)


@dataclass(frozen=True)
class SliceEncoding(Encoding):
    """`#ttg.slice`: what is left of the parent's layout when dimension `dim` is dropped."""

    mnemonic = "slice"
    dim: int
    parent: Encoding

    @property
    def rank(self) -> int:
        """One less than the parent's."""
        return self.parent.rank - 1

    def parameters(self, reference: Reference) -> str:
        """The parameters in 3.9's order."""
        return f"{{dim = {self.dim}, parent = {reference(self.parent)}}}"

    def bases(self, shape: tuple[int, ...]) -> LinearLayout:
        """The parent's bases on size 1 along `dim`, without that coordinate."""
        inserted = (*shape[: self.dim], 1, *shape[self.dim :])
        parent = self.parent.to_linear(inserted)

        def drop(bases: Bases) -> Bases:
            return tuple((*b[: self.dim], *b[self.dim + 1 :]) for b in bases)

        register = tuple(b for b in drop(parent.register) if any(b))
        return LinearLayout(
            shape, register, drop(parent.lane), drop(parent.warp), drop(parent.block)
        )


@dataclass(frozen=True)
class LinearEncoding(Encoding):
    """`#ttg.linear`: the bases themselves; a bijection once zero bases are taken away."""

    alias = "linear"
    mnemonic = "linear"
    register: Bases
    lane: Bases
    warp: Bases
    block: Bases = ()
    dims: int = 0  # the rank where no basis tells it

    @property
    def rank(self) -> int:
        """The number of coordinates of a basis."""
        for bases in (self.register, self.lane, self.warp, self.block):
            if bases:
                return len(bases[0])
        return self.dims

    def parameters(self, reference: Reference) -> str:
        """The parameters in 3.9's order."""
        inputs = (
            ("register", self.register),
            ("lane", self.lane),
            ("warp", self.warp),
            ("block", self.block),
        )
        return f"{{{', '.join(f'{name} = {bases_text(bases)}' for name, bases in inputs)}}}"

    def bases(self, shape: tuple[int, ...]) -> LinearLayout:
        """The bases, repeated over a larger shape and cut to a smaller one."""
        inputs = {
            "register": list(self.register),
            "lane": list(self.lane),
            "warp": list(self.warp),
        }
        tile = Tile(self.rank, self.sizes(), inputs)
        layout = tile.fit(shape, self.order(), keep_copies=False)
        return replace(layout, block=self.block)

    def sizes(self) -> list[int]:
        """The extent of the bases in each dimension."""
        sizes = [1] * self.rank
        for bases in (self.register, self.lane, self.warp, self.block):
            for basis in bases:
                for dim, value in enumerate(basis):
                    sizes[dim] = max(sizes[dim], 1 << value.bit_length())
        return sizes

    def order(self) -> tuple[int, ...]:
        """The dimensions, in the order in which register and lane bits walk them."""
        order: list[int] = []
        for basis in (*self.register, *self.lane, *self.warp):
            for dim, value in enumerate(basis):
                if value and dim not in order:
                    order.append(dim)
        rest = [dim for dim in reversed(range(self.rank)) if dim not in order]
        return (*order, *rest)


@dataclass(frozen=True)
class GenericLinearEncoding(LinearEncoding):
    """`#ttg.generic_linear`: as `linear`, but only every element must occur somewhere."""

    alias = "generic_linear"
    mnemonic = "generic_linear"
