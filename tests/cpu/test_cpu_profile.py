"""A profile counts what a kernel does, and changes nothing of it."""

# numpy's stubs leave much unknown to a strict checker.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import dataclasses
import json
import threading
from typing import Any

import numpy as np
import pytest

from trimetal.runtime import Profile, Traffic, compile
from trimetal.runtime.cpu.source import host_source
from trimetal.runtime.source.edits import Edits
from trimetal.runtime.source.reads import wrap_reads
from trimetal.runtime.source.structure import parse_unit
from trimetal.transpiler.errors import CompileError, LaunchError
from trimetal.transpiler.shader import Shader

from .support import arguments, fresh, inline

THREADS, PROGRAMS = 64, 3
NONE = Traffic(0, 0, 0, 0, 0, 0, 0)


def profile(body: str, **more: Any) -> Profile:
    """The counts of a body run by three threadgroups of 64 threads; n is 5.

    Each threadgroup has buffers of its own: they run at the same time.
    """
    own = f"out += {4 * THREADS}u * program.x; numbers += {4 * THREADS}u * program.x;\n"
    kernel = compile(inline(own + body, **more))
    start = fresh().integers(1, 100, 4 * THREADS * PROGRAMS)
    results = [start.astype(np.float32), start.astype(np.int32)]
    counted = [array.copy() for array in results]
    kernel((PROGRAMS,), *results, 5)
    found = kernel.profile((PROGRAMS,), *counted, 5)
    for result, again in zip(results, counted, strict=True):
        np.testing.assert_array_equal(again, result)
    return found


def per_thread(found: Traffic) -> tuple[float, ...]:
    """Loads, stores, bytes loaded and bytes stored of one thread."""
    threads = THREADS * PROGRAMS
    values = (found.loads, found.stores, found.bytes_loaded, found.bytes_stored)
    return tuple(value / threads for value in values)


def test_a_kernel_that_does_nothing() -> None:
    found = profile("")
    threads = THREADS * PROGRAMS
    scalars = Traffic(threads, 0, 0, 0, 0, 4 * threads, 0)  # n
    declared = PROGRAMS * 4 * (64 + 4 * 8)  # the arrays of `inline`
    assert found == Profile(NONE, NONE, scalars, 0, 0, 0, 0, PROGRAMS, declared)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("out[thread_index] = float(numbers[thread_index]);", (1, 1, 4, 4)),
        ("float x = out[thread_index]; x += 1.0f; out[thread_index] = x;", (1, 1, 4, 4)),
        ("*(device float4*)(out + 4 * thread_index) = float4(1.0f);", (0, 1, 0, 16)),
        (
            "const float4 x = *(device const float4*)(out + 4 * thread_index);\n"
            "out[4 * thread_index] = x.x + x.y;",
            (1, 1, 16, 4),
        ),
        ("((device float4*)out)[thread_index].z = 2.0f;", (0, 1, 0, 4)),
        ("((device float4*)out)[thread_index].y += 2.0f;", (1, 1, 4, 4)),
        ("((device int4*)numbers)[thread_index][2] <<= 1;", (1, 1, 4, 4)),
        ("((device int2*)numbers)[thread_index] %= 3;", (1, 1, 8, 8)),
        ("out[4 * thread_index] = ((device float4*)out)[thread_index].zw.x;", (1, 1, 4, 4)),
        ("*(device uchar*)(out + thread_index) = uchar(thread_index);", (0, 1, 0, 1)),
        ("*(device half2*)(out + thread_index) = half2(1.0h);", (0, 1, 0, 4)),
        ("*(device packed_float3*)(out + 4 * thread_index) = float3(1.0f);", (0, 1, 0, 12)),
        ("numbers[thread_index] = max(numbers[thread_index], n);", (1, 1, 4, 4)),
        ("numbers[thread_index] = as_type<int>(out[thread_index]);", (1, 1, 4, 4)),
        ("out[thread_index] = precise::exp(-out[thread_index]);", (1, 1, 4, 4)),
        ("out[thread_index] = select(out[thread_index], 1.0f, n < 3);", (1, 1, 4, 4)),
        ("numbers[thread_index] = popcount(numbers[thread_index]);", (1, 1, 4, 4)),
        ("if (!numbers[thread_index]) out[thread_index] = 1.0f;", (1, 0, 4, 0)),
        ("out[thread_index] = out[thread_index] < 9.0f ? 1.0f : out[thread_index];", None),
        ("device float* p = out + thread_index; p[0] = p[0] * p[0];", (2, 1, 8, 4)),
        ("device half* p = (device half*)out + 2 * thread_index; *p = *p * 2.0h;", (1, 1, 2, 2)),
        ("device half* p = (device half*)out; half x = 1.0h; x -= p[0] + p[1];", (2, 0, 4, 0)),
        ("device half* p = (device half*)out; if (p[0] < -p[1]) p[0] = 1.0h;", (2, 0, 4, 0)),
        ("device bfloat* p = (device bfloat*)out; bfloat x = p[0]; x = x * p[1];", (2, 0, 4, 0)),
        ("float4 v = float4(1.0f) * out[0]; v *= out[1]; v = out[2] + v;", (3, 0, 12, 0)),
        ("out[numbers[0] - numbers[0]] = 1.0f;", (2, 1, 8, 4)),
        ("device float* p = out + (numbers[0] & 0); *p = 1.0f;", (1, 1, 4, 4)),
        ("device float* p = &out[thread_index]; *p = -*p;", (1, 1, 4, 4)),
    ],
)  # fmt: skip
def test_accesses_to_buffers(body: str, expected: tuple[int, ...] | None) -> None:
    found = profile(body)
    assert found.threadgroup == NONE
    if expected is None:  # depends on the numbers
        threads = THREADS * PROGRAMS
        assert threads < found.device.loads < 2 * threads
    else:
        assert per_thread(found.device) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("shared[thread_index] = 1.0f;", (0, 1, 0, 4)),
        ("grid[thread_index / 16u][thread_index % 8u] = 1.0f;", (0, 1, 0, 4)),
        ("threadgroup float one; one = 2.0f; out[thread_index] = one;", (1, 1, 4, 4)),
        (
            "threadgroup half4* quads = (threadgroup half4*)shared;\n"
            "quads[thread_index / 2u] = half4(1.0h);\n"
            "out[thread_index] = quads[thread_index / 2u].y;",
            (1, 1, 2, 8),
        ),
        (
            "shared[thread_index] = 1.0f;\n"
            "float x = simd_sum(shared[thread_index]);\n"
            "out[thread_index] = n > 3 ? shared[thread_index] : x;",
            (2, 1, 8, 4),
        ),
    ],
)
def test_accesses_to_threadgroup_memory(body: str, expected: tuple[int, ...]) -> None:
    found = profile(body)
    assert per_thread(found.threadgroup) == expected


