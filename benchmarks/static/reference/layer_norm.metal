#include <metal_stdlib>
using namespace metal;

// The sum of a number over 128 threads.
float threadgroup_sum(float value, threadgroup float* partial, uint lane, uint simdgroup) {
    value = simd_sum(value);
    if (lane == 0) {
        partial[simdgroup] = value;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    return partial[0] + partial[1] + (partial[2] + partial[3]);
}

// A row of any length (a multiple of 4) by 128 threads: mean, deviation, result.
kernel void layer_norm(device const float* x [[buffer(0)]],
                       device float* out [[buffer(1)]],
                       device const float4* weight [[buffer(2)]],
                       device const float4* bias [[buffer(3)]],
                       device float* means [[buffer(4)]],
                       device float* rstds [[buffer(5)]],
                       constant int& stride [[buffer(6)]],
                       constant int& n_cols [[buffer(7)]],
                       constant float& eps [[buffer(8)]],
                       uint row [[threadgroup_position_in_grid]],
                       uint thread_index [[thread_index_in_threadgroup]],
                       uint lane [[thread_index_in_simdgroup]],
                       uint simdgroup [[simdgroup_index_in_threadgroup]]) {
    threadgroup float mean_partial[4];
    threadgroup float square_partial[4];
    device const float4* in_row = (device const float4*)(x + int(row) * stride);
    device float4* out_row = (device float4*)(out + int(row) * stride);
    const int count = n_cols / 4;
    float4 sum = float4(0.0f);
    for (int i = thread_index; i < count; i += 128) {
        sum += in_row[i];
    }
    const float total = sum.x + sum.y + (sum.z + sum.w);
    const float mean = threadgroup_sum(total, mean_partial, lane, simdgroup) / n_cols;
    float4 squares = float4(0.0f);
    for (int i = thread_index; i < count; i += 128) {
        const float4 centred = in_row[i] - mean;
        squares += centred * centred;
    }
    const float square = squares.x + squares.y + (squares.z + squares.w);
    const float variance = threadgroup_sum(square, square_partial, lane, simdgroup) / n_cols;
    const float rstd = precise::rsqrt(variance + eps);
    if (thread_index == 0) {
        means[row] = mean;
        rstds[row] = rstd;
    }
    for (int i = thread_index; i < count; i += 128) {
        out_row[i] = (in_row[i] - mean) * rstd * weight[i] + bias[i];
    }
}
