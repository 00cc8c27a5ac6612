#include <metal_stdlib>
using namespace metal;

// 16 rows by 4 simdgroups, each with four rows of a length that is a multiple of 4.
kernel void row_sum(device const float* x [[buffer(0)]],
                    device float* out [[buffer(1)]],
                    constant int& n_rows [[buffer(2)]],
                    constant int& n_cols [[buffer(3)]],
                    constant int& stride [[buffer(4)]],
                    uint group [[threadgroup_position_in_grid]],
                    uint lane [[thread_index_in_simdgroup]],
                    uint simdgroup [[simdgroup_index_in_threadgroup]]) {
    for (int i = 0; i < 4; ++i) {
        const int row = int(group) * 16 + int(simdgroup) * 4 + i;
        float4 sum = float4(0.0f);
        if (row < n_rows) {
            for (int column = int(lane) * 4; column < n_cols; column += 128) {
                sum += *(device const float4*)(x + row * stride + column);
            }
        }
        const float total = simd_sum(sum.x + sum.y + (sum.z + sum.w));
        if (lane == 0 && row < n_rows) {
            out[row] = total;
        }
    }
}
