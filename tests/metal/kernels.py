"""TTGIR texts for the tests of the device "metal"."""

from __future__ import annotations

from tests.lower.support import blocked, module

BLOCK = 1024
LAYOUT = blocked([4], [32], [4])


def _prologue() -> str:
    index = f"tensor<{BLOCK}xi32, {LAYOUT}>"
    return f"""
    %pid = tt.get_program_id x : i32
    %block = arith.constant {BLOCK} : i32
    %start = arith.muli %pid, %block : i32
    %range = tt.make_range {{end = {BLOCK} : i32, start = 0 : i32}} : {index}
    %starts = tt.splat %start : i32 -> {index}
    %offsets = arith.addi %starts, %range : {index}
    %bound = tt.splat %n : i32 -> {index}
    %mask = arith.cmpi slt, %offsets, %bound : {index}"""


def _pointers(name: str, dtype: str) -> str:
    ptr = f"tensor<{BLOCK}x!tt.ptr<{dtype}>, {LAYOUT}>"
    return f"""
    %{name}_s = tt.splat %{name} : !tt.ptr<{dtype}> -> {ptr}
    %{name}_p = tt.addptr %{name}_s, %offsets : {ptr}, tensor<{BLOCK}xi32, {LAYOUT}>"""


def copy(dtype: str, divisibility: int = 1) -> str:
    """out[i] = x[i] for i below n, which is a multiple of `divisibility`."""
    ptr = f"tensor<{BLOCK}x!tt.ptr<{dtype}>, {LAYOUT}>"
    aligned = "{tt.divisibility = 16 : i32}"
    return module(f"""
  tt.func public @copy(%x: !tt.ptr<{dtype}> {aligned}, %out: !tt.ptr<{dtype}> {aligned},
                       %n: i32 {{tt.divisibility = {divisibility} : i32}}) {{
    {_prologue()}
    {_pointers("x", dtype)}
    {_pointers("out", dtype)}
    %value = tt.load %x_p, %mask : {ptr}
    tt.store %out_p, %value, %mask : {ptr}
    tt.return
  }}""")


def double(dtype: str = "f32") -> str:
    """out[i] = x[i] + x[i] for i below n."""
    ptr = f"tensor<{BLOCK}x!tt.ptr<{dtype}>, {LAYOUT}>"
    values = f"tensor<{BLOCK}x{dtype}, {LAYOUT}>"
    return module(f"""
  tt.func public @double(%x: !tt.ptr<{dtype}>, %out: !tt.ptr<{dtype}>, %n: i32) {{
    {_prologue()}
    {_pointers("x", dtype)}
    {_pointers("out", dtype)}
    %value = tt.load %x_p, %mask : {ptr}
    %sum = arith.addf %value, %value : {values}
    tt.store %out_p, %sum, %mask : {ptr}
    tt.return
  }}""")


def histogram() -> str:
    """counts[bin[i]] += 1 for i below n, and total += weight[i], atomically."""
    ints = f"tensor<{BLOCK}xi32, {LAYOUT}>"
    floats = f"tensor<{BLOCK}xf32, {LAYOUT}>"
    int_pointers = f"tensor<{BLOCK}x!tt.ptr<i32>, {LAYOUT}>"
    pointers = f"tensor<{BLOCK}x!tt.ptr<f32>, {LAYOUT}>"
    mask = f"tensor<{BLOCK}xi1, {LAYOUT}>"
    return module(f"""
  tt.func public @histogram(%bin: !tt.ptr<i32>, %weight: !tt.ptr<f32>, %counts: !tt.ptr<i32>,
                            %total: !tt.ptr<f32>, %n: i32) {{
    {_prologue()}
    {_pointers("bin", "i32")}
    {_pointers("weight", "f32")}
    %bins = tt.load %bin_p, %mask : {int_pointers}
    %weights = tt.load %weight_p, %mask : {pointers}
    %counts_s = tt.splat %counts : !tt.ptr<i32> -> {int_pointers}
    %counts_p = tt.addptr %counts_s, %bins : {int_pointers}, {ints}
    %total_p = tt.splat %total : !tt.ptr<f32> -> {pointers}
    %one = arith.constant dense<1> : {ints}
    %old = tt.atomic_rmw add, relaxed, gpu, %counts_p, %one, %mask :
        ({int_pointers}, {ints}, {mask}) -> {ints}
    %old_2 = tt.atomic_rmw fadd, relaxed, gpu, %total_p, %weights, %mask :
        ({pointers}, {floats}, {mask}) -> {floats}
    tt.return
  }}""")


def scalar(dtype: str) -> str:
    """out[0] = n."""
    return module(f"""
  tt.func public @scalar(%out: !tt.ptr<{dtype}>, %n: {dtype}) {{
    tt.store %out, %n : !tt.ptr<{dtype}>
    tt.return
  }}""")


def scalars(count: int) -> str:
    """out[k] = the k-th of `count` integers; with many of them they share a slot."""
    names = [f"%n{k}: i{(32, 64, 16)[k % 3]}" for k in range(count)]
    lines: list[str] = []
    for k in range(count):
        width = (32, 64, 16)[k % 3]
        if width != 64:
            lines.append(f"%w{k} = arith.extsi %n{k} : i{width} to i64")
        value = f"%n{k}" if width == 64 else f"%w{k}"
        lines += [
            f"%c{k} = arith.constant {k} : i32",
            f"%p{k} = tt.addptr %out, %c{k} : !tt.ptr<i64>, i32",
            f"tt.store %p{k}, {value} : !tt.ptr<i64>",
        ]
    body = "\n    ".join([*lines, "tt.return"])
    arguments = ", ".join(["%out: !tt.ptr<i64>", *names])
    return module(f"  tt.func public @scalars({arguments}) {{\n    {body}\n  }}")


def printing() -> str:
    """Prints x[program], and asserts that it is not 7; out[program] = x[program]."""
    return module("""
  tt.func public @printing(%x: !tt.ptr<i32>, %out: !tt.ptr<i32>) {
    %pid = tt.get_program_id x : i32
    %x_p = tt.addptr %x, %pid : !tt.ptr<i32>, i32
    %value = tt.load %x_p : !tt.ptr<i32>
    %out_p = tt.addptr %out, %pid : !tt.ptr<i32>, i32
    tt.store %out_p, %value : !tt.ptr<i32>
    tt.print " value: " {hex = false, isSigned = array<i32: 1>} : %value : i32
    %seven = arith.constant 7 : i32
    %ok = arith.cmpi ne, %value, %seven : i32
    tt.assert %ok, "no seven" : i1
    tt.return
  }""")
