// Barriers, fences, and on the host the exchange of operands within a SIMD-group.
#pragma once

// Every operation of a SIMD-group takes the line of its call, to name it when lanes diverge.
#if TRIMETAL_HOST
#define TRIMETAL_LINE , uint trimetal_line = __builtin_LINE()
#else
#define TRIMETAL_LINE
#endif

namespace metal {

enum class mem_flags : uint {
    mem_none = 0,
    mem_device = 1,
    mem_threadgroup = 2,
    mem_texture = 4,
    mem_threadgroup_imageblock = 8,
    mem_object_data = 16
};
METAL_FUNC constexpr mem_flags operator|(mem_flags a, mem_flags b) {
    return mem_flags((uint)a | (uint)b);
}
METAL_FUNC constexpr mem_flags operator&(mem_flags a, mem_flags b) {
    return mem_flags((uint)a & (uint)b);
}

enum memory_order {
    memory_order_relaxed = 0,
#if __METAL_VERSION__ >= 320
    memory_order_seq_cst = 5
#endif
};

#if __METAL_VERSION__ >= 320
enum thread_scope {
    thread_scope_thread = 0,
    thread_scope_simdgroup = 1,
    thread_scope_threadgroup = 2,
    thread_scope_device = 3
};
METAL_FUNC void atomic_thread_fence(mem_flags, memory_order,
                                    thread_scope = thread_scope_device) {
#if TRIMETAL_HOST && defined(__SANITIZE_THREAD__)
    // The sanitizer knows no fences: it takes all of them as one atomic.
    static int all_fences;
    __atomic_fetch_add(&all_fences, 1, __ATOMIC_SEQ_CST);
#elif TRIMETAL_HOST
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
#elif TRIMETAL_CUDA
    __threadfence();
#endif
}
#endif

#if TRIMETAL_HOST
METAL_FUNC void threadgroup_barrier(mem_flags TRIMETAL_LINE) {
    TRIMETAL_COUNT_THREADGROUP(barriers);
    trimetal::services->barrier(trimetal_line);
}
METAL_FUNC void simdgroup_barrier(mem_flags TRIMETAL_LINE) {
    TRIMETAL_COUNT_SIMDGROUP(simdgroup_barriers);
    trimetal::services->exchange(trimetal_line, "simdgroup_barrier", nullptr);
}
#elif TRIMETAL_CUDA
// Both order the memory of the threads that meet, device and threadgroup memory alike.
METAL_FUNC void threadgroup_barrier(mem_flags) { __syncthreads(); }
METAL_FUNC void simdgroup_barrier(mem_flags) { __syncwarp(); }
#else
METAL_FUNC void threadgroup_barrier(mem_flags) {}
METAL_FUNC void simdgroup_barrier(mem_flags) {}
#endif

} // namespace metal

#if TRIMETAL_HOST
namespace trimetal {

// A thread stays on its lane: the compiler may ask once.
static __attribute__((const, noinline)) Lane* this_lane() { return services->lane(); }

template <class T> METAL_FUNC T load_slot(const Simdgroup& simdgroup, uint parity, uint lane) {
    static_assert(sizeof(T) <= slot_bytes, "an operand does not fit a slot");
    T value;
    __builtin_memcpy(&value, simdgroup.slots[parity][lane], sizeof value);
    return value;
}
template <class T>
METAL_FUNC void store_slot(Simdgroup& simdgroup, uint parity, uint lane, const T& value) {
    static_assert(sizeof(T) <= slot_bytes, "an operand does not fit a slot");
    __builtin_memcpy(simdgroup.slots[parity][lane], &value, sizeof value);
}

// One lane's part in an operation: it leaves its operand, meets the others, and reads results.
struct Meeting {
    Lane* lane;
    uint parity;
    template <class T>
    METAL_FUNC Meeting(const T& operand, uint line, const char* operation, Combine combine)
        : lane(this_lane()) {
        Simdgroup& simdgroup = *lane->simdgroup;
        store_slot(simdgroup, simdgroup.epoch & 1, lane->index, operand);
        parity = services->exchange(line, operation, combine);
    }
    template <class T> METAL_FUNC T result(uint from) const {
        return load_slot<T>(*lane->simdgroup, parity, from & (simd_width - 1));
    }
};

} // namespace trimetal
#endif
