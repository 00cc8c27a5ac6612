#include <metal_stdlib>
using namespace metal;

// A row of up to 1024 columns (a multiple of 4) by 128 threads, which keep it in registers.
kernel void softmax(device float* out [[buffer(0)]],
                    device const float* x [[buffer(1)]],
                    constant int& out_stride [[buffer(2)]],
                    constant int& x_stride [[buffer(3)]],
                    constant int& n_cols [[buffer(4)]],
                    uint row [[threadgroup_position_in_grid]],
                    uint thread_index [[thread_index_in_threadgroup]],
                    uint lane [[thread_index_in_simdgroup]],
                    uint simdgroup [[simdgroup_index_in_threadgroup]]) {
    threadgroup float largest[4];
    threadgroup float sums[4];
    float4 values[2];
    float most = -INFINITY;
    for (int i = 0; i < 2; ++i) {
        const int column = int(thread_index) * 4 + i * 512;
        values[i] = float4(-INFINITY);
        if (column < n_cols) {
            values[i] = *(device const float4*)(x + int(row) * x_stride + column);
        }
        most = max(most, max(max(values[i].x, values[i].y), max(values[i].z, values[i].w)));
    }
    most = simd_max(most);
    if (lane == 0) {
        largest[simdgroup] = most;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    most = max(max(largest[0], largest[1]), max(largest[2], largest[3]));
    float sum = 0.0f;
    for (int i = 0; i < 2; ++i) {
        values[i] = precise::exp(values[i] - most);
        sum += values[i].x + values[i].y + (values[i].z + values[i].w);
    }
    sum = simd_sum(sum);
    if (lane == 0) {
        sums[simdgroup] = sum;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    sum = sums[0] + sums[1] + (sums[2] + sums[3]);
    for (int i = 0; i < 2; ++i) {
        const int column = int(thread_index) * 4 + i * 512;
        if (column < n_cols) {
            *(device float4*)(out + int(row) * out_stride + column) = values[i] / sum;
        }
    }
}
