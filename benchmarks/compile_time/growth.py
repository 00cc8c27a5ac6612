"""Modules of any size, to see how the cost of compilation grows."""

from __future__ import annotations

_HEAD = """\
#blocked = #ttg.blocked<{sizePerThread = [4], threadsPerWarp = [32], warpsPerCTA = [4], \
order = [0]}>
#loc = loc("growth.py":1:0)
module attributes {"ttg.num-warps" = 4 : i32, "ttg.threads-per-warp" = 32 : i32} {
  tt.func public @growth(%x_ptr: !tt.ptr<f32> {tt.divisibility = 16 : i32} loc(#loc), \
%out_ptr: !tt.ptr<f32> {tt.divisibility = 16 : i32} loc(#loc), %n: i32 loc(#loc)) {
    %cols = tt.make_range {end = 512 : i32, start = 0 : i32} : tensor<512xi32, #blocked> loc(#loc)
    %x_row = tt.splat %x_ptr : !tt.ptr<f32> -> tensor<512x!tt.ptr<f32>, #blocked> loc(#loc)
    %out_row = tt.splat %out_ptr : !tt.ptr<f32> -> tensor<512x!tt.ptr<f32>, #blocked> loc(#loc)
"""

# One piece of work: a row is read, changed and written.
_STEP = """\
    %c{i} = arith.constant {i} : i32 loc(#loc)
    %start{i} = arith.muli %n, %c{i} : i32 loc(#loc)
    %starts{i} = tt.splat %start{i} : i32 -> tensor<512xi32, #blocked> loc(#loc)
    %offsets{i} = arith.addi %starts{i}, %cols : tensor<512xi32, #blocked> loc(#loc)
    %x_ptrs{i} = tt.addptr %x_row, %offsets{i} : tensor<512x!tt.ptr<f32>, #blocked>, \
tensor<512xi32, #blocked> loc(#loc)
    %x{i} = tt.load %x_ptrs{i} : tensor<512x!tt.ptr<f32>, #blocked> loc(#loc)
    %square{i} = arith.mulf %x{i}, %x{i} : tensor<512xf32, #blocked> loc(#loc)
    %sum{i} = arith.addf %square{i}, %x{i} : tensor<512xf32, #blocked> loc(#loc)
    %out_ptrs{i} = tt.addptr %out_row, %offsets{i} : tensor<512x!tt.ptr<f32>, #blocked>, \
tensor<512xi32, #blocked> loc(#loc)
    tt.store %out_ptrs{i}, %sum{i} : tensor<512x!tt.ptr<f32>, #blocked> loc(#loc)
"""
_TAIL = "    tt.return loc(#loc)\n  } loc(#loc)\n} loc(#loc)\n"
_OPS_OUTSIDE, _OPS_OF_A_STEP = 6, 10


def module_of(ops: int) -> str:
    """The text of a module of about this many ops."""
    steps = max(1, round((ops - _OPS_OUTSIDE) / _OPS_OF_A_STEP))
    return _HEAD + "".join(_STEP.format(i=i) for i in range(1, steps + 1)) + _TAIL
