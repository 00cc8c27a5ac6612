// A warp is a SIMD-group: the operations behind simd.hpp as shuffles of 32-bit words.
#pragma once

namespace trimetal {

METAL_FUNC uint lane_index() { return threadIdx.x & 31u; }
// The lanes that exist: the last SIMD-group of a threadgroup may have fewer.
METAL_FUNC uint members() {
    constexpr uint last = TRIMETAL_THREADS % 32;
    if constexpr (last == 0) return ~0u;
    else return threadIdx.x < TRIMETAL_THREADS - last ? ~0u : (1u << last) - 1u;
}

template <class T> METAL_FUNC T fetch(const T& value, uint source) {
    constexpr uint words = (sizeof(T) + 3) / 4;
    uint parts[words];
    parts[words - 1] = 0;
    memcpy(parts, &value, sizeof value);
    for (uint i = 0; i < words; ++i) parts[i] = __shfl_sync(members(), parts[i], (int)source);
    T result;
    memcpy(&result, parts, sizeof result);
    return result;
}

// Every lane takes its partner's at half the distance each time: all end with the same value, since
// both partners add the same two. Lanes that do not exist give nothing.
template <class Op, uint Width, class T> METAL_FUNC T reduce(T value) {
    for (uint distance = Width / 2; distance != 0; distance /= 2) {
        const uint partner = lane_index() ^ distance;
        const T other = fetch(value, partner);
        if ((members() >> partner) & 1u) value = Op::apply(value, other);
    }
    return members() == ~0u ? value : fetch(value, lane_index() & ~(Width - 1));
}
template <class Op, bool Inclusive, class T> METAL_FUNC T scan(T value) {
    const uint lane = lane_index();
    for (uint distance = 1; distance < 32; distance *= 2) {
        const T before = fetch(value, lane - distance);
        if (lane >= distance) value = Op::apply(before, value);
    }
    if constexpr (Inclusive) return value;
    const T before = fetch(value, lane - 1);
    return lane == 0 ? Op::template identity<T>() : before;
}
METAL_FUNC uint ballot(bool vote) { return __ballot_sync(members(), vote); }

} // namespace trimetal

#define TRIMETAL_MOVE(source, distance) trimetal::fetch(value, source)
#define TRIMETAL_FETCH(source) trimetal::fetch(value, source)
#define TRIMETAL_REDUCE(Op, width) trimetal::reduce<Op, width>(value)
#define TRIMETAL_SCAN(Op, inclusive) trimetal::scan<Op, inclusive>(value)
#define TRIMETAL_BALLOT(vote) trimetal::ballot(vote)
