"""Programs that wait for other programs: all are resident, and each goes on when it can."""

from __future__ import annotations

import numpy as np
import pytest

import trimetal

from .support import module, run, zeros


def test_a_lock_lets_one_program_in_at_a_time() -> None:
    text = module("""
  tt.func public @locked(%lock_ptr: !tt.ptr<i32>, %x_ptr: !tt.ptr<i32>) {
    %zero = arith.constant 0 : i32
    %one = arith.constant 1 : i32
    scf.while : () -> () {
      %old = tt.atomic_cas acquire, gpu, %lock_ptr, %zero, %one : (!tt.ptr<i32>, i32, i32) -> i32
      %busy = arith.cmpi ne, %old, %zero : i32
      scf.condition(%busy)
    } do {
      scf.yield
    }
    %x = tt.load %x_ptr : !tt.ptr<i32>
    %y = arith.addi %x, %one : i32
    tt.store %x_ptr, %y : !tt.ptr<i32>
    %free = tt.atomic_rmw exch, release, gpu, %lock_ptr, %zero : (!tt.ptr<i32>, i32) -> i32
    tt.return
  }""")
    lock, x = zeros(1, "i32"), zeros(1, "i32")
    shader = run(text, (50,), lock, x)
    assert x[0] == 50
    assert "does not promise" in str(shader.report["progress"])
    assert "COHERENT device int* x_ptr" in shader.source
    # MSL 3.1 has no such pointers, and no fence.
    for version in (310, 320):
        assert not trimetal.check(shader.source, version=version)


def baton_kernel(dtype: str) -> str:
    """Program i waits for i, and sets i + 1: or, from the other end, the last one begins."""
    return module(
        f"""
  tt.func public @baton(%x_ptr: !tt.ptr<{dtype}>, %out_ptr: !tt.ptr<i32>, %last: i32) {{
    %pid = tt.get_program_id x : i32
    %turn = arith.subi %last, %pid : i32
    %mine = arith.{"trunci" if dtype != "i32" else "addi"} %turn{
            ", %zero : i32" if dtype == "i32" else f" : i32 to {dtype}"
        }
    %seen = tt.atomic_poll acquire, gpu, %x_ptr, %mine : !tt.ptr<{dtype}>, {dtype} -> i1
    %place = tt.addptr %out_ptr, %pid : !tt.ptr<i32>, i32
    tt.store %place, %turn : !tt.ptr<i32>
    %one = arith.constant 1 : {dtype}
    %old = tt.atomic_rmw add, release, gpu, %x_ptr, %one : (!tt.ptr<{dtype}>, {dtype}) -> {dtype}
    tt.return
  }}""".replace("%pid = tt", "%zero = arith.constant 0 : i32\n    %pid = tt")
    )


@pytest.mark.parametrize("dtype", ["i32", "i16"])
def test_each_program_waits_for_a_later_one(dtype: str) -> None:
    x, out = zeros(2, dtype), zeros(30, "i32")
    run(baton_kernel(dtype), (30,), x, out, 29)
    assert x[0] == 30
    assert out.tolist() == list(range(29, -1, -1))


def test_a_poll_gives_up_when_its_time_is_over() -> None:
    text = module("""
  tt.func public @poll(%x_ptr: !tt.ptr<i32>, %out_ptr: !tt.ptr<i8>, %time: i64) {
    %one = arith.constant 1 : i32
    %seen = tt.atomic_poll acquire, gpu, %x_ptr, %one timeout %time : !tt.ptr<i32>, i32 -> i1
    %byte = arith.extui %seen : i1 to i8
    tt.store %out_ptr, %byte : !tt.ptr<i8>
    tt.return
  }""")
    for value in (0, 1):
        for time in (0, 20000):
            out = np.full(1, 7, np.int8)
            run(text, (1,), np.array([value], np.int32), out, time)
            assert out[0] == value


def test_a_poll_without_a_time_tells_no_thread_what_it_saw() -> None:
    """It is true: memory of the threadgroup is not needed."""
    text = module("""
  tt.func public @poll(%x_ptr: !tt.ptr<i32>, %out_ptr: !tt.ptr<i8>) {
    %one = arith.constant 1 : i32
    %seen = tt.atomic_poll relaxed, gpu, %x_ptr, %one : !tt.ptr<i32>, i32 -> i1
    %byte = arith.extui %seen : i1 to i8
    tt.store %out_ptr, %byte : !tt.ptr<i8>
    tt.return
  }""")
    out = np.full(1, 7, np.int8)
    shader = run(text, (1,), np.array([1], np.int32), out)
    assert out[0] == 1
    assert shader.threadgroup_memory == 0


def test_a_poll_of_64_bits_is_refused() -> None:
    with pytest.raises(trimetal.UnsupportedError, match="atomic_poll on i64"):
        trimetal.transpile(baton_kernel("i64").replace("arith.trunci", "arith.extsi"))
