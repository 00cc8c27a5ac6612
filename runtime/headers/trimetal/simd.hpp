// Operations of a SIMD-group and of a quad: shuffles, reductions, scans and votes.
//
// All lanes must reach one together. Operands are the 8-, 16- and 32-bit integers, float, half and
// their vectors: not bool, not 64-bit integers, not bfloat.
#pragma once

namespace trimetal {

template <class E> constexpr bool is_simd_element =
    (is_integer<E> && sizeof(E) <= 4) || is_same_v<E, float> || is_same_v<E, half>;
template <class T> constexpr bool is_simd_operand = is_simd_element<element_of<T>>;
template <class T> constexpr bool is_simd_bits =
    is_simd_operand<T> && is_integer<element_of<T>>;

// Sums and products of integers wrap, whatever their sign.
struct Sum {
    template <class T> static METAL_FUNC T apply(T a, T b) {
        if constexpr (is_integer<T>) return T(uint(a) + uint(b));
        else return T(a + b);
    }
    template <class T> static METAL_FUNC T identity() { return T(element_of<T>(0)); }
};
struct Product {
    template <class T> static METAL_FUNC T apply(T a, T b) {
        if constexpr (is_integer<T>) return T(uint(a) * uint(b));
        else return T(a * b);
    }
    template <class T> static METAL_FUNC T identity() { return T(element_of<T>(1)); }
};
struct Min {
    template <class T> static METAL_FUNC T apply(T a, T b) { return metal::min(a, b); }
};
struct Max {
    template <class T> static METAL_FUNC T apply(T a, T b) { return metal::max(a, b); }
};
struct And {
    template <class T> static METAL_FUNC T apply(T a, T b) { return T(a & b); }
};
struct Or {
    template <class T> static METAL_FUNC T apply(T a, T b) { return T(a | b); }
};
struct Xor {
    template <class T> static METAL_FUNC T apply(T a, T b) { return T(a ^ b); }
};

#if TRIMETAL_HOST
METAL_FUNC uint lane_index() { return this_lane()->index; }

// A shuffle's operand travels with its distance, which must be the same in all lanes.
template <class T> struct Moved {
    T value;
    ushort distance;
};
template <class T>
METAL_FUNC T move(T value, uint source, ushort distance, uint line, const char* operation) {
    TRIMETAL_COUNT_SIMDGROUP(simd_operations);
    const Moved<T> mine = {value, distance};
    const Meeting meeting(mine, line, operation, nullptr);
    const Moved<T> theirs = meeting.template result<Moved<T>>(source);
    if (__builtin_expect(theirs.distance != distance, 0))
        services->fail(line,
                       "the lane or distance of a SIMD-group operation differs between lanes");
    return theirs.value;
}
template <class T> METAL_FUNC T fetch(T value, uint source, uint line, const char* operation) {
    TRIMETAL_COUNT_SIMDGROUP(simd_operations);
    return Meeting(value, line, operation, nullptr).template result<T>(source);
}

// Reductions halve the group as hardware does: lane i takes lane i + 16, then i + 8, ...
template <class T, class Op, uint Width> void reduce_slots(Simdgroup& simdgroup, uint parity) {
    for (uint first = 0; first < simd_width; first += Width) {
        T values[Width];
        bool present[Width];
        for (uint i = 0; i < Width; ++i) {
            values[i] = load_slot<T>(simdgroup, parity, first + i);
            present[i] = (simdgroup.members >> (first + i)) & 1;
        }
        for (uint half_width = Width / 2; half_width != 0; half_width /= 2)
            for (uint i = 0; i < half_width; ++i)
                if (present[i + half_width])
                    values[i] = Op::apply(values[i], values[i + half_width]);
        store_slot(simdgroup, parity, first, values[0]);
    }
}
template <class T, class Op, bool Inclusive> void scan_slots(Simdgroup& simdgroup, uint parity) {
    T before = Op::template identity<T>();
    for (uint i = 0; i < simd_width && (simdgroup.members >> i) & 1; ++i) {
        const T value = load_slot<T>(simdgroup, parity, i);
        // The first value passes unchanged: 0 + -0 would be +0.
        const T after = i == 0 ? value : Op::apply(before, value);
        store_slot(simdgroup, parity, i, Inclusive ? after : before);
        before = after;
    }
}
template <class Op, uint Width, class T>
METAL_FUNC T reduce(T value, uint line, const char* operation) {
    TRIMETAL_COUNT_SIMDGROUP(simd_operations);
    const Meeting meeting(value, line, operation, &reduce_slots<T, Op, Width>);
    return meeting.template result<T>(meeting.lane->index & ~(Width - 1));
}
template <class Op, bool Inclusive, class T>
METAL_FUNC T scan(T value, uint line, const char* operation) {
    TRIMETAL_COUNT_SIMDGROUP(simd_operations);
    const Meeting meeting(value, line, operation, &scan_slots<T, Op, Inclusive>);
    return meeting.template result<T>(meeting.lane->index);
}
METAL_FUNC uint ballot(bool vote, uint line, const char* operation) {
    TRIMETAL_COUNT_SIMDGROUP(simd_operations);
    const Meeting meeting((uint)vote, line, operation, nullptr);
    uint votes = 0;
    for (uint i = 0; i < simd_width && (meeting.lane->simdgroup->members >> i) & 1; ++i)
        votes |= meeting.template result<uint>(i) << i;
    return votes;
}
METAL_FUNC uint members() { return this_lane()->simdgroup->members; }
#define TRIMETAL_MOVE(source, distance)                                                            \
    trimetal::move(value, source, (ushort)(distance), trimetal_line, __func__)
#define TRIMETAL_FETCH(source) trimetal::fetch(value, source, trimetal_line, __func__)
#define TRIMETAL_REDUCE(Op, width) trimetal::reduce<Op, width>(value, trimetal_line, __func__)
#define TRIMETAL_SCAN(Op, inclusive) trimetal::scan<Op, inclusive>(value, trimetal_line, __func__)
#define TRIMETAL_BALLOT(vote) trimetal::ballot(vote, trimetal_line, __func__)
#elif !TRIMETAL_CUDA
METAL_FUNC uint lane_index() { return 0u; }
METAL_FUNC uint members() { return ~0u; }
#define TRIMETAL_MOVE(source, distance) value
#define TRIMETAL_FETCH(source) value
#define TRIMETAL_REDUCE(Op, width) value
#define TRIMETAL_SCAN(Op, inclusive) value
#define TRIMETAL_BALLOT(vote) (uint)(vote)
#endif

} // namespace trimetal

