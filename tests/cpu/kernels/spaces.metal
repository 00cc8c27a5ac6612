#include <metal_stdlib>
using namespace metal;

struct Pair {
    float first;
    int second;
};

template <typename T>
inline T twice(T value) {
    return value + value;
}

inline void bump(thread float& value, thread int* count) {
    value += 1.0f;
    *count += 1;
}

inline float last(threadgroup const Pair* pairs, uint count) {
    return pairs[count - 1u].first;
}

inline void put(device float* target, float value) {
    *target = value;
}

// Pointers and references into every address space; one piece of memory seen as two types.
kernel void spaces(device const float* x [[buffer(0)]],
                   device float* out [[buffer(1)]],
                   constant float4* scale [[buffer(2)]],
                   constant float* weights [[buffer(3)]],
                   uint i [[thread_position_in_grid]],
                   uint thread_index [[thread_index_in_threadgroup]]) {
    alignas(16) threadgroup uchar memory[512];
    threadgroup Pair pairs[32];
    threadgroup float total, spare;
    threadgroup float* floats = (threadgroup float*)(memory + 128);
    threadgroup int* integers = reinterpret_cast<threadgroup int*>(&memory[384]);
    float value = x[i];
    int count = 0;
    bump(value, &count);
    floats[thread_index] = twice(value);
    integers[thread_index] = count + int(thread_index);
    pairs[thread_index].first = value;
    pairs[thread_index].second = integers[thread_index];
    if (thread_index == 0u) {
        total = 3.0f;
        spare = 4.0f;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
    threadgroup float& shared_total = total;
    const threadgroup Pair& next = pairs[(thread_index + 1u) % 32u];
    threadgroup const float* end = floats + 32;
    const float sum = *--end + next.first * scale->y + weights[thread_index & 3u];
    put(out + i, sum + float(next.second) + last(pairs, 32u) + shared_total + spare +
                     scale[0].zw.x + float(end - floats));
}
