"""Linear maps over GF(2): each input bit toggles (XOR) some output bits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class LinearMap:
    """`columns[i]` is what input bit i toggles; numbers are bit vectors."""

    columns: tuple[int, ...]

    @staticmethod
    def identity(bits: int) -> LinearMap:
        """The map that changes nothing."""
        return LinearMap(tuple(1 << bit for bit in range(bits)))

    def apply(self, value: int) -> int:
        """The output for an input."""
        found = 0
        for bit, column in enumerate(self.columns):
            if value >> bit & 1:
                found ^= column
        return found

    def outputs(self) -> list[int]:
        """The outputs of all inputs, in order."""
        found = [0]
        for column in self.columns:
            found += [value ^ column for value in found]
        return found

    def compose(self, inner: LinearMap) -> LinearMap:
        """This map after another one."""
        return LinearMap(tuple(map(self.apply, inner.columns)))

    @cached_property
    def _echelon(self) -> tuple[dict[int, tuple[int, int]], tuple[int, ...]]:
        """Leading output bit: (an output with it, the input that gives it); then the kernel.

        Inputs of lower bits are preferred, so that of several inputs the simplest is found.
        """
        rows: dict[int, tuple[int, int]] = {}
        kernel: list[int] = []
        for bit, column in enumerate(self.columns):
            value, combination = _reduce(column, 1 << bit, rows)
            if value:
                rows[value.bit_length() - 1] = (value, combination)
            else:
                kernel.append(combination)
        return rows, tuple(kernel)

    @property
    def rank(self) -> int:
        """Bits of the outputs that occur."""
        return len(self._echelon[0])

    @property
    def kernel(self) -> tuple[int, ...]:
        """Independent inputs whose output is 0; each of them tells copies apart."""
        return self._echelon[1]

    @property
    def is_injective(self) -> bool:
        """Whether no two inputs have one output."""
        return not self.kernel

    def is_surjective(self, bits: int) -> bool:
        """Whether every output of so many bits occurs."""
        return self.rank == bits

    def solve(self, output: int) -> int | None:
        """An input that gives an output; None if none does."""
        value, combination = _reduce(output, 0, self._echelon[0])
        return None if value else combination

    def pseudo_inverse(self, bits: int) -> LinearMap:
        """A linear map back from outputs of so many bits, all of which must occur."""
        found: list[int] = []
        for bit in range(bits):
            combination = self.solve(1 << bit)
            if combination is None:
                raise ValueError(f"output bit {bit} does not occur")
            found.append(combination)
        return LinearMap(tuple(found))


def _reduce(value: int, combination: int, rows: dict[int, tuple[int, int]]) -> tuple[int, int]:
    """Take away rows until none has the value's leading bit."""
    left, kept = value, 0
    while left:
        lead = left.bit_length() - 1
        row = rows.get(lead)
        if row is None:
            # Keep this bit; the lower ones can still be reduced.
            kept |= 1 << lead
            left ^= 1 << lead
        else:
            left ^= row[0]
            combination ^= row[1]
    return kept, combination


def join(values: Iterable[tuple[int, int]]) -> int:
    """One number out of (value, bits), the first in the lowest bits."""
    found = shift = 0
    for value, bits in values:
        found |= value << shift
        shift += bits
    return found


def split(value: int, sizes: Iterable[int]) -> tuple[int, ...]:
    """The parts of so many bits each, the lowest first."""
    found: list[int] = []
    for bits in sizes:
        found.append(value & ((1 << bits) - 1))
        value >>= bits
    return tuple(found)