def test_memories_may_meet_in_a_conditional() -> None:
    found = profile(
        "threadgroup float4 quad[64]; quad[thread_index] = float4(1.0f);\n"
        "float4 x = n > 3 ? ((device float4*)out)[thread_index] : quad[thread_index];\n"
        "out[4 * thread_index] = x.w;"
    )
    assert per_thread(found.device) == (1, 1, 16, 4)
    assert per_thread(found.threadgroup) == (0, 1, 0, 16)


def test_accesses_to_constant_buffers() -> None:
    text = """#include <metal_stdlib>
using namespace metal;
kernel void test(device float* out [[buffer(0)]], constant float2* table [[buffer(1)]],
                 constant long& n [[buffer(2)]],
                 uint thread_index [[thread_index_in_threadgroup]]) {
    out[thread_index] = table[thread_index].x + float(n);
}"""
    shader = Shader(text, "test", arguments("out: f32!, table: f32, n=i64"), THREADS, 0, "m3")
    out, table = np.zeros(THREADS, np.float32), np.ones(2 * THREADS, np.float32)
    found = compile(shader).profile((1,), out, table, 2**40)
    assert found.constant.loads == 2 * THREADS
    assert found.constant.bytes_loaded == (4 + 8) * THREADS
    np.testing.assert_array_equal(out, np.full(THREADS, 2**40, np.float32))


MATRICES = """
    simdgroup_float8x8 a, b, c = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
    simdgroup_load(a, out, 8);
    for (int i = 0; i < n; ++i) {
        simdgroup_load(b, shared, 8, ulong2(0), true);
        simdgroup_multiply_accumulate(c, a, b, c);
    }
    simdgroup_multiply(c, a, b);
    simdgroup_store(c, shared, 8);
"""


def test_matrices() -> None:
    body = f"shared[thread_index] = 1.0f;\nif (thread_index < 32u) {{{MATRICES}}}"
    found = compile(inline(body)).profile(
        (PROGRAMS,), np.ones(256, np.float32), np.zeros(4, np.int32), 5
    )
    fragment = 64 * 4 * PROGRAMS
    assert found.device == Traffic(0, 0, PROGRAMS, 0, 0, fragment, 0)
    shared = fragment  # the stores of the threads
    assert found.threadgroup == Traffic(
        0, THREADS * PROGRAMS, 5 * PROGRAMS, PROGRAMS, 0, 5 * fragment, shared + fragment
    )
    assert found.multiply_accumulates == 6 * PROGRAMS
    assert found.fragment_loads == 6 * PROGRAMS
    assert found.multiply_accumulates_per_fragment_load == 1
    assert found.simd_operations == 0


def test_no_fragment_is_loaded() -> None:
    assert profile("").multiply_accumulates_per_fragment_load == float("inf")


