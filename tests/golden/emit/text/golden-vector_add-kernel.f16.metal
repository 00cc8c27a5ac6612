#include <metal_stdlib>
using namespace metal;
#define UNROLL _Pragma("clang loop unroll(full)")

// vector_add: one program a threadgroup of 4 simdgroups.
// Multiples of 16: &x_ptr[0], &y_ptr[0], &out_ptr[0], n_elements.
[[max_total_threads_per_threadgroup(128)]]
kernel void vector_add(device const half* x_ptr [[buffer(0)]],
                       device const half* y_ptr [[buffer(1)]],
                       device half* out_ptr [[buffer(2)]],
                       constant int& n_elements [[buffer(3)]],
                       uint3 program [[threadgroup_position_in_grid]],
                       uint thread_index [[thread_index_in_threadgroup]]) {
    const int offsets = program.x * 1024 + thread_index * 8;                    // kernel.py:12
    if (offsets < n_elements) {                                                 // kernel.py:13
        half4 x[2];                                                             // kernel.py:14
        const uint4 x_bits = *(device const uint4*)(x_ptr + offsets);           // kernel.py:13
        x[0] = as_type<half4>(x_bits.xy);
        x[1] = as_type<half4>(x_bits.zw);
        half4 y[2];                                                             // kernel.py:15
        const uint4 y_bits = *(device const uint4*)(y_ptr + offsets);
        y[0] = as_type<half4>(y_bits.xy);
        y[1] = as_type<half4>(y_bits.zw);
        half4 out[2];
        UNROLL for (int i = 0; i < 2; ++i) {
            out[i] = x[i] + y[i];                                               // kernel.py:16
        }
        *(device uint4*)(out_ptr + offsets) = uint4(as_type<uint2>(out[0]), as_type<uint2>(out[1]));
    }
}
