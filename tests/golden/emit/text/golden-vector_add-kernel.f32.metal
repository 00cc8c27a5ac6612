#include <metal_stdlib>
using namespace metal;
#define UNROLL _Pragma("clang loop unroll(full)")

// vector_add: one program a threadgroup of 4 simdgroups.
// Multiples of 16: &x_ptr[0], &y_ptr[0], &out_ptr[0], n_elements.
[[max_total_threads_per_threadgroup(128)]]
kernel void vector_add(device const float* x_ptr [[buffer(0)]],
                       device const float* y_ptr [[buffer(1)]],
                       device float* out_ptr [[buffer(2)]],
                       constant int& n_elements [[buffer(3)]],
                       uint3 program [[threadgroup_position_in_grid]],
                       uint thread_index [[thread_index_in_threadgroup]]) {
    for (int r = 0; r < 2; ++r) {
        const int offsets = program.x * 1024 + thread_index * 4 + r * 512;      // kernel.py:12
        if (offsets < n_elements) {                                             // kernel.py:14
            const float4 x = *(device const float4*)(x_ptr + offsets);
            const float4 y = *(device const float4*)(y_ptr + offsets);          // kernel.py:15
            *(device float4*)(out_ptr + offsets) = x + y;                       // kernel.py:16
        }
    }
}
