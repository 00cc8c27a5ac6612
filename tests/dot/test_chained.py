"""Two dots, the first one's result being the left operand of the second: it stays in registers."""

from __future__ import annotations

import numpy as np
import pytest

from ..lower.support import module, poison, run
from .support import ROWS, SQUARE, dot, errors, loaded, random, stored

M, N, D = 64, 32, 64


def chained() -> str:
    """out = f16(exp2(a @ b)) @ c, with the row sums of the exponentials divided away."""
    scores = f"tensor<{M}x{N}xf32, {SQUARE}>"
    thin = f"tensor<{M}xf32, #ttg.slice<{{dim = 1, parent = {SQUARE}}}>>"
    tall, out = f"tensor<{M}x1xf32, {SQUARE}>", f"tensor<{M}x{D}xf32, {SQUARE}>"
    half = f"tensor<{M}x{N}xf16"
    second = dot("e", "%q", "%v", "%zero_out", (M, D, N), "f16 f16 f32", SQUARE)
    second = second.replace(f"%q : {half}, {ROWS}>", f"%q : {half}, {SQUARE}>")
    return module(f"""
  tt.func public @chained(%a_ptr: !tt.ptr<f16>, %b_ptr: !tt.ptr<f16>, %v_ptr: !tt.ptr<f16>,
                          %out_ptr: !tt.ptr<f32>) {{
    {loaded("a", (M, 32), "f16", ROWS)}
    {loaded("b", (32, N), "f16", ROWS)}
    {loaded("v", (N, D), "f16", ROWS)}
    %zero = arith.constant dense<0.0> : {scores}
    %zero_out = arith.constant dense<0.0> : {out}
    {dot("d", "%a", "%b", "%zero", (M, N, 32), "f16 f16 f32", SQUARE)}
    %p = math.exp2 %d : {scores}
    %sum = "tt.reduce"(%p) <{{axis = 1 : i32}}> ({{
    ^bb0(%x: f32, %y: f32):
      %both = arith.addf %x, %y : f32
      tt.reduce.return %both : f32
    }}) : ({scores}) -> {thin}
    %q = arith.truncf %p : {scores} to {half}, {SQUARE}>
    {second}
    %column = tt.expand_dims %sum {{axis = 1 : i32}} : {thin} -> {tall}
    %wide = tt.broadcast %column : {tall} -> {out}
    %f = arith.divf %e, %wide : {out}
    {stored("%f", (M, D), "f32", SQUARE)}
    tt.return
  }}""")


@pytest.mark.parametrize(("target", "staged"), [("m1", 3), ("m3", 0)])
def test_the_left_operand_stays_in_registers(target: str, staged: int) -> None:
    """Through threadgroup memory go the matrices from device memory alone, or nothing."""
    a, b = (random(shape, "f2", seed) for seed, shape in ((1, (M, 32)), (2, (32, N))))
    v, out = random((N, D), "f2", 3), poison((M, D), "f4")
    a *= np.float16(0.25)
    source = run(chained(), (1,), a, b, v, out, target=target).source
    p = np.exp2(a.astype(np.float64) @ b.astype(np.float64))
    exact = p.astype(np.float16).astype(np.float64) @ v.astype(np.float64) / p.sum(1, keepdims=True)
    assert errors(out, exact) <= 1e-3
    assert source.count("_tile[") == 2 * staged  # declared, and written
    assert ("threadgroup_barrier" in source) == (staged > 0)
    assert "simdgroup_half8x8 q[" in source


@pytest.mark.parametrize("target", ["m1", "m3"])
def test_a_product_of_three(target: str) -> None:
    """Nothing stands between the dots: the first one's sums are the second one's operand."""
    second = dot("e", "%d", "%v", "%zero_out", (M, D, N), "f32 f32 f32", SQUARE)
    second = second.replace(
        f"%d : tensor<{M}x{N}xf32, {ROWS}>", f"%d : tensor<{M}x{N}xf32, {SQUARE}>"
    )
    text = module(f"""
  tt.func public @three(%a_ptr: !tt.ptr<f32>, %b_ptr: !tt.ptr<f32>, %v_ptr: !tt.ptr<f32>,
                        %out_ptr: !tt.ptr<f32>) {{
    {loaded("a", (M, 32), "f32", ROWS)}
    {loaded("b", (32, N), "f32", ROWS)}
    {loaded("v", (N, D), "f32", ROWS)}
    %zero = arith.constant dense<0.0> : tensor<{M}x{N}xf32, {SQUARE}>
    %zero_out = arith.constant dense<0.0> : tensor<{M}x{D}xf32, {SQUARE}>
    {dot("d", "%a", "%b", "%zero", (M, N, 32), "f32 f32 f32", SQUARE)}
    {second}
    {stored("%e", (M, D), "f32", SQUARE)}
    tt.return
  }}""")
    a, b, v = (random(shape, "f4", i) for i, shape in enumerate(((M, 32), (32, N), (N, D))))
    out = poison((M, D), "f4")
    run(text, (1,), a, b, v, out, target=target)
    exact = a.astype(np.float64) @ b.astype(np.float64) @ v.astype(np.float64)
    assert errors(out, exact) <= 1e-5


