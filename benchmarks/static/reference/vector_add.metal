#include <metal_stdlib>
using namespace metal;

// 256 threads, four elements each.
kernel void vector_add(device const float4* x [[buffer(0)]],
                       device const float4* y [[buffer(1)]],
                       device float4* out [[buffer(2)]],
                       constant int& n_elements [[buffer(3)]],
                       uint index [[thread_position_in_grid]]) {
    if (int(index) * 4 < n_elements) {
        out[index] = x[index] + y[index];
    }
}
