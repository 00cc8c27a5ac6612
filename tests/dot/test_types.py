# pyright: basic
"""Dots of every type and form of operand, against numpy in double precision."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

import trimetal

from ..lower.support import Array, module, poison, run
from .support import ROWS, SQUARE, dot, errors, loaded, one_dot, random, stored

BFLOAT = np.dtype(ml_dtypes.bfloat16)
FLOAT8 = {
    "f8E5M2": np.dtype(ml_dtypes.float8_e5m2),
    "f8E4M3FN": np.dtype(ml_dtypes.float8_e4m3fn),
}
TARGETS = ["m1", "m3"]


def reference(a: Array, b: Array, c: Array) -> Array:
    """The exact result, as nearly as double precision gives it."""
    return a.astype(np.float64) @ b.astype(np.float64) + c.astype(np.float64)


def single(a: Array, b: Array, c: Array, dtype: np.dtype) -> Array:
    """Summed in float, rounded once."""
    return (a.astype("f4") @ b.astype("f4") + c.astype("f4")).astype(dtype)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("shape", [(16, 16, 16), (64, 32, 64), (128, 128, 32)], ids=str)
@pytest.mark.parametrize("sums", ["f32", "bf16"])
def test_bf16(sums: str, shape: tuple[int, int, int], target: str) -> None:
    """Products of bfloats are summed in float; bfloat sums are rounded once."""
    m, n, k = shape
    out_type = BFLOAT if sums == "bf16" else np.dtype("f4")
    a, b, c = random((m, k), BFLOAT, 1), random((k, n), BFLOAT, 2), random((m, n), out_type, 3)
    out = poison((m, n), "u2" if sums == "bf16" else "f4").view(out_type)
    run(one_dot(shape, f"bf16 bf16 {sums}"), (1,), a, b, c, out, target=target)
    exact = reference(a, b, c)
    assert errors(out, exact) <= 2 * errors(single(a, b, c, out_type), exact) + 2e-7


@pytest.mark.parametrize("kind_b", FLOAT8)
@pytest.mark.parametrize("kind_a", FLOAT8)
def test_8_bit_floats(kind_a: str, kind_b: str) -> None:
    """Both kinds, also one with the other: products are exact in float."""
    m, n, k = 32, 32, 64
    a, b = random((m, k), FLOAT8[kind_a], 1), random((k, n), FLOAT8[kind_b], 2)
    c, out = random((m, n), "f4", 3), poison((m, n), "f4")
    run(one_dot((m, n, k), f"{kind_a} {kind_b} f32"), (1,), a, b, c, out)
    exact = reference(a, b, c)
    assert errors(out, exact) <= 2 * errors(single(a, b, c, out.dtype), exact) + 2e-7


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("precision", ["ieee", "tf32", "tf32x3", "bf16x3", "bf16x6"])
def test_at_least_as_precise_as_asked(precision: str, target: str) -> None:
    """All in float."""
    shape = m, n, k = 32, 64, 32
    a, b, c = random((m, k), "f4", 1), random((k, n), "f4", 2), random((m, n), "f4", 3)
    out = poison((m, n), "f4")
    text = one_dot(shape, "f32 f32 f32").replace(
        "%c : tensor", f"%c, inputPrecision = {precision} : tensor"
    )
    assert f"inputPrecision = {precision}" in text
    run(text, (1,), a, b, c, out, target=target)
    exact = reference(a, b, c)
    assert errors(out, exact) <= 2 * errors(a @ b + c, exact) + 2e-7


def operated(name: str, ops: str, b_shape: tuple[int, int] = (32, 64)) -> str:
    """out = f(a) @ g(b): `ops` make %x and %y of %a and %b."""
    sums = f"tensor<64x64xf32, {SQUARE}>"
    return module(f"""
  tt.func public @{name}(%a_ptr: !tt.ptr<f16>, %b_ptr: !tt.ptr<f16>, %out_ptr: !tt.ptr<f32>) {{
    {loaded("a", (64, 32), "f16", ROWS)}
    {loaded("b", b_shape, "f16", ROWS)}
    %zero = arith.constant dense<0.0> : {sums}
    {ops}
    {dot("d", "%x", "%y", "%zero", (64, 64, 32), "f16 f16 f32", SQUARE)}
    {stored("%d", (64, 64), "f32", SQUARE)}
    tt.return
  }}""")


A, B = f"tensor<64x32xf16, {ROWS}>", f"tensor<32x64xf16, {ROWS}>"


@pytest.mark.parametrize("target", TARGETS)
def test_operands_that_are_computed(target: str) -> None:
    a, b, out = random((64, 32), "f2", 1), random((32, 64), "f2", 2), poison((64, 64), "f4")
    ops = f"%x = arith.addf %a, %a : {A}\n %y = arith.mulf %b, %b : {B}"
    run(operated("computed", ops), (1,), a, b, out, target=target)
    x, y = a + a, b * b
    exact = x.astype(np.float64) @ y.astype(np.float64)
    assert errors(out, exact) <= 2 * errors(x.astype("f4") @ y.astype("f4"), exact) + 2e-7


@pytest.mark.parametrize(("target", "written"), [("m1", 2), ("m3", 0)])
def test_a_transposed_operand_is_not_copied(target: str, written: int) -> None:
    """Each operand is written to threadgroup memory once at most, and loaded transposed."""
    a, b, out = random((64, 32), "f2", 1), random((64, 32), "f2", 2), poison((64, 64), "f4")
    turned = (
        "#ttg.blocked<{sizePerThread = [4, 1], threadsPerWarp = [8, 4], "
        "warpsPerCTA = [1, 4], order = [0, 1]}>"
    )
    ops = f"""
    %x = arith.constant dense<0.0> : {A}
    %t = tt.trans %b {{order = array<i32: 1, 0>}} : {A} -> tensor<32x64xf16, {turned}>
    %y = ttg.convert_layout %t : tensor<32x64xf16, {turned}> -> {B}"""
    ops = ops.replace(f"%x = arith.constant dense<0.0> : {A}\n", "")
    text = operated("transposed", ops, (64, 32)).replace("%x", "%a")
    shader = run(text, (1,), a, b, out, target=target)
    exact = a.astype(np.float64) @ b.astype(np.float64).T
    assert errors(out, exact) <= 2 * errors(a.astype("f4") @ b.astype("f4").T, exact) + 2e-7
    assert "ulong2(0), true" in shader.source
    assert shader.source.count("_tile[") <= 2 * written
    assert shader.source.count("threadgroup_barrier") <= 1


@pytest.mark.parametrize("target", TARGETS)
def test_sums_that_start_as_a_row_of_the_result(target: str) -> None:
    """All threads have loaded the row before one of them stores to it."""
    row = f"tensor<64xi32, #ttg.slice<{{dim = 0, parent = {SQUARE}}}>>"
    sums = f"tensor<64x64xf32, {SQUARE}>"
    start = f"""%r = tt.make_range {{end = 64 : i32, start = 0 : i32}} : {row}
    %o = tt.splat %out_ptr : !tt.ptr<f32> -> {row.replace("i32", "!tt.ptr<f32>", 1)}
    %p = tt.addptr %o, %r : {row.replace("i32", "!tt.ptr<f32>", 1)}, {row}
    %l = tt.load %p : {row.replace("i32", "!tt.ptr<f32>", 1)}
    %e = tt.expand_dims %l {{axis = 0 : i32}} : {row.replace("i32", "f32", 1)} -> tensor<1x64xf32, {SQUARE}>
    %zero = tt.broadcast %e : tensor<1x64xf32, {SQUARE}> -> {sums}"""  # noqa: E501
    text = operated("in_place", "").replace(f"%zero = arith.constant dense<0.0> : {sums}", start)
    text = text.replace("%x", "%a").replace("%y", "%b")
    a, b, out = random((64, 32), "f2", 1), random((32, 64), "f2", 2), random((64, 64), "f4", 3)
    exact = reference(a, b, out[0].copy())
    single_ = single(a, b, out[0].copy(), out.dtype)
    run(text, (1,), a, b, out, target=target)
    assert errors(out, exact) <= 2 * errors(single_, exact) + 2e-7


def batched(batch: int, m: int, n: int, k: int) -> str:
    """out[i] = a[i] @ b[i], loaded as rows of a matrix and reshaped."""
    flat = (
        "#ttg.blocked<{sizePerThread = [1], threadsPerWarp = [32], warpsPerCTA = [4], order = [0]}>"
    )
    cube = (
        "#ttg.blocked<{sizePerThread = [1, 1, 4], threadsPerWarp = [1, 8, 4], "
        "warpsPerCTA = [2, 2, 1], order = [2, 1, 0]}>"
    )
    left, right = (f"#ttg.dot_op<{{opIdx = {i}, parent = {cube}}}>" for i in (0, 1))

    def reading(name: str, shape: tuple[int, int, int]) -> str:
        size, dims = shape[0] * shape[1] * shape[2], "x".join(map(str, shape))
        return f"""
    %{name}_r = tt.make_range {{end = {size} : i32, start = 0 : i32}} : tensor<{size}xi32, {flat}>
    %{name}_s = tt.splat %{name}_ptr : !tt.ptr<f32> -> tensor<{size}x!tt.ptr<f32>, {flat}>
    %{name}_p = tt.addptr %{name}_s, %{name}_r : tensor<{size}x!tt.ptr<f32>, {flat}>, tensor<{size}xi32, {flat}>
    %{name}_q = tt.reshape %{name}_p : tensor<{size}x!tt.ptr<f32>, {flat}> -> tensor<{dims}x!tt.ptr<f32>, LINEAR{name}>
    %{name}_c = ttg.convert_layout %{name}_q : tensor<{dims}x!tt.ptr<f32>, LINEAR{name}> -> tensor<{dims}x!tt.ptr<f32>, {cube}>"""  # noqa: E501

    def linear(name: str, shape: tuple[int, int, int]) -> str:
        """The layout of the reshaped tensor: the same bits, as coordinates."""
        size = shape[0] * shape[1] * shape[2]

        def bases(first: int, last: int) -> str:
            found = []
            while first < last:
                row = first // shape[2]
                found.append(f"[{row // shape[1]}, {row % shape[1]}, {first % shape[2]}]")
                first *= 2
            return f"[{', '.join(found)}]"

        return (
            f"#ttg.linear<{{register = {bases(128, size)}, lane = {bases(1, 32)}, "
            f"warp = {bases(32, 128)}, block = []}}>"
        )

    shapes = {"a": (batch, m, k), "b": (batch, k, n), "out": (batch, m, n)}
    texts = {
        name: reading(name, shape).replace(f"LINEAR{name}", linear(name, shape))
        for name, shape in shapes.items()
    }
    types = {name: "x".join(map(str, shape)) + "xf32" for name, shape in shapes.items()}
    sums = f"tensor<{types['out']}, {cube}>"
    a, b = f"tensor<{types['a']}", f"tensor<{types['b']}"
    pointers = {
        name: f"tensor<{type_.replace('f32', '!tt.ptr<f32>')}, {cube}>"
        for name, type_ in types.items()
    }
    return module(f"""
  tt.func public @batched(%a_ptr: !tt.ptr<f32>, %b_ptr: !tt.ptr<f32>, %out_ptr: !tt.ptr<f32>) {{
    {texts["a"]}
    {texts["b"]}
    {texts["out"]}
    %zero = arith.constant dense<0.0> : {sums}
    %a = tt.load %a_c : {pointers["a"]}
    %b = tt.load %b_c : {pointers["b"]}
    %x = ttg.convert_layout %a : {a}, {cube}> -> {a}, {left}>
    %y = ttg.convert_layout %b : {b}, {cube}> -> {b}, {right}>
    %d = tt.dot %x, %y, %zero : {a}, {left}> * {b}, {right}> -> {sums}
    tt.store %out_c, %d : {pointers["out"]}
    tt.return
  }}""")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("shape", [(2, 16, 16, 16), (4, 32, 16, 32), (8, 16, 32, 16)], ids=str)
def test_batches(shape: tuple[int, int, int, int], target: str) -> None:
    """Dots of three dimensions."""
    batch, m, n, k = shape
    a, b = random((batch, m, k), "f4", 1), random((batch, k, n), "f4", 2)
    out = poison((batch, m, n), "f4")
    run(batched(*shape), (1,), a, b, out, target=target)
    exact = a.astype(np.float64) @ b.astype(np.float64)
    assert errors(out, exact) <= 2 * errors(a @ b, exact) + 2e-7


def test_sums_of_another_type_are_refused() -> None:
    with pytest.raises(trimetal.TrimetalError, match="f64"):
        trimetal.transpile(one_dot((16, 16, 16), "f32 f32 f64"))
