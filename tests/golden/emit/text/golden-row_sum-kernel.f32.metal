#include <metal_stdlib>
using namespace metal;
#define UNROLL _Pragma("clang loop unroll(full)")

// row_sum: one program a threadgroup of 4 simdgroups.
// Multiples of 16: &x_ptr[0], &out_ptr[0], n_cols, stride.
[[max_total_threads_per_threadgroup(128)]]
kernel void row_sum(device const float* x_ptr [[buffer(0)]],
                    device float* out_ptr [[buffer(1)]],
                    constant int& n_rows [[buffer(2)]],
                    constant int& n_cols [[buffer(3)]],
                    constant int& stride [[buffer(4)]],
                    uint3 program [[threadgroup_position_in_grid]],
                    uint thread_index [[thread_index_in_threadgroup]]) {
    threadgroup float total_partial[32];
    threadgroup float shared[16];

    const uint rows = program.x * 16;                                           // kernel.py:12
    const int inside = thread_index % 64 * 4;                                   // kernel.py:14
    const bool is_first = (thread_index & 31) == 0;                             // kernel.py:16
    for (int r = 0; r < 8; ++r) {
        const int rows_1 = rows + thread_index / 64 + r * 2;                    // kernel.py:12
        float4 x = float4(0.0f);                                                // kernel.py:15
        if (rows_1 < n_rows && inside < n_cols) {
            x = *(device const float4*)(x_ptr + int(uint(rows_1) * stride) + inside);
        }
        const float total = simd_sum(x.x + x.y + (x.z + x.w));                  // kernel.py:16
        if (is_first) {
            total_partial[thread_index / 32 % 2 * 16 + r * 2 + thread_index / 64] = total;
        }
    }
    float total[8];
    threadgroup_barrier(mem_flags::mem_threadgroup);
    UNROLL for (int r = 0; r < 8; ++r) {
        const uint index = r * 2 + thread_index / 64;
        total[r] = total_partial[index] + total_partial[16 + index];
    }

    const bool is_first_1 = (thread_index & 63) == 0;                           // kernel.py:17
    UNROLL for (int r = 0; r < 8; ++r) {
        if (is_first_1) {
            shared[thread_index / 64 + r * 2] = total[r];
        }
    }
    const uint rows_1 = thread_index % 16;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    const float value = shared[rows_1];
    const int rows_2 = rows + rows_1;                                           // kernel.py:12
    if (thread_index < 16 && rows_2 < n_rows) {                                 // kernel.py:17
        out_ptr[rows_2] = value;
    }
}
