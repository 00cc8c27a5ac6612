"""Renamings between distributions, checked element by element."""

from __future__ import annotations

import itertools
import random

import pytest

from trimetal.transpiler.lower.distribution import (
    BinarySpan,
    Distribution,
    basis_of,
    code_of,
    find_runs,
    register_map,
    through,
)


def element(layout: Distribution, register: int, thread: int) -> tuple[int, ...]:
    """The element that a thread holds in a register."""
    at = (0,) * len(layout.shape)
    bits = [b for i, b in enumerate(layout.registers) if register >> i & 1]
    bits += [b for i, b in enumerate(layout.threads) if thread >> i & 1]
    for basis in bits:
        at = tuple(x ^ y for x, y in zip(at, basis, strict=True))
    return at


def random_layout(shape: tuple[int, ...], threads: int, seed: int) -> Distribution:
    """Every basis vector of the shape somewhere, the rest copies."""
    source = random.Random(seed)
    total = 1
    for size in shape:
        total *= size
    codes = [1 << bit for bit in range(total.bit_length() - 1)]
    source.shuffle(codes)
    on_threads = source.randint(0, min(threads, len(codes)))
    thread_codes = codes[:on_threads] + [0] * (threads - on_threads)
    source.shuffle(thread_codes)
    registers = tuple(basis_of(code, shape) for code in codes[on_threads:])
    return Distribution(shape, registers, tuple(basis_of(c, shape) for c in thread_codes))


@pytest.mark.parametrize("seed", range(40))
def test_register_map_finds_the_same_element(seed: int) -> None:
    shape = (8, 4)
    source = random_layout(shape, 4, seed)
    order = random.Random(seed).sample(range(len(source.registers)), len(source.registers))
    result = Distribution(shape, tuple(source.registers[i] for i in order), source.threads)
    mapping = register_map(result, source, lambda at: at)
    assert mapping is not None
    for register, thread in itertools.product(range(result.count), range(16)):
        bits = tuple(register >> bit & 1 for bit in range(len(result.registers)))
        found = sum(
            (sum(b for i, b in enumerate(bits) if mask >> i & 1) % 2) << bit
            for bit, mask in enumerate(mapping)
        )
        assert element(source, found, thread) == element(result, register, thread)


def test_register_map_refuses_what_is_in_another_thread() -> None:
    row = Distribution((4, 4), ((0, 1), (0, 2)), ((1, 0), (2, 0)))
    column = Distribution((4, 4), ((1, 0), (2, 0)), ((0, 1), (0, 2)))
    assert register_map(row, column, lambda at: at) is None
    assert register_map(row, row, lambda at: at) == row.identity


def test_through_composes_positions() -> None:
    assert through((1, 2, 4), (0b001, 0b110)) == (1, 2 ^ 4)


@pytest.mark.parametrize("shape", [(16,), (4, 8), (2, 4, 2)])
def test_codes_number_the_elements_row_major(shape: tuple[int, ...]) -> None:
    everyone = itertools.product(*(range(size) for size in shape))
    for number, at in enumerate(everyone):
        assert code_of(at, shape) == number
        assert basis_of(number, shape) == at


def test_runs_are_maximal() -> None:
    runs = find_runs([(0, 1), (0, 2), (0, 8), (1, 0), (2, 0), (4, 4)])
    found = [(run.dim, run.stride, run.first, run.bits) for run in runs]
    assert found == [(1, 1, 0, 2), (1, 8, 2, 1), (0, 1, 3, 2), (-1, 0, 5, 1)]


@pytest.mark.parametrize("seed", range(20))
def test_span_solves_exactly_what_is_in_it(seed: int) -> None:
    source = random.Random(seed)
    vectors = [source.randrange(64) for _ in range(5)]
    span = BinarySpan(vectors)
    reachable = {0}
    for vector in vectors:
        reachable |= {x ^ vector for x in reachable}
    for target in range(64):
        mask = span.solve(target)
        assert (mask is not None) == (target in reachable)
        if mask is not None:
            total = 0
            for index, vector in enumerate(vectors):
                total ^= vector if mask >> index & 1 else 0
            assert total == target
