"""How a tensor lies in the registers of the threads, and renamings between such distributions.

The lowering's view of a layout: register bits that hold copies are dropped, lane and warp bits are
one thread index. A *position* says which registers of a value an iteration visits: for each
register bit of the value a mask of iteration bits whose XOR is that bit. The identity position is
(1, 2, 4, ...); a position of zeros is register 0. The mask bit `ONE` stands for the constant 1: the
second half of tt.split visits registers whose bit for the last dimension is `ONE`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from ..errors import UnsupportedError
from ..ir.encodings import Encoding
from ..ir.linear_layout import Basis
from ..ir.types import TensorType

Position = tuple[int, ...]

ONE = 1 << 62  # in a mask: the constant 1, beside bits of the iteration


@dataclass(frozen=True)
class Run:
    """Bits first .. first+bits-1 that count along one dimension in steps of `stride`."""

    dim: int
    stride: int
    first: int
    bits: int

    @property
    def size(self) -> int:
        """Number of values that the bits take."""
        return 1 << self.bits


@dataclass(frozen=True)
class Distribution:
    """Element offsets that each register bit and each bit of the thread index toggles."""

    shape: tuple[int, ...]
    registers: tuple[Basis, ...]
    threads: tuple[Basis, ...]

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((self.shape, self.registers, self.threads))

    @property
    def count(self) -> int:
        """Registers of a thread."""
        return 1 << len(self.registers)

    @cached_property
    def identity(self) -> Position:
        """The position that visits register i in step i."""
        return tuple(1 << bit for bit in range(len(self.registers)))

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """The register bits as maximal runs."""
        return find_runs(self.registers)

    @cached_property
    def replicated_threads(self) -> int:
        """Mask of thread-index bits that select copies (and do not change the element)."""
        return sum(1 << bit for bit, basis in enumerate(self.threads) if not any(basis))


def find_runs(bases: Sequence[Basis]) -> tuple[Run, ...]:
    """Maximal runs of bits: one dimension, each basis twice the one before."""
    runs: list[Run] = []
    for bit, basis in enumerate(bases):
        dims = [d for d, offset in enumerate(basis) if offset]
        last = runs[-1] if runs else None
        if len(dims) != 1:
            runs.append(Run(-1, 0, bit, 1))
        elif last and last.dim == dims[0] and basis[last.dim] == last.stride << last.bits:
            runs[-1] = Run(last.dim, last.stride, last.first, last.bits + 1)
        else:
            runs.append(Run(dims[0], basis[dims[0]], bit, 1))
    return tuple(runs)


@lru_cache(maxsize=4096)
def distribution_of(type_: TensorType) -> Distribution:
    """The distribution of a tensor type.

    Raises UnsupportedError where the layout spreads over several CTAs or is a placeholder.
    """
    if not isinstance(type_.encoding, Encoding):
        raise UnsupportedError(f"a tensor without a distributed layout: {type_}")
    layout = type_.encoding.to_linear(type_.shape)
    if any(any(basis) for basis in layout.block):
        raise UnsupportedError(f"clusters of several CTAs: {type_}")
    registers = tuple(basis for basis in layout.register if any(basis))
    return Distribution(type_.shape, registers, (*layout.lane, *layout.warp))


def code_of(coordinates: Basis, shape: tuple[int, ...]) -> int:
    """Coordinates as one number, row-major: XOR-linear, since sizes are powers of two."""
    code = 0
    for offset, size in zip(coordinates, shape, strict=True):
        code = code * size + offset
    return code


def basis_of(code: int, shape: tuple[int, ...]) -> Basis:
    """The inverse of `code_of`."""
    offsets: list[int] = []
    for size in reversed(shape):
        offsets.append(code % size)
        code //= size
    return tuple(reversed(offsets))


class BinarySpan:
    """A basis over GF(2), reduced: which of the given vectors XOR to a number."""

    def __init__(self, vectors: Sequence[int]) -> None:
        self._rows: dict[int, tuple[int, int]] = {}  # leading bit -> (vector, combination)
        for index, vector in enumerate(vectors):
            rest, combination = self._reduce(vector)
            if rest:
                self._rows[rest.bit_length()] = (rest, combination ^ (1 << index))

    def _reduce(self, vector: int) -> tuple[int, int]:
        combination = 0
        rest = 0
        while vector:
            top = 1 << (vector.bit_length() - 1)
            row = self._rows.get(vector.bit_length())
            if row is None:
                rest |= top
                vector ^= top
            else:
                vector ^= row[0]
                combination ^= row[1]
        return rest, combination

    def solve(self, vector: int) -> int | None:
        """A mask of vectors whose XOR is `vector`; None where there is none."""
        rest, combination = self._reduce(vector)
        return None if rest else combination


CoordinateMap = Callable[[Basis], Basis]


def register_map(
    result: Distribution, source: Distribution, coordinates: CoordinateMap, start: int = 0
) -> Position | None:
    """Where each thread finds its result elements among its own source registers.

    `coordinates` gives the source element of a result element, and must be linear; `start` is the
    code of what is XORed to it. The answer has, for each source register bit, a mask of result
    register bits; None says that some element is in another thread.
    """
    for mine, its in zip(result.threads, source.threads, strict=True):
        if coordinates(mine) != its:
            return None
    span = BinarySpan([code_of(basis, source.shape) for basis in source.registers])
    masks = [0] * len(source.registers)
    toggles = [
        (1 << bit, code_of(coordinates(basis), source.shape))
        for bit, basis in enumerate(result.registers)
    ]
    for mask, code in (*toggles, (ONE, start)):
        found = span.solve(code)
        if found is None:
            return None
        for source_bit in range(len(masks)):
            masks[source_bit] |= mask if found >> source_bit & 1 else 0
    return tuple(masks)


def through(position: Position, mapping: Position) -> Position:
    """The position of a source, given the position of the result and `register_map`'s answer."""
    return tuple(_xor_of(position, mask) for mask in mapping)


def _xor_of(position: Position, mask: int) -> int:
    total = mask & ONE
    for bit, entry in enumerate(position):
        if mask >> bit & 1:
            total ^= entry
    return total
