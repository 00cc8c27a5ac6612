#include <metal_stdlib>
using namespace metal;

// Columns of a matrix that a thread moves at a time: 16 bytes.
constant constexpr int WIDE = 16 / sizeof(ELEMENT);

// Rows of a matrix into padded rows of threadgroup memory; zeros behind its ends.
template <int ROWS, int COLUMNS, int PITCH>
void stage(threadgroup ELEMENT* tile, device const ELEMENT* matrix, int rows, int columns,
           int stride, int thread_index) {
    constexpr int PER_ROW = COLUMNS / WIDE;
    for (int i = thread_index; i < ROWS * PER_ROW; i += 128) {
        const int row = i / PER_ROW;
        const int column = i % PER_ROW * WIDE;
        const bool inside = row < rows && column < columns;
        const uint4 bits = inside ? *(device const uint4*)(matrix + row * stride + column) : uint4(0);
        *(threadgroup uint4*)(tile + row * PITCH + column) = bits;
    }
}

// A 64 x 64 block by 2 x 2 simdgroups of 4 x 4 fragments; all sizes are multiples of 16.
kernel void matmul(device const ELEMENT* a [[buffer(0)]],
                   device const ELEMENT* b [[buffer(1)]],
                   device ELEMENT* c [[buffer(2)]],
                   constant int& m [[buffer(3)]],
                   constant int& n [[buffer(4)]],
                   constant int& k [[buffer(5)]],
                   constant int& a_stride [[buffer(6)]],
                   constant int& b_stride [[buffer(7)]],
                   constant int& c_stride [[buffer(8)]],
                   uint program [[threadgroup_position_in_grid]],
                   uint thread_index [[thread_index_in_threadgroup]],
                   uint simdgroup [[simdgroup_index_in_threadgroup]]) {
    constexpr int A_PITCH = DEPTH + WIDE;
    constexpr int B_PITCH = 64 + WIDE;
    alignas(16) threadgroup ELEMENT a_tile[64 * A_PITCH];
    alignas(16) threadgroup ELEMENT b_tile[DEPTH * B_PITCH];
    const int blocks = (n + 63) / 64;
    const int row = int(program) / blocks * 64;
    const int column = int(program) % blocks * 64;
    const int own_row = int(simdgroup) / 2 * 32;
    const int own_column = int(simdgroup) % 2 * 32;
    simdgroup_float8x8 sums[4][4];
    for (int i = 0; i < 4; ++i) {
        for (int j = 0; j < 4; ++j) {
            sums[i][j] = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
        }
    }
    for (int start = 0; start < k; start += DEPTH) {
        threadgroup_barrier(mem_flags::mem_threadgroup);
        stage<64, DEPTH, A_PITCH>(a_tile, a + row * a_stride + start, m - row, k - start, a_stride,
                                  thread_index);
        stage<DEPTH, 64, B_PITCH>(b_tile, b + start * b_stride + column, k - start, n - column,
                                  b_stride, thread_index);
        threadgroup_barrier(mem_flags::mem_threadgroup);
        for (int step = 0; step < DEPTH; step += 8) {
            simdgroup_matrix<ELEMENT, 8, 8> left[4];
            simdgroup_matrix<ELEMENT, 8, 8> right;
            for (int i = 0; i < 4; ++i) {
                simdgroup_load(left[i], a_tile + (own_row + i * 8) * A_PITCH + step, A_PITCH);
            }
            for (int j = 0; j < 4; ++j) {
                simdgroup_load(right, b_tile + step * B_PITCH + own_column + j * 8, B_PITCH);
                for (int i = 0; i < 4; ++i) {
                    simdgroup_multiply_accumulate(sums[i][j], left[i], right, sums[i][j]);
                }
            }
        }
    }
    for (int i = 0; i < 4; ++i) {
        for (int j = 0; j < 4; ++j) {
            const int at_row = row + own_row + i * 8;
            const int at_column = column + own_column + j * 8;
            if (at_row < m && at_column < n) {
                simdgroup_matrix<ELEMENT, 8, 8> result;
                result.thread_elements()[0] = ELEMENT(sums[i][j].thread_elements()[0]);
                result.thread_elements()[1] = ELEMENT(sums[i][j].thread_elements()[1]);
                simdgroup_store(result, c + at_row * c_stride + at_column, c_stride);
            }
        }
    }
}
