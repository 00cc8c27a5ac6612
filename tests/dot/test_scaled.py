# pyright: basic
"""Dots with block scales: every element kind, scales on either side, packing along K and M or N."""

from __future__ import annotations

import numpy as np
import pytest

from ..lower.support import Array, module, poison, run
from .support import errors, loaded, stored, warped

ROWS = warped([1, 4], [4, 8], 4)
SQUARE = warped([2, 2], [4, 8], 4)
M, N, K = 32, 64, 128

# Kind: element type of the text, of the array.
KINDS = {
    "e4m3": ("f8E4M3FN", np.uint8),
    "e5m2": ("f8E5M2", np.uint8),
    "e2m1": ("i8", np.uint8),
    "bf16": ("bf16", np.uint16),
    "fp16": ("f16", np.float16),
}


def float8(codes: Array, exponent: int, mantissa: int) -> Array:
    """8-bit (or 4-bit) floats as doubles."""
    low = codes & ((1 << mantissa) - 1)
    high = codes >> mantissa & ((1 << exponent) - 1)
    bias = (1 << (exponent - 1)) - 1
    normal = (1 + low / (1 << mantissa)) * 2.0 ** (high.astype(np.float64) - bias)
    small = low / (1 << mantissa) * 2.0 ** (1 - bias)
    sign = np.where(codes >> (exponent + mantissa) & 1, -1.0, 1.0)
    return sign * np.where(high > 0, normal, small)


def numbers(kind: str, shape: tuple[int, int], packed: int, seed: int) -> tuple[Array, Array]:
    """What the kernel gets, and its numbers as doubles."""
    generator = np.random.default_rng(seed)
    if kind == "e2m1":
        codes = generator.integers(0, 16, shape, dtype=np.uint8)
        even, odd = (slice(start, None, 2) for start in (0, 1))
        low = codes[even] if packed == 0 else codes[:, even]
        high = codes[odd] if packed == 0 else codes[:, odd]
        return low | high << 4, float8(codes, 2, 1)
    if kind == "fp16":
        values = generator.standard_normal(shape).astype(np.float16)
        return values, values.astype(np.float64)
    if kind == "bf16":
        single: Array = generator.standard_normal(shape).astype(np.float32)
        words: Array = np.frombuffer(single.tobytes(), np.uint32).reshape(shape) >> 16
        rounded: Array = np.frombuffer((words << 16).tobytes(), np.float32).reshape(shape)
        return words.astype(np.uint16), rounded.astype(np.float64)
    codes = generator.integers(0, 256, shape, dtype=np.uint8)
    exponent, mantissa = (4, 3) if kind == "e4m3" else (5, 2)
    codes[(codes & 127) >= (127 if kind == "e4m3" else 124)] = 1  # no infinity, no NaN
    return codes, float8(codes, exponent, mantissa)


def repeated(codes: Array) -> Array:
    """The factor of each element, from the codes of groups of 32."""
    exponents: Array = codes.astype(np.float64) - 127
    return np.repeat(2.0**exponents, 32, axis=1)


def kernel(kinds: tuple[str, str], scaled: str, packs: tuple[bool, bool]) -> str:
    """out = (a * its scales) @ (b * its scales)."""
    shapes = {"a": [M, K], "b": [K, N]}
    for name, kind, pack, dims in zip("ab", kinds, packs, ((1, 0), (0, 1)), strict=True):
        if kind == "e2m1":
            shapes[name][dims[0] if pack else dims[1]] //= 2
    types = {n: KINDS[k][0] for n, k in zip("ab", kinds, strict=True)}
    tensors = {n: f"tensor<{s[0]}x{s[1]}x{types[n]}, {ROWS}>" for n, s in shapes.items()}
    tensors |= {
        "as": f"tensor<{M}x{K // 32}xi8, {ROWS}>",
        "bs": f"tensor<{N}x{K // 32}xi8, {ROWS}>",
    }
    loads = [loaded(n, (s[0], s[1]), types[n], ROWS) for n, s in shapes.items()]
    loads += [loaded(f"{n}s", ({"a": M, "b": N}[n], K // 32), "i8", ROWS) for n in scaled]
    a, b = (f"%{n} scale %{n}s" if n in scaled else f"%{n}" for n in "ab")
    left, right = (f"{tensors[n]}, {tensors[n + 's']}" if n in scaled else tensors[n] for n in "ab")
    attributes = "fastMath = false" + "".join(
        f", {side}_k_pack = false"
        for side, pack in zip(("lhs", "rhs"), packs, strict=True)
        if not pack
    )
    pointers = {"a": types["a"], "b": types["b"], "as": "i8", "bs": "i8", "out": "f32"}
    arguments = ", ".join(f"%{name}_ptr: !tt.ptr<{kind}>" for name, kind in pointers.items())
    body = "\n".join(loads)
    result = f"tensor<{M}x{N}xf32, {SQUARE}>"
    return module(f"""
  tt.func public @scaled({arguments}) {{
    {body}
    %zero = arith.constant dense<0.0> : {result}
    %d = tt.dot_scaled {a}, {b}, %zero lhs = {kinds[0]} rhs = {kinds[1]} {{{attributes}}} : {left} * {right} -> {result}
    {stored("%d", (M, N), "f32", SQUARE)}
    tt.return
  }}""")  # noqa: E501


PAIRS = [
    ("e4m3", "e5m2", "ab"),
    ("e2m1", "bf16", "a"),
    ("bf16", "e2m1", "b"),
    ("fp16", "e4m3", "b"),
    ("e2m1", "e2m1", "ab"),
    ("e5m2", "fp16", "a"),
    ("e4m3", "e4m3", ""),
]


@pytest.mark.parametrize("packs", [(True, True), (False, False)], ids=["along K", "across"])
@pytest.mark.parametrize(("lhs", "rhs", "scaled"), PAIRS)
def test_scaled(lhs: str, rhs: str, scaled: str, packs: tuple[bool, bool]) -> None:
    """Dequantisation is exact: what is left is the rounding of sums in f32."""
    a, x = numbers(lhs, (M, K), 1 if packs[0] else 0, 1)
    b, y = numbers(rhs, (K, N), 0 if packs[1] else 1, 2)
    generator = np.random.default_rng(3)
    scales = [generator.integers(120, 134, (n, K // 32), dtype=np.uint8) for n in (M, N)]
    if "a" in scaled:
        x = x * repeated(scales[0])
    if "b" in scaled:
        y = y * np.transpose(repeated(scales[1]))
    out = poison((M, N), "f4")
    run(kernel((lhs, rhs), scaled, packs), (1,), a, b, *scales, out)
    exact = x @ y
    single = x.astype(np.float32) @ y.astype(np.float32)
    assert errors(out, exact) <= 2 * errors(single, exact) + 2e-7


def test_nan_scale() -> None:
    """The scale 255 makes its group NaN."""
    a, _ = numbers("e4m3", (M, K), 1, 1)
    b, _ = numbers("bf16", (K, N), 0, 2)
    scales = np.full((M, K // 32), 127, np.uint8)
    scales[5, 2] = 255
    out = poison((M, N), "f4")
    text = kernel(("e4m3", "bf16"), "a", (True, True))
    run(text, (1,), a, b, scales, np.zeros((N, K // 32), np.uint8), out)
    assert np.isnan(out[5]).all()
    assert np.isfinite(np.delete(out, 5, 0)).all()
