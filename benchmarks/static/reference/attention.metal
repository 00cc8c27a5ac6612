#include <metal_stdlib>
using namespace metal;

// Columns of the head; keys of a step; elements from row to row in threadgroup memory.
constant constexpr int DIM = 64;
constant constexpr int KEYS = 32;
constant constexpr int PITCH = DIM + 8;

// 32 rows of keys or values into threadgroup memory.
void stage(threadgroup half* tile, device const half* rows, uint thread_index) {
    for (uint i = thread_index; i < KEYS * DIM / 8; i += 128) {
        const uint row = i / 8;
        const uint column = i % 8 * 8;
        *(threadgroup uint4*)(tile + row * PITCH + column) =
            *(device const uint4*)(rows + row * DIM + column);
    }
}

// A simdgroup has 16 rows of queries, in two rows of fragments; a lane's two elements of a fragment
// are in one row, which four lanes share.
kernel void attention(device const half* q [[buffer(0)]],
                      device const half* k [[buffer(1)]],
                      device const half* v [[buffer(2)]],
                      device half* out [[buffer(3)]],
                      constant int& length_ [[buffer(4)]],
                      constant float& scale [[buffer(5)]],
                      uint3 program [[threadgroup_position_in_grid]],
                      uint thread_index [[thread_index_in_threadgroup]],
                      uint simdgroup [[simdgroup_index_in_threadgroup]]) {
    alignas(16) threadgroup half k_tile[KEYS * PITCH];
    alignas(16) threadgroup half v_tile[KEYS * PITCH];
    const int head = int(program.y) * length_ * DIM;
    const int own = head + (int(program.x) * 64 + int(simdgroup) * 16) * DIM;
    const float factor = scale * M_LOG2E_F;
    simdgroup_half8x8 queries[2][8];
    simdgroup_float8x8 sums[2][8];
    float largest[2] = {-INFINITY, -INFINITY};
    float total[2] = {0.0f, 0.0f};
    for (int i = 0; i < 2; ++i) {
        for (int d = 0; d < 8; ++d) {
            simdgroup_load(queries[i][d], q + own + i * 8 * DIM + d * 8, DIM);
            sums[i][d] = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
        }
    }
    for (int start = 0; start < length_; start += KEYS) {
        threadgroup_barrier(mem_flags::mem_threadgroup);
        stage(k_tile, k + head + start * DIM, thread_index);
        stage(v_tile, v + head + start * DIM, thread_index);
        threadgroup_barrier(mem_flags::mem_threadgroup);
        simdgroup_float8x8 scores[2][4];
        for (int j = 0; j < 4; ++j) {
            scores[0][j] = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
            scores[1][j] = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
            for (int d = 0; d < 8; ++d) {
                simdgroup_half8x8 keys;
                simdgroup_load(keys, k_tile + j * 8 * PITCH + d * 8, PITCH, ulong2(0), true);
                simdgroup_multiply_accumulate(scores[0][j], queries[0][d], keys, scores[0][j]);
                simdgroup_multiply_accumulate(scores[1][j], queries[1][d], keys, scores[1][j]);
            }
        }
        simdgroup_half8x8 weights[2][4];
        for (int i = 0; i < 2; ++i) {
            float larger = largest[i];
            for (int j = 0; j < 4; ++j) {
                scores[i][j].thread_elements() *= factor;
                larger = max(larger, max(scores[i][j].thread_elements()[0],
                                         scores[i][j].thread_elements()[1]));
            }
            larger = max(larger, simd_shuffle_xor(larger, 1));
            larger = max(larger, simd_shuffle_xor(larger, 8));
            const float correction = precise::exp2(largest[i] - larger);
            float sum = 0.0f;
            for (int j = 0; j < 4; ++j) {
                for (int e = 0; e < 2; ++e) {
                    const float weight = precise::exp2(scores[i][j].thread_elements()[e] - larger);
                    weights[i][j].thread_elements()[e] = half(weight);
                    sum += weight;
                }
            }
            sum += simd_shuffle_xor(sum, 1);
            sum += simd_shuffle_xor(sum, 8);
            total[i] = total[i] * correction + sum;
            largest[i] = larger;
            for (int d = 0; d < 8; ++d) {
                sums[i][d].thread_elements() *= correction;
            }
        }
        for (int j = 0; j < 4; ++j) {
            for (int d = 0; d < 8; ++d) {
                simdgroup_half8x8 values;
                simdgroup_load(values, v_tile + j * 8 * PITCH + d * 8, PITCH);
                simdgroup_multiply_accumulate(sums[0][d], weights[0][j], values, sums[0][d]);
                simdgroup_multiply_accumulate(sums[1][d], weights[1][j], values, sums[1][d]);
            }
        }
    }
    for (int i = 0; i < 2; ++i) {
        for (int d = 0; d < 8; ++d) {
            simdgroup_half8x8 result;
            result.thread_elements()[0] = half(sums[i][d].thread_elements()[0] / total[i]);
            result.thread_elements()[1] = half(sums[i][d].thread_elements()[1] / total[i]);
            simdgroup_store(result, out + own + i * 8 * DIM + d * 8, DIM);
        }
    }
}
