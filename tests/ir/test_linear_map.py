"""Linear maps over GF(2), against all their inputs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimetal.transpiler.ir.linear_map import LinearMap, join, split

BITS = 6
columns = st.lists(st.integers(0, (1 << BITS) - 1), min_size=1, max_size=8)


@given(columns)
def test_apply_is_linear(found: list[int]) -> None:
    made = LinearMap(tuple(found))
    for a in range(1 << len(found)):
        assert made.apply(a ^ 1) == made.apply(a) ^ made.apply(1)


@given(columns)
def test_kernel_and_rank(found: list[int]) -> None:
    made = LinearMap(tuple(found))
    outputs = [made.apply(value) for value in range(1 << len(found))]
    assert all(made.apply(value) == 0 for value in made.kernel)
    assert outputs.count(0) == 1 << len(made.kernel)
    assert len(set(outputs)) == 1 << made.rank
    assert made.is_injective == (len(set(outputs)) == len(outputs))
    assert made.is_surjective(BITS) == (len(set(outputs)) == 1 << BITS)


@given(columns)
def test_solve_finds_an_input_where_there_is_one(found: list[int]) -> None:
    made = LinearMap(tuple(found))
    outputs = {made.apply(value) for value in range(1 << len(found))}
    for output in range(1 << BITS):
        solution = made.solve(output)
        assert (solution is not None) == (output in outputs)
        assert solution is None or made.apply(solution) == output


@given(columns, columns)
def test_compose(first: list[int], second: list[int]) -> None:
    inner = LinearMap(tuple(first))
    outer = LinearMap(tuple((second * BITS)[:BITS]))
    both = outer.compose(inner)
    for value in range(1 << len(first)):
        assert both.apply(value) == outer.apply(inner.apply(value))


def test_the_pseudo_inverse_prefers_low_bits() -> None:
    made = LinearMap((1, 2, 1, 3))
    back = made.pseudo_inverse(2)
    assert back.columns == (0b0001, 0b0010)
    assert made.compose(back) == LinearMap.identity(2)


def test_there_is_no_inverse_of_what_does_not_occur() -> None:
    with pytest.raises(ValueError, match="bit 1"):
        LinearMap((1,)).pseudo_inverse(2)


def test_join_and_split() -> None:
    assert join([(0b101, 3), (0b1, 1), (0b10, 2)]) == 0b101101
    assert split(0b101101, [3, 1, 2]) == (0b101, 0b1, 0b10)
