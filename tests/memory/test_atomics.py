"""Atomics: every kind and type, once for each element, whoever holds copies of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import trimetal

from .support import LINE, WIDE, Array, line_of, module, numbers, run, tensor, zeros

Reduce = Callable[[Array, Array], Array]


def unsigned(function: Reduce) -> Reduce:
    """The function on the same bits, as unsigned numbers."""

    def apply(a: Array, b: Array) -> Array:
        kind: str = a.dtype.str.replace("i", "u")
        return function(a.view(kind), b.view(kind)).view(a.dtype)

    return apply


KINDS: dict[str, Reduce] = {
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "add": np.add,
    "max": np.maximum,
    "min": np.minimum,
    "umax": unsigned(np.maximum),
    "umin": unsigned(np.minimum),
    "exch": lambda a, b: b,
    "fadd": np.add,
}
CASES = [
    *((kind, t) for t in ("i32", "i16", "i8") for kind in KINDS if kind != "fadd"),
    *((kind, t) for t in ("f32", "f16", "bf16") for kind in ("fadd", "exch", "max", "min")),
]


def tensor_kernel(
    op: str, dtype: str, size: int, layout: str, *, uses_result: bool, masked: bool
) -> str:
    """An atomic at x + i with the value y[i], for each i; what was there goes to out[i]."""
    ptr, value = tensor(size, f"!tt.ptr<{dtype}>", layout), tensor(size, dtype, layout)
    i32, i1 = tensor(size, "i32", layout), tensor(size, "i1", layout)
    mask = ", %mask" if masked else ""
    mask_type = f", {i1}" if masked else ""
    store = f"tt.store %out_p, %old : {ptr}" if uses_result else ""
    return module(f"""
  tt.func public @atomics(%x_ptr: !tt.ptr<{dtype}>, %y_ptr: !tt.ptr<{dtype}>,
                          %out_ptr: !tt.ptr<{dtype}>) {{
    {line_of("x", "%x_ptr", size, dtype, layout)}
    {line_of("y", "%y_ptr", size, dtype, layout)}
    {line_of("out", "%out_ptr", size, dtype, layout)}
    %three = arith.constant dense<3> : {i32}
    %rest = arith.remui %x_range, %three : {i32}
    %zero = arith.constant dense<0> : {i32}
    %mask = arith.cmpi ne, %rest, %zero : {i32}
    %y = tt.load %y_p : {ptr}
    %old = tt.atomic_rmw {op}, %x_p, %y{mask} : ({ptr}, {value}{mask_type}) -> {value}
    {store}
    tt.return
  }}""")


@pytest.mark.parametrize(("kind", "dtype"), CASES)
def test_every_kind_and_type(kind: str, dtype: str) -> None:
    size = 256
    x, y = numbers(dtype, size, 1), numbers(dtype, size, 2)
    before, out = x.copy(), zeros(size, dtype)
    text = tensor_kernel(f"{kind}, relaxed, gpu", dtype, size, WIDE, uses_result=True, masked=False)
    run(text, (1,), x, y, out)
    np.testing.assert_array_equal(x, KINDS[kind](before, y))
    np.testing.assert_array_equal(out, before)


@pytest.mark.parametrize("dtype", ["i32", "f16", "f32"])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("uses_result", [False, True])
def test_copies_of_an_element_count_once(dtype: str, uses_result: bool, masked: bool) -> None:
    size = 16  # of 128 threads eight hold each element
    kind = "add" if dtype == "i32" else "fadd"
    x, y = numbers(dtype, size, 1), numbers(dtype, size, 2)
    before, out = x.copy(), zeros(size, dtype)
    text = tensor_kernel(
        f"{kind}, acq_rel, gpu", dtype, size, LINE, uses_result=uses_result, masked=masked
    )
    run(text, (1,), x, y, out)
    for i in range(size):
        if not masked or i % 3:
            assert x[i] == before[i] + y[i]
            assert out[i] == before[i] or not uses_result
        else:
            assert x[i] == before[i]


def test_a_mask_that_is_always_true_is_no_condition() -> None:
    text = tensor_kernel("add, relaxed, gpu", "i32", 256, WIDE, uses_result=False, masked=True)
    text = text.replace("%mask = arith.cmpi ne, %rest, %zero", "%mask = arith.constant dense<true>")
    text = text.replace("dense<true> : tensor<256xi32", "dense<true> : tensor<256xi1")
    x, y = numbers("i32", 256, 1), numbers("i32", 256, 2)
    before = x.copy()
    shader = run(text, (1,), x, y, zeros(256, "i32"))
    np.testing.assert_array_equal(x, before + y)
    assert "(true)" not in shader.source


def histogram_kernel(dtype: str, size: int, layout: str) -> str:
    """counts[bins[i]] += 1 for every element of every program."""
    ptr, i32 = tensor(size, f"!tt.ptr<{dtype}>", layout), tensor(size, "i32", layout)
    value, bins = tensor(size, dtype, layout), tensor(size, "!tt.ptr<i32>", layout)
    one = "1" if dtype.startswith("i") else "1.0"
    kind = "add" if dtype.startswith("i") else "fadd"
    return module(f"""
  tt.func public @histogram(%bins_ptr: !tt.ptr<i32>, %counts_ptr: !tt.ptr<{dtype}>) {{
    %pid = tt.get_program_id x : i32
    %size = arith.constant {size} : i32
    %start = arith.muli %pid, %size : i32
    %range = tt.make_range {{end = {size} : i32, start = 0 : i32}} : {i32}
    %starts = tt.splat %start : i32 -> {i32}
    %offsets = arith.addi %starts, %range : {i32}
    %bins_s = tt.splat %bins_ptr : !tt.ptr<i32> -> {bins}
    %bins_p = tt.addptr %bins_s, %offsets : {bins}, {i32}
    %bins = tt.load %bins_p : {bins}
    %counts_s = tt.splat %counts_ptr : !tt.ptr<{dtype}> -> {ptr}
    %counts_p = tt.addptr %counts_s, %bins : {ptr}, {i32}
    %one = arith.constant dense<{one}> : {value}
    %old = tt.atomic_rmw {kind}, acq_rel, gpu, %counts_p, %one
      : ({ptr}, {value}) -> {value}
    tt.return
  }}""")


@pytest.mark.parametrize("dtype", ["i32", "f32", "f16", "bf16", "i8"])
def test_many_threads_meet_at_few_places(dtype: str) -> None:
    bins = np.random.default_rng(0).integers(0, 7, 8 * 256).astype(np.int32)
    counts = zeros(7, dtype)
    shader = run(histogram_kernel(dtype, 256, WIDE), (8,), bins, counts)
    expected = np.bincount(bins, minlength=7)
    if dtype == "bf16":  # 256 + 1 is 256
        expected = np.minimum(expected, 256)
    elif dtype == "i8":
        expected = expected.astype(np.int8)
    np.testing.assert_array_equal(counts.astype(np.int64), expected)
    assert "fence" not in shader.source  # nobody looks at a result


@pytest.mark.parametrize("dtype", ["i32", "i16", "f32", "f16", "bf16"])
def test_compare_and_swap(dtype: str) -> None:
    size = 128
    ptr, value = tensor(size, f"!tt.ptr<{dtype}>", LINE), tensor(size, dtype, LINE)
    text = module(f"""
  tt.func public @swap(%x_ptr: !tt.ptr<{dtype}>, %y_ptr: !tt.ptr<{dtype}>,
                       %out_ptr: !tt.ptr<{dtype}>) {{
    {line_of("x", "%x_ptr", size, dtype, LINE)}
    {line_of("y", "%y_ptr", size, dtype, LINE)}
    {line_of("o", "%out_ptr", size, dtype, LINE)}
    %zero = arith.constant dense<0{"" if dtype[0] == "i" else ".0"}> : {value}
    %y = tt.load %y_p : {ptr}
    %old = tt.atomic_cas acq_rel, gpu, %x_p, %zero, %y : ({ptr}, {value}, {value}) -> {value}
    tt.store %o_p, %old : {ptr}
    tt.return
  }}""")
    x, y, out = zeros(size, dtype), numbers(dtype, size, 3), zeros(size, dtype)
    x[1::3], x[2::3] = 1, 2
    before = x.copy()
    shader = run(text, (1,), x, y, out)
    for i in range(size):
        assert x[i] == (y[i] if before[i] == 0 else before[i])
    np.testing.assert_array_equal(out, before)
    assert "MSL 3.2" in str(shader.report["memory order"])


def scalar_kernel(body: str, dtype: str = "i32") -> str:
    """A kernel of one pointer to what is shared, and one to what each program found."""
    return module(f"""
  tt.func public @scalar(%x_ptr: !tt.ptr<{dtype}>, %out_ptr: !tt.ptr<{dtype}>) {{
    %pid = tt.get_program_id x : i32
    %out = tt.addptr %out_ptr, %pid : !tt.ptr<{dtype}>, i32
    %one = arith.constant 1{"" if dtype[0] == "i" else ".0"} : {dtype}
    {body}
    tt.return
  }}""")


@pytest.mark.parametrize("dtype", ["i32", "f32", "f16", "i8"])
def test_a_scalar_atomic_happens_once_a_program(dtype: str) -> None:
    kind = "add" if dtype[0] == "i" else "fadd"
    text = scalar_kernel(
        f"""%true = arith.constant true
    %old = tt.atomic_rmw {kind}, acq_rel, gpu, %x_ptr, %one, %true
      : (!tt.ptr<{dtype}>, {dtype}, i1) -> {dtype}
    tt.store %out, %one : !tt.ptr<{dtype}>""",
        dtype,
    )
    x, out = zeros(1, dtype), zeros(40, dtype)
    run(text, (40,), x, out)
    assert x[0] == 40
    assert (out == 1).all()


def test_each_program_gets_a_ticket_of_its_own() -> None:
    text = scalar_kernel("""%old = tt.atomic_rmw add, acq_rel, gpu, %x_ptr, %one
      : (!tt.ptr<i32>, i32) -> i32
    %place = tt.addptr %out_ptr, %old : !tt.ptr<i32>, i32
    tt.store %place, %one : !tt.ptr<i32>""")
    x, out = zeros(1, "i32"), zeros(64, "i32")
    run(text, (64,), x, out)
    assert x[0] == 64
    assert (out == 1).all()


def test_a_mask_that_is_false_keeps_memory_untouched() -> None:
    text = scalar_kernel("""%zero = arith.constant 0 : i32
    %mask = arith.cmpi eq, %pid, %zero : i32
    %far = arith.constant 1000000000 : i32
    %away = arith.muli %pid, %far : i32
    %place = tt.addptr %x_ptr, %away : !tt.ptr<i32>, i32
    %old = tt.atomic_rmw add, relaxed, gpu, %place, %one, %mask
      : (!tt.ptr<i32>, i32, i1) -> i32
    tt.store %out, %one : !tt.ptr<i32>""")
    x, out = zeros(1, "i32"), zeros(2, "i32")
    run(text, (2,), x, out)
    assert x[0] == 1


def test_atomic_loads_and_stores() -> None:
    text = scalar_kernel("""%x = tt.atomic_load acquire, gpu, %x_ptr : (!tt.ptr<i32>) -> i32
    %y = arith.addi %x, %one : i32
    tt.atomic_store release, gpu, %out, %y : !tt.ptr<i32>""")
    x, out = np.array([41], np.int32), zeros(3, "i32")
    run(text, (3,), x, out)
    assert out.tolist() == [42, 42, 42]


@pytest.mark.parametrize(
    ("op", "dtype", "words"),
    [
        ("add, relaxed, gpu", "i64", "64-bit atomics"),
        ("max, relaxed, gpu", "i64", "64-bit atomics"),
        ("fadd, relaxed, gpu", "f64", "64-bit floats"),
    ],
)
def test_what_metal_lacks_is_refused_by_name(op: str, dtype: str, words: str) -> None:
    text = tensor_kernel(op, dtype, 128, LINE, uses_result=False, masked=False)
    with pytest.raises(trimetal.UnsupportedError, match=words) as caught:
        trimetal.transpile(text)
    assert caught.value.span is not None


def test_minimum_of_64_bits_where_the_chip_has_it() -> None:
    text = tensor_kernel("umin, relaxed, gpu", "i64", 64, LINE, uses_result=False, masked=False)
    x, y = zeros(64, "i64"), zeros(64, "i64")
    x[:], y[:] = range(-32, 32), range(63, -1, -1)
    before = x.copy()
    run(text, (1,), x, y, np.zeros(64, np.int64))
    expected = np.minimum(before.view(np.uint64), y.view(np.uint64)).view(np.int64)
    np.testing.assert_array_equal(x, expected)
    with pytest.raises(trimetal.UnsupportedError, match="m1 has no atomics"):
        trimetal.transpile(text, target="m1")
