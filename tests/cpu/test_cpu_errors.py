"""What a kernel does wrong is an error that shows its line, and the next launch works."""

# numpy's stubs leave much unknown to a strict checker.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import threading

import numpy as np
import pytest

from trimetal.runtime import Kernel, compile
from trimetal.transpiler.errors import CompileError, LaunchError
from trimetal.transpiler.shader import Argument, Shader

from .support import inline, poison

# The line of the first statement that `inline` is given.
FIRST_LINE = 12


def _launch(kernel: Kernel, n: int = 1) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    out = np.zeros(64, np.float32)
    kernel((3,), out, np.arange(64, dtype=np.int32), n)
    return out


def _error(body: str, message: str, line: int = FIRST_LINE) -> None:
    """The body fails with the message on its line; afterwards another kernel runs."""
    with pytest.raises(LaunchError, match=message) as caught:
        _launch(compile(inline(body)))
    assert caught.value.span is not None
    assert caught.value.span.line == line
    good = compile(inline("out[thread_index] = simd_sum(1.0f);"))
    np.testing.assert_array_equal(_launch(good), np.full(64, 32, np.float32))


@pytest.mark.parametrize(
    ("body", "message", "line"),
    [
        (
            "if (thread_index < 3u) threadgroup_barrier(mem_flags::mem_threadgroup);",
            "threadgroup_barrier is not reached by thread 3, which has returned",
            12,
        ),
        (
            "if (thread_index > 40u) return;\nthreadgroup_barrier(mem_flags::mem_threadgroup);",
            "threadgroup_barrier is not reached by thread 41",
            13,
        ),
        (
            "if (thread_index < 32u) threadgroup_barrier(mem_flags::mem_threadgroup);\n"
            "else threadgroup_barrier(mem_flags::mem_threadgroup);",
            "thread 32 is in this threadgroup_barrier, 32 others wait in the one at line 12",
            13,
        ),
        (
            "for (uint i = 0u; i < thread_index / 32u; ++i)\n"
            "    threadgroup_barrier(mem_flags::mem_threadgroup);",
            "threadgroup_barrier is not reached by 32 of 64 threads, which have returned",
            13,
        ),
        (
            "if (lane < 8u) out[thread_index] = simd_sum(1.0f);",
            "of SIMD-group 0, lanes 0x000000ff wait there and lane 8 has returned",
            12,
        ),
        (
            "if (lane == 7u) return;\nout[thread_index] = simd_sum(1.0f);",
            "simd_sum is not reached by all lanes: of SIMD-group 0, lanes 0x0000007f wait there",
            13,
        ),
        (
            "if (lane < 4u) out[thread_index] = simd_sum(1.0f);\n"
            "else out[thread_index] = simd_max(1.0f);",
            "lane 4 is in simd_max here and lanes 0x0000000f wait in simd_sum at line 12",
            13,
        ),
        (
            "float v = 1.0f;\nif (lane > 3u) v = simd_sum(v);\n"
            "threadgroup_barrier(mem_flags::mem_threadgroup);\nout[thread_index] = v;",
            "lanes 0xfffffff0 wait there and the others wait in threadgroup_barrier at line 14",
            13,
        ),
        (
            "out[thread_index] = simd_shuffle_xor(1.0f, ushort(lane));",
            "the lane or distance of a SIMD-group operation differs between lanes",
            12,
        ),
    ],
)
def test_divergence(body: str, message: str, line: int) -> None:
    _error(body, message, line)


@pytest.mark.parametrize(
    ("body", "message", "line"),
    [
        ("shared[thread_index + 64u] = 1.0f;", "thread 0 accesses bytes 256 to 259", 12),
        ("shared[int(thread_index) - 1] = 1.0f;", "accesses bytes -4 to -1", 12),
        ("threadgroup float* p = shared + thread_index;\np[1] = 2.0f;", "thread 63", 13),
        ("*(shared + thread_index + 1u) = 1.0f;", "of 256 bytes: out of range", 12),
        ("threadgroup float* p = &shared[4];\np[60] = 1.0f;", "bytes 256 to 259", 13),
        ("grid[thread_index / 16u][thread_index % 16u] = 1.0f;", "of 32 bytes", 12),
        ("grid[thread_index / 8u][0] = 1.0f;", "bytes 128 to 159", 12),
        (
            "*(threadgroup float4*)(shared + 61) = float4(1.0f);",
            "accesses bytes 244 to 259 of threadgroup memory of 256 bytes",
            12,
        ),
        (
            "*(threadgroup float4*)(shared + 1) = float4(1.0f);",
            "16 bytes of threadgroup memory at offset 4, which is not a multiple of 16",
            12,
        ),
        (
            "simdgroup_float8x8 m = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);\n"
            "simdgroup_store(m, shared, 9);",
            "bytes 256 to 259",
            13,
        ),
        (
            "atomic_fetch_add_explicit((threadgroup atomic_uint*)(shared + 64), 1u,\n"
            "                          memory_order_relaxed);",
            "bytes 256 to 259",
            12,
        ),
    ],
)
def test_out_of_range(body: str, message: str, line: int) -> None:
    _error(body, message, line)


