#include <metal_stdlib>
using namespace metal;
#define UNROLL _Pragma("clang loop unroll(full)")

// softmax: one program a threadgroup of 4 simdgroups.
// Multiples of 16: &out_ptr[0], &x_ptr[0], out_stride, x_stride, n_cols.
[[max_total_threads_per_threadgroup(128)]]
kernel void softmax(device float* out_ptr [[buffer(0)]],
                    device const float* x_ptr [[buffer(1)]],
                    constant int& out_stride [[buffer(2)]],
                    constant int& x_stride [[buffer(3)]],
                    constant int& n_cols [[buffer(4)]],
                    uint3 program [[threadgroup_position_in_grid]],
                    uint thread_index [[thread_index_in_threadgroup]]) {
    threadgroup float shifted_partial[4];
    threadgroup float denominator_partial[4];

    const uint row = program.x;                                                 // kernel.py:12
    float4 x[2];                                                                // kernel.py:15
    float shifted = NAN;                                                        // kernel.py:16
    UNROLL for (int r = 0; r < 2; ++r) {
        const int cols = thread_index * 4 + r * 512;                            // kernel.py:13
        x[r] = float4(-INFINITY);                                               // kernel.py:15
        if (cols < n_cols) {
            x[r] = *(device const float4*)(x_ptr + int(row * x_stride) + cols);
        }
        shifted = precise::fmax(shifted,                                        // kernel.py:16
            precise::fmax(precise::fmax(x[r].x, x[r].y), precise::fmax(x[r].z, x[r].w)));
    }

    // maximum over 32 lanes, then over 4 simdgroups
    for (ushort distance = 16; distance >= 1; distance /= 2) {
        shifted = precise::fmax(shifted, simd_shuffle_xor(shifted, distance));
    }
    const bool is_first = (thread_index & 31) == 0;
    if (is_first) {
        shifted_partial[thread_index / 32] = shifted;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    shifted = shifted_partial[0];
    for (int i = 1; i < 4; ++i) {
        shifted = precise::fmax(shifted, shifted_partial[i]);
    }

    float denominator = -0.0f;                                                  // kernel.py:18
    UNROLL for (int r = 0; r < 2; ++r) {
        x[r] = precise::exp(x[r] - shifted);                                    // kernel.py:17
        denominator += x[r].x + x[r].y + (x[r].z + x[r].w);                     // kernel.py:18
    }

    // sum over 32 lanes, then over 4 simdgroups
    denominator = simd_sum(denominator);
    if (is_first) {
        denominator_partial[thread_index / 32] = denominator;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    denominator = denominator_partial[0];
    for (int i = 1; i < 4; ++i) {
        denominator += denominator_partial[i];
    }

    UNROLL for (int r = 0; r < 2; ++r) {
        const int cols = thread_index * 4 + r * 512;                            // kernel.py:13
        if (cols < n_cols) {                                                    // kernel.py:21
            *(device float4*)(out_ptr + int(row * out_stride) + cols) = x[r] / denominator;
        }
    }
}