def test_what_threads_do_together() -> None:
    found = profile("""
        for (int i = 0; i < n; ++i) threadgroup_barrier(mem_flags::mem_threadgroup);
        simdgroup_barrier(mem_flags::mem_none);
        float x = simd_sum(1.0f) + simd_shuffle_xor(2.0f, 1) + simd_prefix_inclusive_sum(1.0f);
        if (simd_any(x > 0.0f)) x = simd_broadcast(x, 3);
        out[thread_index] = x;""")
    simdgroups = PROGRAMS * THREADS // 32
    assert found.barriers == 5 * PROGRAMS
    assert found.simdgroup_barriers == simdgroups
    assert found.simd_operations == 5 * simdgroups


def test_atomics() -> None:
    found = profile("""
        threadgroup atomic_int* counter = (threadgroup atomic_int*)shared;
        atomic_store_explicit(counter, 0, memory_order_relaxed);
        atomic_fetch_max_explicit((device atomic_int*)numbers + 1, 7, memory_order_relaxed);
        atomic_fetch_add_explicit((device atomic_float*)&out[3], 0.0f, memory_order_relaxed);""")
    threads = THREADS * PROGRAMS
    assert found.device == dataclasses.replace(NONE, atomics=2 * threads)
    assert found.threadgroup == dataclasses.replace(NONE, atomics=threads)


def test_each_profile_starts_from_zero_and_leaves_calls_alone() -> None:
    kernel = compile(inline("out[thread_index] += 1.0f;"))
    out, numbers = np.zeros(THREADS, np.float32), np.zeros(1, np.int32)
    first = kernel.profile((1,), out, numbers, 1)
    kernel((1,), out, numbers, 1)
    assert kernel.profile((1,), out, numbers, 1) == first
    assert first.device.loads == THREADS
    np.testing.assert_array_equal(out, np.full(THREADS, 3, np.float32))


def test_profiles_in_several_threads() -> None:
    kernel = compile(inline("out[thread_index] = 1.0f;"))
    found: list[Profile] = []

    def run() -> None:
        out, numbers = np.zeros(THREADS, np.float32), np.zeros(1, np.int32)
        found.append(kernel.profile((100,), out, numbers, 1))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each.device.stores for each in found] == [100 * THREADS] * 4


def test_an_error_in_a_profile_shows_its_line() -> None:
    kernel = compile(inline("out[thread_index + n] = 1.0f;"))
    with pytest.raises(LaunchError, match="of a buffer of 256 bytes: out of range") as caught:
        kernel.profile((1,), np.zeros(THREADS, np.float32), np.zeros(1, np.int32), 1)
    assert caught.value.span is not None
    assert caught.value.span.line == 12


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("auto x = out[0]; out[1] = x;", "a profile needs the type in words"),
        ("((device Pair*)out)[0].x = 1.0f;", "scalars and vectors only"),
    ],
)
def test_what_a_profile_cannot_count_is_refused(body: str, message: str) -> None:
    kernel = compile(inline(body, head="struct Pair { float x, y; };"))
    with pytest.raises(CompileError, match=message):
        kernel.profile((1,), np.zeros(THREADS, np.float32), np.zeros(1, np.int32), 1)


def test_a_kernel_without_a_profile_counts_nothing() -> None:
    shader = inline("out[thread_index] = max(out[thread_index], 1.0f);")
    plain, _ = host_source(shader)
    assert "read(" not in plain and "count" not in plain and "_pointer" not in plain
    counted, _ = host_source(shader, profile=True)
    assert "max(trimetal::read(out[thread_index]), trimetal::read(1.0f))" in counted


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("f(a, b[i]);", "f(R a), R b[i]));"),
        ("f();", "f();"),
        ("f({1, 2}, x);", "f({1, 2}, R x));"),
        ("g<float, 2>(x);", "g<float, 2>(R x));"),
        ("f(h(x), (int)y);", "f(R h(R x))), R (int)y));"),
        ("f(vec<int, 2>(x), a < b);", "f(R vec<int, 2>(R x))), R a < b));"),
        ("if (a > (b)) return (c);", "if (a > (b)) return (c);"),
        ("x = c ? a : b;", "x = c ? R a) : R b);"),
        ("for (int i = 0; i < (n); ++i) {}", "for (int i = 0; i < (n); ++i) {}"),
    ],
)
def test_where_values_are_read(statement: str, expected: str) -> None:
    head = "void test(int a) { "
    unit = parse_unit(f"{head}{statement} }}")
    edits = Edits(unit.text)
    wrap_reads(unit, edits)
    text = edits.apply().text.removeprefix(head).removesuffix(" }")
    assert text.replace("trimetal::read(", "R ") == expected


def test_as_text_and_as_numbers() -> None:
    found = profile("out[thread_index] = 1.0f;\nthreadgroup_barrier(mem_flags::mem_device);")
    lines = str(found).splitlines()
    assert lines[0].split()[:2] == ["loads", "stores"]
    assert lines[1].split() == ["device", "0", "192", "0", "0", "0", "0", "768"]
    assert "barriers: 3" in lines
    numbers = json.loads(json.dumps(found.as_dict()))
    assert numbers["device"]["stores"] == 192
    assert numbers["barriers"] == 3
