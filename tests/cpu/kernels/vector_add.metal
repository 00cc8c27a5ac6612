#include <metal_stdlib>
using namespace metal;

// 128 threads, 8 elements each, four at a time where all four are inside.
[[max_total_threads_per_threadgroup(128)]]
kernel void vector_add(device const float* x [[buffer(0)]],
                       device const float* y [[buffer(1)]],
                       device float* out [[buffer(2)]],
                       constant int& n [[buffer(3)]],
                       uint3 program [[threadgroup_position_in_grid]],
                       uint thread_index [[thread_index_in_threadgroup]]) {
    const int start = int(program.x) * 1024 + int(thread_index) * 4;
#pragma clang loop unroll(full)
    for (int r = 0; r < 2; ++r) {
        const int offset = start + r * 512;
        if (offset + 4 <= n) {
            const float4 a = *(device const float4*)(x + offset);
            const float4 b = *(device const float4*)(y + offset);
            *(device float4*)(out + offset) = a + b;
        } else {
            for (int i = offset; i < n; ++i) out[i] = x[i] + y[i];
        }
    }
}