def test_too_much_threadgroup_memory() -> None:
    _error("threadgroup float large[8192];\nlarge[0] = 1.0f;", "of threadgroup memory, of which")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("out[n * 100000000] = 1.0f;", "a memory access that faults"),
        (
            "float big[70000];\nfor (int i = 0; i < 70000; ++i) big[i] = out[i & 7];\n"
            "out[thread_index] = big[n];",
            "too much thread memory: its stack is full",
        ),
    ],
)
def test_faults(body: str, message: str) -> None:
    with pytest.raises(LaunchError, match=message):
        _launch(compile(inline(body)))
    good = compile(inline("out[thread_index] = 1.0f;"))
    assert _launch(good).sum() == 64


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("numbers[thread_index] / (n - 1)", 0),
        ("numbers[thread_index] % (n - 1)", 40),
        ("(-2147483647 - n) / (n - 2)", -(2**31)),
        ("int(uint(numbers[thread_index]) / uint(n - 1))", 0),
        ("int(long(numbers[thread_index]) % long(n - 1))", 40),
        ("int(ulong(numbers[thread_index]) / ulong(n - 1))", 0),
        ("int(short(numbers[thread_index]) % short(n - 1))", 40),
        ("int(uchar(numbers[thread_index]) / uchar(n - 1))", 0),
        ("numbers[8] / numbers[numbers[n - 1]]", 0),
    ],
)
def test_undefined_division_does_not_trap(expression: str, expected: int) -> None:
    kernel = compile(inline(f"numbers[thread_index] = {expression};", threads=1))
    numbers = np.array([40, *range(1, 64)], np.int32)
    if "numbers[8]" in expression:
        numbers[0] = 1
        numbers[1] = 0
    kernel((1,), np.zeros(64, np.float32), numbers, 1)
    assert numbers[0] == expected


def test_buffer_bounds_on_request() -> None:
    body = "out[thread_index + 1u] = 1.0f;"
    with pytest.raises(LaunchError, match="thread 63 accesses bytes 256 to 259 of a buffer") as e:
        _launch(compile(inline(body), check_buffers=True))
    assert e.value.span is not None and e.value.span.line == FIRST_LINE
    body = "device float4* p = (device float4*)(out + n);\np[0] = float4(1.0f);"
    with pytest.raises(LaunchError, match="which is not a multiple of 16"):
        _launch(compile(inline(body), check_buffers=True))
    assert _launch(compile(inline(body), check_buffers=True), 60).sum() == 4
    with pytest.raises(LaunchError, match="of a buffer of 256 bytes"):
        _launch(compile(inline(body), check_buffers=True), 64)


def test_overflow_on_request() -> None:
    body = "out[0] = 1.0f;\nnumbers[thread_index] = 2147483647 - 1 + n;"
    wraps = "numbers[thread_index] = as_type<int>(2147483647u + uint(n));"
    _launch(compile(inline(body), check_overflow=True), 1)
    with pytest.raises(LaunchError, match="a signed integer overflows") as caught:
        _launch(compile(inline(body), check_overflow=True), 2)
    assert caught.value.span is not None and caught.value.span.line == FIRST_LINE + 1
    numbers = np.zeros(64, np.int32)
    compile(inline(wraps), check_overflow=True)(1, np.zeros(64, np.float32), numbers, 1)
    assert (numbers == -(2**31)).all()


_EXCHANGE = "shared[thread_index] = float(thread_index);{}\nout[thread_index] = shared[{}];"


@pytest.mark.parametrize("source", ["(thread_index + 32u) % 64u", "thread_index ^ 1u"])
def test_missing_barrier_shows_in_another_order(source: str) -> None:
    with pytest.raises(LaunchError, match="is a barrier missing"):
        _launch(compile(inline(_EXCHANGE.format("", source)), schedules=3))
    barrier = "\nthreadgroup_barrier(mem_flags::mem_threadgroup);"
    out = _launch(compile(inline(_EXCHANGE.format(barrier, source)), schedules=3))
    assert sorted(out) == list(range(64))


