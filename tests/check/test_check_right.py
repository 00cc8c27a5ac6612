"""Right kernels pass the check, and the check is fast enough for thousands of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from trimetal.runtime.check import check
from trimetal.transpiler.errors import LaunchError

KERNELS = sorted((Path(__file__).parents[1] / "cpu" / "kernels").glob("*.metal"))

_FRAME = """#include <metal_stdlib>
using namespace metal;
struct Pair {{
    float2 both;
    float first;
}};
kernel void k(device float4* x [[buffer(0)]], device bfloat* b [[buffer(1)]],
              device bool* flags [[buffer(2)]], constant size_t& n [[buffer(3)]],
              uint thread_index [[thread_index_in_threadgroup]]) {{
    threadgroup float4 shared[4];
    const bool odd = (thread_index & 1u) != 0u;
    float4 v = x[0];
    bfloat w = b[0];
{body}
}}
"""


@pytest.mark.parametrize("path", KERNELS, ids=lambda path: path.stem)
def test_right_kernel_passes(path: Path) -> None:
    version = 320 if path.stem == "fence" else 310
    found = check(path.read_text(encoding="utf-8"), path.name, version=version)
    assert not found, "\n".join(map(str, found))


@pytest.mark.parametrize(
    "body",
    [
        "x[0] = odd ? v + v : v;",
        "x[0] = odd ? x[1] : shared[2];",
        "x[0] = odd ? v : thread_index > 4u ? v * 2.0f : float4(0.0f);",
        "x[0] = max(v, odd ? shared[0] : v);",
        "b[0] = odd ? -w : bfloat(1.0f);",
        "w += odd ? b[1] : w; b[0] = w;",
        "flags[0] = odd ? flags[1] : as_type<uint>(v.x) < 3u;",
        "Pair p; p.both = v.xy; p.first = 1.0f; x[0] = float4(p.both, p.both.yx);",
        "v.xy = v.zw; v.zw += float2(1.0f); x[0] = v.wwww;",
        "x[0].yz = v.zy; x[0].w = v.wzyx.x;",
        "x[thread_index % n].rgb = float3(v.r, v.gb);",
        "float4 t[2] = {v, v + 1.0f}; x[0] = t[thread_index & 1u];",
        "x[0] = float4(int4(1, 2, 3, 4)) * 2 - 1.0f;",
        "x[0] = select(v, v * 0.5f, v > 0.0f) / v;",
        "int4 i = int4(v); i <<= 2; i ^= 5; x[0] = float4(~i & 15);",
        "ushort4 s = ushort4(1); s = s + ushort(2); x[0] = float4(s);",
        "threadgroup float* p = (threadgroup float*)shared; x[0] = float4(p[3]);",
        "const device float* p = (const device float*)(x + 1); x[0] = float4(*p);",
        "x[0] = float4(0x1p-3f) + 1e-3f + .5f + 1.f;",
        "const long a = 5l; const ulong c = 7ul; x[0] = float4(float(a) + float(c));",
        "uint hex = 0xdu + 0xFFu; x[0] = float4(float(hex));",
        "b[0] = bfloat(1.5bf) * w;",
        "for (ushort i = 0; i < 4; ++i) v[i] *= 2.0f; x[0] = v;",
        "x[0] = fma(v, v, 1.0f); x[1] = fmin(v, 0.0f);",
        "x[0] = float4(numeric_limits<float>::infinity(), FLT_MAX, M_PI_F, INFINITY);",
    ],
)
def test_right_statement_passes(body: str) -> None:
    found = check(_FRAME.format(body=body))
    assert not found, "\n".join(map(str, found))


def test_shared_variables_may_be_set_by_another_thread() -> None:
    text = """#include <metal_stdlib>
using namespace metal;
kernel void k(device float* x [[buffer(0)]], uint i [[thread_index_in_threadgroup]]) {
    threadgroup float total;
    if (i == 0u) total = 1.0f;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    x[i] = total;
}
"""
    assert not check(text)


def test_member_named_like_a_swizzle() -> None:
    text = """#include <metal_stdlib>
using namespace metal;
struct Corner {
    float xy;
};
kernel void k(device float* x [[buffer(0)]]) {
    Corner corner;
    corner.xy = 1.0f;
    x[0] = corner.xy;
}
"""
    assert not check(text)


def test_all_of_threadgroup_memory() -> None:
    text = """#include <metal_stdlib>
using namespace metal;
kernel void k(device float* x [[buffer(0)]], uint i [[thread_index_in_threadgroup]]) {
    threadgroup float a[4096], b[4095];
    threadgroup uchar c[4];
    a[i] = x[i];
    b[i] = a[i];
    c[0] = 1;
    x[i] = b[i] + float(c[0]);
}
"""
    assert not check(text)
    assert [finding.rule for finding in check(text.replace("c[4]", "c[5]"))] == ["memory"]


def test_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from trimetal.runtime.check import front

    front.clang_bindings.cache_clear()
    monkeypatch.setitem(sys.modules, "clang.cindex", None)
    with pytest.raises(LaunchError, match=r'pip install "trimetal\[check\]"'):
        check("kernel void k() {}")
    front.clang_bindings.cache_clear()
