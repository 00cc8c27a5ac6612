#include <metal_stdlib>
using namespace metal;

// One row a threadgroup of 128 threads.
kernel void row_softmax(device const float* x [[buffer(0)]],
                        device float* out [[buffer(1)]],
                        constant int& columns [[buffer(2)]],
                        uint3 program [[threadgroup_position_in_grid]],
                        uint thread_index [[thread_index_in_threadgroup]],
                        uint simdgroup_index [[simdgroup_index_in_threadgroup]],
                        uint lane [[thread_index_in_simdgroup]]) {
    threadgroup float partial[4];
    device const float* row = x + long(program.x) * columns;
    device float* result = out + long(program.x) * columns;

    float largest = -INFINITY;
    for (int i = int(thread_index); i < columns; i += 128) largest = max(largest, row[i]);
    largest = simd_max(largest);
    if (lane == 0u) partial[simdgroup_index] = largest;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    largest = max(max(partial[0], partial[1]), max(partial[2], partial[3]));
    threadgroup_barrier(mem_flags::mem_threadgroup);

    float sum = 0.0f;
    for (int i = int(thread_index); i < columns; i += 128) {
        sum += precise::exp(row[i] - largest);
    }
    for (ushort step = 16; step != 0; step /= 2) sum += simd_shuffle_xor(sum, step);
    if (lane == 0u) partial[simdgroup_index] = sum;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    sum = (partial[0] + partial[1]) + (partial[2] + partial[3]);

    for (int i = int(thread_index); i < columns; i += 128) {
        result[i] = precise::divide(precise::exp(row[i] - largest), sum);
    }
}