@pytest.mark.parametrize(("setting", "last"), [("0", 31), ("1", 0)])
def test_the_order_of_the_threads(setting: str, last: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forwards and backwards: the last lane to store stays."""
    monkeypatch.setenv("TRIMETAL_SCHEDULE", setting)
    out = np.zeros(64, np.float32)
    kernel = compile(inline("out[0] = float(lane);", threads=32))
    kernel((1,), out, np.zeros(1, np.int32), 1)
    assert out[0] == last


def test_threadgroup_memory_begins_poisoned() -> None:
    out = _launch(compile(inline("out[thread_index] = shared[thread_index];")))
    assert (out.view(np.uint32) == 0xFFFFFFFF).all()


def test_same_array_twice() -> None:
    text = """#include <metal_stdlib>
using namespace metal;
kernel void test(device const float* x [[buffer(0)]], device float* out [[buffer(1)]],
                 uint i [[thread_position_in_grid]]) {
    out[i] = x[i] + 1.0f;
}
"""
    arguments = (Argument("x", "buffer", "f32", 0), Argument("out", "buffer", "f32", 1, 1, True))
    array = np.arange(64, dtype=np.float32)
    compile(Shader(text, "test", arguments, 32, 0, "m3"))((2,), array, array)
    np.testing.assert_array_equal(array, np.arange(1, 65))


def test_compile_error_shows_the_line() -> None:
    with pytest.raises(CompileError) as caught:
        compile(inline("out[0] = 1.0f;\nfloat4 v = out;"))
    assert caught.value.span is not None
    assert (caught.value.span.line, caught.value.span.column) == (13, 12)
    assert str(caught.value).startswith("test.metal:13:12: error: ")


@pytest.mark.parametrize(
    "expression",
    [
        "simd_shuffle(out[0] > 1.0f, ushort(0))",
        "simd_sum(long(1))",
        "simd_xor(1.0f)",
        "float(simd_sum(bfloat(1.0f)))",
        "atomic_fetch_add_explicit((device atomic_ulong*)out, 1ul, memory_order_relaxed)",
        "max(1, 1u)",
        "float4(1.0f) * half4(1.0h)",
        "as_type<float>(1ul)",
    ],
)
def test_host_refuses_what_metal_refuses(expression: str) -> None:
    with pytest.raises(CompileError) as caught:
        compile(inline(f"out[0] = 1.0f;\nauto value = {expression};"))
    assert caught.value.span is not None and caught.value.span.line == 13


def test_kernel_that_is_not_there() -> None:
    shader = inline("out[0] = 1.0f;")
    other = Shader(shader.source, "other", shader.arguments, 64, 0, "m3")
    with pytest.raises(CompileError, match="no kernel 'other'; its kernels: test"):
        compile(other)


def test_arguments_that_do_not_fit_the_text() -> None:
    shader = inline("out[0] = 1.0f;")
    wrong = (*shader.arguments[:2], Argument("n", "scalar", "i64", 2))
    with pytest.raises(CompileError, match="argument n is i64"):
        compile(Shader(shader.source, "test", wrong, 64, 0, "m3"))
    with pytest.raises(CompileError, match=r"no argument for buffer\(2\)"):
        compile(Shader(shader.source, "test", shader.arguments[:2], 64, 0, "m3"))
    more = (*shader.arguments, Argument("m", "scalar", "i32", 3))
    with pytest.raises(CompileError, match="no parameter for argument 'm'"):
        compile(Shader(shader.source, "test", more, 64, 0, "m3"))


def test_concurrent_launches() -> None:
    kernel = compile(inline("out[thread_index] = simd_sum(float(n));"))
    results: list[float] = []

    def work(n: int) -> None:
        for _ in range(20):
            results.append(float(_launch(kernel, n)[0]) / n)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [32.0] * 80


def test_largest_threadgroup() -> None:
    body = "threadgroup_barrier(mem_flags::mem_threadgroup);\nnumbers[thread_index] = int(lane);"
    kernel = compile(inline(body, threads=1024))
    numbers = poison(1024, np.int32)
    kernel((5,), np.zeros(1, np.float32), numbers, 0)
    np.testing.assert_array_equal(numbers, np.arange(1024) % 32)
