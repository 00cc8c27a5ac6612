#include <metal_stdlib>
using namespace metal;

inline float read(threadgroup const float* tile, uint row, uint column) {
    return tile[row * 33u + column];
}

template <typename T>
inline void write(threadgroup T* tile, uint row, uint column, T value) {
    tile[row * 33u + column] = value;
}

// A 32 x 32 tile a threadgroup, through two padded tiles.
kernel void transpose(device const float* x [[buffer(0)]],
                      device float* out [[buffer(1)]],
                      constant uint& rows [[buffer(2)]],
                      constant uint& columns [[buffer(3)]],
                      uint3 program [[threadgroup_position_in_grid]],
                      uint thread_index [[thread_index_in_threadgroup]]) {
    threadgroup float tile[32][33];
    threadgroup float flat[32 * 33];
    const uint column = thread_index % 32u;
    for (uint row = thread_index / 32u; row < 32u; row += 4u) {
        const uint from = program.y * 32u + row;
        const uint at = program.x * 32u + column;
        if (from < rows && at < columns) {
            tile[row][column] = x[from * columns + at];
            write(flat, row, column, tile[row][column] * 2.0f);
        }
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (uint row = thread_index / 32u; row < 32u; row += 4u) {
        const uint to = program.x * 32u + row;
        const uint at = program.y * 32u + column;
        if (to < columns && at < rows) {
            out[to * rows + at] = read(flat, column, row) - tile[column][row];
        }
    }
}
