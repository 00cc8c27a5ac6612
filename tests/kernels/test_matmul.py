# pyright: basic
"""Matmul as programs have it: any size, every type, epilogues, shares of K, groups of products."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ..lower.support import Array
from .support import DTYPES, assert_close, empty, launch, normal, product

pytestmark = pytest.mark.triton

KINDS = pytest.mark.parametrize("kind", DTYPES)
SIZE = st.integers(1, 300)


def operands(kind: str, m: int, n: int, k: int) -> dict[str, object]:
    """Fresh matrices, and what else the kernel `matmul` takes."""
    generator = np.random.default_rng()
    return {
        "a_ptr": normal((m, k), kind, generator),
        "b_ptr": normal((k, n), kind, generator),
        "c_ptr": empty((m, n), kind),
        "bias_ptr": normal((n,), kind, generator),
        **{"m": m, "n": n, "k": k, "a_stride": k, "b_stride": n, "c_stride": n},
    }


def products(arguments: dict[str, object]) -> tuple[Array, Array]:
    """a @ b in double precision, and with the roundings of float."""
    a, b = (np.asarray(arguments[name]) for name in ("a_ptr", "b_ptr"))
    exact = a.astype(np.float64) @ b.astype(np.float64)
    return exact, product(a, b)


def check(
    kind: str,
    sizes: tuple[int, int, int],
    block: tuple[int, int, int] = (32, 32, 32),
    warps: int = 4,
) -> None:
    """A product without an epilogue."""
    m, n, k = sizes
    arguments = operands(kind, m, n, k)
    grid = (-(-m // block[0]) * -(-n // block[1]),)
    names = dict(zip(("BLOCK_M", "BLOCK_N", "BLOCK_K"), block, strict=True))
    launch("matmul", grid, arguments, warps, **names, GROUP=8, EPILOGUE="none")
    exact, single = products(arguments)
    c = np.asarray(arguments["c_ptr"])
    assert_close(c, exact, single.astype(c.dtype), f"{kind} {sizes}")


@KINDS
@pytest.mark.parametrize(
    "sizes", [(64, 64, 64), (1, 1, 1), (33, 65, 31), (17, 1, 300), (100, 7, 8)], ids=str
)
def test_sizes(kind: str, sizes: tuple[int, int, int]) -> None:
    check(kind, sizes)


@settings(max_examples=8, deadline=None)
@given(kind=st.sampled_from(list(DTYPES)), m=SIZE, n=SIZE, k=SIZE)
def test_some_sizes(kind: str, m: int, n: int, k: int) -> None:
    check(kind, (m, n, k))


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(list(DTYPES)),
    m=SIZE,
    n=SIZE,
    k=SIZE,
    block=st.sampled_from([(32, 32, 32), (64, 64, 32), (16, 128, 16), (128, 32, 64)]),
    warps=st.sampled_from([1, 4, 8]),
)
def test_any_size(
    kind: str, m: int, n: int, k: int, block: tuple[int, int, int], warps: int
) -> None:
    check(kind, (m, n, k), block, warps)


# (BLOCK_M, BLOCK_N, BLOCK_K), warps: those among which tutorial 03 chooses.
CONFIGURATIONS = [
    ((128, 256, 64), 8),
    ((64, 256, 32), 4),
    ((128, 128, 32), 4),
    ((128, 64, 32), 4),
    ((64, 128, 32), 4),
    ((128, 32, 32), 4),
    ((64, 32, 32), 2),
    ((32, 64, 32), 2),
    ((256, 64, 128), 4),
]


@pytest.mark.slow
@KINDS
@pytest.mark.parametrize(("block", "warps"), CONFIGURATIONS, ids=str)
def test_configurations_of_the_tutorial(kind: str, block: tuple[int, int, int], warps: int) -> None:
    check(kind, (256, 256, 256), block, warps)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["f16", "f32"])
@pytest.mark.parametrize("size", [384, 512], ids=str)
def test_shapes_of_the_tutorial(kind: str, size: int) -> None:
    check(kind, (size, size, size), (128, 128, 32), 4)


def silu(x: Array) -> Array:
    return x / (1 + np.exp(-x))


def softmax(x: Array) -> Array:
    weights = np.exp(x - x.max(1, keepdims=True))
    return weights / weights.sum(1, keepdims=True)


EPILOGUES = {
    "leaky": lambda x, bias, older: np.where(x >= 0, x, x * x.dtype.type(0.01)),
    "bias silu": lambda x, bias, older: silu(x + bias),
    "residual": lambda x, bias, older: x.dtype.type(0.5) * x + older,
    "row softmax": lambda x, bias, older: softmax(x),
}


@KINDS
@pytest.mark.parametrize("epilogue", EPILOGUES)
def test_epilogues(kind: str, epilogue: str) -> None:
    m, n, k = 50, 61, 40
    arguments = operands(kind, m, n, k)
    c, bias = (np.asarray(arguments[name]) for name in ("c_ptr", "bias_ptr"))
    c[...] = normal((m, n), kind, np.random.default_rng())
    expected = []
    for value in products(arguments):
        older, shift = c.astype(value.dtype), bias.astype(value.dtype)
        expected.append(EPILOGUES[epilogue](value, shift, older))
    blocks = {"BLOCK_M": 32, "BLOCK_N": 64, "BLOCK_K": 32, "GROUP": 1}
    # Two schedules start from the same state: c is read and written.
    launch("matmul", (2,), arguments, **blocks, EPILOGUE=epilogue)
    exact, single = expected
    assert_close(c, exact, single.astype(c.dtype), f"{kind} {epilogue}")


@KINDS
@pytest.mark.parametrize("shares", [1, 4])
def test_shares_of_k(kind: str, shares: int) -> None:
    """Added by atomics, in any order: each sum may round in each of them."""
    m, n, k = 40, 70, 300
    arguments = operands(kind, m, n, k)
    del arguments["bias_ptr"]
    c = np.zeros((m, n), np.float32)
    arguments["c_ptr"] = c
    exact, single = products(arguments)
    blocks = {"BLOCK_M": 32, "BLOCK_N": 32, "BLOCK_K": 32, "SPLIT": shares}
    order_free = {"schedules": 1} if shares > 1 else {}
    launch("split_k", (2, 3, shares), arguments, **blocks, **order_free)
    assert_close(c, exact, single, f"{kind} {shares}")


@KINDS
@pytest.mark.parametrize("programs", [1, 3])
def test_groups_of_products(kind: str, programs: int) -> None:
    """Sizes and places are read by the programs themselves."""
    generator = np.random.default_rng()
    sizes = np.array([(40, 33, 20), (16, 16, 64), (1, 90, 7), (65, 5, 33)], np.int32)
    lengths = np.stack(
        [sizes[:, 0] * sizes[:, 2], sizes[:, 2] * sizes[:, 1], sizes[:, 0] * sizes[:, 1]], axis=1
    )
    starts = (np.cumsum(lengths, axis=0) - lengths).astype(np.int64)
    totals = lengths.sum(axis=0)
    a, b = (normal((int(total),), kind, generator) for total in totals[:2])
    c = empty((int(totals[2]),), kind)
    arguments: dict[str, object] = {"a_ptr": a, "b_ptr": b, "c_ptr": c}
    arguments |= {"sizes_ptr": sizes, "starts_ptr": starts, "problems": len(sizes)}
    blocks = {"BLOCK_M": 32, "BLOCK_N": 32, "BLOCK_K": 16}
    launch("grouped_matmul", (programs,), arguments, PROGRAMS=programs, **blocks)
    for (m, n, k), (a_start, b_start, c_start) in zip(sizes, starts, strict=True):
        left = a[a_start : a_start + m * k].reshape(m, k)
        right = b[b_start : b_start + k * n].reshape(k, n)
        found = c[c_start : c_start + m * n].reshape(m, n)
        exact = left.astype(np.float64) @ right.astype(np.float64)
        assert_close(found, exact, product(left, right).astype(c.dtype), f"{kind} {(m, n, k)}")