#if TRIMETAL_CUDA
#include "cuda/simd.hpp"
#endif

namespace metal {

#define TRIMETAL_SIMD                                                                              \
    template <class T, class = enable_if_t<trimetal::is_simd_operand<T>>> METAL_FUNC
#define TRIMETAL_SIMD_BITS                                                                         \
    template <class T, class = enable_if_t<trimetal::is_simd_bits<T>>> METAL_FUNC
#define TRIMETAL_ME trimetal::lane_index()

// Any source lane; each lane may name another.
TRIMETAL_SIMD T simd_shuffle(T value, ushort lane TRIMETAL_LINE) { return TRIMETAL_FETCH(lane); }
TRIMETAL_SIMD T simd_broadcast(T value, ushort lane TRIMETAL_LINE) {
    return TRIMETAL_MOVE(lane, lane);
}
TRIMETAL_SIMD T simd_broadcast_first(T value TRIMETAL_LINE) { return TRIMETAL_FETCH(0); }
TRIMETAL_SIMD T simd_shuffle_xor(T value, ushort mask TRIMETAL_LINE) {
    return TRIMETAL_MOVE(TRIMETAL_ME ^ mask, mask);
}
// Lanes that the source would lie outside of keep their own value.
TRIMETAL_SIMD T simd_shuffle_down(T value, ushort delta TRIMETAL_LINE) {
    const uint me = TRIMETAL_ME;
    return TRIMETAL_MOVE(me + delta < 32u ? me + delta : me, delta);
}
TRIMETAL_SIMD T simd_shuffle_up(T value, ushort delta TRIMETAL_LINE) {
    const uint me = TRIMETAL_ME;
    return TRIMETAL_MOVE(me >= delta ? me - delta : me, delta);
}
TRIMETAL_SIMD T simd_shuffle_rotate_down(T value, ushort delta TRIMETAL_LINE) {
    return TRIMETAL_MOVE(TRIMETAL_ME + delta, delta);
}
TRIMETAL_SIMD T simd_shuffle_rotate_up(T value, ushort delta TRIMETAL_LINE) {
    return TRIMETAL_MOVE(TRIMETAL_ME - delta, delta);
}
// The lanes that would come from outside take the other end of `filling`, moved along.
TRIMETAL_SIMD T simd_shuffle_and_fill_down(T value, T filling, ushort delta TRIMETAL_LINE) {
    const uint me = TRIMETAL_ME;
    const T inside = TRIMETAL_MOVE(me + delta, delta);
    value = filling;
    const T outside = TRIMETAL_MOVE(me + delta, delta);
    return me + delta < 32u ? inside : outside;
}
TRIMETAL_SIMD T simd_shuffle_and_fill_up(T value, T filling, ushort delta TRIMETAL_LINE) {
    const uint me = TRIMETAL_ME;
    const T inside = TRIMETAL_MOVE(me - delta, delta);
    value = filling;
    const T outside = TRIMETAL_MOVE(me - delta, delta);
    return me >= delta ? inside : outside;
}

TRIMETAL_SIMD T simd_sum(T value TRIMETAL_LINE) { return TRIMETAL_REDUCE(trimetal::Sum, 32); }
TRIMETAL_SIMD T simd_product(T value TRIMETAL_LINE) {
    return TRIMETAL_REDUCE(trimetal::Product, 32);
}
TRIMETAL_SIMD T simd_min(T value TRIMETAL_LINE) { return TRIMETAL_REDUCE(trimetal::Min, 32); }
TRIMETAL_SIMD T simd_max(T value TRIMETAL_LINE) { return TRIMETAL_REDUCE(trimetal::Max, 32); }
TRIMETAL_SIMD_BITS T simd_and(T value TRIMETAL_LINE) { return TRIMETAL_REDUCE(trimetal::And, 32); }
TRIMETAL_SIMD_BITS T simd_or(T value TRIMETAL_LINE) { return TRIMETAL_REDUCE(trimetal::Or, 32); }
TRIMETAL_SIMD_BITS T simd_xor(T value TRIMETAL_LINE) { return TRIMETAL_REDUCE(trimetal::Xor, 32); }
TRIMETAL_SIMD T simd_prefix_inclusive_sum(T value TRIMETAL_LINE) {
    return TRIMETAL_SCAN(trimetal::Sum, true);
}
TRIMETAL_SIMD T simd_prefix_exclusive_sum(T value TRIMETAL_LINE) {
    return TRIMETAL_SCAN(trimetal::Sum, false);
}
TRIMETAL_SIMD T simd_prefix_inclusive_product(T value TRIMETAL_LINE) {
    return TRIMETAL_SCAN(trimetal::Product, true);
}
TRIMETAL_SIMD T simd_prefix_exclusive_product(T value TRIMETAL_LINE) {
    return TRIMETAL_SCAN(trimetal::Product, false);
}

TRIMETAL_SIMD T quad_broadcast(T value, ushort lane TRIMETAL_LINE) {
    return TRIMETAL_MOVE((TRIMETAL_ME & ~3u) + (lane & 3u), lane);
}
TRIMETAL_SIMD T quad_shuffle(T value, ushort lane TRIMETAL_LINE) {
    return TRIMETAL_FETCH((TRIMETAL_ME & ~3u) + (lane & 3u));
}
TRIMETAL_SIMD T quad_shuffle_xor(T value, ushort mask TRIMETAL_LINE) {
    return TRIMETAL_MOVE(TRIMETAL_ME ^ (mask & 3u), mask);
}
TRIMETAL_SIMD T quad_sum(T value TRIMETAL_LINE) { return TRIMETAL_REDUCE(trimetal::Sum, 4); }
TRIMETAL_SIMD T quad_min(T value TRIMETAL_LINE) { return TRIMETAL_REDUCE(trimetal::Min, 4); }
TRIMETAL_SIMD T quad_max(T value TRIMETAL_LINE) { return TRIMETAL_REDUCE(trimetal::Max, 4); }

#undef TRIMETAL_SIMD
#undef TRIMETAL_SIMD_BITS
#undef TRIMETAL_ME

class simd_vote {
  public:
    typedef ulong vote_t;
    METAL_FUNC explicit simd_vote(vote_t votes) : votes_(votes) {}
    METAL_FUNC explicit operator vote_t() const { return votes_; }
    METAL_FUNC bool any() const { return votes_ != 0; }
    METAL_FUNC bool all() const { return (uint)votes_ == trimetal::members(); }

  private:
    vote_t votes_;
};
METAL_FUNC simd_vote simd_ballot(bool vote TRIMETAL_LINE) {
    return simd_vote(TRIMETAL_BALLOT(vote));
}
METAL_FUNC bool simd_any(bool vote TRIMETAL_LINE) { return TRIMETAL_BALLOT(vote) != 0u; }
METAL_FUNC bool simd_all(bool vote TRIMETAL_LINE) { return TRIMETAL_BALLOT(!vote) == 0u; }
METAL_FUNC simd_vote simd_active_threads_mask() { return simd_vote(trimetal::members()); }
METAL_FUNC bool simd_is_first() { return trimetal::lane_index() == 0u; }

} // namespace metal
#undef TRIMETAL_MOVE
#undef TRIMETAL_FETCH
#undef TRIMETAL_REDUCE
#undef TRIMETAL_SCAN
#undef TRIMETAL_BALLOT
