"""Polynomials over SSA integers, with which two ways to compute one number are found equal.

Integers wrap, and sums, differences and products of wrapping integers are those of numbers modulo
2^width: two polynomials with the same terms are the same integer, whatever the operands are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..ir.core import Value

Factors = tuple[Value, ...]
_Key = frozenset[tuple[Value, int]]


@dataclass
class Polynomial:
    """A sum of products of values, each with a number before it, modulo 2^width.

    Terms keep the order in which they came, for those who write them out again.
    """

    width: int
    _terms: dict[_Key, tuple[Factors, int]] = field(default_factory=dict[_Key, tuple[Factors, int]])

    @staticmethod
    def of(value: Value, width: int) -> Polynomial:
        """A value."""
        return Polynomial(width)._with((value,), 1)

    @staticmethod
    def number(number: int, width: int) -> Polynomial:
        """A number."""
        return Polynomial(width)._with((), number)

    @property
    def terms(self) -> list[tuple[Factors, int]]:
        """Products and the numbers before them."""
        return list(self._terms.values())

    @property
    def constant(self) -> int | None:
        """The number that it is; None where values count."""
        if not self._terms:
            return 0
        ((factors, number), *rest) = self._terms.values()
        return None if factors or rest else number

    def has(self, value: Value) -> bool:
        """Whether a value occurs."""
        return any(value in factors for factors, _ in self._terms.values())

    def __add__(self, other: Polynomial) -> Polynomial:
        result = Polynomial(self.width, dict(self._terms))
        for factors, number in other.terms:
            result._with(factors, number)
        return result

    def __sub__(self, other: Polynomial) -> Polynomial:
        return self + other * Polynomial.number(-1, self.width)

    def __mul__(self, other: Polynomial) -> Polynomial:
        result = Polynomial(self.width)
        for factors, number in self.terms:
            for more, by in other.terms:
                result._with((*factors, *more), number * by)
        return result

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Polynomial) and dict(self._numbers()) == dict(other._numbers())

    def __hash__(self) -> int:
        return hash(frozenset(self._numbers()))

    def at(self, value: Value, instead: Polynomial) -> Polynomial:
        """With another number in a value's place."""
        result = Polynomial(self.width)
        for factors, number in self.terms:
            part = Polynomial.number(number, self.width)
            for factor in factors:
                by = instead if factor is value else Polynomial.of(factor, self.width)
                part = part * by
            result = result + part
        return result

    def _numbers(self) -> Iterator[tuple[_Key, int]]:
        return ((key, number) for key, (_, number) in self._terms.items())

    def _with(self, factors: Factors, number: int) -> Polynomial:
        """Add one term."""
        key = frozenset(Counter(factors).items())
        _, known = self._terms.pop(key, (factors, 0))
        half = 1 << (self.width - 1)
        total = (known + number + half) % (2 * half) - half
        if total:
            self._terms[key] = (factors, total)
        return self
