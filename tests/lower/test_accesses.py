"""Wide accesses: what moves is right for every pair of element sizes and any run of registers."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from .support import blocked, module, pointers, poison, run

WIDTHS = {"i8": 8, "i16": 16, "i32": 32, "i64": 64}


def copy_kernel(source: str, result: str, size: int, layout: str) -> str:
    """Load, convert, store; both pointers aligned."""
    cast = "arith.extsi" if WIDTHS[result] > WIDTHS[source] else "arith.trunci"
    aligned = "{tt.divisibility = 16 : i32}"
    return module(
        f"""
  tt.func public @copy(%x_ptr: !tt.ptr<{source}> {aligned},
                       %out_ptr: !tt.ptr<{result}> {aligned}) {{
    %at = tt.make_range {{end = {size} : i32, start = 0 : i32}} : tensor<{size}xi32, {layout}>
    {pointers("%x_ptr", "%at", (size,), source, layout)}
    %x = tt.load %at_p : tensor<{size}x!tt.ptr<{source}>, {layout}>
    %y = {cast} %x : tensor<{size}x{source}, {layout}> to tensor<{size}x{result}, {layout}>
    %out = tt.splat %out_ptr : !tt.ptr<{result}> -> tensor<{size}x!tt.ptr<{result}>, {layout}>
    %out_p = tt.addptr %out, %at
        : tensor<{size}x!tt.ptr<{result}>, {layout}>, tensor<{size}xi32, {layout}>
    tt.store %out_p, %y : tensor<{size}x!tt.ptr<{result}>, {layout}>
    tt.return
  }}""",
        warps=1,
    )


@pytest.mark.parametrize(("source", "result"), list(itertools.permutations(WIDTHS, 2)))
@pytest.mark.parametrize("run_of", [1, 4, 16])
def test_copies_between_sizes(source: str, result: str, run_of: int) -> None:
    size = 64 * run_of
    x = np.random.default_rng().integers(-100, 100, size).astype(f"int{WIDTHS[source]}")
    out = poison(size, f"int{WIDTHS[result]}")
    run(copy_kernel(source, result, size, blocked([run_of], [32], [1])), (1,), x, out)
    np.testing.assert_array_equal(out, x)


def test_eight_halves_move_in_one_access() -> None:
    text = copy_kernel("i16", "i8", 256, blocked([8], [32], [1]))
    x = np.random.default_rng().integers(-100, 100, 256).astype("int16")
    out = poison(256, "int8")
    shader = run(text, (1,), x, out)
    np.testing.assert_array_equal(out, x)
    assert shader.source.count("device const uint4*") == 1
