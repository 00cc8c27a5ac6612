#include <metal_stdlib>
using namespace metal;

// Needs Metal 3.2.
kernel void fence(device atomic_uint* flag [[buffer(0)]],
                  device uint* data [[buffer(1)]],
                  uint i [[thread_position_in_grid]]) {
    data[i] = i;
    atomic_thread_fence(mem_flags::mem_device, memory_order_seq_cst, thread_scope_device);
    atomic_fetch_add_explicit(flag, 1u, memory_order_relaxed);
}
