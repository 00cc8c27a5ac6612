"""8 x 8 matrices: operations that one lane executes for all, elements that each lane has itself."""

# numpy's stubs leave much unknown to a strict checker.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from trimetal.runtime import compile
from trimetal.transpiler.errors import LaunchError

from .support import inline

LANES = np.arange(32)
ROW = (LANES >> 2 & 4) + (LANES >> 1 & 3)
COLUMN = (LANES >> 1 & 4) + ((LANES & 1) << 1)
FILLED = "make_filled_simdgroup_matrix<float, 8, 8>"


def run(body: str, *, head: str = "", n: int = 1, schedules: int = 3) -> Any:
    """What one SIMD-group leaves in its 64 elements of random numbers; what they were."""
    before = np.random.default_rng().standard_normal(64).astype(np.float32)
    out = before.copy()
    kernel = compile(inline(body, threads=32, head=head), schedules=schedules)
    kernel((1,), out, np.zeros(1, np.int32), n)
    return out.reshape(8, 8), before.reshape(8, 8)


def elements(matrix: str) -> str:
    """Stores a matrix by its lanes' elements."""
    return (
        f"const uint row = (lane >> 2 & 4) + (lane >> 1 & 3);\n"
        f"const uint column = (lane >> 1 & 4) + ((lane & 1) << 1);\n"
        f"for (uint i = 0; i < 2; ++i)\n"
        f"    out[row * 8 + column + i] = {matrix}.thread_elements()[i];\n"
    )


def test_elements_lie_in_their_lanes():
    out, before = run("simdgroup_float8x8 m;\nsimdgroup_load(m, out, 8);\n" + elements("m"))
    np.testing.assert_array_equal(out, before)


def test_elements_that_lanes_write():
    body = (
        "simdgroup_float8x8 m;\n"
        "for (uint i = 0; i < 2; ++i) m.thread_elements()[i] = float(lane * 2 + i);\n"
        "simdgroup_store(m, out, 8);\n"
    )
    expected = np.zeros((8, 8), np.float32)
    expected[ROW, COLUMN], expected[ROW, COLUMN + 1] = LANES * 2, LANES * 2 + 1
    np.testing.assert_array_equal(run(body)[0], expected)


def test_elements_that_only_some_lanes_ask_for():
    """Between operations, in lanes that differ: nobody waits for who does not ask."""
    body = f"""
    simdgroup_float8x8 m, sum = {FILLED}(0.0f), one(1.0f);
    simdgroup_load(m, out, 8);
    float found = 0.0f;
    for (int i = 0; i < n; ++i) {{
        simdgroup_multiply_accumulate(sum, m, one, sum);
        if ((lane + i) % 3 == 0) found = sum.thread_elements()[1];
    }}
    out[lane] = found;
    """
    out, before = run(body, n=5)
    last = [max(i for i in range(5) if (lane + i) % 3 == 0) + 1 for lane in LANES]
    expected = np.zeros(32, np.float32)
    for lane, times in enumerate(last):
        for _ in range(times):
            expected[lane] += before[ROW[lane], COLUMN[lane] + 1]
    np.testing.assert_array_equal(out.reshape(-1)[:32], expected)


@pytest.mark.parametrize("n", [1, 255, 256, 257, 1000])
def test_a_lane_gets_only_so_far_ahead(n: int):
    body = f"""
    simdgroup_float8x8 one(1.0f), sum = {FILLED}(0.0f);
    for (int i = 0; i < n; ++i) simdgroup_multiply_accumulate(sum, one, one, sum);
    simdgroup_store(sum, out, 8);
    """
    np.testing.assert_array_equal(run(body, n=n)[0], np.eye(8, dtype=np.float32) * n)


