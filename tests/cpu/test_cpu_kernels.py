"""Kernels on the CPU device against numpy in float64."""

# numpy's stubs leave much unknown to a strict checker.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tests.device import device
from trimetal import Shader, runtime
from trimetal.runtime.kernel import Kernel

from .support import Array, fresh, poison, stored


def compile(shader: Shader) -> Kernel:
    """The shader on the device under test."""
    return runtime.compile(shader, device())


@pytest.mark.parametrize("n", [1, 127, 1024, 5000])
def test_vector_add(n: int) -> None:
    kernel = compile(stored("vector_add", "x: f32/16, y: f32/16, out: f32/16!, n=i32", 128))
    x = fresh().standard_normal(n, np.float32)
    y = fresh().standard_normal(n, np.float32)
    out = poison(n + 8)
    before = out.copy()
    kernel((-(-n // 1024),), x, y, out, n)
    assert_array_equal(out[:n], x + y)
    assert_array_equal(out[n:].view(np.uint32), before[n:].view(np.uint32))


@pytest.mark.parametrize("shape", [(1, 1), (7, 100), (64, 1000)])
def test_row_softmax(shape: tuple[int, int]) -> None:
    kernel = compile(stored("row_softmax", "x: f32, out: f32!, columns=i32", 128))
    x = fresh().standard_normal(shape, np.float32) * 5
    out = poison(shape)
    kernel(shape[0], x, out, shape[1])
    exact = np.exp(x.astype(np.float64) - x.max(axis=1, keepdims=True))
    assert_allclose(out, exact / exact.sum(axis=1, keepdims=True), rtol=3e-6, atol=1e-12)


def test_transpose() -> None:
    kernel = compile(stored("transpose", "x: f32, out: f32!, rows=i32, columns=i32", 128))
    x = fresh().standard_normal((70, 45), np.float32)
    out = poison((45, 70))
    kernel((2, 3), x, out, 70, 45)
    assert_array_equal(out, x.T)


def test_histogram() -> None:
    signature = "x: i8, counts: i32!, sum: f32!, extremes: i32!, claimed: i32!, n=i32"
    kernel = compile(stored("histogram", signature, 64))
    n = 1000
    x = fresh().integers(0, 256, n).astype(np.uint8)
    counts, total = np.zeros(256, np.uint32), np.zeros(1, np.float32)
    extremes, claimed = np.array([999, -999], np.int32), np.zeros(2, np.uint32)
    kernel((-(-n // 64),), x, counts, total, extremes, claimed, n)
    assert_array_equal(counts, np.bincount(x, minlength=256))
    assert total[0] == x.sum(dtype=np.int64)
    assert_array_equal(extremes, [x.min(), x.max()])
    assert_array_equal(claimed, [n, 77])


def _halves(x: Array) -> Array:
    one, three = np.float16(1), np.float16(3)
    value = x * x + one
    value = value + x / three
    scaled = (x.astype(np.float32) * np.float32(0.1)).astype(np.float16)
    return np.asarray(-value + scaled)


def test_half_and_bfloat_round_once_an_operation() -> None:
    signature = "x: f16, out: f16!, y: bf16, rounded: bf16!, mixed: f32!"
    kernel = compile(stored("halves", signature, 64))
    n = 4096
    x = fresh().standard_normal(n).astype(np.float16)
    y: Array = fresh().standard_normal(n).astype(ml_dtypes.bfloat16)
    out, rounded, mixed = poison(n, np.float16), poison(n, ml_dtypes.bfloat16), poison(n)
    kernel((n // 64,), x, out, y, rounded, mixed)
    assert_array_equal(out, _halves(x))
    one, three = ml_dtypes.bfloat16(1), ml_dtypes.bfloat16(3)
    other = y * y + one
    other = other - y / three
    assert_array_equal(rounded, np.where(y < 0, -other, other).astype(ml_dtypes.bfloat16))
    value = x * x + np.float16(1)
    value = value + x / np.float16(3)
    columns = [np.float16(2) * v for v in (np.float16(2), np.float16(0.5), value, x)]
    f = [np.float32(c) + y.astype(np.float32) for c in columns]
    assert_array_equal(mixed, (f[0] + f[1]) + (f[2] + f[3]))


def test_packed_vectors() -> None:
    signature = "points: f32, out: f32!, pairs: i8, joined: i16!, quads: f16, sums: f32!"
    kernel = compile(stored("packed", signature, 32))
    n = 96
    points = fresh().integers(-9, 9, (n, 3)).astype(np.float32)
    pairs = fresh().integers(0, 256, (n, 2)).astype(np.uint8)
    quads = fresh().integers(-9, 9, (n, 4)).astype(np.float16)
    out, joined, sums = poison((n, 3)), poison(n, np.uint16), poison(n)
    kernel((3,), points, out, pairs, joined, quads, sums)
    moved = points[:, ::-1] * 2 + np.array([1, 2, 3], np.float32)
    assert_array_equal(out, (moved - np.array([0, 4, 0], np.float32))[:, ::-1])
    assert_array_equal(joined, pairs[:, 1] + 256 * pairs[:, 0].astype(np.uint16))
    assert_array_equal(sums, quads.astype(np.float32).sum(axis=1) + quads[:, 0] - quads[:, 1])


@pytest.mark.parametrize("shape", [(32, 32, 32), (64, 96, 160)])
def test_matmul(shape: tuple[int, int, int]) -> None:
    m, n, k = shape
    kernel = compile(stored("matmul", "a: f16/16, b: f16/16, c: f32!, n=i32/16, k=i32/16", 128))
    a = fresh().standard_normal((m, k)).astype(np.float16)
    b = fresh().standard_normal((k, n)).astype(np.float16)
    c = poison((m, n))
    kernel((n // 32, m // 32), a, b, c, n, k)
    assert_allclose(c, 0.5 * a.astype(np.float64) @ b.astype(np.float64), rtol=1e-4, atol=1e-4)


def test_wide_integers() -> None:
    signature = "x: i64, out: i64!, u: i64, product: i64!, factor=i64"
    kernel = compile(stored("wide_integers", signature, 64))
    n = 128
    x = fresh().integers(-(2**62), 2**62, n)
    u = fresh().integers(1, 2**64, n, dtype=np.uint64)
    factor = -1234567890123
    out, product = poison((n, 4), np.int64), poison((n, 3), np.uint64)
    kernel((2,), x, out, u, product, factor)
    exact = [int(v) * factor for v in x]
    assert_array_equal(out[:, 0], [(v + 2**63) % 2**64 - 2**63 for v in exact])
    assert_array_equal(out[:, 1], [v >> 64 for v in exact])
    assert_array_equal(
        out[:, 2], [int(abs(int(v)) // abs(factor)) * (-1 if v > 0 else 1) for v in x]
    )
    assert_array_equal(out[:, 3], x >> 5)
    numbers = [int(v) for v in u]
    assert_array_equal(product[:, 0], [v * v >> 64 for v in numbers])
    assert_array_equal(product[:, 1], [(v << 7 | v >> 57) % 2**64 for v in numbers])
    counts = [
        v.bit_count() + 100 * (64 - v.bit_length()) + 10000 * ((v & -v).bit_length() - 1)
        for v in numbers
    ]
    assert_array_equal(product[:, 2], counts)


def _signed(value: int) -> int:
    return value - 2**32 if value >= 2**31 else value


def _bit_functions(w: int) -> list[int]:
    s = _signed(w)
    low16, low8 = w & 0xFFFF, w & 0xFF
    saturated = min(max(2 * s, -(2**31)), 2**31 - 1) % 2**32
    trailing = 16 if low16 == 0 else (low16 & -low16).bit_length() - 1
    return [
        (w << 13 | w >> 19) % 2**32,
        int(f"{w:032b}"[::-1], 2),
        w * 0x9E3779B9 >> 32,
        w >> 5 & 0x1FF,
        w & ~(0x1FF << 4) | 0x155 << 4,
        abs(s - 1000),
        saturated ^ max(w - 2**31, 0),
        low16.bit_count() + (8 - low8.bit_length()) * 100 + trailing * 10000,
    ]


def test_bits_and_reinterpretation() -> None:
    kernel = compile(stored("bits", "x: i32/16, out: i32/16!, words: i32, results: i32!", 32))
    n = 64
    x = fresh().standard_normal((n, 8)).astype(np.float16)
    words = fresh().integers(0, 2**32, n, dtype=np.uint32)
    words[:4] = [0, 2**31, 2**32 - 1, 1]
    out, results = poison((n, 4), np.uint32), poison((n, 8), np.uint32)
    kernel((2,), x.view(np.uint32), out, words, results)
    assert_array_equal(out.view(np.float16), x * np.array([2, -1] * 4, np.float16))
    assert_array_equal(results, [_bit_functions(int(w)) for w in words])


def test_lanes() -> None:
    kernel = compile(stored("lanes", "x: f32, floats: f32!, words: i32, out: i32!", 64))
    x = fresh().integers(-50, 50, 128).astype(np.float32)
    words = fresh().integers(0, 2**32, 128, dtype=np.uint32)
    floats, out = poison((4, 32, 12)), poison((4, 32, 10), np.uint32)
    kernel(2, x, floats, words, out)
    i = np.arange(32)
    for group in range(4):
        v, w = x[32 * group : 32 * group + 32], words[32 * group : 32 * group + 32]
        expected = [
            v[(i * 7 + 3) % 32],
            v[i ^ 5],
            v[np.where(i >= 3, i - 3, i)],
            v[np.where(i + 9 < 32, i + 9, i)],
            v[(i - 2) % 32],
            v[(i + 31) % 32],
            np.full(32, v[17]),
            np.full(32, v.min()),
            np.full(32, v.max()),
            np.cumsum(v),
            np.cumsum(v) - v,
            v[i ^ 1] + 32,
        ]
        assert_array_equal(floats[group], np.stack(expected, axis=1))
        odd = int(sum(1 << k for k in range(32) if w[k] & 1))
        product = 1
        for word in w:
            product = product * (int(word) | 1) % 2**32
        same = [
            int(w.sum(dtype=np.uint64)) % 2**32,
            int(np.bitwise_and.reduce(w)),
            int(np.bitwise_or.reduce(w)),
            int(np.bitwise_xor.reduce(w)),
            product,
            odd,
            int((w == 0).any()),
            int((w != 0).all()),
            int(w[4]) % 256 + 7,
        ]
        assert_array_equal(out[group, :, :9], np.broadcast_to(np.array(same, np.uint32), (32, 9)))
        assert_array_equal(out[group, :, 9], w[i ^ 16] % 65536)


@pytest.mark.parametrize("negate", [False, True])
def test_choices(negate: bool) -> None:
    kernel = compile(stored("choices", "x: f32/16, out: f32/16!, flags: i32!, negate=i1", 32))
    n = 64
    x = (fresh().standard_normal((n, 4)) * 2).astype(np.float32)
    x[1, 0], x[2, 1], x[3, 2] = np.nan, np.inf, -0.0
    out, flags = poison((n, 4)), poison(n, np.int32)
    kernel((2,), x, out, flags, negate)
    swapped = x[:, ::-1]
    less = x < swapped
    i = np.arange(n)
    chosen = np.fmin(np.fmax(np.where(less, swapped, x), -1), 1)
    chosen *= np.array([0.5, 1, 1.5, 2], np.float32)[i % 4][:, None]
    rounded = [np.floor(x[:, 0]), np.ceil(x[:, 1]), np.trunc(x[:, 2]), np.rint(x[:, 3])]
    assert_array_equal(out, (-chosen if negate else chosen) + np.stack(rounded, axis=1))
    expected = less.any(axis=1) + 2 * less.all(axis=1) + 4 * np.isnan(x[:, 0])
    expected = expected + 8 * np.isinf(x[:, 1]) + 16 * np.signbit(x[:, 2])
    expected = expected + np.array([3, 4])[i % 2] * 32 + 1024 * np.isfinite(x).all(axis=1)
    assert_array_equal(flags, expected)


def test_functions() -> None:
    kernel = compile(stored("functions", "x: f32, out: f32!", 32))
    n = 256
    x = fresh().uniform(-4, 4, n).astype(np.float32)
    out = poison((n, 24))
    kernel((n // 32,), x, out)
    v = x.astype(np.float64)
    a = np.abs(v)
    root = np.sqrt(np.abs(x).astype(np.float16)).astype(np.float16)
    expected = [
        np.exp(v), np.exp2(v), np.log(a), np.log2(a), np.sin(v), np.cos(v), np.tan(v), np.tanh(v),
        np.sqrt(a), 1 / np.sqrt(a), np.exp(v), a**1.5, np.arctan2(v, 2), v * v + 1,
        np.fmod(v, 0.75), np.sin(np.pi * v), np.cos(np.pi * v), v - np.floor(v), v * 8,
        np.copysign(2, v), np.log10(a), 10**v,
        np.sign(v) + 1.5 + (v >= 0) + np.clip(v, 0, 1),
        root + np.fmax(x.astype(np.float16), np.float16(0.25)),
    ]  # fmt: skip
    for column, exact in enumerate(expected):
        assert_allclose(out[:, column], exact, rtol=2e-6, atol=1e-6, err_msg=f"column {column}")


@pytest.mark.parametrize(("grid", "sizes"), [((3,), (3, 1, 1)), ((3, 2, 2), (3, 2, 2))])
def test_positions(grid: tuple[int, ...], sizes: tuple[int, int, int]) -> None:
    kernel = compile(stored("positions", "out: i32!", 80))
    groups = int(np.prod(sizes))
    out = poison((groups, 80, 12), np.uint32)
    kernel(grid, out)
    x, y, z = sizes
    group, thread = np.meshgrid(np.arange(groups), np.arange(80), indexing="ij")
    same = np.ones_like(thread)
    expected = [
        group % x * 80 + thread, group // x % y, group // x // y, thread, 80 * same,
        (x + 100 * y + 10000 * z) * same, x * 80 * same, thread, 3 * same, thread // 32,
        thread % 32, 32 * same,
    ]  # fmt: skip
    assert_array_equal(out, np.stack(expected, axis=-1))


def test_address_spaces() -> None:
    kernel = compile(stored("spaces", "x: f32, out: f32!, scale: f32/16, weights: f32", 32))
    n = 96
    x = fresh().integers(-50, 50, n).astype(np.float32)
    scale, weights = np.array([1, 2, 3, 4], np.float32), np.array([5, 6, 7, 8], np.float32)
    out = poison(n)
    kernel((3,), x, out, scale, weights)
    i = np.arange(32)
    value = x.reshape(3, 32) + 1
    expected = 2 * value[:, 31:] + value[:, (i + 1) % 32] * 2 + weights[i % 4]
    expected = expected + 1 + (i + 1) % 32 + value[:, 31:] + 3 + 4 + 3 + 31
    assert_array_equal(out.reshape(3, 32), expected)


def test_fence() -> None:
    kernel = compile(stored("fence", "flag: i32!, data: i32!", 64))
    flag, data = np.zeros(1, np.uint32), poison(128, np.uint32)
    kernel((2,), flag, data)
    assert flag[0] == 128
    assert_array_equal(data, np.arange(128))


def test_same_bytes_in_every_order() -> None:
    kernel = runtime.compile(
        stored("row_softmax", "x: f32, out: f32!, columns=i32", 128), "cpu", schedules=5
    )
    x = fresh().standard_normal((9, 300), np.float32)
    out = poison((9, 300))
    kernel((9,), x, out, 300)
    exact = np.exp(x.astype(np.float64) - x.max(axis=1, keepdims=True))
    assert_allclose(out, exact / exact.sum(axis=1, keepdims=True), rtol=3e-6)
