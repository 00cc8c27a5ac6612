"""Pointers as values: selected, as addresses, of other types."""

from __future__ import annotations

import pytest

import trimetal
from trimetal import runtime

from .support import np

HEAD = 'module attributes {"ttg.num-warps" = 1 : i32, "ttg.threads-per-warp" = 32 : i32} {\n'
SELECTED = """
  tt.func public @kernel(%a: !tt.ptr<f32>, %b: !tt.ptr<f32>, %out: !tt.ptr<f32>, %c: i32) {
    %zero = arith.constant 0 : i32
    %one = arith.constant 1 : i32
    %four = arith.constant 4 : i64
    %first = arith.cmpi sgt, %c, %zero : i32
    %chosen = arith.select %first, %a, %b : !tt.ptr<f32>
    %x = tt.load %chosen : !tt.ptr<f32>
    %address = tt.ptr_to_int %chosen : !tt.ptr<f32> -> i64
    %next = arith.addi %address, %four : i64
    %pointer = tt.int_to_ptr %next : i64 -> !tt.ptr<f32>
    %y = tt.load %pointer : !tt.ptr<f32>
    %sum = arith.addf %x, %y : f32
    tt.store %out, %sum : !tt.ptr<f32>
    %place = arith.select %first, %out, %b : !tt.ptr<f32>
    %behind = tt.addptr %place, %one : !tt.ptr<f32>, i32
    tt.store %behind, %sum : !tt.ptr<f32>
    tt.return
  }
}
"""
READ_ONLY = """
  tt.func public @kernel(%a: !tt.ptr<f32>, %b: !tt.ptr<f32>, %out: !tt.ptr<i32>, %c: i32) {
    %zero = arith.constant 0 : i32
    %first = arith.cmpi sgt, %c, %zero : i32
    %chosen = arith.select %first, %a, %b : !tt.ptr<f32>
    %bits = tt.bitcast %chosen : !tt.ptr<f32> -> !tt.ptr<i32>
    %x = tt.load %bits : !tt.ptr<i32>
    tt.store %out, %x : !tt.ptr<i32>
    tt.return
  }
}
"""


@pytest.mark.parametrize("check_buffers", [False, True])
def test_selected_pointers(check_buffers: bool) -> None:
    shader = trimetal.transpile(HEAD + SELECTED, verify=True)
    assert not trimetal.check(shader.source)
    kernel = runtime.compile(shader, "cpu", check_buffers=check_buffers)
    a = np.array([1, 2, 3, 4], np.float32)
    b = a * 10
    out = np.zeros(4, np.float32)
    kernel((1,), a, b, out, 1)
    assert out.tolist() == [3, 3, 0, 0]
    kernel((1,), a, b, out, -1)
    assert out.tolist() == [30, 3, 0, 0]
    assert b.tolist() == [10, 30, 30, 40]


def test_a_choice_of_pointers_that_are_only_read() -> None:
    shader = trimetal.transpile(HEAD + READ_ONLY, verify=True)
    assert not trimetal.check(shader.source)
    kernel = runtime.compile(shader, "cpu")
    a, b = np.array([1.5], np.float32), np.array([2.5], np.float32)
    out = np.zeros(1, np.int32)
    kernel((1,), a, b, out, 0)
    assert out.view(np.float32)[0] == 2.5
