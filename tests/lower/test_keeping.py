"""What is computed once and kept, what again; sums that share a loop and a barrier."""

from __future__ import annotations

import numpy as np
import pytest

from .support import blocked, module, poison, run

SIZE = 1024
LAYOUT = blocked([8], [32], [4])


def tensor(dtype: str) -> str:
    return f"tensor<{SIZE}x{dtype}, {LAYOUT}>"


def at(name: str, dtype: str) -> str:
    """Pointers to the row of an argument."""
    row = tensor(f"!tt.ptr<{dtype}>")
    return f"""
    %{name}_row = tt.splat %{name}_ptr : !tt.ptr<{dtype}> -> {row}
    %{name}_at = tt.addptr %{name}_row, %range : {row}, {tensor("i32")}"""


def loaded(name: str, dtype: str) -> str:
    """A row as f32."""
    load = f"tt.load %{name}_at : {tensor(f'!tt.ptr<{dtype}>')}"
    if dtype == "f32":
        return f"{at(name, dtype)}\n    %{name} = {load}"
    return f"""{at(name, dtype)}
    %{name}_half = {load}
    %{name} = arith.extf %{name}_half : {tensor(dtype)} to {tensor("f32")}"""


def mean(name: str, of: str) -> str:
    return f"""
    %{name}_sum = "tt.reduce"(%{of}) <{{axis = 0 : i32}}> ({{
    ^bb0(%{name}_left: f32, %{name}_right: f32):
      %{name}_both = arith.addf %{name}_left, %{name}_right : f32
      tt.reduce.return %{name}_both : f32
    }}) : ({tensor("f32")}) -> f32
    %{name}_scalar = arith.divf %{name}_sum, %size : f32
    %{name} = tt.splat %{name}_scalar : f32 -> {tensor("f32")}"""


def gradient(dtype: str, last: str) -> str:
    """normal * mean(normal * dy) + mean(dy) + last, of normal = (x - middle) * scale."""
    names, floats = ("x", "dy", "out"), tensor("f32")
    buffers = ", ".join(f"%{n}_ptr: !tt.ptr<{dtype}> {{tt.divisibility = 16 : i32}}" for n in names)
    rounded = f"arith.truncf %dx : {floats} to {tensor(dtype)}"
    return module(f"""tt.func public @gradient({buffers}, %middle: f32, %scale: f32) {{
    %size = arith.constant {SIZE}.0 : f32
    %range = tt.make_range {{end = {SIZE} : i32, start = 0 : i32}} : {tensor("i32")}
    {loaded("x", dtype)}{loaded("dy", dtype)}
    %middle_all = tt.splat %middle : f32 -> {floats}
    %scale_all = tt.splat %scale : f32 -> {floats}
    %centered = arith.subf %x, %middle_all : {floats}
    %normal = arith.mulf %centered, %scale_all : {floats}
    %product = arith.mulf %normal, %dy : {floats}
    {mean("along", "product")}{mean("total", "dy")}
    %scaled = arith.mulf %normal, %along : {floats}
    %moved = arith.addf %scaled, %total : {floats}
    %dx = arith.addf %moved, %{last} : {floats}
    %result = {rounded if dtype != "f32" else f"arith.addf %dx, %dx : {floats}"}
    {at("out", dtype)}
    tt.store %out_at, %result : {tensor(f"!tt.ptr<{dtype}>")}
    tt.return
  }}""")


def launched(dtype: str, last: str) -> str:
    """The text, after a launch whose result is right."""
    kind, times = ("float32", 2) if dtype == "f32" else ("float16", 1)
    x, dy = (np.random.default_rng().standard_normal(SIZE).astype(kind) for _ in range(2))
    out = poison(SIZE, kind)
    shader = run(gradient(dtype, last), (1,), x, dy, out, 0.25, 1.5)
    values = {"x": x.astype(float), "dy": dy.astype(float)}
    normal = (values["x"] - 0.25) * 1.5
    right = normal * (normal * values["dy"]).mean() + values["dy"].mean() + values[last]
    rtol = 2.0 ** (-20 if dtype == "f32" else -10)
    np.testing.assert_allclose(out.astype(float), right * times, rtol=rtol, atol=2**-17)
    return shader.source


@pytest.mark.parametrize("dtype", ["f16", "f32"])
def test_two_sums_share_a_loop_and_a_barrier(dtype: str) -> None:
    source = launched(dtype, "dy")
    assert source.count("threadgroup_barrier(") == 1
    assert source.count("simd_sum(") == 2


def test_what_takes_no_more_registers_is_kept() -> None:
    """`normal` takes those of `x`, which nothing else needs."""
    assert launched("f32", "dy").count("- middle") == 1


@pytest.mark.parametrize(("dtype", "last"), [("f32", "x"), ("f16", "dy")])
def test_a_few_instructions_are_computed_again(dtype: str, last: str) -> None:
    """Where `x` is needed to the end, or half as large, `normal` would take registers."""
    assert launched(dtype, last).count("- middle") == 2


def halves_turned(names: str) -> str:
    """out = x + y and, behind it, x - y of as many elements, in four steps a thread."""
    buffers = ", ".join(f"%{n}_ptr: !tt.ptr<f32> {{tt.divisibility = 16 : i32}}" for n in names)
    layout = blocked([4], [32], [2])
    floats, row, ints = (
        f"tensor<{SIZE}x{dtype}, {layout}>" for dtype in ("f32", "!tt.ptr<f32>", "i32")
    )
    rows = "".join(
        f"""
    %{n}_row = tt.splat %{n}_ptr : !tt.ptr<f32> -> {row}
    %{n}_at = tt.addptr %{n}_row, %range : {row}, {ints}"""
        for n in names
    )
    return module(
        f"""tt.func public @turned({buffers}) {{
    %range = tt.make_range {{end = {SIZE} : i32, start = 0 : i32}} : {ints}{rows}
    %size = arith.constant dense<{SIZE}> : {ints}
    %x = tt.load %x_at : {row}
    %y = tt.load %y_at : {row}
    %sum = arith.addf %x, %y : {floats}
    tt.store %o_at, %sum : {row}
    %behind = tt.addptr %o_at, %size : {row}, {ints}
    %difference = arith.subf %x, %y : {floats}
    tt.store %behind, %difference : {row}
    tt.return
  }}""",
        warps=2,
    )


def test_stores_come_behind_the_loads_of_all_steps() -> None:
    """Both rows are in registers for the second store: the first has a loop behind the loads."""
    x, y = (np.random.default_rng().standard_normal(SIZE).astype("float32") for _ in range(2))
    out = poison(2 * SIZE, "float32")
    source = run(halves_turned("xyo"), (1,), x, y, out).source
    np.testing.assert_array_equal(out, np.concatenate([x + y, x - y]))
    first_store = source.index("*(device float4*)")
    assert "device const float4*" not in source[first_store:]
    assert source.count("for (int r = 0; r < 4; ++r)") == 3
