#include <metal_stdlib>
using namespace metal;

// Counts in threadgroup memory first; the sum in floats and the extremes go straight to memory.
kernel void histogram(device const uchar* x [[buffer(0)]],
                      device atomic_uint* counts [[buffer(1)]],
                      device float* sum [[buffer(2)]],
                      device int* extremes [[buffer(3)]],
                      device uint* claimed [[buffer(4)]],
                      constant int& n [[buffer(5)]],
                      uint i [[thread_position_in_grid]],
                      uint thread_index [[thread_index_in_threadgroup]]) {
    threadgroup atomic_uint local_counts[256];
    threadgroup atomic_int seen;
    for (uint bin = thread_index; bin < 256u; bin += 64u) {
        atomic_store_explicit(&local_counts[bin], 0u, memory_order_relaxed);
    }
    if (thread_index == 0u) atomic_store_explicit(&seen, 0, memory_order_relaxed);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    if (int(i) < n) {
        const int value = int(x[i]);
        atomic_fetch_add_explicit(local_counts + value, 1u, memory_order_relaxed);
        atomic_fetch_add_explicit(&seen, 1, memory_order_relaxed);
        atomic_fetch_add_explicit((device atomic_float*)sum, float(value), memory_order_relaxed);
        atomic_fetch_min_explicit((device atomic_int*)extremes, value, memory_order_relaxed);
        atomic_fetch_max_explicit((device atomic_int*)(extremes + 1), value, memory_order_relaxed);
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (uint bin = thread_index; bin < 256u; bin += 64u) {
        const uint count = atomic_load_explicit(&local_counts[bin], memory_order_relaxed);
        atomic_fetch_add_explicit(counts + bin, count, memory_order_relaxed);
    }
    if (thread_index == 0u) {
        // A 64-bit-free sum of all counts by compare and exchange.
        device atomic_uint* total = (device atomic_uint*)claimed;
        const uint mine = uint(atomic_load_explicit(&seen, memory_order_relaxed));
        uint expected = atomic_load_explicit(total, memory_order_relaxed);
        while (!atomic_compare_exchange_weak_explicit(total, &expected, expected + mine,
                                                      memory_order_relaxed,
                                                      memory_order_relaxed)) {
        }
        atomic_exchange_explicit((device atomic_uint*)(claimed + 1), 77u, memory_order_relaxed);
    }
}
