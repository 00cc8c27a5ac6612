// What a kernel does while it runs, counted (host only, with TRIMETAL_PROFILE).
//
// Accesses are counted as the text makes them, once a thread; what a SIMD-group does together, once
// a SIMD-group; a barrier, once a threadgroup. A profiled launch has one OS thread, so that plain
// counters do.
#pragma once

#if TRIMETAL_HOST
namespace trimetal {

enum class Space : uint { device, threadgroup, constant };

// The order of all fields is that of runtime/profile.py.
struct Traffic {
    ulong loads, stores;                    // of threads, a vector being one
    ulong fragment_loads, fragment_stores;  // of SIMD-groups
    ulong atomics;                          // of threads
    ulong bytes_loaded, bytes_stored;       // by loads and stores of both kinds, not by atomics
};
struct Counts {
    Traffic spaces[3];
    ulong multiply_accumulates;             // of SIMD-groups: 8 x 8 x 8
    ulong simd_operations;                  // of SIMD-groups: shuffles, reductions, scans, votes
    ulong simdgroup_barriers;
    ulong barriers;
    ulong threadgroups;
    ulong threadgroup_bytes;                // declared, of all threadgroups together
};

#if TRIMETAL_PROFILE
static Counts counts;

#define TRIMETAL_COUNT(field) (void)(++trimetal::counts.field)
// Where all lanes of a SIMD-group, or all threads of a threadgroup, come by together.
#define TRIMETAL_COUNT_SIMDGROUP(field)                                                            \
    (void)(trimetal::counts.field += trimetal::services->lane()->index == 0)
#define TRIMETAL_COUNT_THREADGROUP(field) TRIMETAL_ADD_THREADGROUP(field, 1)
#define TRIMETAL_ADD_THREADGROUP(field, amount)                                                    \
    (void)(trimetal::counts.field += trimetal::services->lane()->thread == 0 ? (amount) : 0)

template <Space S> TRIMETAL_INLINE void count_load(ulong bytes) {
    Traffic& traffic = counts.spaces[(uint)S];
    ++traffic.loads;
    traffic.bytes_loaded += bytes;
}
template <Space S> TRIMETAL_INLINE void count_store(ulong bytes) {
    Traffic& traffic = counts.spaces[(uint)S];
    ++traffic.stores;
    traffic.bytes_stored += bytes;
}
TRIMETAL_INLINE void count_arguments(ulong count, ulong bytes) {
    counts.spaces[(uint)Space::constant].loads += count;
    counts.spaces[(uint)Space::constant].bytes_loaded += bytes;
}
template <Space S> TRIMETAL_INLINE void count_fragment(bool load, ulong element_bytes) {
    Traffic& traffic = counts.spaces[(uint)S];
    ++(load ? traffic.fragment_loads : traffic.fragment_stores);
    (load ? traffic.bytes_loaded : traffic.bytes_stored) += 64 * element_bytes;
}
#else
#define TRIMETAL_COUNT(field) (void)0
#define TRIMETAL_COUNT_SIMDGROUP(field) (void)0
#define TRIMETAL_COUNT_THREADGROUP(field) (void)0
#define TRIMETAL_ADD_THREADGROUP(field, amount) (void)0
template <Space S> TRIMETAL_INLINE void count_fragment(bool, ulong) {}
#endif

}  // namespace trimetal
#endif