@pytest.mark.parametrize("target", ["m1", "m3"])
def test_sums_that_begin_with_a_number_a_row(target: str) -> None:
    """One number for both elements of a lane, but not for all lanes."""
    wide = f"tensor<{M}x{N}xf32, {SQUARE}>"
    thin = f"tensor<{M}xf32, #ttg.slice<{{dim = 1, parent = {SQUARE}}}>>"
    tall = f"tensor<{M}x1xf32, {SQUARE}>"
    text = module(f"""
  tt.func public @rows(%a_ptr: !tt.ptr<f32>, %b_ptr: !tt.ptr<f32>, %c_ptr: !tt.ptr<f32>,
                       %out_ptr: !tt.ptr<f32>) {{
    {loaded("a", (M, 32), "f32", ROWS)}
    {loaded("b", (32, N), "f32", ROWS)}
    {loaded("c", (M, N), "f32", SQUARE)}
    %largest = "tt.reduce"(%c) <{{axis = 1 : i32}}> ({{
    ^bb0(%x: f32, %y: f32):
      %both = arith.maxnumf %x, %y : f32
      tt.reduce.return %both : f32
    }}) : ({wide}) -> {thin}
    %column = tt.expand_dims %largest {{axis = 1 : i32}} : {thin} -> {tall}
    %begin = tt.broadcast %column : {tall} -> {wide}
    {dot("d", "%a", "%b", "%begin", (M, N, 32), "f32 f32 f32", SQUARE)}
    {stored("%d", (M, N), "f32", SQUARE)}
    tt.return
  }}""")
    a, b, c = (random(shape, "f4", i) for i, shape in enumerate(((M, 32), (32, N), (M, N))))
    out = poison((M, N), "f4")
    run(text, (1,), a, b, c, out, target=target)
    exact = a.astype(np.float64) @ b.astype(np.float64) + c.max(1, keepdims=True)
    assert errors(out, exact) <= 1e-5


def test_a_branch_in_a_loop_begins_each_turn_with_the_same_sums() -> None:
    """Sums of a loop, to which a branch in the turns of another loop adds."""
    wide = f"tensor<{M}x{N}xf32, {SQUARE}>"
    kind = ((M, N, 32), "f32 f32 f32", SQUARE)
    text = module(f"""
  tt.func public @turns(%a_ptr: !tt.ptr<f32>, %b_ptr: !tt.ptr<f32>, %out_ptr: !tt.ptr<f32>,
                        %n: i32, %m: i32) {{
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %size = arith.constant {M * N} : i32
    %zero = arith.constant dense<0.0> : {wide}
    {loaded("a", (M, 32), "f32", ROWS)}
    {loaded("b", (32, N), "f32", ROWS)}
    %sums = scf.for %i = %c0 to %n step %c1 iter_args(%x = %zero) -> ({wide}) : i32 {{
      {dot("d", "%a", "%b", "%x", *kind)}
      scf.yield %d : {wide}
    }}
    scf.for %j = %c0 to %m step %c1 : i32 {{
      %c = arith.cmpi sge, %j, %c1 : i32
      %r = scf.if %c -> ({wide}) {{
        {dot("e", "%a", "%b", "%sums", *kind)}
        scf.yield %e : {wide}
      }} else {{
        scf.yield %sums : {wide}
      }}
      %begin = arith.muli %j, %size : i32
      %turn_ptr = tt.addptr %out_ptr, %begin : !tt.ptr<f32>, i32
      {stored("%r", (M, N), "f32", SQUARE).replace("%out", "%turn")}
    }}
    tt.return
  }}""")
    a, b = random((M, 32), "f4", 0), random((32, N), "f4", 1)
    out = poison((3, M, N), "f4")
    run(text, (1,), a, b, out, 2, 3)
    product = a.astype(np.float64) @ b.astype(np.float64)
    assert errors(out, np.stack([2 * product, 3 * product, 3 * product])) <= 1e-5


@pytest.mark.parametrize("turns", [0, 3])
def test_a_branch_goes_on_with_sums_that_no_dot_keeps(turns: int) -> None:
    """A loop that swaps its sums has plain arrays for them."""
    wide = f"tensor<{M}x{N}xf32, {SQUARE}>"
    kind = ((M, N, 32), "f32 f32 f32", SQUARE)
    text = module(f"""
  tt.func public @swap(%a_ptr: !tt.ptr<f32>, %b_ptr: !tt.ptr<f32>, %out_ptr: !tt.ptr<f32>,
                       %n: i32) {{
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %c = arith.cmpi sge, %n, %c0 : i32
    %zero = arith.constant dense<0.0> : {wide}
    %one = arith.constant dense<1.0> : {wide}
    {loaded("a", (M, 32), "f32", ROWS)}
    {loaded("b", (32, N), "f32", ROWS)}
    %sums:2 = scf.for %i = %c0 to %n step %c1 iter_args(%x = %zero, %y = %one)
        -> ({wide}, {wide}) : i32 {{
      {dot("d", "%a", "%b", "%x", *kind)}
      scf.yield %y, %d : {wide}, {wide}
    }}
    %r = scf.if %c -> ({wide}) {{
      {dot("e", "%a", "%b", "%sums#0", *kind)}
      scf.yield %e : {wide}
    }} else {{
      scf.yield %sums#0 : {wide}
    }}
    %both = arith.subf %r, %sums#1 : {wide}
    {stored("%both", (M, N), "f32", SQUARE)}
    tt.return
  }}""")
    a, b = random((M, 32), "f4", 0), random((32, N), "f4", 1)
    out = poison((M, N), "f4")
    run(text, (1,), a, b, out, turns)
    product = a.astype(np.float64) @ b.astype(np.float64)
    x, y = 0 * product, 0 * product + 1
    for _ in range(turns):
        x, y = y, x + product
    assert errors(out, x + product - y) <= 1e-5