def test_a_product_in_place_of_an_operand():
    for operands in ("a, a, b", "b, a, b"):
        body = (
            "simdgroup_float8x8 a, b;\nsimdgroup_load(a, out, 8);\n"
            "simdgroup_load(b, out, 8, ulong2(0), true);\n"
            f"simdgroup_multiply({operands});\nsimdgroup_store({operands[0]}, out, 8);\n"
        )
        out, before = run(body)
        expected = before.astype(np.float64) @ before.T.astype(np.float64)
        np.testing.assert_allclose(out, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("type_", ["half", "bfloat"])
def test_products_of_16_bits_are_summed_as_floats(type_: str):
    body = f"""
    simdgroup_matrix<{type_}, 8, 8> a;
    for (uint i = 0; i < 2; ++i) a.thread_elements()[i] = {type_}(float(lane) * 0.25f);
    simdgroup_float8x8 sum = {FILLED}(0.125f);
    simdgroup_multiply_accumulate(sum, a, a, sum);
    simdgroup_store(sum, out, 8);
    """
    a = np.zeros((8, 8))
    a[ROW, COLUMN] = a[ROW, COLUMN + 1] = LANES * 0.25
    np.testing.assert_array_equal(run(body)[0], (a @ a + 0.125).astype(np.float32))


def test_copies_are_values():
    """By assignment, into a function and out of it, and as a member of a struct."""
    head = (
        "struct Pair { simdgroup_float8x8 first, second; };\n"
        "simdgroup_float8x8 twice(simdgroup_float8x8 m) {\n"
        "    for (uint i = 0; i < 2; ++i) m.thread_elements()[i] *= 2.0f;\n"
        "    return m;\n"
        "}\n"
    )
    body = """
    simdgroup_float8x8 m;
    simdgroup_load(m, out, 8);
    simdgroup_float8x8 kept = m;
    Pair pair = {twice(m), kept};
    Pair other = pair;
    other.second = twice(other.second);
    simdgroup_multiply_accumulate(kept, simdgroup_float8x8(1.0f), other.second, other.first);
    simdgroup_multiply_accumulate(m, simdgroup_float8x8(1.0f), pair.second, kept);
    simdgroup_store(m, out, 8);
    """
    out, before = run(body, head=head)
    np.testing.assert_array_equal(out, before * 5)


def test_matrices_of_one_simdgroup_are_not_those_of_another():
    body = """
    simdgroup_float8x8 m = make_filled_simdgroup_matrix<float, 8, 8>(float(thread_index / 32 + 1));
    threadgroup_barrier(mem_flags::mem_none);
    simdgroup_multiply(m, m, m);
    out[thread_index] = m.thread_elements()[0];
    """
    out = np.full(64, np.nan, np.float32)
    compile(inline(body), schedules=3)((1,), out, np.zeros(1, np.int32), 1)
    np.testing.assert_array_equal(out, np.array([8, 32], np.float32).repeat(32))


@pytest.mark.parametrize(
    ("body", "message", "line"),
    [
        (
            "simdgroup_float8x8 m(1.0f);\nif (lane < 4u) simdgroup_multiply(m, m, m);\n",
            "of SIMD-group 0, 4 of 32 lanes reach this operation on matrices",
            13,
        ),
        (
            "simdgroup_float8x8 m(1.0f);\nif (lane < 4u) simdgroup_multiply(m, m, m);\n"
            "out[thread_index] = m.thread_elements()[0];",
            "of SIMD-group 0, 4 of 32 lanes reach this operation on matrices",
            13,
        ),
        (
            "simdgroup_float8x8 m(1.0f);\nif (lane < 4u) simdgroup_multiply(m, m, m);\n"
            "else simdgroup_store(m, shared, 8);",
            "lane 4 is in simdgroup_store here and others are in an operation on matrices at line",
            14,
        ),
        (
            "simdgroup_float8x8 m(1.0f);\nif (lane < 4u) simdgroup_multiply(m, m, m);\n"
            "out[thread_index] = simd_sum(1.0f);",
            "lane 4 comes to simd_sum after 1 operations on matrices, lanes 0x0000000f after 2",
            14,
        ),
    ],
)
def test_lanes_that_diverge(body: str, message: str, line: int):
    kernel = compile(inline(body))
    out = np.zeros(64, np.float32)
    for _ in range(2):  # the second launch begins afresh
        with pytest.raises(LaunchError, match=message) as caught:
            kernel((3,), out, np.zeros(1, np.int32), 1)
        assert caught.value.span is not None
        assert caught.value.span.line == line
    good = compile(inline("simdgroup_float8x8 m(2.0f);\nsimdgroup_store(m, out, 8);"))
    good((1,), out, np.zeros(1, np.int32), 1)
    np.testing.assert_array_equal(out.reshape(8, 8), np.eye(8, dtype=np.float32) * 2)


def test_too_many_matrices():
    kernel = compile(inline("simdgroup_float8x8 m[1025];\nsimdgroup_load(m[n], out, 8);"))
    with pytest.raises(LaunchError, match="too many matrices"):
        kernel((1,), np.zeros(64, np.float32), np.zeros(1, np.int32), 1)
