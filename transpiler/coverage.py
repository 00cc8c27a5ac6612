"""What a shader tells its launcher of the elements that a store writes.

An array of which a kernel writes every element needs no contents before the launch. Whether it does
depends on the grid and the numbers of a launch, so a store is described by a formula: the offset of
each element, a sum of products of numbers that a launch knows and of indices that run from 0 to an
extent, and the conditions under which it is written.

Factors are named "p0" (the program's number in a dimension of the grid), "g0" (the grid's size),
"a3" (the launch's fourth argument), "d0" (an index within the stored tensor) and "k0" (the number
of a loop's turn).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

# Products of factors, sorted, and the number before each.
Sum = dict[tuple[str, ...], int]

# Offsets and conditions are computed in 32 bits where the kernel does so.
_LARGEST = 2**31 - 1


@dataclass(frozen=True)
class Loop:
    """A counted loop around a store: its counter runs from `lower` to `upper` in steps."""

    lower: Sum
    upper: Sum
    step: Sum


@dataclass(frozen=True)
class Bound:
    """A condition: `below` is less than `limit`."""

    below: Sum
    limit: Sum


@dataclass(frozen=True)
class Coverage:
    """The elements that one store writes: those at `offset` for which all of `bounds` hold.

    `shape` has the extents of d0, d1, ...; `loops` say how often k0, k1, ... turn.
    """

    offset: Sum
    bounds: tuple[Bound, ...]
    shape: tuple[int, ...]
    loops: tuple[Loop, ...]


def coverage_to_text(stores: Iterable[Coverage]) -> str:
    """The stores as one line of JSON."""
    return json.dumps(
        [
            {
                "offset": _listed(store.offset),
                "bounds": [[_listed(each.below), _listed(each.limit)] for each in store.bounds],
                "shape": store.shape,
                "loops": [
                    [_listed(loop.lower), _listed(loop.upper), _listed(loop.step)]
                    for loop in store.loops
                ],
            }
            for store in stores
        ],
        separators=(",", ":"),
    )


def coverage_from_text(text: str) -> tuple[Coverage, ...]:
    """The inverse of `coverage_to_text`; no stores of ""."""
    return tuple(
        Coverage(
            _sum(each["offset"]),
            tuple(Bound(_sum(below), _sum(limit)) for below, limit in each["bounds"]),
            tuple(each["shape"]),
            tuple(Loop(*(_sum(part) for part in loop)) for loop in each["loops"]),
        )
        for each in json.loads(text or "[]")
    )


def _listed(total: Sum) -> list[list[object]]:
    return [["*".join(factors), number] for factors, number in total.items()]


def _sum(listed: Iterable[tuple[str, int]]) -> Sum:
    return {tuple(factors.split("*")) if factors else (): number for factors, number in listed}


@dataclass
class _Linear:
    """A sum of indices, each with a number before it, and a constant."""

    constant: int
    numbers: dict[str, int]

    def fits(self, extents: Mapping[str, int]) -> bool:
        """Whether no value of it wraps."""
        terms = (abs(number) * (extents[name] - 1) for name, number in self.numbers.items())
        return abs(self.constant) + sum(terms) <= _LARGEST


def covers(
    store: Coverage, size: int, grid: Sequence[int], numbers: Mapping[int, int | float]
) -> bool:
    """Whether a store writes each of the first `size` elements of its array.

    `numbers` are the scalar arguments by their index. Never true by mistake; false where this is
    not seen. An element's offset is a sum of parts that are not negative, and less than 2^31: none
    of the parts wraps, whatever is computed for elements further on.
    """
    known = {f"a{index}": number for index, number in numbers.items() if isinstance(number, int)}
    known |= {f"g{axis}": count for axis, count in enumerate(grid)}
    extents = {f"d{axis}": count for axis, count in enumerate(store.shape)}
    extents |= {f"p{axis}": count for axis, count in enumerate(grid)}
    for index, loop in enumerate(store.loops):
        turns = _turns(loop, known)
        if turns is None or turns < 1:
            return False
        extents[f"k{index}"] = turns
    offset = _linear(store.offset, known, extents)
    if offset is None or offset.constant or size > _LARGEST:
        return False
    items = {name: (number, extents[name]) for name, number in offset.numbers.items()}
    for bound in dict.fromkeys(map(_Condition.of, store.bounds)):
        if not bound.apply(items, known, extents):
            return False
    return _reach(items.values()) >= size


def _turns(loop: Loop, known: Mapping[str, int]) -> int | None:
    """How often a loop turns, if a launch knows that before."""
    parts = [_linear(part, known, {}) for part in (loop.lower, loop.upper, loop.step)]
    lower, upper, step = (part.constant if part else None for part in parts)
    if lower is None or upper is None or step is None or step < 1:
        return None
    return max(0, -(-(upper - lower) // step))


def _linear(total: Sum, known: Mapping[str, int], extents: Mapping[str, int]) -> _Linear | None:
    """A sum with the numbers of a launch; None where indices multiply, or one is not known."""
    result = _Linear(0, {})
    for factors, number in total.items():
        product = number
        index = ""
        for factor in factors:
            if factor in known:
                product *= known[factor]
            elif factor in extents and not index:
                index = factor
            else:
                return None
        if index and extents[index] > 1:
            result.numbers[index] = result.numbers.get(index, 0) + product
        elif not index:
            result.constant += product
    return result


@dataclass(frozen=True)
class _Condition:
    """A bound that is equal to another with the same sums."""

    below: tuple[tuple[tuple[str, ...], int], ...]
    limit: tuple[tuple[tuple[str, ...], int], ...]

    @staticmethod
    def of(bound: Bound) -> _Condition:
        """A bound."""
        return _Condition(tuple(sorted(bound.below.items())), tuple(sorted(bound.limit.items())))

    def apply(
        self,
        items: dict[str, tuple[int, int]],
        known: Mapping[str, int],
        extents: Mapping[str, int],
    ) -> bool:
        """Makes one item of the indices in the condition; false where they are not seen through.

        A condition a*i + b*j < n on indices that the offset has as u*(a*i + b*j) leaves one index,
        from 0 to n at most, that the offset has as u.
        """
        below = _linear(dict(self.below), known, extents)
        limit = _linear(dict(self.limit), known, extents)
        if below is None or limit is None or not limit.fits(extents):
            return False
        if below.fits(extents) and _always_below(below, limit, extents):
            return True
        names = [name for name, number in below.numbers.items() if number]
        if limit.numbers or not names or any(name not in items for name in names):
            return False
        own = [(below.numbers[name], items[name][1]) for name in names]
        unit = items[names[0]][0] // own[0][0]
        count = limit.constant - below.constant
        if unit < 1 or count < 1 or below.constant or min(number for number, _ in own) < 1:
            return False
        if any(items[name][0] != unit * below.numbers[name] for name in names):
            return False
        count = min(count, 1 + sum(number * (extent - 1) for number, extent in own))
        if _reach(own) < count:
            return False
        for name in names:
            del items[name]
        items["+".join(names)] = (unit, count)
        return True


def _always_below(below: _Linear, limit: _Linear, extents: Mapping[str, int]) -> bool:
    """Whether the largest value is less than the smallest limit."""
    names = below.numbers.keys() | limit.numbers.keys()
    numbers = (
        (below.numbers.get(name, 0) - limit.numbers.get(name, 0), extents[name]) for name in names
    )
    highest = sum(max(0, number) * (extent - 1) for number, extent in numbers)
    return below.constant + highest < limit.constant


def _reach(items: Iterable[tuple[int, int]]) -> int:
    """How many numbers from 0 on are sums of one multiple of each item: (number, count)."""
    reach = 1
    for number, count in sorted(items):
        if number < 0:
            return 0
        if number <= reach:
            reach += number * (count - 1)
    return reach
