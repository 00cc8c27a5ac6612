#include <metal_stdlib>
using namespace metal;
#define UNROLL _Pragma("clang loop unroll(full)")

// layer_norm: one program a threadgroup of 8 simdgroups.
// Multiples of 16: &x_ptr[0], &out_ptr[0], &weight_ptr[0], &bias_ptr[0], &mean_ptr[0],
// &rstd_ptr[0], stride, n_cols.
[[max_total_threads_per_threadgroup(256)]]
kernel void layer_norm(device const half* x_ptr [[buffer(0)]],
                       device half* out_ptr [[buffer(1)]],
                       device const half* weight_ptr [[buffer(2)]],
                       device const half* bias_ptr [[buffer(3)]],
                       device float* mean_ptr [[buffer(4)]],
                       device float* rstd_ptr [[buffer(5)]],
                       constant int& stride [[buffer(6)]],
                       constant int& n_cols [[buffer(7)]],
                       constant float& eps [[buffer(8)]],
                       uint3 program [[threadgroup_position_in_grid]],
                       uint thread_index [[thread_index_in_threadgroup]]) {
    threadgroup float mean_partial[8];
    threadgroup float rstd_partial[8];

    const int row = program.x;                                                  // kernel.py:23
    const int x_row_offset = uint(row) * stride;                                // kernel.py:24
    device const half* x_row_base = x_ptr + x_row_offset;
    float4 total = float4(0.0f);
    const uint cols = thread_index * 4;                                         // kernel.py:29
    for (int start = 0; start < n_cols; start += 1024) {                        // kernel.py:28
        const int cols_1 = start + cols;                                        // kernel.py:29
        half4 total_1 = half4(0.0h);                                            // kernel.py:30
        if (cols_1 < n_cols) {
            total_1 = *(device const half4*)(x_row_base + cols_1);
        }
        total += float4(total_1);
    }
    const float mean = float(n_cols);                                           // kernel.py:31

    // sum over 32 lanes, then over 8 simdgroups
    float mean_1 = simd_sum(total.x + total.y + (total.z + total.w));
    const bool is_first = (thread_index & 31) == 0;
    if (is_first) {
        mean_partial[thread_index / 32] = mean_1;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    mean_1 = mean_partial[0];
    for (int i = 1; i < 8; ++i) {
        mean_1 += mean_partial[i];
    }

    const float mean_2 = mean_1 / mean;
    float4 squares = float4(0.0f);
    for (int start = 0; start < n_cols; start += 1024) {                        // kernel.py:34
        const int cols_1 = start + cols;                                        // kernel.py:35
        const bool x_mask = cols_1 < n_cols;                                    // kernel.py:36
        half4 x = half4(0.0h);
        if (x_mask) {
            x = *(device const half4*)(x_row_base + cols_1);
        }
        const float4 centered = select(float4(0.0f), float4(x) - mean_2, bool4(x_mask));  // kernel.py:37
        squares = fma(centered, centered, squares);                             // kernel.py:38
    }

    // sum over 32 lanes, then over 8 simdgroups
    float rstd = simd_sum(squares.x + squares.y + (squares.z + squares.w));     // kernel.py:39
    if (is_first) {
        rstd_partial[thread_index / 32] = rstd;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    rstd = rstd_partial[0];
    for (int i = 1; i < 8; ++i) {
        rstd += rstd_partial[i];
    }

    const float rstd_1 = 1.0f / precise::sqrt(rstd / mean + eps);
    if (thread_index == 0) {                                                    // kernel.py:41
        mean_ptr[row] = mean_2;
        rstd_ptr[row] = rstd_1;                                                 // kernel.py:42
    }
    for (int start = 0; start < n_cols; start += 1024) {                        // kernel.py:43
        const int cols_1 = start + cols;                                        // kernel.py:44
        if (cols_1 < n_cols) {                                                  // kernel.py:46
            const half4 x = *(device const half4*)(x_row_base + cols_1);
            const half4 weight = *(device const half4*)(weight_ptr + cols_1);   // kernel.py:47
            const half4 bias = *(device const half4*)(bias_ptr + cols_1);       // kernel.py:48
            *(device half4*)(out_ptr + x_row_offset + cols_1) =                 // kernel.py:50
                half4(fma((float4(x) - mean_2) * rstd_1, float4(weight), float4(bias)));
        }
    }
}
