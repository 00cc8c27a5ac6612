#include <metal_stdlib>
#include <metal_simdgroup_matrix>
using namespace metal;

// C = A * B for multiples of 32; a tile of 32 x 32 for 4 SIMD-groups. A goes through padded
// threadgroup memory, B comes straight from device memory.
kernel void matmul(device const half* a [[buffer(0)]],
                   device const half* b [[buffer(1)]],
                   device float* c [[buffer(2)]],
                   constant int& n [[buffer(3)]],
                   constant int& k [[buffer(4)]],
                   uint3 program [[threadgroup_position_in_grid]],
                   uint thread_index [[thread_index_in_threadgroup]],
                   uint simdgroup_index [[simdgroup_index_in_threadgroup]]) {
    threadgroup half staged[32 * 40];
    simdgroup_matrix<float, 8, 8> sum[2][2];
#pragma clang loop unroll(full)
    for (int i = 0; i < 2; ++i) {
        for (int j = 0; j < 2; ++j) {
            sum[i][j] = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
        }
    }
    const int row = int(simdgroup_index / 2u) * 16;
    const int column = int(program.x) * 32 + int(simdgroup_index % 2u) * 16;
    for (int step = 0; step < k; step += 32) {
        for (int i = int(thread_index); i < 256; i += 128) {
            const int r = i / 8;
            const int s = i % 8 * 4;
            *(threadgroup half4*)(staged + r * 40 + s) =
                *(device const half4*)(a + (int(program.y) * 32 + r) * k + step + s);
        }
        threadgroup_barrier(mem_flags::mem_threadgroup);
        for (int inner = 0; inner < 32; inner += 8) {
            simdgroup_half8x8 left[2];
            simdgroup_half8x8 right[2];
            for (int i = 0; i < 2; ++i) {
                simdgroup_load(left[i], staged + (row + i * 8) * 40 + inner, 40);
                simdgroup_load(right[i], b + (step + inner) * n + column + i * 8, ulong(n));
            }
            for (int i = 0; i < 2; ++i) {
                for (int j = 0; j < 2; ++j) {
                    simdgroup_multiply_accumulate(sum[i][j], left[i], right[j], sum[i][j]);
                }
            }
        }
        threadgroup_barrier(mem_flags::mem_threadgroup);
    }
    for (int i = 0; i < 2; ++i) {
        for (int j = 0; j < 2; ++j) {
            thread float2& pair = sum[i][j].thread_elements();
            pair *= 0.5f;
            simdgroup_store(sum[i][j],
                            c + (int(program.y) * 32 + row + i * 8) * n + column + j * 8,
                            ulong(n));
        }
    }
}
